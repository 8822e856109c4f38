"""The vendor driver's module ``samna``, answered by a simulated board; the vendor's own is not imported. No Brian2."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from . import board_driver, board_sadc, board_tree
from .board_access import Devices, Dynapse2Model
from .board_driver import UnknownPartError
from .configuration import Dendrite
from .errors import DynapseError

_CLASSES = {
    one.__name__: one
    for one in (
        Dendrite,
        Dynapse2Model,
        board_driver.BusId,
        board_driver.Dynapse2Destination,
        board_driver.Dynapse2Parameter,
        board_driver.Dynapse2Synapse,
        board_driver.NormalGridEvent,
        board_driver.ParamGen,
        board_driver.ResetType,
        board_tree.Dynapse2Chip,
        board_tree.Dynapse2Configuration,
        board_tree.Dynapse2Core,
        board_tree.Dynapse2Neuron,
    )
}
_FUNCTIONS = {
    one.__name__: one
    for one in (
        board_sadc.get_sadc_description,
        board_sadc.sadc_lookup_aer_address,
        board_sadc.sadc_lookup_aer_address_nccf,
    )
}
VENDOR_AND_PRODUCT = (0x337D, 0x0000)  # a number of no board, by which older scripts search the USB bus


class SamnaNode:
    """The older way to a board: a node that opens it; the board is then in ``samna.device_node``."""

    def __init__(self, *endpoints):
        self._endpoints = endpoints

    def open_dynapse2_stack(self, bus=0, device=0, chips=None) -> None:
        """Open the stack board."""
        _check_count(chips)

    def open_dynapse2_dev_board(self, bus=0, device=0) -> None:
        """Open the board of one chip."""

    def get_dynapse2_stack_vid_and_pid(self) -> tuple[int, int]:
        """Identity on the USB bus, see `answer_lsusb`."""
        return VENDOR_AND_PRODUCT

    get_dynapse2_dev_board_vid_and_pid = get_dynapse2_stack_vid_and_pid

    def __getattr__(self, name):
        raise UnknownPartError(f"samna.SamnaNode.{name} is not simulated")


def _check_count(chips) -> None:
    board = sys.modules["samna"]._board
    if chips is not None and chips != board.get_number_of_chips():
        raise DynapseError(
            f"the script opens a stack of {chips!r} chips, the simulated one has {board.get_number_of_chips()}; choose "
            "with --chips"
        )


class _Controller:
    """``device_node.DeviceController`` of the older interface."""

    def __init__(self, node, devices: Devices):
        self._node, self._devices = node, devices

    def open_device(self, device, name: str):
        """Open a board; it is then an attribute of the node."""
        setattr(self._node, name, self._devices.open_device(device))

    def __getattr__(self, name):
        return getattr(self._devices, name)


class _DeviceNode:
    """``samna.device_node`` of the older interface."""

    def __init__(self, board, devices: Devices):
        self.Dynapse2Stack = self.Dynapse2DevBoard = board
        self.DeviceController = _Controller(self, devices)

    def __getattr__(self, name):
        raise UnknownPartError(f"{name} is not a part of the simulated device node, or not open yet")


@contextlib.contextmanager
def answer_lsusb():
    """Answer the program ``lsusb``, by which older scripts look for the board before they open it."""
    number = "{:04x}:{:04x}".format(*VENDOR_AND_PRODUCT)
    before = os.environ.get("PATH", "")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "lsusb")
        program.write_text(f"#!/bin/sh\necho 'Bus 001 Device 001: ID {number} simulated DYNAP-SE2'\n", encoding="utf-8")
        program.chmod(0o755)
        os.environ["PATH"] = folder + os.pathsep + before
        try:
            yield
        finally:
            os.environ["PATH"] = before


def modules(board) -> dict[str, ModuleType]:
    """The module tree, by name, as it goes into ``sys.modules``.

    Parameters
    ----------
    board : Board
        What it answers with.
    """
    devices = Devices(board)
    found = {name: _module(name) for name in ("samna", "samna.device", "samna.dynapse2")}
    root, device, dynapse2 = found.values()
    root._board, root.device, root.dynapse2, root.SamnaNode = board, device, dynapse2, SamnaNode
    root.__version__ = "simulated"

    def setup_local_node(*endpoints) -> None:
        """Connect; there is nothing to connect to."""

    def open_remote_node(number, name: str) -> None:
        """Make the remote node an attribute of the module."""
        setattr(root, name, _DeviceNode(board, devices))

    def close_remote_node(*number) -> None:
        """Disconnect."""

    def init(*endpoints) -> SamnaNode:
        """Start a node."""
        return SamnaNode(*endpoints)

    for function in (setup_local_node, open_remote_node, close_remote_node, init):
        setattr(root, function.__name__, function)
    for name in dir(Devices):
        if not name.startswith("_"):
            setattr(device, name, getattr(devices, name))
    for name, value in (_CLASSES | _FUNCTIONS).items():
        setattr(dynapse2, name, value)
    dynapse2.Dynapse2Interface = dynapse2.Dynapse2Stack = type(board)
    dynapse2.__all__ = [*_CLASSES, *_FUNCTIONS, "Dynapse2Interface", "Dynapse2Stack"]
    return found


def _module(name: str) -> ModuleType:
    module = ModuleType(name, "Simulated by brian2dynapse.")
    if name == "samna":
        module.__path__ = []  # a package: what is not there is named by the import that fails

    def __getattr__(part):
        if part.startswith("__"):
            raise AttributeError(part)
        short = getattr(module, "__all__", ())
        if f"Dynapse2{part}" in short:  # Synapse for Dynapse2Synapse
            return getattr(module, f"Dynapse2{part}")
        raise board_driver.unknown_part(f"the simulated {name}", part, [one for one in vars(module) if one[0] != "_"])

    module.__getattr__ = __getattr__
    return module
