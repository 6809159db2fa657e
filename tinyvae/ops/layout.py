"""The memory of a training step: a table of layers, and a workspace with offsets into it."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyvae.ops import matmul, rows
from tinyvae.ops.machine.memory import allocate
from tinyvae.ops.machine.quota import processors
from tinyvae.ops.machine.views import Shape, views

Array = NDArray[Any]

# Columns of the table that describes the layers, encoder first, one row a layer.
WEIGHT, BIAS, LABEL, FAN_IN, FAN_OUT, ACTIVATION, SAMPLES, OUTPUT, GRADIENT = range(9)
NO_LABEL = -1  # in column LABEL, of a layer that no label reaches

# Places in the table of offsets: where each buffer of the latent variable and of the losses begins
# in the workspace; then the threads' buffers for pieces of a weight's gradient, and their size.
LOGVAR, STD, KL, DKL, Z, DZ, RECONSTRUCTION, DLOG_SIGMA, LOG_W, IMPORTANCE = range(10)
BOUND, KL_OF_ROW, GRADIENTS, GRADIENT_SIZE = range(10, 14)

MOST_THREADS = processors()


class Network(NamedTuple):
    """A model as the kernels see it.

    Attributes
    ----------
    encoder, decoder : tuple of int
        Widths of the layers, inputs included; the encoder's last is twice the latent width.
    offsets : list of (int, int, int)
        Where each layer's weight, bias and label weight (or NO_LABEL) begin in the vector of
        parameters, encoder first.
    n_classes : int
        Rows of a label weight; 0 without labels.
    activation, likelihood : int
        Places in ``reference.ACTIVATIONS`` and ``reference.LIKELIHOODS``.
    """

    encoder: tuple[int, ...]
    decoder: tuple[int, ...]
    offsets: list[tuple[int, int, int]]
    n_classes: int
    activation: int
    likelihood: int


class Layout(NamedTuple):
    """Where everything of a step lies; made once for a model and a size of batch.

    Attributes
    ----------
    layers : (depth, 9) int64 array
        For each layer: offsets of weight, bias and label weight among the parameters, widths,
        activation, rows an example has there, offsets of output and of the gradient at the
        pre-activation in ``workspace``.
    offsets : (14,) int64 array
        Of the other buffers in ``workspace``, by the names above.
    workspace : vector
        Every intermediate value of a step.
    means : (4,) float64 array
        loss, reconstruction and kl of the batch; then the KL that the loss charges for.
    """

    layers: Array
    offsets: Array
    workspace: Array
    means: Array


def make_layout(network: Network, batch: int, samples: int, dtype: np.dtype[Any]) -> Layout:
    """Lay out a step for at most ``batch`` examples with ``samples`` samples of z each."""
    table: list[list[int]] = []
    used = 0
    for widths, repeated in ((network.encoder, 1), (network.decoder, samples)):
        for i, (fan_in, fan_out) in enumerate(pairwise(widths)):
            code = network.activation if i < len(widths) - 2 else rows.IDENTITY
            size = batch * repeated * fan_out
            place = network.offsets[len(table)]
            table.append([*place, fan_in, fan_out, code, repeated, used, used + size])
            used += 2 * size
    latent = network.decoder[0]
    lengths = {"batch": batch, "latent": latent, "rows": batch * samples, "samples": samples}
    sizes = {at: math.prod(lengths[str(x)] for x in shape) for at, *shape in _BUFFERS.values()}
    offsets = [used]
    for at in range(GRADIENTS):
        offsets.append(offsets[-1] + sizes[at])
    widest = max(*network.encoder[1:], *network.decoder[1:])
    buffer = max(matmul.UPDATE_ROWS, network.n_classes) * widest  # enough for any use of it
    return Layout(
        np.array(table, dtype=np.int64),
        np.array([*offsets, buffer], dtype=np.int64),
        allocate(offsets[-1] + MOST_THREADS * buffer, dtype),
        np.zeros(4),
    )


class LayerParameters(NamedTuple):
    """A layer's arrays among the parameters, or what belongs to them in a vector of that layout."""

    weight: Array
    bias: Array
    label_weight: Array


class LayerValues(NamedTuple):
    """What a layer puts out, and the gradient at its pre-activation, for every row."""

    output: Array
    gradient: Array


class Buffers(NamedTuple):
    """What the latent variable and the losses need."""

    logvar: Array
    std: Array
    kl: Array
    dkl: Array
    z: Array
    dz: Array
    reconstruction: Array
    dlog_sigma: Array
    log_w: Array
    importance: Array
    bound: Array
    kl_of_row: Array
    importance_of_row: Array


# Each with its place and its shape, as ``views`` understands them.
_PARAMETERS: dict[str, Shape] = {
    "weight": (WEIGHT, FAN_IN, FAN_OUT),
    "bias": (BIAS, FAN_OUT),
    "label_weight": (LABEL, "n_classes", FAN_OUT),
}
_VALUES: dict[str, Shape] = {
    "output": (OUTPUT, "rows", FAN_OUT),
    "gradient": (GRADIENT, "rows", FAN_OUT),
}
_BUFFERS: dict[str, Shape] = {
    "logvar": (LOGVAR, "batch", "latent"),
    "std": (STD, "batch", "latent"),
    "kl": (KL, "batch", "latent"),
    "dkl": (DKL, "latent"),
    "z": (Z, "rows", "latent"),
    "dz": (DZ, "rows", "latent"),
    "reconstruction": (RECONSTRUCTION, "rows"),
    "dlog_sigma": (DLOG_SIGMA, "rows"),
    "log_w": (LOG_W, "batch", "samples"),
    "importance": (IMPORTANCE, "batch", "samples"),
    "bound": (BOUND, "batch"),
    "kl_of_row": (KL_OF_ROW, "batch"),
    "importance_of_row": (IMPORTANCE, "rows"),
}

#: ``(values, layer, (n_classes,))``, ``layer`` a row of the table.
parameters_of = views(LayerParameters, _PARAMETERS)
#: ``(workspace, layer, (rows,))``
values_of = views(LayerValues, _VALUES)
#: ``(workspace, offsets, (batch, latent, rows, samples))``, with rows = batch * samples.
buffers_of = views(Buffers, _BUFFERS)
