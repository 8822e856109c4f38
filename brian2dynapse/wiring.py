"""Connectivity drawn in NumPy, so that a seed means the same on every target and machine."""

from __future__ import annotations

from numbers import Real

import numpy as np

from .errors import WiringError


def fixed_indegree(
    source_count: int, target_count: int, indegree: int, repeat: int = 1, seed: int | None = None, autapses: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Draw for every target the same number of distinct random sources.

    Parameters
    ----------
    source_count, target_count : int
        Sizes of the populations.
    indegree : int
        Distinct sources of each target.
    repeat : int
        Identical synapses from each of them (the usual way to make one strong connection).
    seed : int or sequence of int, optional
        The same seed draws the same sources; without one every call differs.
    autapses : bool
        Whether source number k may be drawn for target number k.

    Returns
    -------
    i, j : numpy.ndarray of int
        Sources and targets, shape (target_count * indegree * repeat,), ordered by target.

    Raises
    ------
    WiringError
        If there are not enough sources, or a number is not a positive integer.
    """
    for what, number in (("indegree", indegree), ("repeat", repeat)):
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 1:
            raise WiringError(f"{what} is {number!r}; give a positive integer")
    generator = _generator(seed)
    available = source_count - (0 if autapses else 1)
    if indegree > available:
        raise WiringError(
            f"indegree is {indegree} but a target has {available} sources to draw from; "
            "ask for fewer, or use repeat for several synapses from one source"
        )
    sources = np.empty((target_count, indegree), dtype=int)
    for target in range(target_count):
        if autapses or target >= source_count:
            candidates = source_count
        else:
            candidates = np.delete(np.arange(source_count), target)
        sources[target] = generator.choice(candidates, size=indegree, replace=False)
    i = np.repeat(sources.ravel(), repeat)
    j = np.repeat(np.arange(target_count), indegree * repeat)
    return i, j


def random_pairs(
    source_count: int, target_count: int, probability: float, seed: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Draw every pair of neurons with the same probability.

    Parameters
    ----------
    source_count, target_count : int
        Sizes of the populations.
    probability : float
        Of each pair, 0 to 1.
    seed : int or sequence of int, optional
        The same seed draws the same pairs; without one every call differs.

    Returns
    -------
    i, j : numpy.ndarray of int
        Sources and targets, ordered by source.

    Raises
    ------
    WiringError
        If the probability is not one number from 0 to 1, or the seed is not one.
    """
    if not isinstance(probability, Real) or isinstance(probability, bool) or not 0 <= probability <= 1:
        raise WiringError(f"p is {probability!r}; give one probability, 0 to 1")
    drawn = _generator(seed).random((source_count, target_count)) < probability
    return np.nonzero(drawn)


def _generator(seed) -> np.random.Generator:
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise WiringError(f"seed is {seed!r}; give a non-negative integer, or several, or None") from None
