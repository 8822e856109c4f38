"""What a Brian2 network asks of the chip, as a `Demand`; what the chip cannot do is refused here."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from brian2 import EventMonitor, NetworkOperation, PoissonInput, PopulationRateMonitor, StateMonitor, Synapses
from brian2.core.spikesource import SpikeSource
from brian2.groups.group import CodeRunner
from brian2.groups.subgroup import Subgroup
from brian2.units import Quantity

from . import weight_fit
from .arrays import variable_values
from .chip import Chip
from .configuration import Dendrite
from .connection import Connection
from .demand import KIND, UNSET, Demand, InputGroup, Link, Population
from .diffusion import Grid
from .errors import DynapseError, MappingError, WeightError
from .facts import NEURONS_PER_CORE, modelled_parameters
from .neurons import Neurons
from .placement import core_name
from .provenance_record import provenance

_BIASES_OF = {"delay": "SYPD_DLY0_P to SYPD_DLY2_P", "I_weight": "SYAM_W0_P to SYAM_W3_P"}
BY_HAND = 1e-9  # relative difference beyond which a current or delay is not that of its code


@dataclass
class Extract:
    """A demand, and the Brian2 objects that it came from.

    Attributes
    ----------
    demand : Demand
    groups : dict of str to Neurons
    connections : list of Connection
        In the order of the links.
    asked_currents : dict
        (population, bias) to amp.
    weights : pandas.DataFrame
        See `Mapping.weights`.
    notes : list of str
    made_with : dict
        Provenance of the network.
    """

    demand: Demand
    groups: dict
    connections: list
    asked_currents: dict
    weights: pd.DataFrame
    notes: list
    made_with: dict


def extract(network, seed: int = 0, weight_error: str = "absolute", chip: Chip | None = None) -> Extract:
    """Read a network.

    Parameters
    ----------
    network : brian2.Network
        With `Neurons`, `Connection`s, their inputs and monitors.
    seed : int
        Of the search for weight codes.
    weight_error : str
        ``"absolute"`` or ``"relative"``, see `weight_fit.fit`.
    chip : Chip, optional
        The individual that codes are chosen for; unless given, that of each population.

    Raises
    ------
    MappingError
        For objects that the chip cannot do, and values that were set by hand and no code has.
    WiringError
        For synapses that are not known before the run.
    """
    objects = network.sorted_objects
    groups = {one.name: one for one in objects if isinstance(one, Neurons)}
    connections = [one for one in objects if isinstance(one, Connection)]
    if not groups:
        raise MappingError("the network has no Neurons; there is nothing to map")
    notes = _check_objects(objects, groups)
    populations = [_population(group, objects) for group in groups.values()]
    _check_grids(populations)
    inputs = {}
    for connection in connections:
        _check_connection(connection, groups)
        origin = _whole(connection.source)
        if not isinstance(origin, Neurons):
            inputs[origin.name] = InputGroup(origin.name, len(origin))
    inputs = tuple(inputs[name] for name in sorted(inputs))
    links = tuple(
        Link(one.name, _whole(one.source).name, one.neurons.name, one.shares_tags and _whole(one.source).name in groups)
        for one in connections
    )
    demand = Demand(tuple(populations), inputs, links, pd.DataFrame())
    demand = replace(demand, synapses=_synapses(demand, connections))
    demand, weights = _with_fitted_weights(demand, groups, connections, seed, weight_error, chip)
    asked = {
        (name, bias): group.biases.asked(bias)
        for name, group in groups.items()
        for bias in group.biases
        if group.biases.asked(bias) is not None
    }
    # what was asked of a weight current whose code was then chosen for real-valued weights is void
    codes = {population.name: population.codes for population in demand.populations}
    asked = {(name, bias): amp for (name, bias), amp in asked.items() if codes[name][bias] == groups[name].biases[bias]}
    return Extract(
        demand, groups, connections, asked, weights, notes, provenance(*groups.values(), *connections, chip, seed=seed)
    )


def _whole(source):
    return source.source if isinstance(source, Subgroup) else source


def _check_objects(objects, groups) -> list[str]:
    """Refuse what acts on neurons and the chip cannot do; note what is not mapped."""
    own = {f"{name}_ahead" for name in groups}  # of the diffusion grid
    notes = []
    for one in objects:
        if isinstance(one, (Neurons, Connection)) and not one.active:
            raise MappingError(f"{one.name} is not active, and the chip has no such switch; take it out of the network")
        if isinstance(one, Synapses) and not isinstance(one, (Connection, Grid)):
            onto = isinstance(_whole(one.target), Neurons)
            back = isinstance(_whole(one.source), Neurons) and _writes_to_source(one)
            if onto or back:
                raise MappingError(
                    f"{one.name} are plain Synapses that act on Neurons; the chip has the synapses of a Connection only"
                )
            notes.append(f"{one.name}: Synapses that act on no Neurons are not mapped")
        elif isinstance(one, PoissonInput):
            if isinstance(_whole(one._group), Neurons):
                raise MappingError(
                    f"{one.name} adds to a variable of {one._group.name}; the chip receives events: use a PoissonGroup "
                    "and a Connection"
                )
        elif isinstance(one, NetworkOperation):
            notes.append(f"{one.name}: a network operation runs in the simulation only")
        elif type(one) is CodeRunner and isinstance(_whole(one.group), (Neurons, Connection)) and one.name not in own:
            raise MappingError(
                f"{one.name} changes variables of {one.group.name} as it runs; the chip cannot, remove it"
            )
    return notes


def _check_grids(populations) -> None:
    """The diffusion grid of a core is one: populations on it are coupled on the chip, and not in the model."""
    owner = {}
    for population in populations:
        if "deam_ampa" in population.latches:
            for core in np.unique(population.physical // NEURONS_PER_CORE).tolist():
                other = owner.setdefault(core, population.name)
                if other != population.name:
                    raise MappingError(
                        f"deam_ampa: {other} and {population.name} are both nodes of the diffusion grid of "
                        f"{core_name(core)}, which couples them on the chip but not in the model; make them one "
                        "population, or put them on different cores, Neurons(..., chip=chip, physical=...)"
                    )


def _writes_to_source(synapses: Synapses) -> bool:
    """Whether synapses change variables of the neurons that they come from."""
    code = "\n".join(pathway.code for pathway in synapses._pathways)
    summed = any(name.endswith("_pre") for name in synapses.summed_updaters)
    return summed or re.search(r"\b\w+_pre\s*[-+*/]?=[^=]", code) is not None


def _population(group: Neurons, objects) -> Population:
    _check_parameters(group)
    _check_constants(group, group.constants())
    read_out = np.zeros(len(group), dtype=bool)
    monitored = []
    for one in objects:
        monitors = isinstance(one, (EventMonitor, PopulationRateMonitor, StateMonitor))
        if monitors and _whole(one.source).name == group.name:
            first = one.source.start if isinstance(one.source, Subgroup) else 0
            if isinstance(one, StateMonitor):
                monitored += (
                    [int(index) + first for index in np.atleast_1d(one.record)] if one.record is not False else []
                )
            elif getattr(one, "event", "spike") == "spike":
                read_out[first : first + len(one.source)] = True
    return Population(
        name=group.name,
        size=len(group),
        codes={name: tuple(group.biases[name]) for name in group.biases},
        latches=group.latches,
        dendrites=tuple(sorted(group.dendrites)),
        read_out=read_out,
        monitored=tuple(dict.fromkeys(monitored)),
        physical=group.physical if group.placed_by_hand else None,
    )


def _check_parameters(group: Neurons) -> None:
    """Every current is that of its code; on the chip nothing else can be."""
    for parameter in group.equation_parameters():
        values = group.parameter_values(parameter)
        if values is None:  # standalone mode cannot tell
            continue
        expected = group.bias_values(parameter)
        wrong = np.flatnonzero(np.abs(values - expected) > BY_HAND * expected)
        if wrong.size:
            bias, k = modelled_parameters()[parameter], wrong[0]
            raise MappingError(
                f"{bias}: {parameter} of {group.name}[{k}] is {values[k]:.4g} A, set by hand; its code "
                f"{tuple(group.biases[bias])} gives {expected[k]:.4g} A, to all neurons of the core. Set the bias, "
                f"{group.name}.biases[{bias!r}] = ..., and make a population of its own for neurons that differ"
            )


def _check_constants(owner, constants: dict) -> None:
    """Every constant is that of the chip."""
    for name, expected in constants.items():
        values = variable_values(owner, name) if name in owner.variables else None
        if values is not None and np.any(np.abs(values - expected) > BY_HAND * abs(expected)):
            raise MappingError(
                f"{name} of {owner.name} is {np.ravel(values)[0]:.4g}, set by hand; its chip has {expected:.4g} (SI). "
                "Say what differs of the individual when you make it, for example Chip(C_mem=31*pF)"
            )


def _check_connection(connection: Connection, groups) -> None:
    for end, group in (("source", _whole(connection.source)), ("target", connection.neurons)):
        if isinstance(group, Neurons) and group.name not in groups:
            raise MappingError(f"{connection.name}: its {end} {group.name} is not in the network; add it")
        if not isinstance(group, SpikeSource):
            raise MappingError(f"{connection.name}: its {end} {group.name} makes no spikes")
    if not connection._connect_called:
        raise MappingError(f"{connection.name} has no synapses; call connect() or connect_fixed_indegree()")
    _check_constants(connection, {name: connection.neurons.chip.constants[name] for name in ("Q_extender", "C_std")})
    values_of_codes = {"delay": connection.delays_of_codes(), "I_weight": connection.weights_of_codes()}
    for name in ("I_extender", "I_std_drop", "I_std_recovery"):
        if name in connection.variables:
            values_of_codes[name] = connection.currents_of_codes(name)
    for name, expected in values_of_codes.items():
        values = variable_values(connection.pre if name == "delay" else connection, name)
        if values is None or not np.size(values):
            continue
        expected = np.broadcast_to(expected, values.shape)
        wrong = np.flatnonzero(np.abs(values - expected) > BY_HAND * expected)
        if wrong.size:
            k = wrong[0]
            raise MappingError(
                f"{connection.name}: {name} of synapse {k} is {values.flat[k]:.4g}, set by hand; bits and codes make "
                f"{expected.flat[k]:.4g} (SI units). The chip has no other: set delay and weight bits, and the biases "
                f"{_BIASES_OF.get(name, modelled_parameters().get(name))}"
            )


def _synapses(demand: Demand, connections) -> pd.DataFrame:
    parts = []
    for k, connection in enumerate(connections):
        pre, post = connection.synapse_pairs()
        weight = connection.weight
        mask = 0 if isinstance(weight, Quantity) else int(weight, 2) if isinstance(weight, str) else weight
        if np.ndim(weight) == 1 and len(weight) != len(pre):
            raise WeightError(f"{connection.name}: there are {len(weight)} weights for {len(pre)} synapses")
        parts.append(
            pd.DataFrame(
                {
                    "link": k,
                    "number": np.arange(len(pre)),
                    "source": pre + demand.members(demand.links[k].source).start,
                    "target": post + demand.members(demand.links[k].target).start,
                    "dendrite": int(Dendrite[connection.dendrite]),
                    "weight": mask,
                    "precise_delay": int(connection.delay_bits in ("precise", "both")),
                    "mismatched_delay": int(connection.delay_bits in ("mismatched", "both")),
                    "stp": int(connection.std),
                    "cam": connection.cams if connection.cams_chosen else UNSET,
                    "tag": UNSET if connection.tags is None else connection.tags,
                }
            )
        )
    columns = ["link", "number", "source", "target", *KIND, "cam", "tag"]
    return pd.concat(parts, ignore_index=True).astype(int) if parts else pd.DataFrame(columns=columns, dtype=int)


def _with_fitted_weights(demand, groups, connections, seed, weight_error, chip) -> tuple[Demand, pd.DataFrame]:
    """Weight codes and masks for real-valued weights, bias set by bias set; codes that given masks use stay."""
    real = [k for k, one in enumerate(connections) if isinstance(one.weight, Quantity)]
    synapses, populations, tables = demand.synapses.copy(), list(demand.populations), []
    sets = dict.fromkeys(population.bias_set for population in populations)
    for bias_set in sets:
        members = [p.name for p in populations if p.bias_set == bias_set]
        onto = [k for k, link in enumerate(demand.links) if link.target in members]
        mine = [k for k in onto if k in real]
        rows = np.flatnonzero(np.isin(synapses["link"], mine))
        if not rows.size:
            continue
        wanted = np.concatenate(
            [np.broadcast_to(np.asarray(connections[k].weight), np.sum(synapses["link"] == k)) for k in sorted(mine)]
        )
        masks = synapses.loc[np.isin(synapses["link"], [k for k in onto if k not in mine]), "weight"]
        used = np.bitwise_or.reduce(masks.to_numpy(), initial=0)
        codes = dict(bias_set_codes(bias_set))
        names = weight_fit.WEIGHT_BIASES
        fixed = {bit: codes[name] for bit, name in enumerate(names) if used >> bit & 1}
        try:
            found = weight_fit.fit(
                wanted,
                groups[members[0]].biases.table,
                seed=seed,
                fixed=fixed or None,
                error=weight_error,
                scale=(chip or groups[members[0]].chip).mirror_scale(names[0]),
            )
        except DynapseError as error:
            names = ", ".join(connections[k].name for k in mine)
            raise type(error)(f"weights of {names}: {error}") from None
        synapses.loc[rows, "weight"] = found.masks
        chosen = {name: tuple(int(part) for part in code) for name, code in found.biases.items()}
        populations = [replace(p, codes={**p.codes, **chosen}) if p.name in members else p for p in populations]
        tables.append(
            pd.DataFrame(
                {
                    "connection": [demand.links[k].name for k in synapses["link"].to_numpy()[rows]],
                    "number": synapses["number"].to_numpy()[rows],
                    "wanted_A": wanted,
                    "got_A": found.got,
                    "error": np.divide(found.got - wanted, wanted, out=np.zeros(len(wanted)), where=wanted > 0),
                }
            )
        )
    weights = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(
        columns=["connection", "number", "wanted_A", "got_A", "error"]
    )  # fmt: skip
    return replace(demand, populations=tuple(populations), synapses=synapses), weights


def bias_set_codes(bias_set) -> dict[str, tuple[int, int]]:
    """Codes of a `Population.bias_set`."""
    return {name: (coarse, fine) for name, coarse, fine in bias_set}
