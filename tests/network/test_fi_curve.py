"""The f-I protocol: a tidy table, rates against the closed form of the interval."""

import numpy as np
import pytest
from brian2 import ms, second

import brian2dynapse as bd


def interval(drive, gain, threshold, tau, refractory):
    """Interspike interval for constant input, without floor: the DPI's closed form from y_0 to the threshold."""
    B = drive - 1
    start, end = bd.Chip().constants["I_0"] / gain, threshold / gain

    def phase(y):
        return (np.log(y) - (1 + B) * np.log(abs(B - y))) / B

    return refractory + tau * (phase(end) - phase(start))


def test_rates_follow_the_closed_form():
    biases = bd.Biases()
    codes = [(2, 80), (2, 200), (3, 100)]
    table = bd.measure.fi_curve(biases, codes, duration=1 * second)
    probe = bd.Neurons(1, biases, name="probe")
    for row in table.itertuples():
        drive = row.current_A / float(probe.I_leak[0])
        expected = 1 / interval(
            drive,
            float(probe.I_gain[0]),
            float(probe.I_threshold[0]),
            float(probe.tau_mem[0]),
            float(probe.t_refractory[0]),
        )
        # 2 %: the closed form has no floor; near I_0 the leak is not yet on (for 0.7 of 11 e-folds, at a share
        # of 1/drive <= 1/8 of the speed), which shortens the climb by up to 0.7/11/8 = 0.8 %; dt adds 0.05 %
        assert row.rate_Hz == pytest.approx(expected, rel=0.02)


def test_table_is_tidy_and_mismatch_is_the_chip_s():
    chip = bd.Chip(seed=9, mismatch=0.2)
    table = bd.measure.fi_curve(bd.Biases(), [(2, 80), (2, 200)], chip=[bd.Chip(), chip], neurons=30, duration=200 * ms)
    assert list(table.columns) == [
        "chip",
        "seed",
        "mismatch",
        "neuron",
        "coarse",
        "fine",
        "current_A",
        "spikes",
        "rate_Hz",
    ]
    assert (table["chip"] == 0).sum() == 2 and (table["chip"] == 1).sum() == 60
    one = table[(table["chip"] == 1) & (table["fine"] == 80)]["rate_Hz"]
    assert one.std() / one.mean() > 0.05  # 20 % in every current shows
    again = bd.measure.fi_curve(
        bd.Biases(), [(2, 80)], chip=bd.Chip(seed=9, mismatch=0.2), neurons=30, duration=200 * ms
    )
    assert np.array_equal(again["rate_Hz"], one)


def test_no_codes_is_an_error():
    with pytest.raises(bd.DynapseError, match="at least one code"):
        bd.measure.fi_curve(bd.Biases(), [])
