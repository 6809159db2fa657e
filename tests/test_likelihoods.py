"""p(x given z): draws that have the right moments, means that can be aimed at, gradients scaled."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tinyvae.errors import OptionError, SizeError
from tinyvae.likelihoods import LIKELIHOODS, Bernoulli, likelihood_shapes, make_likelihood
from tinyvae.ops import reference
from tinyvae.parameters import Parameters

NODES, WEIGHTS = np.polynomial.legendre.leggauss(120)
NODES, WEIGHTS = 0.5 * (NODES + 1.0), 0.5 * WEIGHTS  # an integral over [0, 1]
LOGITS = np.array([-40.0, -2.2, -0.3, 0.0, 1e-9, 1.1, 2.5, 90.0])


def make(name, sigma=0.7, dtype="float64"):
    shapes = {"other": (2,)} | likelihood_shapes(name)
    parameters = Parameters(shapes, dtype)
    return make_likelihood(name, sigma, parameters, reference), parameters


def moments(name, logit):
    """Mean and variance, from the definition of the distribution."""
    if name == "bernoulli":
        p = 1.0 / (1.0 + math.exp(-logit))
        return p, p * (1.0 - p)
    if name == "continuous_bernoulli":
        density = np.exp(logit * NODES - max(logit, 0.0))
        density /= WEIGHTS @ density
        mean = WEIGHTS @ (density * NODES)
        return mean, WEIGHTS @ (density * (NODES - mean) ** 2)
    return logit, 0.7**2


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_mean_and_draws_have_the_moments_of_the_distribution(name, rng, assert_mean):
    likelihood, _ = make(name)
    logits = LOGITS if name != "bernoulli" else np.clip(LOGITS, -5.0, 5.0)
    mean, variance = np.array([moments(name, logit) for logit in logits]).T
    np.testing.assert_allclose(likelihood.mean(logits), mean, rtol=1e-12, atol=1e-15)
    draws = likelihood.draw(np.tile(logits, (100_000, 1)), rng)
    assert_mean(draws, mean)
    assert_mean((draws - mean) ** 2, variance)


def test_draws_lie_where_the_data_do(rng):
    logits = np.tile(np.array([-800.0, -1.0, 0.0, 800.0], np.float32), (1000, 1))
    with np.errstate(all="raise", under="ignore"):
        bits = make("bernoulli", dtype="float32")[0].draw(logits, rng)
        grey = make("continuous_bernoulli", dtype="float32")[0].draw(logits, rng)
    assert set(np.unique(bits)) == {0.0, 1.0}
    assert grey.min() >= 0.0
    assert grey.max() <= 1.0
    assert bits.dtype == grey.dtype == np.float32
    assert np.all(bits[:, 0] == 0.0)
    assert np.all(bits[:, 3] == 1.0)


def test_draws_of_the_continuous_bernoulli_follow_its_distribution_function(rng):
    n, logit = 20_000, 3.0
    draws = np.sort(make("continuous_bernoulli")[0].draw(np.full((n, 1), logit), rng)[:, 0])
    function = np.expm1(logit * draws) / np.expm1(logit)
    largest = np.abs(function - (np.arange(n) + 0.5) / n).max()
    assert largest * math.sqrt(n) < 1.95  # Kolmogorov: exceeded once in a thousand seeds


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_the_same_generator_gives_the_same_draws(name):
    likelihood, _ = make(name)
    logits = np.tile(LOGITS, (5, 1))
    one, two = (likelihood.draw(logits, np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_output_at_inverts_the_mean(name):
    likelihood, _ = make(name)
    mean = np.linspace(0.02, 0.98, 49)
    np.testing.assert_allclose(likelihood.mean(likelihood.output_at(mean)), mean, rtol=1e-12)
    at_the_ends = likelihood.output_at(np.array([0.0, 1.0]))
    assert np.isfinite(at_the_ends).all()
    # Monotone beyond what it is kept off: black stays below dark.
    assert np.all(at_the_ends * [-1, 1] >= likelihood.output_at(np.array([0.02, 0.98])) * [-1, 1])


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_backward_is_the_derivative_of_the_weighted_sum(
    name, rng, make_x, complex_step, assert_gradient
):
    likelihood, parameters = make(name)
    logits, x, weight = rng.standard_normal((9, 6)), make_x(name), 0.3
    came = likelihood.backward(logits, x, weight)
    truth = complex_step(lambda a: weight * likelihood.reconstruction(a, x).sum(), logits)
    assert_gradient(came, truth)
    if name == "gaussian_learned":
        twin = make(name, dtype="complex128")[0]

        def loss(log_sigma):
            twin.log_sigma[:] = log_sigma
            return weight * twin.reconstruction(logits, x).sum()

        sigma = complex_step(loss, parameters["likelihood.log_sigma"])
        assert_gradient(parameters.gradient("likelihood.log_sigma"), sigma)
    assert not parameters.gradient("other").any()


def test_a_fixed_sigma_is_no_parameter_and_a_learned_one_is():
    fixed, without = make("gaussian", sigma=0.25)
    learned, held = make("gaussian_learned", sigma=0.25)
    assert list(without) == ["other"]
    assert held["likelihood.log_sigma"] == math.log(0.25)
    assert fixed.sigma == learned.sigma == pytest.approx(0.25, rel=1e-15)
    held["likelihood.log_sigma"][:] = math.log(3.0)
    assert learned.sigma == pytest.approx(3.0)
    for name in ("bernoulli", "continuous_bernoulli", "gaussian"):
        assert likelihood_shapes(name) == {}
    assert isinstance(make("bernoulli")[0], Bernoulli)


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.0])
def test_sigma_is_the_standard_deviation_of_the_density(sigma, log_normal, rng):
    logits, x = rng.standard_normal((2, 5, 3))
    truth = -log_normal(x, logits, np.full(3, sigma**2))
    for name in ("gaussian", "gaussian_learned"):
        came = make(name, sigma)[0].reconstruction(logits, x)
        np.testing.assert_allclose(came, truth, rtol=1e-13)


def test_a_misspelt_likelihood_is_named_with_the_near_one():
    with pytest.raises(OptionError, match="did you mean 'bernoulli'"):
        likelihood_shapes("bernouli")
    with pytest.raises(OptionError, match="did you mean 'gaussian_learned'"):
        make_likelihood("gausian_learned", 1.0, Parameters({}, "float64"), reference)


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan, "wide"])
def test_sigma_must_be_above_zero(sigma):
    with pytest.raises(SizeError, match="sigma"):
        make("gaussian", sigma)


@pytest.mark.parametrize("name", ["bernoulli", "continuous_bernoulli"])
def test_output_at_black_and_white_is_finite_and_symmetric(name):
    observation, _ = make(name)
    black, white = observation.output_at(np.array([0.0, 1.0]))
    assert np.isfinite([black, white]).all()
    assert black == pytest.approx(-white, rel=1e-9)
    assert observation.mean(np.array([black]))[0] == pytest.approx(
        {"bernoulli": 1e-3, "continuous_bernoulli": 1e-2}[name], rel=1e-6
    )
