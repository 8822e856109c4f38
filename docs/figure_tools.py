"""What the figures of the circuit pages share: their register, small experiments, drawing, saving."""

from __future__ import annotations

from pathlib import Path

import brian2 as b2
import numpy as np
from brian2 import amp, ms, mV
from matplotlib.figure import Figure

import brian2dynapse as bd
from brian2dynapse.plot import BLACK

FIGURES = {}
DASHED = {"color": BLACK, "linestyle": "--", "linewidth": 0.8}


def figure(**codes):
    """Register the figure of the page that bears the function's name, and the codes in which its biases differ."""

    def register(draw_figure):
        draw_figure.codes = codes
        FIGURES[draw_figure.__name__] = draw_figure
        return draw_figure

    return register


def save(name: str, path: Path) -> None:
    """Simulate and draw one figure, always the same way, and write it as PNG."""
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = 0.1 * ms
    b2.seed(1)
    picture = Figure(figsize=(7, 3.2), layout="constrained")
    FIGURES[name](picture, bd.Biases(FIGURES[name].codes))
    if any(axes.get_legend_handles_labels()[0] for axes in picture.axes):
        picture.legend(loc="outside upper center", ncols=6, frameon=False)
    picture.savefig(path, dpi=100, metadata={"Software": None})


def draw(axes, x, rows, colors, labels=None, **settings) -> None:
    """Draw rows of values over x; the axes are time and membrane if nothing else is said."""
    axes.set_prop_cycle(color=colors)
    axes.plot(x, np.transpose(rows), label=labels)
    axes.set(**({"xlabel": "time (ms)", "ylabel": "membrane, from rest (mV)"} | settings))


def run(duration, *objects) -> None:
    """Run a network of objects and lists of objects."""
    b2.Network(objects).run(duration)


def record(group, *variables):
    """Monitor of variables of all members of a group."""
    return b2.StateMonitor(group, variables, record=True)


def events(times, neurons, dendrite="ampa", weight="1000", **kwds):
    """A source that sends events at these times and its connection to all neurons."""
    source = b2.SpikeGeneratorGroup(1, np.zeros(len(times), dtype=int), times)
    connection = bd.Connection(source, neurons, dendrite, weight, **kwds)
    connection.connect()
    return source, connection


def dc_currents(*codes):
    """Currents of codes of SOIF_DC_P."""
    return [bd.dac.current("SOIF_DC_P", *code) for code in codes] * amp


def voltage(neurons, current) -> float:
    """Membrane voltage from rest, in mV, where the membrane current has this value."""
    constant = neurons.chip.constant
    return float(constant("U_T") / constant("kappa_n") * np.log(current / constant("I_0")) / mV)
