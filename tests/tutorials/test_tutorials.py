"""Tutorials, reproductions of papers and the demo run in their quick form, without a warning, and write pictures."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIALS = Path(__file__).parents[2] / "tutorials"
SCRIPTS = sorted(TUTORIALS.glob("[0-9][0-9]_*.py"))
PAPERS = sorted(TUTORIALS.glob("papers/*/fig*.py"))


def run(arguments, folder):
    environment = os.environ | {
        "BRIAN2DYNAPSE_QUICK": "1",
        "BRIAN2DYNAPSE_OUTPUT": str(folder),
        "MPLBACKEND": "Agg",
    }
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def check_script(script, tmp_path):
    """It runs without a warning and draws."""
    result = run(["-W", "error", str(script)], tmp_path)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-4000:]
    assert "WARNING" not in result.stderr
    pictures = list(tmp_path.glob("*.png"))
    assert pictures and all(picture.stat().st_size > 5000 for picture in pictures)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_tutorial(script, tmp_path):
    check_script(script, tmp_path)


@pytest.mark.parametrize("script", PAPERS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_paper(script, tmp_path):
    check_script(script, tmp_path)


def test_there_are_tutorials():
    assert [path.stem[:2] for path in SCRIPTS] == ["01", "02", "03", "04", "05", "06", "07"]


def test_demo_without_a_compiler(tmp_path):
    result = run(
        ["-W", "error", str(TUTORIALS / "demo.py"), "--quick", "--numpy", "--output", str(tmp_path / "out")], tmp_path
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-4000:]
    written = {file.name for file in (tmp_path / "out").iterdir() if file.is_file()}
    assert written == {"fi_curve.png", "fi_curve.csv", "winner_take_all.png", "winner_take_all.csv"}
    for name in written:
        assert name in result.stdout  # it says where


def test_demo_says_so_if_the_compiler_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))  # nothing is found there
    monkeypatch.delenv("CXX", raising=False)
    result = run([str(TUTORIALS / "demo.py"), "--quick", "--output", str(tmp_path / "out")], tmp_path)
    assert result.returncode == 0, result.stderr[-4000:]
    assert "No C++ compiler was found: falling back to NumPy code generation" in result.stdout


@pytest.mark.compiled
def test_demo_compiled(tmp_path):
    result = run([str(TUTORIALS / "demo.py"), "--quick", "--output", str(tmp_path / "out")], tmp_path)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-4000:]
    assert "C++ standalone" in result.stdout and (tmp_path / "out" / "winner_take_all.csv").exists()
