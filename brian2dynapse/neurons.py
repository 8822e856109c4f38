"""`Neurons`: a Brian2 `NeuronGroup` whose equations are the chip's circuits."""

from __future__ import annotations

import weakref
from collections.abc import Iterable

import numpy as np
from brian2.equations.equations import Equations
from brian2.groups.neurongroup import NeuronGroup

from . import checks, circuits, facts
from .arrays import assign, is_recorded, variable_values
from .biases import Biases
from .chip import Chip
from .diffusion import grid_objects
from .dpi import dpi_jump, dpi_jump_ago
from .errors import DynapseError
from .inline import INLINE_FUNCTIONS
from .numerics import circuit_step, declarations
from .standalone import circuit_code_object
from .steps import ChargeSteps, fold_constants

_FUNCTIONS = INLINE_FUNCTIONS | {"dpi_jump": dpi_jump, "dpi_jump_ago": dpi_jump_ago}
_STORED = "codes, places, synapses of each neuron"


class Neurons(NeuronGroup):
    """A population of neurons of the chip that share biases and latches.

    Parameters
    ----------
    N : int
        Number of neurons.
    biases : Biases
        Codes of the core. Read live: a change of `biases` between runs changes the parameters of this group.
    latches : set of str
        Latches that are on, for example ``{"so_dc", "so_adaptation"}``.
    chip : Chip, optional
        The individual that the neurons are on; the ideal chip with measured constants by default.
    dendrites : iterable of str
        Dendrites to integrate even if no `Connection` reaches them, for example because a `Synapses` of
        your own writes their current. A `Connection`, or a current that is set, switches its dendrite on
        by itself.
    physical : array_like of int, optional
        Physical neurons, one for each neuron of the group: numbers 1024*chip + 256*core + neuron, shape (N,), or
        rows (chip, core, neuron), shape (N, 3). They decide the mismatch and the place in the grid of the core. By
        default the next neurons of the chip in the order of creation, without regard to populations placed by hand.
    name : str
        Name of the group; give one, so that Brian2 finds its compiled code again.
    **kwds
        Passed to `NeuronGroup` (``dt``, ``clock``, ``order``, ...).

    Raises
    ------
    UnknownNameError
        For an unknown latch or dendrite.
    DynapseError
        For biases or a chip of another type, or physical neurons that do not fit.

    Notes
    -----
    State variables, in amp: `Imem`, `Iampa`, `Inmda`, `Igaba`, `Ishunt`, `Iahp`, `Ica`, all at the floor `I_0` at
    the start. `Vmem`, in volt, is what the oscilloscope shows. With an alpha function (latches deam_alpha,
    denm_alpha) `Iampa` or `Inmda` is the difference of its two DPIs, which are the states `Iampa_e` and `Iampa_i`.
    The currents of circuits that are off rest at `I_0`, are not integrated and act on nothing. Calcium is on with
    the latches coho_ca_mem or ho_enable, and when a monitor records `Ica`; to read it without one, set the latch.
    The parameters are currents named by role (`I_leak`, `I_tau_ampa`, ...), each the current of its bias times the
    mismatch of its neuron; time constants (`tau_mem`, `tau_ampa`) derive from them. A parameter that is set by hand
    keeps its value until its bias changes.

    What does not suit the circuits (see `checks`) is refused when a run is prepared; Brian2 then raises a
    `BrianObjectException` whose ``__cause__`` is the named error.
    """

    def __init__(
        self,
        N,
        biases,
        latches: Iterable[str] = (),
        chip: Chip | None = None,
        dendrites: Iterable[str] = (),
        physical=None,
        name: str = "neurons*",
        **kwds,
    ):
        if not isinstance(biases, Biases):
            raise DynapseError(f"biases is {type(biases).__name__}; give a brian2dynapse.Biases")
        if chip is not None and not isinstance(chip, Chip):
            raise DynapseError(f"chip is {type(chip).__name__}; give a brian2dynapse.Chip")
        for fixed in ("model", "method", "threshold", "reset", "refractory", "events"):
            if fixed in kwds:
                raise DynapseError(f"{fixed} of Neurons follows from its circuits; use a NeuronGroup for other models")
        if isinstance(N, bool) or not isinstance(N, (int, np.integer)) or N < 1:
            raise DynapseError(f"N is {N!r}; give the number of neurons, a positive integer")
        if isinstance(dendrites, str) or not isinstance(dendrites, Iterable):
            raise DynapseError(f"dendrites is {dendrites!r}; give a list of names, such as ['ampa']")
        self._latches = facts.check_latches(latches)
        self._dendrites = frozenset(circuits.check_dendrite(dendrite) for dendrite in dendrites)
        if "deam_ampa" in self._latches:
            self._dendrites |= {"ampa"}
        self._chip = chip or Chip()
        self._reading = circuits.Reading.of(self._chip)
        self._calcium = False
        self._restoring = False
        self._biases = biases
        self._connections = weakref.WeakSet()
        self._compositions = []
        declared = Equations(circuits.declare(self._latches, self._reading))
        model = self._model()
        kwds["namespace"] = _FUNCTIONS | (kwds.get("namespace") or {})
        kwds.setdefault("codeobj_class", circuit_code_object())
        super().__init__(
            N,
            model=declared + declarations(declared),
            method=circuit_step,
            threshold=model.threshold,
            reset=model.reset,
            name=name,
            **kwds,
        )
        self._placed_by_hand = physical is not None
        self._physical = self._physical_neurons(physical)
        self._synapses_made = np.zeros(self._N, dtype=int)
        self._compose()
        self._assign(self.equation_parameters())
        self._assign_constants()
        self.rest()
        self._contained_objects.append(ChargeSteps(self))
        if "deam_ampa" in self._latches:
            self._contained_objects += grid_objects(self)
        biases.subscribe(self)

    # -- what the group is made of -------------------------------------------------------------------

    @property
    def biases(self) -> Biases:
        """Codes of the core; assign another `Biases` to change all at once."""
        return self._biases

    @biases.setter
    def biases(self, value: Biases) -> None:
        if not isinstance(value, Biases):
            raise DynapseError(f"biases is {type(value).__name__}; give a brian2dynapse.Biases")
        previous, self._biases = self._biases, value
        try:
            self.biases_changed(value)
        except Exception:  # a connection refuses: all or nothing
            self._biases = previous
            self.biases_changed(previous)
            raise
        previous.unsubscribe(self)
        value.subscribe(self)

    @property
    def chip(self) -> Chip:
        """The chip that the neurons are on."""
        return self._chip

    @property
    def latches(self) -> frozenset[str]:
        """Latches that are on."""
        return self._latches

    @property
    def dendrites(self) -> frozenset[str]:
        """Dendrites that are integrated."""
        return self._dendrites

    @property
    def physical(self) -> np.ndarray:
        """Physical neurons, 1024*chip + 256*core + neuron, shape (N,) (a copy)."""
        return self._physical.copy()

    @property
    def placed_by_hand(self) -> bool:
        """Whether the places are part of the model: given as `physical`, or those of nodes of the diffusion grid."""
        return self._placed_by_hand or "deam_ampa" in self._latches

    @property
    def circuits(self) -> list[str]:
        """Names of the equation files that this group runs."""
        return circuits.circuits_of(self._latches, self._dendrites, self._reading, self._calcium)

    @property
    def repeats_events(self) -> bool:
        """Whether a spike makes several events (exponential soma, `Chip(events_per_spike=...)`)."""
        return "repeated_events" in self.circuits

    def use_dendrite(self, dendrite: str) -> None:
        """Switch a dendrite on: its current is integrated and acts on the soma from now on.

        Parameters
        ----------
        dendrite : str
            ``"ampa"``, ``"nmda"``, ``"gaba"`` or ``"shunt"``.
        """
        circuits.check_dendrite(dendrite)
        if dendrite not in self._dendrites:
            self._dendrites |= {dendrite}
            self._compose()

    def move(self, physical: np.ndarray) -> None:
        """Put the neurons onto other physical ones, as a mapping does; they get the mismatch of those.

        Parameters
        ----------
        physical : numpy.ndarray of int
            As for the class.
        """
        self._physical = self._physical_neurons(np.asarray(physical))
        if self._chip.individual:
            self._assign(self.equation_parameters())
            for connection in sorted(self._connections, key=lambda one: one.name):
                connection.biases_changed(facts.synapse_parameters().values())

    def equation_parameters(self) -> list[str]:
        """Names of the parameters that come from biases."""
        return [name for name in facts.modelled_parameters() if name in self.variables]

    def bias_current(self, parameter: str) -> float:
        """Current of the bias behind a parameter as it reaches this chip's circuits, without mismatch, in amp."""
        bias = facts.modelled_parameters()[parameter]
        return self._biases.current_in_amp(bias) * self._chip.mirror_scale(bias)

    def bias_values(self, parameter: str) -> np.ndarray:
        """Current of a bias in each physical neuron, with mismatch; amp, shape (N,)."""
        factors = self._chip.mismatch_factors(facts.modelled_parameters()[parameter], self._physical)
        return self.bias_current(parameter) * factors

    def biases_changed(self, names: Iterable[str]) -> None:
        """Take changed biases over; called by `Biases`."""
        if self._restoring:
            return  # Brian2 puts the currents back that they had
        names = list(names)
        parameters = [facts.bias(name).parameter for name in names]
        self._assign([parameter for parameter in parameters if parameter in self.variables])
        for connection in sorted(self._connections, key=lambda one: one.name):
            connection.biases_changed(names)

    def receive(self, connection) -> None:
        """Take note of a connection onto this group: its dendrite is on, and it follows the biases."""
        self.use_dendrite(connection.dendrite)
        self._connections.add(connection)

    def take_cams(self, targets: np.ndarray) -> np.ndarray:
        """Give new synapses their CAM words: the next free ones of each neuron, in the order of the synapses.

        Parameters
        ----------
        targets : numpy.ndarray of int
            Target neuron of each synapse.

        Returns
        -------
        numpy.ndarray of int
            Word of each synapse. Numbers from 64 on are synapses that no neuron of the chip has.
        """
        order = np.argsort(targets, kind="stable")
        counts = np.bincount(targets, minlength=self._N)
        cams = np.empty(len(targets), dtype=int)
        cams[order] = np.concatenate([np.arange(count) for count in counts]) if len(targets) else []
        cams += self._synapses_made[targets]
        self._synapses_made += counts
        return cams

    def keep_cams(self, targets: np.ndarray, cams: np.ndarray) -> None:
        """Take note of CAM words that were chosen by number, one a synapse: new ones take words after them."""
        np.maximum.at(self._synapses_made, targets, cams + 1)

    # -- assembly ------------------------------------------------------------------------------------

    def _model(self) -> circuits.Model:
        return circuits.compose(self.circuits, self._reading)

    def _compose(self) -> None:
        """Reduce what is integrated, and what a spike does, to the circuits that are on."""
        model = self._model()
        self.event_codes["spike"] = model.reset
        self.equations = self.user_equations = Equations(model.equations)
        self._compositions.append(self.equations)  # subgroups made earlier hold a weak reference to theirs
        for dendrite in circuits.DENDRITES:
            assign(self, f"on_{dendrite}", float(dendrite in self._dendrites))

    def _physical_neurons(self, physical) -> np.ndarray:
        if physical is None:
            return self._chip.neurons_for(self.name, self._N)
        physical = np.asarray(physical)
        if physical.shape == (self._N, 3) and physical.dtype.kind in "iu":
            limits = (np.inf, facts.CORES_PER_CHIP, facts.NEURONS_PER_CORE)
            wrong = np.flatnonzero(((physical < 0) | (physical >= limits)).any(axis=1))
            if wrong.size:
                raise DynapseError(
                    f"{self.name}: physical[{wrong[0]}] is {tuple(physical[wrong[0]].tolist())}; give (chip, core, "
                    f"neuron) with cores 0..{facts.CORES_PER_CHIP - 1} and neurons 0..{facts.NEURONS_PER_CORE - 1}"
                )
            physical = physical @ [facts.NEURONS_PER_CHIP, facts.NEURONS_PER_CORE, 1]
        if physical.shape != (self._N,) or physical.dtype.kind not in "iu" or np.any(physical < 0):
            raise DynapseError(
                f"{self.name}: physical has shape {physical.shape} and type {physical.dtype}; "
                f"give {self._N} non-negative integers, 1024*chip + 256*core + neuron, or {self._N} rows "
                "(chip, core, neuron)"
            )
        return physical

    def _assign(self, parameters: Iterable[str]) -> None:
        """Set parameters from biases and mismatch."""
        for parameter in parameters:
            values = self.bias_values(parameter)
            uniform = np.all(values == values[0])
            assign(self, parameter, float(values[0]) if uniform else values)

    def rest(self) -> None:
        """Put every neuron to rest: all currents at `I_0`, no pulse waiting, not refractory.

        What users of the chip do between trials by draining it through a large leak. The homeostatic gain stays: on
        the chip it is held for hours. So do the depression of synapses and events on their way through a delay.
        """
        for current in ("Imem_before", *circuits.state_currents(self._latches)):
            assign(self, current, self._chip.constants["I_0"])
        for name in ("t_step", "events_left", *(charge for _, charge in circuits.DENDRITES.values())):
            if name in self.variables:
                assign(self, name, 0.0)
        assign(self, "refractory_left", np.inf if "soif_kill" in self._latches else 0.0)

    def constants(self) -> dict[str, float]:
        """What the chip decides, SI units, by the name of the variable."""
        values = self._chip.constants | {"noise": self._chip.noise, "events_per_spike": self._chip.events_per_spike}
        return {name: value for name, value in values.items() if name in self.variables}

    def _assign_constants(self) -> None:
        """Set what the chip decides, and the homeostatic gain to where it starts."""
        start = {"gain_homeostasis": 1.0, "homeostasis_active": float("ho_active" in self._latches)}
        for name, value in (self.constants() | start).items():
            if name in self.variables:
                assign(self, name, value)

    # -- Brian2 --------------------------------------------------------------------------------------

    def parameter_values(self, name: str) -> np.ndarray | None:
        """Values of a variable as they will run, in SI units; None in standalone mode if Brian2 cannot tell."""
        return variable_values(self, name)

    def _full_state(self):
        codes = {name: self._biases[name] for name in self._biases}
        return super()._full_state() | {_STORED: (codes, self._physical, self._synapses_made.copy())}

    def _restore_from_full_state(self, state):
        """Go back to a stored state, codes and places included (called by Brian2's `restore`)."""
        codes, self._physical, synapses_made = state[_STORED]
        self._restoring = True
        try:
            self._biases.update(codes)
        finally:
            self._restoring = False
        self._synapses_made = synapses_made.copy()
        super()._restore_from_full_state({name: value for name, value in state.items() if name != _STORED})
        self._compose()

    def before_run(self, run_namespace=None):
        """Check that state and time step suit the circuits, then prepare the run (called by Brian2)."""
        for dendrite, (_, charge) in circuits.DENDRITES.items():
            states = circuits.dendrite_states(dendrite, self._latches)
            for name, rest in [(charge, 0.0), *((state, self._chip.constants["I_0"]) for state in states)]:
                values = self.parameter_values(name)
                if values is not None and np.any(values != rest):
                    self.use_dendrite(dendrite)  # set by index or through a subgroup
        if not self._calcium and is_recorded(self, "Ica"):
            self._calcium = True
            self._compose()
        checks.check_neurons(self)
        fold_constants(self)
        super().before_run(run_namespace=run_namespace)

    def resolve_all(self, identifiers, run_namespace, *args, **kwds):
        """Find what names in the equations refer to (called by Brian2).

        `dt` is the group's own time step; a variable of that name in the user's script is no conflict.
        """
        run_namespace = {name: value for name, value in run_namespace.items() if name != "dt"}
        return super().resolve_all(identifiers, run_namespace, *args, **kwds)

    def __setattr__(self, key, value, level=0):
        name, latches = key.removesuffix("_"), self.__dict__.get("_latches", frozenset())
        for dendrite, (current, _) in circuits.DENDRITES.items():
            states = circuits.dendrite_states(dendrite, latches)
            if name in states:
                self.use_dendrite(dendrite)  # a current that somebody sets should decay and act
            elif name == current:
                raise DynapseError(f"{name} of an alpha function is a difference; set {' and '.join(states)}")
        super().__setattr__(key, value, level=level + 1)

    def __repr__(self) -> str:
        on = ", ".join(sorted(self._latches)) or "none"
        return f"<Neurons '{self.name}': {self._N} neurons, circuits {', '.join(self.circuits)}; latches {on}>"
