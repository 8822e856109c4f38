"""Exchange with other tools: NIR graphs, Neo, tables in files, and the bias notation of the labs."""

from .nir_export import nir_losses, to_nir, write_nir
from .nir_import import NirImport, from_nir

__all__ = ["NirImport", "from_nir", "nir_losses", "to_nir", "write_nir"]
