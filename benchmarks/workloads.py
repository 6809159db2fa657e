"""What is timed: networks, batches and data, the same for every contender.

A workload fixes the first weights too, so that contenders can be held to the same losses.  It
knows no contender.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

ROWS = 60_000


@dataclass(frozen=True)
class Workload:
    """A network and a way to feed it.

    ``encoder`` ends in twice the latent width: ``[mu, raw_logvar]``.  Hidden layers have
    ``activation``; the data are grey levels under a Bernoulli likelihood, binarized anew at every
    access if ``stochastic``, or real numbers under a ``gaussian`` one with sigma = 1.
    With ``samples`` of z for each row the loss is minus the importance-weighted bound, and noise is
    (batch * samples, latent_dim), the samples of a row next to each other.
    """

    name: str
    encoder: tuple[int, ...]
    decoder: tuple[int, ...]
    activation: str
    batch: int
    stochastic: bool
    samples: int = 1
    gaussian: bool = False

    @property
    def latent_dim(self) -> int:
        return self.decoder[0]

    @property
    def input_dim(self) -> int:
        return self.encoder[0]

    @property
    def layers(self) -> list[tuple[int, int]]:
        return [*pairwise(self.encoder), *pairwise(self.decoder)]

    @property
    def product_flops(self) -> float:
        """Operations of a step's matrix products: forward, weights, and inputs but the first."""
        sizes = [
            fan_in * fan_out * rows
            for (fan_in, fan_out), rows in zip(self.layers, self.rows, strict=True)
        ]
        return 2.0 * (3 * sum(sizes) - sizes[0])

    @property
    def rows(self) -> list[int]:
        """How many rows go through each layer in a step."""
        encoder, decoder = len(self.encoder) - 1, len(self.decoder) - 1
        return [self.batch] * encoder + [self.batch * self.samples] * decoder

    @property
    def white(self) -> float:
        """The number in the data that means 1."""
        return 1.0 if self.gaussian else 255.0

    def weights(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """First weights and biases, float32, one pair a layer (Glorot, seed 0)."""
        rng = np.random.default_rng(0)
        pairs = []
        for fan_in, fan_out in self.layers:
            bound = np.sqrt(6.0 / (fan_in + fan_out))
            weight = rng.uniform(-bound, bound, (fan_in, fan_out)).astype(np.float32)
            pairs.append((weight, np.zeros(fan_out, np.float32)))
        return pairs

    def data(self) -> np.ndarray:
        """(60,000, input_dim): digits where the width fits, else noise; uint8, or float32."""
        if self.input_dim == 784:
            from tinyvae import load_data

            images = load_data("digits").train
            return np.tile(images, (ROWS // len(images), 1))
        rng = np.random.default_rng(1)
        smooth = rng.standard_normal((ROWS, 2)) @ rng.standard_normal((2, self.input_dim))
        if self.gaussian:
            return smooth.astype(np.float32)
        return np.clip(128 + 90 * smooth, 0, 255).astype(np.uint8)

    def check_batch(self) -> tuple[np.ndarray, np.ndarray]:
        """One batch of x and noise, float32, on which all contenders must agree."""
        rng = np.random.default_rng(2)
        x = self.data()[: self.batch].astype(np.float32) / np.float32(self.white)
        if self.stochastic:
            x = (x > 0.5).astype(np.float32)
        shape = (self.batch * self.samples, self.latent_dim)
        return x, rng.standard_normal(shape, dtype=np.float32)


_IWAE = ((784, 200, 200, 100), (50, 200, 200, 784), "tanh")

WORKLOADS = {
    w.name: w
    for w in (
        Workload("W1", (784, 400, 40), (20, 400, 784), "relu", 128, stochastic=False),
        Workload("W2-b20", *_IWAE, 20, stochastic=True),
        Workload("W2-b100", *_IWAE, 100, stochastic=True),
        Workload("W2-k5", *_IWAE, 20, stochastic=True, samples=5),
        Workload("W2-k50", *_IWAE, 20, stochastic=True, samples=50),
        Workload("W3", (64, 128, 4), (2, 128, 64), "relu", 64, stochastic=False),
        Workload("toy", (2, 32, 4), (2, 32, 2), "relu", 64, stochastic=False, gaussian=True),
    )
}
