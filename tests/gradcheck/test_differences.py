from __future__ import annotations

import numpy as np
import pytest

from tinyvae.gradcheck import check_gradients
from tinyvae.gradcheck.differences import differentiate

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


@pytest.mark.parametrize("distance", 10.0 ** -np.arange(3.0, 12.0, 0.25))
@pytest.mark.parametrize("constant", [0.0, 1e3])
def test_kink_near_the_point_lets_no_slope_pass_but_its_own(distance, constant):
    def function(x):
        return constant + np.cos(x[0] - 1.0) * max(x[0] - 1.0 + distance, 0.0)

    def verdict(slope):
        report = check_gradients(
            function, lambda x: np.array([slope]), np.ones(1), method="central"
        )
        return report.arrays[0].verdict

    assert verdict(1.0) != "wrong"
    assert distance < 1e-6 or verdict(1.0) == "ok"
    assert verdict(1.01) == "wrong"
    assert verdict(-0.01) == "wrong"
    # Nearer than this, it cannot be told from a kink at the point.
    assert distance < 1e-9 or verdict(0.5) != "ok"


def test_step_shrinks_until_the_function_is_finite():
    with np.errstate(invalid="ignore"):
        estimate = differentiate(lambda t: float(np.log(1e-6 + t)), 0.1, EPS)
    assert estimate.value == pytest.approx(1e6, rel=1e-9)
