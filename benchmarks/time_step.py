"""Time step against error: the table of docs/how_fast_how_exact.md, written to benchmarks/time_step.csv.

The whole neuron (four dendrites, NMDA gate, adaptation, DC input, 62 events in 0.2 s) and the firing rate of
the working point for three DC codes, each against SciPy (rtol 1e-10, written independently: tests/reference.py).
"""

import sys
from dataclasses import replace
from pathlib import Path

import brian2 as b2
import numpy as np
import pandas as pd
from brian2 import second

import brian2dynapse as bd
from brian2dynapse.files import write_atomically

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from experiment import all_dendrites, exact_spike_times
from reference import reference_of

STEPS = (1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3)
DC_CODES = ((1, 200), (2, 40), (3, 40))
OUTPUT = Path(__file__).with_suffix(".csv")


def whole_neuron(dt: float, strong: bool = False) -> dict:
    """Errors of the membrane current away from spikes, and of the spike times."""
    experiment = replace(all_dendrites(strong=strong), floor="ratio")  # as users have it
    samples = np.arange(2, round(experiment.duration * 1000)) * 1e-3
    expected_spikes, expected = experiment.reference(dt, samples)
    b2.start_scope()
    spikes, traces = experiment.simulate(dt)
    index = np.round(samples / dt).astype(int)
    clear = np.all(np.abs(samples[:, None] - expected_spikes) > 2 * dt, axis=1) & (expected["mem"] > 1.001 * 2e-13)
    errors = np.abs(np.asarray(traces.Imem[0])[index] / expected["mem"] - 1)[clear]
    row = {"membrane_median_percent": 100 * np.median(errors), "membrane_p90_percent": 100 * np.quantile(errors, 0.9)}
    row["spikes_missing"] = len(expected_spikes) - len(spikes)
    if row["spikes_missing"] == 0:
        exact = exact_spike_times(spikes, traces, dt, float(traces.source.t_refractory[0]))
        row["spike_time_us"] = 1e6 * np.max(np.abs(exact - expected_spikes[: len(exact)]))
    return row


def strong_weights(dt: float) -> dict:
    """The same with the weights of the working point, that charge the membrane within a step or two."""
    row = whole_neuron(dt, strong=True)
    return {f"strong_{name}": row[name] for name in ("spikes_missing", "spike_time_us") if name in row}


def rates(dt: float) -> dict:
    """Largest error of the rate over three DC codes."""
    worst = 0.0
    for code in DC_CODES:
        biases = bd.Biases({"SOIF_DC_P": code})
        expected = np.diff(reference_of(biases, bd.Chip(), {"so_dc"}).run(0.5)[0]).mean()
        b2.start_scope()
        b2.defaultclock.dt = dt * second
        neuron = bd.Neurons(1, biases, {"so_dc"}, name="neuron")
        spikes = b2.SpikeMonitor(neuron, name="spikes")
        traces = b2.StateMonitor(neuron, "refractory_left", record=True, name="traces")
        b2.Network(neuron, spikes, traces).run(0.5 * second)
        exact = exact_spike_times(np.asarray(spikes.t / second), traces, dt, float(neuron.t_refractory[0]))
        worst = max(worst, abs(np.diff(exact).mean() / expected - 1))
    return {"rate_percent": 100 * worst}


def largest_step(table: pd.DataFrame, column: str, percent: float) -> float:
    """Step at which an error is reached, by interpolation in log-log."""
    return float(np.exp(np.interp(np.log(percent), np.log(table[column]), np.log(table["dt_us"]))))


def main() -> None:
    b2.prefs.codegen.target = "numpy"
    table = pd.DataFrame({"dt_us": dt * 1e6, **whole_neuron(dt), **strong_weights(dt), **rates(dt)} for dt in STEPS)
    write_atomically(OUTPUT, lambda file: table.to_csv(file, index=False, float_format="%.3g"))
    print(table.to_string(index=False, float_format="{:.3g}".format))
    for column in ("membrane_median_percent", "rate_percent"):
        for percent in (1, 0.1):
            print(f"{column}: {percent} % at dt = {largest_step(table, column, percent):.0f} us")
    print(f"wrote {OUTPUT}")


if __name__ == "__main__":
    main()
