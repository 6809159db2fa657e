"""Gradients proved: any function a reader writes, and tinyvae's own.

``check_gradients`` is the one to know.  What a check finds comes back as a ``Report``.
"""

from __future__ import annotations

from tinyvae.gradcheck.check import check_gradients
from tinyvae.gradcheck.procedure import check_problem
from tinyvae.gradcheck.report import GradientError, Report, merge
from tinyvae.gradcheck.results import ArrayResult, Claim, Entry, Finding

__all__ = [
    "ArrayResult",
    "Claim",
    "Entry",
    "Finding",
    "GradientError",
    "Report",
    "check_gradients",
    "check_problem",
    "merge",
]
