"""exp, log and their kin, one number at a time, in float32 and float64.

They are meant for the inside of Numba loops: no branches and no library calls, so that LLVM turns
a plain loop over an array into vector code.  Every constant is computed here from its formula.
With Numba's compiler switched off they take NumPy scalars.  This file holds no loop over data.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numba import types
from numba.extending import overload

from tinyvae.ops.machine.jit import EXACT, kernel

# Largest error over all normal float32 numbers, in units of the last place: exp 1.1, log 2.0,
# tanh 2.5, sigmoid and softplus 2.8.  In float64 all stay within 5e-16, relative.
#: A float32 or float64 number; results have the type of the argument.
Real: TypeAlias = Any


class _Constants(NamedTuple):
    """All constants in one float type: an untyped 1.0 would turn float32 work into float64."""

    zero: Real
    one: Real
    two: Real
    nan: Real
    inf: Real
    tiny: Real  # the smallest normal number
    log_tiny: Real
    log_max: Real
    log2_e: Real
    ln2_high: Real  # ln 2 with so few bits that n * ln2_high is exact (after Cody and Waite)
    ln2_low: Real
    rounder: Real  # x + rounder has no bits below one: the low bits are x, rounded
    tanh_end: Real  # tanh is 1 from here on
    exp_series: tuple[Real, ...]
    atanh_series: tuple[Real, ...]
    coth_series: tuple[Real, ...]
    log_sinh_series: tuple[Real, ...]


def _coth_series(terms: int) -> list[float]:
    """c_1, c_2, ... of L(h) = coth(h) - 1/h = sum c_k h^(2k - 1).

    As L' = 1 - L^2 - 2 L / h, c_1 = 1/3 and (2k + 1) c_k = -sum c_i c_(k - i); nothing cancels.
    """
    c = [1 / 3]
    for k in range(2, terms + 1):
        c.append(-sum(c[i] * c[k - 2 - i] for i in range(k - 1)) / (2 * k + 1))
    return c


def _constants_in(real: type, *, exp_terms: int, atanh_terms: int, coth_terms: int) -> _Constants:
    """Compute the constants; series are truncated where the rest is below half a rounding."""

    def series(coefficients: list[float]) -> tuple[Real, ...]:
        return tuple(real(c) for c in reversed(coefficients))

    info = np.finfo(real)
    ln2, bits = Decimal(2).ln(), info.nmant + 1 - info.nexp
    ln2_high = int(ln2 * 2**bits) / 2**bits
    coth = _coth_series(coth_terms)
    return _Constants(
        zero=real(0),
        one=real(1),
        two=real(2),
        nan=real(math.nan),
        inf=real(math.inf),
        tiny=real(info.tiny),
        log_tiny=real(math.log(info.tiny)),
        log_max=real(math.log(info.max)),
        log2_e=real(1 / math.log(2)),
        ln2_high=real(ln2_high),
        ln2_low=real(ln2 - Decimal(ln2_high)),
        rounder=real(1.5 * 2**info.nmant),
        tanh_end=real(20),
        exp_series=series([1 / math.factorial(k) for k in range(2, exp_terms + 1)]),
        atanh_series=series([1 / (2 * k + 1) for k in range(1, atanh_terms)]),
        coth_series=series(coth),
        log_sinh_series=series([c / (2 * k) for k, c in enumerate(coth, 1)]),
    )


_SINGLE = _constants_in(np.float32, exp_terms=7, atanh_terms=7, coth_terms=8)
_DOUBLE = _constants_in(np.float64, exp_terms=13, atanh_terms=16, coth_terms=16)


def _by_type(single: Callable[..., Any], double: Callable[..., Any]) -> Callable[..., Any]:
    """Join two functions under one name: Numba chooses as it compiles, Python as it runs."""

    def choose(x: Real, *more: Real) -> Any:
        return (single if isinstance(x, np.float32) else double)(x, *more)

    @overload(choose, strict=False, jit_options={"forceinline": True})
    def choose_compiled(x: types.Type, *more: types.Type) -> Callable[..., Any]:
        return single if x == types.float32 else double

    return choose


def _shift_exponent_32(y: Real, rounded: Real) -> Real:
    n = np.float32(rounded).view(np.int32) << 23
    return np.int32(np.float32(y).view(np.int32) + n).view(np.float32)


def _shift_exponent_64(y: Real, rounded: Real) -> Real:
    n = np.float64(rounded).view(np.int64) << 52
    return np.int64(np.float64(y).view(np.int64) + n).view(np.float64)


_SQRT_HALF_32 = int(np.float32(math.sqrt(0.5)).view(np.int32))
_SQRT_HALF_64 = int(np.float64(math.sqrt(0.5)).view(np.int64))


def _split_exponent_32(x: Real) -> tuple[Real, Real]:
    above = np.float32(x).view(np.int32) - _SQRT_HALF_32
    mantissa = np.int32((above & 0x7FFFFF) + _SQRT_HALF_32).view(np.float32)
    return mantissa, np.float32(np.int32(above >> 23))


def _split_exponent_64(x: Real) -> tuple[Real, Real]:
    above = np.float64(x).view(np.int64) - _SQRT_HALF_64
    mantissa = np.int64((above & 0xFFFFFFFFFFFFF) + _SQRT_HALF_64).view(np.float64)
    return mantissa, np.float64(np.int32(above >> 52))


_constants = _by_type(lambda x: _SINGLE, lambda x: _DOUBLE)
# y * 2^n, where n stands in the low bits of ``rounded``: added to the bits of y's exponent.
_shift_exponent = _by_type(_shift_exponent_32, _shift_exponent_64)
# m and n with x = m * 2^n and sqrt(1/2) <= m < sqrt(2): bits grow as positive numbers do.
_split_exponent = _by_type(_split_exponent_32, _split_exponent_64)


@kernel(forceinline=True, fastmath=EXACT)
def _horner(coefficients: tuple[Real, ...], x: Real) -> Real:
    y = coefficients[0]
    for c in coefficients[1:]:
        y = y * x + c
    return y


@kernel(forceinline=True, fastmath=EXACT)
def _reduced_exp(x: Real) -> tuple[Real, Real]:
    """exp(x) = (1 + p) * 2^n as p and ``rounded``: x = n ln 2 + r, p = r + r^2/2! + ..."""
    c = _constants(x)
    rounded = x * c.log2_e + c.rounder
    n = rounded - c.rounder
    r = (x - n * c.ln2_high) - n * c.ln2_low
    return r + r * r * _horner(c.exp_series, r), rounded


@kernel(forceinline=True, fastmath=EXACT)
def _log1p_of_ratio(s: Real) -> Real:
    """log((1 + s) / (1 - s)) = 2 atanh(s) = 2 (s + s^3/3 + s^5/5 + ...), for abs(s) <= 1/3."""
    c = _constants(s)
    square = s * s
    return (s + s) + (s + s) * square * _horner(c.atanh_series, square)


@kernel(forceinline=True, fastmath=EXACT)
def exp(x: Real) -> Real:
    """exp(x); inf where that overflows, 0 where it would be subnormal, NaN stays."""
    c = _constants(x)
    inside = (x > c.log_tiny) & (x < c.log_max)
    p, rounded = _reduced_exp(x if inside else c.zero)
    outside = c.inf if x > c.zero else c.zero if x < c.zero else x
    return _shift_exponent(c.one + p, rounded) if inside else outside


@kernel(forceinline=True, fastmath=EXACT)
def log(x: Real) -> Real:
    """Natural logarithm; NaN below 0, -inf at 0 and at subnormal numbers, inf at inf, NaN stays."""
    c = _constants(x)
    inside = (x >= c.tiny) & (x < c.inf)
    m, n = _split_exponent(x if inside else c.one)
    y = n * c.ln2_high + (n * c.ln2_low + _log1p_of_ratio((m - c.one) / (m + c.one)))
    outside = -c.inf if x < c.tiny else x
    return y if inside else c.nan if x < c.zero else outside


@kernel(forceinline=True, fastmath=EXACT)
def log1p(x: Real) -> Real:
    """log(1 + x) for -1/2 <= x <= 1 only: log(1 + x) = 2 atanh(s) with s = x / (2 + x)."""
    c = _constants(x)
    return _log1p_of_ratio(x / (c.two + x))


@kernel(forceinline=True, fastmath=EXACT)
def tanh(x: Real) -> Real:
    """Hyperbolic tangent, y / (y + 2) with y = exp(2 x) - 1 taken without cancellation."""
    c = _constants(x)
    x = c.tanh_end if x > c.tanh_end else -c.tanh_end if x < -c.tanh_end else x
    p, rounded = _reduced_exp(x + x)
    power = _shift_exponent(c.one, rounded)
    y = p * power + (power - c.one)
    return y / (y + c.two)


@kernel(forceinline=True, fastmath=EXACT)
def softplus_and_sigmoid(x: Real) -> tuple[Real, Real]:
    """Both log(1 + exp(x)) and its derivative 1 / (1 + exp(-x)), from one exp(-abs(x))."""
    c = _constants(x)
    e = exp(-abs(x))
    upper = c.one / (c.one + e)
    softplus = (c.zero if x < c.zero else x) + log1p(e)
    return softplus, e * upper if x < c.zero else upper


@kernel(forceinline=True, fastmath=EXACT)
def softplus(x: Real) -> Real:
    """log(1 + exp(x)) = max(x, 0) + log1p(exp(-abs(x)))."""
    return softplus_and_sigmoid(x)[0]


@kernel(forceinline=True, fastmath=EXACT)
def sigmoid(x: Real) -> Real:
    """1 / (1 + exp(-x))."""
    return softplus_and_sigmoid(x)[1]


@kernel(forceinline=True, fastmath=EXACT)
def log_partition_and_mean(logit: Real) -> tuple[Real, Real]:
    """Log-normalizer log Z(l) of the continuous Bernoulli, and its derivative, the mean.

    Z(l) = (e^l - 1) / l is the integral of e^(l x) over x from 0 to 1, for finite l (Loaiza-Ganem
    and Cunningham 2019).  Far from 0, log Z = max(l, 0) + log(1 - e) - log a with a = abs(l) and
    e = exp(-a).  Near 0 that cancels; there log Z = h + log(sinh(h) / h) with h = l / 2, and the
    mean (1 + L(h)) / 2, are summed as power series.
    """
    c = _constants(logit)
    near = abs(logit) < c.two
    a = c.two if near else abs(logit)
    e = exp(-a)
    tail = c.one / a - e / (c.one - e)  # the mean at -a; the mean at a is 1 - tail
    far_log = (logit if logit > c.zero else c.zero) + (log1p(-e) - log(a))
    far_mean = tail if logit < c.zero else c.one - tail
    h = logit / c.two if near else c.zero
    square = h * h
    near_log = h + square * _horner(c.log_sinh_series, square)
    near_mean = (c.one + h * _horner(c.coth_series, square)) / c.two
    return (near_log, near_mean) if near else (far_log, far_mean)
