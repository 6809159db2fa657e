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
from numpy.typing import NDArray

from tinyvae.ops.machine.jit import kernel
from tinyvae.ops.machine.vectors import address, moved

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
def _next_word(_typing: Any, function: Any, state: Any) -> Typed:
    """Return the next 64 random bits, as ``Generator.integers`` would."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(_INT64, [_BYTES])
        call = builder.inttoptr(arguments[0], kind.as_pointer())
        return builder.call(call, [builder.inttoptr(arguments[1], _BYTES)])

    return types.uint64(types.int64, types.int64), generate


@intrinsic
def _fetch(_typing: Any, start: Any) -> Typed:
    """Ask for the line at an address to be brought to the caches, and wait for nothing."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        (place,) = arguments
        signature = ir.FunctionType(ir.VoidType(), [place.type, *[_INT32] * 3])
        function = cgutils.get_or_insert_function(builder.module, signature, "llvm.prefetch.p0")
        read, all_caches, data = (ir.Constant(_INT32, value) for value in (0, 3, 1))
        builder.call(function, [place, read, all_caches, data])
        return context.get_dummy_value()

    return types.void(start), generate


@kernel(forceinline=True)
def ask_for_row(images: Array, row: int) -> None:
    """Ask for a row of the data, if there is one of that number."""
    if 0 <= row < images.shape[0]:
        start = moved(address(images), row * images.shape[1])
        for column in range(0, images.shape[1], LINE // images.itemsize):
            _fetch(moved(start, column))


@kernel(forceinline=True)
def draw_words(function: int, state: int, words: Array, first: int) -> None:
    """Fill ``words[first:]`` with random bits."""
    for i in range(first, words.size):
        words[i] = _next_word(function, state)
