"""The jump of a DPI: y + ln y grows by the charge, on every code generation target."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, amp, prefs, set_device
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from brian2dynapse.dpi import dpi_jump


def jumped(current, gain, jump):
    """The defining equation, solved for ln y by bisection."""
    target = np.log(current / gain) + current / gain + jump
    log_y = brentq(
        lambda v: v + np.exp(v) - target, min(target, 0) - 40, np.log(max(target, 1)) + 1, xtol=1e-15, rtol=1e-15
    )
    return gain * np.exp(log_y)


currents = st.floats(-32, -13).map(np.exp)  # 13 fA to 2 uA
gains = st.floats(-27, -13).map(np.exp)


@given(currents, gains, st.floats(-30, 300))
def test_jump_solves_its_equation(current, gain, jump):
    after = float(dpi_jump(current * amp, gain * amp, jump))
    # 1e-11: ln y is known to 1e-15 * |z| with |z| up to some 1000
    assert after == pytest.approx(jumped(current, gain, jump), rel=1e-11)


@given(currents, gains, st.lists(st.floats(0, 20), min_size=2, max_size=6))
def test_charges_add_whatever_their_order(current, gain, jumps):
    step_by_step = current
    for jump in jumps:
        step_by_step = float(dpi_jump(step_by_step * amp, gain * amp, jump))
    at_once = float(dpi_jump(current * amp, gain * amp, sum(jumps)))
    assert step_by_step == pytest.approx(at_once, rel=1e-11)  # rounding of at most 6 logarithms


@given(currents, gains)
def test_no_charge_changes_nothing(current, gain):
    assert float(dpi_jump(current * amp, gain * amp, 0.0)) == current


@pytest.mark.compiled
@pytest.mark.parametrize("target", ["cython", "cpp_standalone"])
def test_compiled_jump_equals_numpy(target, tmp_path):
    """The C++ iteration against SciPy's Wright function over the whole range, far below and above the gain."""
    if target == "cpp_standalone":
        set_device("cpp_standalone", directory=str(tmp_path), build_on_run=True)
    else:
        prefs.codegen.target = target
    ratio, jump = (
        a.ravel()
        for a in np.meshgrid(
            np.logspace(-14, 6, 81), np.concatenate([-np.logspace(2, -9, 45), [0], np.logspace(-9, 3, 49)])
        )
    )
    group = NeuronGroup(
        ratio.size,
        "current : amp\nafter : amp\njump : 1",
        namespace={"dpi_jump": dpi_jump},
        name="jumping",
    )
    group.current_, group.jump = ratio * 1e-9, jump
    group.run_regularly("after = dpi_jump(current, 1*nA, jump)", name="jumper")
    Network(group).run(group.clock.dt)
    expected = np.asarray(dpi_jump(ratio * 1e-9 * amp, 1e-9 * amp, jump))
    # Cython: 1e-12, rounding of z = ln y + y + jump with |z| up to 1e6 and an iteration of fourth order. C++: 1e-8, the
    # errors of the exponential and of two logarithms in instructions for vectors. Where the current falls below 1e-30
    # of an ampere both are zero for the circuit.
    rtol = 1e-12 if target == "cython" else 1e-8
    np.testing.assert_allclose(np.asarray(group.after_), expected, rtol=rtol, atol=1e-30)
