"""The same table from every executor, and a clear word if workers die or cannot be sent a function."""

import multiprocessing
import multiprocessing.pool
import pickle
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from sweep_functions import dies, global_generators, mixed, mixed_rows

import brian2dynapse as bd
from brian2dynapse.errors import SweepError

TESTS = Path(__file__).parents[1]
SPAWN = multiprocessing.get_context("spawn")  # threads of other tests' executors make forks unsafe


def processes():
    return ProcessPoolExecutor(2, SPAWN)


@contextmanager
def joblib_processes(**kwds):
    joblib = pytest.importorskip("joblib")
    from joblib.externals.loky import get_reusable_executor

    yield joblib.Parallel(n_jobs=2, **kwds)
    get_reusable_executor().shutdown(wait=True)


@contextmanager
def dask(kind=None):
    """A local cluster of two worker processes."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        with distributed.Client(cluster) as client:
            yield client if kind is None else client.get_executor()


@contextmanager
def submitit(tmp_path, monkeypatch):
    """Jobs on this machine."""
    package = pytest.importorskip("submitit")
    monkeypatch.setenv("PYTHONPATH", f"{TESTS.parent}:{TESTS}")  # jobs begin with nothing but the environment
    yield package.LocalExecutor(tmp_path / "jobs")


class Mapping:
    """Has nothing but map, which makes all results before it returns."""

    def map(self, function, tasks):
        return [function(task) for task in tasks]


class FutureMapping:
    """Its map returns futures, backwards in time."""

    def map(self, function, tasks):
        futures = [Future() for _ in tasks]
        for future, task in reversed(list(zip(futures, tasks, strict=True))):
            future.set_result(function(task))
        return futures


class Jobs:
    """As submitit has it, without submitit."""

    class Job:
        def __init__(self, made):
            self.made = made

        def result(self):
            return pickle.loads(self.made)

    def map_array(self, function, tasks):
        sent = pickle.loads(pickle.dumps((function, tasks)))
        return [self.Job(pickle.dumps(sent[0](task))) for task in sent[1]]


@contextmanager
def plain(kind):
    yield kind()


EXECUTORS = {
    "threads": lambda *_: ThreadPoolExecutor(2),
    "processes": lambda *_: processes(),
    "pool": lambda *_: SPAWN.Pool(2),
    "thread pool": lambda *_: multiprocessing.pool.ThreadPool(2),
    "joblib": lambda *_: joblib_processes(),
    "joblib generator": lambda *_: joblib_processes(return_as="generator_unordered"),
    "joblib threads": lambda *_: joblib_processes(prefer="threads"),
    "dask": lambda *_: dask(),
    "dask's executor": lambda *_: dask("executor"),
    "submitit": submitit,
    "map": lambda *_: plain(Mapping),
    "map to futures": lambda *_: plain(FutureMapping),
    "jobs": lambda *_: plain(Jobs),
}


@pytest.fixture(scope="module")
def expected():
    return bd.sweep(mixed, mixed_rows(), seed=4)


@pytest.mark.parametrize("name", EXECUTORS)
def test_the_same_table(name, expected, tmp_path, monkeypatch):
    count = 4 if name == "submitit" else 20  # a process a row, which imports everything
    file = tmp_path / "sweep.jsonl"
    calls = []
    with EXECUTORS[name](tmp_path, monkeypatch) as executor:
        table = bd.sweep(mixed, mixed_rows(count), executor, file, seed=4, report=lambda *done: calls.append(done))
        if "thread" not in name and name != "submitit":  # generators are a process's own
            rows = [{"number": number} for number in range(5)]
            drawn = bd.sweep(global_generators, rows, executor)
            pd.testing.assert_frame_equal(drawn, bd.sweep(global_generators, rows), check_exact=True)
    pd.testing.assert_frame_equal(table, expected[:count], check_exact=True)
    assert calls == [(done, count) for done in range(count + 1)]
    pd.testing.assert_frame_equal(bd.sweep(mixed, mixed_rows(count), file=file, seed=4), table, check_exact=True)


def test_a_worker_dies(tmp_path):
    """Which rows are missing is said, and a new executor continues."""
    rows = [{"number": number} for number in range(8)]
    file = tmp_path / "sweep.jsonl"
    with processes() as executor:
        with pytest.raises(
            SweepError, match=r"stopped \(BrokenProcessPool: .*\); missing are row .*5.*call again with it"
        ):
            bd.sweep(dies, rows, executor, file)
    with processes() as executor:
        with pytest.raises(SweepError, match=r"missing are row .*5.* Nothing is kept: give file="):
            bd.sweep(dies, rows, executor)
    done = file.read_text().count('"row"')
    assert done < 8 and '"row":5,' not in file.read_text()


@pytest.mark.filterwarnings("ignore")  # Dask's and its logs, of the worker that dies
def test_a_worker_of_dask_dies(tmp_path):
    distributed = pytest.importorskip("distributed")
    dask_config = pytest.importorskip("dask").config
    rows = [{"number": number} for number in range(8)]
    with dask_config.set({"distributed.scheduler.allowed-failures": 0}), dask() as client:
        assert isinstance(client, distributed.Client)
        with pytest.raises(SweepError, match=r"stopped \(KilledWorker: .*missing are row .*5"):
            bd.sweep(dies, rows, client, tmp_path / "sweep.jsonl")


def test_what_cannot_be_sent():
    rows = [{"n": 1}, {"n": 2}]
    message = "<lambda> cannot be sent to the processes of a {} .*; put it into a module, .* or use joblib or Dask"
    with processes() as executor, pytest.raises(SweepError, match=message.format("ProcessPoolExecutor")):
        bd.sweep(lambda n: n, rows, executor)
    with SPAWN.Pool(1) as pool, pytest.raises(SweepError, match=message.format("Pool")):
        bd.sweep(lambda n: n, rows, pool)
    with ThreadPoolExecutor(2) as threads:
        assert bd.sweep(lambda n: n, rows, threads)["result"].tolist() == [1, 2]
    with joblib_processes() as parallel:
        assert bd.sweep(lambda n: n, rows, parallel)["result"].tolist() == [1, 2]


def test_a_function_of_a_notebook_is_named(monkeypatch):
    """Processes that begin anew import a module __main__ of their own, in which it is not."""
    monkeypatch.setattr(sys.modules["__main__"], "of_a_notebook", mixed, raising=False)
    monkeypatch.setattr(mixed, "__module__", "__main__")
    monkeypatch.setattr(mixed, "__qualname__", "of_a_notebook")
    with processes() as executor:
        with pytest.raises(SweepError, match='of_a_notebook is of a notebook .* begin .* if __name__ == "__main__":'):
            bd.sweep(mixed, mixed_rows(2), executor, seed=1)


def test_what_is_done_is_written_at_once(tmp_path):
    """In the order in which rows are done, not in theirs: a slow first row holds nothing up."""
    file = tmp_path / "sweep.jsonl"

    def run_one(n):
        while n == 0 and (not file.exists() or file.read_text().count("\n") < 4):
            time.sleep(0.001)  # ends only if the other three are in the file
        return n

    with ThreadPoolExecutor(2) as threads:
        table = bd.sweep(run_one, [{"n": n} for n in range(4)], threads, file)
    assert table["result"].tolist() == [0, 1, 2, 3]
    assert file.read_text().splitlines()[-1].startswith('{"row":0,')


def test_no_executor():
    with pytest.raises(
        SweepError, match=r"executor is int; give None, a concurrent.futures executor, .* any object with"
    ):
        bd.sweep(mixed, mixed_rows(), 3)


def test_an_executor_that_loses_rows():
    class Forgetful:
        def map(self, function, tasks):
            return [function(task) for task in tasks[:-2]]

    with pytest.raises(SweepError, match="the executor has returned nothing for row 18, 19; use another executor"):
        bd.sweep(mixed, mixed_rows(), Forgetful(), seed=1)
