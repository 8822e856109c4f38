"""`Labels`: what the neurons and inputs of a configuration are called. Comments on it, no part of what the chip holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PopulationLabel:
    """A population of a configuration.

    Attributes
    ----------
    name : str
    neurons : tuple of int
        Physical neurons, 1024*chip + 256*core + neuron, in the order of the population.
    dendrites : tuple of str
        Dendrites that a simulation integrates.
    """

    name: str
    neurons: tuple[int, ...]
    dendrites: tuple[str, ...]


@dataclass(frozen=True)
class InputLabel:
    """A group of inputs from outside.

    Attributes
    ----------
    name : str
    size : int
        Number of inputs.
    events : tuple of tuple of int
        What an input sends: (index, tag, core mask, x_hop, y_hop), hops counted from the first chip.
    """

    name: str
    size: int
    events: tuple[tuple[int, int, int, int, int], ...]


@dataclass(frozen=True)
class Labels:
    """Names of populations and inputs, and the events of the inputs."""

    populations: tuple[PopulationLabel, ...] = ()
    inputs: tuple[InputLabel, ...] = ()
