"""What NIR does not say about a network of the chip: circuits that it has no node for, and what else is lost."""

from __future__ import annotations

import numpy as np
from brian2 import (
    EventMonitor,
    NetworkOperation,
    NeuronGroup,
    PoissonGroup,
    PoissonInput,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
)
from brian2.groups.group import CodeRunner
from brian2.groups.subgroup import Subgroup
from brian2.monitors.ratemonitor import PopulationRateMonitor

from . import linear_limit
from .connection import Connection
from .diffusion import Grid
from .neurons import Neurons

# What a caller accepts to lose, to the circuits (equation files) or latches that are meant, and what NIR cannot say.
MEANING = {
    "adaptation": (("adaptation",), "spike-frequency adaptation"),
    "alpha": (("ampa_alpha", "nmda_alpha"), "an alpha-function dendrite, the difference of two filters"),
    "conductance": (("conductance", "conductance_symmetric"), "conductance dendrites, which the membrane weakens"),
    "depression": ((), "short-term depression"),
    "diffusion": (("diffusion",), "the diffusion grid, which couples neighbours"),
    "exponential": (("exponential_feedback",), "the exponential soma; the threshold of a LIF is hard"),
    "homeostasis": (("homeostasis",), "homeostasis, a gain that moves"),
    "nmda_gate": (("nmda_gate",), "the NMDA gate, which the membrane opens"),
    "repeated_events": (("repeated_events",), "several events per spike"),
    "shunt": ((), "shunting inhibition, which adds to the leak; a LIF knows subtraction only"),
    "soif_kill": (("soif_kill",), "neurons that are switched off; the nodes would fire"),
}  # fmt: skip
_MONITORS = (EventMonitor, StateMonitor, PopulationRateMonitor)


def shunting(neurons: Neurons) -> str:
    """The dendrite whose current adds to the leak."""
    return "gaba" if neurons.chip.swap_gaba_shunt else "shunt"


def whole(source):
    """The group that a source of spikes is a part of, or itself."""
    return source.source if isinstance(source, Subgroup) else source


def meanings(groups: list[Neurons], connections: list[Connection]) -> dict[str, list[str]]:
    """Circuits whose meaning NIR cannot say.

    Parameters
    ----------
    groups : list of Neurons
        All populations.
    connections : list of Connection
        All connections.

    Returns
    -------
    dict of str to list of str
        What a caller may accept to lose, to the populations and connections that have it.
    """
    found = {}
    for group in groups:
        on = {*group.circuits, *group.latches}
        for name, (circuits, _) in MEANING.items():
            if on & set(circuits):
                found.setdefault(name, []).append(group.name)
    for one in connections:
        if one.dendrite == shunting(one.neurons):
            found.setdefault("shunt", []).append(one.name)
        if one.std:
            found.setdefault("depression", []).append(one.name)
    return dict(sorted(found.items()))


def foreign(objects, own_names) -> list[str]:
    """Objects of a network that have no node in NIR and act on it."""
    ahead = {f"{name}_ahead" for name in own_names}  # of the diffusion grid
    problems = []
    for one in sorted(objects, key=lambda each: each.name):
        ours = isinstance(one, (Neurons, Connection, Grid))
        if isinstance(one, (NeuronGroup, Synapses, PoissonInput, NetworkOperation)) and not ours:
            problems.append(
                f"{one.name}: {type(one).__name__} has no node in NIR here; export a network of Neurons, Connections, "
                "PoissonGroups and SpikeGeneratorGroups"
            )
        elif type(one) is CodeRunner and isinstance(whole(one.group), (Neurons, Connection)) and one.name not in ahead:
            problems.append(f"{one.name}: changes variables of {one.group.name} as it runs; NIR has no node for it")
    for one in objects:
        source = whole(one.source) if isinstance(one, Connection) else None
        if source is not None and not isinstance(source, (Neurons, PoissonGroup, SpikeGeneratorGroup)):
            problems.append(
                f"{one.name}: its source {source.name} is a {type(source).__name__}, which has no node in NIR"
            )
    return problems


def losses(objects, groups, connections, accepted: dict[str, list[str]], short_delays: list[str]) -> list[dict]:
    """What an export loses, a row a thing.

    Parameters
    ----------
    objects : iterable of BrianObject
        Of the network.
    groups : list of Neurons
        All populations.
    connections : list of Connection
        All connections.
    accepted : dict of str to list of str
        `meanings` that the caller accepts to lose.
    short_delays : list of str
        Connections whose delay is left out.

    Returns
    -------
    list of dict
        Keys what, where (name of an object), loss.
    """
    rows = [
        {"what": name, "where": where, "loss": f"{MEANING[name][1]}; accepted"}
        for name, places in accepted.items()
        for where in places
    ]
    for group in groups:
        rows += _of_group(group)
    for one in connections:
        rows += _of_connection(one, one.name in short_delays)
    for one in objects:
        read_out = isinstance(one, SpikeMonitor) and isinstance(whole(one.source), Neurons)
        if isinstance(one, _MONITORS) and not read_out:
            rows.append({"what": "monitor", "where": one.name, "loss": "what is recorded is not carried"})
        if isinstance(one, PoissonGroup) and isinstance(one._rates, str):
            rows.append({"what": "rates", "where": one.name, "loss": f"rates by an expression, {one._rates!r}"})
    return rows


def _of_group(group: Neurons) -> list[dict]:
    floor = group.chip.constants["I_0"]
    threshold, gain = (float(np.mean(group.bias_values(name))) for name in ("I_threshold", "I_gain"))
    refractory = group.chip.constants["Q_refractory"] / group.bias_current("I_refractory")
    share = float(linear_limit.lost_jump(threshold, gain, floor))
    rows = [
        (
            "gain",
            f"below I_gain the membrane multiplies instead of adding; I_threshold / I_gain is {threshold / gain:.3g}: "
            f"{100 * share:.3g} % of the charge of a spike from rest go into that",
        ),
        ("refractory period", f"{refractory:.3g} s (SOIF_REFR_N); a node has none"),
        ("input", "the input of the soma cannot fall below zero: inhibition acts on excitation that comes with it"),
        ("floor", f"the membrane current ends at I_0, {floor:.3g} A, on which a node knows nothing"),
    ]
    if "calcium" in group.circuits:
        rows.append(("calcium", "the calcium current"))
    if group.chip.noise:
        rows.append(("noise", f"shot noise, {group.chip.noise:g}"))
    if group.chip.individual:
        rows.append(("mismatch", "of thresholds, time constants and weights: carried; of refractory periods: not"))
    return [{"what": what, "where": group.name, "loss": loss} for what, loss in rows]


def _of_connection(connection: Connection, short: bool) -> list[dict]:
    rows = [("pulse", f"pulses of up to {connection.longest_pulse():.3g} s that merge; events of a node have no width")]
    if short:
        rows.append(("delay", f"{np.max(connection.delays_of_codes(), initial=0):.3g} s, below the time step"))
    elif np.ndim(connection.delays_of_codes()):
        rows.append(("delay", "each synapse has its own; the node has their mean"))
    return [{"what": what, "where": connection.name, "loss": loss} for what, loss in rows]
