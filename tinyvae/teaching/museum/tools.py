"""Six tools, each of which takes the pieces of a VAE and says whether it objects.

Those that draw allow for four standard errors of chance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.gradcheck.check import check_gradients
from tinyvae.linear_gaussian import LinearGaussian
from tinyvae.losscheck.loss import check_loss

Array = NDArray[Any]
Pieces = Mapping[str, Callable[..., Any]]

MU, LOGVAR = np.array([0.7, -0.4, 0.0]), np.array([-1.2, 0.5, -0.3])  # none of them 0, 0
MODEL = LinearGaussian(
    np.array([[1.2, -0.7, 0.4, 0.9, 0.3], [0.5, 0.8, -1.1, 0.2, 0.6]]), np.zeros(5), 0.5
)
X_ONE: Array = MODEL.sample(1, np.random.default_rng(2))[0]


def _inputs() -> dict[str, tuple[Any, ...]]:
    """Return arguments for each forward that has a backward."""
    rng = np.random.default_rng(0)
    layer = rng.standard_normal((6, 4)), rng.standard_normal((4, 3)), rng.standard_normal(3)
    mu, logvar, noise = rng.standard_normal((3, 5, 3))
    return {
        "sigmoid_layer": layer,
        "linear_layer": layer,
        "sample": (mu, logvar, noise),
        "kl": (mu, logvar),
        "bernoulli": (mu, (noise > 0).astype(float)),
        "gaussian": (mu, logvar, 0.7),
    }


INPUTS = _inputs()


def off(draws: Array, exact: Array | float) -> float:
    """Return how many standard errors the average of the draws is from what it should be."""
    error = draws.std(axis=0) / np.sqrt(len(draws))
    return float(np.max(np.abs(draws.mean(axis=0) - exact) / np.maximum(error, 1e-12)))


def _draws(pieces: Pieces, mu: Array, logvar: Array, n: int = 100_000) -> tuple[Array, Array]:
    noise = pieces["draw_noise"](np.random.default_rng(1), n, mu.shape[-1])
    return noise, pieces["sample"](mu, logvar, noise)


def _log_normal(z: Array, mu: Array | float, logvar: Array) -> Array:
    """Return the log density of N(mu, exp(logvar)), (n,) nats."""
    square = (z - mu) ** 2 * np.exp(-logvar)
    total: Array = -0.5 * (np.log(2 * np.pi) + logvar + square).sum(axis=1)
    return total


def by_gradients(pieces: Pieces) -> bool:
    """Compare every backward pass with its forward pass (03)."""
    return any(
        not check_gradients(pieces[name], pieces[f"{name}_backward"], *inputs).passed
        for name, inputs in INPUTS.items()
    )


def by_moments(pieces: Pieces) -> bool:
    """Compare mean and variance of the draws with what was promised (04)."""
    _, z = _draws(pieces, MU, LOGVAR)
    return off(z, MU) > 4 or off((z - MU) ** 2, np.exp(LOGVAR)) > 4


def by_kl_draws(pieces: Pieces) -> bool:
    """Compare the average of log q - log p over draws with the closed form (05)."""
    z = pieces["sample"](MU, LOGVAR, np.random.default_rng(1).standard_normal((100_000, 3)))
    log_ratio = _log_normal(z, MU, LOGVAR) - _log_normal(z, 0.0, 0.0 * LOGVAR)
    return off(log_ratio, pieces["kl"](MU[None], LOGVAR[None])[0]) > 4


def elbo_by_drawing(pieces: Pieces, mu: Array, logvar: Array) -> Array:
    """Return draws whose average is the ELBO of the one x under the linear-Gaussian model."""
    noise = np.random.default_rng(1).standard_normal((100_000, 2))
    mean = pieces["sample"](mu, logvar, noise) @ MODEL.weight + MODEL.bias
    drawn: Array = -(pieces["gaussian"](mean, X_ONE, MODEL.sigma) + pieces["kl"](mu, logvar))
    return drawn


def follow_gradient(pieces: Pieces, steps: int = 1500, batch: int = 64) -> Array:
    """Train q of the one x; return (mu, logvar) after every step, (steps, 2, 2)."""
    rng, w, m, v = np.random.default_rng(4), *np.zeros((3, 2, 2))
    each, path = np.full(batch, 1 / batch), np.zeros((steps, 2, 2))
    for t in range(1, steps + 1):
        mu, logvar = (np.tile(row, (batch, 1)) for row in w)
        noise = rng.standard_normal((batch, 2))
        mean = pieces["sample"](mu, logvar, noise) @ MODEL.weight + MODEL.bias
        dmean = pieces["gaussian_backward"](each, mean, X_ONE, MODEL.sigma)[0]
        through_z = pieces["sample_backward"](dmean @ MODEL.weight.T, mu, logvar, noise)
        through_kl = pieces["kl_backward"](each, mu, logvar)
        g = np.stack([(a + b).sum(axis=0) for a, b in zip(through_z[:2], through_kl, strict=True)])
        w, m, v = pieces["adam"](w, g, m, v, t, rate=0.02)
        path[t - 1] = w
    return path


def by_exact_model(pieces: Pieces) -> bool:
    """Compare ELBO, and where training comes to rest, with a model that is solved exactly (01)."""
    mu, logvar = np.array([[0.4, -0.8]]), np.array([[-1.0, -0.5]])
    if off(elbo_by_drawing(pieces, mu, logvar), MODEL.elbo(X_ONE, mu, logvar)[0]) > 4:
        return True
    best = np.concatenate(MODEL.best_diagonal(X_ONE))
    return bool(np.abs(follow_gradient(pieces)[-500:].mean(axis=0) - best).max() > 0.15)


def by_step_size(pieces: Pieces) -> bool:
    """Give the optimizer a constant gradient; its steps should have the size of the rate (07)."""
    w, m, v = np.zeros((3, 1))
    for t in range(1, 101):
        before = w
        w, m, v = pieces["adam"](w, np.full(1, 0.5), m, v, t)
        if not np.allclose(np.abs(w - before), 0.1, rtol=1e-5):
            return True
    return False


def by_loss(pieces: Pieces) -> bool:
    """Regress the loss on what it should be made of."""

    def loss(x: Array, logits: Array, mu: Array, logvar: Array) -> Any:
        return pieces["bernoulli"](logits, x).mean() + pieces["kl"](mu, logvar).mean()

    return not check_loss(loss).passed


TOOLS: dict[str, Callable[[Pieces], bool]] = {
    "gradients": by_gradients,
    "moments": by_moments,
    "KL by drawing": by_kl_draws,
    "exact model": by_exact_model,
    "step size": by_step_size,
    "loss": by_loss,
}
