"""`calibrate`: from what a user wants to the codes of the biases."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from . import facts
from .biases import Biases
from .calibration_search import Search
from .chip import Chip
from .code_search import ordered_codes
from .errors import CalibrationError, DynapseError, unknown_name
from .measure_bench import checked_chip, checked_count, nominal
from .provenance_record import carry, provenance
from .targets import Goal, checked_goals

STATISTICS = {"median": np.nanmedian, "mean": np.nanmean}
OPTIMIZERS = ("differential_evolution",)


def calibrate(
    biases: Biases,
    targets: Mapping,
    chip: Chip | None = None,
    neurons: int | None = None,
    statistic: str = "median",
    optimizer: str | None = None,
    turn: Sequence[str] = (),
    seed: int = 0,
    check: bool = True,
    report=None,
    **options,
) -> Calibration:
    """Choose codes such that neurons of a chip have the time constants, rates, potentials that are asked for.

    Each target turns one bias. Targets with a closed form are searched over all 1536 codes of it; those that take a
    simulation by sections along the codes, in the order of their currents. Targets that move each other are gone
    through again, until no code changes.

    Parameters
    ----------
    biases : Biases
        The start; stays as it is.
    targets : mapping of str to Quantity, float or Target
        Of `targets.QUANTITIES` and `observables.OBSERVABLES`: ``tau_mem``, ``tau_ampa``, ``tau_nmda``, ``tau_gaba``,
        ``tau_shunt``, ``tau_ahp``, ``tau_ca``, ``t_ref``, ``t_pulse``, ``t_pulse_ahp``, ``delay``, ``delay_precise``,
        ``delay_mismatched``, ``delay_both``, ``v_threshold``, ``rheobase``; measured: ``rate``, ``epsp_peak``,
        ``ipsp_peak``, ``epsp_half_fall``, ``adaptation_ratio``, ``depression``. A `Target` says how it is measured,
        and which bias is turned.
    chip : Chip, optional
        The individual; by default the ideal chip. On one with mismatch the `statistic` over its neurons is calibrated.
    neurons : int, optional
        The first ones of core 0; by default one of the ideal chip, else all 256.
    statistic : str
        Of the values of the neurons: ``"median"`` or ``"mean"``.
    optimizer : str, optional
        ``"differential_evolution"``: after the search, all biases are turned at once over all their codes (SciPy).
        For targets that move each other, and more biases than targets.
    turn : sequence of str
        Further biases that the optimizer may turn.
    seed : int
        Of the optimizer.
    check : bool
        Raise if a target is not reached; False returns the result with its table.
    report : callable, optional
        Called with (target, pass) when a target has been searched.
    **options
        Of `scipy.optimize.differential_evolution`: ``maxiter``, ``popsize``, ...

    Returns
    -------
    Calibration
        `biases`, `table`, `spread`, `values`, `plot()`.

    Raises
    ------
    CalibrationError
        If targets are not reached; says the nearest values that codes reach, and has the `result`.
    DynapseError, UnknownNameError
        For arguments of a wrong kind.

    Notes
    -----
    On a chip with mismatch a simulated search runs on the first 32 neurons, whose value is scaled to that of all where
    it ends; what is kept, and told, is measured on all.

    Codes are steps: the nearest is within 1 % of most currents, and up to 12 % off in the gaps between coarse ranges
    and at the smallest currents. A target counts as reached within its tolerance, 12 % by default.

    The result is never worse than the start, in the sum of squares of the logarithmic errors.

    Examples
    --------
    >>> from brian2 import ms
    >>> result = calibrate(Biases(), {"tau_mem": 20*ms, "tau_ampa": 5*ms})
    >>> result.biases["SOIF_LEAK_N"]
    Code(coarse=1, fine=34)
    """
    if not isinstance(biases, Biases):
        raise DynapseError(f"biases is {type(biases).__name__}; give a brian2dynapse.Biases")
    if statistic not in STATISTICS:
        raise unknown_name("statistic", statistic, STATISTICS)
    if optimizer is not None and optimizer not in OPTIMIZERS:
        raise unknown_name("optimizer", optimizer, OPTIMIZERS)
    if optimizer is None and (turn or options):
        given = [*(["turn"] if turn else []), *options]
        raise DynapseError(f"{' and '.join(given)}: of an optimizer; give one, optimizer='differential_evolution'")
    if isinstance(turn, str):
        raise DynapseError(f"turn is {turn!r}; give a list of biases, such as [{turn!r}]")
    chip = checked_chip(chip, "calibrate")
    count = _number(neurons, chip)
    goals = checked_goals(targets, biases, chip)
    turned = [goal.bias for goal in goals]
    for bias in turn:
        biases[bias]
        turned += [bias] if bias not in turned else []
    search = Search(goals, count, STATISTICS[statistic])
    found = search.along(biases, report)
    if optimizer is not None:
        found = search.all_at_once(found, turned, seed, options)
    drawn = None if optimizer is None else seed
    result = Calibration(biases, found, goals, list(targets), chip, count, statistic, search, drawn)
    if check and not result.table["success"].all():
        raise CalibrationError(_failures(result.table), result)
    return result


def _number(neurons, chip: Chip) -> int:
    if neurons is None:
        return facts.NEURONS_PER_CORE if chip.individual or chip.noise else 1
    return checked_count(neurons, chip, "calibrate")


class Calibration:
    """What `calibrate` found.

    Attributes
    ----------
    biases : Biases
        The new codes.
    start : Biases
        Those before (a copy).
    table : pandas.DataFrame
        A row a target, in the order given, with its name as index: target, asked, got (the statistic over the
        neurons), unit, bias, code, error (got over asked - 1), success (within the tolerance), tolerance, before (at
        the start), reachable (the values that the codes of the bias reach, for closed forms), note.
    spread : pandas.DataFrame
        Over the neurons, before and after: target, stage, neurons, median, mean, sd, cv, p05, p95, unit.
    values : pandas.DataFrame
        Of every neuron: target, neuron, before, after, asked, unit.
    chip : Chip
        The individual.
    statistic : str
        ``"median"`` or ``"mean"``.
    provenance : dict
        Versions, chip, seed (of an optimizer), biases that were found; see `provenance`. The tables carry it.
    """

    def __init__(self, start, found, goals, order, chip, neurons, statistic, search, seed):
        self.start, self.biases = start.copy(), found.copy()
        self.chip, self.statistic = chip, statistic
        of_all = STATISTICS[statistic]
        rows, values = {}, {}
        for goal in goals:
            before, after = search.values(goal, [self.start, self.biases])
            got = float(of_all(after)) if np.isfinite(after).any() else np.nan
            error = got / goal.asked - 1
            reached = bool(abs(error) <= goal.tolerance)
            reachable = _reachable(goal, self.biases, neurons, of_all)
            rows[goal.name] = {
                "target": goal.name,
                "asked": goal.asked,
                "got": got,
                "unit": goal.unit,
                "bias": goal.bias,
                "code": tuple(self.biases[goal.bias]),
                "error": error,
                "success": reached,
                "tolerance": goal.tolerance,
                "before": float(of_all(before)) if np.isfinite(before).any() else np.nan,
                "reachable": reachable,
                "note": _note(goal, self.biases, chip)
                if reached
                else _why(goal, self.biases, got, reachable, search.refused.get(goal.name)),
            }
            values[goal.name] = pd.DataFrame(
                {
                    "target": goal.name,
                    "neuron": np.arange(len(after)),
                    "before": before,
                    "after": after,
                    "asked": goal.asked,
                    "unit": goal.unit,
                }
            )
        self.table = pd.DataFrame([rows[name] for name in order], index=order)
        self.values = pd.concat([values[name] for name in order], ignore_index=True)
        self.spread = _spread(self.values)
        self.provenance = provenance(found, chip, seed=seed)
        for table in (self.table, self.values, self.spread):
            carry(table, self.provenance)

    @property
    def success(self) -> bool:
        """Whether all targets are reached."""
        return bool(self.table["success"].all())

    def plot(self, axes=None):
        """Draw the neurons' values over what was asked for, before and after.

        Parameters
        ----------
        axes : matplotlib Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        matplotlib Axes
        """
        from .plot_measured import calibration

        return calibration(self.values, self.table, axes)

    def __repr__(self) -> str:
        reached = int(self.table["success"].sum())
        return f"<Calibration: {reached} of {len(self.table)} targets reached on {self.chip!r}>"

    def _repr_html_(self) -> str:
        shown = self.table.drop(columns="target")
        return f"<p>{html.escape(repr(self))}</p>{shown.to_html()}{self.spread.to_html(index=False)}"


def _reachable(goal: Goal, biases: Biases, neurons: int, statistic) -> tuple[float, float] | None:
    if goal.over_currents is None:
        return None
    currents = ordered_codes(goal.bias, biases.table)[0]
    values = statistic(goal.over_currents(biases, currents, neurons), axis=1)
    return float(values.min()), float(values.max())


def _note(goal: Goal, biases: Biases, chip: Chip) -> str:
    """What a target that is reached does not say by itself."""
    threshold = nominal("v_threshold", [biases], chip)[0]
    if goal.name == "epsp_peak" and goal.asked > threshold:
        return f"beyond the threshold, {threshold:.3g} volt at SOIF_SPKTHR_P {biases.shown('SOIF_SPKTHR_P')}: it spikes"
    return ""


def _why(goal: Goal, biases: Biases, got: float, reachable, refused: str | None) -> str:
    of = f"{goal.bias} {biases.shown(goal.bias)}"
    if not np.isfinite(got):
        reason = refused or "no neuron has one, for example because all are silent"
        return f"it does not exist at any code of {goal.bias} that was tried: {reason}"
    if reachable is None:
        return f"the nearest that was found is {got:.4g} {goal.unit}, at {of}"
    low, high = reachable
    return f"codes of {goal.bias} reach {low:.4g} to {high:.4g} {goal.unit}; the nearest is {got:.4g}, at {of}"


def _failures(table: pd.DataFrame) -> str:
    failed = table[~table["success"]]
    lines = [
        f"{row.target}: asked {row.asked:.4g} {row.unit}, {row.note} ({row.error:+.0%}, tolerance {row.tolerance:.0%})"
        for row in failed.itertuples()
    ]
    return (
        f"{len(failed)} of {len(table)} targets are not reached; ask for what is reachable, turn another bias "
        "(Target(..., bias=...)), or take the result as it is (check=False, or `result` of this error)\n  "
        + "\n  ".join(lines)
    )


def _spread(values: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for target, one in values.groupby("target", sort=False):
        for stage in ("before", "after"):
            got = one[stage].dropna()
            rows.append(
                {
                    "target": target,
                    "stage": stage,
                    "neurons": len(got),
                    "median": got.median(),
                    "mean": got.mean(),
                    "sd": got.std(ddof=0),
                    "cv": got.std(ddof=0) / got.mean() if len(got) and got.mean() else np.nan,
                    "p05": got.quantile(0.05),
                    "p95": got.quantile(0.95),
                    "unit": one["unit"].iloc[0],
                }
            )
    return pd.DataFrame(rows)
