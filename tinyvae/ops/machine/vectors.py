"""Vectors for Numba: what the matrix kernels need and plain loops cannot say.

A Vector is one register of ``LANES`` float32 (half as many float64).  A *tile* is a list of
Vectors, row by row: a block of a matrix that LLVM keeps in registers while a loop adds to it.
``VectorCode`` writes LLVM's code for them, so that Numba has nothing to infer.  Nothing here checks
a bound, and nothing knows of networks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from tinyvae.ops.machine.jit import LANES

Typed = tuple[Any, Callable[[Any, Any, Any, Any], Any]]
#: LLVM's value of a number, an address or a Vector, which the code will have when it runs.
Value = Any

_INT32, _INT64 = ir.IntType(32), ir.IntType(64)


def _lanes(dtype: Any) -> int:
    return max(1, LANES * 32 // int(dtype.bitwidth))


def integer(value: int) -> Value:
    """Return a whole number as LLVM knows it."""
    return ir.Constant(_INT64, value)


class VectorCode:
    """Writes code for Vectors and tiles where a builder stands.

    Parameters
    ----------
    builder : llvmlite.ir.IRBuilder
        Of the function that is being written.
    dtype : numba type
        float32 or float64.

    Attributes
    ----------
    lanes : int
        Numbers in a Vector.
    """

    def __init__(self, builder: Any, dtype: Any) -> None:
        self.builder, self.bits, self.lanes = builder, dtype.bitwidth, _lanes(dtype)
        self._scalar = {32: ir.FloatType(), 64: ir.DoubleType()}[dtype.bitwidth]
        self._vector = ir.VectorType(self._scalar, self.lanes)

    # Loops ---------------------------------------------------------------------------------

    @contextmanager
    def each(self, stop: Value, step: int) -> Iterator[Value]:
        """Write what stands in the block for 0, step, 2 * step, ... below ``stop``."""
        with cgutils.for_range_slice(self.builder, integer(0), stop, integer(step)) as (i, _):
            yield i

    def repeat(
        self, count: Value, before: list[Value], body: Callable[[list[Value]], list[Value]]
    ) -> list[Value]:
        """Return what is left of ``before`` after ``count`` times ``values = body(values)``.

        All values stay in registers.
        """
        builder, entry = self.builder, self.builder.block
        head, inside = builder.append_basic_block("head"), builder.append_basic_block("inside")
        behind = builder.append_basic_block("behind")
        builder.branch(head)
        builder.position_at_end(head)
        values = [builder.phi(value.type) for value in (integer(0), *before)]
        builder.cbranch(builder.icmp_signed("<", values[0], count), inside, behind)
        builder.position_at_end(inside)
        after = [builder.add(values[0], integer(1)), *body(list(values[1:]))]
        for phi, first, next_ in zip(values, (integer(0), *before), after, strict=True):
            phi.add_incoming(first, entry)
            phi.add_incoming(next_, builder.block)
        builder.branch(head)
        builder.position_at_end(behind)
        return list(values[1:])

    # Numbers and addresses -----------------------------------------------------------------

    def least(self, a: Value, b: Value) -> Value:
        """Return the smaller of two whole numbers."""
        return self.builder.select(self.builder.icmp_signed("<", a, b), a, b)

    def moved(self, start: Value, offset: Value) -> Value:
        """Return the address ``offset`` elements further on."""
        return self.builder.gep(start, [offset])

    def advanced(self, start: Value, offset: Value) -> Value:
        """Return ``moved(start, offset)``, telling LLVM nothing about how it came about.

        Left to itself LLVM replaces one running address and a few fixed offsets by many running
        addresses, more than there are registers.
        """
        address = self.moved(start, offset)
        signature = ir.FunctionType(address.type, [address.type])
        return self.builder.asm(signature, "", "=r,0", [address], side_effect=False)

    def spread(self, first: Value, step: Value, last: Value, count: int) -> list[Value]:
        """Return ``count`` offsets ``first, first + step, ...``, none beyond ``last``.

        A tile that would stick out of its matrix at the bottom thus repeats the last row: the same
        numbers are computed and written twice, and no edge needs code of its own.
        """
        builder = self.builder
        offsets = [builder.add(first, builder.mul(step, integer(i))) for i in range(count)]
        return [self.least(offset, last) for offset in offsets]

    # Vectors -------------------------------------------------------------------------------

    def _shuffle(self, left: Value, right: Value, lanes: list[int]) -> Value:
        mask = ir.Constant(ir.VectorType(_INT32, len(lanes)), lanes)
        return self.builder.shuffle_vector(left, right, mask)

    def _splat(self, scalar: Value) -> Value:
        empty = ir.Constant(ir.VectorType(scalar.type, self.lanes), ir.Undefined)
        one = self.builder.insert_element(empty, scalar, ir.Constant(_INT32, 0))
        return self._shuffle(one, empty, [0] * self.lanes)

    def _intrinsic(self, name: str, result: Any, *arguments: Value) -> Value:
        """Call what LLVM has under that name for this kind of Vector."""
        signature = ir.FunctionType(result, [argument.type for argument in arguments])
        name = f"llvm.{name.format(f'v{self.lanes}f{self.bits}')}"
        function = cgutils.get_or_insert_function(self.builder.module, signature, name)
        return self.builder.call(function, arguments)

    def _place(self, start: Value, offset: Value) -> Value:
        return self.builder.bitcast(self.moved(start, offset), self._vector.as_pointer())

    def _load(self, start: Value, offset: Value) -> Value:
        return self.builder.load(self._place(start, offset), align=self.bits // 8)

    def _store(self, vector: Value, start: Value, offset: Value) -> None:
        self.builder.store(vector, self._place(start, offset), align=self.bits // 8)

    def _first_lanes(self, count: Value) -> Value:
        number = ir.IntType(self.bits)  # as wide as a lane: a mask then needs no reshuffling
        numbers = ir.Constant(ir.VectorType(number, self.lanes), list(range(self.lanes)))
        if self.bits < 64:
            count = self.builder.trunc(count, number)
        return self.builder.icmp_signed("<", numbers, self._splat(count))

    def _load_part(self, start: Value, offset: Value, mask: Value) -> Value:
        """Load the lanes under the mask, zero elsewhere; memory not under it is never touched."""
        align, zeros = ir.Constant(_INT32, self.bits // 8), ir.Constant(self._vector, None)
        place = self._place(start, offset)
        return self._intrinsic("masked.load.{}.p0", self._vector, place, align, mask, zeros)

    def _store_part(self, vector: Value, start: Value, offset: Value, mask: Value) -> None:
        align, place = ir.Constant(_INT32, self.bits // 8), self._place(start, offset)
        self._intrinsic("masked.store.{}.p0", ir.VoidType(), vector, place, align, mask)

    # Tiles ---------------------------------------------------------------------------------

    def load_tile(self, start: Value, down: list[Value], columns: int, width: Value) -> list[Value]:
        """Return the tile at an address, its rows at the offsets ``down``.

        It has so many columns of Vectors; what lies beyond ``width`` in the last of them is zero.
        """
        whole = self.lanes * (columns - 1)
        mask = self._first_lanes(self.builder.sub(width, integer(whole)))
        tile = []
        for row in down:
            places = [self.builder.add(row, integer(j)) for j in range(0, whole, self.lanes)]
            tile += [self._load(start, place) for place in places]
            tile.append(self._load_part(start, self.builder.add(row, integer(whole)), mask))
        return tile

    def store_tile(
        self, tile: list[Value], start: Value, down: list[Value], columns: int, width: Value
    ) -> None:
        """Write a tile to an address, but for what lies beyond ``width``."""
        builder, whole = self.builder, self.lanes * (columns - 1)
        room = builder.sub(width, integer(whole))
        places = [builder.add(row, integer(j * self.lanes)) for row in down for j in range(columns)]
        last = []
        for i, (vector, place) in enumerate(zip(tile, places, strict=True), 1):
            if i % columns:
                self._store(vector, start, place)
            else:
                last.append((vector, start, place))
        full = builder.icmp_signed(">=", room, integer(self.lanes))
        with builder.if_else(full) as (then, otherwise):  # a masked store is slow on some machines
            with then:
                for vector_and_place in last:
                    self._store(*vector_and_place)
            with otherwise:
                mask = self._first_lanes(room)
                for vector_and_place in last:
                    self._store_part(*vector_and_place, mask)

    def add_outer(self, tile: list[Value], a: Value, down: list[Value], b: Value) -> list[Value]:
        """Return ``tile`` plus the outer product of a column of ``a`` and a row of ``b``.

        ``tile[i, j] + a[down[i]] * b[j]``, multiplied and added with one rounding.
        """
        columns = range(len(tile) // len(down))
        row = [self._load(b, integer(j * self.lanes)) for j in columns]
        sums, result = iter(tile), []
        for offset in down:
            factor = self._splat(self.builder.load(self.moved(a, offset)))
            for vector in row:
                result.append(self._intrinsic("fma.{}", self._vector, factor, vector, next(sums)))
        return result

    def load_transposed(self, start: Value, step: Value, last: Value, width: Value) -> list[Value]:
        """Return the transpose of a square block whose rows, a Vector each, lie ``step`` apart.

        Rows beyond the offset ``last`` repeat it; columns beyond ``width`` are zero.
        """
        mask = self._first_lanes(width)
        down = self.spread(integer(0), step, last, self.lanes)
        return self._transpose([self._load_part(start, row, mask) for row in down])

    def _transpose(self, rows: list[Value]) -> list[Value]:
        """Transpose a square of Vectors by shuffles that a processor has, in 128-bit groups."""
        lanes, group = range(len(rows)), 128 // self.bits
        size = len(rows) // 2
        while size >= group:  # swap the off-diagonal blocks of 2x2 block matrices, largest first
            left = [len(rows) + k - size if k & size else k for k in lanes]
            right = [len(rows) + k if k & size else k + size for k in lanes]
            for i in (i for i in lanes if not i & size):
                pair = rows[i], rows[i + size]
                rows[i] = self._shuffle(*pair, left)
                rows[i + size] = self._shuffle(*pair, right)
            size //= 2
        half = group // 2
        while size:  # then transpose every group by interleaving its rows, like two piles of cards
            size //= 2
            left = [k - k % group + k % group // 2 + len(rows) * (k % 2) for k in lanes]
            right = [k + half for k in left]
            pairs = [(i + j, i + j + half) for i in range(0, len(rows), group) for j in range(half)]
            rows = [
                self._shuffle(rows[i], rows[j], lane) for i, j in pairs for lane in (left, right)
            ]
        return rows


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


@intrinsic(prefer_literal=True)
def scratch(_typing: Any, like: Any, count: Any) -> Typed:
    """Return the address of uninitialised stack memory for ``count`` Vectors of that dtype."""
    if not isinstance(count, types.IntegerLiteral):
        return None  # type: ignore[return-value]

    def generate(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        element = context.get_data_type(like.dtype)
        with builder.goto_entry_block():
            length = count.literal_value * _lanes(like.dtype)
            room = builder.alloca(ir.ArrayType(element, length))
            room.align = 64
        return builder.bitcast(room, element.as_pointer())

    return like(like, count), generate


@intrinsic
def lanes_of(_typing: Any, start: Any) -> Typed:
    """Return how many of the numbers at an address a Vector holds."""

    def generate(_context: Any, _builder: Any, _signature: Any, _arguments: Any) -> Any:
        return integer(_lanes(start.dtype))

    return types.int64(start), generate


@intrinsic(prefer_literal=True)
def add_products(_typing: Any, start: Any, count: Any, rounds: Any) -> Typed:
    """Add to each of the ``count`` Vectors at an address y * z, so many rounds, in registers.

    y is the first number there, z the first Vector.  A processor's peak is measured so.
    """
    if not isinstance(count, types.IntegerLiteral):
        return None  # type: ignore[return-value]

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        code, place = VectorCode(builder, start.dtype), arguments[0]
        zero, width = integer(0), integer(code.lanes)
        down = code.spread(zero, width, integer(1 << 62), count.literal_value)
        tile = code.load_tile(place, down, 1, width)
        same = [zero] * len(tile)
        tile = code.repeat(
            arguments[2], tile, lambda sums: code.add_outer(sums, place, same, place)
        )
        code.store_tile(tile, place, down, 1, width)
        return context.get_dummy_value()

    return types.void(start, count, types.int64), generate
