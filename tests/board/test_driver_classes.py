"""The driver's classes take what the chip can hold and name what it cannot."""

import copy
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from driver_stand_in import Dynapse2Configuration as StandIn
from driver_stand_in import content

from brian2dynapse import Configuration, driver, facts
from brian2dynapse.board_driver import (
    DriverTypeError,
    Dynapse2Destination,
    Dynapse2Parameter,
    Dynapse2Synapse,
    NormalGridEvent,
    UnknownPartError,
)
from brian2dynapse.board_tree import Dynapse2Configuration
from brian2dynapse.configuration import Dendrite, fields
from brian2dynapse.errors import DynapseError, UnknownNameError


def random_configuration(chips, seed):
    """A content that uses every entry over its whole range."""
    generator = np.random.default_rng(seed)
    arrays = {}
    for name, field in fields().items():
        if name == "positions":
            continue
        shape = (chips, *field.shape)
        if name == "synapse_dendrite":
            arrays[name] = generator.choice([int(one) for one in Dendrite], shape)
        else:
            arrays[name] = generator.integers(field.low, field.high + 1, shape)
        if name.endswith("_codes"):
            arrays[name][..., 0] %= facts.COARSE_CODES
    return Configuration(chips, **arrays)


def test_a_tree_holds_every_entry_of_a_configuration():
    wanted = random_configuration(1, seed=1)
    tree = Dynapse2Configuration(1)
    tree._memory.take(wanted)
    assert driver.read(tree) == wanted
    # and the arrays are read as the tree is
    assert tree._memory.configuration(Configuration(1), list(tree._memory.arrays)) == wanted


def test_a_mapped_configuration_fills_it_as_the_real_one():
    wanted = Configuration(1)
    arrays = {name: array.copy() for name, array in wanted.arrays().items()}
    arrays["synapse_tag"][0, 2, 7, 3], arrays["synapse_dendrite"][0, 2, 7, 3] = 77, Dendrite.nmda
    arrays["destination_core"][0, 2, 7, 1], arrays["destination_x_hop"][0, 2, 7, 1] = 15, -7
    arrays["core_codes"][0, 2, 1] = (2, 5)
    arrays["monitored"][0, 2] = 7
    wanted = Configuration(1, **arrays)
    real, simulated = StandIn(1), Dynapse2Configuration(1)
    wanted.to_driver(real)
    wanted.to_driver(simulated)
    assert Configuration.from_driver(simulated) == wanted == Configuration.from_driver(real)


def test_its_fields_are_those_of_the_driver():
    real, simulated = StandIn(1).chips[0], Dynapse2Configuration(1).chips[0]
    for kind in ("synapses", "destinations"):
        assert set(dir(getattr(simulated.cores[0].neurons[0], kind)[0])) == set(
            content(getattr(real.cores[0].neurons[0], kind)[0])
        )
    assert set(content(real.cores[0].neurons[0])) == set(dir(simulated.cores[0].neurons[0]))
    assert set(content(real)) <= set(dir(simulated))
    assert list(simulated.cores[3].parameters) == list(real.cores[3].parameters)
    assert [len(one) for one in simulated.sadc_group_parameters01] == [len(one) for one in real.sadc_group_parameters01]


CORE = "chips[0].cores[1]"
NEURON = f"{CORE}.neurons[3]"
LEAK = f"{CORE}.parameters['SOIF_LEAK_N']"


def at(tree, path):
    """What is at a path of the tree."""
    return eval(f"tree.{path}", {"tree": tree})


@pytest.mark.parametrize(
    ("path", "field", "value", "message"),
    [
        (f"{NEURON}.synapses[5]", "tag", 2048, "got 2048; give an integer, 0..2047"),
        (f"{NEURON}.synapses[5]", "tag", 1.0, "got 1.0; give an integer, 0..2047"),
        (f"{NEURON}.synapses[5]", "tag", True, "got True; give an integer"),
        (f"{NEURON}.synapses[5]", "weight", [True] * 3, "got [True, True, True]; give a list of 4 booleans"),
        (f"{NEURON}.synapses[5]", "weight", [0, 0, 2, 0], "got [0, 0, 2, 0]; give a list of 4 booleans"),
        (f"{NEURON}.synapses[5]", "dendrite", 1024, "got 1024; give a Dendrite: Dendrite.none, "),
        (f"{NEURON}.destinations[0]", "x_hop", -8, "got -8; give an integer, -7..7"),
        (LEAK, "coarse_value", 6, "got 6; give an integer, 0..5"),
        (LEAK, "fine_value", -1, "got -1; give an integer, 0..255"),
        (LEAK, "type", "P", "the type of a parameter can only be read"),
        (CORE, "monitored_neuron", 256, "got 256; give an integer, 0..255"),
        (NEURON, "latch_so_dc", "yes", "got 'yes'; give True or False"),
        (NEURON, "synapses", [Dynapse2Synapse()] * 63, "got 63 members; give a list of 64 Dynapse2Synapse"),
        ("chips[0]", "cores", [], "it cannot be assigned"),
    ],
)
def test_a_wrong_value_is_an_error_with_its_path_and_changes_nothing(path, field, value, message):
    tree = Dynapse2Configuration(1)
    with pytest.raises(DriverTypeError) as caught:
        setattr(at(tree, path), field, value)
    assert str(caught.value).startswith(f"{path}.{field}: got ") and message in str(caught.value)
    assert isinstance(caught.value, TypeError) and isinstance(caught.value, DynapseError)  # as the driver's own
    assert tree == Dynapse2Configuration(1)


@pytest.mark.parametrize(
    ("path", "kind", "message"),
    [
        (f"{NEURON}.latch_so_dcs", UnknownPartError, "did you mean latch_so_dc"),
        (f"{NEURON}.synapses[0].tags", UnknownPartError, "did you mean tag"),
        (f"{CORE}.neuron", UnknownPartError, "did you mean neurons"),
        (f"{CORE}.parameters['SOIF_LEAK']", UnknownNameError, "did you mean SOIF_LEAK_N"),
        ("chips[0].dvs_if", UnknownPartError, "event camera is not simulated"),
        ("chips[1]", IndexError, "chips[1]: an index is 0..0"),
        (f"{CORE}.neurons[256]", IndexError, "neurons[256]: an index is 0..255"),
    ],
)
def test_what_does_not_exist_is_an_error_that_suggests_the_nearest(path, kind, message):
    with pytest.raises(kind) as caught:
        at(Dynapse2Configuration(1), path)
    assert message in str(caught.value)


def test_nor_can_it_be_assigned():
    tree = Dynapse2Configuration(1)
    for path in (NEURON, CORE, "chips[0]", f"{NEURON}.synapses[0]", LEAK):
        with pytest.raises(UnknownPartError, match="'nothing' is not a part of"):
            at(tree, path).nothing = 1


def test_lists_are_copied_as_by_the_driver():
    tree = Dynapse2Configuration(1)
    words = [Dynapse2Synapse() for _ in range(64)]
    words[3].tag = 5
    tree.chips[0].cores[0].neurons[9].synapses = words
    words[3].tag = 6
    assert tree.chips[0].cores[0].neurons[9].synapses[3].tag == 5
    destination, event = Dynapse2Destination(), NormalGridEvent()
    destination.tag, event.event = 4, destination
    destination.tag = 5
    assert event.event.tag == 4


def test_numpy_values_are_values():
    word = Dynapse2Synapse()
    word.tag, word.weight, word.stp = np.int64(9), np.array([True, False, True, False]), np.bool_(True)
    assert (word.tag, word.weight, word.stp) == (9, [True, False, True, False], True)


def test_words_and_configurations_are_copied_and_compared():
    word = Dynapse2Parameter()
    word.fine_value = 7
    assert pickle.loads(pickle.dumps(word)) == word == copy.copy(word) != Dynapse2Parameter()
    tree = Dynapse2Configuration(2)
    other = copy.deepcopy(tree)
    other.chips[1].cores[3].neurons[255].latch_soif_kill = True
    assert tree != other
    tree.chips[1].cores[3].neurons[255].latch_soif_kill = True
    assert tree == other
    other.chips[0].cores[0].sadc_enables.soif_mem = True
    assert tree != other and other.chips[0].cores[0].sadc_enables.soif_mem is True


def test_parameters_are_a_mapping_that_keeps_its_names():
    parameters = Dynapse2Configuration(1).chips[0].cores[0].parameters
    frame = pd.DataFrame(parameters, index=[0]).T  # as scripts keep what they have set
    assert list(frame.index) == list(facts.core_biases())
    new = Dynapse2Parameter()
    new.coarse_value, new.fine_value = 4, 44
    parameters["SOIF_REFR_N"] = new
    assert (parameters["SOIF_REFR_N"].coarse_value, parameters["SOIF_REFR_N"].fine_value) == (4, 44)
    assert (parameters["SOIF_REFR_N"].type, parameters["SOIF_DC_P"].type) == ("N", "P")
    for take_away in (lambda: parameters.pop("SOIF_REFR_N"), parameters.clear):
        with pytest.raises(DriverTypeError, match="cannot be taken away"):
            take_away()
    with pytest.raises(DriverTypeError, match="give a Dynapse2Parameter"):
        parameters["SOIF_REFR_N"] = (2, 3)


def test_words_go_through_json_as_the_driver_writes_it():
    event = NormalGridEvent()
    event.timestamp = 5
    event.event.tag, event.event.core, event.event.x_hop = 9, [True, False, True, False], -7
    text = event.to_json()
    assert json.loads(text) == {
        "value0": {
            "event": {
                "core": {"value0": True, "value1": False, "value2": True, "value3": False},
                "tag": 9,
                "xHop": -7,
                "yHop": 0,
            },
            "timestamp": 5,
        }
    }
    other = NormalGridEvent()
    other.from_json(text)
    assert other == event
    word, copied = Dynapse2Synapse(), Dynapse2Synapse()
    word.dendrite, word.weight, word.mismatched_delay = Dendrite.gaba, [True] * 4, True
    copied.from_json(word.to_json())
    assert copied == word
    parameter, other = Dynapse2Parameter(), Dynapse2Parameter()
    parameter.fine_value = 8
    other.from_json(parameter.to_json().replace('"type"', '"_address": 0, "type"'))
    assert other == parameter
    with pytest.raises(DriverTypeError, match="this is no JSON of the driver"):
        copied.from_json("[]")
    with pytest.raises(UnknownPartError, match="did you mean tag"):
        copied.from_json('{"value0": {"tags": 1}}')
