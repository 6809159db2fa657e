"""The three matrix products in plain Numba loops, blocked so that LLVM makes vector code of them.

The idea needs no intrinsics: keep four rows of the result in the first cache, take four steps of
the contraction at once, and let the compiler run along the contiguous columns.  These serve where
``tiles.py`` cannot (no known vector unit, compiler switched off).  No shape is checked here.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from tinyvae.ops.jit import kernel

Array = NDArray[Any]


@kernel()
def _four_by_four(
    out: Array, i: int, a: Array, row: int, b: Array, k: int, transposed: bool
) -> None:
    """out[i + r] += sum over s < 4 of a[row + r, k + s] * b[k + s], for r < 4."""
    b0, b1, b2, b3 = b[k], b[k + 1], b[k + 2], b[k + 3]
    for r in range(4):
        if transposed:
            a0, a1, a2, a3 = a[k, row + r], a[k + 1, row + r], a[k + 2, row + r], a[k + 3, row + r]
        else:
            a0, a1, a2, a3 = a[row + r, k], a[row + r, k + 1], a[row + r, k + 2], a[row + r, k + 3]
        target = out[i + r]
        for j in range(target.size):
            target[j] += a0 * b0[j] + a1 * b1[j] + a2 * b2[j] + a3 * b3[j]


@kernel()
def _add_product(
    a: Array, b: Array, out: Array, first: int, count: int, depth: int, transposed: bool
) -> None:
    """out[:count] += a[first : first + count] @ b, or of a.T where ``transposed``."""
    for i in range(0, count, 4):
        whole = depth - depth % 4 if i + 4 <= count else 0
        for k in range(0, whole, 4):
            _four_by_four(out, i, a, first + i, b, k, transposed)
        for k in range(whole, depth):
            for r in range(i, min(i + 4, count)):
                factor = a[k, first + r] if transposed else a[first + r, k]
                for j in range(b.shape[1]):
                    out[r, j] += factor * b[k, j]


@kernel()
def forward_rows(x: Array, weight: Array, bias: Array, out: Array, start: int, stop: int) -> None:
    """out[start:stop] = x[start:stop] @ weight + bias."""
    for n in range(start, stop):
        for j in range(bias.size):
            out[n, j] = bias[j]
    _add_product(x, weight, out[start:stop], start, stop - start, len(weight), False)


@kernel()
def backward_input_rows(da: Array, weight: Array, out: Array, start: int, stop: int) -> None:
    """out[start:stop] = da[start:stop] @ weight.T."""
    for n in range(start, stop):
        row = da[n]
        for j in range(len(weight)):
            other, total = weight[j], da.dtype.type(0.0)
            for k in range(row.size):
                total += row[k] * other[k]
            out[n, j] = total


@kernel()
def weight_gradient_rows(x: Array, da: Array, out: Array, start: int, stop: int) -> None:
    """out[: stop - start] = (x.T @ da)[start:stop]."""
    for i in range(stop - start):
        for j in range(da.shape[1]):
            out[i, j] = da.dtype.type(0.0)
    _add_product(x, da, out, start, stop - start, len(x), True)
