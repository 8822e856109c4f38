"""What a run of a `Program` left: spikes, rates, recorded variables, read from its files."""

from __future__ import annotations

import html
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from brian2.units import Quantity, hertz

from .errors import DynapseError, unknown_name
from .provenance_record import carry

LAST_FILE = "last_run_info.txt"  # what the program writes at the very end


@dataclass(frozen=True)
class StoredArray:
    """Where a program writes a variable.

    Attributes
    ----------
    file : str
        In the directory of results.
    dtype : numpy.dtype
        Of its numbers.
    dimension : brian2 dimension
        Its unit.
    columns : int
        Numbers of a row; 0 if it has no rows.
    """

    file: str
    dtype: np.dtype
    dimension: object
    columns: int = 0


class RunResult:
    """Results of one run.

    Attributes
    ----------
    directory : pathlib.Path
        Where they are, until `delete`, or until a later run is told to write there.
    seconds : float
        Wall clock of the program: reading arrays, simulation, writing results.
    duration : Quantity
        Simulated time.
    provenance : dict
        Versions, chip, seed, biases and circuits of the run, see `provenance`; tables of spikes carry it.
    """

    def __init__(self, directory: Path, arrays: dict, duration: Quantity, seconds: float, provenance: dict):
        self.provenance = provenance
        self.directory = directory
        self.duration = duration
        self.seconds = seconds
        self._arrays = arrays
        self._written = self._time()

    def _time(self) -> int | None:
        file = self.directory / LAST_FILE
        return file.stat().st_mtime_ns if file.exists() else None

    def _read(self, name: str, variable: str, kind: str = "object of this network") -> np.ndarray:
        of_object = self._arrays.get(name)
        if of_object is None:
            raise unknown_name(kind, name, self._arrays)
        if variable not in of_object:
            hint = "; what is computed from others has to be recorded by a StateMonitor"
            raise unknown_name(f"variable of {name}", variable, of_object, hint)
        if self._written is None or self._time() != self._written:
            raise DynapseError(
                f"{self.directory}: these results are gone or overwritten by a later run; "
                "run again, with a results_directory of its own"
            )
        stored = of_object[variable]
        values = np.fromfile(self.directory / stored.file, dtype=stored.dtype)
        return values.reshape(-1, stored.columns).T if stored.columns else values

    def spikes(self, monitor: str) -> pd.DataFrame:
        """Spikes in the order in which they came.

        Parameters
        ----------
        monitor : str
            Name of a `SpikeMonitor`.

        Returns
        -------
        pandas.DataFrame
            Columns i (neuron) and t_s (second).
        """
        self._check_spikes(monitor)
        table = pd.DataFrame({"i": self._read(monitor, "i").astype(int), "t_s": self._read(monitor, "t")})
        return carry(table, self.provenance)

    def counts(self, monitor: str) -> np.ndarray:
        """Spikes of each neuron, shape (N,).

        Parameters
        ----------
        monitor : str
            Name of a `SpikeMonitor`.
        """
        self._check_spikes(monitor)
        return self._read(monitor, "count").astype(int)

    def rates(self, monitor: str) -> Quantity:
        """Spikes of each neuron over the duration of the run, hertz, shape (N,).

        Parameters
        ----------
        monitor : str
            Name of a `SpikeMonitor`.
        """
        return self.counts(monitor) / float(self.duration) * hertz

    def state(self, monitor: str, variable: str) -> Quantity | np.ndarray:
        """What a monitor recorded, or what a group had at the end.

        Parameters
        ----------
        monitor : str
            Name of a `StateMonitor`, or of any other object of the network.
        variable : str
            For example ``"Imem"``; ``"t"`` are the times of a monitor.

        Returns
        -------
        Quantity or numpy.ndarray
            With the unit of the variable. Of a `StateMonitor` shape (recorded neurons, times), as Brian2 has it.
        """
        values = self._read(monitor, variable)
        return Quantity(values, dim=self._arrays[monitor][variable].dimension)

    def _check_spikes(self, name: str) -> None:
        monitors = {one: of for one, of in self._arrays.items() if {"i", "t", "count"} <= set(of)}
        if name not in monitors:
            raise unknown_name("spike monitor of this network", name, monitors)

    def delete(self) -> None:
        """Remove the files of this run."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def __repr__(self) -> str:
        return f"<RunResult of {self.duration} in {self.seconds:.2g} s: {self.directory}>"

    def _repr_html_(self) -> str:
        rows = []
        for name, variables in self._arrays.items():
            row = {"object": name, "variables": ", ".join(variables), "spikes": "", "mean_rate_Hz": ""}
            if {"i", "t", "count"} <= set(variables):
                try:
                    row |= {
                        "spikes": self.counts(name).sum(),
                        "mean_rate_Hz": f"{np.mean(self.rates(name) / hertz):.4g}",
                    }
                except DynapseError:  # deleted, or overwritten by a later run
                    row["spikes"] = "gone"
            rows.append(row)
        return f"<p>{html.escape(repr(self))}</p>" + pd.DataFrame(rows).to_html(index=False)
