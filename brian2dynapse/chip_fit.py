"""`fit_chip`: the constants and the mismatch of a chip from a table of measured codes and observables."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from . import facts, measurements
from .biases import Biases
from .chip import Chip
from .chip_file import arguments, with_unit
from .chip_fit_problem import Problem
from .chip_spread import Spread
from .errors import DynapseError, unknown_name
from .measurements import Measurements
from .mismatch import coefficients
from .observables import OBSERVABLES
from .provenance_record import carry, provenance

FIT = "fit"


@dataclass(frozen=True, eq=False, repr=False)
class ChipFit:
    """A chip that was fitted to measurements, and how well it is known.

    Attributes
    ----------
    chip : Chip
        With the fitted constants and mismatch.
    table : pandas.DataFrame
        A row a fitted constant: constant, value, unit, standard_error (NaN if the table cannot tell), was (before the
        fit), rows (how many depend on it), quantities.
    mismatch : pandas.DataFrame
        A row a bias whose mismatch was fitted: bias, cv, standard_error, neurons, was, scatter (relative standard
        deviation of single measurements; NaN if the table cannot tell: then it is part of cv).
    residuals : pandas.DataFrame
        The table of measurements, with columns current_A (of the code), fitted (what the chip does without mismatch,
        in the unit of the row) and ratio (value / fitted).
    """

    chip: Chip
    table: pd.DataFrame
    mismatch: pd.DataFrame
    residuals: pd.DataFrame

    def __post_init__(self):
        for table in (self.table, self.mismatch, self.residuals):
            carry(table, self.provenance)

    @property
    def provenance(self) -> dict:
        """Versions and the fitted chip, see `provenance`; the tables carry it."""
        return provenance(self.chip)

    def plot(self, figure=None):
        """Measured over fitted values, and the mismatch, see `chip_fit_plot.draw`.

        Parameters
        ----------
        figure : matplotlib Figure, optional
            Where to draw; a new one unless given.

        Returns
        -------
        matplotlib Figure
        """
        from .chip_fit_plot import draw  # a fit needs no matplotlib, its picture does

        return draw(self, figure)

    def __repr__(self) -> str:
        told = []
        for row in self.table.itertuples():
            error = f" +- {row.standard_error:.2g}" if np.isfinite(row.standard_error) else ""
            told.append(f"{row.constant} = {row.value:.4g}{error}" + (f" {row.unit}" if row.unit != "1" else ""))
        told += [
            f"mismatch of {row.bias} {row.cv:.3g} +- {row.standard_error:.1g}" for row in self.mismatch.itertuples()
        ]
        count = len(self.residuals)
        return f"<ChipFit to {count} measurement{'s' if count > 1 else ''}: {', '.join(told)}>"

    def _repr_html_(self) -> str:
        tables = [one.to_html(index=False) for one in (self.table, self.mismatch) if len(one)]
        return f"<p>{html.escape(repr(self))}</p>" + "".join(tables)


def fit_chip(
    table,
    chip: Chip | None = None,
    fit: Iterable[str] | None = None,
    mismatch=FIT,
    seed: int | None = None,
    biases: Biases | None = None,
) -> ChipFit:
    """Fit the constants of a chip, and its mismatch, to what was measured on it.

    Parameters
    ----------
    table : DataFrame, or path of a CSV file
        A row a measurement. Columns: quantity, the name of an observable (see `observables.OBSERVABLES`); coarse and
        fine, the code of the bias that was turned; value. Optional: bias, the one that was turned, where there is a
        choice; unit, such as ``"ms"`` or ``"mV"`` (SI units unless given); sd, the standard error of the value, in the
        same unit; neuron (and core, chip), where single neurons were measured. Without neurons, values are taken as
        those of the whole chip, free of mismatch.
    chip : Chip, optional
        What is known before; the ideal chip with measured constants by default.
    fit : iterable of str, optional
        Names of the constants to fit. By default those that belong to the quantities of the table alone: the
        capacitor of a time constant, the charge of a timer, I_0 (and kappa_n, if there are several codes) of the
        threshold, the mirror scale of a current.
    mismatch : float, str, mapping, DataFrame or path
        ``"fit"``: the spread of each bias of which the table has several neurons is fitted; the other biases keep that
        of `chip`, or have that of their transistors' areas if `chip` has none. Anything that `Chip` takes is taken
        as it is, and used to weigh the rows.
    seed : int, optional
        Identity of the fitted chip, with which its mismatch is drawn; that of `chip` unless given.
    biases : Biases, optional
        Codes of biases that a row does not name, for delays by several biases; and the table of generators.

    Returns
    -------
    ChipFit

    Raises
    ------
    DynapseError
        For a wrong table; a constant on which no row depends; constants that the rows cannot tell apart, with what
        would; a fitted mismatch without a seed.
    UnknownNameError
        For a constant that the chip does not have.

    Notes
    -----
    Least squares of the logarithms of value / closed form (of a voltage: of the difference in units of U_T/kappa_n,
    which is the logarithm of a current). Rows are weighed by `sd`; without it, by their scatter.

    A current in a neuron is that of its code times a log-normal factor of mean 1. The mean of the factor's
    *logarithm* is -s^2/2, s^2 = ln(1 + cv^2): the mean over neurons of ln(tau) lies s^2/2 above ln(tau) of the nominal
    current. The fit takes that out, so that its constants are those with which `Chip` has the measured neurons.
    A neuron's factor is the same at all codes, which makes its rows correlated; standard errors respect that. s^2 is
    the variance between neurons less what the scatter within a neuron contributes to it. Spread is fitted to quantities
    of one bias only.

    Standard errors are those of the linearised fit; if the rows lie farther from the fit than `sd` or their scatter
    allow, enlarged by the square root of chi^2 per degree of freedom.

    Examples
    --------
    The leak code (2,5) measured 20 ms:

    >>> import brian2dynapse as bd, pandas as pd
    >>> row = {"quantity": "tau_mem", "bias": "SOIF_LEAK_N", "coarse": 2, "fine": 5, "value": 20, "unit": "ms"}
    >>> chip = bd.fit_chip(pd.DataFrame([row])).chip
    """
    if chip is not None and not isinstance(chip, Chip):
        raise DynapseError(f"chip is {type(chip).__name__}; give a brian2dynapse.Chip")
    chip = chip or Chip()
    measured = measurements.read(table, biases)
    names = _checked_names(fit, measured, chip)
    watched, fitted = _of_several_neurons(measured), isinstance(mismatch, str) and mismatch == FIT
    if watched and fitted and seed is None and chip.seed is None:
        raise DynapseError(
            f"the table has several neurons of {watched[0]}, so that its mismatch is fitted, and which individual is "
            "drawn with it is said by a seed: fit_chip(..., seed=42); mismatch=0 fits none"
        )
    problem = Problem(measured, chip.constants, names)
    problem.check(_all_quantities())
    own = {bias: chip.mismatch_cv(bias) for bias in facts.core_biases()}
    cvs = own if fitted else coefficients(mismatch, chip.constants)
    steps, spreads, errors = problem.solve(cvs, watched, fitted)
    constants = problem.constants(steps)
    spreads = spreads if fitted else {}
    if fitted:
        found = {bias: one.cv for bias, one in spreads.items()}
        # From an ideal chip, biases that were not measured get the spread of their area: a table says so.
        mismatch = (own | found if chip.individual else found) if found else arguments(chip)["mismatch"]
    changes = {name: with_unit(name, _at_reference(chip, name, constants[name])) for name in names}
    seed = chip.seed if seed is None else seed
    return ChipFit(
        chip=Chip(**arguments(chip) | {"seed": seed, "mismatch": mismatch} | changes),
        table=_constant_table(problem, constants, errors),
        mismatch=_mismatch_table(spreads, own),
        residuals=_residuals(measured, problem.fitted_values(steps)),
    )


def _of_several_neurons(measured: Measurements) -> list[str]:
    """Biases whose spread a table tells: alone in a quantity, and in two neurons or more."""
    if measured.neurons is None:
        return []
    alone = [group for group in measured.groups if len(group.observable.biases) == 1]
    neurons = {}
    for group in alone:
        neurons.setdefault(group.observable.bias, set()).update(measured.neurons[group.rows].tolist())
    return [bias for bias, numbers in neurons.items() if len(numbers) > 1]


def _checked_names(fit, measured: Measurements, chip: Chip) -> list[str]:
    """Constants to be fitted: those asked for, or those that are the quantities' own."""
    names = []
    if fit is None:
        for group in measured.groups:
            codes = np.unique(group.currents[group.observable.bias]).size
            names += group.observable.own if codes > 1 else group.observable.own[:1]
        if not names:
            quantity = measured.groups[0].observable
            raise DynapseError(
                f"{quantity.name} has no constant of its own; say what to fit, some of {', '.join(quantity.constants)}"
            )
        return list(dict.fromkeys(names))
    if isinstance(fit, str) or not isinstance(fit, Iterable) or not (names := list(dict.fromkeys(fit))):
        raise DynapseError(f"fit is {fit!r}; give names of constants, such as ['C_mem'], or leave it out")
    for name in names:
        if name not in chip.constants:
            raise unknown_name("constant of the chip", name, chip.constants)
    return names


def _all_quantities() -> Measurements:
    """Every quantity at two codes, as if it were measured."""
    every = [one for one in OBSERVABLES.values() if one.biases]
    every += [OBSERVABLES["bias_current"].of(bias) for bias in ("SOIF_LEAK_N", "SOIF_DC_P")]  # one of each type
    rows = [
        {"quantity": one.name, "bias": one.bias, "coarse": coarse, "fine": 80, "value": 1.0}
        for one in every
        for coarse in (2, 3)
    ]
    return measurements.read(pd.DataFrame(rows), Biases())


def _at_reference(chip: Chip, name: str, value: float) -> float:
    """A constant at 300 K, from what it is at the temperature of a chip."""
    declared = facts.constants(chip.constants_name)[name].value
    return value * chip.changes.get(name, declared) / chip.constants[name]


def _constant_table(problem: Problem, constants: dict[str, float], errors: np.ndarray) -> pd.DataFrame:
    rows = []
    for name, error in zip(problem.names, errors, strict=True):
        groups = [group for group in problem.measured.groups if name in group.observable.constants]
        rows.append(
            {
                "constant": name,
                "value": constants[name],
                "unit": facts.constants("measured")[name].unit,
                "standard_error": constants[name] * error,
                "was": problem.start[name],
                "rows": sum(len(group.rows) for group in groups),
                "quantities": ", ".join(dict.fromkeys(group.observable.name for group in groups)),
            }
        )
    return pd.DataFrame(rows)


def _mismatch_table(spreads: dict[str, Spread], before: dict[str, float]) -> pd.DataFrame:
    columns = ["bias", "cv", "standard_error", "neurons", "was", "scatter"]
    rows = [
        (bias, one.cv, one.cv_standard_error, one.neurons, before[bias], one.scatter) for bias, one in spreads.items()
    ]
    return pd.DataFrame(rows, columns=columns)


def _residuals(measured: Measurements, fitted: np.ndarray) -> pd.DataFrame:
    current = np.empty(len(fitted))
    for group in measured.groups:
        for row, place in enumerate(group.rows):
            current[place] = group.currents[measured.turned[place]][row]
    return measured.frame.assign(current_A=current, fitted=fitted / measured.scale, ratio=measured.observed / fitted)
