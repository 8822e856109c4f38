"""`Compensation`: neurons and masks with which a population responds alike, as a result that can be applied."""

from __future__ import annotations

import html
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .errors import WiringError
from .measure_inputs import physical_numbers
from .selection import spread


@dataclass(frozen=True, eq=False, repr=False)
class Compensation:
    """Neurons and masks with which a population responds alike, and what that gains.

    Attributes
    ----------
    physical : numpy.ndarray of int
        Rows (chip, core, neuron), shape (n, 3), for ``Neurons(n, ..., physical=...)``.
    masks, cams : numpy.ndarray of int
        Mask, and the CAM word that it was found for, of each synapse; shape (n, synapses).
    sources : numpy.ndarray of int
        Source of each synapse of a neuron, shape (synapses,).
    target : float
        Response that masks were chosen for.
    kept : str
        The stage that this is: the one of least spread, and the start if nothing is better.
    before, after : pandas.DataFrame
        Columns neuron (1024*chip + 256*core + neuron), response: of the population as it comes and as it is here, to
        a fresh stimulus, one that nothing was chosen for.
    table : pandas.DataFrame
        A row a stage: stage, kept, neurons, mean, sd, cv, min, q25, median, q75, max of the responses to the fresh
        stimulus.
    responses : pandas.DataFrame
        Columns stage, neuron, response: all of them.
    dendrite, quantity : str
        Where the synapses are; what the response is.
    provenance : dict
        Versions, chip, seed, biases and circuits, see `provenance`; the tables carry it.
    """

    physical: np.ndarray
    masks: np.ndarray
    cams: np.ndarray
    sources: np.ndarray
    target: float
    kept: str
    before: pd.DataFrame
    after: pd.DataFrame
    table: pd.DataFrame
    responses: pd.DataFrame
    dendrite: str
    quantity: str
    provenance: dict

    @property
    def weights(self) -> np.ndarray:
        """Masks in the order of the synapses that `connect` makes: neuron by neuron; shape (n * synapses,)."""
        return self.masks.ravel()

    def connect(self, connection, sources=None, tags=None) -> None:
        """Make the synapses of a new connection, with these masks, in these CAM words; a mapping keeps the words.

        Parameters
        ----------
        connection : Connection
            Onto `Neurons(..., physical=self.physical)`, on the dendrite that was measured.
        sources : array_like of int, optional
            Source of each synapse, shape (synapses,), or (n, synapses) if they differ from neuron to neuron. By
            default source s makes synapse s, or one source all of them if they were measured so (``common=True``).
        tags : array_like of int, optional
            Tags, of the shape of `sources`; by default a mapping chooses them.

        Raises
        ------
        WiringError
            If the neurons, the dendrite or the number of sources are others, or there is nothing to connect.
        """
        if not self.masks.size:
            raise WiringError("neurons alone were chosen, for a response without synapses; connect as you like")
        target = connection.target
        first, last = getattr(target, "start", 0), getattr(target, "stop", len(target))
        if not np.array_equal(connection.neurons.physical[first:last], physical_numbers(self.physical)):
            raise WiringError(
                f"{connection.name}: the target {target.name} is on other physical neurons than these masks were found "
                f"for; make it with Neurons({len(self.masks)}, ..., physical=compensation.physical)"
            )
        if connection.dendrite != self.dendrite:
            raise WiringError(
                f"{connection.name} is on dendrite {connection.dendrite}, but the masks were found for {self.dendrite}"
            )
        sources = self._spread_out(connection, "sources", self.sources if sources is None else sources)
        tags = None if tags is None else self._spread_out(connection, "tags", tags)
        if sources.max() >= len(connection.source):
            raise WiringError(
                f"{connection.name}: synapses come from sources 0..{sources.max()}, but {connection.source.name} has "
                f"{len(connection.source)}; give sources=... for each synapse"
            )
        j = np.repeat(np.arange(len(self.masks)), self.masks.shape[1])
        connection.connect(i=sources, j=j, cams=self.cams.ravel(), tags=tags)
        connection.weight = self.weights

    def _spread_out(self, connection, what: str, values) -> np.ndarray:
        values = np.asarray(values)
        if values.shape not in (self.masks.shape, self.masks.shape[1:]) or values.dtype.kind not in "iu":
            raise WiringError(
                f"{connection.name}: {what} have shape {values.shape}; give integers of shape "
                f"{self.masks.shape[1:]} or {self.masks.shape}"
            )
        return np.broadcast_to(values, self.masks.shape).ravel()

    def plot(self, axes=None):
        """Draw the responses of every stage, see `plot_compensation.cumulative`.

        Parameters
        ----------
        axes : matplotlib Axes, optional
            Where; by default in a new figure.

        Returns
        -------
        matplotlib Axes
        """
        from .plot_compensation import cumulative

        return cumulative(self, axes)

    def __repr__(self) -> str:
        cv = [spread(one["response"]) for one in (self.before, self.after)]
        synapses = f" with {self.masks.shape[1]} synapses each" if self.masks.size else ""
        return (
            f"<Compensation: {len(self.physical)} neurons{synapses}, {self.kept}; CV of the {self.quantity} "
            f"{cv[0]:.3f} before, {cv[1]:.3f} after>"
        )

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>" + self.table.to_html(index=False, float_format="{:.4g}".format)
