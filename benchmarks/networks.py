"""The networks that are measured: whole cores, with every synapse, dendrite and circuit that costs something.

Each neuron has 64 synapses, 16 on each dendrite: on AMPA from 64 Poisson inputs of 20 Hz, on the others from neurons of
the same chip. Adaptation and NMDA gate are on, currents and weights have 20 % of mismatch. The neurons fire at 20 to 30
Hz, so that a chip of 1024 neurons sees some 1.6 million synaptic events a second.
"""

import brian2 as b2
from brian2 import Hz, second

import brian2dynapse as bd

INPUTS, RATE, SYNAPSES_PER_DENDRITE = 64, 20 * Hz, 16
LATCHES = {"so_adaptation", "denm_nmda"}
# Weights with which 16 synapses of 20 Hz on each dendrite make the neurons fire at 20 to 25 Hz, each at its own rate.
CODES = {"SYAM_W0_P": (4, 120), "SYAM_W3_P": (5, 60)}
WEIGHTS = {"ampa": "1000", "nmda": "0001", "gaba": "0001", "shunt": "0001"}


def network(neurons: int, chips: int = 1, rate=RATE, seed: int = 0, inputs=None):
    """A network of chips that do not talk to each other, each with its own inputs.

    Parameters
    ----------
    neurons : int
        Neurons of each chip.
    chips : int
        Number of chips, of one group each.
    rate : Quantity
        Of the inputs, hertz.
    seed : int
        Of wiring and mismatch.
    inputs : tuple, optional
        Indices and times (second) of input spikes, for every chip, in place of Poisson inputs.

    Returns
    -------
    Network
    """
    net = b2.Network()
    biases, chip = bd.Biases(CODES), bd.Chip(seed=seed, mismatch=0.2)
    for number in range(chips):
        if inputs is None:
            source = b2.PoissonGroup(INPUTS, rate, name=f"inputs{number}")
        else:
            source = b2.SpikeGeneratorGroup(INPUTS, inputs[0], inputs[1] * second, name=f"inputs{number}")
        group = bd.Neurons(neurons, biases, LATCHES, chip=chip, name=f"neurons{number}")
        spikes = b2.SpikeMonitor(group, name=f"spikes{number}")
        net.add(source, group, spikes)
        for dendrite, weight in WEIGHTS.items():
            origin = source if dendrite == "ampa" else group
            connection = bd.Connection(origin, group, dendrite, weight, name=f"{dendrite}{number}")
            connection.connect_fixed_indegree(SYNAPSES_PER_DENDRITE, seed=seed + number)
            net.add(connection)
    return net
