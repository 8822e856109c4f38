"""What must hold before a run: time step and pulse widths against the circuits."""

from __future__ import annotations

import numpy as np
from brian2.units import Quantity, second
from brian2.utils.logger import get_logger

from .arrays import variable_values
from .circuits import ALPHA_LATCHES, state_currents
from .errors import DynapseError, TimeStepError, WiringError
from .facts import modelled_parameters

logger = get_logger("brian2dynapse.checks")

# A step longer than the membrane time constant cannot follow the membrane at all (tests/errors).
LARGEST_STEP_IN_TAU = 1.0
# A pulse acts by its charge alone: its share of the time constant is the relative error of a jump.
WARN_PULSE_IN_TAU = 0.1
LARGEST_PULSE_IN_TAU = 1.0
LONGEST_DELAY = 1.0  # second; longer ones come from codes near (0,0) and are a mistake


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
    DynapseError
        If a current is not positive and finite.
    TimeStepError
        If the step is longer than the shortest membrane time constant, the adaptation pulse is longer than the
        time constant of adaptation or calcium, or the events of one spike do not fit into the refractory period.
    """
    _check_currents(group)
    dt = float(group.clock.dt_)
    tau = dpi_time_constant(group.chip, "C_mem", "kappa_n", _current(group, "I_leak")).min()
    if dt > LARGEST_STEP_IN_TAU * tau:
        raise TimeStepError(
            f"{group.name}: dt is {_time(dt)}, longer than the shortest membrane time constant, {_time(tau)} "
            f"(SOIF_LEAK_N {_code(group, 'I_leak')}); use a smaller dt or a smaller leak"
            " (to drain the state between trials, call rest())"
        )
    for circuit, name, leak in (("adaptation", "ahp", "I_tau_ahp"), ("calcium", "ca", "I_tau_ca")):
        if circuit in group.circuits:
            width = group.chip.constants["Q_pulse_ahp"] / _current(group, "I_extender_ahp")
            tau = dpi_time_constant(group.chip, f"C_{name}", "kappa_p", _current(group, leak))
            what = f"{group.name}: the {circuit} pulse (SOAD_PWTAU_N {_code(group, 'I_extender_ahp')})"
            bias = modelled_parameters()[leak]
            _check_pulse(what, width, tau, f"the {circuit} time constant ({bias} {_code(group, leak)})")
    if "homeostasis" in group.circuits:
        _check_homeostasis(group)
    if group.repeats_events:
        refractory = (group.chip.constants["Q_refractory"] / _current(group, "I_refractory")).min()
        count = group.chip.events_per_spike
        if (count + 1) * dt >= refractory:  # the step after the last one may not be the next spike yet
            raise TimeStepError(
                f"{group.name}: the {count} events of a spike come in as many steps of {_time(dt)}, which do not fit "
                f"into the refractory period of {_time(refractory)}; use a smaller dt or fewer events_per_spike"
            )


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
    for name, least in (("I_weight", "not negative"), ("I_extender", "positive")):
        values = variable_values(connection, name)
        if values is None:
            continue
        right = np.isfinite(values) & ((values > 0) | ((values == 0) & (name == "I_weight")))  # a mask may be 0000
        if not right.all():
            synapse = int(np.flatnonzero(~right)[0])
            raise DynapseError(
                f"{connection.name}: {name} is {values[synapse]:g} A in synapse {synapse}; a current is {least}"
            )
    leaks = [f"I_tau_{dendrite}"]
    if ALPHA_LATCHES.get(dendrite) in neurons.latches:
        leaks.append(f"I_tau_{dendrite}_i")
    for leak in leaks:
        tau = dpi_time_constant(neurons.chip, f"C_{dendrite}", "kappa_p", _current(neurons, leak))
        what = f"{connection.name}: the pulse (SYPD_EXT_N {_code(neurons, 'I_extender')})"
        bias = modelled_parameters()[leak]
        circuit = f"the {dendrite} time constant ({bias} {_code(neurons, leak)})"
        _check_pulse(what, connection.pulse_widths(), _of_synapses(connection, tau), circuit)


def _current(group, parameter: str) -> np.ndarray:
    """The currents that will run; those of the bias where standalone mode cannot tell."""
    values = group.parameter_values(parameter)
    return group.bias_values(parameter) if values is None else values


def _of_synapses(connection, values: np.ndarray) -> np.ndarray:
    """Values of neurons at the synapses on them; the smallest where standalone mode does not know the synapses yet."""
    try:
        return values[connection.synapse_pairs()[1]]
    except WiringError:
        return values.min(keepdims=True)


def _check_currents(group) -> None:
    """Currents are positive and finite: the circuits know no others. A threshold lies above the floor."""
    for name in [*group.equation_parameters(), *state_currents(group.latches)]:
        values = group.parameter_values(name)
        if values is None:
            continue
        wrong = ~(np.isfinite(values) & ((values > 0) | ((values == 0) & (name == "I_dc"))))
        if wrong.any():
            neuron = int(np.flatnonzero(wrong)[0])
            raise DynapseError(
                f"{group.name}: {name} is {values[neuron]:g} A in neuron {neuron}; a current is positive"
            )
    below = np.count_nonzero(_current(group, "I_threshold") <= group.chip.constants["I_0"])
    if below:
        logger.warn(
            f"{group.name}: the threshold (SOIF_SPKTHR_P {_code(group, 'I_threshold')}) of {below} neurons is "
            "not above the floor I_0: they fire without input",
            name_suffix="threshold_below_floor",
        )


def _check_homeostasis(group) -> None:
    """The gain is within its range, and the references of the drift in their order."""
    limit = group.chip.constants["gain_homeostasis_limit"]
    gain = group.parameter_values("gain_homeostasis")
    if gain is not None:
        wrong = ~((gain >= 1 / limit) & (gain <= limit))
        if wrong.any():
            neuron = int(np.flatnonzero(wrong)[0])
            raise DynapseError(
                f"{group.name}: gain_homeostasis is {gain[neuron]:g} in neuron {neuron}; the supply allows "
                f"{1 / limit:g} to {limit:g} (gain_homeostasis_limit of the chip)"
            )
    low, middle, high = (_current(group, f"I_homeostasis_{level}") for level in ("low", "middle", "high"))
    crossed = np.count_nonzero((high < middle) | (middle < low))
    if crossed:
        logger.warn(
            f"{group.name}: in {crossed} of {len(low)} neurons the references SOHO_VREF_L_P, M, H are not in this "
            "order, so that the homeostatic gain drifts the wrong way there; choose codes farther apart than mismatch",
            name_suffix="crossed_references",
        )


def _check_pulse(what: str, width, tau, circuit: str) -> None:
    share = np.max(width / tau, initial=0)
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
    return group.biases.shown(modelled_parameters()[parameter])


def _time(seconds: float) -> str:
    return str(Quantity(seconds, dim=second.dim))
