"""Spikes and traces of a simulation as tidy tables: a row a spike, or a row a sample of a neuron."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from brian2 import Network, SpikeMonitor, StateMonitor
from brian2.groups.subgroup import Subgroup
from brian2.units import amp, coulomb, farad, hertz, ohm, second, siemens, volt

from .errors import DynapseError, unknown_name
from .run_result import RunResult

_SYMBOLS = {
    one.dim: symbol
    for one, symbol in (
        (amp, "A"),
        (coulomb, "C"),
        (farad, "F"),
        (hertz, "Hz"),
        (ohm, "ohm"),
        (second, "s"),
        (siemens, "S"),
        (volt, "V"),
    )
}
# What the protocols of `measure` call the one column of values of a recording.
VALUE_COLUMNS = {"V": "voltage_V", "A": "current_A", "Hz": "rate_Hz"}


def with_unit(variable: str, dimension) -> str:
    """Name of the column of a variable: its unit is in it.

    Parameters
    ----------
    variable : str
        For example ``"Imem"``.
    dimension : brian2 dimension
        Of its values.

    Returns
    -------
    str
        ``"Imem_A"``; the bare name for a number without unit.
    """
    if dimension.is_dimensionless:
        return variable
    return f"{variable}_{_SYMBOLS.get(dimension, str(dimension).replace(' ', '_'))}"


def spikes_frame(recorded, monitor: str | None = None) -> pd.DataFrame:
    """Spikes as a table.

    Parameters
    ----------
    recorded : SpikeMonitor, list of them, Network or RunResult
        What recorded them; a network gives those of all its spike monitors, the results of a `Program` those of one.
    monitor : str, optional
        Name of one monitor; needed for a RunResult.

    Returns
    -------
    pandas.DataFrame
        Columns population (name of the group; of a RunResult that of the monitor), neuron (number in the group),
        time_s (second), in the order in which they came, monitor by monitor. The protocols of `measure` take the rows
        of one population.

    Raises
    ------
    DynapseError
        For what records no spikes.
    """
    if isinstance(recorded, RunResult):
        if monitor is None:
            raise DynapseError("spikes_frame: which monitor of the results? Give its name, monitor='spikes'")
        table = recorded.spikes(monitor)
        parts = [_spikes(monitor, table["i"].to_numpy(), table["t_s"].to_numpy())]
    else:
        monitors = _monitors(recorded, SpikeMonitor, "spikes_frame", monitor)
        parts = [_spikes(group_of(one)[0].name, spike_neurons(one), np.asarray(one.t)) for one in monitors]
    return _together(parts)


def states_frame(recorded, variable: str | None = None, monitor: str | None = None) -> pd.DataFrame:
    """Recorded variables as a table.

    Parameters
    ----------
    recorded : StateMonitor, list of them, Network or RunResult
        What recorded them.
    variable : str, optional
        One variable: its column is then voltage_V or current_A, as the protocols of `measure` take it.
    monitor : str, optional
        Name of one monitor; needed for a RunResult, whose neurons are numbered in the order of recording.

    Returns
    -------
    pandas.DataFrame
        Columns population, neuron (number in the group), time_s (second), and one for each variable with its SI unit
        in the name, such as Imem_A and Vmem_V (NaN where a monitor does not record it).

    Raises
    ------
    DynapseError
        For what records no variables, or not this one.
    """
    if isinstance(recorded, RunResult):
        if monitor is None or variable is None:
            raise DynapseError("states_frame: give monitor= and variable= of the results, such as 'trace' and 'Imem'")
        values = recorded.state(monitor, variable)
        columns = {with_unit(variable, values.dim): np.asarray(values)}
        parts = [_states(monitor, np.arange(len(values)), np.asarray(recorded.state(monitor, "t")), columns)]
    else:
        parts = [_of_monitor(one, variable) for one in _monitors(recorded, StateMonitor, "states_frame", monitor)]
    table = _together(parts)
    if variable is None:
        return table
    (column,) = table.columns[3:]
    plain = VALUE_COLUMNS.get(column.rpartition("_")[2], column)
    table.attrs["units"] = {plain if name == column else name: unit for name, unit in table.attrs["units"].items()}
    return table.rename(columns={column: plain})


def group_of(monitor) -> tuple[object, int]:
    """The whole group that a monitor records, and the number of the first neuron of the part that it records."""
    source = monitor.source
    return (source.source, int(source.start)) if isinstance(source, Subgroup) else (source, 0)


def spike_neurons(monitor: SpikeMonitor) -> np.ndarray:
    """Numbers of the neurons that spiked, in the whole group."""
    return np.asarray(monitor.i, dtype=int) + group_of(monitor)[1]


def recorded_neurons(monitor: StateMonitor) -> np.ndarray:
    """Numbers of the neurons that are recorded, in the whole group."""
    return np.atleast_1d(np.asarray(monitor.record, dtype=int)) + group_of(monitor)[1]


def variables_of(monitor: StateMonitor) -> dict:
    """Recorded variables to their values, with units, shape (neurons, times)."""
    return {name: getattr(monitor, name) for name in monitor.record_variables}


def _of_monitor(monitor: StateMonitor, variable: str | None) -> pd.DataFrame:
    found = variables_of(monitor)
    if variable is not None and variable not in found:
        raise unknown_name(f"variable that {monitor.name} records", variable, found)
    kept = found if variable is None else {variable: found[variable]}
    columns = {with_unit(name, values.dim): np.asarray(values) for name, values in kept.items()}
    return _states(group_of(monitor)[0].name, recorded_neurons(monitor), np.asarray(monitor.t), columns)


def _spikes(population: str, neurons: np.ndarray, times: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"population": population, "neuron": neurons.astype(int), "time_s": times.astype(float)})


def _states(population: str, neurons: np.ndarray, times: np.ndarray, columns: dict) -> pd.DataFrame:
    tidy = {name: values.ravel() for name, values in columns.items()}
    keys = {"neuron": np.repeat(neurons, len(times)), "time_s": np.tile(times.astype(float), len(neurons))}
    return pd.DataFrame({"population": population, **keys, **tidy})


def _together(parts: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)] or parts[:1]
    table = pd.concat(filled, ignore_index=True)
    for part in parts:
        for name in part.columns:
            if name not in table:
                table[name] = np.nan
    table.attrs["units"] = {name: name.rpartition("_")[2] for name in table.columns if "_" in name}
    return table


def _monitors(recorded, kind: type, function: str, name: str | None) -> list:
    objects = recorded.sorted_objects if isinstance(recorded, Network) else recorded
    objects = [objects] if not isinstance(objects, Iterable) or isinstance(objects, kind) else list(objects)
    found = [one for one in objects if isinstance(one, kind)]
    others = [one for one in objects if not isinstance(one, kind)] if not isinstance(recorded, Network) else []
    if others or not found:
        got = type(others[0]).__name__ if others else "a network without one"
        raise DynapseError(
            f"{function}: got {got}; give a {kind.__name__}, several, a Network with some, or a RunResult"
        )
    if name is not None:
        found = [one for one in found if one.name == name]
        if not found:
            names = [one.name for one in objects if isinstance(one, kind)]
            raise unknown_name(kind.__name__, name, names)
    return found


def board_events_frame(events) -> pd.DataFrame:
    """Events that were read from the board as a table.

    Parameters
    ----------
    events : iterable of events
        What ``board.read_events()`` gave, of the vendor's driver or of the simulated board: each with ``event`` (tag,
        core, x_hop, y_hop) and ``timestamp``.

    Returns
    -------
    pandas.DataFrame
        Columns tag, core (mask, bit k is core k), x_hop, y_hop, time_s: the stamp of 1 microsecond a count, which
        wraps after 71.6 minutes, as it is.
    """
    rows = [
        (one.event.tag, sum(bool(on) << k for k, on in enumerate(one.event.core)), one.event.x_hop, one.event.y_hop,
         one.timestamp)
        for one in events
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["tag", "core", "x_hop", "y_hop", "time_s"]).astype(int)
    table["time_s"] = table["time_s"] * 1e-6
    table.attrs["units"] = {"time_s": "s"}
    return table
