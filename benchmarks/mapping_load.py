"""Fraction of random networks that are mapped at 50 to 100 % load of the CAM, written to benchmarks/mapping_load.csv.

*Load* is the part of the CAM words of the neurons in use that synapses ask for; no two synapses can share one. Two ways
to spread it: "uniform", every neuron has an in-degree of load x 64 (with a profile, neurons have fewer usable words, so
that a high load cannot fit, whatever the mapper does); "usable", neuron n has an in-degree of load x the usable words
of the n-th neuron of its core, in another order, so that neurons that need more must be given places that have more.
The networks are one chip: a population or two a core, with sources drawn at random from all of them ("all"), from its
own core and the next ("near"), or from 64 inputs and its own core ("inputs").

Some networks cannot fit: there is no assignment of the four bias sets to cores so that in every core the n-th largest
in-degree is at most the n-th largest number of usable words, and the sources are at most the usable tags. The table
says how many can by these two counts, which are necessary and not sufficient, and how many of those were mapped.

The profiles are synthetic; "makers" are the tags that work in each core in the mapper of the chip's makers.
"""

import time
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd

from brian2dynapse import facts
from brian2dynapse.chip_profile import ChipProfile
from brian2dynapse.configuration import Dendrite, default_positions
from brian2dynapse.demand import Demand, InputGroup, Link, Population
from brian2dynapse.errors import MappingError
from brian2dynapse.extraction import Extract
from brian2dynapse.files import write_atomically
from brian2dynapse.mapper import map_demand
from brian2dynapse.replay import verify
from brian2dynapse.tags import usable_tags

LOADS = (0.5, 0.75, 0.9, 1.0)
SEEDS = 5
STRUCTURES = {"all": (1, 256), "near": (2, 120), "inputs": (1, 200)}  # populations a core, neurons of each
NEXT = {"all": (0, 1, 2, 3), "near": (0, 1), "inputs": (0,)}  # cores, from the own one on, that sources are in
INPUTS = 64
OUTPUT = Path(__file__).with_suffix(".csv")


def network(structure: str, load: float, spread: str, profile: ChipProfile | None, seed: int) -> Demand:
    """A random network of one chip."""
    random = np.random.default_rng(seed)
    per_core, size = STRUCTURES[structure]
    usable = np.full((4, 256), 64) if profile is None else profile.usable[0].any(axis=-1).sum(axis=-1)
    defaults = {name: facts.bias(name).default for name in facts.core_biases()}
    populations, degrees = [], []
    for core in range(4):
        codes = defaults | {"SOIF_LEAK_N": (2, 10 + core)}
        best = random.permutation(np.sort(usable[core])[::-1][: per_core * size])
        for k in range(per_core):
            populations.append(
                Population(f"core{core}_{k}", size, codes, frozenset(), ("ampa",), np.ones(size, bool), (), None)
            )
            of_all = best[k * size : (k + 1) * size] if spread == "usable" else np.full(size, 64)
            degrees.append(np.floor(load * of_all).astype(int))
    inputs = (InputGroup("input", INPUTS),) if structure == "inputs" else ()
    count = 4 * per_core * size
    rows = []
    for target, degree in enumerate(np.concatenate(degrees)):
        cores = (target // (per_core * size) + np.array(NEXT[structure])) % 4
        pool = (cores[:, None] * per_core * size + np.arange(per_core * size)).ravel()
        pool = np.append(pool, count + np.arange(INPUTS)) if inputs else pool
        rows.append(np.column_stack([random.choice(pool, degree, replace=False), np.full(degree, target)]))
    pairs = np.concatenate(rows)
    fixed = {"link": 0, "number": np.arange(len(pairs)), "source": pairs[:, 0], "target": pairs[:, 1]}
    kinds = {"dendrite": int(Dendrite.ampa), "weight": 1, "precise_delay": 0, "mismatched_delay": 0, "stp": 0}
    table = pd.DataFrame(fixed | kinds | {"cam": -1, "tag": -1})
    return Demand(tuple(populations), inputs, (Link("synapses", "all", "all", False),), table)


def can_fit(demand: Demand, profile: ChipProfile | None) -> bool:
    """Whether some assignment of bias sets to cores passes the two counts."""
    usable = np.full((4, 256), 64) if profile is None else profile.usable[0].any(axis=-1).sum(axis=-1)
    usable = np.sort(usable)[:, ::-1]
    tags = np.full(4, 2046) if profile is None else usable_tags(profile).sum(axis=-1)
    target, source = (demand.synapses[name].to_numpy() for name in ("target", "source"))
    needs = np.sort(np.bincount(target, minlength=demand.neuron_count).reshape(4, -1))[:, ::-1]
    sources = [len(np.unique(source[target // needs.shape[1] == k])) for k in range(4)]
    fits = [[np.all(needs[k] <= usable[c, : needs.shape[1]]) and sources[k] <= tags[c] for c in range(4)]
            for k in range(4)]  # fmt: skip
    return any(all(fits[k][core] for k, core in enumerate(cores)) for cores in permutations(range(4)))


def attempt(demand: Demand, profile: ChipProfile | None) -> tuple[bool, float, str]:
    """Whether a network is mapped (and verified), seconds, and what was short."""
    start = time.perf_counter()
    empty = pd.DataFrame(columns=["connection", "number", "wanted_A", "got_A", "error"])
    extract = Extract(demand, {}, [], {}, empty, [])
    try:
        verify(map_demand(extract, 1, default_positions(1), None, profile, 0))
    except MappingError as error:
        return False, time.perf_counter() - start, str(error).split(" of ")[0]
    return True, time.perf_counter() - start, ""


def main() -> None:
    rows = []
    for board in ("no defects", "synthetic", "synthetic, makers' tags"):
        for spread in ("uniform",) if board == "no defects" else ("uniform", "usable"):
            for structure in STRUCTURES:
                for load in LOADS:
                    for seed in range(SEEDS):
                        tags = "makers" if "makers" in board else "all"
                        profile = None if board == "no defects" else ChipProfile.synthetic(100 + seed, tags=tags)
                        demand = network(structure, load, spread, profile, seed)
                        mapped, seconds, short = attempt(demand, profile)
                        fits = can_fit(demand, profile)
                        rows.append((board, spread, structure, load, seed, fits, mapped, seconds, short))
    columns = ["board", "spread", "structure", "load", "seed", "can_fit", "mapped", "seconds", "short"]
    table = pd.DataFrame(rows, columns=columns)
    write_atomically(OUTPUT, lambda file: table.to_csv(file, index=False, float_format="%.3g"))
    groups = table.groupby(["board", "spread", "structure", "load"], sort=False)
    summary = groups.agg(can_fit=("can_fit", "sum"), mapped=("mapped", "sum"), seconds=("seconds", "median"))
    print("| board | spread | sources | " + " | ".join(f"{load:.0%}" for load in LOADS) + " | s, median |")
    print("|---|---|---|" + "---|" * (len(LOADS) + 1))
    for key, part in summary.groupby(level=[0, 1, 2], sort=False):
        cells = [f"{row.mapped} of {row.can_fit}" for row in part.itertuples()]
        print(f"| {' | '.join(key)} | {' | '.join(cells)} | {part['seconds'].median():.1f} |")
    share = table["mapped"].groupby(table["load"]).sum() / table["can_fit"].groupby(table["load"]).sum()
    print("of those that can fit: " + ", ".join(f"{load:.0%}: {part:.1%}" for load, part in share.items()))
    print(f"wrote {OUTPUT}")


if __name__ == "__main__":
    main()
