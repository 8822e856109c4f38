"""One page a circuit, made from its equation file: docs/circuits/NAME.md and NAME.png, and an index.

`python docs/circuit_pages.py` writes all pages and figures; with names of circuits, all pages and these figures.
Edit the equation files, the tables in brian2dynapse/data or the figures in circuit_figures.py, never the pages.
"""

from __future__ import annotations

import inspect
import math
import re
import sys
import textwrap
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path

import circuit_figures  # noqa: F401, fills FIGURES
from figure_tools import FIGURES, save

import brian2dynapse as bd
from brian2dynapse import circuits, facts

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "circuits"
INTRODUCTION = """# Circuits

One page a circuit: what it does, its equation, the lines that Brian2 integrates, its biases and constants, a simulated
response, how well it is checked and what is assumed. A group runs only the circuits that are switched on.

How to read the lines: most are Brian2 equations. `I_sum += X` adds a current to the input of the soma, `I_inhibition`
to its leak; `I_sum: X -> Y` changes a current on its way there, `soma: X -> Y` a quantity of another page. `on spike`
is what a spike does to its neuron, `on event` what an event does to its synapse, where `{charge}` is the charge of
the dendrite (Qampa, ...) and `t_open` the time that the synapse is open: t_pulse, or what the page of merged or
repeated pulses says. `_post` is the neuron that the synapse is on; `t_end` is when its last pulse ends."""
MADE_BY = """---

Made by `python docs/circuit_pages.py` from the [equation files](../../equations) and the
[tables of the chip](../../brian2dynapse/data); edit those, not this page."""
ACRONYMS = frozenset({"AMPA", "NMDA", "GABA", "GABA_A", "GABA_B", "DC"})
SYMBOLS = {
    **{"amp": "A", "farad": "F", "coulomb": "C", "volt": "V", "hertz": "Hz", "second": "s", "1": ""},
    **{"kelvin": "K", "volt*meter": "V m"},
}
PREFIXES = {-12: "p", -9: "n", -6: "µ", -3: "m", 0: ""}  # nothing below pico: the field says 0.2 pA

# A field of the header starts a line, or follows another one after several spaces.
_FIELD = re.compile(
    r"(?:^|[ \t]{2,})(?:(Bias|Latch|Checked|Assumed|Reference)(?:e?s)?:|(Switched on by|Set by|On with))(?=\s)", re.M
)

# What a user does: how the package hears of it, as an argument of `circuits_of` or `synapse_pages`.
SWITCHES = {
    **{f"latch `{latch}`": ("latches", latch) for latch in facts.latch_table()},
    **{f'`Connection(..., dendrite="{dendrite}")`': ("dendrites", dendrite) for dendrite in circuits.DENDRITES},
    "`Chip(noise=...)`": ("reading", "noise"),
    '`Chip(conductance="symmetric")`': ("reading", "symmetric_conductance"),
    "`Chip(events_per_spike=...)`": ("reading", "repeated_events"),
    "a monitor of `Ica`": ("calcium", True),
    "`Connection(..., std=True)`": ("synapse", "std"),
    "a time step shorter than the pulse": ("synapse", "merged"),
    "a source that repeats its events": ("synapse", "repeated"),
}


@dataclass(frozen=True)
class EquationFile:
    """An equation file taken apart.

    Attributes
    ----------
    heading, prose, equation : str
        Heading, in capitals; what the circuit does; the indented lines.
    fields : dict of str to str
        ``"Bias"``, ``"Latch"``, ``"Switch"``, ``"Checked"``, ``"Assumed"``, ``"Reference"``: those that are there.
    header, lines : str
        The comment that the file starts with; what follows, the Brian2 lines.
    """

    heading: str
    prose: str
    equation: str
    fields: dict[str, str]
    header: str
    lines: str


@cache
def circuit_names() -> list[str]:
    """Names of the circuits that have an equation file, in alphabetical order."""
    return sorted(path.stem for path in (ROOT / "equations").glob("*.eqs"))


@cache
def read(name: str) -> EquationFile:
    """Take the equation file of a circuit apart."""
    lines = (ROOT / "equations" / f"{name}.eqs").read_text(encoding="utf-8").splitlines()
    length = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    header = "\n".join(line[1:].removeprefix(" ") for line in lines[:length])
    heading, *blocks = re.split(r"\n\s*\n", header.strip())
    equation = [block for block in blocks if block.startswith("  ")]
    blocks = [block for block in blocks if not block.startswith("  ")]
    first = next((number for number, block in enumerate(blocks) if _FIELD.match(block)), len(blocks))
    parts = _FIELD.split("\n".join(blocks[first:]))[1:]  # field, or else a way to switch on, and text, in turn
    fields = zip(parts[::3], parts[2::3], strict=True)
    return EquationFile(
        heading=heading,
        prose="\n\n".join(blocks[:first]),
        equation=textwrap.dedent("\n\n".join(equation)),
        fields={field or "Switch": " ".join(text.split()) for field, text in fields},
        header=header,
        lines="\n".join(lines[length:]).strip("\n"),
    )


def title(name: str) -> str:
    """Heading of a page in sentence case."""
    words = re.sub(r"\w+", lambda word: word[0] if word[0] in ACRONYMS else word[0].lower(), read(name).heading)
    return words[0].upper() + words[1:]


def named(text: str, names) -> list[str]:
    """Those of the names that occur in a text."""
    words = set(re.findall(r"\w+", text))
    return [name for name in names if name in words]


def is_on(name: str, switches) -> bool:
    """Whether the package puts a page into its models when these `SWITCHES` are used."""
    chosen = {kind: set() for kind in ("latches", "dendrites", "reading", "calcium", "synapse")}
    for kind, value in map(SWITCHES.get, switches):
        chosen[kind].add(value)
    reading = circuits.Reading(**dict.fromkeys(chosen["reading"], True))
    latches, dendrites = frozenset(chosen["latches"]), frozenset(chosen["dendrites"])
    of_synapse = circuits.synapse_pages(*(one in chosen["synapse"] for one in ("std", "merged", "repeated")))
    return name in [*circuits.circuits_of(latches, dendrites, reading, bool(chosen["calcium"])), *of_synapse]


@cache
def switched_on_by(name: str) -> str:
    """The smallest sets of `SWITCHES` that switch a circuit on, found by trying, and those that forbid it."""
    found = []
    for size in range(3):
        found += [
            switches
            for switches in combinations(SWITCHES, size)
            if is_on(name, switches) and not any(set(one) <= set(switches) for one in found)
        ]
    if found == [()]:
        return "always"
    forbidding = [switch for switch in SWITCHES if not any(is_on(name, (*one, switch)) for one in found)]
    return " or ".join(map(" and ".join, found)) + "".join(f"; not with {switch}" for switch in forbidding)


def engineering(value: float, unit: str) -> str:
    """A value with four digits and a prefix."""
    value = float(f"{value:.4g}")
    exponent = max(-12, 3 * math.floor(math.log10(value) / 3))
    if unit in ("1", "hertz") or value < 1e-14:
        return f"{value:g} {SYMBOLS[unit]}".strip()
    return f"{value / 10**exponent:.4g} {PREFIXES[exponent]}{SYMBOLS[unit]}"


def marked_up(text: str) -> str:
    """Markdown of a text: names of the chip as code; equation files, constants and DOIs as links."""
    names = "|".join([*facts.bias_table(), *facts.latch_table()])

    def mark(match) -> str:
        page, doi, code = match.groups()
        if page in circuit_names():
            return f"[{title(page)}]({page}.md)"
        if doi:
            return f"[doi:{doi}](https://doi.org/{doi})"
        return f"`{code}`" if code else match[0]

    text = re.sub(rf"\b(\w+)\.eqs\b|\bdoi:([^\s;]*[^\s;.,)])|\b(Chip\([^)]*\)|(?:{names})\b)", mark, text)
    return text.replace("constants.toml", "[constants.toml](../../brian2dynapse/data/constants.toml)")


def sentence(text: str) -> str:
    """Markdown of a text that starts with a capital, if it starts with a word (not with so_dc, not with a symbol)."""
    return marked_up(text[0].upper() + text[1:] if re.match(r"[a-z]{2,}\b", text) else text)


def table(columns: str, rows: list[list[str]]) -> str:
    """A table in Markdown, its columns separated by ``|``; nothing without rows."""
    lines = [columns.split("|"), ["---"] * len(columns.split("|")), *rows]
    text = ["| " + " | ".join(cell.replace("|", r"\|").strip() for cell in line) + " |" for line in lines]
    return "\n".join(text) if rows else ""


def bias_rows(name: str) -> list[list[str]]:
    """Name, role, default code, current and transistor of the biases that a page names."""
    rows, biases = [], bd.Biases()
    for bias in map(facts.bias, named(read(name).header, biases)):
        role = bias.role if bias.effect == "modelled" else f"{bias.role} ({bias.effect})"
        current = engineering(biases.current_in_amp(bias.name), "amp")
        sides = [bias.geometry[1:]] * 2 if bias.geometry.startswith("s") else bias.geometry.split("x")
        size = " x ".join(f"{float(side):g}" for side in sides)
        rows.append([f"`{bias.name}`", role, str(tuple(biases[bias.name])), current, size])
    return rows


def constant_rows(name: str) -> list[list[str]]:
    """Name, meaning, value in both sets, mark and source of the constants that a page names."""
    rows = []
    text = re.sub(r"_post\b", "", read(name).header + read(name).lines)  # a synapse writes C_mem_post
    for constant in named(text, facts.constants("nominal")):
        measured, nominal = (facts.constants(which)[constant] for which in ("measured", "nominal"))
        values = [engineering(one.value, one.unit) for one in (measured, nominal)]
        mark, source = measured.mark, measured.source
        if measured != nominal:
            mark = f"{measured.mark} / {nominal.mark}"
            source = f"measured: {measured.source}; nominal: {nominal.source}"
        rows.append([f"`{constant}`", measured.meaning, *values, mark, marked_up(source)])
    return rows


def caption(name: str) -> str:
    """What the figure shows, and the codes that it uses beside the working point."""
    codes = ", ".join(f"`{bias}` {code}" for bias, code in FIGURES[name].codes.items())
    text = marked_up(" ".join(inspect.getdoc(FIGURES[name]).split()))
    return (
        f"{text} Codes: {codes}; all others as at the working point." if codes else f"{text} Codes: the working point."
    )


def section(heading: str, *paragraphs: str) -> str:
    """A part of a page; nothing if there is nothing in it."""
    body = "\n\n".join(filter(None, paragraphs))
    return f"## {heading}\n\n{body}" if body else ""


def circuit_page(name: str) -> str:
    """Text of the page of one circuit; a section that has no content is left out."""
    file = read(name)
    latches = {latch: facts.latch_table()[latch][1] for latch in named(file.header, facts.latch_table())}
    about_latches = file.fields.get("Latch", "")
    if not latches or not re.sub("|".join([*latches, r"\W"]), "", about_latches):
        about_latches = ""  # nothing that the table does not say
    references = file.fields.get("Reference", "")
    sections = [
        f"# {title(name)}",
        marked_up(file.prose),
        f"**Switched on by:** {marked_up(file.fields.get('Switch', '')) or switched_on_by(name) + '.'}",
        section("Equation", file.equation and f"```text\n{file.equation}\n```"),
        section(
            "As Brian2 integrates it",
            f"```text\n{file.lines}\n```",
            f"[`{name}.eqs`](../../equations/{name}.eqs), and [how to read it](README.md)",
        ),
        section("Biases", table("bias|role|default code|current|transistor (µm)", bias_rows(name))),
        section("Latches", sentence(about_latches), table("latch|role", [[f"`{k}`", v] for k, v in latches.items()])),
        section("Constants", table("constant|meaning|measured|nominal|mark|source", constant_rows(name))),
        section("Figure", f"![{title(name)}]({name}.png)", caption(name)),
        section("What is known", sentence(file.fields.get("Checked", ""))),
        section("What is assumed", sentence(file.fields.get("Assumed", ""))),
        section("References", "\n".join(f"- {sentence(item)}" for item in references.split("; ") if item)),
        MADE_BY,
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def index_page() -> str:
    """Text of docs/circuits/README.md: all circuits with what they do in one sentence."""
    rows = []
    for name in circuit_names():
        first_sentence = re.split(r"(?<=\.)\s+(?=[A-Z])", " ".join(read(name).prose.split()))[0]
        rows.append([f"[{title(name)}]({name}.md)", marked_up(first_sentence), switched_on_by(name)])
    return "\n\n".join([INTRODUCTION, table("circuit|what it does|switched on by", rows), MADE_BY]) + "\n"


def pages() -> dict[str, str]:
    """File name to text, for every page and the index."""
    return {"README.md": index_page(), **{f"{name}.md": circuit_page(name) for name in circuit_names()}}


def main(names: list[str]) -> None:
    """Write all pages, and the figures of these circuits (of all, if none is named)."""
    FOLDER.mkdir(exist_ok=True)
    for filename, text in pages().items():
        (FOLDER / filename).write_text(text, encoding="utf-8")
    for name in names or circuit_names():
        save(name, FOLDER / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1:])
