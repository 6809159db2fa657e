"""The likelihoods, row by row: -log p(x given logits) and its gradients, for Numba.

Likelihoods come as numbers, their places in ``reference.LIKELIHOODS``.  A number without a branch
here gives NaN, which stops a training run at its first step.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.ops.elementary import exp, log_partition_and_mean, softplus_and_sigmoid
from tinyvae.ops.machine.jit import kernel
from tinyvae.ops.reference import LIKELIHOODS, LOG_2PI
from tinyvae.ops.rows import total_of

Array = NDArray[Any]

BERNOULLI, CONTINUOUS_BERNOULLI, POISSON, GAUSSIAN, GAUSSIAN_LEARNED = range(len(LIKELIHOODS))

#: log x! for small x; beyond it Stirling's series up to 1 / x**3 is exact to rounding.
LOG_FACTORIAL = np.array([math.lgamma(x + 1.0) for x in range(256)])


@kernel(borrows=True)
def _total_less(terms: Array, a: Array, b: Array) -> Any:
    """Return the sum of terms - a * b."""
    total = terms.dtype.type(0.0)
    for j in range(terms.size):
        total += terms[j] - a[j] * b[j]
    return total


@kernel(forceinline=True, borrows=True)
def log_factorial(x: float) -> Any:
    """Return log x! in float64, for a whole number x of either type."""
    if x < LOG_FACTORIAL.size:
        return LOG_FACTORIAL[int(x)]
    n = np.float64(x)
    series = 1.0 / (12.0 * n) - 1.0 / (360.0 * n**3)
    return (n + 0.5) * math.log(n) - n + 0.5 * LOG_2PI + series


@kernel(borrows=True, apart=True, chosen="likelihood")
def likelihood_rows(
    likelihood: int,
    logits: Array,
    x: Array,
    samples: int,
    log_sigma: float,
    scale: float,
    reconstruction: Array,
    dlogits: Array,
    dlog_sigma: Array,
    buffer: Array,
    start: int,
    stop: int,
) -> None:
    """Reconstruction = -log p(x given logits), a sum over each row; scale times its gradients.

    Row n of ``logits`` belongs to row n // samples of ``x``.  ``dlogits`` must not be ``logits``;
    ``buffer`` is (2, input_dim), to be overwritten.
    """
    half, one = logits.dtype.type(0.5), logits.dtype.type(1.0)
    shift = logits.dtype.type(0.5 * LOG_2PI + log_sigma)
    precision, c = logits.dtype.type(np.exp(-log_sigma)), logits.dtype.type(scale)
    terms, sigma_terms = buffer[0], buffer[1]
    for n in range(start, stop):
        row, target, gradient = logits[n], x[n // samples], dlogits[n]
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
        elif likelihood == POISSON:
            for j in range(row.size):
                rate = exp(row[j])
                terms[j] = rate + logits.dtype.type(log_factorial(target[j]))
                gradient[j] = c * (rate - target[j])
            reconstruction[n] = _total_less(terms, target, row)
        elif likelihood in (GAUSSIAN, GAUSSIAN_LEARNED):
            for j in range(row.size):
                residual = (target[j] - row[j]) * precision
                terms[j] = shift + half * residual * residual
                sigma_terms[j] = one - residual * residual
                gradient[j] = -c * precision * residual
            reconstruction[n] = total_of(terms)
            dlog_sigma[n] = c * total_of(sigma_terms)
        else:
            reconstruction[n] = math.nan


@kernel(borrows=True, apart=True, waits=True)
def weigh_rows(weight: Array, dlogits: Array, dlog_sigma: Array, start: int, stop: int) -> None:
    """Multiply the gradients of row n by weight[n]; weight is (batch * samples,)."""
    for n in range(start, stop):
        row = dlogits[n]
        for j in range(row.size):
            row[j] *= weight[n]
        dlog_sigma[n] *= weight[n]
