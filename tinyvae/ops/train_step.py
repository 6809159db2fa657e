"""The fused step of one model: its buffers, and how many threads a step deserves."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from tinyvae.ops import layout as at
from tinyvae.ops.fused_step import EVERYTHING, ask_for, step_in_parts
from tinyvae.ops.layout import Layout, Network
from tinyvae.ops.machine.workers import run_shared, threads_for

Array = NDArray[Any]


class TrainStep:
    """The whole step of one model, with its buffers.

    Parameters
    ----------
    values : vector
        All parameters of the model; moved in place.
    network : Network
        What they mean.  A learned log_sigma is their last entry.
    threads : int or None
        At most so many; None: as many as the work deserves.
    """

    def __init__(self, values: Array, network: Network, threads: int | None) -> None:
        self.values, self.network, self.threads = values, network, threads
        self._layout: Layout | None = None
        self._room = (0, 0)  # examples and samples that the layout has buffers for
        self._asked: set[tuple[int, bool]] = set()  # objectives whose kernels are there

    def __call__(
        self,
        x: Array,
        noise: Array,
        labels: Array,
        adam: tuple[Array, Array, Array],
        objective: tuple[int, int, float, float],
        log_sigma: float,
    ) -> tuple[float, float, float]:
        """Do a step and return (loss, reconstruction, kl); change nothing if not finite.

        Parameters
        ----------
        x : (batch, input_dim) array
        noise : (batch * samples, latent_dim) array
        labels : (batch,) int64 array
            Empty for a model without labels.
        adam : (m, v, constants)
            ``constants`` are those of ``fast.adam_constants``.
        objective : (code, samples, beta, free_bits)
            Place in ``reference.OBJECTIVES``, samples of z an example, and what ``elbo`` weighs
            its KL with; free_bits below 0 means none.
        log_sigma : float
            Of a Gaussian likelihood.
        """
        code, samples, beta, free_bits = objective
        flops = 6.0 * len(x) * samples * self.values.size
        threads = min(len(x), at.MOST_THREADS, threads_for(flops, self.threads))
        wanted = code, free_bits >= 0.0
        if wanted not in self._asked:
            ask_for(self.network, code, free_bits)
            self._asked.add(wanted)
        layout, network = self._layout_for(len(x), samples), self.network
        run_shared(
            step_in_parts, threads, EVERYTHING, self.values, *adam, *layout, x, noise, labels,
            len(network.encoder) - 1, network.n_classes, network.likelihood, code, samples,
            log_sigma, beta, free_bits,
        )  # fmt: skip
        loss, reconstruction, kl, _ = layout.means.tolist()
        return loss, reconstruction, kl

    def _layout_for(self, batch: int, samples: int) -> Layout:
        most, repeated = self._room
        if self._layout is None or most < batch or repeated != samples:
            self._layout = at.make_layout(self.network, batch, samples, self.values.dtype)
            self._room = (batch, samples)
        return self._layout
