"""One safe ``.npz``: named arrays and a little JSON, without pickle, written whole or not at all.

Writing goes to a temporary file in the same folder, is synced to the disk and then renamed, so
that a crash or a full disk leaves the previous file as it was.  Reading trusts nothing: every
header is compared with the bytes that are really there before an array is allocated.  This file
knows no model.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import secrets
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from tinyvae.data.npy import NUMBERS, read_array
from tinyvae.data.streams import open_regular
from tinyvae.errors import CheckpointError, NonFiniteDataError, WriteError, check_path

Array = NDArray[Any]

FORMAT = "tinyvae checkpoint"
VERSION = 1
_METADATA = "metadata"
_KINDS = NUMBERS + "c"


@contextlib.contextmanager
def replace_file(path: str | PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a temporary file that becomes ``path`` only when the block ends without an error.

    Raises
    ------
    UsageError
        If ``path`` is none.
    WriteError
        If the folder cannot be written, or the disk is full; what stood at ``path`` stays.
    """
    check_path("path", path)
    target = Path(path)
    # A name nobody else has, so that two writers never mix; not too long for the file system.
    temporary = target.parent / f"{_temporary_prefix(target)}.{secrets.token_hex(8)}.tmp"
    try:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise WriteError(
            f"Cannot write {target}: {error.strerror or error}; what stood there before is "
            "untouched. Free some space or choose another folder."
        ) from error
    with contextlib.suppress(OSError):  # the file is in place; not every system syncs folders
        _sync_folder(target.parent)


def _temporary_prefix(target: Path) -> str:
    """Return how the names of a file's temporary files begin, and those of no other file's."""
    return f".{target.name[:24]}.{zlib.crc32(target.name.encode(errors='surrogateescape')):08x}"


def remove_leftovers(path: str | PathLike[str]) -> int:
    """Remove what writers of this file left behind when they were killed; return how many."""
    target, removed = Path(path), 0
    for file in target.parent.glob(f"{glob.escape(_temporary_prefix(target))}.*.tmp"):
        with contextlib.suppress(OSError):
            file.unlink()
            removed += 1
    return removed


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_checkpoint(
    path: str | PathLike[str], arrays: Mapping[str, Array], metadata: Mapping[str, Any]
) -> None:
    """Write arrays and metadata to one ``.npz``.

    Parameters
    ----------
    path : path
        Replaced only once the new file is complete and on the disk.
    arrays : mapping of str to array
        Of finite numbers.
    metadata : mapping
        What JSON can hold.

    Raises
    ------
    NonFiniteDataError
        If an array holds NaN or infinity; nothing is written then.
    WriteError
        If it cannot be written.
    """
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise NonFiniteDataError(
                f"Array {name!r} holds NaN or infinity, so {path} is not written and stays as it "
                "was."
            )
    header = {"format": FORMAT, "version": VERSION, **metadata}
    text = json.dumps(header, allow_nan=False).encode()
    members = {_METADATA: np.frombuffer(text, np.uint8), **arrays}
    with replace_file(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in members.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                plain = np.asarray(array, order="C")
                npy.write_array(member, plain, (1, 0), allow_pickle=False)


def read_checkpoint(path: str | PathLike[str]) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read what ``write_checkpoint`` wrote.

    Parameters
    ----------
    path : path

    Returns
    -------
    arrays : dict of str to array
    metadata : dict

    Raises
    ------
    CheckpointError
        If the file is missing, truncated, tampered with, of another version, or holds NaN or
        infinity.
    """
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            arrays = _read_members(archive, os.fstat(file.fileno()).st_size)
        metadata = _read_metadata(arrays)
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist; give the path of a saved model.") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from error
    # zipfile, NumPy's header parser and JSON raise nearly anything on bytes made to confuse them.
    except Exception as error:
        raise CheckpointError(
            f"{path} is not a whole tinyvae checkpoint: {error}. Use an earlier copy, or train "
            "again."
        ) from error
    if metadata.get("version") != VERSION:
        raise CheckpointError(
            f"{path} has format version {metadata.get('version')!r}; this tinyvae reads version "
            f"{VERSION}. Install the version of tinyvae that wrote it."
        )
    return arrays, metadata


def _read_members(archive: zipfile.ZipFile, size: int) -> dict[str, Array]:
    """Read all arrays, after what the archive says of them agreed with its size."""
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    if len(members) < len(archive.infolist()):
        raise ValueError("it holds two arrays of one name")
    for name, info in members.items():
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise ValueError(f"array {name!r} is compressed, which no checkpoint is")
    promised = sum(info.file_size for info in members.values())
    if promised > size:
        raise ValueError(f"it promises {promised:,} bytes of arrays and has {size:,} in all")
    return {name: _read_array(archive, name, info) for name, info in members.items()}


def _read_array(archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo) -> Array:
    """Read one array; a checkpoint holds finite numbers in C order."""
    with archive.open(info) as member:
        array = read_array(cast(BinaryIO, member), info.file_size, f"array {name!r}", _KINDS)
    if not np.isfinite(array).all():
        raise ValueError(f"array {name!r} holds NaN or infinity")
    return array


def _read_metadata(arrays: dict[str, Array]) -> dict[str, Any]:
    """Take the metadata out of the arrays and decode them."""
    if _METADATA not in arrays:
        raise ValueError("it has no metadata")
    metadata = json.loads(arrays.pop(_METADATA).tobytes())
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise ValueError("its metadata do not name the format")
    return cast(dict[str, Any], metadata)


def take(
    arrays: Mapping[str, Array],
    expected: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]],
    path: str | PathLike[str],
) -> dict[str, Array]:
    """Return the expected arrays, having checked that each is there with its shape and dtype.

    Raises
    ------
    CheckpointError
        Naming the first array that is missing or different.
    """
    for name, (shape, dtype) in expected.items():
        if name not in arrays:
            raise CheckpointError(
                f"{path} has no array {name!r}; it holds {', '.join(arrays) or 'none'}."
            )
        came = arrays[name]
        if came.shape != shape or came.dtype != dtype:
            raise CheckpointError(
                f"{path}: array {name!r} is {came.shape} of {came.dtype}, but the model it "
                f"describes needs {shape} of {dtype}."
            )
    return {name: arrays[name] for name in expected}
