"""`replicate`: copies of a network that differ in codes, chip or inputs, simulated as one vectorised network."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pandas as pd
from brian2 import Network, PoissonGroup, SpikeGeneratorGroup, SpikeMonitor, StateMonitor
from brian2.core.variables import ArrayVariable
from brian2.devices.device import RuntimeDevice, get_device
from brian2.groups.subgroup import Subgroup
from brian2.units import Quantity, hertz, second

from .arrays import variable_values
from .connection import Connection
from .errors import DynapseError, unknown_name
from .neurons import Neurons
from .provenance_record import carry, record_of
from .replica_advice import advice
from .replica_groups import ReplicatedConnection, ReplicatedNeurons
from .replica_settings import SOURCES, Setting, check_places, checked_copy, checked_objects, checked_settings

_SHOWN = 20  # settings in a notebook's table


def replicate(network: Network, settings: Sequence[Setting], name_suffix: str = "_replicas") -> Replicas:
    """Copies of a network, one a setting, as one network in which every group holds all copies side by side.

    Parameters
    ----------
    network : brian2.Network
        `Neurons`, `Connection`, `PoissonGroup`, `SpikeGeneratorGroup`, `SpikeMonitor` and `StateMonitor` (of Neurons);
        not yet run. It stays as it is.
    settings : sequence of Setting
        One a copy.
    name_suffix : str
        Added to the name of every object.

    Returns
    -------
    Replicas
        The copies, ready to run, and their results copy by copy.

    Raises
    ------
    DynapseError
        For anything else in the network, a network that has been run, or a setting that does not fit it; names the
        object or the copy.

    Notes
    -----
    Copy r of a group of N neurons is neurons r*N to (r + 1)*N - 1. It spikes exactly as a network on its own that was
    made with its codes, chip and inputs, on the same physical neurons and CAM words. A value that was set by
    hand is kept where its bias keeps its code. Of Poisson inputs every copy draws its own.

    Not copied: the diffusion grid (latch deam_ampa), subgroups with a monitor, rates that are an expression. In C++
    standalone mode the synapses must be known before the run (index arrays, or ``connect_fixed_indegree``), and weights
    and delays that were set by hand cannot be seen: the copies have those of their codes.

    What it saves: `advice`.

    Examples
    --------
    >>> settings = [bd.Setting(codes={"SOIF_DC_P": (2, fine)}) for fine in range(256)]    # doctest: +SKIP
    >>> replicas = bd.replicate(b2.Network(neurons, spikes), settings)                    # doctest: +SKIP
    >>> replicas.run(1*second); replicas.rates("spikes")                                  # doctest: +SKIP
    """
    objects = checked_objects(network)
    settings = checked_settings(settings)
    if not isinstance(name_suffix, str) or not f"a{name_suffix}".isidentifier() or not name_suffix:
        raise DynapseError(f"name_suffix is {name_suffix!r}; give letters, digits and underscores, such as '_replicas'")
    groups = {name: one for name, one in objects.items() if isinstance(one, Neurons)}
    sources = {name: one for name, one in objects.items() if isinstance(one, SOURCES)}
    copies = [checked_copy(number, setting, groups, sources) for number, setting in enumerate(settings)]
    check_places(groups, copies)
    made = {name: ReplicatedNeurons(one, copies, name + name_suffix) for name, one in groups.items()}
    for name, one in sources.items():
        make = _poisson if isinstance(one, PoissonGroup) else _spike_generator
        made[name] = make(one, [setting.inputs.get(name) for setting in settings], name + name_suffix)
    reached = [one.neurons.name for one in objects.values() if isinstance(one, Connection)]
    for name, one in objects.items():
        if isinstance(one, Connection):
            ends = [_in_network(one, _whole(end), objects) for end in (one.source, one.target)]
            alone = reached.count(one.neurons.name) == 1
            made[name] = ReplicatedConnection(one, copies, *(made[end] for end in ends), alone, name + name_suffix)
        elif isinstance(one, (SpikeMonitor, StateMonitor)):
            watched = made[_in_network(one, one.source, objects)]
            made[name] = _monitor(one, watched, len(copies), name + name_suffix)
    for name, one in objects.items():
        _check_parts(one, made[name])
        made[name].active = one.active
        if one._network is None:
            one._network = network.id  # used, as by a run of its own: else Brian2 warns when the user drops it
    many = Network(*made.values())
    many.schedule = network.schedule
    many.copied_from = network  # a standalone program holds its arrays, and looks for their owners when it is built
    return Replicas(many, settings, {name: made[name] for name in objects})


class Replicas:
    """Copies of a network in one; made by `replicate`.

    Parameters
    ----------
    network : brian2.Network
        All copies.
    settings : sequence of Setting
        One a copy.
    objects : dict
        The objects of `network` by their names in the network that was replicated.
    """

    def __init__(self, network: Network, settings: Sequence[Setting], objects: dict):
        self.network = network
        self.settings = tuple(settings)
        self._objects = objects

    def __len__(self) -> int:
        return len(self.settings)

    def __getitem__(self, name: str):
        if name not in self._objects:
            raise unknown_name("object of the network", name, self._objects)
        return self._objects[name]

    def run(self, duration, report=None, level: int = 0, **kwds) -> None:
        """Run all copies; as `brian2.Network.run`.

        Parameters
        ----------
        duration : Quantity
            Second.
        report, level, **kwds
            As in `brian2.Network.run`.
        """
        self.network.run(duration, report=report, level=level + 1, **kwds)

    @cached_property
    def provenance(self) -> dict:
        """Versions, chips, biases and circuits of all copies, see `provenance`."""
        parts = [one for one in self._objects.values() if isinstance(one, (Neurons, Connection))]
        groups = {name: one for name, one in self._objects.items() if isinstance(one, Neurons)}
        chips = [setting.chip for setting in self.settings if setting.chip is not None]
        if len(chips) < len(self):
            chips += [one.chip for one in groups.values()]
        circuits = [name for one in parts for name in one.circuits]
        return record_of(chips, None, circuits, {name: one.biases for name, one in groups.items()})

    def counts(self, name: str) -> np.ndarray:
        """Spikes of every neuron.

        Parameters
        ----------
        name : str
            A spike monitor, as in the network that was replicated.

        Returns
        -------
        numpy.ndarray of int
            Shape (copies, neurons).
        """
        monitor = self._monitor(name)
        return np.array(monitor.count[:]).reshape(len(self), -1)

    def spikes(self, name: str) -> pd.DataFrame:
        """Spikes of all copies, in the order of time.

        Parameters
        ----------
        name : str
            A spike monitor, as in the network that was replicated.

        Returns
        -------
        pandas.DataFrame
            A row a spike: replica, label, i (neuron in its copy), t_s.
        """
        monitor = self._monitor(name)
        if not monitor.record:
            raise DynapseError(f"{name} counts spikes and keeps no times (record=False); use counts({name!r})")
        replica, neuron = np.divmod(np.array(monitor.i[:], dtype=int), len(monitor.source) // len(self))
        labels = np.array([setting.label for setting in self.settings], dtype=object)
        times = np.asarray(monitor.t / second)
        table = pd.DataFrame({"replica": replica, "label": labels[replica], "i": neuron, "t_s": times})
        return carry(table, self.provenance)

    def rates(self, name: str, start=0 * second) -> pd.DataFrame:
        """Firing rate of every copy.

        Parameters
        ----------
        name : str
            A spike monitor, as in the network that was replicated.
        start : Quantity
            Spikes from this time on count, second.

        Returns
        -------
        pandas.DataFrame
            A row a copy: replica, label, rate_Hz (mean over neurons), std_Hz (over neurons).
        """
        counts, end = self.counts(name), float(self.network.t_)
        if not isinstance(start, Quantity) or start.dim is not second.dim or not 0 <= float(start) < end:
            raise DynapseError(f"start is {start}; give a time from 0 s to before the end of the run, {end:g} s")
        if float(start) > 0:
            spikes = self.spikes(name)
            late = spikes[spikes["t_s"] >= float(start)]
            place = late["replica"] * counts.shape[1] + late["i"]
            counts = np.bincount(place, minlength=counts.size).reshape(counts.shape)
        rates = counts / (end - float(start))
        table = pd.DataFrame(
            {
                "replica": np.arange(len(self)),
                "label": [setting.label for setting in self.settings],
                "rate_Hz": rates.mean(axis=1),
                "std_Hz": rates.std(axis=1),
            }
        )
        return carry(table, self.provenance)

    @property
    def advice(self) -> str:
        """Whether this beats as many runs; see `advice`."""
        objects = self._objects.values()
        neurons = sum(len(one) for one in objects if isinstance(one, Neurons))
        synapses = sum(len(one.synapse_pairs()[0]) for one in objects if isinstance(one, Connection))
        return advice(neurons, synapses, len(self), not isinstance(get_device(), RuntimeDevice))

    def _monitor(self, name: str) -> SpikeMonitor:
        monitor = self[name]
        if not isinstance(monitor, SpikeMonitor):
            raise DynapseError(f"{name} is {type(monitor).__name__}; give the name of a SpikeMonitor")
        if self.network.t_ == 0:
            raise DynapseError("the replicas have not been run; call run(...) before reading spikes")
        return monitor

    def __repr__(self) -> str:
        names = ", ".join(self._objects)
        return f"<Replicas: {len(self)} copies of a network of {names}>"

    def _repr_html_(self) -> str:
        shown = self.settings[:_SHOWN]
        table = pd.DataFrame(
            {
                "label": [one.label for one in shown],
                "codes": [str(dict(one.codes)) if one.codes else "" for one in shown],
                "chip": ["" if one.chip is None else repr(one.chip) for one in shown],
                "inputs": [", ".join(one.inputs) for one in shown],
            }
        )
        rest = f"<p>and {len(self) - _SHOWN} more</p>" if len(self) > _SHOWN else ""
        return f"<p>{html.escape(repr(self))}. {html.escape(self.advice)}</p>{table.to_html()}{rest}"


# -- the parts ---------------------------------------------------------------------------------------


def _in_network(one, end, objects: dict) -> str:
    if end.name not in objects or objects[end.name].id != end.id:  # of a subgroup, Brian2 gives a proxy of the source
        raise DynapseError(f"{one.name}: {end.name} is not in the network; add it")
    return end.name


def _whole(source):
    return source.source if isinstance(source, Subgroup) else source


def _check_parts(one, many) -> None:
    """Refuse what somebody added to an object, such as run_regularly: it would not be copied."""
    added = sorted(_parts(one) - _parts(many))
    if added:
        raise DynapseError(f"{one.name} has something of its own, {added[0]!r}, which is not copied; take it away")


def _parts(one) -> set[str]:
    """Names of what an object runs, and of its arrays, without its own name."""
    arrays = [
        name
        for name, variable in one.variables.items()
        if isinstance(variable, ArrayVariable) and variable.owner.name == one.name
    ]
    return {part.name.removeprefix(one.name) for part in one.contained_objects} | set(arrays)


# -- inputs and monitors -----------------------------------------------------------------------------


def _poisson(source: PoissonGroup, asked: list, name: str) -> PoissonGroup:
    """Copies of a Poisson group; `asked` has its rates in each copy, or None."""
    own = None if isinstance(source._rates, str) else variable_values(source, "rates")
    rows = []
    for number, rates in enumerate(asked):
        if rates is None and own is None:
            raise DynapseError(
                f"{source.name}: its rates are an expression, which is not copied; set them to numbers, or give those "
                f"of each copy, Setting(inputs={{{source.name!r}: 20*Hz}})"
            )
        if rates is not None:
            right = isinstance(rates, Quantity) and rates.dim is hertz.dim and np.shape(rates) in ((), (len(source),))
            if not right or not np.all(np.isfinite(rates)) or np.any(np.asarray(rates) < 0):
                raise DynapseError(
                    f"settings[{number}]: rates of {source.name} are {rates!r}; give one rate, or "
                    f"{len(source)}, in hertz"
                )
        rows.append(np.broadcast_to(own if rates is None else np.asarray(rates), len(source)))
    kwds = {"clock": source.clock, "when": source.when, "order": source.order, "name": name}
    return PoissonGroup(len(source) * len(asked), np.concatenate(rows) * hertz, **kwds)


def _spike_generator(source: SpikeGeneratorGroup, asked: list, name: str) -> SpikeGeneratorGroup:
    """Copies of a spike generator; `asked` has its (indices, times) in each copy, or None."""
    size, period = len(source), float(np.ravel(variable_values(source, "period"))[0])
    indices, times = [], []
    for number, spikes in enumerate(asked):
        own = (source._neuron_index, source._spike_time * second)
        which, when = own if spikes is None else _checked_spikes(number, source, spikes, period)
        indices.append(np.asarray(which, dtype=int) + number * size)
        times.append(np.asarray(when, dtype=float))
    kwds = {"clock": source.clock, "when": source.when, "order": source.order, "name": name}
    every = np.concatenate(indices), np.concatenate(times) * second
    return SpikeGeneratorGroup(size * len(asked), *every, period=period * second, **kwds)


def _checked_spikes(number: int, source, spikes, period: float) -> tuple[np.ndarray, Quantity]:
    where = f"settings[{number}]: spikes of {source.name}"
    if not isinstance(spikes, (tuple, list)) or len(spikes) != 2:
        raise DynapseError(f"{where} are {type(spikes).__name__}; give (indices, times)")
    indices, times = np.asarray(spikes[0]), spikes[1]
    if (
        not isinstance(times, Quantity)
        or times.dim is not second.dim
        or times.shape != indices.shape
        or times.ndim != 1
    ):
        raise DynapseError(f"{where}: give as many times, in second, as indices ({indices.size})")
    if indices.size and (indices.dtype.kind not in "iu" or indices.min() < 0 or indices.max() >= len(source)):
        raise DynapseError(f"{where}: indices are {indices}; give integers 0..{len(source) - 1}")
    end = period or np.inf
    if not np.all((np.asarray(times) >= 0) & (np.asarray(times) < end)):
        raise DynapseError(f"{where}: times are {np.min(times)} to {np.max(times)}; give 0 s to before {end:g} s")
    return indices, times


def _monitor(monitor, watched, number: int, name: str):
    """Copies of a monitor: the k-th record of copy r is the (r*len(record) + k)-th."""
    kwds = {"when": monitor.when, "order": monitor.order, "name": name}
    if isinstance(monitor, SpikeMonitor):
        variables = sorted(set(monitor.record_variables) - {"i", "t"})
        return SpikeMonitor(watched, variables or None, monitor.record, **kwds)
    record = True
    if not monitor.record_all:
        size = len(watched) // number
        record = (np.arange(number)[:, None] * size + monitor.record).ravel()
    return StateMonitor(watched, monitor.record_variables, record, clock=monitor.clock, **kwds)
