"""The slopes of a problem: at its point by entry or direction, and in the cells beside a kink.

A measurement puts what was measured beside what was claimed; ``judge`` compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from tinyvae.gradcheck.differences import (
    EPS,
    FIRST_STEP,
    Estimate,
    Line,
    Sides,
    complex_step,
    differentiate,
    find_kink,
    fixed_step,
    one_sided,
)
from tinyvae.gradcheck.probe import refusal
from tinyvae.gradcheck.problem import Array, Problem

COMPLEX, CENTRAL = "complex step", "central differences"

# How far beside the point its neighbours lie, in units of each entry's size: far beyond rounding,
# and near enough that a smooth function is flat there.
HAIR = {True: 1e-12, False: 1e-5}
FIXED_STEP = 1.0 / 64.0  # of differences at a neighbour, in hairs
SCAN = 40
PUSH = 4.0  # hairs: further than any neighbour's entry
POOR = 1e-6  # relative errors of differences above this ask for a second try

Direction = Mapping[str, Array]
#: Along what a slope is taken: an entry of an array, or a direction through some arrays.
Ray = tuple[str, int] | Direction


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
        self._kept: dict[tuple[str, int], Estimate] = {}
        self.noise = _noise(self.here, rng)
        self.reach = _reach(self.here, rng)
        self.refusal: str | None = "central differences were asked for"
        if method != "central":
            sizes = {n: typical_size(a) for n, a in problem.arrays.items()}
            self.refusal = refusal(problem, self.here.line, sizes, self.noise, rng)

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
        return 1e-13 * self.reach / typical_size(self.problem.arrays[name])

    def vanishing(self, name: str) -> float:
        """Return the size below which a gradient is zero for all that can be known.

        Where a function hardly depends on an array, what is left of its gradient is the rounding
        of terms that cancel; a thousandth of the other arrays' size is taken for a tiny array.
        """
        largest = max(typical_size(a) for a in self.problem.arrays.values() if a.size)
        size = max(typical_size(self.problem.arrays[name]), 1e-3 * largest)
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

    def rounding(self, name: str) -> float:
        """Return what rounding alone does to the gradient of one array, in norm.

        The derivative along a random direction is taken again with every array moved by a unit in
        the last place; the largest change is what no gradient can be right beyond.  All of that
        happens a hair beside the point, on one side of any kink.
        """
        ray = {name: self.rng.standard_normal(self.problem.arrays[name].shape)}
        start = self._beside(self.draw(), HAIR[True])
        changes, before = [], complex_step(start.line(ray))
        for _ in range(4):
            ulps = {n: self.rng.integers(-1, 2, a.shape) for n, a in start.arrays.items()}
            moved = {n: a * (1.0 + EPS * ulps[n]) for n, a in start.arrays.items()}
            changes.append(abs(complex_step(Point(self.problem, moved).line(ray)) - before))
        return float(np.nanmax(changes)) if np.isfinite(changes).any() else np.inf

    # Beside the point -----------------------------------------------------------------------

    def draw(self) -> dict[str, Array]:
        """Return a random place beside the point, in hairs; it lies in one cell of all kinks."""
        shapes = {n: a.shape for n, a in self.problem.arrays.items()}
        return {
            n: self.rng.uniform(0.5, 1.5, s) * self.rng.choice([-1.0, 1.0], s)
            for n, s in shapes.items()
        }

    def limits(self, place: Direction, rays: Sequence[Ray], closer: float = 1.0) -> Array:
        """Return the slopes along rays in the cell where a place lies, as it nears the point."""
        hair = closer * HAIR[self.exact]
        near = self._slopes(self._beside(place, hair), rays, hair)
        if self.exact:
            return near
        nearer = self._slopes(self._beside(place, hair / 4.0), rays, hair / 4.0)
        change = (nearer - near) / 3.0  # linear in the distance, where it is no kink
        return np.where(np.abs(change) <= 1e-3 * np.abs(nearer), nearer + change, nearer)

    def push(self, place: Direction, ray: Ray, side: int) -> dict[str, Array]:
        """Return a place moved along a ray, to one side, beyond all of its neighbours."""
        shapes = {n: a.shape for n, a in self.problem.arrays.items()}
        direction = _unit(*ray, shapes) if isinstance(ray, tuple) else ray
        moved = {
            n: place[n] + PUSH * side * v / max(float(np.max(np.abs(v))), 1e-300)
            for n, v in direction.items()
        }
        return {**place, **moved}

    def scan(self, place: Direction, ray: Ray) -> Array:
        """Return the slopes along a line in the ray's direction, past every kink at the point."""
        hair, shape = HAIR[self.exact], {n: a.shape for n, a in self.problem.arrays.items()}
        direction = _unit(*ray, shape) if isinstance(ray, tuple) else ray
        step, found = self.size(ray), []
        start = self._beside(place, hair)
        for t in hair * np.tan(np.linspace(-1.52, 1.52, SCAN)):
            moved = {n: start.arrays[n] + t * step * v for n, v in direction.items()}
            point = Point(self.problem, {**start.arrays, **moved})
            found.append(self._slopes(point, [ray], hair)[0])
        return np.array(found)

    def kink(self, ray: Ray) -> Sides | None:
        """Return the slopes to both sides along a ray, by differences, if they differ."""
        return find_kink(self.here.line(ray), FIRST_STEP * self.size(ray), self.noise)

    @cached_property
    def kinked(self) -> dict[str, bool]:
        """Whether the function has a kink at the point that a random direction shows."""
        place = self.draw()
        found = {n: self._is_kinked(n, place) for n, a in self.problem.arrays.items() if a.size}
        return dict.fromkeys(self.problem.arrays, False) | found

    @cached_property
    def leaps(self) -> bool:
        """Whether the function itself, not its slope, jumps at the point."""
        place, here = self.draw(), self.here.value()
        hairs = (HAIR[self.exact], HAIR[self.exact] / 64.0)
        for side in (place, {n: -u for n, u in place.items()}):
            far, near = (abs(self._beside(side, hair).value() - here) for hair in hairs)
            if near > 1e3 * self.noise and near > 0.5 * far:
                return True
        return False

    def _is_kinked(self, name: str, place: Direction) -> bool:
        array = self.problem.arrays[name]
        ray = {name: typical_size(array) * self.rng.standard_normal(array.shape)}
        if not self.exact:
            return self.kink(ray) is not None
        here = complex_step(self.here.line(ray))
        back = {n: -u for n, u in place.items()}
        right, left, further, opposite = (
            self.limits(p, [ray], closer)[0]
            for closer, p in ((1.0, place), (1.0, back), (2.0, place), (2.0, back))
        )
        jump = 2.0 * (right - left) - (further - opposite)  # what is linear in the hair cancels
        off = abs(2.0 * here - right - left)
        small = 1e-9 * max(abs(right), abs(left), abs(here)) + 1e-12 * self.reach + self.noise
        return not max(abs(jump), off) <= small

    def _beside(self, place: Direction, hair: float) -> Point:
        moved = {n: a + hair * place[n] * self._sizes(n) for n, a in self.problem.arrays.items()}
        return Point(self.problem, moved)

    def _slopes(self, point: Point, rays: Sequence[Ray], hair: float) -> Array:
        if self.exact:
            return np.array([complex_step(point.line(ray)) for ray in rays])
        steps = [FIXED_STEP * hair * self.size(ray) for ray in rays]
        return np.array([fixed_step(point.line(r), s) for r, s in zip(rays, steps, strict=True)])

    def size(self, ray: Ray) -> float:
        """Return the step along a ray that moves an entry by its size."""
        if isinstance(ray, tuple):
            return float(self._sizes(ray[0]).reshape(-1)[ray[1]])
        arrays = self.problem.arrays
        return 1.0 / max(typical_size(v) / typical_size(arrays[n]) for n, v in ray.items())

    def _sizes(self, name: str) -> Array:
        """Return the entries' sizes; differences see nothing that is small in its array."""
        array = self.problem.arrays[name]
        typical, own = typical_size(array), np.abs(array)
        return np.where(own == 0.0, typical, own) if self.exact else np.maximum(own, typical)

    def _entry(self, ray: tuple[str, int]) -> float:
        return float(self.problem.arrays[ray[0]].reshape(-1)[ray[1]])


def typical_size(array: Array) -> float:
    """Return the root mean square of an array, 1 where it is all zeros."""
    largest = float(np.max(np.abs(array))) if array.size else 0.0
    return largest * float(np.sqrt(np.mean(np.square(array / largest)))) if largest else 1.0


def _columns(estimates: Sequence[Estimate], claimed: Array) -> tuple[Array, Array, Array]:
    numeric = np.array([e.value for e in estimates], np.float64)
    return numeric, claimed, np.array([e.error for e in estimates], np.float64)


def _unit(name: str, index: int, shapes: Mapping[str, tuple[int, ...]]) -> Direction:
    vector = np.zeros(shapes[name])
    vector.reshape(-1)[index] = 1.0
    return {name: vector}


def _noise(here: Point, rng: np.random.Generator) -> float:
    """Return the rounding error of one value, measured along random rays.

    Fourth differences at a millionth of every entry's size hold nothing else, unless the function
    has a kink or oscillates there, which is when they shrink with the step and rounding does not.
    """
    heard = []
    for _ in range(3):
        line = here.line({n: a * rng.standard_normal(a.shape) for n, a in here.arrays.items()})
        off = [  # to one side of the point, which may be at a kink or a jump
            line(t) - 4.0 * line(2 * t) + 6.0 * line(3 * t) - 4.0 * line(4 * t) + line(5 * t)
            for t in (1e-6, 1e-9, 1e-12, 1e-15)
        ]
        heard.append(2.0 * np.abs(off) / float(np.sqrt(70.0)))
    noise, *finer = np.where(np.isfinite(heard), heard, 0.0).max(axis=0)
    for n in finer:
        noise = n if 0.0 < n < 0.05 * noise else noise
    return max(2.0 * EPS * here.problem.scale, float(noise), 1e-300)


def _reach(here: Point, rng: np.random.Generator) -> float:
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
