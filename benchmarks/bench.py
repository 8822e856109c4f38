"""Speed of one network in several simulators, side by side: benchmarks/bench.csv, bench_profile.csv and bench.png.

What is compared: this project in C++ standalone mode (one and two threads), Cython and NumPy; the same model written
plainly in Brian2 (brian2_runs.py); DynapSim of Rockpool (dynapsim_peer.py), in a virtual environment of its own; and
the step of this project in C++ by hand (minimal_loop.cpp), the limit. Every one runs in a process of its own.

How: programs run in turn, one after the other and again, so that other work on the machine slows all of them; the
median counts. Time is that of the simulation alone, as Brian2 reports it: of the processor for one thread, of the clock
for two. Setup (building the network, writing its code) and compilation are apart. DynapSim has its own currents and one
synapse a neuron: the same size, number of synapses and input, not the same neuron.

Rates of single neurons are compared on a chip that fixed trains of spikes drive, without recurrent synapses, with
those of the same model at a time step of 10 us (those of the loop with those of the project).
"""

import argparse
import glob
import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib
import minimal_loop
import numpy as np
import pandas as pd

from brian2dynapse.files import write_atomically

matplotlib.use("Agg")
from matplotlib import pyplot as plt

HERE = Path(__file__).parent
BUILD = HERE.parent / "build" / "bench"
OUTPUT, PROFILE, PICTURE = HERE / "bench.csv", HERE / "bench_profile.csv", HERE / "bench.png"
REPEATS, QUICK = 5, 0.1  # how often each is run; by what --quick shortens the runs
LOOP, PROJECT, PROJECT_2, PLAIN = (
    "C++ by hand",
    "brian2dynapse, C++",
    "brian2dynapse, C++, 2 threads",
    "plain Brian2, C++",
)
CYTHON, NUMPY = "brian2dynapse, Cython", "brian2dynapse, NumPy"
DYNAPSIM = {
    "as shipped": "DynapSim",
    "repaired": "DynapSim, repaired",
    "as shipped, constant weights": "DynapSim, constant weights",
}
PROGRAMS = {LOOP: ("loop", 1), PROJECT: ("project", 1), PROJECT_2: ("project", 2), PLAIN: ("plain", 1)}
TARGETS = {CYTHON: ("cython", 0.5), NUMPY: ("numpy", 0.2)}  # with the biological seconds of a run
SIMULATORS = (*PROGRAMS, *TARGETS, *DYNAPSIM.values())
DYNAPSIM_S = 0.1
PEERS = {"loop": LOOP, "plain": PLAIN, **{f"dynapsim_{key}": name for key, name in DYNAPSIM.items()}}
# Okabe & Ito: told apart by the colour-blind.
COLOURS = ("#000000", "#0072B2", "#56B4E9", "#E69F00", "#009E73", "#F0E442", "#CC79A7", "#D55E00", "#999999")
FINE_DT, DRIVEN_S, DRIVEN_NEURONS = 1e-5, 2.0, 1024
# Runs a program and tells its peak of memory. A small process: the figure begins with that of the one that starts it.
RUNNER = """
import json, os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_maxrss*1024/1e6]))
"""


@dataclass(frozen=True)
class Case:
    """A network, and how long each run of a program is, in biological seconds."""

    name: str
    neurons: int
    dt: float
    duration: float
    others: bool = False  # also the slow targets, and DynapSim

    @property
    def directory(self) -> Path:
        return BUILD / f"{self.neurons}_{self.dt:g}"


CASES = (
    Case("one core", 256, 1e-4, 5.0, others=True),
    Case("one chip", 1024, 1e-4, 3.0, others=True),
    Case("one chip, 1 ms", 1024, 1e-3, 20.0, others=True),
    Case("4-chip board", 4096, 1e-4, 0.8),
    Case("16 chips", 16384, 1e-4, 0.2),
)


def child(python, script: str, *arguments) -> dict:
    """Run a script of this folder; what it prints last, as JSON."""
    command = [str(python), str(HERE / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def prepare(program: tuple[str, int], case: Case, directory: Path, like: Path | None = None, **flags: bool) -> dict:
    """Compile a program and what it reads; seconds for both."""
    model, threads = program
    arguments = ["--neurons", case.neurons, "--dt", case.dt, "--duration", case.duration, "--directory", directory]
    arguments += [f"--{name}" for name, on in flags.items() if on]
    if model == "loop":
        return child(sys.executable, "minimal_loop.py", *arguments)
    arguments += ["--model", model, "--threads", threads, *(["--like", like] if like else [])]
    result = child(sys.executable, "brian2_runs.py", "build", *arguments)
    return result | ({"compile_s": np.nan} if like else {})  # only what differs was compiled


def run_once(model: str, directory: Path, seed: int, duration: float, neurons: int) -> dict:
    """Run a program that is prepared: seconds, rates of the neurons and peak of memory."""
    command = minimal_loop.command(directory, seed) if model == "loop" else [str(directory / "main")]
    runner = [sys.executable, "-I", "-S", "-c", RUNNER, *command]
    done = subprocess.run(runner, cwd=directory, capture_output=True, text=True, check=True)
    *printed, last = done.stdout.splitlines()
    code, memory = json.loads(last)
    if code != 0:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr[-2000:]}")
    if model == "loop":
        seconds, counts = float(printed[-1]), minimal_loop.counts(directory)
    else:
        seconds = float((directory / "results" / "last_run_info.txt").read_text().split()[0])
        (recorded,) = glob.glob(str(directory / "results" / "_dynamic_array_spikes0_i_*"))
        counts = np.bincount(np.fromfile(recorded, dtype=np.int32), minlength=neurons)
    return {"seconds": seconds, "rates": counts / duration, "memory": memory}


def row(case: Case, simulator: str, threads: int, duration: float, seconds=(), rate=np.nan, **more) -> dict:
    """A row of the table."""
    per_second = np.asarray(seconds, dtype=float) / duration
    low, middle, high = np.quantile(per_second, [0, 0.5, 1]) if len(per_second) else [np.nan] * 3
    return {
        "network": case.name,
        "simulator": simulator,
        "neurons": case.neurons,
        "dt_s": case.dt,
        "threads": threads,
        "biological_s": duration,
        "repeats": len(per_second),
        "seconds_per_biological_second": middle,
        "seconds_min": low,
        "seconds_max": high,
        "times_real_time": 1 / middle,
        "mean_rate_hz": rate,
        **more,
    }


def measure_programs(case: Case, simulators: list[str], differences: list[str]) -> list[dict]:
    """Rows of the programs, which run in turn."""
    made, runs = {}, {name: [] for name in simulators}
    for name in simulators:
        model, threads = PROGRAMS[name]
        directory = case.directory / f"{model}{threads}"
        # The program for another time step differs in a few files.
        others = [one.directory / directory.name for one in CASES if one.neurons == case.neurons and one.dt != case.dt]
        like = next((one for one in others if model != "loop" and (one / "main").exists()), None)
        say(f"{case.name}: preparing {name}")
        made[name] = prepare(PROGRAMS[name], case, directory, like)
    for seed in range(1, REPEATS + 1):
        say(f"{case.name}: run {seed} of {REPEATS}")
        for name in simulators:
            model, threads = PROGRAMS[name]
            directory = case.directory / f"{model}{threads}"
            runs[name].append(run_once(model, directory, seed, case.duration, case.neurons))
    rates = {name: [one["rates"].mean() for one in runs[name]] for name in simulators}
    for name in {PROJECT, PROJECT_2} & set(simulators):
        if LOOP in simulators:
            compare(differences, rates[name], rates[LOOP], f"{case.name}, {name}")
    return [
        row(
            case,
            name,
            PROGRAMS[name][1],
            case.duration,
            [one["seconds"] for one in runs[name]],
            np.mean(rates[name]),
            peak_memory_mb=np.median([one["memory"] for one in runs[name]]),
            **made[name],
        )
        for name in simulators
    ]


def compare(differences: list[str], expected, found, where: str) -> None:
    """Note a difference of rates, to be told when all is written."""
    try:
        minimal_loop.check_rates(expected, found, where)
    except minimal_loop.RatesDifferError as error:
        differences.append(str(error))


def measure_target(case: Case, name: str, share: float) -> dict:
    """Row of a target of runtime mode."""
    target, duration = TARGETS[name]
    duration = max(round(duration * share * case.dt / 1e-4, 3), 20 * case.dt)
    say(f"{case.name}: {name}")
    arguments = ["--target", target, "--neurons", case.neurons, "--dt", case.dt, "--duration", duration]
    result = child(sys.executable, "brian2_runs.py", "runtime", *arguments, "--repeats", REPEATS)
    seconds, rate = result.pop("seconds"), np.mean(result.pop("rate_hz"))
    return row(case, name, 1, duration, seconds, rate, **result)


def dynapsim_python() -> Path:
    """Python of a virtual environment with Rockpool; it is made if there is none."""
    folder = BUILD.parent / "dynapsim"
    python, done = folder / "bin" / "python", folder / "installed"
    if not done.exists():
        say("installing Rockpool")
        requirements = str(HERE / "dynapsim_requirements.txt")
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", "-r", requirements],
        ):
            subprocess.run(command, check=True, capture_output=True, text=True)
        done.touch()
    return python


def measure_dynapsim(case: Case, wanted: list[str], share: float) -> list[dict]:
    """Rows of DynapSim, or rows that say why there are none."""
    duration = round(DYNAPSIM_S * (1 if share == 1 else 0.5) * case.dt / 1e-4, 3)
    try:
        python, file = dynapsim_python(), case.directory / "dynapsim.json"
        say(f"{case.name}: DynapSim")
        file.parent.mkdir(parents=True, exist_ok=True)
        arguments = ["--neurons", case.neurons, "--dt", case.dt, "--duration", duration, "--repeat", REPEATS]
        command = [python, HERE / "dynapsim_peer.py", *arguments, "--constant-weights", "--json", file]
        subprocess.run([str(one) for one in command], check=True, capture_output=True, text=True)
        results = {DYNAPSIM[one["variant"]]: one for one in json.loads(file.read_text())}
    except (OSError, subprocess.CalledProcessError) as error:
        lines = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        return [row(case, name, 1, duration, note=f"not measured: {lines[-1][:200]}") for name in wanted]
    rows = []
    for name in wanted:
        one = results[name]
        seconds = np.array(one["seconds_per_biological_second"]) * duration
        more = {key: one[key] for key in ("compile_s", "peak_memory_mb")}
        # XLA has as many threads as the machine has cores, and uses them where it can.
        rows.append(row(case, name, np.nan, duration, seconds, one["mean_rate_hz"], **more))
    return rows


def accuracy(share: float, differences: list[str]) -> dict[tuple[str, float], tuple[float, float]]:
    """Error of the rate of the driven chip, and the median one of its neurons, percent; by simulator and time step."""
    case = Case("driven chip", DRIVEN_NEURONS, FINE_DT, max(DRIVEN_S * share, 0.5))
    rates = {}
    for name, steps in {PROJECT: (FINE_DT, 1e-4, 1e-3), PLAIN: (FINE_DT, 1e-4, 1e-3), LOOP: (1e-4, 1e-3)}.items():
        model, _ = PROGRAMS[name]
        directory = BUILD / f"driven_{model}"
        for dt in steps:
            say(f"driven chip, {name}, dt = {dt * 1e6:.0f} us")
            prepare(PROGRAMS[name], replace(case, dt=dt), directory, train=True)
            rates[name, dt] = run_once(model, directory, 1, case.duration, case.neurons)["rates"]
    for dt in (1e-4, 1e-3):
        compare(differences, [rates[PROJECT, dt].mean()], [rates[LOOP, dt].mean()], f"driven chip, {dt:g} s")
    errors = {}
    for (name, dt), found in rates.items():
        expected = rates[PLAIN if name == PLAIN else PROJECT, FINE_DT]
        fires = expected > 0
        of_neurons = 100 * np.abs(found[fires] / expected[fires] - 1)
        errors[name, dt] = 100 * (found.mean() / expected.mean() - 1), float(np.median(of_neurons))
    return errors


def clock_s() -> float:
    """What it takes to ask for the processor time, as Brian2 does before and after each code object."""
    clock, times = time.CLOCK_PROCESS_CPUTIME_ID, 10000
    return float(np.median([-time.clock_gettime_ns(clock) + time.clock_gettime_ns(clock) for _ in range(times)])) * 1e-9


def profile(duration: float) -> pd.DataFrame:
    """Time of each code object of the chip, less that of asking the clock."""
    case = replace(next(one for one in CASES if one.name == "one chip"), duration=duration)
    directory = BUILD / "profile"
    say("profile of the chip")
    prepare(PROGRAMS[PROJECT], case, directory, profile=True)
    run_once("project", directory, 1, case.duration, case.neurons)
    lines = [line.split() for line in (directory / "results" / "profiling_info.txt").read_text().splitlines() if line]
    of_clock = clock_s() * duration / case.dt
    seconds = {name.removesuffix("_codeobject"): max(float(value) - of_clock, 0.0) for name, value in lines}
    table = pd.DataFrame({"code_object": name, "seconds": value} for name, value in seconds.items())
    table["share_percent"] = 100 * table["seconds"] / table["seconds"].sum()
    table["seconds_per_biological_second"] = table.pop("seconds") / duration
    return table.sort_values("share_percent", ascending=False, ignore_index=True)


def add_ratios(table: pd.DataFrame) -> None:
    """How much slower than the loop, and how much faster than each peer, on the same network."""
    seconds = table.set_index(["network", "simulator"])["seconds_per_biological_second"]
    for column, peer in PEERS.items():
        of_peer = np.array([seconds.get((network, peer), np.nan) for network in table["network"]])
        own = table["seconds_per_biological_second"].to_numpy()
        if column == "loop":
            table["ratio_to_loop"] = own / of_peer
        else:
            table[f"speed_against_{column}".replace(", ", "_").replace(" ", "_")] = of_peer / own


def draw(table: pd.DataFrame, profiled: pd.DataFrame | None, path: Path) -> None:
    """The picture: speeds by network, and the profile of the chip."""
    plt.rcParams.update({"font.size": 11, "axes.spines.top": False, "axes.spines.right": False})
    figure, (speeds, parts) = plt.subplots(
        1, 2, figsize=(15, 6.2), width_ratios=(2.4, 1), layout="constrained", gridspec_kw={"wspace": 0.04}
    )
    networks = list(dict.fromkeys(table["network"]))
    simulators = [name for name in SIMULATORS if (table["simulator"] == name).any()]
    width = 0.84 / len(simulators)
    for k, name in enumerate(simulators):
        part = table[table["simulator"] == name]
        places = [networks.index(one) + (k + 0.5) * width - 0.42 for one in part["network"]]
        colour = COLOURS[SIMULATORS.index(name)]
        speeds.bar(places, part["times_real_time"], width, color=colour, edgecolor="black", linewidth=0.4, label=name)
    speeds.axhline(1, color="black", linewidth=1, linestyle="--")
    speeds.text(len(networks) - 0.5, 1.05, "real time", ha="right", va="bottom", fontsize=10)
    speeds.set_yscale("log")
    speeds.yaxis.set_major_formatter("{x:g}")
    labels = {one.name: f"{one.name.split(',')[0]}\n{one.neurons} neurons\ndt = {one.dt * 1e3:g} ms" for one in CASES}
    speeds.set_xticks(range(len(networks)), [labels[name] for name in networks])
    speeds.set_ylabel("speed (times real time)")
    speeds.grid(axis="y", color="0.85")
    speeds.set_axisbelow(True)
    figure.legend(*speeds.get_legend_handles_labels(), loc="outside upper left", ncols=5, frameon=False, fontsize=10)
    if profiled is None:
        parts.set_axis_off()
    else:
        parts.barh(profiled["code_object"], profiled["share_percent"], color=COLOURS[1])
        parts.invert_yaxis()
        parts.tick_params(axis="y", labelsize=9)
        parts.set_xlabel("share of the time of one chip, dt = 0.1 ms (%)")
    figure.savefig(path, dpi=130)
    plt.close(figure)


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", choices=[one.name for one in CASES], help="all by default")
    parser.add_argument("--simulators", nargs="+", choices=SIMULATORS, help="all by default")
    parser.add_argument("--quick", action="store_true", help="short runs, to try it out")
    parser.add_argument("--skip", nargs="+", default=[], choices=("accuracy", "profile"), help="what to leave out")
    parser.add_argument("--output", type=Path, default=HERE, help="folder of the tables and the picture")
    arguments = parser.parse_args()
    share = QUICK if arguments.quick else 1.0
    wanted = arguments.simulators or SIMULATORS
    shutil.rmtree(BUILD, ignore_errors=True)
    rows, differences = [], []
    for case in CASES:
        if arguments.networks and case.name not in arguments.networks:
            continue
        case = replace(case, duration=round(case.duration * share, 3))
        rows += measure_programs(case, [name for name in wanted if name in PROGRAMS], differences)
        if case.others:
            rows += [measure_target(case, name, share) for name in wanted if name in TARGETS]
            of_rockpool = [name for name in wanted if name in DYNAPSIM.values()]
            rows += measure_dynapsim(case, of_rockpool, share) if of_rockpool else []
    table = pd.DataFrame(rows)
    add_ratios(table)
    if "accuracy" not in arguments.skip:
        errors = accuracy(share, differences)
        of_rows = [
            errors.get((name, dt), (np.nan, np.nan)) if neurons == DRIVEN_NEURONS else (np.nan, np.nan)
            for name, dt, neurons in zip(table["simulator"], table["dt_s"], table["neurons"], strict=True)
        ]
        table[["rate_error_percent", "neuron_rate_error_percent"]] = of_rows
    profiled = None if "profile" in arguments.skip else profile(2.0 * share)
    if profiled is not None:
        path = arguments.output / PROFILE.name
        write_atomically(path, lambda file: profiled.to_csv(file, index=False, float_format="%.3g"))
        print(profiled.to_string(index=False, float_format="{:.3g}".format))
    path = arguments.output / OUTPUT.name
    write_atomically(path, lambda file: table.to_csv(file, index=False, float_format="%.4g"))
    write_atomically(arguments.output / PICTURE.name, lambda file: draw(table, profiled, file))
    hidden = ["neurons", "dt_s", "seconds_min", "seconds_max"]
    print(table.drop(columns=hidden).to_string(index=False, float_format="{:.3g}".format))
    say(f"wrote {OUTPUT.name}, {PROFILE.name}, {PICTURE.name} in {arguments.output}")
    if differences:
        raise minimal_loop.RatesDifferError("; ".join(differences))


if __name__ == "__main__":
    main()
