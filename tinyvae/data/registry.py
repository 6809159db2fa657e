"""The data sets that are published as four idx files: names, mirrors and checksums.

Checksums are of the unpacked content, because mirrors pack the same bytes differently.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedFile:
    """One idx file: its name, its unpacked size in bytes, and its digest, as "sha256:..."."""

    name: str
    size: int
    digest: str

    def digest_of(self, content: bytes | bytearray) -> str:
        """Return the digest of ``content`` by this file's algorithm, named in front."""
        algorithm = self.digest.partition(":")[0]
        return f"{algorithm}:{hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()}"

    def complaint(self, content: bytes | bytearray) -> str | None:
        """Return what is wrong with ``content``, or None if it is this file's."""
        came = self.digest_of(content)
        return None if came == self.digest else f"its checksum is {came}, expected {self.digest}"


@dataclass(frozen=True)
class PublishedSet:
    """A data set's mirrors, in the order they are tried, and its four files.

    The files stand in the order train images, train labels, test images, test labels.
    """

    mirrors: tuple[str, ...]
    files: tuple[PublishedFile, PublishedFile, PublishedFile, PublishedFile]


def _set_of_four(mirrors: tuple[str, ...], digests: tuple[str, str, str, str]) -> PublishedSet:
    train, train_labels, test, test_labels = digests
    return PublishedSet(
        mirrors,
        (
            PublishedFile("train-images-idx3-ubyte", 47_040_016, train),
            PublishedFile("train-labels-idx1-ubyte", 60_008, train_labels),
            PublishedFile("t10k-images-idx3-ubyte", 7_840_016, test),
            PublishedFile("t10k-labels-idx1-ubyte", 10_008, test_labels),
        ),
    )


PUBLISHED: Mapping[str, PublishedSet] = {
    "mnist": _set_of_four(
        (
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://raw.githubusercontent.com/fgnt/mnist/master/",
        ),
        (
            "sha256:ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "sha256:65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "sha256:0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "sha256:ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    "fashion-mnist": _set_of_four(
        (
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        (
            "md5:f4a8712d7a061bf5bd6d2ca38dc4d50a",
            "md5:9018921c3c673c538a1fc5bad174d6f9",
            "md5:8181f5470baa50b63fa0f6fddb340f0a",
            "md5:15d484375f8d13e6eb1aabb0c3f46965",
        ),
    ),
}
