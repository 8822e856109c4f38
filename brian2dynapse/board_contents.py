"""What a configuration tree holds, in arrays, and the words, parameters and sequences that look at it. No Brian2."""

from __future__ import annotations

import copy
import operator
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from . import configuration as content
from . import facts
from .board_driver import DriverTypeError, Dynapse2Parameter, Word, refused
from .errors import unknown_name
from .labels import Labels
from .tree import OutOfRangeError

MONITORED, MONITORING = "monitored_neuron", "neuron_monitoring_on"


class Memory:
    """Values of a configuration tree.

    Parameters
    ----------
    chips : int
        Number of chips.

    Attributes
    ----------
    arrays : dict of str to numpy.ndarray
        As those of a `Configuration`, without positions; its monitors in two parts, as the driver has them.
    switches : dict of str to bool
        Those without effect that are not as at first, by path.
    labels : Labels
        Names of what `Network.connect` wired last.
    changes, applied : int
        Assignments so far, and how many there were when it was last applied.
    """

    def __init__(self, chips: int):
        self.chips = chips
        names = [name for name in content.fields() if name not in ("positions", "monitored")]
        self.arrays = {name: content.blank(name, chips) for name in names}
        self.arrays[MONITORED] = np.zeros((chips, facts.CORES_PER_CHIP), dtype="uint8")
        self.arrays[MONITORING] = np.zeros((chips, facts.CORES_PER_CHIP), dtype=bool)
        self.switches = {}
        self.labels = Labels()
        self.changes = self.applied = 0

    def write(self, name: str, place, value) -> None:
        """Assign to a part of an array."""
        self.arrays[name][place] = value
        self.changes += 1

    def copy(self) -> Memory:
        """Another one with the same values."""
        other = object.__new__(Memory)
        other.chips, other.switches, other.labels = self.chips, dict(self.switches), self.labels
        other.changes = other.applied = 0
        other.arrays = {name: array.copy() for name, array in self.arrays.items()}
        return other

    def differing(self, other: Memory) -> list[str]:
        """Names of the arrays that differ from those of a memory of as many chips."""
        return [name for name, array in self.arrays.items() if not np.array_equal(array, other.arrays[name])]

    def configuration(self, previous: content.Configuration, changed: list[str]) -> content.Configuration:
        """The `Configuration` that it says, from a previous one and the names of the arrays that changed since.

        All values were checked when they were assigned, so only what changed is copied and nothing is checked again:
        this makes thousands of changed codes cheap.
        """
        changed = {"monitored" if name in (MONITORED, MONITORING) else name for name in changed}
        made = object.__new__(content.Configuration)
        entries = {name: value for name, value in previous.__dict__.items() if name != "chips"}  # a cached view
        for name in changed:
            array = self.monitored() if name == "monitored" else self.arrays[name].copy()
            array.setflags(write=False)
            entries[name] = array.view()
        made.__dict__.update(entries | {"labels": self.labels})
        return made

    def monitored(self) -> np.ndarray:
        """The monitored neurons as a `Configuration` has them."""
        return np.where(self.arrays[MONITORING], self.arrays[MONITORED].astype("int16"), content.NOT_MONITORED).astype(
            content.fields()["monitored"].dtype
        )

    def take(self, configuration: content.Configuration) -> None:
        """Take the values of a `Configuration` of as many chips."""
        for name, array in configuration.arrays().items():
            if name in self.arrays:
                self.arrays[name][...] = array
        self.arrays[MONITORED][...] = np.maximum(configuration.monitored, 0)
        self.arrays[MONITORING][...] = configuration.monitored != content.NOT_MONITORED
        self.labels = configuration.labels
        self.changes += 1


class Cells:
    """Values of a word in the arrays of a memory: entries with a prefix, at a place."""

    __slots__ = ("_memory", "_place", "_prefix")

    def __init__(self, memory: Memory, prefix: str, place: tuple):
        self._memory, self._prefix, self._place = memory, prefix, place

    def __getitem__(self, name):
        return self._memory.arrays[self._prefix + name][self._place].item()

    def __setitem__(self, name, value):
        self._memory.write(self._prefix + name, self._place, value)


class Code:
    """Values of a parameter in an array of codes."""

    __slots__ = ("_entry", "_kind", "_memory", "_place")
    _parts: ClassVar = {"coarse_value": 0, "fine_value": 1}

    def __init__(self, memory: Memory, entry: str, place: tuple, kind: str):
        self._memory, self._entry, self._place, self._kind = memory, entry, place, kind

    def __getitem__(self, name):
        return (
            self._kind if name == "type" else self._memory.arrays[self._entry][*self._place, self._parts[name]].item()
        )

    def __setitem__(self, name, value):
        if name != "type":
            self._memory.write(self._entry, (*self._place, self._parts[name]), value)


class Parameters(dict):
    """Parameters by name, ``parameters["SOIF_LEAK_N"].fine_value``; one is assigned whole or field by field."""

    def __init__(self, memory: Memory, entry: str, place: tuple, path: str):
        self._path = path
        for b, name in enumerate(content.biases_of(entry)):
            store = Code(memory, entry, (*place, b), facts.bias(name).type)
            dict.__setitem__(self, name, Dynapse2Parameter.view(store, f"{path}[{name!r}]"))

    def __missing__(self, name):
        raise unknown_name(f"parameter of {self._path}", name, self)

    def __setitem__(self, name: str, parameter) -> None:
        if not isinstance(parameter, Dynapse2Parameter):
            raise refused(f"{self._path}[{name!r}]", parameter, "a Dynapse2Parameter")
        self[name].take(parameter)

    def update(self, *parameters, **more) -> None:
        """Assign several."""
        for name, parameter in dict(*parameters, **more).items():
            self[name] = parameter

    def _refuse(self, *_):
        raise DriverTypeError(f"{self._path}: parameters cannot be taken away")

    __delitem__ = pop = popitem = clear = setdefault = __ior__ = _refuse

    def __reduce__(self):
        return dict, ({name: copy.copy(parameter) for name, parameter in self.items()},)

    def __repr__(self) -> str:
        return f"<{len(self)} parameters, {self._path}>"


class Members(Sequence):
    """A sequence of the tree: members are made when they are asked for, and kept."""

    def __init__(self, make, count: int, path: str):
        self._make, self._path, self._kept = make, path, [None] * count

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        try:
            number = operator.index(index)
        except TypeError:
            raise DriverTypeError(f"{self._path}[{index!r}]: an index is an integer 0..{len(self) - 1}") from None
        if not -len(self) <= number < len(self):
            raise OutOfRangeError(f"{self._path}[{number}]: an index is 0..{len(self) - 1}")
        number %= len(self)
        if self._kept[number] is None:
            self._kept[number] = self._make(number, f"{self._path}[{number}]")
        return self._kept[number]

    def __setitem__(self, index, value) -> None:
        member = self[index]
        if not isinstance(member, Word) or type(value) is not type(member):
            raise refused(
                f"{self._path}[{index}]", value, f"a {type(member).__name__}, or change the fields of this one"
            )
        member.take(value)

    def __repr__(self) -> str:
        return f"<{len(self)} members, {self._path}>"
