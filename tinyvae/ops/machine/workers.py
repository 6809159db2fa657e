"""The threads that share a kernel's work, and how many of them a piece of work deserves.

They are plain Python threads: a kernel runs without the interpreter's lock.  For about half a
millisecond after the last work they look at the board (``board.py``) for more, and are there within
a microsecond; then they sleep until someone calls.  Numba's own ``prange`` would compile the same
kernels again inside each parallel loop, which took three times as long as all the rest.  This file
knows no mathematics.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from tinyvae.ops.machine.jit import JIT_DISABLED
from tinyvae.ops.machine.work_queue import THREADS, WHOLE, new_board, serve

# Below this, a second thread costs more than it brings (measured on two cores).
FLOPS_PER_THREAD = 10_000_000
# How often a thread without work looks for more before it sleeps, at 10 to 40 ns each.
LOOKS = 40_000

Kernel = Callable[..., Any]


class _Pool:
    """A board, and as many helpers as were ever asked for; a forked process starts with none."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.lock = threading.Lock()
        self.board = new_board()
        self.called = threading.Condition()
        self.helpers = self.calls = 0

    def call(self, threads: int) -> None:
        """See to it that ``threads - 1`` helpers are awake, or will be soon."""
        self.board[THREADS] = threads
        while self.helpers < threads - 1:
            self.helpers += 1
            threading.Thread(
                target=self._help, args=(self.helpers,), name="tinyvae", daemon=True
            ).start()
        with self.called:
            self.calls += 1
            self.called.notify_all()

    def _help(self, number: int) -> None:
        heard = 0
        while True:
            with self.called:
                while self.calls == heard:
                    self.called.wait()
                heard = self.calls
            serve(self.board, number, LOOKS)


_pool = _Pool()


def run_shared(kernel: Kernel, threads: int, *arguments: Any) -> Any:
    """Return ``kernel(WHOLE, threads, board, *arguments)``, with so many threads at work.

    Parameters
    ----------
    kernel : callable
        Compiled; it posts its work on the board with ``board.in_parts``.
    threads : int
        How many, the calling one included.
    *arguments
        The rest of the kernel's.
    """
    if threads == 1 or JIT_DISABLED:
        return kernel(WHOLE, threads, new_board(), *arguments)
    global _pool
    if _pool.process != os.getpid():
        _pool = _Pool()
    with _pool.lock:
        _pool.call(threads)
        return kernel(WHOLE, threads, _pool.board, *arguments)


def cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_for(flops: float, at_most: int | None) -> int:
    """Return how many threads a piece of work of so many floating-point operations deserves.

    Never more than there are processors, nor than ``at_most``.
    """
    deserved = int(flops // FLOPS_PER_THREAD)
    if at_most is not None:
        deserved = min(deserved, at_most)
    if JIT_DISABLED or deserved < 2:
        return 1
    return min(deserved, cores())
