"""Connections: weights, delays, every form of connect, live biases, real Brian2 objects."""

import numpy as np
import pytest
from brian2 import (
    Hz,
    Network,
    NeuronGroup,
    PoissonGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    ms,
)
from hypothesis import given
from hypothesis import strategies as st

import brian2dynapse as bd
from brian2dynapse.weights import weight_mask
from brian2dynapse.wiring import fixed_indegree


@pytest.fixture
def pair():
    source = SpikeGeneratorGroup(8, np.arange(8), np.arange(1, 9) * ms, name="source")
    return source, bd.Neurons(6, bd.Biases(), name="target")


@given(st.integers(0, 15))
def test_all_spellings_of_a_mask_mean_the_same(mask):
    bits = [bool(mask >> bit & 1) for bit in range(4)]
    assert (
        weight_mask(mask)
        == weight_mask(format(mask, "04b"))
        == weight_mask(bits)
        == weight_mask(np.array(bits))
        == mask
    )


def test_four_zeros_and_ones_are_not_guessed():
    with pytest.raises(bd.WeightError, match="four bits or four masks"):
        weight_mask([0, 0, 1, 0])
    assert list(weight_mask(np.array([0, 0, 1, 0]))) == [0, 0, 1, 0]


def test_mask_string_has_bit_zero_rightmost():
    assert weight_mask("0010") == 2 == weight_mask([False, True, False, False])


def test_weight_is_the_sum_of_the_selected_currents(pair):
    source, target = pair
    masks = [0, 1, 2, 4, 8, 15]
    synapses = bd.Connection(source, target, "ampa", masks)
    synapses.connect(i=np.arange(6), j=np.arange(6))
    current = [bd.Biases().current_in_amp(f"SYAM_W{bit}_P") for bit in range(4)]
    expected = [0, current[0], current[1], current[2], current[3], sum(current)]
    np.testing.assert_allclose(synapses.I_weight_, expected, rtol=1e-14)  # rounding of a sum of four
    assert list(synapses.weight) == masks
    synapses.weight = "0100"
    np.testing.assert_allclose(synapses.I_weight_, current[2], rtol=1e-14)


@pytest.mark.parametrize("delay, names", [
    ("none", ["SYPD_DLY0_P"]),
    ("precise", ["SYPD_DLY0_P", "SYPD_DLY1_P"]),
    ("mismatched", ["SYPD_DLY0_P", "SYPD_DLY2_P"]),
    ("both", ["SYPD_DLY0_P", "SYPD_DLY1_P", "SYPD_DLY2_P"]),
])  # fmt: skip
def test_delay_bits_add_current_and_so_shorten(pair, delay, names):
    source, _ = pair
    biases = bd.Biases({"SYPD_DLY0_P": (1, 22), "SYPD_DLY1_P": (2, 10), "SYPD_DLY2_P": (1, 80)})
    target = bd.Neurons(2, biases, name="delayed")
    synapses = bd.Connection(source, target, "ampa", delay=delay)
    synapses.connect(i=0, j=[0, 1])
    expected = 0.45e-12 / sum(biases.current_in_amp(name) for name in names)
    assert float(synapses.delay[:]) == pytest.approx(expected, rel=1e-12)
    if delay == "none":
        assert float(synapses.delay[:]) == pytest.approx(40e-3, rel=0.05)  # users' anchor, a round number


def test_a_delay_delays_the_event():
    biases = bd.Biases({"SYPD_DLY0_P": (1, 22)})
    source = SpikeGeneratorGroup(1, [0], [1 * ms], name="source")
    target = bd.Neurons(1, biases, name="target")
    synapses = bd.Connection(source, target, "ampa", "1111")
    synapses.connect()
    traces = StateMonitor(target, "Iampa", record=True)
    Network(source, target, synapses, traces).run(50 * ms)
    rise = np.flatnonzero(np.diff(np.asarray(traces.Iampa[0])) > 0)[0]
    # event at step 10, delay of round(38.95 ms / 0.1 ms) steps, acts one step later, seen one step later still
    assert rise == 10 + round(float(synapses.delay[:]) / 1e-4) + 1


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 20), st.integers(1, 3), st.integers(0, 9), st.booleans())
def test_fixed_indegree_draws_distinct_sources(sources, targets, indegree, repeat, seed, autapses):
    if indegree > sources - (not autapses):
        with pytest.raises(bd.WiringError, match="sources to draw from"):
            fixed_indegree(sources, targets, indegree, repeat, seed, autapses)
        return
    i, j = fixed_indegree(sources, targets, indegree, repeat, seed, autapses)
    again = fixed_indegree(sources, targets, indegree, repeat, seed, autapses)
    assert np.array_equal(i, again[0]) and np.array_equal(j, again[1])
    for target in range(targets):
        drawn, copies = np.unique(i[j == target], return_counts=True)
        assert len(drawn) == indegree and np.all(copies == repeat)
        assert autapses or target not in drawn


def test_every_form_of_connect(pair):
    source, target = pair
    limit = 3  # a name of the caller's, as Brian2 allows in strings
    forms = {
        "all": ({}, 48),
        "condition": ({"condition": "i < limit"}, 18),
        "arrays": ({"i": [0, 1], "j": [2, 3]}, 2),
        "generator": ({"j": "i for _ in range(1) if i < N_post"}, 6),
        "n": ({"condition": "i == j", "n": 4}, 24),
        "p": ({"p": 0.0}, 0),
    }
    assert limit == 3
    for name, (arguments, count) in forms.items():
        synapses = bd.Connection(source, target, "ampa", name=f"form_{name}")
        synapses.connect(**arguments)
        assert len(synapses) == count, name
    synapses = bd.Connection(source, target, "ampa", name="indegree")
    synapses.connect_fixed_indegree(3, repeat=2, seed=1)
    assert np.array_equal(np.asarray(synapses.N_incoming_post), np.full(6, 6))


def test_poisson_and_neurons_as_sources():
    target = bd.Neurons(1, bd.Biases(), name="target")
    relay = bd.Neurons(1, bd.Biases(), {"so_dc"}, name="relay")
    poisson = PoissonGroup(20, 200 * Hz, name="poisson")
    first = bd.Connection(poisson, target, "ampa", "1000")
    first.connect()
    second_ = bd.Connection(relay[:1], target, "nmda")
    second_.connect()
    assert first.name == "poisson_target_ampa"
    spikes = SpikeMonitor(target)
    Network(target, relay, poisson, first, second_, spikes).run(100 * ms)
    assert spikes.num_spikes > 0
    assert target.dendrites == {"ampa", "nmda"}


def test_live_biases_reach_groups_and_connections(pair):
    source, target = pair
    biases = target.biases
    synapses = bd.Connection(source, target, "ampa", "0001", delay="none")
    synapses.connect()
    for name, parameter in (("SOIF_LEAK_N", "I_leak"), ("DEAM_ETAU_P", "I_tau_ampa")):
        biases[name] = (1, 99)
        assert np.all(getattr(target, f"{parameter}_")[:] == biases.current_in_amp(name))
    biases.update({"SYAM_W0_P": (3, 3), "SYPD_EXT_N": (3, 100), "SYPD_DLY0_P": (1, 22)})
    assert np.all(synapses.I_weight_[:] == biases.current_in_amp("SYAM_W0_P"))
    assert synapses.t_pulse_[:] == pytest.approx(0.35e-12 / biases.current_in_amp("SYPD_EXT_N"), rel=1e-12)
    assert float(synapses.delay[:]) == pytest.approx(0.45e-12 / biases.current_in_amp("SYPD_DLY0_P"), rel=1e-12)
    target.biases = bd.Biases()
    assert np.all(target.I_leak_[:] == bd.Biases().current_in_amp("SOIF_LEAK_N"))
    assert np.all(synapses.I_weight_[:] == bd.Biases().current_in_amp("SYAM_W0_P"))
    biases["SOIF_LEAK_N"] = (5, 5)  # no longer this group's
    assert np.all(target.I_leak_[:] == bd.Biases().current_in_amp("SOIF_LEAK_N"))


def test_changed_biases_change_the_next_run():
    neurons = bd.Neurons(1, bd.Biases(), {"so_dc"}, name="neurons")
    spikes = SpikeMonitor(neurons)
    network = Network(neurons, spikes)
    network.run(300 * ms)
    before = spikes.num_spikes
    neurons.biases["SOIF_DC_P"] = (3, 100)
    network.run(300 * ms)
    assert spikes.num_spikes - before > 2 * before


def test_real_brian2_objects():
    neurons = bd.Neurons(3, bd.Biases(), {"so_dc"}, name="neurons")
    synapses = bd.Connection(neurons, neurons, "shunt")
    synapses.connect(condition="i != j")
    assert isinstance(neurons, NeuronGroup) and isinstance(synapses, Synapses)
    spikes, traces = SpikeMonitor(neurons), StateMonitor(neurons, ["Imem", "Iampa", "Iahp"], record=[1])
    network = Network(neurons, synapses, spikes, traces)
    network.store()
    network.run(100 * ms)
    first = np.asarray(spikes.t)
    network.restore()
    network.run(100 * ms)
    assert np.array_equal(np.asarray(spikes.t), first)
    assert len(neurons[1:]) == 2 and neurons[1:].Imem.shape == (2,)
    neurons.rest()
    assert np.all(neurons.Imem_[:] == neurons.chip.constants["I_0"])


def test_restore_takes_codes_weights_and_delays_back():
    biases = bd.Biases()
    source = SpikeGeneratorGroup(1, [0], [1 * ms], name="source")
    target = bd.Neurons(1, biases, {"so_dc"}, name="target")
    synapses = bd.Connection(source, target, "ampa", "0001", name="synapses")
    synapses.connect()
    network = Network(source, target, synapses)
    network.store()
    before = (float(target.I_leak_[0]), float(synapses.I_weight_[0]), float(synapses.delay[:]))
    biases.update({"SOIF_LEAK_N": (2, 60), "SYAM_W0_P": (3, 3), "SYPD_DLY0_P": (1, 22)})
    network.run(5 * ms)
    network.restore()
    assert biases == bd.Biases()
    assert (float(target.I_leak_[0]), float(synapses.I_weight_[0]), float(synapses.delay[:])) == before
    biases["SOIF_LEAK_N"] = (2, 60)
    assert float(target.I_leak_[0]) == biases.current_in_amp("SOIF_LEAK_N")


@pytest.mark.parametrize("how", ["index", "slice", "subgroup", "string"])
def test_a_current_set_in_any_way_lives(how):
    target = bd.Neurons(3, bd.Biases(), name="target")
    if how == "index":
        target.Iampa_[1] = 30e-12
    elif how == "slice":
        target.Iampa_[1:2] = 30e-12
    elif how == "subgroup":
        target[1:2].Iampa_ = 30e-12
    else:
        target.Iampa["i == 1"] = "30*pA"
    Network(target).run(20 * ms)
    assert target.dendrites == {"ampa"}
    assert float(target.Iampa_[1]) < 1e-12  # ten time constants later


def test_a_monitor_made_before_the_connection_sees_the_current():
    target = bd.Neurons(1, bd.Biases(), name="target")
    traces = StateMonitor(target, ["Inmda", "I_sum"], record=True)
    source = SpikeGeneratorGroup(1, [0], [1 * ms], name="source")
    synapses = bd.Connection(source, target, "nmda", "1111")
    synapses.connect()
    Network(target, source, synapses, traces).run(5 * ms)
    current = np.asarray(traces.Inmda[0])
    assert current[-1] > 2 * current[0]
    assert np.array_equal(np.asarray(traces.I_sum[0]), current)


def test_a_name_dt_in_the_users_script_is_no_conflict():
    from brian2.utils.logger import catch_logs

    dt = 0.1 * ms  # what many scripts have
    neurons = bd.Neurons(1, bd.Biases(), dendrites=["ampa"], name="neurons")
    with catch_logs() as messages:
        Network(neurons).run(10 * dt)
    # objects of earlier tests may be collected meanwhile, of which Brian2 tells
    assert [one for one in messages if one[1] != "brian2.core.base.unused_brian_object"] == []


def test_an_absent_circuit_costs_nothing():
    from brian2dynapse.numerics import circuit_step

    plain = bd.Neurons(1, bd.Biases(), {"so_dc"}, name="plain")
    code = circuit_step(plain.equations, plain.variables)
    for absent in ("ampa", "nmda", "gaba", "shunt", "ahp"):
        assert absent not in code


@pytest.mark.parametrize(
    "latches", [set(), {"so_dc"}, {"so_adaptation", "soif_type"}, {"denm_nmda", "so_dc", "soif_type", "so_adaptation"}]
)
@pytest.mark.parametrize("dendrites", [[], ["nmda"], ["gaba"], ["shunt"], ["ampa", "nmda", "gaba", "shunt"]])
def test_every_composition_runs(latches, dendrites):
    neurons = bd.Neurons(2, bd.Biases(), latches, dendrites=dendrites, name="neurons")
    Network(neurons).run(1 * ms)
    assert np.all(np.isfinite(neurons.Imem_[:]))
