"""Elementwise operations of ``fast``: each number by itself, activations among them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.ops import elementary, latent_rows, rows
from tinyvae.ops.dense import CODE
from tinyvae.ops.machine.jit import kernel

Array = NDArray[Any]


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
def _poisson_mean(a: Array, out: Array) -> None:
    for i in range(a.size):
        out[i] = elementary.exp(a[i])


@kernel()
def _bound_logvar_forward(a: Array, out: Array) -> None:
    latent_rows.bound_logvar_row(a, out)


sigmoid = _elementwise(_sigmoid)
softplus = _elementwise(_softplus)
bernoulli_mean = sigmoid
log_partition = _elementwise(_log_partition)
continuous_bernoulli_mean = _elementwise(_continuous_bernoulli_mean)
poisson_mean = _elementwise(_poisson_mean)
bound_logvar_forward = _elementwise(_bound_logvar_forward)


def activation_forward(a: Array, activation: str) -> Array:
    """See ``reference.activation_forward``."""
    h = a.copy()
    rows.activate_rows(h, CODE[activation], 0, len(h))
    return h


def activation_backward(dh: Array, h: Array, activation: str) -> Array:
    """See ``reference.activation_backward``."""
    da = dh.copy()
    rows.derivative_rows(da, h, CODE[activation], 0, len(da))
    return da
