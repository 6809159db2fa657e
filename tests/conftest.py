"""What the tests of the mathematics share, as fixtures that are functions.

A derivative without differences, error bars, and small models; no test and no truth stands here.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, settings

from tinyvae.model.likelihoods import LIKELIHOODS
from tinyvae.model.vae import VAE

# For mutations.py, which wants a failure and not the smallest example of one.
settings.register_profile("no_shrinking", phases=[Phase.explicit, Phase.generate])


@pytest.fixture
def rng():
    return np.random.default_rng(20)


@pytest.fixture
def one_step_a_call(monkeypatch):
    """Let small models train step by step, so that something can happen after each."""
    monkeypatch.setattr("tinyvae.ops.train_step.MOST_STEPS", 1)


@pytest.fixture
def complex_step():
    """Gradient of a real function of one array: Im f(x + i h) / h, one entry at a time."""

    def gradient(function, array, step=1e-30):
        moved = array.astype(np.complex128)
        found = np.empty(array.shape)
        for index in np.ndindex(array.shape):
            moved[index] += 1j * step
            found[index] = np.imag(function(moved)) / step
            moved[index] = array[index]
        return found

    return gradient


@pytest.fixture
def assert_gradient():
    """Relative error in norm at most 1e-14; of an entry, at most 1e-10."""

    def check(came, truth, name=""):
        assert came.shape == truth.shape, name
        norm = np.linalg.norm(truth)
        assert norm > 0.0, name
        error = np.abs(came - truth)
        assert np.linalg.norm(error) <= 1e-14 * norm, name
        assert np.all(error <= 1e-10 * np.maximum(np.abs(truth), 1e-6 * norm)), name

    return check


@pytest.fixture
def assert_mean():
    """The mean of independent draws (rows) is within 4 standard errors of the truth."""

    def check(draws, truth):
        draws = np.asarray(draws, dtype=np.float64)
        error = draws.std(axis=0, ddof=1) / np.sqrt(len(draws))
        assert np.all(np.abs(draws.mean(axis=0) - truth) <= 4.0 * error)

    return check


@pytest.fixture
def log_normal():
    """Log density of N(mean, diag(variance)) at the rows of z, from the textbook."""

    def density(z, mean, variance):
        square = (z - mean) ** 2 / variance
        return -0.5 * (np.log(2.0 * np.pi * variance) + square).sum(axis=-1)

    return density


@pytest.fixture
def make_vae():
    """Build a small model in float64 whose biases are not zero, on the reference backend."""

    def build(input_dim=6, hidden_dims=(5,), latent_dim=2, *, nudge=0.1, **options):
        options = {"dtype": "float64", "backend": "reference", "seed": 3} | options
        vae = VAE(input_dim, hidden_dims, latent_dim, **options)
        noise = np.random.default_rng(4).standard_normal(vae.parameters.size)
        vae.parameters.values[:] += nudge * noise
        return vae

    return build


@pytest.fixture
def make_x():
    """Build data that a likelihood can describe."""

    def build(likelihood, rows=9, input_dim=6, seed=5):
        rng = np.random.default_rng(seed)
        return LIKELIHOODS[likelihood].example(rng, (rows, input_dim))

    return build
