"""The matrix products of a dense layer, on a range of rows, and the product that feeds Adam.

They come from ``tiles.py`` where the processor's vectors are known, else from ``loops.py``: same
names, same results to rounding.  No shape is checked here, and no thread is started.
"""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import NDArray

from tinyvae.ops.machine.jit import LANES, kernel
from tinyvae.ops.machine.views import rows_at

if LANES:
    from tinyvae.ops.tiles import backward_input_rows, forward_rows, weight_gradient_rows
else:
    from tinyvae.ops.loops import backward_input_rows, forward_rows, weight_gradient_rows

__all__ = [
    "UPDATE_ROWS",
    "adam_rows",
    "adam_update",
    "backward_input_rows",
    "forward_rows",
    "update_bias_columns",
    "update_weight_rows",
    "weight_gradient_rows",
]

Array = NDArray[Any]

#: Rows of a weight whose gradient is finished before Adam takes it, while it is in the caches.
UPDATE_ROWS = 128


@kernel(forceinline=True, borrows=True)
def adam_update(
    value: float, gradient: float, m: float, v: float, constants: Array
) -> tuple[float, float, float]:
    """Return the new (value, m, v); ``constants`` are those of ``fast.adam_constants``.

    Kingma and Ba (2015), algorithm 1, with both bias corrections in the constants.
    """
    m = m + constants[0] * (gradient - m)
    v = v + constants[1] * (gradient * gradient - v)
    return value - constants[2] * m / (math.sqrt(v) * constants[3] + constants[4]), m, v


@kernel(inline=True)
def adam_rows(values: Array, gradient: Array, m: Array, v: Array, constants: Array) -> None:
    """Take one step of Adam on a vector of values."""
    for i in range(values.size):
        values[i], m[i], v[i] = adam_update(values[i], gradient[i], m[i], v[i], constants)


@kernel(borrows=True, apart=True)
def update_weight_rows(
    x: Array,
    da: Array,
    weight: Array,
    m: Array,
    v: Array,
    constants: Array,
    buffer: Array,
    start: int,
    stop: int,
) -> None:
    """Take one step of Adam with the gradient x.T @ da, on rows start to stop of a weight.

    The gradient is never stored as a whole: ``buffer``, (UPDATE_ROWS, fan_out), holds the rows that
    are being made, and Adam takes them from there.
    """
    for first in range(start, stop, UPDATE_ROWS):
        last = min(first + UPDATE_ROWS, stop)
        weight_gradient_rows(x, da, buffer, first, last)
        adam_rows(
            rows_at(weight, first, last), rows_at(buffer, 0, last - first),
            rows_at(m, first, last), rows_at(v, first, last), constants,
        )  # fmt: skip


@kernel(borrows=True, apart=True)
def update_bias_columns(
    da: Array,
    bias: Array,
    m: Array,
    v: Array,
    constants: Array,
    buffer: Array,
    start: int,
    stop: int,
) -> None:
    """Take one step of Adam with the sum of da's rows, on columns start to stop of a bias."""
    total = buffer[: stop - start]
    for j in range(total.size):
        total[j] = da.dtype.type(0.0)
    for n in range(len(da)):
        row = da[n, start:stop]  # sliced, for LLVM vectorizes no index with an offset here
        for j in range(total.size):
            total[j] += row[j]
    adam_rows(bias[start:stop], total, m[start:stop], v[start:stop], constants)
