"""Picture of a fitted chip: how far its measurements lie from it, and the mismatch of its biases."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from .mismatch import pelgrom_cv
from .plot import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION

COLORS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK)
MARKERS = "o^sDv*P"


def draw(fit, figure: Figure | None = None) -> Figure:
    """Draw measured over fitted values against the current, and the mismatch if any was fitted.

    Parameters
    ----------
    fit : ChipFit
        What was fitted.
    figure : matplotlib Figure, optional
        Where to draw; a new one unless given.

    Returns
    -------
    matplotlib Figure
    """
    spread = len(fit.mismatch) > 0
    if figure is None:
        figure = Figure(figsize=(9 if spread else 5.5, 3.6), layout="constrained")
    panels = figure.subplots(1, 1 + spread, width_ratios=[2, 1][: 1 + spread], squeeze=False)[0]
    _residuals(fit, panels[0])
    if spread:
        _mismatch(fit, panels[1])
    return figure


def _residuals(fit, axes) -> None:
    axes.axhline(1, color=BLACK, linewidth=0.8)
    for k, (quantity, rows) in enumerate(fit.residuals.groupby("quantity", sort=False)):
        color, marker = COLORS[k % len(COLORS)], MARKERS[k % len(MARKERS)]
        by_code = rows.groupby("current_A")["ratio"]
        many = bool((by_code.size() > 1).any())
        if many:
            axes.plot(rows["current_A"] / 1e-12, rows["ratio"], marker, color=color, alpha=0.15, markersize=3, mew=0)
        # The median of a log-normal is that of the nominal current times exp(-s^2/2): it lies beside 1 with mismatch.
        label = f"{quantity} (median of {int(by_code.size().max())})" if many else quantity
        axes.plot(by_code.median().index / 1e-12, by_code.median(), marker, color=color, markersize=6, label=label)
    axes.set(xscale="log", xlabel="current of the code (pA)", ylabel="measured / fitted without mismatch")
    low, high = axes.get_xlim()
    if high / low < 10:  # a single code: less than a decade has no labels
        centre = np.sqrt(low * high)
        axes.set_xlim(centre / 5, centre * 5)
    axes.legend(frameon=False)


def _mismatch(fit, axes) -> None:
    table = fit.mismatch
    places = np.arange(len(table))
    axes.errorbar(table["cv"], places, xerr=table["standard_error"], fmt="o", color=BLUE, capsize=3, label="fitted")
    areas = [pelgrom_cv(bias, fit.chip.constants) for bias in table["bias"]]
    axes.plot(areas, places, "D", color=VERMILION, fillstyle="none", label="by the area")
    axes.set_yticks(places, table["bias"])
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.set_xlabel("coefficient of variation")
    axes.legend(frameon=False)
