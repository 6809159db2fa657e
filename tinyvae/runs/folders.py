"""Where runs lie on the disk: finding one, reading it, and its one writer at work.

Knows the names of the files in a run's folder.
"""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, Self

from tinyvae.checkpoint import read_checkpoint, remove_leftovers
from tinyvae.data.pictures import usual_square
from tinyvae.data.streams import user_path
from tinyvae.errors import CheckpointError, UsageError, WriteError
from tinyvae.model.vae import VAE
from tinyvae.runs.config import Config
from tinyvae.runs.lock import RunLock
from tinyvae.runs.naming import RUNS
from tinyvae.training.history import History
from tinyvae.training.record import check_training_record

MODEL, CONFIG, HISTORY = "model.npz", "config.json", "history.csv"
_KEPT = re.compile(r"model-epoch-\d{4,}\.npz")
#: A picture's temporary file older than this, in seconds, was abandoned.
_ABANDONED = 3600.0


class Loaded(NamedTuple):
    """What a checkpoint holds for looking at: the model, how it was made, how it was trained.

    ``training``, ``history`` and ``data`` (checksums by split) are empty for a model that no run
    wrote.
    """

    vae: VAE
    model: dict[str, Any]
    training: dict[str, Any]
    history: History
    data: dict[str, str]


@dataclass(frozen=True)
class Run:
    """A trained model on the disk, and what is known of how it came to be.

    Attributes
    ----------
    path : Path
        As the user would write it: the run's folder, or a model's file.
    model : Path
        The checkpoint, which need not exist yet.
    config : Config or None
        None for a model that is not in a run's folder.
    """

    path: Path
    model: Path
    config: Config | None

    @property
    def folder(self) -> Path:
        """Where new files go."""
        return self.model.parent

    def load(self, *, backend: str | None = None) -> Loaded:
        """Read the checkpoint.

        Raises
        ------
        CheckpointError
            If there is none yet, or it is damaged.
        """
        if self.config is not None and not self.model.exists():
            raise CheckpointError(
                f"{self.path} has no {MODEL} yet: the run was stopped before its first "
                f"checkpoint. Start it with: tinyvae train --resume {self.path}"
            )
        arrays, metadata = read_checkpoint(self.model)
        vae = VAE.from_checkpoint(arrays, metadata, self.model, backend=backend)
        try:
            training, history = check_training_record(metadata)
        except UsageError as error:
            raise CheckpointError(f"{self.model} does not describe a training run: {error}") from (
                error
            )
        data = metadata.get("data")
        sums = data if isinstance(data, dict) else {}
        known = {k: v for k, v in sums.items() if isinstance(v, str)}
        return Loaded(vae, metadata["model"], training, history, known)

    def picture_shape(self, vae: VAE) -> tuple[int, int] | None:
        """Return (height, width) of an example as a picture, or None if it is none.

        Without a record of it, rows that make a usual square are pictures.
        """
        if self.config is None or "image_shape" not in self.config.data:
            return usual_square(vae.input_dim)
        shape = self.config.data["image_shape"]
        if not shape or shape[0] * shape[1] != vae.input_dim:
            return None
        return (shape[0], shape[1])


def find_run(path: str | PathLike[str]) -> Run:
    """Return the run in a folder, or the model in a file.

    Raises
    ------
    UsageError
        If there is none; the message has a near match, or what runs there are.
    FileFormatError
        If its ``config.json`` is damaged.
    """
    path = user_path("run", path)
    if not path.exists():
        raise UsageError(f"{path} does not exist.{_others(path)}")
    if path.suffix == ".py":
        raise UsageError(
            f"{path} is a Python file and no model. To check functions in it, name them: "
            f"tinyvae gradcheck {path}:forward,backward"
        )
    model = path / MODEL if path.is_dir() else path
    config = model.with_name(CONFIG)
    if not path.is_dir() and model.name != MODEL and not _KEPT.fullmatch(model.name):
        return Run(path, model, None)
    if path.is_dir() and not model.exists() and not config.exists():
        raise UsageError(f"{path} is not a run: it has no {MODEL}.{_others(path)}")
    return Run(path, model, Config.read(config) if config.exists() else None)


def _others(path: Path) -> str:
    """Say which runs there are instead, the nearest one first."""
    beside = path.parent if path.parent.is_dir() else RUNS
    runs = {
        str(other.parent)
        for folder in {beside, RUNS}
        for name in (MODEL, CONFIG)
        for other in folder.glob(f"*/{name}")
    } - {str(path)}
    near = difflib.get_close_matches(str(path), runs, n=1)
    if near:
        return f" Did you mean {near[0]}?"
    return f" There are: {', '.join(sorted(runs))}." if runs else ""


class Writer:
    """The one process that writes a run's folder; a block within which it does.

    Parameters
    ----------
    folder : Path
    say : callable
        Takes a line about what had to be put in order.

    Raises
    ------
    WriteError
        If another process writes there.
    """

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder, self.say = folder, say
        self.config: Config | None = None
        self._lock = RunLock(folder)

    def __enter__(self) -> Self:
        self._lock.acquire()
        if self._lock.taken_over:
            self.say(f"{self.folder}: taken over from {self._lock.taken_over}, which has ended")
        self._sweep()
        return self

    def __exit__(self, *error: object) -> None:
        self._lock.release()

    def write(self, config: Config) -> None:
        """Write the run's options down, if they do not stand there already."""
        if self.config != config:
            config.write(self.folder / CONFIG)
        self.config = config

    def make_whole(self) -> None:
        """See to it that the folder is still there and ours, or make it again.

        Raises
        ------
        WriteError
            If another run stands in its place.
        """
        config = self.folder / CONFIG
        if self._lock.is_ours() and config.exists():
            return
        gone = not self.folder.exists()
        if config.exists() and Config.read(config) != self.config:
            raise WriteError(
                f"{self.folder} was moved or removed while it was trained, and another run stands "
                "in its place now; nothing of that is overwritten."
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WriteError(
                f"{self.folder} was moved or removed while it was trained, and cannot be made "
                f"again: {error.strerror or error}."
            ) from error
        self._lock.release()
        self._lock.acquire()
        if self.config is not None:
            self.config.write(config)
        if gone:
            self.say(f"{self.folder} was moved or removed; it is written again, whole")

    def _sweep(self) -> None:
        """Remove what killed writers left behind."""
        for name in (MODEL, CONFIG, HISTORY):
            remove_leftovers(self.folder / name)
        for file in self.folder.glob(".*.tmp"):
            try:
                if time.time() - file.stat().st_mtime > _ABANDONED:
                    file.unlink()
            except OSError:
                continue
