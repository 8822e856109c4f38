"""Configurations as JSON files: a published schema, compact columns, and every error with its path in the file."""

from __future__ import annotations

import json
import math
from collections import Counter
from functools import cache
from importlib import resources
from itertools import islice
from os import PathLike
from pathlib import Path

import numpy as np
from jsonschema import Draft202012Validator, ValidationError, validators

from . import configuration as content
from . import facts, labels
from .errors import ConfigurationError, DynapseError, unknown_name
from .files import write_atomically

FORMAT = "brian2dynapse configuration"
VERSION = 1
SHOWN_CHARACTERS = 60  # of a wrong value

# Table of a core in the file: start of the names of its entries, name of the second index, columns.
_TABLES = {
    "synapses": ("synapse_", "cam", ("tag", "weight", "dendrite", "precise_delay", "mismatched_delay", "stp")),
    "destinations": ("destination_", "slot", ("tag", "core", "x_hop", "y_hop")),
}
_LABELS = ("#/$defs/population", "#/$defs/input")
_PAIRS = ("01", "23")
_KINDS = {"integer": "an integer", "string": "a string", "null": "null", "array": "an array", "object": "an object"}


def schema() -> dict:
    """The published JSON schema of the format (draft 2020-12).

    Returns
    -------
    dict
        Content of ``brian2dynapse/data/configuration.schema.json``.
    """
    file = resources.files("brian2dynapse.data").joinpath("configuration.schema.json")
    return json.loads(file.read_text(encoding="utf-8"))


def write(configuration: content.Configuration, path: str | Path) -> Path:
    """Write a configuration as JSON, whole or not at all.

    Parameters
    ----------
    configuration : Configuration
        What to write.
    path : str or path
        The file; an existing one is replaced.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    DynapseError
        If it cannot be written; says why.
    """
    text = _text(to_dict(configuration)) + "\n"
    return write_atomically(path, lambda file: file.write_text(text, encoding="utf-8", newline="\n"), DynapseError)


def read(path: str | Path) -> content.Configuration:
    """Read a configuration from a JSON file.

    Parameters
    ----------
    path : str or path
        A file as `write` makes it; a byte order mark is allowed.

    Returns
    -------
    Configuration
        What the file says.

    Raises
    ------
    ConfigurationError
        If the file is missing, not JSON, of a newer version, or has wrong entries; its `errors` lists all of them
        with their paths in the file.
    DynapseError
        If the path is none.
    """
    if not isinstance(path, (str, PathLike)):
        raise DynapseError(f"path is {path!r}; give the name of a file")
    path, doubled = Path(path), []

    def unique(pairs):
        counts = Counter(name for name, _ in pairs)
        doubled.extend(f"{name!r} occurs {count} times in one object" for name, count in counts.items() if count > 1)
        return dict(pairs)

    try:
        content_of_file = path.read_bytes()
    except (OSError, ValueError) as error:  # no such file; no such name
        raise ConfigurationError([f"cannot be read: {getattr(error, 'strerror', error)}"], str(path)) from None
    try:
        found = json.loads(content_of_file.decode("utf-8-sig"), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError([f"is not JSON: {error}"], str(path)) from None
    errors = doubled + _errors(found)
    if errors:
        raise ConfigurationError(errors, str(path))
    return _configuration(found)


def to_dict(configuration: content.Configuration) -> dict:
    """A configuration as what the file holds: dictionaries, lists and integers.

    Parameters
    ----------
    configuration : Configuration
        What to describe.

    Returns
    -------
    dict
        As the published schema says. Every word with an entry that is not zero is listed; labels if there are any.
    """
    if not isinstance(configuration, content.Configuration):
        raise DynapseError(f"configuration is {type(configuration).__name__}; give a Configuration")
    chips = [_chip(configuration, chip) for chip in range(len(configuration))]
    described = {"format": FORMAT, "version": VERSION, "chips": chips}
    return described | ({"labels": labels.to_dict(configuration.labels)} if configuration.labels else {})


def from_dict(found: dict, what: str = "configuration") -> content.Configuration:
    """A configuration from dictionaries, lists and integers.

    Parameters
    ----------
    found : dict
        As `to_dict` gives it.
    what : str
        Its name in errors.

    Returns
    -------
    Configuration
        What was described.

    Raises
    ------
    ConfigurationError
        If anything is wrong; its `errors` lists all.
    """
    errors = _errors(found)
    if errors:
        raise ConfigurationError(errors, what)
    return _configuration(found)


def _chip(configuration, chip: int) -> dict:
    described = {
        "position": configuration.positions[chip].tolist(),
        "cores": [_core(configuration, chip, core) for core in range(facts.CORES_PER_CHIP)],
    }
    for k, pair in enumerate(_PAIRS):
        described[f"shared_parameters{pair}"] = _codes("shared", configuration.shared_codes[chip, k])
    for k, pair in enumerate(_PAIRS):
        groups = configuration.sadc_codes[chip, k]
        described[f"sadc_group_parameters{pair}"] = [_codes("sadc_group", group) for group in groups]
    described["global_parameters"] = _codes("global", configuration.global_codes[chip])
    return described


def _core(configuration, chip: int, core: int) -> dict:
    monitored = int(configuration.monitored[chip, core])
    latches = configuration.latches[chip, core]
    described = {
        "parameters": _codes("core", configuration.core_codes[chip, core]),
        "monitored_neuron": None if monitored == content.NOT_MONITORED else monitored,
        "latches": {
            name: np.flatnonzero(latches[:, k]).tolist()
            for k, name in enumerate(facts.latch_table())
            if latches[:, k].any()
        },
    }
    for table, (start, second, columns) in _TABLES.items():
        words = {column: getattr(configuration, start + column)[chip, core] for column in columns}
        neuron, place = np.nonzero(np.any([array != 0 for array in words.values()], axis=0))
        listed = {column: array[neuron, place].astype(int).tolist() for column, array in words.items()}
        described[table] = {"neuron": neuron.tolist(), second: place.tolist(), **listed}
    return described


def _codes(scope: str, codes: np.ndarray) -> dict:
    return dict(zip(facts.biases_of(scope), codes.tolist(), strict=True))


def _configuration(found: dict) -> content.Configuration:
    """The configuration of a description without errors."""
    chips = found["chips"]
    arrays = {name: content.blank(name, len(chips)) for name in content.fields()}
    for k, chip in enumerate(chips):
        arrays["positions"][k] = chip["position"]
        for core, described in enumerate(chip["cores"]):
            _fill_core(arrays, (k, core), described)
        for p, pair in enumerate(_PAIRS):
            arrays["shared_codes"][k, p] = _in_order("shared", chip[f"shared_parameters{pair}"])
            groups = chip[f"sadc_group_parameters{pair}"]
            arrays["sadc_codes"][k, p] = [_in_order("sadc_group", group) for group in groups]
        arrays["global_codes"][k] = _in_order("global", chip["global_parameters"])
    return content.Configuration(len(chips), labels=labels.from_dict(found.get("labels")), **arrays)


def _fill_core(arrays: dict[str, np.ndarray], where: tuple[int, int], described: dict) -> None:
    arrays["core_codes"][where] = _in_order("core", described["parameters"])
    monitored = described["monitored_neuron"]
    arrays["monitored"][where] = content.NOT_MONITORED if monitored is None else monitored
    for k, name in enumerate(facts.latch_table()):
        arrays["latches"][where][described["latches"].get(name, []), k] = True
    for table, (start, second, columns) in _TABLES.items():
        words = described[table]["neuron"], described[table][second]
        for column in columns:
            arrays[start + column][where][words] = described[table][column]


def _in_order(scope: str, codes: dict) -> list:
    return [codes[name] for name in facts.biases_of(scope)]


def _text(value, indent: str = "") -> str:
    """JSON in which every list of numbers is one line: short, and a change shows as one line of a diff."""
    deeper = indent + "  "
    if isinstance(value, dict) and value:
        lines = [f"{deeper}{json.dumps(name)}: {_text(one, deeper)}" for name, one in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(deeper + _text(one, deeper) for one in value) + f"\n{indent}]"
    return json.dumps(value)


def _errors(found) -> list[str]:
    """All that is wrong with a description."""
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        return [f'is not a configuration; an object with "format": "{FORMAT}" is needed']
    version = found.get("version")
    if type(version) is not int or version != VERSION:
        newer = type(version) is int and version > VERSION
        return [f"version is {_shown(version)}; this package reads {VERSION}" + (": update brian2dynapse" * newer)]
    errors = list(_validator().iter_errors(found))
    # A value of a wrong type is often out of range too; that adds nothing.
    mistyped = {tuple(error.absolute_path) for error in errors if error.validator == "type"}
    told = [error for error in errors if error.validator == "type" or tuple(error.absolute_path) not in mistyped]
    messages = [message for error in told for message in _messages(error)]
    # The library repeats an error for every name that is missing, each message here names one of them.
    return list(dict.fromkeys(messages)) + _errors_beyond_the_schema(found) + _label_errors(found, messages)


@cache
def _validator():
    integer = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    return validators.extend(Draft202012Validator, {"items": _items}, type_checker=integer)(schema())


def _items(validator, items, instance, whole):
    """The keyword ``items``, fast for long arrays of integers: only wrong ones go through the library."""
    many = isinstance(instance, list) and isinstance(items, dict)
    if not many or items.get("type") != "integer":
        of_labels = many and (items.get("$ref") in _LABELS or "enum" in items)
        library = Draft202012Validator.VALIDATORS["items"]
        yield from (_things(validator, items, instance) if of_labels else library(validator, items, instance, whole))
        return
    values, low, high = items.get("enum"), items.get("minimum", -math.inf), items.get("maximum", math.inf)
    right = values.__contains__ if values else lambda value: low <= value <= high
    wrong = [k for k, value in enumerate(instance) if type(value) is not int or not right(value)]
    for k in wrong[: content.LISTED_ERRORS]:
        yield from validator.descend(instance[k], items, path=k)
    if len(wrong) > content.LISTED_ERRORS:
        yield ValidationError(f"{len(wrong)} wrong entries in all", validator="count")


def _things(validator, items, instance):
    """The first errors of an array; after them its wrong entries are only counted."""
    listed, wrong, of_one = 0, 0, validator.evolve(schema=items)
    for k, thing in enumerate(instance):
        if listed >= content.LISTED_ERRORS:
            wrong += not of_one.is_valid(thing)
            continue
        errors = list(islice(validator.descend(thing, items, path=k), content.LISTED_ERRORS - listed))
        listed, wrong = listed + len(errors), wrong + bool(errors)
        yield from errors
    if listed >= content.LISTED_ERRORS:
        yield ValidationError(f"{wrong} wrong entries in all", validator="count")


def _messages(error: ValidationError) -> list[str]:
    """An error of the schema in the words of this package."""
    path, got, rule = _path(error.absolute_path), error.instance, error.validator
    allowed = error.validator_value
    if rule == "required":
        return [_path([*error.absolute_path, name]) + " is missing" for name in allowed if name not in got]
    if rule == "additionalProperties":
        known = error.schema["properties"]
        return [f"{path or 'file'}: {unknown_name('key', name, known)}" for name in got if name not in known]
    if rule == "uniqueItems":
        return [f"{path}: {value} occurs {n} times" for value, n in Counter(map(_shown, got)).items() if n > 1]
    if rule == "count":
        return [f"{path}: {error.message}"]
    if rule == "type":
        wanted = " or ".join(_KINDS[one] for one in ([allowed] if isinstance(allowed, str) else allowed))
        return [f"{path} is {_shown(got)}; give {wanted}"]
    bounds = {"minimum": f"at least {allowed}", "maximum": f"at most {allowed}"}
    if rule in bounds:
        return [f"{path} is {_shown(got)}; {bounds[rule]}"]
    if rule == "enum":
        return [f"{path} is {_shown(got)}; one of {', '.join(map(str, allowed))}"]
    if rule == "pattern":  # of names only
        return [f"{path} is {_shown(got)}; {labels.NAME_RULE}"]
    bounds = {"minItems": f"give at least {allowed}", "maxItems": f"give at most {allowed}"}
    return [f"{path} has {len(got)} entries; {bounds[rule]}" if rule in bounds else f"{path}: {error.message}"]


def _errors_beyond_the_schema(found: dict) -> list[str]:
    """What a schema cannot say. The description may be wrong in other ways too."""
    errors, positions = [], {}
    for k, chip in enumerate(_list(found.get("chips"))):
        chip = chip if isinstance(chip, dict) else {}
        position = tuple(_list(chip.get("position")))
        if _integers(position):
            positions.setdefault(position, []).append(k)
        for c, core in enumerate(_list(chip.get("cores"))):
            for table in _TABLES:
                columns = core.get(table) if isinstance(core, dict) else None
                if isinstance(columns, dict):
                    errors += _table_errors(f"chips[{k}].cores[{c}].{table}", columns, *_TABLES[table][1:])
    doubled = {position: chips for position, chips in positions.items() if len(chips) > 1}
    return errors + [f"position {list(place)} is that of chips {chips}" for place, chips in doubled.items()]


def _label_errors(found: dict, told: list[str]) -> list[str]:
    """What a schema cannot say about labels: nothing about what it has told about already."""
    errors, chips, described = [], _list(found.get("chips")), found.get("labels")
    for k, one in enumerate(_list(described.get("inputs")) if isinstance(described, dict) else []):
        columns = one.get("events") if isinstance(one, dict) else None
        if isinstance(columns, dict):
            errors += _length_errors(f"labels.inputs[{k}].events", columns, labels.EVENT)
    paths = {_first_word(message) for message in told}
    more = labels.errors_of(labels.from_dict(described), len(chips), "events.{column}[{row}]") if chips else []
    new = [message for message in more if _first_word(message) not in paths]
    listed = sum(message.startswith("labels") for message in told)
    total = [new.pop()] if new and new[-1].startswith("labels: ") else []
    room = max(0, content.LISTED_ERRORS - listed)
    if len(new) > room and not total:
        total = [f"labels: {listed + len(new)} wrong entries in all"]
    return errors + new[:room] + total


def _first_word(message: str) -> str:
    return message.split(" ", 1)[0].removesuffix(":")


def _length_errors(path: str, columns: dict, names: tuple[str, ...]) -> list[str]:
    lengths = {name: len(columns[name]) for name in names if isinstance(columns.get(name), list)}
    listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
    return [f"{path}: columns are of unequal length: {listed}"] if len(set(lengths.values())) > 1 else []


def _table_errors(path: str, columns: dict, second: str, others: tuple[str, ...]) -> list[str]:
    unequal = _length_errors(path, columns, ("neuron", second, *others))
    if unequal:
        return unequal
    neurons, places = _list(columns.get("neuron")), _list(columns.get(second))
    if not _integers(neurons) or not _integers(places):
        return []
    counts = Counter(zip(neurons, places, strict=False))
    doubled = [(word, count) for word, count in counts.items() if count > 1]
    errors = [f"{path}: neuron {neuron}, {second} {place} occurs {n} times" for (neuron, place), n in doubled]
    more = [f"{path}: {len(errors)} words in all occur more than once"] if len(errors) > content.LISTED_ERRORS else []
    return errors[: content.LISTED_ERRORS] + more


def _list(value) -> list:
    return value if isinstance(value, list) else []


def _integers(values) -> bool:
    return bool(values) and all(type(value) is int for value in values)


def _path(parts) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return path.removeprefix(".")


def _shown(value) -> str:
    if isinstance(value, (dict, list)):
        return f"an object of {len(value)}" if isinstance(value, dict) else f"an array of {len(value)}"
    text = json.dumps(value, default=repr)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."
