"""Where runs lie on the disk: finding one, making room for another, never over something else.

Knows the names of the files in a run's folder and nothing of what is in them but ``config.json``.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from tinyvae.checkpoint import read_checkpoint
from tinyvae.data.pictures import usual_square
from tinyvae.errors import CheckpointError, UsageError, WriteError
from tinyvae.model.vae import VAE
from tinyvae.runs.options import Config
from tinyvae.training.history import History

MODEL, CONFIG, HISTORY = "model.npz", "config.json", "history.csv"
RUNS = Path("runs")


class Loaded(NamedTuple):
    """What a checkpoint holds for looking at: the model, how it was made, how it was trained.

    ``training`` and ``history`` are empty for a model that no run wrote.
    """

    vae: VAE
    model: dict[str, Any]
    training: dict[str, Any]
    history: History


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
        training, rows = metadata.get("training", {}), metadata.get("history", [])
        whole = isinstance(training, dict) and isinstance(rows, list)
        if not whole or not all(_is_row(row) for row in rows):
            raise CheckpointError(f"{self.model} does not describe a training run.")
        return Loaded(vae, metadata["model"], training, History(rows))

    def picture_shape(self, vae: VAE) -> tuple[int, int] | None:
        """Return (height, width) of an example as a picture, or None if it is none.

        Without a record of it, rows that make a usual square are pictures.
        """
        if self.config is None or "image_shape" not in self.config.data:
            return usual_square(vae.input_dim)
        shape = self.config.data["image_shape"]
        return (shape[0], shape[1]) if shape else None


def _is_row(row: object) -> bool:
    return isinstance(row, dict) and all(isinstance(cell, int | float) for cell in row.values())


def find_run(path: str | PathLike[str]) -> Run:
    """Return the run in a folder, or the model in a file.

    Raises
    ------
    UsageError
        If there is none; the message has a near match, or what runs there are.
    FileFormatError
        If its ``config.json`` is damaged.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise UsageError(f"{path} does not exist.{_others(path)}")
    model = path / MODEL if path.is_dir() else path
    config = model.with_name(CONFIG)
    if not path.is_dir() and model.name != MODEL:
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


def new_folder(name: str, output: str | PathLike[str] | None) -> Path:
    """Make the folder of a new run.

    Parameters
    ----------
    name : str
        Of the data: the folder is ``runs/name``, or the first of ``runs/name-2``, ... that is
        free, also when two runs start at once.
    output : path, optional
        The folder to make instead; it must not hold anything.

    Raises
    ------
    UsageError
        If ``output`` holds something.
    WriteError
        If no folder can be made.
    """
    try:
        if output is not None:
            return _make_exactly(Path(output).expanduser())
        RUNS.mkdir(parents=True, exist_ok=True)
        for folder in _numbered(RUNS / name):
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        place = output if output is not None else RUNS
        raise WriteError(
            f"No folder could be made in {place}: {error.strerror or error}. Choose another place "
            "with output (--output FOLDER on the command line)."
        ) from error
    raise AssertionError("the numbers never end")


def _make_exactly(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        if not folder.exists():  # a file stands where a folder above it should be
            raise
        if not folder.is_dir() or any(folder.iterdir()):
            raise UsageError(
                f"output={str(folder)!r} exists already, and nothing is ever overwritten: choose "
                "another folder, or continue the run in it with --resume."
            ) from None
    return folder


def free_stem(default: Path, output: str | PathLike[str] | None, suffixes: Sequence[str]) -> Path:
    """Return a path without a suffix at which no file with any of these suffixes exists.

    Raises
    ------
    UsageError
        If ``output``, which is taken as it is, would overwrite something.
    """
    if output is None:
        free = (
            stem
            for stem in _numbered(default)
            if not any(_suffixed(stem, suffix).exists() for suffix in suffixes)
        )
        return next(free)
    stem = Path(output).expanduser()
    if stem.suffix in suffixes:
        stem = stem.with_suffix("")
    for suffix in suffixes:
        if _suffixed(stem, suffix).exists():
            raise UsageError(
                f"{_suffixed(stem, suffix)} exists already, and nothing is ever overwritten: "
                "choose another name, or remove it first."
            )
    return stem


def _suffixed(stem: Path, suffix: str) -> Path:
    return stem.with_name(stem.name + suffix)


def _numbered(path: Path) -> itertools.chain[Path]:
    """Yield path, path-2, path-3, ..."""
    later = (path.with_name(f"{path.name}-{i}") for i in itertools.count(2))
    return itertools.chain([path], later)
