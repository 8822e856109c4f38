"""Choosing neurons, and weight bits: the combinatorial side of a compensation of mismatch. No Brian2 here."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from .weights import WEIGHT_BITS

EXACT_WORDS = 4  # with 4 bits each: all 2^16 choices are tried
LARGEST_MOVES = 4000  # of changes that are tried at once


def spread(responses) -> float:
    """Coefficient of variation, sd / mean; 0 if all are equal, infinite if they differ around a mean of 0.

    Parameters
    ----------
    responses : array_like
        Not negative.
    """
    responses = np.asarray(responses, dtype=float)
    if np.ptp(responses) == 0:
        return 0.0
    mean = float(responses.mean())
    return float(responses.std()) / mean if mean > 0 else np.inf


def narrowest(responses, count: int, target: float | None = None) -> np.ndarray:
    """The neurons whose responses differ least.

    Parameters
    ----------
    responses : array_like
        Not negative, shape (n,).
    count : int
        How many to choose, 1..n.
    target : float, optional
        Choose those that are nearest to it, instead of those with the smallest spread wherever that is.

    Returns
    -------
    numpy.ndarray of int
        Their numbers, ascending.

    Notes
    -----
    The choice with the smallest CV is a window of the sorted responses, so that the windows are all there is to try.
    For let a be the smallest of a choice, b the largest, and e be left out between them. With the others fixed, CV^2
    falls in one response t up to C(t) = (S2 - t^2) / (S1 - t) and rises beyond; S1, S2 are the sums of the chosen
    responses and of their squares. C(a) - C(b) has the sign of ab + sum of x(a + b - x) over the others, which is
    positive, since x <= b. So e is below C(a), where a is better replaced by e, or above C(b), where b is.
    """
    responses = np.asarray(responses, dtype=float)
    order = np.argsort(responses if target is None else np.abs(responses - target), kind="stable")
    if target is not None:
        return np.sort(order[:count])
    windows = np.lib.stride_tricks.sliding_window_view(responses[order], count)
    first = int(np.argmin([spread(window) for window in windows]))
    return np.sort(order[first : first + count])


# -- weight bits ----------------------------------------------------------------------------------------
# `on` is which bits are on: bool, shape (words, 4), W0 first; `charges` is what each adds, of the same shape.


def bits_of(masks) -> np.ndarray:
    """Masks 0..15 as bits, a last axis of 4, W0 first."""
    return (np.asarray(masks)[..., None] >> np.arange(WEIGHT_BITS)) & 1 == 1


def masks_of(on) -> np.ndarray:
    """Bits as masks 0..15: the inverse of `bits_of`."""
    return np.asarray(on) @ (1 << np.arange(WEIGHT_BITS))


def flip_table(words: int) -> np.ndarray:
    """Changes of masks: every choice of one, two, ... bits, as many as there are `LARGEST_MOVES` for.

    Returns
    -------
    numpy.ndarray of bool
        Bits that change, shape (moves, 4*words); the fewest bits first.
    """
    bits = WEIGHT_BITS * words
    moves = []
    for size in range(1, bits + 1):
        more = list(combinations(range(bits), size))
        if moves and len(moves) + len(more) > LARGEST_MOVES:
            break
        moves += more
    table = np.zeros((len(moves), bits), dtype=bool)
    for row, move in zip(table, moves, strict=True):
        row[list(move)] = True
    return table


def masks_for_charge(on: np.ndarray, charges: np.ndarray, wanted: float, unused: bool = False) -> np.ndarray:
    """Bits whose charges add up to what is wanted, as nearly as possible: a subset sum.

    Parameters
    ----------
    on : numpy.ndarray of bool
        The bits to start from, which stay if nothing is nearer; shape (words, 4).
    charges : numpy.ndarray
        Of each bit, any unit; shape (words, 4).
    wanted : float
        The sum.
    unused : bool
        Whether a word may be left without a bit.

    Returns
    -------
    numpy.ndarray of bool
        Shape (words, 4). Up to `EXACT_WORDS` words: the nearest of all choices. More: the best that changes of some
        bits at a time, see `flip_table`, lead to.
    """
    words = len(on)
    if words <= EXACT_WORDS:
        least = 0 if unused else 1
        grid = np.indices((2**WEIGHT_BITS - least,) * words).reshape(words, -1).T + least
        sums = sum(
            np.where(bits_of(np.arange(16)), charges[word], 0).sum(axis=1)[grid[:, word]] for word in range(words)
        )
        best = int(np.argmin(np.abs(sums - wanted)))
        better = abs(sums[best] - wanted) < abs(charges[on].sum() - wanted)
        return bits_of(grid[best]) if better else on.copy()
    flips = flip_table(words)
    on = on.copy()
    while True:
        gap = wanted - charges[on].sum()
        left = np.abs(flips @ np.where(on, -charges, charges).ravel() - gap)
        for move in np.argsort(left, kind="stable"):
            if not left[move] < abs(gap):
                return on
            new = on ^ flips[move].reshape(on.shape)
            if unused or new.any(axis=1).all():
                on = new
                break
        else:
            return on
