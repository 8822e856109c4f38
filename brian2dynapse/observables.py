"""Observables: what an experimenter measures, as closed forms of bias currents and constants of the chip.

Each is declared once, in `OBSERVABLES`: its equation, that of the circuit's page (`equations/*.eqs`), and the equation
solved for the current of the one bias that is turned to set it. What tunes codes to targets and what fits a chip to
measurements both read this table. SI floats; no Brian2 here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from . import facts
from .errors import DynapseError


@dataclass(frozen=True)
class Observable:
    """A quantity that follows from bias currents by a closed form.

    Attributes
    ----------
    name : str
        For example ``"tau_mem"``.
    unit : str
        Its SI unit: ``"second"``, ``"volt"`` or ``"amp"``.
    bias : str
        The bias that is turned to set it; empty for ``"bias_current"``, see `of`.
    biases : tuple of str
        All biases that it depends on.
    constants : tuple of str
        All constants of the chip that it depends on.
    meaning : str
        What it is, in one line.
    equation : str
        Its closed form; I(...) is the current of a bias that reaches the circuit.
    """

    name: str
    unit: str
    bias: str
    biases: tuple[str, ...]
    constants: tuple[str, ...]
    meaning: str
    equation: str
    _value: Callable
    _current: Callable

    def value(self, currents: Mapping[str, float | np.ndarray], constants: Mapping[str, float]) -> float | np.ndarray:
        """The quantity that bias currents make.

        Parameters
        ----------
        currents : mapping of str to float or numpy.ndarray
            Current of each of `biases` as its code says it, in amp (`dac.current`); arrays broadcast. The mirror
            scale of the chip is applied here.
        constants : mapping of str to float
            Constants of the chip in SI units, such as `Chip.constants`.

        Returns
        -------
        float or numpy.ndarray
            In `unit`.

        Raises
        ------
        DynapseError
            If a current or a constant is missing, or a current is not positive.
        """
        self._check_constants(constants)
        return self._value(self._reaching(currents, self.biases, constants), constants)

    def current(
        self, value: float, currents: Mapping[str, float | np.ndarray], constants: Mapping[str, float]
    ) -> float | np.ndarray:
        """The current of `bias` that makes a value: the inverse of `value`.

        Parameters
        ----------
        value : float or numpy.ndarray
            What is wanted, in `unit`.
        currents : mapping of str to float or numpy.ndarray
            Currents of the other biases as their codes say them, in amp.
        constants : mapping of str to float
            Constants of the chip in SI units.

        Returns
        -------
        float or numpy.ndarray
            In amp, as a code has to say it (`dac.nearest` finds the code).

        Raises
        ------
        DynapseError
            If the value is not positive, the other biases alone make less than it, or something is missing.
        """
        self._check_constants(constants)
        if not np.all(np.isfinite(value) & (np.asarray(value) > 0)):
            raise DynapseError(f"{self.name} is {value!r}; give a positive number in {self.unit}")
        others = [bias for bias in self.biases if bias != self.bias]
        found = self._current(value, self._reaching(currents, others, constants), constants)
        if np.any(np.asarray(found) <= 0):
            raise DynapseError(
                f"{self.name}: {np.max(value):.4g} {self.unit} asks for a current of {self.bias} below zero, "
                f"{np.min(found):.4g} A; with {_shown(currents, others)} it is always shorter: lower those first"
            )
        return found / constants[facts.bias(self.bias).mirror_scale]

    def of(self, bias: str) -> Observable:
        """The current of a named bias: ``OBSERVABLES["bias_current"].of("SOIF_LEAK_N")``.

        Parameters
        ----------
        bias : str
            A bias that is a current (type N or P).

        Returns
        -------
        Observable
            For any other observable than ``"bias_current"``, itself, if `bias` is one of its biases.

        Raises
        ------
        DynapseError
            For a bias that the observable does not depend on, or that is a voltage.
        """
        if self.name != "bias_current":
            if bias not in self.biases:
                raise DynapseError(f"{self.name} does not depend on {bias!r}, but on {' and '.join(self.biases)}")
            return self
        if not facts.bias(bias).mirror_scale:
            raise DynapseError(
                f"{bias} is a voltage, its codes have no current; bias_current needs a bias of type N or P"
            )
        return _bias_current(bias)

    def _reaching(self, currents, biases, constants) -> dict[str, float | np.ndarray]:
        """The currents that reach the circuits: those of the codes times the scale of their type."""
        if not self.biases:
            raise DynapseError(f'{self.name} of which bias? Say OBSERVABLES["{self.name}"].of("SOIF_LEAK_N")')
        missing = [bias for bias in biases if bias not in currents]
        if missing:
            raise DynapseError(f"{self.name} depends on {' and '.join(missing)} too; give its current in amp")
        wrong = [bias for bias in biases if not np.all(np.asarray(currents[bias]) > 0)]
        if wrong:
            raise DynapseError(f"{self.name}: the current of {wrong[0]} is {currents[wrong[0]]!r}; give it above 0 amp")
        return {bias: currents[bias] * constants[facts.bias(bias).mirror_scale] for bias in biases}

    def _check_constants(self, constants) -> None:
        missing = [name for name in self.constants if name not in constants]
        if missing:
            raise DynapseError(f"{self.name} depends on the constant {missing[0]}; give it, as Chip().constants does")


def _shown(currents, biases) -> str:
    return " and ".join(f"{bias} at {np.max(currents[bias]):.4g} A" for bias in biases)


def _time_constant(name: str, bias: str, capacitor: str, what: str) -> Observable:
    """Time constant of a DPI; it decays exponentially with it."""
    kappa = {"N": "kappa_n", "P": "kappa_p"}[facts.bias(bias).type]

    def value(currents, constants):
        charge = constants["time_factor"] * constants[capacitor] * constants["U_T"]
        return charge / (constants[kappa] * currents[bias])

    def current(wanted, _, constants):
        return constants["time_factor"] * constants[capacitor] * constants["U_T"] / (constants[kappa] * wanted)

    return Observable(
        name,
        "second",
        bias,
        (bias,),
        ("time_factor", capacitor, "U_T", kappa, facts.bias(bias).mirror_scale),
        f"time constant of {what}",
        f"time_factor {capacitor} U_T / ({kappa} I({bias}))",
        value,
        current,
    )


def _timer(name: str, biases: tuple[str, ...], charge: str, what: str) -> Observable:
    """Time in which the sum of currents moves a charge; the last of the biases is turned."""

    def value(currents, constants):
        return constants[charge] / sum(currents[bias] for bias in biases)

    def current(wanted, others, constants):
        return constants[charge] / wanted - sum(others[bias] for bias in biases[:-1])

    return Observable(
        name,
        "second",
        biases[-1],
        biases,
        (charge, *dict.fromkeys(facts.bias(bias).mirror_scale for bias in biases)),
        what,
        f"{charge} / " + ("({})" if len(biases) > 1 else "{}").format(" + ".join(f"I({bias})" for bias in biases)),
        value,
        current,
    )


def _swing(name: str, bias: str, what: str) -> Observable:
    """Membrane voltage, from rest, at a membrane current."""

    def value(currents, constants):
        return constants["U_T"] / constants["kappa_n"] * np.log(currents[bias] / constants["I_0"])

    def current(wanted, _, constants):
        return constants["I_0"] * np.exp(wanted * constants["kappa_n"] / constants["U_T"])

    return Observable(
        name,
        "volt",
        bias,
        (bias,),
        ("U_T", "kappa_n", "I_0", facts.bias(bias).mirror_scale),
        what,
        f"U_T / kappa_n ln(I({bias}) / I_0)",
        value,
        current,
    )


def _bias_current(bias: str = "") -> Observable:
    """The current of a bias itself; without a name the template that `of` fills in."""
    return Observable(
        "bias_current",
        "amp",
        bias,
        (bias,) if bias else (),
        (facts.bias(bias).mirror_scale,) if bias else (),
        f"current of {bias or 'a named bias'} that reaches the circuit",
        f"I({bias or 'bias'})",
        lambda currents, _: currents[bias],
        lambda wanted, *_: wanted,
    )


OBSERVABLES: dict[str, Observable] = {
    observable.name: observable
    for observable in (
        _time_constant("tau_mem", "SOIF_LEAK_N", "C_mem", "the membrane"),
        _time_constant("tau_ampa", "DEAM_ETAU_P", "C_ampa", "the AMPA dendrite"),
        _time_constant("tau_nmda", "DENM_ETAU_P", "C_nmda", "the NMDA dendrite"),
        _time_constant("tau_gaba", "DEGA_ITAU_P", "C_gaba", "the GABA_B dendrite"),
        _time_constant("tau_shunt", "DESC_ITAU_P", "C_shunt", "the GABA_A (shunt) dendrite"),
        _time_constant("tau_ahp", "SOAD_TAU_P", "C_ahp", "adaptation"),
        _time_constant("tau_ca", "SOCA_TAU_P", "C_ca", "the calcium current"),
        _timer("t_ref", ("SOIF_REFR_N",), "Q_refractory", "refractory period"),
        _timer("t_pulse", ("SYPD_EXT_N",), "Q_extender", "width of the pulse of a synapse"),
        _timer("t_pulse_ahp", ("SOAD_PWTAU_N",), "Q_pulse_ahp", "width of the pulse of adaptation and calcium"),
        _timer("delay", ("SYPD_DLY0_P",), "Q_delay", "delay of a synapse without delay bits"),
        _timer("delay_precise", ("SYPD_DLY0_P", "SYPD_DLY1_P"), "Q_delay", "delay with the precise_delay bit"),
        _timer("delay_mismatched", ("SYPD_DLY0_P", "SYPD_DLY2_P"), "Q_delay", "delay with the mismatched_delay bit"),
        _timer("delay_both", ("SYPD_DLY0_P", "SYPD_DLY1_P", "SYPD_DLY2_P"), "Q_delay", "delay with both delay bits"),
        _swing("v_threshold", "SOIF_SPKTHR_P", "membrane voltage from rest to threshold"),
        _bias_current(),
    )
}
