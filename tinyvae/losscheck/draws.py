"""A sampler on the bench: what it adds to mu, measured exactly where its noise can be repeated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinyvae.errors import NonFiniteDataError, UsageError
from tinyvae.losscheck import returned
from tinyvae.losscheck.bench import POSITIVE, REAL
from tinyvae.losscheck.call import Function
from tinyvae.losscheck.failures import CallFailed
from tinyvae.losscheck.names import MU, NOISE, SCALE
from tinyvae.losscheck.seeds import seeded
from tinyvae.losscheck.terms import Array

ROWS, COLUMNS = 6000, 7
POINTS = (-1.5, -0.9, -0.4, 0.1, 0.3, 0.8, 1.3)
POSITIVE_POINTS = (0.4, 0.6, 0.8, 1.0, 1.3, 1.7, 2.1)
# Where the third argument is tried, by what its name claims.
DOMAINS = {"sigma": (POSITIVE,), "variance": (POSITIVE,), "precision": (POSITIVE,)}
EITHER = (REAL, POSITIVE)


@dataclass(frozen=True)
class Draws:
    """What a sampler does.

    Attributes
    ----------
    points : array
        Values of the third argument, one a column.
    widths : array
        Standard deviation of z at each, up to the common factor ``noise.std()``.
    error : float
        Relative error of the widths.
    slope : float
        By how much z moves with mu, whatever the width; NaN if not in one straight line.
    noise : array, shape (rows, columns)
        z at mu = 0 and the middle point: what was drawn, times the width there; empty if nothing
        was drawn.
    is_exact, is_frozen, is_given, single, times_mu
        Whether the noise could be repeated; whether it is the same at every call; whether it is
        an argument; whether z came in float32; whether the noise vanishes with mu.
    """

    points: Array
    widths: Array
    error: float
    slope: float
    noise: Array
    is_exact: bool
    is_frozen: bool
    is_given: bool
    single: bool
    times_mu: bool = False


class Sampler:
    """Calls a sampler with arrays of mu and the third argument, the same noise each time or not."""

    def __init__(self, function: Function, seed: int) -> None:
        self.function, self.seed = function, seed
        self.given = np.random.default_rng([seed, 17]).standard_normal((ROWS, COLUMNS))
        self.single = False

    def __call__(self, mu: Array, scale: Array, repeat: bool) -> Array:
        """Return z, (rows, columns), in float64."""
        arrays = {MU: mu, SCALE: scale, NOISE: self.given[: len(mu)]}
        if repeat:
            self.function.rng = np.random.default_rng([self.seed, 18])
            with seeded(self.seed + 1):
                output = self.function(arrays)
        else:
            output = self.function(arrays)
        return self._pick(output, mu, scale)

    def _pick(self, output: Any, mu: Array, scale: Array) -> Array:
        """Return the one of several values that is no copy of an argument."""
        values = output if isinstance(output, tuple | list) else [output]
        arrays = [returned.numbers(v) for v in values]
        fresh = [
            i
            for i, a in enumerate(arrays)
            if a.shape == mu.shape and not np.array_equal(a, mu) and not np.array_equal(a, scale)
        ]
        at = fresh[0] if fresh else 0
        self.single = self.single or returned.is_single(values[at])
        array = arrays[at]
        if array.ndim == 3 and len(array) == 1:  # one sample, on an axis of its own
            array = array[0]
        if array.shape != mu.shape:
            raise UsageError(
                f"The sampler returned shape {array.shape} for mu of shape {mu.shape}; expected "
                "the same shape."
            )
        return array


def measure(sampler: Sampler, domains: tuple[str, ...]) -> Draws:
    """Measure widths, the slope in mu, and the noise.

    Raises
    ------
    UsageError
        If the sampler raises whatever it is given.
    NonFiniteDataError
        If what it draws is not finite.
    """
    points = _points(sampler, domains)
    zeros = np.zeros((ROWS, COLUMNS))
    scale = np.tile(points, (ROWS, 1))
    middle = np.full_like(scale, points[3])
    base = sampler(zeros, middle, True)
    again = sampler(zeros, middle, True)
    other = sampler(zeros, middle, False)
    given = sampler.function.has(NOISE)
    exact = bool(np.array_equal(base, again))
    frozen = bool(np.array_equal(base, other)) and not given
    moved = np.random.default_rng(19).standard_normal(zeros.shape) * 2.0
    if not base.any():  # no noise at all, or none where mu is zero
        slope = _slope(sampler(moved, scale, True), moved)
        times_mu = math.isnan(slope)
        none = np.zeros(len(points))
        single = sampler.single
        return Draws(points, none, 0.0, slope, base[:0], exact, False, given, single, times_mu)
    at_points = sampler(zeros, scale, True)
    if exact:
        widths, error = _exact_widths(at_points, base)
        slope = _slope(sampler(moved, scale, True) - at_points, moved)
    else:
        widths = at_points.std(axis=0)
        error = 1.0 / math.sqrt(ROWS)
        slope = _noisy_slope(sampler(moved, scale, False), moved)
    return Draws(points, widths, error, slope, base, exact, frozen, given, sampler.single)


def _points(sampler: Sampler, domains: tuple[str, ...]) -> Array:
    """Return values of the third argument at which the sampler gives numbers."""
    failure: CallFailed | None = None
    for domain in domains:
        points = np.array(POSITIVE_POINTS if domain == POSITIVE else POINTS)
        try:
            z = sampler(np.zeros((ROWS, COLUMNS)), np.tile(points, (ROWS, 1)), True)
        except CallFailed as error:
            failure = failure or error
            continue
        if np.isfinite(z).all():
            return points
    if failure:
        raise UsageError(
            f"{failure.title} raised {failure.said} It was fed mu and a third argument of shape "
            f"({ROWS}, {COLUMNS}). If it wants other arrays give convert=; if the roles are wrong "
            "give arguments=."
        ) from failure.cause
    raise NonFiniteDataError("The sampler gives NaN or infinity at ordinary mu and logvar.")


def _exact_widths(z: Array, base: Array) -> tuple[Array, float]:
    """Return the ratio of z to the noise at the middle point, which is one number a column."""
    solid = np.abs(base) > 0.1 * np.abs(base).std()
    ratios = [z[solid[:, j], j] / base[solid[:, j], j] for j in range(z.shape[1])]
    widths = np.array([np.median(r) if r.size else np.nan for r in ratios])
    spread = max(
        (float(np.ptp(r) / (abs(np.median(r)) + 1e-300)) for r in ratios if r.size), default=np.nan
    )
    return widths, max(spread, 1e-13)


def _slope(moved: Array, mu: Array) -> float:
    slope = float((moved * mu).sum() / (mu * mu).sum())
    left = np.abs(moved - slope * mu).max()
    return slope if left <= 1e-4 * (np.abs(moved).max() + 1e-12) else math.nan


def _noisy_slope(z: Array, mu: Array) -> float:
    slope = float((z * mu).sum() / (mu * mu).sum())
    error = float((z - slope * mu).std() / np.sqrt((mu * mu).sum()))
    return 1.0 if abs(slope - 1.0) <= 5.0 * error else slope
