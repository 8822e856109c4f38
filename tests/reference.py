"""A neuron of the chip solved by SciPy, written from the circuit equations, not from the templates.

State: natural logarithms of the currents over I_0. Between events `solve_ivp` (rtol 1e-10); a charge is
applied by solving y + ln y with `brentq`; the threshold is found by the solver's event location.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

DENDRITES = ("ampa", "nmda", "gaba", "shunt")
RTOL = 1e-10


@dataclass
class ReferenceNeuron:
    """Currents in amp, charges in coulomb, times in second."""

    leak: float
    gain: float
    threshold: float
    refractory: float
    C_mem: float
    U_T: float
    kappa_n: float
    kappa_p: float
    floor: float
    dc: float = 0.0
    gate: float | None = None  # NMDA gate reference; None: no gate
    reversal: dict = field(default_factory=dict)  # dendrite: reversal reference of a conductance dendrite
    symmetric: bool = False
    exponential: bool = False
    # name: (C, tau current, gain current); ampa ... shunt, ampa_i and nmda_i of alpha functions, ahp and ca
    dpi: dict = field(default_factory=dict)
    spike_charge: dict = field(default_factory=dict)  # ahp or ca: charge that a spike sends
    cascode: float = np.inf  # limit of the adaptation current
    homeostasis: dict | None = None  # reference, up, down (1/second), where: "soma" or "dendrites"

    @property
    def names(self):
        return list(self.dpi)

    def output(self, dendrite, current):
        """Current that leaves a dendrite: the difference of two DPIs with an alpha function."""
        if f"{dendrite}_i" in current:
            return max(0.0, current[dendrite] - current[f"{dendrite}_i"])
        return current.get(dendrite, 0.0)

    def reach(self, dendrite, current, membrane):
        """Current of an excitatory dendrite that reaches the soma."""
        passed = self.output(dendrite, current)
        if dendrite in self.reversal:
            y = membrane / self.reversal[dendrite]
            passed *= ((1 - y) if self.symmetric else 1) / (1 + y)
        if dendrite == "nmda" and self.gate is not None:
            passed *= membrane / (membrane + self.gate)
        return passed

    def derivative(self, t, state, held=False):
        u, z = state[0], dict(zip(self.names, state[1:], strict=False))
        current = {name: self.floor * np.exp(value) for name, value in z.items()}
        out = []
        for name in self.names:
            C, tau_current, _ = self.dpi[name]
            tau = C * self.U_T / (self.kappa_p * tau_current)
            out.append(-(1 - np.exp(-z[name] / self.kappa_p)) / tau)
        gain = self.gain
        if self.homeostasis:
            calcium, wanted = current["ca"], self.homeostasis["reference"]
            error = (wanted - calcium) / (wanted + calcium)
            out.append(error * self.homeostasis["up" if error > 0 else "down"])
            if self.homeostasis["where"] == "soma":
                gain *= np.exp(state[-1])
        if held:
            return np.array([0.0, *out])
        membrane = self.floor * np.exp(u)
        excitation = self.reach("ampa", current, membrane) + self.reach("nmda", current, membrane)
        total = max(0.0, self.dc + excitation - current.get("gaba", 0.0))
        feedback = self.floor * np.exp(u * self.kappa_n / (self.kappa_n + 1)) if self.exponential else 0.0
        ahp = current.get("ahp", 0.0)
        leak = self.leak + ahp / (1 + ahp / self.cascode) + current.get("shunt", 0.0)
        charge = self.C_mem * self.U_T / self.kappa_n
        growth = total / (1 + membrane / gain) - leak * (1 - np.exp(-u / self.kappa_n)) + feedback
        return np.array([growth / charge, *out])

    def scaled_gain(self, name, state):
        """Gain current of a DPI, with homeostasis of the dendrites."""
        gain = self.dpi[name][2]
        scaled = self.homeostasis and self.homeostasis["where"] == "dendrites" and name[:4] in ("ampa", "nmda")
        return gain * np.exp(state[-1]) if scaled else gain

    def jump(self, state, name, charge):
        """State after a charge on a DPI."""
        C, gain = self.dpi[name][0], self.scaled_gain(name, state)
        index = 1 + self.names.index(name)
        y = self.floor * np.exp(state[index]) / gain
        target = y + np.log(y) + self.kappa_p * charge / (C * self.U_T)
        log_y = brentq(
            lambda v: v + np.exp(v) - target, np.log(y) - 1, max(np.log(y), target) + 1, xtol=1e-14, rtol=1e-15
        )
        after = state.copy()
        after[index] = log_y + np.log(gain / self.floor)
        return after

    def run(self, duration, arrivals=(), sample_times=()):
        """Integrate from rest.

        Parameters
        ----------
        arrivals : list of (time, dendrite, charge)
        sample_times : times at which the currents are wanted (value before a charge of that moment).

        Returns
        -------
        spikes : array; samples : dict of arrays, "mem" and the names of the DPIs.
        """
        arrivals = sorted(arrivals)
        samples = {t: None for t in np.asarray(sample_times, dtype=float)}
        state = np.zeros(1 + len(self.names) + (self.homeostasis is not None))
        t, spikes, held_until = 0.0, [], None
        stops = sorted({*samples, *(a[0] for a in arrivals), duration})
        limit = np.log(self.threshold / self.floor)

        def crossing(_, y):
            return y[0] - limit

        crossing.terminal, crossing.direction = True, 1
        for stop in stops:
            while t < stop:
                held = held_until is not None
                end = min(stop, held_until) if held else stop
                if end - t > 1e-15:
                    solution = solve_ivp(
                        lambda s, y, held=held: self.derivative(s, y, held),
                        (t, end),
                        state,
                        method="LSODA",
                        rtol=RTOL,
                        atol=1e-12,
                        events=None if held else crossing,
                    )
                    state, t = solution.y[:, -1].copy(), solution.t[-1]
                else:
                    t = end
                if held and t >= held_until:
                    held_until = None
                elif not held and solution.status == 1:
                    spikes.append(t)
                    state[0] = 0.0
                    held_until = t + self.refractory
                    for name, charge in self.spike_charge.items():
                        state = self.jump(state, name, charge)
            if stop in samples:
                samples[stop] = state.copy()
            for when, name, charge in arrivals:
                if when == stop:
                    for one in (name, f"{name}_i"):
                        if one in self.dpi:
                            state = self.jump(state, one, charge)
        names = ["mem", *self.names, *(["gain"] if self.homeostasis else [])]
        values = np.exp([samples[s] for s in samples]).reshape(len(samples), len(names))
        return np.array(spikes), {
            name: values[:, k] * (1 if name == "gain" else self.floor) for k, name in enumerate(names)
        }


def reference_of(biases, chip, latches=(), dendrites=()):
    """Reference neuron with the currents of codes and the constants of a chip."""
    constants = chip.constants
    current = biases.current_in_amp
    capacitor_tau_gain = {
        "ampa": ("C_ampa", "DEAM_ETAU_P", "DEAM_EGAIN_P"),
        "ampa_i": ("C_ampa", "DEAM_ITAU_P", "DEAM_IGAIN_P"),
        "nmda": ("C_nmda", "DENM_ETAU_P", "DENM_EGAIN_P"),
        "nmda_i": ("C_nmda", "DENM_ITAU_P", "DENM_IGAIN_P"),
        "gaba": ("C_gaba", "DEGA_ITAU_P", "DEGA_IGAIN_P"),
        "shunt": ("C_shunt", "DESC_ITAU_P", "DESC_IGAIN_P"),
        "ahp": ("C_ahp", "SOAD_TAU_P", "SOAD_GAIN_P"),
        "ca": ("C_ca", "SOCA_TAU_P", "SOCA_GAIN_P"),
    }
    on = list(dendrites)
    on += ["ampa_i"] if "deam_alpha" in latches and "ampa" in dendrites else []
    on += ["nmda_i"] if "denm_alpha" in latches and "nmda" in dendrites else []
    on += ["ahp"] if "so_adaptation" in latches else []
    on += ["ca"] if {"coho_ca_mem", "ho_enable"} & set(latches) else []
    pulse = constants["Q_pulse_ahp"] / current("SOAD_PWTAU_N")
    weights = {"ahp": "SOAD_W_N", "ca": "SOCA_W_N"}
    homeostasis = None
    if "ho_enable" in latches:
        low, middle, high = (current(f"SOHO_VREF_{level}_P") for level in "LMH")
        rate = constants["rate_homeostasis"] if "ho_active" in latches else 0.0
        homeostasis = {
            "reference": current("SOHO_VREF_P"),
            "up": rate * (1 - (middle / high) ** (1 / constants["kappa_p"])),
            "down": rate * (1 - (low / middle) ** (1 / constants["kappa_p"])),
            "where": "dendrites" if "ho_so_de" in latches else "soma",
        }
    reversal = {"ampa": current("DEAM_REV_N"), "nmda": current("DENM_REV_N")}
    return ReferenceNeuron(
        leak=current("SOIF_LEAK_N"),
        gain=current("SOIF_GAIN_N"),
        threshold=current("SOIF_SPKTHR_P"),
        refractory=constants["Q_refractory"] / current("SOIF_REFR_N"),
        C_mem=constants["C_mem"],
        U_T=constants["U_T"],
        kappa_n=constants["kappa_n"],
        kappa_p=constants["kappa_p"],
        floor=constants["I_0"],
        dc=current("SOIF_DC_P") if "so_dc" in latches else 0.0,
        gate=current("DENM_NMREV_N") if "denm_nmda" in latches and "nmda" in dendrites else None,
        reversal=reversal if "de_conductance" in latches else {},
        symmetric=chip.conductance == "symmetric",
        exponential="soif_type" in latches,
        dpi={
            name: (constants[capacitor], current(tau), current(gain))
            for name, (capacitor, tau, gain) in capacitor_tau_gain.items()
            if name in on
        },
        spike_charge={name: current(weights[name]) * pulse for name in weights if name in on},
        cascode=current("SOAD_CASC_P"),
        homeostasis=homeostasis,
    )
