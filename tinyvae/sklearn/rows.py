"""Rows as a fitted estimator reads them: each by itself, in the way that was decided in ``fit``.

The rule of ``tinyvae.data.rule`` looks at the smallest and the largest of all numbers.  Asked again
for other rows it may answer otherwise; so it is asked once, and the answer is kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinyvae.data.reading import read_sets, warn
from tinyvae.errors import RangeError

Array = NDArray[Any]


def read_first(x: Array, support: str, dtype: DTypeLike) -> tuple[Array, float | None]:
    """Return the rows of ``fit`` as training takes them, and what whole numbers are divided by.

    Parameters
    ----------
    x : (n, columns) array of bool, whole numbers or floats
    support : str
        What the model can describe; see ``tinyvae.data.rule``.
    dtype : dtype
        Of the model.

    Returns
    -------
    array
        uint8 (read as x / 255 from here on), float32 or float64.
    float or None
        None where x were floats, which are never divided.

    Raises
    ------
    DataError
        If the model cannot be trained on them.
    """
    read, reading = read_sets({"X": x}, support=support, dtype=dtype)
    warn(reading)
    return read["X"], None if x.dtype.kind == "f" else reading.divisor


def read_later(x: Array, divisor: float | None, support: str, dtype: DTypeLike) -> Array:
    """Return other rows as floats, each number read as it was in ``fit``, whatever stands beside.

    Raises
    ------
    RangeError
        If whole numbers came under a likelihood of the unit interval, and ``fit`` saw floats: what
        number means 1 is then not known.
    """
    if x.dtype.kind in "fb":
        return x.astype(dtype, copy=False) if x.dtype.kind == "b" else x
    if divisor is None:
        unit = support in ("binary", "unit_interval")
        if x.max(initial=0) > 1 and (unit or (x.dtype == np.uint8 and support == "real")):
            raise RangeError(
                f"X holds {x.dtype} up to {x.max()}, but fit saw floats: which number means 1 is "
                "not known. Scale them as the rows of fit were scaled."
            )
        divisor = 1.0
    real = np.dtype(dtype).type
    floats: Array = x.astype(real) / real(divisor)
    return floats
