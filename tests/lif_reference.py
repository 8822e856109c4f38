"""Networks of leaky integrate-and-fire neurons, written from NIR's equations and not from this package.

    tau_syn di/dt = -i + w S        tau_mem dv/dt = v_leak - v + r i        spike at v > v_threshold, then v = v_reset

Between grid points the linear equations are solved exactly; spikes are found at grid points.
"""

import numpy as np


def simulate(layers, spikes, duration, dt=5e-5):
    """Spike times of every population.

    Parameters
    ----------
    layers : dict
        Population to dict(tau_mem, tau_syn, r, v_leak, v_threshold, v_reset, w_in: arrays; inputs: list of
        (source, matrix, delay)).
    spikes : dict
        Input to (index, times).
    duration, dt : float

    Returns
    -------
    dict of str to (index, times)
    """
    steps = round(duration / dt)
    longest = max((round(delay / dt) for one in layers.values() for *_, delay in one["inputs"]), default=0) + 2
    sent = {}
    for name, (index, times) in spikes.items():
        size = max(one["inputs"][k][1].shape[1] for one in layers.values() for k in range(len(one["inputs"]))
                   if one["inputs"][k][0] == name)  # fmt: skip
        sent[name] = np.zeros((steps + 1, size))
        np.add.at(sent[name], (np.round(np.asarray(times) / dt).astype(int), np.asarray(index)), 1.0)
    ring = {name: np.zeros((longest, len(one["tau_mem"]))) for name, one in layers.items()}
    state = {}
    for name, one in layers.items():
        tau, tau_syn = (
            one["tau_mem"],
            np.where(one["tau_syn"] == one["tau_mem"], one["tau_syn"] * (1 + 1e-7), one["tau_syn"]),
        )
        decay_v, decay_i = np.exp(-dt / tau), np.exp(-dt / tau_syn)
        passed = one["r"] * tau_syn / (tau_syn - tau) * (decay_i - decay_v)
        state[name] = [one["v_reset"].copy(), np.zeros(len(tau)), decay_v, decay_i, passed]
    found = {name: ([], []) for name in layers}
    for step in range(steps):
        for name, one in layers.items():
            state[name][1] += sum(
                (one["w_in"] / one["tau_syn"]) * (matrix @ _at(source, step - round(delay / dt), sent, ring, longest))
                for source, matrix, delay in one["inputs"]
            )
        for name, one in layers.items():
            v, i, decay_v, decay_i, passed = state[name]
            v[:] = one["v_leak"] + (v - one["v_leak"]) * decay_v + i * passed
            i *= decay_i
            fired = v > one["v_threshold"]
            v[fired] = one["v_reset"][fired]
            ring[name][step % longest] = fired
            if fired.any():
                which = np.flatnonzero(fired)
                found[name][0].extend(which)
                found[name][1].extend([(step + 1) * dt] * len(which))
    return {name: (np.array(i, dtype=int), np.array(t)) for name, (i, t) in found.items()}


def _at(source, step, sent, ring, longest):
    if source in sent:
        return sent[source][step] if step >= 0 else np.zeros(sent[source].shape[1])
    return ring[source][(step - 1) % longest] if step >= 1 else np.zeros(ring[source].shape[1])


def counts(found, size):
    """Spikes of each neuron."""
    return np.bincount(found[0], minlength=size)
