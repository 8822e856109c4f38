"""The driver's small classes: synapses, destinations, parameters, events and enumerations. No Brian2.

Names, fields, types and ranges are those of the vendor's driver. Everything is checked when it is assigned. A word
either stands by itself (``Dynapse2Synapse()``) or is a view of a configuration (`board_tree`): then its error
messages begin with its path.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from .configuration import LARGEST_HOP, LARGEST_TAG, Dendrite
from .errors import DynapseError, unknown_name
from .facts import COARSE_CODES, FINE_CODES
from .tree import BITS, bits_of

STAMPS = 1 << 32  # the counter of the board has 32 bits
_BIT_VALUES = tuple(1 << bit for bit in range(BITS))
_MASK_OF_BITS = {tuple(bits_of(mask)): mask for mask in range(1 << BITS)}


class DriverTypeError(DynapseError, TypeError):
    """A value of a wrong type or out of range, as which the driver's own errors are caught, too."""


class UnknownPartError(DynapseError, AttributeError):
    """A field or a call that the driver does not have, or that is not simulated."""


class ResetType(IntEnum):
    """What `Dynapse2Model.reset` does: blank the configuration, or switch the chips off and on."""

    ConfigReset = 0
    PowerCycle = 1


class BusId(IntEnum):
    """Outputs of the board: the spiking ADC, and the four edges of its chips; events are read out of the west one."""

    sADC = 0
    W = 1
    E = 2
    N = 3
    S = 4


class ParamGen(IntEnum):
    """Parameter generators of a chip."""

    PG0 = 0
    PG1 = 1


@dataclass(frozen=True)
class Rule:
    """What a field takes.

    Attributes
    ----------
    allowed : str
        In words.
    stored : callable
        Value to what is kept; raises TypeError or ValueError for what is not allowed.
    shown : callable
        What is kept to what a script sees.
    default : object
        What is kept at first.
    """

    allowed: str
    stored: Callable
    shown: Callable
    default: object


def integer(low: int, high: int) -> Rule:
    """An integer, low..high."""

    def stored(value):
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)
        if not low <= number <= high:
            raise ValueError
        return number

    return Rule(f"an integer, {low}..{high}", stored, int, max(low, 0))


def flag(default: bool = False) -> Rule:
    """True or False."""
    return Rule("True or False", _truth, bool, default)


def _truth(value) -> bool:
    if isinstance(value, (bool, np.bool_)) or (isinstance(value, (int, np.integer)) and value in (0, 1)):
        return bool(value)
    raise TypeError


def _mask(values) -> int:
    try:
        return _MASK_OF_BITS[tuple(values)]  # most of what a script assigns
    except (KeyError, TypeError):
        pass
    if isinstance(values, (str, bytes, Mapping)) or len(values) != BITS:
        raise TypeError
    return sum(bit for bit, value in zip(_BIT_VALUES, values, strict=True) if _truth(value))


def _dendrite(value) -> int:
    if not isinstance(value, Dendrite):
        raise TypeError
    return int(value)


def _read_only(value):
    raise TypeError


BIT_LIST = Rule(f"a list of {BITS} booleans", _mask, lambda mask: list(bits_of(int(mask))), 0)
DENDRITE = Rule("a Dendrite: " + ", ".join(f"Dendrite.{one.name}" for one in Dendrite), _dendrite, Dendrite, 0)
_TYPE = Rule("nothing, the type of a parameter can only be read", _read_only, str, "N")
TAG = integer(0, LARGEST_TAG)
HOP = integer(-LARGEST_HOP, LARGEST_HOP)


def refused(path: str, value, allowed: str) -> DriverTypeError:
    """Error for a value that a field does not take."""
    return DriverTypeError(f"{path}: got {value!r}; give {allowed}")


def unknown_part(what: str, name: str, parts) -> UnknownPartError:
    """Error for a field or call that does not exist."""
    return UnknownPartError(str(unknown_name(f"part of {what}", name, parts)))


class Word:
    """A word with fields, by itself or as a view of a configuration.

    Attributes
    ----------
    rules : dict of str to Rule
        Its fields.
    """

    __slots__ = ("_path", "_store")
    rules: Mapping[str, Rule] = {}

    def __init__(self):
        kind = type(self)
        if kind not in _defaults:
            _defaults[kind] = {name: rule.default for name, rule in kind.rules.items()}
        _set(self, "_store", _defaults[kind].copy())  # scripts make words by the hundred thousand
        _set(self, "_path", kind.__name__)

    @classmethod
    def view(cls, store, path: str) -> Word:
        """A word whose values are elsewhere: `store` is read and written like a dict."""
        word = cls.__new__(cls)
        _set(word, "_store", store)
        _set(word, "_path", path)
        return word

    def __getattr__(self, name):
        rule = self.rules.get(name)
        if rule is None:
            raise unknown_part(self._path if not name.startswith("_") else type(self).__name__, name, self.rules)
        return rule.shown(self._store[name])

    def __setattr__(self, name, value):
        rule = self.rules.get(name)
        if rule is None:
            raise unknown_part(self._path, name, self.rules)
        try:
            self._store[name] = rule.stored(value)
        except (TypeError, ValueError):
            raise refused(f"{self._path}.{name}", value, rule.allowed) from None

    def __delattr__(self, name):
        raise UnknownPartError(f"{self._path}.{name} cannot be deleted")

    def __dir__(self):
        return list(self.rules)

    def stored_values(self) -> dict:
        """What it keeps, by field, in integers."""
        return {name: self._store[name] for name in self.rules}

    def take(self, other: Word) -> None:
        """Take the values of another word of its kind."""
        for name, value in other.stored_values().items():
            self._store[name] = value

    def to_json(self) -> str:
        """Its fields as the driver writes them: in an object ``value0``, names like ``xHop``, lists as ``value0``..."""
        return json.dumps({"value0": _jsonable(self)}, indent=4)

    def from_json(self, text: str) -> None:
        """Take the fields that `to_json` wrote, or the driver."""
        try:
            fields = json.loads(text)["value0"]
            values = {_snake(name): value for name, value in fields.items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DriverTypeError(f"{self._path}.from_json: this is no JSON of the driver: {error!r}") from None
        for name, value in values.items():
            if name.startswith("_") or self.rules.get(name) is _TYPE:
                continue  # addresses and types, which a parameter keeps for itself
            if self.rules.get(name) is DENDRITE:
                value = Dendrite(value)
            elif isinstance(getattr(self, name), Word):
                getattr(self, name).from_json(json.dumps({"value0": value}))
                continue
            elif isinstance(value, dict):  # a list, as cereal writes arrays
                value = list(value.values())
            setattr(self, name, value)

    def __copy__(self):
        word = type(self)()
        word._store.update(self._store if type(self._store) is dict else self.stored_values())
        return word

    def __deepcopy__(self, memo):
        return self.__copy__()

    def __reduce__(self):
        return _remade, (type(self), self.stored_values())

    def __eq__(self, other) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.stored_values() == other.stored_values()

    __hash__ = None

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.rules)
        return f"{type(self).__name__}({values})"


_set = object.__setattr__
_defaults: dict[type, dict] = {}


def _remade(kind: type, values: dict) -> Word:
    word = kind()
    word._store.update(values)
    return word


def _jsonable(value):
    """What `Word.to_json` writes of a value."""
    if isinstance(value, Word):
        return {_camel(name): _jsonable(getattr(value, name)) for name in value.rules}
    if isinstance(value, list):
        return {f"value{k}": one for k, one in enumerate(value)}
    return int(value) if isinstance(value, IntEnum) else value


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(one.title() for one in others)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


class Dynapse2Parameter(Word):
    """Code of a bias: `coarse_value`, `fine_value`; `type` (``"N"``, ``"P"``, ``"V"``) can only be read."""

    __slots__ = ()
    rules: Mapping[str, Rule] = {
        "coarse_value": integer(0, COARSE_CODES - 1),
        "fine_value": integer(0, FINE_CODES - 1),
        "type": _TYPE,
    }


class Dynapse2Synapse(Word):
    """A CAM word."""

    __slots__ = ()
    rules: Mapping[str, Rule] = {
        "dendrite": DENDRITE,
        "mismatched_delay": flag(),
        "precise_delay": flag(),
        "stp": flag(),
        "tag": TAG,
        "weight": BIT_LIST,
    }


class Dynapse2Destination(Word):
    """An SRAM word of a neuron, and what an event says."""

    __slots__ = ()
    rules: Mapping[str, Rule] = {"core": BIT_LIST, "tag": TAG, "x_hop": HOP, "y_hop": HOP}


def _destination(value) -> Dynapse2Destination:
    if type(value) is not Dynapse2Destination:
        raise TypeError
    return value.__copy__()  # the driver copies, too


class NormalGridEvent(Word):
    """An event of the grid: where it goes (`event`, a Dynapse2Destination) and when (`timestamp`, microseconds)."""

    __slots__ = ()
    rules: Mapping[str, Rule] = {
        "event": Rule("a Dynapse2Destination", _destination, lambda event: event, None),
        "timestamp": integer(0, STAMPS - 1),
    }

    def __init__(self):
        super().__init__()
        self._store["event"] = Dynapse2Destination()


def event_of(tag: int, core: int, x_hop: int, y_hop: int, timestamp: int) -> NormalGridEvent:
    """An event from integers that are known to be right, as the board makes them."""
    store = {"core": core, "tag": tag, "x_hop": x_hop, "y_hop": y_hop}
    return NormalGridEvent.view(
        {"event": Dynapse2Destination.view(store, "Dynapse2Destination"), "timestamp": timestamp}, "NormalGridEvent"
    )
