"""Kernels that are compiled once, by themselves, and called by their address.

What Numba compiles for one function it copies into each function that calls it, and optimizes it
there once more.  For a kernel of hundreds of instructions that is called in five places, this takes
far longer than the call it saves.  A kernel that stands apart is never copied: its callers' machine
code reads its address from a table, and knows that table by a symbol.

Most kernels have one address.  Where a number chooses what a kernel does (which activation, which
likelihood), each number has a machine code of its own, and only what was asked for is compiled.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from functools import update_wrapper
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.ir import Arg, Assign, Const
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.core.untyped_passes import IRProcessing
from numba.extending import lower_builtin

from tinyvae.errors import SizeError

Types = tuple[types.Type, ...]

#: Addresses in a table: the numbers that choose are below it.
PLACES = 8
_INT64 = ir.IntType(64)
_NOT_ASKED_FOR = "{} was called for a number that nobody has asked it for: call its ask() before."


class Apart:
    """A kernel that stands apart: called from compiled code or Python, it returns nothing.

    Parameters
    ----------
    dispatcher : numba Dispatcher
        What is called from compiled code; Python cannot call it.
    for_python : callable
        Makes a dispatcher that Python can call, out of a function.
    chosen : str or None
        The argument that chooses what it does.
    waits : bool
        Whether it is compiled only when it is asked for.  One with ``chosen`` always waits.

    Attributes
    ----------
    compiled : numba Dispatcher
        The first argument.
    py_func : callable
        What it was compiled from, as Numba calls it.
    """

    __qualname__: str

    def __init__(
        self, dispatcher: Any, for_python: Callable[[Any], Any], chosen: str | None, waits: bool
    ) -> None:
        update_wrapper(self, dispatcher.py_func)
        self.compiled, self.py_func = dispatcher, dispatcher.py_func
        names = list(inspect.signature(dispatcher.py_func).parameters)
        self._chosen = names.index(chosen) if chosen else None
        self._asked = set() if waits or chosen else {0}
        self._tables: dict[Types, Any] = {}
        self._symbols: dict[Types, str] = {}

        def through(*arguments: Any) -> None:
            self(*arguments)

        through.__qualname__ = f"{self.__qualname__}.through"
        self._through = for_python(through)
        _define(self)

    def __call__(self, *arguments: Any) -> None:
        """Ask for what these arguments need, and do it."""
        self.ask(0 if self._chosen is None else arguments[self._chosen])
        self._through(*arguments)

    def __reduce__(self) -> str:
        """Be pickled by name, as functions are."""
        return self.__qualname__

    def ask(self, number: int = 0) -> None:
        """Have the kernel ready for that number, for all types of arguments that ever come."""
        if not 0 <= number < PLACES:
            raise SizeError(
                f"{self.__qualname__} was asked for number {number}, expected 0 to {PLACES - 1}."
            )
        if number not in self._asked:
            self._asked.add(number)
            for kinds in self._tables:
                self._fill(kinds, number)

    def table(self, kinds: Types) -> str:
        """Return the symbol of the table of addresses for these types of arguments."""
        if kinds not in self._tables:
            words = f"{self.__module__}.{self.__qualname__}".replace("<locals>", "")
            symbol = f"{words}.{hashlib.sha256(repr(kinds).encode()).hexdigest()[:16]}"
            addresses = np.zeros(PLACES, np.int64)
            llvm.add_symbol(symbol, addresses.ctypes.data)
            self._tables[kinds], self._symbols[kinds] = addresses, symbol
            _KERNELS[symbol] = self, kinds
            for number in self._asked:
                self._fill(kinds, number)
        return self._symbols[kinds]

    def _fill(self, kinds: Types, number: int) -> None:
        exact = list(kinds)
        if self._chosen is not None:
            exact[self._chosen] = types.literal(number)
        self.compiled.compile(tuple(exact))
        found = self.compiled.overloads[tuple(exact)]
        address = found.library.get_pointer_to_function(found.fndesc.llvm_func_name)
        self._tables[kinds][number] = address

    def write_call(self, context: Any, builder: Any, kinds: Types, values: Any) -> None:
        """Write code that calls the kernel."""
        convention, zero = context.call_conv, ir.Constant(_INT64, 0)
        number = zero if self._chosen is None else values[self._chosen]
        with cgutils.if_unlikely(
            builder, builder.icmp_unsigned(">=", number, ir.Constant(_INT64, PLACES))
        ):
            self._write_refusal(context, builder)
        table = _external(builder.module, self.table(kinds))
        address = builder.load(builder.gep(table, [zero, number]))
        with cgutils.if_unlikely(builder, builder.icmp_unsigned("==", address, zero)):
            self._write_refusal(context, builder)
        kind = convention.get_function_type(types.none, kinds)
        function = builder.inttoptr(address, kind.as_pointer())
        status, _ = convention.call_function(builder, function, types.none, kinds, values)
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)

    def _write_refusal(self, context: Any, builder: Any) -> None:
        message = _NOT_ASKED_FOR.format(self.__qualname__)
        context.call_conv.return_user_exc(builder, RuntimeError, (message,))


#: By their symbols, the kernels whose tables there are, and the types of their arguments.
_KERNELS: dict[str, tuple[Apart, Types]] = {}


def needed_by(compiled: Any) -> list[tuple[Apart, Types]]:
    """Return the kernels whose tables must be there before this machine code is loaded."""
    names = [variable.name for variable in compiled.library._final_module.global_variables]
    return [_KERNELS[name] for name in names if name in _KERNELS]


def _external(module: Any, symbol: str) -> Any:
    if symbol in module.globals:
        return module.globals[symbol]
    table = ir.GlobalVariable(module, ir.ArrayType(_INT64, PLACES), symbol)
    table.linkage = "external"
    return table


def _define(kernel: Apart) -> None:
    """Let Numba know what a call of the kernel means."""

    class Typed(AbstractTemplate):  # type: ignore[misc, unused-ignore]
        key = kernel

        def generic(self, arguments: Any, _keywords: Any) -> Any:
            exact = tuple(map(types.unliteral, arguments))
            kernel.table(exact)
            return signature(types.none, *exact)

    infer_global(kernel, types.Function(Typed))

    @lower_builtin(kernel, types.VarArg(types.Any))
    def call(context: Any, builder: Any, typed: Any, values: Any) -> Any:
        kernel.write_call(context, builder, tuple(typed.args), values)
        return context.get_dummy_value()


@register_pass(mutates_CFG=False, analysis_only=False)
class _LiteralsAreConstants(FunctionPass):  # type: ignore[misc]
    """Put the value of an argument of literal type in its place.

    Numba then leaves out the branches that it rules out, before it looks at what stands in them.
    """

    _name = "literals_are_constants"

    def __init__(self) -> None:
        FunctionPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        changed = False
        for block in state.func_ir.blocks.values():
            for step in block.body:
                if isinstance(step, Assign) and isinstance(step.value, Arg):
                    kind = state.args[step.value.index]
                    if isinstance(kind, types.IntegerLiteral):
                        step.value = Const(kind.literal_value, step.loc)
                        state.func_ir._definitions[step.target.name] = [step.value]
                        changed = True
        return changed


class Chosen(CompilerBase):  # type: ignore[misc]
    """Numba's compiler, which compiles for one number what is chosen by an argument."""

    def define_pipelines(self) -> list[Any]:
        """Return the passes, the one above among them."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(_LiteralsAreConstants, IRProcessing)
        passes.finalize()
        return [passes]
