"""A configuration read like the vendor driver's tree: ``chips[0].cores[1].neurons[5].synapses[3].tag``.

Views only: nothing is copied before a value is asked for, and nothing can be written.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from . import configuration as content
from . import facts
from .errors import DynapseError, unknown_name

BITS = 4  # of a weight mask, and of a core mask
SADC_GROUPS = 3


class OutOfRangeError(DynapseError, IndexError):
    """An index beyond the end of a sequence of a configuration."""


def chips_of(configuration: content.Configuration) -> Sequence:
    """The chips of a configuration, to be read like the driver's tree.

    Parameters
    ----------
    configuration : Configuration
        What to look at.

    Returns
    -------
    sequence of Chip
        Read-only views.
    """
    return _Views(configuration, (), Chip, "chips", len(configuration))


def _refuse(_, name="it", *value, **others):
    raise DynapseError(f"{name} cannot be set: a configuration is frozen; make another one with replace(...)")


class _ReadOnly:
    """What every view shares: it cannot be written, and names what it has."""

    __slots__ = ()
    __setattr__ = __delattr__ = __setitem__ = __delitem__ = _refuse

    def _keep(self, **values):
        for name, value in values.items():
            object.__setattr__(self, name, value)


class _Views(_ReadOnly, Sequence):
    """A sequence of views that are made when they are asked for."""

    __slots__ = ("_configuration", "_count", "_kind", "_name", "_owner")

    def __init__(self, configuration, owner: tuple[int, ...], kind: type, name: str, count: int):
        self._keep(_configuration=configuration, _owner=owner, _kind=kind, _name=name, _count=count)

    def __reduce__(self):
        return type(self), (self._configuration, self._owner, self._kind, self._name, self._count)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index):
        if isinstance(index, slice):
            try:
                return tuple(self[k] for k in range(*index.indices(self._count)))
            except (TypeError, ValueError):
                raise DynapseError(f"{self._name}[{index}]: give integers, and a step other than 0") from None
        try:
            number = operator.index(index)
        except TypeError:
            raise DynapseError(f"{self._name}[{index!r}]: an index is an integer 0..{self._count - 1}") from None
        if not -self._count <= number < self._count:
            raise OutOfRangeError(f"{self._name}[{number}]: an index is 0..{self._count - 1}, or negative from the end")
        return self._kind(self._configuration, (*self._owner, number % self._count))

    def __repr__(self) -> str:
        return f"<{self._count} {self._name}>"


class _View(_ReadOnly):
    """One thing in the tree: a configuration and where to look in it."""

    __slots__ = ("_configuration", "_index")
    _what: str
    _names: tuple[str, ...]  # what it has

    def __init__(self, configuration, index: tuple[int, ...]):
        self._keep(_configuration=configuration, _index=index)

    def __reduce__(self):
        return type(self), (self._configuration, self._index)

    def __dir__(self):
        return self._names

    def __getattr__(self, name):
        raise AttributeError(str(unknown_name(f"part of a {self._what}", name, dir(self))))

    def _views(self, kind: type, name: str, count: int) -> Sequence:
        return _Views(self._configuration, self._index, kind, name, count)

    def _entry(self, name: str):
        return getattr(self._configuration, name)[self._index]

    def _parameters(self, entry: str, *place: int) -> Parameters:
        return Parameters(self._configuration, (entry, *self._index, *place))

    def _path(self) -> str:
        names = ("chips", "cores", "neurons")
        return ".".join(f"{name}[{k}]" for name, k in zip(names, self._index, strict=False))


class _Word(_View):
    """One word of a memory: equal to another one of its kind with the same values."""

    __slots__ = ()

    def _values(self) -> dict:
        return {name: getattr(self, name) for name in self._names}

    def __eq__(self, other) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    __hash__ = None

    def __repr__(self) -> str:
        values = {name: value.name if name == "dendrite" else value for name, value in self._values().items()}
        return f"<{type(self).__name__}: " + ", ".join(f"{name} {value}" for name, value in values.items()) + ">"


class Parameter(_Word):
    """Code of a bias. Its index is (entry, place ..., number of the bias)."""

    __slots__ = ()
    _what = "parameter"
    _names = ("coarse_value", "fine_value")

    @property
    def coarse_value(self) -> int:
        """Coarse code, 0..5."""
        return int(self._code()[0])

    @property
    def fine_value(self) -> int:
        """Fine code, 0..255."""
        return int(self._code()[1])

    def _code(self) -> np.ndarray:
        entry, *place = self._index
        return getattr(self._configuration, entry)[tuple(place)]


class Parameters(_View, Mapping):
    """Codes by the names of the biases, in the order of the bias table. Its index is (entry, place ...)."""

    __slots__ = ()
    _what = "set of parameters"
    _names = ("keys", "values", "items", "get")

    def _biases(self) -> tuple[str, ...]:
        return content.biases_of(self._index[0])

    def __getitem__(self, name: str) -> Parameter:
        names = self._biases()
        if name not in names:
            elsewhere = facts.bias_table().get(name) if isinstance(name, str) else None
            hint = f"({name} is a {elsewhere.scope} parameter)" if elsewhere else ""
            raise unknown_name(f"{facts.bias(names[0]).scope} parameter", name, names, hint)
        return Parameter(self._configuration, (*self._index, names.index(name)))

    def __iter__(self) -> Iterator[str]:
        return iter(self._biases())

    def __len__(self) -> int:
        return len(self._biases())

    def __repr__(self) -> str:
        codes = ", ".join(f"{name}: ({one.coarse_value}, {one.fine_value})" for name, one in self.items())
        return "{" + codes + "}"


class _Bits(list):
    """A list of booleans, as in the driver; a change of it would be lost, so it is refused."""

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = extend = insert = remove = pop = clear = sort = reverse = _refuse

    def __reduce_ex__(self, _):  # a list is pickled and copied as what is appended to it
        return type(self), (list(self),)


def bits_of(mask: int) -> list[bool]:
    """The four bits of a mask, bit 0 first, as the driver has them."""
    return _Bits(bool(mask >> k & 1) for k in range(BITS))


class Synapse(_Word):
    """A word of the CAM."""

    __slots__ = ()
    _what = "synapse"
    _names = ("tag", "weight", "dendrite", "stp", "precise_delay", "mismatched_delay")

    @property
    def tag(self) -> int:
        """Tag that the synapse listens to, 0..2047."""
        return int(self._entry("synapse_tag"))

    @property
    def weight(self) -> list[bool]:
        """Which weight currents add up, W0 first."""
        return bits_of(int(self._entry("synapse_weight")))

    @property
    def dendrite(self) -> content.Dendrite:
        """What the synapse acts on."""
        return content.Dendrite(int(self._entry("synapse_dendrite")))

    @property
    def stp(self) -> bool:
        """Whether short-term depression is on."""
        return bool(self._entry("synapse_stp"))

    @property
    def precise_delay(self) -> bool:
        """Whether the precise delay line is on."""
        return bool(self._entry("synapse_precise_delay"))

    @property
    def mismatched_delay(self) -> bool:
        """Whether the mismatched delay line is on."""
        return bool(self._entry("synapse_mismatched_delay"))


class Destination(_Word):
    """A word of the SRAM."""

    __slots__ = ()
    _what = "destination"
    _names = ("tag", "core", "x_hop", "y_hop")

    @property
    def tag(self) -> int:
        """Tag of the event, 0..2047."""
        return int(self._entry("destination_tag"))

    @property
    def core(self) -> list[bool]:
        """Which cores of the target chip receive the event, core 0 first."""
        return bits_of(int(self._entry("destination_core")))

    @property
    def x_hop(self) -> int:
        """Column of the target chip - own column."""
        return int(self._entry("destination_x_hop"))

    @property
    def y_hop(self) -> int:
        """Row of the target chip - own row."""
        return int(self._entry("destination_y_hop"))


class Neuron(_View):
    """A neuron: its synapses, destinations and latches, the latter as ``latch_<name>``."""

    __slots__ = ()
    _what = "neuron"
    _names = ("synapses", "destinations")

    @property
    def synapses(self) -> Sequence[Synapse]:
        """The 64 CAM words."""
        return self._views(Synapse, "synapses", facts.SYNAPSES_PER_NEURON)

    @property
    def destinations(self) -> Sequence[Destination]:
        """The 4 SRAM words."""
        return self._views(Destination, "destinations", content.DESTINATIONS_PER_NEURON)

    def __getattr__(self, name):
        latches = [f"latch_{one}" for one in facts.latch_table()]
        if name in latches:
            return bool(self._entry("latches")[latches.index(name)])
        return super().__getattr__(name)

    def __dir__(self):
        return [*self._names, *(f"latch_{one}" for one in facts.latch_table())]

    def __repr__(self) -> str:
        synapses = np.count_nonzero(self._entry("synapse_dendrite"))
        destinations = np.count_nonzero(self._entry("destination_core"))
        names = list(facts.latch_table())
        latches = ", ".join(names[k] for k in np.flatnonzero(self._entry("latches"))) or "none"
        return f"<{self._path()}: synapses used {synapses}, destinations used {destinations}, latches {latches}>"


class Core(_View):
    """A core: its neurons, its biases, its monitor."""

    __slots__ = ()
    _what = "core"
    _names = ("neurons", "parameters", "monitored_neuron", "neuron_monitoring_on")

    @property
    def neurons(self) -> Sequence[Neuron]:
        """The 256 neurons."""
        return self._views(Neuron, "neurons", facts.NEURONS_PER_CORE)

    @property
    def parameters(self) -> Parameters:
        """Codes of the biases."""
        return self._parameters("core_codes")

    @property
    def monitored_neuron(self) -> int:
        """Neuron on the analog monitor; 0 if none is, as in the driver: see `neuron_monitoring_on`."""
        return max(int(self._entry("monitored")), 0)

    @property
    def neuron_monitoring_on(self) -> bool:
        """Whether a neuron is on the analog monitor."""
        return int(self._entry("monitored")) != content.NOT_MONITORED

    def __repr__(self) -> str:
        neurons = np.count_nonzero(self._configuration.used_neurons()[self._index])
        synapses = np.count_nonzero(self._entry("synapse_dendrite"))
        monitored = self.monitored_neuron if self.neuron_monitoring_on else "none"
        return f"<{self._path()}: neurons used {neurons}, synapses used {synapses}, monitored neuron {monitored}>"


class Chip(_View):
    """A chip: its cores, its place, and the biases outside the cores."""

    __slots__ = ()
    _what = "chip"
    _names = (
        "position",
        "cores",
        "shared_parameters01",
        "shared_parameters23",
        "sadc_group_parameters01",
        "sadc_group_parameters23",
        "global_parameters",
    )

    @property
    def position(self) -> tuple[int, int]:
        """Column and row; the driver has no such entry."""
        column, row = self._entry("positions")
        return int(column), int(row)

    @property
    def cores(self) -> Sequence[Core]:
        """The 4 cores."""
        return self._views(Core, "cores", facts.CORES_PER_CHIP)

    @property
    def shared_parameters01(self) -> Parameters:
        """Codes that cores 0 and 1 share."""
        return self._parameters("shared_codes", 0)

    @property
    def shared_parameters23(self) -> Parameters:
        """Codes that cores 2 and 3 share."""
        return self._parameters("shared_codes", 1)

    @property
    def sadc_group_parameters01(self) -> Sequence[Parameters]:
        """Codes of the three groups of the spiking ADC of cores 0 and 1."""
        return self._sadc_groups("sadc_group_parameters01", 0)

    @property
    def sadc_group_parameters23(self) -> Sequence[Parameters]:
        """Codes of the three groups of the spiking ADC of cores 2 and 3."""
        return self._sadc_groups("sadc_group_parameters23", 1)

    @property
    def global_parameters(self) -> Parameters:
        """Codes of the whole chip."""
        return self._parameters("global_codes")

    def _sadc_groups(self, name: str, pair: int) -> Sequence[Parameters]:
        owner = ("sadc_codes", *self._index, pair)
        return _Views(self._configuration, owner, Parameters, name, SADC_GROUPS)

    def __repr__(self) -> str:
        neurons = np.count_nonzero(self._configuration.used_neurons()[self._index])
        return f"<{self._path()} at {self.position}: neurons used {neurons}>"
