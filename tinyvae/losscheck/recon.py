"""What a reconstruction should be: each likelihood, of one argument beside x or of two."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinyvae.losscheck.hypotheses import Hypothesis
from tinyvae.losscheck.terms import (
    READINGS,
    Array,
    Term,
    bernoulli_of_logits,
    bernoulli_of_probability,
    entrywise,
    log_variance_of,
    softmax_cross_entropy,
)
from tinyvae.ops.reference import log_partition, sigmoid

NLL, SQUARED, ABSOLUTE = "reconstruction", "squared_error", "absolute_error"


def of(name: str, formula: Callable[[Array, Array], Array]) -> Term:
    """Return a term of x and the reconstruction."""
    return entrywise(name, formula, "x", "recon")


def square(x: Array, m: Array) -> Array:
    """Return the squared error of each value."""
    return np.asarray((x - m) ** 2)


def _logit(p: Array) -> Array:
    return np.asarray(np.log(p) - np.log1p(-p))


BERNOULLI_P = of(NLL, bernoulli_of_probability)
BERNOULLI_L = of(NLL, bernoulli_of_logits)
SQUARE = of(SQUARED, square)
SQUARE_TANH = of(SQUARED, lambda x, a: square(x, np.tanh(a)))
SQUARE_L = of(SQUARED, lambda x, a: square(x, sigmoid(a)))


def likelihoods() -> list[Hypothesis]:
    """Return what a reconstruction should be, of one argument beside x."""
    return [
        Hypothesis("bernoulli", (BERNOULLI_P,), True, "probability", "bernoulli"),
        Hypothesis("bernoulli", (BERNOULLI_L,), True, "logits", "bernoulli"),
        Hypothesis("gaussian", (SQUARE,), True, "mean", "gaussian"),
        Hypothesis("gaussian", (SQUARE_L,), True, "logits", "gaussian"),
        Hypothesis("gaussian", (SQUARE_TANH,), True, "before tanh", "gaussian"),
        Hypothesis(
            "continuous_bernoulli",
            (of(NLL, lambda x, p: log_partition(_logit(p)) - x * _logit(p)),),
            True,
            "probability",
            "continuous_bernoulli",
        ),
        Hypothesis(
            "continuous_bernoulli",
            (of(NLL, lambda x, a: log_partition(a) - x * a),),
            True,
            "logits",
            "continuous_bernoulli",
        ),
        Hypothesis("laplace", (of(ABSOLUTE, lambda x, m: np.abs(x - m)),), True, "mean", "laplace"),
        Hypothesis(
            "laplace",
            (of(ABSOLUTE, lambda x, a: np.abs(x - sigmoid(a))),),
            True,
            "logits",
            "laplace",
        ),
        Hypothesis("poisson", (of(NLL, lambda x, r: r - x * np.log(r)),), True, "rate", "poisson"),
        Hypothesis(
            "poisson",
            (of(NLL, lambda x, a: np.exp(a) - x * a),),
            True,
            "log of the rate",
            "poisson",
        ),
        Hypothesis(
            "categorical", (Term(NLL, softmax_cross_entropy),), True, "logits", "categorical"
        ),
    ]


def with_width() -> list[Hypothesis]:
    """Return what a reconstruction may be whose decoder gives a width, too."""
    found = []
    for r in READINGS.values():
        nll = entrywise(
            NLL,
            lambda x, m, s, r=r: 0.5 * ((x - m) ** 2 / r.variance(s) + r.log_variance(s)),
            "x",
            "recon",
            "x_scale",
        )
        found.append(Hypothesis("gaussian", (nll,), True, r.name, "gaussian with a learned width"))
    for r in READINGS.values():
        error = entrywise(
            f"(x - mean)^2/({r.variance_words.format('s')})",
            lambda x, m, s, r=r: (x - m) ** 2 / r.variance(s),
            "x",
            "recon",
            "x_scale",
        )
        terms = (error, log_variance_of(r, "x_scale"))
        found.append(Hypothesis("gaussian_pieces", terms, False, r.name, explain=_gaussian_pieces))
    return found


def _gaussian_pieces(weights: tuple[float, ...]) -> str:
    square, width = weights
    if width == 0.0:
        return "The log of the width is missing from the Gaussian: a larger width is always better."
    return (
        f"The Gaussian weighs its square with {square:.6g} and the log of its variance with "
        f"{width:.6g}; both should be 1/2 (or the same)."
    )
