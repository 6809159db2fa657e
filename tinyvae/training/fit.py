"""The loop: shuffled minibatches, schedules, validation, history, and stopping without loss.

What changes while it runs lies in ``run_state.py``.  No mathematics here.
"""

from __future__ import annotations

import math
import time
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from tinyvae.data import gather_batch
from tinyvae.errors import NonFiniteLossError, UsageError
from tinyvae.model.adam import scheduled_rate
from tinyvae.model.evaluation import evaluate
from tinyvae.model.vae import VAE
from tinyvae.training.history import History
from tinyvae.training.interrupt import StopRequest
from tinyvae.training.options import TrainingOptions
from tinyvae.training.state import RunState, generator_at

__all__ = ["Training", "TrainingOptions", "fit"]

Array = NDArray[Any]


def fit(
    vae: VAE,
    train: Array,
    *,
    validation: Array | None = None,
    checkpoint: str | PathLike[str] | None = None,
    resume: bool = False,
    progress: bool = True,
    **options: Any,
) -> History:
    """Train a model, in place.

    Tutorial 08, equation (8.8).

    Parameters
    ----------
    vae : VAE
    train : (n, input_dim) array
        uint8, float32 or float64.
    validation : (m, input_dim) array, optional
        Looked at after every epoch, with the same noise each time.
    checkpoint : path, optional
        Written every ten seconds or so, at the end, and on Ctrl-C.
    resume : bool
        Continue from ``checkpoint`` as if never stopped; ``vae`` takes its weights.
    progress : bool
        Whether to show a progress bar.
    **options
        The attributes of ``TrainingOptions``: epochs, batch_size, learning_rate, schedule, beta,
        warmup_epochs, binarize, patience, seed.

    Returns
    -------
    History
        One row an epoch; ``history.interrupted`` after Ctrl-C.

    Raises
    ------
    DataError, UsageError
        If the data or an option cannot be used.
    NonFiniteLossError
        If the loss stops being finite; the model keeps its last good weights.
    CheckpointError
        If there is nothing to continue, or it is damaged, or of another run.
    WriteError
        If the checkpoint cannot be written; the previous one stays.

    Examples
    --------
    >>> history = fit(vae, digits.train, validation=digits.test, epochs=20)  # doctest: +SKIP
    """
    training = Training(vae, train, validation, TrainingOptions(**options))
    if resume:
        if checkpoint is None:
            raise UsageError("resume=True needs checkpoint=: the file to continue from.")
        training.restore(checkpoint)
    return training.run(checkpoint, progress=progress)


class Training(RunState):
    """A run that moves; its arguments and attributes are those of ``RunState``."""

    @property
    def steps_per_epoch(self) -> int:
        """How many steps one pass through the data takes, the last possibly with fewer rows."""
        return -(-len(self.train) // self.options.batch_size)

    @cached_property
    def _buffers(self) -> tuple[Array, Array]:
        """Return room for x and for noise."""
        widths = self.vae.input_dim, self.vae.latent_dim
        x, noise = (np.empty((self.options.batch_size, w), self.vae.dtype) for w in widths)
        return x, noise

    # The loop ------------------------------------------------------------------------------

    def run(
        self, checkpoint: str | PathLike[str] | None = None, *, progress: bool = True
    ) -> History:
        """Train until the last epoch, early stopping, or Ctrl-C; see ``fit``."""
        total = self.options.epochs * self.steps_per_epoch
        done = self.position.epoch * self.steps_per_epoch + self.position.step
        saver = _Saver(self, checkpoint)
        if self.position.at_best:
            self.exchange_best()
        with (
            StopRequest() as stop,
            tqdm(total=total, initial=done, unit="step", disable=not progress) as bar,
        ):
            if self.vae.backend == "numba":
                bar.set_description("loading the kernels, or compiling them, once, for some 10 s")
            while self._unfinished() and not stop.requested:
                self._epoch(bar, stop, saver)
            self.history.interrupted = self._unfinished()
            if self.options.patience is not None and not self.history.interrupted:
                self.exchange_best()
            saver.save()
        return self.history

    def _unfinished(self) -> bool:
        return self.position.epoch < self.options.epochs and not self.position.finished

    def _epoch(self, bar: Any, stop: StopRequest, saver: _Saver) -> None:
        """Run what is left of the current epoch, or until a stop is asked for."""
        order = self._order()
        size = self.options.batch_size
        named = f"epoch {self.position.epoch + 1}/{self.options.epochs}"
        while self.position.step < self.steps_per_epoch:
            started = time.perf_counter()
            first = self.position.step * size
            self._step(order[first : first + size])
            if named:
                bar.set_description(named, refresh=False)  # now that the first step is done
                named = ""
            self.position.seconds += time.perf_counter() - started
            bar.update()
            saver.save_if_due()
            if stop.requested:
                return
        self.check_finite()
        self._close_epoch(bar)

    def _order(self) -> Array:
        """Return the order of rows in this epoch, the same again when resuming within it."""
        if self.position.step == 0:
            self.epoch_state = self.rng.bit_generator.state
            return self.rng.permutation(len(self.train))
        return generator_at(self.epoch_state).permutation(len(self.train))

    def _step(self, index: Array) -> None:
        n = len(index)
        x, noise = (buffer[:n] for buffer in self._buffers)
        gather_batch(self.train, index, self.rng, binarize=self.binarize, out=x)
        self.rng.standard_normal(out=noise, dtype=self.vae.dtype)
        self.adam.learning_rate = self._learning_rate()
        try:
            terms = self.vae.train_step(x, noise, self.adam, self._beta(), trusted=True)
        except NonFiniteLossError as error:
            raise self.blown_up(self.position.step + 1, str(error)) from None
        for i, value in enumerate(terms):
            self.position.sums[i] += n * value
        self.position.step += 1

    def _progress(self) -> float:
        return self.position.epoch + self.position.step / self.steps_per_epoch

    def _learning_rate(self) -> float:
        progress = self._progress() / self.options.epochs
        return scheduled_rate(self.options.learning_rate, self.options.schedule, progress)

    def _beta(self) -> float:
        warmup = self.options.warmup_epochs
        rising = 1.0 if warmup == 0.0 else min(1.0, self._progress() / warmup)
        return self.options.beta * rising

    def _close_epoch(self, bar: Any) -> None:
        """Write the epoch's row, look at the validation data, decide about stopping early."""
        position, n = self.position, len(self.train)
        loss, reconstruction, kl = (total / n for total in position.sums)
        row: dict[str, float] = {
            "epoch": position.epoch + 1,
            "train_loss": loss,
            "train_reconstruction": reconstruction,
            "train_kl": kl,
            "train_elbo": -(reconstruction + kl),
            "beta": self._beta(),
            "learning_rate": self._learning_rate(),
        }
        if self.validation is not None:
            row |= self._validate()
        row["seconds"] = position.seconds
        self.history.append(row)
        bar.set_postfix_str(_summary(row))
        position.epoch, position.step, position.sums = position.epoch + 1, 0, [0.0, 0.0, 0.0]

    def _validate(self) -> dict[str, float]:
        assert self.validation is not None
        found = evaluate(
            self.vae, self.validation, binarize=self.binarize, seed=self.options.seed + 1
        )
        position = self.position
        if not math.isfinite(found.elbo):
            raise self.blown_up(position.step, f"The ELBO of the validation data is {found.elbo}.")
        if position.best_elbo is None or found.elbo > position.best_elbo:
            position.best_elbo, position.epochs_since_best = found.elbo, 0
            self.best[:] = self.vae.parameters.values
        else:
            position.epochs_since_best += 1
            position.finished = position.epochs_since_best == self.options.patience
        return {
            "validation_reconstruction": found.reconstruction,
            "validation_kl": found.kl,
            "validation_elbo": found.elbo,
        }


def _summary(row: dict[str, float]) -> str:
    which = "validation" if "validation_elbo" in row else "train"
    terms = [f"{name} {row[f'{which}_{name}']:.2f}" for name in ("reconstruction", "kl", "elbo")]
    return f"{which}: " + ", ".join(terms) + " nats"


class _Saver:
    """Writes the checkpoint when one is due, and never one that holds NaN."""

    EVERY_SECONDS = 10.0

    def __init__(self, training: Training, path: str | PathLike[str] | None) -> None:
        self.training, self.path = training, path
        self.last = time.monotonic()

    def save_if_due(self) -> None:
        if time.monotonic() - self.last > self.EVERY_SECONDS:
            self.save()

    def save(self) -> None:
        self.training.check_finite()
        if self.path is not None:
            self.training.save(self.path)
        self.last = time.monotonic()
