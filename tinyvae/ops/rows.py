"""Activations and labels on rows ``start`` to ``stop`` - 1, in place, for Numba.

A row is one example, or one of its samples; rows are independent until the weight gradients are
summed, so whoever calls these serial kernels may give different rows to different threads.  The
operations of ``fast`` and the fused step call the same kernels.  No shape is checked here.

A sum is a loop of its own, over terms that another loop has stored.  Beside a store LLVM keeps two
versions of a sum, which round differently, and where the arrays lie decides which of them runs.

``x.dtype.type(c)`` is a constant in the precision of the array: a bare Python float would turn a
float32 loop into float64.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from tinyvae.ops.elementary import exp, sigmoid, softplus, tanh
from tinyvae.ops.machine.jit import kernel
from tinyvae.ops.reference import ACTIVATIONS

Array = NDArray[Any]

RELU, TANH, SOFTPLUS, SIGMOID, IDENTITY = range(len(ACTIVATIONS))


@kernel(borrows=True)
def total_of(terms: Array) -> Any:
    """Return the sum of a vector."""
    total = terms.dtype.type(0.0)
    for j in range(terms.size):
        total += terms[j]
    return total


@kernel(borrows=True, apart=True, chosen="activation")
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


@kernel(borrows=True, apart=True, chosen="activation")
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


@kernel(borrows=True, apart=True, waits=True)
def label_rows(
    a: Array, label_weight: Array, labels: Array, samples: int, start: int, stop: int
) -> None:
    """Add to row n of a, (batch * samples, fan_out), the weight of the label of its example."""
    for n in range(start, stop):
        row, added = a[n], label_weight[labels[n // samples]]
        for j in range(row.size):
            row[j] += added[j]


@kernel(borrows=True, apart=True)
def label_gradient_columns(
    da: Array, labels: Array, samples: int, out: Array, start: int, stop: int
) -> None:
    """Out = one_hot(labels).T @ da[:, start:stop], (n_classes, stop - start)."""
    for c in range(len(out)):
        for j in range(stop - start):
            out[c, j] = da.dtype.type(0.0)
    for n in range(len(da)):
        row, total = da[n, start:stop], out[labels[n // samples]]
        for j in range(row.size):
            total[j] += row[j]
