"""The loop: shuffled minibatches, schedules, validation, history, and stopping without loss."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinyvae.data import gather_batch
from tinyvae.errors import NonFiniteLossError
from tinyvae.model.adam import scheduled_rate
from tinyvae.model.evaluation import evaluate
from tinyvae.model.vae import VAE
from tinyvae.training.history import History
from tinyvae.training.interrupt import StopRequest
from tinyvae.training.options import TrainingOptions
from tinyvae.training.position import generator_at
from tinyvae.training.progress import Progress, progress_for
from tinyvae.training.record import restore_state
from tinyvae.training.saving import Saver
from tinyvae.training.state import RunState

Array = NDArray[Any]
Callback = Callable[[dict[str, float]], object]

_WAITING = "loading the kernels; the first time compiles them, some 5 s"


class Training:
    """A run that moves.

    Parameters
    ----------
    vae, train, validation, options, labels, validation_labels
        As in ``RunState``.

    Attributes
    ----------
    state : RunState
        Where it stands.
    stopped_by : int or None
        The number of the signal that ended it.
    """

    def __init__(
        self,
        vae: VAE,
        train: Array,
        validation: Array | None,
        options: TrainingOptions,
        *,
        labels: ArrayLike | None = None,
        validation_labels: ArrayLike | None = None,
    ) -> None:
        self.state = RunState(
            vae, train, validation, options, labels=labels, validation_labels=validation_labels
        )
        size = self.state.options.batch_size
        self._x = np.empty((size, vae.input_dim), vae.dtype)
        self._noise = np.empty((size * options.n_samples, vae.latent_dim), vae.dtype)
        self.stopped_by: int | None = None

    def restore(self, path: str | PathLike[str]) -> None:
        """Continue from a checkpoint.

        Raises
        ------
        CheckpointError
            If it is damaged, or of another run; nothing has changed then.
        """
        restore_state(self.state, path)

    def run(
        self,
        checkpoint: str | PathLike[str] | None = None,
        *,
        progress: bool = True,
        callback: Callback | None = None,
        save_every: int | None = None,
        before_save: Callable[[], None] | None = None,
        at_most: float | None = None,
    ) -> History:
        """Train until the last epoch, early stopping, or a signal; see ``fit``.

        After ``at_most`` seconds it stops as after a signal.
        """
        state = self.state
        saver = Saver(state, checkpoint, save_every, before_save)
        steps, position = state.steps_per_epoch, state.position
        state.begin()
        if position.at_best:
            state.exchange_best()
        with (
            StopRequest() as stop,
            progress_for(
                progress,
                total=state.options.epochs * steps,
                done=position.epoch * steps + position.step,
            ) as shown,
        ):
            if at_most is not None:
                stop.deadline = time.monotonic() + at_most
            if state.vae.backend == "numba" and state.unfinished:
                shown.describe(_WAITING)
            while state.unfinished and not stop.requested:
                self._epoch(shown, stop, saver, callback)
            self.stopped_by = stop.signal
            state.history.interrupted = state.unfinished
            if state.options.patience is not None and not state.history.interrupted:
                state.exchange_best()
            saver.save()
        return state.history

    def _epoch(
        self, shown: Progress, stop: StopRequest, saver: Saver, callback: Callback | None
    ) -> None:
        """Run what is left of the current epoch, or until a stop is asked for."""
        state, position = self.state, self.state.position
        order = self._order()
        size = state.options.batch_size
        named = f"epoch {position.epoch + 1}/{state.options.epochs}"
        while position.step < state.steps_per_epoch:
            started = time.perf_counter()
            first = position.step * size
            self._step(order[first : first + size])
            shown.describe(named)  # now that the first step, which may compile, is done
            position.seconds += time.perf_counter() - started
            shown.step()
            saver.save_if_due()
            if stop.requested:
                return
        state.check_finite()
        row = self._close_epoch()
        shown.row(row)
        saver.keep_if_due()
        if callback is not None:
            callback(dict(row))

    def _order(self) -> Array:
        """Return the order of rows in this epoch, the same again when resuming within it."""
        state = self.state
        if state.position.step == 0:
            state.epoch_state = state.rng.bit_generator.state
            return state.rng.permutation(len(state.train))
        return generator_at(state.epoch_state).permutation(len(state.train))

    def _step(self, index: Array) -> None:
        state, n = self.state, len(index)
        options = state.options
        x, noise = self._x[:n], self._noise[: n * options.n_samples]
        labels = None if state.labels is None else state.labels[index]
        gather_batch(state.train, index, state.rng, binarize=state.binarize, out=x)
        state.rng.standard_normal(out=noise, dtype=state.vae.dtype)
        state.adam.learning_rate = self._learning_rate()
        try:
            terms = state.vae.train_step(
                x,
                noise,
                state.adam,
                self._beta(),
                objective=options.objective,
                free_bits=options.free_bits,
                labels=labels,
                trusted=True,
            )
        except NonFiniteLossError as error:
            raise state.blown_up(state.position.step + 1, str(error)) from None
        for i, value in enumerate(terms):
            state.position.sums[i] += n * value
        state.position.step += 1

    # Schedules -----------------------------------------------------------------------------

    def _progress(self) -> float:
        return self.state.position.epoch + self.state.position.step / self.state.steps_per_epoch

    def _learning_rate(self) -> float:
        options, epoch = self.state.options, self._progress()
        return scheduled_rate(
            options.learning_rate, options.schedule, epoch / options.epochs, epoch
        )

    def _beta(self) -> float:
        warmup = self.state.options.warmup_epochs
        rising = 1.0 if warmup == 0.0 else min(1.0, self._progress() / warmup)
        return self.state.options.beta * rising

    # The end of an epoch -------------------------------------------------------------------

    def _close_epoch(self) -> dict[str, float]:
        """Write the epoch's row, look at the validation data, decide about stopping early."""
        state, position = self.state, self.state.position
        loss, reconstruction, kl = (total / len(state.train) for total in position.sums)
        row: dict[str, float] = {
            "epoch": position.epoch + 1,
            "train_loss": loss,
            "train_reconstruction": reconstruction,
            "train_kl": kl,
            "train_elbo": -(reconstruction + kl),
            "beta": self._beta(),
            "learning_rate": self._learning_rate(),
        }
        if state.validation is not None:
            row |= self._validate(state.validation)
        row["seconds"] = position.seconds
        state.history.append(row)
        position.epoch, position.step, position.sums = position.epoch + 1, 0, [0.0, 0.0, 0.0]
        return row

    def _validate(self, validation: Array) -> dict[str, float]:
        state, position = self.state, self.state.position
        found = evaluate(
            state.vae,
            validation,
            binarize=state.binarize,
            seed=state.options.seed + 1,
            labels=state.validation_labels,
        )
        if not math.isfinite(found.elbo):
            raise state.blown_up(position.step, f"The ELBO of the validation data is {found.elbo}.")
        if position.best_elbo is None or found.elbo > position.best_elbo:
            position.best_elbo, position.epochs_since_best = found.elbo, 0
            state.best[:] = state.vae.parameters.values
        else:
            position.epochs_since_best += 1
            position.finished = position.epochs_since_best == state.options.patience
        return {
            "validation_reconstruction": found.reconstruction,
            "validation_kl": found.kl,
            "validation_elbo": found.elbo,
        }
