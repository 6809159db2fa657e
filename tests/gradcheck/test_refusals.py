from __future__ import annotations

import numpy as np
import pytest

from tinyvae.errors import DTypeError, NonFiniteDataError, OptionError, ShapeError, UsageError
from tinyvae.gradcheck import check_gradients

X = np.random.default_rng(0).normal(size=(4, 3))


def check(function, gradient, *inputs, **options):
    return lambda: check_gradients(function, gradient, *inputs, **options)


@pytest.mark.parametrize(
    ("error", "words", "call"),
    [
        (DTypeError, "float32 carries 7", check(np.sum, np.ones_like, X.astype(np.float32))),
        (
            DTypeError,
            "output is float32",
            check(lambda x: np.sum(x.astype(np.float32)), np.ones_like, X),
        ),
        (
            DTypeError,
            "gradient of x is float32",
            check(lambda x: np.sum(x), lambda x: np.ones_like(x, np.float32), X),
        ),
        (ShapeError, "sum the output", check(np.tanh, np.ones(3), X)),
        (ShapeError, "1 values for 2", check(lambda x, y: np.sum(x), lambda x, y: (x,), X, X)),
        (
            ShapeError,
            "neither 'a' nor 'da'",
            check(lambda p: np.sum(p["a"]), lambda p: {"b": 1.0}, {"a": X}),
        ),
        (ShapeError, "expected a number", check(lambda x: "a", X, X)),
        (UsageError, "nothing to differentiate", check(np.sum, np.ones_like, np.arange(3))),
        (
            UsageError,
            r"takes \(a, b, c, d\)",
            check(lambda x: np.sum(x), lambda a, b, c, d: X, X),
        ),
        (UsageError, "must be a function", check(3, X, X)),
        (UsageError, "gradient=True", check(lambda x: np.sum(x), True, X)),
        (OptionError, "did you mean 'complex'", check(np.sum, np.ones_like, X, method="complx")),
        (NonFiniteDataError, "NaN", check(lambda x: np.nan * np.sum(x), X, X)),
        (NonFiniteDataError, "x holds NaN", check(lambda x: np.sum(x), X, X * np.nan)),
    ],
)
def test_bad_input_is_refused_with_the_reason(error, words, call):
    with pytest.raises(error, match=words):
        call()


def test_a_readers_generator_never_gives_the_cotangent_itself():
    """x.T @ dy and dy.T @ x agree where dy is x, so the seed's own stream must not be used."""
    for seed in range(3):
        x, weight = np.random.default_rng(seed).normal(size=(2, 4, 4))

        def backward(dy, x, weight):
            return dy @ weight.T, dy.T @ x

        report = check_gradients(lambda x, weight: x @ weight, backward, x, weight, seed=seed)
        assert not report.passed
