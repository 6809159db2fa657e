"""What every exhibit is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Exhibit:
    """A wrong gradient.

    ``expected`` is the kind of finding that names the mistake, ``says`` a piece of its text.
    """

    name: str
    mistake: str
    function: Callable[..., Any]
    gradient: Any
    inputs: tuple[Any, ...]
    expected: str
    says: str = ""
    options: dict[str, Any] = field(default_factory=dict)


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Return standard normal numbers that depend on the shape and the seed alone."""
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def sigmoid(a: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-a))


def softplus(a: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(a))


def softmax(a: np.ndarray) -> np.ndarray:
    e = np.exp(a - a.real.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
