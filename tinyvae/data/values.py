"""Looks at every number once, in chunks, and names the first wrong one with its row and column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from tinyvae.errors import NonFiniteDataError, RangeError

Array = NDArray[Any]

_CHUNK_NUMBERS = 1 << 20
# Scalers leave 1 + 2e-16 and -5e-17 behind: up to 4 units in the last place of 1 are rounding.
_ROUNDING_UNITS = 4


def extremes(array: Array) -> tuple[Any, Any]:
    """Return the smallest and the largest number as Python numbers; NaN where there is one."""
    with np.errstate(invalid="ignore"):
        return array.min().item(), array.max().item()


def is_ready(
    x: object, dtype: np.dtype[Any], width: int, low: float, high: float
) -> TypeGuard[Array]:
    """Look whether x can be taken as it is: (rows, width) of that dtype, from ``low`` to ``high``.

    A training step asks this of every batch; what is not ready has to be read, or named.
    """
    if type(x) is not np.ndarray or x.dtype != dtype or not x.flags.c_contiguous:
        return False
    if x.ndim != 2 or x.shape[1] != width or not len(x):
        return False
    with np.errstate(invalid="ignore"):  # where there is a NaN, both are
        least, largest = np.minimum.reduce(x, axis=None), np.maximum.reduce(x, axis=None)
    return bool(low <= least and largest <= high)


def check_finite(array: Array, argument: str) -> None:
    """Refuse NaN and infinity.

    Raises
    ------
    NonFiniteDataError
        With the first row and column.
    """
    if np.isfinite(extremes(array)).all():
        return
    row, column = _first(array, lambda chunk: ~np.isfinite(chunk))
    raise NonFiniteDataError(
        f"{argument} holds {array[row, column]} at row {row}, column {column}, expected finite "
        "numbers only: remove or fill such rows."
    )


def check_grey(array: Array, argument: str) -> None:
    """Refuse integers outside 0 to 255.

    Raises
    ------
    RangeError
        With the first of them.
    """
    low, high = extremes(array)
    if low < 0 or high > 255:
        row, column = _first(array, lambda chunk: (chunk < 0) | (chunk > 255))
        raise RangeError(
            f"{argument} holds {array[row, column]} at row {row}, column {column}. Integers are "
            "read as grey levels, 0 to 255: divide by the number that means 1, or name it to "
            "load_data with scale_max (--scale-max on the command line)."
        )


def check_counts(array: Array, dtype: np.dtype[Any], argument: str) -> None:
    """Refuse what is not whole numbers from 0 on that ``dtype`` holds exactly.

    Raises
    ------
    RangeError
        With the first that is negative, not whole, or too large for ``dtype`` to tell from its
        neighbours.
    """
    largest = 2 ** (np.finfo(dtype).nmant + 1)

    def wrong(chunk: Array) -> Array:
        # As written, so that NaN is wrong; comparing integers with a float would round them.
        whole = chunk == np.floor(chunk) if chunk.dtype.kind == "f" else True
        return np.asarray(~((chunk >= 0) & (chunk <= largest) & whole))

    row, column = _first(array, wrong)
    if row >= 0:
        raise RangeError(
            f"{argument} holds {array[row, column]} at row {row}, column {column}, expected counts:"
            f" whole numbers from 0 to {largest:,}, the last that {dtype} tells from its "
            "neighbours. Counts are never scaled."
        )


def check_floats(array: Array, dtype: np.dtype[Any], bounded: bool, argument: str) -> Array:
    """Return floats that ``fits`` takes; what lies outside by rounding is clipped, in a copy."""
    return array if fits(array, dtype, bounded, argument) else np.clip(array, 0, 1)


def fits(array: Array, dtype: np.dtype[Any], bounded: bool, argument: str) -> bool:
    """Look whether floats are finite, and in [0, 1] if ``bounded``, once cast to ``dtype``.

    Returns
    -------
    bool
        False where some lie outside [0, 1] by no more than rounding.

    Raises
    ------
    NonFiniteDataError, RangeError
        With the first row and column.
    """
    check_finite(array, argument)
    low, high = extremes(array)
    largest = float(np.finfo(dtype).max)
    if max(-low, high) > largest:
        row, column = _first(array, lambda chunk: np.abs(chunk.astype(np.float64)) > largest)
        raise NonFiniteDataError(
            f"{argument} holds {array[row, column]} at row {row}, column {column}, more than "
            f"{dtype} can hold: scale the data."
        )
    if not bounded or (dtype.type(low) >= 0 and dtype.type(high) <= 1):
        return True
    slack = _ROUNDING_UNITS * max(np.finfo(array.dtype).eps, np.finfo(dtype).eps)
    if low < -slack or high > 1 + slack:
        row, column = _first(array, lambda chunk: (chunk < -slack) | (chunk > 1 + slack))
        raise RangeError(
            f"{argument} holds {array[row, column]} at row {row}, column {column}, expected values "
            "in [0, 1]. Scale the data (grey levels 0 to 255 may stay uint8; --scale-max on the "
            "command line divides), or choose a Gaussian likelihood without binarization."
        )
    return False


def _first(array: Array, wrong: Callable[[Array], Array]) -> tuple[int, int]:
    """Return row and column of the first number that is wrong, or (-1, -1)."""
    rows = max(1, _CHUNK_NUMBERS // max(1, array.shape[1]))
    for start in range(0, len(array), rows):
        found = wrong(array[start : start + rows])
        if found.any():
            row, column = divmod(int(found.argmax()), array.shape[1])
            return start + row, column
    return -1, -1
