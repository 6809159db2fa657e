"""When a row of numbers is a picture, and how high and wide: the one place that decides it."""

from __future__ import annotations

import math
import re

import numpy as np

from tinyvae.errors import ShapeError, SizeError

#: Heights and widths that pictures in rows usually have; a table of 100 columns is no picture.
SIDES = (8, 16, 28, 32, 64, 128)


def square(width: int) -> tuple[int, int] | None:
    """Return (side, side) if ``width`` numbers make a square, else None."""
    side = math.isqrt(width)
    return (side, side) if side * side == width else None


def usual_square(width: int) -> tuple[int, int] | None:
    """Return (side, side) if rows of ``width`` numbers are taken for pictures unasked."""
    found = square(width)
    return found if found is not None and found[0] in SIDES else None


def parse_shape(argument: str, came: str | tuple[int, int] | None) -> tuple[int, int] | None:
    """Return (height, width) from "28x20", "28", (28, 20) or None.

    Raises
    ------
    SizeError
        If it is none of these.
    """
    if came is None:
        return None
    if isinstance(came, str):
        found = re.fullmatch(r"\s*(\d{1,6})\s*(?:[x×*,]\s*(\d{1,6})\s*)?", came, re.IGNORECASE)
        sizes = [int(n) for n in (found[1], found[2] or found[1])] if found else []
    else:
        whole = np.atleast_1d(np.asarray(came))
        sizes = whole.tolist() if whole.dtype.kind in "iu" else []
    if len(sizes) != 2 or min(sizes) < 1:
        raise SizeError(f"{argument}={came!r} must be a height and a width, such as 28x20.")
    return sizes[0], sizes[1]


def shape_of_rows(width: int, asked: str | tuple[int, int] | None) -> tuple[int, int] | None:
    """Return the shape of rows of ``width`` numbers as pictures, or None if they are none.

    Parameters
    ----------
    width : int
    asked : str, (height, width) or None
        What the user says: ``"none"``, a shape such as ``"28x20"``, or nothing.

    Raises
    ------
    ShapeError
        If the shape asked for does not have ``width`` pixels.
    """
    if asked is None:
        return usual_square(width)
    if isinstance(asked, str) and asked.strip().lower() == "none":
        return None
    shape = parse_shape("image_shape", asked)
    if shape is None or math.prod(shape) != width:
        raise ShapeError(
            f"image_shape={asked!r} does not fit rows of {width} numbers: height times width must "
            f"be {width}, or say none."
        )
    return shape
