"""numpy, cython and C++ standalone give the same spikes for a deterministic network of all circuits."""

import numpy as np
import pytest
from brian2 import (
    Network,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    device,
    ms,
    pcoulomb,
    prefs,
    second,
    set_device,
    volt,
)  # fmt: skip

import brian2dynapse as bd
from brian2dynapse import facts

pytestmark = pytest.mark.compiled


def run_network():
    """Two populations of individual chips, every latch and dendrite, recurrent, 0.3 s; a dead one and a noisy one."""
    chip = bd.Chip(seed=2, mismatch="pelgrom", events_per_spike=2)
    everything = set(facts.latch_table()) - {"soif_kill"}
    codes = {
        "DEAM_ITAU_P": (2, 120), "DEAM_IGAIN_P": (1, 80), "DENM_ITAU_P": (1, 160), "DENM_IGAIN_P": (1, 200),
        "DEAM_REV_N": (4, 40), "DEAM_HRES_P": (0, 100), "SYPD_DLY2_P": (0, 60), "SYPD_DLY0_P": (1, 20),
        "SOIF_DC_P": (2, 200),
    }  # fmt: skip
    first = bd.Neurons(20, bd.Biases(codes), everything, chip, name="first")
    first.biases["DEAM_VRES_P"] = (0, 40)  # the grid follows, also before a standalone run
    # the other reading of the conductance, homeostasis of the soma, and a pulse longer than the time step
    long_pulse = {"SYPD_EXT_N": 0.35 * pcoulomb / (0.15 * ms)} | {f"SYAM_W{bit}_P": (4, 60) for bit in range(4)}
    second_ = bd.Neurons(
        12, bd.Biases(long_pulse | {"DENM_EGAIN_P": (1, 200)}), {"de_conductance", "ho_enable", "ho_active"},
        bd.Chip(seed=2, mismatch="pelgrom", conductance="symmetric"), name="second",
    )  # fmt: skip
    dead = bd.Neurons(2, bd.Biases(), {"so_dc", "soif_kill"}, name="dead")
    noisy = bd.Neurons(2000, bd.Biases(), chip=bd.Chip(noise=1), name="noisy")
    generator = np.random.default_rng(3)
    steps = np.flatnonzero(generator.random(10 * 3000) < 0.005)
    source = SpikeGeneratorGroup(10, steps % 10, steps // 10 * 0.1 * ms, name="source")
    wiring = [
        bd.Connection(source, first, "ampa", "1100", name="drive"),
        bd.Connection(first, second_, "nmda", "1111", delay="mismatched", std=True, name="excite"),
        bd.Connection(second_, first, "shunt", "0001", delay="precise", name="divide"),
        bd.Connection(second_, first, "gaba", "0001", delay="mismatched", name="subtract"),
        bd.Connection(first, first, "nmda", "0111", delay="both", name="recur"),
    ]
    for number, connection in enumerate(wiring):
        connection.connect_fixed_indegree(4, repeat=2, seed=number)
    masks = generator.integers(0, 16, 20)
    single = bd.Connection(source, first, "ampa", masks, name="single")  # one mask a synapse
    single.connect(i=np.arange(20) % 10, j=np.arange(20))
    drawn = bd.Connection(source, second_, "ampa", "1000", name="drawn")
    drawn.connect(p=0.3, seed=4)
    wiring += [single, drawn]
    spikes = [SpikeMonitor(group, name=f"{group.name}_spikes") for group in (first, second_, dead)]
    names = ["Imem", "Iampa", "Inmda", "Igaba", "Ishunt", "Iahp", "Ica", "gain_homeostasis", "Iampa_grid"]
    traces = StateMonitor(first, names, record=[0, 7], dt=1 * ms, name="traces")
    Network(source, first, second_, dead, noisy, wiring, spikes, traces).run(0.3 * second)
    # Noise differs from target to target, its variance does not: kT/C at rest, within five standard errors
    constants = noisy.chip.constants
    expected = constants["U_T"] * constants["q_electron"] / constants["C_mem"]
    assert np.var(noisy.Vmem[:] / volt) == pytest.approx(expected, rel=5 * np.sqrt(2 / 2000) + 0.01)
    return [(np.array(m.i), np.array(m.t / second)) for m in spikes], {
        n: np.array(getattr(traces, n)) for n in traces.record_variables
    }


@pytest.fixture(scope="module")
def on_numpy():
    prefs.codegen.target = "numpy"
    spikes, traces = run_network()
    assert [len(i) > 50 for i, _ in spikes] == [True, True, False] and len(spikes[2][0]) == 0
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
        # C++ standalone: exponentials and logarithms for vectors, 1e-8 of NumPy's, which a membrane multiplies
        rtol = 1e-4 if target == "cpp_standalone" else 1e-9
        np.testing.assert_allclose(traces[name], expected, rtol=rtol, atol=1e-22, err_msg=name)  # 1e-9 of I_0
