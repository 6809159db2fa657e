"""What a conditional model says of x without being told its label: log p(x), and p(y given x)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinyvae.errors import UsageError, check_count
from tinyvae.model.bounds import Bounds
from tinyvae.model.vae import VAE, check_vae

Array = NDArray[Any]


class ClassBounds(NamedTuple):
    """Estimates of what every class says of each example; see ``class_bounds``.

    ``given_label`` is (batch, n_classes): log p(x given y) in nats.  ``log_likelihood`` is
    (batch,): log p(x) in nats.  ``posterior`` is (batch, n_classes): p(y given x).
    """

    given_label: Array
    log_likelihood: Array
    posterior: Array


def class_bounds(
    vae: VAE,
    x: ArrayLike,
    n_samples: int = 100,
    *,
    seed: int = 0,
    binarize: str | None = None,
    trusted: bool = False,
) -> ClassBounds:
    """Weigh x under every class of a conditional model, all classes equally likely before.

    log p(x) = log of the sum over y of p(x given y) / n_classes, and p(y given x) is the softmax
    over y of log p(x given y), by Bayes' rule.  Each log p(x given y) is the importance-weighted
    bound of ``n_samples`` samples of q(z given x, y), with the same noise for every class; so both
    are estimates, and that of log p(x) is from below on average.

    Tutorial 14, equations (14.5) and (14.6).

    Parameters
    ----------
    vae : VAE
        A conditional model.
    x : (batch, input_dim) array
    n_samples : int
        Samples of z for each row and each class.
    seed, binarize, trusted
        As in ``VAE.bounds``.

    Returns
    -------
    ClassBounds

    Raises
    ------
    UsageError
        If the model has no classes.
    DataError
        If x is not what the model takes.

    Examples
    --------
    >>> found = class_bounds(vae, digits.test[:100])  # doctest: +SKIP
    >>> (found.posterior.argmax(axis=1) == digits.test_labels[:100]).mean()  # doctest: +SKIP
    """
    check_vae(vae)
    if vae.n_classes is None:
        raise UsageError("vae has no classes: build it with n_classes=, or call vae.bounds.")
    check_count("n_samples", n_samples)
    rows = np.asarray(x) if trusted else vae.inputs.binarized(x, binarize, seed)
    return summed(bounds_by_class(vae, rows, n_samples, seed))


def bounds_by_class(vae: VAE, x: Array, n_samples: int, seed: int) -> list[Bounds]:
    """Return the bounds of x, trusted, as every class in turn, all from the same noise."""
    return [
        vae.bounds(x, n_samples, labels=label, seed=seed, trusted=True)
        for label in range(vae.n_classes or 0)
    ]


def summed(each: Sequence[Bounds]) -> ClassBounds:
    """Return what the bounds given each class say together, by Bayes' rule."""
    given_label = np.stack([bounds.importance_weighted for bounds in each], axis=1)
    largest = given_label.max(axis=1, keepdims=True)
    relative = np.exp(given_label - largest)
    total = relative.sum(axis=1, keepdims=True)
    log_likelihood = (largest + np.log(total / len(each)))[:, 0]
    return ClassBounds(given_label, log_likelihood, relative / total)
