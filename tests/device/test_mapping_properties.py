"""Any network becomes a mapping that is right, or an error that names what is short and for whom.

Wide search on networks as integers, where nothing of Brian2 is made; fewer examples as Brian2 networks.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import brian2 as b2
import numpy as np
import pytest
from brian2 import Hz, second
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

import brian2dynapse as bd
from brian2dynapse import mapper
from brian2dynapse.configuration import default_positions
from brian2dynapse.errors import DynapseError, MappingError, VerificationError

sys.path.insert(0, str(Path(__file__).parent))
from random_networks import asked_for, demands, extract_of, names_something, profile_of, realised_by_force

LONGEST = 10  # seconds of the processor that a mapping may take
# the same examples always; to make a failure smaller takes minutes, and its network is small already
SEARCH = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True, "phases": [Phase.generate]}
pytestmark = pytest.mark.filterwarnings("ignore:The object:Warning")


def mapped(demand, chips, place, profile, seed=0):
    """A mapping, or the error that names what is short; within the time."""
    start = time.process_time()
    try:
        counts = mapper._boards(demand, place, chips, None, profile)
        mapping = mapper.map_demand(extract_of(demand), counts[0], default_positions(counts[0]), place, profile, seed)
    except MappingError as error:
        assert names_something(str(error), demand), error
        mapping = error
    assert time.process_time() - start < LONGEST
    return mapping


def check(mapping):
    assert bd.verify(mapping)
    if len(mapping.demand.synapses) < 1500:
        assert realised_by_force(mapping) == asked_for(mapping.demand)
    assert (mapping.utilization()["used"] <= mapping.utilization()["available"]).all()


# networks as integers ---------------------------------------------------------------------------------------


@settings(max_examples=60, **SEARCH)
@given(demands(), st.sampled_from([1, 1, 2, 4]), st.sampled_from([None, "all", "makers"]), st.data())
def test_a_right_mapping_or_a_named_error(demand, chips, tags, data):
    place = {
        population.name: (data.draw(st.integers(0, chips - 1)), data.draw(st.integers(0, 3)))
        for population in demand.populations[: data.draw(st.sampled_from([0, 0, 1, 3]))]
    }
    profile = None if tags is None else profile_of(tags, chips)
    mapping = mapped(demand, chips, place, profile)
    if isinstance(mapping, MappingError):
        return
    check(mapping)
    again = mapped(demand, chips, place, profile)
    assert again.configuration == mapping.configuration
    for name, (chip, core) in place.items():
        mine = mapping.neurons[mapping.neurons["population"] == name]
        assert set(zip(mine["chip"], mine["core"], strict=True)) == {(chip, core)}


@settings(max_examples=15, **SEARCH)
@given(demands(largest=40, degrees=(64,)), st.sampled_from([None, "all"]))
def test_full_fan_in(demand, tags):
    mapping = mapped(demand, 1, None, None if tags is None else profile_of(tags, 1))
    if not isinstance(mapping, MappingError):
        check(mapping)


# Brian2 networks ----------------------------------------------------------------------------------------------


def connect(draw, connection, kind):
    source, target = len(connection.source), len(connection.target)
    if kind == "all":
        connection.connect()
    elif kind == "none":
        connection.connect(p=0)
    elif kind == "probability":
        connection.connect(p=0.3, seed=draw(st.integers(0, 9)))
    elif kind == "one to one":
        connection.connect(i=np.arange(min(source, target)), j=np.arange(min(source, target)))
    elif kind == "condition":
        connection.connect(condition="i != j")
    else:
        connection.connect_fixed_indegree(min(3, source), repeat=draw(st.integers(1, 2)), seed=draw(st.integers(0, 9)))
    if draw(st.booleans()) and len(connection):
        connection.weight = np.arange(len(connection)) % 16


@st.composite
def networks(draw, chip, chips=1):
    """A Brian2 network of small populations, with inputs, subgroups and monitors."""
    b2.start_scope()
    b2.prefs.codegen.target = "numpy"
    sets = [bd.Biases({"SOIF_LEAK_N": (2, 5 + k)}) for k in range(draw(st.integers(1, 3)))]
    groups = []
    for k in range(draw(st.integers(1, 3))):
        size = draw(st.integers(2, 12))
        latches = draw(st.sampled_from([(), ("so_adaptation",), ("soif_type", "de_conductance")]))
        physical = None
        if draw(st.integers(0, 4)) == 0:
            physical = 1024 * (chips - 1) + 256 * k + np.arange(100, 100 + size)[::-1]
        groups.append(bd.Neurons(size, draw(st.sampled_from(sets)), latches, chip, physical=physical, name=f"p{k}"))
    sources = list(groups)
    if draw(st.booleans()):
        sources.append(b2.PoissonGroup(draw(st.integers(2, 8)), 10 * Hz, name="poisson"))
    if draw(st.booleans()):
        sources.append(b2.SpikeGeneratorGroup(3, [0], [0] * second, name="generator"))
    objects = list(sources)
    for k in range(draw(st.integers(0, 4))):
        source, target = draw(st.sampled_from(sources)), draw(st.sampled_from(groups))
        if not isinstance(source, b2.SpikeGeneratorGroup) and draw(st.booleans()):
            source = source[1:]
        target = target[: len(target) // 2] if draw(st.booleans()) else target
        dendrite = draw(st.sampled_from(["ampa", "nmda", "gaba", "shunt"]))
        delay = draw(st.sampled_from(["none", "precise", "mismatched", "both"]))
        connection = bd.Connection(source, target, dendrite, "0011", delay, draw(st.booleans()), name=f"c{k}")
        kinds = ["all", "none", "probability", "one to one", "condition", "in-degree"]
        connect(draw, connection, draw(st.sampled_from(kinds)))
        objects.append(connection)
    for k, group in enumerate(groups):
        if draw(st.booleans()):
            objects.append(b2.SpikeMonitor(group[1:] if draw(st.booleans()) else group, name=f"spikes{k}"))
        if draw(st.booleans()):
            objects.append(
                b2.StateMonitor(group, "Imem", record=draw(st.sampled_from([[0], [1, 0], True])), name=f"s{k}")
            )
    return b2.Network(*objects)


CHIPS = {
    "ideal": lambda chips: bd.Chip(),
    "mismatch": lambda chips: bd.Chip(seed=3, mismatch=0.2),
    "profile": lambda chips: bd.Chip(seed=3, mismatch=0.1, profile=profile_of("makers", chips)),
}


def state(net):
    """What a mapping moves."""
    places = {one.name: one.physical.tolist() for one in net.objects if isinstance(one, bd.Neurons)}
    cams = {one.name: one.cams.tolist() for one in net.objects if isinstance(one, bd.Connection)}
    return places, cams


@settings(max_examples=18, **SEARCH)
@given(st.sampled_from(sorted(CHIPS)), st.sampled_from([1, 1, 2, 4]), st.data())
def test_brian2_networks_and_their_fixed_point(kind, chips, data):
    chip = CHIPS[kind](chips)
    net = data.draw(networks(chip, chips))
    names = [one.name for one in net.objects if isinstance(one, bd.Neurons) and not one.placed_by_hand]
    place = {name: (data.draw(st.integers(0, chips - 1)), data.draw(st.integers(0, 3))) for name in names[:1]}
    before = state(net)
    try:
        mapping = bd.map_network(net, chip, place=place, chips=chips)
    except MappingError as error:
        assert any(f"p{k}" in str(error) for k in range(3)), error
        assert state(net) == before
        return
    check(mapping)
    physical = mapping.neurons[["chip", "core", "neuron"]].to_numpy() @ [1024, 256, 1]
    for name, places in state(net)[0].items():
        assert places == physical[mapping.neurons["population"] == name].tolist()
    assert bd.map_network(net, chip, place=place, chips=chips).configuration == mapping.configuration
    # network, configuration, network, configuration
    with TemporaryDirectory() as folder:
        mapping.configuration.to_json(Path(folder) / "mapped.json")
        read = bd.Configuration.from_json(Path(folder) / "mapped.json")
    again = bd.map_network(bd.to_network(read, chip), chip, chips=chips)
    assert again.configuration == mapping.configuration
    assert again.configuration.labels == mapping.configuration.labels


def test_a_refused_mapping_changes_nothing():
    chip = bd.Chip(seed=1, mismatch=0.2)
    pyr, inh = (bd.Neurons(70, bd.Biases(), chip=chip, name=name) for name in ("pyr", "inh"))
    first = bd.Connection(inh, pyr, "gaba", name="first")
    first.connect_fixed_indegree(5, seed=1)
    many = bd.Connection(pyr, inh, "ampa", name="many")
    many.connect_fixed_indegree(66, seed=1)
    net = b2.Network(pyr, inh, first, many)
    before, leak, delay = state(net), np.asarray(pyr.I_leak).copy(), np.asarray(many.delay).copy()
    for place in (None, {"pyr": (0, 1)}):
        with pytest.raises(MappingError, match="CAM words of inh"):
            bd.map_network(net, place=place)
        assert state(net) == before
    np.testing.assert_array_equal(np.asarray(pyr.I_leak), leak)
    np.testing.assert_array_equal(np.asarray(many.delay), delay)


def test_populations_without_a_chip_move_too():
    groups = [bd.Neurons(3, bd.Biases(), name=f"g{k}") for k in range(3)]
    mapping = bd.map_network(b2.Network(*groups), place={f"g{k}": (0, k) for k in range(3)})
    assert [group.physical[0] for group in groups] == [0, 256, 512]
    assert mapping.neurons["core"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


PROGRAM = """
import brian2 as b2, brian2dynapse as bd, hashlib
b2.prefs.codegen.target = "numpy"
chip = bd.Chip(seed=2, mismatch=0.2, profile=bd.ChipProfile.synthetic(4, 2, tags="makers"))
groups = [bd.Neurons(60, bd.Biases({"SOIF_LEAK_N": (2, 5 + k % 2)}), {"so_dc", "so_adaptation"}, chip, name=f"g{k}")
          for k in range(5)]
links = []
for k, group in enumerate(groups):
    link = bd.Connection(group, groups[k - 1], "ampa", name=f"link{k}")
    link.connect_fixed_indegree(20, seed=k)
    links.append(link)
net = b2.Network(*groups, *links)
arrays = bd.map_network(net, seed=5).configuration.arrays()
print(hashlib.sha256(b"".join(arrays[name].tobytes() for name in sorted(arrays))).hexdigest())
"""


def test_the_same_seed_gives_the_same_mapping_in_another_process():
    seen = set()
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment, check=True
        )
        seen.add(run.stdout.strip().splitlines()[-1])
    assert len(seen) == 1


@settings(max_examples=20, **SEARCH)
@given(demands(largest=30, groups=3), st.data())
def test_tags_and_words_that_are_asked_for(demand, data):
    """A mapping with its tags and words asked for again is the same; with changed ones it is right or refused."""
    mapping = mapped(demand, 1, None, None)
    assume(not isinstance(mapping, MappingError) and len(demand.synapses))
    table = demand.synapses.assign(cam=mapping.synapses["cam"], tag=mapping.synapses["tag"])
    for name, largest in (("cam", 63), ("tag", 2047)):
        for _ in range(data.draw(st.integers(0, 2))):
            row = data.draw(st.integers(0, len(table) - 1))
            table.loc[row, name] = data.draw(st.one_of(st.integers(0, largest), st.just(table[name].iloc[0])))
    changed = type(demand)(demand.populations, demand.inputs, demand.links, table)
    try:
        again = mapper.map_demand(extract_of(changed), 1, default_positions(1), None, None, 0)
    except DynapseError as error:
        assert isinstance(error, MappingError) and not isinstance(error, VerificationError)
        assert any(link.name in str(error) for link in demand.links)
        return
    check(again)
    if table.equals(demand.synapses.assign(cam=mapping.synapses["cam"], tag=mapping.synapses["tag"])):
        assert again.configuration == mapping.configuration
