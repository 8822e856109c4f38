"""What a protocol is given wrongly is an error that says so, and no number."""

import brian2 as b2
import numpy as np
import pandas as pd
import pytest
from brian2 import Hz, ms, second, us

import brian2dynapse as bd
from brian2dynapse import measure

TIMES = np.arange(-5e-3, 50e-3, 1e-4)
TRACE = pd.DataFrame({"time_s": TIMES, "voltage_V": 0.01 * np.exp(-np.maximum(TIMES, 0) / 5e-3) * (TIMES > 0)})
BIASES = bd.Biases()


def two_neurons():
    return pd.concat([TRACE.assign(neuron=0), TRACE.assign(neuron=1)])


@pytest.mark.parametrize(
    ("recorded", "message"),
    [
        (two_neurons().drop(columns="neuron"), "two rows of neuron 0 at -0.005 s; neurons or trials"),
        (two_neurons().assign(neuron=[0.0, np.nan] * TIMES.size), "column neuron of recorded has rows without one"),
        (two_neurons().assign(neuron=["a", 1] * TIMES.size), "numbers and names"),
        (TRACE.assign(voltage_V=1e3 * TRACE["voltage_V"]), "volt, not in millivolt"),
        (TRACE.assign(setting=1), "biases are given for 1"),
    ],
)
def test_data_that_would_be_read_wrongly_are_refused(recorded, message):
    with pytest.raises(bd.DynapseError, match=message):
        measure.resting_state(BIASES, recorded=recorded)


def test_a_current_in_picoampere_is_refused():
    recorded = pd.DataFrame({"time_s": TIMES, "current_A": 100 * np.exp(-(TIMES - TIMES[0]) / 5e-3)})
    with pytest.raises(bd.DynapseError, match="ampere, not in picoampere"):
        measure.time_constants(quantities="tau_mem", recorded=recorded)


def test_several_settings_that_are_read_again_stay_apart():
    settings = [BIASES, bd.Biases({"SOIF_LEAK_N": (2, 9)})]
    table = measure.time_constants(settings, "tau_mem")
    again = measure.time_constants(quantities="tau_mem", recorded=table.recording)
    assert list(again["setting"]) == [0, 1]
    assert again["tau_s"].to_numpy() == pytest.approx(table["tau_s"].to_numpy(), rel=1e-3)  # the rest is fitted here


@pytest.mark.parametrize("protocol", [measure.epsp, measure.delay, measure.depression])
@pytest.mark.parametrize("time", [-100 * ms, 60 * ms, 5 * second])
def test_events_outside_the_trace_have_no_response(protocol, time):
    with pytest.raises(bd.DynapseError, match="give the times of the events in it"):
        protocol(recorded=TRACE, event_times=[time / second] * second)


def test_a_trace_in_milliseconds_has_no_baseline():
    with pytest.raises(bd.DynapseError, match="give time_s in second, if it is in millisecond"):
        measure.epsp(recorded=TRACE.assign(time_s=1e3 * TRACE["time_s"]), event_times=[0] * ms)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: measure.time_constants(BIASES, "tau_mem", window=(1 * ms, 2 * ms)), "window belongs to recorded"),
        (lambda: measure.delay(BIASES, event_times=[1] * ms), "event_times belongs to recorded"),
        (lambda: measure.depression(BIASES, control=TRACE), "belong to recorded"),
        (
            lambda: measure.delay(recorded=TRACE, event_times=[0] * ms, reference_s=1 * ms),
            "reference_s is .* in second",
        ),
        (lambda: measure.delay(BIASES, onset="early"), "onset is 'early'"),
        (lambda: measure.epsp(recorded=TRACE, event_times=[0] * ms, smooth=10 * second), "longer than the trace"),
        (lambda: measure.epsp(BIASES, events=3, interval=50 * us), "a time step, of 0.0001 s, has one at most"),
        (lambda: measure.depression(BIASES, rate=1e6 * Hz), "has one at most"),
        (lambda: measure.depression(BIASES, rate=np.inf * Hz), "give a rate of events"),
        (lambda: measure.depression(BIASES, rate=[1, 2] * Hz), "give a rate of events"),
        (lambda: measure.fi_curve(BIASES, 5), "give several"),
        (lambda: measure.adaptation_ratio(TRACE), "give the table of measure.adaptation"),
        (lambda: measure.adaptation_ratio(TRACE.assign(neuron=0, number=0, interval_s=1), last=0), "last is 0"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(bd.DynapseError, match=message):
        call()


def test_a_negative_rate_is_no_rate():
    curve = pd.DataFrame({"current_A": [1e-9, 2e-9, 3e-9, 4e-9], "rate_Hz": [-1.0, 2, 3, 4]})
    for protocol in (measure.rheobase, measure.refractory_period):
        with pytest.raises(bd.DynapseError, match="rate_Hz of recorded is negative"):
            protocol(recorded=curve)


def test_a_rheobase_below_the_smallest_recorded_current_has_no_lower_end():
    curve = pd.DataFrame({"current_A": [1e-9, 2e-9], "rate_Hz": [5.0, 9.0]})
    assert np.isnan(measure.rheobase(recorded=curve)["silent_A"][0])


def test_a_protocol_of_many_steps_warns(monkeypatch):
    warned = []
    monkeypatch.setattr("brian2dynapse.measure_bench.logger.warn", lambda text, **_: warned.append(text))
    monkeypatch.setattr("brian2dynapse.measure_bench.MANY_STEPS", 100)
    measure.resting_state(BIASES, duration=20 * ms)
    assert len(warned) == 1 and "resting_state simulates 0.02 s in 2e+02 steps" in warned[0]


@pytest.mark.parametrize(
    "call", [lambda: measure.fi_curve(BIASES, [(2, 80)]), lambda: measure.input_curve(BIASES, [20] * Hz)]
)
def test_curves_are_refused_in_standalone_mode(call):
    b2.set_device("cpp_standalone", build_on_run=False)
    try:
        with pytest.raises(bd.DynapseError, match="call it before set_device"):
            call()
    finally:
        b2.device.reinit()
        b2.set_device("runtime")
