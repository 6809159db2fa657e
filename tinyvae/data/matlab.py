"""Reads MATLAB's .mat files with SciPy, and finds out whether examples are rows or columns."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.data.dataset import LoadOptions, Parts
from tinyvae.data.extras import need
from tinyvae.data.names import Member, choose
from tinyvae.data.pictures import parse_shape, usual_square
from tinyvae.data.streams import MAX_EXPANSION, open_regular, reading
from tinyvae.errors import FileFormatError, ShapeError

Array = NDArray[Any]

_NUMBERS = (
    *("double", "single", "logical", "uint8", "int8", "uint16", "int16"),
    *("uint32", "int32", "uint64", "int64"),
)


def read_matlab(path: Path, options: LoadOptions) -> Parts:
    """Return the examples in a .mat file (versions 5 to 7).

    MATLAB often has one example a column.  The labels tell which way it is, or ``image_shape``, or
    a width that is a usual square; else examples are rows if there are more rows than columns.
    Two well-known files, frey_rawface (20 x 28 faces in columns) and OMNIGLOT's chardata (pictures
    column by column), are known by the names of their arrays.

    Raises
    ------
    FileFormatError
        If it is damaged, or holds no array of numbers.
    ShapeError
        If it is not clear whether examples are rows or columns.
    MissingPackageError
        If SciPy is not installed.
    """
    scipy_io = need("scipy.io", path)
    size = path.stat().st_size
    with warnings.catch_warnings(), reading(path), open_regular(path) as file:
        warnings.simplefilter("ignore")
        try:
            there = {
                name: Member(tuple(int(n) for n in shape), kind in _NUMBERS)
                for name, shape, kind in scipy_io.whosmat(file)
            }
            for name, member in there.items():
                if member.numbers and not 0 <= math.prod(member.shape) <= size * MAX_EXPANSION:
                    raise ValueError(f"array {name!r} is said to be {member.shape}, too large")
            chosen, notes = choose(there, path)
            wanted = [name for name in chosen.values() if there[name].numbers]
            file.seek(0)
            arrays = scipy_io.loadmat(file, variable_names=wanted)
        except (FileFormatError, OSError):
            raise
        # SciPy raises nearly anything on damaged files.
        except Exception as problem:
            raise FileFormatError(
                f"{path} could not be read as a .mat file: {problem}. Get a fresh copy of it."
            ) from problem
    parts = {role: arrays[name] for role, name in chosen.items() if name in arrays}
    for role, name in chosen.items():
        if role not in parts:
            notes.append(f"The array {name!r} is dropped: it holds no plain numbers")
    if "train" not in parts or not isinstance(parts["train"], np.ndarray):
        raise FileFormatError(f"{path}: array {chosen['train']!r} holds no plain numbers.")
    return _oriented(parts, set(there), path, options, notes)


def _oriented(
    parts: dict[str, Any], names: set[str], path: Path, options: LoadOptions, notes: list[str]
) -> Parts:
    """Turn examples into rows."""
    train, test = parts["train"], parts.get("test")
    labels, test_labels = parts.get("train_labels"), parts.get("test_labels")
    if train.ndim == 2:
        as_columns, why = _columns(train, labels, names, path, options)
        if as_columns:
            train = train.T
            test = None if test is None else test.T
        notes.append(f"Examples: {'columns' if as_columns else 'rows'}, {why}")
        if {"targetchar", "testdata"} <= names and train.shape[1] == 784:
            train, test = (
                None if a is None else a.reshape(-1, 28, 28).swapaxes(1, 2) for a in (train, test)
            )
            notes.append("Pictures: OMNIGLOT's, turned upright")
        elif "ff" in names and train.shape[1] == 560:
            train = train.reshape(-1, 28, 20)
            notes.append("Pictures: Frey's faces, 28 x 20")
    elif train.ndim == 3:
        # MATLAB keeps pictures as (height, width, n).
        train = np.moveaxis(train, 2, 0)
        test = None if test is None else np.moveaxis(test, 2, 0)
        notes.append(f"Examples: the last of three dimensions, {train.shape[1:]} each")
    native = [
        None if a is None else np.array(a, dtype=a.dtype.newbyteorder("="), order="C")
        for a in (train, test)
    ]
    assert native[0] is not None
    return Parts(native[0], native[1], labels, test_labels, notes=notes)


def _columns(
    train: Array, labels: Any, names: set[str], path: Path, options: LoadOptions
) -> tuple[bool, str]:
    """Whether examples are columns, and what says so."""
    rows, columns = train.shape
    asked = options.image_shape
    if asked is not None and str(asked).strip().lower() != "none":
        width = math.prod(parse_shape("image_shape", asked) or (0,))
        if (rows == width) != (columns == width):
            return rows == width, "as image_shape says"
    if "ff" in names and train.shape == (560, 1965):
        return True, "as in frey_rawface.mat"
    if labels is not None and rows != columns:
        sizes = {int(n) for n in np.shape(labels)}
        if (rows in sizes) != (columns in sizes):
            return columns in sizes, "as there are labels"
    squares = usual_square(rows) is not None, usual_square(columns) is not None
    if squares[0] != squares[1]:
        return squares[0], f"as {rows if squares[0] else columns} numbers make a picture"
    if rows > columns:
        return False, "as there are more of them than columns"
    raise ShapeError(
        f"{path} holds {rows} x {columns} numbers, and nothing says whether examples are rows or "
        "columns: name the shape of a picture by image_shape (--image-shape HxW), or save the "
        "array again with examples as rows and more rows than columns, or as .npy."
    )
