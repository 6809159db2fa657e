"""Published sets are found in folders, in the cache, then on mirrors, and only whole and right."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import socket
import time
from pathlib import Path

import numpy as np
import pytest
from toy_sets import NAMES, make_contents, make_set, put
from tqdm import tqdm

from tinyvae.data import download, load_data
from tinyvae.data.registry import PUBLISHED
from tinyvae.errors import ChecksumError, DownloadError, FileFormatError, UsageError, WriteError

CONTENTS, OTHER = make_contents(1), make_contents(2)
BOMB = gzip.compress(bytes(20 << 20))
IMAGES = NAMES[0]


def load(tmp_path, mirrors=(), name="toys", **options):
    registry = {
        "toys": make_set(CONTENTS, [mirror.url for mirror in mirrors]),
        "fashion-toys": make_set(OTHER, [mirror.url for mirror in mirrors], algorithm="md5"),
    }
    options = {"cache_dir": tmp_path / "cache", "progress": False, **options}
    return load_data(name, registry=registry, **options)


def assert_right(data, contents=CONTENTS):
    train, train_labels, test, test_labels = contents.values()
    assert data.train.tobytes() == train[16:]
    assert data.train_labels.tobytes() == train_labels[8:]
    assert data.test.tobytes() == test[16:]
    assert data.test_labels.tobytes() == test_labels[8:]
    assert data.train.shape == (12, 20)
    assert data.train.dtype == np.uint8
    assert data.image_shape == (5, 4)


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


CACHED = sorted(f"toys/{name}.gz" for name in NAMES)


def test_the_registry_is_what_was_published():
    assert list(PUBLISHED) == ["mnist", "fashion-mnist"]
    for published in PUBLISHED.values():
        assert tuple(file.name for file in published.files) == NAMES
        assert [file.size for file in published.files] == [
            16 + 60_000 * 784,
            8 + 60_000,
            16 + 10_000 * 784,
            8 + 10_000,
        ]
        assert len(published.mirrors) >= 2
        assert all(re.fullmatch(r"https?://.*/", mirror) for mirror in published.mirrors)
    digits = {"sha256": 64, "md5": 32}
    for name, algorithm in (("mnist", "sha256"), ("fashion-mnist", "md5")):
        for file in PUBLISHED[name].files:
            assert re.fullmatch(f"{algorithm}:[0-9a-f]{{{digits[algorithm]}}}", file.digest)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dotted", [False, True])
@pytest.mark.parametrize("place", [".", "toys", "Toys", "TOYS"])
@pytest.mark.parametrize("by", ["argument", "variable"])
def test_found_in_a_folder(tmp_path, monkeypatch, packed, dotted, place, by):
    folder = tmp_path / "data"
    put(folder / place, CONTENTS, packed, dotted)
    if by == "variable":
        monkeypatch.setenv("TINYVAE_DATA_DIR", str(folder))
    assert_right(load(tmp_path, data_dir=folder if by == "argument" else None))
    assert not (tmp_path / "cache").exists()


def test_the_argument_comes_before_the_variable_and_the_variable_before_the_cache(
    tmp_path, monkeypatch
):
    first, second = put(tmp_path / "first", CONTENTS), tmp_path / "second"
    second.mkdir()
    (second / f"{IMAGES}.gz").write_bytes(b"damaged")
    put(tmp_path / "cache" / "toys", CONTENTS)
    monkeypatch.setenv("TINYVAE_DATA_DIR", str(second))
    assert_right(load(tmp_path, data_dir=first))
    with pytest.raises(ChecksumError, match="second"):
        load(tmp_path)
    monkeypatch.delenv("TINYVAE_DATA_DIR")
    assert_right(load(tmp_path))


def test_a_sub_folder_wins_and_another_sets_files_are_passed_over(tmp_path, mirrors):
    folder = put(tmp_path / "data", OTHER)
    put(folder / "toys", CONTENTS)
    assert_right(load(tmp_path, data_dir=folder))
    (folder / IMAGES).write_bytes(b"neither set's, but not looked at")
    assert_right(load(tmp_path, data_dir=folder))
    (folder / IMAGES).unlink()
    assert_right(load(tmp_path, data_dir=folder, name="fashion-toys"), OTHER)
    only_other = put(tmp_path / "other", OTHER)
    mirrors[0].serve(CONTENTS)
    assert_right(load(tmp_path, mirrors, data_dir=only_other))
    assert mirrors[0].requests


def test_files_may_be_spread_over_the_places(tmp_path, mirrors):
    parts = [{name: CONTENTS[name]} for name in NAMES]
    folder = put(tmp_path / "data", parts[0])
    put(tmp_path / "cache" / "toys", parts[1])
    mirrors[0].serve(CONTENTS)
    assert_right(load(tmp_path, mirrors, data_dir=folder))
    assert mirrors[0].requests == [f"{name}.gz" for name in NAMES[2:]]


def test_a_wrong_file_in_a_folder_is_an_error_that_names_it(tmp_path):
    folder = put(tmp_path / "data", CONTENTS, packed=False)
    content = bytearray(CONTENTS[IMAGES])
    content[50] ^= 1
    digests = [hashlib.sha256(c).hexdigest() for c in (content, CONTENTS[IMAGES])]
    (folder / IMAGES).write_bytes(content)
    with pytest.raises(ChecksumError, match=f"{IMAGES} .*{digests[0]}, expected .*{digests[1]}"):
        load(tmp_path, data_dir=folder)
    (folder / IMAGES).write_bytes(CONTENTS[IMAGES] + bytes(1000))
    with pytest.raises(ChecksumError, match=IMAGES):
        load(tmp_path, data_dir=folder)
    (folder / IMAGES).write_bytes(gzip.compress(CONTENTS[IMAGES])[:-9])
    with pytest.raises(FileFormatError, match=f"{IMAGES} is truncated"):
        load(tmp_path, data_dir=folder)


@pytest.mark.parametrize("by", ["argument", "variable"])
def test_a_folder_that_is_none_is_an_error(tmp_path, monkeypatch, by):
    folder = tmp_path / "absent"
    if by == "variable":
        monkeypatch.setenv("TINYVAE_DATA_DIR", str(folder))
    name = {"argument": "data_dir", "variable": "TINYVAE_DATA_DIR"}[by]
    with pytest.raises(UsageError, match=f"{name}=.*absent.* is not a folder"):
        load(tmp_path, data_dir=folder if by == "argument" else None)


def test_downloaded_once_then_read_from_the_cache(tmp_path, mirrors):
    mirrors[0].serve(CONTENTS)
    assert_right(load(tmp_path, mirrors))
    assert files_below(tmp_path / "cache") == CACHED
    assert mirrors[0].requests == [f"{name}.gz" for name in NAMES]
    assert_right(load(tmp_path, ()))
    assert len(mirrors[0].requests) == 4


def test_the_cache_is_the_users_where_none_is_named(tmp_path, mirrors, monkeypatch):
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "user" / name)
    mirrors[0].serve(CONTENTS)
    assert_right(load(tmp_path, mirrors, cache_dir=None))
    assert files_below(tmp_path / "user") == [f"tinyvae/{name}" for name in CACHED]


def test_a_progress_bar_is_shown_when_asked_for(tmp_path, mirrors, capsys, monkeypatch):
    mirrors[0].serve(CONTENTS)
    moved, update = [], tqdm.update
    monkeypatch.setattr(tqdm, "update", lambda bar, n=1: (moved.append(n), update(bar, n))[1])
    assert_right(load(tmp_path, mirrors, progress=True))
    shown = capsys.readouterr().err
    assert all(name in shown for name in NAMES)
    assert moved
    moved.clear()
    assert_right(load(tmp_path, mirrors, cache_dir=tmp_path / "quiet"))
    assert capsys.readouterr().err == ""
    assert not moved


def wrong_content(content):
    return (200, gzip.compress(content[:-1] + bytes([content[-1] ^ 1])), None)


FAILURES = {
    "not found": (lambda content: (404, b"", None), "404"),
    "server error": (lambda content: (503, gzip.compress(content), None), "503"),
    "wrong content": (wrong_content, "ChecksumError"),
    "error page": (lambda content: (200, b"<html>moved</html>", None), "ChecksumError"),
    "empty": (lambda content: (200, b"", None), "ChecksumError"),
    "body cut": (lambda content: (200, gzip.compress(content)[:-20], 10_000), "Error"),
    "gzip cut": (lambda content: (200, gzip.compress(content)[:-20], None), "FileFormatError"),
    "endless": (lambda content: (200, bytes(1 << 20), None), "FileFormatError: it sends more"),
    "bomb": (lambda content: (200, BOMB, None), "ChecksumError"),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_a_mirror_that_fails_is_skipped_and_not_asked_first_again(tmp_path, mirrors, kind):
    broken, good, _ = mirrors
    for name, content in CONTENTS.items():
        broken.pages[f"{name}.gz"] = FAILURES[kind][0](content)
    good.serve(CONTENTS)
    assert_right(load(tmp_path, mirrors))
    assert broken.requests == [f"{IMAGES}.gz"]
    assert good.requests == [f"{name}.gz" for name in NAMES]
    assert files_below(tmp_path / "cache") == CACHED


@pytest.mark.parametrize("kind", FAILURES)
def test_when_every_mirror_fails_each_reason_is_told_and_nothing_is_left(tmp_path, mirrors, kind):
    make_page, reason = FAILURES[kind]
    for mirror in mirrors:
        mirror.pages[f"{IMAGES}.gz"] = make_page(CONTENTS[IMAGES])
    with pytest.raises(DownloadError) as caught:
        load(tmp_path, mirrors)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(f"{IMAGES} of toys could not be downloaded")
    for line, mirror in zip(lines[1:4], mirrors, strict=True):
        assert line.strip().startswith(f"{mirror.url}{IMAGES}.gz: ")
        assert reason in line
    assert "TINYVAE_DATA_DIR" in lines[-1]
    assert '"digits"' in lines[-1]
    assert files_below(tmp_path / "cache") == []


def test_no_network_at_all(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        registry = {"toys": make_set(CONTENTS, [url])}
        with pytest.raises(DownloadError, match="ConnectionError"):
            load_data("toys", registry=registry, cache_dir=tmp_path, progress=False)
        put(tmp_path / "toys", CONTENTS)
        assert_right(load_data("toys", registry=registry, cache_dir=tmp_path))
    assert load_data("digits").train.shape == (5000, 784)


@pytest.mark.parametrize(
    "damage",
    [lambda path: path.write_bytes(path.read_bytes()[:-9]), lambda path: path.write_bytes(b"")],
)
def test_a_damaged_file_in_the_cache_is_fetched_again(tmp_path, mirrors, damage):
    mirrors[0].serve(CONTENTS)
    load(tmp_path, mirrors)
    damage(tmp_path / "cache" / "toys" / f"{IMAGES}.gz")
    assert_right(load(tmp_path, mirrors))
    assert mirrors[0].requests[4:] == [f"{IMAGES}.gz"]
    assert_right(load(tmp_path, ()))
    (tmp_path / "cache" / "toys" / IMAGES).write_bytes(b"damaged, beside a good one")
    assert_right(load(tmp_path, ()))


def test_a_mirror_may_serve_unpacked_files(tmp_path, mirrors):
    for name, content in CONTENTS.items():
        mirrors[0].pages[f"{name}.gz"] = (200, content, None)
    assert_right(load(tmp_path, mirrors))
    assert files_below(tmp_path / "cache") == sorted(f"toys/{name}" for name in NAMES)
    assert_right(load(tmp_path, ()))


def test_a_cache_that_cannot_be_made_is_told_before_anything_is_fetched(tmp_path, mirrors):
    mirrors[0].serve(CONTENTS)
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(WriteError, match=r"cache.* could not be written.*TINYVAE_DATA_DIR"):
        load(tmp_path, mirrors)
    assert mirrors[0].requests == []


def test_a_full_disk_is_told_and_leaves_nothing_partial(tmp_path, mirrors, monkeypatch):
    mirrors[0].serve(CONTENTS)

    def full(source, target):
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(WriteError, match="No space left on device"):
        load(tmp_path, mirrors)
    assert files_below(tmp_path / "cache") == []


def test_interrupting_the_write_leaves_nothing_partial(tmp_path, mirrors, monkeypatch):
    mirrors[0].serve(CONTENTS)

    def interrupt(source, target):
        assert Path(source).parent == Path(target).parent
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load(tmp_path, mirrors)
    assert files_below(tmp_path / "cache") == []


def dribble(file):
    """Send a byte now and then, for ever."""
    for _ in range(2000):
        file.write(b"x")
        file.flush()
        time.sleep(0.02)


def stall(file):
    """Send the first bytes and nothing more."""
    file.write(b"xyz")
    file.flush()
    time.sleep(1.2)


@pytest.mark.parametrize(
    ("body", "reason"), [(dribble, r"only \d+ bytes came in 0\.4 seconds"), (stall, "timed out")]
)
def test_a_mirror_that_never_ends_is_left(tmp_path, mirrors, monkeypatch, body, reason):
    monkeypatch.setattr(download, "DEADLINE_SECONDS", 0.4)
    monkeypatch.setattr(download, "TIMEOUT_SECONDS", 0.3)
    slow, good, _ = mirrors
    for name in NAMES:
        slow.pages[f"{name}.gz"] = (200, body, 5000)
    with pytest.raises(DownloadError, match=reason):
        load(tmp_path, [slow])
    good.serve(CONTENTS)
    started = time.monotonic()
    assert_right(load(tmp_path, mirrors))
    assert time.monotonic() - started < 5
    assert files_below(tmp_path / "cache") == CACHED


@pytest.mark.parametrize("root", [".", "TOYS"])
def test_where_torchvision_puts_them(tmp_path, root):
    folder = tmp_path / "root"
    put(folder / "TOYS" / "raw", CONTENTS, packed=False)
    assert_right(load(tmp_path, data_dir=folder / root))


def test_a_folder_of_idx_files_is_data_of_ones_own(tmp_path):
    put(tmp_path / "root" / "MNIST" / "raw", CONTENTS)
    for source in ("root", "root/MNIST", "root/MNIST/raw"):
        data = load_data(tmp_path / source)
        assert data.train.tobytes() == CONTENTS[NAMES[0]][16:]
        assert data.test_labels.tolist() == list(CONTENTS[NAMES[3]][8:])
        assert data.image_shape == (5, 4)
        assert "not compared with any published checksum" in data.notes[0]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes there")
def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path):
    folder = put(tmp_path / "data", CONTENTS)
    (folder / f"{IMAGES}.gz").unlink()
    os.mkfifo(folder / IMAGES)
    with pytest.raises(DownloadError):
        load(tmp_path, data_dir=folder)
