"""The README's Python runs, block after block, as a newcomer would paste it."""

import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_code_blocks_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    import matplotlib

    matplotlib.use("Agg")
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 4
    names = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert names["spikes"].num_spikes > 0
    assert all((tmp_path / name).exists() for name in ("fi.png", "mapping.png", "chip.json"))
    assert names["mapping"].configuration == names["bd"].Configuration.from_json(tmp_path / "chip.json")
    assert names["back"]["spikes_pyr"].num_spikes > 0
    assert "dImem/dt" in capsys.readouterr().out
