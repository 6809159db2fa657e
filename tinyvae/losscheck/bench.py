"""The bench: inputs drawn, the function called, its precision measured.

Every measurement is a difference of two calls with the same x, so that constants and anything made
of x alone drop out: they have no gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from tinyvae.losscheck import returned
from tinyvae.losscheck.call import Function
from tinyvae.losscheck.failures import CallFailed
from tinyvae.losscheck.names import MU, NOISE, RECON, SCALE, X_SCALE, X, Z
from tinyvae.losscheck.terms import Array, Arrays

UNIT, REAL, POSITIVE, BINARY = "in (0, 1)", "real", "above 0", "0 or 1"
EPSILON = float(np.finfo(np.float64).eps)
# A larger relative difference between two equal calls is noise, not rounding.
RANDOM = 1e-5
# Reach of a reconstruction that need not lie in (0, 1).
FAR = 3.0
# Batches of a function that draws inside are larger by this factor.
MANY = 16


@dataclass(frozen=True)
class Shape:
    """Sizes of a call: examples, what one looks like, and the width of z."""

    batch: int
    example: tuple[int, ...]
    latent_dim: int

    @property
    def input_dim(self) -> int:
        """Values in an example."""
        return math.prod(self.example)

    @property
    def sizes(self) -> dict[str, int]:
        """The three numbers by name."""
        return {
            "batch": self.batch,
            "input_dim": self.input_dim,
            "latent_dim": self.latent_dim,
        }


@dataclass(frozen=True)
class Pair:
    """Two calls with the same x: the arrays of both, and the values."""

    first: Arrays
    second: Arrays
    values: tuple[float, float]

    @property
    def difference(self) -> float:
        """Of the two values."""
        return self.values[0] - self.values[1]


class Bench:
    """A function on the bench.

    Attributes
    ----------
    domains : dict
        Where each role's values are drawn from.
    noise : float
        Relative standard deviation of one value: rounding, or what the function draws itself.
    """

    def __init__(self, function: Function, rng: np.random.Generator) -> None:
        self.function, self.rng = function, rng
        self.roles = [r for r in (X, RECON, X_SCALE, MU, SCALE, Z, NOISE) if function.has(r)]
        self.domains = {
            X: UNIT,
            RECON: UNIT,
            X_SCALE: REAL,
            MU: REAL,
            SCALE: REAL,
            Z: REAL,
            NOISE: REAL,
        }
        self.noise = EPSILON
        self.reach = 1.0
        self.random = False
        self.spread = 0.0
        self.single = False
        self.layout = returned.NUMBER
        self.pick: Callable[[list[Array]], Array] | None = None

    def name_of(self, role: str) -> str:
        """Return what the function calls its argument of this role."""
        slot = self.function.slot(role)
        return slot.name if slot else role

    def draw(self, shape: Shape, roles: Iterable[str] | None = None) -> dict[str, Array]:
        """Return fresh arrays for these roles."""
        found = {}
        # Some calls near the prior, some far: a KL that is cut off somewhere shows there.
        self.reach = 1.3 if self.random else float(np.exp(self.rng.uniform(-1.0, 1.6)))
        for role in self.roles if roles is None else roles:
            wide = role in (X, RECON, X_SCALE)
            size = (shape.batch, *(shape.example if wide else (shape.latent_dim,)))
            if self.random:  # equal rows: the noise is averaged, what it hides is not
                row = self._values(self.domains[role], (1, *size[1:]), role)
                found[role] = np.repeat(row, shape.batch, axis=0)
            else:
                found[role] = self._values(self.domains[role], size, role)
        return found

    def _values(self, domain: str, size: tuple[int, ...], role: str) -> Array:
        if domain == BINARY:
            return (self.rng.random(size) < 0.5).astype(np.float64)
        if domain == UNIT:
            return self.rng.uniform(0.04, 0.96, size)
        if domain == POSITIVE:
            return self.rng.uniform(0.35, 2.2, size)
        if role in (SCALE, X_SCALE):
            return (
                self.rng.uniform(-1.3, 0.8, size)
                if self.random
                else self.rng.uniform(-1.6, 1.4, size)
            )
        if role == RECON:  # no further in wide rows: a clamp beyond is met nowhere or everywhere
            return self.rng.uniform(-FAR, FAR, size)
        return np.asarray(self.rng.standard_normal(size) * (self.reach if role == MU else 1.1))

    def raw(self, arrays: Arrays) -> list[Array]:
        """Return all that the function returned that may be the loss."""
        return [returned.numbers(v) for v in returned.parts(self.function(arrays))]

    def value(self, arrays: Arrays) -> float:
        """Return the loss as one number, per example."""
        output = self.function(arrays)
        if self.pick is None:
            array = returned.numbers(returned.parts(output)[0])
        else:
            array = self.pick([returned.numbers(v) for v in returned.parts(output)])
        return returned.reduce(array, self.layout, len(next(iter(arrays.values()))))

    def pair(self, shape: Shape, vary: Iterable[str]) -> Pair:
        """Measure at two draws that differ in the roles of ``vary`` only."""
        first = self.draw(shape)
        second = {**first, **self.draw(shape, [r for r in vary if r in first])}
        return Pair(first, second, (self.value(first), self.value(second)))

    def pairs(self, shape: Shape, vary: Iterable[str], n: int) -> list[Pair]:
        """Measure n times."""
        roles = list(vary)
        return [self.pair(shape, roles) for _ in range(n)]

    def all_finite(self, shape: Shape, n: int = 4) -> bool:
        """Say whether the function gives numbers here."""
        return all(math.isfinite(self.value(self.draw(shape))) for _ in range(n))

    def finite(self, shape: Shape, n: int = 4) -> bool:
        """Say whether the function can be called here, and gives numbers."""
        try:
            return self.all_finite(shape, n)
        except CallFailed:
            return False

    def measure_noise(self, shape: Shape) -> None:
        """Find the relative precision of one value, and whether it comes from drawn numbers.

        Two calls with the same arguments tell what is drawn inside.  Otherwise rounding shows in
        high differences along a line of tiny steps, where a smooth function's vanish (Moré and
        Wild 2011, "Estimating computational noise").
        """
        arrays = self.draw(shape)
        here = np.array([self.value(arrays) for _ in range(8)])
        size = float(np.abs(here).mean()) or 1.0
        spread = float(here.std(ddof=1)) / size
        self.random = spread > RANDOM
        self.single = self.single or self._looks_single(shape)
        floor = 3e-7 if self.single else 4.0 * EPSILON
        self.noise = max(spread, floor)
        if not self.random:
            self.noise = max(self.noise, *(self._rounding(shape) for _ in range(3)))

    def measure_spread(self, shape: Shape, n: int = 120) -> None:
        """Find the standard deviation of what a function that draws inside returns."""
        squares = []
        for _ in range(n):
            arrays = self.draw(shape)
            squares.append((self.value(arrays) - self.value(arrays)) ** 2)
        self.spread = math.sqrt(0.5 * float(np.mean(squares)))

    def _looks_single(self, shape: Shape) -> bool:
        values = [self.value(self.draw(shape)) for _ in range(6)]
        whole = all(float(v).is_integer() for v in values)
        return not whole and all(float(np.float32(v)) == v for v in values)

    def _rounding(self, shape: Shape, step: float = 1e-10, points: int = 9) -> float:
        arrays = self.draw(shape)
        moved = {r: self.rng.standard_normal(a.shape) for r, a in arrays.items() if r != X}
        line = np.array(
            [
                self.value(
                    {r: a + i * step * moved[r] if r in moved else a for r, a in arrays.items()}
                )
                for i in range(points)
            ]
        )
        size = float(np.abs(line).mean()) or 1.0
        levels = []
        for order in range(1, 7):
            line = np.diff(line)
            if order >= 3:
                gain = math.factorial(order) ** 2 / math.factorial(2 * order)
                levels.append(math.sqrt(gain * float(np.mean(line**2))))
        return float(np.median(levels)) / size

    def tolerance(self, pairs: Iterable[Pair]) -> float:
        """Root mean square that the precision alone may leave in these differences."""
        if self.random:
            return math.sqrt(2.0) * self.spread
        squares = [v * v for pair in pairs for v in pair.values]
        return self.noise * math.sqrt(2.0 * float(np.mean(squares)) + 1e-300)
