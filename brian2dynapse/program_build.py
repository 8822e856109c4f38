"""Compiles a C++ standalone project in less time than Brian2's own makefile, from the same sources.

Brian2's makefile reads a file of dependencies, named by its variable ``DEPS``. The one that is given to it here also
says how to compile: with precompiled headers, without a pass for dependencies, and with less optimisation where code
runs once. The loops over neurons and synapses get Brian2's own flags.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from brian2.codegen.cpp_prefs import get_compiler_and_args
from brian2.core.preferences import prefs
from brian2.utils.logger import get_logger

from .errors import DynapseError

logger = get_logger("brian2dynapse.program_build")

RULES, HEADER, HEADER_OF_SETUP = "program.mk", "program.h", "program_setup.h"
_SHOWN = 2000  # characters of what the compiler says

# What every code object includes. Two headers, since a precompiled one serves one level of optimisation.
_HEADERS = """#include "objects.h"
#include "brianlib/common_math.h"
#include "brianlib/stdint_compat.h"
#include <climits>
#include <cmath>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <vector>
"""

_RULES = """# Written by brian2dynapse.Program; read by the makefile of Brian2 in place of its make.deps.
OURS = $(filter-out /%,$(OBJS))
# Runs once: making synapses, reading and writing arrays, filling queues.
SETUP = $(filter main.o objects.o run.o network.o code_objects/before_run_% code_objects/after_run_% \\
    %_synapses_create_array_codeobject.o %_synapses_create_generator_codeobject.o,$(OURS))
STEPS = $(filter-out $(SETUP),$(OURS))
-include $(OURS:.o=.d)
$(OURS): $(wildcard brianlib/*.h)
{use_headers}
$(SETUP): private LEVEL = -O1
$(OURS): %.o: %.cpp makefile program.mk
	$(CXX) $(CXXFLAGS) $(LEVEL) $(FIRST) -MMD -MP $< -o $@
"""
_USE_HEADERS = """$(STEPS): private FIRST = -include program.h
$(SETUP): private FIRST = -include program_setup.h
$(STEPS): | program.h.gch
$(SETUP): | program_setup.h.gch
program_setup.h.gch: private LEVEL = -O1
# removed when all is compiled, and only made again if something is not
.SECONDARY: program.h.gch program_setup.h.gch
%.h.gch: %.h objects.h network.h synapses_classes.h $(wildcard brianlib/*.h) makefile program.mk
	$(CXX) $(CXXFLAGS) $(LEVEL) -x c++-header $< -o $@"""


def compile_project(device, directory: Path, fast: bool) -> None:
    """Compile what Brian2 wrote; does nothing if it is compiled already.

    Parameters
    ----------
    device : brian2 device
        C++ standalone, whose `build` has written the project.
    directory : path
        The project.
    fast : bool
        Whether to use the rules of this module. They fall back on Brian2's if a compiler does not like them.

    Raises
    ------
    DynapseError
        If the compiler refuses, with what it said.

    Notes
    -----
    ``ccache`` is used if it is on the PATH and the environment does not choose a compiler by ``CXX``; then there
    are no precompiled headers, which it does not keep.
    """
    compiler = get_compiler_and_args()[0]
    if compiler == "msvc":
        device.compile_source(str(directory), compiler, False, False)
        return
    environment = dict(os.environ)
    cached = shutil.which("ccache") is not None and "CXX" not in environment
    if cached:
        environment["CXX"] = "ccache g++"
    # as many as there are processors; Brian2's default has no limit, which takes memory and saves no time
    arguments = list(prefs.devices.cpp_standalone.extra_make_args_unix)
    make = [prefs.devices.cpp_standalone.make_cmd_unix, *arguments]
    if arguments == ["-j"]:
        make[-1] = f"-j{os.cpu_count() or 1}"
    if fast:
        _write(directory / RULES, _RULES.format(use_headers="" if cached else _USE_HEADERS))
        _write(directory / HEADER, _HEADERS)
        _write(directory / HEADER_OF_SETUP, _HEADERS)
        done = _make([*make, f"DEPS={RULES}"], directory, environment)
        for header in (HEADER, HEADER_OF_SETUP):
            (directory / f"{header}.gch").unlink(missing_ok=True)  # tens of megabytes
        if done.returncode == 0:
            return
        logger.info(f"{directory}: compiled by Brian2's own makefile, the fast one fails: {done.stdout[-_SHOWN:]}")
    done = _make(make, directory, environment)
    if done.returncode:
        raise DynapseError(
            f"{directory}: the compiler refuses the program; look at what it says, or try another directory:\n"
            f"{done.stdout[-_SHOWN:]}"
        )


def _make(command: list[str], directory: Path, environment: dict) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(
            command, cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    except FileNotFoundError as error:
        raise DynapseError(f"{command[0]} is not on this machine; install make and a C++ compiler (g++)") from error


def _write(path: Path, text: str) -> None:
    """Write a file if it differs: make goes by its time."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
