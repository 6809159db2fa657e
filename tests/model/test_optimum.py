"""Training finds the optimum that is known in closed form: a linear VAE is probabilistic PCA."""

from __future__ import annotations

import numpy as np
import pytest

from tinyvae.linear_gaussian import LinearGaussian
from tinyvae.model.adam import Adam
from tinyvae.model.vae import VAE
from tinyvae.training.schedules import scheduled_rate

LATENT = 2


@pytest.fixture
def x():
    """Return 60 centred rows whose covariance has six distinct eigenvalues."""
    rng = np.random.default_rng(0)
    stretched = rng.standard_normal((60, 6)) * [2.5, 1.7, 0.8, 0.65, 0.5, 0.4]
    turned = stretched @ np.linalg.qr(rng.standard_normal((6, 6)))[0]
    return turned - turned.mean(axis=0)


@pytest.fixture
def linear_vae():
    return VAE(
        6, (), LATENT, activation="identity", likelihood="gaussian_learned", dtype="float64",
        backend="reference",
    )  # fmt: skip


def exact_noise(x):
    """Repeat every row for noise = +-sqrt(latent_dim) e_j.

    These have mean 0 and covariance I exactly, and the loss of a linear VAE is quadratic in the
    noise: so ELBO and gradient are exact, without a sample.
    """
    corners = np.sqrt(LATENT) * np.vstack([np.eye(LATENT), -np.eye(LATENT)])
    return np.repeat(x, len(corners), axis=0), np.tile(corners, (len(x), 1))


def as_oracle(vae):
    values = vae.parameters
    return LinearGaussian(
        values["decoder.0.weight"], values["decoder.0.bias"], vae.observation.sigma
    )


def train(vae, steps, rate, batch):
    adam = Adam(vae.parameters, rate, backend="reference")
    for step in range(steps):
        adam.learning_rate = scheduled_rate(rate, "cosine", step / steps)
        vae.train_step(*batch(), adam)


def test_the_noise_rule_gives_the_exact_elbo(x, linear_vae):
    rng = np.random.default_rng(1)
    linear_vae.parameters.values[:] += 0.3 * rng.standard_normal(linear_vae.parameters.size)
    reconstruction, kl = as_oracle(linear_vae).elbo_terms(x, *linear_vae.encode(x))
    terms = linear_vae.loss(*exact_noise(x))
    assert terms.reconstruction == pytest.approx(reconstruction.mean(), rel=1e-13)
    assert terms.kl == pytest.approx(kl.mean(), rel=1e-13)


def test_a_linear_vae_reaches_the_closed_form_optimum(x, linear_vae):
    best = LinearGaussian.fit(x, LATENT)
    highest = best.log_likelihood(x).mean()
    replicated = exact_noise(x)
    assert linear_vae.loss(*replicated).elbo < highest - 0.5

    train(linear_vae, 5000, 0.05, lambda: replicated)

    # At the optimum the posterior is exact, so the ELBO is the log-likelihood itself.
    elbo = linear_vae.loss(*replicated).elbo
    assert elbo <= highest + 1e-12
    assert highest - elbo <= 1e-6 * abs(highest)
    found = as_oracle(linear_vae)
    assert found.log_likelihood(x).mean() == pytest.approx(highest, rel=1e-6)
    assert found.sigma == pytest.approx(best.sigma, rel=1e-3)
    # The axes are found too, up to their order and signs.
    np.testing.assert_allclose(
        found.weight.T @ found.weight, best.weight.T @ best.weight, atol=1e-2
    )
    mu, logvar = linear_vae.encode(x)
    exact_mean, exact_covariance = found.posterior(x)
    np.testing.assert_allclose(mu, exact_mean, atol=1e-2)
    np.testing.assert_allclose(
        np.exp(logvar), np.tile(np.diag(exact_covariance), (60, 1)), atol=1e-2
    )


def test_sampled_training_comes_within_a_thousandth_of_a_nat(x, linear_vae, rng):
    highest = LinearGaussian.fit(x, LATENT).log_likelihood(x).mean()
    train(linear_vae, 5000, 0.02, lambda: (x, rng.standard_normal((60, LATENT))))
    elbo = as_oracle(linear_vae).elbo(x, *linear_vae.encode(x)).mean()
    assert 0.0 < highest - elbo < 1e-3
