"""A sweep: what rows may be, how a function takes them, and the table that becomes of what it returns."""

import functools
import json
import math

import brian2 as b2
import numpy as np
import pandas as pd
import pytest
from brian2 import Hz, mV, pA
from hypothesis import given, settings
from hypothesis import strategies as st
from sweep_functions import brian_generators, global_generators, mixed, mixed_rows, several_lines

import brian2dynapse as bd
from brian2dynapse.errors import SweepError
from brian2dynapse.sweep_values import canonical, decoded, encoded


def same(left, right):
    """Equal values, types and signs, NaN equal to NaN."""
    if isinstance(left, tuple):
        return type(left) is type(right) and len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) and math.isnan(left):
        return isinstance(right, float) and math.isnan(right)
    return type(left) is type(right) and left == right and (left != 0 or str(left) == str(right))


single = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
currents = st.floats(allow_nan=False).map(lambda value: value * pA)
codes = st.builds(bd.Code, st.integers(0, 5), st.integers(0, 255))
cells = single | currents | codes | st.lists(single | currents | codes, max_size=4).map(tuple)


@given(cells)
def test_json_gives_back_what_was_put_in(value):
    back = decoded(json.loads(canonical(encoded(value, "cell"))))
    assert same(value, back)
    if isinstance(value, b2.Quantity):
        assert back.dim is value.dim


@settings(deadline=None)  # it writes files
@given(st.lists(st.tuples(st.floats(), st.integers(), st.booleans(), st.text()), min_size=1, max_size=5))
def test_a_file_gives_back_exactly_what_was_put_in(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("sweep") / "sweep.jsonl"
    rows = [{"number": number} for number in range(len(values))]
    seen = []

    def run_one(number):
        seen.append(number)
        return dict(zip(("f", "i", "b", "s"), values[number], strict=True))

    fresh, read = (bd.sweep(run_one, rows, file=path) for _ in range(2))
    assert seen == list(range(len(values)))
    pd.testing.assert_frame_equal(fresh, read, check_exact=True)
    for number, (number_float, number_int, flag, text) in enumerate(values):
        line = read.iloc[number]
        assert same(float(line["f"]), number_float) and int(line["i"]) == number_int
        assert line["b"] == flag and line["s"] == text
    assert read["b"].dtype == bool and read["f"].dtype == float


def test_table():
    table = bd.sweep(mixed, mixed_rows(8), seed=1)
    assert list(table) == ["number", "code", "gain", "seed", "count", "rate", "edge", "fires", "name", "code_sum",
                           "product", "error"]  # fmt: skip
    assert table["number"].tolist() == list(range(8))
    assert table["code"].tolist() == [(k % 6, k) for k in range(8)]
    assert table["error"].tolist() == ["", "", "", "ValueError: number 3 is not possible", "", "", "", ""]
    failed = table.iloc[3]
    assert failed[["count", "rate", "edge", "fires", "name", "code_sum", "product"]].isna().all()
    assert failed["number"] == 3 and failed["gain"] == 3 / 7
    assert {name: table.attrs[name] for name in table.attrs if name != "provenance"} == {
        "units": {},
        "run": 8,
        "read": 0,
        "failed": 1,
    }


def test_integers_stay_integers():
    """Beyond 2**53 a float would round them, so a column that has a gap keeps them as they are."""
    table = bd.sweep(lambda n: {"whole": 2**60 + n} if n else {"other": 1}, [{"n": n} for n in range(3)])
    assert table["whole"].tolist()[1:] == [2**60 + 1, 2**60 + 2] and math.isnan(table["whole"][0])
    assert bd.sweep(lambda n: n, [{"n": n} for n in range(3)])["result"].dtype == np.int64
    mixed_kinds = bd.sweep(lambda n: {"flag": True} if n else {"flag": 1}, [{"n": n} for n in range(2)])
    assert mixed_kinds["flag"].tolist() == [1, True] and mixed_kinds["flag"].map(type).tolist() == [int, bool]


def test_quantities_are_numbers_in_si_units():
    rows = [{"current": 61 * pA, "code": bd.Code(2, 5)}, {"current": 1 * b2.nA, "code": bd.Code(0, 1)}]

    def run_one(current, code):
        assert isinstance(current, b2.Quantity) and isinstance(code, bd.Code)
        return {"rate": float(current / pA) * Hz if code.coarse else np.nan}

    table = bd.sweep(run_one, rows)
    assert table["current"].tolist() == [float(61 * pA), 1e-9] and table["code"].tolist() == [(2, 5), (0, 1)]
    assert table["rate"][0] == float(61 * pA / pA) and math.isnan(table["rate"][1])
    assert table.attrs["units"] == {"current": "A", "rate": "Hz"}


def test_a_unit_a_column():
    with pytest.raises(SweepError, match="column 'x' is in A and in plain numbers; give all of its values in one unit"):
        bd.sweep(lambda x: 1, [{"x": 1 * pA}, {"x": 1.0}])
    with pytest.raises(SweepError, match="column 'y' is in Hz and in V"):
        bd.sweep(lambda x: {"y": 1 * Hz if x else 1 * mV}, [{"x": 1}, {"x": 0}])


@pytest.mark.parametrize("empty", [0, 1])
def test_several_lines_for_one_row(empty):
    """A row whose table is empty stays: nothing is lost."""
    table = bd.sweep(several_lines, pd.DataFrame({"number": [2, 3 - 3 * empty, 1]}))
    expected = [2, 2, 0, 1] if empty else [2, 2, 3, 3, 3, 1]
    assert table["number"].tolist() == expected and (table["error"] == "").all()
    assert table["rate"].dropna().tolist() == [
        number / (k + 3) for number in dict.fromkeys(expected) for k in range(number)
    ]


def test_ways_to_take_a_row():
    rows = [{"a": 1, "b": 2.0}, {"b": 3.0, "a": 2}]
    expected = [1.0 * 2, 2 * 3.0]

    class Callable:
        def __call__(self, row):
            return row["a"] * row["b"]

    for run_one in (
        lambda a, b: a * b,
        lambda b, a, more=0: a * b,
        lambda **row: row["a"] * row["b"],
        lambda row: row["a"] * row["b"],
        functools.partial(lambda factor, a, b: factor * a * b, 1),
        Callable(),
    ):
        assert bd.sweep(run_one, rows)["result"].tolist() == expected
    assert bd.sweep(str, [{"a": 1}])["result"].tolist() == ["{'a': 1}"]
    with pytest.raises(
        SweepError, match=r"<lambda>\(a, c\) does not take .* run_one\(a, b\), .* run_one\(row\), a dict"
    ):
        bd.sweep(lambda a, c: 1, rows)
    with pytest.raises(SweepError, match="run_one is int; give a function of one row"):
        bd.sweep(1, rows)


def test_a_data_frame_of_rows_keeps_integers():
    frame = pd.DataFrame({"n": [1, 2], "x": [0.5, 1.0], "on": [True, False], "name": ["a", "b"]}, index=[7, 3])
    seen = []
    table = bd.sweep(lambda n, x, on, name: seen.append((n, x, on, name)) or 1, frame)
    assert [tuple(map(type, one)) for one in seen] == [(int, float, bool, str)] * 2
    pd.testing.assert_frame_equal(table[["n", "x", "on", "name"]], frame.reset_index(drop=True))


@pytest.mark.parametrize(
    "rows, message",
    [
        ([], "rows is empty; give at least one row"),
        (pd.DataFrame({"a": []}), "rows is empty"),
        ("abc", "rows is str; give a DataFrame or a list of dicts"),
        ({"a": 1}, "rows is dict; give a DataFrame or a list of dicts"),
        ([1, 2], r"rows\[0\] is int; give a dict, column to value"),
        ([{"a": 1}, {"b": 1}], r"rows\[1\] and rows\[0\] do not have the same columns, they differ in 'a', 'b'"),
        ([{}], r"rows\[0\] has no columns"),
        ([{1: 1}], "rows has a column 1; the name of a column is a string"),
        ([{"error": 1}], "rows has a column 'error', which the table of results has; rename it"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "rows has the column 'a' twice"),
        (
            [{"a": np.arange(3)}],
            r"rows\[0\]\['a'\] is ndarray; a cell of a sweep is .*; write tuple\(values.tolist\(\)\)",
        ),
        ([{"a": [1, 2] * mV}], r"rows\[0\]\['a'\] is an array of quantities"),
        ([{"a": (1, {2})}], r"rows\[0\]\['a'\]\[1\] is set; a cell of a sweep is a number, a string"),
        ([{"a": bd.Dendrite.ampa}], r"rows\[0\]\['a'\] is Dendrite"),
    ],
)
def test_rows_that_are_none(rows, message):
    with pytest.raises(SweepError, match=message):
        bd.sweep(lambda a: 1, rows)


def test_results_that_are_none():
    """What a row returned is that row's failure; what must be wrong for all rows ends the sweep."""
    rows = [{"n": n} for n in range(5)]
    table = bd.sweep(lambda n: [None, np.arange(3), {1: 2}, {"x": {}}, 1][n], rows)
    expected = [
        "SweepError: the function returned None; return a dict (columns), a number, a string or a DataFrame",
        "SweepError: result 'result' is ndarray; a cell of a sweep is ",
        "SweepError: a result is named 1; the name of a column is a string",
        "SweepError: result 'x' is dict; a cell of a sweep is a number",
    ]
    assert all(got.startswith(wanted) for got, wanted in zip(table["error"][:4], expected, strict=True))
    assert table["error"][4] == "" and table["result"][4] == 1
    for name in ("n", "error"):
        with pytest.raises(
            SweepError, match=f"run_one, row 0: the function returned a column '{name}', which the rows have"
        ):
            bd.sweep(lambda n, name=name: {name: 1}, rows)


def test_all_rows_failed():
    with pytest.warns(
        RuntimeWarning, match="all 2 rows of the sweep failed, the first with ZeroDivisionError: division"
    ):
        table = bd.sweep(lambda n: n / 0, [{"n": 1}, {"n": 2}])
    assert table["error"].tolist() == ["ZeroDivisionError: division by zero"] * 2


def test_interrupts_are_no_failures():
    def run_one(n):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bd.sweep(run_one, [{"n": 1}])


def test_an_error_of_brian_is_named():
    """Brian2 wraps what the package raises before a run; the row has what was wrapped."""

    def run_one(step):
        b2.defaultclock.dt = step
        neurons = bd.Neurons(1, bd.Biases(), name="neurons")
        network = b2.Network(neurons)
        network.run(3 * step)
        return 1

    table = bd.sweep(run_one, [{"step": 0.1 * b2.ms}, {"step": 100 * b2.ms}])
    assert table["error"][0] == "" and table["error"][1].startswith("TimeStepError: neurons: ")


def test_seeds_follow_from_the_content():
    rows = mixed_rows(20)
    table = bd.sweep(mixed, rows, seed=5)
    order = np.random.default_rng(0).permutation(20)
    shuffled = bd.sweep(mixed, [dict(reversed(rows[k].items())) for k in order], seed=5)
    assert shuffled.set_index("number")["seed"].sort_index().tolist() == table["seed"].tolist()
    assert shuffled.set_index("number")["rate"].sort_index().equals(table.set_index("number")["rate"])
    assert table["seed"].nunique() == 20  # of 2**32: equal ones by chance once in 2e7
    assert set(table["seed"]).isdisjoint(bd.sweep(mixed, rows, seed=6)["seed"])
    # Frozen: seeds of published sweeps stay what they are.
    assert bd.sweep(lambda a, seed: seed, [{"a": 1}], seed=0)["result"].tolist() == [SEED_OF_A]


SEED_OF_A = 1207075282


def test_the_seed_of_the_rows_goes_before():
    table = bd.sweep(lambda a, seed: seed, [{"a": 1, "seed": 3}], seed=0)
    assert table["result"].tolist() == [3] and list(table) == ["a", "seed", "result", "error"]
    assert bd.sweep(lambda row: row["seed"], [{"a": 1}], seed=0)["result"].tolist() == [SEED_OF_A]
    assert bd.sweep(lambda a: a, [{"a": 1}], seed=0)["seed"].tolist() == [SEED_OF_A]  # a column in any case
    for seed in (-1, 1.5, True, "a"):
        with pytest.raises(SweepError, match="seed is .*; give a non-negative integer, or None"):
            bd.sweep(lambda a: a, [{"a": 1}], seed=seed)


@pytest.mark.parametrize("function", [global_generators, brian_generators])
@pytest.mark.parametrize("seed", [None, 3])
def test_global_generators_are_seeded_by_row(function, seed):
    """Whatever was drawn before, and in whatever order rows run."""
    rows = [{"number": number} for number in range(6)]
    np.random.seed(1)  # noqa: NPY002
    table = bd.sweep(function, rows, seed=seed)
    np.random.random(3)  # noqa: NPY002
    backwards = bd.sweep(function, rows[::-1], seed=seed)[::-1].reset_index(drop=True)
    pd.testing.assert_frame_equal(table, backwards)
    assert table.iloc[:, -2].nunique() > 3  # rows do differ; 50 neurons, so that equal ones are rare


def test_report():
    calls = []
    bd.sweep(lambda a: a, [{"a": 1}, {"a": 2}], report=lambda done, total: calls.append((done, total)))
    assert calls == [(0, 2), (1, 2), (2, 2)]
    with pytest.raises(SweepError, match="report is 'text'; give brian2dynapse.Progress()"):
        bd.sweep(lambda a: a, [{"a": 1}], report="text")
