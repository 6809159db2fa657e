"""The data sets that are published as four idx files, and where each file is looked for.

The order is: the folder the caller names, the folder in TINYVAE_DATA_DIR, the user's cache, the
mirrors.  Content is trusted by its checksum alone, taken after unpacking because mirrors pack the
same bytes differently.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tinyvae.data.dataset import DataSet
from tinyvae.data.idx import parse_idx
from tinyvae.data.streams import read_unpacked, reading
from tinyvae.errors import ChecksumError, FileFormatError, UsageError

DATA_DIR_VARIABLE = "TINYVAE_DATA_DIR"


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


def load_published(
    name: str,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    progress: bool = True,
    registry: Mapping[str, PublishedSet] = PUBLISHED,
) -> DataSet:
    """Return one of the published sets from the first place that has it; see ``load_data``."""
    folders = _folders(data_dir)
    cache = _cache_folder(cache_dir) / name
    mirrors = list(registry[name].mirrors)
    arrays = []
    for role, file in enumerate(registry[name].files):
        others = [other.files[role] for key, other in registry.items() if key != name]
        content = _from_folders(file, name, folders, others) or _from_cache(file, cache)
        if content is None:
            # Neither requests nor tqdm is wanted where no download is.
            from tinyvae.data.download import download

            content = download(name, file, mirrors, cache, progress=progress)
        arrays.append(parse_idx(content, file.name))
    train, train_labels, test, test_labels = arrays
    height, width = train.shape[1:]
    return DataSet(
        name,
        train.reshape(len(train), -1),
        test.reshape(len(test), -1),
        train_labels,
        test_labels,
        (height, width),
    )


def _folders(data_dir: str | os.PathLike[str] | None) -> list[Path]:
    named = {"data_dir": data_dir, DATA_DIR_VARIABLE: os.environ.get(DATA_DIR_VARIABLE)}
    folders = []
    for argument, folder in named.items():
        if not folder:
            continue
        if not Path(folder).expanduser().is_dir():
            raise UsageError(f"{argument}={str(folder)!r} is not a folder.")
        folders.append(Path(folder).expanduser())
    return folders


def _cache_folder(cache_dir: str | os.PathLike[str] | None) -> Path:
    if cache_dir is not None:
        return Path(cache_dir).expanduser()
    import pooch

    return Path(pooch.os_cache("tinyvae"))


def _spellings(folder: Path, name: str) -> Iterator[Path]:
    """Yield the paths at which a file may lie, with the dot some distributions put in its name."""
    for spelling in (name, name.replace("-idx", ".idx")):
        for path in (folder / spelling, folder / f"{spelling}.gz"):
            if path.is_file():
                yield path


def _candidates(folder: Path, set_name: str, file_name: str) -> list[Path]:
    """Return where a file may lie in a folder of the reader's, sub-folders first."""
    with reading(folder):
        inside = [place for place in sorted(folder.iterdir()) if place.is_dir()]
        named = [place for place in inside if _plain(place.name) == _plain(set_name)]
        return [path for place in (*named, folder) for path in _spellings(place, file_name)]


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _from_folders(
    file: PublishedFile, name: str, folders: list[Path], others: list[PublishedFile]
) -> bytearray | None:
    """Return the file's content from a folder of the reader's, or None if it is in none."""
    for folder in folders:
        for path in _candidates(folder, name, file.name):
            content = read_unpacked(path, file.size + 1)
            complaint = file.complaint(content)
            if complaint is None:
                return content
            # All sets use the same four names: another set's file in the same folder is no damage.
            if all(other.complaint(content) for other in others):
                raise ChecksumError(
                    f"{path} is not the published {name} file: {complaint} (unpacked). Replace or "
                    "remove it."
                )
    return None


def _from_cache(file: PublishedFile, cache: Path) -> bytearray | None:
    """Return the file's content from the cache, or None if it is not there or not sound."""
    for path in _spellings(cache, file.name):
        try:
            content = read_unpacked(path, file.size + 1)
        except FileFormatError:
            continue
        if file.complaint(content) is None:
            return content
    return None
