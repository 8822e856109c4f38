"""What is refused of what a simulated board is given: integers, time steps, events. No Brian2."""

from __future__ import annotations

import numpy as np

from .configuration import LARGEST_TAG
from .delivery import ALL_CORES
from .errors import DynapseError

MICROSECOND = 1e-6
_NONE = np.empty((0, 4), dtype=np.int64)


def integer(name: str, value, low: int, high: int | None = None) -> int:
    """Check an integer; without `high` it is as large as it likes."""
    is_one = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_one or value < low or (high is not None and value > high):
        allowed = f"from {low} to {high}" if high is not None else f"of at least {low}"
        raise DynapseError(f"{name} is {value!r}; give an integer {allowed}")
    return int(value)


def whole_step(dt) -> int:
    """A time step in second as microseconds."""
    microseconds = float(dt) / MICROSECOND
    if not 0.5 <= microseconds <= 1e5 or abs(microseconds - round(microseconds)) > 1e-6 * microseconds:
        raise DynapseError(f"dt is {dt!r} s; give a whole number of microseconds, 1e-6 to 0.1, for example 1e-4")
    return round(microseconds)


def checked_events(events, chips: int, now: int) -> np.ndarray:
    """Check events from outside.

    Parameters
    ----------
    events : array_like of int
        Shape (n, 4): chip, core mask, tag, time in microseconds.
    chips : int
        Of the board.
    now : int
        Time of the chips, microseconds.

    Returns
    -------
    numpy.ndarray of int
        Shape (n, 4).

    Raises
    ------
    DynapseError
        If an event is none, or is late.
    """
    events = np.asarray(events)
    if events.size == 0:
        return _NONE
    if events.ndim != 2 or events.shape[1] != _NONE.shape[1] or events.dtype.kind not in "iu":
        raise DynapseError(
            f"events have shape {events.shape} and type {events.dtype}; give rows of integers "
            "(chip, core mask, tag, time in microseconds)"
        )
    events = events.astype(np.int64)
    limits = {"chip": (0, chips - 1), "core mask": (0, ALL_CORES), "tag": (0, LARGEST_TAG), "time": (now, None)}
    for values, (name, (low, high)) in zip(events.T, limits.items(), strict=True):
        wrong = np.flatnonzero((values < low) | (values > (values if high is None else high)))
        if wrong.size:
            allowed = f"at least {low}, the time of the chips" if high is None else f"{low}..{high}"
            raise DynapseError(f"{name} of event {wrong[0]} is {values[wrong[0]]}; it is {allowed}")
    return events
