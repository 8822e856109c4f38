"""A chip that is written and read is the same individual, to the last digit; a wrong file says what is wrong."""

import json

import numpy as np
import pandas as pd
import pytest
from brian2 import kelvin, pF
from jsonschema import Draft202012Validator

import brian2dynapse as bd
from brian2dynapse import chip_file, facts

NEURONS = np.arange(40)


def assert_same(first, second):
    assert first.constants == second.constants and first.changes == second.changes
    assert (first.seed, first.profile, first.noise) == (second.seed, second.profile, second.noise)
    assert repr(first.temperature) == repr(second.temperature)
    for choice in ("constants_name", "events_per_spike", "conductance", "swap_gaba_shunt"):
        assert getattr(first, choice) == getattr(second, choice)
    for bias in facts.core_biases():
        assert first.mismatch_cv(bias) == second.mismatch_cv(bias), bias
        assert np.array_equal(first.mismatch_factors(bias, NEURONS), second.mismatch_factors(bias, NEURONS)), bias
    cams = NEURONS % 64
    assert np.array_equal(
        first.synapse_factors("SYAM_W0_P", NEURONS, cams), second.synapse_factors("SYAM_W0_P", NEURONS, cams)
    )


CHIPS = {
    "ideal": lambda: bd.Chip(),
    "one number": lambda: bd.Chip(seed=42, mismatch=np.float64(0.2)),
    "areas": lambda: bd.Chip(seed=np.int64(7), mismatch="pelgrom", constants="nominal"),
    "table": lambda: bd.Chip(seed=0, mismatch={"SOIF_LEAK_N": 0.3, "SYPD_DLY2_P": 1.2}),
    "everything": lambda: bd.Chip(
        seed=3,
        mismatch=0.1,
        temperature=310.15 * kelvin,
        noise=0.5,
        events_per_spike=3,
        conductance="symmetric",
        swap_gaba_shunt=True,
        profile=bd.ChipProfile.synthetic(seed=5, tags="makers"),
        C_mem=31 / 3 * pF,
        kappa_n=0.7,
        mirror_scale_p=1 / 1.1,
    ),
    "no tag and a board": lambda: bd.Chip(profile=bd.ChipProfile(tags=np.zeros((2, 4, 2048), dtype=bool), source="Ü")),
}


@pytest.mark.parametrize("name", CHIPS)
def test_round_trip(name, tmp_path):
    chip = CHIPS[name]()
    path = chip.to_json(tmp_path / "deep" / "chip.json")
    again = bd.Chip.from_json(path)
    assert_same(chip, again)
    assert again.to_json(tmp_path / "again.json").read_bytes() == path.read_bytes()
    assert list(tmp_path.glob("deep/*")) == [path]  # no temporary file is left
    Draft202012Validator.check_schema(chip_file.schema())
    Draft202012Validator(chip_file.schema()).validate(json.loads(path.read_text(encoding="utf-8")))


def test_the_content_of_a_table_of_mismatch_is_kept_not_its_path(tmp_path):
    table = tmp_path / "cv.csv"
    pd.DataFrame({"bias": ["SOIF_LEAK_N"], "cv": [0.3]}).to_csv(table, index=False)
    chip = bd.Chip(seed=1, mismatch=table)
    table.unlink()
    assert_same(chip, bd.Chip.from_json(chip.to_json(tmp_path / "chip.json")))


def changed(tmp_path, **entries):
    found = chip_file.to_dict(CHIPS["everything"]()) | entries
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(found), encoding="utf-8")
    return path


@pytest.mark.parametrize("entries, message", [
    ({"format": "brian2dynapse configuration"}, 'is not a chip; an object with "format": "brian2dynapse chip"'),
    ({"version": 2}, "version is 2; this package reads 1: update brian2dynapse"),
    ({"version": True}, "version is True; this package reads 1"),
    ({"seed": 1.0}, "seed: 1.0 is not of type 'integer', 'null'"),
    ({"seed": None}, "a chip with mismatch is an individual: give its seed"),
    ({"noise": float("nan")}, "is not JSON: NaN is no number"),
    ({"mismatch": {"SOIF_LEEK_N": 0.1}}, "mismatch"),
    ({"changes": {"C_men": {"value": 1e-12, "unit": "farad"}}}, "changes: 'C_men' is not one of"),
    ({"changes": {"C_mem": {"value": 31, "unit": "pfarad"}}}, "changes.C_mem.unit is 'pfarad'; C_mem is in farad"),
    ({"changes": {"C_mem": {"value": -1, "unit": "farad"}}}, "changes.C_mem.value: -1 is less than"),
    ({"changes": {"gain_homeostasis_limit": {"value": 0.5, "unit": "1"}}}, "gain_homeostasis_limit is below 1"),
    ({"temperature": {"value": 37, "unit": "celsius"}}, "temperature.unit: 'kelvin' was expected"),
    ({"colour": "blue"}, "'colour' was unexpected"),
])  # fmt: skip
def test_wrong_files_say_what_is_wrong(entries, message, tmp_path):
    with pytest.raises(bd.ConfigurationError, match="wrong.json") as caught:
        bd.Chip.from_json(changed(tmp_path, **entries))
    assert message in str(caught.value)


def test_a_wrong_profile_is_named(tmp_path):
    profile = chip_file.to_dict(CHIPS["everything"]())["profile"]
    shorter = profile | {"cams": profile["cams"] | {"failed": [0.5]}}
    with pytest.raises(bd.ConfigurationError, match="profile.cams: columns are of unequal length: .*failed 1"):
        bd.Chip.from_json(changed(tmp_path, profile=shorter))
    elsewhere = profile | {"tags": {"chip": [7], "core": [0], "first": [0], "last": [3]}}
    with pytest.raises(bd.ConfigurationError, match="a chip of a table is not below 1"):
        bd.Chip.from_json(changed(tmp_path, profile=elsewhere))


def test_files_that_are_none(tmp_path):
    with pytest.raises(bd.ConfigurationError, match="cannot be read: No such file"):
        bd.Chip.from_json(tmp_path / "none.json")
    with pytest.raises(bd.DynapseError, match="path is 3; give the name of a file"):
        bd.Chip.from_json(3)
    (tmp_path / "text.json").write_text("C_mem = 31 pF")
    with pytest.raises(bd.ConfigurationError, match="is not JSON"):
        bd.Chip.from_json(tmp_path / "text.json")
    with pytest.raises(bd.DynapseError, match="cannot be written"):
        bd.Chip().to_json(tmp_path)
