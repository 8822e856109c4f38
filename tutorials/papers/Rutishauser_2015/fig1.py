# %% [markdown]
# # Rutishauser, Slotine & Douglas 2015: the gain of a winner-take-all network
#
# U. Rutishauser, J.-J. Slotine and R. Douglas, *Computation in dynamically bounded asymmetric systems*, PLOS Computational
# Biology 11 (2015) e1004039,
# [doi:10.1371/journal.pcbi.1004039](https://doi.org/10.1371/journal.pcbi.1004039); the circuit is that of Rutishauser, Douglas
# & Slotine 2011, [doi:10.1162/NECO_a_00091](https://doi.org/10.1162/NECO_a_00091).
#
# **Reproduced**: with spiking neurons under the constraints of the chip (64 CAM words a neuron, four weight currents a
# core), the gain of the winner, $1/(1 + \beta_1\beta_2 - \alpha)$; that a self-excitation $\alpha > 1$ makes the choice a hard
# one, with hysteresis, and $\alpha < 1$ a soft one. The couplings are measured on the populations alone, then the network is
# closed and compared with what they predict. The network is mapped onto the chip.
#
# **Not reproduced**: the paper's networks of many units, its analysis of expansion and contraction, its figures. The
# paper's units are linear-threshold units without dimension; here they are populations, and their unit is hertz.
#
# **Where the numbers are from**: formula and parameters from the authors' published code
# (github.com/rutishauserlab/wta-graphcoloring, `collective/calcGain.m`, `collective/collective_main.m`): $\alpha$ = 1.2, $\beta_1$ =
# 3, $\beta_2$ = 0.25, gain 1.8 with loads of 1. Only $\beta_1\beta_2$ = 0.75 enters the gain; here $\beta_1$ and $\beta_2$ are about
# equal, so that the inhibitory neurons fire as fast as the others.

# %%
import os
from pathlib import Path

import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from brian2 import Hz, ms, nA, pA, second

import brian2dynapse as bd
from brian2dynapse.plot import BLACK, BLUE, ORANGE, VERMILION

QUICK = bool(os.environ.get("BRIAN2DYNAPSE_QUICK"))
OUTPUT = Path(os.environ.get("BRIAN2DYNAPSE_OUTPUT", "tutorial_output"))
OUTPUT.mkdir(parents=True, exist_ok=True)

b2.prefs.codegen.target = "numpy"
b2.defaultclock.dt = (0.4 if QUICK else 0.2) * ms
SETTLE, LENGTH = 0.3, 0.3 if QUICK else 1.2  # second

# %% [markdown]
# ## Codes
# Gain currents of the dendrites are small, so that their mean currents are linear in the input rate above a few hertz a
# synapse (`Bartolozzi_2007/fig2.py`); a small leak makes the neurons linear from a few hertz on. NMDA carries the
# recurrent excitation, GABA, which is subtracted, the inhibition. Each kind of synapse has a weight bit of its own.

# %%
WEIGHTS = {"drive": "0001", "recurrent": "0010", "inhibition": "0100", "onto_inhibitory": "1000"}
CODES = bd.Biases({
    "SOIF_LEAK_N": 15 * pA, "SOIF_REFR_N": (3, 254), "SYPD_EXT_N": (3, 200),
    "DEAM_ETAU_P": 43 * pA, "DEAM_EGAIN_P": 13 * pA, "DENM_ETAU_P": 20 * pA, "DENM_EGAIN_P": 36 * pA,
    "DEGA_ITAU_P": 107 * pA, "DEGA_IGAIN_P": 17 * pA,
    "SYAM_W0_P": 31 * nA, "SYAM_W1_P": 7.3 * nA, "SYAM_W2_P": 99 * nA, "SYAM_W3_P": 31 * nA,
})  # fmt: skip
EXCITATORY, INHIBITORY, CHANNELS = 48, 32, 32  # neurons of each population, input channels of each
INDEGREE = {"drive": 16, "recurrent": 24, "inhibition": 16, "onto_inhibitory": 24}  # the last from each population


def connect(source, target, kind, seed):
    """Synapses of one kind, from random sources."""
    dendrite = {"recurrent": "nmda", "inhibition": "gaba"}.get(kind, "ampa")
    connection = bd.Connection(source, target, dendrite, WEIGHTS[kind], name=f"{source.name}_{target.name}")
    connection.connect_fixed_indegree(INDEGREE[kind], seed=seed, autapses=False)
    return connection


def spike_rates(replicas, name, neurons):
    """Mean rate of a population in each copy, in hertz."""
    spikes = replicas.spikes(name)
    late = spikes.loc[spikes["t_s"] >= SETTLE, "replica"]
    return np.bincount(late, minlength=len(replicas)) / (neurons * LENGTH)


# %% [markdown]
# ## The populations alone
# Poisson sources stand for the other populations. Rates of all inputs vary together, and a regression gives
# $x = k + s\, r + \alpha\, x_{rec} - \beta_1\, y$ for an excitatory and $y = c + \beta_2\, x$ for an inhibitory population: $r$ is the rate
# of an input channel. If the populations are linear-threshold units, what is left over is small.

# %%
exc, inh = bd.Neurons(EXCITATORY, CODES, name="exc"), bd.Neurons(INHIBITORY, CODES, name="inh")
sources = {
    name: b2.PoissonGroup(size, 0 * Hz, name=name)
    for name, size in (("drive", CHANNELS), ("from_exc", EXCITATORY), ("from_inh", INHIBITORY), ("onto", EXCITATORY))
}
open_loop = b2.Network(
    exc, inh, *sources.values(),
    connect(sources["drive"], exc, "drive", 1), connect(sources["from_exc"], exc, "recurrent", 2),
    connect(sources["from_inh"], exc, "inhibition", 3), connect(sources["onto"], inh, "onto_inhibitory", 4),
    b2.SpikeMonitor(exc, name="spikes_exc"), b2.SpikeMonitor(inh, name="spikes_inh"),
)  # fmt: skip
levels = [(60, 120), (40, 120), (20, 60)] if QUICK else [(60, 90, 120), (40, 80, 120), (20, 40, 60)]
grid = np.array(np.meshgrid(*levels, indexing="ij")).reshape(3, -1).T
onto = np.linspace(40, 140, len(grid))
settings = [
    bd.Setting(inputs={"drive": r * Hz, "from_exc": x * Hz, "from_inh": y * Hz, "onto": one * Hz})
    for (r, x, y), one in zip(grid, onto, strict=True)
]
b2.seed(1)
replicas = bd.replicate(open_loop, settings)
replicas.run((SETTLE + LENGTH) * second)
x, y = spike_rates(replicas, "spikes_exc", EXCITATORY), spike_rates(replicas, "spikes_inh", INHIBITORY)
design = np.c_[np.ones(len(grid)), grid]
(k, s, alpha, minus_beta_1), *_ = np.linalg.lstsq(design, x, rcond=None)
beta_1, (beta_2, c) = -minus_beta_1, np.polyfit(onto, y, 1)
left_over = (x - design @ [k, s, alpha, minus_beta_1]).std()
print(f"alpha {alpha:.2f}, beta_1 {beta_1:.2f}, beta_2 {beta_2:.2f}, s {s:.2f}; left over {left_over:.1f} of {x.std():.0f} Hz")
assert left_over < 0.05 * x.std()
assert np.isclose(alpha, 1.2, rtol=0.1) and np.isclose(beta_1 * beta_2, 0.75, rtol=0.15)  # what the codes are for

# %% [markdown]
# ## The network closed
# Two excitatory populations, `left` and `right`, each with its input; one inhibitory population that both excite and that
# inhibits both. The self-excitation is set by the weight current of its bit, in proportion to which a DPI's slope is:
# 1.2, as in the authors' code, 0.9 and 0.6.


# %%
def closed_network():
    """The winner-take-all network with inputs that have no spikes yet."""
    left, right = (bd.Neurons(EXCITATORY, CODES, name=name) for name in ("left", "right"))
    inhibitory = bd.Neurons(INHIBITORY, CODES, name="inhibitory")
    connections = []
    inputs = [b2.SpikeGeneratorGroup(CHANNELS, [], [] * ms, name=f"input_{one.name}") for one in (left, right)]
    for seed, (drive, population) in enumerate(zip(inputs, (left, right), strict=True)):
        connections += [
            connect(drive, population, "drive", [seed, 1]),
            connect(population, population, "recurrent", [seed, 2]),
            connect(inhibitory, population, "inhibition", [seed, 3]),
            connect(population, inhibitory, "onto_inhibitory", [seed, 4]),
        ]
    monitors = [b2.SpikeMonitor(one, name=f"spikes_{one.name}") for one in (left, right, inhibitory)]
    return b2.Network(left, right, inhibitory, inputs, connections, monitors)


def poisson_spikes(steps, length, seed):
    """Spikes of the channels of one input, with a rate in hertz for each step of a length in second."""
    step = float(b2.defaultclock.dt)
    probabilities = np.repeat(steps, round(length / step)) * step
    fired = np.random.default_rng(seed).random((len(probabilities), CHANNELS)) < probabilities[:, None]
    when, channels = np.nonzero(fired)
    return channels, when * step * second


def with_alpha(wanted):
    """Codes that scale the self-excitation."""
    current = float(CODES.current("SYAM_W1_P")) * wanted / alpha
    code = bd.Biases({"SYAM_W1_P": current * b2.amp})
    return {"SYAM_W1_P": code["SYAM_W1_P"]}, alpha * float(code.current("SYAM_W1_P") / CODES.current("SYAM_W1_P"))


ALPHAS = (0.6, 1.2) if QUICK else (0.6, 0.9, 1.2)
rates_left = np.array([80.0, 140.0] if QUICK else [80.0, 100.0, 120.0, 140.0, 160.0])
RATIO = 0.4  # input of the right population over that of the left one
settings, cases = [], []
for wanted in ALPHAS:
    codes, realised = with_alpha(wanted)
    for number, rate in enumerate(rates_left):
        drives = {
            f"input_{side}": poisson_spikes([one], SETTLE + LENGTH, [number, which])
            for which, (side, one) in enumerate((("left", rate), ("right", RATIO * rate)))
        }
        settings.append(bd.Setting(codes=codes, inputs=drives))
        cases.append((wanted, realised, rate))
closed = closed_network()
replicas = bd.replicate(closed, settings)
replicas.run((SETTLE + LENGTH) * second)
results = pd.DataFrame(cases, columns=["wanted", "alpha", "input_Hz"])
for name, neurons in (("left", EXCITATORY), ("right", EXCITATORY), ("inhibitory", INHIBITORY)):
    results[name] = spike_rates(replicas, f"spikes_{name}", neurons)

# %% [markdown]
# With $y = c + \beta_2 x$ in the equation of the winner, and the loser silent,
# $x = (k + s\, r - \beta_1 c) / (1 + \beta_1 \beta_2 - \alpha)$: every change of the input, in the unit of the rate that it causes
# in the population alone, is multiplied by the gain.

# %%
results["predicted"] = (k + s * results["input_Hz"] - beta_1 * c) / (1 + beta_1 * beta_2 - results["alpha"])
print(results.round(2).to_string(index=False))
