"""Which rows are held back for testing: drawn by a seed, class by class where there are labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

#: A test set larger than this tells little more.
MOST = 10_000


def split_rows(n: int, labels: Array | None, seed: int) -> tuple[Array, Array, bool]:
    """Return which rows train and which test.

    A tenth of the rows tests, rounded down, at least one and at most 10,000.  With labels, each
    class gives its share (largest remainders, ties by lot) but never its last row.

    Parameters
    ----------
    n : int
        How many rows; at least two.
    labels : ndarray of int, (n,), optional
    seed : int

    Returns
    -------
    train : ndarray of int
        ``arange(len(train))``, but for the places of test rows, which the last rows take: few rows
        move, so that a large mapped file stays where it is.
    test : ndarray of int
        Ascending.
    stratified : bool
        Whether the labels decided; not where no class could spare a row.
    """
    rng = np.random.default_rng([seed, n])
    count = min(max(1, n // 10), MOST)
    test = None if labels is None else _from_classes(labels, count, rng)
    stratified = test is not None
    if test is None:
        test = rng.choice(n, count, replace=False)
    test = np.sort(test)
    front = n - len(test)
    kept = np.ones(n, bool)
    kept[test] = False
    train = np.arange(front)
    train[test[test < front]] = front + np.flatnonzero(kept[front:])
    return train, test, stratified


def _from_classes(labels: Array, count: int, rng: np.random.Generator) -> Array | None:
    _, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    wanted = count * sizes / len(labels)
    taken = np.minimum(np.floor(wanted).astype(int), sizes - 1)
    rest = wanted - taken + 1e-9 * rng.random(len(sizes))
    for place in np.argsort(-rest):
        if taken.sum() < count and taken[place] < sizes[place] - 1:
            taken[place] += 1
    if not taken.sum():
        return None
    order = rng.permutation(len(labels))
    by_class = order[np.argsort(codes[order], kind="stable")]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return np.concatenate([by_class[s : s + t] for s, t in zip(starts, taken, strict=True)])
