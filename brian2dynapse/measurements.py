"""Tables of measurements of a chip: codes, and what was observed; read and checked, every error with its row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd
from brian2.units import allunits, get_dimensions, stdunits
from brian2.units.fundamentalunits import Unit

from . import dac, facts
from .biases import Biases
from .errors import DynapseError, unknown_name
from .observables import OBSERVABLES, Observable

NEEDED = ("quantity", "coarse", "fine", "value")
KNOWN = (*NEEDED, "bias", "unit", "sd", "neuron", "core", "chip")
LISTED_ERRORS = 10


@dataclass(frozen=True, eq=False)
class Group:
    """Rows of one observable, as arrays.

    Attributes
    ----------
    observable : Observable
        What was measured.
    rows : numpy.ndarray of int
        Their positions in the table.
    currents : dict of str to numpy.ndarray
        Current of each of its biases in each of the rows, as the codes say it, amp.
    """

    observable: Observable
    rows: np.ndarray
    currents: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Measurements:
    """A checked table.

    Attributes
    ----------
    frame : pandas.DataFrame
        As given, with columns bias and unit filled in.
    observed, sds : numpy.ndarray
        What was measured and its standard error, SI units; the latter NaN where it is not known.
    turned : numpy.ndarray of str
        The bias whose code stands in the row.
    neurons : numpy.ndarray of int or None
        Number of the neuron of each row; None if the table names none.
    groups : list of Group
        The rows by observable.
    scale : numpy.ndarray
        Of each row, the unit of its value in SI units.
    """

    frame: pd.DataFrame
    observed: np.ndarray
    sds: np.ndarray
    turned: np.ndarray
    neurons: np.ndarray | None
    groups: list[Group]
    scale: np.ndarray


def read(table, biases: Biases | None = None) -> Measurements:
    """Check a table of measurements.

    Parameters
    ----------
    table : DataFrame, or path of a CSV file
        See `fit_chip`.
    biases : Biases, optional
        Codes of the biases that a row does not name.

    Returns
    -------
    Measurements

    Raises
    ------
    DynapseError
        For missing or unknown columns, or wrong rows, which are listed.
    """
    if biases is not None and not isinstance(biases, Biases):
        raise DynapseError(f"biases is {type(biases).__name__}; give a brian2dynapse.Biases")
    frame = _frame(table)
    problems: list[str] = []
    rows = [_row(row, biases, _in_row(number, problems)) for number, row in enumerate(frame.to_dict("records"))]
    neurons = _neurons(frame, problems)
    if problems:
        more = f"; and {len(problems) - LISTED_ERRORS} more" if len(problems) > LISTED_ERRORS else ""
        raise DynapseError("the table of measurements: " + "; ".join(problems[:LISTED_ERRORS]) + more)
    sds = np.array([row["sd"] for row in rows])
    if np.isnan(sds).any() and not np.isnan(sds).all():
        raise DynapseError(
            f"the table of measurements: sd is missing in row {int(np.flatnonzero(np.isnan(sds))[0])} and given in "
            "others; give the standard error of every value, or of none"
        )
    turned = np.array([row["bias"] for row in rows])
    return Measurements(
        frame=frame.assign(bias=turned, unit=[row["unit"] for row in rows]),
        observed=np.array([row["value"] for row in rows]),
        sds=sds,
        turned=turned,
        neurons=neurons,
        groups=_groups(rows),
        scale=np.array([row["scale"] for row in rows]),
    )


def _frame(table) -> pd.DataFrame:
    if isinstance(table, (str, PathLike)):
        try:
            table = pd.read_csv(Path(table), comment="#", skipinitialspace=True)
        except OSError as error:
            raise DynapseError(f"{table}: cannot be read: {error.strerror}") from None
        except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
            raise DynapseError(f"{Path(table).name} is not a table with commas: {error}") from None
    if not isinstance(table, pd.DataFrame):
        raise DynapseError(f"table is {type(table).__name__}; give a DataFrame or the path of a CSV file")
    missing = [name for name in NEEDED if name not in table]
    if missing or table.empty:
        lacking = f"has no column {' and '.join(missing)}" if missing else "has no rows"
        raise DynapseError(f"the table of measurements {lacking}; needed are {', '.join(NEEDED)}")
    for name in table:
        if name not in KNOWN:
            raise unknown_name("column of a table of measurements", name, KNOWN)
    return table.reset_index(drop=True)


def _in_row(number: int, problems: list[str]) -> Callable[[str], None]:
    return lambda message: problems.append(f"row {number}: {message}")


def _row(row: dict, biases: Biases | None, wrong: Callable[[str], None]) -> dict:
    """What a row says; tells `wrong` what it should not."""
    checked = {"observable": None, "bias": "", "currents": {}, "value": np.nan, "sd": np.nan, "unit": "", "scale": 1.0}
    try:
        checked |= _observed(row, biases)
    except DynapseError as error:
        wrong(str(error))
        return checked
    for name in ("value", "sd"):
        given = row.get(name, np.nan)
        if name == "sd" and pd.isna(given):
            continue
        if isinstance(given, (bool, str)) or not np.isfinite(given) or not given > 0:
            wrong(f"{name} is {given!r}; give a positive number in {checked['unit']}")
        else:
            checked[name] = float(given) * checked["scale"]
    return checked


def _observed(row: dict, biases: Biases | None) -> dict:
    """The observable, its unit, and the currents of its biases."""
    quantity, bias = row["quantity"], row.get("bias")
    if not isinstance(quantity, str) or quantity not in OBSERVABLES:
        raise unknown_name("quantity", quantity, OBSERVABLES)
    observable = OBSERVABLES[quantity]
    if pd.isna(bias):
        if not observable.bias:
            raise DynapseError(f"{quantity} of which bias? Name it in the column bias")
        bias = observable.bias
    observable = observable.of(bias)
    if facts.bias(bias).scope != "core":
        raise DynapseError(f"{bias} is no bias of a core, and a fit has no use for it; leave the row out")
    code = [_whole(row[part]) for part in ("coarse", "fine")]
    table = None if biases is None else biases.table
    currents = {bias: float(dac.current(bias, *code, table))}
    for other in observable.biases:
        if other != bias and biases is None:
            raise DynapseError(f"{quantity} depends on {other} too; give the codes of the rest, biases=Biases({{...}})")
        currents.setdefault(other, None if biases is None else biases.current_in_amp(other))
    unit, scale = _unit(row.get("unit"), observable)
    return {"observable": observable, "bias": bias, "currents": currents, "unit": unit, "scale": scale}


def _unit(name, observable: Observable) -> tuple[str, float]:
    """Name of a unit, and what it is in SI units."""
    if pd.isna(name) or name == "":
        return observable.unit, 1.0
    unit = getattr(stdunits, str(name), None) or getattr(allunits, str(name), None)
    if not isinstance(unit, Unit) or unit.dim is not get_dimensions(getattr(allunits, observable.unit)):
        raise DynapseError(
            f"unit is {name!r}; {observable.name} is in {observable.unit}, or for example {_SHORT[observable.unit]}"
        )
    return str(name), float(unit)


_SHORT = {"second": "ms", "volt": "mV", "amp": "pA"}


def _whole(value):
    """The integer behind 5.0, which pandas makes of 5 where another row of the column is empty."""
    return int(value) if isinstance(value, (float, np.floating)) and float(value).is_integer() else value


def _neurons(frame: pd.DataFrame, problems: list[str]) -> np.ndarray | None:
    """Numbers of the neurons of the rows: the same where chip, core and neuron are."""
    place = [name for name in ("chip", "core", "neuron") if name in frame]
    if "neuron" not in place:
        if place:
            problems.append(f"column {place[0]} without a column neuron; name the neuron of every row")
        return None
    empty = frame[place].isna().any(axis=1)
    if empty.any():
        problems.append(
            f"row {int(np.flatnonzero(empty)[0])}: {' or '.join(place)} is empty; name the neuron of every row"
        )
        return None
    return frame.groupby(place).ngroup().to_numpy()


def _groups(rows: list[dict]) -> list[Group]:
    found: dict[tuple, list[int]] = {}
    for number, row in enumerate(rows):
        found.setdefault((row["observable"].name, row["observable"].bias), []).append(number)
    return [
        Group(
            rows[numbers[0]]["observable"],
            np.array(numbers),
            {
                bias: np.array([rows[number]["currents"][bias] for number in numbers])
                for bias in rows[numbers[0]]["observable"].biases
            },
        )
        for numbers in found.values()
    ]
