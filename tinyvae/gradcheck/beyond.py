"""What a right gradient does not prove: that the model samples what its loss charges for.

The gradient of a wrong function may be right.  These claims compare a model with the textbook's
densities, written out here so that nothing is judged by itself; each is allowed five standard
errors, for there are many of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from tinyvae.gradcheck.problem import Array
from tinyvae.gradcheck.results import Claim
from tinyvae.model.vae import VAE

# Draws for each example: the more, the smaller an error that shows.
FEW, MANY, SMALL_MODEL = 1_000, 10_000, 20_000
EXAMPLES = 3
ERRORS = 5.0


def sampling_claims(vae: VAE, x: Array, rng: np.random.Generator) -> tuple[Claim, ...]:
    """Return the claims on sampler, KL term and bounds of a float64 model."""
    x = x[:EXAMPLES]
    draws = MANY if vae.parameters.size <= SMALL_MODEL else FEW
    many = np.repeat(x, draws, axis=0)
    noise = rng.standard_normal((len(many), vae.latent_dim))
    mu, logvar = vae.encode(x)
    passed = vae.network.forward(many, noise).latent
    z = passed.z.reshape(len(x), draws, -1)
    weights = vae.log_importance_weights(many, noise).reshape(len(x), draws)
    return (
        *_moments(z, mu, logvar),
        _monte_carlo_kl(vae, z, mu, logvar),
        _mean_weight(vae, x, noise, weights),
        _bounds(weights),
    )


def float32_claim(
    single: VAE, double: VAE, x: Array, noise: Array, given: Mapping[str, Any]
) -> Claim:
    """Return the claim that the float32 gradients are the float64 ones up to rounding."""
    single.loss_and_gradients(x, noise, **given)
    double.loss_and_gradients(x, noise, **given)
    off = {
        name: _relative(single.parameters.gradient(name), double.parameters.gradient(name))
        for name in double.parameters
    }
    worst = max(off, key=lambda name: off[name])
    saw = f"largest relative difference {off[worst]:.1e}, in {worst}"
    return Claim("float32 gradients are the float64 ones to rounding", saw, off[worst] <= 1e-4)


def _moments(z: Array, mu: Array, logvar: Array) -> tuple[Claim, Claim]:
    """Return the claims that z has mean mu and variance exp(logvar), in every dimension."""
    n, variance = z.shape[1], np.exp(logvar)
    mean_off = (z.mean(axis=1) - mu) / np.sqrt(variance / n)
    variance_off = (z.var(axis=1, ddof=1) - variance) / (variance * np.sqrt(2.0 / (n - 1)))
    return (
        _within("the sampler's mean is mu", mean_off),
        _within("the sampler's variance is exp(logvar)", variance_off),
    )


def _monte_carlo_kl(vae: VAE, z: Array, mu: Array, logvar: Array) -> Claim:
    """Return the claim that log q(z) - log p(z) has the closed-form KL as its mean."""
    center, spread = mu[:, None], logvar[:, None]
    log_q = -0.5 * (spread + (z - center) ** 2 / np.exp(spread)).sum(axis=2)
    log_p = -0.5 * (z**2).sum(axis=2)
    closed = vae.network.ops.kl_forward(mu, logvar).sum(axis=1)
    return _mean_is("the KL term is that of what is sampled", log_q - log_p, closed)


def _mean_weight(vae: VAE, x: Array, noise: Array, weights: Array) -> Claim:
    """Return the claim that log p(x, z) - log q(z given x) has minus the loss as its mean."""
    draws = weights.shape[1]
    blocks = 20
    losses = [
        vae.loss(np.repeat(x, draws // blocks, axis=0), part).loss
        for part in np.split(
            noise.reshape(len(x), blocks, -1, noise.shape[-1]).swapaxes(0, 1).reshape(noise.shape),
            blocks,
        )
    ]
    elbo = weights.reshape(len(x), blocks, -1).mean(axis=(0, 2))
    return _mean_is("the mean log weight is the ELBO", (elbo + losses)[None], np.zeros(1))


def _bounds(weights: Array) -> Claim:
    """Return the claim that on shared samples the bound only rises with their number.

    One sample a bound is the ELBO; all of them together are the tightest (Jensen).
    """
    sizes = [k for k in (1, 10, 100, 1000) if weights.shape[1] % k == 0]
    bounds = [_log_mean_exp(weights.reshape(len(weights), -1, k)).mean() for k in sizes]
    falls = min(b - a for a, b in pairwise(bounds))
    saw = ", ".join(f"{b:.4g} ({k})" for b, k in zip(bounds, sizes, strict=True))
    return Claim("ELBO <= importance-weighted bounds, nats (samples)", saw, falls >= -1e-9)


def _log_mean_exp(a: Array) -> Array:
    top = a.max(axis=2, keepdims=True)
    return np.asarray(top[..., 0] + np.log(np.exp(a - top).mean(axis=2)))


def _mean_is(name: str, draws: Array, truth: Array) -> Claim:
    error = draws.std(axis=1, ddof=1) / np.sqrt(draws.shape[1])
    # A spread of zero is right where nothing is random, but for rounding.
    floor = 1e-12 * np.abs(draws).max() + 1e-300
    return _within(name, (draws.mean(axis=1) - truth) / (error + floor))


def _within(name: str, off: Array) -> Claim:
    worst = float(np.abs(off).max())
    return Claim(name, f"off by at most {worst:.1f} standard errors", worst <= ERRORS)


def _relative(came: Array, truth: Array) -> float:
    norm = float(np.linalg.norm(truth))
    return float(np.linalg.norm(came - truth)) / norm if norm else 0.0
