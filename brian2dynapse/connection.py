"""`Connection`: a Brian2 `Synapses` object with the chip's synapse circuit."""

from __future__ import annotations

import numpy as np
from brian2.core.spikesource import SpikeSource
from brian2.groups.subgroup import Subgroup
from brian2.synapses.synapses import Synapses
from brian2.units import Quantity, second

from . import checks, circuits
from .errors import DynapseError, WeightError, WiringError, unknown_name
from .facts import bias, modelled_parameters
from .neurons import Neurons
from .weights import mask_string, selected_current, weight_mask
from .wiring import fixed_indegree

# delay: the delay currents beside the base current, by the bits that are set
DELAYS = {
    "none": (),
    "precise": ("I_delay1",),
    "mismatched": ("I_delay2",),
    "both": ("I_delay1", "I_delay2"),
}
_WEIGHT_PARAMETERS = ("I_w0", "I_w1", "I_w2", "I_w3")


class Connection(Synapses):
    """Synapses of one kind from a source of spikes to neurons of the chip.

    Parameters
    ----------
    source : SpikeSource
        `Neurons`, `PoissonGroup`, `SpikeGeneratorGroup`, or a subgroup of one.
    target : Neurons or Subgroup of Neurons
        Where the synapses are; their biases are those of the target's core.
    dendrite : str
        ``"ampa"``, ``"nmda"``, ``"gaba"`` or ``"shunt"``.
    weight : str, int, sequence of bool, or array_like
        Mask of the four weight bits, see `weights.weight_mask`; an array gives one mask a synapse.
    delay : str
        ``"none"`` (no bit: the base delay), ``"precise"``, ``"mismatched"`` or ``"both"``.
    std : bool
        Short-term depression (the stp bit). Not modelled in this version: only False is accepted.
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
    An event at time t acts at t + dt + delay. Several connections to one dendrite add their charges. The fan-in
    of the chip (64 synapses a neuron) is not enforced here: a model may be larger than the chip.
    """

    def __init__(self, source, target, dendrite, weight="0001", delay="none", std=False, name=None, **kwds):
        if not isinstance(source, SpikeSource) or "_spikespace" not in source.variables:
            raise WiringError(
                f"the source of a connection is {type(source).__name__}"
                f" '{getattr(source, 'name', source)}', which makes no spikes; use Neurons, a PoissonGroup or a"
                " SpikeGeneratorGroup"
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
        if std:
            raise DynapseError("short-term depression is not modelled in this version; use std=False")
        self._dendrite = dendrite
        self._delay_bits = delay
        self._mask = weight_mask(weight)
        self._neurons = neurons
        equations, on_pre = circuits.synapse(dendrite)
        super().__init__(
            source,
            target,
            model=equations,
            on_pre=on_pre,
            delay=self.delay_time(),
            name=name or f"{source.name}_{target.name}_{dendrite}*",
            **kwds,
        )
        neurons.receive(self)

    # -- what the connection is made of --------------------------------------------------------------

    @property
    def neurons(self) -> Neurons:
        """The group that the synapses are on (the whole one, if the target is a subgroup)."""
        return self._neurons

    @property
    def dendrite(self) -> str:
        """Dendrite that the synapses act on."""
        return self._dendrite

    @property
    def delay_bits(self) -> str:
        """``"none"``, ``"precise"``, ``"mismatched"`` or ``"both"``."""
        return self._delay_bits

    @property
    def weight(self) -> str | np.ndarray:
        """Weight mask: a string if it is the same for all synapses, else integers, one a synapse (a copy)."""
        return mask_string(self._mask) if isinstance(self._mask, int) else self._mask.copy()

    @weight.setter
    def weight(self, value) -> None:
        mask = weight_mask(value)
        previous, self._mask = self._mask, mask
        if self._connect_called:
            try:
                self._assign_weights()
            except WeightError:
                self._mask = previous
                raise

    def pulse_width(self) -> Quantity:
        """Width of the pulse that an event makes, in second: Q_extender / I(SYPD_EXT_N)."""
        width = self._neurons.chip.constants["Q_extender"] / self._neurons.bias_current("I_extender")
        return width * second

    def delay_time(self) -> Quantity:
        """Delay by the bits that are set, in second: Q_delay / (sum of the delay currents).

        The base current SYPD_DLY0_P always flows; a bit adds its current and so shortens the delay. All
        synapses of a connection have the same delay in this version.

        Raises
        ------
        WiringError
            If the delay is longer than a second, which only codes near (0,0) make.
        """
        currents = ("I_delay0", *DELAYS[self._delay_bits])
        total = sum(self._neurons.bias_current(parameter) for parameter in currents)
        delay = self._neurons.chip.constants["Q_delay"] / total
        if delay > checks.LONGEST_DELAY:
            names = " + ".join(modelled_parameters()[parameter] for parameter in currents)
            raise WiringError(
                f"a delay of {delay:.3g} s ({names} = {total:.3g} A) is longer than {checks.LONGEST_DELAY:g} s; "
                "raise one of these currents, or set a delay bit"
            )
        return delay * second

    # -- making synapses -----------------------------------------------------------------------------

    def connect(self, *args, level=0, **kwds):
        """Brian2's `Synapses.connect` in every form; then the weights are set.

        Raises
        ------
        WeightError
            If there is one mask a synapse and their number does not match, or cannot be known.
        """
        super().connect(*args, level=level + 1, **kwds)
        self._set("Q_extender", self._neurons.chip.constants["Q_extender"])
        self._set("I_extender", self._neurons.bias_current("I_extender"))
        self._assign_weights()

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
        if "I_extender" in parameters and self._connect_called:
            self._set("I_extender", self._neurons.bias_current("I_extender"))
        if parameters & {"I_delay0", "I_delay1", "I_delay2"}:
            self.pre.variables["delay"].set_value(self.delay_time())  # one delay for all; also before connect
        if parameters & set(_WEIGHT_PARAMETERS) and self._connect_called:
            self._assign_weights(checked=False)  # a wrong number of masks is told when they are given, and at a run

    def _check_number_of_masks(self) -> None:
        if isinstance(self._mask, int):
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
        elif not isinstance(self._mask, int) and len(self) != len(self._mask):
            return
        bit_currents = [self._neurons.bias_current(parameter) for parameter in _WEIGHT_PARAMETERS]
        self._set("I_weight", selected_current(self._mask, bit_currents))

    def _set(self, name: str, value) -> None:
        self.variables[name].get_addressable_value(name, self).set_item(slice(None), value)

    # -- Brian2 --------------------------------------------------------------------------------------

    def before_run(self, run_namespace):
        """Check that there are synapses, and the pulse against its dendrite (called by Brian2)."""
        if not self._connect_called:
            raise WiringError(f"{self.name} has no synapses; call connect() or connect_fixed_indegree() before the run")
        self._check_number_of_masks()
        checks.check_connection(self)
        super().before_run(run_namespace)

    def __repr__(self) -> str:
        mask = self.weight if isinstance(self._mask, int) else "one mask a synapse"
        return (
            f"<Connection '{self.name}': {self.source.name} to {self.target.name}, {self._dendrite}, "
            f"weight {mask}, delay {self._delay_bits}>"
        )
