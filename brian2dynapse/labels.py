"""`Labels`: names of the neurons and inputs of a configuration. Comments on it, no part of what the chip holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np

from . import configuration as content
from .facts import NEURONS_PER_CHIP, NEURONS_PER_CORE

EVENT = ("index", "tag", "core", "x_hop", "y_hop")  # columns of the events of an input
SHOWN_CHARACTERS = 60  # of a wrong value


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
    size : int
        Number of inputs.
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
        Path, what it got, what is allowed.
    """
    if not isinstance(labels, Labels):
        return [f"labels is {_shown(labels)}; give a Labels"]
    errors, owners, names = [], {}, {}
    for kind, expected in (("populations", PopulationLabel), ("inputs", InputLabel)):
        things, path = getattr(labels, kind), f"labels.{kind}"
        if not isinstance(things, tuple):
            errors.append(f"{path} is {_shown(things)}; give a sequence of {expected.__name__}")
            continue
        for k, thing in enumerate(things):
            path = f"labels.{kind}[{k}]"
            if not isinstance(thing, expected):
                errors.append(f"{path} is {_shown(thing)}; give {expected.__name__}")
                continue
            errors += _name_errors(thing.name, path, names)
            if expected is PopulationLabel:
                errors += _neuron_errors(thing.neurons, path, chips, owners) + _dendrite_errors(thing.dendrites, path)
            else:
                errors += _input_errors(thing, path, event_path)
    return errors


def _name_errors(name, path: str, names: dict) -> Iterator[str]:
    if not isinstance(name, str) or not name:
        yield f"{path}.name is {_shown(name)}; give a name, a string that is not empty"
    elif names.setdefault(name, path) != path:
        yield f"{path}.name is {name!r}, that of {names[name]}; names are unique"


def _neuron_errors(neurons, path: str, chips: int, owners: dict) -> list[str]:
    if not isinstance(neurons, tuple) or not neurons:
        return [f"{path}.neurons is {_shown(neurons)}; give the physical neurons of the population, at least one"]
    errors = []
    for k, neuron in enumerate(neurons):
        here = f"{path}.neurons[{k}]"
        if not _within(neuron, 0, NEURONS_PER_CHIP * chips - 1):
            errors.append(f"{here} is {_shown(neuron)}; 0..{NEURONS_PER_CHIP * chips - 1}")
        elif owners.setdefault(neuron, here) != here:
            errors.append(f"{here} is {neuron}, that of {owners[neuron]}; a neuron occurs once")
    return _counted(errors, f"{path}.neurons")


def _dendrite_errors(dendrites, path: str) -> list[str]:
    names = [one.name for one in content.Dendrite if one]
    if not isinstance(dendrites, tuple):
        return [f"{path}.dendrites is {_shown(dendrites)}; give a sequence of {', '.join(names)}"]
    unknown = [
        f"{path}.dendrites[{k}] is {_shown(one)}; one of {', '.join(names)}"
        for k, one in enumerate(dendrites)
        if one not in names
    ]
    counts = {name: dendrites.count(name) for name in names}
    return unknown + [f"{path}.dendrites: {name!r} occurs {n} times" for name, n in counts.items() if n > 1]


def _input_errors(label: InputLabel, path: str, event_path: str) -> list[str]:
    errors, sized = [], _within(label.size, 1, np.inf)
    if not sized:
        errors.append(f"{path}.size is {_shown(label.size)}; give the number of inputs, a positive integer")
    if not isinstance(label.events, tuple):
        return [*errors, f"{path}.events is {_shown(label.events)}; give a sequence of ({', '.join(EVENT)})"]
    words = {name: content.fields()[f"destination_{name}"] for name in EVENT[1:]}
    limits = {"index": (0, label.size - 1 if sized else np.inf)} | {n: (one.low, one.high) for n, one in words.items()}
    wrong = []
    for row, event in enumerate(label.events):
        if not isinstance(event, tuple) or len(event) != len(EVENT):
            wrong.append(f"{path}.events[{row}] is {_shown(event)}; give ({', '.join(EVENT)})")
            continue
        for column, value in zip(EVENT, event, strict=True):
            if not _within(value, *limits[column]):
                where = f"{path}.{event_path.format(row=row, column=column)}"
                low, high = limits[column]
                allowed = f"{low}..{high}" if high < np.inf else "an integer, 0 or more"
                wrong.append(f"{where} is {_shown(value)}; {allowed}")
    return errors + _counted(wrong, f"{path}.events")


def _events(columns) -> list[tuple]:
    """Events of their columns; none if these are not equally long."""
    columns = [_list(columns.get(name)) for name in EVENT] if isinstance(columns, dict) else [[]]
    return list(zip(*columns, strict=True)) if len({len(column) for column in columns}) == 1 else []


def _list(value) -> list:
    return value if isinstance(value, list) else []


def _within(value, low, high) -> bool:
    return type(value) is int and low <= value <= high


def _counted(errors: list[str], path: str) -> list[str]:
    more = [f"{path}: {len(errors)} wrong entries in all"] if len(errors) > content.LISTED_ERRORS else []
    return errors[: content.LISTED_ERRORS] + more


def _plain(value):
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.integer):
        return value.item()
    return tuple(_plain(one) for one in value) if isinstance(value, (list, tuple, range)) else value


def _shown(value) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."
