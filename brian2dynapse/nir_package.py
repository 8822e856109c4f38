"""The package nir, which is optional, and names that a caller accepts to lose."""

from __future__ import annotations

from collections.abc import Iterable

from .errors import DynapseError, unknown_name


def checked_names(accept: Iterable[str] | str, allowed: Iterable[str]) -> frozenset[str]:
    """Names that a caller accepts, each one of the allowed."""
    names = [accept] if isinstance(accept, str) else list(accept)
    for name in names:
        if name not in allowed:
            raise unknown_name("loss to accept", name, allowed)
    return frozenset(names)


def nir_package():
    """The package nir, or an error that says how to get it."""
    try:
        import nir
    except ImportError:
        raise DynapseError("NIR needs the package nir: pip install 'brian2dynapse[exchange]'") from None
    return nir
