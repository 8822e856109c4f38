"""Codes to currents: figures of the facts, and the inverse against brute force."""

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brian2dynapse import dac, facts
from brian2dynapse.errors import CodeError, DynapseError, UnknownNameError

NAMES = facts.core_biases()
ALL_CODES = [np.repeat(np.arange(6), 256), np.tile(np.arange(256), 6)]


def independent_current(name, coarse, fine):
    """The documented model, spelt out with the csv module and plain loops."""
    folder = Path(facts.__file__).parent / "data"
    bias = facts.bias(name)
    with open(folder / "generator_bit_weights.csv") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    row = next(r for r in rows if r["type"] == bias.type and int(r["coarse"]) == coarse)
    generator = float(row["floor_A"])
    for bit in range(8):
        if fine & (1 << bit):
            generator += float(row[f"bit{bit}_A"])
    with open(folder / "mirror_gain.csv") as file:
        knots = list(csv.DictReader(line for line in file if not line.startswith("#")))
    for low, high in itertools.pairwise(knots):
        x0, x1 = float(low["current_A"]), float(high["current_A"])
        if x0 <= generator <= x1:
            g0, g1 = float(low[bias.gain_curve]), float(high[bias.gain_curve])
            return generator * g0 * (g1 / g0) ** (np.log(generator / x0) / np.log(x1 / x0))
    raise AssertionError("generator current outside the knots")


@given(st.sampled_from(NAMES), st.integers(0, 5), st.integers(0, 255))
def test_current_is_bits_times_mirror_gain(name, coarse, fine):
    # 1e-12: the same formula, summed and interpolated in another order of operations
    assert dac.current(name, coarse, fine) == pytest.approx(independent_current(name, coarse, fine), rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_all_1536_codes_of_every_core_bias(name):
    current = dac.current(name, *ALL_CODES)
    assert current.shape == (1536,)
    assert np.all(np.isfinite(current)) and np.all(current > 0)


@pytest.mark.parametrize("kind, full_scale", [
    ("N", [71.8e-12, 573e-12, 4.57e-9, 36.4e-9, 290e-9, 2.28e-6]),
    ("P", [66.9e-12, 536e-12, 4.30e-9, 34.4e-9, 277e-9, 2.24e-6]),
])  # fmt: skip
def test_full_scale_of_the_generators(kind, full_scale):
    # 2 %: the fit's largest error of the high codes at coarse 0 (1.4 % rms) and 5 (1.1 %)
    assert dac.nominal_table().currents[kind][:, 255] == pytest.approx(full_scale, rel=0.02)


@pytest.mark.parametrize("kind", ["N", "P"])
@pytest.mark.parametrize("coarse", (2, 3, 4))  # at 1 and 5 the fitted bits fall at some of them only
def test_generator_falls_at_every_multiple_of_32(kind, coarse):
    current = dac.nominal_table().currents[kind][coarse]
    for fine in range(32, 256, 32):
        assert current[fine] < current[fine - 1]


@pytest.mark.parametrize("name, coarse, fine, constant, seconds, tolerance", [
    # Users' anchors (facts): pulse widths 0.35 pC / I, refractory 3.4 pC / I, delay 0.45 pC / I.
    # Tolerances: the anchors are given to two or three figures; the delay is a user's round number.
    ("SYPD_EXT_N", 3, 50, 0.35e-12, 51e-6, 0.01),
    ("SYPD_EXT_N", 3, 100, 0.35e-12, 26e-6, 0.02),
    ("SYPD_EXT_N", 3, 200, 0.35e-12, 13.7e-6, 0.01),
    ("SYPD_EXT_N", 4, 80, 0.35e-12, 4.2e-6, 0.02),
    ("SOIF_REFR_N", 2, 250, 3.4e-12, 0.72e-3, 0.02),
    ("SYPD_DLY0_P", 1, 22, 0.45e-12, 40e-3, 0.05),
])  # fmt: skip
def test_anchors_of_users(name, coarse, fine, constant, seconds, tolerance):
    assert constant / dac.current(name, coarse, fine) == pytest.approx(seconds, rel=tolerance)


@given(st.sampled_from(NAMES), st.lists(st.floats(1e-14, 1e-4), min_size=1, max_size=20))
def test_nearest_is_the_true_nearest(name, wanted):
    table = dac.current(name, *ALL_CODES)
    coarse, fine = dac.nearest(name, wanted)
    got = dac.current(name, coarse, fine)
    best = np.abs(table[:, None] - np.array(wanted)).min(axis=0)
    assert np.array_equal(np.abs(got - wanted), best)


@given(st.sampled_from(NAMES), st.integers(0, 5), st.integers(0, 255))
def test_nearest_of_a_code_has_its_current(name, coarse, fine):
    current = dac.current(name, coarse, fine)
    assert dac.current(name, *dac.nearest(name, current)) == current


def test_current_broadcasts():
    current = dac.current("SOIF_LEAK_N", np.arange(6)[:, None], np.arange(256))
    assert current.shape == (6, 256)
    assert current[2, 5] == dac.current("SOIF_LEAK_N", 2, 5)
    assert isinstance(dac.current("SOIF_LEAK_N", 2, 5), float)


def test_nearest_of_zero_is_the_smallest_code():
    coarse, fine = dac.nearest("SOIF_DC_P", 0.0)
    assert dac.current("SOIF_DC_P", coarse, fine) == dac.current("SOIF_DC_P", *ALL_CODES).min()


@pytest.mark.parametrize("coarse, fine, message", [
    (2, 300, "SOIF_LEAK_N: fine is 300; a fine code is 0..255"),
    (6, 0, "SOIF_LEAK_N: coarse is 6; a coarse code is 0..5"),
    (-1, 0, "SOIF_LEAK_N: coarse is -1"),
    (2.0, 5, "SOIF_LEAK_N: coarse is 2.0; a coarse code is an integer"),
    (True, 5, "SOIF_LEAK_N: coarse is True"),
    (2, [5, 256], "fine is 256"),
])  # fmt: skip
def test_bad_codes_are_named(coarse, fine, message):
    with pytest.raises(CodeError, match=message.replace(".", r"\.")):
        dac.current("SOIF_LEAK_N", coarse, fine)


@pytest.mark.parametrize("wanted, message", [
    (-1e-12, "current is -1e-12 A"), (np.nan, "not finite"), (np.inf, "not finite"),
])  # fmt: skip
def test_bad_currents_are_named(wanted, message):
    with pytest.raises(CodeError, match=message):
        dac.nearest("SOIF_LEAK_N", wanted)


def test_unknown_bias_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="'SYPD_DYL0_P' is not a bias; did you mean SYPD_DLY0_P"):
        dac.current("SYPD_DYL0_P", 0, 0)


def test_voltages_have_no_current():
    with pytest.raises(CodeError, match="NCCF_REF_L_V.*the bias is a voltage"):
        dac.current("NCCF_REF_L_V", 0, 0)


def write_generator_table(path, change=lambda row: row):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["type", "coarse", "fine", "current_A"])
        for coarse, fine in zip(*ALL_CODES, strict=True):
            row = change(["N", int(coarse), int(fine), 1e-12 * (1 + 300 * coarse + fine)])
            if row:
                writer.writerow(row)
    return path


def test_a_measured_table_replaces_the_nominal_one(tmp_path):
    table = dac.load_table(write_generator_table(tmp_path / "mine.csv"))
    generator = 1e-12 * (1 + 300 * 2 + 5)
    gain = float(dac.mirror_gain("N 5.6x6", generator))
    assert dac.current("SOIF_LEAK_N", 2, 5, table) == pytest.approx(generator * gain, rel=1e-12)
    coarse, fine = dac.nearest("SOIF_LEAK_N", generator * gain, table)
    assert (coarse, fine) == (2, 5)
    with pytest.raises(CodeError, match="mine.csv' has no currents of type P"):
        dac.current("SOIF_DC_P", 0, 0, table)


@pytest.mark.parametrize("change, message", [
    (lambda row: None if row[1:3] == [3, 7] else row, r"1 codes are missing, the first is \(3,7\)"),
    (lambda row: [row[0], 3, 7, row[3]] if row[1:3] == [3, 8] else row, "1 codes are repeated"),
    (lambda row: [*row[:3], -1] if row[1:3] == [0, 0] else row, "without a positive current"),
    (lambda row: [*row[:2], 256, row[3]] if row[1:3] == [5, 255] else row, r"\(5,256\) is not a code"),
    (lambda row: ["X", *row[1:]], "type is 'X'"),
])  # fmt: skip
def test_a_bad_measured_table_is_refused(tmp_path, change, message):
    with pytest.raises(DynapseError, match=message):
        dac.load_table(write_generator_table(tmp_path / "mine.csv", change))
