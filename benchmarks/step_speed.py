"""Time step against speed and error of a chip: 1024 neurons, 65 536 synapses, C++ standalone, one thread.

The chip of networks.py with fixed input spikes instead of Poisson ones, so that every step size sees the same events;
rates against those of a step of 10 us. Writes step_speed.csv.
"""

import argparse
import tempfile
from pathlib import Path

import brian2 as b2
import numpy as np
import pandas as pd
from brian2 import second
from networks import INPUTS, RATE, network

from brian2dynapse.files import write_atomically

STEPS = (5e-5, 1e-4, 2e-4, 5e-4, 1e-3)
FINE = 1e-5
SETTLED = 0.5  # second; adaptation and NMDA have settled
OUTPUT = Path(__file__).with_suffix(".csv")


def input_spikes(duration: float):
    """Spikes of the inputs on a grid of 1 ms, which all step sizes share: at most one a millisecond and input."""
    spikes = np.random.default_rng(1).random((round(duration * 1000), INPUTS)) < float(RATE) * 1e-3
    times, indices = np.nonzero(spikes)
    return indices, times * 1e-3


def run(dt: float, duration: float, repeats: int) -> tuple[np.ndarray, np.ndarray]:
    """Rates of the neurons, hertz, and times of the repeats, second."""
    with tempfile.TemporaryDirectory() as directory:
        b2.set_device("cpp_standalone", build_on_run=False)
        b2.start_scope()
        b2.defaultclock.dt = dt * second
        net = network(1024, inputs=input_spikes(duration))
        net.run(duration * second)
        b2.device.build(directory=directory, run=False)
        seconds = []
        for _ in range(repeats):
            b2.device.run(directory, with_output=False)
            seconds.append(b2.device._last_run_time)
        spikes = net["spikes0"]
        late = np.asarray(spikes.t / second) >= SETTLED
        rates = np.bincount(np.asarray(spikes.i)[late], minlength=1024) / (duration - SETTLED)
        b2.device.reinit()
        b2.device.activate()
    return rates, np.array(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--duration", type=float, default=5.0, help="biological seconds")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    fine, _ = run(FINE, options.duration, 1)
    rows = []
    for dt in STEPS:
        rates, seconds = run(dt, options.duration, options.repeats)
        rows.append(
            {
                "dt_us": dt * 1e6,
                "times_real_time": options.duration / np.median(seconds),
                "fastest_times_real_time": options.duration / seconds.min(),
                "rate_Hz": rates.mean(),
                "fine_rate_Hz": fine.mean(),
                "mean_rate_percent": 100 * (rates.mean() / fine.mean() - 1),
                "neuron_rms_Hz": np.sqrt(np.mean((rates - fine) ** 2)),
            }
        )
        print(rows[-1])
    table = pd.DataFrame(rows)
    write_atomically(OUTPUT, lambda file: table.to_csv(file, index=False, float_format="%.4g"))


if __name__ == "__main__":
    main()
