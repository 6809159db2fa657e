"""The noise of a sampler: whether it is standard normal, fresh, and one number an entry."""

from __future__ import annotations

import math

import numpy as np

from tinyvae.losscheck.draws import Draws
from tinyvae.losscheck.report import Finding
from tinyvae.losscheck.spell import spell
from tinyvae.losscheck.terms import Array
from tinyvae.losscheck.widths import Width

# Standard deviations of the estimates that a chance finding would have to reach.
SURE = 6.0


def judge_noise(findings: list[Finding], drawn: Draws, width: Width | None) -> float:
    """Add findings on the noise; return its standard deviation (1 is right)."""
    if not drawn.noise.size:
        return 0.0
    noise = drawn.noise / _unit(drawn, width)
    if drawn.is_given:
        scale = float(np.std(noise))
        return _given(findings, scale)
    if drawn.is_frozen:
        findings.append(
            Finding(
                "frozen",
                "Two calls draw the same noise: its seed is set inside.",
                "Draw from one Generator that lives outside.",
            )
        )
    if _shared(findings, drawn.noise):
        return float(np.std(noise))
    return _moments(findings, noise, width is not None and width.words != "1")


def _unit(drawn: Draws, width: Width | None) -> float:
    """Return the standard deviation that z should have at the middle point."""
    if width is None or width.words == "1":
        return 1.0
    with np.errstate(all="ignore"):
        unit = float(np.abs(width.of(drawn.points[3:4]))[0])
    return unit if math.isfinite(unit) and unit > 0.0 else 1.0


def _given(findings: list[Finding], scale: float) -> float:
    # Our own noise went in, of a standard deviation known to 1 %; what comes out is exact.
    if abs(scale - 1.0) > 0.03:
        findings.append(_scaled(scale))
        return scale
    return 1.0


def _scaled(scale: float) -> Finding:
    return Finding(
        "noise_scale",
        f"The noise has standard deviation {spell(scale, 4e-3)}, not 1.",
        "Draw standard normal noise.",
    )


def _shared(findings: list[Finding], noise: Array) -> bool:
    rows = bool(np.allclose(noise, noise[:1], rtol=1e-5, atol=1e-12))
    columns = bool(np.allclose(noise, noise[:, :1], rtol=1e-5, atol=1e-12))
    if not rows and not columns:
        return False
    over = "all entries" if rows and columns else "the whole batch" if rows else "all dimensions"
    findings.append(
        Finding(
            "shared_noise",
            f"One draw is shared by {over}: z's entries are not independent.",
            "Draw noise of the shape of mu.",
        )
    )
    return True


def _moments(findings: list[Finding], noise: Array, known: bool) -> float:
    """Compare mean, variance and kurtosis with those of a standard normal distribution."""
    flat = noise.ravel()
    n = flat.size
    mean, scale = float(flat.mean()), float(flat.std())
    error = scale / math.sqrt(n)
    if abs(mean) > SURE * error:
        findings.append(
            Finding(
                "noise_mean",
                f"The noise has mean {mean:.3g}, not 0{_uniform(flat)}.",
                "Draw it with standard_normal (randn, not rand).",
            )
        )
        return scale
    kurtosis = float(np.mean(((flat - mean) / scale) ** 4))
    if abs(kurtosis - 3.0) > SURE * math.sqrt(24.0 / n):
        kind = "uniform" if abs(kurtosis - 1.8) < 0.1 else "no normal distribution"
        findings.append(
            Finding(
                "noise_shape",
                f"The noise is {kind}: its kurtosis is {kurtosis:.2f}, that of a normal one is 3.",
                "Draw standard normal noise.",
            )
        )
    elif known and abs(scale - 1.0) > SURE * math.sqrt(0.5 / n):
        findings.append(_scaled(scale))
    else:
        return 1.0
    return scale


def _uniform(flat: Array) -> str:
    inside = flat.min() >= 0.0 and flat.max() <= 1.0
    return ": it is uniform in (0, 1)" if inside and abs(flat.mean() - 0.5) < 0.05 else ""
