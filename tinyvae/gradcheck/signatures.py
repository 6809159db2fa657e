"""From the functions a reader writes to problems: which arguments, which outputs, which gradient.

A function that returns a number has a gradient; one that returns arrays has a backward, which is
asked for the gradient of ``sum(dy * y)`` with a random ``dy``.  Where a call may be read in more
than one manner, each becomes a problem, the likeliest first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from tinyvae.errors import NonFiniteDataError, ShapeError, UsageError
from tinyvae.gradcheck.inputs import Inputs
from tinyvae.gradcheck.problem import Array, Problem, require_double
from tinyvae.gradcheck.readings import Reading, caller, gradient_arguments, readings


def make_problems(
    function: Callable[..., Any],
    gradient: Any,
    inputs: Sequence[Any],
    seed: int,
    title: str | None = None,
) -> list[Problem]:
    """Return the problems that a function, its claimed gradient and the inputs may mean.

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
    before = given.copies()
    call = caller(function, len(inputs))
    returned = call(given.rebuild(before))
    written = [n for n, a in before.items() if not np.array_equal(a, given.arrays[n])]
    title = title or str(getattr(function, "__name__", "function"))
    return [
        _problem(call, gradient, given, returned, reading, written, seed, title)
        for reading in readings(gradient, given, returned)
    ]


def make_problem(
    function: Callable[..., Any], gradient: Any, inputs: Sequence[Any], seed: int
) -> Problem:
    """Return the likeliest problem."""
    return make_problems(function, gradient, inputs, seed)[0]


def _problem(
    function: Callable[[list[Any]], Any],
    gradient: Any,
    given: Inputs,
    returned: Any,
    reading: Reading,
    written: list[str],
    seed: int,
    title: str,
) -> Problem:
    rng = np.random.default_rng([seed, 1])
    outputs = [_checked(y) for y in _first(returned, reading.outputs)]
    single = reading.outputs == 1 and outputs[0].size == 1
    is_number = single and (outputs[0].ndim == 0 or reading.upstream == "none")
    upstream = [rng.standard_normal(y.shape) for y in outputs]
    context: dict[str, Array] = dict(given.fixed)
    if is_number:
        scale = abs(float(outputs[0].reshape(())))
        upstream = [np.ones(outputs[0].shape)]
    else:
        scale = float(sum(np.sum(np.abs(dy * y)) for dy, y in zip(upstream, outputs, strict=True)))
        for i, (dy, y) in enumerate(zip(upstream, outputs, strict=True)):
            mark = str(i + 1) if i else ""
            context |= {f"dy{mark}": dy, f"y{mark}": y.astype(np.float64)}
    handed: list[Array] = []  # the cotangents that the last call of the gradient was given

    def value(arrays: Mapping[str, Array]) -> Any:
        found = _first(function(given.rebuild(arrays)), reading.outputs)
        if is_number:
            return np.asarray(found[0]).reshape(())[()]
        return sum(np.sum(dy * np.asarray(y)) for dy, y in zip(upstream, found, strict=True))

    def gradients(
        arrays: Mapping[str, Array] | None = None, share: bool = True
    ) -> dict[str, Array | None]:
        handed[:] = [dy.copy() for dy in upstream]
        dys: list[Any] = [1.0] if is_number and outputs[0].ndim == 0 else list(handed)
        call = _Call(function, gradient, given, reading, arrays)
        return given.claimed(call.gradient(dys, share, None if is_number else outputs[0].shape))

    def uses_what_it_gets() -> bool:
        """Return whether the gradient depends on what is handed to it beside dy."""
        call = _Call(function, gradient, given, reading)
        dys: list[Any] = list(upstream) if outputs[0].ndim else [1.0]
        found = [given.claimed(call.gradient(dys, True, None, spoil)) for spoil in (False, True)]
        return any(not _same(a, b) for a, b in zip(*(f.values() for f in found), strict=True))

    def spoiled() -> bool:
        return any(not np.array_equal(a, b) for a, b in zip(handed, upstream, strict=True))

    notes = (f"{title} writes into its argument {', '.join(written)}; it was given copies.",)
    return Problem(
        title,
        given.arrays,
        value,
        gradients,
        scale,
        context=context,
        fragile=bool(written),
        untouched=lambda: gradients(share=False),
        spoiled=None if is_number else spoiled,
        plausible=uses_what_it_gets if reading.doubtful else None,
        parts=_parts(function, given, returned) if is_number else {},
        notes=(notes if written else ()) + ((reading.said,) if reading.said else ()),
    )


class _Call:
    """The reader's two functions, called the way one reading wants."""

    def __init__(
        self,
        function: Callable[[list[Any]], Any],
        claim: Any,
        inputs: Inputs,
        reading: Reading,
        arrays: Mapping[str, Array] | None = None,
    ) -> None:
        self.function, self.claim = function, claim
        self.inputs, self.reading = inputs, reading
        self.arrays = inputs.arrays if arrays is None else arrays

    def gradient(
        self, dys: list[Any], share: bool, layer: tuple[int, ...] | None, spoil: bool = False
    ) -> Any:
        """Return what the reader's gradient function says right after the function was called.

        Both share the same arrays, as in training: if the function writes into them, it shows.
        """
        if self.claim is not True and not callable(self.claim):
            _refuse_layer(layer, "an array of numbers was given as its gradient")
            return self.claim
        arguments = self._arguments()
        returned = self.function(arguments)
        if not share:
            arguments = self._arguments()
        beside = returned[self.reading.outputs :] if isinstance(returned, tuple) else ()
        if self.claim is True:
            _refuse_layer(layer, "gradient=True promises (number, gradient)")
            if len(beside) != 1:
                raise UsageError("gradient=True needs a function that returns (number, gradient).")
            return beside[0]
        if spoil and self.reading.arguments == "inputs":
            moved = {n: a + 1.0 for n, a in self.inputs.arrays.items()}
            arguments = self.inputs.rebuild(moved)
        elif spoil:
            beside = tuple(np.asarray(v) + 1.0 for v in beside)
        names = self.inputs.names
        given, keywords = gradient_arguments(
            self.reading, arguments, names, beside, dys, self.claim
        )
        return self.claim(*given, **keywords)

    def _arguments(self) -> list[Any]:
        return self.inputs.rebuild({name: array.copy() for name, array in self.arrays.items()})


def _parts(
    function: Callable[[list[Any]], Any], given: Inputs, returned: Any
) -> dict[str, Callable[[Mapping[str, Array]], Any]]:
    """Return the numbers beside the value, by name where they come in a dictionary."""

    def part(position: int, key: Any, arrays: Mapping[str, Array]) -> Any:
        value = function(given.rebuild(arrays))[position]
        return value if key is None else value[key]

    found: dict[str, Callable[[Mapping[str, Array]], Any]] = {}
    for i, value in enumerate(returned[1:] if isinstance(returned, tuple) else (), start=1):
        items = value.items() if isinstance(value, Mapping) else [(None, value)]
        for key, number in items:
            if isinstance(number, float | np.floating) and np.isfinite(number):
                name = f"value {i}" if key is None else str(key)
                found[name] = partial(part, i, key)
    return found


def _first(returned: Any, count: int) -> list[Any]:
    values = list(returned) if isinstance(returned, tuple) else [returned]
    return values[:count]


def _same(a: Array | None, b: Array | None) -> bool:
    return a is b if a is None or b is None else np.array_equal(a, b)


def _refuse_layer(shape: tuple[int, ...] | None, reason: str) -> None:
    if shape is not None:
        raise ShapeError(
            f"The function returns an array of shape {shape}, but {reason}. Only a number "
            "has a gradient: sum the output, or give a function backward(dy, ...)."
        )


def _checked(output: Any) -> Array:
    try:
        array = np.asarray(output)
    except ValueError as error:
        raise ShapeError(f"The function's output is no array: {error}.") from error
    if array.dtype.kind not in "fiub":
        raise ShapeError(
            f"The function returned {array.dtype}; expected a number or an array, or a tuple "
            "that begins with it."
        )
    require_double("The output", array, "drop dtype=np.float32 and float32 buffers inside it")
    if not np.isfinite(array).all():
        raise NonFiniteDataError("The function is NaN or infinite here: check where it is finite.")
    return array
