"""The two halves of a loss, named: what it does with the reconstruction, and with mu and logvar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tinyvae.losscheck import dictionary, latent, mistakes, recon
from tinyvae.losscheck.bench import BINARY, POSITIVE, REAL, UNIT, Bench, Pair, Shape
from tinyvae.losscheck.bending import bent_latent, bent_reconstruction
from tinyvae.losscheck.clamps import clamped_latent, clamped_reconstruction
from tinyvae.losscheck.fit import Fitter, Match
from tinyvae.losscheck.names import MU, RECON, SCALE, X_SCALE, X, Z

PAIRS, DRAWN_PAIRS = 48, 200
LARGE = 1000


@dataclass(frozen=True)
class Half:
    """One half of a loss.

    ``match`` is None if it is unexplained, or if nothing changes with it (``is_absent``).
    """

    name: str
    roles: tuple[str, ...]
    is_absent: bool = False
    match: Match | None = None
    residual: float = 1.0
    pairs: tuple[Pair, ...] = ()
    note: str = ""
    fed: tuple[str, ...] = ()


def reconstruction(bench: Bench, shape: Shape) -> Half:
    """Name what the loss does with x and what the decoder gave."""
    roles = (RECON, X_SCALE)
    tries = [(UNIT, UNIT), (UNIT, REAL), (BINARY, UNIT), (BINARY, REAL)]
    if bench.random:  # only far apart do formulas differ by more than the noise
        tries = [(UNIT, REAL), (UNIT, UNIT), (BINARY, REAL), (BINARY, UNIT)]
    callable_with = {X: bench.domains[X], RECON: bench.domains[RECON]}
    first = None
    for x_domain, domain in tries:
        bench.domains |= {X: x_domain, RECON: domain}
        if not bench.finite(shape):
            continue
        bends = first is None or x_domain == first[1]  # the slow search, on one kind of x
        half = _name_reconstruction(bench, shape, roles, bends)
        if half.is_absent or (half.match and half.match.is_exact):
            note = "It was judged on x of 0 and 1 only." if x_domain == BINARY else ""
            return replace(_confirmed(bench, shape, half), note=note)
        if first is None or (half.match and not first[0].match):
            first = (half, x_domain, domain)
    if first is None:
        bench.domains |= callable_with
        return Half("reconstruction", roles)
    bench.domains |= {X: first[1], RECON: first[2]}
    return first[0]


def _confirmed(bench: Bench, shape: Shape, half: Half) -> Half:
    """Name the half again on a reconstruction outside (0, 1), where its reading allows that.

    Formulas such as Huber's part from others only there.
    """
    if half.match is None or bench.domains[RECON] == REAL or bench.random:
        return half
    if half.match.hypothesis.reading not in ("mean", "logits"):
        return half
    bench.domains[RECON] = REAL
    if bench.finite(shape):
        wider = _name_reconstruction(bench, shape, half.roles, True)
        if wider.match and wider.match.is_exact:
            return wider
    bench.domains[RECON] = UNIT
    return half


def _name_reconstruction(bench: Bench, shape: Shape, roles: tuple[str, ...], bends: bool) -> Half:
    fitter = _measure(bench, shape, roles)
    if fitter.is_flat:
        return Half("reconstruction", roles, True, pairs=tuple(fitter.pairs))
    if X_SCALE in bench.roles:
        names = recon.with_width()
    else:
        names = [*recon.likelihoods(), *mistakes.mistakes()]
    match = fitter.best(names)
    if bends and not bench.random and (match is None or not match.is_exact):
        name = bench.name_of(RECON)
        match = bent_reconstruction(fitter) or clamped_reconstruction(fitter, name) or match
    if match is None and X_SCALE not in bench.roles:
        terms = (
            dictionary.of_reconstruction()
            if bench.domains[RECON] == UNIT
            else dictionary.of_logits()
        )
        match = fitter.pieces(terms)
    return _half("reconstruction", roles, fitter, match)


def kl(bench: Bench, shape: Shape) -> Half:
    """Name what the loss does with mu and the third argument (and z, where it takes one)."""
    roles = (MU, SCALE, Z)
    fitter = _measure(bench, shape, roles)
    if fitter.is_flat:
        return Half("kl", roles, True, pairs=tuple(fitter.pairs))
    sampled = Z in bench.roles
    names = [*(latent.samples() if sampled else []), *latent.closed_forms()]
    match = fitter.best([*names, *(latent.estimates_gone_wrong() if bench.random else [])])
    if not bench.random and (match is None or not match.is_exact):
        called = {role: bench.name_of(role) for role in (MU, SCALE)}
        match = bent_latent(fitter) or clamped_latent(fitter, called) or match
    if match is None:
        positive = bench.domains[SCALE] == POSITIVE
        match = fitter.pieces(dictionary.of_latent(positive, sampled))
    return _half("kl", roles, fitter, match)


def _measure(bench: Bench, shape: Shape, roles: Sequence[str]) -> Fitter:
    n = DRAWN_PAIRS if bench.random else PAIRS if shape.input_dim < LARGE else PAIRS // 2
    if bench.random:
        bench.measure_spread(shape)
    return Fitter(bench, bench.pairs(shape, roles, n))


def _half(name: str, roles: tuple[str, ...], fitter: Fitter, match: Match | None) -> Half:
    residual = match.residual if match else 1.0
    fed = tuple(r for r in roles if r in fitter.first)
    return Half(name, roles, False, match, residual, tuple(fitter.pairs), fed=fed)
