"""The operations of ``reference`` on a range of rows, in place, for Numba.

A row is one example, and no example looks at another until the weight gradients are summed.  So
every kernel here works on rows ``start`` to ``stop``, serially, and whoever calls it may give
different rows to different threads.  Activations and likelihoods come as numbers, their places in
``ACTIVATIONS`` and ``LIKELIHOODS``.  No shape is checked here.

A sum is a loop of its own, over terms that another loop has stored.  Beside a store LLVM keeps two
versions of a sum, which round differently, and where the arrays lie decides which of them runs.

``x.dtype.type(c)`` is a constant in the precision of the array: a bare Python float would turn a
float32 loop into float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.ops.elementary import (
    exp,
    log_partition_and_mean,
    sigmoid,
    softplus,
    softplus_and_sigmoid,
    tanh,
)
from tinyvae.ops.machine.jit import kernel
from tinyvae.ops.reference import LOG_2PI, LOGVAR_BOUND

Array = NDArray[Any]

RELU, TANH, SOFTPLUS, SIGMOID, IDENTITY = range(5)  # in the order of reference.ACTIVATIONS
BERNOULLI, CONTINUOUS_BERNOULLI, GAUSSIAN, GAUSSIAN_LEARNED = range(4)  # likelihoods.LIKELIHOODS


@kernel()
def _total(terms: Array) -> Any:
    total = terms.dtype.type(0.0)
    for j in range(terms.size):
        total += terms[j]
    return total


@kernel()
def _total_less(terms: Array, a: Array, b: Array) -> Any:
    """Sum of terms - a * b."""
    total = terms.dtype.type(0.0)
    for j in range(terms.size):
        total += terms[j] - a[j] * b[j]
    return total


@kernel()
def activate_rows(h: Array, activation: int, start: int, stop: int) -> None:
    """Replace a by f(a)."""
    zero, one = h.dtype.type(0.0), h.dtype.type(1.0)
    for n in range(start, stop):
        row = h[n]
        if activation == RELU:
            # Storing "zero or a" where a stands already would become a store under a condition,
            # which is not vectorized; a product is.  NaN stays NaN, and -inf becomes zero.
            for j in range(row.size):
                keep = zero if row[j] <= zero else one
                row[j] = keep * (zero if row[j] < zero else row[j])
        elif activation == TANH:
            for j in range(row.size):
                row[j] = tanh(row[j])
        elif activation == SOFTPLUS:
            for j in range(row.size):
                row[j] = softplus(row[j])
        elif activation == SIGMOID:
            for j in range(row.size):
                row[j] = sigmoid(row[j])


@kernel()
def derivative_rows(da: Array, h: Array, activation: int, start: int, stop: int) -> None:
    """Multiply da by f'(a), the derivative written in terms of h = f(a)."""
    zero, one = h.dtype.type(0.0), h.dtype.type(1.0)
    for n in range(start, stop):
        d, row = da[n], h[n]
        if activation == RELU:
            for j in range(row.size):
                d[j] = d[j] if row[j] > zero else zero
        elif activation == TANH:
            for j in range(row.size):
                d[j] *= one - row[j] * row[j]
        elif activation == SOFTPLUS:
            for j in range(row.size):
                d[j] *= one - exp(-row[j])
        elif activation == SIGMOID:
            for j in range(row.size):
                d[j] *= row[j] * (one - row[j])


@kernel()
def latent_forward_rows(
    heads: Array, noise: Array, logvar: Array, z: Array, kl: Array, start: int, stop: int
) -> None:
    """From heads = [mu, raw_logvar]: logvar bounded, z sampled, kl summed over dimensions."""
    latent = z.shape[1]
    bound, half = z.dtype.type(LOGVAR_BOUND), z.dtype.type(0.5)
    inverse, one = z.dtype.type(1.0 / LOGVAR_BOUND), z.dtype.type(1.0)
    terms = np.empty(latent, z.dtype)
    for n in range(start, stop):
        for j in range(latent):
            mu = heads[n, j]
            lv = bound * tanh(heads[n, latent + j] * inverse)
            std = exp(half * lv)
            logvar[n, j] = lv
            z[n, j] = mu + std * noise[n, j]
            terms[j] = mu * mu + (std * std - one) - lv
        kl[n] = half * _total(terms)


@kernel()
def latent_backward_rows(
    dz: Array,
    heads: Array,
    logvar: Array,
    noise: Array,
    kl_weight: float,
    dheads: Array,
    start: int,
    stop: int,
) -> None:
    """Dheads = [dmu, draw_logvar] from dz and from kl_weight times the KL term."""
    latent = dz.shape[1]
    half, one = dz.dtype.type(0.5), dz.dtype.type(1.0)
    inverse, weight = dz.dtype.type(1.0 / LOGVAR_BOUND), dz.dtype.type(kl_weight)
    for n in range(start, stop):
        for j in range(latent):
            lv = logvar[n, j]
            std = exp(half * lv)
            ratio = lv * inverse
            dlogvar = half * (dz[n, j] * noise[n, j] * std + weight * (std * std - one))
            dheads[n, j] = dz[n, j] + weight * heads[n, j]
            dheads[n, latent + j] = dlogvar * (one - ratio * ratio)


@kernel()
def likelihood_rows(
    likelihood: int,
    logits: Array,
    x: Array,
    log_sigma: float,
    scale: float,
    reconstruction: Array,
    dlogits: Array,
    dlog_sigma: Array,
    start: int,
    stop: int,
) -> None:
    """Reconstruction = -log p(x given logits), a sum over each row; scale times its gradients.

    ``dlogits`` must not be ``logits``.
    """
    half, one = logits.dtype.type(0.5), logits.dtype.type(1.0)
    shift = logits.dtype.type(0.5 * LOG_2PI + log_sigma)
    precision, c = logits.dtype.type(np.exp(-log_sigma)), logits.dtype.type(scale)
    terms, sigma_terms = np.empty_like(logits[0]), np.empty_like(logits[0])
    for n in range(start, stop):
        row, target, gradient = logits[n], x[n], dlogits[n]
        if likelihood == BERNOULLI:
            for j in range(row.size):
                terms[j], mean = softplus_and_sigmoid(row[j])
                gradient[j] = c * (mean - target[j])
            reconstruction[n] = _total_less(terms, target, row)
        elif likelihood == CONTINUOUS_BERNOULLI:
            for j in range(row.size):
                terms[j], mean = log_partition_and_mean(row[j])
                gradient[j] = c * (mean - target[j])
            reconstruction[n] = _total_less(terms, target, row)
        else:
            for j in range(row.size):
                residual = (target[j] - row[j]) * precision
                terms[j] = shift + half * residual * residual
                sigma_terms[j] = one - residual * residual
                gradient[j] = -c * precision * residual
            reconstruction[n] = _total(terms)
            dlog_sigma[n] = c * _total(sigma_terms)
