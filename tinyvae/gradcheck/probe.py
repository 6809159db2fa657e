"""Whether a function lets the complex step through, found out along random directions."""

from __future__ import annotations

import traceback
import warnings

import numpy as np
from numpy.exceptions import ComplexWarning

from tinyvae.gradcheck import cells
from tinyvae.gradcheck.differences import (
    COMPLEX_STEP,
    FIRST_STEP,
    complex_step,
    differentiate,
    fixed_step,
)
from tinyvae.gradcheck.measure import Instruments
from tinyvae.gradcheck.point import Direction
from tinyvae.gradcheck.problem import Problem

# So many arrays are probed one by one, too: a small one drowns in a common direction.
FEW = 12


def instruments_for(problem: Problem, method: str, rng: np.random.Generator) -> Instruments:
    """Return what measures a problem: by the complex step where that is possible and not unwanted.

    ``method`` is ``"central"``, or anything else.
    """
    tools = Instruments(problem, rng)
    if method != "central":
        tools.refusal = refusal(tools)
    return tools


def refusal(tools: Instruments) -> str | None:
    """Return why the complex step cannot be used, or None if it can.

    The function must accept complex128, warn of no discarded imaginary part, return a complex
    number with the same real part, and agree with differences along random directions.
    """
    problem = tools.problem
    vectors = {
        n: tools.typical[n] * tools.rng.standard_normal(a.shape) for n, a in problem.arrays.items()
    }
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", ComplexWarning)
            given = {n: problem.arrays[n] + 1j * COMPLEX_STEP * v for n, v in vectors.items()}
            value = problem.value(given)
    except Exception as error:  # whatever the reader's function raises is an answer here
        return f"the function does not take complex128: {_where(error)}"
    if not np.iscomplexobj(value):
        return "the function turns complex numbers into real ones (abs? real? a float buffer?)"
    here = tools.here.value()
    if not abs(np.real(value) - here) <= 1e-9 * max(problem.scale, abs(here)) + 100.0 * tools.noise:
        return "the function gives another value for complex128 (abs? real? a comparison?)"
    parts = [vectors]
    if 1 < len(vectors) <= FEW:
        parts += [{name: v} for name, v in vectors.items() if v.size]
    return next((said for part in parts if (said := _differs(tools, part))), None)


def _differs(tools: Instruments, direction: Direction) -> str | None:
    """Return what is wrong with the complex derivative along a direction, or None.

    At a kink it must agree with differences on both sides of the point.
    """
    line = tools.here.line(direction)
    derivative, estimate = complex_step(line), differentiate(line, FIRST_STEP, tools.noise)
    slack = 10.0 * estimate.error + 1e-8 * max(abs(derivative), abs(estimate.value))
    if not np.isfinite(estimate.error) or abs(derivative - estimate.value) <= slack:
        return None
    place = cells.draw(tools)
    if all(_agree(tools, u, direction) for u in (place, {n: -v for n, v in place.items()})):
        return None
    return (
        "the imaginary part is lost or changed on its way (abs? real? conj? a float buffer?): "
        f"along a random direction the complex step gives {derivative:.6g}, "
        f"differences {estimate.value:.6g}"
    )


def _agree(tools: Instruments, place: Direction, direction: Direction) -> bool:
    line = cells.beside(tools, place, cells.HAIR[False]).line(direction)
    step = cells.HAIR[False] / 4096.0  # so short that it hardly ever meets a kink
    derivative, quotient = complex_step(line), fixed_step(line, step)
    slack = 10.0 * tools.noise / step + 1e-6 * max(abs(derivative), abs(quotient))
    return abs(derivative - quotient) <= slack


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    at = next((f for f in reversed(frames) if "numpy" not in f.filename), None)
    source = str(at.line) if at is not None and at.line else ""
    if len(source) > 60:
        source = f"{source[:57]}..."
    said = str(error).splitlines()[0] if str(error) else ""
    where = f' at "{source}"' if source else ""
    return f"{type(error).__name__}{where}: {said[:120]}"
