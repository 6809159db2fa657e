"""The loop: shuffled epochs, validation, history, and stopping without loss."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from os import PathLike
from typing import Any

from numpy.typing import ArrayLike, NDArray

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
from tinyvae.training.steps import Steps

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
    steps : Steps
        What moves it.
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
        self.steps = Steps(self.state)
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
        named = f"epoch {position.epoch + 1}/{state.options.epochs}"
        while position.step < state.steps_per_epoch:
            started = time.perf_counter()
            done = self.steps(order)
            shown.describe(named)  # now that the first step, which may compile, is done
            position.seconds += time.perf_counter() - started
            shown.step(done)
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

    # The end of an epoch -------------------------------------------------------------------

    def _close_epoch(self) -> dict[str, float]:
        """Write the epoch's row, look at the validation data, decide about stopping early."""
        state, position = self.state, self.state.position
        loss, reconstruction, kl = (total / len(state.train) for total in position.sums)
        (rate,), (beta,) = (numbers.tolist() for numbers in self.steps.schedule(1))
        row: dict[str, float] = {
            "epoch": position.epoch + 1,
            "train_loss": loss,
            "train_reconstruction": reconstruction,
            "train_kl": kl,
            "train_elbo": -(reconstruction + kl),
            "beta": beta,
            "learning_rate": rate,
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
