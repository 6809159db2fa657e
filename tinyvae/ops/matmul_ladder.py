"""Matrix products in plain loops, from the definition up to what a compiler can vectorize.

Each function takes the step that the one before it left out.  The next step after the last names
the vector registers it works in, and stands in ``tiles.py``.  No shape is checked here.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from tinyvae.ops.machine.jit import EXACT, kernel

Array = NDArray[Any]


@kernel()
def multiply_naive(a: Array, b: Array, out: Array) -> None:
    """Compute ``out = a @ b`` as the definition has it, one dot product after another.

    The three products of a dense layer are ``multiply_naive(x, weight, out)``,
    ``multiply_naive(x.T, da, out)`` and ``multiply_naive(da, weight.T, out)``.

    Tutorial 12, equation (12.1).

    Parameters
    ----------
    a : (n, depth) array
    b : (depth, m) array
        Walked down its columns: fast only if those are contiguous, as in ``weight.T``.
    out : (n, m) array
        Overwritten.
    """
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            total = out.dtype.type(0.0)
            for k in range(a.shape[1]):
                total += a[i, k] * b[k, j]
            out[i, j] = total


@kernel(fastmath=EXACT)
def multiply_by_rows(a: Array, b: Array, out: Array) -> None:
    """Compute ``out = a @ b`` with the inner loop along rows, which lie in one piece.

    The processor can then add many neighbours at once, but loads and stores a number of ``out``
    for every product it adds.

    Parameters
    ----------
    a : (n, depth) array
    b : (depth, m) array
    out : (n, m) array
        Overwritten.
    """
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = out.dtype.type(0.0)
        for k in range(a.shape[1]):
            factor = a[i, k]
            for j in range(out.shape[1]):
                out[i, j] += factor * b[k, j]


@kernel(fastmath=EXACT)
def add_blocked(a: Array, b: Array, out: Array, start: int, stop: int) -> None:
    """Add ``a @ b`` to rows ``start`` to ``stop`` of ``out``, in blocks of four by four.

    Every number loaded is used four times: one of b for four rows of the sum, and one of ``out``
    for four products.  Where fewer than four rows are left, the last is worked on several times
    over, always from the same old value to the same new one.

    Parameters
    ----------
    a : (n, depth) array
        May be a transposed view.
    b : (depth, m) array
    out : (n, m) array
        Added to.
    start, stop : int
    """
    depth, last = a.shape[1], stop - 1
    whole = depth - depth % 4
    for i in range(start, stop, 4):
        i1, i2, i3 = min(i + 1, last), min(i + 2, last), min(i + 3, last)
        for k in range(0, whole, 4):
            p0, p1, p2, p3 = a[i, k], a[i, k + 1], a[i, k + 2], a[i, k + 3]
            q0, q1, q2, q3 = a[i1, k], a[i1, k + 1], a[i1, k + 2], a[i1, k + 3]
            r0, r1, r2, r3 = a[i2, k], a[i2, k + 1], a[i2, k + 2], a[i2, k + 3]
            s0, s1, s2, s3 = a[i3, k], a[i3, k + 1], a[i3, k + 2], a[i3, k + 3]
            for j in range(out.shape[1]):
                b0, b1, b2, b3 = b[k, j], b[k + 1, j], b[k + 2, j], b[k + 3, j]
                p = out[i, j] + p0 * b0 + p1 * b1 + p2 * b2 + p3 * b3
                q = out[i1, j] + q0 * b0 + q1 * b1 + q2 * b2 + q3 * b3
                r = out[i2, j] + r0 * b0 + r1 * b1 + r2 * b2 + r3 * b3
                s = out[i3, j] + s0 * b0 + s1 * b1 + s2 * b2 + s3 * b3
                out[i, j], out[i1, j], out[i2, j], out[i3, j] = p, q, r, s
        for n in range(i, min(i + 4, stop)):
            for k in range(whole, depth):
                factor = a[n, k]
                for j in range(out.shape[1]):
                    out[n, j] += factor * b[k, j]


@kernel()
def multiply_dots(a: Array, b: Array, out: Array, start: int, stop: int) -> None:
    """Compute rows ``start`` to ``stop`` of ``out = a @ b.T``, eight dot products at once.

    Both a and b are read along their rows, so nothing needs to be transposed.  Where fewer rows
    or columns are left, the last is computed several times over.

    Parameters
    ----------
    a : (n, depth) array
    b : (m, depth) array
    out : (n, m) array
        Overwritten.
    start, stop : int
    """
    zero, last = out.dtype.type(0.0), out.shape[1] - 1
    for i in range(start, stop, 2):
        i1 = min(i + 1, stop - 1)
        for j in range(0, last + 1, 4):
            j1, j2, j3 = min(j + 1, last), min(j + 2, last), min(j + 3, last)
            p0 = p1 = p2 = p3 = q0 = q1 = q2 = q3 = zero
            for k in range(a.shape[1]):
                p, q = a[i, k], a[i1, k]
                b0, b1, b2, b3 = b[j, k], b[j1, k], b[j2, k], b[j3, k]
                p0, p1, p2, p3 = p0 + p * b0, p1 + p * b1, p2 + p * b2, p3 + p * b3
                q0, q1, q2, q3 = q0 + q * b0, q1 + q * b1, q2 + q * b2, q3 + q * b3
            out[i, j], out[i, j1], out[i, j2], out[i, j3] = p0, p1, p2, p3
            out[i1, j], out[i1, j1], out[i1, j2], out[i1, j3] = q0, q1, q2, q3
