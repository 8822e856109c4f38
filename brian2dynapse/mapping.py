"""`Mapping`: how a network became a configuration. Tables and integers; no Brian2."""

from __future__ import annotations

import html
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from . import dac, facts
from .chip_profile import ChipProfile
from .configuration import DESTINATIONS_PER_NEURON, NOT_MONITORED, Configuration
from .demand import Demand
from .provenance_record import carry
from .tags import RESERVED_TAGS, TAGS


@dataclass(frozen=True, eq=False)
class Mapping:
    """How a network became a configuration.

    Attributes
    ----------
    configuration : Configuration
        What the chips hold.
    demand : Demand
        What was asked for, with the weight codes and masks that were chosen.
    neurons : pandas.DataFrame
        A row a neuron; columns population, index (in the model), chip, core, neuron, cams (CAM words used),
        destinations (used, read-out included), read_out.
    synapses : pandas.DataFrame
        A row a synapse; columns connection, number (in the model), source, source_index, target, target_index, chip,
        core, neuron, cam, tag, dendrite, weight (mask), precise_delay, mismatched_delay, stp, sharing (how many
        synapses share the CAM word).
    inputs : pandas.DataFrame
        A row an event that an input has to send; columns group, index, source (number in the demand), tag, core
        (mask), x_hop, y_hop, counted from chip 0.
    profile : ChipProfile or None
        Of the board.
    asked_currents : dict
        (population, bias) to the current that was asked for, amp, for biases that were set by a current.
    tables : dict
        Population to the generator table behind its codes; the nominal one where it is not named.
    weights : pandas.DataFrame
        A row a synapse with a real-valued weight; columns connection, number, wanted_A, got_A, error (relative).
    notes : tuple of str
        What a user should know.
    provenance : dict
        Versions, chip, seed, biases and circuits of the network, the configuration; see `provenance`. The tables
        carry it, too.
    """

    configuration: Configuration
    demand: Demand
    neurons: pd.DataFrame
    synapses: pd.DataFrame
    inputs: pd.DataFrame
    profile: ChipProfile | None = None
    asked_currents: Dictionary = field(default_factory=dict)
    tables: Dictionary = field(default_factory=dict)
    weights: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: tuple[str, ...] = ()
    provenance: Dictionary = field(default_factory=dict)

    def __post_init__(self):
        for table in (self.neurons, self.synapses, self.inputs, self.weights):
            carry(table, self.provenance)

    @property
    def biases(self) -> pd.DataFrame:
        """Every bias of every core in use, with its quantisation error.

        Returns
        -------
        pandas.DataFrame
            Columns chip, core, bias, coarse, fine, current_A (of the code, before the mirror scale of a chip), asked_A
            (NaN if the code itself was given, or chosen for real-valued weights) and error (relative).
        """
        rows = []
        for (chip, core), members in self.neurons.groupby(["chip", "core"]):
            for name, (coarse, fine) in zip(
                facts.core_biases(), self.configuration.core_codes[chip, core].tolist(), strict=True
            ):
                population = members["population"].iloc[0]
                current = dac.current(name, coarse, fine, self.tables.get(population))
                asked = self.asked_currents.get((population, name), np.nan)
                error = current / asked - 1 if asked else np.nan
                rows.append((chip, core, name, coarse, fine, current, asked, error))
        columns = ["chip", "core", "bias", "coarse", "fine", "current_A", "asked_A", "error"]
        return carry(pd.DataFrame(rows, columns=columns), self.provenance)

    def utilization(self) -> pd.DataFrame:
        """How much of every resource is used.

        Returns
        -------
        pandas.DataFrame
            Rows for every core (and the board, chip and core -1): columns resource, chip, core, used, available,
            share, by (who uses it, and how many; a tag or word of several connections counts for each). Resources:
            cores; neurons; CAM words; CAM words of the fullest neuron; destinations; tags (that reach the core);
            analog monitor.
        """
        config = self.configuration
        usable = self._usable_cams()
        listening = config.synapse_dendrite != 0
        rows = [("cores", -1, -1, self._cores_used(), len(config) * facts.CORES_PER_CHIP, self._names(self.neurons))]
        for chip, core in np.ndindex(len(config), facts.CORES_PER_CHIP):
            here = self.neurons[(self.neurons["chip"] == chip) & (self.neurons["core"] == core)]
            names = self._names(here)
            onto = self.synapses[(self.synapses["chip"] == chip) & (self.synapses["core"] == core)]
            words = self._by(onto.drop_duplicates(["connection", "neuron", "cam"]))
            heard = self._by(onto.drop_duplicates(["connection", "tag"]))
            per_neuron = listening[chip, core].sum(axis=-1)
            fullest = int(np.argmax(per_neuron / np.maximum(usable[chip, core], 1)))
            owner = here[here["neuron"] == fullest]
            label = "" if owner.empty else f"{owner['population'].iloc[0]}[{owner['index'].iloc[0]}]"
            tags = TAGS if self.profile is None else int(self.profile.tags[chip, core].sum())
            used_tags = len(np.unique(config.synapse_tag[chip, core][listening[chip, core]]))
            sends = int((config.destination_core[chip, core] != 0).sum())
            monitored = int(config.monitored[chip, core] != NOT_MONITORED)
            everywhere = facts.NEURONS_PER_CORE * DESTINATIONS_PER_NEURON
            for name, used, available, by in (
                ("neurons", len(here), facts.NEURONS_PER_CORE, names),
                ("CAM words", int(per_neuron.sum()), int(usable[chip, core].sum()), words),
                ("CAM words of the fullest neuron", per_neuron[fullest], usable[chip, core, fullest], label),
                ("destinations", sends, everywhere, names if sends else ""),
                ("tags", used_tags, tags - len(RESERVED_TAGS), heard),
                ("analog monitor", monitored, 1, names if monitored else ""),
            ):
                rows.append((name, chip, core, int(used), int(available), by))
        frame = pd.DataFrame(rows, columns=["resource", "chip", "core", "used", "available", "by"])
        frame.insert(5, "share", frame["used"] / frame["available"].clip(lower=1))
        return carry(frame, self.provenance)

    def _usable_cams(self) -> np.ndarray:
        shape = (len(self.configuration), facts.CORES_PER_CHIP, facts.NEURONS_PER_CORE)
        if self.profile is None:
            return np.full(shape, facts.SYNAPSES_PER_NEURON)
        return self.profile.usable.any(axis=-1).sum(axis=-1)

    def _cores_used(self) -> int:
        return len(self.neurons[["chip", "core"]].drop_duplicates())

    @staticmethod
    def _by(synapses: pd.DataFrame) -> str:
        return ", ".join(f"{name} {count}" for name, count in synapses.groupby("connection").size().items())

    @staticmethod
    def _names(neurons: pd.DataFrame) -> str:
        counts = neurons.groupby("population", sort=False).size()
        return ", ".join(f"{name} {count}" for name, count in counts.items())

    def __repr__(self) -> str:
        chips = len(self.configuration)
        words = int((self.configuration.synapse_dendrite != 0).sum())
        return (
            f"<Mapping: {len(self.neurons)} neurons on {self._cores_used()} cores of {chips} "
            f"chip{'s' if chips > 1 else ''}, {len(self.synapses)} synapses in {words} CAM words>"
        )

    def _repr_html_(self) -> str:
        places = self.neurons.groupby(["population", "chip", "core"], sort=False).agg(
            neurons=("neuron", "size"), first=("neuron", "min"), last=("neuron", "max"), CAM_words=("cams", "sum")
        )
        used = self.utilization()
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return (
            f"<p>{html.escape(repr(self))}</p>{places.reset_index().to_html(index=False)}"
            f"{used[used['used'] > 0].to_html(index=False, float_format='{:.3f}'.format)}<ul>{notes}</ul>"
        )

    def plot(self, figure=None):
        """Picture of the chips: neurons, populations and CAM words, see `plot.mapping`.

        Parameters
        ----------
        figure : matplotlib Figure, optional
            Where to draw; a new one unless given.

        Returns
        -------
        matplotlib Figure
        """
        from .plot import mapping  # a mapping needs no matplotlib, its picture does

        return mapping(self, figure)
