"""Folders of pictures: sub-folders are labels, sizes agree, nothing is left out without a word."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest
from PIL import Image

from tinyvae.data import load_data
from tinyvae.errors import FileFormatError, MissingPackageError, ShapeError, UsageError

RNG = np.random.default_rng(0)


def put(folder, n=12, size=(6, 5), suffix="png", mode="L"):
    """Write pictures and return them, (n, height, width)."""
    folder.mkdir(parents=True, exist_ok=True)
    grey = RNG.integers(0, 256, (n, *size), dtype=np.uint8)
    for i, picture in enumerate(grey):
        Image.fromarray(picture).convert(mode).save(folder / f"{i:03}.{suffix}")
    return grey


def test_a_flat_folder(tmp_path):
    grey = put(tmp_path / "faces")
    data = load_data(tmp_path / "faces")
    assert (data.name, data.image_shape, data.train_labels) == ("faces", (6, 5), None)
    together = np.concatenate([data.train, data.test])
    assert sorted(map(bytes, together)) == sorted(map(bytes, grey))
    assert data.settled(support="real", dtype="float32").train.max() <= 1


def test_sub_folders_are_labels(tmp_path):
    for name in ("cat", "dog", "eel"):
        put(tmp_path / name, n=10)
    data = load_data(tmp_path)
    assert data.label_names == ("cat", "dog", "eel")
    np.testing.assert_array_equal(np.bincount(data.test_labels), 1)
    assert "Labels: the sub-folders, 3 in all" in data.notes


def test_train_and_test_folders_are_a_split(tmp_path):
    for part, n in (("Train", 8), ("test", 3)):
        for name in ("a", "b"):
            put(tmp_path / part / name, n=n)
    data = load_data(tmp_path)
    assert (len(data.train), len(data.test)) == (16, 6)
    assert data.test_labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert not any("Split" in note for note in data.notes)


def test_jpeg_and_colours(tmp_path):
    put(tmp_path, suffix="jpg")
    for i in range(3):
        Image.fromarray(RNG.integers(0, 256, (6, 5, 3), dtype=np.uint8)).save(
            tmp_path / f"c{i}.png"
        )
    put(tmp_path, n=2, suffix="jpeg", mode="RGB")
    assert "3 pictures were in colour and are made grey" in load_data(tmp_path).notes


def test_what_is_no_picture_is_named(tmp_path):
    put(tmp_path / "a")
    (tmp_path / "a" / "notes.txt").write_text("words")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    notes = load_data(tmp_path).notes
    assert "Not used: a/notes.txt, no PNG or JPEG pictures" in notes
    assert not any(".DS_Store" in note for note in notes)


def test_sizes_must_agree_or_be_asked_for(tmp_path):
    put(tmp_path / "a", size=(6, 5))
    put(tmp_path / "b", size=(12, 10))
    with pytest.raises(ShapeError, match=r"000\.png is 12 x 10 pixels.*is 6 x 5.*--image-size HxW"):
        load_data(tmp_path)
    for size in ("8x4", (8, 4)):
        data = load_data(tmp_path, image_size=size)
        assert data.image_shape == (8, 4)
        assert "Pictures are brought to 8 x 4 (--image-size)" in data.notes


def test_a_resized_picture_keeps_its_sides(tmp_path):
    half = np.zeros((20, 10), np.uint8)
    half[:10] = 255
    for i in range(4):
        Image.fromarray(half).save(tmp_path / f"{i}.png")
    small = load_data(tmp_path, image_size="4x2").train[0].reshape(4, 2)
    assert small[0].min() > 250
    assert small[3].max() < 5


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "could not be read as a PNG or JPEG"),
        (b"<html>not found</html>", "could not be read as a PNG or JPEG"),
        (b"GIF89a" + bytes(50), "could not be read as a PNG or JPEG"),
    ],
)
def test_a_damaged_picture_is_named(tmp_path, content, words):
    put(tmp_path)
    (tmp_path / "007.png").write_bytes(content)
    with pytest.raises(FileFormatError, match=rf"007\.png {words}"):
        load_data(tmp_path)


def test_pictures_that_are_not_plainly_grey_are_refused(tmp_path):
    put(tmp_path)
    Image.fromarray(RNG.integers(0, 9999, (6, 5)).astype(np.uint16)).save(tmp_path / "005.png")
    with pytest.raises(FileFormatError, match=r"005\.png .* more than 8 bits"):
        load_data(tmp_path)
    rgba = np.full((6, 5, 4), 255, np.uint8)
    Image.fromarray(rgba).save(tmp_path / "005.png")
    load_data(tmp_path)
    rgba[2, 2, 3] = 0
    Image.fromarray(rgba).save(tmp_path / "005.png")
    with pytest.raises(FileFormatError, match=r"005\.png .* transparent"):
        load_data(tmp_path)


def test_a_huge_picture_is_refused_before_it_is_unpacked(tmp_path):
    put(tmp_path)
    Image.new("1", (20_000, 20_000)).save(tmp_path / "000.png")
    with pytest.raises(FileFormatError, match=r"20000 x 20000 pixels|exceeds limit"):
        load_data(tmp_path, image_size="4x4")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes there")
def test_a_pipe_among_pictures_is_not_waited_for(tmp_path):
    put(tmp_path)
    os.mkfifo(tmp_path / "zzz.png")
    with pytest.raises(FileFormatError, match=r"zzz\.png .* it is a pipe"):
        load_data(tmp_path)


def test_folders_and_options_that_do_not_fit(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileFormatError, match=r"holds no PNG or JPEG pictures.*it holds nothing"):
        load_data(tmp_path / "empty")
    put(tmp_path / "a")
    with pytest.raises(UsageError, match="label_column='x' is for tables"):
        load_data(tmp_path / "a", label_column="x")
    np.save(tmp_path / "x.npy", np.eye(9))
    for option in ({"image_size": "4x4"}, {"label_column": "y"}):
        with pytest.raises(UsageError, match=r"and .*x\.npy is none"):
            load_data(tmp_path / "x.npy", **option)
        with pytest.raises(UsageError, match="not for digits"):
            load_data("digits", **option)


def test_without_pillow_the_error_names_the_extra(tmp_path, monkeypatch):
    put(tmp_path)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(MissingPackageError, match=r"pillow, .* pip install 'tinyvae\[data\]'"):
        load_data(tmp_path)
