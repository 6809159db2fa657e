"""From wrong numbers to what is wrong: the first pattern that fits is reported.

A pattern fits only if what it leaves over is at the noise floor.  Where none fits, nothing is
said beyond which arrays are wrong: a guess would send the reader to the wrong line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tinyvae.gradcheck.diagnosis import (
    activations,
    composite,
    entrywise,
    formula,
    layout,
    products,
    values,
)
from tinyvae.gradcheck.diagnosis.case import Case
from tinyvae.gradcheck.results import OK, WRONG, ArrayResult, Finding

Pattern = Callable[[Case], Finding | None]

ANY_SHAPE: tuple[Pattern, ...] = (values.not_finite, layout.shape)
SAME_SHAPE: tuple[Pattern, ...] = (
    values.missing_term,
    values.zero,
    values.factor,
    layout.same_as_another,
    activations.wrong_activation,
    composite.lost_product,
    products.wrong_product,
    composite.softmax_axis,
    layout.rearranged,
    layout.reduced,
    composite.gathered,
    entrywise.labels,
    entrywise.chain_rule,
    entrywise.missing_part,
    composite.hidden_activation,
    entrywise.masked,
    entrywise.region,
    values.mixed_signs,
    layout.summed_from_the_other_end,
    layout.some_rows,
    entrywise.shared_path,
    values.float32,
    values.weights_twice,
    composite.row_factors,
    formula.wrong_formula,
    formula.cut_series,
)


def diagnose(cases: Sequence[Case], results: Sequence[ArrayResult]) -> tuple[Finding, ...]:
    """Return what is known about the wrong arrays, the same findings told once.

    Parameters
    ----------
    cases : sequence of Case
        One for each wrong array.
    results : sequence of ArrayResult
        Of all arrays.
    """
    together: dict[tuple[str, str, str], list[str]] = {}
    for case in cases:
        found = explain(case)
        if found is not None:
            together.setdefault((found.kind, found.saw, found.cause), []).append(case.name)
    findings = [
        Finding(kind, tuple(names), saw, cause) for (kind, saw, cause), names in together.items()
    ]
    if not findings:
        findings = [f for f in (only_the_bias(results),) if f is not None]
    return tuple(findings)


def explain(case: Case) -> Finding | None:
    """Return the first pattern that fits a wrong array, None where none does.

    What is wrong where the function is smooth is explained by those entries alone.  A pattern that
    fails to run explains nothing.
    """
    if case.same_shape and case.kinked.any():
        smooth = case.where(~case.kinked)
        off = np.abs(smooth.difference) > 1e-6 * (np.abs(smooth.numeric) + np.abs(smooth.analytic))
        if not off.any():
            return _first(ALL_AT_KINKS if case.kinked.all() else (at_a_kink,), case)
        return _first(ANY_SHAPE + SAME_SHAPE, smooth)
    return _first(ANY_SHAPE + (SAME_SHAPE if case.same_shape else ()), case)


def _first(patterns: Sequence[Pattern], case: Case) -> Finding | None:
    for pattern in patterns:
        try:
            with np.errstate(all="ignore"):
                found = pattern(case)
        except Exception:  # a diagnosis is a courtesy: the verdict stands without it
            found = None
        if found is not None:
            return found
    return None


def at_a_kink(case: Case) -> Finding:
    """Say that a gradient is wrong at kinks only."""
    n = int(case.kinked.sum())
    return Finding(
        "kink",
        (case.name,),
        f"Right where the function is smooth; at a kink ({n} entr{'ies' if n > 1 else 'y'}) it is "
        "none of the gradients that the function has around the point.",
        "Usually a comparison (> for >=), or ties of a maximum that each get the whole gradient.",
    )


ALL_AT_KINKS: tuple[Pattern, ...] = (values.not_finite, values.zero, values.factor, at_a_kink)


def only_the_bias(results: Sequence[ArrayResult]) -> Finding | None:
    """All matrices are right and all that is wrong is a vector: a bias."""
    wrong = [r for r in results if r.verdict == WRONG]
    right = [r.name for r in results if r.verdict == OK and len(r.shape) > 1]
    if not wrong or not right or any(len(r.shape) != 1 for r in wrong):
        return None
    return Finding(
        "only the bias",
        tuple(r.name for r in wrong),
        f"Only a vector, probably a bias, is wrong; right: {', '.join(right)}.",
        "Look at how it is added up over the batch.",
    )
