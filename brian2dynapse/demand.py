"""`Demand`: what a network asks of the chip, in integers; no Brian2.

Neurons are numbered through all populations, inputs follow: source number `Demand.neuron_count` is the first input.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from .configuration import DESTINATIONS_PER_NEURON, Dendrite

# What tells synapses of one neuron apart, beside their source.
KIND = ("dendrite", "weight", "precise_delay", "mismatched_delay", "stp")
UNSET = -1  # a CAM word or a tag that the mapper may choose


@dataclass(frozen=True)
class Population:
    """Neurons that share biases and latches.

    Attributes
    ----------
    name : str
        Of the group.
    size : int
        Number of neurons.
    codes : dict of str to tuple of int
        Bias to (coarse, fine), all biases of a core.
    latches : frozenset of str
        Those that are on.
    dendrites : tuple of str
        Dendrites that the model integrates.
    read_out : numpy.ndarray of bool
        Neurons whose spikes are read out, shape (size,).
    monitored : tuple of int
        Neurons whose analog signals are recorded.
    physical : numpy.ndarray of int or None
        Physical neurons, 1024*chip + 256*core + neuron, if they are fixed.
    """

    name: str
    size: int
    codes: Mapping[str, tuple[int, int]]
    latches: frozenset[str]
    dendrites: tuple[str, ...]
    read_out: np.ndarray
    monitored: tuple[int, ...]
    physical: np.ndarray | None

    @property
    def bias_set(self) -> tuple:
        """What must be the same for all neurons of a core."""
        return tuple(sorted((name, *code) for name, code in self.codes.items()))


@dataclass(frozen=True)
class InputGroup:
    """A group of inputs from outside: name and size."""

    name: str
    size: int


@dataclass(frozen=True)
class Link:
    """A connection: name, source and target group, whether it is wired with one shared tag if it can be."""

    name: str
    source: str
    target: str
    shared: bool


@dataclass(frozen=True)
class Demand:
    """Populations, inputs and synapses that are asked for.

    Attributes
    ----------
    populations : tuple of Population
    inputs : tuple of InputGroup
    links : tuple of Link
    synapses : pandas.DataFrame
        A row a synapse; integer columns link, number (in its connection), source, target (see the module), those of
        `KIND`, and cam and tag, `UNSET` where they are free.
    """

    populations: tuple[Population, ...]
    inputs: tuple[InputGroup, ...]
    links: tuple[Link, ...]
    synapses: pd.DataFrame

    @cached_property
    def neuron_count(self) -> int:
        """Neurons in all populations."""
        return sum(population.size for population in self.populations)

    @cached_property
    def groups(self) -> tuple:
        """Populations, then inputs."""
        return (*self.populations, *self.inputs)

    @cached_property
    def starts(self) -> np.ndarray:
        """Number of the first member of each group, and the total at the end."""
        return np.concatenate([[0], np.cumsum([group.size for group in self.groups])]).astype(int)

    @cached_property
    def group_of(self) -> np.ndarray:
        """Group of each source."""
        return np.repeat(np.arange(len(self.groups)), [group.size for group in self.groups])

    def members(self, name: str) -> slice:
        """Numbers of the members of a group."""
        k = [group.name for group in self.groups].index(name)
        return slice(self.starts[k], self.starts[k + 1])

    def label(self, source: int) -> str:
        """Name of a neuron or an input, such as ``pyr[3]``."""
        k = self.group_of[source]
        return f"{self.groups[k].name}[{source - self.starts[k]}]"

    def used_by(self, links) -> str:
        """Names of connections, for messages: who uses a resource, and how much of it."""
        counts = pd.Series(np.asarray(links)).value_counts()
        return ", ".join(f"{self.links[link].name} {count}" for link, count in counts.sort_index().items())

    @cached_property
    def read_out(self) -> np.ndarray:
        """Whether a source is read out; bool, all sources."""
        inputs = np.zeros(sum(group.size for group in self.inputs), dtype=bool)
        return np.concatenate([*(population.read_out for population in self.populations), inputs])

    @cached_property
    def destinations_available(self) -> np.ndarray:
        """Destinations that a source has for routing; an input can send any number of events."""
        available = np.full(self.starts[-1], np.iinfo(int).max)
        available[: self.neuron_count] = DESTINATIONS_PER_NEURON - self.read_out[: self.neuron_count]
        return available

    @cached_property
    def kinds(self) -> np.ndarray:
        """One number for each synapse that tells `KIND` apart."""
        table = self.synapses
        number = np.searchsorted([int(one) for one in sorted(Dendrite)], table["dendrite"])
        for name, base in (("weight", 16), ("precise_delay", 2), ("mismatched_delay", 2), ("stp", 2)):
            number = number * base + table[name].to_numpy()
        return number
