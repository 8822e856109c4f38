"""The mixed-integer linear program behind `placement`: as few cores, parts and chips as possible. No Brian2.

On several chips it is solved twice: populations to chips, then on each chip to cores. Chips and cores that are alike
make one program for both slow, and its result hardly better.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_array

from .demand import Demand
from .facts import CORES_PER_CHIP, NEURONS_PER_CORE

# Weights of the objective: a core in use, a part of a population, a chip that a population projects to.
COST_OF_CORE, COST_OF_PART, COST_OF_CHIP = 10.0, 4.0, 2.0
NODES = 30  # of the search; a limit of time would give other results on slower machines
LARGEST = 1000  # populations times places; beyond, the search is long and first fit takes over


@dataclass
class Places:
    """Places that populations are put on: cores, or whole chips.

    Attributes
    ----------
    cores : int
        Cores of each place.
    room : numpy.ndarray of int
        Neurons that a population may have in a place, shape (populations, places).
    fixed : numpy.ndarray of int
        Neurons that it has there in any case, of the same shape.
    capacity : numpy.ndarray of int
        Usable CAM words of the physical neurons, shape (places, neurons).
    rank : numpy.ndarray of int
        Places in the order of preference: 0 is the first.
    """

    cores: int
    room: np.ndarray
    fixed: np.ndarray
    capacity: np.ndarray
    rank: np.ndarray


def solve(
    demand: Demand, chips: int, allowed, fixed, needs, capacity, order, most: int = NEURONS_PER_CORE
) -> np.ndarray | None:
    """Number of neurons of every population on every core, or None if the search finds nothing.

    Parameters
    ----------
    demand, chips, needs, capacity, order, most
        As `placement.place_populations`.
    allowed : numpy.ndarray of bool
        Whether a population may be on a core, shape (populations, cores).
    fixed : numpy.ndarray of int
        Neurons that are fixed to a core, of the same shape.
    """
    sizes = np.array([population.size for population in demand.populations])
    by_chip = (len(sizes), chips, CORES_PER_CHIP)
    on_chip = sizes[:, None]
    if chips > 1:
        rank = np.argsort(np.argsort(order)).reshape(chips, CORES_PER_CHIP).min(axis=1)
        places = Places(
            CORES_PER_CHIP,
            NEURONS_PER_CORE * allowed.reshape(by_chip).sum(axis=-1),
            fixed.reshape(by_chip).sum(axis=-1),
            capacity.reshape(chips, -1),
            np.argsort(np.argsort(rank)),
        )
        on_chip = _Program(demand, sizes, places, needs, most, projections=True).solve()
    if on_chip is None:
        return None
    counts = np.zeros((len(sizes), chips * CORES_PER_CHIP), dtype=int)
    rank = np.argsort(order)
    for chip in range(chips):
        if on_chip[:, chip].any():
            mine = slice(CORES_PER_CHIP * chip, CORES_PER_CHIP * (chip + 1))
            places = Places(
                1,
                NEURONS_PER_CORE * allowed[:, mine],
                fixed[:, mine],
                capacity[mine],
                np.argsort(np.argsort(rank[mine])),
            )
            found = _Program(demand, on_chip[:, chip], places, needs, most, projections=False).solve()
            if found is None:
                return None
            counts[:, mine] = found
    return counts


class _Program:
    """One program.

    Variables: neurons of a population in a place (integer), whether there are any, cores of a place that have a bias
    set (integer), whether a target of a population is in a place. Rows of variables are populations or bias sets,
    columns places.
    """

    def __init__(
        self, demand: Demand, sizes: np.ndarray, places: Places, needs: np.ndarray, most: int, projections: bool
    ):
        self.demand, self.sizes, self.places, self.most = demand, sizes, places, most
        sets = {one: k for k, one in enumerate(dict.fromkeys(p.bias_set for p in demand.populations))}
        self.set_of = np.array([sets[population.bias_set] for population in demand.populations])
        groups, columns = places.room.shape
        self.shape = (groups, columns)
        ends = np.cumsum([groups, groups, len(sets), groups]) * columns
        self.first = dict(zip(("count", "part", "set", "target"), [0, *ends[:-1]], strict=True))
        self.rows, self.lower, self.upper = [], [], []
        shape = (len(sets), columns)
        self.highest = np.concatenate(
            [
                np.where(places.fixed > 0, places.fixed, np.minimum(sizes[:, None], places.room)).ravel(),
                np.ones(groups * columns),
                np.full(shape, places.cores).ravel(),
                np.ones(groups * columns),
            ]
        )
        self.lowest = np.zeros(len(self.highest))
        self.lowest[: groups * columns] = places.fixed.ravel()
        # equal solutions are told apart by the order of preference: the same result on any machine
        rank = places.rank[None, :]
        set_number, group_number = np.arange(shape[0])[:, None], np.arange(groups)[:, None]
        self.cost = np.concatenate(
            [
                np.zeros(groups * columns),
                (COST_OF_PART + 0.001 * rank * (2 - group_number / groups)).ravel(),
                (COST_OF_CORE + 0.02 * rank * (2 - set_number / shape[0])).ravel(),
                np.full(groups * columns, COST_OF_CHIP if projections else 0.0),
            ]
        )
        self._capacities(needs)
        if projections:
            self._projections()

    def at(self, kind: str, row: int, column: int) -> int:
        """Number of a variable."""
        return self.first[kind] + row * self.shape[1] + column

    def _row(self, terms: dict, lower: float, upper: float) -> None:
        self.rows.append(terms)
        self.lower.append(lower)
        self.upper.append(upper)

    def _capacities(self, needs) -> None:
        groups, columns = self.shape
        starts, neurons = self.demand.starts, self.places.capacity.shape[1]
        shares = {  # of each population, for every number of CAM words: neurons that need as many
            step: [np.mean(needs[starts[g] : starts[g + 1]] >= step) for g in range(groups)]
            for step in np.unique(needs)
        }
        for g in range(groups):
            self._row({self.at("count", g, c): 1 for c in range(columns)}, self.sizes[g], self.sizes[g])
        for c in range(columns):
            sets = range(self.set_of.max() + 1)
            self._row({self.at("set", s, c): 1 for s in sets}, 0, self.places.cores)
            for s in sets:
                members = {self.at("count", g, c): 1 for g in np.flatnonzero(self.set_of == s)}
                self._row(members | {self.at("set", s, c): -self.most}, -np.inf, 0)
            for step, parts in shares.items():  # neurons with enough words; a part of a population needs like all
                able = np.count_nonzero(self.places.capacity[c] >= step)
                if able < neurons:
                    self._row({self.at("count", g, c): share for g, share in enumerate(parts)}, 0, able)
            for g in range(groups):
                most = min(self.sizes[g], neurons)
                self._row({self.at("count", g, c): 1, self.at("part", g, c): -most}, -np.inf, 0)

    def _projections(self) -> None:
        """A population has a destination for every chip where one of its targets is."""
        names = {population.name: g for g, population in enumerate(self.demand.populations)}
        groups, chips = self.shape
        for link in self.demand.links:
            if link.source in names:
                source, target = names[link.source], names[link.target]
                for chip in range(chips):
                    self._row({self.at("part", target, chip): 1, self.at("target", source, chip): -1}, -np.inf, 0)
        available = self.demand.destinations_available
        for g in range(groups):
            fewest = available[self.demand.starts[g] : self.demand.starts[g + 1]].min()
            self._row({self.at("target", g, chip): 1 for chip in range(chips)}, 0, min(fewest, chips))

    def solve(self) -> np.ndarray | None:
        """Neurons of every population in every place, or None if the search found nothing."""
        matrix = lil_array((len(self.rows), len(self.cost)))
        for k, terms in enumerate(self.rows):
            for variable, factor in terms.items():
                matrix[k, variable] += factor
        result = milp(
            self.cost,
            integrality=np.ones(len(self.cost)),
            bounds=Bounds(self.lowest, self.highest),
            constraints=LinearConstraint(matrix.tocsr(), self.lower, self.upper),
            options={"node_limit": NODES, "mip_rel_gap": 1e-3},
        )
        if result.x is None:
            return None
        return np.round(result.x[: self.first["part"]]).astype(int).reshape(self.shape)
