"""One neuron with timed events on its dendrites, in Brian2 and in the SciPy reference."""

from dataclasses import dataclass

import numpy as np
from brian2 import Network, SpikeGeneratorGroup, SpikeMonitor, StateMonitor, defaultclock, second
from reference import DENDRITES, reference_of

import brian2dynapse as bd
from brian2dynapse.weights import selected_current, weight_mask

# Names in the reference: names in the group. With an alpha function the E-DPI has a name of its own.
CURRENTS = {
    "mem": "Imem", "ampa": "Iampa", "nmda": "Inmda", "gaba": "Igaba", "shunt": "Ishunt", "ahp": "Iahp", "ca": "Ica",
    "ampa_i": "Iampa_i", "nmda_i": "Inmda_i", "gain": "gain_homeostasis",
}  # fmt: skip


def names_of(latches):
    """Names of the group's variables by those of the reference, for the circuits that are on."""
    names = {name: CURRENTS[name] for name in ("mem", "ampa", "nmda", "gaba", "shunt")}
    names |= {"ahp": "Iahp"} if "so_adaptation" in latches else {}
    names |= {"ca": "Ica"} if {"coho_ca_mem", "ho_enable"} & set(latches) else {}
    names |= {"ampa": "Iampa_e", "ampa_i": "Iampa_i"} if "deam_alpha" in latches else {}
    names |= {"nmda": "Inmda_e", "nmda_i": "Inmda_i"} if "denm_alpha" in latches else {}
    names |= {"gain": "gain_homeostasis"} if "ho_enable" in latches else {}
    return names


def train(times, name="source"):
    """A source that sends events at these times (second)."""
    return SpikeGeneratorGroup(1, np.zeros(len(times), int), np.asarray(times) * second, name=name)


@dataclass
class Experiment:
    """What is done to the neuron: codes, latches, and events (second) on each dendrite with their masks."""

    codes: dict
    latches: frozenset
    events: dict
    masks: dict
    duration: float
    chip: bd.Chip
    floor: str = "exact"  # of the integration method; "ratio" is the default of the package

    def simulate(self, dt):
        """Spike times (second) and monitors of a Brian2 run with step dt (second)."""
        defaultclock.dt = dt * second
        neurons = bd.Neurons(
            1,
            bd.Biases(self.codes),
            self.latches,
            self.chip,
            dendrites=DENDRITES,
            name="neuron",
            method_options={"floor": self.floor},
        )
        objects = [neurons]
        for dendrite, times in self.events.items():
            source = SpikeGeneratorGroup(1, np.zeros(len(times), int), times * second, name=f"source_{dendrite}")
            synapse = bd.Connection(source, neurons, dendrite, self.masks[dendrite], name=f"synapse_{dendrite}")
            synapse.connect()
            objects += [source, synapse]
        spikes = SpikeMonitor(neurons, name="spikes")
        variables = [*names_of(self.latches).values(), "refractory_left"]
        traces = StateMonitor(neurons, variables, record=True, name="traces")
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


def compare(experiment, dt):
    """Largest relative error of every current away from spikes, and spike times of both."""
    samples = np.arange(2, round(experiment.duration * 1000)) * 1e-3
    expected_spikes, expected = experiment.reference(dt, samples)
    spikes, traces = experiment.simulate(dt)
    index = np.round(samples / dt).astype(int)
    # A sample within 2 dt of a spike compares the two sides of a reset.
    clear = np.all(np.abs(samples[:, None] - expected_spikes) > 2 * dt, axis=1) if len(expected_spikes) else slice(None)
    errors = {
        name: np.abs(np.asarray(getattr(traces, variable)[0])[index] / expected[name] - 1)[clear]
        for name, variable in names_of(experiment.latches).items()
    }
    return errors, spikes, expected_spikes, traces


def every_circuit(latches, codes=None, chip=None, seed=5, duration=0.2):
    """Moderate events on four dendrites with any latches, for example alpha functions and conductances."""
    base = all_dendrites(seed, duration)
    return Experiment(
        base.codes | (codes or {}), frozenset(latches), base.events, base.masks, duration, chip or bd.Chip()
    )


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
