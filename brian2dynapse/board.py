"""The board without the board: scripts for the chip run unchanged against a simulated one.

``python -m brian2dynapse.board script.py [args]`` runs a script; its ``import samna`` is answered by the simulation.
Inside Python, `install` does it: what imports samna afterwards gets the simulated board.

Time on the chips passes as the script waits (``time.sleep``) and reads; waiting takes no time itself, unless
real time is asked for.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from types import ModuleType

import pandas as pd

from . import board_samna
from .board_clock import BoardWarning, Clock, PatchedTime
from .board_device import Board
from .board_tree import LARGEST_BOARD
from .errors import DynapseError

__all__ = ["Board", "BoardWarning", "install", "installed", "log", "main", "uninstall"]

_state: dict = {}


def install(
    chips: int = 1,
    *,
    chip=None,
    dt=1e-4,
    seed: int = 0,
    patch_time: bool = False,
    real_time: bool = False,
    serial_number: str = "simulated",
    directory=None,
    engine=None,
) -> Board:
    """Answer ``import samna`` with a simulated board.

    Parameters
    ----------
    chips : int
        Number of chips, 1..4.
    chip : Chip, optional
        The individual; the ideal chip by default.
    dt : float or Quantity
        Time step of the simulation, second.
    seed : int
        Of what is drawn in the simulation.
    patch_time : bool
        Whether the script's `time` (``sleep``, ``time``, ``monotonic``, ``perf_counter``) is that of the chips. Without
        it, ``board.clock.wait(seconds)`` lets time pass.
    real_time : bool
        Whether waiting takes as long as it says, and computing counts as time, as with the real board.
    serial_number : str
        Of the board that is found.
    directory : path, optional
        Where the simulation compiles; a cache folder of the user by default.
    engine : callable, optional
        Makes another simulation of the chips, without arguments, with the interface of `board_engine.Engine`.

    Returns
    -------
    Board
        The board that ``samna.device.open_device`` will give, with `Board.log`, `Board.oscilloscope`.

    Raises
    ------
    DynapseError
        If a board is installed already.
    """
    if _state:
        raise DynapseError("a simulated board is installed already; uninstall() it first")

    def make_engine():
        from .board_engine import Engine  # it takes a moment to import, and another engine does not need it

        return Engine(chips=chips, chip=chip, dt=float(dt), seed=seed, directory=directory)

    board = Board(chips, engine or make_engine, Clock(real_time), serial_number, round(float(dt) * 1e6))
    if patch_time:
        _state["time"] = PatchedTime(board.clock)
        _state["time"].start()
    hidden = [name for name in sys.modules if name == "samna" or name.startswith("samna.")]
    _state["board"], _state["before"] = board, {name: sys.modules.pop(name) for name in hidden}
    sys.modules.update(board_samna.modules(board))
    return board


def uninstall() -> None:
    """Take the simulated board away; what was imported before is back."""
    if not _state:
        raise DynapseError("no simulated board is installed")
    state = dict(_state)
    _state.clear()
    if "time" in state:
        state["time"].stop()
    for name in [name for name in sys.modules if name == "samna" or name.startswith("samna.")]:
        del sys.modules[name]
    sys.modules.update(state["before"])
    state["board"].close()


def installed() -> Board:
    """The board that is installed.

    Raises
    ------
    DynapseError
        If there is none.
    """
    if not _state:
        raise DynapseError("no simulated board is installed; install() one")
    return _state["board"]


def log() -> pd.DataFrame:
    """Every change of the configuration of the installed board, see `Board.log`."""
    return installed().log


def main(arguments: list[str] | None = None) -> int:
    """Run a script, as ``python -m brian2dynapse.board`` does.

    Parameters
    ----------
    arguments : list of str, optional
        Of the command line, without the program.

    Returns
    -------
    int
        Exit code, as Python gives it. A script's own ``SystemExit`` is raised on.
    """
    parser = argparse.ArgumentParser(
        prog="python -m brian2dynapse.board", description="Run a script for the DYNAP-SE2 board on a simulated one."
    )
    parser.add_argument("--chips", type=int, default=1, choices=range(1, LARGEST_BOARD + 1), help="chips of the board")
    parser.add_argument("--real-time", action="store_true", help="waiting takes as long as it says")
    parser.add_argument("--chip", metavar="FILE", help="JSON file of the individual chip (Chip.to_json)")
    parser.add_argument("--dt", type=float, default=1e-4, metavar="SECOND", help="time step, 1e-4 unless given")
    parser.add_argument("--seed", type=int, default=0, help="of the simulation")
    parser.add_argument("--serial-number", default="simulated", help="by which the script chooses its board")
    parser.add_argument("--log", metavar="FILE", help="write the changes of the configuration to a CSV file at the end")
    parser.add_argument("--save", metavar="FILE", help="write what the chips hold at the end to a JSON file")
    parser.add_argument("script", help="the script")
    parser.add_argument("args", nargs=argparse.REMAINDER, help="its arguments")
    given = parser.parse_args(arguments)
    try:
        with open(given.script, "rb") as file:
            source = file.read()
    except OSError as error:
        print(
            f"{parser.prog}: can't open file {given.script!r}: [Errno {error.errno}] {error.strerror}", file=sys.stderr
        )
        return 2
    individual = None
    if given.chip:
        from .chip import Chip

        individual = Chip.from_json(given.chip)
    board = install(
        given.chips,
        chip=individual,
        dt=given.dt,
        seed=given.seed,
        patch_time=True,
        real_time=given.real_time,
        serial_number=given.serial_number,
    )
    try:
        with board_samna.answer_lsusb():
            return _run(given.script, source, given.args)
    finally:
        uninstall()
        if given.log:
            board.log.to_csv(given.log, index=False)
        if given.save:
            board.configuration.to_json(given.save)


def _run(path: str, source: bytes, arguments: list[str]) -> int:
    """Run a script as ``__main__``; its exit code."""
    module = ModuleType("__main__")
    module.__dict__.update(__file__=path, __builtins__=__builtins__, __spec__=None, __cached__=None)
    before = sys.modules["__main__"], sys.argv, sys.path[:]
    sys.modules["__main__"], sys.argv = module, [path, *arguments]
    sys.path[:1] = [os.path.dirname(os.path.realpath(path))]
    try:
        exec(compile(source, path, "exec"), module.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        own = error.__traceback__.tb_next  # without the frame that ran the script
        if isinstance(error, KeyboardInterrupt):
            raise error.with_traceback(own) from error.__cause__
        if sys.excepthook is sys.__excepthook__:
            traceback.print_exception(type(error), error, own)
        else:
            sys.excepthook(type(error), error, own)
        return 1
    finally:
        sys.modules["__main__"], sys.argv, sys.path[:] = before
    return 0


if __name__ == "__main__":
    from brian2dynapse.board import main as run_script  # the module that scripts and `log` know, not this second one

    sys.exit(run_script())
