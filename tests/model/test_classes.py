"""What a conditional model says of x that nobody named, against the integral over z by a grid."""

from __future__ import annotations

import numpy as np
import pytest

from tinyvae.errors import UsageError
from tinyvae.model.classes import class_bounds
from tinyvae.model.evaluation import evaluate


def log_mean_exp(values, axis):
    largest = values.max(axis=axis, keepdims=True)
    return (largest + np.log(np.exp(values - largest).mean(axis=axis, keepdims=True))).squeeze(axis)


@pytest.fixture
def told(make_vae, make_x):
    """A conditional model of one latent dimension, eight rows, and a label for each."""
    vae = make_vae(4, (6,), 1, n_classes=3, nudge=0.7)
    for name in ("encoder.1.weight", "encoder.1.bias"):  # q near the prior weighs z evenly
        vae.parameters[name][:] *= 0.1
    return vae, make_x("bernoulli", 8, 4), np.arange(8) % 3


def by_grid(vae, x):
    """Return log p(x given y) for every y by the trapezoidal rule over z, (batch, n_classes)."""
    z, step = np.linspace(-9.0, 9.0, 4001, retstep=True)
    log_prior = -0.5 * (np.log(2.0 * np.pi) + z**2)
    found = np.empty((len(x), vae.n_classes))
    for y in range(vae.n_classes):
        logits = vae.decode(z[:, None], y)
        for i, row in enumerate(x):
            tiled = np.broadcast_to(row, (len(z), len(row)))
            joint = log_prior - vae.observation.reconstruction(logits, tiled)
            found[i, y] = np.log(np.sum(np.exp(joint)) * step)
    return found


def test_many_samples_find_the_integrals(told):
    vae, x, _ = told
    truth = by_grid(vae, x)
    found = class_bounds(vae, x, 20_000)
    np.testing.assert_allclose(found.given_label, truth, atol=0.02)
    np.testing.assert_allclose(found.log_likelihood, log_mean_exp(truth, 1), atol=0.02)
    posterior = np.exp(truth) / np.exp(truth).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.posterior, posterior, atol=0.02)


def test_few_samples_stay_below_on_average(told, assert_mean):
    vae, x, _ = told
    truth = log_mean_exp(by_grid(vae, x), 1)
    draws = np.array([class_bounds(vae, x, 2, seed=s).log_likelihood for s in range(400)])
    mean, error = draws.mean(axis=0), draws.std(axis=0, ddof=1) / np.sqrt(len(draws))
    assert np.all(mean <= truth + 4.0 * error)
    assert np.any(mean < truth - 4.0 * error)  # two samples do cost something


def test_the_posterior_is_that_of_equally_likely_classes(told):
    vae, x, _ = told
    found = class_bounds(vae, x, 5, seed=2)
    np.testing.assert_allclose(found.posterior.sum(axis=1), 1.0, rtol=1e-12)
    log_posterior = found.given_label - np.log(3.0) - found.log_likelihood[:, None]
    np.testing.assert_allclose(found.posterior, np.exp(log_posterior), rtol=1e-12)
    for y in range(3):
        alone = vae.bounds(x, 5, labels=y, seed=2).importance_weighted
        np.testing.assert_array_equal(found.given_label[:, y], alone)


def test_far_rows_do_not_underflow(told):
    vae, x, _ = told
    vae.parameters["decoder.1.bias"][:] = 2000.0  # exp(-2000) is zero in float64
    found = class_bounds(vae, 1.0 - x, 3)
    assert np.isfinite(found.log_likelihood).all()
    np.testing.assert_allclose(found.posterior.sum(axis=1), 1.0, rtol=1e-12)


def test_evaluate_tries_every_class(told):
    vae, x, labels = told
    alone = evaluate(vae, x, labels=labels)
    assert alone.log_likelihood is None
    assert alone.accuracy is None
    found = evaluate(vae, x, labels=labels, n_samples=4000, binarize="none")
    truth = by_grid(vae, x)
    assert found.log_likelihood == pytest.approx(log_mean_exp(truth, 1).mean(), abs=0.03)
    assert found.bound == pytest.approx(truth[np.arange(8), labels].mean(), abs=0.03)
    assert found.accuracy == (truth.argmax(axis=1) == labels).mean()


def test_a_model_without_classes_is_refused(make_vae, make_x):
    with pytest.raises(UsageError, match="n_classes"):
        class_bounds(make_vae(), make_x("bernoulli"), 3)


def test_x_is_read_once_and_every_class_weighed_once(told, monkeypatch):
    vae, x, labels = told
    grey = x * 0.75 + 0.125
    calls = []
    for owner, name in ((vae.inputs, "binarized"), (vae, "weigh")):
        method = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *a, m=method, n=name: calls.append(n) or m(*a))
    class_bounds(vae, grey, 5)
    assert calls == ["binarized", "weigh", "weigh", "weigh"]
    calls.clear()
    evaluate(vae, grey, labels=labels, n_samples=5)
    assert calls == ["weigh", "weigh", "weigh"]


def test_evaluate_reads_the_label_off_what_every_class_says(told):
    vae, x, labels = told
    found = evaluate(vae, x, labels=labels, n_samples=5, seed=1, binarize="none")
    drawn = int(np.random.default_rng(1).integers(2**63))
    alone = vae.bounds(x, 5, labels=labels, seed=drawn)
    assert found.bound == alone.importance_weighted.mean()
    assert found.reconstruction == alone.reconstruction.mean()
