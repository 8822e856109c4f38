"""The current that keeps a DPI above its floor, as a ratio of two polynomials, which costs no power."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

DEGREE = 4  # three are not enough for 5e-4 of a membrane current
COEFFICIENTS = tuple(f"inflow_{side}{k}" for side in "ab" for k in range(1, DEGREE + 1))
# Currents over the floor at which the ratio is fitted: beyond them the floor is nothing beside the current.
_LARGEST = 1e6
_ROUNDS = 20
_EXACT = 1e-9  # kappa = 1/2 and 1, for which it is a ratio of polynomials


@lru_cache(maxsize=64)
def inflow_coefficients(kappa: float) -> tuple[float, ...]:
    """Coefficients of a ratio of polynomials that is near v^(1 - 1/kappa), v = I/I_0 from 1 upwards.

    The ratio is (1 + a1 z + ... + a4 z^4)/(1 + b1 z + ... + b4 z^4), z = v - 1. Its error over v, its part in the
    current, is at most 5e-6 for kappa from 0.55 to 1, and none at v = 1 (tests/dpi/test_inflow.py). Linear least
    squares, repeated with the denominator of the last round as weight (Sanathanan & Koerner 1963,
    doi:10.1109/TAC.1963.1105517), and more weight where the error was large.

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
    powers = [z**k for k in range(1, DEGREE + 1)]
    columns = np.stack([*powers, *(-wanted * power for power in powers)], axis=1)
    denominator, emphasis = 1 + z, np.ones_like(v)
    least, best = np.inf, None
    for _ in range(_ROUNDS):
        weight = emphasis / (v * denominator)
        scale = np.linalg.norm(columns * weight[:, None], axis=0)
        solution = np.linalg.lstsq(columns * weight[:, None] / scale, (wanted - 1) * weight, rcond=None)[0] / scale
        solution = np.maximum(solution, 0.0)  # all are positive but for rounding, and no denominator is zero then
        numerator, denominator = (
            1 + sum(c * power for c, power in zip(half, powers, strict=True)) for half in np.split(solution, 2)
        )
        error = np.abs(numerator / denominator - wanted) / v
        if error.max() < least:
            least, best = error.max(), solution
        if least < _EXACT:
            break
        emphasis = emphasis * (0.3 + error / error.max()) ** 0.5
    return tuple(float(value) for value in best)
