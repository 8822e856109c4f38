"""A NIR graph as layers: populations of leaky integrate-and-fire neurons and the matrices between them. No Brian2.

Subgraphs are opened, chains of linear nodes multiplied out. What is left are sources of events (Input, LIF, CubaLIF,
IF) and, between two of them, for every delay and synaptic time constant one matrix of jumps: how much an event raises
the membrane of its target in all, in units of the distance from reset to threshold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from .errors import ExchangeError
from .nir_matrices import CONVOLUTIONS, POOLING, linear_map

SPIKING = ("LIF", "CubaLIF", "IF")
LINEAR = ("Linear", "Affine", "Scale", *CONVOLUTIONS, *POOLING)
PASSING = ("Flatten", "Output", "Pass")
EQUAL = 1e-6  # relative; files of single precision
READOUT = "readout"


@dataclass(frozen=True)
class Layer:
    """A population of integrate-and-fire neurons.

    Attributes
    ----------
    name : str
        Of its node; nodes of subgraphs are ``subgraph.node``.
    kind : str
        ``"LIF"``, ``"CubaLIF"`` or ``"IF"``.
    tau : numpy.ndarray
        Membrane time constant of each neuron, second.
    drive : numpy.ndarray
        Constant drive: where the membrane would settle without events, in distances from reset to threshold.
    rows : numpy.ndarray of int
        Its neurons among those of the node (a part of them, if the population was split).
    """

    name: str
    kind: str
    tau: np.ndarray
    drive: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.tau)


@dataclass(frozen=True)
class Jumps:
    """What the events of one source do to one population.

    Attributes
    ----------
    source, target : str
        An input or a population; a population.
    matrix : numpy.ndarray
        Rise of the membrane, in distances from reset to threshold, shape (target, source); negative is inhibition.
    delay : float
        Second.
    tau : numpy.ndarray or None
        Synaptic time constant of each target neuron, second; None for a synapse without (a LIF takes events at once).
    """

    source: str
    target: str
    matrix: np.ndarray
    delay: float
    tau: np.ndarray | None


@dataclass
class Layers:
    """A NIR graph, opened.

    Attributes
    ----------
    inputs : dict of str to int
        Their sizes.
    populations : dict of str to Layer
    jumps : list of Jumps
    outputs : dict of str to list of str
        Output node to the populations that it reads.
    notes : list of str
    errors : list of str
        What the chip cannot do.
    """

    inputs: dict = field(default_factory=dict)
    populations: dict = field(default_factory=dict)
    jumps: list = field(default_factory=list)
    outputs: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)
    errors: list = field(default_factory=list)


@dataclass(frozen=True)
class _Path:
    """A source, what linear nodes made of its events, and how long they take."""

    source: str
    matrix: np.ndarray
    delay: float = 0.0
    tau: float | None = None


class _Pass:
    """Where the inside of a subgraph meets its outside."""


def layers(graph, event_area: float, longest_tau: float, accept: Iterable[str] = ()) -> Layers:
    """Open a graph.

    Parameters
    ----------
    graph : nir.NIRGraph
        Any graph.
    event_area : float
        Integral of an event over time, second.
    longest_tau : float
        Second; what an IF without leak gets, if that is accepted.
    accept : iterable of str
        Of ``"IF"``, ``"readout"``.

    Returns
    -------
    Layers
        With all that was found, and all that stands in the way.
    """
    return _Opened(graph, event_area, longest_tau, frozenset(accept)).layers()


class _Opened:
    """A graph without subgraphs, and who feeds whom."""

    def __init__(self, graph, event_area: float, longest_tau: float, accept: frozenset):
        self.nodes, self.sources = {}, {}
        self.event_area, self.longest_tau, self.accept = event_area, longest_tau, accept
        self.found = Layers()
        self._open(graph, "")

    def _open(self, graph, prefix: str) -> None:
        ends = {}
        for name, node in graph.nodes.items():
            full, kind = prefix + name, type(node).__name__
            ends[name] = (full, full)
            if kind == "NIRGraph":
                self._open(node, f"{full}.")
                doors = [[f"{full}.{k}" for k, n in node.nodes.items() if type(n).__name__ == door]
                         for door in ("Input", "Output")]  # fmt: skip
                if any(len(one) != 1 for one in doors):
                    raise ExchangeError(
                        f"{full}: a subgraph with {len(doors[0])} inputs and {len(doors[1])} outputs; edges do not say "
                        "which they mean, give it one of each"
                    )
                ends[name] = (doors[0][0], doors[1][0])
            else:
                if full in self.nodes:
                    raise ExchangeError(f"{full}: a node, and the node of a subgraph, have this name; rename one")
                inner = prefix and kind in ("Input", "Output")
                self.nodes[full] = _Pass() if inner else node
                self.sources.setdefault(full, [])
        repeated = sorted({edge for edge in map(tuple, graph.edges) if list(map(tuple, graph.edges)).count(edge) > 1})
        if repeated:
            raise ExchangeError(
                f"edge {repeated[0]} stands more than once; an edge is there or not, and weights add up in a Linear"
            )
        for source, target in graph.edges:
            for name in (source, target):
                if name not in ends:
                    raise ExchangeError(f"edge {(source, target)}: there is no node {prefix + str(name)!r}")
            self.sources[ends[target][0]].append(ends[source][1])

    def kind(self, name: str) -> str:
        return "Pass" if isinstance(self.nodes[name], _Pass) else type(self.nodes[name]).__name__

    def layers(self) -> Layers:
        found = self.found
        spiking = [name for name in self.nodes if self.kind(name) in SPIKING]
        if not spiking:
            found.errors.append("the graph has no LIF, CubaLIF or IF node; there are no neurons to put on the chip")
        for name, node in self.nodes.items():
            if self.kind(name) == "Input":
                found.inputs[name] = self._size(name)
                if not found.inputs[name]:
                    found.errors.append(f"{name}: has no channels; leave it out")
            elif self.kind(name) not in (*SPIKING, *LINEAR, *PASSING, "Delay", "LI"):
                found.errors.append(
                    f"{name}: {type(node).__name__} has no circuit on the chip; the chip has neurons that spike (LIF, "
                    "CubaLIF) behind filters (LI), and weights (Linear, Affine, Scale, convolutions, pooling, Delay)"
                )
        if found.errors:
            return found
        for name in spiking:
            try:
                self._population(name)
            except ExchangeError as error:
                found.errors += error.errors
        for name in self.nodes:
            if self.kind(name) == "Output":
                self._output(name)
        return found

    # -- signals -------------------------------------------------------------------------------------

    def _size(self, name: str, seen: tuple = ()) -> int:
        """Number of channels that a node puts out."""
        node, kind = self.nodes[name], self.kind(name)
        if kind == "Input":
            return int(np.prod(node.input_type["input"]))
        if kind in LINEAR:
            return len(linear_map(name, node)[0])
        own = {"Delay": "delay", "LI": "tau", "LIF": "tau", "CubaLIF": "tau_mem", "IF": "r"}.get(kind)
        if own and np.ndim(getattr(node, own)):
            return int(np.size(getattr(node, own)))
        feeding = [one for one in self.sources[name] if one not in (*seen, name)]
        if not feeding:
            raise ExchangeError(f"{name}: its size is not known; give its parameters as arrays, one value a neuron")
        return self._size(feeding[0], (*seen, name))

    def _arriving(self, name: str, seen: tuple = ()) -> tuple[list[_Path], np.ndarray]:
        """What the inputs of a node sum up to: paths from sources of events, and a constant."""
        size, paths, constant = None, [], 0.0
        for source in self.sources[name]:
            of_source, offset = self._leaving(source, (*seen, name))
            paths += of_source
            if size not in (None, len(offset)):
                raise ExchangeError(
                    f"{name}: gets {size} channels and {len(offset)} from {source}; check the edges to it"
                )
            constant = constant + offset
            size = len(offset)
        return paths, np.zeros(self._size(name) if size is None else size) + constant

    def _leaving(self, name: str, seen: tuple) -> tuple[list[_Path], np.ndarray]:
        node, kind = self.nodes[name], self.kind(name)
        if kind in (*SPIKING, "Input"):
            size = self._size(name)
            return [_Path(name, np.eye(size))], np.zeros(size)
        if name in seen:
            raise ExchangeError(f"{name}: a loop without a spiking neuron; the chip has none")
        paths, constant = self._arriving(name, seen)
        if kind in PASSING:
            return paths, constant
        if kind in LINEAR:
            matrix, bias = linear_map(name, node)
            self._check_width(name, matrix.shape[1], len(constant))
            return [replace(one, matrix=matrix @ one.matrix) for one in paths], matrix @ constant + bias
        if kind == "Delay":
            delays = self._of_channels(name, node.delay, len(constant))
            if np.any(delays < 0):
                raise ExchangeError(f"{name}: a delay is {delays.min():g} s; a delay is not negative")
            return [part for one in paths for part in _parts(one, delays, "delay")], constant
        return self._filtered(name, node, paths, constant)

    def _filtered(self, name: str, node, paths, constant):
        """Behind a leaky integrator: the synaptic filter of what follows."""
        tau, r, v_leak = (self._of_channels(name, getattr(node, one), len(constant)) for one in ("tau", "r", "v_leak"))
        if any(one.tau is not None for one in paths):
            raise ExchangeError(f"{name}: a filter behind a filter; a synapse of the chip has one, its dendrite")
        _check_positive(name, "tau", tau)
        scaled = [replace(one, matrix=r[:, None] * one.matrix) for one in paths]
        return [part for one in scaled for part in _parts(one, tau, "tau")], r * constant + v_leak

    def _check_width(self, name: str, wanted: int, got: int) -> None:
        if wanted != got:
            raise ExchangeError(f"{name}: takes {wanted} channels and gets {got}; check the edges to it")

    def _of_channels(self, name: str, values, size: int) -> np.ndarray:
        values = np.ravel(np.asarray(values, dtype=float))
        if not np.all(np.isfinite(values)):
            raise ExchangeError(f"{name}: a parameter is not a finite number")
        if len(values) not in (1, size):
            raise ExchangeError(f"{name}: {len(values)} parameters for {size} channels; give one a channel")
        return np.broadcast_to(values, (size,)).copy()

    # -- neurons and outputs -------------------------------------------------------------------------

    def _population(self, name: str) -> None:
        node, kind = self.nodes[name], self.kind(name)
        paths, constant = self._arriving(name)
        size = len(constant)

        def own(parameter):
            return self._of_channels(name, getattr(node, parameter), size)

        self._check_width(name, self._size(name), size)
        r, v_threshold, v_reset = own("r"), own("v_threshold"), own("v_reset")
        tau, v_leak, tau_syn = np.full(size, self.longest_tau), v_reset, None
        if kind == "IF":
            r = r * tau  # tau dv/dt = -v + (r tau) I: the leak is left, as small as it gets
            if "IF" not in self.accept:
                raise ExchangeError(
                    f"{name}: IF has no leak, and a neuron of the chip always has one (time constants up to "
                    f"{self.longest_tau:.2g} s); accept={{'IF'}} takes the smallest leak"
                )
        else:
            tau, v_leak = own("tau" if kind == "LIF" else "tau_mem"), own("v_leak")
        if not size:
            raise ExchangeError(f"{name}: has no neurons; leave it out")
        _check_positive(name, "tau", tau)
        if kind == "CubaLIF":
            tau_syn = own("tau_syn")
            _check_positive(name, "tau_syn", tau_syn)
            r = r * own("w_in")
            if any(one.tau is not None for one in paths):
                raise ExchangeError(f"{name}: CubaLIF behind a filter (LI); the chip has one filter, make it a LIF")
        distance = v_threshold - v_reset
        if np.any(distance <= 0):
            raise ExchangeError(f"{name}: v_threshold is not above v_reset; the neuron would fire for ever")
        drive = (v_leak - v_reset + r * constant) / distance
        drive = np.where(np.abs(drive) < EQUAL, 0.0, drive)  # what rounding leaves of a difference
        self.found.populations[name] = Layer(name, kind, tau, drive, np.arange(size))
        for one in paths:
            self._check_width(name, size, len(one.matrix))
            matrix = (r * self.event_area / (tau * distance))[:, None] * one.matrix
            if np.any(matrix):
                filtered = tau_syn if one.tau is None else np.full(size, one.tau)
                self.found.jumps.append(Jumps(one.source, name, matrix, one.delay, filtered))

    def _output(self, name: str) -> None:
        """The populations whose spikes an Output reads."""
        behind, open_ends, weighted = [], list(self.sources[name]), False
        seen = set()
        while open_ends:
            one = open_ends.pop()
            if one in seen:
                continue
            seen.add(one)
            if self.kind(one) in SPIKING:
                behind.append(one)
            elif self.kind(one) != "Input":
                weighted |= self.kind(one) not in PASSING
                open_ends += self.sources[one]
        if weighted and READOUT not in self.accept:
            self.found.errors.append(
                f"{name}: is read through weights, filters or delays, and the chip puts out spikes; apply them to the "
                'spikes that it sends, accept={"readout"}'
            )
        self.found.outputs[name] = sorted(behind)


def _parts(path: _Path, values: np.ndarray, what: str) -> list[_Path]:
    """A path for each value that channels have: its delay grows by it, or it is its time constant."""
    found = []
    values = np.full_like(values, values[0]) if len(values) and uniform(values) else values
    for value in np.unique(values):
        matrix = np.where((values == value)[:, None], path.matrix, 0.0)
        if np.any(matrix):
            changed = {"delay": float(f"{path.delay + value:.9g}")} if what == "delay" else {"tau": float(value)}
            found.append(replace(path, matrix=matrix, **changed))
    return found


def _check_positive(name: str, what: str, values: np.ndarray) -> None:
    if np.any(values <= 0):
        raise ExchangeError(f"{name}: {what} is {values.min():g} s; a time constant is positive")


def uniform(values: np.ndarray) -> bool:
    """Whether all values are equal, but for rounding of single precision."""
    return bool(np.ptp(values) <= EQUAL * np.max(np.abs(values), initial=0.0))
