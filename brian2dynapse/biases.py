"""`Biases`: the named codes of one core; currents are a view derived from them."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from brian2.units import Quantity, amp

from . import dac, facts
from .errors import CodeError, DynapseError, unknown_name
from .files import write_atomically
from .provenance_record import data_sha256


class Code(NamedTuple):
    """A bias code: coarse 0..5, fine 0..255."""

    coarse: int
    fine: int


class Biases:
    """The bias codes of one core.

    All neurons of a core share one set of biases. Groups that are made with the same `Biases`
    object share it too: a change reaches all of them. Use `copy` for another core.

    Parameters
    ----------
    codes : mapping of str to code or current, optional
        What differs from the documented working point.
    table : GeneratorTable, optional
        A measured generator table (`dac.load_table`) in place of the nominal one.

    Examples
    --------
    >>> biases = Biases({"SOIF_LEAK_N": (2, 5)})
    >>> biases["SOIF_LEAK_N"]
    Code(coarse=2, fine=5)
    """

    def __init__(self, codes: Mapping | None = None, table: dac.GeneratorTable | None = None):
        if table is not None and not isinstance(table, dac.GeneratorTable):
            raise DynapseError(f"table is {type(table).__name__}; give what dac.load_table returns")
        asked = {}
        if isinstance(codes, Biases):
            codes, asked = codes._codes, codes._asked
        if not isinstance(codes, (Mapping, type(None))):
            raise DynapseError(f"codes is {type(codes).__name__}; give a mapping of names to codes, or from_csv(path)")
        self._table = table or dac.nominal_table()
        self._listeners = weakref.WeakSet()
        self._codes = {name: Code(*facts.bias(name).default) for name in facts.core_biases()}
        self._asked = {}  # amp, of the biases that were set by a current
        self.update(codes or {})
        self._asked.update(asked)

    @property
    def table(self) -> dac.GeneratorTable:
        """The generator table behind the currents."""
        return self._table

    def __getitem__(self, name: str) -> Code:
        self._check_name(name)
        return self._codes[name]

    def __setitem__(self, name: str, value) -> None:
        self.update({name: value})

    def __iter__(self) -> Iterator[str]:
        return iter(self._codes)

    def __len__(self) -> int:
        return len(self._codes)

    def __contains__(self, name: object) -> bool:
        return name in self._codes

    def __eq__(self, other) -> bool:
        if not isinstance(other, Biases):
            return NotImplemented
        return self._codes == other._codes and self._table.equals(other._table)

    def __reduce__(self):
        # Copies and processes get codes, asked currents and table; the groups that listen stay with the original.
        table = None if self._table is dac.nominal_table() else self._table
        return Biases, (self._codes.copy(), table), {"_asked": self._asked.copy()}

    def update(self, codes: Mapping) -> None:
        """Set several biases at once; nothing is set if one of them is wrong.

        Parameters
        ----------
        codes : mapping of str to code or current
            A code is a pair (coarse, fine) of integers; a current is a Brian2 quantity in amp, for
            which the nearest of the 1536 codes is chosen. Zero current is the smallest code. What was asked for
            is remembered, see `asked`.

        Raises
        ------
        UnknownNameError
            If the core has no such bias.
        CodeError
            If a code is out of range, or a current is negative or above what the codes reach.
        """
        checked = {name: self.code_of(name, value) for name, value in codes.items()}
        before = {name: self._codes[name] for name, code in checked.items() if self._codes[name] != code}
        asked_before = self._asked
        kept = {name: current for name, current in asked_before.items() if name not in checked}
        self._codes.update(checked)
        self._asked = kept | {name: float(value) for name, value in codes.items() if isinstance(value, Quantity)}
        try:
            self._notify(before)
        except Exception:  # a group refuses, for example a delay of seconds: all or nothing
            self._codes.update(before)
            self._asked = asked_before
            self._notify(before)
            raise

    def _notify(self, names) -> None:
        for listener in sorted(self._listeners, key=lambda group: group.name):
            listener.biases_changed(list(names))

    def current(self, name: str) -> Quantity:
        """Current of a bias as it reaches the circuit, before the mirror scale and the mismatch of a chip.

        Parameters
        ----------
        name : str
            The bias.

        Returns
        -------
        Quantity
            Scalar, in amp.
        """
        return self.current_in_amp(name) * amp

    def current_in_amp(self, name: str) -> float:
        """Current of a bias as it reaches the circuit, as a plain number in amp."""
        code = self[name]
        return dac.current(name, code.coarse, code.fine, self._table)

    def shown(self, name: str) -> str:
        """Code of a bias as messages show it: ``"(2,5)"``."""
        return "({},{})".format(*self[name])

    def asked(self, name: str) -> float | None:
        """Current that a bias was set by, in amp; the nearest code has another one, see `current`.

        Parameters
        ----------
        name : str
            The bias.

        Returns
        -------
        float or None
            None if the bias was set by a code, or not at all. Copies remember it, CSV files do not.
        """
        self._check_name(name)
        return self._asked.get(name)

    @property
    def sha256(self) -> str:
        """Hash of the codes, and of a measured generator table: equal sets have the same, whatever their order."""
        return self.sha256_with({})

    def sha256_with(self, changes: Mapping[str, Code]) -> str:
        """As `sha256`, if some codes were others."""
        codes = {name: list(code) for name, code in (self._codes | dict(changes)).items()}
        measured = None if self._table.equals(dac.nominal_table()) else self._table
        currents = {kind: values.tolist() for kind, values in measured.currents.items()} if measured else {}
        return data_sha256({"codes": codes, "table": currents})

    def copy(self) -> Biases:
        """An independent set with the same codes, asked currents and table."""
        return Biases(self, table=self._table)

    def subscribe(self, group) -> None:
        """Call ``group.biases_changed(names)`` whenever codes change; held weakly."""
        self._listeners.add(group)

    def unsubscribe(self, group) -> None:
        """Stop telling `group` of changes."""
        self._listeners.discard(group)

    def to_frame(self) -> pd.DataFrame:
        """All biases as a table.

        Returns
        -------
        pandas.DataFrame
            A row a bias, in the order of the bias table; columns bias, coarse, fine, current_A,
            role, parameter, effect, block, type, geometry_um, asked_A (NaN if set by a code), error (current
            over asked - 1, else NaN).
        """
        rows = []
        for name, code in self._codes.items():
            bias, current, asked = facts.bias(name), self.current_in_amp(name), self._asked.get(name, np.nan)
            rows.append(
                {
                    "bias": name,
                    "coarse": code.coarse,
                    "fine": code.fine,
                    "current_A": current,
                    "role": bias.role,
                    "parameter": bias.parameter,
                    "effect": bias.effect,
                    "block": bias.block,
                    "type": bias.type,
                    "geometry_um": bias.geometry,
                    "asked_A": asked,
                    "error": current / asked - 1 if asked else np.nan,
                }
            )
        return pd.DataFrame(rows)

    def to_csv(self, path: str | Path) -> Path:
        """Write the table of `to_frame` as CSV, whole or not at all.

        Parameters
        ----------
        path : str or path
            The file; an existing one is replaced.

        Returns
        -------
        pathlib.Path
            The file.
        """
        return write_atomically(path, lambda file: self.to_frame().to_csv(file, index=False), refusal=DynapseError)

    @classmethod
    def from_csv(cls, path: str | Path, table: dac.GeneratorTable | None = None) -> Biases:
        """Read biases from CSV.

        Parameters
        ----------
        path : str or path
            A table with the columns bias, coarse and fine, a row for every bias of a core; further
            columns are for the reader only: codes are the truth, currents derive from them.
        table : GeneratorTable, optional
            A measured generator table.

        Returns
        -------
        Biases
            With the codes of the file.

        Raises
        ------
        DynapseError
            If columns or biases are missing or repeated, or a code is wrong; all are listed.
        """
        path = Path(path)
        try:
            frame = pd.read_csv(path, comment="#")
        except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
            raise DynapseError(f"{path.name} is not a table with commas: {error}") from None
        missing = [column for column in ("bias", "coarse", "fine") if column not in frame]
        if missing:
            raise DynapseError(f"{path.name}: column {', '.join(missing)} is missing; needed are bias, coarse, fine")
        biases = cls(table=table)
        problems = [f"{name} is missing" for name in biases if name not in set(frame["bias"])]
        problems += [f"{name} occurs more than once" for name in frame["bias"][frame["bias"].duplicated()].unique()]
        codes = {}
        for row in frame.itertuples(index=False):
            try:
                codes[row.bias] = biases.code_of(row.bias, (_whole(row.coarse), _whole(row.fine)))
            except DynapseError as error:
                problems.append(str(error))
        if problems:
            raise DynapseError(f"{path.name}: " + "; ".join(problems))
        biases.update(codes)
        return biases

    def _check_name(self, name: str) -> None:
        if isinstance(name, str) and name in self._codes:
            return
        if isinstance(name, str) and name in facts.bias_table():
            scope = facts.bias(name).scope
            raise unknown_name("bias of a core", name, self._codes, hint=f"({name} is {scope} to several cores)")
        raise unknown_name("bias", name, self._codes)

    def code_of(self, name: str, value) -> Code:
        """Code that a value stands for, without setting it; as in `update`.

        Parameters
        ----------
        name : str
            The bias.
        value : pair of int, or Quantity
            A code, or a current in amp.

        Returns
        -------
        Code
            The code itself, or the nearest one to the current.
        """
        self._check_name(name)
        if isinstance(value, Quantity) and value.dim is amp.dim:
            return self._code_of_current(name, value)
        if isinstance(value, Quantity) or not isinstance(value, (tuple, list, np.ndarray)) or np.shape(value) != (2,):
            raise CodeError(
                f"{name}: got {value!r}; give a code (coarse, fine) of two integers, "
                "or one current with its unit, for example 61*pA"
            )
        coarse, fine = dac.check_code(name, *value)
        return Code(int(coarse), int(fine))

    def _code_of_current(self, name: str, value: Quantity) -> Code:
        if np.ndim(value) != 0:
            raise CodeError(f"{name}: got {np.size(value)} currents; all neurons of a core share one")
        wanted = float(value)
        largest = dac.current_range(name, self._table)[1]
        if wanted > largest:
            raise CodeError(
                f"{name}: {wanted:.4g} A is above {largest:.4g} A, the largest current of its codes; ask for less"
            )
        coarse, fine = dac.nearest(name, wanted, self._table)
        return Code(int(coarse), int(fine))

    def __repr__(self) -> str:
        changed = [f"{n}: {tuple(c)}" for n, c in self._codes.items() if c != facts.bias(n).default]
        return "Biases({" + ", ".join(changed) + "})" + ("" if changed else "  # documented working point")

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        frame["current"] = [str(current * amp) for current in frame["current_A"]]
        return frame[["bias", "coarse", "fine", "current", "role"]].to_html(index=False)


def _whole(value):
    """The integer behind 5.0, which pandas makes of 5 where another row of the column is empty."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
