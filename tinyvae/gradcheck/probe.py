"""Whether a function lets the complex step through, found out along random directions."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Mapping

import numpy as np
from numpy.exceptions import ComplexWarning

from tinyvae.gradcheck.differences import (
    COMPLEX_STEP,
    FIRST_STEP,
    Line,
    complex_step,
    differentiate,
    find_kink,
)
from tinyvae.gradcheck.problem import Array, Problem

# So many arrays are probed one by one, too: a small one drowns in a common direction.
FEW = 12
NEAR = 1e-11


def refusal(
    problem: Problem,
    line_along: Callable[[Mapping[str, Array]], Line],
    sizes: Mapping[str, float],
    noise: float,
    rng: np.random.Generator,
) -> str | None:
    """Return why the complex step cannot be used, or None if it can.

    The function must accept complex128, warn of no discarded imaginary part, return a complex
    number with the same real part, and agree with differences along random directions.
    """
    vectors = {n: sizes[n] * rng.standard_normal(a.shape) for n, a in problem.arrays.items()}
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", ComplexWarning)
            given = {n: problem.arrays[n] + 1j * COMPLEX_STEP * v for n, v in vectors.items()}
            value = problem.value(given)
    except Exception as error:  # whatever the reader's function raises is an answer here
        return f"the function does not take complex128: {_where(error)}"
    if not np.iscomplexobj(value):
        return "the function turns complex numbers into real ones (abs? real? a float buffer?)"
    here = float(problem.at(problem.arrays))
    if not abs(np.real(value) - here) <= 1e-9 * max(problem.scale, abs(here)) + 100.0 * noise:
        return "the function gives another value for complex128 (abs? real? a comparison?)"
    parts = [vectors]
    if 1 < len(vectors) <= FEW:
        parts += [{name: v} for name, v in vectors.items() if v.size]
    return next((said for part in parts if (said := _differs(line_along(part), noise))), None)


def _differs(line: Line, noise: float) -> str | None:
    """Return what is wrong with the complex derivative of a line, or None.

    At a kink its slopes a hair to both sides must be those that differences show there.
    """
    derivative = complex_step(line)
    estimate = differentiate(line, FIRST_STEP, noise)
    slack = 10.0 * estimate.error + 1e-8 * max(abs(derivative), abs(estimate.value))
    if not np.isfinite(estimate.error) or abs(derivative - estimate.value) <= slack:
        return None
    hairs = (-1e-12 + 1j * COMPLEX_STEP, 1e-12 + 1j * COMPLEX_STEP)
    slopes = [float(np.imag(line(hair))) / COMPLEX_STEP for hair in hairs]
    if all(abs(slope - estimate.value) <= slack for slope in slopes):
        return None  # several kinks that cancel each other
    sides = find_kink(line, FIRST_STEP, noise)
    if sides is not None:
        # A kink beside the point hides its slope from all but the shortest steps.
        near = (line(NEAR) - line(-NEAR)) / (2.0 * NEAR)
        slack = 10.0 * noise / NEAR + 1e-6 * max(abs(sides.left), abs(sides.right))
        if sides.are(*slopes) or abs(0.5 * sum(slopes) - near) <= slack:
            return None
    return (
        "the imaginary part is lost or changed on its way (abs? real? conj? a float buffer?): "
        f"along a random direction the complex step gives {derivative:.6g}, "
        f"differences {estimate.value:.6g}"
    )


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    at = next((f for f in reversed(frames) if "numpy" not in f.filename), None)
    source = str(at.line) if at is not None and at.line else ""
    if len(source) > 60:
        source = f"{source[:57]}..."
    said = str(error).splitlines()[0] if str(error) else ""
    where = f' at "{source}"' if source else ""
    return f"{type(error).__name__}{where}: {said[:120]}"
