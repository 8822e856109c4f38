# %% [markdown]
# # Bartolozzi & Indiveri 2007: the mean current is linear in the rate
#
# C. Bartolozzi and G. Indiveri, *Synaptic dynamics in analog VLSI*, Neural Computation 19 (2007) 2581-2603,
# [doi:10.1162/neco.2007.19.10.2581](https://doi.org/10.1162/neco.2007.19.10.2581): the differential-pair integrator
# (DPI).
#
# **Reproduced**: the mean output current is linear in the input rate $f$, for regular and for Poisson input, with the
# slope of the linear filter, $d\langle I\rangle/df = I_g I_w t_p / I_\tau$, until pulses of width $t_p$ fill the time
# at $f = 1/t_p$; and where the full equation departs from it.
#
# **Not reproduced**: measured currents, which are of another chip and process. The figures of the paper were not at
# hand, so that this one has its own number, codes and range of rates.
#
# **Where the number is from**: the charge that an input spike adds in the linear filter, $\tau (I_g I_w/I_\tau) (1 -
# e^{-t_p/\tau})$, as the documentation of the DYNAP-SE simulator of Rockpool (`DynapSim`) quotes it from the paper,
# times $f$, for $t_p \ll \tau$. What the full equation says is derived below.

# %%
import os
from pathlib import Path

import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from brian2 import Hz, ms, second

import brian2dynapse as bd
from brian2dynapse.plot import BLACK, BLUE, GREEN, VERMILION

QUICK = bool(os.environ.get("BRIAN2DYNAPSE_QUICK"))
OUTPUT = Path(os.environ.get("BRIAN2DYNAPSE_OUTPUT", "tutorial_output"))
OUTPUT.mkdir(parents=True, exist_ok=True)

b2.prefs.codegen.target = "numpy"
COPIES = 10 if QUICK else 50  # neurons with their own Poisson input at each rate
DURATION = (0.3 if QUICK else 2.1) * second
SETTLE = 0.1  # second

# %% [markdown]
# ## What the full equation says
# With $y = I/I_g$, far above the floor, $(1 + 1/y)\,\tau\, dy/dt = I_{in}/I_\tau - 1 - y$. The left side is the
# derivative of $\tau (y + \ln y)$; its mean is zero if the input goes on for ever. So for *every* stationary input,
# regular or Poisson, weak or strong,
#
# $$\langle I \rangle = I_g \left( \frac{\langle I_{in}\rangle}{I_\tau} - 1 \right) =
# I_g \frac{I_w t_p}{I_\tau} (f - f_0), \qquad f_0 = \frac{I_\tau}{I_w t_p}.$$
#
# The slope is exactly that of the paper; the line does not begin at 0 but at $f_0$. Neglecting $f_0$ is the paper's
# assumption $I_{in} \gg I_\tau$. Below $f_0$ the current stays near the floor; near $f_0$ Poisson input gives more
# than the line says, since the current cannot fall below the floor. (One might expect that $I \gg I_g$ is needed,
# too. It is not, for the mean.)


# %%
def mean_currents(codes, input_rates, step=0.1 * ms):
    """Mean current of the AMPA dendrite over time, in amp, at each input rate.

    Returns the means for regular and for Poisson input, the standard error of the latter, and a connection.
    """
    b2.defaultclock.dt = step
    number, copies = len(input_rates), COPIES
    neurons = bd.Neurons(number * (1 + copies), bd.Biases(codes), name="neurons")
    event_times = [np.arange(0, float(DURATION), 1 / rate) for rate in input_rates]
    indices = np.repeat(np.arange(number), [len(one) for one in event_times])
    regular = b2.SpikeGeneratorGroup(number, indices, np.concatenate(event_times) * second, name="regular")
    poisson = b2.PoissonGroup(number * copies, np.repeat(input_rates, copies) * Hz, name="poisson")
    synapses = [
        bd.Connection(source, target, dendrite="ampa", weight="0001", name=f"from_{source.name}")
        for source, target in ((regular, neurons[:number]), (poisson, neurons[number:]))
    ]
    for one in synapses:
        one.connect(j="i")
    # Regular events and samples could beat, so that every step is recorded; of Poisson input a sample a ms will do.
    every_step = b2.StateMonitor(neurons, "Iampa", record=np.arange(number))
    sampled = b2.StateMonitor(neurons, "Iampa", record=np.arange(number, len(neurons)), dt=1 * ms)
    b2.seed(1)
    b2.Network(neurons, regular, poisson, synapses, every_step, sampled).run(DURATION)
    # A recorded value is that at the end of a step, in which the current fell; the mean over the step is a bit larger.
    steps_in_tau = float(step / neurons.tau_ampa[0])
    of_regular, of_poisson = (
        one.Iampa_[:, one.t_ >= SETTLE].mean(axis=1) * np.expm1(steps_in_tau) / steps_in_tau
        for one in (every_step, sampled)
    )
    of_poisson = of_poisson.reshape(number, copies)
    return of_regular, of_poisson.mean(axis=1), of_poisson.std(axis=1, ddof=1) / np.sqrt(copies), synapses[0]


def closed_forms(synapses):
    """The paper's slope in amp a hertz, and the rate at which the line of the full equation begins."""
    neurons = synapses.neurons
    I_tau, I_gain, I_weight = (float(one[0]) for one in (neurons.I_tau_ampa, neurons.I_gain_ampa, synapses.I_weight))
    pulse = float(synapses.pulse_width())
    return I_gain * I_weight * pulse / I_tau, I_tau / (I_weight * pulse), I_gain


# %% [markdown]
# ## Two regimes
# With a strong weight and a slow dendrite the line begins at 8 Hz: the paper's assumption holds at all but the lowest
# rates. With the fast dendrite and the weight that are usual on this chip it begins at 153 Hz.

# %%
REGIMES = {
    "slow dendrite, as the paper assumes": (
        {"DEAM_ETAU_P": (1, 40), "DEAM_EGAIN_P": (0, 40), "SYAM_W0_P": (5, 80), "SYPD_EXT_N": (3, 200)},
        np.array([5, 10, 20, 50, 100, 150, 200, 300]),
    ),
    "usual codes": (
        {"DEAM_ETAU_P": (2, 40), "DEAM_EGAIN_P": (1, 60), "SYAM_W0_P": (5, 30), "SYPD_EXT_N": (3, 200)},
        np.array([20, 60, 100, 150, 200, 300, 400, 600]),
    ),
}
figure, panels = plt.subplots(1, 3, figsize=(14, 4), layout="constrained")
rows = []
for axes, (title, (codes, input_rates)) in zip(panels, REGIMES.items(), strict=False):
    regular, poisson, error, synapses = mean_currents(codes, input_rates)
    slope, begin, gain = closed_forms(synapses)
    # Well above f_0 the mean is that of the full equation. Regular input: what is left is the floor, and a
    # run that does not end with a whole period. Poisson: five standard errors of the mean.
    above = input_rates > 2 * begin
    full = slope * (input_rates - begin)
    assert np.allclose(regular[above], full[above], rtol=0.02)
    assert np.all(np.abs(poisson[above] - full[above]) < 5 * error[above] + 0.02 * full[above])
    slopes = {
        "regular": np.polyfit(input_rates[above], regular[above], 1)[0],
        "Poisson": np.polyfit(input_rates[above], poisson[above], 1, w=1 / error[above])[0],
    }
    assert abs(slopes["regular"] / slope - 1) < 0.01
    rows += [(f"slope, {title}, {kind} (pA/Hz)", slope / 1e-12, one / 1e-12) for kind, one in slopes.items()]
    rows.append(
        (f"rate at which it begins, {title} (Hz)", 0.0, input_rates[above][0] - regular[above][0] / slopes["regular"])
    )
    axes.errorbar(input_rates, poisson / 1e-12, error / 1e-12, fmt="o", color=VERMILION, markersize=5, label="Poisson")
    axes.plot(input_rates, regular / 1e-12, "x", color=BLUE, markersize=7, label="regular")
    line = np.array([0, input_rates[-1]])
    axes.plot(line, slope * line / 1e-12, "--", color=BLACK, linewidth=1, label="linear filter (paper)")
    kinked = np.array([0, begin, input_rates[-1]])
    axes.plot(kinked, slope * np.maximum(kinked - begin, 0) / 1e-12, color=GREEN, linewidth=1, label="full equation")
    axes.set(
        xlabel="input rate (Hz)", ylabel="mean current of the dendrite (pA)", title=f"{title}: $f_0$ = {begin:.0f} Hz"
    )
    axes.legend(frameon=False)
    if title == "usual codes":
        linear_over_circuit = slope * input_rates[3] / regular[3]
        assert linear_over_circuit > 5  # the linear filter at 150 Hz

# %% [markdown]
# ## Saturation
# A long pulse, 1 ms: regular events faster than 1 kHz find it still open and only keep it so, and the current stays
# at its value for constant input. Poisson events merge before that: a pulse stays open for the shorter of $t_p$ and
# the time to the next event, together for the share $1 - e^{-f t_p}$ of the time.

# %%
SATURATING = {"DEAM_ETAU_P": (1, 40), "DEAM_EGAIN_P": (0, 40), "SYAM_W0_P": (3, 160), "SYPD_EXT_N": (2, 20)}
STEP = 0.05 * ms
input_rates = np.array([50, 100, 200, 400, 600, 800, 1000, 1500, 2000])
regular, poisson, error, synapses = mean_currents(SATURATING, input_rates, STEP)
slope, begin, gain = closed_forms(synapses)
pulse = float(synapses.pulse_width())
largest = slope / pulse  # the paper's current for constant input, I_g I_w / I_tau


def share_open(rate):
    """Share of the time in which the pulse is open, for events that come in a time step with probability rate dt."""
    step = float(STEP)
    whole = int(pulse / step)
    no_event = (1 - rate * step) ** whole  # in as many steps as a pulse has; e^(-f t_p) for short ones
    return 1 - no_event + rate * (pulse - whole * step) * no_event


for share, measured, deviation, color, marker, label in (
    (np.minimum(input_rates * pulse, 1), regular, 0, BLUE, "x", "regular"),
    (share_open(input_rates), poisson, error, VERMILION, "o", "Poisson"),
):
    # regular events are on the grid of the time step, the slowest but for 1 % of their period
    assert np.all(np.abs(measured - (largest * share - gain)) < 5 * deviation + 0.01 * largest)
    panels[2].plot(input_rates, measured / 1e-9, marker, color=color, label=label)
    panels[2].plot(input_rates, (largest * share - gain) / 1e-9, color=color, linewidth=1)
panels[2].plot(
    [0, 1.1 / pulse], [0, 1.1 * largest / 1e-9], "--", color=BLACK, linewidth=1, label="linear filter (paper)"
)
panels[2].axvline(1 / pulse, color=BLACK, linewidth=0.5)
panels[2].set(xlabel="input rate (Hz)", ylabel="mean current of the dendrite (nA)", title="saturation, $t_p$ = 1 ms")
panels[2].legend(frameon=False, loc="lower right")
figure.savefig(OUTPUT / "Bartolozzi_2007_fig2.png", dpi=120)
rows.append(("saturated, regular input at 2 kHz (nA)", largest / 1e-9, regular[-1] / 1e-9))

# %% [markdown]
# ## Paper and here
# `paper` is the linear filter at these codes. Its slope is that of the circuit; that its line begins at 0 is the
# approximation. Poisson slopes carry the noise of a finite run, asserted above.

# %%
print(pd.DataFrame(rows, columns=["quantity", "paper", "here"]).round(4).to_string(index=False))
