"""Reads MATLAB's .mat files with SciPy, and finds out whether examples are rows or columns."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.data.dataset import LoadOptions, Parts
from tinyvae.data.extras import need
from tinyvae.data.names import Member, choose
from tinyvae.data.npy import read_npy
from tinyvae.data.pictures import parse_shape, usual_square
from tinyvae.data.streams import open_regular, reading
from tinyvae.errors import FileFormatError, ShapeError

Array = NDArray[Any]

# Longer than this no file of MATLAB's versions 5 to 7 takes: they hold 2 GB at most.
_SECONDS = 600
_CHILD = Path(__file__).with_name("matlab_child.py")


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
    need("scipy.io", path)
    with tempfile.TemporaryDirectory(prefix="tinyvae-") as folder:
        told = _ask(path, Path(folder))
        there = {name: Member(tuple(shape), saved is not None) for name, shape, saved in told}
        chosen, notes = choose(there, path)
        files = {name: Path(folder, f"{saved}.npy") for name, _, saved in told if saved is not None}
        parts = {
            role: read_npy(files[name], mapped=False)
            for role, name in chosen.items()
            if name in files
        }
    for role, name in chosen.items():
        if role not in parts:
            notes.append(f"The array {name!r} is dropped: it holds no plain numbers")
    if "train" not in parts:
        raise FileFormatError(f"{path}: array {chosen['train']!r} holds no plain numbers.")
    return _oriented(parts, set(there), path, options, notes)


def _ask(path: Path, folder: Path) -> list[tuple[str, list[int], int | None]]:
    """Return what ``matlab_child`` says of a file; its arrays are in the folder then."""
    with reading(path), open_regular(path):
        pass  # it is a file; pipes and devices are not for the child
    command = [sys.executable, "-P", str(_CHILD), str(path.resolve()), str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
        answer = json.loads(done.stdout or b"{}")
    except (OSError, ValueError, subprocess.TimeoutExpired) as problem:
        raise FileFormatError(f"{path} could not be read as a .mat file: {problem}.") from problem
    if "members" in answer:
        members: list[tuple[str, list[int], int | None]] = answer["members"]
        return members
    reason = answer.get("error") or answer.get("missing")
    if reason is None:
        reason = f"SciPy's reader crashed on it (exit status {done.returncode})"
    raise FileFormatError(
        f"{path} could not be read as a .mat file: {reason}. Get a fresh copy of it."
    )


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
