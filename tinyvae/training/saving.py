"""When a run's checkpoint is written, and which earlier ones are kept beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from os import PathLike
from pathlib import Path

from tinyvae.checkpoint import remove_leftovers
from tinyvae.training.record import identity, save_state
from tinyvae.training.state import RunState


def kept_path(checkpoint: str | PathLike[str], epoch: int) -> Path:
    """Return where the checkpoint of an epoch is kept: ``model-epoch-0020.npz``."""
    path = Path(checkpoint)
    return path.with_name(f"{path.stem}-epoch-{epoch:04d}{path.suffix}")


class Saver:
    """Writes the checkpoint when one is due, and never one that holds NaN.

    Parameters
    ----------
    state : RunState
    path : path or None
        None: nothing is written, but the weights are looked at all the same.
    every : int or None
        Also keep the checkpoint of every ``every``-th epoch.
    prepare : callable, optional
        Called before anything is written.
    """

    EVERY_SECONDS = 10.0

    def __init__(
        self,
        state: RunState,
        path: str | PathLike[str] | None,
        every: int | None = None,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        self.state, self.path, self.every, self.prepare = state, path, every, prepare
        self.last = time.monotonic()
        self._identity = None if path is None else identity(state)
        if path is not None:
            remove_leftovers(path)

    def save_if_due(self) -> None:
        """Write the checkpoint if the last one is some seconds old."""
        if time.monotonic() - self.last > self.EVERY_SECONDS:
            self.save()

    def save(self) -> None:
        """Write the checkpoint.

        Raises
        ------
        NonFiniteLossError
            If a number blew up; nothing is written then.
        WriteError
            If it cannot be written; the previous one stays.
        """
        self.state.check_finite()
        if self.path is not None:
            self._write(Path(self.path))
        self.last = time.monotonic()

    def keep_if_due(self) -> None:
        """Write the checkpoint of a whole epoch that is to be kept."""
        epoch = self.state.position.epoch
        if self.path is not None and self.every is not None and epoch % self.every == 0:
            self._write(kept_path(self.path, epoch))

    def _write(self, path: Path) -> None:
        if self.prepare is not None:
            self.prepare()
        save_state(self.state, path, self._identity)
