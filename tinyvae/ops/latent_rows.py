"""The latent variable, row by row: its sample, its KL, and the weights of many samples.

Each function takes the vectors of one row, (latent_dim,).  The operations of ``fast`` call them
one by one, ``latent_forward_rows`` and ``latent_backward_rows`` call them for the fused step: what
trains is what is checked.  Functions whose name ends in ``_backward_row`` add to their results.

``std`` is exp(logvar / 2) throughout.  The encoder's output is ``posterior`` = [mu, raw_logvar],
(batch, 2 latent_dim); row n of it belongs to rows n * samples to (n + 1) * samples - 1 of z.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from tinyvae.ops.elementary import exp, log, tanh
from tinyvae.ops.machine.jit import kernel
from tinyvae.ops.reference import LOGVAR_BOUND, OBJECTIVES
from tinyvae.ops.rows import total_of

Array = NDArray[Any]

ELBO, IWAE, STL, DREG = range(len(OBJECTIVES))


# One row -----------------------------------------------------------------------------------


@kernel(inline=True)
def bound_logvar_row(raw_logvar: Array, logvar: Array) -> None:
    """Logvar = 10 tanh(raw_logvar / 10)."""
    bound, inverse = logvar.dtype.type(LOGVAR_BOUND), logvar.dtype.type(1.0 / LOGVAR_BOUND)
    for j in range(logvar.size):
        logvar[j] = bound * tanh(raw_logvar[j] * inverse)


@kernel(inline=True)
def bound_logvar_backward_row(dlogvar: Array, logvar: Array, draw_logvar: Array) -> None:
    """draw_logvar = dlogvar * (1 - (logvar / 10)**2); the two may be one array."""
    one, inverse = logvar.dtype.type(1.0), logvar.dtype.type(1.0 / LOGVAR_BOUND)
    for j in range(logvar.size):
        ratio = logvar[j] * inverse
        draw_logvar[j] = dlogvar[j] * (one - ratio * ratio)


@kernel(inline=True)
def std_row(logvar: Array, std: Array) -> None:
    """Std = exp(logvar / 2)."""
    half = std.dtype.type(0.5)
    for j in range(std.size):
        std[j] = exp(half * logvar[j])


@kernel(inline=True)
def reparameterize_row(mu: Array, std: Array, noise: Array, z: Array) -> None:
    """Z = mu + std * noise."""
    for j in range(z.size):
        z[j] = mu[j] + std[j] * noise[j]


@kernel(inline=True)
def reparameterize_backward_row(
    dz: Array, std: Array, noise: Array, dmu: Array, dlogvar: Array
) -> None:
    """Dmu += dz; dlogvar += dz * noise * std / 2."""
    half = dz.dtype.type(0.5)
    for j in range(dz.size):
        dmu[j] += dz[j]
        dlogvar[j] += half * dz[j] * noise[j] * std[j]


@kernel(inline=True)
def kl_row(mu: Array, logvar: Array, std: Array, kl: Array) -> None:
    """Kl = (mu**2 + std**2 - 1 - logvar) / 2."""
    half, one = kl.dtype.type(0.5), kl.dtype.type(1.0)
    for j in range(kl.size):
        kl[j] = half * (mu[j] * mu[j] + (std[j] * std[j] - one) - logvar[j])


@kernel(inline=True)
def kl_backward_row(mu: Array, std: Array, dkl: Array, dmu: Array, dlogvar: Array) -> None:
    """Dmu += dkl * mu; dlogvar += dkl * (std**2 - 1) / 2."""
    half, one = mu.dtype.type(0.5), mu.dtype.type(1.0)
    for j in range(mu.size):
        dmu[j] += dkl[j] * mu[j]
        dlogvar[j] += dkl[j] * (half * (std[j] * std[j] - one))


@kernel(inline=True)
def log_weight_row(reconstruction: Any, logvar: Array, noise: Array, z: Array, terms: Array) -> Any:
    """Return log p(x, z) - log q(z given x); ``terms`` is a buffer of latent_dim numbers."""
    half = z.dtype.type(0.5)
    for j in range(z.size):
        terms[j] = half * (noise[j] * noise[j] + logvar[j] - z[j] * z[j])
    return total_of(terms) - reconstruction


@kernel(inline=True)
def log_weight_backward_row(dlog_w: Any, z: Array, dz: Array, dlogvar: Array) -> None:
    """Dz -= dlog_w * z; dlogvar += dlog_w / 2."""
    half = z.dtype.type(0.5)
    for j in range(z.size):
        dz[j] -= dlog_w * z[j]
        dlogvar[j] += half * dlog_w


@kernel(inline=True)
def path_backward_row(dlog_w: Any, std: Array, noise: Array, z: Array, dz: Array) -> None:
    """Dz += dlog_w * (noise / std - z)."""
    for j in range(z.size):
        dz[j] += dlog_w * (noise[j] / std[j] - z[j])


@kernel(inline=True)
def importance_row(log_w: Array, weight: Array) -> Any:
    """Weight = w normalized to a sum of one, (samples,); return the log of the mean of w."""
    largest = log_w[0]
    for k in range(1, log_w.size):
        largest = max(largest, log_w[k])
    for k in range(log_w.size):
        weight[k] = exp(log_w[k] - largest)
    total = total_of(weight)
    for k in range(log_w.size):
        weight[k] /= total
    return largest + log(total / log_w.dtype.type(log_w.size))


# Rows of a batch ---------------------------------------------------------------------------


@kernel(borrows=True, apart=True)
def latent_forward_rows(
    posterior: Array,
    noise: Array,
    logvar: Array,
    std: Array,
    z: Array,
    kl: Array,
    kl_of_row: Array,
    samples: int,
    start: int,
    stop: int,
) -> None:
    """From posterior and noise: logvar, std, and kl, each (batch, latent), and samples of z.

    ``kl_of_row``, (batch,), is the sum over each row of kl.
    """
    latent = logvar.shape[1]
    for n in range(start, stop):
        mu, raw_logvar = posterior[n, :latent], posterior[n, latent:]
        bound_logvar_row(raw_logvar, logvar[n])
        std_row(logvar[n], std[n])
        kl_row(mu, logvar[n], std[n], kl[n])
        for s in range(n * samples, (n + 1) * samples):
            reparameterize_row(mu, std[n], noise[s], z[s])
    for n in range(start, stop):
        kl_of_row[n] = total_of(kl[n])


@kernel(borrows=True, apart=True, waits=True)
def importance_rows(
    reconstruction: Array,
    logvar: Array,
    noise: Array,
    z: Array,
    log_w: Array,
    weight: Array,
    bound: Array,
    terms: Array,
    start: int,
    stop: int,
) -> None:
    """Weigh the samples of each row: log_w and weight, (batch, samples), and bound, (batch,).

    ``terms``, (latent,), is a buffer.
    """
    samples = log_w.shape[1]
    for n in range(start, stop):
        for k in range(samples):
            s = n * samples + k
            log_w[n, k] = log_weight_row(reconstruction[s], logvar[n], noise[s], z[s], terms)
        bound[n] = importance_row(log_w[n], weight[n])


@kernel(borrows=True, apart=True, chosen="objective")
def latent_backward_rows(
    objective: int,
    dz: Array,
    posterior: Array,
    logvar: Array,
    std: Array,
    noise: Array,
    z: Array,
    weight: Array,
    scale: float,
    dkl: Array,
    dposterior: Array,
    start: int,
    stop: int,
) -> None:
    """Add to dz what comes from the objective, and take it back to dposterior.

    ``weight``, (batch, samples), are normalized importance weights, already in dz; ``scale`` is
    1 / batch, and ``dkl``, (latent,), the weight of each dimension's KL in ``ELBO``'s loss.
    """
    latent, samples = logvar.shape[1], weight.shape[1]
    zero, c = dz.dtype.type(0.0), dz.dtype.type(scale)
    for n in range(start, stop):
        dmu, dlogvar = dposterior[n, :latent], dposterior[n, latent:]
        for j in range(latent):
            dmu[j] = dlogvar[j] = zero
        for k in range(samples):
            s = n * samples + k
            dlog_w = -c * weight[n, k]
            if objective == IWAE:
                log_weight_backward_row(dlog_w, z[s], dz[s], dlogvar)
            elif objective != ELBO:
                path_backward_row(dlog_w, std[n], noise[s], z[s], dz[s])
            if objective == DREG:  # the encoder's weights are squared, the decoder's are not
                for j in range(latent):
                    dz[s, j] *= weight[n, k]
            reparameterize_backward_row(dz[s], std[n], noise[s], dmu, dlogvar)
        if objective == ELBO:
            kl_backward_row(posterior[n, :latent], std[n], dkl, dmu, dlogvar)
        bound_logvar_backward_row(dlogvar, logvar[n], dlogvar)
