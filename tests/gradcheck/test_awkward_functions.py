from __future__ import annotations

import math

import numpy as np
import pytest

from tinyvae.gradcheck import check_gradients

X = np.random.default_rng(0).normal(size=(4, 3))
FIRST = (np.arange(12) == 0).reshape(4, 3)
ZEROS = np.where(np.arange(12).reshape(4, 3) % 4 == 0, 0.0, X)


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


TIES = np.ones((3, 2))


@pytest.mark.parametrize("method", ["complex", "central", "directions"])
@pytest.mark.parametrize("shares", [(1 / 3, 1 / 3, 1 / 3), (1.0, 0.0, 0.0), (0.5, 0.0, 0.5)])
def test_ties_of_a_maximum_share_one_gradient(method, shares):
    report = check_gradients(
        lambda x: x.max(axis=0), lambda dy, x: dy * np.array(shares)[:, None], TIES, method=method
    )
    assert report.passed, report
    assert report.arrays[0].kinks == 6


@pytest.mark.parametrize("method", ["complex", "central", "directions"])
@pytest.mark.parametrize(
    "shares", [(1, 1, 1), (0, 0, 0), (2 / 3, 2 / 3, 2 / 3), (-1, 0, 0), (1, 0, 1)]
)
def test_ties_that_get_more_or_less_than_one_gradient_are_wrong(method, shares):
    report = check_gradients(
        lambda x: x.max(axis=0), lambda dy, x: dy * np.array(shares)[:, None], TIES, method=method
    )
    assert report.arrays[0].verdict == "wrong", report


def test_edge_of_the_domain_shrinks_the_step():
    x = np.array([1e-8, 1e-3, 4.0])
    for f, df in ((np.log, lambda x: 1 / x), (np.sqrt, lambda x: 0.5 / np.sqrt(x))):
        report = check_gradients(lambda x, f=f: np.sum(f(x)), df, x, method="central")
        assert report.passed, report
    assert check_gradients(math.log, lambda x: 1 / x, 1e-3).passed


def test_what_cannot_be_measured_is_undecided_and_not_passed():
    x = np.array([0.0, 4.0])
    report = check_gradients(
        lambda x: np.sum(np.sqrt(x)), lambda x: np.array([7.0, 0.25]), x, method="central"
    )
    assert report.arrays[0].verdict == "undecided"
    assert not report.passed
    assert "not finite around 1 entries" in str(report)
