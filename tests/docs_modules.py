"""Modules of docs/, which is no package; its neighbours find them under their names."""

import importlib.util
import sys
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def load(name):
    """A module of docs/, made once."""
    if name not in sys.modules:
        specification = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
        module = sys.modules[name] = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
    return sys.modules[name]
