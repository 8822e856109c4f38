"""The page "A chip from measurements" runs as it is printed, and its numbers are right."""

import re
from pathlib import Path

import brian2dynapse as bd
from brian2dynapse.observables import OBSERVABLES

PAGE = (Path(__file__).parents[2] / "docs" / "chip_from_measurements.md").read_text(encoding="utf-8")


def test_the_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(blocks) == 3
    names = {}
    for number, block in enumerate(blocks):
        exec(compile(block, "chip_from_measurements.md", "exec"), names)
        if number == 0:
            assert capsys.readouterr().out.startswith("31.86")
            assert "prints 31.9 pF" in PAGE
            assert f"{1e12 * bd.dac.current('SOIF_LEAK_N', 2, 5):.1f} pA at (2,5)" in PAGE
            ratio = names["found"].chip.constants["C_mem"] / bd.Chip().constants["C_mem"]
            assert f"{ratio:.1f} times the published" in PAGE
    constant, mismatch = names["found"].table.iloc[0], names["found"].mismatch.iloc[0]
    assert abs(constant["value"] - 31e-12) < 4 * constant["standard_error"]
    assert abs(mismatch["cv"] - 0.2) < 4 * mismatch["standard_error"]
    assert (tmp_path / "fit.png").stat().st_size > 0 and (tmp_path / "my_chip.json").exists()


def test_the_page_names_every_quantity_with_its_bias_and_constants():
    table = "\n".join(line for line in PAGE.splitlines() if line.startswith("|"))
    for observable in OBSERVABLES.values():
        if observable.own or not observable.biases:
            assert f"`{observable.name}`" in table
            assert all(name in table for name in (observable.bias, *observable.own) if "DLY" not in name), observable
