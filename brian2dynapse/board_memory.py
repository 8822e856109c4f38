"""What a configuration means for the places of a simulated board, in numbers: parameters, words, who hears whom."""

from __future__ import annotations

import numpy as np
from brian2.utils.logger import get_logger

from . import dac, facts
from .board_model import NEUTRAL, SWITCHES, circuits_on
from .checks import dpi_time_constant
from .circuits import DENDRITES
from .configuration import LARGEST_TAG, Configuration, Dendrite
from .delivery import sent_by_neurons
from .diffusion import CONDUCTANCES, grid_shares
from .facts import CORES_PER_CHIP, NEURONS_PER_CHIP, NEURONS_PER_CORE, SYNAPSES_PER_NEURON
from .simulation import dendrites_in_use
from .weights import WEIGHT_BITS, selected_current

logger = get_logger("brian2dynapse.board_memory")

TAGS = LARGEST_TAG + 1
DEPRESSING = 8  # beside the number of the dendrite, in the kind of a word
_KINDS = np.zeros(max(Dendrite) + 1, dtype=np.int8)
_KINDS[[Dendrite[name] for name in DENDRITES]] = range(1, len(DENDRITES) + 1)


class Memory:
    """The places of a board, and what configurations make of them.

    Parameters
    ----------
    chip : Chip
        The individual.
    table : dac.GeneratorTable
        From codes to currents.

    Attributes
    ----------
    physical : numpy.ndarray of int
        Physical neuron of every place, 1024*chip + 256*core + neuron; `add` appends.
    """

    def __init__(self, chip, table: dac.GeneratorTable):
        self._chip = chip
        self._table = table
        self.physical = np.empty(0, dtype=int)
        self._factors = {}
        self._dendrites_of = None
        self._warned = set()

    def add(self, physical: np.ndarray) -> None:
        """Take more physical neurons in."""
        self.physical = np.concatenate([self.physical, physical])
        self._factors.clear()

    def place_of(self, physical: int) -> int:
        """Place of a physical neuron, -1 if it has none."""
        found = np.flatnonzero(self.physical == physical)
        return int(found[0]) if found.size else -1

    @property
    def indices(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Chip, core and neuron of every place."""
        chip, within = np.divmod(self.physical, NEURONS_PER_CHIP)
        return chip, *np.divmod(within, NEURONS_PER_CORE)

    # -- neurons -------------------------------------------------------------------------------------

    def parameters(self, configuration: Configuration, names) -> dict[str, np.ndarray]:
        """Parameters and switches of every place, SI units, of those names that are such."""
        latches = dict(zip(facts.latch_table(), configuration.latches[self.indices].T, strict=True))
        values = {
            name: self._currents(configuration, bias) * self._of_neurons(bias)
            for name, bias in facts.modelled_parameters().items()
            if name in names
        }
        self._warn_of_long_pulses(configuration, configuration.synapse_dendrite[self.indices])
        on = circuits_on(latches) | dict(zip(DENDRITES, self._dendrites(configuration), strict=True))
        for circuit, neutral in NEUTRAL.items():
            for name in neutral.keys() & values.keys():
                values[name] = np.where(on[circuit], values[name], neutral[name])
        values |= {name: on[circuit].astype(float) for name, circuit in SWITCHES.items() if name in names}
        return values

    def slowing(self, leak: np.ndarray, step: float) -> np.ndarray:
        """How much slower than they are membranes must be simulated: a step, in second, cannot follow faster ones.

        People drain neurons with a leak of microamperes, whose time constant is a fraction of a microsecond. The
        membrane then settles where it does on the chip, within some steps. The first time a core has such a leak, a
        warning says so.
        """
        tau = dpi_time_constant(self._chip, "C_mem", "kappa_n", leak)
        for core in set((self.physical[step > tau] // NEURONS_PER_CORE).tolist()) - self._warned:
            self._warned.add(core)
            logger.warn(
                f"chip {core // CORES_PER_CHIP} core {core % CORES_PER_CHIP}: the membrane time constant (SOIF_LEAK_N) "
                f"is down to {tau.min():.2g} s, shorter than the time step of {step:g} s; the membrane settles within "
                "some steps instead, as far as it does on the chip; use a smaller dt to see more of it",
                name_suffix="short_time_constant",
            )
        return np.maximum(step / tau, 1)

    def killed(self, configuration: Configuration) -> np.ndarray:
        """Places with the latch soif_kill."""
        return configuration.latches[(*self.indices, list(facts.latch_table()).index("soif_kill"))]

    def _dendrites(self, configuration: Configuration) -> np.ndarray:
        """Dendrites that are integrated at every place, shape (4, places); kept, since codes change most often."""
        decisive = (configuration.latches, configuration.synapse_dendrite, configuration.labels, self.physical)
        if self._dendrites_of is None or not all(
            one is other or np.array_equal(one, other)
            for one, other in zip(self._dendrites_of[0], decisive, strict=True)
        ):
            on = dendrites_in_use(configuration)
            latched = configuration.latches[..., list(facts.latch_table()).index("deam_ampa")].ravel()
            on[:, list(DENDRITES).index("ampa")] |= latched  # nodes of the grid
            self._dendrites_of = (decisive, on[self.physical].T)
        return self._dendrites_of[1]

    def grid(self, configuration: Configuration) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What the AMPA diffusion grids of the cores pass to every place.

        Returns
        -------
        first, sources : numpy.ndarray of int
            The places that give to place k: sources[first[k]:first[k + 1]]. A place without latch deam_ampa has itself.
        shares : numpy.ndarray
            How much of their AMPA current.
        """
        latched = configuration.latches[(*self.indices, list(facts.latch_table()).index("deam_ampa"))]
        alone = np.flatnonzero(~latched)
        targets, sources, shares = [alone], [alone], [np.ones(len(alone))]
        cores = self.physical // NEURONS_PER_CORE
        for core in np.unique(cores[latched]):
            places = np.flatnonzero(latched & (cores == core))
            conductances = []
            for name in CONDUCTANCES:
                bias = facts.modelled_parameters()[name]
                conductances.append((self._currents(configuration, bias) * self._of_neurons(bias))[places])
            passed = grid_shares(self.physical[places], *conductances)
            targets.append(places[passed.row])
            sources.append(places[passed.col])
            shares.append(passed.data)
        order = np.lexsort((np.concatenate(sources), np.concatenate(targets)))
        first, sources = _by_key(np.concatenate(targets)[order], np.concatenate(sources)[order], len(self.physical))
        return first, sources, np.concatenate(shares)[order]

    def _currents(self, configuration: Configuration, bias: str) -> np.ndarray:
        """Current of a bias at every place, without mismatch, amp."""
        chip, core, _ = self.indices
        coarse, fine = configuration.core_codes[chip, core, facts.core_biases().index(bias)].T
        return self._table.circuit_currents(bias)[coarse, fine] * self._chip.mirror_scale(bias)

    def _of_neurons(self, bias: str) -> np.ndarray:
        if bias not in self._factors:
            self._factors[bias] = self._chip.mismatch_factors(bias, self.physical)
        return self._factors[bias]

    # -- words ---------------------------------------------------------------------------------------

    def words(self, configuration: Configuration, names) -> tuple[list[np.ndarray], np.ndarray]:
        """What codes and transistors make of every word, place by place.

        Parameters
        ----------
        configuration : Configuration
            What the chips hold.
        names : sequence of str
            Parameters of the synapse that are wanted.

        Returns
        -------
        parameters : list of numpy.ndarray
            In the order of `names`, and the delays in second; one a word.
        kinds : numpy.ndarray of int
            0: no dendrite, 1..4: number in `circuits.DENDRITES`; + `DEPRESSING`.
        """
        fields = {
            name: getattr(configuration, f"synapse_{name}")[self.indices]
            for name in ("weight", "dendrite", "precise_delay", "mismatched_delay", "stp")
        }
        bits = [self._word_currents(configuration, f"I_w{bit}") for bit in range(WEIGHT_BITS)]
        weight = selected_current(fields["weight"], np.stack(bits, axis=-1))
        values = [weight if name == "I_weight" else self._word_currents(configuration, name) for name in names]
        base, precise, mismatched = (self._word_currents(configuration, f"I_delay{k}") for k in range(3))
        total = base + precise * fields["precise_delay"] + mismatched * fields["mismatched_delay"]
        values.append(self._chip.constants["Q_delay"] / total)
        kinds = _KINDS[fields["dendrite"]] + DEPRESSING * fields["stp"].astype(np.int8)
        return [one.ravel() for one in values], kinds.ravel()

    def _warn_of_long_pulses(self, configuration: Configuration, dendrite: np.ndarray) -> None:
        """Pulses act by their charge, which is right while they are short against the time constant."""
        width = self._chip.constants["Q_extender"] / self._word_currents(configuration, "I_extender")
        for name in DENDRITES:
            bias = facts.modelled_parameters()[f"I_tau_{name}"]
            leak = self._currents(configuration, bias) * self._of_neurons(bias)
            tau = dpi_time_constant(self._chip, f"C_{name}", "kappa_p", leak)
            long = ((width > tau[:, None]) & (dendrite == Dendrite[name])).any(axis=1)
            for core in set((self.physical[long] // NEURONS_PER_CORE).tolist()):
                if (core, name) not in self._warned:
                    self._warned.add((core, name))
                    logger.warn(
                        f"chip {core // CORES_PER_CHIP} core {core % CORES_PER_CHIP}: pulses on the {name} dendrite "
                        f"(SYPD_EXT_N) are longer than its time constant ({bias}); they act by their charge alone, so "
                        "that its current is not to be trusted; use a larger SYPD_EXT_N or a smaller "
                        f"{bias}",
                        name_suffix="long_pulse",
                    )

    def _word_currents(self, configuration: Configuration, parameter: str) -> np.ndarray:
        bias = facts.synapse_parameters()[parameter]
        if bias not in self._factors:
            shape = (len(self.physical), SYNAPSES_PER_NEURON)
            neurons, cams = np.repeat(self.physical, shape[1]), np.tile(np.arange(shape[1]), shape[0])
            self._factors[bias] = self._chip.synapse_factors(bias, neurons, cams).reshape(shape)
        return self._currents(configuration, bias)[:, None] * self._factors[bias]

    # -- who hears whom ------------------------------------------------------------------------------

    def listeners(self, configuration: Configuration) -> tuple[np.ndarray, np.ndarray]:
        """Words by core and tag: the first of each, and the words; see `board_server.Server.set_listeners`."""
        tags = configuration.synapse_tag[self.indices].astype(int)
        keys = (self.physical // NEURONS_PER_CORE * TAGS)[:, None] + tags
        words = np.flatnonzero(configuration.synapse_dendrite[self.indices])
        cores = len(configuration) * CORES_PER_CHIP
        return _by_key(keys.ravel()[words], words, cores * TAGS)

    def sends(self, configuration: Configuration) -> tuple[np.ndarray, np.ndarray]:
        """Core and tag of the events of every place, in the same form. Events that leave the board are left out."""
        sent = sent_by_neurons(configuration)
        place = np.full(len(configuration) * NEURONS_PER_CHIP, -1)
        place[self.physical] = np.arange(len(self.physical))
        row, keys = cores_and_tags(sent["chip"], sent["core"], sent["tag"])
        return _by_key(place[sent["source"][row]], keys, len(self.physical))


def cores_and_tags(chip: np.ndarray, mask: np.ndarray, tag: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Events for one core each: number of the event, and core and tag as one number. Chip -1 is nowhere."""
    hit = (mask[:, None] >> np.arange(CORES_PER_CHIP) & 1).astype(bool) & (chip >= 0)[:, None]
    row, core = np.nonzero(hit)
    return row, (chip[row] * CORES_PER_CHIP + core) * TAGS + tag[row]


def _by_key(keys: np.ndarray, values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Values sorted by key: where those of each of `count` keys begin (and the last end), and the values."""
    order = np.argsort(keys, kind="stable")
    return np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=count))]), values[order]
