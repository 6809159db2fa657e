"""What a gradient may be at a kink: any in the convex hull of the gradients in the cells around.

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
from tinyvae.gradcheck.measure import Instruments, Measurement
from tinyvae.gradcheck.point import Ray
from tinyvae.gradcheck.problem import Array

# Looked at again one by one, the worst first; where none of these is at a kink, none is.
FEW = 12
CELLS = 4  # pairs of opposite cells that are looked into
SCANS = 6
TOGETHER = 64  # entries at kinks that are judged together
# How exactly slopes in the cells are known, and slopes of a scan, which goes further away.
CELL = {True: 1e-9, False: 1e-5}
SCANNED = {True: 1e-7, False: 2e-3}
SPANNED = {True: 1e-6, False: 1e-3}
APART = "each entry at a kink lies between the slopes around it, but all together they do not fit:"


@dataclass
class AtKinks:
    """Which numbers of a measurement are at a kink, and what is allowed there.

    Attributes
    ----------
    at, undecided : bool arrays
        Which numbers are at a kink, and for which of these nothing can be said.
    nearest : array
        The allowed slope that is nearest to the claim.
    slack : array
        How exactly it is known.
    slopes : array
        Of every measured number in the cells around the point, a cell a row.
    jump : array
        From the smallest to the largest of these.
    disagree : str
        Why the entries do not fit together, although each by itself would, or "".
    """

    at: Array
    undecided: Array
    nearest: Array
    slack: Array
    slopes: Array
    jump: Array
    disagree: str = ""
    is_direction: bool = False

    @classmethod
    def none(cls, measured: Measurement) -> AtKinks:
        """Return what holds where no kink is."""
        n = len(measured.numeric)
        nowhere = np.zeros(n, bool)
        return cls(
            nowhere, nowhere.copy(), np.zeros(n), np.zeros(n), np.zeros((0, n)), np.zeros(n),
            is_direction=bool(measured.vectors.size),
        )  # fmt: skip

    @property
    def decides_nothing(self) -> bool:
        """Whether all that was measured are directions, each of them across a kink."""
        return self.is_direction and bool(self.at.all())

    def remark(self, measured: Measurement, shape: tuple[int, ...]) -> str:
        """Say what is wrong at the kinks, or undecided, with the entries."""
        if self.disagree:
            return self.disagree
        if self.decides_nothing:
            return "every direction crosses a kink, which decides nothing: check entries."
        if not self.undecided.any() or self.is_direction:
            return ""
        where = measured.indices[self.undecided]
        listed = ", ".join(str([int(i) for i in np.unravel_index(k, shape)]) for k in where[:6])
        more = ", ..." if len(where) > 6 else ""
        return (
            f"undecided at {listed}{more}: too many kinks meet there, or the function bends more "
            "sharply than this method can follow."
        )


def examine(
    tools: Instruments, measured: Measurement, shape: tuple[int, ...], floor: float
) -> AtKinks:
    """Find which numbers are at a kink and what is allowed there.

    ``floor`` is the rounding error of a slope.  Where the point is smooth for a number that the
    complex step takes on a branch of its own, the number is corrected.
    """
    kinks = AtKinks.none(measured)
    rays, claimed = measured.rays(shape), measured.analytic
    slopes = _around(tools, rays)
    if not len(slopes):
        return kinks
    both = np.vstack([slopes, _pushed(tools, rays)])
    low, high = np.nanmin(both, axis=0), np.nanmax(both, axis=0)
    sizes = np.maximum(np.abs(low), np.abs(high))
    known = CELL[tools.exact] * np.maximum(sizes, 1e-3 * sizes.max()) + floor
    known += 3.0 * tools.noise / np.array([tools.size(ray) for ray in rays])
    known += 30.0 * floor  #
    if not tools.exact:
        known += np.array([_blur(tools, ray) for ray in rays])
    at = high - low > 10.0 * known
    if tools.exact:
        middle = slopes.mean(axis=0)
        off = ~at & ~(np.abs(measured.numeric - middle) <= 10.0 * known)
        measured.numeric[off] = middle[off]
    kinks.at, kinks.slack, kinks.nearest = at, np.where(at, 3.0 * known, 0.0), claimed.copy()
    kinks.undecided = at & _unbounded(tools, rays, sizes)
    where = np.flatnonzero(at & ~kinks.undecided)
    for group in np.array_split(where, -(-len(where) // TOGETHER) or 1):
        chosen = [rays[i] for i in group]
        found = settle(
            tools,
            chosen,
            claimed[group],
            slopes[:, group],
            kinks.slack[group],
            high[group] - low[group],
        )
        kinks.nearest[group] = found.nearest
        kinks.undecided[group] = found.undecided
        kinks.disagree = kinks.disagree or found.said
    return kinks


@dataclass(frozen=True)
class Settled:
    """The gradient around the point that is nearest to a claim; what is said if it is another."""

    nearest: Array
    said: str = ""
    undecided: bool = False


def settle(
    tools: Instruments,
    rays: Sequence[Ray],
    claimed: Array,
    slopes: Array,
    slack: Array,
    scale: Array,
) -> Settled:
    """Find out whether a claim lies in the hull of the gradients around the point.

    Parameters
    ----------
    tools : Instruments
        What differentiates.
    rays : sequence of Ray
        Along what the claim gives slopes.
    claimed : (n,) array
        The claim.
    slopes : (cells, n) array
        What was measured in some cells already.
    slack : (n,) array
        How exactly a slope is known.
    scale : (n,) array
        How far it jumps from cell to cell.
    """
    if not len(rays):
        return Settled(claimed)
    bounds: list[float] = []
    corners = (slopes - claimed) / scale
    doubts = slack + SCANNED[tools.exact] * np.abs(slopes).max(axis=0)
    for _ in range(4 * (len(rays) + SCANS)):
        off = nearest_point(corners)
        nearest, weights = claimed + scale * off, -off / scale
        if np.all(np.abs(nearest - claimed) <= slack):
            return Settled(nearest)
        direction = _combined(tools, rays, weights)
        place, bound = cells.steepest(tools, direction)
        if bounds:
            place = cells.climb(tools, place, direction)
        corner = (cells.limits(tools, place, rays) - claimed) / scale
        if off @ corner < 0.99 * (off @ off):
            corners, bounds = np.vstack([corners, corner]), []
            continue
        bounds.append(bound)
        if len(bounds) == SCANS:
            break
    gives, most = float(weights @ claimed), max(bounds)
    if gives <= most + float(np.abs(weights) @ doubts):
        return Settled(claimed, undecided=True)
    said = f"along one direction they give {gives:.6g}, the function at most {most:.6g}."
    return Settled(nearest, f"{APART} {said}")


def _combined(tools: Instruments, rays: Sequence[Ray], weights: Array) -> dict[str, Array]:
    """Return the direction that is a sum of rays with these weights."""
    direction: dict[str, Array] = {}
    for ray, weight in zip(rays, weights, strict=True):
        for name, vector in cells.unit(tools, ray).items():
            direction[name] = direction.get(name, 0.0) + weight * vector
    return direction


def _around(tools: Instruments, rays: Sequence[Ray]) -> Array:
    """Return the slopes in some pairs of opposite cells, a cell a row."""
    places = [cells.draw(tools) for _ in range(CELLS)]
    places += [{n: -u for n, u in place.items()} for place in places]
    slopes = np.array([cells.limits(tools, place, rays) for place in places])
    return slopes[np.isfinite(slopes).all(axis=1)]


def _pushed(tools: Instruments, rays: Sequence[Ray]) -> Array:
    """Return the slope along each ray where the point is pushed along it, to either side."""
    start = cells.draw(tools)
    return np.array(
        [
            [
                cells.limits(tools, cells.push(tools, start, ray, side * cells.PUSH), [ray])[0]
                for ray in rays
            ]
            for side in (-1, 1)
        ]
    )


def _blur(tools: Instruments, ray: Ray) -> float:
    """Return the rounding error of a difference in a cell."""
    return 10.0 * tools.noise / (1e-5 / 256.0 * tools.size(ray))


def _unbounded(tools: Instruments, rays: Sequence[Ray], sizes: Array) -> Array:
    """Return which slopes grow without end towards the point, as that of a square root does."""
    with np.errstate(all="ignore"):
        closer = np.abs(cells.limits(tools, cells.draw(tools), rays, 1.0 / 64.0))
        return np.asarray(closer > 4.0 * sizes)


def fit_together(tools: Instruments, rays: list[Ray], claimed: Array, slack: Array) -> Settled:
    """Return whether claims at entries of several arrays are one gradient of the function."""
    slopes = _around(tools, rays)
    both = np.vstack([slopes, _pushed(tools, rays)])
    scale = np.nanmax(both, axis=0) - np.nanmin(both, axis=0)
    return settle(tools, rays, claimed, slopes, slack, np.maximum(scale, slack))
