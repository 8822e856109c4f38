"""`Chip`: one individual chip, its constants and its mismatch."""

from __future__ import annotations

import html
import zlib
from numbers import Real

import numpy as np
import pandas as pd
from brian2.units import Quantity, allunits, get_dimensions, get_unit

from . import facts
from .errors import DynapseError, unknown_name

MISMATCH_LIMIT = 1000  # far beyond any transistor; a typing error


class Chip:
    """An individual chip (or board of chips).

    Parameters
    ----------
    seed : int, optional
        Identity of the individual: the same seed has the same mismatch everywhere. Needed when
        `mismatch` is not zero.
    mismatch : float
        Coefficient of variation of every bias current from neuron to neuron (log-normal, mean 1,
        independent between biases and neurons). 0, the default, is the ideal chip. About 0.2 is
        what users of the chip quote.
    constants : str
        The named set of chip constants: ``"measured"`` (default) or ``"nominal"``.
    swap_gaba_shunt : bool
        By default GABA (GABA_B) is subtracted from the input and shunt (GABA_A) adds to the leak, as
        the names and users' comments say. A predecessor of the vendor's simulator had it the other
        way round; True selects that.
    **changes : Quantity or float
        Constants of this chip that differ from the set, for example ``C_mem=31*pF``.

    Raises
    ------
    DynapseError
        For a mismatch without a seed, a negative mismatch, or a constant that is not positive or
        has the wrong unit.
    UnknownNameError
        For an unknown set or constant.

    Notes
    -----
    A population that is not placed takes physical neurons in the order of creation. A chip remembers
    by name which neurons it gave to a population, so that a cell of a notebook that is run again
    gets the same ones.
    """

    def __init__(self, seed=None, mismatch=0.0, constants="measured", swap_gaba_shunt=False, **changes):
        if not isinstance(mismatch, Real) or isinstance(mismatch, bool) or not 0 <= mismatch < MISMATCH_LIMIT:
            raise DynapseError(f"mismatch is {mismatch!r}; give a coefficient of variation, for example 0.2")
        if mismatch > 0 and seed is None:
            raise DynapseError("a chip with mismatch is an individual: give its seed, Chip(seed=42, mismatch=0.2)")
        if seed is not None and (not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or seed < 0):
            raise DynapseError(f"seed is {seed!r}; give a non-negative integer")
        self.seed = seed
        self.mismatch = float(mismatch)
        self.constants_name = constants
        self.swap_gaba_shunt = bool(swap_gaba_shunt)
        self.constants = {name: constant.value for name, constant in facts.constants(constants).items()}
        self.changes = {name: self._checked(name, value) for name, value in changes.items()}
        self.constants.update(self.changes)
        self._given = {}
        self._next = 0

    def _checked(self, name: str, value) -> float:
        if name not in self.constants:
            raise unknown_name("constant of the chip", name, self.constants)
        unit_name = facts.constants(self.constants_name)[name].unit
        unit = 1 if unit_name == "1" else getattr(allunits, unit_name)
        if np.asarray(value).dtype.kind not in "iuf" or np.size(value) != 1 or not np.isfinite(value) or value <= 0:
            raise DynapseError(f"{name} is {value!r}; give one positive number in {unit_name}")
        if get_dimensions(value) is not get_dimensions(unit):
            raise DynapseError(f"{name} is {value!r}; give it in {unit_name}")
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
        return value if unit_name == "1" else value * get_unit(getattr(allunits, unit_name).dim)

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
            Log-normal with mean 1 and coefficient of variation `mismatch`; depends on the seed, the
            bias and the physical neuron alone. All 1 on the ideal chip.
        """
        facts.bias(bias)
        neurons = np.asarray(neurons)
        factors = np.ones(neurons.shape)
        if self.mismatch == 0:
            return factors
        sigma = np.sqrt(np.log1p(self.mismatch**2))
        chips, within = np.divmod(neurons, facts.NEURONS_PER_CHIP)
        for chip in np.unique(chips):
            # crc32 is the same number for a name on every machine, unlike Python's hash
            generator = np.random.default_rng([self.seed, int(chip), zlib.crc32(bias.encode())])
            drawn = np.exp(sigma * generator.standard_normal(facts.NEURONS_PER_CHIP) - sigma**2 / 2)
            factors[chips == chip] = drawn[within[chips == chip]]
        return factors

    def to_frame(self) -> pd.DataFrame:
        """The constants of this chip as a table.

        Returns
        -------
        pandas.DataFrame
            Columns constant, value (SI), unit, meaning, mark and source; a constant that was given
            to this chip says so.
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

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>" + self.to_frame().to_html(index=False)

    def __repr__(self) -> str:
        parts = [] if self.seed is None else [f"seed={self.seed}"]
        parts += [f"mismatch={self.mismatch:g}", f"constants={self.constants_name!r}"]
        parts += ["swap_gaba_shunt=True"] if self.swap_gaba_shunt else []
        parts += [f"{name}={self.constant(name)}" for name in self.changes]
        return f"Chip({', '.join(parts)})"
