"""One neuron with timed events on its dendrites, in Brian2 and in the SciPy reference."""

from dataclasses import dataclass

import numpy as np
from brian2 import Network, SpikeGeneratorGroup, SpikeMonitor, StateMonitor, defaultclock, second
from reference import DENDRITES, reference_of

import brian2dynapse as bd
from brian2dynapse.weights import selected_current, weight_mask

CURRENTS = {"mem": "Imem", "ampa": "Iampa", "nmda": "Inmda", "gaba": "Igaba", "shunt": "Ishunt", "ahp": "Iahp"}


@dataclass
class Experiment:
    """What is done to the neuron: codes, latches, and events (second) on each dendrite with their masks."""

    codes: dict
    latches: frozenset
    events: dict
    masks: dict
    duration: float
    chip: bd.Chip

    def simulate(self, dt):
        """Spike times (second) and monitors of a Brian2 run with step dt (second)."""
        defaultclock.dt = dt * second
        neurons = bd.Neurons(1, bd.Biases(self.codes), self.latches, self.chip, dendrites=DENDRITES, name="neuron")
        objects = [neurons]
        for dendrite, times in self.events.items():
            source = SpikeGeneratorGroup(1, np.zeros(len(times), int), times * second, name=f"source_{dendrite}")
            synapse = bd.Connection(source, neurons, dendrite, self.masks[dendrite], name=f"synapse_{dendrite}")
            synapse.connect()
            objects += [source, synapse]
        spikes = SpikeMonitor(neurons, name="spikes")
        traces = StateMonitor(neurons, [*CURRENTS.values(), "refractory_left"], record=True, name="traces")
        Network(*objects, spikes, traces).run(self.duration * second)
        return np.asarray(spikes.t / second), traces

    def reference(self, dt, sample_times):
        """The same by SciPy. Brian2 lets an event of time t act at t + dt; the reference is told so."""
        biases = bd.Biases(self.codes)
        width = self.chip.constants["Q_extender"] / biases.current_in_amp("SYPD_EXT_N")
        bits = [biases.current_in_amp(f"SYAM_W{bit}_P") for bit in range(4)]
        arrivals = [
            (t + dt, dendrite, float(selected_current(weight_mask(self.masks[dendrite]), bits)) * width)
            for dendrite, times in self.events.items()
            for t in times
        ]
        neuron = reference_of(biases, self.chip, self.latches, DENDRITES)
        return neuron.run(self.duration, arrivals, sample_times)


def exact_spike_times(spikes, traces, dt, refractory):
    """Moments at which the threshold was crossed inside the step, from what was left of the refractory period."""
    steps = np.round(spikes / dt).astype(int)
    left = np.asarray(traces.refractory_left[0])
    inside = steps + 1 < left.size
    return (steps[inside] + 1) * dt - (refractory - left[steps[inside] + 1])


def all_dendrites(seed=5, duration=0.2, exponential=False, strong=False):
    """Every circuit of the neuron at work: 62 events on four dendrites, gate, adaptation, DC input.

    With `strong`, the weights are those of the working point, which can charge the membrane within a step or two.
    """
    generator = np.random.default_rng(seed)
    milliseconds = np.arange(5, int(duration * 1000) - 10)
    counts = {"ampa": 30, "nmda": 20, "gaba": 6, "shunt": 6}
    events = {d: np.sort(generator.choice(milliseconds, k, replace=False)) * 1e-3 for d, k in counts.items()}
    latches = {"so_dc", "so_adaptation", "denm_nmda"} | ({"soif_type"} if exponential else set())
    # Moderate weights: the membrane needs several steps to the threshold. With weights that charge it within one
    # step (and the NMDA gate opening meanwhile) an order of convergence cannot be seen.
    codes = {
        "SYAM_W0_P": (4, 40), "SYAM_W1_P": (4, 60), "SYAM_W2_P": (4, 80), "SYAM_W3_P": (4, 120),
        "SOAD_W_N": (3, 160),
    }  # fmt: skip
    if strong:
        codes = {"SOAD_W_N": (3, 160)}
    masks = {"ampa": "0011", "nmda": "1111", "gaba": "0001", "shunt": "0001"}
    return Experiment(codes, frozenset(latches), events, masks, duration, bd.Chip())
