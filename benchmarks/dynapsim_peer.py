"""Speed of a peer: DynapSim of Rockpool (https://rockpool.ai), as shipped and with one expression repaired.

Run it with the Python of a virtual environment that has dynapsim_requirements.txt, not with that of brian2dynapse::

    python benchmarks/dynapsim_peer.py --neurons 1024 --synapses 64 --dt 1e-4 --duration 0.1 --repeat 5 --json out.json

The network: recurrent neurons with DynapSim's default currents, 64 Poisson channels of 20 Hz, and a fixed number of
weights a neuron that are not zero, a quarter from the channels (a LinearJax layer) and the rest recurrent. Both weight
matrices are dense, as they are in Rockpool. The DynapSim that can be installed has one synapse a neuron, "AMPA, GABA,
NMDA, SHUNT combined", and not four: a positive weight excites and a negative one inhibits.

**What is slow as shipped.** In every time step DynapSim computes the recurrent input as the product of the transposed
weight matrix with the vector of spikes, `jnp.dot(w_rec.T, spikes)`. XLA's CPU compiler does not turn this into a plain
matrix-vector product: it fuses a *copy* of the transposed matrix with the product into one simple loop, so each step
walks a matrix of (neurons x neurons) against the order in which it lies in memory, without the fast kernel. The
same numbers in the other order, `spikes @ w_rec`, need no transposition. `RepairedDynapSim` does only this: it runs
DynapSim's own `evolve` with another `dot`.

**What is measured.** `evolve` with all it returns, compiled ahead with the network as an *argument* of `jax.jit`, as
if its weights were trained. This is kinder than the plain call `network(raster)`, which compiles anew each time. The
slow loop appears in both. It does not if the network is closed over, `jax.jit(network.evolve)`: the weights are
then constants, and XLA transposes them while compiling. `--constant-weights` measures that, too, unrepaired.
Each variant has a process of its own, so that its peak of memory is its own.
"""

import argparse
import json
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from unittest import mock

import jax
import numpy as np
from jax import numpy as jnp
from rockpool.devices.dynapse import DynapSim
from rockpool.devices.dynapse.simulation import dynapsim as dynapsim_module
from rockpool.nn.combinators import Sequential
from rockpool.nn.modules import LinearJax

CHANNELS = 64
INPUT_RATE_HZ = 20.0
INPUT_SHARE = 0.25
# In units of DynapSim's Iscale (10 nA). Chosen for some 30 Hz with 64 synapses a neuron.
INPUT_WEIGHT = 0.08
RECURRENT_WEIGHT = 0.03
# The neurons start at the leakage floor; after this time they fire at their steady rate.
SETTLING_S = 0.2
AS_SHIPPED, REPAIRED, CONSTANT_WEIGHTS = "as shipped", "repaired", "as shipped, constant weights"
CHECKED = ("iahp", "imem", "isyn", "vmem")
TOLERANCE = 1e-4


class RepairDiffersError(RuntimeError):
    """The repaired DynapSim does not give the trajectories of the one shipped."""


class RepairNotUsedError(RuntimeError):
    """DynapSim does not call the function that the repair replaces: another version of Rockpool."""


class NumpyWithOtherDot:
    """`jax.numpy`, but `dot(A, x)` of a matrix and a vector computed as `x @ A.T`; counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __getattr__(self, name: str) -> object:
        return getattr(jnp, name)

    def dot(self, matrix: jax.Array, vector: jax.Array) -> jax.Array:
        self.calls += 1
        # The matrix is w_rec.T, so that this second transposition cancels the first: none is left to compute.
        return jnp.matmul(vector, matrix.T)


class RepairedDynapSim(DynapSim):
    """DynapSim with the recurrent input computed without transposing the weights."""

    def evolve(self, input_data: jax.Array, record: bool = True) -> tuple:
        # JAX calls evolve only to trace it, so that it is enough to replace the function for that long.
        numpy = NumpyWithOtherDot()
        with mock.patch.object(dynapsim_module, "jnp", numpy):
            result = super().evolve(input_data, record)
        if numpy.calls == 0:
            raise RepairNotUsedError("DynapSim.evolve does not call jnp.dot: see dynapsim_requirements.txt")
        return result


@dataclass(frozen=True)
class Settings:
    """What to simulate, and how often."""

    neurons: int
    synapses: int
    dt: float
    duration: float
    repeat: int
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("neurons", "synapses", "repeat"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, must be at least 1")
        if not 0 < self.dt <= self.duration:
            raise ValueError(f"dt is {self.dt} s and duration {self.duration} s, must be 0 < dt <= duration")
        if self.input_synapses > CHANNELS:
            raise ValueError(f"synapses is {self.synapses}: {self.input_synapses} from only {CHANNELS} input channels")
        if self.synapses - self.input_synapses > self.neurons:
            raise ValueError(f"synapses is {self.synapses}: more recurrent ones than the {self.neurons} neurons")

    @property
    def input_synapses(self) -> int:
        return round(INPUT_SHARE * self.synapses)


def fixed_indegree(generator: np.random.Generator, sources: int, targets: int, count: int) -> np.ndarray:
    """Dense matrix (sources, targets) with `count` ones in each column, at random rows."""
    rows = np.argsort(generator.random((sources, targets)), axis=0)[:count]
    matrix = np.zeros((sources, targets), dtype=np.float32)
    np.put_along_axis(matrix, rows, 1, axis=0)
    return matrix


def build(settings: Settings, kind: type[DynapSim]) -> Sequential:
    """The network; the same for both kinds."""
    generator = np.random.default_rng(settings.seed)
    inputs = INPUT_WEIGHT * fixed_indegree(generator, CHANNELS, settings.neurons, settings.input_synapses)
    count = settings.synapses - settings.input_synapses
    recurrent = fixed_indegree(generator, settings.neurons, settings.neurons, count)
    # Different weights, half of them inhibitory.
    recurrent *= generator.normal(scale=RECURRENT_WEIGHT, size=recurrent.shape).astype(np.float32)
    return Sequential(
        LinearJax(inputs.shape, weight=inputs, has_bias=False),
        kind(
            recurrent.shape,
            has_rec=True,
            w_rec=recurrent,
            dt=settings.dt,
            rng_key=jax.random.PRNGKey(settings.seed),
        ),
    )


def poisson_raster(settings: Settings, duration: float, stream: int) -> np.ndarray:
    """Number of events in each step and channel."""
    generator = np.random.default_rng((settings.seed, stream))
    steps = round(duration / settings.dt)
    return generator.poisson(INPUT_RATE_HZ * settings.dt, size=(steps, CHANNELS)).astype(np.float32)


def compile_evolve(network: Sequential, raster: np.ndarray, constant_weights: bool = False):
    """Compiled function of a raster that returns what `evolve` returns."""
    if constant_weights:
        return jax.jit(lambda events: network.evolve(events)).lower(raster).compile()
    # The network is flattened here once: to do it in each call would be timed with the simulation.
    leaves, structure = jax.tree_util.tree_flatten(network)
    evolve = jax.jit(lambda values, events: jax.tree_util.tree_unflatten(structure, values).evolve(events))
    compiled = evolve.lower(leaves, raster).compile()
    return lambda events: compiled(leaves, events)


def neurons_of(by_module: dict) -> dict:
    """State or record of the neurons, of what Sequential returns by the names of its modules."""
    (name,) = (name for name in by_module if name.endswith("DynapSim"))
    return by_module[name]


def check_repair(settings: Settings) -> None:
    """Compare the trajectories of a small network as shipped and repaired.

    Raises
    ------
    RepairDiffersError
        If one differs by more than float32 arithmetic in another order explains, or there is nothing to compare.
    """
    small = Settings(neurons=96, synapses=64, dt=settings.dt, duration=0.3, repeat=1)
    raster = poisson_raster(small, small.duration, stream=0)
    expected, found = (
        {
            name: np.asarray(values)
            for name, values in neurons_of(compile_evolve(build(small, kind), raster)(raster)[2]).items()
            if name in (*CHECKED, "spikes")
        }
        for kind in (DynapSim, RepairedDynapSim)
    )
    if not expected["spikes"].any():
        raise RepairDiffersError("no neuron of the small network fired: its recurrent weights were not used")
    for name in CHECKED:
        error = np.max(np.abs(found[name] - expected[name])) / np.max(np.abs(expected[name]))
        if not error <= TOLERANCE:
            raise RepairDiffersError(f"{name} differs by {error:.2g} of its maximum, allowed {TOLERANCE:.2g}")
    if not np.array_equal(found["spikes"], expected["spikes"]):
        raise RepairDiffersError(f"{np.count_nonzero(found['spikes'] != expected['spikes'])} spikes differ")


def settled_state(settings: Settings) -> dict[str, np.ndarray]:
    """State of the neurons after SETTLING_S, from which every variant is timed."""
    raster = poisson_raster(settings, SETTLING_S, stream=1)
    state = neurons_of(compile_evolve(build(settings, RepairedDynapSim), raster)(raster)[1])
    # evolve adds an axis of batches; and it returns as "isyn" the synaptic current that it takes from "iampa".
    start = {name: np.asarray(state[name][0]) for name in ("iahp", "imem", "spikes", "timer_ref", "vmem")}
    return {**start, "iampa": np.asarray(state["isyn"][0])}


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far, in 10^6 bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: on Linux its figure starts with that of the process that started this one.
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def measure(settings: Settings, variant: str, start_state: dict[str, np.ndarray]) -> dict:
    """The row of one variant."""
    network = build(settings, RepairedDynapSim if variant == REPAIRED else DynapSim)
    (neurons,) = (name for name in network.modules() if name.endswith("DynapSim"))
    network = network.set_attributes({neurons: start_state})
    raster = poisson_raster(settings, settings.duration, stream=2)
    start = time.perf_counter()
    evolve = compile_evolve(network, raster, constant_weights=variant == CONSTANT_WEIGHTS)
    compile_s = time.perf_counter() - start
    jax.block_until_ready(evolve(raster))
    simulated = raster.shape[0] * settings.dt
    seconds = []
    for _ in range(settings.repeat):
        start = time.perf_counter()
        spikes, _, _ = jax.block_until_ready(evolve(raster))
        seconds.append((time.perf_counter() - start) / simulated)
    return {
        "variant": variant,
        "neurons": settings.neurons,
        "dt_s": settings.dt,
        "duration_s": settings.duration,
        "compile_s": compile_s,
        "seconds_per_biological_second": seconds,
        "mean_rate_hz": float(np.sum(spikes)) / settings.neurons / simulated,
        "peak_memory_mb": peak_memory_mb(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--neurons", type=int, default=1024)
    parser.add_argument("--synapses", type=int, default=64, help="weights a neuron that are not zero")
    parser.add_argument("--dt", type=float, default=1e-4, help="time step in seconds")
    parser.add_argument("--duration", type=float, default=0.1, help="biological seconds of each timed run")
    parser.add_argument("--repeat", type=int, default=5, help="number of timed runs")
    parser.add_argument("--constant-weights", action="store_true", help=f"measure also '{CONSTANT_WEIGHTS}'")
    parser.add_argument("--json", type=Path, required=True, help="file to write")
    arguments = parser.parse_args()
    settings = Settings(arguments.neurons, arguments.synapses, arguments.dt, arguments.duration, arguments.repeat)
    variants = [AS_SHIPPED, REPAIRED] + [CONSTANT_WEIGHTS] * arguments.constant_weights
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"), max_tasks_per_child=1) as processes:
        processes.submit(check_repair, settings).result()
        start_state = processes.submit(settled_state, settings).result()
        rows = [processes.submit(measure, settings, variant, start_state).result() for variant in variants]
    arguments.json.write_text(json.dumps(rows, indent=1) + "\n")
    medians = {row["variant"]: 1 / np.median(row["seconds_per_biological_second"]) for row in rows}
    print("times real time: " + ", ".join(f"{variant} {speed:.3g}" for variant, speed in medians.items()))


if __name__ == "__main__":
    main()
