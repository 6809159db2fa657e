"""Looking at a trained model: pictures, numbers, and what it is made of.

Each function is one command; none of them changes the model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyvae.data import DataSet
from tinyvae.data.labels import Classes
from tinyvae.errors import ShapeError, UsageError, check_count, check_each
from tinyvae.model.evaluation import Evaluation
from tinyvae.model.evaluation import evaluate as evaluate_model
from tinyvae.runs.classes import class_names, labels_of
from tinyvae.runs.folders import Loaded, Run, find_run
from tinyvae.runs.options import RunOptions
from tinyvae.runs.pictures import draw_pictures
from tinyvae.runs.prepare import load
from tinyvae.runs.words import Say, silent
from tinyvae.schema import word
from tinyvae.training.history import History
from tinyvae.training.progress import shows_bars
from tinyvae.training.record import fingerprint
from tinyvae.training.state import as_trained

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SPLITS = ("train", "test")


@dataclass(frozen=True)
class Info:
    """What a run is.

    Attributes
    ----------
    model : mapping
        The arguments of ``VAE``.
    shapes : mapping of str to tuple
        Of each named array of parameters.
    training, data : mapping
        How it was trained and on what; empty where that is not known.
    history : History
    version : str or None
        Of the tinyvae that trained it.
    """

    model: Mapping[str, Any]
    shapes: Mapping[str, tuple[int, ...]]
    training: Mapping[str, Any]
    data: Mapping[str, Any]
    history: History
    version: str | None


def plot(
    path: str | PathLike[str],
    *,
    data: str | None = None,
    data_dir: str | None = None,
    progress: bool = True,
    say: Say | None = None,
) -> list[Path]:
    """Make all pictures of a run again, in its folder.

    Parameters
    ----------
    path : path
        A run's folder, or a model's file.
    data, data_dir : str, optional
        Other data than those it was trained on, as in ``load_data``.
    progress : bool
        Whether a download shows a progress bar.
    say : callable, optional
        Takes lines about what was left out.

    Returns
    -------
    list of Path
        The pictures.

    Raises
    ------
    UsageError
        If there is no such run, or the data are not known.
    CheckpointError, DataError, WriteError
        If the model or its data cannot be read, or a picture cannot be written.
    """
    run = find_run(path)
    loaded = run.load()
    say = say or silent
    shown = data_of(run, loaded, data, data_dir, progress, say)
    vae, labels = loaded.vae, labels_of(run, loaded.vae, shown)
    found = evaluate_model(vae, shown.test, binarize=binarize_of(run), labels=labels["test"])
    classes = None
    if labels["train"] is not None and labels["test"] is not None:
        classes = Classes(labels["train"], labels["test"], class_names(run, vae))
    return draw_pictures(vae, shown, loaded.history, found, run.folder, say, classes)


def evaluate(
    path: str | PathLike[str],
    *,
    n_samples: int = 1,
    seed: int = 0,
    data: str | None = None,
    data_dir: str | None = None,
    splits: Sequence[str] = SPLITS,
    progress: bool = True,
    say: Say | None = None,
) -> dict[str, Evaluation]:
    """Measure a run's model in nats; see ``tinyvae.evaluate``.

    Parameters
    ----------
    path : path
        A run's folder, or a model's file.
    n_samples : int
        Samples of z for each example; more than one give the importance-weighted bound too.
    seed : int
        Of the noise and of the binarization.
    data, data_dir : str, optional
        Other data than those it was trained on, as in ``load_data``.
    splits : sequence of str
        ``"train"``, ``"test"`` or both.
    progress : bool
        Whether to show progress bars.
    say : callable, optional
        Takes a line where the data are not those the model was trained on.

    Returns
    -------
    dict of str to Evaluation
        One for each of ``splits``.

    Raises
    ------
    UsageError
        If there is no such run, or the data are not known.
    CheckpointError, DataError
        If the model cannot be read, or the data do not fit it.
    """
    check_count("n_samples", n_samples)
    check_count("seed", seed, at_least=0)
    splits = check_each("splits", splits, word(SPLITS))
    run = find_run(path)
    found = run.load()
    loaded = data_of(run, found, data, data_dir, progress, say or silent)
    labels = labels_of(run, found.vae, loaded)
    return {
        split: evaluate_model(
            found.vae,
            getattr(loaded, split),
            n_samples=n_samples,
            binarize=binarize_of(run),
            seed=seed,
            labels=labels[split],
            progress=progress and shows_bars(),
        )
        for split in splits
    }


def info(path: str | PathLike[str]) -> Info:
    """Return what a run is made of and how far it got.

    Parameters
    ----------
    path : path
        A run's folder, or a model's file.

    Returns
    -------
    Info

    Raises
    ------
    UsageError
        If there is no such run.
    CheckpointError
        If the checkpoint is damaged.
    """
    run = find_run(path)
    # The reference needs no Numba, whose import would take longer than all the rest.
    loaded = run.load(backend="reference")
    return Info(
        model=loaded.model,
        shapes=loaded.vae.parameters.shapes,
        training=loaded.training,
        data=run.config.data if run.config else {},
        history=loaded.history,
        version=run.config.version if run.config else None,
    )


def binarize_of(run: Run) -> str | None:
    """Return how a run's pixels became 0 or 1; None for the default or where it is not known."""
    return run.config.options.binarize if run.config else None


def data_of(
    run: Run, found: Loaded, data: str | None, data_dir: str | None, progress: bool, say: Say
) -> DataSet:
    """Return the data named, or else those the run was trained on, if they fit the model."""
    options = run.config.options if run.config is not None else RunOptions()
    if run.config is None and data is None:
        raise UsageError(
            f"{run.path} has no config.json beside it that says which data it was trained on: "
            "name some with data (--data on the command line)."
        )
    if data is not None:
        options = replace(options, data=data, data_dir=data_dir)
    elif data_dir is not None:
        options = replace(options, data_dir=data_dir)
    options = replace(options, likelihood=found.vae.likelihood, dtype=found.vae.dtype.name)
    loaded = load(options, progress and shows_bars())
    if loaded.train.shape[1] != found.vae.input_dim:
        raise ShapeError(
            f"data={options.data!r} has {loaded.train.shape[1]} columns, but the model of "
            f"{run.path} takes {found.vae.input_dim}: name the data it was made for."
        )
    recorded = found.data.get("train")
    if recorded is not None:
        sets = {"train": loaded.train, "validation": loaded.test}
        seen = as_trained(found.vae, sets, binarize_of(run))["train"]
        if fingerprint(seen) != recorded:
            say(
                f"These are not the data that {run.path} was trained on: {options.data} has other "
                "rows than it had then, or is another set"
            )
    return loaded
