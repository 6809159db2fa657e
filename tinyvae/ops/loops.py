"""The three matrix products where there are no vectors to write for: the ladder's upper steps.

``tiles.py`` serves where the vector unit is known; these serve elsewhere, and where the compiler is
switched off.  Here too every sum runs in the order of the contraction or is made by one and the
same code, so splitting the rows changes no bit.  No shape is checked here.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from tinyvae.ops.machine.jit import kernel
from tinyvae.ops.matmul_ladder import add_blocked, multiply_dots

Array = NDArray[Any]


@kernel(borrows=True, apart=True)
def forward_rows(x: Array, weight: Array, bias: Array, out: Array, start: int, stop: int) -> None:
    """out[start:stop] = x[start:stop] @ weight + bias."""
    for n in range(start, stop):
        for j in range(bias.size):
            out[n, j] = bias[j]
    add_blocked(x, weight, out, start, stop)


@kernel(borrows=True, apart=True)
def backward_input_rows(da: Array, weight: Array, out: Array, start: int, stop: int) -> None:
    """out[start:stop] = da[start:stop] @ weight.T."""
    multiply_dots(da, weight, out, start, stop)


@kernel(borrows=True, apart=True)
def weight_gradient_rows(x: Array, da: Array, out: Array, start: int, stop: int) -> None:
    """out[: stop - start] = (x.T @ da)[start:stop]."""
    for i in range(stop - start):
        for j in range(da.shape[1]):
            out[i, j] = da.dtype.type(0.0)
    add_blocked(x[:, start:stop].T, da, out, 0, stop - start)
