"""Training as a run: data, model, folder, checkpoints, and at the end numbers and pictures.

``train`` starts one and ``resume`` continues one; both only arrange what the rooms below do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from tinyvae.errors import NonFiniteLossError, UsageError
from tinyvae.model.evaluation import Evaluation, evaluate
from tinyvae.model.vae import VAE
from tinyvae.runs.folders import CONFIG, HISTORY, MODEL, find_run, new_folder
from tinyvae.runs.options import RunOptions
from tinyvae.runs.pictures import draw_pictures
from tinyvae.runs.prepare import Prepared, prepare
from tinyvae.training.history import History

Say = Callable[[str], None]

#: What may be given anew when a run is continued: how long, how fast, and where the data lie.
MAY_CHANGE = ("epochs", "threads", "backend", "data", "data_dir")


@dataclass
class Result:
    """What a run left behind.

    Attributes
    ----------
    folder : Path
        With ``model.npz``, ``config.json``, ``history.csv`` and the pictures.
    vae : VAE
    history : History
    interrupted : bool
        Whether Ctrl-C ended it; then there is no evaluation and there are no pictures.
    evaluations : dict
        ``"train"`` and ``"test"``.
    pictures : list of Path
    """

    folder: Path
    vae: VAE
    history: History
    interrupted: bool
    evaluations: dict[str, Evaluation] = field(default_factory=dict)
    pictures: list[Path] = field(default_factory=list)


def train(
    options: RunOptions | None = None,
    *,
    output: str | PathLike[str] | None = None,
    progress: bool = True,
    say: Say | None = None,
) -> Result:
    """Train a model from the start and keep everything about it in a new folder.

    Parameters
    ----------
    options : RunOptions, optional
        The defaults train on the bundled digits.
    output : path, optional
        The run's folder, which must not hold anything; ``runs/NAME-OF-THE-DATA`` or the next free
        number if not given.
    progress : bool
        Whether to show progress bars.
    say : callable, optional
        Takes lines that tell what is happening; ``print``, for example.

    Returns
    -------
    Result

    Raises
    ------
    UsageError, DataError, FileFormatError, DownloadError
        If an option or the data cannot be used; no folder is made then.
    WriteError
        If something cannot be written; what was written before stays.
    NonFiniteLossError
        If the loss stops being finite; the last good checkpoint stays.

    Examples
    --------
    >>> result = train(RunOptions(latent_dim=2, epochs=20), say=print)  # doctest: +SKIP
    """
    prepared = prepare(options or RunOptions(), progress)
    config = prepared.config
    folder = new_folder(prepared.data.name, output)
    config.write(folder / CONFIG)
    return _run(prepared, folder, progress, say or silent)


def resume(
    path: str | PathLike[str],
    changes: Mapping[str, Any] | None = None,
    *,
    progress: bool = True,
    say: Say | None = None,
) -> Result:
    """Continue a run as if it had never stopped, bit for bit.

    A run that was stopped before its first checkpoint starts from the beginning; one that is
    finished only has its numbers and pictures made again.

    Parameters
    ----------
    path : path
        The run's folder.
    changes : mapping, optional
        New values for some of ``MAY_CHANGE``.  Other epochs, threads or another backend continue
        the run too, but it is then no longer the same run bit for bit.
    progress, say
        As in ``train``.

    Returns
    -------
    Result

    Raises
    ------
    UsageError
        If there is no such run, or a change is not one that may be made.
    CheckpointError
        If the checkpoint is damaged, or the data are no longer what they were.
    """
    run = find_run(path)
    if run.config is None:
        raise UsageError(f"{path} has no {CONFIG}, so it cannot be continued; give a run's folder.")
    options = _with_changes(run.config.options, changes or {})
    prepared = prepare(options, progress)
    config = prepared.config
    if run.model.exists():
        prepared.training.restore(run.model)
    if config != run.config:
        config.write(run.folder / CONFIG)
    return _run(prepared, run.path if run.path.is_dir() else run.folder, progress, say or silent)


def _with_changes(recorded: RunOptions, changes: Mapping[str, Any]) -> RunOptions:
    options = recorded.changed(changes)
    for name in changes:
        if name not in MAY_CHANGE and getattr(options, name) != getattr(recorded, name):
            raise UsageError(
                f"{name} cannot change when a run is continued (only {', '.join(MAY_CHANGE)} "
                "can): leave it out, or train anew."
            )
    return options


def silent(line: str) -> None:
    """Take a line and say nothing."""


def _run(prepared: Prepared, folder: Path, progress: bool, say: Say) -> Result:
    training, data = prepared.training, prepared.data
    vae = training.vae
    done, epochs = training.position.epoch, prepared.options.epochs
    finished = training.position.finished or done >= epochs
    say(f"{data.name}: {len(data.train):,} rows to train on, {len(data.test):,} to test on")
    for note in data.notes:
        say(f"  {note}")
    say(str(vae))
    if finished:
        say(f"{folder}: all {done} epochs are done")
    else:
        say(f"{folder}: everything is kept there; Ctrl-C stops without loss")
        if done or training.position.step:
            say(f"Continuing in epoch {done + 1} of {epochs}")
        if vae.backend == "numba":
            say("Loading the kernels; compiling them the first time takes about 10 seconds")
    try:
        history = training.run(folder / MODEL, progress=progress)
    except NonFiniteLossError as error:
        raise _with_advice(error, prepared, folder) from None
    finally:
        if len(training.history):
            training.history.to_csv(folder / HISTORY)
    if history.interrupted:
        return Result(folder, vae, history, interrupted=True)
    say("The training is done; measuring and drawing")
    binarize = prepared.options.binarize
    evaluations = {
        "train": evaluate(vae, data.train, binarize=binarize, progress=progress),
        "test": evaluate(vae, data.test, binarize=binarize, progress=progress),
    }
    pictures = draw_pictures(vae, data, history, evaluations["test"], folder, say)
    return Result(folder, vae, history, False, evaluations, pictures)


def _with_advice(error: NonFiniteLossError, prepared: Prepared, folder: Path) -> NonFiniteLossError:
    model = folder / MODEL
    kept = "No checkpoint had been written yet."
    if model.exists():
        kept = f"The last good checkpoint is kept at {model} (see it with: tinyvae plot {folder})."
    rate = prepared.options.learning_rate / 2
    return NonFiniteLossError(
        f"{error} {kept} To train anew with half the learning rate: "
        f"tinyvae train --config {folder / CONFIG} --learning-rate {rate:g}"
    )
