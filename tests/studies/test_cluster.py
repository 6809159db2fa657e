"""Studies on a Dask cluster: a real scheduler, two workers with nannies, and a killed one."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from run_folders import everything

from tinyvae.errors import MissingPackageError, TinyVAEError, UsageError
from tinyvae.studies import cluster as module
from tinyvae.studies import conduct as conducting
from tinyvae.studies.cluster import Cluster, check_workers, connected, facts
from tinyvae.studies.work import DONE, FAILED, UNFINISHED, Outcome, Task, data_of
from tinyvae.training.saving import Saver

distributed = pytest.importorskip("distributed")
# What the library's own threads do when a connection breaks is no matter of ours.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
LONG = {"epochs": 40, "latent_dim": [2, 3], "seeds": 2}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A scheduler and two workers in processes of their own."""
    place = tmp_path_factory.mktemp("cluster")
    file = place / "scheduler.json"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--dashboard-address", ":0"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": place}
    command += ["--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file)]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file)]
    worker += ["--nworkers", "2", "--nthreads", "1", "--nanny", "--dashboard-address", ":0"]
    with subprocess.Popen(command, **quiet) as scheduler:
        with subprocess.Popen(worker, **quiet) as workers:
            deadline = time.monotonic() + 60
            while not file.exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            found = json.loads(file.read_text())["address"]
            with distributed.Client(found) as client:
                client.wait_for_workers(2, timeout=60)
            yield found
            workers.terminate()
        scheduler.terminate()


class Killer(threading.Thread):
    """Kills one worker that is at work, as soon as a run has a checkpoint."""

    def __init__(self, address, place):
        super().__init__(daemon=True)
        self.address, self.place, self.killed = address, Path(place, "runs"), None
        self.ready = threading.Event()

    def run(self):
        def save_always():
            Saver.EVERY_SECONDS = 0.0

        with distributed.Client(self.address, set_as_default=False) as client:
            client.run(save_always)
            pids, busy = client.run(os.getpid), []
            self.ready.set()
            while not list(self.place.glob("*/model.npz")):
                time.sleep(0.01)
            while not busy:
                busy = [address for address, keys in client.processing().items() if keys]
            self.killed = pids[busy[0]]
            os.kill(self.killed, signal.SIGKILL)


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("shared", [True, False])
def test_a_killed_worker_changes_no_bit(conduct, address, shared, options, monkeypatch):
    serial = conduct("serial", **LONG)
    if not shared:  # no worker sees these data on its own disk
        data = data_of(options)[0]
        monkeypatch.setattr(conducting, "data_of", lambda options: (data, "those of another disk"))
        monkeypatch.setattr(module, "TRAVELLING_LEG", 0.1)
    travelled, real = [], Cluster._scattered
    monkeypatch.setattr(Cluster, "_scattered", lambda self: travelled.append(1) or real(self))
    killer = Killer(address, "study")
    killer.start()
    assert killer.ready.wait(30)
    found = conduct("study", scheduler=address, **LONG)
    killer.join(30)
    assert killer.killed is not None
    assert bool(travelled) is not shared
    assert found.rows == serial.rows
    assert everything("study") == everything("serial")
    assert Path("study/table.csv").read_bytes() == Path("serial/table.csv").read_bytes()


@pytest.mark.usefixtures("undrawn")
def test_runs_fail_alone_there_too(conduct, address):
    found = conduct("s", learning_rate=[1e30, 0.01], scheduler=address)
    assert [row["status"] for row in found.rows] == ["failed", "done"]


def test_no_scheduler_no_study(monkeypatch):
    monkeypatch.setattr(module, "_ANSWER_SECONDS", 0.2)
    for wrong in ("tcp://127.0.0.1:9", "nonsense://x"):
        with pytest.raises(UsageError, match="does not answer"), connected(wrong, 1):
            pass


def test_without_distributed_the_message_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingPackageError, match=r"tinyvae\[dask\]"), connected("local", 1):
        pass


class Workers:
    """A client whose workers answer as they are told."""

    def __init__(self, answer):
        self.answer = answer

    def run(self, function):
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"tcp://a": facts(), "tcp://b": self.answer}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (("0.0.1", facts()[1]), "at tcp://b has tinyvae 0.0.1"),
        ((facts()[0], 3), "TINYVAE_LANES"),
        (ModuleNotFoundError("No module named 'tinyvae'"), "cannot import tinyvae"),
    ],
)
def test_workers_that_are_not_like_us_are_refused(answer, words):
    with pytest.raises(TinyVAEError, match=words):
        check_workers(Workers(answer))
    check_workers(Workers(facts()))


class Future:
    """A task that ends as it is told."""

    def __init__(self, ending):
        self.ending = ending

    def cancelled(self):
        return self.ending == "lost"

    def exception(self):
        return self.ending if isinstance(self.ending, Exception) else None

    def result(self):
        return self.ending


@pytest.mark.parametrize(
    ("endings", "status"),
    [
        (["lost", Outcome(UNFINISHED), Outcome(DONE)], DONE),
        (["lost"] * 6, FAILED),
        ([RuntimeError("worker died while running it")], FAILED),
    ],
)
def test_what_is_lost_is_done_again_but_not_for_ever(folder, monkeypatch, endings, status):
    left = [Future(ending) for ending in endings]
    monkeypatch.setattr(Cluster, "_submit", lambda self, task, priority=0: left.pop(0))
    monkeypatch.setattr(distributed, "as_completed", Endless)

    class Client:
        status = "running"

    task = Task(str(folder), "", 1)
    ((_, outcome),) = Cluster(Client(), lambda: None).run([task])
    assert (outcome.status, left) == (status, [])
    assert (folder / "error.json").exists() == (status == FAILED)


class Endless(list):
    """``as_completed`` for futures that are done at once."""

    add = list.append


def test_data_are_scattered_anew_when_they_are_lost():
    class Scatter:
        status = "finished"
        count = 0

        def scatter(self, data, **options):
            Scatter.count += 1
            found = Future(data)
            found.status = "finished"
            return found

    cluster = Cluster(Scatter(), lambda: np.zeros(3))
    first = cluster._scattered()
    assert cluster._scattered() is first
    first.status = "lost"
    assert cluster._scattered() is not first
    assert Scatter.count == 2


@pytest.mark.usefixtures("undrawn")
def test_a_cluster_of_its_own(conduct):
    with contextlib.redirect_stderr(None):
        found = conduct("s", beta=[1.0, 2.0], scheduler="local", jobs=2)
    assert [row["status"] for row in found.rows] == ["done", "done"]
