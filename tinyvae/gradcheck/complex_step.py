"""Derivatives by a complex step: f'(x) = Im f(x + i h) / h, exact to rounding.

No difference is taken, so nothing cancels and h may be 1e-20 (Squire and Trapp, 1998).  It works
only where the function carries the imaginary part through; ``probe`` finds out.
"""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Mapping

import numpy as np
from numpy.exceptions import ComplexWarning

from tinyvae.gradcheck.differences import RealStep, typical_size
from tinyvae.gradcheck.problem import Array, Problem

STEP = 1e-20


class ComplexStep:
    """Differentiates a problem along any direction through arrays made complex once."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.arrays = {n: np.array(a, np.complex128) for n, a in problem.arrays.items()}

    def entry(self, name: str, index: int) -> float:
        """Return the derivative by entry ``index`` of the flattened array ``name``.

        Tutorial 03, equation (3.8).
        """
        imaginary = self.arrays[name].reshape(-1).imag
        imaginary[index] = STEP
        try:
            return float(np.imag(self.problem.at(self.arrays))) / STEP
        finally:
            imaginary[index] = 0.0

    def direction(self, direction: Mapping[str, Array]) -> float:
        """Return the derivative along a direction, given for some or all of the arrays.

        Tutorial 03, equations (3.8) and (3.14).
        """
        for name, v in direction.items():
            self.arrays[name].imag[...] = STEP * v
        try:
            return float(np.imag(self.problem.at(self.arrays))) / STEP
        finally:
            for name in direction:
                self.arrays[name].imag[...] = 0.0


def probe(problem: Problem, real: RealStep, rng: np.random.Generator) -> str | None:
    """Return why the complex step cannot be used, or None if it can.

    The function must accept complex128, warn of no discarded imaginary part, return a complex
    number with the same real part, and agree along one random direction with real differences.
    """
    step = ComplexStep(problem)
    direction = {n: typical_size(a) * rng.standard_normal(a.shape) for n, a in step.arrays.items()}
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", ComplexWarning)
            given = {n: step.arrays[n] + 1j * STEP * v for n, v in direction.items()}
            value = problem.value(given)
    except Exception as error:  # whatever the reader's function raises is an answer here
        return f"the function does not take complex128: {_where(error)}"
    if not np.iscomplexobj(value):
        return "the function turns complex numbers into real ones (abs? real? a float buffer?)"
    here = float(problem.at(problem.arrays))
    if not abs(value.real - here) <= 1e-9 * max(problem.scale, abs(here)) + 100.0 * real.noise:
        return "the function gives another value for complex128 (abs? real? a comparison?)"
    derivative = float(np.imag(value)) / STEP
    estimate = real.direction(direction)
    slack = 3.0 * estimate.error + 1e-6 * max(abs(derivative), abs(estimate.value))
    if not np.isfinite(estimate.error) or abs(derivative - estimate.value) <= slack:
        return None
    sides = real.direction_kink(direction)
    if sides is not None and sides.hold(derivative):
        return None
    return (
        "the imaginary part is lost or changed on its way (abs? real? conj? a float buffer?): "
        f"along a random direction the complex step gives {derivative:.6g}, "
        f"differences {estimate.value:.6g}"
    )


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    at = next((f for f in reversed(frames) if "numpy" not in f.filename), None)
    line = f' at "{at.line}"' if at is not None and at.line else ""
    return f"{type(error).__name__}{line}: {str(error).splitlines()[0] if str(error) else ''}"
