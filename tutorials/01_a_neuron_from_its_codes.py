# %% [markdown]
# # A neuron from its codes
#
# A user of the chip sets bias *codes*, looks at an oscilloscope and counts spikes. This tutorial does the same in
# simulation: codes, the currents that they make, a neuron with a constant input, its f-I curve over the codes of
# the DAC, adaptation, and the EPSPs of the four weight bits.
#
# Pictures go to `OUTPUT`. `QUICK` makes everything smaller; the numbers that are asserted stay.

# %%
import os
from pathlib import Path

import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
from brian2 import ms, mV, nA, pA, second

import brian2dynapse as bd

QUICK = bool(os.environ.get("BRIAN2DYNAPSE_QUICK"))
OUTPUT = Path(os.environ.get("BRIAN2DYNAPSE_OUTPUT", "tutorial_output"))
OUTPUT.mkdir(parents=True, exist_ok=True)

# A few neurons run fastest without compiling anything.
b2.prefs.codegen.target = "numpy"

# %% [markdown]
# ## Codes and currents
# `Biases()` is a documented working point. A bias is set by its code (coarse, fine), or by a current, for which the
# nearest of the 1536 codes is taken. The code is the truth; the current is what it makes in the circuit.

# %%
biases = bd.Biases()
biases["SOIF_LEAK_N"] = (2, 5)
print(biases["SOIF_LEAK_N"], biases.current("SOIF_LEAK_N"))
biases["SOIF_LEAK_N"] = 61 * pA
print(biases["SOIF_LEAK_N"], biases.current("SOIF_LEAK_N"))
biases["SOIF_LEAK_N"] = (2, 5)
print(biases.to_frame()[["bias", "coarse", "fine", "current_A", "role"]].head(8).to_string(index=False))

# %% [markdown]
# The DAC is not linear, and not even monotonic: its upper bits are compressed, so that the current falls where the
# fine code passes a multiple of 32 (at all of them at coarse 2 to 4, at some at the others).

# %%
fine = np.arange(256)
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
for coarse in range(6):
    current = bd.dac.current("SOIF_DC_P", coarse, fine)
    left.semilogy(fine, current, color=bd.plot.COARSE_COLORS[coarse], label=f"coarse {coarse}")
left.set(xlabel="fine code of SOIF_DC_P", ylabel="current in the circuit (A)", xticks=range(0, 257, 32))
left.legend(frameon=False, ncols=2)
right.plot(fine, bd.dac.current("SOIF_DC_P", 3, fine) / 1e-9, ".-", color=bd.plot.COARSE_COLORS[3], markersize=3)
right.set(xlabel="fine code of SOIF_DC_P, coarse 3", ylabel="current in the circuit (nA)", xticks=range(0, 257, 32))
figure.savefig(OUTPUT / "01_codes.png", dpi=120)
assert bd.dac.current("SOIF_DC_P", 3, 32) < bd.dac.current("SOIF_DC_P", 3, 31)

# %% [markdown]
# ## A neuron with a constant input
# The latch `so_dc` connects the DC input. `Vmem` is what the oscilloscope shows; `Imem` is the membrane current of the
# circuit, on which the equations are written.

# %%
neuron = bd.Neurons(1, biases, latches={"so_dc"}, name="neuron")
print(neuron)
print(neuron.equations)
print("membrane time constant", neuron.tau_mem[0], "refractory period", neuron.t_refractory[0])
for filter_name in ("ampa", "nmda", "gaba", "shunt", "ahp"):
    print("time constant", filter_name, getattr(neuron, f"tau_{filter_name}")[0])
assert round(neuron.tau_mem[0] / ms, 1) == 4.8 and round(neuron.tau_ampa[0] / ms, 1) == 1.9

trace = b2.StateMonitor(neuron, ["Vmem", "Imem"], record=True)
spikes = b2.SpikeMonitor(neuron)
net = b2.Network(neuron, trace, spikes)
net.run(300 * ms)
rate = 1 / np.diff(spikes.t)[-1]
print("rate", rate)
assert 20 < float(rate) < 100  # the working point: tens of hertz

figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.plot(trace.t / ms, trace.Vmem[0] / mV, color=bd.plot.BLUE)
axes.set(xlabel="time (ms)", ylabel="membrane, from rest (mV)", xlim=(0, 150))
figure.savefig(OUTPUT / "01_membrane.png", dpi=120)
# The swing from rest to threshold is U_T/kappa ln(I_threshold/I_0); the last step before a spike comes close to it.
chip = neuron.chip
swing = chip.constant("U_T") / chip.constant("kappa_n") * np.log(neuron.I_threshold[0] / chip.constant("I_0"))
print("swing", swing)
assert 0.98 < trace.Vmem[0].max() / swing < 1

# %% [markdown]
# Biases are live: a new code changes the neuron.

# %%
biases["SOIF_DC_P"] = (2, 120)
count = spikes.num_spikes
net.run(300 * ms)
print("spikes in 300 ms:", count, "then", spikes.num_spikes - count)
assert spikes.num_spikes - count > 2 * count
biases["SOIF_DC_P"] = (2, 40)

# %% [markdown]
# ## The f-I curve over the DAC
# All codes run at once, each with its own copy of the core. `Chip(seed=..., mismatch=...)` is an individual; without
# a seed the chip is ideal.

# %%
step = 32 if QUICK else 8
fine_codes = sorted({*range(0, 256, step), *range(31, 256, 32)})  # both sides of every multiple of 32
codes = [(coarse, code) for coarse in (1, 2, 3) for code in fine_codes]
table = bd.measure.fi_curve(
    biases, codes, chip=[bd.Chip(), bd.Chip(seed=42, mismatch=0.2)], neurons=8 if QUICK else 32, duration=300 * ms
)
ideal, individual = table[table["chip"] == 0], table[table["chip"] == 1]
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
bd.plot.fi_codes(ideal, left)
bd.plot.fi_current(individual, right, ideal)
figure.savefig(OUTPUT / "01_fi.png", dpi=120)
spread = individual.groupby("current_A")["rate_Hz"].agg(["mean", "std"])
strongest = spread.iloc[-1]
print(f"at the strongest input: {strongest['mean']:.0f} +- {strongest['std']:.0f} Hz")
assert 0.05 < strongest["std"] / strongest["mean"] < 0.5
assert np.all(ideal.sort_values("current_A")["rate_Hz"].diff().dropna() > -1)  # monotonic in the current, not the code

# %% [markdown]
# ## Adaptation
# With the latch `so_adaptation`, every spike adds to a slow current `Iahp` on the leak; intervals grow.

# %%
adapting = bd.Neurons(1, biases, latches={"so_dc", "so_adaptation"}, name="adapting")
spikes = b2.SpikeMonitor(adapting)
b2.Network(adapting, spikes).run(1.5 * second)
intervals = np.diff(spikes.t / ms)
print("intervals (ms): first", intervals[0].round(1), "last", intervals[-1].round(1))
assert intervals[-1] > 1.5 * intervals[0]

# %% [markdown]
# ## EPSPs of the four weight bits
# A synapse adds up the weight currents that its mask selects. One event moves the AMPA current by a *factor*, since a
# DPI multiplies as long as its current is below its gain: twice the charge is far more than twice the EPSP.

# %%
masks = ["0001", "0010", "0100", "1000"]
neurons = bd.Neurons(len(masks), biases, name="neurons")
event = b2.SpikeGeneratorGroup(1, [0], [5 * ms], name="event")
synapses = bd.Connection(event, neurons, dendrite="ampa", weight=masks, name="synapses")
synapses.connect()
trace = b2.StateMonitor(neurons, "Vmem", record=True)
b2.Network(neurons, event, synapses, trace).run(30 * ms)
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
for index, mask in enumerate(masks):
    label = f"{mask}: {synapses.I_weight[index] / nA:.0f} nA"
    axes.plot(trace.t / ms, trace.Vmem[index] / mV, color=bd.plot.COARSE_COLORS[index], label=label)
axes.set(xlabel="time (ms)", ylabel="membrane, from rest (mV)", xlim=(0, 30))
axes.legend(frameon=False, title="weight mask")
figure.savefig(OUTPUT / "01_epsp.png", dpi=120)
peaks = trace.Vmem.max(axis=1) / mV
half_widths = (trace.Vmem > trace.Vmem.max(axis=1)[:, None] / 2).sum(axis=1) * trace.clock.dt / ms
print("EPSP peaks (mV):", peaks.round(1), "widths at half height (ms):", half_widths.round(1))
assert np.all(np.diff(peaks) > 0) and 0.5 < peaks[0] and peaks[-1] < 20
