"""What is minimized: a loss made of the terms of a forward pass, and its gradient beside it.

An objective sees log p(x given z), log p(z) and log q(z given x) of every sample, and says how much
each sample's reconstruction weighs and what reaches mu and logvar besides.

    elbo    reconstruction + beta * kl                            (KL in closed form)
    iwae    -log of the mean over K samples of w                  (all of its gradient)
    stl     the same loss; the encoder's gradient without the score of q
    dreg    the same loss; the encoder's gradient with squared weights, without the score
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyvae.errors import UsageError, check_number, check_option
from tinyvae.ops.reference import OBJECTIVES

Array = NDArray[Any]
Ops = ModuleType | SimpleNamespace


class Terms(NamedTuple):
    """The loss and what it is made of, each a mean over the batch in nats per example."""

    loss: float
    reconstruction: float
    kl: float

    @property
    def elbo(self) -> float:
        """-(reconstruction + kl), whatever was minimized.

        Tutorial 00, equation (0.2).
        """
        return -(self.reconstruction + self.kl)


class Samples(NamedTuple):
    """The latent part of a forward pass, for K samples of z an example, next to each other.

    ``mu``, ``logvar`` and ``kl`` are (batch, latent_dim), ``noise`` and ``z`` are
    (batch * K, latent_dim), ``reconstruction`` is (batch * K,).
    """

    mu: Array
    logvar: Array
    kl: Array
    noise: Array
    z: Array
    reconstruction: Array

    @property
    def k(self) -> int:
        """How many samples of z an example has."""
        return len(self.z) // len(self.mu)

    def repeated(self, array: Array) -> Array:
        """Return one row for each sample from one row for each example."""
        return array if self.k == 1 else np.repeat(array, self.k, axis=0)

    def summed(self, array: Array) -> Array:
        """Return the sums over each example's samples, (batch, latent_dim)."""
        if self.k == 1:
            return array
        total: Array = array.reshape(len(self.mu), self.k, -1).sum(axis=1)
        return total


@dataclass(frozen=True)
class Elbo:
    """loss = reconstruction + beta * kl, the mean over samples; the KL in closed form.

    With ``free_bits``, a dimension whose KL, averaged over the batch, is below so many nats is
    charged that many and pulled no further: kl becomes the sum over dimensions of
    max(free_bits, mean kl).  Kingma, Salimans and others (2016), equation 15, the batch as subset.

    Tutorial 08, equations (8.1), (8.4) and (8.5).
    """

    beta: float = 1.0
    free_bits: float | None = None

    def code(self) -> tuple[int, float, float]:
        """Return what the fused step needs: place in OBJECTIVES, beta, free bits (-1: none)."""
        return 0, self.beta, -1.0 if self.free_bits is None else self.free_bits

    def forward(self, ops: Ops, s: Samples) -> Array:
        """Return the loss, a mean over the batch in nats."""
        charged = s.kl.mean(axis=0)
        if self.free_bits is not None:
            charged = np.where(charged.real > self.free_bits, charged, self.free_bits)
        loss: Array = s.reconstruction.mean() + self.beta * charged.sum()
        return loss

    def sample_weights(self, ops: Ops, s: Samples) -> Array:
        """Return the derivative of the loss by each sample's reconstruction, (batch * K,)."""
        return np.full(len(s.z), 1.0 / len(s.z), s.z.dtype)

    def backward(self, ops: Ops, s: Samples, dz: Array) -> tuple[Array, Array]:
        """Return (dmu, dlogvar), (batch, latent_dim), from dz, what the decoder sent back.

        z reaches the loss through the decoder; mu and logvar reach it through z and the KL.
        """
        dmu, dlogvar = ops.reparameterize_backward(dz, s.repeated(s.logvar), s.noise)
        dmu_kl, dlogvar_kl = ops.kl_backward(s.mu, s.logvar)
        dkl = np.full(s.mu.shape[1], self.beta / len(s.mu), s.mu.dtype)
        if self.free_bits is not None:
            dkl[s.kl.mean(axis=0) <= self.free_bits] = 0.0
        return s.summed(dmu) + dkl * dmu_kl, s.summed(dlogvar) + dkl * dlogvar_kl


@dataclass(frozen=True)
class ImportanceWeighted:
    """loss = -log of the mean over K samples of w = p(x, z) / q(z given x).

    Tutorial 13, equations (13.1), (13.8) and (13.11).

    Parameters
    ----------
    estimator : str
        ``"iwae"``: the derivative for fixed noise, all of it; Burda, Grosse and Salakhutdinov
        (2016), equations 13 and 14.  ``"stl"``: the parameters of log q held; Roeder, Wu and
        Duvenaud (2017).  ``"dreg"``: the score replaced by its reparameterized form, which squares
        the encoder's weights; Tucker, Lawson, Gu and Maddison (2019).  The decoder's gradient is
        the same in all three.
    """

    estimator: str

    def code(self) -> tuple[int, float, float]:
        """Return what the fused step needs: place in OBJECTIVES, beta and free bits (unused)."""
        return OBJECTIVES.index(self.estimator), 1.0, -1.0

    def log_w(self, ops: Ops, s: Samples) -> Array:
        """Return log p(x, z) - log q(z given x), (batch, K) in nats."""
        log_w = ops.log_weight_forward(s.reconstruction, s.repeated(s.logvar), s.noise, s.z)
        return log_w.reshape(-1, s.k)  # type: ignore[no-any-return]

    def forward(self, ops: Ops, s: Samples) -> Array:
        """Return the loss, a mean over the batch in nats."""
        loss: Array = -ops.importance_bound_forward(self.log_w(ops, s)).mean()
        return loss

    def sample_weights(self, ops: Ops, s: Samples) -> Array:
        """Return the derivative of the loss by each sample's reconstruction, (batch * K,)."""
        weights = ops.importance_bound_backward(self.log_w(ops, s)).reshape(-1)
        return weights / s.z.dtype.type(len(s.mu))  # type: ignore[no-any-return]

    def backward(self, ops: Ops, s: Samples, dz: Array) -> tuple[Array, Array]:
        """Return (dmu, dlogvar), (batch, latent_dim), from dz, what the decoder sent back."""
        logvar, weights = s.repeated(s.logvar), self.sample_weights(ops, s)
        if self.estimator == "iwae":
            dz_w, dlogvar_w = ops.log_weight_backward(-weights, s.z)
            dz = dz + dz_w
        else:
            dz = dz + ops.path_backward(-weights, logvar, s.noise, s.z)
            dlogvar_w = 0.0
        if self.estimator == "dreg":
            dz = dz * (weights * weights.dtype.type(len(s.mu)))[:, None]
        dmu, dlogvar = ops.reparameterize_backward(dz, logvar, s.noise)
        return s.summed(dmu), s.summed(dlogvar + dlogvar_w)


Objective = Elbo | ImportanceWeighted


@lru_cache(maxsize=64)
def make_objective(name: str, beta: float = 1.0, free_bits: float | None = None) -> Objective:
    """Return the objective of that name.

    Raises
    ------
    OptionError, SizeError
        If the name is not known, or a number is out of its range.
    UsageError
        If beta or free_bits is given to an objective without a KL term of its own.
    """
    check_option("objective", name, OBJECTIVES)
    beta = check_number("beta", beta, at_least=0.0)
    if free_bits is not None:
        free_bits = check_number("free_bits", free_bits, at_least=0.0)
    if name == "elbo":
        return Elbo(beta, free_bits)
    if beta != 1.0 or free_bits is not None:
        given = f"beta={beta!r}" if beta != 1.0 else f"free_bits={free_bits!r}"
        raise UsageError(
            f"objective={name!r} has no KL term that {given} could weigh; leave it out, or choose "
            "objective='elbo'."
        )
    return ImportanceWeighted(name)
