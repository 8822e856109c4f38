"""Pictures of results; every function draws into axes, or a figure, that it is given and returns them. No Brian2."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from functools import cached_property

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from . import facts
from .plot_measured import measured

__all__ = ["fi_codes", "fi_current", "mapping", "measured", "winner_take_all"]

# Okabe & Ito's colours, told apart with every kind of colour vision.
BLACK, ORANGE, SKY, GREEN, BLUE, VERMILION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
COARSE_COLORS = (BLACK, ORANGE, SKY, GREEN, VERMILION, PURPLE)
GREY = "#DDDDDD"  # neurons that nobody uses

# Of the picture of a mapping.
SIDE = 16  # a core's neurons are a square, numbered column by column
CORES_IN_A_ROW = 2
SIDE_INCHES, GAP_INCHES, SCALE_INCHES = 2.2, 0.12, 0.85  # a core, what is between two, the colour bar with its labels
SMALL_SIDE_INCHES = 1.7  # a core, if there are more than two chips in a row
LARGEST_TEXT, SMALLEST_TEXT = 9, 4  # points
LETTER, LINE = 0.58, 1.3  # width of a letter and height of a line, of the size of the text
TITLED_POPULATIONS = 6  # more are counted
LABEL_BOX = {"boxstyle": "round,pad=0.15", "facecolor": "white", "alpha": 0.8, "linewidth": 0}
SYMBOLS = "o^sDv*P<X>"  # of populations whose neurons lie scattered


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
            np.asarray(monitor.t),
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
    step = float(result.step)
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


def mapping(result, figure: plt.Figure | None = None, relative: bool = False) -> plt.Figure:
    """The chips of a mapping: every neuron of every core, coloured by the CAM words that it uses.

    Parameters
    ----------
    result : Mapping
        Of `map_network`.
    figure : matplotlib Figure, optional
        Where to draw; by default a new one, as large as the chips need.
    relative : bool
        Whether CAM words are counted in percent of those of the neuron that are usable, by the profile of the chip,
        instead of 0..64.

    Returns
    -------
    matplotlib Figure

    Notes
    -----
    Neurons are numbered column by column, neuron 0 top left. Grey neurons belong to no population. The percentage of
    a core is that of its usable CAM words. Chips lie in the columns and rows of their positions, row 0 at the top,
    columns and rows without a chip left out.
    """
    positions = result.configuration.positions
    (columns, column), (rows, row) = (np.unique(positions[:, k], return_inverse=True) for k in (0, 1))
    used = result.utilization()
    shares = used[used["resource"] == "CAM words"].set_index(["chip", "core"])["share"]
    by_core = dict(list(result.neurons.groupby(["chip", "core"])))
    empty = result.neurons[:0]
    cores = [_Core(by_core.get(place, empty), *place, shares[place]) for place in shares.index]
    layout = _Layout.of(figure, len(columns), len(rows), cores)
    figure = layout.figure
    capacity = facts.SYNAPSES_PER_NEURON
    if relative and result.profile is not None:
        capacity = result.profile.usable.any(axis=-1).sum(axis=-1)
    shape = (len(positions), facts.CORES_PER_CHIP, facts.NEURONS_PER_CORE)
    unit = np.maximum(np.broadcast_to(capacity, shape), 1) / 100 if relative else np.ones(shape)
    scale = ScalarMappable(Normalize(0, 100 if relative else facts.SYNAPSES_PER_NEURON), "viridis")
    for core in cores:
        if core.core == 0:
            layout.frame(column[core.chip], row[core.chip])
        core.draw(layout, layout.axes(column[core.chip], row[core.chip], core.core), unit[core.chip, core.core], scale)
    label = "CAM words used (% of the usable ones)" if relative else "CAM words used"
    figure.colorbar(scale, cax=layout.scale_axes(), label=label, ticks=np.linspace(0, scale.norm.vmax, 5))
    return figure


@dataclass
class _Layout:
    """Where the cores are on a figure, in inches: chips in columns and rows, each a square of cores."""

    figure: plt.Figure
    columns: int
    rows: int
    side: float  # of a core
    title: float  # height
    legend: float  # height

    @classmethod
    def of(cls, figure, columns: int, rows: int, cores: list[_Core]) -> _Layout:
        """The largest cores that fit a figure; without one, a figure that fits cores of the usual size."""
        across, down = CORES_IN_A_ROW * columns, facts.CORES_PER_CHIP // CORES_IN_A_ROW * rows
        gaps = [GAP_INCHES * (number + 2 * chips + 1) for number, chips in ((across, columns), (down, rows))]
        side = SIDE_INCHES if columns <= 2 else SMALL_SIDE_INCHES
        if figure is not None:
            figure.set_layout_engine("none")
            side = max(0.2, (figure.get_figwidth() - SCALE_INCHES - gaps[0]) / across)
        layout = cls(figure, columns, rows, side, 0, 0)
        layout.title = layout.line * max(len(core.title_lines(layout)) for core in cores)
        layout.legend = layout.line * max(core.legend_lines for core in cores)
        if figure is None:
            height = down * (side + layout.title + layout.legend) + gaps[1]
            layout.figure = plt.figure(figsize=(across * side + gaps[0] + SCALE_INCHES, height))
        else:
            fitting = (figure.get_figheight() - gaps[1]) / down - layout.title - layout.legend
            layout.side = max(0.2, min(side, fitting))
        return layout

    @property
    def text(self) -> float:
        """Size of text in points."""
        return float(np.clip(LARGEST_TEXT * self.side / SIDE_INCHES, SMALLEST_TEXT, LARGEST_TEXT))

    @property
    def line(self) -> float:
        """Height of a line of text."""
        return LINE * self.text / 72

    def letters(self, inches: float) -> int:
        """How many fit."""
        return max(2, int(inches * 72 / (LETTER * self.text)))

    @property
    def chip_size(self) -> tuple[float, float]:
        """Width and height of a chip with its frame."""
        down = facts.CORES_PER_CHIP // CORES_IN_A_ROW
        height = down * (self.side + self.title + self.legend) + GAP_INCHES * (down + 1)
        return CORES_IN_A_ROW * self.side + GAP_INCHES * (CORES_IN_A_ROW + 1), height

    def corner(self, column: int, row: int) -> np.ndarray:
        """Left and upper end of a chip."""
        return GAP_INCHES + np.array([column, row]) * (np.array(self.chip_size) + GAP_INCHES)

    def rectangle(self, left: float, top: float, width: float, height: float) -> tuple[float, ...]:
        """In fractions of the figure, as matplotlib has it."""
        size = self.figure.get_size_inches()
        return left / size[0], 1 - (top + height) / size[1], width / size[0], height / size[1]

    def axes(self, column: int, row: int, core: int) -> plt.Axes:
        """Axes of a core."""
        down, across = divmod(core, CORES_IN_A_ROW)
        left, top = self.corner(column, row) + GAP_INCHES
        left += across * (self.side + GAP_INCHES)
        top += down * (self.side + self.title + self.legend + GAP_INCHES) + self.title
        return self.figure.add_axes(self.rectangle(left, top, self.side, self.side))

    def frame(self, column: int, row: int) -> None:
        """A line around a chip."""
        left, bottom, width, height = self.rectangle(*self.corner(column, row), *self.chip_size)
        self.figure.add_artist(Rectangle((left, bottom), width, height, fill=False, edgecolor="#AAAAAA", linewidth=0.8))

    def scale_axes(self) -> plt.Axes:
        """Axes of the colour bar, right of all chips."""
        left, height = self.corner(self.columns, 0)[0], self.corner(0, self.rows)[1] - 2 * GAP_INCHES
        return self.figure.add_axes(self.rectangle(left, GAP_INCHES, 0.15, height))


@dataclass
class _Core:
    """A core in a picture: the rows of `Mapping.neurons` that are there, and the share of its CAM words."""

    neurons: pd.DataFrame
    chip: int
    core: int
    share: float

    @cached_property
    def counts(self) -> pd.Series:
        """Neurons of each population."""
        return self.neurons.groupby("population", sort=False).size()

    @cached_property
    def owner(self) -> np.ndarray:
        """Number of the population of each neuron, or -1."""
        owner = np.full(facts.NEURONS_PER_CORE, -1)
        owner[self.neurons["neuron"]] = pd.factorize(self.neurons["population"])[0]
        return owner

    @cached_property
    def scattered(self) -> bool:
        """Whether there are populations whose neurons do not follow one another."""
        starts = np.flatnonzero(np.diff(self.owner, prepend=-1))
        return np.count_nonzero(self.owner[starts] >= 0) > len(self.counts)

    @property
    def legend_lines(self) -> int:
        """Of the names below the core."""
        return -(-len(self.counts) // 2) if self.scattered and len(self.counts) > 1 else 0

    def title_lines(self, layout: _Layout) -> list[str]:
        """Place, populations and their neurons, CAM words."""
        text = "not used"
        if len(self.counts):
            letters = layout.letters(layout.side) - len(" 256,")
            shown = [f"{_short(name, letters)}\xa0{n}" for name, n in self.counts[:TITLED_POPULATIONS].items()]
            left = self.counts[TITLED_POPULATIONS:]
            shown += [f"{len(left)}\xa0more with\xa0{left.sum()}"] if len(left) else []
            text = ", ".join(shown) + f"; {100 * self.share:.0f}\xa0%\xa0of CAM\xa0words"
        text = f"chip\xa0{self.chip}, core\xa0{self.core}: {text}"
        lines = textwrap.wrap(text, layout.letters(layout.side), break_on_hyphens=False)
        return [line.replace("\xa0", " ") for line in lines]

    def draw(self, layout: _Layout, axes: plt.Axes, unit: np.ndarray, scale: ScalarMappable) -> None:
        """Neurons, coloured by CAM words divided by `unit`, and the populations that they belong to."""
        load = np.full(facts.NEURONS_PER_CORE, np.nan)
        load[self.neurons["neuron"]] = self.neurons["cams"]
        load = np.ma.masked_invalid(load / unit).reshape(SIDE, SIDE).T
        edges = np.arange(SIDE + 1) - 0.5
        thin = layout.side / SIDE_INCHES
        axes.set_facecolor(GREY)
        axes.pcolormesh(edges, edges, load, cmap=scale.cmap, norm=scale.norm, edgecolors="white", linewidth=0.4 * thin)
        axes.set(xlim=(-0.5, SIDE - 0.5), ylim=(SIDE - 0.5, -0.5), xticks=[], yticks=[])
        axes.spines[:].set_color("#888888")
        axes.set_title("\n".join(self.title_lines(layout)), fontsize=layout.text, loc="left", pad=3 * thin)
        if self.scattered:
            if len(self.counts) > 1:
                self._mark(layout, axes, load / scale.norm.vmax)
            return
        lines = LineCollection(_borders(self.owner.reshape(SIDE, SIDE).T), colors=VERMILION, linewidths=1.5 * thin)
        axes.add_collection(lines)
        for k, name in enumerate(self.counts.index):
            self._label(layout, axes, name, np.flatnonzero(self.owner == k) // SIDE)

    def _label(self, layout: _Layout, axes: plt.Axes, name: str, column: np.ndarray) -> None:
        """Name of a population in the columns of the core that it fills."""
        width = (column[-1] - column[0] + 1) / SIDE * layout.side
        upright = width < 0.4 * layout.side
        letters = layout.letters((layout.side if upright else width) - 0.25)
        axes.text((column[0] + column[-1]) / 2, (SIDE - 1) / 2, _short(name, letters), fontsize=layout.text,
                  rotation=90 if upright else 0, ha="center", va="center", bbox=LABEL_BOX)  # fmt: skip

    def _mark(self, layout: _Layout, axes: plt.Axes, share: np.ndarray) -> None:
        """A symbol in every neuron, and below which population it stands for."""
        for k, name in enumerate(self.counts.index):
            x, y = np.divmod(np.flatnonzero(self.owner == k), SIDE)
            style = {"s": (0.35 * layout.text) ** 2, "marker": SYMBOLS[k % len(SYMBOLS)], "linewidth": 0}
            axes.scatter(x, y, c=np.where(share[y, x] < 0.5, "white", "black"), **style)
            label = " " + _short(name, layout.letters(layout.side / 2) - 4)  # one that starts with _ would be left out
            axes.scatter([], [], c="black", label=label, **style)
        axes.legend(loc="upper left", bbox_to_anchor=(0, 0), frameon=False, fontsize=layout.text, ncols=2, borderpad=0,
                    borderaxespad=0.2, handletextpad=0, handlelength=1.5, labelspacing=0.2,
                    columnspacing=0.5)  # fmt: skip


def _borders(owner: np.ndarray) -> list:
    """Lines between neurons of different populations; `owner` by row and column."""
    below, beside = np.argwhere(owner[1:] != owner[:-1]), np.argwhere(owner[:, 1:] != owner[:, :-1])
    lines = [((x - 0.5, y + 0.5), (x + 0.5, y + 0.5)) for y, x in below]
    return lines + [((x + 0.5, y - 0.5), (x + 0.5, y + 0.5)) for y, x in beside]


def _short(name: str, letters: int) -> str:
    """A name with its middle left out, if it has more letters."""
    if len(name) <= letters:
        return name
    end = max(0, letters - 1) // 2
    return name[: max(1, letters - 1 - end)] + "\u2026" + name[len(name) - end :]
