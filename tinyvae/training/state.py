"""What a training run is at any moment, and how it is kept in a file and taken up again.

Weights, Adam's memory, the generator's state and the place in the data all lie here and in the
checkpoint.  A run that continues from one is therefore the same run, bit for bit.  This file
takes no steps.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tinyvae.checkpoint import read_checkpoint, take, write_checkpoint
from tinyvae.data.reading import read_sets, warn
from tinyvae.errors import (
    CheckpointError,
    NonFiniteLossError,
    ReadingWarning,
    SizeError,
    UsageError,
    check_count,
)
from tinyvae.model.adam import Adam
from tinyvae.model.evaluation import default_binarize
from tinyvae.model.vae import VAE
from tinyvae.training.history import History
from tinyvae.training.options import TrainingOptions

Array = NDArray[Any]

# A longer run, other threads or another backend continue a run, if no longer bit for bit.
_MAY_CHANGE = {"epochs", "threads", "backend"}


@dataclass
class Position:
    """Where a run stands: everything that changes besides arrays, fit for JSON."""

    epoch: int = 0
    step: int = 0  # within the epoch
    seconds: float = 0.0
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])  # Terms, times rows
    best_elbo: float | None = None
    epochs_since_best: int = 0
    finished: bool = False
    at_best: bool = False  # the best weights and the last ones have changed places

    def __post_init__(self) -> None:
        check_count("epoch", self.epoch, at_least=0)
        check_count("step", self.step, at_least=0)


class RunState:
    """A run standing still.

    Parameters
    ----------
    vae : VAE
    train : (n, input_dim) array
    validation : (m, input_dim) array or None
    options : TrainingOptions

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
    """

    def __init__(
        self, vae: VAE, train: Array, validation: Array | None, options: TrainingOptions
    ) -> None:
        self.binarize = default_binarize(vae.likelihood, options.binarize)
        if validation is None and options.patience is not None:
            raise UsageError(f"patience={options.patience} needs validation=: data to judge by.")
        sets = {"train": train} | ({} if validation is None else {"validation": validation})
        # What is binarized must lie in [0, 1], whatever the likelihood could take.
        support = vae.support if self.binarize == "none" else "binary"
        read, reading = read_sets(sets, support=support, dtype=vae.dtype, input_dim=vae.input_dim)
        warn(reading)
        self.train, validation = read["train"], read.get("validation")
        options = _fitting(options, len(self.train))
        self.vae, self.validation, self.options = vae, validation, options
        self.adam = Adam(vae.parameters, options.learning_rate, backend=vae.backend)
        self.rng = np.random.default_rng(options.seed)
        self.position = Position()
        self.history = History()
        self.best, self.good = vae.parameters.values.copy(), vae.parameters.values.copy()
        self.epoch_state = self.rng.bit_generator.state

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
        for kind, vector in self._vectors().items():
            finite = np.isfinite(vector)
            if not finite.all():
                index = int(finite.argmin())
                name = self.vae.parameters.name_at(index)
                raise self.blown_up(
                    self.position.step,
                    f"The first array to blow up is {name!r}: {kind} holds {vector[index]} there. "
                    "Lower the learning rate, or look at the data.",
                )
        self.good[:] = self.vae.parameters.values

    def blown_up(self, step: int, why: str) -> NonFiniteLossError:
        """Return the error that says where; the model has its last good weights from then on."""
        values = self.vae.parameters.values
        if not np.isfinite(values).all():
            values[:] = self.good
        return NonFiniteLossError(f"Epoch {self.position.epoch + 1}, step {step}: {why}")

    # Keeping -------------------------------------------------------------------------------

    def _vectors(self) -> dict[str, Array]:
        """Return, by their names in a checkpoint, all vectors that training changes."""
        vectors: dict[str, Array] = {
            "values": self.vae.parameters.values,
            "adam.m": self.adam.m,
            "adam.v": self.adam.v,
        }
        if self.options.patience is not None:
            vectors["best"] = self.best
        return vectors

    @cached_property
    def _identity(self) -> dict[str, Any]:
        """What must be the same for a run to be the same run."""
        return {
            "model": self.vae.config,
            "training": asdict(self.options),
            "data": {
                "train": _fingerprint(self.train),
                "validation": _fingerprint(self.validation),
            },
        }

    def save(self, path: str | PathLike[str]) -> None:
        """Write everything this run is to one file, which ``VAE.load`` reads too."""
        position = {
            "adam_steps": self.adam.step_count,
            "position": asdict(self.position),
            "epoch_generator": self.epoch_state,
            "generator": self.rng.bit_generator.state,
            "history": self.history.rows,
        }
        write_checkpoint(path, self._vectors(), self._identity | position)

    def restore(self, path: str | PathLike[str]) -> Self:
        """Continue from what ``save`` wrote: the model, the optimizer, the generator, the place.

        Raises
        ------
        CheckpointError
            If the file is damaged, or was written by a run with another model, other options or
            other data; nothing has changed then.
        """
        arrays, metadata = read_checkpoint(path)
        self._check_same_run(metadata, path)
        vectors = self._vectors()
        kept = take(arrays, {name: (v.shape, v.dtype) for name, v in vectors.items()}, path)
        try:
            position = Position(**metadata["position"])
            epoch_state = generator_at(metadata["epoch_generator"]).bit_generator.state
            rng = generator_at(metadata["generator"])
            history = History(metadata["history"])
            steps = check_count("adam_steps", metadata["adam_steps"], at_least=0)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise CheckpointError(f"{path} does not say where its run stood: {error!r}.") from error
        vectors["values"][:] = kept["values"]
        self.best[:] = kept.get("best", kept["values"])
        self.adam.restore(kept["adam.m"], kept["adam.v"], steps)
        self.position, self.history = position, history
        self.rng, self.epoch_state = rng, epoch_state
        return self

    def _check_same_run(self, metadata: dict[str, Any], path: str | PathLike[str]) -> None:
        for part, expected in self._identity.items():
            recorded = metadata.get(part)
            if not isinstance(recorded, dict):
                raise CheckpointError(f"{path} was not written by a training run.")
            for name, value in expected.items():
                if name not in _MAY_CHANGE and recorded.get(name) != value:
                    raise CheckpointError(
                        f"{path} was trained with {name}={recorded.get(name)!r}, not {value!r}; "
                        "resume with what is recorded, or start a new run."
                    )


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


def generator_at(state: Mapping[str, Any]) -> np.random.Generator:
    """Return a generator that continues from where another stood."""
    rng = np.random.default_rng()
    rng.bit_generator.state = state
    return rng


def _fingerprint(data: Array | None) -> str:
    """Return what tells data from other data."""
    if data is None:
        return "none"
    return f"{data.shape} of {data.dtype}, CRC-32 {zlib.crc32(np.ascontiguousarray(data).data):08x}"
