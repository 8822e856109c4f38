"""`from_nir`: a NIR graph of leaky integrate-and-fire neurons as a network of the chip."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from os import PathLike

import numpy as np
import pandas as pd
from brian2 import Network, SpikeGeneratorGroup, SpikeMonitor
from brian2.units import amp, second

from . import nir_graph, nir_record, nir_split
from .biases import Biases
from .chip import Chip
from .connection import Connection
from .errors import DynapseError, ExchangeError
from .neurons import Neurons
from .nir_codes import Choice, in_seconds, longest_membrane
from .nir_export import same_graph, to_nir
from .nir_losses import whole
from .nir_package import checked_names, nir_package

ACCEPTED = ("IF", nir_graph.READOUT)
CODES = {"coarse": "Int64", "fine": "Int64"}  # integers, missing where no bias is meant
GAIN_RATIO = 500.0  # the membrane then loses about 2 % of a spike's charge near rest
COLUMNS = ["population", "parameter", "asked", "got", "unit", "error", "bias", "coarse", "fine"]


@dataclass
class NirImport:
    """What became of a NIR graph.

    Attributes
    ----------
    network : brian2.Network or None
        Ready to run and to be mapped; None if there are errors.
    report : pandas.DataFrame
        A row a parameter of a population: population, parameter, asked, got, unit, error (got over asked - 1, NaN if
        asked is 0), bias, coarse, fine.
    populations : dict of str to Neurons
        By the name of their node.
    inputs : dict of str to SpikeGeneratorGroup
        By the name of their node; give them spikes with ``set_spikes``.
    connections : list of Connection
    spikes : dict of str to SpikeMonitor
        Of the populations that an Output reads, by their name.
    errors, notes : list of str
        What the chip cannot do, and what a reader should know.
    restored : bool
        Whether the graph was made by `to_nir` and the network is the very one that was exported.
    """

    network: Network | None
    report: pd.DataFrame
    populations: dict = field(default_factory=dict)
    inputs: dict = field(default_factory=dict)
    connections: list = field(default_factory=list)
    spikes: dict = field(default_factory=dict)
    errors: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    restored: bool = False

    @property
    def success(self) -> bool:
        """Whether there is a network."""
        return not self.errors

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} ({len(one)})" for name, one in self.populations.items())
        if self.errors:
            return f"<NirImport: {len(self.errors)} errors, the first: {self.errors[0]}>"
        return f"<NirImport: populations {sizes}; {sum(len(one) for one in self.connections)} synapses>"

    def _repr_html_(self) -> str:
        import html

        return f"<p>{html.escape(repr(self))}</p>" + self.report.to_html(index=False)


def from_nir(
    graph,
    chip: Chip | None = None,
    event_area=1 * second,
    tau_syn=None,
    biases: Biases | None = None,
    gain_ratio: float = GAIN_RATIO,
    accept=(),
    split: bool = False,
    restore: bool = True,
    check: bool = True,
) -> NirImport:
    """Neurons and synapses of the chip for a NIR graph.

    Parameters
    ----------
    graph : nir.NIRGraph, str or path
        The graph, or a file of it.
    chip : Chip, optional
        The individual; the ideal chip by default. Codes are chosen for its constants, without mismatch.
    event_area : Quantity
        Integral of an event over time, second. 1 second by default: NIR is in continuous time, an event a Dirac
        impulse of area 1, so that it raises the membrane of a LIF by w r / tau. Tools in discrete time mean by an
        event a 1 during one time step, and write r = tau/dt: for their graphs give their dt.
    tau_syn : Quantity, optional
        Time constant of the dendrites of a LIF, which in NIR has none; a tenth of its membrane's by default.
    biases : Biases, optional
        Codes of all that a graph says nothing about, such as the threshold current.
    gain_ratio : float
        I_threshold over I_gain of the soma; the larger, the more linear, and the larger the currents.
    accept : set of str
        ``"IF"``: an IF gets the smallest leak. ``"readout"``: what an Output does to spikes is left out.
    split : bool
        Whether a population whose neurons differ in what a core has one of is split; else that is an error.
    restore : bool
        Whether a graph that `to_nir` wrote gives back the network that it was made of, with all its codes. False reads
        its NIR nodes, as another tool would.
    check : bool
        Whether errors are raised; False returns them in the result.

    Returns
    -------
    NirImport
        With the network, and what was asked and got of every parameter.

    Raises
    ------
    ExchangeError
        If the chip cannot do it; its `errors` has all reasons.
    DynapseError
        For arguments of a wrong kind, or a missing package.

    Notes
    -----
    See `linear_limit` for the equations. Membrane and dendrites of the chip are linear far above their gain currents
    only. Positive weights go to AMPA (and NMDA, if there are two time constants), negative ones to GABA, which is
    subtracted from the input of the soma, and the input cannot fall below zero: inhibition acts on excitation that
    comes with it, and does not drive the membrane below its rest. Weights are currents; `map_network` chooses the four
    codes and the masks.
    """
    _checked(chip, Chip, "chip")
    area = in_seconds("event_area", event_area)
    tau = None if tau_syn is None else in_seconds("tau_syn", tau_syn)
    biases = _checked(biases, Biases, "biases") or Biases()
    if isinstance(gain_ratio, bool) or not isinstance(gain_ratio, (int, float)) or not 1 <= gain_ratio < np.inf:
        raise DynapseError(f"gain_ratio is {gain_ratio!r}; give a number from 1, for example 500")
    accept = checked_names(accept, ACCEPTED)
    graph = _graph(graph)
    record = nir_record.recorded(graph) if restore else None
    if record is not None:
        return _restored(graph, record, chip)
    chip = chip or Chip()
    try:
        found = nir_graph.layers(graph, area, longest_membrane(chip, biases), accept)
    except ExchangeError as error:  # nothing of it can be read
        found = nir_graph.Layers(errors=error.errors)
    if split and not found.errors:
        found = nir_split.split(found)
    errors = list(found.errors) + [
        f"{name}: its neurons differ in {' and '.join(what)}, and a core of the chip has one set of biases; "
        "split=True makes a population of each"
        for name, what in nir_split.differing(found).items()
    ]
    cores = {}
    if not errors:
        for name, layer in found.populations.items():
            jumps = [one for one in found.jumps if one.target == name]
            cores[name] = Choice(layer, jumps, chip, biases, gain_ratio, tau).core_of()
        errors = [error for core in cores.values() for error in core.errors]
    rows = [row for core in cores.values() for row in core.rows]
    result = NirImport(None, pd.DataFrame(rows, columns=COLUMNS).astype(CODES), errors=errors, notes=list(found.notes))
    if any("largest jump" in error for error in errors) and area == 1:
        errors[-1] += "; if a tool with a time step wrote the graph, event_area is its dt"
    result.notes += [note for core in cores.values() for note in core.notes]
    if errors:
        if check:
            raise ExchangeError(errors, "from_nir")
        return result
    _build(result, found, cores, chip)
    return result


def _restored(graph, record: dict, chip: Chip | None) -> NirImport:
    """The network that `to_nir` was given; refused if somebody changed the graph since."""
    objects = nir_record.restored_objects(graph, record, None)
    network = nir_record.network_of(objects)
    changed = same_graph(graph, to_nir(network, record["accept"], record["event_area_s"] * second))
    if changed:
        raise ExchangeError(
            f"{changed}: was changed after the export, and its metadata was not; restore=False reads the NIR nodes "
            "as they are"
        )
    if chip is not None:
        objects = nir_record.restored_objects(graph, record, chip)
        network = nir_record.network_of(objects)
    unknown_rates = [row for row in record["losses"] if row["what"] == "rates"]
    return NirImport(
        network,
        nir_record.codes_report(objects["populations"], graph),
        populations=objects["populations"],
        inputs=objects["inputs"],
        connections=list(objects["connections"].values()),
        spikes={whole(one.source).name: one for one in objects["spikes"].values()},
        notes=[f"{row['where']}: {row['loss']}, which the file has not; its rates are 0 here" for row in unknown_rates],
        restored=True,
    )


def _build(result: NirImport, found: nir_graph.Layers, cores: dict, chip: Chip) -> None:
    names = _Names()
    for name, size in found.inputs.items():
        result.inputs[name] = SpikeGeneratorGroup(size, [], [] * second, name=names.free(name))
    for name, core in cores.items():
        result.populations[name] = Neurons(
            len(found.populations[name]), core.biases, core.latches, chip=chip, name=names.free(name)
        )
    groups = result.inputs | result.populations
    for name, core in cores.items():
        target = result.populations[name]
        for one in core.synapses:
            source = groups[one.source]
            made = Connection(
                source,
                target,
                one.dendrite,
                one.currents * amp,
                one.delay,
                name=names.free(f"{source.name}_{target.name}_{one.dendrite}"),
            )
            made.connect(i=one.i, j=one.j)
            result.connections.append(made)
    read = {name for names_read in found.outputs.values() for name in names_read}
    for name in result.populations:
        if name in read:
            group = result.populations[name]
            result.spikes[name] = SpikeMonitor(group, name=names.free(f"spikes_{group.name}"))
    used = {one.source for core in cores.values() for one in core.synapses}
    result.notes += [f"{name}: an input without synapses" for name in found.inputs if name not in used]
    result.network = Network(*groups.values(), *result.connections, *result.spikes.values())


class _Names:
    """Names that Brian2 takes, each once."""

    def __init__(self):
        self.taken = set()

    def free(self, name: str) -> str:
        name = re.sub(r"\W", "_", name, flags=re.ASCII)
        name = name if re.match(r"[A-Za-z]", name) else f"n{name}" if name.startswith("_") else f"n_{name}"
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name


def _checked(value, kind: type, name: str):
    if value is not None and not isinstance(value, kind):
        raise DynapseError(f"{name} is {type(value).__name__}; give a brian2dynapse.{kind.__name__}")
    return value


def _graph(graph):
    nir = nir_package()
    if isinstance(graph, (str, PathLike)):
        try:
            graph = nir.read(graph)
        except OSError as error:
            raise ExchangeError(f"{graph}: cannot be read: {error}; give a file that nir.write made") from None
        except (ValueError, KeyError, AssertionError) as error:
            raise ExchangeError(f"{graph}: is no NIR graph: {error}") from None
    if not isinstance(graph, nir.NIRGraph):
        raise ExchangeError(f"graph is {type(graph).__name__}; give a nir.NIRGraph or the path of its file")
    return graph
