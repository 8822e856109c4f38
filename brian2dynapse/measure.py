"""Measuring protocols: run an experiment, or read recorded data, and return a table.

Every protocol takes biases, a chip and a number of neurons, and returns a DataFrame with SI units in the names of its
columns; it knows the codes it ran with (`codes`) and what was read (`recording`). Those that read traces or spikes take
data of a lab in that form as ``recorded=``, so that model and chip are compared by the same code. `bd.plot.measured`
draws them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from brian2 import Network, SpikeMonitor, defaultclock, get_dimensions, ms, second

from . import analysis, dac, facts
from .biases import Biases
from .chip import Chip
from .errors import DynapseError
from .measure_bench import DC_BIAS
from .measure_decays import time_constants
from .measure_inputs import input_curve
from .measure_potentials import delay, depression, epsp, ipsp
from .measure_spikes import adaptation, adaptation_ratio, refractory_period, resting_state, rheobase
from .neurons import Neurons
from .provenance_record import provenance
from .recordings import Measurement, measurement, observations
from .standalone import check_readable

__all__ = [
    "Measurement",
    "adaptation",
    "adaptation_ratio",
    "delay",
    "depression",
    "epsp",
    "fi_curve",
    "input_curve",
    "ipsp",
    "observations",
    "refractory_period",
    "resting_state",
    "rheobase",
    "time_constants",
]


def fi_curve(
    biases: Biases,
    codes,
    chip: Chip | Iterable[Chip] | None = None,
    neurons: int = facts.NEURONS_PER_CORE,
    latches: Iterable[str] = (),
    duration=500 * ms,
    settle=100 * ms,
    report=None,
) -> Measurement:
    """Firing rate against the DC input, for every neuron of a core.

    All codes are run at once, as one group with a copy of the neurons for each code.

    Parameters
    ----------
    biases : Biases
        Codes of the core; SOIF_DC_P is replaced by `codes`.
    codes : sequence of (int, int)
        Codes (coarse, fine) of SOIF_DC_P; a current stands for its nearest code.
    chip : Chip or iterable of Chip, optional
        One or several individuals, run together. An ideal chip has one neuron, since all are equal.
    neurons : int
        Number of neurons, the first ones of core 0 of each chip.
    latches : iterable of str
        Latches that are on beside ``so_dc``.
    duration : Quantity
        Time over which spikes are counted.
    settle : Quantity
        Time before that.
    report : str or callable, optional
        Progress report of Brian2, for example ``"text"``, or `Progress()`.

    Returns
    -------
    Measurement
        Columns chip (number in the order given), seed, mismatch, neuron, coarse, fine, current_A
        (DC current in the circuit, without mismatch), spikes (in the time counted), rate_Hz: from the first to the
        last of them, or number over duration if there are fewer than two. For a neuron that stops
        firing, spikes over duration is the better figure. With `Chip(events_per_spike=...)` events are counted, as
        the read-out of the chip does.

    Raises
    ------
    CodeError
        If a code is out of range.
    DynapseError
        If there are no codes, or a neuron count, time or chip is not one.
    """
    if not isinstance(biases, Biases):
        raise DynapseError(f"biases is {type(biases).__name__}; give a brian2dynapse.Biases")
    check_readable("fi_curve")
    if np.ndim(codes) == 0 or isinstance(codes, str):
        raise DynapseError(f"codes is {codes!r}; give several (coarse, fine) of SOIF_DC_P, such as [(2, 40), (2, 80)]")
    codes = np.asarray([biases.code_of(DC_BIAS, code) for code in codes])
    if not len(codes):
        raise DynapseError("fi_curve needs at least one code (coarse, fine) of SOIF_DC_P")
    if not isinstance(neurons, (int, np.integer)) or not 1 <= neurons <= facts.NEURONS_PER_CORE:
        raise DynapseError(f"neurons is {neurons!r}; a core has 1..{facts.NEURONS_PER_CORE}")
    for what, time, least in (("duration", duration, defaultclock.dt), ("settle", settle, 0 * second)):
        if get_dimensions(time) is not second.dim or not time >= least:
            raise DynapseError(f"{what} is {time}; give a time of at least {least}")
    latches = facts.check_latches(latches)
    if "deam_ampa" in latches:
        raise DynapseError("fi_curve runs copies of the same neurons, which no diffusion grid has; leave deam_ampa out")
    currents = dac.current(DC_BIAS, codes[:, 0], codes[:, 1], biases.table)
    chips = [chip or Chip()] if chip is None or isinstance(chip, Chip) else list(chip)
    if not chips or not all(isinstance(one, Chip) for one in chips):
        raise DynapseError(f"chip is {chip!r}; give a Chip or a list of them")
    groups, monitors = [], []
    for number, one in enumerate(chips):
        count = neurons if one.individual or one.noise else 1
        physical = np.tile(np.arange(count), len(codes))
        group = Neurons(
            len(physical), biases, latches={"so_dc", *latches}, chip=one, physical=physical, name=f"fi_neurons_{number}"
        )
        reaching = np.repeat(currents, count) * one.mirror_scale(DC_BIAS)
        group.I_dc_ = reaching * one.mismatch_factors(DC_BIAS, physical)
        groups.append(group)
        monitors.append(SpikeMonitor(group, name=f"fi_spikes_{number}"))
    Network(*groups, *monitors).run(settle + duration, report=report)
    tables = []
    for number, (one, group, monitor) in enumerate(zip(chips, groups, monitors, strict=True)):
        count = len(group) // len(codes)
        spikes, rates = analysis.counts_and_rates(
            monitor.i, monitor.t / second, len(group), float(settle), float(duration)
        )
        tables.append(
            pd.DataFrame(
                {
                    "chip": number,
                    "seed": one.seed,
                    "mismatch": one.mismatch_name,
                    "neuron": np.tile(np.arange(count), len(codes)),
                    "coarse": np.repeat(codes[:, 0], count),
                    "fine": np.repeat(codes[:, 1], count),
                    "current_A": np.repeat(currents * one.mirror_scale(DC_BIAS), count),
                    "spikes": spikes,
                    "rate_Hz": rates,
                }
            )
        )
    codes_run = {name: biases[name] for name in biases if name != DC_BIAS}
    made_with = provenance(*groups, biases)
    return measurement(pd.concat(tables, ignore_index=True), "fi_curve", codes_run, None, made_with)
