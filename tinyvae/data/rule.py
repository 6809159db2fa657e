"""The one rule for what stored numbers mean.

==================  ==================================================================
stored              read as
==================  ==================================================================
bool; only 0 and 1  0 and 1, whatever the likelihood
counts              whole numbers as they are, never scaled
real                floats and wide integers as they are; uint8 above 1 is refused, since
                    it may be grey levels or counts
binary,             floats as they are, in [0, 1]; uint8 as grey levels, x / 255; wider
unit_interval       integers too if they reach 128, else they are refused
==================  ==================================================================

The left column names the *support* of the likelihood, the x it can describe.  Grey levels that stay
below 128 may be something else, and say so.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinyvae.errors import RangeError, check_option

#: What x a likelihood can describe.
SUPPORTS = ("binary", "unit_interval", "real", "counts")
GREY = 255
#: Grey levels that stay below this may be something else.
BRIGHT = 128


class Reading(NamedTuple):
    """How stored numbers become x: divided by ``divisor``; ``words`` tell, ``doubt`` warns."""

    divisor: float
    words: str
    doubt: str | None = None


def decide(
    dtype: np.dtype[Any],
    low: float,
    high: float,
    support: str | None,
    argument: str,
    white: float | None = None,
) -> Reading:
    """Return what stored numbers mean; see the table above.

    Parameters
    ----------
    dtype : dtype
        Of what is stored: bool, integer or float.
    low, high : number
        The smallest and the largest.
    support : str or None
        One of ``SUPPORTS``; None reads integers as ``"unit_interval"`` does.
    argument : str
        What messages call the data.
    white : float, optional
        The number that means 1, where it is known (pictures).

    Returns
    -------
    Reading

    Raises
    ------
    RangeError
        If no reading is sure enough.
    """
    if support is not None:
        check_option("support", support, SUPPORTS)
    if dtype.kind == "f":
        return Reading(1, "numbers as they are")
    if low >= 0 and high <= 1:
        return Reading(1, "0 and 1")
    came = f"whole numbers from {low} to {high}"
    if support == "counts":
        return Reading(1, f"{came}, taken as counts")
    if white is not None:
        return Reading(white, f"grey levels from {low} to {high}, read as x / {white:g}")
    choice = (
        f"divide by the number that means 1, perhaps {argument} / {high}, or name it to load_data "
        f"by scale_max={high} (--scale-max {high} on the command line)"
    )
    if support == "real":
        if dtype == np.uint8:
            raise RangeError(
                f"{argument} holds uint8, {came}: under a likelihood of real numbers these may be "
                f"grey levels or numbers as they are. For grey levels, {choice}; for numbers, pass "
                f"{argument}.astype(numpy.float32) (--scale-max 1)."
            )
        return Reading(1, f"{came}, taken as they are")
    if dtype != np.uint8 and high < BRIGHT:
        raise RangeError(
            f"{argument} holds {dtype}, {came}; nothing says which number means 1: {choice}."
        )
    doubt = (
        f"{argument} holds uint8, {came}, read as grey levels x / 255, so at most {high / GREY:.2g}"
        f". If that is not meant, {choice}."
    )
    words = f"grey levels from {low} to {high}, read as x / {GREY}"
    return Reading(GREY, words, doubt if high < BRIGHT else None)
