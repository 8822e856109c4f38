"""Homeostasis drives calcium to its reference; its drift, its hold, its range."""

import numpy as np
import pytest
from brian2 import Hz, Network, PoissonGroup, SpikeMonitor, StateMonitor, defaultclock, ms, second

import brian2dynapse as bd

# Calcium of 0.26 s and a gain of microseconds of drive, from codes that people use; the drift is accelerated.
STARTS = [0.2, 30]
CODES = {"SOIF_GAIN_N": (2, 150), "SOIF_DC_P": (2, 60), "SOAD_PWTAU_N": (3, 80)}


def run(latches, duration, rate=5 * Hz, codes=None, gain=None, chip=None):
    neurons = bd.Neurons(
        2, bd.Biases(CODES | (codes or {})), {"so_dc", "ho_enable", *latches}, chip or bd.Chip(rate_homeostasis=rate),
        name="neurons",
    )  # fmt: skip
    if gain is not None:
        neurons.gain_homeostasis = gain
    trace = StateMonitor(neurons, ["Ica", "gain_homeostasis"], record=True, dt=1 * ms)
    spikes = SpikeMonitor(neurons)
    Network(neurons, trace, spikes).run(duration * second)
    return trace, spikes, neurons


def test_calcium_goes_to_its_reference_whatever_the_start_and_the_speed():
    defaultclock.dt = 0.5 * ms  # a tenth of the membrane time constant
    ends = []
    for rate, duration in ((5 * Hz, 6), (2 * Hz, 12)):
        trace, _, neurons = run({"ho_active"}, duration, rate, gain=STARTS)
        reference = neurons.biases.current_in_amp("SOHO_VREF_P")
        after = trace.Ica_[:, -1000:].mean(axis=1)
        # Where the drift is zero on average, <(r - I)/(r + I)> = 0: the ripple of Ica (a tenth: one spike of 13 in
        # 0.26 s) moves the mean off the reference by its square, and the drift of the last second by about its tenth.
        assert after == pytest.approx(np.full(2, reference), rel=0.1)
        ends += list(trace.gain_homeostasis[:, -1000:].mean(axis=1))
    assert np.all(np.abs(np.log(np.array(ends[:2]) / STARTS)) > 1)  # each had a way to go
    assert np.std(ends) / np.mean(ends) < 0.1  # one set point, within a spike of 13


def test_inactive_homeostasis_holds_the_gain():
    trace, *_ = run(set(), 0.5, gain=3)
    assert np.all(trace.gain_homeostasis == 3)


def test_equal_references_hold_the_gain():
    codes = {f"SOHO_VREF_{level}_P": (2, 60) for level in "LMH"}
    trace, *_ = run({"ho_active"}, 0.5, codes=codes, gain=3)
    assert np.all(trace.gain_homeostasis == 3)


def test_drift_of_a_silent_neuron():
    """Without calcium the gain grows by rate (1 - (I_middle/I_high)^(1/kappa)), up to its limit."""
    chip = bd.Chip(rate_homeostasis=20 * Hz, gain_homeostasis_limit=50)
    trace, spikes, neurons = run({"ho_active"}, 0.5, codes={"SOIF_DC_P": (0, 0)}, chip=chip)
    assert spikes.num_spikes == 0
    middle, high = (neurons.biases.current_in_amp(f"SOHO_VREF_{level}_P") for level in "MH")
    reference, rest = neurons.biases.current_in_amp("SOHO_VREF_P"), chip.constants["I_0"]
    error = (reference - rest) / (reference + rest)
    slope = 20 * error * (1 - (middle / high) ** (1 / chip.constants["kappa_p"]))
    gain = trace.gain_homeostasis[0]
    assert np.log(gain[100] / gain[0]) == pytest.approx(0.1 * slope, rel=1e-9)  # one exponential a step: rounding
    assert gain[-1] == 50


def test_drift_times_span_seconds_to_hours():
    """From the codes alone, without mismatch: references far apart, and the two codes nearest to each other."""
    chip = bd.Chip()
    neurons = bd.Neurons(2, bd.Biases(), {"ho_enable"}, chip, name="neurons")
    coarse, fine = np.meshgrid(range(6), range(256), indexing="ij")
    currents = np.unique(bd.dac.current("SOHO_VREF_H_P", coarse, fine))
    nearest = np.argmin(currents[1:] / currents[:-1])
    neurons.I_homeostasis_middle_ = currents[[0, nearest]]
    neurons.I_homeostasis_high_ = currents[[-1, nearest + 1]]
    times = 1 / (chip.constants["rate_homeostasis"] * np.asarray(neurons.up_homeostasis[:]))
    assert times[0] == pytest.approx(5, rel=1e-3)  # second; the share is 1 - 1e-8
    assert times[1] > 3600


def test_crossed_references_turn_the_drift_round_and_are_told(caught):
    """The drift stays below its largest rate, whatever the codes; neurons that drift the wrong way are counted."""
    codes = {"SOHO_VREF_H_P": (0, 1), "SOHO_VREF_L_P": (3, 240), "SOIF_DC_P": (0, 0)}
    with caught() as messages:
        trace, *_ = run({"ho_active"}, 0.2, codes=codes, rate=5 * Hz)
    assert any("2 of 2 neurons the references" in message for _, _, message in messages)
    assert -1.001 < np.log(trace.gain_homeostasis[0, -1]) / (5 * 0.2) < -0.9
    near = {f"SOHO_VREF_{level}_P": (2, fine) for level, fine in zip("LMH", (58, 59, 60), strict=True)}
    chip = bd.Chip(seed=1, mismatch="pelgrom")
    neurons = bd.Neurons(256, bd.Biases(near), {"ho_enable"}, chip, name="near")
    assert np.all(np.abs(neurons.up_homeostasis[:]) < 1)
    wrong = np.count_nonzero(neurons.up_homeostasis[:] < 0)
    with caught() as messages:
        Network(neurons).run(1 * ms)
    # one code of 60 apart, 12 % of mismatch each: nearly half of the pairs cross; 5 standard deviations of a binomial
    assert abs(wrong - 0.46 * 256) < 5 * np.sqrt(256 / 4)
    assert any("of 256 neurons the references" in message for _, _, message in messages)


@pytest.mark.parametrize("gain", [-1, 5000, np.nan])
def test_a_gain_out_of_range_is_named(gain):
    with pytest.raises(Exception) as error:
        run(set(), 0.001, gain=gain)
    assert isinstance(error.value.__cause__, bd.DynapseError)
    assert "gain_homeostasis is" in str(error.value.__cause__) and "0.001 to 1000" in str(error.value.__cause__)


def test_homeostasis_of_the_dendrites_scales_excitation_only():
    """With ho_so_de the EPSP grows with the gain, and a DC input's effect does not change."""
    biases = bd.Biases({"SOIF_SPKTHR_P": (5, 255), "SYAM_W0_P": (4, 100)})
    peaks = {}
    for where in ((), ("ho_so_de",)):
        neurons = bd.Neurons(2, biases, {"ho_enable", "so_dc", *where}, name="neurons")
        neurons.gain_homeostasis = [1, 4]
        synapses = [
            bd.Connection(PoissonGroup(1, 1 / (0.1 * ms), name=f"p_{d}"), neurons, d, "1111", name=d)
            for d in ("ampa", "nmda", "gaba")
        ]
        for one in synapses:
            one.connect()
        trace = StateMonitor(neurons, ["Iampa", "Inmda", "Igaba"], record=True)
        Network(neurons, synapses, [one.source for one in synapses], trace).run(30 * ms)
        peaks[where] = {name: getattr(trace, f"{name}_").max(axis=1) for name in ("Iampa", "Inmda", "Igaba")}
    assert peaks[()]["Iampa"][0] == peaks[()]["Iampa"][1]
    # far above the gain, an input current I_in >> I_tau gives I_gain I_in/I_tau: proportional
    for name in ("Iampa", "Inmda"):
        ratio = peaks[("ho_so_de",)][name][1] / peaks[("ho_so_de",)][name][0]
        assert ratio == pytest.approx(4, rel=0.1), name
    assert peaks[("ho_so_de",)]["Igaba"][0] == peaks[("ho_so_de",)]["Igaba"][1]


def test_rest_keeps_the_gain():
    neurons = bd.Neurons(2, bd.Biases(), {"ho_enable"}, name="neurons")
    assert np.all(neurons.gain_homeostasis[:] == 1) and neurons.homeostasis_active[:] == 0
    neurons.gain_homeostasis = 7
    neurons.rest()
    assert np.all(neurons.gain_homeostasis[:] == 7)
