"""A whole training step in one compiled call: forward, backward, and Adam.

Two parallel regions, and nothing between them but the sum of the losses:

1. Rows of the batch.  No example looks at another, so each thread takes its own rows through the
   whole forward pass and back again, down to the gradient at every pre-activation.
2. Rows of the weights.  A weight's gradient sums over the batch; each thread takes its own rows of
   every weight matrix, and hands each finished piece of gradient to Adam while it is still in the
   caches.

Everything is one kernel that calls itself for the parts (see ``board.py``).  The mathematics is
that of ``rows.py`` and ``matmul.py``; here stands only the order.  It gives the same result as the
operations called one by one, which a test holds it to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.ops import matmul, rows
from tinyvae.ops.layout import (
    ACTIVATION,
    FAN_IN,
    FAN_OUT,
    GRADIENT,
    MOST_THREADS,
    OUTPUT,
    Layout,
    bias_of,
    make_layout,
    matrix_at,
    weight_of,
)
from tinyvae.ops.machine.jit import kernel
from tinyvae.ops.machine.subnormals import flush_subnormals, restore_mode
from tinyvae.ops.machine.work_queue import in_parts
from tinyvae.ops.machine.workers import run_shared, threads_for

Array = NDArray[Any]

EVERYTHING, BATCH, WEIGHTS = range(3)  # what a call of ``_step`` has to do


@kernel()
def _forward_layers(
    values: Array,
    layers: Array,
    workspace: Array,
    x: Array,
    first: Any,
    last: int,
    start: int,
    stop: int,
) -> None:
    """Take rows of x through layers first to last - 1."""
    n = len(x)
    for i in range(first, last):
        layer = layers[i]
        h = matrix_at(workspace, layer[OUTPUT], n, layer[FAN_OUT])
        matmul.forward_rows(x, weight_of(values, layer), bias_of(values, layer), h, start, stop)
        rows.activate_rows(h, layer[ACTIVATION], start, stop)
        x = h


@kernel()
def _backward_layers(
    values: Array,
    layers: Array,
    workspace: Array,
    n: int,
    first: Any,
    last: int,
    start: int,
    stop: int,
) -> None:
    """Take rows of the gradient at layer last - 1 down to the pre-activation of layer first."""
    for i in range(last - 1, first, -1):
        layer, below = layers[i], layers[i - 1]
        da = matrix_at(workspace, layer[GRADIENT], n, layer[FAN_OUT])
        h = matrix_at(workspace, below[OUTPUT], n, layer[FAN_IN])
        out = matrix_at(workspace, below[GRADIENT], n, layer[FAN_IN])
        matmul.backward_input_rows(da, weight_of(values, layer), out, start, stop)
        rows.derivative_rows(out, h, below[ACTIVATION], start, stop)


@kernel(paste=True)
def _batch_rows(
    part: int,
    parts: int,
    values: Array,
    layers: Array,
    n_encoder: int,
    latent: Array,
    workspace: Array,
    per_row: Array,
    x: Array,
    noise: Array,
    likelihood: int,
    log_sigma: float,
    beta: float,
) -> None:
    """Region 1: this part's rows of the batch, forward and backward."""
    mode = flush_subnormals()
    n, latent_dim, depth = len(x), noise.shape[1], len(layers)
    start, stop = part * n // parts, (part + 1) * n // parts
    scale, zero = 1.0 / n, np.intp(0)  # a literal 0 would compile the same kernels once more
    head, first, last = layers[n_encoder - 1], layers[n_encoder], layers[depth - 1]
    heads = matrix_at(workspace, head[OUTPUT], n, 2 * latent_dim)
    dheads = matrix_at(workspace, head[GRADIENT], n, 2 * latent_dim)
    logvar = matrix_at(workspace, latent[0], n, latent_dim)
    z = matrix_at(workspace, latent[1], n, latent_dim)
    dz = matrix_at(workspace, latent[2], n, latent_dim)
    logits = matrix_at(workspace, last[OUTPUT], n, last[FAN_OUT])
    dlogits = matrix_at(workspace, last[GRADIENT], n, last[FAN_OUT])
    first_da = matrix_at(workspace, first[GRADIENT], n, first[FAN_OUT])

    _forward_layers(values, layers, workspace, x, zero, n_encoder, start, stop)
    rows.latent_forward_rows(heads, noise, logvar, z, per_row[1], start, stop)
    _forward_layers(values, layers, workspace, z, n_encoder, depth, start, stop)
    rows.likelihood_rows(
        likelihood, logits, x, log_sigma, scale, per_row[0], dlogits, per_row[2], start, stop
    )
    _backward_layers(values, layers, workspace, n, n_encoder, depth, start, stop)
    matmul.backward_input_rows(first_da, weight_of(values, first), dz, start, stop)
    rows.latent_backward_rows(dz, heads, logvar, noise, beta * scale, dheads, start, stop)
    _backward_layers(values, layers, workspace, n, zero, n_encoder, start, stop)
    restore_mode(mode)


@kernel(paste=True)
def _weight_rows(
    part: int,
    parts: int,
    values: Array,
    m: Array,
    v: Array,
    layers: Array,
    n_encoder: int,
    latent: Array,
    workspace: Array,
    per_row: Array,
    x: Array,
    z_width: int,
    likelihood: int,
    constants: Array,
) -> None:
    """Region 2: this part's rows of every weight matrix, and its entries of every bias."""
    mode = flush_subnormals()
    n = len(x)
    room = latent[3] + part * latent[4]
    for i in range(len(layers)):
        layer = layers[i]
        if i == n_encoder:
            x = matrix_at(workspace, latent[1], n, z_width)
        da = matrix_at(workspace, layer[GRADIENT], n, layer[FAN_OUT])
        start, stop = part * layer[FAN_IN] // parts, (part + 1) * layer[FAN_IN] // parts
        matmul.update_weight_rows(
            x,
            da,
            weight_of(values, layer),
            weight_of(m, layer),
            weight_of(v, layer),
            constants,
            matrix_at(workspace, room, matmul.UPDATE_ROWS, layer[FAN_OUT]),
            start,
            stop,
        )
        start, stop = part * layer[FAN_OUT] // parts, (part + 1) * layer[FAN_OUT] // parts
        _update_bias(
            da,
            bias_of(values, layer),
            bias_of(m, layer),
            bias_of(v, layer),
            constants,
            workspace[room : room + layer[FAN_OUT]],
            start,
            stop,
        )
        x = matrix_at(workspace, layer[OUTPUT], n, layer[FAN_OUT])
    if likelihood == rows.GAUSSIAN_LEARNED and part == 0:
        last, gradient = values.size - 1, per_row.dtype.type(0.0)
        for row in range(n):
            gradient += per_row[2, row]
        values[last], m[last], v[last] = matmul.adam_update(
            values[last], gradient, m[last], v[last], constants
        )
    restore_mode(mode)


@kernel(paste=True)
def _update_bias(
    da: Array, bias: Array, m: Array, v: Array, constants: Array, room: Array, start: int, stop: int
) -> None:
    total = room[start:stop]
    for j in range(total.size):
        total[j] = da.dtype.type(0.0)
    for n in range(len(da)):
        row = da[n, start:stop]  # sliced, for LLVM vectorizes no index with an offset here
        for j in range(total.size):
            total[j] += row[j]
    for j in range(start, stop):
        bias[j], m[j], v[j] = matmul.adam_update(bias[j], room[j], m[j], v[j], constants)


@kernel()
def _step(
    part: int,
    parts: int,
    board: Array,
    region: int,
    values: Array,
    m: Array,
    v: Array,
    layers: Array,
    n_encoder: int,
    latent: Array,
    workspace: Array,
    per_row: Array,
    means: Array,
    x: Array,
    noise: Array,
    constants: Array,
    likelihood: int,
    log_sigma: float,
    beta: float,
) -> None:
    """Do a part of a region; or EVERYTHING, region after region."""
    if region == BATCH:
        _batch_rows(
            part, parts, values, layers, n_encoder, latent, workspace, per_row, x, noise,
            likelihood, log_sigma, beta,
        )  # fmt: skip
        return
    if region == WEIGHTS:
        _weight_rows(
            part, parts, values, m, v, layers, n_encoder, latent, workspace, per_row, x,
            noise.shape[1], likelihood, constants,
        )  # fmt: skip
        return
    layout = (layers, n_encoder, latent, workspace, per_row, means)
    given = (values, m, v, *layout, x, noise, constants, likelihood, log_sigma, beta)
    in_parts(board, parts, _step, (board, BATCH, *given))
    for term in range(2):
        total = 0.0
        for row in range(len(x)):
            total += per_row[term, row]
        means[term] = total / len(x)
    # (LLVM would fold isfinite to true; see jit.py)
    if abs(means[0] + beta * means[1]) < math.inf:
        in_parts(board, parts, _step, (board, WEIGHTS, *given))


class TrainStep:
    """The whole step of one model, with its buffers.

    Parameters
    ----------
    values : vector
        All parameters of the model; moved in place.
    offsets : sequence of (int, int)
        Places of each layer's weight and bias in ``values``, encoder first.
    encoder, decoder : sequence of int
        Widths of the layers, inputs included; the encoder's last is twice the latent width.
    activation, likelihood : int
        Codes of ``rows.py``.  A learned log_sigma is the last entry of ``values``.
    threads : int or None
        At most so many; None: as many as the work deserves.
    """

    def __init__(
        self,
        values: Array,
        offsets: Sequence[tuple[int, int]],
        encoder: Sequence[int],
        decoder: Sequence[int],
        activation: int,
        likelihood: int,
        threads: int | None,
    ) -> None:
        self.values = values
        self.likelihood = likelihood
        self.threads = threads
        self._shape = (encoder, decoder, activation, offsets)
        self._layout: Layout | None = None

    def __call__(
        self,
        x: Array,
        noise: Array,
        m: Array,
        v: Array,
        constants: Array,
        log_sigma: float,
        beta: float,
    ) -> tuple[float, float]:
        """Do a step and return (reconstruction, kl); change nothing if one is not finite.

        ``constants`` are those of ``fast.adam_constants``.
        """
        flops = 6.0 * len(x) * self.values.size
        threads = min(len(x), MOST_THREADS, threads_for(flops, self.threads))
        layout, terms = self._layout_for(len(x)), (self.likelihood, log_sigma, beta)
        run_shared(
            _step, threads, EVERYTHING, self.values, m, v, *layout, x, noise, constants, *terms
        )
        reconstruction, kl = layout.means.tolist()
        return reconstruction, kl

    def _layout_for(self, batch: int) -> Layout:
        if self._layout is None or self._layout.per_row.shape[1] < batch:
            self._layout = make_layout(*self._shape, batch, self.values.dtype)
        return self._layout
