"""Random right functions: chains of layers, each with a backward that is known to be right."""

from __future__ import annotations

import numpy as np


def dense(x, p):
    return x @ p["w"] + p["b"], lambda dy: (dy @ p["w"].T, {"w": x.T @ dy, "b": dy.sum(axis=0)})


def gain(x, p):
    return x * p["w"][0], lambda dy: (dy * p["w"][0], {"w": _first(p["w"], (dy * x).sum(axis=0))})


def relu(x, p):
    return np.where(x.real > 0, x, 0.0), lambda dy: (dy * (x > 0), {})


def leaky(x, p):
    return np.where(x.real > 0, x, 0.1 * x), lambda dy: (dy * np.where(x > 0, 1.0, 0.1), {})


def absolute(x, p):
    return np.where(x.real > 0, x, -x), lambda dy: (dy * np.sign(x), {})


def tanh(x, p):
    y = np.tanh(x)
    return y, lambda dy: (dy * (1 - y**2), {})


def sigmoid(x, p):
    y = 0.5 * (1 + np.tanh(0.5 * x))
    return y, lambda dy: (dy * y * (1 - y), {})


def softplus(x, p):
    y = np.log1p(np.exp(np.where(x.real > 0, -x, x))) + np.where(x.real > 0, x, 0.0)
    return y, lambda dy: (dy * sigmoid(x, p)[0], {})


def sine(x, p):
    return np.sin(x), lambda dy: (dy * np.cos(x), {})


def bounded_exp(x, p):
    y = np.exp(np.tanh(x))
    return y, lambda dy: (dy * y * (1 - np.tanh(x) ** 2), {})


def softmax(x, p):
    e = np.exp(x - x.real.max(axis=1, keepdims=True))
    y = e / e.sum(axis=1, keepdims=True)
    return y, lambda dy: (y * (dy - (dy * y).sum(axis=1, keepdims=True)), {})


def layer_norm(x, p):
    c = x - x.mean(axis=1, keepdims=True)
    s = np.sqrt((c**2).mean(axis=1, keepdims=True) + 1e-2)
    y = c / s

    def backward(dy):
        d = dy - dy.mean(axis=1, keepdims=True)
        return (d - y * (dy * y).mean(axis=1, keepdims=True)) / s, {}

    return y, backward


def skip(x, p):
    y, backward = tanh(x, p)
    return x + y, lambda dy: (dy + backward(dy)[0], {})


def largest(x, p):
    top = x.real.argmax(axis=1)
    rows = np.arange(len(x))

    def backward(dy):
        dx = np.zeros(x.shape)
        dx[rows, top] = dy[:, 0]
        return dx, {}

    return x[rows, top][:, None] * np.ones(x.shape[1])[None, :1], backward


LAYERS = {
    f.__name__: f
    for f in (
        dense, gain, relu, leaky, absolute, tanh, sigmoid, softplus, sine, bounded_exp, softmax,
        layer_norm, skip, largest,
    )
}  # fmt: skip


def square(y):
    return 0.5 * np.sum(y * y) / len(y), y / len(y)


def log_sum_exp(y):
    top = y.real.max()
    e = np.exp(y - top)
    return top + np.log(e.sum()), e / e.sum()


def total(y):
    return np.sum(y), np.ones(y.shape)


LOSSES = {"square": square, "log_sum_exp": log_sum_exp, "total": total}


def _first(like, values):
    whole = np.zeros(like.shape)
    whole[0] = values
    return whole


class Chain:
    """A chain of layers with parameters of its own; a number or an array comes out."""

    def __init__(self, names, widths, scale, loss, seed):
        rng = np.random.default_rng(seed)
        self.names, self.loss = names, loss
        self.inputs = {"x": scale * rng.standard_normal((widths[0], widths[1]))}
        width = widths[1]
        for i, name in enumerate(names):
            if name in ("dense", "gain"):
                out = widths[2 + i] if name == "dense" else width
                self.inputs[f"{i}.w"] = rng.standard_normal((width, out)) / np.sqrt(width)
                if name == "dense":
                    self.inputs[f"{i}.b"] = scale * rng.standard_normal(out)
                width = out
            width = 1 if name == "largest" else width

    def _run(self, inputs):
        y, backs = inputs["x"], []
        for i, name in enumerate(self.names):
            p = {k: inputs[f"{i}.{k}"] for k in "wb" if f"{i}.{k}" in inputs}
            y, back = LAYERS[name](y, p)
            backs.append(back)
        return y, backs

    def forward(self, inputs):
        y = self._run(inputs)[0]
        return LOSSES[self.loss](y)[0] if self.loss else y

    def gradients(self, *arguments):
        dy, inputs = arguments if len(arguments) == 2 else (None, *arguments)
        y, backs = self._run(inputs)
        dy = LOSSES[self.loss](y)[1] if self.loss else dy
        found = {}
        for i, back in reversed(list(enumerate(backs))):
            dy, own = back(dy)
            found |= {f"{i}.{k}": v for k, v in own.items()}
        return found | {"x": dy}

    def backward(self, dy, inputs):
        return self.gradients(dy, inputs)

    def gradient(self, inputs):
        return self.gradients(inputs)
