"""Errors that name the thing, what it got, what is allowed and the next step."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

SHOWN_ERRORS = 20  # in the text of an error; its attribute has all


class DynapseError(ValueError):
    """Base class of every error that this package raises for bad input."""


class UnknownNameError(DynapseError, KeyError):
    """A bias, latch, dendrite, delay or constant that does not exist."""

    # KeyError shows the repr of its message; a sentence should read as a sentence.
    __str__ = ValueError.__str__


class CodeError(DynapseError):
    """A (coarse, fine) code or a current that the chip cannot have."""


class WeightError(DynapseError):
    """A weight mask that is not four bits, or that does not fit the synapses."""


class WiringError(DynapseError):
    """A connection that the chip, or the model, cannot make."""


class TimeStepError(DynapseError):
    """A time step, or a pulse, too coarse for a circuit."""


class SweepError(DynapseError):
    """Rows, a function, a file or an executor with which a sweep cannot go on."""


class ExchangeError(DynapseError):
    """What another format cannot say, or what the chip cannot do of what a file says.

    Parameters
    ----------
    errors : list of str
        All that stands in the way.
    what : str
        What was read or written.
    """

    def __init__(self, errors: list[str] | str, what: str = ""):
        self.errors = [errors] if isinstance(errors, str) else list(errors)
        shown = self.errors[:SHOWN_ERRORS]
        shown += ["... see .errors for all"] if len(self.errors) > SHOWN_ERRORS else []
        one = f"{what}: " if what else ""
        text = shown[0] if len(shown) == 1 else f"{len(self.errors)} errors\n  " + "\n  ".join(shown)
        super().__init__(one + text)


class ConfigurationError(DynapseError):
    """A content that the chip's memory cannot have.

    Parameters
    ----------
    errors : list of str
        All that is wrong, each with its path.
    what : str
        What was checked, for example a file name.
    """

    def __init__(self, errors: list[str], what: str = "configuration"):
        self.errors = list(errors)
        count = f"{len(errors)} errors" if len(errors) > 1 else "1 error"
        shown = errors[:SHOWN_ERRORS] + (["... see .errors for all"] if len(errors) > SHOWN_ERRORS else [])
        super().__init__(f"{what}: {count}\n  " + "\n  ".join(shown))


class MappingError(DynapseError):
    """A network that does not fit the chip; names the resource, who needs it, used and available."""


class RoomError(MappingError):
    """Neurons or bias sets for which the cores of the board do not suffice."""


class TagError(MappingError):
    """Sources for which the tags of a core do not suffice."""


class CalibrationError(DynapseError):
    """Targets that no code reaches.

    Parameters
    ----------
    message : str
        Which, and the nearest that codes reach.
    result : Calibration
        All that was found; kept as an attribute.
    """

    def __init__(self, message: str, result: object = None):
        self.result = result
        super().__init__(message)


class VerificationError(DynapseError):
    """A configuration that does not realise the network that was asked for.

    Parameters
    ----------
    message : str
        The first violations.
    verification : Verification
        All of them; kept as an attribute.
    """

    def __init__(self, message: str, verification: object = None):
        self.verification = verification
        super().__init__(message)


def unknown_name(kind: str, got: object, allowed: Iterable[str], hint: str = "") -> UnknownNameError:
    """Error for a name that is not in a declared list; suggests the nearest.

    Parameters
    ----------
    kind : str
        What the name stands for, for example ``"bias"``.
    got : object
        The name as given.
    allowed : iterable of str
        The names that exist.
    hint : str
        A next step, added at the end.

    Returns
    -------
    UnknownNameError
        To be raised by the caller.
    """
    names = list(allowed)
    lowered = {name.lower(): name for name in names}
    close = difflib.get_close_matches(str(got).lower(), lowered, n=3, cutoff=0.5)
    message = f"{got!r} is not a {kind}"
    if close:
        message += "; did you mean " + " or ".join(lowered[name] for name in close) + "?"
    else:
        message += f"; a {kind} is one of " + ", ".join(names)
    if hint:
        message += f" {hint}"
    return UnknownNameError(message)
