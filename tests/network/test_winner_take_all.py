"""The makers' winner-take-all network: its size, and that the winner follows the input."""

import numpy as np
import pytest
from brian2 import ms, second

import brian2dynapse as bd
from brian2dynapse.networks import moving_input, winner_take_all


def test_sizes_are_those_of_the_example():
    result = winner_take_all(positions=(0,), step=1 * ms)
    assert {name: len(group) for name, group in result.populations.items()} == {
        "left": 64,
        "right": 64,
        "inhibitory": 32,
    }
    fan_in = {name: np.zeros(len(group), int) for name, group in result.populations.items()}
    for connection in result.connections.values():
        fan_in[connection.target.name] += np.bincount(np.asarray(connection.j), minlength=len(connection.target))
    for name, count in fan_in.items():
        assert np.all(count == 64), name  # every synapse of every neuron


def test_moving_input_has_sixteen_active_channels_at_their_rate():
    channels, times = moving_input((0, 5), 1 * second, seed=1)
    first, last = channels[times < 1], channels[times >= 1]
    assert first.min() == 0 and first.max() == 15 and last.min() == 5 and last.max() == 20
    # 16 channels of 100 Hz for 2 s: Poisson, so five standard deviations of sqrt(3200); the grid of 0.1 ms
    # loses half a percent (two events in one step are one)
    assert abs(len(times) - 3200 * 0.995) < 5 * np.sqrt(3200)
    again = moving_input((0, 5), 1 * second, seed=1)
    assert np.array_equal(again[0], channels) and np.array_equal(again[1], times)


def test_the_winner_follows_the_input():
    result = winner_take_all(positions=(0, 16), step=400 * ms, chip=bd.Chip(seed=1, mismatch=0.2))
    result.network.run(result.duration)
    table = result.rates()
    assert list(table["winner"]) == ["left", "right"]
    # the loser is silenced: at most a tenth of the winner
    assert table.loc[0, "right_Hz"] < 0.1 * table.loc[0, "left_Hz"]
    assert table.loc[1, "left_Hz"] < 0.1 * table.loc[1, "right_Hz"]


def test_bad_positions_are_named():
    with pytest.raises(bd.DynapseError, match="give integers from 0 to 16"):
        winner_take_all(positions=(0, 17))
