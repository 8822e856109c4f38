"""What objects show in a notebook: well-formed, and text of users is text, not HTML."""

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from brian2 import Network, SpikeGeneratorGroup, ms, second

import brian2dynapse as bd
from brian2dynapse.run_result import LAST_FILE, RunResult, StoredArray

EVIL = "<script>&'\""
WITHOUT_END = {"br", "hr", "img", "col", "input"}


class Checker(HTMLParser):
    """Every tag that opens is closed, in the right order."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag not in WITHOUT_END:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"


def small_network():
    source = SpikeGeneratorGroup(2, [0, 1], [1, 2] * ms, name="source")
    neurons = bd.Neurons(2, bd.Biases(), name="pyr")
    connection = bd.Connection(source, neurons, "ampa", "0001", name="drive")
    connection.connect(i=[0, 1], j=[0, 1])
    return Network(source, neurons, connection)


def run_result(folder):
    """A run of one spike monitor and a population, as files."""
    folder.mkdir()
    (folder / LAST_FILE).write_text("1 1")
    arrays = {}
    for name, values in {
        "i": np.array([0, 1, 1], dtype="i4"),
        "t": np.arange(3.0),
        "count": np.array([1, 2], dtype="i4"),
    }.items():
        values.tofile(folder / name)
        arrays[name] = StoredArray(name, values.dtype, None)
    return RunResult(folder, {"spikes_pyr": arrays, "pyr": {"Imem": arrays["t"]}}, 2 * second, 0.1, {})


def fitted():
    rows = [
        {"quantity": "tau_mem", "coarse": 2, "fine": 5, "value": 0.02 + 0.001 * neuron, "neuron": EVIL * neuron}
        for neuron in (1, 2, 3)
    ]
    return bd.fit_chip(pd.DataFrame(rows), seed=1)


SHOWN = {
    "Biases": lambda folder: bd.Biases(),
    "Chip": lambda folder: bd.Chip(seed=1, mismatch=0.2),
    "ChipProfile": lambda folder: bd.ChipProfile(np.zeros((1, 4, 256, 64, 2)), source=EVIL),
    "ChipFit": lambda folder: fitted(),
    "Configuration": lambda folder: bd.Configuration(1),
    "Mapping": lambda folder: bd.map_network(small_network()),
    "Verification": lambda folder: bd.verify(bd.map_network(small_network())),
    "Replicas": lambda folder: bd.replicate(small_network(), [bd.Setting(label=EVIL), bd.Setting()]),
    "WeightFit": lambda folder: bd.weight_fit.fit([1e-10, 2e-10]),
    "RunResult": lambda folder: run_result(folder / "<script>"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_html_is_well_formed_and_escaped(name, tmp_path):
    checker = Checker()
    checker.feed(SHOWN[name](tmp_path)._repr_html_())
    checker.close()
    assert not checker.open and "script" not in checker.seen
    assert "table" in checker.seen or name == "Verification"  # nothing is wrong


def test_a_run_shows_its_spikes_while_they_are_there(tmp_path):
    result = run_result(tmp_path / "run")
    assert "<td>spikes_pyr</td>" in result._repr_html_() and "<td>0.75</td>" in result._repr_html_()  # 3 of 2 in 2 s
    result.delete()
    assert "<td>gone</td>" in result._repr_html_()
