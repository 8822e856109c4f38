"""Inputs of a compiled network: rates and spikes that are given to a run."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from brian2.core.variables import Subexpression
from brian2.input.spikegeneratorgroup import SpikeGeneratorGroup
from brian2.units import Quantity, get_dimensions, hertz, second

from .errors import DynapseError


class Input:
    """What may be given to an input, by what it is when the program is made.

    Parameters
    ----------
    group : PoissonGroup or SpikeGeneratorGroup
        The input.
    """

    def __init__(self, group):
        self._name, self._number = group.name, int(group.N)
        self._takes_spikes = isinstance(group, SpikeGeneratorGroup)
        self._computed = isinstance(group.variables.get("rates"), Subexpression)
        self._step = Quantity(group.clock.dt_, dim=second.dim)
        self._period = Quantity(group.period_, dim=second.dim) if self._takes_spikes else None

    def values(self, given) -> dict[str, np.ndarray]:
        """Arguments of the program.

        Parameters
        ----------
        given : Quantity, or pair of array_like
            Rates or spikes, see `Program.run`.

        Returns
        -------
        dict of str to numpy.ndarray
            ``"group.rates"``, hertz, shape (N,); or ``"group.spikes"``: neurons, times in second and time steps, one
            after the other.

        Raises
        ------
        DynapseError
            For what the input cannot do.
        """
        if self._takes_spikes:
            return {f"{self._name}.spikes": self._spikes(given)}
        if self._computed:
            raise DynapseError(
                f"{self._name}: its rates are an expression, which is compiled; make the PoissonGroup with numbers"
            )
        shaped = np.shape(given) in ((), (self._number,))
        if (
            not shaped
            or get_dimensions(given) is not hertz.dim
            or not np.all(np.isfinite(given) & (given >= 0 * hertz))
        ):
            raise DynapseError(
                f"{self._name}: rates are {given!r}; give one in hertz, not negative, or {self._number}, one a neuron"
            )
        return {f"{self._name}.rates": np.broadcast_to(np.asarray(given, dtype=float), self._number)}

    def _spikes(self, given) -> np.ndarray:
        """Neurons, times and time steps of spikes, one after the other."""
        name = self._name
        wrong = (
            f"{name}: give spikes as (indices, times), as many of both, indices 0..{self._number - 1}, times in second"
        )
        if not isinstance(given, (tuple, list)) or len(given) != 2 or get_dimensions(given[1]) is not second.dim:
            raise DynapseError(wrong)
        indices, times = np.atleast_1d(np.asarray(given[0])), np.atleast_1d(np.asarray(given[1], dtype=float))
        if indices.size == 0:
            indices = indices.astype(int)
        if indices.ndim != 1 or times.ndim != 1 or indices.dtype.kind not in "iu" or not np.all(np.isfinite(times)):
            raise DynapseError(wrong)
        try:  # Brian2's own order and refusals
            indices, times = SpikeGeneratorGroup._check_args(
                SimpleNamespace(), indices, times * second, self._period, self._number, False, self._step
            )
        except ValueError as error:
            raise DynapseError(f"{wrong}: {error}") from error
        steps = ((times + 1e-3 * float(self._step)) / float(self._step)).astype(np.int32)  # as Brian2 counts them
        if np.any((np.diff(steps) == 0) & (np.diff(indices) == 0)):
            raise DynapseError(f"{name}: a neuron spikes twice in a time step of {self._step}; use a smaller dt")
        return np.concatenate([indices, times, steps]).astype(float)
