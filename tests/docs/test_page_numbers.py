"""What the pages say agrees with the tables and the code it is said about."""

import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import brian2dynapse as bd
from brian2dynapse import configuration, facts, measure
from brian2dynapse.observables import OBSERVABLES
from brian2dynapse.tags import RESERVED_TAGS
from brian2dynapse.targets import CLOSED, QUANTITIES

DOCS = Path(__file__).parents[2] / "docs"


def read(name):
    return (DOCS / name).read_text(encoding="utf-8")


def flat(name):
    """Text of a page, however its lines are broken."""
    return " ".join(read(name).split())


def line_with(page, start):
    """The line of a table that starts so."""
    (line,) = (one for one in page.splitlines() if one.startswith(start))
    return line


@pytest.fixture(scope="module")
def known_page():
    """The script docs/known_page.py; docs/ is no package, and its neighbours find each other by name."""
    loaded = {}
    for name in ("figure_tools", "circuit_figures", "circuit_pages", "known_page"):
        specification = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
        loaded[name] = sys.modules[name] = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(loaded[name])
    return loaded["known_page"]


def test_known_is_not_stale(known_page):
    assert known_page.page(read("known.md")) == read("known.md"), "run python docs/known_page.py"


def test_known_has_every_constant_and_everything_not_modelled():
    page = read("known.md")
    for name in facts.constants("nominal"):
        line_with(page, f"| `{name}` |")
    for name, bias in facts.bias_table().items():
        if bias.scope == "core" and bias.effect != "modelled":
            line_with(page, f"| `{name}` |")
    for name, (effect, _) in facts.latch_table().items():
        if effect != "modelled":
            line_with(page, f"| `{name}` |")


def test_known_says_by_how_much_the_sets_disagree():
    ratio = facts.constants("nominal")["C_ampa"].value / facts.constants("measured")["C_ampa"].value
    assert f"the AMPA capacitor by {ratio:.1f} times" in flat("known.md")


def test_the_chip_in_numbers():
    page = read("chip.md")
    biases, latches = len(facts.core_biases()), len(facts.latch_table())
    assert line_with(page, "| neurons |").startswith(
        f"| neurons | {facts.CORES_PER_CHIP} cores of {facts.NEURONS_PER_CORE}, {facts.NEURONS_PER_CHIP} in all"
    )
    assert f"| {biases} a core:" in line_with(page, "| biases |")
    assert f"| {latches} switches" in line_with(page, "| latches |")
    assert f"0..{configuration.LARGEST_TAG}:" in line_with(page, "| tag |")
    assert f"A neuron has {facts.SYNAPSES_PER_NEURON} of them" in flat("chip.md")
    assert f"A neuron has {configuration.DESTINATIONS_PER_NEURON} destinations" in flat("chip.md")
    side = 2 * configuration.LARGEST_HOP + 1
    neurons = f"{side**2 * facts.NEURONS_PER_CHIP:,}".replace(",", " ")
    grid = f"{side} x {side} chips, {neurons} neurons"
    assert grid in flat("chip.md")
    synapses = f"{facts.NEURONS_PER_CHIP * facts.SYNAPSES_PER_NEURON:,}".replace(",", " ")
    assert f"{facts.NEURONS_PER_CHIP} neurons and {synapses} synapses" in flat("chip.md")


def test_where_the_current_falls_over_the_fine_code():
    """Where it passes a multiple of 32: at all of them at coarse 2 to 4, at some elsewhere. And fine 0 is not zero."""
    for bias in ("SOIF_LEAK_N", "SOIF_DC_P", "SYAM_W0_P"):
        for coarse in range(facts.COARSE_CODES):
            current = bd.dac.current(bias, coarse, np.arange(facts.FINE_CODES))
            falls = set((np.flatnonzero(np.diff(current) < 0) + 1).tolist())
            multiples = set(range(32, facts.FINE_CODES, 32))
            assert falls == multiples if coarse in (2, 3, 4) else falls and falls <= multiples
    zero = [bd.dac.current("SOIF_LEAK_N", coarse, 0) for coarse in range(facts.COARSE_CODES)]
    assert 0 < min(zero) and max(zero) < 1.2e-12  # "up to about 1 pA"


def test_limits_of_a_mapping():
    page = read("mapping.md")
    assert f"{facts.CORES_PER_CHIP} a chip" in line_with(page, "| cores |")
    assert f"{facts.NEURONS_PER_CORE} a core, {facts.NEURONS_PER_CHIP} a chip" in line_with(page, "| neurons |")
    assert f"{facts.SYNAPSES_PER_NEURON} a neuron" in line_with(page, "| CAM words |")
    own, read_out = configuration.DESTINATIONS_PER_NEURON, configuration.DESTINATIONS_PER_NEURON - 1
    assert f"{own} a neuron, {read_out} if it is read out" in line_with(page, "| destinations |")
    tags = line_with(page, "| tags |")
    assert f"| {configuration.LARGEST_TAG + 1}, less" in tags and all(str(tag) in tags for tag in RESERVED_TAGS)
    assert f"| {configuration.LARGEST_HOP} in each" in line_with(page, "| hops |")
    assert f"up to {configuration.LARGEST_CHIPS}, the grid" in line_with(page, "| chips |")
    statistics = {row["name"]: row for row in facts.read_table("profile_statistics.csv")}
    for name, half in (("usable_low", "0..1023"), ("usable_high", "1024..2047")):
        low, high = (round(100 * float(statistics[name][end])) for end in ("low", "high"))
        assert re.search(rf"{low} to {high} % (of the CAM words work )?with tags {half}", flat("mapping.md"))


def test_calibration_lists_what_there_is():
    """Every protocol of `measure`, and every quantity that can be a target."""
    page = read("calibration.md")
    protocols = set(measure.__all__) - {"Measurement", "observations"}
    missing = [name for name in (*protocols, *CLOSED, *QUANTITIES) if f"`{name}`" not in page]
    assert not missing


def test_chip_from_measurements_names_every_quantity_with_its_bias_and_constants():
    table = "\n".join(line for line in read("chip_from_measurements.md").splitlines() if line.startswith("|"))
    for observable in OBSERVABLES.values():
        if observable.own or not observable.biases:
            assert f"`{observable.name}`" in table
            assert all(name in table for name in (observable.bias, *observable.own) if "DLY" not in name), observable


ROWS = {  # of docs/compensation.md, to cases of the table beside it
    "4 synapses of 100 Hz, mismatch 0.2": "4 words, 100 Hz",
    "the same, `rounds=2` instead of 8": "the same, 2 rounds",
    "the same, equal charges, nothing measured": "the same, charges only",
    "1 synapse of 300 Hz, mismatch 0.2": "1 word, 300 Hz",
    '4 synapses, mismatch by area (`"pelgrom"`)': "4 words, mismatch by area",
}


def test_numbers_of_compensation():
    table, page = pd.read_csv(DOCS / "compensation.csv"), read("compensation.md")
    stages = ("as they come", "chosen neurons", "chosen masks", "both")
    for row, case in ROWS.items():
        for stage, cell in zip(stages, line_with(page, f"| {row} |").split("|")[2:-1], strict=True):
            written = [float(number) for number in re.findall(r"[\d.]+", cell)]
            if not written:
                continue
            values = table.loc[(table["case"] == case) & (table["stage"] == stage), "cv"]
            # two digits
            assert np.allclose(written, [values.median(), values.min(), values.max()], rtol=0.06)


def test_numbers_of_the_readme():
    """Speed and exactness in the README are those of the tables of the benchmarks, to the digits that it has."""
    readme = flat("../README.md")
    benchmarks = DOCS.parent / "benchmarks"
    errors = pd.read_csv(benchmarks / "time_step.csv").set_index("dt_us").loc[100]
    assert f"membrane current within {errors['membrane_median_percent']:.2g} % (median)" in readme
    spikes = f"spikes within {errors['spike_time_us']:.0f} us, {errors['strong_spike_time_us']:.0f} us with strong"
    assert spikes in readme and f"rates within {errors['rate_percent']:.2g} %" in readme
    bench = pd.read_csv(benchmarks / "bench.csv")
    for simulator, row in {
        "brian2dynapse, C++": "| **brian2dynapse, C++** | **{:.2g}**",
        "plain Brian2, C++": "| the same model written plainly in Brian2, C++ | {:.2g} |",
        "brian2dynapse, Cython": "| brian2dynapse, Cython | {:.2g} |",
        "brian2dynapse, NumPy": "| brian2dynapse, NumPy | {:.2g} |",
        "DynapSim": "| Rockpool's DynapSim, as shipped (`net(x)`) | {:.2g} |",
    }.items():
        (found,) = bench.query("network == 'one chip' and simulator == @simulator")["times_real_time"]
        assert row.format(found) in readme, (simulator, found)
