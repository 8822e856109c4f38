"""A sweep that is killed and started again ends as one that was not: no row is lost, none doubled, none another."""

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
from sweep_functions import mixed, mixed_rows

import brian2dynapse as bd
from brian2dynapse.errors import SweepError

ROOT = Path(__file__).parents[2]
SCRIPT = """
    import sys, multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    import brian2dynapse as bd
    from sweep_functions import mixed, mixed_rows, slow

    def run_one(number, code, gain, seed):
        slow(number, 0.001)
        return mixed(number, code, gain, seed)

    if __name__ == "__main__":
        count, workers, file, table = int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]
        pool = ProcessPoolExecutor(workers, multiprocessing.get_context("fork")) if workers else None
        bd.sweep(run_one, mixed_rows(count), pool, file, seed=4).to_csv(table, index=False)
"""


def start(script, *arguments):
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return subprocess.Popen(
        [sys.executable, str(script), *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": paths},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def wait_for_lines(file, count, process):
    while process.poll() is None and (not file.exists() or file.read_bytes().count(b"\n") <= count):
        time.sleep(0.002)


@pytest.mark.parametrize("count, workers, kills", [(1000, 0, 5), (200, 2, 2)])
def test_killed_and_started_again(tmp_path, count, workers, kills):
    """Killed at random places; workers of the killed sweep live on for a while, and do not hold the file."""
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    file, table, uninterrupted = (tmp_path / name for name in ("sweep.jsonl", "table.csv", "uninterrupted.csv"))
    places = sorted(random.Random(count).sample(range(1, 9 * count // 10), kills))
    killed = []
    try:
        for place in places:
            process = start(script, count, workers, file, table)
            killed.append(process)
            wait_for_lines(file, place, process)
            process.kill()  # the sweep only, with SIGKILL
            assert process.wait() == -signal.SIGKILL and not table.exists()
        last = start(script, count, workers, file, table)
        assert last.wait() == 0, last.stderr.read().decode()
        whole = start(script, count, 0, tmp_path / "other.jsonl", uninterrupted)
        assert whole.wait() == 0
        killed += [last, whole]
    finally:
        for process in killed:
            process.stderr.close()
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    assert table.read_bytes() == uninterrupted.read_bytes()
    entries = [json.loads(line) for line in file.read_text().splitlines()[1:]]
    fine = [entry["row"] for entry in entries if not entry["outcome"]["error"]]
    assert len(fine) == len(set(fine)) == sum(number % 7 != 3 for number in range(count))
    assert len(pd.read_csv(table)) == count


def swept(file, rows=None, seed=1, run_one=mixed, **kwds):
    return bd.sweep(run_one, mixed_rows(6) if rows is None else rows, file=file, seed=seed, **kwds)


def test_a_cut_line_is_made_again(tmp_path):
    """Cut anywhere: in the header, in a line, and between two."""
    file = tmp_path / "sweep.jsonl"
    table = swept(file)
    content = file.read_bytes()
    lines = content.splitlines(keepends=True)
    places = [
        0,
        1,
        len(lines[0]) - 1,
        len(lines[0]),
        len(lines[0]) + 1,
        *range(len(content) - len(lines[-1]) - 5, len(content), 17),
    ]
    for place in places:
        file.write_bytes(content[:place])
        pd.testing.assert_frame_equal(swept(file), table, check_exact=True)
        rows = [json.loads(line)["row"] for line in file.read_bytes().splitlines()[1:]]
        assert sorted(set(rows)) == list(range(6)) and rows.count(5) == 1


def test_only_what_is_missing_runs(tmp_path):
    file = tmp_path / "folder" / "sweep.jsonl"
    assert swept(file).attrs["run"] == 6
    again = swept(file)
    assert (again.attrs["run"], again.attrs["read"], again.attrs["failed"]) == (1, 5, 1)  # row 3 fails
    kept = swept(file, retry=False)
    assert (kept.attrs["run"], kept.attrs["read"], kept.attrs["failed"]) == (0, 6, 1)
    pd.testing.assert_frame_equal(again, kept, check_exact=True)
    more = swept(file, mixed_rows(8))  # rows may be added at the end
    assert (more.attrs["run"], more.attrs["read"]) == (3, 5)
    pd.testing.assert_frame_equal(more, bd.sweep(mixed, mixed_rows(8), seed=1), check_exact=True)


def test_a_row_that_failed_runs_again(tmp_path):
    file, works = tmp_path / "sweep.jsonl", []

    def run_one(n):
        if n == 1 and not works:
            raise OSError("the disk was full")
        return 2 * n

    rows = [{"n": n} for n in range(3)]
    assert bd.sweep(run_one, rows, file=file)["error"].tolist() == ["", "OSError: the disk was full", ""]
    works.append(True)
    table = bd.sweep(run_one, rows, file=file)
    assert table["result"].tolist() == [0, 2, 4] and table["result"].dtype == int
    assert bd.sweep(run_one, rows, file=file).attrs["read"] == 3  # the last line of a row counts


def other_function(number, code, gain, seed):
    return 1


@pytest.mark.parametrize(
    "change, message",
    [
        ({"rows": mixed_rows(4)}, "is of other rows: it has a row 4, this sweep has 4 rows; it stays as it is"),
        (
            {"rows": [row | {"gain": row["gain"] + (row["number"] == 2)} for row in mixed_rows(6)]},
            "is of other rows: in row 2, 'gain' is 0.2857142857142857 there and 1.2857142857142856 here",
        ),
        (
            {"rows": [row | {"more": 1} for row in mixed_rows(6)], "run_one": mixed},
            "does not take the columns of the rows",
        ),
        ({"seed": 2}, "is of another sweep: its seed is 1, this one's 2; it stays as it is, give another file"),
        ({"run_one": other_function}, "its function is 'mixed', this one's 'other_function'"),
    ],
)
def test_a_file_of_another_sweep_is_refused(tmp_path, change, message):
    file = tmp_path / "sweep.jsonl"
    swept(file)
    content = file.read_bytes()
    with pytest.raises(SweepError, match=message):
        swept(file, **change)
    assert file.read_bytes() == content


def test_a_file_of_another_version_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "sweep.jsonl"
    swept(file)
    monkeypatch.setattr(bd, "__version__", "9.9")
    with pytest.raises(SweepError, match="its brian2dynapse is .*, this one's '9.9'"):
        swept(file)


@pytest.mark.parametrize("content", ["hello", "a,b\n1,2\n", '{"a": 1}\n', "[1]\n", "\n", "\0\0"])
def test_what_is_no_sweep_stays_as_it_is(tmp_path, content):
    file = tmp_path / "mine.csv"
    file.write_text(content)
    with pytest.raises(SweepError, match="is not the file of a sweep; it stays as it is, give another file"):
        swept(file)
    assert file.read_text() == content


@pytest.mark.parametrize(
    "damage", [b"garbage\n", b"{}\n", b'{"row": 1, "hash": "", "cells": {}, "outcome": {}}\n', b"\n"]
)
def test_a_damaged_line_is_refused(tmp_path, damage):
    file = tmp_path / "sweep.jsonl"
    swept(file)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:3], damage, *lines[4:]]))
    content = file.read_bytes()
    with pytest.raises(SweepError, match="line 4 is damaged; it stays as it is, take that line out"):
        swept(file)
    assert file.read_bytes() == content


def test_paths_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    for path, message in ((tmp_path, "Is a directory"), (tmp_path / "file" / "x", "File exists|Not a directory")):
        with pytest.raises(SweepError, match=f"cannot be written: ({message}); give another file"):
            swept(path)
    with pytest.raises(SweepError, match="file is 3; give the name of a file"):
        swept(3)


def test_one_writer(tmp_path):
    """Neither a thread nor a process writes a file that a sweep is writing; afterwards both may."""
    file = tmp_path / "sweep.jsonl"
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    messages = []

    def run_one(n):
        if n:
            return n
        other = start(script, 6, 0, file, tmp_path / "table.csv")
        messages.append(other.communicate()[1].decode().strip().splitlines()[-1])
        return n

    def elsewhere():
        try:
            swept(file)
        except SweepError as error:
            messages.append(str(error))

    def with_thread(n):
        if n == 1:
            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join()
        return run_one(n)

    table = bd.sweep(with_thread, [{"n": 0}, {"n": 1}], file=file)
    assert len(messages) == 2 and all("another sweep writes this file now" in message for message in messages)
    assert table["result"].tolist() == [0, 1]
    assert bd.sweep(with_thread, [{"n": 0}, {"n": 1}], file=file).attrs["read"] == 2


def test_without_locks_of_the_system(tmp_path, monkeypatch):
    """Where there is no fcntl, a file beside it is the lock."""
    monkeypatch.setattr("brian2dynapse.sweep_file.fcntl", None)
    file, lock = tmp_path / "sweep.jsonl", tmp_path / "sweep.jsonl.lock"
    seen = []
    bd.sweep(lambda n: seen.append(lock.exists()) or n, [{"n": 1}], file=file)
    assert seen == [True] and not lock.exists()
    lock.write_text("")
    with pytest.raises(SweepError, match="if none does, because it was killed, delete .*sweep.jsonl.lock"):
        bd.sweep(lambda n: n, [{"n": 1}], file=file)
    assert lock.exists()
