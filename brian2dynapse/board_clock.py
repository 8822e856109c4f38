"""The clock of a simulated board, and the script's `time` module that runs on it. No Brian2."""

from __future__ import annotations

import sys
import sysconfig
import threading
import time
import warnings
from pathlib import Path

from .errors import DynapseError

MICROSECOND = 1000  # in nanoseconds, which the clock counts
LOOK = 10 * MICROSECOND  # what looking at the time takes, so that a script that waits by looking gets on
SHOWN_DELAY = 1_000_000_000  # of a simulation slower than real time, beyond which a warning says so

_sleep, _time_ns, _perf_counter_ns, _monotonic_ns = time.sleep, time.time_ns, time.perf_counter_ns, time.monotonic_ns
_STANDARD = str(Path(sysconfig.get_paths()["stdlib"]).resolve())
_PACKAGES = tuple(str(Path(sysconfig.get_paths()[name]).resolve()) for name in ("purelib", "platlib"))
_OWN = str(Path(__file__).resolve().parent)
_LIBRARIES = {"brian2", "Cython", "IPython", "ipykernel", "jupyter_client", "matplotlib", "numpy", "tornado", "zmq"}


class BoardWarning(UserWarning):
    """Something that a script for the board is likely not to mean."""


class Clock:
    """Time on the chips.

    Parameters
    ----------
    real_time : bool
        Whether waiting takes as long as it says, and whatever else the script does counts as time; by default
        waiting takes no time, and only waiting and reading count.

    Attributes
    ----------
    waits : int
        How often the script waited.
    """

    def __init__(self, real_time: bool = False):
        self.real_time = real_time
        self._lock = threading.RLock()
        self.waits = 0
        self._now = 0
        self._start = _perf_counter_ns()
        self._behind = 0
        self.origin = {"time": _time_ns(), "monotonic": _monotonic_ns(), "perf_counter": _perf_counter_ns()}

    @property
    def now_us(self) -> int:
        """Microseconds since the clock was made."""
        with self._lock:
            if self.real_time:
                self._now = max(self._now, _perf_counter_ns() - self._start)
            return self._now // MICROSECOND

    @property
    def now_ns(self) -> int:
        """Nanoseconds since the clock was made; looking takes a moment."""
        self._pass(0 if self.real_time else LOOK)
        return self.now_us * MICROSECOND if self.real_time else self._now

    def wait(self, seconds: float) -> None:
        """Let time pass on the chips."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self.waits += 1
        self._pass(round(seconds * 1e9))

    def wait_us(self, microseconds: int) -> None:
        """Let time pass on the chips."""
        self.waits += 1
        self._pass(microseconds * MICROSECOND)

    def spend_us(self, microseconds: int) -> None:
        """What a call takes on the chips' clock; no waiting of the script."""
        self._pass(microseconds * MICROSECOND)

    def _pass(self, nanoseconds: int) -> None:
        with self._lock:
            if self.real_time:
                self._now = max(self._now, _perf_counter_ns() - self._start)
            self._now += nanoseconds
            ahead = self._now - (_perf_counter_ns() - self._start)
        if self.real_time and ahead > 0:
            _sleep(ahead / 1e9)
        elif nanoseconds > LOOK and threading.active_count() > 1:
            _sleep(0)  # another thread of the script may have something to do

    def excuse(self, spent_ns: int, simulated_us: int) -> None:
        """In real time, what a simulation took longer than the time that it simulated does not count."""
        late = spent_ns - simulated_us * MICROSECOND
        if not self.real_time or late <= 0:
            return
        with self._lock:
            self._start += late
            told, self._behind = self._behind > SHOWN_DELAY, self._behind + late
        if not told and self._behind > SHOWN_DELAY:
            warnings.warn(
                "the simulation is slower than real time; the board's clock waits for it", BoardWarning, stacklevel=4
            )


class PatchedTime:
    """The functions of `time` on a board's clock, for scripts; Python's own modules keep the real ones.

    Parameters
    ----------
    clock : Clock
        The board's.
    """

    def __init__(self, clock: Clock):
        self._clock = clock
        self._real = {}

    def start(self) -> None:
        """Put the functions into the module `time`."""
        if self._real:
            raise DynapseError("time is patched already")
        for name in ("time", "monotonic", "perf_counter"):
            self._replace(name, self._reading(name, 1e-9))
            self._replace(f"{name}_ns", self._reading(name, None))
        self._replace("sleep", self._sleeping())

    def stop(self) -> None:
        """Put the real ones back."""
        for name, function in self._real.items():
            setattr(time, name, function)
        self._real = {}

    def _replace(self, name: str, function) -> None:
        self._real[name] = getattr(time, name)
        function.__name__, function.__doc__ = name, self._real[name].__doc__
        setattr(time, name, function)

    def _reading(self, name: str, scale: float | None):
        clock, real = self._clock, getattr(time, name if scale else f"{name}_ns")

        def read():
            if _of_a_library(sys._getframe(1).f_code.co_filename):
                return real()
            now = clock.origin[name] + clock.now_ns
            return now * scale if scale else now

        return read

    def _sleeping(self):
        clock, real = self._clock, time.sleep

        def sleep(seconds):
            if _of_a_library(sys._getframe(1).f_code.co_filename):
                return real(seconds)
            return clock.wait(seconds)

        return sleep


_known: dict[str, bool] = {}


def _of_a_library(filename: str) -> bool:
    """Whether code is of Python, this package or a library that has nothing to do with chips."""
    if filename not in _known:
        _known[filename] = _is_of_a_library(filename)
    return _known[filename]


def _is_of_a_library(filename: str) -> bool:
    if filename.startswith("<frozen "):
        return True
    path = str(Path(filename).resolve())
    for folder in _PACKAGES:
        if path.startswith(folder):
            return Path(path).relative_to(folder).parts[0] in _LIBRARIES
    return path.startswith((_OWN, _STANDARD))
