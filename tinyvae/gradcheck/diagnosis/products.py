"""The pattern of a matrix product with the wrong factor, or one transposed or not.

Each function returns a finding for a case, or None where the pattern does not fit.
"""

from __future__ import annotations

from collections.abc import Iterator

from tinyvae.gradcheck.diagnosis.activations import LARGEST, activation_gradient
from tinyvae.gradcheck.diagnosis.case import Case
from tinyvae.gradcheck.problem import Array
from tinyvae.gradcheck.results import Finding


def wrong_product(case: Case) -> Finding | None:
    """Recognize one product of two known matrices where another belongs."""
    if not case.same_shape or len(case.shape) != 2 or "dy" not in case.pool:
        return None
    pool = {n: a for n, a in case.pool.items() if a.ndim == 2 and a.size <= LARGEST}
    da = activation_gradient(case)
    if da is not None:
        pool["da"] = da
    claimed = right = None
    for text, u, v in _products(pool, case.shape):
        entries = (u @ v).reshape(-1)[case.indices]
        if claimed is None and case.explains(case.analytic, entries):
            claimed = text
        if right is None and case.explains(case.numeric, entries):
            right, factors = text, (u, v)
    if claimed is None:
        return None if right is None else _part_of_the_sum(case, right, *factors)
    kind, cause = "product", "The wrong array, or one too many or too few, was kept or passed on."
    if right is not None and _factors(right) == _factors(claimed):
        kind, cause = "transposed", "A .T too many or too few."
    return case.finding(
        kind, f"It is {claimed}" + (f"; the right one is {right}." if right else "."), cause
    )


def _factors(product: str) -> list[str]:
    return sorted(product.replace(".T", "").split(" @ "))


def _part_of_the_sum(case: Case, right: str, u: Array, v: Array) -> Finding | None:
    """Recognize a product that is summed over its first or last terms alone."""
    n = len(v)
    for k in range(1, n):
        for part, which in ((slice(k), f"first {k}"), (slice(k, n), f"last {n - k}")):
            if case.explains(case.analytic, (u[:, part] @ v[part]).reshape(-1)[case.indices]):
                return case.finding(
                    "part of the sum",
                    f"It is {right}, summed over the {which} of {n} terms alone.",
                    "Usually = for += where a gradient is added up over minibatches.",
                )
    return None


def _products(pool: dict[str, Array], shape: tuple[int, ...]) -> Iterator[tuple[str, Array, Array]]:
    sides = list(pool.items()) + [(f"{n}.T", a.T) for n, a in pool.items()]
    for left, u in sides:
        for right, v in sides:
            if u.shape[1] == v.shape[0] and (u.shape[0], v.shape[1]) == shape:
                yield f"{left} @ {right}", u, v
