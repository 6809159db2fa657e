"""One writer a run: a lock in its folder, which ends with the process that holds it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from pathlib import Path
from typing import IO, Any, Self

from tinyvae.errors import BusyError, WriteError
from tinyvae.ops.machine.file_lock import try_lock

NAME = ".lock"
_ATTEMPTS = 20


class RunLock:
    """Held while a run is written; another process that wants it is told who has it.

    The operating system releases it with the process, however that ends, so that a stale one is
    taken over at once.  Where there are no such locks, the process named in the file is looked for.

    Parameters
    ----------
    folder : Path
        The run's folder, which must exist.

    Attributes
    ----------
    taken_over : str or None
        The process that ended without giving it back.

    Raises
    ------
    BusyError
        If another process holds it.
    WriteError
        If it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.taken_over: str | None = None
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def acquire(self) -> None:
        """Take the lock, or say who has it."""
        try:
            for _ in range(_ATTEMPTS):
                file = self.path.open("a+b")
                if self._try(file):
                    return
                file.close()
        except WriteError:
            raise
        except OSError as error:
            raise WriteError(
                f"{self.path} cannot be written: {error.strerror or error}. A run's folder must "
                "be writable."
            ) from error
        raise WriteError(f"{self.path} changes hands all the time; try again.")

    def _try(self, file: IO[bytes]) -> bool:
        """Lock an open file; return whether it is still the one that lies there."""
        free = try_lock(file)
        holder = _holder(file)
        if free is None:  # no locks here: ask whether the process lives
            free = holder is None or not _lives(holder)
        if not free:
            file.close()
            raise BusyError(
                f"{self.path.parent} is being written by {_who(holder)}: wait until that ends, or "
                "stop it first."
            )
        if not self.is_ours(file):  # given back and removed meanwhile
            return False
        self.taken_over = None if holder is None else _who(holder)
        me = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}
        file.truncate(0)
        file.write(json.dumps(me).encode())
        file.flush()
        self._file = file
        return True

    def is_ours(self, file: IO[bytes] | None = None) -> bool:
        """Return whether the file that lies in the folder is the one we hold."""
        file = file or self._file
        if file is None:
            return False
        try:
            return os.path.samestat(os.fstat(file.fileno()), self.path.stat())
        except OSError:
            return False

    def release(self) -> None:
        """Give the lock back, and remove its file if it still lies there."""
        if self._file is None:
            return
        if self.is_ours():
            with contextlib.suppress(OSError):
                self.path.unlink()
        self._file.close()
        self._file = None


def _holder(file: IO[bytes]) -> dict[str, Any] | None:
    """Return what the last holder wrote, if anything readable."""
    file.seek(0)
    try:
        found = json.loads(file.read(4096) or b"null")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else None


def _lives(holder: dict[str, Any]) -> bool:
    """Return whether a holder may still be at work; on another machine, nobody knows."""
    if holder.get("host") != socket.gethostname():
        return True
    if holder.get("pid") == os.getpid():
        return True
    try:
        os.kill(int(holder["pid"]), 0)
    except (KeyError, TypeError, ValueError, OverflowError, ProcessLookupError):
        return False
    except OSError:
        return True
    return True


def _who(holder: dict[str, Any] | None) -> str:
    if not holder or not isinstance(holder.get("pid"), int):
        return "another process"
    try:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(holder.get("since")))
    except (TypeError, ValueError, OverflowError, OSError):
        since = "an unknown time"
    return f"process {holder['pid']} on {holder.get('host')} since {since}"
