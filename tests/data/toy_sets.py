"""A made-up published set, in memory and laid out in a folder, and what one mirror serves."""

from __future__ import annotations

import gzip
import hashlib
import struct

import numpy as np

from tinyvae.data import load_data
from tinyvae.data.registry import PublishedFile, PublishedSet

NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
SHAPES = ((12, 5, 4), (12,), (3, 5, 4), (3,))


def make_contents(seed):
    rng = np.random.default_rng(seed)
    contents = {}
    for name, shape in zip(NAMES, SHAPES, strict=True):
        numbers = rng.integers(0, 256, shape, dtype=np.uint8).tobytes()
        header = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
        contents[name] = header + numbers
    return contents


def make_set(contents, mirrors=(), algorithm="sha256"):
    files = (
        PublishedFile(
            name, len(content), f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"
        )
        for name, content in contents.items()
    )
    return PublishedSet(tuple(mirrors), tuple(files))


def put(folder, contents, packed=True, dotted=False):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        spelling = name.replace("-idx", ".idx") if dotted else name
        path = folder / (spelling + ".gz" * packed)
        path.write_bytes(gzip.compress(content) if packed else content)
    return folder


class Mirror:
    """What one address serves: ``pages`` maps a file's name to (status, body, promised length)."""

    def __init__(self, url, requests):
        self.url, self.requests, self.pages = url, requests, {}

    def serve(self, contents):
        for name, content in contents.items():
            self.pages[f"{name}.gz"] = (200, gzip.compress(content), None)
        return self


CONTENTS, OTHER = make_contents(1), make_contents(2)
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
