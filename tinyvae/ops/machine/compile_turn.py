"""One process at a time compiles for a cache: those that start together wait, and then load.

Without it, two processes that start cold would each compile all kernels.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tinyvae.ops.machine.file_lock import try_lock

NAME = ".tinyvae-compiling"
#: Longer than any kernel takes; after that a process compiles without its turn.
MOST_SECONDS = 120.0
_LOOK_SECONDS = 0.02


class CompileTurn:
    """A process's turn to compile, taken at most once, however deep kernels call kernels.

    Numba calls it under its compiler lock, so that threads need no lock here.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._file: IO[bytes] | None = None

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Give the turn back at the end of the outermost block, if it was taken within."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth and self._file is not None:
                self._file.close()
                self._file = None

    def take(self, folder: str) -> bool:
        """Wait until no other process compiles for this folder; return whether one did.

        True means that what is missing may have come.  Outside a scope, and where a file cannot
        be locked, it does nothing.
        """
        if not self._depth or self._file is not None:
            return False
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            file = (Path(folder) / NAME).open("ab")
        except OSError:
            return False
        waited, began = False, time.monotonic()
        with contextlib.suppress(OSError):
            while try_lock(file) is False and time.monotonic() - began < MOST_SECONDS:
                waited = True
                time.sleep(_LOOK_SECONDS)
        self._file = file
        return waited


TURN = CompileTurn()
