"""Rows as a fitted estimator reads them: each by itself, in the way that was decided in ``fit``.

The rule of ``tinyvae.data.rule`` looks at the smallest and the largest of all numbers.  Asked again
for other rows it may answer otherwise; so it is asked once, and the answer is kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinyvae.data.reading import read_batch, read_sets, warn
from tinyvae.errors import RangeError, UsageError, unknown_option
from tinyvae.model.evaluation import default_binarize
from tinyvae.model.likelihoods import likelihood_class

Array = NDArray[Any]


class Reader:
    """How the numbers of one estimator become x.

    Parameters
    ----------
    likelihood : str
    binarize : str or None
        As in ``TrainingOptions``: what is binarized must lie in [0, 1].
    dtype : dtype
        Of the model.

    Attributes
    ----------
    binarize : str
        ``"stochastic"``, ``"threshold"`` or ``"none"``.
    support : str
        What x may be; see ``tinyvae.data.rule``.
    divisor : float or None
        What whole numbers are divided by; None before ``first``, and where that saw floats.
    """

    def __init__(self, likelihood: str, binarize: str | None, dtype: DTypeLike) -> None:
        self.binarize = default_binarize(likelihood, binarize)
        self.support = likelihood_class(likelihood).support if self.binarize == "none" else "binary"
        known = {np.dtype(name): name for name in ("float32", "float64")}
        try:
            self.dtype: np.dtype[Any] = np.dtype(dtype)
        except TypeError:
            raise unknown_option("dtype", dtype, known.values()) from None
        if self.dtype not in known:
            raise unknown_option("dtype", self.dtype.name, known.values())
        self.divisor: float | None = None

    def check_same(self, likelihood: str, binarize: str | None) -> None:
        """Refuse another way to make pixels 0 and 1 than that of the rows before.

        Raises
        ------
        UsageError
        """
        if default_binarize(likelihood, binarize) != self.binarize:
            raise UsageError(
                f"binarize={binarize!r}, but the model to go on with was trained with "
                f"{self.binarize!r}: set it back, or fit a new one (warm_start=False)."
            )

    def first(self, x: Array) -> Array:
        """Return the rows of ``fit`` as training takes them: uint8 or floats.

        Raises
        ------
        DataError
            If the model cannot be trained on them.
        """
        read, reading = read_sets({"X": x}, support=self.support, dtype=self.dtype)
        warn(reading)
        self.divisor = None if x.dtype.kind == "f" else reading.divisor
        return read["X"]

    def later(self, x: Array) -> Array:
        """Return other rows as floats, each number read as ``first`` did, whatever stands beside.

        Raises
        ------
        RangeError
            If whole numbers came where ``first`` saw floats, and might be grey levels.
        DataError
            If the model cannot take them.
        """
        if x.dtype.kind != "f":
            x = self._scaled(x)
        width = x.shape[1]
        return read_batch(x, support=self.support, dtype=self.dtype, input_dim=width, argument="X")

    def _scaled(self, x: Array) -> Array:
        """Return whole numbers as floats."""
        divisor = 1.0 if self.divisor is None or x.dtype.kind == "b" else self.divisor
        grey = self.support in ("binary", "unit_interval") or x.dtype == np.uint8
        if self.divisor is None and grey and self.support != "counts" and x.max() > 1:
            raise RangeError(
                f"X holds {x.dtype} up to {x.max()}, but fit saw floats: which number means 1 is "
                "not known. Scale these rows as those of fit were scaled."
            )
        floats: Array = x.astype(self.dtype) / np.asarray(divisor, self.dtype)
        return floats
