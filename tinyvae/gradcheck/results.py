"""What was found, one piece at a time: an entry, an array, a finding, a claim."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from tinyvae.gradcheck.problem import Array

OK, WRONG, UNDECIDED, SKIPPED = "ok", "wrong", "undecided", "skipped"


@dataclass(frozen=True)
class Entry:
    """One entry of an array: where it is, what was claimed and what was measured."""

    index: tuple[int, ...]
    analytic: float
    numeric: float
    error: float


@dataclass(frozen=True)
class ArrayResult:
    """What was found about one array.

    Attributes
    ----------
    checked : int
        Entries differentiated one by one.
    directions : int
        Random directions through the whole array.
    error : float
        Norm of the difference over the larger of the two norms; with directions, estimated.
    attainable : float
        The same for an exact gradient: what the method itself may be off by.
    worst : Entry or None
        The entry with the largest error relative to max(its size, 1e-6 of the array's norm).
    kinks : int
        Entries (or directions) at a kink, where the gradient is one of the slopes beside it or
        lies between them; they are not held against it.
    analytic, numeric, indices, kinked : arrays
        The entries compared, and which of them are at a kink.
    """

    name: str
    shape: tuple[int, ...]
    method: str
    verdict: str
    checked: int = 0
    directions: int = 0
    error: float = 0.0
    attainable: float = 0.0
    worst: Entry | None = None
    kinks: int = 0
    remark: str = ""
    analytic: Array = field(default_factory=lambda: np.zeros(0), repr=False, compare=False)
    numeric: Array = field(default_factory=lambda: np.zeros(0), repr=False, compare=False)
    indices: Array = field(default_factory=lambda: np.zeros(0, int), repr=False, compare=False)
    kinked: Array = field(default_factory=lambda: np.zeros(0, bool), repr=False, compare=False)

    @property
    def size(self) -> int:
        """Number of entries of the array."""
        return math.prod(self.shape)

    @property
    def coverage(self) -> str:
        """Say what was checked: ``"all 12"``, ``"100 of 5,000 + 3 directions"``."""
        parts = []
        if self.checked:
            all_of_them = self.checked == self.size
            parts.append(
                f"all {self.size:,}" if all_of_them else f"{self.checked:,} of {self.size:,}"
            )
        if self.directions:
            parts.append(f"{self.directions} directions")
        return " + ".join(parts) or "-"


@dataclass(frozen=True)
class Finding:
    """What was seen of a wrong gradient, and what usually causes that.

    Attributes
    ----------
    kind : str
        A word for machines: ``"factor"``, ``"transposed"``, ``"missing term"``, ...
    arrays : tuple of str
        Which arrays show it.
    saw : str
        What was seen, a fact.
    cause : str
        What usually causes it.
    """

    kind: str
    arrays: tuple[str, ...]
    saw: str
    cause: str

    def __str__(self) -> str:
        where = ", ".join(self.arrays)
        return f"{where}: {self.saw} {self.cause}".strip() if where else f"{self.saw} {self.cause}"


@dataclass(frozen=True)
class Claim:
    """Something true of a right model that no gradient check sees."""

    name: str
    saw: str
    passed: bool
