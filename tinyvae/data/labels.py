"""Labels of any usual kind become whole numbers and, where they were words, names for them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Labels(NamedTuple):
    """Labels of both parts, (n,) ints each or None, their names, and why they were dropped."""

    train: Array | None = None
    test: Array | None = None
    names: tuple[str, ...] | None = None
    complaint: str | None = None


def usable_labels(train: Any, n_train: int, test: Any, n_test: int | None) -> Labels:
    """Return labels as whole numbers: from words, objects, categories, whole floats, one-hot rows.

    Parameters
    ----------
    train, test : array_like or None
        One label a row, or one one-hot row a row (or a column, as MATLAB writes them).
    n_train, n_test : int
        How many there must be; ``n_test`` is None where there is no test set.

    Returns
    -------
    Labels
        Without labels and with a complaint if any of them cannot be used.
    """
    if train is None:
        return Labels(complaint=None if test is None else "only the test set has labels")
    plain = {}
    for part, labels, n in (("train", train, n_train), ("test", test, n_test)):
        if labels is None or n is None:
            continue
        found = _plain(labels, n)
        if isinstance(found, str):
            return Labels(complaint=found)
        plain[part] = found
    kinds = {labels.dtype.kind for labels in plain.values()}
    if kinds == {"i"}:
        return Labels(plain["train"], plain.get("test"))
    if len(kinds) > 1:
        return Labels(complaint="those of the two parts are of different kinds")
    names, codes = np.unique(np.concatenate(list(plain.values())), return_inverse=True)
    cut = codes[:n_train].astype(np.int64), codes[n_train:].astype(np.int64)
    return Labels(cut[0], cut[1] if "test" in plain else None, tuple(map(str, names)))


class Classes(NamedTuple):
    """Labels of both parts as indices, (n,) int64 each, into the names of the classes."""

    train: Array
    test: Array
    names: tuple[str, ...]


def as_classes(train: Array, test: Array, names: tuple[str, ...] | None = None) -> Classes:
    """Return labels numbered from 0 on, in their order, and what the classes are called.

    Parameters
    ----------
    train, test : (n,) arrays of int
    names : tuple of str, optional
        What label i stands for; if not given, a class is called as its whole number is written.
    """
    if names is not None:
        return Classes(train.astype(np.int64), test.astype(np.int64), names)
    values, codes = np.unique(np.concatenate([train, test]), return_inverse=True)
    words = tuple(str(value) for value in values.tolist())
    codes = codes.astype(np.int64)
    return Classes(codes[: len(train)], codes[len(train) :], words)


def _plain(labels: Any, n: int) -> Array | str:
    """Return (n,) int64 or words, or what is wrong."""
    if np.ma.is_masked(labels):
        return "some are missing"
    array = np.asarray(labels)
    if array.ndim == 2 and min(array.shape) > 1:
        one_hot = _from_one_hot(array, n)
        if one_hot is None:
            return f"their shape is {array.shape}, and they are not one-hot"
        return one_hot
    if array.size != n:
        return f"there are {array.size} for {n} rows"
    array = array.reshape(n)
    if array.dtype == object:
        array = _from_objects(array)
    if array.dtype.kind == "S":
        array = np.char.decode(array, "latin-1")
    if array.dtype.kind == "U":
        return array
    if array.dtype.kind in "biu":
        return _as_int64(array)
    if array.dtype.kind == "f":
        whole = np.isfinite(array).all() and (array == np.floor(array)).all()
        return _as_int64(array) if whole else "they hold fractions or NaN"
    return f"they hold {array.dtype}"


def _as_int64(array: Array) -> Array | str:
    if array.dtype != np.bool_ and array.size and (array.max() >= 2**63 or array.min() < -(2**63)):
        return "they do not fit 64 bits"
    return array.astype(np.int64)


def _from_one_hot(array: Array, n: int) -> Array | None:
    if array.shape[0] != n and array.shape[1] == n:
        array = array.T
    if array.shape[0] != n or array.dtype.kind not in "biuf":
        return None
    whole = np.isin(array, (0, 1)).all() and (array.sum(axis=1) == 1).all()
    return array.argmax(axis=1).astype(np.int64) if whole else None


def _from_objects(array: Array) -> Array:
    """Return words or numbers out of an array of objects; itself if it holds anything else."""
    values = [v.decode("latin-1") if isinstance(v, bytes) else v for v in array.tolist()]
    if all(isinstance(value, str) for value in values):
        return np.array(values, dtype=np.str_)
    if all(isinstance(value, int | float | np.number | np.bool_) for value in values):
        try:
            return np.array(values)
        except (ValueError, OverflowError):
            return array
    return array
