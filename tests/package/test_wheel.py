"""What ships: the wheel holds the package, its equations and data, and nothing else; the source distribution all."""

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path, PurePosixPath

import pytest

import brian2dynapse as bd

ROOT = Path(__file__).parents[2]
LARGEST_WHEEL = 1_000_000  # bytes; it has 444 kB: whoever adds data beyond twice that should know
LARGEST_SOURCE = 4_000_000  # it has 1.8 MB, most of it figures of the pages


def tracked() -> list[str]:
    command = ["git", "ls-files"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [file for file in listed if file and (ROOT / file).exists()]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of both distributions: the wheel is made of the source distribution, not of the working tree."""
    folder = tmp_path_factory.mktemp("built")
    copy = folder / "source"  # so that building leaves nothing in the working tree
    for file in tracked():
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        (copy / file).write_bytes((ROOT / file).read_bytes())
    (copy / "brian2dynapse" / "__pycache__").mkdir()
    (copy / "brian2dynapse" / "__pycache__" / "dac.cpython-311.pyc").write_bytes(b"what a run leaves behind")
    (copy / "tests" / "__pycache__").mkdir()
    (copy / "tests" / "__pycache__" / "reference.cpython-311.pyc").write_bytes(b"what a run leaves behind")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def source_names(built):
    """Files of the source distribution, without the folder that they are in."""
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        return {"/".join(PurePosixPath(one.name).parts[1:]) for one in archive.getmembers() if one.isfile()}


def test_contents(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"brian2dynapse"}
    shipped = {Path(name).name for name in names if name.startswith("brian2dynapse/equations/")}
    assert {file.name for file in (ROOT / "equations").glob("*.eqs")} <= shipped
    data = {Path(name).name for name in names if name.startswith("brian2dynapse/data/")}
    assert {file.name for file in (ROOT / "brian2dynapse" / "data").glob("*.*v")} <= data
    assert {"constants.toml", "configuration.schema.json"} <= data
    templates = (ROOT / "brian2dynapse" / "templates").rglob("*.cpp")
    assert {str(file.relative_to(ROOT)) for file in templates} <= set(names)


def test_the_wheel_has_the_tracked_files_of_the_package_and_no_others(wheel):
    tracked_here = {file for file in tracked() if file.startswith("brian2dynapse/")}
    tracked_here |= {f"brian2dynapse/{file}" for file in tracked() if file.startswith("equations/")}
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == tracked_here
    assert wheel.stat().st_size < LARGEST_WHEEL


def test_metadata(wheel):
    archive = zipfile.ZipFile(wheel)
    own = f"brian2dynapse-{bd.__version__}.dist-info"
    assert f"{own}/licenses/LICENSE" in archive.namelist()
    metadata = message_from_bytes(archive.read(f"{own}/METADATA"))
    assert (metadata["Name"], metadata["Version"]) == ("brian2dynapse", bd.__version__)
    assert (metadata["License-Expression"], metadata["Requires-Python"]) == ("MIT", ">=3.11")
    assert metadata["Keywords"] and metadata["Description-Content-Type"] == "text/markdown"
    assert "Development Status :: 4 - Beta" in metadata.get_all("Classifier")
    assert metadata.get_all("Project-URL") is None  # there is no public address to name


def test_the_version_is_a_semantic_one_and_has_its_changes():
    assert re.fullmatch(r"\d+\.\d+\.\d+", bd.__version__)
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(bd.__version__)}\] - \d{{4}}-\d\d-\d\d$", changes, re.MULTILINE)


def test_source_distribution(built, source_names):
    needed = {"LICENSE", "README.md", "CITATION.cff", "CHANGELOG.md", "Makefile", "pyproject.toml", "setup.cfg"}
    assert needed <= source_names
    folders = ("brian2dynapse/", "equations/", "tests/", "tutorials/", "docs/", "benchmarks/")
    assert {file for file in tracked() if file.startswith(folders)} <= source_names
    assert not [name for name in source_names if "__pycache__" in name or name.endswith(".pyc")]
    assert next(built.glob("*.tar.gz")).stat().st_size < LARGEST_SOURCE


def test_installed_equations_are_part_of_the_package_only(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import brian2dynapse.pages as c, brian2dynapse\n"
        f"assert brian2dynapse.__file__.startswith({str(tmp_path)!r}), brian2dynapse.__file__\n"
        "assert 'dImem/dt' in c.page('soma').text\n"
        "import importlib.util as u\n"
        "assert u.find_spec('equations') is None\n"
    )
    # -P, a foreign working directory, no PYTHONPATH: neither the repository nor its editable install may answer
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, env=environment, check=True)
