"""The current that keeps a DPI above its floor, as a ratio of two polynomials, which costs no power."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

COEFFICIENTS = ("inflow_a1", "inflow_a2", "inflow_b1", "inflow_b2")
# Currents over the floor at which the ratio is fitted: beyond them the floor is nothing beside the current.
_LARGEST = 1e6
_ROUNDS = 20
_EXACT = 1e-9  # kappa = 1/2 and 1, for which it is a ratio of polynomials


@lru_cache(maxsize=64)
def inflow_coefficients(kappa: float) -> tuple[float, ...]:
    """Coefficients of a ratio of polynomials that is near v^(1 - 1/kappa), v = I/I_0 from 1 upwards.

    The ratio is (1 + a1 z + a2 z^2)/(1 + b1 z + b2 z^2), z = v - 1. Its error over v, its part in the current, is at
    most 3e-4 for kappa from 0.55 to 1, and none at v = 1 (tests/dpi/test_inflow.py). Linear least squares, repeated
    with the denominator of the last round as weight (Sanathanan & Koerner 1963, doi:10.1109/TAC.1963.1105517), and more
    weight where the error was large.

    Parameters
    ----------
    kappa : float
        Subthreshold slope.

    Returns
    -------
    tuple of float
        In the order of `COEFFICIENTS`.
    """
    v = np.exp(np.linspace(0, np.log(_LARGEST), 600))
    z, wanted = v - 1, v ** (1 - 1 / kappa)
    columns = np.stack([z, z**2, -wanted * z, -wanted * z**2], axis=1)
    denominator, emphasis = 1 + z, np.ones_like(v)
    least, best = np.inf, None
    for _ in range(_ROUNDS):
        weight = emphasis / (v * denominator)
        scale = np.linalg.norm(columns * weight[:, None], axis=0)
        solution = np.linalg.lstsq(columns * weight[:, None] / scale, (wanted - 1) * weight, rcond=None)[0] / scale
        solution = np.maximum(solution, 0.0)  # all are positive but for rounding, and no denominator is zero then
        numerator, denominator = (1 + z * (solution[k] + solution[k + 1] * z) for k in (0, 2))
        error = np.abs(numerator / denominator - wanted) / v
        if error.max() < least:
            least, best = error.max(), solution
        if least < _EXACT:
            break
        emphasis = emphasis * (0.3 + error / error.max()) ** 0.5
    return tuple(float(value) for value in best)
