"""One step of training, fused where the backend is Numba, by operations where it is not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.model.adam import Adam
from tinyvae.model.config import Architecture
from tinyvae.model.likelihoods import Gaussian
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


class FusedStep:
    """The same in one compiled call; see ``ops/fused_step.py``.

    The weight gradients go straight into Adam: ``parameters.gradients`` is left as it was.
    """

    def __init__(self, architecture: Architecture, network: Network) -> None:
        from tinyvae.ops.layout import NO_LABEL
        from tinyvae.ops.layout import Network as Described
        from tinyvae.ops.train_step import TrainStep

        self.likelihood, offsets = network.likelihood, network.parameters.offsets
        arrays = [
            tuple(
                offsets.get(f"{net.name}.{i}.{kind}", NO_LABEL)
                for kind in ("weight", "bias", "label_weight")
            )
            for net in (network.encoder, network.decoder)
            for i in range(net.depth)
        ]
        described = Described(
            encoder=network.encoder.widths,
            decoder=network.decoder.widths,
            offsets=arrays,
            n_classes=architecture.n_classes or 0,
            activation=ACTIVATIONS.index(architecture.activation),
            likelihood=LIKELIHOODS.index(architecture.likelihood),
        )
        self.step = TrainStep(network.parameters.values, described, architecture.threads)

    def __call__(
        self, x: Array, noise: Array, labels: Array | None, adam: Adam, objective: Objective
    ) -> Terms:
        """Do a step; change nothing if the loss is not finite."""
        code, beta, free_bits = objective.code()
        likelihood = self.likelihood
        terms = self.step(
            x,
            noise,
            _NO_LABELS if labels is None else labels,
            (adam.m, adam.v, adam.next_constants()),
            (code, len(noise) // len(x), beta, free_bits),
            float(likelihood.log_sigma[0]) if isinstance(likelihood, Gaussian) else 0.0,
        )
        adam.step_count += math.isfinite(terms[0])
        return Terms(*terms)
