# %% [markdown]
# # Indiveri et al. 2011: two exponentials on the way to a spike
#
# G. Indiveri et al., *Neuromorphic silicon neuron circuits*, Frontiers in Neuroscience 5 (2011) 73,
# [doi:10.3389/fnins.2011.00073](https://doi.org/10.3389/fnins.2011.00073): figure 14B and equation (2).
#
# **Reproduced**: the shape of figure 14B, the response of the DPI neuron to a constant input: the membrane current
# rises as $1 - e^{-t/\tau_K}$ towards a plateau, and leaves it as $e^{+t/\tau_{Na}}$ on its way to the spike; and
# equation (2), $\tau\, dI_{mem}/dt = -I_{mem}(1 + I_g/I_\tau) + I_\infty + f(I_{mem})$, for neurons without
# adaptation ($I_g = 0$).
#
# **Not reproduced**: the measured trace and its fitted time constants, which are of another chip and process; the
# figure's time axis ends at 35 ms, the trace here is some twenty times slower. The paper calls $f$ exponential; the
# feedback here is the weak-inversion form $f = I_{mem} (I_0/I_\tau) (I_{mem}/I_0)^{\kappa/(\kappa+1)}$ of
# `equations/exponential_feedback.eqs`, so that the growth becomes faster as the current grows, and $\tau_{Na}$ is
# that of one current.
#
# **Where the numbers are from**: equation (2) and the definitions below it, $\tau = C U_T / (\kappa I_\tau)$ and
# $I_\infty = I_{in} I_{gain} / I_\tau$ (there as gate voltages). `paper` in the table is what they give at the codes
# used here.

# %%
import os
from pathlib import Path

import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from brian2 import ms, pA

import brian2dynapse as bd
from brian2dynapse.plot import BLACK, BLUE, ORANGE, VERMILION

QUICK = bool(os.environ.get("BRIAN2DYNAPSE_QUICK"))
OUTPUT = Path(os.environ.get("BRIAN2DYNAPSE_OUTPUT", "tutorial_output"))
OUTPUT.mkdir(parents=True, exist_ok=True)

b2.prefs.codegen.target = "numpy"
b2.defaultclock.dt = (0.5 if QUICK else 0.1) * ms

# %% [markdown]
# ## With and without feedback
# Equation (2) is the limit $I_{mem} \gg I_{gain}$ of the circuit; so the gain current is small here, and the leak
# too, since the feedback has to overcome it. The latch `soif_type` switches the feedback on.

# %%
CODES = {
    "SOIF_LEAK_N": 5 * pA, "SOIF_GAIN_N": 2 * pA, "SOIF_DC_P": 260 * pA, "SOIF_SPKTHR_P": (3, 254),
}  # fmt: skip
traces = {}
for label, latches in (("feedback", {"so_dc", "soif_type"}), ("none", {"so_dc"})):
    neuron = bd.Neurons(1, bd.Biases(CODES), latches=latches, name="neuron")
    trace, spikes = b2.StateMonitor(neuron, "Imem", record=True), b2.SpikeMonitor(neuron)
    b2.Network(neuron, trace, spikes).run(1500 * ms)
    before = trace.t_ < (spikes.t_[0] if spikes.num_spikes else np.inf)
    traces[label] = trace.t_[before], trace.Imem_[0][before]
    print(f"{label}: {spikes.num_spikes} spikes")
assert traces["feedback"][1][-1] > 10 * traces["none"][1].max()  # only one of them reaches the threshold
constants = neuron.chip.constants
I_tau, I_gain, I_in = (float(getattr(neuron, name)[0]) for name in ("I_leak", "I_gain", "I_dc"))
tau = constants["C_mem"] * constants["U_T"] / (constants["kappa_n"] * I_tau)
plateau = I_gain * (I_in / I_tau - 1)  # of the full equation; I_in I_gain/I_tau in the paper, which neglects the 1
print(f"tau {tau * 1e3:.1f} ms, plateau {plateau / 1e-12:.0f} pA, {plateau / I_gain:.0f} times the gain current")

# %% [markdown]
# ## The onset
# Without feedback, what is missing to the plateau falls as $e^{-t/\tau_K}$; equation (2) says $\tau_K = \tau$. In the
# full equation it is $\tau (1 + I_{gain}/I_\infty)$ near the plateau.

# %%
time, current = traces["none"]
approach = (current > 0.5 * plateau) & (current < 0.98 * plateau)
tau_K = -1 / np.polyfit(time[approach], np.log(plateau - current[approach]), 1)[0]
# From half the plateau on the correction is between one and two times I_gain over the plateau.
assert 1 < tau_K / tau < 1 + 2 * I_gain / plateau
assert np.isclose(current[-1], plateau, rtol=0.01)

# %% [markdown]
# ## The way to the spike
# With feedback the current slows down near the plateau, and then grows ever faster: $d\dot I/dI$, where $\dot I =
# dI/dt$, changes its sign from $-1/\tau_K$ to $+1/\tau_{Na}$. From equation (2) it is $(-1 + f'(I_{mem}))/\tau$.

# %%
time, current = traces["feedback"]
floor, power = constants["I_0"], constants["kappa_n"] / (constants["kappa_n"] + 1)
speed = np.gradient(current, time)
growth = np.gradient(speed, time) / speed
after = current > 20 * I_gain
expected = (-1 + (1 + power) * (floor / I_tau) * (current / floor) ** power) / tau
turn = int(np.argmin(np.where(after, speed, np.inf)))  # where the current is slowest
turn_expected = floor * (I_tau / ((1 + power) * floor)) ** (1 / power)
late = int(np.argmax(current > 2.5 * current[turn]))
tau_Na = 1 / growth[late]
assert np.isclose(current[turn], turn_expected, rtol=0.1)  # a flat minimum, and the share I_gain/I of equation (2)
assert np.isclose(growth[late], expected[late], rtol=0.05)
assert growth[turn // 2] < 0 < growth[late]

# The figure's description of it, an exponential each, fitted to both sides of the slowest point.
onset = (current > 0.3 * current[turn]) & (np.arange(len(current)) < turn)
upswing = (np.arange(len(current)) > turn) & (current < 2.8 * current[turn])  # as far as the figure shows


def fitted(inside, sign):
    """Fit of a + b exp(sign t/T): the current, T in second and the share of the variance that it leaves."""
    best = None
    for constant in np.geomspace(5e-3, 0.5, 200):
        basis = np.c_[np.ones(inside.sum()), np.exp(sign * (time[inside] - time[inside][0]) / constant)]
        coefficients, *_ = np.linalg.lstsq(basis, current[inside], rcond=None)
        error = np.var(current[inside] - basis @ coefficients) / np.var(current[inside])
        if best is None or error < best[2]:
            best = basis @ coefficients, constant, error
    return best


fits = {"onset": (onset, *fitted(onset, -1)), "upswing": (upswing, *fitted(upswing, 1))}
for label, (_, _, constant, error) in fits.items():
    print(f"{label}: one exponential, {constant * 1e3:.0f} ms, leaves {100 * error:.2f} % of the variance")
    assert error < 0.01

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
scale = current[turn]
left.plot(time * 1e3, current / scale, color=BLUE, linewidth=3, alpha=0.5, label="with feedback")
left.plot(traces["none"][0] * 1e3, traces["none"][1] / scale, color=BLACK, linewidth=1, label="without")
for (label, (inside, fit, *_)), color in zip(fits.items(), (ORANGE, VERMILION), strict=True):
    left.plot(time[inside] * 1e3, fit / scale, "--", color=color, label=f"exponential, {label}")
left.set(xlabel="time (ms)", ylabel="membrane current / that of the slowest point", xlim=(-20, 950), ylim=(0, 3))
left.legend(frameon=False, loc="upper left")
right.plot(current[after] / scale, growth[after], color=BLUE, linewidth=3, alpha=0.5, label="simulated")
right.plot(current[after] / scale, expected[after], "--", color=VERMILION, label="equation (2)")
right.axhline(-1 / tau, color=BLACK, linestyle=":", label=r"$-1/\tau$")
right.set(xlabel="membrane current / that of the slowest point", ylabel="growth rate of dI/dt (1/s)", xlim=(0, 4))
right.set_ylim(-20, 15)
right.legend(frameon=False)
figure.savefig(OUTPUT / "Indiveri_2011_fig1.png", dpi=120)

# %% [markdown]
# ## Paper and here

# %%
rows = [
    ("tau_K, approach to the plateau without feedback (ms)", tau * 1e3, tau_K * 1e3),
    ("plateau without feedback (pA)", I_in * I_gain / I_tau / 1e-12, traces["none"][1][-1] / 1e-12),
    ("current of the slowest point (pA)", turn_expected / 1e-12, current[turn] / 1e-12),
    ("tau_Na at 2.5 times this current (ms)", 1e3 / expected[late], 1e3 * tau_Na),
]
print(pd.DataFrame(rows, columns=["quantity", "paper", "here"]).round(2).to_string(index=False))
