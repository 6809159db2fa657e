"""What the reconstruction may be: each likelihood, and what is written in its place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinyvae.losscheck.hypotheses import Hypothesis
from tinyvae.losscheck.terms import (
    READINGS,
    Array,
    Arrays,
    Term,
    bernoulli_of_logits,
    bernoulli_of_probability,
    entrywise,
    huber,
    log_cosh,
    sigmoid,
    softmax_cross_entropy,
    softplus,
)
from tinyvae.ops.reference import log_partition

NLL, SQUARED, ABSOLUTE = "reconstruction", "squared_error", "absolute_error"
LOG_SQUARED = "input_dim * log(mean squared error)"


def _of(name: str, formula: Callable[[Array, Array], Array]) -> Term:
    return entrywise(name, formula, "x", "recon")


def _square(x: Array, m: Array) -> Array:
    return np.asarray((x - m) ** 2)


def _logit(p: Array) -> Array:
    return np.asarray(np.log(p) - np.log1p(-p))


BERNOULLI_P = _of(NLL, bernoulli_of_probability)
BERNOULLI_L = _of(NLL, bernoulli_of_logits)
SQUARE = _of(SQUARED, _square)
SQUARE_TANH = _of(SQUARED, lambda x, a: _square(x, np.tanh(a)))
SQUARE_L = _of(SQUARED, lambda x, a: _square(x, sigmoid(a)))


def _swapped(x: Array, p: Array) -> Array:
    return -p * np.log(x) - (1.0 - p) * np.log1p(-x)


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
            (_of(NLL, lambda x, p: log_partition(_logit(p)) - x * _logit(p)),),
            True,
            "probability",
            "continuous_bernoulli",
        ),
        Hypothesis(
            "continuous_bernoulli",
            (_of(NLL, lambda x, a: log_partition(a) - x * a),),
            True,
            "logits",
            "continuous_bernoulli",
        ),
        Hypothesis(
            "laplace", (_of(ABSOLUTE, lambda x, m: np.abs(x - m)),), True, "mean", "laplace"
        ),
        Hypothesis(
            "laplace",
            (_of(ABSOLUTE, lambda x, a: np.abs(x - sigmoid(a))),),
            True,
            "logits",
            "laplace",
        ),
        Hypothesis("poisson", (_of(NLL, lambda x, r: r - x * np.log(r)),), True, "rate", "poisson"),
        Hypothesis(
            "poisson",
            (_of(NLL, lambda x, a: np.exp(a) - x * a),),
            True,
            "log of the rate",
            "poisson",
        ),
        Hypothesis(
            "categorical", (Term(NLL, softmax_cross_entropy),), True, "logits", "categorical"
        ),
    ]


def mistakes() -> list[Hypothesis]:
    """Return what is written in a likelihood's place, of one argument beside x."""
    twice = "The sigmoid is applied twice: the logits go through it before a loss that applies it."
    return [
        Hypothesis(
            "sigmoid_twice",
            (_of(NLL, lambda x, a: bernoulli_of_logits(x, sigmoid(a))),),
            words=twice,
            mend="Hand the logits over as they are.",
        ),
        Hypothesis(
            "sigmoid_twice",
            (_of(NLL, lambda x, a: bernoulli_of_probability(x, sigmoid(sigmoid(a)))),),
            words=twice,
            mend="Apply the sigmoid once.",
        ),
        Hypothesis(
            "sigmoid_twice",
            (_of(SQUARED, lambda x, a: _square(x, sigmoid(sigmoid(a)))),),
            words="The sigmoid is applied twice before the squared error.",
            mend="Apply the sigmoid once.",
        ),
        Hypothesis(
            "swapped",
            (_of(NLL, _swapped),),
            words="The data and the reconstruction have changed places in the cross-entropy: the "
            "logarithm is taken of x.",
            mend="Swap the two arguments.",
        ),
        Hypothesis(
            "inverted",
            (_of(NLL, lambda x, p: bernoulli_of_probability(1.0 - x, p)),),
            words="Black and white are swapped in the cross-entropy: x stands where 1 - x belongs.",
            mend="Swap x and 1 - x.",
        ),
        Hypothesis(
            "inverted",
            (_of(NLL, lambda x, a: bernoulli_of_logits(1.0 - x, a)),),
            words="The sign of x * logits is wrong: black and white are swapped.",
            mend="Write softplus(logits) - x * logits.",
        ),
        _half("x log p", lambda x, p: -x * np.log(p), "(1 - x) log(1 - p)"),
        _half("(1 - x) log(1 - p)", lambda x, p: -(1.0 - x) * np.log1p(-p), "x log p"),
        _half("x log p", lambda x, a: x * softplus(-a), "(1 - x) log(1 - p)"),
        _half("(1 - x) log(1 - p)", lambda x, a: (1.0 - x) * softplus(a), "x log p"),
        *_weighted(),
        *_no_likelihood(),
    ]


def _half(there: str, formula: Callable[[Array, Array], Array], lost: str) -> Hypothesis:
    return Hypothesis(
        "half_missing",
        (_of(NLL, formula),),
        words=f"Only {there} of the cross-entropy is there; {lost} is missing.",
        mend="Add the other half: -x log p - (1 - x) log(1 - p).",
    )


def _weighted() -> list[Hypothesis]:
    def explain(weights: tuple[float, ...]) -> str:
        ratio = weights[0] / weights[1]
        return (
            "The cross-entropy weighs its two halves "
            f"differently: x log p has {ratio:.6g} times the "
            "weight of (1 - x) log(1 - p), which is the likelihood of no distribution."
        )

    mend = "Give both halves the same weight."
    ones_p = _of("-x log p", lambda x, p: -x * np.log(p))
    zeros_p = _of("-(1 - x) log(1 - p)", lambda x, p: -(1.0 - x) * np.log1p(-p))
    ones_l = _of("-x log p", lambda x, a: x * softplus(-a))
    zeros_l = _of("-(1 - x) log(1 - p)", lambda x, a: (1.0 - x) * softplus(a))
    return [
        Hypothesis("weighted", (ones_p, zeros_p), False, "probability", "", mend, explain),
        Hypothesis("weighted", (ones_l, zeros_l), False, "logits", "", mend, explain),
    ]


def _squares(arrays: Arrays) -> Array:
    """Return squared errors as (calls, batch, input_dim)."""
    square = _square(arrays["x"], arrays["recon"])
    return square.reshape(*square.shape[:2], -1)


def _root(arrays: Arrays) -> Array:
    return np.asarray(np.sqrt(_squares(arrays).sum(2)).mean(1))


def _root_of_batch(arrays: Arrays) -> Array:
    square = _squares(arrays)
    return np.asarray(np.sqrt(square.sum((1, 2)) / square.shape[1]))


def _log_square(arrays: Arrays) -> Array:
    square = _squares(arrays)
    return np.asarray(square.shape[2] * np.log(square.mean(2)).mean(1))


def _log_square_of_batch(arrays: Arrays) -> Array:
    square = _squares(arrays)
    return np.asarray(square.shape[2] * np.log(square.mean((1, 2))))


def _no_likelihood() -> list[Hypothesis]:
    root = (
        "The square root of the squared error is no log-likelihood of independent values: its "
        "gradient does not shrink as the reconstruction gets better."
    )
    mend = "Leave the root out; the squared error is Gaussian."
    robust = "a robust error, which is minus the log of no usual likelihood"
    return [
        Hypothesis("root", (Term("root_error", mixed=_root),), words=root, mend=mend),
        Hypothesis("root", (Term("root_error", mixed=_root_of_batch),), words=root, mend=mend),
        Hypothesis(
            "optimal_sigma",
            (Term(LOG_SQUARED, mixed=_log_square_of_batch),),
            True,
            "mean",
            "gaussian, sigma learned in closed form from the batch",
        ),
        Hypothesis(
            "optimal_sigma",
            (Term(LOG_SQUARED, mixed=_log_square),),
            True,
            "mean",
            "gaussian, sigma learned in closed form from each example",
        ),
        Hypothesis("huber", (_of("huber", huber),), words=f"This is the Huber loss, {robust}."),
        Hypothesis("log_cosh", (_of("log_cosh", log_cosh),), words=f"This is log cosh, {robust}."),
        Hypothesis(
            "mixed",
            (BERNOULLI_P, SQUARE),
            words="Cross-entropy and squared error are added: two likelihoods for the same data.",
            mend="Keep one of them.",
        ),
        Hypothesis(
            "mixed",
            (SQUARE, _of(ABSOLUTE, lambda x, m: np.abs(x - m))),
            words="Squared and absolute error are added: two likelihoods for the same data.",
            mend="Keep one of them.",
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
        square = entrywise(
            f"(x - mean)^2/({r.variance_words.format('s')})",
            lambda x, m, s, r=r: (x - m) ** 2 / r.variance(s),
            "x",
            "recon",
            "x_scale",
        )
        width = entrywise(
            r.log_variance_words.format("s"), lambda s, r=r: r.log_variance(s), "x_scale"
        )
        found.append(
            Hypothesis("gaussian_pieces", (square, width), False, r.name, explain=_gaussian_pieces)
        )
    return found


def _gaussian_pieces(weights: tuple[float, ...]) -> str:
    square, width = weights
    if width == 0.0:
        return "The log of the width is missing from the Gaussian: a larger width is always better."
    return (
        f"The Gaussian weighs its square with {square:.6g} and the log of its variance with "
        f"{width:.6g}; both should be 1/2 (or the same)."
    )
