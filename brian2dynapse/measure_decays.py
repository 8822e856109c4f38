"""The protocol of time constants: free decays, and what is fitted to them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from brian2.units import Quantity, get_dimensions, second

from . import analysis
from .circuits import DENDRITES
from .errors import DynapseError, unknown_name
from .measure_bench import (
    DC_BIAS,
    NEVER_SPIKES,
    NO_DELAY,
    Bench,
    checked_biases,
    checked_chip,
    nearest_code,
    nominal,
    reaching,
)
from .observables import OBSERVABLES
from .provenance_record import provenance
from .recordings import Measurement, checked_recording, codes_of, measurement, of_each, one_setting

# Time constant: the current that decays with it, and the latches that it needs.
DECAYS = {
    "tau_mem": ("Imem", ()),
    **{f"tau_{dendrite}": (current, ()) for dendrite, (current, _) in DENDRITES.items()},
    "tau_ahp": ("Iahp", ("so_adaptation",)),
    "tau_ca": ("Ica", ("coho_ca_mem",)),
}
STEPS_IN_TAU = 50  # time step of a decay, as a share of its time constant
STEPS_IN_MEMBRANE = 4  # and at least so many in the membrane's, with its mismatch
FALL_IN_TAU = 15  # a decay from ten times the gain to I_0 takes some 10 to 14 time constants
DC_IN_LEAK = 4  # charges the membrane to three times its gain, above the spread of mismatch
DC_OF_SPIKES_IN_LEAK = 40  # makes a volley
VOLLEY_S = 0.05
BURST = 10  # events that charge a dendrite


def time_constants(
    biases=None,
    quantities=("tau_mem", "tau_ampa", "tau_nmda", "tau_gaba", "tau_shunt"),
    chip=None,
    neurons=None,
    recorded=None,
    window=None,
    report=None,
) -> Measurement:
    """Time constants from free decays, as an experimenter fits them.

    The membrane is charged by a DC current, without spikes, and decays when that ends (latch so_dc cleared). A
    dendrite is charged by a burst of ten events on all four weight bits; adaptation and calcium by a volley of spikes.
    To each decay, U_T/kappa ln(I/I_0) as a voltage, `analysis.free_decay` is fitted.

    Parameters
    ----------
    biases : Biases or list of Biases, optional
        Codes; not needed for recorded data.
    quantities : str or sequence of str
        ``"tau_mem"``, ``"tau_ampa"``, ``"tau_nmda"``, ``"tau_gaba"``, ``"tau_shunt"``, ``"tau_ahp"``, ``"tau_ca"``.
    chip : Chip, optional
        The individual; the ideal chip by default. Its U_T and kappa turn slopes into time constants.
    neurons : int, optional
        The first ones of core 0; by default one of the ideal chip, else all 256.
    recorded : pandas.DataFrame, optional
        Traces of a lab instead of a simulation: time_s, neuron (if several), and voltage_V of the membrane, or
        current_A. One quantity. A membrane that follows a dendrite (its input far above the leak) falls with the time
        constant of that, so that voltage_V serves for dendrites, too.
    window : pair of Quantity, optional
        Where in `recorded` the decay is, second; by default all of it.
    report : str or callable, optional
        As in Brian2.

    Returns
    -------
    Measurement
        A row a neuron and quantity: setting (if there are several biases), neuron, quantity, bias, coarse, fine,
        tau_s, sd_s (standard error of the fit), expected_s (closed form without mismatch), note (why there is none).

    Raises
    ------
    DynapseError
        For arguments of a wrong kind, or recorded data of more than one quantity.
    UnknownNameError
        For another quantity.
    """
    quantities = (quantities,) if isinstance(quantities, str) else tuple(quantities)
    for quantity in quantities:
        if quantity not in DECAYS:
            raise unknown_name("time constant", quantity, DECAYS)
    if not quantities:
        raise DynapseError(f"time_constants: quantities is empty; give some of {', '.join(DECAYS)}")
    if recorded is not None:
        return _recorded_time_constants(biases, quantities, chip, recorded, window)
    if window is not None:
        raise DynapseError("time_constants: window belongs to recorded data; a simulation knows where its decay is")
    settings = checked_biases(biases, "time_constants")
    tables, recordings, records, codes = [], [], [], {}  # codes by quantity
    for quantity in quantities:
        bench = _decay(settings, quantity, chip, neurons, report)
        current = DECAYS[quantity][0]
        recording = bench.recording(current, "current_A", bench.decay_from)
        tables.append(_fits(recording, quantity, checked_chip(chip, "time_constants"), settings))
        recordings.append(recording.assign(quantity=quantity))
        codes[quantity] = bench.codes()
        records.append(bench.provenance())
    return measurement(
        one_setting(pd.concat(tables, ignore_index=True), settings),
        "time_constants",
        _codes_by_quantity(codes),
        pd.concat(recordings, ignore_index=True),
        provenance(*records),
    )


def _codes_by_quantity(codes: dict[str, dict]) -> dict:
    """Bias to code; to {quantity: code} where runs differ."""
    first = next(iter(codes.values()))
    same = {bias: all(one[bias] == code for one in codes.values()) for bias, code in first.items()}
    return {
        bias: tuple(code) if same[bias] else {quantity: tuple(one[bias]) for quantity, one in codes.items()}
        for bias, code in first.items()
    }


def _decay(settings, quantity, chip, neurons, report) -> Bench:
    """Charge what decays with a time constant, and let it decay."""
    protocol, (current, latches) = "time_constants", DECAYS[quantity]
    ideal = checked_chip(chip, protocol)
    tau, membrane = nominal(quantity, settings, ideal), nominal("tau_mem", settings, ideal)
    dt = min(tau.min() / STEPS_IN_TAU, membrane.min() / (STEPS_IN_TAU if current == "Imem" else STEPS_IN_MEMBRANE))
    of_spikes = quantity in ("tau_ahp", "tau_ca")
    share = DC_OF_SPIKES_IN_LEAK if of_spikes else DC_IN_LEAK

    def changes(biases):
        dc = nearest_code(DC_BIAS, share * reaching("SOIF_LEAK_N", biases, ideal), biases, ideal)
        return {DC_BIAS: dc} if of_spikes else {DC_BIAS: dc, **NEVER_SPIKES, **NO_DELAY}

    bench = Bench(settings, chip, neurons, ("so_dc", *latches), changes, dt, protocol)
    bench.record(current)
    burst = 2 * dt * np.arange(1, BURST + 1)
    if quantity == "tau_mem":
        charging, dc = FALL_IN_TAU * tau.max(), True
    elif of_spikes:
        charging, dc = max(VOLLEY_S, 20 * dt), True
    else:
        bench.stimulate(burst, quantity.removeprefix("tau_"), "1111")
        charging, dc = burst[-1] + 2 * dt, False
    charging = np.ceil(charging / dt) * dt
    bench.decay_from = charging
    bench.run(charging, dc, report)
    bench.run(FALL_IN_TAU * tau.max(), False, report)
    return bench


def _fits(recording: pd.DataFrame, quantity: str, chip, settings, rest: float | None = 0.0) -> pd.DataFrame:
    observable = OBSERVABLES[quantity]
    U_T, I_0 = chip.constants["U_T"], chip.constants["I_0"]
    of_membrane = quantity == "tau_mem" or "voltage_V" in recording
    kappa = chip.constants["kappa_n" if of_membrane else "kappa_p"]
    expected = nominal(quantity, settings, chip) if settings else None
    rows = []
    for which, trace in of_each(recording):
        voltage = trace.get("voltage_V")
        if voltage is None:
            voltage = U_T / kappa * np.log(trace["current_A"] / I_0)
        fit = analysis.fit_decay(trace["time_s"], voltage, U_T, kappa, rest)
        row = which | {"quantity": quantity, "bias": observable.bias}
        if settings:
            code = settings[which["setting"]][observable.bias]
            row |= {"coarse": code.coarse, "fine": code.fine}
        row |= {"tau_s": fit.tau_s, "sd_s": fit.sd_s}
        if settings:
            row["expected_s"] = expected[which["setting"]]
        rows.append(row | {"note": fit.note})
    return pd.DataFrame(rows)


def _recorded_time_constants(biases, quantities, chip, recorded, window) -> Measurement:
    protocol = "time_constants"
    if len(quantities) != 1:
        raise DynapseError(f"{protocol}: recorded is of one quantity; say which, quantities='tau_mem'")
    column = "current_A" if isinstance(recorded, pd.DataFrame) and "voltage_V" not in recorded else "voltage_V"
    settings = [] if biases is None else checked_biases(biases, protocol)
    if len(settings) > 1:
        raise DynapseError(f"{protocol}: recorded was made with one setting of biases; give that, or none")
    table = checked_recording(recorded, ("time_s", column), protocol, settings)
    if column == "current_A" and (table["current_A"] <= 0).any():
        raise DynapseError(f"{protocol}: current_A of recorded is not positive everywhere; a DPI's current is")
    if window is not None:
        start, end = _window(window, protocol)
        table = table[(table["time_s"] >= start) & (table["time_s"] <= end)]
        if table.empty:
            raise DynapseError(f"{protocol}: recorded has no sample between {start:g} s and {end:g} s")
    fits = _fits(table, quantities[0], checked_chip(chip, protocol), settings, rest=None)
    return measurement(one_setting(fits, settings), protocol, codes_of(settings), table, provenance(*settings, chip))


def _window(window, protocol) -> tuple[float, float]:
    try:
        start, end = window
    except (TypeError, ValueError):
        raise DynapseError(f"{protocol}: window is {window!r}; give (start, end), such as (10*ms, 60*ms)") from None
    for one in (start, end):
        if not isinstance(one, Quantity) or get_dimensions(one) is not second.dim or np.ndim(one):
            raise DynapseError(f"{protocol}: window is {window!r}; give (start, end), such as (10*ms, 60*ms)")
    if not float(start) < float(end):
        raise DynapseError(f"{protocol}: window ends at {end}, before its start, {start}")
    return float(start), float(end)
