"""Depression, merged pulses, individual delays and weights, several events per spike."""

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    defaultclock,
    ms,
    pcoulomb,
    second,
)  # fmt: skip

import brian2dynapse as bd
from brian2dynapse import facts


def train(times, name="source"):
    return SpikeGeneratorGroup(1, np.zeros(len(times), int), np.asarray(times) * second, name=name)


def charges(times, codes=None, chip=None, std=False, dt=1e-4, duration=None):
    """Charge that each event brings, in units of the full one."""
    defaultclock.dt = dt * second
    neurons = bd.Neurons(1, bd.Biases(codes or {}), chip=chip, name="neurons")
    source = train(times)
    synapse = bd.Connection(source, neurons, "ampa", std=std, name="synapse")
    synapse.connect()
    # the charge waits from the events of one step to the state update of the next
    trace = StateMonitor(neurons, "Qampa", record=True, when="end")
    Network(source, neurons, synapse, trace).run((duration or max(times) + 2 * dt) * second)
    full = synapse.I_weight_[0] * synapse.t_pulse_[0]
    arrived = trace.Qampa_[0]
    return arrived[arrived > 0] / full, synapse


# -- depression --------------------------------------------------------------------------------------


def reference_depression(times, drop, recovery, width, C, U_T, kappa):
    """The gate q of circuits.md section 4, event by event."""
    q, weights, before = 1.0, [], None
    for t in times:
        if before is not None:
            q = 1 - (1 - q) * np.exp(-(t - before) * recovery / (C * U_T))
        weights.append(q**kappa)
        q *= np.exp(-drop * width / (C * U_T))
        before = t
    return np.array(weights)


@pytest.mark.parametrize("codes", [
    {"SYAM_STDW_N": (4, 80), "SYAW_STDSTR_N": (0, 80), "SYPD_EXT_N": (3, 50)},
    {"SYAM_STDW_N": (3, 80), "SYAW_STDSTR_N": (0, 1)},
    {"SYAM_STDW_N": (4, 255), "SYAW_STDSTR_N": (0, 10)},
])  # fmt: skip
def test_depression_follows_its_closed_form(codes):
    times = np.concatenate([0.01 + 0.006 * np.arange(10), 0.31 + 0.006 * np.arange(10)])  # the chip's test script
    weights, _ = charges(times, codes, std=True)
    current, constants = bd.Biases(codes).current_in_amp, bd.Chip().constants
    expected = reference_depression(
        times,
        current("SYAM_STDW_N"),
        current("SYAW_STDSTR_N"),
        constants["Q_extender"] / current("SYPD_EXT_N"),
        constants["C_std"],
        constants["U_T"],
        constants["kappa_p"],
    )
    assert expected[0] == 1 and expected[9] < 0.5 and expected[10] > expected[9]
    np.testing.assert_allclose(weights, expected, rtol=1e-9)  # rounding; the recovery has no integration error


@pytest.mark.parametrize("codes", [
    {"SYAM_STDW_N": (4, 80), "SYAW_STDSTR_N": (0, 80), "SYPD_EXT_N": (3, 50)},
    {"SYAM_STDW_N": (3, 80), "SYAW_STDSTR_N": (0, 1)},
])  # fmt: skip
def test_codes_in_use_depress_as_measured(codes):
    """Measured: about 20 % are left after 0.35 s at 87 Hz. 'About' is read as 15 to 25 %."""
    times = 0.01 + np.arange(0, 0.35, 0.0115)  # 87 Hz in steps of 0.1 ms
    weights, _ = charges(times, codes, std=True)
    assert np.all(np.diff(weights) < 1e-9)
    assert 0.15 < weights[-1] < 0.25


def test_efficacy_can_be_read_between_events():
    neurons = bd.Neurons(1, bd.Biases(), name="neurons")
    source = train([0.01])
    synapse = bd.Connection(source, neurons, "ampa", std=True, name="synapse")
    synapse.connect()
    trace = StateMonitor(synapse, "efficacy", record=True)
    Network(source, neurons, synapse, trace).run(0.3 * second)
    efficacy = trace.efficacy[0]
    assert np.all(efficacy[:100] == 1) and efficacy[102] < 0.5
    q = efficacy ** (1 / neurons.chip.constants["kappa_p"])
    # 1 - q decays with tau_std: compare two moments 0.1 s apart
    ratio = (1 - q[2000]) / (1 - q[1000])
    assert ratio == pytest.approx(np.exp(-0.1 / synapse.tau_std_[0]), rel=1e-9)  # rounding


def test_depression_is_off_by_default():
    weights, synapse = charges([0.001, 0.002, 0.003])
    assert not synapse.std and np.all(weights == 1)


# -- merged pulses ------------------------------------------------------------------------------------


@pytest.mark.parametrize("std", [False, True])
def test_events_within_a_pulse_make_one_longer_pulse(std):
    """Total charge: one pulse width plus the time from the first to the last event, if all gaps are shorter."""
    times = np.array([10, 12, 15, 16, 40]) * 1e-6  # the pulse is 13.7 us; the last event comes after it
    weights, synapse = charges(times, {"SYAM_STDW_N": (0, 0)}, std=std, dt=1e-6)  # hardly any depression
    width = synapse.t_pulse_[0]
    assert 12e-6 < width < 15e-6
    # with std, a drop current of 0.35 pA takes 1e-5 of the efficacy an event
    assert weights.sum() * width == pytest.approx(2 * width + 6e-6, rel=1e-4 if std else 1e-9)
    assert weights[-1] == pytest.approx(1, rel=1e-4)


def test_a_burst_on_one_synapse_is_one_pulse_however_many_events():
    burst = 10e-6 + 1e-6 * np.arange(9)
    weights, synapse = charges(burst, dt=1e-6)
    assert len(weights) == 9 and weights[0] == 1
    assert weights[1:] * synapse.t_pulse_[0] == pytest.approx(1e-6, rel=1e-6)  # t is counted in steps: rounding


# -- several events per spike --------------------------------------------------------------------------


def exponential(events_per_spike, dt=1e-4, latches=("so_dc", "soif_type", "so_adaptation")):
    defaultclock.dt = dt * second
    chip = bd.Chip(events_per_spike=events_per_spike)
    neurons = bd.Neurons(2, bd.Biases({"SOIF_DC_P": (3, 40)}), latches, chip=chip, name="neurons")
    target = bd.Neurons(2, bd.Biases(), name="target")
    synapse = bd.Connection(neurons, target, "ampa", name="synapse")
    synapse.connect(i=[0, 1], j=[0, 1])
    spikes = SpikeMonitor(neurons)
    trace = StateMonitor(target, "Qampa", record=True, when="end")
    state = StateMonitor(neurons, ["Imem", "Iahp"], record=True)
    Network(neurons, target, synapse, spikes, trace, state).run(0.1 * second)
    full = synapse.I_weight_[0] * synapse.t_pulse_[0]
    return np.array(spikes.t[spikes.i == 0] / second), trace.Qampa_[0] / full, state, synapse


def test_repeated_events_are_seen_but_act_once():
    single, charge, state, _ = exponential(1)
    triple, charge3, state3, synapse = exponential(3)
    assert len(single) > 10
    assert len(triple) == 3 * len(single)
    assert np.array_equal(triple[::3], single)
    np.testing.assert_allclose(np.diff(triple.reshape(-1, 3), axis=1), 1e-4, rtol=1e-9)  # in successive steps
    # membrane and adaptation are the same; at the synapse the pulse is longer by the 2 us of the three events
    assert np.array_equal(state.Imem_, state3.Imem_) and np.array_equal(state.Iahp_, state3.Iahp_)
    longer = charge3.sum() / charge.sum()
    assert longer == pytest.approx(1 + 2e-6 / synapse.t_pulse_[0], rel=1e-2)  # the last spike may lack its echoes


def full_pulses_and_events(events, refractory_steps):
    """Charges, in units of the full one, of a neuron that fires as fast as it can."""
    defaultclock.dt = 0.1 * ms
    chip = bd.Chip(events_per_spike=events)
    wanted = chip.constant("Q_refractory") / (refractory_steps * 0.1 * ms)
    biases = bd.Biases({"SOIF_DC_P": (5, 255), "SOIF_REFR_N": wanted})
    neurons = bd.Neurons(1, biases, {"so_dc", "soif_type"}, chip, name="neurons")
    target = bd.Neurons(1, bd.Biases(), name="target")
    synapse = bd.Connection(neurons, target, "ampa", name="synapse")
    synapse.connect()
    spikes = SpikeMonitor(neurons)
    trace = StateMonitor(target, "Qampa", record=True, when="end")
    Network(neurons, target, synapse, spikes, trace).run(20 * ms)
    arrived = trace.Qampa_[0] / float(synapse.I_weight_[0] * synapse.t_pulse_[0])
    return int(np.sum(arrived > 0.99)), spikes.num_spikes


def test_no_real_spike_is_taken_for_an_echo():
    """At the shortest refractory period that is accepted, every second event of two is a whole pulse."""
    full, events = full_pulses_and_events(2, 3.05)
    assert events > 40
    assert abs(full - events / 2) <= 1  # the first or the last spike may lack its echo
    with pytest.raises(Exception) as caught:
        full_pulses_and_events(2, 2.95)
    assert isinstance(caught.value.__cause__, bd.TimeStepError)


@pytest.mark.parametrize("extender", [(3, 200), (5, 80), (5, 255)])
def test_echoes_never_bring_more_than_pulses(extender):
    """Three events bring at most three pulses, however short the pulse is against the 2 us of the events."""
    chip = bd.Chip(events_per_spike=3)
    neurons = bd.Neurons(1, bd.Biases({"SOIF_DC_P": (3, 40)}), {"so_dc", "soif_type"}, chip, name="neurons")
    target = bd.Neurons(1, bd.Biases({"SYPD_EXT_N": extender}), name="target")
    synapse = bd.Connection(neurons, target, "ampa", name="synapse")
    synapse.connect()
    trace = StateMonitor(target, "Qampa", record=True, when="end")
    Network(neurons, target, synapse, trace).run(20 * ms)
    arrived = trace.Qampa_[0] / float(synapse.I_weight_[0] * synapse.t_pulse_[0])
    echo = min(1.0, 1e-6 / synapse.t_pulse_[0])
    assert arrived[arrived > 0][:3] == pytest.approx([1, echo, echo], rel=1e-9)


def test_repeated_events_are_of_the_exponential_soma_only():
    chip = bd.Chip(events_per_spike=3)
    assert not bd.Neurons(1, bd.Biases(), {"so_dc"}, chip, name="thresholded").repeats_events
    assert bd.Neurons(1, bd.Biases(), {"soif_type"}, chip, name="exponential").repeats_events


def test_repeated_events_need_their_steps():
    neurons = bd.Neurons(1, bd.Biases(), {"soif_type"}, bd.Chip(events_per_spike=30), name="neurons")
    with pytest.raises(Exception) as caught:  # Brian2 wraps what is raised before a run
        Network(neurons).run(1 * ms)
    assert isinstance(caught.value.__cause__, bd.TimeStepError)
    assert "30 events of a spike come in as many steps" in str(caught.value.__cause__)


# -- individual synapses -------------------------------------------------------------------------------


def many_synapses(chip, delay, codes=None, count=4096, name="synapses", weight="0001"):
    """Synapses, 64 a neuron, on the physical neurons from 0 on."""
    neurons = bd.Neurons(count // 64, bd.Biases(codes or {}), chip=chip, physical=np.arange(count // 64), name="target")
    source = NeuronGroup(1, "", threshold="False", name="source")
    synapses = bd.Connection(source, neurons, "ampa", weight, delay=delay, name=name)
    synapses.connect(i=np.zeros(count, int), j=np.repeat(np.arange(count // 64), 64))
    return synapses


def test_delays_spread_by_the_transistor_that_makes_them():
    """One line alone sets the delay: Q/I of a log-normal I is log-normal with the same spread of its logarithm."""
    chip = bd.Chip(seed=11, mismatch="pelgrom")
    alone = {"SYPD_DLY0_P": (0, 0), "SYPD_DLY1_P": (2, 100), "SYPD_DLY2_P": (2, 100)}
    for delay, bias in (("precise", "SYPD_DLY1_P"), ("mismatched", "SYPD_DLY2_P")):
        synapses = many_synapses(chip, delay, alone)
        logarithm = np.log(np.asarray(synapses.delay_[:]))
        cv = chip.mismatch_cv(bias)
        sigma = np.sqrt(np.log1p(cv**2))
        # standard error of a standard deviation: sigma/sqrt(2n); the base current takes 1 % of the spread
        assert abs(logarithm.std() / sigma - 1) < 5 / np.sqrt(2 * 4096) + 0.01
        median = float(synapses.delay_time() / second)
        assert abs(logarithm.mean() - np.log(median) - sigma**2 / 2) < 5 * sigma / np.sqrt(4096) + 0.01
    assert 0.3 < chip.mismatch_cv("SYPD_DLY2_P") < 0.6 and chip.mismatch_cv("SYPD_DLY1_P") < 0.1
    # one number for all biases leaves the line that is made to spread as it is
    plain = bd.Chip(seed=11, mismatch=0.2)
    assert plain.mismatch_cv("SYPD_DLY2_P") == chip.mismatch_cv("SYPD_DLY2_P")
    assert plain.mismatch_cv("SYPD_DLY0_P") == 0.2


def test_delays_act_one_by_one():
    """The event reaches each synapse after its own delay, to the step."""
    defaultclock.dt = 0.1 * ms
    chip = bd.Chip(seed=3, mismatch="pelgrom")
    codes = {"SYPD_DLY0_P": (0, 0), "SYPD_DLY2_P": (1, 40)}
    neurons = bd.Neurons(20, bd.Biases(codes), chip=chip, name="neurons")
    source = train([0.001])
    synapses = bd.Connection(source, neurons, "ampa", "1111", delay="mismatched", name="synapses")
    synapses.connect()
    trace = StateMonitor(neurons, "Qampa", record=True, when="end")
    Network(source, neurons, synapses, trace).run(0.3 * second)
    assert np.all((trace.Qampa_ > 0).sum(axis=1) == 1)
    arrival = np.argmax(trace.Qampa_ > 0, axis=1) * 1e-4 - 0.001
    assert np.ptp(arrival) > 0.005
    assert np.max(np.abs(arrival - np.asarray(synapses.delay_[:]))) < 0.5001e-4  # Brian2 rounds to the step


@pytest.mark.parametrize("milliseconds, charge", [(0.0012, 0.45), (1, 0.45), (40, 0.45), (240, 0.45), (500, 1.0)])
def test_delays_of_codes_and_half_a_second_with_twice_the_charge(milliseconds, charge):
    """The codes reach 1.1 us to 0.25 s with the charge of the documented anchor, half a second with twice of it."""
    chip = bd.Chip(Q_delay=charge * pcoulomb)
    biases = bd.Biases({"SYPD_DLY0_P": charge * pcoulomb / (milliseconds * ms)})
    neurons = bd.Neurons(1, biases, chip=chip, name="neurons")
    source = train([0.001])
    synapses = bd.Connection(source, neurons, "ampa", "1111", name="synapses")
    synapses.connect()
    # codes are at most some percent apart, at 2 pA 10 %
    assert float(synapses.delay_time() / ms) == pytest.approx(milliseconds, rel=0.1)
    trace = StateMonitor(neurons, "Qampa", record=True, when="end")
    Network(source, neurons, synapses, trace).run((milliseconds * 1.1 + 3) * ms)
    arrival = np.flatnonzero(trace.Qampa_[0]) * 1e-4 - 0.001
    assert arrival == pytest.approx([float(synapses.delay_time() / second)], abs=0.5001e-4)  # rounded to the step


def test_a_delay_of_seconds_is_refused_also_of_one_synapse():
    chip = bd.Chip(seed=1, mismatch="pelgrom", Q_delay=1.7 * pcoulomb)
    codes = {"SYPD_DLY0_P": (0, 0)}  # 0.94 s, spread by 8 %
    neurons = bd.Neurons(64, bd.Biases(codes), chip=chip, name="neurons")
    source = train([0.001])
    synapses = bd.Connection(source, neurons, "ampa", name="synapses")
    assert synapses.delay_time() < 1 * second
    with pytest.raises(bd.WiringError, match=r"\d+ of 64 synapses have a delay of up to .* longer than 1 s"):
        synapses.connect()


def test_weights_spread_by_bit_and_synapse():
    chip = bd.Chip(seed=5, mismatch="pelgrom")
    factors = []
    for bit, mask in enumerate(("0001", "0010", "0100", "1000")):
        synapses = many_synapses(chip, "none", weight=mask, name=f"bit_{bit}")
        current = bd.Biases().current_in_amp(f"SYAM_W{bit}_P")
        factors.append(np.asarray(synapses.I_weight_[:]) / current)
        cv = chip.mismatch_cv(f"SYAM_W{bit}_P")
        assert abs(factors[-1].std() / cv - 1) < 5 / np.sqrt(2 * 4096)  # standard error of a standard deviation
        assert abs(factors[-1].mean() - 1) < 5 * cv / np.sqrt(4096)
    correlation = np.corrcoef(factors)[np.triu_indices(4, 1)]
    assert np.max(np.abs(correlation)) < 5 / np.sqrt(4096)
    both = np.asarray(many_synapses(chip, "none", weight="0011", name="both").I_weight_[:])
    currents = [bd.Biases().current_in_amp(f"SYAM_W{bit}_P") for bit in (0, 1)]
    np.testing.assert_allclose(both, currents[0] * factors[0] + currents[1] * factors[1], rtol=1e-12)  # rounding


def test_a_synapse_is_its_neuron_and_cam_word():
    """The same words have the same mismatch, whatever the network; words are taken in the order of making."""
    chip = bd.Chip(seed=5, mismatch=0.2)

    def build(order):
        neurons = bd.Neurons(3, bd.Biases(), chip=chip, physical=[7, 300, 2000], name="target")
        source = NeuronGroup(4, "", threshold="False", name="source")
        made = {}
        for name in order:
            made[name] = bd.Connection(source, neurons, "nmda", name=name)
            made[name].connect()
        return {name: (one.cams, np.asarray(one.I_weight_[:])) for name, one in made.items()}

    first, second_ = build(["a", "b"]), build(["b", "a"])
    assert list(first["a"][0]) == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert list(first["b"][0]) == [4, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 7]
    np.testing.assert_array_equal(first["a"][1], second_["b"][1])
    assert not np.any(np.isin(first["a"][1], second_["a"][1]))
    factors = chip.synapse_factors("SYAM_W0_P", np.full(130, 7), np.arange(130))  # also beyond the 64 words of a neuron
    assert len(np.unique(factors)) == 130
    np.testing.assert_allclose(factors[:4], first["a"][1][::3] / bd.Biases().current_in_amp("SYAM_W0_P"), rtol=1e-12)


def test_synapses_follow_their_biases_live():
    chip = bd.Chip(seed=5, mismatch=0.2)
    synapses = many_synapses(chip, "both", {"SYPD_DLY0_P": (2, 100)}, count=128)
    before = {name: np.array(getattr(synapses, name)[:]) for name in ("I_weight_", "I_extender_", "delay_")}
    biases = synapses.neurons.biases
    biases.update({"SYAM_W0_P": (4, 40), "SYPD_EXT_N": (3, 100), "SYPD_DLY0_P": (1, 40)})
    defaults = bd.Biases()
    for name, bias in (("I_weight_", "SYAM_W0_P"), ("I_extender_", "SYPD_EXT_N")):
        ratio = biases.current_in_amp(bias) / defaults.current_in_amp(bias)
        np.testing.assert_allclose(getattr(synapses, name)[:], before[name] * ratio, rtol=1e-12)
    assert np.all(synapses.delay_[:] > before["delay_"])


def test_restore_gives_the_delays_back():
    """Brian2 2.9 forgets delays at restore()."""
    chip = bd.Chip(seed=5, mismatch=0.2)
    synapses = many_synapses(chip, "none", {"SYPD_DLY0_P": (1, 100)}, count=64)
    network = Network(synapses.source, synapses.neurons, synapses)
    before = np.array(synapses.delay_[:])
    network.store()
    synapses.neurons.biases["SYPD_DLY0_P"] = (1, 20)
    assert np.all(synapses.delay_[:] != before)
    network.restore()
    np.testing.assert_array_equal(synapses.delay_[:], before)


def test_pairs_by_probability_are_the_same_for_a_seed():
    neurons = bd.Neurons(50, bd.Biases(), name="neurons")
    source = NeuronGroup(40, "", threshold="False", name="source")
    pairs = []
    for name in ("first", "second"):
        synapses = bd.Connection(source, neurons, "ampa", name=name)
        synapses.connect(p=0.2, seed=3)
        pairs.append((np.array(synapses.i), np.array(synapses.j)))
    np.testing.assert_array_equal(pairs[0], pairs[1])
    # binomial: 2000 pairs, standard deviation sqrt(2000 0.2 0.8) = 18
    assert abs(len(pairs[0][0]) - 400) < 5 * 18
    with pytest.raises(bd.WiringError, match="a seed goes with p alone"):
        synapses.connect(j="i", seed=3)


def test_restore_after_more_synapses():
    """The CAM words that a restored network has are those that it had."""
    chip = bd.Chip(seed=5, mismatch=0.2)
    synapses = many_synapses(chip, "none", {"SYPD_DLY0_P": (1, 100)}, count=64)
    network = Network(synapses.source, synapses.neurons, synapses)
    network.store()
    before = np.array(synapses.I_weight_[:])
    synapses.connect(i=[0] * 3, j=[0] * 3)
    assert list(synapses.cams[-3:]) == [64, 65, 66]
    network.restore()
    assert len(synapses.cams) == len(synapses) == 64
    synapses.neurons.biases["SYAM_W0_P"] = (4, 40)
    ratio = synapses.neurons.bias_current("I_w0") / bd.Biases().current_in_amp("SYAM_W0_P")
    np.testing.assert_allclose(synapses.I_weight_[:], before * ratio, rtol=1e-12)


def test_restore_gives_masks_and_hand_set_delays_back():
    neurons = bd.Neurons(1, bd.Biases(), name="neurons")
    source = NeuronGroup(1, "", threshold="False", name="source")
    synapses = bd.Connection(source, neurons, "ampa", "0001", name="synapses")
    synapses.connect()
    synapses.delay = 2 * ms
    network = Network(source, neurons, synapses)
    network.store()
    before = float(synapses.I_weight_[0])
    synapses.weight = "1000"
    neurons.biases.update({"SYAM_W0_P": (5, 99), "SYPD_DLY0_P": (1, 22)})
    network.restore()
    assert synapses.weight == "0001" and synapses.I_weight_[0] == before
    assert synapses.delay_[:] == pytest.approx(2e-3)
    neurons.biases["SYAM_W1_P"] = (5, 99)  # not selected by the mask
    assert synapses.I_weight_[0] == before


def test_after_a_refused_delay_everything_else_is_set():
    chip = bd.Chip(seed=1, mismatch=0.2, Q_delay=4 * pcoulomb)
    neurons = bd.Neurons(2, bd.Biases({"SYPD_DLY0_P": (0, 0)}), chip=chip, name="neurons")
    source = train([0.001])
    synapses = bd.Connection(source, neurons, "ampa", name="synapses")
    with pytest.raises(bd.WiringError, match="synapses: 2 of 2 synapses have a delay"):
        synapses.connect()
    assert np.all(synapses.I_weight_[:] > 0)
    network = Network(source, neurons, synapses)
    with pytest.raises(Exception) as caught:
        network.run(1 * ms)
    assert isinstance(caught.value.__cause__, bd.WiringError)
    neurons.biases["SYPD_DLY0_P"] = (5, 255)
    assert np.all(synapses.delay_[:] < 1e-3)
    network.run(1 * ms)


@pytest.mark.parametrize("name, value", [("I_weight", np.nan), ("I_weight", -1e-9), ("I_extender", 0.0)])
def test_currents_set_by_hand_are_checked(name, value):
    neurons = bd.Neurons(1, bd.Biases(), name="neurons")
    source = train([0.001])
    synapses = bd.Connection(source, neurons, "ampa", name="synapses")
    synapses.connect()
    setattr(synapses, f"{name}_", value)
    with pytest.raises(Exception) as caught:
        Network(source, neurons, synapses).run(1 * ms)
    assert isinstance(caught.value.__cause__, bd.DynapseError)
    assert f"synapses: {name} is" in str(caught.value.__cause__)


def test_the_clock_of_a_connection_is_that_of_its_events():
    """Echoes of a spike come in steps of the source, whatever the default clock."""
    chip = bd.Chip(events_per_spike=3)
    codes = {"SOIF_DC_P": (3, 40), "SOIF_REFR_N": (1, 255)}
    neurons = bd.Neurons(1, bd.Biases(codes), {"so_dc", "soif_type"}, chip, name="neurons", dt=0.2 * ms)
    target = bd.Neurons(1, bd.Biases(), name="target", dt=0.2 * ms)
    synapse = bd.Connection(neurons, target, "ampa", name="synapse")
    synapse.connect()
    trace = StateMonitor(target, "Qampa", record=True, when="end", dt=0.2 * ms)
    spikes = SpikeMonitor(neurons)
    Network(neurons, target, synapse, trace, spikes).run(20 * ms)
    arrived = trace.Qampa_[0] / float(synapse.I_weight_[0] * synapse.t_pulse_[0])
    assert spikes.num_spikes > 3
    assert abs(np.sum(arrived > 0.99) - spikes.num_spikes / 3) < 1


def test_no_pair_drawn_is_no_synapse():
    neurons = bd.Neurons(5, bd.Biases(), name="neurons")
    source = NeuronGroup(5, "", threshold="False", name="source")
    synapses = bd.Connection(source, neurons, "ampa", name="synapses")
    synapses.connect(p=0, seed=1)
    assert len(synapses) == 0
    for wrong in (None, 2, "half", 0.5 * ms):
        with pytest.raises(bd.WiringError):
            bd.Connection(source, neurons, "ampa", name="other").connect(p=wrong, seed=1)


def test_what_every_synapse_has_for_itself():
    assert set(facts.synapse_parameters().values()) == {
        "SYPD_EXT_N", "SYPD_DLY0_P", "SYPD_DLY1_P", "SYPD_DLY2_P", "SYAM_W0_P", "SYAM_W1_P", "SYAM_W2_P", "SYAM_W3_P",
        "SYAM_STDW_N", "SYAW_STDSTR_N",
    }  # fmt: skip
