"""Any subset of latches composes, integrates and stays physical."""

import numpy as np
from brian2 import Network, SpikeGeneratorGroup, SpikeMonitor, ms
from hypothesis import given, settings
from hypothesis import strategies as st

import brian2dynapse as bd
from brian2dynapse import facts
from brian2dynapse.circuits import DENDRITES, state_currents

LATCHES = sorted(facts.latch_table())


@given(
    latches=st.sets(st.sampled_from(LATCHES)),
    dendrites=st.sets(st.sampled_from(sorted(DENDRITES))),
    conductance=st.sampled_from(["single-ended", "symmetric"]),
    noise=st.sampled_from([0, 1]),
    events=st.sampled_from([1, 3]),
    swap=st.booleans(),
    std=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_any_subset_of_latches(latches, dendrites, conductance, noise, events, swap, std):
    chip = bd.Chip(
        seed=1, mismatch="pelgrom", conductance=conductance, noise=noise, events_per_spike=events, swap_gaba_shunt=swap
    )
    neurons = bd.Neurons(6, bd.Biases({"SOIF_DC_P": (3, 120)}), latches, chip, name="neurons")
    source = SpikeGeneratorGroup(2, [0, 1, 0], [1, 2, 3] * ms, name="source")
    synapses = [bd.Connection(source, neurons, d, "1111", std=std, name=f"to_{d}") for d in sorted(dendrites)]
    synapses.append(bd.Connection(neurons, neurons, "ampa", "0001", delay="mismatched", name="recurrent"))
    for one in synapses:
        one.connect()
    spikes = SpikeMonitor(neurons)
    Network(source, neurons, synapses, spikes).run(8 * ms)
    floor = chip.constants["I_0"]
    for name in state_currents(neurons.latches):
        values = np.asarray(getattr(neurons, f"{name}_")[:])
        assert np.all(np.isfinite(values)), name
        # the leak stops every current at its floor; with noise the membrane goes around it
        assert np.all(values >= floor * (0.9 if noise and name == "Imem" else 1 - 1e-9)), name
    for name in ("Iampa", "Inmda", "Igaba", "Ishunt", "Iahp", "Ica", "Imem"):  # the public currents, in every group
        assert np.all(getattr(neurons, f"{name}_")[:] >= 0), name
    if "soif_kill" in latches:
        assert spikes.num_spikes == 0
    elif "so_dc" in latches and "gaba" not in dendrites and "shunt" not in dendrites:
        assert spikes.num_spikes > 0
