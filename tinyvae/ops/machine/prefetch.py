"""What the gathering kernels need from outside: rows asked for ahead, and random words.

A random row of a data set lies far from the last one, and no processor foresees it; and words that
are drawn a row at a time are still in the first cache when they are used.  The state of the
generator is an argument, as all randomness is; this file has none of its own.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array
from numpy.typing import NDArray

Array = NDArray[Any]
Typed = tuple[Any, Callable[[Any, Any, Any, Any], Any]]

_INT32, _INT64, _BYTES = ir.IntType(32), ir.IntType(64), ir.IntType(8).as_pointer()
LINE = 64  # bytes that come from memory together


def word_source(bit_generator: np.random.BitGenerator) -> tuple[int, int]:
    """Return the addresses of NumPy's function for the next 64 random bits, and of its state.

    Whoever draws holds ``bit_generator.lock``.
    """
    interface = bit_generator.ctypes
    function = ctypes.cast(interface.next_uint64, ctypes.c_void_p).value
    assert function is not None
    return function, interface.state_address


@intrinsic
def draw_words(_typing: Any, function: Any, state: Any, words: Any, first: Any) -> Typed:
    """Fill ``words[first:]`` with random bits, 64 each, as ``Generator.integers`` would."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        array = make_array(words)(context, builder, arguments[2])
        size = builder.extract_value(array.shape, 0)
        kind = ir.FunctionType(_INT64, [_BYTES]).as_pointer()
        call, state = (
            builder.inttoptr(arguments[i], kind) for i, kind in enumerate((kind, _BYTES))
        )
        with cgutils.for_range_slice(builder, arguments[3], size, _INT64(1)) as (i, _):
            builder.store(builder.call(call, [state]), builder.gep(array.data, [i]))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, words, types.int64), generate


@intrinsic
def ask_for_row(_typing: Any, images: Any, row: Any) -> Typed:
    """Ask for a row of the data to be brought to the caches, if there is one of that number."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        array = make_array(images)(context, builder, arguments[0])
        rows, width = cgutils.unpack_tuple(builder, array.shape)
        start = builder.gep(array.data, [builder.mul(arguments[1], width)])
        signature = ir.FunctionType(ir.VoidType(), [start.type, *[_INT32] * 3])
        function = cgutils.get_or_insert_function(builder.module, signature, "llvm.prefetch.p0")
        read, all_caches, data = (_INT32(value) for value in (0, 3, 1))
        step = _INT64(LINE * 8 // images.dtype.bitwidth)
        with (
            builder.if_then(builder.icmp_unsigned("<", arguments[1], rows)),  # none below 0, too
            cgutils.for_range_slice(builder, _INT64(0), width, step) as (column, _),
        ):
            place = builder.gep(start, [column])
            builder.call(function, [place, read, all_caches, data])
        return context.get_dummy_value()

    return types.void(images, types.int64), generate
