"""A whole training step in one compiled call: forward, backward, and Adam.

Two parallel regions, and nothing between them but the sums of the losses:

1. Rows of the batch.  No example looks at another, so each thread takes its own rows through the
   whole forward pass and back again, down to the gradient at every pre-activation.  (Free bits
   look at the whole batch's KL: then the region is split behind the encoder.)
2. Rows of the weights.  A weight's gradient sums over the batch; each thread takes its own rows of
   every weight matrix, and hands each finished piece of gradient to Adam while it is still in the
   caches.

With ``samples`` samples of z for each example the decoder has batch * samples rows, those of one
example next to each other.  The result is that of the operations called one by one.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyvae.ops import layout as at
from tinyvae.ops import matmul, rows
from tinyvae.ops.latent_rows import (
    DREG,
    ELBO,
    IWAE,
    STL,
    importance_rows,
    latent_backward_rows,
    latent_forward_rows,
)
from tinyvae.ops.layout import bias_of, label_weight_of, weight_of
from tinyvae.ops.likelihood_rows import GAUSSIAN_LEARNED, likelihood_rows, weigh_rows
from tinyvae.ops.machine.jit import kernel
from tinyvae.ops.machine.subnormals import flush_subnormals, restore_mode
from tinyvae.ops.machine.views import matrix_at, vector_at
from tinyvae.ops.machine.work_queue import in_parts

Array = NDArray[Any]

EVERYTHING, ENCODER, DECODER, WEIGHTS = 0, 1, 2, 4  # what a call has to do
LOSS, MEAN_RECONSTRUCTION, MEAN_KL, CHARGED_KL = range(4)  # places in Layout.means


class Step(NamedTuple):
    """Everything a step reads and writes.

    ``values``, ``m`` and ``v`` are one layout: parameters and Adam's running means, moved in place
    with ``constants`` (see ``fast.adam_constants``).  ``layers``, ``offsets``, ``workspace`` and
    ``means`` are a ``Layout``.  x is (batch, input_dim), noise (batch * samples, latent_dim),
    labels (batch,) or empty.  The rest says what is minimized; free_bits below 0 means none.
    """

    values: Array
    m: Array
    v: Array
    constants: Array
    layers: Array
    offsets: Array
    workspace: Array
    means: Array
    x: Array
    noise: Array
    labels: Array
    n_encoder: int
    n_classes: int
    likelihood: int
    objective: int
    samples: int
    log_sigma: float
    beta: float
    free_bits: float


@kernel(inline=True)
def _buffer(step: Step, which: int, n_rows: int, n_columns: int) -> Array:
    return matrix_at(step.workspace, step.offsets[which], n_rows, n_columns)


@kernel(inline=True)
def _numbers(step: Step, which: int, size: int) -> Array:
    return vector_at(step.workspace, step.offsets[which], size)


@kernel(borrows=True)
def _forward_layers(step: Step, x: Array, first: Any, last: int, start: int, stop: int) -> None:
    """Take rows of x through layers first to last - 1."""
    n = len(x)
    for i in range(first, last):
        layer = step.layers[i]
        weight, bias = weight_of(step.values, layer), bias_of(step.values, layer)
        h = matrix_at(step.workspace, layer[at.OUTPUT], n, layer[at.FAN_OUT])
        matmul.forward_rows(x, weight, bias, h, start, stop)
        if layer[at.LABEL] >= 0:
            label_weight = label_weight_of(step.values, layer, step.n_classes)
            rows.label_rows(h, label_weight, step.labels, layer[at.SAMPLES], start, stop)
        rows.activate_rows(h, layer[at.ACTIVATION], start, stop)
        x = h


@kernel(borrows=True)
def _backward_layers(step: Step, n: int, first: Any, last: int, start: int, stop: int) -> None:
    """Take rows of the gradient at layer last - 1 down to the pre-activation of layer first."""
    for i in range(last - 1, first, -1):
        layer, below = step.layers[i], step.layers[i - 1]
        da = matrix_at(step.workspace, layer[at.GRADIENT], n, layer[at.FAN_OUT])
        h = matrix_at(step.workspace, below[at.OUTPUT], n, layer[at.FAN_IN])
        out = matrix_at(step.workspace, below[at.GRADIENT], n, layer[at.FAN_IN])
        matmul.backward_input_rows(da, weight_of(step.values, layer), out, start, stop)
        rows.derivative_rows(out, h, below[at.ACTIVATION], start, stop)


@kernel(inline=True)
def _thread_buffer(step: Step, part: int) -> Array:
    size = step.offsets[at.GRADIENT_SIZE]
    return vector_at(step.workspace, step.offsets[at.GRADIENTS] + part * size, size)


@kernel(inline=True)
def _encode(step: Step, start: int, stop: int) -> None:
    """x, (batch, input_dim), to logvar, std and kl, (batch, latent), and z for every sample."""
    n, latent = len(step.x), step.noise.shape[1]
    last = step.layers[step.n_encoder - 1]
    # (np.intp: a literal 0 would compile the same kernel once more)
    _forward_layers(step, step.x, np.intp(0), step.n_encoder, start, stop)
    posterior = matrix_at(step.workspace, last[at.OUTPUT], n, 2 * latent)
    logvar, std = _buffer(step, at.LOGVAR, n, latent), _buffer(step, at.STD, n, latent)
    kl, z = _buffer(step, at.KL, n, latent), _buffer(step, at.Z, n * step.samples, latent)
    latent_forward_rows(posterior, step.noise, logvar, std, z, kl, step.samples, start, stop)
    kl_of_row = _numbers(step, at.KL_OF_ROW, n)
    for row in range(start, stop):
        kl_of_row[row] = rows.total_of(kl[row])


@kernel(inline=True)
def _decode(step: Step, part: int, start: int, stop: int) -> None:
    """z, (batch * samples, latent), to the losses, and back to the gradient at every layer."""
    n, latent, samples, depth = len(step.x), step.noise.shape[1], step.samples, len(step.layers)
    first, last = step.layers[step.n_encoder], step.layers[depth - 1]
    encoder = step.layers[step.n_encoder - 1]
    begin, end = start * samples, stop * samples  # the same examples' rows in the decoder
    z, dz = (
        _buffer(step, at.Z, n * samples, latent), _buffer(step, at.DZ, n * samples, latent)
    )  # fmt: skip
    logvar, std = _buffer(step, at.LOGVAR, n, latent), _buffer(step, at.STD, n, latent)
    reconstruction = _numbers(step, at.RECONSTRUCTION, n * samples)
    dlog_sigma = _numbers(step, at.DLOG_SIGMA, n * samples)
    importance = _buffer(step, at.IMPORTANCE, n, samples)
    logits = matrix_at(step.workspace, last[at.OUTPUT], n * samples, last[at.FAN_OUT])
    dlogits = matrix_at(step.workspace, last[at.GRADIENT], n * samples, last[at.FAN_OUT])
    first_da = matrix_at(step.workspace, first[at.GRADIENT], n * samples, first[at.FAN_OUT])
    posterior = matrix_at(step.workspace, encoder[at.OUTPUT], n, 2 * latent)
    dposterior = matrix_at(step.workspace, encoder[at.GRADIENT], n, 2 * latent)
    dkl, buffer = _numbers(step, at.DKL, latent), _thread_buffer(step, part)
    terms = matrix_at(buffer, 0, 2, last[at.FAN_OUT])

    # forward: logits, -log p(x|z) and its gradient at the logits, for each sample
    _forward_layers(step, z, step.n_encoder, depth, begin, end)
    scale = 1.0 / n if step.objective != ELBO else 1.0 / (n * samples)
    likelihood_rows(
        step.likelihood, logits, step.x, samples, step.log_sigma, scale, reconstruction, dlogits,
        dlog_sigma, terms, begin, end,
    )  # fmt: skip
    if step.objective != ELBO:
        log_w, bound = _buffer(step, at.LOG_W, n, samples), _numbers(step, at.BOUND, n)
        importance_rows(
            reconstruction,
            logvar,
            step.noise,
            z,
            log_w,
            importance,
            bound,
            vector_at(buffer, 0, latent),
            start,
            stop,
        )
        weigh_rows(_numbers(step, at.IMPORTANCE, n * samples), dlogits, dlog_sigma, begin, end)
    # backward: decoder, z, latent variable, encoder
    _backward_layers(step, n * samples, step.n_encoder, depth, begin, end)
    matmul.backward_input_rows(first_da, weight_of(step.values, first), dz, begin, end)
    latent_backward_rows(
        step.objective, dz, posterior, logvar, std, step.noise, z, importance, 1.0 / n, dkl,
        dposterior, start, stop,
    )  # fmt: skip
    _backward_layers(step, n, np.intp(0), step.n_encoder, start, stop)


@kernel(inline=True)
def _update_layer(step: Step, layer: Array, x: Array, buffer: Array, part: int, parts: int) -> None:
    """Adam on this part's rows of the weight, and columns of the bias and the label weight."""
    fan_in, fan_out = layer[at.FAN_IN], layer[at.FAN_OUT]
    da = matrix_at(step.workspace, layer[at.GRADIENT], len(x), fan_out)
    weight, m, v = (
        weight_of(step.values, layer), weight_of(step.m, layer), weight_of(step.v, layer)
    )  # fmt: skip
    piece = matrix_at(buffer, 0, matmul.UPDATE_ROWS, fan_out)
    start, stop = part * fan_in // parts, (part + 1) * fan_in // parts
    matmul.update_weight_rows(x, da, weight, m, v, step.constants, piece, start, stop)
    start, stop = part * fan_out // parts, (part + 1) * fan_out // parts
    bias, m_bias, v_bias = (
        bias_of(step.values, layer), bias_of(step.m, layer), bias_of(step.v, layer)
    )  # fmt: skip
    matmul.update_bias_columns(da, bias, m_bias, v_bias, step.constants, buffer, start, stop)
    if layer[at.LABEL] >= 0:
        gradient = matrix_at(buffer, 0, step.n_classes, stop - start)
        rows.label_gradient_columns(da, step.labels, layer[at.SAMPLES], gradient, start, stop)
        for c in range(step.n_classes):
            first, size = layer[at.LABEL] + c * fan_out + start, stop - start
            matmul.adam_rows(
                vector_at(step.values, first, size), vector_at(buffer, c * size, size),
                vector_at(step.m, first, size), vector_at(step.v, first, size), step.constants,
            )  # fmt: skip


@kernel(inline=True)
def _update(step: Step, part: int, parts: int) -> None:
    """Region 2: this part of every weight, bias and label weight."""
    n, latent = len(step.x), step.noise.shape[1]
    buffer = _thread_buffer(step, part)
    x = step.x
    for i in range(len(step.layers)):
        layer = step.layers[i]
        if i == step.n_encoder:
            x = _buffer(step, at.Z, n * step.samples, latent)
        _update_layer(step, layer, x, buffer, part, parts)
        x = matrix_at(step.workspace, layer[at.OUTPUT], len(x), layer[at.FAN_OUT])
    if step.likelihood == GAUSSIAN_LEARNED and part == 0:
        dlog_sigma = _numbers(step, at.DLOG_SIGMA, n * step.samples)
        last = step.values.size - 1  # log_sigma stands behind all layers
        gradient = rows.total_of(dlog_sigma)
        step.values[last], step.m[last], step.v[last] = matmul.adam_update(
            step.values[last], gradient, step.m[last], step.v[last], step.constants
        )


@kernel(inline=True)
def _charge_kl(step: Step) -> None:
    """Set the weight of each dimension's KL, beta / batch; zero where its bits are free."""
    n, latent = len(step.x), step.noise.shape[1]
    kl, dkl = _buffer(step, at.KL, n, latent), _numbers(step, at.DKL, latent)
    step.means[CHARGED_KL] = 0.0
    for j in range(latent):
        dkl[j] = step.beta / n
        if step.free_bits >= 0.0:
            total = 0.0
            for row in range(n):
                total += kl[row, j]
            step.means[CHARGED_KL] += max(step.free_bits, total / n)
            if total / n <= step.free_bits:
                dkl[j] = 0.0


@kernel(inline=True)
def _average(step: Step) -> None:
    """Write the means of loss, reconstruction and kl over the batch."""
    n, samples = len(step.x), step.samples
    reconstruction = _numbers(step, at.RECONSTRUCTION, n * samples)
    kl, bound = _numbers(step, at.KL_OF_ROW, n), _numbers(step, at.BOUND, n)
    total, total_kl, total_bound = 0.0, 0.0, 0.0
    for row in range(n * samples):
        total += reconstruction[row]
    for row in range(n):
        total_kl += kl[row]
    step.means[MEAN_RECONSTRUCTION], step.means[MEAN_KL] = total / (n * samples), total_kl / n
    if step.objective == ELBO:
        charged = step.means[CHARGED_KL] if step.free_bits >= 0.0 else total_kl / n
        step.means[LOSS] = step.means[MEAN_RECONSTRUCTION] + step.beta * charged
    elif step.objective in (IWAE, STL, DREG):
        for row in range(n):
            total_bound += bound[row]
        step.means[LOSS] = -total_bound / n
    else:  # an objective that nobody wrote a loss for stops at its first step
        step.means[LOSS] = math.nan


@kernel(inline=True)
def _next_region(step: Step, done: int) -> int:
    """Do what stands between two regions, and return the one that follows."""
    if done & WEIGHTS:
        return EVERYTHING
    if not done & ENCODER or step.free_bits >= 0.0:
        _charge_kl(step)
    if not done & DECODER:
        split = step.free_bits >= 0.0
        return DECODER if done & ENCODER else ENCODER if split else ENCODER | DECODER
    _average(step)
    # (LLVM would fold isfinite to true; see jit.py)
    return WEIGHTS if abs(step.means[LOSS]) < math.inf else EVERYTHING


@kernel(borrows=True)
def step_in_parts(part: int, parts: int, queue: Array, region: int, *fields: Any) -> None:
    """Do a part of a region; or EVERYTHING, region after region."""
    step = Step(*fields)
    if region != EVERYTHING:
        mode = flush_subnormals()
        start, stop = part * len(step.x) // parts, (part + 1) * len(step.x) // parts
        if region & ENCODER:
            _encode(step, start, stop)
        if region & DECODER:
            _decode(step, part, start, stop)
        if region & WEIGHTS:
            _update(step, part, parts)
        restore_mode(mode)
        return
    region = _next_region(step, region)
    while region != EVERYTHING:
        in_parts(queue, parts, step_in_parts, (queue, region, *fields))
        region = _next_region(step, region)
