"""The numbers of a study: one row a run for machines, one row a combination for readers."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tinyvae.studies.folder import StudyFolder
from tinyvae.studies.plan import Plan, word
from tinyvae.training.history import write_csv

Row = dict[str, Any]

#: What is measured of a run; in nats per example, but for counts.
MEASURES = (
    "elbo",
    "elbo_error",
    "reconstruction",
    "kl",
    "bound",
    "log_likelihood",
    "accuracy",
    "active_units",
    "train_elbo",
    "epochs",
)
#: Shown, with their titles; K is the study's ``eval_samples``.
_SHOWN = {
    "elbo": "ELBO",
    "bound": "L_{K}",
    "reconstruction": "reconstruction",
    "kl": "KL",
    "active_units": "active units",
}


def rows_of(folder: StudyFolder, plan: Plan) -> list[Row]:
    """Return a row for each run: run, settings, seed, status, measures, error.

    Nothing in it depends on how long anything took, or who did it.
    """
    rows = []
    for run in plan.runs():
        row: Row = {"run": run.name, **run.settings, "seed": run.options.seed}
        row |= {"status": "waiting"} | dict.fromkeys(MEASURES) | {"error": None}
        found, failure = folder.measured(run), folder.failed(run)
        if failure is not None:
            row |= {"status": "failed", "error": f"{failure['kind']}: {failure['message']}"}
        elif found is not None:
            row |= {name: found["test"].get(name) for name in MEASURES[:-2]}
            row |= {"status": "done", "train_elbo": found["train"]["elbo"]}
            row["epochs"] = found["epochs"]
        rows.append(row)
    return rows


def write_table(rows: Sequence[Row], path: Path) -> None:
    """Write the rows, replaced only when they are whole.

    Raises
    ------
    WriteError
        If they cannot be written.
    """
    plain = [{k: word(v) if isinstance(v, tuple) else v for k, v in row.items()} for row in rows]
    write_csv(path, list(rows[0]), plain)


def cells_of(rows: Sequence[Row], plan: Plan) -> list[list[str]]:
    """Return the table that is shown: a line for each combination, means over its seeds.

    After +- stands the standard deviation over seeds.
    """
    names = list(plan.settings)
    titles = [title.format(K=plan.eval_samples) for title in _SHOWN.values()]
    head = [*names, "runs", *titles]
    lines = [head]
    for key, group in grouped(rows, names).items():
        done = [row for row in group if row["status"] == "done"]
        failed = sum(row["status"] == "failed" for row in group)
        count = f"{len(done)} of {len(group)}" if len(done) < len(group) else str(len(done))
        count += f" ({failed} failed)" if failed else ""
        measured = [_mean([row[name] for row in done]) for name in _SHOWN]
        lines.append([*map(word, key), count, *measured])
    return lines


def grouped(rows: Sequence[Row], names: Sequence[str]) -> dict[tuple[Any, ...], list[Row]]:
    """Return the rows by their values of some settings, in order."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return groups


def _mean(values: Sequence[float | None]) -> str:
    numbers = [value for value in values if value is not None]
    if not numbers:
        return "-"
    mean = statistics.fmean(numbers)
    if len(numbers) == 1:
        return f"{mean:.2f}" if isinstance(numbers[0], float) else f"{mean:.0f}"
    return f"{mean:.2f} +- {statistics.stdev(numbers):.2f}"


def failures(rows: Sequence[Row]) -> Mapping[str, str]:
    """Return the errors of the runs that failed, by name."""
    return {row["run"]: row["error"] for row in rows if row["status"] == "failed"}
