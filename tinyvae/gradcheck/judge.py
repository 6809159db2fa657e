"""The verdict on one array, at smooth points; what lies at a kink goes through ``kinks``.

A verdict never asks for more digits than the method had, and never says ok where nothing decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tinyvae.gradcheck import cells
from tinyvae.gradcheck.around import APART, Around, settle
from tinyvae.gradcheck.comparison import NORM_TOLERANCE, Comparison
from tinyvae.gradcheck.kinks import FEW, TOGETHER, examine, is_kinked, show_a_kink
from tinyvae.gradcheck.measure import Instruments, Measurement
from tinyvae.gradcheck.point import Ray
from tinyvae.gradcheck.problem import Array
from tinyvae.gradcheck.results import OK, UNDECIDED, WRONG, ArrayResult

# Where differences are less good than this, the report says so.
COARSE = 1e-4


def judge(
    tools: Instruments, measured: Sequence[Measurement], shape: tuple[int, ...]
) -> ArrayResult:
    """Return the result for one array.

    Parameters
    ----------
    tools : Instruments
        What measured, and measures again where numbers disagree.
    measured : sequence of Measurement
        The array's entries and its directions, either of which may be missing.
    shape : tuple of int
        Of the array.
    """
    name, measured = measured[0].name, [m for m in measured if m.numeric.size]
    parts = [Comparison(tools, m) for m in measured]
    if any(_meets_a_kink(tools, part) for part in parts):
        for part in parts:
            examine(tools, part)
    elif any(_contradicted(tools, part) for part in parts):
        # A function may lose the imaginary part at one place only, which no direction showed.
        plain = tools.by_differences
        again = [plain.measure(m.name, m.rays, m.analytic, m.width) for m in measured]
        return judge(plain, again, shape)
    if any(p.exact and p.verdict != OK for p in parts):
        rounding = 30.0 * cells.rounding(tools, name)
        for part in parts:
            part.floor = max(part.floor, rounding)
    verdicts = [p.verdict for p in parts]
    verdict = next((v for v in (WRONG, UNDECIDED) if v in verdicts), OK)
    if verdict == OK and (cells.leaps(tools) or (parts and all(p.decides_nothing for p in parts))):
        verdict = UNDECIDED
    error = max((p.error for p in parts), default=0.0)
    doubtful = verdict != OK or error > NORM_TOLERANCE[False]
    vanishing = tools.vanishing(name) if doubtful else 0.0
    if doubtful and all(p.is_below(max(vanishing, p.floor / p.spread)) for p in parts):
        return _result(name, shape, parts, OK, 0.0, "zero up to rounding, claimed and measured.")
    if verdict == UNDECIDED and all(p.vanishes(tools.hidden(name) * p.spread) for p in parts):
        said = "zero for all that differences can see, claimed and measured."
        return _result(name, shape, parts, OK, 0.0, said)
    return _result(name, shape, parts, verdict, error, _remark(tools, parts, shape, verdict))


def judge_across(
    tools: Instruments, results: Sequence[ArrayResult], claimed: Mapping[str, Array | None]
) -> list[ArrayResult]:
    """Judge the entries at kinks of all arrays together, where each array is ok by itself.

    At ``a == b`` the gradient of the larger of the two may go to either of them, but once.
    """
    kinked = [r for r in results if r.verdict == OK and r.kinked.any()]
    if len(kinked) < 2:
        return list(results)
    rays = [(r.name, int(i)) for r in kinked for i in r.indices[r.kinked]][:TOGETHER]
    around = Around.look(tools, rays, max(tools.floor(r.name) for r in kinked))
    found = settle(tools, around, np.array([_claim(claimed, ray) for ray in rays]))
    if not found.said and not found.undecided.any():
        return list(results)
    names = {name for name, _ in rays}
    verdict = WRONG if found.said else UNDECIDED
    said = f"{', '.join(sorted(names))}: {APART} these share one gradient."
    if not found.said:
        said = f"undecided whether {', '.join(sorted(names))} fit together at their kinks."
    return [replace(r, verdict=verdict, remark=said) if r.name in names else r for r in results]


def _claim(claimed: Mapping[str, Array | None], ray: Ray) -> float:
    assert isinstance(ray, tuple)
    array = claimed[ray[0]]
    return float(array.reshape(-1)[ray[1]]) if array is not None else np.nan


def _meets_a_kink(tools: Instruments, part: Comparison) -> bool:
    """Return whether the point is at a kink, as a random direction or a wrong number shows.

    A wrong number shows that by itself to differences, which see no small kink.
    """
    worst = [part.measured.rays[int(i)] for i in _worst(part, FEW)]
    if is_kinked(tools):
        return True
    return bool(worst) and (not part.exact or show_a_kink(tools, worst, part.floor))


def _contradicted(tools: Instruments, part: Comparison) -> bool:
    """Return whether differences contradict the complex step where it calls the claim wrong."""
    for i in _worst(part, 3) if part.exact else []:
        second = tools.by_differences.slope(part.measured.rays[int(i)])
        slack = 10.0 * second.error + 1e-9 * abs(second.value)
        if abs(part.numeric[i] - second.value) > slack:
            return True
    return False


def _worst(part: Comparison, count: int) -> Array:
    doubted = np.flatnonzero(part.mismatched | ~part.known)
    off = np.nan_to_num(part.difference[doubted], nan=np.inf)
    return doubted[np.argsort(-off)[:count]]


def _remark(
    tools: Instruments, parts: Sequence[Comparison], shape: tuple[int, ...], verdict: str
) -> str:
    said = []
    unknown = sum(int((~p.known).sum()) for p in parts)
    coarse = max((p.attainable for p in parts), default=0.0)
    if unknown:
        said.append(f"the function is not finite around {unknown} entries, which stay undecided.")
    if verdict == UNDECIDED and cells.leaps(tools):
        said.append("the function itself jumps here: it has no slope.")
    said += [p.remark(shape) for p in parts]
    if coarse > COARSE:
        said.append(f"the method is good to {coarse:.0e} here and can say no more.")
    return " ".join(s for s in said if s)


def _result(
    name: str,
    shape: tuple[int, ...],
    parts: Sequence[Comparison],
    verdict: str,
    error: float,
    remark: str,
) -> ArrayResult:
    """Put together what the entries and the directions of one array gave."""
    entries = next((p for p in parts if not p.measured.is_directions), None)
    compared = entries.measured if entries else None
    nothing = np.zeros(0)
    return ArrayResult(
        name=name,
        shape=shape,
        method=parts[0].measured.method if parts else "-",
        verdict=verdict,
        checked=len(compared.rays) if compared else 0,
        directions=sum(len(p.measured.rays) for p in parts if p is not entries),
        error=error,
        attainable=max((p.attainable for p in parts), default=0.0),
        worst=entries.worst(shape) if entries else None,
        kinks=sum(int(p.at_kink.sum()) for p in parts),
        remark=remark,
        analytic=compared.analytic if compared else nothing,
        numeric=entries.numeric if entries else nothing,
        indices=compared.indices if compared else nothing.astype(int),
        kinked=entries.at_kink if entries else nothing.astype(bool),
    )
