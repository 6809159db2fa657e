"""Layers that are objects: with weights that are differentiated, and left as they were found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinyvae.gradcheck.problem import Array

DEEPEST = 4


def is_layer(thing: Any) -> bool:
    """Return whether a thing has a forward and a backward method."""
    return callable(getattr(thing, "forward", None)) and callable(getattr(thing, "backward", None))


def weights_of(layer: Any) -> dict[str, Array]:
    """Return the attributes W that are float64 arrays with a gradient beside them (dW, W_grad)."""
    return {
        name: value
        for name, value in vars(layer).items()
        if isinstance(value, np.ndarray) and value.dtype == np.float64
        and _gradient_name(layer, name) is not None
    }  # fmt: skip


def as_functions(layer: Any) -> tuple[Callable[..., Any], Callable[..., Any], dict[str, Array]]:
    """Return forward and backward of a layer as functions of its weights and its inputs.

    ``forward(weights, *inputs)`` and ``backward(dy, weights, *inputs)``, which returns the
    gradients of the weights, read off the layer, and whatever the layer's backward returns.
    """
    weights = weights_of(layer)

    def forward(weights: Mapping[str, Array], *inputs: Any) -> Any:
        for name, value in weights.items():
            setattr(layer, name, value)
        return layer.forward(*inputs)

    def backward(dy: Any, weights: Mapping[str, Array], *inputs: Any) -> Any:
        for name in weights:
            beside = getattr(layer, _gradient_name(layer, name) or "", None)
            if isinstance(beside, np.ndarray):  # what other calls have added up
                setattr(layer, _gradient_name(layer, name) or "", np.zeros_like(beside))
        forward(weights, *inputs)
        returned = layer.backward(dy)
        parts = returned if isinstance(returned, tuple) else (returned,)
        found = {name: getattr(layer, _gradient_name(layer, name) or "") for name in weights}
        return (found, *parts)

    forward.__name__ = type(layer).__name__
    return forward, backward, {name: value.copy() for name, value in weights.items()}


@contextmanager
def put_back(*things: Any) -> Iterator[None]:
    """Leave objects, or those that methods are bound to, with the attributes they came with."""
    owners = [getattr(thing, "__self__", thing) for thing in things]
    kept: dict[int, tuple[Any, dict[str, Any], dict[str, Array]]] = {}
    for owner in owners:
        _keep(owner, kept, 0)
    try:
        yield
    finally:
        for owner, attributes, arrays in kept.values():
            vars(owner).clear()
            vars(owner).update(attributes)
            for name, array in arrays.items():
                if attributes[name].flags.writeable:
                    attributes[name][...] = array


def _keep(owner: Any, kept: dict[int, Any], depth: int) -> None:
    if isinstance(owner, (list, tuple)) and depth <= DEEPEST:
        for part in owner:
            _keep(part, kept, depth + 1)
    if id(owner) in kept or depth > DEEPEST or isinstance(owner, type) or callable(owner):
        return
    attributes = getattr(owner, "__dict__", None)
    if not isinstance(attributes, dict) or type(owner).__module__ == "builtins":
        return
    arrays = {n: v.copy() for n, v in attributes.items() if isinstance(v, np.ndarray)}
    kept[id(owner)] = (owner, dict(attributes), arrays)
    for value in attributes.values():
        _keep(value, kept, depth + 1)


def _gradient_name(layer: Any, name: str) -> str | None:
    for beside in (f"d{name}", f"grad_{name}", f"{name}_grad", f"d_{name}", f"{name}grad"):
        if hasattr(layer, beside):
            return beside
    return None
