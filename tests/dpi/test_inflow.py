"""The ratio of polynomials that stands for the power of the floor."""

import numpy as np
import pytest

from brian2dynapse.inflow import inflow_coefficients


@pytest.mark.parametrize("kappa", [0.55, 0.6, 0.68, 0.7, 0.75, 0.9, 1.0])
def test_ratio_is_near_the_power(kappa):
    above, below = np.split(np.array(inflow_coefficients(kappa)), 2)
    v = np.logspace(0, 9, 20001)  # beyond the currents that it is fitted for, too
    z = v - 1
    ratio = np.polyval([*above[::-1], 1], z) / np.polyval([*below[::-1], 1], z)
    # 5e-6 of the current I = v I_0: a hundredth of what the project asks of currents, 5e-4
    assert np.max(np.abs(ratio - v ** (1 - 1 / kappa)) / v) < 5e-6
    assert ratio[0] == 1
