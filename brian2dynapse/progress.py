"""`Progress`: a bar for runs of Brian2 and for sweeps, in a terminal or a notebook. No Brian2."""

from __future__ import annotations

import sys
from collections.abc import Callable

from .errors import SweepError

_END = 1 - 1e-9  # completed part at the end of a run, which Brian2 makes by a subtraction and a division

# What Brian2 puts into a C++ program: the body of report_progress(elapsed, completed, start, duration), in second.
_CPP = """
    const int width = 30, filled = static_cast<int>(completed*width + 1e-6);
    const double remaining = completed > 0 ? elapsed*(1 - completed)/completed : 0.0;
    std::cerr << "\\r" << static_cast<int>(100*completed + 1e-6) << "% |" << std::string(filled, '#')
              << std::string(width - filled, ' ') << "| " << start + completed*duration << "/" << start + duration
              << " s simulated [" << static_cast<int>(elapsed) << " s, " << static_cast<int>(remaining) << " s left]  ";
    if (completed > 1 - 1e-9) std::cerr << std::endl;
    std::cerr << std::flush;
"""


class Progress:
    """A progress bar.

    Raises
    ------
    SweepError
        If tqdm is not installed.

    Notes
    -----
    A run of Brian2 moves the bar each `report_period`, 10 s unless told otherwise. In C++ standalone mode, say
    ``set_device("cpp_standalone")`` before ``bd.Progress()``: Brian2 compiles the report, and the program itself then
    writes a bar to its standard error.

    Examples
    --------
    >>> net.run(10*second, report=bd.Progress(), report_period=0.5*second)      # doctest: +SKIP
    >>> bd.sweep(run_one, rows, report=bd.Progress())                           # doctest: +SKIP
    """

    def __new__(cls):
        return str.__new__(_CompiledProgress, _CPP) if _compiles() else super().__new__(cls)

    def __init__(self):
        self._bar = None
        _tqdm()

    def __call__(self, elapsed, completed: float, start, duration) -> None:
        """As Brian2 reports; times are quantities in second, or numbers of seconds."""
        end = float(start) + float(duration)
        form = "{l_bar}{bar}| {n:.4g}/{total:.4g} s simulated [{elapsed}<{remaining}]"
        ends = completed > _END
        now = end if ends else float(start) + float(completed) * float(duration)
        self._move(float(completed) == 0, now, end, form, ends)

    def show(self, done: int, total: int) -> None:
        """Rows of a sweep.

        Parameters
        ----------
        done, total : int
            How many are done, of how many.
        """
        form = "{l_bar}{bar}| {n_fmt}/{total_fmt} rows [{elapsed}<{remaining}]"
        self._move(self._bar is None, done, total, form, done >= total)

    def _move(self, begins: bool, value: float, total: float, form: str, ends: bool) -> None:
        if begins:
            self._close()
            self._bar = _tqdm()(total=total, initial=value, bar_format=form)
        self._bar.update(value - self._bar.n)
        if ends:
            self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar = None


class _CompiledProgress(Progress, str):
    """The same where Brian2 compiles its report, which it takes as the text of a C++ function."""


def _compiles() -> bool:
    devices = sys.modules.get("brian2.devices.device")
    return devices is not None and not isinstance(devices.get_device(), devices.RuntimeDevice)


def _tqdm():
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise SweepError(
            "Progress needs tqdm, which is not installed: pip install tqdm (for notebooks: tqdm ipywidgets)"
        ) from None
    return tqdm


def shows_rows(report) -> Callable[[int, int], object]:
    """What a sweep calls with the rows that are done and all of them.

    Parameters
    ----------
    report : Progress, callable or None
        As `sweep` takes it.

    Raises
    ------
    SweepError
        If it is something else.
    """
    if report is None:
        return lambda done, total: None
    if isinstance(report, Progress):
        return report.show
    if not callable(report):
        raise SweepError(f"report is {report!r}; give brian2dynapse.Progress(), or a function of (rows done, all rows)")
    return report
