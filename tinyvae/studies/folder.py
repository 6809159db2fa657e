"""What a study keeps on the disk: its plan, its runs' folders, and what came of each run.

Knows the names of a study's files, and of those it adds to a run's folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tinyvae.errors import FileFormatError, UsageError
from tinyvae.runs.config import Config, write_json
from tinyvae.runs.folders import CONFIG
from tinyvae.runs.options import RunOptions
from tinyvae.schema import Schema, check_fields, count, mapping, number, several, word
from tinyvae.studies.plan import Plan, PlannedRun

PLAN, TABLE, RUNS = "study.json", "table.csv", "runs"
EVALUATION, ERROR = "evaluation.json", "error.json"

_SPLIT: Schema = {
    "elbo": number(),
    "elbo_error": number(at_least=0.0),
    "reconstruction": number(),
    "kl": number(),
    "bound": number(optional=True),
    "n_samples": count(),
    "active_units": count(at_least=0),
    "kl_per_dimension": several(number()),
    "log_likelihood": number(optional=True),
    "accuracy": number(at_least=0.0, optional=True),
}
_OF_CLASSES = ("log_likelihood", "accuracy")
_MEASURED: Schema = {
    "test": lambda name, came: check_fields(_SPLIT, came, name, optional=_OF_CLASSES),
    "train": lambda name, came: check_fields(_SPLIT, came, name, optional=_OF_CLASSES),
    "epochs": count(at_least=0),
    "seconds": number(at_least=0.0),
}
_FAILED: Schema = {"kind": word(), "message": word(), "traceback": word()}


def _read_json(path: Path, schema: Schema) -> dict[str, Any]:
    try:
        return check_fields(schema, json.loads(path.read_bytes()), path.name)
    except (OSError, ValueError, RecursionError) as error:
        raise FileFormatError(
            f"{path} is damaged ({error}): remove it, and the study makes it again."
        ) from error


class StudyFolder:
    """A study's files.

    Parameters
    ----------
    path : Path

    Raises
    ------
    UsageError
        If something else lies there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.exists() and not path.is_dir():
            raise UsageError(f"{path} is a file: give a new folder for a study, or a study's.")
        visible = [p for p in path.iterdir() if p.name[0] != "."] if path.is_dir() else []
        if visible and not (path / PLAN).is_file():
            raise UsageError(
                f"{path} holds something, but no study: choose a new folder. (A single run goes on "
                "with: tinyvae train --resume)"
            )

    @property
    def has_plan(self) -> bool:
        """Whether a study was begun here."""
        return (self.path / PLAN).is_file()

    def folder_of(self, run: PlannedRun) -> Path:
        """Return the folder of a run, which need not exist yet."""
        return self.path / RUNS / run.name

    # The plan ------------------------------------------------------------------------------

    def write_plan(self, plan: Plan, checksum: str) -> None:
        """Write down what the study is to do, and on which data."""
        content = {
            "options": asdict(plan.base),
            "settings": {name: list(values) for name, values in plan.settings.items()},
            "seeds": plan.seeds,
            "eval_samples": plan.eval_samples,
            "data": checksum,
        }
        write_json(self.path / PLAN, content)

    def read_plan(self) -> tuple[Plan, str]:
        """Return the plan, and the checksum of its data.

        Raises
        ------
        FileFormatError
            If it is damaged.
        """
        path = self.path / PLAN
        schema: Schema = {
            "options": mapping(),
            "settings": mapping(),
            "seeds": count(),
            "eval_samples": count(),
            "data": word(),
        }
        content = _read_json(path, schema)
        try:
            base = RunOptions().changed(content["options"])
            settings = {
                name: tuple(getattr(base.changed({name: value}), name) for value in values)
                for name, values in content["settings"].items()
            }
            plan = Plan(base, settings, content["seeds"], content["eval_samples"])
        except (UsageError, TypeError) as error:
            raise FileFormatError(f"{path} is not a study's plan: {error}") from error
        return plan, content["data"]

    def make_folder(self, run: PlannedRun, facts: Mapping[str, Any], version: str) -> None:
        """Make a run's folder with its ``config.json``, if it is not there yet."""
        folder = self.folder_of(run)
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / CONFIG
        if not config.exists():
            Config(run.options, facts, version).write(config)

    # What came of the runs -----------------------------------------------------------------

    def measured(self, run: PlannedRun) -> dict[str, Any] | None:
        """Return the numbers of a run that is done, or None."""
        path = self.folder_of(run) / EVALUATION
        return _read_json(path, _MEASURED) if path.exists() else None

    def failed(self, run: PlannedRun) -> dict[str, Any] | None:
        """Return the error of a run that failed, or None."""
        path = self.folder_of(run) / ERROR
        return _read_json(path, _FAILED) if path.exists() else None
