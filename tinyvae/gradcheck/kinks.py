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
SCANS = 5
TOGETHER = 64  # entries at kinks that are judged together
# How exactly slopes in the cells are known, and slopes of a scan, which goes further away.
CELL = {True: 1e-9, False: 1e-6}
SCANNED = {True: 1e-7, False: 2e-3}
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
    sizes : array
        How large the slopes around are.
    disagree : str
        Why the entries do not fit together, although each by itself would, or "".
    """

    at: Array
    undecided: Array
    nearest: Array
    slack: Array
    sizes: Array
    disagree: str = ""
    is_direction: bool = False

    @classmethod
    def none(cls, measured: Measurement) -> AtKinks:
        """Return what holds where no kink is."""
        n = len(measured.numeric)
        nowhere = np.zeros(n, bool)
        return cls(
            nowhere, nowhere.copy(), np.zeros(n), np.zeros(n), np.zeros(n),
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
        low, high = np.nanmin(every, axis=0), np.nanmax(every, axis=0)
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


def is_kinked(tools: Instruments) -> bool:
    """Return whether a random direction through some array shows a kink; found out once."""
    if tools.kinked is None:
        arrays = {n: a for n, a in tools.problem.arrays.items() if a.size}
        tools.kinked = any(
            show_a_kink(
                tools, [{n: tools.rng.standard_normal(a.shape)}], tools.floor(n) * a.size**0.5
            )
            for n, a in arrays.items()
        )
    return tools.kinked


def show_a_kink(tools: Instruments, rays: Sequence[Ray], floor: float) -> bool:
    """Return whether slopes along some rays jump, or are others at the point than beside it."""
    if not tools.exact:
        return any(tools.kink(ray) is not None for ray in rays[:3])
    if not rays:
        return False
    around = Around.look(tools, rays, floor)
    here = np.array([tools.slope(ray).value for ray in rays])
    off = np.abs(here - around.slopes.mean(axis=0)) if len(around.slopes) else np.zeros(len(rays))
    return bool((around.kinked | (off > 10.0 * around.known)).any())


def examine(
    tools: Instruments, measured: Measurement, shape: tuple[int, ...], floor: float
) -> AtKinks:
    """Find which numbers are at a kink and what is allowed there.

    ``floor`` is the rounding error of a slope.  Where the point is smooth for a number that the
    complex step takes on a branch of its own, the number is corrected.
    """
    kinks, claimed = AtKinks.none(measured), measured.analytic
    around = Around.look(tools, measured.rays(shape), floor)
    if not len(around.slopes):
        return kinks
    middle, surely = around.slopes.mean(axis=0), 10.0 * around.known
    kinks.at = around.kinked
    if tools.exact:
        off = ~kinks.at & ~(np.abs(measured.numeric - middle) <= surely)
        measured.numeric[off] = middle[off]
    kinks.undecided = kinks.at & _unbounded(tools, around)
    where = np.flatnonzero(kinks.at & ~kinks.undecided)
    # Jumps of several kinks may have cancelled each other in the cells seen.
    off = np.where(kinks.at, 0.0, np.abs(claimed - middle) / surely)
    where = np.concatenate([where, np.argsort(-off)[:FEW][np.sort(-off)[:FEW] < -1.0]])
    kinks.nearest = claimed.copy()
    for group in np.array_split(where, -(-len(where) // TOGETHER) or 1):
        found = settle(tools, around.among(group), claimed[group])
        kinks.at[group] |= found.jump > surely[group]
        kinks.nearest[group], kinks.undecided[group] = found.nearest, found.undecided
        kinks.disagree = kinks.disagree or found.said
    kinks.undecided &= kinks.at
    if not tools.exact:
        between = np.abs(around.slopes - claimed).min(axis=0) > surely
        for i in np.flatnonzero(kinks.at & between):
            sides = tools.kink(around.rays[int(i)])
            kinks.undecided[i] |= sides is not None and not sides.sharp
    kinks.slack = np.where(kinks.at, 3.0 * around.known, around.jump)
    kinks.sizes = np.where(kinks.at, around.sizes, 0.0)
    return kinks


@dataclass(frozen=True)
class Settled:
    """The gradient around the point that is nearest to a claim; what is said if it is another."""

    nearest: Array
    jump: Array
    said: str = ""
    undecided: bool = False


def settle(tools: Instruments, around: Around, claimed: Array) -> Settled:
    """Find out whether a claim lies in the hull of the gradients around the point."""
    if not len(claimed):
        return Settled(claimed, claimed)
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
        if off @ corner < 0.9999 * (off @ off):
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


def _unbounded(tools: Instruments, around: Around) -> Array:
    """Return which slopes grow without end towards the point, as that of a square root does."""
    with np.errstate(all="ignore"):
        closer = np.abs(cells.limits(tools, cells.draw(tools), around.rays, 1.0 / 64.0))
        return np.asarray(closer > 4.0 * around.sizes)
