"""Patterns in the size of the numbers: factors, signs, zeros, missing terms, few digits.

Each function returns a finding for a case, or None where the pattern does not fit.
"""

from __future__ import annotations

import numpy as np

from tinyvae.gradcheck.diagnosis.case import FEWEST, Case
from tinyvae.gradcheck.problem import Array
from tinyvae.gradcheck.results import Finding


def not_finite(case: Case) -> Finding | None:
    """Recognize NaN or infinity among the claimed numbers."""
    bad = int(np.sum(~np.isfinite(case.claimed)))
    if not bad:
        return None
    return case.finding(
        "not finite",
        f"{bad} of {case.claimed.size} entries are NaN or infinite.",
        "Usually a division by zero or the logarithm of zero in the backward pass only.",
    )


def missing_term(case: Case) -> Finding | None:
    """Recognize an error that is a multiple of a part that the caller named."""
    found: dict[float, list[str]] = {}
    for term, gradient in case.terms.items():
        c = _weight(case, gradient(case.name, case.indices))
        if c is not None:
            found.setdefault(round(c, 6), []).append(term)
    for c, terms in found.items():
        names = ", or the ".join(f"{t}{'' if ' ' in t else ' term'}" for t in terms)
        saw = {
            -1.0: f"lacks the {names}",
            1.0: f"counts the {names} twice",
            -2.0: f"has the {names} with the wrong sign",
        }.get(c, f"weighs the {names} by {1.0 + c:.6g} in place of 1")
        same = " (here these are the same)" if len(terms) > 1 else ""
        return case.finding(
            "missing term",
            f"The gradient {saw}{same}.",
            "A path was left out or weighed differently in the backward pass and in the function.",
        )
    return None


def _weight(case: Case, part: Array) -> float | None:
    """Return how often the error holds this part; of few entries only -1, 1 and -2 count."""
    if not np.any(part):
        return None
    c = case.scaled(case.difference, part)
    few = (k for k in (-1.0, 1.0, -2.0) if case.explains(case.difference, k * part))
    return c if c is not None else next(few, None)


def zero(case: Case) -> Finding | None:
    """Recognize a gradient that is zero everywhere."""
    if np.any(case.claimed):
        return None
    return case.finding(
        "zero",
        "The gradient is zero everywhere.",
        "The array was never written, was cleared again, or its path to the output is cut.",
    )


def factor(case: Case) -> Finding | None:
    """Recognize a gradient that is right but for one constant factor."""
    c = case.scaled(case.analytic, case.numeric)
    if c is None:
        norm = float(np.linalg.norm(case.numeric))
        c = float(np.vdot(case.numeric, case.analytic)) / norm**2 if norm else 0.0
        if not case.known(c) or not case.explains(case.analytic, c * case.numeric):
            return None
    if abs(c - 1.0) <= 1e-12:
        return None
    if abs(c - 1.0) <= 1e-4:
        return case.finding(
            "factor",
            f"The gradient is 1 {'-' if c < 1 else '+'} {abs(c - 1.0):.3g} times the right one.",
            "A constant is nearly right: 3.14159 for pi, 0.7071 for 1 / sqrt(2), 1e-8 added.",
        )
    if abs(c + 1.0) <= 1e-6:
        return case.finding(
            "sign",
            "The gradient has the wrong sign: -1 times the right one.",
            "Usually the gradient of the log-likelihood where that of the loss was meant, or "
            "target - output in place of output - target.",
        )
    known = case.known(c)
    saw = f"The gradient is {known or f'{c:.6g}'} times the right one."
    return case.finding("factor", saw, _cause_of_factor(known or ""))


def _cause_of_factor(known: str) -> str:
    two = "the 2 of a square's derivative, or a 1/2 that stands on one side only"
    size = "a mean on one side and a sum on the other, or a mean over the wrong axis"
    is_two = known.lstrip("-").startswith(("2,", "1/2,")) or known.lstrip("-") in ("2", "1/2")
    likely = [text for text, fits in ((two, is_two), (size, " of " in known)) if fits]
    if not likely:
        return "A constant is missing, or stands on one side only."
    return f"Usually {'; or '.join(likely)}."


def mixed_signs(case: Case) -> Finding | None:
    """Recognize the right sizes with the wrong sign at some entries."""
    flipped = case.analytic * case.numeric < 0
    if not flipped.any() or not case.explains(np.abs(case.analytic), np.abs(case.numeric)):
        return None
    return case.finding(
        "sign",
        f"The sign is wrong in {int(flipped.sum())} of {flipped.size} entries, no size is.",
        "Usually an abs, a square root or a missing sign() in the backward pass.",
    )


def float32(case: Case) -> Finding | None:
    """Recognize numbers that are all rounded to float32."""
    some = case.analytic[case.analytic != 0]
    if some.size < FEWEST or not np.array_equal(some, some.astype(np.float32)):
        return None
    if np.array_equal(case.numeric, case.numeric.astype(np.float32)):
        return None
    off = np.abs(case.difference) <= 1e-5 * np.abs(case.numeric) + 1e-6 * np.max(
        np.abs(case.numeric)
    )
    if not off.all():
        return None
    return case.finding(
        "float32",
        "Every entry is a float32 number, right to about 7 digits.",
        "Something in the backward pass is cast to float32: a buffer, a constant, dtype=...",
    )


def weights_twice(case: Case) -> Finding | None:
    """Recognize weights that sum to one along an axis, multiplied in twice, or missing."""
    if not case.complete or len(case.shape) < 2:
        return None
    for text, top, bottom, cause in (
        ("The claimed over the right gradient", case.analytic, case.numeric, "squared"),
        ("The right over the claimed gradient", case.numeric, case.analytic, "missing"),
    ):
        ratio = (top / bottom).reshape(case.shape)
        doubt = 1e-7 + 10.0 * case.noise / float(np.abs(bottom).min())
        for axis, length in enumerate(case.shape):
            sums, varies = ratio.sum(axis=axis), np.ptp(ratio, axis=axis).min() > 1e-3
            are_weights = length >= FEWEST and sums.size > 1 and varies and bool((ratio > 0).all())
            if are_weights and doubt < 1e-3 and np.abs(sums - 1.0).max() <= length * doubt:
                return case.finding(
                    "weights",
                    f"{text} sums to 1 along axis {axis}, all of it positive.",
                    f"Usually normalized weights (softmax, importance) that are {cause}.",
                )
    return None
