"""What an experimenter reads off a trace or a spike train; SI floats in NumPy arrays, no Brian2.

The same functions read simulated and recorded data (`recordings`), so that model and chip are compared by one code.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import least_squares
from scipy.signal import savgol_filter

from .errors import DynapseError

LEAST_SAMPLES = 8  # of a decay; three parameters are fitted
ROUNDING = 1e-3  # of a step, within which two times are the same
LEAST_FALL = 1.0  # in thermal voltages: a decay that is shorter tells no time constant
LARGEST_DOUBT = 0.2  # relative standard error of a time constant that is still told


@dataclass(frozen=True)
class Decay:
    """A fitted decay.

    Attributes
    ----------
    tau_s, sd_s : float
        Time constant and its standard error, second; NaN if there is none.
    note : str
        Why there is none; empty if there is.
    """

    tau_s: float
    sd_s: float
    note: str = ""


def free_decay(times, top, rest, rate, thermal_voltage):
    """Voltage of a DPI without input, in closed form.

    With z = (I/I_0)^(1/kappa), the DPI's tau dI/dt = -I (1 - 1/z) is dz/dt = -(z - 1)/(kappa tau), and the voltage is
    rest + U_T ln z: it falls along a straight line, U_T/(kappa tau), and settles at rest within some U_T.

    Parameters
    ----------
    times : numpy.ndarray
        From the start, second.
    top, rest : float
        Voltage at the start and at the end, volt.
    rate : float
        1/(kappa tau), per second.
    thermal_voltage : float
        U_T, volt.

    Returns
    -------
    numpy.ndarray
        Volt.
    """
    # ln(1 + (e^h - 1) e^-x) without overflow for large h
    height = (top - rest) / thermal_voltage
    start = height + np.log(-np.expm1(-max(height, 1e-12)))  # ln(e^h - 1)
    return rest + thermal_voltage * np.logaddexp(0, start - rate * times)


def fit_decay(times, voltage, thermal_voltage: float, kappa: float, rest: float | None = None) -> Decay:
    """Time constant of a DPI from the voltage of its free decay, by least squares on `free_decay`.

    Parameters
    ----------
    times, voltage : array_like
        Second and volt; only the decay. A current I stands for U_T/kappa ln(I/I_0).
    thermal_voltage, kappa : float
        U_T in volt and subthreshold slope of the output device: the slope of the trace is U_T/(kappa tau).
    rest : float, optional
        Voltage at rest, if it is known; else it is fitted.

    Returns
    -------
    Decay
    """
    times, voltage = np.asarray(times, float), np.asarray(voltage, float)
    times = times - times[0] if times.size else times
    none = {"tau_s": np.nan, "sd_s": np.nan}
    if times.size < LEAST_SAMPLES:
        return Decay(**none, note=f"{times.size} samples of decay; {LEAST_SAMPLES} are needed")
    fall = voltage[:3].mean() - (voltage.min() if rest is None else rest)
    if fall < LEAST_FALL * thermal_voltage:
        return Decay(**none, note=f"falls by {fall:.3g} V only, less than {LEAST_FALL:g} kT/q: a stronger stimulus")
    level = voltage.min() if rest is None else rest
    middle = level + fall / 2
    half = times[np.argmax(voltage <= middle)] or times[-1]
    first = np.log(max(fall / 2, thermal_voltage) / thermal_voltage / half)

    def residuals(parameters):
        top, log_rate = parameters[:2]
        floor = parameters[2] if rest is None else rest
        return free_decay(times, top, min(floor, top), np.exp(log_rate), thermal_voltage) - voltage

    guess = [voltage[0], first] + ([level] if rest is None else [])
    found = least_squares(residuals, guess, x_scale=[thermal_voltage, 1.0, thermal_voltage][: len(guess)])
    # far above rest its value leaves no trace: the pseudo-inverse leaves it out
    variance = 2 * found.cost / max(times.size - len(guess), 1)
    sd_log = float(np.sqrt(variance * np.linalg.pinv(found.jac.T @ found.jac, rcond=1e-12)[1, 1]))
    tau = float(np.exp(-found.x[1]) / kappa)
    if not found.success or sd_log > LARGEST_DOUBT:
        return Decay(**none, note=f"no decay of this form: the time constant has a standard error of {sd_log:.0%}")
    return Decay(tau, tau * sd_log)


def smoothed(times, values, width: float | None):
    """Savitzky-Golay filter of second order over a width in second; None or less than three samples: as they are."""
    values = np.asarray(values, float)
    step = float(np.median(np.diff(times))) if len(times) > 1 else np.inf
    samples = 0 if width is None else round(width / step) // 2 * 2 + 1
    if samples > values.size:
        raise DynapseError(
            f"smooth is {width:g} s, longer than the trace of {values.size} samples, {step:g} s apart; give a width "
            "below the features that are read, such as 1*ms"
        )
    return savgol_filter(values, samples, 2) if samples > 2 else values


def crossing(times, values, level: float) -> float:
    """First time at which values pass a level upwards, linearly interpolated; NaN if they do not."""
    above = np.asarray(values) >= level
    if not above.any():
        return np.nan
    k = int(np.argmax(above))
    if k == 0:
        return float(times[0])
    share = (level - values[k - 1]) / (values[k] - values[k - 1])
    return float(times[k - 1] + share * (times[k] - times[k - 1]))


def psp_shapes(times, voltage, events, sign: int = 1, baseline: float = 2e-3) -> list[dict]:
    """Shape of the response to each event of a train.

    Parameters
    ----------
    times, voltage : array_like
        Second and volt.
    events : array_like
        Times of the events, second, ascending.
    sign : int
        1 for a response upwards, -1 for one downwards.
    baseline : float
        The rest is the mean over this time before the first event, second.

    Returns
    -------
    list of dict
        For each event: rest_V (before the first), start_V and peak_V (above that rest, at the event and at the peak
        before the next event; negative downwards), amplitude_V = peak_V - start_V, rise_s (from 10 to 90 % of the
        amplitude), time_to_peak_s (from the event), half_fall_s (from the peak to half of peak_V; NaN if the next
        event, or the end, comes first), summation (peak_V over that of the first event).
    """
    times, voltage, events = (np.asarray(one, float) for one in (times, voltage, events))
    slack = ROUNDING * np.median(np.diff(times)) if times.size > 1 else 0.0  # a sample at an event belongs to it
    before = (times >= events[0] - baseline) & (times <= events[0] + slack)
    rest = voltage[before].mean() if before.any() else voltage[0]
    shapes = []
    for k, event in enumerate(events):
        end = events[k + 1] if k + 1 < len(events) else np.inf
        inside = (times >= event - slack) & (times < end - slack)
        t, v = times[inside], sign * (voltage[inside] - rest)
        if t.size < 3:
            shapes.append(dict.fromkeys(_SHAPE, np.nan) | {"rest_V": rest})
            continue
        top = int(np.argmax(v))
        amplitude = v[top] - v[0]
        low, high = (crossing(t[: top + 1], v[: top + 1], v[0] + share * amplitude) for share in (0.1, 0.9))
        half = crossing(t[top:], -v[top:], -v[top] / 2) if v[top] > 0 else np.nan
        shapes.append(
            {
                "rest_V": rest,
                "start_V": sign * v[0],
                "peak_V": sign * v[top],
                "amplitude_V": sign * amplitude,
                "rise_s": high - low if amplitude > 0 else np.nan,
                "time_to_peak_s": t[top] - event if amplitude > 0 else np.nan,
                "half_fall_s": half - t[top],
            }
        )
    first = shapes[0]["peak_V"]
    return [shape | {"summation": shape["peak_V"] / first if first else np.nan} for shape in shapes]


_SHAPE = ("rest_V", "start_V", "peak_V", "amplitude_V", "rise_s", "time_to_peak_s", "half_fall_s")


def counts_and_rates(neurons, times, size: int, settle: float, duration: float) -> tuple[np.ndarray, np.ndarray]:
    """Spikes of every neuron after a time, and its firing rate.

    Parameters
    ----------
    neurons, times : array_like
        Neuron and time (second) of each spike.
    size : int
        Number of neurons.
    settle, duration : float
        From when on, and how long, spikes are counted; second.

    Returns
    -------
    counts : numpy.ndarray of int
        Shape (size,).
    rates : numpy.ndarray
        Hertz: from the first to the last spike; number over duration if there are fewer than two.
    """
    neurons, times = np.asarray(neurons), np.asarray(times)
    neurons, times = neurons[times >= settle], times[times >= settle]
    counts = np.bincount(neurons, minlength=size)
    first, last = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(first, neurons, times)
    np.maximum.at(last, neurons, times)
    rates = counts / duration
    several = counts > 1
    rates[several] = (counts[several] - 1) / (last[several] - first[several])
    return counts, rates


def intervals(spikes, start: float = 0.0) -> list[dict]:
    """Intervals between spikes from a time on.

    Parameters
    ----------
    spikes : array_like
        Times, second.
    start : float
        Of the stimulus, second.

    Returns
    -------
    list of dict
        For each interval: number, time_s (its end, from `start` on), interval_s, rate_Hz (its inverse).
    """
    times = np.sort(np.asarray(spikes, float))
    times = times[times >= start]
    return [
        {"number": k, "time_s": end - start, "interval_s": end - begin, "rate_Hz": 1 / (end - begin)}
        for k, (begin, end) in enumerate(pairwise(times))
    ]


def refractory_intercept(currents, interspike) -> tuple[float, float]:
    """Refractory period from intervals at strong constant inputs.

    The time to charge the membrane goes as 1/I at large I, and its next order, due to the leak, as 1/I^2: the interval
    is a polynomial in 1/I whose value at 1/I = 0 is the refractory period.

    Parameters
    ----------
    currents, interspike : array_like
        Inputs in amp, intervals in second; at least four.

    Returns
    -------
    tuple of float
        The refractory period and its standard error, second; NaN if there are too few.
    """
    currents, interspike = np.asarray(currents, float), np.asarray(interspike, float)
    fine = np.isfinite(interspike) & (currents > 0)
    if np.unique(currents[fine]).size < 4:
        return np.nan, np.nan
    x = currents[fine].min() / currents[fine]
    design = np.vander(x, 3, increasing=True)
    found, *_ = np.linalg.lstsq(design, interspike[fine], rcond=None)
    left = interspike[fine] - design @ found
    variance = left @ left / max(x.size - 3, 1)
    return float(found[0]), float(np.sqrt(variance * np.linalg.inv(design.T @ design)[0, 0]))
