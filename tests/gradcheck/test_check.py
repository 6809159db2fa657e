from __future__ import annotations

import math

import numpy as np
import pytest

from tinyvae.errors import (
    DTypeError,
    NonFiniteDataError,
    OptionError,
    ShapeError,
    UsageError,
)
from tinyvae.gradcheck import GradientError, check_gradients

X = np.random.default_rng(0).normal(size=(4, 3))
FIRST = (np.arange(12) == 0).reshape(4, 3)
ZEROS = np.where(np.arange(12).reshape(4, 3) % 4 == 0, 0.0, X)


def dense(x, w, b):
    return x @ w + b


def dense_backward(dy, x, w, b):
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)


LAYER = (X, np.random.default_rng(1).normal(size=(3, 2)), np.zeros(2))


class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy):
        return dy * (1 - self.y**2)


@pytest.mark.parametrize(
    ("function", "gradient", "inputs"),
    [
        (lambda x: np.sum(x**3), lambda x: 3 * x**2, (X,)),
        (lambda x: np.sum(x**3), 3 * X**2, (X,)),
        (lambda x: np.sum(np.sin(x)), np.cos, (X,)),
        (lambda x: (np.sum(x**3), 3 * x**2), True, (X,)),
        (lambda x: x**2, lambda x: 2 * x, (1.5,)),
        (lambda x: (np.sum(x**3), x), lambda cache: 3 * cache**2, (X,)),
        (lambda x: (np.sum(x**3), x), lambda dy, cache: 3 * dy * cache**2, (X,)),
        (lambda x: np.sum(x**3), lambda dy, x: 3 * dy * x**2, (X,)),
        (dense, dense_backward, LAYER),
        (
            dense,
            lambda dy, x, w, b: dict(zip("xwb", dense_backward(dy, x, w, b), strict=True)),
            LAYER,
        ),
        (
            lambda x, w, b: (x @ w + b, (x, w, b)),
            lambda dy, cache: dense_backward(dy, *cache),
            LAYER,
        ),
        (Tanh().forward, None, (X,)),
        (
            lambda x, labels: np.sum(x[np.arange(4), labels] ** 2),
            lambda x, labels: 2 * x * (np.arange(3) == labels[:, None]),
            (X, np.array([0, 2, 1, 1])),
        ),
        (
            lambda p: np.sum(p["w"] * p["v"]),
            lambda p: {"w": p["v"], "dv": p["w"]},
            ({"w": X, "v": X**2},),
        ),
        (
            lambda p, x: np.sum(p["w"] * x),
            lambda p, x: ({"w": x}, p["w"]),
            ({"w": X}, X**2),
        ),
        (
            lambda p, x: x @ p["w"],
            lambda dy, p, x: ({"w": x.T @ dy}, dy @ p["w"].T),
            ({"w": LAYER[1]}, X),
        ),
    ],
)
@pytest.mark.parametrize("method", ["auto", "complex", "central", "directions"])
def test_every_way_to_write_a_right_gradient_passes(function, gradient, inputs, method):
    gradient = function.__self__.backward if gradient is None else gradient
    report = check_gradients(function, gradient, *inputs, method=method)
    assert report.passed, report
    assert report.worst_error < (1e-14 if method != "central" else 1e-8)
    report.raise_if_failed()


def test_wrong_array_is_named_with_its_worst_entry():
    def backward(dy, x, w, b):
        dw = x.T @ dy
        dw[2, 1] += 0.5
        return dy @ w.T, dw, dy.sum(axis=0)

    report = check_gradients(dense, backward, *LAYER)
    assert [a.verdict for a in report.arrays] == ["ok", "wrong", "ok"]
    assert report.arrays[1].worst.index == (2, 1)
    assert report.arrays[1].worst.analytic - report.arrays[1].worst.numeric == pytest.approx(0.5)
    with pytest.raises(GradientError, match=r"w: Wrong only in (rows 2|columns 1)"):
        report.raise_if_failed()


@pytest.mark.parametrize("size", [1e-9, 1e-6, 1.0, 1e6])
def test_scale_of_function_does_not_matter(size):
    right = check_gradients(lambda x: size * np.sum(x**3), lambda x: 3 * size * x**2, X)
    wrong = check_gradients(lambda x: size * np.sum(x**3), lambda x: 3.001 * size * x**2, X)
    assert right.passed
    assert not wrong.passed


@pytest.mark.parametrize("size", [1e-9, 1e-3, 1e6])
@pytest.mark.parametrize("method", ["complex", "central"])
def test_scale_of_inputs_does_not_matter(size, method):
    def f(x):
        return np.sum(np.sin(x / size))

    assert check_gradients(f, lambda x: np.cos(x / size) / size, size * X, method=method).passed
    wrong = check_gradients(f, lambda x: 1.001 * np.cos(x / size) / size, size * X, method=method)
    assert not wrong.passed


def test_wrong_in_one_tiny_entry_is_seen():
    x = np.array([1.0, 1e-12])
    report = check_gradients(lambda x: np.sum(x**2), lambda x: np.array([2 * x[0], 3 * x[1]]), x)
    assert report.arrays[0].worst.index == (1,)


DROPS_IMAGINARY = {
    "abs": (lambda x: np.sum(np.abs(x) ** 3), lambda x: 3 * x * np.abs(x)),
    "norm": (np.linalg.norm, lambda x: x / np.linalg.norm(x)),
    "real": (lambda x: np.sum(np.real(x) * x), lambda x: 2 * x),
    "conjugate": (lambda x: np.vdot(x, x), lambda x: 2 * x),
    "sign": (lambda x: np.sum(np.sign(x) * x), np.sign),
    "math": (lambda x: math.exp(x.flat[0]), lambda x: np.exp(x) * FIRST),
    "ufunc": (lambda x: np.sum(np.logaddexp(0, x)), lambda x: 1 / (1 + np.exp(-x))),
    "a little abs": (
        lambda x: np.sum(x**3) + 1e-7 * np.abs(x[0, 0]),
        lambda x: 3 * x**2 + 1e-7 * np.sign(x) * FIRST,
    ),
}


@pytest.mark.parametrize("name", DROPS_IMAGINARY)
def test_dropped_imaginary_part_is_noticed(name):
    report = check_gradients(*DROPS_IMAGINARY[name], X)
    assert report.passed, report
    assert report.arrays[0].method == "central differences"
    assert name == "a little abs" or "Central differences were used" in str(report)
    assert name not in ("abs", "norm") or "turns complex numbers into real ones" in str(report)


def test_float_buffer_is_named_by_its_line():
    def f(x):
        buffer = np.empty((4, 3))
        buffer[:] = x * x
        return buffer.sum()

    report = check_gradients(f, lambda x: 2 * x, X)
    assert report.passed
    assert "buffer[:] = x * x" in str(report)


def relu(x):
    return np.maximum(x, 0.0)


@pytest.mark.parametrize("method", ["complex", "central", "directions"])
@pytest.mark.parametrize("at_zero", [0.0, 0.3, 1.0])
def test_any_slope_between_those_at_a_kink_is_right(method, at_zero):
    def backward(dy, x):
        return dy * np.where(x == 0, at_zero, x > 0)

    report = check_gradients(relu, backward, ZEROS, method=method)
    assert report.passed, report
    if method == "central":
        assert report.arrays[0].kinks == 3
        assert "3 at a kink" in str(report)


@pytest.mark.parametrize("method", ["complex", "central", "directions"])
def test_slope_beyond_those_at_a_kink_is_wrong(method):
    def backward(dy, x):
        return dy * np.where(x == 0, 2.0, x > 0)

    assert not check_gradients(relu, backward, ZEROS, method=method).passed


def test_kink_does_not_excuse_other_entries():
    report = check_gradients(relu, lambda dy, x: 1.01 * dy * (x > 0), ZEROS, method="central")
    assert not report.passed


@pytest.mark.parametrize("method", ["complex", "central"])
def test_kink_nearby_is_no_error(method):
    x = np.where(ZEROS == 0.0, 1e-9, ZEROS)
    assert check_gradients(relu, lambda dy, x: dy * (x > 0), x, method=method).passed


def test_ties_of_a_maximum_are_kinks():
    report = check_gradients(
        lambda x: x.max(axis=0), lambda dy, x: dy * (x == x.max(axis=0)), np.ones((3, 2)),
        method="central",
    )  # fmt: skip
    assert report.passed
    assert report.arrays[0].kinks == 6


def test_edge_of_the_domain_shrinks_the_step():
    x = np.array([1e-8, 1e-3, 4.0])
    for f, df in ((np.log, lambda x: 1 / x), (np.sqrt, lambda x: 0.5 / np.sqrt(x))):
        report = check_gradients(lambda x, f=f: np.sum(f(x)), df, x, method="central")
        assert report.passed, report
    assert check_gradients(math.log, lambda x: 1 / x, 1e-3).passed


def test_what_cannot_be_measured_is_unclear_and_not_passed():
    x = np.array([0.0, 4.0])
    report = check_gradients(
        lambda x: np.sum(np.sqrt(x)), lambda x: np.array([7.0, 0.25]), x, method="central"
    )
    assert report.arrays[0].verdict == "unclear"
    assert not report.passed
    assert "not finite around 1 entries" in str(report)


def test_fast_oscillations_are_resolved():
    def f(x):
        return np.sum(np.sin(1e4 * x))

    right = check_gradients(f, lambda x: 1e4 * np.cos(1e4 * x), X, method="central")
    wrong = check_gradients(f, lambda x: 1.001e4 * np.cos(1e4 * x), X, method="central")
    assert right.passed
    assert not wrong.passed


def test_gradient_that_is_zero_up_to_rounding_passes():
    def f(x):
        e = np.exp(x)
        return np.sum(e / e.sum())

    for method in ("complex", "central"):
        assert check_gradients(f, lambda x: 1e-17 * x, X, method=method).passed
        assert not check_gradients(f, lambda x: 1e-8 * x, X, method=method).passed


@pytest.mark.parametrize("method", ["complex", "central"])
def test_added_constant_hides_nothing(method):
    def f(x):
        return 1e9 + np.sum(np.sin(x))

    assert check_gradients(f, np.cos, X, method=method).passed
    assert not check_gradients(f, lambda x: 1.01 * np.cos(x), X, method=method).passed


def test_differences_of_a_function_that_rounding_hides_are_unclear():
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 2**62, 1000)

    def f(x):  # the same error at the same x, as rounding is
        return np.sum(np.sin(x)) + 1e-2 * cells[hash(x.tobytes()) % 1000] / 2**62

    report = check_gradients(f, np.cos, X, method="central")
    assert [a.verdict for a in report.arrays] == ["unclear"]
    assert not report.passed
    assert "can say no more" in str(report)


def test_large_arrays_are_sampled_and_crossed():
    x = np.random.default_rng(3).normal(size=(150, 100))
    report = check_gradients(lambda x: np.sum(np.sin(x)), np.cos, x)
    assert report.passed
    assert report.arrays[0].coverage == "25 of 15,000 + 3 directions"

    def one_wrong(x):
        g = np.cos(x)
        g[77, 55] += 1e-3
        return g

    assert not check_gradients(lambda x: np.sum(np.sin(x)), one_wrong, x).passed


def test_largest_entry_is_in_every_sample():
    x = np.full(20_000, 1e-9)
    x[12_345] = 1.0
    report = check_gradients(lambda x: np.sum(x**2), lambda x: 2 * x, x)
    assert 12_345 in report.arrays[0].indices


def test_entries_limits_the_work():
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(x**2)

    x = np.random.default_rng(3).normal(size=1000)
    report = check_gradients(f, lambda x: 2 * x, x, entries=5)
    assert report.arrays[0].coverage == "5 of 1,000 + 3 directions"
    assert len(calls) < 150


def test_same_seed_same_report():
    x = np.random.default_rng(3).normal(size=20)
    one, two = (
        check_gradients(lambda x: np.sum(x**3), lambda x: 3 * x**2, x, entries=4, seed=s).to_dict()
        for s in (7, 7)
    )
    assert {**one, "seconds": 0} == {**two, "seconds": 0}


def test_none_is_not_claimed():
    report = check_gradients(dense, lambda dy, x, w, b: (None, x.T @ dy, dy.sum(axis=0)), *LAYER)
    assert report.passed
    assert report.arrays[0].verdict == "skipped"
    nothing = check_gradients(lambda x: np.sum(x), None, X)
    assert not nothing.passed


def test_writing_into_arguments_does_not_fool_the_check():
    def f(x):
        x *= 2.0
        return np.sum(x**2)

    kept = X.copy()
    report = check_gradients(f, lambda x: 4 * x, X)  # 8 x at the x it was given, halved
    assert np.array_equal(kept, X)
    assert report.passed
    assert "writes into its argument x" in str(report)


def check(function, gradient, *inputs, **options):
    return lambda: check_gradients(function, gradient, *inputs, **options)


@pytest.mark.parametrize(
    ("error", "words", "call"),
    [
        (DTypeError, "float32 carries 7", check(np.sum, np.ones_like, X.astype(np.float32))),
        (
            DTypeError,
            "output is float32",
            check(lambda x: np.sum(x.astype(np.float32)), np.ones_like, X),
        ),
        (
            DTypeError,
            "gradient of x is float32",
            check(lambda x: np.sum(x), lambda x: np.ones_like(x, np.float32), X),
        ),
        (ShapeError, "sum the output", check(np.tanh, np.ones(3), X)),
        (ShapeError, "1 values for 2", check(lambda x, y: np.sum(x), lambda x, y: (x,), X, X)),
        (
            ShapeError,
            "neither 'a' nor 'da'",
            check(lambda p: np.sum(p["a"]), lambda p: {"b": 1.0}, {"a": X}),
        ),
        (ShapeError, "expected a number", check(lambda x: "a", X, X)),
        (UsageError, "nothing to differentiate", check(np.sum, np.ones_like, np.arange(3))),
        (
            UsageError,
            r"takes \(a, b, c, d\)",
            check(lambda x: np.sum(x), lambda a, b, c, d: X, X),
        ),
        (UsageError, "must be a function", check(3, X, X)),
        (UsageError, "gradient=True", check(lambda x: np.sum(x), True, X)),
        (OptionError, "did you mean 'complex'", check(np.sum, np.ones_like, X, method="complx")),
        (NonFiniteDataError, "NaN", check(lambda x: np.nan * np.sum(x), X, X)),
        (NonFiniteDataError, "x holds NaN", check(lambda x: np.sum(x), X, X * np.nan)),
    ],
)
def test_bad_input_is_refused_with_the_reason(error, words, call):
    with pytest.raises(error, match=words):
        call()


def test_a_readers_generator_never_gives_the_cotangent_itself():
    """x.T @ dy and dy.T @ x agree where dy is x, so the seed's own stream must not be used."""
    for seed in range(3):
        x, weight = np.random.default_rng(seed).normal(size=(2, 4, 4))

        def backward(dy, x, weight):
            return dy @ weight.T, dy.T @ x

        report = check_gradients(lambda x, weight: x @ weight, backward, x, weight, seed=seed)
        assert not report.passed
