"""The engine of the board simulates what `to_network` does, and stays alive while it is spoken to."""

import os
import time
from itertools import pairwise
from pathlib import Path

import brian2
import numpy as np
import pytest
from board_reference import ALL_CORES, OUTSIDE, Draft, random_draft, random_events, reference
from brian2 import Hz

import brian2dynapse as bd
from brian2dynapse import dac
from brian2dynapse.board_engine import Engine
from brian2dynapse.errors import DynapseError

pytestmark = pytest.mark.compiled

INDIVIDUAL = {"seed": 3, "mismatch": 0.2}
# Steps of the compiled program differ from those of NumPy by 1e-8 in their functions (tests/dpi/test_inline.py). Over
# some hundred steps that stays below a microvolt; a spike in another step would be a difference of some hundred mV.
SAME_POTENTIAL = 1e-6


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    """Compiled programs of this session."""
    return tmp_path_factory.mktemp("programs")


@pytest.fixture
def engine(programs):
    """Makes engines, and ends them."""
    made = []

    def make(configuration=None, chip=None, **arguments):
        chips = 1 if configuration is None else len(configuration)
        made.append(Engine(chips, chip, directory=programs, **arguments))
        if configuration is not None:
            made[-1].configure(configuration)
        return made[-1]

    yield make
    for one in made:
        one.close()


def run(one, until_us, step_us):
    """Advance in small steps."""
    return np.concatenate([one.advance(now) for now in range(one.time_us + step_us, until_us + 1, step_us)])


def bias(name, code):
    """Current of a code as it reaches the circuits of the ideal chip, amp."""
    return float(dac.nominal_table().circuit_currents(name)[code]) * bd.Chip().mirror_scale(name)


# -- the same spikes ---------------------------------------------------------------------------------


def test_a_random_network_makes_the_spikes_of_to_network(engine):
    """Mismatch, all dendrites, delays, depression, and latches that differ from neuron to neuron."""
    draft, chip = random_draft(1, cores=1, size=8), bd.Chip(**INDIVIDUAL)
    for neuron in range(0, 8, 2):
        draft.latch("so_dc", 0, 0, neuron)
        draft.latch("so_adaptation", 0, 0, neuron)
    draft["monitored"][0, 0] = 1
    configuration, events = draft.made(), random_events(2, 60_000, rate=250)
    one = engine(configuration, chip)
    one.watch(0, 0, 1)
    one.send(events)
    spikes = run(one, 60_000, step_us=1000)
    expected, network = reference(configuration, chip, events, 60_000)
    assert len(expected) > 50
    np.testing.assert_array_equal(spikes, expected)
    times, potentials = one.trace(0, 0)
    np.testing.assert_array_equal(times, np.arange(0, 60_000, 100))
    recorded = np.asarray(network["monitor_chip0_core0"].Vmem[0])
    np.testing.assert_allclose(potentials, recorded, rtol=0, atol=SAME_POTENTIAL)


def test_every_circuit_makes_the_spikes_of_to_network(engine):
    """Each neuron has another latch: those of the base program and those that need another one."""
    chip = bd.Chip(**INDIVIDUAL, rate_homeostasis=200 * Hz)  # so fast that the gain moves within the run
    draft = random_draft(4, cores=1, size=12, stp=0, recurrent=0)
    sets = [
        ["soif_type"],
        ["denm_nmda", "de_conductance"],
        ["deam_alpha"],
        ["denm_alpha", "denm_nmda"],
        ["deam_ampa"],
        ["deam_ampa"],  # a neighbour in the grid
        ["ho_enable", "ho_active"],
        ["ho_enable", "ho_active", "ho_so_de"],
        ["ho_enable"],
        ["coho_ca_mem", "so_adaptation"],
        ["soif_kill"],
        [],
    ]
    for neuron, latches in enumerate(sets):
        for latch in latches:
            draft.latch(latch, 0, 0, neuron)
    configuration, events = draft.made(), random_events(5, 60_000, rate=200)
    one = engine(configuration, chip)
    one.send(events)
    spikes = run(one, 60_000, step_us=10_000)
    expected, network = reference(configuration, chip, events, 60_000)
    assert {0, *range(2, 8), 9, 11} <= set(expected[:, 3].tolist())
    np.testing.assert_array_equal(spikes, expected)
    groups = [group for group in network.objects if isinstance(group, bd.Neurons)]
    for name in ("Imem", "gain_homeostasis", "Iampa", "Inmda", "Ica"):
        neurons, values = one.state(name)
        for group in groups:
            if name in group.variables:
                here = values[np.searchsorted(neurons, group.physical)]
                # the tolerance of inline functions, grown over 600 steps
                np.testing.assert_allclose(here, np.asarray(getattr(group, f"{name}_")[:]), rtol=1e-4, atol=1e-15)
    gain = one.state("gain_homeostasis")[1]
    assert np.all(np.abs(np.log(gain[[6, 7]])) > 0.01) and gain[8] == 1  # moved; enabled but not active


def test_pulses_longer_than_a_step_merge_as_in_to_network(engine):
    draft = random_draft(6, cores=1, size=3, dendrites=(1024,), stp=0.3)
    configuration = draft.code("SYPD_EXT_N", (3, 50)).made()  # 51 us
    events = random_events(7, 20_000, rate=1500, dt_us=20)
    one = engine(configuration, dt=20e-6)
    one.send(events)
    spikes = one.advance(20_000)
    expected, _ = reference(configuration, bd.Chip(), events, 20_000, dt=20e-6)
    assert len(expected) > 10
    np.testing.assert_array_equal(spikes, expected)


# -- bursts ------------------------------------------------------------------------------------------


def one_word(**codes):
    """A neuron that never spikes, with a word of tag 100 on its AMPA dendrite; two words of tag 101."""
    draft = Draft().code("SOIF_SPKTHR_P", (5, 255)).code("SYAM_W0_P", (4, 60)).code("SYPD_DLY0_P", (5, 255))
    draft.code("DEAM_ETAU_P", (0, 1))  # so slow that a step of decay is small
    for name, code in codes.items():
        draft.code(name, code)
    draft["synapse_tag"][0, 0, 0, :3] = [100, 101, 101]
    draft["synapse_dendrite"][0, 0, 0, :3] = 1024
    draft["synapse_weight"][0, 0, 0, :3] = 1
    return draft


def charge_of(current):
    """Open time of a pulse that brought the ideal AMPA dendrite of `one_word` from rest to a current, second."""
    constants, gain = bd.Chip().constants, bias("DEAM_EGAIN_P", bd.Biases()["DEAM_EGAIN_P"])
    leak = bias("DEAM_ETAU_P", (0, 1))
    tau = constants["C_ampa"] * constants["U_T"] * constants["time_factor"] / (constants["kappa_p"] * leak)
    start = constants["I_0"] / gain
    grown = current / gain * np.exp(1e-4 / tau)  # the decay of the step in which the charge acts
    jump = grown + np.log(grown) - start - np.log(start)
    return jump * tau * leak / bias("SYAM_W0_P", (4, 60))


def open_time(times, width):
    """Length of the union of the pulses, us."""
    times = np.sort(times)
    return width + np.minimum(np.diff(times), width).sum()


@pytest.mark.parametrize("spacing", [1, 3, 20])
def test_a_burst_in_one_step_is_a_merged_pulse(engine, spacing):
    width = bd.Chip().constants["Q_extender"] / bias("SYPD_EXT_N", bd.Biases()["SYPD_EXT_N"]) * 1e6
    assert 3 < width < 20  # the last spacing does not merge
    times = np.arange(0, 60, spacing)
    one = engine(one_word().made())
    one.send([(0, 1, 100, int(now)) for now in times])
    one.advance(200)
    # the jump is accurate to 1e-9, the decay of 5e-4 known without its floor
    assert charge_of(one.state("Iampa")[1][0]) * 1e6 == pytest.approx(open_time(times, width), rel=1e-3)


def test_bursts_in_any_order_lose_no_event(engine):
    """Events of two tags microseconds apart, in any order and several calls: the union of the pulses of each word."""
    generator = np.random.default_rng(8)
    width = bd.Chip().constants["Q_extender"] / bias("SYPD_EXT_N", bd.Biases()["SYPD_EXT_N"]) * 1e6
    times = {tag: generator.integers(0, 100, 25) for tag in (100, 101)}
    events = generator.permutation([(0, 1, tag, now) for tag in times for now in times[tag]])
    one = engine(one_word().made())
    for part in np.array_split(events, 7):
        one.send(part)
    one.advance(200)
    expected = open_time(times[100], width) + 2 * open_time(times[101], width)
    assert charge_of(one.state("Iampa")[1][0]) * 1e6 == pytest.approx(expected, rel=1e-3)


def test_a_merged_pulse_goes_on_in_the_next_step(engine):
    """Ten events a microsecond apart around the end of a step: 1 us more each, whatever step they are in."""
    one = engine(one_word().made())
    one.send([(0, 1, 100, 95 + k) for k in range(10)])
    one.advance(400)
    together = one.state("Iampa")[1][0]
    other = engine(one_word().made())
    other.send([(0, 1, 100, 45 + k) for k in range(10)])
    other.advance(400)
    assert together == pytest.approx(other.state("Iampa")[1][0], rel=1e-3, abs=0)


# -- configurations ----------------------------------------------------------------------------------


def test_changed_codes_act_at_once_and_keep_the_state(engine):
    """A dendrite decays with its time constant before and after a change: exponentially, far above I_0."""
    before, after = (one_word(DEAM_ETAU_P=code, SYAM_W0_P=(5, 255)).made() for code in ((1, 60), (2, 60)))
    one = engine(before)
    one.send([(0, 1, 100, 0)])
    one.advance(1000)
    currents = [one.state("Iampa")[1][0]]
    for configuration in (before, after):
        one.configure(configuration)
        assert one.state("Iampa")[1][0] == currents[-1]
        one.advance(one.time_us + 1000)
        currents.append(one.state("Iampa")[1][0])
    assert currents[-1] > 100 * bd.Chip().constants["I_0"]
    constants = bd.Chip().constants
    for code, (start, end) in zip(((1, 60), (2, 60)), pairwise(currents), strict=True):
        charge = constants["C_ampa"] * constants["U_T"] * constants["time_factor"]
        tau = charge / (constants["kappa_p"] * bias("DEAM_ETAU_P", code))
        # (I_0/I)^(1/kappa) < 2e-3 is the share of the floor in the decay
        assert np.log(start / end) == pytest.approx(1e-3 / tau, rel=2e-3)


def test_ten_thousand_configurations_neither_compile_nor_grow(engine, programs):
    one = engine(one_word().made())
    both = [one_word(SOIF_LEAK_N=(2, fine), SYAM_W1_P=(4, fine)).made() for fine in (5, 6)]

    def kilobytes():
        pages = [int(Path(f"/proc/{number}/statm").read_text().split()[1]) for number in (os.getpid(), process.pid)]
        return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 1024

    process, made = one._server._process, sorted(programs.iterdir())
    for k in range(10_000):
        if k == 1000:
            early = kilobytes()
        one.configure(both[k % 2])
        one.advance(one.time_us + 100)
    assert one._server._process is process and process.poll() is None
    assert sorted(programs.iterdir()) == made
    assert kilobytes() - early < 2000  # 9000 configurations of 200 bytes would be as much


def test_another_program_takes_all_state_over(engine):
    """A latch of a neuron that nobody hears needs another program; the others go on as if nothing were."""
    draft, chip = random_draft(9, cores=1, size=6), bd.Chip(**INDIVIDUAL)
    draft.code("SYPD_DLY0_P", (1, 60))  # delays of milliseconds: events are on their way
    events = random_events(10, 60_000, rate=150)
    configuration = draft.made()
    draft.latch("coho_ca_mem", 0, 3, 9)
    spikes = []
    for second in (configuration, draft.made()):
        one = engine(configuration, chip)
        one.watch(0, 0, 2)
        one.send(events)
        first = one.advance(30_050)
        one.configure(second)
        spikes.append(np.concatenate([first, one.advance(60_000)]))
    assert len(spikes[0]) > 20 and spikes[0][-1, 0] > 30_050
    np.testing.assert_array_equal(spikes[0], spikes[1])
    assert len(one.trace(0, 0)[0]) == 600


def test_pulses_longer_than_the_time_constant_are_told_of(engine):
    """A dendrite with a time constant of 0.1 us, as people drain it, and pulses of 14 us."""
    with brian2.utils.logger.catch_logs(only_from=["brian2dynapse"]) as messages:
        one = engine(one_word().made())
        assert not messages
        one.configure(one_word(DEAM_ETAU_P=(5, 254)).made())
        one.configure(one_word(DEAM_ETAU_P=(5, 255)).made())
    assert len(messages) == 1 and "chip 0 core 0: pulses on the ampa dendrite" in messages[0][2]


def test_tags_and_dendrites_change_between_events(engine):
    """Until a word is written it listens to its old tag; events of a tag without listeners do nothing."""
    draft = one_word()
    one = engine(draft.made())
    rest = one.state("Iampa")[1][0]
    one.send([(0, 1, 200, 0), (0, 2, 100, 0), (0, 0, 100, 0)])  # no such tag, another core, no core
    one.advance(1000)
    assert one.state("Iampa")[1][0] == pytest.approx(rest, rel=1e-6, abs=0)
    draft["synapse_tag"][0, 0, 0, 0] = 200
    draft["synapse_dendrite"][0, 0, 0, 0] = 256
    one.configure(draft.made())
    one.send([(0, 1, 200, 1000)])
    one.advance(1200)
    assert one.state("Inmda")[1][0] > 1.1 * rest and one.state("Iampa")[1][0] == pytest.approx(rest, rel=1e-6, abs=0)


def test_a_killed_neuron_is_silent_and_comes_back(engine):
    draft = Draft().code("SOIF_DC_P", (3, 120))
    draft.latch("so_dc", 0, 0, 5)
    on = draft.made()
    draft.latch("soif_kill", 0, 0, 5)
    one = engine(on)
    counts = []
    for configuration in (on, draft.made(), on):
        one.configure(configuration)
        counts.append(len(one.advance(one.time_us + 100_000)))
    assert counts[0] > 10 and counts[1] == 0
    assert abs(counts[2] - counts[0]) <= 1  # it begins from rest again


def test_a_drained_board_is_at_rest(engine):
    """The leak (5,255) that people drain with is far faster than a step: it leads to rest, with a warning."""
    draft = Draft().code("SOIF_DC_P", (2, 120)).code("SOIF_SPKTHR_P", (5, 255))
    draft.latch("so_dc", 0, 0, 0)
    one = engine(draft.made())
    one.advance(50_000)
    assert one.state("Imem")[1][0] > 1e-9
    with brian2.utils.logger.catch_logs(only_from=["brian2dynapse"]) as messages:
        one.configure(draft.code("SOIF_LEAK_N", (5, 255)).code("SOIF_DC_P", (0, 0)).made())
    assert any("SOIF_LEAK_N" in message for _, _, message in messages)
    one.advance(60_000)
    assert one.state("Imem")[1][0] == pytest.approx(bd.Chip().constants["I_0"], rel=1e-3, abs=0)


# -- several chips, time, ends -----------------------------------------------------------------------


def test_spikes_reach_the_chips_at_their_hops(engine):
    """A neuron of chip 0 sends east to chip 1, and to a place without a chip."""
    draft = Draft(chips=2).code("SYAM_W0_P", (5, 255)).code("SYPD_DLY0_P", (5, 255))
    for chip in (0, 1):
        draft["synapse_tag"][chip, 0, 7, :8] = 100 + chip
        draft["synapse_dendrite"][chip, 0, 7, :8] = 1024
        draft["synapse_weight"][chip, 0, 7, :8] = 1
    draft["destination_tag"][0, 0, 7, :2] = 101
    draft["destination_core"][0, 0, 7, :2] = 1
    draft["destination_x_hop"][0, 0, 7, :2] = [1, 3]
    one = engine(draft.made())
    one.send([(0, 1, 100, 0)])
    spikes = one.advance(20_000)
    assert {tuple(place) for place in spikes[:, 1:].tolist()} == {(0, 0, 7), (1, 0, 7)}
    assert spikes[0, 1] == 0 and np.all(np.diff(spikes[:, 0]) >= 0)


def test_a_spike_comes_when_its_step_is_over_and_once(engine):
    draft = Draft().code("SOIF_DC_P", (3, 120))
    draft.latch("so_dc", 0, 0, 0)
    whole = engine(draft.made()).advance(50_000)
    one = engine(draft.made())
    parts = [(now, one.advance(now)) for now in range(0, 50_001, 50)]
    assert all(np.all(spikes[:, 0] + 100 <= now) for now, spikes in parts)
    np.testing.assert_array_equal(np.concatenate([spikes for _, spikes in parts]), whole)


def test_what_is_late_or_no_event_is_refused(engine):
    one = engine(one_word().made())
    one.advance(1050)
    with pytest.raises(DynapseError, match="time of event 1 is 1049; it is at least 1050"):
        one.send([(0, 1, 100, 1050), (0, 1, 100, 1049)])
    with pytest.raises(DynapseError, match=r"tag of event 0 is 2048; it is 0\.\.2047"):
        one.send([(0, 1, 2048, 2000)])
    with pytest.raises(DynapseError, match="until_us is 1000"):
        one.advance(1000)
    with pytest.raises(DynapseError, match="has 2 chips, the board 1"):
        one.configure(bd.Configuration(2))
    with pytest.raises(DynapseError, match="no neuron of chip 0 core 2 is watched"):
        one.trace(0, 2)
    with pytest.raises(DynapseError, match="Iamp"):
        one.state("Iamp")


def test_a_closed_engine_says_so(engine):
    one = engine(one_word().made())
    process = one._server._process
    one.close()
    one.close()
    assert process.poll() == 0
    with pytest.raises(DynapseError, match="has ended"):
        one.advance(1000)


def test_two_hundred_neurons_run_in_real_time(engine):
    """200 neurons with 64 words each that fire at over 20 Hz, in advances of 5 ms with inputs; best of three."""
    draft = random_draft(11, cores=4, size=50, fan_in=64, stp=0.1)
    one = engine(draft.made(), bd.Chip(**INDIVIDUAL))
    generator = np.random.default_rng(12)
    seconds, spikes = [], 0
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(100):
            now = one.time_us
            tags, times = generator.choice(OUTSIDE, 15), now + generator.integers(0, 5000, 15)
            one.send(np.column_stack([np.zeros(15, dtype=int), np.full(15, ALL_CORES), tags, times]))
            spikes += len(one.advance(now + 5000))
        seconds.append(time.perf_counter() - start)
    assert spikes / 200 / 1.5 > 20  # hertz
    assert min(seconds) < 0.5  # of half a second
