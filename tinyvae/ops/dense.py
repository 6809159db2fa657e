"""Dense layers and labels of ``fast``: matrix products whose rows are shared among threads."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.ops import matmul, rows
from tinyvae.ops.machine.jit import ask, kernel
from tinyvae.ops.machine.work_queue import WHOLE, in_parts
from tinyvae.ops.machine.workers import run_shared, threads_for
from tinyvae.ops.reference import ACTIVATIONS

Array = NDArray[Any]

CODE = {name: code for code, name in enumerate(ACTIVATIONS)}


@kernel()
def _dense_forward(
    part: int,
    parts: int,
    queue: Array,
    x: Array,
    weight: Array,
    bias: Array,
    activation: int,
    out: Array,
) -> None:
    if part == WHOLE:
        in_parts(queue, parts, _dense_forward, (queue, x, weight, bias, activation, out))
        return
    start, stop = part * len(x) // parts, (part + 1) * len(x) // parts
    matmul.forward_rows(x, weight, bias, out, start, stop)
    rows.activate_rows(out, activation, start, stop)


@kernel()
def _dense_backward_input(
    part: int,
    parts: int,
    queue: Array,
    da: Array,
    weight: Array,
    h: Array,
    activation: int,
    out: Array,
) -> None:
    if part == WHOLE:
        in_parts(queue, parts, _dense_backward_input, (queue, da, weight, h, activation, out))
        return
    start, stop = part * len(da) // parts, (part + 1) * len(da) // parts
    matmul.backward_input_rows(da, weight, out, start, stop)
    rows.derivative_rows(out, h, activation, start, stop)


@kernel()
def _dense_backward_weight(
    part: int, parts: int, queue: Array, x: Array, da: Array, out: Array
) -> None:
    if part == WHOLE:
        in_parts(queue, parts, _dense_backward_weight, (queue, x, da, out))
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
    threads: int | None = 1,
) -> Array:
    """See ``reference.dense_forward``."""
    ask(rows.activate_rows, CODE[activation])
    h = np.empty((len(x), weight.shape[1]), x.dtype)
    threads = min(len(x), threads_for(2 * len(x) * weight.size, threads))
    run_shared(_dense_forward, threads, x, weight, bias, CODE[activation], h)
    return h


def dense_backward_weight(
    x: Array,
    da: Array,
    threads: int | None = 1,
) -> tuple[Array, Array]:
    """See ``reference.dense_backward_weight``."""
    dweight = np.empty((x.shape[1], da.shape[1]), x.dtype)
    dbias = np.empty(da.shape[1], x.dtype)
    threads = min(len(dweight), threads_for(2 * len(x) * dweight.size, threads))
    run_shared(_dense_backward_weight, threads, x, da, dweight)
    _sum_rows(da, dbias)
    return dweight, dbias


def dense_backward_input(
    da: Array,
    weight: Array,
    h: Array,
    activation: str,
    threads: int | None = 1,
) -> Array:
    """See ``reference.dense_backward_input``."""
    ask(rows.derivative_rows, CODE[activation])
    below = np.empty_like(h)
    threads = min(len(da), threads_for(2 * len(da) * weight.size, threads))
    run_shared(_dense_backward_input, threads, da, weight, h, CODE[activation], below)
    return below


def label_forward(a: Array, label_weight: Array, labels: Array) -> Array:
    """See ``reference.label_forward``."""
    out = a.copy()
    rows.label_rows(out, label_weight, labels, 1, 0, len(out))
    return out


def label_backward(da: Array, labels: Array, n_classes: int) -> Array:
    """See ``reference.label_backward``."""
    out = np.empty((n_classes, da.shape[1]), da.dtype)
    rows.label_gradient_columns(da, labels, 1, out, 0, da.shape[1])
    return out
