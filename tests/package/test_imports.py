"""The rooms without Brian2 stay without it, and import fast."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


@pytest.mark.parametrize("module", ["dac", "facts", "weights", "wiring", "files", "errors"])
def test_rooms_without_brian2(module):
    code = f"import sys, brian2dynapse.{module}; sys.exit('brian2' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "error", "-c", code], check=False).returncode == 0


def test_modules_of_the_contract_import_without_brian2():
    """Tables of pandas are fine there; Brian2 is not, however it would come in."""
    contracts = tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]
    modules = next(one["source_modules"] for one in contracts if one["type"] == "forbidden")
    assert {f"brian2dynapse.{name}" for name in ("configuration", "driver", "labels", "mapping")} <= set(modules)
    code = (
        "import importlib, sys\n"
        f"for module in {modules}:\n"
        "    importlib.import_module(module)\n"
        "    if 'brian2' in sys.modules: sys.exit(module)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_public_names_exist():
    import brian2dynapse as bd

    for name in bd.__all__:
        assert getattr(bd, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Neuron'"):
        bd.Neuron  # noqa: B018
