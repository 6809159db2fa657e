"""Where each file of a published data set is looked for.

The order is: the folder the caller names, the folder in TINYVAE_DATA_DIR, the user's cache, the
mirrors.  Content is trusted by its checksum alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from tinyvae.data.dataset import DataSet
from tinyvae.data.idx import parse_idx
from tinyvae.data.registry import PUBLISHED, PublishedFile, PublishedSet
from tinyvae.data.streams import read_unpacked, reading, user_path
from tinyvae.errors import ChecksumError, FileFormatError, UsageError

DATA_DIR_VARIABLE = "TINYVAE_DATA_DIR"


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
        white=255,
    )


def _folders(data_dir: str | os.PathLike[str] | None) -> list[Path]:
    named = {"data_dir": data_dir, DATA_DIR_VARIABLE: os.environ.get(DATA_DIR_VARIABLE)}
    folders = []
    for argument, folder in named.items():
        if not folder:
            continue
        folders.append(user_path(argument, folder))
        if not folders[-1].is_dir():
            raise UsageError(f"{argument}={str(folder)!r} is not a folder.")
    return folders


def _cache_folder(cache_dir: str | os.PathLike[str] | None) -> Path:
    if cache_dir is not None:
        return user_path("cache_dir", cache_dir)
    import pooch

    return Path(pooch.os_cache("tinyvae"))


def spellings(folder: Path, name: str) -> Iterator[Path]:
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
        # torchvision puts them into MNIST/raw.
        places = [deeper for place in (*named, folder) for deeper in (place, place / "raw")]
        return [path for place in places for path in spellings(place, file_name)]


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
    for path in spellings(cache, file.name):
        try:
            content = read_unpacked(path, file.size + 1)
        except FileFormatError:
            continue
        if file.complaint(content) is None:
            return content
    return None
