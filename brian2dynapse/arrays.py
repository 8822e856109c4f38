"""Values of Brian2 variables, set and read as they are, and whether somebody records them."""

from __future__ import annotations

import numpy as np
from brian2.monitors.spikemonitor import EventMonitor
from brian2.monitors.statemonitor import StateMonitor


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


def is_recorded(group, variable: str) -> bool:
    """Whether a monitor records a variable of a group or of a part of it.

    Parameters
    ----------
    group : Group
        Whose variable.
    variable : str
        Its name.
    """
    monitors = [one() for kind in (StateMonitor, EventMonitor) for one in kind.__instances__()]
    return any(
        monitor is not None
        and variable in monitor.record_variables
        and monitor.source.variables[variable] is group.variables[variable]
        for monitor in monitors
    )
