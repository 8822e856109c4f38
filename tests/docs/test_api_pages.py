"""Every public name is on one page of the API reference, with a docstring that says what it takes."""

import importlib
import inspect
from collections import Counter

import pytest
from docs_modules import load

import brian2dynapse as bd
from brian2dynapse.errors import DynapseError

api_pages = load("api_pages")
PAGES = api_pages.pages()
ENTRIES = [name for modules in api_pages.entries().values() for names in modules.values() for name in names]


def test_every_public_name_is_on_one_page():
    counts = Counter(ENTRIES)
    assert {name: counts[name] for name in bd._PUBLIC} == dict.fromkeys(bd._PUBLIC, 1)
    text = "\n".join(PAGES.values())
    assert all(f"brian2dynapse.{name}" in text for name in ENTRIES)


@pytest.mark.parametrize("module", bd._MODULES)
def test_every_public_function_of_the_modules_is_there(module):
    content = importlib.import_module(f"brian2dynapse.{module}")
    assert f".. automodule:: brian2dynapse.{module}\n" in "\n".join(PAGES.values())
    for name, one in vars(content).items():
        listed = name in getattr(content, "__all__", [name])
        if inspect.isfunction(one) and one.__module__ == content.__name__ and not name.startswith("_") and listed:
            assert f"{module}.{name}" in ENTRIES


@pytest.mark.parametrize("name", ENTRIES)
def test_docstrings(name):
    module, _, last = name.rpartition(".")
    one = getattr(importlib.import_module(f"brian2dynapse.{module}") if module else bd, last)
    text = inspect.getdoc(one) or ""
    assert text
    if inspect.isclass(one):
        return  # what its methods take is on its own page
    takes = [each for each in inspect.signature(one).parameters if each not in ("args", "kw", "self")]
    if takes and len(text.splitlines()) > 1:
        assert "Parameters\n----------" in text, f"{name} takes {takes}"


def test_brian2_objects_show_what_they_are_called_with():
    assert ".. autoclass:: brian2dynapse.Neurons(N, biases, latches=(), chip=None," in PAGES["models.rst"]


def test_a_module_that_is_on_no_page_is_named(monkeypatch):
    monkeypatch.setitem(bd._PUBLIC, "Newcomer", "newcomers")
    with pytest.raises(DynapseError, match="newcomers has public names .* add it to PAGES"):
        api_pages.entries()
