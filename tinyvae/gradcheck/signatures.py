"""From the functions a reader writes to problems: which arguments, which outputs, which gradient.

A function that returns a number has a gradient; one that returns arrays has a backward, which is
asked for the gradient of ``sum(dy * y)`` with a random ``dy``.  Where a call may be read in more
ways than one, each becomes a problem, the likeliest first.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tinyvae.errors import NonFiniteDataError, ShapeError, UsageError
from tinyvae.gradcheck.inputs import POSITIONAL, Inputs
from tinyvae.gradcheck.problem import Array, Problem, require_double

UPSTREAM = re.compile(r"(?i)^(d_?[a-z]|grad|g_|upstream|cotangent|delta|vjp|output_grad)")
CACHE = re.compile(r"(?i)cache|ctx|context|saved|memo|tape|state|aux|residuals")


@dataclass(frozen=True)
class Reading:
    """One way to read what a function returns and what its gradient function is given.

    Attributes
    ----------
    outputs : int
        How many of the values returned are outputs; the others are a cache, or of no account.
    arguments : str
        What the gradient function is called with: ``"cache"``, ``"inputs"``, ``"nothing"``, each
        behind dy where ``upstream`` is ``"first"``, before it where it is ``"last"``.
    said : str
        What the report says of it, or "".
    doubtful : bool
        Whether the values beside the first may as well be outputs; then the gradient must depend
        on the cache or the inputs that it is given in the place of their cotangents.
    """

    outputs: int
    arguments: str
    upstream: str
    said: str = ""
    doubtful: bool = False


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
    call = _caller(function, len(inputs))
    returned = call(given.rebuild(before))
    written = [n for n, a in before.items() if not np.array_equal(a, given.arrays[n])]
    title = title or str(getattr(function, "__name__", "function"))
    return [
        _problem(call, gradient, given, returned, reading, written, seed, title)
        for reading in _readings(gradient, given, returned)
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

    def gradients(share: bool = True) -> dict[str, Array | None]:
        handed[:] = [dy.copy() for dy in upstream]
        dys: list[Any] = [1.0] if is_number and outputs[0].ndim == 0 else list(handed)
        call = _Call(function, gradient, given, reading)
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
        self, function: Callable[[list[Any]], Any], claim: Any, inputs: Inputs, reading: Reading
    ) -> None:
        self.function, self.claim = function, claim
        self.inputs, self.reading = inputs, reading

    def gradient(
        self, dys: list[Any], share: bool, layer: tuple[int, ...] | None, spoil: bool = False
    ) -> Any:
        """Return what the reader's gradient function says right after the function was called.

        Both share the same arrays, as in training: if the function writes into them, it shows.
        """
        if self.claim is not True and not callable(self.claim):
            _refuse_layer(layer, "an array of numbers was given as its gradient")
            return self.claim
        arguments = self.inputs.rebuild(self.inputs.copies())
        returned = self.function(arguments)
        if not share:
            arguments = self.inputs.rebuild(self.inputs.copies())
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
        given, keywords = _arguments(self.reading, arguments, names, beside, dys, self.claim)
        return self.claim(*given, **keywords)


def _readings(gradient: Any, given: Inputs, returned: Any) -> list[Reading]:
    """Return every reading that the gradient function's signature has room for."""
    beside = returned[1:] if isinstance(returned, tuple) else ()
    number = np.ndim(returned[0] if isinstance(returned, tuple) else returned) == 0
    if gradient is True or not callable(gradient):
        return [Reading(1, "nothing", "none")]
    found = []
    for reading in _candidates(given.names, gradient, beside, number):
        if _binds(gradient, reading, given, beside):
            found.append(reading)
    if not found:
        raise UsageError(
            f"The gradient function takes {_signature(gradient)}. Expected gradient(*inputs) for a "
            "function that returns a number; backward(dy, *inputs), or backward(dy, cache) with a "
            "forward that returns (y, cache), for one that returns an array; dy may come last."
        )
    return found


def _candidates(
    names: Sequence[str], gradient: Any, beside: Sequence[Any], number: bool
) -> Iterator[Reading]:
    """Yield all readings, the likeliest first, as far as names and values tell."""
    theirs = _names_of(gradient)
    many = 1 + len(beside)
    arrays = all(_is_output(v) for v in beside)
    cotangents = sum(1 for n in theirs[:many] if UPSTREAM.match(n) and n not in names)
    named_cache = any(CACHE.search(n) for n in theirs)
    last = len(theirs) > 1 and bool(UPSTREAM.match(theirs[-1])) and not UPSTREAM.match(theirs[0])
    same_names = bool(theirs) and theirs[-len(names) :] == list(names)
    if beside and arrays and not named_cache and (not number or cotangents == many):
        said = f"All {many} values that the function returns were read as outputs."
        for arguments in ("inputs", "nothing"):
            yield Reading(many, arguments, "first", said)
        if cotangents == many:
            return  # named as gradients of each output: there is no other reading
    aside = "The values beside the first were read as a cache" if beside else ""
    ignored = "The values beside the first were read as no outputs and left alone."
    doubtful = bool(beside) and arrays and not named_cache and not number and not same_names
    as_inputs = [
        Reading(1, "inputs", place, ignored if beside else "", doubtful)
        for place in _places(number, last)
    ]
    as_cache = [
        Reading(1, form, place, f"{aside}.", doubtful)
        for form in ("cache", "tuple") for place in _places(number, last)
    ]  # fmt: skip
    order = [*as_inputs, *as_cache] if same_names or not beside else [*as_cache, *as_inputs]
    yield from order if beside else as_inputs
    for place in ["none"] if number and not cotangents else _places(number, last):
        yield Reading(1, "nothing", place, ignored if beside else "")


def _places(number: bool, last: bool) -> list[str]:
    places = ["none", "first"] if number else ["first"]
    return ["last", *places] if last else [*places, *([] if number else ["none"])]


def _arguments(
    reading: Reading,
    inputs: list[Any],
    names: Sequence[str],
    cache: Sequence[Any],
    dys: list[Any],
    gradient: Callable[..., Any],
) -> tuple[list[Any], dict[str, Any]]:
    """Return what the gradient function is called with, by position and by name."""
    keywords: dict[str, Any] = {}
    middle: list[Any] = {
        "inputs": list(inputs), "nothing": [], "cache": list(cache), "tuple": [tuple(cache)],
    }[reading.arguments]  # fmt: skip
    if reading.arguments == "inputs":
        by_name = _keyword_names(gradient, names)
        keywords = {n: v for n, v in zip(names, inputs, strict=False) if n in by_name}
        middle = [v for n, v in zip(names, inputs, strict=False) if n not in by_name]
    before = dys if reading.upstream == "first" else []
    after = dys if reading.upstream == "last" else []
    return [*before, *middle, *after], keywords


def _keyword_names(gradient: Callable[..., Any], names: Sequence[str]) -> set[str]:
    """Return which inputs a gradient function takes by name only."""
    try:
        parameters = list(inspect.signature(gradient).parameters.values())
    except (TypeError, ValueError):
        return set()
    positional = [p.name for p in parameters if p.kind in POSITIONAL]
    kinds = {p.kind for p in parameters}
    anything = inspect.Parameter.VAR_KEYWORD in kinds
    if anything and len(positional) <= 1 and inspect.Parameter.VAR_POSITIONAL not in kinds:
        return set(names) - set(positional)
    return {p.name for p in parameters if p.kind == p.KEYWORD_ONLY} & set(names)


def _binds(gradient: Any, reading: Reading, given: Inputs, beside: Sequence[Any]) -> bool:
    if reading.arguments in ("cache", "tuple") and len(beside) < (
        1 if reading.arguments == "cache" else 2
    ):
        return False
    try:
        signature = inspect.signature(gradient)
    except (TypeError, ValueError):
        return True
    cache, names = list(beside), given.names
    dys = [None] * reading.outputs
    args, keywords = _arguments(reading, given.arguments, names, cache, dys, gradient)
    try:
        signature.bind(*args, **keywords)
    except TypeError:
        return False
    return True


def _caller(function: Callable[..., Any], count: int) -> Callable[[list[Any]], Any]:
    """Return what calls a function with a list of arguments, by name where it takes them so."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return lambda arguments: function(*arguments)
    kinds = {p.kind for p in parameters}
    first = sum(p.kind in POSITIONAL for p in parameters)
    if inspect.Parameter.VAR_POSITIONAL in kinds or count <= first:
        return lambda arguments: function(*arguments)
    names = [p.name for p in parameters if p.kind == p.KEYWORD_ONLY]
    if not first and not names and count == 1 and inspect.Parameter.VAR_KEYWORD in kinds:
        return lambda arguments: function(**arguments[0])
    if len(names) < count - first:
        raise UsageError(
            f"The function takes {_signature(function)}, and {count} inputs were given."
        )
    return lambda arguments: function(
        *arguments[:first], **dict(zip(names, arguments[first:], strict=False))
    )


def _parts(
    function: Callable[[list[Any]], Any], given: Inputs, returned: Any
) -> dict[str, Callable[[Mapping[str, Array]], Any]]:
    """Return the numbers beside the value, by name where they come in a dictionary."""

    def part(position: int, key: Any, arrays: Mapping[str, Array]) -> Any:
        value = function(given.rebuild(arrays))[position]
        return value if key is None else value[key]

    found = {}
    for i, value in enumerate(returned[1:] if isinstance(returned, tuple) else (), start=1):
        items = value.items() if isinstance(value, Mapping) else [(None, value)]
        for key, number in items:
            if isinstance(number, float | np.floating) and np.isfinite(number):
                name = f"value {i}" if key is None else str(key)
                found[name] = partial(part, i, key)
    return found


def _names_of(gradient: Any) -> list[str]:
    try:
        parameters = inspect.signature(gradient).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.kind in POSITIONAL]


def _signature(function: Any) -> str:
    try:
        return str(inspect.signature(function))
    except (TypeError, ValueError):
        return "(...)"


def _first(returned: Any, count: int) -> list[Any]:
    values = list(returned) if isinstance(returned, tuple) else [returned]
    return values[:count]


def _is_output(value: Any) -> bool:
    try:
        array = np.asarray(value)
    except ValueError:
        return False
    return array.dtype == np.float64 and bool(np.isfinite(array).all())


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
