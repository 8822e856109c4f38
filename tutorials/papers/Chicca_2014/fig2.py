# %% [markdown]
# # Chicca et al. 2014: adaptation as negative feedback
#
# E. Chicca, F. Stefanini, C. Bartolozzi and G. Indiveri, *Neuromorphic electronic circuits for building autonomous
# cognitive systems*, Proceedings of the IEEE 102 (2014) 1367-1388,
# [doi:10.1109/JPROC.2014.2313954](https://doi.org/10.1109/JPROC.2014.2313954) (open version: arXiv:1403.6428).
#
# **Reproduced**: f-I curves of the paper's DPI neuron with and without spike-frequency adaptation. The adapted curve is
# predicted, without a free number, from two parts of the paper's model: the neuron's equation with a constant current
# $I_{ahp}$ on the leak, and a DPI that turns the neuron's own spikes into that current. Negative feedback makes the curve
# flatter and straighter.
#
# **Not reproduced**: measured curves; absolute currents. The figures of the paper were not at hand, so that this one has
# its own number and codes.
#
# **Where the numbers are from**: the neuron's equation as the documentation of the DYNAP-SE simulator of Rockpool
# (`DynapSim`) quotes it from the paper, in the closed form of `fig1.py`; the mean current of a DPI from
# `Bartolozzi_2007/fig2.py`. `paper` in the table means these, evaluated at the codes used here.

# %%
import os
from pathlib import Path

import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from brian2 import ms, second
from scipy.optimize import brentq

import brian2dynapse as bd
from brian2dynapse.plot import BLACK, BLUE, VERMILION

QUICK = bool(os.environ.get("BRIAN2DYNAPSE_QUICK"))
OUTPUT = Path(os.environ.get("BRIAN2DYNAPSE_OUTPUT", "tutorial_output"))
OUTPUT.mkdir(parents=True, exist_ok=True)

b2.prefs.codegen.target = "numpy"
b2.defaultclock.dt = (0.2 if QUICK else 0.1) * ms

# %% [markdown]
# ## The two parts
# With $I_{ahp}$ on the leak, the closed form of the interval is that of `fig1.py` with $I_\tau + I_{ahp}$ in the place of
# $I_\tau$: $f = F(I_{in}, I_{ahp})$. A spike sends a pulse of charge $I_w t_p$ into the adaptation DPI; its mean current is
# $I_{ahp} = I_g (f/f_0 - 1)$ with $f_0 = I_{\tau,ahp} / (I_w t_p)$, zero below $f_0$. The rate is where the two meet.

# %%
BIASES = bd.Biases({
    "SOIF_LEAK_N": (2, 5), "SOIF_GAIN_N": (3, 80), "SOIF_SPKTHR_P": (3, 254), "SOIF_REFR_N": (2, 255),
    "SOAD_TAU_P": (0, 20), "SOAD_GAIN_P": (0, 160), "SOAD_W_N": (4, 40), "SOAD_PWTAU_N": (3, 80),
})  # fmt: skip
constants = bd.Chip().constants
bias = {name: float(BIASES.current(name)) for name in BIASES if name.startswith(("SOIF", "SOAD"))}
membrane = constants["C_mem"] * constants["U_T"] / constants["kappa_n"]  # coulomb; over a leak: the time constant
t_ref = constants["Q_refractory"] / bias["SOIF_REFR_N"]
start, end = constants["I_0"] / bias["SOIF_GAIN_N"], bias["SOIF_SPKTHR_P"] / bias["SOIF_GAIN_N"]
t_pulse = constants["Q_pulse_ahp"] / bias["SOAD_PWTAU_N"]
f_0 = bias["SOAD_TAU_P"] / (bias["SOAD_W_N"] * t_pulse)
tau_ahp = constants["C_ahp"] * constants["U_T"] / (constants["kappa_p"] * bias["SOAD_TAU_P"])
per_hertz = bias["SOAD_GAIN_P"] / f_0
print(f"tau_ahp {tau_ahp * 1e3:.0f} ms, f_0 {f_0:.2f} Hz, {per_hertz / 1e-12:.1f} pA a hertz above it")


def rate(I_in, I_ahp):
    """F: firing rate in hertz with a constant current on the leak."""
    leak = bias["SOIF_LEAK_N"] + I_ahp
    B = I_in / leak - 1
    if B <= end:
        return 0.0

    def primitive(y):
        return (np.log(y) - (1 + B) * np.log(B - y)) / B

    return 1 / (t_ref + membrane / leak * (primitive(end) - primitive(start)))


def adapted_rate(I_in):
    """Where rate and adaptation agree."""

    def excess(frequency):
        return rate(I_in, max(0.0, bias["SOAD_GAIN_P"] * (frequency / f_0 - 1))) - frequency

    alone = rate(I_in, 0.0)
    return brentq(excess, 0.0, alone) if alone > 0 else 0.0


# %% [markdown]
# ## With and without
# From the rheobase to ten times as much. The DC current of the codes is compared, not the codes.

# %%
rheobase = bias["SOIF_LEAK_N"] * (1 + end)
wanted = np.linspace(0.5, 10, 8 if QUICK else 28) * rheobase
codes = sorted({tuple(int(one) for one in bd.dac.nearest("SOIF_DC_P", current)) for current in wanted})
curves = {}
for label, latches in (("without adaptation", ()), ("with adaptation", ("so_adaptation",))):
    table = bd.measure.fi_curve(
        BIASES, codes, latches=latches, duration=(0.6 if QUICK else 2) * second, settle=(0.6 if QUICK else 1.5) * second
    ).sort_values("current_A")
    curves[label] = table["current_A"].to_numpy(), table["rate_Hz"].to_numpy()
predicted = {
    "without adaptation": lambda current: rate(current, 0.0),
    "with adaptation": adapted_rate,
}


def curvature(label):
    """Largest deviation of a curve from its regression line, above 1.2 times the rheobase, over its largest rate."""
    current, frequency = curves[label]
    inside = current > 1.2 * rheobase
    line = np.polyval(np.polyfit(current[inside], frequency[inside], 1), current[inside])
    return np.abs(frequency[inside] - line).max() / frequency.max()


def slope(label):
    """Mean slope over the upper half of the inputs, in hertz an amp."""
    current, frequency = curves[label]
    inside = current > 5 * rheobase
    return np.polyfit(current[inside], frequency[inside], 1)[0]


figure, axes = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
rows = []
for (label, (current, frequency)), color in zip(curves.items(), (BLUE, VERMILION), strict=True):
    expected = np.array([predicted[label](one) for one in current])
    above = current > 1.5 * rheobase
    # The floor's leak makes intervals some per cent shorter (fig1.py); the ripple of I_ahp within an interval is small,
    # as tau_ahp is many intervals.
    assert np.allclose(frequency[above], expected[above], rtol=0.05)
    assert np.all(frequency[current < 0.98 * rheobase] == 0)
    axes.plot(current / 1e-12, frequency, "o", color=color, markersize=4, label=label)
    smooth = np.linspace(0, current.max(), 300)
    axes.plot(smooth / 1e-12, [predicted[label](one) for one in smooth], color=color, linewidth=1)
    top = int(np.argmax(current))
    rows.append((f"rate at {current[top] / 1e-12:.0f} pA, {label} (Hz)", expected[top], frequency[top]))
axes.set(xlabel="DC input (pA)", ylabel="firing rate (Hz)")
axes.legend(frameon=False, title="dots: simulated; lines: predicted")
figure.savefig(OUTPUT / "Chicca_2014_fig2.png", dpi=120)

# %% [markdown]
# ## Flatter and straighter
# Feedback divides the slope by $1 + g$ with $g = -(\partial F/\partial I_{ahp})\, dI_{ahp}/df$, here at the middle of the
# upper half of the inputs.

# %%
middle = 7.5 * rheobase
I_ahp = bias["SOAD_GAIN_P"] * (adapted_rate(middle) / f_0 - 1)
small = 1e-3
dF_in = (rate(middle * (1 + small), I_ahp) - rate(middle * (1 - small), I_ahp)) / (2 * small * middle)
dF_ahp = (rate(middle, I_ahp * (1 + small)) - rate(middle, I_ahp * (1 - small))) / (2 * small * I_ahp)
feedback = -dF_ahp * per_hertz
flatter = slope("without adaptation") / slope("with adaptation")
straighter = curvature("with adaptation") / curvature("without adaptation")
assert feedback > 1 and flatter > 2
assert np.isclose(slope("with adaptation"), dF_in / (1 + feedback), rtol=0.1)  # a chord against a tangent
assert straighter < 0.7
rows += [
    ("feedback g at the middle", feedback, np.nan),
    ("slope with adaptation (Hz/nA)", dF_in / (1 + feedback) * 1e-9, slope("with adaptation") * 1e-9),
    ("largest deviation from a line, without (% of the largest rate)", np.nan, 100 * curvature("without adaptation")),
    ("largest deviation from a line, with (% of the largest rate)", np.nan, 100 * curvature("with adaptation")),
]

# %% [markdown]
# ## Paper and here

# %%
print(pd.DataFrame(rows, columns=["quantity", "paper", "here"]).round(2).to_string(index=False, na_rep=""))
