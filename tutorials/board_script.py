"""Winner-take-all on a DYNAP-SE2 board: a script as people write it, for the vendor's driver.

With the board:     python board_script.py
Without the board:  python -m brian2dynapse.board board_script.py

``--helper`` wires the same network with the labs' Network helper instead of word by word.
"""

import argparse
import random
import time

import samna
from samna.dynapse2 import Dendrite, Dynapse2Destination, Dynapse2Synapse, NormalGridEvent, ResetType

CORE = 0
LEFT, RIGHT, INHIBITORY = range(64), range(64, 128), range(128, 160)
CHANNELS = 16  # of each excitatory population; 16 neighbours of all 32 are active at a time
INPUT_TAG = 1024
INPUT_ID = 192  # of the first input's echo; neurons have ids 0..159
MONITORED = 3
CODES = {
    "SOIF_GAIN_N": (3, 80), "SOIF_LEAK_N": (0, 50), "SOIF_REFR_N": (1, 40), "SOIF_SPKTHR_P": (3, 254),
    "SOIF_DC_P": (0, 0), "DEAM_ETAU_P": (2, 40), "DEAM_EGAIN_P": (3, 80), "DENM_ETAU_P": (1, 80),
    "DENM_EGAIN_P": (3, 80), "DESC_ITAU_P": (1, 160), "DESC_IGAIN_P": (4, 40), "SYAM_W0_P": (4, 80),
    "SYAM_W1_P": (5, 30), "SYAM_W2_P": (5, 80), "SYAM_W3_P": (4, 80), "SYPD_EXT_N": (3, 200),
    "SYPD_DLY0_P": (0, 0), "SYPD_DLY1_P": (5, 250), "SYPD_DLY2_P": (1, 80),
}  # fmt: skip
W0, W1, W2, W3 = ([k == bit for k in range(4)] for bit in range(4))


def destination(tag, core, x_hop=0, y_hop=0):
    made = Dynapse2Destination()
    made.tag, made.core, made.x_hop, made.y_hop = tag, core, x_hop, y_hop
    return made


def event(where, timestamp):
    made = NormalGridEvent()
    made.event, made.timestamp = where, timestamp
    return made


def synapse(tag, dendrite, weight, precise=False, mismatched=False):
    made = Dynapse2Synapse()
    made.tag, made.dendrite, made.weight = tag, dendrite, weight
    made.precise_delay, made.mismatched_delay = precise, mismatched
    return made


def wire_by_hand(config):
    """Every neuron has all its 64 CAM words: tag n is neuron n, tag 1024 + k input k."""
    neurons = config.chips[0].cores[CORE].neurons
    for own, first in ((LEFT, 0), (RIGHT, CHANNELS)):
        inputs = range(INPUT_TAG + first, INPUT_TAG + first + CHANNELS)
        for n in own:
            words = [synapse(tag, Dendrite.ampa, W0, mismatched=True) for tag in random.sample(inputs, 8)]
            words += [synapse(tag, Dendrite.nmda, W2, mismatched=True) for tag in random.sample(own, 24)]
            words += [synapse(tag, Dendrite.shunt, W1, precise=True) for tag in INHIBITORY]
            neurons[n].synapses = words
    for n in INHIBITORY:
        sources = random.sample(LEFT, 32) + random.sample(RIGHT, 32)
        neurons[n].synapses = [synapse(tag, Dendrite.nmda, W3, mismatched=True) for tag in sources]
    here = [core == CORE for core in range(4)]
    for n in (*LEFT, *RIGHT, *INHIBITORY):
        out = destination(n, [True] * 4, x_hop=-7)
        neurons[n].destinations = [out, destination(n, here), Dynapse2Destination(), Dynapse2Destination()]
    ids = {"left": LEFT, "right": RIGHT, "inhibitory": INHIBITORY}
    return ids, [(INPUT_ID + k, INPUT_TAG + k, (0, 1 << CORE)) for k in range(2 * CHANNELS)]


def wire_with_helper(config):
    """The same with groups and connections; the helper chooses tags and CAM words."""
    from brian2dynapse.board_network import Network

    network = Network(config, seed=1)
    inputs = {side: network.add_virtual_group(CHANNELS, name=f"input_{side}") for side in ("left", "right")}
    groups = {side: network.add_group(0, CORE, 64, name=side) for side in ("left", "right")}
    inhibitory = network.add_group(0, CORE, 32, name="inhibitory")
    for side, group in groups.items():
        network.add_connection(inputs[side], group, 0.5, Dendrite.ampa, W0, mismatched_delay=True)
        network.add_connection(group, group, 24 / 64, Dendrite.nmda, W2, mismatched_delay=True)
        network.add_connection(inhibitory, group, 1, Dendrite.shunt, W1, precise_delay=True)
        network.add_connection(group, inhibitory, 0.5, Dendrite.nmda, W3, mismatched_delay=True)
    network.connect()
    ids = {name: group.get_ids() for name, group in (groups | {"inhibitory": inhibitory}).items()}
    sends = []
    for group in inputs.values():
        for place, tags in group.get_destinations().items():
            sends += [(number, tag, place) for number, tag in zip(group.get_ids(), tags, strict=True)]
    return ids, sends


def configure(model, helper):
    model.reset(ResetType.PowerCycle, 0b1)
    time.sleep(1)
    config = model.get_configuration()
    core = config.chips[0].cores[CORE]
    for name, (coarse, fine) in CODES.items():
        core.parameters[name].coarse_value = coarse
        core.parameters[name].fine_value = fine
    ids, sends = wire_with_helper(config) if helper else wire_by_hand(config)
    core.monitored_neuron = MONITORED
    core.neuron_monitoring_on = True
    model.apply_configuration(config)
    time.sleep(1)
    return ids, sends


def fpga_time(board):
    while True:
        board.input_interface_write_events(0, [event(destination(1024, [True] * 4, -1, -1), 0)])
        for _ in range(1000):
            events = board.read_events()
            if events:
                return events[-1].timestamp


def poisson_input(sends, positions, step_us, start):
    """16 active channels of 100 Hz, which begin at `positions`, each for a step."""
    events = []
    for number, position in enumerate(positions):
        for tag_out, tag, (x_hop, mask) in sends[position : position + CHANNELS]:
            core = [bool(mask >> k & 1) for k in range(4)]
            t = start + number * step_us
            while (t := t + random.expovariate(100e-6)) < start + (number + 1) * step_us:
                echo = destination(tag_out, [True] * 4, x_hop=-7)
                events += [event(destination(tag, core, x_hop), int(t)), event(echo, int(t))]
    return sorted(events, key=lambda one: one.timestamp)


def run(board, positions, step_us=1_000_000, helper=False):
    """Ids and times (microseconds from the first step) of all spikes; ids of the populations; when it began."""
    random.seed(1)
    ids, sends = configure(board.get_model(), helper)
    start = fpga_time(board) + 100_000
    events = poisson_input(sends, positions, step_us, start)
    end = event(destination(2047, [True] * 4, -1, -1), start + len(positions) * step_us + 10_000)
    board.input_interface_write_events(0, [*events, end])
    spikes, ended = [], False
    while not ended:
        for one in board.read_events():
            if one.event.y_hop == 0:
                spikes.append((one.event.tag, one.timestamp - start))
            ended = ended or one.event.tag == 2047
    return spikes, ids, start


def open_board():
    board = samna.device.open_device(samna.device.get_unopened_devices()[0])
    board.configure_opal_kelly("Dynapse2Stack.bit")
    board.reset_fpga()
    time.sleep(0.1)
    return board


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--helper", action="store_true", help="wire with the Network helper")
    parser.add_argument("--positions", type=int, nargs="+", default=[0, 4, 8, 12, 16, 12, 8, 4, 0])
    given = parser.parse_args()
    spikes, ids, _ = run(open_board(), given.positions, helper=given.helper)
    print("step position left right inhibitory   (spikes a neuron and second)")
    for number, position in enumerate(given.positions):
        inside = [tag for tag, t in spikes if number * 1_000_000 <= t < (number + 1) * 1_000_000]
        rates = [sum(tag in own for tag in inside) / len(own) for own in ids.values()]
        print(f"{number:4} {position:8} " + " ".join(f"{rate:5.1f}" for rate in rates))


if __name__ == "__main__":
    main()
