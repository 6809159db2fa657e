"""The door that every model's data pass: looked at once, read by the one rule, made floats.

What stored numbers mean stands in ``rule.py``; how they become floats, in ``rows.py``.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinyvae.data.arrays import as_array, check_shape
from tinyvae.data.rows import Rows
from tinyvae.data.rule import BRIGHT, Reading, decide
from tinyvae.data.values import check_floats, check_grey, extremes, is_ready
from tinyvae.errors import ReadingWarning

Array = NDArray[Any]


def read_sets(
    sets: Mapping[str, object],
    *,
    support: str | None = None,
    dtype: DTypeLike | None = None,
    input_dim: int | None = None,
    min_rows: int = 2,
    white: float | None = None,
) -> tuple[dict[str, Array], Reading]:
    """Return data sets that belong together as arrays to train on, read in one way.

    Parameters
    ----------
    sets : mapping of str to array_like, (rows, columns)
        What messages call each, and the data.  Integers are read by the smallest and the largest
        of them all, so that a dark test set does not turn grey into black and white.
    support : str, optional
        One of ``rule.SUPPORTS``; without it finite floats will do.
    dtype : dtype, optional
        Of the model; what it cannot hold is refused, and what lies in [0, 1] only after rounding
        to it is taken.
    input_dim : int, optional
        The number of columns wanted.
    min_rows : int
        Fewer rows than this in the first set are refused; the others need one.
    white : float, optional
        The number that means 1, where it is known.

    Returns
    -------
    dict of str to ndarray
        uint8 (read as x / 255 from here on), float32 or float64, in C order; the data themselves
        where nothing had to change.  Reading the result again gives the same numbers.
    Reading
        Of the first set.

    Raises
    ------
    DTypeError, ShapeError, EmptyDataError
        Not numbers, not two-dimensional or of the wrong width, too few rows.
    NonFiniteDataError, RangeError
        NaN, infinity, or a value outside the support, with the first row and column; integers that
        could mean several things.
    """
    looked = _look(sets, support, dtype, input_dim, min_rows, white)
    return {name: rows.read() for name, rows in looked.items()}, next(iter(looked.values())).reading


def _look(
    sets: Mapping[str, object],
    support: str | None,
    dtype: DTypeLike | None,
    input_dim: int | None,
    min_rows: int,
    white: float | None,
) -> dict[str, Rows]:
    """Return each data set with what its numbers mean; see ``read_sets``."""
    arrays = {name: as_array(x, name) for name, x in sets.items()}
    for i, (name, array) in enumerate(arrays.items()):
        check_shape(array, input_dim, name, 1 if i else min_rows)
    whole = [name for name, array in arrays.items() if array.dtype.kind in "iu"]
    ends = {name: extremes(array) for name, array in arrays.items()}
    # Levels that would be read otherwise when they come back alone are kept as floats.
    sure = all(not ends[name][1] or ends[name][1] >= BRIGHT for name in whole)
    looked = {}
    for name, array in arrays.items():
        group = whole if name in whole else [name]
        if name in whole and white is None and support not in ("real", "counts"):
            check_grey(array, name)
        kind = np.result_type(*(arrays[other] for other in group))
        low, high = min(ends[n][0] for n in group), max(ends[n][1] for n in group)
        reading = decide(kind, low, high, support, name, white)
        looked[name] = Rows(array, reading, support, _float(dtype), name, sure)
    return looked


def read_data(
    x: object,
    *,
    support: str | None = None,
    dtype: DTypeLike | None = None,
    input_dim: int | None = None,
    argument: str = "x",
    min_rows: int = 2,
) -> Array:
    """Return one data set as an array to train on; see ``read_sets``.

    Warns
    -----
    ReadingWarning
        If the numbers are read as grey levels and may be something else.
    """
    read, reading = read_sets(
        {argument: x}, support=support, dtype=dtype, input_dim=input_dim, min_rows=min_rows
    )
    warn(reading)
    return read[argument]


def read_batch(
    x: object,
    *,
    support: str,
    dtype: DTypeLike,
    input_dim: int,
    argument: str = "x",
    min_rows: int = 1,
) -> Array:
    """Return data as a float batch in C order, (rows, input_dim): checked, read by the rule, cast.

    Raises and warns as ``read_data``.
    """
    real = _real(dtype)
    low, high = (-_largest(real), _largest(real)) if support == "real" else (0.0, 1.0)
    if support != "counts" and is_ready(x, real, input_dim, low, high) and len(x) >= min_rows:
        return x  # (counts have to be whole, too)
    rows = _one(x, support, real, input_dim, argument, min_rows)
    return rows.floats(slice(None))


def read_rows(x: object, *, support: str, dtype: DTypeLike, input_dim: int) -> Rows:
    """Return data that ``read_batch`` would take, looked at, to be made floats part by part.

    Raises and warns as ``read_data``.
    """
    rows = _one(x, support, dtype, input_dim, "x", 1)
    rows.check()
    return rows


def _one(
    x: object, support: str, dtype: DTypeLike, input_dim: int, argument: str, min_rows: int
) -> Rows:
    rows = _look({argument: x}, support, _real(dtype), input_dim, min_rows, None)[argument]
    warn(rows.reading, stacklevel=4)
    return rows


def read_numbers(came: object, *, dtype: DTypeLike, width: int, argument: str) -> Array:
    """Return z or noise as a float batch in C order, (rows, width); never scaled.

    Raises
    ------
    DTypeError, ShapeError, EmptyDataError, NonFiniteDataError
        If it is not (rows, width) of finite numbers.
    """
    real = _real(dtype)
    if is_ready(came, real, width, -_largest(real), _largest(real)):
        return came
    array = as_array(came, argument)
    check_shape(array, width, argument, 1, "latent_dim")
    if array.dtype.kind == "f":
        array = check_floats(array, real, False, argument)
    return np.ascontiguousarray(array, real)


def warn(reading: Reading, stacklevel: int = 3) -> None:
    """Tell the caller of the public function where a reading is in doubt."""
    if reading.doubt:
        warnings.warn(reading.doubt, ReadingWarning, stacklevel=stacklevel)


def _float(dtype: DTypeLike | None) -> np.dtype[Any] | None:
    return None if dtype is None else _real(dtype)


@cache
def _largest(real: np.dtype[Any]) -> float:
    return float(np.finfo(real).max)


def _real(dtype: DTypeLike) -> np.dtype[Any]:
    """Return the dtype of data for a model in ``dtype``: a complex one takes real data."""
    return np.dtype(np.float64) if np.dtype(dtype).kind == "c" else np.dtype(dtype)
