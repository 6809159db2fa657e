"""The slopes of a problem: at its point by entry or direction, and in the cells beside a kink.

A measurement puts what was measured beside what was claimed; ``judge`` compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tinyvae.gradcheck.differences import (
    FIRST_STEP,
    Estimate,
    Sides,
    complex_step,
    differentiate,
    find_kink,
    one_sided,
)
from tinyvae.gradcheck.point import (
    Point,
    Ray,
    measure_noise,
    measure_reach,
    typical_size,
)
from tinyvae.gradcheck.probe import refusal
from tinyvae.gradcheck.problem import Array, Problem

COMPLEX, CENTRAL = "complex step", "central differences"

POOR = 1e-6  # relative errors of differences above this ask for a second try


@dataclass(frozen=True)
class Measurement:
    """Numeric and analytic gradient of one array, entry by entry or along directions.

    ``indices`` are those of the flattened array; ``vectors`` holds one direction a row, empty
    where entries were measured.  ``error`` is the method's own estimate, one for each number.
    """

    name: str
    method: str
    indices: Array
    vectors: Array
    numeric: Array
    analytic: Array
    error: Array

    def rays(self, shape: tuple[int, ...]) -> list[Ray]:
        """Return what each number was measured along."""
        if self.vectors.size:
            return [{self.name: v.reshape(shape)} for v in self.vectors]
        return [(self.name, int(i)) for i in self.indices]


class Instruments:
    """What differentiates one problem, by which method, and how exactly.

    Parameters
    ----------
    problem : Problem
        What is measured.
    method : str
        ``"complex"``, ``"central"``, or ``"auto"``: complex step where the function allows it.
    rng : numpy.random.Generator
        For directions and samples.

    Attributes
    ----------
    noise : float
        Rounding error of one value of the function.
    reach : float
        How much the function changes where the arrays change by all of their size.
    refusal : str or None
        Why the complex step is not used, None if it is.
    """

    def __init__(self, problem: Problem, method: str, rng: np.random.Generator) -> None:
        self.problem = problem
        self.rng = rng
        self.here = Point(problem, problem.arrays)
        self.kinked: bool | None = None  # at a kink, and at a jump: found out when first asked
        self.leaping: bool | None = None
        self._kept: dict[tuple[str, int], Estimate] = {}
        self._sizes: dict[str, Array] = {}
        self.typical = {n: typical_size(a) for n, a in problem.arrays.items()}
        self.noise = measure_noise(self.here, rng)
        self.reach = measure_reach(self.here, rng)
        self.refusal: str | None = "central differences were asked for"
        if method != "central":
            self.refusal = refusal(problem, self.here.line, self.typical, self.noise, rng)

    @property
    def exact(self) -> bool:
        """Whether the complex step is in use."""
        return self.refusal is None

    @property
    def method(self) -> str:
        """The method in use, in words."""
        return COMPLEX if self.exact else CENTRAL

    @cached_property
    def by_differences(self) -> Instruments:
        """The same problem, measured by differences."""
        return Instruments(self.problem, "central", self.rng)

    def floor(self, name: str) -> float:
        """Return the rounding error of any gradient by this array, in units of the gradient.

        A unit of the 13th digit of how much the function varies, over the array's own size.
        """
        return 1e-13 * self.reach / self.typical[name]

    def vanishing(self, name: str) -> float:
        """Return the size below which a gradient is zero for all that can be known.

        Where a function hardly depends on an array, what is left of its gradient is the rounding
        of terms that cancel; a thousandth of the other arrays' size is taken for a tiny array.
        """
        largest = max(self.typical[n] for n, a in self.problem.arrays.items() if a.size)
        size = max(self.typical[name], 1e-3 * largest)
        return 30.0 * self.noise / size

    # At the point ---------------------------------------------------------------------------

    def choose(self, analytic: Array, limit: int) -> Array:
        """Return at most ``limit`` indices: random ones, and that of the largest gradient."""
        if analytic.size <= limit:
            return np.arange(analytic.size)
        if limit == 0:
            return np.zeros(0, int)
        some = self.rng.choice(analytic.size, limit, replace=False)
        some[0] = int(np.argmax(np.abs(np.nan_to_num(analytic))))
        return np.unique(some)

    def slope(self, ray: Ray) -> Estimate:
        """Return the slope along a ray by the method in use; that of an entry is kept."""
        if not isinstance(ray, tuple):
            return self._slope(ray)
        if ray not in self._kept:
            self._kept[ray] = self._slope(ray)
        return self._kept[ray]

    def _slope(self, ray: Ray) -> Estimate:
        line = self.here.line(ray)
        if self.exact:
            return Estimate(complex_step(line), 0.0)
        position = abs(self._entry(ray)) if isinstance(ray, tuple) else 0.0
        step = FIRST_STEP * self.size(ray)
        found = differentiate(line, step, self.noise, position)
        if found.error > POOR * abs(found.value):  # a bend, perhaps: each side by itself is smooth
            left, right = (one_sided(line, side * 1e-3 * step, self.noise) for side in (-1, 1))
            error = left.error + right.error + abs(left.value - right.value)
            if error < found.error:
                return Estimate(0.5 * (left.value + right.value), error)
        return found

    def entries(self, name: str, analytic: Array, indices: Array) -> Measurement:
        """Differentiate by single entries of one array."""
        estimates = [self.slope((name, int(i))) for i in indices]
        claimed = analytic.reshape(-1)[indices] if len(indices) else np.zeros(0)
        none = np.zeros((0, 0))
        return Measurement(name, self.method, indices, none, *_columns(estimates, claimed))

    def directions(self, name: str, analytic: Array, count: int) -> Measurement:
        """Differentiate along ``count`` normally distributed directions through one array.

        The mean square of <d, v> over such v is the squared norm of d, whatever d is.

        Tutorial 03, equations (3.14) and (3.15).
        """
        vectors = self.rng.standard_normal((count, *self.problem.arrays[name].shape))
        estimates = [self.slope({name: v}) for v in vectors]
        flat = vectors.reshape(count, -1)
        claimed = flat @ analytic.reshape(-1)
        return Measurement(name, self.method, np.arange(count), flat, *_columns(estimates, claimed))

    def again(self, measured: Measurement, positions: Array) -> Measurement:
        """Measure some of the numbers again by differences."""
        rays = measured.rays(self.problem.arrays[measured.name].shape)
        estimates = [self.by_differences.slope(rays[p]) for p in positions]
        numeric, claimed, error = _columns(estimates, measured.analytic[positions])
        return replace(
            measured,
            method=CENTRAL,
            indices=measured.indices[positions],
            vectors=measured.vectors[positions] if measured.vectors.size else measured.vectors,
            numeric=numeric,
            analytic=claimed,
            error=error,
        )

    def kink(self, ray: Ray) -> Sides | None:
        """Return the slopes to both sides along a ray, by differences, if they differ."""
        return find_kink(self.here.line(ray), FIRST_STEP * self.size(ray), self.noise)

    def size(self, ray: Ray) -> float:
        """Return the step along a ray that moves an entry by its size."""
        if isinstance(ray, tuple):
            return float(self.sizes(ray[0]).reshape(-1)[ray[1]])
        return 1.0 / max(typical_size(v) / self.typical[n] for n, v in ray.items())

    def sizes(self, name: str) -> Array:
        """Return the entries' sizes; differences see nothing that is small in its array."""
        if name not in self._sizes:
            array = self.problem.arrays[name]
            typical, own = self.typical[name], np.abs(array)
            zeros_too = np.where(own == 0.0, typical, own)
            self._sizes[name] = zeros_too if self.exact else np.maximum(own, typical)
        return self._sizes[name]

    def _entry(self, ray: tuple[str, int]) -> float:
        return float(self.problem.arrays[ray[0]].reshape(-1)[ray[1]])


def _columns(estimates: Sequence[Estimate], claimed: Array) -> tuple[Array, Array, Array]:
    numeric = np.array([e.value for e in estimates], np.float64)
    return numeric, claimed, np.array([e.error for e in estimates], np.float64)
