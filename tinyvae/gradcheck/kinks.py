"""What a gradient may be at a kink: between the slopes around the point, and all entries together.

The function is differentiated in cells around the point, a hair away, where it is smooth.  A
gradient at the point lies among those: each entry between the smallest and the largest slope, and
the whole off from any one of them only by the jumps from cell to cell (Clarke, 1975).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinyvae.gradcheck import cells
from tinyvae.gradcheck.measure import Instruments, Measurement
from tinyvae.gradcheck.point import Direction, Ray
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
    """Find which numbers are at a kink and what is allowed there, each by itself.

    ``floor`` is the rounding error of a slope.  Where the point is smooth for a number that the
    complex step takes on a branch of its own, the number is corrected.
    """
    kinks = AtKinks.none(measured)
    rays, claimed = measured.rays(shape), measured.analytic
    places = [cells.draw(tools) for _ in range(CELLS)]
    places += [{n: -u for n, u in place.items()} for place in places]
    slopes = np.array([cells.limits(tools, place, rays) for place in places])
    pushed = np.array(
        [
            [cells.limits(tools, cells.push(tools, places[0], r, side), [r])[0] for r in rays]
            for side in (-1, 1)
        ]
    )
    slopes = slopes[np.isfinite(slopes).all(axis=1)]
    if not len(slopes):
        return kinks
    both = np.concatenate([slopes, pushed])
    low, high = np.nanmin(both, axis=0), np.nanmax(both, axis=0)
    sizes = np.maximum(np.abs(low), np.abs(high))
    known = CELL[tools.exact] * np.maximum(sizes, 1e-3 * sizes.max()) + floor
    known += tools.noise / np.array([tools.size(ray) for ray in rays])
    if not tools.exact:
        known += np.array([_blur(tools, ray) for ray in rays])
    at = high - low > 10.0 * known
    if tools.exact:
        middle = slopes.mean(axis=0)
        off = ~at & ~(np.abs(measured.numeric - middle) <= 10.0 * known)
        measured.numeric[off] = middle[off]
    kinks.at, kinks.slack, kinks.slopes = at, np.where(at, 3.0 * known, 0.0), slopes
    kinks.nearest, kinks.jump = np.clip(claimed, low, high), high - low
    kinks.undecided = at & _unbounded(tools, places[0], rays, sizes)
    _widen(tools, kinks, claimed, rays)
    if not tools.exact:
        inside = at & (claimed > low + 10 * known) & (claimed < high - 10 * known)
        for i in np.flatnonzero(inside):
            sides = tools.kink(rays[i])
            kinks.undecided[i] |= sides is not None and not sides.sharp
    return kinks


def _pushed(tools: Instruments, place: Direction, ray: Ray, side: int, rays: list[Ray]) -> Array:
    return cells.limits(tools, cells.push(tools, place, ray, side), rays)


def _blur(tools: Instruments, ray: Ray) -> float:
    """Return the rounding error of a difference in a cell."""
    return 10.0 * tools.noise / (1e-5 / 256.0 * tools.size(ray))


def _unbounded(tools: Instruments, place: dict[str, Array], rays: list[Ray], sizes: Array) -> Array:
    """Return which slopes grow without end towards the point, as that of a square root does."""
    with np.errstate(all="ignore"):
        closer = np.abs(cells.limits(tools, place, rays, 1.0 / 64.0))
        return np.asarray(closer > 4.0 * sizes)


def _widen(tools: Instruments, kinks: AtKinks, claimed: Array, rays: list[Ray]) -> None:
    """Allow what kinks that cross each other allow; the cells seen may not have shown all."""
    off = np.abs(kinks.nearest - claimed)
    outside = kinks.at & (off > kinks.slack)
    for tried, i in enumerate(np.flatnonzero(outside)[np.argsort(-off[outside])]):
        low, high, slack = _range(tools, rays[i])
        nearest = min(max(claimed[i], low), high)
        if abs(nearest - claimed[i]) < off[i]:
            kinks.nearest[i], kinks.slack[i] = nearest, max(kinks.slack[i], slack)
        elif tried >= FEW:
            return


def _range(tools: Instruments, ray: Ray) -> tuple[float, float, float]:
    """Return the smallest and the largest slope along a ray, and how exactly they are known.

    On a line past all kinks the slope jumps at each of them.  Were each of them on either side,
    the slope would be the first one plus any of the jumps.
    """
    slopes = cells.scan(tools, cells.draw(tools), ray)
    slopes = slopes[np.isfinite(slopes)]
    if not slopes.size:
        return np.nan, np.nan, 0.0
    slack = SCANNED[tools.exact] * float(np.abs(slopes).max())
    jumps = np.diff(slopes)
    jumps = jumps[np.abs(jumps) > slack]
    low = float(slopes[0] + jumps[jumps < 0].sum())
    high = float(slopes[0] + jumps[jumps > 0].sum())
    return min(low, float(slopes.min())), max(high, float(slopes.max())), slack


def judge_together(
    tools: Instruments, measured: Measurement, shape: tuple[int, ...], kinks: AtKinks
) -> None:
    """Judge the entries at kinks together: some directions cross no kink, or fewer.

    Moving all of a maximum's ties by the same amount crosses none, and there the claim is wrong
    or right; the same holds for whatever the jumps from cell to cell do not span.
    """
    where = np.flatnonzero(kinks.at)[:TOGETHER]
    if measured.vectors.size or len(where) < 2:
        return
    claimed, rays = measured.analytic[where], measured.rays(shape)
    slopes = kinks.slopes[:, where]
    allowed = _projected(tools, [rays[i] for i in where], slopes, kinks.jump[where], claimed)
    if allowed is not None:
        kinks.nearest[where] = allowed
        kinks.disagree = (
            f"{APART} along a direction that crosses no kink the claimed slope is another one "
            "(ties share one gradient: its sum is fixed)."
        )
        return
    for weights in (np.ones(len(where)), claimed - slopes.mean(axis=0)):
        vector = np.zeros(shape)
        vector.reshape(-1)[measured.indices[where]] = weights
        if not weights.any():
            continue
        known = kinks.slack[where] + SCANNED[tools.exact] * np.abs(slopes).max(axis=0)
        slope, own = float(weights @ claimed), float(np.abs(weights) @ known)
        low, high = np.inf, -np.inf
        for _ in range(SCANS):  # each sees some of the kinks
            least, most, slack = _range(tools, {measured.name: vector})
            low, high = np.fmin(low, least), np.fmax(high, most)
            if low - 10.0 * slack - own <= slope <= high + 10.0 * slack + own:
                break
        else:
            beyond = max(low - slope, slope - high)
            if beyond <= high - low:  # kinks that no scan told apart may explain it
                kinks.undecided[where] = True
                return
            kinks.nearest[where] = slopes.mean(axis=0)
            kinks.disagree = (
                f"{APART} along one direction they give {slope:.6g}, the function "
                f"{low:.6g} to {high:.6g}."
            )
            return


def fit_together(tools: Instruments, rays: list[Ray], claimed: Array) -> bool:
    """Return whether claims at entries of several arrays are one gradient of the function."""
    places = [cells.draw(tools) for _ in range(CELLS)]
    places += [{n: -u for n, u in place.items()} for place in places]
    slopes = np.array([cells.limits(tools, place, rays) for place in places])
    jump = np.ptp(slopes, axis=0)
    moving = jump > 0.0
    rays = [ray for ray, moves in zip(rays, moving, strict=True) if moves]
    if len(rays) < 2 or not np.isfinite(slopes).all():
        return True
    return _projected(tools, rays, slopes[:, moving], jump[moving], claimed[moving]) is None


def _projected(
    tools: Instruments, rays: list[Ray], slopes: Array, scale: Array, claimed: Array
) -> Array | None:
    """Return the nearest gradient that the jumps allow, or None if the claim is one of those.

    Cells are added until each entry was pushed to both of its sides.
    """
    off = (claimed - slopes[0]) / scale
    small = 10.0 * SPANNED[tools.exact] * max(1.0, float(np.linalg.norm(off)))
    pushes = [(ray, side) for side in (1, -1) for ray in rays]
    while True:
        _, sizes, basis = np.linalg.svd((slopes[1:] - slopes[0]) / scale, full_matrices=False)
        basis = basis[sizes > SPANNED[tools.exact] * max(1.0, sizes[0])]
        left = off - (off @ basis.T) @ basis
        if float(np.linalg.norm(left)) <= small or len(basis) == len(rays):
            return None
        if not pushes:
            return np.asarray(slopes[0] + scale * (off - left))
        batch, pushes = pushes[:8], pushes[8:]
        more = [
            cells.limits(tools, cells.push(tools, cells.draw(tools), ray, side), rays)
            for ray, side in batch
        ]
        found = np.array(more)
        slopes = np.concatenate([slopes, found[np.isfinite(found).all(axis=1)]])
