"""`compensate`: neurons and weight masks of an individual chip with which a population responds alike."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from brian2.units import get_dimensions, hertz

from . import facts
from .biases import Biases
from .chip import Chip
from .compensation_result import Compensation
from .errors import DynapseError, unknown_name
from .mask_search import Search, search_masks
from .measure_inputs import checked_count, mask_table, physical_numbers
from .provenance_record import carry, record_of
from .responses import MeasuredResponse
from .selection import bits_of, masks_for_charge, masks_of, narrowest, spread
from .weights import WEIGHT_BITS

WEIGHT_BIASES = tuple(f"SYAM_W{bit}_P" for bit in range(WEIGHT_BITS))
PULSE_BIAS = "SYPD_EXT_N"
START, NEURONS, MASKS, BOTH = "as they come", "chosen neurons", "chosen masks", "both"
CHOICES = {"neurons": (START, NEURONS), "masks": (START, MASKS), "both": (START, NEURONS, MASKS, BOTH)}
# What a search knows of the charge of a bit: the mean of the core, or that of the individual synapse, which a
# simulation can look up and a laboratory cannot. How far it may be off, relative.
CHARGES = {"nominal": 0.2, "chip": 0.02}
SEARCH, SELECTION, FRESH = range(3)  # stimuli
INHIBITORY = ("gaba", "shunt")  # more weight, smaller response


def compensate(
    biases: Biases,
    chip: Chip,
    population: int = 64,
    response=None,
    candidates=range(facts.NEURONS_PER_CORE),
    choose: str | None = None,
    target: float | None = None,
    rounds: int = 8,
    charges: str = "nominal",
    unused: bool = False,
    tolerance: float = 0.005,
    seed: int = 0,
    report: Callable[[str], None] | None = None,
) -> Compensation:
    """Choose neurons and weight masks on an individual chip, so that a population responds alike.

    Parameters
    ----------
    biases : Biases
        Codes of the core.
    chip : Chip
        The individual.
    population : int
        Neurons that are needed.
    response : InputResponse, DCResponse, MeasuredResponse or callable
        What neurons are to agree in. A function is a `MeasuredResponse` without synapses.
    candidates : array_like of int
        Physical neurons to choose from: numbers 1024*chip + 256*core + neuron, or rows (chip, core, neuron). The first
        `population` of them are the population as it comes.
    choose : str, optional
        ``"neurons"``, ``"masks"`` or ``"both"``: by default both, and neurons if the response has no synapses.
    target : float, optional
        The response that is wanted. By default the median of the candidates, and only spread counts.
    rounds : int
        Measurements of all candidates in the search for masks.
    charges : str
        What the search knows of the charge of a bit: ``"nominal"``, the same for all synapses, as in a laboratory; or
        ``"chip"``, those of the individual, pulse widths included, which a simulation can look up. These give the
        masks of the first round, too; with ``rounds=0`` nothing else.
    unused : bool
        Whether a word may be left without a bit (mask 0), which takes its input from the neuron.
    tolerance : float
        Responses that are this near to the target, relative, are not improved.
    seed : int
        Of the stimuli: one for the search, one more for the choice of neurons, and a fresh one for the report.
    report : callable, optional
        Is told in a line what is being measured.

    Returns
    -------
    Compensation
        Of the stage with the least spread (around the target, if one is given) over the stimuli of search and choice.
        That of the start, if nothing is better.

    Raises
    ------
    DynapseError
        If an argument is of a wrong kind or range, masks are to be chosen for a response without synapses, or the
        candidates do not respond at all.

    Notes
    -----
    Neurons: the window of the sorted responses with the least CV, see `selection.narrowest`. Masks: see
    `mask_search.search_masks`; only measured responses decide. With both, masks are searched for all candidates,
    and then the neurons are chosen that agree best.
    """
    chip, response = _checked(biases, chip, response)
    physical = physical_numbers(list(candidates) if isinstance(candidates, range) else candidates)
    if len(np.unique(physical)) < len(physical):
        raise DynapseError("candidates: a physical neuron is there twice; give each once")
    count = checked_count("population", population, len(physical))
    choose = choose or ("both" if response.synapses else "neurons")
    if choose not in CHOICES:
        raise unknown_name("choice", choose, CHOICES)
    if choose != "neurons" and not response.synapses:
        raise DynapseError(
            f"choose is {choose!r}, but {type(response).__name__} has no synapses whose weights could be chosen; give "
            "choose='neurons', or a response to input, InputResponse(...)"
        )
    if charges not in CHARGES:
        raise unknown_name("kind of charges", charges, CHARGES)
    for what, number in (("rounds", rounds), ("seed", seed)):
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 0:
            raise DynapseError(f"{what} is {number!r}; give an integer, 0 or more")
    start = np.empty((len(physical), 0), dtype=int)
    if response.synapses:
        start = mask_table(response.weight, len(physical), response.synapses)
    if choose == "masks":
        physical, start = physical[:count], start[:count]
    cams = _words(chip, physical, response.synapses)

    def measure(rows, masks, stimulus):
        return response.measure(biases, chip, physical[rows], masks, cams[rows], [seed, stimulus])

    target = None if target is None else _checked_target(target)
    everyone = np.arange(len(physical))
    tell = report or (lambda text: None)
    tell(f"{len(physical)} neurons as they come")
    at_start = measure(everyone, start, SEARCH)
    wanted = float(np.median(at_start)) if target is None else target
    if not wanted > 0:
        raise DynapseError(
            f"the median response of {len(physical)} candidates is 0; raise the input or the weights, or give a target"
        )
    masks, at_end = start, at_start
    if choose != "neurons":
        if not start.any(axis=1).all():
            raise DynapseError("weight: a neuron has no bit at the start, which tells nothing; give it one at least")
        bits = _charges(biases, chip, physical, cams, charges)
        rising = response.dendrite not in INHIBITORY
        search = Search(wanted, rounds, CHARGES[charges], tolerance, unused, rising)
        masks, at_end = _chosen_masks(measure, start, at_start, bits, charges == "chip", search, tell)

    def of_both(stimulus):
        """Responses with the masks of the start and with the chosen ones."""
        if choose == "neurons":
            return dict.fromkeys((START, MASKS), measure(everyone, start, stimulus))
        found = measure(np.tile(everyone, 2), np.concatenate([start, masks]), stimulus)
        return {START: found[: len(everyone)], MASKS: found[len(everyone) :]}

    tell("a second stimulus, to choose by")
    again = of_both(SELECTION)
    seen = {START: (at_start + again[START]) / 2, MASKS: (at_end + again[MASKS]) / 2}
    first = np.arange(count)
    members = {
        START: first,
        NEURONS: narrowest(seen[START], count, target),
        MASKS: first,
        BOTH: narrowest(seen[MASKS], count, target),
    }
    with_masks = {START: START, NEURONS: START, MASKS: MASKS, BOTH: MASKS}
    stages = CHOICES[choose]
    costs = [_cost(seen[with_masks[stage]][members[stage]], target) for stage in stages]
    kept = stages[int(np.argmin(costs))]  # the first of equal ones
    tell("a fresh stimulus, to report")
    fresh = of_both(FRESH)
    tables = [
        pd.DataFrame({"stage": "all candidates", "neuron": physical, "response": fresh[START]}),
        *(
            pd.DataFrame(
                {
                    "stage": stage,
                    "neuron": physical[members[stage]],
                    "response": fresh[with_masks[stage]][members[stage]],
                }
            )
            for stage in stages
        ),
    ]
    circuits = response.circuits_on(chip) if hasattr(response, "circuits_on") else ()
    made_with = record_of([biases, chip], seed, circuits)
    responses = carry(pd.concat(tables, ignore_index=True), made_with)
    chosen = members[kept]
    before, after = (
        responses.loc[responses["stage"] == stage, ["neuron", "response"]].reset_index(drop=True)
        for stage in (START, kept)
    )
    numbers = physical[chosen]
    return Compensation(
        physical=np.column_stack(np.unravel_index(numbers, _board(numbers))),
        masks=(masks if with_masks[kept] == MASKS else start)[chosen],
        cams=cams[chosen],
        sources=response.sources if response.synapses else np.empty(0, dtype=int),
        target=wanted,
        kept=kept,
        before=before,
        after=after,
        table=carry(_summary(responses, kept), made_with),
        responses=responses,
        dendrite=getattr(response, "dendrite", ""),
        quantity=response.quantity,
        provenance=made_with,
    )


def _checked(biases, chip, response):
    if not isinstance(biases, Biases):
        raise DynapseError(f"biases is {type(biases).__name__}; give a brian2dynapse.Biases")
    if not isinstance(chip, Chip):
        raise DynapseError(
            f"chip is {type(chip).__name__}; give the brian2dynapse.Chip whose mismatch is to be compensated"
        )
    if callable(response) and not isinstance(response, type):
        response = MeasuredResponse(response)
    if isinstance(response, type) or not hasattr(response, "measure"):
        raise DynapseError(
            f"response is {response!r}; give InputResponse(rate=100*Hz), DCResponse(code), or "
            "MeasuredResponse(function)"
        )
    return chip, response


def _checked_target(target) -> float:
    right = isinstance(target, (int, float, np.number)) or get_dimensions(target) is hertz.dim
    if not right or isinstance(target, bool) or np.ndim(target) or not np.isfinite(target) or not float(target) > 0:
        raise DynapseError(
            f"target is {target!r}; give one positive number in the unit of the response (hertz for rates)"
        )
    return float(target)


def _cost(responses: np.ndarray, target: float | None) -> float:
    """What is to be small: the CV, or the root mean square distance from a target that was given, relative."""
    if target is None:
        return spread(responses)
    return float(np.sqrt(np.mean((responses - float(target)) ** 2)) / float(target))


def _words(chip: Chip, physical: np.ndarray, synapses: int) -> np.ndarray:
    """CAM words for the synapses: the first ones; if there is a profile, the first that work with all tags."""
    if chip.profile is None or not synapses:
        return np.tile(np.arange(synapses), (len(physical), 1))
    works = chip.profile.usable.reshape(-1, facts.SYNAPSES_PER_NEURON, 2).all(axis=-1)
    if physical.max() >= len(works):
        raise DynapseError(
            f"candidate {physical.max()} is on chip {physical.max() // facts.NEURONS_PER_CHIP}, but the profile has "
            f"{chip.profile.chips} chips; leave it out"
        )
    short = physical[works[physical].sum(axis=1) < synapses]
    if short.size:
        raise DynapseError(
            f"candidates {short[:10].tolist()} have fewer than {synapses} CAM words that work by the profile of the "
            "chip; leave them out, or use fewer synapses"
        )
    return np.argsort(~works[physical], axis=1, kind="stable")[:, :synapses]


def _charges(biases: Biases, chip: Chip, physical: np.ndarray, cams: np.ndarray, known: str) -> np.ndarray:
    """What is known of the charge of every bit, in units of the mean pulse width; shape (neurons, words, 4)."""
    currents = np.array([biases.current_in_amp(bias) for bias in WEIGHT_BIASES])
    charges = np.tile(currents, (*cams.shape, 1))
    if known == "chip":
        places = np.repeat(physical, cams.shape[1]), cams.ravel()
        for bit, bias in enumerate(WEIGHT_BIASES):
            charges[..., bit] *= chip.synapse_factors(bias, *places).reshape(cams.shape)
        charges /= chip.synapse_factors(PULSE_BIAS, *places).reshape(cams.shape)[..., None]
    return charges


def _chosen_masks(measure, start, at_start, charges, known, search: Search, tell):
    """Masks, and the responses that were measured with them."""
    first = None
    if known:
        on = bits_of(start)
        goal = float(np.median((charges * on).sum(axis=(1, 2))))
        first = masks_of([masks_for_charge(*one, goal, search.unused) for one in zip(on, charges, strict=True)])
        if not search.rounds:
            return first, measure(np.arange(len(start)), first, SEARCH)

    def measure_round(number, rows, masks):
        tell(f"masks, round {number} of {search.rounds}: {len(rows)} neurons")
        return measure(rows, masks, SEARCH)

    return search_masks(measure_round, start, at_start, charges, search, first)


def _summary(responses: pd.DataFrame, kept: str) -> pd.DataFrame:
    rows = []
    for stage, group in responses.groupby("stage", sort=False):
        values = group["response"].to_numpy()
        quantiles = dict(
            zip(("min", "q25", "median", "q75", "max"), np.quantile(values, [0, 0.25, 0.5, 0.75, 1]), strict=True)
        )
        rows.append(
            {"stage": stage, "kept": stage == kept, "neurons": len(values), "mean": values.mean(), "sd": values.std()}
            | {"cv": spread(values)}
            | quantiles
        )
    return pd.DataFrame(rows)


def _board(numbers: np.ndarray) -> tuple[int, int, int]:
    """Shape (chips, cores, neurons) of a board that has these neurons."""
    chips = int(numbers.max()) // facts.NEURONS_PER_CHIP + 1
    return chips, facts.CORES_PER_CHIP, facts.NEURONS_PER_CORE
