"""Input, compilation and run of minimal_loop.cpp: the step of brian2dynapse written by hand, the limit of its speed.

The same network, number by number: parameters with mismatch and synapses are read off the Brian2 objects. In a process
of its own, as bench.py starts it::

    python benchmarks/minimal_loop.py --neurons 1024 --dt 1e-4 --duration 1 --directory build/loop
"""

import argparse
import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brian2dynapse.inflow import inflow_coefficients

SOURCE = Path(__file__).with_suffix(".cpp")
COMPILER = ("g++", "-O3", "-march=native", "-ffast-math", "-fno-finite-math-only")  # flags of Brian2's own programs
PROGRAM, INPUT, COUNTS = "minimal_loop", "input.bin", "counts.bin"
INPUT_RATE_HZ, INPUTS = 20.0, 64
DENDRITES = ("ampa", "nmda", "gaba", "shunt")
# The rate of the loop and of Brian2's network may differ by this, and by what the Poisson input of few runs explains.
TOLERANCE_PERCENT, STANDARD_ERRORS = 2.0, 3.0


class RatesDifferError(RuntimeError):
    """The loop is not the same network: its neurons fire at another rate."""


@dataclass(frozen=True)
class Pathway:
    """Synapses on one dendrite.

    Attributes
    ----------
    source : str
        Name of the group of their sources.
    i, j : numpy.ndarray of int
        Source and target of each.
    jump : numpy.ndarray
        By how much an event raises y + ln y, y = I/I_gain.
    """

    source: str
    i: np.ndarray
    j: np.ndarray
    jump: np.ndarray


@dataclass(frozen=True)
class Parts:
    """A network as arrays: constants of the chip, parameters of the neurons, synapses by dendrite; SI units."""

    neurons: int
    constants: dict[str, float]
    parameters: dict[str, np.ndarray]
    pathways: dict[str, Pathway]


def parts(net, suffix: str = "0") -> Parts:
    """Read a network of networks.py, or a driven one (brian2_runs.py), made in runtime mode."""
    group = net[f"neurons{suffix}"]
    constants = {name: float(value) for name, value in group.constants().items()}
    names = [*group.equation_parameters(), "tau_mem", "t_refractory", "tau_ahp", *(f"tau_{one}" for one in DENDRITES)]
    parameters = {name: np.asarray(getattr(group, f"{name}_")[:], dtype=float) for name in names}
    pulse = constants["Q_pulse_ahp"] / parameters["I_extender_ahp"]
    parameters["jump_ahp"] = parameters["I_weight_ahp"] * pulse / (parameters["tau_ahp"] * parameters["I_tau_ahp"])
    pathways = {}
    for dendrite in DENDRITES:
        connection = net[f"{dendrite}{suffix}"]
        charge = np.asarray(connection.I_weight_[:]) * np.asarray(connection.t_pulse_[:])
        slope = constants["kappa_p"] / (constants[f"C_{dendrite}"] * constants["U_T"] * constants["time_factor"])
        i, j = np.asarray(connection.i[:]), np.asarray(connection.j[:])
        pathways[dendrite] = Pathway(connection.source.name, i, j, charge * slope)
    return Parts(len(group), constants, parameters, pathways)


def write_input(path: Path, network: Parts, dt: float, duration: float, train=None) -> None:
    """Write what the program reads.

    Parameters
    ----------
    path : Path
        File to write.
    network : Parts
        From `parts`.
    dt, duration : float
        Seconds.
    train : tuple of dict and dict, optional
        Number of sources of each group of inputs, and (step, source) of its events; without, Poisson inputs are drawn.
    """
    n, values, constants = network.neurons, network.parameters, network.constants
    steps = round(duration / dt)
    kappa_n, kappa_p = constants["kappa_n"], constants["kappa_p"]
    sizes, events = train or ({"inputs0": INPUTS}, {})
    offsets, number = {"neurons0": 0}, n
    for name, size in sizes.items():
        offsets[name], number = number, number + size

    speed = kappa_n / (constants["C_mem"] * constants["U_T"] * constants["time_factor"])
    scalars = [dt, INPUT_RATE_HZ * dt, speed, constants["I_0"], kappa_n, kappa_p, *inflow_coefficients(kappa_p)]
    relative = [dt / values[f"tau_{name}"] for name in (*DENDRITES, "ahp")]
    rows = [values[f"I_gain_{dendrite}"] for dendrite in DENDRITES]
    rows += [np.exp(-x) for x in relative] + [-np.expm1(-x) / x for x in relative]
    rows += [values[name] for name in ("I_gain", "I_leak", "I_threshold", "I_nmda_gate", "I_cascode_ahp")]
    rows += [values[name] for name in ("t_refractory", "tau_ahp", "I_gain_ahp", "jump_ahp")]

    sources = np.concatenate([offsets[one.source] + one.i for one in network.pathways.values()])
    targets = np.concatenate([k * n + one.j for k, one in enumerate(network.pathways.values())])
    jumps = np.concatenate([one.jump for one in network.pathways.values()])
    order = np.argsort(sources, kind="stable")
    first_synapse = np.concatenate([[0], np.cumsum(np.bincount(sources, minlength=number))])

    at, who = (np.concatenate([np.empty(0, int), *columns]) for columns in _columns(events, offsets))
    in_time = np.argsort(at, kind="stable")
    in_time = in_time[at[in_time] < steps]
    with path.open("wb") as file:
        np.array([n, number - n, steps, len(sources), len(in_time)], dtype=np.int64).tofile(file)
        np.array(scalars, dtype=np.float64).tofile(file)
        np.array(rows, dtype=np.float64).tofile(file)
        first_synapse.astype(np.int64).tofile(file)
        targets[order].astype(np.int32).tofile(file)
        jumps[order].astype(np.float64).tofile(file)
        if len(in_time):
            np.concatenate([[0], np.cumsum(np.bincount(at[in_time], minlength=steps))]).astype(np.int64).tofile(file)
            who[in_time].astype(np.int32).tofile(file)


def _columns(events, offsets):
    """Steps, and numbers of the sources, of the events of each group."""
    return [step for step, _ in events.values()], [offsets[name] + who for name, (_, who) in events.items()]


def compile_program(directory: Path) -> float:
    """Compile into a directory; seconds that it took."""
    directory.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    subprocess.run([*COMPILER, str(SOURCE), "-o", str(directory / PROGRAM)], check=True)
    return time.perf_counter() - start


def command(directory: Path, seed: int) -> list[str]:
    """What to run in a directory that is prepared; it prints the processor seconds of the loop."""
    return [str(directory / PROGRAM), str(directory / INPUT), str(directory / COUNTS), str(seed)]


def counts(directory: Path) -> np.ndarray:
    """Number of spikes of each neuron in the last run."""
    return np.fromfile(directory / COUNTS, dtype=np.int32)


def check_rates(expected_hz, found_hz, where: str) -> None:
    """Compare rates of several runs of Brian2's network and of the loop.

    Raises
    ------
    RatesDifferError
        If the means differ by more than allowed.
    """
    expected_hz, found_hz = np.asarray(expected_hz, dtype=float), np.asarray(found_hz, dtype=float)
    expected, found = expected_hz.mean(), found_hz.mean()
    squares = [one.var(ddof=1) / len(one) for one in (expected_hz, found_hz) if len(one) > 1]
    allowed = TOLERANCE_PERCENT / 100 * expected + STANDARD_ERRORS * np.sqrt(sum(squares))
    if not abs(found - expected) <= allowed:
        raise RatesDifferError(
            f"{where}: the neurons of the loop fire at {found:.2f} Hz, those of Brian2 at {expected:.2f} Hz; "
            f"allowed are {allowed:.2f} Hz of difference"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--neurons", type=int, default=1024)
    parser.add_argument("--dt", type=float, default=1e-4, help="time step in seconds")
    parser.add_argument("--duration", type=float, default=1.0, help="biological seconds")
    parser.add_argument("--directory", type=Path, required=True, help="where to write program and input")
    parser.add_argument("--train", action="store_true", help="fixed trains of spikes instead of Poisson inputs")
    parser.add_argument("--run", type=int, default=0, help="run so often, with other inputs each time")
    arguments = parser.parse_args()
    import brian2_runs  # here: it imports this module

    compile_s = compile_program(arguments.directory)
    start = time.perf_counter()
    train = None
    if arguments.train:
        trains = brian2_runs.fixed_trains(arguments.neurons, arguments.duration)
        sizes = {name: size for name, (size, _, _) in trains.items()}
        per_step = round(brian2_runs.GRID_S / arguments.dt)
        train = sizes, {name: (at * per_step, who) for name, (_, at, who) in trains.items()}
    network = parts(brian2_runs.project_network(arguments.neurons, arguments.duration, arguments.train))
    write_input(arguments.directory / INPUT, network, arguments.dt, arguments.duration, train)
    result = {"setup_s": time.perf_counter() - start, "compile_s": compile_s}
    for seed in range(1, arguments.run + 1):
        done = subprocess.run(command(arguments.directory, seed), check=True, capture_output=True, text=True)
        result.setdefault("seconds", []).append(float(done.stdout))
        result.setdefault("rate_hz", []).append(counts(arguments.directory).mean() / arguments.duration)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
