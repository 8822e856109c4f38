"""Tables in files, Parquet or CSV: exact numbers, and what a table knows about itself (`attrs`). No Brian2.

A CSV file begins with a comment, ``# {...}``, JSON: the attributes, the types of the columns, and for a table of
`measure` its protocol and codes. A Parquet file has them in its metadata.
"""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from .errors import DynapseError
from .files import write_atomically
from .recordings import Measurement, measurement

FORMAT, VERSION = "brian2dynapse table", 1
PARQUET, CSV = (".parquet", ".pq"), (".csv",)
_KEY = "brian2dynapse"
_NUMBERS = "biuf"


def write_table(table: pd.DataFrame, path: str | PathLike) -> Path:
    """Write a table, whole or not at all.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns of numbers, truth values and text.
    path : str or path
        ``*.parquet``, ``*.pq`` or ``*.csv``; an existing file is replaced.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    DynapseError
        For another suffix, a table that a file cannot give back exactly, or a file that cannot be written.

    Notes
    -----
    Numbers come back to the last bit, ``table.attrs`` as JSON gives it back (a tuple is a list then). Of a
    `Measurement` protocol and codes are kept; its `recording` is a table of its own.
    """
    kind = _kind(path)
    if not isinstance(table, pd.DataFrame):
        raise DynapseError(f"table is {type(table).__name__}; give a pandas.DataFrame")
    _check_columns(table)
    head = _head(table)
    plain = pd.DataFrame(table).copy()
    plain.attrs = {}
    if kind == "parquet":
        _pyarrow()
        plain.attrs = {_KEY: head}
        return write_atomically(path, lambda file: plain.to_parquet(file, index=False, engine="pyarrow"), DynapseError)
    line = "# " + json.dumps(head)

    def write(file: Path) -> None:
        with file.open("w", encoding="utf-8", newline="\n") as out:
            out.write(line + "\n")
            plain.to_csv(out, index=False, lineterminator="\n")

    return write_atomically(path, write, DynapseError)


def read_table(path: str | PathLike) -> pd.DataFrame:
    """Read a table that `write_table` wrote; or any other CSV or Parquet file, without attributes.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    pandas.DataFrame
        With its attributes; a `Measurement` if it was one.

    Raises
    ------
    DynapseError
        If the file is missing, or is no table.
    """
    kind = _kind(path)
    try:
        table, head = _read_parquet(path) if kind == "parquet" else _read_csv(Path(path))
    except OSError as error:
        raise DynapseError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError) as error:  # also the errors of pandas, pyarrow and JSON
        raise error if isinstance(error, DynapseError) else DynapseError(f"{path}: is no table: {error}") from None
    if head is None:
        return table
    if head["version"] > VERSION:
        raise DynapseError(f"{path}: version {head['version']} of the format; this package knows {VERSION}, update it")
    about = head.get("measurement")
    if about is not None:
        codes = {
            bias: {one: tuple(code) for one, code in value.items()} if isinstance(value, dict) else tuple(value)
            for bias, value in about["codes"].items()
        }
        table = measurement(table, about["protocol"], codes, None)
    table.attrs = head["attrs"]
    return table


def _kind(path) -> str:
    if not isinstance(path, (str, PathLike)):
        raise DynapseError(f"path is {path!r}; give the name of a file, *.parquet or *.csv")
    suffix = Path(path).suffix.lower()
    if suffix not in PARQUET + CSV:
        raise DynapseError(f"{path}: suffix is {suffix!r}; a table is written as {', '.join(PARQUET + CSV)}")
    return "parquet" if suffix in PARQUET else "csv"


def _head(table: pd.DataFrame) -> dict:
    try:
        attrs = json.loads(json.dumps(dict(table.attrs), allow_nan=True, default=_plain))
    except (TypeError, ValueError) as error:
        raise DynapseError(
            f"attrs of the table hold what JSON does not know: {error}; make it numbers and text"
        ) from None
    head = {"format": FORMAT, "version": VERSION, "attrs": attrs}
    head["columns"] = {str(name): str(kind) for name, kind in table.dtypes.items()}
    head["missing"] = [str(name) for name in table.columns if table[name].isna().to_numpy().any()]
    if isinstance(table, Measurement):
        codes = json.loads(json.dumps(table.codes, default=_plain))
        head["measurement"] = {"protocol": table.protocol, "codes": codes}
    return head


def _plain(value):
    if isinstance(value, (np.integer, np.floating, np.bool_)):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} {value!r}")


def _check_columns(table: pd.DataFrame) -> None:
    names = list(table.columns)
    if not names or not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(names):
        raise DynapseError(f"columns of the table are {names}; give each a name of its own, a text")
    if not isinstance(table.index, pd.RangeIndex) or table.index.start != 0 or table.index.step != 1:
        raise DynapseError("the index of the table is not 0, 1, 2, ...; make it columns, table.reset_index()")
    for name in names:
        column = table[name]
        if isinstance(column.dtype, np.dtype) and column.dtype.kind in _NUMBERS and str(column.dtype) != "float16":
            continue
        if isinstance(column.dtype, pd.Int64Dtype):  # integers, some of them missing
            continue
        values = column.dropna() if column.dtype == object or isinstance(column.dtype, pd.StringDtype) else None
        if values is None or not all(isinstance(one, str) for one in values):
            raise DynapseError(
                f"column {name} has type {column.dtype} and holds more than text; a file gives back numbers, booleans "
                "and text exactly: convert it"
            )
        if len(values) < len(column) and (values == "").any():
            raise DynapseError(
                f"column {name} has empty texts and missing ones, which a file cannot tell apart; fill them"
            )
        if any("\r" in one or "\x00" in one for one in values):
            raise DynapseError(f"column {name} holds a text with a carriage return or a zero byte; replace it")


def _read_csv(path: Path):
    with path.open(encoding="utf-8") as file:
        first = file.readline()
    head = None
    if first.startswith("# {"):
        found = json.loads(first[2:])
        head = found if found.get("format") == FORMAT else None
    if head is None:
        return pd.read_csv(path, comment="#"), None
    text = {name: str for name in head["columns"]}
    options = {"keep_default_na": False, "skip_blank_lines": False, "encoding": "utf-8"}
    table = pd.read_csv(path, skiprows=1, dtype=text, **options)
    if list(table.columns) != list(head["columns"]):
        raise DynapseError(f"{path}: its columns are {list(table.columns)}, its head says {list(head['columns'])}")
    kinds = head["columns"].items()
    return pd.DataFrame({name: _typed(table[name], kind, name in head["missing"]) for name, kind in kinds}), head


def _typed(column: pd.Series, kind: str, missing: bool) -> pd.Series:
    """Texts of a file as what they were."""
    if kind == "bool":
        return column == "True"
    if kind.startswith("float"):
        return pd.Series([float(one) if one else np.nan for one in column], dtype=kind)
    if kind == "Int64":
        return pd.Series([int(one) if one else pd.NA for one in column], dtype=kind)
    if kind.startswith(("int", "uint")):
        return pd.Series([int(one) for one in column], dtype=kind)
    column = column.astype(object) if kind == "object" else column
    return column.where(column != "") if missing else column


def _read_parquet(path):
    _pyarrow()
    table = pd.read_parquet(path, engine="pyarrow")
    head = table.attrs.pop(_KEY, None)
    return table, head


def _pyarrow() -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise DynapseError(
            "Parquet needs the package pyarrow: pip install 'brian2dynapse[exchange]'; or use CSV"
        ) from None
