"""Exchange with other tools: NIR graphs, Neo, tables in files, and the bias notation of the labs.

Configurations have their own file, JSON with a schema: `Configuration.to_json`, `Configuration.from_json`.
"""

from .bias_notation import ScriptBiases, biases_from_script, biases_to_script
from .neo_exchange import NeoTables, from_neo, to_neo
from .nir_export import nir_losses, to_nir, write_nir
from .nir_import import NirImport, from_nir
from .spike_tables import board_events_frame, spikes_frame, states_frame
from .table_files import read_table, write_table

__all__ = [
    "NeoTables",
    "NirImport",
    "ScriptBiases",
    "biases_from_script",
    "biases_to_script",
    "board_events_frame",
    "from_neo",
    "from_nir",
    "nir_losses",
    "read_table",
    "spikes_frame",
    "states_frame",
    "to_neo",
    "to_nir",
    "write_nir",
    "write_table",
]
