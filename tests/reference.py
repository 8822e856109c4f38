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
    exponential: bool = False
    dpi: dict = field(default_factory=dict)  # name: (C, tau current, gain current), ampa ... shunt and ahp
    spike_charge: float = 0.0  # charge that a spike sends to ahp
    dendrites_on: tuple = ()

    @property
    def names(self):
        return list(self.dpi)

    def derivative(self, t, state, held=False):
        u, z = state[0], dict(zip(self.names, state[1:], strict=True))
        current = {name: self.floor * np.exp(value) for name, value in z.items()}
        out = []
        for name in self.names:
            C, tau_current, _ = self.dpi[name]
            tau = C * self.U_T / (self.kappa_p * tau_current)
            out.append(-(1 - np.exp(-z[name] / self.kappa_p)) / tau)
        if held:
            return np.array([0.0, *out])
        membrane = self.floor * np.exp(u)
        nmda = current.get("nmda", 0.0)
        if self.gate is not None:
            nmda = nmda / (1 + self.gate / membrane)
        total = max(0.0, self.dc + current.get("ampa", 0.0) + nmda - current.get("gaba", 0.0))
        feedback = self.floor * np.exp(u * self.kappa_n / (self.kappa_n + 1)) if self.exponential else 0.0
        leak = self.leak + current.get("ahp", 0.0) + current.get("shunt", 0.0)
        charge = self.C_mem * self.U_T / self.kappa_n
        growth = total / (1 + membrane / self.gain) - leak * (1 - np.exp(-u / self.kappa_n)) + feedback
        return np.array([growth / charge, *out])

    def jump(self, z, name, charge):
        C, _, gain = self.dpi[name]
        y = self.floor * np.exp(z) / gain
        target = y + np.log(y) + self.kappa_p * charge / (C * self.U_T)
        log_y = brentq(
            lambda v: v + np.exp(v) - target, np.log(y) - 1, max(np.log(y), target) + 1, xtol=1e-14, rtol=1e-15
        )
        return log_y + np.log(gain / self.floor)

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
        state = np.zeros(1 + len(self.names))
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
                    if "ahp" in self.dpi:
                        index = 1 + self.names.index("ahp")
                        state[index] = self.jump(state[index], "ahp", self.spike_charge)
            if stop in samples:
                samples[stop] = self.floor * np.exp(state)
            for when, name, charge in arrivals:
                if when == stop:
                    index = 1 + self.names.index(name)
                    state[index] = self.jump(state[index], name, charge)
        values = np.array([samples[s] for s in samples]).reshape(len(samples), 1 + len(self.names))
        return np.array(spikes), {name: values[:, k] for k, name in enumerate(["mem", *self.names])}


def reference_of(biases, chip, latches=(), dendrites=()):
    """Reference neuron with the currents of codes and the constants of a chip."""
    constants = chip.constants
    current = biases.current_in_amp
    tau_gain = {
        "ampa": ("DEAM_ETAU_P", "DEAM_EGAIN_P"),
        "nmda": ("DENM_ETAU_P", "DENM_EGAIN_P"),
        "gaba": ("DEGA_ITAU_P", "DEGA_IGAIN_P"),
        "shunt": ("DESC_ITAU_P", "DESC_IGAIN_P"),
        "ahp": ("SOAD_TAU_P", "SOAD_GAIN_P"),
    }
    on = [*dendrites, *(["ahp"] if "so_adaptation" in latches else [])]
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
        exponential="soif_type" in latches,
        dpi={name: (constants[f"C_{name}"], current(tau_gain[name][0]), current(tau_gain[name][1])) for name in on},
        spike_charge=current("SOAD_W_N") * constants["Q_pulse_ahp"] / current("SOAD_PWTAU_N"),
    )
