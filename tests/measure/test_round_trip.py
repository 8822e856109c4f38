"""A chip with known constants is measured, trace by trace, and fitted back within the sampling error."""

import numpy as np
import pandas as pd
import pytest
from brian2 import ms, pcoulomb, pF

import brian2dynapse as bd

NEURONS = 40
CV = 0.2
TRUE = bd.Chip(
    seed=17, mismatch=CV, C_mem=31 * pF, C_nmda=18 * pF, Q_refractory=2.2 * pcoulomb, Q_delay=0.38 * pcoulomb
)


@pytest.fixture(scope="module")
def table():
    import brian2

    brian2.prefs.codegen.target = "numpy"
    settings = [
        bd.Biases({"SOIF_LEAK_N": leak, "SOIF_REFR_N": refractory, "SYPD_DLY0_P": (1, 40)})
        for leak, refractory in (((2, 5), (2, 85)), ((2, 20), (2, 60)))
    ]
    return bd.measure.observations(
        bd.measure.time_constants(settings, ("tau_mem", "tau_nmda"), TRUE, NEURONS),
        bd.measure.refractory_period(settings, TRUE, NEURONS),
        bd.measure.delay(settings[0], chip=TRUE, neurons=NEURONS),
    )


def test_round_trip(table):
    assert table.attrs["left_out"] == 0
    found = bd.fit_chip(table, seed=1)
    constants = found.table.set_index("constant")
    for name in ("C_mem", "C_nmda", "Q_refractory", "Q_delay"):
        # the fit tells its standard error, of the mean of 40 log-normal neurons, 0.2/sqrt(40) = 3 %; four of them
        # (1 in 16 000 for each), and no more than what 40 neurons can tell
        error, sd = found.chip.constants[name] - TRUE.constants[name], constants.loc[name, "standard_error"]
        assert abs(error) < 4 * sd and sd < 0.05 * TRUE.constants[name], name
        assert constants.loc[name, "was"] != pytest.approx(TRUE.constants[name], rel=0.1, abs=0)
    spread = found.mismatch.set_index("bias")
    for bias in ("SOIF_LEAK_N", "DENM_ETAU_P", "SOIF_REFR_N"):
        # the standard deviation of 40 normal logarithms is known to 1/sqrt(2*39) = 11 %; four of these
        assert spread.loc[bias, "cv"] == pytest.approx(CV, rel=0.45)
        assert found.chip.mismatch_cv(bias) == spread.loc[bias, "cv"]


def test_a_single_neuron_has_its_own_factor(table):
    """The values of the table are those of the neurons of the chip, not only their mean."""
    rows = table[(table["quantity"] == "tau_mem") & (table["coarse"] == 2) & (table["fine"] == 5)]
    tau = bd.Neurons(NEURONS, bd.Biases({"SOIF_LEAK_N": (2, 5)}), chip=TRUE, physical=np.arange(NEURONS), name="true")
    assert rows["value"].to_numpy() == pytest.approx(tau.tau_mem_[:], rel=2e-4)


def test_the_fitted_chip_is_measured_alike(table):
    found = bd.fit_chip(table, seed=1).chip
    again = bd.measure.time_constants(bd.Biases({"SOIF_LEAK_N": (2, 5)}), "tau_mem", found, NEURONS)["tau_s"]
    rows = table[(table["quantity"] == "tau_mem") & (table["fine"] == 5)]["value"]
    # two means of 40 logarithms with a spread of 20 %: 0.2*sqrt(2/40) = 4.5 %; four of these
    assert np.log(again).mean() == pytest.approx(np.log(rows).mean(), abs=0.18)


def test_the_worked_example():
    """The leak code (2,5) measured 20 ms."""

    measured = pd.DataFrame(
        [{"quantity": "tau_mem", "bias": "SOIF_LEAK_N", "coarse": 2, "fine": 5, "value": 20, "unit": "ms"}]
    )
    chip = bd.fit_chip(measured).chip
    table = bd.measure.time_constants(bd.Biases({"SOIF_LEAK_N": (2, 5)}), "tau_mem", chip)
    assert table["tau_s"][0] == pytest.approx(float(20 * ms), rel=2e-4)


def test_only_closed_forms_can_be_fitted():
    with pytest.raises(bd.DynapseError, match="has no closed form to be fitted to"):
        bd.measure.observations(bd.measure.epsp(bd.Biases()))
    lab = bd.measure.resting_state(bd.Biases()).recording
    with pytest.raises(bd.DynapseError, match="does not know its codes"):
        bd.measure.observations(bd.measure.time_constants(quantities="tau_mem", recorded=lab))
