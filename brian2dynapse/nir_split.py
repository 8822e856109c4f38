"""Populations of a NIR graph whose neurons differ in what a core of the chip has one of. No Brian2."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .nir_graph import EQUAL, Jumps, Layers, uniform


def differing(found: Layers) -> dict[str, list[str]]:
    """Populations whose neurons differ in what a core has one of: tau, drive, synaptic time constants.

    Parameters
    ----------
    found : Layers
        Opened graph.

    Returns
    -------
    dict of str to list of str
        Population to what differs, with its range.
    """
    problems = {}
    for name, layer in found.populations.items():
        values = [("tau", layer.tau), ("constant drive", layer.drive)]
        values += [("tau_syn", one.tau) for one in found.jumps if one.target == name and one.tau is not None]
        wrong = [f"{what} {np.min(one):.4g} to {np.max(one):.4g}" for what, one in values if not uniform(one)]
        wrong = list(dict.fromkeys(wrong))
        if wrong:
            problems[name] = wrong
    return problems


def split(found: Layers) -> Layers:
    """Populations of equal parameters.

    Parameters
    ----------
    found : Layers
        Opened graph.

    Returns
    -------
    Layers
        Populations that differed in several parts, ``name_0``, ``name_1``, ...
    """
    parts = {}
    for name, layer in found.populations.items():
        keys = [layer.tau, layer.drive]
        keys += [one.tau for one in found.jumps if one.target == name and one.tau is not None]
        scale = [np.max(np.abs(one), initial=0.0) or 1.0 for one in keys]
        table = np.stack([np.round(one / (EQUAL * unit)) for one, unit in zip(keys, scale, strict=True)], axis=1)
        _, group = np.unique(table, axis=0, return_inverse=True)
        group = np.ravel(group)
        count = group.max(initial=0) + 1
        parts[name] = [(name if count == 1 else f"{name}_{k}", np.flatnonzero(group == k)) for k in range(count)]
    made = replace(found, populations={}, jumps=[], outputs={}, notes=list(found.notes))
    for name, layer in found.populations.items():
        for part, rows in parts[name]:
            made.populations[part] = replace(
                layer, name=part, tau=layer.tau[rows], drive=layer.drive[rows], rows=layer.rows[rows]
            )
        if len(parts[name]) > 1:
            made.notes.append(f"{name}: split into {len(parts[name])} populations of equal parameters")
    for one in found.jumps:
        for target, rows in parts[one.target]:
            for source, columns in parts.get(one.source, [(one.source, np.arange(one.matrix.shape[1]))]):
                matrix = one.matrix[np.ix_(rows, columns)]
                if np.any(matrix):
                    tau = None if one.tau is None else one.tau[rows]
                    made.jumps.append(Jumps(source, target, matrix, one.delay, tau))
    made.outputs = {
        name: [part for one in read for part, _ in parts[one]] for name, read in found.outputs.items()
    }  # fmt: skip
    return made
