"""The operations against their definitions, their derivatives, and probability itself."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from tinyvae.ops import reference
from tinyvae.ops.reference import ACTIVATIONS

mpmath.mp.dps = 60
EXTREME = np.array([[-800.0, -90.0, -1.0, 0.0, 1.0, 90.0, 800.0]])


@pytest.fixture(autouse=True)
def no_overflow():
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        yield


def exactly(function, at):
    """``function`` in 60 digits."""
    return np.array([float(function(mpmath.mpf(float(a)))) for a in np.ravel(at)]).reshape(at.shape)


# Activations


TRUE_ACTIVATIONS = {
    "relu": lambda a: max(a, 0),
    "tanh": lambda a: (mpmath.exp(a) - mpmath.exp(-a)) / (mpmath.exp(a) + mpmath.exp(-a)),
    "softplus": lambda a: mpmath.log(1 + mpmath.exp(a)),
    "sigmoid": lambda a: 1 / (1 + mpmath.exp(-a)),
    "identity": lambda a: a,
}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activation_is_its_formula(activation):
    a = np.linspace(-30.0, 30.0, 400).reshape(20, 20)
    h = reference.activation_forward(a, activation)
    truth = exactly(TRUE_ACTIVATIONS[activation], a)
    np.testing.assert_allclose(h, truth, rtol=4e-16, atol=0)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activation_backward(activation, rng, complex_step, assert_gradient):
    a, dh = rng.standard_normal((2, 6, 4))
    truth = complex_step(lambda z: (dh * reference.activation_forward(z, activation)).sum(), a)
    h = reference.activation_forward(a, activation)
    assert_gradient(reference.activation_backward(dh, h, activation), truth)


def test_the_derivative_of_relu_at_its_kink_is_zero():
    a = np.array([[-1.0, 0.0, 1.0]])
    h = reference.activation_forward(a, "relu")
    da = reference.activation_backward(np.ones((1, 3)), h, "relu")
    np.testing.assert_array_equal(da, [[0.0, 0.0, 1.0]])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activation_is_stable_far_out_and_keeps_nan(activation):
    h = reference.activation_forward(EXTREME, activation)
    slope = reference.activation_backward(np.ones_like(h), h, activation)
    low, high = {"tanh": (-1, 1), "sigmoid": (0, 1), "identity": (-800, 800)}.get(
        activation, (0, 800)
    )
    assert (h[0, 0], h[0, -1]) == (low, high)
    assert np.isfinite(slope).all()
    assert np.all((slope >= 0.0) & (slope <= 1.0))
    assert np.isnan(reference.activation_forward(np.array([[np.nan]]), activation)).all()


# Dense layers


def test_dense_layer_is_the_sum_over_inputs(rng):
    x, weight, bias = rng.standard_normal((4, 3)), rng.standard_normal((3, 5)), rng.random(5)
    y = reference.dense_forward(x, weight, bias, "identity")
    for n, j in np.ndindex(4, 5):
        direct = bias[j] + sum(x[n, i] * weight[i, j] for i in range(3))
        assert y[n, j] == pytest.approx(direct, rel=1e-14)


@pytest.mark.parametrize("shape", [(4, 3, 5), (1, 1, 1), (2, 5, 1)])
def test_dense_backward_weight(shape, rng, complex_step, assert_gradient):
    batch, fan_in, fan_out = shape
    x, weight = rng.standard_normal((batch, fan_in)), rng.standard_normal((fan_in, fan_out))
    bias, da = rng.standard_normal(fan_out), rng.standard_normal((batch, fan_out))

    def loss(weight, bias):
        return (da * reference.dense_forward(x, weight, bias, "identity")).sum()

    dweight, dbias = reference.dense_backward_weight(x, da)
    assert_gradient(dweight, complex_step(lambda z: loss(z, bias), weight))
    assert_gradient(dbias, complex_step(lambda z: loss(weight, z), bias))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_dense_backward_input(activation, rng, complex_step, assert_gradient):
    below, weight = rng.standard_normal((4, 3)), rng.standard_normal((3, 5))
    bias, da = rng.standard_normal(5), rng.standard_normal((4, 5))

    def loss(below):
        h = reference.activation_forward(below, activation)
        return (da * reference.dense_forward(h, weight, bias, "identity")).sum()

    h = reference.activation_forward(below, activation)
    came = reference.dense_backward_input(da, weight, h, activation)
    assert_gradient(came, complex_step(loss, below))


# The latent variable


def test_logvar_is_bounded_smoothly_and_small_values_pass_unchanged(complex_step):
    raw = np.concatenate([-np.geomspace(1e-9, 1e3, 100)[::-1], [0.0], np.geomspace(1e-9, 1e3, 100)])
    logvar = reference.bound_logvar_forward(raw)
    assert np.all(np.abs(logvar) <= 10.0)
    assert np.all(np.diff(logvar) >= 0.0)
    np.testing.assert_allclose(logvar, 10.0 * np.tanh(raw / 10.0), rtol=1e-15)
    slope = complex_step(lambda z: reference.bound_logvar_forward(z).sum(), np.zeros(1))
    assert slope == 1.0
    assert reference.bound_logvar_forward(np.array([1e6]))[0] == pytest.approx(10.0)


def test_bound_logvar_backward(rng, complex_step, assert_gradient):
    raw, dlogvar = 8.0 * rng.standard_normal((6, 4)), rng.standard_normal((6, 4))
    truth = complex_step(lambda z: (dlogvar * reference.bound_logvar_forward(z)).sum(), raw)
    logvar = reference.bound_logvar_forward(raw)
    assert_gradient(reference.bound_logvar_backward(dlogvar, logvar), truth)


MU = np.array([0.0, -1.5, 0.7, 3.0])
LOGVAR = np.array([-2.0, 0.8, 1.5, -4.0])


def draw(n, seed=21):
    noise = np.random.default_rng(seed).standard_normal((n, 4))
    tiled = np.tile(MU, (n, 1)), np.tile(LOGVAR, (n, 1))
    return reference.reparameterize_forward(*tiled, noise)


def test_the_sampler_has_mean_mu_and_variance_exp_logvar(assert_mean):
    z = draw(100_000)
    assert_mean(z, MU)
    assert_mean((z - MU) ** 2, np.exp(LOGVAR))


def test_reparameterize_backward(rng, complex_step, assert_gradient):
    mu, logvar, noise, dz = rng.standard_normal((4, 6, 3))
    forward = reference.reparameterize_forward
    dmu, dlogvar = reference.reparameterize_backward(dz, logvar, noise)
    assert_gradient(dmu, complex_step(lambda a: (dz * forward(a, logvar, noise)).sum(), mu))
    assert_gradient(dlogvar, complex_step(lambda a: (dz * forward(mu, a, noise)).sum(), logvar))


def test_kl_is_what_monte_carlo_says(assert_mean, log_normal):
    z = draw(100_000)
    kl = reference.kl_forward(MU[None], LOGVAR[None])[0]
    for j in range(4):
        column = z[:, j : j + 1]
        log_q = log_normal(column, MU[j], np.exp(LOGVAR[j : j + 1]))
        assert_mean(log_q - log_normal(column, 0.0, np.ones(1)), kl[j])


def test_the_kl_charged_is_that_of_what_is_sampled():
    n = 100_000
    z = draw(n)
    mean, variance = z.mean(axis=0), z.var(axis=0)
    sampled = 0.5 * (mean**2 + variance - 1.0 - np.log(variance))
    # By the delta method: the mean has variance s^2 / n, the variance has 2 s^4 / n.
    error = np.sqrt((mean**2 * variance + 0.5 * (variance - 1.0) ** 2) / n)
    assert np.all(np.abs(sampled - reference.kl_forward(MU, LOGVAR)) <= 4.0 * error)


def test_kl_is_zero_at_the_prior_only():
    tiny = np.geomspace(1e-10, 10.0, 1001)
    logvar = np.concatenate([-tiny, tiny])
    kl = reference.kl_forward(np.zeros_like(logvar), logvar)
    assert np.all(kl > 0.0)
    assert np.all(reference.kl_forward(logvar, np.zeros_like(logvar)) > 0.0)
    assert reference.kl_forward(np.zeros(1), np.zeros(1)) == 0.0
    small = np.abs(logvar) < 1e-6  # where it is logvar^2 / 4, and not rounding
    np.testing.assert_allclose(kl[small], logvar[small] ** 2 / 4.0, rtol=1e-3)


def test_kl_backward(rng, complex_step, assert_gradient):
    mu, logvar = rng.standard_normal((2, 6, 3))
    dmu, dlogvar = reference.kl_backward(mu, logvar)
    assert_gradient(dmu, complex_step(lambda a: reference.kl_forward(a, logvar).sum(), mu))
    assert_gradient(dlogvar, complex_step(lambda a: reference.kl_forward(mu, a).sum(), logvar))


def test_the_importance_weighted_bound_is_the_log_of_the_mean_weight(rng, complex_step):
    log_w = 3.0 * rng.standard_normal((5, 4))
    direct = np.log(np.exp(log_w).mean(axis=1))
    np.testing.assert_allclose(reference.importance_bound_forward(log_w), direct, rtol=1e-13)
    far = reference.importance_bound_forward(log_w - 2000.0)  # exp(-2000) is zero
    np.testing.assert_allclose(far, direct - 2000.0, rtol=1e-13)
    weights = reference.importance_bound_backward(log_w)
    truth = complex_step(lambda a: reference.importance_bound_forward(a).sum(), log_w)
    np.testing.assert_allclose(weights, truth, rtol=1e-12)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-13)
    far = reference.importance_bound_backward(log_w + 2000.0)
    np.testing.assert_allclose(far, weights, rtol=1e-12)
