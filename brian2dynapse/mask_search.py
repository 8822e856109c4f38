"""Search for the weight masks that bring measured responses to a target. No Brian2: the caller measures.

What is known of a word's bits is what a core's weight currents are on average; each synapse has its own. What a
neuron makes of the charge is not known at all. So masks are changed a little at a time, from the best that was
measured: bits that stay keep their charges, and what was measured tells those that changed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .selection import bits_of, flip_table, masks_of

# How far the response to a charge may be from what is assumed before anything is measured, relative.
SLOPE_UNCERTAINTY = 0.7
# Share of a difference of responses that a straight line misses; what it is uncertain by in any case, of the target.
CURVATURE, NOISE = 0.15, 0.005
# A step goes at most this far, relative to the target: further away the line is not one.
LARGEST_STEP = 0.5


def search_masks(
    measure: Callable[[np.ndarray, np.ndarray], np.ndarray],
    start: np.ndarray,
    charges: np.ndarray,
    target: float,
    rounds: int = 8,
    uncertainty: float = 0.2,
    tolerance: float = 0.005,
    unused: bool = False,
    first: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Masks of every neuron for which its measured response is nearest to a target.

    Parameters
    ----------
    measure : callable
        ``measure(neurons, masks)``: responses of neurons (numbers 0..n-1, shape (m,)) with these masks (m, words). It
        is called once a round, for all neurons that are not near enough yet.
    start : numpy.ndarray of int
        Masks at the start, shape (n, words).
    charges : numpy.ndarray
        What is known of the charge of each bit, any unit, shape (n, words, 4), W0 first.
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
    tried, responses = [bits], [np.asarray(measure(everyone, start), dtype=float)]
    slope = target / np.median((charges * bits).sum(axis=1))
    flips = flip_table(start.shape[1])
    for number in range(rounds):
        history = np.stack(responses, axis=1)
        error = np.abs(history - target)
        open_ = np.flatnonzero(np.nanmin(error, axis=1) > tolerance * target)
        if not len(open_):
            break
        if number == 0 and first is not None:
            new = bits_of(first).reshape(bits.shape)
        else:
            new = bits.copy()
            for k in open_:
                done = ~np.isnan(history[k])
                on = np.stack([one[k] for one in tried])[done]
                new[k] = next_bits(on, history[k][done], charges[k], target, slope, uncertainty, flips, unused)
        measured = np.full(len(start), np.nan)
        masks = masks_of(new.reshape(*start.shape, 4))
        measured[open_] = measure(open_, masks[open_])
        tried.append(new)
        responses.append(measured)
    history = np.stack(responses, axis=1)
    best = np.nanargmin(np.abs(history - target), axis=1)
    on = np.stack(tried, axis=1)[everyone, best]
    return masks_of(on.reshape(*start.shape, 4)), history[everyone, best]


def next_bits(on, responses, charges, target, slope, uncertainty, flips, unused) -> np.ndarray:
    """The bits of one neuron to try next.

    Parameters
    ----------
    on : numpy.ndarray of bool
        Bits of each trial, shape (trials, bits).
    responses : numpy.ndarray
        Shape (trials,).
    charges : numpy.ndarray
        What is known of the bits, shape (bits,).
    target, slope, uncertainty, flips, unused
        Wanted response; response to a charge before anything is known; see `search_masks`; see `flip_table`.

    Returns
    -------
    numpy.ndarray of bool
        Shape (bits,); the bits of the best trial, if all changes were tried.
    """
    # From the nearest trial; of equally near ones (silent neurons) from that with most charge.
    best = np.lexsort((-(on @ charges), np.abs(responses - target)))[0]
    expected = slope * charges
    prior = SLOPE_UNCERTAINTY**2 * np.outer(expected, expected) + np.diag((uncertainty * expected) ** 2)
    change = np.delete(on.astype(float) - on[best], best, axis=0)
    difference = np.delete(responses - responses[best], best)
    noise = (NOISE * target) ** 2 + (CURVATURE * difference) ** 2
    gain = prior @ change.T @ np.linalg.inv(change @ prior @ change.T + np.diag(noise))
    weights = expected + gain @ (difference - change @ expected)
    left = prior - gain @ change @ prior
    signed = flips * np.where(on[best], -1.0, 1.0)
    gap = np.clip(target - responses[best], -LARGEST_STEP * target, LARGEST_STEP * target)
    cost = (signed @ weights - gap) ** 2 + np.einsum("ij,jk,ik->i", signed, left, signed, optimize=True)
    seen = {one.tobytes() for one in on}
    for move in np.argsort(cost, kind="stable"):
        new = on[best] ^ flips[move]
        if new.tobytes() not in seen and (unused or new.reshape(-1, 4).any(axis=1).all()):
            return new
    return on[best]
