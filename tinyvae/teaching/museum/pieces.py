"""The right pieces of a VAE, as the reader wrote them in notebooks 02 to 07.

Each backward takes the gradient at its forward's result and then the forward's arguments; None
stands for an argument whose gradient nobody claims.  ``logvar`` is the log of the variance,
``noise`` is standard normal, losses are (batch,) nats.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.ops.reference import sigmoid, softplus

Array = NDArray[Any]


def sigmoid_layer(x: Array, weight: Array, bias: Array) -> Array:
    """Return h = sigmoid(x @ weight + bias)."""
    return sigmoid(x @ weight + bias)


def sigmoid_layer_backward(dh: Array, x: Array, weight: Array, bias: Array) -> tuple[Array, ...]:
    """Return the gradients of x, weight and bias."""
    h = sigmoid(x @ weight + bias)
    da = dh * h * (1 - h)
    return da @ weight.T, x.T @ da, da.sum(axis=0)


def linear_layer(x: Array, weight: Array, bias: Array) -> Array:
    """Return x @ weight + bias."""
    return x @ weight + bias


def linear_layer_backward(dh: Array, x: Array, weight: Array, bias: Array) -> tuple[Array, ...]:
    """Return the gradients of x, weight and bias."""
    return dh @ weight.T, x.T @ dh, dh.sum(axis=0)


def draw_noise(rng: np.random.Generator, batch: int, latent_dim: int) -> Array:
    """Return standard normal numbers, (batch, latent_dim)."""
    return rng.standard_normal((batch, latent_dim))


def sample(mu: Array, logvar: Array, noise: Array) -> Array:
    """Return z."""
    z: Array = mu + np.exp(logvar / 2) * noise
    return z


def sample_backward(dz: Array, mu: Array, logvar: Array, noise: Array) -> tuple[Any, ...]:
    """Return the gradients of mu and logvar."""
    return dz, 0.5 * dz * noise * np.exp(logvar / 2), None


def kl(mu: Array, logvar: Array) -> Array:
    """Return KL(q to the standard normal prior)."""
    nats: Array = 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar).sum(axis=1)
    return nats


def kl_backward(dkl: Array, mu: Array, logvar: Array) -> tuple[Array, Array]:
    """Return the gradients of mu and logvar."""
    return dkl[:, None] * mu, dkl[:, None] * 0.5 * (np.exp(logvar) - 1)


def bernoulli(logits: Array, x: Array) -> Array:
    """Return -log p(x given z) of pixels of 0 and 1."""
    nats: Array = (softplus(logits) - x * logits).sum(axis=1)
    return nats


def bernoulli_backward(dloss: Array, logits: Array, x: Array) -> tuple[Any, ...]:
    """Return the gradient of the logits."""
    return dloss[:, None] * (sigmoid(logits) - x), None


def gaussian(mean: Array, x: Array, sigma: float) -> Array:
    """Return -log p(x given z) of real numbers."""
    square = 0.5 * ((x - mean) / sigma) ** 2
    nats: Array = (0.5 * np.log(2 * np.pi) + np.log(sigma) + square).sum(axis=1)
    return nats


def gaussian_backward(dloss: Array, mean: Array, x: Array, sigma: float) -> tuple[Any, ...]:
    """Return the gradient of the mean."""
    return dloss[:, None] * (mean - x) / sigma**2, None, None


def adam(
    w: Array,
    g: Array,
    m: Array,
    v: Array,
    t: int,
    rate: float = 0.1,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> tuple[Array, Array, Array]:
    """Return w, m and v after step t = 1, 2, ..."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return w - rate * m_hat / (np.sqrt(v_hat) + epsilon), m, v


def prepare(pixels: Array) -> Array:
    """Return grey levels of 0 to 255 as numbers of 0 to 1."""
    return pixels / 255


RIGHT: dict[str, Callable[..., Any]] = {
    piece.__name__: piece
    for piece in (
        sigmoid_layer,
        sigmoid_layer_backward,
        linear_layer,
        linear_layer_backward,
        draw_noise,
        sample,
        sample_backward,
        kl,
        kl_backward,
        bernoulli,
        bernoulli_backward,
        gaussian,
        gaussian_backward,
        adam,
        prepare,
    )
}
