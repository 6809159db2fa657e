"""What one does with a model: encode, decode, dream, weigh, keep.

The mathematics of the loss and its gradients stands in ``model.py``.  Random numbers are drawn
here only from a seed that the caller gave.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray
from tqdm import tqdm

from tinyvae.checkpoint import read_checkpoint, take, write_checkpoint
from tinyvae.data.batches import BINARIZE, binarized
from tinyvae.errors import (
    CheckpointError,
    ShapeError,
    TinyVAEError,
    check_count,
    check_number,
    check_option,
)
from tinyvae.model.config import Architecture
from tinyvae.model.network import Model

Array = NDArray[Any]

# So many samples of z go through the decoder at a time; with W = 784 that is below 20 MB.
_CHUNK = 2500
_CHUNK_SAMPLES = 50


class Bounds(NamedTuple):
    """Estimates for each example, (batch,) in nats; see ``VAE.bounds``."""

    reconstruction: Array
    elbo: Array
    importance_weighted: Array


class VAE(Model):
    """A variational autoencoder with dense layers and a diagonal Gaussian posterior.

    Parameters
    ----------
    input_dim : int
        Width of x.
    hidden_dims : sequence of int
        Widths of the encoder's hidden layers; may be empty (a linear encoder).
    latent_dim : int
        Width of z.
    decoder_hidden_dims : sequence of int, optional
        Widths of the decoder's hidden layers; the encoder's in reverse if not given.
    activation : str
        ``"relu"``, ``"tanh"``, ``"softplus"``, ``"sigmoid"`` or ``"identity"``.
    likelihood : str
        ``"bernoulli"``, ``"continuous_bernoulli"``, ``"gaussian"`` or ``"gaussian_learned"``.
    sigma : float
        Standard deviation of the Gaussian likelihood, or where learning it starts.
    dtype : dtype
        ``"float32"`` or ``"float64"`` (``"complex128"`` with the reference, for gradient checks).
    backend : str
        ``"numba"`` (fast) or ``"reference"`` (plain NumPy).
    threads : int, optional
        At most so many; chosen by the size of the work if not given.
    seed : int
        Of the initial weights.

    Attributes
    ----------
    parameters : Parameters
        All weights, by name and as one vector, and their gradients.

    Raises
    ------
    SizeError, OptionError
        If an argument makes no sense.

    Examples
    --------
    >>> vae = VAE(input_dim=784, hidden_dims=(400,), latent_dim=20)
    >>> vae
    VAE(784-400-20-400-784, relu, bernoulli, float32, numba, 652,824 parameters)
    >>> vae.sample(64, seed=1).shape
    (64, 784)
    """

    def __init__(
        self,
        input_dim: int,
        hidden_dims: Sequence[int] = (400,),
        latent_dim: int = 20,
        *,
        decoder_hidden_dims: Sequence[int] | None = None,
        activation: str = "relu",
        likelihood: str = "bernoulli",
        sigma: float = 1.0,
        dtype: DTypeLike = "float32",
        backend: str = "numba",
        threads: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(
            Architecture(
                input_dim=input_dim,
                hidden_dims=hidden_dims,
                latent_dim=latent_dim,
                decoder_hidden_dims=decoder_hidden_dims,
                activation=activation,
                likelihood=likelihood,
                sigma=sigma,
                dtype=dtype,
                backend=backend,
                threads=threads,
                seed=seed,
            )
        )

    @property
    def config(self) -> dict[str, Any]:
        """The constructor's arguments, fit for JSON: ``VAE(**vae.config)`` has the same shape."""
        return self.architecture.config

    def __repr__(self) -> str:
        return f"VAE({self.architecture})"

    def encode(self, x: Array, *, trusted: bool = False) -> tuple[Array, Array]:
        """Return (mu, logvar) of q(z given x), each (batch, latent_dim).

        ``logvar`` is the log of the variance, already bounded to (-10, 10).  With ``trusted`` x is
        not looked at: it is a float batch that was read and checked before.
        """
        output = self.encoder.forward(x if trusted else self._data(x))[-1]
        raw_logvar = np.ascontiguousarray(output[:, self.latent_dim :])
        return output[:, : self.latent_dim].copy(), self.ops.bound_logvar_forward(raw_logvar)

    def decode(self, z: Array) -> Array:
        """Return the logits for z, (batch, input_dim)."""
        return self.decoder.forward(self._numbers("z", z, self.latent_dim))[-1]

    def decode_mean(self, z: Array) -> Array:
        """Return E[x given z], (batch, input_dim), in the units of the data."""
        return self.observation.mean(self.decode(z))

    def reconstruct(self, x: Array) -> Array:
        """Return E[x given z = mu(x)], (batch, input_dim)."""
        return self.decode_mean(self.encode(x)[0])

    def sample(
        self,
        n: int,
        *,
        scale: float = 1.0,
        seed: int = 0,
        noise: Array | None = None,
        draw: bool = False,
    ) -> Array:
        """Dream: decode z = scale * noise.

        Parameters
        ----------
        n : int
            How many.
        scale : float
            Standard deviation of z: 1 samples the prior, less is more typical, more is bolder.
        seed : int
            Of the noise (and of the draws).
        noise : (n, latent_dim) array, optional
            Used in place of drawn noise.
        draw : bool
            Whether to draw x from p(x given z) instead of showing its mean.

        Returns
        -------
        (n, input_dim) array
        """
        rng = np.random.default_rng(check_count("seed", seed, at_least=0))
        shape = (check_count("n", n), self.latent_dim)
        noise = rng.standard_normal(shape) if noise is None else np.asarray(noise)
        if len(noise) != n:
            raise ShapeError(f"noise has {len(noise)} rows, expected n = {n} of them.")
        logits = self.decode(check_number("scale", scale, at_least=0.0) * noise)
        return self.observation.draw(logits, rng) if draw else self.observation.mean(logits)

    # Log-likelihood ------------------------------------------------------------------------

    def log_importance_weights(self, x: Array, noise: Array) -> Array:
        """Return log p(x, z) - log q(z given x) for z = mu + exp(logvar / 2) * noise.

        With log 2 pi cancelled: -reconstruction + sum of (noise**2 + logvar - z**2) / 2.
        Burda, Grosse and Salakhutdinov (2016), equation 8, in logs.

        Parameters
        ----------
        x : (batch, input_dim) array
        noise : (batch, latent_dim) array

        Returns
        -------
        (batch,) array, nats
            Its mean over noise is the ELBO.
        """
        x, noise = self._batch(x, noise)
        reconstruction, log_ratio = self._weigh(x, *self.encode(x), noise)
        return log_ratio - reconstruction

    def _weigh(self, x: Array, mu: Array, logvar: Array, noise: Array) -> tuple[Array, Array]:
        """Return reconstruction and log p(z) - log q(z given x), each (batch,)."""
        z = self.ops.reparameterize_forward(mu, logvar, noise)
        logits = self.decoder.forward(z)[-1]
        log_ratio = 0.5 * (noise * noise + logvar - z * z).sum(axis=1)
        return self.observation.reconstruction(logits, x), log_ratio

    def bounds(
        self,
        x: Array,
        n_samples: int,
        *,
        seed: int = 0,
        binarize: str | None = None,
        posterior: tuple[Array, Array] | None = None,
        progress: bool = False,
        trusted: bool = False,
    ) -> Bounds:
        """Estimate the ELBO and the importance-weighted bound from the same samples.

        elbo = mean over k of log w_k;  importance_weighted = log of the mean over k of w_k, which
        is never smaller (Jensen) and tends to log p(x) as ``n_samples`` grows.
        Burda, Grosse and Salakhutdinov (2016), equation 8.

        Tutorial 01, equation (1.18).
        Tutorial 10, equation (10.1).

        Parameters
        ----------
        x : (batch, input_dim) array
        n_samples : int
            Samples of z for each row.
        seed : int
            Of the noise and of the binarization.
        binarize : str, optional
            How grey x becomes 0 and 1, once, as in ``evaluate``: ``"stochastic"`` under a Bernoulli
            likelihood if not given, as p(x) is one of 0 and 1; ``"none"`` under the others.
        posterior : (mu, logvar), optional
            What ``encode(x)`` returned, where it is at hand.
        progress : bool
            Whether to show a progress bar.
        trusted : bool
            Whether x is a float batch that was read, checked and binarized before.

        Returns
        -------
        Bounds
            Three (batch,) float64 arrays in nats.
        """
        check_count("n_samples", n_samples)
        if not trusted:
            how = binarize or ("stochastic" if self.support == "binary" else "none")
            check_option("binarize", how, BINARIZE)
            draws = np.random.default_rng([check_count("seed", seed, at_least=0), 1])
            x = binarized(self._data(x), how, draws)
        mu, logvar = self.encode(x, trusted=True) if posterior is None else posterior
        if len(mu) != len(x) or len(logvar) != len(x):
            raise ShapeError(f"posterior has {len(mu)} and {len(logvar)} rows, and x {len(x)}.")
        rng = np.random.default_rng(check_count("seed", seed, at_least=0))
        found = np.empty((3, len(x)))
        step = max(1, _CHUNK // min(n_samples, _CHUNK_SAMPLES))
        with tqdm(
            total=len(x), desc="bounds", unit="row", disable=not progress, leave=False
        ) as bar:
            for start in range(0, len(x), step):
                rows = slice(start, start + step)
                found[:, rows] = self._bounds(x[rows], mu[rows], logvar[rows], n_samples, rng)
                bar.update(found[0, rows].size)
        return Bounds(*found)

    def _bounds(
        self, x: Array, mu: Array, logvar: Array, n_samples: int, rng: np.random.Generator
    ) -> Bounds:
        n = len(x)
        reconstruction, elbo, scaled = np.zeros((3, n))  # scaled: sum of w / the largest w so far
        largest = np.full(n, -np.inf)
        for done in range(0, n_samples, _CHUNK_SAMPLES):
            k = min(_CHUNK_SAMPLES, n_samples - done)
            noise = rng.standard_normal((k * n, self.latent_dim)).astype(x.dtype)
            xs, mus, logvars = (np.tile(array, (k, 1)) for array in (x, mu, logvar))
            weighed = self._weigh(xs, mus, logvars, noise)
            minus_log_p, log_ratio = (term.reshape(k, n).astype(np.float64) for term in weighed)
            log_w = log_ratio - minus_log_p
            reconstruction += minus_log_p.sum(axis=0)
            elbo += log_w.sum(axis=0)
            larger = np.maximum(largest, log_w.max(axis=0))
            scaled = scaled * np.exp(largest - larger) + np.exp(log_w - larger).sum(axis=0)
            largest = larger
        bound = largest + np.log(scaled / n_samples)
        return Bounds(reconstruction / n_samples, elbo / n_samples, bound)

    def log_likelihood(
        self,
        x: Array,
        n_samples: int = 1000,
        *,
        seed: int = 0,
        binarize: str | None = None,
        progress: bool = False,
    ) -> Array:
        """Estimate log p(x) by the importance-weighted bound, (batch,) nats; see ``bounds``."""
        found = self.bounds(x, n_samples, seed=seed, binarize=binarize, progress=progress)
        return found.importance_weighted

    def set_output_mean(self, mean: Array) -> None:
        """Set the last bias so that the untrained decoder's mean is about ``mean``, (input_dim,).

        For a Bernoulli likelihood that is the logit of the data's mean.

        Tutorial 08, equation (8.7).
        """
        mean = np.asarray(mean, dtype=np.float64)
        if mean.shape != (self.input_dim,):
            raise ShapeError(f"mean has shape {mean.shape}, expected ({self.input_dim},).")
        self._numbers("mean", mean[None], self.input_dim)
        name = f"decoder.{self.decoder.depth - 1}.bias"
        self.parameters[name][:] = self.observation.output_at(mean)

    # Keeping -------------------------------------------------------------------------------

    def copy(self, *, dtype: DTypeLike | None = None, backend: str | None = None) -> Self:
        """Return an independent copy, in another dtype or on another backend if asked for."""
        changes = {"dtype": dtype or self.dtype, "backend": backend or self.backend}
        twin = type(self)(**(self.config | changes))
        twin.parameters.values[:] = self.parameters.values
        return twin

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model to one ``.npz`` (no pickle; the previous file stays until it is whole).

        Raises
        ------
        WriteError
            If it cannot be written.
        """
        write_checkpoint(path, {"values": self.parameters.values}, {"model": self.config})

    @classmethod
    def load(cls, path: str | PathLike[str], *, backend: str | None = None) -> Self:
        """Read a model that ``save`` or a training run wrote.

        Raises
        ------
        CheckpointError
            If the file is damaged or does not describe a model.
        """
        arrays, metadata = read_checkpoint(path)
        return cls.from_checkpoint(arrays, metadata, path, backend=backend)

    @classmethod
    def from_checkpoint(
        cls,
        arrays: dict[str, Array],
        metadata: dict[str, Any],
        path: str | PathLike[str],
        *,
        backend: str | None = None,
    ) -> Self:
        """Build the model that a checkpoint's metadata describe and fill in its weights.

        The weights' number is compared with the description before anything is allocated.

        Raises
        ------
        CheckpointError
            If the description makes no model, or does not fit the weights.
        """
        config = metadata.get("model")
        if not isinstance(config, dict):
            raise CheckpointError(f"{path} holds no model; give a file that VAE.save wrote.")
        try:
            described = Architecture(**config | ({"backend": backend} if backend else {}))
        except (TypeError, TinyVAEError) as error:
            raise CheckpointError(f"{path} does not describe a model: {error}") from error
        expected = {"values": ((described.n_parameters,), np.dtype(described.dtype))}
        values = take(arrays, expected, path)["values"]
        vae = cls(**described.config)
        vae.parameters.values[:] = values
        return vae
