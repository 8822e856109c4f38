"""Tags of packets and CAM words of synapses. Integers only; no Brian2.

Two packets may have the same tag only where no core gets both: a tag carries no source. Tags that are free on the whole
board are taken first, so that numbers repeat only when they run out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, vstack

from .configuration import LARGEST_TAG
from .demand import UNSET, Demand
from .errors import MappingError, TagError
from .facts import CORES_PER_CHIP, NEURONS_PER_CHIP, NEURONS_PER_CORE, SYNAPSES_PER_NEURON
from .placement import core_name
from .routing import Routes

RESERVED_TAGS = {2047: "the end marker", 1024: "the clock query"}  # of the vendor's tools
TAGS = LARGEST_TAG + 1
HALF = TAGS // 2  # CAMs are tested apart for tags below and from here on
NODES = 200  # of the search for halves; a limit of time would give other results on slower machines


def usable_tags(profile) -> np.ndarray:
    """Tags that work in each core and are not reserved; bool, shape (cores, tags)."""
    tags = profile.tags.reshape(-1, TAGS).copy()
    tags[:, list(RESERVED_TAGS)] = False
    return tags


@dataclass
class Words:
    """Tag and CAM word of every word of `Routes`, and what sources send: rows (source, chip, tag, core mask)."""

    tag: np.ndarray
    cam: np.ndarray
    sends: np.ndarray


class Tagger:
    """Chooses tags and CAM words.

    Parameters
    ----------
    demand : Demand
        The network.
    routes : Routes
        Its packets.
    physical : numpy.ndarray of int
        Physical neuron of each neuron.
    profile : ChipProfile or None
        Of the board; None is a board without defects.
    chips : int
        Chips of the board.
    """

    def __init__(self, demand: Demand, routes: Routes, physical: np.ndarray, profile, chips: int):
        self.demand, self.routes, self.physical, self.profile = demand, routes, physical, profile
        cores = CORES_PER_CHIP * chips
        self.free = np.ones((cores, TAGS), dtype=bool)  # tags that a packet can still have in each core
        if profile is not None:
            self.free = usable_tags(profile)
        self.free[:, list(RESERVED_TAGS)] = False
        self.new = np.ones(TAGS, dtype=bool)  # tags that nobody has
        self.order = np.append(np.arange(1, TAGS), 0)  # 0 last: a CAM word that is not used has it
        self.mask = np.zeros(len(routes.members), dtype=int)
        np.bitwise_or.at(self.mask, routes.sends[:, 1], routes.sends[:, 2])
        self.word_core = physical[routes.word_target] // NEURONS_PER_CORE

    def assign(self) -> Words:
        """Tags, then CAM words.

        Raises
        ------
        MappingError
            If the tags of a core, or the CAM words of a neuron that work with them, do not suffice.
        """
        tags = self._tags()  # (packet, core) to tag
        routes = self.routes
        word_tag = tags[routes.word_packet, self.word_core % CORES_PER_CHIP]
        sends = []
        for source, packet, mask in routes.sends.tolist():
            cores = [k for k in range(CORES_PER_CHIP) if mask >> k & 1]
            for tag in dict.fromkeys(tags[packet, cores].tolist()):
                part = sum(1 << k for k in cores if tags[packet, k] == tag)
                sends.append((source, int(routes.packet_chip[packet]), tag, part))
        sends = np.array(sorted(sends), dtype=int).reshape(-1, 4)
        return Words(word_tag, self._cams(word_tag), sends)

    # -- tags ----------------------------------------------------------------------------------------

    def _tags(self) -> np.ndarray:
        """Tag of every packet in the cores of its chip, `UNSET` where it does not go."""
        tags = np.full((len(self.mask), CORES_PER_CHIP), UNSET)
        asked = self._asked_tags()
        for packet, tag in enumerate(asked):
            if tag != UNSET:
                self._give(tags, packet, self.mask[packet], int(tag))
        halves = self._halves(asked, self._halves_of_words(asked))
        spare = self.demand.destinations_available.copy()
        np.subtract.at(spare, self.routes.sends[:, 0], 1)
        few = [int(self._candidates(packet, mask).sum()) for packet, mask in enumerate(self.mask)]
        for packet in sorted(np.flatnonzero(asked == UNSET), key=lambda packet: few[packet]):  # the choosiest first
            left = int(self.mask[packet])
            while left:
                part, tag = self._choose(packet, left, halves[packet], spare)
                self._give(tags, packet, part, tag)
                left &= ~part
                if left:  # another tag for the other cores costs each source a destination
                    spare[self.routes.members[packet]] -= 1
        return tags

    def _asked_tags(self) -> np.ndarray:
        asked = np.full(len(self.mask), UNSET)
        asked[self.routes.word_packet] = self.demand.synapses["tag"].to_numpy()[self.routes.first]
        return asked

    def _cores(self, packet: int, mask: int) -> list[int]:
        first = CORES_PER_CHIP * int(self.routes.packet_chip[packet])
        return [first + k for k in range(CORES_PER_CHIP) if mask >> k & 1]

    def _give(self, tags: np.ndarray, packet: int, mask: int, tag: int) -> None:
        cores = self._cores(packet, mask)
        tags[packet, np.array(cores) % CORES_PER_CHIP] = tag
        self.free[cores, tag] = False
        self.new[tag] = False

    def _candidates(self, packet: int, mask: int) -> np.ndarray:
        return np.logical_and.reduce(self.free[self._cores(packet, mask)])

    def _choose(self, packet: int, mask: int, half, spare: np.ndarray) -> tuple[int, int]:
        """Cores of this mask, all of them if possible, and a tag that is free in them."""
        parts = sorted((p for p in range(1, mask + 1) if p & mask == p), key=lambda p: (-p.bit_count(), p))
        if np.any(spare[self.routes.members[packet]] < 1):
            parts = parts[:1]
        for part in parts:
            free = self._candidates(packet, part)
            if half is not None:
                free &= (np.arange(TAGS) >= HALF) == half
            for candidates in (free & self.new, free):
                ordered = candidates[self.order]
                if ordered.any():
                    return part, int(self.order[np.argmax(ordered)])
        self._raise_tags(packet, mask)

    def _raise_tags(self, packet: int, mask: int) -> None:
        cores = self._cores(packet, mask)
        used = {core: np.count_nonzero(self.mask[self.routes.packet_chip == core // CORES_PER_CHIP] >> core % 4 & 1)
                for core in cores}  # fmt: skip
        works = np.ones((len(cores), TAGS), dtype=bool)
        if self.profile is not None:
            works = usable_tags(self.profile)[cores]
        works[:, list(RESERVED_TAGS)] = False
        count = int(np.logical_and.reduce(works).sum())
        sources = ", ".join(self.demand.label(source) for source in self.routes.members[packet][:3])
        more = ", ..." if len(self.routes.members[packet]) > 3 else ""
        asked = ", ".join(f"{core_name(core)}: {number} sources" for core, number in used.items())
        raise TagError(
            f"tags of {', '.join(core_name(core) for core in cores)}: none is left for {sources}{more}. "
            f"{asked}; up to {count} tags work there. Let fewer sources reach the core, place its populations on "
            "several cores, or connect all-to-all, which shares tags"
        )

    # -- halves of the tags, for chips with defects ---------------------------------------------------

    def _halves_of_words(self, asked: np.ndarray) -> list:
        """For every packet, the half of the tags that CAM words asked for by number work with; None if both do."""
        halves = [None] * len(self.mask)
        if self.profile is None:
            return halves
        cams = self.demand.synapses["cam"].to_numpy()[self.routes.first]
        for word in np.flatnonzero((cams != UNSET) & (asked[self.routes.word_packet] == UNSET)):
            neuron, packet = int(self.routes.word_target[word]), self.routes.word_packet[word]
            low, high = self._works(neuron)[cams[word]]
            if low and high:
                continue
            if halves[packet] not in (None, bool(high)):
                raise MappingError(
                    f"CAM word {cams[word]} of {self.demand.label(neuron)} is asked for and works with tags "
                    f"{'from' if high else 'below'} {HALF} only, other words asked for of the same source "
                    f"({self.demand.label(self.routes.members[packet][0])}) with the others only; take other words"
                )
            halves[packet] = bool(high)
        return halves

    def _halves(self, asked: np.ndarray, needed: list) -> list:
        """For every packet, whether its tag is in the upper half; None where it does not matter."""
        count = len(self.mask)
        if self.profile is None or not count:
            return needed
        usable = self.profile.usable.reshape(-1, SYNAPSES_PER_NEURON, 2)[self.physical]
        low, high = usable.sum(axis=1).T
        neurons = self.routes.word_target
        words = coo_array((np.ones(len(neurons)), (neurons, self.routes.word_packet)), shape=(len(low), count)).tocsr()
        cores = len(self.free)
        reach = np.array([[core in self._cores(p, self.mask[p]) for p in range(count)] for core in range(cores)])
        tags_low, tags_high = self.free[:, :HALF].sum(axis=1), self.free[:, HALF:].sum(axis=1)
        upper = np.ones(count)
        suffices = np.all(words @ upper <= high) and np.all(reach @ upper <= tags_high)
        if suffices and not np.any(asked < HALF) and False not in needed:
            return [True] * count
        # x = 1: upper half. CAM words and tags of either half suffice; as many as possible in the upper, which
        # works better on real chips
        known = asked != UNSET
        least_x = np.where(known, asked >= HALF, [half is True for half in needed])
        most_x = np.where(known, asked >= HALF, [half is not False for half in needed])
        bounds = Bounds(least_x, most_x)
        matrix = vstack([words, coo_array(reach.astype(float))]).tocsr()
        totals = np.concatenate([words @ upper, reach @ upper])
        most = np.concatenate([high, np.where(reach.any(axis=1), tags_high, np.inf)])
        least = totals - np.concatenate([low, np.where(reach.any(axis=1), tags_low, np.inf)])
        found = milp(
            -np.ones(count),
            integrality=np.ones(count),
            bounds=bounds,
            constraints=LinearConstraint(matrix, least, most),
            options={"node_limit": NODES, "mip_rel_gap": 1e-2},
        )
        if found.x is None:
            return needed  # other tags are given as they come; what then fails has a name
        return [bool(one) for one in np.round(found.x)]

    # -- CAM words -----------------------------------------------------------------------------------

    def _cams(self, word_tag: np.ndarray) -> np.ndarray:
        """CAM word of every word: those that work with few tags first, in the order of the synapses."""
        asked = self.demand.synapses["cam"].to_numpy()[self.routes.first]
        cams = asked.copy()
        neurons = self.routes.word_target
        order = np.argsort(neurons, kind="stable")
        for words in np.split(order, np.flatnonzero(np.diff(neurons[order])) + 1) if len(order) else ():
            neuron = int(neurons[words[0]])
            works = self._works(neuron)
            taken = asked[words][asked[words] != UNSET]
            works[taken] = False
            free_words = words[asked[words] == UNSET]
            for half in (0, 1):
                mine = free_words[(word_tag[free_words] >= HALF) == bool(half)]
                only = np.flatnonzero(works[:, half] & ~works[:, 1 - half])
                both = np.flatnonzero(works[:, half] & works[:, 1 - half])
                candidates = np.concatenate([only, both])
                if len(candidates) < len(mine):
                    self._raise_cams(neuron, words, word_tag)
                cams[mine] = candidates[: len(mine)]
                works[cams[mine]] = False
        return cams

    def _works(self, neuron: int) -> np.ndarray:
        if self.profile is None:
            return np.ones((SYNAPSES_PER_NEURON, 2), dtype=bool)
        chip, within = divmod(int(self.physical[neuron]), NEURONS_PER_CHIP)
        return self.profile.usable[(chip, *divmod(within, NEURONS_PER_CORE))].copy()

    def _raise_cams(self, neuron: int, words: np.ndarray, word_tag: np.ndarray) -> None:
        low = np.count_nonzero(word_tag[words] < HALF)
        works = self._works(neuron)
        raise MappingError(
            f"CAM words of {self.demand.label(neuron)} ({core_name(self.physical[neuron] // NEURONS_PER_CORE)} neuron "
            f"{self.physical[neuron] % NEURONS_PER_CORE}): {low} are needed for tags below {HALF} and "
            f"{len(words) - low} for others; {works[:, 0].sum()} and {works[:, 1].sum()} work with them, "
            f"{works.any(axis=1).sum()} in all; used by "
            f"{self.demand.used_by(self.demand.synapses['link'].to_numpy()[self.routes.first[words]])}"
        )


# -- CAM words and tags that were asked for by number --------------------------------------------------


def check_asked_words(demand: Demand, physical: np.ndarray, profile) -> None:
    """CAM words and tags that were asked for exist, work, and make the asked synapses and no others.

    Parameters
    ----------
    demand, physical, profile
        As for `Tagger`.

    Raises
    ------
    MappingError
        Names the synapse, and what is wrong with its word or tag.
    """
    _check_words_without_tags(demand, physical, profile)
    rows = np.flatnonzero(demand.synapses["tag"].to_numpy() != UNSET)
    if not len(rows):
        return
    table = demand.synapses.iloc[rows]
    source, target, tag, cam = (table[name].to_numpy() for name in ("source", "target", "tag", "cam"))

    def refuse(wrong: np.ndarray, text: str) -> None:
        if np.any(wrong):
            k = int(np.argmax(wrong))
            number = table["number"].to_numpy()[k]
            raise MappingError(
                f"{demand.links[table['link'].to_numpy()[k]].name}, synapse {number}, {demand.label(source[k])} to "
                f"{demand.label(target[k])}: " + text.format(tag=tag[k], cam=cam[k], core=core_name(core[k]))
            )

    core = physical[target] // NEURONS_PER_CORE
    refuse((tag < 0) | (tag > LARGEST_TAG), f"tag {{tag}} is asked for; a tag is 0..{LARGEST_TAG}")
    for reserved, what in RESERVED_TAGS.items():
        refuse(tag == reserved, f"tag {{tag}} is asked for, but it is {what} of the vendor's tools; take another one")
    refuse(
        (cam < 0) | (cam >= SYNAPSES_PER_NEURON), f"CAM word {{cam}} is asked for; give 0..{SYNAPSES_PER_NEURON - 1}"
    )
    if profile is not None:
        works = profile.tags.reshape(-1, TAGS)[core, tag]
        refuse(~works, "tag {tag} is asked for, but does not work in {core} by the profile of the chip; take another")
        works = profile.usable.reshape(-1, SYNAPSES_PER_NEURON, 2)[physical[target], cam, tag // HALF]
        refuse(~works, "CAM word {cam} does not work with tag {tag} by the profile of the chip; take another one")
    word = target * SYNAPSES_PER_NEURON + cam
    _, first, which = np.unique(word, return_index=True, return_inverse=True)
    first = first[which.ravel()]  # the first synapse of the same word
    other = (tag != tag[first]) | (demand.kinds[rows] != demand.kinds[rows][first])
    refuse(other, "CAM word {cam} is asked for by synapses of another tag or kind, too; give each a word of its own")
    refuse(
        table.duplicated(["source", "target", "cam"]).to_numpy(),
        "CAM word {cam} is asked for twice by the same source; an event of it makes one synapse there, take two words",
    )
    # what has the tag in a core hears all that send it there
    _, event = np.unique(np.column_stack([core, tag]), axis=0, return_inverse=True)
    event = event.ravel()
    senders, listeners = (
        np.bincount(np.unique(np.column_stack([event, one]), axis=0)[:, 0], minlength=len(event))
        for one in (source, word)
    )
    refuse(
        (senders * listeners > np.bincount(event, minlength=len(event)))[event],
        "in {core} tag {tag} is asked for by several sources, whose events would reach all CAM words with this tag, "
        "but not all of these synapses are asked for; give the sources different tags",
    )


def _check_words_without_tags(demand: Demand, physical: np.ndarray, profile) -> None:
    """CAM words that were asked for without a tag work, and are one synapse each; raises MappingError."""
    table = demand.synapses[demand.synapses["cam"] != UNSET]
    free = (table["tag"] == UNSET).to_numpy()
    twice = table.duplicated(["target", "cam"], keep=False).to_numpy() & free
    works = np.ones(len(table), dtype=bool)
    if profile is not None:
        usable = profile.usable.reshape(-1, SYNAPSES_PER_NEURON, 2).any(axis=-1)
        works = usable[physical[table["target"].to_numpy()], table["cam"].to_numpy()]
    texts = (
        (twice, "is asked for by other synapses, too; without tags each synapse has a word of its own"),
        (free & ~works, "does not work by the profile of the chip; take another one"),
    )
    for wrong, text in texts:
        if wrong.any():
            row = table.iloc[int(np.argmax(wrong))]
            raise MappingError(
                f"{demand.links[row['link']].name}, synapse {row['number']}, {demand.label(row['source'])} to "
                f"{demand.label(row['target'])}: CAM word {row['cam']} {text}"
            )
