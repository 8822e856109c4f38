"""Pictures of sweeps: `plot.heat_map`. No Brian2."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from . import dac, facts
from .errors import DynapseError, unknown_name

_UNITS = {1e-15: "fA", 1e-12: "pA", 1e-9: "nA", 1e-6: "uA"}
_MISSING = "#DDDDDD"
_TICKS = 8  # at most, of an axis of codes


def heat_map(table: pd.DataFrame, x: str, y: str, value: str, axes: plt.Axes | None = None, label="") -> plt.Axes:
    """A result of a sweep over two columns, as colours.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `sweep`. Lines with the same x and y are averaged.
    x, y : str
        Columns of numbers; or of codes, named as their bias (``"SOIF_LEAK_N"`` or ``"pyr.SOIF_LEAK_N"``): the axis is
        then logarithmic in the current of the code, in the nominal generator table, with ticks at codes.
    value : str
        Column of the colour; where it is missing, a cell is grey with a cross.
    axes : matplotlib Axes, optional
        Where to draw; by default new ones.
    label : str
        Of the colour bar; by default the name of the column, with its unit if the table knows it.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    UnknownNameError
        For a column that the table does not have.
    DynapseError
        For columns that hold something else, or codes whose column is not named as a bias.
    """
    if not isinstance(table, pd.DataFrame):
        raise DynapseError(f"table is {type(table).__name__}; give the DataFrame that sweep returned")
    for name in (x, y, value):
        if name not in table:
            raise unknown_name("column of the table", name, map(str, table.columns))
    for name in (x, y):
        if table[name].isna().any():
            raise DynapseError(
                f"column {name!r} is missing in some rows, which have no place; leave them out: dropna()"
            )
    if not pd.api.types.is_numeric_dtype(table[value]):
        raise DynapseError(f"column {value!r} is {table[value].dtype}; colours show numbers")
    axes = plt.figure(layout="constrained").add_subplot() if axes is None else axes
    across, down = _Axis(table, x), _Axis(table, y)
    means = table.groupby([pd.Series(down.places), pd.Series(across.places)], sort=False)[value].mean().dropna()
    values = np.full((len(down.positions), len(across.positions)), np.nan)
    for place, mean in means.items():
        values[place] = mean
    axes.set_facecolor(_MISSING)
    mesh = axes.pcolormesh(across.edges, down.edges, np.ma.masked_invalid(values), cmap="viridis")
    rows, columns = np.nonzero(np.isnan(values))
    axes.plot(across.positions[columns], down.positions[rows], "x", color="black", clip_on=False)
    across.draw(axes, axes.xaxis, axes.set_xscale)
    down.draw(axes, axes.yaxis, axes.set_yscale)
    axes.tick_params(axis="x", labelrotation=90 if across.codes else 0)
    unit = table.attrs.get("units", {}).get(value)
    axes.figure.colorbar(mesh, ax=axes, label=label or (f"{value} ({unit})" if unit else value))
    return axes


class _Axis:
    """One column: its distinct values in order, and the place of each line among them."""

    def __init__(self, table: pd.DataFrame, name: str):
        cells = table[name].tolist()
        bias = name.rpartition(".")[2]
        self.codes, self.label = None, name
        if all(isinstance(cell, tuple) and len(cell) == 2 for cell in cells):
            if bias not in facts.core_biases():
                raise DynapseError(f"column {name!r} has codes; name it as their bias, for example 'SOIF_LEAK_N'")
            by_code = {cell: float(dac.current(bias, *cell)) for cell in cells}
            self.scale = _scale(max(by_code.values()))
            numbers = np.array([by_code[cell] for cell in cells]) / self.scale
            self.codes = {current / self.scale: code for code, current in by_code.items()}
            self.label = f"{name}: current ({_UNITS[self.scale]}) and code"
        elif pd.api.types.is_numeric_dtype(table[name]):
            numbers = table[name].to_numpy(dtype=float)
            unit = table.attrs.get("units", {}).get(name)
            self.label = f"{name} ({unit})" if unit else name
        else:
            raise DynapseError(f"column {name!r} is {table[name].dtype}; an axis has numbers, or codes of a bias")
        self.positions, self.places = np.unique(numbers, return_inverse=True)
        self.log = self.codes is not None and self.positions[0] > 0
        self.edges = _edges(self.positions, self.log)

    def draw(self, axes: plt.Axes, axis, set_scale) -> None:
        """Label, scale and ticks."""
        axis.set_label_text(self.label)
        if self.codes is None:
            return
        if self.log:
            set_scale("log")
        step = -(-len(self.positions) // _TICKS)
        ticks = self.positions[::step]
        axis.set_ticks(ticks, [f"{tick:.3g} ({self.codes[tick][0]},{self.codes[tick][1]})" for tick in ticks])
        axis.set_ticks([], minor=True)


def _scale(current: float) -> float:
    return max([unit for unit in _UNITS if unit <= current], default=min(_UNITS))


def _edges(positions: np.ndarray, log: bool) -> np.ndarray:
    """Half-way between neighbours."""
    where = np.log(positions) if log else positions
    if len(where) == 1:
        step = 0.5 if log else max(abs(where[0]), 1) / 2
        edges = np.array([where[0] - step, where[0] + step])
    else:
        middle = (where[1:] + where[:-1]) / 2
        edges = np.concatenate([[2 * where[0] - middle[0]], middle, [2 * where[-1] - middle[-1]]])
    return np.exp(edges) if log else edges
