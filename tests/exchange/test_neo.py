"""Neo blocks: what was recorded, with units and places, and tables of them in SI units."""

import json

import brian2 as b2
import neo
import numpy as np
import pytest
import quantities as pq
from brian2 import Hz, ms

import brian2dynapse as bd
from brian2dynapse.exchange import from_neo, spikes_frame, states_frame, to_neo


@pytest.fixture
def network():
    neurons = bd.Neurons(
        5, bd.Biases({"SOIF_DC_P": (4, 80)}), latches={"so_dc"}, physical=np.arange(1300, 1305), name="pyr"
    )
    inputs = b2.PoissonGroup(2, 200 * Hz, name="inputs")
    return b2.Network(
        neurons,
        inputs,
        b2.SpikeMonitor(neurons, name="spikes"),
        b2.SpikeMonitor(inputs, name="sent"),
        b2.StateMonitor(neurons, ["Imem", "Vmem"], record=[1, 3], name="trace"),
    )


def test_there_and_back(network):
    network.run(30 * ms, namespace={})
    block = to_neo(network, name="run", provenance={"seed": 4})
    (segment,) = block.segments
    trains = {(one.annotations["population"], one.annotations["neuron"]): one for one in segment.spiketrains}
    assert set(trains) == {("pyr", k) for k in range(5)} | {("inputs", 0), ("inputs", 1)}  # silent ones, too
    assert trains["pyr", 2].units == pq.s and float(trains["pyr", 2].t_stop) == pytest.approx(0.03)
    assert [trains["pyr", 2].annotations[key] for key in ("chip", "core", "core_neuron")] == [1, 1, 22]  # 1302
    signals = {one.annotations["variable"]: one for one in segment.analogsignals}
    assert signals["Imem"].units == pq.A and signals["Vmem"].units == pq.V
    assert float(signals["Vmem"].sampling_rate.rescale("Hz")) == pytest.approx(1e4)
    assert json.loads(block.annotations["codes"])["pyr"]["SOIF_DC_P"] == [4, 80]
    assert json.loads(block.annotations["provenance"]) == {"seed": 4}

    tables = from_neo(block)
    keys = ["population", "neuron", "time_s"]
    wanted = spikes_frame(network).sort_values(keys, ignore_index=True)
    assert tables.spikes[keys].sort_values(keys, ignore_index=True).equals(wanted)
    volts = states_frame(network["trace"], "Vmem")
    assert np.array_equal(tables.states["Vmem"]["voltage_V"], volts["voltage_V"])
    # a start time and a rate give times back but for rounding
    assert np.allclose(tables.states["Vmem"]["time_s"], volts["time_s"], rtol=1e-12, atol=1e-15)
    # the protocols take them
    bd.measure.adaptation(recorded=tables.spikes.query("population == 'pyr'"))
    bd.measure.epsp(recorded=tables.states["Vmem"], event_times=[1] * ms)


def test_runs_with_a_gap_are_sampled_irregularly(network):
    network.run(2 * ms, namespace={})
    network["trace"].active = False
    network.run(5 * ms, namespace={})
    network["trace"].active = True
    network.run(2 * ms, namespace={})
    (segment,) = to_neo(network["trace"]).segments
    assert not segment.analogsignals and len(segment.irregularlysampledsignals) == 2
    table = from_neo(segment).states["Imem"]
    assert np.array_equal(table.query("neuron == 3")["time_s"], np.asarray(network["trace"].t))


def test_data_of_a_lab_in_their_units():
    """Millivolt at 20 kHz and milliseconds, without our annotations."""
    segment = neo.Segment()
    segment.analogsignals.append(
        neo.AnalogSignal(np.array([[1.0, 2.0], [3.0, 4.0]]) * pq.mV, sampling_rate=20 * pq.kHz, name="probe")
    )
    segment.spiketrains.append(neo.SpikeTrain([1.5, 2.0] * pq.ms, t_stop=10 * pq.ms, name="unit"))
    block = neo.Block()
    block.segments += [segment]
    tables = from_neo(block)
    table = tables.states["probe"]
    assert np.allclose(table["voltage_V"], [1e-3, 3e-3, 2e-3, 4e-3])
    assert table["neuron"].tolist() == [0, 0, 1, 1] and np.allclose(table["time_s"][:2], [0, 5e-5])
    assert np.allclose(tables.spikes["time_s"], [1.5e-3, 2e-3]) and set(tables.spikes["population"]) == {"unit"}


def test_wrong_arguments(network):
    with pytest.raises(bd.ExchangeError, match="block is int; give a neo.Block"):
        from_neo(3)
    with pytest.raises(bd.DynapseError, match="to_neo: got nothing that records"):
        to_neo(b2.Network())
    with pytest.raises(bd.DynapseError, match="to_neo: got PoissonGroup"):
        to_neo([network["inputs"]])
    assert from_neo(neo.Block()).spikes.empty
