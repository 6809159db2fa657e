"""Whether functions are functions: the same result twice, and hands off their arguments.

Noise drawn inside, gradients that pile up and arguments that are written into make any comparison
of numbers meaningless, so this comes before it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinyvae.gradcheck.problem import Array, Problem
from tinyvae.gradcheck.results import WRONG, ArrayResult, Finding


def steady_gradients(
    problem: Problem,
) -> tuple[dict[str, Array | None], tuple[Finding, ...]]:
    """Call both functions twice; return the gradients, and what is said if calls differ."""
    first, second = float(problem.at(problem.arrays)), float(problem.at(problem.arrays))
    if abs(first - second) > 1e-10 * max(problem.scale, abs(first)):
        return {}, (_drawn("function", f"{first:.9g}, then {second:.9g}"),)
    claimed, again = problem.gradients(), problem.gradients()
    moved = [n for n, a in claimed.items() if not _same(a, again[n])]
    if not moved:
        return claimed, ()
    third = problem.gradients()
    if all(_same(_minus(third[n], again[n]), _minus(again[n], claimed[n])) for n in moved):
        return {}, (
            Finding(
                "accumulates",
                tuple(moved),
                "Every call returns more than the one before, by the same amount.",
                "It is added to a buffer (+=) that is not cleared.",
            ),
        )
    return {}, (_drawn("gradient", f"two different results for {', '.join(moved)}"),)


def overwritten(problem: Problem, results: Sequence[ArrayResult]) -> tuple[Finding, ...]:
    """Say so if a gradient is wrong only because the function wrote into its arguments."""
    wrong = [r for r in results if r.verdict == WRONG and r.checked and r.indices.size]
    if wrong and problem.spoiled is not None and problem.spoiled():
        return (
            Finding(
                "overwritten",
                tuple(r.name for r in wrong),
                "The backward pass writes into the upstream gradient that it was given.",
                "dy *= ... changes dy for every line after it; write dy = dy * ...",
            ),
        )
    if problem.untouched is None or not problem.fragile or not wrong:
        return ()
    clean = problem.untouched()
    names = tuple(r.name for r in wrong if _right(clean[r.name], r))
    if not names:
        return ()
    return (
        Finding(
            "overwritten",
            names,
            "It is right if the function does not write into its arguments.",
            "The forward pass works in place on an array that the backward pass still needs.",
        ),
    )


def _drawn(what: str, saw: str) -> Finding:
    return Finding(
        "not deterministic",
        (),
        f"The {what} gave {saw}, for the same inputs.",
        "Usually noise is drawn inside (reparameterization, dropout). Draw it once outside and "
        "pass it to the function and to its gradient as an argument.",
    )


def _same(a: Array | None, b: Array | None) -> bool:
    if a is None or b is None:
        return a is b
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-9, atol=0.0, equal_nan=True))


def _minus(a: Array | None, b: Array | None) -> Array | None:
    return None if a is None or b is None or a.shape != b.shape else a - b


def _right(gradient: Array | None, result: ArrayResult) -> bool:
    if gradient is None or gradient.shape != result.shape:
        return False
    entries = gradient.reshape(-1)[result.indices]
    return float(np.linalg.norm(entries - result.numeric)) <= 1e-7 * float(
        np.linalg.norm(result.numeric)
    )
