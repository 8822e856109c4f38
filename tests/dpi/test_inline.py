"""The functions that vectorise: their C++ against NumPy, over all that currents and steps can ask for."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, set_device

from brian2dynapse.inline import INLINE_FUNCTIONS


@pytest.mark.compiled
def test_inline_functions_equal_those_of_numpy(tmp_path):
    set_device("cpp_standalone", directory=str(tmp_path), build_on_run=True)
    numbers = np.concatenate([np.linspace(-690, 690, 4001), np.linspace(-1, 1, 4001), [-1e4, 1e4]])
    currents = np.exp(np.linspace(-40, 40, len(numbers)))
    group = NeuronGroup(
        len(numbers),
        """x : 1
           positive : 1
           exponential : 1
           logarithm : 1
           power : 1
           within : 1
           above : 1
           halved : 1""",
        namespace=INLINE_FUNCTIONS,
        name="numbers",
    )
    group.x, group.positive = numbers, currents
    group.run_regularly(
        """exponential = inline_exp(x)
           logarithm = inline_log(positive)
           power = inline_power(positive, -1.47)
           within = limited(x, -0.5, larger(0.5, -1.0))
           above = rectified(x)
           halved = where_positive(x, 0.5*x)"""
    )
    Network(group).run(group.clock.dt)
    ordinary = np.abs(numbers) < 691
    # 8e-9: the first term left out, r^8/8! over exp(r), at r = -ln(2)/2
    np.testing.assert_allclose(np.asarray(group.exponential)[ordinary], np.exp(numbers[ordinary]), rtol=8e-9)
    assert np.asarray(group.exponential)[-2] < 1e-300 and np.asarray(group.exponential)[-1] > 1e300
    assert np.all(np.isfinite(np.asarray(group.exponential)))
    # 3e-10: of the fitted polynomial; 1e-7: 1.47 times 6e-8, the same of the shorter one
    np.testing.assert_allclose(np.asarray(group.logarithm), np.log(currents), rtol=0, atol=3e-10)
    np.testing.assert_allclose(np.asarray(group.power), currents**-1.47, rtol=1e-7)
    np.testing.assert_array_equal(np.asarray(group.within), np.clip(numbers, -0.5, 0.5))
    np.testing.assert_array_equal(np.asarray(group.above), np.maximum(numbers, 0))
    np.testing.assert_array_equal(np.asarray(group.halved), np.where(numbers > 0, 0.5 * numbers, 0))
