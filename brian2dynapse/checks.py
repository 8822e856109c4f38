"""What must hold before a run: time step and pulse widths against the circuits."""

from __future__ import annotations

import numpy as np
from brian2.units import Quantity, second
from brian2.utils.logger import get_logger

from .errors import TimeStepError
from .facts import modelled_parameters

logger = get_logger("brian2dynapse.checks")

# A step longer than the membrane time constant cannot follow the membrane at all (tests/time_step).
LARGEST_STEP_IN_TAU = 1.0
# A pulse acts by its charge alone: its share of the time constant is the relative error of a jump.
WARN_PULSE_IN_TAU = 0.1
LARGEST_PULSE_IN_TAU = 1.0


def dpi_time_constant(chip, capacitor: str, kappa: str, leak) -> np.ndarray:
    """Time constant of a DPI.

    Parameters
    ----------
    chip : Chip
        Gives the constants.
    capacitor, kappa : str
        Names of constants, for example ``"C_mem"``, ``"kappa_n"``.
    leak : array_like
        Leak current, amp.

    Returns
    -------
    numpy.ndarray
        Second.
    """
    constants = chip.constants
    return constants["time_factor"] * constants[capacitor] * constants["U_T"] / (constants[kappa] * np.asarray(leak))


def check_neurons(group) -> None:
    """Check the time step of a group against its membrane, and the adaptation pulse.

    Parameters
    ----------
    group : Neurons
        About to be run.

    Raises
    ------
    TimeStepError
        If the step is longer than the shortest membrane time constant, or the adaptation pulse is
        longer than its time constant.
    """
    dt = float(group.clock.dt_)
    tau = dpi_time_constant(group.chip, "C_mem", "kappa_n", group.bias_values("I_leak")).min()
    if dt > LARGEST_STEP_IN_TAU * tau:
        raise TimeStepError(
            f"{group.name}: dt is {_time(dt)}, longer than the membrane time constant, {_time(tau)} at "
            f"SOIF_LEAK_N {_code(group, 'I_leak')}; use a smaller dt or a smaller leak"
            " (to drain the state between trials, call rest())"
        )
    if "so_adaptation" in group.latches:
        width = group.chip.constants["Q_pulse_ahp"] / group.bias_values("I_extender_ahp")
        tau = dpi_time_constant(group.chip, "C_ahp", "kappa_p", group.bias_values("I_tau_ahp"))
        what = f"{group.name}: the adaptation pulse (SOAD_PWTAU_N {_code(group, 'I_extender_ahp')})"
        _check_pulse(what, width, tau, f"the adaptation time constant (SOAD_TAU_P {_code(group, 'I_tau_ahp')})")


def check_connection(connection) -> None:
    """Check the pulse of a connection against the time constant of its dendrite.

    Parameters
    ----------
    connection : Connection
        About to be run.

    Raises
    ------
    TimeStepError
        If the pulse is longer than the time constant.
    """
    neurons, dendrite = connection.neurons, connection.dendrite
    width = connection.pulse_width()
    leak = f"I_tau_{dendrite}"
    tau = dpi_time_constant(neurons.chip, f"C_{dendrite}", "kappa_p", neurons.bias_values(leak))
    what = f"{connection.name}: the pulse (SYPD_EXT_N {_code(neurons, 'I_extender')})"
    _check_pulse(
        what, width, tau, f"the {dendrite} time constant ({modelled_parameters()[leak]} {_code(neurons, leak)})"
    )


def _check_pulse(what: str, width, tau, circuit: str) -> None:
    share = np.max(width / tau)
    message = f"{what} is up to {share:.2g} times as long as {circuit}"
    if share > LARGEST_PULSE_IN_TAU:
        raise TimeStepError(
            f"{message}; pulses act by their charge alone, which needs a short one: "
            "use a larger extender current or a smaller tau current"
        )
    if share > WARN_PULSE_IN_TAU:
        logger.warn(
            f"{message}: the relative error of the current is of this order", name_suffix="long_pulse", once=True
        )


def _code(group, parameter: str) -> str:
    code = group.biases[modelled_parameters()[parameter]]
    return f"({code.coarse},{code.fine})"


def _time(seconds: float) -> str:
    return str(Quantity(seconds, dim=second.dim))
