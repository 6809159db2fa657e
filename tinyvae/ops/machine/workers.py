"""The worker threads that share a kernel's work, and how many of them a piece of work deserves.

They are plain Python threads: a kernel runs without the interpreter's lock.  For about half a
millisecond after the last work they watch the work queue, and take more within a microsecond; then
they sleep until they are woken.  Numba's own ``prange`` would compile the same kernels again inside
each parallel loop, which took three times as long as all the rest.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from tinyvae.ops.machine.jit import JIT_DISABLED
from tinyvae.ops.machine.kernel_cache import notice
from tinyvae.ops.machine.quota import processors
from tinyvae.ops.machine.work_queue import THREADS, WHOLE, new_queue, serve

# Below this, a second thread costs more than it brings (measured on two cores).
FLOPS_PER_THREAD = 10_000_000
# How often an idle worker looks at the queue before it sleeps, at 10 to 40 ns each.
SPINS = 40_000

_NO_MORE_THREADS = (
    "No more threads may be started here (ulimit -u, or a container's limit): the work goes on "
    "with {} thread{}, with the same results."
)

Kernel = Callable[..., Any]


class _Pool:
    """A queue, and as many workers as were ever asked for; a forked process starts with none."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.lock = threading.Lock()
        self.queue = new_queue()
        self.woken = threading.Condition()
        self.workers = self.calls = 0
        self.full = False  # whether the system starts no more threads

    def wake(self, threads: int) -> None:
        """Wake ``threads - 1`` workers, or as many as may be started: the caller works, too."""
        self.queue[THREADS] = threads
        while self.workers < threads - 1 and not self.full:
            number = self.workers + 1
            worker = threading.Thread(
                target=self._work, args=(number,), name="tinyvae", daemon=True
            )
            try:
                worker.start()
            except RuntimeError:  # "can't start new thread"
                self.full = True
                notice(_NO_MORE_THREADS.format(number, "s" if number > 1 else ""))
            else:
                self.workers = number
        with self.woken:
            self.calls += 1
            self.woken.notify_all()

    def _work(self, number: int) -> None:
        heard = 0
        while True:
            with self.woken:
                while self.calls == heard:
                    self.woken.wait()
                heard = self.calls
            serve(self.queue, number, SPINS)


_pool = _Pool()


def run_shared(kernel: Kernel, threads: int, *arguments: Any) -> Any:
    """Return ``kernel(WHOLE, threads, queue, *arguments)``, with so many threads at work.

    Parameters
    ----------
    kernel : callable
        Compiled; it posts its work with ``work_queue.in_parts``.
    threads : int
        How many, the calling one included.
    *arguments
        The rest of the kernel's.
    """
    if threads == 1 or JIT_DISABLED:
        return kernel(WHOLE, threads, new_queue(), *arguments)
    global _pool
    if _pool.process != os.getpid():
        _pool = _Pool()
    with _pool.lock:
        _pool.wake(threads)
        return kernel(WHOLE, threads, _pool.queue, *arguments)


# What users and schedulers set to say how many threads a process may have; joblib sets both in its
# workers.
LIMITS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")


def cores() -> int:
    """Return how many threads are used where the caller names no number.

    ``processors()``, or what the environment's ``LIMITS`` say if that is less.
    """
    limits = [_whole_number(os.environ.get(name, "").split(",")[0]) for name in LIMITS]
    return min([processors(), *(limit for limit in limits if limit)])


def _whole_number(text: str) -> int:
    """Return a number of threads, or 0 where none is given: 0 and words limit nothing."""
    return int(text) if text.strip().isdecimal() else 0


def threads_for(flops: float, at_most: int | None) -> int:
    """Return how many threads a piece of work of so many floating-point operations deserves.

    Never more than ``at_most``, or than ``cores()`` where that is None, nor than there are
    processors.
    """
    deserved = int(flops // FLOPS_PER_THREAD)
    if JIT_DISABLED or deserved < 2:
        return 1
    return min(deserved, cores() if at_most is None else min(at_most, processors()))
