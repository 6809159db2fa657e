"""Runs in several processes: the same bits, and what a killed worker costs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tinyvae.errors import MissingPackageError, TinyVAEError
from tinyvae.studies import processes
from tinyvae.studies.processes import in_processes
from tinyvae.studies.work import DONE, FAILED, Outcome, Task

posix = pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")


def tasks(folder, *names):
    for name in names:
        (folder / name).mkdir()
    return [Task(str(folder / name), "", 1) for name in names]


def fall(task):
    """Die as by the system's out-of-memory killer, once or always; the lock stays."""
    place = Path(task.folder)
    if place.name == "steady" or (place.name == "once" and (place / "died").exists()):
        (place / ".lock").unlink(missing_ok=True)
        return Outcome(DONE)
    (place / ".lock").touch()
    (place / "died").touch()
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def die_early(task):
    os.kill(os.getpid(), signal.SIGKILL)


def replaced(monkeypatch, work):
    """Let workers, which import this module by its path, do other work."""
    monkeypatch.setattr(processes, "_as_child", lambda task, parent: (task, work(task)))


@posix
def test_a_run_that_kills_its_worker_twice_is_given_up_and_the_others_go_on(folder, monkeypatch):
    replaced(monkeypatch, fall)
    todo = tasks(folder, "once", "always", "steady")
    found = {Path(task.folder).name: out.status for task, out in in_processes(todo, 2)}
    assert found == {"once": DONE, "always": FAILED, "steady": DONE}
    assert "killed twice" in (folder / "always" / "error.json").read_text()


@posix
def test_workers_that_die_before_any_run_are_not_started_for_ever(folder, monkeypatch):
    replaced(monkeypatch, die_early)
    monkeypatch.setattr(processes, "_MOST_DEATHS", 1)
    with pytest.raises(TinyVAEError, match="end before they begin"):
        list(in_processes(tasks(folder, "a", "b"), 2))


def test_threads_of_a_worker_are_its_share_of_the_cores(folder, monkeypatch):
    def look(task):
        from tinyvae.ops.machine.workers import cores

        return Outcome(DONE, str(cores()))

    replaced(monkeypatch, look)
    from tinyvae.ops.machine.workers import cores

    (_, outcome), *_ = in_processes(tasks(folder, "a", "b"), 2)
    assert outcome.message == str(max(1, cores() // 2))


def test_without_joblib_the_message_names_the_extra(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "joblib", None)
    with pytest.raises(MissingPackageError, match=r"tinyvae\[study\].*jobs=1"):
        list(in_processes(tasks(folder, "a"), 2))


PARENT = """
import os, subprocess, sys, time
child = "import sys, time; from tinyvae.studies.processes import _end_with; "
child += "_end_with(int(sys.argv[1])); print('watching', flush=True); time.sleep(60)"
process = subprocess.Popen([sys.executable, "-c", child, str(os.getpid())], stdout=subprocess.PIPE)
process.stdout.readline()
print(process.pid, flush=True)
time.sleep(60)
"""


@posix
def test_a_worker_ends_with_its_parent():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 20
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(child)


def _runs(pid):
    """Return whether a process is there and no zombie."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(found.stdout.strip()) and not found.stdout.startswith("Z")
