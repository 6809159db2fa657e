"""PyTorch's tensors and modules, converted to NumPy and back at the edge of a check."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinyvae.errors import UsageError, check_option

LIBRARIES = ("auto", "none", "torch", "jax")


def converted(
    function: Any, gradient: Any, inputs: Sequence[Any], convert: str
) -> tuple[Any, Any, tuple[Any, ...]]:
    """Return function, gradient and inputs in terms of NumPy arrays.

    ``convert`` names the library whose arrays the functions take; ``"auto"`` finds out.  A
    gradient of None asks for torch's own, by ``backward()``.
    """
    check_option("convert", convert, LIBRARIES)
    library = _library(function, inputs) if convert == "auto" else convert
    if library == "jax":
        return _from_jax(function), _from_jax(gradient), tuple(map(_to_numpy, inputs))
    if library != "torch":
        return function, gradient, tuple(inputs)
    import torch

    arrays = tuple(map(_to_numpy, inputs))
    if isinstance(function, torch.nn.Module):
        return _module(function, gradient, arrays)
    wrapped = _with_tensors(function)
    if gradient is None:
        return wrapped, _autograd(function), arrays
    return wrapped, _with_tensors(gradient) if callable(gradient) else _to_numpy(gradient), arrays


def _library(function: Any, inputs: Sequence[Any]) -> str:
    torch = sys.modules.get("torch")  # whoever hands in a tensor has imported it
    if torch is not None:
        seen = [function, *(v for i in inputs for v in (i.values() if _is_map(i) else [i]))]
        if any(isinstance(v, (torch.Tensor, torch.nn.Module)) for v in seen):
            return "torch"
    jax = sys.modules.get("jax")
    if jax is not None and any(isinstance(i, jax.Array) for i in inputs):
        return "jax"
    return "none"


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping)


def _to_numpy(value: Any) -> Any:
    """Return tensors as arrays, inside tuples, lists and dictionaries, too."""
    if _is_map(value):
        return {k: _to_numpy(v) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(map(_to_numpy, value))
    if hasattr(value, "detach"):
        return value.detach().cpu().resolve_conj().resolve_neg().numpy()
    return np.asarray(value) if type(value).__module__.startswith("jax") else value


def _to_tensors(value: Any) -> Any:
    import torch

    if _is_map(value):
        return {k: _to_tensors(v) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(map(_to_tensors, value))
    if isinstance(value, np.ndarray | np.generic):
        return torch.from_numpy(np.array(value))
    return value


def _with_tensors(function: Callable[..., Any]) -> Callable[..., Any]:
    import functools

    @functools.wraps(function)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        return _to_numpy(function(*map(_to_tensors, arguments), **_to_tensors(options)))

    return wrapped


def _from_jax(function: Any) -> Any:
    if not callable(function):
        return _to_numpy(function)
    import functools

    @functools.wraps(function)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        return _to_numpy(function(*arguments, **options))

    return wrapped


def _autograd(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the gradient that torch computes itself: of a number, or with an upstream dy."""

    def backward(dy: Any, *inputs: Any) -> Any:
        tensors = [_to_tensors(i) for i in inputs]
        leaves = [t for t in tensors if hasattr(t, "requires_grad_") and t.is_floating_point()]
        for t in leaves:
            t.requires_grad_()
        y = function(*tensors)
        y.backward(_to_tensors(np.broadcast_to(dy, tuple(y.shape)).copy()))
        return tuple(_to_numpy(t.grad) for t in leaves)

    return backward


def _module(module: Any, gradient: Any, inputs: tuple[Any, ...]) -> tuple[Any, Any, Any]:
    """Return a module as a function of its parameters and inputs, and torch's own gradient."""
    import torch

    if gradient is not None:
        raise UsageError(
            "A torch module brings its own backward: give None as the gradient, "
            "check_gradients(module, None, x)."
        )
    parameters = {n: _to_numpy(p).copy() for n, p in module.named_parameters()}

    def forward(parameters: Mapping[str, Any], *inputs: Any) -> Any:
        given = (_to_tensors(dict(parameters)), tuple(map(_to_tensors, inputs)))
        return _to_numpy(torch.func.functional_call(module, *given))

    def backward(dy: Any, parameters: Mapping[str, Any], *inputs: Any) -> Any:
        weights = {n: _to_tensors(v).requires_grad_() for n, v in parameters.items()}
        tensors = [_to_tensors(i) for i in inputs]
        for t in tensors:
            if t.is_floating_point():
                t.requires_grad_()
        y = torch.func.functional_call(module, weights, tuple(tensors))
        y.backward(_to_tensors(np.broadcast_to(dy, tuple(y.shape)).copy()))
        grads = {n: _to_numpy(w.grad) for n, w in weights.items()}
        return (grads, *(_to_numpy(t.grad) if t.requires_grad else None for t in tensors))

    forward.__name__ = type(module).__name__
    return forward, backward, (parameters, *inputs)
