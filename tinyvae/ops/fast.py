"""The operations of ``reference`` in Numba: same names, same mathematical arguments, same results.

What differs is only how they are called: the matrix products take ``out=`` buffers and a number
of threads.  Arrays are C-contiguous, float32 or float64, and of one dtype; nothing is checked
here.  To learn what an operation means, read ``reference.py``.
"""

from __future__ import annotations

import math
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinyvae.ops import elementary, matmul, rows
from tinyvae.ops.machine.jit import FASTMATH, kernel
from tinyvae.ops.machine.subnormals import flush_subnormals, restore_mode
from tinyvae.ops.machine.work_queue import WHOLE, in_parts
from tinyvae.ops.machine.workers import run_shared, threads_for
from tinyvae.ops.reference import ACTIVATIONS, LOGVAR_BOUND

Array = NDArray[Any]

#: The one list of operations, each to be found in ``reference`` under the same name.
OPERATIONS = (
    *("sigmoid", "softplus", "activation_forward", "activation_backward"),
    *("dense_forward", "dense_backward_weight", "dense_backward_input"),
    *("bound_logvar_forward", "bound_logvar_backward"),
    *("reparameterize_forward", "reparameterize_backward", "kl_forward", "kl_backward"),
    *("bernoulli_forward", "bernoulli_backward", "bernoulli_mean"),
    *("continuous_bernoulli_forward", "continuous_bernoulli_backward"),
    *("continuous_bernoulli_mean", "log_partition", "gaussian_forward", "gaussian_backward"),
    "adam_step",
)

_CODE = {name: code for code, name in enumerate(ACTIVATIONS)}


# Elementwise operations --------------------------------------------------------------------


def _elementwise(function: Any) -> Any:
    """Make an operation on whole arrays from a kernel ``function(a, out)`` on flat ones."""

    def operation(a: Array) -> Array:
        out = np.empty_like(a)
        function(a.reshape(-1), out.reshape(-1))
        return out

    operation.__name__ = function.__name__.lstrip("_")
    operation.__doc__ = f"See ``reference.{operation.__name__}``."
    return operation


@kernel()
def _sigmoid(a: Array, out: Array) -> None:
    for i in range(a.size):
        out[i] = elementary.sigmoid(a[i])


@kernel()
def _softplus(a: Array, out: Array) -> None:
    for i in range(a.size):
        out[i] = elementary.softplus(a[i])


@kernel()
def _log_partition(a: Array, out: Array) -> None:
    for i in range(a.size):
        out[i] = elementary.log_partition_and_mean(a[i])[0]


@kernel()
def _continuous_bernoulli_mean(a: Array, out: Array) -> None:
    for i in range(a.size):
        out[i] = elementary.log_partition_and_mean(a[i])[1]


@kernel()
def _bound_logvar_forward(a: Array, out: Array) -> None:
    bound = a.dtype.type(LOGVAR_BOUND)
    for i in range(a.size):
        out[i] = bound * elementary.tanh(a[i] / bound)


sigmoid = _elementwise(_sigmoid)
softplus = _elementwise(_softplus)
bernoulli_mean = sigmoid
log_partition = _elementwise(_log_partition)
continuous_bernoulli_mean = _elementwise(_continuous_bernoulli_mean)
bound_logvar_forward = _elementwise(_bound_logvar_forward)


def activation_forward(a: Array, activation: str) -> Array:
    """See ``reference.activation_forward``."""
    h = a.copy()
    rows.activate_rows(h, _CODE[activation], 0, len(h))
    return h


def activation_backward(dh: Array, h: Array, activation: str) -> Array:
    """See ``reference.activation_backward``."""
    da = dh.copy()
    rows.derivative_rows(da, h, _CODE[activation], 0, len(da))
    return da


# Dense layers ------------------------------------------------------------------------------


@kernel()
def _dense_forward(
    part: int,
    parts: int,
    board: Array,
    x: Array,
    weight: Array,
    bias: Array,
    activation: int,
    out: Array,
) -> None:
    if part == WHOLE:
        in_parts(board, parts, _dense_forward, (board, x, weight, bias, activation, out))
        return
    start, stop = part * len(x) // parts, (part + 1) * len(x) // parts
    matmul.forward_rows(x, weight, bias, out, start, stop)
    rows.activate_rows(out, activation, start, stop)


@kernel()
def _dense_backward_input(
    part: int,
    parts: int,
    board: Array,
    da: Array,
    weight: Array,
    h: Array,
    activation: int,
    out: Array,
) -> None:
    if part == WHOLE:
        in_parts(board, parts, _dense_backward_input, (board, da, weight, h, activation, out))
        return
    start, stop = part * len(da) // parts, (part + 1) * len(da) // parts
    matmul.backward_input_rows(da, weight, out, start, stop)
    rows.derivative_rows(out, h, activation, start, stop)


@kernel()
def _dense_backward_weight(
    part: int, parts: int, board: Array, x: Array, da: Array, out: Array
) -> None:
    if part == WHOLE:
        in_parts(board, parts, _dense_backward_weight, (board, x, da, out))
        return
    start, stop = part * len(out) // parts, (part + 1) * len(out) // parts
    matmul.weight_gradient_rows(x, da, out[start:stop], start, stop)


@kernel()
def _sum_rows(da: Array, out: Array) -> None:
    out[:] = out.dtype.type(0.0)
    for n in range(da.shape[0]):
        row = da[n]
        for j in range(row.size):
            out[j] += row[j]


def dense_forward(
    x: Array,
    weight: Array,
    bias: Array,
    activation: str,
    out: Array | None = None,
    threads: int | None = 1,
) -> Array:
    """See ``reference.dense_forward``."""
    h = np.empty((len(x), weight.shape[1]), x.dtype) if out is None else out
    threads = min(len(x), threads_for(2 * len(x) * weight.size, threads))
    run_shared(_dense_forward, threads, x, weight, bias, _CODE[activation], h)
    return h


def dense_backward_weight(
    x: Array,
    da: Array,
    out: tuple[Array, Array] | None = None,
    threads: int | None = 1,
) -> tuple[Array, Array]:
    """See ``reference.dense_backward_weight``."""
    shape = (x.shape[1], da.shape[1])
    dweight, dbias = (np.empty(shape, x.dtype), np.empty(shape[1], x.dtype)) if out is None else out
    threads = min(len(dweight), threads_for(2 * len(x) * dweight.size, threads))
    run_shared(_dense_backward_weight, threads, x, da, dweight)
    _sum_rows(da, dbias)
    return dweight, dbias


def dense_backward_input(
    da: Array,
    weight: Array,
    h: Array,
    activation: str,
    out: Array | None = None,
    threads: int | None = 1,
) -> Array:
    """See ``reference.dense_backward_input``."""
    below = np.empty_like(h) if out is None else out
    threads = min(len(da), threads_for(2 * len(da) * weight.size, threads))
    run_shared(_dense_backward_input, threads, da, weight, h, _CODE[activation], below)
    return below


# The latent variable -----------------------------------------------------------------------


@kernel()
def bound_logvar_backward(dlogvar: Array, logvar: Array) -> Array:
    """See ``reference.bound_logvar_backward``."""
    one, inverse = logvar.dtype.type(1.0), logvar.dtype.type(1.0 / LOGVAR_BOUND)
    out = np.empty_like(logvar)
    for n in range(out.shape[0]):
        for j in range(out.shape[1]):
            ratio = logvar[n, j] * inverse
            out[n, j] = dlogvar[n, j] * (one - ratio * ratio)
    return out


@kernel()
def reparameterize_forward(mu: Array, logvar: Array, noise: Array) -> Array:
    """See ``reference.reparameterize_forward``."""
    half = mu.dtype.type(0.5)
    z = np.empty_like(mu)
    for n in range(mu.shape[0]):
        for j in range(mu.shape[1]):
            z[n, j] = mu[n, j] + elementary.exp(half * logvar[n, j]) * noise[n, j]
    return z


@kernel()
def reparameterize_backward(dz: Array, logvar: Array, noise: Array) -> tuple[Array, Array]:
    """See ``reference.reparameterize_backward``."""
    half = dz.dtype.type(0.5)
    dlogvar = np.empty_like(dz)
    for n in range(dz.shape[0]):
        for j in range(dz.shape[1]):
            dlogvar[n, j] = half * dz[n, j] * noise[n, j] * elementary.exp(half * logvar[n, j])
    return dz, dlogvar


@kernel()
def kl_forward(mu: Array, logvar: Array) -> Array:
    """See ``reference.kl_forward``."""
    half, one = mu.dtype.type(0.5), mu.dtype.type(1.0)
    kl = np.empty_like(mu)
    for n in range(mu.shape[0]):
        for j in range(mu.shape[1]):
            lv = logvar[n, j]
            kl[n, j] = half * (mu[n, j] * mu[n, j] + (elementary.exp(lv) - one) - lv)
    return kl


@kernel()
def kl_backward(mu: Array, logvar: Array) -> tuple[Array, Array]:
    """See ``reference.kl_backward``."""
    half, one = mu.dtype.type(0.5), mu.dtype.type(1.0)
    dlogvar = np.empty_like(mu)
    for n in range(mu.shape[0]):
        for j in range(mu.shape[1]):
            dlogvar[n, j] = half * (elementary.exp(logvar[n, j]) - one)
    return mu, dlogvar


# Likelihoods -------------------------------------------------------------------------------


def _likelihood(
    code: int, logits: Array, x: Array, log_sigma: float = 0.0
) -> tuple[Array, Array, Array]:
    """Return reconstruction (batch,), its gradient at the logits, and at log_sigma (batch,)."""
    reconstruction, dlog_sigma = np.empty(len(x), x.dtype), np.empty(len(x), x.dtype)
    dlogits = np.empty_like(logits)
    rows.likelihood_rows(
        code, logits, x, log_sigma, 1.0, reconstruction, dlogits, dlog_sigma, 0, len(x)
    )
    return reconstruction, dlogits, dlog_sigma


def bernoulli_forward(logits: Array, x: Array) -> Array:
    """See ``reference.bernoulli_forward``."""
    return _likelihood(rows.BERNOULLI, logits, x)[0]


def bernoulli_backward(logits: Array, x: Array) -> Array:
    """See ``reference.bernoulli_backward``."""
    return _likelihood(rows.BERNOULLI, logits, x)[1]


def continuous_bernoulli_forward(logits: Array, x: Array) -> Array:
    """See ``reference.continuous_bernoulli_forward``."""
    return _likelihood(rows.CONTINUOUS_BERNOULLI, logits, x)[0]


def continuous_bernoulli_backward(logits: Array, x: Array) -> Array:
    """See ``reference.continuous_bernoulli_backward``."""
    return _likelihood(rows.CONTINUOUS_BERNOULLI, logits, x)[1]


def gaussian_forward(mean: Array, x: Array, log_sigma: Array) -> Array:
    """See ``reference.gaussian_forward``."""
    return _likelihood(rows.GAUSSIAN, mean, x, float(log_sigma[0]))[0]


def gaussian_backward(mean: Array, x: Array, log_sigma: Array) -> tuple[Array, Array]:
    """See ``reference.gaussian_backward``."""
    _, dmean, dlog_sigma = _likelihood(rows.GAUSSIAN, mean, x, float(log_sigma[0]))
    return dmean, dlog_sigma


# Adam --------------------------------------------------------------------------------------


# (exact division and square root: a step is compared with the reference to rounding)
@kernel(fastmath=FASTMATH - {"arcp", "afn"})
def _adam(values: Array, gradients: Array, m: Array, v: Array, constants: Array) -> None:
    for i in range(values.size):
        values[i], m[i], v[i] = matmul.adam_update(values[i], gradients[i], m[i], v[i], constants)


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
