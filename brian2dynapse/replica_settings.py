"""What `replicate` is asked for: settings, and whether a network can be copied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from brian2 import Network, PoissonGroup, SpikeGeneratorGroup, SpikeMonitor, StateMonitor
from brian2.groups.subgroup import Subgroup

from .chip import Chip
from .connection import Connection
from .errors import DynapseError, unknown_name
from .neurons import Neurons
from .replica_groups import Copy
from .simulation import VirtualInputs

COPIED = (Neurons, Connection, PoissonGroup, SpikeGeneratorGroup, VirtualInputs, SpikeMonitor, StateMonitor)
SOURCES = (PoissonGroup, SpikeGeneratorGroup)


@dataclass(frozen=True)
class Setting:
    """How one copy differs from the network.

    Attributes
    ----------
    codes : mapping
        Codes (coarse, fine), or currents, that differ: {bias: code} for all populations, {population: {bias: code}} for
        one, which goes before.
    chip : Chip, optional
        Individual of this copy, with the constants and the reading of the chip of the network.
    inputs : mapping
        By the name of the source: rates of a `PoissonGroup` (hertz, one or one a neuron), or (indices, times) of a
        `SpikeGeneratorGroup`.
    label : str
        For tables.
    """

    codes: Mapping = field(default_factory=dict)
    chip: Chip | None = None
    inputs: Mapping = field(default_factory=dict)
    label: str = ""


def checked_objects(network) -> dict:
    """Objects of a network by name."""
    if not isinstance(network, Network):
        raise DynapseError(f"network is {type(network).__name__}; give a brian2.Network")
    if network.t_ > 0:
        raise DynapseError(
            f"the network has been run for {network.t}, and copies begin at 0 s; replicate it before its run, or "
            "store() it before and restore() it"
        )
    objects = {one.name: one for one in sorted(network.objects, key=lambda one: one.name)}
    for name, one in objects.items():
        if type(one) not in COPIED:
            allowed = ", ".join(kind.__name__ for kind in COPIED)
            raise DynapseError(
                f"{name} is {type(one).__name__}, which is not copied; take it out, copied are {allowed}"
            )
        if isinstance(one, Neurons) and "deam_ampa" in one.latches:
            raise DynapseError(
                f"{name}: the diffusion grid (latch deam_ampa) is one a core and not copied; run it alone"
            )
        if isinstance(one, (SpikeMonitor, StateMonitor)) and isinstance(one.source, Subgroup):
            raise DynapseError(f"{name} watches a part of {one.source.source.name}; watch the whole group")
        if isinstance(one, StateMonitor) and not isinstance(one.source, Neurons):
            raise DynapseError(f"{name} watches {one.source.name}; of states, only those of Neurons are copied")
    if not any(isinstance(one, Neurons) for one in objects.values()):
        raise DynapseError("the network has no Neurons; there is nothing to replicate")
    return objects


def checked_settings(settings) -> list[Setting]:
    settings = list(settings) if isinstance(settings, Sequence) and not isinstance(settings, str) else settings
    if not isinstance(settings, list) or not settings:
        raise DynapseError(f"settings is {settings!r}; give a list of Setting, one a copy")
    for number, one in enumerate(settings):
        if not isinstance(one, Setting):
            raise DynapseError(f"settings[{number}] is {type(one).__name__}; give a brian2dynapse.Setting")
    return settings


def checked_copy(number: int, setting: Setting, groups: dict, sources: dict) -> Copy:
    """A setting, checked against the network."""
    where = f"settings[{number}]"
    for what in ("codes", "inputs"):
        if not isinstance(getattr(setting, what), Mapping):
            raise DynapseError(f"{where}: {what} is {type(getattr(setting, what)).__name__}; give a mapping of names")
    if not isinstance(setting.label, str):
        raise DynapseError(f"{where}: label is {setting.label!r}; give a string")
    for name in setting.inputs:
        if name not in sources:
            raise unknown_name(f"source of the network ({where})", name, sources)
    of_all = {name: value for name, value in setting.codes.items() if not isinstance(value, Mapping)}
    of_one = {name: value for name, value in setting.codes.items() if isinstance(value, Mapping)}
    for name in of_one:
        if name not in groups:
            raise unknown_name(f"population of the network ({where})", name, groups)
    codes = {}
    for name, group in groups.items():
        asked = of_all | dict(of_one.get(name, {}))
        try:
            codes[name] = {bias: group.biases.code_of(bias, value) for bias, value in asked.items()}
        except DynapseError as error:
            raise type(error)(f"{where}: {error}") from None
    if setting.chip is not None:
        for group in groups.values():
            _check_chip(where, setting.chip, group)
    return Copy(codes, setting.chip)


def _check_chip(where: str, chip, group: Neurons) -> None:
    """What is one for all copies is the same on their chips."""
    if not isinstance(chip, Chip):
        raise DynapseError(f"{where}: chip is {type(chip).__name__}; give a brian2dynapse.Chip")
    shared = ("noise", "events_per_spike", "conductance", "swap_gaba_shunt")
    wanted = {**group.chip.constants, **{name: getattr(group.chip, name) for name in shared}}
    got = {**chip.constants, **{name: getattr(chip, name) for name in shared}}
    different = [name for name in wanted if got[name] != wanted[name]]
    if different:
        name = different[0]
        raise DynapseError(
            f"{where}: the chip has {name} = {got[name]}, that of {group.name} {wanted[name]}; copies share constants, "
            "temperature, noise and what a latch means, and differ in mismatch: replicate a network on such a chip"
        )


def check_places(groups: dict, copies: list[Copy]) -> None:
    """On one chip no two populations are on the same neurons."""
    if not any(copy.chip for copy in copies):
        return
    owner = {}
    for name, group in groups.items():
        for neuron in group.physical.tolist():
            if neuron in owner:
                raise DynapseError(
                    f"{owner[neuron]} and {name} are both on physical neuron {neuron}, of chips of their own; the chip "
                    "of a setting is one for all: make them with the same chip, Neurons(..., chip=chip)"
                )
        owner |= dict.fromkeys(group.physical.tolist(), name)
