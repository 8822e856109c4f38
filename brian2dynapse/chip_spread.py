"""The spread of a bias current from neuron to neuron, out of measured logarithms. NumPy alone; no Brian2 here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Spread:
    """Spread of one bias.

    Attributes
    ----------
    variance : float
        Of the logarithm of the current from neuron to neuron.
    standard_error : float
        Of the variance.
    neurons : int
        How many were measured.
    scatter : float
        Standard deviation of the logarithm of a single measurement, in units of a current; NaN if nothing tells it.
    """

    variance: float
    standard_error: float
    neurons: int
    scatter: float

    @property
    def cv(self) -> float:
        """Coefficient of variation of the current, which is log-normal."""
        return float(np.sqrt(np.expm1(self.variance)))

    @property
    def cv_standard_error(self) -> float:
        """Standard error of `cv`; without any spread, the cv of a variance of one standard error."""
        if not self.variance:
            return float(np.sqrt(np.expm1(self.standard_error)))
        return float(np.exp(self.variance) / (2 * self.cv) * self.standard_error)


def spread(logarithms: np.ndarray, neurons: np.ndarray, cells: np.ndarray, sds: np.ndarray | None = None) -> Spread:
    """Variance between neurons, less what the scatter of the measurements adds to it.

    Parameters
    ----------
    logarithms : numpy.ndarray
        Logarithm of the current of a measurement over that expected, shape (rows,).
    neurons : numpy.ndarray of int
        Neuron of each row; two or more.
    cells : numpy.ndarray of int
        What was measured in each row: its quantity and code. An error that all neurons share there is no spread.
    sds : numpy.ndarray, optional
        Standard errors of the logarithms. Without them the scatter is estimated from neurons that were measured
        several times, if there are any.

    Returns
    -------
    Spread

    Notes
    -----
    Analysis of variance with two ways, neurons and cells. With the means m_n of N neurons, k_n rows each, scatter s:
    E[var(m_n)] = variance + s^2 mean(1/k_n). The estimate is unbiased (but that it is not allowed below 0) where all
    neurons were measured at the same codes. Its standard error is that of sums of squares of normal numbers.
    """
    index, neurons = np.unique(neurons, return_inverse=True)
    rows = np.bincount(neurons)

    def of_neurons(values):
        return np.bincount(neurons, weights=values) / rows

    means = of_neurons(logarithms)
    if sds is not None:
        scatter, freedom = np.sqrt(np.mean(sds**2)), 0
        of_means = np.mean(np.bincount(neurons, weights=sds**2) / rows**2)
    else:
        # What is left of the rows when each neuron and each cell has a level of its own.
        kinds = pd.get_dummies(cells).to_numpy(dtype=float)
        kinds = kinds - np.stack([of_neurons(one) for one in kinds.T], axis=1)[neurons]
        deviations = logarithms - means[neurons]
        levels, _, rank, _ = np.linalg.lstsq(kinds, deviations, rcond=1e-9)
        freedom = len(logarithms) - len(index) - rank
        left = np.sum((deviations - kinds @ levels) ** 2)
        scatter = np.sqrt(left / freedom) if freedom else np.nan
        of_means = np.nan_to_num(scatter) ** 2 * np.mean(1 / rows)
    between = np.var(means, ddof=1)
    error = 2 * between**2 / (len(index) - 1) + (2 * of_means**2 / freedom if freedom else 0)
    return Spread(max(between - of_means, 0.0), float(np.sqrt(error)), len(index), float(scatter))
