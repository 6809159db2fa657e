"""Kernels that are compiled once, by themselves, and called by their address.

What Numba compiles for one function it copies into each function that calls it, and optimizes it
there once more.  For a kernel of hundreds of instructions that is called in five places, this takes
far longer than the call it saves.  A kernel that stands apart is never copied: its caller's
machine code holds no more than a symbol, which is bound to the kernel's address before that code
is loaded.

A kernel that stands apart returns nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

import llvmlite.binding as llvm
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin

#: Which kernel a symbol stands for, and the types of its arguments.
Needed = tuple[Callable[..., None], tuple[types.Type, ...]]
_SYMBOLS: dict[str, Needed] = {}
_BOUND: dict[Needed, str] = {}


def bind(function: Callable[..., None], arguments: tuple[types.Type, ...]) -> str:
    """Compile a kernel that stands apart, or load it; return the symbol of its address."""
    symbol = _BOUND.get((function, arguments))
    if symbol is None:
        name = f"{function.__module__}.{function.__qualname__}".replace("<locals>", "")
        symbol = f"{name}.{hashlib.sha256(repr(arguments).encode()).hexdigest()[:16]}"
        dispatcher = function.compiled  # type: ignore[attr-defined]
        dispatcher.compile(arguments)
        found = dispatcher.overloads[arguments]
        address = found.library.get_pointer_to_function(found.fndesc.llvm_func_name)
        llvm.add_symbol(symbol, address)
        _SYMBOLS[symbol] = function, arguments
        _BOUND[function, arguments] = symbol
    return symbol


def needed_by(compiled: Any) -> list[Needed]:
    """Return the kernels whose symbols must be bound before this machine code is loaded."""
    functions = compiled.library._final_module.functions
    return [_SYMBOLS[f.name] for f in functions if f.is_declaration and f.name in _SYMBOLS]


def stand_apart(dispatcher: Any, from_python: Callable[[Any], Any]) -> Callable[..., None]:
    """Return the kernel of a dispatcher as a function for compiled code and for Python.

    Parameters
    ----------
    dispatcher : numba Dispatcher
        Compiled without what Python needs to call it.
    from_python : callable
        Makes a dispatcher that can be called from Python, out of a function to compile.
    """

    @wraps(dispatcher.py_func)
    def kernel(*arguments: Any) -> None:
        callable_(*arguments)

    kernel.compiled = dispatcher  # type: ignore[attr-defined]

    class Typed(AbstractTemplate):  # type: ignore[misc, unused-ignore]
        key = kernel

        def generic(self, arguments: Any, _keywords: Any) -> Any:
            exact = tuple(map(types.unliteral, arguments))
            bind(kernel, exact)
            return signature(types.none, *exact)

    infer_global(kernel, types.Function(Typed))

    @lower_builtin(kernel, types.VarArg(types.Any))
    def call(context: Any, builder: Any, typed: Any, values: Any) -> Any:
        convention = context.call_conv
        kind = convention.get_function_type(types.none, typed.args)
        function = cgutils.get_or_insert_function(
            builder.module, kind, bind(kernel, tuple(typed.args))
        )
        status, _ = convention.call_function(builder, function, types.none, typed.args, values)
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return context.get_dummy_value()

    def through(*arguments: Any) -> None:
        kernel(*arguments)

    through.__qualname__ = f"{kernel.__qualname__}.through"
    callable_ = from_python(through)
    return kernel
