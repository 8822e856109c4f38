"""Firing rates of neurons whose dendrite gets events: one measurement, and the f-I curve over input rates."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from brian2 import Hz, Network, Quantity, SpikeGeneratorGroup, SpikeMonitor, defaultclock, get_dimensions, ms, second

from . import analysis, facts
from .biases import Biases
from .chip import Chip
from .connection import Connection
from .errors import DynapseError, WeightError
from .neurons import Neurons
from .provenance_record import record_of
from .recordings import Measurement, measurement
from .standalone import check_runtime
from .weights import weight_mask


def input_curve(
    biases: Biases,
    rates,
    dendrite: str = "ampa",
    weight="0001",
    synapses: int = 1,
    chip: Chip | None = None,
    neurons: int = facts.NEURONS_PER_CORE,
    latches: Iterable[str] = (),
    physical=None,
    delay: str = "none",
    std: bool = False,
    duration=500 * ms,
    settle=100 * ms,
    seed: int = 0,
    regular: bool = False,
    common: bool = False,
    report=None,
) -> Measurement:
    """Firing rate against the rate of input events, for every neuron of a core.

    All rates are run at once, as one group with a copy of the neurons for each rate. Every neuron gets the same
    events, so that rates differ between neurons by the chip alone, and not by chance.

    Parameters
    ----------
    biases : Biases
        Codes of the core.
    rates : Quantity
        Rates of the events of one synapse, in hertz, shape (n,).
    dendrite : str
        ``"ampa"``, ``"nmda"``, ``"gaba"`` or ``"shunt"``; the last two need another drive, such as the latch so_dc.
    weight : str, int, or array_like of int
        One mask of the four weight bits for all synapses, see `weights.weight_mask`; or integers 0..15, one for each
        neuron and synapse, shape (neurons, synapses), where 0 is a CAM word without effect.
    synapses : int
        Synapses of each neuron, 1..64, CAM words 0, 1, ... of it; each has the mismatch of its word.
    chip : Chip, optional
        The individual. An ideal chip has one neuron, since all are equal, unless `physical` or masks say how many.
    neurons : int
        Number of neurons, the first ones of core 0.
    latches : iterable of str
        Latches that are on.
    physical : array_like of int, optional
        The neurons instead of the first ones: numbers 1024*chip + 256*core + neuron, or rows (chip, core, neuron).
    delay, std
        Of the synapses, see `Connection`.
    duration : Quantity
        Time over which spikes are counted.
    settle : Quantity
        Time before that, with input.
    seed : int
        Of the events, which are drawn in NumPy.
    regular : bool
        Events at equal intervals, those of the synapses one after the other, instead of Poisson events.
    common : bool
        All synapses of a neuron get the events of one source (a strong connection from several CAM words) instead of
        a source each.
    report : str, optional
        Progress report of Brian2, for example ``"text"``.

    Returns
    -------
    Measurement
        A row a neuron and rate; columns seed and mismatch (of the chip), neuron (physical number), input_Hz (the rate
        asked for), events_Hz (events of a synapse in the time counted, mean over the synapses), spikes, rate_Hz (as
        `measure.fi_curve`). `codes` has the codes it ran with.

    Raises
    ------
    DynapseError
        If a rate, number, time or chip is not one.
    WeightError
        If masks are not four bits each, or their number does not match.

    Notes
    -----
    A time step has one event of a source at most, with probability rate x dt, as in a Brian2 `PoissonGroup`. Events of
    a lower rate are a part of those of a higher one, so that the curve is smooth.
    """
    check_runtime("input_curve")
    dt = float(defaultclock.dt)
    rates = checked_rates(rates, dt)
    chip = _checked_chip(biases, chip)
    synapses = checked_count("synapses", synapses, facts.SYNAPSES_PER_NEURON)
    if physical is None:
        count = checked_count("neurons", neurons, facts.NEURONS_PER_CORE)
        alike = not (chip.individual or chip.noise) and np.ndim(weight) < 2
        physical = np.arange(1 if alike else count)
    physical = physical_numbers(physical)
    masks = mask_table(weight, len(physical), synapses)
    settled, counted = checked_times(duration, settle, dt)
    steps = round((settled + counted) / dt)
    indices, at = event_steps(rates, 1 if common else synapses, steps, dt, seed, regular)
    sources = np.zeros(synapses, dtype=int) if common else np.arange(synapses)
    per_rate = sources.max() + 1
    spikes, fired, circuits = count_spikes(
        biases,
        chip,
        np.tile(physical, len(rates)),
        np.tile(masks, (len(rates), 1)),
        np.repeat(per_rate * np.arange(len(rates)), len(physical))[:, None] + sources,
        (indices, at * dt),
        (dendrite, delay, std, latches),
        (settled, counted),
        report=report,
    )
    events = np.bincount(indices[at * dt >= settled], minlength=per_rate * len(rates)).reshape(len(rates), -1)
    table = pd.DataFrame(
        {
            "seed": chip.seed,
            "mismatch": chip.mismatch_name,
            "neuron": np.tile(physical, len(rates)),
            "input_Hz": np.repeat(rates, len(physical)),
            "events_Hz": np.repeat(events.mean(axis=1) / counted, len(physical)),
            "spikes": spikes,
            "rate_Hz": fired,
        }
    )
    codes = {name: biases[name] for name in biases}
    return measurement(table, "input_curve", codes, None, record_of([biases, chip], seed, circuits))


def count_spikes(biases, chip, physical, masks, sources, events, synapse, times, cams=None, report=None):
    """Run rows, each a neuron with its synapses, as one group; count and rate of the spikes of each.

    Parameters
    ----------
    biases : Biases
    chip : Chip
    physical : numpy.ndarray of int
        Physical neuron of each row; one may be in several rows.
    masks, sources : numpy.ndarray of int
        Mask and source of each synapse, shape (rows, synapses).
    events : tuple of numpy.ndarray
        Sources and times, second.
    synapse : tuple
        Dendrite, delay, std (see `Connection`), and the latches of the neurons.
    times : tuple of float
        Before counting, and of counting, second.
    cams : numpy.ndarray of int, optional
        CAM word of each synapse, shape (rows, synapses); 0, 1, ... by default.
    report : str, optional
        See `Network.run`.

    Returns
    -------
    spikes, rates : numpy.ndarray
        As `measure.fi_curve` counts them; rates in hertz.
    circuits : list of str
        Names of the equation files that ran.
    """
    check_runtime("a response to inputs")
    dendrite, delay, std, latches = synapse
    latches = facts.check_latches(latches)
    if "deam_ampa" in latches:
        raise DynapseError("copies of the same neurons are on no diffusion grid; leave the latch deam_ampa out")
    rows, count = masks.shape
    cams = np.tile(np.arange(count), (rows, 1)) if cams is None else cams
    group = Neurons(rows, biases, latches=latches, chip=chip, physical=physical, name="input_curve_neurons")
    inputs = SpikeGeneratorGroup(int(sources.max()) + 1, *_with_unit(events), name="input_curve_inputs")
    connection = Connection(inputs, group, dendrite, 1, delay=delay, std=std, name="input_curve_synapses")
    connection.connect(i=sources.ravel(), j=np.repeat(np.arange(rows), count), cams=cams.ravel())
    connection.weight = masks.ravel()
    monitor = SpikeMonitor(group, name="input_curve_spikes")
    Network(group, inputs, connection, monitor).run(sum(times) * second, report=report)
    counted = analysis.counts_and_rates(monitor.i, monitor.t / second, rows, *times)
    return *counted, group.circuits + connection.circuits


def _with_unit(events):
    return events[0], events[1] * second


def event_steps(rates, synapses: int, steps: int, dt: float, seed, regular: bool) -> tuple[np.ndarray, np.ndarray]:
    """Events on the grid of the time step.

    Parameters
    ----------
    rates : numpy.ndarray
        Hertz.
    synapses : int
        Sources of each rate; source number k*synapses + s is synapse s at rate k.
    steps : int
        Length.
    dt : float
        Time step, second.
    seed : int or sequence of int
        Of the Poisson events.
    regular : bool
        Equal intervals instead, of the sources of one rate one after the other.

    Returns
    -------
    indices, steps : numpy.ndarray of int
        Source and time step of each event.
    """
    generator = np.random.default_rng(seed)
    found = []
    for synapse in range(synapses):
        drawn = None if regular else generator.random(steps)
        for k, rate in enumerate(rates):
            if regular:
                numbers = np.arange(np.ceil(rate * dt * steps))
                at = np.floor((numbers + (synapse + 1) / synapses) / (rate * dt)).astype(int) if rate else numbers
                at = at[at < steps]
            else:
                at = np.flatnonzero(drawn < rate * dt)
            found.append((np.full(len(at), k * synapses + synapse), at))
    indices, at = (np.concatenate(one).astype(int) for one in zip(*found, strict=True))
    return indices, at


# -- what a measurement is given ------------------------------------------------------------------------


def checked_rates(rates, dt: float) -> np.ndarray:
    """Rates in hertz, shape (n,), at most one event a time step; else DynapseError."""
    values = np.atleast_1d(np.asarray(rates, dtype=float))
    right = isinstance(rates, Quantity) and get_dimensions(rates) is Hz.dim and values.ndim == 1 and values.size
    if not right or not np.all((values >= 0) & (values * dt <= 1)):
        raise DynapseError(
            f"rates is {rates!r}; give rates in hertz, for example [20, 50, 100]*Hz, none above 1/dt = {1 / dt:g} Hz"
        )
    return values


def _checked_chip(biases, chip) -> Chip:
    if not isinstance(biases, Biases):
        raise DynapseError(f"biases is {type(biases).__name__}; give a brian2dynapse.Biases")
    if chip is not None and not isinstance(chip, Chip):
        raise DynapseError(f"chip is {type(chip).__name__}; give one brian2dynapse.Chip")
    return chip or Chip()


def checked_count(what: str, number, largest: int) -> int:
    """A number of things, 1..largest; else DynapseError."""
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or not 1 <= number <= largest:
        raise DynapseError(f"{what} is {number!r}; give an integer, 1..{largest}")
    return int(number)


def checked_times(duration, settle, dt: float) -> tuple[float, float]:
    """Settling time and duration, second; DynapseError if one is no time, or no step is left to count in."""
    for what, time, least in (("duration", duration, dt), ("settle", settle, 0.0)):
        if get_dimensions(time) is not second.dim or not float(time) >= least:
            raise DynapseError(f"{what} is {time}; give a time of at least {least * second}")
    return float(settle), float(duration)


def physical_numbers(physical) -> np.ndarray:
    """Physical neurons as numbers 1024*chip + 256*core + neuron, from these or from rows (chip, core, neuron)."""
    numbers = np.asarray(physical)
    whole = numbers.dtype.kind in "iu" and numbers.size and np.all(numbers >= 0)
    if whole and numbers.ndim == 2 and numbers.shape[1] == 3:
        if np.all(numbers[:, 1:] < (facts.CORES_PER_CHIP, facts.NEURONS_PER_CORE)):
            return numbers @ [facts.NEURONS_PER_CHIP, facts.NEURONS_PER_CORE, 1]
    elif whole and numbers.ndim == 1:
        return numbers.astype(int)
    raise DynapseError(
        f"physical neurons are {physical!r}; give numbers 1024*chip + 256*core + neuron, or rows (chip, core, neuron) "
        f"with cores 0..{facts.CORES_PER_CHIP - 1} and neurons 0..{facts.NEURONS_PER_CORE - 1}"
    )


def mask_table(weight, neurons: int, synapses: int) -> np.ndarray:
    """Masks of all synapses, shape (neurons, synapses), from one mask or from such a table; else WeightError."""
    table = np.asarray(weight)
    if table.ndim < 2:
        mask = weight_mask(weight)
        if isinstance(mask, int):
            return np.full((neurons, synapses), mask)
    elif table.shape == (neurons, synapses) and table.dtype.kind in "iu":
        return weight_mask(table.ravel()).reshape(table.shape)
    raise WeightError(
        f"weight has shape {table.shape}; give one mask for all synapses, or integers 0..15 of shape "
        f"({neurons}, {synapses}), one for each neuron and synapse"
    )
