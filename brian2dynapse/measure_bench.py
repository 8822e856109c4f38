"""The bench of the protocols: neurons of one core under one or several settings of biases, stimuli, traces, spikes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd
from brian2 import Clock, Network, SpikeGeneratorGroup, SpikeMonitor, StateMonitor, defaultclock
from brian2.units import Quantity, get_dimensions, second
from brian2.utils.logger import get_logger

from . import dac, facts
from .biases import Biases
from .chip import Chip
from .connection import Connection
from .errors import DynapseError
from .neurons import Neurons
from .observables import OBSERVABLES
from .provenance_record import record_of
from .recordings import of_each, trace_frame
from .replica_settings import Setting
from .replicas import replicate
from .standalone import check_runtime

NEVER_SPIKES = {"SOIF_SPKTHR_P": (5, 255)}  # what users of the chip set to see the membrane alone
NO_DELAY = {"SYPD_DLY0_P": (5, 255)}  # the shortest, a microsecond: what is measured is the response, not its delay
DC_BIAS = "SOIF_DC_P"
BASELINE_S = 2e-3  # the rest is the mean over this time before the first event
MANY_STEPS = 300_000  # NumPy makes some thousand a second

logger = get_logger("brian2dynapse.measure")


class Bench:
    """Neurons of core 0 of a chip, once for each setting, side by side in one simulation.

    Parameters
    ----------
    biases : Biases or sequence of Biases
        One setting, or several with the same generator table.
    chip : Chip or None
        The individual; None is the ideal chip.
    neurons : int or None
        The first ones of the core; by default one of the ideal chip, where all are equal, else all.
    latches : iterable of str
        As of `Neurons`.
    changes : mapping or callable
        Codes or currents that the protocol itself sets, in every setting; or what makes them of a `Biases`.
    dt : float
        Time step, second.
    protocol : str
        For messages.

    Raises
    ------
    DynapseError
        For arguments of a wrong kind, or in C++ standalone mode, where no protocol could read its traces.
    """

    def __init__(self, biases, chip, neurons, latches=(), changes=(), dt=None, protocol="measure"):
        check_runtime(protocol)
        self._protocol = protocol
        self.chip = checked_chip(chip, protocol)
        self.count = checked_count(neurons, self.chip, protocol)
        self._given = checked_biases(biases, protocol)
        self.settings = [changed(one, changes) for one in self._given]
        self.dt = float(defaultclock.dt_) if dt is None else float(dt)
        self._clock = Clock(self.dt * second, name="bench_clock")
        self._neurons = Neurons(
            self.count,
            self.settings[0].copy(),
            latches,
            self.chip,
            physical=np.arange(self.count),
            clock=self._clock,
            name="bench_neurons",
        )
        self._objects = [self._neurons, SpikeMonitor(self._neurons, name="bench_spikes")]
        self._replicas = None

    def stimulate(self, events, dendrite: str, weight="0001", delay="none", std=False) -> None:
        """One synapse a neuron, which gets events that act at the given times (second, ascending)."""
        name = f"bench_{dendrite}_{len(self._objects)}"
        # an event at time t acts at t + dt
        times = np.asarray(events) - self.dt
        source = SpikeGeneratorGroup(
            1, np.zeros(len(times), dtype=int), times * second, clock=self._clock, name=f"{name}_events"
        )
        synapses = Connection(source, self._neurons, dendrite, weight, delay, std, name=name)
        synapses.connect(i=np.zeros(self.count, dtype=int), j=np.arange(self.count))
        self._objects += [source, synapses]

    def inputs(self, sources: np.ndarray, times: np.ndarray, synapses: int, dendrite: str, weight="0001") -> None:
        """Synapses 0, 1, ... of each neuron, each with a source of its own, the same for all neurons; second."""
        source = SpikeGeneratorGroup(
            synapses, sources, times * second, clock=self._clock, sorted=False, name="bench_inputs_events"
        )
        connection = Connection(source, self._neurons, dendrite, weight, name="bench_inputs")
        connection.connect(i=np.tile(np.arange(synapses), self.count), j=np.repeat(np.arange(self.count), synapses))
        self._objects += [source, connection]

    def record(self, *variables: str) -> None:
        """Record variables of all neurons at every step."""
        monitor = StateMonitor(self._neurons, variables, record=True, clock=self._clock, name="bench_traces")
        self._objects.append(monitor)

    def run(self, duration: float, dc: bool = True, report=None) -> None:
        """Go on for a time (second), with the DC current of the biases or without."""
        self._build()
        self._group.I_dc_ = self._dc if dc else 0.0
        if duration / self.dt > MANY_STEPS:
            logger.warn(
                f"{self._protocol} simulates {duration:.3g} s in {duration / self.dt:.2g} steps, which takes minutes: "
                "the codes make slow circuits beside fast ones; report=Progress() shows how far it is",
                name_suffix="many_steps",
            )
        self._replicas.run(duration * second, report=report)

    def scale_dc(self, factors: np.ndarray) -> None:
        """Multiply the DC current of every neuron, shape (settings, neurons)."""
        self._build()
        self._dc = self._dc * np.ravel(factors)

    def _build(self) -> None:
        if self._replicas is None:
            codes = [{name: one[name] for name in one} for one in self.settings]
            self._replicas = replicate(Network(*self._objects), [Setting(codes=one) for one in codes], "_all")
            self._group = self._replicas["bench_neurons"]
            self._dc = np.array(self._group.I_dc_[:])
            for one in self._replicas.network.objects:  # Brian2 warns of what was never run: a refused setting
                one._network = self._replicas.network.id

    def times(self) -> np.ndarray:
        """Times of the traces, second."""
        return np.asarray(self._replicas["bench_traces"].t_[:])

    def traces(self, variable: str) -> np.ndarray:
        """A recorded variable, SI units, shape (settings, neurons, times)."""
        values = np.asarray(getattr(self._replicas["bench_traces"], f"{variable}_"))
        return values.reshape(len(self.settings), self.count, -1)

    def recording(self, variable: str, column: str, start: float = 0.0) -> pd.DataFrame:
        """A recorded variable from a time on, as a tidy table."""
        times = self.times()
        late = times >= start - self.dt / 2
        return trace_frame(times[late], self.traces(variable)[..., late], column)

    def spikes(self) -> pd.DataFrame:
        """Spikes: setting, neuron, time_s."""
        spikes = self._replicas.spikes("bench_spikes")
        return pd.DataFrame({"setting": spikes["replica"], "neuron": spikes["i"], "time_s": spikes["t_s"]})

    def provenance(self) -> dict:
        """The biases as they were given, without what the protocol itself sets; chip and circuits."""
        parts = [one for one in self._objects if isinstance(one, (Neurons, Connection))]
        return record_of([*self._given, self.chip], circuits=[name for one in parts for name in one.circuits])

    def codes(self) -> dict:
        """Codes of the first setting, as run."""
        return {name: self.settings[0][name] for name in self.settings[0]}


def nominal(quantity: str, settings: Iterable[Biases], chip: Chip) -> np.ndarray:
    """An observable of the chip without mismatch, SI units, one a setting."""
    observable = OBSERVABLES[quantity]
    return np.array(
        [
            observable.value({bias: one.current_in_amp(bias) for bias in observable.biases}, chip.constants)
            for one in settings
        ]
    )


def changed(biases: Biases, changes: Mapping | Callable) -> Biases:
    """A copy with what a protocol sets."""
    copy = biases.copy()
    copy.update(dict(changes(biases) if callable(changes) else changes))
    return copy


def reaching(bias: str, biases: Biases, chip: Chip) -> float:
    """Current of a bias that reaches the circuits of a chip, without mismatch, amp."""
    return biases.current_in_amp(bias) * chip.mirror_scale(bias)


def nearest_code(bias: str, current: float, biases: Biases, chip: Chip) -> tuple[int, int]:
    """The code whose current in the circuits of a chip is nearest to one in amp, ends of the range included."""
    coarse, fine = dac.nearest(bias, current / chip.mirror_scale(bias), biases.table)
    return int(coarse), int(fine)


# -- what users give ---------------------------------------------------------------------------------


def checked_biases(biases, protocol: str) -> list[Biases]:
    """One or several settings as a list."""
    several = [biases] if isinstance(biases, Biases) else biases
    if not isinstance(several, (list, tuple)) or not several or not all(isinstance(one, Biases) for one in several):
        raise DynapseError(f"{protocol}: biases is {type(biases).__name__}; give a brian2dynapse.Biases, or a list")
    if not all(one.table.equals(several[0].table) for one in several):
        raise DynapseError(f"{protocol}: the biases have different generator tables; measure them one by one")
    return list(several)


def checked_chip(chip, protocol: str) -> Chip:
    if chip is not None and not isinstance(chip, Chip):
        raise DynapseError(f"{protocol}: chip is {type(chip).__name__}; give a brian2dynapse.Chip, or None")
    return chip or Chip()


def checked_count(neurons, chip: Chip, protocol: str) -> int:
    if neurons is None:
        return facts.NEURONS_PER_CORE if chip.individual or chip.noise else 1
    if isinstance(neurons, bool) or not isinstance(neurons, (int, np.integer)):
        raise DynapseError(f"{protocol}: neurons is {neurons!r}; give 1..{facts.NEURONS_PER_CORE}")
    if not 1 <= neurons <= facts.NEURONS_PER_CORE:
        raise DynapseError(f"{protocol}: neurons is {neurons}; a core has 1..{facts.NEURONS_PER_CORE}")
    return int(neurons)


def checked_time(what: str, value, protocol: str, least: float = 0.0) -> float:
    """A time in second as a plain number."""
    right = isinstance(value, Quantity) and get_dimensions(value) is second.dim and np.ndim(value) == 0
    if not right or not np.isfinite(float(value)) or not float(value) >= least or float(value) <= 0 < least:
        raise DynapseError(f"{protocol}: {what} is {value}; give a time of at least {least:g} s, such as 20*ms")
    return float(value)


def checked_gap(interval, protocol: str) -> float:
    """An interval between events of one source, second: a time step has one of them at most."""
    gap, dt = checked_time("interval", interval, protocol), float(defaultclock.dt_)
    if gap < (1 - 1e-6) * dt:
        raise DynapseError(
            f"{protocol}: events are {gap:.3g} s apart, and a time step, of {dt:g} s, has one at most; give a longer "
            "interval, or set defaultclock.dt"
        )
    return gap


def checked_event_times(times, protocol: str, recording: pd.DataFrame) -> np.ndarray:
    """Times of events of recorded data, second; they are in every trace."""
    right = isinstance(times, Quantity) and get_dimensions(times) is second.dim and np.size(times)
    values = np.atleast_1d(np.asarray(times)) if right else None
    if not right or not np.all(np.isfinite(values)) or np.any(np.diff(values) <= 0):
        raise DynapseError(f"{protocol}: event_times is {times!r}; give the times of the events, ascending: [1, 26]*ms")
    for which, trace in of_each(recording):
        clock = trace["time_s"].to_numpy()
        step = np.median(np.diff(clock)) if clock.size > 1 else 0.0
        if values[0] < clock[0] - step or values[-1] >= clock[-1]:
            raise DynapseError(
                f"{protocol}: events are at {values[0]:g} to {values[-1]:g} s, neuron {which['neuron']} is recorded "
                f"from {clock[0]:g} to {clock[-1]:g} s (time_s, in second, of the same clock); give the times of the "
                "events in it"
            )
        if step > BASELINE_S:
            raise DynapseError(
                f"{protocol}: samples are {step:g} s apart; the rest is read from {BASELINE_S:g} s before "
                "the first event; record faster, or give time_s in second, if it is in millisecond"
            )
    return values
