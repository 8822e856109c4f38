# %% [markdown]
# # A script for the board, without the board
#
# `board_script.py`, beside this file, is a script as people write it for a DYNAP-SE2 board: it imports the vendor's
# driver, writes codes, CAM words and destinations, sends stamped events and reads spikes back. It does not know this
# package. Here it runs on a simulated board, unchanged. From a shell that is
#
#     python -m brian2dynapse.board tutorials/board_script.py
#
# The simulated chips are compiled once for a machine.

# %%
import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import brian2dynapse as bd
from brian2dynapse.board_spikes import plot_raster

QUICK = bool(os.environ.get("BRIAN2DYNAPSE_QUICK"))
OUTPUT = Path(os.environ.get("BRIAN2DYNAPSE_OUTPUT", "tutorial_output"))
OUTPUT.mkdir(parents=True, exist_ok=True)
HERE = Path(__file__).parent if "__file__" in globals() else Path.cwd()

# %% [markdown]
# ## Install the board
# From here on, `import samna` is answered by the simulation. With `patch_time`, the script's `time.sleep` is time on
# the chips and takes none of ours. The chip is an individual with a mismatch of 10 %.

# %%
chip = bd.Chip(seed=2, mismatch=0.1)
board = bd.board.install(chip=chip, patch_time=True)
sys.path.insert(0, str(HERE))
import board_script  # noqa: E402

opened = board_script.open_board()
print(opened)

# %% [markdown]
# ## Run the script
# Winner-take-all: 16 active inputs move from the left population to the right one and back, a step a second. First
# wired word by word, then with the labs' `Network` helper.

# %%
positions = (0, 16) if QUICK else (0, 4, 8, 12, 16, 12, 8, 4, 0)
step_us = 300_000 if QUICK else 1_000_000
results, traces, held = {}, {}, {}
for name, helper in (("by hand", False), ("with the helper", True)):
    before = board.clock.now_us
    *results[name], start = board_script.run(opened, positions, step_us, helper)
    trace = board.oscilloscope(0, board_script.CORE)
    traces[name] = trace.assign(time_s=trace["time_s"] - start * 1e-6)  # its counter began with the board's clock
    held[name] = board.configuration
    print(f"{name}: {(board.clock.now_us - before) * 1e-6:.2f} s on the board, {len(results[name][0])} events")


def rates(spikes, ids):
    """Mean rate of every population in every step, Hz."""
    numbers, times = np.array(spikes).reshape(-1, 2).T
    rows = []
    for k, position in enumerate(positions):
        inside = numbers[times // step_us == k]
        row = {name: np.isin(inside, own).sum() / len(own) / (step_us * 1e-6) for name, own in ids.items()}
        rows.append({"position": position} | row)
    return pd.DataFrame(rows)


for name, result in results.items():
    table = rates(*result)
    print(f"\n{name}, Hz:\n{table.round(1).to_string()}")
    at_left, at_right = table[table["position"] == 0], table[table["position"] == 16]
    assert np.all(at_left["left"] > 2 * at_left["right"]) and np.all(at_right["right"] > 2 * at_right["left"])

# %% [markdown]
# ## Raster, and one neuron's membrane
# Ids are those with which the script reads neurons out; inputs are echoed with ids of their own. The membrane is what
# the oscilloscope at the core's analog monitor shows.


# %%
class Own:
    """A population of the script, for the raster."""

    def __init__(self, name, ids):
        self.name, self.get_ids = name, lambda: ids


figure, panels = plt.subplots(4, 1, figsize=(10, 11), height_ratios=(3, 1.2, 3, 1.2), layout="constrained", sharex=True)
for (raster, membrane), (name, (spikes, ids)) in zip(panels.reshape(2, 2), results.items(), strict=True):
    numbers, times = np.array(spikes).reshape(-1, 2).T
    plot_raster([numbers, times * 1e-6], [Own(*one) for one in ids.items()], raster)
    raster.get_lines()[-1].set_label("inputs")
    raster.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1), markerscale=3)
    raster.set(title=f"Wired {name}", xlabel="")
    trace = traces[name]
    inside = trace["time_s"] >= 0
    membrane.plot(trace["time_s"][inside], trace["voltage_V"][inside], color="black", linewidth=0.5)
    membrane.set(ylabel="V_mem (V)", title=f"Neuron {board_script.MONITORED}")
panels[-1].set_xlabel("time since the first step (s)")
figure.savefig(OUTPUT / "07_board.png", dpi=120)

# %% [markdown]
# ## What the board noticed
# Every change of the configuration is in the log, with its time on the board. Warnings of common mistakes, such as a
# circuit whose codes are set while its latch is off, would be in `board.warnings`.

# %%
log = board.log
print(log.groupby(["time_s", "call"], sort=False).size().rename("values").reset_index().to_string(index=False))
print(f"warnings: {len(board.warnings)}")
assert board.warnings.empty

# %% [markdown]
# ## The same for the real board
# What the chips hold is a `Configuration`. Saved, it goes into the vendor driver's own object in the lab:
#
#     configuration = bd.Configuration.from_json("07_board.json")
#     model.apply_configuration(configuration.to_driver(model.get_configuration()))

# %%
path = held["with the helper"].to_json(OUTPUT / "07_board.json")
assert bd.Configuration.from_json(path) == held["with the helper"]
print(f"{path}: {held['with the helper']}")
bd.board.uninstall()
