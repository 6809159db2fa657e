"""What a named loss does far out: where it is NaN or infinite, and from where it is held back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tinyvae.losscheck.bench import Bench, Shape
from tinyvae.losscheck.bending import HARMFUL
from tinyvae.losscheck.clamps import Sides, harms
from tinyvae.losscheck.failures import CallFailed
from tinyvae.losscheck.names import MU, RECON, SCALE, X
from tinyvae.losscheck.terms import Arrays, Term

# Probabilities from 1e-2 to 1e-15, and what a logit, a log variance or a width may well become.
_TINY = tuple(10.0**-k for k in (2, 3, 4, 5, 6, 7, 8, 10, 12, 15))
_FAR = (1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 40.0, 80.0, 120.0)
_WIDE = (2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 40.0, 60.0)
_NARROW, _BROAD = (0.2, 0.05, *_TINY), (3.0, 5.0, 10.0, 30.0, 100.0)
# From a place to its words, and whether training meets it.
Words = Callable[[float], tuple[str, bool]]
AGREES = 2e-3


@dataclass(frozen=True)
class Edge:
    """Something that happens from ``at`` on: ``"infinite"`` or ``"held"``, and how far out it is.

    ``harms`` says whether it is so near that training meets it.
    """

    kind: str
    words: str
    harms: bool = False


def look(
    bench: Bench,
    shape: Shape,
    terms: Sequence[Term],
    weights: Sequence[float],
    reading: str,
    scale: str,
) -> list[Edge]:
    """Compare the formula with the function far out, one argument at a time."""
    view = _View(bench, shape, terms, weights)
    found: list[Edge] = []
    recon, third = bench.name_of(RECON), bench.name_of(SCALE)
    if reading == "probability":
        for side in (0.0, 1.0):
            values = [abs(side - tiny) for tiny in _TINY]
            found += view.along(RECON, values, [1.0 - side, side], _probability_words)
    elif reading in ("logits", "mean"):
        for sign in (1.0, -1.0):
            x = 0.5 - 0.5 * sign  # the other value, where the loss grows
            words = _plain_words(recon, reading, sign > 0.0)
            found += view.along(RECON, [sign * v for v in _FAR], [x, 1.0 - x], words)
    if scale in ("logvar", "log_sigma"):
        for sign in (1.0, -1.0):
            words = _plain_words(third, scale, sign > 0.0)
            found += view.along(SCALE, [sign * v for v in _WIDE], [None], words)
    elif scale in ("sigma", "variance"):
        found += view.along(SCALE, list(_NARROW), [None], _plain_words(third, scale, False))
        found += view.along(SCALE, list(_BROAD), [None], _plain_words(third, scale, True))
    return list(dict.fromkeys(found))


def _probability_words(value: float) -> tuple[str, bool]:
    gap = min(value, 1.0 - value)
    near = "0" if value < 0.5 else "1"
    return f"the reconstruction is within {gap:.0e} of {near}", gap > HARMFUL


def _plain_words(name: str, reading: str, upwards: bool) -> Words:
    def words(value: float) -> tuple[str, bool]:
        sides = Sides(-math.inf, value) if upwards else Sides(value, math.inf)
        side = "above" if upwards else "below"
        return f"{name} is about {value:.3g} or {side}", harms(reading, sides)

    return words


def _between(a: float, b: float) -> float:
    """Return the middle of two numbers, of their distances to 0 or 1 where both are near it."""
    if min(a, b) > 0.9 and max(a, b) < 1.0:
        return 1.0 - math.sqrt((1.0 - a) * (1.0 - b))
    if 0.0 < a < 0.1 and 0.0 < b < 0.1:
        return math.sqrt(a * b)
    return 0.5 * (a + b)


class _View:
    """The function and its formula, seen along one argument."""

    def __init__(
        self, bench: Bench, shape: Shape, terms: Sequence[Term], weights: Sequence[float]
    ) -> None:
        self.bench, self.shape = bench, shape
        self.terms, self.weights = terms, weights

    def along(
        self, role: str, values: Sequence[float], xs: Sequence[float | None], words: Words
    ) -> list[Edge]:
        """Go outwards until the function leaves its formula; say where, for each x."""
        found = []
        for x in xs:
            inside: float | None = None
            for value in values:
                kind = self._compare(role, value, x)
                if kind:
                    value, kind = self._narrow(role, inside, value, x, kind)
                    place, harms = words(value)
                    of_x = f" with x = {x:g}" if x is not None and X in self.bench.roles else ""
                    said = f"Where {place}{of_x}, it {kind}."
                    found.append(Edge("held" if "held" in kind else "infinite", said, harms))
                    break
                inside = value
        return found

    def _narrow(
        self, role: str, inside: float | None, outside: float, x: float | None, kind: str
    ) -> tuple[float, str]:
        """Return the first place outside, found by halving, and what happens there."""
        if inside is None:
            return outside, kind
        for _ in range(12):
            middle = _between(inside, outside)
            found = self._compare(role, middle, x)
            if found:
                outside, kind = middle, found
            else:
                inside = middle
        return outside, kind

    def _compare(self, role: str, value: float, x: float | None) -> str:
        base = self.bench.draw(self.shape)
        if MU in base:
            base[MU] = np.clip(base[MU], -1.5, 1.5)
        if x is not None and X in base:
            base[X] = np.full_like(base[X], x)
        before = self.bench.value(base)
        if not math.isfinite(before):
            return ""
        far = {**base, role: np.full_like(base[role], value)}
        try:
            came = self.bench.value(far) - before
        except CallFailed as error:
            return f"raises {type(error.cause).__name__}"
        expected = self._formula(far) - self._formula(base)
        if not math.isfinite(came):
            return "is NaN" if math.isnan(came) else "is infinite"
        if not math.isfinite(expected):
            return ""
        room = AGREES * abs(expected) + 40.0 * self.bench.noise * (abs(before) + abs(came))
        return "" if abs(came - expected) <= room else "is held back or cut off"

    def _formula(self, arrays: Arrays) -> float:
        with np.errstate(all="ignore"):
            return sum(w * t.value(arrays) for w, t in zip(self.weights, self.terms, strict=True))
