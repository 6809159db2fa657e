"""Where everything of a training step lies: one table of layers, one vector of intermediate values.

The kernels of ``step.py`` cut their matrices out of it.  This file computes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyvae.ops import matmul, rows
from tinyvae.ops.machine.jit import kernel
from tinyvae.ops.machine.memory import allocate
from tinyvae.ops.machine.workers import cores

Array = NDArray[Any]

# Columns of the table that describes the layers, encoder first, one row a layer.
WEIGHT, BIAS, FAN_IN, FAN_OUT, ACTIVATION, OUTPUT, GRADIENT = range(7)

MOST_THREADS = cores()


class Layout(NamedTuple):
    """Where everything lies; built once for a model and a batch size.

    Attributes
    ----------
    layers : (depth, 7) int64 array
        For each layer: places of weight and bias in the vector of parameters, widths, activation,
        places of its output and of the gradient at its pre-activation in ``workspace``.
    n_encoder : int
        How many of the layers are the encoder's.
    latent : (5,) int64 array
        Places of logvar, z and dz in ``workspace``; then where each thread has room for a few
        rows of a weight's gradient, and how much.
    workspace : vector
        Every intermediate value of a step.
    per_row : (3, batch) array
        reconstruction, kl and the gradient at log_sigma, for each row.
    means : (2,) float64 array
        reconstruction and kl of the batch.
    """

    layers: Array
    n_encoder: int
    latent: Array
    workspace: Array
    per_row: Array
    means: Array


def make_layout(
    encoder: Sequence[int],
    decoder: Sequence[int],
    activation: int,
    offsets: Sequence[tuple[int, int]],
    batch: int,
    dtype: np.dtype[Any],
) -> Layout:
    """Lay out a step.

    Parameters
    ----------
    encoder, decoder : sequence of int
        Widths of their layers, inputs included.
    activation : int
        Of the hidden layers.
    offsets : sequence of (int, int)
        Places of each layer's weight and bias in the vector of parameters.
    batch : int
        The most rows a batch may have.
    dtype : dtype

    Returns
    -------
    Layout
    """
    table: list[list[int]] = []
    used = 0
    for widths in (encoder, decoder):
        for i, (fan_in, fan_out) in enumerate(pairwise(widths)):
            code = activation if i < len(widths) - 2 else rows.IDENTITY
            output, gradient = used, used + batch * fan_out
            used += 2 * batch * fan_out
            table.append([*offsets[len(table)], fan_in, fan_out, code, output, gradient])
    size = batch * decoder[0]
    latent = [used, used + size, used + 2 * size, used + 3 * size]
    room = matmul.UPDATE_ROWS * max(*encoder[1:], *decoder[1:])
    return Layout(
        np.array(table, dtype=np.int64),
        len(encoder) - 1,
        np.array([*latent, room], dtype=np.int64),
        allocate(latent[3] + MOST_THREADS * room, dtype),
        np.empty((3, batch), dtype),
        np.zeros(2),
    )


@kernel(paste=True)
def matrix_at(vector: Array, start: int, n_rows: int, n_columns: int) -> Array:
    """Return the matrix that begins at a place of a vector."""
    return vector[start : start + n_rows * n_columns].reshape((n_rows, n_columns))


@kernel(paste=True)
def weight_of(values: Array, layer: Array) -> Array:
    """Return a layer's weight, or what belongs to it in another vector of the same layout."""
    return matrix_at(values, layer[WEIGHT], layer[FAN_IN], layer[FAN_OUT])


@kernel(paste=True)
def bias_of(values: Array, layer: Array) -> Array:
    """Return a layer's bias, or what belongs to it in another vector of the same layout."""
    return values[layer[BIAS] : layer[BIAS] + layer[FAN_OUT]]
