"""The slopes of a problem at its point, by entry or direction, and how exactly they are known.

A measurement puts what was measured beside what was claimed; ``judge`` compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tinyvae.gradcheck.differences import (
    FIRST_STEP,
    Estimate,
    complex_step,
    differentiate,
    one_sided,
)
from tinyvae.gradcheck.point import (
    Point,
    Ray,
    measure_noise,
    measure_reach,
    typical_size,
)
from tinyvae.gradcheck.problem import Array, Problem

COMPLEX, CENTRAL = "complex step", "central differences"

POOR = 1e-6  # relative errors of differences above this ask for a second try


@dataclass(frozen=True)
class Measurement:
    """Numeric and analytic gradient of one array, entry by entry or along directions.

    ``width`` is how many entries a ray runs through, 1 where entries were measured.  ``error`` is
    the method's own estimate, one for each number.
    """

    name: str
    method: str
    rays: Sequence[Ray]
    width: int
    numeric: Array
    analytic: Array
    error: Array

    @property
    def indices(self) -> Array:
        """The entries measured, in the flattened array."""
        return np.array([ray[1] for ray in self.rays if isinstance(ray, tuple)], int)

    @property
    def is_directions(self) -> bool:
        """Whether directions through the whole array were measured."""
        return any(not isinstance(ray, tuple) for ray in self.rays)


class Instruments:
    """What differentiates one problem, by which method, and how exactly.

    Attributes
    ----------
    noise : float
        Rounding error of one value of the function.
    reach : float
        How much the function changes where the arrays change by all of their size.
    refusal : str or None
        Why the complex step is not used, None if it is; see ``probe``.
    kinked, leaping : bool or None
        Whether the point is at a kink, and at a jump; None until that is asked.
    """

    def __init__(self, problem: Problem, rng: np.random.Generator) -> None:
        self.problem, self.rng = problem, rng
        self.here = Point(problem, problem.arrays)
        self.refusal: str | None = "central differences were asked for"
        self.kinked: bool | None = None
        self.leaping: bool | None = None
        self._kept: dict[tuple[str, int], Estimate] = {}
        self._sizes: dict[tuple[str, bool], Array] = {}
        self.typical = {n: typical_size(a) for n, a in problem.arrays.items()}
        self.noise = measure_noise(self.here, rng)
        self.reach = measure_reach(self.here, rng)

    @property
    def exact(self) -> bool:
        """Whether the complex step is in use."""
        return self.refusal is None

    @cached_property
    def by_differences(self) -> Instruments:
        """The same problem, measured by differences."""
        return Instruments(self.problem, self.rng)

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
        return 30.0 * self.noise / self.typical[name]

    def hidden(self, name: str) -> float:
        """Return the size below which differences may see no gradient by this array.

        It is the square root of the function's rounding: where it bends, half of the digits.
        """
        return float((self.noise * self.reach) ** 0.5) / self.typical[name]

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
        at = abs(self.here.arrays[ray[0]].reshape(-1)[ray[1]]) if isinstance(ray, tuple) else 0.0
        found = differentiate(line, FIRST_STEP * self.size(ray), self.noise, at)
        if found.error <= POOR * abs(found.value):
            return found
        left, right = self.one_sided(ray)  # a bend, perhaps: each side by itself is smooth
        error = left.error + right.error + abs(left.value - right.value)
        return Estimate(0.5 * (left.value + right.value), error) if error < found.error else found

    def one_sided(self, ray: Ray) -> tuple[Estimate, Estimate]:
        """Return the slopes along a ray before and behind the point, by differences."""
        line, step = self.here.line(ray), 1e-2 * FIRST_STEP * self.size(ray)
        return one_sided(line, -step, self.noise), one_sided(line, step, self.noise)

    def entries(self, name: str, analytic: Array, indices: Array) -> Measurement:
        """Differentiate by single entries of one array."""
        rays = [(name, int(i)) for i in indices]
        return self.measure(name, rays, analytic.reshape(-1)[indices], 1)

    def directions(self, name: str, analytic: Array, count: int) -> Measurement:
        """Differentiate along ``count`` normally distributed directions through one array.

        The mean square of <d, v> over such v is the squared norm of d, whatever d is.

        Tutorial 03, equations (3.14) and (3.15).
        """
        vectors = self.rng.standard_normal((count, *analytic.shape))
        claimed = vectors.reshape(count, -1) @ analytic.reshape(-1)
        return self.measure(name, [{name: v} for v in vectors], claimed, analytic.size)

    def measure(self, name: str, rays: Sequence[Ray], claimed: Array, width: int) -> Measurement:
        """Measure slopes along rays through one array and put what is claimed beside them."""
        slopes = [self.slope(ray) for ray in rays]
        numeric = np.array([s.value for s in slopes], np.float64)
        error = np.array([s.error for s in slopes], np.float64)
        method = COMPLEX if self.exact else CENTRAL
        return Measurement(name, method, rays, width, numeric, claimed, error)

    def size(self, ray: Ray) -> float:
        """Return the step along a ray that moves an entry by its size."""
        if isinstance(ray, tuple):
            return float(self.sizes(ray[0]).reshape(-1)[ray[1]])
        return 1.0 / max(typical_size(v) / self.typical[n] for n, v in ray.items())

    def sizes(self, name: str) -> Array:
        """Return the entries' sizes; differences see nothing that is small in its array."""
        if (name, self.exact) not in self._sizes:
            array, typical = self.problem.arrays[name], self.typical[name]
            own = np.abs(array)
            sizes = np.where(own == 0.0, typical, own) if self.exact else np.maximum(own, typical)
            self._sizes[name, self.exact] = sizes
        return self._sizes[name, self.exact]
