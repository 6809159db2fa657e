"""Matrices and vectors cut out of one long vector, with less code than slicing compiles to.

A view borrows: it must not outlive the vector.  Nothing is checked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array
from numpy.typing import NDArray

from tinyvae.ops.machine.jit import JIT_DISABLED

Array = NDArray[Any]
Typed = tuple[Any, Callable[[Any, Any, Any, Any], Any]]


def _cut(context: Any, builder: Any, signature: Any, arguments: Any, shape: list[Any]) -> Any:
    """Build a C-contiguous array of that shape, ``arguments[1]`` elements into ``arguments[0]``."""
    kind = signature.return_type
    vector = make_array(signature.args[0])(context, builder, arguments[0])
    view = make_array(kind)(context, builder)
    size = ir.Constant(ir.IntType(64), context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    strides = [builder.mul(shape[1], size), size] if len(shape) == 2 else [size]
    populate_array(
        view,
        data=builder.gep(vector.data, [arguments[1]]),
        shape=cgutils.pack_array(builder, shape),
        strides=cgutils.pack_array(builder, strides),
        itemsize=size,
        meminfo=None,
    )
    return view._getvalue()


if JIT_DISABLED:

    def vector_at(vector: Array, start: int, size: int) -> Array:
        """Return the ``size`` numbers that begin at an offset of a vector."""
        return vector[start : start + size]

    def matrix_at(vector: Array, start: int, n_rows: int, n_columns: int) -> Array:
        """Return the (n_rows, n_columns) matrix that begins at an offset of a vector."""
        return vector[start : start + n_rows * n_columns].reshape((n_rows, n_columns))

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
