"""What the decoder's output says about x: the distributions p(x given z), one class for each.

A class is the one place that knows its name, the data it can describe, how its mean is inverted,
how it is drawn from and how it is shown.  ``LIKELIHOODS`` is the table of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyvae.errors import check_number, check_option
from tinyvae.model.parameters import Parameters
from tinyvae.ops import reference

Array = NDArray[Any]
Ops = ModuleType | SimpleNamespace


class Likelihood(ABC):
    """What all likelihoods share: nats from logits, and the gradient beside them.

    Attributes
    ----------
    name : str
    support : str
        What x may be: ``"binary"`` (or grey levels, then binarized), ``"unit_interval"``,
        ``"counts"`` or ``"real"``.
    binarize : str
        What ``fit`` does to grey data unless told otherwise.
    label : str
        Of an axis that shows E[x given z].
    default_sigma : float or None
        Standard deviation where none was chosen; None if the data decide it.
    """

    name: ClassVar[str]
    support: ClassVar[str]
    binarize: ClassVar[str] = "none"
    label: ClassVar[str]
    default_sigma: ClassVar[float | None] = 1.0

    def __init__(self, ops: Ops, sigma: float | None, parameters: Parameters) -> None:
        self.forward_op = getattr(ops, f"{self.name}_forward")
        self.backward_op = getattr(ops, f"{self.name}_backward")

    @classmethod
    def shapes(cls) -> dict[str, tuple[int, ...]]:
        """Return names and shapes of the parameters it adds to the model."""
        return {}

    def initialize(self) -> None:  # noqa: B027 (most add no parameters)
        """Set the parameters it adds to where learning starts."""

    def reconstruction(self, logits: Array, x: Array) -> Array:
        """Return -log p(x given logits), (batch,) nats; a density's may be negative."""
        return self.forward_op(logits, x)  # type: ignore[no-any-return]

    def backward(self, logits: Array, x: Array, weights: Array) -> Array:
        """Return the gradient at the logits of the sum of weights * reconstruction, (batch,)."""
        gradient: Array = self.backward_op(logits, x) * weights[:, None]
        return gradient

    @staticmethod
    @abstractmethod
    def example(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        """Return float64 data that it can describe, for checks and tests."""

    # The three that follow hold for logits of any shape.

    @abstractmethod
    def mean(self, logits: Array) -> Array:
        """Return E[x given logits], same shape."""

    @abstractmethod
    def inverse_mean(self, mean: Array) -> Array:
        """Return the logits at which E[x] is ``mean``, kept off the ends of its range."""

    @abstractmethod
    def draw(self, logits: Array, rng: np.random.Generator) -> Array:
        """Return one draw of x for each row of logits."""


class Bernoulli(Likelihood):
    """Pixels that are 0 or 1, each with its own probability sigmoid(logits)."""

    name, support, binarize, label = "bernoulli", "binary", "stochastic", "probability of 1"

    @staticmethod
    def example(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        return (rng.random(shape) > 0.5).astype(float)

    def mean(self, logits: Array) -> Array:
        return reference.bernoulli_mean(logits)

    def inverse_mean(self, mean: Array) -> Array:
        """Return the logit of the mean.  Tutorial 06, equation (6.3)."""
        p = np.clip(mean, 1e-3, 1.0 - 1e-3)
        logits: Array = np.log(p) - np.log1p(-p)
        return logits

    def draw(self, logits: Array, rng: np.random.Generator) -> Array:
        return (rng.random(logits.shape) < self.mean(logits)).astype(logits.dtype)


class ContinuousBernoulli(Likelihood):
    """Grey pixels in [0, 1] with density exp(logits * x) / Z (Loaiza-Ganem, Cunningham 2019)."""

    name, support, label = "continuous_bernoulli", "unit_interval", "mean grey level"

    @staticmethod
    def example(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        return rng.random(shape)

    def mean(self, logits: Array) -> Array:
        """Return E[x given logits], which is not sigmoid(logits)."""
        return reference.continuous_bernoulli_mean(logits)

    def inverse_mean(self, mean: Array) -> Array:
        """Return the logits at which E[x] is ``mean``, by bisection."""
        p = np.clip(mean, 1e-2, 1.0 - 1e-2)
        low, high = np.full(p.shape, -200.0), np.full(p.shape, 200.0)
        middle: Array = np.zeros(p.shape)
        for _ in range(60):
            above = reference.continuous_bernoulli_mean(middle) > p
            low, high = np.where(above, low, middle), np.where(above, middle, high)
            middle = 0.5 * (low + high)
        return middle

    def draw(self, logits: Array, rng: np.random.Generator) -> Array:
        """Invert F(x) = expm1(l x) / expm1(l).

        With u uniform, x = 1 + log(u + (1 - u) exp(-l)) / l for l > 0; l < 0 by symmetry.

        Tutorial 06, equation (6.27).
        """
        u = rng.random(logits.shape)
        size = np.maximum(np.abs(logits.astype(np.float64)), 1e-6)
        upper = 1.0 + np.log(u + (1.0 - u) * np.exp(-size)) / size
        drawn = np.where(logits > 0, upper, 1.0 - upper)
        return np.clip(drawn, 0.0, 1.0).astype(logits.dtype)


class Poisson(Likelihood):
    """Counts 0, 1, 2, ..., each with its own rate exp(logits)."""

    name, support, label = "poisson", "counts", "rate"

    @staticmethod
    def example(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        return rng.poisson(2.0, shape).astype(float)

    def mean(self, logits: Array) -> Array:
        return reference.poisson_mean(logits)

    def inverse_mean(self, mean: Array) -> Array:
        """Return the log of the mean."""
        logits: Array = np.log(np.maximum(mean, 1e-3))
        return logits

    def draw(self, logits: Array, rng: np.random.Generator) -> Array:
        # NumPy draws no rates of 1e19 and more; such a count could not be told from its rate.
        rate = np.minimum(self.mean(logits.astype(np.float64)), 1e18)
        return rng.poisson(rate).astype(logits.dtype)


class Gaussian(Likelihood):
    """Real x around the decoder's output, with one standard deviation for all dimensions.

    ``log_sigma``, shape (1,), is the log of the standard deviation.
    """

    name, support, label = "gaussian", "real", "mean"
    log_sigma_gradient: Array | None = None

    def __init__(self, ops: Ops, sigma: float | None, parameters: Parameters) -> None:
        self.forward_op, self.backward_op = ops.gaussian_forward, ops.gaussian_backward
        self.chosen = sigma is not None
        self.start = np.log(check_number("sigma", 1.0 if sigma is None else sigma, above=0.0))
        self.log_sigma = self._place(parameters)

    def _place(self, parameters: Parameters) -> Array:
        return np.full(1, self.start, parameters.values.dtype)

    @property
    def sigma(self) -> float:
        """The standard deviation."""
        return float(np.exp(self.log_sigma.real[0]))

    @staticmethod
    def example(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        return rng.standard_normal(shape)

    def reconstruction(self, logits: Array, x: Array) -> Array:
        """Return -log N(x; logits, sigma**2 I), (batch,) nats; a density: it may be negative."""
        return self.forward_op(logits, x, self.log_sigma)  # type: ignore[no-any-return]

    def backward(self, logits: Array, x: Array, weights: Array) -> Array:
        """Return the gradient at the mean; fill that of log_sigma where it is learned."""
        dmean, dlog_sigma = self.backward_op(logits, x, self.log_sigma)
        if self.log_sigma_gradient is not None:
            self.log_sigma_gradient[0] = (dlog_sigma * weights).sum()
        return dmean * weights[:, None]  # type: ignore[no-any-return]

    def mean(self, logits: Array) -> Array:
        return logits

    def inverse_mean(self, mean: Array) -> Array:
        return mean

    def draw(self, logits: Array, rng: np.random.Generator) -> Array:
        noise = rng.standard_normal(logits.shape)
        return (logits + np.exp(self.log_sigma) * noise).astype(logits.dtype)


class GaussianLearned(Gaussian):
    """The same with log_sigma learned: the parameter ``"likelihood.log_sigma"``."""

    name, default_sigma = "gaussian_learned", None

    @classmethod
    def shapes(cls) -> dict[str, tuple[int, ...]]:
        return {"likelihood.log_sigma": (1,)}

    def _place(self, parameters: Parameters) -> Array:
        self.log_sigma_gradient = parameters.gradient("likelihood.log_sigma")
        return parameters["likelihood.log_sigma"]

    def initialize(self) -> None:
        self.log_sigma[:] = self.start


_CLASSES = (Bernoulli, ContinuousBernoulli, Poisson, Gaussian, GaussianLearned)
#: Every likelihood by its name.
LIKELIHOODS: dict[str, type[Likelihood]] = {c.name: c for c in _CLASSES}
assert tuple(LIKELIHOODS) == reference.LIKELIHOODS, "kernels know a likelihood by its place"


def likelihood_class(name: str) -> type[Likelihood]:
    """Return the likelihood of that name.

    Raises
    ------
    OptionError
        If it is not known.
    """
    return LIKELIHOODS[check_option("likelihood", name, LIKELIHOODS)]
