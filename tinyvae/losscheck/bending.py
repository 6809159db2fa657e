"""Formulas with one number of their own: epsilons in logarithms, free bits, capacities.

The number is found by a search on what is left, and kept only if then nothing is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from tinyvae.losscheck.fit import Fitter, Match, named
from tinyvae.losscheck.hypotheses import Hypothesis
from tinyvae.losscheck.latent import KL
from tinyvae.losscheck.mistakes import mistakes
from tinyvae.losscheck.recon import NLL
from tinyvae.losscheck.searching import golden, left
from tinyvae.losscheck.spell import spell
from tinyvae.losscheck.terms import READINGS, Array, Arrays, Reading, Term, entrywise
from tinyvae.ops.reference import sigmoid

# From here on an epsilon changes what is learned, not only what would be infinite.
HARMFUL = 1e-4
# A formula whose number is off by half a step of the grid leaves less than this share.
NEAR = 0.2
_EPSILONS = tuple(10.0**k for k in range(-13, 0))
_NATS = tuple(float(v) for v in np.geomspace(0.01, 60.0, 40))


@dataclass(frozen=True)
class Bend:
    """A formula with a number to be found: the hypothesis as a function of it, and where to look.

    ``words`` has room for the number, and for a hundred times the number; so has ``shown``.
    """

    code: str
    words: str
    at: Callable[[float], Hypothesis]
    grid: tuple[float, ...]
    always_harms: bool = False
    shown: str = ""


def search(fitter: Fitter, bends: Iterable[Bend]) -> Match | None:
    """Return the first bend that leaves nothing, its number found, or None."""
    for bend in bends:
        found = _search_one(fitter, bend)
        if found:
            number, match = found
            spelled = (spell(number, 1e-4), spell(100.0 * number, 1e-4))
            said, shown = bend.words.format(*spelled), bend.shown.format(*spelled)
            harms = bend.always_harms or number >= HARMFUL
            return named(match, bend=bend.code, bend_words=said, bend_harms=harms, shown=shown)
    return None


def _search_one(fitter: Fitter, bend: Bend) -> tuple[float, Match] | None:
    errors = [left(fitter, bend.at(number)) for number in bend.grid]
    best = int(np.argmin(errors))
    if not errors[best] < NEAR * fitter.size:
        return None
    lowest = bend.grid[max(best - 1, 0)]
    highest = bend.grid[min(best + 1, len(bend.grid) - 1)]
    ends = (float(np.log(lowest)), float(np.log(highest)))
    number = float(np.exp(golden(lambda v: left(fitter, bend.at(float(np.exp(v)))), *ends)))
    rounded = [float(f"{number:.{digits}g}") for digits in (1, 2, 3)]
    for candidate in (*rounded, number):
        match = fitter.try_one(bend.at(candidate))
        if match and match.is_exact:
            return candidate, match
    return None


def _bernoulli(reading: str, formula: Callable[..., Array]) -> Hypothesis:
    return Hypothesis(
        "bernoulli", (entrywise(NLL, formula, "x", "recon"),), True, reading, "bernoulli"
    )


def _log_plus_p(e: float) -> Hypothesis:
    return _bernoulli(
        "probability", lambda x, p: -x * np.log(p + e) - (1.0 - x) * np.log(1.0 - p + e)
    )


def _log_plus_logits(e: float) -> Hypothesis:
    return _bernoulli(
        "logits",
        lambda x, a: -x * np.log(sigmoid(a) + e) - (1.0 - x) * np.log(sigmoid(-a) + e),
    )


def _swapped(e: float) -> Hypothesis:
    def formula(x: Array, p: Array) -> Array:
        return np.asarray(-p * np.log(x + e) - (1.0 - p) * np.log(1.0 - x + e))

    plain = next(h for h in mistakes() if h.code == "swapped")
    return replace(plain, terms=(entrywise(NLL, formula, "x", "recon"),))


def bent_reconstruction(fitter: Fitter) -> Match | None:
    """Look for an epsilon in a reconstruction of one argument beside x."""
    inside = (
        "An epsilon of {0} stands inside the logarithms: it bites where a probability is below "
        "about {1}."
    )
    if "x_scale" in fitter.pairs[0].first:
        return None
    return search(
        fitter,
        [
            Bend("epsilon", inside, _log_plus_p, _EPSILONS),
            Bend("epsilon", inside, _log_plus_logits, _EPSILONS),
            Bend("epsilon", inside, _swapped, _EPSILONS),
        ],
    )


def bent_latent(fitter: Fitter) -> Match | None:
    """Look for an epsilon in the KL's logarithm, for free bits, and for a capacity."""
    if not {"mu", "scale"} <= fitter.pairs[0].first.keys():
        return None
    return search(fitter, [*_epsilons(), *_thresholds(fitter)])


def _epsilons() -> list[Bend]:
    inside = (
        "An epsilon of {0} stands inside the KL's "
        "logarithm: it bites where that is below about {1}."
    )
    forms: list[tuple[str, Callable[..., Array]]] = [
        ("variance", lambda m, s, e: 0.5 * (m * m + s - np.log(s + e) - 1.0)),
        ("sigma", lambda m, s, e: 0.5 * (m * m + s * s - np.log(s * s + e) - 1.0)),
        ("sigma", lambda m, s, e: 0.5 * (m * m + s * s - 2.0 * np.log(s + e) - 1.0)),
        ("logvar", lambda m, s, e: 0.5 * (m * m + np.exp(s) - np.log(np.exp(s) + e) - 1.0)),
        (
            "log_sigma",
            lambda m, s, e: 0.5 * (m * m + np.exp(2 * s) - np.log(np.exp(2 * s) + e) - 1),
        ),
    ]

    def bend(reading: str, formula: Callable[..., Array]) -> Bend:
        def at(e: float) -> Hypothesis:
            term = entrywise(KL, lambda m, s: formula(m, s, e), "mu", "scale")
            return Hypothesis("kl", (term,), True, reading, "kl")

        return Bend("epsilon", inside, at, _EPSILONS)

    return [bend(reading, formula) for reading, formula in forms]


# Each from KLs (calls, batch, latent_dim) and a threshold to (calls,).
_CUTS: dict[str, tuple[str, Callable[[Array, float], Array]]] = {
    "over the batch and z": (
        "free_bits",
        lambda kl, t: np.maximum(kl.sum(2).mean(1), t),
    ),
    "per example": ("free_bits", lambda kl, t: np.maximum(kl.sum(2), t).mean(1)),
    "per dimension, of the batch's mean": (
        "free_bits",
        lambda kl, t: np.maximum(kl.mean(1), t).sum(1),
    ),
    "per example and dimension": ("free_bits", lambda kl, t: np.maximum(kl, t).sum(2).mean(1)),
    "of the batch's mean": ("capacity", lambda kl, t: np.abs(kl.sum(2).mean(1) - t)),
    "of each example": ("capacity", lambda kl, t: np.abs(kl.sum(2) - t).mean(1)),
}


def _thresholds(fitter: Fitter) -> list[Bend]:
    free = "Free bits: the KL counts only above {0} nats, "
    capacity = "A capacity: the KL's distance from {0} nats is punished, "
    found = []
    for r in READINGS.values():
        with np.errstate(all="ignore"):
            usable = all(np.isfinite(r.log_variance(p.first["scale"])).all() for p in fitter.pairs)
        if not usable or r.name not in ("logvar", "log_sigma", "sigma", "variance"):
            continue
        for where, (code, cut) in _CUTS.items():
            words = (free if code == "free_bits" else capacity) + where + "; that is no bound."
            at = _cut_at(r, cut, where)
            shown = "max(kl, {0})" if code == "free_bits" else "|kl - {0}|"
            found.append(Bend(code, words, at, _NATS, always_harms=True, shown=shown))
    return found


def _cut_at(
    r: Reading, cut: Callable[[Array, float], Array], where: str
) -> Callable[[float], Hypothesis]:
    def table(arrays: Arrays) -> Array:
        m, s = arrays["mu"], arrays["scale"]
        return np.asarray(0.5 * (m * m + r.variance(s) - r.log_variance(s) - 1.0))

    def at(threshold: float) -> Hypothesis:
        term = Term(KL, mixed=lambda arrays: cut(table(arrays), threshold))
        return Hypothesis("kl", (term,), True, r.name, f"kl, {where}")

    return at
