"""Makes an array of plain numbers out of whatever NumPy can read, and refuses the rest by name.

Lists, DataFrames, memory maps, read-only, big-endian and Fortran arrays come out as bool, integers,
float32 or float64 in native byte order.  Nothing is scaled here.
"""

from __future__ import annotations

import numbers
from decimal import Decimal
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.errors import DTypeError, EmptyDataError, NonFiniteDataError, ShapeError, shown

Array = NDArray[Any]


def as_array(x: object, argument: str) -> Array:
    """Return ``x`` as an array of bool, integers, float32 or float64 in native byte order.

    Parameters
    ----------
    x : array_like
        float16 becomes float32; a table of mixed numbers becomes float64.
    argument : str
        What the messages call it.

    Returns
    -------
    ndarray
        ``x`` itself, or a view of it, where nothing had to change.

    Raises
    ------
    DTypeError
        If it holds anything but real numbers, is sparse, or no array at all.
    NonFiniteDataError
        If values are missing: masked, None or NA.
    """
    if x is None or isinstance(x, str | bytes | PathLike):
        raise DTypeError(
            f"{argument}={shown(x)} must be an array of numbers: load_data reads files, and sets "
            "by their names."
        )
    if type(x).__name__ == "DataSet":
        raise DTypeError(f"{argument} is a whole DataSet: pass its rows, data.train or data.test.")
    if hasattr(x, "toarray") and hasattr(x, "nnz"):
        raise DTypeError(f"{argument} is a sparse matrix; pass {argument}.toarray().")
    if isinstance(x, np.ma.MaskedArray) and np.ma.getmaskarray(x).any():
        where = tuple(int(i) for i in np.argwhere(np.ma.getmaskarray(x))[0])
        raise NonFiniteDataError(
            f"{argument} is masked at {_place(where)}: fill it with {argument}.filled(value), or "
            "remove such rows."
        )
    try:
        array = np.asarray(x)
    # Foreign arrays (tensors that need a gradient, ragged lists) refuse in ways of their own.
    except Exception as problem:
        raise DTypeError(f"{argument} is not an array of numbers: {problem}") from problem
    if array.dtype == object:
        array = _from_objects(array, argument)
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise DTypeError(
            f"{argument} holds {array.dtype}, expected bool, integers, or floats of at most 64 "
            f"bits: use {argument}.astype(numpy.float32)."
        )
    wanted = np.dtype(np.float32) if array.dtype == np.float16 else array.dtype.newbyteorder("=")
    return array.astype(wanted, copy=False)


def _from_objects(array: Array, argument: str) -> Array:
    """Return the numbers in an array of Python objects, as a table of mixed columns gives it."""
    for where, value in np.ndenumerate(array):
        if value is None or type(value).__name__ in ("NAType", "NaTType"):
            raise NonFiniteDataError(
                f"{argument} has no value at {_place(where)}: fill or remove such rows."
            )
        if not isinstance(value, numbers.Real | np.bool_ | Decimal):
            raise DTypeError(
                f"{argument} is not an array of numbers: it holds {str(value)[:40]!r} "
                f"({type(value).__name__}, so the dtype is object) at {_place(where)}. Leave such "
                "columns out."
            )
    return np.array(array.tolist(), dtype=np.float64)


def _place(where: tuple[int, ...]) -> str:
    return f"row {where[0]}, column {where[1]}" if len(where) == 2 else f"index {where}"


def check_shape(
    array: Array,
    width: int | None,
    argument: str,
    min_rows: int,
    called: str = "input_dim",
) -> None:
    """Refuse what is not (rows, columns) with enough rows and the right number of columns.

    ``called`` is what a model calls that number.

    Raises
    ------
    ShapeError, EmptyDataError
        With what to do about it.
    """
    if array.ndim == 1 and array.size and width in (None, array.size):
        raise ShapeError(
            f"{argument} has shape {array.shape}, expected (rows, columns): pass {argument}[None] "
            "if it is one row."
        )
    if array.ndim != 2:
        advice = f": flatten images with {argument}.reshape(len({argument}), -1)"
        raise ShapeError(
            f"{argument} has shape {array.shape}, expected (rows, "
            f"{'columns)' + advice if called == 'input_dim' else called + ')'}."
        )
    rows, columns = array.shape
    if rows < min_rows or columns == 0:
        raise EmptyDataError(
            f"{argument} has shape {array.shape}, expected at least {min_rows} "
            f"row{'s' * (min_rows != 1)} and 1 column."
        )
    if width is not None and columns != width:
        raise ShapeError(
            f"{argument} has {columns} columns, expected {width}, the model's {called}."
        )
