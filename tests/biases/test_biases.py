"""Biases: codes are the truth, currents derive from them."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from brian2 import mV, nA, pA, uA
from hypothesis import given
from hypothesis import strategies as st

import brian2dynapse as bd
from brian2dynapse import facts

codes = st.tuples(st.integers(0, 5), st.integers(0, 255))


def test_code_and_current_are_two_views():
    biases = bd.Biases()
    biases["SOIF_LEAK_N"] = (2, 5)
    assert biases["SOIF_LEAK_N"] == bd.Code(coarse=2, fine=5)
    assert repr(biases["SOIF_LEAK_N"]) == "Code(coarse=2, fine=5)"
    assert float(biases.current("SOIF_LEAK_N")) == bd.dac.current("SOIF_LEAK_N", 2, 5)
    biases["SOIF_LEAK_N"] = 61 * pA
    assert biases["SOIF_LEAK_N"] == tuple(int(part) for part in bd.dac.nearest("SOIF_LEAK_N", 61e-12))
    assert abs(float(biases.current("SOIF_LEAK_N")) - 61e-12) < 0.5e-12  # codes near 61 pA lie 0.5 pA apart


def test_every_core_bias_has_a_default():
    biases = bd.Biases()
    assert list(biases) == list(facts.core_biases())
    frame = biases.to_frame()
    assert list(frame.columns[:5]) == ["bias", "coarse", "fine", "current_A", "role"]
    assert list(frame.columns[-2:]) == ["asked_A", "error"]
    assert len(frame) == len(biases) == 51


@given(st.dictionaries(st.sampled_from(facts.core_biases()), codes, max_size=10))
def test_csv_gives_the_same_biases_back(tmp_path_factory, changes):
    biases = bd.Biases(changes)
    path = tmp_path_factory.mktemp("biases") / "biases.csv"
    assert biases.to_csv(path) == path
    assert bd.Biases.from_csv(path) == biases
    assert list(path.parent.iterdir()) == [path]  # no temporary file is left


def test_copy_is_independent():
    first = bd.Biases()
    second = first.copy()
    second["SOIF_LEAK_N"] = (0, 50)
    assert first["SOIF_LEAK_N"] == facts.bias("SOIF_LEAK_N").default
    assert first != second


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda b: pickle.loads(pickle.dumps(b))])
def test_every_copy_is_independent(how):
    first = bd.Biases({"SOIF_LEAK_N": (2, 9)})
    second = how(first)
    assert second == first
    second["SOIF_LEAK_N"] = (0, 50)
    assert first["SOIF_LEAK_N"] == (2, 9)


def test_an_asked_current_is_remembered_beside_its_code():
    biases = bd.Biases({"SOIF_GAIN_N": 20 * pA})
    biases.update({"SOIF_LEAK_N": 61.1 * pA, "SOIF_REFR_N": (2, 9)})
    assert (biases.asked("SOIF_GAIN_N"), biases.asked("SOIF_LEAK_N")) == (20e-12, 61.1e-12)
    assert type(biases.asked("SOIF_LEAK_N")) is float
    assert biases.asked("SOIF_REFR_N") is biases.asked("SOIF_DC_P") is None
    frame = biases.to_frame().set_index("bias")
    assert frame["asked_A"].dropna().to_dict() == {"SOIF_GAIN_N": 20e-12, "SOIF_LEAK_N": 61.1e-12}
    row = frame.loc["SOIF_LEAK_N"]
    assert row["error"] == row["current_A"] / 61.1e-12 - 1 and 0 < abs(row["error"]) < 0.01
    assert list(frame["error"].dropna().index) == ["SOIF_GAIN_N", "SOIF_LEAK_N"]
    biases["SOIF_LEAK_N"] = tuple(biases["SOIF_LEAK_N"])  # the same code, but now it is what was asked for
    assert biases.asked("SOIF_LEAK_N") is None
    with pytest.raises(bd.UnknownNameError, match="did you mean SOIF_LEAK_N"):
        biases.asked("SOIF_LEEK_N")


def test_no_current_has_no_relative_error():
    row = bd.Biases({"SOIF_LEAK_N": 0 * pA}).to_frame().set_index("bias").loc["SOIF_LEAK_N"]
    assert row["asked_A"] == 0 and np.isnan(row["error"])
    assert bd.Biases().to_frame()[["asked_A", "error"]].dtypes.tolist() == [float, float]


@pytest.mark.parametrize("how", [bd.Biases, bd.Biases.copy, copy.copy, copy.deepcopy,
                                 lambda b: pickle.loads(pickle.dumps(b))])  # fmt: skip
def test_copies_remember_asked_currents_of_their_own(how):
    first = bd.Biases({"SOIF_LEAK_N": 61 * pA})
    second = how(first)
    assert second.asked("SOIF_LEAK_N") == 61e-12
    second.update({"SOIF_LEAK_N": (2, 9), "SOIF_GAIN_N": 20 * pA})
    assert (first.asked("SOIF_LEAK_N"), first.asked("SOIF_GAIN_N")) == (61e-12, None)


def test_asked_currents_do_not_count_for_equality():
    biases = bd.Biases({"SOIF_LEAK_N": 61 * pA})
    assert biases == bd.Biases({"SOIF_LEAK_N": tuple(biases["SOIF_LEAK_N"])})


def test_an_error_is_that_of_the_current_in_a_measured_table():
    measured = bd.dac.GeneratorTable("mine", {k: 2 * v for k, v in bd.dac.nominal_table().currents.items()})
    biases = bd.Biases(bd.Biases({"SOIF_LEAK_N": 61 * pA}), table=measured)
    assert biases.asked("SOIF_LEAK_N") == 61e-12
    error = biases.to_frame().set_index("bias").loc["SOIF_LEAK_N", "error"]
    assert error == biases.current_in_amp("SOIF_LEAK_N") / 61e-12 - 1 and 0.9 < error < 1.1


def test_asked_currents_are_restored_if_a_group_refuses():
    class Group:
        name = "group"

        def biases_changed(self, names):
            if biases.asked("SOIF_LEAK_N") != 61e-12:
                raise bd.DynapseError("refused")

    biases, group = bd.Biases({"SOIF_LEAK_N": 61 * pA, "SOIF_GAIN_N": (2, 9)}), Group()
    biases.subscribe(group)
    for wrong in ({"SOIF_LEAK_N": 10 * pA}, {"SOIF_LEAK_N": (0, 1), "SOIF_GAIN_N": 20 * pA}):
        with pytest.raises(bd.DynapseError, match="refused"):
            biases.update(wrong)
        assert (biases.asked("SOIF_LEAK_N"), biases.asked("SOIF_GAIN_N")) == (61e-12, None)
    with pytest.raises(bd.CodeError):
        biases.update({"SOIF_GAIN_N": 20 * pA, "SOIF_LEAK_N": -1 * pA})
    assert biases.asked("SOIF_GAIN_N") is None


@pytest.mark.parametrize("arguments, message", [
    ({"codes": "x.csv"}, "give a mapping of names to codes, or from_csv"),
    ({"table": "x.csv"}, "give what dac.load_table returns"),
])  # fmt: skip
def test_bad_arguments(arguments, message):
    with pytest.raises(bd.DynapseError, match=message):
        bd.Biases(**arguments)


def test_nothing_is_set_if_one_of_several_is_wrong():
    biases = bd.Biases()
    with pytest.raises(bd.CodeError):
        biases.update({"SOIF_LEAK_N": (0, 1), "SOIF_GAIN_N": (9, 9)})
    assert biases == bd.Biases()


@pytest.mark.parametrize("name, value, error, message", [
    ("SOIF_LEEK_N", (2, 5), bd.UnknownNameError, "did you mean SOIF_LEAK_N"),
    ("LBWR_VB_P", (2, 5), bd.UnknownNameError, "shared to several cores"),
    ("SOIF_LEAK_N", (2, 300), bd.CodeError, r"fine is 300; a fine code is 0\.\.255"),
    ("SOIF_LEAK_N", (2, 5.5), bd.CodeError, "fine is 5.5; a fine code is an integer"),
    ("SOIF_LEAK_N", -1 * pA, bd.CodeError, "current is -1e-12 A; a bias current is positive"),
    ("SOIF_LEAK_N", 1 * uA * 1000, bd.CodeError, "above .* the largest current of its codes"),
    ("SOIF_LEAK_N", [1, 2] * pA, bd.CodeError, "all neurons of a core share one"),
    ("SOIF_LEAK_N", 61e-12, bd.CodeError, "one current with its unit"),
    ("SOIF_LEAK_N", 61 * mV, bd.CodeError, "one current with its unit"),
    ("SOIF_LEAK_N", "25", bd.CodeError, "give a code"),
    ("SOIF_LEAK_N", (1, 2, 3), bd.CodeError, "give a code"),
    ("SOIF_LEAK_N", {2, 5}, bd.CodeError, "give a code"),
    ("SOIF_LEAK_N", float("nan") * nA, bd.CodeError, "not finite"),
])  # fmt: skip
def test_bad_input_is_named(name, value, error, message):
    biases = bd.Biases()
    with pytest.raises(error, match=message):
        biases[name] = value
    assert biases == bd.Biases()


def test_bad_files_list_all_that_is_wrong(tmp_path):
    frame = bd.Biases().to_frame()
    frame.loc[0, "fine"] = 256
    frame = pd.concat([frame.drop(index=3), frame.iloc[[1]]])
    frame.to_csv(tmp_path / "bad.csv", index=False)
    with pytest.raises(bd.DynapseError) as error:
        bd.Biases.from_csv(tmp_path / "bad.csv")
    for problem in ("SOIF_DC_P is missing", "SOIF_LEAK_N occurs more than once", "SOIF_GAIN_N: fine is 256"):
        assert problem in str(error.value)


def test_a_measured_table_gives_the_currents():
    measured = bd.dac.GeneratorTable("mine", {k: 2 * v for k, v in bd.dac.nominal_table().currents.items()})
    assert bd.Biases(table=measured).current("SOIF_LEAK_N") > 1.9 * bd.Biases().current("SOIF_LEAK_N")


def test_shows_itself():
    assert "SOIF_LEAK_N: (0, 50)" in repr(bd.Biases({"SOIF_LEAK_N": (0, 50)}))
    html = bd.Biases()._repr_html_()
    assert "SOIF_LEAK_N" in html and "pA" in html


def test_declared_table_is_whole():
    """Each modelled core bias names a circuit parameter and each parameter has one bias."""
    parameters = [bias.parameter for bias in facts.bias_table().values() if bias.parameter]
    assert len(set(parameters)) == len(parameters)
    for bias in facts.bias_table().values():
        assert (bias.effect == "modelled") == bool(bias.parameter)
        coarse, fine = bias.default  # those outside the cores have one too
        assert 0 <= coarse < facts.COARSE_CODES and 0 <= fine < facts.FINE_CODES
        if bias.scope == "core":
            assert np.isfinite(bd.dac.current(bias.name, 0, 0))
