"""The decoder on many samples of z, forward only: -log p(x given z) and log_w, in one call.

Threads share the blocks of samples.  A block is of one example, or of several where few samples
are asked for, and goes through all layers before the next one begins: what it needs stays in the
caches.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.ops import layout as at
from tinyvae.ops import matmul, rows
from tinyvae.ops.latent_rows import log_weight_row, reparameterize_row, std_row
from tinyvae.ops.layout import Network
from tinyvae.ops.likelihood_rows import likelihood_rows
from tinyvae.ops.machine.jit import ask, kernel
from tinyvae.ops.machine.memory import allocate
from tinyvae.ops.machine.subnormals import flush_subnormals, restore_mode
from tinyvae.ops.machine.views import matrix_at, row_at, vector_at
from tinyvae.ops.machine.work_queue import WHOLE, in_parts
from tinyvae.ops.machine.workers import run_shared, threads_for

Array = NDArray[Any]

#: Samples that go through the decoder together: 64 x 784 logits are 200 KB.
BLOCK = 64


@kernel(borrows=True, apart=True)
def _decode(
    values: Array,
    layers: Array,
    n_classes: int,
    labels: Array,
    samples: int,
    z: Array,
    buffer: Array,
) -> None:
    """Take z, (n, latent), through the decoder, each layer's output in the other half of buffer.

    Row n has the label of example n // samples.
    """
    n, size = len(z), buffer.size // 2
    x = z
    for i in range(len(layers)):
        layer = row_at(layers, i)
        weight, bias, label_weight = at.parameters_of(values, layer, (n_classes,))
        h = matrix_at(buffer, (i % 2) * size, n, layer[at.FAN_OUT])
        matmul.forward_rows(x, weight, bias, h, 0, n)
        if layer[at.LABEL] >= 0:
            rows.label_rows(h, label_weight, labels, samples, 0, n)
        rows.activate_rows(h, layer[at.ACTIVATION], 0, n)
        x = h


@kernel(borrows=True)
def _weigh_in_parts(
    part: int,
    parts: int,
    queue: Array,
    values: Array,
    layers: Array,
    n_classes: int,
    likelihood: int,
    log_sigma: float,
    x: Array,
    labels: Array,
    mu: Array,
    logvar: Array,
    noise: Array,
    workspace: Array,
    reconstruction: Array,
    log_w: Array,
) -> None:
    """Fill reconstruction and log_w, (batch * samples,), from noise, (batch, samples, latent)."""
    if part == WHOLE:
        in_parts(
            queue, parts, _weigh_in_parts,
            (
                queue, values, layers, n_classes, likelihood, log_sigma, x, labels, mu, logvar,
                noise, workspace, reconstruction, log_w,
            ),
        )  # fmt: skip
        return
    mode = flush_subnormals()
    samples, latent, input_dim = noise.shape[1], noise.shape[2], x.shape[1]
    own = workspace[part]
    std, terms = vector_at(own, 0, latent), vector_at(own, latent, latent)
    used = 2 * latent
    sigma_terms, pixels = vector_at(own, used, BLOCK), matrix_at(own, used + BLOCK, 2, input_dim)
    used += BLOCK + 2 * input_dim
    dlogits_at, z_at = used, used + BLOCK * input_dim
    hidden = own[z_at + BLOCK * latent :]
    examples, pieces = max(1, BLOCK // samples), -(-samples // BLOCK)
    blocks = -(-len(x) // examples) * pieces
    for block in range(part * blocks // parts, (part + 1) * blocks // parts):
        # examples row to end - 1, and of each the samples first to first + k - 1
        row, first = block // pieces * examples, block % pieces * BLOCK
        end, k = min(row + examples, len(x)), min(BLOCK, samples - first)
        n, start = (end - row) * k, row * samples + first
        z = matrix_at(own, z_at, n, latent)
        for i in range(row, end):
            std_row(logvar[i], std)
            for j in range(k):
                reparameterize_row(mu[i], std, noise[i, first + j], z[(i - row) * k + j])
        _decode(values, layers, n_classes, labels[row:end], k, z, hidden)
        last = (len(layers) - 1) % 2 * (hidden.size // 2)
        logits = matrix_at(hidden, last, n, input_dim)
        found = vector_at(reconstruction, start, n)
        likelihood_rows(
            likelihood, logits, x[row:end], k, log_sigma, 0.0, found,
            matrix_at(own, dlogits_at, n, input_dim), sigma_terms, pixels, 0, n,
        )  # fmt: skip
        for m in range(n):
            i, j = row + m // k, first + m % k
            log_w[start + m] = log_weight_row(found[m], logvar[i], noise[i, j], z[m], terms)
    restore_mode(mode)


class Weigh:
    """Weighs samples of z for one model, with its buffers.

    Parameters
    ----------
    values : vector
        All parameters of the model.
    network : Network
        What they mean.
    threads : int or None
        At most so many; None: as many as the work deserves.
    """

    def __init__(self, values: Array, network: Network, threads: int | None) -> None:
        self.values, self.network, self.threads = values, network, threads
        for activation in (network.activation, rows.IDENTITY):
            ask(rows.activate_rows, activation)
        ask(likelihood_rows, network.likelihood)
        if network.n_classes:
            ask(rows.label_rows)
        encoder_depth = len(network.encoder) - 1
        self._layers = at.make_layout(network, 1, 1, values.dtype).layers[encoder_depth:].copy()
        latent, input_dim = network.decoder[0], network.decoder[-1]
        hidden = 2 * BLOCK * max(network.decoder[1:])
        self._size = 2 * latent + BLOCK + 2 * input_dim + BLOCK * (input_dim + latent) + hidden
        self._workspace = np.empty((0, self._size), values.dtype)

    def __call__(
        self,
        x: Array,
        labels: Array,
        posterior: tuple[Array, Array],
        noise: Array,
        log_sigma: float,
    ) -> tuple[Array, Array]:
        """Return (reconstruction, log_w), each (batch, samples) in nats.

        Parameters
        ----------
        x : (batch, input_dim) array
        labels : (batch,) int64 array
            Empty for a model without labels.
        posterior : (mu, logvar)
            Each (batch, latent_dim).
        noise : (batch, samples, latent_dim) array
        log_sigma : float
            Of a Gaussian likelihood.
        """
        n, samples, _ = noise.shape
        flops = (
            2.0
            * n
            * samples
            * int((self._layers[:, at.FAN_IN] * self._layers[:, at.FAN_OUT]).sum())
        )
        blocks = -(-n // max(1, BLOCK // samples)) * -(-samples // BLOCK)
        threads = min(blocks, at.MOST_THREADS, threads_for(flops, self.threads))
        if len(self._workspace) < threads:
            whole = allocate(threads * self._size, self.values.dtype)
            self._workspace = whole.reshape(threads, self._size)
        reconstruction, log_w = np.empty((2, n * samples), self.values.dtype)
        run_shared(
            _weigh_in_parts, threads, self.values, self._layers, self.network.n_classes,
            self.network.likelihood, log_sigma, x, labels, *posterior, noise, self._workspace,
            reconstruction, log_w,
        )  # fmt: skip
        return reconstruction.reshape(n, samples), log_w.reshape(n, samples)
