"""Which circuits a group has, and their pages composed into one Brian2 model."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import DynapseError, unknown_name
from .pages import Page, changed, page

# dendrite: (current, charge packet). The order is that of the chip's dendrite field.
DENDRITES = {
    "ampa": ("Iampa", "Qampa"),
    "nmda": ("Inmda", "Qnmda"),
    "gaba": ("Igaba", "Qgaba"),
    "shunt": ("Ishunt", "Qshunt"),
}
ALPHA_LATCHES = {"ampa": "deam_alpha", "nmda": "denm_alpha"}
SUMS = ("I_sum", "I_inhibition", "I_feedback")
# Brian2 needs every variable when a group is made. Those of these circuits can be read in every group; they
# are the currents of the public interface and the parameters that go with them.
_ALWAYS_READABLE = frozenset({"so_dc", "so_adaptation", "coho_ca_mem", "denm_nmda"})


@dataclass(frozen=True)
class Reading:
    """What a chip leaves open or has by choice: it decides which pages are used.

    Attributes
    ----------
    swap_gaba_shunt : bool
        GABA and shunt dendrites take each other's action.
    symmetric_conductance : bool
        The conductance dendrites are symmetric amplifiers.
    noise : bool
        The membrane is noisy.
    repeated_events : bool
        The exponential soma sends several events per spike.
    """

    swap_gaba_shunt: bool = False
    symmetric_conductance: bool = False
    noise: bool = False
    repeated_events: bool = False

    @classmethod
    def of(cls, chip) -> Reading:
        """What a `Chip` says."""
        return cls(
            swap_gaba_shunt=chip.swap_gaba_shunt,
            symmetric_conductance=chip.conductance == "symmetric",
            noise=chip.noise > 0,
            repeated_events=chip.events_per_spike > 1,
        )


@dataclass(frozen=True)
class Model:
    """Circuits composed for one group: Brian2 equations, threshold and reset as text."""

    equations: str
    threshold: str
    reset: str


def check_dendrite(name: str) -> str:
    """Check the name of a dendrite; raises UnknownNameError."""
    if not isinstance(name, str) or name not in DENDRITES:
        raise unknown_name("dendrite", name, DENDRITES)
    return name


def dendrite_page(dendrite: str, latches: frozenset[str]) -> str:
    """Name of the page of a dendrite: plain or alpha function."""
    return f"{dendrite}_alpha" if ALPHA_LATCHES.get(dendrite) in latches else dendrite


def dendrite_states(dendrite: str, latches: frozenset[str]) -> tuple[str, ...]:
    """Names of the currents that a dendrite integrates: one, or the two of an alpha function."""
    current = DENDRITES[dendrite][0]
    return (f"{current}_e", f"{current}_i") if ALPHA_LATCHES.get(dendrite) in latches else (current,)


def state_currents(latches: frozenset[str]) -> tuple[str, ...]:
    """Names of the currents that a group with these latches can integrate."""
    return ("Imem", "Iahp", "Ica", *(name for dendrite in DENDRITES for name in dendrite_states(dendrite, latches)))


def circuits_of(
    latches: frozenset[str], dendrites: frozenset[str], reading: Reading = Reading(), calcium: bool = False
) -> list[str]:
    """Names of the pages that latches and dendrites switch on, in a fixed order.

    Parameters
    ----------
    latches, dendrites : frozenset of str
        What is on.
    reading : Reading
        Of the chip.
    calcium : bool
        The calcium circuit is wanted although no latch asks for it.
    """
    switched_on = {
        "soma": True,
        "exponential_feedback": "soif_type" in latches,
        "repeated_events": "soif_type" in latches and reading.repeated_events,
        "noise": reading.noise,
        "dc_input": "so_dc" in latches,
        "adaptation": "so_adaptation" in latches,
        "calcium": bool(latches & {"coho_ca_mem", "ho_enable"}) or calcium,
        **{dendrite_page(dendrite, latches): dendrite in dendrites for dendrite in DENDRITES},
        "nmda_gate": "denm_nmda" in latches and "nmda" in dendrites,
        "conductance": "de_conductance" in latches and not reading.symmetric_conductance,
        "conductance_symmetric": "de_conductance" in latches and reading.symmetric_conductance,
        # after the conductance: the grid spreads the current of the dendrite, each neuron weighs its share
        "diffusion": "deam_ampa" in latches,
        "homeostasis": "ho_enable" in latches,
        "homeostasis_soma": "ho_enable" in latches and "ho_so_de" not in latches,
        "homeostasis_dendrites": {"ho_enable", "ho_so_de"} <= latches,
    }
    return [name for name, on in switched_on.items() if on]


def compose(circuit_names: list[str], reading: Reading = Reading()) -> Model:
    """Compose circuits into one neuron model: what a group integrates.

    Parameters
    ----------
    circuit_names : list of str
        Pages, see `circuits_of`.
    reading : Reading
        Of the chip.

    Returns
    -------
    Model
        Only what these circuits need.

    Raises
    ------
    DynapseError
        If pages contradict each other, or a page changes what another one does not have.
    """
    pages = [page(name) for name in circuit_names]
    contributions = [line for one in pages for line in _actions(one, reading.swap_gaba_shunt)]
    threshold = " and ".join(code for one in pages for code in one.code("spike when"))
    others = [code for one in pages for code in one.code("or spike when")]
    reset = _code(pages, "on spike")
    if "repeated_events" in circuit_names:
        reset = _for_first_event(reset)
    return Model(
        equations="\n".join(_lines(pages, _changed_on_the_way(contributions, pages))),
        threshold=" or ".join(f"({code})" for code in [threshold, *others]),
        reset="\n".join(reset),
    )


def declare(latches: frozenset[str], reading: Reading = Reading()) -> str:
    """Equations that declare the variables that a group with these latches may ever have.

    A dendrite may be switched on after a monitor was made. So the sums of the soma are declared with a
    switch (0 or 1) for every dendrite, `on_ampa` and so on, and stay true whenever they are read.

    Parameters
    ----------
    latches : frozenset of str
        Latches of the group; the sums hold what they connect.
    reading : Reading
        Of the chip.

    Returns
    -------
    str
        Brian2 equations.
    """
    contributions = []
    own = [page(name) for name in circuits_of(latches, frozenset(DENDRITES), reading)]
    for one in own:
        dendrite = one.name.removesuffix("_alpha")
        switch = f"on_{dendrite}*" if dendrite in DENDRITES else ""
        contributions += [(total, sign, switch + term) for total, sign, term in _actions(one, reading.swap_gaba_shunt)]
    contributions = _changed_on_the_way(contributions, own)
    readable = [page(name) for name in circuits_of(latches | _ALWAYS_READABLE, frozenset(DENDRITES), reading)]
    switches = [f"on_{name} : 1 (shared)" for name in DENDRITES]
    return "\n".join([*_lines(readable, contributions), *switches])


def synapse_pages(std: bool, merged: bool, repeated: bool) -> list[str]:
    """Names of the pages of a synapse.

    Parameters
    ----------
    std : bool
        Short-term depression.
    merged : bool
        Pulses of one synapse can meet.
    repeated : bool
        The source sends several events per spike.
    """
    names = ["synapse"]
    names += ["depression"] if std else []
    names += ["merged_pulse"] if merged or std else []
    names += ["repeated_pulse"] if repeated else []  # after the merged pulse, which it overrides
    return names


def synapse(dendrite: str, page_names: list[str]) -> tuple[str, str]:
    """Equations and event code of a synapse that acts on a dendrite.

    Parameters
    ----------
    dendrite : str
        One of `DENDRITES`.
    page_names : list of str
        See `synapse_pages`.

    Returns
    -------
    equations, on_pre : str
        For Brian2's `Synapses`.
    """
    pages = [page(name) for name in page_names]
    charge = DENDRITES[check_dendrite(dendrite)][1]
    # A name of its own for each opening time: Brian2's NumPy code would write a second value of t_open into t_pulse.
    opening, before = "t_pulse", []
    for line in _code(pages, "before event"):
        before.append(changed(line, [("t_open", opening)]))
        opening = line.split(" = ")[0]
    code = [changed(line, [("t_open", opening)]) for kind in ("on event", "after event") for line in _code(pages, kind)]
    code = [line.replace("{charge}", charge) for line in [*before, *code]]
    return "\n".join(_lines(pages, [])), "\n".join(dict.fromkeys(code))


def _changes_of(target: str, pages: list[Page]) -> list[tuple[str, str]]:
    return [(quantity, by) for one in pages for into, quantity, by in one.changes if into == target]


def _changed_on_the_way(contributions, pages: list[Page]) -> list[tuple[str, str, str]]:
    """Contributions to sums with what pages do to them; a change must find what it changes."""
    for total, _, _ in contributions:
        if total not in SUMS:
            raise DynapseError(f"a page adds to {total}, which is not a sum of the soma; those are {', '.join(SUMS)}")
    terms = [term for _, _, term in contributions]
    for total in SUMS:
        for quantity, by in _changes_of(total, pages):
            at_first = any(_has(term, quantity) for into, _, term in contributions if into == total)
            now = [term for (into, _, _), term in zip(contributions, terms, strict=True) if into == total]
            if at_first and not any(_has(term, quantity) for term in now):
                raise DynapseError(f"{total}: {quantity} -> {by} comes too late, {quantity} is already replaced")
            terms = [
                changed(term, [(quantity, by)]) if into == total else term
                for (into, _, _), term in zip(contributions, terms, strict=True)
            ]
    for one in pages:
        text = "\n".join([*one.equations, *(code for _, code in one.events)])
        for quantity, by in _changes_of(one.name, pages):
            if not _has(text, quantity):
                raise DynapseError(f"{one.name}: {quantity} -> {by} changes nothing, {one.name}.eqs has no {quantity}")
    return [(into, sign, term) for (into, sign, _), term in zip(contributions, terms, strict=True)]


def _has(text: str, quantity: str) -> bool:
    return re.search(rf"\b{quantity}\b", text) is not None


def _code(pages: list[Page], kind: str) -> list[str]:
    """Statements of one kind of event, with the changes that other pages make to their right-hand sides."""
    statements = []
    for one in pages:
        for line in one.code(kind):
            variable, operator, expression = re.match(
                r"^(\w+) (\+?=) (.+)$", line.replace("{charge}", "CHARGE")
            ).groups()
            expression = changed(expression, _changes_of(one.name, pages))
            statements.append(f"{variable} {operator} {expression}".replace("CHARGE", "{charge}"))
    return statements


def _for_first_event(reset: list[str]) -> list[str]:
    """Reset statements that act at the first event of a spike only; the others are counted down."""
    lines = ["first_event = int(events_left < 0.5)"]
    for line in reset:
        variable, expression = line.split(" = ", 1)
        lines.append(f"{variable} = first_event*({expression}) + (1 - first_event)*{variable}")
    return [*lines, "events_left = first_event*(events_per_spike - 1) + (1 - first_event)*(events_left - 1)"]


def _lines(pages: list[Page], contributions) -> list[str]:
    """Equations of pages, each variable once, with sums, changes and added terms filled in."""
    lines = {}
    for one in pages:
        changes = _changes_of(one.name, pages)
        for line in one.equations:
            left = re.split(r" [:=]", line, maxsplit=1)[0]
            name = left.removesuffix("/dt").removeprefix("d") if left.endswith("/dt") else left
            if name in SUMS:
                line = line.replace("{sum}", _sum(contributions, name))
            if " = " in line:
                expression, declaration = line.removeprefix(f"{left} = ").rsplit(" : ", 1)
                terms = [term for other in pages for into, term in other.terms if into == left]
                line = f"{left} = {' + '.join([changed(expression, changes), *terms])} : {declaration}"
            if lines.setdefault(name, line) != line:
                raise DynapseError(f"{one.name}.eqs declares {name} as '{line}', another page as '{lines[name]}'")
    return list(lines.values())


def _actions(one: Page, swap_gaba_shunt: bool) -> tuple[tuple[str, str, str], ...]:
    """What a page adds to the sums of the soma; GABA and shunt may take each other's action."""
    partner = {"gaba": "shunt", "shunt": "gaba"}.get(one.name)
    if not (swap_gaba_shunt and partner):
        return one.contributions
    own, other = DENDRITES[one.name][0], DENDRITES[partner][0]
    return tuple((total, sign, term.replace(other, own)) for total, sign, term in page(partner).contributions)


def _sum(contributions, total: str) -> str:
    terms = [f"{sign} {expression}" for into, sign, expression in contributions if into == total]
    return " ".join(terms).removeprefix("+ ") if terms else "0*amp"
