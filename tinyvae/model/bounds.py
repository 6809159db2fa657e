"""Bounds of log p(x) from samples of q(z given x): the ELBO and the importance-weighted bound."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from tinyvae.checkpoint import read_checkpoint, take, write_checkpoint
from tinyvae.errors import CheckpointError
from tinyvae.model.network import Network

Array = NDArray[Any]

#: Weighs samples: (x, posterior, noise (batch, K, latent_dim), labels) to (reconstruction, log_w),
#: each (batch, K).
Weigher = Callable[[Array, tuple[Array, Array], Array, Array | None], tuple[Array, Array]]

# Rows times samples, of which up to 50 count, in a chunk.  Another number draws other noise.
_CHUNK = 2500
_CHUNK_SAMPLES = 64
_DRAWN_TOGETHER = 50
_SAVED_EVERY = 8  # chunks


class Bounds(NamedTuple):
    """Estimates for each example, (batch,) in nats; see ``VAE.bounds``."""

    reconstruction: Array
    elbo: Array
    importance_weighted: Array


class WeighByOperations:
    """One operation after the other."""

    def __init__(self, network: Network) -> None:
        self.network = network

    def __call__(
        self, x: Array, posterior: tuple[Array, Array], noise: Array, labels: Array | None
    ) -> tuple[Array, Array]:
        """Return reconstruction and log_w = log p(x, z) - log q(z given x), (batch, K) nats."""
        n, k, latent_dim = noise.shape
        network, flat = self.network, noise.reshape(n * k, latent_dim)
        mu, logvar, xs = (np.repeat(array, k, axis=0) for array in (*posterior, x))
        repeated = None if labels is None else np.repeat(labels, k)
        z = network.ops.reparameterize_forward(mu, logvar, flat)
        logits = network.decoder.forward(z, repeated)[-1]
        reconstruction = network.likelihood.reconstruction(logits, xs)
        log_w = network.ops.log_weight_forward(reconstruction, logvar, flat, z)
        return reconstruction.reshape(n, k), log_w.reshape(n, k)


class Unfinished:
    """What is known of an estimate so far, and the file that keeps it.

    Parameters
    ----------
    path : path or None
        Written now and then; read first, if it is there.
    found : (3, n) array
        The estimates, to be filled row by row.
    rng : numpy.random.Generator
    identity : dict
        What must be the same for the file to be of use.
    """

    def __init__(
        self,
        path: str | PathLike[str] | None,
        found: Array,
        rng: np.random.Generator,
        identity: dict[str, Any],
    ) -> None:
        self.path, self.found, self.rng, self.identity = path, found, rng, identity
        self.done = 0
        if path is not None and Path(path).exists():
            self._read(path)

    def _read(self, path: str | PathLike[str]) -> None:
        arrays, metadata = read_checkpoint(path)
        if metadata.get("bounds") != self.identity:
            raise CheckpointError(
                f"{path} keeps bounds of another model, other data, or another seed or number of "
                "samples: name another file, or remove it."
            )
        self.found[:] = take(arrays, {"found": (self.found.shape, self.found.dtype)}, path)["found"]
        self.done = int(metadata["done"])
        self.rng.bit_generator.state = metadata["generator"]

    def save(self, done: int) -> None:
        """Write what is known now that ``done`` rows are finished."""
        self.done = done
        if self.path is not None:
            state = self.rng.bit_generator.state
            metadata = {"bounds": self.identity, "done": done, "generator": state}
            write_checkpoint(self.path, {"found": self.found}, metadata)


def identity_of(
    values: Array, x: Array, labels: Array | None, n_samples: int, seed: int
) -> dict[str, Any]:
    """Return what tells an estimate from another one, fit for JSON."""
    sums = {"values": values, "x": x} | ({} if labels is None else {"labels": labels})
    checks = {name: zlib.crc32(np.ascontiguousarray(a).data) for name, a in sums.items()}
    return {**checks, "shape": list(x.shape), "n_samples": n_samples, "seed": seed}


def estimate_bounds(
    weigh: Weigher,
    x: Array,
    posterior: tuple[Array, Array],
    labels: Array | None,
    n_samples: int,
    unfinished: Unfinished,
    progress: bool,
) -> Bounds:
    """Estimate all three, chunk by chunk; the arguments are those of ``VAE.bounds``, checked."""
    found = unfinished.found
    step = max(1, _CHUNK // min(n_samples, _DRAWN_TOGETHER))
    bar = tqdm(
        total=len(x),
        initial=unfinished.done,
        desc="bounds",
        unit="row",
        disable=not progress,
        leave=False,
    )
    with bar:
        for count, start in enumerate(range(unfinished.done, len(x), step), start=1):
            rows = slice(start, start + step)
            q = posterior[0][rows], posterior[1][rows]
            chosen = None if labels is None else labels[rows]
            found[:, rows] = _chunk(weigh, x[rows], q, chosen, n_samples, unfinished.rng)
            bar.update(found[0, rows].size)
            if count % _SAVED_EVERY == 0:
                unfinished.save(min(start + step, len(x)))
    unfinished.save(len(x))
    return Bounds(*found)


def _drawn(
    rng: np.random.Generator, n_samples: int, shape: tuple[int, int], dtype: np.dtype[Any]
) -> Iterator[Array]:
    """Yield noise, (batch, K, latent_dim), the next piece drawn while one is in use.

    Drawn sample after sample, so that the size of a piece changes no draw.
    """

    def draw(k: int) -> Array:
        return rng.standard_normal((k, *shape)).swapaxes(0, 1).astype(dtype, order="C")

    sizes = [min(_CHUNK_SAMPLES, n_samples - i) for i in range(0, n_samples, _CHUNK_SAMPLES)]
    if len(sizes) == 1:
        yield draw(sizes[0])
        return
    with ThreadPoolExecutor(1) as one:
        following = one.submit(draw, sizes[0])
        for k in [*sizes[1:], 0]:
            noise = following.result()
            if k:
                following = one.submit(draw, k)
            yield noise


def _chunk(
    weigh: Weigher,
    x: Array,
    posterior: tuple[Array, Array],
    labels: Array | None,
    n_samples: int,
    rng: np.random.Generator,
) -> Bounds:
    n = len(x)
    reconstruction, elbo, scaled = np.zeros((3, n))  # scaled: sum of w / the largest w so far
    largest = np.full(n, -np.inf)
    for noise in _drawn(rng, n_samples, posterior[0].shape, x.dtype):
        minus_log_p, log_w = (a.astype(np.float64) for a in weigh(x, posterior, noise, labels))
        reconstruction += minus_log_p.sum(axis=1)
        elbo += log_w.sum(axis=1)
        larger = np.maximum(largest, log_w.max(axis=1))
        scaled = scaled * np.exp(largest - larger) + np.exp(log_w - larger[:, None]).sum(axis=1)
        largest = larger
    bound = largest + np.log(scaled / n_samples)
    return Bounds(reconstruction / n_samples, elbo / n_samples, bound)
