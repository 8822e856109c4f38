"""Protocols that read membrane traces: EPSP and IPSP, depression, delay."""

from __future__ import annotations

import numpy as np
import pandas as pd
from brian2.units import Hz, Quantity, get_dimensions, hertz, ms

from . import analysis
from .circuits import check_dendrite
from .errors import DynapseError, unknown_name
from .measure_bench import (
    BASELINE_S,
    DC_BIAS,
    NEVER_SPIKES,
    NO_DELAY,
    Bench,
    checked_biases,
    checked_chip,
    checked_event_times,
    checked_gap,
    checked_time,
    nearest_code,
    nominal,
    reaching,
)
from .observables import OBSERVABLES
from .provenance_record import provenance
from .recordings import DELAY_QUANTITIES, Measurement, checked_recording, codes_of, measurement, of_each, one_setting

TRACE = ("time_s", "voltage_V")
INHIBITORY = ("gaba", "shunt")
HOLD_IN_LEAK = 2  # holds the membrane at its gain, where inhibition shows
SETTLE_IN_TAU = 12  # before the first event: the floor of idle dendrites lifts the membrane by some microvolts
HOLDING_IN_TAU = 45  # from rest to where a DC current holds
LEAST_PEAK_V = 1e-4  # below it there is no response, or none that an onset could be read off
FALL_IN_TAU = 7  # after the last event


def epsp(
    biases=None,
    dendrite: str = "ampa",
    weight="0001",
    events: int = 1,
    interval=25 * ms,
    chip=None,
    neurons=None,
    hold=None,
    spiking: bool = False,
    recorded=None,
    event_times=None,
    smooth=None,
    report=None,
) -> Measurement:
    """Postsynaptic potentials: the response of the membrane to events on one synapse.

    The delay of the synapse is set to the shortest, SYPD_DLY0_P (5,255); see `delay` for that.

    Parameters
    ----------
    biases : Biases or list of Biases, optional
        Codes; not needed for recorded data.
    dendrite : str
        ``"ampa"``, ``"nmda"``, ``"gaba"`` or ``"shunt"``.
    weight : str, int or sequence of bool
        Mask of the weight bits.
    events : int
        How many; more than one shows summation.
    interval : Quantity
        Between events, second.
    chip, neurons, report
        As in `time_constants`.
    hold : (int, int) or Quantity, optional
        Code (or current) of SOIF_DC_P that holds the membrane. By default none for excitation; for inhibition the
        code next to twice the leak, which holds it where the membrane current is the gain.
    spiking : bool
        False, the default, sets SOIF_SPKTHR_P to (5,255), as users do to see the membrane alone.
    recorded : pandas.DataFrame, optional
        Traces of a lab: time_s, voltage_V, and neuron if there are several.
    event_times : Quantity, optional
        Of recorded data: when the events were, second, ascending.
    smooth : Quantity, optional
        Width of a smoothing (Savitzky-Golay) before reading noisy traces, second.

    Returns
    -------
    Measurement
        A row a neuron and event: setting (if several), neuron, event, time_s, rest_V (before the first event),
        start_V and peak_V (from there; negative for inhibition), amplitude_V (peak - start), rise_s (10 to 90 %),
        time_to_peak_s, half_fall_s (peak to half of it), summation (peak over that of the first event); with `spiking`
        also spikes (from the event to the next one): where there are any, the shape is not that of a potential.

    Raises
    ------
    DynapseError, UnknownNameError
        For arguments of a wrong kind.
    """
    check_dendrite(dendrite)
    sign = -1 if dendrite in INHIBITORY else 1
    width = None if smooth is None else checked_time("smooth", smooth, "epsp")
    if recorded is not None:
        settings = [] if biases is None else checked_biases(biases, "epsp")
        table = checked_recording(recorded, TRACE, "epsp", settings)
        times = checked_event_times(event_times, "epsp", table)
        shapes = one_setting(_shapes(table, times, sign, width), settings)
        return measurement(shapes, "epsp", codes_of(settings), table, provenance(*settings, chip))
    if event_times is not None:
        raise DynapseError("epsp: event_times belongs to recorded data; a simulation takes events and interval")
    if isinstance(events, bool) or not isinstance(events, (int, np.integer)) or events < 1:
        raise DynapseError(f"epsp: events is {events!r}; give a positive integer")
    gap = checked_gap(interval, "epsp")
    settings = checked_biases(biases, "epsp")
    bench, times = _train(settings, dendrite, weight, False, events, gap, chip, neurons, hold, spiking, report)
    recording = bench.recording("Vmem", "voltage_V", times[0] - BASELINE_S)
    recording["time_s"] -= times[0]
    shapes = _shapes(recording, times - times[0], sign, width)
    if spiking:
        shapes["spikes"] = _spikes_of(bench, times)
    return measurement(one_setting(shapes, settings), "epsp", bench.codes(), recording, bench.provenance())


def ipsp(biases=None, dendrite: str = "gaba", **kwds) -> Measurement:
    """Inhibitory postsynaptic potentials: `epsp` of an inhibitory dendrite, on a membrane that is held above rest.

    Parameters
    ----------
    biases : Biases or list of Biases, optional
        Codes.
    dendrite : str
        ``"gaba"`` or ``"shunt"``.
    **kwds
        As in `epsp`.

    Returns
    -------
    Measurement
        As `epsp`; potentials are negative.
    """
    if dendrite not in INHIBITORY:
        raise unknown_name("inhibitory dendrite", dendrite, INHIBITORY)
    return epsp(biases, dendrite, **kwds)


def _train(settings, dendrite, weight, std, events, gap, chip, neurons, hold, spiking, report):
    """Run a train of events; returns the bench and the times of the events."""
    ideal = checked_chip(chip, "epsp")
    membrane, tau = (nominal(name, settings, ideal) for name in ("tau_mem", f"tau_{dendrite}"))
    holding = hold is not None or dendrite in INHIBITORY

    def changes(biases):
        codes = dict(NO_DELAY) if spiking else NEVER_SPIKES | NO_DELAY
        if hold is not None:
            codes[DC_BIAS] = hold
        elif holding:
            codes[DC_BIAS] = nearest_code(DC_BIAS, HOLD_IN_LEAK * reaching("SOIF_LEAK_N", biases, ideal), biases, ideal)
        return codes

    bench = Bench(settings, chip, neurons, ("so_dc",) if holding else (), changes, None, "epsp")
    settle = (HOLDING_IN_TAU if holding else SETTLE_IN_TAU) * membrane.max() + BASELINE_S
    first = np.ceil(settle / bench.dt) * bench.dt
    times = first + gap * np.arange(events)
    bench.stimulate(times, dendrite, weight, std=std)
    bench.record("Vmem")
    bench.run(times[-1] + FALL_IN_TAU * (membrane.max() + tau.max()), True, report)
    return bench, times


def _shapes(recording: pd.DataFrame, times: np.ndarray, sign: int, width: float | None) -> pd.DataFrame:
    rows = []
    for which, trace in of_each(recording):
        clock = trace["time_s"].to_numpy()
        voltage = analysis.smoothed(clock, trace["voltage_V"], width)
        shapes = analysis.psp_shapes(clock, voltage, times, sign, BASELINE_S)
        rows += [
            which | {"event": k, "time_s": time} | shape
            for k, (time, shape) in enumerate(zip(times, shapes, strict=True))
        ]
    return pd.DataFrame(rows)


def _spikes_of(bench: Bench, times: np.ndarray) -> np.ndarray:
    """Spikes from each event to the next, in the order of `_shapes`."""
    spikes = bench.spikes()
    event = np.searchsorted(times, spikes["time_s"], side="right") - 1
    counts = np.zeros((len(bench.settings), bench.count, len(times)), dtype=int)
    late = event >= 0
    np.add.at(counts, (spikes["setting"][late], spikes["neuron"][late], event[late]), 1)
    return counts.ravel()


def depression(
    biases=None,
    rate=87 * Hz,
    duration=350 * ms,
    dendrite: str = "ampa",
    weight="0001",
    chip=None,
    neurons=None,
    recorded=None,
    control=None,
    event_times=None,
    smooth=None,
    report=None,
) -> Measurement:
    """Short-term depression: the responses to a regular train, with the stp bit and without.

    Parameters
    ----------
    biases, dendrite, weight, chip, neurons, smooth, report
        As in `epsp`.
    rate : Quantity
        Of the events, hertz.
    duration : Quantity
        Of the train, second.
    recorded, control : pandas.DataFrame, optional
        Traces of a lab with the stp bit, and without it if there is such a recording.
    event_times : Quantity, optional
        Of recorded data, second.

    Returns
    -------
    Measurement
        As `epsp`, with the columns remaining (amplitude over that of the first event), control_V (peak_V without
        the stp bit) and of_control (peak_V over control_V; also without depression the first EPSPs of a train grow).

    Raises
    ------
    DynapseError, UnknownNameError
        For arguments of a wrong kind.
    """
    check_dendrite(dendrite)
    sign = -1 if dendrite in INHIBITORY else 1
    width = None if smooth is None else checked_time("smooth", smooth, "depression")
    settings = [] if biases is None else checked_biases(biases, "depression")
    if recorded is not None:
        table = checked_recording(recorded, TRACE, "depression", settings)
        times = checked_event_times(event_times, "depression", table)
        plain = None if control is None else checked_recording(control, TRACE, "depression", settings)
        codes, made_with = codes_of(settings), provenance(*settings, chip)
    else:
        if event_times is not None or control is not None:
            raise DynapseError("depression: event_times and control belong to recorded data; a simulation takes a rate")
        single = isinstance(rate, Quantity) and get_dimensions(rate) is hertz.dim and np.ndim(rate) == 0
        if not single or not 0 < float(rate) < np.inf:
            raise DynapseError(f"depression: rate is {rate}; give a rate of events, such as 87*Hz")
        gap = checked_gap(1 / rate, "depression")
        events = max(2, int(checked_time("duration", duration, "depression") / gap) + 1)
        traces, records = [], []
        for std in (True, False):
            bench, times = _train(
                checked_biases(biases, "depression"), dendrite, weight, std, events, gap, chip, neurons, None,
                False, report,
            )  # fmt: skip
            recording = bench.recording("Vmem", "voltage_V", times[0] - BASELINE_S)
            recording["time_s"] -= times[0]
            traces.append(recording)
            records.append(bench.provenance())
        (table, plain), times = traces, times - times[0]
        codes, made_with = bench.codes(), provenance(*records)
    shapes = _shapes(table, times, sign, width)
    keys = ["setting", "neuron", "event"]
    first = shapes.groupby(["setting", "neuron"])["amplitude_V"].transform("first")
    shapes["remaining"] = shapes["amplitude_V"] / first
    if plain is not None:
        without = _shapes(plain, times, sign, width)[[*keys, "peak_V"]].rename(columns={"peak_V": "control_V"})
        shapes = shapes.merge(without, on=keys, how="left")
        shapes["of_control"] = shapes["peak_V"] / shapes["control_V"]
    return measurement(one_setting(shapes, settings), "depression", codes, table, made_with)


def delay(
    biases=None,
    bits: str = "none",
    dendrite: str = "ampa",
    weight="1111",
    chip=None,
    neurons=None,
    dt=None,
    recorded=None,
    event_times=None,
    reference_s: float = 0.0,
    onset: float = 0.02,
    report=None,
) -> Measurement:
    """Delay of a synapse: from an event to the onset of the potential.

    The onset is where the potential has risen to a small share of its peak. How long a potential takes for that
    without delay is measured with the shortest one, SYPD_DLY0_P (5,255), and subtracted.

    Parameters
    ----------
    biases, dendrite, weight, chip, neurons, report
        As in `epsp`.
    bits : str
        Delay bits: ``"none"``, ``"precise"``, ``"mismatched"`` or ``"both"``.
    dt : Quantity, optional
        Time step, which is the resolution, second; by default a hundredth of the nominal delay, 10 us to 0.1 ms.
    recorded : pandas.DataFrame, optional
        Traces of a lab: time_s, voltage_V, neuron if there are several.
    event_times : Quantity, optional
        Of recorded data: when the event was, second; the last one if there are several, each long after the one before.
    reference_s : float
        Of recorded data: the `onset_s` of the same synapse with the shortest delay, second.
    onset : float
        The share of the peak.

    Returns
    -------
    Measurement
        A row a neuron: setting (if several), neuron, bits, bias, coarse, fine, onset_s (from the event; NaN without a
        response of 0.1 mV), delay_s (onset without that of the reference), expected_s (closed form without mismatch),
        resolution_s, note (why there is none).

    Raises
    ------
    DynapseError, UnknownNameError
        For arguments of a wrong kind.
    """
    if not isinstance(bits, str) or bits not in DELAY_QUANTITIES:
        raise unknown_name("delay", bits, DELAY_QUANTITIES)
    if not isinstance(onset, (int, float)) or not 0 < onset < 1:
        raise DynapseError(f"delay: onset is {onset!r}; give a share of the peak between 0 and 1, such as 0.02")
    if not isinstance(reference_s, (int, float)) or isinstance(reference_s, Quantity) or not np.isfinite(reference_s):
        raise DynapseError(f"delay: reference_s is {reference_s!r}; give a number, in second, such as 1e-3")
    settings = [] if biases is None else checked_biases(biases, "delay")
    if recorded is None and event_times is not None:
        raise DynapseError("delay: event_times belongs to recorded data; a simulation has an event of its own")
    if recorded is not None:
        table = checked_recording(recorded, TRACE, "delay", settings)
        event = checked_event_times(event_times, "delay", table)[-1]
        rows, resolution = _onsets(table, event, onset), np.nan
        codes, made_with = codes_of(settings), provenance(*settings, chip)
        rows["delay_s"] = rows["onset_s"] - reference_s
    else:
        settings = checked_biases(biases, "delay")
        expected = nominal(DELAY_QUANTITIES[bits], settings, checked_chip(chip, "delay"))
        resolution = np.clip(expected.min() / 100, 1e-5, 1e-4) if dt is None else checked_time("dt", dt, "delay", 1e-7)
        longest = 4 * expected.max()  # with the mismatch of the delay line, but for one synapse in thousands
        given = (settings, dendrite, weight, chip, neurons, resolution, onset, report)
        _, _, without = _first_response(NEVER_SPIKES | NO_DELAY, "none", 0.0, *given)
        bench, table, rows = _first_response(NEVER_SPIKES, bits, longest, *given)
        codes, made_with = bench.codes(), bench.provenance()
        rows["delay_s"] = rows["onset_s"] - without["onset_s"]
    rows.insert(2, "bits", bits)
    if settings:
        turned = OBSERVABLES[DELAY_QUANTITIES[bits]].bias
        nominal_delay = nominal(DELAY_QUANTITIES[bits], settings, checked_chip(chip, "delay"))
        rows["expected_s"] = nominal_delay[rows["setting"]]
        rows.insert(3, "bias", turned)
        rows.insert(4, "coarse", [settings[k][turned].coarse for k in rows["setting"]])
        rows.insert(5, "fine", [settings[k][turned].fine for k in rows["setting"]])
    rows["resolution_s"] = resolution
    rows["note"] = np.where(rows["onset_s"].isna(), f"no response above {LEAST_PEAK_V:g} V: a stronger weight", "")
    return measurement(one_setting(rows, settings), "delay", codes, table, made_with)


def _first_response(changes, bits, wait, settings, dendrite, weight, chip, neurons, dt, onset, report):
    """Response to one event on neurons at rest: the bench, the traces, the onsets."""
    bench = Bench(settings, chip, neurons, (), changes, dt, "delay")
    event = np.ceil(BASELINE_S / dt) * dt
    bench.stimulate([event], dendrite, weight, bits)
    bench.record("Vmem")
    slowest = sum(nominal(name, settings, bench.chip).max() for name in ("tau_mem", f"tau_{check_dendrite(dendrite)}"))
    bench.run(event + wait + 2 * slowest, True, report)
    table = bench.recording("Vmem", "voltage_V")
    return bench, table, _onsets(table, event, onset)


def _onsets(recording: pd.DataFrame, event: float, share: float) -> pd.DataFrame:
    rows = []
    for which, trace in of_each(recording):
        clock, voltage = trace["time_s"].to_numpy(), trace["voltage_V"].to_numpy()
        before = voltage[clock <= event]
        after = clock >= event
        rise = voltage[after] - (before.mean() if before.size else voltage[0])
        seen = rise.max() > LEAST_PEAK_V
        start = analysis.crossing(clock[after], rise, share * rise.max()) - event if seen else np.nan
        rows.append(which | {"onset_s": start})
    return pd.DataFrame(rows)
