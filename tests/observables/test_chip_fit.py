"""A chip with known constants is measured and fitted back within the sampling error."""

import numpy as np
import pandas as pd
import pytest
from brian2 import amp, kelvin, pcoulomb, pF
from scipy.stats import linregress

import brian2dynapse as bd
from brian2dynapse import dac
from brian2dynapse.chip_spread import spread
from brian2dynapse.observables import OBSERVABLES

# least_squares stops at changes of 1e-12 of logarithms of about 30, whose derivatives are good to 1e-9.
SOLVED = 1e-9
LEAK = {"quantity": "tau_mem", "bias": "SOIF_LEAK_N", "coarse": 2, "fine": 5}


def measured(chip, codes, neurons=None, biases=None, noise=0.0, seed=0):
    """What the closed forms give on a chip: {quantity or (quantity, bias): codes}, with log-normal noise."""
    random, rows = np.random.default_rng(seed), []
    for what, of_quantity in codes.items():
        quantity, bias = what if isinstance(what, tuple) else (what, OBSERVABLES[what].bias)
        observable = OBSERVABLES[quantity].of(bias)
        for coarse, fine in of_quantity:
            currents = {one: biases.current_in_amp(one) for one in observable.biases if one != bias}
            currents[bias] = dac.current(bias, coarse, fine)
            row = {"quantity": quantity, "bias": bias, "coarse": coarse, "fine": fine}
            for neuron in [None] if neurons is None else range(neurons):
                factors = {one: 1.0 if neuron is None else chip.mismatch_factors(one, neuron) for one in currents}
                value = observable.value({one: currents[one] * factors[one] for one in currents}, chip.constants)
                value = float(value) * np.exp(noise * random.standard_normal())
                rows.append(row | {"value": value} | ({} if neuron is None else {"neuron": neuron}))
    return pd.DataFrame(rows)


EVERYTHING = {
    **{one: [(2, 40), (1, 90)] for one in ("tau_mem", "tau_ampa", "tau_nmda", "tau_gaba", "tau_shunt", "tau_ahp")},
    "tau_ca": [(0, 100)], "t_ref": [(2, 85)], "t_pulse": [(3, 200)], "t_pulse_ahp": [(3, 80)], "delay": [(1, 22)],
    "v_threshold": [(3, 20), (3, 80), (4, 60)],
    ("bias_current", "SOIF_DC_P"): [(2, 40)], ("bias_current", "SOIF_GAIN_N"): [(3, 40)],
}  # fmt: skip
DIFFERENT = {
    **{f"C_{one}": value * pF for one, value in zip(
        ("mem", "ampa", "nmda", "gaba", "shunt", "ahp", "ca"), (31, 9, 20, 21, 22, 50, 60), strict=True)},
    "Q_refractory": 2 * pcoulomb, "Q_extender": 0.5 * pcoulomb, "Q_pulse_ahp": 0.2 * pcoulomb,
    "Q_delay": 0.4 * pcoulomb,
    "I_0": 0.3e-12 * amp, "kappa_n": 0.71, "mirror_scale_n": 1.1, "mirror_scale_p": 0.9,
}  # fmt: skip


@pytest.mark.parametrize("kelvins", [300, 320])
def test_every_quantity_gives_its_own_constants_back(kelvins):
    chip = bd.Chip(**DIFFERENT, temperature=kelvins * kelvin)
    found = bd.fit_chip(measured(chip, EVERYTHING), bd.Chip(temperature=kelvins * kelvin))
    assert set(found.table["constant"]) == set(DIFFERENT)
    for name, value in chip.constants.items():
        assert found.chip.constants[name] == pytest.approx(value, rel=SOLVED), name
    np.testing.assert_allclose(found.residuals["ratio"], 1, rtol=SOLVED)
    assert found.mismatch.empty and found.chip.mismatch == 0


def test_the_leak_code_that_measured_20_ms():
    found = bd.fit_chip(pd.DataFrame([LEAK | {"value": 20, "unit": "ms"}]))
    leak, constants = dac.current("SOIF_LEAK_N", 2, 5), bd.Chip().constants
    assert found.chip.constants["C_mem"] == pytest.approx(
        0.02 * constants["kappa_n"] * leak / constants["U_T"], rel=SOLVED
    )
    # what users' leaks ask for is about four times the 7.7 pF of the makers (constants.toml)
    assert 4 < found.chip.constants["C_mem"] / constants["C_mem"] < 4.3
    neurons = bd.Neurons(1, bd.Biases(), chip=found.chip, name="calibrated")
    assert float(neurons.tau_mem[0]) == pytest.approx(0.02, rel=SOLVED)
    assert np.isnan(found.table["standard_error"][0])  # one row tells nothing of its error
    with_error = bd.fit_chip(pd.DataFrame([LEAK | {"value": 20, "unit": "ms", "sd": 1}])).table
    # d ln C = d ln tau; the derivative is a central difference, good to 1e-9
    assert with_error["standard_error"][0] == pytest.approx(with_error["value"][0] / 20, rel=1e-8)
    assert bd.Chip.from_measurements(pd.DataFrame([LEAK | {"value": 0.02}])).constants == pytest.approx(
        found.chip.constants, rel=1e-12
    )


@pytest.mark.parametrize("cv", [0.2, 0.5])
def test_constants_and_spread_are_unbiased_and_as_uncertain_as_they_say(cv):
    """Over many chips the errors in units of the standard error have mean 0 and standard deviation 1."""
    chips, neurons = 60, 40
    scores = []
    for seed in range(chips):
        chip = bd.Chip(seed=seed, mismatch=cv, C_mem=31 * pF)
        table = measured(chip, {"tau_mem": [(2, 5), (1, 90)]}, neurons, noise=0.03, seed=seed)
        found = bd.fit_chip(table, seed=0)
        constant, of_bias = found.table.iloc[0], found.mismatch.iloc[0]
        variance, error = np.log1p(of_bias["cv"] ** 2), 2 * of_bias["cv"] / (1 + of_bias["cv"] ** 2)
        scores.append(
            [
                np.log(constant["value"] / 31e-12) / (constant["standard_error"] / constant["value"]),
                # The variance is the unbiased one, its root is not; its own error is proportional to it.
                (variance / np.log1p(cv**2) - 1) / np.sqrt(2 / (neurons - 1)),
                of_bias["standard_error"] * error / variance / np.sqrt(2 / (neurons - 1)),
            ]
        )
    scores = np.array(scores)
    # Four standard errors of a mean of `chips` numbers of size 1, and of their standard deviation. The scores of C have
    # the tails of Student's t with 39 degrees, which adds 3 %.
    assert np.all(np.abs(scores[:, :2].mean(axis=0)) < 4 / np.sqrt(chips))
    assert np.all(np.abs(scores[:, :2].std(axis=0) / 1.03 - 1) < 4 / np.sqrt(2 * chips) + 0.03)
    # The scatter of 3 % on two codes adds 0.03^2/2 to a variance of 0.2^2: 1 %.
    assert np.all(np.abs(scores[:, 2] - 1) < 0.03)


def test_without_the_mean_of_the_logarithm_the_capacitor_would_be_wrong():
    """cv 0.5: the mean over neurons of ln(tau) lies ln(1.25)/2 = 11 % above that of the nominal current."""
    chip = bd.Chip(seed=8, mismatch=0.5, C_mem=31 * pF)
    table = measured(chip, {"tau_mem": [(2, 5)]}, 1024)
    right, naive = (bd.fit_chip(table, seed=0, mismatch=one).chip.constants["C_mem"] for one in ("fit", 0))
    assert np.log(naive / right) == pytest.approx(np.log1p(right_cv(table) ** 2) / 2, rel=1e-6)
    assert abs(np.log(right / 31e-12)) < 4 * 0.47 / np.sqrt(1024) < np.log(naive / 31e-12)


def right_cv(table):
    return np.sqrt(np.expm1(np.var(np.log(table["value"]), ddof=1)))


def test_rows_of_a_neuron_share_its_factor():
    """More codes tell no more of C: every neuron has the same factor at all of them."""
    chip = bd.Chip(seed=2, mismatch=0.2)
    errors = [
        bd.fit_chip(measured(chip, {"tau_mem": codes}, 50), seed=0).table["standard_error"][0]
        for codes in ([(2, 5)], [(2, 5), (2, 60), (1, 90), (1, 200)])
    ]
    assert errors[1] == pytest.approx(errors[0], rel=1e-6)  # beside the 1e-4 that a table is rounded to
    factors = np.log(chip.mismatch_factors("SOIF_LEAK_N", np.arange(50)))
    assert errors[0] / 7.7e-12 == pytest.approx(factors.std(ddof=1) / np.sqrt(50), rel=0.2)  # C itself is 2 % off


def test_one_neuron_tells_its_errors_only_on_a_chip_whose_mismatch_is_known():
    row = pd.DataFrame([LEAK | {"value": 0.02, "neuron": 7}])
    assert np.isnan(bd.fit_chip(row).table["standard_error"][0])
    found = bd.fit_chip(row, bd.Chip(seed=1, mismatch=0.2))
    constant = found.table.iloc[0]
    # s of a log-normal with cv 0.2, and its mean logarithm taken out; 1e-4 is what a table is rounded to
    assert constant["standard_error"] / constant["value"] == pytest.approx(np.sqrt(np.log(1.04)), rel=1e-6)
    assert constant["value"] / bd.fit_chip(row).table["value"][0] == pytest.approx(1 / np.sqrt(1.04), rel=1e-9)
    assert found.mismatch.empty and found.chip.mismatch == 0.2
    twice = pd.concat([row, row.assign(value=0.021)])
    error = bd.fit_chip(twice).table["standard_error"][0] / bd.fit_chip(twice).table["value"][0]
    # standard error of the mean of two numbers
    assert error == pytest.approx(np.log(1.05) / 2, rel=1e-7)


def test_a_neuron_measured_anywhere_is_the_same_one_by_chip_core_and_number():
    chip = bd.Chip(seed=2, mismatch=0.2)
    table = measured(chip, {"tau_mem": [(2, 5), (2, 60)]}, 30)
    places = table.assign(chip=table["neuron"] // 15, neuron=table["neuron"] % 15)
    assert bd.fit_chip(places, seed=0).mismatch.equals(bd.fit_chip(table, seed=0).mismatch)


def test_threshold_against_a_straight_line():
    """v = U_T/kappa (ln I - ln I_0): slope and intercept of an ordinary regression, with its standard errors."""
    chip, codes = bd.Chip(kappa_n=0.72, I_0=0.4e-12 * amp), [(2, 200), (3, 30), (3, 90), (3, 254), (4, 80)]
    table = measured(chip, {"v_threshold": codes})
    table["value"] += 0.004 * np.random.default_rng(1).standard_normal(len(codes))
    found = bd.fit_chip(table)
    line = linregress(np.log([dac.current("SOIF_SPKTHR_P", *code) for code in codes]), table["value"])
    kappa, floor = (found.table.set_index("constant").loc[name] for name in ("kappa_n", "I_0"))
    assert kappa["value"] == pytest.approx(chip.constants["U_T"] / line.slope, rel=1e-7)
    assert np.log(floor["value"]) == pytest.approx(-line.intercept / line.slope, rel=1e-7)
    assert kappa["standard_error"] / kappa["value"] == pytest.approx(line.stderr / line.slope, rel=1e-6)
    assert list(found.residuals["fitted"]) == pytest.approx(
        list(line.slope * np.log([dac.current("SOIF_SPKTHR_P", *code) for code in codes]) + line.intercept), rel=1e-7
    )


def test_rows_with_errors_of_their_own_are_weighed():
    """Two rows of one constant: the mean of the logarithms, weighed by the squares of value/sd."""
    rows = [LEAK | {"value": 20e-3, "sd": 1e-3}, LEAK | {"value": 24e-3, "sd": 4.8e-3}]
    found = bd.fit_chip(pd.DataFrame(rows))
    weights = np.array([20.0, 5.0]) ** 2
    expected = np.exp(np.average(np.log([20e-3, 24e-3]), weights=weights))
    assert found.residuals["fitted"][0] == pytest.approx(expected, rel=1e-8)
    # chi^2 is (ln 1.2)^2/(0.05^2 + 0.2^2) = 0.8, below 1: not enlarged
    error = found.table["standard_error"][0] / found.table["value"][0]
    assert error == pytest.approx(1 / np.sqrt(weights.sum()), rel=1e-8)
    far = bd.fit_chip(pd.DataFrame([rows[0], rows[1] | {"value": 240e-3, "sd": 48e-3}])).table
    enlarged = np.log(12) / np.hypot(0.05, 0.2)
    assert far["standard_error"][0] / far["value"][0] == pytest.approx(error * enlarged, rel=1e-8)


def test_delays_of_several_biases():
    chip = bd.Chip(seed=3, mismatch=0.1, Q_delay=0.38 * pcoulomb)
    biases = bd.Biases({"SYPD_DLY0_P": (1, 60), "SYPD_DLY1_P": (1, 30), "SYPD_DLY2_P": (1, 90)})
    codes = {("delay_both", "SYPD_DLY1_P"): [(1, 30), (1, 100)], "delay": [(1, 60)]}
    exact = bd.fit_chip(measured(chip, codes, biases=biases), biases=biases)
    assert exact.chip.constants["Q_delay"] == pytest.approx(0.38e-12, rel=SOLVED)
    several = bd.fit_chip(measured(chip, codes, 60, biases), biases=biases, seed=1)
    assert several.mismatch["bias"].tolist() == ["SYPD_DLY0_P"]  # alone in a quantity
    assert abs(several.mismatch["cv"][0] - 0.1) < 4 * several.mismatch["standard_error"][0]
    found = several.table.iloc[0]
    assert abs(found["value"] - 0.38e-12) < 4 * found["standard_error"]


def test_the_spread_of_the_threshold_comes_through_kappa():
    chip = bd.Chip(seed=5, mismatch=0.3)
    found = bd.fit_chip(measured(chip, {"v_threshold": [(3, 40), (4, 60)]}, 200), seed=0)
    assert abs(found.mismatch["cv"][0] - 0.3) < 4 * found.mismatch["standard_error"][0]
    assert found.mismatch["standard_error"][0] == pytest.approx(0.3 / np.sqrt(2 * 200), rel=0.25)


def test_a_fitted_chip_is_one_to_work_with(tmp_path):
    individual = bd.Chip(seed=4, mismatch=0.25, C_ampa=7 * pF)
    table = measured(individual, {"tau_mem": [(2, 5)], "t_ref": [(2, 85)]}, 30)
    found = bd.fit_chip(table, bd.Chip(noise=1, Q_delay=0.4 * pcoulomb), seed=9)
    assert (found.chip.seed, found.chip.noise, found.chip.changes["Q_delay"]) == (9, 1.0, 0.4e-12)
    fitted = dict(zip(found.mismatch["bias"], found.mismatch["cv"], strict=True))
    assert list(fitted) == ["SOIF_LEAK_N", "SOIF_REFR_N"]
    of_area = bd.Chip(seed=0, mismatch="pelgrom", C_mem=found.chip.constant("C_mem"))
    for bias in ("SOIF_LEAK_N", "SOIF_REFR_N", "SOIF_DC_P", "DEAM_ETAU_P"):
        assert found.chip.mismatch_cv(bias) == fitted.get(bias, of_area.mismatch_cv(bias))
    # of a chip that has a mismatch, the biases that were not measured keep it
    kept = bd.fit_chip(table, individual).chip
    assert kept.mismatch_cv("SOIF_DC_P") == 0.25 and kept.mismatch_cv("SOIF_LEAK_N") == pytest.approx(
        fitted["SOIF_LEAK_N"], rel=1e-6
    )
    assert kept.seed == 4 and kept.changes["C_ampa"] == 7e-12
    assert bd.fit_chip(table, individual, mismatch=0.1).chip.mismatch == 0.1
    again = bd.Chip.from_json(found.chip.to_json(tmp_path / "chip.json"))
    assert again.constants == found.chip.constants
    assert "SOIF_LEAK_N" in found._repr_html_() and "C_mem = " in repr(found)
    assert [axes.get_xlabel() for axes in found.plot().axes] == ["current of the code (pA)", "coefficient of variation"]


def test_neurons_that_are_all_alike_have_no_mismatch():
    found = bd.fit_chip(measured(bd.Chip(C_mem=31 * pF), {"tau_mem": [(2, 5), (1, 90)]}, 10), seed=0)
    assert found.chip.constants["C_mem"] == pytest.approx(31e-12, rel=SOLVED)
    assert found.mismatch["cv"][0] < 1e-7  # rounding errors of logarithms of about 30


def test_a_fit_that_goes_nowhere_is_refused():
    """Thresholds that fall with the current: no slope kappa is that."""
    rows = [
        {"quantity": "v_threshold", "coarse": 3, "fine": fine, "value": value}
        for fine, value in ((30, 0.4), (200, 0.3))
    ]
    with pytest.raises(bd.DynapseError, match="the fit of I_0, kappa_n finds no values"):
        fitting(rows)
    with pytest.raises(bd.DynapseError, match="finds no values that suit the table: C_mem would be"):
        fitting(LEAK | {"value": 20e6, "unit": "second"})


def test_tables_from_files(tmp_path):
    path = tmp_path / "measured.csv"
    path.write_text(
        "# my chip\nquantity, coarse, fine, value, unit\ntau_mem, 2, 5, 20, ms\nv_threshold, 3, 80, 340, mV\n"
    )
    found = bd.fit_chip(path)
    assert found.table["constant"].tolist() == ["C_mem", "I_0"]
    assert found.residuals["bias"].tolist() == ["SOIF_LEAK_N", "SOIF_SPKTHR_P"]
    assert found.residuals["fitted"].tolist() == pytest.approx([20, 340], rel=1e-8)


def fitting(rows, **arguments):
    return bd.fit_chip(pd.DataFrame(rows if isinstance(rows, list) else [rows]), **arguments)


@pytest.mark.parametrize("rows, arguments, message", [
    ([], {}, "has no column quantity and coarse"),
    (LEAK, {}, "has no column value"),
    (LEAK | {"value": 0.02, "nuron": 3}, {}, "'nuron' is not a column.*did you mean neuron"),
    (LEAK | {"value": 0.02, "quantity": "tau"}, {}, "row 0: 'tau' is not a quantity"),
    (LEAK | {"value": 0.02, "bias": "SOIF_GAIN_N"}, {}, "row 0: tau_mem does not depend on 'SOIF_GAIN_N'"),
    (LEAK | {"value": 0.02, "quantity": "bias_current", "bias": None}, {}, "row 0: bias_current of which bias"),
    (LEAK | {"value": 0.02, "quantity": "bias_current", "bias": "LBWR_VB_P"}, {}, "no bias of a core"),
    (LEAK | {"value": 0.02, "fine": 256}, {}, "row 0: SOIF_LEAK_N: fine is 256"),
    (LEAK | {"value": -1}, {}, "row 0: value is -1; give a positive number in second"),
    (LEAK | {"value": 20, "unit": "mV"}, {}, "row 0: unit is 'mV'; tau_mem is in second, or for example ms"),
    (LEAK | {"value": 20, "unit": "fortnight"}, {}, "unit is 'fortnight'"),
    (LEAK | {"value": 20, "sd": 0.0}, {}, "row 0: sd is 0.0"),
    ([LEAK | {"value": 1}, LEAK | {"value": 1, "sd": 1}], {}, "sd is missing in row 0"),
    ([LEAK | {"value": 1}, LEAK | {"value": 1, "neuron": 1}], {}, "row 0: neuron is empty"),
    (LEAK | {"value": 1, "chip": 1}, {}, "column chip without a column neuron"),
    ({"quantity": "delay_both", "coarse": 1, "fine": 1, "value": 1}, {}, "SYPD_DLY0_P too; give the codes of the rest"),
    ([LEAK | {"value": -1}] * 20, {}, "row 9: .*; and 10 more"),
    (LEAK | {"value": 1}, {"fit": "C_mem"}, "fit is 'C_mem'; give names"),
    (LEAK | {"value": 1}, {"fit": ["C_men"]}, "did you mean C_mem"),
    (LEAK | {"value": 1}, {"fit": ["C_mem", "Q_delay"]}, "no row of the table depends on Q_delay; measure delay or"),
    (LEAK | {"value": 1}, {"fit": ["A_VT"]}, "no row of the table depends on A_VT; no quantity does"),
    (LEAK | {"value": 1}, {"chip": 3}, "chip is int"),
    (LEAK | {"value": 1}, {"biases": {}}, "biases is dict"),
    ([LEAK | {"value": 1, "neuron": n} for n in (1, 2)], {}, "seed: fit_chip.*seed=42"),
])  # fmt: skip
def test_what_is_wrong_is_named(rows, arguments, message):
    with pytest.raises(bd.DynapseError, match=message):
        fitting(rows, **arguments)


def test_constants_that_act_alike_are_named_with_what_would_help():
    rows = [LEAK | {"value": 0.02}, LEAK | {"value": 0.002, "coarse": 3}]
    with pytest.raises(bd.DynapseError, match="C_mem, kappa_n and time_factor cannot be told apart") as caught:
        fitting(rows, fit=["C_mem", "kappa_n", "time_factor"])
    message = str(caught.value)
    assert "(tau_mem)" in message and "fit=['C_mem']" in message and "v_threshold at several codes" in message
    # the advice is right: with thresholds at two codes kappa_n is known, and C_mem beside it
    thresholds = [
        {"quantity": "v_threshold", "bias": "SOIF_SPKTHR_P", "coarse": 3, "fine": fine, "value": value}
        for fine, value in ((30, 0.33), (200, 0.4))
    ]
    assert len(fitting([*rows, *thresholds], fit=["C_mem", "kappa_n", "I_0"]).table) == 3
    with pytest.raises(bd.DynapseError, match="C_mem and mirror_scale_n cannot.*bias_current"):
        fitting(rows, fit=["C_mem", "mirror_scale_n"])
    current = {"quantity": "bias_current", "bias": "SOIF_GAIN_N", "coarse": 3, "fine": 40, "value": 2, "unit": "nA"}
    assert len(fitting([*rows, current], fit=["C_mem", "mirror_scale_n"]).table) == 2


def test_spread_is_that_of_an_analysis_of_variance():
    """Against the textbook's mean squares of a balanced table, neurons by cells."""
    random = np.random.default_rng(6)
    neurons, cells = np.repeat(np.arange(12), 4), np.tile(np.arange(4), 12)
    table = 0.3 * random.standard_normal(12)[:, None] + [0.1, 0, 3, -2] + 0.2 * random.standard_normal((12, 4))
    rows = 4 * table.mean(axis=1).var(ddof=1)
    left = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    within = np.sum(left**2) / (11 * 3)
    found = spread(table.ravel(), neurons, cells)
    assert found.variance == pytest.approx((rows - within) / 4, rel=1e-12)
    assert found.scatter == pytest.approx(np.sqrt(within), rel=1e-12)
    assert found.standard_error == pytest.approx(np.sqrt(2 * rows**2 / 11 + 2 * within**2 / 33) / 4, rel=1e-12)
    known = spread(table.ravel(), neurons, cells, np.full(48, 0.2))
    assert known.variance == pytest.approx((rows - 0.04) / 4, rel=1e-12)
    alike = spread(np.tile([0.0, 1.0], 2), np.repeat([0, 1], 2), np.zeros(4, dtype=int))
    assert alike.variance == 0 and alike.cv == 0 and alike.cv_standard_error >= 0


def test_milliseconds_without_a_unit_are_not_taken_for_seconds():
    """20 s at the code (2,5) would ask for a capacitor of 32 nF, four thousand times the published one."""
    table = pd.DataFrame([{"quantity": "tau_mem", "coarse": 2, "fine": 5, "value": 20}])
    with pytest.raises(bd.DynapseError, match="without a column unit, values are in SI"):
        bd.fit_chip(table)
