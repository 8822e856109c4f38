"""Links of pages work in the repository, and have their place on the site; scripts become notebooks."""

import json
import re

import pytest
from docs_modules import DOCS, load

site_links, notebooks = load("site_links"), load("notebooks")
ROOT = DOCS.parent
LINK = re.compile(r"\]\((?!https?:|#)([^)\s#]+)")
MADE = {"index.md", "contributing.md", "changelog.md", "files.md"}  # of the site only
PAGES = [path for path in (*DOCS.glob("*.md"), *DOCS.glob("circuits/*.md")) if path.name not in MADE]
TEXTS = [ROOT / "CONTRIBUTING.md", ROOT / "README.md", *sorted(PAGES)]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_links_lead_somewhere_in_the_repository(path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert [link for link in LINK.findall(text) if not (path.parent / link).exists()] == []


@pytest.mark.parametrize(
    ("link", "folder", "page", "wanted"),
    [
        ("../../equations/soma.eqs", "docs/circuits", "circuits/soma.md", "../../equations/soma.eqs"),
        ("../../equations", "docs/circuits", "circuits/soma.md", "../files.md#equations"),
        ("../../brian2dynapse/data", "docs/circuits", "circuits/soma.md", "../files.md#brian2dynapse-data"),
        ("../tutorials/02_winner_take_all.py", "docs", "board.md", "tutorials/02_winner_take_all.ipynb"),
        ("../tutorials/board_script.py", "docs", "board.md", "../tutorials/board_script.py"),
        ("../README.md", "docs", "board.md", "index.md"),
        ("docs/board.md#time", "", "contributing.md", "board.md#time"),
        ("CONTRIBUTING.md", "", "index.md", "contributing.md"),
        ("ampa.md", "docs/circuits", "circuits/soma.md", "ampa.md"),
        ("https://example.org/x.md", "docs", "board.md", "https://example.org/x.md"),
        ("#time", "docs", "board.md", "#time"),
    ],
)
def test_places_on_the_site(link, folder, page, wanted):
    assert site_links.rewritten(f"see [this]({link}).", folder, page) == f"see [this]({wanted})."


def test_a_link_to_a_figure_of_a_paper(tmp_path, monkeypatch):
    paper = tmp_path / "tutorials" / "papers" / "Author_2001"
    paper.mkdir(parents=True)
    (paper / "fig1.py").write_text("# %% [markdown]\n# # A figure\n")
    monkeypatch.setattr(site_links, "ROOT", tmp_path)
    assert site_links.place_on_site("tutorials/papers/Author_2001/fig1.py") == "papers/Author_2001/fig1.ipynb"


def test_the_first_page_lists_what_there_is():
    text = "# Title\n\n```{toctree}\n:hidden:\n\nstart\ncircuits/README\nchangelog\n```\n"
    kept = site_links.without_missing(text, {"start", "circuits/README", "index"})
    assert kept == text.replace("changelog\n", "")


def test_every_tutorial_is_a_notebook():
    made = notebooks.pages()
    names = {path.stem for path in (ROOT / "tutorials").glob("[0-9][0-9]_*.py")}
    assert names and {f"tutorials/{name}.ipynb" for name in names} <= set(made)
    assert all(f"{name}.ipynb" in made["tutorials/index.md"] for name in names)


def test_a_notebook_has_the_cells_of_its_script(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    script = tmp_path / "tutorials" / "9_a.py"
    script.parent.mkdir()
    script.write_text(
        "# %% [markdown]\n# # A title\n# See [it](../docs/board.md).\n\n# %%\nx = 1  # noqa: E402\nprint(x)\n"
    )
    first = notebooks.notebook(script, "tutorials/9_a.ipynb")
    assert first == notebooks.notebook(script, "tutorials/9_a.ipynb")  # or every build would execute it again
    text, code = json.loads(first)["cells"]
    assert "".join(text["source"]) == "# A title\nSee [it](../board.md)."
    assert "".join(code["source"]) == "x = 1\nprint(x)" and code["outputs"] == []


@pytest.mark.parametrize("papers", [0, 2])
def test_papers_are_found(papers, tmp_path, monkeypatch):
    for number in range(papers):
        folder = tmp_path / f"Author_200{number}"
        folder.mkdir()
        (folder / "fig1.py").write_text("# %% [markdown]\n# # A figure\n")
        (folder / "shared.py").write_text("VALUE = 1\n")
    monkeypatch.setattr(notebooks, "SOURCES", {"papers": tmp_path})
    index = notebooks.index_page("papers")
    assert index.count("fig1.ipynb") == papers and (notebooks.NO_PAPERS in index) == (papers == 0)
    assert len(notebooks.companions()) == papers  # a module that the figures import goes with them


def test_results_of_another_form_are_not_used(monkeypatch):
    quick = notebooks.QUICK
    before = notebooks.fingerprint()
    assert before == notebooks.fingerprint()
    monkeypatch.setattr(notebooks, "QUICK", not quick)
    assert before != notebooks.fingerprint()
