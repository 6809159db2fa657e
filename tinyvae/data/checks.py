"""The door: data are checked here once, so that no kernel ever meets bad input.

Reads the data in chunks and never copies them as a whole; it changes nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.errors import (
    DTypeError,
    EmptyDataError,
    NonFiniteDataError,
    RangeError,
    ShapeError,
    check_option,
)

_DTYPES = (np.dtype(np.uint8), np.dtype(np.float32), np.dtype(np.float64))
_UNIT_INTERVAL = {
    "bernoulli": True,
    "continuous_bernoulli": True,
    "gaussian": False,
    "gaussian_learned": False,
}
_CHUNK_NUMBERS = 1 << 20


def check_data(
    x: object,
    *,
    likelihood: str | None = None,
    input_dim: int | None = None,
    argument: str = "x",
    min_rows: int = 2,
) -> NDArray[Any]:
    """Return ``x`` as an array, unchanged, once it is sure that a model can take it.

    Parameters
    ----------
    x : array_like, (rows, columns)
        uint8 (grey levels, read as x / 255), float32 or float64.
    likelihood : {"bernoulli", "continuous_bernoulli", "gaussian"}, optional
        The first two take values in [0, 1], which uint8 always satisfies; the last takes any
        finite value.  Without one, finite values will do.
    input_dim : int, optional
        The number of columns wanted.
    argument : str
        What the messages call the data.
    min_rows : int
        Fewer rows than this are refused.

    Returns
    -------
    ndarray, (rows, columns)
        ``x`` itself if it is an array.

    Raises
    ------
    DTypeError, ShapeError, EmptyDataError
        Wrong kind of numbers, not two-dimensional or of the wrong width, too few rows.
    NonFiniteDataError, RangeError
        NaN or infinity, or a value outside the range; with the first row and column.
    OptionError
        If the likelihood is not known.
    """
    bounded = (
        likelihood is not None
        and _UNIT_INTERVAL[check_option("likelihood", likelihood, _UNIT_INTERVAL)]
    )
    array = _as_array(x, argument)
    _check_shape(array, input_dim, argument, min_rows)
    if array.dtype != np.uint8:
        rows = max(1, _CHUNK_NUMBERS // array.shape[1])
        for start in range(0, len(array), rows):
            _check_values(array[start : start + rows], start, bounded, argument)
    return array


def _as_array(x: object, argument: str) -> NDArray[Any]:
    try:
        array = np.asarray(x)
    except ValueError as problem:
        raise DTypeError(f"{argument} is not an array of numbers: {problem}") from problem
    if array.dtype not in _DTYPES:
        advice = "use .astype(numpy.float32)"
        if array.dtype.kind in "iu":
            advice = "use .astype(numpy.uint8) for grey levels 0 to 255, else numpy.float32"
        raise DTypeError(
            f"{argument} holds {array.dtype}, expected uint8, float32 or float64 in native byte "
            f"order: {advice}."
        )
    return array


def _check_shape(array: NDArray[Any], input_dim: int | None, argument: str, min_rows: int) -> None:
    if array.ndim != 2:
        raise ShapeError(
            f"{argument} has shape {array.shape}, expected (rows, columns): flatten images with "
            f"{argument}.reshape(len({argument}), -1)."
        )
    rows, columns = array.shape
    if rows < min_rows or columns == 0:
        raise EmptyDataError(
            f"{argument} has shape {array.shape}, expected at least {min_rows} "
            f"row{'s' * (min_rows != 1)} and 1 column."
        )
    if input_dim is not None and columns != input_dim:
        raise ShapeError(
            f"{argument} has {columns} columns, expected {input_dim}, the model's input_dim."
        )


def _check_values(chunk: NDArray[Any], start: int, bounded: bool, argument: str) -> None:
    # The smallest and the largest value tell all: NaN and infinity come out of them too.
    low, high = chunk.min(), chunk.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        row, column = _first(~np.isfinite(chunk))
        raise NonFiniteDataError(
            f"{argument} holds {chunk[row, column]} at row {start + row}, column {column}, "
            "expected finite numbers only: remove or fill such rows."
        )
    if bounded and (low < 0 or high > 1):
        row, column = _first((chunk < 0) | (chunk > 1))
        raise RangeError(
            f"{argument} holds {chunk[row, column]:g} at row {start + row}, column {column}, "
            "expected values in [0, 1].  Scale the data (grey levels 0 to 255 may stay uint8), or "
            'choose likelihood="gaussian" with binarize="none".'
        )


def _first(wrong: NDArray[np.bool_]) -> tuple[int, int]:
    row, column = divmod(int(wrong.argmax()), wrong.shape[1])
    return row, column
