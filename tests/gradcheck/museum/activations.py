"""Activations: one derivative for another, input for output, masks and slopes."""

import numpy as np

from museum.exhibit import Exhibit, normal, sigmoid, softmax, softplus

X = normal(5, 4)
LAYER = (normal(5, 4), normal(4, 3, seed=2), normal(3))


def elu(x):
    return np.where(x.real > 0, x, np.exp(x) - 1.0)


def leaky(x):
    return np.where(x.real > 0, x, 0.1 * x)


def relu(x):
    return np.where(x.real > 0, x, 0.0 * x)


def tanh_layer(x, weight, bias):
    return np.tanh(x @ weight + bias)


def sigmoid_layer(x, weight, bias):
    return sigmoid(x @ weight + bias)


def linear_layer(x, weight, bias):
    return x @ weight + bias


def _dense(dy, x, weight, slope):
    da = dy * slope
    return da @ weight.T, x.T @ da, da.sum(axis=0)


def tanh_on_sigmoid(dy, x, weight, bias):
    return _dense(dy, x, weight, 1.0 - np.tanh(x @ weight + bias) ** 2)


def slope_at_input(dy, x, weight, bias):
    a = x @ weight + bias
    return _dense(dy, x, weight, 1.0 - a**2)  # 1 - tanh(a)**2


def relu_on_linear(dy, x, weight, bias):
    return _dense(dy, x, weight, (x @ weight + bias > 0).astype(float))


def no_slope(dy, x, weight, bias):
    return _dense(dy, x, weight, 1.0)


def sigmoid_twice(dy, x):
    s = sigmoid(sigmoid(x))
    return dy * s * (1.0 - s)


def softmax_diagonal(dy, x):
    y = softmax(x)
    return dy * y * (1.0 - y)


def softmax_without_sum(dy, x):
    return dy * softmax(x)


def _entrywise(name, mistake, function, backward, expected, says=""):
    return Exhibit(name, mistake, function, backward, (X,), expected, says)


def _layer(name, mistake, function, backward, says):
    return Exhibit(name, mistake, function, backward, LAYER, "activation", says)


EXHIBITS = [
    _layer(
        "layer: tanh's slope on a sigmoid",
        "wrong activation",
        sigmoid_layer,
        tanh_on_sigmoid,
        "tanh",
    ),
    _layer("layer: tanh's slope at the input", "1 - a**2", tanh_layer, slope_at_input, "a**2"),
    _layer(
        "layer: relu's mask on a linear layer",
        "linear treated as relu",
        linear_layer,
        relu_on_linear,
        "relu",
    ),
    _layer("layer: no slope", "activation forgotten", tanh_layer, no_slope, "identity"),
    _entrywise(
        "sigmoid: slope at the output",
        "sigmoid applied twice",
        sigmoid,
        sigmoid_twice,
        "activation",
        "at its output",
    ),
    _entrywise(
        "sigmoid: x (1 - x)",
        "input for output",
        sigmoid,
        lambda dy, x: dy * x * (1 - x),
        "activation",
        "input in place",
    ),
    _entrywise(
        "tanh: 1 - tanh",
        "no square",
        np.tanh,
        lambda dy, x: dy * (1 - np.tanh(x)),
        "activation",
        "without the square",
    ),
    _entrywise(
        "softplus: itself",
        "softplus as its own slope",
        softplus,
        lambda dy, x: dy * softplus(x),
        "activation",
        "function itself",
    ),
    _entrywise(
        "softplus: sigmoid's slope",
        "one derivative too many",
        softplus,
        lambda dy, x: dy * sigmoid(x) * sigmoid(-x),
        "activation",
        "sigmoid",
    ),
    _entrywise(
        "relu: no mask",
        "gradient passes everywhere",
        relu,
        lambda dy, x: dy,
        "activation",
        "identity",
    ),
    _entrywise(
        "relu: leaky mask",
        "slope 0.01 below zero",
        relu,
        lambda dy, x: dy * np.where(x > 0, 1, 0.01),
        "activation",
        "leaky",
    ),
    _entrywise(
        "relu: mask of dy", "where dy > 0", relu, lambda dy, x: dy * (dy > 0), "mask", "dy > 0"
    ),
    _entrywise(
        "elu: slope 1 below zero",
        "branch forgotten",
        elu,
        lambda dy, x: dy,
        "activation",
        "identity",
    ),
    _entrywise(
        "leaky relu: hard mask",
        "slope 0 below zero",
        leaky,
        lambda dy, x: dy * (x > 0),
        "region",
        "x < 0",
    ),
    _entrywise(
        "abs: sign forgotten",
        "no sign(x)",
        lambda x: np.sqrt(x**2),
        lambda dy, x: dy,
        "region",
        "x < 0",
    ),
    _entrywise(
        "exp: dy forgotten", "no chain rule", np.exp, lambda dy, x: np.exp(x), "chain rule", "dy"
    ),
    _entrywise(
        "softmax: diagonal only", "p (1 - p)", softmax, softmax_diagonal, "activation", "couples"
    ),
    _entrywise(
        "softmax: no sum", "dy * y", softmax, softmax_without_sum, "shared path", "multiple of y"
    ),
    _entrywise(
        "cube: power kept",
        "x**3 for 3 x**2",
        lambda x: x**3,
        lambda dy, x: 3 * dy * x**3,
        "chain rule",
        "x times",
    ),
    Exhibit(
        "sum of tanh: 1 - x**2",
        "input for output",
        lambda x: np.sum(np.tanh(x)),
        lambda x: 1 - x**2,
        (X,),
        "activation",
        "input in place",
    ),
]
