"""Patterns in where the numbers stand: shapes, axes, transposes, swaps, some rows only.

Each function returns a finding for a case, or None where the pattern does not fit.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from tinyvae.gradcheck.diagnosis.case import FEWEST, LEFT_OVER, Case
from tinyvae.gradcheck.problem import Array
from tinyvae.gradcheck.results import Finding


def shape(case: Case) -> Finding | None:
    """Recognize a gradient that has another shape than its array."""
    if case.same_shape:
        return None
    saw = f"The gradient has shape {case.claimed.shape}, the array {case.shape}."
    kind, fact, cause = "shape", "", "A gradient has the shape of what it is the gradient of."
    if case.shape[1:] == (1,) and case.claimed.shape == case.shape[:1] * 2:
        cause = "(n, 1) and (n,) broadcast to (n, n): reshape one of the two."
    claimed, whole = case.claimed, case.numeric.size == int(np.prod(case.shape))
    if claimed.size == int(np.prod(case.shape)):
        if case.explains(claimed.reshape(-1)[case.indices], case.numeric):
            fact, cause = "Its numbers are right.", "Usually keepdims, or a reshape left out."
        elif claimed.ndim > 1 and case.explains(claimed.T.reshape(-1)[case.indices], case.numeric):
            kind, fact = "transposed", "It is the transpose of the right one."
            cause = "Usually dy.T @ x in place of x.T @ dy."
    elif whole:
        found = _summed(case)
        if found:
            kind, fact, cause = "wrong axis", *found
    return case.finding(kind, f"{saw} {fact}".strip(), cause)


def _summed(case: Case) -> tuple[str, str] | None:
    """Say which sum is missing or one too many, if that makes the numbers right."""
    claimed = case.claimed
    for axes in _some_axes(claimed.ndim):
        total = claimed.sum(axis=axes)
        if total.size == case.numeric.size and case.explains(total.reshape(-1), case.numeric):
            over = " and ".join(map(str, axes))
            return (
                f"Summed over axis {over} it is right.",
                "An array that was broadcast in the function (a bias) gets the sum of the "
                "gradients of all its copies.",
            )
    for axes in _some_axes(len(case.shape)):
        total = case.right.sum(axis=axes)
        if total.shape == claimed.shape and case.explains(claimed, total):
            over = " and ".join(map(str, axes))
            return (f"It is the right one summed over axis {over}.", "One sum too many.")
    for name, array in case.pool.items():
        for axis in range(array.ndim):
            total = array.sum(axis=axis)
            if total.ndim and total.shape == claimed.shape and np.allclose(claimed, total, 1e-12):
                return (
                    f"It is {name} summed over axis {axis}.",
                    "Summed over the wrong axis; the batch is axis 0.",
                )
    return None


def same_as_another(case: Case) -> Finding | None:
    """Recognize two gradients that are swapped, or both point to one buffer."""
    for name, other in case.others.items():
        if name == case.name or other.shape != case.claimed.shape:
            continue
        if np.array_equal(other, case.claimed) and np.any(other):
            return case.finding(
                "aliased",
                f"The gradient is entry for entry the one claimed for {name}.",
                "Usually two names for one buffer, or a line copied and not changed.",
            )
        theirs = case.measured.get(name)
        if theirs is not None and case.explains(case.claimed.reshape(-1), theirs):
            return case.finding(
                "swapped",
                f"It is the right gradient of {name}.",
                "Usually the gradients are returned in another order than the inputs.",
            )
    return None


def rearranged(case: Case) -> Finding | None:
    """Recognize the right numbers, perhaps times a constant, in other places."""
    if not case.same_shape or case.claimed.size < FEWEST:
        return None
    for saw, moved in _rearrangements(case.claimed):
        c = case.scaled(moved.reshape(-1)[case.indices], case.numeric)
        if c is not None:
            times = "" if abs(c - 1.0) <= 1e-6 else f", times {(case.known(c) or f'{c:.6g}')}"
            kind = "transposed" if "transpose" in saw else "rearranged"
            cause = "Usually a .T or a reshape too many or too few."
            return case.finding(kind, f"The right numbers, {saw}{times}.", cause)
    if case.complete and case.explains(np.sort(case.analytic), np.sort(case.numeric)):
        return case.finding(
            "rearranged",
            "The right numbers in the wrong places.",
            "Usually an index or an order (a permutation, a sort) that was not undone.",
        )
    return None


def _rearrangements(claimed: Array) -> list[tuple[str, Array]]:
    found: list[tuple[str, Array]] = []
    for a, b in combinations(range(claimed.ndim), 2):
        swapped = np.swapaxes(claimed, a, b)
        if swapped.shape == claimed.shape:
            found.append((f"transposed (axes {a} and {b})", swapped))
    if claimed.ndim > 1:
        found.append(
            ("transposed by reshape", claimed.reshape(-1).reshape(claimed.shape, order="F"))
        )
        found.append(
            ("transposed by reshape", claimed.reshape(-1, order="F").reshape(claimed.shape))
        )
    for axis in range(claimed.ndim):
        found.append((f"reversed along axis {axis}", np.flip(claimed, axis)))
        for step in (1, -1):
            found.append((f"shifted by one along axis {axis}", np.roll(claimed, step, axis)))
    if claimed.ndim > 1:
        found.append(("reversed along all axes", np.flip(claimed)))
    return found


def reduced(case: Case) -> Finding | None:
    """Recognize a right gradient that was summed or averaged over an axis and spread out again."""
    if not case.complete or case.claimed.size < FEWEST:
        return None
    for axes in _some_axes(len(case.shape)):
        for word, total in (("sum", np.sum), ("mean", np.mean)):
            model = np.broadcast_to(total(case.right, axis=axes, keepdims=True), case.shape)
            if case.explains(case.analytic, model.reshape(-1)):
                over = "all axes" if len(axes) == len(case.shape) else f"axis {axes[0]}"
                return case.finding(
                    "wrong axis",
                    f"Every entry is the {word} of the right ones over {over}.",
                    "A sum or mean over the wrong axis, then broadcast back.",
                )
    return _other_sum(case)


def _other_sum(case: Case) -> Finding | None:
    """Recognize one row of dy, or its sum over one axis, where the sum over another belongs."""
    for name, array in case.pool.items():
        for axis in range(array.ndim):
            total = array.sum(axis=axis)
            for row in (0, -1):
                one = np.take(array, row, axis)
                if case.explains(case.claimed, one) and case.explains(case.right, total):
                    return case.finding(
                        "wrong axis",
                        f"It is the entry {row} of {name} along axis {axis}; the right one is "
                        "the sum over that axis.",
                        "The sum is missing, or was overwritten instead of added to (= for +=).",
                    )
            c = case.scaled(case.claimed, total)
            right = any(
                case.scaled(case.right, array.sum(axis=k)) for k in range(array.ndim) if k != axis
            )
            if c is not None and right:
                return case.finding(
                    "wrong axis",
                    f"It is {name} summed over axis {axis}.",
                    "Summed over the wrong axis; the batch is axis 0.",
                )
    return None


def summed_from_the_other_end(case: Case) -> Finding | None:
    """Recognize sums of dy along an axis that run from the wrong end, whatever multiplies them."""
    dy = case.pool.get("dy")
    if dy is None or dy.shape != case.shape:
        return None
    for axis in range(len(case.shape)):
        front, back = (
            np.flip(np.cumsum(np.flip(dy, flipped), axis), flipped).reshape(-1)[case.indices]
            for flipped in ((), (axis,))
        )
        for here, there, end in ((front, back, "start"), (back, front, "end")):
            left_over = np.linalg.norm(case.analytic * there - case.numeric * here)
            slack = 10.0 * case.noise * np.abs(here).max()
            if left_over <= LEFT_OVER * np.linalg.norm(case.difference * there) + slack:
                return case.finding(
                    "rearranged",
                    f"It has dy summed up from the {end} of axis {axis}; the right one, from the "
                    "other end.",
                    "What is added up along an axis is sent back along it in reverse.",
                )
    return None


def some_rows(case: Case) -> Finding | None:
    """Recognize errors in some rows (columns, entries) only; rows of zeros do not count."""
    if not case.complete or not case.shape:
        return None
    off = case.wrong.reshape(case.shape)
    busy = np.maximum(np.abs(case.claimed), np.abs(case.right)) > 1e-6 * np.abs(case.right).max()
    best: tuple[float, int, Array, Array] | None = None
    for axis in range(len(case.shape)):
        rest = tuple(k for k in range(len(case.shape)) if k != axis)
        wrong, counted = off.any(axis=rest), busy.any(axis=rest)
        share = wrong.sum() / max(counted.sum(), 1)
        if 0 < share < 1 and (best is None or share < best[0]):
            best = (share, axis, np.flatnonzero(wrong), np.flatnonzero(counted & ~wrong))
    if best is None:
        return None
    _, axis, wrong, fine = best
    what = "entries" if len(case.shape) == 1 else {0: "rows", 1: "columns"}.get(axis, "slices")
    saw = f"Wrong only in {what} {_listed(wrong)} of {case.shape[axis]}; the others are right."
    cause = ""
    if len(fine) < len(wrong):
        if not _one_block(fine) or fine[-1] + 1 != case.shape[axis]:
            return None
        saw = f"Right only in {what} {_listed(fine)} of {case.shape[axis]}."
    if not np.any(np.take(case.claimed, wrong, axis)):
        saw, cause = f"{saw} There the gradient is zero.", "They were never written, or cut off."
    elif _one_block(wrong):
        cause = "Usually a loop, slice or buffer that misses or overwrites them (a last batch?)."
    return case.finding("some rows", saw, cause)


def _one_block(indices: Array) -> bool:
    return len(indices) > 0 and int(np.ptp(indices)) == len(indices) - 1


def _listed(indices: Array) -> str:
    shown = ", ".join(map(str, indices[:6]))
    return f"{shown}, ..." if len(indices) > 6 else shown


def _some_axes(ndim: int) -> list[tuple[int, ...]]:
    return [axes for n in range(1, ndim + 1) for axes in combinations(range(ndim), n)]
