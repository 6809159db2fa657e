"""From the functions a reader writes to a ``Problem``: which arguments, in which order.

A function that returns a number has a gradient; one that returns an array has a backward, which
is asked for the gradient of ``sum(dy * y)`` with a random ``dy``.  This file calls the reader's
functions; it differentiates nothing.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinyvae.errors import NonFiniteDataError, ShapeError, UsageError
from tinyvae.gradcheck.inputs import Inputs
from tinyvae.gradcheck.problem import Array, Problem, require_double


def make_problem(
    function: Callable[..., Any],
    gradient: Any,
    inputs: Sequence[Any],
    rng: np.random.Generator,
    title: str | None = None,
) -> Problem:
    """Return the problem of a function, its claimed gradient and the inputs to check at.

    Raises
    ------
    DTypeError
        If an input or the output is not float64.
    NonFiniteDataError
        If the inputs or the output are not finite.
    ShapeError, UsageError
        If function and gradient do not fit together.
    """
    if not callable(function):
        raise UsageError(f"function={function!r} must be a function of the inputs.")
    given = Inputs(function, inputs)
    call = _Call(function, gradient, given)
    before = given.copies()
    output = np.asarray(call.output(before))
    overwritten = [n for n, a in before.items() if not np.array_equal(a, given.arrays[n])]
    _check_output(output)
    title = title or str(getattr(function, "__name__", "function"))
    context: dict[str, Array] = dict(given.fixed)
    notes: tuple[str, ...] = ()
    if overwritten:
        notes = (
            f"{title} writes into its argument {', '.join(overwritten)}; it was given copies.",
        )
    if output.ndim == 0:
        dy, scale = None, abs(float(output))
    else:
        dy = rng.standard_normal(output.shape)
        scale = float(np.sum(np.abs(dy * output)))
        context |= {"dy": dy, "y": output.astype(np.float64)}

    def value(arrays: Mapping[str, Array]) -> Any:
        y = call.output(arrays)
        return y if dy is None else np.sum(dy * y)

    def gradients() -> dict[str, Array | None]:
        return given.claimed(call.gradient(given.copies(), dy))

    def untouched() -> dict[str, Array | None]:
        return given.claimed(call.gradient(given.copies(), dy, share=False))

    return Problem(
        title,
        given.arrays,
        value,
        gradients,
        scale,
        context=context,
        fragile=bool(overwritten),
        untouched=untouched,
        notes=notes,
    )


class _Call:
    """The reader's two functions, called the way they want to be."""

    def __init__(self, function: Callable[..., Any], gradient: Any, inputs: Inputs) -> None:
        self.function = function
        self.claim = gradient
        self.inputs = inputs

    def output(self, arrays: Mapping[str, Array]) -> Any:
        """Return the function's value alone, without the cache or gradient beside it."""
        returned = self.function(*self.inputs.rebuild(arrays))
        return returned[0] if isinstance(returned, tuple) else returned

    def gradient(self, arrays: Mapping[str, Array], dy: Array | None, share: bool = True) -> Any:
        """Return what the reader's gradient function says right after the function was called.

        Both share the same arrays, as in training: if the function writes into them, it shows.
        """
        if self.claim is not True and not callable(self.claim):
            self._refuse_layer(dy, "an array of numbers was given as its gradient")
            return self.claim
        arguments = self.inputs.rebuild(arrays)
        returned = self.function(*arguments)
        if not share:
            arguments = self.inputs.rebuild(self.inputs.copies())
        beside = returned[1:] if isinstance(returned, tuple) else ()
        if self.claim is True:
            self._refuse_layer(dy, "gradient=True promises (number, gradient)")
            if len(beside) != 1:
                raise UsageError("gradient=True needs a function that returns (number, gradient).")
            return beside[0]
        return self.claim(*_fitting(self.claim, arguments, beside, dy))

    @staticmethod
    def _refuse_layer(dy: Array | None, reason: str) -> None:
        if dy is not None:
            raise ShapeError(
                f"The function returns an array of shape {dy.shape}, but {reason}. Only a number "
                "has a gradient: sum the output, or give a function backward(dy, ...)."
            )


def _fitting(
    gradient: Callable[..., Any], inputs: list[Any], cache: tuple[Any, ...], dy: Array | None
) -> list[Any]:
    """Return the arguments that the gradient function's signature has room for."""
    upstream = 1.0 if dy is None else dy.copy()
    forms: list[list[Any]] = []
    if len(cache) == 1:
        forms += [[upstream, cache[0]], [cache[0]]] if dy is None else [[upstream, cache[0]]]
    if len(cache) > 1:
        forms += [[upstream, *cache], [upstream, cache]]
    if dy is None:
        forms += [inputs, [upstream, *inputs], []]
    else:
        forms += [[upstream, *inputs], [upstream]]
    try:
        signature = inspect.signature(gradient)
    except (TypeError, ValueError):
        return forms[0]
    for form in forms:
        try:
            signature.bind(*form)
        except TypeError:
            continue
        return form
    raise UsageError(
        f"The gradient function takes {signature}. Expected gradient(*inputs) for a function that "
        "returns a number; backward(dy, *inputs), or backward(dy, cache) with a forward that "
        "returns (y, cache), for one that returns an array."
    )


def _check_output(output: Array) -> None:
    if output.dtype.kind not in "fiub":
        raise ShapeError(
            f"The function returned {output.dtype}; expected a number or an array, or a tuple "
            "that begins with it."
        )
    require_double("The output", output, "drop dtype=np.float32 and float32 buffers inside it")
    if not np.isfinite(output).all():
        raise NonFiniteDataError("The function is NaN or infinite here: check where it is finite.")
