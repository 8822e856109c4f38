"""Neurons with alpha functions, conductances, calcium, homeostasis and cascode against SciPy."""

import numpy as np
import pytest
from brian2 import Hz
from experiment import compare, every_circuit, exact_spike_times

import brian2dynapse as bd

ALPHA = {"deam_alpha", "denm_alpha"}
BASE = {"so_dc", "so_adaptation", "denm_nmda"}
# I-DPIs that decay within the E-DPI's time, so that the difference rises and falls
ALPHA_CODES = {
    "DEAM_ITAU_P": (2, 120), "DEAM_IGAIN_P": (1, 90), "DENM_ITAU_P": (1, 160), "DENM_IGAIN_P": (1, 200),
}  # fmt: skip
HOMEOSTASIS_CODES = {"SOCA_W_N": (3, 160), "SOHO_VREF_P": (1, 60)}
FAST = 10 * Hz  # 50 times the default, to be seen within 0.2 s

CASES = {
    "alpha": (BASE | ALPHA, ALPHA_CODES, {}),
    "conductance": (BASE | {"de_conductance"}, {"DEAM_REV_N": (2, 40), "DENM_REV_N": (2, 80)}, {}),
    "symmetric": (BASE | {"de_conductance"}, {"DEAM_REV_N": (2, 40)}, {"conductance": "symmetric"}),
    "cascode": (BASE, {"SOAD_CASC_P": (1, 60)}, {}),
    "calcium": (BASE | {"coho_ca_mem"}, {}, {}),
    "homeostasis of the soma": (BASE | {"ho_enable", "ho_active"}, HOMEOSTASIS_CODES, {"rate_homeostasis": FAST}),
    "homeostasis of the dendrites": (
        BASE | ALPHA | {"ho_enable", "ho_active", "ho_so_de"},
        ALPHA_CODES | HOMEOSTASIS_CODES,
        {"rate_homeostasis": FAST},
    ),
    "everything": (
        BASE | ALPHA | {"soif_type", "de_conductance", "ho_enable", "ho_active", "coho_ca_mem"},
        ALPHA_CODES | HOMEOSTASIS_CODES | {"DEAM_REV_N": (3, 40), "SOAD_CASC_P": (1, 60)},
        {"rate_homeostasis": FAST},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_currents_and_spikes_against_scipy(case):
    latches, codes, constants = CASES[case]
    experiment = every_circuit(latches, codes, bd.Chip(**constants))
    dt = 1e-5
    errors, spikes, expected_spikes, traces = compare(experiment, dt)
    assert len(spikes) == len(expected_spikes) > 5
    assert np.max(np.abs(spikes + dt / 2 - expected_spikes)) < dt
    for name in errors:
        assert errors[name].max() < 5e-4, name  # the project's requirement at 10 us
    exact = exact_spike_times(spikes, traces, dt, float(traces.source.t_refractory[0]))
    assert np.max(np.abs(exact - expected_spikes[: len(exact)])) < 0.05 * dt  # second order inside the step
