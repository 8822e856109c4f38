"""`sweep`: a function run for every row of a table, on any executor, to be interrupted and continued."""

from __future__ import annotations

import contextlib
import json
import pickle
import warnings
from collections.abc import Callable

import pandas as pd

from .errors import SweepError
from .executors import batches, check_executor, check_picklable, results_of, shown
from .progress import shows_rows
from .provenance_record import carry, provenance
from .sweep_file import SweepFile
from .sweep_rows import ERROR, Row, checked_rows, note_units, table_of
from .sweep_tasks import Prepared, RowRunner, name_of, runner_of


def sweep(
    run_one: Callable,
    rows,
    executor=None,
    file=None,
    seed: int | None = None,
    report: Callable | None = None,
    retry: bool = True,
) -> pd.DataFrame:
    """Run a function for every row and collect what it returns in one table.

    Parameters
    ----------
    run_one : callable, `ProgramRows` or `CopiesRows`
        Takes the columns of a row as keyword arguments, or, if its arguments have other names, the whole row as a dict.
        Returns a dict (column to value), one value (column ``result``), or a DataFrame (several lines for one row).
        The two classes run rows from one program, and many at once.
    rows : pandas.DataFrame or sequence of mapping
        What varies: numbers, strings, booleans, None, quantities, `Code`, and tuples of those (lists become tuples).
    executor : object, optional
        Where rows run. None is here, one after the other. Else an executor of ``concurrent.futures``, a
        ``multiprocessing.Pool``, ``joblib.Parallel(...)``, a Dask ``Client``, a submitit executor, or anything with
        ``.map(function, tasks)``. It stays open.
    file : str or path, optional
        Keeps what is done, a line of JSON a row, as it comes. Called again with the same file and rows, only rows that
        are missing run. Rows may be added at the end.
    seed : int, optional
        Gives every row a seed of its own: a column ``seed`` of the table, and an argument ``seed`` of the function if
        it takes one, unless the rows have such a column.
    report : callable, optional
        ``bd.Progress()``, or a function that is called with the number of rows done and of all.
    retry : bool
        Whether rows that failed, by the file, run again; else they stay as they are.

    Returns
    -------
    pandas.DataFrame
        Lines in the order of `rows`; columns of the rows, then results, then ``error``: empty, or type and message of
        what the function raised, with its results missing. Quantities are numbers in SI units; ``attrs["units"]`` has
        the unit of their column. ``attrs`` also has how many rows were run, read (from the file), failed; and
        ``"provenance"``: versions and the seed, with chip, biases and circuits of the program of `ProgramRows`.

    Raises
    ------
    SweepError
        For rows, a function or an executor that cannot be used; for a file of another sweep, which stays as it is; for
        a result that has the name of a column of the rows; if workers die.

    Warns
    -----
    RuntimeWarning
        If all rows failed.

    Notes
    -----
    *Seeds.* That of a row follows from `seed` and from what is in its cells, not from its number and not from the
    executor. Two rows with equal cells have equal seeds: for repetitions, add a column that counts them. Before each
    row the global generators (of Python, NumPy, and Brian2 unless it compiles C++) are seeded, too, with or without
    `seed`, and not put back. In threads they are shared; use the argument there.

    *Processes.* Rows of one worker run one after the other in one process. A network that is made for each row has to
    be local to the function, so that the names of its objects are free again. Preferences and the time step
    (``prefs.codegen.target``, ``defaultclock.dt``) belong into the function, since a worker has its own.
    ``ProcessPoolExecutor`` and ``multiprocessing.Pool`` send a function by its name: it has to be in a module, or in a
    script below whose ``if __name__ == "__main__":`` the sweep stands. Joblib, Dask and submitit send functions of
    notebooks and lambdas, too. If a worker of a ``multiprocessing.Pool`` is killed, the pool waits for it forever.

    *Clusters.* Dask: ``Client(dask_jobqueue.SLURMCluster(...))``. Submitit, a job a row, for rows that take minutes::

        slurm = submitit.AutoExecutor(folder="log")
        slurm.update_parameters(timeout_min=60, slurm_array_parallelism=100, slurm_partition="cpu")
        table = bd.sweep(run_one, rows, slurm, file="sweep.jsonl")

    Examples
    --------
    >>> def rate(leak, weight, seed): ...                                                         # doctest: +SKIP
    >>> rows = [{"leak": (2, leak), "weight": weight*nA} for leak in range(256) for weight in (1, 2)]
    ...                                                                                           # doctest: +SKIP
    >>> with ProcessPoolExecutor(2) as processes:                                                 # doctest: +SKIP
    ...     table = bd.sweep(rate, rows, processes, file="rates.jsonl", seed=1, report=bd.Progress())
    """
    check_executor(executor)
    checked = checked_rows(rows, seed)
    runner = runner_of(run_one, checked[0])
    check_picklable(executor, runner, name_of(run_one))
    show = shows_rows(report)
    units = {}
    for row in checked:
        note_units(units, row.columns)
    with contextlib.ExitStack() as stack:
        store, outcomes = None, {}
        if file is not None:
            store = stack.enter_context(SweepFile(file, checked, _header(run_one, seed)))
            outcomes = {number: json.loads(text) for number, text in store.outcomes.items()}
            outcomes = {number: one for number, one in outcomes.items() if not (retry and one[ERROR])}
            for one in outcomes.values():
                _note(units, one)
        read = len(outcomes)
        missing = [row for row in checked if row.number not in outcomes]
        show(read, len(checked))
        results = stack.enter_context(contextlib.closing(_run(runner, missing, executor, store is not None)))
        for number, text in results:
            outcome = json.loads(text)
            if "mistake" in outcome:
                raise SweepError(f"run_one, row {number}: {outcome['mistake']}")
            _note(units, outcome)
            if store is not None:
                store.append(checked[number], text)
            outcomes[number] = outcome
            show(len(outcomes), len(checked))
    table = table_of(checked, outcomes, units)
    failed = [row.number for row in checked if outcomes[row.number][ERROR]]
    table.attrs |= {"run": len(missing), "read": read, "failed": len(failed)}
    carry(table, provenance(run_one.provenance if isinstance(run_one, Prepared) else None, seed=seed))
    if len(failed) == len(checked):
        message = f"all {len(failed)} rows of the sweep failed, the first with {outcomes[failed[0]][ERROR]}"
        warnings.warn(message, RuntimeWarning, stacklevel=2)
    return table


def _note(units: dict, outcome: dict) -> None:
    for line in outcome["results"]:
        note_units(units, line)


def _header(run_one, seed: int | None) -> dict:
    from . import __version__

    return {"brian2dynapse": __version__, "function": name_of(run_one), "seed": None if seed is None else int(seed)}


def _run(runner: RowRunner, rows: list[Row], executor, kept: bool):
    """Number and outcome of each row, as they come; says what is missing if the executor fails."""
    if not rows:
        return
    tasks = batches(rows, runner.run_one.batch if isinstance(runner.run_one, Prepared) else 1)
    missing = {row.number for row in rows}
    with contextlib.closing(results_of(executor, runner, tasks)) as results:
        while True:
            try:
                done = next(results, None)
            except Exception as error:
                raise _stopped(error, runner, missing, kept) from error
            if done is None:
                break
            for number, text in done:
                missing.discard(number)
                yield number, text
    if missing:
        raise SweepError(f"the executor has returned nothing for row {shown(sorted(missing))}; use another executor")


def _stopped(error: Exception, runner: RowRunner, missing: set[int], kept: bool) -> SweepError:
    try:
        pickle.dumps(runner.run_one)
    except SweepError as reason:  # it cannot be sent at all, and says what to do
        return reason
    except Exception:  # by value it can be, or it never was to be sent
        pass
    what = str(error).strip().splitlines()
    text = (
        f"the executor stopped ({type(error).__name__}{': ' + what[0] if what else ''}); missing are row "
        f"{shown(sorted(missing))}. "
    )
    text += (
        "What is done is in the file: call again with it and a new executor"
        if kept
        else "Nothing is kept: give file=..., with which a sweep continues"
    )
    function = getattr(runner.run_one, "func", runner.run_one)
    if getattr(function, "__module__", "") == "__main__":
        text += (
            f". {name_of(runner.run_one)} is of a notebook or of the script itself, where processes may not find it: "
            'begin the script\'s own part with if __name__ == "__main__":, put the function into a module, or use '
            "joblib or Dask"
        )
    return SweepError(text)
