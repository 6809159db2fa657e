"""Holds exp, log and their kin to their errors, their edges, and to staying vector code."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from tinyvae.ops import elementary
from tinyvae.ops.machine.jit import JIT_DISABLED, LANES, kernel

ONE_RESULT = ("exp", "log", "log1p", "tanh", "sigmoid", "softplus")
TWO_RESULTS = ("softplus_and_sigmoid", "log_partition_and_mean")
TYPES = (np.float32, np.float64)
_loops: dict[str, Any] = {}


def loop_of(name: str) -> Any:
    """A plain loop, with the flags of every other kernel, as the callers write it."""
    f = getattr(elementary, name)

    def one(x: Any, out: Any) -> None:
        for i in range(x.size):
            out[0, i] = f(x[i])

    def two(x: Any, out: Any) -> None:
        for i in range(x.size):
            out[0, i], out[1, i] = f(x[i])

    if name not in _loops:
        _loops[name] = kernel(forceinline=True)(one if name in ONE_RESULT else two)
    return _loops[name]


def apply(name: str, x: np.ndarray) -> np.ndarray:
    out = np.empty((1 if name in ONE_RESULT else 2, x.size), x.dtype)
    loop_of(name)(x, out)
    return out[0] if name in ONE_RESULT else out


def every_so_many_floats(step: int) -> np.ndarray:
    """float32 numbers of every size and sign by their bits, without NaN and subnormal ones."""
    bits = np.arange(0, 2**32, step * 500 if JIT_DISABLED else step, dtype=np.int64)
    x = bits.astype(np.uint32).view(np.float32)
    return x[np.abs(x) >= np.finfo(np.float32).tiny]


def neighbours(real: type, *points: float) -> np.ndarray:
    middle = np.array(points, real)
    below, above = np.nextafter(middle, real(-np.inf)), np.nextafter(middle, real(np.inf))
    return np.concatenate([below, middle, above])


IN_DOUBLE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.logaddexp(0, x),
}


@pytest.mark.parametrize(
    ("name", "bound"),
    [("exp", 1.5), ("log", 2.5), ("tanh", 3), ("sigmoid", 3), ("softplus", 3)],
)
def test_float32_error_in_units_of_the_last_place(name: str, bound: float) -> None:
    info = np.finfo(np.float32)
    edges = neighbours(np.float32, 1, 2, 0.5, 20, math.log(info.max), math.log(info.tiny))
    dense = np.linspace(-100, 100, 401 if JIT_DISABLED else 200_001, dtype=np.float32)
    x = np.concatenate([every_so_many_floats(8191), edges, -edges, [info.max, -info.max], dense])
    x = x[(x != 0) | (name != "log")]
    with np.errstate(all="ignore"):
        exact = IN_DOUBLE[name](x.astype(np.float64))
        exact = np.where(np.abs(exact) > info.max, np.copysign(np.inf, exact), exact)
    came = apply(name, x)
    assert came.dtype == np.float32
    normal = np.isfinite(exact) & (np.abs(exact) >= info.tiny)
    unit = np.ldexp(1.0, np.frexp(exact[normal])[1] - 24)
    assert np.max(np.abs(came[normal] - exact[normal]) / unit) <= bound
    np.testing.assert_array_equal(came[~np.isfinite(exact)], exact[~np.isfinite(exact)])
    assert np.all(np.abs(came[np.abs(exact) < info.tiny]) <= info.tiny)


@pytest.mark.parametrize("name", ONE_RESULT)
def test_float64_relative_error(name: str) -> None:
    functions: dict[str, Callable[[Any], Any]] = {
        "sigmoid": lambda t: 1 / (1 + mpmath.exp(-t)),
        "softplus": lambda t: mpmath.log1p(mpmath.exp(t)),
    }
    rng = np.random.default_rng(0)
    small = 10.0 ** rng.uniform(-15, -0.4, 200) * rng.choice([-1, 1], 200)
    x = np.concatenate([small, rng.uniform(-30, 30, 200), [-700.0, 700.0]])
    if name == "log":
        x = np.concatenate([np.abs(x), 1 + small / 2, 10.0 ** rng.uniform(-300, 300, 100)])
    if name == "log1p":
        x = np.concatenate([small, rng.uniform(-0.5, 1, 200), [-0.5, 1]])
    came = apply(name, x)
    with mpmath.workdps(40):
        exact = [functions.get(name, getattr(mpmath, name, None))(mpmath.mpf(t)) for t in x]
        errors = [abs(float(y / e - 1)) for y, e in zip(came, exact, strict=True)]
    assert max(errors) <= (2e-16 if name == "exp" else 5e-16)


def test_log1p_in_float32_keeps_small_arguments() -> None:
    tiny_ones = 10.0 ** np.linspace(-37, -0.4, 301)
    x = np.concatenate([tiny_ones, -tiny_ones, np.linspace(-0.5, 1, 301)]).astype(np.float32)
    x = x[x != 0]
    exact = np.log1p(x.astype(np.float64))
    assert np.max(np.abs(apply("log1p", x) / exact - 1)) <= 3e-7


@pytest.mark.parametrize("real", TYPES)
@pytest.mark.parametrize(
    ("name", "at", "expected"),
    [
        ("exp", [0, np.inf, -np.inf, 1e4, -1e4], [1, np.inf, 0, np.inf, 0]),
        ("log", [1, np.inf, 0, -0.0, -1, -np.inf], [0, np.inf, -np.inf, -np.inf, np.nan, np.nan]),
        ("tanh", [0, np.inf, -np.inf, 1e30, -1e30], [0, 1, -1, 1, -1]),
        ("sigmoid", [0, np.inf, -np.inf, 1e30, -1e30], [0.5, 1, 0, 1, 0]),
        ("softplus", [np.inf, -np.inf, 1e30, -1e30], [np.inf, 0, 1e30, 0]),
    ],
)
def test_edges(name: str, at: list[float], expected: list[float], real: type) -> None:
    np.testing.assert_array_equal(apply(name, np.array(at, real)), np.array(expected, real))


@pytest.mark.parametrize("real", TYPES)
@pytest.mark.parametrize("name", ONE_RESULT + TWO_RESULTS)
def test_nan_stays(name: str, real: type) -> None:
    # A vector has to be full before its code runs, so one NaN among many numbers and alone.
    x = np.full(67, 0.5, real)
    x[[3, 66]] = np.nan
    is_nan = np.isnan(np.atleast_2d(apply(name, x)))
    np.testing.assert_array_equal(is_nan, np.broadcast_to(np.isnan(x), is_nan.shape))


@pytest.mark.parametrize("real", TYPES)
def test_joint_function_is_both_functions(real: type) -> None:
    x = np.linspace(-120, 120, 999).astype(real)
    both = apply("softplus_and_sigmoid", x)
    np.testing.assert_allclose(both[0], apply("softplus", x), rtol=4 * np.finfo(real).eps)
    np.testing.assert_allclose(both[1], apply("sigmoid", x), rtol=4 * np.finfo(real).eps)


@pytest.mark.parametrize(("real", "bound"), [(np.float32, 2e-7), (np.float64, 4e-16)])
def test_log_partition_and_mean_of_the_continuous_bernoulli(real: type, bound: float) -> None:
    rng = np.random.default_rng(1)
    sizes = np.concatenate([10.0 ** rng.uniform(-9, 4, 150), np.linspace(1, 3, 101), [88, 710]])
    x = np.concatenate([sizes, -sizes, neighbours(real, 2, -2)]).astype(real)
    came = apply("log_partition_and_mean", x).astype(np.float64)
    with mpmath.workdps(60):
        at = [mpmath.mpf(float(t)) for t in x]
        log_z = [mpmath.log(mpmath.expm1(t) / t) for t in at]
        mean = [1 / (1 - mpmath.exp(-t)) - 1 / t for t in at]
        errors = [
            [abs(float(y / e - 1)) for y, e in zip(came[0], log_z, strict=True)],
            [abs(float(y / e - 1)) for y, e in zip(came[1], mean, strict=True)],
        ]
    assert np.max(errors) <= bound


@pytest.mark.parametrize("real", TYPES)
def test_log_partition_and_mean_at_zero_and_far_out(real: type) -> None:
    x = np.array([0, 1e30, -1e30], real)
    log_z, mean = apply("log_partition_and_mean", x)
    np.testing.assert_allclose(log_z, [0, 1e30, -math.log(1e30)], rtol=1e-6)
    np.testing.assert_allclose(mean, [0.5, 1, 1e-30], rtol=1e-6)


@pytest.mark.skipif(LANES < 8, reason="looked at on AVX2 and AVX-512 only")
@pytest.mark.parametrize("real", TYPES)
@pytest.mark.parametrize("name", ONE_RESULT + TWO_RESULTS)
def test_a_plain_loop_becomes_vector_code(name: str, real: type) -> None:
    apply(name, np.ones(8, real))
    loop = loop_of(name)
    signature = next(s for s in loop.signatures if s[0].dtype.name == np.dtype(real).name)
    code = loop.inspect_llvm(signature)
    word = "float" if real is np.float32 else "double"
    assert re.search(rf"fmul contract <\d+ x {word}>", code)
    # The callers may reorder their sums; the argument reductions in here must not be touched.
    assert not re.search(rf"f(mul|add|sub|div) [a-z ]*reassoc[a-z ]* <\d+ x {word}>", code)
    if real is np.float32:
        assert "double" not in re.sub(r"declare.*|define.*", "", code)


def test_without_the_compiler_no_warning_and_the_same_types() -> None:
    script = """
import numpy as np
from tinyvae.ops import elementary
for real in (np.float32, np.float64):
    info = np.finfo(real)
    edges = [0.0, -0.0, 1.0, 89.0, -88.0, 710.0, -709.0, info.max, info.min, info.tiny]
    finite = [real(x) for x in [*edges, *np.linspace(-3, 3, 25)]]
    for x in [*finite, real("inf"), real("-inf"), real("nan")]:
        for name in ("exp", "log", "tanh", "softplus", "sigmoid"):
            assert type(getattr(elementary, name)(x)) is real, (name, x)
    for x in finite:
        assert all(type(y) is real for y in elementary.log_partition_and_mean(x)), x
        for name in ("exp", "tanh"):
            with np.errstate(all="ignore"):
                expected = getattr(np, name)(x)
            came = getattr(elementary, name)(x)
            error = 0 if came == expected else abs(came - expected)
            assert error <= 4 * info.eps * abs(expected) + info.tiny, (name, x)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
