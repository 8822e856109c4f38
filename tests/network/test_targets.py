"""numpy, cython and C++ standalone give the same spikes for a deterministic network of all circuits."""

import numpy as np
import pytest
from brian2 import Network, SpikeGeneratorGroup, SpikeMonitor, StateMonitor, device, ms, prefs, second, set_device

import brian2dynapse as bd

pytestmark = pytest.mark.compiled


def run_network():
    """Two populations of an individual chip, all latches and dendrites, recurrent, 0.3 s."""
    chip = bd.Chip(seed=2, mismatch=0.2)
    everything = {"so_dc", "so_adaptation", "soif_type", "denm_nmda"}
    first = bd.Neurons(20, bd.Biases(), everything, chip, name="first")
    second_ = bd.Neurons(12, bd.Biases({"DENM_EGAIN_P": (1, 200)}), chip=chip, name="second")
    generator = np.random.default_rng(3)
    steps = np.flatnonzero(generator.random(10 * 3000) < 0.005)
    source = SpikeGeneratorGroup(10, steps % 10, steps // 10 * 0.1 * ms, name="source")
    wiring = [
        bd.Connection(source, first, "ampa", "1100", name="drive"),
        bd.Connection(first, second_, "nmda", "1111", delay="mismatched", name="excite"),
        bd.Connection(second_, first, "shunt", "0001", delay="precise", name="divide"),
        bd.Connection(second_, first, "gaba", "0001", name="subtract"),
        bd.Connection(first, first, "nmda", "0111", delay="both", name="recur"),
    ]
    for number, connection in enumerate(wiring):
        connection.connect_fixed_indegree(4, repeat=2, seed=number)
    masks = generator.integers(0, 16, 20)
    single = bd.Connection(source, first, "ampa", masks, name="single")  # one mask a synapse
    single.connect(i=np.arange(20) % 10, j=np.arange(20))
    wiring.append(single)
    spikes = [SpikeMonitor(group, name=f"{group.name}_spikes") for group in (first, second_)]
    traces = StateMonitor(
        first, ["Imem", "Iampa", "Inmda", "Igaba", "Ishunt", "Iahp"], record=[0, 7], dt=1 * ms, name="traces"
    )
    Network(source, first, second_, wiring, spikes, traces).run(0.3 * second)
    return [(np.array(m.i), np.array(m.t / second)) for m in spikes], {
        n: np.array(getattr(traces, n)) for n in traces.record_variables
    }


@pytest.fixture(scope="module")
def on_numpy():
    prefs.codegen.target = "numpy"
    spikes, traces = run_network()
    assert all(len(i) > 50 for i, _ in spikes)
    return spikes, traces


@pytest.mark.parametrize("target", ["cython", "cpp_standalone"])
def test_same_spikes(target, on_numpy, tmp_path):
    if target == "cpp_standalone":
        device.reinit()
        set_device("cpp_standalone", directory=str(tmp_path), build_on_run=True)
    else:
        prefs.codegen.target = target
    spikes, traces = run_network()
    for (i, t), (expected_i, expected_t) in zip(spikes, on_numpy[0], strict=True):
        assert np.array_equal(i, expected_i)
        assert np.array_equal(t, expected_t)
    for name, expected in on_numpy[1].items():
        # 1e-9: rounding (1e-16 a step over 3000 steps), multiplied by the growth of a difference between spikes
        np.testing.assert_allclose(traces[name], expected, rtol=1e-9, err_msg=name)
