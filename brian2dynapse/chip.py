"""`Chip`: one individual chip, its constants and its mismatch."""

from __future__ import annotations

import copy
import html
import math
from numbers import Real
from pathlib import Path

import numpy as np
import pandas as pd
from brian2.units import Quantity, allunits, get_dimensions, get_unit, kelvin

from . import facts
from .chip_profile import ChipProfile
from .errors import DynapseError, unknown_name
from .mismatch import coefficients, log_normal, neuron_draws, pelgrom_cv, synapse_draws
from .provenance_record import data_sha256

REFERENCE_TEMPERATURE = 300  # kelvin, at which the constants hold
LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 200, 400  # kelvin; a number outside is not a chip's temperature
CONDUCTANCES = ("single-ended", "symmetric")


class Chip:
    """An individual chip (or board of chips).

    Parameters
    ----------
    seed : int, optional
        Identity of the individual: the same seed has the same mismatch everywhere. Needed when
        `mismatch` is not zero.
    mismatch : float, str, mapping, DataFrame or path
        Coefficient of variation of the bias currents from transistor to transistor (log-normal, mean 1,
        independent between biases, neurons and synapses). 0, the default, is the ideal chip. One number, about
        0.2 in users' folklore, holds for every bias but the mismatched delay line SYPD_DLY2_P, whose minimal
        transistor keeps the spread of its area. ``"pelgrom"``: each bias has the spread of its transistor's area.
        A table of measured values: {bias: cv}, a DataFrame or a CSV file with columns bias and cv;
        biases that it does not name have the spread of their area.
    constants : str
        The named set of chip constants: ``"measured"`` (default) or ``"nominal"``.
    temperature : Quantity
        In kelvin; the constants are those at 300 K. See Notes.
    noise : float
        Shot noise of the membrane: 0, the default, is off, 1 the noise of the physics, other numbers scale its
        amplitude.
    events_per_spike : int
        How many events the exponential soma sends for one spike. 1 by default; the real chip sends several
        within 2 us, which is a defect.
    conductance : str
        What the latch de_conductance connects: ``"single-ended"`` (default) or ``"symmetric"``.
    swap_gaba_shunt : bool
        By default GABA (GABA_B) is subtracted from the input and shunt (GABA_A) adds to the leak, as
        the names and users' comments say. A predecessor of the vendor's simulator had it the other
        way round; True selects that.
    profile : ChipProfile, optional
        Which CAM words and tags of this individual work. None, the default, is a chip whose defects are not known; a
        mapper takes it to have none and says so.
    **changes : Quantity or float
        Constants of this chip that differ from the set, for example ``C_mem=31*pF``.

    Raises
    ------
    DynapseError
        For a mismatch without a seed, a negative mismatch, or an argument or constant of a wrong kind, range or unit.
    UnknownNameError
        For an unknown set, constant, conductance, or bias in a table of mismatch.

    Notes
    -----
    A population that is not placed takes physical neurons in the order of creation. A chip remembers
    by name which neurons it gave to a population, so that a cell of a notebook that is run again
    gets the same ones.

    *Temperature* T enters the thermal voltage, U_T proportional to T, and so every time constant, pulse jump, voltage
    and the spread of mismatch; and the leakages, I_0 and the drift of homeostasis, which double every
    `I_0_doubling`. The bias currents are taken as constant: their generator compensates temperature. Changes of
    kappa, capacitors and timer charges are not modelled. Constants that are given as `changes` are those at 300 K.
    """

    def __init__(
        self,
        seed=None,
        mismatch=0.0,
        constants="measured",
        temperature=REFERENCE_TEMPERATURE * kelvin,
        noise=0.0,
        events_per_spike=1,
        conductance="single-ended",
        swap_gaba_shunt=False,
        profile=None,
        **changes,
    ):
        if seed is not None and (not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or seed < 0):
            raise DynapseError(f"seed is {seed!r}; give a non-negative integer")
        if isinstance(noise, bool) or not isinstance(noise, Real) or not 0 <= noise < np.inf:
            raise DynapseError(f"noise is {noise!r}; 0 is off, 1 the shot noise of the physics, other numbers scale it")
        if isinstance(events_per_spike, bool) or not isinstance(events_per_spike, (int, np.integer)):
            raise DynapseError(f"events_per_spike is {events_per_spike!r}; give a positive integer")
        if events_per_spike < 1:
            raise DynapseError(f"events_per_spike is {events_per_spike}; a spike makes 1 event or more")
        if not isinstance(swap_gaba_shunt, (bool, np.bool_)):
            raise DynapseError(f"swap_gaba_shunt is {swap_gaba_shunt!r}; give True or False")
        if profile is not None and not isinstance(profile, ChipProfile):
            raise DynapseError(
                f"profile is {profile!r}; give a ChipProfile, for example ChipProfile.from_csv(path), or None"
            )
        if conductance not in CONDUCTANCES:
            raise unknown_name("conductance", conductance, CONDUCTANCES)
        if not isinstance(constants, str):
            raise unknown_name("set of constants", constants, facts.CONSTANT_SETS)
        self.seed = seed
        self.constants_name = constants
        self.noise = float(noise)
        self.events_per_spike = int(events_per_spike)
        self.conductance = conductance
        self.swap_gaba_shunt = bool(swap_gaba_shunt)
        self.profile = profile
        self.constants = {name: constant.value for name, constant in facts.constants(constants).items()}
        self.changes = {name: self._checked(name, value) for name, value in changes.items()}
        self.constants.update(self.changes)
        if self.constants["gain_homeostasis_limit"] < 1:
            raise DynapseError("gain_homeostasis_limit is below 1; the gain stays between 1/limit and limit")
        self.temperature = self._warmed(temperature)
        self.mismatch = mismatch
        self._coefficients = coefficients(mismatch, self.constants)
        if seed is None and self.individual:
            raise DynapseError(
                "a chip with mismatch is an individual: give its seed, "
                f"Chip(seed=42, mismatch={_shown(self.mismatch_name)})"
            )
        self._described = None
        self._given = {}
        self._next = 0
        self._made = True

    @classmethod
    def from_json(cls, path) -> Chip:
        """Read a chip that `to_json` wrote, see `chip_file.read`."""
        from .chip_file import read

        return read(path)

    def to_json(self, path) -> Path:
        """Write everything that makes this chip as a JSON file, see `chip_file.write`."""
        from .chip_file import write

        return write(self, path)

    @classmethod
    def from_measurements(cls, table, **arguments) -> Chip:
        """The chip that was measured: `fit_chip` with the same arguments, whose result shows how well it is known."""
        from .chip_fit import fit_chip

        return fit_chip(table, **arguments).chip

    def __setattr__(self, name, value):
        if self.__dict__.get("_made") and not name.startswith("_"):
            raise DynapseError(f"{name} of a chip cannot be changed; make another one, Chip({name}=...)")
        super().__setattr__(name, value)

    @property
    def individual(self) -> bool:
        """Whether anything differs from transistor to transistor."""
        return any(self._coefficients.values())

    @property
    def mismatch_name(self) -> float | str:
        """How the mismatch was given, in short: the number, ``"pelgrom"``, the path of a file, or ``"table"``."""
        if isinstance(self.mismatch, Real):
            return float(self.mismatch)
        return str(self.mismatch) if isinstance(self.mismatch, (str, Path)) else "table"

    def _warmed(self, temperature) -> Quantity:
        """Take the temperature into the constants."""
        right = isinstance(temperature, Quantity) and temperature.dim is kelvin.dim and np.ndim(temperature) == 0
        if not right or not LOWEST_TEMPERATURE <= float(temperature) <= HIGHEST_TEMPERATURE:
            raise DynapseError(
                f"temperature is {temperature!r}; give it in kelvin, {LOWEST_TEMPERATURE} to {HIGHEST_TEMPERATURE}, "
                "for example 310*kelvin (0 degrees Celsius are 273.15 kelvin)"
            )
        warmer = float(temperature) - REFERENCE_TEMPERATURE
        if warmer:
            self.constants["U_T"] *= float(temperature) / REFERENCE_TEMPERATURE
            for leakage in ("I_0", "rate_homeostasis"):
                self.constants[leakage] *= 2 ** (warmer / self.constants["I_0_doubling"])
        return temperature

    def _checked(self, name: str, value) -> float:
        if name not in self.constants:
            raise unknown_name("constant of the chip", name, self.constants)
        unit_name = facts.constants(self.constants_name)[name].unit
        unit = unit_of(unit_name)
        if np.asarray(value).dtype.kind not in "iuf" or np.size(value) != 1 or not np.isfinite(value) or value <= 0:
            raise DynapseError(f"{name} is {value!r}; give one positive number in {unit_name}")
        if get_dimensions(value) is not get_dimensions(unit):
            raise DynapseError(
                f"{name} is {value!r}; give {'a plain number' if unit_name == '1' else 'it in ' + unit_name}"
            )
        return float(value)

    def constant(self, name: str) -> Quantity | float:
        """A constant of this chip with its unit.

        Parameters
        ----------
        name : str
            For example ``"C_mem"``.

        Returns
        -------
        Quantity or float
            The value in this chip.
        """
        if name not in self.constants:
            raise unknown_name("constant of the chip", name, self.constants)
        unit_name = facts.constants(self.constants_name)[name].unit
        value = self.constants[name]
        return value if unit_name == "1" else value * get_unit(unit_of(unit_name).dim)

    def mirror_scale(self, bias: str) -> float:
        """Factor on the current that a code says, on its way to the circuits of this chip: that of n- or p-type.

        Parameters
        ----------
        bias : str
            A bias that is a current.
        """
        return self.constants[facts.bias(bias).mirror_scale]

    def neurons_for(self, population: str, count: int) -> np.ndarray:
        """Physical neurons of a population that is not placed: the next free ones.

        Parameters
        ----------
        population : str
            Name of the population.
        count : int
            How many neurons.

        Returns
        -------
        numpy.ndarray of int
            Numbers 1024*chip + 256*core + neuron, shape (count,).
        """
        if self._given.get(population, (0, 0))[1] < count:  # unknown, or larger than before
            self._given[population] = (self._next, count)
            self._next += count
        first = self._given[population][0]
        return np.arange(first, first + count)

    def mismatch_cv(self, bias: str) -> float:
        """Coefficient of variation of the current of a bias on this chip.

        Parameters
        ----------
        bias : str
            A bias of a core.
        """
        facts.bias(bias)
        return self._coefficients.get(bias, 0.0)

    def mismatch_factors(self, bias: str, neurons) -> np.ndarray:
        """Factors on the current of a bias in given physical neurons.

        Parameters
        ----------
        bias : str
            The bias; each has its own independent draw.
        neurons : array_like of int
            Physical neurons, 1024*chip + 256*core + neuron.

        Returns
        -------
        numpy.ndarray
            Log-normal with mean 1 and coefficient of variation `mismatch_cv`; depends on the seed, the
            bias and the physical neuron alone. All 1 on the ideal chip.
        """
        neurons = np.asarray(neurons)
        cv = self.mismatch_cv(bias)
        return log_normal(neuron_draws(self.seed, bias, neurons), cv) if cv else np.ones(neurons.shape)

    def synapse_factors(self, bias: str, neurons, cams) -> np.ndarray:
        """Factors on the current of a bias in given synapses.

        Parameters
        ----------
        bias : str
            A bias of the synapse, such as ``"SYAM_W0_P"``.
        neurons, cams : array_like of int
            Physical neurons, and the CAM words (0..63; more where a model has more) of the synapses.

        Returns
        -------
        numpy.ndarray
            As `mismatch_factors`, for each synapse.
        """
        neurons, cams = np.broadcast_arrays(neurons, cams)
        cv = self.mismatch_cv(bias)
        return log_normal(synapse_draws(self.seed, bias, neurons, cams), cv) if cv else np.ones(neurons.shape)

    def mismatch_frame(self) -> pd.DataFrame:
        """The spread of every bias as a table.

        Returns
        -------
        pandas.DataFrame
            Columns bias, geometry_um, cv (of this chip), pelgrom_cv (from the area of the transistor).
        """
        rows = [
            {
                "bias": bias,
                "geometry_um": facts.bias(bias).geometry,
                "cv": cv,
                "pelgrom_cv": pelgrom_cv(bias, self.constants),
            }
            for bias, cv in self._coefficients.items()
        ]
        return pd.DataFrame(rows)

    def to_frame(self) -> pd.DataFrame:
        """The constants of this chip as a table.

        Returns
        -------
        pandas.DataFrame
            Columns constant, value (SI, at the temperature of this chip), unit, meaning, mark and source; a
            constant that was given to this chip says so.
        """
        declared = facts.constants(self.constants_name)
        rows = [
            {
                "constant": name,
                "value": value,
                "unit": declared[name].unit,
                "meaning": declared[name].meaning,
                "mark": "given" if name in self.changes else declared[name].mark,
                "source": "given to this chip" if name in self.changes else declared[name].source,
            }
            for name, value in self.constants.items()
        ]
        return pd.DataFrame(rows)

    def described(self) -> dict:
        """What this individual is, in short, as `provenance` has it.

        Returns
        -------
        dict
            seed, mismatch (a number, ``"pelgrom"`` or ``"table"``), constants (name of the set), changes (constant to
            value, SI), temperature_K, noise, profile (whether its defects are known), and sha256: of all that makes
            it, the values of constants, mismatch and defects included. The ideal chip is described, too.
        """
        if self._described is None:
            from .chip_file import to_dict

            whole = to_dict(self) | {
                "values": {name: one.value for name, one in facts.constants(self.constants_name).items()}
            }
            named = self.mismatch_name
            self._described = {
                "seed": whole["seed"],
                "mismatch": named if named == "pelgrom" or isinstance(named, float) else "table",
                "constants": self.constants_name,
                "changes": dict(sorted(self.changes.items())),
                "temperature_K": float(self.temperature),
                "noise": self.noise,
                "profile": self.profile is not None,
                "sha256": data_sha256(whole),
            }
        return copy.deepcopy(self._described)

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>" + self.to_frame().to_html(index=False)

    def __repr__(self) -> str:
        parts = [] if self.seed is None else [f"seed={self.seed}"]
        parts += [f"mismatch={_shown(self.mismatch_name)}", f"constants={self.constants_name!r}"]
        parts += [] if float(self.temperature) == REFERENCE_TEMPERATURE else [f"temperature={self.temperature}"]
        parts += [f"noise={self.noise:g}"] if self.noise else []
        parts += [f"events_per_spike={self.events_per_spike}"] if self.events_per_spike > 1 else []
        parts += [f"conductance={self.conductance!r}"] if self.conductance != CONDUCTANCES[0] else []
        parts += ["swap_gaba_shunt=True"] if self.swap_gaba_shunt else []
        parts += [f"profile=<{_chips(self.profile.chips)}>"] if self.profile is not None else []
        parts += [f"{name}={self.constant(name)}" for name in self.changes]
        return f"Chip({', '.join(parts)})"


def _chips(count: int) -> str:
    return f"{count} chip{'s' if count > 1 else ''}"


def _shown(mismatch: float | str) -> str:
    return f"{mismatch:g}" if isinstance(mismatch, float) else repr(mismatch)


def unit_of(name: str):
    """The Brian2 unit of a name such as "farad" or "volt*meter"; 1 for "1"."""
    return 1 if name == "1" else math.prod(getattr(allunits, part) for part in name.split("*"))
