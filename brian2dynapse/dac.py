"""Codes to currents and back: the arithmetic of the bias generators.

SI floats and NumPy arrays, no Brian2. A bias is set by a code, (coarse 0..5, fine 0..255). Its
generator makes

    I_generator = floor + sum of the currents of the set bits of fine

(per generator type and coarse code; the upper bits are compressed, so that the current falls where the fine
code passes a multiple of 32: at all of them at coarse 2 to 4, at some elsewhere), and a mirror passes it on to
the circuit:

    I = gain(I_generator; geometry of the receiving transistor) * I_generator

The bit currents and the gain curves are fits to the vendor's bias table (see the data files).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from . import facts
from .errors import CodeError, DynapseError


@dataclass(frozen=True, eq=False)
class GeneratorTable:
    """Currents of the bias generators, one for every code.

    Attributes
    ----------
    name : str
        What the table is called in reports, for example a file name.
    currents : dict of str to numpy.ndarray
        Generator type (``"N"``, ``"P"``) to currents in amp, shape (6, 256): coarse, fine.
    """

    name: str
    currents: dict[str, np.ndarray]

    def circuit_currents(self, name: str) -> np.ndarray:
        """Currents that reach the circuit of a bias, for all 1536 codes.

        Parameters
        ----------
        name : str
            The bias.

        Returns
        -------
        numpy.ndarray
            Amp, shape (6, 256), read-only.

        Raises
        ------
        UnknownNameError
            If the chip has no such bias.
        CodeError
            If no current table or gain curve is known for it.
        """
        if name not in self._circuit_currents:
            bias = facts.bias(name)
            if bias.type not in self.currents:
                raise CodeError(
                    f"{name}: the generator table '{self.name}' has no currents of type {bias.type}"
                    + ("; the bias is a voltage" if bias.type == "V" else "")
                )
            if not bias.gain_curve:
                raise CodeError(f"{name}: no mirror gain is published for it, so its current is not known")
            generator = self.currents[bias.type]
            reached = generator * mirror_gain(bias.gain_curve, generator)
            reached.setflags(write=False)
            self._circuit_currents[name] = reached
        return self._circuit_currents[name]

    def equals(self, other: GeneratorTable) -> bool:
        """Whether another table has the same currents."""
        if self is other:
            return True
        return self.currents.keys() == other.currents.keys() and all(
            np.array_equal(values, other.currents[kind]) for kind, values in self.currents.items()
        )

    def sorted_codes(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """All currents of a bias in ascending order, and their code numbers 256*coarse + fine."""
        if name not in self._sorted_codes:
            reached = self.circuit_currents(name).ravel()
            order = np.argsort(reached, kind="stable")
            self._sorted_codes[name] = (reached[order], order)
        return self._sorted_codes[name]

    @cached_property
    def _circuit_currents(self) -> dict[str, np.ndarray]:
        return {}

    @cached_property
    def _sorted_codes(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        return {}


@cache
def nominal_table() -> GeneratorTable:
    """The generator table of the project: bit currents fitted to the vendor's table."""
    bits = (np.arange(facts.FINE_CODES)[:, None] >> np.arange(8)) & 1
    currents = {kind: np.zeros((facts.COARSE_CODES, facts.FINE_CODES)) for kind in "NP"}
    for row in facts.read_table("generator_bit_weights.csv"):
        weights = np.array([float(row[f"bit{bit}_A"]) for bit in range(8)])
        currents[row["type"]][int(row["coarse"])] = float(row["floor_A"]) + bits @ weights
    for values in currents.values():
        values.setflags(write=False)
    return GeneratorTable("nominal", currents)


def load_table(path: str | Path) -> GeneratorTable:
    """Load a measured generator table, to be used in place of the nominal one.

    Parameters
    ----------
    path : str or path
        CSV file with the columns ``type`` (N or P), ``coarse``, ``fine``, ``current_A`` (current of
        the generator in amp, before the mirror). Every code of a type that occurs must be there once.

    Returns
    -------
    GeneratorTable
        To be given to `Biases(table=...)`, `current` or `nearest`.

    Raises
    ------
    DynapseError
        If columns or codes are missing, repeated or out of range, or a current is not positive; the
        message lists all that is wrong.
    """
    import pandas as pd  # only here: the arithmetic itself imports in milliseconds

    path = Path(path)
    frame = pd.read_csv(path, comment="#")
    missing = [column for column in ("type", "coarse", "fine", "current_A") if column not in frame]
    if missing:
        raise DynapseError(
            f"{path.name}: column {', '.join(missing)} is missing; needed are type, coarse, fine, current_A"
        )
    problems = []
    currents = {}
    for kind, rows in frame.groupby("type"):
        if kind not in ("N", "P"):
            problems.append(f"type is {kind!r}; a generator is N or P")
            continue
        coarse, fine = rows["coarse"].to_numpy(), rows["fine"].to_numpy()
        inside = np.isin(coarse, np.arange(facts.COARSE_CODES)) & np.isin(fine, np.arange(facts.FINE_CODES))
        for outside in rows[~inside].itertuples():
            problems.append(f"type {kind}: ({outside.coarse},{outside.fine}) is not a code")
        counts = np.zeros((facts.COARSE_CODES, facts.FINE_CODES), dtype=int)
        values = np.full(counts.shape, np.nan)
        index = (coarse[inside].astype(int), fine[inside].astype(int))
        np.add.at(counts, index, 1)
        values[index] = pd.to_numeric(rows["current_A"], errors="coerce").to_numpy()[inside]
        for label, wrong in (
            ("missing", counts == 0),
            ("repeated", counts > 1),
            ("without a positive current", (counts > 0) & ~(np.isfinite(values) & (values > 0))),
        ):
            if wrong.any():
                first = np.argwhere(wrong)[0]
                problems.append(f"type {kind}: {wrong.sum()} codes are {label}, the first is ({first[0]},{first[1]})")
        values.setflags(write=False)
        currents[kind] = values
    if problems or not currents:
        raise DynapseError(f"{path.name}: " + ("; ".join(problems) or "the table is empty"))
    return GeneratorTable(path.name, currents)


@cache
def _gain_knots(curve: str) -> tuple[np.ndarray, np.ndarray]:
    rows = facts.read_table("mirror_gain.csv")
    return tuple(np.log([float(row[column]) for row in rows]) for column in ("current_A", curve))


def mirror_gain(curve: str, generator_current):
    """Gain of the mirror between generator and circuit.

    Parameters
    ----------
    curve : str
        Column of the gain table, for example ``"N 5.6x6"``.
    generator_current : array_like
        Amp.

    Returns
    -------
    numpy.ndarray
        Dimensionless; linear interpolation in log-log between the knots of the table.
    """
    log_current, log_gain = _gain_knots(curve)
    return np.exp(np.interp(np.log(generator_current), log_current, log_gain))


def check_code(name: str, coarse, fine) -> tuple[np.ndarray, np.ndarray]:
    """Check that codes are integers in range.

    Parameters
    ----------
    name : str
        The bias, for the message.
    coarse, fine : array_like of int
        Codes.

    Returns
    -------
    tuple of numpy.ndarray
        The same codes as integer arrays.

    Raises
    ------
    CodeError
        For a value that is not an integer or out of range.
    """
    checked = []
    for part, values, size in (("coarse", coarse, facts.COARSE_CODES), ("fine", fine, facts.FINE_CODES)):
        array = np.asarray(values)
        if array.dtype.kind not in "iu":
            raise CodeError(f"{name}: {part} is {values!r}; a {part} code is an integer 0..{size - 1}")
        outside = (array < 0) | (array >= size)
        if outside.any():
            raise CodeError(f"{name}: {part} is {array[outside].flat[0]}; a {part} code is 0..{size - 1}")
        checked.append(array.astype(int))
    return checked[0], checked[1]


def current(name: str, coarse, fine, table: GeneratorTable | None = None):
    """Current that reaches the circuit for a code.

    Parameters
    ----------
    name : str
        The bias, for example ``"SOIF_LEAK_N"``.
    coarse, fine : int or array_like of int
        Codes, 0..5 and 0..255; broadcast against each other.
    table : GeneratorTable, optional
        A measured table in place of the nominal one.

    Returns
    -------
    float or numpy.ndarray
        Amp, of the broadcast shape.

    Raises
    ------
    UnknownNameError
        If the chip has no such bias.
    CodeError
        If a code is out of range, or the bias has no current.
    """
    reached = (table or nominal_table()).circuit_currents(name)
    coarse, fine = check_code(name, coarse, fine)
    value = reached[coarse, fine]
    return float(value) if np.ndim(value) == 0 else value


def current_range(name: str, table: GeneratorTable | None = None) -> tuple[float, float]:
    """Smallest and largest current, in amp, that the codes of a bias give."""
    reached, _ = (table or nominal_table()).sorted_codes(name)
    return float(reached[0]), float(reached[-1])


def nearest(name: str, current, table: GeneratorTable | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Code whose current in the circuit is nearest to a wanted one, over all 1536 codes.

    Parameters
    ----------
    name : str
        The bias.
    current : float or array_like
        Wanted current in the circuit, amp. Zero, and what lies outside the range of the codes,
        gives the nearest end of the range (see `current_range`).
    table : GeneratorTable, optional
        A measured table in place of the nominal one.

    Returns
    -------
    coarse, fine : numpy.ndarray of int
        Of the shape of `current`. Nearest means the smallest absolute difference; of two equally
        near codes the one with the smaller current is taken.

    Raises
    ------
    UnknownNameError
        If the chip has no such bias.
    CodeError
        If a current is negative or not finite.
    """
    reached, code = (table or nominal_table()).sorted_codes(name)
    if str(getattr(current, "dim", "A")) != "A":  # a quantity of Brian2, which this module does not know
        raise CodeError(f"{name}: got {current}; give a current, in amp")
    wanted = np.asarray(current, dtype=float)
    if not np.all(np.isfinite(wanted)):
        raise CodeError(f"{name}: a current is not finite; give amperes, for example 61e-12")
    if np.any(wanted < 0):
        raise CodeError(f"{name}: current is {wanted[wanted < 0].flat[0]:g} A; a bias current is positive")
    above = np.clip(np.searchsorted(reached, wanted), 1, reached.size - 1)
    closer_below = wanted - reached[above - 1] <= reached[above] - wanted
    chosen = code[np.where(closer_below, above - 1, above)]
    return chosen // facts.FINE_CODES, chosen % facts.FINE_CODES
