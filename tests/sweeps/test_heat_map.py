"""A heat map shows each value at its codes, and says what is missing."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from brian2 import Hz

import brian2dynapse as bd
from brian2dynapse.errors import DynapseError, UnknownNameError

# Below a multiple of 32 a code has more current than the next one: the order of codes is not that of currents.
LEAKS = [(3, 31), (3, 32), (2, 100)]


def rate(SOIF_LEAK_N, weight, repetition):  # the name of the bias
    if (SOIF_LEAK_N, weight) == ((2, 100), 3):
        raise ValueError("does not work")
    return {"rate": (LEAKS.index(tuple(SOIF_LEAK_N)) + 10 * weight + repetition) * Hz}


@pytest.fixture
def table():
    rows = [
        {"SOIF_LEAK_N": leak, "weight": weight, "repetition": k} for leak in LEAKS for weight in (1, 3) for k in (0, 1)
    ]
    return bd.sweep(rate, rows)


def test_values_at_their_codes(table):
    axes = bd.plot.heat_map(table, "SOIF_LEAK_N", "weight", "rate")
    mesh = axes.collections[0]
    currents = [bd.dac.current("SOIF_LEAK_N", *code) for code in LEAKS]
    order = np.argsort(currents)
    assert order.tolist() == [2, 1, 0]
    # Leak number + 10 weight + mean of the repetitions; the failed one is masked.
    expected = np.array([[k + 10 * weight + 0.5 for k in order] for weight in (1, 3)])
    got = mesh.get_array().reshape(2, 3)
    assert got.mask.tolist() == [[False] * 3, [True, False, False]]
    np.testing.assert_array_equal(got.compressed(), expected.ravel()[~got.mask.ravel()])
    assert axes.get_xscale() == "log" and axes.get_yscale() == "linear"
    unit = {"nA": 1e-9, "pA": 1e-12}[axes.get_xlabel().split("(")[1][:2]]
    np.testing.assert_allclose(axes.get_xticks() * unit, np.sort(currents), rtol=1e-12)  # one division
    assert [text.get_text().split()[1] for text in axes.get_xticklabels()] == ["(2,100)", "(3,32)", "(3,31)"]
    cross = axes.lines[0].get_xydata()
    np.testing.assert_allclose(cross * [unit, 1], [[currents[2], 3]], rtol=1e-12)
    assert axes.figure.axes[1].get_ylabel() == "rate (Hz)"
    plt.close(axes.figure)


def test_one_value_and_other_axes(table):
    figure, axes = plt.subplots()
    assert bd.plot.heat_map(table[:2], "SOIF_LEAK_N", "weight", "rate", axes, label="spikes a second") is axes
    assert figure.axes[1].get_ylabel() == "spikes a second"
    plt.close(figure)


def test_what_is_refused(table):
    with pytest.raises(UnknownNameError, match="'rates' is not a column of the table; did you mean rate"):
        bd.plot.heat_map(table, "SOIF_LEAK_N", "weight", "rates")
    with pytest.raises(DynapseError, match="column 'error' is .*; colours show numbers"):
        bd.plot.heat_map(table, "SOIF_LEAK_N", "weight", "error")
    with pytest.raises(DynapseError, match="column 'leak' has codes; name it as their bias"):
        bd.plot.heat_map(table.rename(columns={"SOIF_LEAK_N": "leak"}), "leak", "weight", "rate")
    with pytest.raises(DynapseError, match="column 'error' is .*; an axis has numbers, or codes"):
        bd.plot.heat_map(table, "error", "weight", "rate")


def test_what_has_no_place_on_an_axis_is_refused():
    table = pd.DataFrame({"a": [1, np.nan], "b": [1, 2], "c": [1, 2]})
    with pytest.raises(bd.DynapseError, match="column 'a' is missing in some rows"):
        bd.plot.heat_map(table, "a", "b", "c")
    with pytest.raises(bd.DynapseError, match="table is NoneType"):
        bd.plot.heat_map(None, "a", "b", "c")
