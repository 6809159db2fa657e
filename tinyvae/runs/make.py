"""Training as a run: data, model, folder, checkpoints, and at the end numbers and pictures.

``train`` starts one and ``resume`` continues one; both only arrange what other modules do.
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
from tinyvae.runs.folders import CONFIG, HISTORY, MODEL, Writer, find_run
from tinyvae.runs.naming import new_folder
from tinyvae.runs.options import RunOptions
from tinyvae.runs.pictures import draw_pictures
from tinyvae.runs.prepare import Prepared, prepare
from tinyvae.training.history import History
from tinyvae.training.progress import shows_bars
from tinyvae.training.unused import remark

Say = Callable[[str], None]

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
    prepared = prepare(options or RunOptions(), progress and shows_bars())
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
        run = find_run(path)  # as it stands now that nobody else writes there
        assert run.config is not None
        options = _with_changes(run.config.options, changes or {})
        prepared = prepare(options, progress and shows_bars())
        if run.model.exists():
            prepared.training.restore(run.model)
        writer.config = run.config
        writer.write(prepared.config)
        return _run(prepared, writer, progress, say)


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


def _run(prepared: Prepared, writer: Writer, progress: bool, say: Say) -> Result:
    training, folder = prepared.training, writer.folder
    state = training.state
    _announce(prepared, folder, say)
    try:
        history = training.run(
            folder / MODEL,
            progress=progress,
            save_every=prepared.options.save_every,
            before_save=writer.make_whole,
        )
    except NonFiniteLossError as error:
        raise _with_advice(error, prepared, folder) from None
    finally:
        if len(state.history):
            state.history.to_csv(folder / HISTORY)
    if history.interrupted:
        return Result(folder, state.vae, history, True, training.stopped_by)
    say("The training is done; measuring and drawing")
    try:
        return _measure_and_draw(prepared, folder, progress, say)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"Interrupted while measuring and drawing. The trained model is kept, whole: "
            f"{folder / MODEL}. Make its pictures with: tinyvae plot {folder}"
        ) from None


def _announce(prepared: Prepared, folder: Path, say: Say) -> None:
    """Say what is about to be trained, and what is different if it had begun before."""
    state, data, epochs = prepared.training.state, prepared.data, prepared.options.epochs
    done = state.position.epoch
    say(f"{data.name}: {len(data.train):,} rows to train on, {len(data.test):,} to test on")
    for note in data.notes:
        say(f"  {note}")
    say(str(state.vae))
    for note in state.notes:
        say(note)
    if not state.unfinished:
        if not state.notes:
            say(f"{folder}: all {done} epochs are done")
        return
    say(f"{folder}: everything is kept there; Ctrl-C stops without loss")
    if done or state.position.step:
        say(f"Continuing in epoch {done + 1} of {epochs}")
    if state.vae.backend != "numba":
        return
    from tinyvae.ops.machine.jit import JIT_DISABLED

    if JIT_DISABLED:
        say(
            "NUMBA_DISABLE_JIT is set, so that nothing is compiled and a single step may take "
            "minutes: unset it, or use the reference backend (--backend reference)"
        )
    else:
        say("Loading the kernels; compiling them the first time takes about 10 seconds")


def _measure_and_draw(prepared: Prepared, folder: Path, progress: bool, say: Say) -> Result:
    training, data, binarize = prepared.training, prepared.data, prepared.options.binarize
    vae, history, bars = training.state.vae, training.state.history, progress and shows_bars()
    evaluations = {
        "train": evaluate(vae, data.train, binarize=binarize, progress=bars),
        "test": evaluate(vae, data.test, binarize=binarize, progress=bars),
    }
    pictures = draw_pictures(vae, data, history, evaluations["test"], folder, say)
    few = remark(evaluations["test"], vae, prepared.options) if history else None
    return Result(folder, vae, history, False, None, evaluations, pictures, few)


def _with_advice(error: NonFiniteLossError, prepared: Prepared, folder: Path) -> NonFiniteLossError:
    model, suspect = folder / MODEL, prepared.training.state.suspect()
    kept = "No checkpoint had been written yet."
    if model.exists():
        kept = f"The last good checkpoint is kept at {model} (see it with: tinyvae plot {folder})."
    if suspect == "data":
        return NonFiniteLossError(f"{error} {kept}")
    rate = prepared.options.learning_rate / 2
    what, option = {
        "beta": ("a beta of 1", "--beta 1"),
        "learning_rate": ("half the learning rate", f"--learning-rate {rate:g}"),
    }[suspect]
    return NonFiniteLossError(
        f"{error} {kept} To train anew with {what}: "
        f"tinyvae train --config {folder / CONFIG} {option}"
    )
