"""Scores are the bounds they claim to be, and each depends on its row alone, to the last bit."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

pytest.importorskip("sklearn.base", reason="the extra sklearn is not installed")

from numpy.testing import assert_allclose, assert_array_equal
from small_estimators import CLASSES, TABLE, make

from tinyvae import LinearGaussian
from tinyvae.model.likelihoods import LIKELIHOODS
from tinyvae.sklearn.scoring import binarize_alike, common_noise


def data_of(likelihood, rows=60):
    return LIKELIHOODS[likelihood].example(np.random.default_rng(6), (rows, 4))


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize(
    ("backend", "dtype"),
    [*itertools.product(["reference", "numba"], ["float32", "float64"])],
)
@pytest.mark.parametrize("score_by", ["elbo", "log_likelihood"])
def test_neither_order_nor_company_changes_a_bit(likelihood, backend, dtype, score_by):
    x = data_of(likelihood, 130)
    fitted = make(
        likelihood=likelihood, backend=backend, dtype=dtype, score_by=score_by, hidden_dims=(19, 9)
    ).fit(x)
    scores, codes = fitted.score_samples(x), fitted.transform(x)
    order = np.random.default_rng(7).permutation(130)
    for index in (order, order[:1], order[:2], order[:7], order[:64], order[3:100:5]):
        assert_array_equal(fitted.score_samples(x[index]), scores[index])
        assert_array_equal(fitted.transform(x[index]), codes[index])


def test_many_rows_and_many_samples_are_the_same_in_chunks(monkeypatch):
    fitted = make(
        backend="numba", score_n_samples=30, score_by="log_likelihood", conditional=True
    ).fit(TABLE, CLASSES)
    whole, codes = fitted.score_samples(TABLE, CLASSES), fitted.transform(TABLE, CLASSES)
    for chunk in (7, 31, 64):
        monkeypatch.setattr("tinyvae.sklearn.scoring._CHUNK", chunk)
        assert_allclose(fitted.score_samples(TABLE, CLASSES), whole, rtol=1e-6)
        assert_array_equal(fitted.transform(TABLE, CLASSES), codes)


@pytest.mark.parametrize("conditional", [False, True])
def test_scores_are_those_of_the_model_by_the_same_noise(conditional):
    y = CLASSES if conditional else None
    fitted = make(dtype="float64", score_n_samples=40, conditional=conditional, epochs=30)
    fitted.fit(TABLE, y)
    labels = np.searchsorted(fitted.classes_, CLASSES) if conditional else None
    noise = common_noise(fitted._noise_seed, 40, 2)
    shared = np.broadcast_to(noise, (60, 40, 2))
    log_w = fitted.vae_.log_importance_weights(TABLE, shared, labels)
    mu, logvar = fitted.vae_.encode(TABLE, labels)
    # The KL term is exact: its estimate from the same noise is taken out again.
    z = mu[:, None] + np.exp(logvar / 2)[:, None] * noise
    estimate = 0.5 * (z**2 - noise**2 - logvar[:, None]).sum(axis=2)
    exact = 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar).sum(axis=1)
    elbo = (log_w + estimate).mean(axis=1) - exact
    assert_allclose(fitted.score_samples(TABLE, y), elbo, rtol=1e-12)
    bound = np.log(np.exp(log_w).mean(axis=1))
    scored = fitted.set_params(score_by="log_likelihood").score_samples(TABLE, y)
    assert_allclose(scored, bound, rtol=1e-12)
    assert (scored >= log_w.mean(axis=1)).all()


def test_more_samples_begin_with_the_same_noise():
    assert_array_equal(common_noise(3, 50, 2)[:10], common_noise(3, 10, 2))


def test_scores_of_a_solvable_model_are_below_its_log_p_and_reach_it():
    oracle = LinearGaussian.fit(TABLE, 2)
    fitted = make(
        hidden_dims=(), likelihood="gaussian", sigma=oracle.sigma, dtype="float64",
        score_n_samples=2000,
    ).fit(TABLE)  # fmt: skip
    weight, bias, logvar = oracle.best_encoder()
    values = fitted.vae_.parameters
    values["encoder.0.weight"][:] = np.hstack([weight, np.zeros_like(weight)])
    values["decoder.0.weight"][:], values["decoder.0.bias"][:] = oracle.weight, oracle.bias
    exact = oracle.log_likelihood(TABLE)
    # A posterior that is off: the ELBO loses its gap, and importance weights make good for it.
    values["encoder.0.bias"][:] = np.concatenate([bias + 0.2, 10 * np.arctanh((logvar + 0.5) / 10)])
    elbo = fitted.score_samples(TABLE)
    gap = oracle.gap(TABLE, *fitted.vae_.encode(TABLE))
    assert gap.min() > 0.1
    assert_allclose(elbo, exact - gap, atol=0.2)
    bound = fitted.set_params(score_by="log_likelihood").score_samples(TABLE)
    assert_allclose(bound, exact, atol=0.05)
    # The exact one: every weight is p(x).
    values["encoder.0.bias"][:] = np.concatenate([bias, 10.0 * np.arctanh(logvar / 10.0)])
    assert_allclose(fitted.score_samples(TABLE), exact, atol=1e-9)


def test_grey_pixels_are_one_with_their_probability_and_alike_in_all_rows():
    grey = np.full((3, 20_000), 0.3, np.float32)
    drawn = binarize_alike(grey, "stochastic", 4)
    assert_array_equal(drawn[0], drawn[1])
    assert abs(drawn[0].mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 20_000)
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert binarize_alike(np.array([[0.0, 1.0]]), "stochastic", 4).tolist() == [[0.0, 1.0]]
    assert binarize_alike(np.array([[0.49, 0.5]]), "threshold", 4).tolist() == [[0.0, 1.0]]
    fitted = make(likelihood="bernoulli").fit(grey[:, :4])
    thresholds = np.random.default_rng([fitted._noise_seed, 1]).random(4, dtype=np.float32)
    seen = (thresholds < 0.3).astype(np.float32)
    assert_array_equal(fitted.score_samples(grey[:, :4])[0], fitted.score_samples([seen])[0])
