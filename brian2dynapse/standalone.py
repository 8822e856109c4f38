"""What C++ standalone mode gets beyond Brian2's own code: templates of its official template system."""

from __future__ import annotations

from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import get_device


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
