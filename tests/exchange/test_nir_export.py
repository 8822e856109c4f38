"""Networks as NIR graphs: the nodes are the linear limit of the circuits; a file gives the network back bit by bit."""

import sys

import brian2 as b2
import nir
import numpy as np
import pytest
from brian2 import Hz, amp, ms, nA, pA, second

import brian2dynapse as bd
from brian2dynapse.exchange import from_nir, nir_losses, to_nir, write_nir
from brian2dynapse.linear_limit import rheobase

LOST = {"adaptation", "shunt", "depression"}


@pytest.fixture
def network():
    chip = bd.Chip(seed=3, mismatch=0.2, temperature=310 * b2.kelvin)
    biases = bd.Biases({"SOIF_LEAK_N": 61 * pA, "SYPD_DLY0_P": (1, 22)})
    a = bd.Neurons(10, biases, latches={"so_dc", "so_adaptation"}, chip=chip, name="a")
    b = bd.Neurons(6, biases, chip=chip, physical=np.arange(300, 306), name="b")
    rates = b2.PoissonGroup(8, np.arange(8) * 10 * Hz, name="rates")
    events = b2.SpikeGeneratorGroup(4, [0, 1, 2], [1, 2, 3] * ms, period=5 * ms, name="events")
    fixed = bd.Connection(rates, a, "ampa", "0010", name="fixed")
    fixed.connect_fixed_indegree(4, repeat=2, seed=1)
    all_to_all = bd.Connection(a, b, "nmda", np.arange(60) % 15 + 1, "precise", name="all_to_all")
    all_to_all.connect()
    parts = bd.Connection(b[1:4], a[2:6], "gaba", np.arange(1, 13) * nA, "mismatched", name="parts")
    parts.connect()
    words = bd.Connection(events, b, "shunt", "0001", "both", std=True, name="words")
    words.connect(i=[0, 1, 1], j=[2, 2, 5], cams=[60, 61, 3], tags=[7, 8, 9])
    spikes, trace = b2.SpikeMonitor(a[:7], name="spikes"), b2.StateMonitor(a, "Imem", record=0, name="trace")
    return b2.Network(a, b, rates, events, fixed, all_to_all, parts, words, spikes, trace)


def weights_of(connection):
    return np.asarray(connection.weight) if isinstance(connection.weight, b2.Quantity) else connection.weight


def test_a_file_gives_the_network_back(network, tmp_path):
    path = write_nir(tmp_path / "network.nir", network, accept=LOST)
    result = from_nir(path)
    back = result.network
    assert result.restored and (result.report["error"] == 0).all()
    for name in ("a", "b"):
        one, two = network[name], back[name]
        assert len(one) == len(two) and one.biases == two.biases and one.latches == two.latches
        assert one.dendrites == two.dendrites and one.circuits == two.circuits
        assert np.array_equal(one.physical, two.physical) and one.placed_by_hand == two.placed_by_hand
        assert one.biases.asked("SOIF_LEAK_N") == two.biases.asked("SOIF_LEAK_N")
        for parameter in one.equation_parameters():  # codes, chip and mismatch
            assert np.array_equal(one.parameter_values(parameter), two.parameter_values(parameter)), parameter
        assert one.chip.constants == two.chip.constants
    assert back["a"].biases is back["b"].biases  # a change reaches both, as before
    for name in ("fixed", "all_to_all", "parts", "words"):
        one, two = network[name], back[name]
        for before, after in zip(one.synapse_pairs(), two.synapse_pairs(), strict=True):
            assert np.array_equal(before, after)
        assert np.array_equal(weights_of(one), weights_of(two))
        assert (one.dendrite, one.delay_bits, one.std) == (two.dendrite, two.delay_bits, two.std)
        assert one.shares_tags == two.shares_tags and one.cams_chosen == two.cams_chosen
        assert np.array_equal(one.cams, two.cams)
        assert (one.tags is None and two.tags is None) or np.array_equal(one.tags, two.tags)
        for variable in ("I_weight", "delay"):
            assert np.array_equal(np.asarray(getattr(one, variable)), np.asarray(getattr(two, variable)))
    assert np.array_equal(np.asarray(network["rates"].rates), np.asarray(back["rates"].rates))
    for variable in ("_neuron_index", "_spike_time"):
        assert np.array_equal(getattr(network["events"], variable), getattr(back["events"], variable))
    assert (back["spikes"].source.start, back["spikes"].source.stop) == (0, 7)


def test_restored_network_spikes_as_the_original(tmp_path):
    """A deterministic input and the ideal chip: the same spikes, to the last one."""

    def made():
        neurons = bd.Neurons(5, bd.Biases({"SYAM_W0_P": (5, 200)}), name="neurons")
        events = b2.SpikeGeneratorGroup(5, np.arange(60) % 5, np.arange(60) * 1 * ms, name="events")
        synapses = bd.Connection(events, neurons, "ampa", "1111", name="synapses")
        synapses.connect()
        return b2.Network(neurons, events, synapses, b2.SpikeMonitor(neurons, name="spikes"))

    network = made()
    back = from_nir(write_nir(tmp_path / "n.nir", network)).network
    for one in (network, back):
        one.run(60 * ms, namespace={})
    assert network["spikes"].num_spikes > 20
    assert np.array_equal(network["spikes"].t, back["spikes"].t)


def test_nodes_are_the_linear_limit(network):
    """Closed forms, written out: tau = C U_T / (kappa I), drive over rheobase, kappa Q I_gain / (C U_T) an event."""
    graph = to_nir(network, accept=LOST)
    assert {name: type(node).__name__ for name, node in graph.nodes.items()} == {
        "rates": "Input", "events": "Input", "spikes": "Output", "a": "LIF", "a_ampa": "LI", "a_gaba": "LI",
        "b": "LIF", "b_nmda": "LI", "b_shunt": "LI", "fixed": "Linear", "fixed_delay": "Delay", "all_to_all": "Linear",
        "parts": "Linear", "parts_delay": "Delay", "words": "Linear",
    }  # fmt: skip
    group, constants = network["a"], network["a"].chip.constants
    node = graph.nodes["a"]
    value = {name: group.parameter_values(name) for name in group.equation_parameters()}
    assert np.allclose(node.tau, constants["C_mem"] * constants["U_T"] / (constants["kappa_n"] * value["I_leak"]))
    drive = value["I_leak"] * (1 + value["I_threshold"] / value["I_gain"])
    assert np.allclose(node.v_leak, value["I_dc"] / drive)
    assert np.all(node.v_threshold == 1) and np.all(node.v_reset == 0)
    charge = constants["C_ampa"] * constants["U_T"] / constants["kappa_p"]
    tau = charge / value["I_tau_ampa"]
    assert np.allclose(graph.nodes["a_ampa"].tau, tau)
    one, wanted = network["fixed"], np.zeros((10, 8))
    pulses = constants["Q_extender"] / np.asarray(one.I_extender)
    for k, (i, j) in enumerate(zip(*one.synapse_pairs(), strict=True)):
        rise = value["I_gain_ampa"][j] * np.asarray(one.I_weight)[k] * pulses[k] / charge
        wanted[j, i] += rise / drive[j] * tau[j]
    assert np.allclose(graph.nodes["fixed"].weight, wanted)
    assert np.all(graph.nodes["parts"].weight <= 0)  # GABA
    assert graph.nodes["fixed_delay"].delay == pytest.approx(np.full(8, np.mean(one.delay)))
    assert ("fixed_delay", "fixed") in graph.edges and ("a", "all_to_all") in graph.edges


def test_the_exported_dendrite_is_the_simulated_one():
    """The current of a dendrite under a train of events has the integral of the LI, less what is spent on ln I.

    An event moves y + ln y, y = I / I_gain, by J; ln y falls by t / tau. So of n J of a train, ln y takes the time of
    the train over tau and its own rise, and the rest is the rise of y, each part of which integrates to tau.
    """
    codes = {"DEAM_ETAU_P": (1, 118), "DEAM_EGAIN_P": (1, 20), "SYAM_W0_P": (4, 200), "SYPD_EXT_N": (3, 60)}
    neurons = bd.Neurons(1, bd.Biases(codes | {"SOIF_SPKTHR_P": (5, 255)}), name="neurons")
    count, interval = 50, 2e-3
    events = b2.SpikeGeneratorGroup(1, np.zeros(count, int), np.arange(count) * interval * second, name="events")
    synapse = bd.Connection(events, neurons, "ampa", "0001", name="synapse")
    synapse.connect()
    trace = b2.StateMonitor(neurons, "Iampa", record=0, name="trace")
    network = b2.Network(neurons, events, synapse, trace)
    graph = to_nir(network)
    assert isinstance(graph.nodes["neurons"], nir.CubaLIF)  # one dendrite
    network.run(200 * ms, namespace={})
    tau, gain, current = float(neurons.tau_ampa[0]), neurons.bias_current("I_gain_ampa"), np.asarray(trace.Iampa[0])
    area = np.sum(current[1:]) * tau * np.expm1(1e-4 / tau)  # a sample is the end of a step of exponential decay
    currents = (neurons.bias_current(f"I_{name}") for name in ("leak", "gain", "threshold"))
    linear = count * graph.nodes["synapse"].weight[0, 0] * rheobase(*currents)
    spent = (
        ((count - 1) * interval / tau + np.log(current.max() / neurons.chip.constants["I_0"]) + 1e-4 / tau) * gain * tau
    )
    assert 0.01 < spent / linear < 0.1  # the linear limit is near, and not all
    # the tail ends at I_0: 60 ms of 0.2 pA, 2e-4 of the area
    assert area == pytest.approx(linear - spent, rel=1e-3)


def test_what_nir_cannot_say_is_refused_by_name():
    biases = bd.Biases()
    cases = {
        "adaptation": {"so_adaptation"}, "exponential": {"soif_type"}, "nmda_gate": {"denm_nmda"},
        "conductance": {"de_conductance"}, "alpha": {"deam_alpha"}, "diffusion": {"deam_ampa"},
        "homeostasis": {"ho_enable"}, "soif_kill": {"soif_kill"},
    }  # fmt: skip
    for name, latches in cases.items():
        group = bd.Neurons(2, biases, latches=latches, dendrites=["nmda", "ampa"], name=f"n_{name}")
        network = b2.Network(group)
        with pytest.raises(bd.ExchangeError, match=rf"n_{name}: NIR has no node for .*accept=\{{'{name}'\}}"):
            to_nir(network)
        graph = to_nir(network, accept={name})
        assert name in set(nir_losses(graph)["what"])
        assert from_nir(graph).populations[group.name].latches == latches
    group = bd.Neurons(2, biases, name="target")
    events = b2.SpikeGeneratorGroup(1, [], [] * second, name="events")
    for name, arguments in (("shunt", {"dendrite": "shunt"}), ("depression", {"dendrite": "ampa", "std": True})):
        synapses = bd.Connection(events, group, name=f"c_{name}", **arguments)
        synapses.connect()
        with pytest.raises(bd.ExchangeError, match=rf"c_{name}: NIR has no node for"):
            to_nir(b2.Network(group, events, synapses))


def test_names_do_not_collide():
    """A population that is called as the dendrite of another would be."""
    neurons = [bd.Neurons(2, bd.Biases(), name=name) for name in ("a", "a_ampa", "c_delay")]
    events = b2.SpikeGeneratorGroup(2, [], [] * second, name="events")
    made = []
    for dendrite, name in (("ampa", "c"), ("gaba", "d")):
        made.append(bd.Connection(events, neurons[0], dendrite, name=name))
        made[-1].connect()
    neurons[0].biases["SYPD_DLY0_P"] = (1, 22)  # a delay, and so a node for it
    graph = to_nir(b2.Network(*neurons, events, *made))
    assert type(graph.nodes["a_ampa"]).__name__ == "LIF" and type(graph.nodes["a_ampa_"]).__name__ == "LI"
    assert type(graph.nodes["c_delay"]).__name__ == "LIF" and type(graph.nodes["c_delay_"]).__name__ == "Delay"
    assert set(from_nir(graph).populations) == {"a", "a_ampa", "c_delay"}


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "nir", None)
    for call in (lambda: to_nir(b2.Network()), lambda: from_nir("x.nir"), lambda: write_nir("x.nir", b2.Network())):
        with pytest.raises(bd.DynapseError, match=r"pip install 'brian2dynapse\[exchange\]'"):
            call()


def test_gaba_and_shunt_exchanged():
    """On a chip that has them the other way round, GABA is what a LIF cannot say."""
    group = bd.Neurons(2, bd.Biases(), chip=bd.Chip(swap_gaba_shunt=True), name="group")
    events = b2.SpikeGeneratorGroup(1, [], [] * second, name="events")
    synapses = bd.Connection(events, group, "gaba", name="synapses")
    synapses.connect()
    with pytest.raises(bd.ExchangeError, match="synapses: NIR has no node for shunting"):
        to_nir(b2.Network(group, events, synapses))


def test_all_reasons_at_once(network):
    network["a"].I_leak = 100 * pA
    network["fixed"].I_weight = 1 * nA
    oscillator = b2.NeuronGroup(1, "x : 1", name="oscillator")
    network.add(oscillator)
    with pytest.raises(bd.ExchangeError) as caught:
        to_nir(network, accept={"shunt"})
    text = "\n".join(caught.value.errors)
    assert len(caught.value.errors) == 5
    for part in (
        "adaptation",
        "depression",
        "oscillator: NeuronGroup has no node",
        "a: I_leak was set by hand",
        "fixed: I_weight was set",
    ):
        assert part in text


def test_what_is_lost_is_listed(network):
    table = nir_losses(to_nir(network, accept=LOST))
    assert {"gain", "refractory period", "input", "mismatch", "delay", "monitor", "pulse", *LOST} <= set(table["what"])
    assert table.query("what == 'monitor'")["where"].tolist() == ["trace"]
    foreign = nir.NIRGraph.from_list(nir.Linear(np.ones((1, 1))))
    with pytest.raises(bd.ExchangeError, match="not written by to_nir"):
        nir_losses(foreign)


def test_a_graph_that_was_changed_is_not_restored_as_it_was(network):
    graph = to_nir(network, accept=LOST)
    graph.nodes["fixed"].weight[0] *= 2
    with pytest.raises(bd.ExchangeError, match="fixed: was changed after the export"):
        from_nir(graph)
    graph = to_nir(network, accept=LOST)
    graph.nodes["a"].metadata = {}
    with pytest.raises(bd.ExchangeError, match="a: has lost its metadata"):
        from_nir(graph)


def test_the_nodes_can_be_read_as_another_tool_would():
    """restore=False takes LIF and weights, without metadata: time constants of the nodes come back."""
    neurons = bd.Neurons(3, bd.Biases({"SOIF_GAIN_N": (1, 20)}), name="neurons")
    events = b2.SpikeGeneratorGroup(2, [], [] * second, name="events")
    synapses = bd.Connection(events, neurons, "ampa", 20 * nA, name="synapses")
    synapses.connect()
    graph = to_nir(b2.Network(neurons, events, synapses, b2.SpikeMonitor(neurons, name="spikes")))
    result = from_nir(graph, restore=False)
    assert not result.restored
    report = result.report.set_index("parameter")
    assert report.loc["tau_mem", "asked"] == pytest.approx(float(neurons.tau_mem[0]))
    assert report.loc["tau_syn (ampa)", "asked"] == pytest.approx(float(neurons.tau_ampa[0]), rel=1e-5)


def test_another_chip_takes_the_codes(network):
    chip = bd.Chip(seed=9, mismatch=0.1)
    result = from_nir(to_nir(network, accept=LOST), chip=chip)
    assert result.populations["a"].chip is chip and result.populations["a"].biases == network["a"].biases


def test_a_measured_generator_table_travels(tmp_path):
    nominal = bd.dac.nominal_table()
    table = bd.dac.GeneratorTable("mine", {kind: 1.1 * values for kind, values in nominal.currents.items()})
    neurons = bd.Neurons(1, bd.Biases(table=table), name="neurons")
    back = from_nir(write_nir(tmp_path / "t.nir", b2.Network(neurons))).populations["neurons"]
    assert back.biases == neurons.biases and back.biases.table.name == "mine"


def test_wrong_arguments(network, tmp_path):
    with pytest.raises(bd.DynapseError, match="net is int"):
        to_nir(3)
    with pytest.raises(bd.ExchangeError, match="no Neurons; there is nothing to export"):
        to_nir(b2.Network())
    (tmp_path / "file").write_text("")
    with pytest.raises(bd.DynapseError, match="cannot be written"):
        write_nir(tmp_path / "file" / "x.nir", network, accept=LOST)


def test_weights_as_currents_stay_currents(network):
    graph = to_nir(network, accept=LOST)
    back = from_nir(graph).network["parts"]
    assert np.array_equal(np.asarray(back.weight), np.arange(1, 13) * 1e-9) and back.weight.dim is amp.dim
