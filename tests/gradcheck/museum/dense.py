"""Dense layers: transposes, sums over the batch, biases, broadcasting."""

import numpy as np

from museum.exhibit import Exhibit, normal

X, W, B = normal(6, 4), normal(4, 3), normal(3)
SQUARE = (normal(5, 5), normal(5, 5, seed=1), normal(5))


def dense(x, weight, bias):
    return x @ weight + bias


def square_loss(x, weight, bias):
    return np.sum((x @ weight + bias - 1.0) ** 2) / len(x)


def transposed_input(dy, x, weight, bias):
    return dy @ weight, x.T @ dy, dy.sum(axis=0)  # dy @ weight.T


def transposed_weight(dy, x, weight, bias):
    return dy @ weight.T, dy.T @ x, dy.sum(axis=0)  # x.T @ dy


def bias_over_features(dy, x, weight, bias):
    return dy @ weight.T, x.T @ dy, dy.sum(axis=1)  # axis=0


def bias_kept_dims(dy, x, weight, bias):
    return dy @ weight.T, x.T @ dy, dy.sum(axis=0, keepdims=True)


def bias_not_summed(dy, x, weight, bias):
    return dy @ weight.T, x.T @ dy, dy


def bias_averaged(dy, x, weight, bias):
    return dy @ weight.T, x.T @ dy, dy.mean(axis=0)


def bias_last_row(dy, x, weight, bias):
    return dy @ weight.T, x.T @ dy, dy[-1]


def bias_every_second_row(dy, x, weight, bias):
    return dy @ weight.T, x.T @ dy, dy[::2].sum(axis=0)


def bias_summed_to_a_number(dy, x, weight, bias):
    return dy @ weight.T, x.T @ dy, np.full_like(bias, dy.sum())


def weight_averaged(dy, x, weight, bias):
    return dy @ weight.T, x.T @ dy / len(x), dy.sum(axis=0) / len(x)


def swapped_order(dy, x, weight, bias):
    return x.T @ dy, dy @ weight.T, dy.sum(axis=0)


def sum_for_mean(x, weight, bias):
    d = 2.0 * (x @ weight + bias - 1.0)
    return d @ weight.T, x.T @ d, d.sum(axis=0)  # / len(x)


def forgot_two(x, weight, bias):
    d = (x @ weight + bias - 1.0) / len(x)
    return d @ weight.T, x.T @ d, d.sum(axis=0)


def features_for_batch(x, weight, bias):
    d = 2.0 * (x @ weight + bias - 1.0) / weight.shape[1]
    return d @ weight.T, x.T @ d, d.sum(axis=0)


def target_minus_output(x, weight, bias):
    d = 2.0 * (1.0 - (x @ weight + bias)) / len(x)
    return d @ weight.T, x.T @ d, d.sum(axis=0)


def residual(x, weight):
    return x + np.tanh(x @ weight)


def residual_without_skip(dy, x, weight):
    da = dy * (1.0 - np.tanh(x @ weight) ** 2)
    return da @ weight.T, x.T @ da  # dy + da @ weight.T


def scaled(x, gain):
    return x * gain


def scaled_without_sum(dy, x, gain):
    return dy * gain, dy * x  # (dy * x).sum(axis=0)


def decayed(x, weight, bias):
    return square_loss(x, weight, bias) + 0.05 * np.sum(weight**2)


def forgot_decay(x, weight, bias):
    d = 2.0 * (x @ weight + bias - 1.0) / len(x)
    return d @ weight.T, x.T @ d, d.sum(axis=0)  # x.T @ d + 0.1 * weight


def _layer(name, mistake, backward, expected, says="", inputs=(X, W, B)):
    return Exhibit(name, mistake, dense, backward, inputs, expected, says)


def _loss(
    name, mistake, gradient, expected, says="", function=square_loss, inputs=(X, W, B), **options
):
    return Exhibit(name, mistake, function, gradient, inputs, expected, says, options)


EXHIBITS = [
    _layer(
        "dense: dx by weight",
        "weight not transposed",
        transposed_input,
        "transposed",
        "weight.T",
        SQUARE,
    ),
    _layer("dense: dweight transposed", "dy.T @ x", transposed_weight, "transposed", "transpose"),
    _layer(
        "dense: dweight transposed, square",
        "dy.T @ x",
        transposed_weight,
        "transposed",
        "x.T @ dy",
        SQUARE,
    ),
    _layer("dense: dbias over features", "axis=1", bias_over_features, "wrong axis", "axis 1"),
    _layer(
        "dense: dbias over features, square",
        "axis=1",
        bias_over_features,
        "wrong axis",
        "axis 1",
        SQUARE,
    ),
    _layer(
        "dense: dbias keeps dims", "keepdims=True", bias_kept_dims, "shape", "numbers are right"
    ),
    _layer(
        "dense: dbias not summed",
        "no sum over the batch",
        bias_not_summed,
        "wrong axis",
        "over axis 0",
    ),
    _layer("dense: dbias averaged", "mean for sum", bias_averaged, "factor", "batch size"),
    _layer(
        "dense: dbias of the last row",
        "only one example",
        bias_last_row,
        "wrong axis",
        "entry -1 of dy",
    ),
    _layer(
        "dense: dbias of every second row",
        "a stride too many",
        bias_every_second_row,
        "only the bias",
    ),
    _layer(
        "dense: dbias one number",
        "sum over everything",
        bias_summed_to_a_number,
        "wrong axis",
        "all axes",
    ),
    _layer(
        "dense: averaged twice", "/ batch in the layer too", weight_averaged, "factor", "batch size"
    ),
    _layer(
        "dense: gradients swapped",
        "dweight, dx returned",
        swapped_order,
        "swapped",
        "weight",
        SQUARE,
    ),
    _loss("square loss: sum for mean", "no / batch", sum_for_mean, "factor", "batch size"),
    _loss("square loss: no 2", "2 of the square", forgot_two, "factor", "1/2"),
    _loss(
        "square loss: features for batch",
        "/ features",
        features_for_batch,
        "factor",
        "7/3",
        inputs=(normal(7, 4), W, B),
    ),
    _loss("square loss: target - output", "wrong way round", target_minus_output, "sign", "-1"),
    _loss(
        "weight decay forgotten",
        "no 0.1 * weight",
        forgot_decay,
        "missing part",
        "* weight",
        decayed,
    ),
    _loss(
        "weight decay forgotten, term given",
        "no 0.1 * weight",
        forgot_decay,
        "missing term",
        "lacks the decay term",
        decayed,
        terms={"decay": lambda x, weight, bias: 0.05 * np.sum(weight**2)},
    ),
    Exhibit(
        "residual: no skip",
        "dy itself forgotten",
        residual,
        residual_without_skip,
        (SQUARE[0], SQUARE[1]),
        "missing part",
        "off by -dy",
    ),
    Exhibit(
        "gain: not summed",
        "broadcast forgotten",
        scaled,
        scaled_without_sum,
        (X, normal(4, seed=3)),
        "wrong axis",
        "over axis 0",
    ),
]
