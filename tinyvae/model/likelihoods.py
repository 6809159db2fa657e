"""What the decoder's output says about x: the distributions p(x given z).

Each likelihood turns logits into a reconstruction in nats, its gradient, a mean to look at and
draws.  None of them knows where the logits come from.
"""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.errors import check_number, check_option
from tinyvae.model.parameters import Parameters
from tinyvae.ops import reference

Array = NDArray[Any]
Ops = ModuleType | SimpleNamespace

#: What x each likelihood can describe; see ``tinyvae.data.rule``.
SUPPORT = {
    "bernoulli": "binary",
    "continuous_bernoulli": "unit_interval",
    "gaussian": "real",
    "gaussian_learned": "real",
}
LIKELIHOODS = tuple(SUPPORT)


class Bernoulli:
    """Pixels that are 0 or 1, each with its own probability sigmoid(logits)."""

    def __init__(self, ops: Ops) -> None:
        self.ops = ops

    def reconstruction(self, logits: Array, x: Array) -> Array:
        """Return -log p(x given logits), (batch,) nats."""
        return self.ops.bernoulli_forward(logits, x)  # type: ignore[no-any-return]

    def backward(self, logits: Array, x: Array, weight: float) -> Array:
        """Return the gradient at the logits of ``weight`` times the sum of reconstructions."""
        gradient: Array = self.ops.bernoulli_backward(logits, x) * logits.dtype.type(weight)
        return gradient

    def mean(self, logits: Array) -> Array:
        """Return E[x given logits], same shape."""
        return reference.bernoulli_mean(logits)

    def draw(self, logits: Array, rng: np.random.Generator) -> Array:
        """Return one draw of x for each row of logits."""
        return (rng.random(logits.shape) < self.mean(logits)).astype(logits.dtype)

    def output_at(self, mean: Array) -> Array:
        """Return the logits at which E[x] is ``mean`` (kept off 0 and 1).

        Tutorial 06, equation (6.3).
        """
        p = np.clip(mean, 1e-3, 1.0 - 1e-3)
        logits: Array = np.log(p) - np.log1p(-p)
        return logits


class ContinuousBernoulli(Bernoulli):
    """Grey pixels in [0, 1] with density exp(logits * x) / Z (Loaiza-Ganem, Cunningham 2019)."""

    def reconstruction(self, logits: Array, x: Array) -> Array:
        """Return -log p(x given logits), (batch,) nats; a density, so it may be negative."""
        return self.ops.continuous_bernoulli_forward(logits, x)  # type: ignore[no-any-return]

    def backward(self, logits: Array, x: Array, weight: float) -> Array:
        """Return the gradient at the logits of ``weight`` times the sum of reconstructions."""
        gradient: Array = self.ops.continuous_bernoulli_backward(logits, x)
        gradient *= logits.dtype.type(weight)
        return gradient

    def mean(self, logits: Array) -> Array:
        """Return E[x given logits], which is not sigmoid(logits)."""
        return reference.continuous_bernoulli_mean(logits)

    def draw(self, logits: Array, rng: np.random.Generator) -> Array:
        """Return one draw of x for each row of logits, by inverting F(x) = expm1(l x) / expm1(l).

        With u uniform, x = 1 + log(u + (1 - u) exp(-l)) / l for l > 0; l < 0 by symmetry.

        Tutorial 06, equation (6.27).
        """
        u = rng.random(logits.shape)
        size = np.maximum(np.abs(logits.astype(np.float64)), 1e-6)
        upper = 1.0 + np.log(u + (1.0 - u) * np.exp(-size)) / size
        drawn = np.where(logits > 0, upper, 1.0 - upper)
        return np.clip(drawn, 0.0, 1.0).astype(logits.dtype)

    def output_at(self, mean: Array) -> Array:
        """Return the logits at which E[x] is ``mean`` (kept off 0 and 1), by bisection."""
        p = np.clip(mean, 1e-2, 1.0 - 1e-2)
        low, high = np.full(p.shape, -200.0), np.full(p.shape, 200.0)
        middle: Array = np.zeros(p.shape)
        for _ in range(60):
            above = reference.continuous_bernoulli_mean(middle) > p
            low, high = np.where(above, low, middle), np.where(above, middle, high)
            middle = 0.5 * (low + high)
        return middle


class Gaussian:
    """Real x around the decoder's output, with one standard deviation for all dimensions.

    ``log_sigma``, shape (1,), is the log of the standard deviation.  Where it is learned it is
    the parameter ``"likelihood.log_sigma"``; where not, ``log_sigma_gradient`` is None.
    """

    def __init__(self, ops: Ops, log_sigma: Array, log_sigma_gradient: Array | None) -> None:
        self.ops = ops
        self.log_sigma = log_sigma
        self.log_sigma_gradient = log_sigma_gradient

    @property
    def sigma(self) -> float:
        """The standard deviation."""
        return float(np.exp(self.log_sigma.real[0]))

    def reconstruction(self, logits: Array, x: Array) -> Array:
        """Return -log N(x; logits, sigma**2 I), (batch,) nats; a density: it may be negative."""
        return self.ops.gaussian_forward(logits, x, self.log_sigma)  # type: ignore[no-any-return]

    def backward(self, logits: Array, x: Array, weight: float) -> Array:
        """Return the gradient at the mean; fill that of log_sigma where it is learned."""
        scale = logits.dtype.type(weight)
        dmean, dlog_sigma = self.ops.gaussian_backward(logits, x, self.log_sigma)
        if self.log_sigma_gradient is not None:
            self.log_sigma_gradient[0] = dlog_sigma.sum() * scale
        return dmean * scale  # type: ignore[no-any-return]

    def mean(self, logits: Array) -> Array:
        """Return E[x given z], which is the decoder's output itself."""
        return logits

    def draw(self, logits: Array, rng: np.random.Generator) -> Array:
        """Return one draw of x for each row."""
        noise = rng.standard_normal(logits.shape)
        return (logits + np.exp(self.log_sigma) * noise).astype(logits.dtype)

    def output_at(self, mean: Array) -> Array:
        """Return the output at which E[x] is ``mean``: itself."""
        return mean


Likelihood = Bernoulli | Gaussian


def likelihood_shapes(name: str) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of the parameters a likelihood adds to the model."""
    check_option("likelihood", name, LIKELIHOODS)
    return {"likelihood.log_sigma": (1,)} if name == "gaussian_learned" else {}


def make_likelihood(name: str, sigma: float, parameters: Parameters, ops: Ops) -> Likelihood:
    """Return the likelihood of that name.

    Parameters
    ----------
    name : str
        ``"bernoulli"``, ``"continuous_bernoulli"``, ``"gaussian"`` (sigma fixed) or
        ``"gaussian_learned"`` (sigma where learning starts).
    sigma : float
        Standard deviation of the Gaussian ones; the others ignore it.
    parameters : Parameters
        Holds ``"likelihood.log_sigma"`` where it is learned.
    ops : module
        The operations.

    Raises
    ------
    OptionError, SizeError
        If the name is not known, or sigma is not above zero.
    """
    check_option("likelihood", name, LIKELIHOODS)
    log_sigma = np.log(check_number("sigma", sigma, above=0.0))
    if name == "bernoulli":
        return Bernoulli(ops)
    if name == "continuous_bernoulli":
        return ContinuousBernoulli(ops)
    if name == "gaussian":
        return Gaussian(ops, np.full(1, log_sigma, parameters.values.dtype), None)
    parameters["likelihood.log_sigma"][:] = log_sigma
    return Gaussian(
        ops, parameters["likelihood.log_sigma"], parameters.gradient("likelihood.log_sigma")
    )
