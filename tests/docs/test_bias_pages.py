"""A page for every bias of the chip, with the numbers of the tables, and links that lead to pages."""

import re

import numpy as np
import pytest
from docs_modules import load

from brian2dynapse import dac, facts
from brian2dynapse.observables import OBSERVABLES

_, _, circuit_pages, bias_pages = map(load, ("figure_tools", "circuit_figures", "circuit_pages", "bias_pages"))
PAGES = bias_pages.pages()
SCALE = {"p": 1e-12, "n": 1e-9, "µ": 1e-6, "m": 1e-3, "": 1.0}
CURVES = [name for name, bias in facts.bias_table().items() if bias.gain_curve]


def value_in(text):
    """SI value of a number with a prefixed unit, such as ``60.56 pA``."""
    number, prefix = re.fullmatch(r"([\d.]+)\s([pnµm]?)(?:A|s|V)", text).groups()
    return float(number) * SCALE[prefix]


def row(name, heading):
    """The cell beside a heading in the first table of a page."""
    return re.search(rf"^\| {heading} \| (.*) \|$", PAGES[f"{name}.md"], re.MULTILINE)[1]


def test_every_bias_has_a_page_and_a_line_in_the_index():
    assert set(PAGES) == {"index.md", *(f"{name}.md" for name in facts.bias_table())}
    assert re.findall(r"^\| \[(\w+)\]\(\1\.md\)", PAGES["index.md"], re.MULTILINE) == list(facts.bias_table())


@pytest.mark.parametrize("name", CURVES)
def test_currents_are_those_of_all_codes(name):
    # Brute force over the 1536 codes; a page has four digits.
    coarse, fine = np.mgrid[: facts.COARSE_CODES, : facts.FINE_CODES]
    currents = dac.current(name, coarse, fine)
    smallest, largest = row(name, "smallest, largest").split(", ")
    at_default = row(name, "current there")
    wanted = [currents.min(), currents.max(), currents[facts.bias(name).default]]
    np.testing.assert_allclose([value_in(one) for one in (smallest, largest, at_default)], wanted, rtol=5.1e-4)
    assert bias_pages.curve_file(name) in PAGES[f"{name}.md"]


@pytest.mark.parametrize("name", [name for name in facts.bias_table() if name not in CURVES])
def test_what_has_no_published_current_says_so(name):
    assert "not known" in row(name, "current") and "curve_" not in PAGES[f"{name}.md"]


@pytest.mark.parametrize(("name", "bias"), facts.bias_table().items())
def test_declaration(name, bias):
    page = PAGES[f"{name}.md"]
    assert page.startswith(f"# {name}\n") and bias.role[1:].split()[0] in page
    assert row(name, "working point" if bias.scope == "core" else "usual code") == str(bias.default)
    assert row(name, "acts on").startswith("nothing") == (bias.effect != "modelled")
    assert page.count("| open |") - page.count("no correction |") >= len(bias.open)  # of the declaration, of constants


def test_an_open_choice_is_marked():
    assert "| role | open | read from the name |" in PAGES["SOHO_VH_P.md"]
    assert "| role | open |" not in PAGES["SOIF_LEAK_N.md"]


@pytest.mark.parametrize("name", [name for name, bias in facts.bias_table().items() if bias.effect == "modelled"])
def test_what_is_modelled_is_used_by_a_circuit(name):
    circuits = bias_pages.circuits_of_bias(name)
    assert circuits and all(f"(../circuits/{circuit}.md)" in PAGES[f"{name}.md"] for circuit in circuits)
    # Independent of how the pages find them: the text of the equation files.
    parameter = re.compile(rf"\b{facts.bias(name).parameter}\b")
    lines = {circuit: circuit_pages.read(circuit).lines for circuit in circuit_pages.circuit_names()}
    assert {circuit for circuit, text in lines.items() if parameter.search(text)} <= set(circuits)


def test_links_lead_to_pages():
    circuits = {f"../circuits/{name}.md" for name in circuit_pages.circuit_names()} | {"../circuits/README.md"}
    links = {link for text in PAGES.values() for link in re.findall(r"\]\(([^)h][^)]*\.md)\)", text)}
    assert links <= circuits | {f"{name}.md" for name in facts.bias_table()}


def test_closed_forms_at_the_working_point():
    # The membrane time constant of the working point by hand: C U_T / (kappa I), with the constants of the chip.
    constants = {name: one.value for name, one in facts.constants("measured").items()}
    tau = constants["C_mem"] * constants["U_T"] / (constants["kappa_n"] * dac.current("SOIF_LEAK_N", 2, 5))
    shown = re.search(r"\| `tau_mem` \| [^|]+ \| ([^|]+) \|", PAGES["SOIF_LEAK_N.md"])[1]
    assert value_in(shown) == pytest.approx(tau, rel=5.1e-4)


def test_every_closed_form_is_on_the_page_of_the_bias_that_sets_it():
    for name, one in OBSERVABLES.items():
        if one.bias:
            page = PAGES[f"{one.bias}.md"]
            assert f"{name} = {one.equation}" in page and f"`{name}`" in bias_pages.calibration_text(one.bias)


def test_pictures_are_shared_by_biases_of_one_curve():
    files = {bias_pages.curve_file(name) for name in CURVES}
    kinds = {(facts.bias(name).type, facts.bias(name).gain_curve) for name in CURVES}
    assert len(files) == len(kinds)
    assert bias_pages.picture("SOIF_LEAK_N").startswith(b"\x89PNG")
