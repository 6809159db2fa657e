"""The loop: shuffled minibatches, schedules, validation, history, and stopping without loss.

Everything a run is at any moment lies in one ``Training`` object, and in the checkpoint it writes:
weights, Adam's memory, the generator's state and the place in the data.  A run that continues from
a checkpoint is therefore the same run, bit for bit.  No mathematics here.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from tinyvae.adam import SCHEDULES, Adam, scheduled_rate
from tinyvae.checkpoint import read_checkpoint, take, write_checkpoint
from tinyvae.data import check_data, gather_batch
from tinyvae.errors import (
    CheckpointError,
    NonFiniteLossError,
    SizeError,
    check_count,
    check_number,
    check_option,
)
from tinyvae.evaluation import default_binarize, evaluate
from tinyvae.history import History
from tinyvae.interrupt import StopRequest
from tinyvae.vae import VAE

Array = NDArray[Any]


@dataclass(frozen=True)
class TrainingOptions:
    """How to train; the arguments of ``fit``, checked.

    Attributes
    ----------
    epochs : int
        Passes through the data.
    batch_size : int
        Rows in a step; the last step of an epoch may have fewer.
    learning_rate : float
    schedule : str
        ``"constant"``, or ``"cosine"``: down to zero over all epochs, step by step.
    beta : float
        Weight of the KL term.
    warmup_epochs : float
        The weight rises linearly from 0 to ``beta`` over so many epochs (0: none).
    binarize : str or None
        ``"stochastic"``, ``"threshold"`` or ``"none"``; None is stochastic for a Bernoulli
        likelihood and none for the others.
    patience : int or None
        Stop after so many epochs without a better validation ELBO, and go back to the best
        weights.  None: never.
    seed : int
        Of shuffling, binarization and noise.
    """

    epochs: int = 20
    batch_size: int = 128
    learning_rate: float = 1e-3
    schedule: str = "constant"
    beta: float = 1.0
    warmup_epochs: float = 0.0
    binarize: str | None = None
    patience: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_count("epochs", self.epochs, at_least=0)
        check_count("batch_size", self.batch_size)
        check_number("learning_rate", self.learning_rate, above=0.0)
        check_option("schedule", self.schedule, SCHEDULES)
        check_number("beta", self.beta, at_least=0.0)
        check_number("warmup_epochs", self.warmup_epochs, at_least=0.0)
        if self.binarize is not None:
            check_option("binarize", self.binarize, ("stochastic", "threshold", "none"))
        if self.patience is not None:
            check_count("patience", self.patience)
        check_count("seed", self.seed, at_least=0)


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

    Examples
    --------
    >>> history = fit(vae, digits.train, validation=digits.test, epochs=20)  # doctest: +SKIP
    """
    training = Training(vae, train, validation, TrainingOptions(**options))
    if resume:
        if checkpoint is None:
            raise CheckpointError("resume=True needs checkpoint=: the file to continue from.")
        training.restore(checkpoint)
    return training.run(checkpoint, progress=progress)


@dataclass
class _Position:
    """Where a run stands: everything that changes besides arrays, fit for JSON."""

    epoch: int = 0
    step: int = 0  # within the epoch
    seconds: float = 0.0
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])  # Terms, times rows
    best_elbo: float | None = None
    epochs_since_best: int = 0
    finished: bool = False


class Training:
    """A run in progress.

    Parameters
    ----------
    vae : VAE
    train : (n, input_dim) array
    validation : (m, input_dim) array or None
    options : TrainingOptions
    """

    def __init__(
        self, vae: VAE, train: Array, validation: Array | None, options: TrainingOptions
    ) -> None:
        check = {"likelihood": vae.likelihood, "input_dim": vae.input_dim}
        self.train = check_data(train, argument="train", **check)
        if validation is not None:
            validation = check_data(validation, argument="validation", min_rows=1, **check)
        if options.batch_size > len(train):
            raise SizeError(
                f"batch_size={options.batch_size} is larger than the data, {len(train)} rows; "
                "choose at most that."
            )
        self.vae, self.validation, self.options = vae, validation, options
        self.binarize = default_binarize(vae.likelihood, options.binarize)
        self.adam = Adam(vae.parameters, options.learning_rate, backend=vae.backend)
        self.rng = np.random.default_rng(options.seed)
        self.position = _Position()
        self.history = History()
        self.best = vae.parameters.values.copy()
        self._epoch_state = self.rng.bit_generator.state
        self._x = np.empty((options.batch_size, vae.input_dim), vae.dtype)
        self._noise = np.empty((options.batch_size, vae.latent_dim), vae.dtype)

    @property
    def steps_per_epoch(self) -> int:
        """How many steps one pass through the data takes, the last possibly with fewer rows."""
        return -(-len(self.train) // self.options.batch_size)

    # The loop ------------------------------------------------------------------------------

    def run(
        self, checkpoint: str | PathLike[str] | None = None, *, progress: bool = True
    ) -> History:
        """Train until the last epoch, early stopping, or Ctrl-C; see ``fit``."""
        total = self.options.epochs * self.steps_per_epoch
        done = self.position.epoch * self.steps_per_epoch + self.position.step
        good = self.vae.parameters.values.copy()
        with (
            StopRequest() as stop,
            tqdm(total=total, initial=done, unit="step", disable=not progress) as bar,
        ):
            saver = _Saver(self, checkpoint)
            while self._unfinished() and not stop.requested:
                try:
                    completed = self._epoch(bar, stop, saver)
                except NonFiniteLossError as error:
                    if not np.isfinite(self.vae.parameters.values).all():
                        self.vae.parameters.values[:] = good
                    raise NonFiniteLossError(
                        f"Epoch {self.position.epoch + 1}, step {self.position.step + 1}: {error}"
                    ) from None
                if not completed:
                    break
                good[:] = self.vae.parameters.values
            self.history.interrupted = stop.requested
            if self.options.patience is not None and not stop.requested:
                self.vae.parameters.values[:] = self.best
            saver.save()
        return self.history

    def _unfinished(self) -> bool:
        return self.position.epoch < self.options.epochs and not self.position.finished

    def _epoch(self, bar: Any, stop: StopRequest, saver: _Saver) -> bool:
        """Run what is left of the current epoch; return False if a stop was asked for."""
        order = self._order()
        size = self.options.batch_size
        bar.set_description(f"epoch {self.position.epoch + 1}/{self.options.epochs}")
        while self.position.step < self.steps_per_epoch:
            started = time.perf_counter()
            first = self.position.step * size
            self._step(order[first : first + size])
            self.position.seconds += time.perf_counter() - started
            bar.update()
            saver.save_if_due()
            if stop.requested:
                return False
        self._close_epoch(bar)
        return True

    def _order(self) -> Array:
        """Return the order of rows in this epoch, the same again when resuming within it."""
        if self.position.step == 0:
            self._epoch_state = self.rng.bit_generator.state
            return self.rng.permutation(len(self.train))
        replay = np.random.default_rng()
        replay.bit_generator.state = self._epoch_state
        return replay.permutation(len(self.train))

    def _step(self, index: Array) -> None:
        n = len(index)
        x = gather_batch(self.train, index, self.rng, binarize=self.binarize, out=self._x)
        noise = self.rng.standard_normal(out=self._noise[:n], dtype=self.vae.dtype)
        self.adam.learning_rate = self._learning_rate()
        terms = self.vae.train_step(x, noise, self.adam, self._beta())
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
        row = {
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

    # Keeping -------------------------------------------------------------------------------

    def save(self, path: str | PathLike[str]) -> None:
        """Write everything this run is to one file, which ``VAE.load`` reads too."""
        arrays = {
            "values": self.vae.parameters.values,
            "adam.m": self.adam.m,
            "adam.v": self.adam.v,
            "best": self.best,
        }
        metadata = {
            "model": self.vae.config,
            "training": asdict(self.options),
            "adam_steps": self.adam.step_count,
            "position": asdict(self.position),
            "epoch_generator": self._epoch_state,
            "generator": self.rng.bit_generator.state,
            "history": self.history.rows,
        }
        write_checkpoint(path, arrays, metadata)

    def restore(self, path: str | PathLike[str]) -> Self:
        """Continue from what ``save`` wrote: the model, the optimizer, the generator, the place.

        Raises
        ------
        CheckpointError
            If the file is damaged, or was written by a run with another model or other options.
        """
        arrays, metadata = read_checkpoint(path)
        self._check_same_run(metadata, path)
        values = self.vae.parameters.values
        kept = take(
            arrays,
            dict.fromkeys(("values", "adam.m", "adam.v", "best"), (values.shape, values.dtype)),
            path,
        )
        values[:], self.best[:] = kept["values"], kept["best"]
        self.adam.restore(kept["adam.m"], kept["adam.v"], metadata["adam_steps"])
        self.position = _Position(**metadata["position"])
        self._epoch_state = metadata["epoch_generator"]
        self.rng.bit_generator.state = metadata["generator"]
        self.history = History(metadata["history"])
        return self

    def _check_same_run(self, metadata: dict[str, Any], path: str | PathLike[str]) -> None:
        ours = {"model": self.vae.config, "training": asdict(self.options)}
        for part, expected in ours.items():
            recorded = metadata.get(part)
            if not isinstance(recorded, dict):
                raise CheckpointError(f"{path} was not written by a training run.")
            for name, value in expected.items():
                if name not in _MAY_CHANGE and recorded.get(name) != value:
                    raise CheckpointError(
                        f"{path} was trained with {name}={recorded.get(name)!r}, not {value!r}; "
                        "resume with the recorded options, or start a new run."
                    )


# A longer run, other threads or another backend continue a run, if no longer bit for bit.
_MAY_CHANGE = {"epochs", "threads", "backend"}


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
        if self.path is not None and np.isfinite(self.training.vae.parameters.values).all():
            self.training.save(self.path)
        self.last = time.monotonic()
