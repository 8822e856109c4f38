"""The page docs/compensation.md: its Python runs, and its numbers are those of the table beside it."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "compensation.md").read_text(encoding="utf-8")
ROWS = {  # of the page, to cases of the table
    "4 synapses of 100 Hz, mismatch 0.2": "4 words, 100 Hz",
    "the same, `rounds=2` instead of 8": "the same, 2 rounds",
    "the same, equal charges, nothing measured": "the same, charges only",
    "1 synapse of 300 Hz, mismatch 0.2": "1 word, 300 Hz",
    '4 synapses, mismatch by area (`"pelgrom"`)': "4 words, mismatch by area",
}


def test_code_runs():
    names = {}
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(compile(block, "compensation.md", "exec"), names)
    table = names["found"].table.set_index("stage")["cv"]
    assert table["both"] < 0.5 * table["as they come"]
    words = names["mapping"].synapses.sort_values("number")
    assert np.array_equal(words["cam"], names["found"].cams.ravel())


def test_numbers():
    table = pd.read_csv(DOCS / "compensation.csv")
    stages = ("as they come", "chosen neurons", "chosen masks", "both")
    for row, case in ROWS.items():
        (line,) = (one for one in PAGE.splitlines() if one.startswith(f"| {row} |"))
        for stage, cell in zip(stages, line.split("|")[2:-1], strict=True):
            written = [float(number) for number in re.findall(r"[\d.]+", cell)]
            if not written:
                continue
            values = table.loc[(table["case"] == case) & (table["stage"] == stage), "cv"]
            # two digits
            assert np.allclose(written, [values.median(), values.min(), values.max()], rtol=0.06)
