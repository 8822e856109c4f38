"""One run of R copies against R runs, written to benchmarks/replicas.csv: ratios, no seconds.

A network of 16 or 256 neurons with DC input and adaptation, 32 Poisson inputs of 20 Hz, 16 AMPA and 4 shunt synapses a
neuron, 20 % of mismatch; copies differ in the DC code. For each target and number of copies:

*run_ratio*: time of a step of all copies, over that of a step of the network alone. R runs take R of those, so that
  copies / run_ratio is what one run of all copies saves once everything is compiled (`gain`).
*prepare_ratio*: the same for all that comes before the first step: making the objects, code generation, compiler.

Steps are those of 0.1 ms; as many are run as take about as long in all cases, 200 at least. Each is measured once: on a
machine in use, gains repeat within a factor of two, and prepare_ratio, mostly that of the compiler, hardly at all.
"""

import sys
import tempfile
import time
from pathlib import Path

import brian2 as b2
import numpy as np
import pandas as pd
from brian2 import Hz, ms

import brian2dynapse as bd
from brian2dynapse.files import write_atomically

SIZES, COPIES = (16, 256), (1, 10, 100, 1000)
INPUTS, RATE, EXCITATION, SHUNT = 32, 20 * Hz, 16, 4
STEP = 0.1 * ms
NEURON_STEPS = {"numpy": 3e6, "cpp_standalone": 5e7}
FEWEST_STEPS, MOST_STEPS = 200, 20_000
OUTPUT = Path(__file__).with_suffix(".csv")


def network(neurons: int) -> b2.Network:
    """The network that is copied."""
    group = bd.Neurons(neurons, bd.Biases(), {"so_dc", "so_adaptation"}, bd.Chip(seed=1, mismatch=0.2), name="group")
    inputs = b2.PoissonGroup(INPUTS, RATE, name="inputs")
    excite = bd.Connection(inputs, group, "ampa", "0010", name="excite")
    excite.connect_fixed_indegree(EXCITATION, seed=1)
    shunt = bd.Connection(group, group, "shunt", "0001", name="shunt")
    shunt.connect_fixed_indegree(SHUNT, seed=2)
    return b2.Network(group, inputs, excite, shunt, b2.SpikeMonitor(group, name="spikes"))


def seconds(target: str, neurons: int, copies: int) -> tuple[float, float]:
    """Time to prepare, and time of one step."""
    b2.start_scope()
    with tempfile.TemporaryDirectory() as directory:
        if target == "cpp_standalone":
            b2.device.reinit()
            b2.set_device(target, directory=directory)
        return _seconds(target, neurons, copies)


def _seconds(target: str, neurons: int, copies: int) -> tuple[float, float]:
    start = time.perf_counter()
    net = network(neurons)
    if copies > 1:
        codes = np.linspace(40, 200, copies).astype(int)
        net = bd.replicate(net, [bd.Setting(codes={"SOIF_DC_P": (2, int(fine))}) for fine in codes]).network
    steps = int(np.clip(NEURON_STEPS[target] / (neurons * copies), FEWEST_STEPS, MOST_STEPS))
    if target == "cpp_standalone":
        net.run(steps * STEP)
        run = b2.device._last_run_time
        return time.perf_counter() - start - run, run / steps
    net.run(STEP)
    prepared = time.perf_counter()
    net.run(STEP)  # what a run costs beside its steps
    overhead = time.perf_counter() - prepared
    begin = time.perf_counter()
    net.run(steps * STEP)
    return prepared - start, max(time.perf_counter() - begin - overhead, 0) / steps


def main(targets) -> None:
    b2.prefs.codegen.target = "numpy"
    rows = []
    for target in targets:
        if target == "numpy":
            seconds(target, SIZES[0], 1)  # fills the caches of code generation
        for neurons in SIZES:
            alone = None
            for copies in COPIES:
                prepare, step = seconds(target, neurons, copies)
                alone = alone or (prepare, step)
                ratios = prepare / alone[0], step / alone[1]
                synapses = neurons * (EXCITATION + SHUNT)
                rows.append((target, neurons, synapses, copies, *ratios, copies / ratios[1]))
                print(*rows[-1], f"   ({prepare:.3g} s, {step:.3g} s a step)", flush=True)
    columns = ["target", "neurons", "synapses", "copies", "prepare_ratio", "run_ratio", "gain"]
    table = pd.DataFrame(rows, columns=columns)
    write_atomically(OUTPUT, lambda file: table.to_csv(file, index=False, float_format="%.3g"))
    print(f"wrote {OUTPUT}")


if __name__ == "__main__":
    main(sys.argv[1:] or NEURON_STEPS)
