"""Is it ready for release: builds, installs with the oldest and the newest dependencies, and tries it out.

`make release`. Builds source distribution and wheel into `dist/`. Then, for every Python that is found (3.11, 3.12,
3.13: `python3.x` on the path, or pyenv's): a clean virtual environment, the wheel with the newest dependencies that pip
finds, and `smoke.py` in an empty folder. On Python 3.11 once more with the lower bounds of pyproject.toml, exactly.
`--tests` also runs the tests of the repository that need no compiler, against the installed wheel.
Prints a table; ends with 1 if anything failed. Python versions that are missing are named and left out.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist"
PYTHONS = ("3.11", "3.12", "3.13")
OLDEST = "3.11"  # the Python of the oldest dependencies
SHOWN = ("brian2", "numpy", "scipy", "pandas", "matplotlib", "jsonschema", "pyparsing")


def run(command, **kwds) -> subprocess.CompletedProcess:
    """Run a command and keep what it says."""
    return subprocess.run(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kwds
    )


def say(text: str) -> None:
    print(text, flush=True)


def build() -> Path:
    """Source distribution, and the wheel from it; the path of the wheel."""
    shutil.rmtree(DIST, ignore_errors=True)
    done = run([sys.executable, "-m", "build", "--outdir", DIST, ROOT])
    if done.returncode:
        sys.exit(f"python -m build failed:\n{done.stdout}")
    for file in sorted(DIST.iterdir()):
        say(f"built {file.name}, {file.stat().st_size / 1e3:.0f} kB")
    return next(DIST.glob("*.whl"))


def lower_bounds() -> list[str]:
    """The requirements of pyproject.toml, each at its lower bound: ``numpy==1.26``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bounds = {}
    for requirement in project["dependencies"]:
        found = re.match(r"^([\w-]+)>=([\d.]+)", requirement)
        if found:
            bounds[found.group(1)] = found.group(2)
    return [f"{name}=={version}" for name, version in bounds.items()]


def interpreter(version: str) -> str | None:
    """A Python of this version, or None."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True)]
    for one in filter(None, found):
        if run([one, "-c", "import venv, ensurepip"]).returncode == 0:
            return str(one)
    return None


def clean_environment() -> dict[str, str]:
    """Nothing of this repository, or of the Python that runs this."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}


def tried(python: str, wheel: Path, pins: list[str], tests: bool, folder: Path) -> dict:
    """Install into a clean environment and try; what was installed, and what came of it."""
    environment = folder / "venv"
    run([python, "-m", "venv", environment], check=True)
    own = environment / "bin" / "python"
    if not own.exists():
        own = environment / "Scripts" / "python.exe"
    extra = [f"{wheel}[test]"] if tests else [wheel]
    installed = run([own, "-m", "pip", "install", *extra, *pins], env=clean_environment())
    if installed.returncode:
        return {"result": "does not install", "log": installed.stdout}
    listed = run([own, "-m", "pip", "list", "--format=json", "--disable-pip-version-check"], env=clean_environment())
    start = listed.stdout.index("[")
    packages = {one["name"].lower(): one["version"] for one in json.JSONDecoder().raw_decode(listed.stdout[start:])[0]}
    found = {"versions": {name: packages.get(name, "-") for name in SHOWN}}
    empty = folder / "empty"
    empty.mkdir()
    smoke = run([own, ROOT / "tests/release/smoke.py", ROOT / "README.md"], cwd=empty, env=clean_environment())
    found |= {"result": "smoke test failed" if smoke.returncode else "smoke test passed", "log": smoke.stdout}
    if tests and not smoke.returncode:
        command = [own, "-P", "-m", "pytest", "-q", "-m", "not compiled", "-p", "no:cacheprovider", ROOT / "tests"]
        ran = run(command, cwd=empty, env=clean_environment())
        found |= {"result": f"tests: {ran.stdout.strip().splitlines()[-1]}", "log": ran.stdout}
    return found


def main() -> None:
    """Build, try all, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tests", action="store_true", help="run the tests that need no compiler, too: an hour")
    parser.add_argument("--python", action="append", help=f"only this version, of {', '.join(PYTHONS)}")
    asked = parser.parse_args()
    wheel = build()
    cases, skipped = [], []
    for version in asked.python or PYTHONS:
        python = interpreter(version)
        if python is None:
            skipped.append(version)
            continue
        cases += [(version, "oldest", python, lower_bounds())] if version == OLDEST else []
        cases += [(version, "newest", python, [])]
    rows, failed = [], False
    for version, which, python, pins in cases:
        say(f"Python {version}, {which} dependencies ...")
        with tempfile.TemporaryDirectory() as folder:
            found = tried(python, wheel, pins, asked.tests, Path(folder))
        good = found["result"] == "smoke test passed" or (
            "passed" in found["result"] and " failed" not in found["result"]
        )
        failed |= not good
        if not good or not asked.tests:
            say("  " + "\n  ".join(found["log"].strip().splitlines()[-30 if not good else -6 :]))
        rows.append([version, which, *found.get("versions", dict.fromkeys(SHOWN, "-")).values(), found["result"]])
    head = ["Python", "dependencies", *SHOWN, "result"]
    say("\n| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        say("| " + " | ".join(row) + " |")
    for version in skipped:
        say(f"left out: Python {version} is not here; put python{version} on the path, or install it with pyenv")
    sys.exit("not ready: see above" if failed or not rows else 0)


if __name__ == "__main__":
    main()
