"""The oracle is itself judged by plain Gaussian algebra on d x d matrices and by Monte Carlo."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

import tinyvae.linear_gaussian as module
from tinyvae import errors
from tinyvae.linear_gaussian import LinearGaussian, max_mean_log_likelihood


def model(latent_dim=3, input_dim=5, sigma=0.6, seed=0):
    rng = np.random.default_rng(seed)
    weight = rng.standard_normal((latent_dim, input_dim))
    return LinearGaussian(weight, rng.standard_normal(input_dim), sigma)


def questions(oracle, n=6, seed=1):
    rng = np.random.default_rng(seed)
    k, d = oracle.weight.shape
    x = 2.0 * rng.standard_normal((n, d)) + oracle.bias
    return x, rng.standard_normal((n, k)), rng.standard_normal((n, k)) - 1.0


def covariance(oracle):
    return oracle.weight.T @ oracle.weight + oracle.sigma**2 * np.eye(len(oracle.bias))


def gaussian_log_density(x, mean, cov):
    off = x - mean
    square = np.sum(off * np.linalg.solve(cov, off.T).T, axis=1)
    return -0.5 * (len(cov) * np.log(2 * np.pi) + np.linalg.slogdet(cov)[1] + square)


def within_four_errors(draws, truth):
    error = draws.std(axis=0, ddof=1) / np.sqrt(len(draws))
    assert np.all(np.abs(draws.mean(axis=0) - truth) < 4.0 * error)


def crowd(n, d, seed=2):
    """Correlated data, far from the origin, with well separated eigenvalues."""
    rng = np.random.default_rng(seed)
    axes = np.linspace(3.0, 0.5, d)[:, None] * np.linalg.qr(rng.standard_normal((d, d)))[0]
    return rng.standard_normal((n, d)) @ axes + 7.0 * rng.standard_normal(d)


SHAPES = [(1, 2), (2, 9), (4, 4), (6, 3)]
CROWDS = [(300, 5, 1), (60, 12, 4), (8, 20, 3)]


@pytest.mark.parametrize(("k", "d"), SHAPES)
@pytest.mark.parametrize("sigma", [1e-2, 0.6, 30.0])
def test_log_likelihood_is_the_multivariate_normal(k, d, sigma):
    oracle = model(k, d, sigma)
    x, _ = oracle.sample(7, np.random.default_rng(3))
    direct = gaussian_log_density(x, oracle.bias, covariance(oracle))
    np.testing.assert_allclose(oracle.log_likelihood(x), direct, rtol=1e-12)


def test_log_likelihood_is_the_mean_of_the_conditional_over_the_prior():
    oracle = model(2, 3)
    x, _ = oracle.sample(4, np.random.default_rng(3))
    z = np.random.default_rng(4).standard_normal((100_000, 2))
    means, noise_covariance = z @ oracle.weight + oracle.bias, oracle.sigma**2 * np.eye(3)
    for row, truth in zip(x, np.exp(oracle.log_likelihood(x)), strict=True):
        within_four_errors(np.exp(gaussian_log_density(row, means, noise_covariance)), truth)


@pytest.mark.parametrize(("k", "d"), SHAPES)
def test_posterior_is_the_joint_gaussian_conditioned_on_x(k, d):
    oracle = model(k, d)
    x = questions(oracle)[0]
    mean, cov = oracle.posterior(x)
    regression = np.linalg.solve(covariance(oracle), oracle.weight.T)
    np.testing.assert_allclose(mean, (x - oracle.bias) @ regression, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(cov, np.eye(k) - oracle.weight @ regression, rtol=0, atol=1e-12)


def test_elbo_and_its_terms_are_what_monte_carlo_says():
    oracle = model()
    x, mu, logvar = questions(oracle)
    noise = np.random.default_rng(5).standard_normal((40_000, 3))
    (reconstruction, kl), elbo = oracle.elbo_terms(x, mu, logvar), oracle.elbo(x, mu, logvar)
    for i in range(len(x)):
        z = mu[i] + np.exp(logvar[i] / 2) * noise
        means = z @ oracle.weight + oracle.bias
        conditional = gaussian_log_density(x[i], means, oracle.sigma**2 * np.eye(5))
        prior = gaussian_log_density(z, np.zeros(3), np.eye(3))
        q = gaussian_log_density(z, mu[i], np.diag(np.exp(logvar[i])))
        within_four_errors(-conditional, reconstruction[i])
        within_four_errors(q - prior, kl[i])
        within_four_errors(conditional + prior - q, elbo[i])


@pytest.mark.parametrize(("k", "d"), SHAPES)
def test_gap_is_log_likelihood_minus_elbo_and_never_negative(k, d):
    oracle = model(k, d)
    x, mu, logvar = questions(oracle, n=200)
    gap, elbo = oracle.gap(x, mu, logvar), oracle.elbo(x, mu, logvar)
    assert np.all(gap > 0.0)
    np.testing.assert_allclose(oracle.log_likelihood(x) - elbo, gap, rtol=1e-11, atol=1e-11)


def test_best_diagonal_beats_every_neighbour_and_leaves_the_known_gap():
    oracle = model()
    x = questions(oracle)[0]
    mu, logvar = oracle.best_diagonal(x)
    best = oracle.elbo(x, mu, logvar)
    rng = np.random.default_rng(6)
    for scale in np.geomspace(1e-3, 1.0, 100):
        step = scale * rng.standard_normal(mu.shape)
        assert np.all(oracle.elbo(x, mu + step, logvar) < best)
        assert np.all(oracle.elbo(x, mu, logvar + step) < best)
    precision = np.linalg.inv(oracle.posterior(x)[1])
    known = 0.5 * (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1])
    assert known > 0.1
    np.testing.assert_allclose(oracle.gap(x, mu, logvar), known, rtol=1e-12)
    weight, bias, one_logvar = oracle.best_encoder()
    np.testing.assert_allclose(x @ weight + bias, mu, rtol=1e-12, atol=1e-13)
    assert np.array_equal(logvar, np.broadcast_to(one_logvar, mu.shape))


@pytest.mark.parametrize(("n", "d", "k"), CROWDS)
def test_fit_reaches_the_closed_form_maximum_and_its_elbo_is_tight(n, d, k):
    x = crowd(n, d)
    oracle = LinearGaussian.fit(x, k)
    maximum = max_mean_log_likelihood(np.linalg.eigvalsh(np.cov(x.T, bias=True)), k)
    assert oracle.log_likelihood(x).mean() == pytest.approx(maximum, rel=1e-12)
    weight, bias, logvar = oracle.best_encoder()
    logvars = np.broadcast_to(logvar, (n, k))
    assert oracle.elbo(x, x @ weight + bias, logvars).mean() == pytest.approx(maximum, rel=1e-12)
    assert np.abs(oracle.gap(x, x @ weight + bias, logvars)).max() < 1e-11


@pytest.mark.parametrize(("n", "d", "k"), CROWDS)
def test_no_other_parameters_are_likelier(n, d, k):
    x = crowd(n, d)
    oracle = LinearGaussian.fit(x, k)
    best = oracle.log_likelihood(x).mean()
    rng = np.random.default_rng(7)
    for scale in np.geomspace(1e-3, 0.3, 60):
        weight = oracle.weight + scale * rng.standard_normal((k, d))
        bias = oracle.bias + scale * rng.standard_normal(d)
        sigma = oracle.sigma * np.exp(scale * rng.standard_normal())
        assert LinearGaussian(weight, bias, sigma).log_likelihood(x).mean() < best


def test_the_likelihood_is_flat_at_the_maximum():
    x = crowd(300, 5)
    oracle = LinearGaussian.fit(x, 2)
    theta = np.concatenate([oracle.weight.ravel(), oracle.bias, [oracle.sigma]])

    def value(theta):
        weight, noise = theta[:10].reshape(2, 5), theta[15] ** 2 * np.eye(5)
        return gaussian_log_density(x, theta[10:15], weight.T @ weight + noise).mean()

    def slopes(theta):
        return [(value(theta + e) - value(theta - e)) / 2e-4 for e in 1e-4 * np.eye(16)]

    assert np.abs(slopes(theta)).max() < 1e-7
    assert np.abs(slopes(1.01 * theta)).max() > 1e-2


def test_fit_recovers_a_model_from_its_exact_moments():
    truth = model(2, 6)
    x = np.random.default_rng(8).standard_normal((50, 6))
    x -= x.mean(axis=0)
    x = x @ np.linalg.inv(np.linalg.cholesky(x.T @ x / 50)).T
    x = x @ np.linalg.cholesky(covariance(truth)).T + truth.bias
    found = LinearGaussian.fit(x, 2)
    assert found.sigma == pytest.approx(truth.sigma, rel=1e-12)
    np.testing.assert_allclose(found.bias, truth.bias, atol=1e-13)
    np.testing.assert_allclose(covariance(found), covariance(truth), atol=1e-12)


def test_fit_is_canonical():
    x = crowd(60, 12)
    oracle = LinearGaussian.fit(x, 4)
    gram = oracle.weight @ oracle.weight.T
    assert np.abs(gram - np.diag(np.diag(gram))).max() < 1e-12 * gram.max()
    assert np.all(np.diff(np.diag(gram)) < 0.0)
    assert np.all(oracle.weight.max(axis=1) == np.abs(oracle.weight).max(axis=1))
    for other in (x[::-1], -x):
        np.testing.assert_allclose(LinearGaussian.fit(other, 4).weight, oracle.weight, atol=1e-11)


@pytest.mark.parametrize("size", [0.3, 0.7, 1.2])
def test_fit_of_a_round_cloud_uses_no_latent(size):
    oracle = LinearGaussian.fit(size * np.vstack([np.eye(4), -np.eye(4)]), 1)
    assert oracle.sigma == pytest.approx(size / 2, rel=1e-12)
    assert np.abs(oracle.weight).max() < 1e-6 * size


def test_samples_have_the_moments_of_the_joint():
    oracle, n = model(2, 4), 100_000
    joint = np.hstack(oracle.sample(n, np.random.default_rng(9)))
    off = joint - np.concatenate([oracle.bias, np.zeros(2)])
    cov = np.block([[covariance(oracle), oracle.weight.T], [oracle.weight, np.eye(2)]])
    within_four_errors(off, 0.0)
    within_four_errors(np.einsum("ni,nj->nij", off, off).reshape(n, -1), cov.ravel())


def test_parameters_are_frozen_copies():
    weight = np.ones((1, 2), dtype=np.float32)
    oracle = LinearGaussian(weight, np.zeros(2, dtype=np.float32), 1)
    weight[:] = 5.0
    assert oracle.weight.dtype == np.float64
    assert np.all(oracle.weight == 1.0)
    with pytest.raises(ValueError, match="read-only"):
        oracle.weight[0, 0] = 2.0
    with pytest.raises(AttributeError):
        oracle.sigma = 2.0


@pytest.mark.parametrize(("d", "k"), [(3, 1), (6, 3), (20, 5)])
def test_two_rows_more_than_latent_dimensions_are_enough(d, k):
    x = crowd(k + 2, d)
    oracle = LinearGaussian.fit(x, k)
    spectrum = np.linalg.svd(x - x.mean(axis=0), compute_uv=False) ** 2 / len(x)
    assert oracle.sigma**2 == pytest.approx(spectrum[k:].sum() / (d - k), rel=1e-10)
    with pytest.raises(errors.EmptyDataError, match=f"at least {k + 2}"):
        LinearGaussian.fit(x[: k + 1], k)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_rounding_is_no_variance_and_little_variance_is_some(size):
    rng = np.random.default_rng(10)
    flat = size * (rng.standard_normal((40, 2)) @ rng.standard_normal((2, 6)))
    with pytest.raises(errors.DataError, match="no variance outside 2"):
        LinearGaussian.fit(flat, 2)
    off = 1e-10 * size  # far above rounding, far below the rest
    found = LinearGaussian.fit(flat + off * rng.standard_normal((40, 6)), 2)
    assert found.sigma == pytest.approx(off, rel=0.2)


X, Z, RNG = np.ones((3, 5)), np.ones((3, 3)), np.random.default_rng(0)
HOLED = np.where(np.arange(15).reshape(3, 5) == 7, np.inf, X)
BAD = [
    (lambda: LinearGaussian(np.ones((2, 3)), np.ones(2), 1.0), errors.ShapeError, "bias"),
    (lambda: LinearGaussian(np.ones((2, 3)), np.ones(3), 0.0), errors.SizeError, "sigma"),
    (lambda: model().log_likelihood(np.ones((2, 4))), errors.ShapeError, r"\(any, 5\)"),
    (lambda: model().log_likelihood(np.ones((0, 5))), errors.EmptyDataError, "empty"),
    (lambda: model().log_likelihood(HOLED), errors.NonFiniteDataError, r"inf at index \(1, 2\)"),
    (lambda: model().posterior(X.astype(np.uint8)), errors.DTypeError, "uint8"),
    (lambda: model().elbo(X, Z[:1], Z[:1]), errors.ShapeError, "mu"),
    (lambda: model().elbo(X, Z, Z[0]), errors.ShapeError, "logvar"),
    (lambda: model().gap(X, Z, Z[:1]), errors.ShapeError, "logvar"),
    (lambda: model().sample(0, RNG), errors.SizeError, "n=0"),
    (lambda: LinearGaussian.fit(crowd(9, 4), 4), errors.SizeError, "latent_dim=4"),
    (lambda: LinearGaussian.fit(crowd(4, 6), 3), errors.EmptyDataError, "at least 5"),
    (lambda: LinearGaussian.fit(crowd(9, 2) @ np.ones((2, 4)), 1), errors.DataError, "sigma"),
    (lambda: max_mean_log_likelihood([1.0, 0.0], 1), errors.DataError, "positive"),
]


@pytest.mark.parametrize(("call", "error", "words"), BAD)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_the_oracle_leans_on_nothing_it_judges():
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    named = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    named |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert named == {"__future__", "dataclasses", "numpy", "numpy.typing", "tinyvae.errors"}


@pytest.mark.parametrize("k", [1, 2, 3])
def test_latent_dim_and_two_more_rows_are_enough_and_one_less_is_not(k):
    fitted = LinearGaussian.fit(crowd(k + 2, 6), k)
    assert np.isfinite(fitted.log_likelihood(crowd(5, 6))).all()
    with pytest.raises(errors.EmptyDataError, match=f"needs at least {k + 2}"):
        LinearGaussian.fit(crowd(k + 1, 6), k)


@pytest.mark.parametrize("thickness", [1e-5, 1e-3])
def test_thin_data_are_fitted_and_flat_data_are_refused(thickness):
    rng = np.random.default_rng(0)
    flat = rng.standard_normal((50, 2)) @ rng.standard_normal((2, 5))
    thick = LinearGaussian.fit(flat + thickness * rng.standard_normal((50, 5)), 2)
    assert thick.sigma == pytest.approx(thickness, rel=0.2)
    with pytest.raises(errors.DataError, match="latent_dim"):
        LinearGaussian.fit(flat, 2)
