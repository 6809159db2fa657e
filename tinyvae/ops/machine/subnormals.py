"""Numbers too small for a full mantissa, treated as zero while a training step runs.

Below 1.2e-38 float32 numbers are subnormal, and many x86 processors take a hundred times as long
for them.  Training makes them: where a gradient stays zero, Adam's m shrinks by a tenth a step, is
subnormal after 800 steps, and rounds to itself for ever.  The mode is the processor's, one for
each thread, and whoever sets it puts back what was there.  This file holds no mathematics.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from tinyvae.ops.machine.jit import JIT_DISABLED

Typed = tuple[Any, Callable[[Any, Any, Any, Any], Any]]

# Elsewhere (ARM) subnormal numbers cost nothing worth a mode.
HAS_MODE = not JIT_DISABLED and platform.machine().lower() in {"x86_64", "amd64"}
# Of the control register of SSE and AVX: results, then operands that are subnormal become zero.
_FLUSH = 1 << 15 | 1 << 6
_MODE = ir.IntType(32)


def _access(builder: Any, name: str, room: Any) -> None:
    """Store the control register to ``room``, or load it from there."""
    bytes_ = ir.IntType(8).as_pointer()  # before LLVM 17, pointers have types
    signature = ir.FunctionType(ir.VoidType(), [bytes_])
    function = cgutils.get_or_insert_function(
        builder.module, signature, f"llvm.x86.sse.{name}mxcsr"
    )
    builder.call(function, [builder.bitcast(room, bytes_)])


if HAS_MODE:

    @intrinsic
    def flush_subnormals(_typing: Any) -> Typed:
        """Treat subnormal numbers as zero on this thread; return the mode it had."""

        def generate(_context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
            room = cgutils.alloca_once(builder, _MODE)
            _access(builder, "st", room)
            before = builder.load(room)
            builder.store(builder.or_(before, ir.Constant(_MODE, _FLUSH)), room)
            _access(builder, "ld", room)
            return before

        return types.int32(), generate

    @intrinsic
    def restore_mode(_typing: Any, mode: Any) -> Typed:
        """Put back the mode that ``flush_subnormals`` returned."""

        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            room = cgutils.alloca_once(builder, _MODE)
            builder.store(arguments[0], room)
            _access(builder, "ld", room)
            return context.get_dummy_value()

        return types.void(mode), generate

else:
    from tinyvae.ops.machine.jit import kernel

    @kernel(forceinline=True)
    def flush_subnormals() -> int:
        """Do nothing: this processor is as fast with subnormal numbers as without."""
        return 0

    @kernel(forceinline=True)
    def restore_mode(mode: int) -> None:
        """Do nothing."""
