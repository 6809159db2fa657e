"""A compiled function called by its address, so that it is not compiled into its caller again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

Typed = tuple[Any, Callable[[Any, Any, Any, Any], Any]]

_INT64, _BYTES = ir.IntType(64), ir.IntType(8).as_pointer()
_PART = ir.FunctionType(ir.VoidType(), [_INT64, _INT64, _BYTES])


@intrinsic
def call_entry(_typing: Any, entry: Any, part: Any, parts: Any, arguments: Any) -> Typed:
    """Call what a work queue's ENTRY names: ``function(part, parts, *arguments)``.

    The arguments must be laid out in memory as those it was posted with: as many, of the same
    kinds of numbers, and arrays of as many dimensions.
    """

    def generate(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        place, part_, parts_, tuple_ = values
        spilled = cgutils.alloca_once_value(builder, tuple_)
        function = builder.inttoptr(place, _PART.as_pointer())
        builder.call(function, [part_, parts_, builder.bitcast(spilled, _BYTES)])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64, arguments), generate
