"""The pages of docs/circuits: one for every equation file, as the generator makes it now; all biases are there."""

import re
from pathlib import Path

import pytest
from docs_modules import load

from brian2dynapse import facts

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "circuits"
CIRCUITS = sorted(path.stem for path in (ROOT / "equations").glob("*.eqs"))

figure_tools, _, circuit_pages = (load(name) for name in ("figure_tools", "circuit_figures", "circuit_pages"))
PAGES = circuit_pages.pages()


def test_every_circuit_has_page_and_figure_and_none_is_left_over():
    assert sorted(figure_tools.FIGURES) == CIRCUITS
    expected = {"README.md", *(f"{name}{ending}" for name in CIRCUITS for ending in (".md", ".png"))}
    assert {path.name for path in FOLDER.iterdir()} == expected


@pytest.mark.parametrize("filename", PAGES)
def test_pages_are_not_stale(filename):
    stale = "run python docs/circuit_pages.py"
    assert (FOLDER / filename).read_text(encoding="utf-8") == PAGES[filename], stale


def test_everything_modelled_is_on_a_page():
    in_tables = set(re.findall(r"^\| `(\w+)` \|", "\n".join(PAGES.values()), re.MULTILINE))
    biases = {name for name, bias in facts.bias_table().items() if bias.effect == "modelled"}
    latches = {name for name, (effect, _) in facts.latch_table().items() if effect == "modelled"}
    assert biases and latches and biases | latches <= in_tables
