"""The check of links finds what leads nowhere, and nothing else."""

import subprocess
import sys

import pytest
from docs_modules import DOCS, load

check_links = load("check_links")


@pytest.fixture
def site(tmp_path):
    (tmp_path / "part").mkdir()
    (tmp_path / "picture.png").write_bytes(b"")
    (tmp_path / "index.html").write_text(
        '<h1 id="start">Start</h1><a href="part/page.html#place">a page</a><img src="picture.png"><a href="#">top</a>'
        '<a href="https://example.org/nothing#here">elsewhere</a><a href="mailto:someone@example.org">mail</a>'
    )
    (tmp_path / "part" / "page.html").write_text(
        '<h1 id="a place">Page</h1><a name="place"></a><a href="../index.html?highlight=x#start">back</a>'
        '<a href="#a%20place">here</a>'
    )
    return tmp_path


def test_a_sound_site(site, capsys):
    assert check_links.broken_links(site) == []
    assert check_links.main([str(site)]) == 0
    assert "0 broken links" in capsys.readouterr().out


@pytest.mark.parametrize(
    "link",
    ["missing.html", "part/page.html#missing", "#missing", "part", "/index.html", "../outside.png", "part/missing.png"],
)
def test_a_broken_link_is_named_with_its_page(site, link, capsys):
    (site / "new.html").write_text(f'<a href="{link}">x</a>')
    assert check_links.broken_links(site) == [("new.html", link)]
    assert check_links.main([str(site)]) == 1
    assert f"new.html: {link} leads nowhere" in capsys.readouterr().out


def test_a_missing_picture_is_found(site):
    (site / "part" / "page.html").write_text('<a name="place"></a><img src="../missing.png">')
    assert check_links.broken_links(site) == [("part/page.html", "../missing.png")]


def test_as_a_command(site):
    (site / "new.html").write_text('<a href="missing.html">x</a>')
    done = subprocess.run([sys.executable, DOCS / "check_links.py", site], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "new.html: missing.html leads nowhere" in done.stdout


def test_no_site_is_not_a_sound_site(tmp_path):
    assert check_links.main([str(tmp_path)]) == 1
