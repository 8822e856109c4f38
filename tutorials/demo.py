"""The main job: f-I curves from DAC codes, and the makers' winner-take-all network.

Runs compiled with Brian2's C++ standalone mode, or with NumPy code generation if there is no compiler.
Writes two pictures and two CSV files.
"""

import argparse
import shutil
import time
from pathlib import Path

import brian2 as b2
import matplotlib
import pandas as pd
from brian2 import ms, second
from brian2.codegen.cpp_prefs import get_compiler_and_args

import brian2dynapse as bd
from brian2dynapse.files import write_atomically

matplotlib.use("Agg")
import matplotlib.pyplot as plt

# The rheobase of the working point, leak*(1 + threshold/gain), is 120 pA: coarse 1 reaches it, 2 and 3 go far above.
COARSE = (1, 2, 3)


def choose_target(compiled: bool) -> bool:
    """Use C++ standalone if asked and possible; say so if not."""
    compiler = shutil.which(get_compiler_and_args()[0]) or shutil.which("g++")
    if compiled and not compiler:
        print("No C++ compiler was found: falling back to NumPy code generation (slower; install g++ for speed).")
    if not (compiled and compiler):
        b2.prefs.codegen.target = "numpy"
    return bool(compiled and compiler)


def use_directory(compiled: bool, directory: Path) -> None:
    """A build directory of its own for each network, kept: a second run compiles nothing."""
    if compiled:
        b2.device.reinit()
        b2.set_device("cpp_standalone", directory=str(directory), build_on_run=True)


def save(figure: plt.Figure, path: Path) -> None:
    write_atomically(path, lambda file: figure.savefig(file, dpi=150))
    plt.close(figure)
    print(f"  wrote {path}")


def save_table(table: pd.DataFrame, path: Path) -> None:
    write_atomically(path, lambda file: table.to_csv(file, index=False))
    print(f"  wrote {path}")


def fi_curves(output: Path, quick: bool) -> None:
    """(a) F-I curve of one core over the codes of SOIF_DC_P, ideal and with mismatch."""
    b2.defaultclock.dt = 0.1 * ms  # near 1/refractory period rates lock to multiples of dt: 3 % at 0.2 ms
    # both sides of every multiple of 32, where the current of the DAC falls
    fine_codes = sorted({*range(0, 256, 32 if quick else 8), *range(31, 256, 32)})
    codes = [(coarse, fine) for coarse in COARSE for fine in fine_codes]
    individual = bd.Chip(seed=42, mismatch=0.2)
    table = bd.measure.fi_curve(
        bd.Biases(),
        codes,
        chip=[bd.Chip(), individual],
        neurons=16 if quick else 256,
        settle=100 * ms,
        duration=(200 if quick else 500) * ms,
        report="text",
    )
    ideal, spread = table[table["mismatch"] == 0], table[table["mismatch"] > 0]
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    bd.plot.fi_codes(ideal, left)
    left.set_title("ideal chip, by code: the rate dips at multiples of 32")
    bd.plot.fi_current(spread, right, ideal)
    right.set_title(f"{spread['neuron'].nunique()} neurons, mismatch 20 % in every bias current")
    save(figure, output / "fi_curve.png")
    save_table(table, output / "fi_curve.csv")


def winner_take_all(output: Path, quick: bool) -> None:
    """(b) Two populations compete for 16 inputs that move from one to the other and back."""
    b2.defaultclock.dt = 0.1 * ms
    positions = (0, 16, 0) if quick else bd.networks.THERE_AND_BACK
    result = bd.networks.winner_take_all(
        positions, step=(0.3 if quick else 1) * second, chip=bd.Chip(seed=2, mismatch=0.2)
    )
    result.network.run(result.duration, report="text")
    figure = plt.figure(figsize=(12, 7), layout="constrained")
    bd.plot.winner_take_all(result, figure)
    save(figure, output / "winner_take_all.png")
    table = result.rates()
    save_table(table, output / "winner_take_all.csv")
    print(table.round(1).to_string(index=False))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("demo_output"), help="folder of the results")
    parser.add_argument("--numpy", action="store_true", help="NumPy code generation even if there is a compiler")
    parser.add_argument("--quick", action="store_true", help="small sizes, to try the program itself")
    arguments = parser.parse_args()
    compiled = choose_target(not arguments.numpy)
    for what, run in (("f-I curves", fi_curves), ("winner-take-all", winner_take_all)):
        print(f"{what} ({'C++ standalone: compiling, then running' if compiled else 'NumPy'})")
        start = time.perf_counter()
        use_directory(compiled, arguments.output / "build" / run.__name__)
        run(arguments.output, arguments.quick)
        print(f"  {what}: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
