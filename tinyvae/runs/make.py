"""Training as a run: data, model, folder, checkpoints, and at the end numbers and pictures.

``train`` starts one and ``resume`` continues one; both only arrange what other modules do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from tinyvae.data import DataSet
from tinyvae.errors import NonFiniteLossError, UsageError, wrong_kind
from tinyvae.model.evaluation import Evaluation, evaluate
from tinyvae.model.vae import VAE
from tinyvae.runs.folders import CONFIG, HISTORY, MODEL, Writer, find_run
from tinyvae.runs.naming import new_folder
from tinyvae.runs.options import RunOptions
from tinyvae.runs.pictures import draw_pictures
from tinyvae.runs.prepare import Prepared, prepare
from tinyvae.runs.words import Say, announce, silent, with_advice
from tinyvae.training.history import History
from tinyvae.training.progress import shows_bars
from tinyvae.training.unused import remark

#: What may be given anew when a run is continued: how long, how fast, and where the data lie.
MAY_CHANGE = ("epochs", "threads", "backend", "data", "data_dir", "save_every")


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
        Whether a signal ended it; then there is no evaluation and there are no pictures.
    signal : int or None
        Which: that of Ctrl-C, SIGTERM or SIGHUP.
    evaluations : dict
        ``"train"`` and ``"test"``.
    pictures : list of Path
    remark : str or None
        What to try where most latent units are not used.
    """

    folder: Path
    vae: VAE
    history: History
    interrupted: bool
    signal: int | None = None
    evaluations: dict[str, Evaluation] = field(default_factory=dict)
    pictures: list[Path] = field(default_factory=list)
    remark: str | None = None


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
    say = say or silent
    options = RunOptions() if options is None else options
    if not isinstance(options, RunOptions):
        raise wrong_kind("options", options, "RunOptions", "RunOptions(epochs=20), for example")
    prepared = prepare(options, progress and shows_bars())
    with Writer(new_folder(prepared.data.name, output), say) as writer:
        writer.write(prepared.config)
        return _run(prepared, writer, progress, say)


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
    WriteError
        If another process writes the run, or something cannot be written.
    """
    run = find_run(path)
    if run.config is None:
        raise UsageError(f"{path} has no {CONFIG}, so it cannot be continued; give a run's folder.")
    say = say or silent
    with Writer(run.path if run.path.is_dir() else run.folder, say) as writer:
        return _run(take_up(writer, changes or {}, progress=progress), writer, progress, say)


def take_up(
    writer: Writer,
    changes: Mapping[str, Any],
    *,
    data: DataSet | None = None,
    progress: bool = False,
) -> Prepared:
    """Return a run in its folder as it stands, ready to go on.

    Parameters
    ----------
    writer : Writer
        Entered: nobody else writes there.
    changes, progress
        As in ``resume``.
    data : DataSet, optional
        What ``prepare.read`` returned for the run's options; read again if not given.

    Raises
    ------
    UsageError, CheckpointError
        As ``resume``.
    """
    run = find_run(writer.folder)
    assert run.config is not None
    options = _with_changes(run.config.options, changes)
    prepared = prepare(options, progress and shows_bars(), data)
    if run.model.exists():
        prepared.training.restore(run.model)
    writer.config = run.config
    writer.write(prepared.config)
    return prepared


def _with_changes(recorded: RunOptions, changes: Mapping[str, Any]) -> RunOptions:
    options = recorded.changed(changes)
    for name in changes:
        if name not in MAY_CHANGE and getattr(options, name) != getattr(recorded, name):
            raise UsageError(
                f"{name} cannot change when a run is continued (only {', '.join(MAY_CHANGE)} "
                "can): leave it out, or train anew."
            )
    return options


def go_on(
    prepared: Prepared, writer: Writer, *, progress: bool = False, at_most: float | None = None
) -> Result:
    """Train until the run is done, a signal comes, or ``at_most`` seconds have passed.

    Nothing is measured or drawn.

    Raises
    ------
    NonFiniteLossError, WriteError
        As ``train``.
    """
    training, folder = prepared.training, writer.folder
    state = training.state
    try:
        history = training.run(
            folder / MODEL,
            progress=progress,
            save_every=prepared.options.save_every,
            before_save=writer.make_whole,
            at_most=at_most,
        )
    except NonFiniteLossError as error:
        raise with_advice(error, prepared, folder) from None
    finally:
        if len(state.history):
            state.history.to_csv(folder / HISTORY)
    return Result(folder, state.vae, history, history.interrupted, training.stopped_by)


def _run(prepared: Prepared, writer: Writer, progress: bool, say: Say) -> Result:
    folder = writer.folder
    announce(prepared, folder, say)
    result = go_on(prepared, writer, progress=progress)
    if result.interrupted:
        return result
    say("The training is done; measuring and drawing")
    try:
        return _measure_and_draw(prepared, folder, progress, say)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"Interrupted while measuring and drawing. The trained model is kept, whole: "
            f"{folder / MODEL}. Make its pictures with: tinyvae plot {folder}"
        ) from None


def _measure_and_draw(prepared: Prepared, folder: Path, progress: bool, say: Say) -> Result:
    training, data, binarize = prepared.training, prepared.data, prepared.options.binarize
    vae, history, bars = training.state.vae, training.state.history, progress and shows_bars()
    evaluations = {
        split: evaluate(
            vae,
            getattr(data, split),
            binarize=binarize,
            labels=prepared.labels(split),
            progress=bars,
        )
        for split in ("train", "test")
    }
    pictures = draw_pictures(vae, data, history, evaluations["test"], folder, say, prepared.classes)
    few = remark(evaluations["test"], vae, prepared.options) if history else None
    return Result(folder, vae, history, False, None, evaluations, pictures, few)
