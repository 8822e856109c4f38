"""A stand-in for the vendor's driver: its classes and attributes, and as strict about types and ranges.

Names and types as in public scripts for the chip; nothing here knows brian2dynapse's arrays.
"""

import enum
from typing import ClassVar

from brian2dynapse import facts

LATCHES = tuple(f"latch_{name}" for name in facts.latch_table())


class Dendrite(enum.Enum):
    none = 0
    shunt = 128
    nmda = 256
    gaba = 512
    ampa = 1024


class Strict:
    """Has the attributes that it was made with, no others; each is checked by the rule of its class."""

    rules: ClassVar = {}

    def __init__(self, **values):
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name, value):
        if name not in self.__dict__:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        rule = self.rules.get(name)
        if rule is None:
            raise AttributeError(f"{type(self).__name__}.{name} can't be set")
        rule(value)
        object.__setattr__(self, name, list(value) if isinstance(value, list) else value)


def integer(low, high):
    def rule(value):
        if type(value) is not int:
            raise TypeError(f"incompatible argument: {value!r} is no int")
        if not low <= value <= high:
            raise ValueError(f"{value} is not in {low}..{high}")

    return rule


def member(kind):
    def rule(value):
        if type(value) is not kind:
            raise TypeError(f"incompatible argument: {value!r} is no {kind.__name__}")

    return rule


def listed(kind, count):
    def rule(value):
        if type(value) is not list or len(value) != count or any(type(one) is not kind for one in value):
            raise TypeError(f"incompatible argument: {value!r} is no list of {count} {kind.__name__}")

    return rule


class Dynapse2Parameter(Strict):
    rules: ClassVar = {"coarse_value": integer(0, 7), "fine_value": integer(0, 255)}


class Dynapse2Synapse(Strict):
    rules: ClassVar = {
        "tag": integer(0, 2047),
        "weight": listed(bool, 4),
        "dendrite": member(Dendrite),
        "stp": member(bool),
        "precise_delay": member(bool),
        "mismatched_delay": member(bool),
    }

    def __init__(self):
        no = {"stp": False, "precise_delay": False, "mismatched_delay": False}
        super().__init__(tag=0, weight=[False] * 4, dendrite=Dendrite.none, **no)


class Dynapse2Destination(Strict):
    rules: ClassVar = {
        "tag": integer(0, 2047),
        "core": listed(bool, 4),
        "x_hop": integer(-8, 7),
        "y_hop": integer(-8, 7),
    }

    def __init__(self):
        super().__init__(tag=0, core=[False] * 4, x_hop=0, y_hop=0)


class Dynapse2Neuron(Strict):
    rules: ClassVar = {
        "synapses": listed(Dynapse2Synapse, 64),
        "destinations": listed(Dynapse2Destination, 4),
        **dict.fromkeys(LATCHES, member(bool)),
    }

    def __init__(self):
        super().__init__(
            synapses=[Dynapse2Synapse() for _ in range(64)],
            destinations=[Dynapse2Destination() for _ in range(4)],
            **dict.fromkeys(LATCHES, False),
        )


class Dynapse2Core(Strict):
    rules: ClassVar = {"monitored_neuron": integer(0, 255), "neuron_monitoring_on": member(bool)}

    def __init__(self):
        super().__init__(
            neurons=[Dynapse2Neuron() for _ in range(256)],
            parameters=parameters("core"),
            monitored_neuron=0,
            neuron_monitoring_on=False,
            enable_syaw_stdbuf_an=False,
        )


class Dynapse2Chip(Strict):
    def __init__(self):
        super().__init__(
            cores=[Dynapse2Core() for _ in range(4)],
            global_parameters=parameters("global"),
            shared_parameters01=parameters("shared"),
            shared_parameters23=parameters("shared"),
            sadc_group_parameters01=[parameters("sadc_group") for _ in range(3)],
            sadc_group_parameters23=[parameters("sadc_group") for _ in range(3)],
            enable_pg0_reference_monitor=False,
        )


class Dynapse2Configuration(Strict):
    def __init__(self, chips=1):
        super().__init__(chips=[Dynapse2Chip() for _ in range(chips)])


def parameters(scope):
    return {name: Dynapse2Parameter(coarse_value=0, fine_value=0) for name in facts.biases_of(scope)}


def content(thing):
    """Everything that a driver object holds, as plain Python, to compare two of them."""
    if isinstance(thing, Strict):
        return {name: content(value) for name, value in thing.__dict__.items()}
    if isinstance(thing, dict):
        return {name: content(value) for name, value in thing.items()}
    if isinstance(thing, list):
        return [content(value) for value in thing]
    return thing
