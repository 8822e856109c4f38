"""The README's Python runs, block after block, as a newcomer would paste it."""

import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
PAGE = README.parent / "docs" / "calibration.md"


def test_code_blocks_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    import matplotlib

    matplotlib.use("Agg")
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 5
    names = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert names["spikes"].num_spikes > 0
    assert all((tmp_path / name).exists() for name in ("fi.png", "mapping.png", "chip.json", "calibration.png"))
    assert names["mapping"].configuration == names["bd"].Configuration.from_json(tmp_path / "chip.json")
    assert names["back"]["spikes_pyr"].num_spikes > 0
    assert names["result"].success
    assert "dImem/dt" in capsys.readouterr().out


def test_the_page_of_calibration_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    names = {}
    for block in blocks:
        exec(compile(block, PAGE.name, "exec"), names)
    assert all((tmp_path / name).exists() for name in ("time_constants.png", "calibration.png"))
    assert names["again"]["tau_s"].notna().all() and names["result"].success


def test_the_page_of_calibration_lists_what_there_is():
    """Every protocol of `measure`, and every quantity that can be a target."""
    import brian2dynapse as bd
    from brian2dynapse.targets import CLOSED, QUANTITIES

    page = PAGE.read_text(encoding="utf-8")
    protocols = set(bd.measure.__all__) - {"Measurement", "observations"}
    missing = [name for name in (*protocols, *CLOSED, *QUANTITIES) if f"`{name}`" not in page]
    assert not missing
