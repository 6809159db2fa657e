"""Every operation of a backend, checked one by one against the reference's forward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinyvae.gradcheck.check import check_gradients
from tinyvae.gradcheck.problem import Array
from tinyvae.gradcheck.report import Report, merge
from tinyvae.ops import get_ops, reference
from tinyvae.ops.reference import ACTIVATIONS

Case = tuple[str, Callable[..., Any], Callable[..., Any], tuple[Array, ...]]


def check_operations(backend: str = "numba", *, method: str = "auto", seed: int = 0) -> Report:
    """Check the backward of every operation of a backend.

    Parameters
    ----------
    backend : str
        ``"numba"`` or ``"reference"``.
    method, seed
        As in ``check_gradients``.

    Returns
    -------
    Report
        One row for each input of each operation.
    """
    ops = get_ops(backend)
    rng = np.random.default_rng([seed, 4])
    groups = (_layers, _latent, _likelihoods, _samples)
    cases = [case for group in groups for case in group(ops, rng)]
    return merge(
        f"operations, {backend} backend",
        [
            check_gradients(forward, backward, *inputs, method=method, seed=seed, title=title)
            for title, forward, backward, inputs in cases
        ],
    )


def _layers(ops: Any, rng: np.random.Generator) -> list[Case]:
    a, x = rng.normal(size=(5, 4)), rng.normal(size=(5, 7))
    weight, bias, below = rng.normal(size=(7, 4)), rng.normal(size=4), rng.normal(size=(5, 7))
    cases: list[Case] = []
    for name in ACTIVATIONS:

        def activation(a: Array, name: str = name) -> Array:
            return reference.activation_forward(a, name)

        def activation_backward(dy: Array, a: Array, name: str = name) -> Array:
            return np.asarray(ops.activation_backward(dy, ops.activation_forward(a, name), name))

        def dense(x: Array, weight: Array, bias: Array, name: str = name) -> Array:
            return reference.dense_forward(x, weight, bias, name)

        def dense_backward(
            dy: Array, x: Array, weight: Array, bias: Array, name: str = name
        ) -> tuple[Array, ...]:
            da = ops.activation_backward(dy, ops.dense_forward(x, weight, bias, name), name)
            dweight, dbias = ops.dense_backward_weight(x, da)
            return ops.dense_backward_input(da, weight, x, "identity"), dweight, dbias

        def onto(below: Array, name: str = name) -> Array:
            return reference.activation_forward(below, name) @ weight

        def onto_backward(dy: Array, below: Array, name: str = name) -> Array:
            h = ops.activation_forward(below, name)
            return np.asarray(ops.dense_backward_input(dy, weight, h, name))

        cases += [
            (name, activation, activation_backward, (a,)),
            (f"dense {name}", dense, dense_backward, (x, weight, bias)),
            (f"dense onto {name}", onto, onto_backward, (below,)),
        ]
    return cases


def _latent(ops: Any, rng: np.random.Generator) -> list[Case]:
    mu, logvar, noise = rng.normal(size=(3, 5, 4))

    def bound_backward(dy: Array, raw_logvar: Array) -> Array:
        logvar = ops.bound_logvar_forward(raw_logvar)
        return np.asarray(ops.bound_logvar_backward(dy, logvar))

    def sample(mu: Array, logvar: Array) -> Array:
        return reference.reparameterize_forward(mu, logvar, noise)

    def sample_backward(dz: Array, mu: Array, logvar: Array) -> tuple[Array, Array]:
        dmu, dlogvar = ops.reparameterize_backward(dz, logvar, noise)
        return dmu, dlogvar

    def kl_backward(dy: Array, mu: Array, logvar: Array) -> tuple[Array, Array]:
        dmu, dlogvar = ops.kl_backward(mu, logvar)
        return dy * dmu, dy * dlogvar

    return [
        ("bound_logvar", reference.bound_logvar_forward, bound_backward, (5.0 * logvar,)),
        ("reparameterize", sample, sample_backward, (mu, logvar)),
        ("kl", reference.kl_forward, kl_backward, (mu, logvar)),
    ]


def _likelihoods(ops: Any, rng: np.random.Generator) -> list[Case]:
    logits, log_sigma = 3.0 * rng.normal(size=(5, 8)), np.array([0.3])
    x, bits, real = (
        rng.random((5, 8)),
        rng.integers(0, 2, (5, 8)) * 1.0,
        0.2 * rng.normal(size=(5, 8)),
    )

    def bernoulli(logits: Array) -> Array:
        return reference.bernoulli_forward(logits, bits)

    def bernoulli_backward(dy: Array, logits: Array) -> Array:
        return np.asarray(dy[:, None] * ops.bernoulli_backward(logits, bits))

    def continuous(logits: Array) -> Array:
        return reference.continuous_bernoulli_forward(logits, x)

    def continuous_backward(dy: Array, logits: Array) -> Array:
        return np.asarray(dy[:, None] * ops.continuous_bernoulli_backward(logits, x))

    def partition_backward(dy: Array, logits: Array) -> Array:
        return np.asarray(dy * ops.continuous_bernoulli_mean(logits))

    def softplus_backward(dy: Array, logits: Array) -> Array:
        return np.asarray(dy * ops.sigmoid(logits))

    counts = rng.poisson(2.0, (5, 8)) * 1.0

    def poisson(logits: Array) -> Array:
        return reference.poisson_forward(logits, counts)

    def poisson_backward(dy: Array, logits: Array) -> Array:
        return np.asarray(dy[:, None] * ops.poisson_backward(logits, counts))

    def gaussian(mean: Array, log_sigma: Array) -> Array:
        return reference.gaussian_forward(mean, real, log_sigma)

    def gaussian_backward(dy: Array, mean: Array, log_sigma: Array) -> tuple[Array, Array]:
        dmean, dlog_sigma = ops.gaussian_backward(mean, real, log_sigma)
        return dy[:, None] * dmean, np.sum(dy * dlog_sigma, keepdims=True)

    return [
        ("softplus and sigmoid", reference.softplus, softplus_backward, (logits,)),
        ("log_partition and its mean", reference.log_partition, partition_backward, (logits,)),
        ("bernoulli", bernoulli, bernoulli_backward, (logits,)),
        ("continuous_bernoulli", continuous, continuous_backward, (logits,)),
        ("poisson", poisson, poisson_backward, (0.3 * logits,)),
        ("gaussian", gaussian, gaussian_backward, (0.3 * logits, log_sigma)),
    ]


def _samples(ops: Any, rng: np.random.Generator) -> list[Case]:
    z, logvar, noise = rng.normal(size=(3, 5, 4))
    minus_log_p, labels = rng.normal(size=5), np.array([0, 2, 1, 2, 0])
    a, label_weight = rng.normal(size=(5, 3)), rng.normal(size=(4, 3))

    def log_weight(reconstruction: Array, logvar: Array, z: Array) -> Array:
        return reference.log_weight_forward(reconstruction, logvar, noise, z)

    def log_weight_backward(
        dy: Array, reconstruction: Array, logvar: Array, z: Array
    ) -> tuple[Array, ...]:
        dz, dlogvar = ops.log_weight_backward(dy, z)
        return -dy, np.asarray(dlogvar), dz

    # The path: log p(z) - log q(z), q's own mean and variance held where z came from.
    std = np.exp(0.5 * logvar)
    mu = z - std * noise

    def path(z: Array) -> Array:
        log_ratio: Array = 0.5 * (((z - mu) / std) ** 2 - z * z).sum(axis=1)
        return log_ratio

    def path_backward(dy: Array, z: Array) -> Array:
        return np.asarray(ops.path_backward(dy, logvar, (z - mu) / std, z))

    def bound_backward(dy: Array, log_w: Array) -> Array:
        return np.asarray(dy[:, None] * ops.importance_bound_backward(log_w))

    def label(a: Array, label_weight: Array) -> Array:
        return reference.label_forward(a, label_weight, labels)

    def label_backward(da: Array, a: Array, label_weight: Array) -> tuple[Array, Array]:
        return da, ops.label_backward(da, labels, len(label_weight))

    return [
        ("log_weight", log_weight, log_weight_backward, (minus_log_p, logvar, z)),
        ("path", path, path_backward, (z,)),
        ("importance_bound", reference.importance_bound_forward, bound_backward, (3.0 * z,)),
        ("label", label, label_backward, (a, label_weight)),
    ]
