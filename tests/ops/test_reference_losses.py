"""The losses against their densities: formulas in 60 digits, sums and integrals that must be 1."""

from __future__ import annotations

import itertools
import math

import mpmath
import numpy as np
import pytest

from tinyvae.errors import OptionError
from tinyvae.ops import get_ops, reference
from tinyvae.ops.reference import ACTIVATIONS

mpmath.mp.dps = 60
EXTREME = np.array([[-800.0, -90.0, -1.0, 0.0, 1.0, 90.0, 800.0]])
NODES, WEIGHTS = np.polynomial.legendre.leggauss(120)
NODES, WEIGHTS = 0.5 * (NODES + 1.0), 0.5 * WEIGHTS  # an integral over [0, 1]


@pytest.fixture(autouse=True)
def no_overflow():
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        yield


def exactly(function, at):
    return np.array([float(function(mpmath.mpf(float(a)))) for a in at])


# Bernoulli


def test_bernoulli_is_the_cross_entropy():
    logits = np.linspace(-30.0, 30.0, 61)
    for x in (0.0, 1.0, 0.3):
        truth = exactly(
            lambda a, x=x: x * mpmath.log1p(mpmath.exp(-a)) + (1 - x) * mpmath.log1p(mpmath.exp(a)),
            logits,
        )
        came = reference.bernoulli_forward(logits[:, None], np.full((61, 1), x))
        np.testing.assert_allclose(came, truth, rtol=4e-16, atol=1e-14)


def test_bernoulli_probabilities_of_all_outcomes_sum_to_one(rng):
    logits = np.tile(2.0 * rng.standard_normal(4), (16, 1))
    outcomes = np.array(list(itertools.product([0.0, 1.0], repeat=4)))
    probabilities = np.exp(-reference.bernoulli_forward(logits, outcomes))
    assert probabilities.sum() == pytest.approx(1.0, rel=1e-14)
    mean = probabilities @ outcomes
    np.testing.assert_allclose(reference.bernoulli_mean(logits[0]), mean, rtol=1e-13)


# Continuous Bernoulli


# Both sides of the switch from the series to the closed form at 2, and where either might fail.
SWITCH = 2.0
AROUND = [np.nextafter(SWITCH, 0), SWITCH, np.nextafter(SWITCH, 9), 1.9, 2.1]
POSITIVE = np.concatenate([AROUND, np.linspace(0.01, 4.0, 400), np.geomspace(1e-15, 700.0, 200)])
LOGITS = np.concatenate([-POSITIVE, POSITIVE])


def test_the_switch_is_where_the_tests_think():
    assert reference.SERIES_SWITCH == SWITCH


def test_log_partition_in_sixty_digits():
    truth = exactly(lambda a: mpmath.log(mpmath.expm1(a) / a), LOGITS)
    np.testing.assert_allclose(reference.log_partition(LOGITS), truth, rtol=4e-16, atol=0)
    assert reference.log_partition(np.zeros(1)) == 0.0


def test_continuous_bernoulli_mean_in_sixty_digits():
    truth = exactly(lambda a: -1 / mpmath.expm1(-a) - 1 / a, LOGITS)
    came = reference.continuous_bernoulli_mean(LOGITS)
    np.testing.assert_allclose(came, truth, rtol=0, atol=4e-16)
    assert reference.continuous_bernoulli_mean(np.zeros(1)) == 0.5


@pytest.mark.parametrize("logit", [-80.0, -2.5, -1e-3, 0.0, 0.4, 1.99, 2.01, 60.0])
def test_continuous_bernoulli_is_a_density_with_that_mean(logit):
    logits, x = np.full((120, 1), logit), NODES[:, None]
    density = np.exp(-reference.continuous_bernoulli_forward(logits, x))
    assert WEIGHTS @ density == pytest.approx(1.0, rel=1e-12)
    mean = reference.continuous_bernoulli_mean(np.array([logit]))[0]
    assert WEIGHTS @ (density * NODES) == pytest.approx(mean, rel=1e-12)


# Gaussian


def test_gaussian_is_minus_the_log_density(rng, log_normal):
    mean, x = rng.standard_normal((2, 5, 3))
    for log_sigma in (-3.0, 0.0, 1.2):
        came = reference.gaussian_forward(mean, x, np.array([log_sigma]))
        direct = -log_normal(x, mean, np.full(3, math.exp(log_sigma) ** 2))
        np.testing.assert_allclose(came, direct, rtol=1e-14)


@pytest.mark.parametrize("sigma", [0.05, 1.0, 7.0])
def test_gaussian_density_integrates_to_one(sigma):
    x = 0.3 + sigma * np.linspace(-12.0, 12.0, 4001)[:, None]
    log_sigma = np.array([math.log(sigma)])
    density = np.exp(-reference.gaussian_forward(np.full_like(x, 0.3), x, log_sigma))
    assert np.trapezoid(density, x[:, 0]) == pytest.approx(1.0, rel=1e-12)


# All of them


LOSSES = {
    "bernoulli": (reference.bernoulli_forward, reference.bernoulli_backward),
    "continuous_bernoulli": (
        reference.continuous_bernoulli_forward,
        reference.continuous_bernoulli_backward,
    ),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("size", [1e-3, 1.0, 6.0])
def test_backward_of_the_logits(name, size, rng, complex_step, assert_gradient):
    forward, backward = LOSSES[name]
    logits, x = size * rng.standard_normal((6, 4)), rng.random((6, 4))
    assert_gradient(backward(logits, x), complex_step(lambda a: forward(a, x).sum(), logits))


@pytest.mark.parametrize("log_sigma", [-1.5, 0.0, 0.8])
def test_gaussian_backward(log_sigma, rng, complex_step, assert_gradient):
    mean, x = rng.standard_normal((2, 6, 4))
    log_sigma = np.array([log_sigma])
    forward = reference.gaussian_forward
    dmean, dlog_sigma = reference.gaussian_backward(mean, x, log_sigma)
    assert_gradient(dmean, complex_step(lambda a: forward(a, x, log_sigma).sum(), mean))
    for n in range(6):
        one = slice(n, n + 1)
        truth = complex_step(lambda a, one=one: forward(mean[one], x[one], a).sum(), log_sigma)
        assert_gradient(dlog_sigma[one], truth)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_a_sum_over_dimensions_for_each_example(name, rng):
    forward, _ = LOSSES[name]
    logits, x = rng.standard_normal((5, 3)), rng.random((5, 3))
    together = forward(logits, x)
    assert together.shape == (5,)
    apart = sum(forward(logits[:, j : j + 1], x[:, j : j + 1]) for j in range(3))
    np.testing.assert_allclose(together, apart, rtol=1e-14)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_finite_far_out_and_keep_nan(name):
    forward, backward = LOSSES[name]
    for x in (np.zeros_like(EXTREME), np.ones_like(EXTREME)):
        assert np.isfinite(forward(EXTREME, x)).all()
        slope = backward(EXTREME, x)
        assert np.all(np.abs(slope) <= 1.0)
    assert np.isnan(forward(np.array([[np.nan]]), np.ones((1, 1)))).all()
    assert np.isnan(backward(np.array([[np.nan]]), np.ones((1, 1)))).all()


def test_far_out_bernoulli_is_the_logit_itself():
    logits = np.array([[800.0], [-800.0]])
    x = np.array([[0.0], [1.0]])
    np.testing.assert_array_equal(reference.bernoulli_forward(logits, x), [800.0, 800.0])
    truth = 800.0 - math.log(800.0)  # log Z(800), and log Z(-800) + 800
    came = reference.continuous_bernoulli_forward(logits, x)
    np.testing.assert_allclose(came, [truth, truth], rtol=1e-15)


def test_single_precision_stays_single(rng):
    a, b = rng.random((2, 4, 3)).astype(np.float32)
    sigma = np.zeros(1, np.float32)
    results = [reference.activation_forward(a, name) for name in ACTIVATIONS]
    results += [reference.activation_backward(a, b, name) for name in ACTIVATIONS]
    results += [reference.dense_forward(a, b.T.copy(), np.zeros(4, np.float32), "softplus")]
    results += [reference.dense_backward_input(a, np.eye(3, dtype=np.float32), b, "tanh")]
    results += [*reference.dense_backward_weight(a, b), reference.reparameterize_forward(a, b, a)]
    results += [reference.bound_logvar_forward(a), reference.bound_logvar_backward(a, b)]
    results += [*reference.reparameterize_backward(a, b, a), *reference.kl_backward(a, b)]
    results += [reference.kl_forward(a, b), reference.bernoulli_mean(a)]
    results += [f(a, b) for pair in LOSSES.values() for f in pair]
    results += [reference.log_partition(9 * a), reference.continuous_bernoulli_mean(9 * a)]
    results += [reference.gaussian_forward(a, b, sigma), *reference.gaussian_backward(a, b, sigma)]
    assert {result.dtype for result in results} == {np.dtype(np.float32)}


def test_operations_write_nothing_into_their_arguments(rng):
    a, b = rng.random((2, 4, 3))
    sigma = np.zeros(1)
    for array in (a, b, sigma):
        array.setflags(write=False)
    reference.bernoulli_forward(a, b)
    reference.continuous_bernoulli_forward(a, b)
    reference.gaussian_backward(a, b, sigma)
    reference.reparameterize_backward(a, b, a)
    reference.activation_backward(a, b, "relu")


def test_a_misspelt_backend_is_named_with_the_near_one():
    with pytest.raises(OptionError, match="did you mean 'numba'"):
        get_ops("numbra")
    assert get_ops("reference") is reference


# Poisson


def test_poisson_in_sixty_digits():
    logits = np.linspace(-20.0, 6.0, 53)
    for x in (0.0, 1.0, 7.0, 300.0):
        truth = exactly(
            lambda a, x=x: mpmath.exp(a) - x * a + mpmath.loggamma(mpmath.mpf(x) + 1), logits
        )
        came = reference.poisson_forward(logits[:, None], np.full((53, 1), x))
        np.testing.assert_allclose(came, truth, rtol=1e-15, atol=1e-12)


def test_poisson_probabilities_sum_to_one_and_have_the_rate_as_mean():
    counts = np.arange(200.0)[:, None]
    for logit in (-2.0, 0.3, 4.0):
        p = np.exp(-reference.poisson_forward(np.full((200, 1), logit), counts))
        assert p.sum() == pytest.approx(1.0, rel=1e-12)
        assert p @ counts[:, 0] == pytest.approx(reference.poisson_mean(logit), rel=1e-12)
