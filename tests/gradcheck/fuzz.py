"""Random expressions with their right backward, and the same with a random slip in one place.

Whether a gradient is right is decided here without the checker.  The right backward, taken in many
cells around the point, gives the gradients that the function has there; right is what lies in their
convex hull (Clarke, 1975).  What backpropagation makes of ties need not lie there: relu(x) -
relu(-x) is x, and gets the slope 0 at 0.  What can be called neither right nor wrong is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog


class Op(NamedTuple):
    """``forward(a, ...)``, and ``backward(dy, y, a, ...)``, a gradient for each argument."""

    forward: Callable
    backward: Callable
    arity: int = 1


def _unbroadcast(d, shape):
    for axis, n in enumerate(shape):
        if n == 1 and d.shape[axis] != 1:
            d = d.sum(axis=axis, keepdims=True)
    return d


def _binary(forward, da, db):
    def backward(dy, y, a, b):
        return _unbroadcast(dy * da(a, b), a.shape), _unbroadcast(dy * db(a, b), b.shape)

    return Op(forward, backward, 2)


def _unary(forward, slope):
    return Op(forward, lambda dy, y, a: (dy * slope(a, y),))


def _sigmoid(a):
    return 0.5 * (1.0 + np.tanh(0.5 * a))


def _softmax(a):
    e = np.exp(a - a.real.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _norm(a):
    c = a - a.mean(axis=1, keepdims=True)
    return c / np.sqrt((c * c).mean(axis=1, keepdims=True) + 0.1)


def _norm_backward(dy, y, a):
    c = a - a.mean(axis=1, keepdims=True)
    s = np.sqrt((c * c).mean(axis=1, keepdims=True) + 0.1)
    d = dy - dy.mean(axis=1, keepdims=True)
    return ((d - y * (dy * y).mean(axis=1, keepdims=True)) / s,)


def _top(a):
    return np.take_along_axis(a, a.real.argmax(axis=1)[:, None], axis=1)


def _top_backward(dy, y, a):
    da = np.zeros(a.shape)
    np.put_along_axis(da, a.argmax(axis=1)[:, None], dy, axis=1)
    return (da,)


def _ties_backward(dy, y, a):
    tied = a == a.max(axis=1, keepdims=True)
    return (dy * tied / tied.sum(axis=1, keepdims=True),)


SMOOTH = {
    "tanh": _unary(np.tanh, lambda a, y: 1 - y * y),
    "sin": _unary(np.sin, lambda a, y: np.cos(a)),
    "exp": _unary(lambda a: np.exp(0.3 * a), lambda a, y: 0.3 * y),
    "square": _unary(lambda a: a * a, lambda a, y: 2 * a),
    "cube": _unary(lambda a: a**3, lambda a, y: 3 * a * a),
    "sigmoid": _unary(_sigmoid, lambda a, y: y * (1 - y)),
    "bell": _unary(lambda a: 1 / (1 + a * a), lambda a, y: -2 * a * y * y),
    "log": _unary(lambda a: np.log(2 + a * a), lambda a, y: 2 * a / (2 + a * a)),
    "root": _unary(lambda a: np.sqrt(1 + a * a), lambda a, y: a / y),
    "scale": _unary(lambda a: -0.7 * a, lambda a, y: -0.7),
    "softmax": Op(
        _softmax, lambda dy, y, a: (y * (dy - (dy * y).sum(axis=1, keepdims=True)),)
    ),
    "layer norm": Op(_norm, _norm_backward),
    "cumsum": Op(
        lambda a: np.cumsum(a, axis=1), lambda dy, y, a: (np.cumsum(dy[:, ::-1], axis=1)[:, ::-1],)
    ),
    "flip": Op(lambda a: a[::-1], lambda dy, y, a: (dy[::-1],)),
    "sum": Op(
        lambda a: a.sum(axis=0, keepdims=True), lambda dy, y, a: (np.broadcast_to(dy, a.shape),)
    ),
    "mean": Op(
        lambda a: a.mean(axis=1, keepdims=True),
        lambda dy, y, a: (np.broadcast_to(dy / a.shape[1], a.shape),),
    ),
    "add": _binary(lambda a, b: a + b, lambda a, b: 1.0, lambda a, b: 1.0),
    "times": _binary(lambda a, b: a * b, lambda a, b: b, lambda a, b: a),
    "over": _binary(
        lambda a, b: a / (1 + b * b),
        lambda a, b: 1 / (1 + b * b),
        lambda a, b: -2 * a * b / (1 + b * b) ** 2,
    ),
}  # fmt: skip
KINKED = {
    "relu": _unary(lambda a: np.where(a.real > 0, a, 0 * a), lambda a, y: 1.0 * (a > 0)),
    "relu, 1 at 0": _unary(lambda a: np.where(a.real >= 0, a, 0 * a), lambda a, y: 1.0 * (a >= 0)),
    "maximum": _unary(lambda a: np.maximum(a, 0), lambda a, y: np.where(a == 0, 0.5, a > 0)),
    "abs": _unary(lambda a: np.where(a.real > 0, a, -a), lambda a, y: np.sign(a)),
    "np.abs": _unary(np.abs, lambda a, y: np.sign(a)),
    "leaky": _unary(
        lambda a: np.where(a.real > 0, a, 0.1 * a), lambda a, y: np.where(a > 0, 1.0, 0.1)
    ),
    "clip": _unary(
        lambda a: np.where(abs(a.real) < 1, a, np.sign(a.real)), lambda a, y: 1.0 * (abs(a) < 1)
    ),
    "np.clip": _unary(lambda a: np.clip(a, -1.0, 1.0), lambda a, y: 1.0 * (abs(a) <= 1)),
    "hinge": _unary(
        lambda a: np.where(a.real < 1, 1 - a, 0 * a), lambda a, y: -1.0 * (a < 1)
    ),
    "top": Op(_top, _top_backward),
    "max": Op(lambda a: a.max(axis=1, keepdims=True), _ties_backward),
    "larger": _binary(
        lambda a, b: np.where(a.real >= b.real, a, b),
        lambda a, b: 1.0 * (a >= b),
        lambda a, b: 1.0 * (a < b),
    ),
}  # fmt: skip
OPS = SMOOTH | KINKED
CELLS = 128
# How far outside a gradient may be for rounding, and must be to be wrong; relative to its array.
ROUNDING, MATERIAL = 1e-6, 1e-3


class Node(NamedTuple):
    op: str
    of: tuple[int, ...]


SLIPS = (
    "twice", "half", "sign", "zero", "percent", "dy forgotten", "dy squared", "reversed", "mean",
    "first row", "argument", "path lost", "constant",
)  # fmt: skip


class Expression:
    """A random expression of x, w (a matrix product's) and b, in one of three kinds of points.

    ``kind``: "general" (normal inputs), "ties" (whole numbers, so that kinks and ties are met;
    one operation with a kink, which is first) or "layout" (normal inputs that are no contiguous
    arrays).
    """

    def __init__(self, seed: int, kind: str = "general") -> None:
        rng = np.random.default_rng([seed, len(kind)])
        self.seed, self.kind = seed, kind
        r, c, m = (int(n) for n in rng.integers(1, 5, size=3))
        whole = kind == "ties"
        size = 1.0 if whole else 10.0 ** rng.integers(-2, 1)

        def draw(*shape):
            numbers = rng.normal(size=shape)
            return np.round(numbers) if whole else size * numbers

        self.inputs = {"x": draw(r, c), "w": draw(c, m), "b": draw(1, m)}
        if kind == "layout":
            self.inputs = {n: _strange(a, rng) for n, a in self.inputs.items()}
        self.nodes: list[Node] = []
        shapes = [(r, c), (c, m), (1, m)]
        if rng.random() < 0.7:
            self._add(shapes, "dense", (0, 1, 2), (r, m))
        if whole:
            op = str(rng.choice(sorted(KINKED)))
            self._grow(shapes, op, rng)
        for _ in range(int(rng.integers(1, 5))):
            table = SMOOTH if whole else OPS
            self._grow(shapes, str(rng.choice(sorted(table))), rng)
        self.loss = str(rng.choice(["sum", "square", "layer", "mean"]))
        self.slip: tuple[int, str] | None = None
        self.dy = None  # with which a check asked last

    def _grow(self, shapes, op, rng):
        first = len(shapes) - 1
        of = [first]
        if OPS[op].arity == 2:
            fitting = [
                i for i, s in enumerate(shapes)
                if all(a == b or 1 in (a, b) for a, b in zip(s, shapes[first], strict=True))
            ]  # fmt: skip
            of.append(int(rng.choice(fitting)))
        shape = np.broadcast_shapes(*(shapes[i] for i in of))
        if op == "sum":
            shape = (1, shape[1])
        if op in ("mean", "top", "max"):
            shape = (shape[0], 1)
        self._add(shapes, op, tuple(of), shape)

    def _add(self, shapes, op, of, shape):
        self.nodes.append(Node(op, of))
        shapes.append(shape)

    def _values(self, x, w, b):
        values = [x, w, b]
        for node in self.nodes:
            args = [values[i] for i in node.of]
            y = args[0] @ args[1] + args[2] if node.op == "dense" else OPS[node.op].forward(*args)
            values.append(y)
        return values

    def forward(self, x, w, b):
        y = self._values(x, w, b)[-1]
        if self.loss == "layer":
            return y
        return {"sum": np.sum, "mean": np.mean, "square": lambda y: 0.5 * np.sum(y * y)}[self.loss](
            y
        )

    def gradient(self, x, w, b):
        return self.backward(None, x, w, b)

    def backward(self, dy, x, w, b):
        return self._backward(dy, (x, w, b), self.slip)

    def _backward(self, dy, inputs, slip):
        values = self._values(*inputs)
        y = values[-1]
        if dy is None:
            dy = {"sum": np.ones(y.shape), "mean": np.full(y.shape, 1 / y.size)}.get(self.loss, y)
        grads = [np.zeros(v.shape) for v in values]
        grads[-1] = grads[-1] + dy
        for i in reversed(range(len(self.nodes))):
            node, at = self.nodes[i], i + 3
            args = [values[k] for k in node.of]
            d = grads[at]
            if node.op == "dense":
                found = (d @ args[1].T, args[0].T @ d, d.sum(axis=0, keepdims=True))
            else:
                found = OPS[node.op].backward(d, values[at], *args)
            if slip is not None and slip[0] == i:
                found = _slipped(slip[1], found, d, node, values[at], args)
            for k, part in zip(node.of, found, strict=True):
                grads[k] = grads[k] + part
        return tuple(grads[:3])

    def slipped(self, slip: tuple[int, str]) -> Expression:
        """Return the same expression whose backward slips in one place."""
        twin = Expression(self.seed, self.kind)
        twin.slip = slip
        return twin

    def outside(self, dy) -> float:
        """Return how far the gradient is from those of the function, NaN if that is not known.

        Relative to the largest array of gradients among those in the cells, array by array.
        """
        inputs = tuple(np.array(a) for a in self.inputs.values())
        whole = self.kind == "ties"
        rng = np.random.default_rng(self.seed)
        with np.errstate(all="ignore"):
            claimed = self._backward(dy, inputs, self.slip)
            beside = [
                self._backward(dy, _beside(inputs, rng), None) for _ in range(CELLS if whole else 3)
            ]
            sizes = [
                max(float(np.linalg.norm(a)) for a in found) for found in zip(*beside, strict=True)
            ]
        if not np.isfinite(sizes).all():
            return np.nan
        sizes = [size if size > 1e-12 else 1.0 for size in sizes]
        point, cells = _flat(claimed, sizes), np.array([_flat(cell, sizes) for cell in beside])
        if not np.isfinite(point).all():
            return np.inf
        if not whole:
            return float(np.abs(point - cells).max(axis=1).min())
        distance = _from_hull(point, cells)
        if distance <= ROUNDING or _from_span(point, cells) > MATERIAL:
            return distance
        low, high = cells.min(axis=0), cells.max(axis=0)
        wide = 3.0 * (high - low)  # more than crossing kinks can add unseen
        if (np.maximum(low - wide - point, point - high - wide) > MATERIAL).any():
            return distance
        _, seen = np.unique(np.round(cells, 6), axis=0, return_counts=True)
        return distance if seen.min() >= 4 else np.nan  # else there may be cells that none saw

    def __repr__(self) -> str:
        steps = " > ".join(n.op for n in self.nodes)
        slip = f", {self.slip[1]} at {self.nodes[self.slip[0]].op}" if self.slip else ""
        shapes = {n: a.shape for n, a in self.inputs.items()}
        return f"{self.kind} {self.seed}: {steps} > {self.loss}{slip} {shapes}"


def _flat(arrays, sizes):
    return np.concatenate([np.reshape(a, -1) / n for a, n in zip(arrays, sizes, strict=True)])


def _beside(inputs, rng):
    return [a + 1e-9 * np.where(a == 0, 1.0, np.abs(a)) * rng.normal(size=a.shape) for a in inputs]


def _from_hull(point, cells):
    """Return the distance of a point from a convex hull, in the maximum norm."""
    cells = np.unique(np.round(cells, 12), axis=0)
    n, sides = len(cells), np.vstack([cells.T, -cells.T])
    found = linprog(
        np.r_[np.zeros(n), 1.0],
        A_ub=np.hstack([sides, -np.ones((len(sides), 1))]),
        b_ub=np.r_[point, -point],
        A_eq=np.r_[np.ones(n), 0.0][None],
        b_eq=[1.0],
    )
    return float(found.fun) if found.success else np.nan


def _from_span(point, cells):
    """Return the distance of a point from the plane through the cells' gradients."""
    _, sizes, basis = np.linalg.svd(cells[1:] - cells[0], full_matrices=False)
    basis = basis[sizes > 1e-6 * max(sizes[0], 1e-300)]
    off = point - cells[0]
    return float(np.linalg.norm(off - (off @ basis.T) @ basis))


def _strange(a, rng):
    """Return the same numbers in an array that is not contiguous."""
    which = rng.integers(4)
    if which == 0:
        return np.asfortranarray(a)
    if which == 1:
        wide = np.zeros((a.shape[0], 2 * a.shape[1]))
        wide[:, ::2] = a
        return wide[:, ::2]
    if which == 2:
        return np.broadcast_to(a[:1], a.shape)
    frozen = np.array(a[::-1])[::-1]
    frozen.flags.writeable = False
    return frozen


def _slipped(kind, found, d, node, y, args):
    """Return what a backward gives that slips in this way."""
    if kind in ("dy forgotten", "dy squared") and node.op != "dense":
        other = np.ones_like(d) if kind == "dy forgotten" else d * d
        return OPS[node.op].backward(other, y, *args)
    change = {
        "twice": lambda g: 2 * g,
        "half": lambda g: 0.5 * g,
        "sign": lambda g: -g,
        "zero": lambda g: 0 * g,
        "percent": lambda g: 1.01 * g,
        "reversed": lambda g: g[::-1, ::-1],
        "mean": lambda g: g / len(g),
        "first row": lambda g: g * (np.arange(len(g)) == 0)[:, None],
        "argument": lambda g: g * args[0].mean(),
        "path lost": lambda g: 0 * g,
        "constant": lambda g: g + 0.1,
    }.get(kind, lambda g: 2 * g)
    which = len(found) - 1 if kind == "path lost" else 0
    return tuple(change(g) if i == which else g for i, g in enumerate(found))


def right(seed: int, kind: str) -> Expression | None:
    """Return an expression whose gradient is right, None if that cannot be said of this one."""
    expression = Expression(seed, kind)
    return expression if expression.outside(_cotangent(expression)) <= ROUNDING else None


def wrong(seed: int, kind: str) -> Expression | None:
    """Return an expression whose gradient is wrong, None if no slip of eight makes it so."""
    rng = np.random.default_rng([seed, 99])
    base = Expression(seed, kind)
    for _ in range(8):
        slip = (int(rng.integers(len(base.nodes))), str(rng.choice(SLIPS)))
        twin = base.slipped(slip)
        if twin.outside(_cotangent(base)) > MATERIAL:
            return twin
    return None


def truth(expression: Expression) -> str | None:
    """Return what its gradient is for the cotangent with which a check asked last, or None.

    At ties a claim may be right for some cotangents only, and a check draws its own.
    """
    distance = expression.outside(expression.dy)
    if distance <= ROUNDING:
        return "right"
    return "wrong" if distance > MATERIAL else None


def _cotangent(expression):
    if expression.loss != "layer":
        return None
    y = expression.forward(*(np.array(a) for a in expression.inputs.values()))
    return np.random.default_rng([expression.seed, 98]).normal(size=y.shape)


def question(expression: Expression):
    """Return (function, gradient, *inputs), the arguments of ``check_gradients``."""

    # No methods: a check puts their object's attributes back, and with them what is noted here.
    def forward(x, w, b):
        return expression.forward(x, w, b)

    def gradient(x, w, b):
        return expression.gradient(x, w, b)

    def backward(dy, x, w, b):
        expression.dy = dy
        return expression.backward(dy, x, w, b)

    claim = backward if expression.loss == "layer" else gradient
    return forward, claim, *expression.inputs.values()
