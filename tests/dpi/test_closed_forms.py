"""A DPI in a Brian2 run against closed forms: decay, step, steady state, charge."""

import numpy as np
import pytest
from brian2 import Network, SpikeGeneratorGroup, StateMonitor, defaultclock, ms, second, us
from scipy.optimize import brentq

import brian2dynapse as bd

NO_FLOOR = 1e-24 * bd.Biases().current("SOIF_LEAK_N") / bd.Biases().current_in_amp("SOIF_LEAK_N")
SILENT = {"SOIF_SPKTHR_P": (5, 255)}


def record(neurons, names, duration, *others):
    monitor = StateMonitor(neurons, names, record=True)
    Network(neurons, monitor, *others).run(duration)
    return monitor


@pytest.mark.parametrize(
    "dendrite, current", [("ampa", "Iampa"), ("nmda", "Inmda"), ("gaba", "Igaba"), ("shunt", "Ishunt")]
)
@pytest.mark.parametrize("dt", [10 * us, 500 * us])
def test_decay_is_exponential_far_above_the_floor(dendrite, current, dt):
    defaultclock.dt = dt
    neurons = bd.Neurons(1, bd.Biases(SILENT), chip=bd.Chip(I_0=NO_FLOOR), name="decaying")
    setattr(neurons, current, 1e-9 * bd.Biases().current("SOIF_LEAK_N") / bd.Biases().current_in_amp("SOIF_LEAK_N"))
    assert dendrite in neurons.dendrites
    monitor = record(neurons, current, 20 * ms)
    tau = float(getattr(neurons, f"tau_{dendrite}")[0])
    expected = 1e-9 * np.exp(-np.asarray(monitor.t / second) / tau)
    # 1e-9: rounding of 2000 steps; the floor's share is (1e-24/1e-9*exp(20/1.8))^1.4, below 1e-13
    np.testing.assert_allclose(np.asarray(getattr(monitor, current)[0]), expected, rtol=1e-9)


@pytest.mark.parametrize("dt", [10 * us, 500 * us])
def test_decay_ends_smoothly_at_the_floor(dt):
    """dI/dt = -(I/tau)(1 - (I_0/I)^(1/kappa)) has a closed form; it holds at every step size."""
    defaultclock.dt = dt
    chip = bd.Chip()
    neurons = bd.Neurons(1, bd.Biases(SILENT), chip=chip, name="decaying", method_options={"floor": "exact"})
    neurons.Iampa_ = 100e-12
    monitor = record(neurons, "Iampa", 50 * ms)
    floor, kappa, tau = chip.constants["I_0"], chip.constants["kappa_p"], float(neurons.tau_ampa[0])
    over = (100e-12 / floor) ** (1 / kappa) - 1
    expected = floor * (1 + over * np.exp(-np.asarray(monitor.t / second) / (kappa * tau))) ** kappa
    np.testing.assert_allclose(np.asarray(monitor.Iampa[0]), expected, rtol=1e-10)  # rounding of 5000 steps
    assert float(monitor.Iampa_[0, -1]) == pytest.approx(floor, rel=1e-6)  # 50 ms are 27 time constants


@pytest.mark.parametrize("kappa", [0.6, 0.7, 0.8])
@pytest.mark.parametrize("dt, worst", [(10 * us, 1.2e-4), (100 * us, 2e-3), (500 * us, 0.03)])
def test_a_ratio_for_the_inflow_is_near_the_closed_form(dt, worst, kappa):
    """The default: of second order in the step, since the ratio is taken once a step (dt/tau < 0.3)."""
    defaultclock.dt = dt
    chip = bd.Chip(kappa_p=kappa)
    neurons = bd.Neurons(1, bd.Biases(SILENT), chip=chip, name="decaying")
    neurons.Iampa_ = 100e-12
    monitor = record(neurons, "Iampa", 50 * ms)
    floor, tau = chip.constants["I_0"], float(neurons.tau_ampa[0])
    over = (100e-12 / floor) ** (1 / kappa) - 1
    expected = floor * (1 + over * np.exp(-np.asarray(monitor.t / second) / (kappa * tau))) ** kappa
    current = np.asarray(monitor.Iampa[0])
    np.testing.assert_allclose(current, expected, rtol=worst)
    assert np.all(np.diff(current) <= 1e-9 * floor)
    assert current[-1] == pytest.approx(floor, rel=1e-6)  # 50 ms are 27 time constants


@pytest.mark.parametrize("mask, gain", [("0001", (4, 80)), ("1111", (4, 80)), ("1111", (1, 20))])
def test_an_event_raises_y_plus_log_y_by_its_charge(mask, gain):
    biases = bd.Biases({**SILENT, "DEAM_EGAIN_P": gain})
    chip = bd.Chip()
    neurons = bd.Neurons(1, biases, chip=chip, name="target", method_options={"floor": "exact"})
    source = SpikeGeneratorGroup(1, [0], [1 * ms], name="source")
    synapse = bd.Connection(source, neurons, "ampa", mask, name="synapse")
    synapse.connect()
    monitor = record(neurons, "Iampa", 3 * ms, source, synapse)
    current = np.asarray(monitor.Iampa[0])
    floor, kappa = chip.constants["I_0"], chip.constants["kappa_p"]
    tau, dt = float(neurons.tau_ampa[0]), 1e-4
    bits = [biases.current_in_amp(f"SYAM_W{bit}_P") for bit in range(4) if mask[3 - bit] == "1"]
    charge = sum(bits) * chip.constants["Q_extender"] / biases.current_in_amp("SYPD_EXT_N")
    I_gain = biases.current_in_amp("DEAM_EGAIN_P")
    start = floor / I_gain
    target = start + np.log(start) + kappa * charge / (chip.constants["C_ampa"] * chip.constants["U_T"])
    peak = I_gain * np.exp(brentq(lambda v: v + np.exp(v) - target, -60, 60, xtol=1e-14))
    # event at 1 ms (step 10), acts at 1.1 ms, seen one decayed step later
    after = floor * (1 + ((peak / floor) ** (1 / kappa) - 1) * np.exp(-dt / (kappa * tau))) ** kappa
    assert current[11] == pytest.approx(floor, rel=1e-12)
    assert current[12] == pytest.approx(after, rel=1e-9)  # rounding of logarithm and power


def membrane_after(start, drive, time_in_tau):
    """Closed form of the DPI for constant input above the floor: (ln y - (1+B) ln|B-y|)/B advances by t/tau."""
    B = drive - 1

    def phase(y):
        return (np.log(y) - (1 + B) * np.log(abs(B - y))) / B

    goal = phase(start) + time_in_tau
    return brentq(lambda y: phase(y) - goal, start, B * (1 - 1e-15), xtol=1e-16, rtol=1e-14)


def step_error(dt, drive, duration=5e-3):
    defaultclock.dt = dt * second
    biases = bd.Biases({**SILENT, "SOIF_GAIN_N": (1, 100)})
    neurons = bd.Neurons(1, biases, {"so_dc"}, bd.Chip(I_0=NO_FLOOR), name="stepping")
    gain, leak = float(neurons.I_gain[0]), float(neurons.I_leak[0])
    neurons.I_dc_ = drive * leak
    neurons.Imem_ = 0.01 * gain
    Network(neurons).run(duration * second)
    expected = gain * membrane_after(0.01, drive, duration / float(neurons.tau_mem[0]))
    return abs(float(neurons.Imem[0]) / expected - 1)


@pytest.mark.parametrize("drive", [1.5, 10.0])
def test_step_response_reaches_1e_6_with_second_order(drive):
    errors = [step_error(dt, drive) for dt in (2e-4, 1e-4, 5e-5)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(np.abs(orders - 2) < 0.2), (errors, orders)  # 0.2: the next order's share at dt/tau = 1/24
    assert step_error(2e-6, drive) < 1e-6


@pytest.mark.parametrize("dt", [1 * us, 100 * us, 500 * us])
@pytest.mark.parametrize("drive", [0.5, 1.5, 20.0])
def test_steady_state(drive, dt):
    """Where input and leak balance: (I_in/I_leak)/(1 + y) = 1 - (I_0/I)^(1/kappa), at every dt."""
    defaultclock.dt = dt
    chip = bd.Chip()
    neurons = bd.Neurons(1, bd.Biases({**SILENT, "SOIF_GAIN_N": (1, 100)}), {"so_dc"}, chip, name="steady")
    gain, leak = float(neurons.I_gain[0]), float(neurons.I_leak[0])
    floor, kappa = chip.constants["I_0"], chip.constants["kappa_n"]
    steady = brentq(
        lambda log_i: drive / (1 + np.exp(log_i) / gain) - 1 + (floor / np.exp(log_i)) ** (1 / kappa),
        np.log(floor), np.log(1e-6), xtol=1e-15,
    )  # fmt: skip
    neurons.I_dc_ = drive * leak
    neurons.Imem_ = np.exp(steady) * 1.02
    # the approach from 2 % takes 10 time constants over the slope of the balance, at least a tenth
    Network(neurons).run((0.02 if dt < 10 * us else 1.0) * second)
    tolerance = 1e-6 if dt >= 10 * us else 0.02
    assert float(neurons.Imem[0]) == pytest.approx(np.exp(steady), rel=tolerance)
