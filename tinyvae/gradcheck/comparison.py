"""One measurement of an array against the claim, number by number, and how far each may be off."""

from __future__ import annotations

import numpy as np

from tinyvae.gradcheck.kinks import AtKinks
from tinyvae.gradcheck.measure import COMPLEX, Instruments, Measurement
from tinyvae.gradcheck.problem import Array
from tinyvae.gradcheck.results import OK, UNDECIDED, WRONG, Entry

# A gradient written by hand may lose digits that the complex step keeps, but not this many.
NORM_TOLERANCE = {True: 1e-10, False: 1e-7}
ENTRY_TOLERANCE = {True: 1e-8, False: 1e-5}
# Entries this much smaller than the array's norm are compared with the norm: they are sums in
# which the rounding of the large entries' terms is left over.
ENTRY_FLOOR = 1e-6
# Where a method's own error is above this share of the gradient, it does not decide, unless
# the two agree so well that it must have overestimated its error.
UNKNOWN, AGREED = 0.05, 1e-4
# A gradient this small beside how much the function varies over the array's size is zero, if the
# method's own error hides whatever it is.
ZERO = 1e-6


class Comparison:
    """One measurement of an array, number by number against the claim."""

    def __init__(self, tools: Instruments, measured: Measurement) -> None:
        self.measured = measured
        self.floor = tools.floor(measured.name)
        if measured.vectors.size:  # a direction's slope adds up over the whole array
            self.floor *= float(np.sqrt(measured.vectors.shape[1]))
        self.exact = measured.method == COMPLEX
        self.kinks = AtKinks.none(measured)

    @property
    def numeric(self) -> Array:
        """What was measured; at a kink, what is allowed and nearest to the claim."""
        return np.where(self.kinks.at, self.kinks.nearest, self.measured.numeric)

    @property
    def difference(self) -> Array:
        """How far each number is off."""
        return np.asarray(np.abs(self.measured.analytic - self.numeric))

    @property
    def known(self) -> Array:
        """Which numbers could be measured at all."""
        return np.asarray(np.isfinite(self.numeric))

    @property
    def norm(self) -> float:
        """The larger norm of the two gradients (estimated, where directions were taken).

        At a kink, where both may be zero, that of the slopes around.
        """
        analytic, numeric = self.measured.analytic[self.known], self.numeric[self.known]
        around = np.maximum(np.abs(numeric), self.kinks.sizes[self.known])
        return max(self._size(analytic[np.isfinite(analytic)]), self._size(around))

    @property
    def allowed(self) -> Array:
        """How far each number may be off."""
        sizes = np.maximum(np.abs(self.measured.analytic), np.abs(self.numeric))
        lower = self.norm if self.measured.vectors.size else ENTRY_FLOOR * self.norm
        relative = ENTRY_TOLERANCE[self.exact] * np.maximum(sizes, lower)
        return 10.0 * self._own + relative + self.floor + self.kinks.slack

    @property
    def mismatched(self) -> Array:
        """Which numbers are further off than allowed; NaN is."""
        return ~np.asarray(self.difference <= self.allowed) & self.known

    @property
    def error(self) -> float:
        """Relative error in norm."""
        off = self._size(self.difference[self.known])
        if not np.isfinite(off):
            return np.inf
        return float(off / self.norm) if off else 0.0

    @property
    def attainable(self) -> float:
        """What the method itself may contribute to the relative error in norm."""
        off = self._size((self._own + self.kinks.slack)[self.known])
        return float((off + self.floor) / self.norm) if self.norm else 0.0

    @property
    def verdict(self) -> str:
        """Ok, wrong, or undecided where the method cannot tell."""
        if not np.isfinite(self.measured.analytic).all() or self.mismatched.any():
            return WRONG
        if self.kinks.disagree:
            return WRONG
        hidden = not self.exact and self.attainable > UNKNOWN and self.error > AGREED
        if not self.known.all() or self.kinks.undecided.any() or hidden:
            return UNDECIDED
        tolerance = NORM_TOLERANCE[self.exact] + 3.0 * self.attainable
        return OK if self.error <= tolerance else WRONG

    def is_below(self, size: float) -> bool:
        """Return whether both gradients are smaller than ``size``, an entry with the other."""
        numbers = np.concatenate([self.numeric, self.measured.analytic])
        return bool(np.isfinite(numbers).all() and self.norm <= size * self.spread)

    @property
    def spread(self) -> float:
        """How much larger the norm is than a typical entry."""
        return float(np.sqrt(self.measured.vectors.shape[-1] or max(len(self.numeric), 1)))

    def vanishes(self, size: float) -> bool:
        """Return whether each number is within its own small error of zero, claimed or not."""
        own = 10.0 * self._own
        numbers = np.maximum(np.abs(self.numeric), np.abs(self.measured.analytic))
        return bool(np.all(numbers <= own) and np.all(own <= max(size, 1e-300)))

    def worst(self, shape: tuple[int, ...]) -> Entry | None:
        """Return the entry that is furthest off for its size."""
        m, numeric = self.measured, self.numeric
        sizes = np.maximum(np.abs(m.analytic), np.abs(numeric))
        sizes = np.maximum(np.maximum(sizes, ENTRY_FLOOR * self.norm), np.finfo(float).tiny)
        relative = self.difference / sizes
        position = int(np.argmax(np.where(np.isnan(relative), np.inf, relative)))
        index = tuple(int(i) for i in np.unravel_index(m.indices[position], shape))
        claimed, found = float(m.analytic[position]), float(numeric[position])
        return Entry(index, claimed, found, float(relative[position]))

    @property
    def _own(self) -> Array:
        return np.where(self.kinks.at, 0.0, self.measured.error)

    def _size(self, values: Array) -> float:
        norm = float(np.linalg.norm(values))
        if self.measured.vectors.size:
            return norm / float(np.sqrt(max(values.size, 1)))
        return norm
