"""The AMPA diffusion grid of a core: shares of every neuron's current, and the coupling as Brian2 objects."""

from __future__ import annotations

import numpy as np
from brian2.groups.group import CodeRunner
from brian2.synapses.synapses import Synapses
from scipy.sparse import coo_array, csc_array, diags_array
from scipy.sparse.linalg import splu

from . import facts
from .arrays import assign
from .errors import DynapseError
from .numerics import mean_over_next_step

ROWS = 16  # neurons of a column of the core's grid, numbered column by column
# The smallest shares of a neuron, together this much of its current, are left out; the others take it over.
LEFT_OUT = 1e-3
CONDUCTANCES = ("I_grid_horizontal", "I_grid_vertical", "I_grid_neuron")


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
        Shape (N, N), row: receives, column: gives. Columns sum to 1: the current is conserved. What a neuron
        receives is exact to `LEFT_OUT` of the current that the others give.

    Raises
    ------
    DynapseError
        If a physical neuron occurs twice.
    """
    physical = np.asarray(physical)
    places, times = np.unique(physical, return_counts=True)
    if np.any(times > 1):
        raise DynapseError(
            f"physical neuron {places[times > 1][0]} occurs {times.max()} times in a group with latch deam_ampa; "
            "give each neuron its own place"
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
    coupling = coo_array((conductance, (first.astype(int), second.astype(int))), shape=(count, count))
    coupling = csc_array(coupling + coupling.T)
    nodes = diags_array(np.asarray(into_neuron) + coupling.sum(axis=0)) - coupling
    shares = np.asarray(into_neuron)[:, None] * splu(csc_array(nodes)).solve(np.eye(count))
    smallest_first = np.argsort(shares, axis=0)
    passed_by_smaller = np.cumsum(np.take_along_axis(shares, smallest_first, axis=0), axis=0)
    left_out = np.empty(shares.shape, dtype=bool)
    np.put_along_axis(left_out, smallest_first, passed_by_smaller < LEFT_OUT, axis=0)
    shares[left_out] = 0
    return coo_array(shares / shares.sum(axis=0))


class Grid(Synapses):
    """The coupling of a group's AMPA currents: what its neurons pass to each other in every step.

    Made anew from the conductances before every run; contained in the group.

    Parameters
    ----------
    group : Neurons
        With the circuit of `diffusion.eqs`.
    """

    def __init__(self, group):
        self._group = group
        super().__init__(
            group,
            group,
            model="""share : 1 (constant)
                     Iampa_grid_post = share*Iampa_ahead_pre : amp (summed)""",
            name=f"{group.name}_grid",
        )

    def shares(self) -> coo_array:
        """Shares by the conductances that the group has now; see `grid_shares`."""
        conductances = []
        for name in CONDUCTANCES:
            values = self._group.parameter_values(name)  # None where standalone mode cannot tell
            conductances.append(self._group.bias_values(name) if values is None else values)
        return grid_shares(self._group.physical, *conductances)

    def before_run(self, run_namespace):
        """Take the conductances over (called by Brian2).

        Pairs are only ever added: one that shares nothing any more keeps the share 0.
        """
        shares = self.shares()
        pairs = zip(shares.col.tolist(), shares.row.tolist(), strict=True)
        wanted = dict(zip(pairs, shares.data, strict=True))
        there = self._pairs() if self._connect_called else []
        new = sorted(set(wanted) - set(there))
        if new:
            self.connect(i=[pair[0] for pair in new], j=[pair[1] for pair in new])
        assign(self, "share", np.array([wanted.get(pair, 0.0) for pair in self._pairs()]))
        super().before_run(run_namespace)

    def _pairs(self) -> list[tuple[int, int]]:
        """Pairs of neurons that are coupled, in the order of the synapses."""
        sides = (np.asarray(self.variables[f"_synaptic_{side}"].get_value()).tolist() for side in ("pre", "post"))
        return list(zip(*sides, strict=True))


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
        code=mean_over_next_step(group.equations, "Iampa", into="Iampa_ahead"),
        clock=group.clock,
        when="groups",
        order=group.order - 2,  # before the sum, which Brian2 takes at order - 1
        name=f"{group.name}_ahead",
        check_units=False,
    )
    return [ahead, Grid(group)]
