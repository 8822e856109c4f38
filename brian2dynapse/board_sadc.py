"""The spiking ADC: counts of its channels, as far as they are simulated. No Brian2.

A channel turns a current into events, and the board counts them over a period. Neither the order of the 64 channels
nor the conversion is published. Here (all open) the channels of cores 2 and 3 come first, then those of cores 0 and 1;
each half has a core's 14 at 1..14 and at 16..29 with the membrane first, and the chip's own between and behind them.
The membrane of the monitored neuron counts `RATE_PER_VOLT` events a second and volt; other channels count nothing.
"""

from __future__ import annotations

import numpy as np

from .board_driver import BusId
from .board_tree import CHIP_CHANNELS, CORE_CHANNELS
from .configuration import NOT_MONITORED
from .errors import DynapseError, unknown_name
from .facts import CORES_PER_CHIP

CHANNELS = 64
RATE_PER_VOLT = 10_000.0
_HALF = CHANNELS // 2
_FIRST_CORES = (2, 0)  # of the two halves
_CORE_STARTS = (1, 16)  # of the two cores in a half
_CHIP_PLACES = (0, 15, 30, 31)


def _layout() -> list[str]:
    names = [""] * CHANNELS
    for half, first in enumerate(_FIRST_CORES):
        for core, start in zip((first, first + 1), _CORE_STARTS, strict=True):
            for k, channel in enumerate(CORE_CHANNELS):
                names[_HALF * half + start + k] = f"C{core}_{channel.upper()}"
        own = [name for name in CHIP_CHANNELS if name.endswith(f"pg{first // 2}")]
        for place, name in zip(_CHIP_PLACES, own, strict=True):
            names[_HALF * half + place] = name.upper()
    return names


_NAMES = _layout()


def channel(number: int) -> int:
    """Check the number of a channel."""
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or not 0 <= number < CHANNELS:
        raise DynapseError(f"address of the spiking ADC is {number!r}; a channel is 0..{CHANNELS - 1}")
    return int(number)


def get_sadc_description(number: int) -> str:
    """Name of a channel."""
    return _NAMES[channel(number)]


def sadc_lookup_aer_address(name: str, core: int) -> int:
    """Number of a core's channel, for example of ``"SOIF_MEM"``."""
    wanted = f"C{core}_{name}"
    if wanted not in _NAMES:
        raise unknown_name("channel of a core", wanted, [one for one in _NAMES if one.startswith("C")])
    return _NAMES.index(wanted)


def sadc_lookup_aer_address_nccf(name: str, group: int, generator) -> int:
    """Number of a chip's own channel, for example of ``"NCCF_CAL_REFBIAS_V"``, group 1, ParamGen.PG0."""
    wanted = f"{name}_GROUP{group}_PG{int(generator)}"
    if wanted not in _NAMES:
        raise unknown_name("channel of a chip", wanted, [one for one in _NAMES if one.startswith("NCCF")])
    return _NAMES.index(wanted)


class Sadc:
    """Counts of a board's channels.

    Parameters
    ----------
    board : Board
        The board.
    """

    def __init__(self, board):
        self._board = board
        self.period_ms = 100

    def set_period(self, milliseconds: int) -> None:
        """Time over which is counted."""
        if isinstance(milliseconds, bool) or not isinstance(milliseconds, (int, np.integer)) or milliseconds < 1:
            raise DynapseError(f"sample period is {milliseconds!r}; give milliseconds, an integer of at least 1")
        self.period_ms = int(milliseconds)

    def values(self, chip: int) -> list[int]:
        """Counts in the last whole period, by channel."""
        board = self._board
        if not 0 <= chip < len(board.configuration):
            raise DynapseError(f"chip is {chip!r}; chips are 0..{len(board.configuration) - 1}")
        values = [0] * CHANNELS
        if not board.get_output_enable_status(BusId.sADC):
            board._advise(
                "sadc", [("off", "the spiking ADC is read while its output is off: enable_output(BusId.sADC, True)")]
            )
            return values
        board._advise(
            "sadc",
            [("membrane", "of the spiking ADC only the membranes of monitored neurons are simulated; others are 0")],
        )
        period = self.period_ms * 1e-3
        end = board.clock.now_us * 1e-6 // period * period
        for core in range(CORES_PER_CHIP):
            if board.configuration.monitored[chip, core] == NOT_MONITORED:
                continue
            trace = board.oscilloscope(chip, core)
            inside = (trace["time_s"] >= end - period) & (trace["time_s"] < end)
            if inside.any():
                volts = float(trace.loc[inside, "voltage_V"].mean())
                values[sadc_lookup_aer_address("SOIF_MEM", core)] = round(max(volts, 0.0) * RATE_PER_VOLT * period)
        return values
