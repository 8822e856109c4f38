"""Compiles the program of the simulated board, in a process of its own: ``python -m brian2dynapse.board_build``.

A script that talks to a board may simulate something of its own with Brian2, whose devices are global; and who finds
the program in the cache needs neither Brian2's code generation nor a compiler.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata, resources
from pathlib import Path

from .errors import DynapseError

MANIFEST = "board.json"
_SHOWN = 2000  # characters of what a failed build says
# What the parts of a program share: places in use, and the sources and shares of the diffusion grid.
_SHARED = """
#include <cstdint>
#include <vector>
namespace brian_board {
extern int places_in_use;
extern std::vector<int32_t> first_giver, givers;
extern std::vector<double> shares;
}
"""
# Modules that decide what is compiled, beside the equations and templates.
_SOURCES = (
    "board_model",
    "board_build",
    "board_commands",
    "circuits",
    "pages",
    "numerics",
    "membrane",
    "dpi",
    "inline",
)
_SOURCES += ("inflow", "steps", "standalone", "program_build")


def cache_directory() -> Path:
    """Where programs are kept: the cache folder of the user."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "brian2dynapse" / "board"


def program(specification: dict, directory=None) -> Path:
    """Folder of a compiled program; it is compiled if it is not there yet.

    Parameters
    ----------
    specification : dict
        capacity (places), latches (sorted names) and reading (of the chip), see `board_model`.
    directory : path, optional
        Where programs are kept; `cache_directory` by default.

    Raises
    ------
    DynapseError
        If it cannot be compiled.
    """
    keep = Path(directory) if directory is not None else cache_directory()
    key = hashlib.sha256((json.dumps(specification, sort_keys=True) + _fingerprint()).encode()).hexdigest()[:20]
    wanted = keep / key
    if (wanted / MANIFEST).exists():
        return wanted
    keep.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{key}-", dir=keep))
    try:
        command = [sys.executable, "-m", "brian2dynapse.board_build", json.dumps(specification), str(made)]
        paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        done = subprocess.run(
            command, env=environment, cwd=made, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode or not (made / MANIFEST).exists():
            raise DynapseError(f"the program of the board cannot be compiled:\n{done.stdout[-_SHOWN:]}")
        try:
            os.replace(made, wanted)
        except OSError:  # another process was faster
            if not (wanted / MANIFEST).exists():
                raise
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return wanted


def _fingerprint() -> str:
    """What a program depends on beside its specification."""
    digest = hashlib.sha256(f"{metadata.version('brian2')} {os.environ.get('CXX', '')} {platform.uname()}".encode())
    package = Path(__file__).parent
    files = [package / f"{name}.py" for name in _SOURCES]
    files += sorted(package.glob("templates/*.cpp")) + sorted(package.glob("templates/board/*.cpp"))
    for path in files:
        digest.update(path.read_bytes())
    for page in sorted(resources.files("brian2dynapse.equations").iterdir(), key=lambda one: one.name):
        if page.name.endswith(".eqs"):
            digest.update(page.read_bytes())
    return digest.hexdigest()


def build(specification: dict, directory: Path) -> None:
    """Write and compile a program; makes C++ standalone the device of this process.

    Parameters
    ----------
    specification : dict
        As for `program`.
    directory : path
        Empty folder.
    """
    import brian2
    import numpy as np
    from brian2.codegen.codeobject import create_runner_codeobj
    from brian2.equations.equations import Equations
    from brian2.groups.group import CodeRunner
    from brian2.groups.neurongroup import NeuronGroup

    from . import board_model, circuits, numerics
    from .board_commands import Command
    from .dpi import dpi_jump, dpi_jump_ago
    from .inline import INLINE_FUNCTIONS
    from .program_build import compile_project
    from .standalone import board_code_object
    from .steps import ChargeSteps

    brian2.set_device("cpp_standalone", build_on_run=False)
    device = brian2.get_device()
    model = board_model.model(frozenset(specification["latches"]), circuits.Reading(**specification["reading"]))
    equations = Equations(model.equations)
    group = NeuronGroup(
        specification["capacity"],
        equations + numerics.declarations(equations),
        method=numerics.circuit_step,
        threshold=model.threshold,
        reset=model.reset,
        namespace=INLINE_FUNCTIONS | {"dpi_jump": dpi_jump, "dpi_jump_ago": dpi_jump_ago},
        name="places",
        codeobj_class=board_code_object(),
    )
    group.equations = group.user_equations = equations  # what is integrated, as in `Neurons`
    group.contained_objects.append(ChargeSteps(group))
    constants = create_runner_codeobj(
        group,
        "\n".join(f"{name} = {expression}" for name, expression in numerics.folded(equations).items()),
        "stateupdate",
        run_namespace={},
        name="places_constants_codeobject",
        check_units=False,
        codeobj_class=group.codeobj_class,
    )
    constants()
    names = [
        name
        for name, one in group.variables.items()
        if type(one).__name__ == "ArrayVariable" and np.dtype(one.dtype) == float and one.owner.name == group.name
    ]
    names = [name for name in names if not name.startswith("_")]
    arrays = {name: device.get_array_name(group.variables[name], access_data=False) for name in names}
    arrays["dt"] = device.get_array_name(group.variables["dt"], access_data=False)
    event = board_model.event_code()
    events = CodeRunner(
        group,
        "board_events",
        when="synapses",
        name="places_events",
        codeobj_class=group.codeobj_class,
        template_kwds={
            "commands": Command,
            "constants_code": constants.name,
            "word_parameters": ", ".join(event.parameters),
            "word_states": ", ".join(event.states),
            "parameter_fields": ", ".join(f"&Word::{name}" for name in event.parameters),
            "state_fields": ", ".join(f"&Word::{name}" for name in event.states),
            "shared_declarations": f"double {', '.join(event.shared)};",
            "shared_pointers": ", ".join(f"&::{name}" for name in event.shared),
            "plain_event": event.plain,
            "depressing_event": event.depressing,
            "charge_arrays": ", ".join(arrays[charge] for _, charge in circuits.DENDRITES.values()),
            "all_arrays": ", ".join(arrays.values()),
            "watched_array": arrays["Imem"],
        },
    )
    objects = [group, events]
    if "Iampa_ahead" in group.variables:
        ahead = numerics.mean_over_next_step(equations, "Iampa", into="Iampa_ahead")
        # after the charges, before the step of the group, as in `diffusion.grid_objects`
        for order, template, code in ((-2, "stateupdate", ahead), (-1, "board_grid", "")):
            name, kind = f"places_{template}_grid", group.codeobj_class
            objects.append(
                CodeRunner(
                    group,
                    template,
                    code=code,
                    when="groups",
                    order=order,
                    name=name,
                    check_units=False,
                    codeobj_class=kind,
                )
            )
    network = brian2.Network(objects)
    device.insert_code("before_network_run", f"brian_board::serve({network.name});")
    network.run(0 * brian2.second)
    device.build(directory=str(directory), compile=False, run=False)
    with open(directory / "objects.h", "a") as header:  # which every file of the program includes
        header.write(_SHARED)
    compile_project(device, directory, fast=True)
    sizes = {name: 1 if group.variables["dt" if name == "dt" else name].scalar else 0 for name in arrays}
    manifest = {"arrays": sizes, "word_parameters": event.parameters, "word_states": event.states}
    manifest |= {"shared": event.shared, "states": sorted(equations.diff_eq_names)}
    (directory / MANIFEST).write_text(json.dumps(manifest))


if __name__ == "__main__":
    build(json.loads(sys.argv[1]), Path(sys.argv[2]))
