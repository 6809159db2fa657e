"""A problem: a number that depends on named arrays, and the gradients claimed for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.errors import DTypeError

Array = NDArray[Any]

_FLOAT32 = (
    "float32 carries 7 digits, so the best difference quotient is right to 2 or 3 of them and a "
    "wrong gradient cannot be told from rounding. Check in float64: {remedy}."
)


@dataclass(frozen=True)
class Problem:
    """A number that depends on named arrays, with the gradients claimed for it.

    Attributes
    ----------
    title : str
        What is checked, for the head of the report.
    arrays : dict of str to float64 array
        Where the function is differentiated.
    value : callable
        Takes such a dictionary, of float64 or complex128 arrays, and returns the number.
    gradients : callable
        Takes nothing, or other arrays to be asked there; returns the claimed gradient of each
        array, None where none is claimed.
    scale : float
        Size of what was added up to make the number: rounding is relative to this.
    context : dict of str to array
        Other arrays the gradient may be made of (labels, noise, the cotangent ``dy``, the
        output ``y``): for the diagnosis.
    fragile : bool
        Whether ``value`` writes into the arrays it is given, so that it must be given copies.
    untouched : callable or None
        Where it is fragile: the claimed gradients if the function's writing did not reach them.
    spoiled : callable or None
        Whether the last call of the gradient wrote into the upstream gradient it was given.
    plausible : callable or None
        Whether the call can have been meant as this problem reads it.
    parts : dict of str to callable
        Numbers that the function returns beside its value, as functions of the arrays: terms.
    """

    title: str
    arrays: dict[str, Array]
    value: Callable[[Mapping[str, Array]], Any]
    gradients: Callable[..., dict[str, Array | None]]
    scale: float
    context: dict[str, Array] = field(default_factory=dict)
    fragile: bool = False
    untouched: Callable[[], dict[str, Array | None]] | None = None
    spoiled: Callable[[], bool] | None = None
    plausible: Callable[[], bool] | None = None
    parts: dict[str, Callable[[Mapping[str, Array]], Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def at(self, arrays: Mapping[str, Array]) -> Any:
        """Return the number at other arrays, which stay as they are; NaN outside its domain."""
        given = {k: v.copy() for k, v in arrays.items()} if self.fragile else arrays
        try:
            with np.errstate(all="ignore"):
                return self.value(given)
        except (ArithmeticError, ValueError):
            return np.nan

    @property
    def size(self) -> int:
        """Number of entries in all arrays together."""
        return sum(array.size for array in self.arrays.values())


def require_double(name: str, array: Array, remedy: str) -> None:
    """Refuse floating-point numbers other than float64.

    Raises
    ------
    DTypeError
        Naming the array, the reason and the remedy.
    """
    if array.dtype.kind in "fc" and array.dtype != np.float64:
        reason = (
            _FLOAT32.format(remedy=remedy)
            if array.dtype.itemsize <= 4
            else f"A gradient is checked in float64: {remedy}."
        )
        raise DTypeError(f"{name} is {array.dtype}. {reason}")
