"""Functions of sweeps, in a module that worker processes can import; none needs Brian2 but those that say so."""

import math
import os
import random
import signal
import time

import numpy as np
import pandas as pd


def mixed(number, code, gain, seed):
    """All kinds of results; every seventh row fails."""
    if number % 7 == 3:
        raise ValueError(f"number {number} is not possible")
    own = np.random.default_rng(seed)
    return {
        "count": number * 2**40,
        "rate": own.normal() / 3,
        "edge": [math.nan, math.inf, -0.0, 5e-324][number % 4],
        "fires": number % 2 == 0,
        "name": f"row {number}",
        "code_sum": sum(code),
        "product": gain * number,
    }


def mixed_rows(count=20):
    return [{"number": k, "code": (k % 6, k % 256), "gain": k / 7} for k in range(count)]


def global_generators(number):
    """Draws from the global generators, without and with a seed."""
    return {"of_numpy": np.random.random(), "of_python": random.random()}  # noqa: NPY002


def brian_generators(number):
    """Draws of Brian2, by a threshold condition with rand() of a group that is local."""
    import brian2 as b2

    b2.prefs.codegen.target = "numpy"
    group = b2.NeuronGroup(50, "v : 1", threshold="rand() < 0.1", name="drawing")
    spikes = b2.SpikeMonitor(group, name="drawn")
    b2.Network(group, spikes).run(2 * b2.ms)
    return {"spikes": spikes.num_spikes, "first": int(spikes.i[0])}


def slow(number, seconds=0.002):
    time.sleep(seconds)
    return {"square": number**2, "third": number / 3}


def dies(number):
    """Kills its process in one row."""
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def several_lines(number):
    return pd.DataFrame({"neuron": range(number), "rate": [number / (k + 3) for k in range(number)]})
