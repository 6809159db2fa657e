"""The fused weighing is the operations one by one, for any model and any sizes of block."""

from __future__ import annotations

import numpy as np
import pytest

from tinyvae.model.bounds import WeighByOperations
from tinyvae.model.likelihoods import LIKELIHOODS
from tinyvae.model.training_step import FusedWeigh
from tinyvae.model.vae import VAE
from tinyvae.ops.machine.jit import JIT_DISABLED
from tinyvae.ops.reference import ACTIVATIONS

# Rows and samples: fewer than a block, whole blocks, and one more.
SIZES = [(1, 1), (3, 1), (130, 1), (7, 5), (2, 64), (3, 65), (2, 130)]


def both(vae, x, noise, labels=None):
    """Return (reconstruction, log_w) by the fused kernel and by operations in float64."""
    posterior = vae.encode(x, labels)
    told = None if labels is None else np.asarray(labels, np.int64)
    slow = vae.copy(backend="reference", dtype="float64")
    wide = [array.astype(np.float64) for array in (*posterior, noise, x)]
    expected = WeighByOperations(slow.network)(wide[3], (wide[0], wide[1]), wide[2], told)
    return FusedWeigh(vae.architecture, vae.network)(x, posterior, noise, told), expected


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_every_likelihood(likelihood, dtype, make_x, rng):
    vae = VAE(6, (5,), 2, likelihood=likelihood, dtype=dtype, seed=3)
    x = make_x(likelihood, 7).astype(dtype)
    noise = rng.standard_normal((7, 11, 2)).astype(dtype)
    tolerance = 1e-12 if dtype == "float64" else 3e-5
    for came, expected in zip(*both(vae, x, noise), strict=True):
        np.testing.assert_allclose(came, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("labelled", [False, True])
def test_every_activation_depth_and_size(activation, labelled, make_x, rng):
    for hidden in ((), (9,), (4, 8, 3)):
        vae = VAE(
            6, hidden, 3, activation=activation, n_classes=4 if labelled else None,
            dtype="float64", threads=1, seed=1,
        )  # fmt: skip
        vae.parameters.values[:] += 0.1 * rng.standard_normal(vae.parameters.values.size)
        for n, k in SIZES[:: 1 if activation == "tanh" else 3]:
            x, noise = make_x("bernoulli", n, 6), rng.standard_normal((n, k, 3))
            labels = rng.integers(0, 4, n) if labelled else None
            for came, expected in zip(*both(vae, x, noise, labels), strict=True):
                assert came.shape == (n, k)
                np.testing.assert_allclose(came, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.skipif(JIT_DISABLED, reason="takes minutes without compiling")
def test_threads_change_nothing(monkeypatch, rng):
    monkeypatch.setattr("tinyvae.ops.weigh.threads_for", lambda flops, threads: threads)
    vae = VAE(30, (20,), 4, seed=2)
    x = (rng.random((5, 30)) < 0.5).astype(np.float32)
    noise = rng.standard_normal((5, 200, 4)).astype(np.float32)
    posterior = vae.encode(x)
    weigh = FusedWeigh(vae.architecture, vae.network)
    found = []
    for threads in (1, 2):
        weigh.weigh.threads = threads
        found.append(weigh(x, posterior, noise, None))
    for one, two in zip(*found, strict=True):
        np.testing.assert_array_equal(one, two)
