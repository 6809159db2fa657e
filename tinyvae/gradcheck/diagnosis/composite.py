"""Patterns of mistakes inside a composite: a hidden layer, a lookup, a head, weights of rows.

Each function returns a finding for a case, or None where the pattern does not fit.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinyvae.gradcheck.diagnosis.activations import ACTIVATIONS, LARGEST, advice, suspects
from tinyvae.gradcheck.diagnosis.case import FEWEST, Case
from tinyvae.gradcheck.problem import Array
from tinyvae.gradcheck.results import Finding


def hidden_activation(case: Case) -> Finding | None:
    """Recognize another activation's derivative at a layer inside, x @ w + b known.

    Where the layer is not wider than its input, da follows from dx = da @ w.T; where the batch is
    not larger than the input, from dw = x.T @ da.  The quotient of two slopes gives them away.
    """
    if not case.complete or len(case.shape) != 2:
        return None
    for a, right, claimed in _inside(case):
        for own, activation in ACTIVATIONS.items():
            if own in ("identity", "softmax"):
                continue
            with np.errstate(all="ignore"):
                slope = activation.slope(a)
            for text, other in suspects(own):
                with np.errstate(all="ignore"):
                    model, target = right * other(a), claimed * slope
                if _close(case, target, model) and not _close(case, right, claimed):
                    return case.finding(
                        "activation",
                        f"A layer inside uses {text}.",
                        f"Its activation is {own}: {advice(own)}",
                    )
    return None


def gathered(case: Case) -> Finding | None:
    """Recognize rows that were looked up more than once and got the gradient of one time only."""
    if not case.complete or len(case.shape) != 2:
        return None
    wrong = case.wrong.reshape(case.shape).any(axis=1)
    for name, index in case.pool.items():
        if index.dtype.kind not in "iu" or not index.size:
            continue
        if index.min() < 0 or index.max() >= case.shape[0]:
            continue
        counts = np.bincount(index.reshape(-1), minlength=case.shape[0])
        if wrong.any() and np.array_equal(wrong, counts > 1) and (counts == 1).any():
            return case.finding(
                "gathered rows",
                f"Wrong exactly in the rows that {name} points to more than once.",
                "a[index] += b adds once to each row, however often it is in index; use "
                "np.add.at(a, index, b).",
            )
    return None


def softmax_axis(case: Case) -> Finding | None:
    """Recognize softmax's backward summed over the other axis."""
    dy, y = case.pool.get("dy"), case.pool.get("y")
    if dy is None or y is None or y.ndim != 2 or case.shape != y.shape:
        return None
    models = [y * (dy - (dy * y).sum(axis=axis, keepdims=True)) for axis in (0, 1)]
    entries = [m.reshape(-1)[case.indices] for m in models]
    for axis in (0, 1):
        if case.explains(case.numeric, entries[axis]) and case.explains(
            case.analytic, entries[1 - axis]
        ):
            return case.finding(
                "wrong axis",
                f"It is softmax's backward with the sum over axis {1 - axis}; the softmax runs "
                f"over axis {axis}.",
                "The axis of the sum must be that of the softmax.",
            )
    return None


def lost_product(case: Case) -> Finding | None:
    """Recognize an error that is one product of two known matrices: a path that is not there."""
    if not case.same_shape or len(case.shape) != 2:
        return None
    sides = [(n, a) for n, a in case.pool.items() if a.ndim == 2 and a.size <= LARGEST]
    sides += [(f"{n}.T", a.T) for n, a in sides]
    for left, u in sides:
        for right, v in sides:
            if u.shape[1] != v.shape[0] or (u.shape[0], v.shape[1]) != case.shape:
                continue
            c = case.scaled(case.difference, (u @ v).reshape(-1)[case.indices])
            if c is not None:
                return case.finding(
                    "missing part",
                    f"It is off by {case.times(c)}{left} @ {right}.",
                    "A path from this array to the output was left out or counted too often (a "
                    "second head that is not sent back?).",
                )
    return None


def row_factors(case: Case) -> Finding | None:
    """Recognize rows (or columns) that are each a multiple of the right ones."""
    if not case.complete or len(case.shape) < 2 or min(case.shape[:2]) < 2:
        return None
    right, claimed = case.right, case.claimed
    for axis, word in ((0, "row"), (1, "column")):
        rest = tuple(k for k in range(right.ndim) if k != axis)
        if np.prod([right.shape[k] for k in rest]) < FEWEST - 1:
            continue
        square = (right * right).sum(axis=rest, keepdims=True)
        if not np.all(square > 0):
            continue
        factors = (right * claimed).sum(axis=rest, keepdims=True) / square
        if np.ptp(factors) > 1e-6 and case.explains(case.analytic, (factors * right).reshape(-1)):
            return case.finding(
                f"{word} factors",
                f"Each {word} is a multiple of the right one, from {factors.min():.4g} to "
                f"{factors.max():.4g} times.",
                f"A weight that goes with the {word}s is not normalized, missing, or applied "
                "twice (importance weights, masks, lengths).",
            )
    return None


def _inside(case: Case) -> Iterator[tuple[Array, Array, Array]]:
    """Yield (a, da measured, da claimed) of layers x @ w + b that this array takes part in."""
    pool = {n: v for n, v in case.pool.items() if v.size <= LARGEST and v.dtype.kind == "f"}
    me, right, claimed = pool.get(case.name), case.right, case.claimed
    if me is None:
        return
    for other in pool.values():
        if other.ndim != 2:
            continue
        if other.shape[0] == case.shape[1] and other.shape[1] <= other.shape[0]:
            back = np.linalg.pinv(other.T)
            made = me @ other, right @ back, claimed @ back
            if _close(case, claimed, made[2] @ other.T):
                yield from ((made[0] + b, *made[1:]) for b in _biases(pool, other.shape[1]))
        if other.shape[1] == case.shape[0] and other.shape[0] <= other.shape[1]:
            back = np.linalg.pinv(other.T)
            made = other @ me, back @ right, back @ claimed
            if _close(case, claimed, other.T @ made[2]):
                yield from ((made[0] + b, *made[1:]) for b in _biases(pool, case.shape[1]))


def _biases(pool: dict[str, Array], width: int) -> Iterator[Array]:
    yield np.zeros(width)
    yield from (b for b in pool.values() if b.shape in ((width,), (1, width)))


def _close(case: Case, target: Array, model: Array) -> bool:
    if target.shape != model.shape or not np.isfinite(model).all():
        return False
    size = float(np.linalg.norm(target))
    return float(np.linalg.norm(target - model)) <= 1e-7 * size + 10.0 * case.noise
