"""Matrices and vectors cut out of one long vector, with less code than slicing compiles to.

A view borrows: it must not outlive the vector.  Nothing is checked.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array
from numpy.typing import NDArray

from tinyvae.ops.machine.jit import JIT_DISABLED

Array = NDArray[Any]
Typed = tuple[Any, Callable[[Any, Any, Any, Any], Any]]


Shape = tuple[int | str, ...]


def _array(context: Any, builder: Any, kind: Any, data: Any, shape: list[Any]) -> Any:
    """Build the C-contiguous array of that type and shape that begins at an address."""
    view = make_array(kind)(context, builder)
    size = ir.Constant(ir.IntType(64), context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    strides = [builder.mul(shape[1], size), size] if len(shape) == 2 else [size]
    populate_array(
        view,
        data=data,
        shape=cgutils.pack_array(builder, shape),
        strides=cgutils.pack_array(builder, strides),
        itemsize=size,
        meminfo=None,
    )
    return view._getvalue()


def _start(context: Any, builder: Any, kind: Any, array: Any, offset: Any) -> Any:
    return builder.gep(make_array(kind)(context, builder, array).data, [offset])


def _cut(context: Any, builder: Any, signature: Any, arguments: Any, shape: list[Any]) -> Any:
    """Build a C-contiguous array of that shape, ``arguments[1]`` elements into ``arguments[0]``."""
    data = _start(context, builder, signature.args[0], *arguments[:2])
    return _array(context, builder, signature.return_type, data, shape)


if JIT_DISABLED:

    def vector_at(vector: Array, start: int, size: int) -> Array:
        """Return the ``size`` numbers that begin at an offset of a vector."""
        return vector[start : start + size]

    def matrix_at(vector: Array, start: int, n_rows: int, n_columns: int) -> Array:
        """Return the (n_rows, n_columns) matrix that begins at an offset of a vector."""
        return vector[start : start + n_rows * n_columns].reshape((n_rows, n_columns))

    def row_at(matrix: Array, i: int) -> Array:
        """Return row i of a C-contiguous matrix."""
        return np.asarray(matrix[i])

    def rows_at(matrix: Array, start: int, stop: int) -> Array:
        """Return rows start to stop - 1 of a C-contiguous matrix, one after the other."""
        return matrix[start:stop].reshape(-1)

    def views(kind: Any, shapes: dict[str, Shape]) -> Any:
        """See below."""

        def cut(vector: Array, places: Array, given: tuple[int, ...]) -> Any:
            names = dict.fromkeys(size for shape in shapes.values() for size in shape[1:])
            sizes = dict(zip((name for name in names if isinstance(name, str)), given, strict=True))
            found = []
            for place, *shape in shapes.values():
                lengths = [sizes[x] if isinstance(x, str) else places[x] for x in shape]
                size, start = math.prod(lengths), places[place]
                view = vector[start : start + size] if start >= 0 else np.empty(size)
                found.append(view.reshape(lengths))
            return kind(*found)

        return cut

else:

    @intrinsic
    def vector_at(_typing: Any, vector: Any, start: Any, size: Any) -> Typed:
        """Return the ``size`` numbers that begin at an offset of a vector."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return _cut(context, builder, signature, arguments, [arguments[2]])

        view = types.Array(vector.dtype, 1, "C")
        return view(vector, types.int64, types.int64), generate

    @intrinsic
    def matrix_at(_typing: Any, vector: Any, start: Any, n_rows: Any, n_columns: Any) -> Typed:
        """Return the (n_rows, n_columns) matrix that begins at an offset of a vector."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return _cut(context, builder, signature, arguments, [arguments[2], arguments[3]])

        view = types.Array(vector.dtype, 2, "C")
        return view(vector, types.int64, types.int64, types.int64), generate

    @intrinsic
    def row_at(_typing: Any, matrix: Any, i: Any) -> Typed:
        """Return row i of a C-contiguous matrix."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            whole, row = arguments
            length = builder.extract_value(make_array(matrix)(context, builder, whole).shape, 1)
            start = _start(context, builder, matrix, whole, builder.mul(row, length))
            return _array(context, builder, signature.return_type, start, [length])

        return types.Array(matrix.dtype, 1, "C")(matrix, types.int64), generate

    @intrinsic
    def rows_at(_typing: Any, matrix: Any, start: Any, stop: Any) -> Typed:
        """Return rows start to stop - 1 of a C-contiguous matrix, one after the other."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            whole, first, last = arguments
            length = builder.extract_value(make_array(matrix)(context, builder, whole).shape, 1)
            data = _start(context, builder, matrix, whole, builder.mul(first, length))
            size = builder.mul(builder.sub(last, first), length)
            return _array(context, builder, signature.return_type, data, [size])

        view = types.Array(matrix.dtype, 1, "C")
        return view(matrix, types.int64, types.int64), generate

    def views(kind: Any, shapes: dict[str, Shape]) -> Any:
        """Make a function that cuts many arrays out of a vector at once.

        For Numba this is one operation, where as many calls would be typed one by one.

        Parameters
        ----------
        kind : NamedTuple
            Of the arrays.
        shapes : dict
            For each field of ``kind`` the place of its offset, then of its lengths.  Numbers are
            places in an array of integers, words are names of lengths that the caller gives.  An
            array whose offset is below 0 must not be touched.

        Returns
        -------
        callable
            ``cut(vector, places, given)``, with the lengths that have names in the order in which
            ``shapes`` names them first.
        """
        words = [size for shape in shapes.values() for size in shape[1:] if isinstance(size, str)]
        names = list(dict.fromkeys(words))

        @intrinsic
        def cut(_typing: Any, vector: Any, places: Any, given: Any) -> Typed:
            arrays = [types.Array(vector.dtype, len(shape) - 1, "C") for shape in shapes.values()]

            def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
                lengths = cgutils.unpack_tuple(builder, arguments[2])
                sizes: dict[int | str, Any] = dict(zip(names, lengths, strict=True))

                def number(of: int | str) -> Any:
                    if of not in sizes:
                        at = ir.Constant(ir.IntType(64), of)
                        sizes[of] = builder.load(_start(context, builder, places, arguments[1], at))
                    return sizes[of]

                views = []
                for array, (place, *shape) in zip(arrays, shapes.values(), strict=True):
                    data = _start(context, builder, vector, arguments[0], number(place))
                    views.append(_array(context, builder, array, data, [*map(number, shape)]))
                return context.make_tuple(builder, signature.return_type, views)

            integers = types.UniTuple(types.int64, len(names))
            return types.NamedTuple(arrays, kind)(vector, places, integers), generate

        return cut
