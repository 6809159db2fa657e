"""Turns the reader's own array, .npy, .npz or idx file into a DataSet.

States the rules for what integers mean, what is a picture and how rows are split; reads no file
itself but through the strict readers.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.data.checks import check_data
from tinyvae.data.dataset import DataSet
from tinyvae.data.idx import read_idx
from tinyvae.data.npy import npz_names, read_npy, read_npz
from tinyvae.data.streams import reading
from tinyvae.errors import (
    DTypeError,
    EmptyDataError,
    FileFormatError,
    RangeError,
    ShapeError,
    UsageError,
)

Array = NDArray[Any]

# Keras' and the plain names first; a lone array may be called anything.
_NPZ_KEYS = {
    "train": ("x_train", "train", "train_images", "x", "images", "data"),
    "test": ("x_test", "test", "test_images"),
    "train_labels": ("y_train", "train_labels", "y", "labels"),
    "test_labels": ("y_test", "test_labels"),
}
_SMALLEST_SIDE = 8


def read_own(path: Path) -> DataSet:
    """Return the data set in a file; the rules are those of ``load_data``."""
    name, source = path.name.split(".")[0] or path.name, str(path)
    with reading(path):
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise UsageError(f"{path} {what}: name a .npy, .npz or idx file.")
        with path.open("rb") as file:
            magic = file.read(6)
    if magic == b"\x93NUMPY":
        return from_arrays(name, source, train=read_npy(path))
    if magic.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return from_arrays(name, source, **_read_npz_parts(path))
    if magic.startswith((b"\x00\x00", b"\x1f\x8b")):
        return from_arrays(name, source, train=read_idx(path))
    raise FileFormatError(
        f"{path} starts with {magic.hex(' ') or 'nothing'}, which is no .npy, .npz or idx file "
        "(idx may be gzipped)."
    )


def _read_npz_parts(path: Path) -> dict[str, Array]:
    there = npz_names(path)
    chosen = {part: next((k for k in keys if k in there), None) for part, keys in _NPZ_KEYS.items()}
    if chosen["train"] is None and len(there) == 1:
        chosen["train"] = there[0]
    if chosen["train"] is None:
        raise FileFormatError(
            f"{path} holds the arrays {', '.join(there) or '(none)'}, and none is called "
            f"{', '.join(_NPZ_KEYS['train'])}."
        )
    arrays = read_npz(path, {key for key in chosen.values() if key is not None})
    return {part: arrays[key] for part, key in chosen.items() if key is not None}


def from_arrays(
    name: str,
    source: str,
    train: Array,
    test: Array | None = None,
    train_labels: Array | None = None,
    test_labels: Array | None = None,
) -> DataSet:
    """Return arrays as a DataSet, checked; ``source`` is what messages call them."""
    train, image_shape = _as_rows(train, source)
    labels = _as_labels(train_labels, len(train), source)
    if test is None:
        (train,) = _as_pixels([train], source)
        check_data(train, argument=source)
        return DataSet(name, *_split(train, labels, source), image_shape)
    held_source = f"{source} (test)"
    test, test_image_shape = _as_rows(test, held_source)
    if (test.shape[1], test_image_shape) != (train.shape[1], image_shape):
        raise ShapeError(
            f"{source}: rows are {train.shape[1]} wide in training (pictures: {image_shape}), but "
            f"{test.shape[1]} in the test set (pictures: {test_image_shape})."
        )
    held_labels = _as_labels(test_labels, len(test), held_source)
    train, test = _as_pixels([train, test], source)
    check_data(train, argument=source)
    check_data(test, argument=held_source, min_rows=1)
    return DataSet(name, train, test, labels, held_labels, image_shape)


def _as_rows(array: Array, source: str) -> tuple[Array, tuple[int, int] | None]:
    """Flatten pictures to rows, and say what shape they had."""
    if array.ndim == 4 and 1 in (array.shape[1], array.shape[3]):
        array = array[:, 0] if array.shape[1] == 1 else array[..., 0]
    if array.ndim == 3:
        rows, height, width = array.shape
        return array.reshape(rows, height * width), (height, width)
    if array.ndim != 2:
        raise ShapeError(
            f"{source} has shape {array.shape}, expected (n, width), or (n, height, width) for "
            "grey pictures."
        )
    side = math.isqrt(array.shape[1])
    square = side >= _SMALLEST_SIDE and side * side == array.shape[1]
    return array, (side, side) if square else None


def _as_labels(labels: Array | None, rows: int, source: str) -> Array | None:
    if labels is None:
        return None
    if labels.size != rows or labels.dtype.kind not in "biu":
        raise ShapeError(
            f"{source}: labels have shape {labels.shape} and hold {labels.dtype}, expected one "
            f"integer for each of {rows} rows."
        )
    return labels.reshape(rows)


def _split(
    rows: Array, labels: Array | None, source: str
) -> tuple[Array, Array, Array | None, Array | None]:
    """Hold back the last tenth, rounded down but at least one row, as the test set."""
    if len(rows) < 3:
        raise EmptyDataError(
            f"{source} has {len(rows)} rows, expected at least 3: two to train on and one to test."
        )
    cut = len(rows) - max(1, len(rows) // 10)
    if labels is None:
        return rows[:cut], rows[cut:], None, None
    return rows[:cut], rows[cut:], labels[:cut], labels[cut:]


def _as_pixels(parts: list[Array], source: str) -> list[Array]:
    """Bring all parts to one of the dtypes that are trained on; see ``load_data`` for the rules."""
    dtypes = [part.dtype for part in parts]
    if all(dtype.kind == "f" and dtype.itemsize <= 8 for dtype in dtypes):
        wanted = np.result_type(*dtypes, np.float32)
        return [np.ascontiguousarray(part, dtype=wanted) for part in parts]
    if not all(dtype.kind in "biu" for dtype in dtypes):
        raise DTypeError(
            f"{source} holds {' and '.join(map(str, dtypes))}, expected bool or integers "
            "throughout, or float16, float32 or float64 throughout."
        )
    for part in parts:
        _check_grey(part, source)
    binary = all(part.max(initial=0) <= 1 for part in parts)
    return [_as_uint8(part, binary) for part in parts]


def _check_grey(array: Array, source: str) -> None:
    if array.dtype in (np.bool_, np.uint8):
        return
    wrong = (array < 0) | (array > 255)
    if wrong.any():
        row, column = divmod(int(wrong.argmax()), array.shape[1])
        raise RangeError(
            f"{source} holds {array[row, column]} at row {row}, column {column}. Integers are read "
            "as grey levels, 0 to 255: save other numbers as float32."
        )


def _as_uint8(array: Array, binary: bool) -> Array:
    pixels = np.ascontiguousarray(array, dtype=np.uint8)
    return pixels * np.uint8(255) if binary else pixels
