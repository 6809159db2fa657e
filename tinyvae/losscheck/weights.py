"""Parameters such as beta: which term each multiplies, and whether it is used at all."""

from __future__ import annotations

from collections.abc import Sequence

from tinyvae.losscheck.bench import Bench, Shape
from tinyvae.losscheck.failures import CallFailed
from tinyvae.losscheck.fit import Fitter
from tinyvae.losscheck.hypotheses import Hypothesis
from tinyvae.losscheck.names import X
from tinyvae.losscheck.terms import Term
from tinyvae.losscheck.verdict import Verdict


def probe_weights(
    bench: Bench, shape: Shape, terms: Sequence[Term], verdict: Verdict
) -> dict[str, str]:
    """Move each weight and see which terms follow; return the terms' symbols, by name.

    A weight that moves nothing is a finding: it is accepted and never used.
    """
    symbols: dict[str, str] = {}
    if bench.random:
        return symbols
    for name in bench.function.weights:
        slot = next(s for s in bench.function.slots if s.name == name)
        followed = _followers(bench, shape, terms, name)
        if followed is None:
            continue
        if not followed:
            verdict.finds(
                "unused",
                f"The argument {name!r} changes nothing: it is accepted and never used.",
                f"Multiply the KL by {name}.",
            )
        elif not slot.has_default:
            symbols |= dict.fromkeys(followed, name)
            verdict.notes.append(f"{name} multiplies {' and '.join(followed)}; it was 1 here.")
        else:
            verdict.notes.append(
                f"{name} multiplies {' and '.join(followed)}; it kept its default {slot.default:g}."
            )
    return symbols


def _followers(bench: Bench, shape: Shape, terms: Sequence[Term], name: str) -> list[str] | None:
    """Return the names of the terms whose weight changes with the argument; None if unknown."""
    before = bench.function.weights[name]
    moved = 2.0 * before if before else 0.37
    base = bench.draw(shape)
    other = {**base, **bench.draw(shape, [r for r in bench.roles if r != X])}
    try:
        here = bench.value(base) - bench.value(other)
        kept = _free(bench, shape, terms)
        bench.function.weights[name] = moved
        there = bench.value(base) - bench.value(other)
        after = _free(bench, shape, terms)
    except CallFailed:
        return None
    finally:
        bench.function.weights[name] = before
    size = max(abs(here), abs(there))
    if abs(here - there) <= 1e3 * bench.noise * size:
        return []
    changed = [
        t.name
        for t, a, b in zip(terms, kept, after, strict=True)
        if abs(a - b) > 1e-6 * max(abs(a), abs(b))
    ]
    return changed or None


def _free(bench: Bench, shape: Shape, terms: Sequence[Term]) -> tuple[float, ...]:
    if not terms:
        return ()
    pairs = bench.pairs(shape, [r for r in bench.roles if r != X], len(terms) + 4)
    return Fitter(bench, pairs).free(Hypothesis("all", tuple(terms))).weights
