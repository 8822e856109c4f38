"""A board whose chips are the fake engine."""

import pytest
from fake_engine import FakeEngine

from brian2dynapse import board as simulated


@pytest.fixture
def install():
    """Install a board; what was installed is gone after the test."""
    made = []

    def install(chips=1, *, step_us=1, **options):
        def make():
            made.append(FakeEngine(step_us))
            return made[-1]

        board = simulated.install(chips, engine=make, **options)
        board.engines = made
        return board

    yield install
    if simulated._state:
        simulated.uninstall()
