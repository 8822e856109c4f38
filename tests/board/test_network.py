"""The labs' Network helper wires what it is asked to wire; what goes in comes out under the right id."""

import json

import numpy as np
import pytest
from driver_stand_in import Dynapse2Configuration as StandIn

from brian2dynapse import Configuration, Dendrite
from brian2dynapse import board_spikes as spikes
from brian2dynapse.board_network import Network
from brian2dynapse.board_tree import Dynapse2Configuration
from brian2dynapse.delivery import realised
from brian2dynapse.errors import DynapseError, MappingError, WiringError

W0, W2, W13 = [True, False, False, False], [False, False, True, False], [False, True, False, True]


def config_of(chips=1):
    return Dynapse2Configuration(chips)


def words_of(config, group, source):
    """Per target neuron, the numbers of the sources that its CAM words hear, by brute force over the tree."""
    heard = []
    for neuron in group.neurons:
        found = []
        for word in config.chips[group.chip].cores[group.core].neurons[neuron].synapses:
            for (_, mask), tags in source.get_destinations().items():
                if word.dendrite is not Dendrite.none and mask >> group.core & 1:
                    found += [k for k, tag in enumerate(tags) if tag == word.tag]
        heard.append(found)
    return heard


def test_a_probability_is_a_fixed_indegree_of_different_sources():
    config = config_of()
    network = Network(config, seed=3)
    inputs, group = network.add_virtual_group(25), network.add_group(0, 1, 40)
    network.add_connection(inputs, group, 0.3, Dendrite.ampa, W13, repeat=2, stp=True, mismatched_delay=True)
    network.connect()
    for found in words_of(config, group, inputs):
        assert len(found) == 16 and len(set(found)) == 8  # int(25*0.3 + 0.5) sources, two words each
    words = [w for n in group.neurons for w in config.chips[0].cores[1].neurons[n].synapses if w.dendrite]
    assert all(w.weight == W13 and w.stp and w.mismatched_delay and not w.precise_delay for w in words)


def test_the_same_seed_draws_the_same_and_another_another():
    def drawn(seed):
        config = config_of()
        network = Network(config, seed=seed)
        group = network.add_group(0, 0, 30)
        network.add_connection(group, group, 0.2, Dendrite.nmda, W0)
        network.connect()
        return config

    assert drawn(5) == drawn(5) != drawn(6)


@pytest.mark.parametrize("stp", [False, True])
def test_probability_one_from_neurons_is_one_shared_tag(stp):
    config = config_of()
    network = Network(config)
    source, target = network.add_group(0, 0, 60), network.add_group(0, 2, 9, neurons=range(100, 109))
    network.add_connection(source, target, 1, Dendrite.shunt, W2, repeat=3, stp=stp, precise_delay=True)
    network.connect()
    assert target.neurons == list(range(100, 109))
    ((tags),) = source.get_destinations().values()
    assert len(set(tags)) == 1
    for neuron in target.neurons:
        words = [one for one in config.chips[0].cores[2].neurons[neuron].synapses if one.dendrite is not Dendrite.none]
        assert [(w.tag, w.weight, w.stp, w.precise_delay) for w in words] == [(tags[0], W2, stp, True)] * 3


def test_a_matrix_is_wired_as_it_says():
    config = config_of(2)
    network = Network(config, num_chips=2)
    source, target = network.add_group(0, 3, 6), network.add_group(1, 0, 4)
    matrix = [[(0, W0), (5, W13)], [], [(3, W2)], [(k, W0) for k in range(6)]]
    network.add_connection(source, target, dendrite=Dendrite.gaba, matrix=matrix)
    network.connect()
    assert list(source.get_destinations()) == [(1, 1)]
    assert [sorted(one) for one in words_of(config, target, source)] == [[0, 5], [], [3], list(range(6))]
    assert [one.name for one in config._memory.labels.populations] == ["group0", "group1"]
    first = config.chips[1].cores[0].neurons[target.neurons[0]].synapses
    assert sorted(str(w.weight) for w in first if w.dendrite is not Dendrite.none) == sorted([str(W0), str(W13)])
    # and the chips deliver it: independent of the helper
    rows = realised(Configuration.from_driver(config))
    assert len(rows) == 9 and set(rows["chip"]) == {1}


def test_every_neuron_is_read_out_first_with_its_id_and_codes_and_latches_stay():
    config = config_of()
    spikes.set_parameter(config.chips[0].cores[1].parameters, "SOIF_LEAK_N", 2, 77)
    spikes.set_adaptation_latches(config, range(10), [1])
    network = Network(config)
    network.add_virtual_group(7)
    network.add_group(0, 0, 5)
    group = network.add_group(0, 1, 20)
    network.connect()
    assert group.get_ids() == range(14, 34)  # 7 inputs, 5 neurons, one free behind each
    for k, neuron in enumerate(group.neurons):
        out = config.chips[0].cores[1].neurons[neuron].destinations[0]
        assert (out.tag, out.core, out.x_hop, out.y_hop) == (14 + k, [True] * 4, -7, 0)
    assert config.chips[0].cores[1].parameters["SOIF_LEAK_N"].fine_value == 77
    assert config.chips[0].cores[1].neurons[9].latch_so_adaptation


def test_the_drivers_own_configuration_gets_the_same():
    made = []
    for config in (StandIn(1), config_of()):
        if isinstance(config, StandIn):
            Configuration(1).to_driver(config)  # the codes that a simulated chip starts with
        network = Network(config, seed=1)
        group = network.add_group(0, 0, 12)
        network.add_connection(network.add_virtual_group(4), group, 0.5, Dendrite.ampa, W0)
        network.connect()
        made.append(Configuration.from_driver(config))
    assert made[0] == made[1]


def test_a_path_says_which_words_work(tmp_path):
    failures = np.zeros((4, 256, 64, 2))
    failures[0, :, 10:, :] = 0.9
    for k in range(2):
        (tmp_path / f"cams_profile_{k}.json").write_text(
            json.dumps({"prob": np.zeros((2, 4)).tolist(), "cams": failures.tolist()})
        )
    config = config_of(1)
    with pytest.raises(DynapseError, match="gives 2 files for 1 chips"):
        Network(config, tmp_path)
    network = Network(config, tmp_path / "cams_profile_0.json")
    group = network.add_group(0, 0, 3)
    connection = network.add_connection(network.add_virtual_group(30), group, 1 / 3, Dendrite.ampa, W0, stp=True)
    network.connect()
    words = config.chips[0].cores[0].neurons[group.neurons[0]].synapses
    assert [k for k, word in enumerate(words) if word.dendrite is not Dendrite.none] == list(range(10))
    connection.repeat = 2
    with pytest.raises(MappingError, match=r"CAM words of group0\[0\].*20 are needed, this neuron has 10 of 64"):
        network.connect()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda n, v, g: n.add_connection(v, g, 1, Dendrite.ampa, W0, 7, True), r"CAM words of group0\[0\]"),
        (lambda n, v, g: n.add_group(0, 0, 250), "neurons"),
        (lambda n, v, g: [n.add_virtual_group(1100) for _ in range(2)], "ids: .* are needed, 2046 are available"),
    ],
)
def test_an_error_says_what_is_full(build, message):
    network = Network(config_of())
    inputs, group = network.add_virtual_group(10), network.add_group(0, 0, 10)
    build(network, inputs, group)
    with pytest.raises(MappingError, match=message):
        network.connect()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda n, v, g: n.add_group(1, 0, 5), r"chip is 1; give an integer, 0..0"),
        (lambda n, v, g: n.add_group(0, 4, 5), r"core is 4"),
        (lambda n, v, g: n.add_group(0, 0, 5, neurons=[1, 2]), "2 different numbers, size is 5"),
        (lambda n, v, g: n.add_connection(g, v, 0.5, Dendrite.ampa, W0), "is not a group of neurons"),
        (lambda n, v, g: n.add_connection(v, g, 0, Dendrite.ampa, W0), "probability is 0"),
        (lambda n, v, g: n.add_connection(v, g, 0.5, Dendrite.none, W0), "give one of Dendrite.shunt"),
        (lambda n, v, g: n.add_connection(v, g, 0.5, Dendrite.ampa, [True]), r"weight is \[True\]"),
        (lambda n, v, g: n.add_connection(v, g, 0.5, Dendrite.ampa), "weight is None"),
        (lambda n, v, g: n.remove_group(v), "is not a group of this network"),
    ],
)
def test_a_wrong_argument_is_named(call, message):
    network = Network(config_of())
    inputs, group = network.add_virtual_group(10), network.add_group(0, 0, 10)
    with pytest.raises(DynapseError, match=message):
        call(network, inputs, group)


def test_so_few_sources_that_none_is_drawn():
    network = Network(config_of())
    group = network.add_group(0, 0, 10)
    network.add_connection(group, group, 0.04, Dendrite.ampa, W0)
    with pytest.raises(WiringError, match="0.04 of 10 sources is none"):
        network.connect()


def test_what_is_taken_away_is_not_wired():
    config = config_of()
    network = Network(config)
    inputs, group, other = network.add_virtual_group(4), network.add_group(0, 0, 3), network.add_group(0, 1, 3)
    for target in (group, other):
        network.add_connection(inputs, target, 0.5, Dendrite.ampa, W0)
    network.remove_group(other)
    network.connect()
    assert set(realised(Configuration.from_driver(config), _inputs(network))["core"]) == {0}
    network.remove_connection(inputs, group)
    network.connect()
    assert not len(realised(Configuration.from_driver(config), _inputs(network)))


def _inputs(network):
    return network.mapping.inputs[["tag", "core", "x_hop", "y_hop"]]


# Generators, sending, reading -----------------------------------------------------------------------------------------


class Group:
    """Two places: all neurons send to chip 0, even ones to chip 1, too."""

    size = 6

    def get_ids(self):
        return range(50, 56)

    def get_destinations(self):
        return {(0, 1): [10, 11, 12, 13, 14, 15], (1, 4): [20, None, 22, None, 24, None]}


def test_single_events_go_to_every_place_of_the_virtual_neuron():
    assert spikes.isi_gen(Group(), [1, 2], [5, 7]) == [
        (51, 11, (0, 1), 5),
        (52, 12, (0, 1), 7),
        (52, 22, (1, 4), 7),
    ]
    with pytest.raises(DynapseError, match=r"neurons are 1..6; the group has 0..5"):
        spikes.isi_gen(Group(), [1, 6], [5, 7])


def test_regular_events_are_regular():
    events = [one for one in spikes.regular_gen(Group(), 100, 50_000, start=1000) if one[2] == (0, 1)]
    assert sorted({one[3] for one in events}) == [1000, 11_000, 21_000, 31_000, 41_000]
    assert len(events) == 30


def test_poisson_events_have_their_rate_and_come_in_order():
    rates = np.array([0, 50, 100, 100, 100, 200.0])
    events = [one for one in spikes.poisson_gen(0, 20e6, [Group()], [rates], seed=4) if one[2] == (0, 1)]
    counts = np.bincount([one[0] - 50 for one in events], minlength=6)
    # Poisson counts: 5 standard deviations
    assert np.all(np.abs(counts - 20 * rates) <= 5 * np.sqrt(20 * rates))
    times = np.array([one[3] for one in events])
    assert np.all(np.diff(times) >= 0)
    # their intervals are exponential: the standard deviation is the mean, within 5/sqrt(n)
    intervals = np.diff(times)
    assert abs(intervals.std() / intervals.mean() - 1) < 5 / np.sqrt(len(intervals))
    assert spikes.poisson_gen(0, 1e6, [Group()], [20], 1) == spikes.poisson_gen(0, 1e6, [Group()], [20], 1)


def test_what_is_sent_comes_back_counted(install):
    board = install()
    model = board.get_model()
    config = model.get_configuration()
    network = Network(config, seed=1)
    inputs, group = network.add_virtual_group(3), network.add_group(0, 2, 4)
    matrix = [[(k, W0) for k in range(n)] for n in range(4)]  # neuron n hears the first n inputs
    network.add_connection(inputs, group, dendrite=Dendrite.ampa, matrix=matrix)
    network.connect()
    model.apply_configuration(config)
    start = spikes.get_fpga_time(board) + 100_000
    sent = spikes.isi_gen(inputs, [2, 0, 1, 1, 1], [9000, 0, 3000, 5000, 7000])  # not in order
    spikes.send_virtual_events(board, sent, offset=start, min_delay=10_000)
    events = spikes.get_events(board, 10)
    counts = spikes.spike_count(events, 12)
    assert counts[list(inputs.ids)].tolist() == [1, 3, 1]  # echoes
    assert counts[list(group.ids)].tolist() == [0, 1, 4, 5]  # the fake engine answers each event
    assert len(events[0]) == 15 and np.all(np.diff(events[1]) >= 0)
    assert min(events[1]) == pytest.approx(start * 1e-6, abs=1e-9)


def test_a_raster_shows_every_event_in_its_group():
    import matplotlib.pyplot as plt

    network = Network(config_of())
    groups = [network.add_virtual_group(3, "input"), network.add_group(0, 0, 4, name="pyr")]
    network.connect()
    axes = spikes.plot_raster([[0, 2, 4, 7, 99], [0.1, 0.2, 0.3, 0.4, 0.5]], groups)
    shown = {line.get_label(): line.get_ydata().tolist() for line in axes.lines}
    assert shown == {"input": [0, 2], "pyr": [4, 7], "others": [99]}
    assert "(s)" in axes.get_xlabel()
    plt.close(axes.figure)


def test_latches_are_named():
    config = config_of(2)
    spikes.set_latches(config, "soif_kill", [3, 4], [1], chips=[1])
    spikes.set_latches(config, "soif_kill", [4], [1], chips=[1], on=False)
    assert config._memory.arrays["latches"].sum() == 1 and config.chips[1].cores[1].neurons[3].latch_soif_kill
    with pytest.raises(DynapseError, match="did you mean soif_kill"):
        spikes.set_latches(config, "soif_kil", [3], [1])
