"""One measurement of an array against the claim, number by number, and how far each may be off."""

from __future__ import annotations

import numpy as np

from tinyvae.gradcheck.differences import FIRST_STEP
from tinyvae.gradcheck.measure import COMPLEX, Instruments, Measurement
from tinyvae.gradcheck.problem import Array
from tinyvae.gradcheck.results import OK, UNDECIDED, WRONG, Entry

# A gradient written by hand may lose digits that the complex step keeps, but not this many.
NORM_TOLERANCE = {True: 1e-10, False: 1e-7}
ENTRY_TOLERANCE = {True: 1e-8, False: 1e-5}
# Entries this much smaller than the array's norm are compared with the norm: they are sums in
# which the rounding of the large entries' terms is left over.
ENTRY_FLOOR = 1e-6
# Where a method's own error is above this share of the gradient, it does not decide.
UNKNOWN = 0.05


class Comparison:
    """One measurement of an array, number by number against the claim.

    Attributes
    ----------
    floor : float
        Rounding error of a number.
    at_kink, undecided : bool arrays
        Which numbers are at a kink, and for which of these nothing can be said.
    nearest, slack, around : arrays
        At a kink the allowed slope that is nearest to the claim, how exactly it is known, and how
        large the slopes around are; see ``kinks.examine``.
    disagree : str
        Why the numbers do not fit together, although each by itself would, or "".
    """

    def __init__(self, tools: Instruments, measured: Measurement) -> None:
        self.measured = measured
        # A direction's slope adds up over the whole array.
        self.floor = tools.floor(measured.name) * float(np.sqrt(measured.width))
        self.exact = measured.method == COMPLEX
        n = len(measured.numeric)
        self.at_kink, self.undecided = np.zeros(n, bool), np.zeros(n, bool)
        self.nearest, self.slack, self.around = np.zeros(n), np.zeros(n), np.zeros(n)
        self.disagree = ""

    @property
    def numeric(self) -> Array:
        """What was measured; at a kink, what is allowed and nearest to the claim."""
        return np.where(self.at_kink, self.nearest, self.measured.numeric)

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
        return max(self._norms)

    @property
    def _norms(self) -> tuple[float, float]:
        claimed = self.measured.analytic[self.known & np.isfinite(self.measured.analytic)]
        around = np.maximum(np.abs(self.numeric), self.around)[self.known]
        return self._size(claimed), self._size(around)

    @property
    def mismatched(self) -> Array:
        """Which numbers are further off than allowed; NaN is."""
        sizes = np.maximum(np.abs(self.measured.analytic), np.abs(self.numeric))
        lower = self.norm if self.measured.is_directions else ENTRY_FLOOR * self.norm
        relative = ENTRY_TOLERANCE[self.exact] * np.maximum(sizes, lower)
        allowed = 10.0 * self._own + relative + self.floor + self.slack
        return ~np.asarray(self.difference <= allowed) & self.known

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
        off = self._size((self._own + self.slack)[self.known])
        return float((off + self.floor) / self.norm) if self.norm else 0.0

    @property
    def decides_nothing(self) -> bool:
        """Whether all that was measured are directions, each of them across a kink."""
        return self.measured.is_directions and bool(self.at_kink.all())

    @property
    def verdict(self) -> str:
        """Ok, wrong, or undecided where the method cannot tell."""
        if not np.isfinite(self.measured.analytic).all() or self.mismatched.any() or self.disagree:
            return WRONG
        hidden = not self.exact and self.attainable > UNKNOWN
        if not self.known.all() or self.undecided.any() or hidden:
            return UNDECIDED
        tolerance = NORM_TOLERANCE[self.exact] + 3.0 * self.attainable
        return OK if self.error <= tolerance else WRONG

    def is_below(self, size: float) -> bool:
        """Return whether both gradients are smaller than ``size``, an entry with the other.

        Differences divide the same rounding by a tenth of an entry's size.  The claim has to be the
        smaller, for the function may be rough, which looks like rounding.
        """
        numbers = np.concatenate([self.numeric, self.measured.analytic])
        claimed, measured = self._norms
        share = 1.0 if self.exact else FIRST_STEP
        largest = max(claimed / share, measured * share)
        return bool(np.isfinite(numbers).all() and largest <= size * self.spread)

    @property
    def spread(self) -> float:
        """How much larger the norm is than a typical entry."""
        m = self.measured
        return float(np.sqrt(m.width if m.is_directions else max(len(m.numeric), 1)))

    def vanishes(self, size: float) -> bool:
        """Return whether each number is within its own small error of zero, claimed or not."""
        own = 10.0 * self._own
        numbers = np.maximum(np.abs(self.numeric), np.abs(self.measured.analytic))
        return bool(np.all(numbers <= own) and np.all(own <= max(size, 1e-300)))

    def worst(self, shape: tuple[int, ...]) -> Entry | None:
        """Return the entry that is furthest off for its size."""
        claimed, numeric = self.measured.analytic, self.numeric
        sizes = np.maximum(np.maximum(np.abs(claimed), np.abs(numeric)), ENTRY_FLOOR * self.norm)
        relative = self.difference / np.maximum(sizes, np.finfo(float).tiny)
        i = int(np.argmax(np.where(np.isnan(relative), np.inf, relative)))
        index = tuple(int(k) for k in np.unravel_index(self.measured.indices[i], shape))
        return Entry(index, float(claimed[i]), float(numeric[i]), float(relative[i]))

    def remark(self, shape: tuple[int, ...]) -> str:
        """Say what is wrong at the kinks, or undecided, with the entries."""
        if self.disagree:
            return self.disagree
        if self.decides_nothing:
            return "every direction crosses a kink, which decides nothing: check entries."
        if not self.undecided.any() or self.measured.is_directions:
            return ""
        where = self.measured.indices[self.undecided]
        listed = ", ".join(str([int(i) for i in np.unravel_index(k, shape)]) for k in where[:6])
        more = ", ..." if len(where) > 6 else ""
        return (
            f"undecided at {listed}{more}: too many kinks meet there, or the function bends more "
            "sharply than this method can follow."
        )

    @property
    def _own(self) -> Array:
        return np.where(self.at_kink, 0.0, self.measured.error)

    def _size(self, values: Array) -> float:
        norm = float(np.linalg.norm(values))
        return norm / max(values.size, 1) ** 0.5 if self.measured.is_directions else norm
