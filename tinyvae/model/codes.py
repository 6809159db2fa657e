"""From x to z and back, a chunk of rows at a time: beside input and output little memory is taken.

No result depends on the chunk: rows are independent, and random numbers come from streams.  (With
the reference backend the last bits of a matrix product are the BLAS library's, which rounds
products of other sizes in other ways.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinyvae.errors import ShapeError, check_count, check_number
from tinyvae.model.inputs import Inputs
from tinyvae.model.network import Network

Array = NDArray[Any]
Labels = NDArray[Any] | None

#: Numbers in the widest layer of a chunk; in float32 that is 2 MB.
CHUNK_NUMBERS = 1 << 19


class Codes:
    """Encodes, decodes and samples, with a network whose inputs are checked.

    Parameters
    ----------
    network : Network
    inputs : Inputs
    """

    def __init__(self, network: Network, inputs: Inputs) -> None:
        self.network, self.inputs, self.dtype = network, inputs, inputs.dtype
        shape = inputs.architecture
        self.input_dim, self.latent_dim = shape.input_dim, shape.latent_dim
        likelihood = network.likelihood  # the Gaussian ones need no operation for their mean
        self._mean = getattr(network.ops, f"{likelihood.name}_mean", likelihood.mean)
        self._widest = max(*shape.encoder_widths, *shape.decoder_widths)

    def encode(self, x: ArrayLike, labels: ArrayLike | None, trusted: bool) -> tuple[Array, Array]:
        """Return mu and logvar; see ``VAE.encode``."""
        floats, n = self._reader(x, trusted)
        given = self.inputs.labels(labels, n)
        mu, logvar = (np.empty((n, self.latent_dim), self.dtype) for _ in range(2))
        for part in self._parts(n):
            mu[part], logvar[part] = self.network.encode(floats(part), _of(given, part))[1:]
        return mu, logvar

    def decode(self, z: ArrayLike, labels: ArrayLike | None, *, mean: bool) -> Array:
        """Return the logits for z, or the mean of p(x given z)."""
        rows = self.inputs.numbers("z", z, self.latent_dim)
        given = self.inputs.labels(labels, len(rows))
        x = self._room(len(rows))
        for part in self._parts(len(rows)):
            x[part] = self._decode(rows[part], _of(given, part), mean)
        return x

    def reconstruct(self, x: ArrayLike, labels: ArrayLike | None) -> Array:
        """Return E[x given z = mu(x)]."""
        floats, n = self._reader(x, False)
        given = self.inputs.labels(labels, n)
        found = self._room(n)
        for part in self._parts(n):
            chosen = _of(given, part)
            mu = self.network.encode(floats(part), chosen)[1]
            found[part] = self._decode(mu, chosen, True)
        return found

    def samples(
        self,
        n: int,
        *,
        scale: float = 1.0,
        label: ArrayLike | None = None,
        seed: int | None = None,
        noise: ArrayLike | None = None,
        draw: bool = False,
    ) -> Iterator[Array]:
        """Return what yields the rows of ``VAE.sample``, a chunk at a time."""
        check_count("n", n)
        scale = check_number("scale", scale, at_least=0.0)
        if seed is not None:
            check_count("seed", seed, at_least=0)
        given = self.inputs.labels(label, n)
        if noise is not None:
            rows = len(self.inputs.numbers("noise", noise, self.latent_dim))
            if rows != n:
                raise ShapeError(f"noise has {rows} rows, expected n = {n} of them.")
            noise = np.asarray(noise)  # as it came: scaled before it is rounded
        return self._samples(n, scale, given, np.random.SeedSequence(seed), noise, draw)

    def _samples(
        self,
        n: int,
        scale: float,
        labels: Labels,
        source: np.random.SeedSequence,
        noise: Array | None,
        draw: bool,
    ) -> Iterator[Array]:
        z_rng, x_rng = (np.random.default_rng(s) for s in (source, *source.spawn(1)))
        for part in self._parts(n):
            size = part.stop - part.start, self.latent_dim
            drawn = z_rng.standard_normal(size) if noise is None else noise[part]
            z = self.inputs.numbers("z", scale * drawn, self.latent_dim)
            x = self._decode(z, _of(labels, part), not draw)
            yield self.network.likelihood.draw(x, x_rng) if draw else x

    def sample(self, n: int, **options: Any) -> Array:
        """Return what ``samples`` yields as one array."""
        chunks = self.samples(n, **options)
        x, start = self._room(n), 0
        for chunk in chunks:
            x[start : start + len(chunk)] = chunk
            start += len(chunk)
        return x

    def _reader(self, x: ArrayLike, trusted: bool) -> tuple[Callable[[slice], Array], int]:
        """Return what gives rows of x as floats, and how many there are."""
        if trusted:
            known = np.asarray(x)
            return known.__getitem__, len(known)
        rows = self.inputs.rows(x)
        return rows.floats, len(rows)

    def _decode(self, z: Array, labels: Labels, mean: bool) -> Array:
        logits = self.network.decoder.forward(z, labels)[-1]
        return self._mean(logits) if mean else logits

    def _room(self, n: int) -> Array:
        return np.empty((n, self.input_dim), self.dtype)

    def _parts(self, n: int) -> Iterator[slice]:
        step = max(1, CHUNK_NUMBERS // self._widest)
        for start in range(0, n, step):
            yield slice(start, min(start + step, n))


def _of(labels: Labels, part: slice) -> Labels:
    return None if labels is None else labels[part]
