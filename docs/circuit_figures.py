"""The figures of the circuit pages: a small simulation each, one function a page.

A function draws into a figure that it is given, with the biases that its decorator names beside the working point. Its
docstring is the caption; the page adds the codes.
"""

from __future__ import annotations

import brian2 as b2
import numpy as np
from brian2 import Hz, ms, mV, nA, pA, second, us, uvolt
from figure_tools import DASHED, dc_currents, draw, events, figure, record, run, voltage

import brian2dynapse as bd
from brian2dynapse.plot import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION


@figure()
def soma(picture, biases):
    """Membrane voltage and membrane current of a neuron with the DC input of the working point (latch so_dc).
    Triangles: spikes, after each of which the neuron stays at rest for its refractory period; dashed: threshold."""
    neuron = bd.Neurons(1, biases, {"so_dc"})
    trace, spikes = record(neuron, "Vmem", "Imem"), b2.SpikeMonitor(neuron)
    run(100 * ms, neuron, trace, spikes)
    upper, lower = picture.subplots(2, 1, sharex=True)
    draw(upper, trace.t / ms, trace.Vmem / mV, [BLUE], xlabel="", ylabel="Vmem (mV)")
    draw(lower, trace.t / ms, trace.Imem / nA, [BLUE], ylabel="Imem (nA)", xlim=(0, 100))
    threshold = neuron.I_threshold[0]
    for axes, level in ((upper, voltage(neuron, threshold)), (lower, threshold / nA)):
        axes.axhline(level, **DASHED)
        axes.plot(spikes.t / ms, np.full(spikes.num_spikes, level), "v", color=VERMILION)


@figure(SOIF_DC_P=(1, 140))
def exponential_feedback(picture, biases):
    """Membrane of a neuron whose DC input is too weak to reach the threshold (dashed) without the feedback; with it
    (latch soif_type) the membrane accelerates and spikes."""
    neurons = [bd.Neurons(1, biases, latches) for latches in ({"so_dc"}, {"so_dc", "soif_type"})]
    traces = [record(neuron, "Vmem", "Imem") for neuron in neurons]
    run(150 * ms, neurons, traces)
    left, right = picture.subplots(1, 2)
    time, colors = traces[0].t / ms, (BLACK, BLUE)
    draw(left, time, [trace.Vmem[0] / mV for trace in traces], colors, ("thresholded", "exponential"))
    draw(right, time, [trace.Imem[0] / nA for trace in traces], colors, ylabel="Imem (nA)")
    right.axhline(neurons[0].I_threshold[0] / nA, **DASHED)


@figure()
def dc_input(picture, biases):
    """Firing rate over the codes of SOIF_DC_P. It falls where the fine code passes a multiple of 32, since the current
    of the code does."""
    fine = sorted({*range(0, 256, 4), *range(31, 256, 32)})
    codes = [(coarse, code) for coarse in (1, 2, 3) for code in fine]
    bd.plot.fi_codes(bd.measure.fi_curve(biases, codes, duration=300 * ms), picture.subplots()).legend_.remove()


@figure(SOAD_W_N=(3, 80))
def adaptation(picture, biases):
    """Rate (inverse of the last interval) and adaptation current at the leak of a neuron with DC input: without the
    latch so_adaptation, with it, and with a cascode SOAD_CASC_P of (1, 20), which lets no more than the dashed
    current through."""
    b2.defaultclock.dt = 0.2 * ms
    plain, adapting = bd.Neurons(1, biases, {"so_dc"}), bd.Neurons(2, biases, {"so_dc", "so_adaptation"})
    adapting.I_cascode_ahp_[1] = bd.dac.current("SOAD_CASC_P", 1, 20)
    trace, spikes = record(adapting, "I_inhibition"), [b2.SpikeMonitor(group) for group in (plain, adapting)]
    run(1.5 * second, plain, adapting, trace, spikes)
    left, right = picture.subplots(1, 2)
    trains = [times / second for monitor in spikes for times in monitor.spike_trains().values()]
    for times, color, label in zip(trains, (BLACK, BLUE, VERMILION), ("off", "on", "low cascode"), strict=True):
        left.plot(times[1:], 1 / np.diff(times), ".-", markersize=4, color=color, label=label)
    left.set(xlabel="time (s)", ylabel="rate (Hz)", ylim=(0, None))
    draw(right, trace.t / second, trace.I_inhibition / pA, (BLUE, VERMILION), xlabel="time (s)",
         ylabel="adaptation current (pA)")  # fmt: skip
    right.axhline(adapting.I_cascode_ahp[1] / pA, **DASHED)


@figure()
def calcium(picture, biases):
    """Calcium current of neurons that fire for a second, with DC inputs SOIF_DC_P (2, 100), (2, 40) and (2, 20), and
    then no more (latches so_dc, coho_ca_mem)."""
    b2.defaultclock.dt = 0.2 * ms
    neurons = bd.Neurons(3, biases, {"so_dc", "coho_ca_mem"})
    neurons.I_dc = dc_currents((2, 100), (2, 40), (2, 20))
    trace, spikes = record(neurons, "Ica"), b2.SpikeMonitor(neurons)
    network = b2.Network(neurons, trace, spikes)
    network.run(1 * second)
    neurons.I_dc = 0 * pA
    network.run(1 * second)
    labels = [f"{count} Hz" for count in spikes.count]
    draw(picture.subplots(), trace.t / second, trace.Ica / nA, (VERMILION, GREEN, BLUE), labels, xlabel="time (s)",
         ylabel="Ica (nA)")  # fmt: skip


# -- dendrites ---------------------------------------------------------------------------------------------------------


def dendrite_response(picture, neurons, dendrite, times, weight, after):
    """Current of a dendrite and membrane: after one event (neuron 0) and in a train (neuron 1)."""
    current = bd.circuits.DENDRITES[dendrite][0]
    inputs = [events(times[:1], neurons[:1], dendrite, weight), events(times, neurons[1:], dendrite, weight)]
    trace = record(neurons, current, "Vmem")
    run(times[-1] + after, neurons, inputs, trace)
    left, right = picture.subplots(1, 2)
    time, colors, labels = (trace.t - times[0]) / ms, (VERMILION, BLUE), ("one event", f"{len(times)} events")
    limits = {"xlabel": "time from the first event (ms)", "xlim": (-0.1 * time[-1], time[-1])}
    draw(left, time, getattr(trace, current) / pA, colors, labels, ylabel=f"{current} (pA)", yscale="log", **limits)
    draw(right, time, trace.Vmem / mV, colors, **limits)
    left.axhline(getattr(neurons, f"I_gain_{dendrite}")[0] / pA, **DASHED, label="gain current")


@figure()
def ampa(picture, biases):
    """AMPA current and membrane after one event and after four at 200 Hz, on weight bit 3. Far below the gain current
    an event multiplies the current, above it adds: the first EPSPs of a train grow."""
    dendrite_response(picture, bd.Neurons(2, biases), "ampa", np.arange(5, 22, 5) * ms, "1000", 40 * ms)


@figure()
def nmda(picture, biases):
    """NMDA current and membrane after one event and after four at 100 Hz, on weight bit 3. Far below the gain current
    an event multiplies the current: the EPSPs grow."""
    dendrite_response(picture, bd.Neurons(2, biases), "nmda", np.arange(5, 40, 10) * ms, "1000", 150 * ms)


@figure(SOIF_DC_P=(1, 100))
def gaba(picture, biases):
    """GABA current after one event and after three at 100 Hz, on all four weight bits, and its effect on a membrane
    that a DC input holds below threshold. The input cannot become negative: beyond that, only the leak pulls the
    membrane down."""
    neurons = bd.Neurons(2, biases, {"so_dc"})
    dendrite_response(picture, neurons, "gaba", np.arange(200, 221, 10) * ms, "1111", 200 * ms)


@figure(SOIF_DC_P=(1, 100))
def shunt(picture, biases):
    """Shunt current after one event and after three at 100 Hz, on all four weight bits, and its effect on a membrane
    that a DC input holds below threshold. It adds to the leak: the membrane falls faster than the leak alone would
    pull it."""
    neurons = bd.Neurons(2, biases, {"so_dc"})
    dendrite_response(picture, neurons, "shunt", np.arange(200, 221, 10) * ms, "1111", 200 * ms)


def alpha_response(picture, neuron, dendrite, times, duration):
    """Currents of both DPIs and of the dendrite, and the membrane."""
    current = bd.circuits.DENDRITES[dendrite][0]
    names = (f"{current}_e", f"{current}_i", current)
    trace = record(neuron, *names, "Vmem")
    run(duration, neuron, events(times, neuron, dendrite), trace)
    left, right = picture.subplots(1, 2)
    currents = [getattr(trace, name)[0] / pA for name in names]
    draw(left, trace.t / ms, currents, (SKY, ORANGE, BLUE), ("E-DPI", "I-DPI", "dendrite"), ylabel="current (pA)")
    draw(right, trace.t / ms, trace.Vmem / mV, [BLACK])


@figure(DEAM_ITAU_P=(2, 120), DEAM_IGAIN_P=(1, 60))
def ampa_alpha(picture, biases):
    """Currents of the two DPIs and their difference, which leaves the dendrite, after one event on weight bit 3;
    right: the membrane. With equal gain currents both DPIs jump to the same current, and the difference rises from
    zero."""
    alpha_response(picture, bd.Neurons(1, biases, {"deam_alpha"}), "ampa", [5] * ms, 20 * ms)


@figure(DENM_ITAU_P=(1, 160))
def nmda_alpha(picture, biases):
    """Currents of the two DPIs and their difference, which leaves the dendrite, after three events in 2 ms on weight
    bit 3; right: the membrane. With equal gain currents both DPIs jump to the same current, and the difference
    rises from zero."""
    alpha_response(picture, bd.Neurons(1, biases, {"denm_alpha"}), "nmda", [5, 6, 7] * ms, 150 * ms)


@figure()
def nmda_gate(picture, biases):
    """Left: membrane after four AMPA events, with two NMDA events that follow them, and after these two alone. Right:
    NMDA current before the gate and what passes; half of it where the membrane is at the reference (dashed)."""
    neurons = bd.Neurons(3, biases, {"denm_nmda"}, dendrites=["ampa", "nmda"])
    inputs = [events([5, 8, 11, 14] * ms, neurons[:2]), events([15, 18] * ms, neurons[1:], "nmda", "1101")]
    trace = record(neurons, "Vmem", "Iampa", "Inmda", "I_sum")
    run(70 * ms, neurons, inputs, trace)
    left, right = picture.subplots(1, 2)
    colors, labels = (BLACK, BLUE, VERMILION), ("AMPA", "AMPA, then NMDA", "NMDA")
    draw(left, trace.t / ms, trace.Vmem / mV, colors, labels)
    draw(right, trace.t / ms, (trace.I_sum - trace.Iampa)[1:] / pA, colors[1:], ylabel="NMDA current (pA)")
    right.plot(trace.t / ms, trace.Inmda[1] / pA, color=SKY, label="before the gate")
    left.axhline(voltage(neurons, neurons.I_nmda_gate[0]), **DASHED)


def conductance_response(picture, biases, chip):
    """Share of the AMPA current that passes against the membrane, and the membrane: in a train, with DC input in
    neuron 1."""
    latched, plain = (bd.Neurons(2, biases, {"so_dc", *more}, chip) for more in ({"de_conductance"}, ()))
    latched.I_dc[0] = plain.I_dc[0] = 0 * pA
    inputs = [events(np.arange(200, 260, 3) * ms, neurons) for neurons in (latched, plain)]
    trace, without = record(latched, "Vmem", "Iampa", "I_sum"), record(plain, "Vmem")
    run(280 * ms, latched, plain, inputs, trace, without)
    left, right = picture.subplots(1, 2)
    passes = (trace.I_sum - latched.I_dc[:][:, np.newaxis]) / trace.Iampa
    left.plot(trace.Vmem[1] / mV, passes[1], ".", color=VERMILION)
    left.plot(trace.Vmem[0] / mV, passes[0], ".", color=BLUE, markersize=3)
    left.set(xlabel="membrane, from rest (mV)", ylabel="share of Iampa that passes")
    labels, time = ("without the latch", "with it", "with it and DC input"), (trace.t - 200 * ms) / ms
    draw(right, time, np.vstack([without.Vmem[:1], trace.Vmem]) / mV, (BLACK, BLUE, VERMILION), labels,
         xlabel="time from the first event (ms)", xlim=(-10, time[-1]))  # fmt: skip
    reversal = voltage(latched, latched.I_reversal_ampa[0])
    left.axvline(reversal, **DASHED)
    right.axhline(reversal, **DASHED)


@figure(DEAM_REV_N=(1, 60), SOIF_SPKTHR_P=(5, 255), SOIF_DC_P=(1, 100))
def conductance(picture, biases):
    """Left: share of the AMPA current that passes, against the membrane; right: the membrane in a train of events on
    weight bit 3, without the latch de_conductance, with it, and with a DC input too. Dashed: reversal reference."""
    conductance_response(picture, biases, bd.Chip())


@figure(DEAM_REV_N=(1, 60), SOIF_SPKTHR_P=(5, 255), SOIF_DC_P=(1, 100))
def conductance_symmetric(picture, biases):
    """As for the single-ended branch (conductance.eqs), on a Chip(conductance="symmetric"). Beyond the reversal
    reference (dashed) the share is negative: the events pull down a membrane that a DC input holds there."""
    conductance_response(picture, biases, bd.Chip(conductance="symmetric"))


@figure(DEAM_NRES_P=(2, 100), DEAM_HRES_P=(2, 100), DEAM_VRES_P=(2, 100))
def diffusion(picture, biases):
    """Where the AMPA current of one neuron in the middle of the core goes: share of each neuron of the grid. Left with
    equal conductances; right with a DEAM_HRES_P of (3, 120), which spreads it over about three times as many
    columns."""
    wide = bd.Biases(biases)
    wide["DEAM_HRES_P"] = (3, 120)
    groups = [bd.Neurons(256, core, {"deam_ampa"}, physical=np.arange(256)) for core in (biases, wide)]
    inputs = [events([0.5] * ms, group[8 * 16 + 8 : 8 * 16 + 9]) for group in groups]
    traces = [record(group, "Iampa_grid") for group in groups]
    run(1.5 * ms, groups, inputs, traces)
    for axes, trace in zip(picture.subplots(1, 2), traces, strict=True):
        # less the floor I_0, which every dendrite brings; neurons are numbered column by column
        grid = (trace.Iampa_grid[:, -1] - groups[0].chip.constant("I_0")).reshape(16, 16).T
        image = axes.imshow(np.maximum(100 * grid / grid.sum(), 0.1), norm="log", vmax=30, cmap="cividis")
        axes.set(xlabel="column", ylabel="row")
    picture.colorbar(image, ax=picture.axes, label="share of the current (%)")


# -- homeostasis -------------------------------------------------------------------------------------------------------


@figure()
def homeostasis(picture, biases):
    """Homeostatic gain and calcium current of two neurons with different DC inputs, on a chip whose gains move five
    times as fast as by default, Chip(rate_homeostasis=1*Hz). The gains move until the calcium of both is at the
    reference (dashed)."""
    b2.defaultclock.dt = 1 * ms
    codes = ((2, 80), (2, 40))
    neurons = bd.Neurons(2, biases, {"so_dc", "ho_enable", "ho_active"}, bd.Chip(rate_homeostasis=1 * Hz))
    neurons.I_dc = dc_currents(*codes)
    trace = record(neurons, "gain_homeostasis", "Ica")
    run(8 * second, neurons, trace)
    left, right = picture.subplots(1, 2)
    time, colors, labels = trace.t / second, (VERMILION, BLUE), [f"SOIF_DC_P {code}" for code in codes]
    draw(
        left, time, trace.gain_homeostasis, colors, labels, xlabel="time (s)", ylabel="homeostatic gain", ylim=(0, None)
    )
    draw(right, time, trace.Ica / nA, colors, xlabel="time (s)", ylabel="Ica (nA)")
    right.axhline(neurons.I_ca_reference[0] / nA, **DASHED)


@figure()
def homeostasis_soma(picture, biases):
    """Firing rate against the homeostatic gain, which is set by hand and held, for two DC inputs (latches ho_enable,
    so_dc)."""
    gains, codes = np.geomspace(0.1, 10, 31), ((2, 80), (2, 40))
    neurons = bd.Neurons(2 * gains.size, biases, {"so_dc", "ho_enable"})
    neurons.gain_homeostasis = np.tile(gains, 2)
    neurons.I_dc = np.repeat(dc_currents(*codes), gains.size)
    spikes = b2.SpikeMonitor(neurons)
    run(400 * ms, neurons, spikes)
    trains = [times / second for times in spikes.spike_trains().values()]
    rates = [(len(times) - 1) / np.ptp(times) if len(times) > 1 else 0 for times in trains]
    labels = [f"SOIF_DC_P {code}" for code in codes]
    draw(picture.subplots(), gains, np.reshape(rates, (2, -1)), (VERMILION, BLUE), labels, xlabel="homeostatic gain",
         ylabel="firing rate (Hz)", xscale="log")  # fmt: skip


@figure()
def homeostasis_dendrites(picture, biases):
    """Peak of the AMPA EPSP after one event and after two at 200 Hz, on weight bit 3, against the homeostatic gain,
    which is set by hand and held (latches ho_enable, ho_so_de)."""
    gains = np.geomspace(0.1, 10, 31)
    groups = [bd.Neurons(gains.size, biases, {"ho_enable", "ho_so_de"}) for _ in range(2)]
    for group in groups:
        group.gain_homeostasis = gains
    traces = [record(group, "Vmem") for group in groups]
    run(30 * ms, groups, events([5] * ms, groups[0]), events([5, 10] * ms, groups[1]), traces)
    peaks = [trace.Vmem.max(axis=1) / mV for trace in traces]
    draw(picture.subplots(), gains, peaks, (VERMILION, BLUE), ("one event", "2 events"), xlabel="homeostatic gain",
         ylabel="peak of the EPSP (mV)", xscale="log", yscale="log")  # fmt: skip


@figure()
def noise(picture, biases):
    """Membrane at rest on a Chip(noise=1): one neuron, and the distribution over 200 neurons and 20 ms, with the
    normal distribution (black) whose standard deviation is sqrt(kT/C_mem)."""
    b2.defaultclock.dt = 50 * us
    neurons = bd.Neurons(200, biases, chip=bd.Chip(noise=1))
    trace = record(neurons, "Vmem")
    run(70 * ms, neurons, trace)
    left, right = picture.subplots(1, 2, sharey=True)
    draw(left, trace.t / ms, trace.Vmem[:1] / uvolt, [BLUE], ylabel="membrane, from rest (µV)")
    settled = trace.Vmem[:, trace.t > 50 * ms] / uvolt
    right.hist(settled.ravel(), bins=60, density=True, orientation="horizontal", color=SKY)
    q, U_T, C_mem = (neurons.chip.constant(name) for name in ("q_electron", "U_T", "C_mem"))
    deviation = np.sqrt(q * U_T / C_mem) / uvolt
    level = deviation * np.linspace(-4, 4, 200)
    right.plot(np.exp(-((level / deviation) ** 2) / 2) / (np.sqrt(2 * np.pi) * deviation), level, color=BLACK)
    right.set(xlabel="density (1/µV)")


@figure()
def repeated_events(picture, biases):
    """Events of exponential somas with DC input, on a Chip(events_per_spike=3) and on a chip with one event per spike;
    right: the first spike enlarged. The further events come in the next time steps, here 0.1 ms."""
    groups = [bd.Neurons(1, biases, {"so_dc", "soif_type"}, bd.Chip(events_per_spike=count)) for count in (1, 3)]
    spikes = [b2.SpikeMonitor(group) for group in groups]
    run(80 * ms, groups, spikes)
    first = spikes[0].t[0] / ms
    for axes, limits in zip(picture.subplots(1, 2, sharey=True), ((0, 79), (first - 0.5, first + 1)), strict=True):
        axes.eventplot([monitor.t / ms for monitor in spikes], colors=[BLACK, VERMILION], linelengths=0.6)
        axes.set(xlabel="time (ms)", yticks=(0, 1), yticklabels=("1 event", "3 events"), xlim=limits)
        axes.locator_params(axis="x", nbins=5)


# -- synapses ----------------------------------------------------------------------------------------------------------


@figure()
def synapse(picture, biases):
    """Left: EPSPs of the four weight bits, one event at 5 ms on an AMPA dendrite. Right: delay of a synapse without
    delay bits over the codes of SYPD_DLY0_P at coarse 1; at the working point, (5, 255), it is about a
    microsecond."""
    masks = ("1000", "0100", "0010", "0001")
    neurons = bd.Neurons(len(masks), biases)
    source, connection = events([5] * ms, neurons, weight=masks)
    trace = record(neurons, "Vmem")
    run(30 * ms, neurons, source, connection, trace)
    left, right = picture.subplots(1, 2)
    draw(left, trace.t / ms, trace.Vmem / mV, (PURPLE, VERMILION, GREEN, BLUE), [f"weight {mask}" for mask in masks])
    fine, delays = np.arange(10, 256), []
    for code in fine:
        biases["SYPD_DLY0_P"] = (1, code)
        delays.append(connection.delay_time() / ms)
    draw(
        right, fine, [delays], [BLUE], xlabel="fine code of SYPD_DLY0_P, coarse 1", ylabel="delay (ms)", ylim=(0, None)
    )


@figure(SYAM_STDW_N=(3, 80), SYAW_STDSTR_N=(0, 1))
def depression(picture, biases):
    """Left: share of the weight that is left in a train of 30 events at 87 Hz, on weight bit 3, and afterwards. Right:
    AMPA EPSPs of this train without depression and with it. They fall further than the weight, since the dendrite
    multiplies."""
    b2.defaultclock.dt = 0.2 * ms
    times = 20 * ms + np.arange(30) / (87 * Hz)
    neurons = bd.Neurons(2, biases)
    inputs = [events(times, neurons[:1], std=False), events(times, neurons[1:], std=True)]
    trace, efficacy = record(neurons, "Vmem"), record(inputs[1][1], "efficacy")
    run(600 * ms, neurons, inputs, trace, efficacy)
    left, right = picture.subplots(1, 2)
    draw(left, efficacy.t / ms, efficacy.efficacy, [BLUE], ylabel="share of the weight", ylim=(0, 1.05))
    draw(right, trace.t / ms, trace.Vmem / mV, (BLACK, BLUE), ("without depression", "with it"))


@figure()
def merged_pulse(picture, biases):
    """Charge that two events of one synapse send, in units of one pulse, against the interval between them, with a
    time step of 1 us. Events closer than the width of a pulse (dashed) make one longer pulse."""
    b2.defaultclock.dt = 1 * us
    intervals = np.arange(1, 31)
    neurons, index = bd.Neurons(intervals.size, biases), np.arange(intervals.size)
    times = np.append(np.full(intervals.size, 10), 10 + intervals) * us
    source = b2.SpikeGeneratorGroup(intervals.size, np.append(index, index), times)
    connection = bd.Connection(source, neurons, "ampa", "1000")
    connection.connect(j="i")
    trace = record(neurons, "Qampa")
    run(60 * us, source, neurons, connection, trace)
    axes, width = picture.subplots(), connection.pulse_width()
    axes.plot(intervals, trace.Qampa.sum(axis=1) / (connection.I_weight[0] * width), "o", color=BLUE)
    axes.axvline(width / us, **DASHED)
    axes.set(xlabel="interval between the two events (µs)", ylabel="charge (pulses)")


@figure()
def repeated_pulse(picture, biases):
    """AMPA EPSPs of an exponential soma that sends three events a spike, Chip(events_per_spike=3), and of one that
    sends one, on weight bit 3. The three make one pulse that is 2 us longer than that of one."""
    sources = [bd.Neurons(1, biases, {"so_dc", "soif_type"}, bd.Chip(events_per_spike=count)) for count in (1, 3)]
    targets = bd.Neurons(2, biases)
    synapses = [bd.Connection(sources[index], targets[index : index + 1], "ampa", "1000") for index in range(2)]
    for one in synapses:
        one.connect()
    trace = record(targets, "Vmem")
    run(60 * ms, sources, targets, synapses, trace)
    draw(picture.subplots(), trace.t / ms, trace.Vmem / mV, (BLACK, VERMILION), ("1 event", "3 events"))
