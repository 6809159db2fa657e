"""Arrays as text: little-endian numbers in base64, which JavaScript reads without a library."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.errors import RangeError

Array = NDArray[Any]

#: What weights can be packed as, and the largest number that each can hold.
PRECISIONS = {name: float(np.finfo(name).max) for name in ("float16", "float32")}


def pack(array: Array, dtype: str) -> dict[str, str]:
    """Return an array's numbers, in C order, for JSON.

    Parameters
    ----------
    array : array
    dtype : str
        ``"uint8"``, ``"float16"`` or ``"float32"``.

    Returns
    -------
    dict
        ``dtype`` and ``base64``.
    """
    little = np.ascontiguousarray(array).astype(np.dtype(dtype).newbyteorder("<"))
    return {"dtype": dtype, "base64": base64.b64encode(little.tobytes()).decode("ascii")}


def round_to(values: Array, precision: str) -> Array:
    """Return values as a page of that precision has them, in their own dtype.

    Raises
    ------
    RangeError
        If one is not finite or larger than the precision can hold.
    """
    largest = PRECISIONS[precision]
    wrong = ~(np.abs(values) <= largest)
    if wrong.any():
        advice = "the training blew up" if precision == "float32" else 'use precision="float32"'
        raise RangeError(
            f"The model has a weight of {values[wrong][0]:g}, which {precision} cannot hold "
            f"(at most {largest:g}): {advice}."
        )
    return values.astype(precision).astype(values.dtype)
