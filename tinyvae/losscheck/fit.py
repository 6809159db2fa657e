"""Least squares on terms: which hypothesis explains the measurements, and with which weights."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinyvae.losscheck.bench import Bench, Pair
from tinyvae.losscheck.hypotheses import Hypothesis
from tinyvae.losscheck.terms import Array, Arrays, Term

# What leaves this share of the values or less, but more than rounding, is an approximation.
COARSE = 3e-6


@dataclass(frozen=True)
class Match:
    """A hypothesis, the weights of its terms, and what it leaves.

    ``residual`` is the root mean square left, over that of the differences; ``errors`` are the
    relative errors of the weights; ``is_exact`` says whether only the precision is left.
    """

    hypothesis: Hypothesis
    weights: tuple[float, ...]
    errors: tuple[float, ...]
    residual: float
    is_exact: bool = True


@dataclass(frozen=True)
class Free:
    """Weights, their relative errors, the root mean square left, and what each pair leaves."""

    weights: tuple[float, ...]
    errors: tuple[float, ...]
    left: float
    leaves: Array


def stacked(pairs: Sequence[Pair], equal_rows: bool) -> tuple[Arrays, Arrays]:
    """Return the arrays of all first and of all second calls, (pairs, batch, ...).

    Where rows are equal, one of them is enough.
    """
    names, rows = pairs[0].first, slice(0, 1 if equal_rows else None)
    first = {n: np.stack([p.first[n][rows] for p in pairs]) for n in names}
    return first, {n: np.stack([p.second[n][rows] for p in pairs]) for n in names}


def differences(pairs: Sequence[Pair]) -> Array:
    """Return what the function does between the two calls of each pair."""
    return np.array([p.difference for p in pairs])


def solve(table: Array, y: Array, room: float) -> tuple[Array, Array, float]:
    """Return weights, their standard errors, and the root mean square left.

    The errors follow from ``room``, the precision of y, not from what is left.
    """
    size = np.sqrt((table**2).mean(axis=0))
    size[size == 0.0] = 1.0
    scaled = table / size
    weights, *_ = np.linalg.lstsq(scaled, y, rcond=1e-13)
    left = y - scaled @ weights
    spread = np.linalg.pinv(scaled.T @ scaled, rcond=1e-14).diagonal()
    errors = room * np.sqrt(np.maximum(spread, 0.0)) / size
    return weights / size, errors, float(np.sqrt(np.mean(left**2)))


class Fitter:
    """Tries hypotheses on pairs that were measured once."""

    def __init__(self, bench: Bench, pairs: Sequence[Pair]) -> None:
        finite = [p for p in pairs if np.isfinite(p.difference)]
        pairs = finite if len(finite) > len(pairs) // 2 else pairs
        self.pairs = pairs
        self.first, self.second = stacked(pairs, bench.random)
        self.y = differences(pairs)
        self.size = float(np.sqrt(np.mean(self.y**2)))
        self.room = bench.tolerance(pairs)
        self.random = bench.random
        # Of noise the size is known to some percent; of rounding, only roughly.
        self.allowed = self.room * (1.3 if bench.random else 40.0)

    def columns(self, terms: Iterable[Term]) -> Array:
        """Return what each term does between the two calls of each pair, (pairs, terms)."""
        with np.errstate(all="ignore"):
            found = [t.values(self.first) - t.values(self.second) for t in terms]
            return np.stack(found, axis=1)

    def few(self, n: int) -> Fitter:
        """Return the same with the first pairs only, for what is tried often."""
        found = copy.copy(self)
        found.pairs, found.y = self.pairs[:n], self.y[:n]
        found.first = {name: a[:n] for name, a in self.first.items()}
        found.second = {name: a[:n] for name, a in self.second.items()}
        found.size = float(np.sqrt(np.mean(found.y**2)))
        return found

    @property
    def is_flat(self) -> bool:
        """Whether nothing changes between the calls but the noise."""
        return self.size <= self.allowed

    def free(self, hypothesis: Hypothesis) -> Free:
        """Return the least-squares weights, however much they leave."""
        table = self.columns(hypothesis.terms)
        weights, errors, left = solve(table, self.y, self.room)
        if self.random:
            errors = _errors_of_noise(table, self.y - table @ weights)
        kept = _without_dust(weights, errors, table, self.size)
        relative = tuple(float(e / abs(w)) if w else 0.0 for e, w in zip(errors, kept, strict=True))
        return Free(tuple(map(float, kept)), relative, left, self.y - table @ weights)

    def try_one(self, hypothesis: Hypothesis) -> Match | None:
        """Return the match, exact or coarse; None if it is neither."""
        table = self.columns(hypothesis.terms)
        if not np.isfinite(table).all() or not table.any(axis=0).all():
            return None
        weights, errors, left = solve(table, self.y, self.room)
        coarse = max(self.allowed, COARSE * self.size)
        if not left <= coarse:
            return None
        kept = _without_dust(weights, errors, table, self.size)
        relative = tuple(float(e / abs(w)) if w else 0.0 for e, w in zip(errors, kept, strict=True))
        exact = left <= self.allowed
        return Match(hypothesis, tuple(map(float, kept)), relative, left / self.size, exact)

    def best(self, hypotheses: Iterable[Hypothesis]) -> Match | None:
        """Return the exact match with the fewest terms, else the nearest coarse one."""
        found = [m for m in map(self.try_one, hypotheses) if m]
        exact = [m for m in found if m.is_exact]
        if self.random:
            return self._likeliest(exact)
        if exact:
            return min(exact, key=lambda m: len(m.hypothesis.terms))
        return min(found, key=lambda m: m.residual, default=None)

    def _likeliest(self, found: list[Match]) -> Match | None:
        """Return the match that noise speaks for, or None if it leaves several.

        The sums of squares left, in units of the noise, differ by twice the log of the
        likelihoods' ratio: a term more has to earn 12, and 9 decide between equals.
        """

        def cost(match: Match) -> float:
            squares = len(self.y) * (match.residual * self.size / self.room) ** 2
            return squares + 12.0 * len(match.hypothesis.terms)

        ranked = sorted(found, key=cost)
        if not ranked:
            return None
        first = ranked[0].hypothesis
        for other in ranked[1:]:
            same = (other.hypothesis.code, other.hypothesis.reading) == (first.code, first.reading)
            nested = len(other.hypothesis.terms) > len(first.terms)
            if not same and not nested and cost(other) < cost(ranked[0]) + 9.0:
                return None
        return ranked[0]

    def pieces(self, dictionary: Sequence[Term]) -> Match | None:
        """Return the few terms of a dictionary that explain everything to rounding, or None."""
        table = self.columns(dictionary)
        usable = np.asarray(np.isfinite(table).all(axis=0) & table.any(axis=0))
        terms = [t for t, ok in zip(dictionary, usable, strict=True) if ok]
        if self.random or not terms or len(terms) + 4 > len(self.y):
            return None
        weights, _, left = solve(table[:, usable], self.y, self.room)
        if left > self.allowed:
            return None
        share = np.abs(weights) * np.sqrt((table[:, usable] ** 2).mean(axis=0)) / self.size
        kept = [t for t, s in zip(terms, share, strict=True) if s > 1e-5]
        match = self.try_one(Hypothesis("pieces", tuple(kept)))
        return match if match and match.is_exact and len(kept) <= 8 else None


def _errors_of_noise(table: Array, left: Array) -> Array:
    """Return standard errors of least-squares weights from what each equation leaves.

    The noise may differ from equation to equation (White 1980, with MacKinnon and White's
    correction of 1985 for the leverage of each).
    """
    inverse = np.linalg.pinv(table.T @ table)
    leverage = np.einsum("ij,jk,ik->i", table, inverse, table)
    score = table * (left / np.maximum(1.0 - leverage, 0.1))[:, None]
    return np.asarray(np.sqrt(np.diag(inverse @ (score.T @ score) @ inverse)))


def _without_dust(weights: Array, errors: Array, table: Array, size: float) -> Array:
    """Return the weights with those that are zero to their precision set to zero."""
    share = np.abs(weights) * np.sqrt((table**2).mean(axis=0)) / size
    dust = (np.abs(weights) <= 6.0 * errors) | (share < 1e-9)
    return np.where(dust, 0.0, weights)


def named(match: Match, **changes: object) -> Match:
    """Return the match with another hypothesis' fields."""
    return replace(match, hypothesis=replace(match.hypothesis, **changes))  # type: ignore[arg-type]
