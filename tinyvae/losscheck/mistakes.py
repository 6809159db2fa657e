"""What is written in the place of a likelihood: halves of it, swapped arguments, other errors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinyvae.losscheck.hypotheses import Hypothesis
from tinyvae.losscheck.recon import (
    ABSOLUTE,
    BERNOULLI_P,
    NLL,
    SQUARE,
    SQUARED,
    of,
    square,
)
from tinyvae.losscheck.terms import (
    Array,
    Arrays,
    Term,
    bernoulli_of_logits,
    bernoulli_of_probability,
    huber,
    log_cosh,
)
from tinyvae.ops.reference import sigmoid, softplus

LOG_SQUARED = "input_dim * log(mean squared error)"


def _swapped(x: Array, p: Array) -> Array:
    return -p * np.log(x) - (1.0 - p) * np.log1p(-x)


def mistakes() -> list[Hypothesis]:
    """Return what is written in a likelihood's place, of one argument beside x."""
    twice = "The sigmoid is applied twice: the logits go through it before a loss that applies it."
    return [
        Hypothesis(
            "sigmoid_twice",
            (of(NLL, lambda x, a: bernoulli_of_logits(x, sigmoid(a))),),
            words=twice,
            mend="Hand the logits over as they are.",
        ),
        Hypothesis(
            "sigmoid_twice",
            (of(NLL, lambda x, a: bernoulli_of_probability(x, sigmoid(sigmoid(a)))),),
            words=twice,
            mend="Apply the sigmoid once.",
        ),
        Hypothesis(
            "sigmoid_twice",
            (of(SQUARED, lambda x, a: square(x, sigmoid(sigmoid(a)))),),
            words="The sigmoid is applied twice before the squared error.",
            mend="Apply the sigmoid once.",
        ),
        Hypothesis(
            "swapped",
            (of(NLL, _swapped),),
            words="The data and the reconstruction have changed places in the cross-entropy: the "
            "logarithm is taken of x.",
            mend="Swap the two arguments.",
        ),
        Hypothesis(
            "inverted",
            (of(NLL, lambda x, p: bernoulli_of_probability(1.0 - x, p)),),
            words="Black and white are swapped in the cross-entropy: x stands where 1 - x belongs.",
            mend="Swap x and 1 - x.",
        ),
        Hypothesis(
            "inverted",
            (of(NLL, lambda x, a: bernoulli_of_logits(1.0 - x, a)),),
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
        (of(NLL, formula),),
        words=f"Only {there} of the cross-entropy is there; {lost} is missing.",
        mend="Add the other half: -x log p - (1 - x) log(1 - p).",
    )


def _weighted() -> list[Hypothesis]:
    def explain(weights: tuple[float, ...]) -> str:
        ratio = weights[0] / weights[1]
        return (
            f"The cross-entropy weighs its two halves differently: x log p has {ratio:.6g} times "
            "the weight of (1 - x) log(1 - p), which is the likelihood of no distribution."
        )

    mend = "Give both halves the same weight."
    ones_p = of("-x log p", lambda x, p: -x * np.log(p))
    zeros_p = of("-(1 - x) log(1 - p)", lambda x, p: -(1.0 - x) * np.log1p(-p))
    ones_l = of("-x log p", lambda x, a: x * softplus(-a))
    zeros_l = of("-(1 - x) log(1 - p)", lambda x, a: (1.0 - x) * softplus(a))
    return [
        Hypothesis("weighted", (ones_p, zeros_p), False, "probability", "", mend, explain),
        Hypothesis("weighted", (ones_l, zeros_l), False, "logits", "", mend, explain),
    ]


def _squares(arrays: Arrays) -> Array:
    """Return squared errors as (calls, batch, input_dim)."""
    found = square(arrays["x"], arrays["recon"])
    return found.reshape(*found.shape[:2], -1)


def _root(arrays: Arrays) -> Array:
    return np.asarray(np.sqrt(_squares(arrays).sum(2)).mean(1))


def _root_of_batch(arrays: Arrays) -> Array:
    found = _squares(arrays)
    return np.asarray(np.sqrt(found.sum((1, 2)) / found.shape[1]))


def _log_square(arrays: Arrays) -> Array:
    found = _squares(arrays)
    return np.asarray(found.shape[2] * np.log(found.mean(2)).mean(1))


def _log_square_of_batch(arrays: Arrays) -> Array:
    found = _squares(arrays)
    return np.asarray(found.shape[2] * np.log(found.mean((1, 2))))


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
        Hypothesis("huber", (of("huber", huber),), words=f"This is the Huber loss, {robust}."),
        Hypothesis("log_cosh", (of("log_cosh", log_cosh),), words=f"This is log cosh, {robust}."),
        Hypothesis(
            "mixed",
            (BERNOULLI_P, SQUARE),
            words="Cross-entropy and squared error are added: two likelihoods for the same data.",
            mend="Keep one of them.",
        ),
        Hypothesis(
            "mixed",
            (SQUARE, of(ABSOLUTE, lambda x, m: np.abs(x - m))),
            words="Squared and absolute error are added: two likelihoods for the same data.",
            mend="Keep one of them.",
        ),
    ]
