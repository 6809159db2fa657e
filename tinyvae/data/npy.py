"""Reads .npy and .npz files without pickle and without trusting what their headers promise.

Nothing here decides what the numbers mean.  Large .npy files are mapped, not read.
"""

from __future__ import annotations

import io
import math
import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from tinyvae.data.names import Member
from tinyvae.data.streams import MAX_EXPANSION, open_regular, read_at_most, reading
from tinyvae.errors import DTypeError, FileFormatError

_MAGIC = b"\x93NUMPY"
# NumPy writes a few hundred bytes for plain numbers.
_MAX_HEADER = 10_000
#: Files from this size on are mapped: pages come from the disk when they are looked at.
MAP_FROM = 128 << 20
NUMBERS, WORDS = "biuf", "US"


class Header(NamedTuple):
    """What a .npy header says."""

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]


def read_npy(path: Path, *, mapped: bool = True) -> NDArray[Any]:
    """Return the array of a .npy file, C-contiguous, in native byte order.

    With ``mapped``, files from ``MAP_FROM`` on are mapped copy-on-write where nothing has to be
    converted.

    Raises
    ------
    FileFormatError
        If the file is damaged, or its length is not exactly what its header promises.
    DTypeError
        If it holds anything but bool, integers or real floats.
    """
    with reading(path), open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if mapped and size >= MAP_FROM:
            header = read_header(file, str(path))
            _check_length(header, size - file.tell(), str(path))
            if header.dtype.isnative and not header.fortran_order:
                return np.asarray(np.memmap(file, header.dtype, "c", file.tell(), header.shape))
            file.seek(0)
        return read_array(file, size, str(path))


def npz_members(path: Path) -> dict[str, Member]:
    """Return what each array of a .npz file is, by name, in the file's order.

    Raises
    ------
    FileFormatError
        If it is not a zip archive, or damaged.
    """
    with _open_npz(path) as archive:
        return {
            info.filename.removesuffix(".npy"): _member(archive, info)
            for info in archive.infolist()
        }


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    try:
        with archive.open(info) as stream:
            header = read_header(cast(BinaryIO, stream), info.filename, NUMBERS + WORDS)
    except DTypeError:
        return Member((), False)
    except FileFormatError:
        return Member((), False, info.filename.endswith(".npy"))
    return Member(header.shape, header.dtype.kind in NUMBERS)


def read_npz(path: Path, names: Iterable[str], kinds: str = NUMBERS) -> dict[str, NDArray[Any]]:
    """Return the named arrays of a .npz file; the others are not read.

    Raises
    ------
    FileFormatError
        If the archive or one of these arrays is damaged, or a header promises more or less than
        its member holds.
    DTypeError
        If one of them is of another kind than ``kinds``.
    """
    size = path.stat().st_size
    with _open_npz(path) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        return {name: _read_member(archive, members[name], size, path, kinds) for name in names}


@contextmanager
def _open_npz(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with reading(path), open_regular(path) as file, zipfile.ZipFile(file) as archive:
            yield archive
    # zipfile raises nearly anything on bytes made to confuse it.
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError) as problem:
        if isinstance(problem, FileFormatError | DTypeError):
            raise
        raise FileFormatError(
            f"{path} is not a sound .npz file: {problem}. Get a fresh copy of it, or write it "
            "again with numpy.savez."
        ) from problem


def _read_member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, archive_size: int, path: Path, kinds: str
) -> NDArray[Any]:
    source = f"{path}, array {info.filename.removesuffix('.npy')!r}"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FileFormatError(f"{source} is packed in a way numpy.savez never uses.")
    if info.file_size > min(info.compress_size, archive_size) * MAX_EXPANSION:
        raise FileFormatError(
            f"{source} claims {info.file_size:,} bytes, more than the file can hold."
        )
    with archive.open(info) as member:
        return read_array(cast(BinaryIO, member), info.file_size, source, kinds)


def read_array(stream: BinaryIO, size: int, source: str, kinds: str = NUMBERS) -> NDArray[Any]:
    """Read one array in .npy format from a stream that should hold ``size`` bytes, and no more.

    Parameters
    ----------
    stream : binary file
        At the start of the array.  It is read to its end, so that zipfile compares its checksum.
    size : int
    source : str
        What messages call it.
    kinds : str
        The kinds of dtype that may come, as NumPy abbreviates them.

    Returns
    -------
    ndarray
        C-contiguous, in native byte order, writeable.

    Raises
    ------
    FileFormatError, DTypeError
        As ``read_npy``.
    """
    header = read_header(stream, source, kinds)
    promised = _check_length(header, size - stream.tell(), source)
    content = read_at_most(stream, promised + 1)
    if len(content) != promised:
        raise FileFormatError(f"{source}: {promised:,} bytes promised, {len(content):,} came.")
    shape, fortran_order, dtype = header
    array = np.frombuffer(content, dtype=np.uint8).view(dtype)
    array = array.reshape(shape, order="F" if fortran_order else "C")
    native = dtype.newbyteorder("=")
    return array.astype(native, order="C", copy=False)


def _check_length(header: Header, there: int, source: str) -> int:
    promised = math.prod(header.shape) * header.dtype.itemsize
    if promised != there:
        raise FileFormatError(
            f"{source}: its header promises {promised:,} bytes (shape {header.shape}, "
            f"{header.dtype}), but {there:,} follow. The file is truncated or was tampered with."
        )
    return promised


def read_header(stream: BinaryIO, source: str, kinds: str = NUMBERS) -> Header:
    """Read the header of an array in .npy format.

    Raises
    ------
    FileFormatError, DTypeError
        If there is none, or it holds Python objects or another kind than ``kinds``.
    """
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
    if dtype.kind not in kinds or not dtype.itemsize:
        raise DTypeError(f"{source} holds {dtype}, expected {_spoken(kinds)}.")
    if min(shape, default=1) < 0:
        raise FileFormatError(f"{source} has no sound .npy header: shape {shape}.")
    return Header(shape, fortran_order, dtype)


def _spoken(kinds: str) -> str:
    if "c" in kinds:
        return "plain numbers"
    return "bool, integers or real floats" + (" or words" if "U" in kinds else "")
