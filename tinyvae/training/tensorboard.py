"""A history as the event files that TensorBoard shows."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any

from tinyvae.errors import MissingPackageError, WriteError, check_path

#: What can write them, the light one first.
_WRITERS = ("tensorboardX", "torch.utils.tensorboard")


def write(rows: Iterable[Mapping[str, float]], folder: str | PathLike[str]) -> None:
    """Write the rows of a history; see ``History.to_tensorboard``."""
    check_path("folder", folder)
    make = _writer()
    try:
        with make(str(folder)) as writer:
            for row in rows:
                for name, value in row.items():
                    if name != "epoch":
                        writer.add_scalar(tag_of(name), value, int(row["epoch"]))
    except OSError as error:
        raise WriteError(
            f"Cannot write to {folder}: {error.strerror or error}. Choose another folder."
        ) from error


def tag_of(column: str) -> str:
    """Return what TensorBoard calls a column, its group before the slash."""
    group, _, name = column.partition("_")
    return f"{group}/{name}" if group in ("train", "validation") else f"schedule/{column}"


def _writer() -> Any:
    for name in _WRITERS:
        try:
            return importlib.import_module(name).SummaryWriter
        except ImportError:
            continue
    raise MissingPackageError(
        "to_tensorboard writes with tensorboardX (or PyTorch and tensorboard), which are not "
        "installed: pip install 'tinyvae[tensorboard]'."
    )
