"""The labs' files about the CAM words of their boards. No Brian2."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from .chip_profile import ChipProfile, makers_tags
from .configuration import LARGEST_TAG
from .errors import DynapseError
from .facts import CORES_PER_CHIP


def read_profile(path, chips: int, tol: float) -> ChipProfile:
    """Read the labs' files about CAM words.

    Parameters
    ----------
    path : path or list of paths
        One file a chip, or a folder with as many files ``cams_profile_*.json``. A file has ``"cams"``, fractions of
        failed tests of every (core, neuron, CAM word, upper tag bit), and ``"prob"``, of every (upper tag bit, core).
    chips : int
        Number of chips.
    tol : float
        Largest fraction with which words and tags are used.
    """
    paths = [Path(one) for one in (path if isinstance(path, (list, tuple)) else [path])]
    if len(paths) == 1 and paths[0].is_dir():
        paths = sorted(paths[0].glob("cams_profile_*.json"))
    if len(paths) != chips:
        raise DynapseError(f"profile_path gives {len(paths)} files for {chips} chips; give one for each, as a list")
    failures, tags = [], makers_tags(chips)
    for chip, file in enumerate(paths):
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            cams, prob = np.asarray(content["cams"], dtype=float), np.asarray(content["prob"], dtype=float)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DynapseError(f"{file}: is no profile of CAM words: {error!r}") from None
        if prob.shape != (2, CORES_PER_CHIP):
            raise DynapseError(f"{file}: prob has shape {prob.shape}; it is (2, {CORES_PER_CHIP})")
        failures.append(cams)
        tags[chip] &= np.repeat(prob.T < tol, (LARGEST_TAG + 1) // 2, axis=1)
    return ChipProfile(np.array(failures), tags, tol, ", ".join(file.name for file in paths))
