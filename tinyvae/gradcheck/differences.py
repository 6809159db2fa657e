"""Derivatives of functions of one number: by a complex step, by differences, from one side.

A complex step takes no difference, so nothing cancels and the step may be 1e-20 (Squire and Trapp,
1998).  Central differences are extrapolated to step zero (Richardson; the tableau and its error
estimate are Ridders', 1982): every step is a quarter of the last, from a tenth of the entry's own
size downwards, until rounding must win.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

#: A function of one real or complex number, 0 being the point where it is differentiated.
Line = Callable[[Any], Any]

LEVELS = 12
RATIO = 4.0
FIRST_STEP = 0.1
FIRST_KINK_STEP = 1e-3
COMPLEX_STEP = 1e-20
EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Estimate:
    """A derivative and how far off it may be, both in the function's units per unit of x."""

    value: float
    error: float


@dataclass(frozen=True)
class Sides:
    """The slopes to the left and to the right of a kink, and how far off they may be.

    ``beside`` says that the kink was seen near the point, not at the point itself.
    """

    left: float
    right: float
    error: float
    beside: bool = False

    @property
    def differ(self) -> bool:
        """Whether they are two slopes beyond doubt."""
        jump = abs(self.right - self.left)
        return jump > 10.0 * self.error + 1e-6 * max(abs(self.left), abs(self.right))

    @property
    def sharp(self) -> bool:
        """Whether the kink is at the point itself, as closely as differences can tell."""
        return not self.beside and self.error <= 1e-4 * abs(self.right - self.left)

    def are(self, left: float, right: float) -> bool:
        """Return whether these are the two slopes."""
        slack = 3.0 * self.error + 1e-6 * max(abs(self.left), abs(self.right))
        return abs(left - self.left) <= slack and abs(right - self.right) <= slack


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


def find_kink(line: Line, step: float, noise: float) -> Sides | None:
    """Return the slopes on both sides of 0 if they differ however small the step, else None.

    A kink beside 0, but nearer than a useful step, counts too and says so.

    Tutorial 03, equations (3.1) and (3.11).
    """
    step = _finite_step(line, FIRST_KINK_STEP / FIRST_STEP * step)
    right = one_sided(line, step, noise)
    left = one_sided(line, -step, noise)
    sides = Sides(left.value, right.value, left.error + right.error)
    return sides if sides.differ else _astride(line, step, noise)


def one_sided(line: Line, step: float, noise: float) -> Estimate:
    """Return the slope towards one side, its term linear in the step extrapolated away."""
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


def _astride(line: Line, step: float, noise: float) -> Sides | None:
    """Return the slopes from step to 2 step on both sides, if they jump somewhere in between."""
    for _ in range(LEVELS - 2):
        values = [line(k * step) for k in (-3, -2, -1, 1, 2, 3)]
        beyond, left, _, right, further = ((b - a) / step for a, b in pairwise(values))
        error = abs(left - beyond) + abs(further - right) + 4.0 * noise / step
        sides = Sides(left, right, error, beside=True)
        if sides.differ:
            return sides
        step /= RATIO
    return None


def _finite_step(line: Line, step: float) -> float:
    for _ in range(8):
        if np.isfinite(line(step)) and np.isfinite(line(-step)):
            break
        step /= 16.0
    return step
