"""The numbers of a study, and the files they come from."""

from __future__ import annotations

import pytest

from tinyvae.errors import FileFormatError
from tinyvae.studies.folder import StudyFolder, write_json
from tinyvae.studies.plan import Plan
from tinyvae.studies.table import cells_of, failures, rows_of


def measured(elbo):
    split = {"elbo": elbo, "elbo_error": 0.5, "reconstruction": 1.0 - elbo, "kl": -1.0}
    split |= {"bound": elbo + 1.0, "n_samples": 3, "active_units": 2, "kl_per_dimension": [1.0]}
    return {"test": split, "train": split, "epochs": 3, "seconds": 1.0}


@pytest.fixture
def place(folder, small):
    plan = Plan.of(small | {"beta": [1.0, 2.0]}, seeds=3, eval_samples=3)
    place = StudyFolder(folder / "s")
    for run in plan.runs():
        place.folder_of(run).mkdir(parents=True)
    return place, plan, [place.folder_of(run) for run in plan.runs()]


def test_rows_and_cells(place):
    study, plan, folders = place
    for folder, elbo in zip(folders, (-10.0, -12.0, -14.0, -20.0), strict=False):
        write_json(folder / "evaluation.json", measured(elbo))
    write_json(folders[4] / "error.json", {"kind": "E", "message": "why", "traceback": ""})
    rows = rows_of(study, plan)
    assert [row["status"] for row in rows] == [*["done"] * 4, "failed", "waiting"]
    assert failures(rows) == {"beta-2_seed-1": "E: why"}
    head, one, two = cells_of(rows, plan)
    assert head == ["beta", "runs", "ELBO", "L_3", "reconstruction", "KL", "active units"]
    assert one[:4] == ["1", "3", "-12.00 +- 2.00", "-11.00 +- 2.00"]
    assert two == ["2", "1 of 3 (1 failed)", "-20.00", "-19.00", "21.00", "-1.00", "2"]


@pytest.mark.parametrize(
    "content", [b"", b"[", b"{}", b'{"test": 1}', b"\xff", b'{"kind": 1}', b"[" * 100_000]
)
@pytest.mark.parametrize("name", ["evaluation.json", "error.json"])
def test_damaged_files_are_named(place, content, name):
    study, plan, folders = place
    (folders[0] / name).write_bytes(content)
    with pytest.raises(FileFormatError, match=name):
        rows_of(study, plan)


def test_a_plan_comes_back_as_it_was(folder, small):
    plan = Plan.of(small | {"hidden_dims": [(8,), (4, 4), ()], "free_bits": [None, 0.5]}, seeds=2)
    study = StudyFolder(folder / "s")
    study.path.mkdir()
    study.write_plan(plan, "sum")
    assert study.read_plan() == (plan, "sum")
    (study.path / "study.json").write_text((study.path / "study.json").read_text()[:-9])
    with pytest.raises(FileFormatError, match="damaged"):
        study.read_plan()
