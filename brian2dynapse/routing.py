"""Routing: which synapses share a CAM word, and which events a source sends where. Integers only; no Brian2.

A *packet* is what a tag stands for on one target chip: the sources that send it and the CAM words that listen to it.
A source has one of its own for the synapses that only it makes. Sources that all make the same synapses can share one:
they then share the CAM words, too ("aliasing", the usual way to connect all-to-all).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .configuration import DESTINATIONS_PER_NEURON, LARGEST_HOP
from .demand import UNSET, Demand
from .errors import MappingError
from .facts import CORES_PER_CHIP, NEURONS_PER_CORE, SYNAPSES_PER_NEURON
from .placement import core_name


@dataclass
class Routes:
    """Packets, their words, and who sends them.

    Attributes
    ----------
    word_of : numpy.ndarray of int
        Word of each synapse.
    word_target : numpy.ndarray of int
        Target neuron of each word.
    word_packet : numpy.ndarray of int
        Packet of each word.
    first : numpy.ndarray of int
        A synapse of each word.
    packet_chip : numpy.ndarray of int
        Target chip of each packet.
    members : list of numpy.ndarray of int
        Sources of each packet.
    sends : numpy.ndarray of int
        Rows (source, packet, core mask) of all sources, ordered.
    """

    word_of: np.ndarray
    word_target: np.ndarray
    word_packet: np.ndarray
    first: np.ndarray
    packet_chip: np.ndarray
    members: list
    sends: np.ndarray


class Router:
    """Chooses what is shared, so that CAM words and destinations suffice.

    Parameters
    ----------
    demand : Demand
        The network.
    physical : numpy.ndarray of int
        Physical neuron of each neuron.
    capacity : numpy.ndarray of int
        Usable CAM words of each neuron.
    """

    def __init__(self, demand: Demand, physical: np.ndarray, capacity: np.ndarray):
        self.demand, self.capacity = demand, capacity
        table = demand.synapses
        self.source, self.target, self.link = (table[name].to_numpy() for name in ("source", "target", "link"))
        self.core = physical // NEURONS_PER_CORE
        self.chip_of = self.core[self.target] // CORES_PER_CHIP
        self.pinned = table["tag"].to_numpy() != UNSET
        self.blocks = self._blocks()

    def _blocks(self) -> dict[tuple[int, int], list[tuple[np.ndarray, np.ndarray]]]:
        """For every (link, chip): classes of two or more sources that make the same synapses there.

        Each class is its sources, and its synapses as an array (sources, synapses of one), aligned. Synapses that
        depress have the history of their source and are not shared.
        """
        depressing = self.demand.synapses["stp"].to_numpy() > 0
        chosen = self.demand.synapses["cam"].to_numpy() != UNSET  # a word each, as asked
        free = np.flatnonzero(~chosen & ~depressing)
        kinds = self.demand.kinds
        order = free[
            np.lexsort((kinds[free], self.target[free], self.source[free], self.chip_of[free], self.link[free]))
        ]
        keys = np.column_stack([self.link[order], self.chip_of[order], self.source[order]])
        starts = np.flatnonzero(np.any(np.diff(keys, axis=0, prepend=-1), axis=1))
        what = np.column_stack([self.target[order], kinds[order]])
        classes = {}
        for rows, start in zip(np.split(order, starts[1:]), starts, strict=True) if len(order) else ():
            place = (int(keys[start, 0]), int(keys[start, 1]))
            classes.setdefault(place, {}).setdefault(what[start : start + len(rows)].tobytes(), []).append(rows)
        blocks = {}
        for place, alike in classes.items():
            shareable = [np.array(rows) for rows in alike.values() if len(rows) > 1]
            if shareable:
                blocks[place] = [(self.source[rows[:, 0]], rows) for rows in shareable]
        return blocks

    def intended(self) -> set[tuple[int, int]]:
        """Blocks of connections that are all-to-all by intention: they share one tag."""
        return {place for place in self.blocks if self.demand.links[place[0]].shared}

    def words_needed(self, shared) -> np.ndarray:
        """CAM words that each neuron needs if these blocks are shared."""
        needed = np.bincount(self.target, minlength=self.demand.neuron_count)
        for place in shared:
            for sources, rows in self.blocks[place]:
                saved = np.bincount(self.target[rows[0]], minlength=len(needed))
                needed -= (len(sources) - 1) * saved
        return needed - self._pinned_twice()

    def tags_needed(self, shared) -> np.ndarray:
        """Packets that reach each population if these blocks are shared."""
        routes = self.packets(shared)
        onto = np.unique(np.column_stack([self.demand.group_of[routes.word_target], routes.word_packet]), axis=0)
        return np.bincount(onto[:, 0], minlength=len(self.demand.populations))

    def _pinned_twice(self) -> np.ndarray:
        """Synapses beyond the first on CAM words that were asked for by number."""
        table = self.demand.synapses
        words = table.loc[self.pinned, ["target", "cam"]]
        return np.bincount(words.loc[words.duplicated(), "target"], minlength=self.demand.neuron_count)

    def route(self) -> Routes:
        """Share what is meant to be and what must be; then make packets.

        Raises
        ------
        MappingError
            If CAM words or destinations do not suffice; names the neuron, what it needs, what there is, and who
            uses it.
        """
        shared = self.intended()
        self._share_where_full(shared)
        routes = self.packets(shared)
        kept = set()  # shared for want of CAM words, or not worth undoing
        while (short := self._lacking_destinations(routes)) is not None:
            undone = self._undo_one(shared, kept, short)
            if undone is None:
                self._raise_destinations(routes, short)
            shared = undone
            routes = self.packets(shared)
        return routes

    def _share_where_full(self, shared: set) -> None:
        """Share more blocks, those that save most first, until the CAM words of every neuron suffice."""
        while True:
            over = self.words_needed(shared) > self.capacity
            if not over.any():
                return
            savings = {}
            for place in self.blocks.keys() - shared:
                savings[place] = sum(
                    (len(sources) - 1) * np.count_nonzero(over[self.target[rows[0]]])
                    for sources, rows in self.blocks[place]
                )
            best = max(sorted(savings), key=savings.get, default=None)
            if best is None or not savings[best]:
                self._raise_cams(shared, int(np.argmax(self.words_needed(shared) - self.capacity)))
            shared.add(best)

    def _undo_one(self, shared: set, kept: set, source: int) -> set | None:
        """Give back the sharing of one block of a source that lacks destinations, if CAM words allow it."""
        mine = [p for p in sorted(shared - kept) if any(source in sources for sources, _ in self.blocks[p])]
        for place in mine:
            if np.all(self.words_needed(shared - {place}) <= self.capacity):
                return shared - {place}
            kept.add(place)
        return None

    def packets(self, shared: set) -> Routes:
        """Packets and words if these blocks are shared."""
        number = len(self.source)
        representative = np.arange(number)  # a synapse whose word this synapse uses
        packet_key = np.column_stack([self.source, self.chip_of, np.full(number, -1)])
        groups = {}
        for place in sorted(shared):
            for sources, rows in self.blocks[place]:
                representative[rows] = rows[0]
                group = groups.setdefault(sources.tobytes(), len(groups))
                packet_key[rows] = (-1 - group, place[1], -1)
        table = self.demand.synapses
        pinned = np.flatnonzero(self.pinned)
        if len(pinned):  # tag and CAM word were asked for: a word is a place
            tags, cams = table["tag"].to_numpy()[pinned], table["cam"].to_numpy()[pinned]
            _, first, inverse = np.unique(
                np.column_stack([self.target[pinned], cams]), axis=0, return_index=True, return_inverse=True
            )
            representative[pinned] = pinned[first[inverse.ravel()]]
            packet_key[pinned] = np.column_stack([np.full(len(pinned), -1 - len(groups)), self.chip_of[pinned], tags])
        first, word_of = np.unique(representative, return_inverse=True)
        _, packet_first, packet_of = np.unique(packet_key, axis=0, return_index=True, return_inverse=True)
        packet_of = packet_of.ravel()
        # packets in the order of their first synapse, so that tags read in the order of the network
        rank = np.argsort(np.argsort(packet_first))
        packet_of = rank[packet_of]
        bits = 1 << (self.core[self.target] % CORES_PER_CHIP)
        pairs, which = np.unique(np.column_stack([self.source, packet_of]), axis=0, return_inverse=True)
        masks = np.zeros(len(pairs), dtype=int)
        np.bitwise_or.at(masks, which.ravel(), bits)
        sends = np.column_stack([pairs, masks])  # by source, then by packet
        by_packet = np.lexsort((pairs[:, 0], pairs[:, 1]))
        ends = np.cumsum(np.bincount(pairs[:, 1]))[:-1]
        members = np.split(pairs[by_packet, 0], ends) if len(pairs) else []
        packet_chip = np.empty(len(members), dtype=int)
        packet_chip[packet_of] = self.chip_of
        return Routes(word_of, self.target[first], packet_of[first], first, packet_chip, members, sends)

    def _lacking_destinations(self, routes: Routes) -> int | None:
        """The first source with more destinations than it has."""
        counts = np.bincount(routes.sends[:, 0], minlength=len(self.demand.group_of))
        short = np.flatnonzero(counts > self.demand.destinations_available)
        return int(short[0]) if short.size else None

    def _raise_cams(self, shared: set, neuron: int) -> None:
        needed, usable = self.words_needed(shared)[neuron], self.capacity[neuron]
        mine = self.target == neuron
        of = (
            f"{SYNAPSES_PER_NEURON}"
            if usable == SYNAPSES_PER_NEURON
            else f"{usable} of {SYNAPSES_PER_NEURON} that work by the profile of the chip"
        )
        raise MappingError(
            f"CAM words of {self.demand.label(neuron)} ({core_name(self.core[neuron])}): {needed} are needed, this "
            f"neuron has {of}; used by synapses of {self.demand.used_by(self.link[mine])}. Give it fewer synapses (a "
            "smaller in-degree or repeat), or connect all-to-all without depression, which shares one tag"
        )

    def _raise_destinations(self, routes: Routes, source: int) -> None:
        mine = routes.sends[routes.sends[:, 0] == source]
        available = self.demand.destinations_available[source]
        read_out = f"; 1 of {DESTINATIONS_PER_NEURON} reads its spikes out" if self.demand.read_out[source] else ""
        parts = []
        for _, packet, _ in mine:
            links = np.unique(self.link[routes.first[routes.word_packet == packet]])
            names = " and ".join(self.demand.links[link].name for link in links)
            parts.append(f"chip {routes.packet_chip[packet]} for {names}")
        raise MappingError(
            f"destinations of {self.demand.label(source)}: {len(mine)} are needed ({'; '.join(parts)}), "
            f"{available} are available{read_out}; place its targets on fewer chips, use fewer all-to-all connections "
            "to different groups, or record its spikes in another run"
        )


def hops(positions: np.ndarray, own: int, target: int) -> tuple[int, int]:
    """Columns and rows from one chip to another.

    Parameters
    ----------
    positions : numpy.ndarray of int
        Columns and rows of the chips.
    own, target : int
        Chips.
    """
    x, y = (positions[target] - positions[own]).tolist()
    return x, y


def check_hops(demand: Demand, routes: Routes, physical: np.ndarray, positions: np.ndarray) -> None:
    """No destination is more than seven chips away; raises MappingError."""
    for source, packet, _ in routes.sends.tolist():
        own = int(physical[source]) // (NEURONS_PER_CORE * CORES_PER_CHIP) if source < demand.neuron_count else 0
        target = int(routes.packet_chip[packet])
        x, y = hops(positions, own, target)
        if max(abs(x), abs(y)) > LARGEST_HOP:
            raise MappingError(
                f"hops of {demand.label(source)}: chip {target} is {x} columns and {y} rows from chip {own}; a hop is "
                f"-{LARGEST_HOP}..{LARGEST_HOP}, place the two groups nearer to each other"
            )
