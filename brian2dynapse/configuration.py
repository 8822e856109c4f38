"""`Configuration`: the digital content of one or several chips. Integers and booleans only; no Brian2.

What it holds is declared once, in `fields`: an array for each kind of word, with its shape on a chip and its limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache, cached_property

import numpy as np
import pandas as pd

from . import facts
from .errors import ConfigurationError, DynapseError, unknown_name

LARGEST_TAG = 2047
LARGEST_HOP = 7
LARGEST_CHIPS = (2 * LARGEST_HOP + 1) ** 2  # the grid that events reach
DESTINATIONS_PER_NEURON = 4
NOT_MONITORED = -1
LISTED_ERRORS = 1000  # of one array; a file of another kind need not fill the memory with messages


class Dendrite(IntEnum):
    """What a synapse acts on, with the numbers of the vendor's driver."""

    none = 0
    shunt = 128
    nmda = 256
    gaba = 512
    ampa = 1024


@dataclass(frozen=True)
class Field:
    """One kind of entry of a chip's memory.

    Attributes
    ----------
    shape : tuple of int
        Of its array, on one chip.
    dtype : str
        Compact type of its array.
    low, high : int
        Smallest and largest value.
    path : str
        Where it is in the driver's tree, with ``{}`` for each index (the chip first).
    values : tuple of int
        What it can be, if not every integer from low to high.
    """

    shape: tuple[int, ...]
    dtype: str
    low: int
    high: int
    path: str
    values: tuple[int, ...] = ()

    @property
    def allowed(self) -> str:
        """What the field can be, in words."""
        return " or ".join(str(value) for value in self.values) or f"{self.low}..{self.high}"


_CORE = (facts.CORES_PER_CHIP,)
_NEURON = (*_CORE, facts.NEURONS_PER_CORE)
_SYNAPSE = (*_NEURON, facts.SYNAPSES_PER_NEURON)
_DESTINATION = (*_NEURON, DESTINATIONS_PER_NEURON)
_CORE_PAIRS, _SADC_GROUPS = 2, 3


@cache
def fields() -> dict[str, Field]:
    """Everything that a configuration holds: name to declaration."""
    neuron = "chips[{}].cores[{}].neurons[{}]"
    codes = {
        "core_codes": (_CORE, "core", "chips[{}].cores[{}].parameters"),
        "shared_codes": ((_CORE_PAIRS,), "shared", "chips[{}].shared_parameters{}"),
        "sadc_codes": ((_CORE_PAIRS, _SADC_GROUPS), "sadc_group", "chips[{}].sadc_group_parameters{}[{}]"),
        "global_codes": ((), "global", "chips[{}].global_parameters"),
    }
    declared = {"positions": Field((2,), "int16", -1000, 1000, "chips[{}].position[{}]")}
    for name, (place, scope, path) in codes.items():
        shape = (*place, len(facts.biases_of(scope)), 2)
        declared[name] = Field(shape, "uint8", 0, facts.FINE_CODES - 1, path + "[{}].{}")
    monitored = "chips[{}].cores[{}].monitored_neuron"
    declared["monitored"] = Field(_CORE, "int16", NOT_MONITORED, facts.NEURONS_PER_CORE - 1, monitored)
    declared["latches"] = Field((*_NEURON, len(facts.latch_table())), "bool", 0, 1, neuron + ".latch_{}")
    for name, dtype, high in (
        ("tag", "uint16", LARGEST_TAG),
        ("weight", "uint8", 15),
        ("dendrite", "uint16", 1024),
        ("precise_delay", "bool", 1),
        ("mismatched_delay", "bool", 1),
        ("stp", "bool", 1),
    ):
        values = tuple(int(one) for one in Dendrite) if name == "dendrite" else ()
        declared[f"synapse_{name}"] = Field(_SYNAPSE, dtype, 0, high, f"{neuron}.synapses[{{}}].{name}", values)
    for name, dtype, low, high in (
        ("tag", "uint16", 0, LARGEST_TAG),
        ("core", "uint8", 0, 15),
        ("x_hop", "int8", -LARGEST_HOP, LARGEST_HOP),
        ("y_hop", "int8", -LARGEST_HOP, LARGEST_HOP),
    ):
        declared[f"destination_{name}"] = Field(_DESTINATION, dtype, low, high, f"{neuron}.destinations[{{}}].{name}")
    return declared


def default_positions(chips: int) -> np.ndarray:
    """Columns and rows of chips whose places are not given.

    Parameters
    ----------
    chips : int
        How many. Up to four, a stack board, lie in a row; more fill a square, row by row.

    Returns
    -------
    numpy.ndarray of int
        Shape (chips, 2): column (east is positive) and row.
    """
    columns = 4 if chips <= 4 else int(np.ceil(np.sqrt(chips)))
    return np.column_stack(np.divmod(np.arange(chips), columns)[::-1])


class Configuration:
    """What 1..n chips hold: codes, latches, CAM and SRAM words, monitors. Frozen.

    Parameters
    ----------
    chips : int
        Number of chips, 1..225.
    labels : Labels, optional
        What populations and inputs are called, see `labels`; none unless given. Comments, not what the chips hold.
    **arrays : array_like of int or bool
        Entries by the names of `fields`, each of shape ``(chips, *shape)``. What is not given is blank: no synapses
        and destinations, all latches off, no monitors, the documented codes, positions as `default_positions`.

    Raises
    ------
    UnknownNameError
        For an entry that does not exist.
    ConfigurationError
        If entries have a wrong shape, type or value, or labels are wrong; its `errors` lists all, with their paths in
        the driver's tree, or in the labels.

    Notes
    -----
    Two configurations are equal if all their words and codes are; then the chips are. Labels count neither for that
    nor in `diff`. Item access reads like the vendor driver's tree:
    ``configuration.chips[0].cores[1].neurons[5].synapses[3].tag``.

    Not held, and left alone in the driver: enables of the spiking ADC, reference monitors, power-down of
    generators, sensor interfaces.
    """

    def __init__(self, chips: int = 1, *, labels=None, **arrays):
        from .labels import Labels, errors_of  # their ranges are those of the entries declared here

        if isinstance(chips, bool) or not isinstance(chips, (int, np.integer)) or not 1 <= chips <= LARGEST_CHIPS:
            raise DynapseError(f"chips is {chips!r}; give the number of chips, 1..{LARGEST_CHIPS}")
        for name in arrays:
            if name not in fields():
                raise unknown_name("field of a configuration", name, fields())
        self._count = int(chips)
        errors = []
        for name, field in fields().items():
            shape = (self._count, *field.shape)
            try:
                values = np.asarray(arrays[name]) if name in arrays else blank(name, self._count)
            except (ValueError, TypeError):
                errors.append(f"{name}: has rows of unequal length or is no array; give integers of shape {shape}")
                continue
            if values.shape != shape or values.dtype.kind not in "iub":
                found = f"shape {values.shape} and type {values.dtype}"
                errors.append(f"{name}: has {found}; give integers of shape {shape}")
                continue
            errors += value_errors(name, values)
            stored = values.astype(field.dtype)
            stored.setflags(write=False)
            setattr(self, name, stored.view())  # nobody can make a view of a read-only array writable
        errors += self._doubled_positions() if not errors else []
        self.labels = Labels() if labels is None else labels
        errors += errors_of(self.labels, self._count)
        if errors:
            raise ConfigurationError(errors)
        self._frozen = True

    def __setattr__(self, name, value):
        if self.__dict__.get("_frozen"):
            raise DynapseError(f"{name}: a configuration is frozen; make another one with replace({name}=...)")
        super().__setattr__(name, value)

    def __delattr__(self, name):
        raise DynapseError(f"{name}: a configuration is frozen; make another one with replace({name}=...)")

    def __len__(self) -> int:
        return self._count

    def __eq__(self, other) -> bool:
        if not isinstance(other, Configuration):
            return NotImplemented
        return len(self) == len(other) and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in fields()
        )

    def __hash__(self) -> int:
        return hash((len(self), *(getattr(self, name).tobytes() for name in ("core_codes", "synapse_tag", "latches"))))

    def __reduce__(self):
        return _remade, (self._count, self.arrays(), self.labels)

    def _doubled_positions(self) -> list[str]:
        seen = {}
        for chip, position in enumerate(map(tuple, self.positions.tolist())):
            seen.setdefault(position, []).append(chip)
        return [f"position {place} is that of chips {chips}" for place, chips in seen.items() if len(chips) > 1]

    def arrays(self) -> dict[str, np.ndarray]:
        """All entries by name, read-only arrays of shape (chips, ...)."""
        return {name: getattr(self, name) for name in fields()}

    def replace(self, **changes) -> Configuration:
        """Another configuration in which some entries, or the labels, differ.

        Parameters
        ----------
        **changes : array_like or Labels
            As for the class. Labels that are not given stay.
        """
        if "chips" in changes:
            raise DynapseError("chips cannot be replaced; make another one with Configuration(chips, ...)")
        return Configuration(self._count, **({"labels": self.labels} | self.arrays() | changes))

    @cached_property
    def chips(self) -> Sequence:
        """The chips, to be read like the driver's tree."""
        from .tree import chips_of  # the tree is made of views of this class

        return chips_of(self)

    def used_neurons(self) -> np.ndarray:
        """Neurons that do anything: have a synapse, a destination, a latch or a monitor.

        Returns
        -------
        numpy.ndarray of bool
            Shape (chips, 4, 256).
        """
        used = (self.synapse_dendrite != 0).any(axis=-1) | (self.destination_core != 0).any(axis=-1)
        used |= self.latches.any(axis=-1)
        chip, core = np.nonzero(self.monitored != NOT_MONITORED)
        used[chip, core, self.monitored[chip, core]] = True
        return used

    def diff(self, other: Configuration) -> pd.DataFrame:
        """What differs from another configuration of as many chips.

        Parameters
        ----------
        other : Configuration
            The other one.

        Returns
        -------
        pandas.DataFrame
            A row an entry that differs; columns path, entry (its name), here, there. Empty if they are equal.

        Raises
        ------
        DynapseError
            If the numbers of chips differ.
        """
        if not isinstance(other, Configuration):
            raise DynapseError(f"other is {type(other).__name__}; give a Configuration")
        if len(self) != len(other):
            raise DynapseError(f"one configuration has {len(self)} chips, the other {len(other)}; give one of as many")
        rows = []
        for name in fields():
            here, there = getattr(self, name), getattr(other, name)
            for index in np.argwhere(here != there):
                values = (array[tuple(index)].item() for array in (here, there))
                rows.append((path_of(name, index), name, *values))
        return pd.DataFrame(rows, columns=["path", "entry", "here", "there"])

    @classmethod
    def from_json(cls, path) -> Configuration:
        """Read a configuration from a JSON file, see `configuration_json.read`."""
        from .configuration_json import read

        return read(path)

    def to_json(self, path):
        """Write a JSON file, see `configuration_json.write`."""
        from .configuration_json import write

        return write(self, path)

    @classmethod
    def from_driver(cls, driver_configuration, positions=None) -> Configuration:
        """Read the vendor driver's own object, see `driver.read`."""
        from .driver import read

        return read(driver_configuration, positions)

    def to_driver(self, driver_configuration):
        """Fill the vendor driver's own object, see `driver.fill`."""
        from .driver import fill

        return fill(self, driver_configuration)

    def summary(self) -> pd.DataFrame:
        """What every core holds.

        Returns
        -------
        pandas.DataFrame
            A row a core; columns chip, core, neurons, synapses, destinations (used ones), latches (names of those
            that are on somewhere), monitored (neuron, or -1), populations (those that the labels put there).
        """
        labelled = self.labels.populations_of_cores()
        used, names = self.used_neurons().sum(axis=-1), list(facts.latch_table())
        synapses = (self.synapse_dendrite != 0).sum(axis=(-1, -2))
        destinations = (self.destination_core != 0).sum(axis=(-1, -2))
        rows = [
            {
                "chip": chip,
                "core": core,
                "neurons": used[chip, core],
                "synapses": synapses[chip, core],
                "destinations": destinations[chip, core],
                "latches": ", ".join(names[k] for k in np.flatnonzero(self.latches[chip, core].any(axis=0))),
                "monitored": self.monitored[chip, core],
                "populations": ", ".join(labelled.get(facts.CORES_PER_CHIP * chip + core, [])),
            }
            for chip, core in np.ndindex(self._count, facts.CORES_PER_CHIP)
        ]
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        synapses, neurons = (self.synapse_dendrite != 0).sum(), self.used_neurons().sum()
        chips = f"{self._count} chip{'s' if self._count > 1 else ''}"
        return f"<Configuration of {chips}: {neurons} neurons used, {synapses} synapses>"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<p>{escape(repr(self))}</p>" + self.summary().to_html(index=False)


def blank(name: str, chips: int) -> np.ndarray:
    """Entry of chips that nobody configured, a new array that may be written."""
    field = fields()[name]
    shape = (chips, *field.shape)
    if name == "positions":
        return default_positions(chips)
    if name.endswith("_codes"):
        codes = [facts.bias(bias).default for bias in biases_of(name)]
        return np.broadcast_to(np.array(codes, dtype=field.dtype), shape).copy()
    return np.full(shape, NOT_MONITORED if name == "monitored" else 0, dtype=field.dtype)


def value_errors(name: str, values: np.ndarray) -> list[str]:
    """What is wrong with the values of an entry: path, what it got, what is allowed."""
    field = fields()[name]
    wrong = ~np.isin(values, field.values) if len(field.values) else (values < field.low) | (values > field.high)
    allowed = field.allowed
    if name.endswith("_codes"):
        coarse = values[..., 0]
        wrong[..., 0] = (coarse < 0) | (coarse >= facts.COARSE_CODES)
        allowed = f"a coarse value is 0..{facts.COARSE_CODES - 1}, a fine value {allowed}"
    where = np.argwhere(wrong)
    errors = [f"{path_of(name, index)} is {values[tuple(index)]}; {allowed}" for index in where[:LISTED_ERRORS]]
    return errors + ([f"{name}: {len(where)} wrong entries in all"] if len(where) > LISTED_ERRORS else [])


def path_of(name: str, index) -> str:
    """Where an entry is in the driver's tree."""
    index = [int(one) for one in index]
    if name.endswith("_codes"):
        bias, part = biases_of(name)[index[-2]], ("coarse_value", "fine_value")[index[-1]]
        place = [("01", "23")[one] if k == 1 and name != "core_codes" else one for k, one in enumerate(index[:-2])]
        return fields()[name].path.format(*place, repr(bias), part)
    if name == "latches":
        index[-1] = list(facts.latch_table())[index[-1]]
    return fields()[name].path.format(*index)


def biases_of(name: str) -> tuple[str, ...]:
    """Biases of an entry of codes, in the order of its array."""
    scope = name.removesuffix("_codes")
    return facts.biases_of({"sadc": "sadc_group"}.get(scope, scope))


def _remade(chips: int, arrays: dict, labels) -> Configuration:
    return Configuration(chips, labels=labels, **arrays)
