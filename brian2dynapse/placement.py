"""Placement: populations to cores, neurons to physical neurons. Integers only; no Brian2.

All neurons of a core share one set of biases. Populations are put on as few cores as possible, split as little as
possible, and near what they project to; a mixed-integer linear program finds the optimum, first fit is the fallback.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_array

from .demand import Demand
from .errors import MappingError, RoomError, unknown_name
from .facts import CORES_PER_CHIP, NEURONS_PER_CHIP, NEURONS_PER_CORE, SYNAPSES_PER_NEURON

# Weights of the objective: a core in use, a part of a population, a chip that a population projects to.
COST_OF_CORE, COST_OF_PART, COST_OF_CHIP = 10.0, 4.0, 2.0
# Limits of the search: nodes, on one and on several chips, and populations times cores. A limit of time would give other
# results on slower machines. Chips that are alike make the search long; its first node is a good solution already.
NODES, NODES_OF_SEVERAL_CHIPS, LARGEST_PROGRAM = 400, 1, 500


def places_asked(demand: Demand, place, chips: int | None = None) -> dict[str, list[int]]:
    """Cores (4*chip + core) that a user chose for populations.

    Parameters
    ----------
    demand : Demand
        The network.
    place : mapping of str to (chip, core), or to a list of such pairs
        A population with several cores fills them in that order.
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
    demand: Demand, chips: int, asked: dict[str, list[int]], needs: np.ndarray, capacity: np.ndarray, order: np.ndarray
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
    check_bias_sets(demand, {p.name: np.flatnonzero(fixed[g]).tolist() for g, p in enumerate(demand.populations)})
    check_bias_sets(
        demand,
        {p.name: np.flatnonzero(allowed[g]).tolist() for g, p in enumerate(demand.populations) if not allowed[g].all()},
    )
    _check_room(demand, chips, asked)
    counts = None
    if allowed.size <= LARGEST_PROGRAM:
        counts = _Program(demand, chips, allowed, fixed, needs, capacity, order).solve()
    return first_fit(demand, allowed, fixed, order) if counts is None else counts


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
    board = f"{chips} chip{'s' if chips > 1 else ''}"
    if demand.neuron_count > cores * NEURONS_PER_CORE:
        raise RoomError(
            f"neurons: {demand.neuron_count} are asked for ({sizes}), {board} has {cores * NEURONS_PER_CORE}; "
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
            f"cores: {sum(cores_needed)} are needed ({sets}), {board} has {cores}; all neurons of a core share one set "
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


class _Program:
    """The mixed-integer linear program of `place_populations`.

    Variables, population by population and core by core: how many neurons (integer), whether there are any;
    bias set by core: whether the core has this set; population by chip: whether a target of it is there.
    """

    def __init__(self, demand, chips, allowed, fixed, needs, capacity, order):
        self.demand, self.chips = demand, chips
        self.sizes = np.array([population.size for population in demand.populations])
        self.sets = {one: k for k, one in enumerate(dict.fromkeys(p.bias_set for p in demand.populations))}
        self.set_of = [self.sets[population.bias_set] for population in demand.populations]
        g, c, s = len(self.sizes), CORES_PER_CHIP * chips, len(self.sets)
        self.shape = (g, c)
        self.first = dict(zip(("count", "part", "set", "chip"), np.cumsum([0, g * c, g * c, s * c]), strict=True))
        self.size = 2 * g * c + s * c + g * chips
        self.rows, self.lower, self.upper = [], [], []
        self.highest = np.ones(self.size)
        self.lowest = np.zeros(self.size)
        self._count_bounds(allowed, fixed)
        self._objective(order)
        self._constraints(needs, capacity)

    def at(self, kind: str, row: int, column: int) -> int:
        width = self.chips if kind == "chip" else self.shape[1]
        return self.first[kind] + row * width + column

    def _count_bounds(self, allowed, fixed) -> None:
        for g, population in enumerate(self.demand.populations):
            for c in range(self.shape[1]):
                self.highest[self.at("count", g, c)] = min(self.sizes[g], NEURONS_PER_CORE) * allowed[g, c]
                if population.physical is not None:
                    self.lowest[self.at("count", g, c)] = self.highest[self.at("count", g, c)] = fixed[g, c]

    def _objective(self, order) -> None:
        cost = np.zeros(self.size)
        rank = np.argsort(order)
        for c in range(self.shape[1]):
            # equal solutions are told apart by the preferred order of cores: the same result on any machine
            for s in range(len(self.sets)):
                cost[self.at("set", s, c)] = COST_OF_CORE + 0.02 * rank[c] * (1 + s / len(self.sets))
            for g in range(self.shape[0]):
                cost[self.at("part", g, c)] = COST_OF_PART + 0.001 * rank[c] * (1 + g / self.shape[0])
        for g in range(self.shape[0]):
            for chip in range(self.chips):
                cost[self.at("chip", g, chip)] = COST_OF_CHIP
        self.cost = cost

    def _row(self, terms: dict, lower: float, upper: float) -> None:
        self.rows.append(terms)
        self.lower.append(lower)
        self.upper.append(upper)

    def _constraints(self, needs, capacity) -> None:
        groups, cores = self.shape
        starts = self.demand.starts
        steps = np.unique(np.quantile(needs, np.linspace(0, 1, 9), method="higher")) if needs.size else []
        for g in range(groups):
            self._row({self.at("count", g, c): 1 for c in range(cores)}, self.sizes[g], self.sizes[g])
        for c in range(cores):
            self._row({self.at("set", s, c): 1 for s in range(len(self.sets))}, 0, 1)
            for s in range(len(self.sets)):
                members = {self.at("count", g, c): 1 for g in range(groups) if self.set_of[g] == s}
                self._row(members | {self.at("set", s, c): -NEURONS_PER_CORE}, -np.inf, 0)
            for step in steps:  # as many neurons with enough CAM words as need them; a part needs like the whole
                able = np.count_nonzero(capacity[c] >= step)
                if able < NEURONS_PER_CORE:
                    shares = [np.mean(needs[starts[g] : starts[g + 1]] >= step) for g in range(groups)]
                    self._row({self.at("count", g, c): share for g, share in enumerate(shares)}, 0, able)
            for g in range(groups):
                most = min(self.sizes[g], NEURONS_PER_CORE)
                self._row({self.at("count", g, c): 1, self.at("part", g, c): -most}, -np.inf, 0)
        self._projections()

    def _projections(self) -> None:
        """A population has a destination for every chip where one of its targets is."""
        names = {population.name: g for g, population in enumerate(self.demand.populations)}
        for link in self.demand.links:
            if link.source in names and self.chips > 1:
                source, target = names[link.source], names[link.target]
                for c in range(self.shape[1]):
                    there = self.at("chip", source, c // CORES_PER_CHIP)
                    self._row({self.at("part", target, c): 1, there: -1}, -np.inf, 0)
        available = self.demand.destinations_available
        for g in range(self.shape[0]):
            fewest = available[self.demand.starts[g] : self.demand.starts[g + 1]].min()
            self._row({self.at("chip", g, chip): 1 for chip in range(self.chips)}, 0, min(fewest, self.chips))

    def solve(self) -> np.ndarray | None:
        """Counts, or None if the search found nothing."""
        matrix = lil_array((len(self.rows), self.size))
        for k, terms in enumerate(self.rows):
            for variable, factor in terms.items():
                matrix[k, variable] += factor
        result = milp(
            self.cost,
            integrality=np.ones(self.size),
            bounds=Bounds(self.lowest, self.highest),
            constraints=LinearConstraint(matrix.tocsr(), self.lower, self.upper),
            options={"node_limit": NODES if self.chips == 1 else NODES_OF_SEVERAL_CHIPS, "mip_rel_gap": 1e-6},
        )
        if result.x is None:
            return None
        return np.round(result.x[: self.first["part"]]).astype(int).reshape(self.shape)


def first_fit(demand: Demand, allowed: np.ndarray, fixed: np.ndarray, order: np.ndarray) -> np.ndarray:
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
        room = {core: NEURONS_PER_CORE - counts[:, core].sum() for core in mine}
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
    """Physical neuron of every neuron: those that need more CAM words get those that have more.

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
        If a neuron needs more CAM words than any free one of its core has.
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
        short = np.flatnonzero(needs[members] > capacity[core, chosen])
        if short.size:
            worst = members[short[0]]
            raise MappingError(
                f"CAM words of {demand.label(worst)}: {needs[worst]} are needed; by the profile of the chip, the best "
                f"neuron left on {core_name(core)} has {capacity[core, chosen[short[0]]]} usable"
            )
        physical[members] = core * NEURONS_PER_CORE + chosen
    return physical
