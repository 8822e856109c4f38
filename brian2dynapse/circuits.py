"""From equation files to one Brian2 model: reads `equations/*.eqs` and composes circuits.

A file is a page of ordinary Brian2 equations and comments, with four kinds of lines more:

    I_sum += Iampa                     this circuit adds a current to a sum of the soma (or -=)
    I_sum: Inmda -> Inmda/(1 + ...)    ... changes a current on its way into that sum
    spike when: Imem > I_threshold     condition of an output spike
    on spike: Qahp += ...              what a spike does (on event: ..., in synapses)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from .errors import DynapseError, unknown_name
from .facts import latch_table

# dendrite: (current, charge packet). The order is that of the chip's dendrite field.
DENDRITES = {
    "ampa": ("Iampa", "Qampa"),
    "nmda": ("Inmda", "Qnmda"),
    "gaba": ("Igaba", "Qgaba"),
    "shunt": ("Ishunt", "Qshunt"),
}
STATE_CURRENTS = ("Imem", "Iahp", *(current for current, _ in DENDRITES.values()))
# Brian2 needs every variable when a group is made, also those of circuits that are switched on later.
_MODELLED_LATCHES = frozenset(name for name, (effect, _) in latch_table().items() if effect == "modelled")
SUMS = ("I_sum", "I_inhibition", "I_feedback")

_CONTRIBUTION = re.compile(r"^(\w+) ([+-])= (.+)$")
_CHANGE = re.compile(r"^(\w+): (\w+) -> (.+)$")
_EVENT = re.compile(r"^(spike when|on spike|on event): (.+)$")


@dataclass(frozen=True)
class Circuit:
    """One equation file.

    Attributes
    ----------
    name : str
        File name without ``.eqs``.
    text : str
        The whole page.
    equations : tuple of str
        Brian2 lines.
    contributions : tuple of (str, str, str)
        Sum, sign, expression.
    changes : tuple of (str, str, str)
        Sum, current, what replaces it there.
    events : tuple of (str, str)
        Kind (``"spike when"``, ``"on spike"``, ``"on event"``) and code.
    """

    name: str
    text: str
    equations: tuple[str, ...]
    contributions: tuple[tuple[str, str, str], ...]
    changes: tuple[tuple[str, str, str], ...]
    events: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Model:
    """Circuits composed for one group: Brian2 equations, threshold and reset as text."""

    equations: str
    threshold: str
    reset: str


@cache
def circuit(name: str) -> Circuit:
    """Read one equation file.

    Parameters
    ----------
    name : str
        File name without ``.eqs``.

    Returns
    -------
    Circuit
        Its lines by kind.
    """
    text = resources.files("brian2dynapse.equations").joinpath(f"{name}.eqs").read_text(encoding="utf-8")
    equations, contributions, changes, events = [], [], [], []
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        if match := _EVENT.match(line):
            events.append(match.groups())
        elif match := _CONTRIBUTION.match(line):
            contributions.append(match.groups())
        elif match := _CHANGE.match(line):
            changes.append(match.groups())
        else:
            equations.append(line)
    return Circuit(name, text, tuple(equations), tuple(contributions), tuple(changes), tuple(events))


def check_dendrite(name: str) -> str:
    """Check the name of a dendrite; raises UnknownNameError."""
    if not isinstance(name, str) or name not in DENDRITES:
        raise unknown_name("dendrite", name, DENDRITES)
    return name


def circuits_of(latches: frozenset[str], dendrites: frozenset[str]) -> list[str]:
    """Names of the equation files that latches and dendrites switch on, in a fixed order."""
    names = ["soma"]
    names += ["exponential_feedback"] if "soif_type" in latches else []
    names += ["dc_input"] if "so_dc" in latches else []
    names += ["adaptation"] if "so_adaptation" in latches else []
    names += [dendrite for dendrite in DENDRITES if dendrite in dendrites]
    names += ["nmda_gate"] if "denm_nmda" in latches and "nmda" in dendrites else []
    return names


def compose(circuit_names: list[str], swap_gaba_shunt: bool = False) -> Model:
    """Compose circuits into one neuron model: what a group integrates.

    Parameters
    ----------
    circuit_names : list of str
        Equation files, see `circuits_of`.
    swap_gaba_shunt : bool
        Exchange the actions of the GABA and the shunt dendrite.

    Returns
    -------
    Model
        Only what these circuits need.
    """
    circuits = [circuit(name) for name in circuit_names]
    events = [event for one in circuits for event in one.events]
    return Model(
        equations="\n".join(_lines(circuits, _contributions(circuits, swap_gaba_shunt))),
        threshold=" and ".join(code for kind, code in events if kind == "spike when"),
        reset="\n".join(code for kind, code in events if kind == "on spike"),
    )


def declare(latches: frozenset[str], swap_gaba_shunt: bool = False) -> str:
    """Equations that declare the variables of every circuit, for reading and monitors.

    A dendrite may be switched on after a monitor was made. So the sums of the soma are declared with a
    switch (0 or 1) for every dendrite, `on_ampa` and so on, and stay true whenever they are read.

    Parameters
    ----------
    latches : frozenset of str
        Latches of the group; the sums hold what they connect.
    swap_gaba_shunt : bool
        As in `compose`.

    Returns
    -------
    str
        Brian2 equations.
    """
    contributions = []
    for name in circuits_of(latches, frozenset(DENDRITES)):
        switch = f"on_{name}*" if name in DENDRITES else ""
        contributions += [
            (total, sign, switch + term) for total, sign, term in _actions(circuit(name), swap_gaba_shunt)
        ]
    if "denm_nmda" in latches:
        contributions = _changed(contributions, circuit("nmda_gate"))
    every = [circuit(name) for name in circuits_of(_MODELLED_LATCHES, frozenset(DENDRITES))]
    switches = [f"on_{name} : 1 (shared)" for name in DENDRITES]
    return "\n".join([*_lines(every, contributions), *switches])


def _contributions(circuits: list[Circuit], swap_gaba_shunt: bool) -> list[tuple[str, str, str]]:
    contributions = [line for one in circuits for line in _actions(one, swap_gaba_shunt)]
    for one in circuits:
        contributions = _changed(contributions, one)
    return contributions


def _changed(contributions, one: Circuit) -> list[tuple[str, str, str]]:
    for total, current, replacement in one.changes:
        contributions = [
            (into, sign, re.sub(rf"\b{current}\b", replacement, term) if into == total else term)
            for into, sign, term in contributions
        ]
    return contributions


def _lines(circuits: list[Circuit], contributions) -> list[str]:
    """Equations of circuits, each variable once, with the sums filled in."""
    lines = {}
    for one in circuits:
        for line in one.equations:
            name = re.split(r"[ :=]", line.replace("/dt", ""), maxsplit=1)[0]
            if name in SUMS:
                line = line.replace("{sum}", _sum(contributions, name))
            if lines.setdefault(name, line) != line:
                raise DynapseError(f"{one.name}.eqs declares {name} as '{line}', another circuit as '{lines[name]}'")
    return list(lines.values())


def _actions(one: Circuit, swap_gaba_shunt: bool) -> tuple[tuple[str, str, str], ...]:
    """What a circuit adds to the sums of the soma; GABA and shunt may take each other's action."""
    partner = {"gaba": "shunt", "shunt": "gaba"}.get(one.name)
    if not (swap_gaba_shunt and partner):
        return one.contributions
    own, other = DENDRITES[one.name][0], DENDRITES[partner][0]
    return tuple((total, sign, term.replace(other, own)) for total, sign, term in circuit(partner).contributions)


def _sum(contributions, total: str) -> str:
    terms = [f"{sign} {expression}" for into, sign, expression in contributions if into == total]
    return " ".join(terms).removeprefix("+ ") if terms else "0*amp"


def synapse(dendrite: str) -> tuple[str, str]:
    """Equations and event code of a synapse that acts on a dendrite.

    Parameters
    ----------
    dendrite : str
        One of `DENDRITES`.

    Returns
    -------
    equations, on_pre : str
        For Brian2's `Synapses`.
    """
    page = circuit("synapse")
    charge = DENDRITES[check_dendrite(dendrite)][1]
    on_event = "\n".join(code for kind, code in page.events if kind == "on event")
    return "\n".join(page.equations), on_event.replace("{charge}", charge)
