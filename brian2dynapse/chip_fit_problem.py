"""The least-squares problem behind `fit_chip`: logarithms of closed forms against those of measured values."""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares

from .chip_spread import Spread, spread
from .errors import DynapseError
from .measurements import Group, Measurements
from .observables import OBSERVABLES

FARTHEST = float(np.log(2000))  # logarithm of the largest change of a constant; from about 900 on the table is wrong
STEP = 1e-5  # of the logarithm of a constant, for derivatives: error of a central difference below 1e-9
ALIKE = 1e-7  # singular value, of the largest, below which constants act alike
ROUNDS = 20  # of constants and spread in turn; two or three suffice
SETTLED = 1e-10  # change of the variances from one round to the next, of the variances
NO_VARIANCE = 1e-14  # of a logarithm: rounding errors
SMALLEST_SCATTER = 1e-4  # of a measurement, of a current; tables are rounded


class Problem:
    """Logarithms of measured values, of the closed forms, and their derivatives by the constants to be fitted.

    Parameters
    ----------
    measured : Measurements
        The table.
    constants : dict of str to float
        Of the chip, SI units: where the fit starts.
    names : list of str
        Constants to be fitted.
    """

    def __init__(self, measured: Measurements, constants: dict[str, float], names: list[str]):
        self.measured, self.start, self.names = measured, constants, names
        self._volt = constants["U_T"] / constants["kappa_n"]  # a voltage in this unit is the logarithm of a current
        self._values = self._joined(lambda group: self._logarithm(group, measured.observed[group.rows]))

    # -- the closed forms ----------------------------------------------------------------------------

    def _logarithm(self, group: Group, values) -> np.ndarray:
        return values / self._volt if group.observable.unit == "volt" else np.log(values)

    def _joined(self, of_group) -> np.ndarray:
        joined = np.empty(len(self.measured.observed))
        for group in self.measured.groups:
            joined[group.rows] = of_group(group)
        return joined

    def constants(self, steps: np.ndarray) -> dict[str, float]:
        """Constants that differ from the start by steps of their logarithms."""
        moved = zip(self.names, steps, strict=True)
        return self.start | {name: float(self.start[name] * np.exp(step)) for name, step in moved}

    def fitted_values(self, steps: np.ndarray) -> np.ndarray:
        """Closed forms, SI units, in the order of the rows."""
        constants = self.constants(steps)
        return self._joined(lambda group: group.observable.value(group.currents, constants))

    def _expected(self, steps: np.ndarray) -> np.ndarray:
        constants = self.constants(steps)
        return self._joined(lambda group: self._logarithm(group, group.observable.value(group.currents, constants)))

    def jacobian(self, steps: np.ndarray) -> np.ndarray:
        """Derivatives of the logarithms of the closed forms by those of the constants, shape (rows, constants)."""
        changes = STEP * np.eye(len(self.names))
        columns = [(self._expected(steps + one) - self._expected(steps - one)) / (2 * STEP) for one in changes]
        return np.stack(columns, axis=1)

    def _sensitivities(self, steps: np.ndarray) -> dict[str, np.ndarray]:
        """The same by the logarithm of the current of each bias, shape (rows,)."""
        constants, found = self.constants(steps), {}
        for group in self.measured.groups:
            for bias in group.observable.biases:
                up, down = (
                    self._logarithm(group, group.observable.value(group.currents | {bias: current}, constants))
                    for current in (group.currents[bias] * np.exp(STEP), group.currents[bias] * np.exp(-STEP))
                )
                found.setdefault(bias, np.zeros(len(self._values)))[group.rows] = (up - down) / (2 * STEP)
        return found

    # -- what the rows can tell ----------------------------------------------------------------------

    def check(self, others: Measurements) -> None:
        """Refuse constants on which no row depends, and those that the rows cannot tell apart.

        Parameters
        ----------
        others : Measurements
            Of everything that could be measured; what would help is named.
        """
        start = np.zeros(len(self.names))
        jacobian = self.jacobian(start)
        sizes = np.linalg.norm(jacobian, axis=0)
        for name, size in zip(self.names, sizes, strict=True):
            if size < ALIKE:
                quantities = [one.name for one in OBSERVABLES.values() if name in one.constants]
                quantities += ["bias_current"] if name.startswith("mirror_scale") else []
                advice = f"measure {' or '.join(quantities)}, or leave" if quantities else "no quantity does; leave"
                raise DynapseError(f"no row of the table depends on {name}; {advice} it out of fit")
        _, singular, right = np.linalg.svd(jacobian / sizes)
        singular = np.pad(singular, (0, len(self.names) - len(singular)))
        alike = right[singular < ALIKE * singular[0]]
        if not len(alike):
            return
        shares = np.abs(alike).max(axis=0)
        mixed = [name for name, share in zip(self.names, shares, strict=True) if share > 1e-4]
        keep = [name for name in self.names if name not in mixed[len(mixed) - len(alike) :]]
        helping = self._helping(jacobian, others, len(self.names) - len(alike))
        quantities = dict.fromkeys(group.observable.name for group in self.measured.groups)
        raise DynapseError(
            f"{', '.join(mixed[:-1])} and {mixed[-1]} cannot be told apart by this table ({', '.join(quantities)}), "
            f"which knows only a combination of them. Leave {len(alike)} of them as known, for example fit={keep!r}"
            + (f", or measure also {' or '.join(helping)}" if helping else "")
        )

    def _helping(self, jacobian: np.ndarray, others: Measurements, rank: int) -> list[str]:
        """Quantities whose measurement would tell more."""
        found = {}
        all_rows = Problem(others, self.start, self.names).jacobian(np.zeros(len(self.names)))
        for group in others.groups:
            more = np.concatenate([jacobian, all_rows[group.rows]])
            more = more / np.linalg.norm(more, axis=0)
            if np.linalg.matrix_rank(more, tol=ALIKE * np.linalg.norm(more, 2)) > rank:
                name = group.observable.name
                found[f"{name} at several codes" if group.observable.unit == "volt" else name] = None
        return list(found)

    # -- the solution --------------------------------------------------------------------------------

    def solve(self, cvs: dict[str, float], watched: list[str], fitted: bool):
        """Constants, spreads, and standard errors of the logarithms of the constants.

        Parameters
        ----------
        cvs : dict of str to float
            Mismatch of the biases whose spread is not fitted.
        watched : list of str
            Biases of which several neurons were measured.
        fitted : bool
            Whether their spread is fitted.

        Returns
        -------
        tuple
            Steps of the logarithms of the constants; `Spread` by bias; standard errors.
        """
        variances = {} if self.measured.neurons is None else {bias: np.log1p(cv**2) for bias, cv in cvs.items()}
        if fitted:
            variances |= dict.fromkeys(watched, 0.0)
        steps, spreads = np.zeros(len(self.names)), {}
        for number in range(ROUNDS):
            acting = {bias: one for bias, one in self._sensitivities(steps).items() if variances.get(bias)}
            # A factor of mean 1 has a logarithm of mean -variance/2: so much are measured means beside closed forms.
            shift = sum((-variances[bias] / 2 * one for bias, one in acting.items()), np.zeros(len(self._values)))
            scatter = self._scatter(acting, variances, spreads)
            whiten = self._whitening(acting, variances, np.ones(len(shift)) if scatter is None else scatter)
            solution = least_squares(
                lambda at, whiten=whiten, shift=shift: whiten(self._expected(at) + shift - self._values),
                steps,
                lambda at, whiten=whiten: whiten(self.jacobian(at)),
                xtol=1e-12,
                ftol=1e-12,
                gtol=1e-12,
                bounds=(-FARTHEST, FARTHEST),
            )
            steps = solution.x
            before = dict(variances)
            spreads = {bias: self._spread(bias, steps) for bias in watched}
            if fitted:
                variances |= {bias: one.variance for bias, one in spreads.items()}
            changes = [abs(variances[bias] - before[bias]) - SETTLED * variances[bias] for bias in watched]
            if number and max(changes, default=0) <= NO_VARIANCE:
                break
        far = [name for name, step in zip(self.names, steps, strict=True) if abs(step) > 0.9 * FARTHEST]
        if far or not solution.success or number == ROUNDS - 1:
            where = f": {far[0]} would be {self.constants(steps)[far[0]]:.1g}, SI" if far else ""
            raise DynapseError(
                f"the fit of {', '.join(self.names)} finds no values that suit the table{where}; look for rows whose "
                "value or unit is wrong (without a column unit, values are in SI), or fit fewer constants"
            )
        residuals = whiten(self._values - self._expected(steps) - shift)
        return steps, spreads, self._standard_errors(residuals, whiten(self.jacobian(steps)), scatter is not None)

    def _sds(self) -> np.ndarray | None:
        """Standard errors of the logarithms, if the table gives any."""
        if np.isnan(self.measured.sds[0]):
            return None
        unit = self._joined(lambda group: self._volt if group.observable.unit == "volt" else np.nan)
        return self.measured.sds / np.where(np.isnan(unit), self.measured.observed, unit)

    def _spread(self, bias: str, steps: np.ndarray) -> Spread:
        """Spread of a bias over the neurons, by quantities that depend on no other one."""
        alone = [group.rows for group in self.measured.groups if group.observable.biases == (bias,)]
        rows = np.concatenate(alone)
        cells = np.concatenate([np.full(len(one), k) for k, one in enumerate(alone)])
        currents = np.concatenate(
            [group.currents[bias] for group in self.measured.groups if group.observable.biases == (bias,)]
        )
        cells = np.unique(np.stack([cells, currents]), axis=1, return_inverse=True)[1].ravel()
        by_current = self._sensitivities(steps)[bias][rows]
        logarithms = (self._values - self._expected(steps))[rows] / by_current
        sds = self._sds()
        return spread(
            logarithms, self.measured.neurons[rows], cells, None if sds is None else sds[rows] / np.abs(by_current)
        )

    def _whitening(self, acting: dict[str, np.ndarray], variances: dict[str, float], scatter: np.ndarray):
        """What makes the errors of all rows independent and of size 1: a function of a vector or matrix.

        Rows of a neuron share the factors of its currents; beyond that errors are independent.
        """
        neurons = np.arange(len(scatter)) if self.measured.neurons is None else self.measured.neurons
        order = np.argsort(neurons, kind="stable")
        of_neurons = np.split(order, np.flatnonzero(np.diff(neurons[order])) + 1)
        blocks = []
        for size in {len(rows) for rows in of_neurons}:  # neurons with equally many rows at once
            rows = np.stack([one for one in of_neurons if len(one) == size])
            covariance = scatter[rows][:, :, None] * np.eye(size)
            for bias, by_current in acting.items():
                covariance += variances[bias] * by_current[rows][:, :, None] * by_current[rows][:, None, :]
            blocks.append((rows, np.linalg.inv(np.linalg.cholesky(covariance))))

        def whiten(values: np.ndarray) -> np.ndarray:
            whitened = np.empty_like(values)
            for rows, inverse_root in blocks:
                columns = values[rows] if values.ndim == 2 else values[rows][:, :, None]
                whitened[rows] = (inverse_root @ columns).reshape(values[rows].shape)
            return whitened

        return whiten

    def _scatter(self, acting, variances, spreads) -> np.ndarray | None:
        """Variance of single measurements: of the table, or of neurons measured several times; None if not known."""
        sds = self._sds()
        if sds is not None:
            return sds**2
        if self.measured.neurons is None:
            return None
        scatter = np.full(len(self._values), np.nan)
        for bias in np.unique(self.measured.turned):
            rows = self.measured.turned == bias
            if bias in spreads and (np.isfinite(spreads[bias].scatter) or variances.get(bias)):
                scatter[rows] = max(np.nan_to_num(spreads[bias].scatter), SMALLEST_SCATTER) ** 2
            elif variances.get(bias):
                scatter[rows] = SMALLEST_SCATTER**2
        total = scatter + sum(variances[bias] * one**2 for bias, one in acting.items())
        known = np.isfinite(total)
        return np.where(known, scatter, np.mean(total[known])) if known.any() else None

    def _standard_errors(self, residuals: np.ndarray, jacobian: np.ndarray, known: bool) -> np.ndarray:
        """Of the logarithms of the constants, from the curvature at the solution; `known`: whether scatter is."""
        freedom = len(residuals) - len(self.names)
        if not known and not freedom:
            return np.full(len(self.names), np.nan)
        enlarged = np.sum(residuals**2) / freedom if freedom else 1.0
        variances = np.diag(np.linalg.inv(jacobian.T @ jacobian))
        return np.sqrt(variances * (max(1.0, enlarged) if known else enlarged))
