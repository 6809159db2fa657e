"""A run kept in a file and taken up again: the same run then, bit for bit.

What is the same run is one dictionary, ``identity``; every other field of the record is checked by
the schemas of ``options.py``, ``position.py`` and ``history.py`` before anything changes.
"""

from __future__ import annotations

import zlib
from dataclasses import asdict
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.checkpoint import read_checkpoint, take, write_checkpoint
from tinyvae.errors import CheckpointError, UsageError, check_count
from tinyvae.ops import BACKENDS
from tinyvae.schema import Schema, check_fields, count, mapping, word
from tinyvae.training.history import History
from tinyvae.training.options import TrainingOptions
from tinyvae.training.position import Position, generator_from
from tinyvae.training.schedules import scheduled_rate
from tinyvae.training.state import RunState

Array = NDArray[Any]

# A longer run, other threads or another backend continue a run, if no longer bit for bit.
MAY_CHANGE = frozenset({"epochs", "threads", "backend"})
#: Options that older checkpoints do not name, with the value that was meant then.
ADDED_LATER: dict[str, Any] = {"objective": "elbo", "n_samples": 1, "free_bits": None}
MODEL_ADDED_LATER: dict[str, Any] = {"n_classes": None}
_MACHINE: Schema = {"backend": word(BACKENDS), "threads": count(optional=True)}


def identity(state: RunState) -> dict[str, dict[str, Any]]:
    """Return what must be the same for a run to be the same run, but for ``MAY_CHANGE``."""
    return {
        "model": state.vae.config,
        "training": asdict(state.options),
        "data": {
            "train": fingerprint(state.train),
            "validation": fingerprint(state.validation),
        }
        | ({} if state.labels is None else {"labels": fingerprint(state.labels)}),
    }


def fingerprint(data: Array | None) -> str:
    """Return what tells data from other data."""
    if data is None:
        return "none"
    return f"{data.shape} of {data.dtype}, CRC-32 {zlib.crc32(np.ascontiguousarray(data).data):08x}"


def save_state(
    state: RunState, path: str | PathLike[str], known: dict[str, dict[str, Any]] | None = None
) -> None:
    """Write everything a run is to one file, which ``VAE.load`` reads too.

    ``known`` is its identity, where it is at hand: the data's checksum takes a while.

    Raises
    ------
    WriteError
        If it cannot be written; the file before stays.
    """
    record = {
        "adam_steps": state.adam.step_count,
        "position": asdict(state.position),
        "epoch_generator": state.epoch_state,
        "generator": state.rng.bit_generator.state,
        "history": state.history.rows,
    }
    write_checkpoint(path, state.vectors(), (known or identity(state)) | record)


def restore_state(state: RunState, path: str | PathLike[str]) -> None:
    """Continue from what ``save_state`` wrote: the model, the optimizer, the generator, the place.

    Raises
    ------
    CheckpointError
        If the file is damaged, or was written by a run with another model, other options or
        other data; nothing has changed then.
    """
    arrays, metadata = read_checkpoint(path)
    recorded = _check_same_run(state, metadata, path)
    vectors = state.vectors()
    kept = take(arrays, {name: (v.shape, v.dtype) for name, v in vectors.items()}, path)
    try:
        position = Position.from_record(metadata.get("position"), state.steps_per_epoch)
        epoch_rng = generator_from(metadata.get("epoch_generator"), "epoch_generator")
        rng = generator_from(metadata.get("generator"), "generator")
        history = History.from_records(metadata.get("history"))
        steps = check_count("adam_steps", metadata.get("adam_steps"), at_least=0)
        _check_agreement(state, position, history, steps)
    except UsageError as error:
        raise CheckpointError(f"{path} does not say where its run stood: {error}") from error
    vectors["values"][:] = kept["values"]
    state.best[:] = kept.get("best", kept["values"])
    state.adam.restore(kept["adam.m"], kept["adam.v"], steps)
    state.position, state.history = position, history
    state.rng, state.epoch_state = rng, epoch_rng.bit_generator.state
    state.notes = changes(state, recorded)


def check_training_record(metadata: dict[str, Any]) -> tuple[dict[str, Any], History]:
    """Return the training options and the history that a checkpoint records, both checked.

    Empty for a model that no run wrote.

    Raises
    ------
    UsageError
        If a field is of another type or out of range.
    """
    if "training" not in metadata and "history" not in metadata:
        return {}, History()
    recorded = ADDED_LATER | mapping()("training", metadata.get("training"))
    options = check_fields(TrainingOptions.SCHEMA, recorded, "training")
    return options, History.from_records(metadata.get("history"))


def _check_agreement(state: RunState, position: Position, history: History, steps: int) -> None:
    """Refuse a position, a history and an optimizer that do not tell of the same number of steps.

    Raises
    ------
    UsageError
    """
    taken = position.epoch * state.steps_per_epoch + position.step
    if steps != taken:
        raise UsageError(f"adam_steps={steps}, but the position says {taken}.")
    if len(history) != position.epoch:
        raise UsageError(f"history has {len(history)} rows after {position.epoch} epochs.")
    validated = "validation_elbo" in history.columns
    if history and validated != (state.validation is not None):
        raise UsageError("history and validation data do not go together.")
    if position.at_best and state.options.patience is None:
        raise UsageError("position.at_best is true in a run without patience.")


def _check_same_run(
    state: RunState, metadata: dict[str, Any], path: str | PathLike[str]
) -> dict[str, dict[str, Any]]:
    """Return the identity that the file records, if it is that of this run."""
    found = {}
    for part, expected in identity(state).items():
        recorded = metadata.get(part)
        if not isinstance(recorded, dict):
            raise CheckpointError(f"{path} was not written by a training run.")
        recorded = {"training": ADDED_LATER, "model": MODEL_ADDED_LATER}.get(part, {}) | recorded
        for name, value in expected.items():
            if name not in MAY_CHANGE and (name not in recorded or recorded[name] != value):
                raise CheckpointError(
                    f"{path} was trained with {name}={recorded.get(name)!r}, not {value!r}; "
                    "resume with what is recorded, or start a new run."
                )
        found[part] = recorded
    try:
        check_fields(TrainingOptions.SCHEMA, found["training"], "training")
        check_fields(_MACHINE, found["model"], "model", closed=False)
    except UsageError as error:
        raise CheckpointError(f"{path} does not say how it was trained: {error}") from error
    return found


def changes(state: RunState, recorded: dict[str, dict[str, Any]]) -> list[str]:
    """Return sentences about what is different when a run is taken up again."""
    done, now, before = (
        state.position.epoch,
        state.options.epochs,
        int(recorded["training"]["epochs"]),
    )
    notes = []
    if state.position.finished:
        notes.append(
            f"Early stopping ended this run after epoch {done}: {state.options.patience} epochs "
            "without a better validation ELBO. Nothing is left to train."
        )
    elif now < done:
        notes.append(
            f"{done} epochs are done already, more than the {now} asked for: nothing is left to "
            f"train, and the model stays as it was after epoch {done}."
        )
    elif now != before:
        notes.append(f"The run now ends after epoch {now}, not {before}.")
        notes += _jump(state, before)
    here = state.vae.config
    for name in ("backend", "threads"):
        was = recorded["model"].get(name)
        if state.unfinished and was != here[name]:
            notes.append(f"{name} is {here[name]} now and was {was}: rounding may differ.")
    return notes


def _jump(state: RunState, before: int) -> list[str]:
    """Say where the learning rate goes when its schedule is stretched or cut."""
    options = state.options
    at = state.position.epoch + state.position.step / state.steps_per_epoch
    if options.schedule != "cosine" or not at or not before:  # the others know no end
        return []
    was, will_be = (
        scheduled_rate(options.learning_rate, options.schedule, min(1.0, at / epochs))
        for epochs in (before, options.epochs)
    )
    return [
        f"Its learning rate jumps from {was:.3g} to {will_be:.3g}, because the {options.schedule} "
        f"schedule now ends with epoch {options.epochs}; without a break it would have been "
        "another run."
    ]
