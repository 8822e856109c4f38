"""Events on their way into and out of a simulated board: stamps, hops, queues. Integers only; no Brian2.

An event is routed first along x, then along y, and loses a hop for every chip edge that it crosses. One that is sent
west beyond the first column leaves the board there and is read out, with the hops that it has left: a neuron of chip
0 with x_hop -7 is seen with x_hop -6, one of chip 1, a column further east, with x_hop -5. That is why a script can
tell chips apart. Events from outside enter at chip 0.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from .board_driver import STAMPS, NormalGridEvent
from .configuration import Configuration
from .errors import DynapseError
from .facts import CORES_PER_CHIP, NEURONS_PER_CHIP, NEURONS_PER_CORE

HALF = STAMPS // 2
NOWHERE, OUTPUT = -2, -1  # instead of a chip
COLUMNS = ("due", "chip", "core", "tag", "x_hop", "y_hop")
DUE, CHIP, CORE, TAG, X, Y = range(len(COLUMNS))


def due_times(stamps: np.ndarray, now_us: int, zero_us: int) -> np.ndarray:
    """When stamped events are sent.

    Parameters
    ----------
    stamps : numpy.ndarray of int
        Their time stamps, 32 bits.
    now_us : int
        Microseconds on the board's clock.
    zero_us : int
        When its counter was zero.

    Returns
    -------
    numpy.ndarray of int
        Microseconds on the board's clock. A stamp of 0, as scripts use it, or one in the past is sent now. A stamp
        is in the past if that is nearer than its future, counting with the wrap of the counter.
    """
    ahead = (stamps - (now_us - zero_us)) % STAMPS
    ahead[(stamps == 0) | (ahead >= HALF)] = 0
    return now_us + ahead


def stamp(time_us: int, zero_us: int) -> int:
    """Stamp of a time: the counter wraps."""
    return (time_us - zero_us) % STAMPS


class Routes:
    """Where events go on a board.

    Parameters
    ----------
    positions : numpy.ndarray of int
        Column and row of every chip.
    """

    def __init__(self, positions: np.ndarray):
        self._at = {tuple(position): chip for chip, position in enumerate(positions.tolist())}
        self._positions = positions
        self._west = int(positions[:, 0].min())

    def way(self, chip: int, x_hop: int, y_hop: int) -> tuple[int, int]:
        """Chip that an event ends on (or `OUTPUT`, `NOWHERE`), and the x_hop that is left of one that is read out."""
        column, row = self._positions[chip].tolist()
        if column + x_hop < self._west:
            return OUTPUT, x_hop + column - self._west + 1
        return self._at.get((column + x_hop, row + y_hop), NOWHERE), 0

    def read_outs(self, configuration: Configuration) -> dict[int, list[tuple[int, int, int, int]]]:
        """Events that leave the board at a spike: neuron (1024*chip + 256*core + number) to (tag, core, x, y)."""
        found = {}
        used = np.nonzero(configuration.destination_core)
        fields = [getattr(configuration, f"destination_{name}")[used] for name in ("tag", "core", "x_hop", "y_hop")]
        for chip, core, neuron, tag, mask, x, y in zip(
            *(one.tolist() for one in used[:3]), *(one.tolist() for one in fields), strict=True
        ):
            where, left = self.way(chip, x, y)
            if where == OUTPUT:
                found.setdefault((chip * CORES_PER_CHIP + core) * NEURONS_PER_CORE + neuron, []).append(
                    (tag, mask, left, y)
                )
        return found

    def table(self, events, now_us: int, zero_us: int) -> tuple[np.ndarray, np.ndarray]:
        """Events as rows of `COLUMNS`, in the order of their time, and their stamps in the order as given.

        Parameters
        ----------
        events : sequence of NormalGridEvent
            From outside.
        now_us, zero_us : int
            As for `due_times`.

        Raises
        ------
        DynapseError
            If something is no event.
        """
        rows, stamps = [], []
        ways = {}
        for k, event in enumerate(events):
            if type(event) is not NormalGridEvent:
                raise DynapseError(f"events[{k}] is {type(event).__name__}; give a list of NormalGridEvent")
            where = event._store["event"]._store
            hops = (where["x_hop"], where["y_hop"])
            if hops not in ways:
                ways[hops] = self.way(0, *hops)
            chip, left = ways[hops]
            rows.append((0, chip, where["core"], where["tag"], left if chip == OUTPUT else hops[0], hops[1]))
            stamps.append(event._store["timestamp"])
        table = np.array(rows, dtype=np.int64).reshape(-1, len(COLUMNS))
        stamps = np.array(stamps, dtype=np.int64)
        table[:, DUE] = due_times(stamps, now_us, zero_us)
        return table[np.argsort(table[:, DUE], kind="stable")], stamps


class Waiting:
    """Events from outside that are not due yet, in the order of their time; equal ones as they were written."""

    def __init__(self):
        self.rows = np.empty((0, len(COLUMNS)), dtype=np.int64)

    def add(self, table: np.ndarray) -> None:
        """Put a sorted table among those that wait."""
        rows = np.concatenate([self.rows, table])
        in_order = not len(self.rows) or not len(table) or self.rows[-1, DUE] <= table[0, DUE]
        self.rows = rows if in_order else rows[np.argsort(rows[:, DUE], kind="stable")]

    def take(self, until_us: int) -> np.ndarray:
        """Rows that are due by a time; they wait no longer."""
        count = int(np.searchsorted(self.rows[:, DUE], until_us, side="right"))
        due, self.rows = self.rows[:count], self.rows[count:]
        return due


class Output:
    """Events that left the board, in the order of time, until they are read."""

    def __init__(self):
        self._held = []  # (time, tag, core, x, y) that the simulation has not reached yet
        self._ready = deque()

    def __len__(self) -> int:
        return len(self._ready)

    @property
    def oldest_us(self) -> int | None:
        """Time of the first event that was not read."""
        return self._ready[0][0] if self._ready else None

    def add(self, events: list[tuple], until_us: int) -> None:
        """Add events; those up to a time can be read."""
        held = sorted(self._held + events, key=lambda event: event[0])  # stable: equal times as they came
        count = 0
        while count < len(held) and held[count][0] <= until_us:
            count += 1
        self._ready.extend(held[:count])
        self._held = held[count:]

    def read(self) -> list[tuple]:
        """What can be read, once."""
        events = list(self._ready)
        self._ready.clear()
        return events

    def clear(self) -> None:
        """Forget everything, as when the FPGA is reset."""
        self._held, self._ready = [], deque()


def spike_events(spikes: np.ndarray, read_outs: dict, zero: int) -> tuple[list[tuple], list[tuple]]:
    """Events that spikes send out of the board, and the spikes that send none.

    Parameters
    ----------
    spikes : numpy.ndarray of int
        Rows (time_us, chip, core, neuron).
    read_outs : dict
        Of `Routes.read_outs`.
    zero : int
        Added to the times.
    """
    events, unseen = [], []
    for time_us, chip, core, neuron in spikes.tolist():
        outs = read_outs.get(chip * NEURONS_PER_CHIP + core * NEURONS_PER_CORE + neuron)
        if outs is None:
            unseen.append((chip, core, neuron))
            continue
        events += [(time_us + zero, *out) for out in outs]
    return events, unseen
