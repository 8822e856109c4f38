# %% [markdown]
# # Chicca et al. 2014: the DPI neuron and its f-I curves
#
# E. Chicca, F. Stefanini, C. Bartolozzi and G. Indiveri, *Neuromorphic electronic circuits for building autonomous
# cognitive systems*, Proceedings of the IEEE 102 (2014) 1367-1388,
# [doi:10.1109/JPROC.2014.2313954](https://doi.org/10.1109/JPROC.2014.2313954) (open version: arXiv:1403.6428).
#
# **Reproduced**: the paper's equation of the DPI neuron (its trajectory up to a spike); the f-I curves that follow
# from it, for three refractory settings; their limit, one spike every refractory period.
#
# **Not reproduced**: measured curves, which are of another chip and process; absolute currents. The figures of the
# paper were not at hand, so that this one has its own number and codes. The positive feedback is left out here
# (thresholded soma); `Indiveri_2011/fig1.py` has it.
#
# **Where the numbers are from**: the equation as the documentation of the DYNAP-SE simulator of Rockpool (`DynapSim`)
# quotes it from the paper, solved here by SciPy and in closed form. `paper` in the table means this solution at these
# codes, not a number that is printed in the paper.

# %%
import os
from pathlib import Path

import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from brian2 import ms
from scipy.integrate import solve_ivp

import brian2dynapse as bd
from brian2dynapse.plot import BLACK, BLUE, ORANGE, VERMILION

QUICK = bool(os.environ.get("BRIAN2DYNAPSE_QUICK"))
OUTPUT = Path(os.environ.get("BRIAN2DYNAPSE_OUTPUT", "tutorial_output"))
OUTPUT.mkdir(parents=True, exist_ok=True)

b2.prefs.codegen.target = "numpy"
b2.defaultclock.dt = 0.1 * ms

# %% [markdown]
# ## The equation
# $$\tau \left(1 + \frac{I_{th}}{I_{mem}}\right) \frac{dI_{mem}}{dt} + I_{mem} \left(1 + \frac{I_{ahp}}{I_\tau}\right)
# = \frac{I_{th}}{I_\tau} (I_{in} - I_{ahp} - I_\tau) + f(I_{mem}), \qquad \tau = \frac{C U_T}{\kappa I_\tau}$$
#
# $I_{th}$ is the gain current SOIF_GAIN_N, $I_\tau$ the leak SOIF_LEAK_N, $f$ the positive feedback. Multiplied by
# $I_{mem}/(I_{mem} + I_{th})$ it is the equation of `equations/soma.eqs` but for the factor $L = 1 -
# (I_0/I_{mem})^{1/\kappa}$, with which the leak ends at the floor.

# %%
BIASES = bd.Biases({"SOIF_LEAK_N": (2, 5), "SOIF_GAIN_N": (3, 80), "SOIF_SPKTHR_P": (3, 254)})
constants = bd.Chip().constants
I_tau, I_th, I_spike = (float(BIASES.current(name)) for name in ("SOIF_LEAK_N", "SOIF_GAIN_N", "SOIF_SPKTHR_P"))
floor, kappa = constants["I_0"], constants["kappa_n"]
tau = constants["C_mem"] * constants["U_T"] / (kappa * I_tau)


def paper(I_in, I_ahp, times):
    """Membrane current of the paper's equation from the floor, without feedback, at times in second."""

    def slope(_, log_current):
        I_mem = np.exp(log_current)
        drive = I_th / I_tau * (I_in - I_ahp - I_tau) - I_mem * (1 + I_ahp / I_tau)
        return drive / (tau * (1 + I_th / I_mem)) / I_mem

    return np.exp(solve_ivp(slope, (0, times[-1]), [np.log(floor)], t_eval=times, rtol=1e-9, atol=1e-9).y[0])


def membrane(I_dc, duration):
    """Membrane current of the model neuron with a constant input, and its spikes; in amp and second."""
    biases = bd.Biases({name: BIASES[name] for name in BIASES})
    biases["SOIF_DC_P"] = I_dc
    neuron = bd.Neurons(1, biases, latches={"so_dc"}, name="neuron")
    trace, spikes = b2.StateMonitor(neuron, "Imem", record=True), b2.SpikeMonitor(neuron)
    b2.Network(neuron, trace, spikes).run(duration)
    return trace.t_, trace.Imem_[0], spikes.t_, float(neuron.I_dc[0])


time, current, spikes, I_in = membrane((2, 40), 60 * ms)
first = time < spikes[0]
of_paper = paper(I_in, 0, time[first])
late = current[first] > 100 * floor
# The two differ by the leak that is missing near the floor: a shift in time. Compared is the shape above it.
shift = np.interp(1e-9, of_paper, time[first]) - np.interp(1e-9, current[first], time[first])
shifted = np.interp(time[first][late] + shift, time[first], of_paper)
inside = time[first][late] + shift < time[first][-1]
assert 0 < shift < 0.1 * spikes[0]
assert np.allclose(current[first][late][inside], shifted[inside], rtol=0.02)

# %% [markdown]
# ## f-I curves
# Without feedback, and with no current on the leak, the equation has a closed form. With $y = I_{mem}/I_{th}$ and
# $B = I_{in}/I_\tau - 1$ the interval between spikes is
#
# $$T = t_{ref} + \frac{\tau}{B} \Big[ \ln y - (1 + B) \ln (B - y) \Big]_{I_0/I_{th}}^{I_{spike}/I_{th}}$$
#
# above the rheobase $I_\tau (1 + I_{spike}/I_{th})$, where $B = y$ at the threshold.


# %%
def paper_rate(I_in, t_ref):
    """Firing rate of the closed form in hertz; zero below the rheobase."""
    B = I_in / I_tau - 1
    start, end = floor / I_th, I_spike / I_th
    fires = B > end
    B = np.where(fires, B, 2 * end)  # anything that has a logarithm

    def primitive(y):
        return (np.log(y) - (1 + B) * np.log(B - y)) / B

    return np.where(fires, 1 / (t_ref + tau * (primitive(end) - primitive(start))), 0)


REFRACTORY = {(2, 20): ORANGE, (2, 85): BLUE, (2, 255): VERMILION}
fine = [80, 160, 240] if QUICK else range(20, 256, 20)
codes = [(coarse, one) for coarse in (1, 2, 3, 4) for one in fine] + [(5, 255)]
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
rheobase = I_tau * (1 + I_spike / I_th)
rows = []
for code, color in REFRACTORY.items():
    biases = bd.Biases({name: BIASES[name] for name in BIASES})
    biases["SOIF_REFR_N"] = code
    t_ref = constants["Q_refractory"] / float(biases.current("SOIF_REFR_N"))
    table = bd.measure.fi_curve(biases, codes, duration=(200 if QUICK else 600) * ms, settle=100 * ms)
    table = table.sort_values("current_A")
    I_dc, rate = table["current_A"].to_numpy(), table["rate_Hz"].to_numpy()
    expected = paper_rate(I_dc, t_ref)
    # Below the rheobase there is silence. Above it the leak that is missing near the floor makes the interval shorter,
    # by some per cent at the lowest rates; a spike is placed inside its time step by interpolation.
    assert np.all(rate[I_dc < 0.98 * rheobase] == 0)
    counted = (I_dc > 1.5 * rheobase) & (rate > 0)
    assert np.allclose(rate[counted], expected[counted], rtol=0.05)
    assert rate[-1] * t_ref > 0.98  # the limit
    strong = np.geomspace(rheobase * 1.0001, 1e-6, 300)
    right.loglog(I_dc / 1e-9, rate, "o", color=color, markersize=4)
    right.loglog(strong / 1e-9, paper_rate(strong, t_ref), color=color, linewidth=1, label=f"{t_ref * 1e3:.1f} ms")
    right.axhline(1 / t_ref, color=color, linestyle=":", linewidth=1)
    name = f"SOIF_REFR_N ({code[0]},{code[1]})"
    middle = int(np.argmin(np.abs(I_dc - 1e-9)))
    rows.append((f"rate at {I_dc[middle] / 1e-9:.2f} nA, {name} (Hz)", expected[middle], rate[middle]))
    rows.append((f"limit 1/t_ref, {name} (Hz)", 1 / t_ref, rate[-1]))
right.set(xlabel="DC input (nA)", ylabel="firing rate (Hz)", ylim=(5, 3000))
right.legend(frameon=False, title="refractory period; lines: closed form", loc="lower right")
left.semilogy(time * 1e3, current / 1e-9, color=BLUE, label="model")
left.semilogy(
    time[first] * 1e3, of_paper / 1e-9, "--", color=BLACK, linewidth=1, label="paper's equation, to the first spike"
)
left.axhline(I_spike / 1e-9, color=BLACK, linewidth=0.5)
left.set(xlabel="time (ms)", ylabel="membrane current (nA)", xlim=(-1, 45), ylim=(5e-6, 100))
left.legend(frameon=False, loc="lower right")
figure.savefig(OUTPUT / "Chicca_2014_fig1.png", dpi=120)

# %% [markdown]
# ## Paper and here

# %%
rows.insert(0, ("time to the first spike (ms)", 1e3 * (1 / paper_rate(np.array(I_in), 0)), 1e3 * spikes[0]))
print(pd.DataFrame(rows, columns=["quantity", "paper", "here"]).round(2).to_string(index=False))
