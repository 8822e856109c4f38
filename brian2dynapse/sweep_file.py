"""The file of a sweep: a line a row, written as it comes, so that a sweep that was interrupted continues."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from .errors import SweepError
from .sweep_rows import Row
from .sweep_values import canonical, decoded

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None

FORMAT = 1
_open_here = set()  # files that this process writes; locks of the system are between processes
_guard = threading.Lock()


class SweepFile:
    """What is done, on disk; to be used as a context, in which nobody else can write it.

    Parameters
    ----------
    path : str or path
        The file; it is made if missing.
    rows : list of Row
        Of the sweep.
    header : dict
        What else has to agree: of the function, the seed.

    Attributes
    ----------
    outcomes : dict of int to str
        What became of the rows that were done before, in JSON.

    Notes
    -----
    JSON lines: a header; then a line a row with row (its number), hash, cells, and outcome (results, error). If a row
    has several lines, the last one counts. A line that was cut, by a kill in the middle of writing, is taken off.
    """

    def __init__(self, path: str | Path, rows: list[Row], header: dict):
        if not isinstance(path, (str, os.PathLike)):
            raise SweepError(f"file is {path!r}; give the name of a file")
        self.path = Path(path)
        self.outcomes = {}
        self._rows = rows
        self._header = {"format": FORMAT} | header

    def __enter__(self) -> SweepFile:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._key = os.path.realpath(self.path)
            self._lock_here()
            try:
                self._file = open(self.path, "a+b", buffering=0)
            except BaseException:
                self._unlock_here()
                raise
        except OSError as error:
            raise SweepError(f"{self.path}: cannot be written: {error.strerror}; give another file") from error
        try:
            self._lock()
        except BaseException:
            self._file.close()
            self._unlock_here()
            raise
        try:
            self._read()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        if fcntl is None:
            self._lock_file.unlink(missing_ok=True)
        self._file.close()  # and with it the lock
        self._unlock_here()

    # -- one writer ------------------------------------------------------------------------------------

    def _lock_here(self) -> None:
        with _guard:
            if self._key in _open_here:
                raise self._taken()
            _open_here.add(self._key)

    def _unlock_here(self) -> None:
        with _guard:
            _open_here.discard(self._key)

    def _lock(self) -> None:
        # A POSIX lock is the process's own: workers that outlive a killed sweep do not keep it.
        if fcntl is not None:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                raise self._taken() from None
            except OSError as error:
                raise SweepError(
                    f"{self.path}: cannot be locked ({error.strerror}): another sweep could write it, too; give "
                    "a file in a file system with locks"
                ) from error
            return
        try:
            os.close(os.open(self._lock_file, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            raise self._taken(f", or, if none does, because it was killed, delete {self._lock_file}") from None

    @property
    def _lock_file(self) -> Path:
        return self.path.with_name(self.path.name + ".lock")

    def _taken(self, more: str = "") -> SweepError:
        return SweepError(f"{self.path}: another sweep writes this file now; wait for it, or give another file{more}")

    # -- reading and writing ---------------------------------------------------------------------------

    def _read(self) -> None:
        self._file.seek(0)
        content = self._file.readall()
        whole = content.rfind(b"\n") + 1
        first = canonical(self._header).encode() + b"\n"
        if not whole and first.startswith(content):  # new, or killed within its first line
            self._file.truncate(0)
            self._write(first)
            return
        lines = content[:whole].split(b"\n")[:-1] or [content]
        self._check_header(lines[0])
        for number, line in enumerate(lines[1:], start=2):
            self._take(number, line)
        if whole < len(content):
            self._file.truncate(whole)

    def _check_header(self, line: bytes) -> None:
        try:
            header = json.loads(line)
        except ValueError:
            header = None
        if not isinstance(header, dict) or "format" not in header:
            raise SweepError(f"{self.path} is not the file of a sweep; it stays as it is, give another file")
        for name, wanted in self._header.items():
            if header.get(name) != wanted:
                raise SweepError(
                    f"{self.path} is of another sweep: its {name} is {header.get(name)!r}, this one's {wanted!r}; it "
                    "stays as it is, give another file"
                )

    def _take(self, number: int, line: bytes) -> None:
        try:
            entry = json.loads(line)
            place, digest, cells, outcome = (entry[key] for key in ("row", "hash", "cells", "outcome"))
            complete = isinstance(place, int) and {"results", "error"} <= set(outcome)
        except (ValueError, KeyError, TypeError):
            complete = False
        if not complete:
            raise SweepError(f"{self.path}, line {number} is damaged; it stays as it is, take that line out")
        if not 0 <= place < len(self._rows):
            raise SweepError(
                f"{self.path} is of other rows: it has a row {place}, this sweep has {len(self._rows)} rows; it stays "
                "as it is, give another file"
            )
        row = self._rows[place]
        if digest != row.hash:
            raise SweepError(
                f"{self.path} is of other rows: {_difference(cells, row)}; it stays as it is, give another file"
            )
        self.outcomes[place] = json.dumps(outcome)

    def append(self, row: Row, outcome: str) -> None:
        """Write what became of a row; it is on disk afterwards.

        Parameters
        ----------
        row : Row
            Which.
        outcome : str
            JSON, see `sweep_tasks.RowRunner`.
        """
        entry = {"row": row.number, "hash": row.hash, "cells": row.cells, "outcome": json.loads(outcome)}
        self._write(json.dumps(entry, separators=(",", ":")).encode() + b"\n")

    def _write(self, line: bytes) -> None:
        try:
            while line:
                line = line[self._file.write(line) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise SweepError(
                f"{self.path}: cannot be written: {error.strerror}; make room and call again with this file, which has "
                "the rows that were done"
            ) from error


def _difference(cells: dict, row: Row) -> str:
    """The first one, in words."""
    for name in [*row.cells, *(name for name in cells if name not in row.cells)]:
        there, here = (one.get(name, "nothing") for one in (cells, row.cells))
        if canonical(there) != canonical(here):
            return f"in row {row.number}, {name!r} is {decoded(there)!r} there and {decoded(here)!r} here"
    return f"row {row.number} differs"
