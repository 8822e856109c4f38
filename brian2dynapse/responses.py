"""What a population is to agree in: a response of a neuron to a stimulus, measured by simulation or by the user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from brian2 import Hz, Network, Quantity, SpikeMonitor, defaultclock, get_dimensions, ms, second

from . import circuits, facts
from .analysis import counts_and_rates
from .errors import DynapseError
from .measure_inputs import checked_count, checked_rates, checked_times, count_spikes, event_steps
from .neurons import Neurons

DC_BIAS = "SOIF_DC_P"


@dataclass(frozen=True)
class InputResponse:
    """Firing rate of a neuron, in hertz, that gets events on some synapses of one dendrite.

    Parameters
    ----------
    rate : Quantity
        Of the events of one source, hertz.
    dendrite : str
        ``"ampa"``, ``"nmda"``, ``"gaba"`` or ``"shunt"``.
    synapses : int
        CAM words of each neuron for this input, 1..64.
    weight : str, int, or array_like of int
        Masks at the start: one for all, or integers 0..15 of shape (candidates, synapses).
    delay, std
        Of the synapses, see `Connection`.
    latches : tuple of str
        Latches that are on.
    duration, settle : Quantity
        Time over which spikes are counted, and before that.
    regular : bool
        Events at equal intervals instead of Poisson events.
    common : bool
        One source for all synapses (a strong connection from several CAM words), instead of one each.

    Raises
    ------
    DynapseError
        If a rate, number or time is not one.

    Notes
    -----
    All neurons get the same events, so that what differs is the chip.
    """

    rate: Quantity
    dendrite: str = "ampa"
    synapses: int = 4
    weight: object = "0011"
    delay: str = "none"
    std: bool = False
    latches: tuple = ()
    duration: Quantity = field(default_factory=lambda: 1 * second)
    settle: Quantity = field(default_factory=lambda: 100 * ms)
    regular: bool = False
    common: bool = False

    quantity = "firing rate (Hz)"

    def __post_init__(self):
        rate = self.rate
        one = isinstance(rate, Quantity) and get_dimensions(rate) is Hz.dim and np.ndim(rate) == 0
        if not one or not 0 < float(rate) < np.inf:
            raise DynapseError(f"rate is {rate!r}; give one positive rate in hertz, such as 100*Hz")
        circuits.check_dendrite(self.dendrite)
        facts.check_latches(self.latches)
        checked_count("synapses", self.synapses, facts.SYNAPSES_PER_NEURON)
        checked_times(self.duration, self.settle, float(defaultclock.dt))

    @property
    def sources(self) -> np.ndarray:
        """Source of each synapse, shape (synapses,)."""
        return np.zeros(self.synapses, dtype=int) if self.common else np.arange(self.synapses)

    def circuits_on(self, chip) -> list[str]:
        """Names of the equation files that run on a chip."""
        on = frozenset({self.dendrite}), circuits.Reading.of(chip)
        return circuits.circuits_of(frozenset(self.latches), *on) + circuits.synapse_pages(self.std, False, False)

    def measure(self, biases, chip, physical, masks, cams, seed) -> np.ndarray:
        """Responses of rows, each a neuron with its synapses.

        Parameters
        ----------
        biases : Biases
        chip : Chip
        physical : numpy.ndarray of int
            Numbers 1024*chip + 256*core + neuron, shape (rows,).
        masks, cams : numpy.ndarray of int
            Shape (rows, synapses).
        seed : int or sequence of int
            Of the events.

        Returns
        -------
        numpy.ndarray
            Hertz, shape (rows,).
        """
        dt = float(defaultclock.dt)
        times = checked_times(self.duration, self.settle, dt)
        rates = checked_rates(self.rate, dt)
        count = int(self.sources.max()) + 1
        indices, at = event_steps(rates, count, round(sum(times) / dt), dt, seed, self.regular)
        synapse = (self.dendrite, self.delay, self.std, self.latches)
        sources = np.tile(self.sources, (len(physical), 1))
        return count_spikes(biases, chip, physical, masks, sources, (indices, at * dt), synapse, times, cams)[1]


@dataclass(frozen=True)
class DCResponse:
    """Firing rate of a neuron, in hertz, at a DC input. It has no weights: only neurons can be chosen.

    Parameters
    ----------
    code : tuple of int or Quantity
        (coarse, fine) of SOIF_DC_P, or a current, which stands for its nearest code.
    latches : tuple of str
        Latches that are on beside ``so_dc``.
    duration, settle : Quantity
        Time over which spikes are counted, and before that.
    """

    code: object
    latches: tuple = ()
    duration: Quantity = field(default_factory=lambda: 500 * ms)
    settle: Quantity = field(default_factory=lambda: 100 * ms)

    quantity = "firing rate (Hz)"
    synapses = 0

    def __post_init__(self):
        facts.check_latches(self.latches)
        checked_times(self.duration, self.settle, float(defaultclock.dt))

    def circuits_on(self, chip) -> list[str]:
        """Names of the equation files that run on a chip."""
        return circuits.circuits_of(frozenset({"so_dc", *self.latches}), frozenset(), circuits.Reading.of(chip))

    def measure(self, biases, chip, physical, masks, cams, seed) -> np.ndarray:
        """As `InputResponse.measure`; masks, CAM words and seed are not used, since nothing is drawn."""
        times = checked_times(self.duration, self.settle, float(defaultclock.dt))
        own = type(biases)(biases, table=biases.table)
        own[DC_BIAS] = self.code
        latches = {"so_dc", *self.latches}
        group = Neurons(len(physical), own, latches=latches, chip=chip, physical=physical, name="dc_response_neurons")
        monitor = SpikeMonitor(group, name="dc_response_spikes")
        Network(group, monitor).run(sum(times) * second)
        return counts_and_rates(monitor.i, monitor.t / second, len(physical), *times)[1]


@dataclass(frozen=True)
class MeasuredResponse:
    """A response that you measure, on a real chip or in a network of your own.

    Parameters
    ----------
    function : callable
        ``function(physical, masks, cams, seed)``: responses, not negative, shape (rows,), of physical neurons (numbers
        1024*chip + 256*core + neuron, shape (rows,)) whose synapses have these masks, in these CAM words (shapes
        (rows, synapses)). A physical neuron can be in several rows, which a real chip measures one after the other.
        `seed` is that of the stimulus: the same for the same events, another one for fresh ones.
    synapses : int
        CAM words of each neuron, 0 if only neurons are to be chosen.
    weight : str, int, or array_like of int
        Masks at the start, as in `InputResponse`.
    dendrite : str
        Which dendrite the synapses are on.
    quantity : str
        What is measured, with its unit; labels the plot.
    """

    function: Callable
    synapses: int = 0
    weight: object = "0011"
    dendrite: str = "ampa"
    quantity: str = "response"

    def __post_init__(self):
        if not callable(self.function):
            raise DynapseError(f"response is {self.function!r}; give a function of (physical, masks, cams, seed)")
        if self.synapses != 0:
            checked_count("synapses", self.synapses, facts.SYNAPSES_PER_NEURON)

    @property
    def sources(self) -> np.ndarray:
        """Source of each synapse: one each."""
        return np.arange(self.synapses)

    def measure(self, biases, chip, physical, masks, cams, seed) -> np.ndarray:
        """Call the function and check what it returns; biases and chip are its own business."""
        found = np.asarray(self.function(physical, masks, cams, seed), dtype=float)
        if found.shape != physical.shape or not np.all(np.isfinite(found) & (found >= 0)):
            raise DynapseError(
                f"the response returned an array of shape {found.shape}; give {len(physical)} finite numbers, not "
                "negative, one for each row"
            )
        return found
