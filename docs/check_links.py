"""Check the links of a site: every relative link leads to a file that is there, every fragment to a place on its page.

`python docs/check_links.py FOLDER` names each broken link with its page, and ends with 1 if there is one. Links to
other sites are not followed.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """Links and places of one page."""

    def __init__(self, path: Path):
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = {"", "top"}  # what a browser always has
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src") and value is not None:
                self.links.append(value)
            elif name == "id" or (tag == "a" and name == "name"):
                self.places.add(value)


def broken_links(folder: Path) -> list[tuple[str, str]]:
    """Broken links of a site.

    Parameters
    ----------
    folder : pathlib.Path
        Where the site is.

    Returns
    -------
    list of tuple of str
        Page, relative to the folder, and link as it is written there.
    """
    folder = folder.resolve()
    pages = {path: Page(path) for path in sorted(folder.rglob("*.html"))}
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if parts.path.startswith("/") or not target.is_relative_to(folder):
                found = False  # a site has to work wherever it is put
            elif target in pages:
                found = unquote(parts.fragment) in pages[target].places
            else:
                found = target.is_file()
            if not found:
                broken.append((path.relative_to(folder).as_posix(), link))
    return broken


def main(arguments: list[str]) -> int:
    """Check the site in a folder; 1 if a link is broken or there is no page."""
    folder = Path(*arguments)
    if not any(folder.rglob("*.html")):
        print(f"{folder} has no pages; build the site first, make docs")
        return 1
    broken = broken_links(folder)
    for page, link in broken:
        print(f"{page}: {link} leads nowhere")
    print(f"{len(broken)} broken links in {folder}")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
