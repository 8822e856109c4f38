"""Replay of a configuration: which synapses its words realise, and whether that is what was asked. No Brian2 here.

The checker of a mapping knows nothing of the mapper. It sends an event from every neuron and every input: SRAM word,
hops, chip, core mask, CAM words with its tag; what arrives is compared with what was asked, with multiplicity.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from html import escape

import numpy as np
import pandas as pd

from . import facts
from .configuration import LARGEST_TAG, Dendrite
from .delivery import EVENT, WORDS_PER_CORE, integers, outside, received, sent_by_neurons, sent_from, to_the_output
from .errors import DynapseError, VerificationError
from .provenance_record import carry

RESERVED_TAGS = {LARGEST_TAG: "the end marker", 1024: "the clock query"}  # of the vendor's tools
LISTED, SHOWN = 1000, 10  # violations of one check in the table, of all in the text of an error; all are counted
_CORES, _NEURONS, _WORDS = facts.CORES_PER_CHIP, facts.NEURONS_PER_CORE, facts.SYNAPSES_PER_NEURON
_PARTS = ("configuration", "demand", "neurons", "inputs", "synapses", "profile")  # of a mapping
_KIND = ("dendrite", "weight", "precise_delay", "mismatched_delay", "stp")
_KINDS = 2048  # numbers of kinds are smaller


@dataclass(frozen=True, repr=False, eq=False)
class Verification:
    """What a check of a mapping found. True if nothing is wrong.

    Attributes
    ----------
    table : pandas.DataFrame
        A row a violation; columns rule, where, asked, found. After 1000 of one check a row says how many more it has.
    checked : dict of str to int
        neurons, inputs, input_events, synapses (asked), connections (realised), destinations and words (used ones);
        idle_words (without events) and idle_events (to a core where no word has their tag) are no violations.
    counts : dict of str to int
        Rule to the number of its violations.
    """

    table: pd.DataFrame
    checked: dict[str, int]
    counts: dict[str, int]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.counts

    def __bool__(self) -> bool:
        return self.ok

    def summary(self) -> str:
        """Number of violations, and the first ten of them, a line each."""
        total = sum(self.counts.values())
        lines = [f"the configuration is not what was asked for: {total} violation{'s' if total > 1 else ''}"]
        lines += [f"{row.rule}: {row.where}: {row.asked} asked, {row.found} found" for row in self.table.itertuples()]
        return "\n  ".join(lines[: SHOWN + 1] + ["... see .verification.table for more"] * (len(lines) > SHOWN + 1))

    def __repr__(self) -> str:
        checked = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in self.checked.items())
        wrong = ", ".join(f"{rule} {count}" for rule, count in self.counts.items())
        return f"<Verification: {f'violations of {wrong}' if wrong else 'ok'}; checked {checked}>"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>" + ("" if self.ok else self.table.to_html(index=False))


def verify(mapping, strict: bool = True) -> Verification:
    """Check by replay that a configuration realises the network that was asked for, and nothing else.

    Parameters
    ----------
    mapping : Mapping
        Its `configuration`, `demand`, `neurons`, `inputs`, `synapses` and `profile` are read.
    strict : bool
        Whether a violation raises.

    Returns
    -------
    Verification
        What is wrong, and how much was checked.

    Raises
    ------
    VerificationError
        If anything is wrong and `strict`; its `verification` has the table.
    DynapseError
        If `mapping` is something else.

    Notes
    -----
    The rules, by their names in the table:

    - placement: every neuron has a physical neuron of the board for itself, the fixed ones theirs.
    - input: events of inputs belong to inputs, are in range, and reach a chip or are an echo (like read-outs, any tag).
    - destination: every used destination belongs to a neuron of the network and leads to a chip, or is a read-out: all
      cores, x_hop -7, y_hop 0, tag 256*core + neuron, and no chip there.
    - read-out: the neurons that are to be read out are, once, and no others.
    - reserved tag: no used word and no input has tag 2047 or 1024.
    - connectivity: every synapse is realised as often as asked, and nothing else is, on the whole board.
    - record: the table of synapses is true, and keeps the CAM words and tags that were asked for.
    - codes, latches: cores have the codes of all their populations, neurons their latches, unused neurons none.
    - monitor: the neuron monitored in a core is one of those to be monitored.
    - profile: used CAM words work with the half of their tags, and tags in their cores.
    """
    missing = [name for name in _PARTS if not hasattr(mapping, name)]
    if missing:
        raise DynapseError(f"mapping is {type(mapping).__name__} without {', '.join(missing)}; give a Mapping")
    replay = _Replay(mapping)
    if replay.placement():
        for step in (
            replay.inputs,
            replay.destinations,
            replay.connectivity,
            replay.record,
            replay.words,
            replay.cores,
        ):
            step()
    rows = pd.DataFrame(replay.rows, columns=["rule", "where", "asked", "found"])
    carry(rows, getattr(mapping, "provenance", {}))
    verification = Verification(rows, replay.checked, replay.counts)
    if strict and not verification:
        raise VerificationError(verification.summary(), verification)
    return verification


def _kind(dendrite, *bits) -> np.ndarray:
    """One number for what tells synapses of a pair of neurons apart."""
    weight, precise, mismatched, stp = (np.asarray(part, dtype=int) for part in bits)
    return (np.asarray(dendrite, dtype=int) // 128 * 16 + weight) * 8 + 4 * precise + 2 * mismatched + stp


def _kind_text(kind: int) -> str:
    bits = [text for bit, text in ((4, " precise"), (2, " mismatched"), (1, " stp")) if kind & bit]
    return f"{Dendrite(kind // 128 * 128).name} {kind // 8 % 16:04b}{''.join(bits)}"


def _place(neuron: int) -> str:
    return f"{_core(neuron // _NEURONS)} neuron {neuron % _NEURONS}"


def _core(core: int) -> str:
    return f"chip {core // _CORES} core {core % _CORES}"


def _differences(asked: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers that do not occur equally often, in ascending order, and how often they do."""
    if asked.size == found.size and np.array_equal(np.sort(asked), np.sort(found)):
        return (np.zeros(0, dtype=int),) * 3
    numbers, position = np.unique(np.concatenate([asked, found]), return_inverse=True)
    often, times = (np.bincount(part, minlength=numbers.size) for part in np.split(position, [asked.size]))
    wrong = often != times
    return numbers[wrong], often[wrong], times[wrong]


class _Replay:
    """One run of `verify`. Neurons are called by their physical numbers; inputs are numbered after them."""

    def __init__(self, mapping):
        self.mapping, self.configuration, self.demand = mapping, mapping.configuration, mapping.demand
        self.shape = self.configuration.synapse_tag.shape
        self.board = int(np.prod(self.shape[:3]))
        self.owner = np.full(self.board, -1)
        self.rows, self.counts, self.checked = [], {}, {}

    def report(self, rule: str, wrong, *columns) -> None:
        """Count where a mask is set, list the first; columns where, asked, found: text, one a row, or a function."""
        wrong = np.flatnonzero(wrong)
        if wrong.size:
            self.counts[rule] = self.counts.get(rule, 0) + wrong.size
            for k in wrong[:LISTED]:
                cells = (one if isinstance(one, str) else one(k) if callable(one) else one[k] for one in columns)
                self.rows.append((rule, *map(str, cells)))
            if wrong.size > LISTED:
                self.rows.append((rule, f"{wrong.size - LISTED} more", "-", "-"))

    def name(self, source: int) -> str:
        number = source - self.board + self.demand.neuron_count if source >= self.board else self.owner[source]
        return self.demand.label(number) if number >= 0 else f"unused neuron {_place(source)}"

    def pair(self, source: int, target: int) -> str:
        name = self.demand.label(self.owner[target]) if self.owner[target] >= 0 else "unused neuron"
        return f"{self.name(source)} to {name} ({_place(target)})"

    def placement(self) -> bool:
        """Whether there is a place for every neuron; without, nothing can be replayed."""
        demand, neurons = self.demand, self.mapping.neurons
        self.checked["neurons"] = count = demand.neuron_count
        if len(neurons) != count:
            self.report("placement", [True], "table of neurons", f"{count} rows", f"{len(neurons)} rows")
            return False
        place = [integers(neurons, name) for name in ("chip", "core", "neuron")]
        off = np.any([outside(one, 0, size - 1) for one, size in zip(place, self.shape, strict=False)], axis=0)
        self.report("placement", off, demand.label, "a neuron of the board", np.column_stack(place).tolist())
        if off.any():
            return False
        self.physical = physical = np.ravel_multi_index(place, self.shape[:3])
        self.owner[physical] = np.arange(count)
        double = np.bincount(physical, minlength=self.board)[physical] > 1
        self.report("placement", double, demand.label, "a neuron of its own", lambda n: f"shared {_place(physical[n])}")
        fixed = physical.copy()
        for population in demand.populations:
            if population.physical is not None:
                fixed[demand.members(population.name)] = population.physical
        asked, found = (lambda n, one=one: _place(one[n]) for one in (fixed, physical))
        self.report("placement", fixed != physical, demand.label, asked, found)
        listed = [f"{name}[{k}]" for name, k in zip(neurons["population"], neurons["index"], strict=True)]
        wrong = [demand.label(n) != listed[n] for n in range(count)]
        self.report("placement", wrong, lambda n: f"row {n} of the table of neurons", demand.label, listed)
        return True

    def inputs(self) -> None:
        """Events from outside; those that are wrong in themselves are not replayed."""
        demand, table = self.demand, self.mapping.inputs
        first, last = demand.neuron_count, int(demand.starts[-1])
        events, number = {name: integers(table, name) for name in EVENT}, integers(table, "source")
        labels = [demand.label(n) if first <= n < last else f"source {n}" for n in number]
        listed = [f"{name}[{k}]" for name, k in zip(table["group"], table["index"], strict=True)]
        wrong = np.array([label != name for label, name in zip(labels, listed, strict=True)], dtype=bool)
        self.report("input", wrong, lambda k: f"row {k} of the table of inputs", listed, labels)
        for name, (low, high) in EVENT.items():
            off = outside(events[name], low, high)
            self.report("input", off, labels, f"{name} {low}..{high}", events[name])
            wrong |= off
        source = (self.board + number - first)[~wrong]
        self.outer = sent = sent_from(self.configuration, source, 0, {name: events[name][~wrong] for name in EVENT})
        self.lost("input", sent, to_the_output(sent) | (sent["core"] == 0), "a chip of the board, or an echo")
        self.checked |= {"inputs": last - first, "input_events": len(table)}

    def lost(self, rule: str, sent: dict, allowed: np.ndarray, asked: str) -> None:
        """Report events that leave the board, and may not."""

        def found(k):
            return "tag {}, cores {:04b}, hops ({}, {}): no chip there".format(*(sent[name][k] for name in EVENT))

        self.report(rule, (sent["chip"] < 0) & ~allowed, lambda k: self.name(sent["source"][k]), asked, found)

    def destinations(self) -> None:
        """SRAM words: where they lead to, and who is read out."""
        self.sent = sent = sent_by_neurons(self.configuration)
        source, away = sent["source"], sent["chip"] < 0
        read = to_the_output(sent) & (sent["tag"] == source % facts.NEURONS_PER_CHIP)
        self.lost("destination", sent, read, "a chip of the board, or a read-out")
        sends = np.bincount(source, minlength=self.board) * (self.owner < 0)
        self.report("destination", sends > 0, self.name, "no destination", sends)
        read_out = self.physical[self.demand.read_out[: self.demand.neuron_count]]
        wanted = np.isin(np.arange(self.board), read_out).astype(int)
        times, landed = (np.bincount(source[read & there], minlength=self.board) for there in (away, ~away))
        notes = np.where(landed > 0, " (it lands on a chip)", "")
        self.report("read-out", times != wanted, self.name, wanted, lambda k: f"{times[k]}{notes[k]}")
        self.checked["destinations"] = source.size

    def connectivity(self) -> None:
        """What is realised, against what was asked."""
        table, demand, configuration = self.demand.synapses, self.demand, self.configuration
        self.target = target = self.physical[integers(table, "target")]
        numbers = np.concatenate([self.physical, self.board + np.arange(demand.starts[-1] - demand.neuron_count)])
        self.source = source = numbers[integers(table, "source")]
        self.kind = kind = _kind(*(integers(table, name) for name in _KIND))
        self.kinds = _kind(*(getattr(configuration, f"synapse_{name}").ravel() for name in _KIND))
        sent = {name: np.concatenate([self.sent[name], self.outer[name]]) for name in self.sent}
        origin, word, idle = received(configuration, sent)
        self.arrivals = origin * self.kinds.size + word
        asked = (source * self.board + target) * _KINDS + kind
        found = (origin * self.board + word // _WORDS) * _KINDS + self.kinds[word]
        numbers, often, times = _differences(asked, found)
        pairs, first = np.unique(numbers // _KINDS, return_index=True)
        last = np.append(first[1:], numbers.size)

        def text(k, counts):
            kinds = zip(numbers[first[k] : last[k]] % _KINDS, counts[first[k] : last[k]], strict=True)
            return " + ".join(f"{n} x {_kind_text(one)}" for one, n in kinds if n) or "nothing"

        texts = (partial(text, counts=counts) for counts in (often, times))
        self.report("connectivity", np.ones(pairs.size), lambda k: self.pair(*divmod(pairs[k], self.board)), *texts)
        used, heard = int(np.count_nonzero(configuration.synapse_dendrite)), np.zeros(self.kinds.size, dtype=bool)
        heard[word] = True
        self.checked |= {"synapses": len(table), "connections": word.size, "words": used, "idle_events": idle}
        self.checked["idle_words"] = used - int(heard.sum())

    def record(self) -> None:
        """What the mapping says of every synapse, against the words and the events."""
        table, asked, tags = self.mapping.synapses, self.demand.synapses, self.configuration.synapse_tag.ravel()
        if len(table) != len(asked):
            return self.report("record", [True], "table of synapses", f"{len(asked)} rows", f"{len(table)} rows")
        tag, *place = (integers(table, name) for name in ("tag", "chip", "core", "neuron", "cam"))
        off = np.any([outside(one, 0, size - 1) for one, size in zip(place, self.shape, strict=True)], axis=0)
        word = np.ravel_multi_index([np.where(off, 0, one) for one in place], self.shape)
        said = self.source * self.kinds.size + word
        numbers, often, times = _differences(said, self.arrivals)
        reasons = {
            "no such word": off,
            "another neuron than its target": word // _WORDS != self.target,
            "the word holds {}, tag {}": (self.kinds[word] != self.kind) | (tags[word] != tag),
            "the word receives fewer events from it": np.isin(said, numbers[often > times]),
        }
        for name, got in (("cam", place[-1]), ("tag", tag)):
            wish = integers(asked, name)
            reasons[f"another {name} was asked for"] = (wish >= 0) & (wish != got)

        def wanted(k):
            return f"{_kind_text(self.kind[k])}, tag {tag[k]}, CAM {place[-1][k]}"

        def found(k):
            why = "; ".join(reason for reason, wrong in reasons.items() if wrong[k])
            return why.format(_kind_text(self.kinds[word[k]]), tags[word[k]])

        wrong = np.any(list(reasons.values()), axis=0)
        self.report("record", wrong, lambda k: self.pair(self.source[k], self.target[k]), wanted, found)

    def words(self) -> None:
        """Tags in use, and what the profile says of used CAM words."""
        word = np.flatnonzero(self.configuration.synapse_dendrite)
        tag, profile = self.configuration.synapse_tag.ravel()[word], self.mapping.profile

        def where(k):
            return f"CAM {word[k] % _WORDS} of {self.name(word[k] // _WORDS)} ({_place(word[k] // _WORDS)})"

        senders = np.concatenate([self.sent["source"], self.outer["source"]])
        sent = np.concatenate([self.sent["tag"], self.outer["tag"]])
        free = "not " + ", ".join(f"{one} ({use})" for one, use in RESERVED_TAGS.items())
        self.report("reserved tag", np.isin(tag, [*RESERVED_TAGS]), where, free, tag)
        wrong = np.isin(sent, [*RESERVED_TAGS])
        self.report("reserved tag", wrong, lambda k: f"event of {self.name(senders[k])}", free, sent)
        chips, known = self.shape[0], profile.chips if profile is not None else 0
        self.report("profile", [0 < known < chips], "the profile", f"{chips} chips", f"{known} chips")
        if known >= chips:
            broken = ~profile.usable.reshape(-1, 2)[word, tag // (LARGEST_TAG // 2 + 1)]
            self.report("profile", broken, where, "a usable CAM", lambda k: f"it fails with tag {tag[k]}")
            banned = ~profile.tags.reshape(-1, LARGEST_TAG + 1)[word // WORDS_PER_CORE, tag]
            self.report("profile", banned, where, "a tag that works in its core", lambda k: f"tag {tag[k]}")

    def cores(self) -> None:
        """Codes, latches and monitors."""
        biases, names = facts.core_biases(), np.array(list(facts.latch_table()))
        codes = self.configuration.core_codes.reshape(-1, len(biases), 2)
        latches, watched = np.zeros((self.board, names.size), dtype=bool), np.zeros(self.board, dtype=bool)
        for population in self.demand.populations:
            mine = self.physical[self.demand.members(population.name)]
            latches[mine] = [name in population.latches for name in names]
            watched[mine[list(population.monitored)]] = True
            asked = np.array([population.codes[bias] for bias in biases])
            for core in np.unique(mine // _NEURONS):
                where = [f"{bias} of {population.name} ({_core(core)})" for bias in biases]
                found = codes[core].tolist()
                self.report("codes", (codes[core] != asked).any(axis=1), where, asked.tolist(), found)
        found = self.configuration.latches.reshape(latches.shape)
        asked_names, found_names = (lambda k, on=on: ", ".join(names[on[k]]) or "none" for on in (latches, found))
        self.report("latches", (found != latches).any(axis=1), self.name, asked_names, found_names)
        watched, monitored = watched.reshape(-1, _NEURONS), self.configuration.monitored.ravel()
        wanted = [f"one of {np.flatnonzero(row)}" if row.any() else "none, -1" for row in watched]
        right = np.where(monitored < 0, ~watched.any(axis=1), watched[np.arange(len(watched)), monitored])
        self.report("monitor", ~right, _core, wanted, monitored)
