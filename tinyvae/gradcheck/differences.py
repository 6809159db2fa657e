"""Derivatives of functions of one number: by a complex step, by differences, from one side.

A complex step takes no difference, so nothing cancels and the step may be 1e-20 (Squire and Trapp,
1998).  Central differences are extrapolated to step zero (Richardson; the tableau and its error
estimate are Ridders', 1982): every step is a quarter of the last, from a tenth of the entry's own
size downwards, until rounding must win.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

#: A function of one real or complex number, 0 being the point where it is differentiated.
Line = Callable[[Any], Any]

LEVELS = 12
RATIO = 4.0
FIRST_STEP = 0.1
COMPLEX_STEP = 1e-20
EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Estimate:
    """A derivative and how far off it may be, both in the function's units per unit of x."""

    value: float
    error: float


def complex_step(line: Line) -> float:
    """Return Im f(i h) / h, the derivative of ``line`` at 0, exact to rounding.

    Tutorial 03, equation (3.8).
    """
    return float(np.imag(line(1j * COMPLEX_STEP))) / COMPLEX_STEP


def differentiate(line: Line, step: float, noise: float, position: float = 0.0) -> Estimate:
    """Return the derivative of ``line`` at 0 and an estimate of its error.

    Tutorial 03, equations (3.2), (3.6) and (3.7).

    Parameters
    ----------
    line : callable
        A function of one number.
    step : float
        The first and largest step; it shrinks until the function is finite on both sides.
    noise : float
        Rounding error of one value of the function.
    position : float
        Size of the number that the step is added to: the sum is rounded too.

    Returns
    -------
    Estimate
        Of all entries of the tableau the one with the smallest error; an infinite error where
        no two steps could be compared.
    """
    best = Estimate(np.nan, np.inf)
    above: list[float] = []
    step = _finite_step(line, step)
    for _ in range(LEVELS):
        row = [(line(step) - line(-step)) / (2.0 * step)]
        rounding = (noise + EPS * position * abs(row[0])) / step
        for m, older in enumerate(above, start=1):
            weight = RATIO ** (2 * m)
            row.append((weight * row[-1] - older) / (weight - 1.0))
            error = max(abs(row[m] - row[m - 1]), abs(row[m] - older)) + rounding
            if error < best.error:
                best = Estimate(row[m], error)
        if RATIO * rounding >= best.error:
            break
        above = row
        step /= RATIO
    return best


def one_sided(line: Line, step: float, noise: float) -> Estimate:
    """Return the slope towards one side, its term linear in the step extrapolated away.

    Tutorial 03, equations (3.1) and (3.11).
    """
    best = Estimate(np.nan, np.inf)
    here, older, before = line(0.0), np.nan, np.nan
    for _ in range(LEVELS - 2):
        slope = (line(step) - here) / step
        value = (RATIO * slope - older) / (RATIO - 1.0)
        error = abs(value - before) + 4.0 * noise / abs(step)
        if error < best.error:
            best = Estimate(value, error)
        older, before, step = slope, value, step / RATIO
    return best


def fixed_step(line: Line, step: float) -> float:
    """Return the central difference at one step: across a kink, a mean of the two slopes."""
    return float(line(step) - line(-step)) / (2.0 * step)


def _finite_step(line: Line, step: float) -> float:
    for _ in range(8):
        if np.isfinite(line(step)) and np.isfinite(line(-step)):
            break
        step /= 16.0
    return step
