"""A script that configures a core, sends events and reads spikes gets those of `to_network` with the same inputs."""

import brian2 as b2
import numpy as np
import pytest

import brian2dynapse as bd
from brian2dynapse import board as simulated
from brian2dynapse import board_spikes as spikes
from brian2dynapse.board_network import Network

pytestmark = pytest.mark.compiled

W0, W1 = [True, False, False, False], [False, True, False, False]
DURATION_US, STEP_US = 400_000, 100


def test_a_script_gets_the_spikes_of_the_network():
    chip = bd.Chip(seed=3, mismatch=0.1)
    board = simulated.install(chip=chip)
    try:
        model = board.get_model()
        config = model.get_configuration()
        for core in (0, 2):
            parameters = config.chips[0].cores[core].parameters
            for name, code in bd.networks.winner_take_all_codes().items():
                spikes.set_parameter(parameters, name, *code)
        network = Network(config, seed=2)
        inputs = network.add_virtual_group(8)
        excitatory, inhibitory = network.add_group(0, 0, 12), network.add_group(0, 2, 6)
        network.add_connection(inputs, excitatory, 0.5, bd.Dendrite.ampa, W0, repeat=2, mismatched_delay=True)
        network.add_connection(excitatory, inhibitory, 0.5, bd.Dendrite.nmda, W1, repeat=4, precise_delay=True)
        network.add_connection(inhibitory, excitatory, 0.5, bd.Dendrite.shunt, W1, repeat=2, precise_delay=True)
        network.connect()
        model.apply_configuration(config)  # at time 0 of the board: the engine's steps are those of the network
        generator = np.random.default_rng(5)
        steps = [np.sort(generator.choice(DURATION_US // STEP_US, 60, replace=False)) for _ in range(8)]
        channels = np.repeat(np.arange(8), 60)
        times = np.concatenate(steps) * STEP_US
        sent = spikes.isi_gen(inputs, channels.tolist(), times.tolist())
        # the first step has no stamp of its own: 0 means now
        sent = [one for one in sent if one[3] > 0]
        spikes.send_virtual_events(board, sent, offset=0, min_delay=STEP_US)
        board.clock.wait_us(DURATION_US)
        found = spikes.get_events(board, 1)
        configuration = board.configuration
    finally:
        simulated.uninstall()

    b2.prefs.codegen.target = "numpy"
    net = bd.to_network(configuration, chip=chip)
    group = net[network.virtual_groups[0].name]
    keep = times > 0
    group.set_spikes(channels[keep], times[keep] * b2.us)
    net.run(DURATION_US * b2.us)
    total = 0
    for part in (excitatory, inhibitory):
        monitor = net[f"spikes_{part.name}"]
        wanted = sorted(
            zip(np.round(np.asarray(monitor.t / b2.us)).astype(int).tolist(), monitor.i[:].tolist(), strict=True)
        )
        ours = [
            (round(t * 1e6), number - part.ids[0])
            for number, t in zip(*found, strict=True)
            if number in part.ids and t * 1e6 < DURATION_US
        ]
        total += len(wanted)
        # Both compute in doubles, in another order: a threshold may be passed a step later. None is lost or added.
        assert len(ours) == len(wanted)
        for neuron in range(part.size):
            mine, theirs = ([t for t, k in one if k == neuron] for one in (sorted(ours), wanted))
            assert len(mine) == len(theirs)
            assert np.all(np.abs(np.subtract(mine, theirs)) <= STEP_US)
    assert total > 50  # it is a network that does something


def test_changed_codes_and_what_is_read_in_pieces():
    """Drained between trials, two trials are the same however they are read."""
    board = simulated.install()
    try:
        model = board.get_model()
        config = model.get_configuration()
        network = Network(config, seed=1)
        inputs, group = network.add_virtual_group(4), network.add_group(0, 1, 10)
        network.add_connection(inputs, group, 1, bd.Dendrite.ampa, W0, repeat=4)
        network.connect()
        leak = config.chips[0].cores[1].parameters["SOIF_LEAK_N"]
        config.chips[0].cores[1].monitored_neuron = group.neurons[0]
        config.chips[0].cores[1].neuron_monitoring_on = True
        rest = leak.coarse_value, leak.fine_value
        model.apply_configuration(config)
        trials = []
        for pieces in (1, 40):
            leak.coarse_value, leak.fine_value = 5, 255
            model.apply_configuration(config)
            board.clock.wait(0.5)
            leak.coarse_value, leak.fine_value = rest
            model.apply_configuration(config)
            board.read_events()
            board.clock.wait_us(-board.clock.now_us % STEP_US)  # a trial begins with a step
            start = board.clock.now_us
            events = spikes.regular_gen(inputs, 100, 200_000, start=1000)
            spikes.send_virtual_events(board, events, offset=start, min_delay=1000)
            found = []
            for _ in range(pieces):
                board.clock.wait(0.2 / pieces)
                found += [(one.event.tag, one.timestamp - start) for one in board.read_events() if not one.event.y_hop]
            board.clock.wait(0.1)
            found += [(one.event.tag, one.timestamp - start) for one in board.read_events() if not one.event.y_hop]
            assert [t for _, t in found] == sorted(t for _, t in found)
            trials.append(sorted(found))
        assert trials[0] == trials[1]
        assert sum(tag in group.ids for tag, _ in trials[0]) > 10
        trace = board.oscilloscope(0, 1)
        assert trace["time_s"].is_monotonic_increasing and 0.25 < trace["voltage_V"].max() < 0.5
    finally:
        simulated.uninstall()
