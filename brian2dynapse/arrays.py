"""Values of Brian2 variables, set and read as they are."""

from __future__ import annotations

import numpy as np


def assign(owner, name: str, values) -> None:
    """Set a variable of a group for all its members, also where Brian2 lets nobody write in standalone mode.

    Parameters
    ----------
    owner : Group
        Whose variable.
    name : str
        Its name.
    values : float or numpy.ndarray
        SI units; one number is assigned as such, so that Brian2 writes no array file in standalone mode.
    """
    owner.variables[name].get_addressable_value(name, owner).set_item(slice(None), values)


def variable_values(owner, name: str) -> np.ndarray | None:
    """Values of a variable in SI units; None in standalone mode if Brian2 cannot tell before the run.

    Parameters
    ----------
    owner : Group
        Whose variable.
    name : str
        Its name.
    """
    try:
        return np.asarray(owner.variables[name].get_value())
    except NotImplementedError:
        return None
