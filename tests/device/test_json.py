"""A configuration goes through JSON unchanged, and a file that is wrong lists all that is wrong."""

import json
import time

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brian2dynapse import configuration_json, facts
from brian2dynapse.configuration import (
    DESTINATIONS_PER_NEURON,
    LARGEST_CHIPS,
    LISTED_ERRORS,
    Configuration,
    Dendrite,
    blank,
    default_positions,
    fields,
)
from brian2dynapse.errors import ConfigurationError, DynapseError
from brian2dynapse.labels import EVENT, LARGEST_INPUT, NAME, NAME_RULE, InputLabel, Labels, PopulationLabel


def random_configuration(seed, chips=1, filled=1.0):
    """Any content, however odd, in a share of all words."""
    random, arrays = np.random.default_rng(seed), {}
    for name, field in fields().items():
        shape = (chips, *field.shape)
        values = (
            random.choice(field.values, shape) if field.values else random.integers(field.low, field.high + 1, shape)
        )
        if name.endswith("_codes"):
            values[..., 0] %= facts.COARSE_CODES
        arrays[name] = np.where(random.random(shape) < filled, values, blank(name, chips))
    if len(np.unique(arrays["positions"], axis=0)) < chips:
        arrays["positions"] = default_positions(chips)
    return Configuration(chips, **arrays)


def random_labels(seed, chips):
    """Populations and inputs with any content that labels can have."""
    random = np.random.default_rng(seed)
    neurons = np.split(random.permutation(facts.NEURONS_PER_CHIP * chips)[:60], [1, 20, 27])
    limits = [(0, 2048), (0, 16), (-7, 8), (-7, 8)]
    dendrites = [one.name for one in Dendrite if one]
    return Labels(
        [PopulationLabel(f"population_{k}", n, dendrites[: len(n) % 5]) for k, n in enumerate(neurons)],
        [
            InputLabel("silent", 3, ()),
            InputLabel("ins", 9, [[k % 9, *(random.integers(*limit) for limit in limits)] for k in range(20)]),
        ],
    )


LABELS = Labels(
    [PopulationLabel("pyr", range(260, 264), ("ampa", "gaba")), PopulationLabel("inh", [7, 2047], ())],
    [InputLabel("ins", 2, [(0, 1030, 0b0010, 0, 0), (1, 9, 0b1111, -1, 7)])],
)


def description():
    """What the file of a small configuration holds, to be damaged."""
    chip = Configuration(2)
    arrays = {name: array.copy() for name, array in chip.arrays().items()}
    arrays["synapse_tag"][0, 1, :20, 2] = 1030
    arrays["synapse_dendrite"][0, 1, :20, 2] = Dendrite.ampa
    arrays["destination_core"][1, 3, 7, 1] = 0b1010
    arrays["latches"][0, 2, [4, 9], 0] = True
    return configuration_json.to_dict(Configuration(2, labels=LABELS, **arrays))


def errors_of(found):
    with pytest.raises(ConfigurationError) as error:
        configuration_json.from_dict(found)
    return error.value.errors


# there and back -----------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3), st.sampled_from([0.0, 1e-4, 1e-2]))
def test_json_gives_the_same_configuration_back(seed, chips, filled):
    configuration = random_configuration(seed, chips, filled)
    found = json.loads(json.dumps(configuration_json.to_dict(configuration)))
    assert configuration_json.from_dict(found) == configuration


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3))
def test_json_gives_the_same_labels_back(seed, chips):
    labels = random_labels(seed, chips)
    found = json.loads(json.dumps(configuration_json.to_dict(Configuration(chips, labels=labels))))
    assert configuration_json.from_dict(found).labels == labels
    jsonschema.Draft202012Validator(configuration_json.schema()).validate(found)


def test_labels_are_columns_in_the_file(tmp_path):
    path = Configuration(2, labels=LABELS).to_json(tmp_path / "named.json")
    assert json.loads(path.read_text())["labels"] == {
        "populations": [
            {"name": "pyr", "neurons": [260, 261, 262, 263], "dendrites": ["ampa", "gaba"]},
            {"name": "inh", "neurons": [7, 2047], "dendrites": []},
        ],
        "inputs": [
            {
                "name": "ins",
                "size": 2,
                "events": {"index": [0, 1], "tag": [1030, 9], "core": [2, 15], "x_hop": [0, -1], "y_hop": [0, 7]},
            }
        ],
    }
    assert Configuration.from_json(path).labels == LABELS


def test_a_file_needs_no_labels(tmp_path):
    found = configuration_json.to_dict(Configuration())
    assert "labels" not in found and configuration_json.from_dict(found).labels == Labels()
    found["labels"] = {"populations": [], "inputs": []}
    assert configuration_json.from_dict(found).labels == Labels()


def test_a_full_chip_in_seconds(tmp_path):
    configuration = random_configuration(seed=1)
    start = time.perf_counter()
    path = configuration.to_json(tmp_path / "full.json")
    assert Configuration.from_json(path) == configuration
    assert time.perf_counter() - start < 4  # 0.3 s alone on a laptop; generous for a busy machine


def test_a_word_is_listed_if_any_entry_is_not_zero():
    tags = blank("synapse_tag", 1)
    tags[0, 2, 3, 4] = 5  # a tag without dendrite does nothing, but it is content
    synapses = configuration_json.to_dict(Configuration(synapse_tag=tags))["chips"][0]["cores"][2]["synapses"]
    row = {"neuron": 3, "cam": 4, "tag": 5, "weight": 0, "dendrite": 0}
    assert {name: column[0] for name, column in synapses.items()} == row | {
        "precise_delay": 0,
        "mismatched_delay": 0,
        "stp": 0,
    }


def test_blank_words_and_any_order_are_read_too():
    found = description()
    synapses = found["chips"][0]["cores"][1]["synapses"]
    for name in synapses:
        synapses[name].reverse()
        synapses[name].append({"neuron": 255, "cam": 63}.get(name, 0))
    assert configuration_json.from_dict(found) == configuration_json.from_dict(description())


def test_the_file_is_whole_or_not_there(tmp_path, monkeypatch):
    path = tmp_path / "folder" / "chip.json"
    assert configuration_json.write(Configuration(), path) == path
    before = path.read_bytes()
    assert list(path.parent.iterdir()) == [path]  # no temporary file is left

    def full_disk(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr("pathlib.Path.write_text", full_disk)
    with pytest.raises(DynapseError, match=r"chip.json': cannot be written: no space left") as error:
        configuration_json.write(random_configuration(2, filled=1e-3), path)
    assert isinstance(error.value.__cause__, OSError)
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_a_change_is_a_line_of_a_diff(tmp_path):
    """Each column and each code has a line of its own: one other weight and one other code are two other lines."""
    first = configuration_json.from_dict(description())
    weights, codes = first.synapse_weight.copy(), first.core_codes.copy()
    weights[0, 1, 7, 2] = 3
    codes[1, 3, 0] = (0, 1)
    lines = [
        configuration_json.write(one, tmp_path / "one.json").read_text().splitlines()
        for one in (first, first.replace(synapse_weight=weights, core_codes=codes))
    ]
    changed = [(here.strip(), there.strip()) for here, there in zip(*lines, strict=True) if here != there]
    assert len(changed) == 2
    assert changed[0][0].startswith('"weight": [0, 0') and changed[1][1] == '"SOIF_GAIN_N": [0, 1],'


def test_only_configurations_are_written(tmp_path):
    with pytest.raises(DynapseError, match="configuration is dict; give a Configuration"):
        configuration_json.write({}, tmp_path / "x.json")
    assert not list(tmp_path.iterdir())


# the published schema -----------------------------------------------------------------------------------------


def test_the_schema_is_a_schema():
    schema = configuration_json.schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("seed, filled", [(3, 0.0), (4, 1e-3)])
def test_any_validator_accepts_what_is_written(seed, filled):
    found = configuration_json.to_dict(random_configuration(seed, 2, filled))
    jsonschema.Draft202012Validator(configuration_json.schema()).validate(found)


def test_the_schema_agrees_with_the_tables():
    """Names of biases and latches, limits of every entry and sizes are declared once; the schema repeats them."""
    parts = configuration_json.schema()["$defs"]
    for scope in ("core", "shared", "sadc_group", "global"):
        names = parts[f"{scope}_parameters"]
        assert tuple(names["properties"]) == tuple(names["required"]) == facts.biases_of(scope)
    assert tuple(parts["latches"]["properties"]) == tuple(facts.latch_table())
    coarse, fine = (item["maximum"] + 1 for item in parts["code"]["prefixItems"])
    assert (coarse, fine) == (facts.COARSE_CODES, facts.FINE_CODES)
    whole = configuration_json.schema()["properties"]
    assert whole["chips"]["maxItems"] == LARGEST_CHIPS
    for kind in ("population", "input"):
        assert parts[kind]["properties"]["name"] == {"type": "string", "pattern": f"^{NAME}$"}
    assert parts["input"]["properties"]["size"]["maximum"] == LARGEST_INPUT
    assert parts["population"]["properties"]["dendrites"]["items"]["enum"] == [one.name for one in Dendrite if one]
    events = parts["events"]["properties"]
    assert tuple(events) == EVENT
    for name in EVENT[1:]:
        field = fields()[f"destination_{name}"]
        assert events[name]["items"] == {"type": "integer", "minimum": field.low, "maximum": field.high}
    columns = {
        "synapse": parts["synapses"]["properties"] | {"neuron": None, "cam": None},
        "destination": parts["destinations"]["properties"] | {"neuron": None, "slot": None},
    }
    for name, field in fields().items():
        table, _, column = name.partition("_")
        if table in columns:
            items = columns[table].pop(column)["items"]
            allowed = {"enum": list(field.values)} if field.values else {"minimum": field.low, "maximum": field.high}
            assert items == {"type": "integer", **allowed}, name
    assert all(not any(left.values()) for left in columns.values())
    last = {name: [column["items"]["maximum"] for column in list(parts[name]["properties"].values())[:2]]
            for name in ("synapses", "destinations")}  # fmt: skip
    assert last["synapses"] == [facts.NEURONS_PER_CORE - 1, facts.SYNAPSES_PER_NEURON - 1]
    assert last["destinations"] == [facts.NEURONS_PER_CORE - 1, DESTINATIONS_PER_NEURON - 1]
    place = parts["chip"]["properties"]["position"]["items"]
    assert (place["minimum"], place["maximum"]) == (fields()["positions"].low, fields()["positions"].high)
    assert parts["chip"]["properties"]["cores"]["minItems"] == facts.CORES_PER_CHIP
    assert parts["neurons"]["items"]["maximum"] == parts["core"]["properties"]["monitored_neuron"]["maximum"] == 255


# wrong files --------------------------------------------------------------------------------------------------


def damaged(*path, value):
    found = description()
    *way, last = path
    thing = found
    for part in way:
        thing = thing[part]
    if isinstance(thing, list) and last == len(thing):
        thing.append(value)
    else:
        thing[last] = value
    return found


CORE = ("chips", 0, "cores", 1)
PYR, INS = ("labels", "populations", 0), ("labels", "inputs", 0)


@pytest.mark.parametrize("path, value, expected", [
    ((*CORE, "synapses", "tag", 17), 2048, "chips[0].cores[1].synapses.tag[17] is 2048; at most 2047"),
    ((*CORE, "synapses", "tag", 17), -1, "chips[0].cores[1].synapses.tag[17] is -1; at least 0"),
    ((*CORE, "synapses", "tag", 17), 5.0, "chips[0].cores[1].synapses.tag[17] is 5.0; give an integer"),
    ((*CORE, "synapses", "tag", 17), 5000.0, "chips[0].cores[1].synapses.tag[17] is 5000.0; give an integer"),
    ((*CORE, "synapses", "tag", 17), float("nan"), "chips[0].cores[1].synapses.tag[17] is NaN; give an integer"),
    ((*CORE, "synapses", "stp", 0), True, "chips[0].cores[1].synapses.stp[0] is true; give an integer"),
    ((*CORE, "synapses", "tag", 0), "5", 'chips[0].cores[1].synapses.tag[0] is "5"; give an integer'),
    ((*CORE, "synapses", "tag", 0), 10**30, f"chips[0].cores[1].synapses.tag[0] is {10**30}; at most 2047"),
    ((*CORE, "synapses", "tag", 0), [5], "chips[0].cores[1].synapses.tag[0] is an array of 1; give an integer"),
    ((*CORE, "synapses", "tag"), 5, "chips[0].cores[1].synapses.tag is 5; give an array"),
    ((*CORE, "synapses", "dendrite", 2), 3,
     "chips[0].cores[1].synapses.dendrite[2] is 3; one of 0, 128, 256, 512, 1024"),
    ((*CORE, "synapses", "tag", 20), 7,
     "chips[0].cores[1].synapses: columns are of unequal length: neuron 20, cam 20, tag 21, weight 20, dendrite 20, "
     "precise_delay 20, mismatched_delay 20, stp 20"),
    ((*CORE, "synapses", "neuron", 3), 4, "chips[0].cores[1].synapses: neuron 4, cam 2 occurs 2 times"),
    ((*CORE, "synapses", "tags"), [],
     "chips[0].cores[1].synapses: 'tags' is not a key; did you mean tag?"),
    (("chips", 1, "cores", 3, "destinations", "x_hop", 0), -8,
     "chips[1].cores[3].destinations.x_hop[0] is -8; at least -7"),
    (("chips", 0, "cores", 2, "latches", "so_dc", 2), 4, "chips[0].cores[2].latches.so_dc: 4 occurs 2 times"),
    (("chips", 0, "cores", 2, "latches", "so_dcc"), [4],
     "chips[0].cores[2].latches: 'so_dcc' is not a key; did you mean so_dc or ho_so_de?"),
    ((*CORE, "monitored_neuron"), 256, "chips[0].cores[1].monitored_neuron is 256; at most 255"),
    ((*CORE, "monitored_neuron"), False, "chips[0].cores[1].monitored_neuron is false; give an integer or null"),
    ((*CORE, "parameters", "SOIF_LEAK_N"), [6, 1], "chips[0].cores[1].parameters.SOIF_LEAK_N[0] is 6; at most 5"),
    ((*CORE, "parameters", "SOIF_LEAK_N"), [1], "chips[0].cores[1].parameters.SOIF_LEAK_N has 1 entries; "
     "give at least 2"),
    ((*CORE, "parameters", "SOIF_LEAK_N"), [1, 2, 3], "chips[0].cores[1].parameters.SOIF_LEAK_N has 3 entries; "
     "give at most 2"),
    (("chips", 0, "sadc_group_parameters01", 2, "NCCF_HYS_P", 1), 256,
     "chips[0].sadc_group_parameters01[2].NCCF_HYS_P[1] is 256; at most 255"),
    (("chips", 0, "position"), [1, 0], "position [1, 0] is that of chips [0, 1]"),
    (("chips", 0, "cores", 4), {}, "chips[0].cores has 5 entries; give at most 4"),
    (("chips",), [], "chips has 0 entries; give at least 1"),
    (("chips", 1), None, "chips[1] is null; give an object"),
    (("comment",), "mine", "file: 'comment' is not a key; a key is one of format, version, chips, labels"),
    (("labels",), None, "labels is null; give an object"),
    (("labels", "inputs"), {}, "labels.inputs is an object of 0; give an array"),
    (("labels", "names"), [], "labels: 'names' is not a key; a key is one of populations, inputs"),
    (PYR, 5, "labels.populations[0] is 5; give an object"),
    ((*PYR, "name"), 5, "labels.populations[0].name is 5; give a string"),
    ((*PYR, "name"), "", f'labels.populations[0].name is ""; {NAME_RULE}'),
    ((*PYR, "name"), "my pop", f'labels.populations[0].name is "my pop"; {NAME_RULE}'),
    ((*PYR, "name"), "1a", f'labels.populations[0].name is "1a"; {NAME_RULE}'),
    ((*PYR, "name"), "π", f'labels.populations[0].name is "\\u03c0"; {NAME_RULE}'),
    ((*INS, "name"), "a*", f'labels.inputs[0].name is "a*"; {NAME_RULE}'),
    ((*INS, "name"), "a\n", f"labels.inputs[0].name is 'a\\n'; {NAME_RULE}"),
    ((*PYR, "name"), "inh", "labels.populations[1].name is 'inh', that of labels.populations[0]; names are unique"),
    ((*PYR, "name"), "ins", "labels.inputs[0].name is 'ins', that of labels.populations[0]; names are unique"),
    ((*PYR, "neurons"), "260", 'labels.populations[0].neurons is "260"; give an array'),
    ((*PYR, "neurons"), [], "labels.populations[0].neurons has 0 entries; give at least 1"),
    ((*PYR, "neurons", 3), 2048, "labels.populations[0].neurons[3] is 2048; 0..2047"),
    ((*PYR, "neurons", 3), 10**30, f"labels.populations[0].neurons[3] is {10**30}; 0..2047"),
    ((*PYR, "neurons", 3), -1, "labels.populations[0].neurons[3] is -1; at least 0"),
    ((*PYR, "neurons", 3), 5.0, "labels.populations[0].neurons[3] is 5.0; give an integer"),
    ((*PYR, "neurons", 3), 261,
     "labels.populations[0].neurons[3] is 261, that of labels.populations[0].neurons[1]; a neuron occurs once"),
    ((*PYR, "neurons", 3), 7,
     "labels.populations[1].neurons[0] is 7, that of labels.populations[0].neurons[3]; a neuron occurs once"),
    ((*PYR, "dendrites", 1), "gamma", 'labels.populations[0].dendrites[1] is "gamma"; one of shunt, nmda, gaba, ampa'),
    ((*PYR, "dendrites", 1), "ampa", 'labels.populations[0].dendrites: "ampa" occurs 2 times'),
    ((*INS, "size"), 0, "labels.inputs[0].size is 0; at least 1"),
    ((*INS, "size"), 10**9, "labels.inputs[0].size is 1000000000; at most 1000000"),
    ((*INS, "size"), 1, "labels.inputs[0].events.index[1] is 1; 0..0"),
    ((*INS, "events", "index", 1), 2, "labels.inputs[0].events.index[1] is 2; 0..1"),
    ((*INS, "events", "tag", 0), 2048, "labels.inputs[0].events.tag[0] is 2048; at most 2047"),
    ((*INS, "events", "core", 0), 16, "labels.inputs[0].events.core[0] is 16; at most 15"),
    ((*INS, "events", "x_hop", 0), -8, "labels.inputs[0].events.x_hop[0] is -8; at least -7"),
    ((*INS, "events", "y_hop", 0), True, "labels.inputs[0].events.y_hop[0] is true; give an integer"),
    ((*INS, "events", "tag", 2), 0,
     "labels.inputs[0].events: columns are of unequal length: index 2, tag 3, core 2, x_hop 2, y_hop 2"),
    (("version",), 2, "version is 2; this package reads 1: update brian2dynapse"),
    (("version",), "1", 'version is "1"; this package reads 1'),
    (("version",), 1.0, "version is 1.0; this package reads 1"),
    (("format",), "other", 'is not a configuration; an object with "format": "brian2dynapse configuration" is needed'),
])  # fmt: skip
def test_wrong_entries_are_named(path, value, expected, tmp_path):
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps(damaged(*path, value=value)))
    with pytest.raises(ConfigurationError) as error:
        configuration_json.read(file)
    assert expected in error.value.errors
    assert str(error.value).startswith(f"{file}: ")
    if path[0] == "labels":
        assert error.value.errors == [expected]  # what the schema has said is not said again


def test_all_errors_are_listed_at_once():
    found = description()
    core = found["chips"][0]["cores"][1]
    core["synapses"]["tag"][17] = 2048
    core["synapses"]["weight"][2] = 16
    core["synapses"]["neuron"][3] = 4
    core["parameters"]["SOIF_LEEK_N"] = core["parameters"].pop("SOIF_LEAK_N")
    del core["parameters"]["SOIF_GAIN_N"], found["chips"][1]["position"]
    found["chips"][1]["cores"][0]["destinations"]["tag"].append(3)
    found["labels"]["populations"][0]["neurons"][0] = 7
    found["labels"]["populations"][0]["dendrites"].append(5)
    found["labels"]["inputs"][0]["events"]["index"][0] = 2
    del found["labels"]["inputs"][0]["name"]
    assert errors_of(found) == [
        "chips[0].cores[1].parameters.SOIF_GAIN_N is missing",
        "chips[0].cores[1].parameters.SOIF_LEAK_N is missing",
        "chips[0].cores[1].parameters: 'SOIF_LEEK_N' is not a key; did you mean SOIF_LEAK_N or SOIF_REFR_N or "
        "SOIF_CC_N?",
        "chips[0].cores[1].synapses.tag[17] is 2048; at most 2047",
        "chips[0].cores[1].synapses.weight[2] is 16; at most 15",
        "chips[1].position is missing",
        "labels.populations[0].dendrites[2] is 5; one of shunt, nmda, gaba, ampa",
        "labels.inputs[0].name is missing",
        "chips[0].cores[1].synapses: neuron 4, cam 2 occurs 2 times",
        "chips[1].cores[0].destinations: columns are of unequal length: neuron 0, slot 0, tag 1, core 0, x_hop 0, "
        "y_hop 0",
        "labels.populations[1].neurons[0] is 7, that of labels.populations[0].neurons[0]; a neuron occurs once",
        "labels.inputs[0].events.index[0] is 2; 0..1",
    ]


def test_a_flood_of_errors_is_counted_and_quick():
    found = configuration_json.to_dict(random_configuration(seed=5))
    for core in found["chips"][0]["cores"]:
        core["synapses"]["tag"] = [5000] * len(core["synapses"]["tag"])
    start = time.perf_counter()
    errors = errors_of(found)
    assert time.perf_counter() - start < 4  # 0.3 s alone; the library by itself takes a minute
    words = len(found["chips"][0]["cores"][2]["synapses"]["tag"])
    assert f"chips[0].cores[2].synapses.tag: {words} wrong entries in all" in errors
    assert len(errors) == 4 * (LISTED_ERRORS + 1)
    found = configuration_json.to_dict(Configuration(labels=Labels(LABELS.populations[:1])))
    found["labels"]["populations"][0]["neurons"] = [1024] * 5000
    assert len(errors_of(found)) == LISTED_ERRORS + 1


def test_a_flood_of_wrong_labels_is_counted_and_quick():
    found = configuration_json.to_dict(Configuration())
    bad = {"name": "", "neurons": [5000], "dendrites": ["x"], "more": 1}
    found["labels"] = {"populations": [bad] * 20_000, "inputs": []}
    start = time.perf_counter()
    errors = errors_of(found)
    assert time.perf_counter() - start < 5  # 0.7 s alone
    assert len(errors) == LISTED_ERRORS + 2
    assert errors[-2:] == ["labels.populations: 20000 wrong entries in all", "labels: 60000 wrong entries in all"]


@pytest.mark.parametrize("text, message", [
    ("", "is not JSON: Expecting value"),
    ('{"format": ', "is not JSON: Expecting value: line 1"),
    ("[1, 2", "is not JSON"),
    ("[" * 100_000, "is not JSON"),
    ("1" * 5000, "is not JSON"),
    ("[]", "is not a configuration"),
    ("null", "is not a configuration"),
    ("{}", "is not a configuration"),
])  # fmt: skip
def test_other_files_are_named(text, message, tmp_path):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=message) as error:
        configuration_json.read(path)
    assert str(path) in str(error.value) and len(error.value.errors) == 1


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"missing.json: 1 error\n  cannot be read: No such file"):
        Configuration.from_json(tmp_path / "missing.json")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Configuration.from_json(tmp_path)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="is not JSON"):
        Configuration.from_json(tmp_path / "binary.json")
    with pytest.raises(ConfigurationError, match="cannot be read: embedded null byte"):
        Configuration.from_json("a\0b")
    for none in (None, 5.5):
        with pytest.raises(DynapseError, match=f"path is {none}; give the name of a file"):
            Configuration.from_json(none)


@pytest.mark.parametrize("name, reason", [
    ("", "Is a directory"),
    ("file/chip.json", "file is a file"),
    ("file/folder/chip.json", "Not a directory"),
    ("a\0b", "embedded null"),  # byte, or character: versions of Python differ
    ("a" * 300, "File name too long"),
])  # fmt: skip
def test_files_that_cannot_be_written_are_named(name, reason, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DynapseError, match=f"cannot be written: .*{reason}") as error:
        Configuration().to_json(f"{tmp_path}/{name}")
    assert str(tmp_path) in str(error.value) and error.value.__cause__ is not None
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_odd_names_of_files(tmp_path):
    with pytest.raises(DynapseError, match="path is None; give the name of a file"):
        Configuration().to_json(None)
    path = Configuration().to_json(tmp_path / ("a" * 250 + ".json"))  # the longest that there is
    assert Configuration.from_json(path) == Configuration()


def test_a_byte_order_mark_is_read_over(tmp_path):
    path = configuration_json.write(Configuration(), tmp_path / "marked.json")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert Configuration.from_json(path) == Configuration()


def test_a_key_given_twice_is_not_silently_dropped(tmp_path):
    path = configuration_json.write(Configuration(), tmp_path / "twice.json")
    text = path.read_text().replace('"SOIF_GAIN_N": [3, 80],', '"SOIF_GAIN_N": [3, 80], "SOIF_GAIN_N": [1, 1],', 1)
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="'SOIF_GAIN_N' occurs 2 times in one object"):
        configuration_json.read(path)
