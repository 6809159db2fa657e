"""The verdict on one array.

A verdict never asks for more digits than the method had.  Entries at a kink, where several slopes
are equally right, are set aside and counted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinyvae.gradcheck.comparison import NORM_TOLERANCE, Comparison
from tinyvae.gradcheck.measure import Instruments, Measurement
from tinyvae.gradcheck.results import OK, UNCLEAR, WRONG, ArrayResult

# Where differences are less good than this, the report says so.
COARSE = 1e-4


def judge(
    instruments: Instruments, measured: Sequence[Measurement], shape: tuple[int, ...]
) -> ArrayResult:
    """Return the result for one array.

    Parameters
    ----------
    instruments : Instruments
        To look for kinks, and for the size of rounding, where numbers disagree.
    measured : sequence of Measurement
        The array's entries and its directions, either of which may be missing.
    shape : tuple of int
        Of the array.
    """
    name = measured[0].name
    parts = [_examine(instruments, m) for m in measured if m.numeric.size]
    if any(p.exact and p.verdict != OK for p in parts):
        rounding = 30.0 * instruments.rounding(name)
        for part in parts:
            part.floor = max(part.floor, rounding)
    verdict = next((v for v in (WRONG, UNCLEAR) if v in [p.verdict for p in parts]), OK)
    error = max((p.error for p in parts), default=0.0)
    doubtful = verdict != OK or error > NORM_TOLERANCE[False]
    vanishing = instruments.real.vanishing(name) if doubtful else 0.0
    if doubtful and all(p.is_below(vanishing) or p.norm <= p.floor for p in parts):
        return _result(name, shape, parts, OK, 0.0, "zero up to rounding, claimed and measured.")
    return _result(name, shape, parts, verdict, error, _remark(parts))


def _remark(parts: Sequence[Comparison]) -> str:
    unknown = sum(int((~p.known).sum()) for p in parts)
    coarse = max((p.attainable for p in parts), default=0.0)
    if unknown:
        return f"the function is not finite around {unknown} entries, which were not measured."
    if coarse > COARSE:
        return f"the method is good to {coarse:.0e} here and can say no more."
    return ""


def _result(
    name: str,
    shape: tuple[int, ...],
    parts: Sequence[Comparison],
    verdict: str,
    error: float,
    remark: str,
) -> ArrayResult:
    """Put together what the entries and the directions of one array gave."""
    entries = next((p for p in parts if not p.measured.vectors.size), None)
    compared = entries.measured if entries else None
    nothing = np.zeros(0)
    return ArrayResult(
        name=name,
        shape=shape,
        method=parts[0].measured.method if parts else "-",
        verdict=verdict,
        checked=len(compared.indices) if compared else 0,
        directions=sum(len(p.measured.indices) for p in parts if p is not entries),
        error=error,
        attainable=max((p.attainable for p in parts), default=0.0),
        worst=entries.worst(shape) if entries else None,
        kinks=sum(int(p.kinks.sum()) for p in parts),
        remark=remark,
        analytic=compared.analytic if compared else nothing,
        numeric=compared.numeric if compared else nothing,
        indices=compared.indices if compared else nothing.astype(int),
    )


def _examine(instruments: Instruments, measured: Measurement) -> Comparison:
    """Return a measurement with kinks set aside, by differences where those contradict it.

    A function may lose the imaginary part at one place only, which the probe did not see: before
    a gradient is called wrong, the worst entries are measured again by the other method.
    """
    part = Comparison(instruments, measured)
    part.set_kinks_aside()
    doubted = np.flatnonzero(part.mismatched)
    if not part.exact or not doubted.size:
        return part
    worst = doubted[np.argsort(-np.nan_to_num(part.difference[doubted], nan=np.inf))[:3]]
    worst = np.array([p for p in worst if instruments.kink(measured, p) is None], int)
    second = instruments.again(measured, worst)
    slack = 10.0 * second.error + 1e-9 * np.abs(second.numeric)
    if np.all(np.abs(measured.numeric[worst] - second.numeric) <= slack):
        return part
    everything = instruments.again(measured, np.arange(len(measured.numeric)))
    part = Comparison(instruments, everything)
    part.set_kinks_aside()
    return part
