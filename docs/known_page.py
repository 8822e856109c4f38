"""The tables of the page "What is known": `python docs/known_page.py` puts them into docs/known.md.

They are made from the tables of the chip and the equation files. The text around them, outside of the marks
``<!-- NAME -->`` and ``<!-- end of NAME -->``, is written by hand.
"""

import re
from collections import Counter
from pathlib import Path

import circuit_pages

from brian2dynapse import facts
from brian2dynapse.files import write_atomically

PAGE = Path(__file__).parent / "known.md"
READING = re.compile(r"\(reading\)|read from the name|not published")


def links_from_here(text: str) -> str:
    """Links of a circuit's page as they are from docs/."""
    text = re.sub(r"\]\((\w+\.md)\)", r"](circuits/\1)", text)
    return text.replace("](../../", "](../")


def constants_table() -> str:
    """Every constant: meaning, both values, mark and source."""
    rows = []
    for name, measured in facts.constants("measured").items():
        nominal = facts.constants("nominal")[name]
        values = [circuit_pages.engineering(one.value, one.unit) for one in (nominal, measured)]
        mark, source = nominal.mark, nominal.source
        if measured != nominal:
            mark = f"{nominal.mark} / {measured.mark}"
            source = f"nominal: {nominal.source}; measured: {measured.source}"
        rows.append([f"`{name}`", nominal.meaning, *values, mark, circuit_pages.marked_up(source)])
    return circuit_pages.table("constant|meaning|nominal|measured|mark|source", rows)


def marks_table() -> str:
    """How many constants have each mark, in both sets."""
    counts = {which: Counter(one.mark for one in facts.constants(which).values()) for which in facts.CONSTANT_SETS}
    rows = [
        [mark, *(str(counts[which][mark]) for which in facts.CONSTANT_SETS)] for mark in ("doc", "use", "fit", "open")
    ]
    return circuit_pages.table("mark|" + "|".join(facts.CONSTANT_SETS), rows)


def readings_table() -> str:
    """Biases and latches whose effect is read from a name, or not published."""
    rows = []
    for name, bias in facts.bias_table().items():
        if READING.search(bias.role):
            rows.append([f"`{name}`", "bias", bias.effect, bias.role])
    for name, (effect, role) in facts.latch_table().items():
        if READING.search(role):
            rows.append([f"`{name}`", "latch", effect, role])
    return circuit_pages.table("name|is a|in the model|what it does", rows)


def circuits_table() -> str:
    """How well every circuit is checked, and what is assumed."""
    rows = []
    for name in circuit_pages.circuit_names():
        fields = circuit_pages.read(name).fields
        known, assumed = (
            circuit_pages.sentence(fields[field]) if field in fields else "" for field in ("Checked", "Assumed")
        )
        rows.append([f"[{circuit_pages.title(name)}](circuits/{name}.md)", known, assumed])
    return circuit_pages.table("circuit|checked|assumed", rows)


TABLES = {"marks": marks_table, "constants": constants_table, "readings": readings_table, "circuits": circuits_table}


def page(text: str) -> str:
    """The text of the page with its tables made anew."""
    for name, table in TABLES.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, rest = text.split(begin)
        _, after = rest.split(end)
        text = f"{before}{begin}\n\n{links_from_here(table())}\n\n{end}{after}"
    return text


if __name__ == "__main__":
    made = page(PAGE.read_text(encoding="utf-8"))
    write_atomically(PAGE, lambda file: file.write_text(made, encoding="utf-8"))
