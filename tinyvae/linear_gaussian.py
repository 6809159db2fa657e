"""The linear-Gaussian latent variable model (probabilistic PCA), whose log p(x) is known exactly.

Everything is closed form in float64, so a variational autoencoder can be judged by it.
An oracle must not lean on what it judges: this file imports numpy and tinyvae.errors only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinyvae.errors import (
    DataError,
    DTypeError,
    EmptyDataError,
    NonFiniteDataError,
    ShapeError,
    SizeError,
    check_count,
    check_number,
)

Array = NDArray[np.float64]
LOG_2PI = float(np.log(2.0 * np.pi))


def _floats(argument: str, came: ArrayLike, shape: tuple[int | None, ...]) -> Array:
    """Return ``came`` as a finite float64 array of this shape (None: any length), or raise."""
    array = np.asarray(came)
    if not np.issubdtype(array.dtype, np.floating):
        raise DTypeError(
            f"{argument} has dtype {array.dtype}; floating-point numbers were expected. "
            f"Convert with .astype(float); divide uint8 pixels by 255 as well."
        )
    fits = [n is None or n == m for n, m in zip(shape, array.shape, strict=False)]
    if array.ndim != len(shape) or not all(fits):
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise ShapeError(f"{argument} has shape {array.shape}; expected ({wanted}). Reshape it.")
    if array.size == 0:
        raise EmptyDataError(f"{argument} has shape {array.shape}: it is empty. Give some numbers.")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        where = tuple(int(i) for i in bad[0])
        raise NonFiniteDataError(
            f"{argument} holds {array[where]} at index {where}, counted from 0 as (row, column) "
            f"where it has rows; finite numbers were expected. Remove or replace it."
        )
    return array.astype(np.float64)


def _latent_dim_below(latent_dim: int, input_dim: int) -> int:
    k = check_count("latent_dim", latent_dim)
    if k >= input_dim:
        raise SizeError(
            f"latent_dim={k} must be below input_dim={input_dim}: maximum likelihood takes sigma "
            f"from the dimensions left over. Choose a smaller latent_dim."
        )
    return k


def _principal_axes(x: Array, k: int) -> tuple[Array, Array]:
    """Eigenvalues of the sample covariance, descending, and unit eigenvectors as rows."""
    # R of QR has the singular values and directions of x, at a fraction of the memory.
    triangle = np.linalg.qr(x - x.mean(axis=0), mode="r")
    _, singular, directions = np.linalg.svd(triangle, full_matrices=False)
    if singular[k] <= np.finfo(np.float64).eps * max(x.shape) * np.linalg.norm(x):
        came = f"x has no variance outside {k} dimensions, so sigma would be zero"
        raise DataError(f"{came}. Choose a smaller latent_dim or less degenerate data.")
    return singular**2 / len(x), with_signs(directions)


def with_signs(directions: Array) -> Array:
    """Return principal directions, as rows, each with its largest entry positive.

    A direction and its negative span the same line; this choice makes a result the same each time.
    """
    largest = np.argmax(np.abs(directions), axis=1)[:, None]
    return np.sign(np.take_along_axis(directions, largest, axis=1)) * directions


def max_mean_log_likelihood(eigenvalues: ArrayLike, latent_dim: int) -> float:
    """Mean log p(x) at the maximum-likelihood solution, from the data's spectrum alone.

    ``-(d log 2pi + sum_{i<=k} log lambda_i + (d - k) log sigma^2 + d) / 2``, where sigma^2 is the
    mean of the d - k smallest eigenvalues (Tipping and Bishop 1999).

    Parameters
    ----------
    eigenvalues : array, shape (input_dim,)
        All those of the sample covariance (divided by n), in any order.
    latent_dim : int, below input_dim

    Returns
    -------
    float, nats per example; no model with this latent_dim exceeds it

    Raises
    ------
    SizeError, DataError
        If latent_dim is not below input_dim; if the mean discarded eigenvalue is not positive.
    """
    spectrum = np.sort(_floats("eigenvalues", eigenvalues, (None,)))[::-1]
    d, k = len(spectrum), _latent_dim_below(latent_dim, len(spectrum))
    variance = spectrum[k:].mean()
    if variance <= 0.0:
        came = f"eigenvalues have mean {variance:g} outside the {k} largest"
        raise DataError(f"{came}; it must be positive. Choose a smaller latent_dim.")
    log_determinant = np.log(spectrum[:k]).sum() + (d - k) * np.log(variance)
    return float(-0.5 * (d * LOG_2PI + log_determinant + d))


@dataclass(frozen=True, eq=False)
class LinearGaussian:
    """z ~ N(0, I), x given z ~ N(z @ weight + bias, sigma^2 I); so x ~ N(bias, C).

    C = weight.T @ weight + sigma^2 I (Tipping and Bishop 1999). Results are float64; an array
    argument that is empty, not floating-point, not finite or of the wrong shape raises the
    DataError subclass of that name.

    Parameters
    ----------
    weight : array, shape (latent_dim, input_dim)
        The decoder's weight; any rank. Kept as a read-only copy, like ``bias``.
    bias : array, shape (input_dim,)
        The mean of x.
    sigma : float
        Standard deviation (not the variance) of x given z, above 0.
    """

    weight: Array
    bias: Array
    sigma: float

    def __post_init__(self) -> None:
        weight = _floats("weight", self.weight, (None, None))
        bias = _floats("bias", self.bias, (weight.shape[1],))
        for name, array in (("weight", weight), ("bias", bias)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        object.__setattr__(self, "sigma", check_number("sigma", self.sigma, above=0.0))

    @classmethod
    def fit(cls, x: ArrayLike, latent_dim: int) -> LinearGaussian:
        """Maximum likelihood in closed form (Tipping and Bishop 1999), rotation R = I.

        sigma^2 is the mean of the discarded eigenvalues of the sample covariance (divided by n);
        row i of ``weight`` is eigenvector i times sqrt(lambda_i - sigma^2), lambda descending. Its
        rows are orthogonal, so the posterior is diagonal. The largest entry of a row is positive.

        Parameters
        ----------
        x : array, shape (n, input_dim), n at least latent_dim + 2
        latent_dim : int, below input_dim

        Raises
        ------
        SizeError, EmptyDataError, DataError
            If latent_dim is not below input_dim; if there are too few rows; if k dimensions hold
            the data exactly, so that the likelihood grows without bound as sigma shrinks.
        """
        x = _floats("x", x, (None, None))
        k = _latent_dim_below(latent_dim, x.shape[1])
        if len(x) < k + 2:
            came = f"x has {len(x)} rows; latent_dim={k}"
            raise EmptyDataError(f"{came} needs at least {k + 2}. Give more rows.")
        eigenvalues, directions = _principal_axes(x, k)
        variance = eigenvalues[k:].sum() / (x.shape[1] - k)
        # Equal eigenvalues may fall below their own mean by a rounding error.
        scale = np.sqrt(np.maximum(eigenvalues[:k] - variance, 0.0))
        return cls(scale[:, None] * directions[:k], x.mean(axis=0), float(np.sqrt(variance)))

    @property
    def precision(self) -> Array:
        """Inverse of the posterior covariance: I + weight @ weight.T / sigma^2, k x k."""
        eye = np.eye(len(self.weight))
        return np.asarray(eye + self.weight @ self.weight.T / self.sigma**2)

    def posterior(self, x: ArrayLike) -> tuple[Array, Array]:
        """Exact p(z given x): mean (batch, latent_dim), covariance (latent_dim, latent_dim).

        mean = (x - bias) @ weight.T @ covariance / sigma^2, covariance = inverse of ``precision``,
        the same for every x (Tipping and Bishop 1999, whose M is sigma^2 times ``precision``).

        Tutorial 01, equation (1.12).
        """
        centred = _floats("x", x, (None, len(self.bias))) - self.bias
        return centred @ self.best_encoder()[0], np.asarray(np.linalg.inv(self.precision), float)

    def log_likelihood(self, x: ArrayLike) -> Array:
        """Exact log p(x), shape (batch,), nats: -(d log 2pi + log det C + c C^-1 c) / 2.

        c = x - bias, det C = sigma^(2d) det(precision) and, with m the posterior mean,
        ``c C^-1 c = |c - m @ weight|^2 / sigma^2 + |m|^2``: no cancellation, no d x d matrix.

        Tutorial 01, equation (1.3).
        """
        mean, _ = self.posterior(x)
        residual = np.asarray(x, dtype=np.float64) - self.bias - mean @ self.weight
        square = (residual**2).sum(axis=1) / self.sigma**2 + (mean**2).sum(axis=1)
        constant = len(self.bias) * (LOG_2PI + 2.0 * np.log(self.sigma))
        return np.asarray(-0.5 * (constant + np.linalg.slogdet(self.precision)[1] + square))

    def elbo_terms(self, x: ArrayLike, mu: ArrayLike, logvar: ArrayLike) -> tuple[Array, Array]:
        """Exact (reconstruction, kl) for q(z given x) = N(mu, diag(exp(logvar))).

        reconstruction = -E_q[log p(x given z)], kl = KL(q to N(0, I)); each (batch,), nats, and
        both enter the ELBO with a minus. ``mu`` and ``logvar`` have shape (batch, latent_dim).

        Tutorial 01, equations (1.13) and (1.14).
        """
        x = _floats("x", x, (None, len(self.bias)))
        mu = _floats("mu", mu, (len(x), len(self.weight)))
        logvar = _floats("logvar", logvar, mu.shape)
        residual = x - self.bias - mu @ self.weight
        spread = np.exp(logvar) @ (self.weight**2).sum(axis=1)
        square = ((residual**2).sum(axis=1) + spread) / self.sigma**2
        reconstruction = 0.5 * (len(self.bias) * (LOG_2PI + 2.0 * np.log(self.sigma)) + square)
        kl = 0.5 * (np.expm1(logvar) - logvar + mu**2).sum(axis=1)
        return reconstruction, kl

    def elbo(self, x: ArrayLike, mu: ArrayLike, logvar: ArrayLike) -> Array:
        """Exact ELBO, shape (batch,), nats: -(reconstruction + kl) of ``elbo_terms``."""
        reconstruction, kl = self.elbo_terms(x, mu, logvar)
        return np.asarray(-(reconstruction + kl))

    def gap(self, x: ArrayLike, mu: ArrayLike, logvar: ArrayLike) -> Array:
        """KL(q to exact posterior), (batch,), nats: log p(x) - elbo reached by another route.

        Tutorial 01, equations (1.11) and (1.15).
        """
        mean, _ = self.posterior(x)
        mu = _floats("mu", mu, mean.shape)
        logvar = _floats("logvar", logvar, mean.shape)
        precision, off = self.precision, mu - mean
        square = np.exp(logvar) @ np.diag(precision) + ((off @ precision) * off).sum(axis=1)
        log_ratio = logvar.sum(axis=1) + np.linalg.slogdet(precision)[1]
        return np.asarray(0.5 * (square - len(precision) - log_ratio))

    def best_encoder(self) -> tuple[Array, Array, Array]:
        """Linear encoder (weight, bias, logvar) with the highest ELBO: mu = x @ weight + bias.

        Shapes (input_dim, latent_dim), (latent_dim,), (latent_dim,). mu is the posterior mean,
        exp(logvar) = 1 / diag(precision). Its gap is zero exactly when the rows of the decoder's
        weight are orthogonal, as ``fit`` leaves them: there a linear VAE with one diagonal
        covariance loses nothing (Lucas et al. 2019, "Don't Blame the ELBO!").
        """
        precision = self.precision
        weight = np.asarray(np.linalg.solve(precision, self.weight).T / self.sigma**2, float)
        return weight, -self.bias @ weight, -np.log(np.diag(precision))

    def best_diagonal(self, x: ArrayLike) -> tuple[Array, Array]:
        """(mu, logvar), each (batch, latent_dim): the factorised q nearest the exact posterior.

        Exact mean, variances 1 / diag(precision): at most the exact marginal variances.

        Tutorial 01, equation (1.16).
        """
        mu, _ = self.posterior(x)
        return mu, np.tile(self.best_encoder()[2], (len(mu), 1))

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw n independent pairs: x (n, input_dim) and the z (n, latent_dim) it came from."""
        z = rng.standard_normal((check_count("n", n), len(self.weight)))
        noise = rng.standard_normal((len(z), len(self.bias)))
        return z @ self.weight + self.bias + self.sigma * noise, z
