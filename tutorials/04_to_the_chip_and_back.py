# %% [markdown]
# # To the chip and back
#
# A network is written as in Brian2, put into the memory of one individual chip, looked at, saved, read back, changed,
# and simulated again from nothing but the content of that memory. At the end, one network that does not fit.
#
# Pictures and the configuration go to `OUTPUT`. `QUICK` shortens the runs; what is asserted stays.

# %%
import os
from dataclasses import replace
from pathlib import Path

import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
from brian2 import Hz, ms, nA, pA

import brian2dynapse as bd
from brian2dynapse.plot import BLACK, BLUE, ORANGE, VERMILION

QUICK = bool(os.environ.get("BRIAN2DYNAPSE_QUICK"))
OUTPUT = Path(os.environ.get("BRIAN2DYNAPSE_OUTPUT", "tutorial_output"))
OUTPUT.mkdir(parents=True, exist_ok=True)
DURATION = (200 if QUICK else 600) * ms

b2.prefs.codegen.target = "numpy"
b2.defaultclock.dt = 0.2 * ms

# %% [markdown]
# ## A network
# Three cell types, each with its own biases, and so each on a core of its own: all neurons of a core share them.
# Codes are in common use; the leaks of two types are asked for as currents.
#
# The chip is an individual: its transistors differ (mismatch), and some of its CAM words do not work (profile), more
# of them with tags below 1024 than above. A profile is measured; here one is drawn that has the yields of real chips.

# %%
chip = bd.Chip(seed=3, mismatch=0.2, profile=bd.ChipProfile.synthetic(seed=3))
print(chip.profile.to_frame().round(2).to_string(index=False))

# Weights of the masks used here, time constants and gains of the dendrites are the same for all; leak and refractory
# period are those of the type.
common = {
    "SOIF_GAIN_N": (3, 80), "SOIF_SPKTHR_P": (3, 254), "SYPD_EXT_N": (3, 200),
    "DEAM_ETAU_P": (2, 30), "DEAM_EGAIN_P": (2, 35), "DEGA_ITAU_P": (1, 50), "DEGA_IGAIN_P": (1, 70),
    "DESC_ITAU_P": (2, 16), "DESC_IGAIN_P": (1, 90), "SYAM_W0_P": (4, 80), "SYAM_W1_P": (4, 120),
}  # fmt: skip
pyr_biases = bd.Biases(common | {"SOIF_LEAK_N": 61 * pA, "SOIF_REFR_N": (2, 45)})
pv_biases = bd.Biases(common | {"SOIF_LEAK_N": 125 * pA, "SOIF_REFR_N": (2, 85)})
sst_biases = bd.Biases(
    common
    | {"SOIF_LEAK_N": (2, 4), "SOIF_REFR_N": (2, 60)}
    | {"SOAD_PWTAU_N": (2, 160), "SOAD_GAIN_P": (1, 100), "SOAD_TAU_P": (0, 20), "SOAD_W_N": (1, 180)}
)
pyr = bd.Neurons(128, pyr_biases, chip=chip, name="pyr")
pv = bd.Neurons(24, pv_biases, chip=chip, name="pv")
sst = bd.Neurons(24, sst_biases, latches={"so_adaptation"}, chip=chip, name="sst")

# %% [markdown]
# Inputs are events from outside: 32 Poisson trains, drawn once, so that the same ones can be given again later.
#
# Connections: fixed in-degree with repeated synapses, random pairs, all-to-all, and one whose weights are *currents*,
# one a synapse. The chip has four weight currents a core and a mask of four bits a synapse; a weight has to be
# composed of them.

# %%
steps = round(float(DURATION / b2.defaultclock.dt))
step, index = np.nonzero(np.random.default_rng(0).random((steps, 32)) < float(60 * Hz * b2.defaultclock.dt))
times = step * b2.defaultclock.dt
inputs = b2.SpikeGeneratorGroup(32, index, times, name="inputs")

to_pyr = bd.Connection(inputs, pyr, "ampa", "0001", name="to_pyr")
to_pyr.connect_fixed_indegree(4, repeat=4, seed=1)
to_pv = bd.Connection(pyr, pv, "ampa", "0001", name="to_pv")
to_pv.connect_fixed_indegree(12, repeat=2, seed=2)
to_sst = bd.Connection(pyr, sst, "ampa", "0001", std=True, name="to_sst")
to_sst.connect_fixed_indegree(12, repeat=2, seed=3)
pv_pyr = bd.Connection(pv, pyr, "shunt", "0010", name="pv_pyr")
pv_pyr.connect()
sst_pyr = bd.Connection(sst, pyr, "gaba", "0001", name="sst_pyr")
sst_pyr.connect(p=0.25, seed=4)
wanted = np.random.default_rng(1).lognormal(np.log(15), 0.6, 128 * 8) * nA
recurrent = bd.Connection(pyr, pyr, "ampa", wanted, name="recurrent")
recurrent.connect_fixed_indegree(8, seed=5, autapses=False)

spikes = [b2.SpikeMonitor(group, name=f"model_{group.name}") for group in (pyr, pv, sst)]
connections = [to_pyr, to_pv, to_sst, pv_pyr, sst_pyr, recurrent]
net = b2.Network(inputs, pyr, pv, sst, connections, spikes)

# %% [markdown]
# ## The mapping
# `map_network` finds a core for each population (or takes the one that is asked for), physical neurons, tags,
# CAM words and SRAM words (destinations), and the codes for the real-valued weights. `place` is optional.
#
# A spike monitor has a meaning on the chip: these neurons are read out, which costs each one of its four destinations.

# %%
mapping = bd.map_network(net, chip=chip, place={"pyr": (0, 2), "pv": (0, 1), "sst": (0, 3)})
print(mapping)
print(mapping.neurons.groupby("population").head(2).to_string(index=False))
print(mapping.synapses.groupby("connection").head(1).to_string(index=False))
used = mapping.utilization()
print(used[used["used"] > 0].round(3).to_string(index=False))

# No synapse is lost, and what no profile allows is not used.
assert len(mapping.synapses) == sum(len(connection) for connection in connections)
words = mapping.synapses[["chip", "core", "neuron", "cam"]].to_numpy().T
upper_half = (mapping.synapses["tag"].to_numpy() >= 1024).astype(int)
assert np.all(chip.profile.usable[*words, upper_half])

# %% [markdown]
# What the mapping wants to be known stands in its notes. All parvalbumin cells are connected to all pyramidal cells
# with `connect()`; so they share one tag, and 24 synapses of a neuron need one CAM word.

# %%
print(*mapping.notes, sep="\n")
shared = mapping.synapses[mapping.synapses["connection"] == "pv_pyr"]
assert shared["tag"].nunique() == 1 and np.all(shared["sharing"] == 24)

# %% [markdown]
# The picture: every core is a square of 16 x 16 neurons, numbered column by column; the colour is the number of CAM
# words. Neurons lie scattered, since those with more usable CAM words are taken first.

# %%
figure = mapping.plot()
figure.savefig(OUTPUT / "04_mapping.png", dpi=120)

# %% [markdown]
# ## What the codes cannot do
# A current that was asked for becomes the nearest code; `mapping.biases` has the error. Four weight currents and
# fifteen masks stand for 1024 different weights. Two of the four are fixed by the masks of other connections to these
# neurons (`0001` and `0010`); codes for the other two, and masks, make the sum of the squared errors least. Small
# weights come off worst; `weight_error="relative"` minds them more.

# %%
biases = mapping.biases.set_index(["core", "bias"])
print(biases[biases["asked_A"].notna()].to_string())
print(biases.loc[[(2, name) for name in bd.weight_fit.WEIGHT_BIASES], ["coarse", "fine", "current_A"]].to_string())
assert np.abs(biases["error"]).max() < 0.03
weights = mapping.weights
print(weights.head(3).to_string(index=False))
print(f"weights: middle error {100 * weights['error'].abs().median():.0f} % of the weight, in all "
      f"{100 * (weights['got_A'].sum() / weights['wanted_A'].sum() - 1):+.1f} %")  # fmt: skip
assert np.all(weights["got_A"] > 0)
rms = np.sqrt(np.mean((weights["got_A"] - weights["wanted_A"]) ** 2))
assert rms < 0.25 * weights["wanted_A"].std()

figure, axes = plt.subplots(figsize=(4.5, 4), layout="constrained")
axes.loglog(weights["wanted_A"] / 1e-9, weights["got_A"] / 1e-9, ".", color=BLUE, markersize=3)
axes.axline((1, 1), (10, 10), color=BLACK, linewidth=0.5)
axes.set(xlabel="weight asked for (nA)", ylabel="weight on the chip (nA)", aspect="equal")
figure.savefig(OUTPUT / "04_weights.png", dpi=120)

# %% [markdown]
# ## An independent check
# `verify` knows nothing of how the mapping was made. It sends one event from every neuron and input through
# destinations, masks, hops, tags and CAM words, and compares who receives it with what was asked. It runs at the end
# of every mapping; here again, and with one word of the memory spoilt.

# %%
print(bd.verify(mapping))
configuration = mapping.configuration
synapse = mapping.synapses[mapping.synapses["connection"] == "recurrent"].iloc[0]
place = tuple(int(synapse[name]) for name in ("chip", "core", "neuron", "cam"))
tags = configuration.synapse_tag.copy()
tags[place] = 2046  # nobody sends it
spoilt = bd.verify(replace(mapping, configuration=configuration.replace(synapse_tag=tags)), strict=False)
print(spoilt.summary())
assert not spoilt and f"pyr[{synapse['target_index']}]" in spoilt.summary()

# %% [markdown]
# ## The configuration: what the chip holds
# Integers and booleans only, with the names of the populations as comments. It is saved as JSON, and read back equal.
# One entry reads like the vendor driver's tree.

# %%
file = configuration.to_json(OUTPUT / "04_configuration.json")
print(file.name, file.stat().st_size // 1024, "kB")
assert bd.Configuration.from_json(file) == configuration
neuron = configuration.chips[place[0]].cores[place[1]].neurons[place[2]]
print(neuron.synapses[place[3]])
print(neuron.destinations[0])
assert neuron.synapses[place[3]].tag == synapse["tag"] and neuron.synapses[place[3]].dendrite == bd.Dendrite.ampa

# %% [markdown]
# With a board on the desk, the vendor's driver takes it from here:
# ```python
# driver_configuration = model.get_configuration()      # model: the driver's DYNAP-SE2 model of the board
# configuration.to_driver(driver_configuration)         # fills it
# model.apply_configuration(driver_configuration)
# ```
# What an input has to send for an event is in `mapping.inputs`: tag, core mask and hops.

# %%
print(mapping.inputs.head(3).to_string(index=False))

# %% [markdown]
# ## Back: what the chip will run
# `to_network` makes a Brian2 network of the configuration alone. Inputs come without spikes; they are given to the
# group of the same name. Three runs: the model as it was written, with weights that no chip has; the model with the
# weights that were chosen; the network of the configuration. The mapping has moved the model to its physical neurons
# and CAM words, so that it has their mismatch; the last two agree spike for spike.

# %%
net.store("written")
net.run(DURATION)
written = [(np.array(monitor.i), monitor.t / ms) for monitor in spikes]

net.restore("written")
for name in bd.weight_fit.WEIGHT_BIASES:
    pyr_biases[name] = tuple(int(biases.at[(2, name), part]) for part in ("coarse", "fine"))
own = mapping.synapses[mapping.synapses["connection"] == "recurrent"].sort_values("number")
recurrent.weight = own["weight"].to_numpy()
net.run(DURATION)


def run_on_chip(configuration):
    """Simulate a configuration with the same inputs; the spike monitors."""
    on_chip = bd.to_network(configuration, chip=chip)
    on_chip["inputs"].set_spikes(index, times)
    on_chip.run(DURATION)
    return {name: on_chip[f"spikes_{name}"] for name in ("pyr", "pv", "sst")}


mapped = run_on_chip(bd.Configuration.from_json(file))
for monitor, (of_written, _) in zip(spikes, written, strict=True):
    group = monitor.source.name
    print(f"{group}: {len(of_written)} spikes as written, {monitor.num_spikes} with the chosen weights, "
          f"{mapped[group].num_spikes} of the configuration")  # fmt: skip
    np.testing.assert_array_equal(mapped[group].i, monitor.i)
    np.testing.assert_array_equal(mapped[group].t, monitor.t)
    assert monitor.num_spikes > 20
    assert abs(len(of_written) / monitor.num_spikes - 1) < 0.3

figure, panels = plt.subplots(2, 1, figsize=(9, 6), layout="constrained", sharex=True, sharey=True)
rasters = [written, [(np.array(monitor.i), monitor.t / ms) for monitor in mapped.values()]]
titles = ("the model as written: any weight", "the configuration, simulated: four weight currents")
for axes, raster, text in zip(panels, rasters, titles, strict=True):
    offset, ticks = 0, {}
    for (i, time), monitor, color in zip(raster, spikes, (BLUE, VERMILION, ORANGE), strict=True):
        axes.scatter(time, i + offset, s=8, marker="|", color=color, linewidth=0.8)
        ticks[offset + len(monitor.source) / 2] = monitor.source.name
        offset += len(monitor.source) + 5
    axes.set_yticks(list(ticks), list(ticks.values()))
    axes.set_title(text, loc="left", fontsize=10)
panels[1].set(xlabel="time (ms)", xlim=(0, DURATION / ms))
figure.savefig(OUTPUT / "04_spikes.png", dpi=120)

# %% [markdown]
# ## A change
# A configuration is frozen; `replace` makes another one, `diff` says what differs. The first weight current of
# the pyramidal cells is lowered here, as one would on the chip, without mapping again.

# %%
codes = configuration.core_codes.copy()
codes[0, 2, bd.facts.core_biases().index("SYAM_W0_P")] = (4, 60)
weaker = configuration.replace(core_codes=codes)
print(configuration.diff(weaker).to_string(index=False))
assert len(configuration.diff(weaker)) == 1
fewer = run_on_chip(weaker)
print("spikes of pyr:", mapped["pyr"].num_spikes, "before,", fewer["pyr"].num_spikes, "with the weaker synapses")
assert fewer["pyr"].num_spikes < 0.9 * mapped["pyr"].num_spikes

# %% [markdown]
# ## One that does not fit
# A model may be larger than the chip: it runs. A neuron of the chip has 64 CAM words; eighty inputs are too many. The
# mapping says who needs what, and of which there is how much.


# %%
def thalamus(indegree=None, **kwds):
    """A hundred inputs to fifty neurons; all to all without an in-degree."""
    source = b2.PoissonGroup(100, 20 * Hz, name="thalamus")
    layer4 = bd.Neurons(50, bd.Biases(common), name="layer4")
    thalamic = bd.Connection(source, layer4, "ampa", name="thalamic", **kwds)
    if indegree:
        thalamic.connect_fixed_indegree(indegree, seed=1)
    else:
        thalamic.connect()
    network = b2.Network(source, layer4, thalamic)
    network.run(1 * ms)
    return network


too_large = thalamus(80)
try:
    bd.map_network(too_large)
    message = ""
except bd.MappingError as error:
    message = str(error)
print(message)
assert all(word in message for word in ("layer4[0]", "80", "64", "thalamic"))

# %% [markdown]
# What one does about it: fewer inputs with a larger weight; or all of them, with one shared tag, if it does not
# matter which input an event comes from.

# %%
fewer_inputs = bd.map_network(thalamus(40, weight="0010"))
all_inputs = bd.map_network(thalamus())
print(fewer_inputs)
print(all_inputs)
assert fewer_inputs.neurons["cams"].max() == 40
assert len(all_inputs.synapses) == 5000 and all_inputs.neurons["cams"].max() == 1
