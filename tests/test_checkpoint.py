"""One file, written whole or not at all.  What is read from damaged ones stands elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.lib import format as npy

from tinyvae import checkpoint as module
from tinyvae.checkpoint import read_checkpoint, replace_file, take, write_checkpoint
from tinyvae.errors import CheckpointError, NonFiniteDataError, WriteError

ARRAYS = {
    "values": np.linspace(-1.0, 1.0, 37, dtype=np.float32),
    "adam.m": np.array([5e-324, -0.0, np.finfo(np.float64).max, 0.1]),
    "grid": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "none": np.empty((0, 3), np.float32),
    "scalar": np.array(7),
    "grey": np.arange(256, dtype=np.uint8),
}
METADATA = {"words": "naïve", "state": 2**127 + 1, "numbers": [0.1, None, True], "deep": {"a": {}}}


@pytest.fixture
def path(tmp_path):
    """A whole checkpoint."""
    path = tmp_path / "model.npz"
    write_checkpoint(path, ARRAYS, METADATA)
    return path


def assert_whole(path):
    arrays, metadata = read_checkpoint(path)
    assert metadata.items() >= METADATA.items()
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert arrays[name].shape == array.shape
        assert arrays[name].tobytes() == array.tobytes(), name
    return arrays


def assert_untouched(path):
    assert_whole(path)
    assert os.listdir(path.parent) == [path.name]


# Round trip


def test_round_trip_to_the_bit(path):
    arrays = assert_whole(path)
    assert all(array.flags.writeable and array.flags.c_contiguous for array in arrays.values())
    assert os.listdir(path.parent) == [path.name]


def test_numpy_reads_it_without_pickle(path):
    with np.load(path, allow_pickle=False) as file:
        assert set(file) == {"metadata", *ARRAYS}
        np.testing.assert_array_equal(file["values"], ARRAYS["values"])
        assert json.loads(bytes(file["metadata"]))["format"] == "tinyvae checkpoint"


def test_the_same_content_gives_the_same_bytes(path, tmp_path):
    write_checkpoint(tmp_path / "again.npz", ARRAYS, METADATA)
    assert (tmp_path / "again.npz").read_bytes() == path.read_bytes()


def test_folders_are_made_and_files_replaced(tmp_path):
    path = tmp_path / "a" / "b" / ("long" * 60 + ".npz")
    for number in (1.0, 2.0):
        write_checkpoint(str(path), {"values": np.array([number])}, {})
        assert read_checkpoint(str(path))[0]["values"] == [number]
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_the_mode_follows_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_checkpoint(tmp_path / "model.npz", {}, {})
    finally:
        os.umask(before)
    assert (tmp_path / "model.npz").stat().st_mode & 0o777 == 0o640


# Nothing is lost when writing fails


@pytest.mark.parametrize("bad", [np.nan, np.inf, complex(0.0, -np.inf)])
def test_what_could_not_be_read_again_is_not_written(bad, path):
    with pytest.raises(NonFiniteDataError, match="'values' holds NaN or infinity"):
        write_checkpoint(path, {"fine": np.ones(3), "values": np.array([1.0, bad])}, {})
    assert_untouched(path)


@pytest.mark.parametrize(
    ("arrays", "metadata"),
    [
        ({}, {"loss": float("nan")}),
        ({}, {"values": np.float32(1.0)}),
        ({"fine": np.ones(3), "objects": np.array([1, None], dtype=object)}, {}),
    ],
    ids=["NaN", "not JSON", "objects"],
)
def test_what_no_checkpoint_can_hold_leaves_the_one_before(arrays, metadata, path):
    with pytest.raises((TypeError, ValueError)):
        write_checkpoint(path, arrays, metadata)
    assert_untouched(path)


class Full:
    """A file on a disk with room for so many bytes more."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, data):
        self.room -= memoryview(data).nbytes
        if self.room < 0:
            raise OSError(28, "No space left on device")
        return self.file.write(data)

    def __getattr__(self, name):
        return getattr(self.file, name)


@pytest.mark.parametrize("share", np.linspace(0.0, 0.999, 25))
def test_a_disk_full_after_any_number_of_bytes(share, path, monkeypatch):
    room, opened = int(share * path.stat().st_size), zipfile.ZipFile
    monkeypatch.setattr(zipfile, "ZipFile", lambda file, mode: opened(Full(file, room), mode))
    with pytest.raises(WriteError, match=r"model\.npz: No space left on device; .*untouched"):
        write_checkpoint(path, ARRAYS, {"other": 1})
    monkeypatch.undo()
    assert_untouched(path)


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, MemoryError, ZeroDivisionError])
@pytest.mark.parametrize("call", range(len(ARRAYS) + 1))
def test_an_exception_between_any_two_arrays(interrupt, call, path, monkeypatch):
    written, calls = npy.write_array, []

    def write_array(*arguments, **options):
        if len(calls) == call:
            raise interrupt
        calls.append(written(*arguments, **options))

    monkeypatch.setattr(npy, "write_array", write_array)
    with pytest.raises(interrupt):
        write_checkpoint(path, ARRAYS, {"other": 1})
    monkeypatch.undo()
    assert_untouched(path)


@pytest.mark.parametrize(("owner", "name"), [(os, "fsync"), (Path, "replace"), (Path, "open")])
def test_an_error_while_opening_syncing_or_renaming(owner, name, path, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(owner, name, refuse)
    with pytest.raises(WriteError, match=r"model\.npz: Input/output error"):
        write_checkpoint(path, ARRAYS, {"other": 1})
    monkeypatch.undo()
    assert_untouched(path)


def test_a_folder_that_cannot_be_synced_is_no_failure(path, monkeypatch):
    """The new file is in place then, so nobody may be told that the old one is."""

    def refuse(folder):
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(module, "_sync_folder", refuse)
    write_checkpoint(path, {"values": np.ones(1)}, {})
    assert list(read_checkpoint(path)[0]) == ["values"]


def test_synced_before_it_is_renamed(path, monkeypatch):
    order = []
    fsync, replace = os.fsync, Path.replace

    def noting_fsync(handle):
        order.append("sync")
        fsync(handle)

    def noting_replace(self, target):
        order.append(f"rename {self.stat().st_size}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(Path, "replace", noting_replace)
    write_checkpoint(path, ARRAYS, METADATA)
    assert order[:2] == ["sync", f"rename {path.stat().st_size}"]


FULL_DISK = """
import resource, sys, numpy as np
from tinyvae.checkpoint import write_checkpoint
from tinyvae.errors import WriteError
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    write_checkpoint(sys.argv[1], {"values": np.ones(200_000)}, {})
except WriteError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such limits there")
def test_a_limit_of_the_system_on_file_sizes(path):
    """The limit stands in for a full disk: the kernel refuses to write on, in mid-array."""
    command = [sys.executable, "-W", "error", "-c", FULL_DISK, str(path), "500000"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "Cannot write" in run.stdout
    assert "File too large" in run.stdout
    assert run.stderr == ""
    assert_untouched(path)


def test_places_that_cannot_be_written(path):
    with pytest.raises(WriteError, match="Cannot write"):
        write_checkpoint(path / "model.npz", ARRAYS, {})
    with pytest.raises(WriteError, match="Cannot write"):
        write_checkpoint(path / "deeper" / "model.npz", ARRAYS, {})
    with pytest.raises(WriteError, match="Cannot write"):
        write_checkpoint(path.parent, ARRAYS, {})
    with pytest.raises(WriteError, match="Cannot write"):
        write_checkpoint(path.parent / ("x" * 300), ARRAYS, {})
    assert_untouched(path)


def test_two_writers_at_once_never_mix(tmp_path):
    path = tmp_path / "file"
    with replace_file(path) as first, replace_file(path) as second:
        first.write(b"first" * 100)
        second.write(b"second")
        first.write(b"first")
    assert path.read_bytes() == b"first" * 101
    assert os.listdir(tmp_path) == ["file"]


# take


def test_take(path):
    arrays = assert_whole(path)
    wanted = {"values": ((37,), np.dtype(np.float32))}
    assert list(take(arrays, wanted, path)) == ["values"]
    with pytest.raises(CheckpointError, match="has no array 'best'; it holds values, adam"):
        take(arrays, {**wanted, "best": ((1,), np.dtype(float))}, path)
    with pytest.raises(CheckpointError, match=r"'values' is \(37,\) of float32, but .* \(38,\)"):
        take(arrays, {"values": ((38,), np.dtype(np.float32))}, path)
    with pytest.raises(CheckpointError, match=r"of float32, but .* of float64"):
        take(arrays, {"values": ((37,), np.dtype(np.float64))}, path)
    with pytest.raises(CheckpointError, match="it holds none"):
        take({}, wanted, path)
