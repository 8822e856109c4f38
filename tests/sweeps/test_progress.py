"""A progress bar counts what it is told, in Brian2's runs, compiled ones too, and in sweeps."""

import subprocess
import sys
import textwrap

import brian2 as b2
import pytest
from brian2 import ms, second

import brian2dynapse as bd
from brian2dynapse.errors import SweepError

pytest.importorskip("tqdm")


def test_of_a_sweep(capsys):
    bd.sweep(lambda n: n, [{"n": n} for n in range(3)], report=bd.Progress())
    shown = capsys.readouterr().err
    assert "0/3 rows" in shown and "100%" in shown and "3/3 rows" in shown


def test_of_a_run(capsys):
    """Of a second run, too, which begins where the first one ended."""
    report = bd.Progress()
    network = b2.Network(b2.NeuronGroup(1, "v : 1"))
    network.run(20 * ms, report=report)
    assert "0.02/0.02 s simulated" in capsys.readouterr().err
    network.run(10 * ms, report=report)
    second_run = capsys.readouterr().err
    assert "0.02/0.03 s simulated" in second_run and "0.03/0.03 s simulated" in second_run


def test_of_a_protocol(capsys):
    codes = [(1, 100), (2, 100)]
    bd.measure.fi_curve(bd.Biases(), codes, neurons=1, duration=5 * ms, settle=0 * ms, report=bd.Progress())
    assert "0.005/0.005 s simulated" in capsys.readouterr().err


@pytest.mark.compiled
def test_of_a_compiled_run(tmp_path, capfd):
    """The program writes the bar; made then, it serves a sweep as well."""
    b2.set_device("cpp_standalone", directory=str(tmp_path))
    report = bd.Progress()
    b2.Network(b2.NeuronGroup(1, "v : 1", name="idle")).run(0.3 * second, report=report, report_period=1e-9 * second)
    shown = capfd.readouterr().err
    assert "0% |" in shown and "100% |##############################| 0.3/0.3 s simulated" in shown
    bd.sweep(lambda n: n, [{"n": 1}], report=report)
    assert "1/1 rows" in capfd.readouterr().err


def test_without_tqdm():
    code = """
        import sys
        sys.modules["tqdm"] = sys.modules["tqdm.auto"] = None
        import brian2dynapse as bd
        bd.sweep(str, [{"n": 1}])  # needs no bar
        try:
            bd.Progress()
        except bd.SweepError as error:
            print(error)
    """
    ran = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert "Progress needs tqdm, which is not installed: pip install tqdm" in ran.stdout


def test_a_bar_made_before_the_device_is_refused_by_brian(tmp_path):
    """Brian2 names what it takes; the docstring says in which order."""
    report = bd.Progress()
    assert not isinstance(report, str)
    b2.set_device("cpp_standalone", directory=str(tmp_path), build_on_run=False)
    with pytest.raises(TypeError, match="report argument has to be either 'text', .* or the code for a report"):
        b2.Network(b2.NeuronGroup(1, "v : 1", name="idle")).run(1 * ms, report=report)
    with pytest.raises(SweepError, match="give brian2dynapse.Progress()"):
        bd.sweep(str, [{"n": 1}], report="text")
