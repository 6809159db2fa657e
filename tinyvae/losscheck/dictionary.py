"""Terms a half of a loss may hold that bears no name: the last attempt before "unexplained"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinyvae.losscheck.terms import Term, entrywise
from tinyvae.ops.reference import sigmoid, softplus


def _term(name: str, formula: Callable[..., Any]) -> Term:
    return entrywise(name, formula, "x", "recon")


_PLAIN = [
    _term("r", lambda x, r: r),
    _term("r^2", lambda x, r: r * r),
    _term("x r", lambda x, r: x * r),
    _term("|x - r|", lambda x, r: np.abs(x - r)),
]


def of_reconstruction() -> list[Term]:
    """Return terms in x and a reconstruction in (0, 1), none of x alone."""
    return [
        *_PLAIN,
        _term("x log r", lambda x, r: x * np.log(r)),
        _term("log r", lambda x, r: np.log(r)),
        _term("x log(1 - r)", lambda x, r: x * np.log1p(-r)),
        _term("log(1 - r)", lambda x, r: np.log1p(-r)),
        _term("r log r", lambda x, r: r * np.log(r)),
        _term("(1 - r) log(1 - r)", lambda x, r: (1.0 - r) * np.log1p(-r)),
    ]


def of_logits() -> list[Term]:
    """Return terms in x and an unbounded reconstruction, none of x alone."""
    return [
        *_PLAIN,
        _term("softplus(r)", lambda x, r: softplus(r)),
        _term("x softplus(r)", lambda x, r: x * softplus(r)),
        _term("sigmoid(r)", lambda x, r: sigmoid(r)),
        _term("x sigmoid(r)", lambda x, r: x * sigmoid(r)),
        _term("sigmoid(r)^2", lambda x, r: sigmoid(r) ** 2),
        _term("exp(r)", lambda x, r: np.exp(r)),
        _term("x tanh(r)", lambda x, r: x * np.tanh(r)),
        _term("tanh(r)^2", lambda x, r: np.tanh(r) ** 2),
    ]


def of_latent(positive: bool, sampled: bool) -> list[Term]:
    """Return terms in mu and the third argument, and in z where there is one."""
    found = [
        entrywise("mu", lambda m: m, "mu"),
        entrywise("mu^2", lambda m: m * m, "mu"),
        entrywise("|mu|", np.abs, "mu"),
        entrywise("s", lambda s: s, "scale"),
        entrywise("s^2", lambda s: s * s, "scale"),
        entrywise("exp(s)", np.exp, "scale"),
        entrywise("exp(-s)", lambda s: np.exp(-s), "scale"),
        entrywise("mu^2 exp(-s)", lambda m, s: m * m * np.exp(-s), "mu", "scale"),
        entrywise("mu^2 exp(s)", lambda m, s: m * m * np.exp(s), "mu", "scale"),
        entrywise("mu s", lambda m, s: m * s, "mu", "scale"),
    ]
    if positive:
        found += [
            entrywise("log(s)", np.log, "scale"),
            entrywise("1/s", lambda s: 1.0 / s, "scale"),
            entrywise("1/s^2", lambda s: 1.0 / (s * s), "scale"),
            entrywise("mu^2/s", lambda m, s: m * m / s, "mu", "scale"),
            entrywise("mu^2/s^2", lambda m, s: m * m / (s * s), "mu", "scale"),
        ]
    else:
        found += [
            entrywise("log|s|", lambda s: np.log(np.abs(s)), "scale"),
            entrywise("exp(s/2)", lambda s: np.exp(0.5 * s), "scale"),
            entrywise("exp(2 s)", lambda s: np.exp(2.0 * s), "scale"),
            entrywise("mu^2 exp(-2 s)", lambda m, s: m * m * np.exp(-2.0 * s), "mu", "scale"),
        ]
    if sampled:
        found += [
            entrywise("z", lambda z: z, "z"),
            entrywise("z^2", lambda z: z * z, "z"),
            entrywise("z mu", lambda z, m: z * m, "z", "mu"),
            entrywise("z^2 exp(-s)", lambda z, s: z * z * np.exp(-s), "z", "scale"),
            entrywise("z mu exp(-s)", lambda z, m, s: z * m * np.exp(-s), "z", "mu", "scale"),
        ]
    return found
