"""Groups that hold copies of a population or connection side by side, each copy with values of its own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd
from brian2.core.variables import ArrayVariable
from brian2.units import Quantity, amp, second

from . import dac
from .arrays import assign, variable_values
from .biases import Biases, Code
from .chip import Chip
from .connection import Connection
from .errors import DynapseError, WiringError
from .facts import modelled_parameters, synapse_parameters
from .neurons import Neurons
from .provenance_record import hash_of_all

_WEIGHTS = ("I_w0", "I_w1", "I_w2", "I_w3")
_DELAYS = ("I_delay0", "I_delay1", "I_delay2")
# What is set of a synapse, and the parameters that it follows from.
_OF_A_SYNAPSE = {
    "I_weight": _WEIGHTS,
    "I_extender": ("I_extender",),
    "I_std_drop": ("I_std_drop",),
    "I_std_recovery": ("I_std_recovery",),
    "delay": _DELAYS,
}


@dataclass(frozen=True)
class Copy:
    """What one copy has of its own, checked.

    Attributes
    ----------
    codes : dict
        Population to bias to `Code`: what differs from the network.
    chip : Chip or None
        None is the chip of the network.
    """

    codes: dict[str, dict[str, Code]]
    chip: Chip | None = None


class _ChangedBiases:
    """Biases with some other codes; knows what `Neurons.bias_current` asks."""

    def __init__(self, biases: Biases, codes: dict[str, Code]):
        self._biases, self._codes = biases, codes

    def current_in_amp(self, name: str) -> float:
        code = self._codes.get(name)
        if code is None:
            return self._biases.current_in_amp(name)
        return dac.current(name, code.coarse, code.fine, self._biases.table)


@contextmanager
def _made_with(group: Neurons, copy: Copy):
    """Let a group, and connections onto it, tell the values that they would have with codes and chip of a copy.

    So every value comes from the very code that a network of its own would run; nothing is assigned meanwhile.
    """
    own = group._biases, group._chip
    group._biases, group._chip = _ChangedBiases(own[0], copy.codes[group.name]), copy.chip or own[1]
    try:
        yield
    finally:
        group._biases, group._chip = own


class _BiasesOfCopies(Biases):
    """The codes of the network that was replicated; shows those of the copies, too."""

    def __init__(self, biases: Biases, codes: Sequence[dict[str, Code]]):
        super().__init__(biases, table=biases.table)
        self._of_copies = codes

    @property
    def sha256(self) -> str:
        """Of the codes of all copies, whatever their order."""
        distinct = {tuple(sorted(codes.items())) for codes in self._of_copies}
        return hash_of_all({self.sha256_with(dict(codes)) for codes in distinct})

    def shown(self, name: str) -> str:
        codes = [copy.get(name, self[name]) for copy in self._of_copies]
        if len(set(codes)) == 1:
            return f"({codes[0].coarse},{codes[0].fine})"
        currents = [dac.current(name, code.coarse, code.fine, self.table) for code in codes]
        ends = (int(np.argmin(currents)), int(np.argmax(currents)))
        return " to ".join(f"({codes[k].coarse},{codes[k].fine}) in copy {k}" for k in ends)


class ReplicatedNeurons(Neurons):
    """Copies of a population, one after another: copy r of N neurons is r*N to (r + 1)*N - 1.

    Parameters
    ----------
    group : Neurons
        What is copied, with its parameters and state; on the same physical neurons.
    copies : sequence of Copy
        What differs.
    name : str
        Of this group.

    Raises
    ------
    DynapseError
        In standalone mode, for a variable that Brian2 cannot tell before the run.
    """

    def __init__(self, group: Neurons, copies: Sequence[Copy], name: str):
        number = len(copies)
        super().__init__(
            len(group) * number,
            _BiasesOfCopies(group.biases, [copy.codes[group.name] for copy in copies]),
            group.latches,
            group.chip,
            group.dendrites,
            np.tile(group.physical, number),
            name,
            clock=group.clock,
            order=group.order,
            dtype=group.variables["Imem"].dtype,
            method_options=group.state_updater.method_options,
        )
        self._codes_of_network = {bias: self.biases[bias] for bias in self.biases}
        for parameter, values in _parameters(group, copies).items():
            assign(self, parameter, values)
        _copy_state(group, self, number, {*group.equation_parameters()})

    def biases_changed(self, names) -> None:
        """Refuse: copies have codes of their own (called by `Biases`)."""
        if self._restoring:
            return
        changed = [name for name in names if self._biases[name] != self._codes_of_network[name]]
        if changed:
            raise DynapseError(
                f"{changed[0]}: the copies in {self.name} have codes of their own, which one code for all would "
                "overwrite; say it in the settings, and replicate again"
            )

    def move(self, physical) -> None:
        """Refuse: copies are on the physical neurons of their network."""
        raise DynapseError(f"{self.name}: copies are on the same physical neurons; map the network, not its replicas")


class ReplicatedConnection(Connection):
    """Copies of a connection, one after another, between replicated groups.

    Parameters
    ----------
    connection : Connection
        What is copied.
    copies : sequence of Copy
        What differs.
    source : SpikeSource
        Copies of the source.
    neurons : ReplicatedNeurons
        Copies of the target.
    alone : bool
        Whether no other connection reaches the target: then its CAM words are known on an ideal chip, too.
    name : str
        Of this connection.

    Raises
    ------
    WiringError
        For synapses or CAM words that nobody knows, or a delay of seconds; names the copy.
    """

    def __init__(self, connection: Connection, copies: Sequence[Copy], source, neurons, alone: bool, name: str):
        number = len(copies)
        pre, post = connection.synapse_pairs()
        self._synapses_of_one, self._cams_of_one = len(post), _cams(connection, copies, post, alone)
        self._values = _synapse_values(connection, copies, post, self._cams_of_one)
        weight = connection.weight
        if isinstance(weight, Quantity) and weight.ndim:
            weight = np.tile(np.asarray(weight), number) * amp
        elif isinstance(weight, np.ndarray) and weight.ndim:
            weight = np.tile(weight, number)
        super().__init__(
            source,
            neurons,
            connection.dendrite,
            weight,
            connection.delay_bits,
            connection.std,
            name,
            clock=connection.clock,
            order=connection.order,
        )
        for what in ("when", "order"):
            setattr(self.pre, what, getattr(connection.pre, what))
        if len(pre):
            shifts = np.arange(number)[:, None]
            sizes = len(source) // number, len(neurons) // number
            i, j = ((shifts * size + one).ravel() for size, one in zip(sizes, (pre, post), strict=True))
            self.connect(i=i, j=j)
        else:
            self.connect(p=0)
        _copy_state(connection, self, number, {*_OF_A_SYNAPSE})

    def pulse_widths(self) -> np.ndarray:
        """Widths of the pulses, second, one for all or one a synapse."""
        currents = variable_values(self, "I_extender")
        return np.asarray(self._pulse_widths(self._values["I_extender"] if currents is None else currents))

    def _individual(self, parameters) -> bool:
        if tuple(parameters) == _DELAYS:
            return np.ndim(self._values["delay"]) > 0
        return super()._individual(parameters)

    def _take_cams(self, places) -> None:
        if self._synapses_of_one:
            self._posts = self.synapse_pairs()[1]
            self._cams = np.tile(self._cams_of_one, len(self._posts) // self._synapses_of_one)

    def _assign(self, parameters, checked=True) -> None:
        for quantity, values in self._values.items():
            if quantity != "delay":
                assign(self, quantity, values)
        self._assign_delays()

    def _set_delays(self) -> None:
        delays = self._values["delay"]
        if np.ndim(delays) == 0:
            self.pre.variables["delay"].set_value(delays * second)
        elif len(delays):
            assign(self.pre, "delay", delays)


def _parameters(group: Neurons, copies: Sequence[Copy]) -> dict[str, float | np.ndarray]:
    """Parameters of all copies, amp. One that was set by hand keeps its value where its bias keeps its code."""
    bias_of, rows, by_hand = modelled_parameters(), {}, set()
    for parameter in group.equation_parameters():
        own, of_codes = _of_network(group, parameter), group.bias_values(parameter)
        if np.any(own != of_codes):
            by_hand.add(parameter)
        rows[parameter] = np.tile(own, (len(copies), 1))
    for number, copy in enumerate(copies):
        codes = copy.codes[group.name]
        changed = [name for name in rows if bias_of[name] in codes or (copy.chip and name not in by_hand)]
        if changed:
            with _made_with(group, copy):
                for parameter in changed:
                    rows[parameter][number] = group.bias_values(parameter)
    return {parameter: _one_or_all(values.ravel()) for parameter, values in rows.items()}


def _synapse_values(connection: Connection, copies, posts, cams) -> dict[str, float | np.ndarray]:
    """Currents (amp) and delays (second) of all synapses of all copies; those set by hand as in `_parameters`."""
    neurons, bias_of = connection.neurons, modelled_parameters()
    quantities = [name for name in _OF_A_SYNAPSE if name == "delay" or name in connection.variables]
    own, by_hand = {}, set()
    for quantity in quantities:
        owner = connection.pre if quantity == "delay" else connection
        of_codes, values = _of_codes(connection, quantity), variable_values(owner, quantity)
        if values is None:  # standalone mode
            values = of_codes
        elif np.any(values != of_codes):
            by_hand.add(quantity)
        own[quantity] = _one_or_all(np.asarray(values))
    rows = {quantity: [own[quantity]] * len(copies) for quantity in quantities}
    places = connection._posts, connection._cams
    try:
        if len(cams):
            connection._posts, connection._cams = posts, cams
        for number, copy in enumerate(copies):
            codes = copy.codes[neurons.name]
            with _made_with(neurons, copy):
                for quantity in quantities:
                    recoded = any(bias_of[parameter] in codes for parameter in _OF_A_SYNAPSE[quantity])
                    if recoded or (copy.chip and quantity not in by_hand):
                        rows[quantity][number] = _of_codes(connection, quantity)
    except WiringError as error:
        raise WiringError(f"copy {number}: {error}") from None
    finally:
        connection._posts, connection._cams = places
    return {quantity: _joined(values, len(posts)) for quantity, values in rows.items()}


def _of_codes(connection: Connection, quantity: str):
    if quantity == "I_weight":
        return connection.weights_of_codes()
    return connection.delays_of_codes() if quantity == "delay" else connection.currents_of_codes(quantity)


def _joined(rows: list, size: int) -> float | np.ndarray:
    """Values of copies, each one number or one a synapse, as one number if they are all the same."""
    if all(np.ndim(row) == 0 for row in rows) and len({float(row) for row in rows}) == 1:
        return float(rows[0])
    return np.concatenate([np.broadcast_to(row, size) for row in rows])


def _one_or_all(values: np.ndarray) -> float | np.ndarray:
    return float(values.flat[0]) if values.size and np.all(values == values.flat[0]) else values


def _of_network(owner, name: str) -> np.ndarray:
    values = variable_values(owner, name)
    if values is None:
        raise DynapseError(
            f"{owner.name}: {name} was set in a way that Brian2 resolves only when the program runs, so that nobody "
            "can copy it before; set it for the whole group to a number or an array"
        )
    return values


def _cams(connection: Connection, copies: Sequence[Copy], posts: np.ndarray, alone: bool) -> np.ndarray:
    """CAM words of the synapses; those that the connection would have on a chip with mismatch. Empty if none asks."""
    if len(connection.cams) or not len(posts):
        return connection.cams
    biases = synapse_parameters().values()
    asked = [k for k, copy in enumerate(copies) if copy.chip and any(copy.chip.mismatch_cv(one) > 0 for one in biases)]
    if not asked:
        return connection.cams
    if not alone:
        raise WiringError(
            f"copy {asked[0]}: its chip has mismatch, and which CAM words the synapses of {connection.name} are on is "
            f"not known: several connections reach {connection.neurons.name}, which was made on a chip without; make "
            "the network on one with mismatch, for example Chip(seed=0, mismatch=0.2)"
        )
    return pd.Series(posts).groupby(posts).cumcount().to_numpy()


def _copy_state(one, many, number: int, but: set[str]) -> None:
    """Give every copy what else was set of the network before its run: a start off rest, a homeostatic gain."""
    for name, variable in one.variables.items():
        if not isinstance(variable, ArrayVariable) or variable.read_only or variable.owner.name != one.name:
            continue
        if name in but or name.startswith(("_", "on_")):
            continue
        if isinstance(one, Connection) and variable_values(one, name) is None:
            continue  # standalone mode tells nothing of synapses
        values = _of_network(one, name)
        before = variable_values(many, name)
        wanted = values if variable.scalar else np.tile(values, number)
        if before is None or np.any(before != wanted):
            assign(many, name, _one_or_all(wanted))
