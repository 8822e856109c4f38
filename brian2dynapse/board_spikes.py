"""What scripts for the board do around a network: codes, latches, inputs, reading. Works with the real board, too.

Times are microseconds of the board's counter. An event of a virtual group is (id, tag, (x_hop, core mask), time), one
for every destination of the virtual neuron.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import numpy as np

from . import board_driver, facts
from .errors import DynapseError

END_TAG, CLOCK_TAG = 2047, 1024
END_MARKERS = 2  # one more than needed, should one be lost on the way out of a real board
POLLS = 1000  # between two clock queries


def set_parameter(parameters, name: str, coarse: int, fine: int) -> None:
    """Set the code of a bias, for example of ``config.chips[0].cores[1].parameters``."""
    parameter = parameters[name]
    parameter.coarse_value, parameter.fine_value = coarse, fine


def set_latches(
    config, latch: str, neurons: Iterable[int], cores: Iterable[int], chips=range(1), on: bool = True
) -> None:
    """Set a latch of neurons; names as in `facts.latch_table`, for example ``"so_adaptation"``."""
    facts.check_latches([latch])
    neurons, cores = list(neurons), list(cores)
    for chip in chips:
        for core in cores:
            members = config.chips[chip].cores[core].neurons
            for neuron in neurons:
                setattr(members[neuron], f"latch_{latch}", on)


def set_dc_latches(config, neurons, cores, chips=range(1), on: bool = True) -> None:
    """Switch the DC input of neurons on (or off)."""
    set_latches(config, "so_dc", neurons, cores, chips, on)


def set_type_latches(config, neurons, cores, chips=range(1), on: bool = True) -> None:
    """Make neurons exponential (or thresholded)."""
    set_latches(config, "soif_type", neurons, cores, chips, on)


def set_adaptation_latches(config, neurons, cores, chips=range(1), on: bool = True) -> None:
    """Switch the adaptation of neurons on (or off)."""
    set_latches(config, "so_adaptation", neurons, cores, chips, on)


def set_nmda_latches(config, neurons, cores, chips=range(1), on: bool = True) -> None:
    """Switch the NMDA gate of neurons on (or off)."""
    set_latches(config, "denm_nmda", neurons, cores, chips, on)


def set_alpha_latches(config, neurons, cores, chips=range(1), on: bool = True) -> None:
    """Switch the alpha function of AMPA dendrites on (or off)."""
    set_latches(config, "deam_alpha", neurons, cores, chips, on)


def set_conductance_latches(config, neurons, cores, chips=range(1), on: bool = True) -> None:
    """Switch conductance dendrites on (or off)."""
    set_latches(config, "de_conductance", neurons, cores, chips, on)


def isi_gen(virtual_group, neurons: Sequence[int], timestamps: Sequence[float]) -> list[tuple]:
    """Single events: virtual neuron neurons[k] at timestamps[k], microseconds."""
    if len(neurons) != len(timestamps):
        raise DynapseError(f"{len(neurons)} neurons and {len(timestamps)} timestamps; give one time for each")
    if len(neurons) and not (0 <= min(neurons) and max(neurons) < virtual_group.size):
        raise DynapseError(f"neurons are {min(neurons)}..{max(neurons)}; the group has 0..{virtual_group.size - 1}")
    ids, destinations = virtual_group.get_ids(), virtual_group.get_destinations()
    events = []
    for neuron, time_us in zip(neurons, timestamps, strict=True):
        sent = [(place, tags[neuron]) for place, tags in destinations.items() if tags[neuron] is not None]
        events += [(ids[neuron], tag, place, int(time_us)) for place, tag in sent]
    return events


def regular_gen(virtual_group, rate: float, duration: float, start: float = 0) -> list[tuple]:
    """All virtual neurons of a group together, at a rate (Hz) from start on for a duration (microseconds)."""
    _check_rate(rate)
    times = start + np.arange(int(np.ceil(duration * rate * 1e-6))) * 1e6 / rate if rate else np.empty(0)
    neurons = np.tile(np.arange(virtual_group.size), len(times))
    return isi_gen(virtual_group, neurons.tolist(), np.repeat(times, virtual_group.size).tolist())


def poisson_gen(start: float, duration: float, virtual_groups, rates, seed: int = 0) -> list[tuple]:
    """Poisson events of groups, in the order of time.

    Parameters
    ----------
    start, duration : float
        Microseconds.
    virtual_groups : list of VirtualGroup
    rates : list
        Of each group: a rate in Hz, or one for each of its virtual neurons.
    seed : int
        The same seed draws the same events.
    """
    if len(virtual_groups) != len(rates):
        raise DynapseError(f"{len(virtual_groups)} groups and {len(rates)} rates; give one for each")
    events = []
    for k, (group, rate) in enumerate(zip(virtual_groups, rates, strict=True)):
        generator = np.random.default_rng([seed, k])
        rate = np.broadcast_to(np.asarray(rate, dtype=float), group.size)
        _check_rate(rate)
        neurons = np.repeat(np.arange(group.size), generator.poisson(rate * duration * 1e-6))
        times = generator.uniform(start, start + duration, len(neurons))
        events += isi_gen(group, neurons.tolist(), times.tolist())
    return sorted(events, key=lambda event: event[3])


def _check_rate(rate) -> None:
    if not np.all(np.isfinite(rate)) or np.any(np.asarray(rate) < 0):
        raise DynapseError(f"rate is {rate}; give rates in Hz, 0 or more")


def make_event(tag: int, core: Sequence[bool], timestamp: int, x_hop: int = 0, y_hop: int = 0):
    """An event for the board, of the driver's class."""
    driver = sys.modules.get("samna.dynapse2", board_driver)
    destination, event = driver.Dynapse2Destination(), driver.NormalGridEvent()
    destination.tag, destination.core, destination.x_hop, destination.y_hop = tag, list(core), x_hop, y_hop
    event.event, event.timestamp = destination, timestamp % board_driver.STAMPS
    return event


def get_fpga_time(board) -> int:
    """Ask the board for its time, microseconds. Events that come out meanwhile are dropped."""
    while True:
        board.input_interface_write_events(0, [make_event(CLOCK_TAG, [True] * 4, 0, x_hop=-1, y_hop=-1)])
        for _ in range(POLLS):
            for event in board.read_events():
                if event.event.tag == CLOCK_TAG and event.event.y_hop:
                    return event.timestamp


def send_events(board, events: list, min_delay: int = 0) -> None:
    """Write events to the board, and behind them the end marker that `get_events` waits for.

    Parameters
    ----------
    board : object
        Simulated or real.
    events : list of NormalGridEvent
        In the order of their time.
    min_delay : int
        Microseconds from the last event to the marker; from now, if there is none.
    """
    last = events[-1].timestamp if events else get_fpga_time(board)
    marker = make_event(END_TAG, [True] * 4, last + int(min_delay), x_hop=-1, y_hop=-1)
    board.input_interface_write_events(0, [*events, *[marker] * END_MARKERS])


def send_virtual_events(board, virtual_events: list, offset: int = 0, min_delay: int = 0) -> None:
    """Send events of virtual groups, in the order of time, each with an echo that is read out with its id.

    Parameters
    ----------
    board : object
        Simulated or real.
    virtual_events : list of tuple
        Of the generators.
    offset : int
        Added to their times: what the board's counter will be when they begin, microseconds.
    min_delay : int
        As of `send_events`.
    """
    events, echoed = [], set()
    for number, tag, (x_hop, mask), time_us in sorted(virtual_events, key=lambda event: event[3]):
        stamp = int(time_us) + int(offset)
        if (number, stamp) not in echoed:  # once, to however many places it is sent
            echoed.add((number, stamp))
            events.append(make_event(number, [True] * 4, stamp, x_hop=-7))
        events.append(make_event(tag, [bool(mask >> core & 1) for core in range(4)], stamp, x_hop=x_hop))
    send_events(board, events, min_delay)


def get_events(board, extra_time: int = 100, output_events: list | None = None) -> list[list]:
    """Read until the end marker, and then a number of reads more.

    Parameters
    ----------
    board : object
        Simulated or real.
    extra_time : int
        Reads after the marker.
    output_events : list of two lists, optional
        Appended to.

    Returns
    -------
    list of two lists
        Ids (2048 is added for each chip east of the first) and times in second, in the order of time.
    """
    output_events = [[], []] if output_events is None else output_events
    ended, after = False, 0
    while after < extra_time or not ended:
        for event in board.read_events():
            if event.event.y_hop == 0:
                output_events[0].append(event.event.tag + (event.event.x_hop + 6) * 2048)
                output_events[1].append(event.timestamp * 1e-6)
            elif event.event.tag == END_TAG:
                ended = True
        after += ended
    return output_events


def spike_count(output_events: Sequence[Sequence], size: int = 2048) -> np.ndarray:
    """Number of events of every id, 0..size-1 at least.

    Parameters
    ----------
    output_events : list of two lists
        Of `get_events`.
    size : int
        Smallest length of the answer.
    """
    return np.bincount(np.asarray(output_events[0], dtype=int), minlength=size)


def plot_raster(output_events: Sequence[Sequence], groups: Sequence = (), axes=None):
    """Draw the events: time against id, a colour and a label for each group.

    Parameters
    ----------
    output_events : list of two lists
        Of `get_events`.
    groups : sequence of NeuronGroup or VirtualGroup
        Those to be told apart.
    axes : matplotlib Axes, optional
        Where to draw; new ones by default.
    """
    import matplotlib.pyplot as plt

    from .plot import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION

    axes = plt.figure(figsize=(9, 5), layout="constrained").add_subplot() if axes is None else axes
    ids, times = (np.asarray(one) for one in output_events)
    colors = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
    rest = np.ones(len(ids), dtype=bool)
    for k, group in enumerate(groups):
        mine = np.isin(ids % 2048, group.get_ids())
        rest &= ~mine
        axes.plot(times[mine], ids[mine], ".", color=colors[k % len(colors)], markersize=3, label=group.name)
    axes.plot(times[rest], ids[rest], ".", color=BLACK, markersize=3, label="others" if len(groups) else None)
    axes.set(xlabel="time on the board (s)", ylabel="id of neuron or input")
    if len(groups):
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1), markerscale=3)
    return axes
