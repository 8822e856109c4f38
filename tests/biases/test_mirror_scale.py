"""A chip with a mirror scale is an ideal chip whose codes say the scaled currents: everywhere a current is read."""

import brian2 as b2
import numpy as np
import pandas as pd
import pytest
from brian2 import Network, SpikeGeneratorGroup, get_device, ms, pA, second

import brian2dynapse as bd
from brian2dynapse import dac, facts
from brian2dynapse.variants import Variants
from brian2dynapse.weight_fit import WEIGHT_BIASES, fit

SCALES = {"mirror_scale_n": 1.1, "mirror_scale_p": 0.8}
# x*s once or x*s*factor in another order: two roundings of 1.1e-16.
ROUNDING = 1e-15


@pytest.fixture(scope="module")
def scaled_table():
    """A generator table whose currents in the circuits, not in the generators, are scaled type by type."""
    nominal = dac.nominal_table()
    table = dac.GeneratorTable("scaled", nominal.currents)
    for name in facts.core_biases():
        scale = SCALES["mirror_scale_n" if name.endswith("_N") else "mirror_scale_p"]
        table._circuit_currents[name] = nominal.circuit_currents(name) * scale
    return table


def pair(scaled_table, codes=None, individual=None):
    """Biases and chip, twice: the scale in the chip, and the scale in the codes."""
    individual = individual or {}
    return (
        (bd.Biases(codes), bd.Chip(**individual, **SCALES)),
        (bd.Biases(codes, table=scaled_table), bd.Chip(**individual)),
    )


def two_populations(biases, chip):
    source = SpikeGeneratorGroup(2, [0, 1], [1, 2] * ms, name="source")
    latches = {"so_dc", "so_adaptation", "ho_enable", "denm_nmda", "de_conductance", "deam_alpha", "denm_alpha"}
    pyr = bd.Neurons(3, biases, latches, chip, name="pyr")
    drive = bd.Connection(source, pyr, "ampa", "1011", delay="both", std=True, name="drive")
    drive.connect(i=[0, 1, 1], j=[0, 1, 2])
    return source, pyr, drive


def parameters(pyr, drive):
    values = {name: np.array(getattr(pyr, f"{name}_")[:]) for name in pyr.equation_parameters()}
    values |= {name: np.array(getattr(drive, f"{name}_")[:]) for name in ("I_weight", "I_extender", "I_std_drop")}
    return values | {"delay": np.array(drive.pre.variables["delay"].get_value()), "pulse": drive.pulse_widths()}


@pytest.mark.parametrize("individual", [{}, {"seed": 5, "mismatch": 0.2}], ids=["ideal", "individual"])
def test_every_parameter_of_neurons_and_synapses(scaled_table, individual):
    made = [two_populations(*one)[1:] for one in pair(scaled_table, individual=individual)]
    in_the_chip, in_the_codes = (parameters(*one) for one in made)
    assert in_the_chip.keys() == in_the_codes.keys() and len(in_the_chip) > 35
    for name, values in in_the_chip.items():
        np.testing.assert_allclose(values, in_the_codes[name], rtol=4 * ROUNDING, err_msg=name)
    ideal = parameters(*two_populations(bd.Biases(), bd.Chip(**individual))[1:])
    np.testing.assert_allclose(in_the_chip["I_leak"], 1.1 * ideal["I_leak"], rtol=4 * ROUNDING)
    np.testing.assert_allclose(in_the_chip["delay"], ideal["delay"] / 0.8, rtol=4 * ROUNDING)


def test_a_code_that_changes_later_is_scaled_too(scaled_table):
    made = [two_populations(*one) for one in pair(scaled_table)]
    for _, pyr, _ in made:
        pyr.biases.update({"SOIF_LEAK_N": (1, 99), "SYPD_DLY0_P": (2, 9), "SYAM_W0_P": (3, 9)})
    in_the_chip, in_the_codes = (parameters(*one[1:]) for one in made)
    for name, values in in_the_chip.items():
        np.testing.assert_allclose(values, in_the_codes[name], rtol=4 * ROUNDING, err_msg=name)


def test_a_weight_that_is_asked_as_a_current_is_that_current():
    source, neurons = SpikeGeneratorGroup(1, [0], [0] * second, name="one"), bd.Neurons(
        1, bd.Biases(), chip=bd.Chip(**SCALES), name="target"
    )  # fmt: skip
    connection = bd.Connection(source, neurons, "ampa", 500 * pA, name="asked")
    connection.connect()
    assert float(connection.I_weight_[0]) == 500e-12


def test_fi_curve(scaled_table):
    codes = [(2, 200), (3, 40), (3, 200)]
    frames = [
        bd.measure.fi_curve(biases, codes, chip, neurons=2, duration=60 * ms, settle=20 * ms)
        for biases, chip in pair(scaled_table, individual={"seed": 2, "mismatch": 0.1})
    ]
    np.testing.assert_allclose(frames[0]["current_A"], frames[1]["current_A"], rtol=ROUNDING)
    assert frames[0]["spikes"].tolist() == frames[1]["spikes"].tolist() and frames[0]["spikes"].max() > 3


def test_replicas_and_their_codes(scaled_table):
    settings = [bd.Setting(codes={"SOIF_LEAK_N": (2, 30), "SYAM_W0_P": (4, 7), "SYPD_DLY0_P": (3, 3)}), bd.Setting()]
    values = []
    for one in pair(scaled_table, individual={"seed": 5, "mismatch": 0.2}):
        replicas = bd.replicate(Network(*two_populations(*one)), settings)
        objects = {part.name.split("_")[0]: part for part in replicas.network.objects}
        values.append(parameters(objects["pyr"], objects["drive"]))
    for name, of_chip in values[0].items():
        np.testing.assert_allclose(of_chip, values[1][name], rtol=4 * ROUNDING, err_msg=name)


def test_variants_of_a_compiled_network(scaled_table):
    b2.set_device("cpp_standalone", build_on_run=False)
    values = []
    for one in pair(scaled_table):
        variants = Variants(Network(*two_populations(*one)), get_device())
        values.append(
            variants.parameters({"pyr": {"SOIF_LEAK_N": (2, 30), "SYAM_W0_P": (4, 7), "SYPD_DLY0_P": (3, 3)}})
        )
        b2.device.reinit()
        b2.device.activate(build_on_run=False)
    assert values[0].keys() == values[1].keys() == {"pyr.I_leak", "drive.I_weight", "drive.delay"}
    for name, of_chip in values[0].items():
        np.testing.assert_allclose(of_chip, values[1][name], rtol=4 * ROUNDING, err_msg=name)


def test_real_valued_weights_are_fitted_to_what_reaches_the_circuit(scaled_table):
    wanted = np.array([50e-12, 300e-12, 900e-12])
    of_table = fit(wanted, scaled_table)
    of_scale = fit(wanted, scale=0.8)
    assert of_scale.codes == of_table.codes
    np.testing.assert_allclose(of_scale.got, of_table.got, rtol=ROUNDING)
    nominal = [dac.current(name, *code) for name, code in zip(WEIGHT_BIASES, of_scale.codes, strict=True)]
    np.testing.assert_allclose(of_scale.currents, 0.8 * np.array(nominal), rtol=ROUNDING)


def test_a_mapped_network_runs_with_the_weights_that_were_asked():
    chip = bd.Chip(**SCALES)
    source = SpikeGeneratorGroup(3, [0], [0] * second, name="source")
    neurons = bd.Neurons(3, bd.Biases(), chip=chip, name="pyr")
    wanted = [50, 300, 900] * pA
    drive = bd.Connection(source, neurons, "ampa", wanted, name="drive")
    drive.connect(i=[0, 1, 2], j=[0, 1, 2])
    mapping = bd.map_network(Network(source, neurons, drive), chip=chip)
    again = bd.to_network(mapping.configuration, chip=chip)
    got = next(one for one in again.objects if isinstance(one, bd.Connection))
    by_target = pd.Series(np.array(got.I_weight_[:]), index=got.synapse_pairs()[1]).sort_index()
    # No more weights than codes: each gets a code of its own, the nearest one of this chip, or a nearer sum.
    available = 0.8 * dac.nominal_table().circuit_currents("SYAM_W0_P").ravel()
    nearest = np.abs(available[:, None] - np.asarray(wanted)).min(axis=0)
    assert np.all(np.abs(by_target - np.asarray(wanted)) <= nearest * (1 + 1e-9))
    np.testing.assert_allclose(mapping.weights["got_A"], by_target, rtol=4 * ROUNDING)


def test_a_bias_that_is_a_voltage_has_no_scale():
    assert facts.bias("NCCF_REF_L_V").mirror_scale == ""
    assert {facts.bias(name).mirror_scale for name in facts.core_biases()} == set(SCALES)
