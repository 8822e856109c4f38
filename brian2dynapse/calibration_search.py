"""The search of `calibrate`: one bias after the other, or all at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from brian2.core.base import BrianObjectException
from scipy.optimize import differential_evolution

from . import facts
from .biases import Biases, Code
from .code_search import nearest_of_all, ordered_codes, relative_error, search_by_sections
from .errors import TimeStepError
from .targets import Goal

PASSES = 3  # over the targets; turning one bias moves what others have reached
SAMPLE = 32  # neurons on which a measured quantity is searched; what is found is measured on all
CORRECTIONS = 2  # searches, each with the ratio of sample and all neurons where the one before has ended
OF_EVOLUTION = {"maxiter": 30, "popsize": 8}
WRONG = 10.0  # error, in e-folds, of what does not exist


class Search:
    """Searches the codes for goals; knows what has been measured.

    Parameters
    ----------
    goals : list of Goal
        In the order in which they are gone through.
    neurons : int
        How many count.
    statistic : callable
        Of the values of the neurons.
    """

    def __init__(self, goals: list[Goal], neurons: int, statistic):
        self.goals = goals
        self._neurons = neurons
        self._statistic = statistic
        self._known: dict[tuple, np.ndarray] = {}
        self.refused: dict[str, str] = {}  # goal to why a setting could not be simulated

    def values(self, goal: Goal, settings: list[Biases], sample: bool = False) -> list[np.ndarray]:
        """What each neuron has, or each of a sample, in every setting; all NaN where a setting cannot be simulated."""
        count = min(self._neurons, SAMPLE) if sample else self._neurons
        keys = [(goal.name, count, tuple(one[bias] for bias in one)) for one in settings]
        new = {key: one for key, one in zip(keys, settings, strict=True) if key not in self._known}
        if new:
            self._known |= dict(zip(new, self._measured(goal, list(new.values()), count), strict=True))
        return [self._known[key] for key in keys]

    def got(self, goal: Goal, settings: list[Biases], sample: bool = False) -> np.ndarray:
        """The statistic of `values`, one number a setting; NaN where there is none."""
        every = self.values(goal, settings, sample)
        return np.array([self._statistic(one) if np.isfinite(one).any() else np.nan for one in every], dtype=float)

    def _measured(self, goal: Goal, settings: list[Biases], count: int) -> list[np.ndarray]:
        try:
            return list(goal.values(settings, count))
        except (TimeStepError, BrianObjectException) as error:
            # the codes of one of them cannot be simulated; what is wrong with a target itself is raised
            reason = error.__cause__ if isinstance(error, BrianObjectException) else error
            if not isinstance(reason, TimeStepError):
                raise
            if len(settings) > 1:
                half = len(settings) // 2
                return self._measured(goal, settings[:half], count) + self._measured(goal, settings[half:], count)
            self.refused[goal.name] = str(reason)
            return [np.full(count, np.nan)]

    def error(self, settings: list[Biases]) -> np.ndarray:
        """Sum of squares of the logarithmic errors of all goals, one number a setting."""
        total = np.zeros(len(settings))
        for goal in self.goals:
            off = relative_error(self.got(goal, settings), goal.asked)
            total += np.nan_to_num(np.clip(off, -WRONG, WRONG), nan=WRONG) ** 2
        return total

    def along(self, start: Biases, report=None) -> Biases:
        """One target after the other, until nothing changes; the best of all passes, the start included."""
        best, least = start.copy(), self.error([start])[0]
        now = start.copy()
        for number in range(PASSES):
            before = now.copy()
            for goal in self.goals:
                now[goal.bias] = self._one(goal, now, near=number > 0)
                if report is not None:
                    report(goal.name, number)
            error = self.error([now])[0]
            if error < least:
                best, least = now.copy(), error
            if now == before:
                break
        return best

    def _one(self, goal: Goal, biases: Biases, near: bool) -> Code:
        """The code of its bias that brings a goal nearest, others as they are; `near`: around the present one first."""
        codes = [biases[goal.bias]]
        if goal.over_currents is not None:
            currents, numbers = ordered_codes(goal.bias, biases.table)
            values = self._statistic(goal.over_currents(biases, currents, self._neurons), axis=1)
            codes.append(_code(numbers[nearest_of_all(values, goal.asked)]))
        else:
            for correction in range(CORRECTIONS if self._neurons > SAMPLE else 1):
                codes.append(self._on_sample(goal, biases, codes[-1], near or correction > 0))
        settings = [with_codes(biases, {goal.bias: code}) for code in codes]
        return codes[nearest_of_all(self.got(goal, settings), goal.asked)]

    def _on_sample(self, goal: Goal, biases: Biases, code: Code, near: bool) -> Code:
        """Search on a sample of the neurons, whose value is to all neurons' as it is at a known code."""
        currents, numbers = ordered_codes(goal.bias, biases.table)
        known = [with_codes(biases, {goal.bias: code})]
        ratio = float(self.got(goal, known, sample=True)[0] / (self.got(goal, known)[0] or np.nan))
        asked = goal.asked * (ratio if 0 < ratio < np.inf else 1.0)

        def measured(positions):
            settings = [with_codes(biases, {goal.bias: _code(numbers[one])}) for one in positions]
            return self.got(goal, settings, sample=True)

        start = int(np.argmin(np.abs(currents - known[0].current_in_amp(goal.bias)))) if near else None
        tried = search_by_sections(measured, len(numbers), asked, start)
        return _code(numbers[list(tried)[nearest_of_all(np.array(list(tried.values())), asked)]])

    def all_at_once(self, start: Biases, turned: list[str], seed: int, options: Mapping) -> Biases:
        """Turn all biases together by differential evolution; the start, if nothing better is found."""
        scales = [ordered_codes(bias, start.table) for bias in turned]
        first = [
            int(np.argmin(np.abs(currents - start.current_in_amp(bias))))
            for (currents, _), bias in zip(scales, turned, strict=True)
        ]

        def setting(positions) -> Biases:
            chosen = zip(turned, scales, positions, strict=True)
            return with_codes(start, {bias: _code(codes[round(k)]) for bias, (_, codes), k in chosen})

        found = differential_evolution(
            lambda positions: self.error([setting(one) for one in positions.T]),
            [(0, len(currents) - 1) for currents, _ in scales],
            integrality=True,
            vectorized=True,
            updating="deferred",
            polish=False,
            x0=first,
            seed=seed,
            **(OF_EVOLUTION | dict(options)),
        )
        best = setting(found.x)
        return best if self.error([best])[0] < self.error([start])[0] else start


def _code(number: int) -> Code:
    return Code(*(int(part) for part in divmod(int(number), facts.FINE_CODES)))


def with_codes(biases: Biases, codes: Mapping) -> Biases:
    one = biases.copy()
    one.update(codes)
    return one
