"""Clamps: a formula whose argument is cut off below, above, or on both sides.

The two numbers are found by a search on what is left, and kept only if then nothing is left.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations, product
from typing import NamedTuple

import numpy as np

from tinyvae.losscheck.bending import HARMFUL
from tinyvae.losscheck.fit import Fitter, Match, named
from tinyvae.losscheck.hypotheses import Hypothesis
from tinyvae.losscheck.latent import closed_forms
from tinyvae.losscheck.names import MU, RECON, SCALE, X_SCALE
from tinyvae.losscheck.recon import likelihoods
from tinyvae.losscheck.searching import golden, left
from tinyvae.losscheck.spell import spell
from tinyvae.losscheck.terms import Arrays, Term
from tinyvae.ops.reference import sigmoid

INFINITY = math.inf
_UNIT = (-INFINITY, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, INFINITY)
_REAL = (-INFINITY, -4.0, -3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, INFINITY)
# Above 0, over the whole of what is drawn.
_POSITIVE = (-INFINITY, 0.4, 0.5, 0.7, 0.9, 1.1, 1.4, 1.7, 2.0, INFINITY)
# The search looks at this many pairs, or numbers in all; all pairs judge what it finds.
FEW, NUMBERS = 12, 6000
# The search starts from this many places of the grid: what is left has several valleys.
STARTS = 3
# The search ends when a round does not shrink what is left to this share.
PROGRESS, ROUNDS = 0.5, 12


class Sides(NamedTuple):
    """Below and above which values the argument is held; infinite where it is not."""

    low: float
    high: float


def harms(reading: str, sides: Sides) -> bool:
    """Say whether training meets a clamp: it takes the gradient where a model ought to go.

    A probability or a mean within 1e-4 of 0 or 1 is no more learned; mu, logits and log variances
    seldom leave (-4, 4); widths are read as the log variances they stand for.
    """
    low, high = sides
    if reading in ("probability", "mean"):
        return low >= HARMFUL or high <= 1.0 - HARMFUL
    if reading in ("sigma", "variance"):
        power = 2.0 if reading == "sigma" else 1.0
        low, high = (power * math.log(v) if v > 0.0 else -INFINITY for v in sides)
    return low > -4.0 or high < 4.0


def clamped_reconstruction(fitter: Fitter, name: str) -> Match | None:
    """Look for a clamped reconstruction, called ``name``, of one argument beside x."""
    if X_SCALE in fitter.first:
        return None
    return _search(fitter, RECON, name, likelihoods())


def clamped_latent(fitter: Fitter, names: dict[str, str]) -> Match | None:
    """Look for a KL whose third argument or mu is clamped; ``names`` are theirs."""
    if not {MU, SCALE} <= fitter.first.keys():
        return None
    right = [h for h in closed_forms() if h.is_right]
    for role in (SCALE, MU):
        found = _search(fitter, role, names[role], right)
        if found:
            return found
    return None


def _search(fitter: Fitter, role: str, name: str, hypotheses: Iterable[Hypothesis]) -> Match | None:
    each = fitter.first[role][0].size
    few = fitter.few(max(5, min(FEW, NUMBERS // each)))
    starts = STARTS if 5 * each <= NUMBERS else 1  # of long rows one is slow enough
    for plain in hypotheses:
        for sides, brackets in _starts(few, plain, role)[:starts]:
            near = _refine(few, plain, role, sides, brackets)
            found = near and _exact(fitter, plain, role, near)
            if found:
                match, sides = found
                reading = "mu" if role == MU else plain.reading
                said = _words(name, sides, reading)
                harm = harms(reading, sides)
                return named(match, bend="clamp", bend_words=said, bend_harms=harm)
    return None


def clamp(plain: Hypothesis, role: str, sides: Sides) -> Hypothesis:
    """Return the hypothesis with one of its arguments clamped."""

    def clipped(arrays: Arrays) -> Arrays:
        return {**arrays, role: np.clip(arrays[role], *sides)}

    def of(term: Term) -> Term:
        if term.mixed:
            inside = term.mixed
            return replace(term, mixed=lambda arrays: inside(clipped(arrays)))
        one = term.of
        assert one is not None
        return replace(term, of=lambda arrays: one(clipped(arrays)))

    return replace(plain, terms=tuple(of(t) for t in plain.terms))


Brackets = tuple[tuple[float, float], tuple[float, float]]


def _starts(fitter: Fitter, plain: Hypothesis, role: str) -> list[tuple[Sides, Brackets]]:
    """Return the best places of the grid with the brackets around them; none if none helps."""
    drawn = fitter.first[role]
    least, most = float(drawn.min()), float(drawn.max())
    grid = _UNIT if least > 0.0 and most < 1.0 else _POSITIVE if least > 0.0 else _REAL
    found: list[tuple[float, Sides, Brackets]] = []

    def around(k: int) -> tuple[float, float]:
        low, high = grid[max(k - 1, 0)], grid[min(k + 1, len(grid) - 1)]
        return max(low, least), min(high, most)

    for i, j in combinations(range(len(grid)), 2):
        sides = Sides(grid[i], grid[j])
        if (sides.low > least or sides.high < most) and sides.low < most and sides.high > least:
            error = left(fitter, clamp(plain, role, sides))
            found.append((error, sides, (around(i), around(j))))
    without = left(fitter, plain)
    helpful = [f for f in found if f[0] < PROGRESS * min(without, fitter.size)]
    return [f[1:] for f in sorted(helpful)[:STARTS]]


def _refine(
    fitter: Fitter, plain: Hypothesis, role: str, sides: Sides, brackets: Brackets
) -> Sides | None:
    """Improve one side after the other until nothing is left; None if that does not go on."""
    before = left(fitter, clamp(plain, role, sides))
    for _ in range(ROUNDS):
        if _exact(fitter, plain, role, sides):
            return sides
        for side in (0, 1):
            if math.isfinite(sides[side]):
                sides = _moved(fitter, plain, role, sides, side, brackets[side])
        after = left(fitter, clamp(plain, role, sides))
        if not after < PROGRESS * before:
            return sides if after <= fitter.allowed else None
        before = after
    return None


def _moved(
    fitter: Fitter, plain: Hypothesis, role: str, sides: Sides, side: int, ends: tuple[float, float]
) -> Sides:
    """Return the sides with one of them where least is left."""

    def at(value: float) -> Sides:
        return Sides(value, sides.high) if side == 0 else Sides(sides.low, value)

    return at(golden(lambda value: left(fitter, clamp(plain, role, at(value))), *ends))


def _exact(
    fitter: Fitter, plain: Hypothesis, role: str, sides: Sides
) -> tuple[Match, Sides] | None:
    """Return the plainest sides near these that leave nothing: none, or as a person writes them."""
    lows, highs = (_as_written(v, plain.reading) for v in sides)
    for low, high in product([-INFINITY, *lows], [INFINITY, *highs]):
        match = fitter.try_one(clamp(plain, role, Sides(low, high)))
        if match and match.is_exact:
            return match, Sides(low, high)
    return None


def _as_written(value: float, reading: str) -> list[float]:
    """Return what a person may have written for a number, the plainest first."""
    if not math.isfinite(value):
        return []
    written = [float(f"{value:.{digits}g}") for digits in (1, 2, 3)]
    if reading == "logits":  # perhaps a probability was clamped
        p = float(sigmoid(np.asarray(value)))
        rounded = [float(f"{p:.{digits}f}") for digits in (1, 2, 3)]
        written += [math.log(q / (1.0 - q)) for q in rounded if 0.0 < q < 1.0]
    return [*dict.fromkeys(written), value]


def _words(name: str, sides: Sides, reading: str) -> str:
    """Say what is clamped to what; logits as probabilities, too, where those are plainer."""

    def spelled(value: float) -> str:
        if reading == "logits" and abs(float(f"{value:.3g}") - value) > 1e-12:
            return f"{value:.4g} (a probability of {spell(1.0 / (1.0 + math.exp(-value)), 1e-9)})"
        return spell(value, 1e-9)

    low, high = sides
    if not math.isfinite(low):
        return f"{name} is clamped to at most {spelled(high)}, above which it has no gradient."
    if not math.isfinite(high):
        return f"{name} is clamped to at least {spelled(low)}, below which it has no gradient."
    both = f"[{spelled(low)}, {spelled(high)}]"
    return f"{name} is clamped to {both}, beyond which it has no gradient."
