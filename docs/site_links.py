"""Links that work on a plain git host and on the site: what pages point to outside of docs/ has another place here.

The pages are written for the repository: a link is a path relative to the page. On the site a tutorial is its notebook,
the README is the first page, a folder is its part of the page of files, and any other file is downloaded.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

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

CIRCUITS = """
```{toctree}
:hidden:
:maxdepth: 1
:glob:

*
```
"""

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


def without_missing(text: str, there) -> str:
    """The first page without the entries of its trees that this checkout has no page for, such as a changelog."""
    return re.sub(r"^([\w/]+)\n", lambda line: line[0] if line[1] in there else "", text, flags=re.MULTILINE)


def on_source_read(app, docname: str, content: list[str]) -> None:
    """Rewrite the links of a page that is read from docs/ itself; the circuits' own index gets its tree of pages."""
    path = Path(os.fspath(app.env.doc2path(docname)))
    if path.suffix == ".md":
        page = path.relative_to(DOCS).as_posix()
        content[0] = rewritten(content[0], os.path.dirname(f"docs/{page}"), page)
    if docname == "index":
        content[0] = without_missing(content[0], app.env.found_docs)
    if docname == "circuits/README":
        content[0] += CIRCUITS


class BiasLinks(SphinxPostTransform):
    """The name of a bias that is written as code becomes a link to its page, everywhere but there and in headings."""

    default_priority = 200  # after references are resolved
    formats = ("html",)

    def run(self, **_kwargs) -> None:
        """Wrap the names in links."""
        biases = facts.bias_table()
        here = self.env.docname
        for literal in list(self.document.findall(nodes.literal)):
            page = f"biases/{literal.astext()}"
            if literal.astext() in biases and page != here and not inside_link_or_heading(literal):
                link = nodes.reference("", "", internal=True, refuri=self.app.builder.get_relative_uri(here, page))
                literal.replace_self(link)
                link += literal


def inside_link_or_heading(node: nodes.Node) -> bool:
    """Whether a link around a part of a page would be inside another link or a heading."""
    while node is not None:
        if isinstance(node, (nodes.reference, nodes.title)):
            return True
        node = node.parent
    return False


def files_page() -> str:
    """Text of docs/files.md: the folders of the repository that pages point to, with their files to download."""
    parts = ["# Files", "Files of the repository that pages of this site point to."]
    for folder in FOLDERS:
        names = [
            path.name for path in sorted((ROOT / folder).iterdir()) if path.suffix in (".eqs", ".csv", ".toml", ".json")
        ]
        lines = "\n".join(f"- {{download}}`{name} <../{folder}/{name}>`" for name in names)
        parts += [f"({folder.replace('/', '-')})=\n## {folder}", lines]
    return "\n\n".join(parts) + "\n"
