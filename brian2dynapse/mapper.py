"""`map_network`: a Brian2 network to what the chip holds."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary

import numpy as np
import pandas as pd
from brian2 import Network
from brian2.devices.device import get_device

from . import facts, weight_fit
from .chip import Chip
from .chip_profile import ChipProfile
from .configuration import (
    DESTINATIONS_PER_NEURON,
    LARGEST_HOP,
    NOT_MONITORED,
    Configuration,
    Dendrite,
    blank,
    default_positions,
)
from .demand import Demand
from .errors import DynapseError, MappingError, RoomError, TagError, unknown_name
from .extraction import Extract, extract
from .facts import CORES_PER_CHIP, NEURONS_PER_CHIP, NEURONS_PER_CORE, SYNAPSES_PER_NEURON
from .labels import InputLabel, Labels, PopulationLabel
from .mapping import Mapping
from .placement import place_neurons, place_populations, places_asked
from .profile_files import LARGEST_CHIPS
from .provenance_record import provenance
from .replay import verify
from .routing import Router, check_hops, hops
from .tags import Tagger, Words, check_asked_words, usable_tags

CHIPS_OF_A_BOARD = 4  # as many are taken as needed, if their number is not given


def map_network(
    net,
    chip: Chip | None = None,
    place=None,
    seed: int = 0,
    chips=None,
    positions=None,
    weight_error="absolute",
    move=True,
) -> Mapping:
    """Map a network to the memory of one or several chips.

    Parameters
    ----------
    net : brian2.Network
        `Neurons`, `Connection`, what they get events from (virtual neurons, outside the chip), monitors. A spike
        monitor reads its neurons out, which costs each a destination; a state monitor puts the first neuron that it
        records on each core onto the core's analog monitor.
    chip : Chip, optional
        The individual to map to, by default that of the neurons, which must then be on one. Its `profile` says what
        works; without one the chip is taken to have no defects.
    place : mapping, optional
        Population to (chip, core), or to a list of these, over which it may be split. Others are placed freely.
        Populations that were made with ``physical=...`` or are nodes of the diffusion grid stay where they are.
    seed : int
        Of the search for weight codes and of second attempts; the same seed gives the same mapping.
    chips : int, optional
        Number of chips of the board. By default that of the profile or of `positions`, else as many as needed, up to 4.
    positions : array_like of int, optional
        Column and row of every chip, shape (chips, 2); by default `configuration.default_positions`.
    weight_error : str
        What is least for real-valued weights: ``"absolute"`` or ``"relative"`` error, squared.
    move : bool
        Whether populations and synapses of the network take the places that they were given, and so the mismatch of
        these, if they are on this chip.

    Returns
    -------
    Mapping
        Verified.

    Raises
    ------
    MappingError
        If the network does not fit; names the resource, who needs it, used and available.
    DynapseError
        For arguments of a wrong kind.
    """
    if not isinstance(net, Network):
        raise DynapseError(f"net is {type(net).__name__}; give a brian2.Network")
    if chip is not None and not isinstance(chip, Chip):
        raise DynapseError(f"chip is {type(chip).__name__}; give a brian2dynapse.Chip")
    if place is not None and not isinstance(place, Dictionary):
        raise DynapseError(f"place is {place!r}; give {{population: (chip, core)}}")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise DynapseError(f"seed is {seed!r}; give a non-negative integer")
    if not isinstance(weight_error, str) or weight_error not in weight_fit.ERRORS:
        raise unknown_name("weight_error", weight_error, weight_fit.ERRORS)
    if not isinstance(move, (bool, np.bool_)):
        raise DynapseError(f"move is {move!r}; give True, or False to leave the network where it is")
    extracted = extract(net, seed, weight_error, chip)
    chip = chip or _chip_of(extracted.groups)
    profile = chip.profile
    if positions is None and chips is None and profile is None:
        positions = getattr(net, "positions", None)  # of a network that was made of a configuration
    positions = None if positions is None else _checked_positions(positions)
    boards = _boards(extracted.demand, place, chips, positions, profile)
    for count in boards:
        try:
            where = default_positions(count) if positions is None else positions
            mapping = map_demand(extracted, count, where, place, profile, seed)
            break
        except (RoomError, TagError):
            if count == boards[-1]:
                raise
    verify(mapping)
    if move and not getattr(get_device(), "has_been_run", False):
        _move(extracted, mapping, chip)
    return mapping


def _boards(demand: Demand, place, chips, positions, profile: ChipProfile | None) -> list[int]:
    """Numbers of chips to try."""
    given = {"chips": chips, "positions": None if positions is None else len(positions)}
    given["the profile of the chip"] = None if profile is None else profile.chips
    given = {name: number for name, number in given.items() if number is not None}
    for name, number in given.items():
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or not 1 <= number <= LARGEST_CHIPS:
            raise DynapseError(f"{name} is {number!r}; give a number of chips, 1..{LARGEST_CHIPS}")
    if len(set(given.values())) > 1:
        raise MappingError(
            "numbers of chips differ: " + ", ".join(f"{name} {number}" for name, number in given.items())
        )
    fixed = [p.physical.max() // NEURONS_PER_CHIP for p in demand.populations if p.physical is not None]
    asked = [core // CORES_PER_CHIP for cores in places_asked(demand, place).values() for core in cores]
    if given:
        number = int(next(iter(given.values())))
        places_asked(demand, place, number)
        return [number]
    least = int(max([*fixed, *asked], default=0)) + 1
    if least > LARGEST_CHIPS:
        places_asked(demand, place, LARGEST_CHIPS)
    return list(range(least, max(least, CHIPS_OF_A_BOARD) + 1))


def _chip_of(groups: dict) -> Chip:
    """The individual that neurons are on; ideal chips are no individuals."""
    chips = {id(group.chip): group for group in groups.values() if group.chip.individual or group.chip.profile}
    if len(chips) > 1:
        raise DynapseError(
            f"{' and '.join(group.name for group in chips.values())} are on different chips (one Chip object is one "
            "individual); make them with the same one, or say which, map_network(net, chip=...)"
        )
    ideal = {repr(group.chip): group for group in groups.values()}
    if not chips and len(ideal) > 1:
        raise DynapseError(
            f"{' and '.join(group.name for group in ideal.values())} are on chips with different constants "
            f"({', '.join(ideal)}); make them with the same one, or say which, map_network(net, chip=...)"
        )
    return next(iter([*chips.values(), *groups.values()])).chip


def _checked_positions(positions) -> np.ndarray:
    try:
        array = np.asarray(positions)
    except ValueError:  # rows of different lengths
        array = np.empty(0)
    if array.ndim != 2 or array.shape[1] != 2 or not len(array) or array.dtype.kind not in "iu":
        raise DynapseError(f"positions is {positions!r}; give integers (column, row) of every chip, shape (chips, 2)")
    places, counts = np.unique(array, axis=0, return_counts=True)
    if np.any(counts > 1):
        twice = tuple(places[np.argmax(counts)].tolist())
        raise DynapseError(
            f"positions: chips {np.flatnonzero(np.all(array == twice, axis=1)).tolist()} are all at {twice}; give each "
            "a place of its own"
        )
    return array


def map_demand(extracted: Extract, chips: int, positions, place, profile, seed: int) -> Mapping:
    """The first attempt that works; the first error if none does."""
    cores = CORES_PER_CHIP * chips
    generator = np.random.default_rng([seed, chips])
    attempts = [(np.arange(cores), NEURONS_PER_CORE, True)]
    if profile is not None:  # cores differ
        attempts += [(generator.permutation(cores), NEURONS_PER_CORE, careful) for careful in (True, True, False)]
    evenly = -(-extracted.demand.neuron_count // cores)
    attempts += [(np.arange(cores), most, False) for most in (2 * evenly, evenly) if most < NEURONS_PER_CORE]
    errors = []
    for order, most, careful in attempts:
        if most < NEURONS_PER_CORE and not any(isinstance(error, TagError) for error in errors):
            break  # fewer sources reach a core with fewer neurons; that helps where tags are short, only
        try:
            return _attempt(extracted, chips, positions, place, profile, order, most, careful)
        except MappingError as error:
            errors.append(error)
            if isinstance(error, RoomError) and profile is None:
                break
    raise next((error for error in errors if not isinstance(error, RoomError)), errors[0])


def _attempt(extracted: Extract, chips: int, positions, place, profile, order, most: int, careful: bool) -> Mapping:
    demand = extracted.demand
    asked = places_asked(demand, place, chips)
    capacity = np.full((CORES_PER_CHIP * chips, NEURONS_PER_CORE), SYNAPSES_PER_NEURON)
    avoid = np.zeros((len(demand.populations), len(capacity)), dtype=bool)
    unplaced = Router(
        demand, np.zeros(demand.neuron_count, dtype=int), np.full(demand.neuron_count, SYNAPSES_PER_NEURON)
    )
    shared = unplaced.intended()
    needs = np.minimum(unplaced.words_needed(shared), SYNAPSES_PER_NEURON)
    if profile is not None:
        capacity = profile.usable.any(axis=-1).sum(axis=-1).reshape(capacity.shape)
        if careful:
            avoid = unplaced.tags_needed(shared)[:, None] > usable_tags(profile).sum(axis=-1)
    counts = place_populations(demand, chips, asked, needs, capacity, order, avoid, most)
    physical = place_neurons(demand, counts, asked, needs, capacity)
    check_asked_words(demand, physical, profile)
    router = Router(demand, physical, capacity.ravel()[physical])
    routes = router.route()
    check_hops(demand, routes, physical, positions)
    words = Tagger(demand, routes, physical, profile, chips).assign()
    return _mapping(extracted, physical, routes, words, chips, positions, profile)


def _mapping(extracted: Extract, physical, routes, words: Words, chips, positions, profile) -> Mapping:
    demand, notes = extracted.demand, list(extracted.notes)
    if profile is None:
        notes.append("no profile of the chip: it is taken to have no defects")
    if not demand.read_out.any():
        notes.append("no population has a SpikeMonitor: no spike is read out of the chips")
    arrays = {name: blank(name, chips) for name in ("core_codes", "latches", "monitored")}
    arrays |= {name: blank(name, chips) for name in ("destination_tag", "destination_core")}
    arrays |= {name: blank(name, chips) for name in ("destination_x_hop", "destination_y_hop")}
    chip, core, neuron = places = np.unravel_index(physical, (chips, CORES_PER_CHIP, NEURONS_PER_CORE))
    latches = list(facts.latch_table())
    for k, population in enumerate(demand.populations):
        members = slice(demand.starts[k], demand.starts[k + 1])
        codes = [population.codes[name] for name in facts.core_biases()]
        arrays["core_codes"][chip[members], core[members]] = codes
        on = np.array([name in population.latches for name in latches])
        arrays["latches"][chip[members], core[members], neuron[members]] = on
        notes += _watch(arrays["monitored"], population, demand.starts[k], places)
    word = routes.word_target
    table = demand.synapses
    for name in ("tag", "weight", "dendrite", "precise_delay", "mismatched_delay", "stp"):
        values = words.tag if name == "tag" else table[name].to_numpy()[routes.first]
        arrays[f"synapse_{name}"] = blank(f"synapse_{name}", chips)
        arrays[f"synapse_{name}"][chip[word], core[word], neuron[word], words.cam] = values
    inputs = _destinations(arrays, demand, words.sends, places, positions)
    configuration = Configuration(chips, positions=positions, labels=_labels(demand, physical, inputs), **arrays)
    sharing = np.bincount(routes.word_of)[routes.word_of] if len(table) else np.empty(0, dtype=int)
    for k, link in enumerate(demand.links):
        of_link = (table["link"] == k).to_numpy()
        if np.any(sharing[of_link] > 1):
            notes.append(
                f"{link.name}: sources share tags and CAM words ({of_link.sum()} synapses in "
                f"{len(np.unique(routes.word_of[of_link]))} words); on the chip events of different sources that meet "
                "within a pulse merge"
            )
    return Mapping(
        configuration=configuration,
        demand=demand,
        neurons=_neuron_table(demand, configuration, places),
        synapses=_synapse_table(demand, places, words, routes, sharing),
        inputs=inputs,
        profile=profile,
        asked_currents=extracted.asked_currents,
        tables={name: group.biases.table for name, group in extracted.groups.items()},
        weights=extracted.weights,
        notes=tuple(notes),
        provenance=provenance(extracted.made_with, configuration),
    )


def _watch(monitored: np.ndarray, population, start: int, places) -> list[str]:
    """Put recorded neurons onto the analog monitors of their cores, one a core."""
    notes = []
    for index in population.monitored:
        chip, core, neuron = (int(one[start + index]) for one in places)
        if monitored[chip, core] == NOT_MONITORED:
            monitored[chip, core] = neuron
        elif not notes:
            notes.append(
                f"{population.name}: state monitors record more neurons than the chip's analog monitors show, one a "
                f"core; {population.name}[{index}] is the first that is not shown"
            )
    return notes


def _destinations(arrays, demand: Demand, sends: np.ndarray, places, positions) -> pd.DataFrame:
    """Write the SRAM words of the neurons; what inputs have to send is returned."""
    chip, core, neuron = places
    slots = np.zeros(demand.neuron_count, dtype=int)
    rows = []
    for source, target, tag, mask in sends.tolist():
        if source >= demand.neuron_count:
            k = demand.group_of[source]
            x, y = hops(positions, 0, target)
            rows.append((demand.groups[k].name, source - demand.starts[k], source, tag, mask, x, y))
            continue
        x, y = hops(positions, chip[source], target)
        where = (chip[source], core[source], neuron[source], slots[source])
        for name, value in (("tag", tag), ("core", mask), ("x_hop", x), ("y_hop", y)):
            arrays[f"destination_{name}"][where] = value
        slots[source] += 1
    for source in np.flatnonzero(demand.read_out):
        if positions[chip[source], 0] - LARGEST_HOP >= positions[:, 0].min():
            raise MappingError(
                f"read-out of {demand.label(source)}: x_hop -{LARGEST_HOP} would end in a column of the board "
                f"from chip {chip[source]}; do not record its spikes, or place it in the first {LARGEST_HOP} columns"
            )
        where = (chip[source], core[source], neuron[source], DESTINATIONS_PER_NEURON - 1)
        arrays["destination_tag"][where] = NEURONS_PER_CORE * core[source] + neuron[source]
        arrays["destination_core"][where] = (1 << CORES_PER_CHIP) - 1
        arrays["destination_x_hop"][where] = -LARGEST_HOP
    return pd.DataFrame(rows, columns=["group", "index", "source", "tag", "core", "x_hop", "y_hop"])


def _labels(demand: Demand, physical: np.ndarray, inputs: pd.DataFrame) -> Labels:
    populations = tuple(
        PopulationLabel(one.name, tuple(physical[demand.starts[k] : demand.starts[k + 1]].tolist()), one.dendrites)
        for k, one in enumerate(demand.populations)
    )
    groups = []
    for group in demand.inputs:
        events = inputs.loc[inputs["group"] == group.name, ["index", "tag", "core", "x_hop", "y_hop"]]
        if len(events):  # inputs without synapses send nothing
            groups.append(InputLabel(group.name, group.size, tuple(map(tuple, events.to_numpy().tolist()))))
    return Labels(populations, tuple(groups))


def _neuron_table(demand: Demand, configuration: Configuration, places) -> pd.DataFrame:
    group = demand.group_of[: demand.neuron_count]
    return pd.DataFrame(
        {
            "population": [demand.groups[k].name for k in group],
            "index": np.arange(demand.neuron_count) - demand.starts[group],
            "chip": places[0],
            "core": places[1],
            "neuron": places[2],
            "cams": (configuration.synapse_dendrite != 0).sum(axis=-1)[places],
            "destinations": (configuration.destination_core != 0).sum(axis=-1)[places],
            "read_out": demand.read_out[: demand.neuron_count],
        }
    )


def _synapse_table(demand: Demand, places, words: Words, routes, sharing: np.ndarray) -> pd.DataFrame:
    table = demand.synapses
    group_names = np.array([group.name for group in demand.groups], dtype=object)
    link_names = np.array([link.name for link in demand.links], dtype=object)
    dendrites = {int(one): one.name for one in Dendrite}
    source, target = table["source"].to_numpy(dtype=int), table["target"].to_numpy(dtype=int)
    of_source, of_target = demand.group_of[source], demand.group_of[target]
    return pd.DataFrame(
        {
            "connection": link_names[table["link"].to_numpy(dtype=int)],
            "number": table["number"].to_numpy(),
            "source": group_names[of_source],
            "source_index": source - demand.starts[of_source],
            "target": group_names[of_target],
            "target_index": target - demand.starts[of_target],
            "chip": places[0][target],
            "core": places[1][target],
            "neuron": places[2][target],
            "cam": words.cam[routes.word_of],
            "tag": words.tag[routes.word_of],
            "dendrite": table["dendrite"].map(dendrites).to_numpy(),
            "weight": table["weight"].to_numpy(),
            "precise_delay": table["precise_delay"].to_numpy(dtype=bool),
            "mismatched_delay": table["mismatched_delay"].to_numpy(dtype=bool),
            "stp": table["stp"].to_numpy(dtype=bool),
            "sharing": sharing,
        }
    )


def _move(extracted: Extract, mapping: Mapping, chip: Chip) -> None:
    """Populations and synapses of the network take their places on the chip: all of them, or none."""
    groups = [one for one in extracted.groups.values() if _same(one.chip, chip) and not one.placed_by_hand]
    connections = [
        one for one in extracted.connections if _same(one.neurons.chip, chip) and one.tags is None and len(one)
    ]
    before = [(one, one.physical) for one in groups] + [(one, one.cams) for one in connections if len(one.cams)]
    places = mapping.neurons[["chip", "core", "neuron"]].to_numpy() @ [NEURONS_PER_CHIP, NEURONS_PER_CORE, 1]
    words = mapping.synapses.groupby("connection")["cam"]
    try:
        for group in groups:
            group.move(places[(mapping.neurons["population"] == group.name).to_numpy()])
        for connection in connections:
            connection.move(words.get_group(connection.name).to_numpy())
    except DynapseError:  # for example a delay of seconds in one of the places
        for one, place in before:
            one.move(place)
        raise


def _same(own: Chip, other: Chip) -> bool:
    """Whether places mean the same on both: one individual, or two ideal chips."""
    return own is other or not (own.individual or other.individual)
