"""What a configuration means for the places of a board, without a program."""

import re

import numpy as np
import pytest
from board_reference import Draft

import brian2dynapse as bd
from brian2dynapse import board_arguments, board_model, circuits, dac
from brian2dynapse.board_engine import Engine
from brian2dynapse.board_memory import TAGS, Memory, cores_and_tags
from brian2dynapse.delivery import realised
from brian2dynapse.errors import DynapseError


def memory_of(configuration, seed):
    """Places in random order."""
    memory = Memory(bd.Chip(), dac.nominal_table())
    memory.add(np.random.default_rng(seed).permutation(np.flatnonzero(configuration.used_neurons())))
    return memory


@pytest.mark.parametrize("seed", range(3))
def test_events_reach_the_words_of_the_realised_connectivity(seed):
    """Random memory of two chips, shared tags and doubled destinations, against `delivery.realised`."""
    generator = np.random.default_rng(seed)
    draft = Draft(chips=2)
    for name, high in (("synapse_tag", 12), ("destination_tag", 12), ("destination_core", 16)):
        draft[name][:, :, :9] = generator.integers(0, high, draft[name][:, :, :9].shape)
    shape = draft["synapse_dendrite"][:, :, :9].shape
    draft["synapse_dendrite"][:, :, :9] = generator.choice([0, 128, 256, 512, 1024], shape)
    draft["destination_x_hop"][:, :, :9] = generator.integers(-2, 3, draft["destination_x_hop"][:, :, :9].shape)
    configuration = draft.made()
    memory = memory_of(configuration, seed)
    first_word, words = memory.listeners(configuration)
    first_send, sends = memory.sends(configuration)
    found = []
    for place, source in enumerate(memory.physical):
        for key in sends[first_send[place] : first_send[place + 1]]:
            for word in words[first_word[key] : first_word[key + 1]]:
                target, cam = divmod(int(word), 64)
                found.append((int(source), int(memory.physical[target]), cam))
    rows = realised(configuration)
    targets = rows["chip"] * 1024 + rows["core"] * 256 + rows["neuron"]
    assert len(rows) > 1000
    assert sorted(found) == sorted(zip(rows["source"], targets, rows["cam"], strict=True))


def test_an_event_goes_to_the_cores_of_its_mask():
    row, keys = cores_and_tags(np.array([0, 1, -1]), np.array([5, 8, 15]), np.array([3, 4, 5]))
    assert row.tolist() == [0, 0, 1]
    assert keys.tolist() == [3, 2 * TAGS + 3, 7 * TAGS + 4]


def test_words_have_the_parameters_of_connections():
    """Weight, pulse and delay of words with mismatch are those of a Connection in the same words."""
    chip = bd.Chip(seed=5, mismatch=0.3)
    neurons = bd.Neurons(3, bd.Biases(), chip=chip, physical=np.array([7, 2, 300]))
    source = bd.Neurons(1, bd.Biases(), name="source")
    connection = bd.Connection(source, neurons, "gaba", np.array([3, 9, 15]), delay="both", std=True)
    connection.connect(i=[0, 0, 0], j=[0, 1, 2], cams=[4, 63, 0])
    draft = Draft()
    for neuron, cam, mask in ((7, 4, 3), (2, 63, 9), (300, 0, 15)):
        word = 0, *divmod(neuron, 256), cam
        draft["synapse_dendrite"][word], draft["synapse_weight"][word] = 512, mask
        for name in ("synapse_precise_delay", "synapse_mismatched_delay", "synapse_stp"):
            draft[name][word] = True
    memory = Memory(chip, dac.nominal_table())
    memory.add(np.array([7, 2, 300]))
    names = ("I_weight", "I_extender", "I_std_drop", "I_std_recovery")
    values, kinds = memory.words(draft.made(), names)
    words = np.arange(3) * 64 + [4, 63, 0]
    for name, here in zip(names, values, strict=False):
        np.testing.assert_allclose(here[words], np.asarray(getattr(connection, f"{name}_")), rtol=1e-12)  # rounding
    np.testing.assert_allclose(values[-1][words], np.asarray(connection.delay_), rtol=1e-12)
    assert kinds[words].tolist() == [3 + 8] * 3 and np.count_nonzero(kinds) == 3


def test_the_code_of_an_event_is_made_of_the_pages():
    code = board_model.event_code()
    assert code.parameters == ("I_weight", "I_extender", "I_std_drop", "I_std_recovery")
    assert code.states == ("depression", "t_end")
    assert "depression" not in code.plain and "word.depression =" in code.depressing


@pytest.mark.parametrize("reading", [{}, {"swap_gaba_shunt": True}, {"symmetric_conductance": True}, {"noise": True}])
@pytest.mark.parametrize("extra", [frozenset(), board_model.EXTRA])
def test_no_dendrite_acts_without_its_switch(reading, extra):
    model = board_model.model(board_model.ALWAYS | extra, circuits.Reading(**reading))
    sums = [line for line in model.equations.splitlines() if line.startswith(("I_sum =", "I_inhibition ="))]
    assert len(sums) == 2
    for dendrite, (current, _) in circuits.DENDRITES.items():
        used = re.findall(rf"(\w+\*)?{current}(?:_grid)?\b", " ".join(sums))
        assert used == [f"use_{dendrite}*"] * len(used) != []


def test_neurons_that_are_simulated_must_exist(tmp_path):
    with pytest.raises(DynapseError, match=r"neurons are \[1024\]; give integers 0\.\.1023"):
        Engine(neurons=[1024], directory=tmp_path)
    assert not list(tmp_path.iterdir())  # refused before anything is compiled


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"chips": 0}, "chips is 0"),
        ({"chip": 3}, "chip is int"),
        ({"dt": 1.5e-6}, "whole number of microseconds"),
        ({"seed": -1}, "seed is -1"),
        ({"chip": bd.Chip(events_per_spike=3)}, "events_per_spike of the chip is 3"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(DynapseError, match=message):
        Engine(**arguments)


@pytest.mark.parametrize(
    "events, message",
    [
        ([(1, 1, 1, 1)], r"chip of event 0 is 1; it is 0\.\.0"),
        ([(0, 16, 1, 1)], r"core mask of event 0 is 16; it is 0\.\.15"),
        ([(0, 1, 1)], "shape"),
        ([(0, 1, 1, 0.5)], "type float64"),
    ],
)
def test_what_is_no_event_is_refused(events, message):
    with pytest.raises(DynapseError, match=message):
        board_arguments.checked_events(events, chips=1, now=0)
