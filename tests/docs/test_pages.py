"""The README and every page of docs/: their code runs as a newcomer would paste it, commands and files are there.

The Python blocks of a page run in order, in one namespace, in an empty folder.
"""

import ast
import importlib.util
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import pytest

import brian2dynapse as bd

ROOT = Path(__file__).parents[2]
PAGES = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))}
ALL_PAGES = [*PAGES.values(), ROOT / "CONTRIBUTING.md", *(ROOT / "docs" / "circuits").glob("*.md")]
COMPILED = ("docs/board.md", "docs/programs.md")  # in a process of their own, which a compiled network needs
LANGUAGES = {"python", "bash", "text", "json", "bibtex"}
FIRST_PAGE_OF_THE_SITE = (
    ROOT / "docs" / "index.md"
)  # links to pages that are made with the site, which checks its links


@dataclass
class Block:
    language: str
    text: str
    line: int


def blocks_of(path, language=None) -> list[Block]:
    """Fenced blocks of a page, those of one language or all but directives of the site, ```{toctree}."""
    text = path.read_text(encoding="utf-8")
    found = []
    for match in re.finditer(r"^```(.*)\n((?:.*\n)*?)```$", text, flags=re.MULTILINE):
        block = Block(match[1], match[2], text[: match.start()].count("\n") + 2)
        if not block.language.startswith("{") and language in (None, block.language):
            found.append(block)
    return found


WITH_CODE = [name for name, path in PAGES.items() if blocks_of(path, "python")]
names_of_pages = pytest.mark.parametrize("path", ALL_PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())


@dataclass
class Ran:
    """What the blocks of a page left: names and output after each of them, and the folder."""

    steps: list
    folder: Path

    @property
    def names(self) -> dict:
        return self.steps[-1][0]

    @property
    def output(self) -> str:
        return "".join(output for _, output in self.steps)

    def wrote(self, *files) -> bool:
        return all((self.folder / file).stat().st_size > 0 for file in files)


@pytest.mark.parametrize("name", [name for name in WITH_CODE if name not in COMPILED])
def test_code_runs(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    matplotlib.use("Agg")
    names, steps = {"__name__": "__main__"}, []
    for block in blocks_of(PAGES[name], "python"):
        code = "\n" * (block.line - 1) + block.text  # so that errors name the line of the page
        exec(compile(code, name, "exec"), names)
        steps.append((dict(names), capsys.readouterr().out))
    matplotlib.pyplot.close("all")
    if name in CHECKS:
        CHECKS[name](Ran(steps, tmp_path))


@pytest.mark.compiled
@pytest.mark.parametrize("name", COMPILED)
def test_compiled_code_runs(name, tmp_path):
    script = tmp_path / "page.py"
    script.write_text("\n".join(block.text for block in blocks_of(PAGES[name], "python")), encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=tmp_path,
        env=os.environ | {"MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-4000:]
    CHECKS[name](Ran([({}, ran.stdout)], tmp_path))


# -- what the code of a page must show ----------------------------------------------------------------


def check_readme(ran):
    names = ran.names
    assert names["spikes"].num_spikes > 0
    assert ran.wrote("fi.png", "mapping.png", "chip.json", "calibration.png", "sweep.jsonl", "sweep.png")
    assert names["mapping"].configuration == bd.Configuration.from_json("chip.json")
    assert names["back"]["spikes_pyr"].num_spikes > 0
    assert names["result"].success
    assert not any(names["swept"]["error"])
    assert "dImem/dt" in ran.output


def check_start(ran):
    names = ran.names
    assert ran.wrote("fi.png", "fi.csv", "chip.json")
    counts = names["spikes"].count[:]
    assert len(np.unique(counts)) > 1  # "the neurons differ"
    assert len(names["table"]) == 20 * 30
    assert names["configuration"] == bd.Configuration.from_json("chip.json")
    assert names["back"]["spikes_pyr"].num_spikes > 0


def check_mapping(ran):
    names = ran.names
    assert ran.wrote("mapping.png", "network.json")
    assert isinstance(names["refused"], bd.MappingError)
    shown = blocks_of(PAGES["docs/mapping.md"], "text")
    assert any(" ".join(block.text.split()) == " ".join(str(names["refused"]).split()) for block in shown)
    assert len(names["fits"].synapses) == 50 * 40 and names["fits"].neurons["cams"].max() == 40
    assert len(names["shared"].synapses) == 50 * 100 and names["shared"].neurons["cams"].max() == 1
    assert names["back"]["spikes_pyr"].num_spikes > 0


def check_known(ran):
    measured, nominal = ran.names["measured"], ran.names["nominal"]
    assert measured.constants["C_ampa"] < nominal.constants["C_ampa"]


def check_calibration(ran):
    assert ran.wrote("time_constants.png", "calibration.png")
    assert ran.names["again"]["tau_s"].notna().all() and ran.names["result"].success


def check_chip_from_measurements(ran):
    (first, output), page = ran.steps[0], PAGES["docs/chip_from_measurements.md"].read_text(encoding="utf-8")
    assert output.startswith("31.86") and "prints 31.9 pF" in page
    assert f"{1e12 * bd.dac.current('SOIF_LEAK_N', 2, 5):.1f} pA at (2,5)" in page
    ratio = first["found"].chip.constants["C_mem"] / bd.Chip().constants["C_mem"]
    assert f"{ratio:.1f} times the published" in page
    constant, mismatch = ran.names["found"].table.iloc[0], ran.names["found"].mismatch.iloc[0]
    assert abs(constant["value"] - 31e-12) < 4 * constant["standard_error"]
    assert abs(mismatch["cv"] - 0.2) < 4 * mismatch["standard_error"]
    assert ran.wrote("fit.png", "my_chip.json")


def check_compensation(ran):
    first, last = ran.steps[0][0], ran.names
    for found in (first["found"], last["measured"]):
        table = found.table.set_index("stage")["cv"]
        assert table["both"] < 0.5 * table["as they come"]
    words = first["mapping"].synapses.sort_values("number")
    assert np.array_equal(words["cam"], first["found"].cams.ravel())


def check_sweeps(ran):
    names = ran.names
    assert ran.wrote("sweep.jsonl", "sweep.png")
    assert names["on_cores"].equals(names["table"]) and not any(names["table"]["error"])
    assert np.array_equal(names["as_copies"]["rate_Hz"], names["table"]["rate_Hz"])


def check_programs(ran):
    as_built, changed = map(float, re.match(r"([\d.]+) Hz ([\d.]+) Hz", ran.output).groups())
    assert 0 < as_built < changed  # twice the input
    leaks = re.search(r"^\[([\d.]+) \* hertz, ([\d.]+) \* hertz, ([\d.]+) \* hertz\]", ran.output, re.MULTILINE)
    first, second, third = map(float, leaks.groups())
    assert first == as_built and first > second > third  # more leak, fewer spikes


def check_board(ran):
    assert ran.wrote("chip_at_the_end.json")
    assert int(re.search(r"spikes of the population: (\d+)", ran.output)[1]) > 0


CHECKS = {
    "README.md": check_readme,
    "docs/start.md": check_start,
    "docs/mapping.md": check_mapping,
    "docs/known.md": check_known,
    "docs/calibration.md": check_calibration,
    "docs/chip_from_measurements.md": check_chip_from_measurements,
    "docs/compensation.md": check_compensation,
    "docs/sweeps.md": check_sweeps,
    "docs/programs.md": check_programs,
    "docs/board.md": check_board,
}


# -- what is not Python -------------------------------------------------------------------------------


@names_of_pages
def test_blocks_say_what_they_are(path):
    """Every fence has a language, and Python hides in none that does not run."""
    for block in blocks_of(path):
        where = f"{path.name}, line {block.line}"
        assert block.language in LANGUAGES, where
        if block.language == "text":
            assert not re.search(r"^\s*(import|from|def|print)\b|\bbd\.\w+\(", block.text, flags=re.MULTILINE), where


def test_blocks_are_found_and_hidden_python_too(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A\n```python\nx = 1\n```\nand\n```\nimport os\n```\n", encoding="utf-8")
    assert [(block.language, block.line) for block in blocks_of(page)] == [("python", 3), ("", 7)]
    with pytest.raises(AssertionError, match="line 7"):
        test_blocks_say_what_they_are(page)


def commands() -> list:
    """(page, command) of every line of every bash block; continued lines are one."""
    found = []
    for path in ALL_PAGES:
        for block in blocks_of(path, "bash"):
            lines = re.sub(r"\\\n", " ", block.text).splitlines()
            found += [(path.name, line.split("#")[0].strip()) for line in lines]
    return [(page, line) for page, line in found if line]


def test_commands_are_there():
    """Make targets are in the Makefile, modules of ``python -m`` can be imported, scripts exist."""
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    here = commands()
    assert here
    for page, line in here:
        for target in re.findall(r"\bmake (\w+)", line):
            assert target in targets, (page, line)
        for module in re.findall(r"\bpython -m ([\w.]+)", line):
            of_python = module in ("pip", "venv")  # come with it
            assert of_python or importlib.util.find_spec(module), (page, line)


@names_of_pages
def test_make_targets_in_the_text_are_there(path):
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert set(re.findall(r"`make (\w+)", path.read_text(encoding="utf-8"))) <= targets


@pytest.mark.parametrize(
    "path",
    [path for path in ALL_PAGES if path != FIRST_PAGE_OF_THE_SITE],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_links_to_files(path):
    """Files of the repository that a page links to or shows exist; addresses of the web are not asked."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"\w+:", target):
            assert (path.parent / target.split("#")[0]).exists(), target


@names_of_pages
def test_scripts_in_the_text_exist(path):
    for script in re.findall(
        r"`(?:python )?((?:docs|benchmarks|tutorials|tests)/[\w/]+\.py)`", path.read_text("utf-8")
    ):
        assert (ROOT / script).exists(), script


def test_python_on_the_pages_is_short():
    """A page is read: no block is longer than a screen."""
    for name in WITH_CODE:
        for block in blocks_of(PAGES[name], "python"):
            assert ast.parse(block.text) and block.text.count("\n") <= 40, (name, block.line)
