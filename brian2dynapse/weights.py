"""Weight masks: which of the four weight currents of a core a synapse adds up.

Integers only; no Brian2.
"""

from __future__ import annotations

import numpy as np

from .errors import WeightError

WEIGHT_BITS = 4
_ALLOWED = (
    'a mask is four bits: a string such as "0010" (bit 0, W0, rightmost), an integer 0..15, '
    "or four booleans with W0 first"
)


def weight_mask(weight) -> int | np.ndarray:
    """Weight masks as integers.

    Parameters
    ----------
    weight : str, int, sequence of bool, or array_like of these
        One mask: ``"0010"`` (bit 0 rightmost), 0..15, or four booleans (W0 first, as the driver has
        it). One mask a synapse: an array of integers, a list of strings, or booleans of shape (n, 4).

    Returns
    -------
    int or numpy.ndarray of int
        0..15; an array of shape (n,) for one mask a synapse.

    Raises
    ------
    WeightError
        If a mask is not four bits.
    """
    if isinstance(weight, str):
        return _mask_of_string(weight)
    if isinstance(weight, (bool, np.bool_)):
        raise WeightError(f"weight is {weight!r}; {_ALLOWED}")
    if isinstance(weight, (int, np.integer)):
        return int(_checked_integers(np.asarray(weight)))
    if isinstance(weight, (list, tuple)) and len(weight) and all(isinstance(one, str) for one in weight):
        return np.array([_mask_of_string(one) for one in weight], dtype=int)
    if (
        isinstance(weight, (list, tuple))
        and len(weight) == WEIGHT_BITS
        and all(isinstance(one, (int, np.integer)) and not isinstance(one, bool) and one in (0, 1) for one in weight)
    ):
        raise WeightError(
            f"weight is {weight!r}: four bits or four masks? Give a string or booleans for one mask of four bits, "
            "numpy.array for one mask a synapse"
        )
    array = np.asarray(weight)
    if array.dtype.kind == "U":
        return np.array([_mask_of_string(one) for one in array.ravel()], dtype=int)
    if array.dtype.kind == "b" and array.ndim in (1, 2) and array.shape[-1] == WEIGHT_BITS:
        masks = array @ (1 << np.arange(WEIGHT_BITS))
        return int(masks) if array.ndim == 1 else masks
    if array.dtype.kind in "iu" and array.ndim == 1 and array.size:
        return _checked_integers(array)
    if array.dtype.kind == "b":
        raise WeightError(f"weight has {array.shape[-1] if array.ndim else 1} bits; {_ALLOWED}")
    raise WeightError(f"weight is {weight!r}; {_ALLOWED}")


def checked_currents(weight) -> np.ndarray:
    """Check weights that are given as currents.

    Parameters
    ----------
    weight : Quantity
        In amp, one or one a synapse.

    Returns
    -------
    numpy.ndarray
        Amp, as given.

    Raises
    ------
    WeightError
        If it is no current, negative or not finite, or not one- or zero-dimensional.
    """
    currents = np.array(weight, dtype=float)
    if str(weight.dim) != "A" or currents.ndim > 1 or not np.all(np.isfinite(currents)) or np.any(currents < 0):
        raise WeightError(
            f"weight is {weight}; as a current it is in amp, not negative, one or one a synapse; {_ALLOWED}"
        )
    return currents


def mask_string(mask: int) -> str:
    """The mask as four characters, bit 0 rightmost."""
    return format(int(mask), f"0{WEIGHT_BITS}b")


def selected_current(mask, bit_currents) -> np.ndarray:
    """Sum of the weight currents that masks select.

    Parameters
    ----------
    mask : int or array_like of int
        0..15.
    bit_currents : array_like
        The four weight currents, W0 first, amp; shape (4,), or (n, 4) for currents of each synapse.

    Returns
    -------
    numpy.ndarray
        Amp, of the shape of `mask`, or (n,).
    """
    bits = (np.asarray(mask)[..., None] >> np.arange(WEIGHT_BITS)) & 1
    return (bits * np.asarray(bit_currents, dtype=float)).sum(axis=-1)


def _mask_of_string(weight: str) -> int:
    if len(weight) != WEIGHT_BITS or set(weight) - set("01"):
        raise WeightError(f"weight is {weight!r}, {len(weight)} characters; {_ALLOWED}")
    return int(weight, 2)


def _checked_integers(masks: np.ndarray) -> np.ndarray:
    wrong = masks[(masks < 0) | (masks >= 1 << WEIGHT_BITS)]
    if wrong.size:
        raise WeightError(f"weight is {wrong.flat[0]}; {_ALLOWED}")
    return masks.astype(int)
