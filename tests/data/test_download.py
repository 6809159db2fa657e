"""Downloads: from the first mirror that serves the right content, in time, whole or not at all."""

from __future__ import annotations

import gzip
import socket
import time
from pathlib import Path

import pytest
from toy_sets import CONTENTS, IMAGES, NAMES, assert_right, files_below, load, make_set, put
from tqdm import tqdm

from tinyvae.data import download, load_data
from tinyvae.errors import DownloadError, WriteError

BOMB = gzip.compress(bytes(20 << 20))
CACHED = sorted(f"toys/{name}.gz" for name in NAMES)


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
