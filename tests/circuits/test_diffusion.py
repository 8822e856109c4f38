"""The AMPA diffusion grid against an independent solution of its resistor network."""

import numpy as np
import pytest
from brian2 import Network, SpikeGeneratorGroup, StateMonitor, amp, defaultclock, ms
from hypothesis import given, settings
from hypothesis import strategies as st

import brian2dynapse as bd
from brian2dynapse.circuits import compose
from brian2dynapse.diffusion import LEFT_OUT, grid_shares

CORE = np.arange(256)
MIDDLE = 16 * 8 + 8  # column 8, row 8


def relaxed(horizontal, vertical, into_neuron, current):
    """Node voltages of the 16 x 16 grid by Gauss-Seidel relaxation of Kirchhoff's law, written as a picture.

    Array axes are (row, column); `horizontal[r, c]` joins (r, c) and (r, c + 1); `vertical[r, c]` joins (r, c) and
    (r + 1, c).
    """
    voltage = current / into_neuron
    total = into_neuron.copy()
    total[:, :-1] += horizontal[:, :-1]
    total[:, 1:] += horizontal[:, :-1]
    total[:-1] += vertical[:-1]
    total[1:] += vertical[:-1]
    parity = np.add.outer(np.arange(16), np.arange(16)) % 2
    for _ in range(4000):
        for colour in (0, 1):
            inflow = current.copy()
            inflow[:, :-1] += horizontal[:, :-1] * voltage[:, 1:]
            inflow[:, 1:] += horizontal[:, :-1] * voltage[:, :-1]
            inflow[:-1] += vertical[:-1] * voltage[1:]
            inflow[1:] += vertical[:-1] * voltage[:-1]
            voltage = np.where(parity == colour, inflow / total, voltage)
    return into_neuron * voltage


@pytest.mark.parametrize("spread", [0.5, 2.0])
def test_shares_solve_the_resistor_network(spread):
    """With unequal conductances; numbered column by column."""
    generator = np.random.default_rng(1)
    horizontal, vertical, into_neuron = (np.exp(0.5 * generator.standard_normal((16, 16))) for _ in range(3))
    horizontal, vertical = horizontal * spread**2, vertical * 0.5 * spread**2
    current = generator.random((16, 16))
    shares = grid_shares(CORE, *(g.T.ravel() for g in (horizontal, vertical, into_neuron))).toarray()
    passed = (shares @ current.T.ravel()).reshape(16, 16).T
    # what is left out of the current of each of the 256 is below LEFT_OUT; the others get as much more
    bound = 2 * LEFT_OUT * current.sum()
    np.testing.assert_allclose(passed, relaxed(horizontal, vertical, into_neuron, current), atol=bound)
    assert passed.sum() == pytest.approx(current.sum(), rel=1e-12)  # conserved, rounding


@given(st.integers(0, 255), st.floats(-2, 2), st.floats(-2, 2))
@settings(max_examples=20, deadline=None)
def test_current_is_conserved_and_positive(neuron, log_horizontal, log_vertical):
    one = np.ones(256)
    shares = grid_shares(CORE, one * 10**log_horizontal, one * 10**log_vertical, one).toarray()
    assert np.all(shares >= 0)
    np.testing.assert_allclose(shares.sum(axis=0), 1, rtol=1e-12)
    assert np.argmax(shares[:, neuron]) == neuron  # most stays at home


def test_length_constant_and_directions():
    """Along a line of the homogeneous grid the shares fall by the root of x + 1/x = 2 + g_neuron/g_horizontal."""
    one = np.ones(256)
    shares = grid_shares(CORE, 4 * one, 1e-9 * one, one).toarray()[:, MIDDLE]  # rows all but uncoupled
    row = shares.reshape(16, 16)[:, 8]  # the columns of row 8
    decay = (2.25 - np.sqrt(2.25**2 - 4)) / 2
    np.testing.assert_allclose(row[9:12] / row[8:11], decay, rtol=0.02)  # far border: decay^14 = 0.1 %, reflected
    assert shares[MIDDLE + 1] < LEFT_OUT


def test_only_neurons_of_the_same_core_are_neighbours():
    shares = grid_shares(np.array([15, 16, 255, 256, 240]), *np.ones((3, 5))).toarray()
    # 15 is the last of column 0 and 16 the first of column 1; 255 and 256 are on two cores; 240 to 255 one column
    assert np.array_equal(shares, np.eye(5))
    shares = grid_shares(np.array([3, 4, 19]), *np.ones((3, 3))).toarray()
    assert np.count_nonzero(shares) == 9  # 3 and 4 share a column, 3 and 19 a row
    with pytest.raises(bd.DynapseError, match="physical neuron 3 occurs 2 times"):
        grid_shares([3, 3], *np.ones((3, 2)))


def grid_run(dt, codes=None, latches=(), chip=None):
    """A whole core; two neurons get events. Currents on the grid and of the neurons."""
    defaultclock.dt = dt
    biases = bd.Biases(codes or {})
    neurons = bd.Neurons(256, biases, {"deam_ampa", *latches}, chip, physical=CORE, name="core")
    source = SpikeGeneratorGroup(1, [0] * 4, [2, 4, 6, 12] * ms, name="source")
    synapses = bd.Connection(source, neurons, "ampa", "1111", name="synapses")
    synapses.connect(i=[0, 0], j=[MIDDLE, 0])
    trace = StateMonitor(neurons, ["Iampa", "Iampa_grid", "Imem", "I_sum"], record=True, dt=1 * ms, name="trace")
    Network(source, neurons, synapses, trace).run(20 * ms)
    return trace, neurons


@pytest.mark.parametrize("latches", [(), ("deam_alpha",)])
def test_a_core_shares_its_currents(latches):
    """The grid gives the mean over a step of the spread currents: within dt/(2 tau) of those at its start."""
    alpha = {"DEAM_ITAU_P": (2, 120), "DEAM_IGAIN_P": (1, 80)}
    trace, neurons = grid_run(0.02 * ms, alpha, latches)
    assert neurons.dendrites == {"ampa"}
    shares = grid_shares(CORE, *np.ones((3, 256))).toarray()  # three equal codes
    expected = shares @ trace.Iampa_
    # Recorded are the mean over the step before and the currents at its end: dt/(2 tau) = 0.5 %, 2 % for the faster
    # I-DPI, whose difference doubles it; and LEFT_OUT of the current of the strongest neuron everywhere.
    bound = 0.05 * expected[:, 1:] + 2 * LEFT_OUT * trace.Iampa_[:, 1:].max(axis=0)
    assert np.all(np.abs(trace.Iampa_grid_[:, 1:] - expected[:, 1:]) <= bound)
    assert trace.Iampa_grid_[MIDDLE + 16].max() > 1e-11  # a neighbour without any synapse
    assert trace.Imem_[MIDDLE + 16].max() > 1.5 * trace.Imem_[200].max()


def test_the_membrane_on_the_grid_converges_with_second_order():
    """The grid looks ahead over the step, so that no order is lost against a neuron without neighbours."""

    def error(dt, latches):
        defaultclock.dt = dt * ms
        neurons = bd.Neurons(2, bd.Biases(), latches, physical=[0, 1], name="pair")
        neurons.Iampa = [1e-9, 2e-13] * amp  # decays from here: no event, whose step would depend on dt
        trace = StateMonitor(neurons, "Imem", record=True, dt=1 * ms, name="trace")
        Network(neurons, trace).run(6 * ms)
        return np.array(trace.Imem_[:, 1:])  # a copy: Brian2 2.11 frees what a monitor held

    fine = error(0.005, {"deam_ampa"})
    errors = [np.max(np.abs(error(dt, {"deam_ampa"}) / fine - 1)) for dt in (0.2, 0.1, 0.05)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    # Declared order 2; the reference at 5 us has 1/100 of the smallest error, third-order terms add some 0.2
    assert np.all(np.abs(orders - 2) < 0.3), (errors, orders)


def shares_of(neurons, network=None):
    """Shares of the coupling as it runs, dense."""
    (network or Network(neurons)).run(0 * ms)
    grid = neurons.contained_objects[-1]
    shares = np.zeros((len(neurons), len(neurons)))
    shares[grid.j[:], grid.i[:]] = grid.share[:]
    return shares


def conductances(neurons):
    return [np.asarray(getattr(neurons, f"I_grid_{way}_")[:]) for way in ("horizontal", "vertical", "neuron")]


def test_biases_and_hand_set_conductances_change_the_grid():
    neurons = bd.Neurons(256, bd.Biases(), {"deam_ampa"}, physical=CORE, name="core")
    network = Network(neurons)
    first = shares_of(neurons, network)
    neurons.biases.update({"DEAM_HRES_P": (1, 100), "DEAM_NRES_P": (1, 10)})
    second = shares_of(neurons, network)
    np.testing.assert_allclose(second, grid_shares(CORE, *conductances(neurons)).toarray(), rtol=1e-12)
    neurons.I_grid_horizontal = 1e-15 * amp
    third = shares_of(neurons, network)
    assert third[MIDDLE + 16, MIDDLE] < LEFT_OUT < first[MIDDLE + 16, MIDDLE] < second[MIDDLE + 16, MIDDLE]


def test_a_grid_restored_to_before_its_first_run_works():
    """Brian2's restore takes the synapses of the grid away that the first run made."""
    neurons = bd.Neurons(16, bd.Biases(), {"deam_ampa"}, physical=CORE[:16], name="column")
    network = Network(neurons)
    network.store()
    first = shares_of(neurons, network)
    network.restore()
    np.testing.assert_array_equal(shares_of(neurons, network), first)
    assert np.count_nonzero(first) > 16


def test_mismatch_of_the_grid():
    chip = bd.Chip(seed=1, mismatch="pelgrom")
    neurons = bd.Neurons(256, bd.Biases(), {"deam_ampa"}, chip, physical=CORE, name="core")
    shares = shares_of(neurons)
    np.testing.assert_allclose(shares, grid_shares(CORE, *conductances(neurons)).toarray(), rtol=1e-12)
    into = shares[MIDDLE + 16, MIDDLE], shares[MIDDLE - 16, MIDDLE]
    assert abs(into[0] / into[1] - 1) > 0.01  # equal on the ideal chip; the spread of a conductance is 6 %


def test_conductance_dendrites_weigh_what_the_grid_brings():
    """Each neuron takes its share of the spread current by its own membrane."""
    codes = {"DEAM_REV_N": (1, 60), "SOIF_SPKTHR_P": (5, 255)}
    trace, neurons = grid_run(0.1 * ms, codes, ("de_conductance",))
    conductance = 1 + trace.Imem_ / np.asarray(neurons.I_reversal_ampa_[:])[:, None]
    np.testing.assert_allclose(trace.I_sum_, trace.Iampa_grid_ / conductance, rtol=1e-9)
    assert conductance.max() > 1.5


def test_a_change_that_finds_nothing_is_an_error():
    """In the wrong order the conductance would be lost without a word."""
    right = ["soma", "ampa", "conductance", "diffusion"]
    assert "Iampa_grid/(1 + Imem/I_reversal_ampa)" in compose(right).equations
    with pytest.raises(bd.DynapseError, match="Iampa -> .* comes too late"):
        compose(["soma", "ampa", "diffusion", "conductance"])
