"""Reads folders: the four idx files of a set, or PNG and JPEG pictures with Pillow.

Pictures become grey, 0 to 255.  Sub-folders are labels; ``train`` and ``test`` are a split.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyvae.data.dataset import LoadOptions, Parts
from tinyvae.data.extras import need
from tinyvae.data.idx import read_idx
from tinyvae.data.pictures import parse_shape
from tinyvae.data.published import spellings
from tinyvae.data.streams import open_regular, reading
from tinyvae.errors import FileFormatError, ShapeError, UsageError

Array = NDArray[Any]

_SUFFIXES = (".png", ".jpg", ".jpeg")
_TRAIN, _TEST = ("train", "training"), ("test", "testing", "val", "valid", "validation")
_IDX = (
    *("train-images-idx3-ubyte", "t10k-images-idx3-ubyte"),
    *("train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"),
)
#: Pictures of more pixels than this are refused before they are unpacked.
MOST_PIXELS = 1 << 26


class _Found(NamedTuple):
    """The pictures below a folder and the label of each, "" where it lies in no sub-folder."""

    paths: list[Path]
    labels: list[str]
    others: list[str]


def read_folder(path: Path, options: LoadOptions) -> Parts:
    """Return the examples in a folder.

    Raises
    ------
    FileFormatError
        If there are none, or one is damaged.
    ShapeError
        If pictures differ in size and no ``image_size`` is asked for.
    UsageError
        If an option is not for folders.
    MissingPackageError
        If Pillow is not installed.
    """
    if options.label_column is not None:
        raise UsageError(
            f"label_column={options.label_column!r} is for tables, and {path} is a folder: "
            "sub-folders are its labels."
        )
    with reading(path):
        idx = _idx_set(path)
        if idx is not None:
            return idx
        inside = sorted(place for place in path.iterdir() if place.is_dir())
        split = [
            next((place for place in inside if place.name.lower() in names), None)
            for names in (_TRAIN, _TEST)
        ]
        roots = [place for place in split if place] if all(split) else [path]
        found = [_pictures(root) for root in roots]
    for root, pictures in zip(roots, found, strict=True):
        if not pictures.paths:
            held = ", ".join(pictures.others[:5]) or "nothing"
            raise FileFormatError(
                f"{root} holds no PNG or JPEG pictures, directly or in sub-folders, and not the "
                f"four idx files of a set; it holds {held}."
            )
    return _read_all(path, found, options)


def _idx_set(path: Path) -> Parts | None:
    """Return the four idx files of a set, from the folder or where torchvision puts them."""
    for folder in (path, path / "raw", *sorted(path.glob("*/raw"))):
        files = [next(spellings(folder, name), None) for name in _IDX]
        if files[0] is not None and files[1] is not None:
            train, test = read_idx(files[0]), read_idx(files[1])
            train_labels, test_labels = (f if f is None else read_idx(f) for f in files[2:])
            note = (
                f"Data: idx files of {folder}, with their own test set (not compared with any "
                "published checksum)"
            )
            return Parts(train, test, train_labels, test_labels, white=255, notes=[note])
    return None


def _pictures(root: Path) -> _Found:
    """List the pictures in a folder and in its sub-folders."""
    found = _Found([], [], [])
    for place in sorted(root.iterdir()):
        if place.name.startswith((".", "__MACOSX")):
            continue
        if place.is_dir():
            members = [(inner, place.name) for inner in sorted(place.iterdir())]
        else:
            members = [(place, "")]
        for file, label in members:
            if file.name.startswith("."):
                continue
            if file.suffix.lower() in _SUFFIXES:
                found.paths.append(file)
                found.labels.append(label)
            else:
                found.others.append(str(file.relative_to(root)))
    return found


def _read_all(path: Path, found: Sequence[_Found], options: LoadOptions) -> Parts:
    image = need("PIL.Image", path)
    size = parse_shape("image_size", options.image_size)
    coloured: list[Path] = []
    arrays = []
    for pictures in found:
        first = _open(image, pictures.paths[0], size, coloured)
        shape = size or first.shape
        array = np.empty((len(pictures.paths), *shape), np.uint8)
        for i, file in enumerate(pictures.paths):
            one = _open(image, file, size, coloured) if i else first
            if one.shape != shape:
                raise ShapeError(
                    f"{file} is {one.shape[0]} x {one.shape[1]} pixels, and {pictures.paths[0]} is "
                    f"{shape[0]} x {shape[1]} (height x width): bring all to one size by "
                    "image_size (--image-size HxW)."
                )
            array[i] = one
        arrays.append(array)
    notes = _notes(found, coloured, size)
    labels = [_labels(pictures, notes) for pictures in found]
    second = len(arrays) > 1
    return Parts(
        arrays[0],
        arrays[1] if second else None,
        labels[0],
        labels[1] if second else None,
        white=255,
        notes=list(dict.fromkeys(notes)),
    )


def _notes(
    found: Sequence[_Found], coloured: list[Path], size: tuple[int, int] | None
) -> list[str]:
    numbers = " and ".join(f"{len(pictures.paths):,}" for pictures in found)
    notes = [f"Data: {numbers} pictures" + (", in folders for both parts" * (len(found) > 1))]
    if coloured:
        notes.append(f"{len(coloured):,} pictures were in colour and are made grey")
    if size is not None:
        notes.append(f"Pictures are brought to {size[0]} x {size[1]} (--image-size)")
    others = [name for pictures in found for name in pictures.others]
    if others:
        more = f" and {len(others) - 5:,} more" if len(others) > 5 else ""
        notes.append(f"Not used: {', '.join(others[:5])}{more}, no PNG or JPEG pictures")
    return notes


def _labels(pictures: _Found, notes: list[str]) -> Array | None:
    """Return the names of the sub-folders, if every picture lies in one."""
    if all(pictures.labels):
        notes.append(f"Labels: the sub-folders, {len(set(pictures.labels))} in all")
        return np.array(pictures.labels)
    if any(pictures.labels):
        notes.append("Labels: none, as some pictures lie in no sub-folder")
    return None


def _open(
    image: Any, path: Path, size: tuple[int, int] | None, coloured: list[Path]
) -> NDArray[np.uint8]:
    """Return one picture as grey levels, (height, width) uint8."""
    try:
        with warnings.catch_warnings(), open_regular(path) as file:
            warnings.simplefilter("ignore")
            with image.open(file, formats=("PNG", "JPEG")) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise ValueError(f"it has {picture.width} x {picture.height} pixels")
                grey = _grey(picture, path, coloured)
                if size is not None and grey.size != size[::-1]:
                    grey = grey.resize(size[::-1], image.Resampling.LANCZOS)
                return np.asarray(grey, np.uint8)
    # Pillow raises nearly anything on damaged pictures.
    except Exception as problem:
        reason = str(problem).partition("<_io")[0] or type(problem).__name__
        raise FileFormatError(
            f"{path} could not be read as a PNG or JPEG picture: {reason}. Remove or replace it."
        ) from problem


def _grey(picture: Any, path: Path, coloured: list[Path]) -> Any:
    if picture.mode.startswith(("I", "F")):
        raise ValueError(f"it has more than 8 bits a pixel ({picture.mode}); save it with 8")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        if picture.getextrema()[3][0] < 255:
            raise ValueError("parts of it are transparent; put it on a background first")
        picture = picture.convert("RGB")
    if picture.mode not in ("L", "1"):
        rgb = np.asarray(picture.convert("RGB"))
        if (rgb != rgb[..., :1]).any():
            coloured.append(path)
    return picture.convert("L")
