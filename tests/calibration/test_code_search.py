"""The search along codes: as good as trying all, where the quantity is monotone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brian2dynapse import dac
from brian2dynapse.code_search import SECTIONS, nearest_of_all, ordered_codes, relative_error, search_by_sections


def test_ordered_codes_are_all_currents_once():
    currents, codes = ordered_codes("SOIF_LEAK_N")
    assert np.all(np.diff(currents) > 0)
    assert np.array_equal(dac.current("SOIF_LEAK_N", codes // 256, codes % 256), currents)
    every = dac.current("SOIF_LEAK_N", np.arange(1536) // 256, np.arange(1536) % 256)
    assert set(every) == set(currents)


@given(
    st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=300, unique=True),
    st.floats(1e-7, 1e7),
    st.booleans(),
    st.one_of(st.none(), st.integers(0, 299)),
)
def test_of_a_monotone_quantity_the_nearest_is_found(values, asked, falling, start):
    values = np.array(sorted(values, reverse=falling))
    start = None if start is None else min(start, len(values) - 1)
    rounds = []

    def measured(positions):
        rounds.append(positions)
        return values[positions]

    tried = search_by_sections(measured, len(values), asked, start)
    got = list(tried.values())[nearest_of_all(np.array(list(tried.values())), asked)]
    best = values[nearest_of_all(values, asked)]
    assert abs(np.log(got / asked)) <= abs(np.log(best / asked)) * (1 + 1e-12) + 1e-12
    assert len(np.concatenate(rounds)) == len(set(np.concatenate(rounds).tolist()))  # nothing is measured twice


def test_two_rounds_find_one_of_all_codes():
    values = np.geomspace(1, 1e6, 1536)
    rounds = []
    tried = search_by_sections(lambda k: rounds.append(len(k)) or values[k], 1536, 777.0)
    assert len(rounds) == 2 and max(rounds) <= SECTIONS
    assert min(abs(np.log(np.array(list(tried.values())) / 777))) == min(abs(np.log(values / 777)))
    near = []
    search_by_sections(lambda k: near.append(len(k)) or values[k], 1536, 777.0, start=740)
    assert len(near) == 1  # the answer, 739, is around the start


def test_what_does_not_exist_or_is_zero_is_passed_over():
    values = np.concatenate([np.zeros(200), np.geomspace(1, 100, 500), np.full(300, np.nan)])
    tried = search_by_sections(lambda k: values[k], len(values), 50.0)
    assert min(abs(np.log(value / 50)) for value in tried.values() if value > 0) < np.log(100) / 499 / 2
    assert np.isnan(list(search_by_sections(lambda k: np.full(len(k), np.nan), 100, 1.0).values())).all()


def test_errors_are_logarithmic():
    assert relative_error([1, 2, 4], 2) == pytest.approx([-np.log(2), 0, np.log(2)])
    assert relative_error(0, 2) == -np.inf and np.isnan(relative_error(np.nan, 2))
