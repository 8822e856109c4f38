"""One page a bias, docs/biases/NAME.md, an index of all, and a picture a curve: made from the tables of the chip.

They are made whenever the site is built (conf.py) and are not kept in the repository. Edit brian2dynapse/data, the
equation files or the declarations in observables.py and targets.py, never the pages.
"""

from __future__ import annotations

import io
import re
from functools import cache
from pathlib import Path

import numpy as np
from circuit_pages import circuit_names, engineering, marked_up, named, read, section, sentence, table, title
from matplotlib.figure import Figure

import brian2dynapse as bd
from brian2dynapse import dac, facts
from brian2dynapse.errors import CodeError
from brian2dynapse.observables import OBSERVABLES
from brian2dynapse.plot import COARSE_COLORS
from brian2dynapse.targets import QUANTITIES, UNITS, WEIGHT_BIASES, Target, checked_goals

FOLDER = Path(__file__).parent / "biases"
TABLE = "[`biases.csv`](../../brian2dynapse/data/biases.csv)"
SCOPES = {  # what has one code, and the heading in the index
    "core": ("a core: its neurons share the code", "Of a core"),
    "shared": ("a pair of cores: cores 0 and 1 share the code, and cores 2 and 3", "Of a pair of cores"),
    "sadc_group": ("a group of channels of the spiking ADC", "Of the spiking ADC"),
    "global": ("the whole chip", "Of a chip"),
}
EFFECTS = {
    "modelled": "the circuits below",
    "not modelled": "nothing: no circuit of the model uses it. A configuration keeps its code, no result depends on it",
    "digital": "nothing: it drives a digital circuit. A configuration keeps its code, no result depends on it",
    "infrastructure": "nothing in a model: it serves the chip's own infrastructure. A configuration keeps its code",
}
INTRODUCTION = f"""# Biases

Every bias of the chip, from {TABLE}. A bias is set by a code, (coarse 0..5, fine 0..255); its generator makes a
current, and a mirror passes it on to the circuit. `biases.current(NAME)` is that current, and so are the currents here,
before the mirror scale and the mismatch of an individual chip. The codes are those of the working point, `bd.Biases()`.
Outside the cores they are what public scripts set.

What acts on nothing can be set, is kept in a configuration, and changes no result of a simulation.
The latches that connect circuits are on the pages of the [circuits](../circuits/README.md)."""


def current_or_none(name: str, code: tuple[int, int]) -> float | None:
    """Current of a code in amp; None where none is published."""
    try:
        return dac.current(name, *code)
    except CodeError:
        return None


def curve_file(name: str) -> str:
    """Name of the picture of current against code; empty for a bias without a published current."""
    bias = facts.bias(name)
    known = current_or_none(name, (0, 0)) is not None
    return f"curve_{bias.type}_{re.sub(r'[^0-9A-Za-z]+', '_', bias.gain_curve)}.png" if known else ""


def picture(name: str) -> bytes:
    """Current in the circuit against the fine code, a line a coarse code, as PNG."""
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    fine = np.arange(facts.FINE_CODES)
    for coarse in reversed(range(facts.COARSE_CODES)):
        axes.semilogy(fine, dac.current(name, coarse, fine), ".", color=COARSE_COLORS[coarse], ms=3, label=coarse)
    axes.set(xlabel="fine code", ylabel="current in the circuit (A)", xlim=(-3, 258))
    axes.grid(color="#DDDDDD", linewidth=0.6)
    figure.legend(title="coarse", loc="outside right center", frameon=False, markerscale=3)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110, metadata={"Software": None})
    return file.getvalue()


def unbroken(text: str) -> str:
    """A code, or a number and its unit, that stays on one line of a narrow column."""
    return text.replace(" ", "\u00a0")


def geometry(bias: facts.Bias) -> str:
    """Type and geometry of the receiving transistor in words."""
    if not bias.geometry:
        return f"type {bias.type}, geometry not published"
    sides = [bias.geometry[1:]] * 2 if bias.geometry.startswith("s") else bias.geometry.split("x")
    return f"type {bias.type}, " + " x ".join(f"{float(side):g}" for side in sides) + " µm"


@cache
def circuits_of_bias(name: str) -> list[str]:
    """Circuits whose equation file names the bias, or has its parameter in a line."""
    parameter = facts.bias(name).parameter

    def uses(circuit: str) -> bool:
        file = read(circuit)
        lines = re.sub(r"_post\b", "", file.lines)
        return bool(named(file.header, [name]) or (parameter and named(lines, [parameter])))

    return [circuit for circuit in circuit_names() if uses(circuit)]


@cache
def calibration_targets() -> dict[str, list[str]]:
    """Bias to the quantities for which `calibrate` turns it if no other is named, found by asking for each."""
    found = {}
    conditions = [{}, *({"weight": f"{1 << bit:04b}"} for bit in range(len(WEIGHT_BIASES)))]
    for quantity in [name for name in OBSERVABLES if name != "bias_current"] + list(QUANTITIES):
        measured = QUANTITIES.get(quantity)
        unit = (measured or OBSERVABLES[quantity]).unit
        for condition in conditions:
            if condition and "weight" not in (measured.condition if measured else ()):
                continue
            if condition and quantity == "rate":
                condition = condition | {"rate": 100 * UNITS["hertz"]}  # at an input, not at a DC code
            asked = {quantity: Target(1 * UNITS[unit], **condition)}
            (goal,) = checked_goals(asked, bd.Biases(), bd.Chip())
            quantities = found.setdefault(goal.bias, [])
            if quantity not in quantities:
                quantities.append(quantity)
    return found


def observables_of(name: str) -> list:
    """The closed forms that depend on a bias."""
    return [one for one in OBSERVABLES.values() if name in one.biases]


def observable_rows(name: str) -> list[list[str]]:
    """Name, meaning and value at the working point of the closed forms that depend on a bias."""
    rows = []
    constants = bd.Chip().constants
    for one in observables_of(name):
        currents = {bias: dac.current(bias, *facts.bias(bias).default) for bias in one.biases}
        value = engineering(float(one.value(currents, constants)), one.unit)
        rows.append([f"`{one.name}`", one.meaning, unbroken(value)])
    return rows


def constants_in(name: str) -> list[list[str]]:
    """Name, meaning, value, mark and source of the constants in the closed forms of a bias."""
    names = dict.fromkeys(constant for one in observables_of(name) for constant in one.constants)
    measured = facts.constants("measured")
    return [
        [f"`{one.name}`", one.meaning, unbroken(engineering(one.value, one.unit)), one.mark, marked_up(one.source)]
        for one in map(measured.get, names)
    ]


def calibration_text(name: str) -> str:
    """Which targets turn this bias, or which name it can be asked by."""
    quantities = calibration_targets().get(name, [])
    if quantities:
        return f"`bd.calibrate` turns it for {', '.join(f'`{one}`' for one in quantities)}."
    others = [one.name for one in observables_of(name)]
    if others:
        asked = ", ".join(f"`{one}`" for one in others)
        return f'`bd.calibrate` can turn it for {asked}, with `bd.Target(..., bias="{name}")`.'
    if facts.bias(name).effect != "modelled":
        return ""
    return f'No target turns it by itself; one that is measured can, with `bd.Target(..., bias="{name}")`.'


def source_rows(bias: facts.Bias) -> list[list[str]]:
    """Mark and source of each part of the declaration, as the head of the table says."""
    inside = bias.scope == "core"
    parts = {
        "geometry": (
            "name, scope, type, geometry" if bias.geometry else "name, scope, type", "doc", "vendor's bias table",
            "name, scope, type: vendor's bias table (doc); geometry: by analogy",
        ),
        "gain curve": (
            "gain curve", "fit", "vendor's bias table, [`mirror_gain.csv`](../../brian2dynapse/data/mirror_gain.csv)",
            "the nearest published curve",
        ),
        "default": (
            "working point" if inside else "usual code", "use",
            "codes in common use" if inside else "what public scripts set", "set nowhere",
        ),
        "role": ("role", "doc, use", "chip paper (Richter et al. 2024), public scripts", "read from the name"),
    }  # fmt: skip
    rows = []
    for part, (what, mark, source, choice) in parts.items():
        if part == "gain curve" and not bias.gain_curve:
            continue
        is_open = part in bias.open
        rows.append([what, "open" if is_open else mark, choice if is_open else source])
    return rows


def bias_page(name: str) -> str:
    """Text of the page of one bias; a section that has no content is left out."""
    bias = facts.bias(name)
    current = current_or_none(name, bias.default)
    rows = [
        ["one code for", SCOPES[bias.scope][0]],
        ["belongs to", f"{bias.block}" + (f", as the parameter `{bias.parameter}`" if bias.parameter else "")],
        ["acts on", EFFECTS[bias.effect]],
        ["receiving transistor", geometry(bias)],
        ["gain curve of the mirror", f"`{bias.gain_curve}`" if bias.gain_curve else "not published"],
        ["working point" if bias.scope == "core" else "usual code", str(bias.default)],
    ]
    if current is None:
        rows.append(["current", "not known: a voltage" if bias.type == "V" else "not known: no gain is published"])
        code = ""
    else:
        smallest, largest = (engineering(one, "amp") for one in dac.current_range(name))
        rows += [["current there", engineering(current, "amp")], ["smallest, largest", f"{smallest}, {largest}"]]
        code = f'bd.dac.current("{name}", {bias.default[0]}, {bias.default[1]})    # {current:.4g} A'
    if bias.scope == "core":
        shown = engineering(current, "amp")
        code = f'biases["{name}"] = {bias.default}\nbiases.current("{name}")    # {shown}'
    used = [f"[{title(circuit)}](../circuits/{circuit}.md)" for circuit in circuits_of_bias(name)]
    equations = "\n".join(f"{one.name} = {one.equation}" for one in observables_of(name))
    same = [f"`{other}`" for other in facts.bias_table() if curve_file(other) == curve_file(name) and other != name]
    shared = f" The same curve: {', '.join(same)}." if same else ""
    sections = [
        f"# {name}",
        sentence(bias.role) + ".",
        table("|", rows),
        code and f"```python\n{code}\n```",
        section("Circuits", "\n".join(f"- {circuit}" for circuit in used)),
        section(
            "What it sets",
            equations and f"```\n{equations}\n```\n\nI(...) is the current of a bias that reaches the circuit.",
            table("observable|what|at the working point", observable_rows(name)),
            table("constant|meaning|value|mark|source", constants_in(name)),
        ),
        section("Calibration", calibration_text(name)),
        section(
            "Current against code",
            curve_file(name) and f"![Current of {name} against its fine code]({curve_file(name)})",
            curve_file(name)
            and "The upper bits of the fine code are compressed: in places the current falls where it rises by one."
            + shared,
        ),
        section("How sure", table("what|mark|source", source_rows(bias)), f"All from {TABLE}."),
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def index_page() -> str:
    """Text of docs/biases/index.md: all biases, by scope."""
    parts = [INTRODUCTION]
    for scope, (_, heading) in SCOPES.items():
        rows = []
        for name in facts.biases_of(scope):
            bias, current = facts.bias(name), current_or_none(name, facts.bias(name).default)
            shown = "" if current is None else unbroken(engineering(current, "amp"))
            acts = bias.block if bias.effect == "modelled" else f"nothing ({bias.effect})"
            rows.append([f"[{name}]({name}.md)", unbroken(str(bias.default)), shown, acts, sentence(bias.role)])
        parts.append(section(heading, table("bias|code|current|acts on|role", rows)))
    names = "\n".join(f"{name}.md" for name in facts.bias_table())
    parts.append(f"```{{toctree}}\n:hidden:\n:maxdepth: 1\n\n{names}\n```")
    return "\n\n".join(parts) + "\n"


def pages() -> dict[str, str]:
    """File name to text, for the index and every page."""
    return {"index.md": index_page(), **{f"{name}.md": bias_page(name) for name in facts.bias_table()}}


def pictures() -> dict[str, bytes]:
    """File name to PNG, one for each distinct curve."""
    drawn = {}
    for name in facts.bias_table():
        file = curve_file(name)
        if file and file not in drawn:
            drawn[file] = picture(name)
    return drawn


def write() -> None:
    """Write all pages and pictures that differ from what is there."""
    FOLDER.mkdir(exist_ok=True)
    wanted = {file: text.encode() for file, text in pages().items()} | pictures()
    for file, content in wanted.items():
        path = FOLDER / file
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
    for path in FOLDER.iterdir():
        if path.name not in wanted:
            path.unlink()
