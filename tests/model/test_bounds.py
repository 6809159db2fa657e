"""The importance-weighted bound, judged by densities and by a model whose log p(x) is known."""

from __future__ import annotations

import numpy as np
import pytest

from tinyvae.errors import CheckpointError
from tinyvae.linear_gaussian import LinearGaussian
from tinyvae.model import bounds as module
from tinyvae.model.likelihoods import LIKELIHOODS
from tinyvae.model.vae import VAE


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_importance_weights_are_the_joint_over_the_posterior(
    likelihood, make_vae, make_x, log_normal, rng
):
    vae, x = make_vae(likelihood=likelihood, nudge=0.5), make_x(likelihood)
    noise = rng.standard_normal((9, 2))
    mu, logvar = vae.encode(x)
    z = mu + np.exp(logvar / 2) * noise
    conditional = -vae.observation.reconstruction(vae.decode(z), x)
    joint = conditional + log_normal(z, 0.0, np.ones(2))
    direct = joint - log_normal(z, mu, np.exp(logvar))
    np.testing.assert_allclose(vae.log_importance_weights(x, noise), direct, rtol=1e-12)


def test_the_mean_log_weight_is_the_elbo(make_vae, make_x, rng):
    n = 40_000
    vae, x = make_vae(nudge=0.5), np.tile(make_x("bernoulli", 1), (n, 1))
    weights = vae.log_importance_weights(x, rng.standard_normal((n, 2)))
    noise = rng.standard_normal((n, 2))
    reconstruction = vae.network.forward(x, noise).latent.reconstruction
    error = np.hypot(weights.std(), reconstruction.std()) / np.sqrt(n)
    assert abs(weights.mean() - vae.loss(x, noise).elbo) < 4.0 * error


def test_the_elbo_never_exceeds_the_importance_weighted_bound(make_vae, make_x):
    vae, x = make_vae(nudge=1.0), make_x("bernoulli", 200)
    for n_samples in (1, 2, 7, 50, 130):
        found = vae.bounds(x, n_samples, seed=n_samples)
        assert all(array.shape == (200,) for array in found)
        slack = 1e-13 * np.abs(found.elbo)
        assert np.all(found.elbo <= found.importance_weighted + slack)
        log_likelihood = vae.log_likelihood(x, n_samples, seed=n_samples)
        np.testing.assert_array_equal(found.importance_weighted, log_likelihood)
    one = vae.bounds(x, 1)
    np.testing.assert_allclose(one.elbo, one.importance_weighted, rtol=1e-13)


def test_bounds_are_the_mean_and_the_log_mean_of_the_same_weights(make_vae, make_x):
    # Far from the posterior, so that weights differ by hundreds of nats.
    vae, x = make_vae(likelihood="gaussian", sigma=0.05), make_x("gaussian", 1)
    noise = np.random.default_rng(11).standard_normal((130, 2))
    log_w = vae.log_importance_weights(np.tile(x, (130, 1)), noise)
    assert np.ptp(log_w) > 100.0
    found = vae.bounds(x, 130, seed=11)
    assert found.elbo[0] == pytest.approx(log_w.mean(), rel=1e-12)
    log_mean = log_w.max() + np.log(np.exp(log_w - log_w.max()).mean())
    assert found.importance_weighted[0] == pytest.approx(log_mean, rel=1e-12)


def test_chunks_of_samples_change_nothing(make_vae, make_x, monkeypatch):
    vae, x = make_vae(nudge=1.0), make_x("bernoulli", 5)
    whole = vae.bounds(x, 130)
    for chunk in (1, 7, 1000):
        monkeypatch.setattr(module, "_CHUNK_SAMPLES", chunk)
        for one, other in zip(vae.bounds(x, 130), whole, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12)


def test_an_estimate_goes_on_where_it_was_stopped(make_vae, make_x, monkeypatch, tmp_path):
    vae, x, path = make_vae(nudge=1.0), make_x("bernoulli", 40), tmp_path / "bounds.npz"
    monkeypatch.setattr(module, "_CHUNK", 3 * 50)  # three rows at a time
    monkeypatch.setattr(module, "_SAVED_EVERY", 2)
    whole = vae.bounds(x, 70, seed=4)
    chunk, calls = module._chunk, []

    def stopping(*arguments):
        calls.append(len(arguments[1]))
        if len(calls) == 6:
            raise KeyboardInterrupt
        return chunk(*arguments)

    monkeypatch.setattr(module, "_chunk", stopping)
    with pytest.raises(KeyboardInterrupt):
        vae.bounds(x, 70, seed=4, checkpoint=path)
    assert sum(calls) == 18
    found = vae.bounds(x, 70, seed=4, checkpoint=path)
    assert sum(calls) == 18 + 40 - 12  # two chunks of three rows are the last that were kept
    for one, other in zip(found, whole, strict=True):
        np.testing.assert_array_equal(one, other)
    again = vae.log_likelihood(x, 70, seed=4, checkpoint=path)
    np.testing.assert_array_equal(again, whole.importance_weighted)
    assert sum(calls) == 18 + 40 - 12  # nothing was left to do
    for changed in ({"seed": 5}, {"n_samples": 71}, {"x": 1.0 - x}):
        arguments = {"x": x, "n_samples": 70, "seed": 4} | changed
        with pytest.raises(CheckpointError, match="another model, other data, or another seed"):
            vae.bounds(**arguments, checkpoint=path)
    vae.parameters.values[0] += 1.0
    with pytest.raises(CheckpointError, match="another model"):
        vae.bounds(x, 70, seed=4, checkpoint=path)


def test_labels_stay_with_their_rows(make_vae, make_x, monkeypatch, rng):
    vae, x = make_vae(n_classes=3, nudge=1.0), make_x("bernoulli", 9)
    vae.parameters["decoder.0.label_weight"][:] *= 5.0
    labels = rng.integers(0, 3, 9)
    for rows in (9, 2):  # rows at a time
        monkeypatch.setattr(module, "_CHUNK", rows * module._DRAWN_TOGETHER)
        found = vae.bounds(x, 100, labels=labels)
        for row in range(9):
            repeated = np.tile(x[row], (100, 1)), rng.standard_normal((100, 2))
            log_w = vae.log_importance_weights(*repeated, np.full(100, labels[row]))
            error = log_w.std(ddof=1) / np.sqrt(100)
            assert abs(found.elbo[row] - log_w.mean()) < 5.0 * np.sqrt(2.0) * error


# Against the model whose log p(x) is known


def linear_vae(oracle, weight, bias, logvar):
    """Return the linear VAE whose decoder is the oracle's and whose encoder is given."""
    latent_dim, input_dim = oracle.weight.shape
    vae = VAE(
        input_dim, (), latent_dim, activation="identity", likelihood="gaussian",
        sigma=oracle.sigma, dtype="float64", backend="reference",
    )  # fmt: skip
    values = vae.parameters
    values["encoder.0.weight"][:] = np.hstack([weight, np.zeros_like(weight)])
    values["encoder.0.bias"][:] = np.concatenate([bias, 10.0 * np.arctanh(logvar / 10.0)])
    values["decoder.0.weight"][:], values["decoder.0.bias"][:] = oracle.weight, oracle.bias
    return vae


@pytest.fixture
def oracle():
    """Return an oracle whose exact posterior is diagonal, and 300 rows of data."""
    rng = np.random.default_rng(30)
    x = rng.standard_normal((300, 5)) @ np.diag([2.0, 1.5, 0.6, 0.5, 0.4]) + 0.5
    return LinearGaussian.fit(x @ np.linalg.qr(rng.standard_normal((5, 5)))[0], 2), x


def test_with_the_exact_posterior_every_weight_is_p_of_x(oracle, rng):
    oracle, x = oracle
    vae = linear_vae(oracle, *oracle.best_encoder())
    exact = oracle.log_likelihood(x)
    for _ in range(3):
        weights = vae.log_importance_weights(x, 3.0 * rng.standard_normal((300, 2)))
        np.testing.assert_allclose(weights, exact, rtol=0, atol=1e-9)
    for bound in vae.bounds(x, 3)[1:]:
        np.testing.assert_allclose(bound, exact, rtol=0, atol=1e-9)


def test_the_bound_stays_below_log_p_and_rises_with_the_samples(oracle):
    oracle, x = oracle
    weight, bias, logvar = oracle.best_encoder()
    vae = linear_vae(oracle, 0.8 * weight, bias + 0.3, logvar + 0.7)
    n, row = 4000, x[:1]
    exact = oracle.log_likelihood(row)[0]
    before, error_before = oracle.elbo(row, *vae.encode(row))[0], 0.0
    assert before < exact - 0.2
    for n_samples in (1, 5, 25, 100):
        draws = vae.log_likelihood(np.tile(row, (n, 1)), n_samples, seed=n_samples)
        mean, error = draws.mean(), draws.std(ddof=1) / np.sqrt(n)
        assert mean <= exact + 4.0 * error
        assert mean >= before - 4.0 * np.hypot(error, error_before)
        if n_samples == 1:
            assert abs(mean - before) <= 4.0 * error
        before, error_before = mean, error
    assert abs(mean - exact) < 0.02
