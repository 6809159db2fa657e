"""Which entries are at a kink, and what the gradients around the point allow there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinyvae.gradcheck import cells
from tinyvae.gradcheck.around import NEARER, Around, settle
from tinyvae.gradcheck.comparison import Comparison
from tinyvae.gradcheck.measure import Instruments, Measurement
from tinyvae.gradcheck.point import Ray
from tinyvae.gradcheck.problem import Array

# Looked at again one by one, the worst first; where none of these is at a kink, none is.
FEW = 12
TOGETHER = 64  # entries at kinks that are judged together


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
    around = Around.look(tools, rays, floor)
    if not len(around.slopes):
        return False
    here = tools.measure("", rays, np.zeros(len(rays)), 1)
    off = np.abs(here.numeric - around.slopes.mean(axis=0))
    kinked = around.kinked | (off > 10.0 * (around.known + here.error))
    kinked &= ~_flattens(tools, around, here)
    return bool(kinked.any() and (kinked & ~_unbounded(tools, around)).any())


def examine(tools: Instruments, part: Comparison) -> None:
    """Find which numbers of a comparison are at a kink and what is allowed there.

    Where the point is smooth for a number that the complex step takes on a branch of its own, the
    number is corrected.
    """
    measured, claimed = part.measured, part.measured.analytic
    around = Around.look(tools, measured.rays, part.floor)
    if not len(around.slopes):
        return
    middle, surely = around.slopes.mean(axis=0), 10.0 * around.known
    flat = _flattens(tools, around, measured)
    measurable = (part.known | tools.exact) & ~flat
    part.at_kink = around.kinked & measurable
    if tools.exact:
        off = ~part.at_kink & ~(np.abs(measured.numeric - middle) <= surely)
        measured.numeric[off] = middle[off]
    part.undecided = part.at_kink & _unbounded(tools, around)
    where = np.flatnonzero(part.at_kink & ~part.undecided)
    # Jumps of several kinks may have cancelled each other in the cells seen.
    off = np.where(part.at_kink | ~measurable, 0.0, np.abs(claimed - middle) / surely)
    where = np.concatenate([where, np.argsort(-off)[:FEW][np.sort(-off)[:FEW] < -1.0]])
    part.nearest = claimed.copy()
    for group in np.array_split(where, -(-len(where) // TOGETHER) or 1):
        found = settle(tools, around.among(group), claimed[group])
        part.at_kink[group] |= found.jump > surely[group]
        part.nearest[group], part.undecided[group] = found.nearest, found.undecided
        if part.at_kink[group].any():
            part.disagree = part.disagree or found.said
    part.undecided &= part.at_kink
    part.slack = np.where(part.at_kink, 3.0 * around.known, 0.0)
    # Beside kinks that are seen, there may be some that are too small to be.
    if tools.exact or part.at_kink.any() or _shows_a_small_kink(tools, part):
        part.slack += np.where(part.at_kink | flat, 0.0, around.jump)
    part.around = np.where(part.at_kink, around.sizes, 0.0)


def _shows_a_small_kink(tools: Instruments, part: Comparison) -> bool:
    """Return whether the slope by a wrong number jumps at the point, less than cells can show."""
    for i in np.flatnonzero(part.mismatched)[:FEW]:
        left, right = tools.one_sided(part.measured.rays[int(i)])
        if abs(right.value - left.value) > 10.0 * (left.error + right.error):
            return True
    return False


def _flattens(tools: Instruments, around: Around, here: Measurement) -> Array:
    """Return which slopes jump, and nearer to the point all become that at it, as a cube's do."""
    if tools.exact or not around.kinked.any():
        return np.zeros(len(around.rays), bool)
    nearer = [cells.limits(tools, place, around.rays, NEARER) for place in around.places]
    # In the cells seen, the jumps of several kinks may have cancelled each other.
    nearer += list(cells.sides(tools, around.rays, NEARER))
    off = np.abs(np.array(nearer) - here.numeric).max(axis=0)
    return np.asarray(around.kinked & (off <= 10.0 * here.error + 0.01 * around.jump))


def _unbounded(tools: Instruments, around: Around) -> Array:
    """Return which slopes grow without end towards the point, as that of a square root does."""
    closer = [cells.limits(tools, place, around.rays, 1.0 / 64.0) for place in around.places]
    return np.asarray(np.abs(closer).max(axis=0) > 4.0 * around.sizes)
