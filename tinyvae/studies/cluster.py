"""All runs of a study on a cluster of Dask's: which worker does what when is Dask's business.

A run goes over the cluster in legs, tasks of limited length, so that a task whose study has ended
does not hold its run for long.  Workers that share our disk work in the runs' folders, and read the
data themselves.  As soon as one says that it sees another disk, the data are scattered, and a run's
files travel with its tasks: a worker that is killed then costs no more than one leg.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tinyvae.data import DataSet
from tinyvae.errors import TinyVAEError, UsageError
from tinyvae.studies.extras import need
from tinyvae.studies.processes import Results
from tinyvae.studies.work import (
    FAILED,
    UNFINISHED,
    UNSEEN,
    Outcome,
    Task,
    elsewhere,
    in_place,
    note_failure,
    pack,
    unpack,
)

LOCAL = "local"
#: Seconds of a leg in the run's folder, and of one whose files travel.
LEG, TRAVELLING_LEG = 60.0, 20.0
_ANSWER_SECONDS = 10.0
#: How often a run's data may be lost with the workers that held them.
_MOST_LOSSES = 5


@contextmanager
def connected(scheduler: str, jobs: int) -> Iterator[Any]:
    """Give a client of a running cluster, or of one that is started for the block.

    Raises
    ------
    MissingPackageError
        If distributed is not installed.
    UsageError
        If no scheduler answers there.
    TinyVAEError
        If its workers have another tinyvae, or none.
    """
    distributed = need("distributed", "dask", "scheduler")
    if scheduler == LOCAL:
        with _started(distributed, jobs) as cluster, distributed.Client(cluster) as client:
            yield client
        return
    try:
        client = distributed.Client(scheduler, timeout=_ANSWER_SECONDS)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"scheduler={scheduler!r} does not answer ({error or type(error).__name__}): give the "
            "address that dask scheduler prints, such as tcp://10.0.0.1:8786, or local."
        ) from error
    with client:
        check_workers(client)
        yield client


def _started(distributed: Any, jobs: int) -> Any:
    """Start a cluster on this machine; each of its processes imports the script that is run."""
    try:
        return distributed.LocalCluster(
            n_workers=jobs, threads_per_worker=1, dashboard_address=":0"
        )
    except RuntimeError as error:
        raise TinyVAEError(
            f"Dask's workers do not start ({error}). In a script, call study only under: "
            "if __name__ == '__main__':"
        ) from error


def facts() -> tuple[str, int]:
    """Return this process's version of tinyvae, and how many float32 its vectors hold."""
    from tinyvae.ops.machine.jit import LANES

    return version("tinyvae"), LANES


def check_workers(client: Any) -> None:
    """Refuse workers whose numbers could not be ours.

    Raises
    ------
    TinyVAEError
    """
    try:
        found = client.run(facts)
    except Exception as error:  # whatever a worker without tinyvae raises
        raise TinyVAEError(
            f"The workers cannot import tinyvae {version('tinyvae')} ({error}): install it there."
        ) from error
    for address, theirs in found.items():
        if theirs != facts():
            raise TinyVAEError(
                f"The worker at {address} has tinyvae {theirs[0]} with vectors of {theirs[1]} "
                f"float32, and here it is {facts()[0]} with {facts()[1]}: its runs would not be "
                "the same bits. Install the same version there, and set TINYVAE_LANES to the "
                "smallest width on all machines."
            )


class Cluster:
    """Hands runs to Dask and takes up what comes back.

    Parameters
    ----------
    client : distributed.Client
    read : callable
        Returns the data, if they have to be scattered.
    """

    def __init__(self, client: Any, read: Callable[[], DataSet]) -> None:
        self.client, self._read = client, read
        self.travels = False
        self._data: Any = None

    def run(self, tasks: Sequence[Task]) -> Results:
        """Do the tasks; yield each with its outcome when it is done."""
        # Keeps what a run's checkpoint weighs out of Dask's warning about large graphs.
        import dask
        from distributed import as_completed

        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}):
            under_way = {self._submit(task): task for task in tasks}
            losses = dict.fromkeys(under_way.values(), 0)
            completed = as_completed(under_way)
            for future in completed:
                task = under_way.pop(future)
                outcome = self._outcome(future, task)
                if outcome is None:
                    losses[task] += 1
                if outcome is None and losses[task] > _MOST_LOSSES:
                    outcome = _given_up(task, f"its data were lost {_MOST_LOSSES} times")
                if outcome is None or outcome.status == UNFINISHED:
                    again = self._submit(task, priority=1)  # what was begun comes first
                    under_way[again] = task
                    completed.add(again)
                else:
                    yield task, outcome

    def _submit(self, task: Task, priority: int = 0) -> Any:
        folder = Path(task.folder)
        named = {"key": f"{folder.name}-{uuid.uuid4().hex}", "priority": priority}
        if not self.travels:
            return self.client.submit(in_place, replace(task, at_most=LEG), **named)
        leg = replace(task, at_most=TRAVELLING_LEG)
        return self.client.submit(elsewhere, leg, self._scattered(), pack(folder), **named)

    def _scattered(self) -> Any:
        """Return the data as workers have them; scattered anew if those that had them are gone."""
        if self._data is None or self._data.status != "finished":
            self._data = self.client.scatter(self._read(), broadcast=True, hash=False)
        return self._data

    def _outcome(self, future: Any, task: Task) -> Outcome | None:
        """Return what came of a task, its files written; None if it has to be done again."""
        if future.cancelled():
            if self.client.status != "running":
                raise TinyVAEError("The scheduler is gone; when it is back, call the study again.")
            return None
        error = future.exception()
        if error is not None:
            return _given_up(task, str(error) or type(error).__name__)
        outcome: Outcome = future.result()
        if outcome.files is not None:
            unpack(outcome.files, Path(task.folder))
        if outcome.status == UNSEEN:
            self.travels = True
            return replace(outcome, status=UNFINISHED)
        return outcome


def _given_up(task: Task, message: str) -> Outcome:
    note_failure(Path(task.folder), "KilledWorker", message)
    return Outcome(FAILED, message)
