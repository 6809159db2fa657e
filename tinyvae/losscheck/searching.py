"""A search for a number inside a formula: what a hypothesis leaves, and its least value."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinyvae.losscheck.fit import Fitter, solve
from tinyvae.losscheck.hypotheses import Hypothesis


def left(fitter: Fitter, hypothesis: Hypothesis) -> float:
    """Return the root mean square that a hypothesis leaves, its weights free."""
    table = fitter.columns(hypothesis.terms)
    return solve(table, fitter.y, fitter.room)[2] if np.isfinite(table).all() else np.inf


def golden(f: Callable[[float], float], low: float, high: float, steps: int = 48) -> float:
    """Return the place between low and high where f is least (golden section)."""
    share = (np.sqrt(5.0) - 1.0) / 2.0
    a, b = high - share * (high - low), low + share * (high - low)
    fa, fb = f(a), f(b)
    for _ in range(steps):
        if fa < fb:
            high, b, fb = b, a, fa
            a = high - share * (high - low)
            fa = f(a)
        else:
            low, a, fa = a, b, fb
            b = low + share * (high - low)
            fb = f(b)
    return 0.5 * (low + high)
