"""Activations and their derivatives, and the pattern of one taken for another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tinyvae.gradcheck.diagnosis.case import Case
from tinyvae.gradcheck.problem import Array
from tinyvae.gradcheck.results import Finding

Function = Callable[[Array], Array]

LARGEST = 4096


def _sigmoid(a: Array) -> Array:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * a)))


def _softmax(a: Array) -> Array:
    e = np.exp(a - a.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def _gelu_slope(a: Array, inside: float = 1.0) -> Array:
    c, b = np.sqrt(2.0 / np.pi), 0.044715
    t = np.tanh(c * (a + b * a**3))
    return np.asarray(0.5 * (1 + t) + 0.5 * a * (1 - t * t) * c * (1 + inside * 3 * b * a * a))


@dataclass(frozen=True)
class Activation:
    """A function of a, its derivative in terms of a, and its inverse where it has one."""

    value: Function
    slope: Function
    inverse: Function | None = None


ACTIVATIONS = {
    "relu": Activation(lambda a: np.maximum(a, 0.0), lambda a: (a > 0) * 1.0, lambda y: y),
    "tanh": Activation(np.tanh, lambda a: 1.0 - np.tanh(a) ** 2, np.arctanh),
    "sigmoid": Activation(
        _sigmoid, lambda a: _sigmoid(a) * _sigmoid(-a), lambda y: np.log(y) - np.log1p(-y)
    ),
    "softplus": Activation(lambda a: np.logaddexp(a, 0.0), _sigmoid, lambda y: np.log(np.expm1(y))),
    "identity": Activation(lambda a: a, np.ones_like, lambda y: y),
    "exp": Activation(np.exp, np.exp, np.log),
    "swish": Activation(
        lambda a: a * _sigmoid(a), lambda a: _sigmoid(a) * (1.0 + a * _sigmoid(-a))
    ),
    "gelu": Activation(
        lambda a: 0.5 * a * (1 + np.tanh(np.sqrt(2 / np.pi) * (a + 0.044715 * a**3))), _gelu_slope
    ),
    "elu": Activation(
        lambda a: np.where(a > 0, a, np.expm1(np.minimum(a, 0))), lambda a: np.exp(np.minimum(a, 0))
    ),
    "softmax": Activation(_softmax, lambda a: _softmax(a) * (1.0 - _softmax(a))),
}

# What people put where the derivative belongs, beside the derivatives of other activations.
SLIPS: dict[str, Function] = {
    "1 - tanh(a), without the square": lambda a: 1.0 - np.tanh(a),
    "1 - a**2, tanh's derivative with the input in place of the output": lambda a: 1.0 - a * a,
    "a * (1 - a), the sigmoid's derivative with the input in place of the output": lambda a: (
        a * (1.0 - a)
    ),
    "the function itself, softplus": lambda a: np.logaddexp(a, 0.0),
    "the function itself, tanh": np.tanh,
    "the function itself, relu": lambda a: np.maximum(a, 0.0),
    "the derivative of the sigmoid taken at its output": lambda a: (
        _sigmoid(_sigmoid(a)) * _sigmoid(-_sigmoid(a))
    ),
    "the derivative of tanh taken at its output": lambda a: 1.0 - np.tanh(np.tanh(a)) ** 2,
    "a leaky slope of 0.01 below zero": lambda a: np.where(a > 0, 1.0, 0.01),
    "1 - sigmoid(a)": lambda a: _sigmoid(-a),
    "the derivative of gelu without the 3 * 0.044715 * a**2 inside": lambda a: _gelu_slope(a, 0.0),
    "2 - 2 * sigmoid(2 a), half of tanh's derivative forgotten": lambda a: 2 * _sigmoid(-2 * a),
}


def wrong_activation(case: Case) -> Finding | None:
    """Recognize the derivative of another activation.

    In a layer that is tried behind dy, behind a dense layer's products, and behind the sum that
    makes a bias; in a sum of activations the derivative is the gradient itself.
    """
    for own, a, dy in _preactivations(case):
        right = own == "softmax" or _fits(case, case.numeric, dy * ACTIVATIONS[own].slope(a))
        for text, slope in suspects(own) if right else ():
            with np.errstate(all="ignore"):
                model = dy * slope(a)
            if _fits(case, case.analytic, model):
                cause = f"The activation is {own}: {advice(own)}"
                return case.finding("activation", f"It uses {text}.", cause)
    return None


def activation_gradient(case: Case) -> Array | None:
    """Return da, the gradient at the pre-activation, if the layer ends in a known activation."""
    for own, a, dy in _preactivations(case):
        da = dy * ACTIVATIONS[own].slope(a)
        if own not in ("identity", "softmax") and _fits(case, case.numeric, da):
            return np.asarray(da)
    return None


def _preactivations(case: Case) -> Iterator[tuple[str, Array, Array]]:
    """Yield (activation, a, dy) of what may have made the output, where a can be known.

    It is known if it was given, if it is an input of the output's shape, or by inversion.  A
    function that returns a number is taken for a sum of activations of the array in question.
    """
    dy, y, own = case.pool.get("dy"), case.pool.get("y"), case.pool.get(case.name)
    if dy is None or y is None:
        if own is not None and own.shape == case.shape:
            yield from ((name, own, np.ones(case.shape)) for name in ACTIVATIONS)
        return
    known = [a for a in (case.preactivation, own) if a is not None and a.shape == y.shape]
    for name, activation in ACTIVATIONS.items():
        with np.errstate(all="ignore"):
            made_y = [a for a in known if np.allclose(activation.value(a), y, 1e-9, 1e-12)]
            inverse = activation.inverse(y) if activation.inverse else np.full(y.shape, np.nan)
        yield from ((name, a, dy) for a in made_y)
        if not made_y and np.isfinite(inverse).all():
            yield name, inverse, dy


def _fits(case: Case, target: Array, da: Array) -> bool:
    """Return whether ``target`` is da, its sum over the batch, x.T @ da or da @ weight.T."""
    forms = [da] if da.shape == case.shape else []
    if case.shape == da.shape[1:]:
        forms.append(da.sum(axis=0))
    for partner in case.pool.values():
        if da.ndim != 2 or partner.ndim != 2 or partner.size > LARGEST:
            continue
        if len(partner) == len(da) and case.shape == (partner.shape[1], da.shape[1]):
            forms.append(partner.T @ da)
        if partner.shape[1] == da.shape[1] and case.shape == (len(da), len(partner)):
            forms.append(da @ partner.T)
    return any(case.explains(target, form.reshape(-1)[case.indices]) for form in forms)


def suspects(own: str) -> list[tuple[str, Function]]:
    """Return what may have been taken for the slope of an activation, with words for it."""
    table = [
        (f"the derivative of {name}", activation.slope)
        for name, activation in ACTIVATIONS.items()
        if name not in (own, "softmax")
    ]
    if own == "softmax":
        table.append(("y * (1 - y), the diagonal of its Jacobian alone", ACTIVATIONS[own].slope))
    return table + list(SLIPS.items()) + _on_the_output_of(own)


def _on_the_output_of(own: str) -> list[tuple[str, Function]]:
    """Return the derivatives that are known by their output, written with another's."""
    if own in ("identity", "softmax"):
        return []
    y = ACTIVATIONS[own].value
    formulas: dict[str, Function] = {
        "tanh": lambda a: 1.0 - y(a) ** 2,
        "sigmoid": lambda a: y(a) * (1.0 - y(a)),
        "exp": y,
    }
    return [
        (f"the derivative of {name} written with the output of {own}", slope)
        for name, slope in formulas.items()
        if name != own
    ]


def advice(own: str) -> str:
    """Return what the derivative of an activation is, in words."""
    advice = {
        "relu": "its derivative is 1 where a > 0 and 0 elsewhere.",
        "tanh": "its derivative is 1 - y**2 with the output y.",
        "sigmoid": "its derivative is y * (1 - y) with the output y.",
        "softplus": "its derivative is sigmoid(a).",
        "identity": "it is linear, and its derivative is 1.",
        "exp": "its derivative is the output y.",
        "softmax": "it couples the entries of a row: y * (dy - sum(dy * y) over the row).",
    }
    return advice.get(own, "the forward and backward passes disagree about it.")
