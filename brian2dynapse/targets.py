"""What can be calibrated: quantities, the bias that is turned for each, and how each is found for given codes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from brian2.units import Quantity, amp, get_dimensions, hertz, ms, second, volt
from brian2.units.fundamentalunits import DIMENSIONLESS

from . import facts, measure
from .analysis import counts_and_rates
from .biases import Biases
from .chip import Chip
from .errors import DynapseError, unknown_name
from .measure_bench import Bench
from .measure_inputs import checked_count, checked_rates, checked_times, event_steps
from .observables import OBSERVABLES
from .weights import weight_mask

UNITS = {"second": second, "volt": volt, "amp": amp, "hertz": hertz, "1": 1}
WEIGHT_BIASES = ("SYAM_W0_P", "SYAM_W1_P", "SYAM_W2_P", "SYAM_W3_P")
TOLERANCE = 0.12  # the largest gap between neighbouring codes above 1 pA leaves 10 % in the middle of it


class Target:
    """A value to be reached, where the number alone does not say all.

    Parameters
    ----------
    value : Quantity or float
        What is asked for.
    bias : str, optional
        The bias that is turned; see `QUANTITIES` for those by default.
    tolerance : float, optional
        Relative error up to which the target counts as reached.
    **condition
        How it is measured, arguments of the protocol: `dc`, `rate`, `dendrite`, `weight`, `synapses`, ...

    Examples
    --------
    >>> from brian2 import Hz, mV
    >>> target = Target(40*Hz, rate=100*Hz, dendrite="ampa", weight="0010", synapses=8)
    """

    def __init__(self, value, bias: str | None = None, tolerance: float | None = None, **condition):
        self.value = value
        self.bias = bias
        self.tolerance = tolerance
        self.condition = condition

    def __repr__(self) -> str:
        given = [f"bias={self.bias!r}"] if self.bias else []
        given += [f"{name}={value!r}" for name, value in self.condition.items()]
        return ", ".join([f"Target({self.value!r}", *given]) + ")"


@dataclass(frozen=True)
class Measured:
    """A quantity that a simulation tells.

    Attributes
    ----------
    unit : str
        SI unit.
    bias : str
        The bias that is turned, if none is named; empty if the condition decides.
    meaning : str
        In one line.
    values : callable
        (settings, chip, neurons, **condition) to values, shape (settings, neurons).
    condition : tuple of str
        What a `Target` may say.
    """

    unit: str
    bias: str
    meaning: str
    values: Callable
    condition: tuple[str, ...]


@dataclass(frozen=True)
class Goal:
    """A target, checked.

    Attributes
    ----------
    name, unit, bias : str
        What, its SI unit, and the bias that is turned.
    asked : float
        In `unit`.
    tolerance : float
        Relative error up to which it counts as reached.
    values : callable
        From settings of biases and a number of neurons to the values of each, shape (settings, neurons).
    over_currents : callable or None
        Of a closed form: from biases, currents of `bias` in amp, and a number of neurons, to values, shape
        (currents, neurons).
    """

    name: str
    asked: float
    unit: str
    bias: str
    tolerance: float
    values: Callable[[list[Biases], int], np.ndarray]
    over_currents: Callable[[Biases, np.ndarray, int], np.ndarray] | None = None


def _table(table: pd.DataFrame, column: str, settings: list[Biases]) -> np.ndarray:
    """A column of a measurement as (settings, neurons)."""
    if "setting" not in table:
        table = table.assign(setting=0)
    return table.pivot_table(index="setting", columns="neuron", values=column, dropna=False).to_numpy()[: len(settings)]


def _rates(
    settings, chip, neurons, dc=None, rate=None, dendrite="ampa", weight="0001", synapses=1, latches=(),
    duration=500 * ms, settle=100 * ms, seed=0, regular=False,
):  # fmt: skip
    """Rates as `measure.fi_curve` has them at a DC code, and `measure.input_curve` at an input."""
    on_dc = dc is not None or rate is None
    changes = {} if dc is None else {"SOIF_DC_P": dc}
    bench = Bench(settings, chip, neurons, {*latches, *(("so_dc",) if on_dc else ())}, changes, None, "rate")
    before, counted = checked_times(duration, settle, bench.dt)
    if rate is not None:
        count = checked_count("synapses", synapses, facts.SYNAPSES_PER_NEURON)
        steps = round((before + counted) / bench.dt)
        sources, at = event_steps(checked_rates(rate, bench.dt), count, steps, bench.dt, seed, regular)
        bench.inputs(sources, at * bench.dt, count, dendrite, weight)
    bench.run(before + counted)
    spikes = bench.spikes()
    place = spikes["setting"] * bench.count + spikes["neuron"]
    _, rates = counts_and_rates(place, spikes["time_s"], len(settings) * bench.count, before, counted)
    return rates.reshape(len(settings), -1)


def _peaks(sign):
    def values(settings, chip, neurons, **condition):
        protocol = measure.epsp if sign > 0 else measure.ipsp
        table = protocol(settings, chip=chip, neurons=neurons, **condition)
        return sign * _table(table, "peak_V", settings)

    return values


def _half_falls(settings, chip, neurons, **condition):
    return _table(measure.epsp(settings, chip=chip, neurons=neurons, **condition), "half_fall_s", settings)


def _adaptation(settings, chip, neurons, **condition):
    ratios = measure.adaptation_ratio(measure.adaptation(settings, chip=chip, neurons=neurons, **condition))
    if "setting" not in ratios:
        ratios["setting"] = 0
    every = pd.MultiIndex.from_product([range(len(settings)), range(neurons)], names=["setting", "neuron"])
    found = ratios.set_index(["setting", "neuron"])["adaptation_ratio"].reindex(every)
    return found.to_numpy(float).reshape(len(settings), neurons)


def _depression(settings, chip, neurons, **condition):
    table = measure.depression(settings, chip=chip, neurons=neurons, **condition)
    return _table(table[table["event"] == table["event"].max()], "of_control", settings)


_POTENTIAL = ("dendrite", "weight", "hold")
QUANTITIES: dict[str, Measured] = {
    "rate": Measured(
        "hertz",
        "",
        "firing rate: at the DC code of the biases, at `dc=`, or at an input, `rate=`",
        _rates,
        ("dc", "rate", "dendrite", "weight", "synapses", "latches", "duration", "settle", "seed", "regular"),
    ),
    "epsp_peak": Measured("volt", "", "peak of an EPSP from rest", _peaks(1), _POTENTIAL),
    "ipsp_peak": Measured("volt", "", "depth of an IPSP, positive", _peaks(-1), _POTENTIAL),
    "epsp_half_fall": Measured(
        "second", "SOIF_LEAK_N", "time from the peak of an EPSP to half of it", _half_falls, _POTENTIAL,
    ),
    "adaptation_ratio": Measured(
        "1", "SOAD_W_N", "last intervals over the first, at a DC current", _adaptation, ("dc", "duration"),
    ),
    "depression": Measured(
        "1", "SYAM_STDW_N", "peak at the end of a train over that without the stp bit", _depression,
        ("rate", "duration", "dendrite", "weight"),
    ),
}  # fmt: skip


def checked_goals(targets, biases: Biases, chip: Chip) -> list[Goal]:
    """Targets as goals, those in closed form first.

    Raises
    ------
    DynapseError
        For a target of a wrong kind or unit, or two that turn the same bias.
    UnknownNameError
        For an unknown quantity or bias.
    """
    if not isinstance(targets, dict) or not targets:
        raise DynapseError(f"targets is {targets!r}; give a dictionary, such as {{'tau_mem': 20*ms}}")
    goals = [_goal(name, target, chip) for name, target in targets.items()]
    turned = {}
    for goal in goals:
        if goal.bias in turned:
            raise DynapseError(
                f"{turned[goal.bias]} and {goal.name} would both turn {goal.bias}; leave one out, or name another, "
                f"Target(..., bias=...)"
            )
        turned[goal.bias] = goal.name
        biases[goal.bias]  # a bias of a core
    return sorted(goals, key=lambda goal: goal.over_currents is None)


def _goal(name: str, target, chip: Chip) -> Goal:
    observable = None if name == "bias_current" else OBSERVABLES.get(name)
    measured = QUANTITIES.get(name)
    if observable is None and measured is None:
        raise unknown_name("quantity to calibrate", name, [*CLOSED, *QUANTITIES])
    target = target if isinstance(target, Target) else Target(target)
    unit = (observable or measured).unit
    asked = _asked(name, target.value, unit)
    tolerance = TOLERANCE if target.tolerance is None else target.tolerance
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)) or not tolerance > 0:
        raise DynapseError(f"{name}: tolerance is {tolerance!r}; give a positive relative error, such as 0.05")
    allowed = measured.condition if measured else ()
    for word in target.condition:
        if word not in allowed:
            raise unknown_name(f"condition of {name}", word, allowed or ["(none)"])
    if observable is not None:
        bias = target.bias or observable.bias
        if bias not in observable.biases:
            raise DynapseError(f"{name} does not depend on {bias}, but on {' and '.join(observable.biases)}")

        def values(settings, neurons):
            return np.array([closed_values(observable, one, chip, neurons) for one in settings])

        def over_currents(one, currents, neurons):
            return closed_values(observable, one, chip, neurons, **{bias: currents})

        return Goal(name, asked, unit, bias, tolerance, values, over_currents)
    bias = target.bias or measured.bias or _turned(name, target.condition)
    for word in ("dc", "hold"):
        if bias == "SOIF_DC_P" and target.condition.get(word) is not None:
            raise DynapseError(
                f"{name}: {word} is a code of SOIF_DC_P, which would be turned, too; leave {word} out, or name another "
                "bias, such as bias='SOIF_GAIN_N'"
            )

    def values(settings, neurons):
        return measured.values(settings, chip, neurons, **target.condition)

    return Goal(name, asked, unit, bias, tolerance, values)


CLOSED = tuple(name for name in OBSERVABLES if name != "bias_current")


def _asked(name: str, value, unit: str) -> float:
    right = UNITS[unit]
    wanted = DIMENSIONLESS if unit == "1" else right.dim
    number = isinstance(value, (int, float, np.number, Quantity)) and not isinstance(value, bool)
    if not number or np.ndim(value) or get_dimensions(value) is not wanted or not 0 < float(value) < np.inf:
        what = "a positive number" if unit == "1" else f"a positive value in {unit}"
        raise DynapseError(f"{name}: asked is {value!r}; give {what}")
    return float(value)


def _turned(name: str, condition) -> str:
    """The bias of a quantity that depends on how it is measured: the DC current, or the weight of the synapse."""
    if name == "rate" and "rate" not in condition:
        return "SOIF_DC_P"
    mask = weight_mask(condition.get("weight", "0001"))
    bits = [bit for bit in range(len(WEIGHT_BIASES)) if np.ndim(mask) == 0 and mask >> bit & 1]
    if len(bits) != 1:
        raise DynapseError(
            f"{name}: the weight selects {len(bits)} bits; say which is turned, such as bias='{WEIGHT_BIASES[0]}', or "
            "select one"
        )
    return WEIGHT_BIASES[bits[0]]


def closed_values(observable, biases: Biases, chip: Chip, neurons: int, **currents) -> np.ndarray:
    """An observable in closed form in each neuron of core 0, with the mismatch of the chip.

    Parameters
    ----------
    observable : Observable
        What.
    biases : Biases
        Codes.
    chip : Chip
        The individual.
    neurons : int
        How many.
    **currents : numpy.ndarray
        By the name of a bias: currents instead of that of its code, amp, shape (k,).

    Returns
    -------
    numpy.ndarray
        SI, shape (neurons,), or (k, neurons). Of synapses, those of each neuron's first CAM word.
    """
    places = np.arange(neurons)
    reaching = {}
    for bias in observable.biases:
        synaptic = facts.bias(bias).block == "synapse"
        factors = chip.synapse_factors(bias, places, 0) if synaptic else chip.mismatch_factors(bias, places)
        reaching[bias] = np.multiply.outer(np.asarray(currents.get(bias, biases.current_in_amp(bias))), factors)
    values = observable.value(reaching, chip.constants)
    # a user sets the DC current by its code, and each neuron has its own share of that
    return values / chip.mismatch_factors("SOIF_DC_P", places) if observable.name == "rheobase" else values
