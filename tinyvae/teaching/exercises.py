"""What the tutorials' check cells say: "not yet", what is wrong, or "right".

Used by the notebooks only.  A check never stops the notebook, so that it runs from top to bottom
with exercises still empty; where ``TINYVAE_SOLUTIONS`` is set, a check that fails raises.
"""

from __future__ import annotations

import os
from types import EllipsisType, TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike


class NotYet(Exception):
    """The exercise has not been filled in."""


class Wrong(AssertionError):
    """The exercise was filled in, and something is not right; the message says what."""


class exercise:
    """Run the checks of one exercise and say in words how it stands.

    Examples
    --------
    >>> with exercise("5.1"):
    ...     expect_close("your kl", 0.5, 0.5)
    Exercise 5.1: right.
    >>> with exercise("5.2"):
    ...     expect_close("your kl", ..., 0.5)
    Exercise 5.2: not yet. Fill in the cell above: your kl is still empty.
    """

    def __init__(self, number: str) -> None:
        self.number = number

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if error is None:
            print(f"Exercise {self.number}: right.")
            return True
        if os.environ.get("TINYVAE_SOLUTIONS") or not isinstance(error, Exception):
            return False
        if isinstance(error, NotYet | NotImplementedError):
            print(f"Exercise {self.number}: not yet. Fill in the cell above: {error}")
        elif isinstance(error, Wrong):
            print(f"Exercise {self.number}: something is not right yet. {error}")
        else:
            print(f"Exercise {self.number}: your code raised {type(error).__name__}: {error}")
        return True


def filled_in(what: str, value: Any) -> Any:
    """Return ``value``, or raise NotYet if it is still ``...`` or None."""
    if value is None or isinstance(value, EllipsisType):
        raise NotYet(f"{what} is still empty.")
    return value


def expect_close(
    what: str,
    came: Any,
    expected: ArrayLike,
    *,
    rtol: float = 1e-9,
    atol: float = 1e-12,
    hint: str = "",
) -> None:
    """Raise Wrong, with both numbers, unless ``came`` is ``expected`` to rounding.

    Parameters
    ----------
    what : str
        What the reader computed, as a noun: "your dmu".
    came, expected : array_like
    rtol, atol : float
    hint : str
        What usually causes the difference.
    """
    filled_in(what, came)
    ours, theirs = np.asarray(came), np.asarray(expected)
    if ours.shape != theirs.shape:
        raise Wrong(f"{what} has shape {ours.shape}; it should be {theirs.shape}. {hint}".strip())
    error = np.abs(ours - theirs)
    if not (error <= atol + rtol * np.abs(theirs)).all():
        worst = np.unravel_index(np.nanargmax(error), error.shape) if error.ndim else ()
        place = f" at {tuple(int(i) for i in worst)}" if error.ndim else ""
        raise Wrong(
            f"{what}{place} is {ours[worst]:.6g}; it should be {theirs[worst]:.6g}. {hint}".strip()
        )


def expect_gradient(report: Any) -> None:
    """Raise Wrong with the diagnosis of a gradient check, unless it passed.

    Parameters
    ----------
    report : Report
        What ``tinyvae.check_gradients`` returned.
    """
    if not report.passed:
        raise Wrong(str(report))


def expect(condition: bool, sentence: str) -> None:
    """Raise Wrong with a sentence unless the condition holds."""
    if not condition:
        raise Wrong(sentence)
