"""The width of a sampler as a function of the third argument, named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tinyvae.losscheck.binding import Slot
from tinyvae.losscheck.draws import Draws
from tinyvae.losscheck.report import Finding
from tinyvae.losscheck.terms import READINGS, Array
from tinyvae.ops.reference import softplus


@dataclass(frozen=True)
class Width:
    """A formula for the standard deviation of z.

    ``reading`` is what the third argument must be for it to be right, a key of ``READINGS``.
    """

    words: str
    of: Callable[[Array], Array]
    reading: str = ""
    note: str = ""


WIDTHS = (
    Width("exp({0}/2)", lambda s: np.exp(0.5 * s), "logvar"),
    Width("exp({0})", np.exp, "log_sigma"),
    Width("{0}", lambda s: s, "sigma"),
    Width("sqrt({0})", np.sqrt, "variance"),
    Width("softplus({0})", softplus, "softplus_sigma"),
    Width("sqrt(softplus({0}))", lambda s: np.sqrt(softplus(s)), "softplus_variance"),
    Width("exp(-{0}/2)", lambda s: np.exp(-0.5 * s), "log_precision"),
    Width("1/sqrt({0})", lambda s: 1.0 / np.sqrt(s), "precision"),
    Width("exp(2 {0})", lambda s: np.exp(2.0 * s)),
    Width("exp({0}/4)", lambda s: np.exp(0.25 * s)),
    Width("exp(-{0})", lambda s: np.exp(-s)),
    Width("{0}^2", lambda s: s * s),
    Width("1/{0}", lambda s: 1.0 / s),
    Width("|{0}|", np.abs),
    Width("sqrt(|{0}|)", lambda s: np.sqrt(np.abs(s))),
    Width("{0}/2", lambda s: 0.5 * s),
    Width("(1 + {0})", lambda s: 1.0 + s),
    Width("(1 + exp({0}))", lambda s: 1.0 + np.exp(s)),
    Width("log({0})", np.log),
    Width("sigmoid({0})", lambda s: 1.0 / (1.0 + np.exp(-s))),
    Width("1", np.ones_like),
)
_FLOORS = (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1)


def find_width(drawn: Draws) -> Width | None:
    """Return the formula whose shape the measured widths have, or None."""
    if not drawn.noise.size or not np.isfinite(drawn.widths).all():
        return None
    allowed = _allowed(drawn)
    found = [(w, _misfit(w.of, drawn)) for w in WIDTHS]
    good = [(w, e) for w, e in found if e <= allowed]
    if good:
        return min(good, key=lambda pair: pair[1])[0] if not drawn.is_exact else good[0][0]
    return _with_floor(drawn, allowed) if drawn.is_exact else None


def _allowed(drawn: Draws) -> float:
    if not drawn.is_exact:
        return 6.0 * drawn.error
    return 1e-4 if drawn.single else max(1e-8, min(10.0 * drawn.error, 1e-5))


def _misfit(of: Callable[[Array], Array], drawn: Draws) -> float:
    """Return the largest relative difference of the widths' ratios from the formula's."""
    with np.errstate(all="ignore"):
        expected = of(drawn.points)
        if not np.isfinite(expected).all() or np.abs(expected).max() == 0.0:
            return np.inf
        came = drawn.widths
        if not drawn.is_exact:
            expected = np.abs(expected)
        pivot = 5  # where no candidate is zero
        ratio = came / came[pivot], expected / expected[pivot]
        gap = np.abs(ratio[0] - ratio[1]) / np.maximum(np.abs(ratio[1]), 1e-3)
    return float(np.max(gap)) if np.isfinite(gap).all() else np.inf


def _with_floor(drawn: Draws, allowed: float) -> Width | None:
    """Look for an epsilon added to the standard deviation or to the variance."""
    for base in WIDTHS[:6]:
        for e in _FLOORS:
            for words, of in (
                (f"({base.words} + {e:g})", lambda s, b=base, e=e: b.of(s) + e),
                (f"sqrt({base.words}^2 + {e:g})", lambda s, b=base, e=e: np.sqrt(b.of(s) ** 2 + e)),
            ):
                if _misfit(of, drawn) <= min(allowed, 1e-2 * e):
                    return Width(
                        words, of, base.reading, f"A floor of {e:g} is added to the width."
                    )
    return None


def judge_width(
    findings: list[Finding], notes: list[str], drawn: Draws, width: Width | None, slot: Slot
) -> None:
    """Compare the width with what the third argument's name says."""
    claim = READINGS.get(slot.claim)
    right = next((w for w in WIDTHS if w.reading == slot.claim), None) if claim else None
    mend = f"Write mu + {right.words.format(slot.name)} * noise." if right else ""
    if width is not None and width.note:
        notes.append(width.note)
    if drawn.times_mu or not drawn.noise.size:
        findings.append(_without_noise(drawn))
    elif width is None or width.words == "1":
        findings.append(_without_width(drawn, width, slot, mend))
    elif not width.reading and claim is None:
        saw = (
            f"The width is {width.words.format(slot.name)}: a standard deviation for no usual "
            f"reading of {slot.name}."
        )
        findings.append(Finding("width", saw))
    elif claim is None:
        notes.append(f"{slot.name} is read as {READINGS[width.reading].words}.")
    elif width.reading != slot.claim:
        findings.append(_misread(drawn, width, slot, mend))


def _without_noise(drawn: Draws) -> Finding:
    if drawn.times_mu:
        saw = "The noise vanishes where mu is 0: it multiplies mu."
        return Finding("noise_times_mu", saw, "Add it to mu.")
    mend = "Add noise times the standard deviation (is the module in eval mode?)."
    return Finding("no_noise", "z is not random: no noise is added to mu.", mend)


def _without_width(drawn: Draws, width: Width | None, slot: Slot, mend: str) -> Finding:
    if width is not None:
        saw = f"The noise is not multiplied by a width: {slot.name} changes nothing."
        return Finding("width_missing", saw, mend)
    said = ", ".join(
        f"{w:.3g} at {p:g}" for w, p in zip(np.abs(drawn.widths), drawn.points, strict=True)
    )
    saw = (
        f"The width of z is no known function of {slot.name}: relative to its middle it is {said}."
    )
    return Finding("unexplained", saw, mend)


def _misread(drawn: Draws, width: Width, slot: Slot, mend: str) -> Finding:
    claim = READINGS[slot.claim]
    with np.errstate(all="ignore"):
        variance = claim.variance(drawn.points)
        is_variance = bool(np.allclose(width.of(drawn.points), variance, rtol=1e-6))
    size = width.words.format(slot.name)
    if is_variance:
        saw = (
            f"The noise is multiplied by {size}, the variance, where the standard deviation "
            "belongs."
        )
        return Finding("variance_for_std", saw, mend)
    if size == slot.name:
        saw = (
            f"The noise is multiplied by {slot.name} itself, {claim.words}, as if it were the "
            "standard deviation."
        )
        return Finding("log_for_std", saw, mend)
    reading = READINGS.get(width.reading)
    as_if = f": as if {slot.name} were {reading.words}" if reading else ""
    saw = f"The noise is multiplied by {size}{as_if}; by its name {slot.name} is {claim.words}."
    return Finding("name" if reading else "width", saw, mend)
