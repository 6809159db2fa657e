"""What training asks of the data before it begins: their mean row and how far they spread."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.data.rule import GREY

Array = NDArray[Any]

_ROWS = 1024


def mean_of(data: Array) -> Array:
    """Return the mean row, (columns,) float64, of what ``read_data`` returned."""
    if data.dtype == np.uint8:
        return np.asarray(data.mean(axis=0, dtype=np.float64) / GREY)
    with np.errstate(over="ignore"):
        mean = data.mean(axis=0, dtype=np.float64)
    # The sum of numbers near the largest one overflows where their mean does not.
    if not np.isfinite(mean).all():
        mean = (data / len(data)).sum(axis=0, dtype=np.float64)
    return np.asarray(mean)


def variances_of(data: Array) -> Array:
    """Return the variance of each column, (columns,) float64, of what ``read_data`` returned.

    Infinite where the square of a deviation is.
    """
    unit = GREY if data.dtype == np.uint8 else 1
    mean, squares = mean_of(data), np.zeros(data.shape[1])
    with np.errstate(over="ignore"):
        for start in range(0, len(data), _ROWS):
            deviation = data[start : start + _ROWS].astype(np.float64) / unit - mean
            squares += np.square(deviation).sum(axis=0)
    return squares / len(data)


def spread_of(data: Array) -> float:
    """Return the root of the mean of ``variances_of``."""
    return float(np.sqrt(variances_of(data).mean()))
