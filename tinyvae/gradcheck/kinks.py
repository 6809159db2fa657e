"""Which entries are at a kink, and what the gradients around the point allow there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinyvae.gradcheck import cells
from tinyvae.gradcheck.around import Around, settle
from tinyvae.gradcheck.measure import Instruments, Measurement
from tinyvae.gradcheck.point import Ray
from tinyvae.gradcheck.problem import Array

# Looked at again one by one, the worst first; where none of these is at a kink, none is.
FEW = 12
TOGETHER = 64  # entries at kinks that are judged together


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


def _unbounded(tools: Instruments, around: Around) -> Array:
    """Return which slopes grow without end towards the point, as that of a square root does."""
    with np.errstate(all="ignore"):
        closer = np.abs(cells.limits(tools, cells.draw(tools), around.rays, 1.0 / 64.0))
        return np.asarray(closer > 4.0 * around.sizes)
