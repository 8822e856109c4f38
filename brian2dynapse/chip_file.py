"""Chips as JSON files: everything that makes an individual, so that a calibrated chip can be kept and passed on."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from numbers import Real
from os import PathLike
from pathlib import Path

import numpy as np
from brian2.units import get_dimensions, kelvin
from brian2.units.fundamentalunits import Quantity
from jsonschema import Draft202012Validator, validators

from . import chip as individual
from . import facts
from .chip_profile import ChipProfile
from .errors import ConfigurationError, DynapseError
from .files import write_atomically
from .profile_files import CAM_SHAPE, TAG_SHAPE

FORMAT = "brian2dynapse chip"
VERSION = 1
_CHOICES = ("noise", "events_per_spike", "conductance", "swap_gaba_shunt")
_CAM_COLUMNS = ("chip", "core", "neuron", "cam", "upper_tag_bit")
_TAG_COLUMNS = ("chip", "core", "first", "last")


def schema() -> dict:
    """The published JSON schema of the format (draft 2020-12).

    Returns
    -------
    dict
        Content of ``brian2dynapse/data/chip.schema.json``.
    """
    file = resources.files("brian2dynapse.data").joinpath("chip.schema.json")
    return json.loads(file.read_text(encoding="utf-8"))


def arguments(chip: individual.Chip) -> dict:
    """What `Chip` has to be called with to make a chip again.

    Parameters
    ----------
    chip : Chip
        The individual.

    Returns
    -------
    dict
        Arguments of `Chip`, those of `changes` included, with units. A table of mismatch is that of all biases.
    """
    mismatch = chip.mismatch
    if not isinstance(mismatch, Real) and not (isinstance(mismatch, str) and mismatch == "pelgrom"):
        mismatch = {bias: chip.mismatch_cv(bias) for bias in facts.core_biases()}  # the file may be gone or changed
    return {
        "seed": chip.seed,
        "mismatch": mismatch,
        "constants": chip.constants_name,
        "temperature": chip.temperature,
        **{name: getattr(chip, name) for name in _CHOICES},
        "profile": chip.profile,
        **{name: with_unit(name, value) for name, value in chip.changes.items()},
    }


def with_unit(constant: str, value: float) -> Quantity | float:
    """A value in SI units with the unit of a constant of the chip.

    Parameters
    ----------
    constant : str
        Name of the constant.
    value : float
        In SI units.

    Returns
    -------
    Quantity or float
        As `Chip` takes it.
    """
    unit_name = _unit_name(constant)
    return float(value) if unit_name == "1" else Quantity(value, dim=get_dimensions(individual._unit(unit_name)))


def write(chip: individual.Chip, path: str | Path) -> Path:
    """Write a chip as JSON, whole or not at all.

    Parameters
    ----------
    chip : Chip
        What to write. Which neurons it gave to which population is not part of it.
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
    if not isinstance(chip, individual.Chip):
        raise DynapseError(f"chip is {type(chip).__name__}; give a brian2dynapse.Chip")
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in to_dict(chip).items()]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    return write_atomically(path, lambda file: file.write_text(text, encoding="utf-8", newline="\n"), DynapseError)


def read(path: str | Path) -> individual.Chip:
    """Read a chip from a JSON file.

    Parameters
    ----------
    path : str or path
        A file as `write` makes it.

    Returns
    -------
    Chip
        With the same constants, mismatch and defects, to the last digit.

    Raises
    ------
    ConfigurationError
        If the file is missing, not JSON, of a newer version, or has wrong entries; its `errors` lists all of them with
        their paths in the file.
    DynapseError
        If the path is none.
    """
    if not isinstance(path, (str, PathLike)):
        raise DynapseError(f"path is {path!r}; give the name of a file")

    def refused(name):
        raise ValueError(f"{name} is no number")

    try:
        found = json.loads(Path(path).read_bytes().decode("utf-8-sig"), parse_constant=refused)
    except OSError as error:
        raise ConfigurationError([f"cannot be read: {error.strerror}"], str(path)) from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError([f"is not JSON: {error}"], str(path)) from None
    return from_dict(found, str(path))


def to_dict(chip: individual.Chip) -> dict:
    """A chip as what the file holds: dictionaries, lists, numbers in SI units.

    Parameters
    ----------
    chip : Chip
        What to describe.

    Returns
    -------
    dict
        As the published schema says.
    """
    described = arguments(chip)
    seed, mismatch = described["seed"], described["mismatch"]
    return {
        "format": FORMAT,
        "version": VERSION,
        "seed": None if seed is None else int(seed),
        "mismatch": float(mismatch) if isinstance(mismatch, Real) else mismatch,
        "constants": described["constants"],
        "changes": {name: {"value": value, "unit": _unit_name(name)} for name, value in chip.changes.items()},
        "temperature": {"value": float(described["temperature"]), "unit": "kelvin"},
        **{name: described[name] for name in _CHOICES},
        "profile": None if chip.profile is None else _described_profile(chip.profile),
    }


def from_dict(found: dict, what: str = "chip") -> individual.Chip:
    """A chip from dictionaries, lists and numbers.

    Parameters
    ----------
    found : dict
        As `to_dict` gives it.
    what : str
        Its name in errors.

    Returns
    -------
    Chip
        What was described.

    Raises
    ------
    ConfigurationError
        If anything is wrong; its `errors` lists all that is known.
    """
    errors = _errors(found)
    if errors:
        raise ConfigurationError(errors, what)
    profile = found["profile"]
    try:
        return individual.Chip(
            seed=found["seed"],
            mismatch=found["mismatch"],
            constants=found["constants"],
            temperature=found["temperature"]["value"] * kelvin,
            **{name: found[name] for name in _CHOICES},
            profile=None if profile is None else _profile(profile),
            **{name: with_unit(name, change["value"]) for name, change in found["changes"].items()},
        )
    except DynapseError as error:
        raise ConfigurationError([str(error)], what) from None


def _errors(found) -> list[str]:
    """All that is wrong with a description."""
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        return [f'is not a chip; an object with "format": "{FORMAT}" is needed']
    version = found.get("version")
    if type(version) is not int or version != VERSION:
        newer = type(version) is int and version > VERSION
        return [f"version is {version!r}; this package reads {VERSION}" + (": update brian2dynapse" * newer)]
    errors = sorted(_validator().iter_errors(found), key=lambda error: list(map(str, error.absolute_path)))
    if errors:
        return [f"{error.json_path.removeprefix('$').removeprefix('.') or 'file'}: {error.message}" for error in errors]
    wrong = [
        f"changes.{name}.unit is {change['unit']!r}; {name} is in {_unit_name(name)}"
        for name, change in found["changes"].items()
        if change["unit"] != _unit_name(name)
    ]
    for table in ("cams", "tags") if found["profile"] else ():
        lengths = {name: len(column) for name, column in found["profile"][table].items()}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
            wrong.append(f"profile.{table}: columns are of unequal length: {listed}")
    return wrong


@cache
def _validator():
    """The schema, with the names of constants and biases that this package knows."""
    completed = schema()
    integer = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    completed["properties"]["changes"]["propertyNames"] = {"enum": list(facts.constants("measured"))}
    completed["$defs"]["cv_of_biases"]["propertyNames"] = {"enum": list(facts.core_biases())}
    return validators.extend(Draft202012Validator, type_checker=integer)(completed)


def _described_profile(profile: ChipProfile) -> dict:
    """The defects: CAMs that failed, and ranges of tags that work."""
    where = np.argwhere(profile.cam_failures > 0)
    ranges = []
    for chip, core in np.ndindex(profile.tags.shape[:2]):
        edges = np.flatnonzero(np.diff(profile.tags[chip, core], prepend=False, append=False))
        ranges += [(chip, core, int(first), int(end) - 1) for first, end in edges.reshape(-1, 2)]
    columns = list(zip(*ranges, strict=True)) or [()] * len(_TAG_COLUMNS)
    return {
        "chips": profile.chips,
        "source": profile.source,
        "largest_failure": profile.largest_failure,
        "cams": {name: where[:, k].tolist() for k, name in enumerate(_CAM_COLUMNS)}
        | {"failed": profile.cam_failures[tuple(where.T)].tolist()},
        "tags": {name: list(column) for name, column in zip(_TAG_COLUMNS, columns, strict=True)},
    }


def _profile(described: dict) -> ChipProfile:
    chips, cams = described["chips"], described["cams"]
    failures, tags = np.zeros((chips, *CAM_SHAPE)), np.zeros((chips, *TAG_SHAPE), dtype=bool)
    if any(chip >= chips for table in (cams, described["tags"]) for chip in table["chip"]):
        raise DynapseError(f"profile: a chip of a table is not below {chips}, the number of chips")
    failures[tuple(np.array(cams[name], dtype=int) for name in _CAM_COLUMNS)] = cams["failed"]
    for chip, core, first, last in zip(*(described["tags"][name] for name in _TAG_COLUMNS), strict=True):
        tags[chip, core, first : last + 1] = True
    return ChipProfile(failures, tags, described["largest_failure"], described["source"])


def _unit_name(constant: str) -> str:
    return facts.constants("measured")[constant].unit
