"""Stored numbers whose meaning is decided, made floats all at once or part by part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinyvae.data.rule import GREY, Reading
from tinyvae.data.values import check_counts, check_floats, fits

Array = NDArray[Any]


def to_floats(data: Array, dtype: DTypeLike) -> Array:
    """Return what ``read_data`` returned as floats in C order: uint8 divided by 255."""
    real = np.dtype(dtype)
    if data.dtype == np.uint8:
        floats: Array = data.astype(real) / real.type(GREY)
        return floats
    return np.ascontiguousarray(data, dtype=real)


@dataclass(frozen=True)
class Rows:
    """Stored numbers with what they mean, not yet floats.

    Attributes
    ----------
    array : (rows, columns) array
    reading : Reading
    support : str or None
    real : dtype or None
        Of the model.
    argument : str
        What messages call the data.
    sure : bool
        Whether grey levels may stay uint8: alone they would be read as grey levels, too.
    """

    array: Array
    reading: Reading
    support: str | None
    real: np.dtype[Any] | None
    argument: str
    sure: bool

    def __len__(self) -> int:
        return len(self.array)

    def floats(self, part: slice) -> Array:
        """Return some of the rows as floats in C order, as if all had been read at once."""
        rows = replace(self, array=self.array[part])
        return to_floats(rows.read(), np.dtype(np.float32) if self.real is None else self.real)

    def check(self) -> None:
        """Look at every number, in no more memory than a part of them takes.

        Raises
        ------
        NonFiniteDataError, RangeError
            With row and column of the first that ``read`` would refuse.
        """
        real = self.array.dtype if self.real is None else self.real
        if self.array.dtype.kind == "f":
            fits(self.array, real, self._bounded, self.argument)
        if self.support == "counts":
            self._check_counts()

    def read(self) -> Array:
        """Return all rows as ``read_sets`` does; what ``check`` passed is not refused."""
        array, divisor = self.array, self.reading.divisor
        if array.dtype.kind == "f":
            array = check_floats(array, self.real or array.dtype, self._bounded, self.argument)
            if self.support == "counts":
                self._check_counts()
            return np.ascontiguousarray(array)
        if self.support is None or self._bounded:
            if divisor == 1:
                return np.ascontiguousarray(array, np.uint8) * np.uint8(GREY)
            if divisor == GREY and self.sure:
                return np.ascontiguousarray(array, np.uint8)
        if self.support == "counts":
            self._check_counts()
        floats = np.ascontiguousarray(array, self.real or np.float32)
        if divisor != 1:
            floats = floats / floats.dtype.type(divisor)
        return check_floats(floats, floats.dtype, self._bounded, self.argument)

    @property
    def _bounded(self) -> bool:
        return self.support in ("binary", "unit_interval")

    def _check_counts(self) -> None:
        stored = self.array.dtype if self.array.dtype.kind == "f" else np.dtype(np.float32)
        check_counts(self.array, self.real or stored, self.argument)
