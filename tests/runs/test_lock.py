"""A run has one writer; a lock whose process is gone belongs to the next."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from tinyvae import runs
from tinyvae.errors import WriteError
from tinyvae.ops.machine import file_lock
from tinyvae.runs.lock import RunLock

HOLD = """
import sys, time
from pathlib import Path
from tinyvae.runs.lock import RunLock
with RunLock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(folder):
    """Another process that holds the lock of this folder."""
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.fixture
def without_locks(monkeypatch):
    """A file system that has none."""

    def refuse(*arguments):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(file_lock.fcntl, "flock", refuse)


def test_it_is_there_while_it_is_held_and_no_longer(folder):
    with RunLock(folder) as lock:
        assert json.loads((folder / ".lock").read_text())["pid"] == os.getpid()
        assert lock.is_ours()
        assert lock.taken_over is None
        with pytest.raises(WriteError, match=f"written by process {os.getpid()} on "):
            RunLock(folder).acquire()
        assert lock.is_ours()
    assert not (folder / ".lock").exists()
    assert not lock.is_ours()


def test_another_process_is_named_and_after_its_death_replaced(folder, holder):
    with pytest.raises(WriteError, match=f"^{folder} is being written by process {holder.pid} on"):
        RunLock(folder).acquire()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with RunLock(folder) as lock:
        assert f"process {holder.pid} on" in lock.taken_over


def test_a_run_that_is_being_written_is_not_resumed(run, folder, holder):
    os.rename(folder / ".lock", run.folder / ".lock")  # the lock goes where its file goes
    before = (run.folder / "model.npz").read_bytes()
    with pytest.raises(WriteError, match=f"process {holder.pid}"):
        runs.resume(run.folder, progress=False)
    assert runs.evaluate(run.folder, progress=False), "looking is allowed"
    assert (run.folder / "model.npz").read_bytes() == before
    holder.kill()
    holder.wait()
    lines = []
    runs.resume(run.folder, progress=False, say=lines.append)
    assert any(f"taken over from process {holder.pid}" in line for line in lines)


@pytest.mark.parametrize("content", [b"", b"junk", b"[]", b'{"pid": "x"}', b"\xff" * 9000])
def test_a_lock_file_of_nobody_is_taken(folder, content):
    (folder / ".lock").write_bytes(content)
    with RunLock(folder):
        assert json.loads((folder / ".lock").read_text())["pid"] == os.getpid()


def test_where_the_disk_has_no_locks_the_process_is_looked_for(folder, without_locks):
    mine = {"pid": os.getpid(), "host": socket.gethostname(), "since": 0}
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for holder, free in (
        (mine, False),
        (mine | {"pid": gone.pid}, True),
        (mine | {"host": "elsewhere"}, False),
        (mine | {"pid": None}, True),
        ({}, False),  # unreadable, of nobody knows which machine
    ):
        (folder / ".lock").write_text(json.dumps(holder))
        if free:
            with RunLock(folder):
                pass
        else:
            with pytest.raises(WriteError, match="is being written by"):
                RunLock(folder).acquire()


def test_a_lock_that_was_removed_meanwhile_is_taken_anew(folder, monkeypatch):
    with RunLock(folder) as lock:
        (folder / ".lock").unlink()
        assert not lock.is_ours()
        with RunLock(folder) as other:
            assert other.is_ours()
            lock.release()
            assert other.is_ours(), "what is not ours is not removed"


def test_a_folder_that_cannot_be_written_is_said(folder):
    with pytest.raises(WriteError, match="cannot be written"):
        RunLock(folder / "mine.npy").acquire()
