"""The whole grid of 15 x 15 chips: 230 400 neurons, 14.7 million synapses, in one program. Memory and speed.

Every chip is wired as in networks.py, within itself. Writes grid.csv: peak memory of the process that builds it and of
the program, bytes a synapse, times real time.
"""

import argparse
import contextlib
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import brian2 as b2
import numpy as np
import pandas as pd
from brian2 import second
from networks import CODES, INPUTS, LATCHES, RATE, SYNAPSES_PER_DENDRITE, WEIGHTS

import brian2dynapse as bd
from brian2dynapse import facts
from brian2dynapse.files import write_atomically
from brian2dynapse.wiring import fixed_indegree

OUTPUT = Path(__file__).with_suffix(".csv")


def grid(chips: int) -> b2.Network:
    """Neurons of all chips as one group, each chip wired within itself and with inputs of its own."""
    size = facts.NEURONS_PER_CHIP
    neurons = bd.Neurons(chips * size, bd.Biases(CODES), LATCHES, chip=bd.Chip(seed=0, mismatch=0.2), name="neurons")
    inputs = b2.PoissonGroup(chips * INPUTS, RATE, name="inputs")
    spikes = b2.SpikeMonitor(neurons, record=False, name="spikes")
    net = b2.Network(neurons, inputs, spikes)
    for dendrite, weight in WEIGHTS.items():
        source, width = (inputs, INPUTS) if dendrite == "ampa" else (neurons, size)
        wiring = [fixed_indegree(width, size, SYNAPSES_PER_DENDRITE, seed=chip) for chip in range(chips)]
        pre = np.concatenate([(i + chip * width).astype(np.int32) for chip, (i, _) in enumerate(wiring)])
        post = np.concatenate([(j + chip * size).astype(np.int32) for chip, (_, j) in enumerate(wiring)])
        connection = bd.Connection(source, neurons, dendrite, weight, name=dendrite)
        connection.connect(i=pre, j=post)
        net.add(connection)
    return net


def run_and_watch(directory) -> float:
    """Run the program; its peak memory in MB (of its own: `getrusage` counts what the parent had when it forked)."""
    program = subprocess.Popen(["./main", "--results_dir", "results/"], cwd=directory)
    peak_kb = 0
    while program.poll() is None:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            lines = Path(f"/proc/{program.pid}/status").read_text().splitlines()
            peak_kb = max([peak_kb, *(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))])
        time.sleep(0.02)
    if program.returncode:
        raise RuntimeError(f"the program in {directory} ended with status {program.returncode}")
    return peak_kb / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chips", type=int, default=225)
    parser.add_argument("--duration", type=float, default=0.1, help="biological seconds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        b2.set_device("cpp_standalone", build_on_run=False)
        start = time.perf_counter()
        net = grid(options.chips)
        net.run(options.duration * second)
        b2.device.build(directory=directory, run=False)
        built = time.perf_counter() - start
        building_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        program_mb = run_and_watch(directory)
        seconds = float((Path(directory) / "results" / "last_run_info.txt").read_text().split()[0])
        counts = np.fromfile(next((Path(directory) / "results").glob("_array_spikes_count*")), np.int32)
    synapses = options.chips * facts.NEURONS_PER_CHIP * SYNAPSES_PER_DENDRITE * len(WEIGHTS)
    table = pd.DataFrame(
        {
            "chips": [options.chips],
            "neurons": [len(counts)],
            "synapses": [synapses],
            "rate_Hz": [counts.mean() / options.duration],
            "built_s": [built],
            "building_mb": [building_mb],
            "program_mb": [program_mb],
            "bytes_a_synapse": [program_mb * 2**20 / synapses],
            "times_real_time": [options.duration / seconds],
        }
    )
    write_atomically(OUTPUT, lambda file: table.to_csv(file, index=False, float_format="%.3g"))
    print(table.T.to_string(header=False))


if __name__ == "__main__":
    main()
