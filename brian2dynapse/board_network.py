"""The labs' way to wire a chip: groups of neurons, virtual groups, connections, `Network.connect`.

The interface is that of the helper which labs use on top of the vendor's driver; the wiring is by this package's
mapper, seeded, and an error says what is full. It works on the configuration of a simulated board and on the vendor's.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np
import pandas as pd

from . import facts
from .board_driver import BIT_LIST
from .board_profile import read_profile
from .board_tree import Dynapse2Configuration
from .configuration import DESTINATIONS_PER_NEURON, LARGEST_TAG, Configuration, Dendrite
from .demand import KIND, UNSET, Demand, InputGroup, Link, Population
from .errors import DynapseError, MappingError, WiringError
from .extraction import Extract
from .facts import CORES_PER_CHIP, NEURONS_PER_CHIP, NEURONS_PER_CORE
from .mapper import map_demand
from .provenance_record import provenance
from .replay import verify

LARGEST_ID = LARGEST_TAG - 1  # the last tag is the end marker of the vendor's tools


class NeuronGroup:
    """Neurons of one core.

    Attributes
    ----------
    chip, core, size : int
    neurons : list of int or None
        Numbers in the core; chosen by `Network.connect` if they were not given.
    ids : range
        Tags with which they are read out; set by `Network.connect`.
    destinations : dict
        (chip, core mask) to the tags of the neurons there, None for one that sends nothing there.
    """

    def __init__(self, chip: int, core: int, size: int, neurons=None, name: str = ""):
        self.chip, self.core, self.size = chip, core, size
        self.neurons = self.fixed_neurons = neurons
        self.name = name
        self.ids = range(0)
        self.destinations = {}

    def get_ids(self) -> range:
        """Tags with which the neurons are read out."""
        return self.ids

    def get_destinations(self) -> dict:
        """(chip, core mask) to the tags of the neurons there."""
        return self.destinations

    def __repr__(self) -> str:
        return f"<{self.name}: {self.size} neurons, chip {self.chip} core {self.core}>"


class VirtualGroup:
    """Inputs from outside; attributes as of a `NeuronGroup`, without a place."""

    def __init__(self, size: int, name: str = ""):
        self.size, self.name = size, name
        self.ids = range(0)
        self.destinations = {}

    get_ids, get_destinations = NeuronGroup.get_ids, NeuronGroup.get_destinations

    def __repr__(self) -> str:
        return f"<{self.name}: {self.size} virtual neurons>"


class Connection:
    """Synapses from one group to another; attributes are the arguments of `Network.add_connection`."""

    def __init__(self, source, target, **options):
        self.source, self.target = source, target
        self.__dict__.update(options)

    def __repr__(self) -> str:
        return f"<{self.source.name} to {self.target.name}, {self.dendrite.name}>"


class Network:
    """Groups and connections that are wired together.

    Parameters
    ----------
    config : Dynapse2Configuration
        Where it is written, of the driver or simulated; apply it afterwards.
    profile_path : path or list of paths, optional
        The labs' files about failing CAM words, one a chip, or a folder with as many (``cams_profile_*.json``);
        without, all work.
    num_chips : int
        Chips that groups may be on.
    tol : float
        Largest fraction of failed tests with which a CAM word is used.
    seed : int
        Of the connections; the same seed draws the same.
    """

    def __init__(self, config, profile_path=None, num_chips: int = 1, tol: float = 0.1, seed: int = 0):
        self.config = config
        self.num_chips = _whole("num_chips", num_chips, 1, len(config.chips))
        self.seed = _whole("seed", seed, 0)
        self.profile = None if profile_path is None else read_profile(profile_path, len(config.chips), tol)
        self.groups, self.virtual_groups, self.connections = [], [], []
        self.mapping = None

    def add_group(self, chip: int, core: int, size: int, neurons: Sequence[int] | None = None, name: str = ""):
        """Add neurons of a core; `neurons` are their numbers, chosen if not given.

        Returns
        -------
        NeuronGroup
        """
        chip, core = _whole("chip", chip, 0, self.num_chips - 1), _whole("core", core, 0, CORES_PER_CHIP - 1)
        size = _whole("size", size, 1, NEURONS_PER_CORE)
        if neurons is not None:
            neurons = [_whole("neurons", one, 0, NEURONS_PER_CORE - 1) for one in neurons]
            if len(set(neurons)) != size:
                raise DynapseError(f"neurons has {len(set(neurons))} different numbers, size is {size}; let them agree")
        group = NeuronGroup(chip, core, size, neurons, self._name(name or f"group{len(self.groups)}"))
        self.groups.append(group)
        return group

    def add_virtual_group(self, size: int, name: str = ""):
        """Add inputs from outside.

        Returns
        -------
        VirtualGroup
        """
        group = VirtualGroup(_whole("size", size, 1), self._name(name or f"virtual{len(self.virtual_groups)}"))
        self.virtual_groups.append(group)
        return group

    def _name(self, name: str) -> str:
        taken = {group.name for group in (*self.groups, *self.virtual_groups)}
        name = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in str(name))
        name = name if not name[0].isdigit() else f"_{name}"
        while name in taken:
            name += "_"
        return name

    def remove_group(self, group: NeuronGroup) -> None:
        """Take a group and its connections away."""
        self._remove(group, self.groups)

    def remove_virtual_group(self, group: VirtualGroup) -> None:
        """Take a virtual group and its connections away."""
        self._remove(group, self.virtual_groups)

    def _remove(self, group, groups: list) -> None:
        if group not in groups:
            raise DynapseError(f"{group!r} is not a group of this network")
        groups.remove(group)
        self.connections = [one for one in self.connections if group not in (one.source, one.target)]

    def remove_connection(self, source, target) -> None:
        """Take the connections from one group to another away."""
        self.connections = [one for one in self.connections if (one.source, one.target) != (source, target)]

    def add_connection(
        self,
        source,
        target,
        probability: float | None = None,
        dendrite: Dendrite = Dendrite.none,
        weight: Sequence[bool] | None = None,
        repeat: int = 1,
        stp: bool = False,
        precise_delay: bool = False,
        mismatched_delay: bool = False,
        matrix=None,
    ) -> Connection:
        """Connect two groups.

        Parameters
        ----------
        source : NeuronGroup or VirtualGroup
        target : NeuronGroup
        probability : float
            Every target neuron gets int(size of source * probability + 0.5) different sources, drawn. With 1 from real
            neurons, all of them share one tag and, at each target neuron, `repeat` CAM words ("aliasing").
        dendrite : Dendrite
        weight : list of 4 booleans
            Which of the core's weight currents add up.
        repeat : int
            Identical CAM words for each source.
        stp, precise_delay, mismatched_delay : bool
        matrix : list, optional
            Instead of probability and weight: for each target neuron its (number of the source, weight) pairs.

        Raises
        ------
        DynapseError
            For a wrong group, number, dendrite or weight.
        """
        if source not in self.groups and source not in self.virtual_groups:
            raise DynapseError(f"source {source!r} is not a group of this network")
        if target not in self.groups:
            raise DynapseError(f"target {target!r} is not a group of neurons of this network")
        if not isinstance(dendrite, Dendrite) or dendrite is Dendrite.none:
            names = ", ".join(f"Dendrite.{one.name}" for one in Dendrite if one)
            raise DynapseError(f"dendrite is {dendrite!r}; give one of {names}")
        if matrix is None and (probability is None or not 0 < probability <= 1):
            raise DynapseError(f"probability is {probability!r}; give a number above 0, up to 1, or a matrix")
        connection = Connection(
            source,
            target,
            probability=probability,
            dendrite=dendrite,
            weight=weight,
            repeat=_whole("repeat", repeat, 1, facts.SYNAPSES_PER_NEURON),
            stp=bool(stp),
            precise_delay=bool(precise_delay),
            mismatched_delay=bool(mismatched_delay),
            matrix=matrix,
        )
        if matrix is None:
            _mask("weight", weight)
        self.connections.append(connection)
        return connection

    def connect(self) -> None:
        """Draw the connections, choose neurons, tags and CAM words, and write them into the configuration.

        All synapses and destinations of the configuration are replaced; codes, latches and monitors stay. Every neuron
        is read out with its id as the tag, x_hop -7. `mapping` then says where everything is.

        Raises
        ------
        MappingError
            If something is full: names the neurons or sources, the resource, used and available.
        """
        if not self.groups:
            raise DynapseError("the network has no group of neurons; add_group(chip, core, size) first")
        present = _read(self.config)
        chips, demand = len(present), self._demand(present)
        place = {group.name: (group.chip, group.core) for group in self.groups}
        extract = Extract(demand, {}, [], {}, pd.DataFrame(), [], provenance(present, seed=self.seed))
        mapping = map_demand(extract, chips, present.positions, place, self.profile, self.seed)
        verify(mapping)
        self.mapping = mapping
        self._take_places(mapping)
        arrays = {name: array for name, array in mapping.configuration.arrays().items() if name.startswith("synapse")}
        arrays["synapse_stp"] = self._depressing(mapping)
        arrays |= self._destinations(mapping)
        _write(present.replace(labels=mapping.configuration.labels, **arrays), self.config)

    def _demand(self, present: Configuration) -> Demand:
        populations = []
        for group in self.groups:
            codes = dict(
                zip(facts.core_biases(), map(tuple, present.core_codes[group.chip, group.core].tolist()), strict=True)
            )
            first = NEURONS_PER_CHIP * group.chip + NEURONS_PER_CORE * group.core
            fixed = None if group.fixed_neurons is None else first + np.array(group.fixed_neurons, dtype=int)
            dendrites = tuple(one.name for one in Dendrite if one)
            read_out = np.ones(group.size, dtype=bool)
            populations.append(
                Population(group.name, group.size, codes, frozenset(), dendrites, read_out, (), fixed)
            )  # latches stay as they are
        inputs = tuple(InputGroup(group.name, group.size) for group in self.virtual_groups)
        sizes = [group.size for group in (*self.groups, *self.virtual_groups)]
        starts = dict(zip((*self.groups, *self.virtual_groups), np.cumsum([0, *sizes[:-1]]).tolist(), strict=True))
        tables, links = [], []
        for k, one in enumerate(self.connections):
            shared = self._shared(one)
            links.append(Link(f"{one.source.name}_to_{one.target.name}_{k}", one.source.name, one.target.name, shared))
            i, j, masks = self._drawn(one, k)
            table = pd.DataFrame({"link": k, "number": np.arange(len(i))})
            table["source"], table["target"] = i + starts[one.source], j + starts[one.target]
            table["dendrite"], table["weight"] = int(one.dendrite), masks
            table["precise_delay"], table["mismatched_delay"] = int(one.precise_delay), int(one.mismatched_delay)
            table["stp"] = int(one.stp and not shared)  # a shared word that depresses gets its bit afterwards
            tables.append(table)
        columns = ["link", "number", "source", "target", *KIND]
        synapses = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns, dtype=int)
        return Demand(tuple(populations), inputs, tuple(links), synapses.assign(cam=UNSET, tag=UNSET))

    def _shared(self, connection: Connection) -> bool:
        return connection.matrix is None and connection.probability == 1 and connection.source in self.groups

    def _drawn(self, connection: Connection, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sources, targets and weight masks of a connection."""
        size, targets = connection.source.size, connection.target.size
        if connection.matrix is not None:
            return _of_matrix(connection.matrix, connection)
        count = int(size * connection.probability + 0.5)
        if not count:
            raise WiringError(f"{connection!r}: {connection.probability} of {size} sources is none")
        generator = np.random.default_rng([self.seed, number])
        i = np.concatenate([np.sort(generator.choice(size, count, replace=False)) for _ in range(targets)])
        i, j = np.repeat(i, connection.repeat), np.repeat(np.arange(targets), count * connection.repeat)
        return i, j, np.full(len(i), _mask("weight", connection.weight))

    def _take_places(self, mapping) -> None:
        """Neurons, ids and destinations of the groups."""
        count = 0
        for group in (*self.virtual_groups, *self.groups):
            group.ids = range(count, count + group.size)
            count += group.size + 1  # one is left free between groups, as scripts expect
        if count - 2 > LARGEST_ID:
            raise MappingError(
                f"ids: {count - 2} are needed, {LARGEST_ID} are available, one for each neuron and virtual neuron and "
                "one between groups; use fewer or smaller groups"
            )
        for group in self.groups:
            rows = mapping.neurons["population"] == group.name
            group.neurons = mapping.neurons.loc[rows, "neuron"].tolist()
            group.destinations = {}
            found = mapping.configuration
            for k, neuron in enumerate(group.neurons):
                for d in range(DESTINATIONS_PER_NEURON - 1):
                    word = (group.chip, group.core, neuron, d)
                    if found.destination_core[word]:
                        key = (group.chip + int(found.destination_x_hop[word]), int(found.destination_core[word]))
                        group.destinations.setdefault(key, [None] * group.size)[k] = int(found.destination_tag[word])
        for group in self.virtual_groups:
            group.destinations = {}
            rows = mapping.inputs[mapping.inputs["group"] == group.name]
            for row in rows.itertuples():
                key = (int(row.x_hop), int(row.core))
                group.destinations.setdefault(key, [None] * group.size)[int(row.index)] = int(row.tag)

    def _depressing(self, mapping) -> np.ndarray:
        """The bit of depression, on shared words too; the mapper gives each source a word where its history counts."""
        bits = mapping.configuration.synapse_stp.copy()
        names = [link.name for k, link in enumerate(mapping.demand.links) if self.connections[k].stp]
        rows = mapping.synapses[mapping.synapses["connection"].isin(names)]
        bits[tuple(rows[name].to_numpy() for name in ("chip", "core", "neuron", "cam"))] = True
        return bits

    def _destinations(self, mapping) -> dict[str, np.ndarray]:
        """Destinations with the read-out first, and with ids as its tags."""
        order = [DESTINATIONS_PER_NEURON - 1, *range(DESTINATIONS_PER_NEURON - 1)]
        arrays = {}
        for name in ("tag", "core", "x_hop", "y_hop"):
            arrays[f"destination_{name}"] = getattr(mapping.configuration, f"destination_{name}")[..., order]
        for group in self.groups:
            arrays["destination_tag"][group.chip, group.core, group.neurons, 0] = group.ids
        return arrays


def _of_matrix(matrix, connection: Connection) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if len(matrix) != connection.target.size:
        raise DynapseError(
            f"matrix has {len(matrix)} rows; give one for each of {connection.target.size} target neurons"
        )
    rows = []
    for target, pairs in enumerate(matrix):
        for source, weight in pairs:
            source = _whole(f"matrix, source of target {target},", source, 0, connection.source.size - 1)
            rows += [(source, target, _mask(f"matrix, weight of target {target},", weight))] * connection.repeat
    return tuple(np.array(rows, dtype=int).reshape(-1, 3).T)


def _mask(what: str, weight) -> int:
    try:
        return BIT_LIST.stored(weight)
    except (TypeError, ValueError):
        raise DynapseError(
            f"{what} is {weight!r}; give {BIT_LIST.allowed}, one for each of the weights W0..W3"
        ) from None


def _whole(what: str, value, low: int, high: int | None = None) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = low - 1
    if isinstance(value, bool) or number < low or (high is not None and number > high):
        raise DynapseError(
            f"{what} is {value!r}; give an integer, {low}" + (f"..{high}" if high is not None else " or more")
        )
    return number


def _read(config) -> Configuration:
    if isinstance(config, Dynapse2Configuration):
        memory = config._memory
        return memory.configuration(Configuration(memory.chips), list(memory.arrays))
    return Configuration.from_driver(config)


def _write(configuration: Configuration, config) -> None:
    if isinstance(config, Dynapse2Configuration):
        config._memory.take(configuration)
    else:
        configuration.to_driver(config)
