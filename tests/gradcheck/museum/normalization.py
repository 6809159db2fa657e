"""Functions that couple the entries of a row or of the batch."""

import numpy as np

from museum.exhibit import Exhibit, normal, softmax

X, GAIN = normal(6, 4), 1.0 + 0.3 * normal(4, seed=7)


def centred(x):
    return x - x.mean(axis=0)


def batch_norm(x, gain):
    c = x - x.mean(axis=0)
    return gain * c / np.sqrt((c**2).mean(axis=0) + 1e-5)


def batch_norm_constant_statistics(dy, x, gain):
    c = x - x.mean(axis=0)
    s = np.sqrt((c**2).mean(axis=0) + 1e-5)
    return dy * gain / s, (dy * c / s).sum(axis=0)


def batch_norm_no_gain(dy, x, gain):
    c = x - x.mean(axis=0)
    s = np.sqrt((c**2).mean(axis=0) + 1e-5)
    y, d = c / s, dy - dy.mean(axis=0)
    return (d - y * (dy * y).mean(axis=0)) / s, (dy * y).sum(axis=0)


def log_softmax(x):
    return np.log(softmax(x))


def unit_rows(x):
    return x / np.sqrt((x**2).sum(axis=1, keepdims=True))


def mean_pool(x):
    return x.mean(axis=1)


EXHIBITS = [
    Exhibit(
        "centring: mean ignored",
        "dy for dy - mean(dy)",
        centred,
        lambda dy, x: dy,
        (X,),
        "shared path",
        "axis 0",
    ),
    Exhibit(
        "batch norm: statistics held fixed",
        "mean and variance ignored",
        batch_norm,
        batch_norm_constant_statistics,
        (X, GAIN),
        "shared path",
        "multiple of x",
    ),
    Exhibit(
        "batch norm: no gain in dx",
        "gain forgotten",
        batch_norm,
        batch_norm_no_gain,
        (X, GAIN),
        "chain rule",
        "1 / gain",
    ),
    Exhibit(
        "log softmax: sum ignored",
        "dy for dy - p sum(dy)",
        log_softmax,
        lambda dy, x: dy,
        (X,),
        "shared path",
        "axis 1",
    ),
    Exhibit(
        "unit rows: norm held fixed",
        "dy / norm",
        unit_rows,
        lambda dy, x: dy / np.sqrt((x**2).sum(axis=1, keepdims=True)),
        (X,),
        "shared path",
        "multiple of x",
    ),
    Exhibit(
        "mean pool: sum",
        "no / features",
        mean_pool,
        lambda dy, x: np.repeat(dy[:, None], 4, axis=1),
        (X,),
        "factor",
        "4",
    ),
    Exhibit(
        "softmax: over the batch",
        "axis=0 in backward",
        softmax,
        lambda dy, x: softmax(x) * (dy - (dy * softmax(x)).sum(axis=0)),
        (X,),
        "wrong axis",
    ),
]
