"""A configuration is frozen, equal if the chips would be, complete in its errors, and reads like the driver's tree."""

import copy
import pickle

import numpy as np
import pytest

from brian2dynapse import facts
from brian2dynapse.configuration import LISTED_ERRORS, Configuration, Dendrite, blank, fields
from brian2dynapse.errors import ConfigurationError, DynapseError, UnknownNameError
from brian2dynapse.labels import LARGEST_INPUT, NAME_RULE, InputLabel, Labels, PopulationLabel


def written(chips=1, **words):
    """A configuration in which some entries are set: entry to (index, value)."""
    arrays = {name: blank(name, chips) for name in words}
    for name, (index, value) in words.items():
        arrays[name][index] = value
    return Configuration(chips, **arrays)


@pytest.fixture
def example():
    return written(
        2,
        synapse_tag=((0, 1, 5, 3), 1029),
        synapse_weight=((0, 1, 5, 3), 0b0010),
        synapse_dendrite=((0, 1, 5, 3), Dendrite.nmda),
        synapse_stp=((0, 1, 5, 3), True),
        destination_tag=((1, 2, 7, 0), 9),
        destination_core=((1, 2, 7, 0), 0b1100),
        destination_x_hop=((1, 2, 7, 0), -1),
        monitored=((0, 3), 17),
        latches=((0, 1, 5, list(facts.latch_table()).index("so_adaptation")), True),
        core_codes=((0, 1, facts.core_biases().index("SOIF_LEAK_N")), (0, 50)),
        shared_codes=((0, 1, facts.biases_of("shared").index("PG_BUF_N")), (1, 7)),
        sadc_codes=((0, 0, 2, facts.biases_of("sadc_group").index("NCCF_HYS_P")), (3, 9)),
    )


# defaults, equality, replacing --------------------------------------------------------------------------------


def test_what_is_not_given_is_blank_and_has_the_documented_codes():
    configuration = Configuration(3)
    for name in fields():
        array = getattr(configuration, name)
        assert array.shape == (3, *fields()[name].shape)
        if name == "monitored":
            assert (array == -1).all()
        elif not name.endswith("_codes") and name != "positions":
            assert not array.any()
    for chip in configuration.chips:
        for core in chip.cores:
            for name, parameter in core.parameters.items():
                assert (parameter.coarse_value, parameter.fine_value) == facts.bias(name).default
    assert [chip.position for chip in configuration.chips] == [(0, 0), (1, 0), (2, 0)]
    assert not configuration.used_neurons().any()


def test_a_configuration_is_frozen(example):
    with pytest.raises(DynapseError, match="synapse_tag: a configuration is frozen.*replace"):
        example.synapse_tag = 3
    with pytest.raises(DynapseError, match="synapse_tag: a configuration is frozen.*replace"):
        del example.synapse_tag
    for configuration in (example, copy.deepcopy(example), pickle.loads(pickle.dumps(example))):
        for array in configuration.arrays().values():
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0
            with pytest.raises(ValueError, match="cannot set WRITEABLE"):
                array.setflags(write=True)


def test_a_configuration_does_not_follow_the_arrays_it_was_made_of():
    tags = blank("synapse_tag", 1)
    configuration = Configuration(synapse_tag=tags)
    tags[:] = 7
    assert configuration == Configuration()


def test_every_word_counts_for_equality(example):
    assert example == example.replace() and hash(example) == hash(example.replace())
    for name, field in fields().items():
        changed = getattr(example, name).copy()
        last = (-1,) * changed.ndim
        changed[last] = field.low if changed[last] == field.high else field.high
        assert example.replace(**{name: changed}) != example, name
    assert example != Configuration(1) and example != "example"


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_are_equal_and_frozen(example, how):
    copied = how(example)
    assert copied == example
    assert not copied.synapse_tag.flags.writeable


def test_replace_leaves_the_original(example):
    before = example.synapse_tag.copy()
    other = example.replace(synapse_tag=np.zeros_like(before))
    assert np.array_equal(example.synapse_tag, before) and other.chips[0].cores[1].neurons[5].synapses[3].tag == 0
    with pytest.raises(DynapseError, match=r"chips cannot be replaced; make another one with Configuration\(chips"):
        example.replace(chips=2)
    with pytest.raises(ConfigurationError, match="monitored: has rows of unequal length"):
        example.replace(monitored=[[1], [2, 3]])


def test_a_difference_is_a_row_with_its_path(example):
    assert example.diff(example).empty
    tags = example.synapse_tag.copy()
    tags[0, 1, 5, 3] = 2
    codes = example.sadc_codes.copy()
    codes[1, 1, 0, 0, 1] = 3
    rows = example.diff(example.replace(synapse_tag=tags, sadc_codes=codes))
    assert rows.to_dict("records") == [
        {
            "path": "chips[1].sadc_group_parameters23[0]['NCCF_PWLK_P'].fine_value",
            "entry": "sadc_codes",
            "here": 160,
            "there": 3,
        },
        {"path": "chips[0].cores[1].neurons[5].synapses[3].tag", "entry": "synapse_tag", "here": 1029, "there": 2},
    ]
    with pytest.raises(DynapseError, match="has 2 chips, the other 1"):
        example.diff(Configuration(1))


def test_paths_of_differences_can_be_evaluated(example):
    """A path is Python: in the tree of a configuration it gives the value."""
    for row in example.diff(Configuration(2)).itertuples():
        if row.entry == "monitored":
            assert eval(f"example.{row.path}") == max(row.here, 0)
        elif row.entry in ("synapse_weight", "destination_core"):
            assert eval(f"example.{row.path}") == [bool(row.here >> k & 1) for k in range(4)]
        else:
            assert eval(f"example.{row.path}") == row.here


# errors -------------------------------------------------------------------------------------------------------


def test_all_errors_are_listed_with_their_paths():
    tags, codes, latches = blank("synapse_tag", 1), blank("core_codes", 1), blank("latches", 1).astype(int)
    tags[0, 1, 200, 63] = 2048
    codes[0, 3, 1, 0] = 6
    latches[0, 0, 4, 0] = 2
    hops, dendrites = blank("destination_y_hop", 1), blank("synapse_dendrite", 1)
    hops[0, 2, 9, 3] = -8
    dendrites[0, 0, 0, 1] = 3
    with pytest.raises(ConfigurationError) as error:
        Configuration(
            synapse_tag=tags,
            core_codes=codes,
            latches=latches,
            destination_y_hop=hops,
            synapse_dendrite=dendrites,
            monitored=np.full((1, 4), 256),
            synapse_stp=np.zeros(3, dtype=bool),
            synapse_weight=np.zeros((1, 4, 256, 64)),
        )
    found = error.value.errors
    for expected in (
        "chips[0].cores[1].neurons[200].synapses[63].tag is 2048; 0..2047",
        "chips[0].cores[3].parameters['SOIF_LEAK_N'].coarse_value is 6; a coarse value is 0..5, a fine value 0..255",
        "chips[0].cores[0].neurons[4].latch_so_dc is 2; 0..1",
        "chips[0].cores[2].neurons[9].destinations[3].y_hop is -8; -7..7",
        "chips[0].cores[0].neurons[0].synapses[1].dendrite is 3; 0 or 128 or 256 or 512 or 1024",
        "chips[0].cores[2].monitored_neuron is 256; -1..255",
        "synapse_stp: has shape (3,) and type bool; give integers of shape (1, 4, 256, 64)",
        "synapse_weight: has shape (1, 4, 256, 64) and type float64; give integers of shape (1, 4, 256, 64)",
    ):
        assert expected in found
    assert len(found) == 11  # the monitors are four


def test_a_flood_of_errors_is_counted():
    with pytest.raises(ConfigurationError) as error:
        Configuration(synapse_tag=np.full((1, 4, 256, 64), 5000))
    assert len(error.value.errors) == LISTED_ERRORS + 1
    assert error.value.errors[-1] == "synapse_tag: 65536 wrong entries in all"


@pytest.mark.parametrize("arguments, error, message", [
    ({"chips": 0}, DynapseError, "chips is 0; give the number of chips"),
    ({"chips": True}, DynapseError, "chips is True"),
    ({"chips": 10**9}, DynapseError, "chips is 1000000000; give the number of chips, 1..225"),
    ({"tags": 0}, UnknownNameError, "'tags' is not a field of a configuration"),
    ({"monitored": [[1], [2, 3]]}, ConfigurationError, "monitored: has rows of unequal length .* shape"),
    ({"synapse_tags": 0}, UnknownNameError, "did you mean synapse_tag"),
    ({"chips": 2, "positions": [[1, 1], [1, 1]]}, ConfigurationError, r"position \(1, 1\) is that of chips \[0, 1\]"),
])  # fmt: skip
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        Configuration(**arguments)


# labels -------------------------------------------------------------------------------------------------------


LABELS = Labels(
    (PopulationLabel("pyr", (250, 260, 261), ("ampa",)), PopulationLabel("inh", (263, 1500), ("ampa", "gaba"))),
    (InputLabel("ins", 2, ((0, 1030, 2, 0, 0), (1, 9, 15, -1, 0))),),
)


def test_labels_are_comments(example):
    assert example.labels == Labels() and not Labels()
    named = example.replace(labels=LABELS)
    assert named.labels == LABELS and named == example and hash(named) == hash(example)
    assert named.diff(example).empty
    with pytest.raises(DynapseError, match="labels: a configuration is frozen"):
        named.labels = Labels()


def test_labels_stay_unless_replaced(example):
    named = example.replace(labels=LABELS)
    assert named.replace(monitored=blank("monitored", 2)).labels == LABELS
    assert named.replace(labels=None).labels == Labels()
    for how in (copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))):
        assert how(named).labels == LABELS


def test_labels_are_kept_as_tuples_of_plain_integers():
    given = Labels(
        [PopulationLabel("pyr", np.array([250, 260, 261]), ["ampa"]), PopulationLabel("inh", [263, np.int32(1500)],
                                                                                      ("ampa", "gaba"))],
        [InputLabel("ins", np.int64(2), np.array([[0, 1030, 2, 0, 0], [1, 9, 15, -1, 0]]))],
    )  # fmt: skip
    assert given == LABELS and hash(given) == hash(LABELS)
    assert type(given.populations[0].neurons[0]) is type(given.inputs[0].events[0][1]) is int
    assert PopulationLabel("pyr", range(3), ()).neurons == (0, 1, 2)


def test_the_summary_names_the_populations_of_each_core(example):
    summary = example.replace(labels=LABELS).summary().set_index(["chip", "core"])["populations"]
    assert summary[summary != ""].to_dict() == {(0, 0): "pyr", (0, 1): "pyr, inh", (1, 1): "inh"}
    assert set(example.summary()["populations"]) == {""}


def test_all_errors_of_labels_are_listed_with_the_others():
    labels = Labels(
        [
            PopulationLabel("pyr", (0, 1, 2, 1024), ("ampa", "gamma")),
            PopulationLabel("", (3, True, 1, "4"), "ampa"),
            PopulationLabel("inh", (), ("gaba", "gaba", "none")),
            "exc",
        ],
        [
            InputLabel("pyr", 2, [(0, 2047, 15, -7, 7), (2, 2048, 16, -8, 8), (0, 1)]),
            InputLabel(None, 0, [(5, 0, 0, 0, 1.0), (-1, 0, 0, 0, 0)]),
            InputLabel("ins", 1, None),
        ],
    )
    tags = blank("synapse_tag", 1)
    tags[0, 1, 200, 63] = 2048
    with pytest.raises(ConfigurationError) as error:
        Configuration(synapse_tag=tags, labels=labels)
    assert error.value.errors == [
        "chips[0].cores[1].neurons[200].synapses[63].tag is 2048; 0..2047",
        "labels.populations[0].neurons[3] is 1024; 0..1023",
        "labels.populations[0].dendrites[1] is 'gamma'; one of shunt, nmda, gaba, ampa",
        f"labels.populations[1].name is ''; {NAME_RULE}",
        "labels.populations[1].neurons[1] is True; 0..1023",
        "labels.populations[1].neurons[2] is 1, that of labels.populations[0].neurons[1]; a neuron occurs once",
        "labels.populations[1].neurons[3] is '4'; 0..1023",
        "labels.populations[1].dendrites is 'ampa'; give a sequence of shunt, nmda, gaba, ampa",
        "labels.populations[2].neurons is (); give the physical neurons of the population, at least one",
        "labels.populations[2].dendrites[2] is 'none'; one of shunt, nmda, gaba, ampa",
        "labels.populations[2].dendrites: 'gaba' occurs 2 times",
        "labels.populations[3] is 'exc'; give PopulationLabel",
        "labels.inputs[0].name is 'pyr', that of labels.populations[0]; names are unique",
        "labels.inputs[0].events[1].index is 2; 0..1",
        "labels.inputs[0].events[1].tag is 2048; 0..2047",
        "labels.inputs[0].events[1].core is 16; 0..15",
        "labels.inputs[0].events[1].x_hop is -8; -7..7",
        "labels.inputs[0].events[1].y_hop is 8; -7..7",
        "labels.inputs[0].events[2] is (0, 1); give (index, tag, core, x_hop, y_hop)",
        f"labels.inputs[1].name is None; {NAME_RULE}",
        "labels.inputs[1].size is 0; give the number of inputs, 1..1000000",
        "labels.inputs[1].events[0].y_hop is 1.0; -7..7",
        "labels.inputs[1].events[1].index is -1; an integer, 0 or more",
        "labels.inputs[2].events is None; give a sequence of (index, tag, core, x_hop, y_hop)",
    ]


@pytest.mark.parametrize("labels, message", [
    ({}, r"labels is \{\}; give a Labels"),
    (Labels(5), "labels.populations is 5; give a sequence of PopulationLabel"),
    (Labels((), {1}), r"labels.inputs is \{1\}; give a sequence of InputLabel"),
    (Labels([LABELS.inputs[0]]), r"labels.populations\[0\] is InputLabel\(.*; give PopulationLabel"),
])  # fmt: skip
def test_what_is_no_label_is_named(labels, message):
    with pytest.raises(ConfigurationError, match=message):
        Configuration(labels=labels)


@pytest.mark.parametrize("name", ["my pop", "1a", "a*", "π", "a\n"])
def test_names_are_those_that_brian2_takes(name):
    labels = Labels([PopulationLabel(name, [0], ())], [InputLabel(name, 1, ())])
    with pytest.raises(ConfigurationError) as error:
        Configuration(labels=labels)
    kinds = ("populations", "inputs")
    assert error.value.errors == [f"labels.{kind}[0].name is {name!r}; {NAME_RULE}" for kind in kinds]
    fine = Labels([PopulationLabel("_Pop_1", [0], ())])  # Brian2 takes an underscore first
    assert Configuration(labels=fine).labels == fine


def test_a_group_of_inputs_has_a_largest_size():
    assert Configuration(labels=Labels((), [InputLabel("ins", LARGEST_INPUT, ())]))
    with pytest.raises(ConfigurationError, match=r"inputs\[0\].size is 1000001; give the number of inputs, 1..1000000"):
        Configuration(labels=Labels((), [InputLabel("ins", LARGEST_INPUT + 1, ())]))


def test_a_flood_of_wrong_labels_is_counted():
    labels = Labels([PopulationLabel("", [5000], ["x"])] * 2000)
    with pytest.raises(ConfigurationError) as error:
        Configuration(labels=labels)
    assert len(error.value.errors) == LISTED_ERRORS + 1
    assert error.value.errors[-1] == "labels: 6000 wrong entries in all"


# the tree -----------------------------------------------------------------------------------------------------


def test_the_tree_reads_like_the_driver(example):
    synapse = example.chips[0].cores[1].neurons[5].synapses[3]
    assert (synapse.tag, synapse.weight) == (1029, [False, True, False, False])
    assert synapse.dendrite is Dendrite.nmda
    assert (synapse.stp, synapse.precise_delay, synapse.mismatched_delay) == (True, False, False)
    destination = example.chips[1].cores[2].neurons[7].destinations[0]
    assert (destination.tag, destination.core) == (9, [False, False, True, True])
    assert (destination.x_hop, destination.y_hop) == (-1, 0)
    neuron = example.chips[0].cores[1].neurons[5]
    assert neuron.latch_so_adaptation is True and neuron.latch_so_dc is False
    leak = example.chips[0].cores[1].parameters["SOIF_LEAK_N"]
    assert (leak.coarse_value, leak.fine_value) == (0, 50)
    cores = example.chips[0].cores
    assert [(core.monitored_neuron, core.neuron_monitoring_on) for core in cores] == [(0, False)] * 3 + [(17, True)]
    buffer = example.chips[0].shared_parameters23["PG_BUF_N"]
    assert (buffer.coarse_value, buffer.fine_value) == (1, 7)
    assert example.chips[0].shared_parameters01["PG_BUF_N"].fine_value == 50
    assert example.chips[0].sadc_group_parameters01[2]["NCCF_HYS_P"].fine_value == 9
    assert set(example.chips[0].global_parameters) == {"R2R_BUFFER_AMPB", "R2R_BUFFER_CCB"}
    assert example.chips[1].position == (1, 0)


def test_values_are_plain_python(example):
    synapse = example.chips[0].cores[1].neurons[5].synapses[3]
    assert type(synapse.tag) is int and type(synapse.stp) is bool and type(synapse.weight[0]) is bool
    assert type(example.chips[0].cores[3].monitored_neuron) is int
    assert type(example.chips[0].cores[0].parameters["SOIF_LEAK_N"].fine_value) is int


def test_sequences_have_lengths_ends_and_slices(example):
    chips = example.chips
    neuron = chips[-1].cores[-1].neurons[-1]
    assert [len(one) for one in (chips, chips[0].cores, chips[0].cores[0].neurons)] == [2, 4, 256]
    assert [len(one) for one in (neuron.synapses, neuron.destinations)] == [64, 4]
    assert len(chips[0].sadc_group_parameters23) == 3
    assert sum(1 for core in chips[0].cores for _ in core.neurons) == 1024
    assert [one.tag for one in chips[0].cores[1].neurons[5].synapses[2:5]] == [0, 1029, 0]
    assert chips[0].cores[1].neurons[np.int64(5)].synapses[-61].tag == 1029
    for wrong in (256, -257):
        with pytest.raises(IndexError, match=rf"neurons\[{wrong}\]: an index is 0..255") as error:
            chips[0].cores[0].neurons[wrong]
        assert isinstance(error.value, DynapseError)
    with pytest.raises(DynapseError, match=r"cores\['0'\]: an index is an integer 0..3"):
        chips[0].cores["0"]
    for wrong in (slice(None, None, 0), slice("a", None)):
        with pytest.raises(DynapseError, match=r"chips\[slice\(.*\]: give integers, and a step other than 0"):
            chips[wrong]


def test_parameters_are_a_mapping(example):
    parameters = example.chips[0].cores[1].parameters
    assert list(parameters) == list(parameters.keys()) == list(facts.core_biases()) and len(parameters) == 51
    assert "SOIF_LEAK_N" in parameters and "SOIF_LEEK_N" not in parameters
    assert parameters == example.replace().chips[0].cores[1].parameters != example.chips[0].cores[0].parameters
    with pytest.raises(UnknownNameError, match="'SOIF_LEEK_N' is not a core parameter; did you mean SOIF_LEAK_N"):
        parameters["SOIF_LEEK_N"]
    with pytest.raises(UnknownNameError, match=r"\(PG_BUF_N is a shared parameter\)"):
        parameters["PG_BUF_N"]


def test_unknown_attributes_suggest_near_ones(example):
    neuron = example.chips[0].cores[0].neurons[0]
    for thing, name, near in (
        (neuron, "latch_so_adaption", "latch_so_adaptation"),
        (neuron.synapses[0], "dendrit", "dendrite"),
        (example.chips[0], "core", "cores"),
        (example.chips[0].cores[0], "parameter", "parameters"),
    ):
        with pytest.raises(AttributeError, match=f"'{name}' is not a part of a .*did you mean {near}"):
            getattr(thing, name)
        assert near in dir(thing)


def test_nothing_in_the_tree_can_be_set(example):
    core = example.chips[0].cores[0]
    synapse = core.neurons[0].synapses[0]
    frozen = r"cannot be set: a configuration is frozen; make another one with replace\(\.\.\.\)"
    for thing, name in ((synapse, "tag"), (core, "monitored_neuron"), (core.neurons[0], "latch_so_dc"),
                        (core.parameters["SOIF_LEAK_N"], "fine_value"), (example.chips[0], "anything")):  # fmt: skip
        with pytest.raises(DynapseError, match=f"{name} {frozen}"):
            setattr(thing, name, 1)
    for items, key in ((example.chips, 0), (core.neurons, 3), (core.parameters, "SOIF_LEAK_N"), (synapse.weight, 0),
                       (example.chips[0].sadc_group_parameters01, 0)):  # fmt: skip
        with pytest.raises(DynapseError, match=frozen):
            items[key] = 1
    with pytest.raises(DynapseError, match=frozen):
        del core.parameters["SOIF_LEAK_N"]


def test_bits_are_a_list_that_nobody_can_change(example):
    weight = example.chips[0].cores[1].neurons[5].synapses[3].weight
    for change, arguments in (("append", (5,)), ("extend", ([5],)), ("insert", (0, 5)), ("remove", (True,)),
                              ("pop", ()), ("clear", ()), ("sort", ()), ("reverse", ()), ("__iadd__", ([5],)),
                              ("__imul__", (2,))):  # fmt: skip
        with pytest.raises(DynapseError, match="cannot be set: a configuration is frozen"):
            getattr(weight, change)(*arguments)
    with pytest.raises(DynapseError, match="cannot be set: a configuration is frozen"):
        weight.sort(reverse=True)
    assert weight == [False, True, False, False] == copy.deepcopy(weight) == pickle.loads(pickle.dumps(weight))


def test_words_with_the_same_content_are_equal(example):
    synapses = example.chips[0].cores[1].neurons[5].synapses
    assert synapses[0] == synapses[1] != synapses[3]
    assert pickle.loads(pickle.dumps(synapses[3])) == copy.copy(synapses[3]) == synapses[3]
    assert synapses[3] in synapses and synapses.index(synapses[3]) == 3


def test_shows_itself(example):
    assert repr(example) == "<Configuration of 2 chips: 3 neurons used, 1 synapses>"
    core = example.chips[0].cores[1]
    assert repr(core) == "<chips[0].cores[1]: neurons used 1, synapses used 1, monitored neuron none>"
    assert repr(example.chips[0].cores[3]).endswith("monitored neuron 17>")
    expected = "<chips[0].cores[1].neurons[5]: synapses used 1, destinations used 0, latches so_adaptation>"
    assert repr(core.neurons[5]) == expected
    assert "tag 1029" in repr(core.neurons[5].synapses[3]) and "nmda" in repr(core.neurons[5].synapses[3])
    assert repr(example.chips) == "<2 chips>" and "SOIF_LEAK_N: (0, 50)" in repr(core.parameters)
    assert "at (1, 0)" in repr(example.chips[1])
    summary = example.summary().set_index(["chip", "core"])
    assert summary.loc[(0, 1), "latches"] == "so_adaptation" and summary["synapses"].sum() == 1
    assert "<table" in example._repr_html_()
