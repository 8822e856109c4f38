"""The AMPA diffusion grid of a core: shares of every neuron's current, and the coupling as Brian2 objects."""

from __future__ import annotations

import numpy as np
from brian2.groups.group import CodeRunner
from brian2.synapses.synapses import Synapses
from scipy.sparse import coo_array, csc_array, diags_array
from scipy.sparse.linalg import splu

from . import facts
from .errors import DynapseError
from .numerics import mean_over_next_step

ROWS = 16  # neurons of a column of the core's grid, numbered column by column
SMALLEST_SHARE = 1e-5  # smaller shares are left out, and what they carry stays with the larger ones


def grid_shares(physical, horizontal, vertical, into_neuron) -> coo_array:
    """What share of a neuron's AMPA current reaches which neuron.

    Parameters
    ----------
    physical : array_like of int
        Physical neurons, 1024*chip + 256*core + neuron, shape (N,). Neighbours are those next to each other in the
        16 x 16 grid of the same core.
    horizontal, vertical : array_like
        Pseudo-conductance from a neuron to its right and to its lower neighbour, amp, shape (N,).
    into_neuron : array_like
        Pseudo-conductance of a node into its neuron, amp, shape (N,).

    Returns
    -------
    scipy.sparse.coo_array
        Shape (N, N), row: receives, column: gives. Columns sum to 1: the current is conserved.

    Raises
    ------
    DynapseError
        If a physical neuron occurs twice.
    """
    physical = np.asarray(physical)
    if np.unique(physical).size < physical.size:
        raise DynapseError(
            "two neurons of a group with deam_ampa are the same physical neuron; give each its own place"
        )
    position = {int(neuron): index for index, neuron in enumerate(physical)}
    edges = []
    for index, neuron in enumerate(physical):
        column, row = divmod(int(neuron) % facts.NEURONS_PER_CORE, ROWS)
        if column + 1 < ROWS and int(neuron) + ROWS in position:
            edges.append((index, position[int(neuron) + ROWS], horizontal[index]))
        if row + 1 < ROWS and int(neuron) + 1 in position:
            edges.append((index, position[int(neuron) + 1], vertical[index]))
    count = len(physical)
    first, second, conductance = np.array(edges).reshape(-1, 3).T
    first, second = first.astype(int), second.astype(int)
    coupling = coo_array((conductance, (first, second)), shape=(count, count))
    coupling = csc_array(coupling + coupling.T)
    nodes = diags_array(np.asarray(into_neuron) + coupling.sum(axis=0)) - coupling
    shares = np.asarray(into_neuron)[:, None] * splu(csc_array(nodes)).solve(np.eye(count))
    shares[shares < SMALLEST_SHARE] = 0
    return coo_array(shares / shares.sum(axis=0))


def grid_objects(group) -> list:
    """Brian2 objects that put the spread AMPA currents into a group, before every step.

    Parameters
    ----------
    group : Neurons
        With the circuit of `diffusion.eqs`.

    Returns
    -------
    list of BrianObject
        To be contained in the group.
    """
    ahead = CodeRunner(
        group,
        "stateupdate",
        code=mean_over_next_step(group.equations, group.variables, "Iampa", into="Iampa_ahead"),
        clock=group.clock,
        when="groups",
        order=group.order - 2,  # before the sum, which Brian2 takes at order - 1
        name=f"{group.name}_ahead",
        check_units=False,
    )
    grid = Synapses(
        group,
        group,
        model="""share : 1 (constant)
                 Iampa_grid_post = share*Iampa_ahead_pre : amp (summed)""",
        name=f"{group.name}_grid",
    )
    conductances = (group.bias_values(f"I_grid_{way}") for way in ("horizontal", "vertical", "neuron"))
    shares = grid_shares(group.physical, *conductances)
    grid.connect(i=shares.col, j=shares.row)
    grid.variables["share"].get_addressable_value("share", grid).set_item(slice(None), shares.data)
    return [ahead, grid]
