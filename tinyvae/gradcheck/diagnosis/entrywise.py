"""Patterns that go with other arrays entry by entry: chain-rule factors, missing parts, masks.

Each function returns a finding for a case, or None where the pattern does not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from tinyvae.gradcheck.diagnosis.case import FEWEST, Case
from tinyvae.gradcheck.problem import Array
from tinyvae.gradcheck.results import Finding


def _continuous_bernoulli_mean(v: Array) -> Array:
    near = np.abs(v) < 1e-3
    far = np.where(near, 1.0, v)
    return np.where(near, 0.5 + v / 12.0 - v**3 / 720.0, -1.0 / np.expm1(-far) - 1.0 / far)


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
    "(sigmoid({0}) - the continuous Bernoulli's mean at {0})": lambda v: (
        0.5 * (1.0 + np.tanh(0.5 * v)) - _continuous_bernoulli_mean(v)
    ),
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
        return case.finding(
            "chain rule", f"It is {case.times(c)}{text} times the right gradient.", cause
        )
    return None


def missing_part(case: Case) -> Finding | None:
    """Recognize an error that is constant, or a function of another array, entry by entry."""
    first = case.difference[0] if case.difference.size >= FEWEST else 0.0
    if first and case.explains(case.difference, np.full_like(case.difference, first)):
        return case.finding(
            "missing part",
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
                return case.finding(
                    "missing part",
                    f"It is off by {case.times(c)}{text}{times}.",
                    "A path from this array to the output was left out or counted too often.",
                )
    return None


def shared_path(case: Case) -> Finding | None:
    """Recognize an error of one number a row (or column), perhaps times another array."""
    if not case.complete or len(case.shape) < 2:
        return None
    off, ones = case.difference.reshape(case.shape), np.ones(case.shape)
    models = [("one and the same number", [ones])]
    for name, v in case.entrywise():
        models.append((f"the same multiple of {name}", [v.reshape(case.shape)]))
    for name, v in case.entrywise():
        grown = np.exp(np.clip(v, -99.0, 99.0)).reshape(case.shape)
        models.append((f"the same multiple of exp({name})", [grown]))
    own = case.pool.get(case.name)
    if own is not None and own.shape == case.shape and own.dtype.kind == "f":
        for axis in range(own.ndim):
            centered = own - own.mean(axis=axis, keepdims=True)
            models.append((f"the same multiple of {case.name} minus its mean", [centered]))
        models.append((f"one number and the same multiple of {case.name}", [ones, own]))
    for axis, length in enumerate(case.shape):
        for text, columns in models:
            fits = length >= FEWEST * len(columns)
            if fits and case.explains(off, _fitted(off, columns, axis)):
                return case.finding(
                    "shared path",
                    f"Along axis {axis} it is off by {text}.",
                    "The entries along that axis meet in a sum, mean or norm (softmax, batch or "
                    "layer normalization), and the path through it is missing.",
                )
    return None


def _fitted(target: Array, columns: list[Array], axis: int) -> Array:
    """Return the best sum of multiples of the columns, with multiples of its own for each line."""
    lines = np.moveaxis(target, axis, -1)
    parts = np.stack([np.moveaxis(c, axis, -1) for c in columns], axis=-1)
    weights = np.linalg.pinv(parts) @ lines[..., None]
    return np.asarray(np.moveaxis((parts @ weights)[..., 0], -1, axis))


def masked(case: Case) -> Finding | None:
    """Recognize dy let through where another array is positive or negative than the right one."""
    arrays = dict(case.entrywise())
    dy = arrays.get("dy")
    if dy is None:
        return None
    masks = [(f"{n} > 0", v > 0) for n, v in arrays.items()]
    masks += [(f"{n} < 0", v < 0) for n, v in arrays.items()]
    masks = [(text, mask) for text, mask in masks if FEWEST <= mask.sum() <= mask.size - FEWEST]
    claimed, right = (
        next((text for text, mask in masks if case.explains(target, dy * mask)), None)
        for target in (case.analytic, case.numeric)
    )
    if claimed is None or right is None:
        return None
    return case.finding(
        "mask",
        f"It is dy where {claimed}; the right one is dy where {right}.",
        "The backward pass must use the mask of the forward pass.",
    )


def labels(case: Case) -> Finding | None:
    """Recognize errors in the entries that a vector of labels points to, or others there."""
    off, wrong = case.difference, case.wrong
    for name, pointed in case.labelled():
        there = pointed.reshape(-1)
        if np.array_equal(wrong, there):
            return case.finding(
                "labels",
                f"Wrong exactly in the entries that {name} points to, one a row.",
                "Usually the -1 at the label in softmax(x) - onehot(label).",
            )
        at, beside = off[there].mean(), off[~there].mean()
        if case.explains(off, np.where(there, at, beside)):
            return case.finding(
                "labels",
                f"It is off by {at:+.6g} in the entries that {name} points to, by {beside:+.6g} in "
                "all others.",
                "The targets differ: label smoothing, or a class weight, on one side only.",
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


def _region(case: Case, where: str) -> Finding:
    return case.finding(
        "region",
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
