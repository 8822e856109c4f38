"""`Engine`: simulated chips that stay alive while a script talks to them.

Brian2's own run modes do not fit: NumPy is slower than the chip, and in C++ standalone mode synapses and latches are
compiled in, and a program runs once. Here one compiled program, made of the same equation files and the same numerics,
holds all circuits and answers commands (`board_server`); what a configuration says are numbers that it is sent.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from . import circuits, dac, facts
from .board_arguments import MICROSECOND, checked_events, integer, whole_step
from .board_build import program
from .board_memory import Memory, cores_and_tags
from .board_model import ALWAYS, EXTRA, SLOWING
from .board_server import Server
from .chip import Chip
from .configuration import LARGEST_CHIPS, Configuration
from .diffusion import CONDUCTANCES
from .errors import DynapseError, unknown_name
from .facts import CORES_PER_CHIP, NEURONS_PER_CHIP, NEURONS_PER_CORE, SYNAPSES_PER_NEURON
from .inflow import COEFFICIENTS, inflow_coefficients

BOARD = 4  # chips that one program is compiled for, used or not


class Engine:
    """The chips of a board, simulated as they are configured, spoken to and waited for.

    Parameters
    ----------
    chips : int
        Number of chips.
    chip : Chip, optional
        The individual that all of them are; the ideal one by default. Physical neurons 1024 and on are those of the
        second chip.
    dt : float
        Time step in second, a whole number of microseconds.
    neurons : array_like of int, optional
        Physical neurons, 1024*chip + 256*core + neuron, that are simulated from the start. By default, and beside
        them, those that a configuration uses, from then on.
    seed : int
        Of the noise of the membranes, with ``Chip(noise=...)``.
    directory : path, optional
        Where compiled programs are kept; the cache folder of the user by default.
    table : dac.GeneratorTable, optional
        A measured generator table.

    Raises
    ------
    DynapseError
        For arguments of another kind.

    Notes
    -----
    The program is compiled once for a machine (some 10 s; it needs what C++ standalone mode needs), for boards of up to
    four chips. Codes, tags, latches and neurons change without another one. Alpha functions, the AMPA diffusion grid,
    calcium and homeostasis are in programs of their own: the first configuration with one of their latches compiles
    again, once for a machine, and all state is taken over.

    Times are integers, microseconds since the engine was made. An event acts one step after the one it falls into, as
    in a `Connection`; a delay is a whole number of steps. Whether pulses of a CAM word merge goes by the microsecond,
    and by the word: unlike in `to_network`, its pulse and its depression are common to all that send its tag. The
    diffusion grid of a core is one, whatever other latches its neurons have.
    """

    def __init__(self, chips=1, chip=None, dt=1e-4, neurons=None, seed=0, directory=None, table=None):
        self._chips = integer("chips", chips, 1, LARGEST_CHIPS)
        if chip is not None and not isinstance(chip, Chip):
            raise DynapseError(f"chip is {type(chip).__name__}; give a brian2dynapse.Chip")
        self._chip = chip or Chip()
        if self._chip.events_per_spike > 1:
            raise DynapseError(
                f"events_per_spike of the chip is {self._chip.events_per_spike}; a simulated board sends one event a "
                "spike: give a Chip without events_per_spike"
            )
        used = np.empty(0, dtype=int) if neurons is None else np.unique(np.asarray(neurons))
        if used.dtype.kind not in "iu" or np.any((used < 0) | (used >= self._chips * NEURONS_PER_CHIP)):
            raise DynapseError(f"neurons are {neurons}; give integers 0..{self._chips * NEURONS_PER_CHIP - 1}")
        self._seed = integer("seed", seed, 0, 2**32 - 1)
        self._step_us = whole_step(dt)
        self._directory = directory
        self._memory = Memory(self._chip, table or dac.nominal_table())
        self._step = self._time = 0
        self._waiting = [np.empty((0, 2), dtype=np.int64)]  # events from outside: time, core and tag
        self._sent = {}  # parameters of the places, as the program has them
        self._watched = {}  # (chip, core) to [place, time of the first sample, samples]
        self._configuration = Configuration(self._chips)
        self._latches = ALWAYS
        self._server = self._started()
        self._configured(self._configuration, used)

    @property
    def time_us(self) -> int:
        """Time until which the chips are simulated, microseconds."""
        return self._time

    @property
    def configuration(self) -> Configuration:
        """What the chips hold."""
        return self._configuration

    # -- what a board is asked -----------------------------------------------------------------------

    def configure(self, configuration: Configuration) -> None:
        """Write the memory of the chips, now. Currents, pulses and events on their way stay as they are.

        Parameters
        ----------
        configuration : Configuration
            Of as many chips.

        Raises
        ------
        DynapseError
            For another number of chips; nothing changes then.
        """
        if not isinstance(configuration, Configuration):
            raise DynapseError(f"configuration is {type(configuration).__name__}; give a brian2dynapse.Configuration")
        if len(configuration) != self._chips:
            raise DynapseError(f"the configuration has {len(configuration)} chips, the board {self._chips}")
        on = configuration.latches.any(axis=(0, 1, 2))
        extra = {name for name, one in zip(facts.latch_table(), on, strict=True) if one} & EXTRA
        if not extra <= self._latches:
            self._change_program(self._latches | extra)
        used = np.flatnonzero(configuration.used_neurons())
        self._configured(configuration, np.setdiff1d(used, self._memory.physical))

    def send(self, events) -> None:
        """Take events from outside, for their time.

        Parameters
        ----------
        events : array_like of int
            Shape (n, 4): chip, core mask, tag, time in microseconds, at or after `time_us`.

        Raises
        ------
        DynapseError
            If an event is none, or is late; none is taken then.
        """
        chip, mask, tag, time = checked_events(events, self._chips, self._time).T
        row, keys = cores_and_tags(chip, mask, tag)
        self._waiting.append(np.column_stack([time[row], keys]))

    def advance(self, until_us: int) -> np.ndarray:
        """Simulate up to a time.

        Parameters
        ----------
        until_us : int
            Microseconds; only steps that end by then are made.

        Returns
        -------
        numpy.ndarray of int
            Spikes since the last call, shape (n, 4): time in microseconds, chip, core, neuron; in the order of time.
        """
        until = integer("until_us", until_us, self._time, None)
        steps = until // self._step_us - self._step
        waiting = np.concatenate(self._waiting)
        waiting = waiting[np.argsort(waiting[:, 0], kind="stable")]
        now = int(np.searchsorted(waiting[:, 0], (self._step + steps) * self._step_us))
        when, places, samples = self._server.advance(steps, *waiting[:now].T, len(self._watched))
        self._waiting = [waiting[now:]]
        for column, watched in enumerate(self._watched.values()):
            watched[-1].append(samples[:, column].copy())
        self._step += steps
        self._time = until
        chip, core, neuron = (one[places] for one in self._memory.indices)
        spikes = np.column_stack([when * self._step_us, chip, core, neuron])
        return spikes[np.lexsort(spikes.T[::-1])]

    def watch(self, chip: int, core: int, neuron: int) -> None:
        """Connect a neuron to the monitor of its core, from now on.

        Parameters
        ----------
        chip, core, neuron : int
            Which one.
        """
        chip, core = self._core(chip, core)
        physical = chip * NEURONS_PER_CHIP + core * NEURONS_PER_CORE
        physical += integer("neuron", neuron, 0, NEURONS_PER_CORE - 1)
        if self._memory.place_of(physical) < 0:
            self._configured(self._configuration, np.array([physical]))
        self._watched[chip, core] = [self._memory.place_of(physical), self._step * self._step_us, []]
        self._server.watch([place for place, *_ in self._watched.values()])

    def trace(self, chip: int, core: int) -> tuple[np.ndarray, np.ndarray]:
        """What the monitor of a core showed since `watch`.

        Parameters
        ----------
        chip, core : int
            Which one.

        Returns
        -------
        times : numpy.ndarray of int
            Microseconds, one a step.
        potentials : numpy.ndarray
            V_mem of the neuron at these times, volt from rest.

        Raises
        ------
        DynapseError
            If no neuron of the core is watched.
        """
        chip, core = self._core(chip, core)
        if (chip, core) not in self._watched:
            raise DynapseError(f"no neuron of chip {chip} core {core} is watched; call watch first")
        _, start, samples = self._watched[chip, core]
        samples = np.concatenate([np.empty(0), *samples])
        self._watched[chip, core][-1] = [samples]
        constants = self._chip.constants
        potentials = constants["U_T"] / constants["kappa_n"] * np.log(samples / constants["I_0"])
        return start + self._step_us * np.arange(len(samples)), potentials

    def state(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """What the neurons are at, now.

        Parameters
        ----------
        name : str
            A current: ``"Imem"``, ``"Iampa"``, ``"Inmda"``, ``"Igaba"``, ``"Ishunt"``, ``"Iahp"``, or where a latch
            asked for it ``"Ica"``; ``"gain_homeostasis"``.

        Returns
        -------
        neurons : numpy.ndarray of int
            The physical neurons that are simulated, 1024*chip + 256*core + neuron.
        values : numpy.ndarray
            Of each, amp; the gain has no unit.

        Raises
        ------
        UnknownNameError
            For something else.
        """
        count, server = len(self._memory.physical), self._server
        if f"{name}_e" in server.states:
            switch = f"use_{name.removeprefix('I')}_alpha"
            rising, falling, on = (server.array(one, count) for one in (f"{name}_i", f"{name}_e", switch))
            return self._memory.physical.copy(), np.maximum(falling - on * rising, 0)
        if name not in server.states:
            raise unknown_name("state of a neuron", name, server.states)
        return self._memory.physical.copy(), server.array(name, count).copy()

    def close(self) -> None:
        """End the simulation; a second call does nothing."""
        self._server.close()

    # -- configurations ------------------------------------------------------------------------------

    def _configured(self, configuration: Configuration, new: np.ndarray) -> None:
        """Take a configuration over, with new places; only what differs is computed."""
        before, server, memory = self._configuration, self._server, self._memory
        self._configuration = configuration
        if new.size:
            self._add_places(new)

        def differs(*names: str) -> bool:
            return bool(new.size) or any(
                getattr(before, name) is not getattr(configuration, name)
                and not np.array_equal(getattr(before, name), getattr(configuration, name))
                for name in names
            )

        if differs("core_codes", "latches", "synapse_dendrite") or before.labels != configuration.labels:
            self._set_parameters(configuration)
        if differs("latches"):
            self._kill(memory.killed(before), memory.killed(configuration), new.size)
        changed = (before.core_codes != configuration.core_codes).any(axis=(0, 1, 3))

        def codes_differ(biases) -> bool:
            return bool((changed & np.isin(facts.core_biases(), list(biases))).any())

        of_grid = [facts.modelled_parameters()[name] for name in CONDUCTANCES]
        if "Iampa_grid" in server.arrays and (codes_differ(of_grid) or differs("latches")):
            server.set_grid(*memory.grid(configuration))
        synapses = [f"synapse_{name}" for name in ("dendrite", "weight", "precise_delay", "mismatched_delay", "stp")]
        if codes_differ(facts.synapse_parameters().values()) or differs(*synapses):
            server.set_words(0, *memory.words(configuration, server.word_parameters))
        if differs("synapse_tag", "synapse_dendrite"):
            server.set_listeners(*memory.listeners(configuration))
        if differs("positions", *(f"destination_{name}" for name in ("tag", "core", "x_hop", "y_hop"))):
            server.set_sends(*memory.sends(configuration))
        elif not len(memory.physical):
            server.set_sends(np.zeros(1), np.empty(0))
        if not len(memory.physical):
            server.set_listeners(*memory.listeners(configuration))

    def _add_places(self, new: np.ndarray) -> None:
        """Simulate more neurons, which are at rest."""
        count = len(self._memory.physical)
        self._memory.add(new)
        self._server.use_places(count + new.size)
        for name in self._state_names():
            rest = np.full(new.size, self._rest(name))
            self._server.set_array(name, np.concatenate([self._server.array(name, count), rest]))

    def _set_parameters(self, configuration: Configuration) -> None:
        values = self._memory.parameters(configuration, self._server.arrays)
        values[SLOWING] = self._memory.slowing(values["I_leak"], self._step_us * MICROSECOND)
        for name, one in values.items():
            if not np.array_equal(one, self._sent.get(name)):
                self._server.set_array(name, one)
        self._sent = values
        self._server.compute_constants()

    def _kill(self, before: np.ndarray, after: np.ndarray, new: int) -> None:
        """Hold neurons in their refractory state, or let them go; new places were not held."""
        if new:
            before = before & (np.arange(len(before)) < len(before) - new)
        if np.array_equal(before, after):
            return
        left, current = (self._server.array(name, len(after)).copy() for name in ("refractory_left", "Imem"))
        left[after & ~before], left[before & ~after] = np.inf, 0.0
        current[after & ~before] = self._chip.constants["I_0"]
        self._server.set_array("refractory_left", left)
        self._server.set_array("Imem", current)

    # -- programs ------------------------------------------------------------------------------------

    def _started(self) -> Server:
        """A program for the latches of this engine, with the constants of the chip and no places."""
        reading = circuits.Reading(
            swap_gaba_shunt=self._chip.swap_gaba_shunt,
            symmetric_conductance=self._chip.conductance == "symmetric",
            noise=self._chip.noise > 0,
        )
        capacity = max(self._chips, BOARD) * NEURONS_PER_CHIP
        specification = {"capacity": capacity, "latches": sorted(self._latches), "reading": asdict(reading)}
        server = Server(program(specification, self._directory))
        constants = self._chip.constants
        values = constants | {"noise": self._chip.noise, "dt": self._step_us * MICROSECOND}
        values |= {"homeostasis_active": 1.0}  # in all: where it is not, the references of the drift are equal
        values |= dict(zip(COEFFICIENTS, inflow_coefficients(constants["kappa_p"]), strict=True))
        for name, scalar in server.arrays.items():
            if scalar:
                server.set_array(name, values[name])
        for name in server.shared:
            server.set_shared(name, constants[name])
        server.seed((self._seed + self._step) % 2**32)  # a program that takes over draws other numbers
        return server

    def _change_program(self, latches: frozenset[str]) -> None:
        """Go on with a program that has more circuits: all state is taken over."""
        old, count = self._server, len(self._memory.physical)
        states = {name: old.array(name, count) for name in self._state_names()}
        words, arrivals = old.word_state(count * SYNAPSES_PER_NEURON), old.arrivals()
        before, self._latches = self._latches, latches
        try:
            self._server = self._started()
        except BaseException:
            self._latches = before
            raise
        old.close()
        server = self._server
        server.use_places(count)
        for name in self._state_names():
            of_plain = name.removesuffix("_e")  # the E-DPI of an alpha function is the dendrite without it
            server.set_array(name, states.get(name, states.get(of_plain, np.full(count, self._rest(name)))))
        server.set_word_state(words)
        server.set_arrivals(*arrivals)
        server.set_step(self._step)
        server.watch([place for place, *_ in self._watched.values()])
        memory, configuration = self._memory, self._configuration
        self._sent = {}
        self._set_parameters(configuration)
        if "Iampa_grid" in server.arrays:
            server.set_grid(*memory.grid(configuration))
        server.set_words(0, *memory.words(configuration, server.word_parameters))
        server.set_listeners(*memory.listeners(configuration))
        server.set_sends(*memory.sends(configuration))

    def _state_names(self) -> list[str]:
        """What a place carries from step to step."""
        charges = [charge for _, charge in circuits.DENDRITES.values()]
        return [*self._server.states, "Imem_before", "t_step", "refractory_left", *charges]

    def _rest(self, name: str) -> float:
        if name == "gain_homeostasis":
            return 1.0
        return self._chip.constants["I_0"] if name.startswith("I") else 0.0

    def _core(self, chip, core) -> tuple[int, int]:
        return integer("chip", chip, 0, self._chips - 1), integer("core", core, 0, CORES_PER_CHIP - 1)
