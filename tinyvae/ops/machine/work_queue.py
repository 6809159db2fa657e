"""A work queue in compiled code: one thread posts work in parts, threads that are awake take them.

Python's lock would put a thread to sleep for longer than a small layer takes.  The thread that
posts works too, so nothing is lost where no other is awake; no order is promised, so parts must
write to different places.

A part is taken by counting ``LEFT`` down from n to 0 atomically; only then are ``ENTRY`` and the
rest read, which do not change until all parts are done.  LEFT and DONE, which all threads write,
have a line of the caches each: who counts one takes it away from those who look at the other.
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

# Places in the queue, in int64; a line of the caches has eight, and some processors fetch two.
LEFT, DONE, PARTS, THREADS, ENTRY, ARGUMENTS = 0, 16, 32, 33, 34, 35
SIZE = 48
#: In place of a part's number: all of the work, to be posted in parts.
WHOLE = -1

_INT64, _BYTES = ir.IntType(64), ir.IntType(8).as_pointer()
_PART = ir.FunctionType(ir.VoidType(), [_INT64, _INT64, _BYTES])
# LLVM's name for the instruction "I am only waiting", and its arguments; 10 to 40 ns on x86.
_PAUSE: tuple[str, tuple[int, ...]] = ("llvm.x86.sse2.pause", ())
_YIELD: tuple[str, tuple[int, ...]] = ("llvm.aarch64.hint", (1,))
_REST = {"x86_64": _PAUSE, "amd64": _PAUSE, "aarch64": _YIELD, "arm64": _YIELD}


def new_queue() -> Array:
    """Return an empty queue."""
    room = np.zeros(SIZE + 16, np.int64)
    start = -room.ctypes.data % 128 // room.itemsize
    return room[start : start + SIZE]


def _field(builder: Any, start: Any, which: int) -> Any:
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
    """Read a number of the queue as other threads have written it."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        start, which = arguments
        return builder.load_atomic(builder.gep(start, [which]), "acquire", 8)

    return types.int64(start, types.int64), generate


@intrinsic
def _take(_typing: Any, start: Any, left: Any) -> Typed:
    """Set LEFT to ``left - 1`` if it still is ``left``; return whether it was."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        place, before = _field(builder, arguments[0], LEFT), arguments[1]
        after = builder.sub(before, ir.Constant(_INT64, 1))
        outcome = builder.cmpxchg(place, before, after, "acq_rel", "acquire")
        return builder.extract_value(outcome, 1)

    return types.boolean(start, types.int64), generate


@intrinsic
def _do(_typing: Any, start: Any, part: Any) -> Typed:
    """Do a part that was taken, and count it as done."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        queue, part = arguments
        entry, spilled, parts = (
            builder.load(_field(builder, queue, which)) for which in (ENTRY, ARGUMENTS, PARTS)
        )
        function = builder.inttoptr(entry, _PART.as_pointer())
        builder.call(function, [part, parts, builder.inttoptr(spilled, _BYTES)])
        one = ir.Constant(_INT64, 1)
        builder.atomic_rmw("add", _field(builder, queue, DONE), one, "acq_rel")
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
    """Post the calling function: ``(part, parts, *arguments)``, for every part."""

    def generate(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        queue, count, tuple_ = values
        spilled = cgutils.alloca_once_value(builder, tuple_)
        for which, value in (
            (ENTRY, builder.ptrtoint(_entry(context, builder, arguments, spilled), _INT64)),
            (ARGUMENTS, builder.ptrtoint(spilled, _INT64)),
            (PARTS, count),
            (DONE, ir.Constant(_INT64, 0)),
        ):
            builder.store(value, _field(builder, queue, which))
        builder.store_atomic(count, _field(builder, queue, LEFT), "release", 8)
        return context.get_dummy_value()

    return types.void(start, types.int64, arguments), generate


@kernel(forceinline=True, borrows=True)
def _run_part(start: Any) -> bool:
    """Take a part and do it, if there is one; return whether there was."""
    left = _now(start, LEFT)
    while left > 0:
        if _take(start, left):
            _do(start, left - 1)
            return True
        left = _now(start, LEFT)
    return False


@kernel(borrows=True)
def _finish(queue: Array, parts: int) -> None:
    """Do the parts that nobody has taken, and wait for the others."""
    start = address(queue)
    while _run_part(start):
        pass
    while _now(start, DONE) < parts:
        _rest()


@kernel(inline=True)
def in_parts(queue: Array, parts: int, function: Any, arguments: Any) -> None:
    """Call ``function(part, parts, *arguments)`` for every part; return when all are done.

    ``function`` must be the one in which this stands, and the types of its arguments those it was
    called with: it posts itself, so that nothing has to be compiled into another function once
    more.
    """
    _post(address(queue), parts, arguments)
    _finish(queue, parts)


@kernel()
def serve(queue: Array, thread: int, spins: int) -> None:
    """Do what is posted; return after ``spins`` looks in a row that found nothing.

    A worker whose number is not below the queue's ``THREADS`` leaves the work to others.
    """
    start = address(queue)
    idle = 0
    while idle < spins:
        idle += 1
        if thread < _now(start, THREADS) and _run_part(start):
            idle = 0
        else:
            _rest()


if JIT_DISABLED:

    def in_parts(queue: Array, parts: int, function: Any, arguments: Any) -> None:
        """Call ``function(part, parts, *arguments)`` for every part."""
        for part in range(parts):
            function(part, parts, *arguments)
