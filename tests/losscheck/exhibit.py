"""An exhibit: a function, where its like was met, and what the doctor ought to say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Exhibit:
    """A wrong (or conventional) loss, sampler or KL, in our own code.

    ``met`` says where its like was met: repository and issue or pull request, in which it was
    reported or (``asked``) asked about, or a paper; it is empty for what is made up here.
    ``code`` is the finding it must get; ``weights`` and ``beta`` are what must be read off it,
    where that is a matter of weights.
    """

    function: Callable[..., Any]
    met: str
    code: str
    weights: dict[str, float] = field(default_factory=dict)
    beta: float | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.function.__name__


def sigmoid(a):
    return 1.0 / (1.0 + np.exp(-a))


def bce(x, p):
    return -x * np.log(p) - (1.0 - x) * np.log(1.0 - p)


def bce_logits(x, logits):
    return np.maximum(logits, 0.0) - x * logits + np.log1p(np.exp(-np.abs(logits)))


def kl(mu, logvar):
    return 0.5 * (mu**2 + np.exp(logvar) - logvar - 1.0)
