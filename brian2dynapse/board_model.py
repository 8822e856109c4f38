"""What the simulated board compiles: all circuits in one group, with a switch for each circuit in every neuron.

The equations are those of the pages, and so is what an event does to a CAM word. `Neurons` has the latches of a group
in its equations; on the board they differ from neuron to neuron and change between events, so that here a latch that is
off is a number: a switch `use_...` of 0, or a current at which its circuit does nothing, `NEUTRAL`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from brian2.equations.equations import PARAMETER, Equations
from brian2.parsing.rendering import CPPNodeRenderer

from . import circuits
from .pages import changed

# Latches whose circuits every program has: they cost little. Those of `EXTRA` are in programs for who uses them.
ALWAYS = frozenset({"so_dc", "so_adaptation", "soif_type", "denm_nmda", "de_conductance"})
EXTRA = frozenset({"deam_alpha", "denm_alpha", "deam_ampa", "coho_ca_mem", "ho_enable"})

_FAR = 1e6  # amp; 1 + I/_FAR is 1 for every current of the chip
_EQUAL = dict.fromkeys(("I_homeostasis_low", "I_homeostasis_middle", "I_homeostasis_high"), 1e-9)  # no drift
# Circuit: the parameters that connect it, and the value of each at which it does nothing, amp.
NEUTRAL = {
    "dc": {"I_dc": 0.0},
    "adaptation": {"I_cascode_ahp": 0.0, "I_weight_ahp": 0.0},
    "calcium": {"I_weight_ca": 0.0},
    "nmda_gate": {"I_nmda_gate": 0.0},
    "conductance": {"I_reversal_ampa": _FAR, "I_reversal_nmda": _FAR},
    "drift": _EQUAL,
}
# Switches of circuits that no parameter connects: 1 where the circuit acts, 0 where it does not.
SWITCHES = {
    **{f"use_{dendrite}": dendrite for dendrite in circuits.DENDRITES},
    "use_feedback": "feedback",
    "use_ampa_alpha": "ampa_alpha",
    "use_nmda_alpha": "nmda_alpha",
    "use_soma_gain": "soma_gain",
    "use_dendrite_gain": "dendrite_gain",
}
# Factor on the membrane capacitor where a step is longer than the time constant; it changes no steady state.
SLOWING = "slowing"
_SYNAPSE_PAGES = (circuits.synapse_pages(False, True, False), circuits.synapse_pages(True, True, False))
_DENDRITE = "ampa"  # whose charge stands for that of any dendrite in the code of an event


@dataclass(frozen=True)
class EventCode:
    """What an event does to a CAM word, as C++.

    Attributes
    ----------
    parameters, states, shared : tuple of str
        Of a word: what its codes say, what events change; and what all words have in common.
    plain, depressing : str
        Statements for a word without and with depression, with the time `t` of the event and the `charge` to add to.
    """

    parameters: tuple[str, ...]
    states: tuple[str, ...]
    shared: tuple[str, ...]
    plain: str
    depressing: str


def model(latches: frozenset[str], reading: circuits.Reading) -> circuits.Model:
    """The circuits of a program: those of `latches`, with switches.

    Parameters
    ----------
    latches : frozenset of str
        Of which some neuron may have any.
    reading : circuits.Reading
        Of the chip.
    """
    names = circuits.circuits_of(latches, frozenset(circuits.DENDRITES), reading)
    names += ["homeostasis_dendrites"] if "homeostasis_soma" in names else []
    composed = circuits.compose(names, reading)
    currents = [(current, f"use_{dendrite}*{current}") for dendrite, (current, _) in circuits.DENDRITES.items()]
    currents.append(("Iampa_grid", "use_ampa*Iampa_grid"))
    changes = {
        "I_sum": currents,
        "I_inhibition": currents,
        "Iampa": [("Iampa_i", "use_ampa_alpha*Iampa_i")],
        "Inmda": [("Inmda_i", "use_nmda_alpha*Inmda_i")],
        "dImem/dt": [("C_mem", f"C_mem*{SLOWING}")],
        "noise_mem": [("C_mem", f"C_mem*{SLOWING}")],
    }
    lines = []
    for line in composed.equations.splitlines():
        name = line.split(" ", 1)[0]
        if " = " in line:
            expression, declaration = line.removeprefix(f"{name} = ").rsplit(" : ", 1)
            if name == "I_feedback":
                expression = f"use_feedback*({expression})"
            line = f"{name} = {changed(expression, changes.get(name, []))} : {declaration}"
        lines.append(line)
    text = _switched_gain("\n".join(lines))
    used = [SLOWING] + [name for name in SWITCHES if re.search(rf"\b{name}\b", text)]
    text += "".join(f"\n{name} : 1 (constant)" for name in used)
    return circuits.Model(text, composed.threshold, _switched_gain(composed.reset))


def circuits_on(latches: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Which circuits act in each neuron, by the names of `NEUTRAL` and `SWITCHES`; the dendrites are not among them.

    Parameters
    ----------
    latches : dict of str to numpy.ndarray of bool
        One a neuron.
    """
    homeostasis, of_dendrites = latches["ho_enable"], latches["ho_so_de"]
    return {
        "dc": latches["so_dc"],
        "adaptation": latches["so_adaptation"],
        "calcium": latches["coho_ca_mem"] | homeostasis,
        "nmda_gate": latches["denm_nmda"],
        "conductance": latches["de_conductance"],
        "drift": homeostasis & latches["ho_active"],
        "feedback": latches["soif_type"],
        "ampa_alpha": latches["deam_alpha"],
        "nmda_alpha": latches["denm_alpha"],
        "soma_gain": homeostasis & ~of_dendrites,
        "dendrite_gain": homeostasis & of_dendrites,
    }


def _switched_gain(text: str) -> str:
    """The homeostatic gain where it acts: on the soma or on the dendrites."""
    soma, dendrite = (f"(1 + {use}*(gain_homeostasis - 1))" for use in ("use_soma_gain", "use_dendrite_gain"))
    text = re.sub(r"\bI_gain\*gain_homeostasis\b", f"I_gain*{soma}", text)
    return re.sub(r"\b(I_gain_\w+)\*gain_homeostasis\b", rf"\1*{dendrite}", text)


def event_code() -> EventCode:
    """What an event does to a CAM word, from the pages of the synapse."""
    plain, depressing = (circuits.synapse(_DENDRITE, pages) for pages in _SYNAPSE_PAGES)
    equations = Equations(depressing[0])
    declared = {name: one for name, one in equations.items() if one.type == PARAMETER}
    shared = tuple(name for name, one in declared.items() if "shared" in one.flags)
    own = [name for name in declared if name not in shared]
    parameters = tuple(name for name in own if "constant" in declared[name].flags)
    states = tuple(name for name in own if name not in parameters)
    return EventCode(parameters, states, (*shared, "U_T", "kappa_p"), _cpp(*plain), _cpp(*depressing))


def _cpp(equations: str, on_event: str) -> str:
    """C++ statements of an event: fields of a word and constants of all words by their names."""
    render = CPPNodeRenderer().render_expr
    charge = f"{circuits.DENDRITES[_DENDRITE][1]}_post"
    declared = Equations(equations)
    fields = {n: one for n, one in declared.items() if one.type == PARAMETER and "shared" not in one.flags}
    lines, known = [], set()

    def of_word(expression: str) -> str:
        expression = expression.replace("_post", "")
        code = render(expression).replace("_brian_pow(", "std::pow(")
        return changed(code, [(name, f"word_{name}") for name in fields]).replace("word_", "word.")

    def define(name: str) -> None:
        """Write a subexpression, after those that it is made of."""
        for other in sorted(declared[name].identifiers & declared.subexpr_names - known):
            define(other)
        known.add(name)
        lines.append(f"const double {name} = {of_word(declared[name].expr.code)};")

    statements = [re.match(r"(\w+) (\+?=) (.+)", line).groups() for line in on_event.splitlines()]
    needed = {name for _, _, code in statements for name in re.findall(r"\w+", code)} & declared.subexpr_names
    for name in sorted(needed):
        if name not in known:
            define(name)
    for variable, operator, code in statements:
        if variable == charge:
            left = "charge"
        elif variable in fields:
            left = f"word.{variable}"
        else:
            left = f"const double {variable}"
        lines.append(f"{left} {operator} {of_word(code)};")
    return "\n".join(lines)
