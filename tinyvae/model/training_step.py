"""A training step, and the weighing of samples: fused on Numba, by operations elsewhere."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.model.adam import Adam
from tinyvae.model.config import Architecture
from tinyvae.model.likelihoods import Gaussian, Likelihood
from tinyvae.model.network import Network
from tinyvae.model.objectives import Objective, Terms
from tinyvae.ops.reference import ACTIVATIONS, LIKELIHOODS

Array = NDArray[Any]

_NO_LABELS = np.empty(0, np.int64)


class StepByOperations:
    """Forward, backward and Adam, one operation after the other."""

    def __init__(self, network: Network) -> None:
        self.network = network

    def __call__(
        self, x: Array, noise: Array, labels: Array | None, adam: Adam, objective: Objective
    ) -> Terms:
        """Do a step; change nothing if the loss is not finite."""
        with np.errstate(all="ignore"):  # the caller names what overflows
            values = self.network.forward(x, noise, labels)
            terms = self.network.terms(values, objective)
        if math.isfinite(terms.loss):
            self.network.backward(values, x, objective, labels)
            adam.step()
        return terms

    def at_once(self, batch: int, samples: int) -> int:
        """Return how many steps of so many rows and samples go into one call."""
        return 1


def described(architecture: Architecture, network: Network) -> Any:
    """Return the model as the kernels see it, a ``tinyvae.ops.layout.Network``."""
    from tinyvae.ops.layout import NO_LABEL
    from tinyvae.ops.layout import Network as Described

    offsets = network.parameters.offsets
    arrays = [
        tuple(
            offsets.get(f"{net.name}.{i}.{kind}", NO_LABEL)
            for kind in ("weight", "bias", "label_weight")
        )
        for net in (network.encoder, network.decoder)
        for i in range(net.depth)
    ]
    return Described(
        encoder=network.encoder.widths,
        decoder=network.decoder.widths,
        offsets=arrays,
        n_classes=architecture.n_classes or 0,
        activation=ACTIVATIONS.index(architecture.activation),
        likelihood=LIKELIHOODS.index(architecture.likelihood),
    )


def log_sigma_of(likelihood: Likelihood) -> float:
    """Return log sigma of a Gaussian likelihood, and 0 of the others, which have none."""
    return float(likelihood.log_sigma[0]) if isinstance(likelihood, Gaussian) else 0.0


class FusedWeigh:
    """The decoder on many samples of z in one compiled call; see ``ops/weigh.py``."""

    def __init__(self, architecture: Architecture, network: Network) -> None:
        from tinyvae.ops.weigh import Weigh

        self.likelihood, values = network.likelihood, network.parameters.values
        self.weigh = Weigh(values, described(architecture, network), architecture.threads)

    def __call__(
        self, x: Array, posterior: tuple[Array, Array], noise: Array, labels: Array | None
    ) -> tuple[Array, Array]:
        """Return reconstruction and log_w, (batch, K) nats."""
        mu, logvar = (np.ascontiguousarray(array, dtype=x.dtype) for array in posterior)
        told = _NO_LABELS if labels is None else labels
        return self.weigh(
            np.ascontiguousarray(x), told, (mu, logvar), noise, log_sigma_of(self.likelihood)
        )


class FusedStep:
    """The same in one compiled call; see ``ops/fused_step.py``.

    The weight gradients go straight into Adam: ``parameters.gradients`` is left as it was.
    """

    def __init__(self, architecture: Architecture, network: Network) -> None:
        from tinyvae.ops.train_step import TrainStep

        self.likelihood, values = network.likelihood, network.parameters.values
        self.step = TrainStep(values, described(architecture, network), architecture.threads)

    def __call__(
        self, x: Array, noise: Array, labels: Array | None, adam: Adam, objective: Objective
    ) -> Terms:
        """Do a step; change nothing if the loss is not finite."""
        code, beta, free_bits = objective.code()
        terms = self.step(
            x,
            noise,
            _NO_LABELS if labels is None else labels,
            (adam.m, adam.v, adam.next_constants()),
            (code, len(noise) // len(x), beta, free_bits),
            log_sigma_of(self.likelihood),
        )
        adam.step_count += math.isfinite(terms[0])
        return Terms(*terms)

    def at_once(self, batch: int, samples: int) -> int:
        """Return how many steps of so many rows and samples go into one call of ``in_turn``."""
        return self.step.at_once(batch, samples)

    def in_turn(
        self,
        x: Array,
        noise: Array,
        labels: Array | None,
        batch: int,
        adam: Adam,
        objective: Objective,
        rates: Array,
        betas: Array,
    ) -> Array:
        """Do a step on every ``batch`` rows in one compiled call, with the results of many calls.

        Parameters
        ----------
        x, noise, labels
            Of all steps, one after the other; the last step may have fewer rows than ``batch``.
        rates, betas : (steps,) float64 array
            Learning rate and weight of the KL of each step.

        Returns
        -------
        (done, 3) float64 array
            loss, reconstruction and kl of each step.  Where they are fewer than asked for, the loss
            of the next is not finite: it changed nothing.
        """
        from tinyvae.ops.steps import constants_in_turn

        code, _, free_bits = objective.code()
        constants = constants_in_turn(
            adam.step_count + 1, rates, adam.beta1, adam.beta2, adam.epsilon, adam.m.dtype
        )
        terms = self.step.in_turn(
            x,
            noise,
            _NO_LABELS if labels is None else labels,
            batch,
            (adam.m, adam.v, constants),
            (code, len(noise) // len(x), betas, free_bits),
            log_sigma_of(self.likelihood),
        )
        adam.step_count += len(terms)
        return terms
