"""Vectors for Numba: what the matrix kernels need and plain loops cannot say.

A Vector is one register of ``LANES`` float32 (half as many float64).  A *tile* is a tuple of
Vectors, row by row: a block of a matrix that LLVM keeps in registers while a loop adds to it.
Nothing here checks a bound, and nothing knows of networks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model
from numba.np.arrayobj import make_array

from tinyvae.ops.machine.jit import LANES

Typed = tuple[Any, Callable[[Any, Any, Any, Any], Any]]

_INT32, _INT64 = ir.IntType(32), ir.IntType(64)


class Vector(types.Type):  # type: ignore[misc]
    """Numba's type of a register of ``lanes`` numbers of type ``dtype``."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        self.lanes = max(1, LANES * 32 // dtype.bitwidth)
        super().__init__(name=f"Vector({self.lanes} x {dtype})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, vector: Vector) -> None:
        scalar = manager.lookup(vector.dtype).get_value_type()
        super().__init__(manager, vector, ir.VectorType(scalar, vector.lanes))


def _integer(value: int) -> Any:
    return ir.Constant(_INT64, value)


def _shuffle(builder: Any, left: Any, right: Any, lanes: list[int]) -> Any:
    mask = ir.Constant(ir.VectorType(_INT32, len(lanes)), lanes)
    return builder.shuffle_vector(left, right, mask)


def _splat(builder: Any, scalar: Any, lanes: int) -> Any:
    empty = ir.Constant(ir.VectorType(scalar.type, lanes), ir.Undefined)
    one = builder.insert_element(empty, scalar, ir.Constant(_INT32, 0))
    return _shuffle(builder, one, empty, [0] * lanes)


def _short(vector: Any) -> str:
    """Return the type's name inside the names of LLVM's intrinsics."""
    return f"v{vector.count}{vector.element.intrinsic_name}"


def _call(builder: Any, name: str, *vectors: Any) -> Any:
    """Call LLVM's intrinsic of that name, lane by lane."""
    vector = vectors[0].type
    signature = ir.FunctionType(vector, [vector] * len(vectors))
    name = f"llvm.{name}.{_short(vector)}"
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, name), vectors)


def _pointer(builder: Any, kind: Any, start: Any, offset: Any) -> Any:
    vector = ir.VectorType(start.type.pointee, kind.lanes)
    return builder.bitcast(builder.gep(start, [offset]), vector.as_pointer())


def _load(builder: Any, kind: Any, start: Any, offset: Any) -> Any:
    return builder.load(_pointer(builder, kind, start, offset), align=kind.dtype.bitwidth // 8)


def _store(builder: Any, kind: Any, vector: Any, start: Any, offset: Any) -> None:
    place = _pointer(builder, kind, start, offset)
    builder.store(vector, place, align=kind.dtype.bitwidth // 8)


def _first_lanes(builder: Any, kind: Any, count: Any) -> Any:
    number = ir.IntType(kind.dtype.bitwidth)  # as wide as a lane: a mask then needs no reshuffling
    numbers = ir.Constant(ir.VectorType(number, kind.lanes), list(range(kind.lanes)))
    if kind.dtype.bitwidth < 64:
        count = builder.trunc(count, number)
    return builder.icmp_signed("<", numbers, _splat(builder, count, kind.lanes))


def _load_part(builder: Any, kind: Any, start: Any, offset: Any, mask: Any) -> Any:
    """Load the lanes under the mask, zero elsewhere; memory not under it is never touched."""
    place = _pointer(builder, kind, start, offset)
    vector = place.type.pointee
    signature = ir.FunctionType(vector, [place.type, _INT32, mask.type, vector])
    name = f"llvm.masked.load.{_short(vector)}.p0"
    function = cgutils.get_or_insert_function(builder.module, signature, name)
    align = ir.Constant(_INT32, kind.dtype.bitwidth // 8)
    return builder.call(function, [place, align, mask, ir.Constant(vector, None)])


def _store_part(builder: Any, kind: Any, vector: Any, start: Any, offset: Any, mask: Any) -> None:
    place = _pointer(builder, kind, start, offset)
    signature = ir.FunctionType(ir.VoidType(), [vector.type, place.type, _INT32, mask.type])
    name = f"llvm.masked.store.{_short(vector.type)}.p0"
    function = cgutils.get_or_insert_function(builder.module, signature, name)
    align = ir.Constant(_INT32, kind.dtype.bitwidth // 8)
    builder.call(function, [vector, place, align, mask])


@intrinsic
def address(_typing: Any, array: Any) -> Typed:
    """Return where the first element of an array lies."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return make_array(array)(context, builder, arguments[0]).data

    return types.CPointer(array.dtype)(array), generate


@intrinsic
def moved(_typing: Any, start: Any, offset: Any) -> Typed:
    """Return the address ``offset`` elements further on."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.gep(arguments[0], [arguments[1]])

    return start(start, types.int64), generate


@intrinsic
def advanced(_typing: Any, start: Any, offset: Any) -> Typed:
    """Return ``moved(start, offset)``, telling LLVM nothing about how it came about.

    Left to itself LLVM replaces one running address and a few fixed offsets by many running
    addresses, more than there are registers.
    """

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        address = builder.gep(arguments[0], [arguments[1]])
        signature = ir.FunctionType(address.type, [address.type])
        return builder.asm(signature, "", "=r,0", [address], side_effect=False)

    return start(start, types.int64), generate


@intrinsic(prefer_literal=True)
def scratch(_typing: Any, like: Any, count: Any) -> Typed:
    """Return the address of uninitialised stack memory for ``count`` Vectors of that dtype."""
    if not isinstance(count, types.IntegerLiteral):
        return None  # type: ignore[return-value]

    def generate(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        element = context.get_data_type(like.dtype)
        with builder.goto_entry_block():
            length = count.literal_value * Vector(like.dtype).lanes
            room = builder.alloca(ir.ArrayType(element, length))
            room.align = 64
        return builder.bitcast(room, element.as_pointer())

    return like(like, count), generate


@intrinsic
def lanes_of(_typing: Any, start: Any) -> Typed:
    """Return how many of the numbers at an address a Vector holds."""

    def generate(_context: Any, _builder: Any, _signature: Any, _arguments: Any) -> Any:
        return _integer(Vector(start.dtype).lanes)

    return types.int64(start), generate


@intrinsic
def spread(_typing: Any, first: Any, step: Any, last: Any, like: Any) -> Typed:
    """Return offsets ``first, first + step, ...``, as many as ``like`` has, none beyond ``last``.

    A tile that would stick out of its matrix at the bottom thus repeats the last row: the same
    numbers are computed and written twice, and no edge needs code of its own.
    """
    offsets = types.UniTuple(types.int64, like.count)

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        start, distance, limit, _ = arguments
        values = []
        for i in range(like.count):
            value = builder.add(start, builder.mul(distance, _integer(i)))
            inside = builder.icmp_signed("<", value, limit)
            values.append(builder.select(inside, value, limit))
        return context.make_tuple(builder, offsets, values)

    return offsets(types.int64, types.int64, types.int64, like), generate


@intrinsic
def tile_load(_typing: Any, start: Any, rows: Any, columns: Any, width: Any) -> Typed:
    """Return the tile at an address; what lies beyond ``width`` in a row's last Vector is zero."""
    kind = Vector(start.dtype)
    tile = types.UniTuple(kind, rows.count * columns.count)

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        base, down, _, limit = arguments
        whole = kind.lanes * (columns.count - 1)
        mask = _first_lanes(builder, kind, builder.sub(limit, _integer(whole)))
        vectors = []
        for row in cgutils.unpack_tuple(builder, down):
            for column in range(0, whole, kind.lanes):
                place = builder.add(row, _integer(column))
                vectors.append(_load(builder, kind, base, place))
            place = builder.add(row, _integer(whole))
            vectors.append(_load_part(builder, kind, base, place, mask))
        return context.make_tuple(builder, tile, vectors)

    return tile(start, rows, columns, types.int64), generate


@intrinsic
def tile_store(_typing: Any, tile: Any, start: Any, rows: Any, columns: Any, width: Any) -> Typed:
    """Write a tile to an address, but for what lies beyond ``width`` in each row's last Vector."""
    kind = tile.dtype

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        vectors, base, down, _, limit = arguments
        vectors = iter(cgutils.unpack_tuple(builder, vectors))
        whole = kind.lanes * (columns.count - 1)
        room = builder.sub(limit, _integer(whole))
        last = []
        for row in cgutils.unpack_tuple(builder, down):
            for column in range(0, whole, kind.lanes):
                _store(builder, kind, next(vectors), base, builder.add(row, _integer(column)))
            last.append((next(vectors), base, builder.add(row, _integer(whole))))
        full = builder.icmp_signed(">=", room, _integer(kind.lanes))
        with builder.if_else(full) as (then, otherwise):  # a masked store is slow on some machines
            with then:
                for vector_and_place in last:
                    _store(builder, kind, *vector_and_place)
            with otherwise:
                mask = _first_lanes(builder, kind, room)
                for vector_and_place in last:
                    _store_part(builder, kind, *vector_and_place, mask)
        return context.get_dummy_value()

    return types.void(tile, start, rows, columns, types.int64), generate


def _transpose(builder: Any, rows: list[Any], group: int) -> list[Any]:
    """Transpose a square of vectors by shuffles that a processor has, in 128-bit groups."""
    lanes = range(len(rows))
    size = len(rows) // 2
    while size >= group:  # swap the off-diagonal blocks of every 2x2 block matrix, largest first
        left = [len(rows) + k - size if k & size else k for k in lanes]
        right = [len(rows) + k if k & size else k + size for k in lanes]
        for i in (i for i in lanes if not i & size):
            pair = rows[i], rows[i + size]
            rows[i] = _shuffle(builder, *pair, left)
            rows[i + size] = _shuffle(builder, *pair, right)
        size //= 2
    half = group // 2
    while size:  # then transpose every group by interleaving its rows, like two piles of cards
        size //= 2
        left = [k - k % group + k % group // 2 + len(rows) * (k % 2) for k in lanes]
        right = [k + half for k in left]
        pairs = [(i + j, i + j + half) for i in range(0, len(rows), group) for j in range(half)]
        rows = [
            _shuffle(builder, rows[i], rows[j], lane) for i, j in pairs for lane in (left, right)
        ]
    return rows


@intrinsic
def load_transposed(_typing: Any, start: Any, step: Any, last: Any, width: Any) -> Typed:
    """Return the transpose of a square block whose rows, a Vector each, lie ``step`` apart.

    Rows beyond the offset ``last`` repeat it; columns beyond ``width`` are zero.
    """
    kind = Vector(start.dtype)
    lanes = range(kind.lanes)
    tile = types.UniTuple(kind, kind.lanes)

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        base, distance, limit, room = arguments
        mask = _first_lanes(builder, kind, room)
        rows = []
        for i in lanes:
            place = builder.mul(distance, _integer(i))
            place = builder.select(builder.icmp_signed("<", place, limit), place, limit)
            rows.append(_load_part(builder, kind, base, place, mask))
        rows = _transpose(builder, rows, 128 // kind.dtype.bitwidth)
        return context.make_tuple(builder, tile, rows)

    return tile(start, types.int64, types.int64, types.int64), generate


@intrinsic
def add_outer(_typing: Any, tile: Any, a: Any, rows: Any, b: Any, columns: Any) -> Typed:
    """Return ``tile`` plus the outer product of a column of ``a`` and a row of ``b``.

    ``tile[i, j] + a[rows[i]] * b[j]``, multiplied and added with one rounding.
    """
    kind = tile.dtype

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        sums, column, down, row, _ = arguments
        result = list(cgutils.unpack_tuple(builder, sums))
        places = [_integer(j * kind.lanes) for j in range(columns.count)]
        vectors = [_load(builder, kind, row, place) for place in places]
        for i, offset in enumerate(cgutils.unpack_tuple(builder, down)):
            factor = builder.load(builder.gep(column, [offset]))
            factor = _splat(builder, factor, kind.lanes)
            for j, vector in enumerate(vectors, i * len(vectors)):
                result[j] = _call(builder, "fma", factor, vector, result[j])
        return context.make_tuple(builder, tile, result)

    return tile(tile, a, rows, b, columns), generate
