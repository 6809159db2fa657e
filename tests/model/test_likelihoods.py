"""p(x given z): draws that have the right moments, means that can be aimed at, gradients scaled."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tinyvae.data import read_batch
from tinyvae.errors import OptionError, SizeError
from tinyvae.model.likelihoods import LIKELIHOODS, Bernoulli, likelihood_class
from tinyvae.model.parameters import Parameters
from tinyvae.ops import reference

NODES, WEIGHTS = np.polynomial.legendre.leggauss(120)
NODES, WEIGHTS = 0.5 * (NODES + 1.0), 0.5 * WEIGHTS  # an integral over [0, 1]
LOGITS = np.array([-40.0, -2.2, -0.3, 0.0, 1e-9, 1.1, 2.5, 90.0])


def make(name, sigma=0.7, dtype="float64"):
    made = likelihood_class(name)
    parameters = Parameters({"other": (2,)} | made.shapes(), dtype)
    likelihood = made(reference, sigma, parameters)
    likelihood.initialize()
    return likelihood, parameters


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
    if name == "poisson":
        return math.exp(logit), math.exp(logit)
    return logit, 0.7**2


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_mean_and_draws_have_the_moments_of_the_distribution(name, rng, assert_mean):
    likelihood, _ = make(name)
    bounded = name in ("bernoulli", "poisson")  # rare events are no test of moments
    logits = np.clip(LOGITS, -5.0, 5.0) if bounded else LOGITS
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
    logits = np.tile(np.minimum(LOGITS, 40.0), (5, 1))
    one, two = (likelihood.draw(logits, np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_inverse_mean_inverts_the_mean(name):
    likelihood, _ = make(name)
    mean = np.linspace(0.02, 0.98, 49)
    np.testing.assert_allclose(likelihood.mean(likelihood.inverse_mean(mean)), mean, rtol=1e-12)
    at_the_ends = likelihood.inverse_mean(np.array([0.0, 1.0]))
    assert np.isfinite(at_the_ends).all()
    # Monotone beyond what it is kept off: black stays below dark.
    assert np.all(
        at_the_ends * [-1, 1] >= likelihood.inverse_mean(np.array([0.02, 0.98])) * [-1, 1]
    )


def test_black_and_white_are_kept_off_the_ends_by_the_same_step():
    ends = np.array([0.0, 1.0])
    for name, step in (("bernoulli", 1e-3), ("continuous_bernoulli", 1e-2)):
        likelihood, _ = make(name)
        logits = likelihood.inverse_mean(ends)
        np.testing.assert_allclose(likelihood.mean(logits), [step, 1.0 - step], rtol=1e-9)
        np.testing.assert_allclose(logits[0], -logits[1], rtol=1e-9)
    likelihood, _ = make("poisson")
    assert likelihood.mean(likelihood.inverse_mean(ends))[0] == pytest.approx(1e-3)


def test_putting_a_model_together_changes_no_parameter():
    """Where learning starts is said once, by ``initialize``."""
    for name, made in LIKELIHOODS.items():
        parameters = Parameters({"other": (2,)} | made.shapes(), "float64")
        parameters.values[:] = before = np.arange(parameters.size) + 5.0
        likelihood = made(reference, 0.7, parameters)
        np.testing.assert_array_equal(parameters.values, before)
        likelihood.initialize()
        if name == "gaussian_learned":
            assert parameters["likelihood.log_sigma"] == math.log(0.7)
        np.testing.assert_array_equal(parameters["other"], before[:2])


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_backward_is_the_derivative_of_the_weighted_sum(
    name, rng, make_x, complex_step, assert_gradient
):
    likelihood, parameters = make(name)
    logits, x, weights = rng.standard_normal((9, 6)), make_x(name), rng.random(9)
    came = likelihood.backward(logits, x, weights)
    truth = complex_step(lambda a: (weights * likelihood.reconstruction(a, x)).sum(), logits)
    assert_gradient(came, truth)
    if name == "gaussian_learned":
        twin = make(name, dtype="complex128")[0]

        def loss(log_sigma):
            twin.log_sigma[:] = log_sigma
            return (weights * twin.reconstruction(logits, x)).sum()

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
    for name in LIKELIHOODS.keys() - {"gaussian_learned"}:
        assert likelihood_class(name).shapes() == {}
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
        likelihood_class("bernouli")
    with pytest.raises(OptionError, match="did you mean 'gaussian_learned'"):
        likelihood_class("gausian_learned")


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan, "wide"])
def test_sigma_must_be_above_zero(sigma):
    with pytest.raises(SizeError, match="sigma"):
        make("gaussian", sigma)


def test_every_likelihood_is_a_place_in_the_kernels_list_and_describes_its_own_example(rng):
    assert tuple(LIKELIHOODS) == reference.LIKELIHOODS
    for name, made in LIKELIHOODS.items():
        assert made.name == name
        x = made.example(rng, (50, 4))
        read_batch(x, support=made.support, dtype="float64", input_dim=4)
        assert made.label


def test_draws_of_huge_rates_are_finite(rng):
    with np.errstate(over="ignore"):
        draws = make("poisson")[0].draw(np.array([[50.0, 800.0]]), rng)
    assert np.isfinite(draws).all()


@pytest.mark.parametrize("name", ["bernoulli", "continuous_bernoulli"])
def test_inverse_mean_black_and_white_is_finite_and_symmetric(name):
    observation, _ = make(name)
    black, white = observation.inverse_mean(np.array([0.0, 1.0]))
    assert np.isfinite([black, white]).all()
    assert black == pytest.approx(-white, rel=1e-9)
    assert observation.mean(np.array([black]))[0] == pytest.approx(
        {"bernoulli": 1e-3, "continuous_bernoulli": 1e-2}[name], rel=1e-6
    )
