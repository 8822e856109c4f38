"""Tutorials and papers as notebooks: docs/tutorials/*.ipynb and docs/papers/*/*.ipynb, from the percent scripts.

They are made whenever the site is built (conf.py), executed there, and not kept in the repository. Edit the scripts.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path

from docutils import nodes
from site_links import DOCS, ROOT, is_notebook, rewritten
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

SOURCES = {"tutorials": ROOT / "tutorials", "papers": ROOT / "tutorials" / "papers"}  # folder of docs/ to scripts
QUICK = bool(os.environ.get("BRIAN2DYNAPSE_QUICK"))
TUTORIALS = """# Tutorials

Each is a script of the repository, executed here from its first line to its last. It runs as it is, `python NAME.py`,
opens as a notebook in Jupyter with jupytext, and asserts its numbers."""
PAPERS = """# Papers

Published results on the circuits and networks of this chip, as far as they can be computed here: a folder a paper, a
short script a figure. Each says what is reproduced and what is not."""
NO_PAPERS = "None yet."
FOR_TOOLS = re.compile(r"  # (fmt: skip|noqa\b.*)$", re.MULTILINE)  # what only the linter reads


def scripts(folder: str) -> list[Path]:
    """The percent scripts of a folder of the site, in the order of their paths."""
    pattern = "*.py" if folder == "tutorials" else "*/*.py"
    return [path for path in sorted(SOURCES[folder].glob(pattern)) if is_notebook(path)]


def heading(text: str) -> str:
    """First heading of a percent script or a page of Markdown."""
    return re.search(r"^(?:# )?# (?!%%)(.+)$", text, re.MULTILINE)[1].strip()


def notebook(script: Path, page: str) -> str:
    """A percent script as a notebook, always the same for the same script.

    Parameters
    ----------
    script : pathlib.Path
        In the percent format.
    page : str
        The page of the site, relative to docs/; links in texts are rewritten for it.

    Returns
    -------
    str
        The notebook, as JSON.
    """
    import jupytext
    import nbformat

    made = jupytext.reads(script.read_text(encoding="utf-8"), fmt="py:percent")
    made.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    folder = script.parent.relative_to(ROOT).as_posix()
    for number, cell in enumerate(made.cells):
        cell["id"] = f"cell-{number}"
        if cell.cell_type == "markdown":
            cell.source = rewritten(cell.source, folder, page)
        else:
            cell.source = FOR_TOOLS.sub("", cell.source)
    return nbformat.writes(made) + "\n"


def index_page(folder: str) -> str:
    """Text of the page that lists the notebooks of a folder, by paper."""
    found = scripts(folder)
    parts = [TUTORIALS if folder == "tutorials" else PAPERS]
    groups = dict.fromkeys(path.parent for path in found)
    for group in groups:
        names = [path.relative_to(SOURCES[folder]).with_suffix("").as_posix() for path in found if path.parent == group]
        about = sorted(path.name for path in group.glob("*.md")) if folder == "papers" else []
        if folder == "papers":
            parts.append(f"## {group.name.replace('_', ' ')}")
        entries = "\n".join([*(f"{group.name}/{name}" for name in about), *(f"{name}.ipynb" for name in names)])
        parts.append(f"```{{toctree}}\n:maxdepth: 1\n\n{entries}\n```")
    return "\n\n".join(parts if found else [*parts, NO_PAPERS]) + "\n"


def pages() -> dict[str, str]:
    """Path below docs/ to content: indexes and notebooks."""
    made = {}
    for folder, source in SOURCES.items():
        made[f"{folder}/index.md"] = index_page(folder)
        for script in scripts(folder):
            page = script.relative_to(source).with_suffix(".ipynb").as_posix()
            made[f"{folder}/{page}"] = notebook(script, f"{folder}/{page}")
    return made


def companions() -> dict[str, Path]:
    """Path below docs/ to what a notebook may need beside it, data or modules, and to texts in a paper's folder."""
    found = {}
    for folder, source in SOURCES.items():
        pattern = "*" if folder == "tutorials" else "*/*"
        for path in source.glob(pattern):
            if path.is_file() and not path.name.startswith(".") and not (path.suffix == ".py" and is_notebook(path)):
                found[f"{folder}/{path.relative_to(source).as_posix()}"] = path
    return found


def write() -> None:
    """Write what differs from what is there, and remove what is left over; what notebooks wrote themselves stays."""
    wanted = pages()
    for page, text in wanted.items():
        path = DOCS / page
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for page, source in companions().items():
        (DOCS / page).parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            text = rewritten(source.read_text(encoding="utf-8"), source.parent.relative_to(ROOT).as_posix(), page)
            (DOCS / page).write_text(text, encoding="utf-8")
        else:
            shutil.copy2(source, DOCS / page)
    for folder in SOURCES:
        for path in (DOCS / folder).rglob("*.ipynb"):
            if path.relative_to(DOCS).as_posix() not in wanted:
                path.unlink()


def fingerprint() -> str:
    """What the results of a notebook depend on beside itself: the package, its equations and tables, the quick form.

    Results are kept between builds; those of another fingerprint are not used.
    """
    digest = hashlib.sha256(b"quick" if QUICK else b"full")
    for folder in ("brian2dynapse", "equations"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix in (".py", ".eqs", ".csv", ".toml", ".json", ".cpp"):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def put_results(executed: Path, cache: str) -> None:
    """Put kept results into the notebook that is offered: MyST-NB writes it bare if it did not execute it now."""
    import nbformat
    from jupyter_cache import get_cache

    made = nbformat.read(executed, as_version=4)
    try:
        _, merged = get_cache(cache).merge_match_into_notebook(made)
    except KeyError:  # never executed: the site is built without execution
        return
    nbformat.write(merged, executed)


class Downloads(SphinxTransform):
    """Under the title of a notebook: the executed notebook and its script to download, and which form was executed."""

    default_priority = 400

    def apply(self, **_kwargs) -> None:
        folder, _, name = self.env.docname.partition("/")
        if folder not in SOURCES or not os.fspath(self.env.doc2path(self.env.docname)).endswith(".ipynb"):
            return
        executed = Path(self.env.mystnb_config.output_folder) / f"{self.env.docname}.ipynb"
        script = SOURCES[folder] / f"{name}.py"
        put_results(executed, self.env.mystnb_config.execution_cache_path)
        line = nodes.paragraph()
        line += nodes.Text("Download: ")
        for number, (text, path) in enumerate({"notebook, executed": executed, "script": script}.items()):
            link = addnodes.download_reference(
                "", reftarget="/" + os.path.relpath(path, self.env.srcdir), refdoc=self.env.docname
            )
            link += nodes.inline(text=text)
            line += [nodes.Text(", "), link] if number else link
        form = "in its quick form, with fewer neurons and shorter runs" if QUICK else "in full"
        line += nodes.Text(f". Executed {form}, when this site was built.")
        title = next(iter(self.document.findall(nodes.title)))
        title.parent.insert(title.parent.index(title) + 1, line)
