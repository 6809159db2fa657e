"""One array's claimed numbers against its measured ones, number by number.

It knows how far a number may be off, and sets aside what a kink explains.
"""

from __future__ import annotations

import numpy as np

from tinyvae.gradcheck.measure import COMPLEX, Instruments, Measurement
from tinyvae.gradcheck.problem import Array
from tinyvae.gradcheck.results import OK, UNCLEAR, WRONG, Entry

# A gradient written by hand may lose digits that the complex step keeps, but not this many.
NORM_TOLERANCE = {True: 1e-10, False: 1e-7}
ENTRY_TOLERANCE = {True: 1e-8, False: 1e-5}
# Entries this much smaller than the array's norm are compared with the norm: they are sums in
# which the rounding of the large entries' terms is left over.
ENTRY_FLOOR = 1e-6
# Where a method's own error is above this share of the gradient, it does not decide, unless
# the two agree so well that it must have overestimated its error.
UNKNOWN, AGREED = 0.05, 1e-4
FEW = 12


class Comparison:
    """One measurement of an array: all numbers are compared, those at kinks are left out."""

    def __init__(self, instruments: Instruments, measured: Measurement) -> None:
        self.instruments = instruments
        self.measured = measured
        self.floor = instruments.floor
        self.exact = measured.method == COMPLEX
        self.kinks = np.zeros(len(measured.numeric), bool)
        self.difference = np.abs(measured.analytic - measured.numeric)

    @property
    def norm(self) -> float:
        """The larger norm of the two gradients (estimated, where directions were taken)."""
        kept = ~self.kinks & self.known
        analytic, numeric = self.measured.analytic[kept], self.measured.numeric[kept]
        analytic = analytic[np.isfinite(analytic)]
        if self.measured.vectors.size:
            return max(_rms(analytic), _rms(numeric))
        return max(_norm(analytic), _norm(numeric))

    @property
    def allowed(self) -> Array:
        """How far each number may be off."""
        sizes = np.maximum(np.abs(self.measured.analytic), np.abs(self.measured.numeric))
        lower = self.norm if self.measured.vectors.size else ENTRY_FLOOR * self.norm
        relative = ENTRY_TOLERANCE[self.exact] * np.maximum(sizes, lower)
        return 10.0 * self.measured.error + relative + self.floor

    @property
    def mismatched(self) -> Array:
        """Which numbers are further off than allowed; NaN is."""
        within = np.asarray(self.difference <= self.allowed)
        return ~within & self.known & ~self.kinks

    @property
    def known(self) -> Array:
        """Which numbers could be measured at all."""
        return np.asarray(np.isfinite(self.measured.numeric))

    @property
    def error(self) -> float:
        """Relative error in norm."""
        kept = self.difference[~self.kinks & self.known]
        off = _rms(kept) if self.measured.vectors.size else _norm(kept)
        if not np.isfinite(off):
            return np.inf
        return float(off / self.norm) if off else 0.0

    @property
    def attainable(self) -> float:
        """What the method itself may contribute to the relative error in norm."""
        own = self.measured.error[~self.kinks & self.known]
        off = _rms(own) if self.measured.vectors.size else _norm(own)
        return float((off + self.floor) / self.norm) if self.norm else 0.0

    @property
    def verdict(self) -> str:
        """Ok, wrong, or unclear where the method's own error hides the answer."""
        if self.kinks.all():
            return OK
        if not np.isfinite(self.measured.analytic).all() or self.mismatched.any():
            return WRONG
        hidden = self.attainable > UNKNOWN and self.error > AGREED
        if not self.known.all() or hidden:
            return UNCLEAR
        tolerance = NORM_TOLERANCE[self.exact] + 3.0 * self.attainable
        return OK if self.error <= tolerance else WRONG

    def is_below(self, size: float) -> bool:
        """Return whether both gradients are smaller than ``size``, an entry with the other."""
        whole = self.measured.vectors.shape[-1] or len(self.measured.numeric)
        numbers = np.concatenate([self.measured.numeric, self.measured.analytic])
        return bool(np.isfinite(numbers).all() and self.norm <= size * np.sqrt(whole))

    def set_kinks_aside(self) -> None:
        """Leave out mismatched numbers where the function has a kink that explains them.

        Where many disagree and none of the first few is at a kink, the gradient is simply wrong.
        """
        suspects = np.flatnonzero(self.mismatched | ~self.known)
        for tried, position in enumerate(suspects.tolist()):
            if tried == FEW and not self.kinks.any():
                return
            sides = self.instruments.kink(self.measured, position)
            claimed = self.measured.analytic[position]
            self.kinks[position] = sides is not None and sides.hold(claimed)

    def worst(self, shape: tuple[int, ...]) -> Entry | None:
        """Return the entry that is furthest off for its size, None where all are at kinks."""
        if self.kinks.all():
            return None
        m = self.measured
        sizes = np.maximum(np.abs(m.analytic), np.abs(m.numeric))
        sizes = np.maximum(np.maximum(sizes, ENTRY_FLOOR * self.norm), np.finfo(float).tiny)
        relative = np.where(self.kinks, -1.0, self.difference / sizes)
        position = int(np.argmax(np.where(np.isnan(relative), np.inf, relative)))
        index = tuple(int(i) for i in np.unravel_index(m.indices[position], shape))
        return Entry(
            index,
            float(m.analytic[position]),
            float(m.numeric[position]),
            float(relative[position]),
        )


def _norm(values: Array) -> float:
    return float(np.linalg.norm(values))


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values)))) if values.size else 0.0
