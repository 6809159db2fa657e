"""What a training run is at any moment: weights, Adam's memory, the generator, the place.

How it is kept in a file stands in ``record.py``; what moves it, in ``loop.py``.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinyvae.data.moments import spread_of
from tinyvae.data.reading import read_sets, warn
from tinyvae.errors import NonFiniteLossError, ReadingWarning, SizeError, UsageError
from tinyvae.model.adam import Adam
from tinyvae.model.evaluation import default_binarize
from tinyvae.model.vae import VAE
from tinyvae.training.history import History
from tinyvae.training.options import TrainingOptions
from tinyvae.training.position import Position
from tinyvae.training.starts import start_sigma

Array = NDArray[Any]

_HIGH_BETA = 1e3
_FAR_FROM_STANDARD = 1e4


def as_trained(vae: VAE, sets: Mapping[str, Any], binarize: str | None) -> dict[str, Array]:
    """Return data sets that belong together as training sees them, read in one way.

    Raises
    ------
    DataError
        If the model cannot be trained on them.
    """
    # What is binarized must lie in [0, 1], whatever the likelihood could take.
    as_they_are = default_binarize(vae.likelihood, binarize) == "none"
    support = vae.support if as_they_are else "binary"
    read, reading = read_sets(sets, support=support, dtype=vae.dtype, input_dim=vae.input_dim)
    warn(reading)
    return read


class RunState:
    """A run standing still.

    Parameters
    ----------
    vae : VAE
    train : (n, input_dim) array
    validation : (m, input_dim) array or None
    options : TrainingOptions
    labels, validation_labels : arrays of int or None
        Of a conditional model.

    Attributes
    ----------
    adam : Adam
    rng : numpy.random.Generator
        Of shuffling, binarization and noise.
    epoch_state : dict
        Where ``rng`` stood when the epoch began: what shuffled it.
    position : Position
    history : History
    best, good : (size,) array
        The weights with the best validation ELBO, and the last ones known to be finite.
    notes : list of str
        What was different when the run was taken up again.
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
        self.binarize = default_binarize(vae.likelihood, options.binarize)
        if validation is None and options.patience is not None:
            raise UsageError(f"patience={options.patience} needs validation=: data to judge by.")
        if validation is None and validation_labels is not None:
            raise UsageError("validation_labels were given without validation=: their rows.")
        sets = {"train": train} | ({} if validation is None else {"validation": validation})
        read = as_trained(vae, sets, options.binarize)
        self.train, validation = read["train"], read.get("validation")
        self.labels = vae.inputs.labels(labels, len(self.train))
        self.validation_labels = (
            None
            if validation is None
            else vae.inputs.labels(validation_labels, len(validation), "validation_labels")
        )
        options = _fitting(options, len(self.train))
        self.vae, self.validation, self.options = vae, validation, options
        self.adam = Adam(vae.parameters, options.learning_rate, backend=vae.backend)
        self.rng = np.random.default_rng(options.seed)
        self.position = Position()
        self.history = History()
        self.best, self.good = vae.parameters.values.copy(), vae.parameters.values.copy()
        self.epoch_state = self.rng.bit_generator.state
        self.notes: list[str] = []

    @property
    def steps_per_epoch(self) -> int:
        """How many steps one pass through the data takes, the last possibly with fewer rows."""
        return -(-len(self.train) // self.options.batch_size)

    @property
    def unfinished(self) -> bool:
        """Whether there is anything left to train."""
        return self.position.epoch < self.options.epochs and not self.position.finished

    def vectors(self) -> dict[str, Array]:
        """Return, by their names in a checkpoint, all vectors that training changes."""
        vectors: dict[str, Array] = {
            "values": self.vae.parameters.values,
            "adam.m": self.adam.m,
            "adam.v": self.adam.v,
        }
        if self.options.patience is not None:
            vectors["best"] = self.best
        return vectors

    def begin(self) -> None:
        """Fit to the data what the model leaves to them, unless the run is under way."""
        if self.position.epoch or self.position.step or self.vae.observation.default_sigma:
            return
        start_sigma(self.vae.observation, spread_of(self.train))
        for weights in (self.best, self.good):
            weights[:] = self.vae.parameters.values

    def exchange_best(self) -> None:
        """Let the best weights and the last ones change places; the model has the former."""
        values = self.vae.parameters.values
        values[:], self.best[:] = self.best.copy(), values.copy()
        self.position.at_best = not self.position.at_best

    # Blowing up ----------------------------------------------------------------------------

    def check_finite(self) -> None:
        """Remember the weights as good ones, unless they or the optimizer's memory blew up.

        A loss tells of it one step too late: the gradient may overflow where the loss does not.

        Raises
        ------
        NonFiniteLossError
            Naming the first array that is not finite.
        """
        for kind, vector in self.vectors().items():
            finite = np.isfinite(vector)
            if not finite.all():
                index = int(finite.argmin())
                name = self.vae.parameters.name_at(index)
                raise self.blown_up(
                    self.position.step,
                    f"The first array to blow up is {name!r}: {kind} holds {vector[index]} there.",
                )
        self.good[:] = self.vae.parameters.values

    def blown_up(self, step: int, why: str) -> NonFiniteLossError:
        """Return the error that says where; the model has its last good weights from then on."""
        values = self.vae.parameters.values
        if not np.isfinite(values).all():
            values[:] = self.good
        advice = {
            "beta": f"Lower beta, which is {self.options.beta:g}.",
            "data": "Scale the data: some of their values are far from 1.",
            "learning_rate": "Lower the learning rate, or look at the data.",
        }[self.suspect()]
        return NonFiniteLossError(f"Epoch {self.position.epoch + 1}, step {step}: {why} {advice}")

    def suspect(self) -> str:
        """Return what most likely made numbers overflow: beta, the data or the learning rate."""
        if self.options.beta > _HIGH_BETA:
            return "beta"
        if self.train.dtype.kind == "f":
            low, high = float(self.train.min()), float(self.train.max())
            if max(-low, high) > _FAR_FROM_STANDARD:
                return "data"
        return "learning_rate"


def _fitting(options: TrainingOptions, rows: int) -> TrainingOptions:
    """Return the options with the default batch size cut to the data where it is larger."""
    if options.batch_size <= rows:
        return options
    if options.batch_size != TrainingOptions.batch_size:
        raise SizeError(
            f"batch_size={options.batch_size} is larger than the data, {rows} rows; choose at most "
            "that."
        )
    warnings.warn(
        f"The data have {rows} rows, fewer than the default batch_size={options.batch_size}: "
        "each epoch is one step with all of them.",
        ReadingWarning,
        stacklevel=4,
    )
    return replace(options, batch_size=rows)
