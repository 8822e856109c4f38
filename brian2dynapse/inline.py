"""Exponential, power and limiter that a compiler can put into vector instructions: no branch, no call.

The loops over neurons are as fast as these are: one call of the C library, or one branch, stops the compiler from
working on eight neurons at once. Accuracy is far below what any circuit knows of its currents and is tested
(tests/dpi/test_inline.py): relative errors of 1e-11.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from brian2.core.functions import implementation
from brian2.units import check_units

# exp(x) = 2^n exp(r), |r| <= ln(2)/2, with ten terms of the series of exp(r). 32-bit integers on the way, since
# AVX2 converts no others.
_EXP_CPP = """
static inline double inline_exp(double x)
{
    x = x < -700.0 ? -700.0 : x;
    x = x > 700.0 ? 700.0 : x;
    const double n = std::floor(1.4426950408889634*x + 0.5);
    const double r = x - 0.6931471805599453*n;
    double sum = 1.0/3628800;
    sum = sum*r + 1.0/362880;
    sum = sum*r + 1.0/40320;
    sum = sum*r + 1.0/5040;
    sum = sum*r + 1.0/720;
    sum = sum*r + 1.0/120;
    sum = sum*r + 1.0/24;
    sum = sum*r + 1.0/6;
    sum = sum*r + 0.5;
    sum = sum*r + 1.0;
    sum = sum*r + 1.0;
    const int64_t bits = (static_cast<int64_t>(static_cast<int32_t>(n)) + 1023) << 52;
    double power_of_two;
    std::memcpy(&power_of_two, &bits, sizeof(double));
    return sum*power_of_two;
}
"""

# x = 2^n m with m between 1/sqrt(2) and sqrt(2); log(m) = 2 atanh(f), f = (m - 1)/(m + 1), by its series.
_LOG_CPP = """
static inline double inline_log(const double x)
{
    int64_t bits;
    std::memcpy(&bits, &x, sizeof(double));
    const int64_t n = (bits - 0x3FE6A09E667F3BCDLL) >> 52;
    bits -= n << 52;
    double m;
    std::memcpy(&m, &bits, sizeof(double));
    const double f = (m - 1.0)/(m + 1.0);
    const double s = f*f;
    double sum = 2.0/13;
    sum = sum*s + 2.0/11;
    sum = sum*s + 2.0/9;
    sum = sum*s + 2.0/7;
    sum = sum*s + 2.0/5;
    sum = sum*s + 2.0/3;
    sum = sum*s + 2.0;
    return 0.6931471805599453*static_cast<double>(static_cast<int32_t>(n)) + f*sum;
}
"""

_POWER_CPP = """
static inline double inline_power(const double base, const double exponent)
{
    return inline_exp(exponent*inline_log(base));
}
"""

_LIMITED_CPP = """
static inline double limited(const double x, const double lowest, const double highest)
{
    const double from_below = x < lowest ? lowest : x;
    return from_below > highest ? highest : from_below;
}
"""

_EXP_CYTHON = """
from libc.math cimport exp
cdef double inline_exp(double x):
    return exp(x)
"""
_LOG_CYTHON = """
from libc.math cimport log
cdef double inline_log(double x):
    return log(x)
"""
_POWER_CYTHON = """
from libc.math cimport pow
cdef double inline_power(double base, double exponent):
    return pow(base, exponent)
"""
_LIMITED_CYTHON = """
cdef double limited(double x, double lowest, double highest):
    return lowest if x < lowest else (highest if x > highest else x)
"""


@implementation("cpp", _EXP_CPP, headers=["<cstring>"])
@implementation("cython", _EXP_CYTHON)
@implementation("numpy", discard_units=True)
@check_units(x=1, result=1)
def inline_exp(x):
    """Exponential function; arguments beyond -700 and 700 are taken for those.

    Parameters
    ----------
    x : float or array

    Returns
    -------
    float or array
    """
    return np.exp(np.clip(x, -700, 700))


@implementation("cpp", _LOG_CPP, headers=["<cstring>"])
@implementation("cython", _LOG_CYTHON)
@implementation("numpy", discard_units=True)
@check_units(x=1, result=1)
def inline_log(x):
    """Natural logarithm of a normal positive number.

    Parameters
    ----------
    x : float or array

    Returns
    -------
    float or array
    """
    return np.log(x)


@implementation("cpp", _POWER_CPP, dependencies={"inline_exp": inline_exp, "inline_log": inline_log})
@implementation("cython", _POWER_CYTHON)
@implementation("numpy", discard_units=True)
@check_units(base=1, exponent=1, result=1)
def inline_power(base, exponent):
    """Power of a positive number.

    Parameters
    ----------
    base, exponent : float or array

    Returns
    -------
    float or array
    """
    return np.power(base, exponent)


@implementation("cpp", _LIMITED_CPP, sources=[str(Path(__file__).parent / "templates" / "spread_arrays.cpp")])
@implementation("cython", _LIMITED_CYTHON)
@implementation("numpy", discard_units=True)
@check_units(result=lambda x, lowest, highest: x)
def limited(x, lowest, highest):
    """The nearest number to `x` from `lowest` to `highest`; Brian2's own `clip` is a call in C++.

    Parameters
    ----------
    x, lowest, highest : float or array

    Returns
    -------
    float or array
    """
    return np.minimum(np.maximum(x, lowest), highest)
