"""Spikes and traces as a Neo block, and the tables of one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from brian2 import Network, SpikeMonitor, StateMonitor

from .errors import DynapseError, ExchangeError
from .facts import CORES_PER_CHIP, NEURONS_PER_CHIP, NEURONS_PER_CORE
from .neurons import Neurons
from .spike_tables import VALUE_COLUMNS, group_of, recorded_neurons, spike_neurons, variables_of, with_unit

_UNITS = ("V", "A", "s", "Hz", "C", "F", "ohm", "S", "dimensionless")  # of Neo's package quantities; SI
EVEN = 1e-6  # of a sampling interval: samples at equal distances, but for rounding


@dataclass
class NeoTables:
    """What a Neo block holds, as tables.

    Attributes
    ----------
    spikes : pandas.DataFrame
        Columns segment, population, neuron, time_s.
    states : dict of str to pandas.DataFrame
        Variable to a table with the columns segment, population, neuron, time_s and voltage_V, current_A, rate_Hz or,
        with other units, the variable with its unit.
    annotations : dict
        Of the block.
    """

    spikes: pd.DataFrame
    states: dict = field(default_factory=dict)
    annotations: dict = field(default_factory=dict)


def to_neo(recorded, name: str = "", provenance: dict | None = None):
    """Spikes and traces of a simulation as a Neo block.

    Parameters
    ----------
    recorded : Network, or list of SpikeMonitor and StateMonitor
        What recorded them; a network gives all its monitors.
    name : str
        Of the block.
    provenance : dict, optional
        Where the data come from; kept as JSON in the annotation ``provenance`` of the block.

    Returns
    -------
    neo.Block
        With one segment. A spike train (second) for each neuron of a spike monitor; an analog signal for each variable
        of a state monitor, a channel a neuron, in its SI unit. Annotations of spike trains and signals: population,
        variable; neuron, chip, core and core_neuron (numbers of the place) of a spike train, arrays of a signal. Of the
        block: codes of every population as JSON (bias to coarse and fine), latches, provenance.

    Raises
    ------
    DynapseError
        If nothing was recorded, or the package neo is missing.
    """
    neo, quantities = _packages()
    monitors = _monitors(recorded)
    end = max(_end(one) for one in monitors)
    segment = neo.Segment(name=name or None)
    populations = {}
    for one in monitors:
        group = group_of(one)[0]
        populations[group.name] = group
        if isinstance(one, SpikeMonitor):
            segment.spiketrains.extend(_trains(neo, quantities, one, group, end))
        else:
            for signal in _signals(neo, quantities, one, group):
                kept = segment.analogsignals if isinstance(signal, neo.AnalogSignal) else None
                (segment.irregularlysampledsignals if kept is None else kept).append(signal)
    about = {
        "codes": {one.name: {bias: list(one.biases[bias]) for bias in one.biases} for one in populations.values()
                  if isinstance(one, Neurons)},
        "latches": {one.name: sorted(one.latches) for one in populations.values() if isinstance(one, Neurons)},
    }  # fmt: skip
    annotations = {key: json.dumps(value) for key, value in about.items()}
    if provenance is not None:
        annotations["provenance"] = json.dumps(provenance)
    block = neo.Block(name=name or None, **annotations)
    block.segments.append(segment)
    return block


def from_neo(block) -> NeoTables:
    """Tables of a Neo block, of a simulation or a lab.

    Parameters
    ----------
    block : neo.Block or neo.Segment
        Any one. What is not annotated as by `to_neo` is numbered: the population is the name of a signal or spike
        train, the neuron its channel, or the number of the spike train.

    Returns
    -------
    NeoTables
        In SI units, whatever the units of the block. The protocols of `measure` take them as ``recorded``, a population
        at a time: ``tables.states["Vmem"].query("population == 'pyr'")``.

    Raises
    ------
    ExchangeError
        For something else.
    """
    neo, _ = _packages()
    if not isinstance(block, (neo.Block, neo.Segment)):
        raise ExchangeError(f"block is {type(block).__name__}; give a neo.Block or a neo.Segment")
    segments = block.segments if isinstance(block, neo.Block) else [block]
    spikes, states = [_no_spikes()], {}
    for number, segment in enumerate(segments):
        for k, train in enumerate(segment.spiketrains):
            times = np.asarray(train.rescale("s").magnitude, dtype=float)
            keys = {"segment": number, "population": _population(train), "neuron": train.annotations.get("neuron", k)}
            spikes.append(pd.DataFrame({**keys, "time_s": times}))
        for signal in (*segment.analogsignals, *segment.irregularlysampledsignals):
            variable, table = _state_table(signal, number)
            states.setdefault(variable, []).append(table)
    filled = [part for part in spikes if len(part)]
    return NeoTables(
        pd.concat(filled, ignore_index=True) if filled else spikes[0],
        {variable: pd.concat(parts, ignore_index=True) for variable, parts in states.items()},
        dict(block.annotations),
    )


def _end(monitor) -> float:
    """When a recording ends, second."""
    now = float(monitor.clock.variables["t"].get_value().item())
    last = np.asarray(monitor.t)[-1:] + float(monitor.clock.dt_)
    return float(np.max(np.append(last, now)))


def _no_spikes() -> pd.DataFrame:
    columns = {"segment": np.empty(0, int), "population": np.empty(0, str), "neuron": np.empty(0, int)}
    return pd.DataFrame({**columns, "time_s": np.empty(0)})


def _trains(neo, quantities, monitor: SpikeMonitor, group, end: float) -> list:
    first = group_of(monitor)[1]
    neurons, times = spike_neurons(monitor), np.asarray(monitor.t)
    trains = []
    for neuron in range(first, first + len(monitor.source)):
        own = times[neurons == neuron]
        places = {key: int(values[0]) for key, values in _places(group, np.array([neuron])).items()}
        annotations = {"population": group.name, "neuron": neuron, **places}
        trains.append(
            neo.SpikeTrain(own * quantities.s, t_stop=end * quantities.s, name=f"{group.name}[{neuron}]", **annotations)
        )
    return trains


def _signals(neo, quantities, monitor: StateMonitor, group) -> list:
    times, neurons = np.asarray(monitor.t), recorded_neurons(monitor)
    if not len(times):
        return []
    steps = np.diff(times)
    dt = float(monitor.clock.dt)
    even = len(times) < 2 or bool(np.all(np.abs(steps - dt) <= EVEN * dt))
    signals = []
    for variable, values in variables_of(monitor).items():
        unit = with_unit("", values.dim).strip("_") or "dimensionless"
        if unit not in _UNITS:
            raise ExchangeError(f"{monitor.name}: {variable} is in {unit}, which has no unit in Neo here; leave it out")
        data = np.asarray(values).T * getattr(quantities, unit)
        about = {"name": f"{group.name}.{variable}", "population": group.name, "variable": variable}
        about["array_annotations"] = {"neuron": neurons, **_places(group, neurons)}
        if even:
            rate = 1 / dt * quantities.Hz
            signals.append(neo.AnalogSignal(data, sampling_rate=rate, t_start=times[0] * quantities.s, **about))
        else:  # several runs with something else between them
            signals.append(neo.IrregularlySampledSignal(times * quantities.s, data, **about))
    return signals


def _places(group, neurons: np.ndarray) -> dict[str, np.ndarray]:
    if not isinstance(group, Neurons):
        return {}
    physical = group.physical[neurons]
    core = physical // NEURONS_PER_CORE % CORES_PER_CHIP
    return {"chip": physical // NEURONS_PER_CHIP, "core": core, "core_neuron": physical % NEURONS_PER_CORE}


def _state_table(signal, number: int) -> tuple[str, pd.DataFrame]:
    values, unit = _in_si(signal)
    variable = signal.annotations.get("variable") or signal.name or unit or "value"
    times = np.asarray(signal.times.rescale("s").magnitude, dtype=float)
    neurons = np.asarray(signal.array_annotations.get("neuron", np.arange(values.shape[1])))
    column = VALUE_COLUMNS.get(unit, f"{variable}_{unit}" if unit else variable)
    table = pd.DataFrame(
        {
            "segment": number,
            "population": _population(signal),
            "neuron": np.repeat(neurons, len(times)),
            "time_s": np.tile(times, len(neurons)),
            column: values.T.ravel(),
        }
    )
    return str(variable), table


def _in_si(signal) -> tuple[np.ndarray, str]:
    """Values of a signal, shape (times, channels), and the symbol of their SI unit."""
    for unit in _UNITS:
        try:
            values = np.asarray(signal.rescale(unit).magnitude, dtype=float)
        except ValueError:
            continue
        return values, "" if unit == "dimensionless" else unit
    return np.asarray(signal.magnitude, dtype=float), str(signal.dimensionality.string).replace(" ", "")


def _population(signal) -> str:
    return str(signal.annotations.get("population") or signal.name or "")


def _monitors(recorded) -> list:
    kinds = (SpikeMonitor, StateMonitor)
    if isinstance(recorded, Network):
        objects = sorted((one for one in recorded.sorted_objects if isinstance(one, kinds)), key=lambda one: one.name)
    else:
        objects = [recorded] if isinstance(recorded, kinds) else list(recorded)
    wrong = [one for one in objects if not isinstance(one, kinds)]
    if wrong or not objects:
        got = type(wrong[0]).__name__ if wrong else "nothing that records"
        raise DynapseError(f"to_neo: got {got}; give a Network with monitors, or SpikeMonitors and StateMonitors")
    return objects


def _packages():
    try:
        import neo
        import quantities
    except ImportError:
        raise DynapseError("Neo needs the package neo: pip install 'brian2dynapse[exchange]'") from None
    return neo, quantities
