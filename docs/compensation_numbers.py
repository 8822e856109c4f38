"""The numbers and the picture of docs/compensation.md: some ten minutes on one core.

Prints the tables, and writes docs/compensation.csv (a row a chip, case and stage) and docs/compensation.png.
"""

from pathlib import Path

import brian2 as b2
import matplotlib
import numpy as np
import pandas as pd
from brian2 import Hz

import brian2dynapse as bd
from brian2dynapse.selection import spread

HERE = Path(__file__).parent
FOUR_WORDS = bd.InputResponse(rate=100 * Hz)
# Case to mismatch, response, arguments, and seeds of the chips.
CASES = {
    "4 words, 100 Hz": (0.2, FOUR_WORDS, {}, range(1, 6)),
    "the same, 2 rounds": (0.2, FOUR_WORDS, {"rounds": 2}, range(1, 4)),
    "the same, charges only": (0.2, FOUR_WORDS, {"charges": "chip", "rounds": 0}, range(1, 4)),
    "1 word, 300 Hz": (0.2, bd.InputResponse(rate=300 * Hz, synapses=1), {}, range(1, 4)),
    "4 words, mismatch by area": ("pelgrom", FOUR_WORDS, {}, range(1, 4)),
}
OTHER_RATES = [25, 50, 100, 200, 400] * Hz


def main() -> None:
    """Run all cases."""
    matplotlib.use("Agg")
    b2.prefs.codegen.target = "numpy"
    rows, others = [], []
    for case, (mismatch, response, arguments, seeds) in CASES.items():
        for seed in seeds:
            chip = bd.Chip(seed=seed, mismatch=mismatch)
            found = bd.compensate(bd.Biases(), chip, population=64, response=response, **arguments)
            rows.append(found.table.assign(case=case, seed=seed))
            print(case, seed, found, flush=True)
            if case == next(iter(CASES)):
                others.append(at_other_rates(chip, found).assign(seed=seed))
                if seed == 1:
                    found.plot().figure.savefig(HERE / "compensation.png", dpi=100)
    table = pd.concat(rows, ignore_index=True)
    table.to_csv(HERE / "compensation.csv", index=False, float_format="%.4g")
    print(table.pivot_table(index="case", columns="stage", values="cv", aggfunc=text, sort=False).to_string())
    other = pd.concat(others)
    print(other.pivot_table(index="input_Hz", columns="population", values="cv", aggfunc=text, sort=False).to_string())
    print(other.groupby(["population", "input_Hz"])["rate_Hz"].mean())


def text(values: pd.Series) -> str:
    """Median and range."""
    return f"{np.median(values):.3f} ({values.min():.3f}-{values.max():.3f})"


def at_other_rates(chip: bd.Chip, found: bd.Compensation) -> pd.DataFrame:
    """Spread of the population as it comes, and of the compensated one, at rates that it was not chosen for."""
    rows = []
    for name, physical, masks in (
        ("as they come", np.arange(64), np.full((64, 4), 0b0011)),
        (found.kept, found.physical, found.masks),
    ):
        curve = bd.measure.input_curve(
            bd.Biases(), OTHER_RATES, weight=masks, synapses=4, chip=chip, physical=physical,
            duration=1 * b2.second, seed=99,
        )  # fmt: skip
        for rate, one in curve.groupby("input_Hz"):
            rows.append((name, rate, spread(one["rate_Hz"]), one["rate_Hz"].mean()))
    return pd.DataFrame(rows, columns=["population", "input_Hz", "cv", "rate_Hz"])


if __name__ == "__main__":
    main()
