"""The API reference, docs/api/*.rst: which public names are on which page. The text itself is in the docstrings.

The pages are made whenever the site is built (conf.py) and are not kept in the repository.
"""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import brian2dynapse as bd
from brian2dynapse.errors import DynapseError

FOLDER = Path(__file__).parent / "api"
INDEX = """API reference
=============

What `import brian2dynapse as bd` gives, by purpose. Names are imported when they are first used.

Whatever a user calls takes and returns Brian2 quantities; modules that say so work with plain numbers in SI units.
All errors of the package are a :class:`~brian2dynapse.DynapseError`.
"""
# Page: title, one sentence, and the modules whose public names it has.
PAGES = {
    "biases": ("Biases, codes and currents", "The truth is a code.", ("biases", "dac", "facts", "panel")),
    "models": (
        "Models",
        "Brian2 groups with the circuits of the chip, and the individual chip that they are on.",
        ("neurons", "connection", "chip", "chip_profile", "networks"),
    ),
    "device": (
        "To the chip and back",
        "A network to the content of the chip's memory, its check, and a network from that.",
        ("mapper", "mapping", "replay", "simulation", "configuration", "labels", "weight_fit"),
    ),
    "measuring": (
        "Measure",
        "Protocols on models, what is read off traces and spikes, closed forms of what is observed.",
        ("measure", "analysis", "observables"),
    ),
    "calibration": (
        "Calibrate, fit, compensate",
        "From what is wanted to codes, and from what was measured to a chip.",
        ("calibration", "targets", "chip_fit", "compensation", "compensation_result", "responses"),
    ),
    "runs": (
        "Many runs",
        "One compiled program, copies in one run, sweeps.",
        ("program", "replicas", "replica_settings", "sweeps", "sweep_runs", "progress"),
    ),
    "board": ("The simulated board", "What answers `import samna`.", ("board", "board_clock", "board_network")),
    "exchange": (
        "Exchange, citation, provenance",
        "Other tools' files in and out, and where results come from.",
        ("exchange", "citations", "provenance_record"),
    ),
    "plot": ("Pictures", "Drawing what the package returns.", ("plot",)),
    "errors": ("Errors", "Each names the thing, what it got, what is allowed and the next step.", ("errors",)),
}
NOT_LISTED = {"board_network": ("Network",)}  # public, though not by a name of the package itself


def names_in_module(module: str) -> list[str]:
    """Public functions and classes of a module: what it lists in ``__all__``, or else those that it defines."""
    content = importlib.import_module(f"brian2dynapse.{module}")
    if hasattr(content, "__all__"):
        return list(content.__all__)

    def defined(one) -> bool:
        inner = inspect.unwrap(one) if callable(one) else None
        return (inspect.isfunction(inner) or inspect.isclass(inner)) and inner.__module__ == content.__name__

    return [name for name, one in vars(content).items() if not name.startswith("_") and defined(one)]


def page_of(module: str) -> str:
    """The page that has the public names of a module.

    Raises
    ------
    DynapseError
        If none has.
    """
    for page, (_, _, modules) in PAGES.items():
        if module in modules:
            return page
    raise DynapseError(
        f"brian2dynapse.{module} has public names and is on no page of the API reference; add it to PAGES in "
        "docs/api_pages.py"
    )


def entries() -> dict[str, dict[str, list[str]]]:
    """Page to module to the public names that it shows, as they are written: ``"Chip"``, ``"dac.current"``."""
    found = {page: {module: [] for module in modules} for page, (_, _, modules) in PAGES.items()}
    for name, module in bd._PUBLIC.items():
        found[page_of(module)][module].append(name)
    for module in bd._MODULES:
        found[page_of(module)][module] += [
            f"{module}.{name}" for name in names_in_module(module) if bd._PUBLIC.get(name) is None
        ]
    for module, names in NOT_LISTED.items():
        found[page_of(module)][module] += [f"{module}.{name}" for name in names]
    return found


def signature(one: type) -> str:
    """What a Brian2 object is called with, which its ``__new__`` hides; nothing for other classes, which show it."""
    if one.__init__ is object.__init__ or one.__new__ is object.__new__ or issubclass(one, Exception):
        return ""
    parameters = list(inspect.signature(one.__init__).parameters.values())[1:]
    return str(inspect.Signature([each.replace(annotation=inspect.Parameter.empty) for each in parameters]))


def directive(name: str) -> str:
    """How autodoc shows one name."""
    module, _, last = name.rpartition(".")
    one = getattr(importlib.import_module(f"brian2dynapse.{module}") if module else bd, last)
    if inspect.isclass(one):
        kind = "autoexception" if issubclass(one, Exception) else "autoclass"
        return f".. {kind}:: brian2dynapse.{name}{signature(one)}\n   :members:"
    return f".. autofunction:: brian2dynapse.{name}"


def module_section(module: str, names: list[str]) -> str:
    """Text about one module: a heading if it is a name that a user writes, then its names."""
    parts = []
    if module in bd._MODULES:
        heading = f"bd.{module}"
        parts += [f"{heading}\n{'-' * len(heading)}", f".. automodule:: brian2dynapse.{module}\n   :no-index:"]
    return "\n\n".join([*parts, *map(directive, names)])


def page_text(page: str, modules: dict[str, list[str]]) -> str:
    """One page of the reference."""
    title, about, _ = PAGES[page]
    found = {module: names for module, names in modules.items() if names}
    # Names of the package itself come first, then the modules.
    ordered = sorted(found, key=lambda module: module in bd._MODULES)
    sections = [module_section(module, found[module]) for module in ordered]
    return "\n\n".join([f"{title}\n{'=' * len(title)}", about, ".. currentmodule:: brian2dynapse", *sections]) + "\n"


def on_docstring(_app, _what, _name, _one, _options, lines: list[str]) -> None:
    """A name in the plural, as docstrings write it: the s follows at once, which the markup does not know."""
    lines[:] = [re.sub(r"(?<!`)`(\w+)`s\b", r"`\1`\\ s", line) for line in lines]


def pages() -> dict[str, str]:
    """File name to text; a page without names is left out."""
    made = {f"{page}.rst": page_text(page, modules) for page, modules in entries().items() if any(modules.values())}
    tree = "\n".join(f"   {file.removesuffix('.rst')}" for file in made)
    return {"index.rst": f"{INDEX}\n.. toctree::\n   :maxdepth: 1\n\n{tree}\n", **made}


def write() -> None:
    """Write all pages that differ from what is there."""
    FOLDER.mkdir(exist_ok=True)
    wanted = pages()
    for file, text in wanted.items():
        path = FOLDER / file
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for path in FOLDER.iterdir():
        if path.name not in wanted:
            path.unlink()
