"""Derivatives by differences that know how wrong they may be, and kinks they cannot cross.

Central differences are extrapolated to step zero (Richardson; the tableau and its error estimate
are Ridders', 1982): every step is a quarter of the last, from a tenth of the entry's own size
downwards, until rounding must win.  Nothing here knows what the derivative ought to be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tinyvae.gradcheck.problem import Array, Problem

Line = Callable[[float], float]

LEVELS = 12
RATIO = 4.0
FIRST_STEP = 0.1
FIRST_KINK_STEP = 1e-3
EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Estimate:
    """A derivative and how far off it may be, both in the function's units per unit of x."""

    value: float
    error: float


@dataclass(frozen=True)
class Sides:
    """The slopes to the left and to the right of a kink, and how far off they may be."""

    left: float
    right: float
    error: float

    @property
    def differ(self) -> bool:
        """Whether they are two slopes beyond doubt."""
        jump = abs(self.right - self.left)
        return jump > 10.0 * self.error + 1e-6 * max(abs(self.left), abs(self.right))

    def hold(self, value: float) -> bool:
        """Return whether a value is one of the two slopes or lies between them."""
        low, high = sorted((self.left, self.right))
        return low - 3 * self.error <= value <= high + 3 * self.error


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

    A kink beside 0, but nearer than a useful step, counts too.

    Tutorial 03, equations (3.1) and (3.11).
    """
    step = _finite_step(line, FIRST_KINK_STEP / FIRST_STEP * step)
    right = _one_sided(line, step, noise)
    left = _one_sided(line, -step, noise)
    sides = Sides(left.value, right.value, left.error + right.error)
    return sides if sides.differ else _astride(line, step, noise)


def _astride(line: Line, step: float, noise: float) -> Sides | None:
    """Return the slopes from step to 2 step on both sides, if they jump somewhere in between."""
    for _ in range(LEVELS - 2):
        values = [line(k * step) for k in (-3, -2, -1, 1, 2, 3)]
        beyond, left, _, right, further = ((b - a) / step for a, b in pairwise(values))
        error = abs(left - beyond) + abs(further - right) + 4.0 * noise / step
        sides = Sides(left, right, error)
        if sides.differ:
            return sides
        step /= RATIO
    return None


def _one_sided(line: Line, step: float, noise: float) -> Estimate:
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


def _finite_step(line: Line, step: float) -> float:
    for _ in range(8):
        if np.isfinite(line(step)) and np.isfinite(line(-step)):
            break
        step /= 16.0
    return step


class RealStep:
    """Differentiates a problem along its axes and along directions by differences.

    ``noise`` is the rounding error of one value.  It is measured along random rays: fourth
    differences at a millionth of every entry's size hold nothing else, unless the function has
    a kink or oscillates there, which is when they shrink with the step and rounding does not.
    """

    def __init__(self, problem: Problem, rng: np.random.Generator) -> None:
        self.problem = problem
        self.arrays = {name: a.copy() for name, a in problem.arrays.items()}
        heard = np.array([self._hiss(rng) for _ in range(3)])
        noise, *finer = np.where(np.isfinite(heard), heard, 0.0).max(axis=0)
        for n in finer:
            noise = n if 0.0 < n < 0.05 * noise else noise
        self.noise = max(2.0 * EPS * problem.scale, float(noise), 1e-300)

    def reach(self, rng: np.random.Generator) -> float:
        """Return how much the function changes where the arrays change by all of their size.

        At most the problem's scale: a constant that is added to a function does not count.
        """
        here, changes = self._value(), [0.0]
        for size in (0.01, 0.1, 0.5, 1.0):
            r = {n: size * rng.standard_normal(a.shape) for n, a in self.arrays.items()}
            for moved in (
                {n: typical_size(a) * r[n] for n, a in self.arrays.items()},
                {n: a * np.abs(r[n]) for n, a in self.arrays.items()},  # no sign changes
            ):
                changes.append(abs(self._value(moved) - here))
        known = [c for c in changes if np.isfinite(c)]
        return min(max(known), self.problem.scale) if len(known) > 1 else self.problem.scale

    def vanishing(self, name: str) -> float:
        """Return the size below which a gradient is zero for all that can be known.

        Where a function hardly depends on an array, what is left of its gradient is the rounding
        of terms that cancel; a thousandth of the other arrays' size is taken for a tiny array.
        """
        largest = max(typical_size(a) for a in self.problem.arrays.values() if a.size)
        size = max(typical_size(self.problem.arrays[name]), 1e-3 * largest)
        return 30.0 * self.noise / size

    def entry(self, name: str, index: int) -> Estimate:
        """Return the derivative by entry ``index`` of the flattened array ``name``."""
        position = abs(float(self.problem.arrays[name].reshape(-1)[index]))
        return differentiate(
            self._axis(name, index), FIRST_STEP * self._size(name, index), self.noise, position
        )

    def entry_kink(self, name: str, index: int) -> Sides | None:
        """Return the two slopes if the function has a kink at that entry."""
        step = FIRST_STEP * self._size(name, index)
        return find_kink(self._axis(name, index), step, self.noise)

    def direction(self, direction: Mapping[str, Array]) -> Estimate:
        """Return the derivative along a direction, in units of the entries' typical sizes."""
        return differentiate(
            self._ray(direction), FIRST_STEP / _length(direction, self), self.noise
        )

    def direction_kink(self, direction: Mapping[str, Array]) -> Sides | None:
        """Return the two slopes if the function has a kink along the direction."""
        return find_kink(self._ray(direction), FIRST_STEP / _length(direction, self), self.noise)

    def _axis(self, name: str, index: int) -> Line:
        flat = self.arrays[name].reshape(-1)
        origin = flat[index]

        def line(t: float) -> float:
            flat[index] = origin + t
            try:
                return self._value()
            finally:
                flat[index] = origin

        return line

    def _ray(self, direction: Mapping[str, Array]) -> Line:
        def line(t: float) -> float:
            moved = {n: self.arrays[n] + t * v for n, v in direction.items()}
            return self._value({**self.arrays, **moved})

        return line

    def _value(self, arrays: Mapping[str, Array] | None = None) -> float:
        return float(self.problem.at(arrays if arrays is not None else self.arrays))

    def _hiss(self, rng: np.random.Generator) -> list[float]:
        """Return fourth differences at three step sizes, in units of one value's rounding."""
        ray = self._ray({n: a * rng.standard_normal(a.shape) for n, a in self.arrays.items()})
        here = 6.0 * self._value()
        found = []
        for t in (1e-6, 1e-9, 1e-12):
            off = ray(-2 * t) - 4.0 * ray(-t) + here - 4.0 * ray(t) + ray(2 * t)
            found.append(2.0 * abs(off) / float(np.sqrt(70.0)))
        return found

    def _size(self, name: str, index: int) -> float:
        array = self.problem.arrays[name]
        return max(abs(float(array.reshape(-1)[index])), typical_size(array))


def typical_size(array: Array) -> float:
    """Return the root mean square of an array, 1 where it is all zeros."""
    size = float(np.sqrt(np.mean(np.square(array.real)))) if array.size else 0.0
    return size or 1.0


def _length(direction: Mapping[str, Array], step: RealStep) -> float:
    """Return how many typical sizes the direction moves an entry at most (in the mean square)."""
    return max(typical_size(v) / typical_size(step.arrays[n]) for n, v in direction.items())
