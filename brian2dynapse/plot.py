"""Pictures of results; every function draws into axes that it is given and returns them."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from brian2.units import second

# Okabe & Ito's colours, told apart with every kind of colour vision.
BLACK, ORANGE, SKY, GREEN, BLUE, VERMILION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
COARSE_COLORS = (BLACK, ORANGE, SKY, GREEN, VERMILION, PURPLE)


def fi_codes(frame: pd.DataFrame, axes: plt.Axes) -> plt.Axes:
    """Firing rate against the fine code, a line for each coarse code.

    Parameters
    ----------
    frame : pandas.DataFrame
        Of `measure.fi_curve`; neurons of one code are averaged.
    axes : matplotlib Axes
        Where to draw.
    """
    for coarse, rows in frame.groupby("coarse"):
        mean = rows.groupby("fine")["rate_Hz"].mean()
        axes.plot(mean.index, mean, ".-", color=COARSE_COLORS[coarse], markersize=4, label=f"coarse {coarse}")
    axes.set(xlabel="fine code of SOIF_DC_P", ylabel="firing rate (Hz)")
    axes.set_xticks(np.arange(0, 257, 32))
    axes.legend(frameon=False)
    return axes


def fi_current(frame: pd.DataFrame, axes: plt.Axes, ideal: pd.DataFrame | None = None) -> plt.Axes:
    """Firing rate against the DC current: median, middle half and full range over the neurons.

    Parameters
    ----------
    frame : pandas.DataFrame
        Of `measure.fi_curve`, several neurons.
    axes : matplotlib Axes
        Where to draw.
    ideal : pandas.DataFrame, optional
        The same of an ideal chip, drawn as a line.
    """
    by_current = frame.groupby("current_A")["rate_Hz"]
    current = np.array(sorted(by_current.groups)) / 1e-12
    low, quarter, median, three_quarters, high = (by_current.quantile(q).to_numpy() for q in (0, 0.25, 0.5, 0.75, 1))
    axes.fill_between(current, low, high, color=SKY, alpha=0.3, linewidth=0, label="all neurons")
    axes.fill_between(current, quarter, three_quarters, color=SKY, alpha=0.8, linewidth=0, label="middle half")
    axes.plot(current, median, color=BLUE, label="median")
    if ideal is not None:
        ordered = ideal.sort_values("current_A")
        axes.plot(ordered["current_A"] / 1e-12, ordered["rate_Hz"], "--", color=BLACK, label="ideal chip")
    silent = current[np.maximum.accumulate(high) == 0]
    axes.set(xlabel="DC current into the soma (pA)", ylabel="firing rate (Hz)", xscale="log")
    axes.set_xlim(silent[-1] if silent.size else current[0], current[-1])
    axes.legend(frameon=False)
    return axes


def winner_take_all(result, figure: plt.Figure) -> plt.Figure:
    """Raster of a winner-take-all network with its input, and the rates that decide the winner.

    Parameters
    ----------
    result : networks.WinnerTakeAll
        After its run.
    figure : matplotlib Figure
        Where to draw.
    """
    raster, rate = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    colors = {"left": BLUE, "right": VERMILION, "inhibitory": BLACK}
    offset, ticks = 0, {}
    for name in ("input_left", "input_right", "left", "right", "inhibitory"):
        monitor = result.spikes[name]
        size = len(monitor.source)
        color = colors[name.removeprefix("input_")]
        raster.scatter(
            monitor.t / second,
            np.asarray(monitor.i) + offset,
            s=4,
            marker="|",
            color=color,
            linewidth=0.8,
            rasterized=True,
        )
        ticks[offset + size / 2] = name.replace("_", " ")
        offset += size + 6
    raster.set_yticks(list(ticks), list(ticks.values()))
    raster.set(ylabel="neurons", ylim=(-3, offset))
    table = result.rates()
    step = float(result.step / second)
    for name in result.populations:
        values = np.append(table[f"{name}_Hz"], table[f"{name}_Hz"].iloc[-1])
        rate.step(np.arange(len(values)) * step, values, where="post", color=colors[name], label=name)
    for row in table.itertuples():
        color = colors.get(row.winner, "#999999")
        for axes in (raster, rate):
            axes.axvspan(row.step * step, (row.step + 1) * step, color=color, alpha=0.08, linewidth=0)
        rate.annotate(str(row.position), ((row.step + 0.5) * step, 0.98), xycoords=("data", "axes fraction"),
                      ha="center", va="top", fontsize=8)  # fmt: skip
    rate.set(
        xlabel="time (s); numbers: position of the input, 0 left to 16 right; shading: the winner", ylabel="rate (Hz)"
    )
    rate.set_ylim(0, 1.35 * max(1, table[[f"{name}_Hz" for name in result.populations]].to_numpy().max()))
    rate.set_xlim(0, len(table) * step)
    rate.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
