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

from numpy.typing import NDArray

from tinyvae.ops import layout as at
from tinyvae.ops import matmul, rows
from tinyvae.ops.latent_rows import (
    DREG,
    ELBO,
    importance_rows,
    latent_backward_rows,
    latent_forward_rows,
)
from tinyvae.ops.layout import Network
from tinyvae.ops.likelihood_rows import GAUSSIAN_LEARNED, likelihood_rows, weigh_rows
from tinyvae.ops.machine.jit import ask, kernel
from tinyvae.ops.machine.subnormals import flush_subnormals, restore_mode
from tinyvae.ops.machine.views import matrix_at, row_at, vector_at
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


def ask_for(network: Network, objective: int, free_bits: float) -> None:
    """Have those kernels compiled that not every model needs."""
    for activation in (network.activation, rows.IDENTITY):
        ask(rows.activate_rows, activation)
    ask(rows.derivative_rows, network.activation)
    ask(likelihood_rows, network.likelihood)
    ask(latent_backward_rows, objective)
    if objective != ELBO:
        ask(importance_rows)
        ask(weigh_rows)
    if free_bits >= 0.0:
        ask(_charge_free_bits)
    if network.likelihood == GAUSSIAN_LEARNED:
        ask(_update_log_sigma)
    if network.n_classes:
        ask(rows.label_rows)
        ask(_update_labels)


@kernel(inline=True)
def _buffers(step: Step) -> Any:
    """Return the buffers that the workspace holds, of the lengths that this batch needs."""
    n, latent = len(step.x), step.noise.shape[1]
    sizes = (n, latent, n * step.samples, step.samples)
    return at.buffers_of(step.workspace, step.offsets, sizes)


@kernel(borrows=True, apart=True)
def _forward_layers(step: Step, x: Array, first: int, last: int, start: int, stop: int) -> None:
    """Take rows of x through layers first to last - 1."""
    n = len(x)
    for i in range(first, last):
        layer = row_at(step.layers, i)
        parameters = at.parameters_of(step.values, layer, (step.n_classes,))
        h = at.values_of(step.workspace, layer, (n,)).output
        matmul.forward_rows(x, parameters.weight, parameters.bias, h, start, stop)
        if layer[at.LABEL] >= 0:
            label_weight = parameters.label_weight
            rows.label_rows(h, label_weight, step.labels, layer[at.SAMPLES], start, stop)
        rows.activate_rows(h, layer[at.ACTIVATION], start, stop)
        x = h


@kernel(borrows=True, apart=True)
def _backward_layers(step: Step, n: int, first: int, last: int, start: int, stop: int) -> None:
    """Take rows of the gradient at layer last - 1 down to the pre-activation of layer first."""
    for i in range(last - 1, first, -1):
        layer, below = row_at(step.layers, i), row_at(step.layers, i - 1)
        weight = at.parameters_of(step.values, layer, (step.n_classes,)).weight
        da = at.values_of(step.workspace, layer, (n,)).gradient
        h, out = at.values_of(step.workspace, below, (n,))
        matmul.backward_input_rows(da, weight, out, start, stop)
        rows.derivative_rows(out, h, below[at.ACTIVATION], start, stop)


@kernel(inline=True)
def _thread_buffer(step: Step, part: int) -> Array:
    size = step.offsets[at.GRADIENT_SIZE]
    return vector_at(step.workspace, step.offsets[at.GRADIENTS] + part * size, size)


@kernel(borrows=True, apart=True)
def _encode(step: Step, start: int, stop: int) -> None:
    """x, (batch, input_dim), to logvar, std and kl, (batch, latent), and z for every sample."""
    of = _buffers(step)
    _forward_layers(step, step.x, 0, step.n_encoder, start, stop)
    last = row_at(step.layers, step.n_encoder - 1)
    posterior = at.values_of(step.workspace, last, (len(step.x),)).output
    latent_forward_rows(
        posterior, step.noise, of.logvar, of.std, of.z, of.kl, of.kl_of_row, step.samples,
        start, stop,
    )  # fmt: skip


@kernel(borrows=True, apart=True)
def _decode(step: Step, part: int, start: int, stop: int) -> None:
    """z, (batch * samples, latent), to the losses, and back to the gradient at every layer."""
    n, samples, depth = len(step.x), step.samples, len(step.layers)
    of, first = _buffers(step), row_at(step.layers, step.n_encoder)
    begin, end = start * samples, stop * samples  # the same examples' rows in the decoder
    last, encoder = row_at(step.layers, depth - 1), row_at(step.layers, step.n_encoder - 1)
    logits, dlogits = at.values_of(step.workspace, last, (n * samples,))
    posterior, dposterior = at.values_of(step.workspace, encoder, (n,))
    buffer = _thread_buffer(step, part)

    # forward: logits, -log p(x|z) and its gradient at the logits, for each sample
    _forward_layers(step, of.z, step.n_encoder, depth, begin, end)
    scale = 1.0 / n if step.objective != ELBO else 1.0 / (n * samples)
    likelihood_rows(
        step.likelihood, logits, step.x, samples, step.log_sigma, scale, of.reconstruction,
        dlogits, of.dlog_sigma, matrix_at(buffer, 0, 2, last[at.FAN_OUT]), begin, end,
    )  # fmt: skip
    if step.objective != ELBO:
        importance_rows(
            of.reconstruction, of.logvar, step.noise, of.z, of.log_w, of.importance, of.bound,
            vector_at(buffer, 0, step.noise.shape[1]), start, stop,
        )  # fmt: skip
        weigh_rows(of.importance_of_row, dlogits, of.dlog_sigma, begin, end)
    # backward: decoder, z, latent variable, encoder
    _backward_layers(step, n * samples, step.n_encoder, depth, begin, end)
    first_da = at.values_of(step.workspace, first, (n * samples,)).gradient
    weight = at.parameters_of(step.values, first, (step.n_classes,)).weight
    matmul.backward_input_rows(first_da, weight, of.dz, begin, end)
    latent_backward_rows(
        step.objective, of.dz, posterior, of.logvar, of.std, step.noise, of.z, of.importance,
        1.0 / n, of.dkl, dposterior, start, stop,
    )  # fmt: skip
    _backward_layers(step, n, 0, step.n_encoder, start, stop)


@kernel(borrows=True, apart=True, waits=True)
def _update_labels(
    step: Step, layer: Array, da: Array, buffer: Array, start: int, stop: int
) -> None:
    """Adam on columns start to stop of a label weight."""
    size = stop - start
    gradient = matrix_at(buffer, 0, step.n_classes, size)
    rows.label_gradient_columns(da, step.labels, layer[at.SAMPLES], gradient, start, stop)
    for c in range(step.n_classes):
        first = layer[at.LABEL] + c * layer[at.FAN_OUT] + start
        matmul.adam_rows(
            vector_at(step.values, first, size), vector_at(buffer, c * size, size),
            vector_at(step.m, first, size), vector_at(step.v, first, size), step.constants,
        )  # fmt: skip


@kernel(borrows=True, apart=True, waits=True)
def _update_log_sigma(step: Step) -> None:
    """Adam on log_sigma, which stands behind all layers."""
    gradient, last = rows.total_of(_buffers(step).dlog_sigma), step.values.size - 1
    step.values[last], step.m[last], step.v[last] = matmul.adam_update(
        step.values[last], gradient, step.m[last], step.v[last], step.constants
    )


@kernel(borrows=True, apart=True)
def _update_layer(step: Step, i: int, x: Array, part: int, parts: int) -> None:
    """Adam on this part's rows of the weight, and columns of the bias and the label weight."""
    layer, buffer = row_at(step.layers, i), _thread_buffer(step, part)
    fan_in, fan_out, classes = layer[at.FAN_IN], layer[at.FAN_OUT], (step.n_classes,)
    da = at.values_of(step.workspace, layer, (len(x),)).gradient
    weight, bias, _ = at.parameters_of(step.values, layer, classes)
    m, m_bias, _ = at.parameters_of(step.m, layer, classes)
    v, v_bias, _ = at.parameters_of(step.v, layer, classes)
    piece = matrix_at(buffer, 0, matmul.UPDATE_ROWS, fan_out)
    start, stop = part * fan_in // parts, (part + 1) * fan_in // parts
    matmul.update_weight_rows(x, da, weight, m, v, step.constants, piece, start, stop)
    start, stop = part * fan_out // parts, (part + 1) * fan_out // parts
    matmul.update_bias_columns(da, bias, m_bias, v_bias, step.constants, buffer, start, stop)
    if layer[at.LABEL] >= 0:
        _update_labels(step, layer, da, buffer, start, stop)


@kernel(borrows=True, apart=True)
def _update(step: Step, part: int, parts: int) -> None:
    """Region 2: this part of every weight, bias and label weight."""
    x = step.x
    for i in range(len(step.layers)):
        if i == step.n_encoder:
            x = _buffers(step).z
        _update_layer(step, i, x, part, parts)
        x = at.values_of(step.workspace, row_at(step.layers, i), (len(x),)).output
    if step.likelihood == GAUSSIAN_LEARNED and part == 0:
        _update_log_sigma(step)


@kernel(borrows=True, apart=True, waits=True)
def _charge_free_bits(step: Step) -> None:
    """Add up the KL that the loss charges for; nothing pulls at dimensions whose bits are free."""
    n, latent = len(step.x), step.noise.shape[1]
    of = _buffers(step)
    step.means[CHARGED_KL] = 0.0
    for j in range(latent):
        total = 0.0
        for row in range(n):
            total += of.kl[row, j]
        step.means[CHARGED_KL] += max(step.free_bits, total / n)
        if total / n <= step.free_bits:
            of.dkl[j] = 0.0


@kernel(inline=True)
def _average(step: Step, reconstruction: Array, kl: Array, bound: Array) -> None:
    """Write the means of loss, reconstruction and kl over the batch."""
    n, samples = len(step.x), step.samples
    total, total_kl, total_bound = 0.0, 0.0, 0.0
    for row in range(n * samples):
        total += reconstruction[row]
    for row in range(n):
        total_kl += kl[row]
    step.means[MEAN_RECONSTRUCTION], step.means[MEAN_KL] = total / (n * samples), total_kl / n
    if step.objective == ELBO:
        charged = step.means[CHARGED_KL] if step.free_bits >= 0.0 else total_kl / n
        step.means[LOSS] = step.means[MEAN_RECONSTRUCTION] + step.beta * charged
    elif step.objective <= DREG:  # iwae, stl, dreg
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
    of = _buffers(step)
    if not done & ENCODER or step.free_bits >= 0.0:
        for j in range(of.dkl.size):  # what a dimension's KL weighs in the loss
            of.dkl[j] = step.beta / len(step.x)
        if step.free_bits >= 0.0:
            _charge_free_bits(step)
    if not done & DECODER:
        split = step.free_bits >= 0.0
        return DECODER if done & ENCODER else ENCODER if split else ENCODER | DECODER
    _average(step, of.reconstruction, of.kl_of_row, of.bound)
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
    while True:
        region = _next_region(step, region)
        if region == EVERYTHING:
            return
        in_parts(queue, parts, step_in_parts, (queue, region, *fields))
