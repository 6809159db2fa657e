"""One wrong array laid out for diagnosis: claimed, measured, and what both may be made of.

A fit counts if what it leaves over is at the noise floor, a millionth of the error it explains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import permutations

import numpy as np

from tinyvae.gradcheck.problem import Array
from tinyvae.gradcheck.results import Finding

LEFT_OVER = 1e-6
FEWEST = 3


@dataclass(frozen=True)
class Case:
    """A wrong array and all that may explain it.

    Attributes
    ----------
    name, shape : str, tuple
        Of the array; the claimed gradient may have another shape.
    claimed : array
        The whole claimed gradient.
    indices, analytic, numeric : arrays
        The measured entries of the flattened array, claimed and measured (``analytic`` is empty
        where the shapes differ).
    noise : float
        Norm of the error that ``numeric`` may have itself.
    pool : dict of str to array
        Named arrays the gradient may be made of: inputs, labels, ``dy``, ``y``.
    others : dict of str to array
        The claimed gradients of all arrays.
    measured : dict of str to array
        The measured gradients of all arrays that were measured in full.
    terms : dict of str to callable
        Gradient of each known part of the function, at given indices of an array.
    kinked : bool array
        Which of the measured entries are at a kink, where ``numeric`` is what is allowed there.
    """

    name: str
    shape: tuple[int, ...]
    claimed: Array
    indices: Array
    analytic: Array
    numeric: Array
    noise: float
    pool: dict[str, Array]
    others: Mapping[str, Array] = field(default_factory=dict)
    measured: Mapping[str, Array] = field(default_factory=dict)
    terms: Mapping[str, Callable[[str, Array], Array]] = field(default_factory=dict)
    preactivation: Array | None = None
    kinked: Array = field(default_factory=lambda: np.zeros(0, bool))

    def finding(self, kind: str, saw: str, cause: str) -> Finding:
        """Return what was found about this array."""
        return Finding(kind, (self.name,), saw, cause)

    def where(self, kept: Array) -> Case:
        """Return the case of some of the measured entries only."""
        return replace(
            self,
            indices=self.indices[kept],
            analytic=self.analytic[kept],
            numeric=self.numeric[kept],
            kinked=self.kinked[kept],
        )

    @property
    def complete(self) -> bool:
        """Whether every entry was measured and the shapes agree."""
        return self.indices.size == int(np.prod(self.shape)) and self.same_shape

    @property
    def same_shape(self) -> bool:
        """Whether the claimed gradient has the array's shape."""
        return self.claimed.shape == self.shape

    @property
    def difference(self) -> Array:
        """Claimed minus measured, on the measured entries."""
        return self.analytic - self.numeric

    @property
    def wrong(self) -> Array:
        """Which measured entries are wrong; an entry is right if it is at the noise floor."""
        off = np.abs(self.difference)
        return np.asarray(off > LEFT_OVER * off.max() + 10.0 * self.noise)

    @property
    def right(self) -> Array:
        """The measured gradient in the array's shape; only if it was measured in full."""
        return self.numeric.reshape(self.shape)

    @property
    def tolerance(self) -> float:
        """Norm of what a fit may leave over."""
        error = self.difference if self.same_shape else self.numeric
        return LEFT_OVER * float(np.linalg.norm(error)) + 10.0 * self.noise

    def explains(self, target: Array, model: Array) -> bool:
        """Return whether ``model`` is ``target`` up to the noise floor."""
        if target.shape != model.shape or not np.isfinite(model).all():
            return False
        return bool(np.linalg.norm(target - model) <= self.tolerance)

    def scaled(self, target: Array, model: Array) -> float | None:
        """Return c if ``target`` is c times ``model`` up to the noise floor, else None.

        One constant is fitted, so at least three entries must bear it out.
        """
        if target.shape != model.shape or not np.isfinite(model).all():
            return None
        square = float(np.vdot(model, model))
        if square == 0.0 or np.count_nonzero(model) < FEWEST:
            return None
        c = float(np.vdot(model, target)) / square
        return c if c != 0.0 and self.explains(target, c * model) else None

    def entrywise(self) -> Iterator[tuple[str, Array]]:
        """Yield the pool's arrays that go with the entries one by one, where measured.

        A vector as long as the first axis counts as one number a row.
        """
        for name, array in self.pool.items():
            if array.ndim == 1 and len(self.shape) > 1 and array.shape[0] == self.shape[0]:
                array = array.reshape(-1, *(1 for _ in self.shape[1:]))
            try:
                whole = np.broadcast_to(array, self.shape)
            except ValueError:
                continue
            values = whole.reshape(-1)[self.indices].astype(np.float64)
            if np.ptp(values) > 0 if values.size else False:
                yield name, values

    def labelled(self) -> Iterator[tuple[str, Array]]:
        """Yield each vector of labels, and the entries that it points to, one a row."""
        for name, array in self.pool.items() if self.complete and len(self.shape) == 2 else ():
            if array.shape != self.shape[:1] or array.dtype.kind not in "iu":
                continue
            if array.min() >= 0 and array.max() < self.shape[1]:
                there = np.zeros(self.shape, bool)
                there[np.arange(len(array)), array] = True
                yield name, there

    def dimensions(self) -> dict[int, str]:
        """Return the sizes that a mean or sum may run over, each with what it is."""
        found: dict[int, str] = {}
        arrays = [(n, a) for n, a in self.pool.items() if a.ndim]
        for name, array in arrays:
            if array.ndim > 1:
                found.setdefault(len(array), f"the batch size of {name}")
        for name, array in arrays:
            for axis, size in enumerate(array.shape):
                found.setdefault(size, f"the length of axis {axis} of {name}")
        for name, array in arrays:
            found.setdefault(array.size, f"the number of entries of {name}")
        return {size: what for size, what in found.items() if size > 1}

    def times(self, c: float) -> str:
        """Return a factor before what it multiplies: nothing for 1."""
        return {1.0: "", -1.0: "-"}.get(round(c, 6), f"{c:.6g} * ")

    def known(self, c: float) -> str | None:
        """Return what a factor is: -1, 2, 1/2, a size, a quotient of sizes; None if unknown."""
        found = (t for v, t in _known(self.dimensions()) if abs(abs(c) / v - 1.0) <= 1e-6)
        text = next(found, None)
        return f"-{text}" if text and c < 0 else text


def _known(sizes: dict[int, str]) -> Iterator[tuple[float, str]]:
    """Yield the constants that mistakes are made of, the likeliest first."""
    simple = {1.0: "1", 2.0: "2", 0.5: "1/2", 4.0: "4", 0.25: "1/4"}
    for n, what in sizes.items():
        yield n, f"{n}, {'also ' if n in simple else ''}{what},"
        yield 1 / n, f"1/{n}, {n} {'also ' if n in simple else ''}being {what},"
    yield from simple.items()
    yield from ((np.log(2.0), "ln 2"), (1.0 / np.log(2.0), "1 / ln 2"))
    for (n, of), (m, by) in permutations(sizes.items(), 2):
        yield n / m, f"{n}/{m}, {of} over {by},"
    for n, what in sizes.items():
        yield 2 * n, f"2 * {n}, {n} being {what},"
        yield 2 / n, f"2/{n}, {n} being {what},"
        yield 0.5 / n, f"1/{2 * n}, {n} being {what},"
