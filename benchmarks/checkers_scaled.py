"""The museum again, function and gradient multiplied by a small constant.

Losses that are means have small gradients; a checker whose tolerance is absolute passes anything
that is smaller.  Only the scale is changed here, and no known part of a loss is told to any tool.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks import checkers_wrap

SCALES = (1.0, 1e-3, 1e-5, 1e-7)


def scaled(make: Callable[[], Any], scale: float) -> Any:
    """Return an exhibit with its function and its gradient multiplied by a constant."""
    exhibit = make()
    function, gradient = exhibit.function, exhibit.gradient
    first = function(*[np.array(a) for a in exhibit.inputs])
    is_layer = np.ndim(first[0] if isinstance(first, tuple) else first) > 0

    def smaller(*inputs: Any) -> Any:
        return _times(scale, function(*inputs), only_first=True)

    def smaller_gradient(*arguments: Any) -> Any:
        if is_layer:  # linear in dy, which comes first
            return gradient(scale * arguments[0], *arguments[1:])
        return _times(scale, gradient(*arguments))

    for new, old in ((smaller, function), (smaller_gradient, gradient)):
        try:
            new.__signature__ = inspect.signature(old)  # type: ignore[attr-defined]
        except (TypeError, ValueError):
            continue
    return replace(exhibit, function=smaller, gradient=smaller_gradient, options={}, expected="")


def _times(scale: float, value: Any, only_first: bool = False) -> Any:
    if not isinstance(value, tuple):
        return None if value is None else scale * value
    rest = value[1:] if only_first else [_times(scale, v) for v in value[1:]]
    return (_times(scale, value[0]), *rest)


def found(tools: list[str]) -> dict[str, dict[str, int]]:
    """Return how many of the museum's gradients each tool finds wrong, for every scale."""
    makers = [
        make for make in checkers_wrap.exhibits()
        if callable(make().gradient) and not make().options.get("terms")
    ]  # fmt: skip
    table: dict[str, dict[str, int]] = {"exhibits": {}}
    for scale in SCALES:
        table["exhibits"][f"{scale:g}"] = len(makers)
        for tool in tools:
            answers = [
                checkers_wrap.ask(tool, lambda make=make, s=scale: scaled(make, s))
                for make in makers
            ]
            count = sum(a["status"] in checkers_wrap.FOUND for a in answers)
            table.setdefault(tool, {})[f"{scale:g}"] = count
        print(f"asked about gradients {scale:g} times as large", flush=True)
    return table
