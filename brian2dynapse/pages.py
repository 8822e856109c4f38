"""Equation files: one circuit a page, `equations/*.eqs`.

A page is ordinary Brian2 equations and comments, with these kinds of lines more:

    I_sum += Iampa                     this circuit adds a current to a sum of the soma (or -=)
    I_sum: Inmda -> Inmda/(1 + ...)    ... changes a current on its way into that sum
    soma: I_gain -> I_gain*gain        ... changes a quantity in the right-hand sides of another page
    dImem/dt += Imem*noise_mem*xi      ... adds a term to a differential equation
    spike when: Imem > I_threshold     condition of an output spike (or spike when: another one)
    on spike: Ica = ...                what a spike does
    on event: ...                      what an event does to its synapse; after event: what it leaves behind
    before event: t_merged = ...       another opening time of the synapse in place of t_open
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

_CONTRIBUTION = re.compile(r"^(\w+) ([+-])= (.+)$")
_TERM = re.compile(r"^(\w+/dt) \+= (.+)$")
_CHANGE = re.compile(r"^(\w+): (\w+) -> (.+)$")
_EVENT = re.compile(r"^(spike when|or spike when|on spike|before event|on event|after event): (.+)$")


@dataclass(frozen=True)
class Page:
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
    terms : tuple of (str, str)
        Left-hand side of a differential equation, expression that is added to it.
    changes : tuple of (str, str, str)
        Sum or page, quantity, what replaces it there.
    events : tuple of (str, str)
        Kind (``"on spike"``, ...) and code.
    """

    name: str
    text: str
    equations: tuple[str, ...]
    contributions: tuple[tuple[str, str, str], ...]
    terms: tuple[tuple[str, str], ...]
    changes: tuple[tuple[str, str, str], ...]
    events: tuple[tuple[str, str], ...]

    def code(self, kind: str) -> list[str]:
        """Code of one kind of event."""
        return [code for one, code in self.events if one == kind]


@cache
def page(name: str) -> Page:
    """Read one equation file.

    Parameters
    ----------
    name : str
        File name without ``.eqs``.

    Returns
    -------
    Page
        Its lines by kind.
    """
    text = resources.files("brian2dynapse.equations").joinpath(f"{name}.eqs").read_text(encoding="utf-8")
    kinds = {_EVENT: [], _CHANGE: [], _TERM: [], _CONTRIBUTION: []}
    equations = []
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        for pattern, found in kinds.items():
            if match := pattern.match(line):
                found.append(match.groups())
                break
        else:
            equations += [line] if line else []
    return Page(
        name=name,
        text=text,
        equations=tuple(equations),
        contributions=tuple(kinds[_CONTRIBUTION]),
        terms=tuple(kinds[_TERM]),
        changes=tuple(kinds[_CHANGE]),
        events=tuple(kinds[_EVENT]),
    )


def changed(text: str, changes: list[tuple[str, str]]) -> str:
    """Replace quantities in an expression, each by its name as a whole word.

    Parameters
    ----------
    text : str
        Expression.
    changes : list of (str, str)
        Quantity and what replaces it, applied in turn.
    """
    for quantity, replacement in changes:
        alone = text == quantity or replacement.isidentifier()
        text = re.sub(rf"\b{quantity}\b", lambda _, by=replacement if alone else f"({replacement})": by, text)
    return text
