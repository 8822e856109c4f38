"""Synapses as individuals: delays, weights, CAM words, what is restored, what is refused."""

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    StateMonitor,
    defaultclock,
    ms,
    pcoulomb,
    second,
)  # fmt: skip
from experiment import train

import brian2dynapse as bd
from brian2dynapse import facts


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
