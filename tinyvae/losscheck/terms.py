"""The terms a loss may be made of, each one value an example, summed over dimensions.

All are plain formulas of named arrays: ``x`` (batch, ...) the data; ``recon`` of the same shape
what the decoder gave; ``mu``, ``scale`` (batch, latent_dim) what the encoder gave; ``z`` a sample
of the latter two; ``x_scale`` the decoder's own width.  ``scale`` may be a log variance, a width
or what else the third argument is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.ops.reference import softplus

Array = NDArray[np.float64]
Arrays = Mapping[str, Array]


@dataclass(frozen=True)
class Term:
    """A named part of a loss, a mean over the batch; nats where it is a likelihood.

    ``of`` maps arrays (batch, ...) to (batch,).  A term in which examples mix has ``mixed`` in its
    place, from arrays (calls, batch, ...) to (calls,).
    """

    name: str
    of: Callable[[Arrays], Array] | None = None
    mixed: Callable[[Arrays], Array] | None = None

    def value(self, arrays: Arrays) -> float:
        """Return the term for one call."""
        return float(self.values({n: a[None] for n, a in arrays.items()})[0])

    def values(self, arrays: Arrays) -> Array:
        """Return the term for many calls at once: arrays (calls, batch, ...) to (calls,)."""
        with np.errstate(all="ignore"):
            if self.mixed:
                return np.asarray(self.mixed(arrays))
            assert self.of is not None
            calls, batch = next(iter(arrays.values())).shape[:2]
            flat = {n: a.reshape(calls * batch, *a.shape[2:]) for n, a in arrays.items()}
            return np.asarray(self.of(flat).reshape(calls, batch).mean(axis=1))


def per_example(a: Any) -> Array:
    """Return the sum over everything but the first axis."""
    return np.asarray(np.sum(np.reshape(a, (len(a), -1)), axis=1))


def entrywise(name: str, formula: Callable[..., Any], *names: str) -> Term:
    """Return the term that adds ``formula`` of the named arrays up over an example."""
    return Term(name, lambda arrays: per_example(formula(*(arrays[n] for n in names))))


@dataclass(frozen=True)
class Reading:
    """What the third argument may be: how the variance comes from it, and the variance's log."""

    name: str
    words: str
    variance: Callable[[Array], Array]
    log_variance: Callable[[Array], Array]
    variance_words: str
    log_variance_words: str


def _log(a: Array) -> Array:
    return np.asarray(np.log(a))


READINGS = {
    r.name: r
    for r in (
        Reading("logvar", "the log of the variance", np.exp, lambda s: s, "exp({0})", "{0}"),
        Reading(
            "log_sigma",
            "the log of the standard deviation",
            lambda s: np.exp(2.0 * s),
            lambda s: 2.0 * s,
            "exp(2 {0})",
            "2 {0}",
        ),
        Reading(
            "sigma",
            "the standard deviation",
            lambda s: s * s,
            lambda s: 2.0 * _log(np.abs(s)),
            "{0}^2",
            "log({0}^2)",
        ),
        Reading("variance", "the variance", lambda s: s, _log, "{0}", "log({0})"),
        Reading(
            "softplus_sigma",
            "a number whose softplus is the standard deviation",
            lambda s: softplus(s) ** 2,
            lambda s: 2.0 * _log(softplus(s)),
            "softplus({0})^2",
            "log(softplus({0})^2)",
        ),
        Reading(
            "softplus_variance",
            "a number whose softplus is the variance",
            softplus,
            lambda s: _log(softplus(s)),
            "softplus({0})",
            "log(softplus({0}))",
        ),
        Reading(
            "log_precision",
            "minus the log of the variance",
            lambda s: np.exp(-s),
            lambda s: -s,
            "exp(-{0})",
            "(-{0})",
        ),
        Reading(
            "precision",
            "one over the variance",
            lambda s: 1.0 / s,
            lambda s: -_log(s),
            "1/{0}",
            "log(1/{0})",
        ),
    )
}


def variance_of(r: Reading, role: str = "scale") -> Term:
    """Return the variance that an argument stands for, as a term of its own."""
    return entrywise(r.variance_words.format("s"), r.variance, role)


def log_variance_of(r: Reading, role: str = "scale") -> Term:
    """Return the log of that variance, as a term of its own."""
    return entrywise(r.log_variance_words.format("s"), r.log_variance, role)


def bernoulli_of_probability(x: Array, p: Array) -> Array:
    """Return -x log p - (1 - x) log(1 - p)."""
    return np.asarray(-x * np.log(p) - (1.0 - x) * np.log1p(-p))


def bernoulli_of_logits(x: Array, a: Array) -> Array:
    """Return log(1 + exp(a)) - x a."""
    return np.asarray(softplus(a) - x * a)


def huber(x: Array, m: Array) -> Array:
    """Return the squared error's half up to a distance of 1, a straight line beyond."""
    away = np.abs(x - m)
    return np.asarray(np.where(away < 1.0, 0.5 * away * away, away - 0.5))


def log_cosh(x: Array, m: Array) -> Array:
    """Return log cosh(m - x)."""
    away = np.abs(m - x)
    return np.asarray(away + np.log1p(np.exp(-2.0 * away)) - np.log(2.0))


def softmax_cross_entropy(arrays: Arrays) -> Array:
    """Return -sum x log softmax(recon) over the last axis, added up over an example."""
    a = arrays["recon"]
    top = a.max(axis=-1, keepdims=True)
    log_total = top + np.log(np.exp(a - top).sum(axis=-1, keepdims=True))
    return per_example(arrays["x"] * (log_total - a))
