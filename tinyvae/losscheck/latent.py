"""What the KL may be: the right one for each reading of the third argument, and its mistakes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinyvae.losscheck.hypotheses import Hypothesis
from tinyvae.losscheck.spell import spell
from tinyvae.losscheck.terms import (
    READINGS,
    Array,
    Reading,
    Term,
    entrywise,
    log_variance_of,
    variance_of,
)

KL = "kl"


def kl_term(r: Reading) -> Term:
    """Return KL(N(mu, variance), N(0, I)), the third argument read so."""
    return entrywise(
        KL, lambda m, s: 0.5 * (m * m + r.variance(s) - r.log_variance(s) - 1.0), "mu", "scale"
    )


def _reversed_kl(r: Reading) -> Term:
    return entrywise(
        "reverse_kl",
        lambda m, s: 0.5 * ((m * m + 1.0) / r.variance(s) + r.log_variance(s) - 1.0),
        "mu",
        "scale",
    )


def _sample_kl(r: Reading) -> Term:
    return entrywise(
        KL,
        lambda m, s, z: 0.5 * (z * z - (z - m) ** 2 / r.variance(s) - r.log_variance(s)),
        "mu",
        "scale",
        "z",
    )


def closed_forms() -> list[Hypothesis]:
    """Return the KL for each reading, the other way round, and its pieces with free weights."""
    readings = READINGS.values()
    found = [Hypothesis("kl", (kl_term(r),), True, r.name, f"KL, {r.words}") for r in readings]
    found += [
        Hypothesis(
            "kl_reversed",
            (_reversed_kl(r),),
            False,
            r.name,
            "The KL is taken the other way round: KL(N(0, I), q) for KL(q, N(0, I)).",
            "Swap the two distributions.",
        )
        for r in readings
    ]
    return found + [_pieces(r) for r in readings] + _half_read() + _mixed_up()


def samples() -> list[Hypothesis]:
    """Return the KL as log q(z) - log p(z) at a sample, for each reading, and its pieces."""
    found = [
        Hypothesis("kl", (_sample_kl(r),), True, r.name, f"KL at a sample of z, {r.words}")
        for r in READINGS.values()
    ]
    for r in READINGS.values():
        prior = entrywise("z^2", lambda z: z * z, "z")
        inside = entrywise(
            f"(z - mu)^2/({r.variance_words.format('s')})",
            lambda m, s, z, r=r: (z - m) ** 2 / r.variance(s),
            "mu",
            "scale",
            "z",
        )
        terms = (prior, inside, log_variance_of(r))
        found.append(Hypothesis("kl_pieces", terms, False, r.name, explain=_explain_sample))
    return found


def _pieces(r: Reading) -> Hypothesis:
    square = entrywise("mu^2", lambda m: m * m, "mu")
    variance, width = variance_of(r), log_variance_of(r)
    return Hypothesis(
        "kl_pieces",
        (square, variance, width),
        False,
        r.name,
        mend=f"Write (mu^2 + {variance.name} - {width.name} - 1)/2, summed over z.",
        explain=lambda weights: _explain_pieces(weights, r),
    )


def _explain_pieces(weights: tuple[float, ...], r: Reading) -> str:
    """Say which of the three pieces mu^2, variance, log variance has the wrong weight."""
    names = ("mu^2", r.variance_words.format("s"), r.log_variance_words.format("s"))
    there = [(w, n) for w, n in zip(weights, names, strict=True) if w]
    said = ", ".join(f"{spell(w)} {n}" for w, n in there)
    lost = [n for w, n in zip(weights, names, strict=True) if not w]
    square, variance, width = weights
    if lost:
        terms = "terms" if len(lost) > 1 else "term"
        return f"The KL lacks its {' and '.join(lost)} {terms}: it is {said}."
    if np.isclose(square, variance) and np.isclose(width, square):
        return f"The sign of {names[2]} is wrong in the KL: it is {said}."
    if np.isclose(square, -variance) and np.isclose(width, variance):
        return f"The signs of {names[1]} and {names[2]} are wrong in the KL: it is {said}."
    if np.isclose(-square, variance) and np.isclose(width, -variance):
        return f"The sign of mu^2 is wrong in the KL: it is {said}."
    if np.isclose(square, variance) and width < 0.0 < square:
        ratio = -width / square
        return (
            f"The KL is {said}: that is the KL to N(0, {spell(ratio)} I) times "
            f"{spell(-2 * width)}, not to N(0, I)."
        )
    return f"The KL is {said}; the weights should be 1/2, 1/2 and -1/2, up to a common factor."


def estimates_gone_wrong() -> list[Hypothesis]:
    """Return what a sampled KL is on average where z is drawn with the variance as its std."""
    r = READINGS["logvar"]

    def formula(m: Array, s: Array) -> Array:
        return np.asarray(0.5 * (m * m + np.exp(2.0 * s) - np.exp(s) - s))

    return [
        Hypothesis(
            "variance_for_std",
            (entrywise("kl of another sample", formula, "mu", "scale"),),
            words="On average it is log q(z) - log p(z) at z = mu + exp(logvar) * noise, drawn "
            "with the variance where the standard deviation belongs, if the third argument is "
            f"{r.words}.",
            mend="Draw z = mu + exp(logvar/2) * noise.",
        )
    ]


def _explain_sample(weights: tuple[float, ...]) -> str:
    prior, inside, width = (spell(w) for w in weights)
    return (
        f"log q(z) - log p(z) is {prior} z^2, {inside} (z - mu)^2/variance, {width} log variance; "
        "the weights should be 1/2, -1/2 and -1/2, up to a common factor."
    )


def _half_read() -> list[Hypothesis]:
    """Return KLs that read the third argument in one way here and in another there."""
    square = entrywise("mu^2", lambda m: m * m, "mu")
    found = []
    for power, name in ((0.5, "exp(s/2)"), (1.0, "exp(s)"), (2.0, "exp(2 s)"), (4.0, "exp(4 s)")):
        grows = entrywise(name, lambda s, k=power: np.exp(k * s), "scale")
        width = entrywise("s", lambda s: s, "scale")
        found.append(
            Hypothesis(
                "std_for_variance" if power == 0.5 else "kl_pieces",
                (square, grows, width),
                False,
                "",
                mend="Write (mu^2 + exp(logvar) - logvar - 1)/2, logvar the log of the variance.",
                explain=_half_read_as(name),
            )
        )
    for name, formula in (("s", lambda s: s), ("s^2", lambda s: s * s)):
        grows = entrywise(name, formula, "scale")
        width = entrywise("log(s)", np.log, "scale")
        found.append(
            Hypothesis(
                "kl_pieces",
                (square, grows, width),
                False,
                "",
                mend="Write (mu^2 + s^2 - log(s^2) - 1)/2 with s the standard deviation.",
                explain=_half_read_as(name, "log(s)"),
            )
        )
    return found


def _half_read_as(grows: str, width: str = "s") -> Callable[[tuple[float, ...]], str]:
    what = "no reading of s makes this the KL to N(0, I)"
    if grows == "exp(s/2)":
        what = (
            "with s the log of the variance the standard deviation exp(s/2) stands where the "
            "variance belongs"
        )

    def explain(weights: tuple[float, ...]) -> str:
        a, b, c = (spell(w) for w in weights)
        return f"The KL is {a} mu^2, {b} {grows}, {c} {width}: {what}."

    return explain


def _mixed_up() -> list[Hypothesis]:
    linear = entrywise("mu", lambda m: m, "mu")
    variance = entrywise("exp(s)", np.exp, "scale")
    width = entrywise("s", lambda s: s, "scale")
    return [
        Hypothesis(
            "kl_pieces",
            (linear, variance, width),
            words="mu stands in the KL without its square.",
            mend="Write (mu^2 + exp(logvar) - logvar - 1)/2.",
        ),
        Hypothesis(
            "kl_pieces",
            (
                entrywise("s^2", lambda s: s * s, "scale"),
                entrywise("exp(mu)", np.exp, "mu"),
                entrywise("mu", lambda m: m, "mu"),
            ),
            words="mu and logvar have changed places in the KL.",
            mend="Swap the two arguments.",
        ),
    ]
