"""Every test starts with an empty scope, Brian2's default clock at 0.1 ms, and NumPy code generation."""

import brian2
import pytest
from brian2 import ms
from brian2.devices.device import RuntimeDevice, get_device


@pytest.fixture(autouse=True)
def fresh_brian():
    brian2.start_scope()
    brian2.prefs.codegen.target = "numpy"
    brian2.defaultclock.dt = 0.1 * ms
    yield
    if not isinstance(get_device(), RuntimeDevice):
        brian2.device.reinit()
        brian2.set_device("runtime")


@pytest.fixture
def caught():
    """Warnings that the package logs during a block: ``with caught() as messages``."""
    return lambda: brian2.utils.logger.catch_logs(only_from=["brian2dynapse"])
