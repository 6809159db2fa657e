"""The three matrix products by register tiles: one micro-kernel, walked in three ways.

A tile is a block of the result, a few rows by three Vectors, that stays in registers while the
contraction runs: each step adds the outer product of a column of a and a row of b.  ``x @ weight``,
``x.T @ da`` and ``da @ weight.T`` differ only in how one walks through a and b, so all three are
the same code.  Where b does not lie in rows, or many rows of the result want it, it is first
copied, a few columns at a time, into a panel on the stack.

Every result is summed in the order of the contraction, whatever rows are asked for: splitting the
rows among threads changes no bit.  No shape is checked here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyvae.ops.machine.jit import EXACT, LANES, kernel
from tinyvae.ops.machine.vectors import (
    add_outer,
    address,
    advanced,
    lanes_of,
    load_transposed,
    moved,
    scratch,
    spread,
    tile_load,
    tile_store,
)

Array = NDArray[Any]

# Rows and Vectors of a tile: the wide one fills the registers (16 of them, or 32 where vectors
# have 16 or 4 lanes), the narrow one serves the columns that are left, and the slim one a matrix
# of so few columns that they fit one Vector.
WIDE = (tuple(range(4 if LANES == 8 else 8)), tuple(range(3)))
NARROW = (tuple(range(6 if LANES == 8 else 8)), tuple(range(2)))
SLIM = (tuple(range(8)), (0,))
COPIED = tuple(range(4))  # rows at a time, on the way into a panel
# Steps of the contraction at a time: a panel of three Vectors by so many takes 24 KiB.
DEPTH = 2048 // max(LANES, 1)
PANEL = 3 * DEPTH
# With so many rows to compute, copying b into a panel pays for itself.
MANY_ROWS = 48
NO_LIMIT = 1 << 62


class Matrix(NamedTuple):
    """A matrix in memory: the address of its corner, and the way to the next row and column."""

    start: Any
    row: Any
    column: Any


@kernel(fastmath=EXACT, inline=True)
def _corner(matrix: Matrix, i: int, j: int) -> Matrix:
    """Return the matrix without its first i rows and j columns."""
    start = moved(matrix.start, i * matrix.row + j * matrix.column)
    return Matrix(start, matrix.row, matrix.column)


@kernel(fastmath=EXACT, inline=True)
def _product(
    tile: Any, a: Any, rows: Any, a_step: int, b: Any, columns: Any, b_step: int, depth: int
) -> Any:
    """Return tile + a[rows, :depth] @ b[:depth, columns].

    Tutorial 12, equation (12.9).
    """
    for _ in range(depth):
        tile = add_outer(tile, a, rows, b, columns)
        a = advanced(a, a_step)
        b = advanced(b, b_step)
    return tile


@kernel(fastmath=EXACT, inline=True)
def _panel(b: Matrix, depth: int, width: int, count: int, columns: Any, room: Any) -> Matrix:
    """Return b[:depth, columns] as a matrix of whole Vectors in rows, copied if it has to be."""
    lanes = lanes_of(room)
    step = len(columns) * lanes
    if b.column == 1 and count < MANY_ROWS and width >= step:
        return b
    if b.column == 1:
        for k in range(0, depth, len(COPIED)):
            here = spread(k * b.row, b.row, (depth - 1) * b.row, COPIED)
            there = spread(k * step, step, (depth - 1) * step, COPIED)
            tile_store(tile_load(b.start, here, columns, width), room, there, columns, step)
    else:
        for j in range(0, min(step, width), lanes):
            for k in range(0, depth, lanes):
                last = (width - 1 - j) * b.column
                source = moved(b.start, j * b.column + k)
                tile = load_transposed(source, b.column, last, depth - k)
                target = moved(room, k * step + j)
                tile_store(tile, target, spread(0, step, NO_LIMIT, tile), (0,), lanes)
    return Matrix(room, step, b.row // b.row)  # one, of the type that b.column has


@kernel(fastmath=EXACT, borrows=True)
def _rows(
    a: Matrix,
    b: Matrix,
    initial: Matrix,
    out: Matrix,
    shape: Any,
    count: int,
    depth: int,
    width: int,
) -> None:
    """out[:count, columns] = initial + a[:count, :depth] @ b, tile by tile from top to bottom."""
    rows, columns = shape
    for i in range(0, count, len(rows)):
        here = spread(i * initial.row, initial.row, (count - 1) * initial.row, rows)
        tile = tile_load(initial.start, here, columns, width)
        here = spread(i * a.row, a.row, (count - 1) * a.row, rows)
        tile = _product(tile, a.start, here, a.column, b.start, columns, b.row, depth)
        here = spread(i * out.row, out.row, (count - 1) * out.row, rows)
        tile_store(tile, out.start, here, columns, width)


@kernel(fastmath=EXACT, inline=True)
def _columns(
    a: Matrix, b: Matrix, initial: Matrix, out: Matrix, shape: Any, size: Any, j: int, room: Any
) -> None:
    """Compute all rows of out from column j on, as many columns as a tile of that shape has."""
    count, depth, width = size[0], size[1], size[2] - j
    panel = _panel(_corner(b, 0, j), depth, width, count, shape[1], room)
    before, after = _corner(initial, 0, j), _corner(out, 0, j)
    _rows(a, panel, before, after, shape, count, depth, width)


@kernel(fastmath=EXACT, borrows=True)
def _multiply(
    a: Matrix, b: Matrix, initial: Matrix, out: Matrix, count: int, depth: int, width: int
) -> None:
    """out[:count, :width] = initial + a[:count, :depth] @ b[:depth, :width]."""
    lanes = lanes_of(out.start)
    room = scratch(out.start, PANEL)
    vectors = -(-width // lanes)
    narrow = -vectors % 3 if vectors > 1 else 0  # every number but 1 is a sum of threes and twos
    wide = (vectors - 2 * narrow) // 3 * 3 * lanes
    slim = wide + 2 * narrow * lanes
    steps = -(-depth // -(-depth // DEPTH))
    for first in range(0, depth, steps):
        size = (count, min(steps, depth - first), width)
        left, right = _corner(a, 0, first), _corner(b, first, 0)
        for j in range(0, wide, 3 * lanes):
            _columns(left, right, initial, out, WIDE, size, j, room)
        for j in range(wide, slim, 2 * lanes):
            _columns(left, right, initial, out, NARROW, size, j, room)
        for j in range(slim, width, lanes):
            _columns(left, right, initial, out, SLIM, size, j, room)
        initial = out


@kernel(fastmath=EXACT, inline=True)
def _zeros(room: Any) -> Matrix:
    """Return a matrix of zeros as wide as a tile, all of whose rows and columns are the same."""
    for i in range(3 * lanes_of(room)):
        room[i] = 0
    return Matrix(room, np.intp(0), np.intp(0))


@kernel(borrows=True)
def forward_rows(x: Array, weight: Array, bias: Array, out: Array, start: int, stop: int) -> None:
    """out[start:stop] = x[start:stop] @ weight + bias."""
    one = np.intp(1)
    depth, width = weight.shape
    left = Matrix(moved(address(x), start * depth), depth, one)
    target = Matrix(moved(address(out), start * width), width, one)
    repeated = Matrix(address(bias), np.intp(0), one)
    _multiply(
        left, Matrix(address(weight), width, one), repeated, target, stop - start, depth, width
    )


@kernel(borrows=True)
def backward_input_rows(da: Array, weight: Array, out: Array, start: int, stop: int) -> None:
    """out[start:stop] = da[start:stop] @ weight.T."""
    one = np.intp(1)
    width, depth = weight.shape
    left = Matrix(moved(address(da), start * depth), depth, one)
    target = Matrix(moved(address(out), start * width), width, one)
    transposed = Matrix(address(weight), one, depth)
    zeros = _zeros(scratch(address(out), 3))
    _multiply(left, transposed, zeros, target, stop - start, depth, width)


@kernel(borrows=True)
def weight_gradient_rows(x: Array, da: Array, out: Array, start: int, stop: int) -> None:
    """out[: stop - start] = (x.T @ da)[start:stop]."""
    one = np.intp(1)
    depth, width = da.shape
    transposed = Matrix(moved(address(x), start), one, x.shape[1])
    target = Matrix(address(out), width, one)
    zeros = _zeros(scratch(address(out), 3))
    _multiply(
        transposed, Matrix(address(da), width, one), zeros, target, stop - start, depth, width
    )
