"""Weights to codes and masks: against brute force, baselines, and weights that codes can make."""

import itertools

import numpy as np
import pytest
from brian2 import mV, pA
from hypothesis import given, settings
from hypothesis import strategies as st

from brian2dynapse import dac
from brian2dynapse.errors import CodeError, DynapseError, UnknownNameError, WeightError
from brian2dynapse.weight_fit import ERRORS, WEIGHT_BIASES, fit, nearest_masks
from brian2dynapse.weights import selected_current

CURRENTS = dac.nominal_table().circuit_currents("SYAM_W0_P")
LARGEST = CURRENTS.max()
KINDS = ("log-normal", "uniform", "gaussian", "exponential")


def random_weights(kind, count, seed):
    random = np.random.default_rng(seed)
    return (
        1e-9
        * {
            "log-normal": lambda: random.lognormal(0, 1, count),
            "uniform": lambda: random.uniform(0, 1, count),
            "gaussian": lambda: np.abs(random.normal(1, 0.3, count)),
            "exponential": lambda: random.exponential(1, count),
        }[kind]()
    )


def cost(wanted, got, error):
    return np.sum(((got - wanted) / (wanted if error == "relative" else 1.0)) ** 2)


def cost_of_currents(wanted, currents, error):
    """Error of the best masks, spelt out: the nearest of all sums of one to four of the currents."""
    sums = [sum(some) for k in range(1, 5) for some in itertools.combinations(currents, k)]
    got = np.array(sums)[np.argmin(np.abs(np.subtract.outer(wanted, sums)), axis=1)]
    return cost(wanted, got, error)


def table_of(currents):
    """A generator table with few distinct currents; the mirror gain still applies to them."""
    return dac.GeneratorTable("few", {"P": np.resize(currents, (6, 256))})


def test_the_four_weight_currents_are_alike():
    # `fit` takes the table of one for all four
    for name in WEIGHT_BIASES:
        assert np.array_equal(dac.nominal_table().circuit_currents(name), CURRENTS)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("spacing", ["linear", "logarithmic"])
@pytest.mark.parametrize("seed", range(4))
def test_few_currents_as_brute_force_over_all_choices(spacing, seed, error):
    # Not guaranteed by the search; true for these instances, and for 360 others that were tried.
    random = np.random.default_rng(seed)
    generator = random.uniform(1e-11, 1e-9, 10) if spacing == "linear" else 10 ** random.uniform(-11, -9, 10)
    table = table_of(generator)
    available = np.unique(table.circuit_currents("SYAM_W0_P"))
    wanted = np.minimum(random.choice(available, 20) * random.uniform(0.2, 2.5, 20), 4 * available[-1])
    choices = itertools.combinations_with_replacement(available, 4)
    best = min(cost_of_currents(wanted, currents, error) for currents in choices)
    result = fit(wanted, table, error=error)
    # 1e-9: the same sums added in another order
    assert cost(wanted, result.got, error) <= best * (1 + 1e-9)


@pytest.mark.parametrize("error", ERRORS)
def test_one_free_code_is_the_best_of_all(error):
    fixed = {0: (1, 30), 1: (1, 100), 3: (2, 60)}
    wanted = random_weights("gaussian", 40, seed=3) / 2
    others = [CURRENTS[code] for code in fixed.values()]
    best = min(cost_of_currents(wanted, [*others, current], error) for current in CURRENTS.ravel())
    result = fit(wanted, fixed=fixed, error=error)
    assert {bit: result.codes[bit] for bit in fixed} == fixed
    # 1e-9: the same sums added in another order
    assert cost(wanted, result.got, error) <= best * (1 + 1e-9)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [6, 100, 3000])
def test_never_worse_than_obvious_choices(kind, count, error):
    wanted = random_weights(kind, count, seed=count)
    obvious = {
        "powers of two": wanted.max() / 15 * 2.0 ** np.arange(4),
        "quantiles": np.quantile(wanted, [0.125, 0.375, 0.625, 0.875]),
        "geometric": np.geomspace(wanted.min(), wanted.max(), 4),
    }
    reached = cost(wanted, fit(wanted, error=error).got, error)
    for currents in obvious.values():
        snapped = dac.current("SYAM_W0_P", *dac.nearest("SYAM_W0_P", currents))
        # 1e-9: the same sums added in another order
        assert reached <= cost_of_currents(wanted, snapped, error) * (1 + 1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_more_random_starts_find_no_better_codes(kind, monkeypatch):
    # What a search without guarantee can show: seven times the starts, from another seed, gain less than 1 %.
    wanted = random_weights(kind, 100, seed=1)
    quick = fit(wanted)
    monkeypatch.setattr("brian2dynapse.weight_fit._RANDOM_STARTS", 80)
    assert quick.rms_error <= fit(wanted, seed=5).rms_error * 1.01


@given(st.lists(st.floats(CURRENTS.min(), LARGEST), min_size=1, max_size=4))
@settings(deadline=None)
def test_up_to_four_distinct_weights_are_as_near_as_codes_are(wanted):
    result = fit(wanted)
    nearest = dac.current("SYAM_W0_P", *dac.nearest("SYAM_W0_P", wanted))
    # 1e-15 of the largest weight: the sum of the four bits, of which three are 0
    assert np.all(np.abs(result.got - wanted) <= np.abs(nearest - wanted) + 1e-15 * max(wanted))


def test_weights_of_codes_get_these_codes():
    result = fit([CURRENTS[4, 40], CURRENTS[1, 20], CURRENTS[3, 200], CURRENTS[2, 7]] * 5)
    assert result.codes == ((1, 20), (2, 7), (3, 200), (4, 40))
    assert np.array_equal(result.masks, [8, 1, 4, 2] * 5)
    assert result.rms_error == 0


@given(
    st.lists(st.sampled_from(np.unique(CURRENTS[1:5]).tolist()), min_size=4, max_size=4, unique=True),
    st.lists(st.integers(1, 15), max_size=30),
)
@settings(deadline=None, max_examples=15)
def test_weights_made_from_codes_are_recovered(currents, masks):
    # Guaranteed start: the smallest weights that are no sums of others, if each code occurs alone. Two sums that
    # agree to 1e-9 of the largest weight would be one for it; then it is a start like any other, hence the bound.
    wanted = selected_current([1, 2, 4, 8, *masks], np.sort(currents))
    result = fit(wanted)
    # 1e-6: an improvement of squares below 1e-13 is a rounding error to the search, which is 3e-7 of the weights
    assert result.largest_error <= 1e-6 * wanted.max()


@given(st.lists(st.just(0.0) | st.floats(1e-15, LARGEST), min_size=1, max_size=30), st.sampled_from(ERRORS))
@settings(deadline=None, max_examples=20)
def test_no_synapse_is_lost_and_masks_are_the_nearest(wanted, error):
    result = fit(wanted, error=error)
    wanted = np.array(wanted)
    assert np.array_equal(result.masks == 0, wanted == 0)
    assert np.array_equal(result.got, selected_current(result.masks, result.currents))
    sums = selected_current(np.arange(1, 16), result.currents)
    nearest = np.min(np.abs(wanted[:, None] - sums), axis=1)
    assert np.array_equal(np.abs(result.got - wanted)[wanted > 0], nearest[wanted > 0])


def test_ties_take_the_fewest_bits_then_the_smallest_mask():
    # all halfway or equal, and exact in binary: 2 = W1 = W2, 3 = W0 + W1 = W3 / 2 + ..., 4 = W1 + W2 = W3
    currents = np.array([1.0, 2.0, 2.0, 4.0])
    assert np.array_equal(nearest_masks([1, 2, 3, 4, 5, 9, 1.5], currents), [1, 2, 3, 8, 9, 15, 1])


@given(st.lists(st.floats(1e-12, 1e-8), min_size=5, max_size=30), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=6)
def test_the_order_of_weights_does_not_matter(wanted, random):
    order = list(range(len(wanted)))
    random.shuffle(order)
    wanted = np.array(wanted)
    first, shuffled = fit(wanted), fit(wanted[order])
    assert first.codes == shuffled.codes
    assert np.array_equal(first.masks[order], shuffled.masks)


def test_the_same_seed_gives_the_same_fit():
    wanted = random_weights("log-normal", 500, seed=2)
    assert fit(wanted, seed=3).codes == fit(wanted, seed=3).codes


def test_repeated_weights_count():
    # 0.3 nA is wanted by all but five synapses: an absolute fit spends a code on it, whatever the rest costs
    wanted = np.concatenate([np.full(10000, 0.3e-9), [0.11e-9, 0.5e-9, 0.9e-9, 2.3e-9, 4.1e-9]])
    got = fit(wanted).got[0]
    assert abs(got - 0.3e-9) <= np.min(np.abs(CURRENTS - 0.3e-9))


def test_relative_errors_serve_small_weights():
    wanted = random_weights("log-normal", 1000, seed=0)
    absolute, relative = fit(wanted), fit(wanted, error="relative")
    assert relative.rms_relative_error < absolute.rms_relative_error
    assert absolute.rms_error < relative.rms_error


def test_fixed_codes_leave_only_the_masks():
    codes = [(4, 40), (4, 60), (4, 80), (4, 120)]
    wanted = random_weights("uniform", 50, seed=0) * 60
    result = fit(wanted, fixed=codes)
    assert result.codes == tuple(codes)
    assert np.array_equal(result.masks, nearest_masks(wanted, [CURRENTS[code] for code in codes]))
    assert result.biases["SYAM_W2_P"] == (4, 80)


def test_shapes_follow_and_arrays_are_frozen():
    wanted = random_weights("uniform", 12, seed=0).reshape(3, 4)
    result = fit(wanted)
    assert result.masks.shape == result.got.shape == (3, 4)
    with pytest.raises(ValueError, match="read-only"):
        result.masks[0, 0] = 1
    wanted[0, 0] = 0  # the result has its own copy
    assert result.wanted[0, 0] > 0
    assert fit(61e-12).masks.shape == ()


def test_no_weight_at_all_is_no_error():
    result = fit(np.zeros(3))
    assert not result.masks.any() and result.rms_error == result.largest_relative_error == 0


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(
    "wanted", [[5e-324], [1e-300, 2e-300, 3e-300, 4e-300, 5e-300], [5e-324, *np.geomspace(1e-30, 1e-6)]]
)
def test_weights_that_are_hardly_positive_are_weights(wanted, error):
    result = fit(wanted, error=error)
    # nothing overflows (warnings are errors here); the nearest sum is the smallest one
    assert result.got[0] == min(result.currents)
    assert result.rms_relative_error > 1 and result.to_frame()["relative_error"][0] > 1


def test_the_table_of_a_fit():
    result = fit([0, 0, 1e-10, 3e-10, 3e-10, 7e-10])
    frame = result.to_frame()
    assert list(frame) == ["wanted_A", "got_A", "mask", "error_A", "relative_error", "count"]
    assert frame["count"].tolist() == [2, 1, 2, 1]
    assert frame["mask"].tolist() == [0, *result.masks[[2, 3, 5]]]
    assert np.isnan(frame["relative_error"][0])
    assert np.allclose(frame["error_A"][1:], frame["wanted_A"][1:] * frame["relative_error"][1:])
    errors = np.repeat(frame["error_A"].to_numpy(), frame["count"].to_numpy())
    assert result.rms_error == pytest.approx(np.sqrt(np.mean(errors**2)))
    assert result.largest_error == pytest.approx(np.abs(errors).max())
    assert result.largest_relative_error == pytest.approx(frame["relative_error"].abs().max())
    assert repr(result).startswith("<WeightFit of 6 weights: W0 (") and "0011" in result._repr_html_()


def test_a_measured_table_is_used():
    table = table_of(np.linspace(1e-10, 2e-10, 7))
    result = fit([3e-11, 1.2e-10], table)  # the second is above every single current
    reached = table.circuit_currents("SYAM_W0_P")
    assert np.array_equal(result.currents, [reached[code] for code in result.codes])
    assert result.masks[1].bit_count() > 1


def test_quantities_in_amp_are_currents():
    assert fit([61, 90] * pA).codes == fit([61e-12, 90e-12]).codes
    with pytest.raises(WeightError, match="a weight is a current: give amp"):
        fit([61, 90] * mV)


@pytest.mark.parametrize("wanted, message", [
    ([], "no weights are wanted"),
    ([1e-12, -2e-12], "1 of 2 wanted weights are no currents, the first is -2e-12 A"),
    ([np.nan], "no currents, the first is nan A"),
    ([np.inf, 0], "no currents, the first is inf A"),
    (["much"], "give an array of currents in amp"),
    ([1.0, 2.0, 0.0], f"the largest wanted weight is 2 A, 2 are above {4 * LARGEST:.4g} A, the largest sum of the"),
])  # fmt: skip
def test_bad_weights_are_named(wanted, message):
    with pytest.raises(WeightError, match=message):
        fit(wanted)


@pytest.mark.parametrize("fixed, message", [
    ([(4, 40)] * 2, r"fixed is \[\(4, 40\), \(4, 40\)\]; give 4 codes"),
    ({4: (4, 40)}, "fixed names weight 4; a weight current is 0..3"),
    ({"W0": (4, 40)}, "fixed names weight 'W0'"),
    ({1: (4, 400)}, "SYAM_W1_P: fine is 400; a fine code is 0..255"),
    ({1: 4}, "SYAM_W1_P: got 4; give"),
    ([(4, 40, 1)] * 4, r"SYAM_W0_P: got \(4, 40, 1\)"),
    ("4, 40", "fixed is '4, 40'"),
])  # fmt: skip
def test_bad_fixed_codes_are_named(fixed, message):
    with pytest.raises(CodeError, match=message):
        fit([1e-12], fixed=fixed)


def test_weights_above_the_fixed_codes_are_refused():
    reach = 4 * CURRENTS[1, 20]
    with pytest.raises(WeightError, match=f"above {reach:.4g} A.*leave a code free"):
        fit([2e-9], fixed=[(1, 20)] * 4)
    assert fit([reach], fixed=[(1, 20)] * 4).masks == [15]


def test_other_arguments_are_checked():
    with pytest.raises(UnknownNameError, match="'relativ' is not a kind of error; did you mean relative"):
        fit([1e-12], error="relativ")
    with pytest.raises(DynapseError, match="seed is -1; give a non-negative integer"):
        fit([1e-12], seed=-1)
