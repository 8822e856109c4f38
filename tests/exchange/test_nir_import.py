"""Graphs of integrate-and-fire neurons, made with the nir package alone, run and map; rates are the original's."""

import brian2 as b2
import nir
import numpy as np
import pytest
from brian2 import ms, second, us
from lif_reference import counts, simulate

import brian2dynapse as bd
from brian2dynapse import linear_limit
from brian2dynapse.exchange import from_nir

# Rates against the original. The linear limit loses ln(I_threshold / I_0) / gain_ratio = 2.2 % of the charge of a
# spike and some per cent of small events near rest (`report` has both), codes are within 0.6 % of what was asked.
RATE = 0.05


def cuba(size, tau_mem=20e-3, tau_syn=5e-3, **changes):
    values = {"tau_mem": tau_mem, "tau_syn": tau_syn, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0} | changes
    return nir.CubaLIF(**{name: np.broadcast_to(float(one), size).copy() if np.ndim(one) == 0 else np.asarray(one)
                          for name, one in values.items()})  # fmt: skip


def lif(size, tau=20e-3, **changes):
    values = {"tau": tau, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0} | changes
    return nir.LIF(**{name: np.broadcast_to(float(one), size).copy() if np.ndim(one) == 0 else np.asarray(one)
                      for name, one in values.items()})  # fmt: skip


def chain(*nodes):
    return nir.NIRGraph.from_list(nir.Input(np.array([nodes[0].weight.shape[1]])), *nodes)


def reference(node, inputs):
    return {name: np.asarray(getattr(node, name)) for name in
            ("tau_mem", "tau_syn", "r", "v_leak", "v_threshold", "v_reset", "w_in")} | {"inputs": inputs}  # fmt: skip


def poisson(size, rate, duration, seed):
    """Events on a grid of 0.1 ms, none twice; rate a number or one each."""
    generator = np.random.default_rng(seed)
    rates = np.broadcast_to(rate, (size,))
    steps = round(duration / 1e-4) - 20
    step, index = np.nonzero(generator.random((steps, size)) < rates * 1e-4)
    return index, (step + 1) * 1e-4


def run(result, events, duration):
    for name, (index, times) in events.items():
        result.inputs[name].set_spikes(index, times * second)
    result.network.run(duration * second, namespace={})
    return {name: np.array(one.count) for name, one in result.spikes.items()}


def relative_error(got, wanted):
    return np.sqrt(np.mean((got - wanted) ** 2)) / wanted.mean()


@pytest.mark.parametrize(
    ("tau_mem", "tau_syn", "size", "jump", "drive", "inhibitory"),
    [
        (20e-3, 5e-3, 32, 0.1, 3.0, 0),
        (20e-3, 2e-3, 16, 0.5, 6.0, 0),
        (50e-3, 20e-3, 48, 0.05, 4.0, 0),
        (10e-3, 10e-3, 32, 0.2, 4.0, 8),
    ],
)
def test_rates_are_those_of_the_original(tau_mem, tau_syn, size, jump, drive, inhibitory):
    """The domain of the documentation: drive of 2 to 7 rheobases, events of 0.05 to 0.5 thresholds, with inhibition."""
    generator = np.random.default_rng(1)
    neurons, duration = 12, 0.4
    weight = jump * tau_mem * generator.lognormal(0, 0.3, (neurons, size))
    weight[:, :inhibitory] *= -1
    rate = drive / (jump * tau_mem * (size - 2 * inhibitory))
    node = cuba(neurons, tau_mem, tau_syn)
    result = from_nir(chain(nir.Linear(weight), node))
    events = poisson(size, rate, duration, 2)
    wanted = simulate({"one": reference(node, [("in", weight, 0.0)])}, {"in": events}, duration)["one"]
    got = run(result, {"input": events}, duration)["cubalif"]
    assert counts(wanted, neurons).mean() > 15
    assert relative_error(got, counts(wanted, neurons)) < RATE


@pytest.mark.parametrize("drive", [1.5, 3.0, 8.0])
def test_constant_drive_fires_with_the_period_of_the_closed_form(drive):
    """A constant bias is SOIF_DC_P. The period is that of the DPI (partial fractions), nearly tau ln(x / (x - 1))."""
    tau = 20e-3
    graph = chain(nir.Affine(np.array([[0.05 * tau]]), np.array([drive])), lif(1, tau))
    b2.defaultclock.dt = dt = 20 * us
    result = from_nir(graph)
    result.network.run(70 * ms, namespace={})
    times = np.asarray(result.spikes["lif"].t)
    period = np.diff(times).mean()
    report = result.report.set_index("parameter")
    tau_got, x = report.loc["tau_mem", "got"], report.loc["constant drive", "got"]
    ratio = report.loc["v_threshold / gain", "got"]
    start = bd.Chip().constants["I_0"] / result.populations["lif"].bias_current("I_threshold") * ratio
    limit = (1 + ratio) * x - 1  # steady state over I_gain
    exact = tau_got * (np.log(ratio / start) / limit
                       + (1 + 1 / limit) * np.log((limit - start) / (limit - ratio)))  # fmt: skip
    # the rise from I_0 to I_gain takes less than 0.2 ms, and the refractory period 1.4 us: both within a step
    assert period == pytest.approx(exact, abs=float(dt))
    assert period == pytest.approx(tau_got * np.log(x / (x - 1)), rel=0.03)


def test_three_layers_from_a_file_run_and_map(tmp_path):
    """156 synapses, both signs; every layer fires as the original does, and the mapping is verified."""
    generator = np.random.default_rng(3)
    sizes, tau, tau_syn = (8, 10, 6, 4), 20e-3, 10e-3
    weights = [
        generator.normal(0.25, 0.15, (b, a)) * tau * k for a, b, k in zip(sizes, sizes[1:], (1, 0.6, 0.8), strict=False)
    ]
    nodes = [
        one
        for weight in weights
        for one in (nir.Affine(weight, np.zeros(len(weight))), cuba(len(weight), tau, tau_syn))
    ]
    nir.write(tmp_path / "mlp.nir", chain(*nodes))
    result = from_nir(tmp_path / "mlp.nir", accept=())
    assert sum(len(one) for one in result.connections) == sum(weight.size for weight in weights) >= 100
    duration = 0.4
    events = poisson(sizes[0], 60.0, duration, 4)
    names = ["cubalif", "cubalif_1", "cubalif_2"]
    layers = {
        name: reference(nodes[2 * k + 1], [((["input", *names])[k], weights[k], 0.0)]) for k, name in enumerate(names)
    }
    wanted = simulate(layers, {"input": events}, duration)
    monitors = {name: bd.exchange.spikes_frame(one) for name, one in result.spikes.items()}
    assert set(monitors) == {"cubalif_2"}  # what the Output reads
    hidden = {name: b2.SpikeMonitor(result.populations[name], name=f"all_{name}") for name in names[:2]}
    result.network.add(*hidden.values())
    run(result, {"input": events}, duration)
    for name in names:
        got = np.array((hidden | result.spikes)[name].count)
        target = counts(wanted[name], len(got))
        assert target.mean() > 10
        # two spikes of chance: which event makes the last spike of a neuron differs
        assert abs(got.sum() - target.sum()) < RATE * target.sum() + 2 * np.sqrt(len(got))
    mapping = bd.map_network(result.network)
    assert bd.verify(mapping)
    assert len(mapping.synapses) == sum(weight.size for weight in weights)


def test_a_recurrent_subgraph_with_a_delay():
    """Excitation comes back after 8 ms, through a Delay inside a nested graph; spikes as in the original."""
    size, tau, tau_syn, delay = 4, 20e-3, 5e-3, 8e-3
    back = np.full((size, size), 0.15 * tau) * (1 - np.eye(size))
    node = cuba(size, tau, tau_syn)
    inner = nir.NIRGraph(
        {"input": nir.Input(np.array([size])), "lif": node, "delay": nir.Delay(np.full(size, delay)),
         "w_rec": nir.Linear(back), "output": nir.Output(np.array([size]))},
        [("input", "lif"), ("lif", "delay"), ("delay", "w_rec"), ("w_rec", "lif"), ("lif", "output")],
    )  # fmt: skip
    weight = np.random.default_rng(0).uniform(0.2, 0.4, (size, 6)) * tau
    graph = nir.NIRGraph(
        {"in": nir.Input(np.array([6])), "fc": nir.Linear(weight), "rnn": inner, "out": nir.Output(np.array([size]))},
        [("in", "fc"), ("fc", "rnn"), ("rnn", "out")],
    )
    result = from_nir(graph)
    assert list(result.populations) == ["rnn.lif"] and list(result.spikes) == ["rnn.lif"]
    report = result.report.set_index("parameter")
    assert report.loc["delay (none)", "got"] == pytest.approx(delay, rel=0.02)  # the code's step
    assert {(one.source.name, one.delay_bits) for one in result.connections} == {("in", "precise"), ("rnn_lif", "none")}
    events = poisson(6, 60.0, 0.5, 5)
    wanted = simulate(
        {"rnn": reference(node, [("in", weight, 0.0), ("rnn", back, delay)])}, {"in": events}, 0.5
    )  # fmt: skip
    got = run(result, {"in": events}, 0.5)["rnn.lif"]
    assert got.sum() == pytest.approx(len(wanted["rnn"][0]), rel=RATE)


def test_lif_takes_the_jump_of_its_graph():
    """r, tau, v_threshold and the time step of a tool make a jump of the membrane: w r dt / (tau v_threshold)."""
    tau, dt, threshold = 20e-3, 1e-4, np.array([1.0, 0.5, 2.0])
    graph = chain(nir.Linear(np.array([[0.3], [0.3], [0.4]])), lif(3, tau, r=tau / dt, v_threshold=threshold))
    result = from_nir(graph, event_area=dt * second, tau_syn=2 * ms)
    report = result.report.set_index("parameter")
    assert report.loc["largest jump (ampa)", "got"] == pytest.approx(0.6)
    (connection,) = result.connections
    group = result.populations["lif"]
    constants = group.chip.constants
    drive = linear_limit.rheobase(*(group.bias_current(f"I_{name}") for name in ("leak", "gain", "threshold")))
    charge = constants["C_ampa"] * constants["U_T"] / constants["kappa_p"]
    rise = (
        group.bias_current("I_gain_ampa") * np.asarray(connection.I_weight) * float(connection.pulse_width()) / charge
    )
    tau_ampa = charge / group.bias_current("I_tau_ampa")
    jumps = rise * tau_ampa / (drive * report.loc["tau_mem", "got"])
    assert np.allclose(jumps, [0.3, 0.6, 0.2])  # closed form, the other way round


def test_filters_of_their_own_for_excitation_and_inhibition():
    """LI in front of LIF is a dendrite: two for excitation, one for inhibition."""
    size = 3
    nodes = {
        "in": nir.Input(np.array([size])),
        "lif": lif(size),
        "out": nir.Output(np.array([size])),
    }
    edges = [("lif", "out")]
    for name, tau, sign in (("fast", 4e-3, 1), ("slow", 40e-3, 1), ("inh", 10e-3, -1)):
        nodes |= {f"w_{name}": nir.Linear(sign * 0.002 * np.eye(size)),
                  name: nir.LI(np.full(size, tau), np.ones(size), np.zeros(size))}  # fmt: skip
        edges += [("in", f"w_{name}"), (f"w_{name}", name), (name, "lif")]
    result = from_nir(nir.NIRGraph(nodes, edges))
    report = result.report.set_index("parameter")
    for dendrite, tau in (("ampa", 4e-3), ("nmda", 40e-3), ("gaba", 10e-3)):
        assert report.loc[f"tau_syn ({dendrite})", "got"] == pytest.approx(tau, rel=0.03)
    assert sorted(one.dendrite for one in result.connections) == ["ampa", "gaba", "nmda"]


def test_inhibition_is_the_dendrite_that_is_subtracted():
    """On a chip that has GABA and shunt exchanged it is the other one."""
    graph = chain(nir.Linear(np.array([[0.01, -0.01]])), lif(1))
    for swapped, dendrite in ((False, "gaba"), (True, "shunt")):
        result = from_nir(graph, chip=bd.Chip(swap_gaba_shunt=swapped))
        assert sorted(one.dendrite for one in result.connections) == sorted(["ampa", dendrite])


def test_scale_flatten_and_shift():
    """Scale multiplies; v_reset is the origin: with v_leak above it there is a constant drive."""
    graph = nir.NIRGraph(
        {"in": nir.Input(np.array([2, 2])), "flat": nir.Flatten({"input": np.array([2, 2])}, 0, -1),
         "s": nir.Scale(np.array([1.0, 2.0, 3.0, 4.0])), "w": nir.Linear(np.full((1, 4), 0.01)),
         "lif": lif(1, v_leak=-0.2, v_reset=-0.6, v_threshold=0.4), "out": nir.Output(np.array([1]))},
        [("in", "flat"), ("flat", "s"), ("s", "w"), ("w", "lif"), ("lif", "out")],
    )  # fmt: skip
    result = from_nir(graph)
    report = result.report.set_index("parameter")
    assert report.loc["constant drive", "asked"] == pytest.approx(0.4)
    assert report.loc["largest jump (ampa)", "asked"] == pytest.approx(0.04 / 20e-3)
    weights = np.asarray(result.connections[0].I_weight)
    assert np.allclose(weights / weights[0], [1, 2, 3, 4])
    assert result.populations["lif"].latches == {"so_dc"}


def test_neurons_that_differ_are_named_or_split():
    graph = chain(nir.Linear(np.full((4, 2), 0.01)), cuba(4, tau_mem=np.array([0.02, 0.03, 0.02, 0.03])))
    with pytest.raises(bd.ExchangeError, match=r"cubalif: its neurons differ in tau 0\.02 to 0\.03.*split=True"):
        from_nir(graph)
    result = from_nir(graph, split=True)
    assert [len(one) for one in result.populations.values()] == [2, 2]
    assert any("split into 2" in note for note in result.notes)
    taus = result.report.query("parameter == 'tau_mem'").set_index("population")["got"]
    assert np.allclose(taus.to_numpy(), [0.02, 0.03], rtol=0.03)


def affine(bias):
    return nir.Affine(np.full((2, 2), 0.01), np.asarray(bias, dtype=float))


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (lambda: chain(affine([-1, -1]), lif(2)), "SOIF_DC_P only excites"),
        (lambda: chain(affine([0, 0.5]), lif(2)), "differ in constant drive 0 to 0.5"),
        (lambda: chain(affine([0, 0]), lif(2, tau=100.0)), "tau_mem is 100 s, and the nearest code of SOIF_LEAK_N"),
        (lambda: chain(affine([0, 0]), lif(2, tau=-1.0)), "tau is -1 s; a time constant is positive"),
        (lambda: chain(affine([0, 0]), lif(2, v_threshold=0.0)), "v_threshold is not above v_reset"),
        (lambda: chain(affine([0, 0]), nir.IF(np.ones(2), np.ones(2))), r"IF has no leak.*accept=\{'IF'\}"),
        (lambda: chain(affine([0, 0]), nir.Threshold(np.ones(2))), "Threshold has no circuit"),
        (lambda: chain(affine([0, 0])), "no LIF, CubaLIF or IF"),
        (lambda: chain(nir.Linear(np.full((1, 1), 1e3)), lif(1, tau=1e-3)), "largest jump.*DEAM_EGAIN_P.*event_area"),
        (lambda: chain(affine([0, 0]), lif(2), affine([0, 0])), r"read through weights.*accept=\{\"readout\"\}"),
    ],
)  # fmt: skip
def test_what_the_chip_cannot_do_is_named(graph, message):
    with pytest.raises(bd.ExchangeError, match=message):
        from_nir(graph())


def test_failure_is_data_where_asked():
    result = from_nir(chain(affine([-1, -1]), lif(2)), check=False)
    assert not result.success and result.network is None and "SOIF_DC_P" in result.errors[0]
    assert set(result.report.columns) >= {"parameter", "asked", "got", "unit", "error", "bias"}
    two = nir.NIRGraph({"a": nir.Input(np.array([1])), "b": nir.Input(np.array([1])), "c": nir.Output(np.array([1]))},
                       [("a", "c"), ("b", "c")])  # fmt: skip
    outer = nir.NIRGraph({"g": two}, [], type_check=False)
    assert "g: a subgraph with 2 inputs" in from_nir(outer, check=False).errors[0]


def test_accepted_losses():
    assert from_nir(chain(affine([0, 0]), nir.IF(np.ones(2), np.ones(2))), accept={"IF"}).success
    result = from_nir(chain(affine([0, 0]), lif(2), affine([0, 0])), accept={"readout"})
    assert list(result.spikes) == ["lif"]
    with pytest.raises(bd.UnknownNameError, match="'IFF' is not a loss to accept; did you mean IF"):
        from_nir(chain(affine([0, 0]), lif(2)), accept={"IFF"})


def test_wrong_arguments(tmp_path):
    graph = chain(affine([0, 0]), lif(2))
    with pytest.raises(bd.ExchangeError, match="nothing.nir: cannot be read"):
        from_nir(tmp_path / "nothing.nir")
    with pytest.raises(bd.ExchangeError, match="graph is int"):
        from_nir(3)
    with pytest.raises(bd.DynapseError, match="event_area is 3; give a positive time"):
        from_nir(graph, event_area=3)
    with pytest.raises(bd.DynapseError, match="gain_ratio is 0.1"):
        from_nir(graph, gain_ratio=0.1)
    with pytest.raises(bd.DynapseError, match="biases is dict"):
        from_nir(graph, biases={})
