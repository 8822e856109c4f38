"""The page "How fast, how exact": docs/how_fast_how_exact.md and its picture, from the tables in benchmarks/.

The tables are made by `make table`, `make bench`, `make speed`, `make grid` and benchmarks/replicas.py; a table that is
missing is left out of the page, and the page says so.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from brian2dynapse.files import write_atomically
from brian2dynapse.plot import BLACK

HERE = Path(__file__).parent
TABLES = HERE.parent / "benchmarks"
PAGE, PICTURE = HERE / "how_fast_how_exact.md", HERE / "how_fast_how_exact.png"
BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"
COMMANDS = {
    "time_step": "make table",
    "step_speed": "make speed",
    "bench": "make bench",
    "bench_profile": "make bench",
    "grid": "make grid",
    "replicas": "python benchmarks/replicas.py",
}


def read(name: str) -> pd.DataFrame | None:
    """A table of the benchmarks, if it was made."""
    path = TABLES / f"{name}.csv"
    return pd.read_csv(path) if path.exists() else None


def markdown(table: pd.DataFrame, headings: dict[str, str]) -> str:
    """Columns of a table under their headings; three digits."""

    def text(value):
        if isinstance(value, str):
            return value
        return "" if pd.isna(value) else f"{int(value)}" if float(value).is_integer() else f"{value:.3g}"

    lines = ["| " + " | ".join(headings.values()) + " |", "|" + "---|" * len(headings)]
    for row in table[list(headings)].itertuples(index=False):
        lines.append("| " + " | ".join(text(value) for value in row) + " |")
    return "\n".join(lines)


def section(name: str, text: str, headings: dict[str, str], table: pd.DataFrame | None) -> str:
    """Text and table, or what to run for it."""
    if table is None:
        return f"{text}\n\nNot measured yet: `{COMMANDS[name]}`."
    return f"{text} (`{COMMANDS[name]}`)\n\n{markdown(table, headings)}"


def draw(errors: pd.DataFrame, speeds: pd.DataFrame) -> None:
    """Error of a neuron against the step, speed of a chip against the step, and one against the other."""
    figure = Figure(figsize=(12, 4), layout="constrained")
    of_neuron, of_chip, both = figure.subplots(1, 3)
    step = errors["dt_us"] / 1000
    of_neuron.loglog(step, errors["spike_time_us"] / 1000, "o-", color=BLUE, label="spike time (ms)")
    of_neuron.loglog(step, errors["strong_spike_time_us"] / 1000, "s--", color=VERMILION, label="the same, strong (ms)")
    of_neuron.loglog(step, errors["rate_percent"], "^-", color=GREEN, label="rate (%)")
    of_neuron.loglog(step, (step / step.iloc[0]) ** 2 * 1e-4, ":", color=BLACK, label="second order")
    of_neuron.set(xlabel="time step (ms)", ylabel="largest error of a neuron (ms, %)")
    of_chip.loglog(speeds["dt_us"] / 1000, speeds["times_real_time"], "o-", color=BLUE)
    of_chip.set(xlabel="time step (ms)", ylabel="speed of a chip (times real time)")
    both.loglog(speeds["times_real_time"], np.abs(speeds["mean_rate_percent"]), "o-", color=BLUE)
    for _, row in speeds.iterrows():
        both.annotate(
            f"{row['dt_us'] / 1000:g} ms",
            (row["times_real_time"], abs(row["mean_rate_percent"])),
            textcoords="offset points",
            xytext=(7, -4),
        )
    both.set(xlim=(2.5, 90), xlabel="speed of a chip (times real time)", ylabel="error of its mean rate (%)")
    of_neuron.legend(frameon=False)
    for axis in (of_chip.yaxis, both.xaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter("{x:g}")
    figure.savefig(PICTURE, dpi=100, metadata={"Software": None})


def page() -> str:
    """Text of the page."""
    errors, speeds, bench, profile = (read(name) for name in ("time_step", "step_speed", "bench", "bench_profile"))
    parts = ["# How fast, how exact", "Made by `python docs/speed_page.py` from the tables in `benchmarks/`."]
    if errors is not None and speeds is not None:
        draw(errors, speeds)
        parts.append("![Error and speed against the time step](how_fast_how_exact.png)")
    parts += [
        "## Time step against error: one neuron",
        section(
            "time_step",
            "Against SciPy (rtol 1e-10, written from the circuits): all four dendrites, gate, adaptation, 62 events in"
            " 0.2 s, with moderate and with strong weights; rates for three DC codes of 23 to 262 Hz.",
            {
                "dt_us": "dt (us)",
                "membrane_median_percent": "membrane current, median error (%)",
                "spike_time_us": "spike time, largest error (us)",
                "strong_spike_time_us": "the same, strong (us)",
                "rate_percent": "rate, largest error (%)",
            },
            errors,
        ),
        "## Time step against speed: one chip",
        section(
            "step_speed",
            "1024 neurons, 65 536 synapses, all dendrites, gate, adaptation, 20 % mismatch; C++ standalone, float64,"
            " one thread. Fixed input spikes, rates against a step of 10 us. Rates of single neurons scatter, since a"
            " recurrent network amplifies any difference; the mean is what a time step costs.",
            {
                "dt_us": "dt (us)",
                "times_real_time": "times real time (median)",
                "fastest_times_real_time": "fastest",
                "mean_rate_percent": "error of the mean rate (%)",
            },
            speeds,
        ),
        "## Side by side",
        section(
            "bench",
            "The same network on the same machine, in turn, median of five. Times depend on the machine and what else"
            " it does; ratios hardly. DynapSim has its own currents and one synapse a neuron: the same size and input,"
            " not the same neuron; with its weights as constants (`jax.jit(net.evolve)`) it needs no repair.",
            {
                "network": "network",
                "simulator": "simulator",
                "times_real_time": "times real time",
                "ratio_to_loop": "time, relative to the loop by hand",
                "mean_rate_hz": "rate (Hz)",
                "setup_s": "set-up (s)",
                "compile_s": "compilation (s)",
                "peak_memory_mb": "memory (MB)",
            },
            bench,
        ),
        "![Speed of each simulator, and what a chip spends its time on](../benchmarks/bench.png)",
        section(
            "bench_profile",
            "Where the time of a chip goes, by code object, without the cost of asking the clock.",
            {"code_object": "code object", "share_percent": "share (%)"},
            profile,
        ),
        "## How it is done",
        (HERE / "how_it_is_fast.md").read_text(encoding="utf-8").strip(),
        "## The whole grid",
        section(
            "grid",
            "15 x 15 chips in one program, each wired within itself, 0.1 ms.",
            {
                "neurons": "neurons",
                "synapses": "synapses",
                "building_mb": "memory to build (MB)",
                "program_mb": "memory of the program (MB)",
                "bytes_a_synapse": "bytes a synapse",
                "times_real_time": "times real time",
            },
            read("grid"),
        ),
        "## Copies in one run",
        section(
            "replicas",
            "`bd.replicate`: how many times faster R copies run as one group than one after another.",
            {"target": "target", "neurons": "neurons", "copies": "copies", "gain": "gain"},
            read("replicas"),
        ),
    ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    text = page()
    write_atomically(PAGE, lambda file: file.write_text(text, encoding="utf-8"))


if __name__ == "__main__":
    main()
