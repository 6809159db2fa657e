"""Bounds of log p(x) from samples of q(z given x): the ELBO and the importance-weighted bound."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from tinyvae.model.network import Network

Array = NDArray[Any]

# So many samples of z go through the decoder at a time; with W = 784 that is below 20 MB.
_CHUNK = 2500
_CHUNK_SAMPLES = 50


class Bounds(NamedTuple):
    """Estimates for each example, (batch,) in nats; see ``VAE.bounds``."""

    reconstruction: Array
    elbo: Array
    importance_weighted: Array


def log_weights(
    network: Network, x: Array, posterior: tuple[Array, Array], noise: Array, labels: Array | None
) -> tuple[Array, Array]:
    """Return log_w = log p(x, z) - log q(z given x), and reconstruction, both (batch * K,) nats.

    noise is (batch * K, latent_dim), K samples an example next to each other; posterior (mu,
    logvar) and x have a row for each example.
    """
    k = len(noise) // len(x)
    mu, logvar, xs = (np.repeat(array, k, axis=0) for array in (*posterior, x))
    repeated = None if labels is None else np.repeat(labels, k)
    z = network.ops.reparameterize_forward(mu, logvar, noise)
    reconstruction = network.likelihood.reconstruction(network.decoder.forward(z, repeated)[-1], xs)
    return network.ops.log_weight_forward(reconstruction, logvar, noise, z), reconstruction


def estimate_bounds(
    network: Network,
    x: Array,
    posterior: tuple[Array, Array],
    labels: Array | None,
    n_samples: int,
    rng: np.random.Generator,
    progress: bool,
) -> Bounds:
    """Estimate all three, chunk by chunk; the arguments are those of ``VAE.bounds``, checked."""
    found = np.empty((3, len(x)))
    step = max(1, _CHUNK // min(n_samples, _CHUNK_SAMPLES))
    with tqdm(total=len(x), desc="bounds", unit="row", disable=not progress, leave=False) as bar:
        for start in range(0, len(x), step):
            rows = slice(start, start + step)
            q = posterior[0][rows], posterior[1][rows]
            chosen = None if labels is None else labels[rows]
            found[:, rows] = _chunk(network, x[rows], q, chosen, n_samples, rng)
            bar.update(found[0, rows].size)
    return Bounds(*found)


def _chunk(
    network: Network,
    x: Array,
    posterior: tuple[Array, Array],
    labels: Array | None,
    n_samples: int,
    rng: np.random.Generator,
) -> Bounds:
    n = len(x)
    reconstruction, elbo, scaled = np.zeros((3, n))  # scaled: sum of w / the largest w so far
    largest = np.full(n, -np.inf)
    for done in range(0, n_samples, _CHUNK_SAMPLES):
        k = min(_CHUNK_SAMPLES, n_samples - done)
        # Drawn sample after sample, so that the size of a chunk changes no draw.
        drawn = rng.standard_normal((k, n, network.latent_dim)).swapaxes(0, 1)
        noise = drawn.reshape(n * k, network.latent_dim).astype(x.dtype)
        weighed = log_weights(network, x, posterior, noise, labels)
        log_w, minus_log_p = (a.reshape(n, k).astype(np.float64) for a in weighed)
        reconstruction += minus_log_p.sum(axis=1)
        elbo += log_w.sum(axis=1)
        larger = np.maximum(largest, log_w.max(axis=1))
        scaled = scaled * np.exp(largest - larger) + np.exp(log_w - larger[:, None]).sum(axis=1)
        largest = larger
    bound = largest + np.log(scaled / n_samples)
    return Bounds(reconstruction / n_samples, elbo / n_samples, bound)
