"""Reads .npy and .npz files without pickle and without trusting what their headers promise.

Only plain numbers come out: bool, integers and floats.  Nothing here decides what they mean.
"""

from __future__ import annotations

import io
import math
import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from tinyvae.data.streams import MAX_EXPANSION, read_at_most, reading
from tinyvae.errors import DTypeError, FileFormatError

_MAGIC = b"\x93NUMPY"
# NumPy writes a few hundred bytes for plain numbers.
_MAX_HEADER = 10_000


def read_npy(path: Path) -> NDArray[Any]:
    """Return the array of a .npy file, C-contiguous, in native byte order.

    Raises
    ------
    FileFormatError
        If the file is damaged, or its length is not exactly what its header promises.
    DTypeError
        If it holds anything but bool, integers or real floats.
    """
    with reading(path), path.open("rb") as file:
        return _read_array(file, os.fstat(file.fileno()).st_size, str(path))


def npz_names(path: Path) -> list[str]:
    """Return the names of the arrays in a .npz file, in the file's order.

    Raises
    ------
    FileFormatError
        If it is not a zip archive, or damaged.
    """
    with _open_npz(path) as archive:
        return [info.filename.removesuffix(".npy") for info in archive.infolist()]


def read_npz(path: Path, names: Iterable[str]) -> dict[str, NDArray[Any]]:
    """Return the named arrays of a .npz file; the others are not read.

    Raises
    ------
    FileFormatError
        If the archive or one of these arrays is damaged, or a header promises more or less than
        its member holds.
    DTypeError
        If one of them holds anything but bool, integers or real floats.
    """
    size = path.stat().st_size
    with _open_npz(path) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        return {name: _read_member(archive, members[name], size, path) for name in names}


@contextmanager
def _open_npz(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with reading(path), zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as problem:
        raise FileFormatError(
            f"{path} is not a sound .npz file: {problem}. Get a fresh copy of it, or write it "
            "again with numpy.savez."
        ) from problem


def _read_member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, archive_size: int, path: Path
) -> NDArray[Any]:
    source = f"{path}, array {info.filename.removesuffix('.npy')!r}"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FileFormatError(f"{source} is packed in a way numpy.savez never uses.")
    if info.file_size > min(info.compress_size, archive_size) * MAX_EXPANSION:
        raise FileFormatError(
            f"{source} claims {info.file_size:,} bytes, more than the file can hold."
        )
    with archive.open(info) as member:
        return _read_array(cast(BinaryIO, member), info.file_size, source)


def _read_array(stream: BinaryIO, size: int, source: str) -> NDArray[Any]:
    """Read one array in .npy format from a stream that should hold ``size`` bytes."""
    shape, fortran_order, dtype = _read_header(stream, source)
    promised = math.prod(shape) * dtype.itemsize
    there = size - stream.tell()
    if promised != there:
        raise FileFormatError(
            f"{source}: its header promises {promised:,} bytes (shape {shape}, {dtype}), but "
            f"{there:,} follow. The file is truncated or was tampered with."
        )
    content = read_at_most(stream, promised + 1)
    if len(content) != promised:
        raise FileFormatError(f"{source}: {promised:,} bytes promised, {len(content):,} came.")
    array = np.frombuffer(content, dtype=np.uint8).view(dtype)
    array = array.reshape(shape, order="F" if fortran_order else "C")
    return np.ascontiguousarray(array, dtype=dtype.newbyteorder("="))


def _read_header(stream: BinaryIO, source: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    start = stream.read(8)
    width = {b"\x01\x00": 2, b"\x02\x00": 4}.get(start[6:]) if start[:6] == _MAGIC else None
    if width is None:
        came = start.hex(" ") or "nothing"
        raise FileFormatError(f"{source} is no .npy file of version 1 or 2: it starts with {came}.")
    length = stream.read(width)
    promised = int.from_bytes(length, "little")
    if promised > _MAX_HEADER:
        raise FileFormatError(f"{source} has no sound .npy header: it claims {promised:,} bytes.")
    header = io.BytesIO(length + read_at_most(stream, promised))
    try:
        if width == 2:
            shape, fortran_order, dtype = npy_format.read_array_header_1_0(header)
        else:
            shape, fortran_order, dtype = npy_format.read_array_header_2_0(header)
    # NumPy evaluates the header as a Python literal: a damaged one may raise nearly anything.
    except Exception as problem:
        raise FileFormatError(f"{source} has no sound .npy header: {problem}") from problem
    if dtype.hasobject:
        raise DTypeError(
            f"{source} holds Python objects, which are never unpickled here (rows of different "
            "lengths, perhaps). Save an array of plain numbers."
        )
    if dtype.kind not in "biuf":
        raise DTypeError(f"{source} holds {dtype}, expected bool, integers or real floats.")
    if min(shape, default=1) < 0:
        raise FileFormatError(f"{source} has no sound .npy header: shape {shape}.")
    return shape, fortran_order, dtype
