"""When one run of many copies beats as many runs; a rule from measurement."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class _Cost:
    """Time of a step in units of a neuron's: `fixed` for the step, twice a neuron's far `beyond` a number of them."""

    fixed: float
    beyond: float

    def step(self, neurons: float) -> float:
        return self.fixed + neurons * (1 + neurons / (neurons + self.beyond))


# Follow benchmarks/replicas.csv, see `gain`. NumPy leaves the cache with every operation, whatever the size.
_NUMPY, _CPP = _Cost(700, float("inf")), _Cost(40, 60_000)
_WORTH_IT = 1.3  # less is within the scatter of the measurement
_NEURON_BYTES, _SYNAPSE_BYTES = 400, 50  # some 50 numbers a neuron; two indices, currents, delay and queue a synapse


def gain(neurons: int, copies: int, standalone: bool) -> float:
    """How many times faster one run of all copies is than as many runs one after another, the compiler not counted.

    Parameters
    ----------
    neurons : int
        Of all copies.
    copies : int
        Number of copies.
    standalone : bool
        In C++ standalone mode; else with NumPy.

    Returns
    -------
    float
        1 for one copy; below 1, single runs are faster.

    Notes
    -----
    The time of a step of n neurons, with the twenty synapses of each, is taken as n0 + n (1 + n/(n + n1)): n0 is what a
    step costs beside its neurons, in neurons, and beyond n1 neurons do not fit into the processor's cache. n0 = 700 for
    NumPy, 40 for C++, and n1 = 60 000 for C++ follow the ratios in ``benchmarks/replicas.csv`` (16 and 256 neurons, 10
    to 1000 copies, one machine) within a factor of two, which is how well those repeat.
    """
    cost = _CPP if standalone else _NUMPY
    return copies * cost.step(neurons / copies) / cost.step(neurons)


def advice(neurons: int, synapses: int, copies: int, standalone: bool) -> str:
    """Whether one run of all copies beats as many runs, in words; the rule and its source are those of `gain`.

    Parameters
    ----------
    neurons, synapses : int
        Of all copies.
    copies : int
        Number of copies.
    standalone : bool
        In C++ standalone mode; else with NumPy.

    Returns
    -------
    str
        Sentences.
    """
    times, memory = gain(neurons, copies, standalone), neurons * _NEURON_BYTES + synapses * _SYNAPSE_BYTES
    what = f"one run of {copies} copies ({neurons} neurons, {synapses} synapses, {max(memory / 1e6, 1):.0f} MB)"
    if times > _WORTH_IT:
        text = f"{what} is about {times:.2g} times faster than {copies} runs one after another"
        text += f"; as many runs on more than {times:.2g} cores at once are faster still"
    elif times > 1 / _WORTH_IT:
        text = (
            f"{what} takes about as long as {copies} runs one after another; runs on several cores at once are faster"
        )
    else:
        fitting = max(1, int(copies * _CPP.beyond / 3 / neurons))
        text = (
            f"{what} takes about {1 / times:.2g} times as long as {copies} runs one after another, which stay in the "
        )
        text += f"processor's cache; replicate {fitting} at a time"
    text += ". Compiled once, not once a copy" if standalone else ""
    return text[0].upper() + text[1:] + "."
