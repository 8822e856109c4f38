"""`to_nir`: a network of the chip as a NIR graph, in the linear limit of its circuits."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd
from brian2 import Network, PoissonGroup, SpikeGeneratorGroup, SpikeMonitor
from brian2.units import second

from . import linear_limit, nir_record
from .arrays import variable_values
from .checks import dpi_time_constant
from .connection import Connection
from .errors import DynapseError, ExchangeError
from .facts import modelled_parameters
from .files import write_atomically
from .neurons import Neurons
from .nir_codes import in_seconds
from .nir_losses import MEANING, foreign, losses, meanings, whole
from .nir_package import checked_names, nir_package

BY_HAND = 1e-9  # relative difference beyond which a current is not that of its code


def to_nir(net: Network, accept=(), event_area=1 * second):
    """A network as a NIR graph.

    Parameters
    ----------
    net : brian2.Network
        `Neurons`, `Connection`s, and what they get events from: PoissonGroups, SpikeGeneratorGroups.
    accept : set of str
        Circuits whose meaning may be lost: ``"adaptation"``, ``"alpha"``, ``"conductance"``, ``"depression"``,
        ``"diffusion"``, ``"exponential"``, ``"homeostasis"``, ``"nmda_gate"``, ``"repeated_events"``, ``"shunt"``,
        ``"soif_kill"``. A network that has one of the others is refused.
    event_area : Quantity
        Integral of an event over time, second: 1 second for the Dirac impulse of NIR, dt for readers that
        mean a 1 during one of their time steps.

    Returns
    -------
    nir.NIRGraph
        A population is a LIF behind a LI for each of its dendrites, or a CubaLIF if it has one dendrite, which
        more tools read; a `Connection` is a Linear, behind a Delay if its delay is a time step of the network or
        longer; a source of events is an Input, a `SpikeMonitor` an Output. v is the membrane current over its
        threshold (v_threshold 1, v_leak the DC current over the rheobase), i the current of dendrites over the
        rheobase, times are in second. The metadata of graph and nodes have everything that makes the network,
        for `from_nir`.

    Raises
    ------
    ExchangeError
        For circuits whose meaning NIR cannot say, and objects that have no node. Its `errors` has all of them.
    DynapseError
        For arguments of a wrong kind, or a missing package.

    See Also
    --------
    nir_losses : what the graph does not say.
    """
    nir = nir_package()
    if not isinstance(net, Network):
        raise DynapseError(f"net is {type(net).__name__}; give a brian2.Network")
    accept = checked_names(accept, MEANING)
    area = in_seconds("event_area", event_area)
    return _Export(nir, net, accept, area).graph()


def write_nir(path: str | PathLike, net, **arguments) -> Path:
    """Write a network, or a graph, as a NIR file, whole or not at all.

    Parameters
    ----------
    path : str or path
        The file; an existing one is replaced.
    net : brian2.Network or nir.NIRGraph
        What to write.
    **arguments
        Of `to_nir`.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    DynapseError
        As `to_nir`, or if the file cannot be written.
    """
    nir = nir_package()
    graph = net if isinstance(net, nir.NIRGraph) else to_nir(net, **arguments)
    return write_atomically(path, lambda file: nir.write(file, graph), DynapseError)


def nir_losses(graph) -> pd.DataFrame:
    """What a graph of `to_nir` does not say about its network.

    Parameters
    ----------
    graph : nir.NIRGraph
        Of `to_nir`, also after reading it from a file.

    Returns
    -------
    pandas.DataFrame
        Columns what, where (population, connection or monitor), loss (in words, with numbers of this network).

    Raises
    ------
    ExchangeError
        For a graph of another tool.
    """
    record = nir_record.recorded(graph)
    if record is None:
        raise ExchangeError("the graph was not written by to_nir; only such a graph knows what was lost")
    return pd.DataFrame(record["losses"], columns=["what", "where", "loss"])


class _Export:
    """Makes the graph of one network."""

    def __init__(self, nir, net: Network, accept: frozenset, area: float):
        self.nir, self.accept, self.area = nir, accept, area
        self.objects = sorted(net.sorted_objects, key=lambda one: one.name)
        self.groups = [one for one in self.objects if isinstance(one, Neurons)]
        self.connections = [one for one in self.objects if isinstance(one, Connection)]
        self.inputs = [one for one in self.objects if isinstance(one, (PoissonGroup, SpikeGeneratorGroup))]
        self.monitors = [
            one for one in self.objects if isinstance(one, SpikeMonitor) and isinstance(whole(one.source), Neurons)
        ]
        self.nodes, self.edges, self.short_delays = {}, [], []
        self.filters = {}  # (population, dendrite) to the name of its LI

    def graph(self):
        lost = meanings(self.groups, self.connections)
        self._check(lost)
        for group in self.inputs:
            metadata = nir_record.of_input(group)
            self.nodes[group.name] = self.nir.Input(np.array([len(group)]), metadata=metadata)
        chips = list({id(group.chip): group.chip for group in self.groups}.values())
        for group in self.groups:
            self._population(group, next(k for k, chip in enumerate(chips) if chip is group.chip))
        for one in self.connections:
            self._connection(one)
        self._outputs()
        rows = losses(self.objects, self.groups, self.connections, lost, self.short_delays)
        metadata = nir_record.of_graph(chips, rows, self.area, self.accept, _versions(self.nir))
        return self.nir.NIRGraph(self.nodes, self.edges, metadata=metadata)

    # -- what stands in the way ----------------------------------------------------------------------

    def _check(self, lost: dict[str, list[str]]) -> None:
        errors = foreign(self.objects, [group.name for group in self.groups])
        if not self.groups:
            errors.append("the network has no Neurons; there is nothing to export")
        errors += [
            f"{', '.join(places)}: NIR has no node for {MEANING[name][1]}; "
            f"accept={{{name!r}}} leaves it out of the nodes (the metadata keep it)"
            for name, places in lost.items()
            if name not in self.accept
        ]
        known = {one.name for one in (*self.groups, *self.inputs)}
        for one in self.connections:
            ends = {whole(one.source).name, one.neurons.name} - known
            errors += [f"{one.name}: {name} is not in the network; add it" for name in sorted(ends)]
        for group in self.groups:
            errors += _set_by_hand(group)
        for one in self.connections:
            errors += _synapses_by_hand(one)
        if errors:
            raise ExchangeError(errors, "to_nir")

    # -- nodes ---------------------------------------------------------------------------------------

    def _population(self, group: Neurons, chip: int) -> None:
        size, one = len(group), np.ones(len(group))
        leak, gain, threshold = (group.bias_values(name) for name in ("I_leak", "I_gain", "I_threshold"))
        drive = linear_limit.rheobase(leak, gain, threshold)
        dc = group.bias_values("I_dc") / drive if "so_dc" in group.latches else np.zeros(size)
        tau = dpi_time_constant(group.chip, "C_mem", "kappa_n", leak)
        shares = next((other.name for other in self.groups if other.biases is group.biases), group.name)
        metadata = nir_record.of_neurons(group, chip, None if shares == group.name else shares)
        soma = {"r": one, "v_leak": dc, "v_threshold": one, "v_reset": np.zeros(size), "metadata": metadata}
        reached = sorted(
            {connection.dendrite for connection in self.connections if connection.neurons.name == group.name}
        )
        if len(reached) == 1:
            tau_syn = self._dendrite_tau(group, reached[0])
            self.nodes[group.name] = self.nir.CubaLIF(tau_syn=tau_syn, tau_mem=tau, w_in=one, **soma)
            return
        self.nodes[group.name] = self.nir.LIF(tau=tau, **soma)
        for dendrite in reached:
            node = self.nir.LI(tau=self._dendrite_tau(group, dendrite), r=one, v_leak=np.zeros(size))
            name = self.filters[group.name, dendrite] = self._free(f"{group.name}_{dendrite}")
            self.nodes[name] = node
            self.edges.append((name, group.name))

    def _free(self, name: str) -> str:
        """A name that no object of the network has."""
        taken = {one.name for one in self.objects} | set(self.nodes)
        while name in taken:
            name += "_"
        return name

    @staticmethod
    def _dendrite_tau(group: Neurons, dendrite: str) -> np.ndarray:
        return dpi_time_constant(group.chip, f"C_{dendrite}", "kappa_p", group.bias_values(f"I_tau_{dendrite}"))

    def _connection(self, one: Connection) -> None:
        group, source, dendrite = one.neurons, whole(one.source), one.dendrite
        i, j = one.synapse_pairs()
        constants, gain = group.chip.constants, group.bias_values(f"I_gain_{dendrite}")
        charge = linear_limit.dpi_charge(constants[f"C_{dendrite}"], constants["kappa_p"], constants)
        leak, soma_gain, threshold = (group.bias_values(name) for name in ("I_leak", "I_gain", "I_threshold"))
        drive = linear_limit.rheobase(leak, soma_gain, threshold)
        pulses = np.broadcast_to(one.pulse_widths(), i.shape)
        steps = linear_limit.current_step(np.broadcast_to(one.weights_of_codes(), i.shape), pulses, gain[j], charge)
        inhibits = dendrite in ("gaba", "shunt")
        values = steps / drive[j] * self._dendrite_tau(group, dendrite)[j] / self.area * (-1 if inhibits else 1)
        matrix = np.zeros((len(group), len(source)))
        np.add.at(matrix, (j, i), values)
        self.nodes[one.name] = self.nir.Linear(matrix, metadata=nir_record.of_connection(one))
        delay = float(np.mean(one.delays_of_codes())) if len(i) else 0.0
        target = self.filters.get((group.name, dendrite), group.name)
        if delay < float(one.source.clock.dt_):
            self.short_delays.append(one.name)
            self.edges.append((source.name, one.name))
        else:
            name = self._free(f"{one.name}_delay")
            self.nodes[name] = self.nir.Delay(np.full(len(source), delay))
            self.edges += [(source.name, name), (name, one.name)]
        self.edges.append((one.name, target))

    def _outputs(self) -> None:
        for monitor in self.monitors:
            group = whole(monitor.source)
            metadata = nir_record.of_monitor(monitor)
            self.nodes[monitor.name] = self.nir.Output(np.array([len(group)]), metadata=metadata)
            self.edges.append((group.name, monitor.name))


def _set_by_hand(group: Neurons) -> list[str]:
    """Currents of a population that are not those of its codes: they would be lost."""
    problems = []
    for parameter in group.equation_parameters():
        values, expected = group.parameter_values(parameter), group.bias_values(parameter)
        if values is None or np.all(np.abs(values - expected) <= BY_HAND * expected):
            continue
        problems.append(
            f"{group.name}: {parameter} was set by hand; set the bias, "
            f"biases[{modelled_parameters()[parameter]!r}] = ..."
        )
    return problems


def _synapses_by_hand(connection: Connection) -> list[str]:
    """Weights and delays of synapses that are not those of their masks, bits and codes."""
    expected = {"I_weight": connection.weights_of_codes(), "delay": connection.delays_of_codes()}
    problems = []
    for name, wanted in expected.items():
        values = variable_values(connection.pre if name == "delay" else connection, name)
        if values is None or not np.size(values):
            continue
        if np.any(np.abs(values - wanted) > BY_HAND * np.abs(wanted)):
            what = "weight=" if name == "I_weight" else "delay= and the biases SYPD_DLY0_P to SYPD_DLY2_P"
            problems.append(f"{connection.name}: {name} was set by hand; set it by {what}")
    return problems


def _versions(nir) -> dict:
    import brian2

    from . import __version__

    return {"brian2dynapse": __version__, "brian2": brian2.__version__, "nir": getattr(nir, "__version__", "")}


def same_graph(one, other) -> str | None:
    """Name of the first node in which two graphs differ, ``"edges"``, or None."""
    if sorted(map(tuple, one.edges)) != sorted(map(tuple, other.edges)):
        return "edges"
    for name, node in one.nodes.items():
        twin = other.nodes.get(name)
        if twin is None or type(twin) is not type(node):
            return name
        for parameter, values in vars(node).items():
            if parameter in ("metadata", "input_type", "output_type"):
                continue
            if not np.allclose(values, getattr(twin, parameter), rtol=nir_record.CHANGED, atol=0):
                return name
    return None
