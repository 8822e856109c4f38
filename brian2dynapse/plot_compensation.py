"""Pictures of a compensation. No Brian2."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from .plot import BLACK, BLUE, ORANGE, SKY
from .selection import spread

# Stage to colour, line style and width; told apart without colour, too.
STYLES = {
    "all candidates": ("#999999", "-", 1.0),
    "as they come": (BLACK, "--", 1.5),
    "chosen neurons": (SKY, "-.", 1.8),
    "chosen masks": (ORANGE, (0, (1, 1)), 2.2),
    "both": (BLUE, "-", 2.2),
}


def cumulative(compensation, axes: plt.Axes | None = None) -> plt.Axes:
    """Share of the neurons that respond less than a value, for every stage: the steeper, the more alike they are.

    Parameters
    ----------
    compensation : Compensation
        Its `responses`.
    axes : matplotlib Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib Axes
    """
    if axes is None:
        axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")[1]
    for stage, rows in compensation.responses.groupby("stage", sort=False):
        values = np.sort(rows["response"].to_numpy())
        color, style, width = STYLES[stage]
        axes.step(
            np.concatenate([values[:1], values]),
            np.arange(len(values) + 1) / len(values),
            where="post",
            color=color,
            linestyle=style,
            linewidth=width,
            label=f"{stage} ({len(values)}): CV {spread(values):.3f}",
        )
    axes.set(xlabel=f"{compensation.quantity}, to a fresh stimulus", ylabel="share of the neurons below", ylim=(0, 1))
    axes.legend(frameon=False, loc="lower right", fontsize="small")
    return axes
