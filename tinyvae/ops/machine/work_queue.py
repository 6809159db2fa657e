"""A board on which one thread posts work in parts, and any thread that is awake takes them.

All of it happens in compiled code: Python's lock would put a thread to sleep for longer than a
small layer takes.  Whoever posts works too, so that nothing is lost where nobody else is awake;
and no order is promised, so parts must write to different places.

The board is eight int64.  A part is taken by counting ``LEFT`` down from n to 0, in one indivisible
step; only then are ``ENTRY`` and the rest read, which stay as they are until all parts are done.
This file knows no mathematics.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from tinyvae.ops.machine.jit import JIT_DISABLED, kernel
from tinyvae.ops.machine.vectors import address

Array = NDArray[Any]
Typed = tuple[Any, Callable[[Any, Any, Any, Any], Any]]

LEFT, DONE, PARTS, THREADS, ENTRY, ARGUMENTS = range(6)
#: In place of a part's number: all of the work, to be posted in parts.
WHOLE = -1

_INT64, _BYTES = ir.IntType(64), ir.IntType(8).as_pointer()
_PART = ir.FunctionType(ir.VoidType(), [_INT64, _INT64, _BYTES])
# LLVM's name for the instruction "I am only waiting", and its arguments; 10 to 40 ns on x86.
_PAUSE: tuple[str, tuple[int, ...]] = ("llvm.x86.sse2.pause", ())
_YIELD: tuple[str, tuple[int, ...]] = ("llvm.aarch64.hint", (1,))
_REST = {"x86_64": _PAUSE, "amd64": _PAUSE, "aarch64": _YIELD, "arm64": _YIELD}


def new_board() -> Array:
    """Return a board with nothing on it."""
    return np.zeros(8, np.int64)


def _place(builder: Any, start: Any, which: int) -> Any:
    return builder.gep(start, [ir.Constant(_INT64, which)])


@intrinsic
def _rest(_typing: Any) -> Typed:
    """Let the processor know that this thread is only waiting."""

    def generate(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        machine = platform.machine().lower()
        if machine in _REST:
            name, numbers = _REST[machine]
            values = [ir.IntType(32)(number) for number in numbers]
            signature = ir.FunctionType(ir.VoidType(), [value.type for value in values])
            builder.call(cgutils.get_or_insert_function(builder.module, signature, name), values)
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def _now(_typing: Any, start: Any, which: Any) -> Typed:
    """Read a number of the board as other threads have written it."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        start, which = arguments
        return builder.load_atomic(builder.gep(start, [which]), "acquire", 8)

    return types.int64(start, types.int64), generate


@intrinsic
def _take(_typing: Any, start: Any, left: Any) -> Typed:
    """Set LEFT to ``left - 1`` if it still is ``left``; return whether it was."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        place, before = _place(builder, arguments[0], LEFT), arguments[1]
        after = builder.sub(before, ir.Constant(_INT64, 1))
        outcome = builder.cmpxchg(place, before, after, "acq_rel", "acquire")
        return builder.extract_value(outcome, 1)

    return types.boolean(start, types.int64), generate


@intrinsic
def _do(_typing: Any, start: Any, part: Any) -> Typed:
    """Do a part that was taken, and count it as done."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        board, part = arguments
        entry, spilled, parts = (
            builder.load(_place(builder, board, which)) for which in (ENTRY, ARGUMENTS, PARTS)
        )
        function = builder.inttoptr(entry, _PART.as_pointer())
        builder.call(function, [part, parts, builder.inttoptr(spilled, _BYTES)])
        one = ir.Constant(_INT64, 1)
        builder.atomic_rmw("add", _place(builder, board, DONE), one, "acq_rel")
        return context.get_dummy_value()

    return types.void(start, types.int64), generate


def _entry(context: Any, builder: Any, arguments: Any, spilled: Any) -> Any:
    """Make a function (part, parts, address): this one, with the arguments that lie there."""
    name = builder.module.get_unique_name(f"{builder.function.name}.part")
    function = ir.Function(builder.module, _PART, name)
    function.linkage = "internal"
    inside = ir.IRBuilder(function.append_basic_block())
    part, parts, place = function.args
    values = cgutils.unpack_tuple(inside, inside.load(inside.bitcast(place, spilled.type)))
    wanted = (types.int64, types.int64, *arguments)
    context.call_conv.call_function(
        inside, builder.function, types.none, wanted, [part, parts, *values]
    )
    inside.ret_void()
    return function


@intrinsic
def _post(_typing: Any, start: Any, parts: Any, arguments: Any) -> Typed:
    """Put the calling function on the board: ``(part, parts, *arguments)``, for every part."""

    def generate(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        board, count, tuple_ = values
        spilled = cgutils.alloca_once_value(builder, tuple_)
        for which, value in (
            (ENTRY, builder.ptrtoint(_entry(context, builder, arguments, spilled), _INT64)),
            (ARGUMENTS, builder.ptrtoint(spilled, _INT64)),
            (PARTS, count),
            (DONE, ir.Constant(_INT64, 0)),
        ):
            builder.store(value, _place(builder, board, which))
        builder.store_atomic(count, _place(builder, board, LEFT), "release", 8)
        return context.get_dummy_value()

    return types.void(start, types.int64, arguments), generate


@kernel(inline=True)
def _help(start: Any) -> bool:
    """Take a part and do it, if there is one; return whether there was."""
    left = _now(start, LEFT)
    while left > 0:
        if _take(start, left):
            _do(start, left - 1)
            return True
        left = _now(start, LEFT)
    return False


@kernel()
def _finish(board: Array, parts: int) -> None:
    """Do the parts that nobody has taken, and wait for the others."""
    start = address(board)
    while _help(start):
        pass
    while _now(start, DONE) < parts:
        _rest()


@kernel(paste=True)
def in_parts(board: Array, parts: int, function: Any, arguments: Any) -> None:
    """Call ``function(part, parts, *arguments)`` for every part; return when all are done.

    ``function`` must be the one in which this stands, and the types of its arguments those it was
    called with: it posts itself, so that nothing has to be compiled into another function once
    more.
    """
    _post(address(board), parts, arguments)
    _finish(board, parts)


@kernel()
def serve(board: Array, thread: int, looks: int) -> None:
    """Do what is posted; return when nothing was for so many looks.

    A thread whose number is not below the board's ``THREADS`` leaves the work to others.
    """
    start = address(board)
    idle = 0
    while idle < looks:
        idle += 1
        if thread < _now(start, THREADS) and _help(start):
            idle = 0
        else:
            _rest()


if JIT_DISABLED:

    def in_parts(board: Array, parts: int, function: Any, arguments: Any) -> None:
        """Call ``function(part, parts, *arguments)`` for every part."""
        for part in range(parts):
            function(part, parts, *arguments)
