"""Tables of spikes and traces, and files that give them back to the last bit."""

import json
import sys

import brian2 as b2
import numpy as np
import pandas as pd
import pytest
from brian2 import ms
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import brian2dynapse as bd
from brian2dynapse.exchange import board_events_frame, read_table, spikes_frame, states_frame, write_table

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=8)
COLUMNS = {
    "float": st.floats(),
    "int": st.integers(-(2**63), 2**63 - 1),
    "bool": st.booleans(),
    "text": TEXT.filter(bool) | st.none(),
    "plain": TEXT,
    "code": st.integers(-(2**63), 2**63 - 1) | st.none(),
}


@pytest.fixture(scope="module")
def monitors():
    b2.start_scope()
    b2.prefs.codegen.target = "numpy"
    neurons = bd.Neurons(6, bd.Biases({"SOIF_DC_P": (4, 80)}), latches={"so_dc"}, name="neurons")
    spikes = b2.SpikeMonitor(neurons[2:5], name="spikes")
    trace = b2.StateMonitor(neurons, ["Imem", "Vmem"], record=[1, 4], dt=1 * ms, name="trace")
    network = b2.Network(neurons, spikes, trace)
    network.run(20 * ms, namespace={})
    return network, spikes, trace


def test_spikes(monitors):
    network, spikes, _ = monitors
    table = spikes_frame(spikes)
    assert list(table.columns) == ["population", "neuron", "time_s"] and len(table) == spikes.num_spikes > 3
    assert set(table["neuron"]) <= {2, 3, 4}  # numbers of the whole group
    assert np.array_equal(table["time_s"], np.asarray(spikes.t))
    assert_frame_equal(spikes_frame(network), table)
    bd.measure.adaptation(recorded=table)  # takes it as it is


def test_states(monitors):
    _, _, trace = monitors
    table = states_frame(trace)
    assert list(table.columns) == ["population", "neuron", "time_s", "Imem_A", "Vmem_V"]
    assert table.attrs["units"] == {"time_s": "s", "Imem_A": "A", "Vmem_V": "V"}
    for row, neuron in enumerate((1, 4)):
        own = table[table["neuron"] == neuron]
        assert np.array_equal(own["Imem_A"], np.asarray(trace.Imem[row]))
        assert np.array_equal(own["time_s"], np.asarray(trace.t))
    assert list(states_frame(trace, "Vmem").columns)[-1] == "voltage_V"
    assert list(states_frame(trace, "Imem").columns)[-1] == "current_A"


def test_wrong_sources(monitors):
    with pytest.raises(bd.DynapseError, match="spikes_frame: got StateMonitor; give a SpikeMonitor"):
        spikes_frame(monitors[2])
    with pytest.raises(bd.DynapseError, match="got a network without one"):
        states_frame(b2.Network())
    with pytest.raises(bd.UnknownNameError, match="'Imen' is not a variable that trace records; did you mean Imem"):
        states_frame(monitors[2], "Imen")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@settings(max_examples=25, deadline=None)
@given(data=st.data(), rows=st.integers(0, 5), names=st.sets(st.sampled_from(sorted(COLUMNS)), min_size=1))
def test_files_give_tables_back(suffix, tmp_path_factory, data, rows, names):
    columns = {name: data.draw(st.lists(COLUMNS[name], min_size=rows, max_size=rows)) for name in sorted(names)}
    kinds = {"float": float, "int": "int64", "bool": bool, "code": "Int64"}
    table = pd.DataFrame({name: pd.Series(values, dtype=kinds.get(name, object)) for name, values in columns.items()})
    table.attrs = {"provenance": {"seed": 3, "x": 0.1}, "units": {"float": "A"}}
    path = write_table(table, tmp_path_factory.mktemp("files") / f"table.{suffix}")
    back = read_table(path)
    assert back.attrs == table.attrs
    assert list(back.columns) == list(table.columns)
    for name, values in columns.items():
        if name == "code":
            assert back[name].equals(table[name])
        elif name in kinds:
            assert back[name].to_numpy().tobytes() == table[name].to_numpy().tobytes() or (
                np.array_equal(back[name], table[name], equal_nan=True)  # a NaN is a NaN
            )
            assert back[name].dtype == table[name].dtype
        else:
            assert [None if pd.isna(one) else one for one in back[name]] == values


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_measurement_stays_one(tmp_path, suffix):
    table = bd.measure.fi_curve(bd.Biases(), [(2, 40), (3, 80)], duration=20 * ms, neurons=2)
    table.attrs["provenance"] = {"version": bd.__version__}
    back = read_table(write_table(table, tmp_path / f"fi.{suffix}"))
    assert type(back) is type(table) and back.protocol == "fi_curve" and back.codes == table.codes
    assert back.attrs == table.attrs
    assert_frame_equal(pd.DataFrame(back), pd.DataFrame(table), check_exact=True)


def test_csv_begins_with_what_it_is(tmp_path):
    """A comment of JSON, which other readers skip."""
    path = write_table(pd.DataFrame({"x": [0.1, 1e-300, np.nan]}), tmp_path / "x.csv")
    first, *rest = path.read_text().splitlines()
    assert json.loads(first.removeprefix("# "))["columns"] == {"x": "float64"} and rest[:2] == ["x", "0.1"]
    assert pd.read_csv(path, comment="#")["x"].iloc[1] == 1e-300


def test_tables_of_others(tmp_path):
    (tmp_path / "lab.csv").write_text("# oscilloscope\ntime_s,voltage_V\n0.1,0.3\n")
    assert read_table(tmp_path / "lab.csv")["voltage_V"].tolist() == [0.3]
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "lab.parquet")
    assert read_table(tmp_path / "lab.parquet")["a"].tolist() == [1]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"x": [1]}, index=[5]), "the index of the table is not 0, 1, 2"),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), "give each a name of its own"),
        (pd.DataFrame({"x": [(1, 2)]}), "column x has type object and holds more than text"),
        (pd.DataFrame({"x": pd.to_datetime(["2024-01-01"])}), "column x has type datetime"),
        (pd.DataFrame({"x": ["", None]}), "cannot tell apart"),
        ({"x": 1}, "table is dict"),
    ],
)
def test_tables_that_a_file_cannot_give_back(tmp_path, table, message):
    for suffix in ("csv", "parquet"):
        with pytest.raises(bd.DynapseError, match=message):
            write_table(table, tmp_path / f"t.{suffix}")
    assert not list(tmp_path.iterdir())


def test_wrong_files(tmp_path):
    table = pd.DataFrame({"x": [1.0]})
    with pytest.raises(bd.DynapseError, match="suffix is '.xls'; a table is written as .parquet, .pq, .csv"):
        write_table(table, tmp_path / "x.xls")
    with pytest.raises(bd.DynapseError, match="nothing.csv: cannot be read"):
        read_table(tmp_path / "nothing.csv")
    (tmp_path / "no.parquet").write_text("no")
    with pytest.raises(bd.DynapseError, match="is no table"):
        read_table(tmp_path / "no.parquet")
    table.attrs["what"] = object()
    with pytest.raises(bd.DynapseError, match="attrs of the table hold what JSON does not know"):
        write_table(table, tmp_path / "x.csv")


def test_without_the_packages(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "neo", None)
    with pytest.raises(bd.DynapseError, match=r"pip install 'brian2dynapse\[exchange\]'; or use CSV"):
        write_table(pd.DataFrame({"x": [1]}), tmp_path / "x.parquet")
    with pytest.raises(bd.DynapseError, match=r"Neo needs the package neo: pip install 'brian2dynapse\[exchange\]'"):
        bd.exchange.from_neo(None)


def test_board_events():
    from brian2dynapse.board_driver import Dynapse2Destination, NormalGridEvent

    event = NormalGridEvent()
    destination = Dynapse2Destination()
    destination.tag, destination.core, destination.x_hop = 12, [True, False, True, False], -6
    event.event, event.timestamp = destination, 1_500_000
    table = board_events_frame([event])
    assert table.iloc[0].to_dict() == {"tag": 12, "core": 5, "x_hop": -6, "y_hop": 0, "time_s": 1.5}
