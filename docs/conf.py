"""Configuration of the site, `make docs`. Pages that are made from code and tables are written before Sphinx reads."""

import os
import sys
import warnings
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

import api_pages  # noqa: E402
import bias_pages  # noqa: E402
import notebooks  # noqa: E402
import site_links  # noqa: E402

import brian2dynapse  # noqa: E402

project = "brian2dynapse"
author = "The brian2dynapse developers"
version = release = brian2dynapse.__version__
extensions = [
    "sphinx.ext.autodoc",
    "numpydoc",
    "sphinx-mathjax-offline",
    "myst_nb",  # brings the Markdown of MyST
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "how_it_is_fast.md"]  # that is a part of how_fast_how_exact.md
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}
root_doc = "index"
nitpicky = True
nitpick_ignore = [("py:obj", "attrs")]  # of pandas, which results inherit

# The theme: nothing is fetched from elsewhere.
html_theme = "furo"
html_title = f"brian2dynapse {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
highlight_language = "none"  # a block without a language is an equation
pygments_style = "friendly"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# Markdown: links to headings, as a git host makes them; $math$ as in Jupyter.
myst_heading_anchors = 4
myst_enable_extensions = ["dollarmath"]

# Docstrings say types, units and errors; a signature that says them again is too long to read.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
numpydoc_show_class_members = False  # autodoc lists them
default_role = "code"

# Notebooks are executed once; results stay as long as neither they nor the package change. An error ends the build.
WORK = DOCS / "_build"
OUTPUT = WORK / "notebook_output" / ("quick" if notebooks.QUICK else "full")
os.environ["BRIAN2DYNAPSE_OUTPUT"] = str(OUTPUT)
os.environ.pop("MPLBACKEND", None)  # figures belong into the notebook
nb_execution_mode = "cache"
nb_execution_cache_path = str(WORK / "notebook_cache" / notebooks.fingerprint())
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_output_stderr = "show"
nb_merge_streams = True


def included_pages() -> dict[str, str]:
    """Path below docs/ to text, of pages whose source is elsewhere in the repository."""
    made = {"files.md": site_links.files_page()}
    for source, page in site_links.PAGES.items():
        path = DOCS.parent / source
        if page != "index.md" and path.suffix == ".md" and path.exists():
            made[page] = site_links.rewritten(path.read_text(encoding="utf-8"), "", page)
    return made


def setup(app):
    """Write the pages that are made, and join in what this site does with links."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bias_pages.write()
        api_pages.write()
        notebooks.write()
        for page, text in included_pages().items():
            path = DOCS / page
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")
    app.connect("autodoc-process-docstring", api_pages.on_docstring, priority=400)  # before numpydoc reads it
    app.connect("source-read", site_links.on_source_read)
    app.add_post_transform(site_links.BiasLinks)
    app.add_transform(notebooks.Downloads)
