"""Links that work on a plain git host and on the site: what pages point to outside of docs/ has another place here.

The pages are written for the repository: a link is a path relative to the page. On the site a tutorial is its notebook,
the README is the first page, a folder is its part of the page of files, and any other file is downloaded.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

from brian2dynapse import facts

DOCS = Path(__file__).parent
ROOT = DOCS.parent
FOLDERS = ("equations", "brian2dynapse/data")  # on the page of files
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "docs": "index.md",
    "docs/circuits": "circuits/README.md",
    "tutorials": "tutorials/index.md",
    "tutorials/papers": "papers/index.md",
    "benchmarks": "how_fast_how_exact.md",
}

# ](path) or ](path#fragment), not ](https://...) and not ](#fragment)
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#|/)([^)\s#]+)(#[^)\s]*)?(?=\))")


def place_on_site(path: str) -> str:
    """Where the site has a file or folder of the repository.

    Parameters
    ----------
    path : str
        Relative to the root of the repository.

    Returns
    -------
    str
        Relative to docs/; a path with ``..`` is a file that the site offers for download.
    """
    if path in PAGES:
        return PAGES[path]
    notebook = re.fullmatch(r"tutorials/(?:papers/)?((?:\w+/)?\w+)\.py", path)
    if notebook and is_notebook(ROOT / path):
        return f"{'papers' if path.startswith('tutorials/papers/') else 'tutorials'}/{notebook[1]}.ipynb"
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path in FOLDERS:
        return f"files.md#{path.replace('/', '-')}"
    return f"../{path}"


def is_notebook(path: Path) -> bool:
    """Whether a script is in the percent format and starts with a text."""
    return path.is_file() and path.read_text(encoding="utf-8").startswith("# %% [markdown]")


def rewritten(text: str, folder: str, page: str) -> str:
    """A page's Markdown with links as the site has them.

    Parameters
    ----------
    text : str
        Markdown.
    folder : str
        The folder of the repository that its links are relative to, such as ``"docs/circuits"``; ``""`` is the root.
    page : str
        The page of the site, relative to docs/.
    """

    def place(match: re.Match) -> str:
        path, fragment = match[1], match[2] or ""
        target = os.path.normpath(os.path.join(folder, path))
        if target.startswith(".."):
            return match[0]  # outside of the repository: the check of links will say so
        found, _, own_fragment = place_on_site(target).partition("#")
        fragment = f"#{own_fragment}" if own_fragment else fragment
        return os.path.relpath(found, os.path.dirname(page) or ".") + fragment

    return _LINK.sub(place, text)


def on_source_read(app, docname: str, content: list[str]) -> None:
    """Rewrite the links of a page that is read from docs/ itself."""
    path = Path(app.env.doc2path(docname))
    if path.suffix == ".md":
        page = path.relative_to(DOCS).as_posix()
        content[0] = rewritten(content[0], os.path.dirname(f"docs/{page}"), page)


class BiasLinks(SphinxTransform):
    """The name of a bias that is written as code becomes a link to its page, everywhere but there and in headings."""

    default_priority = 400  # after parsing, before references are resolved

    def apply(self, **_kwargs) -> None:
        biases = facts.bias_table()
        for literal in list(self.document.findall(nodes.literal)):
            name = literal.astext()
            page = f"biases/{name}"
            ancestors = []
            node = literal.parent
            while node is not None:
                ancestors.append(node)
                node = node.parent
            inside = (nodes.reference, addnodes.pending_xref, nodes.title)
            if name not in biases or self.env.docname == page or any(isinstance(one, inside) for one in ancestors):
                continue
            link = addnodes.pending_xref(
                "", refdomain="std", reftype="doc", reftarget=f"/{page}", refexplicit=True, refwarn=True,
                refdoc=self.env.docname,
            )  # fmt: skip
            literal.replace_self(link)
            link += literal


def files_page() -> str:
    """Text of docs/files.md: the folders of the repository that pages point to, with their files to download."""
    parts = ["# Files", "Files of the repository that pages of this site point to."]
    for folder in FOLDERS:
        names = [path.name for path in sorted((ROOT / folder).iterdir()) if path.suffix in (".eqs", ".csv", ".toml", ".json")]
        lines = "\n".join(f"- {{download}}`{name} <../{folder}/{name}>`" for name in names)
        parts += [f"({folder.replace('/', '-')})=\n## {folder}", lines]
    return "\n\n".join(parts) + "\n"
