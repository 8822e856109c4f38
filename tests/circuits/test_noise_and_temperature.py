"""Noise of the membrane against kT/C; temperature in everything that it enters."""

import numpy as np
import pytest
from brian2 import Hz, Network, SpikeMonitor, defaultclock, kelvin, mV, pA, seed, us, volt

import brian2dynapse as bd
from brian2dynapse import facts

BOLTZMANN = 1.380649e-23  # SI


@pytest.mark.parametrize("celsius", [27, 80])
def test_thermal_noise_at_rest_is_kT_over_C(celsius):
    """The fluctuation-dissipation theorem: variance of the membrane voltage at rest, at any temperature."""
    seed(1)
    defaultclock.dt = 100 * us
    chip = bd.Chip(noise=1, temperature=(celsius + 273.15) * kelvin)
    neurons = bd.Neurons(4000, bd.Biases(), chip=chip, name="neurons")
    Network(neurons).run(60 * 1000 * us)  # a dozen time constants
    variance = np.var(neurons.Vmem_[:])
    expected = BOLTZMANN * float(chip.temperature) / chip.constants["C_mem"]
    # 5 standard errors of a variance, sqrt(2/n); U_T of the table is kT/q to 1e-4; the floor of ln I and the
    # curvature of the leak take less than 1 %
    assert variance == pytest.approx(expected, rel=5 * np.sqrt(2 / 4000) + 0.01)
    assert abs(np.mean(neurons.Vmem_[:])) < 5 * np.sqrt(expected / 4000) + expected / chip.constants["U_T"]


def test_thermal_noise_is_of_second_order_in_the_step():
    """At a tenth of the membrane time constant a first-order scheme has 10 % more variance, this one (dt/tau)^2/3."""
    seed(5)
    defaultclock.dt = 500 * us
    neurons = bd.Neurons(8000, bd.Biases(), chip=bd.Chip(noise=1), name="neurons")
    Network(neurons).run(60 * 1000 * us)
    expected = BOLTZMANN * 300 / neurons.chip.constants["C_mem"]
    assert np.var(neurons.Vmem_[:]) == pytest.approx(expected, rel=5 * np.sqrt(2 / 8000) + 0.01)


def test_noise_scales_and_is_off_by_default():
    seed(2)
    spread = []
    for noise in (0, 1, 30):
        neurons = bd.Neurons(500, bd.Biases(), chip=bd.Chip(noise=noise), name="neurons")
        Network(neurons).run(30 * 1000 * us)
        spread.append(np.std(neurons.Vmem_[:]))
        assert ("noise" in neurons.circuits) == (noise > 0)
    assert spread[0] == 0
    assert spread[2] / spread[1] == pytest.approx(30, rel=5 * np.sqrt(1 / 500))  # five standard errors of the ratio


def test_shot_noise_of_a_driven_membrane():
    """Linearised at a fixed point: variance of ln I = (its diffusion) / (2 x its relaxation rate)."""
    seed(3)
    defaultclock.dt = 50 * us
    biases = bd.Biases({"SOIF_SPKTHR_P": (5, 255), "SOIF_DC_P": 300 * pA, "SOIF_GAIN_N": (1, 40)})
    groups = [bd.Neurons(4000, biases, {"so_dc"}, bd.Chip(noise=noise), name=f"n{noise}") for noise in (0, 1)]
    Network(groups).run(80 * 1000 * us)
    quiet, noisy = groups
    constants = quiet.chip.constants
    current, gain, leak, dc = (float(getattr(quiet, name)[0]) for name in ("Imem_", "I_gain_", "I_leak_", "I_dc_"))
    charge = constants["C_mem"] * constants["U_T"] / constants["kappa_n"]
    back = (constants["I_0"] / current) ** (1 / constants["kappa_n"])
    shot = dc / (1 + current / gain) + leak * (1 + back)
    rate = (dc * current / gain / (1 + current / gain) ** 2 + leak * back / constants["kappa_n"]) / charge
    expected = constants["q_electron"] * shot / charge**2 / (2 * rate)
    variance = np.var(np.log(noisy.Imem_[:]))
    assert variance == pytest.approx(expected, rel=5 * np.sqrt(2 / 4000) + 0.01)  # as above


def test_noise_moves_spikes():
    seed(4)
    biases = bd.Biases({"SOIF_DC_P": (2, 40)})
    neurons = bd.Neurons(20, biases, {"so_dc"}, bd.Chip(noise=20), name="neurons")
    spikes = SpikeMonitor(neurons)
    Network(neurons, spikes).run(200 * 1000 * us)
    trains = [np.diff(train) for train in spikes.spike_trains().values()]
    assert min(map(len, trains)) > 3 and np.std(np.concatenate(trains)) > 0


def test_temperature_enters_what_it_should():
    cold, warm = bd.Chip(), bd.Chip(temperature=330 * kelvin)
    assert warm.constants["U_T"] / cold.constants["U_T"] == pytest.approx(1.1, rel=1e-12)
    for leakage in ("I_0", "rate_homeostasis"):
        assert warm.constants[leakage] / cold.constants[leakage] == pytest.approx(2**3, rel=1e-12)
    unchanged = set(cold.constants) - {"U_T", "I_0", "rate_homeostasis"}
    assert all(cold.constants[name] == warm.constants[name] for name in unchanged)
    # thermal voltage of the table: kT/q at 300 K
    assert facts.constants("nominal")["U_T"].value == pytest.approx(
        BOLTZMANN * 300 / cold.constants["q_electron"], rel=1e-4
    )
    groups = [bd.Neurons(1, bd.Biases(), chip=chip, name=f"neurons_{k}") for k, chip in enumerate((cold, warm))]
    for tau in ("tau_mem", "tau_ampa", "tau_ahp"):
        assert getattr(groups[1], tau)[0] / getattr(groups[0], tau)[0] == pytest.approx(1.1, rel=1e-12)
    for group in groups:
        group.Imem = 1000 * pA
    swing = [float(group.Vmem[0] / mV) for group in groups]
    expected = [chip.constants["U_T"] / 0.68 * np.log(1e-9 / chip.constants["I_0"]) * 1e3 for chip in (cold, warm)]
    assert swing == pytest.approx(expected, rel=1e-12)
    # the spread of a threshold voltage is less of a current where kT/q is larger
    spread = [
        bd.Chip(seed=1, mismatch="pelgrom", temperature=t * kelvin).mismatch_cv("SOIF_LEAK_N") for t in (300, 330)
    ]
    assert spread[0] / spread[1] == pytest.approx(1.1, rel=1e-12)
    assert "temperature=330. K" in repr(warm) and "temperature" not in repr(cold)


def test_constants_given_are_those_at_300_kelvin():
    chip = bd.Chip(temperature=330 * kelvin, I_0=1 * pA, rate_homeostasis=2 * Hz, U_T=0.026 * volt)
    assert chip.constants["I_0"] == pytest.approx(8e-12, rel=1e-12)
    assert chip.constants["rate_homeostasis"] == pytest.approx(16, rel=1e-12)
    assert chip.constants["U_T"] == pytest.approx(0.026 * 1.1, rel=1e-12)


@pytest.mark.parametrize("arguments, message", [
    ({"temperature": 27}, "temperature is 27; give it in kelvin"),
    ({"temperature": 27 * kelvin}, "200 to 400"),
    ({"temperature": 300 * pA}, "give it in kelvin"),
    ({"noise": -1}, "noise is -1; 0 is off"),
    ({"noise": "on"}, "noise is 'on'"),
    ({"events_per_spike": 0}, "a spike makes 1 event or more"),
    ({"events_per_spike": 2.5}, "give a positive integer"),
    ({"swap_gaba_shunt": "no"}, "swap_gaba_shunt is 'no'"),
    ({"gain_homeostasis_limit": 0.5}, "gain_homeostasis_limit is below 1"),
    ({"constants": ["measured"]}, "is not a set of constants"),
    ({"conductance": "amplifier"}, "'amplifier' is not a conductance"),
])  # fmt: skip
def test_bad_chips_are_named(arguments, message):
    with pytest.raises(bd.DynapseError, match=message):
        bd.Chip(**arguments)
