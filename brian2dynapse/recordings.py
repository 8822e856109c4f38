"""Recorded data, simulated or from the lab: tidy tables of traces and spikes, checked; tables of measured values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
import pandas as pd

from .errors import DynapseError
from .provenance_record import carry, provenance

LARGEST_V = 5.0  # the supply is 1.8 V, an amplifier may shift and scale a little
LARGEST_A = 1e-3  # the largest bias current is some microampere


class Measurement(pd.DataFrame):
    """A table of what was measured: an ordinary DataFrame that remembers where it comes from.

    Units are in the names of the columns (`tau_s`, `peak_V`, `rate_Hz`): SI.

    Attributes
    ----------
    protocol : str
        Function of `measure` that made it.
    codes : dict
        Bias to code (coarse, fine), as run: what the protocol itself sets is in it. Of several settings, the first
        one; of several quantities whose runs differ, {quantity: code}. Empty for recorded data of unknown biases.
    recording : pandas.DataFrame or None
        What was read: traces (setting, neuron, time_s, voltage_V or current_A) or spikes (setting, neuron, time_s), in
        the form in which the protocol takes data of a lab.
    attrs : dict
        ``attrs["provenance"]``: versions, chip, biases as they were given, circuits; see `provenance`.
    """

    _metadata: ClassVar = ["protocol", "codes", "recording"]
    protocol: ClassVar = ""  # pandas takes attributes that are not declared for columns
    codes: ClassVar = {}
    recording: ClassVar = None

    @property
    def _constructor(self):
        return Measurement


def measurement(rows, protocol: str, codes: Mapping, recording: pd.DataFrame | None, made_with: Mapping) -> Measurement:
    """A table with its origin; `made_with` is the record of `provenance` that it carries."""
    table = carry(Measurement(rows), made_with)
    table.protocol = protocol
    table.codes = {name: code if isinstance(code, dict) else tuple(code) for name, code in codes.items()}
    table.recording = recording
    return table


def checked_recording(recorded, columns: tuple[str, ...], protocol: str, settings=()) -> pd.DataFrame:
    """Data of a lab in the form of this project.

    Parameters
    ----------
    recorded : pandas.DataFrame
        With `columns`; column neuron tells neurons apart, if there are several.
    columns : tuple of str
        What has to be there.
    protocol : str
        For the message.
    settings : list of Biases
        With which the data were made, if that is known: the column setting counts them.

    Returns
    -------
    pandas.DataFrame
        A copy with the columns setting and neuron (0 where missing), in order of time within a neuron.

    Raises
    ------
    DynapseError
        If a column is missing or is not numbers, a neuron has no name, a neuron has two values at one time, or values
        are not in the units of the columns.
    """
    if not isinstance(recorded, pd.DataFrame):
        raise DynapseError(
            f"{protocol}: recorded is {type(recorded).__name__}; give a DataFrame with columns {', '.join(columns)}, "
            "and neuron if there are several"
        )
    missing = [column for column in columns if column not in recorded]
    if missing:
        raise DynapseError(
            f"{protocol}: recorded has no column {' and '.join(missing)}; needed are {', '.join(columns)}, and neuron "
            f"if there are several; it has {', '.join(map(str, recorded.columns))}"
        )
    table = recorded.copy()
    for column in columns:
        if table[column].dtype.kind not in "iuf" or not np.isfinite(table[column].to_numpy(float)).all():
            raise DynapseError(f"{protocol}: column {column} of recorded holds what is not a finite number; clean it")
    if table.empty:
        raise DynapseError(f"{protocol}: recorded has no rows")
    for column in ("setting", "neuron"):
        if column not in table:
            table[column] = 0
        kind = pd.api.types.infer_dtype(table[column])
        if table[column].isna().any() or kind.startswith("mixed"):
            raise DynapseError(
                f"{protocol}: column {column} of recorded has rows without one, or numbers and names; give each row one"
            )
    if settings and not set(table["setting"]) <= set(range(len(settings))):
        raise DynapseError(
            f"{protocol}: column setting of recorded has {sorted(set(table['setting']))}, and biases are given for "
            f"{len(settings)}; give the biases of all of them, numbered from 0, or select rows"
        )
    for column, largest, other in (("voltage_V", LARGEST_V, "millivolt"), ("current_A", LARGEST_A, "picoampere")):
        if column in columns and np.ptp(table[column]) > largest:
            raise DynapseError(
                f"{protocol}: {column} of recorded spans {np.ptp(table[column]):.3g}, above {largest:g}; it is in "
                f"{'volt' if column == 'voltage_V' else 'ampere'}, not in {other}"
            )
    if "rate_Hz" in columns and (table["rate_Hz"] < 0).any():
        raise DynapseError(f"{protocol}: rate_Hz of recorded is negative in some rows; a firing rate is not")
    if "time_s" in columns and table.duplicated(["setting", "neuron", "time_s"]).any():
        twice = next(table[table.duplicated(["setting", "neuron", "time_s"])].itertuples())
        raise DynapseError(
            f"{protocol}: recorded has two rows of neuron {twice.neuron} at {twice.time_s:g} s; neurons or trials "
            "need a column neuron that tells them apart (events repeated by the chip: drop_duplicates)"
        )
    keys = ["setting", "neuron", "time_s"] if "time_s" in columns else ["setting", "neuron"]
    return table.sort_values(keys, kind="stable", ignore_index=True)


def of_each(table: pd.DataFrame) -> Iterator[tuple[dict, pd.DataFrame]]:
    """Each neuron of each setting: what it is, and its rows."""
    for (setting, neuron), rows in table.groupby(["setting", "neuron"], sort=True):
        yield {"setting": setting, "neuron": neuron}, rows


def trace_frame(times: np.ndarray, values: np.ndarray, column: str) -> pd.DataFrame:
    """Traces of shape (settings, neurons, times) as a tidy table."""
    settings, neurons, samples = values.shape
    return pd.DataFrame(
        {
            "setting": np.repeat(np.arange(settings), neurons * samples),
            "neuron": np.tile(np.repeat(np.arange(neurons), samples), settings),
            "time_s": np.tile(times, settings * neurons),
            column: values.ravel(),
        }
    )


def one_setting(table: pd.DataFrame, settings) -> pd.DataFrame:
    """Without the column setting, if there is only one."""
    several = len(settings) > 1 or len(set(table["setting"])) > 1
    return table if several else table.drop(columns="setting")


def codes_of(settings) -> dict:
    """Codes of the first setting; empty if there is none."""
    return {name: settings[0][name] for name in settings[0]} if settings else {}


# Protocol: quantity (a name, or the column that has it), and column of the value.
_OBSERVED = {
    "time_constants": ("quantity", "tau_s"),
    "refractory_period": ("t_ref", "t_ref_s"),
    "delay": ("bits", "delay_s"),
}
# Delay bits to the observable that they make.
DELAY_QUANTITIES = {"none": "delay", "precise": "delay_precise", "mismatched": "delay_mismatched", "both": "delay_both"}


def observations(*tables: pd.DataFrame) -> pd.DataFrame:
    """What was measured at which code, in the form that `fit_chip` takes.

    Parameters
    ----------
    *tables : Measurement
        Of `time_constants`, `refractory_period`, `delay`, made with the biases.

    Returns
    -------
    pandas.DataFrame
        Columns quantity, bias, coarse, fine, neuron, value (SI), unit; rows without a value are left out, and
        counted in ``attrs["left_out"]``.

    Raises
    ------
    DynapseError
        For a table of another protocol, or one that does not know its codes.
    """
    parts = []
    for table in tables:
        protocol = getattr(table, "protocol", "")
        if protocol not in _OBSERVED:
            raise DynapseError(
                f"observations: a table of {protocol or 'an unknown protocol'} has no closed form to be fitted to; "
                f"give tables of {', '.join(_OBSERVED)} as returned (pd.concat forgets the protocol)"
            )
        if "coarse" not in table:
            raise DynapseError(
                f"observations: the table of {protocol} does not know its codes; measure with biases=..."
            )
        quantity, value = _OBSERVED[protocol]
        names = table[quantity].replace(DELAY_QUANTITIES) if quantity in table else quantity
        part = table[["bias", "coarse", "fine", "neuron"]].assign(quantity=names, value=table[value], unit="second")
        parts.append(pd.DataFrame(part)[["quantity", "bias", "coarse", "fine", "neuron", "value", "unit"]])
    together = pd.concat(parts, ignore_index=True)
    measured = together.dropna(subset="value").reset_index(drop=True)
    measured.attrs["left_out"] = len(together) - len(measured)
    carry(measured, provenance(*tables))
    return measured
