"""Delivery of events: which CAM words receive what a neuron or an input sends. Integers only; no Brian2."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .configuration import LARGEST_HOP, LARGEST_TAG
from .errors import DynapseError
from .facts import CORES_PER_CHIP, NEURONS_PER_CHIP, NEURONS_PER_CORE, SYNAPSES_PER_NEURON

ALL_CORES = 2**CORES_PER_CHIP - 1
WORDS_PER_CORE = NEURONS_PER_CORE * SYNAPSES_PER_NEURON
_HOPS = (-LARGEST_HOP, LARGEST_HOP)
EVENT = {"tag": (0, LARGEST_TAG), "core": (0, ALL_CORES), "x_hop": _HOPS, "y_hop": _HOPS}  # smallest, largest value


def realised(configuration, inputs: pd.DataFrame | None = None) -> pd.DataFrame:
    """Which CAM words receive an event of which neuron or input: the connectivity that the chips will have.

    Parameters
    ----------
    configuration : Configuration
        What the chips hold.
    inputs : pandas.DataFrame, optional
        Events from outside, a row each; integer columns tag, core (mask), x_hop and y_hop, counted from chip 0.

    Returns
    -------
    pandas.DataFrame
        A row for every event that a word receives: as many rows as events, if a neuron sends several. Columns
        source (1024*chip + 256*core + neuron, or -1 - row number of `inputs` for an event from outside), chip, core,
        neuron and cam of the word. Neurons come first, in ascending order, then inputs.

    Raises
    ------
    DynapseError
        If an event from outside is none: a tag or core mask out of range, more than 7 hops.

    Notes
    -----
    An event reaches the words whose dendrite is not none, whose tag is its own, in the cores of its mask, on the chip
    at its hops. Events that leave the board, such as read-outs, reach none. A word with an empty weight mask counts.
    """
    sent = sent_by_neurons(configuration)
    if inputs is not None:
        events = {name: integers(inputs, name) for name in EVENT}
        for name, (low, high) in EVENT.items():
            wrong = np.flatnonzero(outside(events[name], low, high))
            if wrong.size:
                found = events[name][wrong[0]]
                raise DynapseError(f"{name} of event {wrong[0]} from outside is {found}; {name} is {low}..{high}")
        more = sent_from(configuration, -1 - np.arange(len(inputs)), 0, events)
        sent = {name: np.concatenate([sent[name], more[name]]) for name in more}
    source, word, _ = received(configuration, sent)
    chip, core, neuron, cam = np.unravel_index(word, configuration.synapse_tag.shape)
    return pd.DataFrame({"source": source, "chip": chip, "core": core, "neuron": neuron, "cam": cam})


def sent_by_neurons(configuration) -> dict[str, np.ndarray]:
    """One event for every used destination, with the chip that it reaches (-1: none)."""
    chip, core, neuron, _ = used = np.nonzero(configuration.destination_core)
    events = {name: getattr(configuration, f"destination_{name}")[used].astype(int) for name in EVENT}
    return sent_from(configuration, chip * NEURONS_PER_CHIP + core * NEURONS_PER_CORE + neuron, chip, events)


def sent_from(configuration, source: np.ndarray, chip, events: dict) -> dict[str, np.ndarray]:
    """Events (columns of `EVENT`) with their source and the chip that they reach; `chip` is where they start."""
    at = {tuple(position): k for k, position in enumerate(configuration.positions.tolist())}
    column, row = configuration.positions[chip].T.astype(int)
    places = zip((column + events["x_hop"]).tolist(), (row + events["y_hop"]).tolist(), strict=True)
    return events | {"source": source, "chip": np.array([at.get(place, -1) for place in places], dtype=int)}


def received(configuration, sent: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, int]:
    """Sources and flat numbers of the words that receive their events; how often no word of a core receives one."""
    row, core = np.nonzero((sent["core"][:, None] >> np.arange(CORES_PER_CHIP) & 1) * (sent["chip"] >= 0)[:, None])
    event = (sent["chip"][row] * CORES_PER_CHIP + core) * (LARGEST_TAG + 1) + sent["tag"][row]
    words = np.flatnonzero(configuration.synapse_dendrite)
    accepts = words // WORDS_PER_CORE * (LARGEST_TAG + 1) + configuration.synapse_tag.ravel()[words]
    order = np.argsort(accepts, kind="stable")
    first, last = (np.searchsorted(accepts[order], event, side) for side in ("left", "right"))
    count = last - first
    which = np.repeat(np.arange(count.size), count)
    offset = np.arange(which.size) - np.repeat(np.cumsum(count) - count, count)
    return sent["source"][row][which], words[order][first[which] + offset], int((count == 0).sum())


def to_the_output(sent: dict[str, np.ndarray]) -> np.ndarray:
    """Events in the form of a read-out: to all cores, 7 hops west. They are read out if no chip is there."""
    return (sent["core"] == ALL_CORES) & (sent["x_hop"] == -LARGEST_HOP) & (sent["y_hop"] == 0)


def integers(table: pd.DataFrame, name: str) -> np.ndarray:
    """A column of integers; an empty one may have any type."""
    values = table[name].to_numpy()
    if values.size and values.dtype.kind not in "iub":
        raise DynapseError(f"column {name} has type {values.dtype}; give integers")
    return values.astype(int)


def outside(values: np.ndarray, low: int, high: int) -> np.ndarray:
    """Where values are not low..high."""
    return (values < low) | (values > high)
