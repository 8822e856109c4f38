"""Codes of a core for a population of leaky integrate-and-fire neurons; what was asked and what the codes make of it.

The closed forms are those of `linear_limit` and `observables`. A core has one set of codes, so what its neurons share
(time constants, threshold, constant drive, delays) becomes codes, and what differs between synapses becomes weights.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from brian2.units import amp, second

from . import dac, linear_limit
from .biases import Biases
from .chip import Chip
from .errors import DynapseError
from .nir_graph import Jumps, Layer, uniform
from .observables import OBSERVABLES
from .weights import WEIGHT_BITS

# dendrite: biases of its time constant and gain, capacitor
DENDRITES = {
    "ampa": ("DEAM_ETAU_P", "DEAM_EGAIN_P", "C_ampa"),
    "nmda": ("DENM_ETAU_P", "DENM_EGAIN_P", "C_nmda"),
    "gaba": ("DEGA_ITAU_P", "DEGA_IGAIN_P", "C_gaba"),
    "shunt": ("DESC_ITAU_P", "DESC_IGAIN_P", "C_shunt"),  # subtracted on a chip that has the two exchanged
}
SHORTEST = (5, 255)  # largest current: shortest refractory period, shortest delay
PULSE_IN_TAU = 1 / 25  # a pulse acts by its charge alone, up to about half this share of the dendrite's time constant
LARGEST_WEIGHT = 0.8e-6  # amp, for the largest jump: two of the four weight currents at their largest code make it
WEAK_INVERSION = 30e-9  # amp; above it the equations overstate currents
NO_DELAY = 10e-6  # second; shorter ones are the shortest that there is
TOLERANCE = 0.1  # relative; nearest codes are within some per cent, what is farther off lies outside their range


@dataclass
class Synapses:
    """Synapses of one connection, as currents.

    Attributes
    ----------
    source : str
    dendrite : str
    delay : str
        Delay bits.
    i, j : numpy.ndarray of int
        Source and target of each.
    currents : numpy.ndarray
        Weight of each, amp.
    """

    source: str
    dendrite: str
    delay: str
    i: np.ndarray
    j: np.ndarray
    currents: np.ndarray


@dataclass
class Core:
    """A population as the chip has it.

    Attributes
    ----------
    biases : Biases
    latches : set of str
    synapses : list of Synapses
    rows : list of dict
        What was asked and what the codes make, see `from_nir`.
    errors, notes : list of str
    """

    biases: Biases
    latches: set = field(default_factory=set)
    synapses: list = field(default_factory=list)
    rows: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    notes: list = field(default_factory=list)


class Choice:
    """Chooses the codes for one population.

    Parameters
    ----------
    layer : Layer
        The population.
    jumps : list of Jumps
        What reaches it.
    chip : Chip
        Gives the constants.
    biases : Biases
        All other codes.
    gain_ratio : float
        I_threshold over I_gain of the soma.
    tau_syn : float or None
        Second, of synapses without a time constant.
    """

    def __init__(self, layer: Layer, jumps: list[Jumps], chip: Chip, biases: Biases, gain_ratio: float, tau_syn):
        self.layer, self.jumps, self.chip, self.constants = layer, jumps, chip, chip.constants
        self.core = Core(biases.copy())
        self.gain_ratio = gain_ratio
        self.inhibition = "shunt" if chip.swap_gaba_shunt else "gaba"  # the one that is subtracted
        self.tau = float(np.mean(layer.tau))
        self.tau_syn = self.tau / 10 if tau_syn is None else tau_syn

    def core_of(self) -> Core:
        """Codes, synapses, and the account of both."""
        self._soma()
        if self.core.errors:
            return self.core
        used = self._dendrites()
        if used and not self.core.errors:
            bits = self._delays()
            self._synapses(used, bits)
        return self.core

    def reaching(self, bias: str) -> float:
        """Current of a bias that reaches the circuits, amp."""
        return self.core.biases.current_in_amp(bias) * self.chip.mirror_scale(bias)

    def _set(self, bias: str, current: float) -> None:
        """The nearest code to a current that shall reach the circuits."""
        try:
            self.core.biases[bias] = current / self.chip.mirror_scale(bias) * amp
        except DynapseError as error:
            self.core.errors.append(f"{self.layer.name}: {error}")

    def _tell(self, parameter: str, asked: float, got: float, unit: str, bias: str = "", checked: bool = True) -> None:
        coarse, fine = self.core.biases[bias] if bias else (None, None)
        error = got / asked - 1 if asked else np.nan
        self.core.rows.append(
            {
                "population": self.layer.name,
                "parameter": parameter,
                "asked": asked,
                "got": got,
                "unit": unit,
                "error": error,
                "bias": bias,
                "coarse": coarse,
                "fine": fine,
            }
        )
        if checked and abs(error) > TOLERANCE:
            self.core.errors.append(
                f"{self.layer.name}: {parameter} is {asked:.4g} {unit}, and the nearest code of {bias} makes {got:.4g} "
                f"{unit}; scale the times of the graph, or take a chip with other constants"
            )

    def _observed(self, name: str) -> float:
        observable = OBSERVABLES[name]
        currents = {bias: self.core.biases.current_in_amp(bias) for bias in observable.biases}
        return float(observable.value(currents, self.constants))

    def _set_observable(self, name: str, wanted: float, parameter: str, checked: bool = True) -> None:
        observable = OBSERVABLES[name]
        currents = {bias: self.core.biases.current_in_amp(bias) for bias in observable.biases}
        try:
            self.core.biases[observable.bias] = observable.current(wanted, currents, self.constants) * amp
        except DynapseError as error:
            self.core.errors.append(f"{self.layer.name}: {parameter} of {wanted:.4g} s: {error}")
            return
        self._tell(parameter, wanted, self._observed(name), "s", observable.bias, checked)

    # -- soma ----------------------------------------------------------------------------------------

    def _soma(self) -> None:
        self._set_observable("tau_mem", self.tau, "tau_mem")
        threshold = self.reaching("SOIF_SPKTHR_P")
        self._set("SOIF_GAIN_N", threshold / self.gain_ratio)
        self._tell("v_threshold / gain", self.gain_ratio, threshold / self.reaching("SOIF_GAIN_N"), "1", "SOIF_GAIN_N")
        self.core.biases["SOIF_REFR_N"] = SHORTEST
        self._tell("t_refractory", 0.0, self._observed("t_ref"), "s", "SOIF_REFR_N")
        if self.core.errors:
            return
        self.tau_got = self._observed("tau_mem")
        self.drive = linear_limit.rheobase(self.reaching("SOIF_LEAK_N"), self.reaching("SOIF_GAIN_N"), threshold)
        lost = linear_limit.lost_jump(threshold, self.reaching("SOIF_GAIN_N"), self.constants["I_0"])
        self._tell("membrane: share of a spike's charge lost near rest", 0.0, float(lost), "1")
        constant = float(np.mean(self.layer.drive))
        if constant < 0 and not uniform(np.append(self.layer.drive, 0.0)):
            self.core.errors.append(
                f"{self.layer.name}: v_leak and bias drive it {constant:.3g} thresholds below its reset; the membrane "
                "current of the chip cannot fall below its floor, and SOIF_DC_P only excites"
            )
        elif constant > 0:
            self._set("SOIF_DC_P", constant * self.drive)
            self.core.latches.add("so_dc")
            self._tell("constant drive", constant, self.reaching("SOIF_DC_P") / self.drive, "1", "SOIF_DC_P")

    # -- dendrites and synapses ----------------------------------------------------------------------

    def _dendrites(self) -> dict[str, float]:
        """Dendrites in use, to their time constants; excitation and inhibition each by theirs."""
        taus = {"excitation": set(), "inhibition": set()}
        for one in self.jumps:
            tau = self._tau_of(one)
            taus["excitation"] |= {tau} if np.any(one.matrix > 0) else set()
            taus["inhibition"] |= {tau} if np.any(one.matrix < 0) else set()
        for what, most in (("excitation", 2), ("inhibition", 1)):
            if len(taus[what]) > most:
                self.core.errors.append(
                    f"{self.layer.name}: its {what} has {len(taus[what])} synaptic time constants "
                    f"({', '.join(f'{one:.4g} s' for one in sorted(taus[what]))}); the chip has {most} "
                    f"dendrite{'s' if most > 1 else ''} for it, make them equal"
                )
        if self.core.errors:
            return {}
        used = dict(zip(("ampa", "nmda"), sorted(taus["excitation"]), strict=False))
        if taus["inhibition"]:
            used[self.inhibition] = taus["inhibition"].pop()
        if not used:
            return {}
        for dendrite, tau in used.items():
            self._set_observable(f"tau_{dendrite}", tau, f"tau_syn ({dendrite})")
        if self.core.errors:
            return {}
        pulse = PULSE_IN_TAU * min(used.values())
        self._set_observable("t_pulse", pulse, "pulse", checked=False)
        pulse = self._observed("t_pulse")
        largest = max(np.max(np.abs(one.matrix)) for one in self.jumps)
        ratio = largest * self.drive * self.tau_got / (LARGEST_WEIGHT * pulse)
        for dendrite in used:
            leak, gain, _ = DENDRITES[dendrite]
            # a gain below the smallest code is not needed: it only asks for smaller weights
            scale = self.chip.mirror_scale(gain)
            smallest, most = (one * scale for one in dac.current_range(gain, self.core.biases.table))
            if ratio * self.reaching(leak) > most:
                self.core.errors.append(
                    f"{self.layer.name}: the largest jump is {largest:.3g} thresholds, which takes a {gain} of "
                    f"{ratio * self.reaching(leak):.3g} A, above {most:.3g} A, its largest code; scale the weights down"
                )
                return {}
            self._set(gain, max(ratio * self.reaching(leak), smallest))
        return used

    def _tau_of(self, one: Jumps) -> float:
        return self.tau_syn if one.tau is None else float(f"{np.mean(one.tau):.6g}")

    def _delays(self) -> dict[float, str]:
        """Delay bits of the delays: the longest has none, a bit makes it shorter."""
        delays = sorted({max(one.delay, 0.0) if one.delay >= NO_DELAY else 0.0 for one in self.jumps}, reverse=True)
        if len(delays) > 3:
            self.core.errors.append(
                f"{self.layer.name}: {len(delays)} different delays reach it, "
                f"{', '.join(f'{one:.4g} s' for one in delays)}; a core has three (no bit, precise, mismatched)"
            )
            return {}
        bits = dict(zip(delays, ("none", "precise", "mismatched"), strict=False))
        names = {"none": "delay", "precise": "delay_precise", "mismatched": "delay_mismatched"}
        for delay, bit in bits.items():
            observable = names[bit]
            if delay:
                self._set_observable(observable, delay, f"delay ({bit})")
            else:
                self.core.biases[OBSERVABLES[observable].bias] = SHORTEST
                self._tell(f"delay ({bit})", 0.0, self._observed(observable), "s", OBSERVABLES[observable].bias)
        return bits

    def _synapses(self, used: dict[str, float], bits: dict[float, str]) -> None:
        if self.core.errors:
            return
        pulse, reach = self._observed("t_pulse"), 0.0
        biases = [f"SYAM_W{bit}_P" for bit in range(WEIGHT_BITS)]
        for bias in biases:
            reach += dac.current_range(bias, self.core.biases.table)[1] * self.chip.mirror_scale(bias)
        by_tau = {tau: name for name, tau in used.items() if name != self.inhibition}
        steps, weakest = {}, {}
        for one in self.jumps:
            bit = bits[one.delay if one.delay >= NO_DELAY else 0.0]
            for sign, dendrite in ((1, by_tau.get(self._tau_of(one))), (-1, self.inhibition)):
                j, i = np.nonzero(sign * one.matrix > 0)
                if not len(i):
                    continue
                _, gain, capacitor = DENDRITES[dendrite]
                charge = linear_limit.dpi_charge(self.constants[capacitor], self.constants["kappa_p"], self.constants)
                tau = self._observed(f"tau_{dendrite}")
                wanted = np.abs(one.matrix[j, i])
                currents = linear_limit.weight_of_jump(
                    wanted, pulse, self.reaching(gain), charge, tau, self.tau_got, self.drive
                )
                self.core.synapses.append(Synapses(one.source, dendrite, bit, i, j, currents))
                rises = linear_limit.current_step(currents, pulse, self.reaching(gain), charge)
                steps.setdefault(dendrite, []).append(rises)
                weakest[dendrite] = max(weakest.get(dendrite, 0.0), np.max(currents))
        for dendrite, parts in steps.items():
            self._account(dendrite, np.concatenate(parts), weakest[dendrite], reach)

    def _account(self, dendrite: str, rises: np.ndarray, largest: float, reach: float) -> None:
        """What becomes of the synapses on a dendrite, and where the linear limit ends."""
        _, gain, _ = DENDRITES[dendrite]
        tau, unit = self._observed(f"tau_{dendrite}"), self.drive * self.tau_got
        if largest > reach:
            jump = np.max(rises) * tau / unit
            self.core.errors.append(
                f"{self.layer.name}: the largest jump of {dendrite} is {jump:.3g} thresholds, a weight current of "
                f"{largest:.3g} A, above {reach:.3g} A, the largest sum of the codes; scale the weights down"
            )
        self._tell(f"largest jump ({dendrite})", float(np.max(rises) * tau / unit), float(np.max(rises) * tau / unit),
                   "1", gain)  # fmt: skip
        lost = linear_limit.lost_jump(np.median(rises), self.reaching(gain), self.constants["I_0"])
        self._tell(f"{dendrite}: share of a median event from rest lost", 0.0, float(lost), "1", gain)
        if np.max(rises) > WEAK_INVERSION:
            self.core.notes.append(
                f"{self.layer.name}: an event raises {dendrite} by up to {np.max(rises) * 1e9:.3g} nA; above "
                f"{WEAK_INVERSION * 1e9:.0f} nA silicon stays behind the equations"
            )


def longest_membrane(chip: Chip, biases: Biases) -> float:
    """Membrane time constant of the smallest leak, second."""
    leak = dac.current_range("SOIF_LEAK_N", biases.table)[0]
    return float(OBSERVABLES["tau_mem"].value({"SOIF_LEAK_N": leak}, chip.constants))


def in_seconds(name: str, value) -> float:
    """A positive time as a number, second."""
    if getattr(value, "dim", None) is not second.dim or np.ndim(value) or not 0 < float(value) < np.inf:
        raise DynapseError(f"{name} is {value!r}; give a positive time, for example 0.1*ms")
    return float(value)
