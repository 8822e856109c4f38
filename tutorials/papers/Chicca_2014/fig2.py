# %% [markdown]
# # Chicca et al. 2014: adaptation as negative feedback
#
# E. Chicca, F. Stefanini, C. Bartolozzi and G. Indiveri, *Neuromorphic electronic circuits for building autonomous
# cognitive systems*, Proceedings of the IEEE 102 (2014) 1367-1388,
# [doi:10.1109/JPROC.2014.2313954](https://doi.org/10.1109/JPROC.2014.2313954) (open version: arXiv:1403.6428).
#
# **Reproduced**: f-I curves of the paper's DPI neuron with and without spike-frequency adaptation. The adapted curve
# is predicted, without a free number, from two parts of the paper's model: the neuron's equation with a constant
# current $I_{ahp}$ on the leak, and a DPI that turns the neuron's own spikes into that current. Negative feedback
# makes the curve flatter and, if it is strong, straight: its slope is then that of the feedback, whatever the
# neuron's own curve.
#
# **Not reproduced**: measured curves; absolute currents. The figures of the paper were not at hand, so that this one
# has its own number and codes.
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
from brian2dynapse.plot import BLUE, ORANGE, VERMILION

QUICK = bool(os.environ.get("BRIAN2DYNAPSE_QUICK"))
OUTPUT = Path(os.environ.get("BRIAN2DYNAPSE_OUTPUT", "tutorial_output"))
OUTPUT.mkdir(parents=True, exist_ok=True)

b2.prefs.codegen.target = "numpy"
b2.defaultclock.dt = (0.2 if QUICK else 0.1) * ms

# %% [markdown]
# ## The two parts
# With $I_{ahp}$ on the leak, the closed form of the interval is that of `fig1.py` with $I_\tau + I_{ahp}$ in the
# place of $I_\tau$: $f = F(I_{in}, I_{ahp})$. A spike sends a pulse of charge $I_w t_p$ into the adaptation DPI; its
# mean current is $I_{ahp} = I_g (f/f_0 - 1)$ with $f_0 = I_{\tau,ahp} / (I_w t_p)$, zero below $f_0$. The rate is
# where the two meet.

# %%
BIASES = bd.Biases({
    "SOIF_LEAK_N": (2, 5), "SOIF_GAIN_N": (3, 80), "SOIF_SPKTHR_P": (3, 254), "SOIF_REFR_N": (2, 255),
    "SOAD_TAU_P": (0, 40), "SOAD_W_N": (4, 40), "SOAD_PWTAU_N": (3, 80),
})  # fmt: skip
GAINS = {"no adaptation": None, "weak adaptation": (0, 20), "strong adaptation": (1, 20)}  # codes of SOAD_GAIN_P
constants = bd.Chip().constants
bias = {name: float(BIASES.current(name)) for name in BIASES if name.startswith(("SOIF", "SOAD"))}
membrane = constants["C_mem"] * constants["U_T"] / constants["kappa_n"]  # coulomb; over a leak: the time constant
t_ref = constants["Q_refractory"] / bias["SOIF_REFR_N"]
start, end = constants["I_0"] / bias["SOIF_GAIN_N"], bias["SOIF_SPKTHR_P"] / bias["SOIF_GAIN_N"]
t_pulse = constants["Q_pulse_ahp"] / bias["SOAD_PWTAU_N"]
f_0 = bias["SOAD_TAU_P"] / (bias["SOAD_W_N"] * t_pulse)
tau_ahp = constants["C_ahp"] * constants["U_T"] / (constants["kappa_p"] * bias["SOAD_TAU_P"])
print(f"tau_ahp {tau_ahp * 1e3:.0f} ms, f_0 {f_0:.2f} Hz")


def rate(I_in, I_ahp):
    """F: firing rate in hertz with a constant current on the leak."""
    leak = bias["SOIF_LEAK_N"] + I_ahp
    B = I_in / leak - 1
    if B <= end:
        return 0.0

    def primitive(y):
        return (np.log(y) - (1 + B) * np.log(B - y)) / B

    return 1 / (t_ref + membrane / leak * (primitive(end) - primitive(start)))


def adapted_rate(I_in, I_gain):
    """Firing rate in hertz where rate and adaptation agree; I_gain: SOAD_GAIN_P in amp."""

    def excess(frequency):
        return rate(I_in, max(0.0, I_gain * (frequency / f_0 - 1))) - frequency

    alone = rate(I_in, 0.0)
    return brentq(excess, 0.0, alone) if alone > 0 else 0.0


# %% [markdown]
# ## With and without
# From half the rheobase to ten times as much. The axis is the DC current of the codes.

# %%
rheobase = bias["SOIF_LEAK_N"] * (1 + end)
wanted = np.linspace(0.5, 10, 8 if QUICK else 28) * rheobase
codes = sorted({tuple(int(one) for one in bd.dac.nearest("SOIF_DC_P", current)) for current in wanted})
duration, settle = (0.4, 1.5) if QUICK else (2, 3)  # second; the feedback settles faster than tau_ahp
measured, predicted, slopes, bends = {}, {}, {}, {}
figure, axes = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
for (label, gain), color in zip(GAINS.items(), (BLUE, ORANGE, VERMILION), strict=True):
    biases = bd.Biases({name: BIASES[name] for name in BIASES} | ({"SOAD_GAIN_P": gain} if gain else {}))
    latches = {"so_adaptation"} if gain else ()
    table = bd.measure.fi_curve(biases, codes, latches=latches, duration=duration * second, settle=settle * second)
    table = table.sort_values("current_A")
    current, frequency = table["current_A"].to_numpy(), table["rate_Hz"].to_numpy()
    I_gain = float(biases.current("SOAD_GAIN_P")) if gain else 0.0
    expected = np.array([adapted_rate(one, I_gain) for one in current])
    above = current > 1.2 * rheobase
    # The leak that is missing near the floor makes intervals up to some per cent shorter (fig1.py). The closed form has
    # the mean of I_ahp; at the spike it is lower by up to half of what a spike adds, which is worth 1/(2 tau_ahp).
    ripple = 1 / (2 * tau_ahp) if gain else 0.0
    assert np.all(np.abs(frequency[above] - expected[above]) < 0.05 * expected[above] + ripple)
    assert np.all(frequency[current < 0.98 * rheobase] == 0)
    measured[label], predicted[label] = frequency, expected
    line = np.polyfit(current[above], frequency[above], 1)
    bends[label] = np.abs(np.polyval(line, current[above]) - frequency[above]).max() / frequency.max()
    upper = current > 5 * rheobase
    slopes[label] = [np.polyfit(current[upper], one[upper], 1)[0] * 1e-9 for one in (expected, frequency)]
    axes.plot(current / 1e-12, frequency, "o", color=color, markersize=4, label=label)
    smooth = np.linspace(0, current.max(), 300)
    axes.plot(smooth / 1e-12, [adapted_rate(one, I_gain) for one in smooth], color=color, linewidth=1)
axes.set(xlabel="DC input (pA)", ylabel="firing rate (Hz)")
axes.legend(frameon=False, title="dots: simulated; lines: predicted")
figure.savefig(OUTPUT / "Chicca_2014_fig2.png", dpi=120)

# %% [markdown]
# ## Flatter and straighter
# With strong feedback the leak follows the input until the neuron is at its rheobase, $I_{in} = (I_\tau + I_{ahp})
# (1 + I_{spike}/I_{th})$, at any rate. What is left of the neuron's curve is this line: its slope is
# $(f_0/I_g) / (1 + I_{spike}/I_{th})$.

# %%
limit = f_0 / float(biases.current("SOAD_GAIN_P")) / (1 + end) * 1e-9
assert np.isclose(slopes["strong adaptation"][1], limit, rtol=0.05)
assert slopes["no adaptation"][1] > 1.2 * slopes["weak adaptation"][1] > 4 * slopes["strong adaptation"][1]
assert bends["strong adaptation"] < 0.5 * bends["no adaptation"]

# %% [markdown]
# ## Paper and here
# Slopes over the upper half of the inputs. The bend is the largest deviation from the regression line, over the largest
# rate.

# %%
rows = [
    (f"rate at {current[-1] / 1e-12:.0f} pA, {label} (Hz)", predicted[label][-1], measured[label][-1])
    for label in GAINS
]
rows += [(f"slope, {label} (Hz/nA)", *slopes[label]) for label in GAINS]
rows.append(("slope, limit of strong adaptation (Hz/nA)", limit, slopes["strong adaptation"][1]))
rows += [(f"bend, {label} (%)", np.nan, 100 * bends[label]) for label in GAINS]
print(pd.DataFrame(rows, columns=["quantity", "paper", "here"]).round(2).to_string(index=False, na_rep=""))
