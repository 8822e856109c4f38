"""``python -m brian2dynapse.board script.py`` is Python with a board: arguments, exit codes, errors, time."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from brian2dynapse.board_clock import Clock
from brian2dynapse.errors import DynapseError

ROOT = Path(__file__).parents[2]


def run(tmp_path, text, *arguments, options=(), name="script.py"):
    script = tmp_path / name
    script.write_text(text)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "brian2dynapse.board", *options, str(script), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        timeout=120,
    )


def test_a_script_runs_as_the_main_program(tmp_path):
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "helper.py").write_text("from samna.dynapse2 import *\nRESET = ResetType.PowerCycle\n")
    text = """
import sys, time
import samna
from lab.helper import RESET
def main():
    board = samna.device.open_device(samna.device.get_unopened_devices()[0])
    board.get_model().reset(RESET, 0b11)
    before = time.time()
    time.sleep(3600)
    print(sys.argv[1:], __file__, round(time.time() - before), board.get_number_of_chips(), sys.path[0])
    import brian2dynapse
    print(len(brian2dynapse.board.log()))
if __name__ == "__main__":
    main()
"""
    started = time.monotonic()
    result = run(tmp_path, text, "-x", "7", options=["--chips", "2"])
    assert result.returncode == 0, result.stderr
    assert time.monotonic() - started < 60  # an hour on the chips
    first, second = result.stdout.splitlines()
    assert first == f"['-x', '7'] {tmp_path / 'script.py'} 3600 2 {os.path.realpath(tmp_path)}"
    assert second == "0"
    assert result.stderr == ""


@pytest.mark.parametrize(
    "text",
    ["import sys; sys.exit(3)", "exit('no board')", "raise SystemExit", "1 / 0", "def f(:", "import nowhere", "x = 1"],
)
def test_exit_codes_and_tracebacks_are_pythons(tmp_path, text):
    result = run(tmp_path, text)
    python = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == python.returncode
    ours = result.stderr.replace(str(tmp_path) + os.sep, "")
    assert ours == python.stderr.replace(str(tmp_path) + os.sep, "")


@pytest.mark.skipif(os.name != "posix", reason="lsusb is a program of Linux")
def test_a_script_of_the_older_driver_finds_the_board_on_the_usb_bus(tmp_path):
    text = """
import re, subprocess
import samna
node = samna.SamnaNode("tcp://0.0.0.0:33336", "tcp://0.0.0.0:33335", 1)
number = "%04x:%04x" % node.get_dynapse2_stack_vid_and_pid()
found = subprocess.run(["lsusb", "-d", number], stdout=subprocess.PIPE, universal_newlines=True)
bus, device = re.match(r"Bus (\\d{3}) Device (\\d{3}): ID [0-9a-f]{4}:[0-9a-f]{4} *.", found.stdout).groups()
node.open_dynapse2_stack(int(bus), int(device), 2)
samna.setup_local_node("tcp://0.0.0.0:33335", "tcp://0.0.0.0:33336", 2)
samna.open_remote_node(1, "device_node")
print(samna.device_node.Dynapse2Stack.configure_opal_kelly("a.bit"))
"""
    result = run(tmp_path, text, options=["--chips", "2"])
    assert (result.returncode, result.stdout) == (0, "True\n"), result.stderr


def test_a_script_that_does_not_exist(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "brian2dynapse.board", "nowhere.py"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
    )
    assert result.returncode == 2 and "can't open file 'nowhere.py': [Errno 2]" in result.stderr


def test_what_the_chips_hold_and_the_log_can_be_saved(tmp_path):
    text = """
import samna
board = samna.device.open_device(samna.device.get_unopened_devices()[0])
model = board.get_model()
config = model.get_configuration()
config.chips[0].cores[2].parameters["SOIF_LEAK_N"].fine_value = 123
model.apply_configuration(config)
"""
    result = run(tmp_path, text, options=["--save", "chip.json", "--log", "log.csv"])
    assert result.returncode == 0, result.stderr
    from brian2dynapse import Configuration, facts

    saved = Configuration.from_json(tmp_path / "chip.json")
    assert saved.core_codes[0, 2, facts.core_biases().index("SOIF_LEAK_N"), 1] == 123
    assert "parameters['SOIF_LEAK_N'].fine_value" in (tmp_path / "log.csv").read_text()


# Time -----------------------------------------------------------------------------------------------------------------


def script(text, **names):
    """Run as a script would: code in a file of its own."""
    exec(compile(text, "script.py", "exec"), names)
    return names


def test_the_scripts_time_is_that_of_the_chips(install):
    board = install(patch_time=True)
    names = script("""
import time
from time import sleep
wall, mono, perf, ns = time.time(), time.monotonic(), time.perf_counter(), time.time_ns()
sleep(1000)
differences = time.time() - wall, time.monotonic() - mono, time.perf_counter() - perf, (time.time_ns() - ns) * 1e-9
""")
    # looking takes 10 us each time, seven times in between at most; a float of time() resolves 0.24 us
    assert names["differences"] == pytest.approx([1000] * 4, abs=1e-4)
    assert board.clock.now_us == pytest.approx(1000e6, abs=100)
    # this test is no script's: pytest's own clocks, and those of the standard library, go on
    started = time.monotonic()
    threading.Event().wait(0.01)
    assert time.monotonic() - started < 100


def test_waiting_by_looking_ends(install):
    install(patch_time=True)
    script("import time\nstart = time.time()\nwhile time.time() < start + 1: pass")
    script("import time\nstart = time.perf_counter_ns()\nwhile time.perf_counter_ns() < start + 10**9: pass")


def test_afterwards_time_is_as_before():
    from brian2dynapse import board as simulated

    before = {name: getattr(time, name) for name in ("sleep", "time", "time_ns", "monotonic", "perf_counter")}
    simulated.install(patch_time=True)
    assert time.sleep is not before["sleep"]
    simulated.uninstall()
    assert {name: getattr(time, name) for name in before} == before


def test_real_time_takes_as_long_as_it_says():
    clock = Clock(real_time=True)
    started = time.perf_counter()
    clock.wait(0.2)
    clock.wait_us(100_000)
    assert 0.3 <= time.perf_counter() - started < 3  # a loaded machine may be late, never early
    time.sleep(0.05)
    assert clock.now_us >= 350_000  # what else the script does counts


def test_negative_waiting_is_refused_as_by_python():
    with pytest.raises(ValueError, match="non-negative"):
        Clock().wait(-1)


def test_a_clock_is_patched_once(install):
    install(patch_time=True)
    from brian2dynapse.board import _state

    with pytest.raises(DynapseError, match="patched already"):
        _state["time"].start()
