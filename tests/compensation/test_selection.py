"""Choosing neurons and bits is what brute force chooses."""

from itertools import combinations, product

import numpy as np
import pytest

from brian2dynapse.selection import bits_of, flip_table, masks_for_charge, masks_of, narrowest, spread

NEARLY = 1e-12  # of rounding in a sum of a dozen numbers


@pytest.mark.parametrize("seed", range(40))
def test_a_window_of_the_sorted_responses_has_the_least_spread(seed):
    """Against all choices; with equal responses, silent neurons, and outliers among them."""
    generator = np.random.default_rng(seed)
    responses = generator.lognormal(3, generator.uniform(0.05, 1.5), 10).round(seed % 4)
    responses[: seed % 3] = 0
    for count in (1, 2, 4, 7, 10):
        least = min(spread(responses[list(choice)]) for choice in combinations(range(10), count))
        chosen = narrowest(responses, count)
        assert len(np.unique(chosen)) == count and np.all(np.diff(chosen) > 0)
        assert spread(responses[chosen]) <= least + NEARLY
        nearest = min(np.sum((responses[list(one)] - 15) ** 2) for one in combinations(range(10), count))
        assert np.sum((responses[narrowest(responses, count, 15)] - 15) ** 2) <= nearest * (1 + NEARLY)


def test_spread_of_silence():
    assert spread([0, 0]) == 0 and spread([2, 2]) == 0 and spread([1, 3]) == 0.5


@pytest.mark.parametrize("unused", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_charges_of_few_words_add_up_as_near_as_any_masks_do(seed, unused):
    generator = np.random.default_rng(seed)
    charges = generator.lognormal(0, 0.5, (2, 4))
    start = bits_of(generator.integers(1, 16, 2))
    wanted = generator.uniform(0, charges.sum())
    errors = {
        pair: abs(sum(charges[word, bit] for word in (0, 1) for bit in range(4) if pair[word] >> bit & 1) - wanted)
        for pair in product(range(0 if unused else 1, 16), repeat=2)
    }
    chosen = masks_of(masks_for_charge(start, charges, wanted, unused))
    assert errors[tuple(chosen.tolist())] <= min(errors.values()) + NEARLY


@pytest.mark.parametrize("words", [5, 16])
def test_charges_of_many_words_cannot_be_improved_by_a_few_bits(words):
    generator = np.random.default_rng(words)
    charges = generator.lognormal(0, 0.3, (words, 4))
    start = bits_of(np.full(words, 1))
    wanted = 1.7 * charges[start].sum()
    on = masks_for_charge(start, charges, wanted)
    error = abs(charges[on].sum() - wanted)
    assert on.any(axis=1).all()
    for bits in combinations(range(4 * words), 2):
        other = on.ravel().copy()
        other[list(bits)] ^= True
        if other.reshape(words, 4).any(axis=1).all():
            assert abs(charges[other.reshape(words, 4)].sum() - wanted) >= error - NEARLY
    # There are more than 100 pairs of bits, with differences over a range of some two mean charges (of 1): the last
    # of a descent leaves less than a few hundredths of one.
    assert error < 0.05


def test_nothing_nearer_leaves_the_masks():
    start = bits_of(np.array([5, 3, 1]))
    charges = np.ones((3, 4))
    assert np.array_equal(masks_for_charge(start, charges, 5.0), start)


def test_bits_are_masks():
    masks = np.arange(16)
    assert np.array_equal(masks_of(bits_of(masks)), masks)
    assert bits_of(4).tolist() == [False, False, True, False]  # W0 first


@pytest.mark.parametrize("words", [1, 2, 4, 16, 64])
def test_changes_are_all_of_one_bit_and_different(words):
    table = flip_table(words)
    sizes = table.sum(axis=1)
    assert len(np.unique(table, axis=0)) == len(table) and sizes[0] == 1
    assert np.count_nonzero(sizes == 1) == 4 * words and np.all(np.diff(sizes) >= 0)
