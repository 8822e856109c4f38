"""The declared tables of the chip: biases, latches, constants.

No Brian2 here: this module is part of the code/current arithmetic.
"""

from __future__ import annotations

import csv
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from .errors import DynapseError, unknown_name

COARSE_CODES = 6
FINE_CODES = 256
NEURONS_PER_CORE = 256
CORES_PER_CHIP = 4
NEURONS_PER_CHIP = NEURONS_PER_CORE * CORES_PER_CHIP
SYNAPSES_PER_NEURON = 64
CONSTANT_SETS = ("nominal", "measured")


@dataclass(frozen=True)
class Bias:
    """What the chip knows about one bias.

    Attributes
    ----------
    name : str
        The chip's own name, for example ``"SOIF_LEAK_N"``.
    scope : str
        ``"core"``, ``"shared"``, ``"sadc_group"`` or ``"global"``.
    type : str
        Generator type: ``"N"``, ``"P"`` or ``"V"`` (a voltage, without code table).
    geometry : str
        Geometry of the receiving transistor in micrometres.
    gain_curve : str
        Column of the mirror gain table; empty if none is published.
    block : str
        The circuit that the bias belongs to.
    parameter : str
        The circuit parameter that the current sets; empty if not modelled.
    effect : str
        ``"modelled"``, ``"not modelled"``, ``"digital"`` or ``"infrastructure"``.
    default : tuple of int
        (coarse, fine) of the documented working point; outside the cores, what public scripts set.
    open : tuple of str
        Which of ``"geometry"``, ``"gain curve"``, ``"default"``, ``"role"`` are a stated choice, without a source.
    role : str
        What the bias does, in one line.
    """

    name: str
    scope: str
    type: str
    geometry: str
    gain_curve: str
    block: str
    parameter: str
    effect: str
    default: tuple[int, int]
    open: tuple[str, ...]
    role: str

    @property
    def mirror_scale(self) -> str:
        """Name of the chip's constant that scales its current; empty for a voltage."""
        return {"N": "mirror_scale_n", "P": "mirror_scale_p"}.get(self.type, "")


@dataclass(frozen=True)
class Constant:
    """One constant of the chip in one named set: value in SI units, source, mark."""

    name: str
    value: float
    unit: str
    meaning: str
    mark: str
    source: str


def read_table(filename: str) -> list[dict[str, str]]:
    """Read a CSV table of the package; lines that start with ``#`` are comments.

    Parameters
    ----------
    filename : str
        Name of a file in ``brian2dynapse/data``.

    Returns
    -------
    list of dict
        A row each, column to text; empty cells are empty strings.
    """
    text = resources.files("brian2dynapse.data").joinpath(filename).read_text(encoding="utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


@cache
def bias_table() -> dict[str, Bias]:
    """All biases of the chip by name, in the order of the table."""
    table = {}
    for row in read_table("biases.csv"):
        table[row["name"]] = Bias(
            name=row["name"],
            scope=row["scope"],
            type=row["type"],
            geometry=row["geometry_um"],
            gain_curve=row["gain_curve"],
            block=row["block"],
            parameter=row["parameter"],
            effect=row["effect"],
            default=(int(row["default_coarse"]), int(row["default_fine"])),
            open=tuple(filter(None, row["open"].split("|"))),
            role=row["role"],
        )
    return table


@cache
def biases_of(scope: str) -> tuple[str, ...]:
    """Names of the biases of a scope (``"core"``, ``"shared"``, ``"sadc_group"``, ``"global"``), as in the table."""
    return tuple(name for name, bias in bias_table().items() if bias.scope == scope)


@cache
def core_biases() -> tuple[str, ...]:
    """Names of the biases of a core, in the order of the table."""
    return biases_of("core")


@cache
def modelled_parameters() -> dict[str, str]:
    """Circuit parameter to bias, for every bias that a circuit uses."""
    return {bias.parameter: name for name, bias in bias_table().items() if bias.parameter}


@cache
def synapse_parameters() -> dict[str, str]:
    """Circuit parameter to bias, for the biases whose transistor every synapse has for itself."""
    return {parameter: name for parameter, name in modelled_parameters().items() if bias(name).block == "synapse"}


def bias(name: str) -> Bias:
    """Look a bias up by the chip's own name.

    Parameters
    ----------
    name : str
        For example ``"SOIF_LEAK_N"``.

    Returns
    -------
    Bias
        Its entry in the bias table.

    Raises
    ------
    UnknownNameError
        If the chip has no such bias; the nearest names are suggested.
    """
    try:
        return bias_table()[name]
    except (KeyError, TypeError):
        raise unknown_name("bias", name, bias_table()) from None


@cache
def latch_table() -> dict[str, tuple[str, str]]:
    """Latches of a neuron: name to (effect, role)."""
    return {row["name"]: (row["effect"], row["role"]) for row in read_table("latches.csv")}


def check_latches(latches) -> frozenset[str]:
    """Check names of latches.

    Parameters
    ----------
    latches : set, frozenset, list or tuple of str
        Names as in the driver, without ``latch_``.

    Returns
    -------
    frozenset of str
        The same names.

    Raises
    ------
    UnknownNameError
        If a name is not a latch of the chip.
    DynapseError
        If `latches` is not a collection of names.
    """
    if not isinstance(latches, (set, frozenset, list, tuple)):
        raise DynapseError(f"latches is {latches!r}; give a set of names of those that are on, such as {{'so_dc'}}")
    for name in latches:
        if not isinstance(name, str) or name not in latch_table():
            raise unknown_name("latch", name, latch_table())
    return frozenset(latches)


@cache
def constants(which: str) -> dict[str, Constant]:
    """A named set of chip constants.

    Parameters
    ----------
    which : str
        ``"nominal"`` or ``"measured"``.

    Returns
    -------
    dict of str to Constant
        Values in SI units with mark and source.

    Raises
    ------
    UnknownNameError
        If there is no such set.
    """
    if which not in CONSTANT_SETS:
        raise unknown_name("set of constants", which, CONSTANT_SETS)
    text = resources.files("brian2dynapse.data").joinpath("constants.toml").read_text(encoding="utf-8")
    chosen = {}
    for name, entry in tomllib.loads(text).items():
        prefix = "measured_" if which == "measured" and "measured" in entry else ""
        chosen[name] = Constant(
            name=name,
            value=float(entry["measured" if prefix else "nominal"]),
            unit=entry["unit"],
            meaning=entry["meaning"],
            mark=entry[prefix + "mark"],
            source=entry[prefix + "source"],
        )
    return chosen
