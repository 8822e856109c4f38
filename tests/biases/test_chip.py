"""Chip: named constants, frozen mismatch with the statistics it promises."""

import numpy as np
import pytest
from brian2 import farad, pA, pF, volt

import brian2dynapse as bd
from brian2dynapse import facts


def test_constant_sets_are_those_documented():
    nominal, measured = bd.Chip(constants="nominal"), bd.Chip()
    assert measured.constants_name == "measured"
    assert (nominal.constants["C_ampa"], measured.constants["C_ampa"]) == (24.5e-12, 5.4e-12)
    assert (nominal.constants["Q_refractory"], measured.constants["Q_refractory"]) == (1.05e-12, 3.4e-12)
    assert nominal.constants["C_mem"] == measured.constants["C_mem"] == 7.7e-12
    for which in facts.CONSTANT_SETS:
        for constant in facts.constants(which).values():
            assert constant.source and constant.mark in ("doc", "use", "fit", "open")


def test_a_chip_can_say_what_it_measured():
    chip = bd.Chip(C_mem=31 * pF, time_factor=1.2)
    assert chip.constant("C_mem") == 31 * pF
    neurons = bd.Neurons(1, bd.Biases(), chip=chip, name="calibrated")
    nominal = bd.Neurons(1, bd.Biases(), name="plain")
    # one closed form, two chips: exact up to rounding
    assert neurons.tau_mem[0] / nominal.tau_mem[0] == pytest.approx(1.2 * 31 / 7.7, rel=1e-12)


def test_shows_itself_with_sources():
    chip = bd.Chip(seed=1, mismatch=0.1, C_mem=31 * pF)
    assert repr(chip) == "Chip(seed=1, mismatch=0.1, constants='measured', C_mem=31. pF)"
    frame = chip.to_frame().set_index("constant")
    assert frame.loc["C_mem", "mark"] == "given" and frame.loc["C_ampa", "value"] == 5.4e-12
    assert "C_ampa" in chip._repr_html_()


@pytest.mark.parametrize("arguments, message", [
    ({"mismatch": 0.2}, "give its seed"),
    ({"mismatch": -0.1, "seed": 1}, "mismatch is -0.1"),
    ({"seed": 1.5}, "seed is 1.5"),
    ({"constants": "typical"}, "'typical' is not a set of constants"),
    ({"C_men": 1 * pF}, "did you mean C_mem"),
    ({"C_mem": 1 * pA}, "give it in farad"),
    ({"C_mem": -1 * farad}, "one positive number"),
    ({"U_T": 0 * volt}, "one positive number"),
    ({"profile": "mine.csv"}, "profile is 'mine.csv'; give a ChipProfile, for example ChipProfile.from_csv"),
])  # fmt: skip
def test_bad_chips_are_named(arguments, message):
    with pytest.raises(bd.DynapseError, match=message):
        bd.Chip(**arguments)


def test_a_chip_knows_its_defects_if_told():
    profile = bd.ChipProfile.synthetic(seed=5, chips=2)
    chip = bd.Chip(profile=profile)
    assert chip.profile is profile and bd.Chip().profile is None
    assert repr(chip) == "Chip(mismatch=0, constants='measured', profile=<2 chips>)"
    assert "profile=<1 chip>" in repr(bd.Chip(profile=bd.ChipProfile.perfect()))
    with pytest.raises(bd.DynapseError, match="profile of a chip cannot be changed"):
        chip.profile = None


def test_mismatch_statistics():
    """Mean 1, the coefficient of variation asked for, log-normal, independent between biases."""
    cv, count = 0.2, 16 * facts.NEURONS_PER_CHIP
    chip = bd.Chip(seed=7, mismatch=cv)
    factors = {name: chip.mismatch_factors(name, np.arange(count)) for name in ("SOIF_LEAK_N", "SOIF_DC_P")}
    for values in factors.values():
        # five standard errors: mean cv/sqrt(n); CV cv/sqrt(2n) times 1.06 for the log-normal's kurtosis
        assert abs(values.mean() - 1) < 5 * cv / np.sqrt(count)
        assert abs(values.std() / values.mean() - cv) < 5 * 1.06 * cv / np.sqrt(2 * count)
        logarithm = np.log(values)
        skewness = np.mean(((logarithm - logarithm.mean()) / logarithm.std()) ** 3)
        assert abs(skewness) < 5 * np.sqrt(6 / count)  # standard error of a normal sample's skewness
    correlation = np.corrcoef(*factors.values())[0, 1]
    assert abs(correlation) < 5 / np.sqrt(count)


def test_mismatch_is_frozen_to_the_physical_neuron():
    first, second = bd.Chip(seed=3, mismatch=0.2), bd.Chip(seed=3, mismatch=0.2)
    everyone = first.mismatch_factors("SOIF_LEAK_N", np.arange(2048))
    assert np.array_equal(second.mismatch_factors("SOIF_LEAK_N", [1500, 3]), everyone[[1500, 3]])
    assert not np.array_equal(bd.Chip(seed=4, mismatch=0.2).mismatch_factors("SOIF_LEAK_N", [3]), everyone[[3]])
    # drawn once with NumPy's PCG64 and written down: the same on every machine
    assert everyone[0] == pytest.approx(FIRST_FACTOR_OF_SEED_3, rel=1e-12)


FIRST_FACTOR_OF_SEED_3 = 1.0508350420133385


def test_populations_take_neurons_in_order_and_keep_them():
    chip = bd.Chip(seed=1, mismatch=0.1)
    first = bd.Neurons(10, bd.Biases(), chip=chip, name="first")
    second = bd.Neurons(5, bd.Biases(), chip=chip, name="second")
    assert np.array_equal(first.physical, np.arange(10))
    assert np.array_equal(second.physical, np.arange(10, 15))
    leak = np.array(first.I_leak_)
    del first
    again = bd.Neurons(10, bd.Biases(), chip=chip, name="first")
    assert np.array_equal(again.I_leak_, leak)
    elsewhere = bd.Neurons(10, bd.Biases(), chip=chip, physical=np.arange(300, 310), name="elsewhere")
    assert not np.array_equal(elsewhere.I_leak_, leak)
