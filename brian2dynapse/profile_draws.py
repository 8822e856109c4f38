"""Defects as real chips have them, drawn from a seed.

The yields are those of public profiles. Assumed, since nothing else is published: a CAM has one quality, normal within
a neuron and with a smaller spread between neurons, and low tags ask for more of it. So a CAM that is usable with low
tags always is with high ones. The best CAMs of a core are usable, as many as its yield says. One neuron of a core has
lost most of its CAMs at random, and low tags take the usual part of what is left. A usable CAM failed 0 to 2 of 20
tests, another one 3 to 20, each number equally often.
"""

from __future__ import annotations

from numbers import Real

import numpy as np

from . import facts
from .errors import DynapseError


def draw_failures(seed: int, chips: int, yield_low=None, yield_high=None, worst=None) -> np.ndarray:
    """Fractions of failed tests of every CAM; see `ChipProfile.synthetic`.

    Returns
    -------
    numpy.ndarray
        Shape (chips, 4, 256, 64, 2).

    Raises
    ------
    DynapseError
        For a range that is none, or low tags that work better than high ones.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise DynapseError(f"seed is {seed!r}; give a non-negative integer")
    low = _checked_range("yield_low", yield_low, "usable_low", 1)
    high = _checked_range("yield_high", yield_high, "usable_high", 1)
    left = _checked_range("worst", worst, "worst", facts.SYNAPSES_PER_NEURON)
    if low[1] > high[0]:
        raise DynapseError(
            f"yield_low reaches {low[1]:g}, above {high[0]:g}, where yield_high begins; a CAM that works with tags "
            "0..1023 is taken to work with the others, so give ranges that do not overlap"
        )
    return np.stack([_failures_of_chip(np.random.default_rng([seed, chip]), low, high, left) for chip in range(chips)])


def statistic(name: str) -> tuple[float, float]:
    """Smallest and largest value of a number that describes real profiles."""
    row = next(row for row in facts.read_table("profile_statistics.csv") if row["name"] == name)
    return float(row["low"]), float(row["high"])


def _failures_of_chip(random, low: tuple, high: tuple, left: tuple) -> np.ndarray:
    usable = np.stack([_usable_of_core(random, low, high, left) for _ in range(facts.CORES_PER_CHIP)])
    tests = int(statistic("tests")[0])
    fewest = np.count_nonzero(np.arange(tests + 1) / tests <= statistic("largest_failure")[0])  # failed, of a bad CAM
    good, bad = random.integers(0, fewest, usable.shape), random.integers(fewest, tests + 1, usable.shape)
    return np.where(usable, good, bad) / tests


def _usable_of_core(random, low: tuple, high: tuple, left: tuple) -> np.ndarray:
    """Which CAMs of a core are usable: bool, shape (256, 64, 2)."""
    neurons, cams = facts.NEURONS_PER_CORE, facts.SYNAPSES_PER_NEURON
    yields = random.uniform(*low), random.uniform(*high)
    usable = np.zeros((neurons, cams, len(yields)), dtype=bool)
    worst = random.integers(neurons)
    kept = random.permutation(cams)[: random.integers(int(left[0]), int(left[1]) + 1)]
    usable[worst, kept, 1] = True
    usable[worst, kept, 0] = random.uniform(size=kept.size) < yields[0] / max(yields[1], yields[0], 1e-9)
    quality = random.standard_normal((neurons, cams))
    quality += statistic("neuron_spread")[0] * random.standard_normal((neurons, 1))
    quality[worst] = -np.inf  # it has been dealt with
    best_first = np.argsort(-quality, axis=None, kind="stable")[: (neurons - 1) * cams]
    for half, part in enumerate(yields):
        more = max(round(part * neurons * cams) - usable[worst, :, half].sum(), 0)
        usable[*np.unravel_index(best_first[:more], quality.shape), half] = True
    return usable


def _checked_range(name: str, given, otherwise: str, largest: int) -> tuple[float, float]:
    if given is None:
        return statistic(otherwise)
    number, kind = (Real, "numbers") if largest == 1 else ((int, np.integer), "integers")
    if (
        not isinstance(given, (tuple, list))
        or len(given) != 2
        or any(isinstance(end, bool) or not isinstance(end, number) for end in given)
        or not 0 <= given[0] <= given[1] <= largest
    ):
        raise DynapseError(f"{name} is {given!r}; give the ends of a range, two {kind} 0..{largest}, the smaller first")
    return tuple(given)
