"""Real-valued weights as four codes and one mask a synapse: the quantisation of a core's synapses. No Brian2 here.

A core has four weight currents, SYAM_W0_P to SYAM_W3_P, each of which can be any of the 1536 codes; the weight of a
synapse is the sum of those that its mask selects. Which four currents serve many weights best is a search; which mask
serves a weight best, once they are chosen, is not: it is the nearest of their 15 sums.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from itertools import combinations

import numpy as np
import pandas as pd

from . import dac, facts
from .errors import CodeError, DynapseError, WeightError, unknown_name
from .weights import WEIGHT_BITS, mask_string, selected_current

WEIGHT_BIASES = tuple(f"SYAM_W{bit}_P" for bit in range(WEIGHT_BITS))
ERRORS = ("absolute", "relative")
# Fewest bits first, then the smallest mask: the first of several equally near sums is taken.
_MASKS = np.array(sorted(range(1, 1 << WEIGHT_BITS), key=lambda mask: (mask.bit_count(), mask)))
_BITS = (_MASKS[:, None] >> np.arange(WEIGHT_BITS)) & 1
_RANDOM_STARTS = 12
_REFINED_STARTS = 4  # of the best, with moves of two codes at once
_NEIGHBOURS, _SPREAD = 4, 32  # currents that such a move tries: near ones, and some across the whole range
_ROUNDING = 1e-13  # of the sum of squares: a smaller improvement is one of rounding errors


@dataclass(frozen=True, eq=False, repr=False)
class WeightFit:
    """Codes and masks for wanted weights, and how good they are.

    Attributes
    ----------
    wanted : numpy.ndarray
        The wanted weights, amp, any shape.
    codes : tuple of tuple of int
        (coarse, fine) of SYAM_W0_P to SYAM_W3_P.
    currents : numpy.ndarray
        Their currents in the circuit, amp, shape (4,).
    masks : numpy.ndarray of int
        A mask each weight, 0..15, of the shape of `wanted`; 0 where the wanted weight is 0, and nowhere else.
    got : numpy.ndarray
        The weights that the masks select, amp, of the shape of `wanted`.
    error : str
        What was made small: ``"absolute"`` or ``"relative"`` errors.
    """

    wanted: np.ndarray
    codes: tuple[tuple[int, int], ...]
    currents: np.ndarray
    masks: np.ndarray
    got: np.ndarray
    error: str

    @property
    def biases(self) -> dict[str, tuple[int, int]]:
        """The codes by the names of their biases, as `Biases.update` takes them."""
        return dict(zip(WEIGHT_BIASES, self.codes, strict=True))

    @property
    def rms_error(self) -> float:
        """Root of the mean square of got - wanted, amp."""
        return float(np.sqrt(np.mean((self.got - self.wanted) ** 2)))

    @property
    def largest_error(self) -> float:
        """Largest absolute difference of got and wanted, amp."""
        return float(np.max(np.abs(self.got - self.wanted)))

    @property
    def rms_relative_error(self) -> float:
        """Root of the mean square of (got - wanted) / wanted, over the positive weights; 0 without any."""
        with np.errstate(over="ignore"):  # of weights that are hardly positive it is infinite
            return float(np.sqrt(np.mean(self._relative_errors() ** 2)))

    @property
    def largest_relative_error(self) -> float:
        """Largest absolute value of (got - wanted) / wanted, over the positive weights; 0 without any."""
        return float(np.max(np.abs(self._relative_errors())))

    @np.errstate(over="ignore")
    def _relative_errors(self) -> np.ndarray:
        positive = self.wanted > 0
        return self.got[positive] / self.wanted[positive] - 1 if positive.any() else np.zeros(1)

    @np.errstate(over="ignore")
    def to_frame(self) -> pd.DataFrame:
        """What became of every weight that was wanted.

        Returns
        -------
        pandas.DataFrame
            A row a distinct wanted weight, in ascending order; columns wanted_A, got_A, mask, error_A,
            relative_error (NaN for a weight of 0), count (synapses that want it).
        """
        wanted, first, count = np.unique(self.wanted, return_index=True, return_counts=True)
        got = self.got.ravel()[first]
        relative = np.divide(got - wanted, wanted, out=np.full(wanted.shape, np.nan), where=wanted > 0)
        return pd.DataFrame(
            {
                "wanted_A": wanted,
                "got_A": got,
                "mask": self.masks.ravel()[first],
                "error_A": got - wanted,
                "relative_error": relative,
                "count": count,
            }
        )

    def __repr__(self) -> str:
        codes = ", ".join(f"W{bit} {code}" for bit, code in enumerate(self.codes))
        return (
            f"<WeightFit of {self.wanted.size} weights: {codes}; "
            f"rms error {self.rms_error:.3g} A, relative {self.rms_relative_error:.2g}>"
        )

    def _repr_html_(self) -> str:
        masks = np.arange(1 << WEIGHT_BITS)
        used = np.bincount(self.masks.ravel(), minlength=masks.size)
        columns = {
            "mask": [mask_string(one) for one in masks],
            "current_A": selected_current(masks, self.currents),
            "used": used,
        }
        return f"<p>{escape(repr(self))}</p>" + pd.DataFrame(columns).to_html(index=False)


def fit(wanted, table=None, seed=0, fixed=None, error="absolute", scale=1.0) -> WeightFit:
    """Choose the four weight codes of a core, and a mask for each of its synapses.

    Parameters
    ----------
    wanted : array_like
        Wanted weights of the synapses of one core, amp, any shape; 0 or positive. A weight of 0 gets mask 0, any
        other one a mask 1..15, so that no synapse is lost.
    table : GeneratorTable, optional
        A measured table in place of the nominal one.
    seed : int
        Of the random starts of the search. The same seed gives the same result.
    fixed : sequence of code, or mapping of int to code, optional
        Codes (coarse, fine) that are given: all four, W0 first, so that only masks are chosen; or some of them,
        ``{0: (4, 80)}``.
    error : str
        ``"absolute"``: the sum of the squares of got - wanted is made small; ``"relative"``: of
        (got - wanted) / wanted, which weights far below the smallest current rule; give 0 for those.
    scale : float
        Factor on the currents of all codes: `Chip.mirror_scale` of a calibrated chip.

    Returns
    -------
    WeightFit
        Free codes are in ascending order of their currents. Of equally near sums a mask takes the one of fewest
        bits, then the smallest mask.

    Raises
    ------
    WeightError
        If weights are none, negative, not finite, not currents, or above the largest sum of the codes.
    CodeError, UnknownNameError
        If a fixed code is not a code; if `error` is none of the two.

    Notes
    -----
    The masks are exact: no other masks are nearer with these codes. With no more distinct positive weights than free
    codes, each weight gets the code nearest to it, or a nearer sum. Otherwise the codes are found by a search, which
    goes from several starts (powers of two below the largest weight, quantiles, geometric steps, the smallest weights
    that are no sums of others, random ones) downhill, by the best of all currents for one code at a time, then of
    some currents for two at a time. It is never worse than the codes nearest to its starts. That no other codes are
    better is certain if one code is free; else it is not guaranteed.
    """
    if error not in ERRORS:
        raise unknown_name("kind of error", error, ERRORS)
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise DynapseError(f"seed is {seed!r}; give a non-negative integer")
    wanted, given = _checked_weights(wanted), _checked_codes(fixed)
    reached = (table or dac.nominal_table()).circuit_currents(WEIGHT_BIASES[0]) * scale  # all four are alike
    currents = np.zeros(WEIGHT_BITS)
    for bit, code in given.items():
        currents[bit] = reached[code]
    free = [bit for bit in range(WEIGHT_BITS) if bit not in given]
    _check_reach(wanted, currents.sum() + len(free) * reached.max(), given)
    available, numbers = np.unique(reached, return_index=True)  # of equal currents the smallest code
    values, counts = np.unique(wanted[wanted > 0], return_counts=True)
    problem = _Problem(values, counts, error, available[0])
    currents[free] = np.sort(_free_currents(problem, available, currents, free, seed))
    codes = [given.get(bit) for bit in range(WEIGHT_BITS)]
    for bit in free:
        number = numbers[np.searchsorted(available, currents[bit])]
        codes[bit] = tuple(int(part) for part in np.divmod(number, facts.FINE_CODES))
    masks = nearest_masks(wanted, currents)
    got = np.asarray(selected_current(masks, currents))
    for array in (wanted, currents, masks, got):
        array.setflags(write=False)
    return WeightFit(wanted, tuple(codes), currents, masks, got, error)


def nearest_masks(wanted, currents) -> np.ndarray:
    """Masks whose sums are nearest to wanted weights.

    Parameters
    ----------
    wanted : array_like
        Weights, amp, any shape.
    currents : array_like
        The four weight currents, W0 first, amp.

    Returns
    -------
    numpy.ndarray of int
        Of the shape of `wanted`: 0 for a weight of 0, else 1..15. Of equally near sums the one of fewest bits, then
        the smallest mask.
    """
    wanted = np.asarray(wanted, dtype=float)
    distance = np.abs(wanted[..., None] - selected_current(_MASKS, currents))
    return np.where(wanted > 0, _MASKS[np.argmin(distance, axis=-1)], 0)


class _Problem:
    """Distinct positive weights, ascending, with what the error of many choices of sums needs.

    Weights are in units of the largest one (if it is above the smallest current). Those that share a nearest sum lie
    between two midpoints of sums; their error follows from two sums over them, of importance and importance * weight.
    """

    def __init__(self, wanted: np.ndarray, counts: np.ndarray, error: str, smallest: float):
        self.unit = np.max(wanted, initial=smallest)
        self.weights = wanted / self.unit
        self.importance = counts.astype(float)
        if error == "relative":
            self.importance /= np.maximum(self.weights, 1e-100) ** 2  # below that the square is no number
        self.squares = float(np.sum(self.importance * self.weights**2))
        self._below = [self._running_sum(self.importance * self.weights**power) for power in (0, 1)]

    @staticmethod
    def _running_sum(terms: np.ndarray) -> np.ndarray:
        """Numbers whose differences are sums over a stretch of terms."""
        if terms.size and terms[0] > terms[-1]:  # small terms first, or the large ones swallow them
            return -np.concatenate([np.cumsum(terms[::-1])[::-1], [0.0]])
        return np.concatenate([[0.0], np.cumsum(terms)])

    def costs(self, sums: np.ndarray) -> np.ndarray:
        """Weighted sum of squared errors for many choices of the 15 sums, shape (choices, 15)."""
        sums = np.sort(sums, axis=1)
        edges = np.searchsorted(self.weights, (sums[:, 1:] + sums[:, :-1]) / 2)
        edges = np.pad(edges, ((0, 0), (1, 1)), constant_values=((0, 0), (0, self.weights.size)))
        importance, weight = (np.diff(below[edges], axis=1) for below in self._below)
        return self.squares + np.einsum("cs,cs->c", sums, sums * importance - 2 * weight)

    def exact_cost(self, currents: np.ndarray) -> float:
        """The same for four currents, without the rounding errors of large running sums."""
        got = selected_current(nearest_masks(self.weights, currents), currents)
        return float(np.sum(self.importance * (got - self.weights) ** 2))


def _free_currents(problem: _Problem, available: np.ndarray, currents: np.ndarray, free: list[int], seed: int):
    """Currents of the codes that are free, amp."""
    weights = problem.weights
    if not (free and weights.size):
        return np.full(len(free), available[0])
    # A current above the first one that exceeds the largest weight is never nearer than that one.
    candidates = available[: np.searchsorted(available, problem.unit) + 1] / problem.unit
    if weights.size <= len(free) and problem.unit <= available[-1]:
        chosen = candidates[_nearest_index(candidates, weights)]
        # A code that no weight needs repeats the last one: another current would only add sums that nobody asked for.
        chosen = np.pad(chosen, (0, len(free) - chosen.size), mode="edge")
    else:
        chosen = _search(problem, candidates, currents / problem.unit, free, np.random.default_rng(seed))[free]
    return available[np.searchsorted(candidates, chosen)]


def _search(problem: _Problem, candidates: np.ndarray, fixed: np.ndarray, free: list[int], rng) -> np.ndarray:
    """The four best currents that are found, those that are not free as in `fixed`; in units of the largest weight."""
    found = {}
    for start in _starts(problem, len(free), rng):
        currents = fixed.copy()
        currents[free] = candidates[_nearest_index(candidates, start)]
        currents, cost = _improve_one(problem, candidates, currents, free)
        currents[free] = np.sort(currents[free])
        found.setdefault(tuple(currents), cost)
    best = sorted(found, key=lambda currents: (found[currents], currents))[:_REFINED_STARTS]
    refined = [_refine(problem, candidates, np.array(currents), free) for currents in best]
    return min(refined, key=problem.exact_cost)


def _starts(problem: _Problem, count: int, rng) -> list[np.ndarray]:
    """Where the search begins: `count` currents each, in units of the largest weight."""
    weights, importance = problem.weights, np.cumsum(problem.importance)
    quantiles = (2 * np.arange(count) + 1) / (2 * count)
    powers = 2.0 ** np.arange(count)
    starts = [
        powers / powers.sum(),
        np.geomspace(weights[0], weights[-1], count),
        weights[np.searchsorted(importance, quantiles * importance[-1])],
        _no_sums_of_others(weights, count),
    ]
    for _ in range(_RANDOM_STARTS):
        starts.append(weights[rng.integers(weights.size, size=count)] * rng.uniform(0.2, 1, size=count))
    return starts


def _no_sums_of_others(weights: np.ndarray, count: int) -> np.ndarray:
    """The smallest weights that are no sums of smaller ones; the codes themselves if weights were made from codes."""
    chosen, sums = [], np.zeros(1)
    for weight in weights:
        if np.min(np.abs(sums - weight)) > 1e-9:  # of the largest weight: rounding errors, less than a code's step
            chosen.append(weight)
            sums = np.concatenate([sums, sums + weight])
        if len(chosen) == count:
            break
    return np.resize(chosen or weights[-1:], count)


def _improve_one(problem: _Problem, candidates: np.ndarray, currents: np.ndarray, free: list[int]):
    """The best of all candidates for one code at a time, until none is better; the currents and their cost."""
    currents, improved = currents.copy(), True
    cost = problem.costs((_BITS @ currents)[None])[0]
    while improved:
        improved = False
        for bit in free:
            others = _BITS @ np.where(np.arange(WEIGHT_BITS) == bit, 0, currents)
            costs = problem.costs(others + candidates[:, None] * _BITS[:, bit])
            best = np.argmin(costs)
            if costs[best] < cost - _ROUNDING * problem.squares:
                currents[bit], cost, improved = candidates[best], costs[best], True
    return currents, cost


def _refine(problem: _Problem, candidates: np.ndarray, currents: np.ndarray, free: list[int]) -> np.ndarray:
    """Moves of one code and of two at once, until none is better."""
    currents, cost = _improve_one(problem, candidates, currents, free)
    for pair in combinations(free, 2):
        tried = [_some_candidates(candidates, currents[bit]) for bit in pair]
        moved = np.stack([part.ravel() for part in np.meshgrid(*tried)], axis=1)
        others = _BITS @ np.where(np.isin(np.arange(WEIGHT_BITS), pair), 0, currents)
        costs = problem.costs(others + moved @ _BITS[:, pair].T)
        best = np.argmin(costs)
        if costs[best] < cost - _ROUNDING * problem.squares:
            currents = currents.copy()
            currents[list(pair)] = moved[best]
            return _refine(problem, candidates, currents, free)
    return currents


def _some_candidates(candidates: np.ndarray, current: float) -> np.ndarray:
    near = np.searchsorted(candidates, current) + np.arange(-_NEIGHBOURS, _NEIGHBOURS + 1)
    across = np.linspace(0, candidates.size - 1, _SPREAD).astype(int)
    return candidates[np.unique(np.clip(np.concatenate([near, across]), 0, candidates.size - 1))]


def _nearest_index(ascending: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    return np.searchsorted((ascending[1:] + ascending[:-1]) / 2, wanted)


def _checked_weights(wanted) -> np.ndarray:
    if str(getattr(wanted, "dim", "A")) != "A":  # a quantity of Brian2, which this module does not know
        raise WeightError(f"wanted weights are {wanted}; a weight is a current: give amp")
    try:
        weights = np.array(wanted, dtype=float)
    except (TypeError, ValueError):
        raise WeightError(f"wanted weights are {wanted!r}; give an array of currents in amp") from None
    if weights.size == 0:
        raise WeightError("no weights are wanted; give one for each synapse")
    wrong = weights[~np.isfinite(weights) | (weights < 0)]
    if wrong.size:
        raise WeightError(
            f"{wrong.size} of {weights.size} wanted weights are no currents, the first is {wrong[0]:g} A; a weight is "
            "0 or positive: an inhibitory synapse has a positive weight and an inhibitory dendrite"
        )
    return weights


def _checked_codes(fixed) -> dict[int, tuple[int, int]]:
    allowed = f"give {WEIGHT_BITS} codes (coarse, fine), W0 first, or some of them, {{0: (4, 80)}}"
    fixed = {} if fixed is None else fixed
    if isinstance(fixed, (list, tuple, np.ndarray)) and len(fixed) == WEIGHT_BITS:
        fixed = dict(enumerate(fixed))
    if not isinstance(fixed, Mapping):
        raise CodeError(f"fixed is {fixed!r}; {allowed}")
    codes = {}
    for bit, code in fixed.items():
        if isinstance(bit, bool) or not isinstance(bit, (int, np.integer)) or not 0 <= bit < WEIGHT_BITS:
            raise CodeError(f"fixed names weight {bit!r}; a weight current is 0..{WEIGHT_BITS - 1}; {allowed}")
        if not isinstance(code, (tuple, list, np.ndarray)) or np.shape(code) != (2,):
            raise CodeError(f"{WEIGHT_BIASES[bit]}: got {code!r}; {allowed}")
        codes[int(bit)] = tuple(int(part) for part in dac.check_code(WEIGHT_BIASES[bit], *code))
    return codes


def _check_reach(wanted: np.ndarray, reach: float, given: dict) -> None:
    above = wanted > reach * (1 + 1e-9)  # a sum of the codes in another order of summation is in reach
    if above.any():
        raise WeightError(
            f"the largest wanted weight is {wanted.max():.4g} A, {above.sum()} are above {reach:.4g} A, the largest "
            f"sum of the codes; {'leave a code free, or ' if given else ''}scale the weights down"
        )
