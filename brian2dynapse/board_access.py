"""The model of a simulated board, by which its chips are configured, and how boards are found. No Brian2."""

from __future__ import annotations

import operator

from . import board_sadc
from .board_contents import Memory
from .board_driver import ResetType, UnknownPartError, unknown_part
from .board_tree import Dynapse2Configuration, memory_of
from .errors import DynapseError


class Dynapse2Model:
    """The chips of a board, as the driver configures them.

    Parameters
    ----------
    board : Board
        Where they are.
    """

    def __init__(self, board):
        self._board = board
        self._sadc = board_sadc.Sadc(board)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        raise unknown_part("the simulated model", name, [one for one in dir(type(self)) if one[0] != "_"])

    def reset(self, kind: ResetType, mask: int) -> None:
        """Blank what chips hold (bit k of the mask: chip k); a power cycle also ends their analog state."""
        board = self._board
        if not isinstance(kind, ResetType):
            raise DynapseError(f"reset: got {kind!r}; give {' or '.join(f'ResetType.{one.name}' for one in ResetType)}")
        try:
            bits = operator.index(mask)
        except TypeError:
            bits = -1
        if not 0 <= bits < 1 << board._count:
            raise DynapseError(f"reset: mask is {mask!r}; a bit for each chip, 0..{(1 << board._count) - 1}")
        chosen = [chip for chip in range(board._count) if bits >> chip & 1]
        with board._lock:
            board._catch_up()
            memory, blank = board._memory.copy(), Memory(1)
            for name, array in memory.arrays.items():
                array[chosen] = blank.arrays[name][0]
            memory.labels = blank.labels  # they may name neurons of these chips
            if kind is ResetType.PowerCycle and len(chosen) == board._count:
                board._drop_engine()
            elif kind is ResetType.PowerCycle and board._engine is not None:
                board._advise("reset", [(bits, "a power cycle of some chips blanks them; their analog state is kept")])
            board._apply(memory, f"reset({kind.name})")

    def get_configuration(self) -> Dynapse2Configuration:
        """A copy of what the chips hold, to be changed and applied."""
        tree = Dynapse2Configuration.of(self._board._memory.copy())
        self._board._trees.add(tree)
        return tree

    def apply_configuration(self, configuration: Dynapse2Configuration) -> None:
        """Write what differs to the chips; it acts from now on."""
        memory = memory_of(configuration)
        with self._board._lock:
            self._board._trees.add(configuration)
            self._board._apply(memory, "apply_configuration")

    def clear_error_queue(self) -> None:
        """Forget errors of the hardware; there are none."""

    def get_error_events(self) -> list:
        """Errors of the hardware; there are none."""
        return []

    def read_events(self) -> list:
        """The same as the board's."""
        return self._board.read_events()

    def set_sadc_sample_period_ms(self, milliseconds: int) -> None:
        """Time over which the spiking ADC counts."""
        self._sadc.set_period(milliseconds)

    def get_sadc_sample_period_ms(self) -> int:
        """Time over which the spiking ADC counts."""
        return self._sadc.period_ms

    def get_sadc_values(self, chip: int) -> list[int]:
        """Counts of all channels of a chip in the last whole period; see `board_sadc`."""
        return self._sadc.values(chip)

    def get_sadc_value(self, chip: int, address: int) -> int:
        """Count of one channel."""
        return self._sadc.values(chip)[board_sadc.channel(address)]


class Devices:
    """The driver's module ``samna.device``: boards that were found, opened, closed.

    Parameters
    ----------
    board : Board
        The only one.
    """

    def __init__(self, board):
        self._board, self._opened = board, False

    def get_all_devices(self) -> list:
        """Boards that were found."""
        return [self._board.info]

    def get_unopened_devices(self) -> list:
        """Boards that are not open."""
        return [] if self._opened else [self._board.info]

    def get_opened_devices(self) -> list:
        """Boards that are open."""
        return [self._board.info] if self._opened else []

    def open_device(self, device):
        """Open a board, by its `DeviceInfo` or its serial number."""
        if device not in (self._board.info, self._board.info.serial_number):
            raise DynapseError(f"device is {device!r}; the simulated board is {self._board.info}")
        if self._opened:
            raise DynapseError(f"{self._board.info.serial_number} is open already; close it with close_device(board)")
        self._opened = True
        return self._board

    def close_device(self, board) -> None:
        """Close a board."""
        if board is not self._board or not self._opened:
            raise DynapseError("close_device: give the board that open_device gave")
        self._opened = False

    def __getattr__(self, name):
        raise UnknownPartError(f"samna.device.{name} is not simulated")
