"""The weights of a loss's terms at several shapes, and the law of sizes they follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinyvae.losscheck.bench import Bench, Pair, Shape
from tinyvae.losscheck.failures import CallFailed
from tinyvae.losscheck.fit import Fitter
from tinyvae.losscheck.hypotheses import Hypothesis
from tinyvae.losscheck.names import X
from tinyvae.losscheck.powers import Weight, fit_powers
from tinyvae.losscheck.terms import Term

# For a function that draws inside: pairs at each shape, and the largest width of x.
DRAWN, DRAWN_WIDTH = 80, 100


@dataclass(frozen=True)
class Law:
    """Weights of the terms as laws of the sizes, and how well they explain fresh measurements.

    ``holds`` is False if at some shape the terms with any weights leave more than the precision
    allows: the halves then are not simply added, or entries are not treated alike.
    """

    weights: tuple[Weight, ...]
    residual: float
    holds: bool
    worst: Pair | None = None
    shape: Shape | None = None


def measure(
    bench: Bench,
    shapes: Sequence[Shape],
    terms: Sequence[Term],
    coarse: float = 0.0,
    roles: Sequence[str] | None = None,
) -> Law:
    """Fit the weights at every shape on calls in which everything but x changes.

    Parameters
    ----------
    bench : Bench
    shapes : sequence of Shape
    terms : sequence of Term
    coarse : float
        Residual that the terms are known to leave, where they only approximate.
    roles : sequence of str, optional
        What changes; everything but x by default.

    Raises
    ------
    CallFailed
        If the function raises at every shape.
    """
    rows, errors, residuals = [], [], []
    vary = [r for r in bench.roles if r != X] if roles is None else list(roles)
    failed: tuple[Pair, Shape] | None = None
    broken: CallFailed | None = None
    used = []
    for shape in shapes:
        if bench.random and shape.input_dim > max(DRAWN_WIDTH, shapes[0].input_dim):
            continue
        try:
            pairs = bench.pairs(shape, vary, _count(bench, terms))
        except CallFailed as error:
            broken = error  # other shapes may tell enough
            continue
        fitter = Fitter(bench, pairs)
        allowed = max(fitter.allowed, 10.0 * coarse * fitter.size)
        fit = fitter.free(Hypothesis("all", tuple(terms)))
        used.append(shape)
        rows.append(fit.weights)
        errors.append(
            [max(e, coarse, bench.noise if not bench.random else 0.0) for e in fit.errors]
        )
        residuals.append(fit.left / (fitter.size or 1.0))
        if fit.left > allowed and failed is None and not bench.random:
            failed = (pairs[int(np.argmax(np.abs(fit.leaves)))], shape)
    if not used and broken is not None:
        raise broken
    sizes = [shape.sizes for shape in used]
    laws = tuple(
        fit_powers([row[i] for row in rows], sizes, [e[i] for e in errors])
        for i in range(len(terms))
    )
    worst, where = failed if failed else (None, None)
    return Law(laws, max(residuals), failed is None, worst, where)


def _count(bench: Bench, terms: Sequence[Term]) -> int:
    return DRAWN if bench.random else len(terms) + 5
