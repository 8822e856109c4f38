"""`provenance`: what a result was made with: versions, chip, seed, codes. Plain data, the same for the same input.

No Brian2 here: objects are told apart by the names of their classes, so that tables and configurations need none.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from numbers import Integral

from .errors import DynapseError

KEYS = (
    "versions",
    "chip",
    "seed",
    "biases_sha256",
    "biases_of_populations",
    "circuits",
    "configuration_sha256",
)
_PACKAGES = ("brian2", "numpy", "scipy", "pandas")


def provenance(*objects, seed: int | None = None) -> dict:
    """What a result was made with.

    Parameters
    ----------
    *objects : Biases, Chip, Neurons, Connection, Network, Configuration, Mapping, Program, result or table
        What took part; None is left out. Codes are read now. Of results and tables of this package, what they
        were made with is taken over.
    seed : int, optional
        Of what was drawn beside the chip: of a mapping, a search, a sweep.

    Returns
    -------
    dict
        Strings, numbers, lists and dictionaries, as JSON has them; no time, host or path, so that the same input gives
        the same. Keys:

        - ``"versions"``: of brian2dynapse, python, brian2, numpy, scipy, pandas (None if not installed).
        - ``"chip"``: ``Chip.described()`` of the individual; a list if there are several, None without.
        - ``"seed"``: as given; else that of the objects, if they have one.
        - ``"biases_sha256"``: of all sets of codes (``Biases.sha256``), whatever their order; None if there are none.
        - ``"biases_of_populations"``: name of a population to the hash of its codes, where there are names.
          A list if populations of one name, of several runs, have different ones.
        - ``"circuits"``: names of the equation files in use.
        - ``"configuration_sha256"``: see `configuration_sha256`; None if there is none, a list if there are several.

    Raises
    ------
    DynapseError
        For an object that has no provenance, or a seed that is no integer.
    """
    return record_of(objects, seed)


def record_of(objects, seed: int | None = None, circuits=(), populations: Mapping | None = None) -> dict:
    """As `provenance`, for what has run without being an object any more.

    Parameters
    ----------
    objects : iterable
        As of `provenance`.
    seed : int, optional
        As of `provenance`.
    circuits : iterable of str
        Names of equation files.
    populations : mapping of str to Biases, optional
        By the name of the population.
    """
    if seed is not None and (not isinstance(seed, Integral) or isinstance(seed, bool)):
        raise DynapseError(f"seed is {seed!r}; give an integer, or None")
    parts = _Parts()
    for one in objects:
        parts.add(one)
    for name, biases in (populations or {}).items():
        parts.population(name, biases)
    parts.circuits |= set(circuits)
    if seed is not None:
        parts.seeds = {int(seed)}
    return parts.record()


def carry(table, record: Mapping):
    """Let a pandas table carry a record, ``attrs["provenance"]``; returns the table."""
    table.attrs["provenance"] = dict(record)
    return table


def configuration_sha256(configuration) -> str:
    """Hash of what the chips hold: equal configurations have the same, labels do not count.

    Parameters
    ----------
    configuration : Configuration
        Any one.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name, values in sorted(configuration.arrays().items()):
        digest.update(f"{name} {values.shape};".encode())
        digest.update(values.astype(values.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def data_sha256(data) -> str:
    """Hash of dictionaries, lists, strings and numbers, whatever the order of dictionaries."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


@cache
def _versions() -> dict[str, str | None]:
    from . import __version__

    return {"brian2dynapse": __version__, "python": platform.python_version()} | {
        name: _version(name) for name in _PACKAGES
    }


def _version(package: str) -> str | None:
    """Version of a package, which is not imported for that."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # used from its source, or not there
        return getattr(sys.modules.get(package), "__version__", None)


class _Parts:
    """What objects tell, collected; sets and dictionaries, so that their order does not matter."""

    def __init__(self):
        self.chips = {}  # hash to description
        self.seeds = set()
        self.hashes = set()
        self.populations = {}  # name to hashes: two networks may have populations of one name
        self.circuits = set()
        self.configurations = set()

    def add(self, one) -> None:
        """Take one object."""
        if one is None:
            return
        known = _known_record(one)
        if known is not None:
            self._add_record(known)
            return
        for kind in type(one).__mro__:
            reader = _READERS.get(_full_name(kind))
            if reader is not None:
                reader(self, one)
                return
        raise DynapseError(
            f"provenance: {type(one).__name__} has none; give a Biases, Chip, Neurons, Connection, Network, "
            "Configuration, Mapping, Program, or a result or table of this package"
        )

    def _add_record(self, record: Mapping) -> None:
        self.chips |= {chip["sha256"]: chip for chip in _as_list(record["chip"])}
        self.seeds |= set(_as_list(record["seed"]))
        single = set()
        for name, hashes in record["biases_of_populations"].items():
            self.populations.setdefault(name, set()).update(_as_list(hashes))
            single |= set(_as_list(hashes))
        whole = {record["biases_sha256"]} - {None}
        self.hashes |= single if {hash_of_all(single)} == whole else whole
        self.circuits |= set(record["circuits"])
        self.configurations |= set(_as_list(record["configuration_sha256"]))

    def biases(self, biases) -> None:
        self.hashes.add(biases.sha256)

    def chip(self, chip) -> None:
        described = chip.described()
        self.chips[described["sha256"]] = described

    def population(self, name: str, biases) -> None:
        self.biases(biases)
        self.populations.setdefault(name, set()).add(biases.sha256)

    def neurons(self, group) -> None:
        self.population(group.name, group.biases)
        self.chip(group.chip)
        self.circuits |= set(group.circuits)

    def connection(self, connection) -> None:
        self.neurons(connection.neurons)
        self.circuits |= set(connection.circuits)

    def network(self, network) -> None:
        for one in network.objects:
            if any(_full_name(kind) in _IN_NETWORKS for kind in type(one).__mro__):
                self.add(one)

    def subgroup(self, subgroup) -> None:
        self.add(subgroup.source)

    def configuration(self, configuration) -> None:
        self.configurations.add(configuration_sha256(configuration))

    def record(self) -> dict:
        """All of it as plain data."""
        return {
            "versions": dict(_versions()),
            "chip": _one_or_all([self.chips[key] for key in sorted(self.chips)]),
            "seed": _one_or_all(sorted(self.seeds)),
            "biases_sha256": hash_of_all(self.hashes),
            "biases_of_populations": {
                name: _one_or_all(sorted(self.populations[name])) for name in sorted(self.populations)
            },
            "circuits": sorted(self.circuits),
            "configuration_sha256": _one_or_all(sorted(self.configurations)),
        }


def _known_record(one) -> Mapping | None:
    """What a result or a table carries with it, or a record itself."""
    for found in (one, getattr(one, "provenance", None), getattr(one, "attrs", {})):
        if isinstance(found, Mapping):
            found = found.get("provenance", found)
            if isinstance(found, Mapping) and set(KEYS) <= set(found):
                return found
    return None


def _one_or_all(found: list):
    """None, the only one, or all."""
    return None if not found else found[0] if len(found) == 1 else found


def _as_list(entry) -> list:
    """What `_one_or_all` was made of."""
    return [] if entry is None else entry if isinstance(entry, list) else [entry]


def hash_of_all(hashes: set[str]) -> str | None:
    """One hash for several sets of codes."""
    return data_sha256(sorted(hashes)) if len(hashes) > 1 else next(iter(hashes), None)


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__name__}"


_IN_NETWORKS = ("brian2dynapse.neurons.Neurons", "brian2dynapse.connection.Connection")
_READERS = {
    "brian2dynapse.biases.Biases": _Parts.biases,
    "brian2dynapse.chip.Chip": _Parts.chip,
    "brian2dynapse.neurons.Neurons": _Parts.neurons,
    "brian2dynapse.connection.Connection": _Parts.connection,
    "brian2dynapse.configuration.Configuration": _Parts.configuration,
    "brian2.core.network.Network": _Parts.network,
    "brian2.groups.subgroup.Subgroup": _Parts.subgroup,
}
