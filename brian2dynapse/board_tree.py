"""The driver's configuration tree, ``config.chips[0].cores[1].neurons[5].synapses[3].tag``, over arrays. No Brian2.

A `Memory` holds the values, in the arrays that a `Configuration` has; the objects of the tree are views of it, made
when they are asked for. So a configuration of four chips is copied and compared in a millisecond, although
it has hundreds of thousands of fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from . import configuration as content
from . import facts
from .board_contents import MONITORED, MONITORING, Cells, Members, Memory, Parameters
from .board_driver import (
    DriverTypeError,
    Dynapse2Destination,
    Dynapse2Synapse,
    UnknownPartError,
    flag,
    integer,
    refused,
    unknown_part,
)
from .errors import DynapseError
from .tree import SADC_GROUPS

# Switches that the driver has and the simulation keeps without an effect.
CORE_SWITCHES = ("enable_pulse_extender_monitor1", "enable_pulse_extender_monitor2", "enable_syaw_stdbuf_an")
CHIP_SWITCHES = (
    "enable_pg0_reference_monitor",
    "enable_pg1_reference_monitor",
    "param_gen0_powerdown",
    "param_gen1_powerdown",
)
CORE_CHANNELS = (
    "soif_mem",
    "soif_refractory",
    "soad_dpi",
    "soca_dpi",
    "deam_edpi",
    "deam_idpi",
    "denm_edpi",
    "denm_idpi",
    "dega_idpi",
    "desc_idpi",
    "sy_w42",
    "sy_w21",
    "soho_sogain",
    "soho_degain",
)
CHIP_CHANNELS = tuple(
    f"{name}_group{group}_pg{pg}"
    for name, group in (
        ("nccf_extin_vi", 0),
        ("nccf_cal_refbias_v", 1),
        ("nccf_cal_refbias_v", 2),
        ("nccf_extin_vi", 2),
    )
    for pg in (0, 1)
)
NOT_SIMULATED = {"bioamps": "the bio-amplifiers", "dvs_if": "the interface of an event camera"}
LARGEST_BOARD = 4
_LATCHES = {f"latch_{name}": k for k, name in enumerate(facts.latch_table())}
_PREFIX = {"synapses": "synapse_", "destinations": "destination_"}
_FLAG, _NEURON = flag(), integer(0, facts.NEURONS_PER_CORE - 1)


class _Node:
    """An inner part of the tree; its fields are its properties and what `_get` and `_put` know."""

    _plain: tuple[str, ...] = ()

    def __init__(self, memory: Memory, place: tuple, path: str):
        self.__dict__.update(_memory=memory, _place=place, _path=path)

    def __dir__(self):
        return [*self._plain, *(name for name in vars(type(self)) if not name.startswith("_"))]

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name in NOT_SIMULATED and isinstance(self, Dynapse2Chip):
            raise UnknownPartError(f"{self._path}.{name}: {NOT_SIMULATED[name]} is not simulated")
        if name not in self._plain:
            raise unknown_part(self._path or type(self).__name__, name, dir(self))
        return self._memory.switches.get(f"{self._path}.{name}", False)

    def __setattr__(self, name, value):
        if name not in self._plain:
            if name in dir(self):
                raise refused(f"{self._path}.{name}", value, "nothing: it cannot be assigned, only its members can")
            raise unknown_part(self._path or type(self).__name__, name, dir(self))
        self._switch(name, _checked(_FLAG, f"{self._path}.{name}", value))

    def _switch(self, name: str, value: bool) -> None:
        self._memory.switches[f"{self._path}.{name}"] = value
        self._memory.changes += 1

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._path}>"

    def _members(self, kind, name: str, count: int) -> Members:
        memory, place = self._memory, self._place
        return Members(lambda k, path: kind(memory, (*place, k), path), count, f"{self._path}.{name}".lstrip("."))


def _checked(rule, path: str, value):
    try:
        return rule.stored(value)
    except (TypeError, ValueError):
        raise refused(path, value, rule.allowed) from None


class SadcEnables(_Node):
    """Switches of the spiking ADC's channels."""

    def __init__(self, memory: Memory, path: str, channels: tuple[str, ...]):
        super().__init__(memory, (), path)
        self.__dict__["_plain"] = channels


class Dynapse2Neuron(_Node):
    """A neuron: latches, 64 synapses, 4 destinations."""

    def __dir__(self):
        return [*_PREFIX, *_LATCHES]

    def _words(self, name: str) -> Members:
        kind, count = (Dynapse2Synapse, facts.SYNAPSES_PER_NEURON)
        if name == "destinations":
            kind, count = Dynapse2Destination, content.DESTINATIONS_PER_NEURON
        memory, place, prefix = self._memory, self._place, _PREFIX[name]

        def make(k, path):
            return kind.view(Cells(memory, prefix, (*place, k)), path)

        return Members(make, count, f"{self._path}.{name}")

    @property
    def synapses(self) -> Members:
        """The CAM words; assign a list of 64."""
        return self._words("synapses")

    @property
    def destinations(self) -> Members:
        """The SRAM words; assign a list of 4."""
        return self._words("destinations")

    def __getattr__(self, name):
        if name in _LATCHES:
            return bool(self._memory.arrays["latches"][*self._place, _LATCHES[name]])
        return super().__getattr__(name)

    def __setattr__(self, name, value):
        path = f"{self._path}.{name}"
        if name in _LATCHES:
            self._memory.write("latches", (*self._place, _LATCHES[name]), _checked(_FLAG, path, value))
        elif name in _PREFIX:
            kind = Dynapse2Synapse if name == "synapses" else Dynapse2Destination
            count = len(getattr(self, name))
            words = list(value) if isinstance(value, (Sequence, np.ndarray)) else None
            if words is None or len(words) != count or any(type(one) is not kind for one in words):
                got = f"{len(words)} members" if words is not None and len(words) != count else repr(value)[:80]
                raise DriverTypeError(f"{path}: got {got}; give a list of {count} {kind.__name__}")
            columns = {field: [one._store[field] for one in words] for field in kind.rules}
            for field, column in columns.items():
                self._memory.write(_PREFIX[name] + field, self._place, column)
        else:
            super().__setattr__(name, value)


class Dynapse2Core(_Node):
    """A core: 256 neurons, parameters, the analog monitor."""

    _plain = CORE_SWITCHES

    @cached_property
    def neurons(self) -> Members:
        """The neurons."""
        return self._members(Dynapse2Neuron, "neurons", facts.NEURONS_PER_CORE)

    @cached_property
    def parameters(self) -> Parameters:
        """Parameters of the core."""
        return Parameters(self._memory, "core_codes", self._place, f"{self._path}.parameters")

    @cached_property
    def sadc_enables(self) -> SadcEnables:
        """Switches of the core's channels of the spiking ADC."""
        return SadcEnables(self._memory, f"{self._path}.sadc_enables", CORE_CHANNELS)

    def get_id(self) -> int:
        """Number of the core."""
        return self._place[1]

    def __dir__(self):
        return [*super().__dir__(), MONITORED, MONITORING]

    def __getattr__(self, name):
        if name in (MONITORED, MONITORING):
            return self._memory.arrays[name][self._place].item()
        return super().__getattr__(name)

    def __setattr__(self, name, value):
        if name in (MONITORED, MONITORING):
            rule = _NEURON if name == MONITORED else _FLAG
            self._memory.write(name, self._place, _checked(rule, f"{self._path}.{name}", value))
        else:
            super().__setattr__(name, value)


class Dynapse2Chip(_Node):
    """A chip: 4 cores and what they share."""

    _plain = CHIP_SWITCHES

    @cached_property
    def cores(self) -> Members:
        """The cores."""
        return self._members(Dynapse2Core, "cores", facts.CORES_PER_CHIP)

    @cached_property
    def global_parameters(self) -> Parameters:
        """Parameters of the whole chip."""
        return Parameters(self._memory, "global_codes", self._place, f"{self._path}.global_parameters")

    @cached_property
    def shared_parameters01(self) -> Parameters:
        """Parameters that cores 0 and 1 share."""
        return Parameters(self._memory, "shared_codes", (*self._place, 0), f"{self._path}.shared_parameters01")

    @cached_property
    def shared_parameters23(self) -> Parameters:
        """Parameters that cores 2 and 3 share."""
        return Parameters(self._memory, "shared_codes", (*self._place, 1), f"{self._path}.shared_parameters23")

    @cached_property
    def sadc_group_parameters01(self) -> Members:
        """Parameters of the spiking ADC, three groups."""
        return self._groups("sadc_group_parameters01", 0)

    @cached_property
    def sadc_group_parameters23(self) -> Members:
        """Parameters of the spiking ADC, three groups."""
        return self._groups("sadc_group_parameters23", 1)

    def _groups(self, name: str, pair: int) -> Members:
        memory, place = self._memory, (*self._place, pair)
        return Members(
            lambda k, path: Parameters(memory, "sadc_codes", (*place, k), path), SADC_GROUPS, f"{self._path}.{name}"
        )

    @cached_property
    def sadc_enables(self) -> SadcEnables:
        """Switches of the chip's own channels of the spiking ADC."""
        return SadcEnables(self._memory, f"{self._path}.sadc_enables", CHIP_CHANNELS)


class Dynapse2Configuration(_Node):
    """What a script writes and applies: all chips of a board.

    Parameters
    ----------
    chips : int
        Number of chips, 1 unless given.
    """

    def __init__(self, chips: int = 1):
        super().__init__(Memory(check_chips(chips)), (), "")

    @classmethod
    def of(cls, memory: Memory) -> Dynapse2Configuration:
        """The tree of a memory."""
        made = cls.__new__(cls)
        _Node.__init__(made, memory, (), "")
        return made

    @cached_property
    def chips(self) -> Members:
        """The chips."""
        return self._members(Dynapse2Chip, "chips", self._memory.chips)

    def __copy__(self):
        return Dynapse2Configuration.of(self._memory.copy())

    def __deepcopy__(self, memo):
        return self.__copy__()

    def __eq__(self, other) -> bool:
        if not isinstance(other, Dynapse2Configuration):
            return NotImplemented
        if other is self:
            return True
        mine, theirs = self._memory, other._memory
        return mine.chips == theirs.chips and not mine.differing(theirs) and mine.switches == theirs.switches

    __hash__ = object.__hash__  # a script changes it; it is known by itself

    def __repr__(self) -> str:
        return f"<Dynapse2Configuration of {self._memory.chips} chip{'s' if self._memory.chips > 1 else ''}>"


def memory_of(configuration) -> Memory:
    """The memory behind a configuration tree.

    Raises
    ------
    DriverTypeError
        If it is something else.
    """
    if not isinstance(configuration, Dynapse2Configuration):
        raise DriverTypeError(
            f"configuration is {type(configuration).__name__}; give the Dynapse2Configuration that "
            "model.get_configuration() gave"
        )
    return configuration._memory


def check_chips(chips) -> int:
    """Number of chips of a board."""
    if isinstance(chips, bool) or not isinstance(chips, (int, np.integer)) or not 1 <= chips <= LARGEST_BOARD:
        raise DynapseError(f"chips is {chips!r}; give a number of chips, 1..{LARGEST_BOARD}")
    return int(chips)
