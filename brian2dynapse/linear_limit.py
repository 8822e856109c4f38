"""Leaky integrate-and-fire neurons and the DPI: what they have in common, as closed forms. SI floats, no Brian2.

Far above its gain current a DPI is a linear filter. With v = I_mem / I_threshold and i = I / I_rheobase, where
I is a current into the soma and I_rheobase = I_leak (1 + I_threshold / I_gain) the least that makes a neuron fire, the
soma is

    tau dv/dt = -v + i,     spike at v = 1, reset to 0,

and an event that moves the charge Q into a dendrite raises its current by kappa Q I_gain / (C U_T). The current then
decays with the time constant of the dendrite; all in all the event raises v by `jump`. Below its gain current a DPI
multiplies instead of adding: an event from rest first has to lift ln I, see `lost_jump`.
"""

from __future__ import annotations

import numpy as np


def dpi_charge(capacitor: float, kappa: float, constants) -> float:
    """Charge that multiplies the current of a DPI by e: time_factor C U_T / kappa.

    Parameters
    ----------
    capacitor : float
        Farad.
    kappa : float
        Subthreshold slope of its output device.
    constants : mapping of str to float
        Constants of the chip, SI units (`Chip.constants`).

    Returns
    -------
    float
        Coulomb.
    """
    return constants["time_factor"] * capacitor * constants["U_T"] / kappa


def rheobase(leak, gain, threshold):
    """Least constant current into the soma that makes a neuron fire.

    Parameters
    ----------
    leak, gain, threshold : float or numpy.ndarray
        Currents SOIF_LEAK_N, SOIF_GAIN_N and SOIF_SPKTHR_P, amp.

    Returns
    -------
    float or numpy.ndarray
        Amp.
    """
    return leak * (1 + threshold / gain)


def current_step(weight, pulse, gain, charge):
    """Rise of the current of a dendrite at an event, in the linear limit.

    Parameters
    ----------
    weight : float or numpy.ndarray
        Weight current, amp.
    pulse : float or numpy.ndarray
        Width of the pulse, second.
    gain : float or numpy.ndarray
        Gain current of the dendrite, amp.
    charge : float
        `dpi_charge` of the dendrite, coulomb.

    Returns
    -------
    float or numpy.ndarray
        Amp.
    """
    return gain * weight * pulse / charge


def jump(step, tau_dendrite, tau_membrane, drive):
    """Rise of the membrane, in thresholds, that an event makes in all: the integral of its current.

    Parameters
    ----------
    step : float or numpy.ndarray
        `current_step`, amp.
    tau_dendrite, tau_membrane : float or numpy.ndarray
        Time constants, second.
    drive : float or numpy.ndarray
        `rheobase`, amp.

    Returns
    -------
    float or numpy.ndarray
        Dimensionless; w / v_threshold of an integrate-and-fire neuron.
    """
    return step * tau_dendrite / (drive * tau_membrane)


def weight_of_jump(wanted, pulse, gain, charge, tau_dendrite, tau_membrane, drive):
    """Weight current for a `jump`: the inverse of `jump` of `current_step`; arguments as there.

    Returns
    -------
    float or numpy.ndarray
        Amp.
    """
    return wanted * drive * tau_membrane / tau_dendrite * charge / (gain * pulse)


def lost_jump(rise, gain, floor):
    """Share of an event that a DPI at rest loses against the linear limit.

    An event moves y + ln y, y = I / I_gain, by rise / I_gain. From the floor I_0 part of it is spent on ln y.

    Parameters
    ----------
    rise : float or numpy.ndarray
        What the linear limit makes of the event, amp.
    gain : float
        Gain current, amp.
    floor : float
        I_0, amp.

    Returns
    -------
    float or numpy.ndarray
        0 (linear) to nearly 1 (the event is lost). For the membrane, with the threshold as `rise`: the relative error
        of the interval between spikes under strong drive.
    """
    from scipy.special import wrightomega

    start = floor / gain
    reached = wrightomega(np.asarray(rise) / gain + start + np.log(start))
    return 1 - (reached - start) * gain / np.asarray(rise)
