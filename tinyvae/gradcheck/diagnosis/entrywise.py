"""Patterns that go with other arrays entry by entry: chain-rule factors, missing parts, masks.

Each function returns a finding for a case, or None where the pattern does not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from tinyvae.gradcheck.diagnosis.case import FEWEST, Case
from tinyvae.gradcheck.problem import Array
from tinyvae.gradcheck.results import Finding

TRANSFORMS: dict[str, Callable[[Array], Array]] = {
    "{}": lambda v: v,
    "1 / {}": lambda v: 1.0 / v,
    "{}**2": lambda v: v * v,
    "1 / {}**2": lambda v: 1.0 / (v * v),
    "exp({})": np.exp,
    "exp(-{})": lambda v: np.exp(-v),
    "exp({} / 2)": lambda v: np.exp(0.5 * v),
    "exp(-{} / 2)": lambda v: np.exp(-0.5 * v),
    "exp(2 * {})": lambda v: np.exp(2.0 * v),
    "exp(-2 * {})": lambda v: np.exp(-2.0 * v),
    "abs({})": np.abs,
    "sqrt({})": np.sqrt,
    "log({})": np.log,
    "1 / sqrt({})": lambda v: 1.0 / np.sqrt(v),
    "(1 - {})": lambda v: 1.0 - v,
    "1 / (1 - {})": lambda v: 1.0 / (1.0 - v),
    "{0} * (1 - {0})": lambda v: v * (1.0 - v),
    "1 / ({0} * (1 - {0}))": lambda v: 1.0 / (v * (1.0 - v)),
    "(1 - {}**2)": lambda v: 1.0 - v * v,
    "1 / (1 - {}**2)": lambda v: 1.0 / (1.0 - v * v),
    "sigmoid({})": lambda v: 1.0 / (1.0 + np.exp(-v)),
    "tanh({})": np.tanh,
    "sigmoid({0}) * sigmoid(-{0})": lambda v: 0.25 / np.cosh(0.5 * v) ** 2,
    "1 / (sigmoid({0}) * sigmoid(-{0}))": lambda v: 4.0 * np.cosh(0.5 * v) ** 2,
    "(1 - tanh({})**2)": lambda v: 1.0 / np.cosh(v) ** 2,
    "1 / (1 - tanh({})**2)": lambda v: np.cosh(v) ** 2,
}


def chain_rule(case: Case) -> Finding | None:
    """Recognize the right gradient times a function of another array, entry by entry."""
    for name, text, factor in transformed(case):
        c = case.scaled(case.analytic, factor * case.numeric)
        if c is None:
            continue
        cause = "A factor of the chain rule is missing, or stands there once too often."
        if name == "dy":
            cause = "The gradient from above, dy, is to be multiplied in exactly once."
        return Finding(
            "chain rule", (case.name,), f"It is {_times(c)}{text} times the right gradient.", cause
        )
    return None


def missing_part(case: Case) -> Finding | None:
    """Recognize an error that is constant, or a function of another array, entry by entry."""
    first = case.difference[0] if case.difference.size >= FEWEST else 0.0
    if first and case.explains(case.difference, np.full_like(case.difference, first)):
        return Finding(
            "missing part",
            (case.name,),
            f"It is off by the same number everywhere: {first:+.6g}.",
            "The derivative of a linear term is missing, or stands there once too often.",
        )
    upstream = dict(case.entrywise()).get("dy")
    for name, text, model in transformed(case):
        for times, part in (
            ("", model),
            (" * dy", model * upstream if upstream is not None else None),
        ):
            c = None if part is None else case.scaled(case.difference, part)
            if c is not None and not (times and name == "dy"):
                return Finding(
                    "missing part",
                    (case.name,),
                    f"It is off by {_times(c)}{text}{times}.",
                    "A path from this array to the output was left out or counted too often.",
                )
    return None


def shared_path(case: Case) -> Finding | None:
    """Recognize an error of one number a row (or column), perhaps times another array."""
    if not case.complete or len(case.shape) < 2:
        return None
    off = case.difference.reshape(case.shape)
    models = [("one and the same number", np.ones(case.shape))]
    for name, v in case.entrywise():
        models.append((f"the same multiple of {name}", v.reshape(case.shape)))
    for name, v in case.entrywise():
        grown = np.exp(np.clip(v, -99.0, 99.0)).reshape(case.shape)
        models.append((f"the same multiple of exp({name})", grown))
    own = case.pool.get(case.name)
    if own is not None and own.shape == case.shape and own.dtype.kind == "f":
        for axis in range(own.ndim):
            centered = own - own.mean(axis=axis, keepdims=True)
            models.append((f"the same multiple of {case.name} minus its mean", centered))
    for axis in range(len(case.shape)):
        if case.shape[axis] < FEWEST:
            continue
        for text, model in models:
            square = np.sum(model * model, axis=axis, keepdims=True)
            c = np.sum(model * off, axis=axis, keepdims=True) / np.where(square, square, 1.0)
            if case.explains(off, c * model):
                return Finding(
                    "shared path",
                    (case.name,),
                    f"Along axis {axis} it is off by {text}.",
                    "The entries along that axis meet in a sum, mean or norm (softmax, batch or "
                    "layer normalization), and the path through it is missing.",
                )
    return None


def labels(case: Case) -> Finding | None:
    """Recognize errors exactly in the entries that a vector of labels points to."""
    if not case.complete or len(case.shape) != 2:
        return None
    wrong = case.wrong.reshape(case.shape)
    for name, array in case.pool.items():
        if array.shape != case.shape[:1] or array.dtype.kind not in "iu":
            continue
        if array.min() < 0 or array.max() >= case.shape[1]:
            continue
        there = np.zeros(case.shape, bool)
        there[np.arange(len(array)), array] = True
        if np.array_equal(wrong, there):
            return Finding(
                "labels",
                (case.name,),
                f"Wrong exactly in the entries that {name} points to, one a row.",
                "Usually the -1 at the label in softmax(x) - onehot(label).",
            )
    return None


def region(case: Case) -> Finding | None:
    """Recognize errors exactly where another array is negative, positive, or beyond a bound."""
    wrong = case.wrong
    if wrong.sum() < 2 or (~wrong).sum() < 2 or wrong.size < 6:
        return None
    candidates = [(n, v) for n, v in case.entrywise() if n != "dy"]
    for name, v in candidates:
        for text, inside in (
            (f"{name} < 0", v < 0),
            (f"{name} > 0", v > 0),
            (f"{name} = 0", v == 0),
        ):
            if np.array_equal(inside, wrong):
                return _region(case, text)
    for name, v in candidates if wrong.size >= 16 and _starts_at_once(case) else ():
        for text, size in ((name, v), (f"abs({name})", np.abs(v))):
            if size[wrong].min() > size[~wrong].max():
                return _region(case, f"{text} is large (from {size[wrong].min():.4g} up)")
            if size[wrong].max() < size[~wrong].min():
                return _region(case, f"{text} is small (up to {size[wrong].max():.4g})")
    return None


def _starts_at_once(case: Case) -> bool:
    """Return whether entries are either right to rounding or clearly wrong, none in between.

    An error that grows smoothly (a series cut off, an approximation) has entries of any size.
    """
    off, wrong = np.abs(case.difference), case.wrong
    right_enough = off[~wrong] <= 1e-12 * np.abs(case.numeric[~wrong]) + 10.0 * case.noise
    return bool(right_enough.all() and off[wrong].min() > 1e-3 * off.max())


def _times(c: float) -> str:
    for known, text in ((1.0, ""), (-1.0, "-")):
        if abs(c - known) <= 1e-6:
            return text
    return f"{c:.6g} * "


def _region(case: Case, where: str) -> Finding:
    return Finding(
        "region",
        (case.name,),
        f"Wrong exactly where {where}, right everywhere else.",
        "A branch of the function (a mask, a clip, a slope, an abs) has another one, or none, "
        "in the backward pass.",
    )


def transformed(case: Case) -> Iterator[tuple[str, str, Array]]:
    """Yield (name, formula, values) of every transform of every array of the pool."""
    for name, v in case.entrywise():
        for text, transform in TRANSFORMS.items():
            with np.errstate(all="ignore"):
                values = transform(v)
            if np.isfinite(values).all():
                yield name, text.format(name), values
