"""Searches over the codes of a bias: exact where all can be tried, by sections where each trial is a simulation.

No Brian2 here: what is measured comes from a function.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import dac, facts

SECTIONS = 39  # candidates tried at once; two rounds find one of 1536 codes


def ordered_codes(bias: str, table=None) -> tuple[np.ndarray, np.ndarray]:
    """All codes of a bias in the order of their currents, of equal currents one.

    Parameters
    ----------
    bias : str
        The bias.
    table : GeneratorTable, optional
        A measured table in place of the nominal one.

    Returns
    -------
    currents : numpy.ndarray
        Amp, ascending.
    codes : numpy.ndarray of int
        256*coarse + fine.
    """
    every = np.arange(facts.COARSE_CODES * facts.FINE_CODES)
    currents = dac.current(bias, every // facts.FINE_CODES, every % facts.FINE_CODES, table)
    distinct, index = np.unique(currents, return_index=True)
    return distinct, every[index]


def relative_error(got, asked: float, logarithmic: bool = True) -> np.ndarray:
    """How far values are from one that is asked for; 0 is right, NaN stays NaN, zero and negative values are -inf.

    Logarithmic errors, for positive quantities, make half and twice as much equally wrong.
    """
    got = np.asarray(got, float)
    if not logarithmic:
        return (got - asked) / abs(asked)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.isnan(got), np.nan, np.where(got > 0, np.log(np.maximum(got, 0) / asked), -np.inf))


def nearest_of_all(values: np.ndarray, asked: float) -> int:
    """Position of the value nearest to what is asked, of those that are finite; of equally near ones the first."""
    errors = np.abs(relative_error(values, asked))
    return int(np.nanargmin(np.where(np.isnan(errors), np.inf, errors)))


def search_by_sections(
    measured: Callable[[np.ndarray], np.ndarray], size: int, asked: float, start: int | None = None
) -> dict[int, float]:
    """Search positions 0..size-1, along which a quantity rises or falls, for a value.

    The range is divided into sections, then the section in which the value lies, until neighbours are left. So the
    nearest position is found where the quantity is monotone; where it is not, the nearest of those that were tried.

    Parameters
    ----------
    measured : callable
        From positions, shape (k,), to values, shape (k,); NaN where the quantity does not exist.
    size : int
        Number of positions.
    asked : float
        The value, positive.
    start : int, optional
        A position near the answer: those around it are tried first.

    Returns
    -------
    dict of int to float
        All that was measured, position to value; the answer is the `nearest_of_all` of it.
    """
    tried: dict[int, float] = {}
    low, high = (-1, size) if start is None else (start - SECTIONS // 2 - 1, start + SECTIONS // 2 + 1)
    low, high = max(low, -1), min(high, size)
    while high - low > 1:
        inner = np.linspace(low, high, min(SECTIONS, high - low - 1) + 2)[1:-1]
        positions = np.unique(np.round(inner).astype(int).clip(low + 1, high - 1))
        positions = np.array([one for one in positions.tolist() if one not in tried])
        if not positions.size:
            break
        tried |= dict(zip(positions.tolist(), np.asarray(measured(positions), float).tolist(), strict=True))
        low, high = _section(tried, size, asked)
    return tried


def _section(tried: dict[int, float], size: int, asked: float) -> tuple[int, int]:
    """Where to look next: between two that have what is asked between them; else on both sides of the best."""
    places = np.array(sorted(tried))
    errors = relative_error([tried[one] for one in places.tolist()], asked)
    exists = ~np.isnan(errors)
    if not exists.any():
        return 0, 0
    off = np.where(exists, np.abs(errors), np.inf)
    crossed = np.flatnonzero(exists[:-1] & exists[1:] & (np.sign(errors[:-1]) != np.sign(errors[1:])))
    if crossed.size:
        k = crossed[np.argmin(np.minimum(off[crossed], off[crossed + 1]))]
        return int(places[k]), int(places[k + 1])
    best = int(np.argmin(off))
    return int(places[best - 1]) if best else -1, int(places[best + 1]) if best + 1 < places.size else size
