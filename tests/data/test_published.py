"""Published sets are found in folders, in the cache, then on mirrors, and only whole and right."""

from __future__ import annotations

import gzip
import hashlib
import os
import re

import pytest
from toy_sets import CONTENTS, IMAGES, NAMES, OTHER, assert_right, files_below, load, put

from tinyvae.data import load_data
from tinyvae.data.registry import PUBLISHED
from tinyvae.errors import ChecksumError, DownloadError, FileFormatError, UsageError

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
