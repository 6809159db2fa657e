"""The fused step of one model: its buffers, and how many threads a step deserves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.ops import layout as at
from tinyvae.ops.fused_step import EVERYTHING, ask_for, step_in_parts
from tinyvae.ops.layout import Layout, Network
from tinyvae.ops.machine.jit import JIT_DISABLED
from tinyvae.ops.machine.work_queue import ENTRY, WHOLE, new_queue
from tinyvae.ops.machine.workers import FLOPS_PER_THREAD, run_shared, threads_for
from tinyvae.ops.steps import steps_in_turn

Array = NDArray[Any]

# A call for many steps ends after so many operations (some 25 ms where there are no vectors, a few
# where there are), numbers of x and noise (1 MB, which the caches hold), and steps.
MOST_FLOPS, MOST_NUMBERS, MOST_STEPS = 2.5e8, 1 << 18, 256


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
        self._queue = new_queue()  # of the steps that one thread does
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
        flops = self._flops(len(x), objective[1])
        threads = min(len(x), at.MOST_THREADS, threads_for(flops, self.threads))
        return self._step(threads, x, noise, labels, adam, objective, log_sigma)

    def _step(
        self,
        threads: int,
        x: Array,
        noise: Array,
        labels: Array,
        adam: tuple[Array, Array, Array],
        objective: tuple[int, int, float, float],
        log_sigma: float,
    ) -> tuple[float, float, float]:
        code, samples, beta, free_bits = objective
        self._ask_for(code, free_bits)
        layout, network = self._layout_for(len(x), samples), self.network
        arguments = (
            EVERYTHING, self.values, *adam, *layout, x, noise, labels, len(network.encoder) - 1,
            network.n_classes, network.likelihood, code, samples, log_sigma, beta, free_bits,
        )  # fmt: skip
        if threads == 1:
            step_in_parts(WHOLE, 1, self._queue, *arguments)
        else:
            run_shared(step_in_parts, threads, *arguments)
        loss, reconstruction, kl, _ = layout.means.tolist()
        return loss, reconstruction, kl

    def at_once(self, batch: int, samples: int) -> int:
        """Return how many steps a call of ``in_turn`` may do; 1 where it would save nothing."""
        flops = self._flops(batch, samples)
        if JIT_DISABLED or flops >= 2 * FLOPS_PER_THREAD:  # enough for a second thread
            return 1
        numbers = batch * (self.network.encoder[0] + samples * self.network.decoder[0])
        return max(1, int(min(MOST_STEPS, MOST_FLOPS // flops, MOST_NUMBERS // numbers)))

    def in_turn(
        self,
        x: Array,
        noise: Array,
        labels: Array,
        batch: int,
        adam: tuple[Array, Array, Array],
        objective: tuple[int, int, Array, float],
        log_sigma: float,
    ) -> Array:
        """Do a step on every ``batch`` rows of x, the last perhaps on fewer, on one thread.

        As many calls would, to the bit.  x, noise and labels have all the steps' rows, one step
        after the other; ``constants`` of Adam and beta a row for each step.

        Returns
        -------
        (done, 3) float64 array
            loss, reconstruction and kl of each step, up to the first that is not finite.
        """
        m, v, constants = adam
        code, samples, betas, free_bits = objective
        self._ask_for(code, free_bits)
        layout, network = self._layout_for(batch, samples), self.network
        terms = np.empty((len(betas), 3))
        done = 0
        if not self._queue[ENTRY]:  # nobody knows the address of ``step_in_parts`` yet
            first = x[:batch], noise[: batch * samples], labels[:batch], (m, v, constants[0])
            terms[0] = self._step(1, *first, (code, samples, float(betas[0]), free_bits), log_sigma)
            done = 1
            if not np.isfinite(terms[0, 0]):
                return terms[:0]
        done += steps_in_turn(
            int(self._queue[ENTRY]), self._queue, EVERYTHING, batch, terms[done:],
            constants[done:].reshape(-1), betas[done:], self.values, m, v, *layout,
            x[done * batch :].reshape(-1), noise[done * batch * samples :].reshape(-1),
            labels[done * batch :], len(network.encoder) - 1, network.n_classes,
            network.likelihood, code, samples, log_sigma, free_bits,
        )  # fmt: skip
        return terms[:done]

    def _ask_for(self, code: int, free_bits: float) -> None:
        wanted = code, free_bits >= 0.0
        if wanted not in self._asked:
            ask_for(self.network, code, free_bits)
            self._asked.add(wanted)

    def _flops(self, batch: int, samples: int) -> float:
        return 6.0 * batch * samples * self.values.size

    def _layout_for(self, batch: int, samples: int) -> Layout:
        most, repeated = self._room
        if self._layout is None or most < batch or repeated != samples:
            self._layout = at.make_layout(self.network, batch, samples, self.values.dtype)
            self._room = (batch, samples)
        return self._layout
