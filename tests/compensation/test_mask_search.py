"""The search for masks, on neurons whose responses are a formula."""

import numpy as np
import pytest

from brian2dynapse.mask_search import Search, search_masks
from brian2dynapse.selection import bits_of, spread

NOMINAL = np.array([51.0, 66.0, 82.0, 99.0])


def neurons(seed, count=40, words=4, power=1.3, cv=0.2):
    """A measuring function of neurons with charges and a gain of their own, response = gain * charge**power."""
    generator = np.random.default_rng(seed)
    charges = NOMINAL * generator.lognormal(0, cv, (count, words, 4))
    gain = generator.lognormal(0, cv, count)
    asked = []

    def measure(number, rows, masks):
        asked.append((number, rows, masks))
        return 1e-2 * gain[rows] * (charges[rows] * bits_of(masks)).sum(axis=(1, 2)) ** power

    return measure, charges, asked


@pytest.mark.parametrize("power", [0.7, 1.3, -1])
@pytest.mark.parametrize("seed", range(3))
def test_responses_come_to_the_target(seed, power):
    """Charges are known on average only, the response is not linear, and with inhibition (power -1) it falls."""
    measure, charges, asked = neurons(seed, power=power)
    start = np.full((40, 4), 0b0011)
    at_start = measure(0, np.arange(40), start)
    target = float(np.median(at_start))
    search = Search(target, rounds=8, rising=power > 0)
    masks, found = search_masks(measure, start, at_start, np.broadcast_to(NOMINAL, charges.shape), search)
    assert np.array_equal(found, measure(9, np.arange(40), masks))  # what is returned was measured
    assert np.all(np.abs(found - target) <= np.abs(at_start - target))
    # A step leaves some 20 % of its length (the charges' uncertainty) and 15 % (the curve's), sqrt(.2^2 + .15^2) = 1/4
    # of it; four steps would do from 30 % to 0.1 %, below which the tolerance stops. Half of eight may be lost.
    assert np.median(np.abs(found / target - 1)) < 0.005 + 1e-9
    assert spread(found) < 0.1 * spread(at_start)
    for number, rows, tried in asked[1:-1]:
        assert 1 <= number <= 8 and np.all((tried >= 1) & (tried <= 15)) and tried.shape == (len(rows), 4)


def test_known_charges_and_a_line_need_two_steps():
    """Nothing is unknown but a neuron's gain, which the first step tells."""
    measure, charges, _ = neurons(5, power=1)
    start = np.full((40, 4), 0b0011)
    at_start = measure(0, np.arange(40), start)
    target = float(np.median(at_start))
    _, found = search_masks(measure, start, at_start, charges, Search(target, rounds=3, uncertainty=1e-3))
    # steps of half the target at most: those beyond need one more; spacing of 2500 changes over some 2 targets
    assert np.mean(np.abs(found / target - 1) < 0.005) > 0.9


def test_nothing_is_measured_where_nothing_is_wrong():
    asked = []
    start = np.full((5, 2), 3)
    masks, found = search_masks(
        lambda *one: asked.append(one), start, np.full(5, 80.0), np.ones((5, 2, 4)), Search(80.2)
    )
    assert not asked and np.array_equal(masks, start) and np.all(found == 80)


def test_only_neurons_that_are_not_there_are_measured():
    measure, charges, asked = neurons(1, count=6)
    start = np.full((6, 4), 3)
    at_start = measure(0, np.arange(6), start)
    search_masks(measure, start, at_start, charges, Search(float(at_start[2]), rounds=1))
    assert 2 not in asked[-1][1]


@pytest.mark.parametrize("unused", [False, True])
def test_no_masks_are_measured_twice_and_words_stay_used(unused):
    """A target that cannot be reached: all that is in reach is tried, once each."""
    measure, charges, asked = neurons(3, count=3, words=1)
    start = np.full((3, 1), 0b1000)
    at_start = measure(0, np.arange(3), start)
    search_masks(measure, start, at_start, charges, Search(1e-3, rounds=14, unused=unused))
    tried = np.concatenate([start, *(masks for _, _, masks in asked[1:])], axis=1)
    assert np.all(tried > 0) != unused
    assert all(len(set(row)) == 15 for row in tried.tolist())


def test_silent_neurons_are_driven_until_they_respond():
    """A response of 0 tells nothing but that more is needed."""

    def measure(number, rows, masks):
        return np.maximum(0, (NOMINAL * bits_of(masks)).sum(axis=(1, 2)) - 700)

    start = np.full((4, 4), 0b0011)
    start[0] = 0b1111
    _, found = search_masks(measure, start, measure(0, np.arange(4), start), np.broadcast_to(NOMINAL, (4, 4, 4)),
                            Search(100.0, rounds=10))  # fmt: skip
    assert np.all(np.abs(found - 100) < 20)  # the smallest difference of two bits is 15
