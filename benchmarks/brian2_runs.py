"""The networks of the benchmark in Brian2, each in its own process: this project, and the same model written plainly.

As bench.py starts it, for a program of C++ standalone mode, and for the targets of runtime mode::

    python benchmarks/brian2_runs.py build --model project --neurons 1024 --directory build/chip
    python benchmarks/brian2_runs.py runtime --target numpy --neurons 1024

**The plain model** is what many would write: the differential equations in amp as in the papers, forward Euler,
`(unless refractory)`, an event that adds to the current of a dendrite, all else as Brian2 has it. Parameters and wiring
are those of the project's network, number by number. What an event adds is the equation of the DPI times the width of
the pulse, as is usual, which is too little for strong synapses; so that the neurons fire about as often as those of the
project, the weights are scaled (`PLAIN_WEIGHT`). At a time step of 1 ms forward Euler is not stable: some currents
become no numbers, and the rate is wrong.

**Driven networks** (`--train`) have no recurrent synapses: in their place, and for the inputs, are fixed trains of
spikes on a grid of 1 ms. So the input is the same for every time step, and rates of single neurons can be compared; in
a recurrent network they part for the smallest difference.
"""

import argparse
import json
import shutil
import time
from pathlib import Path

import brian2 as b2
import numpy as np
from brian2 import Hz, amp, second
from minimal_loop import DENDRITES, Parts, parts
from networks import CODES, INPUTS, LATCHES, RATE, SYNAPSES_PER_DENDRITE, WEIGHTS, network

import brian2dynapse as bd

GRID_S = 1e-3
SEED = 0
PLAIN_WEIGHT = 1.4
PLAIN = """
dImem/dt = Imem/tau*(I_in/(1 + Imem/I_gain) - I_out*(1 - (I_0/Imem)**(1/kappa_n)))/I_leak : amp (unless refractory)
tau = C_mem*U_T/(kappa_n*I_leak) : second
I_in = clip(Iampa + Inmda/(1 + I_nmda_gate/Imem) - Igaba, 0*amp, 1*amp) : amp
I_out = I_leak + Ishunt + Iahp/(1 + Iahp/I_cascode_ahp) : amp
dIampa/dt = -Iampa/tau_ampa*(1 - (I_0/Iampa)**(1/kappa_p)) : amp
dInmda/dt = -Inmda/tau_nmda*(1 - (I_0/Inmda)**(1/kappa_p)) : amp
dIgaba/dt = -Igaba/tau_gaba*(1 - (I_0/Igaba)**(1/kappa_p)) : amp
dIshunt/dt = -Ishunt/tau_shunt*(1 - (I_0/Ishunt)**(1/kappa_p)) : amp
dIahp/dt = -Iahp/tau_ahp*(1 - (I_0/Iahp)**(1/kappa_p)) : amp
I_leak : amp (constant)
I_gain : amp (constant)
I_threshold : amp (constant)
I_nmda_gate : amp (constant)
I_cascode_ahp : amp (constant)
I_gain_ahp : amp (constant)
jump_ahp : 1 (constant)
I_gain_ampa : amp (constant)
I_gain_nmda : amp (constant)
I_gain_gaba : amp (constant)
I_gain_shunt : amp (constant)
tau_ampa : second (constant)
tau_nmda : second (constant)
tau_gaba : second (constant)
tau_shunt : second (constant)
tau_ahp : second (constant)
t_refractory : second (constant)
"""
PLAIN_RESET = """
Imem = I_0
Iahp += jump_ahp*Iahp/(1 + Iahp/I_gain_ahp)
"""
PLAIN_CONSTANTS = {"C_mem": b2.farad, "U_T": b2.volt, "kappa_n": 1, "kappa_p": 1, "I_0": amp}


def fixed_trains(neurons: int, duration: float) -> dict[str, tuple[int, np.ndarray, np.ndarray]]:
    """Number of sources of each group of a driven network, and the times (in `GRID_S`) and sources of its events."""
    generator = np.random.default_rng(SEED)
    trains = {}
    for name, size in {"inputs0": INPUTS, "others0": neurons}.items():
        fires = generator.random((round(duration / GRID_S), size)) < float(RATE / Hz) * GRID_S
        trains[name] = size, *np.nonzero(fires)
    return trains


def input_groups(neurons: int, duration: float) -> dict[str, b2.SpikeGeneratorGroup]:
    """The groups of a driven network."""
    return {
        name: b2.SpikeGeneratorGroup(size, who, at * GRID_S * second, name=name)
        for name, (size, at, who) in fixed_trains(neurons, duration).items()
    }


def project_network(neurons: int, duration: float, train: bool) -> b2.Network:
    """The network as this project has it."""
    if not train:
        return network(neurons, seed=SEED)
    groups = input_groups(neurons, duration)
    group = bd.Neurons(neurons, bd.Biases(CODES), LATCHES, chip=bd.Chip(seed=SEED, mismatch=0.2), name="neurons0")
    net = b2.Network(group, *groups.values(), b2.SpikeMonitor(group, name="spikes0"))
    for dendrite, weight in WEIGHTS.items():
        source = groups["inputs0" if dendrite == "ampa" else "others0"]
        connection = bd.Connection(source, group, dendrite, weight, name=f"{dendrite}0")
        connection.connect_fixed_indegree(SYNAPSES_PER_DENDRITE, seed=SEED)
        net.add(connection)
    return net


def plain_network(of: Parts, duration: float, train: bool) -> b2.Network:
    """The same network, written plainly."""
    inputs = input_groups(of.neurons, duration) if train else {}
    if not train:
        inputs["inputs0"] = b2.PoissonGroup(INPUTS, RATE, name="inputs0")
    group = b2.NeuronGroup(
        of.neurons,
        PLAIN,
        threshold="Imem > I_threshold",
        reset=PLAIN_RESET,
        refractory="t_refractory",
        method="euler",
        namespace={name: of.constants[name] * unit for name, unit in PLAIN_CONSTANTS.items()},
        name="neurons0",
    )
    for name, values in of.parameters.items():
        if name in group.equations.parameter_names:
            setattr(group, f"{name}_", values)
    for current in ("Imem", "Iahp", "Iampa", "Inmda", "Igaba", "Ishunt"):
        setattr(group, current, "I_0")
    sources = {"neurons0": group, **inputs}
    net = b2.Network(group, *inputs.values(), b2.SpikeMonitor(group, name="spikes0"))
    for dendrite in DENDRITES:
        path = of.pathways[dendrite]
        on_pre = f"I{dendrite}_post += weight*I{dendrite}_post/(1 + I{dendrite}_post/I_gain_{dendrite}_post)"
        synapses = b2.Synapses(sources[path.source], group, "weight : 1", on_pre=on_pre, name=f"{dendrite}0")
        synapses.connect(i=path.i, j=path.j)
        synapses.weight_ = PLAIN_WEIGHT * path.jump
        net.add(synapses)
    return net


def build(arguments: argparse.Namespace) -> dict:
    """Make a program, without running it; what is already compiled in the directory is used again."""
    start = time.perf_counter()
    if arguments.model == "plain":  # its numbers are those of the project's network, read before the device is set
        of = parts(project_network(arguments.neurons, arguments.duration, arguments.train))
        b2.start_scope()
    b2.set_device("cpp_standalone", build_on_run=False)
    b2.prefs.devices.cpp_standalone.openmp_threads = arguments.threads if arguments.threads > 1 else 0
    b2.defaultclock.dt = arguments.dt * second
    if arguments.model == "plain":
        net = plain_network(of, arguments.duration, arguments.train)
    else:
        net = project_network(arguments.neurons, arguments.duration, arguments.train)
    net.run(arguments.duration * second, profile=arguments.profile, namespace={})
    if arguments.like:
        shutil.copytree(arguments.like, arguments.directory, dirs_exist_ok=True)
    b2.device.build(directory=str(arguments.directory), compile=True, run=False, debug=False)
    compile_s = b2.device.timers["compile"]["make"]
    return {"setup_s": time.perf_counter() - start - compile_s, "compile_s": compile_s}


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far, in 10^6 bytes (Linux)."""
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


def run_here(arguments: argparse.Namespace) -> dict:
    """Run the project's network in runtime mode, several times; the first run, which may compile, is not timed."""
    b2.prefs.codegen.target = arguments.target
    b2.defaultclock.dt = arguments.dt * second
    start = time.perf_counter()
    net = project_network(arguments.neurons, arguments.duration, arguments.train)
    setup_s = time.perf_counter() - start
    start = time.perf_counter()
    net.run(5 * arguments.dt * second, namespace={})
    compile_s = time.perf_counter() - start
    seconds, rates = [], []
    for _ in range(arguments.repeats):
        before = net["spikes0"].num_spikes
        net.run(arguments.duration * second, namespace={})
        seconds.append(b2.get_device()._last_run_time)  # as in standalone mode: without writing the code
        rates.append((net["spikes0"].num_spikes - before) / arguments.neurons / arguments.duration)
    result = {"setup_s": setup_s, "compile_s": compile_s, "seconds": seconds, "rate_hz": rates}
    return result | {"peak_memory_mb": peak_memory_mb()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("build", "runtime"))
    parser.add_argument("--model", choices=("project", "plain"), default="project")
    parser.add_argument("--target", choices=("numpy", "cython"), default="numpy")
    parser.add_argument("--neurons", type=int, default=1024)
    parser.add_argument("--dt", type=float, default=1e-4, help="time step in seconds")
    parser.add_argument("--duration", type=float, default=1.0, help="biological seconds")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--train", action="store_true", help="driven by fixed trains of spikes")
    parser.add_argument("--profile", action="store_true", help="time each code object")
    parser.add_argument("--directory", type=Path, help="of the program")
    parser.add_argument("--like", type=Path, help="directory of a program that differs in little, to compile less")
    arguments = parser.parse_args()
    b2.BrianLogger.suppress_hierarchy("brian2.core.base")  # the objects that the plain model is read off are not run
    print(json.dumps(build(arguments) if arguments.what == "build" else run_here(arguments)))


if __name__ == "__main__":
    main()
