"""What ships: a built wheel holds the equations and the data inside the package, and nothing beside it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    # A copy, so that building leaves nothing in the working tree.
    copy = folder / "source"
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for file in files:
        if (ROOT / file).exists():
            (copy / file).parent.mkdir(parents=True, exist_ok=True)
            (copy / file).write_bytes((ROOT / file).read_bytes())
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        str(copy),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


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
    # -P and a foreign working directory: neither the repository nor its editable install may answer
    subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, check=True)
