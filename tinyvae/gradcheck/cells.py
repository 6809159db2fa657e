"""The cells around a point: slopes a hair beside it, where a function with kinks is smooth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinyvae.gradcheck.differences import EPS, complex_step, fixed_step
from tinyvae.gradcheck.measure import Instruments
from tinyvae.gradcheck.point import Direction, Point, Ray
from tinyvae.gradcheck.problem import Array

# How far beside the point its neighbours lie, in units of each entry's size: far beyond rounding,
# and near enough that a smooth function is flat there.
HAIR = {True: 1e-12, False: 1e-5}
FIXED_STEP = 1.0 / 64.0  # of differences at a neighbour, in hairs
SCAN, CLIMB = 40, 60
# Places on a line through a cell, in hairs: some lie beyond kinks that the line meets at a small
# angle.  So far away a function has bent for differences.
NEAR = np.tan(np.linspace(-1.55, 1.55, SCAN))
FAR = np.geomspace(100.0, 1e3, 4)
ALONG = {True: np.concatenate([-FAR[::-1], NEAR, FAR]), False: NEAR}
PUSH = 8.0  # hairs: further than any neighbour's entry


def rounding(tools: Instruments, name: str) -> float:
    """Return what rounding alone does to the gradient of one array, in norm.

    It is how much the slope along a random direction changes where every array moves by a unit in
    the last place, and how much the claim's difference from it changes a few hairs beside the
    point: a wrong formula is wrong by the same amount there, and rounding is not.  The latter is
    at most the function's own rounding over the array's size, whatever noise is claimed.
    """
    vector = tools.rng.standard_normal(tools.problem.arrays[name].shape)
    start = beside(tools, draw(tools), HAIR[True])  # on one side of any kink
    slopes, off = [_slope(start, name, vector)], [_off(start, name, vector)]
    for farther in (1.0, 10.0, 100.0, 1000.0):
        ulps = {n: 1.0 + EPS * tools.rng.integers(-1, 2, a.shape) for n, a in start.arrays.items()}
        moved = Point(tools.problem, {n: a * ulps[n] for n, a in start.arrays.items()})
        slopes.append(_slope(moved, name, vector))
        off.append(_off(beside(tools, draw(tools), farther * HAIR[True]), name, vector))
    changes = np.abs(np.array([slopes, off]) - [slopes[:1], off[:1]])
    if not np.isfinite(changes[0]).any():
        return np.inf
    measured, claimed = np.nanmax(np.nan_to_num(changes, nan=0.0, posinf=0.0), axis=1)
    return float(max(measured, min(claimed, tools.noise / tools.typical[name])))


def _slope(point: Point, name: str, vector: Array) -> float:
    return complex_step(point.line({name: vector}))


def _off(point: Point, name: str, vector: Array) -> float:
    """Return how far the claim is off along a direction at another point; NaN if it has none."""
    try:
        with np.errstate(all="ignore"):
            claimed = point.problem.gradients(point.arrays)[name]
    except Exception:  # it may check what it is given; it is judged by what it says at the point
        return np.nan
    if claimed is None or claimed.shape != vector.shape:
        return np.nan
    return float(np.sum(claimed * vector)) - _slope(point, name, vector)


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
    near = _slopes(tools, beside(tools, place, hair), rays, hair)
    if tools.exact:
        return near
    nearer = _slopes(tools, beside(tools, place, hair / 4.0), rays, hair / 4.0)
    change = (nearer - near) / 3.0  # linear in the distance, where it is no kink
    large = tools.reach / np.array([tools.size(ray) for ray in rays])
    return np.where(np.abs(change) <= 1e-3 * (large + np.abs(nearer)), nearer + change, nearer)


def sides(tools: Instruments, rays: Sequence[Ray], closer: float = 1.0) -> Array:
    """Return the slopes along rays to where each itself leads from the point, back and forth."""
    here = {n: np.zeros(a.shape) for n, a in tools.problem.arrays.items()}
    return np.array(
        [
            [limits(tools, push(tools, here, r, t), [r], closer)[0] for r in rays]
            for t in (-PUSH, PUSH)
        ]
    )


def steepest(tools: Instruments, direction: Direction) -> tuple[dict[str, Array], float]:
    """Look for the cell where the slope along a direction is largest.

    Returns a place in it and a bound: on a line past all kinks the slope jumps at each of
    them; were all of the jumps upwards on one side, the slope would be the first plus all these.
    """
    start = draw(tools)
    places = [push(tools, start, direction, t) for t in ALONG[tools.exact]]
    slopes = np.array([limits(tools, place, [direction])[0] for place in places])
    finite = np.flatnonzero(np.isfinite(slopes))
    if not len(finite):
        return start, np.inf
    best, known = finite[np.argmax(slopes[finite])], slopes[finite]
    bound = known[0] + np.maximum(np.diff(known), 0.0).sum()
    return places[best], float(bound)


def climb(tools: Instruments, place: Direction, direction: Direction) -> dict[str, Array]:
    """Draw parts of a place again as long as that makes the slope along a direction larger."""
    best, steepest = dict(place), limits(tools, place, [direction])[0]
    for _ in range(CLIMB):
        share, other = tools.rng.random(), draw(tools)
        moved = {
            n: np.where(tools.rng.random(u.shape) < share, other[n], u) for n, u in best.items()
        }
        slope = limits(tools, moved, [direction])[0]
        if slope > steepest:
            best, steepest = moved, slope
    return best


def push(tools: Instruments, place: Direction, ray: Ray, hairs: float) -> dict[str, Array]:
    """Return a place moved along a ray by so many hairs."""
    step, direction = hairs * tools.size(ray), unit(tools, ray)
    moved = {n: place[n] + step * v / tools.sizes(n) for n, v in direction.items()}
    return {**place, **moved}


def unit(tools: Instruments, ray: Ray) -> Direction:
    """Return a ray as a direction, that of an entry with a one there."""
    if not isinstance(ray, tuple):
        return ray
    vector = np.zeros(tools.problem.arrays[ray[0]].shape)
    vector.reshape(-1)[ray[1]] = 1.0
    return {ray[0]: vector}


def leaps(tools: Instruments) -> bool:
    """Return whether the function itself, not its slope, jumps at the point; found out once."""
    if tools.leaping is None:
        place = draw(tools)
        tools.leaping = any(_leaps(tools, u) for u in (place, {n: -v for n, v in place.items()}))
    return tools.leaping


def _leaps(tools: Instruments, place: Direction) -> bool:
    here, hair = tools.here.value(), HAIR[tools.exact]
    far, near = (abs(beside(tools, place, h).value() - here) for h in (hair, hair / 64.0))
    return near > 1e3 * tools.noise and near > 0.5 * far


def beside(tools: Instruments, place: Direction, hair: float) -> Point:
    """Return the point moved to a place, of which a unit is so long."""
    moved = {n: a + hair * place[n] * tools.sizes(n) for n, a in tools.problem.arrays.items()}
    return Point(tools.problem, moved)


def _slopes(tools: Instruments, point: Point, rays: Sequence[Ray], hair: float) -> Array:
    if tools.exact:
        return np.array([complex_step(point.line(ray)) for ray in rays])
    steps = [FIXED_STEP * hair * tools.size(ray) for ray in rays]
    return np.array([fixed_step(point.line(r), s) for r, s in zip(rays, steps, strict=True)])
