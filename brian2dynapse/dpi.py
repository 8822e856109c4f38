"""The jump of a DPI: what a charge does to its current, as functions for every Brian2 target.

With y = I/I_gain, the circuit obeys d(y + ln y)/dt = input - leak: a charge raises y + ln y by
Q/(tau I_tau), however fast it comes. The new current is I_gain * omega(y + ln y + jump), where omega,
the Wright function, solves omega + ln(omega) = z (Corless & Jeffrey 2002, doi:10.1007/3-540-45470-5_10).
"""

from __future__ import annotations

import numpy as np
from brian2.core.functions import implementation
from brian2.units import amp, check_units
from scipy.special import wrightomega

from .inline import inline_exp, inline_log, inline_power

# One round of the fourth-order iteration of Fritsch, Shafer & Crowley (1973) for y + ln y = z, from rational first
# guesses on both sides of z = 1 that are within 0.6 %: 1e-9 of y (tests/dpi). No branch: see inline.py.
_CPP = """
static inline double inline_exp(const double x);
static inline double inline_log(const double x);
static inline double dpi_jump(const double current, const double gain, const double jump)
{
    const double start = current/gain;
    const double z = inline_log(start) + start + jump;
    const double low = inline_exp(z < 1.0 ? z : 1.0);
    const double high = z > 1.0 ? z : 1.0;
    const double log_high = inline_log(high);
    const double below = low*(1.0 + 0.72336301*low);  // over 1 + 1.709... low + 0.329... low^2
    const double above = high*(high + 1.11521081) - log_high*(high - 0.03283977) - 0.01208737;  // over high + 1.115...
    const double y = (z > 1.0 ? above : below)/(z > 1.0 ? high + 1.11521081 : 1.0 + low*(1.70928205 + 0.32941166*low));
    const double r = z - y - inline_log(y);
    const double t = 1.0 + y;
    const double s = t*(t + 2.0/3.0*r);
    const double after = gain*y*(1.0 + r*(s - 0.5*r)/(t*(s - r)));
    return jump == 0.0 ? current : after;
}
"""

_CYTHON = """
from libc.math cimport log, exp
cdef double dpi_jump(double current, double gain, double jump):
    cdef double start, z, y, r, t, s
    cdef int round
    if jump == 0.0:
        return current
    start = current/gain
    z = log(start) + start + jump
    if z < -36.0:
        return gain*exp(z)
    y = z - log(z) if z > 1.0 else 1.0/(1.0 + exp(-z))
    for round in range(2):
        r = z - y - log(y)
        t = 1.0 + y
        s = t*(t + 2.0/3.0*r)
        y *= 1.0 + r/t*(s - 0.5*r)/(s - r)
    return gain*y
"""


@implementation("cpp", _CPP, dependencies={"inline_exp": inline_exp, "inline_log": inline_log})
@implementation("cython", _CYTHON)
@implementation("numpy", discard_units=True)
@check_units(current=amp, gain=amp, jump=1, result=amp)
def dpi_jump(current, gain, jump):
    """Current of a DPI after y + ln y, y = I/I_gain, has grown by `jump`.

    Parameters
    ----------
    current : Quantity or array
        Current before, amp, positive.
    gain : Quantity or array
        Gain current I_gain of the DPI, amp.
    jump : float or array
        Dimensionless: charge / (tau I_tau); negative to go back.

    Returns
    -------
    Quantity or array
        Current after, amp.
    """
    if not np.any(jump):
        return np.asarray(current) * amp
    start = np.asarray(current / gain)
    after = np.asarray(gain) * wrightomega(np.log(start) + start + jump)
    return np.where(jump == 0, np.asarray(current), after) * amp


_CPP_AGO = """
static inline double inline_exp(const double x);
static inline double inline_power(const double base, const double exponent);
static inline double dpi_jump(const double current, const double gain, const double jump);
static inline double dpi_decay(const double current, const double age, const double floor, const double kappa)
{
    const double over_floor = inline_power(current/floor, 1.0/kappa) - 1.0;
    const double left = over_floor > 0.0 ? over_floor*inline_exp(-age/kappa) : 0.0;
    return floor*inline_power(1.0 + left, kappa);
}
static inline double dpi_jump_ago(const double current, const double gain, const double jump, const double age,
                                  const double floor, const double kappa)
{
    const double before = dpi_decay(current, -age, floor, kappa);
    return dpi_decay(dpi_jump(before, gain, jump), age, floor, kappa);
}
"""

_CYTHON_AGO = """
from libc.math cimport exp, pow
cdef double dpi_decay(double current, double age, double floor, double kappa):
    cdef double over_floor = pow(current/floor, 1.0/kappa) - 1.0
    return floor*pow(1.0 + over_floor*exp(-age/kappa), kappa) if over_floor > 0.0 else floor
cdef double dpi_jump_ago(double current, double gain, double jump, double age, double floor, double kappa):
    cdef double before = dpi_decay(current, -age, floor, kappa)
    return dpi_decay(dpi_jump(before, gain, jump), age, floor, kappa)
"""


def _decay(current, age, floor, kappa):
    over_floor = np.maximum((current / floor) ** (1 / kappa) - 1, 0)
    return floor * (1 + over_floor * np.exp(-age / kappa)) ** kappa


@implementation(
    "cpp",
    _CPP_AGO,
    dependencies={"dpi_jump": dpi_jump, "inline_exp": inline_exp, "inline_power": inline_power},
)
@implementation("cython", _CYTHON_AGO, dependencies={"dpi_jump": dpi_jump})
@implementation("numpy", discard_units=True)
@check_units(current=amp, gain=amp, jump=1, age=1, floor=amp, kappa=1, result=amp)
def dpi_jump_ago(current, gain, jump, age, floor, kappa):
    """Current of a DPI now, if a charge that came a moment ago is taken into account only now.

    Goes back along the decay, applies the jump, and decays again: exact.

    Parameters
    ----------
    current : Quantity or array
        Current now, without the charge, amp.
    gain, jump : Quantity, float or array
        As in `dpi_jump`.
    age : float or array
        Time since the charge, in units of the time constant tau.
    floor : Quantity or array
        I_0, amp.
    kappa : float or array
        Subthreshold slope.

    Returns
    -------
    Quantity or array
        Current now, amp.
    """
    current, gain, floor = np.asarray(current), np.asarray(gain), np.asarray(floor)
    before = _decay(current, -age, floor, kappa)
    start = before / gain
    after = np.where(jump == 0, before, gain * wrightomega(np.log(start) + start + jump))
    return _decay(after, age, floor, kappa) * amp
