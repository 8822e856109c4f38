"""The rooms without Brian2 stay without it, and import fast."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["dac", "facts", "weights", "wiring", "files", "errors"])
def test_rooms_without_brian2(module):
    code = f"import sys, brian2dynapse.{module}; sys.exit('brian2' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "error", "-c", code], check=False).returncode == 0


def test_public_names_exist():
    import brian2dynapse as bd

    for name in bd.__all__:
        assert getattr(bd, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Neuron'"):
        bd.Neuron  # noqa: B018
