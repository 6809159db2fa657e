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


class Bent:
    """A function of single numbers with slopes of its own between whole numbers, and a kink there.

    ``share`` says where between the two slopes the gradient at a kink lies.
    """

    def __init__(self, kinks, slopes, share, outer):
        self.kinks, self.slopes, self.share, self.outer = kinks, slopes, share, outer

    def forward(self, x):
        y = self.slopes[0] * x
        for kink, before, after in zip(self.kinks, self.slopes, self.slopes[1:], strict=False):
            y = y + (after - before) * np.where(x.real > kink, x - kink, 0.0)
        return np.sum(OUTER[self.outer][0](y))

    def gradient(self, x):
        y, slope = self.slopes[0] * x, np.full(x.shape, float(self.slopes[0]))
        for kink, before, after in zip(self.kinks, self.slopes, self.slopes[1:], strict=False):
            y = y + (after - before) * np.maximum(x - kink, 0.0)
            slope += (after - before) * np.where(x == kink, self.share, x > kink)
        return slope * OUTER[self.outer][1](y)


OUTER = {
    "": (lambda y: y, np.ones_like),
    "tanh": (np.tanh, lambda y: 1 - np.tanh(y) ** 2),
}
SHAPES = {
    "relu": ((0,), (0, 1)),
    "leaky": ((0,), (0.1, 1)),
    "abs": ((0,), (-1, 1)),
    "hinge": ((1,), (-1, 0)),
    "clip": ((-1, 1), (0, 1, 0)),
    "relu to 2": ((0, 2), (0, 1, 0)),
    "soft threshold": ((-1, 1), (1, 0, 1)),
    "dead zone": ((-1, 2), (-1, 0, 1)),
    "zigzag": ((-1, 0, 1), (1, -1, 1, -1)),
    "concave": ((-1, 0, 2), (3, 1, 0.5, -2)),
}
WHOLE = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 1.0], [2.0, 2.0, -2.0], [-1.0, 0.0, 3.0]])
# 60 at kinks: each shape, three gradients that it has there, alone and inside another function.
AT_KINKS = {
    f"{name}, {share} of the way, {outer or 'alone'}": (Bent(*shape, share, outer), WHOLE)
    for name, shape in SHAPES.items()
    for share in (0.0, 0.3, 1.0)
    for outer in OUTER
}


def random_chain(seed):
    """Return a chain of one to five random layers."""
    rng = np.random.default_rng([seed, 7])
    names = [str(n) for n in rng.choice(sorted(LAYERS), rng.integers(1, 6))]
    widths = [int(n) for n in rng.integers(1, 5, size=7)]
    loss = rng.choice([None, *LOSSES])
    return Chain(names, widths, 10.0 ** rng.integers(-3, 2), loss, seed)


CHAINS = 340
