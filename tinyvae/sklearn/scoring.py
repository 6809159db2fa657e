"""A score for each row that depends on nothing but the row.

All rows get the same noise, and the same thresholds where grey pixels become 0 or 1.  So neither
their order nor their company changes a score, and rows that are near get scores that are near.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.model.vae import VAE

Array = NDArray[Any]

#: What a score may be.
SCORES = ("elbo", "log_likelihood")
# The most samples of z that go through the decoder at a time.
_CHUNK = 4096


def common_noise(seed: int, n_samples: int, latent_dim: int) -> Array:
    """Return the noise that all rows share, (n_samples, latent_dim).

    More samples begin with the same ones.
    """
    return np.random.default_rng(seed).standard_normal((n_samples, latent_dim))


def binarize_alike(x: Array, how: str, seed: int) -> Array:
    """Return grey pixels as 0 and 1: 1 where x is above a threshold, one for each column.

    ``"stochastic"`` draws the thresholds from U(0, 1), so each pixel is 1 with probability x;
    ``"threshold"`` takes 0.5 (and is 1 at 0.5); ``"none"`` leaves x alone.
    """
    if how == "none":
        return x
    if how == "threshold":
        return (x >= 0.5).astype(x.dtype)
    thresholds = np.random.default_rng([seed, 1]).random(x.shape[1], dtype=np.float32)
    return (thresholds < x).astype(x.dtype)


def score_rows(vae: VAE, x: Array, labels: Array | None, noise: Array, by: str) -> Array:
    """Return the ELBO or the importance-weighted bound of log p(x) of each row.

    elbo = -reconstruction - kl, with the mean of the reconstruction over the noise and the KL term
    exact; log_likelihood = log of the mean over the noise of w, where log w = log p(x, z) -
    log q(z given x).  Burda, Grosse and Salakhutdinov (2016), equation 8.

    Parameters
    ----------
    vae : VAE
    x : (n, input_dim) array
        In the model's dtype, read, checked and binarized.
    labels : (n,) array of int64 or None
        Of a conditional model, whose scores are of log p(x given y).
    noise : (K, latent_dim) array
        Standard normal, the same for all rows.
    by : str
        One of ``SCORES``.

    Returns
    -------
    (n,) float64 array, nats
    """
    found = np.empty(len(x))
    for rows in _chunks(vae, len(x), _CHUNK // len(noise)):
        chosen = None if labels is None else labels[rows]
        found[rows] = _chunk(vae, x[rows], chosen, noise, by)
    return found


def encode_rows(vae: VAE, x: Array, labels: Array | None) -> Array:
    """Return mu of each row, (n, latent_dim)."""
    mu = np.empty((len(x), vae.latent_dim), vae.dtype)
    for rows in _chunks(vae, len(x), _CHUNK):
        mu[rows] = vae.network.encode(x[rows], None if labels is None else labels[rows])[1]
    return mu


def _chunks(vae: VAE, n: int, most: int) -> Iterator[slice]:
    """Yield slices of rows.  BLAS adds in an order that depends on how many rows there are."""
    step = 1 if vae.backend == "reference" else max(1, most)
    return (slice(start, start + step) for start in range(0, n, step))


def _chunk(vae: VAE, x: Array, labels: Array | None, noise: Array, by: str) -> Array:
    n = len(x)
    posterior = vae.network.encode(x, labels)[1:]
    log_w: list[Array] = []
    reconstruction: list[Array] = []
    for start in range(0, len(noise), _CHUNK):
        part = noise[start : start + _CHUNK].astype(vae.dtype)
        repeated = np.ascontiguousarray(np.broadcast_to(part, (n, *part.shape)))
        weighed = vae.weigh(x, posterior, repeated, labels)
        for kept, found in zip((reconstruction, log_w), weighed, strict=True):
            kept.append(found.astype(np.float64))
    if by == "elbo":
        kl = vae.network.ops.kl_forward(*posterior).astype(np.float64).sum(axis=1)
        elbo: Array = -np.concatenate(reconstruction, axis=1).mean(axis=1) - kl
        return elbo
    bound: Array = np.logaddexp.reduce(np.concatenate(log_w, axis=1), axis=1) - np.log(len(noise))
    return bound
