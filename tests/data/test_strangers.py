"""A file that is no data is told what it is and what to do."""

from __future__ import annotations

import gzip
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tinyvae.data import load_data
from tinyvae.errors import FileFormatError

STRANGERS = {
    "empty.npy": (b"", "is empty"),
    "m.h5": (b"\x89HDF\r\n\x1a\n" + bytes(99), r"HDF5 file.*-v7'"),
    "mnist.pkl": (pickle.dumps([1.5], 4), r"pickle\.loads\(pathlib\.Path\('.*mnist\.pkl'\)"),
    "mnist.pkl.gz": (gzip.compress(pickle.dumps([1.5], 2)), "gzipped, and inside a Python pickle"),
    "old.pickle": (b"(lp0\nF1.5\na\x00.", "a Python pickle"),
    "x.npy.gz": (gzip.compress(b"\x93NUMPY" + bytes(200)), "gunzip"),
    "page.csv": (b"<!DOCTYPE html><html>404</html>", "an HTML page, perhaps an error message"),
    "page.npz": (b"\n<html><head>moved</head>", "an HTML page"),
    "lfs.npy": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
    "data.json": (b'{"x": [1, 2]}', "JSON"),
    "data.xml": (b"<?xml version='1.0'?><a/>", "XML"),
    "model.py": (b"import numpy as np\n", "a program"),
    "prose.txt": (b"To whom it may concern,\nnothing.\n", "text, but no table of numbers"),
    "one.png": (b"\x89PNG\r\n\x1a\n" + bytes(50), "name the folder"),
    "one.jpg": (b"\xff\xd8\xff\xe0" + bytes(50), "name the folder"),
    "a.pdf": (b"%PDF-1.7" + bytes(50), "PDF"),
    "a.tar": (bytes([1]) * 257 + b"ustar" + bytes(300), "tar archive"),
    "a.bz2": (b"BZh91AY" + bytes(50), "bzip2"),
    "a.xls": (b"\xd0\xcf\x11\xe0" + bytes(50), "old Excel"),
    "a.db": (b"SQLite format 3\x00", "SQLite"),
    "a.feather": (b"ARROW1\x00\x00", "Arrow"),
    "noise.bin": (b"\x07\x01\x99\x12" * 9, r"starts with 07 01 99 12 .* ends in \.bin"),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_strangers_are_described(tmp_path, name):
    content, words = STRANGERS[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileFormatError, match=f"(?s){name.replace('.', '[.]')}.*{words}"):
        load_data(tmp_path / name)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        (["archive/data.pkl", "archive/version"], r"PyTorch file.*torch\.load"),
        (["xl/workbook.xml", "[Content_Types].xml"], "Excel"),
        (["readme.txt", "a/b.csv"], r"holds no arrays but readme\.txt, a/b\.csv: unpack"),
    ],
)
def test_archives_without_arrays(tmp_path, members, words):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in members:
            archive.writestr(name, "content")
    with pytest.raises(FileFormatError, match=words):
        load_data(tmp_path / "a.zip")


def test_the_lines_that_convert_a_pickle_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).random((20, 5))
    Path("mine.pkl").write_bytes(pickle.dumps(x))
    with pytest.raises(FileFormatError) as caught:
        load_data("mine.pkl")
    lines = [line.strip() for line in str(caught.value).splitlines() if line.startswith("    ")]
    assert len(lines) == 3
    exec("\n".join(lines))
    assert load_data("mine.npz").train.shape == (18, 5)


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices are of POSIX")
@pytest.mark.parametrize("kind", ["pipe", "/dev/zero", "/dev/null", "/dev/urandom"])
def test_pipes_and_devices_are_refused_at_once(tmp_path, kind):
    path = Path(kind)
    if kind == "pipe":
        path = tmp_path / "pipe"
        os.mkfifo(path)
    with pytest.raises(FileFormatError, match=r"could not be read: it is a (pipe|device)"):
        load_data(path)
