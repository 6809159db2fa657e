"""The operations of ``reference`` in Numba: same names, same mathematical arguments, same results.

The matrix products take a number of threads besides.  Arrays are C-contiguous, float32 or float64,
and of one dtype; nothing is checked here.  To learn what an operation means, read ``reference.py``.
"""

from __future__ import annotations

import math
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinyvae.ops import latent_rows, likelihood_rows, matmul
from tinyvae.ops.dense import (  # noqa: F401
    dense_backward_input,
    dense_backward_weight,
    dense_forward,
    label_backward,
    label_forward,
)
from tinyvae.ops.elementwise import (  # noqa: F401
    activation_backward,
    activation_forward,
    bernoulli_mean,
    bound_logvar_forward,
    continuous_bernoulli_mean,
    log_partition,
    poisson_mean,
    sigmoid,
    softplus,
)
from tinyvae.ops.machine.jit import FASTMATH, kernel
from tinyvae.ops.machine.subnormals import flush_subnormals, restore_mode

#: The one list of operations, each to be found in ``reference`` under the same name.
OPERATIONS = (
    *("sigmoid", "softplus", "activation_forward", "activation_backward"),
    *("dense_forward", "dense_backward_weight", "dense_backward_input"),
    *("label_forward", "label_backward"),
    *("bound_logvar_forward", "bound_logvar_backward"),
    *("reparameterize_forward", "reparameterize_backward", "kl_forward", "kl_backward"),
    *("log_weight_forward", "log_weight_backward", "path_backward"),
    *("importance_bound_forward", "importance_bound_backward"),
    *("bernoulli_forward", "bernoulli_backward", "bernoulli_mean"),
    *("continuous_bernoulli_forward", "continuous_bernoulli_backward"),
    *("continuous_bernoulli_mean", "log_partition"),
    *("poisson_forward", "poisson_backward", "poisson_mean"),
    *("gaussian_forward", "gaussian_backward", "adam_step"),
)

__all__ = ["OPERATIONS", "adam_constants", "with_threads", *OPERATIONS]

Array = NDArray[Any]


# The latent variable -----------------------------------------------------------------------


@kernel()
def bound_logvar_backward(dlogvar: Array, logvar: Array) -> Array:
    """See ``reference.bound_logvar_backward``."""
    out = np.empty_like(logvar)
    for n in range(len(out)):
        latent_rows.bound_logvar_backward_row(dlogvar[n], logvar[n], out[n])
    return out


@kernel()
def _std(logvar: Array) -> Array:
    std = np.empty_like(logvar)
    for n in range(len(std)):
        latent_rows.std_row(logvar[n], std[n])
    return std


@kernel()
def reparameterize_forward(mu: Array, logvar: Array, noise: Array) -> Array:
    """See ``reference.reparameterize_forward``."""
    std, z = _std(logvar), np.empty_like(mu)
    for n in range(len(z)):
        latent_rows.reparameterize_row(mu[n], std[n], noise[n], z[n])
    return z


@kernel()
def reparameterize_backward(dz: Array, logvar: Array, noise: Array) -> tuple[Array, Array]:
    """See ``reference.reparameterize_backward``."""
    std, dmu, dlogvar = _std(logvar), np.zeros_like(dz), np.zeros_like(dz)
    for n in range(len(dz)):
        latent_rows.reparameterize_backward_row(dz[n], std[n], noise[n], dmu[n], dlogvar[n])
    return dmu, dlogvar


@kernel()
def kl_forward(mu: Array, logvar: Array) -> Array:
    """See ``reference.kl_forward``."""
    std, kl = _std(logvar), np.empty_like(mu)
    for n in range(len(kl)):
        latent_rows.kl_row(mu[n], logvar[n], std[n], kl[n])
    return kl


@kernel()
def kl_backward(mu: Array, logvar: Array) -> tuple[Array, Array]:
    """See ``reference.kl_backward``."""
    std, dmu, dlogvar = _std(logvar), np.zeros_like(mu), np.zeros_like(mu)
    one = np.ones(mu.shape[1], mu.dtype)
    for n in range(len(mu)):
        latent_rows.kl_backward_row(mu[n], std[n], one, dmu[n], dlogvar[n])
    return dmu, dlogvar


# Many samples ------------------------------------------------------------------------------


@kernel()
def log_weight_forward(reconstruction: Array, logvar: Array, noise: Array, z: Array) -> Array:
    """See ``reference.log_weight_forward``."""
    log_w, terms = np.empty_like(reconstruction), np.empty_like(z[0])
    for n in range(len(z)):
        log_w[n] = latent_rows.log_weight_row(reconstruction[n], logvar[n], noise[n], z[n], terms)
    return log_w


@kernel()
def log_weight_backward(dlog_w: Array, z: Array) -> tuple[Array, Array]:
    """See ``reference.log_weight_backward``."""
    dz, dlogvar = np.zeros_like(z), np.zeros_like(z)
    for n in range(len(z)):
        latent_rows.log_weight_backward_row(dlog_w[n], z[n], dz[n], dlogvar[n])
    return dz, dlogvar


@kernel()
def path_backward(dlog_w: Array, logvar: Array, noise: Array, z: Array) -> Array:
    """See ``reference.path_backward``."""
    std, dz = _std(logvar), np.zeros_like(z)
    for n in range(len(z)):
        latent_rows.path_backward_row(dlog_w[n], std[n], noise[n], z[n], dz[n])
    return dz


@kernel()
def importance_bound_forward(log_w: Array) -> Array:
    """See ``reference.importance_bound_forward``."""
    bound, weight = np.empty(len(log_w), log_w.dtype), np.empty_like(log_w[0])
    for n in range(len(log_w)):
        bound[n] = latent_rows.importance_row(log_w[n], weight)
    return bound


@kernel()
def importance_bound_backward(log_w: Array) -> Array:
    """See ``reference.importance_bound_backward``."""
    weight = np.empty_like(log_w)
    for n in range(len(log_w)):
        latent_rows.importance_row(log_w[n], weight[n])
    return weight


# Likelihoods -------------------------------------------------------------------------------


def _likelihood(
    code: int, logits: Array, x: Array, log_sigma: float = 0.0
) -> tuple[Array, Array, Array]:
    """Return reconstruction (batch,), its gradient at the logits, and at log_sigma (batch,)."""
    reconstruction, dlog_sigma = np.empty(len(x), x.dtype), np.empty(len(x), x.dtype)
    dlogits, buffer = np.empty_like(logits), np.empty((2, logits.shape[1]), logits.dtype)
    likelihood_rows.likelihood_rows(
        code, logits, x, 1, log_sigma, 1.0, reconstruction, dlogits, dlog_sigma, buffer, 0, len(x)
    )
    return reconstruction, dlogits, dlog_sigma


def bernoulli_forward(logits: Array, x: Array) -> Array:
    """See ``reference.bernoulli_forward``."""
    return _likelihood(likelihood_rows.BERNOULLI, logits, x)[0]


def bernoulli_backward(logits: Array, x: Array) -> Array:
    """See ``reference.bernoulli_backward``."""
    return _likelihood(likelihood_rows.BERNOULLI, logits, x)[1]


def continuous_bernoulli_forward(logits: Array, x: Array) -> Array:
    """See ``reference.continuous_bernoulli_forward``."""
    return _likelihood(likelihood_rows.CONTINUOUS_BERNOULLI, logits, x)[0]


def continuous_bernoulli_backward(logits: Array, x: Array) -> Array:
    """See ``reference.continuous_bernoulli_backward``."""
    return _likelihood(likelihood_rows.CONTINUOUS_BERNOULLI, logits, x)[1]


def poisson_forward(logits: Array, x: Array) -> Array:
    """See ``reference.poisson_forward``."""
    return _likelihood(likelihood_rows.POISSON, logits, x)[0]


def poisson_backward(logits: Array, x: Array) -> Array:
    """See ``reference.poisson_backward``."""
    return _likelihood(likelihood_rows.POISSON, logits, x)[1]


def gaussian_forward(mean: Array, x: Array, log_sigma: Array) -> Array:
    """See ``reference.gaussian_forward``."""
    return _likelihood(likelihood_rows.GAUSSIAN, mean, x, float(log_sigma[0]))[0]


def gaussian_backward(mean: Array, x: Array, log_sigma: Array) -> tuple[Array, Array]:
    """See ``reference.gaussian_backward``."""
    _, dmean, dlog_sigma = _likelihood(likelihood_rows.GAUSSIAN, mean, x, float(log_sigma[0]))
    return dmean, dlog_sigma


# Adam --------------------------------------------------------------------------------------


# (exact division and square root: a step is compared with the reference to rounding)
@kernel(fastmath=FASTMATH - {"arcp", "afn"})
def _adam(values: Array, gradients: Array, m: Array, v: Array, constants: Array) -> None:
    matmul.adam_rows(values, gradients, m, v, constants)


@kernel()
def _adam_flushed(values: Array, gradients: Array, m: Array, v: Array, constants: Array) -> None:
    mode = flush_subnormals()
    _adam(values, gradients, m, v, constants)
    restore_mode(mode)


def adam_constants(
    step: int, learning_rate: float, beta1: float, beta2: float, epsilon: float, dtype: DTypeLike
) -> Array:
    """Return what ``matmul.adam_update`` needs, in the dtype of the weights.

    1 - beta1, 1 - beta2, learning_rate / (1 - beta1**step), 1 / sqrt(1 - beta2**step), epsilon.
    """
    step_size = learning_rate / (1.0 - beta1**step)
    correction = 1.0 / math.sqrt(1.0 - beta2**step)
    return np.array([1.0 - beta1, 1.0 - beta2, step_size, correction, epsilon], dtype)


def adam_step(
    values: Array,
    gradients: Array,
    m: Array,
    v: Array,
    step: int,
    learning_rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> None:
    """See ``reference.adam_step``."""
    constants = adam_constants(step, learning_rate, beta1, beta2, epsilon, values.dtype)
    _adam_flushed(values, gradients, m, v, constants)


def with_threads(threads: int | None) -> SimpleNamespace:
    """Return this list of operations with the matrix products' number of threads settled."""
    operations = {name: globals()[name] for name in OPERATIONS}
    for name in ("dense_forward", "dense_backward_weight", "dense_backward_input"):
        operations[name] = partial(operations[name], threads=threads)
    return SimpleNamespace(**operations)
