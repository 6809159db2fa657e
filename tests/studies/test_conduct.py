"""A study as one call: what it leaves, how it goes on, and what it refuses."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from run_folders import everything, save_data, state, undrawn

from tinyvae import runs
from tinyvae.errors import BusyError, DataError, UsageError
from tinyvae.runs.lock import RunLock
from tinyvae.studies import conduct as module
from tinyvae.studies import work

GRID = {"latent_dim": [2, 3], "beta": [0.5, 2.0], "seeds": 2}


def test_every_run_is_as_train_makes_it(conduct, small):
    found = conduct("s", **GRID)
    options = runs.RunOptions(**small | {"latent_dim": 3, "beta": 0.5, "seed": 1})
    with undrawn():
        alone = runs.train(options, output="alone", progress=False)
    place = Path("s/runs/latent-dim-3_beta-0.5_seed-1")
    assert state(place) == state("alone")
    assert json.loads((place / "config.json").read_text()) == json.loads(
        Path("alone/config.json").read_text()
    )
    row = next(row for row in found.rows if row["run"] == place.name)
    assert row["train_elbo"] == alone.evaluations["train"].elbo
    measured = runs.evaluate(place, n_samples=3, progress=False)["test"]
    assert [row["elbo"], row["bound"], row["kl"]] == [measured.elbo, measured.bound, measured.kl]
    assert row["active_units"] == measured.active_units


def test_its_table_and_pictures(conduct):
    found = conduct("s", **GRID)
    with open("s/table.csv", newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [row["run"] for row in table] == [row["run"] for row in found.rows]
    assert {row["status"] for row in table} == {"done"}
    for row, cells in zip(found.rows, table, strict=True):
        assert float(cells["elbo"]) == row["elbo"]
        assert row["elbo"] == pytest.approx(-row["reconstruction"] - row["kl"], rel=1e-12)
        assert row["bound"] >= row["elbo"]
    names = [path.name for path in found.pictures]
    assert names == ["latent-dim.png", "beta.png", "rate-distortion.png"]
    assert all(path.stat().st_size > 1000 for path in found.pictures)
    assert found.cells[0][:3] == ["latent_dim", "beta", "runs"]
    assert len(found.cells) == 5
    assert "8 of 8 runs done, 0 failed" in repr(found)


@pytest.mark.usefixtures("undrawn")
def test_called_again_it_does_nothing_twice(conduct, monkeypatch):
    first = conduct("s", **GRID)
    before = everything("s")
    monkeypatch.setattr(module, "one_by_one", lambda tasks: pytest.fail(str(tasks)))
    assert module.study("s", jobs=1).rows == first.rows
    assert everything("s") == before


@pytest.mark.usefixtures("undrawn")
def test_it_grows_by_values_and_seeds(conduct):
    conduct("s", **GRID)
    before = everything("s")
    found = conduct("s", **GRID | {"beta": [0.5, 1.0, 2.0], "seeds": 3})
    assert len(found.rows) == 18
    assert all(row["status"] == "done" for row in found.rows)
    after = everything("s")
    assert {name: after[name] for name in before} == before


@pytest.mark.usefixtures("undrawn")
def test_another_bound_is_measured_anew_without_training(conduct, monkeypatch):
    before = conduct("s", beta=[1.0, 2.0])
    kept = everything("s")
    after = conduct("s", beta=[1.0, 2.0], eval_samples=20)
    assert [row["bound"] for row in after.rows] != [row["bound"] for row in before.rows]
    assert everything("s") == kept


@pytest.mark.usefixtures("undrawn")
def test_a_run_that_fails_is_recorded_and_the_others_go_on(conduct, monkeypatch):
    found = conduct("s", learning_rate=[1e30, 0.01], seeds=2)
    assert [row["status"] for row in found.rows] == ["failed", "failed", "done", "done"]
    assert found.rows[0]["error"].startswith("NonFiniteLossError: Epoch 1, step 2")
    kept = json.loads(Path("s/runs/learning-rate-1e+30_seed-0/error.json").read_text())
    assert "Traceback" in kept["traceback"]
    assert found.cells[1][1] == "0 of 2 (2 failed)"
    tried = []
    real = module.one_by_one
    monkeypatch.setattr(module, "one_by_one", lambda tasks: tried.append(len(tasks)) or real(tasks))
    assert module.study("s", jobs=1).rows == found.rows
    assert tried == []
    assert module.study("s", jobs=1, retry=True).rows == found.rows
    assert tried == [2]


@pytest.mark.usefixtures("undrawn")
def test_what_it_refuses(conduct):
    with pytest.raises(UsageError, match="no study yet"):
        module.study("s")
    conduct("s", **GRID)
    with pytest.raises(UsageError, match="another study"):
        conduct("s", **GRID | {"epochs": 4})
    with pytest.raises(UsageError, match="another study"):
        conduct("s", **GRID | {"beta": [0.5]})
    with pytest.raises(UsageError, match="holds something, but no study"):
        conduct("s/runs/latent-dim-2_beta-0.5_seed-0", beta=[1.0, 2.0])
    with pytest.raises(UsageError, match="is a file"):
        conduct("mine.npy", beta=[1.0, 2.0])
    with RunLock(Path("s")), pytest.raises(BusyError, match="is being written"):
        module.study("s")
    save_data(shape=(50, 16))
    with pytest.raises(DataError, match="holds other data"):
        module.study("s")


@pytest.mark.usefixtures("undrawn")
def test_pictures_of_each_run_if_wanted(conduct):
    conduct("s", latent_dim=[2], pictures=True)
    assert Path("s/runs/seed-0/latent.png").exists()


@pytest.mark.usefixtures("undrawn")
def test_a_run_that_another_process_writes_is_waited_for(conduct, monkeypatch):
    conduct("s", beta=[1.0, 2.0])
    folder = Path("s/runs/beta-1_seed-0")
    (folder / "evaluation.json").unlink()
    lock = RunLock(folder)
    lock.acquire()
    monkeypatch.setattr(module.time, "sleep", lambda seconds: lock.release())
    assert [row["status"] for row in module.study("s", jobs=1).rows] == ["done", "done"]


STUDY = """
from tinyvae.studies import study
from tinyvae.training.saving import Saver
Saver.EVERY_SECONDS = 0.0
study("killed", data="mine.npy", hidden_dims=(8,), backend="reference", epochs=15, batch_size=20,
      learning_rate=0.01, latent_dim=[2, 3], seeds=2, jobs={jobs}, eval_samples=3, say=print)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_killed_study_goes_on_to_the_same_bits(conduct, jobs):
    options = {"epochs": 15, "latent_dim": [2, 3], "seeds": 2}
    peaceful = conduct("peaceful", **options)
    process = subprocess.Popen([sys.executable, "-c", STUDY.format(jobs=jobs)])
    begun = Path("killed", "runs", f"latent-dim-2_seed-{2 - jobs}")
    deadline = time.monotonic() + 60
    while not (begun / "model.npz").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not all((run / "evaluation.json").exists() for run in begun.parent.iterdir())
    found = conduct("killed", jobs=jobs, **options)
    assert found.rows == peaceful.rows
    assert everything("killed") == everything("peaceful")
    assert Path("killed/table.csv").read_bytes() == Path("peaceful/table.csv").read_bytes()


@pytest.mark.usefixtures("undrawn")
def test_an_interruption_keeps_the_table_and_says_how_to_go_on(conduct, monkeypatch):
    def stopped(tasks):
        yield tasks[0], work.in_place(tasks[0])
        yield tasks[1], work.Outcome(work.STOPPED)

    monkeypatch.setattr(module, "one_by_one", stopped)
    with pytest.raises(KeyboardInterrupt, match="1 of 2 runs are done"):
        conduct("s", beta=[1.0, 2.0])
    with open("s/table.csv", newline="", encoding="utf-8") as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["done", "waiting"]
