"""The ratio of polynomials that stands for the power of the floor."""

import numpy as np
import pytest

from brian2dynapse.inflow import inflow_coefficients


@pytest.mark.parametrize("kappa", [0.55, 0.6, 0.68, 0.7, 0.75, 0.9, 1.0])
def test_ratio_is_near_the_power(kappa):
    a1, a2, b1, b2 = inflow_coefficients(kappa)
    v = np.logspace(0, 9, 20001)  # beyond the currents that it is fitted for, too
    z = v - 1
    ratio = (1 + z * (a1 + a2 * z)) / (1 + z * (b1 + b2 * z))
    # 3e-4 of the current I = v I_0: less than a tenth of what kappa is known to (0.66 or 0.70)
    assert np.max(np.abs(ratio - v ** (1 - 1 / kappa)) / v) < 3e-4
    assert ratio[0] == 1
