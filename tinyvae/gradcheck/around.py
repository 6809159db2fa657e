"""The gradients around a point: any in their convex hull is one of the function's at the point.

The function is differentiated in cells around the point, a hair away, where it is smooth (Clarke,
1975).  Where the claim lies outside the hull of the cells seen so far, it does so along some
direction, and the cells on the way into that direction are looked at next: either one of them has
so large a slope, and the hull grows, or none can have, and the claim is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinyvae.gradcheck import cells
from tinyvae.gradcheck.hull import nearest_point
from tinyvae.gradcheck.measure import Instruments
from tinyvae.gradcheck.point import Direction, Ray
from tinyvae.gradcheck.problem import Array

CELLS = 4  # pairs of opposite cells that are looked into
SCANS = 5  # into one direction without finding anything, before that is believed
# How exactly slopes in the cells are known, and slopes of a scan, which goes further away.
CELL = {True: 1e-9, False: 1e-6}
NEARER = 1.0 / 1024.0  # of a hair: a cell of a kink at the point has the same slopes there
SCANNED = {True: 1e-7, False: 2e-3}
APART = "each entry at a kink lies between the slopes around it, but all together they do not fit:"


@dataclass(frozen=True)
class Around:
    """Slopes along rays in some cells around the point.

    Attributes
    ----------
    rays : sequence of Ray
        Along what they were measured.
    places : sequence of dict
        Where the cells are.
    slopes : (cells, n) array
        A cell a row.
    sides : (2, n) array
        Each where its ray itself leads, back and forth.
    known : (n,) array
        How exactly a slope is known.
    """

    rays: Sequence[Ray]
    places: Sequence[Direction]
    slopes: Array
    sides: Array
    known: Array

    @classmethod
    def look(cls, tools: Instruments, rays: Sequence[Ray], floor: float) -> Around:
        """Look into pairs of opposite cells; a kink through the point runs between them."""
        places = [cells.draw(tools) for _ in range(CELLS)]
        places += [{n: -u for n, u in place.items()} for place in places]
        slopes = np.array([cells.limits(tools, place, rays) for place in places])
        finite = np.isfinite(slopes).all(axis=1)
        found = cls(
            rays,
            [place for place, good in zip(places, finite, strict=True) if good],
            slopes[finite],
            cells.sides(tools, rays),
            np.array([_rounding(tools, ray) for ray in rays]) + 30.0 * floor,
        )
        return replace(found, known=found.known + CELL[tools.exact] * found.sizes)

    @property
    def jump(self) -> Array:
        """From the smallest to the largest slope."""
        return np.asarray(np.ptp(self._finite, axis=0))

    @property
    def kinked(self) -> Array:
        """Where the slopes jump beyond doubt."""
        return np.asarray(self.jump > 10.0 * self.known)

    @property
    def sizes(self) -> Array:
        """How large the slopes are, of all rays at least a thousandth of the largest."""
        sizes = np.abs(self._finite).max(axis=0)
        return np.asarray(np.maximum(sizes, 1e-3 * np.max(sizes, initial=0.0)))

    def among(self, chosen: Array) -> Around:
        """Return the same of some rays."""
        rays = [self.rays[i] for i in chosen]
        slopes, sides = self.slopes[:, chosen], self.sides[:, chosen]
        return Around(rays, self.places, slopes, sides, self.known[chosen])

    @property
    def _finite(self) -> Array:
        every = np.vstack([self.slopes, self.sides])
        return np.asarray(every[np.isfinite(every).all(axis=1)])


@dataclass(frozen=True)
class Settled:
    """The gradient around the point that is nearest to a claim; what is said if it is another.

    ``undecided`` is one for each number, as ``nearest`` and ``jump`` are.
    """

    nearest: Array
    jump: Array
    undecided: Array
    said: str = ""


def settle(tools: Instruments, around: Around, claimed: Array) -> Settled:
    """Find out whether a claim lies in the hull of the gradients around the point."""
    if not claimed.size or not around.slopes.size:
        return Settled(claimed, 0.0 * claimed, np.zeros(claimed.shape, bool))
    slack = 3.0 * around.known
    scale = np.maximum(around.jump, np.abs(claimed - around.slopes.mean(axis=0))) + slack
    doubts = slack + SCANNED[tools.exact] * around.sizes
    corners, places = (around.slopes - claimed) / scale, list(around.places)
    bounds: list[float] = []
    for _ in range(4 * (len(claimed) + SCANS)):
        off = nearest_point(corners)
        nearest, weights = claimed + scale * off, -off / scale
        if len(bounds) == SCANS or np.all(np.abs(nearest - claimed) <= slack):
            break
        direction = _combined(tools, around.rays, weights)
        place, bound = cells.steepest(tools, direction)
        if bounds:
            place = cells.climb(tools, place, direction)
        corner = (cells.limits(tools, place, around.rays) - claimed) / scale
        if off @ corner < 0.9999 * (off @ off):  # NaN is not
            corners, places, bounds = np.vstack([corners, corner]), [*places, place], []
        else:
            bounds.append(bound)
    jump = np.maximum(around.jump, scale * np.ptp(corners, axis=0))
    if np.all(np.abs(nearest - claimed) <= slack):
        return Settled(nearest, jump, _beside(tools, around, places, claimed, jump))
    gives, most = float(weights @ claimed), max(bounds, default=np.inf)
    if gives <= most + float(np.abs(weights) @ doubts):
        return Settled(claimed, jump, np.ones(claimed.shape, bool))
    said = f"along one direction they give {gives:.6g}, the function at most {most:.6g}."
    return Settled(nearest, jump, np.zeros(claimed.shape, bool), f"{APART} {said}")


def _beside(
    tools: Instruments, around: Around, places: Sequence[Direction], claimed: Array, jump: Array
) -> Array:
    """Return which numbers lie between slopes of cells that do not reach to the point itself.

    To the complex step, what is nearer than a hair counts as at the point.
    """
    if tools.exact:
        return np.zeros(claimed.shape, bool)
    first, nearer = (
        np.array([cells.limits(tools, place, around.rays, closer) for place in places])
        for closer in (1.0, NEARER)
    )
    rounding = 10.0 * tools.noise / np.array([tools.size(ray) for ray in around.rays])
    rounding /= NEARER * cells.HAIR[False] * cells.FIXED_STEP
    changes = np.abs(nearer - first).max(axis=0) > 0.01 * jump + rounding
    off = np.abs(nearer - claimed).min(axis=0) > 10.0 * around.known
    return np.asarray(changes & off)


def _combined(tools: Instruments, rays: Sequence[Ray], weights: Array) -> dict[str, Array]:
    """Return the direction that is a sum of rays with these weights."""
    direction: dict[str, Array] = {}
    for ray, weight in zip(rays, weights, strict=True):
        for name, vector in cells.unit(tools, ray).items():
            direction[name] = direction.get(name, 0.0) + weight * vector
    return direction


def _rounding(tools: Instruments, ray: Ray) -> float:
    """Return the rounding error of a slope in a cell."""
    noise = tools.noise / tools.size(ray)
    return 3.0 * noise if tools.exact else 10.0 * noise / (1e-5 / 256.0)
