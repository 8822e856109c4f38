"""What a sweep sends to its workers: the function, and how a row is run there."""

from __future__ import annotations

import inspect
import json
import random
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd

from .errors import SweepError
from .sweep_rows import ERROR, SEED, Row
from .sweep_values import encoded

RESULT = "result"  # column of a function that returns one value
_SHOWN_COLUMNS = 12


class Prepared:
    """What a sweep takes in place of a function, and asks whether it knows the columns; a row always has a seed."""

    batch = 1  # rows in one call of `run_many`, if it has that
    provenance = None  # of what all rows have in common

    def check_columns(self, names: Iterable[str]) -> None:
        """Refuse columns that mean nothing; before the first row."""
        raise NotImplementedError


class Mistake(SweepError):
    """Of the function, for all rows alike: the sweep ends."""


class RowRunner:
    """Runs rows, in whatever process; picklable if its function is.

    Parameters
    ----------
    run_one : callable or Prepared
        The user's.
    by_name : bool
        Whether it takes the columns as keyword arguments, or the row as a dict.
    takes_seed : bool
        Whether it takes the seed of the row.
    """

    def __init__(self, run_one, by_name: bool, takes_seed: bool):
        self.run_one = run_one
        self.by_name = by_name
        self.takes_seed = takes_seed

    def __call__(self, rows: list[Row]) -> list[tuple[int, str]]:
        """Run one row, or a batch.

        Parameters
        ----------
        rows : list of Row
            One; or several, for a `Prepared` with `run_many`.

        Returns
        -------
        list of (int, str)
            Number of the row, and what became of it in JSON: results (a list of dicts, one a line of the table), error
            (empty if fine), traceback; or mistake, which ends the sweep.
        """
        try:
            results = self._run_many(rows) if hasattr(self.run_one, "run_many") else [self._run(rows[0])]
            outcomes = [{"results": self._lines(row, one)} for row, one in zip(rows, results, strict=True)]
        except Mistake as mistake:
            outcomes = [{"mistake": str(mistake)} for _ in rows]
        except Exception as error:
            if len(rows) > 1:  # which of them it was
                half = len(rows) // 2
                return self(rows[:half]) + self(rows[half:])
            outcomes = [{"results": [], ERROR: _text(error), "traceback": traceback.format_exc()}]
        return [(row.number, json.dumps({ERROR: ""} | one)) for row, one in zip(rows, outcomes, strict=True)]

    def _run(self, row: Row):
        _seed_generators(row.seed)
        values = self._arguments(row)
        return self.run_one(**values) if self.by_name else self.run_one(values)

    def _run_many(self, rows: list[Row]) -> list:
        _seed_generators(np.random.SeedSequence([row.seed for row in rows]).generate_state(1)[0])
        results = list(self.run_one.run_many([self._arguments(row) for row in rows]))
        if len(results) != len(rows):
            raise Mistake(f"{len(results)} results were made of {len(rows)} rows; make one a row")
        return results

    def _arguments(self, row: Row) -> dict:
        return ({SEED: row.seed} if self.takes_seed else {}) | row.decoded

    def _lines(self, row: Row, returned) -> list[dict]:
        """What the function returned, as lines of the table in JSON's terms."""
        if isinstance(returned, pd.DataFrame):
            if not returned.columns.is_unique:
                raise SweepError("the DataFrame that was returned has a column twice; rename one")
            columns = [returned[name].tolist() for name in returned.columns]
            records = [dict(zip(returned.columns, cells, strict=True)) for cells in zip(*columns, strict=True)]
        elif isinstance(returned, Mapping):
            records = [returned]
        elif returned is None:
            raise SweepError("the function returned None; return a dict (columns), a number, a string or a DataFrame")
        else:
            records = [{RESULT: returned}]
        for name in records[0] if records else ():
            if not isinstance(name, str) or not name:
                raise SweepError(f"a result is named {name!r}; the name of a column is a string")
            if name in row.columns or name == ERROR:
                raise Mistake(f"the function returned a column {name!r}, which the rows have; give it another name")
        return [{name: encoded(value, f"result {name!r}") for name, value in record.items()} for record in records]


def runner_of(run_one, row: Row) -> RowRunner:
    """How a function takes its rows.

    Parameters
    ----------
    run_one : callable or Prepared
        The user's.
    row : Row
        Any, since all have the same columns.

    Raises
    ------
    SweepError
        If it takes them in neither way.
    """
    if isinstance(run_one, Prepared):
        run_one.check_columns(row.columns)
        return RowRunner(run_one, False, True)
    if not callable(run_one):
        raise SweepError(f"run_one is {type(run_one).__name__}; give a function of one row")
    if row.seeded and _takes(run_one, **row.columns):
        return RowRunner(run_one, True, True)
    if _takes(run_one, **row.cells):
        return RowRunner(run_one, True, False)
    if _takes(run_one, row.cells):
        return RowRunner(run_one, False, row.seeded)
    names = list(row.cells)
    shown = ", ".join(names[:_SHOWN_COLUMNS]) + (", ..." if len(names) > _SHOWN_COLUMNS else "")
    raise SweepError(
        f"{name_of(run_one)}{inspect.signature(run_one)} does not take the columns of the rows; write it with one "
        f"argument a column, run_one({shown}), or with one for the whole row, run_one(row), a dict"
    )


def _takes(function: Callable, *args, **kwds) -> bool:
    try:
        inspect.signature(function).bind(*args, **kwds)
    except TypeError:
        return False
    except ValueError:  # a builtin says nothing; one argument is its best guess
        return not kwds
    return True


def name_of(run_one) -> str:
    """Name of a function, or the class of an object."""
    function = getattr(run_one, "func", run_one)  # of a functools.partial
    return getattr(function, "__qualname__", type(run_one).__name__)


def _seed_generators(seed: int) -> None:
    """The global generators of Python, NumPy and Brian2 (whose standalone device would compile the seed in)."""
    random.seed(int(seed))
    np.random.seed(int(seed))  # noqa: NPY002 (what Brian2 and old code draw from)
    devices = sys.modules.get("brian2.devices.device")
    if devices is not None and isinstance(devices.get_device(), devices.RuntimeDevice):
        devices.seed(int(seed))


def _text(error: BaseException) -> str:
    """Type and message; of Brian2's wrapper what it wraps, which names the object and the next step."""
    while type(error).__name__ == "BrianObjectException" and error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {error}"
