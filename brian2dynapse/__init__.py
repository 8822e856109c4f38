"""Models of the DYNAP-SE2 neuromorphic chip as ordinary Brian2 groups."""

import importlib

__version__ = "0.1.0"

# Public name to the module that holds it. Names are imported on first use, so that the modules
# without Brian2 (`dac`, `facts`) import in milliseconds.
_PUBLIC = {
    "Biases": "biases",
    "Code": "biases",
    "Calibration": "calibration",
    "citation": "citations",
    "calibrate": "calibration",
    "Target": "targets",
    "Chip": "chip",
    "ChipFit": "chip_fit",
    "ChipProfile": "chip_profile",
    "Neurons": "neurons",
    "Mapping": "mapping",
    "map_network": "mapper",
    "verify": "replay",
    "to_network": "simulation",
    "bias_panel": "panel",
    "fit_chip": "chip_fit",
    "BoardWarning": "board_clock",
    "Replicas": "replicas",
    "Setting": "replica_settings",
    "replicate": "replicas",
    "Connection": "connection",
    "Compensation": "compensation_result",
    "compensate": "compensation",
    "DCResponse": "responses",
    "InputResponse": "responses",
    "MeasuredResponse": "responses",
    "Program": "program",
    "sweep": "sweeps",
    "ProgramRows": "sweep_runs",
    "CopiesRows": "sweep_runs",
    "Progress": "progress",
    "provenance": "provenance_record",
    "Configuration": "configuration",
    "Dendrite": "configuration",
    "Labels": "labels",
    "CalibrationError": "errors",
    "CodeError": "errors",
    "ConfigurationError": "errors",
    "DynapseError": "errors",
    "ExchangeError": "errors",
    "MappingError": "errors",
    "SweepError": "errors",
    "TimeStepError": "errors",
    "UnknownNameError": "errors",
    "VerificationError": "errors",
    "WeightError": "errors",
    "WiringError": "errors",
}
_MODULES = ("analysis", "board", "dac", "exchange", "facts", "measure", "networks", "observables", "plot", "weight_fit")

__all__ = sorted([*_PUBLIC, *_MODULES])


def __getattr__(name):
    if name in _PUBLIC:
        return getattr(importlib.import_module(f".{_PUBLIC[name]}", __name__), name)
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return __all__
