"""An examination from end to end: shapes found, halves named, weights measured, a verdict."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

from tinyvae.losscheck import remarks
from tinyvae.losscheck.bench import MANY, POSITIVE, REAL, Bench, Shape
from tinyvae.losscheck.edges import look
from tinyvae.losscheck.halves import Half, kl, reconstruction
from tinyvae.losscheck.laws import Law, measure
from tinyvae.losscheck.names import MU, RECON, SCALE, X_SCALE, Z, normalize
from tinyvae.losscheck.powers import Weight
from tinyvae.losscheck.report import Report
from tinyvae.losscheck.terms import Term
from tinyvae.losscheck.verdict import Balance, Verdict, weigh
from tinyvae.losscheck.weights import probe_weights
from tinyvae.losscheck.world import World, explore


def examine(
    bench: Bench, told: Shape, *, beta: float, title: str, seed: int, began: float
) -> Report:
    """Examine a loss, a likelihood or a KL that is on the bench."""
    world = explore(bench, told, len(told.example) > 1)
    bench.measure_noise(world.base)
    if bench.random:
        world = world.larger(MANY)
    halves = _halves(bench, world.base)
    sizes = {**told.sizes, **({} if world.any_width else {"input_dim": world.base.input_dim})}
    verdict = Verdict(sizes, notes=list(world.notes))
    terms = [t for h in halves if h.match for t in h.match.hypothesis.terms]
    law = _law(bench, world, halves, terms)
    weights = _by_half(halves, law)
    for half in halves:
        remarks.on_half(verdict, bench, half, weights.get(half.name, ()))
    if law and not law.holds:
        remarks.on_interaction(verdict, law)
    _balance(verdict, halves, weights, beta, maximized(bench.function.title))
    symbols = probe_weights(bench, world.base, terms, verdict)
    _look_out(verdict, bench, world, halves, law)
    remarks.on_machinery(verdict, bench)
    return _report(verdict, bench, halves, weights, law, symbols, title, seed, began)


def _halves(bench: Bench, shape: Shape) -> list[Half]:
    found = []
    if RECON in bench.roles:
        found.append(reconstruction(bench, shape))
    if any(r in bench.roles for r in (MU, SCALE, Z)):
        found.append(kl(bench, shape))
    return found


def _law(bench: Bench, world: World, halves: Sequence[Half], terms: list[Term]) -> Law | None:
    if not terms:
        return None
    if any(h.match is None and not h.is_absent for h in halves):
        # The other half, unexplained, would drown what is known: leave it out of the draws.
        known = [r for h in halves if h.match for r in h.roles]
        return measure(bench, world.shapes, terms, _coarse(halves), known)
    return measure(bench, world.shapes, terms, _coarse(halves))


def _coarse(halves: Sequence[Half]) -> float:
    rough = [h.match.residual for h in halves if h.match and not h.match.is_exact]
    return max(rough, default=0.0)


def _by_half(halves: Sequence[Half], law: Law | None) -> dict[str, tuple[Weight, ...]]:
    found: dict[str, tuple[Weight, ...]] = {}
    start = 0
    for half in halves:
        if half.match and law:
            n = len(half.match.hypothesis.terms)
            found[half.name] = law.weights[start : start + n]
            start += n
    return found


def maximized(name: str) -> bool:
    """Say whether a function's name promises a bound or a log-likelihood, which is maximized."""
    plain = normalize(name)
    minus = ("loss", "neg", "nll", "minus", "cost", "nelbo", "error")
    plus = ("elbo", "log_p", "loglik", "log_lik", "lower_bound")
    return any(w in plain for w in plus) and not any(w in plain for w in minus)


def _balance(
    verdict: Verdict,
    halves: Sequence[Half],
    weights: dict[str, tuple[Weight, ...]],
    beta: float,
    maximized: bool,
) -> None:
    right = {h.name: h.match.hypothesis for h in halves if h.match and h.match.hypothesis.is_right}
    if len(right) == 2:
        (c,), (k,), first = weights["reconstruction"], weights["kl"], right["reconstruction"]
        c = c.times(2.0) if first.code == "optimal_sigma" else c
        weigh(verdict, Balance(c, k, first.terms[0].name, beta, maximized))
    elif len(right) == 1 and len(halves) == 1:
        (name,) = right
        remarks.on_lone_half(verdict, name, weights[name][0], maximized)


def _look_out(
    verdict: Verdict, bench: Bench, world: World, halves: Sequence[Half], law: Law | None
) -> None:
    if (
        not law
        or not law.holds
        or bench.random
        or any(h.match is None and not h.is_absent for h in halves)
    ):
        return
    readings = {h.name: h.match.hypothesis.reading for h in halves if h.match}
    if X_SCALE in bench.roles or any(h.match and h.match.hypothesis.bend for h in halves):
        readings.pop("reconstruction", None)
    terms = [t for h in halves if h.match for t in h.match.hypothesis.terms]
    values = [w.at(world.base.sizes) for w in law.weights]
    if readings.get("reconstruction") in ("logits", "mean"):
        bench.domains[RECON] = REAL
    if readings.get("kl") in ("sigma", "variance"):
        bench.domains[SCALE] = POSITIVE
    edges = look(
        bench, world.base, terms, values, readings.get("reconstruction", ""), readings.get("kl", "")
    )
    for edge in edges:
        if edge.harms:
            verdict.finds(
                "edge",
                edge.words,
                "Work from logits or log variances, or move the cut further out.",
            )
        else:
            verdict.notes.append(edge.words)


def _report(
    verdict: Verdict,
    bench: Bench,
    halves: Sequence[Half],
    weights: dict[str, tuple[Weight, ...]],
    law: Law | None,
    symbols: dict[str, str],
    title: str,
    seed: int,
    began: float,
) -> Report:
    pieces = [
        (t, w)
        for h in halves
        if h.match
        for t, w in zip(h.match.hypothesis.terms, weights.get(h.name, ()), strict=True)
    ]
    shown = {
        t.name: h.match.hypothesis.shown
        for h in halves
        if h.match
        for t in h.match.hypothesis.terms
    }
    shared = {w.power("batch") for _, w in pieces}
    if len(shared) == 1:
        pieces = [(t, w.without("batch")) for t, w in pieces]
    unknown = [h for h in halves if h.match is None and not h.is_absent]
    fed = [" and ".join(map(bench.name_of, h.fed)) for h in unknown]
    residual = max((h.residual for h in unknown), default=law.residual if law else math.nan)
    what = "loss" if RECON in bench.roles else "value"
    return report_of(
        verdict,
        bench,
        title=title,
        formula=_formula(pieces, shown, symbols, verdict, fed, what),
        coefficients={t.name: w.at(verdict.sizes) for t, w in pieces},
        readings=_readings(bench, halves),
        residual=residual,
        seed=seed,
        began=began,
    )


def report_of(verdict: Verdict, bench: Bench, *, began: float, **found: Any) -> Report:
    """Return the report of a verdict; ``found`` are its other fields."""
    return Report(
        passed=not verdict.findings,
        name=verdict.name,
        beta=verdict.beta,
        likelihood=verdict.likelihood,
        sigma=verdict.sigma,
        findings=tuple(verdict.findings),
        notes=tuple(dict.fromkeys(verdict.notes)),
        digits=-math.log10(bench.noise),
        sizes=verdict.sizes,
        calls=bench.function.calls,
        seconds=time.perf_counter() - began,
        **found,
    )


def _formula(
    pieces: list[tuple[Term, Weight]],
    shown: dict[str, str],
    symbols: dict[str, str],
    verdict: Verdict,
    fed: list[str],
    what: str,
) -> str:
    said = []
    for term, weight in pieces:
        if weight.factor == 0.0:
            continue
        number = weight.spell(verdict.sizes)
        symbol = symbols.get(term.name, "")
        number = symbol if number == "1" and symbol else f"{number} {symbol}".strip()
        said.append(f"{number} x {shown[term.name] or term.name}")
    said += [f"something unexplained of {names}" for names in fed]
    text = " + ".join(said).replace("+ -", "- ")
    return f"{what} = {text}" if text else ""


def _readings(bench: Bench, halves: Sequence[Half]) -> dict[str, str]:
    found = {}
    for half in halves:
        if half.match and half.match.hypothesis.reading:
            role = {"kl": SCALE}.get(half.name, X_SCALE if X_SCALE in bench.roles else RECON)
            slot = bench.function.slot(role)
            if slot:
                found[slot.name] = half.match.hypothesis.reading
    return found
