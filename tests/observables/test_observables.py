"""Every observable is what the circuits of `Neurons` and `Connection` run with, and its inverse undoes it."""

import numpy as np
import pytest
from brian2 import SpikeGeneratorGroup, second

import brian2dynapse as bd
from brian2dynapse.facts import core_biases
from brian2dynapse.observables import OBSERVABLES

# The same few operations on doubles, in the same or another order: a few roundings of 1.1e-16.
ROUNDING = 1e-14
CONSTANTS = bd.Chip(time_factor=1.3).constants


def currents_of(observable, biases):
    return {bias: biases.current_in_amp(bias) for bias in observable.biases}


def closed(name, biases, constants):
    return OBSERVABLES[name].value(currents_of(OBSERVABLES[name], biases), constants)


@pytest.fixture
def biases():
    return bd.Biases({"SOIF_LEAK_N": (1, 77), "DEAM_ETAU_P": (2, 33), "SYPD_DLY0_P": (1, 22), "SYPD_DLY1_P": (2, 9)})


def test_time_constants_and_timers_are_those_of_the_equations(biases):
    chip = bd.Chip(time_factor=1.3)
    neurons = bd.Neurons(
        1, biases, {"so_adaptation", "coho_ca_mem"}, chip, dendrites=("ampa", "nmda", "gaba", "shunt"), name="observed"
    )
    names = {f"tau_{part}": f"tau_{part}" for part in ("mem", "ampa", "nmda", "gaba", "shunt", "ahp", "ca")}
    for name, variable in (names | {"t_ref": "t_refractory", "t_pulse_ahp": "t_pulse_ahp"}).items():
        in_the_group = float(getattr(neurons, variable)[0])
        assert closed(name, biases, chip.constants) == pytest.approx(in_the_group, rel=ROUNDING), name


def test_the_threshold_is_the_membrane_voltage_at_it(biases):
    neurons = bd.Neurons(1, biases, name="at_threshold")
    neurons.Imem = neurons.I_threshold
    assert closed("v_threshold", biases, neurons.chip.constants) == pytest.approx(float(neurons.Vmem[0]), rel=ROUNDING)


@pytest.mark.parametrize("bits", ["none", "precise", "mismatched", "both"])
def test_pulse_and_delay_are_those_of_a_connection(bits, biases):
    source = SpikeGeneratorGroup(1, [0], [0] * second, name="source")
    neurons = bd.Neurons(1, biases, name="target")
    connection = bd.Connection(source, neurons, "ampa", "0001", delay=bits, name="delayed")
    connection.connect()
    name = "delay" if bits == "none" else f"delay_{bits}"
    constants = neurons.chip.constants
    assert closed(name, biases, constants) == pytest.approx(float(connection.delay_time()), rel=ROUNDING)
    assert closed("t_pulse", biases, constants) == pytest.approx(float(connection.pulse_width()), rel=ROUNDING)


@pytest.mark.parametrize("name", [name for name in OBSERVABLES if name != "bias_current"])
@pytest.mark.parametrize("scale", [1.0, 0.8])
def test_the_inverse_undoes_it(name, scale, biases):
    observable = OBSERVABLES[name]
    constants = CONSTANTS | {"mirror_scale_n": scale, "mirror_scale_p": scale}
    currents = currents_of(observable, biases)
    value = observable.value(currents, constants)
    others = {bias: current for bias, current in currents.items() if bias != observable.bias}
    # A difference (delays) or an exponential (of 350 mV kappa/U_T = 9) magnifies the rounding by up to about 30.
    assert observable.current(value, others, constants) == pytest.approx(currents[observable.bias], rel=100 * ROUNDING)


@pytest.mark.parametrize("bias", core_biases())
def test_the_current_of_any_bias_is_scaled_by_its_type_alone(bias):
    observable = OBSERVABLES["bias_current"].of(bias)
    constants = CONSTANTS | {"mirror_scale_n": 1.1, "mirror_scale_p": 0.9}
    reaching = 1e-12 * (1.1 if bias.endswith("_N") else 0.9)
    assert observable.value({bias: 1e-12}, constants) == reaching
    assert observable.current(reaching, {}, constants) == pytest.approx(1e-12, rel=ROUNDING)


@pytest.mark.parametrize("name", [name for name in OBSERVABLES if name != "bias_current"])
def test_the_declared_biases_and_constants_are_all_that_it_depends_on(name, biases):
    observable = OBSERVABLES[name]
    currents = {bias: biases.current_in_amp(bias) for bias in core_biases()}
    value = observable.value(currents, CONSTANTS)
    for bias in core_biases():
        changed = observable.value(currents | {bias: 1.5 * currents[bias]}, CONSTANTS)
        assert (changed != value) == (bias in observable.biases), bias
    for constant in CONSTANTS:
        changed = observable.value(currents, CONSTANTS | {constant: 1.5 * CONSTANTS[constant]})
        assert (changed != value) == (constant in observable.constants), constant
    assert observable.bias in observable.biases


def test_arrays_broadcast():
    currents = np.array([1e-12, 1e-11, 1e-10])
    values = OBSERVABLES["tau_mem"].value({"SOIF_LEAK_N": currents}, CONSTANTS)
    assert values.shape == (3,)
    np.testing.assert_allclose(OBSERVABLES["tau_mem"].current(values, {}, CONSTANTS), currents, rtol=ROUNDING)


def test_what_is_wrong_is_named():
    tau, delay, current = (OBSERVABLES[name] for name in ("tau_mem", "delay_precise", "bias_current"))
    with pytest.raises(bd.DynapseError, match="tau_mem depends on SOIF_LEAK_N too"):
        tau.value({}, CONSTANTS)
    with pytest.raises(bd.DynapseError, match="current of SOIF_LEAK_N is 0; give it above 0 amp"):
        tau.value({"SOIF_LEAK_N": 0}, CONSTANTS)
    with pytest.raises(bd.DynapseError, match="depends on the constant C_mem"):
        tau.value({"SOIF_LEAK_N": 1e-12}, {name: 1.0 for name in CONSTANTS if name != "C_mem"})
    with pytest.raises(bd.DynapseError, match="tau_mem is -0.02; give a positive number in second"):
        tau.current(-0.02, {}, CONSTANTS)
    with pytest.raises(bd.DynapseError, match=r"1 second asks for a current of SYPD_DLY1_P below zero.*SYPD_DLY0_P at"):
        delay.current(1.0, {"SYPD_DLY0_P": 1e-9}, CONSTANTS)
    with pytest.raises(bd.DynapseError, match="bias_current of which bias"):
        current.value({}, CONSTANTS)
    with pytest.raises(bd.DynapseError, match="tau_mem does not depend on 'SOIF_GAIN_N', but on SOIF_LEAK_N"):
        tau.of("SOIF_GAIN_N")
    with pytest.raises(bd.DynapseError, match="NCCF_REF_L_V is a voltage"):
        current.of("NCCF_REF_L_V")
    with pytest.raises(bd.UnknownNameError, match="SOIF_LEAK_N"):
        current.of("SOIF_LEEK_N")
