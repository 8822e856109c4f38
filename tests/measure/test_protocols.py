"""Protocols give back what the circuits have: closed forms, the parameters of each neuron, a chip's own spread."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from brian2 import ms, mV, second

import brian2dynapse as bd
from brian2dynapse.circuits import DENDRITES
from brian2dynapse.measure_decays import DECAYS

CHIP = bd.Chip(seed=3, mismatch=0.2)
NEURONS = 6


def on_chip(biases=None, name="probe", latches=("so_dc", "so_adaptation", "coho_ca_mem")):
    return bd.Neurons(NEURONS, biases or bd.Biases(), latches, CHIP, DENDRITES, physical=np.arange(NEURONS), name=name)


@pytest.mark.parametrize("quantity", DECAYS)
def test_time_constants_are_those_of_the_neurons(quantity):
    table = bd.measure.time_constants(bd.Biases(), quantity, CHIP, NEURONS)
    asked = getattr(on_chip(), f"{quantity}_")[:]
    # At tau/50 the floor of the filters bends a decay by some 4e-4 near I_0 (README), which weighs one U_T of ten or
    # more that are fitted: 1e-4 of the slope.
    assert table["tau_s"].to_numpy() == pytest.approx(asked, rel=2e-4)
    assert (table["note"] == "").all() and len(set(table["bias"])) == 1
    assert table.codes[table["bias"][0]] == tuple(table[["coarse", "fine"]].iloc[0])


def test_several_settings_are_measured_as_each_alone():
    settings = [bd.Biases(), bd.Biases({"SOIF_LEAK_N": (1, 200)})]
    both = bd.measure.time_constants(settings, "tau_mem")
    assert list(both["setting"]) == [0, 1]
    for k, one in enumerate(settings):
        alone = bd.measure.time_constants(one, "tau_mem")
        assert "setting" not in alone
        # the time step is that of the shortest of them: same tolerance as above
        assert both["tau_s"][k] == pytest.approx(alone["tau_s"][0], rel=2e-4)


def test_the_trace_of_a_lab_is_read_by_the_same_code():
    ours = bd.measure.time_constants(bd.Biases(), "tau_mem", CHIP, NEURONS)
    chip = CHIP.constants
    lab = ours.recording[["neuron", "time_s", "current_A"]].copy()
    # an oscilloscope: volts above an unknown offset, noise of 2 mV, samples in any order
    noise = np.random.default_rng(0).normal(0, 2e-3, len(lab))
    lab["voltage_V"] = 0.31 + chip["U_T"] / chip["kappa_n"] * np.log(lab["current_A"] / chip["I_0"]) + noise
    lab = lab.drop(columns="current_A").sample(frac=1, random_state=1)
    theirs = bd.measure.time_constants(quantities="tau_mem", recorded=lab)
    # the standard error that the fit tells is the one: z scores stay below 4 (1 in 16 000 for each of 6 neurons)
    assert np.all(np.abs(theirs["tau_s"] - ours["tau_s"]) < 4 * theirs["sd_s"])
    assert np.all(theirs["sd_s"] < 0.02 * theirs["tau_s"])  # and it is small
    part = bd.measure.time_constants(quantities="tau_mem", recorded=lab, window=(75 * ms, 95 * ms))
    assert np.all(part["sd_s"] > theirs["sd_s"])  # fewer samples know less


def test_a_decay_that_is_none_says_why():
    flat = pd.DataFrame({"time_s": np.arange(100) * 1e-4, "voltage_V": 1e-4 * np.arange(100) / 100})
    table = bd.measure.time_constants(quantities="tau_mem", recorded=flat)
    assert np.isnan(table["tau_s"][0]) and "stronger stimulus" in table["note"][0]
    noise = np.random.default_rng(0).normal(0, 0.1, 100)
    table = bd.measure.time_constants(quantities="tau_mem", recorded=flat.assign(voltage_V=noise))
    assert np.isnan(table["tau_s"][0]) and table["note"][0]


@pytest.mark.parametrize("dendrite", DENDRITES)
def test_potentials_have_their_sign_and_are_reread_from_the_recording(dendrite):
    measured = bd.measure.ipsp if dendrite in ("gaba", "shunt") else bd.measure.epsp
    table = measured(bd.Biases(), dendrite=dendrite, weight="1000", events=2, interval=40 * ms)
    sign = -1 if dendrite in ("gaba", "shunt") else 1
    assert np.all(sign * table["peak_V"] > 0) and np.all(sign * table["amplitude_V"] > 0)
    assert table["summation"][0] == 1
    times = [0, 40] * ms
    again = bd.measure.epsp(dendrite=dendrite, recorded=table.recording, event_times=times)
    # the recording begins with the baseline, whose mean may take one sample more or less for the rounding of times
    pd.testing.assert_frame_equal(pd.DataFrame(again), pd.DataFrame(table), rtol=1e-6, atol=1e-9)


def test_shape_of_a_known_potential():
    """A difference of exponentials: peak, times and summation in closed form."""
    rise, fall, height = 2e-3, 10e-3, 5e-3
    t = np.arange(-2e-3, 0.2, 1e-5)

    def potential(s):
        return np.where(s > 0, np.exp(-s / fall) - np.exp(-s / rise), 0)

    top = np.log(fall / rise) * rise * fall / (fall - rise)
    scale = height / potential(top)
    trace = pd.DataFrame({"time_s": t, "voltage_V": 0.1 + scale * (potential(t) + potential(t - 0.02))})
    table = bd.measure.epsp(recorded=trace, event_times=[0, 20] * ms)
    assert table["rest_V"][0] == pytest.approx(0.1)
    # the sample next to a peak is off by (dt/2)^2/(2 rise fall) = 6e-7 of its height
    assert table["peak_V"][0] == pytest.approx(height, rel=1e-6)
    assert table["time_to_peak_s"][0] == pytest.approx(top, abs=1e-5)
    residue = scale * potential(0.02 + np.linspace(0, 0.02, 20001)) + scale * potential(np.linspace(0, 0.02, 20001))
    assert table["summation"][1] == pytest.approx(residue.max() / height, rel=1e-6)
    half = scale * potential(top + table["half_fall_s"][0])
    assert half == pytest.approx(height / 2, rel=1e-3)  # interpolated between samples 1e-5/fall apart
    noisy = trace.assign(voltage_V=trace["voltage_V"] + np.random.default_rng(0).normal(0, 2e-4, len(t)))
    smooth = bd.measure.epsp(recorded=noisy, event_times=[0, 20] * ms, smooth=2 * ms)
    # 201 samples in a filter of second order: noise falls to 2e-4*sqrt(9/4/201) = 2e-5 V; four of these
    assert smooth["peak_V"][0] == pytest.approx(height, abs=1e-4)


def test_depression_is_that_of_the_weight():
    """A weak synapse on a neuron at rest is linear: peaks go as the weight, I_w q^kappa (depression.eqs)."""
    biases = bd.Biases({"SYAM_W0_P": (3, 10), "SYAM_STDW_N": (4, 80), "SYAW_STDSTR_N": (0, 80), "SYPD_EXT_N": (3, 100)})
    interval = 0.06
    table = bd.measure.depression(biases, rate=1 / (interval * second), duration=400 * ms)
    c = bd.Chip().constants
    drop = biases.current_in_amp("SYAM_STDW_N") * c["Q_extender"] / biases.current_in_amp("SYPD_EXT_N")
    drop /= c["C_std"] * c["U_T"]
    recovery = c["C_std"] * c["U_T"] / biases.current_in_amp("SYAW_STDSTR_N")
    gate, weights = 1.0, []
    for _ in table["event"]:
        weights.append(gate ** c["kappa_p"])
        gate = 1 - (1 - gate * np.exp(-drop)) * np.exp(-interval / recovery)
    assert weights[-1] < 0.6  # it depresses
    # a jump of d raises a current far below its gain by e^d - 1 instead of d
    jump = biases.current_in_amp("SYAM_W0_P") * c["Q_extender"] / biases.current_in_amp("SYPD_EXT_N")
    jump *= c["kappa_p"] / (c["C_ampa"] * c["U_T"])
    assert table["of_control"].to_numpy() == pytest.approx(np.array(weights), rel=jump)
    none = bd.measure.depression(
        recorded=table.recording, control=table.recording, event_times=table["time_s"].to_numpy() * second
    )
    assert np.all(none["of_control"] == 1)
    assert none["remaining"].to_numpy() == pytest.approx(table["remaining"].to_numpy(), rel=1e-6)


@pytest.mark.parametrize("bits", ["none", "precise", "mismatched", "both"])
def test_delays_are_those_of_the_synapses(bits):
    biases = bd.Biases({"SYPD_DLY0_P": (1, 60), "SYPD_DLY1_P": (1, 40), "SYPD_DLY2_P": (1, 20)})
    table = bd.measure.delay(biases, bits, chip=CHIP, neurons=NEURONS)
    neurons = on_chip(biases)
    source = bd.Neurons(1, biases, name="source")
    synapses = bd.Connection(source, neurons, "ampa", "1111", bits, name="probed")
    synapses.connect(i=np.zeros(NEURONS, int), j=np.arange(NEURONS))
    # an event and the onset are each known to a step
    tolerance = 2 * table["resolution_s"][0]
    assert table["delay_s"].to_numpy() == pytest.approx(np.asarray(synapses.delay[:]), abs=tolerance)


def test_refractory_periods_are_those_of_the_neurons():
    table = bd.measure.refractory_period(bd.Biases(), CHIP, NEURONS)
    # third order of 1/I, the next after the fitted ones: (I_leak/I)^2 of the charging time, (60 pA/2 nA)^2*2 ms = 2 us
    assert table["t_ref_s"].to_numpy() == pytest.approx(on_chip().t_refractory_[:], abs=4e-6)
    again = bd.measure.refractory_period(recorded=table.recording)
    assert again["t_ref_s"].equals(table["t_ref_s"])


def test_rheobase_follows_the_closed_form():
    """Above it the DPI's steady state passes the threshold: I_dc = I_leak (1 + I_threshold/I_gain)."""
    table = bd.measure.rheobase(bd.Biases(), chip=CHIP, neurons=NEURONS)
    neurons = on_chip()
    closed = neurons.I_leak_[:] * (1 + neurons.I_threshold_[:] / neurons.I_gain_[:])
    nominal = closed / CHIP.mismatch_factors("SOIF_DC_P", np.arange(NEURONS))
    assert np.all(table["rheobase_A"] >= nominal * 0.999)  # the leak's floor lowers it by (I_0/I)^(1/kappa), 1e-7
    # within 500 ms, 100 time constants, it fires if the input is above by exp(-100)...: the next code or the one after
    assert np.all(table["silent_A"] <= nominal * 1.01)
    assert np.all(table["rheobase_A"] <= 1.2 * table["silent_A"])  # codes are next to each other


def test_rheobase_of_a_recorded_curve():
    curve = bd.measure.fi_curve(bd.Biases(), [(2, 10), (2, 30), (2, 60)], duration=200 * ms)
    table = bd.measure.rheobase(recorded=curve)
    assert table["silent_A"][0] == curve["current_A"][0] and table["rheobase_A"][0] == curve["current_A"][1]
    silent = bd.measure.rheobase(recorded=curve[:1])
    assert np.isnan(silent["rheobase_A"][0]) and silent["silent_A"][0] == curve["current_A"][0]


def test_rheobase_out_of_reach_is_nan():
    table = bd.measure.rheobase(bd.Biases({"SOIF_SPKTHR_P": (5, 255), "SOIF_GAIN_N": (0, 20)}), duration=50 * ms)
    assert np.isnan(table["rheobase_A"][0]) and table["coarse"][0] == -1
    assert table["silent_A"][0] == bd.dac.current("SOIF_DC_P", 5, np.arange(256)).max()


def test_adaptation_slows_down_and_intervals_are_those_of_the_spikes():
    table = bd.measure.adaptation(bd.Biases(), duration=1.2 * second)
    ratio = bd.measure.adaptation_ratio(table)
    assert ratio["adaptation_ratio"][0] > 2
    again = bd.measure.adaptation(recorded=table.recording)
    assert again.equals(table)
    known = pd.DataFrame({"time_s": np.cumsum([1.0, 1, 2, 4, 4, 4]), "neuron": 7})
    table = bd.measure.adaptation(recorded=known, start=1 * second)
    assert list(table["interval_s"]) == [1, 2, 4, 4, 4] and list(table["time_s"]) == [1, 3, 7, 11, 15]
    assert bd.measure.adaptation_ratio(table)["adaptation_ratio"][0] == 4
    assert np.isnan(bd.measure.adaptation_ratio(table[:3])["adaptation_ratio"][0])


def test_rest_is_the_floor_and_noise_shows():
    quiet = bd.measure.resting_state(bd.Biases())
    assert quiet["rest_V"][0] == pytest.approx(0, abs=1e-6) and quiet["rate_Hz"][0] == 0
    noisy = bd.measure.resting_state(bd.Biases(), chip=bd.Chip(noise=1), neurons=3)
    assert np.all(noisy["sd_V"] > 100 * quiet["sd_V"][0])
    lab = pd.DataFrame({"time_s": [0, 1e-3, 2e-3], "voltage_V": [0.1, 0.2, 0.3]})
    assert bd.measure.resting_state(recorded=lab)["rest_V"][0] == pytest.approx(0.2)


def test_tables_know_their_codes_and_what_the_protocol_sets():
    table = bd.measure.epsp(bd.Biases({"SYAM_W0_P": (5, 99)}))
    assert table.codes["SYAM_W0_P"] == (5, 99) and table.codes["SOIF_SPKTHR_P"] == (5, 255)
    assert bd.measure.epsp(bd.Biases(), spiking=True).codes["SOIF_SPKTHR_P"] == (3, 254)
    rows = table[table["event"] == 0]
    assert rows.protocol == "epsp" and rows.recording is table.recording


def test_every_protocol_can_be_drawn(tmp_path):
    tables = [
        bd.measure.fi_curve(bd.Biases(), [(2, 40), (2, 80)], CHIP, 10, duration=100 * ms),
        bd.measure.time_constants(bd.Biases(), ("tau_mem", "tau_ampa"), CHIP, 3),
        bd.measure.epsp(bd.Biases(), chip=CHIP, neurons=10),
        bd.measure.depression(bd.Biases(), duration=50 * ms),
        bd.measure.delay(bd.Biases({"SYPD_DLY0_P": (1, 60)})),
        bd.measure.refractory_period(bd.Biases()),
        bd.measure.adaptation(bd.Biases(), duration=200 * ms),
        bd.measure.rheobase(bd.Biases(), duration=100 * ms),
        bd.measure.resting_state(bd.Biases()),
    ]
    for table in tables:
        axes = bd.plot.measured(table)
        assert "(" in axes.get_xlabel() + axes.get_ylabel()  # a unit
        axes.figure.savefig(tmp_path / f"{table.protocol}.png")
        plt.close(axes.figure)
    with pytest.raises(bd.DynapseError, match="does not know which protocol"):
        bd.plot.measured(pd.concat(tables[:2]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.time_constants(bd.Biases(), "tau_membrane"), "did you mean tau_mem"),
        (lambda m: m.time_constants({}, "tau_mem"), "biases is dict"),
        (lambda m: m.time_constants(bd.Biases(), "tau_mem", neurons=300), "a core has 1..256"),
        (lambda m: m.time_constants(quantities="tau_mem", recorded=pd.DataFrame({"t": [1]})), "no column time_s"),
        (lambda m: m.time_constants(recorded=pd.DataFrame({"time_s": [1]})), "of one quantity"),
        (lambda m: m.epsp(bd.Biases(), "ampaa"), "did you mean ampa"),
        (lambda m: m.epsp(bd.Biases(), events=0), "positive integer"),
        (lambda m: m.epsp(bd.Biases(), interval=3 * mV), "interval is 3. mV"),
        (lambda m: m.ipsp(bd.Biases(), "ampa"), "inhibitory dendrite"),
        (lambda m: m.epsp(bd.Biases(), chip="mine"), "chip is str"),
        (lambda m: m.epsp(recorded=pd.DataFrame({"time_s": [1.0], "voltage_V": [np.nan]})), "not a finite number"),
        (lambda m: m.delay(bd.Biases(), "late"), "is not a delay"),
        (lambda m: m.adaptation(bd.Biases(), duration=0 * ms), "duration is 0"),
        (lambda m: m.rheobase(bd.Biases(), latches={"so_dcc"}), "so_dc"),
    ],
)
def test_errors_name_the_thing(call, message):
    with pytest.raises(bd.DynapseError, match=message):
        call(bd.measure)


def test_a_chip_with_other_mirrors_is_measured_as_it_is():
    """Twice the n-type current: half the membrane time constant and refractory period."""
    biases, chip = bd.Biases(), bd.Chip(mirror_scale_n=2, mirror_scale_p=1.5)
    plain = bd.measure.time_constants(biases, "tau_mem")["tau_s"][0]
    assert bd.measure.time_constants(biases, "tau_mem", chip)["tau_s"][0] == pytest.approx(plain / 2, rel=2e-4)
    table = bd.measure.refractory_period(biases, chip)
    assert table["t_ref_s"][0] == pytest.approx(table["expected_s"][0], abs=4e-6)
    leak, threshold, gain = (biases.current_in_amp(bias) for bias in ("SOIF_LEAK_N", "SOIF_SPKTHR_P", "SOIF_GAIN_N"))
    closed = 2 * leak * (1 + 1.5 * threshold / (2 * gain))
    assert bd.measure.rheobase(biases, chip=chip)["rheobase_A"][0] == pytest.approx(closed, rel=0.02, abs=0)  # a step


def test_spikes_after_an_event_are_told():
    quiet = bd.measure.epsp(bd.Biases(), weight="0001", spiking=True)
    assert list(quiet["spikes"]) == [0]
    table = bd.measure.epsp(bd.Biases(), weight="1111", events=8, interval=1 * ms, spiking=True)
    assert table["spikes"].sum() > 0
    assert "spikes" not in bd.measure.epsp(bd.Biases(), weight="1111")


def test_codes_that_differ_between_quantities_are_told_apart():
    table = bd.measure.time_constants(bd.Biases(), ("tau_mem", "tau_ahp"))
    assert table.codes["SOIF_SPKTHR_P"] == {"tau_mem": (5, 255), "tau_ahp": (3, 254)}
    assert table.codes["SOIF_LEAK_N"] == (2, 5)


def test_a_long_refractory_period_and_none():
    slow = bd.measure.refractory_period(bd.Biases({"SOIF_REFR_N": (0, 200)}))
    # 50 ms; intervals are a few, each known to the step of 48 us; third order of 1/I is (60 pA/1 nA)^2 of 5 ms
    assert slow["t_ref_s"][0] == pytest.approx(slow["expected_s"][0], rel=1e-3) and slow["expected_s"][0] > 0.02
    silent = bd.measure.refractory_period(recorded=slow.recording.assign(rate_Hz=0.0))
    assert np.isnan(silent["t_ref_s"][0]) and "fires at 0 currents" in silent["note"][0]
