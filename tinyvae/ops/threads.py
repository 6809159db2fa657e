"""Sharing a kernel's work among threads: ``kernel(part, parts, ...)`` for every part at once.

The kernels run without the interpreter's lock, so plain Python threads are enough, asleep between
calls; handing a part over costs some 25 microseconds.  Numba's own ``prange`` would hand over
faster and compile the same kernels again inside each parallel loop, which took three times as long
as all the rest.  This file knows no mathematics.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from tinyvae.ops.jit import JIT_DISABLED

# Below this, waking a second thread costs more than it brings (measured on two cores).
FLOPS_PER_THREAD = 10_000_000

Kernel = Callable[..., Any]


class _Worker:
    """A thread that sleeps until it is given a part, and says when it is done."""

    def __init__(self) -> None:
        self._go, self._done = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._done.acquire()
        self._work: tuple[Kernel, tuple[Any, ...]] | None = None
        self._error: BaseException | None = None
        threading.Thread(target=self._loop, name="tinyvae", daemon=True).start()

    def _loop(self) -> None:
        while True:
            self._go.acquire()
            assert self._work is not None
            kernel, arguments = self._work
            try:
                kernel(*arguments)
            except BaseException as error:  # handed to the caller in wait
                self._error = error
            self._done.release()

    def start(self, kernel: Kernel, arguments: tuple[Any, ...]) -> None:
        self._work = kernel, arguments
        self._go.release()

    def wait(self) -> None:
        self._done.acquire()
        self._work = None
        if self._error is not None:
            error, self._error = self._error, None
            raise error


class _Pool:
    """As many workers as were ever asked for; a forked process starts with none."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.lock = threading.Lock()
        self.workers: list[_Worker] = []


_pool = _Pool()


def run_parts(kernel: Kernel, parts: int, *arguments: Any) -> None:
    """Call ``kernel(part, parts, *arguments)`` for every part, and return when all are done.

    Parameters
    ----------
    kernel : callable
        Compiled, without the interpreter's lock; its parts write to different places.
    parts : int
        How many; the first runs on the calling thread.
    *arguments
        The same for all.
    """
    if parts == 1:
        kernel(0, 1, *arguments)
        return
    global _pool
    if _pool.process != os.getpid():
        _pool = _Pool()
    with _pool.lock:
        while len(_pool.workers) < parts - 1:
            _pool.workers.append(_Worker())
        busy = _pool.workers[: parts - 1]
        for part, worker in enumerate(busy, start=1):
            worker.start(kernel, (part, parts, *arguments))
        try:
            kernel(0, parts, *arguments)
        finally:
            for worker in busy:
                worker.wait()


def cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_for(flops: float, at_most: int | None) -> int:
    """Return how many threads a piece of work of so many floating-point operations deserves.

    Never more than there are processors, nor than ``at_most``.
    """
    if JIT_DISABLED:
        return 1
    limit = cores() if at_most is None else min(at_most, cores())
    return int(max(1, min(limit, flops // FLOPS_PER_THREAD)))
