"""Limits in which a circuit does nothing or becomes another one, and circuits that are off."""

import numpy as np
import pytest
from brian2 import Network, SpikeGeneratorGroup, SpikeMonitor, StateMonitor, ms, pA
from experiment import every_circuit

import brian2dynapse as bd

EXCITATION = {"ampa", "nmda"}


def test_an_open_gate_is_plain_nmda():
    # gate at the floor of its codes: at most I_gate/I_threshold ~ 1e-3 of the current is missing at the spike, and
    # the whole of it never: compare with the ideal limit, a gate reference a million times below the floor
    experiment = every_circuit({"denm_nmda"}, duration=0.1)
    biases = bd.Biases(experiment.codes)
    plain, gated = (bd.Neurons(1, biases, latches, name=name) for name, latches in
                    (("plain", ()), ("gated", {"denm_nmda"})))  # fmt: skip
    gated.I_nmda_gate = 1e-9 * pA
    source = SpikeGeneratorGroup(1, np.zeros(20, int), np.arange(5, 85, 4) * ms, name="source")
    synapses = [bd.Connection(source, group, "nmda", "1111") for group in (plain, gated)]
    for one in synapses:
        one.connect()
    traces = [StateMonitor(group, "Imem", record=True) for group in (plain, gated)]
    Network(source, plain, gated, synapses, traces).run(100 * ms)
    # the gate's share of the current: 1e-9 pA / 0.2 pA
    np.testing.assert_allclose(traces[1].Imem_[0], traces[0].Imem_[0], rtol=1e-6)
    assert traces[0].Imem_[0].max() > 100 * traces[0].Imem_[0].min()


@pytest.mark.parametrize("conductance", ["single-ended", "symmetric"])
def test_a_reversal_far_away_is_current_mode(conductance):
    chip = bd.Chip(conductance=conductance)
    far = {"DEAM_REV_N": (5, 255), "DENM_REV_N": (5, 255)}
    biases = bd.Biases(every_circuit(()).codes | far | {"SOIF_SPKTHR_P": (5, 255)})
    groups = [bd.Neurons(1, biases, latches, chip, name=name)
              for name, latches in (("current", ()), ("far", {"de_conductance"}))]  # fmt: skip
    groups[1].I_reversal_ampa = groups[1].I_reversal_nmda = 1e9 * pA
    source = SpikeGeneratorGroup(1, np.zeros(20, int), np.arange(5, 85, 4) * ms, name="source")
    synapses = [bd.Connection(source, g, d, "0111", name=f"{g.name}_{d}") for g in groups for d in sorted(EXCITATION)]
    for one in synapses:
        one.connect()
    traces = [StateMonitor(group, "Imem", record=True) for group in groups]
    Network(source, groups, synapses, traces).run(100 * ms)
    peak = traces[0].Imem_[0].max()
    assert peak > 1e-10
    # relative change of the current: 2 Imem/I_reversal at most (symmetric)
    np.testing.assert_allclose(traces[1].Imem_[0], traces[0].Imem_[0], rtol=3 * peak / 1e-3)


def test_conductance_current_vanishes_with_the_membrane():
    """A strong train ends where the reversal says; without the latch it goes far beyond."""
    codes = {"DEAM_REV_N": (1, 60), "SOIF_SPKTHR_P": (5, 255), "SYAM_W0_P": (5, 60)}
    groups = [bd.Neurons(1, bd.Biases(codes), latches, name=name)
              for name, latches in (("current", ()), ("conductance", {"de_conductance"}))]  # fmt: skip
    source = SpikeGeneratorGroup(1, np.zeros(40, int), np.arange(5, 45) * ms, name="source")
    synapses = [bd.Connection(source, group, "ampa", "0001", name=f"to_{group.name}") for group in groups]
    for one in synapses:
        one.connect()
    traces = [StateMonitor(group, ["Imem", "Iampa"], record=True) for group in groups]
    Network(source, groups, synapses, traces).run(50 * ms)
    current, conductance = (trace.Imem_[0].max() for trace in traces)
    reversal = bd.Biases(codes).current_in_amp("DEAM_REV_N")
    # No higher than where the largest AMPA current and the leak balance:
    # (1 + I/I_gain) (1 + I/I_reversal) = I_ampa/I_leak
    gain, leak = float(groups[1].I_gain_[0]), float(groups[1].I_leak_[0])
    strength = traces[1].Iampa_[0].max() / leak
    highest = np.roots([1 / (gain * reversal), 1 / gain + 1 / reversal, 1 - strength]).max()
    assert 0.5 * highest < conductance < highest
    assert current > 5 * highest


@pytest.mark.parametrize("dendrite, latch", [("ampa", "deam_alpha"), ("nmda", "denm_alpha")])
def test_alpha_with_equal_dpis_is_nothing(dendrite, latch):
    name = {"ampa": "DEAM", "nmda": "DENM"}[dendrite]
    biases = bd.Biases({"SYAM_W3_P": (5, 255)})
    biases.update({f"{name}_I{what}_P": biases[f"{name}_E{what}_P"] for what in ("TAU", "GAIN")})
    neurons = bd.Neurons(2, biases, {latch}, name="neurons")
    source = SpikeGeneratorGroup(1, [0] * 5, [5, 6, 10, 20, 30] * ms, name="source")
    synapses = bd.Connection(source, neurons, dendrite, "1111", name="synapses")
    synapses.connect()
    current = f"I{dendrite}"
    trace = StateMonitor(neurons, [current, f"{current}_e", "Imem"], record=True)
    Network(source, neurons, synapses, trace).run(50 * ms)
    assert getattr(trace, f"{current}_e_").max() > 1e-10  # both DPIs work ...
    assert np.all(getattr(trace, f"{current}_") == 0)  # ... and cancel: the same arithmetic on the same numbers
    assert np.all(trace.Imem_ == neurons.chip.constants["I_0"])


def test_alpha_rises_after_the_pulse_and_is_never_negative():
    """The codes of the chip's own test script, and a faster I-DPI; after Iampa_e = Iampa_i the output is zero."""
    for codes in (
        {"DEAM_ETAU_P": (0, 120), "DEAM_EGAIN_P": (1, 80), "DEAM_ITAU_P": (0, 140), "DEAM_IGAIN_P": (1, 100)},
        {"DEAM_ETAU_P": (1, 20), "DEAM_EGAIN_P": (1, 80), "DEAM_ITAU_P": (1, 100), "DEAM_IGAIN_P": (1, 80)},
    ):
        neurons = bd.Neurons(1, bd.Biases({"SYAM_W0_P": (4, 75)} | codes), {"deam_alpha"}, name="neurons")
        source = SpikeGeneratorGroup(1, [0, 0, 0], [5, 6, 7] * ms, name="source")
        synapses = bd.Connection(source, neurons, "ampa", name="synapses")
        synapses.connect()
        trace = StateMonitor(neurons, ["Iampa", "Iampa_e", "Iampa_i"], record=True)
        Network(source, neurons, synapses, trace).run(100 * ms)
        assert np.all(trace.Iampa_ >= 0)
        difference = np.maximum(0, trace.Iampa_e_ - trace.Iampa_i_)
        np.testing.assert_allclose(trace.Iampa_, difference, rtol=1e-12, atol=1e-25)  # rounding of a difference
        after_pulses = trace.Iampa_[0][90:]
        assert np.argmax(after_pulses) > 5  # milliseconds later: neither DPI alone does that


def test_diffusion_with_closed_resistors_changes_nothing():
    """Neighbours unreachable: every neuron keeps its own current, to the accuracy of the shares."""
    biases = bd.Biases({"SOIF_DC_P": (1, 100)})
    groups = {}
    for name, latches in (("plain", {"so_dc"}), ("grid", {"so_dc", "deam_ampa"})):
        groups[name] = bd.Neurons(4, biases, latches, name=name)
    groups["grid"].biases = bd.Biases({"SOIF_DC_P": (1, 100), "DEAM_NRES_P": (5, 255), "DEAM_HRES_P": (0, 0)})
    # the smallest code's current over the largest one's: 4e-7 of a current goes astray, below the smallest share kept
    source = SpikeGeneratorGroup(4, np.tile(np.arange(4), 5), np.repeat([5, 10, 12, 14, 30], 4) * ms, name="source")
    synapses = [bd.Connection(source, g, "ampa", "1111", name=f"to_{g.name}") for g in groups.values()]
    for one in synapses:
        one.connect(i=[0, 1], j=[0, 1])
    spikes = {name: SpikeMonitor(group) for name, group in groups.items()}
    traces = {name: StateMonitor(group, "Imem", record=True) for name, group in groups.items()}
    Network(source, groups.values(), synapses, spikes.values(), traces.values()).run(50 * ms)
    assert np.array_equal(spikes["grid"].t, spikes["plain"].t) and spikes["plain"].num_spikes > 3
    np.testing.assert_allclose(traces["grid"].Imem_, traces["plain"].Imem_, rtol=1e-9)


@pytest.mark.parametrize("latches, missing", [
    ((), ("Iahp", "Ica", "Iampa", "Inmda", "Igaba", "Ishunt", "I_nmda_gate", "I_dc", "gain_homeostasis", "randn",
          "I_reversal_ampa", "Iampa_grid", "events_left", "I_cascode_ahp", "Iampa_i")),
    ({"so_adaptation"}, ("Ica", "Iampa", "gain_homeostasis")),
    ({"coho_ca_mem"}, ("Iahp", "Iampa", "gain_homeostasis")),
])  # fmt: skip
def test_an_absent_circuit_costs_nothing(latches, missing):
    neurons = bd.Neurons(2, bd.Biases(), latches, name="neurons")
    Network(neurons).run(0.2 * ms)
    for code in (neurons.state_updater.abstract_code, neurons.event_codes["spike"], str(neurons.equations)):
        for name in missing:
            assert name not in code, name
    # state updater, thresholder, resetter, and the charges, which have no code without a dendrite: no grid
    assert len(neurons.contained_objects) == 4
    assert len(neurons.contained_objects[-1].code_objects) == 0


def test_a_plain_synapse_has_no_pulse_clock():
    """At steps longer than the pulse no two pulses of a synapse meet, and nothing is paid for it."""
    source = SpikeGeneratorGroup(1, [0], [1] * ms, name="source")
    neurons = bd.Neurons(1, bd.Biases(), name="neurons")
    synapses = bd.Connection(source, neurons, "ampa", name="synapses")
    synapses.connect()
    Network(source, neurons, synapses).run(0.2 * ms)
    assert synapses.pre.code == "Qampa_post += I_weight*t_pulse"


def test_kill_silences():
    codes = {"SOIF_DC_P": (4, 200)}
    neurons = bd.Neurons(2, bd.Biases(codes), {"so_dc", "soif_kill"}, name="dead")
    spikes = SpikeMonitor(neurons)
    Network(neurons, spikes).run(20 * ms)
    assert spikes.num_spikes == 0 and np.all(neurons.Imem_[:] == neurons.chip.constants["I_0"])
    neurons.rest()
    assert np.all(np.isinf(neurons.refractory_left_[:]))


def test_homeostasis_that_is_not_enabled_does_nothing():
    for latches in ({"so_dc", "ho_active"}, {"so_dc", "ho_so_de"}):
        neurons = bd.Neurons(1, bd.Biases(), latches, name="neurons")
        assert neurons.circuits == ["soma", "dc_input"]


def test_calcium_is_integrated_when_it_is_recorded():
    neurons = bd.Neurons(2, bd.Biases(), {"so_dc"}, name="neurons")
    trace = StateMonitor(neurons[:1], "Ica", record=True)
    Network(neurons, trace).run(100 * ms)
    assert "calcium" in neurons.circuits
    assert trace.Ica_[0, -1] > 10 * neurons.chip.constants["I_0"]


def test_cascode_bounds_the_adaptation():
    """Whatever Iahp does, the leak grows by at most the cascode's current."""
    codes = {"SOIF_DC_P": (3, 100), "SOAD_W_N": (4, 100), "SOAD_CASC_P": (1, 40)}
    neurons = bd.Neurons(1, bd.Biases(codes), {"so_dc", "so_adaptation"}, name="neurons")
    trace = StateMonitor(neurons, ["Iahp", "I_inhibition"], record=True)
    Network(neurons, trace).run(200 * ms)
    limit = bd.Biases(codes).current_in_amp("SOAD_CASC_P")
    assert trace.Iahp_.max() > 10 * limit
    assert 0.9 * limit < trace.I_inhibition_.max() < limit
