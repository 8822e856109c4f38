"""How long importing takes, in fresh processes, and how large the package is.

`make import`. Times are medians of fresh Python processes with warm file caches, in turn, less that of an empty one.
They depend on the machine, so that each is shown as a ratio to importing NumPy and Brian2, too.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
EMPTY, NUMPY, BRIAN2 = "pass", "import numpy", "import brian2"
CODES = {
    EMPTY: "a Python process",
    NUMPY: "NumPy",
    BRIAN2: "Brian2",
    "import brian2dynapse": "the package alone",
    "import brian2dynapse as bd; bd.dac": "codes and currents, `bd.dac`",
    "import brian2dynapse as bd; bd.Configuration": "configurations, `bd.Configuration` (pandas)",
    "import brian2dynapse as bd; bd.Neurons": "models, `bd.Neurons` (Brian2)",
}


def seconds(code: str) -> float:
    """Wall clock of a fresh process that runs a line."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def medians(repetitions: int) -> dict[str, float]:
    """Seconds that each line takes beyond an empty process."""
    times = {code: [] for code in CODES}
    for number in range(repetitions + 1):  # the first round fills caches
        for code in CODES:
            taken = seconds(code)
            if number:
                times[code].append(taken)
    found = {code: statistics.median(taken) for code, taken in times.items()}
    return {code: taken - (found[EMPTY] if code != EMPTY else 0) for code, taken in found.items()}


def sizes() -> dict[str, int]:
    """Bytes of the wheel, of what it installs, and of the equations and data in that."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, str(ROOT)]
        subprocess.run(command, check=True)
        wheel = next(Path(folder).glob("*.whl"))
        members = zipfile.ZipFile(wheel).infolist()
        parts = ("brian2dynapse/data/", "brian2dynapse/equations/")
        return {
            "wheel": wheel.stat().st_size,
            "installed": sum(one.file_size for one in members),
            "equations and data": sum(one.file_size for one in members if one.filename.startswith(parts)),
        }


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=9)
    found = medians(parser.parse_args().repetitions)
    print("| import | ms | times NumPy | times Brian2 |\n|---|---|---|---|")
    for code, what in CODES.items():
        ratios = f"{found[code] / found[NUMPY]:.2f} | {found[code] / found[BRIAN2]:.3f}" if code != EMPTY else " | "
        print(f"| {what} | {1e3 * found[code]:.0f} | {ratios} |")
    print("\n| size | kB |\n|---|---|")
    for what, size in sizes().items():
        print(f"| {what} | {size / 1e3:.0f} |")


if __name__ == "__main__":
    main()
