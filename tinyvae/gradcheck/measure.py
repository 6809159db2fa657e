"""Differentiates the arrays of a problem: all entries, some of them, or random directions.

A measurement holds what was measured beside what was claimed; it does not judge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tinyvae.gradcheck.complex_step import ComplexStep, probe
from tinyvae.gradcheck.differences import RealStep, Sides
from tinyvae.gradcheck.problem import Array, Problem

COMPLEX, CENTRAL = "complex step", "central differences"


@dataclass(frozen=True)
class Measurement:
    """Numeric and analytic gradient of one array, entry by entry or along directions.

    ``indices`` are those of the flattened array; ``vectors`` holds one direction a row, empty
    where entries were measured.  ``error`` is the method's own estimate, one for each number.
    """

    name: str
    method: str
    indices: Array
    vectors: Array
    numeric: Array
    analytic: Array
    error: Array


class Instruments:
    """The ways to differentiate one problem, and which of them its function allows.

    Parameters
    ----------
    problem : Problem
        What is measured.
    method : str
        ``"complex"``, ``"central"``, or ``"auto"``: complex step where the function allows it.
    rng : numpy.random.Generator
        For directions and samples.

    Attributes
    ----------
    floor : float
        Rounding error of any gradient of this function: a unit of the 13th digit of how much
        the function varies.
    refusal : str or None
        Why the complex step is not used, None if it is.
    """

    def __init__(self, problem: Problem, method: str, rng: np.random.Generator) -> None:
        self.problem = problem
        self.rng = rng
        self.real = RealStep(problem, rng)
        self.complex = ComplexStep(problem)
        self.floor = 1e-13 * self.real.reach(rng)
        self.refusal = None
        if method == "central":
            self.refusal = "central differences were asked for"
        else:
            self.refusal = probe(problem, self.real, rng)

    @property
    def method(self) -> str:
        """The method in use, in words."""
        return COMPLEX if self.refusal is None else CENTRAL

    def choose(self, analytic: Array, limit: int) -> Array:
        """Return at most ``limit`` indices: random ones, and that of the largest gradient."""
        if analytic.size <= limit:
            return np.arange(analytic.size)
        if limit == 0:
            return np.zeros(0, int)
        some = self.rng.choice(analytic.size, limit, replace=False)
        some[0] = int(np.argmax(np.abs(np.nan_to_num(analytic))))
        return np.unique(some)

    def entries(self, name: str, analytic: Array, indices: Array) -> Measurement:
        """Differentiate by single entries of one array."""
        if self.refusal is None:
            numeric = np.array([self.complex.entry(name, i) for i in indices])
            error = np.zeros(len(indices))
        else:
            estimates = [self.real.entry(name, i) for i in indices]
            numeric = np.array([e.value for e in estimates])
            error = np.array([e.error for e in estimates])
        claimed = analytic.reshape(-1)[indices] if len(indices) else np.zeros(0)
        none = np.zeros((0, 0))
        return Measurement(name, self.method, indices, none, numeric, claimed, error)

    def directions(self, name: str, analytic: Array, count: int) -> Measurement:
        """Differentiate along ``count`` normally distributed directions through one array.

        The mean square of <d, v> over such v is the squared norm of d, whatever d is.

        Tutorial 03, equations (3.14) and (3.15).
        """
        shape = self.problem.arrays[name].shape
        vectors = self.rng.standard_normal((count, *shape))
        if self.refusal is None:
            numeric = np.array([self.complex.direction({name: v}) for v in vectors])
            error = np.zeros(count)
        else:
            estimates = [self.real.direction({name: v}) for v in vectors]
            numeric = np.array([e.value for e in estimates])
            error = np.array([e.error for e in estimates])
        flat = vectors.reshape(count, -1)
        claimed = flat @ analytic.reshape(-1)
        return Measurement(name, self.method, np.arange(count), flat, numeric, claimed, error)

    def kink(self, measured: Measurement, position: int) -> Sides | None:
        """Return the slopes beside a kink at one of the measured entries or directions."""
        if not measured.vectors.size:
            return self.real.entry_kink(measured.name, measured.indices[position])
        shape = self.problem.arrays[measured.name].shape
        return self.real.direction_kink({measured.name: measured.vectors[position].reshape(shape)})

    def again(self, measured: Measurement, positions: Array) -> Measurement:
        """Measure some of the numbers again by central differences, whatever the method was."""
        names, shape = measured.name, self.problem.arrays[measured.name].shape
        if measured.vectors.size:
            rays = [measured.vectors[p].reshape(shape) for p in positions]
            estimates = [self.real.direction({names: v}) for v in rays]
        else:
            estimates = [self.real.entry(names, measured.indices[p]) for p in positions]
        return replace(
            measured,
            method=CENTRAL,
            indices=measured.indices[positions],
            vectors=measured.vectors[positions] if measured.vectors.size else measured.vectors,
            numeric=np.array([e.value for e in estimates]),
            analytic=measured.analytic[positions],
            error=np.array([e.error for e in estimates]),
        )

    def rounding(self, name: str) -> float:
        """Return what rounding alone does to the gradient of one array, in norm.

        The derivative along one random direction is taken again with every array moved by a
        unit in the last place; the largest change is what no gradient can be right beyond.
        """
        v = self.rng.standard_normal(self.problem.arrays[name].shape)
        changes = []
        here = self.complex.direction({name: v})
        for _ in range(4):
            moved = {
                n: a * (1.0 + 2.0**-52 * self.rng.integers(-1, 2, a.shape))
                for n, a in self.problem.arrays.items()
            }
            there = ComplexStep(replace(self.problem, arrays=moved)).direction({name: v})
            changes.append(abs(there - here))
        return float(np.nanmax(changes)) if np.isfinite(changes).any() else np.inf
