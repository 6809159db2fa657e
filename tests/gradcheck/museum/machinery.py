"""Buffers, views, loops and types: the mathematics is right and the program is not."""

import numpy as np

from museum.exhibit import Exhibit, normal, sigmoid

X, W = normal(6, 4), normal(4, 4, seed=1)


def tanh_in_place(x):
    np.tanh(x, out=x)
    return x * x


def after_in_place(dy, x):
    y = np.tanh(x)
    return 2 * dy * y * (1 - y**2)


def layer(x, weight):
    return np.tanh(x @ weight)


def _right(dy, x, weight):
    da = dy * (1 - np.tanh(x @ weight) ** 2)
    return da @ weight.T, x.T @ da


def one_buffer(dy, x, weight):
    dx, dweight = _right(dy, x[:4], weight) if len(dy) == 4 else _right(dy, x, weight)
    dx[:] = dweight
    return dx, dx


SQUARE = normal(4, 4, seed=2)


def last_row_missing(dy, x, weight):
    dx, dweight = _right(dy, x, weight)
    dx[-1] = 0.0
    return dx, dweight


def last_batch_only(dy, x, weight):
    dx, _ = _right(dy, x, weight)
    for rows in (slice(0, 3), slice(3, 6)):
        dweight = _right(dy[rows], x[rows], weight)[1]  # = for +=
    return dx, dweight


def row_repeated(dy, x, weight):
    dx, dweight = _right(dy, x, weight)
    dx[2] = dx[1]
    return dx, dweight


def through_float32(dy, x, weight):
    dx, dweight = _right(dy, x, weight)
    return dx, dweight.astype(np.float32).astype(np.float64)


def fortran_order(dy, x, weight):
    dx, dweight = _right(dy, x, weight)
    return dx, dweight.reshape(-1, order="F").reshape(weight.shape)


def reversed_time(x):
    return np.cumsum(x**2, axis=0)


def cumsum_forward_again(dy, x):
    return 2 * x * np.cumsum(dy, axis=0)  # from the end


class Accumulating:
    total = np.zeros(4)

    def forward(self, x):
        return np.sum(x**3)

    def backward(self, x):
        self.total += 3 * x**2
        return self.total


def sorted_rows(x):
    return (
        np.sort(x.real, axis=1) * np.arange(4)
        if not np.iscomplexobj(x)
        else np.take_along_axis(x, np.argsort(x.real, axis=1), 1) * np.arange(4)
    )


def stale_relu(dy, x):
    dy *= x > 0
    dy *= x > 0.5
    return dy


COUNT = Accumulating()
NAN = np.array([0.0, 1.0, 2.0, -1.0])

EXHIBITS = [
    Exhibit(
        "in place: input overwritten",
        "np.tanh(x, out=x)",
        tanh_in_place,
        after_in_place,
        (X.copy(),),
        "overwritten",
        "in place",
    ),
    Exhibit(
        "one buffer for two gradients",
        "dx is dweight",
        layer,
        one_buffer,
        (SQUARE, W),
        "aliased",
        "entry for entry",
    ),
    Exhibit(
        "last row missing",
        "range(n - 1)",
        layer,
        last_row_missing,
        (X, W),
        "some rows",
        "rows 5 of 6",
    ),
    Exhibit(
        "row repeated", "buffer reused", layer, row_repeated, (X, W), "some rows", "rows 2 of 6"
    ),
    Exhibit(
        "last minibatch only",
        "= for +=",
        layer,
        last_batch_only,
        (X, W),
        "part of the sum",
        "last 3 of 6",
    ),
    Exhibit(
        "through float32", "float32 buffer", layer, through_float32, (X, W), "float32", "float32"
    ),
    Exhibit(
        "reshaped in the other order", "order='F'", layer, fortran_order, (X, W), "transposed", ""
    ),
    Exhibit(
        "cumsum: not reversed",
        "cumsum of dy from the front",
        reversed_time,
        cumsum_forward_again,
        (X,),
        "rearranged",
        "from the start",
    ),
    Exhibit(
        "gradient accumulates",
        "+= without zeroing",
        COUNT.forward,
        COUNT.backward,
        (normal(4),),
        "accumulates",
        "+=",
    ),
    Exhibit(
        "clip: gradient passes outside",
        "no mask",
        lambda x: np.where(np.abs(x.real) < 1, x, np.sign(x.real)),
        lambda dy, x: dy,
        (normal(6, 5),),
        "region",
        "large",
    ),
    Exhibit(
        "not finite: x / x",
        "division by zero in backward",
        lambda x: np.sum(x * x),
        lambda x: 2 * x * (x / np.where(x, x, np.nan)),
        (NAN,),
        "not finite",
        "1 of 4",
    ),
    Exhibit(
        "sort: not undone",
        "gradient in sorted order",
        sorted_rows,
        lambda dy, x: dy * np.arange(4),
        (X,),
        "rearranged",
        "wrong places",
    ),
    Exhibit(
        "product: factors swapped",
        "dy * a for a",
        lambda a, b: a * b,
        lambda dy, a, b: (dy * a, dy * b),
        (X, normal(6, 4, seed=5)),
        "swapped",
        "",
    ),
    Exhibit(
        "constant: 1.702 forgotten",
        "inner derivative",
        lambda x: np.sum(sigmoid(1.702 * x)),
        lambda x: sigmoid(1.702 * x) * sigmoid(-1.702 * x),
        (X,),
        "factor",
        "0.587544",
    ),
]
