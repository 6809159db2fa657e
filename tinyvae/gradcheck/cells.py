"""The cells around a point: slopes a hair beside it, where a function with kinks is smooth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tinyvae.gradcheck.differences import EPS, complex_step, fixed_step
from tinyvae.gradcheck.measure import Instruments
from tinyvae.gradcheck.point import Direction, Point, Ray, typical_size
from tinyvae.gradcheck.problem import Array

# How far beside the point its neighbours lie, in units of each entry's size: far beyond rounding,
# and near enough that a smooth function is flat there.
HAIR = {True: 1e-12, False: 1e-5}
FIXED_STEP = 1.0 / 64.0  # of differences at a neighbour, in hairs
SCAN = 40
PUSH = 4.0  # hairs: further than any neighbour's entry


def rounding(tools: Instruments, name: str) -> float:
    """Return what rounding alone does to the gradient of one array, in norm.

    The derivative along a random direction is taken again with every array moved by a unit in
    the last place; the largest change is what no gradient can be right beyond.  All of that
    happens a hair beside the point, on one side of any kink.
    """
    ray = {name: tools.rng.standard_normal(tools.problem.arrays[name].shape)}
    start = _beside(tools, draw(tools), HAIR[True])
    changes, before = [], complex_step(start.line(ray))
    for _ in range(4):
        ulps = {n: tools.rng.integers(-1, 2, a.shape) for n, a in start.arrays.items()}
        moved = {n: a * (1.0 + EPS * ulps[n]) for n, a in start.arrays.items()}
        changes.append(abs(complex_step(Point(tools.problem, moved).line(ray)) - before))
    return float(np.nanmax(changes)) if np.isfinite(changes).any() else np.inf


def draw(tools: Instruments) -> dict[str, Array]:
    """Return a random place beside the point, in hairs; it lies in one cell of all kinks."""
    shapes = {n: a.shape for n, a in tools.problem.arrays.items()}
    return {
        n: tools.rng.uniform(0.5, 1.5, s) * tools.rng.choice([-1.0, 1.0], s)
        for n, s in shapes.items()
    }


def limits(tools: Instruments, place: Direction, rays: Sequence[Ray], closer: float = 1.0) -> Array:
    """Return the slopes along rays in the cell where a place lies, as it nears the point."""
    hair = closer * HAIR[tools.exact]
    near = _slopes(tools, _beside(tools, place, hair), rays, hair)
    if tools.exact:
        return near
    nearer = _slopes(tools, _beside(tools, place, hair / 4.0), rays, hair / 4.0)
    change = (nearer - near) / 3.0  # linear in the distance, where it is no kink
    large = np.max(np.abs(nearer), initial=0.0)  # a slope of zero changes as much as its array's
    return np.where(np.abs(change) <= 1e-3 * large, nearer + change, nearer)


def push(tools: Instruments, place: Direction, ray: Ray, side: int) -> dict[str, Array]:
    """Return a place moved along a ray, to one side, beyond all of its neighbours."""
    shapes = {n: a.shape for n, a in tools.problem.arrays.items()}
    direction = _unit(*ray, shapes) if isinstance(ray, tuple) else ray
    moved = {
        n: place[n] + PUSH * side * v / max(float(np.max(np.abs(v))), 1e-300)
        for n, v in direction.items()
    }
    return {**place, **moved}


def scan(tools: Instruments, place: Direction, ray: Ray) -> Array:
    """Return the slopes along a line in the ray's direction, past every kink at the point."""
    hair, shape = HAIR[tools.exact], {n: a.shape for n, a in tools.problem.arrays.items()}
    direction = _unit(*ray, shape) if isinstance(ray, tuple) else ray
    step, found = tools.size(ray), []
    start = _beside(tools, place, hair)
    for t in hair * np.tan(np.linspace(-1.52, 1.52, SCAN)):
        moved = {n: start.arrays[n] + t * step * v for n, v in direction.items()}
        point = Point(tools.problem, {**start.arrays, **moved})
        found.append(_slopes(tools, point, [ray], hair)[0])
    return np.array(found)


def is_kinked(tools: Instruments, name: str) -> bool:
    """Return whether an array's random direction shows a kink at the point; found out once."""
    if name not in tools.kinked:
        has_entries = bool(tools.problem.arrays[name].size)
        tools.kinked[name] = has_entries and _shows_a_kink(tools, name, draw(tools))
    return tools.kinked[name]


def leaps(tools: Instruments) -> bool:
    """Return whether the function itself, not its slope, jumps at the point."""
    place, here = draw(tools), tools.here.value()
    hairs = (HAIR[tools.exact], HAIR[tools.exact] / 64.0)
    for side in (place, {n: -u for n, u in place.items()}):
        far, near = (abs(_beside(tools, side, hair).value() - here) for hair in hairs)
        if near > 1e3 * tools.noise and near > 0.5 * far:
            return True
    return False


def _shows_a_kink(tools: Instruments, name: str, place: Direction) -> bool:
    array = tools.problem.arrays[name]
    ray = {name: typical_size(array) * tools.rng.standard_normal(array.shape)}
    if not tools.exact:
        return tools.kink(ray) is not None
    here = complex_step(tools.here.line(ray))
    back = {n: -u for n, u in place.items()}
    right, left, further, opposite = (
        limits(tools, p, [ray], closer)[0]
        for closer, p in ((1.0, place), (1.0, back), (2.0, place), (2.0, back))
    )
    jump = 2.0 * (right - left) - (further - opposite)  # what is linear in the hair cancels
    off = abs(2.0 * here - right - left)
    small = 1e-9 * max(abs(right), abs(left), abs(here)) + 1e-12 * tools.reach + tools.noise
    return not max(abs(jump), off) <= small


def _beside(tools: Instruments, place: Direction, hair: float) -> Point:
    moved = {n: a + hair * place[n] * tools.sizes(n) for n, a in tools.problem.arrays.items()}
    return Point(tools.problem, moved)


def _slopes(tools: Instruments, point: Point, rays: Sequence[Ray], hair: float) -> Array:
    if tools.exact:
        return np.array([complex_step(point.line(ray)) for ray in rays])
    steps = [FIXED_STEP * hair * tools.size(ray) for ray in rays]
    return np.array([fixed_step(point.line(r), s) for r, s in zip(rays, steps, strict=True)])


def _unit(name: str, index: int, shapes: Mapping[str, tuple[int, ...]]) -> Direction:
    vector = np.zeros(shapes[name])
    vector.reshape(-1)[index] = 1.0
    return {name: vector}
