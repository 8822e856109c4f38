"""`to_network`: Brian2 groups that simulate what a configuration makes the chips do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from brian2 import Network, SpikeGeneratorGroup, SpikeMonitor, StateMonitor
from brian2.units import second
from brian2.utils.logger import get_logger

from . import facts
from .biases import Biases
from .chip import Chip
from .circuits import DENDRITES
from .configuration import LARGEST_HOP, NOT_MONITORED, Configuration, Dendrite
from .connection import Connection
from .delivery import realised, sent_by_neurons, to_the_output
from .errors import DynapseError
from .facts import CORES_PER_CHIP, NEURONS_PER_CHIP, NEURONS_PER_CORE
from .neurons import Neurons

logger = get_logger("brian2dynapse.simulation")

UNNAMED_INPUTS = "virtual_inputs"
_DELAY_BITS = {(0, 0): "none", (1, 0): "precise", (0, 1): "mismatched", (1, 1): "both"}


class VirtualInputs(SpikeGeneratorGroup):
    """Inputs from outside the chips, without spikes: give them with ``set_spikes``.

    Parameters
    ----------
    size : int
        Number of inputs.
    sends : pandas.DataFrame
        What they send, a row an event: columns index (of the input), tag, core (mask), x_hop, y_hop.
    name : str
        Of the group.
    """

    def __init__(self, size: int, sends: pd.DataFrame, name: str):
        self._sends = sends
        super().__init__(size, [], [] * second, name=name)

    @property
    def sends(self) -> pd.DataFrame:
        """Events of the inputs (a copy)."""
        return self._sends.copy()


class BoardNetwork(Network):
    """A network that was made of a configuration; it knows where the chips are.

    Parameters
    ----------
    positions : numpy.ndarray of int
        Column and row of every chip, to which `map_network` maps it again.
    *objects
        As for `brian2.Network`.
    """

    def __init__(self, positions: np.ndarray, *objects):
        self.positions = positions
        super().__init__(*objects)


class _Names:
    """Names for objects of one network: what is taken gets an underscore."""

    def __init__(self):
        self.taken = set()

    def free(self, name: str) -> str:
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name


@dataclass
class _Part:
    """Neurons that become one group: physical numbers, and dendrites to integrate."""

    name: str
    neurons: np.ndarray
    dendrites: tuple[str, ...]


def to_network(configuration: Configuration, chip: Chip | None = None, table=None) -> Network:
    """Brian2 groups that simulate what a configuration makes the chips do.

    Parameters
    ----------
    configuration : Configuration
        Any one; cores without used neurons cost nothing.
    chip : Chip, optional
        The individual: its constants and its mismatch, of the very neurons and CAM words; the ideal chip by default.
    table : dac.GeneratorTable, optional
        A measured generator table.

    Returns
    -------
    BoardNetwork
        A `brian2.Network`; objects by name, ``net["pyr"]``. `Neurons`: the labelled populations of the configuration;
        other neurons that are used, by core and latches, ``chip0_core1``. `VirtualInputs`, without spikes: the labelled
        ones, and ``virtual_inputs``, one for every tag that CAM words listen to and nobody sends. `Connection`s. A
        ``SpikeMonitor`` ``spikes_<group>`` of neurons that are read out, and a ``StateMonitor``
        ``monitor_chip0_core1`` (Imem, Vmem) of every neuron on an analog monitor. A name that is taken gets an
        underscore.

    Raises
    ------
    DynapseError
        If `configuration` or `chip` is something else.

    Notes
    -----
    Each source of a CAM word has a synapse of its own here; they share weight, delay and mismatch of the word, but
    not the state of a pulse: on the chip, pulses of different sources that meet merge, and its depression is common
    to them (a warning says where).
    """
    if not isinstance(configuration, Configuration):
        raise DynapseError(f"configuration is {type(configuration).__name__}; give a brian2dynapse.Configuration")
    if chip is not None and not isinstance(chip, Chip):
        raise DynapseError(f"chip is {type(chip).__name__}; give a brian2dynapse.Chip")
    Biases(table=table)  # refuses what is no table
    names = _Names()  # labelled populations and inputs first: they keep theirs
    labelled = _labelled(configuration)
    for label in (*labelled, *configuration.labels.inputs):
        names.free(label.name)
    parts = labelled + _unlabelled(configuration, names)
    _warn_of_split_grids(configuration, parts)
    groups = _groups(configuration, parts, chip or Chip(), table)
    inputs, rows = _inputs(configuration, names)
    connections = _connections(configuration, groups, inputs, rows, names)
    monitors = _monitors(configuration, groups, names)
    return BoardNetwork(configuration.positions, *groups, *inputs, *connections, *monitors)


def _places(neurons: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    chip, within = np.divmod(neurons, NEURONS_PER_CHIP)
    return chip, *np.divmod(within, NEURONS_PER_CORE)


def _alike(configuration: Configuration, neurons: np.ndarray) -> bool:
    """Whether neurons have the same codes and latches, so that one group can hold them."""
    chip, core, neuron = _places(neurons)
    codes, latches = configuration.core_codes[chip, core], configuration.latches[chip, core, neuron]
    return bool(np.all(codes == codes[0]) and np.all(latches == latches[0]))


def _labelled(configuration: Configuration) -> list[_Part]:
    """Populations by their labels, unless their neurons differ by now."""
    parts = [_Part(one.name, np.array(one.neurons), one.dendrites) for one in configuration.labels.populations]
    return [part for part in parts if len(part.neurons) and _alike(configuration, part.neurons)]


def _unlabelled(configuration: Configuration, names: _Names) -> list[_Part]:
    """Other neurons that do anything, by core and latches."""
    used = configuration.used_neurons().ravel()
    for part in _labelled(configuration):
        used[part.neurons] = False
    neurons = np.flatnonzero(used)
    chip, core, neuron = _places(neurons)
    latches = configuration.latches[chip, core, neuron]
    keys = np.column_stack([chip, core, latches])
    different, which = np.unique(keys, axis=0, return_inverse=True)
    parts = []
    for k, key in enumerate(different):
        mine = neurons[which.ravel() == k]
        same_core = sum(np.array_equal(key[:2], other[:2]) for other in different[:k])
        name = names.free(f"chip{key[0]}_core{key[1]}" + (f"_{same_core}" if same_core else ""))
        there = np.unique(configuration.synapse_dendrite[_places(mine)])
        parts.append(_Part(name, mine, tuple(Dendrite(int(one)).name for one in there if one)))
    return parts


def dendrites_in_use(configuration: Configuration) -> np.ndarray:
    """Dendrites that `to_network` integrates: those that a neuron, or another one of its group, has a word for.

    Parameters
    ----------
    configuration : Configuration
        What the chips hold.

    Returns
    -------
    numpy.ndarray of bool
        Shape (1024*chips, 4), in the order of `circuits.DENDRITES`.
    """
    on = np.zeros((len(configuration) * NEURONS_PER_CHIP, len(DENDRITES)), dtype=bool)
    for part in _labelled(configuration) + _unlabelled(configuration, _Names()):
        there = np.unique(configuration.synapse_dendrite[_places(part.neurons)])
        names = {Dendrite(int(one)).name for one in there} | set(part.dendrites)
        on[part.neurons] = [name in names for name in DENDRITES]
    return on


def _groups(configuration: Configuration, parts, chip: Chip, table) -> list[Neurons]:
    latch_names = np.array(list(facts.latch_table()))
    biases, groups = {}, []
    for part in parts:
        first_chip, first_core, first = (int(one[0]) for one in _places(part.neurons))
        codes = configuration.core_codes[first_chip, first_core]
        if codes.tobytes() not in biases:
            named = dict(zip(facts.core_biases(), map(tuple, codes.tolist()), strict=True))
            biases[codes.tobytes()] = Biases(named, table=table)
        latches = set(latch_names[configuration.latches[first_chip, first_core, first]].tolist())
        groups.append(
            Neurons(
                len(part.neurons),
                biases[codes.tobytes()],
                latches,
                chip,
                dendrites=part.dendrites,
                physical=part.neurons,
                name=part.name,
            )
        )
    return groups


def _inputs(configuration: Configuration, names: _Names) -> tuple[list[VirtualInputs], pd.DataFrame]:
    """Groups of inputs, and the words that every source reaches; column group -1 are neurons."""
    columns = ["index", "tag", "core", "x_hop", "y_hop"]
    groups = [
        VirtualInputs(one.size, pd.DataFrame(list(one.events), columns=columns, dtype=int), one.name)
        for one in configuration.labels.inputs
    ]
    tables = [group.sends.assign(group=k) for k, group in enumerate(groups)]
    events = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=[*columns, "group"], dtype=int)
    rows = realised(configuration, events)
    unnamed = _unsent(configuration, rows, columns)
    if len(unnamed):
        size = int(unnamed["index"].max()) + 1
        groups.append(VirtualInputs(size, unnamed, names.free(UNNAMED_INPUTS)))
        events = pd.concat([events, unnamed.assign(group=len(groups) - 1)], ignore_index=True)
        rows = realised(configuration, events)
    source = rows["source"].to_numpy()
    from_outside = source < 0
    group, index = np.full(len(rows), -1), source.copy()
    group[from_outside] = events["group"].to_numpy(dtype=int)[-1 - source[from_outside]]
    index[from_outside] = events["index"].to_numpy(dtype=int)[-1 - source[from_outside]]
    return groups, rows.assign(group=group, index=index)


def _unsent(configuration: Configuration, rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Events for tags that CAM words listen to and nobody sends: an input for each tag, to the cores that listen."""
    waiting = configuration.synapse_dendrite != 0
    waiting[tuple(rows[name].to_numpy() for name in ("chip", "core", "neuron", "cam"))] = False
    chip, core, neuron, cam = np.nonzero(waiting)
    listening = np.unique(
        np.column_stack([configuration.synapse_tag[chip, core, neuron, cam], chip, core]).astype(int), axis=0
    )
    masks = {}
    for tag, chip_number, core_number in listening.tolist():
        masks[tag, chip_number] = masks.get((tag, chip_number), 0) | 1 << core_number
    hops = configuration.positions.astype(int) - configuration.positions[0]
    far = {(tag, chip_number) for tag, chip_number in masks if np.abs(hops[chip_number]).max() > LARGEST_HOP}
    if far:
        tag, chip_number = min(far)
        logger.warn(
            f"{len(far)} tags that nobody sends are heard on chips over {LARGEST_HOP} hops from the first, such as "
            f"tag {tag} on chip {chip_number}; no input reaches them",
            name_suffix="far_inputs",
        )
    masks = {place: mask for place, mask in masks.items() if place not in far}
    tags = np.unique([tag for tag, _ in masks]).astype(int)
    events = [
        (int(np.searchsorted(tags, tag)), tag, mask, *hops[chip_number].tolist())
        for (tag, chip_number), mask in masks.items()
    ]
    return pd.DataFrame(events, columns=columns)


def _connections(configuration: Configuration, groups, inputs, rows: pd.DataFrame, names: _Names) -> list[Connection]:
    """A connection for every pair of groups and kind of synapse."""
    member_of = np.full((len(configuration) * NEURONS_PER_CHIP, 2), -1)
    for k, group in enumerate(groups):
        member_of[group.physical] = np.column_stack([np.full(len(group), k), np.arange(len(group))])
    words = tuple(rows[name].to_numpy() for name in ("chip", "core", "neuron", "cam"))
    target = (words[0] * CORES_PER_CHIP + words[1]) * NEURONS_PER_CORE + words[2]
    neurons = (rows["group"] < 0).to_numpy()
    index = rows["index"].to_numpy().copy()
    source_group = rows["group"].to_numpy() + len(groups)
    source_group[neurons], index[neurons] = member_of[index[neurons]].T
    table = pd.DataFrame(
        {"source": source_group, "i": index, "target": member_of[target, 0], "j": member_of[target, 1]}
    )
    for name in ("dendrite", "precise_delay", "mismatched_delay", "stp", "weight", "tag"):
        table[name] = getattr(configuration, f"synapse_{name}")[words].astype(int)
    table["cam"] = words[3]
    table["word"] = target * facts.SYNAPSES_PER_NEURON + words[3]
    _warn_of_shared_depression(table, groups)
    sources, connections = [*groups, *inputs], []
    kinds = ["source", "target", "dendrite", "precise_delay", "mismatched_delay", "stp"]
    for (source, onto, dendrite, precise, mismatched, stp), mine in table.groupby(kinds):
        mine = mine.sort_values(["j", "cam", "i"], kind="stable")
        delay = _DELAY_BITS[precise, mismatched]
        name = f"{sources[source].name}_to_{groups[onto].name}_{Dendrite(dendrite).name}"
        name += ("" if delay == "none" else f"_{delay}") + ("_std" if stp else "")
        connection = Connection(
            sources[source],
            groups[onto],
            Dendrite(dendrite).name,
            mine["weight"].to_numpy(),
            delay,
            bool(stp),
            name=names.free(name),
        )
        places = {name: mine[column].to_numpy() for name, column in (("cams", "cam"), ("tags", "tag"))}
        connection.connect(i=mine["i"].to_numpy(), j=mine["j"].to_numpy(), **places)
        connections.append(connection)
    return connections


def _warn_of_split_grids(configuration: Configuration, parts) -> None:
    """The diffusion grid of a core is one; here each group has its own."""
    grid, on = list(facts.latch_table()).index("deam_ampa"), []
    for part in parts:
        chip, core, neuron = _places(part.neurons)
        if configuration.latches[chip[0], core[0], neuron[0], grid]:
            on += np.unique(chip * CORES_PER_CHIP + core).tolist()
    for core in sorted({core for core in on if on.count(core) > 1}):
        logger.warn(
            f"chip {core // CORES_PER_CHIP} core {core % CORES_PER_CHIP}: neurons of several groups are nodes of its "
            "AMPA diffusion grid; on the chip it couples them, here each group has a grid of its own",
            name_suffix="split_grid",
        )


def _warn_of_shared_depression(table: pd.DataFrame, groups) -> None:
    depressing = table[table["stp"] > 0]
    shared = depressing[depressing.duplicated("word", keep=False)]
    if len(shared):
        first = shared.iloc[0]
        logger.warn(
            f"{shared['word'].nunique()} depressing CAM words have several sources, first word {first['cam']} of "
            f"{groups[first['target']].name}[{first['j']}]; on the chip their depression is common, here each source "
            "has its own",
            name_suffix="shared_depression",
        )


def _monitors(configuration: Configuration, groups, names: _Names) -> list:
    """Spike monitors of neurons that are read out, and what the analog monitors show."""
    sent = sent_by_neurons(configuration)
    read_out = sent["source"][to_the_output(sent) & (sent["chip"] < 0)]
    chip, core = np.nonzero(configuration.monitored != NOT_MONITORED)
    watched = (chip * CORES_PER_CHIP + core) * NEURONS_PER_CORE + configuration.monitored[chip, core]
    monitors = []
    for group in groups:
        seen = np.flatnonzero(np.isin(group.physical, read_out))
        for k, run in enumerate(np.split(seen, np.flatnonzero(np.diff(seen) > 1) + 1) if len(seen) else ()):
            part = group if len(run) == len(group) else group[int(run[0]) : int(run[-1]) + 1]
            monitors.append(SpikeMonitor(part, name=names.free(f"spikes_{group.name}" + (f"_{k}" if k else ""))))
        for index in np.flatnonzero(np.isin(group.physical, watched)):
            chip_number, core_number, _ = (int(one) for one in _places(group.physical[index]))
            name = names.free(f"monitor_chip{chip_number}_core{core_number}")
            monitors.append(StateMonitor(group, ["Imem", "Vmem"], record=[int(index)], name=name))
    return monitors
