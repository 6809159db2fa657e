"""Classes of any kind as the whole numbers from 0 on that a conditional model takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import unique_labels

from tinyvae.errors import RangeError, ShapeError, SizeError, UsageError

Array = NDArray[Any]

_NEEDED = "y=None: a model with conditional=True needs a class for each row."


def new_classes(y: Any, classes: Any = None) -> Array:
    """Return the classes of y in order, or all that were named.

    Raises
    ------
    UsageError, ValueError
        If there is no y, or it holds no classes.
    SizeError
        If there are fewer than two.
    """
    if y is None:
        raise UsageError(_NEEDED)
    found: Array = unique_labels(column_or_1d(y if classes is None else classes))
    if len(found) < 2:
        raise SizeError(f"y has the one class {found.tolist()[0]!r}, expected at least 2.")
    return found


def check_same_classes(classes: Any, known: Array) -> None:
    """Refuse other classes than those of the first call.

    Raises
    ------
    UsageError
    """
    if not np.array_equal(unique_labels(column_or_1d(classes)), known):
        raise UsageError(
            f"classes={list(classes)!r} are not those of the first call, {known.tolist()!r}."
        )


def codes_of(y: Any, classes: Array, n: int) -> Array:
    """Return the place of each label among the classes, (n,) int64.

    Raises
    ------
    UsageError, ShapeError, RangeError
        If there is no y, if it is of another length, or holds a class that is not known.
    """
    if y is None:
        raise UsageError(_NEEDED)
    labels = column_or_1d(y)
    if len(labels) != n:
        raise ShapeError(f"y has {len(labels)} labels, expected {n}: one for each row.")
    codes = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
    unknown = classes[codes] != labels
    if unknown.any():
        row = int(unknown.argmax())
        raise RangeError(
            f"y holds {labels.tolist()[row]!r} at row {row}, expected one of the classes of fit: "
            f"{', '.join(map(repr, classes.tolist()))}."
        )
    found: Array = codes.astype(np.int64)
    return found
