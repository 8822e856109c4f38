"""Random networks as integers (`Demand`), and a second way to tell what a configuration realises: word by word."""

from collections import Counter
from functools import cache

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from brian2dynapse import facts
from brian2dynapse.chip_profile import ChipProfile
from brian2dynapse.configuration import Dendrite
from brian2dynapse.demand import KIND, Demand, InputGroup, Link, Population
from brian2dynapse.extraction import Extract
from brian2dynapse.provenance_record import provenance

DEFAULTS = {name: facts.bias(name).default for name in facts.core_biases()}
BIAS_SETS = [DEFAULTS | {"SOIF_LEAK_N": (2, 5 + k)} for k in range(6)]
COLUMNS = ["link", "number", "source", "target", *KIND, "cam", "tag"]
EVENT = ("tag", "core", "x_hop", "y_hop")
WIRINGS = ("all", "probability", "one to one", "in-degree", "repeat", "autapses", "part")
RESOURCES = (
    "CAM words of", "destinations of", "tags of", "neurons: ", "neurons of", "cores: ", "share all biases", "hops of",
    "read-out of", "is to be placed", "is asked for by",
)  # fmt: skip


@cache
def profile_of(tags, chips):
    """A board with defects."""
    return ChipProfile.synthetic(11 * chips, chips, tags=tags)


def wires(random, kind, sources, targets, degree):
    """Pairs (i, j) of one kind of wiring."""
    if kind == "all":
        return np.divmod(np.arange(sources * targets), targets)
    if kind == "probability":
        return np.nonzero(random.random((sources, targets)) < min(1, degree / sources))
    if kind in ("one to one", "autapses"):
        both = np.arange(min(sources, targets))
        return both, both
    if kind == "part":  # a part of the sources to a part of the targets, all to all
        i, j = np.meshgrid(np.arange(sources)[sources // 2 :], np.arange(targets)[: (targets + 1) // 2], indexing="ij")
        return i.ravel(), j.ravel()
    repeat = 1 + (kind == "repeat") * 2
    degree = min(degree // repeat + 1, sources)
    i = np.concatenate([np.repeat(random.permutation(sources)[:degree], repeat) for _ in range(targets)])
    return i, np.repeat(np.arange(targets), degree * repeat)


@st.composite
def demands(draw, largest=300, groups=8, degrees=(1, 3, 8, 16, 32, 64)):
    """A network: populations, inputs, links and their synapses."""
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    sizes = st.one_of(st.integers(1, 12), st.integers(1, largest))
    populations, used = [], 0
    bias_sets = draw(st.integers(1, 5))
    for k in range(draw(st.integers(1, groups))):
        size = draw(sizes)
        read_out = {"all": np.ones(size, bool), "none": np.zeros(size, bool), "some": random.random(size) < 0.5}[
            draw(st.sampled_from(["none", "all", "some"]))
        ]
        codes = BIAS_SETS[draw(st.integers(0, bias_sets - 1))]
        monitored = tuple(range(min(size, draw(st.integers(0, 2)))))
        physical = None
        if draw(st.integers(0, 9)) == 0:
            start = draw(st.sampled_from([used, 256, 700, 1500]))
            physical = np.arange(start, start + size)
        used += size
        latches = frozenset(draw(st.sampled_from([(), ("so_adaptation",), ("so_dc", "soif_type")])))
        populations.append(Population(f"p{k}", size, codes, latches, ("ampa",), read_out, monitored, physical))
    inputs = [InputGroup(f"in{k}", draw(sizes)) for k in range(draw(st.integers(0, 2)))]
    everything = [*populations, *inputs]
    links, parts = [], []
    starts = np.concatenate([[0], np.cumsum([group.size for group in everything])])
    for k in range(draw(st.integers(0, 8))):
        source, target = draw(st.integers(0, len(everything) - 1)), draw(st.integers(0, len(populations) - 1))
        kind = draw(st.sampled_from(WIRINGS))
        i, j = wires(random, kind, everything[source].size, populations[target].size, draw(st.sampled_from(degrees)))
        masks = random.integers(0, 16, len(i)) if draw(st.booleans()) else draw(st.integers(0, 15))
        links.append(Link(f"l{k}", everything[source].name, populations[target].name, kind == "all"))
        table = {
            "link": k, "number": np.arange(len(i)), "source": starts[source] + i, "target": starts[target] + j,
            "dendrite": int(draw(st.sampled_from([one for one in Dendrite if one]))), "weight": masks,
            "precise_delay": draw(st.integers(0, 1)), "mismatched_delay": draw(st.integers(0, 1)),
            "stp": int(draw(st.integers(0, 4)) == 0), "cam": -1, "tag": -1,
        }  # fmt: skip
        parts.append(pd.DataFrame(table))
    synapses = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)
    return Demand(tuple(populations), tuple(inputs), tuple(links), synapses[COLUMNS].astype(int))


def extract_of(demand):
    """What the mapper takes, of a demand without Brian2 objects."""
    empty = pd.DataFrame(columns=["connection", "number", "wanted_A", "got_A", "error"])
    return Extract(demand, {}, [], {}, empty, [], provenance(seed=0))


def names_something(message, demand):
    """Whether a message names a resource, and a group or connection of the network."""
    named = [*(group.name for group in demand.groups), *(link.name for link in demand.links)]
    return any(one in message for one in RESOURCES) and any(name in message for name in named)


def realised_by_force(mapping):
    """Counter of (source, target, kind): every destination and input event, word by word."""
    config, demand, found = mapping.configuration, mapping.demand, Counter()
    place = mapping.neurons[["chip", "core", "neuron"]].to_numpy().tolist()
    owner = {tuple(where): n for n, where in enumerate(place)}
    at = {tuple(position): k for k, position in enumerate(config.positions.tolist())}
    events = []
    for n, (chip, core, neuron) in enumerate(place):
        for slot in range(4):
            word = [int(getattr(config, f"destination_{name}")[chip, core, neuron, slot]) for name in EVENT]
            events.append((n, chip, *word))
    for row in mapping.inputs.to_dict("records"):
        assert demand.label(row["source"]) == f"{row['group']}[{row['index']}]"
        events.append((row["source"], 0, *(row[name] for name in EVENT)))
    read_out = Counter()
    for source, chip, tag, mask, x, y in events:
        column, line = config.positions[chip].tolist()
        there = at.get((column + x, line + y))
        if there is None:
            if mask:
                assert (mask, x, y) == (15, -7, 0)
                read_out[source] += 1
            continue
        for core in range(4):
            if not mask >> core & 1:
                continue
            heard = (config.synapse_tag[there, core] == tag) & (config.synapse_dendrite[there, core] != 0)
            for neuron, cam in np.argwhere(heard).tolist():
                kind = tuple(int(getattr(config, f"synapse_{name}")[there, core, neuron, cam]) for name in KIND)
                found[source, owner.get((there, core, neuron)), kind] += 1
    assert read_out == Counter(np.flatnonzero(demand.read_out).tolist())
    return found


def asked_for(demand):
    """Counter of (source, target, kind)."""
    table = demand.synapses
    return Counter((row[0], row[1], tuple(row[2:])) for row in table[["source", "target", *KIND]].to_numpy().tolist())
