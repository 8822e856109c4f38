"""What a cell of a sweep may hold, as JSON that gives back exactly what was put in."""

from __future__ import annotations

import json
import sys

import numpy as np

from .errors import SweepError

ALLOWED = "a number, a string, a boolean, None, a Brian2 quantity, a bd.Code, or a tuple of those"
_CODE, _QUANTITY = "code", "quantity"  # keys of what JSON does not know


def encoded(value, where: str):
    """A value as JSON has it.

    Parameters
    ----------
    value : object
        A boolean, an integer, a float (infinite or NaN, too), a string, None, a quantity (one number), a `Code`, or a
        tuple or list of those. Scalars of NumPy are taken as those of Python.
    where : str
        Names the value in an error.

    Raises
    ------
    SweepError
        For anything else.
    """
    if _is_quantity(value):
        if value.ndim:
            raise SweepError(f"{where} is an array of quantities; give one number with its unit, or a tuple of those")
        return {_QUANTITY: float(value), "unit": _unit(value), "dimension": [float(power) for power in value.dim._dims]}
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value).__name__ == "Code" and isinstance(value, tuple):
        return {_CODE: [encoded(part, where) for part in value]}
    if type(value) in (tuple, list):
        return [encoded(part, f"{where}[{number}]") for number, part in enumerate(value)]
    hint = "; write tuple(values.tolist())" if isinstance(value, np.ndarray) else ""
    raise SweepError(f"{where} is {type(value).__name__}; a cell of a sweep is {ALLOWED}{hint}")


def decoded(value):
    """The value behind `encoded`: lists are tuples, quantities and codes themselves again."""
    if isinstance(value, list):
        return tuple(decoded(part) for part in value)
    if isinstance(value, dict) and _QUANTITY in value:
        from brian2.units.fundamentalunits import Quantity, get_or_create_dimension

        return Quantity(value[_QUANTITY], dim=get_or_create_dimension(tuple(value["dimension"])))
    if isinstance(value, dict) and _CODE in value:
        from .biases import Code

        return Code(*value[_CODE])
    return value


def for_table(value):
    """The value as a table has it: of a quantity the number in SI units, see `unit`."""
    return value[_QUANTITY] if isinstance(value, dict) and _QUANTITY in value else decoded(value)


def unit(value) -> str | None:
    """SI unit of an encoded quantity; None for anything else."""
    return value["unit"] if isinstance(value, dict) and _QUANTITY in value else None


def canonical(value) -> str:
    """One line of JSON that is the same for the same value; NaN and infinities as Python writes them."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _is_quantity(value) -> bool:
    """Without an import of Brian2: where it is not imported there are no quantities."""
    units = sys.modules.get("brian2.units.fundamentalunits")
    return units is not None and isinstance(value, units.Quantity)


def _unit(value) -> str:
    from brian2.units.fundamentalunits import get_unit

    return str(get_unit(value.dim)) if not value.is_dimensionless else "1"
