"""The process that simulates the chips of a board: a compiled program that answers commands over pipes. No Brian2.

It keeps its state between commands and ends when its input is closed, so that none survives the Python that started it.
"""

from __future__ import annotations

import json
import os
import subprocess
import weakref
from pathlib import Path

import numpy as np

from .board_build import MANIFEST
from .board_commands import Command
from .errors import DynapseError


class Server:
    """One running program.

    Parameters
    ----------
    directory : path
        Of the compiled program, see `board_build.program`.

    Attributes
    ----------
    arrays : dict of str to bool
        Variables of the places, and whether they are one number for all.
    states : tuple of str
        Those that are integrated.
    word_parameters, word_states, shared : tuple of str
        Of the CAM words, and what they have in common.
    """

    def __init__(self, directory: Path):
        manifest = json.loads((directory / MANIFEST).read_text())
        self.arrays = {name: bool(one) for name, one in manifest["arrays"].items()}
        self.states = tuple(manifest["states"])
        self.word_parameters = tuple(manifest["word_parameters"])
        self.word_states = tuple(manifest["word_states"])
        self.shared = tuple(manifest["shared"])
        self._numbers = {name: number for number, name in enumerate(self.arrays)}
        self._process = subprocess.Popen(
            [os.path.join(directory, "main")],
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # an interrupt of the script is not for it
        )
        self._end = weakref.finalize(self, _end, self._process)

    def close(self) -> None:
        """End the process."""
        self._end()

    # -- commands ------------------------------------------------------------------------------------

    def use_places(self, count: int) -> None:
        """Simulate this many places; new ones have no values yet."""
        self._send(Command.PLACES, count)

    def set_array(self, name: str, values) -> None:
        """Set a variable of the first places; or a number that all share."""
        values = np.atleast_1d(np.asarray(values, dtype=float))
        self._send(Command.SET, self._numbers[name], len(values), values)

    def array(self, name: str, count: int) -> np.ndarray:
        """Values of a variable in the first places."""
        return self._ask(Command.GET, self._numbers[name], count, read=[(float, count)])[0]

    def set_shared(self, name: str, value: float) -> None:
        """Set a constant of all words."""
        self._send(Command.SHARED, self.shared.index(name), 0, np.array([value], dtype=float))

    def compute_constants(self) -> None:
        """Take the parameters over into what the steps use."""
        self._send(Command.CONSTANTS)

    def set_words(self, first: int, parameters: list[np.ndarray], kinds: np.ndarray) -> None:
        """Set words: parameters in the order of `word_parameters`, then delays; dendrites 0..4, + 8 if depressing."""
        self._send(Command.WORDS, first, len(kinds), *(one.astype(float) for one in parameters), kinds.astype(np.int8))

    def word_state(self, count: int) -> list[np.ndarray]:
        """States of the first words, in the order of `word_states`."""
        return self._ask(Command.GET_WORD_STATES, 0, count, read=[(float, count)] * len(self.word_states))

    def set_word_state(self, values: list[np.ndarray]) -> None:
        """Set states of the first words."""
        self._send(Command.SET_WORD_STATES, 0, len(values[0]), *values)

    def set_listeners(self, first: np.ndarray, words: np.ndarray) -> None:
        """Set which words listen to every core and tag: words[first[key]:first[key + 1]]."""
        self._send(Command.LISTENERS, len(first), len(words), first.astype(np.int32), words.astype(np.int32))

    def set_sends(self, first: np.ndarray, keys: np.ndarray) -> None:
        """Set the events of every place, in the same way."""
        self._send(Command.SENDS, len(first), len(keys), first.astype(np.int32), keys.astype(np.int32))

    def set_grid(self, first: np.ndarray, sources: np.ndarray, shares: np.ndarray) -> None:
        """Set what every place gets of the AMPA currents of which places, in the same way."""
        self._send(Command.GRID, len(first), len(sources), first.astype(np.int32), sources.astype(np.int32), shares)

    def watch(self, places) -> None:
        """Sample the membrane currents of these places before every step."""
        places = np.asarray(places, dtype=np.int32)
        self._send(Command.WATCH, len(places), 0, places)

    def set_step(self, step: int) -> None:
        """Set the clock."""
        self._send(Command.CLOCK, step)

    def seed(self, seed: int) -> None:
        """Set the generator of random numbers."""
        self._send(Command.SEED, seed)

    def arrivals(self) -> list[np.ndarray]:
        """Events on their way through delays: steps, words, times."""
        count = int(self._ask(Command.GET_ARRIVALS, read=[(np.int64, 1)])[0][0])
        return self._read([(np.int64, count), (np.int32, count), (float, count)])

    def set_arrivals(self, steps, words, times) -> None:
        """Put events on their way."""
        self._send(Command.SET_ARRIVALS, len(steps), 0, steps, words, times)

    def advance(self, steps: int, times: np.ndarray, keys: np.ndarray, watched: int):
        """Simulate.

        Parameters
        ----------
        steps : int
            Number of steps.
        times, keys : numpy.ndarray of int
            Events from outside in the order of time, microseconds, all before the end of the last step; core and tag.
        watched : int
            Number of places that are watched.

        Returns
        -------
        steps, places : numpy.ndarray of int
            Of the spikes.
        samples : numpy.ndarray
            Membrane currents at the beginning of every step, amp, shape (steps, watched).
        """
        outside = (times.astype(np.int64), keys.astype(np.int32))
        count, taken = self._ask(Command.ADVANCE, steps, len(times), *outside, read=[(np.int64, 2)])[0].tolist()
        when, places, samples = self._read([(np.int64, count), (np.int32, count), (float, steps * watched)])
        if taken != len(times):
            raise DynapseError(f"the program took {taken} of {len(times)} events; this is a defect of the board")
        return when, places, samples.reshape(steps, watched)

    # -- pipes ---------------------------------------------------------------------------------------

    def _send(self, command: Command, first: int = 0, second: int = 0, *arrays: np.ndarray) -> None:
        try:
            self._process.stdin.write(np.array([command, first, second], dtype=np.int64).tobytes())
            for one in arrays:
                self._process.stdin.write(np.ascontiguousarray(one).tobytes())
        except (OSError, ValueError) as error:
            raise self._ended() from error
        except BaseException:  # half a command is none
            self.close()
            raise

    def _ask(self, *command, read) -> list[np.ndarray]:
        self._send(*command)
        return self._read(read)

    def _read(self, types) -> list[np.ndarray]:
        values = []
        try:
            self._process.stdin.flush()
            for dtype, count in types:
                wanted = count * np.dtype(dtype).itemsize
                data = self._process.stdout.read(wanted)
                if len(data) < wanted:
                    raise EOFError
                values.append(np.frombuffer(data, dtype=dtype))
        except (OSError, ValueError, EOFError) as error:
            self.close()
            raise self._ended() from error
        except BaseException:  # half an answer would be taken for the next one
            self.close()
            raise
        return values

    def _ended(self) -> DynapseError:
        return DynapseError(
            f"the program of the board has ended ({self._process.poll()}) or was closed; make another engine"
        )


def _end(process: subprocess.Popen) -> None:
    try:
        process.stdin.close()
    except OSError:
        pass
    process.stdout.close()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
