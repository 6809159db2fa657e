"""What a worker does: data read once, and never the wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from run_folders import save_data

from tinyvae.studies import work
from tinyvae.studies.work import UNSEEN, Task, checksum_of, data_of, in_place, pack, unpack


@pytest.fixture
def reads(monkeypatch):
    """Count how often data are read from their file."""
    found, real = [], work.read
    monkeypatch.setattr(work, "read", lambda *arguments: found.append(1) or real(*arguments))
    return found


def test_a_process_reads_the_data_once_however_many_runs(options, reads):
    data, checksum = data_of(options)
    assert checksum == checksum_of(data)
    for _ in range(3):
        assert data_of(options, checksum)[0] is data
    assert len(reads) == 1


def test_data_that_changed_are_read_anew(options, reads):
    before = data_of(options)[1]
    save_data(shape=(50, 16))
    after = data_of(options)[1]
    assert after != before
    assert data_of(options, before)[1] == after  # as a worker would, which has the old ones
    assert len(reads) == 3


def test_what_is_not_there_or_is_other_data_is_not_trained_on(folder, conduct, options):
    conduct("s", latent_dim=[2])
    run = str(folder / "s" / "runs" / "seed-0")
    assert in_place(Task(str(folder / "nowhere"), "", 3)).status == UNSEEN
    outcome = in_place(Task(run, "those of another disk", 3))
    assert (outcome.status, outcome.files) == (UNSEEN, None)
    assert "other data" in outcome.message
    (folder / "mine.npy").unlink()
    assert in_place(Task(run, "", 3)).status == UNSEEN


def test_a_runs_files_travel_whole(folder):
    run, there = folder / "run", folder / "there"
    run.mkdir()
    there.mkdir()
    (run / "model.npz").write_bytes(b"\x00\xff")
    (run / ".lock").write_bytes(b"{}")
    (run / "pictures").mkdir()
    files = pack(run)
    assert files == {"model.npz": b"\x00\xff"}  # the lock is of the machine it was made on
    unpack(files, there)
    assert [path.name for path in Path(there).iterdir()] == ["model.npz"]
