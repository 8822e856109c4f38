"""Configurations for the simulated board, and what `to_network` makes of them with the same inputs."""

import brian2 as b2
import numpy as np
from brian2 import usecond

import brian2dynapse as bd
from brian2dynapse import facts
from brian2dynapse.configuration import blank
from brian2dynapse.facts import NEURONS_PER_CHIP, NEURONS_PER_CORE

OUTSIDE = np.arange(100, 130)  # tags of events from outside
ALL_CORES = 15


class Draft:
    """Arrays of a configuration, to be written and then made one."""

    def __init__(self, chips=1):
        self.chips = chips
        self.arrays = {name: blank(name, chips) for name in bd.configuration.fields()}

    def __getitem__(self, name):
        return self.arrays[name]

    def code(self, bias, code, core=slice(None)):
        self["core_codes"][:, core, facts.core_biases().index(bias)] = code
        return self

    def latch(self, name, *place):
        self["latches"][(*place, list(facts.latch_table()).index(name))] = True

    def made(self):
        return bd.Configuration(self.chips, **self.arrays)


def random_draft(seed, cores, size, dendrites=(1024, 256, 512, 128), stp=0.2, fan_in=12, recurrent=0.3):
    """Neurons that send tags of their own to each other, listen to tags from outside, and are all read out."""
    generator = np.random.default_rng(seed)
    draft = Draft()
    draft.code("SYPD_DLY0_P", (3, 40)).code("SYAM_W0_P", (4, 60))
    own = np.arange(cores * size)
    for number, (core, neuron) in enumerate(np.ndindex(cores, size)):
        words = 0, core, neuron, slice(fan_in)
        tags = generator.choice(OUTSIDE, fan_in)
        from_neurons = generator.random(fan_in) < recurrent
        tags[from_neurons] = generator.choice(own, from_neurons.sum())
        draft["synapse_tag"][words] = tags
        draft["synapse_dendrite"][words] = generator.choice(dendrites, fan_in)
        draft["synapse_dendrite"][0, core, neuron, 0] = 1024
        draft["synapse_weight"][words] = generator.integers(0, 16, fan_in)
        excitatory = draft["synapse_dendrite"][words] == 1024  # only these are of several kinds: fewer `Connection`s
        draft["synapse_stp"][words] = excitatory & (generator.random(fan_in) < stp)
        draft["synapse_precise_delay"][words] = excitatory & (generator.random(fan_in) < 0.5)
        draft["destination_tag"][0, core, neuron, 0] = number
        draft["destination_core"][0, core, neuron, 0] = ALL_CORES
        draft["destination_core"][0, core, neuron, 3] = ALL_CORES
        draft["destination_x_hop"][0, core, neuron, 3] = -7
    return draft


def random_events(seed, duration_us, rate, dt_us=100):
    """Poisson events from outside, at the beginnings of steps, at most one of a tag in a step."""
    generator = np.random.default_rng(seed)
    events = []
    for tag in OUTSIDE:
        count = generator.poisson(rate * duration_us * 1e-6)
        steps = np.unique(generator.integers(0, duration_us // dt_us, count))
        events += [(0, ALL_CORES, int(tag), int(step) * dt_us) for step in steps]
    return events


def reference(configuration, chip, events, duration_us, dt=1e-4):
    """Spikes (time_us, chip, core, neuron) of `to_network`, and the network."""
    b2.defaultclock.dt = dt * b2.second
    network = bd.to_network(configuration, chip)
    inputs = network["virtual_inputs"]
    index = dict(zip(inputs.sends["tag"], inputs.sends["index"], strict=True))
    heard = [(index[tag], time) for _, _, tag, time in events if tag in index]
    inputs.set_spikes([one for one, _ in heard], [time for _, time in heard] * usecond)
    network.run(duration_us * usecond, namespace={})
    spikes = []
    for monitor in network.objects:
        if isinstance(monitor, b2.SpikeMonitor):
            source = monitor.source
            physical = getattr(source, "physical", None)
            if physical is None:
                physical = source.source.physical[source.start : source.stop]
            for neuron, time in zip(physical[np.asarray(monitor.i)], np.asarray(monitor.t), strict=True):
                chip_number, within = divmod(int(neuron), NEURONS_PER_CHIP)
                spikes.append((round(float(time) * 1e6), chip_number, *divmod(within, NEURONS_PER_CORE)))
    return np.array(sorted(spikes)).reshape(-1, 4), network
