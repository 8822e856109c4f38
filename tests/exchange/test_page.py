"""The page docs/exchange.md: its Python runs, and it names everything there is."""

import re
from pathlib import Path

import brian2dynapse as bd
from brian2dynapse.nir_losses import MEANING

PAGE = (Path(__file__).parents[2] / "docs" / "exchange.md").read_text(encoding="utf-8")


def test_code_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(compile(block, "exchange.md", "exec"), names)
    assert names["result"].network is not None and len(names["mapping"].synapses) == 16 * 10 + 4 * 10
    assert names["imported"].report.set_index("parameter").loc["largest jump (ampa)", "asked"] == 0.4
    assert (tmp_path / "pyr.nir").exists() and (tmp_path / "spikes.parquet").exists()
    assert len(names["own"]) == names["spikes"].eval("population == 'pyr'").sum() > 0
    assert names["found"][0, 1]["SOIF_GAIN_N"] == (3, 80)


def test_everything_is_named():
    functions = [name for name in bd.exchange.__all__ if name[0].islower()]
    assert not [name for name in functions if f"`{name}" not in PAGE]
    assert not [name for name in MEANING if name not in PAGE]
