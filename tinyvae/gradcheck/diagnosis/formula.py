"""The pattern of one formula in place of another: both gradients are written out.

A formula here is c0 + c1 * f(u) + c2 * v, times dy in a layer, with arrays u and v of the pool.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinyvae.gradcheck.diagnosis.case import Case
from tinyvae.gradcheck.diagnosis.entrywise import transformed
from tinyvae.gradcheck.problem import Array
from tinyvae.gradcheck.results import Finding

# Entries beyond the three constants, so that no formula fits by having enough of them.
SPARE = 5
MOST = 9  # degree of a polynomial that is looked for, and one


def wrong_formula(case: Case) -> Finding | None:
    """Recognize a simple formula where the right one is a simple formula too."""
    if case.analytic.size < 3 + SPARE:
        return None
    models = list(_models(case))
    claimed = next((t for m in models if (t := _written(case, case.analytic, *m))), None)
    if claimed is None:
        return None
    right = next((t for m in models if (t := _written(case, case.numeric, *m))), None)
    if right is None:
        return None
    return case.finding(
        "formula",
        f"It is {claimed}; the right one is {right}.",
        "One of the two was not derived from the function as it stands.",
    )


def cut_series(case: Case) -> Finding | None:
    """Recognize a polynomial that is right near 0 only, to the order that it has."""
    arrays = dict(case.entrywise())
    times = arrays.pop("dy", np.ones(case.analytic.size))
    for name, v in arrays.items():
        near = np.argsort(np.abs(v))
        for degree in range(1, min(MOST, v.size - SPARE)):
            powers = times[:, None] * v[:, None] ** np.arange(degree + 1)
            if not _written(case, case.analytic, [""] * (degree + 1), powers):
                continue
            if _written(case, case.numeric, [""] * (degree + 1), powers):
                break
            # The first term that is left out is of the next order, or higher.
            order = (np.abs(case.difference) / np.abs(times * v ** (degree + 1)))[near]
            if order[: len(near) // 3].max() <= 2.0 * order[len(near) // 3 :].max():
                return case.finding(
                    "series",
                    f"It is a polynomial of degree {degree} in {name}, right only near 0.",
                    "A series was cut off: use the function itself.",
                )
            break
    return None


def _models(case: Case) -> Iterator[tuple[list[str], Array]]:
    """Yield names and columns of every formula, the shortest first."""
    columns = [(text, values) for _, text, values in transformed(case)]
    plain = list(case.entrywise())
    upstream = dict(plain).get("dy")
    times = np.ones(case.analytic.size) if upstream is None else upstream
    mark = "" if upstream is None else " * dy"
    for text, values in columns:
        yield [mark[3:] or "1", text + mark], np.stack([times, values * times], axis=1)
    for text, values in columns:
        for name, other in plain:
            if name not in ("dy", text):
                stacked = np.stack([times, values * times, other * times], axis=1)
                yield [mark[3:] or "1", text + mark, name + mark], stacked


def _written(case: Case, target: Array, names: list[str], columns: Array) -> str | None:
    """Return the formula if it is the target up to the noise floor."""
    lengths = np.linalg.norm(columns, axis=0)
    if not np.all(lengths > 0):
        return None
    scaled = np.linalg.lstsq(columns / lengths, target, rcond=1e-10)[0]
    if not case.explains(target, columns @ (scaled / lengths)):
        return None
    text = ""
    for c, length, name in zip(scaled, lengths, names, strict=True):
        if abs(c) > 1e-6 * np.abs(scaled).max():
            sign = ("- " if c < 0 else "+ ") if text else ("-" if c < 0 else "")
            times = "" if name == "1" else f" * {name}"
            text += f" {sign}{abs(c) / length:.6g}{times}"
    return text.strip()
