"""What `Neurons` does beside the step of its equations: charges before every step, constants before every run."""

from __future__ import annotations

from brian2.codegen.codeobject import create_runner_codeobj
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.devices.device import RuntimeDevice, get_device
from brian2.groups.group import CodeRunner

from . import numerics
from .arrays import assign, variable_values
from .inflow import COEFFICIENTS, inflow_coefficients
from .standalone import CircuitCodeObject

CHARGES_FIRST = 3  # before the step of the group, and before the diffusion grid looks ahead


class ChargeSteps(CodeRunner):
    """Lets the charges that arrived in the last step act on the dendrites; contained in a group.

    Parameters
    ----------
    group : Neurons
        Whose dendrites.
    """

    def __init__(self, group):
        super().__init__(
            group,
            "charges" if issubclass(group.codeobj_class or object, CircuitCodeObject) else "stateupdate",
            clock=group.clock,
            when="groups",
            order=group.order - CHARGES_FIRST,
            name=f"{group.name}_charges",
            check_units=False,
            generate_empty_code=False,
        )

    def update_abstract_code(self, run_namespace):
        """Take over which dendrites are on now (called by Brian2)."""
        code = numerics.charges(self.group.equations)
        self.abstract_code = code if self.template == "charges" else "\n".join(code.values())


def fold_constants(group) -> None:
    """Compute the constants of a run from the parameters that the group has when it begins.

    In standalone mode the program does so itself, after it took over its arguments: other codes need no other program.

    Parameters
    ----------
    group : Neurons
        About to be run.
    """
    constants = numerics.folded(group.equations)
    if not constants:
        return
    kappa = variable_values(group, "kappa_p")  # unknown in standalone mode: what the chip says
    kappa = group.chip.constants["kappa_p"] if kappa is None else float(kappa.item())
    for name, value in zip(COEFFICIENTS, inflow_coefficients(kappa), strict=True):
        assign(group, name, value)
    device = get_device()
    runtime = isinstance(device, RuntimeDevice)
    if not runtime and not device.run_args_applied:
        device.apply_run_args()
    # Runtime mode: once a run is not worth a compiler.
    code_object = create_runner_codeobj(
        group,
        "\n".join(f"{name} = {expression}" for name, expression in constants.items()),
        "stateupdate",
        run_namespace={},
        name=f"{group.name}_constants_codeobject*",
        check_units=False,
        codeobj_class=NumpyCodeObject if runtime else group.codeobj_class,
    )
    code_object()
