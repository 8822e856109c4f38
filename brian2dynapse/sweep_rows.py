"""Rows of a sweep: checked, hashed, seeded; and the table that becomes of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .errors import SweepError
from .sweep_values import canonical, decoded, encoded, for_table, unit

ERROR = "error"  # the last column of a table
SEED = "seed"
LARGEST_SEED = 2**32 - 1
_EXACT = 2**53  # integers up to here are floats, too
_HASH = 16  # hexadecimal digits, 64 bits


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes
    ----------
    number : int
        Its place among the rows.
    cells : dict
        Column to value, as JSON has it (`sweep_values.encoded`).
    hash : str
        Of the cells; the same for the same cells, whatever their order.
    seed : int
        0 to 2**32 - 1, from the seed of the sweep and the hash.
    seeded : bool
        Whether the seed is a column of the table.
    """

    number: int
    cells: dict
    hash: str
    seed: int
    seeded: bool

    @property
    def decoded(self) -> dict:
        """Column to value."""
        return {name: decoded(value) for name, value in self.cells.items()}

    @property
    def columns(self) -> dict:
        """Column to value as JSON has it, with the seed if it is one."""
        return self.cells | ({SEED: self.seed} if self.seeded else {})


def checked_rows(rows, seed: int | None) -> list[Row]:
    """Rows as they were given, checked.

    Parameters
    ----------
    rows : pandas.DataFrame or sequence of mapping
        What varies.
    seed : int or None
        Of the sweep.

    Raises
    ------
    SweepError
        If there are none, if they differ in their columns, or if a cell holds what JSON cannot.
    """
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0):
        raise SweepError(f"seed is {seed!r}; give a non-negative integer, or None")
    records = _records(rows)
    first = list(records[0])
    _check_columns(first)
    checked = []
    for number, record in enumerate(records):
        if set(record) != set(first):
            different = ", ".join(repr(name) for name in sorted(set(record) ^ set(first), key=repr))
            raise SweepError(
                f"rows[{number}] and rows[0] do not have the same columns, they differ in {different}; give every row "
                "all columns, with None where one has no value"
            )
        cells = {name: encoded(record[name], f"rows[{number}][{name!r}]") for name in first}
        digest = hashlib.sha256(canonical(cells).encode()).hexdigest()
        entropy = [int(digest[k : k + 8], 16) for k in range(0, 64, 8)] + ([] if seed is None else [int(seed)])
        own = int(np.random.SeedSequence(entropy).generate_state(1)[0])
        checked.append(Row(number, cells, digest[:_HASH], own, seed is not None and SEED not in cells))
    return checked


def _records(rows) -> list[dict]:
    if isinstance(rows, pd.DataFrame):
        if not rows.columns.is_unique:
            raise SweepError(f"rows has the column {rows.columns[rows.columns.duplicated()][0]!r} twice; rename one")
        columns = [rows[name].tolist() for name in rows.columns]
        rows = [dict(zip(rows.columns, cells, strict=True)) for cells in zip(*columns, strict=True)]
    elif not isinstance(rows, Sequence) or isinstance(rows, (str, bytes)):
        raise SweepError(f"rows is {type(rows).__name__}; give a DataFrame or a list of dicts, one a row")
    if not len(rows):
        raise SweepError("rows is empty; give at least one row")
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise SweepError(f"rows[{number}] is {type(row).__name__}; give a dict, column to value")
    return [dict(row) for row in rows]


def _check_columns(names: list) -> None:
    if not names:
        raise SweepError("rows[0] has no columns; a row says what varies")
    for name in names:
        if not isinstance(name, str) or not name:
            raise SweepError(f"rows has a column {name!r}; the name of a column is a string")
        if name == ERROR:
            raise SweepError(f"rows has a column {ERROR!r}, which the table of results has; rename it")


def note_units(units: dict, cells: dict) -> None:
    """Remember the unit of each column, None for plain numbers; NaN and None fit every unit.

    Parameters
    ----------
    units : dict of str to str or None
        Column to SI unit, so far; is filled.
    cells : dict
        Column to value as JSON has it.

    Raises
    ------
    SweepError
        If a column had another unit before.
    """
    for name, cell in cells.items():
        if cell is None or cell != cell:
            continue
        known = units.setdefault(name, unit(cell))
        if known != unit(cell):
            shown = " and in ".join(one or "plain numbers" for one in (known, unit(cell)))
            raise SweepError(f"column {name!r} is in {shown}; give all of its values in one unit")


def table_of(rows: list[Row], outcomes: dict[int, dict], units: dict) -> pd.DataFrame:
    """The table: columns of the rows, results, error.

    Parameters
    ----------
    rows : list of Row
        In the order of the table.
    outcomes : dict of int to dict
        What became of each row, as `sweep_tasks.RowRunner` says it in JSON, by its number.
    units : dict of str to str or None
        Of `note_units`.
    """
    lines = []
    for row in rows:
        outcome = outcomes[row.number]
        results = outcome["results"] or [{}]  # a row that failed, or that has no lines, stays in the table
        lines += [(row.columns, one, outcome[ERROR]) for one in results]
    table = {}
    for part in (0, 1):
        for name in dict.fromkeys(name for line in lines for name in line[part]):
            table[name] = _column([for_table(line[part].get(name, np.nan)) for line in lines])
    table[ERROR] = pd.Series([line[2] for line in lines])
    frame = pd.DataFrame(table)
    frame.attrs["units"] = {name: units[name] for name in table if units.get(name)}
    return frame


def _column(values: list) -> pd.Series:
    """As pandas makes it, but for integers that it would round and tuples that it would take apart."""
    kinds = {type(value) for value in values}
    large = any(type(value) is int and abs(value) > _EXACT for value in values)
    mixed = bool in kinds and kinds != {bool}
    as_they_are = mixed or (large and kinds != {int}) or any(issubclass(kind, tuple) for kind in kinds)
    return pd.Series(values, dtype=object) if as_they_are else pd.Series(values)
