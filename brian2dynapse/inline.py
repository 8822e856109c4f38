"""Exponential, power and limiter that a compiler can put into vector instructions: no branch, no call.

The loops over neurons are as fast as these are: one call of the C library, or one branch, stops the compiler from
working on eight neurons at once. Accuracy is far below what any circuit knows of its currents and is tested
(tests/dpi/test_inline.py): relative errors of 1e-8, of powers 1e-7.
"""

from __future__ import annotations

import numpy as np
from brian2.core.functions import implementation
from brian2.units import check_units

# exp(x) = 2^n exp(r), |r| <= ln(2)/2, with the series of exp(r) to the seventh power: 5e-9 of the result where |r| is
# largest, none for small x. 32-bit integers on the way, since AVX2 converts no others.
_EXP_CPP = """
static inline double inline_exp(const double x)
{
    const double whole = std::floor(1.4426950408889634*x + 0.5);
    const double r = x - 0.6931471805599453*whole;
    double sum = 1.0/5040;
    sum = sum*r + 1.0/720;
    sum = sum*r + 1.0/120;
    sum = sum*r + 1.0/24;
    sum = sum*r + 1.0/6;
    sum = sum*r + 0.5;
    sum = sum*r + 1.0;
    sum = sum*r + 1.0;
    int32_t n = static_cast<int32_t>(whole);
    n = n < -1000 ? -1000 : n;
    n = n > 1000 ? 1000 : n;
    const int64_t bits = (static_cast<int64_t>(n) + 1023) << 52;
    double power_of_two;
    std::memcpy(&power_of_two, &bits, sizeof(double));
    return sum*power_of_two;
}
"""

# x = 2^n m with m between 1/sqrt(2) and sqrt(2); log(m) = f p(f), f = m - 1, with a polynomial p fitted at Chebyshev
# nodes, of degree 10 (error of the logarithm 3e-10) and for powers of degree 7 (6e-8).
_LOG_CPP = """
static inline double inline_log(const double x)
{
    int64_t bits;
    std::memcpy(&bits, &x, sizeof(double));
    const int64_t n = (bits - 0x3FE6A09E667F3BCDLL) >> 52;
    bits -= n << 52;
    double m;
    std::memcpy(&m, &bits, sizeof(double));
    const double f = m - 1.0;
    double sum = 0.0674023264895;
    sum = sum*f - 0.117272291539;
    sum = sum*f + 0.119239259412;
    sum = sum*f - 0.123992208576;
    sum = sum*f + 0.142126075311;
    sum = sum*f - 0.166680422001;
    sum = sum*f + 0.200025767989;
    sum = sum*f - 0.25000023634;
    sum = sum*f + 0.333333015634;
    sum = sum*f - 0.499999996928;
    sum = sum*f + 1.00000000063;
    return 0.6931471805599453*static_cast<double>(static_cast<int32_t>(n)) + f*sum;
}
"""

# inline_exp is declared here, too: Brian2 writes functions that the code itself uses in its own order.
_POWER_CPP = """
static inline double inline_exp(const double x);
static inline double inline_power(const double base, const double exponent)
{
    int64_t bits;
    std::memcpy(&bits, &base, sizeof(double));
    const int64_t n = (bits - 0x3FE6A09E667F3BCDLL) >> 52;
    bits -= n << 52;
    double m;
    std::memcpy(&m, &bits, sizeof(double));
    const double f = m - 1.0;
    double sum = -0.101340567507;
    sum = sum*f + 0.16234189799;
    sum = sum*f - 0.172470133039;
    sum = sum*f + 0.198985650483;
    sum = sum*f - 0.249700716851;
    sum = sum*f + 0.333351141403;
    sum = sum*f - 0.500003630927;
    sum = sum*f + 0.999999942543;
    return inline_exp(exponent*(0.6931471805599453*static_cast<double>(static_cast<int32_t>(n)) + f*sum));
}
"""

# As the instructions for the larger and the smaller of two numbers have it: the second number, if one is not a number.
_LARGER_CPP = """
static inline double larger(const double x, const double y)
{
    return x > y ? x : y;
}
"""

_LIMITED_CPP = """
static inline double limited(const double x, const double lowest, const double highest)
{
    const double from_below = x > lowest ? x : lowest;
    return from_below < highest ? from_below : highest;
}
"""

_RECTIFIED_CPP = """
static inline double rectified(const double x)
{
    return x > 0.0 ? x : 0.0;
}
"""

_WHERE_POSITIVE_CPP = """
static inline double where_positive(const double x, const double value)
{
    return x > 0.0 ? value : 0.0;
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
_LARGER_CYTHON = """
cdef double larger(double x, double y):
    return x if x > y else y
"""
_RECTIFIED_CYTHON = """
cdef double rectified(double x):
    return x if x > 0.0 else 0.0
"""
_WHERE_POSITIVE_CYTHON = """
cdef double where_positive(double x, double value):
    return value if x > 0.0 else 0.0
"""
_LIMITED_CYTHON = """
cdef double limited(double x, double lowest, double highest):
    return lowest if x < lowest else (highest if x > highest else x)
"""


@implementation("cpp", _LARGER_CPP)
@implementation("cython", _LARGER_CYTHON)
@implementation("numpy", discard_units=True)
@check_units(result=lambda x, y: x)
def larger(x, y):
    """The larger of two numbers.

    Parameters
    ----------
    x, y : float or array

    Returns
    -------
    float or array
    """
    return np.maximum(x, y)


@implementation("cpp", _EXP_CPP, headers=["<cstring>"])
@implementation("cython", _EXP_CYTHON)
@implementation("numpy", discard_units=True)
@check_units(x=1, result=1)
def inline_exp(x):
    """Exponential function; far beyond -700 and 700 it is some very small or large number, but no zero or infinity.

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


@implementation("cpp", _POWER_CPP, headers=["<cstring>"], dependencies={"inline_exp": inline_exp})
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


@implementation("cpp", _LIMITED_CPP)
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


@implementation("cpp", _RECTIFIED_CPP)
@implementation("cython", _RECTIFIED_CYTHON)
@implementation("numpy", discard_units=True)
@check_units(result=lambda x: x)
def rectified(x):
    """The number, or zero if it is negative.

    Parameters
    ----------
    x : float or array

    Returns
    -------
    float or array
    """
    return np.maximum(x, 0)


@implementation("cpp", _WHERE_POSITIVE_CPP)
@implementation("cython", _WHERE_POSITIVE_CYTHON)
@implementation("numpy", discard_units=True)
@check_units(result=lambda x, value: value)
def where_positive(x, value):
    """A value where `x` is positive, else zero: the derivative of `rectified`.

    Parameters
    ----------
    x, value : float or array

    Returns
    -------
    float or array
    """
    return np.where(x > 0, value, 0)


# What equations and steps may use beside the functions of Brian2.
INLINE_FUNCTIONS = {
    function.pyfunc.__name__: function
    for function in (inline_exp, inline_log, inline_power, larger, limited, rectified, where_positive)
}
