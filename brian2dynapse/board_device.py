"""A simulated board and its model, with the calls of the vendor's driver. No Brian2.

The board keeps the time, the events on their way and what the chips hold; what the chips do is an engine's business
(`board_engine.Engine`). The engine is behind the clock until something is read or applied: then it runs up to the
present, never beyond.
"""

from __future__ import annotations

import threading
import time
import weakref
from dataclasses import dataclass

import numpy as np
import pandas as pd

from . import board_log
from .board_access import Dynapse2Model
from .board_clock import Clock
from .board_contents import Memory
from .board_driver import BusId, event_of, unknown_part
from .board_events import CHIP, CORE, DUE, OUTPUT, TAG, Output, Routes, Waiting, X, Y, spike_events, stamp
from .board_tree import check_chips
from .configuration import NOT_MONITORED, Configuration
from .errors import DynapseError
from .facts import CORES_PER_CHIP

READ_US = 200  # what a call that reads takes on the chips' clock, so that a script that polls gets on (open)
TRANSFER_US = 4000  # a script that polls without waiting gets events in transfers, as over USB (open)
TYPE_NAME = "DYNAP-SE2 Stack (simulated)"


@dataclass(frozen=True)
class DeviceInfo:
    """What the driver says of a board that it found."""

    serial_number: str
    device_type_name: str = TYPE_NAME
    usb_bus_number: int = 0
    usb_device_address: int = 0
    daughter_board_num: int = 0
    logic_version: int = 0


class Board:
    """A simulated stack board.

    Parameters
    ----------
    chips : int
        Number of chips, in a row from west to east.
    make_engine : callable
        Makes what simulates the chips, without arguments; called when something is configured.
    clock : Clock
        Time on the chips.
    serial_number : str
        By which scripts choose a board.
    step_us : int
        Time step of the simulation, microseconds.

    Attributes
    ----------
    clock : Clock
    configuration : Configuration
        What the chips hold now.
    """

    def __init__(self, chips: int, make_engine, clock: Clock, serial_number: str = "simulated", step_us: int = 100):
        self.info = DeviceInfo(serial_number)
        self.clock = clock
        self._count = check_chips(chips)
        self._make_engine = make_engine
        self._step_us = step_us
        self._lock = threading.RLock()
        self._engine, self._engine_zero = None, 0
        self._memory = Memory(self._count)
        self.configuration = Configuration(self._count)
        self._routes = Routes(self.configuration.positions)
        self._read_outs, self._heard = {}, board_log.listening(self.configuration)
        self._waiting, self._output = Waiting(), Output()
        self._zero = clock.now_us  # when the counter of the FPGA was zero
        self._reached = clock.now_us
        self._enabled = {BusId.W}
        self._unheard = set()  # events that no CAM word listens to: (chip, core mask, tag)
        self._waits = 0  # of the clock, at the last read
        self._trees = weakref.WeakSet()
        self._log, self._advice = board_log.Log(), board_log.Advice()
        self._model = Dynapse2Model(self)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        raise unknown_part("the simulated board", name, [one for one in dir(type(self)) if one[0] != "_"])

    def __repr__(self) -> str:
        chips = f"{self._count} chip{'s' if self._count > 1 else ''}"
        return f"<simulated board {self.info.serial_number!r}, {chips}, at {self.clock.now_us * 1e-6:.6f} s>"

    # The driver's calls -----------------------------------------------------------------------------------------------

    def get_model(self) -> Dynapse2Model:
        """The model, by which the chips are configured."""
        return self._model

    def reset_fpga(self) -> bool:
        """Set the counter to zero; events that wait, in and out, are lost. The chips go on."""
        with self._lock:
            self._catch_up()
            self._waiting, self._zero = Waiting(), self.clock.now_us
            self._output.clear()
        return True

    def configure_opal_kelly(self, bitfile: str) -> bool:
        """Load the FPGA; here nothing needs to be loaded, and the file is not read."""
        if not isinstance(bitfile, str) and not hasattr(bitfile, "__fspath__"):
            raise DynapseError(f"bitfile is {bitfile!r}; give the path of a file")
        return True

    def enable_output(self, bus: BusId, on: bool) -> None:
        """Switch an output on or off; the west one, by which events are read out, is on at first."""
        if not isinstance(bus, BusId):
            raise DynapseError(f"bus is {bus!r}; give a BusId: {', '.join(one.name for one in BusId)}")
        with self._lock:
            self._catch_up()
            (self._enabled.add if on else self._enabled.discard)(bus)

    def get_output_enable_status(self, bus: BusId) -> bool:
        """Whether an output is on."""
        return bus in self._enabled

    def read_events(self) -> list:
        """Events that were read out since the last call and up to now, in the order of time."""
        return [event_of(*word, stamp(time_us, self._zero)) for time_us, *word in self._read()]

    def output_read(self) -> list[int]:
        """The same as raw words: two an event, its bits (tag, core mask, x_hop, y_hop from bit 0) and its stamp."""
        words = []
        for time_us, tag, core, x_hop, y_hop in self._read():
            words += [tag | core << 11 | (x_hop & 15) << 15 | (y_hop & 15) << 19, stamp(time_us, self._zero)]
        return words

    def input_interface_write_events(self, interface: int, events) -> None:
        """Write stamped events to the chips; each is sent at its stamp, or at once if that is 0 or past."""
        if interface != 0:
            raise DynapseError(f"interface is {interface!r}; the simulated board has interface 0")
        self._write(events)

    def grid_bus_write_events(self, events) -> None:
        """Write stamped events to the bus of the grid."""
        self._write(events)

    def get_number_of_chips(self) -> int:
        """Number of chips."""
        return self._count

    def set_number_of_chip(self, chips: int) -> None:
        """Say how many chips there are; it must be right."""
        if chips != self._count:
            raise DynapseError(f"chips is {chips!r}; the simulated board has {self._count}, choose with --chips")

    def get_device_type_name(self) -> str:
        """What kind of board it is."""
        return self.info.device_type_name

    def get_serial_number(self) -> str:
        """Its serial number."""
        return self.info.serial_number

    # What only a simulated board has ----------------------------------------------------------------------------------

    @property
    def log(self) -> pd.DataFrame:
        """Changes of the configuration: time_s, call, path, before, after; a row a value."""
        return self._log.to_frame(self._memory)

    @property
    def warnings(self) -> pd.DataFrame:
        """Warnings so far: time_s, kind, message."""
        return self._advice.to_frame()

    def oscilloscope(self, chip: int, core: int) -> pd.DataFrame:
        """The analog monitor of a core: the membrane of its monitored neuron since that was chosen.

        Parameters
        ----------
        chip, core : int
            Where to look.

        Returns
        -------
        pandas.DataFrame
            Columns time_s (of the board's clock, from 0 when it was made) and voltage_V (from rest).

        Raises
        ------
        DynapseError
            If the core has no monitored neuron.
        """
        if not 0 <= chip < self._count or not 0 <= core < CORES_PER_CHIP:
            raise DynapseError(f"chip {chip}, core {core}: chips are 0..{self._count - 1}, cores 0..3")
        with self._lock:
            self._catch_up()
            if self.configuration.monitored[chip, core] == NOT_MONITORED:
                raise DynapseError(
                    f"chips[{chip}].cores[{core}] shows no neuron; set monitored_neuron, neuron_monitoring_on = True "
                    "and apply the configuration"
                )
            times, volts = self._engine.trace(chip, core)
            return pd.DataFrame({"time_s": (np.asarray(times) + self._engine_zero) * 1e-6, "voltage_V": volts})

    def close(self) -> None:
        """End the simulation; says what was never applied."""
        with self._lock:
            try:
                self._advise("forgotten", board_log.forgotten_changes(self._trees, self._memory))
            finally:  # a warning may be an error
                self._drop_engine()

    # Inside -----------------------------------------------------------------------------------------------------------

    def _advise(self, kind: str, found) -> None:
        for about, message in found:
            self._advice.warn(self.clock.now_us, kind, about, message)

    def _read(self) -> list[tuple]:
        self.clock.spend_us(READ_US)
        with self._lock:
            waited, self._waits = self._waits != self.clock.waits, self.clock.waits
            if waited or self.clock.now_us - self._reached >= TRANSFER_US:
                self._catch_up()
            return self._output.read()

    def _write(self, events) -> None:
        with self._lock:
            now = self.clock.now_us
            events = list(events)
            table, stamps = self._routes.table(events, now, self._zero)
            self._waiting.add(table)
            if np.any(table[:, CHIP] >= 0):
                self._advise_inputs(table, stamps, now)

    def _advise_inputs(self, table: np.ndarray, stamps: np.ndarray, now: int) -> None:
        """Common mistakes in what is sent."""
        oldest = self._output.oldest_us
        unread = (len(self._output), now - oldest) if oldest is not None else (0, 0)
        ahead = int(table[-1, DUE]) - now
        self._advise("input", board_log.mistakes_of_input(stamps, stamp(now, self._zero), ahead, *unread))
        self._advise("forgotten", board_log.forgotten_changes(self._trees, self._memory))

    def _catch_up(self) -> None:
        """Run up to the present."""
        now = self.clock.now_us
        due = self._waiting.take(now)
        if now == self._reached and not len(due):
            return
        out = [(row[DUE], row[TAG], row[CORE], row[X], row[Y]) for row in due[due[:, CHIP] == OUTPUT].tolist()]
        inside = due[due[:, CHIP] >= 0]
        reached, unseen = now, []
        if self._engine is not None:
            if len(inside):
                sent = inside[:, [CHIP, CORE, TAG, DUE]]
                sent[:, 3] = np.maximum(sent[:, 3] - self._engine_zero, self._engine.time_us)
                self._engine.send(sent)
            spikes = self._advance(now)
            events, unseen = spike_events(spikes, self._read_outs, self._engine_zero)
            out += events
            # spikes of a step that is not over are still to come; what is later than they waits for them
            done = int(self._engine.time_us) // self._step_us * self._step_us
            reached = min(now, self._engine_zero + done - 1)
        lost = BusId.W not in self._enabled and len(out) > 0
        # what left before the FPGA was reset is forgotten, though the simulation tells it only now
        self._output.add([one for one in out if one[0] >= self._zero] if not lost else [], reached)
        self._reached = now
        # advice at the end: a warning may be an error, and then nothing may be lost or done twice
        if lost:
            self._advise("bus", [("W", "events leave the board while its output BusId.W is off; they are lost")])
        if len(inside):
            self._advise("deaf", self._deaf(inside))
        if unseen:
            self._advise("unread", board_log.silent_cores(unseen, self.configuration, self._read_outs))

    def _advance(self, now: int) -> np.ndarray:
        started, before = time.perf_counter_ns(), self._engine.time_us
        spikes = np.asarray(self._engine.advance(now - self._engine_zero))
        if spikes.dtype.names:
            spikes = np.column_stack([spikes[name] for name in ("time_us", "chip", "core", "neuron")])
        self.clock.excuse(time.perf_counter_ns() - started, self._engine.time_us - before)
        return spikes.astype(np.int64).reshape(-1, 4)

    def _deaf(self, inside: np.ndarray) -> list[tuple]:
        """Events that no CAM word listens to."""
        cores = (inside[:, CORE, None] >> np.arange(CORES_PER_CHIP)) & 1
        heard = (self._heard[inside[:, CHIP], :, inside[:, TAG]] & (cores > 0)).any(axis=1)
        found = {}
        if heard.all():
            return []
        for chip, core, tag in np.unique(inside[~heard][:, [CHIP, CORE, TAG]], axis=0).tolist():
            if (chip, core, tag) not in self._unheard:  # told once
                self._unheard.add((chip, core, tag))
                found.setdefault(chip, []).append((tag, core))
        return [
            (
                (chip, tuple(missed)),
                f"no CAM word of chip {chip} listens to events that were sent to it: "
                + ", ".join(f"tag {tag} to cores {core:04b}" for tag, core in missed[:5])
                + (f" and {len(missed) - 5} more" if len(missed) > 5 else ""),
            )
            for chip, missed in found.items()
        ]

    def _apply(self, memory: Memory, call: str) -> None:
        """Make the chips hold what a memory says, now."""
        if memory.chips != self._count:
            raise DynapseError(f"the configuration has {memory.chips} chips, the board {self._count}")
        names = memory.differing(self._memory)
        self._memory.switches, self._memory.labels = dict(memory.switches), memory.labels
        memory.applied = memory.changes
        if not names:
            return
        self._catch_up()
        before = self.configuration.monitored
        self.configuration = memory.configuration(self.configuration, names)
        self._log.note(self.clock.now_us, call, self._memory, memory, names)
        watched = self.configuration.monitored != before
        for name in names:
            self._memory.arrays[name] = memory.arrays[name].copy()
        if any(name.startswith("destination") for name in names):
            self._read_outs = self._routes.read_outs(self.configuration)
        if any(name.startswith("synapse") for name in names):
            self._heard = board_log.listening(self.configuration)
        if self._engine is not None:
            self._engine.configure(self.configuration)
        elif self.configuration.used_neurons().any():
            self._engine, self._engine_zero = self._make_engine(), self.clock.now_us
            self._engine.configure(self.configuration)
            watched[...] = True
        if self._engine is not None:
            for chip, core in np.argwhere(watched & (self.configuration.monitored != NOT_MONITORED)).tolist():
                self._engine.watch(chip, core, int(self.configuration.monitored[chip, core]))
        self._advise("latch", board_log.latches_forgotten(self.configuration) if self._engine is not None else [])

    def _drop_engine(self) -> None:
        if self._engine is not None:
            self._engine.close()
        self._engine = None
