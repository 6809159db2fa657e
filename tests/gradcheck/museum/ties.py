"""Ties, kinks and odd memory layouts: where real inputs lie, and checks look away."""

import numpy as np

from museum.exhibit import Exhibit, normal
from tinyvae import load_data

WHOLE = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 1.0], [2.0, 2.0, -2.0], [-1.0, 0.0, 3.0]])
WEIGHT = np.array([[1.0, -1.0], [0.0, 1.0], [1.0, 2.0]])
DIGIT = load_data("digits").train[0].reshape(28, 28)[8:16, 8:16].astype(float)
ONES = np.ones((3, 4))


def pool(x):
    return x.reshape(len(x) // 2, 2, -1, 2).max(axis=(1, 3))


def pool_backward(dy, x, share=True):
    windows = x.reshape(len(x) // 2, 2, -1, 2)
    tied = windows == windows.max(axis=(1, 3), keepdims=True)
    part = tied / tied.sum(axis=(1, 3), keepdims=True) if share else tied
    return (part * dy[:, None, :, None]).reshape(x.shape)


def relu_dense(x, weight):
    return np.maximum(x @ weight, 0)


def relu_dense_backward(dy, x, weight):
    da = dy * (x @ weight > 0)
    return da @ weight.T, x.T @ da


def hinge(scores):
    return np.maximum(1.0 - scores, 0).sum()


def hinge_gradient(scores):
    return -1.0 * (scores < 1)


def clipped(x):
    return np.clip(x, -1.0, 1.0)


def residual(x):
    return np.where(x.real > 0, x, -x)


def top(x):
    return x.max(axis=1)


def top_backward(dy, x):
    tied = x == x.max(axis=1, keepdims=True)
    return dy[:, None] * tied / tied.sum(axis=1, keepdims=True)


MISTAKES = {
    "sign": lambda g: -g,
    "doubled": lambda g: 2.0 * g,
    "zero": lambda g: 0.0 * g,
}
RIGHT = {
    "max-pool of a digit": (pool, pool_backward, (DIGIT,)),
    "max over equal entries": (top, top_backward, (ONES,)),
    "max over whole numbers": (top, top_backward, (WHOLE,)),
    "hinge with margin 1": (hinge, hinge_gradient, (WHOLE,)),
    "clip at 1": (
        clipped, lambda dy, x: dy * (abs(x) <= 1), (WHOLE,),
    ),
    "dense relu on whole numbers": (relu_dense, relu_dense_backward, (WHOLE, WEIGHT)),
    "zero residuals": (residual, lambda dy, x: dy * np.sign(x), (WHOLE - WHOLE.round() + WHOLE,)),
    "relu at 1": (
        lambda x: np.maximum(x - 1, 0).sum(), lambda x: 1.0 * (x > 1), (np.array([1.0, 2.0, 0.5]),),
    ),
}  # fmt: skip


def _spoiled(backward, mistake):
    def spoilt(*arguments):
        found = backward(*arguments)
        return tuple(map(mistake, found)) if isinstance(found, tuple) else mistake(found)

    import inspect

    spoilt.__signature__ = inspect.signature(backward)
    return spoilt


KINDS = {"sign": "sign", "doubled": "factor", "zero": "zero"}
SPOILED = [
    Exhibit(
        f"{name}: {word}", f"{word} everywhere", f, _spoiled(g, mistake), inputs, KINDS[word],
    )
    for name, (f, g, inputs) in RIGHT.items()
    for word, mistake in MISTAKES.items()
]  # fmt: skip


def to_every_tie(dy, x):
    return dy[:, None] * (x == x.max(axis=1, keepdims=True))


def to_no_tie(dy, x):
    tied = x == x.max(axis=1, keepdims=True)
    return dy[:, None] * tied * (tied.sum(axis=1, keepdims=True) == 1)


def relu_slope_two(dy, x):
    return dy * np.where(x == 0, 2.0, x > 0)


def abs_slope_minus_two(dy, x):
    return dy * np.where(x == 0, -2.0, np.sign(x))


def hinge_wrong_way(scores):
    return np.where(scores == 1, 1.0, -1.0 * (scores < 1))


def pair_both(dy, a, b):
    return dy * (a >= b), dy * (b >= a)


def pair_none(dy, a, b):
    return dy * (a > b), dy * (b > a)


PAIR = (WHOLE, np.where(WHOLE > 1, WHOLE, WHOLE - 1.0))
AT_KINKS = [
    Exhibit("max: every tie gets all", "x == max", top, to_every_tie, (ONES,), "factor", "4"),
    Exhibit("max: every tie gets all, some tied", "x == max", top, to_every_tie, (WHOLE,), "kink"),
    Exhibit("max: ties get nothing", "> for >=", top, to_no_tie, (WHOLE,), "kink"),
    Exhibit(
        "max-pool: every tie gets all", "x == max", pool,
        lambda dy, x: pool_backward(dy, x, share=False), (DIGIT,), "kink",
    ),
    Exhibit("maximum of two: both get all", ">= twice", np.maximum, pair_both, PAIR, "kink"),
    Exhibit("maximum of two: none gets any", "> twice", np.maximum, pair_none, PAIR, "kink"),
    Exhibit("relu: slope 2 at 0", "2 at 0", lambda x: np.maximum(x, 0), relu_slope_two, (WHOLE,),
            "kink"),
    Exhibit("abs: slope -2 at 0", "-2 at 0", residual, abs_slope_minus_two, (WHOLE,), "kink"),
    Exhibit("hinge: +1 at margin 1", "sign at the kink", hinge, hinge_wrong_way, (WHOLE,), "kink"),
]  # fmt: skip


def square(w):
    return (w**2).sum()


def _read_only(a):
    frozen = a.copy()
    frozen.flags.writeable = False
    return frozen


W23 = np.arange(1.0, 7.0).reshape(2, 3)
SHARED = np.arange(1.0, 9.0)
LAYOUTS = {
    "Fortran order": W23.T,
    "every second column": normal(4, 6)[:, ::2],
    "reversed": normal(4, 3)[::-1],
    "broadcast": np.broadcast_to(normal(1, 3), (4, 3)),
    "read-only": _read_only(normal(4, 3)),
    "0-d": np.array(1.5),
    "overlapping windows": np.lib.stride_tricks.sliding_window_view(SHARED, 3),
}
IN_LAYOUTS = [
    Exhibit(f"{layout}: zero", "0 * w", square, lambda w: 0 * w, (w,), "zero")
    for layout, w in LAYOUTS.items()
]
IN_LAYOUTS += [
    Exhibit(
        f"{layout}: a factor", "3 w for 2 w", square, lambda w: 3 * w, (w,),
        "factor" if w.size > 2 else "",
    )
    for layout, w in LAYOUTS.items()
]  # fmt: skip
IN_LAYOUTS += [
    Exhibit(
        "beside an empty input", "zero", lambda x, empty: (x**2).sum() + empty.sum(),
        lambda x, empty: (0 * x, empty), (W23, np.zeros((0, 3))), "zero",
    ),
    Exhibit(
        "two views of one array", "swapped", lambda a, b: (a * b**2).sum(),
        lambda a, b: (2 * a * b, b**2), (SHARED[:4], SHARED[2:6]), "swapped",
    ),
]  # fmt: skip
EXHIBITS = [*SPOILED, *AT_KINKS, *IN_LAYOUTS]
