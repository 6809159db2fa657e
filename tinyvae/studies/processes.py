"""All runs of a study on one machine: one after the other, or in processes of joblib's loky."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tinyvae.errors import TinyVAEError
from tinyvae.runs.lock import NAME as LOCK
from tinyvae.studies.extras import need
from tinyvae.studies.work import FAILED, Outcome, Task, in_place, note_failure

Results = Iterator[tuple[Task, Outcome]]

#: A pool that dies so often before any run has begun is not worth another try.
_MOST_DEATHS = 3
_WATCH_SECONDS = 0.5


def one_by_one(tasks: Sequence[Task]) -> Results:
    """Do the tasks in this process."""
    for task in tasks:
        yield task, in_place(task)


def in_processes(tasks: Sequence[Task], jobs: int) -> Results:
    """Do the tasks in ``jobs`` processes, which share the processor's cores.

    Where a worker is killed, loky ends them all.  Each run that was under way then goes on alone,
    from its checkpoint; the one that is killed again is the culprit, and is given up.

    Raises
    ------
    MissingPackageError
        If joblib is not installed.
    TinyVAEError
        If the workers die before any run begins.
    """
    left, deaths = {task.folder: task for task in tasks}, 0
    while left:
        before = len(left)
        yield from _attempt(list(left.values()), jobs, left)
        suspects = [task for task in left.values() if (Path(task.folder) / LOCK).exists()]
        deaths = deaths + 1 if left and not suspects and len(left) == before else 0
        if deaths == _MOST_DEATHS:
            raise TinyVAEError("The worker processes end before they begin: look at the memory.")
        for task in suspects:
            yield from _attempt([task], jobs, left)
            if left.pop(task.folder, None) is not None:
                yield task, _give_up(task)


def _attempt(tasks: list[Task], jobs: int, left: dict[str, Task]) -> Results:
    """Do tasks until all are done or the pool dies; take from ``left`` what is done."""
    joblib = need("joblib", "study", "jobs")
    from joblib.externals.loky import BrokenProcessPool

    from tinyvae.ops.machine.workers import cores  # imports Numba, which takes a while

    threads = max(1, cores() // jobs)
    with joblib.parallel_config("loky", n_jobs=jobs, inner_max_num_threads=threads):
        parallel = joblib.Parallel(return_as="generator_unordered", batch_size=1)
        done = parallel(joblib.delayed(_as_child)(task, os.getpid()) for task in tasks)
    try:
        for task, outcome in done:
            del left[task.folder]
            yield task, outcome
    except BrokenProcessPool:
        return


def _as_child(task: Task, parent: int) -> tuple[Task, Outcome]:
    _end_with(parent)
    return task, in_place(task)


@cache
def _end_with(parent: int) -> None:
    """Ask this process to stop, as SIGTERM does, once its parent has ended.

    A study that is killed so leaves no process behind that goes on writing its runs.
    """
    if os.getppid() != parent:
        return

    def watch() -> Any:
        while os.getppid() == parent:
            time.sleep(_WATCH_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="tinyvae-parent", daemon=True).start()


def _give_up(task: Task) -> Outcome:
    message = "Its worker process was killed twice, the second time alone: too little memory?"
    note_failure(Path(task.folder), "KilledWorker", message)
    return Outcome(FAILED, message)
