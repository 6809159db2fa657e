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
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from tinyvae.ops.machine.jit import EXACT, LANES, kernel
from tinyvae.ops.machine.vectors import (
    Typed,
    Value,
    VectorCode,
    address,
    integer,
    lanes_of,
    moved,
    scratch,
)

Array = NDArray[Any]

# Rows of a tile of three, two or one Vectors: the wide one fills the registers (16 of them, or 32
# where vectors have 16 or 4 lanes), the narrow one serves the columns that are left, and the slim
# one a matrix of so few columns that they fit one Vector.
TILE_ROWS = {3: 4 if LANES == 8 else 8, 2: 6 if LANES == 8 else 8, 1: 8}
COPIED = 4  # rows at a time, on the way into a panel
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


def _corner(code: VectorCode, matrix: Matrix, i: Value, j: Value) -> Matrix:
    """Return the matrix without its first i rows and j columns."""
    down, right = code.builder.mul(i, matrix.row), code.builder.mul(j, matrix.column)
    return matrix._replace(start=code.moved(matrix.start, code.builder.add(down, right)))


def _product(
    code: VectorCode, tile: list[Value], a: Matrix, rows: list[Value], b: Matrix, depth: Value
) -> list[Value]:
    """Return tile + a[rows, :depth] @ b[:depth, columns], as many columns as the tile has.

    Tutorial 12, equation (12.9).
    """

    def step(values: list[Value]) -> list[Value]:
        *tile, column, row = values
        tile = code.add_outer(tile, column, rows, row)
        return [*tile, code.advanced(column, a.column), code.advanced(row, b.row)]

    return code.repeat(depth, [*tile, a.start, b.start], step)[:-2]


def _write_tile(
    code: VectorCode, a: Matrix, b: Matrix, initial: Matrix, out: Matrix, columns: int,
    size: tuple[Value, Value, Value], i: Value, rows: int,
) -> None:  # fmt: skip
    """out[i : i + rows, columns] = initial + a[:, :depth] @ b, the last row for those beyond it."""
    count, depth, width = size
    builder, last = code.builder, code.builder.sub(count, integer(1))

    def rows_of(matrix: Matrix) -> list[Value]:
        first, end = builder.mul(i, matrix.row), builder.mul(last, matrix.row)
        return code.spread(first, matrix.row, end, rows)

    tile = code.load_tile(initial.start, rows_of(initial), columns, width)
    tile = _product(code, tile, a, rows_of(a), b, depth)
    code.store_tile(tile, out.start, rows_of(out), columns, width)


def _write_rows(
    code: VectorCode, a: Matrix, b: Matrix, initial: Matrix, out: Matrix, columns: int,
    size: tuple[Value, Value, Value],
) -> None:  # fmt: skip
    """out[:count, columns] = initial + a[:count, :depth] @ b, tile by tile from top to bottom.

    What is left of the rows takes half a tile where that is enough: of a batch of 20, four rows.
    """
    count, rows, builder = size[0], TILE_ROWS[columns], code.builder
    half = rows // 2 if columns > 1 else 0
    left = builder.srem(count, integer(rows))
    few = builder.icmp_signed("<=", left, integer(half))
    whole = builder.select(few, builder.sub(count, left), count)
    with code.each(whole, rows) as i:
        _write_tile(code, a, b, initial, out, columns, size, i, rows)
    if half:
        with builder.if_then(builder.icmp_signed("<", whole, count)):
            _write_tile(code, a, b, initial, out, columns, size, whole, half)


def _write_copy(
    code: VectorCode, b: Matrix, depth: Value, width: Value, columns: int, room: Value
) -> None:
    """room, (depth, columns) Vectors, = b[:depth, :width], whose columns lie side by side."""
    builder, step = code.builder, integer(columns * code.lanes)
    last = builder.sub(depth, integer(1))
    with code.each(depth, COPIED) as k:
        here, there = (
            code.spread(builder.mul(k, row), row, builder.mul(last, row), COPIED)
            for row in (b.row, step)
        )
        code.store_tile(code.load_tile(b.start, here, columns, width), room, there, columns, step)


def _write_transposed(
    code: VectorCode, b: Matrix, depth: Value, width: Value, columns: int, room: Value
) -> None:
    """Do the same for b whose rows lie side by side, a square of Vectors after the other."""
    builder, lanes, step = code.builder, code.lanes, integer(columns * code.lanes)
    with code.each(code.least(step, width), lanes) as j, code.each(depth, lanes) as k:
        last = builder.mul(builder.sub(builder.sub(width, integer(1)), j), b.column)
        source = code.moved(b.start, builder.add(builder.mul(j, b.column), k))
        tile = code.load_transposed(source, b.column, last, builder.sub(depth, k))
        target = code.moved(room, builder.add(builder.mul(k, step), j))
        down = code.spread(integer(0), step, integer(NO_LIMIT), lanes)
        code.store_tile(tile, target, down, 1, integer(lanes))


def _write_panel(
    code: VectorCode, b: Matrix, size: tuple[Value, Value, Value], columns: int, room: Value
) -> Matrix:
    """Return b[:depth, columns] as a matrix of whole Vectors in rows, copied if it has to be."""
    count, depth, width = size
    builder, step = code.builder, integer(columns * code.lanes)
    in_rows = builder.icmp_signed("==", b.column, integer(1))
    few = builder.icmp_signed("<", count, integer(MANY_ROWS))
    whole = builder.icmp_signed(">=", width, step)
    as_it_is = builder.and_(in_rows, builder.and_(few, whole))
    with builder.if_then(builder.not_(as_it_is)), builder.if_else(in_rows) as (then, otherwise):
        with then:
            _write_copy(code, b, depth, width, columns, room)
        with otherwise:
            _write_transposed(code, b, depth, width, columns, room)
    start, row = builder.select(as_it_is, b.start, room), builder.select(as_it_is, b.row, step)
    return Matrix(start, row, integer(1))


@intrinsic(prefer_literal=True)
def _columns(
    _typing: Any, vectors: Any, matrices: Any, first: Any, j: Any, size: Any, room: Any
) -> Typed:
    """Compute all rows of out, of columns j on as many as ``vectors`` Vectors hold.

    ``matrices`` are a, b, initial and out; of the contraction it takes the steps from ``first`` on.
    ``size`` = (count, depth, width) of what is left, ``room`` an address of PANEL Vectors.
    """
    if not isinstance(vectors, types.IntegerLiteral):
        return None  # type: ignore[return-value]
    columns = vectors.literal_value

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        code, unpack = VectorCode(builder, room.dtype), cgutils.unpack_tuple
        a, b, initial, out = (
            Matrix(*unpack(builder, value)) for value in unpack(builder, arguments[1])
        )
        _, _, first, j, size, room_ = arguments
        count, depth, width = unpack(builder, size)
        b, initial, out = (
            _corner(code, b, first, j), _corner(code, initial, zero, j), _corner(code, out, zero, j)
        )  # fmt: skip
        panel = _write_panel(code, b, (count, depth, width), columns, room_)
        _write_rows(
            code, _corner(code, a, zero, first), panel, initial, out, columns, (count, depth, width)
        )
        return _context.get_dummy_value()

    zero = integer(0)
    numbers = types.UniTuple(types.int64, 3)
    return types.void(vectors, matrices, types.int64, types.int64, numbers, room), generate


@kernel(fastmath=EXACT, borrows=True, apart=True)
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
        block = min(steps, depth - first)
        matrices = (a, b, initial, out)
        for j in range(0, wide, 3 * lanes):
            _columns(3, matrices, first, j, (count, block, width - j), room)
        for j in range(wide, slim, 2 * lanes):
            _columns(2, matrices, first, j, (count, block, width - j), room)
        for j in range(slim, width, lanes):
            _columns(1, matrices, first, j, (count, block, width - j), room)
        initial = out


@kernel(fastmath=EXACT, inline=True)
def _zeros(room: Any) -> Matrix:
    """Return a matrix of zeros as wide as a tile, all of whose rows and columns are the same."""
    for i in range(3 * lanes_of(room)):
        room[i] = 0
    return Matrix(room, np.intp(0), np.intp(0))


@kernel(borrows=True, apart=True)
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


@kernel(borrows=True, apart=True)
def backward_input_rows(da: Array, weight: Array, out: Array, start: int, stop: int) -> None:
    """out[start:stop] = da[start:stop] @ weight.T."""
    one = np.intp(1)
    width, depth = weight.shape
    left = Matrix(moved(address(da), start * depth), depth, one)
    target = Matrix(moved(address(out), start * width), width, one)
    transposed = Matrix(address(weight), one, depth)
    zeros = _zeros(scratch(address(out), 3))
    _multiply(left, transposed, zeros, target, stop - start, depth, width)


@kernel(borrows=True, apart=True)
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
