"""What other codes, or another chip, would make of a network, in numbers: the network itself stays as it is."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Mapping
from functools import cache, partial
from types import SimpleNamespace

import numpy as np
from brian2.core.names import Nameable
from brian2.core.variables import ArrayVariable

from . import checks
from .arrays import variable_values
from .biases import Biases
from .chip import Chip
from .connection import Connection
from .diffusion import CONDUCTANCES
from .errors import DynapseError, WiringError, unknown_name
from .facts import modelled_parameters, synapse_parameters
from .neurons import Neurons
from .provenance_record import record_of

_SYNAPSE_CURRENTS = ("I_extender", "I_std_drop", "I_std_recovery")
_BEHIND = {"I_weight": "I_w", "delay": "I_delay"}  # how the names of the parameters behind them begin
_CHIP_CHOICES = ("swap_gaba_shunt", "conductance", "noise", "events_per_spike")
_ASSIGNMENT = re.compile(r"\b_ptr(_array_\w+)\[[^\]]*\]\s*=[^=]")  # in the C++ code of an expression that sets values


class _Noted:
    """A variable of which nothing is left but its value, if that is known before the run."""

    def __init__(self, values):
        self._values = values

    def get_value(self):
        if self._values is None:
            raise NotImplementedError  # as Brian2 says it
        return self._values


def twin(original, values: Mapping | None = None, **changes):
    """A copy of a group that Brian2 does not know of, to be asked and thrown away.

    Parameters
    ----------
    original : Neurons or Connection
        Stays as it is.
    values : mapping of str to float or numpy.ndarray
        What its variables are to be.
    **changes
        Attributes that differ.

    Returns
    -------
    Neurons or Connection
        Answers what follows from its attributes; it is in no network and must not be run.
    """
    other = object.__new__(type(original))  # no __init__: nothing is registered with Brian2
    known = {name: _Noted(one if one is None else np.asarray(one)) for name, one in (values or {}).items()}
    vars(other).update(vars(original) | changes)
    vars(other)["variables"] = ChainMap(known, original.variables)
    vars(other)["_network"] = "none"  # Brian2 warns of objects that were in no network
    if isinstance(original, Neurons):
        # Where standalone mode cannot tell, the value is that of the bias, as it is for `Neurons` itself.
        vars(other)["parameter_values"] = lambda name: variable_values(other, name)
    return other


class Variants:
    """A network as it is now, and what other codes or another chip would make of its parameters.

    Parameters
    ----------
    network : brian2.Network
        Set up in C++ standalone mode, and not run yet.
    device : brian2 device
        C++ standalone, which knows what was assigned to what.

    Notes
    -----
    Later changes of the network, its biases included, do not reach this object.
    """

    def __init__(self, network, device):
        objects = network.sorted_objects
        created = {}  # names of groups in the order of creation, by which chips give out their neurons
        for variable in device.arrays:
            created.setdefault(_owner(variable), len(created))
        groups = [one for one in objects if isinstance(one, Neurons)]
        self._assigned = _last_assigned(device)
        self._arrays = {(_owner(variable), variable.name): name for variable, name in device.arrays.items()}
        self._cores = {one.name: id(one.biases) for one in groups}
        self._neurons = {
            one.name: _frozen(one, _biases=one.biases.copy())
            for one in sorted(groups, key=lambda one: created[one.name])
        }
        self._moved = {
            one.name: one.placed_by_hand
            or not np.array_equal(one.physical, one.chip.neurons_for(one.name, len(one.physical)))
            for one in groups
        }
        connections = [one for one in objects if isinstance(one, Connection)]
        # versions of Brian2 differ in whose the delay is
        self._arrays |= {(one.name, "delay"): device.arrays[one.pre.variables["delay"]] for one in connections}
        self._pairs_unknown = {}
        cams = self._cams(connections, device)
        self._connections = {
            one.name: _frozen(one, _neurons=self._neurons[one.neurons.name], **cams.get(one.name, {}))
            for one in connections
        }
        for one in self._connections.values():  # draws of the same chip again and again
            vars(one)["_factors"] = cache(partial(type(one)._factors, one))
        self._steps = {one.name: float(one.source.clock.dt_) for one in connections}
        self._circuits = [circuit for one in (*groups, *connections) for circuit in one.circuits]
        self._merged = {name: self._merges(name, one) for name, one in self._connections.items()}

    @property
    def populations(self) -> list[str]:
        """Names of the `Neurons` of the network, in the order of their creation."""
        return list(self._neurons)

    def _cams(self, connections, device) -> dict[str, dict]:
        """Targets and CAM words of the synapses, as they would be on a chip with mismatch, by connection.

        Without mismatch nobody asked for the words; they follow from the order in which synapses were made.
        """
        places, made = {}, {}
        for one in connections:
            if len(one.cams):
                continue
            try:
                posts = one.synapse_pairs()[1] if not one.shares_tags else self._all_targets(one)
            except DynapseError as error:
                self._pairs_unknown[one.name] = str(error)
            else:
                places[one.name] = {"_posts": posts, "_cams": np.empty(0, dtype=int)}
        codes = [args[0] for what, args in device.main_queue if what == "run_code_object"]
        for code in [one for one in codes if one.template_name.startswith("synapses_create_")]:
            connection = next((one for one in connections if one.name == code.owner.name), None)
            if connection is None or connection.name not in places:
                continue
            group = connection.neurons.name
            made.setdefault(group, twin(self._neurons[group], _synapses_made=np.zeros(self._neurons[group]._N, int)))
            place = places[connection.name]
            start = len(place["_cams"])
            by_arrays = code.template_name == "synapses_create_array"
            targets = place["_posts"][start : start + code.variables["sources"].size if by_arrays else None]
            place["_cams"] = np.concatenate([place["_cams"], made[group].take_cams(targets)])
        return places

    @staticmethod
    def _all_targets(connection) -> np.ndarray:
        """Targets of synapses from all sources to all targets, in Brian2's order."""
        first = connection.target.start
        return np.tile(np.arange(first, first + len(connection.target)), len(connection.source))

    def _merges(self, name: str, connection) -> bool:
        """Whether pulses of one synapse can meet, which takes other code."""
        return self._steps[name] < connection.longest_pulse()

    def _by_hand(self, owner: str, name: str, values) -> bool:
        """Whether a variable was set to something else than its biases say."""
        last = self._assigned.get(self._arrays[owner, name])
        return last is not None and (isinstance(last, str) or not np.all(np.asarray(last) == np.asarray(values)))

    # -- variants ------------------------------------------------------------------------------------

    def parameters(self, codes: Mapping | None = None, chip: Chip | None = None) -> dict[str, float | np.ndarray]:
        """Parameters that differ from those of the network, for other codes or on another chip.

        Parameters
        ----------
        codes : mapping of str to mapping or Biases
            Population to what changes there; see `Program.run`.
        chip : Chip
            The individual that all populations are on.

        Returns
        -------
        dict of str to float or numpy.ndarray
            ``"group.variable"`` to SI values: one for all, or one a neuron or synapse. Delays: ``"connection.delay"``.

        Raises
        ------
        UnknownNameError
            For an unknown population or bias.
        DynapseError
            What `Neurons` and `Connection` refuse, for example too long pulses; and what another compiled program
            would be needed for.
        """
        biases = self._changed_biases({} if codes is None else codes)
        if chip is not None:
            self._check_chip(chip)
        if not biases and chip is None:
            return {}
        parameters, neurons = {}, {}
        for name, group in self._neurons.items():
            neurons[name] = self._variant(group, biases.get(name), chip, parameters)
            checks.check_neurons(neurons[name])
        for connection in self._connections.values():
            self._variant_of_connection(connection, neurons[connection.neurons.name], chip, parameters)
        return parameters

    def provenance(self, codes: Mapping | None = None, chip: Chip | None = None, seed: int | None = None) -> dict:
        """Provenance of a run with other codes, another chip, a seed; arguments as `Program.run` has checked them."""
        biases = self._changed_biases({} if codes is None else codes)
        populations = {name: biases.get(name, group.biases) for name, group in self._neurons.items()}
        chips = [group.chip for group in self._neurons.values()] if chip is None else [chip]
        return record_of(chips, seed, self._circuits, populations)

    def _changed_biases(self, codes: Mapping) -> dict[str, Biases]:
        """New biases by population. Populations that share a `Biases` are on a core, and change together."""
        if not isinstance(codes, Mapping):
            raise DynapseError(
                f'codes is {type(codes).__name__}; give a mapping such as {{"pyr": {{"SOIF_LEAK_N": (2, 9)}}}}'
            )
        changed, asked = {}, {}
        for name, changes in codes.items():
            if name not in self._neurons:
                raise unknown_name("population of this network", name, self._neurons)
            if isinstance(changes, Biases):
                changed[name] = changes.copy()
                continue
            if not isinstance(changes, Mapping):
                raise DynapseError(f"codes of {name} are {changes!r}; give a mapping of biases to codes, or a Biases")
            for bias, code in changes.items():
                code = self._neurons[name].biases.code_of(bias, code)
                before = asked.setdefault(self._cores[name], {}).setdefault(bias, (name, code))
                if before[1] != code:
                    raise DynapseError(
                        f"{bias} of {name} is to be {tuple(code)} and that of {before[0]} {tuple(before[1])}, but both "
                        "share one Biases, as populations of one core do; give one code, or give each its own Biases "
                        "(biases.copy()) when the network is made"
                    )
        for name, group in self._neurons.items():
            if name not in changed and self._cores[name] in asked:
                changed[name] = group.biases.copy()
                changed[name].update({bias: code for bias, (_, code) in asked[self._cores[name]].items()})
        return changed

    def _check_chip(self, chip: Chip) -> None:
        """Refuse a chip that needs another program: shared constants are compiled in."""
        if not isinstance(chip, Chip):
            raise DynapseError(f"chip is {type(chip).__name__}; give a brian2dynapse.Chip")
        for name, group in self._neurons.items():
            pairs = {what: (getattr(chip, what), getattr(group.chip, what)) for what in _CHIP_CHOICES}
            pairs |= {what: (value, group.chip.constants[what]) for what, value in chip.constants.items()}
            for what, (got, compiled) in pairs.items():
                if got != compiled:
                    raise DynapseError(
                        f"{what} of the chip is {got}, and {compiled} in the program ({name}); other chips may differ "
                        "in seed and mismatch only: make another Program for this one"
                    )

    def _variant(self, group, biases: Biases | None, chip: Chip | None, parameters: dict):
        """Another version of a population; notes its parameters that differ."""
        changes = {} if biases is None else {"_biases": biases}
        if chip is not None:
            moved = self._moved[group.name]
            changes |= {"_chip": chip, "_physical": group.physical if moved else chip.neurons_for(group.name, group._N)}
        other = twin(group, **changes)
        values = {}
        for name in group.equation_parameters():
            by_codes = other.bias_current(name) != group.bias_current(name)
            if by_codes or (chip is not None and not self._by_hand(group.name, name, group.bias_values(name))):
                values[name] = other.bias_values(name)
        for name in CONDUCTANCES:
            if name in values and not np.array_equal(values[name], group.bias_values(name)):
                raise DynapseError(
                    f"{group.name}: {modelled_parameters()[name]} makes another diffusion grid, which is compiled into "
                    "the program; make another Program for it"
                )
        parameters |= {f"{group.name}.{name}": _short(one) for name, one in values.items()}
        return twin(other, values)

    def _variant_of_connection(self, connection, neurons, chip: Chip | None, parameters: dict) -> None:
        """Note what differs in another version of a connection."""
        name = connection.name
        other = twin(connection, _neurons=neurons)
        if chip is not None:
            del vars(other)["_factors"]
        # what was set by hand stays so on another chip, and follows the codes when they change
        changed = [
            one for one in synapse_parameters() if neurons.bias_current(one) != connection.neurons.bias_current(one)
        ]
        if chip is None and not changed:
            checks.check_connection(other)  # its dendrite may have changed
            return
        individual = any(neurons.chip.mismatch_cv(bias) > 0 for bias in synapse_parameters().values())
        if individual and name in self._pairs_unknown:
            raise WiringError(self._pairs_unknown[name])
        before, values = _of_codes(connection), _of_codes(other)
        for what, was in before.items():
            by_codes = any(one.startswith(_BEHIND.get(what, what)) for one in changed)
            if np.array_equal(was, values[what]) or (not by_codes and self._by_hand(name, what, was)):
                del values[what]
        other = twin(other, {what: one for what, one in values.items() if what != "delay"})
        checks.check_connection(other)
        if self._merges(name, other) and not self._merged[name]:
            raise DynapseError(
                f"{name}: pulses of {other.longest_pulse():.3g} s are longer than the time step of "
                f"{self._steps[name]:g} s and can merge, which the program was not compiled for; make the Program with "
                "the longest pulses, it does shorter ones as well"
            )
        parameters |= {f"{name}.{what}": _short(one) for what, one in values.items()}


def _of_codes(connection) -> dict[str, float | np.ndarray]:
    """What the codes make of the parameters of a connection, SI units."""
    values = {name: connection.currents_of_codes(name) for name in _SYNAPSE_CURRENTS if name in connection.variables}
    return values | {"I_weight": connection.weights_of_codes(), "delay": connection.delays_of_codes()}


def _frozen(group, **changes):
    """A group as it is now, which no later change of the network reaches: not by biases, values, nor the device."""
    values = {}
    for name, variable in group.variables.items():
        values[name] = variable_values(group, name) if isinstance(variable, ArrayVariable) else None
    noted = {name: one if one is None else np.array(one) for name, one in values.items()}
    frozen = twin(group, noted, _clock=SimpleNamespace(dt_=float(group.clock.dt_)), **changes)
    vars(frozen)["variables"] = frozen.variables.maps[0]
    # Brian2's own objects would stay alive, and with them their names: a network that is made again would get others,
    # and be compiled again.
    for name, value in list(vars(frozen).items()):
        parts = value if isinstance(value, (list, tuple)) else value.values() if isinstance(value, dict) else [value]
        if name not in {"variables", *changes} and any(isinstance(one, Nameable) for one in parts):
            del vars(frozen)[name]
    return frozen


def _owner(variable) -> str:
    """Name of the group that a variable belongs to; "" if it is gone."""
    try:
        return variable.owner.name
    except (AttributeError, ReferenceError):
        return ""


def _last_assigned(device) -> dict[str, object]:
    """What was assigned last to each array of a program: values, or a text if only the program knows."""
    single = {name for variable, name in device.arrays.items() if variable.scalar or variable.size == 1}
    last = {}
    for what, args in device.main_queue:
        name = args[0].removeprefix("_dynamic") if what.startswith("set_") else None
        if what == "set_by_constant":
            last[name] = args[1]
        elif what == "set_by_array":
            last[name] = device.static_arrays[args[1]]
        elif what == "set_by_single_value":
            last[name] = float(args[2]) if name in single else f"[{args[1]}] = {args[2]}"
        elif what == "set_array_by_array":
            last[name] = f"{args[2]} at {args[1]}"
        elif what == "run_code_object" and args[0].template_name.startswith("group_variable_set"):
            last |= dict.fromkeys(_ASSIGNMENT.findall(args[0].code.cpp_file), args[0].name)
    return last


def _short(values) -> float | np.ndarray:
    """One number where all are the same."""
    values = np.asarray(values, dtype=float)
    return float(values.flat[0]) if values.size and np.all(values == values.flat[0]) else values
