"""Pictures of what `measure` returns, one a protocol. No Brian2."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from .errors import DynapseError

BLACK, ORANGE, BLUE, VERMILION = "#000000", "#E69F00", "#0072B2", "#D55E00"  # of plot.py
SHOWN_NEURONS = 8  # as single lines; more are a median and ranges
DECADES = {"s": ((1, "s"), (1e-3, "ms"), (1e-6, "us")), "V": ((1, "V"), (1e-3, "mV"), (1e-6, "uV")),
           "A": ((1e-6, "uA"), (1e-9, "nA"), (1e-12, "pA"))}  # fmt: skip


def measured(table: pd.DataFrame, axes: plt.Axes | None = None) -> plt.Axes:
    """Draw a table of `measure`.

    Parameters
    ----------
    table : Measurement
        Of any protocol, or rows of one.
    axes : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    DynapseError
        For a table that does not know its protocol, such as one put together by `pandas.concat`.
    """
    protocol = getattr(table, "protocol", "")
    if protocol not in _DRAW:
        raise DynapseError(
            f"this table does not know which protocol made it ({protocol!r}); give one that bd.measure returned, or "
            "rows of it; pandas.concat forgets"
        )
    if axes is None:
        _, axes = plt.subplots(figsize=(5.5, 3.8), layout="constrained")
    _DRAW[protocol](table, axes)
    return axes


def calibration(values: pd.DataFrame, table: pd.DataFrame, axes: plt.Axes | None = None) -> plt.Axes:
    """Draw what `calibrate` found: the value of every neuron over the one that was asked for, before and after.

    Parameters
    ----------
    values, table : pandas.DataFrame
        Of a `Calibration`.
    axes : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib Axes
    """
    targets = list(table.index)
    if axes is None:
        _, axes = plt.subplots(figsize=(6, 0.9 + 0.7 * len(targets)), layout="constrained")
    for row, target in enumerate(targets):
        one = values[values["target"] == target]
        for stage, shift, color in (("before", 0.18, ORANGE), ("after", -0.18, BLUE)):
            shares = (one[stage] / one["asked"]).to_numpy()
            shares = shares[np.isfinite(shares) & (shares > 0)]
            jitter = np.linspace(-0.1, 0.1, len(shares)) if len(shares) > 1 else np.zeros(len(shares))
            label = {"before": "before", "after": "calibrated"}[stage] if row == 0 else None
            axes.plot(
                shares, row + shift + jitter, ".", color=color, markersize=3 if len(shares) > 30 else 8, label=label
            )
            if len(shares) > 1:
                axes.plot([np.median(shares)] * 2, [row + shift - 0.15, row + shift + 0.15], color=BLACK)
    axes.axvline(1, color=BLACK, linewidth=0.8, linestyle="--")
    names = [f"{one.target}\n{_readable(one.asked, one.unit)}" for one in table.itertuples()]
    axes.set_yticks(range(len(targets)), names)
    axes.set(xlabel="value of a neuron / asked for (1)", xscale="log", ylim=(len(targets) - 0.5, -0.5))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, 1.0 + 0.3 / len(targets)), ncols=2)
    return axes


def _readable(value: float, unit: str) -> str:
    symbol = {"second": "s", "volt": "V", "amp": "A"}.get(unit)
    if symbol is None:
        return f"{value:g} Hz" if unit == "hertz" else f"{value:g}"
    factor, name = scaled([value], symbol)
    return f"{value / factor:.3g} {name}"


def scaled(values, unit: str) -> tuple[float, str]:
    """The factor and name of a decimal unit in which values are read easily."""
    largest = np.nanmax(np.abs(np.asarray(values, float)), initial=0)
    for factor, name in DECADES[unit]:
        if largest >= factor:
            return factor, name
    return DECADES[unit][-1]


def _curve(table, axes):
    _lines(table, axes, "current_A", "rate_Hz", ".-")
    factor, unit = scaled(table["current_A"], "A")
    axes.set(xlabel=f"DC current into the soma ({unit})", ylabel="firing rate (Hz)", xscale="log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / factor:g}")


def _input_curve(table, axes):
    _lines(table, axes, "input_Hz", "rate_Hz", ".-")
    axes.set(xlabel="events of a synapse (Hz)", ylabel="firing rate (Hz)")


def _time_constants(table, axes):
    quantities = list(dict.fromkeys(table["quantity"]))
    for k, quantity in enumerate(quantities):
        rows = table[table["quantity"] == quantity]
        values = rows["tau_s"].dropna() * 1e3
        spread = np.linspace(-0.2, 0.2, len(values)) if len(values) > 1 else [0]
        axes.plot(k + np.asarray(spread), values, "o", color=BLUE, markersize=3, alpha=0.7,
                  label="measured" if k == 0 else None)  # fmt: skip
        if "expected_s" in rows:
            axes.hlines(rows["expected_s"].unique() * 1e3, k - 0.3, k + 0.3, color=VERMILION,
                        label="closed form, without mismatch" if k == 0 else None)  # fmt: skip
    axes.set_xticks(range(len(quantities)), quantities)
    axes.set(ylabel="time constant (ms)", yscale="log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.legend(frameon=False)


def _potentials(table, axes):
    trace = table.recording
    if trace is None:
        raise DynapseError("the traces of this table are gone; draw the table that bd.measure returned")
    keys = [key for key in ("setting", "neuron") if key in table]
    wanted = table[keys].drop_duplicates()
    traces = [one for _, one in trace.merge(wanted, on=keys).groupby(keys)]
    rest = table.groupby(keys)["rest_V"].first().to_numpy() if "rest_V" in table else np.zeros(len(traces))
    rises = [one["voltage_V"].to_numpy() - base for one, base in zip(traces, rest, strict=True)]
    factor, unit = scaled(np.concatenate(rises), "V")
    for one, rise in zip(traces[:SHOWN_NEURONS], rises, strict=False):
        axes.plot(one["time_s"] * 1e3, rise / factor, color=BLUE, alpha=0.8, linewidth=1)
    if "event" in table:
        first = table[(table[keys] == wanted.iloc[0]).all(axis=1)]
        peaks = (first["time_s"] + first["time_to_peak_s"]) * 1e3
        axes.plot(peaks, first["peak_V"] / factor, "o", color=VERMILION, markersize=4, label="peaks read")
        axes.legend(frameon=False)
    if len(traces) > SHOWN_NEURONS:
        axes.set_title(f"{SHOWN_NEURONS} of {len(traces)} neurons", fontsize=9)
    axes.set(xlabel="time (ms)", ylabel=f"membrane voltage from rest ({unit})")


def _depression(table, axes):
    shares = table.groupby("event")[["remaining", *({"of_control"} & set(table))]].median() * 100
    axes.plot(shares.index, shares["remaining"], "o-", color=BLUE, markersize=4, label="of the first event")
    if "of_control" in shares:
        axes.plot(
            shares.index, shares["of_control"], "s--", color=ORANGE, markersize=4, label="peak, of that without stp"
        )
    axes.set(xlabel="event", ylabel="amplitude (%), median", ylim=(0, None))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False)


def _adaptation(table, axes):
    factor, unit = scaled(table["interval_s"], "s")
    keys = [key for key in ("setting", "neuron") if key in table]
    for k, (_, one) in enumerate(table.groupby(keys)):
        if k < SHOWN_NEURONS:
            axes.plot(one["time_s"], one["interval_s"] / factor, ".-", markersize=4, linewidth=0.8)
    axes.set(xlabel="time from the onset of the input (s)", ylabel=f"interval between spikes ({unit})", ylim=(0, None))


def _delay(table, axes):
    _sorted(table, axes, "delay_s", "s", "delay", "expected_s")


def _refractory(table, axes):
    _sorted(table, axes, "t_ref_s", "s", "refractory period", "expected_s")


def _rheobase(table, axes):
    _sorted(table, axes, "rheobase_A", "A", "rheobase", None)


def _resting(table, axes):
    _sorted(table, axes, "rest_V", "V", "resting voltage", None)


def _sorted(table, axes, column, unit_name, what, expected):
    """A value of every neuron, in ascending order, and the closed form."""
    factor, unit = scaled(table[column], unit_name)
    values = np.sort(table[column].dropna().to_numpy()) / factor
    share = (np.arange(len(values)) + 0.5) / max(len(values), 1)
    axes.plot(
        values, share, "o-" if len(values) < 50 else "-", color=BLUE, markersize=4, label=f"{len(values)} neurons"
    )
    if expected in table:
        for one in (table[expected] / factor).unique():
            axes.axvline(one, color=VERMILION, linestyle="--", label="closed form, without mismatch")
    axes.set(xlabel=f"{what} ({unit})", ylabel="share of neurons below", ylim=(0, 1))
    axes.legend(frameon=False)


def _lines(table, axes, x, y, style):
    """Few neurons as lines; of many the median and the range in which nine of ten are."""
    keys = [key for key in ("chip", "setting", "neuron") if key in table]
    groups = table.groupby(keys)
    if groups.ngroups <= SHOWN_NEURONS:
        for _, one in groups:
            axes.plot(one[x], one[y], style, markersize=4, linewidth=0.9)
        return
    by = table.groupby(x)[y]
    axes.fill_between(
        sorted(by.groups),
        by.quantile(0.05),
        by.quantile(0.95),
        color=BLUE,
        alpha=0.25,
        linewidth=0,
        label="nine of ten",
    )
    axes.plot(sorted(by.groups), by.median(), style, color=BLUE, markersize=4, label=f"median of {groups.ngroups}")
    axes.legend(frameon=False)


_DRAW = {
    "fi_curve": _curve,
    "input_curve": _input_curve,
    "time_constants": _time_constants,
    "epsp": _potentials,
    "depression": _depression,
    "delay": _delay,
    "refractory_period": _refractory,
    "adaptation": _adaptation,
    "rheobase": _rheobase,
    "resting_state": _resting,
}
