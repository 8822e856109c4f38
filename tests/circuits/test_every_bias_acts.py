"""A bias that changes nothing is a defect, unless the table says so."""

import numpy as np
import pytest
from brian2 import Hz, Network, SpikeGeneratorGroup, StateMonitor, ms

import brian2dynapse as bd
from brian2dynapse import facts
from brian2dynapse.circuits import DENDRITES, state_currents

MODELLED = [name for name in facts.core_biases() if facts.bias(name).effect == "modelled"]
OF_NEURON = [name for name in MODELLED if facts.bias(name).parameter not in facts.synapse_parameters()]
OF_SYNAPSE = [name for name in MODELLED if name not in OF_NEURON]
OF_GRID = [name for name in OF_NEURON if facts.bias(name).parameter.startswith("I_grid")]  # see test_diffusion.py
LATCHES = set(facts.latch_table()) - {"soif_kill", "deam_ampa", "ho_so_de"}


@pytest.fixture(scope="module")
def deviations():
    """A neuron a bias, each with 30 % more of it; largest relative deviation of any state from an unchanged neuron."""
    names = [name for name in OF_NEURON if name not in OF_GRID]
    # It fires from the start; homeostasis drifts both ways: calcium starts above its reference and falls below it.
    codes = {
        "SOIF_DC_P": (3, 40), "DEAM_REV_N": (3, 40), "DENM_REV_N": (3, 40), "SOAD_W_N": (4, 100),
        "SOAD_CASC_P": (1, 80), "SOCA_W_N": (3, 60), "SOCA_TAU_P": (1, 200),
    }  # fmt: skip
    chip = bd.Chip(rate_homeostasis=20 * Hz)
    neurons = bd.Neurons(1 + len(names), bd.Biases(codes), LATCHES, chip, name="neurons")
    for index, name in enumerate(names, start=1):
        getattr(neurons, f"{facts.bias(name).parameter}_")[index] *= 1.3
    neurons.Ica_ = 1e-9
    source = SpikeGeneratorGroup(1, np.zeros(8, int), np.arange(2, 34, 4) * ms, name="source")
    masks = {"ampa": "1100", "nmda": "1100", "gaba": "0001", "shunt": "0001"}
    synapses = [bd.Connection(source, neurons, dendrite, masks[dendrite], name=dendrite) for dendrite in DENDRITES]
    for one in synapses:
        one.connect()
    states = [*state_currents(neurons.latches), "gain_homeostasis"]
    trace = StateMonitor(neurons, states, record=True)
    Network(source, neurons, synapses, trace).run(80 * ms)
    largest = np.zeros(1 + len(names))
    for state in states:
        values = np.asarray(getattr(trace, state))
        largest = np.maximum(largest, np.max(np.abs(values / values[0] - 1), axis=1))
    return dict(zip(["none", *names], largest, strict=True))


@pytest.mark.parametrize("name", [name for name in OF_NEURON if name not in OF_GRID])
def test_a_bias_of_the_neuron_acts(name, deviations):
    assert deviations["none"] == 0
    assert deviations[name] > 1e-3  # of 0.3: no rounding


def arrivals(codes):
    """Charges that two events bring, and when: a network with the codes."""
    base = {"SYPD_DLY0_P": (1, 100), "SYPD_DLY1_P": (1, 100), "SYPD_DLY2_P": (0, 100)}
    neurons = bd.Neurons(1, bd.Biases(base | codes), name="neurons")
    source = SpikeGeneratorGroup(1, [0, 0], [1, 41] * ms, name="source")
    synapses = bd.Connection(source, neurons, "ampa", "1111", delay="both", std=True, name="synapses")
    synapses.connect()
    trace = StateMonitor(neurons, "Qampa", record=True, when="end")
    Network(source, neurons, synapses, trace).run(60 * ms)
    steps = np.flatnonzero(trace.Qampa_[0])
    return np.array([*trace.Qampa_[0, steps], *steps])


@pytest.mark.parametrize("name", OF_SYNAPSE)
def test_a_bias_of_the_synapse_acts(name):
    code = {"SYPD_DLY0_P": (1, 40), "SYPD_DLY1_P": (1, 40), "SYPD_DLY2_P": (0, 20)}.get(name)
    coarse, fine = bd.Biases()[name]
    code = code or (coarse, fine - 16 if fine > 100 else fine + 13)
    before, after = arrivals({}), arrivals({name: code})
    assert len(before) == len(after) == 4
    assert np.max(np.abs(after / before - 1)) > 1e-3


def test_biases_that_do_nothing_say_so():
    silent = {name for name in facts.core_biases() if name not in MODELLED}
    assert silent == {"SOIF_CC_N", "SOHO_VB_P", "SOHO_VH_P", "SOHO_VRST_P", "SYSA_VRES_N", "SYSA_VB_P"}
    for name in silent:
        assert not facts.bias(name).parameter
        assert facts.bias(name).effect == "digital" or "not published" in facts.bias(name).role
