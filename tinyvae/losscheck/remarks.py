"""Sentences on one half at a time, on the machinery around it, and on what is unexplained.

Each function adds findings and notes to a verdict.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinyvae.losscheck import returned
from tinyvae.losscheck.bench import BINARY, Bench
from tinyvae.losscheck.halves import Half
from tinyvae.losscheck.laws import Law
from tinyvae.losscheck.names import RECON, SCALE, X_SCALE, X
from tinyvae.losscheck.powers import Weight
from tinyvae.losscheck.spell import room
from tinyvae.losscheck.terms import READINGS
from tinyvae.losscheck.verdict import Verdict
from tinyvae.losscheck.wording import describe


def on_half(verdict: Verdict, bench: Bench, half: Half, weights: Sequence[Weight]) -> None:
    """Say what one half is, or that it is missing or unexplained."""
    if half.note:
        verdict.notes.append(half.note)
    if half.is_absent:
        _missing(verdict, bench, half)
    elif half.match is None:
        _unexplained(verdict, bench, half)
    else:
        _explained(verdict, bench, half, weights)


def on_interaction(verdict: Verdict, law: Law) -> None:
    """Say that the named halves do not add up to the loss."""
    where = ""
    if law.worst and law.shape:
        first, second = law.worst.values
        where = (
            f" The worst place is a call with batch {law.shape.batch}, input_dim "
            f"{law.shape.input_dim}, latent_dim {law.shape.latent_dim}: {first:.6g} and "
            f"{second:.6g}."
        )
    verdict.finds(
        "unexplained",
        f"Each half alone is explained, but not the loss as a whole: a share of {law.residual:.1e} "
        f"is left when everything changes at once, or at another size.{where}",
    )


def on_lone_half(verdict: Verdict, name: str, weight: Weight, maximized: bool) -> None:
    """Judge a reconstruction or a KL that stands alone."""
    if weight.factor < 0.0 and not maximized:
        saw = f"The {name} has a minus sign: it is {_minus(name)}."
        verdict.finds("sign", saw, "Return minus this.")
    if name == "kl":
        _kl_alone(verdict, weight)
        return
    parts = [describe(n, weight.power(n), verdict.sizes) for n in ("input_dim", "latent_dim")]
    batch = weight.power("batch")
    said = " and ".join(
        filter(None, [*parts, describe("batch", batch, verdict.sizes) if batch else ""])
    )
    if said:
        verdict.notes.append(f"It is {said}; with that undone it is in nats per example.")
    verdict.name = verdict.name or name


def on_machinery(verdict: Verdict, bench: Bench) -> None:
    """Say what was unusual about calling the function."""
    title = bench.function.title
    if bench.layout == returned.ALL_PAIRS:
        verdict.finds(
            "broadcast",
            "It returns a table of every example with every other: (batch,) and (batch, 1) were "
            "added, and broadcasting made them a square.",
            "Bring both terms to the same shape before adding them.",
        )
    if bench.random:
        verdict.notes.append(
            f"{title} draws random numbers: two calls with the same arguments differ by "
            f"{100 * bench.noise:.2g} %. Weights are averages, good to 1 or 2 digits."
        )
    elif bench.single or bench.noise > 1e-10:
        verdict.notes.append(
            f"Its values hold {-np.log10(bench.noise):.0f} digits (float32): an epsilon or a "
            "weight below that cannot be told."
        )
    if bench.function.overwrites:
        written = ", ".join(sorted(bench.function.overwrites))
        verdict.notes.append(f"{title} writes into its argument {written}; it was given copies.")


def _kl_alone(verdict: Verdict, weight: Weight) -> None:
    """Judge a KL's own weight: a sum over z, in nats; over the batch as one likes."""
    sizes, batch = verdict.sizes, weight.power("batch")
    verdict.name = "KL" if not verdict.findings else ""
    if batch:
        verdict.notes.append(f"It is {describe('batch', batch, sizes)}.")
    rest = weight.without("batch")
    if not rest.is_power:
        verdict.finds("reduction", "Its weight depends on the sizes in no simple way.")
    elif rest.power("latent_dim"):
        said = describe("latent_dim", rest.power("latent_dim"), sizes)
        verdict.finds(
            "reduction", f"It is {said}: {rest.spell(sizes)} times the KL.", "Sum over z."
        )
    elif abs(abs(rest.factor) - 1.0) > room(rest.error):
        bits = " (bits, not nats)" if rest.spell(sizes) == "1/log 2" else ""
        verdict.finds(
            "factor",
            f"It is {rest.spell(sizes)} times the KL{bits}.",
            "Is the factor 1/2 there, once?",
        )


def _minus(name: str) -> str:
    return "the log-likelihood, which is maximized" if name == "reconstruction" else "minus the KL"


def _missing(verdict: Verdict, bench: Bench, half: Half) -> None:
    names = [s.name for s in bench.function.slots if s.role in half.roles]
    what = "KL" if half.name == "kl" else "reconstruction"
    why = (
        "nothing holds q(z given x) near the prior: this is an autoencoder with noise."
        if half.name == "kl"
        else "nothing asks the decoder to reproduce x."
    )
    verdict.finds(
        f"{half.name}_missing",
        f"The loss does not change with {' or '.join(names)}: the {what} is missing or its weight "
        f"is zero, and {why}",
        f"Add the {what}.",
    )


def _unexplained(verdict: Verdict, bench: Bench, half: Half) -> None:
    fed = " and ".join(s.name for s in bench.function.slots if s.role in half.roles)
    place = _place(bench, half)
    verdict.finds(
        "unexplained",
        f"What the loss does with {fed} is none of the formulas known here: no sum of known terms "
        f"explains it to its precision.{place}",
    )


def _place(bench: Bench, half: Half) -> str:
    """Say where the function changes most between two calls, with its arguments there."""
    if not half.pairs:
        return ""
    worst = max(
        half.pairs, key=lambda p: abs(p.difference) if np.isfinite(p.difference) else np.inf
    )
    values = ", ".join(
        f"{bench.name_of(r)}[0, 0] = {np.ravel(worst.first[r])[0]:.3g}"
        for r in half.roles
        if r in worst.first
    )
    return f" It changes most by {worst.difference:.6g}, to a call with {values}."


def _explained(verdict: Verdict, bench: Bench, half: Half, weights: Sequence[Weight]) -> None:
    assert half.match is not None
    hypothesis = half.match.hypothesis
    if half.name == "reconstruction" and hypothesis.is_right:
        verdict.likelihood = hypothesis.words
        _data(verdict, bench, hypothesis.code)
    if not hypothesis.is_right:
        numbers = tuple(
            w.at(verdict.sizes) / verdict.sizes["batch"] ** w.power("batch") for w in weights
        )
        said = hypothesis.says(numbers)
        if hypothesis.code == "pieces":
            pieces = " + ".join(
                f"{w.without('batch').spell(verdict.sizes)} {t.name}"
                for w, t in zip(weights, hypothesis.terms, strict=True)
            ).replace("+ -", "- ")
            what = "KL" if half.name == "kl" else "reconstruction"
            said = (
                f"In place of the {what} there is {pieces} (r the reconstruction, s the third "
                "argument)."
            )
        verdict.finds(hypothesis.code, said, hypothesis.mend)
    if hypothesis.bend and hypothesis.bend_harms:
        verdict.finds(hypothesis.bend, hypothesis.bend_words)
    elif hypothesis.bend:
        verdict.notes.append(hypothesis.bend_words)
    if not half.match.is_exact:
        digits = -np.log10(half.match.residual)
        verdict.notes.append(
            f"The {half.name} is what it is called to {digits:.0f} digits only: an approximation, "
            "or an epsilon somewhere."
        )
    _claim(verdict, bench, half)


def _data(verdict: Verdict, bench: Bench, code: str) -> None:
    if code == "bernoulli" and bench.domains[X] != BINARY:
        verdict.notes.append(
            "On x of 0 and 1 the cross-entropy is minus a log-likelihood. On grey values it is "
            "none: binarize x, or use the continuous Bernoulli."
        )


def _claim(verdict: Verdict, bench: Bench, half: Half) -> None:
    """Compare what the arguments' names say with what they turned out to be."""
    assert half.match is not None
    reading = half.match.hypothesis.reading
    if half.name == "kl":
        slot = bench.function.slot(SCALE)
    else:
        slot = bench.function.slot(X_SCALE) or bench.function.slot(RECON)
    if slot is None or not reading:
        return
    if slot.role != RECON and reading in READINGS:
        words = READINGS[reading].words
        if not slot.claim:
            verdict.notes.append(f"{slot.name} is read as {words}.")
        elif slot.claim != reading and half.match.hypothesis.is_right:
            verdict.finds(
                "name",
                f"{slot.name} is called {READINGS[slot.claim].words} but read as {words}.",
                f"Rename it, and see that the sampler reads it the same way; or say "
                f"arguments={{{slot.name!r}: {reading!r}}}.",
            )
    elif slot.role == RECON and slot.claim and slot.claim != reading:
        _recon_claim(verdict, slot.name, slot.claim, reading)
    elif slot.role == RECON and not slot.claim and reading in ("logits", "probability"):
        verdict.notes.append(
            f"{slot.name} is read as {'logits' if reading == 'logits' else 'a probability'}."
        )


def _recon_claim(verdict: Verdict, name: str, claim: str, reading: str) -> None:
    if claim == "probability" and reading == "logits":
        verdict.finds(
            "sigmoid_twice",
            f"{name} is called a probability but read as logits: the sigmoid would be applied "
            "twice.",
            "Hand logits over, or use the cross-entropy of probabilities.",
        )
    elif claim == "logits":
        verdict.finds(
            "name",
            f"{name} is called logits but read as a {reading}, without a sigmoid.",
            "Apply the sigmoid, or work from the logits.",
        )
