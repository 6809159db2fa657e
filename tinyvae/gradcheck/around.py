"""The gradients around a point: any in their convex hull is one of the function's at the point.

The function is differentiated in cells around the point, a hair away, where it is smooth (Clarke,
1975).  Where the claim lies outside the hull of the cells seen so far, it does so along some
direction, and the cells on the way into that direction are looked at next: either one of them has
so large a slope, and the hull grows, or none can have, and the claim is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinyvae.gradcheck import cells
from tinyvae.gradcheck.hull import nearest_point
from tinyvae.gradcheck.measure import Instruments
from tinyvae.gradcheck.point import Ray
from tinyvae.gradcheck.problem import Array

CELLS = 4  # pairs of opposite cells that are looked into
SCANS = 5  # into one direction without finding anything, before that is believed
# How exactly slopes in the cells are known, and slopes of a scan, which goes further away.
CELL = {True: 1e-9, False: 1e-6}
SCANNED = {True: 1e-7, False: 2e-3}
APART = "each entry at a kink lies between the slopes around it, but all together they do not fit:"


@dataclass(frozen=True)
class Around:
    """Slopes along rays in some cells around the point.

    Attributes
    ----------
    rays : sequence of Ray
        Along what they were measured.
    slopes : (cells, n) array
        A cell a row.
    jump : (n,) array
        From the smallest to the largest of them, and of those where the ray itself leads.
    known : (n,) array
        How exactly a slope is known.
    """

    rays: Sequence[Ray]
    slopes: Array
    jump: Array
    known: Array

    @classmethod
    def look(cls, tools: Instruments, rays: Sequence[Ray], floor: float) -> Around:
        """Look into pairs of opposite cells; a kink through the point runs between them."""
        places = [cells.draw(tools) for _ in range(CELLS)]
        places += [{n: -u for n, u in place.items()} for place in places]
        slopes = np.array([cells.limits(tools, place, rays) for place in places])
        slopes = slopes[np.isfinite(slopes).all(axis=1)]
        largest = float(np.max(np.abs(slopes), initial=0.0))
        pushed = [
            [
                cells.limits(tools, cells.push(tools, places[0], ray, hairs), [ray])[0]
                for ray in rays
            ]
            for hairs in (-cells.PUSH, cells.PUSH)
        ]
        every = np.vstack([slopes, pushed])
        every = every[np.isfinite(every).all(axis=1)]
        if not len(slopes):
            return cls(rays, slopes, np.zeros(len(rays)), np.full(len(rays), np.inf))
        low, high = every.min(axis=0), every.max(axis=0)
        sizes = np.maximum(np.maximum(np.abs(low), np.abs(high)), 1e-3 * largest)
        known = CELL[tools.exact] * sizes + 30.0 * floor
        known += np.array([_rounding(tools, ray) for ray in rays])
        return cls(rays, slopes, high - low, known)

    @property
    def kinked(self) -> Array:
        """Where the slopes jump beyond doubt."""
        return np.asarray(self.jump > 10.0 * self.known)

    @property
    def sizes(self) -> Array:
        """How large the slopes are."""
        return np.asarray(np.maximum(np.abs(self.slopes).max(axis=0), self.jump))

    def among(self, chosen: Array) -> Around:
        """Return the same of some rays."""
        return Around(
            [self.rays[i] for i in chosen],
            self.slopes[:, chosen],
            self.jump[chosen],
            self.known[chosen],
        )


@dataclass(frozen=True)
class Settled:
    """The gradient around the point that is nearest to a claim; what is said if it is another."""

    nearest: Array
    jump: Array
    said: str = ""
    undecided: bool = False


def settle(tools: Instruments, around: Around, claimed: Array) -> Settled:
    """Find out whether a claim lies in the hull of the gradients around the point."""
    if not claimed.size or not around.slopes.size:
        return Settled(claimed, 0.0 * claimed)
    slack = 3.0 * around.known
    scale = np.maximum(around.jump, np.abs(claimed - around.slopes.mean(axis=0))) + slack
    doubts = slack + SCANNED[tools.exact] * around.sizes
    corners = (around.slopes - claimed) / scale
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
            corners, bounds = np.vstack([corners, corner]), []
        else:
            bounds.append(bound)
    jump = np.maximum(around.jump, scale * np.ptp(corners, axis=0))
    if np.all(np.abs(nearest - claimed) <= slack):
        return Settled(nearest, jump)
    gives, most = float(weights @ claimed), max(bounds, default=np.inf)
    if gives <= most + float(np.abs(weights) @ doubts):
        return Settled(claimed, jump, undecided=True)
    said = f"along one direction they give {gives:.6g}, the function at most {most:.6g}."
    return Settled(nearest, jump, f"{APART} {said}")


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
