"""One run of a study taken further: what a worker does, on whatever machine it is.

A task is the folder of a run; what came of it lies in that folder when the task is done.
"""

from __future__ import annotations

import math
import tempfile
import traceback
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from tinyvae.checkpoint import replace_file
from tinyvae.data import DataSet
from tinyvae.errors import BusyError, TinyVAEError
from tinyvae.model.evaluation import Evaluation, evaluate
from tinyvae.runs.config import Config, write_json
from tinyvae.runs.folders import CONFIG, Writer
from tinyvae.runs.make import go_on, take_up
from tinyvae.runs.options import RunOptions
from tinyvae.runs.pictures import draw_pictures
from tinyvae.runs.prepare import Prepared, read
from tinyvae.runs.words import silent
from tinyvae.studies.folder import ERROR, EVALUATION
from tinyvae.training.record import fingerprint

Files = dict[str, bytes]

DONE, FAILED, UNFINISHED, STOPPED = "done", "failed", "unfinished", "stopped"
#: The worker sees another disk, or another process is writing the run.
UNSEEN, BUSY = "unseen", "busy"


@dataclass(frozen=True)
class Task:
    """What a worker needs to know of a run besides its folder's files.

    Attributes
    ----------
    folder : str
        The whole path.
    checksum : str
        Of the data.
    eval_samples : int
    pictures : bool
        Whether to draw the run's pictures, too.
    at_most : float or None
        Seconds after which to stop and leave the rest to another task.
    """

    folder: str
    checksum: str
    eval_samples: int
    pictures: bool = False
    at_most: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a task: one of the words above, why, and files that came over the network."""

    status: str
    message: str = ""
    files: Files | None = None


def checksum_of(data: DataSet) -> str:
    """Return what tells a data set from others: shapes, dtypes and CRC-32 of both halves."""
    return f"{fingerprint(data.train)}; {fingerprint(data.test)}"


@lru_cache(maxsize=1)
def _read_once(key: RunOptions) -> tuple[DataSet, str]:
    data = read(key, False)
    return data, checksum_of(data)


def data_of(options: RunOptions, checksum: str | None = None) -> tuple[DataSet, str]:
    """Return the data that options name, and their checksum.

    A process reads them once, and anew where no checksum is given or they have another.
    """
    key = replace(RunOptions(), data=options.data, **options.reading)
    if checksum is None:
        _read_once.cache_clear()
    found = _read_once(key)
    if checksum not in (None, found[1]):
        _read_once.cache_clear()
        found = _read_once(key)
    return found


def in_place(task: Task) -> Outcome:
    """Take a run further in its own folder, which this process can see."""
    folder = Path(task.folder)
    try:
        options = Config.read(folder / CONFIG).options
        data, found = data_of(options, task.checksum)
    except (TinyVAEError, OSError) as error:
        return Outcome(UNSEEN, str(error))
    if found != task.checksum:
        return Outcome(UNSEEN, f"{options.data} holds other data here than where the study began.")
    return _work(folder, task, data)


def elsewhere(task: Task, data: DataSet, files: Files) -> Outcome:
    """Take a run further in a folder that is made for it, from its files to its files."""
    with tempfile.TemporaryDirectory(prefix="tinyvae-") as place:
        folder = Path(place)
        unpack(files, folder)
        outcome = _work(folder, task, data)
        return replace(outcome, files=pack(folder))


def pack(folder: Path) -> Files:
    """Return the files of a run's folder by name, without a lock and what was half written."""
    paths = [path for path in sorted(folder.iterdir()) if path.name[0] != "."]
    return {path.name: path.read_bytes() for path in paths if path.is_file()}


def unpack(files: Files, folder: Path) -> None:
    """Write files into a folder, each replaced only when it is whole."""
    for name, content in files.items():
        with replace_file(folder / name) as file:
            file.write(content)


def _work(folder: Path, task: Task, data: DataSet) -> Outcome:
    """Take a run further; a failure is written down in its folder and harms no other run."""
    try:
        with Writer(folder, silent) as writer:
            prepared = take_up(writer, {}, data=data)
            result = go_on(prepared, writer, at_most=task.at_most)
            if result.interrupted:
                return Outcome(UNFINISHED if result.signal is None else STOPPED)
            on_test = _evaluated(prepared, "test", task.eval_samples)
            measured = _measures(prepared, on_test)
            if task.pictures:
                _draw(prepared, on_test, folder)
            write_json(folder / EVALUATION, measured)
            (folder / ERROR).unlink(missing_ok=True)
    except BusyError as error:
        return Outcome(BUSY, str(error))
    except Exception as error:
        note_failure(folder, type(error).__name__, str(error), traceback.format_exc())
        return Outcome(FAILED, str(error))
    return Outcome(DONE)


def note_failure(folder: Path, kind: str, message: str, trace: str = "") -> None:
    """Write down in a run's folder why it failed."""
    write_json(folder / ERROR, {"kind": kind, "message": message, "traceback": trace})


def _evaluated(prepared: Prepared, split: str, n_samples: int) -> Evaluation:
    return evaluate(
        prepared.training.state.vae,
        getattr(prepared.data, split),
        n_samples=n_samples,
        binarize=prepared.options.binarize,
        labels=prepared.labels(split),
    )


def _measures(prepared: Prepared, on_test: Evaluation) -> dict[str, Any]:
    """Return the numbers of a trained run, in nats per example, as ``evaluation.json`` holds them.

    The training set is looked at with one sample of z for each example.
    """
    history = prepared.training.state.history
    return {
        "test": _plain(on_test),
        "train": _plain(_evaluated(prepared, "train", 1)),
        "epochs": len(history),
        "seconds": history["seconds"][-1] if len(history) else 0.0,
    }


def _plain(found: Evaluation) -> dict[str, Any]:
    content = found.to_dict()
    del content["mu_variance"], content["rows"]
    numbers = [content[name] for name in ("elbo", "kl", "bound") if content[name] is not None]
    if not all(map(math.isfinite, numbers)):
        raise ArithmeticError(f"The trained model has an ELBO of {found.elbo} nats.")
    return content


def _draw(prepared: Prepared, on_test: Evaluation, folder: Path) -> None:
    state, data, classes = prepared.training.state, prepared.data, prepared.classes
    draw_pictures(state.vae, data, state.history, on_test, folder, silent, classes)
