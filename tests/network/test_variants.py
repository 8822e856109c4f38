"""What other codes or another chip make of a network is told in numbers, and what was set by hand is kept."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import Hz, Network, PoissonGroup, get_device, ms, pA

import brian2dynapse as bd
from brian2dynapse import program as program_module
from brian2dynapse.program import Program
from brian2dynapse.variants import Variants

CHIP = {"seed": 3, "mismatch": 0.2}


@pytest.fixture(autouse=True)
def standalone(fresh_brian):
    b2.set_device("cpp_standalone", build_on_run=False)


def two_populations():
    """A population that excites another one."""
    pyr = bd.Neurons(4, bd.Biases(), chip=bd.Chip(), name="pyr")
    inh = bd.Neurons(3, bd.Biases(), chip=bd.Chip(), name="inh")
    excite = bd.Connection(pyr, inh, "ampa", "0010", name="excite")
    excite.connect(i=[0, 1, 2, 3], j=[0, 1, 2, 0])
    return pyr, inh, excite


def test_only_what_differs():
    pyr, inh, excite = two_populations()
    variants = Variants(Network(pyr, inh, excite), get_device())
    assert variants.parameters() == {}
    assert variants.parameters({"pyr": {"SOIF_LEAK_N": pyr.biases["SOIF_LEAK_N"]}}) == {}
    changed = variants.parameters({"inh": {"SOIF_LEAK_N": (2, 9), "SYAM_W1_P": (3, 9), "SYPD_DLY1_P": (3, 9)}})
    assert set(changed) == {"inh.I_leak", "excite.I_weight"}  # no delay bit is set
    assert changed["inh.I_leak"] == float(bd.dac.current("SOIF_LEAK_N", 2, 9))
    pyr.biases["SOIF_LEAK_N"] = (3, 3)
    assert variants.parameters({"inh": {"SYPD_DLY0_P": (0, 60)}}).keys() == {"excite.delay"}


def test_on_another_chip_everything_is_individual():
    pyr, inh, excite = two_populations()
    variants = Variants(Network(pyr, inh, excite), get_device())
    chip = bd.Chip(**CHIP)
    changed = variants.parameters(chip=chip)
    expected = {f"{one.name}.{name}" for one in (pyr, inh) for name in one.equation_parameters()}
    assert changed.keys() == expected | {"excite.I_weight", "excite.I_extender", "excite.delay"}
    # inh comes after the four neurons of pyr on this chip; the ideal chips had them on the same places
    factors = chip.mismatch_factors("SOIF_LEAK_N", [4, 5, 6])
    np.testing.assert_allclose(changed["inh.I_leak"], inh.bias_current("I_leak") * factors, rtol=1e-15)
    words = chip.synapse_factors("SYAM_W1_P", [4, 5, 6, 4], [0, 0, 0, 1])
    np.testing.assert_allclose(changed["excite.I_weight"], inh.bias_current("I_w1") * words, rtol=1e-15)


@pytest.mark.parametrize(
    "by_hand",
    [
        lambda excite: (
            excite.variables["I_weight"].get_addressable_value("I_weight", excite).set_item(slice(None), 1e-9)
        ),
        lambda excite: setattr(excite, "I_weight", "1*nA + i*pA"),
    ],
    ids=["number", "expression"],
)
def test_set_by_hand(by_hand):
    pyr, inh, excite = two_populations()
    pyr.I_leak = 50 * pA
    pyr.I_gain = [10, 20, 30, 40] * pA
    inh.I_leak[1] = 70 * pA
    inh.I_gain = "50*pA + i*pA"
    by_hand(excite)
    variants = Variants(Network(pyr, inh, excite), get_device())
    changed = variants.parameters(chip=bd.Chip(**CHIP))
    assert not {"pyr.I_leak", "pyr.I_gain", "inh.I_leak", "inh.I_gain", "excite.I_weight"} & changed.keys()
    assert {"pyr.I_refractory", "inh.I_threshold", "excite.I_extender"} <= changed.keys()
    changed = variants.parameters({"inh": {"SYPD_DLY0_P": (0, 60)}}, bd.Chip(**CHIP))
    assert "excite.I_weight" not in changed and "excite.delay" in changed
    # a bias that changes is taken over, as in a network that is not compiled
    changed = variants.parameters({"pyr": {"SOIF_LEAK_N": (2, 9)}, "inh": {"SYAM_W1_P": (3, 9)}})
    assert changed.keys() == {"pyr.I_leak", "excite.I_weight"}


def test_a_single_neuron():
    one = bd.Neurons(1, bd.Biases(), name="one")
    one.I_leak = 50 * pA
    changed = Variants(Network(one), get_device()).parameters(chip=bd.Chip(**CHIP))
    assert "one.I_leak" not in changed and "one.I_gain" in changed


def test_places_are_kept():
    """Neurons that were placed stay on their places on another chip."""
    placed = bd.Neurons(2, bd.Biases(), physical=[700, 3], name="placed")
    free = bd.Neurons(2, bd.Biases(), name="free")
    chip = bd.Chip(**CHIP)
    changed = Variants(Network(placed, free), get_device()).parameters(chip=chip)
    for name, places in (("placed", [700, 3]), ("free", [0, 1])):
        expected = free.bias_current("I_gain") * chip.mismatch_factors("SOIF_GAIN_N", places)
        np.testing.assert_allclose(changed[f"{name}.I_gain"], expected, rtol=1e-15)


def test_what_needs_another_program(monkeypatch, tmp_path):
    monkeypatch.setattr(program_module, "compile_project", lambda *arguments: None)
    late = bd.Neurons(2, bd.Biases(), name="late")
    source = PoissonGroup(3, "10*Hz + 5*Hz*i", name="source")
    condition = bd.Connection(source, late, "ampa", name="condition")
    condition.connect("i != j")
    program = Program(Network(late, source, condition, name="net"), 10 * ms, tmp_path)
    refused = [
        ({"inputs": {"source": 3 * Hz}}, "its rates are an expression"),
        ({"chip": bd.Chip(**CHIP)}, "condition: in standalone mode"),
        ({}, "there is no program any more; make the Program again"),
    ]
    for arguments, message in refused:
        with pytest.raises(bd.DynapseError, match=message):
            program.run(**arguments)


def test_another_grid_needs_another_program():
    grid = bd.Neurons(4, bd.Biases(), {"deam_ampa"}, name="grid")
    variants = Variants(Network(grid), get_device())
    assert variants.parameters({"grid": {"SOIF_LEAK_N": (2, 9)}}).keys() == {"grid.I_leak"}
    for arguments in ({"codes": {"grid": {"DEAM_HRES_P": (1, 9)}}}, {"chip": bd.Chip(**CHIP)}):
        with pytest.raises(bd.DynapseError, match="makes another diffusion grid"):
            variants.parameters(**arguments)


def test_a_compiler_that_refuses(monkeypatch, tmp_path):
    """First the fast way, then Brian2's own, then an error with what the compiler said."""
    compiler = tmp_path / "compiler"
    compiler.write_text('#!/bin/sh\necho "$@" >> "$(dirname "$0")/calls"\necho no such machine\nexit 1\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    neurons = bd.Neurons(2, bd.Biases(), name="alone")
    with pytest.raises(bd.DynapseError, match="the compiler refuses the program(.|\n)*no such machine"):
        Program(Network(neurons, name="net"), 10 * ms, tmp_path / "build")
    calls = (tmp_path / "calls").read_text().splitlines()
    assert any("c++-header" in call for call in calls) and "program" not in calls[-1]
