"""Placement: populations to cores, neurons to physical neurons. Integers only; no Brian2.

All neurons of a core share one set of biases. Populations are put on as few cores as possible, split as little as
possible, and near what they project to; a mixed-integer linear program finds the optimum, first fit is the fallback.
"""

from __future__ import annotations

import numpy as np

from . import placement_program
from .demand import Demand
from .errors import MappingError, RoomError, unknown_name
from .facts import CORES_PER_CHIP, NEURONS_PER_CHIP, NEURONS_PER_CORE, SYNAPSES_PER_NEURON


def places_asked(demand: Demand, place, chips: int | None = None) -> dict[str, list[int]]:
    """Cores (4*chip + core) that a user chose for populations.

    Parameters
    ----------
    demand : Demand
        The network.
    place : mapping of str to (chip, core), or to a list of such pairs
        A population with several cores may be split over them; its neurons follow their order.
    chips : int, optional
        Number of chips of the board.

    Raises
    ------
    MappingError
        For a population or a core that does not exist, or one that is fixed elsewhere.
    """
    names = {population.name: population for population in demand.populations}
    board = f"chips 0..{chips - 1}" if chips else "chips from 0 on"
    asked = {}
    for name, cores in (place or {}).items():
        if name not in names:
            raise unknown_name("population of the network", name, names)
        pairs = _pairs(cores)
        if not pairs or any(not (0 <= k < (chips or np.inf) and 0 <= core < CORES_PER_CHIP) for k, core in pairs):
            raise MappingError(
                f"place of {name} is {cores!r}; give (chip, core) or a list of such pairs, {board} and cores 0..3"
            )
        asked[name] = list(dict.fromkeys(CORES_PER_CHIP * chip + core for chip, core in pairs))
        if names[name].physical is not None:
            elsewhere = set((names[name].physical // NEURONS_PER_CORE).tolist()) - set(asked[name])
            if elsewhere:
                raise MappingError(
                    f"{name} is to be placed on {_core_names(asked[name])}, but was made with physical=... "
                    f"on {_core_names(sorted(elsewhere))}; leave out one of the two"
                )
    for population in demand.populations if chips else ():
        last = -1 if population.physical is None else int(population.physical.max()) // NEURONS_PER_CHIP
        if last >= chips:
            raise MappingError(
                f"neurons of {population.name} were made with physical=... on chip {last}, but the board has {board}; "
                "give more chips, map_network(..., chips=...), or other neurons"
            )
    return asked


def _pairs(cores) -> list[list[int]]:
    """A pair (chip, core), or a sequence of them, as a list; empty if it is something else."""
    try:
        pairs = np.asarray(list(cores))
    except (TypeError, ValueError):
        return []
    pairs = pairs[None] if pairs.shape == (2,) else pairs
    return pairs.tolist() if pairs.shape[1:] == (2,) and pairs.dtype.kind in "iu" else []


def check_bias_sets(demand: Demand, cores_of: dict[str, list[int]]) -> None:
    """Populations that are told to share a core share all biases; raises MappingError."""
    first = {}
    for population in demand.populations:
        for core in cores_of.get(population.name, []):
            other = first.setdefault(core, population)
            for bias, code in population.codes.items():
                if code != other.codes[bias]:
                    raise MappingError(
                        f"{bias}: {other.name} has {tuple(other.codes[bias])} and {population.name} has {tuple(code)}, "
                        f"but both are placed on {core_name(core)}, whose neurons share all biases; place them on "
                        "different cores, or give them the same code"
                    )


def core_name(core: int) -> str:
    """The core as messages call it."""
    return f"chip {core // CORES_PER_CHIP} core {core % CORES_PER_CHIP}"


def _core_names(cores) -> str:
    return ", ".join(core_name(core) for core in cores)


def place_populations(
    demand: Demand,
    chips: int,
    asked: dict[str, list[int]],
    needs: np.ndarray,
    capacity: np.ndarray,
    order: np.ndarray,
    avoid: np.ndarray,
    most: int = NEURONS_PER_CORE,
) -> np.ndarray:
    """Number of neurons of every population on every core.

    Parameters
    ----------
    demand : Demand
        The network.
    chips : int
        Chips of the board.
    asked : dict
        See `places_asked`.
    needs : numpy.ndarray of int
        CAM words that each neuron needs.
    capacity : numpy.ndarray of int
        Usable CAM words of each physical neuron, shape (cores, 256).
    order : numpy.ndarray of int
        Cores in the order in which they are preferred.
    avoid : numpy.ndarray of bool
        Cores that do not suit a population, shape (populations, cores). They are taken if a user says so, or if there
        is no other for it.
    most : int
        Neurons to put on a core, where none are fixed.

    Returns
    -------
    numpy.ndarray of int
        Shape (populations, cores).

    Raises
    ------
    MappingError
        If they do not fit; names the resource, what is asked and what there is.
    """
    cores = CORES_PER_CHIP * chips
    fixed = _fixed_counts(demand, cores)
    allowed = np.ones((len(demand.populations), cores), dtype=bool)
    for g, population in enumerate(demand.populations):
        if population.physical is not None:
            allowed[g] = fixed[g] > 0
        elif population.name in asked:
            allowed[g] = np.isin(np.arange(cores), asked[population.name])
        elif not avoid[g].all():
            allowed[g] = ~avoid[g]
    # cores that a population will certainly use; of several that it may use, it need not use all
    certain = {p.name: np.flatnonzero(fixed[g]).tolist() for g, p in enumerate(demand.populations)}
    certain |= {name: cores for name, cores in asked.items() if len(cores) == 1}
    check_bias_sets(demand, certain)
    _check_room(demand, chips, asked)
    counts = None
    if allowed.size <= placement_program.LARGEST:
        counts = placement_program.solve(demand, chips, allowed, fixed, needs, capacity, order, most)
    return first_fit(demand, allowed, fixed, order, most) if counts is None else counts


def _fixed_counts(demand: Demand, cores: int) -> np.ndarray:
    counts = np.zeros((len(demand.populations), cores), dtype=int)
    for g, population in enumerate(demand.populations):
        if population.physical is not None:
            counts[g] = np.bincount(population.physical // NEURONS_PER_CORE, minlength=cores)
    return counts


def _check_room(demand: Demand, chips: int, asked) -> None:
    """Named errors for what cannot fit, however it is arranged."""
    cores = CORES_PER_CHIP * chips
    sizes = ", ".join(f"{population.name} {population.size}" for population in demand.populations)
    board = "1 chip has" if chips == 1 else f"{chips} chips have"
    if demand.neuron_count > cores * NEURONS_PER_CORE:
        raise RoomError(
            f"neurons: {demand.neuron_count} are asked for ({sizes}), {board} {cores * NEURONS_PER_CORE}; "
            "use fewer, or give more chips, map_network(..., chips=...)"
        )
    by_set = {}
    for population in demand.populations:
        by_set.setdefault(population.bias_set, []).append(population)
    cores_needed = [-(-sum(one.size for one in members) // NEURONS_PER_CORE) for members in by_set.values()]
    if sum(cores_needed) > cores:
        sets = "; ".join(
            f"{count} for {', '.join(one.name for one in members)}"
            for count, members in zip(cores_needed, by_set.values(), strict=True)
        )
        raise RoomError(
            f"cores: {sum(cores_needed)} are needed ({sets}), {board} {cores}; all neurons of a core share one set "
            f"of biases, and there are {len(by_set)} sets: give populations the same codes, or give more chips"
        )
    on = {}
    for population in demand.populations:
        if population.name in asked:
            on.setdefault(tuple(sorted(asked[population.name])), []).append(population)
    for places, members in on.items():
        total = sum(one.size for one in members)
        if total > NEURONS_PER_CORE * len(places):
            raise MappingError(
                f"neurons: {total} are placed on {_core_names(places)} "
                f"({', '.join(f'{one.name} {one.size}' for one in members)}), a core has {NEURONS_PER_CORE}; "
                "place some elsewhere, or give a list of cores"
            )


def first_fit(
    demand: Demand, allowed: np.ndarray, fixed: np.ndarray, order: np.ndarray, most: int = NEURONS_PER_CORE
) -> np.ndarray:
    """Populations, larger ones first, to the first core of their bias set with room; split if no core has room for all.

    Parameters and errors as `place_populations`; `allowed` and `fixed` have a row a population, a column a core.
    """
    counts = fixed.copy()
    set_of = {}
    for g, core in zip(*np.nonzero(fixed), strict=True):
        set_of[core] = demand.populations[g].bias_set
    free = [g for g, population in enumerate(demand.populations) if population.physical is None]
    for g in sorted(free, key=lambda g: (int(allowed[g].sum()), -demand.populations[g].size)):
        population = demand.populations[g]
        left = population.size
        mine = [
            core for core in order if allowed[g, core] and set_of.get(core, population.bias_set) == population.bias_set
        ]
        room = {core: max(most - counts[:, core].sum(), 0) for core in mine}
        whole = [core for core in mine if room[core] >= left]
        for core in sorted(whole, key=lambda core: core not in set_of)[:1] or mine:
            taken = min(left, room[core])
            counts[g, core] += taken
            left -= taken
            if taken:
                set_of[core] = population.bias_set
        if left:
            raise RoomError(
                f"neurons: {population.name} has {population.size}, but cores with its biases have room for "
                f"{population.size - left}; use fewer bias sets, another place, or more chips"
            )
    return counts


def place_neurons(
    demand: Demand, counts: np.ndarray, asked: dict[str, list[int]], needs: np.ndarray, capacity: np.ndarray
) -> np.ndarray:
    """Physical neuron of every neuron: those that need more CAM words get those that have more. `Router` tells whether
    these suffice, since synapses can share them.

    Parameters
    ----------
    demand, asked, needs, capacity
        As in `place_populations`.
    counts : numpy.ndarray of int
        Its result.

    Returns
    -------
    numpy.ndarray of int
        1024*chip + 256*core + neuron, shape (neurons,).

    Raises
    ------
    MappingError
        If a physical neuron is asked for twice.
    """
    physical = np.full(demand.neuron_count, -1)
    core_of = np.full(demand.neuron_count, -1)
    for g, population in enumerate(demand.populations):
        members = np.arange(demand.starts[g], demand.starts[g + 1])
        if population.physical is not None:
            physical[members] = population.physical
        else:
            cores = asked.get(population.name) or np.flatnonzero(counts[g]).tolist()
            core_of[members] = np.repeat(cores, counts[g, cores])
    taken, how_often = np.unique(physical[physical >= 0], return_counts=True)
    if np.any(how_often > 1):
        twice = int(taken[how_often > 1][0])
        owners = ", ".join(demand.label(n) for n in np.flatnonzero(physical == twice))
        raise MappingError(
            f"neuron {twice % NEURONS_PER_CORE} of {core_name(twice // NEURONS_PER_CORE)} is asked for by {owners} "
            "(physical=...); give each another one"
        )
    for core in np.unique(core_of[core_of >= 0]):
        members = np.flatnonzero(core_of == core)
        candidates = np.setdiff1d(np.arange(NEURONS_PER_CORE), taken - core * NEURONS_PER_CORE)
        has = capacity[core, candidates]
        if np.all(has == SYNAPSES_PER_NEURON):
            chosen = candidates[: len(members)]  # all alike: in their order
        else:
            wanting = np.argsort(-needs[members], kind="stable")
            best = candidates[np.argsort(-has, kind="stable")[: len(members)]]
            chosen = np.empty(len(members), dtype=int)
            chosen[wanting] = best
        physical[members] = core * NEURONS_PER_CORE + chosen
    return physical
