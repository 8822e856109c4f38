"""Firing rate against input rate: the events, the table, and a network made by hand."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
from brian2 import Hz, Network, SpikeGeneratorGroup, SpikeMonitor, ms, mV, nA, second

import brian2dynapse as bd
from brian2dynapse.measure_inputs import event_steps

CHIP = dict(seed=3, mismatch=0.2)


def test_a_row_is_the_neuron_of_a_network_made_by_hand():
    """The same events onto the same neurons and CAM words: the same number of spikes."""
    biases, physical, masks = bd.Biases(), np.array([5, 300, 1027]), np.array([[1, 15], [6, 8], [3, 3]])
    table = bd.measure.input_curve(
        biases, [100, 250] * Hz, weight=masks, synapses=2, chip=bd.Chip(**CHIP), physical=physical, seed=4,
        duration=300 * ms, settle=50 * ms,
    )  # fmt: skip
    indices, steps = event_steps(np.array([100.0, 250.0]), 2, 3500, 1e-4, 4, False)
    own = indices >= 2  # of the second rate
    source = SpikeGeneratorGroup(2, indices[own] - 2, steps[own] * 0.1 * ms, name="source")
    neurons = bd.Neurons(3, biases, chip=bd.Chip(**CHIP), physical=physical, name="own")
    connection = bd.Connection(source, neurons, "ampa", masks.ravel(), name="own_synapses")
    connection.connect(i=[0, 1, 0, 1, 0, 1], j=[0, 0, 1, 1, 2, 2])
    spikes = SpikeMonitor(neurons, name="own_spikes")
    Network(source, neurons, connection, spikes).run(350 * ms)
    times, index = np.asarray(spikes.t / second), np.asarray(spikes.i)
    counted = np.bincount(index[times >= 0.05], minlength=3)
    rows = table[table["input_Hz"] == 250]
    assert counted.min() > 3 and len(set(counted.tolist())) > 1
    assert rows["spikes"].tolist() == counted.tolist()
    for row in rows.itertuples():
        mine = times[(index == physical.tolist().index(row.neuron)) & (times >= 0.05)]
        assert row.rate_Hz == pytest.approx((len(mine) - 1) / (mine[-1] - mine[0]), rel=1e-9)


def test_the_table():
    table = bd.measure.input_curve(
        bd.Biases(), [50, 200, 400] * Hz, synapses=3, chip=bd.Chip(**CHIP), neurons=20, duration=200 * ms
    )
    assert list(table.columns) == ["seed", "mismatch", "neuron", "input_Hz", "events_Hz", "spikes", "rate_Hz"]
    assert len(table) == 60 and table["neuron"].tolist() == [*range(20)] * 3
    assert table.codes["SOIF_LEAK_N"] == tuple(bd.Biases()["SOIF_LEAK_N"])
    medians = table.groupby("input_Hz")["rate_Hz"].median()
    assert np.all(np.diff(medians) > 0)
    fast = table[table["input_Hz"] == 400]["rate_Hz"]
    assert fast.std() / fast.mean() > 0.05  # 20 % in every current shows


def test_the_spread_is_the_chip_s_and_not_of_the_events():
    same = bd.measure.input_curve(bd.Biases(), [200] * Hz, synapses=3, physical=[0, 9, 77], duration=200 * ms)
    assert np.ptp(same["spikes"]) == 0 and same["spikes"].iloc[0] > 2
    assert len(bd.measure.input_curve(bd.Biases(), [200] * Hz, duration=10 * ms, settle=0 * ms)) == 1  # all are equal


def test_a_mask_of_0_is_no_synapse():
    kwds = dict(chip=bd.Chip(**CHIP), physical=[[0, 1, 4]], duration=200 * ms)
    two = bd.measure.input_curve(bd.Biases(), 300 * Hz, weight=[[7, 0]], synapses=2, **kwds)
    one = bd.measure.input_curve(bd.Biases(), 300 * Hz, weight="0111", synapses=1, **kwds)
    assert two["neuron"].item() == 260 and two["rate_Hz"].item() == one["rate_Hz"].item() > 0


def test_synapses_of_one_source_add_up():
    """Two words of mask W0 from one source make the jump of one word of twice the current, on an ideal chip."""
    biases = bd.Biases({"SYAM_W0_P": 40 * nA, "SYAM_W1_P": 80 * nA})
    biases["SYAM_W1_P"] = 2 * biases.current("SYAM_W0_P")
    kwds = dict(duration=300 * ms, seed=2)
    two = bd.measure.input_curve(biases, [400, 700] * Hz, weight="0001", synapses=2, common=True, **kwds)
    one = bd.measure.input_curve(biases, [400, 700] * Hz, weight="0010", **kwds)
    assert np.all(one["spikes"] > 3)
    # the code of W1 is within 1 % of twice that of W0; a rate follows the charge by a power below 3
    assert np.allclose(two["rate_Hz"], one["rate_Hz"], rtol=0.03)


# -- events ----------------------------------------------------------------------------------------------


def test_poisson_events():
    rates, steps, dt = np.array([20.0, 100.0, 400.0]), 100_000, 1e-4
    indices, at = event_steps(rates, 2, steps, dt, 7, False)
    for k, rate in enumerate(rates):
        for synapse in (0, 1):
            mine = at[indices == 2 * k + synapse]
            assert len(np.unique(mine)) == len(mine)
            # binomial; 4.5 sd has a chance of 7e-6, six draws
            p = rate * dt
            assert abs(len(mine) - steps * p) < 4.5 * np.sqrt(steps * p * (1 - p))
            # intervals are geometric, sd sqrt(1-p)/p; standard error of the variance of n exponentials: sqrt(8/n)
            ratio = np.diff(mine).var() / ((1 - p) / p**2)
            assert abs(ratio - 1) < 4.5 * np.sqrt(8 / len(mine))
    for synapse in (0, 1):  # events of a lower rate are events of a higher one
        low, high = at[indices == synapse], at[indices == 4 + synapse]
        assert set(low.tolist()) <= set(high.tolist())
    common = set(at[indices == 4].tolist()) & set(at[indices == 5].tolist())
    expected = steps * 0.04**2  # of independent sources; Poisson
    assert abs(len(common) - expected) < 4.5 * np.sqrt(expected)
    again, other = event_steps(rates, 2, steps, dt, 7, False), event_steps(rates, 2, steps, dt, 8, False)
    assert np.array_equal(again[1], at) and not np.array_equal(other[1], at)


def test_regular_events():
    indices, at = event_steps(np.array([0.0, 30.0, 100.0]), 4, 10_000, 1e-4, 0, True)
    assert set(indices.tolist()) == set(range(4, 12))
    for k, interval in ((1, 1e4 / 30), (2, 100.0)):
        for synapse in range(4):
            mine = at[indices == 4 * k + synapse]
            assert abs(len(mine) - 1e4 / interval) <= 1
            assert np.all(np.abs(np.diff(mine) - interval) < 1)  # the grid
        merged = np.sort(at[indices // 4 == k])
        assert np.all(np.abs(np.diff(merged) - interval / 4) < 1)  # one after the other


# -- what is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(rates=[20, 50]), "give rates in hertz"),
        (dict(rates=[] * Hz), "give rates in hertz"),
        (dict(rates=[-1] * Hz), "give rates in hertz"),
        (dict(rates=[20_000] * Hz), "none above 1/dt = 10000 Hz"),
        (dict(rates=20 * mV), "give rates in hertz"),
        (dict(synapses=65), r"synapses is 65; give an integer, 1\.\.64"),
        (dict(neurons=0), r"neurons is 0; give an integer, 1\.\.256"),
        (dict(weight=[[1, 2]]), r"shape \(1, 2\).*shape \(256, 1\)"),
        (dict(weight=[[16]], physical=[0]), "weight is 16"),
        (dict(weight="01"), "2 characters"),
        (dict(dendrite="nmdaa"), "did you mean nmda"),
        (dict(duration=3), "duration is 3; give a time"),
        (dict(settle=-1 * ms), "settle is -1. ms; give a time"),
        (dict(physical=[[0, 4, 0]]), r"cores 0\.\.3"),
        (dict(physical=[0.5]), "physical neurons are"),
        (dict(chip=[bd.Chip()]), "chip is list"),
        (dict(biases={}), "biases is dict"),
        (dict(latches={"deam_ampa"}), "leave the latch deam_ampa out"),
    ],
)
def test_refused(change, message):
    arguments = dict(biases=bd.Biases(), rates=[20] * Hz, chip=bd.Chip(**CHIP), duration=1 * ms) | change
    with pytest.raises(bd.DynapseError, match=message):
        bd.measure.input_curve(**arguments)


@pytest.mark.parametrize("neurons", [3, 12])
def test_it_can_be_drawn(neurons):
    table = bd.measure.input_curve(
        bd.Biases(), [100, 300] * Hz, chip=bd.Chip(**CHIP), neurons=neurons, weight="1111", duration=50 * ms
    )
    axes = bd.plot.measured(table)
    lines = axes.get_lines()
    assert axes.get_xlabel() == "events of a synapse (Hz)" and axes.get_ylabel() == "firing rate (Hz)"
    assert len(lines) == (3 if neurons == 3 else 1)
    if neurons == 12:
        medians = table.groupby("input_Hz")["rate_Hz"].median()
        assert lines[0].get_ydata().tolist() == medians.tolist() and medians.max() > 0
    matplotlib.pyplot.close(axes.figure)
