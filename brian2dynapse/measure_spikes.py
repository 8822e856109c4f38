"""Protocols that read spikes: refractory period, adaptation, rheobase; and the resting state."""

from __future__ import annotations

import numpy as np
import pandas as pd
from brian2.units import ms

from . import analysis, facts
from .code_search import ordered_codes
from .errors import DynapseError
from .measure_bench import (
    DC_BIAS,
    Bench,
    checked_biases,
    checked_chip,
    checked_count,
    checked_time,
    nearest_code,
    nominal,
    reaching,
)
from .provenance_record import provenance
from .recordings import Measurement, checked_recording, codes_of, measurement, of_each, one_setting

CHARGING = (1, 1.4, 2, 2.8, 4)  # times to the threshold, by which DC codes are chosen, in units of ...
SHORTEST_S, CHARGING_IN_REFRACTORY, CHARGING_IN_TAU = 0.5e-3, 0.1, 0.25  # ... a tenth of the period, within limits
INTERVALS, FEWEST, TIME_OF_INTERVALS_S = 12, 3, 0.03  # in the mean of each; fewer of longer ones
STEPS_IN_CHARGING = 25  # a neuron that is charged within a step would spike late
SECTIONS = 12  # of the range of codes that are tried at once in the search for the rheobase
DC_OF_ADAPTATION_IN_LEAK = 10


def refractory_period(biases=None, chip=None, neurons=None, recorded=None, report=None) -> Measurement:
    """Refractory period: the interval between spikes that is left when the input grows without end.

    Five strong DC codes; the interval is a polynomial of second order in 1/current (`analysis.refractory_intercept`).

    Parameters
    ----------
    biases : Biases or list of Biases, optional
        Codes; not needed for recorded data.
    chip, neurons, report
        As in `measure.time_constants`.
    recorded : pandas.DataFrame, optional
        Of a lab, in the form of `measure.fi_curve`: neuron, current_A, rate_Hz, at four strong currents or more.

    Returns
    -------
    Measurement
        A row a neuron: setting (if several), neuron, bias, coarse, fine, t_ref_s, sd_s, expected_s (closed form
        without mismatch), note (why there is none).

    Raises
    ------
    DynapseError
        For arguments of a wrong kind.
    """
    settings = [] if biases is None else checked_biases(biases, "refractory_period")
    ideal = checked_chip(chip, "refractory_period")
    if recorded is not None:
        curve = checked_recording(recorded, ("current_A", "rate_Hz"), "refractory_period", settings)
        codes, made_with = codes_of(settings), provenance(*settings, chip)
    else:
        settings = checked_biases(biases, "refractory_period")
        curve, codes, made_with = _strong_currents(settings, ideal, chip, neurons, report)
    expected = nominal("t_ref", settings, ideal) if settings else None
    rows = []
    for which, points in of_each(curve):
        with np.errstate(divide="ignore"):
            found, sd = analysis.refractory_intercept(points["current_A"], 1 / points["rate_Hz"].to_numpy())
        row = which | {"bias": "SOIF_REFR_N"}
        if settings:
            code = settings[which["setting"]]["SOIF_REFR_N"]
            row |= {"coarse": code.coarse, "fine": code.fine}
        row |= {"t_ref_s": found, "sd_s": sd}
        row |= {"expected_s": expected[which["setting"]]} if settings else {}
        firing = int((points["rate_Hz"] > 0).sum())
        rows.append(row | {"note": "" if np.isfinite(found) else f"fires at {firing} currents; four are needed"})
    return measurement(one_setting(pd.DataFrame(rows), settings), "refractory_period", codes, curve, made_with)


def _strong_currents(settings, ideal, chip, neurons, report):
    """Rates at DC codes by which the membrane is at its threshold after `CHARGING`; codes of the first; provenance."""
    constants = ideal.constants
    period, tau = nominal("t_ref", settings, ideal).max(), nominal("tau_mem", settings, ideal).min()
    unit = max(SHORTEST_S, min(CHARGING_IN_REFRACTORY * period, CHARGING_IN_TAU * tau))
    intervals = np.clip(TIME_OF_INTERVALS_S / period, FEWEST, INTERVALS)
    dt = unit / STEPS_IN_CHARGING
    tables = []
    for charging in unit * np.array(CHARGING):

        def changes(biases, charging=charging):
            gain, threshold = (reaching(bias, biases, ideal) for bias in ("SOIF_GAIN_N", "SOIF_SPKTHR_P"))
            way = np.log(threshold / constants["I_0"]) + threshold / gain  # of ln y + y, in which the DPI is linear
            charge = constants["C_mem"] * constants["U_T"] / constants["kappa_n"] * way
            return {DC_BIAS: nearest_code(DC_BIAS, charge / charging, biases, ideal)}

        bench = Bench(settings, chip, neurons, ("so_dc",), changes, dt, "refractory_period")
        bench.run(intervals * 3 * (charging + period), True, report)  # the slowest neuron has three times the period
        spikes = bench.spikes()
        for setting, one in enumerate(bench.settings):
            mine = spikes[spikes["setting"] == setting].groupby("neuron")["time_s"].agg(["min", "max", "count"])
            mine = mine.reindex(range(bench.count), fill_value=0)
            rate = (mine["count"] - 1).clip(lower=0) / (mine["max"] - mine["min"]).replace(0, np.inf)
            tables.append(
                pd.DataFrame(
                    {
                        "setting": setting,
                        "neuron": mine.index,
                        "coarse": one[DC_BIAS].coarse,
                        "fine": one[DC_BIAS].fine,
                        "current_A": reaching(DC_BIAS, one, ideal),
                        "rate_Hz": rate.to_numpy(),
                    }
                )
            )
    return pd.concat(tables, ignore_index=True), bench.codes(), bench.provenance()


def adaptation(
    biases=None, dc=None, duration=1500 * ms, chip=None, neurons=None, recorded=None, start=0 * ms, report=None
) -> Measurement:
    """Spike-frequency adaptation: intervals against time, from the onset of a DC current.

    Parameters
    ----------
    biases : Biases or list of Biases, optional
        Codes; not needed for recorded data.
    dc : (int, int) or Quantity, optional
        Code or current of SOIF_DC_P; by default the code next to ten times the leak.
    duration : Quantity
        Of the current, second.
    chip, neurons, report
        As in `measure.time_constants`.
    recorded : pandas.DataFrame, optional
        Spikes of a lab: time_s, neuron if there are several.
    start : Quantity
        Of recorded data: when the input began, second.

    Returns
    -------
    Measurement
        A row an interval: setting (if several), neuron, number, time_s (its end, from the start), interval_s, rate_Hz.
        See `adaptation_ratio`.

    Raises
    ------
    DynapseError
        For arguments of a wrong kind.
    """
    settings = [] if biases is None else checked_biases(biases, "adaptation")
    begin = checked_time("start", start, "adaptation")
    if recorded is not None:
        spikes = checked_recording(recorded, ("time_s",), "adaptation", settings)
        codes, made_with = codes_of(settings), provenance(*settings, chip)
    else:
        settings, ideal = checked_biases(biases, "adaptation"), checked_chip(chip, "adaptation")
        begin = 0.0

        def changes(one):
            current = DC_OF_ADAPTATION_IN_LEAK * reaching("SOIF_LEAK_N", one, ideal)
            return {DC_BIAS: nearest_code(DC_BIAS, current, one, ideal) if dc is None else dc}

        bench = Bench(settings, chip, neurons, ("so_dc", "so_adaptation"), changes, None, "adaptation")
        bench.run(checked_time("duration", duration, "adaptation", bench.dt), True, report)
        spikes, codes, made_with = bench.spikes(), bench.codes(), bench.provenance()
    rows = [which | row for which, one in of_each(spikes) for row in analysis.intervals(one["time_s"], begin)]
    columns = ["setting", "neuron", "number", "time_s", "interval_s", "rate_Hz"]
    table = pd.DataFrame(rows, columns=columns)
    return measurement(one_setting(table, settings), "adaptation", codes, spikes, made_with)


def adaptation_ratio(table: pd.DataFrame, last: int = 3) -> pd.DataFrame:
    """How much a neuron slows down: mean of its last intervals over the first one.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `adaptation`.
    last : int
        How many intervals at the end are averaged.

    Returns
    -------
    pandas.DataFrame
        A row a neuron: setting (if several), neuron, intervals, adaptation_ratio (1 is none; NaN with fewer than
        `last` + 1 intervals).

    Raises
    ------
    DynapseError
        For another table, or a number that is none.
    """
    needed = {"neuron", "number", "interval_s"}
    if not isinstance(table, pd.DataFrame) or not needed <= set(table.columns):
        raise DynapseError("adaptation_ratio: give the table of measure.adaptation (neuron, number, interval_s)")
    if isinstance(last, bool) or not isinstance(last, (int, np.integer)) or last < 1:
        raise DynapseError(f"adaptation_ratio: last is {last!r}; give a positive number of intervals")
    keys = [key for key in ("setting", "neuron") if key in table]
    rows = []
    for which, one in table.groupby(keys):
        intervals = one.sort_values("number")["interval_s"].to_numpy()
        ratio = intervals[-last:].mean() / intervals[0] if intervals.size > last else np.nan
        rows.append(dict(zip(keys, which, strict=True)) | {"intervals": intervals.size, "adaptation_ratio": ratio})
    return pd.DataFrame(rows, columns=[*keys, "intervals", "adaptation_ratio"])


def rheobase(
    biases=None, duration=500 * ms, chip=None, neurons=None, latches=(), recorded=None, report=None
) -> Measurement:
    """Rheobase: the smallest DC current that makes a neuron fire within a time.

    All codes of SOIF_DC_P, in the order of their currents, are searched by sections, for all neurons at once.

    Parameters
    ----------
    biases : Biases or list of Biases, optional
        Codes; not needed for recorded data.
    duration : Quantity
        Within which a spike has to come, second: near the rheobase the first spike takes many time constants.
    chip, neurons, report
        As in `measure.time_constants`.
    latches : iterable of str
        Latches beside so_dc.
    recorded : pandas.DataFrame, optional
        Of a lab, in the form of `measure.fi_curve`: neuron, current_A, rate_Hz.

    Returns
    -------
    Measurement
        A row a neuron: setting (if several), neuron, rheobase_A (nominal current of the first code that makes it
        fire), silent_A (that of the code below), coarse, fine (of the first code; not for recorded data). NaN if no
        code, or no recorded current, makes it fire; silent_A is then the largest one. silent_A is NaN if the smallest
        recorded current makes it fire already: the rheobase is then at most rheobase_A.

    Raises
    ------
    DynapseError
        For arguments of a wrong kind.
    """
    settings = [] if biases is None else checked_biases(biases, "rheobase")
    if recorded is not None:
        curve = checked_recording(recorded, ("current_A", "rate_Hz"), "rheobase", settings)
        rows = [which | _threshold_of(points) for which, points in of_each(curve)]
        made_with = provenance(*settings, chip)
        return measurement(one_setting(pd.DataFrame(rows), settings), "rheobase", codes_of(settings), curve, made_with)
    settings = checked_biases(biases, "rheobase")
    scale = checked_chip(chip, "rheobase").mirror_scale(DC_BIAS)
    time = checked_time("duration", duration, "rheobase", 1e-3)
    currents, codes = ordered_codes(DC_BIAS, settings[0].table)
    latches = ("so_dc", *facts.check_latches(latches))
    rows, records = [], []
    for setting, one in enumerate(settings):
        first, record = _rheobase_of(one, currents, chip, neurons, latches, time, report)
        records.append(record)
        for neuron, k in enumerate(first):
            fires = k < len(currents)
            coarse, fine = divmod(int(codes[min(k, len(currents) - 1)]), facts.FINE_CODES)
            rows.append(
                {
                    "setting": setting,
                    "neuron": neuron,
                    "rheobase_A": currents[k] * scale if fires else np.nan,
                    "silent_A": currents[k - 1] * scale if k else 0.0,
                    "coarse": coarse if fires else -1,
                    "fine": fine if fires else -1,
                }
            )
    table = one_setting(pd.DataFrame(rows), settings)
    return measurement(table, "rheobase", codes_of(settings), None, provenance(*records))


def _rheobase_of(biases, currents, chip, neurons, latches, time, report):
    """First code, in the order of `currents`, that makes each neuron fire (their number if none does); provenance."""
    count = checked_count(neurons, checked_chip(chip, "rheobase"), "rheobase")
    low, high = np.full(count, -1), np.full(count, len(currents))  # silent at low, fires at high
    sections = np.arange(1, SECTIONS + 1)[:, None] / (SECTIONS + 1)
    while np.any(high - low > 1):
        tried = np.clip(np.ceil(low + sections * (high - low)).astype(int), 0, np.maximum(high - 1, 0))
        bench = Bench([biases] * SECTIONS, chip, neurons, latches, (), None, "rheobase")
        bench.scale_dc(currents[tried] / biases.current_in_amp(DC_BIAS))
        bench.run(time, True, report)
        spikes = bench.spikes()
        fired = np.zeros((SECTIONS, count), dtype=bool)
        fired[spikes["setting"], spikes["neuron"]] = True
        high = np.minimum(high, np.where(fired, tried, len(currents)).min(axis=0))
        low = np.maximum(low, np.where(~fired & (tried < high), tried, -1).max(axis=0))
    return high, bench.provenance()


def _threshold_of(points: pd.DataFrame) -> dict:
    fires = points[points["rate_Hz"] > 0]
    first = fires["current_A"].min() if len(fires) else np.inf
    silent = points.loc[points["current_A"] < first, "current_A"]
    return {"rheobase_A": first if len(fires) else np.nan, "silent_A": silent.max() if len(silent) else np.nan}


def resting_state(biases=None, duration=300 * ms, chip=None, neurons=None, recorded=None, report=None) -> Measurement:
    """The neuron without input: membrane voltage and its fluctuations, spontaneous spikes.

    Parameters
    ----------
    biases : Biases or list of Biases, optional
        Codes; not needed for recorded data.
    duration : Quantity
        Second; the first third is left out.
    chip, neurons, report
        As in `measure.time_constants`. With `Chip(noise=1)` the membrane fluctuates.
    recorded : pandas.DataFrame, optional
        Traces of a lab: time_s, voltage_V, neuron if there are several.

    Returns
    -------
    Measurement
        A row a neuron: setting (if several), neuron, rest_V (mean), sd_V, lowest_V, highest_V, and of a simulation
        rate_Hz. Voltages of the model are from I_0 up.

    Raises
    ------
    DynapseError
        For arguments of a wrong kind.
    """
    settings = [] if biases is None else checked_biases(biases, "resting_state")
    rates = None
    if recorded is not None:
        table = checked_recording(recorded, ("time_s", "voltage_V"), "resting_state", settings)
        codes, made_with = codes_of(settings), provenance(*settings, chip)
    else:
        settings = checked_biases(biases, "resting_state")
        time = checked_time("duration", duration, "resting_state", 1e-3)
        bench = Bench(settings, chip, neurons, (), (), None, "resting_state")
        bench.record("Vmem")
        bench.run(time, True, report)
        table = bench.recording("Vmem", "voltage_V", time / 3)
        codes, made_with = bench.codes(), bench.provenance()
        spikes = bench.spikes()
        rates = spikes[spikes["time_s"] >= time / 3].groupby(["setting", "neuron"]).size() / (time * 2 / 3)
    of_voltage = table.groupby(["setting", "neuron"])["voltage_V"]
    rows = of_voltage.agg(rest_V="mean", sd_V="std", lowest_V="min", highest_V="max")
    if rates is not None:
        rows["rate_Hz"] = rates.reindex(rows.index, fill_value=0.0)
    return measurement(one_setting(rows.reset_index(), settings), "resting_state", codes, table, made_with)
