"""Search for the weight masks that bring measured responses to a target. No Brian2: the caller measures.

What is known of a word's bits is what a core's weight currents are on average; each synapse has its own. What a
neuron makes of the charge is not known at all. So masks are changed a little at a time, from the best that was
measured: bits that stay keep their charges, and what was measured tells those that changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .selection import bits_of, flip_table, masks_of
from .weights import WEIGHT_BITS

# How far the response to a charge may be from what is assumed before anything is measured, relative.
SLOPE_UNCERTAINTY = 0.7
# Share of a difference of responses that a straight line misses; what it is uncertain by in any case, of the target.
CURVATURE, NOISE = 0.15, 0.005
# A step goes at most this far, relative to the target: further away the line is not one.
LARGEST_STEP = 0.5


@dataclass(frozen=True)
class Search:
    """What is looked for, and how far.

    Attributes
    ----------
    target : float
        The response that is wanted, positive.
    rounds : int
        Measurements, beyond that of the start.
    uncertainty : float
        Coefficient of variation of the charges around what is known.
    tolerance : float
        Near enough, relative to the target.
    unused : bool
        Whether a word may be left without a bit.
    rising : bool
        Whether more charge makes a larger response (excitation) or a smaller one (inhibition).
    """

    target: float
    rounds: int = 8
    uncertainty: float = 0.2
    tolerance: float = 0.005
    unused: bool = False
    rising: bool = True


def search_masks(
    measure: Callable[[int, np.ndarray, np.ndarray], np.ndarray],
    start: np.ndarray,
    at_start: np.ndarray,
    charges: np.ndarray,
    search: Search,
    first: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Masks of every neuron for which its measured response is nearest to a target.

    Parameters
    ----------
    measure : callable
        ``measure(round, neurons, masks)``: responses of neurons (numbers 0..n-1, shape (m,)) with these masks
        (m, words). It is called once a round, for all neurons that are not near enough yet.
    start : numpy.ndarray of int
        Masks at the start, shape (n, words).
    at_start : numpy.ndarray
        Measured responses with them, shape (n,).
    charges : numpy.ndarray
        What is known of the charge of each bit, any unit, shape (n, words, 4), W0 first.
    search : Search
        What is looked for.
    first : numpy.ndarray of int, optional
        Masks to try in the first round.

    Returns
    -------
    masks : numpy.ndarray of int
        The best that were measured, shape (n, words); the start, where nothing was nearer.
    responses : numpy.ndarray
        Their measured responses, shape (n,).

    Notes
    -----
    Each neuron's response is taken as linear in its bits around the best that was measured. Before a measurement,
    the weight of a bit is proportional to its charge, with a factor common to the neuron that is unknown
    (`SLOPE_UNCERTAINTY`) and one of its own (`uncertainty`). What is measured corrects the weights (linear
    regression with a normal prior). The next masks are those for which the square of the error is expected to be least.
    """
    everyone = np.arange(len(start))
    bits = bits_of(start).reshape(len(start), -1)
    charges = charges.reshape(bits.shape)
    # What is expected of each bit: a response in proportion to its charge.
    slope = (1 if search.rising else -1) * search.target / np.median((charges * bits).sum(axis=1))
    flips = flip_table(start.shape[1])
    tried, responses = bits[:, None], np.asarray(at_start, dtype=float)[:, None]  # of every neuron and trial
    for number in range(1, search.rounds + 1):
        far = np.nanmin(np.abs(responses - search.target), axis=1) > search.tolerance * search.target
        neurons = np.flatnonzero(far)
        if not len(neurons):
            break
        new = bits.copy()
        for k in neurons:
            done = ~np.isnan(responses[k])
            new[k] = next_bits(tried[k, done], responses[k, done], slope * charges[k], search, flips)
        if number == 1 and first is not None:
            new = bits_of(first).reshape(bits.shape)
        measured = np.full(len(start), np.nan)
        measured[neurons] = measure(number, neurons, masks_of(new.reshape(*start.shape, WEIGHT_BITS))[neurons])
        tried = np.concatenate([tried, new[:, None]], axis=1)
        responses = np.column_stack([responses, measured])
    best = np.nanargmin(np.abs(responses - search.target), axis=1)
    return masks_of(tried[everyone, best].reshape(*start.shape, WEIGHT_BITS)), responses[everyone, best]


def next_bits(on, responses, expected, search: Search, flips) -> np.ndarray:
    """The bits of one neuron to try next.

    Parameters
    ----------
    on : numpy.ndarray of bool
        Bits of each trial, shape (trials, bits).
    responses : numpy.ndarray
        Measured, shape (trials,).
    expected : numpy.ndarray
        What each bit is expected to add to the response before anything is measured, shape (bits,).
    search : Search
        What is looked for.
    flips : numpy.ndarray of bool
        See `flip_table`.

    Returns
    -------
    numpy.ndarray of bool
        Shape (bits,); the bits of the best trial, if all changes were tried.
    """
    target = search.target
    # From the nearest trial; of equally near ones (silent neurons) from that with the strongest drive.
    best = np.lexsort((-(on @ expected), np.abs(responses - target)))[0]
    prior = SLOPE_UNCERTAINTY**2 * np.outer(expected, expected) + np.diag((search.uncertainty * expected) ** 2)
    change = np.delete(on.astype(float) - on[best], best, axis=0)
    difference = np.delete(responses - responses[best], best)
    noise = (NOISE * target) ** 2 + (CURVATURE * difference) ** 2
    gain = prior @ change.T @ np.linalg.inv(change @ prior @ change.T + np.diag(noise))
    weights = expected + gain @ (difference - change @ expected)
    left = prior - gain @ change @ prior  # covariance of what is still not known
    signed = flips * np.where(on[best], -1.0, 1.0)
    gap = np.clip(target - responses[best], -LARGEST_STEP * target, LARGEST_STEP * target)
    expected_error = (signed @ weights - gap) ** 2 + ((signed @ left) * signed).sum(axis=1)
    seen = {one.tobytes() for one in on}
    for move in np.argsort(expected_error, kind="stable"):
        new = on[best] ^ flips[move]
        if new.tobytes() not in seen and (search.unused or new.reshape(-1, WEIGHT_BITS).any(axis=1).all()):
            return new
    return on[best]
