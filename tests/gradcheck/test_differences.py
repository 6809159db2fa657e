from __future__ import annotations

import numpy as np
import pytest

from tinyvae.gradcheck.differences import differentiate, find_kink

EPS = np.finfo(float).eps
SMOOTH = {
    "sin": (np.sin, np.cos),
    "exp": (np.exp, np.exp),
    "cube": (lambda t: t**3, lambda t: 3 * t**2),
    "tanh": (np.tanh, lambda t: 1 - np.tanh(t) ** 2),
    "quotient": (lambda t: 1 / (1 + t * t), lambda t: -2 * t / (1 + t * t) ** 2),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_extrapolated_difference_is_within_its_own_error_estimate(name):
    f, df = SMOOTH[name]
    for x in np.random.default_rng(0).normal(size=200):
        estimate = differentiate(
            lambda t, x=x: float(f(x + t)), 0.1, EPS * max(1, abs(f(x))), abs(x)
        )
        assert abs(estimate.value - df(x)) <= 3.0 * estimate.error
        assert estimate.error < 1e-10


def test_error_estimate_feels_noise():
    rng = np.random.default_rng(1)
    rough = differentiate(lambda t: np.sin(1 + t) + 1e-8 * rng.standard_normal(), 0.1, 1e-8)
    assert 1e-9 < rough.error < 1e-5
    assert abs(rough.value - np.cos(1.0)) <= 3.0 * rough.error


def test_best_step_is_kept_where_smaller_ones_are_worse():
    rng = np.random.default_rng(1)
    rough = differentiate(lambda t: np.sin(1 + t) + 1e-12 * rng.standard_normal(), 0.1, EPS)
    assert rough.error < 1e-8
    assert abs(rough.value - np.cos(1.0)) < 1e-8


@pytest.mark.parametrize("offset", [0.0, 1e-12, -1e-10])
def test_kink_is_found_with_both_slopes(offset):
    sides = find_kink(lambda t: 2.0 * t + max(t - offset, 0.0), 0.1, EPS)
    assert sides is not None
    assert sides.left == pytest.approx(2.0, abs=1e-5)
    assert sides.right == pytest.approx(3.0, abs=1e-5)
    assert sides.are(2.0, 3.0)
    assert not sides.are(2.0, 3.1)
    assert not sides.are(2.5, 2.5)


def between(sides, slope):
    return sides.left - 3 * sides.error <= slope <= sides.right + 3 * sides.error


@pytest.mark.parametrize("distance", 10.0 ** -np.arange(5.0, 9.0, 0.25))
@pytest.mark.parametrize("constant", [0.0, 1e3])
def test_kink_nearer_than_a_useful_step_is_found(distance, constant):
    def line(t):
        return constant + np.cos(t) * max(t + distance, 0.0)

    estimate = differentiate(line, 0.1, max(constant, 1.0) * EPS)
    sides = find_kink(line, 0.1, max(constant, 1.0) * EPS)
    is_seen = abs(estimate.value - 1.0) <= 3.0 * estimate.error
    assert is_seen or (sides is not None and between(sides, 1.0))
    assert sides is None or not between(sides, 1.01)


@pytest.mark.parametrize("f", [np.sin, np.exp, lambda t: t**2, lambda t: max(t - 0.01, 0.0) + t])
def test_no_kink_where_there_is_none(f):
    assert find_kink(lambda t: float(f(t)), 0.1, EPS) is None


def test_step_shrinks_until_the_function_is_finite():
    with np.errstate(invalid="ignore"):
        estimate = differentiate(lambda t: float(np.log(1e-6 + t)), 0.1, EPS)
    assert estimate.value == pytest.approx(1e6, rel=1e-9)
