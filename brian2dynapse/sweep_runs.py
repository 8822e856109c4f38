"""Rows of a sweep from one compiled program, or as copies of one network in one run."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Mapping

import pandas as pd
from brian2.units import Quantity, second

from . import facts
from .errors import SweepError, unknown_name
from .program import Program
from .replica_settings import Setting
from .replicas import Replicas, replicate
from .sweep_tasks import Mistake, Prepared

CHIP_SEED, SEED, DURATION = "chip_seed", "seed", "duration"
_OF_REPLICAS = ("replica", "label")  # columns of tables of Replicas that say which copy it is


class _Columns:
    """What the columns of a row mean: biases, inputs, the chip."""

    def __init__(self, inputs, chip, labels, others: tuple[str, ...]):
        for what, function in (("inputs", inputs), ("chip", chip)):
            if function is not None and not callable(function):
                raise SweepError(f"{what} is {type(function).__name__}; give a function, or leave it out")
        if isinstance(labels, str):
            raise SweepError(f"labels is {labels!r}; give a list of columns, [{labels!r}]")
        self.inputs, self.chip, self.labels, self.others = inputs, chip, tuple(labels), others

    def check(self, names: Iterable[str], populations=None, sources=None) -> None:
        """Refuse columns that mean nothing; None if populations or sources are known only once there is a network."""
        for name in names:
            population, _, bias = name.rpartition(".")
            if name in (SEED, *self.labels, *self.others) or (name == CHIP_SEED and self.chip is not None):
                continue
            if name == CHIP_SEED:
                raise SweepError(
                    f"rows have a column {CHIP_SEED!r}; say what chip that is, chip=functools.partial(bd.Chip, "
                    "mismatch=0.2)"
                )
            if population and populations is not None and population not in populations:
                raise unknown_name("population of the network", population, populations)
            if bias in facts.core_biases() or (sources is not None and name in sources):
                continue
            if population or name.isupper() or sources is not None:
                known = [*self.others, SEED, CHIP_SEED, *self.labels, *(sources or ()), *facts.core_biases()]
                hint = f"(if it only tells rows apart, name it in labels=[{name!r}])"
                raise unknown_name("column that says something about a run", bias, known, hint)

    def setting(self, row: dict) -> Setting:
        """What a row asks for."""
        codes, inputs, chip = {}, {}, None
        for name, value in row.items():
            population, _, bias = name.rpartition(".")
            if name in (SEED, *self.labels, *self.others):
                continue
            if name == CHIP_SEED:
                chip = self.chip(value)
            elif population:
                codes.setdefault(population, {})[bias] = value
            elif bias in facts.core_biases():
                codes[bias] = value
            else:
                inputs[name] = value
        if self.inputs is not None:
            made = self.inputs(dict(row))
            if not isinstance(made, Mapping):
                raise SweepError(
                    f"inputs(row) returned {type(made).__name__}; return a dict, source to rates or spikes"
                )
            inputs |= made
        return Setting(codes, chip, inputs)


class ProgramRows(Prepared):
    """Rows of a `sweep`, each a run of one compiled program.

    Parameters
    ----------
    program : Program
        Compiled once.
    read : callable
        Makes the results of a row from its `RunResult`: what a function of `sweep` returns. The files of the run are
        deleted afterwards.
    inputs : callable, optional
        Makes inputs from the row, a dict: {source: rates or (indices, times)}, as in `Program.run`. Draw spikes from
        ``row["seed"]``, which every row has.
    chip : callable, optional
        Makes the chip from the number in the column ``chip_seed``, for example
        ``functools.partial(bd.Chip, mismatch=0.2)``.
    labels : sequence of str
        Columns that tell rows apart and mean nothing to the program.

    Notes
    -----
    Columns of the rows: a bias of one population, ``"pyr.SOIF_LEAK_N"``, or of all, ``"SOIF_LEAK_N"``: codes or
    currents; the name of a `PoissonGroup`: its rate in hertz; ``duration`` in second; ``chip_seed``; ``seed``, of the
    generators of the program (else that of the row, as in `sweep`).

    A program belongs to the process that made it, but each of its runs is a process of its own: run rows side by side
    in threads, ``concurrent.futures.ThreadPoolExecutor``.

    Examples
    --------
    >>> run = bd.ProgramRows(program, lambda result: {"rate": result.rates("spikes").mean()})       # doctest: +SKIP
    >>> with ThreadPoolExecutor(2) as threads:                                                      # doctest: +SKIP
    ...     table = bd.sweep(run, [{"pyr.SOIF_LEAK_N": (2, fine)} for fine in range(256)], threads)
    """

    def __init__(self, program: Program, read: Callable, inputs=None, chip=None, labels=()):
        if not isinstance(program, Program):
            raise SweepError(f"program is {type(program).__name__}; give a brian2dynapse.Program")
        _check_read(read)
        self._program, self._read = program, read
        self._columns = _Columns(inputs, chip, labels, (DURATION,))

    @property
    def provenance(self) -> dict:
        """That of the program."""
        return self._program.provenance

    def check_columns(self, names: Iterable[str]) -> None:
        """Refuse columns that the program does not have; `sweep` asks before it begins."""
        self._columns.check(names, self._program.populations, self._program.inputs)

    def __call__(self, row: dict):
        """Run one row."""
        asked = self._columns.setting(row)
        codes = {name: {} for name in self._program.populations}
        for name, value in asked.codes.items():
            for one in [name] if isinstance(value, Mapping) else codes:
                codes[one] = codes[one] | value if isinstance(value, Mapping) else {name: value} | codes[one]
        codes = {name: of_one for name, of_one in codes.items() if of_one}
        result = self._program.run(codes, asked.inputs, row.get(SEED), row.get(DURATION), asked.chip)
        try:
            return self._read(result)
        finally:
            result.delete()

    def __reduce__(self):
        raise SweepError(
            "a compiled program stays in the process that made it, and runs in processes of its own: sweep with "
            "executor=concurrent.futures.ThreadPoolExecutor(number of processors)"
        )


class CopiesRows(Prepared):
    """Rows of a `sweep` that run together, as copies of one network in one run; see `replicate`.

    Parameters
    ----------
    make_network : callable
        Without arguments; makes the network, and sets what its process needs: ``prefs.codegen.target``,
        ``defaultclock.dt``.
    read : callable
        Makes results from `Replicas` after the run: a list with one entry a copy (what a function of `sweep`
        returns), or a DataFrame: with a column ``replica``, as tables of `Replicas` have it, or else a row a copy.
    duration : Quantity
        Simulated time, second.
    inputs : callable, optional
        Makes inputs from the row, a dict: {source: rates or (indices, times)}, as in `Setting`.
    chip : callable, optional
        Makes the chip from the number in the column ``chip_seed``.
    labels : sequence of str
        Columns that tell rows apart and mean nothing to the network.
    batch : int
        Rows in one run; each batch is one task of the executor.

    Notes
    -----
    Columns of the rows are those of `ProgramRows`, without ``duration``.

    A row does not depend on the batch that it is in, as long as its inputs do not: those of a `PoissonGroup`, and the
    noise of a chip, are drawn for a batch. Prefer a `SpikeGeneratorGroup` whose spikes `inputs` draws from
    ``row["seed"]``. If a batch fails, it is halved until the row that fails is alone.
    """

    def __init__(self, make_network: Callable, read: Callable, duration, inputs=None, chip=None, labels=(), batch=64):
        if not callable(make_network):
            raise SweepError(f"make_network is {type(make_network).__name__}; give a function that makes the network")
        _check_read(read)
        if not isinstance(duration, Quantity) or duration.dim is not second.dim or not duration > 0 * second:
            raise SweepError(f"duration is {duration!r}; give a time with its unit, for example 1*second")
        if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
            raise SweepError(f"batch is {batch!r}; give the number of rows in one run, 1 or more")
        self._make, self._read, self._duration, self.batch = make_network, read, duration, batch
        self._columns = _Columns(inputs, chip, labels, ())

    def check_columns(self, names: Iterable[str]) -> None:
        """Refuse columns that no network has; `sweep` asks before it begins."""
        self._columns.check(names)

    def run_many(self, rows: list[dict]) -> list:
        """Run rows together.

        Parameters
        ----------
        rows : list of dict
            Column to value.

        Returns
        -------
        list
            Results, one entry a row.
        """
        settings = [self._columns.setting(row) for row in rows]
        gc.collect()  # a network of before gives the names of its objects back
        network = self._make()
        try:
            replicas = replicate(network, settings)
        except Exception:
            for one in getattr(network, "objects", ()):
                one._network = network.id  # else Brian2 warns that they were never used
            raise
        replicas.run(self._duration)
        return _one_a_copy(self._read(replicas), replicas)


def _check_read(read) -> None:
    if not callable(read):
        raise SweepError(f"read is {type(read).__name__}; give a function that makes results of a run")


def _one_a_copy(results, replicas: Replicas) -> list:
    if isinstance(results, Mapping):
        raise Mistake("read returned a dict; return a list with one entry a copy, or a DataFrame")
    if not isinstance(results, pd.DataFrame):
        return list(results)
    if "replica" not in results:
        return results.to_dict("records")
    own = results.drop(columns=[name for name in _OF_REPLICAS if name in results])
    return [own[(results["replica"] == number).to_numpy()] for number in range(len(replicas))]
