"""Many training steps in one compiled call, for models so small that calls would cost as much.

Whatever a step needs that is random, or changes from step to step, is drawn and worked out before
and lies here in a row for each step or example.  The step itself is ``fused_step.step_in_parts``,
called by its address.
"""

from __future__ import annotations

import math
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinyvae.ops import layout as at
from tinyvae.ops.fused_step import LOSS, MEAN_KL, MEAN_RECONSTRUCTION
from tinyvae.ops.likelihood_rows import GAUSSIAN_LEARNED
from tinyvae.ops.machine.by_address import call_entry
from tinyvae.ops.machine.jit import kernel
from tinyvae.ops.machine.views import matrix_at, vector_at
from tinyvae.ops.machine.work_queue import WHOLE

Array = NDArray[Any]


@kernel(borrows=True)
def steps_in_turn(
    entry: int,
    queue: Array,
    region: int,
    batch: int,
    terms: Array,
    constants: Array,
    betas: Array,
    values: Array,
    m: Array,
    v: Array,
    layers: Array,
    offsets: Array,
    workspace: Array,
    means: Array,
    x: Array,
    noise: Array,
    labels: Array,
    n_encoder: int,
    n_classes: int,
    likelihood: int,
    objective: int,
    samples: int,
    log_sigma: float,
    free_bits: float,
) -> int:
    """Do a step on every ``batch`` rows of x, the last perhaps on fewer; return how many were done.

    The first whose loss is not finite ends it, and is not counted: it changed nothing.

    ``entry`` is the address of ``step_in_parts`` as a work queue knows it; x, noise and constants
    are one vector each, row after row.  The rest is as in ``fused_step.Step``; ``terms``,
    (steps, 3), receives loss, reconstruction and kl.
    """
    width, latent = layers[0, at.FAN_IN], layers[n_encoder, at.FAN_IN]
    rows = x.size // width
    for step in range(len(terms)):
        start = step * batch
        n = min(batch, rows - start)
        if likelihood == GAUSSIAN_LEARNED:
            log_sigma = float(values[values.size - 1])
        arguments = (
            queue, region, values, m, v, vector_at(constants, 5 * step, 5),
            layers, offsets, workspace, means,
            matrix_at(x, start * width, n, width),
            matrix_at(noise, start * samples * latent, n * samples, latent),
            vector_at(labels, start if n_classes > 0 else 0, n if n_classes > 0 else 0),
            n_encoder, n_classes, likelihood, objective, samples, log_sigma, betas[step], free_bits,
        )  # fmt: skip
        call_entry(entry, WHOLE, 1, arguments)
        if not abs(means[LOSS]) < math.inf:
            return step
        terms[step, 0], terms[step, 1] = means[LOSS], means[MEAN_RECONSTRUCTION]
        terms[step, 2] = means[MEAN_KL]
    return len(terms)


def constants_in_turn(
    first: int, rates: Array, beta1: float, beta2: float, epsilon: float, dtype: DTypeLike
) -> Array:
    """Return ``fast.adam_constants`` for steps ``first`` on, one row a step, to the same bits.

    Powers are Python's: those of NumPy's vectors may differ in the last bit.
    """
    counts = range(first, first + len(rates))
    one, two = (
        1.0 - np.fromiter(map(pow, repeat(beta), counts), np.float64, len(rates))
        for beta in (beta1, beta2)
    )
    constants = np.empty((len(rates), 5))
    constants[:, 0], constants[:, 1] = 1.0 - beta1, 1.0 - beta2
    constants[:, 2], constants[:, 3], constants[:, 4] = rates / one, 1.0 / np.sqrt(two), epsilon
    return constants.astype(dtype)
