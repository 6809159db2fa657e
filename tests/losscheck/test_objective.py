from __future__ import annotations

import numpy as np
import pytest
from exhibit import bce_logits, kl

import tinyvae as tv


def objective(width, error, weight=1.0):
    def elbo(x, encode, decode, rng):
        mu, logvar = encode(x)
        z = mu + width(logvar) * rng.standard_normal(mu.shape)
        return -np.mean(error(x, decode(z)) + weight * kl(mu, logvar).sum(1))

    return elbo


def std(logvar):
    return np.exp(0.5 * logvar)


def gaussian(x, mean):
    return 0.5 * np.sum((x - mean) ** 2, axis=1)


def test_right_objectives_pass():
    report = tv.check_loss(objective(std, gaussian))
    assert report.passed, report
    assert report.sigma == pytest.approx(1.0, abs=0.1)
    assert any("log p(x)" in note for note in report.notes)
    report = tv.check_loss(objective(std, lambda x, a: bce_logits(x, a).sum(1)))
    assert report.passed, report
    assert report.likelihood == "bernoulli"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (objective(np.exp, gaussian), "variance_for_std"),
        (objective(np.zeros_like, gaussian), "no_noise"),
        (objective(std, gaussian, weight=0.0), "kl_missing"),
        (objective(std, lambda x, m: np.mean((x - m) ** 2, axis=1)), "reduction"),
        (objective(std, gaussian, weight=-1.0), "sign"),
    ],
)
def test_wrong_objectives_are_named(wrong, code):
    report = tv.check_loss(wrong)
    assert code in [f.code for f in report.findings], report


def test_an_objective_with_another_argument_is_refused():
    with pytest.raises(tv.TinyVAEError, match="'labels' is not known"):
        tv.check_loss(lambda x, encode, decode, labels: 0.0)


def test_sizes_and_beta_are_heard():
    report = tv.check_loss(objective(std, gaussian), input_dim=10, latent_dim=3, batch_size=7)
    assert report.sizes == {"batch": 7, "input_dim": 10, "latent_dim": 3}
    with pytest.raises(tv.TinyVAEError, match="beta=0 must be a finite number above 0"):
        tv.check_loss(objective(std, gaussian), beta=0)
