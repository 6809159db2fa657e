"""How a reader's gradient function may be called: with dy, inputs or a cache, in which order."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinyvae.errors import UsageError
from tinyvae.gradcheck.inputs import POSITIONAL, Inputs

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


def readings(gradient: Any, given: Inputs, returned: Any) -> list[Reading]:
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
    unnamed = cotangents == 0  # names such as (dh, h) tell the gradient from what backward needs
    doubtful = unnamed and bool(beside) and arrays and not (named_cache or number or same_names)
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


def gradient_arguments(
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
    args, keywords = gradient_arguments(reading, given.arguments, names, cache, dys, gradient)
    try:
        signature.bind(*args, **keywords)
    except TypeError:
        return False
    return True


def caller(function: Callable[..., Any], count: int) -> Callable[[list[Any]], Any]:
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


def _is_output(value: Any) -> bool:
    try:
        array = np.asarray(value)
    except ValueError:
        return False
    return array.dtype == np.float64 and bool(np.isfinite(array).all())
