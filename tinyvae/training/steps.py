"""The next step of a run, or as many as go into one call: rows, noise, schedules, sums of terms.

The generator draws what binarizes a step's rows and then its noise, step after step, however many
steps a call has.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.data import gather_batch
from tinyvae.errors import NonFiniteLossError
from tinyvae.model.objectives import make_objective
from tinyvae.model.training_step import FusedStep
from tinyvae.training.schedules import scheduled_rate
from tinyvae.training.state import RunState

Array = NDArray[Any]


class Steps:
    """Moves a run forward, within an epoch.

    Parameters
    ----------
    state : RunState

    Attributes
    ----------
    at_once : int
        At most so many steps go into one call: 1, but for small models on the Numba backend.
    """

    def __init__(self, state: RunState) -> None:
        self.state = state
        vae, options = state.vae, state.options
        size, samples = options.batch_size, options.n_samples
        self.at_once = min(vae.stepper.at_once(size, samples), state.steps_per_epoch)
        self._x = np.empty((self.at_once * size, vae.input_dim), vae.dtype)
        self._noise = np.empty((self.at_once * size * samples, vae.latent_dim), vae.dtype)

    def __call__(self, order: Array) -> int:
        """Do the next steps of the epoch in which the rows come in this order; return how many.

        Raises
        ------
        NonFiniteLossError
            If a loss is not finite; the weights are those from before its step.
        """
        size, step = self.state.options.batch_size, self.state.position.step
        index = order[step * size : (step + self.at_once) * size]
        x, noise = self._draw(index)
        labels = None if self.state.labels is None else self.state.labels[index]
        return self._several(x, noise, labels) if len(x) > size else self._one(x, noise, labels)

    def schedule(self, count: int) -> tuple[Array, Array]:
        """Return the learning rate and the weight of the KL of so many steps from here on."""
        options, position = self.state.options, self.state.position
        steps = np.arange(position.step, position.step + count)
        epochs = position.epoch + steps / self.state.steps_per_epoch
        rates, rising = np.full(count, options.learning_rate), np.ones(count)
        if options.schedule != "constant":
            rates[:] = [
                scheduled_rate(options.learning_rate, options.schedule, at / options.epochs, at)
                for at in epochs.tolist()
            ]
        if options.warmup_epochs > 0.0:
            rising = np.minimum(1.0, epochs / options.warmup_epochs)
        return rates, options.beta * rising

    def _draw(self, index: Array) -> tuple[Array, Array]:
        """Return the rows of the steps to come, as the model sees them, and their noise."""
        state, samples = self.state, self.state.options.n_samples
        x, noise = self._x[: len(index)], self._noise[: len(index) * samples]
        # What draws nothing in between can be done for all steps together.
        apart = state.binarize == "stochastic"
        size = state.options.batch_size if apart else len(index)
        for start in range(0, len(index), size):
            rows = slice(start, start + size)
            gather_batch(state.train, index[rows], state.rng, binarize=state.binarize, out=x[rows])
            drawn = noise[rows.start * samples : rows.stop * samples]
            state.rng.standard_normal(out=drawn, dtype=state.vae.dtype)
        return x, noise

    def _one(self, x: Array, noise: Array, labels: Array | None) -> int:
        state, options = self.state, self.state.options
        (rate,), (beta,) = (numbers.tolist() for numbers in self.schedule(1))
        state.adam.learning_rate = rate
        try:
            terms = state.vae.train_step(
                x,
                noise,
                state.adam,
                beta,
                objective=options.objective,
                free_bits=options.free_bits,
                labels=labels,
                trusted=True,
            )
        except NonFiniteLossError as error:
            raise state.blown_up(state.position.step + 1, str(error)) from None
        self._count(np.array([terms]), [len(x)])
        return 1

    def _several(self, x: Array, noise: Array, labels: Array | None) -> int:
        """Do all of these steps in one call, or those before the first that blows up."""
        state, options = self.state, self.state.options
        size, starts = options.batch_size, range(0, len(x), options.batch_size)
        rates, betas = self.schedule(len(starts))
        objective = make_objective(options.objective, options.beta, options.free_bits)
        stepper = state.vae.stepper
        assert isinstance(stepper, FusedStep)
        terms = stepper.in_turn(x, noise, labels, size, state.adam, objective, rates, betas)
        done = len(terms)
        self._count(terms, [len(x[start : start + size]) for start in starts[:done]])
        if done < len(starts):  # by itself it says what blew up
            rows = slice(starts[done], starts[done] + size)
            samples = slice(rows.start * options.n_samples, rows.stop * options.n_samples)
            done += self._one(x[rows], noise[samples], None if labels is None else labels[rows])
        return done

    def _count(self, terms: Array, rows: list[int]) -> None:
        """Add the terms of steps, (steps, 3), to those of the epoch, one step after the other."""
        position = self.state.position
        weighed = terms * np.array(rows, dtype=np.float64)[:, None]
        position.sums = np.add.accumulate([position.sums, *weighed])[-1].tolist()
        position.step += len(rows)
