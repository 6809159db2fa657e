"""``study``: many runs, on one processor or on many, as one call that can be repeated.

Everything stands on the disk: a call goes on where the last one ended, however that was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from tinyvae.data import DataSet
from tinyvae.data.streams import user_path
from tinyvae.errors import DataError, UsageError, check_count
from tinyvae.runs.lock import RunLock
from tinyvae.runs.prepare import prepare
from tinyvae.runs.words import Say, silent
from tinyvae.studies.cluster import Cluster, connected
from tinyvae.studies.folder import ERROR, TABLE, StudyFolder
from tinyvae.studies.pictures import draw
from tinyvae.studies.plan import EVAL_SAMPLES, Plan, PlannedRun
from tinyvae.studies.processes import Results, in_processes, one_by_one
from tinyvae.studies.progress import Progress, cost_of
from tinyvae.studies.table import Row, cells_of, rows_of, write_table
from tinyvae.studies.work import BUSY, DONE, STOPPED, Task, data_of

Do = Callable[[Sequence[Task]], Results]

#: How long to wait for another process that still writes one of the runs, and between looks.
_PATIENCE, _LOOK_SECONDS = 90.0, 2.0


@dataclass
class Study:
    """What a study left behind.

    Attributes
    ----------
    folder : Path
        With ``study.json``, ``table.csv``, the pictures, and a folder for each run in ``runs``.
    plan : Plan
    rows : list of dict
        One a run: ``run``, its settings, ``seed``, ``status`` ("done", "failed" or "waiting"), the
        test set's ``elbo``, ``elbo_error``, ``reconstruction``, ``kl``, ``bound`` (L_K) in nats per
        example and ``active_units``, ``train_elbo``, ``epochs``, ``error``.
    pictures : list of Path
    """

    folder: Path
    plan: Plan
    rows: list[Row]
    pictures: list[Path] = field(default_factory=list)

    @property
    def cells(self) -> list[list[str]]:
        """The table to show: a line for each combination, means over seeds."""
        return cells_of(self.rows, self.plan)

    def __repr__(self) -> str:
        done = sum(row["status"] == "done" for row in self.rows)
        failed = sum(row["status"] == "failed" for row in self.rows)
        return f"Study({str(self.folder)!r}: {done} of {len(self.rows)} runs done, {failed} failed)"


def study(
    folder: str | PathLike[str],
    *,
    seeds: int | None = None,
    eval_samples: int | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    pictures: bool = False,
    retry: bool = False,
    say: Say | None = None,
    **options: Any,
) -> Study:
    """Train a model for every combination of settings and seeds, and compare them.

    Every run is a folder as ``runs.train`` makes it.  What is done stays done: called again, a
    study goes on where it was, and may be given more values or seeds.  The numbers do not depend
    on how many processes or machines there are.

    Parameters
    ----------
    folder : path
        New, or a study's.
    seeds : int, optional
        How many runs each combination gets, with seeds counted up from ``seed``; 1 if not given.
    eval_samples : int, optional
        K of L_K, the importance-weighted bound on the test set; 50 if not given.
    jobs : int, optional
        Processes on this machine; as many as its cores if not given.  More than one need joblib.
    scheduler : str, optional
        Address of a running Dask cluster, or ``"local"`` to start one with ``jobs`` workers.
    pictures : bool
        Whether every run's folder gets its own pictures, too.
    retry : bool
        Whether to try again what failed before.
    say : callable, optional
        Takes lines that tell what is happening; ``print``, for example.
    **options
        Attributes of ``RunOptions``: a list varies, anything else is the same for all runs.  If
        there are none, ``folder`` must hold a study, which goes on.

    Returns
    -------
    Study

    Raises
    ------
    UsageError, DataError
        If an option, a combination or the data cannot be used; nothing is trained then.
    BusyError
        If another process does this study.
    MissingPackageError
        If joblib or distributed is needed and not installed.

    Examples
    --------
    >>> found = study("betas", latent_dim=[2, 10], beta=[0.5, 1, 4], seeds=3)  # doctest: +SKIP
    """
    say = say or silent
    if jobs is not None:
        check_count("jobs", jobs)
    place = StudyFolder(user_path("folder", folder))
    plan, checksum = _plan(place, options, seeds, eval_samples)
    data, found = data_of(plan.base)
    if checksum not in ("", found):
        raise DataError(
            f"data={plan.base.data!r} holds other data than when {folder} began: put them back, or "
            "begin another study."
        )
    place.path.mkdir(parents=True, exist_ok=True)
    with RunLock(place.path):
        todo = _begin(place, plan, data, found, retry)
        rest = {run.name: _task(place, plan, run, found, pictures) for run in todo}
        say(f"{place.path}: {len(plan)} runs, {len(plan) - len(todo)} of them done before")
        at_once = min(jobs or _cores(), max(1, len(todo)))
        try:
            with _means(scheduler, at_once, lambda: data) as do:
                _do_all(rest, todo, plan, data, do, say)
        finally:
            rows = rows_of(place, plan)
            write_table(rows, place.path / TABLE)
        return Study(place.path, plan, rows, draw(rows, plan, place.path))


def _cores() -> int:
    from tinyvae.ops.machine.workers import cores  # imports Numba, which takes a while

    return cores()


def _plan(
    place: StudyFolder, options: Mapping[str, Any], seeds: int | None, eval_samples: int | None
) -> tuple[Plan, str]:
    """Return what to do: what the options say, or what the folder says."""
    if not place.has_plan:
        if not options and seeds is None:
            raise UsageError(
                f"{place.path} is no study yet: give at least one option with several values, or "
                "a number of seeds."
            )
        seeds = 1 if seeds is None else seeds
        eval_samples = EVAL_SAMPLES if eval_samples is None else eval_samples
        return Plan.of(options, seeds=seeds, eval_samples=eval_samples), ""
    before, checksum = place.read_plan()
    seeds = before.seeds if seeds is None else seeds
    eval_samples = before.eval_samples if eval_samples is None else eval_samples
    if not options:
        return Plan(before.base, before.settings, seeds, eval_samples), checksum
    plan = Plan.of(options, seeds=seeds, eval_samples=eval_samples)
    new = {run.name: run.options for run in plan.runs()}
    for run in before.runs():
        if new.get(run.name) != run.options:
            raise UsageError(
                f"{place.path} holds another study: {run.name} of it is not among these runs. Give "
                "at least its values and seeds, leave the options out to go on as it was, or name "
                "a new folder."
            )
    return plan, checksum


def _begin(
    place: StudyFolder, plan: Plan, data: DataSet, checksum: str, retry: bool
) -> list[PlannedRun]:
    """Write the plan, make the runs' folders, and return the runs that are to do."""
    planned = plan.runs()
    facts = prepare(planned[0].options, False, data).config
    place.write_plan(plan, checksum)
    todo = []
    for run in planned:
        place.make_folder(run, facts.data, facts.version)
        if retry:
            (place.folder_of(run) / ERROR).unlink(missing_ok=True)
        measured = place.measured(run)
        again = measured is None or measured["test"]["n_samples"] != plan.eval_samples
        if again and place.failed(run) is None:
            todo.append(run)
    return todo


def _task(place: StudyFolder, plan: Plan, run: PlannedRun, checksum: str, pictures: bool) -> Task:
    folder = str(place.folder_of(run).resolve())
    return Task(folder, checksum, plan.eval_samples, pictures)


@contextmanager
def _means(scheduler: str | None, jobs: int, read: Callable[[], DataSet]) -> Iterator[Do]:
    """Give what does the tasks: this process, several, or a cluster."""
    if scheduler is not None:
        with connected(scheduler, jobs) as client:
            yield Cluster(client, read).run
    elif jobs == 1:
        yield one_by_one
    else:
        yield lambda tasks: in_processes(tasks, jobs)


def _do_all(
    rest: dict[str, Task], todo: Iterable[PlannedRun], plan: Plan, data: DataSet, do: Do, say: Say
) -> None:
    """Do the tasks until each is done or has failed; runs that another process writes come last."""
    width = data.train.shape[1]
    costs = {run.name: cost_of(run.options, width) for run in todo}
    progress = Progress(costs, len(plan) - len(rest), say)
    patience = time.monotonic() + _PATIENCE
    try:
        while rest:
            for task, outcome in do(list(rest.values())):
                name = Path(task.folder).name
                if outcome.status == STOPPED:
                    raise KeyboardInterrupt
                if outcome.status == BUSY and time.monotonic() < patience:
                    continue
                del rest[name]
                failure = "" if outcome.status == DONE else outcome.message
                progress.ended(name, failure)
                patience = time.monotonic() + _PATIENCE
            if rest:
                time.sleep(_LOOK_SECONDS)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"Interrupted; {len(plan) - len(rest)} of {len(plan)} runs are done, and the others go "
            "on from their checkpoints when the same study is called again."
        ) from None
