"""`PlacedSynapses`: Brian2 `Synapses` that are CAM words of physical neurons, each an individual."""

from __future__ import annotations

import numpy as np
from brian2.synapses.synapses import Synapses

from .configuration import LARGEST_TAG
from .errors import WiringError
from .facts import SYNAPSES_PER_NEURON, modelled_parameters, synapse_parameters
from .neurons import Neurons

STORED = "targets, CAM words, tags, delays, whether they were chosen"


class PlacedSynapses(Synapses):
    """Synapses on neurons of the chip, with their CAM words; the base of `Connection`.

    Parameters
    ----------
    neurons : Neurons
        The group that the synapses are on.
    *args, **kwds
        Passed to `Synapses`.
    """

    def __init__(self, neurons: Neurons, *args, **kwds):
        self._neurons = neurons
        self._cams = np.empty(0, dtype=int)
        self._posts = np.empty(0, dtype=int)
        self._tags = None
        self._cams_chosen = False
        super().__init__(*args, **kwds)

    @property
    def neurons(self) -> Neurons:
        """The group that the synapses are on (the whole one, if the target is a subgroup)."""
        return self._neurons

    @property
    def cams(self) -> np.ndarray:
        """CAM word of each synapse on its neuron (a copy); they decide the mismatch.

        Empty on a chip without mismatch, unless they were chosen or a mapping gave them.
        """
        return self._cams.copy()

    @property
    def cams_chosen(self) -> bool:
        """Whether the CAM words were chosen by number, `connect(..., cams=...)`: a mapping keeps them then."""
        return self._cams_chosen

    @property
    def tags(self) -> np.ndarray | None:
        """Tag of each synapse (a copy), if they were chosen with its CAM word; None lets a mapper choose them."""
        return None if self._tags is None else self._tags.copy()

    def synapse_pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Source and target of every synapse, numbers in the whole groups (copies).

        Raises
        ------
        WiringError
            In standalone mode, if Brian2 makes the synapses only when the program runs.
        """
        try:
            pairs = [np.array(self.variables[f"_synaptic_{side}"].get_value()) for side in ("pre", "post")]
        except NotImplementedError:
            raise WiringError(
                f"{self.name}: in standalone mode Brian2 makes synapses of a condition or a generator only when the "
                "program runs, so that nobody knows them before; use index arrays, connect(i=..., j=...), "
                "connect(p=..., seed=...), or connect_fixed_indegree(...)"
            ) from None
        return pairs[0], pairs[1]

    def _individual(self, parameters) -> bool:
        """Whether the currents of parameters differ from synapse to synapse."""
        return any(self._neurons.chip.mismatch_cv(modelled_parameters()[name]) > 0 for name in parameters)

    def _take_cams(self, places) -> None:
        """Note the targets of new synapses, and their CAM words: given ones, or the next free ones.

        Without mismatch nobody asks for the latter.
        """
        if places is None and not self._individual(synapse_parameters()):
            return
        posts = self.synapse_pairs()[1]
        if places is None:
            cams = self._neurons.take_cams(posts[len(self._posts) :])
        else:
            cams, tags = places
            self._cams_chosen = True
            self._neurons.keep_cams(posts[len(self._posts) :], cams)
            if tags is not None:
                self._tags = np.concatenate([np.empty(0, dtype=int) if self._tags is None else self._tags, tags])
        self._cams = np.concatenate([self._cams, cams])
        self._posts = posts

    def _checked_places(self, cams, tags, pairs: dict) -> tuple[np.ndarray, np.ndarray] | None:
        """CAM words, and tags or None, of synapses that are about to be made; None if the words are free."""
        if cams is None and tags is None and not self._cams_chosen:
            return None
        mixed = self._connect_called and (not self._cams_chosen or (tags is None) != (self._tags is None))
        if cams is None or mixed:
            raise WiringError(
                f"{self.name}: CAM words go together, and so do tags; give CAM words for all synapses or for none, and "
                "with them tags for all or for none"
            )
        if not {"i", "j"} <= set(pairs) or any(isinstance(pairs[side], str) for side in "ij"):
            raise WiringError(
                f"{self.name}: CAM words and tags belong to synapses by number, connect(i=..., j=..., ...)"
            )
        count = np.broadcast(pairs["i"], pairs["j"]).size
        cams = self._checked_integers("cams", cams, count, SYNAPSES_PER_NEURON)
        return cams, None if tags is None else self._checked_integers("tags", tags, count, LARGEST_TAG + 1)

    def _checked_integers(self, what: str, values, count: int, size: int) -> np.ndarray:
        values = np.asarray(values)
        if values.shape != (count,) or values.dtype.kind not in "iu" or np.any((values < 0) | (values >= size)):
            raise WiringError(f"{self.name}: {what} are {values}; give {count} integers 0..{size - 1}, one a synapse")
        return values.astype(int)

    def move(self, cams: np.ndarray) -> None:
        """Put the synapses into other CAM words; a mapping does so.

        Parameters
        ----------
        cams : numpy.ndarray of int
            One for each synapse.
        """
        posts = self.synapse_pairs()[1]
        self._cams = self._checked_integers("cams", cams, len(posts), SYNAPSES_PER_NEURON)
        self._posts = posts

    def currents_of_codes(self, parameter: str) -> float | np.ndarray:
        """Current of a bias in every synapse, amp; one number if they are all the same."""
        current = self._neurons.bias_current(parameter)
        return current * self._factors(parameter)

    def _factors(self, parameter: str) -> float | np.ndarray:
        """Mismatch of the current of a bias in every synapse; 1 if there is none."""
        name = modelled_parameters()[parameter]
        if not self._neurons.chip.mismatch_cv(name):
            return 1.0
        return self._neurons.chip.synapse_factors(name, self._neurons.physical[self._posts], self._cams)

    def _full_state(self):
        delays = np.array(self.pre.variables["delay"].get_value())  # Brian2 2.9 forgets them
        return super()._full_state() | {
            STORED: (self._posts, self._cams, self._tags, delays, self._cams_chosen)
        }

    def _restore_from_full_state(self, state):
        """Go back to a stored state: places and delays, too (called by Brian2's `restore`)."""
        super()._restore_from_full_state({name: value for name, value in state.items() if name != STORED})
        self._posts, self._cams, self._tags, delays, self._cams_chosen = state[STORED]
        variable = self.pre.variables["delay"]
        if not variable.scalar:
            variable.resize(delays.size)
        variable.set_value(delays)
