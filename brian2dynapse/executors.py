"""One way to ask every executor: results of tasks as they are done. No Brian2."""

from __future__ import annotations

import itertools
import multiprocessing.pool
import pickle
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures

from .errors import SweepError

_AHEAD = 8  # tasks a worker in one call of a joblib.Parallel that returns a list: what is done is written after each
KNOWN = (
    "None, a concurrent.futures executor, a multiprocessing.Pool, joblib.Parallel(...), a Dask Client, a submitit "
    "executor, or any object with .map(function, tasks)"
)


def results_of(executor, function: Callable, tasks: list) -> Iterator:
    """What a function makes of tasks, in the order in which it comes.

    Parameters
    ----------
    executor : object or None
        None is this process, one task after the other.
    function : callable
        Of one task; picklable, if the executor sends it to other processes.
    tasks : list
        All there is to do.

    Yields
    ------
    object
        A result.

    Raises
    ------
    SweepError
        If it is no executor.
    Exception
        Of the executor, such as ``BrokenProcessPool`` if a worker dies.
    """
    return _adapter(executor)(executor, function, tasks)


def _adapter(executor) -> Callable:
    if executor is None:
        return _here
    for adapter, fits in _ADAPTERS:
        if fits(executor):
            return adapter
    raise SweepError(f"executor is {type(executor).__name__}; give {KNOWN}")


def check_executor(executor) -> None:
    """Refuse what is no executor.

    Parameters
    ----------
    executor : object
        Anything.

    Raises
    ------
    SweepError
        If it is none.
    """
    _adapter(executor)


def pickles_by_name(executor) -> bool:
    """Whether functions are sent as the name of a module and their name there, so that workers have to import them.

    Parameters
    ----------
    executor : object or None
        Joblib, Dask and submitit send functions by value.
    """
    pool = isinstance(executor, multiprocessing.pool.Pool) and not isinstance(executor, multiprocessing.pool.ThreadPool)
    return pool or isinstance(executor, futures.ProcessPoolExecutor)


def check_picklable(executor, function, name: str) -> None:
    """Refuse a function that workers could not be sent.

    Parameters
    ----------
    executor : object or None
        See `pickles_by_name`.
    function : object
        What would be sent.
    name : str
        Of the user's function.

    Raises
    ------
    SweepError
        If it cannot be pickled by name.
    """
    if not pickles_by_name(executor):
        return
    try:
        pickle.dumps(function)
    except SweepError:
        raise
    except Exception as error:
        raise SweepError(
            f"{name} cannot be sent to the processes of a {type(executor).__name__} ({error}); put it into a module, "
            "as a function of its own, or use joblib or Dask, which send functions by value"
        ) from error


def _here(_, function, tasks) -> Iterator:
    return (function(task) for task in tasks)


def _concurrent(executor, function, tasks) -> Iterator:
    """Of the standard library, and what is made like it: Dask's get_executor, mpi4py."""
    pending = []
    try:
        pending += (executor.submit(function, task) for task in tasks)
        for done in futures.as_completed(pending):
            yield done.result()
    finally:
        for one in pending:
            one.cancel()


def _pool(executor, function, tasks) -> Iterator:
    yield from executor.imap_unordered(function, tasks)


def _joblib(parallel, function, tasks) -> Iterator:
    from joblib import delayed, effective_n_jobs

    calls = [delayed(function)(task) for task in tasks]
    if parallel.return_as != "list":
        results = parallel(calls)
        try:
            for one in results:  # noqa: UP028 (`yield from` would close them, with a warning)
                yield one
        finally:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # that a sweep that stops leaves tasks undone
                results.close()
        return
    size = _AHEAD * effective_n_jobs(parallel.n_jobs)
    for start in range(0, len(calls), size):
        yield from parallel(calls[start : start + size])


def _dask(client, function, tasks) -> Iterator:
    from distributed import as_completed

    sent = client.map(function, tasks, pure=False)  # not pure: results of an earlier sweep are not taken for these
    try:
        for done in as_completed(sent):
            yield done.result()
    finally:
        client.cancel(sent)


def _submitit(executor, function, tasks) -> Iterator:
    from submitit.helpers import as_completed

    jobs = executor.map_array(function, tasks)
    try:
        for job in as_completed(jobs, poll_frequency=1):
            yield job.result()
    finally:
        for job in jobs:
            if not job.done():
                job.cancel()


def _mapping(executor, function, tasks) -> Iterator:
    return _resolved(executor.map(function, tasks))


def _arrays(executor, function, tasks) -> Iterator:
    return _resolved(executor.map_array(function, tasks))


def _resolved(results: Iterable) -> Iterator:
    """Values of futures, or of jobs; anything else is a value."""
    return (one.result() if callable(getattr(one, "result", None)) else one for one in results)


def _from(package: str) -> Callable:
    """Whether an object is of a package, which is not imported for that."""
    return lambda executor: any(kind.__module__.split(".")[0] == package for kind in type(executor).__mro__)


def _both(*conditions: Callable) -> Callable:
    return lambda executor: all(condition(executor) for condition in conditions)


def _has(name: str) -> Callable:
    return lambda executor: callable(getattr(executor, name, None))


# The first that fits.
_ADAPTERS = (
    (_concurrent, lambda executor: isinstance(executor, futures.Executor)),
    (_joblib, _both(_from("joblib"), callable)),
    (_dask, _both(_from("distributed"), _has("map"))),
    (_submitit, _both(_from("submitit"), _has("map_array"))),
    (_pool, _has("imap_unordered")),
    (_arrays, _has("map_array")),
    (_mapping, _has("map")),
)


def batches(tasks: list, size: int) -> list[list]:
    """Tasks in groups of `size`, the last one smaller.

    Parameters
    ----------
    tasks : list
        In any order.
    size : int
        1 or more.
    """
    return [tasks[start : start + size] for start in range(0, len(tasks), size)]


def shown(numbers: Iterable[int], most: int = 10) -> str:
    """Some numbers for a message: ``"3, 4, 7 ... (120 in all)"``.

    Parameters
    ----------
    numbers : iterable of int
        Any.
    most : int
        How many to write out.
    """
    numbers = list(numbers)
    text = ", ".join(str(number) for number in itertools.islice(numbers, most))
    return text if len(numbers) <= most else f"{text} ... ({len(numbers)} in all)"
