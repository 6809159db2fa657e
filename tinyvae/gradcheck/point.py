"""A point of a problem's arrays: the function along lines through it, its rounding, its reach."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from tinyvae.gradcheck.differences import EPS, Line
from tinyvae.gradcheck.problem import Array, Problem

Direction = Mapping[str, Array]
#: Along what a slope is taken: an entry of an array, or a direction through some arrays.
Ray = tuple[str, int] | Direction


class Point:
    """A point of the arrays, and the function along lines through it, for real and complex t."""

    def __init__(self, problem: Problem, arrays: Mapping[str, Array]) -> None:
        self.problem = problem
        self.arrays = {n: np.array(a, np.float64, order="C") for n, a in arrays.items()}

    @cached_property
    def _complex(self) -> dict[str, Array]:
        return {n: a.astype(np.complex128) for n, a in self.arrays.items()}

    def value(self) -> float:
        """Return the function at the point itself."""
        return float(np.real(self.problem.at(self.arrays)))

    def line(self, ray: Ray) -> Line:
        """Return the function along a ray, as a function of one number."""
        return self._axis(*ray) if isinstance(ray, tuple) else self._along(ray)

    def _axis(self, name: str, index: int) -> Line:
        origin = self.arrays[name].reshape(-1)[index]

        def line(t: Any) -> Any:
            arrays = self._complex if isinstance(t, complex) else self.arrays
            flat = arrays[name].reshape(-1)
            flat[index] = origin + t
            try:
                return self.problem.at(arrays)
            finally:
                flat[index] = origin

        return line

    def _along(self, direction: Direction) -> Line:
        def line(t: Any) -> Any:
            moved = {n: self.arrays[n] + t * v for n, v in direction.items()}
            if isinstance(t, complex):
                return self.problem.at({**self._complex, **moved})
            return self.problem.at({**self.arrays, **moved})

        return line


def typical_size(array: Array) -> float:
    """Return the root mean square of an array, 1 where it is all zeros."""
    largest = float(np.max(np.abs(array))) if array.size else 0.0
    return largest * float(np.sqrt(np.mean(np.square(array / largest)))) if largest else 1.0


def measure_noise(here: Point, rng: np.random.Generator) -> float:
    """Return the rounding error of one value, measured along random rays.

    Fourth differences at a millionth of every entry's size hold nothing else, unless the function
    has a kink or oscillates there, which is when they shrink with the step and rounding does not.
    """
    heard = []
    for _ in range(3):
        sizes = {n: np.where(a == 0.0, typical_size(a), a) for n, a in here.arrays.items()}
        line = here.line({n: a * rng.standard_normal(a.shape) for n, a in sizes.items()})
        off = [  # to one side of the point, which may be at a kink or a jump
            line(t) - 4.0 * line(2 * t) + 6.0 * line(3 * t) - 4.0 * line(4 * t) + line(5 * t)
            for t in (1e-6, 1e-9, 1e-12)  # nearer, the arrays themselves hardly move
        ]
        heard.append(2.0 * np.abs(off) / float(np.sqrt(70.0)))
    noise, *finer = np.where(np.isfinite(heard), heard, 0.0).max(axis=0)
    for n in finer:
        noise = n if 0.0 < n < 0.05 * noise else noise
    return max(2.0 * EPS * here.problem.scale, float(noise), 1e-300)


def measure_reach(here: Point, rng: np.random.Generator) -> float:
    """Return how much the function changes where the arrays change by all of their size.

    At most the problem's scale: a constant that is added to a function does not count.
    """
    start, changes, near = here.value(), [0.0], 0.0
    for size in (0.01, 0.1, 0.5, 1.0):
        r = {n: size * rng.standard_normal(a.shape) for n, a in here.arrays.items()}
        for moved in (
            {n: a + typical_size(a) * r[n] for n, a in here.arrays.items()},
            {n: a + a * np.abs(r[n]) for n, a in here.arrays.items()},  # no sign changes
        ):
            changes.append(abs(Point(here.problem, moved).value() - start))
        near = near or max((c for c in changes if np.isfinite(c)), default=0.0)
    for times in (0.0, -1.0):
        moved = {n: times * a for n, a in here.arrays.items()}
        changes.append(abs(Point(here.problem, moved).value() - start))
    scale, known = here.problem.scale, [c for c in changes if np.isfinite(c)]
    if len(known) == 1:
        return scale
    # A value that happens to be zero is no scale.
    return min(max(known), scale if scale > 1e-9 * near else near)
