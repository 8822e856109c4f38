"""`Program`: a network compiled once, and run with other codes, inputs, seeds, durations and chips."""

from __future__ import annotations

import gc
import html
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from brian2.core.network import Network
from brian2.core.preferences import prefs
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import get_device
from brian2.input.poissongroup import PoissonGroup
from brian2.input.spikegeneratorgroup import SpikeGeneratorGroup
from brian2.units import Quantity, get_dimensions, second
from brian2.utils.logger import get_logger

from .chip import Chip
from .connection import Connection
from .errors import DynapseError, unknown_name
from .program_build import compile_project
from .program_inputs import Input
from .run_result import LAST_FILE, RunResult, StoredArray
from .variants import Variants

logger = get_logger("brian2dynapse.program")

RUNS = "runs"  # folder of results of runs that are given none
LARGEST_SEED = 2**32 - 1  # of the generator of random numbers
_SHOWN = 2000  # characters of what a failed program says
_SPIKES = ("neuron_index", "spike_time", "_timebins")  # in this order in a file of spikes

# Arguments that Brian2 does not know; taken out of `args` before Brian2 reads those.
_READING = """
const auto argument_of_run = [&args](const std::string& name) -> std::string {
    for (std::size_t k = 0; k < args.size(); k++)
        if (args[k].compare(0, name.size() + 1, name + "=") == 0) {
            const std::string value = args[k].substr(name.size() + 1);
            args.erase(args.begin() + k);
            return value;
        }
    return "";
};
const auto numbers_of_run = [](const std::string& path) -> std::vector<double> {
    std::ifstream file(path.c_str(), std::ios::binary | std::ios::ate);
    std::vector<double> numbers(file ? static_cast<std::size_t>(file.tellg())/sizeof(double) : 0);
    file.seekg(0);
    if (!numbers.empty()) file.read(reinterpret_cast<char*>(&numbers[0]), numbers.size()*sizeof(double));
    if (!file) {
        std::cerr << "Error: cannot read " << path << std::endl;
        std::exit(1);
    }
    return numbers;
};
const std::string seed_of_run = argument_of_run("seed");
const std::string duration_of_run = argument_of_run("duration");
"""
_DELAY = """
const std::string {array}_of_run = argument_of_run("{argument}");
if (!{array}_of_run.empty()) {{
    const std::vector<double> delays = numbers_of_run({array}_of_run);
    {array}.assign(delays.begin(), delays.end());
}}
"""
_SPIKES_LATER = """
const std::string {group}_spikes_of_run = argument_of_run("{group}.spikes");
"""
_LOAD_SPIKES = """
if (!{group}_spikes_of_run.empty()) {{
    const std::vector<double> spikes = numbers_of_run({group}_spikes_of_run);
    const std::size_t count = spikes.size()/3;
    {neuron_index}.assign(spikes.begin(), spikes.begin() + count);
    {spike_time}.assign(spikes.begin() + count, spikes.begin() + 2*count);
    {_timebins}.assign(spikes.begin() + 2*count, spikes.end());
    {spike_number}.resize(count);
    for (std::size_t k = 0; k < count; k++) {spike_number}[k] = k;
}}
"""
_SEED = """
if (!seed_of_run.empty())
    for (std::size_t _i = 0; _i < brian::_random_generators.size(); _i++)
        brian::_random_generators[_i].seed(std::stoul(seed_of_run) + _i);
"""
_RUN = "if (!duration_of_run.empty()) {network}.run(std::stod(duration_of_run), NULL, 10.0); else"


class Program:
    """A network compiled once, to be run many times.

    Parameters
    ----------
    network : brian2.Network
        Made after ``set_device("cpp_standalone", build_on_run=False)`` and not run yet.
    duration : Quantity
        Simulated time of a run that is given none.
    directory : str or path
        Where to compile. Made again there, an unchanged network compiles nothing; give its objects names.
    fast_build : bool
        Precompiled headers, no pass for dependencies, less optimisation of what runs once, a job a processor; and
        ``ccache`` if it is installed. Without, Brian2's own makefile.
    namespace : dict, optional
        As for `Network.run`.

    Raises
    ------
    DynapseError
        Without the C++ standalone device, for a network that was run before, or if the compiler refuses.

    Notes
    -----
    Each run is that of a network made anew with the codes, the chip and the inputs that are given; the next run
    knows nothing of them. A run without arguments is that of the network as it was when the program was made: later
    changes of the network or of its `Biases` do not reach it. Results are in what `run` returns; monitors stay empty.

    Runs do not disturb each other, so that threads can make them side by side.

    Examples
    --------
    >>> program = Program(net, 1*second)                                        # doctest: +SKIP
    >>> for fine in range(0, 256, 16):                                          # doctest: +SKIP
    ...     rates = program.run({"pyr": {"SOIF_LEAK_N": (2, fine)}}).rates("spikes_pyr")
    """

    def __init__(self, network, duration, directory="build", fast_build=True, namespace=None, level=0):
        device = get_device()
        _check_device(device)
        if not isinstance(network, Network):
            raise DynapseError(f"network is {type(network).__name__}; give the brian2.Network to compile")
        self._duration = _checked_duration(duration)
        self.directory = Path(directory).absolute()
        self._variants = Variants(network, device)
        objects = network.sorted_objects
        self._inputs = {one.name: Input(one) for one in objects if isinstance(one, (PoissonGroup, SpikeGeneratorGroup))}
        self._others = {one.name: type(one).__name__ for one in objects}
        self._write_code(network, device, objects)
        gc.collect()  # what is gone gives its names back, so that a network made again has them
        first = len(device.main_queue)
        network.run(duration, namespace=namespace, level=level + 1)
        _sort_clocks(device, first)
        self.directory.mkdir(parents=True, exist_ok=True)
        device.build(directory=str(self.directory), compile=False, run=False)
        self._arrays = _stored_arrays(device)
        self._environment = prefs.devices.cpp_standalone.run_environment_variables | device.run_environment_variables
        compile_project(device, self.directory, fast_build)

    @staticmethod
    def _write_code(network, device, objects) -> None:
        """Let the program read what Brian2's cannot: seed, duration, delays, spikes."""
        queue = device.main_queue
        seeds = [number for number, (what, _) in enumerate(queue) if what == "seed"]
        queue.insert(seeds[-1] + 1 if seeds else 0, ("insert_code", _SEED))
        queue.insert(0, ("insert_code", _READING))
        for one in objects:
            if isinstance(one, Connection):
                if not one._delays_assigned:  # refused when synapses were made, refused again or right by now
                    one.biases_changed(["SYPD_DLY0_P"])
                array = device.get_array_name(one.pre.variables["delay"], access_data=False)
                device.insert_code("main", _DELAY.format(array=array, argument=f"{one.name}.delay"))
            elif isinstance(one, SpikeGeneratorGroup):
                device.insert_code("main", _SPIKES_LATER.format(group=one.name))
                # Brian2 sets the time bins in the preparation of the run
                names = {name: device.get_array_name(one.variables[name], False) for name in (*_SPIKES, "spike_number")}
                device.insert_code("before_network_run", _LOAD_SPIKES.format(group=one.name, **names))
        device.apply_run_args()
        device.insert_code("before_network_run", _RUN.format(network=network.name))

    @property
    def populations(self) -> list[str]:
        """Names of the `Neurons`, in the order of their creation."""
        return self._variants.populations

    @property
    def inputs(self) -> list[str]:
        """Names of what takes rates or spikes."""
        return list(self._inputs)

    @property
    def provenance(self) -> dict:
        """What it was compiled with, see `provenance`; a result has that of its run."""
        return self._variants.provenance()

    # -- runs ----------------------------------------------------------------------------------------

    def run(
        self,
        codes: Mapping | None = None,
        inputs: Mapping | None = None,
        seed: int | None = None,
        duration: Quantity | None = None,
        chip: Chip | None = None,
        results_directory: str | None = None,
    ) -> RunResult:
        """Run the network, compiling nothing.

        Parameters
        ----------
        codes : mapping of str to mapping, optional
            What differs from the codes of the network, by population: ``{"pyr": {"SOIF_LEAK_N": (2, 9)}}``, with codes
            or currents as in `Biases`. Populations that share a `Biases` are on one core and change together. A whole
            `Biases` in place of a mapping is for that population alone.
        inputs : mapping of str, optional
            By the name of the input. Rates of a `PoissonGroup`: hertz, one or one a neuron. Spikes of a
            `SpikeGeneratorGroup`, any number of them: (indices, times), times in second.
        seed : int, optional
            0 to 2**32 - 1, in place of the last `brian2.seed` before the program was made, or as one at the very
            beginning if there is none.
        duration : Quantity, optional
            Simulated time.
        chip : Chip, optional
            The individual that all populations are on; it may differ in seed and mismatch. Populations that have not
            been placed take the next free neurons of it, in the order in which they were made. Parameters that were
            set by hand stay so.
        results_directory : str, optional
            Inside the directory of the program; a new one by default.

        Returns
        -------
        RunResult
            Spikes, rates and recorded variables.

        Raises
        ------
        UnknownNameError
            For an unknown population, bias or input.
        DynapseError
            For what the model refuses, what would need another program, and a run that fails.
        """
        time_asked = self._duration if duration is None else _checked_duration(duration)
        values = self._variants.parameters(codes, chip) | self._input_values({} if inputs is None else inputs)
        arguments = []
        if seed is not None:
            if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed <= LARGEST_SEED:
                raise DynapseError(f"seed is {seed!r}; give an integer from 0 to {LARGEST_SEED}")
            arguments.append(f"seed={int(seed)}")
        if duration is not None:
            arguments.append(f"duration={float(time_asked)!r}")
        results = self._results(results_directory)
        arguments += [self._argument(results, name, one) for name, one in values.items()]
        seconds = self._call(results, arguments)
        made_with = self._variants.provenance(codes, chip, seed)
        result = RunResult(results, self._arrays, time_asked, seconds, made_with)
        self._check(result)
        return result

    def _input_values(self, inputs: Mapping) -> dict[str, np.ndarray]:
        if not isinstance(inputs, Mapping):
            raise DynapseError(f"inputs is {type(inputs).__name__}; give a mapping of names to rates or spikes")
        values = {}
        for name, given in inputs.items():
            if name not in self._inputs:
                if name in self._others:
                    raise DynapseError(
                        f"{name} is a {self._others[name]}; a PoissonGroup takes rates and a SpikeGeneratorGroup "
                        "spikes, other objects need another Program"
                    )
                raise unknown_name("input of this network", name, self._inputs)
            values |= self._inputs[name].values(given)
        return values

    def _results(self, wanted: str | None) -> Path:
        if wanted is None:
            (self.directory / RUNS).mkdir(exist_ok=True)
            return Path(tempfile.mkdtemp(dir=self.directory / RUNS, prefix="run_"))
        path = Path(wanted)
        results = self.directory / path
        if path.is_absolute() or ".." in path.parts or results == self.directory:
            raise DynapseError(f"results_directory is {str(wanted)!r}; give a folder inside {self.directory}")
        (results / LAST_FILE).unlink(missing_ok=True)  # results of before are none any more
        results.mkdir(parents=True, exist_ok=True)
        return results

    def _argument(self, results: Path, name: str, values: float | np.ndarray) -> str:
        """An argument of the program: a number, or a file of numbers."""
        owner, variable = name.split(".")
        stored = self._arrays[owner].get(variable)
        read_by_brian = stored is not None and variable != "delay"
        if read_by_brian and np.ndim(values) == 0:
            return f"{name}={float(values)!r}"
        folder = results / "arguments"
        folder.mkdir(exist_ok=True)
        np.atleast_1d(values).astype(stored.dtype if read_by_brian else float).tofile(folder / name)
        return f"{name}={folder / name}"

    def _call(self, results: Path, arguments: list[str]) -> float:
        command = prefs.devices.cpp_standalone.run_cmd_unix if os.name != "nt" else str(self.directory / "main.exe")
        command = [command] if isinstance(command, str) else list(command)
        start = time.perf_counter()
        try:
            done = subprocess.run(
                [*command, "--results_dir", os.path.join(results, ""), *arguments],
                cwd=self.directory,
                env=os.environ | self._environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        except FileNotFoundError as error:
            raise DynapseError(f"{self.directory}: there is no program any more; make the Program again") from error
        seconds = time.perf_counter() - start
        if done.returncode or "Error" in done.stdout or not (results / LAST_FILE).exists():
            raise DynapseError(
                f"{self.directory}: the program failed ({done.returncode}); it said: "
                f"{done.stdout[-_SHOWN:] or 'nothing'}"
            )
        return seconds

    def _check(self, result: RunResult) -> None:
        """Warn of what Brian2 warns of after a run."""
        completed = float((result.directory / LAST_FILE).read_text().split()[1])
        if completed < 1:
            logger.warn(f"{self.directory}: the run was stopped after {completed:.0%}", name_suffix="stopped")
        for name in self._variants.populations:
            if not np.all(np.isfinite(result.state(name, "Imem"))):
                logger.warn(f"{name}: Imem is not finite at the end of the run", name_suffix="not_finite")

    def delete(self, code: bool = False) -> None:
        """Remove the results of runs that were given no directory, of all programs made in this one.

        Parameters
        ----------
        code : bool
            Remove the directory of the program, too, with all that is in it.
        """
        shutil.rmtree(self.directory if code else self.directory / RUNS, ignore_errors=True)

    def __repr__(self) -> str:
        return f"<Program of {self._duration} in {self.directory}: populations {', '.join(self._variants.populations)}>"

    def _repr_html_(self) -> str:
        inputs = {name: "input" for name in self._inputs}
        what = inputs | {name: "population, codes" for name in self._variants.populations}
        rows = [{"object": name, "kind": kind, "set by run": what.get(name, "")} for name, kind in self._others.items()]
        return f"<p>{html.escape(repr(self))}</p>" + pd.DataFrame(rows).to_html(index=False)


def _check_device(device) -> None:
    if not isinstance(device, CPPStandaloneDevice) or device.build_on_run:
        raise DynapseError(
            'a Program is compiled: say set_device("cpp_standalone", build_on_run=False) before the network is made'
        )
    if device.run_args_applied or device.has_been_run or any(what == "run_network" for what, _ in device.main_queue):
        raise DynapseError(
            "a network was run, or compiled, before in this device; a Program makes the only run: begin with "
            "brian2.device.reinit() and brian2.device.activate(build_on_run=False), then make the network"
        )


def _sort_clocks(device, first: int) -> None:
    """Give the clocks an order: Brian2 takes them from a set, so that the same network makes another program."""
    clocks = {device.arrays[clock.variables[name]] for clock in device.clocks for name in ("t", "timestep")}
    queue = device.main_queue
    last = first
    while last < len(queue) and queue[last][0] == "set_by_single_value" and queue[last][1][0] in clocks:
        last += 1
    queue[first:last] = sorted(queue[first:last], key=lambda entry: entry[1][0])


def _checked_duration(duration) -> Quantity:
    right = get_dimensions(duration) is second.dim and np.shape(duration) == ()
    if not right or not (np.isfinite(duration) and duration > 0 * second):
        raise DynapseError(f"duration is {duration!r}; give a time with its unit, for example 1*second")
    return duration


def _stored_arrays(device) -> dict[str, dict[str, StoredArray]]:
    """All that a program writes at its end: object to variable to file."""
    arrays = {}
    for variable in device.arrays:
        try:
            owner = variable.owner.name
        except (AttributeError, ReferenceError):
            continue
        columns = variable.size[1] if isinstance(variable.size, tuple) else 0
        stored = StoredArray(device.get_array_filename(variable), np.dtype(variable.dtype), variable.dim, columns)
        arrays.setdefault(owner, {})[variable.name] = stored
    return arrays
