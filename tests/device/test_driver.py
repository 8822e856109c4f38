"""What goes to the vendor's driver comes back the same, and a driver that is not as expected is named."""

import contextlib
import time

import driver_stand_in as samna
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brian2dynapse import driver, facts
from brian2dynapse.configuration import Configuration, blank, fields
from brian2dynapse.errors import ConfigurationError, DynapseError


def random_configuration(seed, chips=1, filled=1.0):
    """Any content in a share of all words; the driver does not know positions."""
    random, arrays = np.random.default_rng(seed), {}
    for name, field in fields().items():
        shape = (chips, *field.shape)
        values = random.integers(field.low, field.high + 1, shape)
        if field.values:
            values = random.choice(field.values, shape)
        if name.endswith("_codes"):
            values[..., 0] %= facts.COARSE_CODES
        if name != "positions":
            arrays[name] = np.where(random.random(shape) < filled, values, blank(name, chips))
    return Configuration(chips, **arrays)


@pytest.fixture(scope="module")
def board():
    """The driver's object of one chip. Making one takes longer than most tests; `fill` sets all that matters."""
    return samna.Dynapse2Configuration()


# there and back -----------------------------------------------------------------------------------------------


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 1e-4, 1e-2]))
def test_the_driver_gives_the_same_configuration_back(board, seed, filled):
    """Whatever the driver held before."""
    configuration = random_configuration(seed, filled=filled)
    assert configuration.to_driver(board) is board
    assert Configuration.from_driver(board) == configuration


def test_a_configuration_gives_the_same_driver_content_back(board):
    """For a content that was set through the driver's own classes."""
    chip = board.chips[0]
    neuron = chip.cores[1].neurons[5]
    synapse, destination = neuron.synapses[3], neuron.destinations[2]
    synapse.tag, synapse.weight, synapse.dendrite = 1029, [False, True, False, True], samna.Dendrite.gaba
    synapse.stp, synapse.mismatched_delay = True, True
    destination.tag, destination.core, destination.x_hop = 7, [True, False, False, True], -7
    neuron.latch_so_dc = True
    chip.cores[2].monitored_neuron, chip.cores[2].neuron_monitoring_on = 0, True
    chip.cores[3].parameters["SOIF_LEAK_N"].fine_value = 33
    chip.sadc_group_parameters23[1]["NCCF_HYS_P"].coarse_value = 4
    configuration = driver.read(board)
    other = driver.fill(configuration, samna.Dynapse2Configuration())
    assert samna.content(other) == samna.content(board)
    assert configuration.chips[0].cores[1].neurons[5].synapses[3].weight == [False, True, False, True]
    assert configuration.monitored[0].tolist()[2] == 0  # neuron 0 is not "none"


def test_what_is_written_is_what_the_tree_says(board):
    configuration = random_configuration(8, filled=0.01)
    driver.fill(configuration, board)
    for core, there in zip(configuration.chips[0].cores, board.chips[0].cores, strict=True):
        for neuron, its in zip(core.neurons, there.neurons, strict=True):
            for synapse, word in zip(neuron.synapses, its.synapses, strict=True):
                assert (synapse.tag, synapse.weight, synapse.stp) == (word.tag, word.weight, word.stp)
                assert synapse.dendrite.name == word.dendrite.name


def test_a_tree_can_be_read_as_a_driver():
    """The tree has every attribute of the driver, with the same values: the same function reads both."""
    configuration = random_configuration(9, filled=0.01).replace(positions=[[2, 5]])
    assert driver.read(configuration, configuration.positions) == configuration


def test_positions_are_given_since_the_driver_has_none(board):
    assert driver.read(board).positions.tolist() == [[0, 0]]
    assert driver.read(board, [[3, 1]]).chips[0].position == (3, 1)


def test_a_full_chip_in_seconds(board):
    configuration = random_configuration(10)
    start = time.perf_counter()
    driver.fill(configuration, board)
    assert driver.read(board) == configuration
    assert time.perf_counter() - start < 20  # 3 s alone on a laptop; generous for a busy machine


def test_only_words_that_differ_are_written(board, monkeypatch):
    configuration = random_configuration(11, filled=0.01)
    driver.fill(configuration, board)
    written = []
    monkeypatch.setattr(samna.Dynapse2Synapse, "__setattr__", lambda word, name, value: written.append(name))
    driver.fill(configuration, board)
    assert not written


def test_what_a_configuration_does_not_hold_is_left_alone(board):
    core, chip = board.chips[0].cores[0], board.chips[0]
    object.__setattr__(core, "enable_syaw_stdbuf_an", True)
    chip.global_parameters["OTHER_P"] = samna.Dynapse2Parameter(coarse_value=3, fine_value=4)
    driver.fill(random_configuration(12, filled=0.001), board)
    assert core.enable_syaw_stdbuf_an is True
    assert chip.global_parameters.pop("OTHER_P").coarse_value == 3


# drivers that hand out copies ---------------------------------------------------------------------------------


class CopiedWords(samna.Dynapse2Neuron):
    """Its lists of words are copies, as C++ containers can be; setting the whole list works."""

    def __getattribute__(self, name):
        value = super().__getattribute__(name)
        return [copied(word) for word in value] if name in ("synapses", "destinations") else value


class LostWords(CopiedWords):
    """Its lists of words are copies, and cannot be set."""

    rules = {name: rule for name, rule in samna.Dynapse2Neuron.rules.items() if name.startswith("latch_")}  # noqa: RUF012


def copied(word):
    new = type(word)()
    new.__dict__.update(word.__dict__)
    return new


@pytest.fixture
def exchange(board):
    """Lets one neuron be of another kind during a test."""
    neurons = board.chips[0].cores[2].neurons
    before = neurons[9]

    def put(kind):
        neurons[9] = kind()
        return board

    yield put
    neurons[9] = before


@pytest.fixture
def two_words():
    tags, hops = blank("synapse_tag", 1), blank("destination_x_hop", 1)
    tags[0, 2, 9, 1], hops[0, 2, 9, 3] = 5, -2
    return Configuration(synapse_tag=tags, destination_x_hop=hops)


def test_lists_that_are_copies_are_given_back(two_words, exchange):
    assert driver.read(driver.fill(two_words, exchange(CopiedWords))) == two_words


def test_a_driver_that_does_not_take_words_is_named(two_words, exchange):
    with pytest.raises(DynapseError, match="does it hand out copies") as error:
        driver.fill(two_words, exchange(LostWords))
    for path in ("chips[0].cores[2].neurons[9].synapses[1].tag", "chips[0].cores[2].neurons[9].destinations[3].x_hop"):
        assert path in str(error.value)


def test_a_driver_of_copies_throughout_is_named_with_the_first_paths(board, monkeypatch):
    """Nothing arrives; the first few paths are named and the others counted."""
    driver.fill(Configuration(), board)
    monkeypatch.setattr(samna.Dynapse2Synapse, "__setattr__", lambda *_: None)
    tags = blank("synapse_tag", 1)
    tags[0, 1, :, 0] = 3
    with pytest.raises(DynapseError, match=r"did not take chips\[0\].cores\[1\].neurons\[0\].*and 251 more"):
        driver.fill(Configuration(synapse_tag=tags), board)


def test_a_value_that_the_driver_refuses_is_named(board, monkeypatch):
    monkeypatch.setitem(samna.Dynapse2Destination.rules, "y_hop", samna.integer(-3, 3))
    driver.fill(Configuration(), board)
    hops = blank("destination_y_hop", 1)
    hops[0, 1, 2, 3] = 5
    expected = r"the driver refuses 5 for chips\[0\].cores\[1\].neurons\[2\].destinations\[3\].y_hop: 5 is not in -3..3"
    with pytest.raises(DynapseError, match=expected):
        driver.fill(Configuration(destination_y_hop=hops), board)


# drivers of another kind --------------------------------------------------------------------------------------


@contextlib.contextmanager
def lacking(owner, key):
    """Takes a member of a list or dict away for a while."""
    member = owner.pop(key)
    yield
    if isinstance(owner, list):
        owner.append(member)
    else:
        owner[key] = member


@pytest.mark.parametrize("where, expected", [
    (lambda chip: (chip.cores, -1), "the driver's chips[0].cores has 3 members, not 4"),
    (lambda chip: (chip.cores[1].neurons, -1), "the driver's chips[0].cores[1].neurons has 255 members, not 256"),
    (lambda chip: (chip.cores[0].neurons[3].synapses, -1),
     "the driver's chips[0].cores[0].neurons[3].synapses has 63 members, not 64"),
    (lambda chip: (vars(chip.cores[0].neurons[3].synapses[7]), "stp"),
     "the driver's chips[0].cores[0].neurons[3].synapses[7] has no stp"),
    (lambda chip: (vars(chip.cores[3].neurons[255]), "latch_ho_so_de"),
     "the driver's chips[0].cores[3].neurons[255] has no latch_ho_so_de"),
    (lambda chip: (chip.cores[0].parameters, "SOIF_LEAK_N"),
     "the driver's chips[0].cores[0].parameters has no SOIF_LEAK_N"),
    (lambda chip: (chip.sadc_group_parameters23, -1),
     "the driver's chips[0].sadc_group_parameters23 has 2 members, not 3"),
    (lambda chip: (vars(chip), "global_parameters"), "the driver's chips[0] has no global_parameters"),
    (lambda chip: (vars(chip.shared_parameters01["PG_BUF_N"]), "fine_value"),
     "the driver's chips[0].shared_parameters01['PG_BUF_N'] has no fine_value"),
])  # fmt: skip
def test_a_driver_that_lacks_something_is_named_before_anything_is_written(board, where, expected, monkeypatch):
    other = random_configuration(13, filled=0.001)
    written = []
    monkeypatch.setattr(samna.Strict, "__setattr__", lambda *change: written.append(change))
    for act in (driver.read, lambda one: driver.fill(other, one)):
        with lacking(*where(board.chips[0])), pytest.raises(DynapseError) as error:
            act(board)
        assert str(error.value).startswith(expected)
    assert not written


def test_another_number_of_chips_is_named(board):
    before = samna.content(board.chips[0].cores[0].neurons[0])
    with pytest.raises(DynapseError, match="the driver has 1 chips, the configuration 2; let them agree"):
        driver.fill(random_configuration(14, chips=2), board)
    assert samna.content(board.chips[0].cores[0].neurons[0]) == before


@pytest.mark.parametrize("thing", [None, 3, {}])
def test_objects_of_another_kind_are_named(thing):
    with pytest.raises(DynapseError, match="the driver's object .* has no chips"):
        Configuration.from_driver(thing)
    with pytest.raises(DynapseError, match="the driver's object .* has no chips"):
        Configuration().to_driver(thing)


def test_only_configurations_are_written(board):
    with pytest.raises(DynapseError, match="configuration is Dynapse2Configuration; give a Configuration"):
        driver.fill(board, board)


def test_values_that_no_configuration_can_have_are_all_named():
    board = samna.Dynapse2Configuration()
    chip = board.chips[0]
    chip.cores[1].parameters["SOIF_LEAK_N"].coarse_value = 6
    chip.cores[1].neurons[2].destinations[3].x_hop = -8
    neuron = chip.cores[0].neurons[4]
    for thing, name, value in (
        (neuron.synapses[5], "weight", [True] * 5),
        (neuron.synapses[6], "tag", 5.0),
        (neuron.synapses[7], "dendrite", "ampa"),
        (neuron.destinations[0], "core", 15),
        (neuron, "latch_so_dc", None),
        (chip.cores[2], "neuron_monitoring_on", "yes"),
        (chip.cores[3].neurons[0].synapses[0], "tag", 2**70),
    ):
        object.__setattr__(thing, name, value)  # past the checks of the stand-in
    with pytest.raises(ConfigurationError) as error:
        driver.read(board)
    assert sorted(error.value.errors) == sorted([
        "chips[0].cores[1].parameters['SOIF_LEAK_N'].coarse_value is 6; a coarse value is 0..5, a fine value 0..255",
        "chips[0].cores[1].neurons[2].destinations[3].x_hop is -8; -7..7",
        "chips[0].cores[0].neurons[4].synapses[5].weight is [True, True, True, True, True]; give a list of 4 booleans",
        "chips[0].cores[0].neurons[4].synapses[6].tag is 5.0; give 0..2047",
        "chips[0].cores[0].neurons[4].synapses[7].dendrite is 'ampa'; give 0 or 128 or 256 or 512 or 1024",
        "chips[0].cores[0].neurons[4].destinations[0].core is 15; give a list of 4 booleans",
        "chips[0].cores[0].neurons[4].latch_so_dc is None; give 0..1",
        "chips[0].cores[2].neuron_monitoring_on is 'yes'; give True or False",
        f"chips[0].cores[3].neurons[0].synapses[0].tag is {2**70}; give 0..2047",
    ])  # fmt: skip


def test_filling_repairs_values_that_no_configuration_can_have(board):
    board.chips[0].cores[1].parameters["SOIF_LEAK_N"].coarse_value = 7
    board.chips[0].cores[1].neurons[2].destinations[3].x_hop = -8
    configuration = random_configuration(15, filled=0.001)
    assert driver.read(driver.fill(configuration, board)) == configuration
