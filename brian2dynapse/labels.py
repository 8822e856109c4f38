"""`Labels`: names of the neurons and inputs of a configuration. Comments on it, no part of what the chip holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import islice

import numpy as np

from . import configuration as content
from .facts import NEURONS_PER_CHIP, NEURONS_PER_CORE

EVENT = ("index", "tag", "core", "x_hop", "y_hop")  # columns of the events of an input
SHOWN_CHARACTERS = 60  # of a wrong value
NAME = "[A-Za-z_][A-Za-z0-9_]*"  # of an object of Brian2
NAME_RULE = "give a name as Brian2 has them: letters A-Z and a-z, digits and _, no digit first"
LARGEST_INPUT = 1_000_000  # a simulation has arrays as long as a group; a wrong number must not fill the memory


class _Plain:
    """What is given as lists, ranges, arrays or NumPy's integers is kept as tuples of plain integers."""

    def __post_init__(self):
        for field in fields(self):
            object.__setattr__(self, field.name, _plain(getattr(self, field.name)))


@dataclass(frozen=True)
class PopulationLabel(_Plain):
    """A population of a configuration.

    Attributes
    ----------
    name : str
        Letters A-Z and a-z, digits and _, no digit first, as Brian2 wants it.
    neurons : tuple of int
        Physical neurons, 1024*chip + 256*core + neuron, in the order of the population.
    dendrites : tuple of str
        Dendrites that a simulation integrates.
    """

    name: str
    neurons: tuple[int, ...]
    dendrites: tuple[str, ...]


@dataclass(frozen=True)
class InputLabel(_Plain):
    """A group of inputs from outside.

    Attributes
    ----------
    name : str
        As for a population.
    size : int
        Number of inputs, up to `LARGEST_INPUT`.
    events : tuple of tuple of int
        What an input sends: (index, tag, core mask, x_hop, y_hop), hops counted from the first chip.
    """

    name: str
    size: int
    events: tuple[tuple[int, int, int, int, int], ...]


@dataclass(frozen=True)
class Labels(_Plain):
    """Names of populations and inputs, and the events of the inputs."""

    populations: tuple[PopulationLabel, ...] = ()
    inputs: tuple[InputLabel, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.populations or self.inputs)

    def populations_of_cores(self) -> dict[int, list[str]]:
        """Names of the populations that have neurons on a core, by its number 4*chip + core."""
        names = {}
        for population in self.populations:
            for core in sorted({neuron // NEURONS_PER_CORE for neuron in population.neurons}):
                names.setdefault(core, []).append(population.name)
        return names


def to_dict(labels: Labels) -> dict:
    """Labels as a file of a configuration holds them: dictionaries and lists."""
    populations = [
        {"name": one.name, "neurons": list(one.neurons), "dendrites": list(one.dendrites)} for one in labels.populations
    ]
    inputs = [
        {
            "name": one.name,
            "size": one.size,
            "events": {name: [event[k] for event in one.events] for k, name in enumerate(EVENT)},
        }
        for one in labels.inputs
    ]
    return {"populations": populations, "inputs": inputs}


def from_dict(found) -> Labels:
    """Labels of what `to_dict` gives; of None, none. What is wrong stays in them, for `errors_of` to name."""
    found = found if isinstance(found, dict) else {}
    populations = [
        PopulationLabel(one.get("name"), one.get("neurons"), one.get("dendrites")) if isinstance(one, dict) else one
        for one in _list(found.get("populations"))
    ]
    inputs = [
        InputLabel(one.get("name"), one.get("size"), _events(one.get("events"))) if isinstance(one, dict) else one
        for one in _list(found.get("inputs"))
    ]
    return Labels(populations, inputs)


def errors_of(labels, chips: int, event_path: str = "events[{row}].{column}") -> list[str]:
    """All that is wrong with labels.

    Parameters
    ----------
    labels : Labels
        Anything; what is no Labels is an error.
    chips : int
        Number of chips of the configuration.
    event_path : str
        How messages call a number of an event, with ``{row}`` and ``{column}``.

    Returns
    -------
    list of str
        Path, what it got, what is allowed. The first `LISTED_ERRORS`; then their total.
    """
    errors = _errors(labels, chips, event_path)
    listed = list(islice(errors, content.LISTED_ERRORS))
    left = sum(1 for _ in errors)
    return listed + ([f"labels: {len(listed) + left} wrong entries in all"] if left else [])


def _errors(labels, chips: int, event_path: str) -> Iterator[str]:
    if not isinstance(labels, Labels):
        yield f"labels is {_shown(labels)}; give a Labels"
        return
    owners, names = {}, {}
    for kind, expected in (("populations", PopulationLabel), ("inputs", InputLabel)):
        things, path = getattr(labels, kind), f"labels.{kind}"
        if not isinstance(things, tuple):
            yield f"{path} is {_shown(things)}; give a sequence of {expected.__name__}"
            continue
        for k, thing in enumerate(things):
            path = f"labels.{kind}[{k}]"
            if not isinstance(thing, expected):
                yield f"{path} is {_shown(thing)}; give {expected.__name__}"
                continue
            yield from _name_errors(thing.name, path, names)
            if expected is PopulationLabel:
                yield from _neuron_errors(thing.neurons, path, chips, owners)
                yield from _dendrite_errors(thing.dendrites, path)
            else:
                yield from _input_errors(thing, path, event_path)


def _name_errors(name, path: str, names: dict) -> Iterator[str]:
    if not isinstance(name, str) or not re.fullmatch(NAME, name):
        yield f"{path}.name is {_shown(name)}; {NAME_RULE}"
    elif names.setdefault(name, path) != path:
        yield f"{path}.name is {name!r}, that of {names[name]}; names are unique"


def _neuron_errors(neurons, path: str, chips: int, owners: dict) -> Iterator[str]:
    if not isinstance(neurons, tuple) or not neurons:
        yield f"{path}.neurons is {_shown(neurons)}; give the physical neurons of the population, at least one"
        return
    for k, neuron in enumerate(neurons):
        here = f"{path}.neurons[{k}]"
        if not _within(neuron, 0, NEURONS_PER_CHIP * chips - 1):
            yield f"{here} is {_shown(neuron)}; 0..{NEURONS_PER_CHIP * chips - 1}"
        elif owners.setdefault(neuron, here) != here:
            yield f"{here} is {neuron}, that of {owners[neuron]}; a neuron occurs once"


def _dendrite_errors(dendrites, path: str) -> Iterator[str]:
    names = [one.name for one in content.Dendrite if one]
    if not isinstance(dendrites, tuple):
        yield f"{path}.dendrites is {_shown(dendrites)}; give a sequence of {', '.join(names)}"
        return
    for k, one in enumerate(dendrites):
        if one not in names:
            yield f"{path}.dendrites[{k}] is {_shown(one)}; one of {', '.join(names)}"
    for name in names:
        if (count := dendrites.count(name)) > 1:
            yield f"{path}.dendrites: {name!r} occurs {count} times"


def _input_errors(label: InputLabel, path: str, event_path: str) -> Iterator[str]:
    sized = _within(label.size, 1, LARGEST_INPUT)
    if not sized:
        yield f"{path}.size is {_shown(label.size)}; give the number of inputs, 1..{LARGEST_INPUT}"
    if not isinstance(label.events, tuple):
        yield f"{path}.events is {_shown(label.events)}; give a sequence of ({', '.join(EVENT)})"
        return
    words = {name: content.fields()[f"destination_{name}"] for name in EVENT[1:]}
    limits = {"index": (0, label.size - 1 if sized else np.inf)} | {n: (one.low, one.high) for n, one in words.items()}
    for row, event in enumerate(label.events):
        if not isinstance(event, tuple) or len(event) != len(EVENT):
            yield f"{path}.events[{row}] is {_shown(event)}; give ({', '.join(EVENT)})"
            continue
        for column, value in zip(EVENT, event, strict=True):
            if not _within(value, *limits[column]):
                where = f"{path}.{event_path.format(row=row, column=column)}"
                low, high = limits[column]
                allowed = f"{low}..{high}" if high < np.inf else "an integer, 0 or more"
                yield f"{where} is {_shown(value)}; {allowed}"


def _events(columns) -> list[tuple]:
    """Events of their columns; none if these are not equally long."""
    columns = [_list(columns.get(name)) for name in EVENT] if isinstance(columns, dict) else [[]]
    return list(zip(*columns, strict=True)) if len({len(column) for column in columns}) == 1 else []


def _list(value) -> list:
    return value if isinstance(value, list) else []


def _within(value, low, high) -> bool:
    return type(value) is int and low <= value <= high


def _plain(value):
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.integer):
        return value.item()
    return tuple(_plain(one) for one in value) if isinstance(value, (list, tuple, range)) else value


def _shown(value) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."
