"""`Connection`: a Brian2 `Synapses` object with the chip's synapse circuit."""

from __future__ import annotations

import numpy as np
from brian2.core.spikesource import SpikeSource
from brian2.devices.device import RuntimeDevice, get_device
from brian2.groups.subgroup import Subgroup
from brian2.units import Quantity, amp, second

from . import checks, circuits
from .arrays import assign, variable_values
from .errors import DynapseError, WeightError, WiringError, unknown_name
from .facts import bias, modelled_parameters, synapse_parameters
from .neurons import Neurons
from .placed_synapses import PlacedSynapses
from .weights import checked_currents, mask_string, selected_current, weight_mask
from .wiring import fixed_indegree, random_pairs

# delay: the delay currents beside the base current, by the bits that are set
DELAYS = {
    "none": (),
    "precise": ("I_delay1",),
    "mismatched": ("I_delay2",),
    "both": ("I_delay1", "I_delay2"),
}
_STORED = "masks"
_WEIGHT_PARAMETERS = ("I_w0", "I_w1", "I_w2", "I_w3")
_DELAY_PARAMETERS = ("I_delay0", "I_delay1", "I_delay2")


class Connection(PlacedSynapses):
    """Synapses of one kind from a source of spikes to neurons of the chip.

    Parameters
    ----------
    source : SpikeSource
        `Neurons`, `PoissonGroup`, `SpikeGeneratorGroup`, or a subgroup of one.
    target : Neurons or Subgroup of Neurons
        Where the synapses are; their biases are those of the target's core.
    dendrite : str
        ``"ampa"``, ``"nmda"``, ``"gaba"`` or ``"shunt"``.
    weight : str, int, sequence of bool, array_like, or Quantity
        Mask of the four weight bits, see `weights.weight_mask`; an array gives one mask a synapse. Or the current
        that is wanted, in amp, one or one a synapse: the model has just that, and a mapping chooses the codes of
        the weight currents and the masks that come nearest.
    delay : str
        ``"none"`` (no bit: the base delay), ``"precise"``, ``"mismatched"`` or ``"both"``.
    std : bool
        Short-term depression (the stp bit of the synapses).
    name : str, optional
        By default made of the names of source, target and dendrite.
    **kwds
        Passed to `Synapses` (``clock``, ``order``, ...).

    Raises
    ------
    UnknownNameError
        For an unknown dendrite or delay.
    WiringError
        If the source makes no spikes or the target is not `Neurons`.
    WeightError
        If the mask is not four bits.

    Notes
    -----
    An event at time t acts at t + dt + delay. Several connections to one dendrite add their charges. Events of one
    synapse that meet within a pulse merge (`merged_pulse.eqs`). The fan-in of the chip (64 synapses a neuron) is not
    enforced here: a model may be larger than the chip.

    On a chip with mismatch every synapse has its own weight currents, pulse width, delay and depression. They belong
    to a CAM word of the physical neuron, `cams`; synapses take the next free word of their neuron in the order in which
    they are made. A connection that is made again takes new words; make the neurons again to have the same ones.
    """

    def __init__(self, source, target, dendrite, weight="0001", delay="none", std=False, name=None, **kwds):
        if not isinstance(source, SpikeSource) or "_spikespace" not in source.variables:
            raise WiringError(
                f"the source of a connection is {type(source).__name__} '{getattr(source, 'name', source)}', which "
                "makes no spikes; use Neurons, a PoissonGroup or a SpikeGeneratorGroup"
            )
        neurons = target.source if isinstance(target, Subgroup) else target
        if not isinstance(neurons, Neurons):
            raise WiringError(
                f"the target of a connection is {type(target).__name__}; a synapse of the chip is on Neurons"
            )
        for fixed in ("model", "on_pre", "on_post", "method"):
            if fixed in kwds:
                raise DynapseError(f"{fixed} of a Connection follows from the circuit; use Synapses for other models")
        circuits.check_dendrite(dendrite)
        if not isinstance(delay, str) or delay not in DELAYS:
            raise unknown_name("delay", delay, DELAYS)
        if not isinstance(std, (bool, np.bool_)):
            raise DynapseError(f"std is {std!r}; give True for short-term depression, or False")
        origin = source.source if isinstance(source, Subgroup) else source
        self._dendrite = dendrite
        self._delay_bits = delay
        self._std = bool(std)
        self._repeated = isinstance(origin, Neurons) and origin.repeats_events
        self._mask = self._checked_weight(weight)
        self._all_to_all = False
        self._label = name or f"{source.name}_{target.name}_{dendrite}"
        self._delays_assigned = True
        if "dt" not in kwds:
            kwds.setdefault("clock", source.clock)  # that of the events
        equations, on_pre = circuits.synapse(dendrite, self._pages(merged=True))
        self._neurons = neurons
        super().__init__(
            neurons,
            source,
            target,
            model=equations,
            on_pre=on_pre,
            delay=None if self._individual(_DELAY_PARAMETERS) else self.delay_time(),
            name=name or f"{self._label}*",
            **kwds,
        )
        neurons.receive(self)

    # -- what the connection is made of --------------------------------------------------------------

    @property
    def dendrite(self) -> str:
        """Dendrite that the synapses act on."""
        return self._dendrite

    @property
    def delay_bits(self) -> str:
        """``"none"``, ``"precise"``, ``"mismatched"`` or ``"both"``."""
        return self._delay_bits

    @property
    def std(self) -> bool:
        """Whether the synapses depress."""
        return self._std

    @property
    def shares_tags(self) -> bool:
        """Whether all sources are connected to all targets, by `connect`: a mapping gives them one tag then."""
        return self._all_to_all

    @property
    def weight(self) -> str | np.ndarray | Quantity:
        """Weight mask: a string if all synapses have the same, else integers, one a synapse, or currents (copies)."""
        return mask_string(self._mask) if isinstance(self._mask, int) else self._mask.copy()

    @weight.setter
    def weight(self, value) -> None:
        previous, self._mask = self._mask, self._checked_weight(value)
        if self._connect_called:
            try:
                self._assign_weights()
            except WeightError:
                self._mask = previous
                raise

    @property
    def source_neurons(self) -> Neurons | None:
        """The group that the events come from (the whole one, if the source is a subgroup); None if not `Neurons`."""
        origin = self.source.source if isinstance(self.source, Subgroup) else self.source
        return origin if isinstance(origin, Neurons) else None

    @staticmethod
    def _checked_weight(weight) -> int | np.ndarray | Quantity:
        return checked_currents(weight) * amp if isinstance(weight, Quantity) else weight_mask(weight)

    @property
    def _one_weight(self) -> bool:
        return np.ndim(self._mask) == 0

    def pulse_width(self) -> Quantity:
        """Width of the pulse that an event makes, in second: Q_extender / I(SYPD_EXT_N), without mismatch."""
        return float(self._pulse_widths(self._neurons.bias_current("I_extender"))) * second

    def pulse_widths(self) -> np.ndarray:
        """Widths of the pulses as they will run, second: one a synapse, or one for all."""
        currents = variable_values(self, "I_extender")
        return np.asarray(self._pulse_widths(self.currents_of_codes("I_extender") if currents is None else currents))

    def longest_pulse(self) -> float:
        """Width of the longest pulse of all synapses, second."""
        return float(np.max(self.pulse_widths(), initial=0))

    def _pulse_widths(self, currents):
        return self._neurons.chip.constants["Q_extender"] / currents

    def delay_time(self) -> Quantity:
        """Delay by the bits that are set, in second: Q_delay / (sum of the delay currents).

        The base current SYPD_DLY0_P always flows; a bit adds its current and so shortens the delay. With mismatch,
        this is the delay of a synapse without; those of the synapses are in the variable `delay`.

        Raises
        ------
        WiringError
            If the delay is longer than a second, which only codes near (0,0) make.
        """
        return float(self._delays([self._neurons.bias_current(name) for name in self._delay_currents()])) * second

    def _delay_currents(self) -> tuple[str, ...]:
        return ("I_delay0", *DELAYS[self._delay_bits])

    def _delays(self, currents) -> np.ndarray:
        """Delays by their currents, second; refuses those of seconds."""
        total = np.sum(currents, axis=0)
        delay = self._neurons.chip.constants["Q_delay"] / total
        count = np.count_nonzero(delay > checks.LONGEST_DELAY)
        if count:
            names = " + ".join(modelled_parameters()[parameter] for parameter in self._delay_currents())
            of_some = f"{count} of {np.size(delay)} synapses have a delay of up to" if np.ndim(delay) else "a delay of"
            raise WiringError(
                f"{self._label}: {of_some} {np.max(delay):.3g} s ({names} = {np.min(total):.3g} A), longer than "
                f"{checks.LONGEST_DELAY:g} s; raise one of these currents, or set a delay bit"
            )
        return delay

    # -- making synapses -----------------------------------------------------------------------------

    def connect(self, *args, level=0, seed=None, cams=None, tags=None, **kwds):
        """Brian2's `Synapses.connect` in every form; then weights and delays are set.

        Parameters
        ----------
        *args, **kwds
            As in `Synapses.connect`.
        seed : int, optional
            With ``p`` as the only argument: the pairs are drawn in NumPy from this seed, the same on every target.
            Without it they differ from run to run, but for Brian2's own `seed` in runtime mode.
        cams, tags : array_like of int, optional
            With index arrays ``i`` and ``j``: CAM word of each synapse, to be kept by a mapping; and, if it shall
            not choose them, their tags. Synapses that share a CAM word (from sources that share a tag) have the same.

        Raises
        ------
        WeightError
            If there is one mask a synapse and their number does not match, or cannot be known.
        WiringError
            On a chip with mismatch in standalone mode, if the synapses cannot be known before the run; or for a seed
            that has nothing to draw.
        """
        standalone = not isinstance(get_device(), RuntimeDevice)
        places = self._checked_places(cams, tags, kwds)
        pairs_asked = [kwds.get(name, 1) for name in ("p", "n")]
        once_each = all(isinstance(one, (int, float)) and one == 1 for one in pairs_asked)
        complete = args == (True,) or (not args and set(kwds) <= {"p", "n"} and once_each)
        by_probability = not args and set(kwds) <= {"p"} and not isinstance(kwds.get("p", 1), str)
        if seed is not None and not (by_probability and kwds):
            raise WiringError(f"{self.name}: a seed goes with p alone, connect(p=0.1, seed=1)")
        if by_probability and (seed is not None or (standalone and self._individual(synapse_parameters()))):
            i, j = random_pairs(len(self.source), len(self.target), kwds.get("p", 1), seed)
            args, kwds = (), ({"i": i, "j": j} if len(i) else {"p": 0})
        self._all_to_all = bool(complete and not self._connect_called)
        super().connect(*args, level=level + 1, **kwds)
        self._take_cams(places)
        for name in ("Q_extender", "C_std"):
            if name in self.variables:
                assign(self, name, self._neurons.chip.constants[name])
        if "t_repeat" in self.variables:
            chip = self.source_neurons.chip
            assign(self, "t_repeat", chip.constants["t_repeated"] / (chip.events_per_spike - 1))
        self._assign(synapse_parameters())

    def connect_fixed_indegree(self, indegree, repeat=1, seed=None, autapses=True):
        """Connect every target neuron to the same number of distinct random sources.

        Parameters
        ----------
        indegree : int
            Distinct sources of each target.
        repeat : int
            Identical synapses from each of them.
        seed : int, optional
            The same seed draws the same sources on every machine and target.
        autapses : bool
            Whether neuron k of the source may be drawn for neuron k of the target, as in Brian2's
            own `connect`; matters where a population connects to itself.

        Raises
        ------
        WiringError
            If there are not enough sources.
        """
        try:
            i, j = fixed_indegree(len(self.source), len(self.target), indegree, repeat, seed, autapses)
        except WiringError as error:
            raise WiringError(f"{self.name}: {error}") from None
        self.connect(i=i, j=j)

    def biases_changed(self, names) -> None:
        """Take changed biases over; called by `Neurons`."""
        parameters = {bias(name).parameter for name in names}
        if not self._connect_called:
            if parameters & set(_DELAY_PARAMETERS) and not self._individual(_DELAY_PARAMETERS):
                self.pre.variables["delay"].set_value(self.delay_time())
            return
        # a wrong number of masks is told when they are given, and at a run
        self._assign(parameters, checked=False)

    @property
    def circuits(self) -> list[str]:
        """Names of the equation files that the synapses run."""
        # Pulses of one synapse can meet only if steps are shorter; else nothing is paid for it.
        return self._pages(merged=float(self.source.clock.dt_) < self.longest_pulse())

    def _pages(self, merged: bool) -> list[str]:
        return circuits.synapse_pages(self._std, merged, self._repeated)

    def move(self, cams: np.ndarray) -> None:
        """Put the synapses into other CAM words, as a mapping does; they get the mismatch of those."""
        super().move(cams)
        if self._individual(synapse_parameters()):
            self._assign(synapse_parameters())

    def _assign(self, parameters, checked=True) -> None:
        """Set what follows from parameters of the synapses."""
        parameters = set(parameters)
        for name in ("I_extender", "I_std_drop", "I_std_recovery"):
            if name in parameters and name in self.variables:
                assign(self, name, self.currents_of_codes(name))
        if parameters & set(_WEIGHT_PARAMETERS):
            self._assign_weights(checked)
        if parameters & set(_DELAY_PARAMETERS):
            self._assign_delays()  # last: it may refuse

    def _assign_delays(self) -> None:
        self._delays_assigned = False
        self._set_delays()
        self._delays_assigned = True

    def _set_delays(self) -> None:
        delays = self.delays_of_codes()
        if np.ndim(delays) == 0:
            self.pre.variables["delay"].set_value(delays * second)  # one delay for all
        elif len(delays):
            assign(self.pre, "delay", delays)

    def delays_of_codes(self) -> float | np.ndarray:
        """Delays by the codes and bits, second: one for all, or one a synapse on a chip with mismatch."""
        if not self._individual(_DELAY_PARAMETERS):
            return float(self.delay_time())
        currents = [np.broadcast_to(self.currents_of_codes(name), self._posts.shape) for name in self._delay_currents()]
        return self._delays(currents) if len(self._posts) else np.empty(0)

    def _check_number_of_masks(self) -> None:
        if self._one_weight:
            return
        try:
            count = len(self)
        except NotImplementedError:
            raise WeightError(
                f"{self.name}: one mask a synapse needs connect(i=..., j=...) with index arrays in standalone "
                "mode, where Brian2 counts other synapses only when the program runs"
            ) from None
        if count != len(self._mask):
            raise WeightError(
                f"{self.name}: there are {len(self._mask)} masks for {count} synapses; "
                f"set the weight of {self.name} to {count} masks, or to one for all"
            )

    def _assign_weights(self, checked=True) -> None:
        if checked:
            self._check_number_of_masks()
        elif not self._one_weight and len(self) != len(self._mask):
            return
        assign(self, "I_weight", self.weights_of_codes())

    def weights_of_codes(self) -> float | np.ndarray:
        """Weight currents by the codes and masks, or the currents asked for, amp; with mismatch, one a synapse."""
        if isinstance(self._mask, Quantity):  # one transistor of its kind for the current that is wanted
            return np.asarray(self._mask) * self._factors("I_w0")
        bit_currents = [self.currents_of_codes(parameter) for parameter in _WEIGHT_PARAMETERS]
        return selected_current(self._mask, np.stack(np.broadcast_arrays(*bit_currents), axis=-1))

    # -- Brian2 --------------------------------------------------------------------------------------

    def before_run(self, run_namespace):
        """Check that there are synapses, and the pulse against its dendrite (called by Brian2)."""
        if not self._connect_called:
            raise WiringError(f"{self.name} has no synapses; call connect() or connect_fixed_indegree() before the run")
        self._check_number_of_masks()
        if not self._delays_assigned:  # refused when the synapses were made
            self._assign_delays()
        checks.check_connection(self)
        self.pre.code = circuits.synapse(self._dendrite, self.circuits)[1]
        super().before_run(run_namespace)

    def _full_state(self):
        return super()._full_state() | {_STORED: self._mask}

    def _restore_from_full_state(self, state):
        """Go back to a stored state: masks, too (called by Brian2's `restore`)."""
        super()._restore_from_full_state({name: value for name, value in state.items() if name != _STORED})
        self._mask = state[_STORED]

    def __repr__(self) -> str:
        mask = self.weight if self._one_weight else "one for each synapse"
        return (
            f"<Connection '{self.name}': {self.source.name} to {self.target.name}, {self._dendrite}, "
            f"weight {mask}, delay {self._delay_bits}{', depressing' if self._std else ''}>"
        )
