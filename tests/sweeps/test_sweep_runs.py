"""Rows that run from one compiled program, or as copies in one group, are what they are one by one."""

import functools
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import brian2 as b2
import numpy as np
import pandas as pd
import pytest
from brian2 import Hz, ms, second

import brian2dynapse as bd
from brian2dynapse.errors import SweepError, UnknownNameError

DURATION = 40 * ms
make_chip = functools.partial(bd.Chip, mismatch=0.2)


def make_network():
    """Two populations, spikes that a row gives, and Poisson noise."""
    b2.prefs.codegen.target = "numpy"
    chip = make_chip(1)
    exc = bd.Neurons(6, bd.Biases({"SOIF_DC_P": (2, 60)}), {"so_dc"}, chip, name="exc")
    inh = bd.Neurons(3, bd.Biases(), chip=chip, name="inh")
    source = b2.SpikeGeneratorGroup(5, [], [] * ms, name="source")
    noise = b2.PoissonGroup(4, 0 * Hz, name="noise")
    drive = bd.Connection(source, exc, "ampa", "0110", name="drive")
    drive.connect_fixed_indegree(3, repeat=2, seed=0)
    excite = bd.Connection(exc, inh, "ampa", "0111", name="excite")
    excite.connect_fixed_indegree(4, seed=1)
    inhibit = bd.Connection(inh, exc, "shunt", "0011", name="inhibit")
    inhibit.connect_fixed_indegree(2, seed=2)
    shake = bd.Connection(noise, exc, "nmda", "0001", name="shake")
    shake.connect_fixed_indegree(2, seed=3)
    monitors = [b2.SpikeMonitor(one, name=f"{one.name}_spikes") for one in (exc, inh)]
    return b2.Network(exc, inh, source, noise, drive, excite, inhibit, shake, *monitors, name="net")


def spikes_of(row):
    """Each source spikes at most once a time step."""
    places = np.random.default_rng(row["seed"]).choice(5 * 350, 60, replace=False)
    return {"source": (places % 5, places // 5 * 0.1 * ms)}


def alone(row):
    """The same, written by hand: a network of its own for a row."""
    network = make_network()
    row = dict(row)
    network["source"].set_spikes(*spikes_of(row)["source"])
    for name, code in row.items():
        population, _, bias = name.rpartition(".")
        if bias.isupper():
            for one in [population] if population else ["exc", "inh"]:
                network[one].biases[bias] = code
    network.run(DURATION)
    return {name: int(network[f"{name}_spikes"].num_spikes) for name in ("exc", "inh")}


def counts_of_copies(replicas):
    counts = {name: replicas.counts(f"{name}_spikes").sum(axis=1) for name in ("exc", "inh")}
    return pd.DataFrame(counts)


ROWS = [
    {"exc.DEAM_EGAIN_P": (3, fine), "SYAM_W0_P": (4, weight), "exc.SOIF_DC_P": (2, dc)}
    for fine, weight, dc in [(40, 40, 40), (40, 200, 90), (160, 40, 90), (160, 200, 40), (160, 200, 90)]
]


@pytest.fixture(scope="module")
def one_by_one():
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = 0.1 * ms
    return bd.sweep(alone, ROWS, seed=1)


@pytest.mark.parametrize("batch", [2, 64])
def test_copies_are_networks_of_their_own(batch, one_by_one):
    assert one_by_one["exc"].nunique() > 2  # the codes do something
    run = bd.CopiesRows(make_network, counts_of_copies, DURATION, inputs=spikes_of, batch=batch)
    pd.testing.assert_frame_equal(bd.sweep(run, ROWS, seed=1), one_by_one, check_exact=True)


def test_copies_continue_in_other_batches(tmp_path, one_by_one):
    run = bd.CopiesRows(make_network, counts_of_copies, DURATION, inputs=spikes_of, batch=2)
    file = tmp_path / "sweep.jsonl"
    bd.sweep(run, ROWS[:2], file=file, seed=1)
    table = bd.sweep(run, ROWS, file=file, seed=1)
    assert table.attrs["run"] == 3
    pd.testing.assert_frame_equal(table, one_by_one, check_exact=True)


def test_a_row_that_fails_does_not_take_its_batch_along(one_by_one, caught):
    rows = [*ROWS[:3], ROWS[3] | {"SYAM_W0_P": (4, 300)}, ROWS[4]]
    run = bd.CopiesRows(make_network, counts_of_copies, DURATION, inputs=spikes_of)
    with caught() as messages:
        table = bd.sweep(run, rows, seed=1)
    assert not messages
    assert "SYAM_W0_P: fine is 300; a fine code is 0..255" in table["error"][3] and np.isnan(table["exc"][3])
    others = [0, 1, 2, 4]
    assert table["exc"][others].tolist() == one_by_one["exc"][others].tolist()


def test_what_copies_may_return():
    """Tables of Replicas have a column replica, and any number of lines a copy; else one entry a copy."""
    rows = [{"SOIF_DC_P": (2, fine), "repetition": fine} for fine in (60, 0, 90)]
    make = functools.partial(bd.CopiesRows, make_network, duration=DURATION, labels=["repetition"])
    spikes = bd.sweep(make(lambda replicas: replicas.spikes("exc_spikes")), rows)
    assert list(spikes) == ["SOIF_DC_P", "repetition", "i", "t_s", "error"]
    per_row = spikes.groupby("repetition")["i"].count()  # NaN, of a silent row, is not counted
    counts = bd.sweep(make(lambda replicas: replicas.counts("exc_spikes").sum(axis=1)), rows)
    assert counts["result"].tolist() == [per_row[60], per_row[0], per_row[90]] and per_row[90] > per_row[0]
    rates = bd.sweep(make(lambda replicas: replicas.rates("exc_spikes")), rows)
    assert list(rates) == ["SOIF_DC_P", "repetition", "rate_Hz", "std_Hz", "error"]
    for read, message in (
        (lambda replicas: {"a": [1, 2, 3]}, "read returned a dict"),
        (lambda replicas: [1, 2], "run_one, row 0: 2 results were made of 3 rows; make one a row"),
    ):
        with pytest.raises(SweepError, match=message):
            bd.sweep(make(read), rows)


def test_chips_and_rates_by_row():
    rows = [{"chip_seed": seed, "noise": rate} for seed in (1, 2) for rate in (0 * Hz, 400 * Hz)]
    run = bd.CopiesRows(make_network, counts_of_copies, DURATION, chip=make_chip)
    table = bd.sweep(run, rows)
    quiet = bd.sweep(run, rows[::2])
    assert table["exc"][[0, 2]].tolist() == quiet["exc"].tolist()
    assert (table["exc"].to_numpy()[1::2] > table["exc"].to_numpy()[::2]).all()  # noise excites
    with pytest.warns(RuntimeWarning, match="'nois' is not a source of the network"):
        bd.sweep(run, [{"nois": 1 * Hz}])


@pytest.mark.parametrize(
    "rows, message",
    [
        ([{"SOIF_LEEK_N": (1, 1)}], "'SOIF_LEEK_N' is not a column .*; did you mean SOIF_LEAK_N"),
        ([{"exc.SOIF_LEEK_N": (1, 1)}], "'SOIF_LEEK_N' is not a column that says something about a run"),
        ([{"chip_seed": 1}], "rows have a column 'chip_seed'; say what chip that is"),
    ],
)
def test_columns_that_mean_nothing(rows, message):
    run = bd.CopiesRows(make_network, counts_of_copies, DURATION)
    with pytest.raises((SweepError, UnknownNameError), match=message):
        bd.sweep(run, rows)


def test_wrong_arguments():
    with pytest.raises(SweepError, match="make_network is int; give a function"):
        bd.CopiesRows(1, len, DURATION)
    with pytest.raises(SweepError, match="read is int; give a function"):
        bd.CopiesRows(make_network, 1, DURATION)
    with pytest.raises(SweepError, match="duration is 1; give a time with its unit"):
        bd.CopiesRows(make_network, len, 1)
    with pytest.raises(SweepError, match="batch is 0; give the number of rows in one run"):
        bd.CopiesRows(make_network, len, DURATION, batch=0)
    with pytest.raises(SweepError, match="inputs is dict; give a function"):
        bd.CopiesRows(make_network, len, DURATION, inputs={})
    with pytest.raises(SweepError, match=r"labels is 'a'; give a list of columns, \['a'\]"):
        bd.CopiesRows(make_network, len, DURATION, labels="a")
    with pytest.raises(SweepError, match="program is function; give a brian2dynapse.Program"):
        bd.ProgramRows(make_network, len)


@pytest.mark.compiled
def test_rows_from_one_program(tmp_path, one_by_one):
    """Counts are those of networks of their own, run by NumPy; from threads, resumed; chip, rate and duration vary."""
    b2.set_device("cpp_standalone", build_on_run=False)
    program = bd.Program(make_network(), DURATION, directory=tmp_path / "build")

    def read(result):
        return {name: int(result.counts(f"{name}_spikes").sum()) for name in ("exc", "inh")}

    run = bd.ProgramRows(program, read, inputs=spikes_of, chip=make_chip, labels=["repetition"])
    file = tmp_path / "sweep.jsonl"
    with ThreadPoolExecutor(2) as threads:
        bd.sweep(run, ROWS[:3], threads, file, seed=1)
        table = bd.sweep(run, ROWS, threads, file, seed=1)
    pd.testing.assert_frame_equal(table, one_by_one, check_exact=True)
    assert not list((tmp_path / "build" / "runs").iterdir())  # read, and deleted

    plain = bd.ProgramRows(program, read, chip=make_chip, labels=["repetition"])
    rows = [{"duration": time * second, "repetition": k} for time in (0.04, 0.08) for k in (0, 1)]
    longer = bd.sweep(plain, rows)
    assert longer["exc"][0] == longer["exc"][1] < longer["exc"][2] == longer["exc"][3]
    noisy = bd.sweep(plain, [{"noise": 400 * Hz, "repetition": k} for k in (0, 1, 2)], seed=3)
    again = bd.sweep(plain, [{"noise": 400 * Hz, "repetition": k} for k in (2, 1, 0)], seed=3)
    assert noisy["exc"].tolist() == again["exc"].tolist()[::-1] and noisy["exc"].min() > longer["exc"][0]
    unseeded = [bd.sweep(plain, [{"noise": 400 * Hz, "repetition": k} for k in (0, 1, 2)]) for _ in range(2)]
    pd.testing.assert_frame_equal(*unseeded, check_exact=True)
    own = bd.sweep(plain, [{"noise": 400 * Hz, "seed": int(seed)} for seed in noisy["seed"]])
    assert own["exc"].tolist() == noisy["exc"].tolist()
    chips = bd.sweep(plain, [{"chip_seed": seed} for seed in (1, 2, 3)])
    assert chips["exc"][0] == longer["exc"][0] and len(set(chips["exc"])) > 1

    with ProcessPoolExecutor(1) as processes, pytest.raises(SweepError, match="executor=.*ThreadPoolExecutor"):
        bd.sweep(run, ROWS, processes, seed=1)
    joblib = pytest.importorskip("joblib")
    with joblib.Parallel(n_jobs=2) as parallel, pytest.raises(SweepError, match="executor=.*ThreadPoolExecutor"):
        bd.sweep(run, ROWS, parallel, seed=1)
    for row, message in (
        ({"excc.SOIF_LEAK_N": (1, 1)}, "'excc' is not a population of the network; did you mean exc"),
        ({"nois": 1 * Hz}, "'nois' is not a column that says something about a run; did you mean noise"),
    ):
        with pytest.raises(UnknownNameError, match=message):
            bd.sweep(run, [row])
