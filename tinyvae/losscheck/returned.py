"""What a loss returned, as one number: nats per example, however it came.

A number stays; one value an example is averaged over the batch; values per dimension are added up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinyvae.errors import UsageError
from tinyvae.losscheck.terms import Array

NUMBER, PER_EXAMPLE, PER_DIMENSION = "a number", "one value an example", "one value a dimension"
SUMMED_ROWS = "one value a dimension, of the whole batch"
ALL_PAIRS = "a table of every example with every other"
_TOTALS = ("loss", "total_loss", "total", "objective", "elbo", "elbo_loss", "vae_loss", "cost")


def numbers(value: Any) -> Array:
    """Return a tensor, an array or a number in float64.

    Raises
    ------
    UsageError
        If it is no number.
    """
    value = _of_numpy(value)
    if value is None:
        raise UsageError("The function returned None; does it say return?")
    if isinstance(value, str | bytes):
        raise UsageError(f"The function returned the text {value!r}; expected a number.")
    try:
        array = np.asarray(value)
    except Exception as error:
        raise UsageError(f"The function returned no numbers ({error}).") from error
    if array.dtype.kind not in "fiu":
        kind = type(value).__name__ if array.dtype.kind == "O" else str(array.dtype)
        raise UsageError(
            f"The function returned {kind}; expected a number, one value an example, or a tuple "
            "that begins with it."
        )
    return array.astype(np.float64)


def is_single(value: Any) -> bool:
    """Say whether a value came in float32 or less."""
    array = np.asarray(_of_numpy(value))
    return array.dtype.kind == "f" and array.dtype.itemsize < 8


def _of_numpy(value: Any) -> Any:
    """Return what NumPy can read: a tensor off its graph and its device."""
    for method in ("detach", "cpu", "numpy"):
        if hasattr(value, method):
            value = getattr(value, method)()
    return value


def parts(returned: Any) -> list[Any]:
    """Return the values that may be the loss: the one, or those of a tuple or dictionary.

    Raises
    ------
    UsageError
        If there are none.
    """
    found = _parts(returned)
    if not found:
        raise UsageError(f"The function returned {returned!r}: there is no number in it.")
    return found


def _parts(returned: Any) -> list[Any]:
    if isinstance(returned, Mapping):
        for name in _TOTALS:
            if name in returned:
                return [returned[name]]
        return [v for v in returned.values() if v is not None]
    if hasattr(returned, "_fields") or isinstance(returned, tuple | list):
        for name in _TOTALS:
            if name in getattr(returned, "_fields", ()):
                return [getattr(returned, name)]
        return [v for v in returned if v is not None]
    for name in _TOTALS:
        if hasattr(returned, name) and not callable(getattr(returned, name)):
            return [getattr(returned, name)]
    return [returned]


def layout(array: Array, batch: int, widths: tuple[int, ...]) -> str:
    """Say what an output of this shape holds.

    Parameters
    ----------
    array : array
        What came back.
    batch : int
    widths : tuple of int
        Values an example may hold in x or in z.

    Raises
    ------
    UsageError
        If the shape is none that a loss can have.
    """
    if array.size == 1:
        return NUMBER
    if array.size == batch:
        return PER_EXAMPLE
    if array.ndim > 1 and array.size == batch * batch and array.shape[0] == array.shape[-1]:
        return ALL_PAIRS
    if array.ndim > 1 and len(array) == batch:
        return PER_DIMENSION
    if array.size in widths:
        return SUMMED_ROWS
    raise UsageError(
        f"The function returned an array of shape {array.shape} for a batch of {batch}; expected "
        f"a number, ({batch},), or ({batch}, dimensions)."
    )


def reduce(array: Array, kind: str, batch: int) -> float:
    """Return the one number: see the head of this file."""
    if kind in (NUMBER, SUMMED_ROWS):
        return float(array.sum())
    return float(array.sum() / (batch * batch if kind == ALL_PAIRS else batch))
