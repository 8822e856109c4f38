"""Tables of a chip's defects: CSV files that a lab can write by hand. Every error is listed with its line."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pandas as pd

from . import facts
from .configuration import LARGEST_CHIPS, LARGEST_TAG
from .errors import ConfigurationError, DynapseError
from .files import write_atomically

TAGS = LARGEST_TAG + 1
TAG_HALVES = 2  # the upper tag bit: 0 for tags 0..1023, 1 for tags 1024..2047
CAM_SHAPE = (facts.CORES_PER_CHIP, facts.NEURONS_PER_CORE, facts.SYNAPSES_PER_NEURON, TAG_HALVES)
TAG_SHAPE = (facts.CORES_PER_CHIP, TAGS)
_CAM_PLACE = dict(zip(("chip", "core", "neuron", "cam", "upper_tag_bit"), (LARGEST_CHIPS, *CAM_SHAPE), strict=True))
_TAG_RANGE = {"chip": LARGEST_CHIPS, "core": facts.CORES_PER_CHIP, "first": TAGS, "last": TAGS}
_CAM_HEADER = """\
# Failed tests of CAM words. failed: fraction 0..1 of the tests of this CAM that failed with tags of this upper tag bit
# (0: tags 0..1023, 1: tags 1024..2047). A CAM without a row never failed.
"""
_TAG_HEADER = """\
# Tags that work in each core: ranges, both ends included. Every core has a row; one without any tag has empty ends.
"""


def write_cams(path: str | Path, failures: np.ndarray) -> Path:
    """Write fractions of failed tests, shape (chips, 4, 256, 64, 2); see `ChipProfile.to_csv`."""
    where = np.argwhere(failures > 0)
    # A chip without defects would be forgotten: one row says that it is there.
    perfect = np.setdiff1d(np.arange(len(failures)), where[:, 0])
    where = np.concatenate([where, np.pad(perfect[:, None], ((0, 0), (0, len(CAM_SHAPE))))])
    frame = pd.DataFrame(where, columns=list(_CAM_PLACE)).assign(failed=failures[tuple(where.T)])
    return _write(path, _CAM_HEADER, frame)


def write_tags(path: str | Path, tags: np.ndarray) -> Path:
    """Write which tags work, shape (chips, 4, 2048), as ranges; see `ChipProfile.to_csv`."""
    rows = []
    for chip, core in np.ndindex(tags.shape[:2]):
        edges = np.flatnonzero(np.diff(tags[chip, core], prepend=False, append=False))
        ranges = [(first, end - 1) for first, end in edges.reshape(-1, 2)]
        rows += [(chip, core, *ends) for ends in ranges or [("", "")]]
    return _write(path, _TAG_HEADER, pd.DataFrame(rows, columns=list(_TAG_RANGE)))


def read_cams(path: Path) -> np.ndarray:
    """Fractions of failed tests, shape (chips, 4, 256, 64, 2); see `ChipProfile.from_csv`."""
    cells, errors = _read(path, [*_CAM_PLACE, "failed"])
    table = _numbers(cells)
    errors += _range_errors(cells, table, _CAM_PLACE)
    outside = ~table["failed"].between(0, 1)
    errors += [f"line {line}: failed is {got!r}; a fraction 0..1" for line, got in cells["failed"][outside].items()]
    place = list(_CAM_PLACE)
    for line, *again in table.loc[table.duplicated(place) & table.notna().all(axis=1), place].itertuples():
        named = ", ".join(f"{name} {number:g}" for name, number in zip(place, again, strict=True))
        errors.append(f"line {line}: {named} has a row already")
    _raise(errors, path)
    where = table[place].to_numpy(dtype=int)
    failures = np.zeros((where[:, 0].max() + 1, *CAM_SHAPE))
    failures[tuple(where.T)] = table["failed"]
    return failures


def read_tags(path: Path, chips: int) -> np.ndarray:
    """Which tags work, shape (chips or more, 4, 2048); see `ChipProfile.from_csv`."""
    cells, errors = _read(path, list(_TAG_RANGE))
    none = (cells["first"] == "") & (cells["last"] == "")
    table = _numbers(cells)
    errors += _range_errors(cells, table, {name: _TAG_RANGE[name] for name in ("chip", "core")})
    ends = table[~none]
    errors += _range_errors(cells[~none], ends, {name: _TAG_RANGE[name] for name in ("first", "last")})
    errors += [
        f"line {line}: the range ends at {last:g}, before its beginning, {first:g}"
        for line, first, last in ends.loc[ends["last"] < ends["first"], ["first", "last"]].itertuples()
    ]
    if not errors:
        chips = max(chips, int(table["chip"].max()) + 1)
        named = set(table[["chip", "core"]].astype(int).itertuples(index=False, name=None))
        errors += [
            f"chip {chip}, core {core} has no row; 0..{LARGEST_TAG} if all its tags work, empty ends if none does"
            for chip, core in np.ndindex(chips, facts.CORES_PER_CHIP)
            if (chip, core) not in named
        ]
    _raise(errors, path)
    tags = np.zeros((chips, *TAG_SHAPE), dtype=bool)
    for chip, core, first, last in ends.astype(int).itertuples(index=False):
        tags[chip, core, first : last + 1] = True
    return tags


def _read(path: Path, columns: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """Cells of the named columns as text, the numbers of their lines as index; and rows of another length."""
    lines = enumerate(_text(path).splitlines(), start=1)
    kept = [(number, line) for number, line in lines if line.strip() and not line.lstrip().startswith("#")]
    rows, errors = {}, []
    for number, line in kept:
        try:  # a line by itself: a row has no line breaks, and a stray quote spoils one row
            rows[number] = [cell.strip() for cell in next(csv.reader([line], strict=True))]
        except csv.Error as error:
            errors.append(f"line {number}: is no row of a CSV file: {error}; numbers need no quotes")
    first = kept[0][0] if kept else None
    if kept and first not in rows:
        _raise(errors, path)
    names = rows.pop(first, [])
    missing = [name for name in columns if name not in names]
    if missing:
        raise DynapseError(f"{path.name}: column {', '.join(missing)} is missing; needed are {', '.join(columns)}")
    doubled = [name for name in columns if names.count(name) > 1]
    _raise([f"line {first}: column {name} is named {names.count(name)} times; name it once" for name in doubled], path)
    if len(kept) == 1:
        raise DynapseError(f"{path.name}: has no rows below the names of its columns; give one a chip or more")
    unequal = {number: len(row) for number, row in rows.items() if len(row) != len(names)}
    errors += [f"line {k}: has {n} cells; the first row names {len(names)} columns" for k, n in unequal.items()]
    whole = {number: row for number, row in rows.items() if number not in unequal}
    frame = pd.DataFrame(list(whole.values()), columns=names, index=list(whole), dtype=object)
    return frame[columns], errors


def _text(path: Path) -> str:
    try:
        found = path.read_bytes()
    except (OSError, ValueError) as error:  # no such file; no such name
        raise unreadable(path, error) from None
    try:
        text = found.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = found.count(b"\n", 0, error.start) + 1
        wrong = f"line {line}: byte 0x{found[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise ConfigurationError([wrong], path.name) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ConfigurationError([f"line {line}: has a zero byte; save the file as UTF-8 text"], path.name)
    return text


def checked_path(path) -> Path:
    """A path, or an error that names what it is."""
    if not isinstance(path, (str, os.PathLike)):
        raise DynapseError(f"path is {path!r}; give the name of a file")
    return Path(path)


def unreadable(path: Path, error: Exception) -> ConfigurationError:
    """The error for a file that is not there, or a folder."""
    return ConfigurationError([f"cannot be read: {getattr(error, 'strerror', None) or error}"], str(path))


def _numbers(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells as numbers, NaN where they are none."""
    return cells.map(_number).astype(float)


def _number(text: str) -> float:
    try:  # Python's own 1_0 and digits of other scripts are typing mistakes here
        return float(text) if text.isascii() and "_" not in text else np.nan
    except ValueError:
        return np.nan


def _range_errors(cells: pd.DataFrame, table: pd.DataFrame, sizes: dict[str, int]) -> list[str]:
    errors = []
    for name, size in sizes.items():
        wrong = ~(table[name].between(0, size - 1) & (table[name] % 1 == 0))
        for line, got in cells[name][wrong].items():
            errors.append(f"line {line}: {name} is {got!r}; an integer 0..{size - 1}")
    return errors


def _raise(errors: list[str], path: Path) -> None:
    if errors:
        raise ConfigurationError(sorted(errors, key=_line), path.name)


def _line(error: str) -> int:
    return int(error.split(":")[0].removeprefix("line ")) if error.startswith("line ") else 0


def _write(path: str | Path, header: str, frame: pd.DataFrame) -> Path:
    def write(file: Path) -> None:
        with open(file, "w", encoding="utf-8", newline="") as handle:
            handle.write(header)
            frame.to_csv(handle, index=False, lineterminator="\n")

    return write_atomically(path, write, DynapseError)
