# %% [markdown]
# # A sweep over two biases
#
# A network of excitatory and inhibitory neurons: for which gain of the excitatory synapses, and which gain of the
# inhibitory ones, does it neither explode nor fall silent? A sweep answers: one row for each pair of codes, run on
# all processors, interrupted, continued, run again on Dask workers, and at last as copies in one vectorised group.
#
# Pictures and the file of the sweep go to `OUTPUT`. `QUICK` makes the grid coarser and the runs shorter; what is
# asserted stays. The sweep needs `pip install joblib "dask[distributed]"`.

# %%
import os
import time
from pathlib import Path

import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from brian2 import ms, second

import brian2dynapse as bd

QUICK = bool(os.environ.get("BRIAN2DYNAPSE_QUICK"))
OUTPUT = Path(os.environ.get("BRIAN2DYNAPSE_OUTPUT", "tutorial_output"))
OUTPUT.mkdir(parents=True, exist_ok=True)
DURATION = (0.15 if QUICK else 0.5) * second
STEP = 0.2 * ms
SOURCES, SETTLE, BIN = 48, 0.05, 0.005  # number of inputs; second: what is not counted, bins of the synchrony

# %% [markdown]
# ## The network
# A function makes it, since every process needs one of its own; so it also sets what a process has to know: the target
# of the code generation and the time step.


# %%
def make_network(codes=None):
    """64 excitatory neurons, with codes that differ, 16 inhibitory ones, and 48 sources that have no spikes yet."""
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = STEP
    weights = {"SYAM_W0_P": (4, 120), "SYAM_W1_P": (4, 120)}
    exc = bd.Neurons(64, bd.Biases(weights | (codes or {})), name="exc")
    inh = bd.Neurons(16, bd.Biases({"SOIF_LEAK_N": (2, 10)}), name="inh")
    source = b2.SpikeGeneratorGroup(SOURCES, [], [] * ms, name="source")
    ends = [(source, exc, "ampa", "0001", 16), (source, inh, "ampa", "0010", 8), (exc, exc, "ampa", "0001", 8),
            (exc, inh, "ampa", "0010", 16), (inh, exc, "shunt", "0010", 8)]  # fmt: skip
    connections = []
    for number, (before, after, dendrite, weight, indegree) in enumerate(ends):
        connections.append(bd.Connection(before, after, dendrite, weight, name=f"{before.name}_{after.name}"))
        connections[-1].connect_fixed_indegree(indegree, seed=number)
    monitors = [b2.SpikeMonitor(group, name=f"spikes_{group.name}") for group in (exc, inh)]
    return b2.Network(exc, inh, source, connections, monitors)


def poisson_spikes(seed):
    """Spikes of the sources, 60 Hz each: (indices, times), the same for the same seed."""
    draws = np.random.default_rng(seed).random((round(float(DURATION / STEP)), SOURCES))
    step, index = np.nonzero(draws < 60 * float(STEP))
    return index, step * STEP


def results(times):
    """Rate of an excitatory neuron; variance over mean of the spikes in a bin, 1 if neurons fire independently."""
    late = times[times >= SETTLE]
    counts = np.histogram(late, np.arange(SETTLE, float(DURATION) + BIN / 2, BIN))[0]
    synchrony = counts.var() / counts.mean() if counts.any() else np.nan
    return {"rate_Hz": len(late) / (64 * (float(DURATION) - SETTLE)), "synchrony": synchrony}


# %% [markdown]
# ## A row
# A row is a dict, or a line of a DataFrame; here it has two codes, named as the population and its bias, and a number
# that tells repetitions apart. `seed` is the row's own, see below. What the function returns becomes columns. (A
# function whose arguments have the names of the columns gets them one by one: `run_one(weight, leak, seed)`.)


# %%
def run_one(row):
    """The network with two codes of its excitatory neurons: gains of their AMPA and of their shunt dendrites."""
    network = make_network({name.removeprefix("exc."): row[name] for name in (EXCITATION, INHIBITION)})
    network["source"].set_spikes(*poisson_spikes(row["seed"]))
    network.run(DURATION)
    return results(np.asarray(network["spikes_exc"].t))


EXCITATION, INHIBITION = "exc.DEAM_EGAIN_P", "exc.DESC_IGAIN_P"
excitation = [(2, 90), (2, 160), (3, 25), (3, 45), (3, 70), (3, 120)]
inhibition = [(2, 120), (3, 30), (3, 60), (4, 15), (4, 30), (4, 60)]
if QUICK:
    excitation, inhibition = excitation[::5], inhibition[::3]
rows = [{EXCITATION: gain, INHIBITION: shunt, "repetition": 0} for gain in excitation for shunt in inhibition]
print(len(rows), "rows, the first one:", rows[0])

# %% [markdown]
# `seed=1` gives every row a seed that follows from this number and from what is in its cells; not from its place, not
# from where it runs. Rows with equal cells have equal seeds; that is what the column `repetition` is for: another
# number in it is another draw.
#
# A row that fails does not stop the others. It says why.

# %%
wrong = rows[0] | {EXCITATION: (3, 300)}
table = bd.sweep(run_one, [rows[0], wrong], seed=1)
print(table.to_string())
assert table["error"].tolist() == ["", "CodeError: DEAM_EGAIN_P: fine is 300; a fine code is 0..255"]
assert np.isnan(table["rate_Hz"][1])

# %% [markdown]
# ## On all processors, interrupted and continued
# Any executor with a `map` will do. Joblib's processes take functions that are written in a notebook, or in a script as
# this one. (`ProcessPoolExecutor` and `multiprocessing.Pool` take functions of a module, and a script that uses them
# has to stand below `if __name__ == "__main__":`.)
#
# With `file`, what is done is kept. Here somebody presses Ctrl-C after a third of the rows; the same call continues.

# %%
from joblib import Parallel  # noqa: E402 (here is where it is needed)

file = OUTPUT / "06_sweep.jsonl"
file.unlink(missing_ok=True)  # of an earlier run of this tutorial


def interrupt(done, total):
    """A report that is called with the rows done and all of them."""
    if done >= total / 3:
        raise KeyboardInterrupt


processes = Parallel(n_jobs=2, return_as="generator_unordered")
begin = time.perf_counter()
try:
    bd.sweep(run_one, rows, processes, file, seed=1, report=interrupt)
except KeyboardInterrupt:
    print("interrupted with", len(file.read_text().splitlines()) - 1, "rows in the file")
table = bd.sweep(run_one, rows, processes, file, seed=1)
seconds = time.perf_counter() - begin
print({name: table.attrs[name] for name in ("read", "run", "failed")}, f"{seconds:.0f} s")
print(table.head(3).to_string())
assert table.attrs["read"] == -(-len(rows) // 3) and table.attrs["run"] == len(rows) - table.attrs["read"]
assert not table["error"].any()

# %% [markdown]
# The map. Axes are currents, ticks are codes. If the gain of the excitatory synapses is high and that of the
# inhibitory ones low, the network runs away to the rate that its refractory period allows; in the opposite corner the
# input alone does not make it fire. Along the border between the two it fires in volleys.
# A cross says that there is no value: neurons that do not spike have no synchrony.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5), layout="constrained")
rate, synchrony = "rate of the excitatory neurons (Hz)", f"variance / mean of their spikes in {1000 * BIN:.0f} ms"
bd.plot.heat_map(table, EXCITATION, INHIBITION, "rate_Hz", left, label=rate)
bd.plot.heat_map(table, EXCITATION, INHIBITION, "synchrony", right, label=synchrony)
figure.savefig(OUTPUT / "06_heat_map.png", dpi=120)

by_code = table.pivot_table(index=INHIBITION, columns=EXCITATION, values="rate_Hz").loc[inhibition, excitation]
print(by_code.round(1).to_string())
assert np.all(np.diff(by_code, axis=0) < 5) and np.all(np.diff(by_code, axis=1) > -5)  # Hz, of several hundred
assert by_code.iloc[0, -1] > 300 and by_code.iloc[-1, 0] < 1
assert table["synchrony"].max() > 20

# %% [markdown]
# ## On Dask
# A Dask client stands for workers anywhere, on a cluster of computers for example
# (`Client(dask_jobqueue.SLURMCluster(...))`). Here they are two processes on this machine. The table is the same to
# the last bit. (In a notebook, `LocalCluster()` is the usual way; in a script it needs `if __name__ == "__main__":`,
# the workers of a `SubprocessCluster` do not.)

# %%
from distributed import Client, SubprocessCluster  # noqa: E402

begin = time.perf_counter()
with (
    SubprocessCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
    Client(cluster) as client,
):
    on_dask = bd.sweep(run_one, rows, client, seed=1)
print(f"on Dask: {time.perf_counter() - begin:.0f} s")
pd.testing.assert_frame_equal(on_dask, table, check_exact=True)

# %% [markdown]
# ## All rows as one group
# Rows that differ in codes and inputs only can run together: copies of one network, side by side in one vectorised
# group. NumPy's cost is by the operation, not by the neuron, so that this is far faster than one network after the
# other. The columns say what they are: `"exc.DEAM_EGAIN_P"` is a bias of `exc`. The rows, their seeds and the table
# are the same: a row does not depend on the copies beside it. `bd.ProgramRows` does this with one compiled C++ program,
# a run a row.


# %%
def inputs(row):
    """Spikes of a row."""
    return {"source": poisson_spikes(row["seed"])}


def read(replicas):
    """Results of each copy."""
    spikes = replicas.spikes("spikes_exc")
    return [results(spikes["t_s"][spikes["replica"] == number].to_numpy()) for number in range(len(replicas))]


copies = bd.CopiesRows(make_network, read, DURATION, inputs=inputs, labels=["repetition"])
some = rows[:: len(rows) // 2]
begin = time.perf_counter()
bd.sweep(run_one, some, seed=1)
one_by_one = (time.perf_counter() - begin) / len(some)
begin = time.perf_counter()
as_copies = bd.sweep(copies, rows, seed=1)
together = (time.perf_counter() - begin) / len(rows)
print(
    f"a row alone {one_by_one:.2f} s, as one of {len(rows)} copies {together:.2f} s: {one_by_one / together:.1f} times"
)
assert QUICK or together < one_by_one  # four copies are too few to be sure of it on a busy machine
pd.testing.assert_frame_equal(as_copies, table, check_exact=True)
