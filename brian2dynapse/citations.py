"""`citation`: BibTeX of what an object used: this software, Brian2, the chip, its circuits, facts behind constants."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

import numpy as np

from . import circuits, facts
from .configuration import Configuration, Dendrite
from .pages import page
from .provenance_record import provenance

SOFTWARE, SIMULATOR, CHIP = "brian2dynapse", "Stimberg2019", "Richter2024"
ALWAYS = {SOFTWARE: "this software", SIMULATOR: "the simulator it runs on", CHIP: "the chip"}
_MISMATCH_CONSTANT = "A_VT"  # no circuit has it: the spread of the transistors follows from it
_ACRONYMS = ("AMPA", "DC", "GABA", "GABA_A", "GABA_B", "NMDA")
_DOI = re.compile(r"\bdoi:(10\.\d{4,}/[^\s;,)]+[^\s;,).])")
_ARXIV = "10.48550/arXiv."


class Citation(str):
    """BibTeX, which a prompt or a notebook shows as it is."""

    def __repr__(self) -> str:
        return str(self)


def citation(obj=None) -> Citation:
    """What to cite for an object: BibTeX, with a line above each entry that says what it is cited for.

    Parameters
    ----------
    obj : Network, Neurons, Connection, Configuration, Mapping, Chip, Biases, result or table, optional
        Anything that has a `provenance`. None, the default, is the software and the chip.

    Returns
    -------
    str
        Entries of this software, Brian2 and the chip; then of the circuits that are on, as their equation files give
        them, and of the constants behind them; nothing of circuits that are off. Shows itself as it is.

    Raises
    ------
    DynapseError
        For an object that has no provenance.

    Examples
    --------
    >>> bd.citation(net)                                                            # doctest: +SKIP
    >>> pathlib.Path("circuits.bib").write_text(bd.citation(net))                   # doctest: +SKIP
    """
    reasons = {key: [reason] for key, reason in ALWAYS.items()}
    if obj is not None:
        record = provenance(obj)
        on = list(record["circuits"])
        if isinstance(obj, Configuration):
            on = circuits_of_configuration(obj)
        for name in sorted(on):
            for doi in dois_of_circuit(name):
                reasons.setdefault(key_of(doi), []).append(title(name))
        for name, doi in _constants(on, record["chip"]):
            reasons.setdefault(key_of(doi), []).append(name)
    order = [*ALWAYS, *sorted(set(reasons) - set(ALWAYS))]
    return Citation(
        "\n\n".join(f"% {', '.join(dict.fromkeys(reasons[key]))}\n{entries()[key]}" for key in order) + "\n"
    )


@cache
def entries() -> dict[str, str]:
    """Key to BibTeX entry, of all that the package is built on."""
    from . import __version__

    text = resources.files("brian2dynapse.data").joinpath("references.bib").read_text(encoding="utf-8")
    found = re.finditer(r"^@\w+\{(\w+),\n.*?^\}$", text, re.MULTILINE | re.DOTALL)
    return {entry.group(1): entry.group(0).replace("VERSION", __version__) for entry in found}


def key_of(doi: str) -> str:
    """Key of the entry that has a DOI, or the arXiv number in it.

    Parameters
    ----------
    doi : str
        Without ``doi:``.

    Raises
    ------
    KeyError
        If no entry of ``references.bib`` has it.
    """
    wanted = f"eprint = {{{doi.removeprefix(_ARXIV)}}}" if doi.startswith(_ARXIV) else f"doi = {{{doi}}}"
    for key, body in entries().items():
        if wanted.lower() in body.lower():
            return key
    raise KeyError(f"references.bib has no entry with {doi}")


def dois(text: str) -> list[str]:
    """The DOIs that a text names as ``doi:...``."""
    return _DOI.findall(text)


def dois_of_circuit(name: str) -> list[str]:
    """The DOIs in the references of an equation file."""
    return dois(page(name).text)


def title(name: str) -> str:
    """What a circuit is called: the heading of its equation file, in lower case but for receptors."""
    heading = page(name).text.splitlines()[0].removeprefix("#").strip()
    return re.sub(r"\w+", lambda word: word[0] if word[0] in _ACRONYMS else word[0].lower(), heading)


def circuits_of_configuration(configuration: Configuration) -> list[str]:
    """Names of the equation files that a simulation of a configuration has: by its latches and CAM words."""
    latches, names = np.array(list(facts.latch_table())), set()
    used = configuration.used_neurons()
    kinds, kind_of = np.unique(configuration.latches[used], axis=0, return_inverse=True)
    for number, on in enumerate(kinds):
        alike = kind_of.ravel() == number
        words = configuration.synapse_dendrite[used][alike]
        reached = {Dendrite(value).name.lower() for value in np.unique(words[words != 0]).tolist()}
        names |= set(circuits.circuits_of(frozenset(latches[on].tolist()), frozenset(reached)))
        if reached:
            names |= set(circuits.synapse_pages(bool(configuration.synapse_stp[used][alike].any()), False, False))
    return sorted(names)


def _constants(on: list[str], chip) -> list[tuple[str, str]]:
    """What constants are for, and the DOI of their source: of those that the circuits have, and of mismatch."""
    chips = [] if chip is None else chip if isinstance(chip, list) else [chip]
    text = "\n".join(page(name).text for name in on)
    found = []
    for one in chips:
        for name, constant in facts.constants(one["constants"]).items():
            in_use = re.search(rf"\b{name}\b", text) or (name == _MISMATCH_CONSTANT and one["mismatch"] != 0)
            if in_use and name not in one["changes"]:
                reason = "mismatch" if name == _MISMATCH_CONSTANT else f"constant {name}"
                found += [(reason, doi) for doi in dois(constant.source)]
    return found
