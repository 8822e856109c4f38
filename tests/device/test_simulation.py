"""What a configuration makes the chips do: the simulated configuration does what the mapped model does."""

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    PoissonGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
)
from brian2.units import Hz, ms, nA, pA, pfarad, second

import brian2dynapse as bd
from brian2dynapse.configuration import blank
from brian2dynapse.labels import InputLabel, Labels, PopulationLabel
from brian2dynapse.weights import selected_current

DURATION = 0.12 * second
CODES = {
    "pyr": {"SYPD_DLY0_P": (2, 20), "SYPD_DLY1_P": (3, 200), "SYPD_DLY2_P": (2, 80)},
    "inh": {"SOIF_LEAK_N": (2, 10), "SOIF_REFR_N": (2, 60)},
    "sst": {"SOIF_LEAK_N": (2, 3), "SOAD_W_N": (3, 160)},
}


def input_spikes(size, rate, seed):
    """Spikes of inputs on the grid of 0.1 ms: numbers and times in second."""
    step, index = np.nonzero(np.random.default_rng(seed).random((1000, size)) < rate * 1e-4)
    return index, step * 1e-4


def model(chip, seed=3, weights=None):
    """Three cell types with every kind of connection: random, all-to-all, depressing, delayed, recurrent."""
    sizes = {"pyr": 40, "inh": 12, "sst": 9}
    latches = {"pyr": {"so_dc", "denm_nmda"}, "inh": set(), "sst": {"so_adaptation", "de_conductance"}}
    groups = {
        name: bd.Neurons(size, bd.Biases(CODES[name]), latches[name], chip, name=name) for name, size in sizes.items()
    }
    index, times = input_spikes(20, 120, seed)
    source = SpikeGeneratorGroup(20, index, times * second, name="stimulus")
    connections = []

    def connect(source, target, dendrite, weight, delay="none", std=False, **how):
        connection = bd.Connection(source, target, dendrite, weight, delay, std, name=f"c{len(connections)}")
        if "indegree" in how:
            connection.connect_fixed_indegree(how.pop("indegree"), **how)
        else:
            connection.connect(**how)
        connections.append(connection)
        return connection

    connect(source, groups["pyr"], "ampa", "0110", "mismatched", indegree=6, repeat=2, seed=1)
    connect(source, groups["inh"], "ampa", "1100", std=True, p=0.3, seed=2)
    connect(groups["pyr"], groups["pyr"], "nmda", "0010", "mismatched", indegree=8, seed=3)
    connect(groups["pyr"], groups["inh"], "ampa", "0010", "precise", p=0.2, seed=4)
    connect(groups["inh"], groups["pyr"], "shunt", "0001")
    connect(groups["pyr"][:10], groups["sst"], "ampa", "1000", "both", p=0.3, seed=5)
    connect(groups["sst"], groups["pyr"], "gaba", "0100", i=np.arange(9), j=np.arange(9))
    spikes = [SpikeMonitor(group, name=f"spikes_{name}") for name, group in groups.items()]
    return Network(*groups.values(), source, *connections, *spikes), groups, source


def run_both(mapping, network, source, chip):
    """Spikes of the model and of the simulated configuration."""
    simulated = bd.to_network(mapping.configuration, chip)
    index, times = input_spikes(20, 120, 3)
    simulated["stimulus"].set_spikes(index, times * second)
    network.run(DURATION)
    simulated.run(DURATION)
    return simulated


def same_spikes(network, simulated, names):
    total = 0
    for name in names:
        expected, got = network[f"spikes_{name}"], simulated[f"spikes_{name}"]
        np.testing.assert_array_equal(expected.i, got.i)
        np.testing.assert_array_equal(expected.t_, got.t_)
        total += expected.num_spikes
    return total


@pytest.mark.parametrize("place", [None, {"pyr": (0, 3), "inh": (1, 0), "sst": (1, 2)}], ids=["one chip", "two chips"])
@pytest.mark.parametrize("mismatch", [0, 0.2])
def test_the_mapped_network_equals_the_model_spike_for_spike(mismatch, place, tmp_path):
    """The model, moved to its places, and the configuration read back from a file make the very same spikes."""
    chip = bd.Chip(seed=7, mismatch=mismatch, profile=bd.ChipProfile.synthetic(5, chips=2))
    network, groups, source = model(chip)
    mapping = bd.map_network(network, chip, place=place)
    mapping.configuration.to_json(tmp_path / "configuration.json")
    read = bd.Configuration.from_json(tmp_path / "configuration.json")
    assert read == mapping.configuration
    simulated = run_both(mapping, network, source, chip)
    assert same_spikes(network, simulated, groups) > 100
    np.testing.assert_array_equal(simulated["pyr"].I_leak_, groups["pyr"].I_leak_)


def test_a_model_that_is_moved_takes_the_mismatch_of_its_places():
    """Parameters of moved neurons and synapses are those of the physical neuron and CAM word."""
    chip = bd.Chip(seed=7, mismatch=0.2)
    network, groups, _ = model(chip)
    before = groups["inh"].I_leak_[:].copy()
    mapping = bd.map_network(network, chip, place={"inh": (0, 2)})
    here = mapping.neurons[mapping.neurons["population"] == "inh"]
    physical = 256 * here["core"].to_numpy() + here["neuron"].to_numpy()
    factors = chip.mismatch_factors("SOIF_LEAK_N", physical)
    # one product of two numbers: rounding only
    np.testing.assert_allclose(groups["inh"].I_leak_[:], groups["inh"].bias_current("I_leak") * factors, rtol=1e-15)
    assert not np.array_equal(before, groups["inh"].I_leak_[:])
    words = mapping.synapses[mapping.synapses["connection"] == "c0"]
    bits = [
        groups["pyr"].bias_current(f"I_w{bit}")
        * chip.synapse_factors(f"SYAM_W{bit}_P", 256 * words["core"].to_numpy() + words["neuron"], words["cam"])
        for bit in range(4)
    ]
    expected = selected_current(words["weight"].to_numpy(), np.stack(bits, axis=-1))
    np.testing.assert_allclose(network["c0"].I_weight_[:], expected, rtol=1e-12)  # a sum of four, rounded


def test_a_mapping_may_leave_the_model_where_it_is():
    chip = bd.Chip(seed=7, mismatch=0.2)
    network, groups, _ = model(chip)
    before = groups["inh"].physical.copy(), network["c0"].cams, network["c0"].I_weight_[:].copy()
    bd.map_network(network, chip, place={"inh": (0, 2)}, move=False)
    for old, new in zip(before, (groups["inh"].physical, network["c0"].cams, network["c0"].I_weight_[:]), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("mismatch", [0, 0.2])
def test_network_to_configuration_is_a_fixed_point(mismatch):
    chip = bd.Chip(seed=7, mismatch=mismatch, profile=bd.ChipProfile.synthetic(6, chips=2, tags="makers"))
    network, groups, _ = model(chip)
    monitor = StateMonitor(groups["sst"], "Imem", record=[4], name="trace")
    network.add(monitor)
    first = bd.map_network(network, chip, place={"sst": (1, 3)}).configuration
    again = bd.to_network(first, chip)
    assert again["monitor_chip1_core3"].record.tolist() == [4]
    second_one = bd.map_network(again, chip).configuration
    assert second_one == first
    assert first.diff(second_one).empty


def test_a_sequence_of_weights_in_amp_becomes_codes_and_masks():
    """Four currents for all synapses of a core: the simulated configuration has what the table says it got."""
    biases = bd.Biases()
    source = PoissonGroup(30, 10 * Hz, name="source")
    target = bd.Neurons(5, biases, name="target")
    wanted = np.random.default_rng(1).uniform(0.5, 40, 150) * nA
    connection = bd.Connection(source, target, "ampa", wanted, name="real")
    connection.connect()
    np.testing.assert_array_equal(connection.I_weight_[:], np.asarray(wanted))  # the model has just that
    mapping = bd.map_network(Network(source, target, connection))
    assert len(mapping.weights) == len(mapping.synapses) == 150
    assert (mapping.synapses["weight"] > 0).all()
    simulated = bd.to_network(mapping.configuration)
    got = simulated["source_to_target_ampa"]
    order = np.lexsort((got.i, got.j))
    table = mapping.weights.assign(i=connection.i[:], j=connection.j[:]).sort_values(["j", "i"])
    # the same sums of the same currents, in another order
    np.testing.assert_allclose(got.I_weight_[:][order], table["got_A"], rtol=1e-12)
    # 15 levels over a range of 40 nA leave at most half the largest step; a uniform spacing has 1.4 nA
    assert np.abs(table["got_A"] - table["wanted_A"]).max() < 3e-9


# -- configurations that somebody else made --------------------------------------------------------------------------


def foreign():
    """Two chips by hand: neuron (0,0,10) and (0,1,20) share tag 77 onto chip 1 core 2; 500 is heard there, too."""
    entries = ["latches", *(f"synapse_{name}" for name in ("tag", "weight", "dendrite"))]
    entries += [f"destination_{name}" for name in ("tag", "core", "x_hop")]
    arrays = {name: blank(name, 2) for name in entries}
    for core, neuron in ((0, 10), (1, 20)):
        arrays["destination_tag"][0, core, neuron, 2] = 77
        arrays["destination_core"][0, core, neuron, 2] = 0b0100
        arrays["destination_x_hop"][0, core, neuron, 2] = 1
    for cam, tag, dendrite in ((0, 77, 1024), (3, 500, 256), (9, 2, 0)):
        arrays["synapse_tag"][1, 2, 5, cam] = tag
        arrays["synapse_dendrite"][1, 2, 5, cam] = dendrite
        arrays["synapse_weight"][1, 2, 5, cam] = 0b1010
    arrays["latches"][0, 0, 10, 0] = True
    return bd.Configuration(2, **arrays)


def test_any_configuration_becomes_groups_by_core_and_inputs_by_tag():
    network = bd.to_network(foreign())
    groups = {one.name: one for one in network.objects if isinstance(one, bd.Neurons)}
    assert set(groups) == {"chip0_core0", "chip0_core1", "chip1_core2"}  # cores without used neurons cost nothing
    assert all(len(group) == 1 for group in groups.values())
    assert groups["chip0_core0"].latches == {"so_dc"}
    assert groups["chip1_core2"].physical.tolist() == [1024 + 512 + 5]
    assert groups["chip1_core2"].dendrites == {"ampa", "nmda"}
    inputs = network["virtual_inputs"]
    assert inputs.sends.to_dict("list") == {"index": [0], "tag": [500], "core": [4], "x_hop": [1], "y_hop": [0]}
    ampa = [network["chip0_core0_to_chip1_core2_ampa"], network["chip0_core1_to_chip1_core2_ampa"]]
    assert [connection.cams.tolist() for connection in ampa] == [[0], [0]]  # two sources share a word
    assert ampa[0].weight.tolist() == [0b1010]
    assert network["virtual_inputs_to_chip1_core2_nmda"].tags.tolist() == [500]


def test_events_of_a_foreign_configuration_arrive():
    """A spike of either source, and an event from outside, each add their charge to the dendrite of the target."""
    network = bd.to_network(foreign())
    target = network["chip1_core2"]
    trace = StateMonitor(target, ["Iampa", "Inmda"], record=True)
    network.add(trace)
    network["virtual_inputs"].set_spikes([0], [20] * ms)
    network["chip0_core0"].Imem_ = 1.0  # far above threshold: one spike at the start
    network.run(30 * ms)
    ampa, nmda = trace.Iampa_[0], trace.Inmda_[0]
    assert ampa[:100].max() > 2 * target.I_0_ and nmda[:199].max() < 1.0001 * target.I_0_
    assert nmda[202:].max() > 2 * target.I_0_


def test_labels_that_are_no_longer_true_are_left_aside():
    """A population over two cores whose codes differ by now is simulated core by core."""
    neurons = (3, 256 + 3)
    labels = Labels((PopulationLabel("pair", neurons, ("ampa",)),), (InputLabel("in", 1, ((0, 9, 3, 0, 0),)),))
    arrays = {name: blank(name, 1) for name in ("synapse_tag", "synapse_dendrite", "core_codes")}
    arrays["synapse_tag"][0, :2, 3, 0] = 9
    arrays["synapse_dendrite"][0, :2, 3, 0] = 1024
    together = bd.to_network(bd.Configuration(labels=labels, **arrays))
    assert len(together["pair"]) == 2 and len(together["in_to_pair_ampa"]) == 2
    arrays["core_codes"][0, 1, 1] = (2, 99)
    apart = bd.to_network(bd.Configuration(labels=labels, **arrays))
    assert apart["chip0_core0"].biases["SOIF_LEAK_N"] != apart["chip0_core1"].biases["SOIF_LEAK_N"] == (2, 99)
    assert len(apart["in_to_chip0_core1_ampa"]) == 1


def test_a_depressing_word_with_several_sources_is_told(caught):
    configuration = foreign()
    stp = blank("synapse_stp", 2)
    stp[1, 2, 5, 0] = True
    with caught() as messages:
        bd.to_network(configuration.replace(synapse_stp=stp))
    assert len(messages) == 1 and "word 0 of chip1_core2[0]" in messages[0][2]


def test_read_out_neurons_get_a_monitor_and_others_none():
    neurons = bd.Neurons(10, bd.Biases(), name="some")
    network = Network(neurons, SpikeMonitor(neurons[2:5], name="part"), SpikeMonitor(neurons[7:8], name="one"))
    mapping = bd.map_network(network)
    assert mapping.neurons["read_out"].tolist() == [k in (2, 3, 4, 7) for k in range(10)]
    simulated = bd.to_network(mapping.configuration)
    assert [len(simulated[name].source) for name in ("spikes_some", "spikes_some_1")] == [3, 1]
    assert bd.map_network(simulated).configuration == mapping.configuration


@pytest.mark.parametrize("arguments", [("configuration",), (bd.Biases,), (None,)])
def test_what_is_no_configuration_is_refused(arguments):
    with pytest.raises(bd.DynapseError, match="give a brian2dynapse.Configuration"):
        bd.to_network(*arguments)


def test_quantisation_errors_are_those_of_the_codes_in_use():
    """A bias asked for as a current tells its error; a weight code that was chosen for real weights does not."""
    biases = bd.Biases({"SOIF_LEAK_N": 61 * pA, "SYAM_W0_P": 5 * nA, "SOIF_GAIN_N": (3, 80)})
    target = bd.Neurons(3, biases, name="target")
    source = PoissonGroup(2, 10 * Hz, name="source")
    real = bd.Connection(source, target, "ampa", [1, 2, 3, 4, 6, 9] * nA, name="real")
    real.connect()
    table = bd.map_network(Network(source, target, real)).biases.set_index("bias")
    assert table.loc["SOIF_LEAK_N", "asked_A"] == 61e-12
    current = float(biases.current("SOIF_LEAK_N"))
    assert table.loc["SOIF_LEAK_N", "error"] == pytest.approx(current / 61e-12 - 1, rel=1e-12)  # rounding
    assert np.isnan(table.loc["SOIF_GAIN_N", "asked_A"]) and np.isnan(table.loc["SYAM_W0_P", "asked_A"])


def test_restore_brings_the_places_back():
    """Stored before a mapping: neurons, synapses and their parameters are at their old places again."""
    chip = bd.Chip(seed=7, mismatch=0.2)
    network, groups, _ = model(chip)
    before = groups["inh"].physical.copy(), groups["inh"].I_leak_[:].copy(), network["c0"].cams
    network.store("before")
    bd.map_network(network, chip, place={"inh": (0, 2)})
    assert not np.array_equal(groups["inh"].physical, before[0])
    network.restore("before")
    for old, new in zip(before, (groups["inh"].physical, groups["inh"].I_leak_[:], network["c0"].cams), strict=True):
        np.testing.assert_array_equal(old, new)


def test_utilization_counts_words_and_tags_not_synapses():
    """Who uses a resource adds up to what is used, also where synapses share words."""
    network, _, _ = model(bd.Chip())
    mapping = bd.map_network(network, place={"pyr": (0, 0), "inh": (0, 1), "sst": (0, 2)})
    for row in mapping.utilization().query("resource in ['CAM words', 'tags'] and used > 0").itertuples():
        parts = dict(one.rsplit(" ", 1) for one in row.by.split(", "))
        total = sum(int(count) for count in parts.values())
        # a source has one tag for all its connections onto a core, so that tags may count twice
        assert total == row.used if row.resource == "CAM words" else total >= row.used
    fullest = mapping.utilization().query("resource == 'CAM words of the fullest neuron' and core == 0")
    assert fullest["used"].item() == mapping.neurons.query("population == 'pyr'")["cams"].max()


def stale(connection):
    return not np.allclose(connection.I_weight_[:], connection.weights_of_codes(), rtol=1e-12)


def test_every_connection_onto_moved_neurons_moves_with_them():
    """Words asked for by number, connections outside the network, and moves by hand: all have the new mismatch."""
    chip = bd.Chip(seed=1, mismatch=0.2)
    bd.Neurons(7, bd.Biases(), chip=chip, name="earlier")
    target = bd.Neurons(3, bd.Biases(), chip=chip, name="target")
    source = SpikeGeneratorGroup(3, [0, 1, 2], [1, 2, 3] * ms, name="source")
    asked = bd.Connection(source, target, "ampa", "1110", name="asked")
    asked.connect(i=[0, 1, 2], j=[0, 1, 2], cams=[0, 5, 0], tags=[1, 2, 3])
    outside = bd.Connection(source, target, "nmda", "0001", name="outside")
    outside.connect(p=1)
    network = Network(source, target, asked)
    mapping = bd.map_network(network, place={"target": (0, 2)})
    assert target.physical.tolist() == [512, 513, 514]
    assert mapping.synapses["cam"].tolist() == [0, 5, 0] and mapping.synapses["tag"].tolist() == [1, 2, 3]
    assert not stale(asked) and not stale(outside)
    assert bd.map_network(network, place={"target": (0, 2)}).configuration == mapping.configuration
    target.move([[0, 3, 7], [0, 3, 8], [0, 3, 9]])
    assert target.physical.tolist() == [775, 776, 777] and not stale(asked)
    with pytest.raises(bd.DynapseError, match="give 3 non-negative integers"):
        target.move([1.5, 2, 3])
    with pytest.raises(bd.WiringError, match="give 3 integers 0..63"):
        asked.move([64, 0, 0])


def test_a_refused_word_leaves_nothing_behind():
    """connect with a wrong tag makes no synapse, so that it can be called again; words and free synapses do not mix."""
    target = bd.Neurons(2, bd.Biases(), name="target")
    source = SpikeGeneratorGroup(2, [], [] * ms, name="source")
    connection = bd.Connection(source, target, "ampa", name="words")
    for wrong in (
        {"cams": [0], "tags": [2048]},
        {"cams": [64], "tags": [1]},
        {"tags": [1]},
        {"cams": [1, 2], "tags": [1]},
    ):
        with pytest.raises(bd.WiringError):
            connection.connect(i=[0], j=[0], **wrong)
    connection.connect(i=[0], j=[0], cams=[3], tags=[9])
    with pytest.raises(bd.WiringError, match="CAM words go together"):
        connection.connect(i=[1], j=[1])
    assert len(connection) == 1
    Network(source, target, connection).run(1 * ms)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda net: setattr(net["words"], "I_extender", 1 * nA), "I_extender of synapse 0"),
        (lambda net: setattr(net["target"], "C_mem", 100 * pfarad), "C_mem of target is 1e-10, set by hand"),
        (lambda net: setattr(net["words"], "active", False), "words is not active"),
        (lambda net: net.add(net["target"].run_regularly("Imem += 1*nA", name="drive")), "drive changes variables"),
        (lambda net: net.add(net["words"].run_regularly("I_weight += 1*nA", name="drift")), "drift changes variables"),
        (lambda net: net.add(back(net["target"])), "plain Synapses that act on Neurons"),
    ],
)
def test_what_the_chip_cannot_do_is_refused(change, message):
    target = bd.Neurons(2, bd.Biases(), name="target")
    source = SpikeGeneratorGroup(2, [], [] * ms, name="source")
    connection = bd.Connection(source, target, "ampa", name="words")
    connection.connect()
    network = Network(source, target, connection)
    change(network)
    with pytest.raises(bd.MappingError, match=message):
        bd.map_network(network)
    network.run(1 * ms)  # the simulation may do it


def back(neurons):
    other = NeuronGroup(1, "v : 1", name="other")
    synapses = Synapses(neurons, other, on_pre="v += 1; Imem_pre += 1*nA", name="plain")
    synapses.connect()
    return other, synapses


def test_two_grids_on_a_core_are_refused():
    chip = bd.Chip()
    groups = [bd.Neurons(16, bd.Biases(), {"deam_ampa"}, chip, name=name) for name in ("one", "two")]
    with pytest.raises(bd.MappingError, match="one and two are both nodes of the diffusion grid of chip 0 core 0"):
        bd.map_network(Network(groups))


def test_the_board_comes_along():
    """A network made of a configuration is mapped to the same chips at the same positions."""
    network, _, _ = model(bd.Chip())
    positions = [[3, 1], [3, 2], [4, 1]]
    first = bd.map_network(network, place={"pyr": (2, 0), "inh": (0, 3)}, positions=positions).configuration
    assert bd.map_network(bd.to_network(first)).configuration == first


def test_names_of_labels_never_collide_with_made_ones():
    neurons = bd.Neurons(2, bd.Biases(), name="spikes_a")
    other = bd.Neurons(2, bd.Biases(), name="a")
    both = bd.Neurons(1, bd.Biases(), name="a_to_a_ampa")
    connection = bd.Connection(other, other, "ampa", name="loop")
    connection.connect()
    mapping = bd.map_network(Network(neurons, other, both, connection, SpikeMonitor(other, name="monitor")))
    simulated = bd.to_network(mapping.configuration)
    simulated.run(1 * ms)
    assert isinstance(simulated["spikes_a"], bd.Neurons) and isinstance(simulated["spikes_a_"], SpikeMonitor)


def test_words_that_no_input_can_reach_are_told(caught):
    configuration = foreign().replace(positions=[[0, 0], [9, 0]])
    with caught() as messages:
        network = bd.to_network(configuration)
    assert "tag 77 on chip 1" in messages[0][2]  # the hop of its sources leads elsewhere, too
    assert not any(isinstance(one, SpikeGeneratorGroup) for one in network.objects)


def test_a_refused_move_moves_nothing():
    """A delay above a second in one of the new places: the error is told, and everything stays where it was."""
    chip = bd.Chip(seed=3, mismatch={"SYPD_DLY0_P": 2.0})
    biases = bd.Biases({"SYPD_DLY0_P": (0, 80)})
    target = bd.Neurons(4, biases, chip=chip, name="target")
    source = SpikeGeneratorGroup(1, [], [] * ms, name="source")
    connection = bd.Connection(source, target, "ampa", name="slow")
    connection.connect()
    network = Network(source, target, connection)
    before = target.physical, connection.cams, connection.delay[:].copy()
    cores, moved = [(chip_number, core) for chip_number in range(8) for core in range(4)], 0
    for core in cores:  # some places are slow, some are not
        try:
            bd.map_network(network, chip, place={"target": core}, chips=8)
            moved += 1
            before = target.physical, connection.cams, connection.delay[:].copy()
        except bd.WiringError as error:
            assert "longer than 1 s" in str(error)
            for old, new in zip(before, (target.physical, connection.cams, connection.delay[:]), strict=True):
                np.testing.assert_array_equal(old, new)
    assert 0 < moved < len(cores)
