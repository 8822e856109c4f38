"""C++ standalone mode: templates beyond those of Brian2, by its official template system; and what cannot run in it."""

from __future__ import annotations

from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import RuntimeDevice, get_device

from .errors import DynapseError


class CircuitCodeObject(CPPStandaloneCodeObject):
    """Code object of C++ standalone mode whose templates are those of ``templates/`` first, then Brian2's."""

    templater = CPPStandaloneCodeObject.templater.derive("brian2dynapse")


def circuit_code_object() -> type | None:
    """Class of the code objects of a group that is made now; None for Brian2's default."""
    return CircuitCodeObject if isinstance(get_device(), CPPStandaloneDevice) else None


class BoardCodeObject(CircuitCodeObject):
    """Code object of the simulated board: its templates run over the places in use, whose number may grow."""

    templater = CircuitCodeObject.templater.derive("brian2dynapse", templates_dir="templates/board")


def board_code_object() -> type:
    """Class of the code objects of the simulated board."""
    return BoardCodeObject


def check_runtime(protocol: str) -> None:
    """A protocol of several runs reads its results between them; else DynapseError."""
    if not isinstance(get_device(), RuntimeDevice):
        raise _refused(protocol, "which C++ standalone mode cannot")


def check_readable(protocol: str) -> None:
    """A protocol of one run reads its results after it: in standalone mode it is the only run; else DynapseError."""
    device = get_device()
    only = isinstance(device, CPPStandaloneDevice) and device.build_on_run and not device.has_been_run
    if not isinstance(device, RuntimeDevice) and not only:
        raise _refused(protocol, "which C++ standalone mode can only for the one run that it builds on")


def _refused(protocol: str, why: str) -> DynapseError:
    return DynapseError(
        f'{protocol} reads what it simulates, {why}; call it before set_device, or after set_device("runtime")'
    )
