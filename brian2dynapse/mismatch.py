"""Mismatch: how much a bias current differs from transistor to transistor, and the draws of one individual.

A transistor's current is exp(kappa V/U_T): a normal threshold voltage makes it log-normal. Its spread follows from the
area of the transistor (Pelgrom et al. 1989, doi:10.1109/JSSC.1989.572629). The draws are normal numbers that depend
on the seed, the bias and the physical place alone; the coefficient of variation only scales them. No Brian2 here.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from numbers import Real
from pathlib import Path

import numpy as np
import pandas as pd

from . import facts
from .errors import DynapseError

LARGEST_CV = 1000  # far beyond any transistor; a typing error
# Its minimal transistor is there to spread: one number for all biases does not apply to it.
SPREAD_BY_DESIGN = "SYPD_DLY2_P"
_ALLOWED = (
    'give a coefficient of variation, for example 0.2, "pelgrom" (from the transistors\' areas), '
    "or a table of measured ones: {bias: cv}, or the path of a CSV file with columns bias, cv"
)


def area(geometry: str) -> float:
    """Area of a transistor.

    Parameters
    ----------
    geometry : str
        Of the bias table, in micrometres: width x length, ``"5.6x6"``, or a square, ``"s3"``.

    Returns
    -------
    float
        Square metre.
    """
    width, length = [geometry[1:]] * 2 if geometry.startswith("s") else geometry.split("x")
    return float(width) * float(length) * 1e-12


def pelgrom_cv(bias: str, constants: Mapping[str, float]) -> float:
    """Coefficient of variation of a bias current from the area of the receiving transistor.

    Parameters
    ----------
    bias : str
        Name of the bias.
    constants : mapping
        `A_VT`, `U_T`, `kappa_n` and `kappa_p`, SI.

    Returns
    -------
    float
        kappa A_VT / (sqrt(area) U_T), kappa of the transistor's type.
    """
    declared = facts.bias(bias)
    kappa = constants["kappa_n" if declared.type == "N" else "kappa_p"]
    return float(kappa * constants["A_VT"] / (np.sqrt(area(declared.geometry)) * constants["U_T"]))


def coefficients(mismatch, constants: Mapping[str, float]) -> dict[str, float]:
    """Coefficient of variation of every bias of a core.

    Parameters
    ----------
    mismatch : float, str, mapping, DataFrame or path
        One number for all but `SPREAD_BY_DESIGN`, which keeps its Pelgrom value unless the number is 0;
        ``"pelgrom"``; or a table of measured values, columns bias and cv, in which a bias that is not named has
        its Pelgrom value.
    constants : mapping
        See `pelgrom_cv`.

    Returns
    -------
    dict of str to float

    Raises
    ------
    DynapseError
        For anything else, a negative number, or an unknown bias (UnknownNameError).
    """
    from_area = {name: pelgrom_cv(name, constants) for name in facts.core_biases()}
    if isinstance(mismatch, str) and mismatch == "pelgrom":
        return from_area
    if isinstance(mismatch, Real) and not isinstance(mismatch, bool):
        _check(mismatch, "mismatch")
        spread = from_area[SPREAD_BY_DESIGN] if mismatch > 0 else 0.0
        return {name: float(mismatch) for name in from_area} | {SPREAD_BY_DESIGN: spread}
    measured = _table(mismatch)
    for name, cv in measured.items():
        facts.bias(name)
        if name not in from_area:
            raise DynapseError(f"mismatch of {name}: not a bias of a core; leave it out")
        _check(cv, f"mismatch of {name}")
    return from_area | {name: float(cv) for name, cv in measured.items()}


def _table(mismatch) -> dict:
    if isinstance(mismatch, (str, Path)):
        path = Path(mismatch)
        if not path.is_file():
            raise DynapseError(f"mismatch is {str(mismatch)!r}, and there is no such file; {_ALLOWED}")
        try:
            mismatch = pd.read_csv(path, comment="#")
        except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
            raise DynapseError(f"mismatch: {path.name} is not a table with commas: {error}; {_ALLOWED}") from None
        if mismatch.empty:
            raise DynapseError(f"mismatch: {path.name} has no rows; {_ALLOWED}")
    if isinstance(mismatch, pd.DataFrame):
        missing = {"bias", "cv"} - set(mismatch)
        if missing:
            raise DynapseError(f"the table of mismatch has no column {' and '.join(sorted(missing))}; {_ALLOWED}")
        repeated = mismatch["bias"][mismatch["bias"].duplicated()].tolist()
        if repeated:
            raise DynapseError(f"the table of mismatch has {', '.join(map(str, repeated))} more than once")
        return dict(zip(mismatch["bias"], mismatch["cv"], strict=True))
    if isinstance(mismatch, (Mapping, pd.Series)) and len(mismatch):
        return dict(mismatch.items())
    raise DynapseError(f"mismatch is {mismatch!r}; {_ALLOWED}")


def _check(cv, what: str) -> None:
    if isinstance(cv, bool) or not isinstance(cv, Real) or not 0 <= cv < LARGEST_CV:
        raise DynapseError(f"{what} is {cv!r}; {_ALLOWED}")


def neuron_draws(seed: int, bias: str, neurons: np.ndarray) -> np.ndarray:
    """Standard normal numbers of a bias in physical neurons (1024*chip + 256*core + neuron)."""
    chips, within = np.divmod(neurons, facts.NEURONS_PER_CHIP)
    drawn = np.empty(neurons.shape)
    for chip in np.unique(chips):
        numbers = _generator(seed, chip, bias).standard_normal(facts.NEURONS_PER_CHIP)
        drawn[chips == chip] = numbers[within[chips == chip]]
    return drawn


def synapse_draws(seed: int, bias: str, neurons: np.ndarray, cams: np.ndarray) -> np.ndarray:
    """Standard normal numbers of a bias in synapses: CAM words of physical neurons.

    Numbers from 64 on belong to no CAM of the chip; a model may have them, and they are drawn as well.
    """
    chips, within = np.divmod(neurons, facts.NEURONS_PER_CHIP)
    banks, words = np.divmod(cams, facts.SYNAPSES_PER_NEURON)
    drawn = np.empty(neurons.shape)
    for chip, bank in np.unique(np.column_stack([chips, banks]), axis=0):
        shape = (facts.NEURONS_PER_CHIP, facts.SYNAPSES_PER_NEURON)
        numbers = _generator(seed, chip, bias, 1 + int(bank)).standard_normal(shape)
        here = (chips == chip) & (banks == bank)
        drawn[here] = numbers[within[here], words[here]]
    return drawn


def log_normal(draws: np.ndarray, cv: float) -> np.ndarray:
    """Log-normal factors of mean 1 and given coefficient of variation, from standard normal numbers."""
    sigma = np.sqrt(np.log1p(cv**2))
    return np.exp(sigma * draws - sigma**2 / 2)


def _generator(seed: int, chip: int, bias: str, *bank: int) -> np.random.Generator:
    # crc32 is the same number for a name on every machine, unlike Python's hash
    return np.random.default_rng([seed, int(chip), zlib.crc32(bias.encode()), *bank])
