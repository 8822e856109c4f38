"""The checker of mappings: what is right passes, and any one thing that is wrong is named by its rule.

The mappings are made here, without the mapper: one tag a source, CAM words in their order, one destination a chip.
"""

import pickle
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brian2dynapse import facts
from brian2dynapse.chip_profile import ChipProfile
from brian2dynapse.configuration import Configuration, Dendrite, blank, fields
from brian2dynapse.delivery import realised
from brian2dynapse.demand import Demand, InputGroup, Link, Population
from brian2dynapse.errors import DynapseError, VerificationError
from brian2dynapse.replay import verify

KIND = ["dendrite", "weight", "precise_delay", "mismatched_delay", "stp"]
SYNAPSES = ["link", "number", "source", "target", *KIND, "cam", "tag"]
AMPA, GABA = int(Dendrite.ampa), int(Dendrite.gaba)
DEFAULTS = {name: facts.bias(name).default for name in facts.core_biases()}
FAST = DEFAULTS | {"SOIF_LEAK_N": (3, 30)}
EVENT = ["group", "index", "source", "tag", "core", "x_hop", "y_hop"]


def population(name, size, codes=DEFAULTS, latches=(), read_out=(), monitored=(), physical=None):
    flags = np.isin(np.arange(size), read_out)
    return Population(name, size, codes, frozenset(latches), ("ampa", "gaba"), flags, tuple(monitored), physical)


def demand_of(populations, inputs, synapses):
    """Synapses are rows (source, target, dendrite, weight, precise, mismatched, stp), and cam and tag if asked for."""
    rows = [(0, k, *row, *(-1, -1)[len(row) - 7 :]) for k, row in enumerate(synapses)]
    table = pd.DataFrame(rows, columns=SYNAPSES).astype(int)
    return Demand(tuple(populations), tuple(inputs), (Link("link", "a", "b", False),), table)


def allocate(demand, physical, chips, positions=None):
    """The simplest right mapping of a demand with few synapses."""
    arrays = {name: blank(name, chips) for name in fields()}
    if positions is not None:
        arrays["positions"] = np.array(positions)
    physical = np.asarray(physical)
    chip, core, neuron = place = physical // 1024, physical // 256 % 4, physical % 256
    biases, latches = facts.core_biases(), list(facts.latch_table())
    for group in demand.populations:
        mine = physical[demand.members(group.name)]
        for one in mine:
            arrays["core_codes"][one // 1024, one // 256 % 4] = [group.codes[name] for name in biases]
            arrays["latches"][one // 1024, one // 256 % 4, one % 256] = [name in group.latches for name in latches]
        for k in group.monitored:
            arrays["monitored"][mine[k] // 1024, mine[k] // 256 % 4] = mine[k] % 256
    cams, sends, rows, inputs = dict.fromkeys(range(demand.neuron_count), 0), {}, [], []
    for row in demand.synapses.itertuples():
        at = tuple(part[row.target] for part in place)
        cam, tag = cams[row.target], row.source + 1
        cams[row.target] += 1
        arrays["synapse_tag"][(*at, cam)] = tag
        for name in KIND:
            arrays[f"synapse_{name}"][(*at, cam)] = getattr(row, name)
        sends.setdefault(row.source, {}).setdefault(at[0], set()).add(at[1])
        rows.append((*at, cam, tag))
    for source, masks in sends.items():
        inside = source < demand.neuron_count
        for k, (there, cores) in enumerate(masks.items()):
            x, y = arrays["positions"][there] - arrays["positions"][chip[source] if inside else 0]
            word = (source + 1, sum(1 << one for one in cores), x, y)
            if inside:
                set_destination(arrays, physical[source], k, *word)
            else:
                group = demand.group_of[source]
                inputs.append((demand.groups[group].name, source - demand.starts[group], source, *word))
    for source in np.flatnonzero(demand.read_out):
        set_destination(arrays, physical[source], 3, physical[source] % 1024, 15, -7, 0)
    names = [(group.name, k) for group in demand.populations for k in range(group.size)]
    neurons = pd.DataFrame(names, columns=["population", "index"]).assign(chip=chip, core=core, neuron=neuron)
    return SimpleNamespace(
        configuration=Configuration(chips, **arrays),
        demand=demand,
        neurons=neurons,
        inputs=pd.DataFrame(inputs, columns=EVENT),
        synapses=pd.DataFrame(rows, columns=["chip", "core", "neuron", "cam", "tag"]),
        codes_changed={},
        profile=None,
    )


def set_destination(arrays, physical, slot, tag, core, x, y):
    at = (physical // 1024, physical // 256 % 4, physical % 256, slot)
    for name, value in zip(("tag", "core", "x_hop", "y_hop"), (tag, core, x, y), strict=True):
        arrays[f"destination_{name}"][at] = value


def changed(mapping, **entries):
    """A mapping with one entry of its configuration changed: name={index: value}."""
    arrays = {}
    for name, values in entries.items():
        arrays[name] = getattr(mapping.configuration, name).copy()
        for index, value in values.items():
            arrays[name][index] = value
    return with_parts(mapping, configuration=mapping.configuration.replace(**arrays))


def with_parts(mapping, **parts):
    return SimpleNamespace(**(vars(mapping) | parts))


def with_cells(mapping, table, column, values):
    """A mapping with cells of a table changed: {row: value}."""
    frame = getattr(mapping, table).copy()
    for row, value in values.items():
        frame.loc[row, column] = value
    return with_parts(mapping, **{table: frame})


def example(chips=1):
    """pyr, four neurons in core 0 of chip 0; inh, three in core 1 of the last chip; two inputs; eight synapses."""
    pyr = population("pyr", 4, latches=["so_adaptation"], read_out=[0, 2], monitored=[1])
    inh = population("inh", 3, FAST, read_out=[1], monitored=[0, 2])
    synapses = [
        (0, 4, AMPA, 0b0010, 1, 0, 0),  # CAM 0 of inh[0]
        (0, 4, AMPA, 0b0010, 1, 0, 0),  # the same again: CAM 1
        (0, 5, AMPA, 0b0001, 0, 0, 1),  # CAM 0 of inh[1]
        (4, 1, GABA, 0b1000, 0, 1, 0),  # CAM 0 of pyr[1]
        (0, 1, AMPA, 0b0001, 0, 0, 0),  # CAM 1 of pyr[1]
        (7, 0, AMPA, 0b0011, 0, 0, 0),  # from input in[0]
        (8, 1, AMPA, 0b0011, 0, 0, 0, 2, 9),  # from in[1]; CAM word and tag are asked for
        (8, 6, AMPA, 0b0011, 0, 0, 0),
    ]
    physical = [10, 11, 12, 13, *(1024 * (chips - 1) + 256 + np.array([20, 21, 22]))]
    return allocate(demand_of([pyr, inh], [InputGroup("in", 2)], synapses), physical, chips)


def rules(mapping):
    verification = verify(mapping, strict=False)
    assert set(verification.table["rule"]) == set(verification.counts)
    return set(verification.counts)


# what is right ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chips", [1, 2, 4])
def test_a_right_mapping_passes(chips):
    mapping = example(chips)
    verification = verify(mapping)
    assert verification and verification.ok and verification.table.empty
    assert verification.checked == {
        "neurons": 7,
        "inputs": 2,
        "input_events": 2 if chips == 1 else 3,
        "destinations": (2 if chips == 1 else 3) + 3,
        "synapses": 8,
        "connections": 8,
        "words": 8,
        "idle_words": 0,
        "idle_events": 0,
    }
    assert repr(verification).startswith("<Verification: ok; checked 7 neurons, 2 inputs")
    assert "<table" not in verification._repr_html_()


def test_chips_may_be_anywhere():
    mapping = example(2)
    demand, physical = mapping.demand, mapping.neurons.eval("1024*chip + 256*core + neuron").to_numpy()
    assert verify(allocate(demand, physical, 2, [(3, -2), (-1, 4)]))


def test_neurons_may_share_a_tag_on_purpose():
    # all to all: both neurons of a send tag 5, one CAM word of each neuron of b makes two synapses
    demand = demand_of(
        [population("a", 2), population("b", 2)], [], [(s, t, AMPA, 1, 0, 0, 0) for s in (0, 1) for t in (2, 3)]
    )
    mapping = allocate(demand, [0, 1, 2, 3], 1)
    arrays = {name: blank(name, 1) for name in ("synapse_tag", "synapse_dendrite", "synapse_weight")}
    for name, value in (("synapse_tag", 5), ("synapse_dendrite", AMPA), ("synapse_weight", 1)):
        arrays[name][0, 0, 2:4, 0] = value
    mapping = with_parts(mapping, configuration=mapping.configuration.replace(**arrays))
    mapping = changed(mapping, destination_tag={(0, 0, 0, 0): 5, (0, 0, 1, 0): 5})
    mapping = with_parts(mapping, synapses=mapping.synapses.assign(cam=0, tag=5))
    assert verify(mapping).checked["words"] == 2
    # a third neuron that sends it by mistake
    assert rules(changed(mapping, destination_core={(0, 0, 2, 0): 1}, destination_tag={(0, 0, 2, 0): 5})) == {
        "connectivity"
    }


def test_a_network_without_synapses_or_neurons():
    assert verify(allocate(demand_of([population("a", 2)], [], []), [3, 4], 1))
    assert verify(allocate(demand_of([], [], []), np.zeros(0, dtype=int), 1))


# what is wrong ------------------------------------------------------------------------------------------------

INH = (0, 1, 20)  # inh[0]; pyr[0] is (0, 0, 10)
LOST = {"connectivity", "record"}
WORDS = {
    "tag": ({"synapse_tag": {(*INH, 0): 700}}, LOST),
    "tag of another source": ({"synapse_tag": {(*INH, 0): 9}}, LOST),
    "weight bit": ({"synapse_weight": {(*INH, 0): 0b0110}}, LOST),
    "dendrite": ({"synapse_dendrite": {(*INH, 0): GABA}}, LOST),
    "missing CAM": ({"synapse_dendrite": {(*INH, 0): 0}}, LOST),
    "precise delay": ({"synapse_precise_delay": {(*INH, 0): 0}}, LOST),
    "mismatched delay": ({"synapse_mismatched_delay": {(*INH, 0): 1}}, LOST),
    "stp": ({"synapse_stp": {(*INH, 0): 1}}, LOST),
    "doubled CAM": (
        {"synapse_tag": {(*INH, 9): 1}, "synapse_dendrite": {(*INH, 9): AMPA}, "synapse_weight": {(*INH, 9): 2}},
        {"connectivity"},
    ),
    "alias at an unused neuron": (
        {"synapse_tag": {(0, 0, 99, 0): 1}, "synapse_dendrite": {(0, 0, 99, 0): AMPA}},
        {"connectivity"},
    ),
    "destination tag": ({"destination_tag": {(0, 0, 10, 0): 700}}, LOST),
    "mask bit lost": ({"destination_core": {(0, 0, 10, 0): 0b01}}, LOST),
    "alias at another core": (
        {"destination_core": {(*INH, 0): 0b11}, "synapse_tag": {(*INH, 5): 5}, "synapse_dendrite": {(*INH, 5): AMPA}},
        {"connectivity"},
    ),
    "hop off the board": ({"destination_x_hop": {(0, 0, 10, 0): 1}}, LOST | {"destination"}),
    "vertical hop": ({"destination_y_hop": {(0, 0, 10, 0): -1}}, LOST | {"destination"}),
    "doubled destination": (
        {"destination_tag": {(0, 0, 10, 1): 1}, "destination_core": {(0, 0, 10, 1): 0b10}},
        {"connectivity"},
    ),
    "destination of an unused neuron": (
        {"destination_tag": {(0, 3, 0, 1): 1}, "destination_core": {(0, 3, 0, 1): 0b10}},
        {"connectivity", "destination"},
    ),
    "idle destination of an unused neuron": ({"destination_core": {(0, 3, 0, 1): 0b10}}, {"destination"}),
    "read-out missing": ({"destination_core": {(0, 0, 10, 3): 0}}, {"read-out"}),
    "read-out of another": ({"destination_tag": {(0, 0, 10, 3): 11}}, {"read-out", "destination"}),
    "read-out mask": ({"destination_core": {(0, 0, 10, 3): 7}}, {"read-out", "destination"}),
    "read-out hop": ({"destination_x_hop": {(0, 0, 10, 3): -6}}, {"read-out", "destination"}),
    "read-out row": ({"destination_y_hop": {(0, 0, 10, 3): 1}}, {"read-out", "destination"}),
    "read out twice": (
        {
            "destination_tag": {(0, 0, 10, 2): 10},
            "destination_core": {(0, 0, 10, 2): 15},
            "destination_x_hop": {(0, 0, 10, 2): -7},
        },
        {"read-out"},
    ),
    "read out for nothing": (
        {
            "destination_tag": {(0, 0, 11, 2): 11},
            "destination_core": {(0, 0, 11, 2): 15},
            "destination_x_hop": {(0, 0, 11, 2): -7},
        },
        {"read-out"},
    ),
    "end marker in an idle CAM": (
        {"synapse_tag": {(*INH, 9): 2047}, "synapse_dendrite": {(*INH, 9): AMPA}},
        {"reserved tag"},
    ),
    "clock query in a destination": (
        {"destination_tag": {(0, 0, 11, 1): 1024}, "destination_core": {(0, 0, 11, 1): 1}},
        {"reserved tag"},
    ),
    "code": ({"core_codes": {(0, 0, 3, 1): 77}}, {"codes"}),
    "coarse code": ({"core_codes": {(0, 1, 3, 0): 5}}, {"codes"}),
    "latch on": ({"latches": {(0, 0, 10, 5): 1}}, {"latches"}),
    "latch off": ({"latches": {(0, 0, 10): 0}}, {"latches"}),
    "latch of an unused neuron": ({"latches": {(0, 3, 0, 0): 1}}, {"latches"}),
    "monitor missing": ({"monitored": {(0, 0): -1}}, {"monitor"}),
    "monitor of another": ({"monitored": {(0, 1): 21}}, {"monitor"}),
    "monitor of an unused core": ({"monitored": {(0, 2): 0}}, {"monitor"}),
}


@pytest.mark.parametrize("name", WORDS)
def test_a_wrong_word_is_named_by_its_rule(name):
    entries, expected = WORDS[name]
    assert rules(changed(example(), **entries)) == expected


def test_a_hop_to_another_chip_is_a_wiring_error():
    assert rules(changed(example(4), destination_x_hop={(0, 0, 10, 0): 2})) == LOST


def test_either_monitored_neuron_of_a_core_will_do():
    assert verify(changed(example(), monitored={(0, 1): 20}))
    assert verify(changed(example(), monitored={(0, 1): 22}))


CELLS = {
    "input tag": ("inputs", "tag", {0: 700}, LOST),
    "input mask": ("inputs", "core", {1: 1}, LOST),
    "input hop": ("inputs", "x_hop", {0: 1}, LOST | {"input"}),
    "input tag out of range": ("inputs", "tag", {0: 2048}, LOST | {"input"}),
    "input tag of another core": ("inputs", "tag", {0: 2048 + 8}, LOST | {"input"}),
    "input hop out of range": ("inputs", "y_hop", {0: -8}, LOST | {"input"}),
    "input mask out of range": ("inputs", "core", {0: 16}, LOST | {"input"}),
    "input with the name of another": ("inputs", "index", {0: 1}, LOST | {"input"}),
    "event of no input": ("inputs", "source", {0: 3}, LOST | {"input"}),
    "recorded CAM": ("synapses", "cam", {0: 5}, {"record"}),
    "recorded CAM, no such": ("synapses", "cam", {0: 64}, {"record"}),
    "recorded twice": ("synapses", "cam", {0: 1}, {"record"}),
    "recorded tag": ("synapses", "tag", {0: 5}, {"record"}),
    "recorded neuron": ("synapses", "neuron", {0: 21}, {"record"}),
    "recorded core": ("synapses", "core", {0: 2}, {"record"}),
    "recorded chip": ("synapses", "chip", {0: 1}, {"record"}),
    "label of a neuron": ("neurons", "index", {0: 1}, {"placement"}),
    "neuron off the chip": ("neurons", "neuron", {0: 256}, {"placement"}),
    "neuron off the board": ("neurons", "chip", {0: 1}, {"placement"}),
}


@pytest.mark.parametrize("name", CELLS)
def test_a_wrong_row_is_named_by_its_rule(name):
    *cells, expected = CELLS[name]
    assert rules(with_cells(example(), *cells)) == expected


@pytest.mark.parametrize("table, expected", [("neurons", "placement"), ("synapses", "record")])
def test_a_row_too_few(table, expected):
    mapping = example()
    assert rules(with_parts(mapping, **{table: getattr(mapping, table)[:-1]})) == {expected}


def test_an_input_event_too_few_or_too_many():
    mapping = example()
    assert rules(with_parts(mapping, inputs=mapping.inputs[:1])) == LOST
    assert rules(with_parts(mapping, inputs=mapping.inputs.iloc[[0, 1, 1]])) == {"connectivity"}


def test_inputs_may_have_an_echo():
    mapping = example()
    echo = pd.DataFrame([("in", 0, 7, 8, 15, -7, 0)], columns=EVENT)
    assert verify(with_parts(mapping, inputs=pd.concat([mapping.inputs, echo], ignore_index=True)))
    reserved = pd.DataFrame([("in", 0, 7, 1024, 15, -7, 0)], columns=EVENT)
    both = with_parts(mapping, inputs=pd.concat([mapping.inputs, reserved], ignore_index=True))
    assert rules(both) == {"reserved tag"}


def test_what_the_user_asked_for_is_kept():
    mapping = example()
    for column, value in (("cam", 3), ("tag", 10)):
        table = mapping.demand.synapses.copy()
        table.loc[6, column] = value
        demand = Demand(mapping.demand.populations, mapping.demand.inputs, mapping.demand.links, table)
        verification = verify(with_parts(mapping, demand=demand), strict=False)
        assert verification.counts == {"record": 1}
        assert f"another {column} was asked for" in verification.table.loc[0, "found"]


def test_two_neurons_on_one_physical_neuron():
    demand = demand_of([population("a", 2), population("b", 1)], [], [])
    verification = verify(allocate(demand, [7, 8, 8], 1), strict=False)
    assert verification.counts == {"placement": 2}
    assert verification.table["where"].tolist() == ["a[1]", "b[0]"]


def test_fixed_neurons_stay():
    fixed = population("a", 2, physical=np.array([7, 9]))
    assert verify(allocate(demand_of([fixed], [], []), [7, 9], 1))
    verification = verify(allocate(demand_of([fixed], [], []), [7, 8], 1), strict=False)
    row = ["placement", "a[1]", "chip 0 core 0 neuron 9", "chip 0 core 0 neuron 8"]
    assert verification.table.to_numpy().tolist() == [row]


def test_populations_with_different_codes_on_one_core():
    demand = demand_of([population("a", 1), population("b", 1, FAST)], [], [])
    verification = verify(allocate(demand, [7, 8], 1), strict=False)
    row = ["codes", "SOIF_LEAK_N of a (chip 0 core 0)", str(list(DEFAULTS["SOIF_LEAK_N"])), "[3, 30]"]
    assert verification.table.to_numpy().tolist() == [row]


def test_a_read_out_that_lands_on_a_chip():
    demand = demand_of([population("a", 1, read_out=[0])], [], [])
    assert verify(allocate(demand, [1024], 2, [(0, 0), (6, 0)]))
    verification = verify(allocate(demand, [1024], 2, [(0, 0), (7, 0)]), strict=False)
    assert verification.table.to_numpy().tolist() == [["read-out", "a[0]", "1", "0 (it lands on a chip)"]]
    # the same destination is as any other if nobody wants to read the neuron out
    mapping = allocate(demand, [1024], 2, [(0, 0), (7, 0)])
    assert verify(with_parts(mapping, demand=demand_of([population("a", 1)], [], [])))


def test_defects_of_the_profile():
    mapping = example()
    for chips in (1, 3):
        assert verify(with_parts(mapping, profile=ChipProfile.perfect(chips)))
    failures, tags = np.zeros((4, 256, 64, 2)), np.ones((4, 2048), dtype=bool)
    failures[1, 20, 0, 1] = failures[1, 20, 9] = 1  # with other tags, and a CAM that is not used
    tags[2], tags[1, 700] = False, False
    assert verify(with_parts(mapping, profile=ChipProfile(failures, tags)))
    failures[1, 20, 0, 0] = 0.2
    verification = verify(with_parts(mapping, profile=ChipProfile(failures, tags)), strict=False)
    row = ["profile", "CAM 0 of inh[0] (chip 0 core 1 neuron 20)", "a usable CAM", "it fails with tag 1"]
    assert verification.table.to_numpy().tolist() == [row]
    tags[0, 9] = False
    verification = verify(with_parts(mapping, profile=ChipProfile(tags=tags)), strict=False)
    row = ["profile", "CAM 2 of pyr[1] (chip 0 core 0 neuron 11)", "a tag that works in its core", "tag 9"]
    assert verification.table.to_numpy().tolist() == [row]
    assert rules(with_parts(example(2), profile=ChipProfile.perfect(1))) == {"profile"}


def test_idle_words_and_events_are_counted():
    idle = {
        "synapse_tag": {(*INH, 9): 700},
        "synapse_dendrite": {(*INH, 9): AMPA},
        "destination_core": {(0, 0, 10, 0): 7},
    }
    checked = verify(changed(example(), **idle)).checked
    assert (checked["idle_words"], checked["idle_events"]) == (1, 1)


# reports ------------------------------------------------------------------------------------------------------


def test_the_error_names_what_is_wrong():
    mapping = changed(example(), synapse_weight={(*INH, 0): 0b0110})
    with pytest.raises(VerificationError) as raised:
        verify(mapping)
    assert str(raised.value).splitlines() == [
        "the configuration is not what was asked for: 2 violations",
        "  connectivity: pyr[0] to inh[0] (chip 0 core 1 neuron 20): 2 x ampa 0010 precise asked, "
        "1 x ampa 0010 precise + 1 x ampa 0110 precise found",
        "  record: pyr[0] to inh[0] (chip 0 core 1 neuron 20): ampa 0010 precise, tag 1, CAM 0 asked, "
        "the word holds ampa 0110 precise, tag 1 found",
    ]
    verification = raised.value.verification
    assert not verification and verification.counts == {"connectivity": 1, "record": 1}
    assert "violations of connectivity 1, record 1" in repr(verification) and "<table" in verification._repr_html_()
    again = pickle.loads(pickle.dumps(raised.value))
    assert str(again) == str(raised.value) and again.verification.table.equals(verification.table)


def test_of_many_violations_all_are_counted():
    mapping = allocate(demand_of([population("a", 1)], [], []), [0], 1)
    verification = verify(changed(mapping, latches={(0, core): 1 for core in (1, 2, 3)}), strict=False)
    assert verification.counts == {"latches": 768}
    many = {(chip, core): 1 for chip in (0, 1) for core in (1, 2, 3)}
    verification = verify(changed(allocate(mapping.demand, [0], 2), latches=many), strict=False)
    assert verification.counts == {"latches": 1536} and len(verification.table) == 1001
    assert verification.table.iloc[-1].tolist() == ["latches", "536 more", "-", "-"]
    with pytest.raises(VerificationError, match=r"1536 violations\n(.*\n){10}  \.\.\. see \.verification\.table"):
        verify(changed(allocate(mapping.demand, [0], 2), latches=many))


def test_tables_hold_integers():
    mapping = example()
    with pytest.raises(DynapseError, match="column tag has type float64; give integers"):
        verify(with_parts(mapping, inputs=mapping.inputs.astype({"tag": float})))


# laws ---------------------------------------------------------------------------------------------------------


def random_mapping(random):
    chips = int(random.choice([1, 2, 4]))
    size = int(random.integers(2, 12))
    groups = [
        population("a", size, read_out=random.integers(0, size, 2), monitored=[0]),
        population("b", 3, latches=["so_dc"]),
    ]
    inputs = [InputGroup("in", 2)]
    number = int(random.integers(1, 40))
    kinds = [
        random.choice([128, 256, 512, 1024], number),
        random.integers(0, 16, number),
        *random.integers(0, 2, (3, number)),
    ]
    ends = [random.integers(0, size + 5, number), random.integers(0, size + 3, number)]
    # three chips, at most: the fourth destination is for the read-out
    cores = random.permutation(4 * min(chips, 3))[: int(random.integers(1, 6))]
    free = (256 * cores[:, None] + random.integers(0, 256, (len(cores), 15))).ravel()
    physical = random.permutation(np.unique(free))[: size + 3]
    while physical.size < size + 3:
        physical = np.union1d(physical, 256 * cores[0] + random.integers(0, 256, 1))
    return allocate(demand_of(groups, inputs, zip(*ends, *kinds, strict=True)), physical, chips)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_any_network_passes_and_any_change_of_a_used_word_is_caught(seed):
    random = np.random.default_rng(seed)
    mapping = random_mapping(random)
    configuration = mapping.configuration
    assert verify(mapping).checked["idle_events"] == 0
    for kind, names in (("synapse", ["tag", *KIND]), ("destination", ["tag", "core", "x_hop", "y_hop"])):
        used = np.argwhere(getattr(configuration, f"{kind}_{'dendrite' if kind == 'synapse' else 'core'}"))
        for _ in range(2):
            index, name = tuple(random.choice(used)), f"{kind}_{random.choice(names)}"
            field, old = fields()[name], int(getattr(configuration, name)[index])
            values = field.values  # noqa: PD011
            allowed = values or range(field.low, field.high + 1)
            new = int(random.choice([value for value in allowed if value != old]))
            verification = verify(changed(mapping, **{name: {index: new}}), strict=False)
            if name == "destination_core" and new & old == old and not verification.counts:
                assert verification.checked["idle_events"] > 0  # more cores, where nobody listens: nothing has changed
            else:
                assert not verification, (name, index, old, new)


def in_loops(configuration, events):
    """Replay as a reader of the chip's manual would write it."""
    places = {tuple(position): chip for chip, position in enumerate(configuration.positions.tolist())}
    words = []
    tags, dendrites = configuration.synapse_tag.tolist(), configuration.synapse_dendrite.tolist()
    for chip in range(len(configuration)):
        for core in range(4):
            for neuron in range(256):
                for cam in range(64):
                    if dendrites[chip][core][neuron][cam]:
                        words.append((chip, core, neuron, cam, tags[chip][core][neuron][cam]))
    sent = [(-1 - k, 0, *event) for k, event in enumerate(events)]
    for chip in range(len(configuration)):
        for core in range(4):
            for neuron in range(256):
                for slot in range(4):
                    at = (chip, core, neuron, slot)
                    word = [int(getattr(configuration, f"destination_{name}")[at]) for name in EVENT[3:]]
                    if word[1]:
                        sent.append((1024 * chip + 256 * core + neuron, chip, *word))
    rows = []
    for source, start, tag, mask, x, y in sent:
        column, row = configuration.positions[start].tolist()
        there = places.get((column + x, row + y))
        for chip, core, neuron, cam, accepted in words:
            if chip == there and mask >> core & 1 and tag == accepted:
                rows.append((source, chip, core, neuron, cam))
    return sorted(rows)


@pytest.mark.parametrize("seed", range(4))
def test_realised_is_what_loops_find(seed):
    random, chips, arrays = np.random.default_rng(seed), [1, 2, 3, 4][seed], {}
    for name, low, high, filled in (
        ("synapse_tag", 0, 6, 1),
        ("synapse_dendrite", 128, 129, 2e-3),
        ("destination_tag", 0, 6, 1),
        ("destination_core", 0, 16, 5e-2),
        ("destination_x_hop", -1, 2, 1),
        ("destination_y_hop", -1, 2, 1),
    ):
        values = random.integers(low, high, (chips, *fields()[name].shape))
        arrays[name] = np.where(random.random(values.shape) < filled, values, 0)
    arrays["positions"] = np.array([(5, 5), (6, 5), (5, 4), (6, 6)])[:chips]
    configuration = Configuration(chips, **arrays)
    events = [random.integers([0, 0, -1, -1], [6, 16, 2, 2]).tolist() for _ in range(60)]
    found = realised(configuration, pd.DataFrame(events, columns=EVENT[3:]))
    assert list(found) == ["source", "chip", "core", "neuron", "cam"]
    assert len(found) > 100 and (found["source"] < 0).any()
    rows = [tuple(row) for row in found.to_numpy().tolist()]
    assert sorted(rows) == in_loops(configuration, events)
    assert len(realised(configuration)) == (found["source"] >= 0).sum()
    inner = found["source"][found["source"] >= 0]
    assert inner.is_monotonic_increasing


def test_realised_refuses_what_is_no_event():
    events = pd.DataFrame([(3, 1, 0, 0), (2048, 1, 0, 0)], columns=EVENT[3:])
    with pytest.raises(DynapseError, match="tag of event 1 from outside is 2048; tag is 0..2047"):
        realised(Configuration(), events)
    with pytest.raises(DynapseError, match="x_hop of event 0 from outside is 8; x_hop is -7..7"):
        realised(Configuration(), pd.DataFrame([(3, 1, 8, 0)], columns=EVENT[3:]))


def test_a_full_chip_with_a_million_synapses_is_checked_in_seconds():
    # all to all in groups: 16 neurons share each of 64 tags, and every neuron has a CAM word for every tag
    k = np.arange(65536) % 64
    arrays = {"synapse_tag": k + 100, "synapse_dendrite": np.full(65536, AMPA), "synapse_weight": k % 16}
    arrays = {name: values.reshape(1, 4, 256, 64) for name, values in arrays.items()}
    for name, value in (("tag", np.arange(1024) // 16 + 100), ("core", np.full(1024, 15))):
        arrays[f"destination_{name}"] = blank(f"destination_{name}", 1)
        arrays[f"destination_{name}"][..., 0] = value.reshape(1, 4, 256)
    source, target = (part.ravel() for part in np.meshgrid(np.arange(1024), np.arange(1024), indexing="ij"))
    table = pd.DataFrame(
        {"link": 0, "number": np.arange(source.size), "source": source, "target": target, "dendrite": AMPA}
    )
    table = table.assign(weight=source // 16 % 16, precise_delay=0, mismatched_delay=0, stp=0, cam=-1, tag=-1)
    names = pd.DataFrame({"population": "a", "index": np.arange(1024)})
    place = {"chip": 0, "core": target // 256, "neuron": target % 256, "cam": source // 16, "tag": source // 16 + 100}
    mapping = SimpleNamespace(
        configuration=Configuration(1, **arrays),
        demand=Demand((population("a", 1024),), (), (), table),
        neurons=names.assign(chip=0, core=np.arange(1024) // 256, neuron=np.arange(1024) % 256),
        inputs=pd.DataFrame([], columns=EVENT),
        synapses=pd.DataFrame(place),
        profile=ChipProfile.perfect(),
    )
    start = time.perf_counter()
    assert verify(mapping).checked["connections"] == 1024 * 1024
    assert time.perf_counter() - start < 5  # 0.6 s on the machine where this was written; others are slower, or busy
