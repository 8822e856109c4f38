"""Configurations to and from the vendor driver's own object, whose attributes are those of `tree`.

The driver itself is never imported: its object is passed in, and every member of it is reached by name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np

from . import configuration as content
from . import facts
from .errors import ConfigurationError, DynapseError
from .tree import BITS, SADC_GROUPS, bits_of

SHOWN_PATHS = 5  # of values that the driver did not take
UNREADABLE = -(2**31)  # stands for a value of the driver that is no integer; no entry can be that

# Words of a neuron: start of the names of their entries, columns, number.
_WORDS = {
    "synapses": (
        "synapse_",
        ("tag", "weight", "dendrite", "precise_delay", "mismatched_delay", "stp"),
        facts.SYNAPSES_PER_NEURON,
    ),
    "destinations": ("destination_", ("tag", "core", "x_hop", "y_hop"), content.DESTINATIONS_PER_NEURON),
}
_MASKS = ("synapse_weight", "destination_core")
_MASK_OF_BITS = {tuple(bits_of(mask)): mask for mask in range(1 << BITS)}
_CODE = ("coarse_value", "fine_value")
_MONITORING = "monitoring_on"  # the driver has a monitor's neuron and its switch apart


def fill(configuration: content.Configuration, driver_configuration):
    """Write a configuration into the vendor driver's own object.

    Parameters
    ----------
    configuration : Configuration
        What the chips shall hold.
    driver_configuration : object
        The driver's configuration, as ``model.get_configuration()`` gives it, of as many chips.

    Returns
    -------
    object
        The driver's configuration. Apply it with the driver.

    Raises
    ------
    DynapseError
        If the driver's object has another number of chips or lacks anything, before anything is written; or if
        it did not take what was written, with the first paths.

    Notes
    -----
    Only words that differ are written. What a configuration does not hold is left alone: enables of the spiking
    ADC, sensor interfaces, parameters outside the bias table. A core without monitor gets ``monitored_neuron = 0``.
    """
    if not isinstance(configuration, content.Configuration):
        raise DynapseError(f"configuration is {type(configuration).__name__}; give a Configuration")
    chips = _members(driver_configuration, "chips", "")
    if len(chips) != len(configuration):
        raise DynapseError(f"the driver has {len(chips)} chips, the configuration {len(configuration)}; let them agree")
    wanted = _driver_arrays(configuration)
    found, _ = _contents(driver_configuration)
    differs = {name: array != found[name] for name, array in wanted.items()}
    for k, chip in enumerate(chips):
        for entry, place, parameters, _ in _parameters(chip, f"chips[{k}]"):
            _write_codes(parameters, entry, (k, *place), wanted, differs)
        for c, core in enumerate(chip.cores):
            _write_core(core, (k, c), wanted, differs)
    _check_taken(driver_configuration, wanted)
    return driver_configuration


def read(driver_configuration, positions=None) -> content.Configuration:
    """Read the vendor driver's own object.

    Parameters
    ----------
    driver_configuration : object
        The driver's configuration.
    positions : array_like of int, optional
        Columns and rows of the chips, shape (chips, 2), which the driver does not hold; without,
        `configuration.default_positions`.

    Returns
    -------
    Configuration
        What the driver's object says. Without labels: the driver has no place for them, so they are lost on the way.

    Raises
    ------
    DynapseError
        If the object lacks anything; the error names the path.
    ConfigurationError
        If it has values that no configuration can have; `errors` lists all with their paths.
    """
    found, errors = _contents(driver_configuration)
    monitored = found.pop(_MONITORING) != 0
    found["monitored"] = np.where(monitored, found["monitored"], content.NOT_MONITORED)
    for name, array in found.items():
        array[array == UNREADABLE] = 0  # has its error already
        errors += content.value_errors(name, array)
    if errors:
        raise ConfigurationError(errors, "driver configuration")
    if positions is not None:
        found["positions"] = positions
    return content.Configuration(len(monitored), **found)


def _driver_arrays(configuration: content.Configuration) -> dict[str, np.ndarray]:
    """Arrays of a configuration as the driver has them: a monitor in two parts, no positions."""
    arrays = {name: array for name, array in configuration.arrays().items() if name != "positions"}
    monitored = arrays["monitored"]
    return arrays | {"monitored": np.maximum(monitored, 0), _MONITORING: monitored != content.NOT_MONITORED}


def _contents(driver_configuration) -> tuple[dict[str, np.ndarray], list[str]]:
    """All values of the driver's object in arrays, and errors for those that are no integers."""
    chips = _members(driver_configuration, "chips", "")
    values = {name: [] for name in (*content.fields(), _MONITORING) if name != "positions"}
    for k, chip in enumerate(chips):
        path = f"chips[{k}]"
        for entry, _, parameters, place in _parameters(chip, path):
            values[entry] += _codes(parameters, entry, place)
        for c, core in enumerate(_members(chip, "cores", path, facts.CORES_PER_CHIP)):
            _read_core(core, f"{path}.cores[{c}]", values)
    arrays, errors = {}, []
    for name, flat in values.items():
        shape = (len(chips), *content.fields()["monitored" if name == _MONITORING else name].shape)
        number = _mask if name in _MASKS else _dendrite if name == "synapse_dendrite" else _whole
        arrays[name] = np.array([number(value) for value in flat], dtype=np.int64).reshape(shape)
        wrong = np.argwhere(arrays[name] == UNREADABLE)[: content.LISTED_ERRORS]
        for index in wrong:
            value = flat[np.ravel_multi_index(tuple(index), shape)]
            errors.append(f"{_path_of(name, index)} is {value!r}; {_allowed(name)}")
    return arrays, errors


def _read_core(core, path: str, values: dict[str, list]) -> None:
    parameters, monitored, on = _attributes(core, ("parameters", "monitored_neuron", "neuron_monitoring_on"), path)
    values["core_codes"] += _codes(parameters, "core_codes", f"{path}.parameters")
    values["monitored"].append(monitored)
    values[_MONITORING].append(on)
    latches = [f"latch_{name}" for name in facts.latch_table()]
    for n, neuron in enumerate(_members(core, "neurons", path, facts.NEURONS_PER_CORE)):
        place = f"{path}.neurons[{n}]"
        values["latches"] += _attributes(neuron, latches, place)
        for kind, (start, columns, count) in _WORDS.items():
            for w, word in enumerate(_members(neuron, kind, place, count)):
                found = _attributes(word, columns, f"{place}.{kind}[{w}]")
                for column, value in zip(columns, found, strict=True):
                    values[start + column].append(value)


def _parameters(chip, path: str) -> Iterator[tuple]:
    """Every set of parameters outside the cores: its entry, place in the entry, the set itself, its path."""
    for k, pair in enumerate(("01", "23")):
        name = f"shared_parameters{pair}"
        yield "shared_codes", (k,), *_attributes(chip, (name,), path), f"{path}.{name}"
    for k, pair in enumerate(("01", "23")):
        name = f"sadc_group_parameters{pair}"
        for group, parameters in enumerate(_members(chip, name, path, SADC_GROUPS)):
            yield "sadc_codes", (k, group), parameters, f"{path}.{name}[{group}]"
    yield "global_codes", (), *_attributes(chip, ("global_parameters",), path), f"{path}.global_parameters"


def _codes(parameters, entry: str, path: str) -> list:
    values = []
    for name in content.biases_of(entry):
        try:
            parameter = parameters[name]
        except (LookupError, TypeError):
            raise DynapseError(f"the driver's {path} has no {name}; is it a configuration of DYNAP-SE2?") from None
        values += _attributes(parameter, _CODE, f"{path}[{name!r}]")
    return values


def _members(owner, name: str, path: str, count: int | None = None):
    (members,) = _attributes(owner, (name,), path)
    found = len(members) if hasattr(members, "__len__") else type(members).__name__
    if found != count and (count is not None or isinstance(found, str)):
        where = f"{path}.{name}".removeprefix(".")
        needed = "a sequence" if count is None else count
        raise DynapseError(f"the driver's {where} has {found} members, not {needed}; is it of DYNAP-SE2?")
    return members


def _attributes(owner, names, path: str) -> list:
    try:
        return [getattr(owner, name) for name in names]
    except AttributeError:
        missing = ", ".join(name for name in names if not hasattr(owner, name))
        where = f"the driver's {path}" if path else f"the driver's object ({type(owner).__name__})"
        raise DynapseError(f"{where} has no {missing}; is it a configuration of DYNAP-SE2?") from None


def _mask(bits) -> int:
    try:
        return _MASK_OF_BITS.get(tuple(bits), UNREADABLE)
    except TypeError:  # no sequence, or not of booleans
        return UNREADABLE


def _whole(value) -> int:
    if isinstance(value, (int, np.integer, np.bool_)) and UNREADABLE < value < -UNREADABLE:
        return int(value)
    return UNREADABLE


def _dendrite(member) -> int:
    return _whole(getattr(member, "value", member))


def _driver_value(name: str, number: int, present):
    """A number as the driver has it; `present` is what is there now."""
    if name in _MASKS:
        return list(bits_of(number))
    if name == "synapse_dendrite":
        return type(present)(number)  # the driver's own enumeration
    return bool(number) if name == _MONITORING or content.fields()[name].dtype == "bool" else number


def _write_codes(parameters, entry: str, place: tuple[int, ...], wanted, differs) -> None:
    names = content.biases_of(entry)
    for b in np.flatnonzero(differs[entry][place].any(axis=-1)).tolist():
        parameter = parameters[names[b]]
        for part, attribute in enumerate(_CODE):
            _write(parameter, attribute, entry, (*place, b, part), wanted)


def _write_core(core, place: tuple[int, int], wanted, differs) -> None:
    _write_codes(core.parameters, "core_codes", place, wanted, differs)
    for entry, attribute in (("monitored", "monitored_neuron"), (_MONITORING, "neuron_monitoring_on")):
        if differs[entry][place]:
            _write(core, attribute, entry, place, wanted)
    neurons, latches = core.neurons, list(facts.latch_table())
    for n, k in np.argwhere(differs["latches"][place]).tolist():
        _write(neurons[n], f"latch_{latches[k]}", "latches", (*place, n, k), wanted)
    for kind, (start, columns, _) in _WORDS.items():
        changed = np.any([differs[start + column][place] for column in columns], axis=0)
        for n in np.flatnonzero(changed.any(axis=-1)).tolist():
            words = getattr(neurons[n], kind)
            for w in np.flatnonzero(changed[n]).tolist():
                for column in columns:
                    _write(words[w], column, start + column, (*place, n, w), wanted)
            # A driver that gave a copy of its words needs them back; one that gave the words themselves may refuse
            # that. Reading back decides.
            with contextlib.suppress(AttributeError, TypeError):
                setattr(neurons[n], kind, words)


def _write(owner, attribute: str, entry: str, index: tuple[int, ...], wanted) -> None:
    try:
        setattr(owner, attribute, _driver_value(entry, wanted[entry][index].item(), getattr(owner, attribute)))
    except Exception as error:  # whatever the driver raises for a value it does not like
        value = wanted[entry][index].item()
        raise DynapseError(f"the driver refuses {value} for {_path_of(entry, index)}: {error}") from error


def _check_taken(driver_configuration, wanted: dict[str, np.ndarray]) -> None:
    found, _ = _contents(driver_configuration)
    missed = [(name, index) for name, array in wanted.items() for index in np.argwhere(array != found[name])]
    if missed:
        paths = [_path_of(name, index) for name, index in missed[:SHOWN_PATHS]]
        more = f" and {len(missed) - SHOWN_PATHS} more" if len(missed) > SHOWN_PATHS else ""
        raise DynapseError(
            f"the driver did not take {', '.join(paths)}{more}; does it hand out copies? Give the object "
            "that the driver itself made (model.get_configuration())"
        )


def _path_of(name: str, index) -> str:
    if name == _MONITORING:
        return content.path_of("monitored", index).replace("monitored_neuron", "neuron_monitoring_on")
    return content.path_of(name, index)


def _allowed(name: str) -> str:
    if name in _MASKS:
        return f"give a list of {BITS} booleans"
    return "give " + ("True or False" if name == _MONITORING else content.fields()[name].allowed)
