"""What a simulated board says: the log of configuration changes, and warnings of common mistakes. No Brian2."""

from __future__ import annotations

import warnings
from collections import deque
from dataclasses import dataclass

import numpy as np
import pandas as pd

from . import facts
from .board_clock import BoardWarning
from .board_contents import MONITORED, MONITORING, Memory
from .board_driver import STAMPS
from .board_events import HALF
from .configuration import NOT_MONITORED, Configuration, path_of

KEPT_VALUES = 2_000_000  # of changes in the log, 16 bytes each; older ones leave, with a warning
# Latch without which codes of a circuit do nothing: the bias that says it is wanted, its latch, what it is.
_NEEDS_LATCH = (
    ("SOAD_W_N", "so_adaptation", "adaptation"),
    ("SOIF_DC_P", "so_dc", "the DC input"),
    ("DENM_NMREV_N", "denm_nmda", "the NMDA gate"),
    ("DEAM_REV_N", "de_conductance", "the conductance dendrite"),
)
FAR_US = 600_000_000  # an event stamped further ahead is likely one of the past, from before the counter wrapped
STALE_US = 1_000_000  # events that were not read for longer are of an earlier trial
_OFF_COARSE, _OFF_FINE = 0, 1  # codes up to (0, 1) are how scripts switch a bias off


@dataclass(frozen=True)
class _Change:
    """Values of one array that an assignment changed."""

    time_us: int
    call: str
    name: str
    where: np.ndarray
    before: np.ndarray
    after: np.ndarray


class Log:
    """Changes of what the chips hold, each with its time."""

    def __init__(self):
        self._changes = deque()
        self._values = 0
        self.dropped = 0

    def note(self, time_us: int, call: str, before: Memory, after: Memory, names: list[str]) -> None:
        """Note how arrays of two memories differ."""
        for name in names:
            old, new = before.arrays[name].ravel(), after.arrays[name].ravel()
            where = np.flatnonzero(old != new).astype(np.int32)
            self._changes.append(_Change(time_us, call, name, where, old[where], new[where]))
            self._values += len(where)
        while self._values > KEPT_VALUES and len(self._changes) > 1:
            gone = self._changes.popleft()
            self._values -= len(gone.where)
            if not self.dropped:
                warnings.warn(
                    f"the log of configuration changes keeps {KEPT_VALUES} values; the oldest leave from now on",
                    BoardWarning,
                    stacklevel=5,
                )
            self.dropped += len(gone.where)

    def to_frame(self, memory: Memory) -> pd.DataFrame:
        """A row for every value that changed: time_s, call, path, before, after."""
        rows = []
        for change in self._changes:
            shape = memory.arrays[change.name].shape
            for flat, before, after in zip(
                change.where.tolist(), change.before.tolist(), change.after.tolist(), strict=True
            ):
                path = _path(change.name, np.unravel_index(flat, shape))
                rows.append((change.time_us * 1e-6, change.call, path, int(before), int(after)))
        frame = pd.DataFrame(rows, columns=["time_s", "call", "path", "before", "after"])
        frame.attrs["dropped"] = self.dropped
        return frame


def _path(name: str, index) -> str:
    if name in (MONITORED, MONITORING):
        return path_of("monitored", index).replace("monitored_neuron", name)
    return path_of(name, index)


class Advice:
    """Warnings of what a script is likely not to mean, each once.

    Attributes
    ----------
    given : list of tuple
        (time in microseconds, kind, message).
    """

    def __init__(self):
        self.given = []
        self._told = set()

    def warn(self, time_us: int, kind: str, about, message: str) -> None:
        """Warn, once of a kind about a thing."""
        if (kind, about) in self._told:
            return
        self._told.add((kind, about))
        self.given.append((time_us, kind, message))
        warnings.warn(message, BoardWarning, stacklevel=_outside())

    def to_frame(self) -> pd.DataFrame:
        """A row a warning: time_s, kind, message."""
        rows = [(time_us * 1e-6, kind, message) for time_us, kind, message in self.given]
        return pd.DataFrame(rows, columns=["time_s", "kind", "message"])


def _outside() -> int:
    """How far up the caller outside the package is."""
    import sys

    level, frame = 2, sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("brian2dynapse"):
        level, frame = level + 1, frame.f_back
    return level


def listening(configuration: Configuration) -> np.ndarray:
    """Which tags a core listens to; bool, shape (chips, 4, 2048)."""
    heard = np.zeros((len(configuration), facts.CORES_PER_CHIP, 2048), dtype=bool)
    chip, core, neuron, cam = np.nonzero(configuration.synapse_dendrite)
    heard[chip, core, configuration.synapse_tag[chip, core, neuron, cam]] = True
    return heard


def latches_forgotten(configuration: Configuration) -> list[tuple[tuple, str]]:
    """Cores whose codes want a circuit that no latch of theirs switches on: (what it is about, message) each."""
    names, latches = list(facts.core_biases()), list(facts.latch_table())
    found = []
    for bias, latch, what in _NEEDS_LATCH:
        codes = configuration.core_codes[:, :, names.index(bias)].astype(int)
        changed = np.any(codes != facts.bias(bias).default, axis=-1)
        changed &= (codes[..., 0] > _OFF_COARSE) | (codes[..., 1] > _OFF_FINE)
        on = configuration.latches[..., latches.index(latch)].any(axis=-1)
        for chip, core in np.argwhere(changed & ~on).tolist():
            words = configuration.synapse_dendrite[chip, core], configuration.latches[chip, core]
            if not any(one.any() for one in words):
                continue  # nothing of the core is used
            code = tuple(codes[chip, core].tolist())
            found.append(
                (
                    (bias, chip, core),
                    f"chips[{chip}].cores[{core}]: {bias} is {code}, but {what} is off: no neuron of the core has "
                    f"latch_{latch}",
                )
            )
    return found


def mistakes_of_input(
    stamps: np.ndarray, counter: int, ahead_us: int, unread: int, age_us: int
) -> list[tuple[str, str]]:
    """Common mistakes in events that are written.

    Parameters
    ----------
    stamps : numpy.ndarray of int
        Of the events, in the order in which they are written.
    counter : int
        The board's, now.
    ahead_us : int
        How far ahead the last of them is.
    unread, age_us : int
        Events that were not read so far, and the age of the first.
    """
    found = []
    past = (counter - stamps[stamps != 0]) % STAMPS
    past = past[(past > 0) & (past < HALF)]
    if past.size:
        found.append(
            (
                "past",
                f"{past.size} events are stamped up to {past.max() * 1e-6:.6g} s in the past and are sent at once; add "
                "the board's time to their stamps",
            )
        )
    later = (np.diff(stamps[stamps != 0]) + HALF) % STAMPS - HALF  # across the wrap, too
    if np.any(later < 0):
        found.append(
            (
                "order",
                "stamps of events go back in what was written; here each is sent at its stamp, the queue of a real "
                "board may hold up those behind a later one: sort them",
            )
        )
    if ahead_us > FAR_US:
        found.append(("far", f"an event is stamped {ahead_us * 1e-6:.6g} s ahead; is its stamp of another reset?"))
    if unread and age_us > STALE_US:
        found.append(
            (
                "stale",
                f"{unread} events have not been read, the first is {age_us * 1e-6:.3g} s old; they will be read "
                "together with those of this input",
            )
        )
    return found


def forgotten_changes(trees, memory: Memory) -> list[tuple[tuple, str]]:
    """Configurations of a script that were changed and not applied."""
    found = []
    for tree in list(trees):
        mine = tree._memory
        if mine.changes == mine.applied or mine.chips != memory.chips:
            continue
        names = mine.differing(memory)
        if names:
            array = mine.arrays[names[0]]
            index = np.argwhere(array != memory.arrays[names[0]])[0]
            found.append(
                (
                    (id(tree), mine.changes),
                    f"{_path(names[0], index)} was changed in a configuration that has not been applied since; the "
                    "chips do not know, call model.apply_configuration(config)",
                )
            )
    return found


def silent_cores(unseen, configuration: Configuration, read_outs: dict) -> list[tuple[tuple, str]]:
    """Cores that spiked while none of their neurons is read out or on a monitor."""
    seen = {neuron // facts.NEURONS_PER_CORE for neuron in read_outs}
    found = []
    for chip, core in sorted({(chip, core) for chip, core, _ in unseen}):
        if chip * facts.CORES_PER_CHIP + core in seen or configuration.monitored[chip, core] != NOT_MONITORED:
            continue
        found.append(
            (
                (chip, core),
                f"chips[{chip}].cores[{core}]: neurons spike and none is read out; give them a destination with "
                "x_hop -7, core [True]*4 and a tag of their own",
            )
        )
    return found
