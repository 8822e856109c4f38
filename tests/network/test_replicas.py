"""Copies of a network in one vectorised run do what networks of their own do."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from brian2 import (
    Hz,
    Network,
    PoissonGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    device,
    ms,
    mV,
    nA,
    pA,
    pcoulomb,
    prefs,
    second,
    set_device,
)

import brian2dynapse as bd
from brian2dynapse.errors import DynapseError, MappingError, TimeStepError, UnknownNameError, WiringError
from brian2dynapse.replica_advice import advice, gain

DURATION = 150 * ms
SPIKES = (np.arange(60) % 5, np.arange(60) * 2 * ms)
OTHER_SPIKES = (np.arange(40) % 5, np.arange(40) * 3.5 * ms)
INDIVIDUAL = {"seed": 3, "mismatch": 0.2}


def network(first=None, second_=None, chip=None, spikes=SPIKES, std=True):
    """Two populations, five connections: recurrent, depressing, masks and currents as weights, all kinds of delay."""
    chip = chip or bd.Chip(**INDIVIDUAL)
    pyr = bd.Neurons(4, bd.Biases(first), {"so_dc", "so_adaptation"}, chip, name="pyr")
    inh = bd.Neurons(3, bd.Biases(second_), {"denm_nmda", "de_conductance"}, chip, name="inh")
    source = SpikeGeneratorGroup(5, *spikes, name="source")
    drive = bd.Connection(source, pyr, "ampa", "0011", delay="mismatched", std=std, name="drive")
    drive.connect_fixed_indegree(3, seed=1)
    masks = bd.Connection(pyr, inh, "nmda", np.arange(4, 16), delay="both", name="masks")
    masks.connect(i=np.repeat(np.arange(4), 3), j=np.tile(np.arange(3), 4))
    currents = bd.Connection(inh, pyr, "shunt", np.arange(6) * nA, name="currents")
    currents.connect(i=[0, 1, 2, 0, 1, 2], j=[0, 0, 1, 2, 3, 3])
    recurrent = bd.Connection(inh, inh, "gaba", "0001", delay="precise", name="recurrent")
    recurrent.connect()
    part = bd.Connection(pyr[1:3], inh[1:], "ampa", "0100", name="part")
    part.connect()
    monitors = [SpikeMonitor(pyr, name="of_pyr"), SpikeMonitor(inh, name="of_inh")]
    trace = StateMonitor(pyr, ["Imem", "Iampa"], record=[1, 3], dt=1 * ms, name="trace")
    return Network(pyr, inh, source, drive, masks, currents, recurrent, part, *monitors, trace)


# What a copy has of its own, and what makes a network on its own of it.
LONG_PULSE = {"SYPD_EXT_N": 0.35 * pcoulomb / (0.3 * ms), "SYAM_W0_P": (3, 200), "SYAM_W1_P": (3, 200)}
CASES = {
    "the network itself": ({}, {}),
    "codes of all": ({"codes": {"SOIF_DC_P": (2, 60), "SOAD_W_N": (2, 100)}},
                     {key: {"SOIF_DC_P": (2, 60), "SOAD_W_N": (2, 100)} for key in ("first", "second_")}),
    "codes of one": ({"codes": {"inh": {"SOIF_LEAK_N": 30 * pA}}}, {"second_": {"SOIF_LEAK_N": 30 * pA}}),
    "one before all": ({"codes": {"SOIF_GAIN_N": (3, 40), "pyr": {"SOIF_GAIN_N": (3, 90)}}},
                       {"first": {"SOIF_GAIN_N": (3, 90)}, "second_": {"SOIF_GAIN_N": (3, 40)}}),
    "delays": ({"codes": {"SYPD_DLY0_P": (0, 200), "SYPD_DLY1_P": (0, 90), "SYPD_DLY2_P": (0, 120)}},
               {key: {"SYPD_DLY0_P": (0, 200), "SYPD_DLY1_P": (0, 90), "SYPD_DLY2_P": (0, 120)}
                for key in ("first", "second_")}),
    "weights": ({"codes": {"pyr": {"SYAM_W0_P": (5, 90)}, "inh": {"SYAM_W2_P": (5, 200)}}},
                {"first": {"SYAM_W0_P": (5, 90)}, "second_": {"SYAM_W2_P": (5, 200)}}),
    "depression": ({"codes": {"SYAM_STDW_N": (3, 200), "SYAW_STDSTR_N": (0, 40)}},
                   {"first": {"SYAM_STDW_N": (3, 200), "SYAW_STDSTR_N": (0, 40)}}),
    "pulses longer than dt": ({"codes": {"pyr": LONG_PULSE}}, {"first": LONG_PULSE}),
    "chip": ({"chip": bd.Chip(seed=9, mismatch="pelgrom")}, {"chip": bd.Chip(seed=9, mismatch="pelgrom")}),
    "ideal chip": ({"chip": bd.Chip()}, {"chip": bd.Chip()}),
    "inputs": ({"inputs": {"source": OTHER_SPIKES}}, {"spikes": OTHER_SPIKES}),
    "everything": ({"codes": {"pyr": {"SOIF_DC_P": (2, 90)}}, "chip": bd.Chip(seed=8, mismatch=0.3),
                    "inputs": {"source": OTHER_SPIKES}, "label": "all"},
                   {"first": {"SOIF_DC_P": (2, 90)}, "chip": bd.Chip(seed=8, mismatch=0.3), "spikes": OTHER_SPIKES}),
}  # fmt: skip


def spikes_of(replicas, monitor, copy):
    table = replicas.spikes(monitor)
    return table[table["replica"] == copy][["i", "t_s"]].to_numpy()


def assert_same_spikes(replicas, copy, alone, monitors=("of_pyr", "of_inh")):
    for name in monitors:
        expected = np.column_stack([alone[name].i, alone[name].t / second])
        assert np.array_equal(spikes_of(replicas, name, copy), expected), name


@pytest.fixture(scope="module")
def all_cases():
    prefs.codegen.target = "numpy"
    replicas = bd.replicate(network(), [bd.Setting(**setting) for setting, _ in CASES.values()])
    replicas.run(DURATION)
    return replicas


@pytest.mark.parametrize("case", CASES)
def test_a_copy_spikes_as_a_network_of_its_own(all_cases, case):
    copy = list(CASES).index(case)
    alone = network(**CASES[case][1])
    alone.run(DURATION)
    assert alone["of_pyr"].num_spikes > 20 and alone["of_inh"].num_spikes > 5
    assert_same_spikes(all_cases, copy, alone)
    for name in ("Imem", "Iampa"):
        assert np.array_equal(getattr(all_cases["trace"], name)[2 * copy : 2 * copy + 2], getattr(alone["trace"], name))


def test_cases_differ(all_cases):
    """Else the tests above would show nothing."""
    trains = [spikes_of(all_cases, "of_inh", copy).tobytes() for copy in range(len(CASES))]
    assert len(set(trains)) == len(CASES)


def simple(chip=None, codes=None, latches=("so_dc",), delay="none", **kwds):
    neurons = bd.Neurons(3, bd.Biases(codes), set(latches), chip, name="neurons")
    source = SpikeGeneratorGroup(5, *SPIKES, name="source")
    drive = bd.Connection(source, neurons, "ampa", "0001", delay=delay, name="drive", **kwds)
    drive.connect_fixed_indegree(4, seed=2)
    return Network(neurons, source, drive, SpikeMonitor(neurons, name="spikes"))


def test_individuals_and_delays_of_a_network_on_the_ideal_chip():
    """One number for all synapses becomes one a copy, or one a synapse; CAM words are the next free ones."""
    changes = [{}, {"codes": {"SYPD_DLY0_P": (1, 20)}}, {"codes": {"SYPD_DLY0_P": (1, 9), "SYAM_W0_P": (5, 99)}}]
    changes += [{"chip": bd.Chip(seed=seed, mismatch=0.3)} for seed in (1, 2)]
    replicas = bd.replicate(simple(), [bd.Setting(**change) for change in changes])
    replicas.run(DURATION)
    for copy, change in enumerate(changes):
        alone = simple(**change)
        alone.run(DURATION)
        assert_same_spikes(replicas, copy, alone, ["spikes"])
    assert len(np.unique(replicas.counts("spikes").sum(axis=1))) > 2


def test_other_circuits():
    """Alpha functions, homeostasis, exponential soma with several events, a start off rest, killed neurons."""

    def build(codes):
        chip = bd.Chip(seed=1, mismatch=0.1, events_per_spike=2)
        latches = {"so_dc", "deam_alpha", "soif_type", "ho_enable", "ho_active", "coho_ca_mem"}
        neurons = bd.Neurons(
            3,
            bd.Biases({"SOIF_DC_P": (3, 60)} | codes),
            latches,
            chip,
            name="neurons",
            method_options={"floor": "exact"},
        )
        neurons.gain_homeostasis = [0.8, 1, 1.2]
        neurons.Imem = [1, 200, 30] * pA
        dead = bd.Neurons(1, neurons.biases, {"so_dc", "soif_kill"}, chip, name="dead")
        back = bd.Connection(neurons, neurons, "ampa", "0011", name="back")
        back.connect()
        return Network(neurons, dead, back, SpikeMonitor(neurons, name="spikes"), SpikeMonitor(dead, name="of_dead"))

    codes = [{}, {"SOIF_LEAK_N": (2, 20)}, {"DEAM_IGAIN_P": (1, 40), "SOIF_DC_P": (3, 99)}]
    replicas = bd.replicate(build({}), [bd.Setting(codes=one) for one in codes])
    replicas.run(DURATION)
    for copy, one in enumerate(codes):
        alone = build(one)
        alone.run(DURATION)
        assert alone["spikes"].num_spikes > 10
        assert_same_spikes(replicas, copy, alone, ["spikes", "of_dead"])


def test_what_was_set_by_hand_is_kept_until_its_code_changes():
    net = simple()
    net["neurons"].I_leak = [30, 40, 50] * pA
    net["drive"].I_weight = 7 * nA
    net["drive"].delay = 3 * ms
    codes = [{}, {"SOIF_LEAK_N": (2, 7)}, {"SYAM_W0_P": (5, 3)}, {"SYPD_DLY1_P": (1, 30)}]
    replicas = bd.replicate(net, [bd.Setting(codes=one) for one in codes])
    biases = bd.Biases({"SOIF_LEAK_N": (2, 7), "SYAM_W0_P": (5, 3)})
    leak = np.tile(np.asarray([30, 40, 50] * pA), (4, 1))
    leak[1] = biases.current_in_amp("SOIF_LEAK_N")
    np.testing.assert_array_equal(np.asarray(replicas["neurons"].I_leak).reshape(4, 3), leak)
    weight = np.full((4, 12), float(7 * nA))
    weight[2] = biases.current_in_amp("SYAM_W0_P")
    np.testing.assert_array_equal(np.asarray(replicas["drive"].I_weight[:]).reshape(4, 12), weight)
    delay = np.full((4, 12), float(3 * ms))
    delay[3] = float(simple()["drive"].delay_time())  # as on a network: a changed delay bias sets all delays again
    np.testing.assert_array_equal(np.asarray(replicas["drive"].delay[:]).reshape(4, 12), delay)


def test_poisson_inputs():
    """Every copy draws its own; rates are those of its setting."""
    neurons = bd.Neurons(2, bd.Biases(), name="neurons")
    inputs = PoissonGroup(50, 40 * Hz, name="inputs")
    drive = bd.Connection(inputs, neurons, "ampa", "0001", name="drive")
    drive.connect_fixed_indegree(20, seed=0)
    net = Network(neurons, inputs, drive, SpikeMonitor(inputs, name="events"))
    each = np.linspace(0, 98, 50)
    rates = [None, 10 * Hz, each * Hz, 40 * Hz]
    settings = [bd.Setting(inputs={} if one is None else {"inputs": one}) for one in rates]
    replicas = bd.replicate(net, settings)
    replicas.run(1 * second)
    expected = np.array([np.full(50, 40), np.full(50, 10), each, np.full(50, 40)])
    counts = replicas.counts("events")
    # Counts are Poisson: the sum over 50 inputs has the variance of its mean, 5 standard deviations are 1 in 2 million
    total = expected.sum(axis=1)
    assert np.all(np.abs(counts.sum(axis=1) - total) < 5 * np.sqrt(total))
    assert counts[2, 0] == 0 and np.corrcoef(counts[2], each)[0, 1] > 0.9
    assert not np.array_equal(counts[0], counts[3])


def test_tables():
    replicas = bd.replicate(simple(), [bd.Setting(label="a"), bd.Setting(codes={"SOIF_DC_P": (2, 99)}, label="b")])
    with pytest.raises(DynapseError, match="have not been run"):
        replicas.counts("spikes")
    replicas.run(DURATION)
    spikes, counts = replicas.spikes("spikes"), replicas.counts("spikes")
    assert list(spikes) == ["replica", "label", "i", "t_s"] and counts.shape == (2, 3)
    assert np.array_equal(spikes.groupby(["replica", "i"]).size(), counts.ravel())
    assert set(spikes.loc[spikes["replica"] == 1, "label"]) == {"b"}
    rates = replicas.rates("spikes")
    assert rates["label"].tolist() == ["a", "b"]
    np.testing.assert_allclose(rates["rate_Hz"], counts.mean(axis=1) / 0.15)
    np.testing.assert_allclose(rates["std_Hz"], counts.std(axis=1) / 0.15)
    late = (spikes["t_s"] >= 0.1) & (spikes["replica"] == 1)
    assert replicas.rates("spikes", start=100 * ms)["rate_Hz"][1] == pytest.approx(late.sum() / 3 / 0.05)
    assert len(replicas) == 2 and "2 copies" in repr(replicas) and replicas["neurons"].name == "neurons_replicas"
    assert "SOIF_DC_P" in replicas._repr_html_() and replicas.advice in replicas._repr_html_()
    with pytest.raises(UnknownNameError, match="did you mean spikes"):
        replicas.rates("spike")
    with pytest.raises(DynapseError, match="drive is ReplicatedConnection; give the name of a SpikeMonitor"):
        replicas.counts("drive")
    with pytest.raises(DynapseError, match="before the end of the run, 0.15 s"):
        replicas.rates("spikes", start=0.2 * second)


def test_the_network_stays_as_it_is():
    net = network()
    before = {name: np.array(net["pyr"].variables[name].get_value()) for name in net["pyr"].equation_parameters()}
    bd.replicate(net, [bd.Setting(codes={"SOIF_LEAK_N": (3, 1)}, chip=bd.Chip(seed=1, mismatch=0.1))] * 2)
    for name, values in before.items():
        np.testing.assert_array_equal(net["pyr"].variables[name].get_value(), values)
    assert net["pyr"].biases["SOIF_LEAK_N"] == bd.Biases()["SOIF_LEAK_N"] and net["pyr"].chip.seed == 3
    net.run(1 * ms)


def test_codes_of_copies_are_not_overwritten():
    net = simple()
    replicas = bd.replicate(net, [bd.Setting(), bd.Setting(codes={"SOIF_LEAK_N": (2, 9)})])
    many = replicas["neurons"]
    leak = np.array(many.I_leak)
    for change in (lambda: many.biases.update({"SOIF_LEAK_N": (2, 50)}), lambda: setattr(many, "biases", bd.Biases(
        {"SOIF_LEAK_N": (2, 50)}))):  # fmt: skip
        with pytest.raises(DynapseError, match="SOIF_LEAK_N: the copies in neurons_replicas have codes of their own"):
            change()
    net["neurons"].biases["SOIF_LEAK_N"] = (2, 60)  # the network's own are free
    assert np.array_equal(many.I_leak, leak) and many.biases["SOIF_LEAK_N"] == bd.Biases()["SOIF_LEAK_N"]
    with pytest.raises(MappingError, match="set by hand"):
        bd.map_network(replicas.network)
    replicas.network.store()
    replicas.run(10 * ms)
    replicas.network.restore()
    assert np.array_equal(many.I_leak, leak)


def test_checks_look_at_each_copy():
    """A pulse is compared with the dendrite of its own copy; a message shows the codes of the copies."""
    slow = {"SYPD_EXT_N": 0.35 * pcoulomb / (3 * ms), "DEAM_ETAU_P": (0, 200), "SYAM_W0_P": (2, 50)}
    fast = {"DEAM_ETAU_P": (3, 200)}
    bd.replicate(simple(), [bd.Setting(codes=slow), bd.Setting(codes=fast)]).run(1 * ms)
    bad = bd.replicate(simple(), [bd.Setting(codes=slow), bd.Setting(codes=slow | fast)])
    with pytest.raises(Exception) as caught:
        bad.run(1 * ms)
    assert isinstance(caught.value.__cause__, TimeStepError)
    assert "DEAM_ETAU_P (0,200) in copy 0 to (3,200) in copy 1" in str(caught.value.__cause__)


def test_a_thousand_settings_of_one_neuron():
    neurons = bd.Neurons(1, bd.Biases(), {"so_dc"}, bd.Chip(**INDIVIDUAL), name="neurons")
    net = Network(neurons, SpikeMonitor(neurons, name="spikes"))
    settings = [bd.Setting(codes={"SOIF_DC_P": (2, k % 256), "SOIF_LEAK_N": 30 * pA}) for k in range(1000)]
    before = time.process_time()
    replicas = bd.replicate(net, settings)
    assert time.process_time() - before < 5
    replicas.run(100 * ms)
    counts = replicas.counts("spikes")[:, 0]
    assert np.all(np.diff(counts[:256]) >= 0) and counts[255] > counts[40]
    assert np.array_equal(counts[:232], counts[768:])


REFUSED_OBJECTS = {
    "plain Synapses": (lambda net: net.add(Synapses(net["source"], net["neurons"], name="plain")), "plain is Synapses"),
    "grid": (lambda net: net.add(bd.Neurons(2, bd.Biases(), {"deam_ampa"}, name="grid")), "deam_ampa"),
    "part": (lambda net: net.add(SpikeMonitor(net["neurons"][1:], name="part")), "part watches a part of neurons"),
    "trace": (lambda net: net.add(StateMonitor(net["drive"], "I_weight", [0], name="trace")), "trace watches drive"),
    "source": (lambda net: net.remove(net["source"]), "drive: source is not in the network; add it"),
    "run": (lambda net: net.run(1 * ms), "has been run for"),
    "added": (lambda net: net["neurons"].run_regularly("Imem = 1*pA", dt=1 * ms), "neurons has something of its own"),
}


@pytest.mark.parametrize("case", REFUSED_OBJECTS)
def test_what_is_not_copied_is_refused(case):
    change, message = REFUSED_OBJECTS[case]
    net = simple()
    change(net)
    with pytest.raises(DynapseError, match=message):
        bd.replicate(net, [bd.Setting()])


REFUSED_SETTINGS = {
    "population": ({"codes": {"neuron": {"SOIF_LEAK_N": (1, 1)}}}, "'neuron' is not a population of the network"),
    "bias": ({"codes": {"SOIF_LEEK_N": (1, 1)}}, "settings[1]: 'SOIF_LEEK_N' is not a bias; did you mean SOIF_LEAK_N"),
    "code": ({"codes": {"SOIF_LEAK_N": (1, 300)}}, "settings[1]: SOIF_LEAK_N: fine is 300"),
    "no mapping": ({"codes": [1]}, "settings[1]: codes is list"),
    "constant": ({"chip": bd.Chip(temperature=310 * bd.Chip().temperature / 300)}, "settings[1]: the chip has"),
    "reading": ({"chip": bd.Chip(noise=1)}, "settings[1]: the chip has noise = 1.0, that of neurons 0.0"),
    "chip": ({"chip": 3}, "settings[1]: chip is int"),
    "source": ({"inputs": {"sauce": SPIKES}}, "'sauce' is not a source of the network (settings[1]); did you mean"),
    "index": ({"inputs": {"source": ([5], [1] * ms)}}, "settings[1]: spikes of source: indices are [5]; give integers"),
    "times": ({"inputs": {"source": ([1, 2], [1] * ms)}}, "settings[1]: spikes of source: give as many times"),
    "unit": ({"inputs": {"source": ([1], [1] * mV)}}, "settings[1]: spikes of source: give as many times, in second"),
    "label": ({"label": 1}, "settings[1]: label is 1"),
}


@pytest.mark.parametrize("case", REFUSED_SETTINGS)
def test_settings_that_do_not_fit_are_refused(case):
    setting, message = REFUSED_SETTINGS[case]
    with pytest.raises(DynapseError) as caught:
        bd.replicate(simple(), [bd.Setting(), bd.Setting(**setting)])
    assert message in str(caught.value)


def test_what_nobody_knows_is_refused():
    """CAM words of several connections on an ideal chip; places on chips of their own; rates of an expression."""
    slow = bd.Chip(Q_delay=450 * pcoulomb)  # a thousand times slower than others
    with pytest.raises(WiringError, match="copy 1: drive: a delay of .* s .SYPD_DLY0_P"):
        bd.replicate(simple(slow), [bd.Setting(), bd.Setting(codes={"SYPD_DLY0_P": (0, 9)})])
    individual = [bd.Setting(chip=bd.Chip(seed=1, mismatch=0.2))]
    with pytest.raises(WiringError, match="copy 0: its chip has mismatch.*several connections reach"):
        bd.replicate(network(chip=bd.Chip()), individual)
    neurons, others = (bd.Neurons(2, bd.Biases(), name=name) for name in ("neurons", "others"))
    with pytest.raises(DynapseError, match="neurons and others are both on physical neuron 0"):
        bd.replicate(Network(neurons, others), individual)
    inputs = PoissonGroup(2, "10*Hz + 5*Hz*i", name="inputs")
    with pytest.raises(DynapseError, match="inputs: its rates are an expression"):
        bd.replicate(Network(neurons, inputs), [bd.Setting()])
    with pytest.raises(DynapseError, match=r"settings\[0\]: rates of inputs are .*; give one rate, or 2, in hertz"):
        bd.replicate(Network(neurons, inputs), [bd.Setting(inputs={"inputs": [1, 2, 3] * Hz})])
    for wrong in ([], bd.Setting(), "x"):
        with pytest.raises(DynapseError, match="give a list of Setting"):
            bd.replicate(Network(neurons), wrong)
    with pytest.raises(DynapseError, match="name_suffix is '-'"):
        bd.replicate(Network(neurons), [bd.Setting()], name_suffix="-")


def test_advice_follows_the_measurement():
    """The rule is within a factor of 2 of each measured ratio: so far do measurements on a machine in use differ."""
    table = pd.read_csv(Path(__file__).parents[2] / "benchmarks" / "replicas.csv")
    rule = [gain(one.neurons * one.copies, one.copies, one.target == "cpp_standalone") for one in table.itertuples()]
    assert len(rule) == 16 and np.all(np.abs(np.log2(table["gain"] / rule)) < 1)
    assert gain(100, 1, False) == gain(100, 1, True) == 1
    assert "1000 copies (16000 neurons" in advice(16_000, 320_000, 1000, False)
    for neurons, standalone, verdict in (
        (16_000, False, "times faster than 1000 runs"),
        (256_000, True, "times as long as 1000 runs"),
        (1000 * 40_000, False, "about as long as 1000 runs"),
    ):
        assert verdict in advice(neurons, 0, 1000, standalone)


@pytest.mark.compiled
def test_standalone_does_the_same(all_cases, tmp_path):
    expected = [all_cases.spikes("of_pyr"), all_cases.spikes("of_inh"), all_cases.rates("of_pyr", 50 * ms)]
    device.reinit()
    set_device("cpp_standalone", directory=str(tmp_path))
    replicas = bd.replicate(network(), [bd.Setting(**setting) for setting, _ in CASES.values()])
    replicas.run(DURATION)
    found = [replicas.spikes("of_pyr"), replicas.spikes("of_inh"), replicas.rates("of_pyr", 50 * ms)]
    for one, other in zip(found, expected, strict=True):
        pd.testing.assert_frame_equal(one, other)
