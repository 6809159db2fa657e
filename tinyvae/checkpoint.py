"""One safe ``.npz``: named arrays and a little JSON, without pickle, written whole or not at all.

Writing goes to a temporary file in the same folder, is synced to the disk and then renamed, so
that a crash or a full disk leaves the previous file as it was.  Reading trusts nothing: every
header is compared with the bytes that are really there before an array is allocated.  This file
knows no model.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from tinyvae.errors import CheckpointError, WriteError

Array = NDArray[Any]

FORMAT = "tinyvae checkpoint"
VERSION = 1
_METADATA = "metadata"
_METADATA_LIMIT = 16 << 20


@contextlib.contextmanager
def replace_file(path: str | PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a temporary file that becomes ``path`` only when the block ends without an error.

    Raises
    ------
    WriteError
        If the folder cannot be written, or the disk is full; what stood at ``path`` stays.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise WriteError(f"Cannot write {target}: {error.strerror or error}.") from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, target)
        _sync_folder(target.parent)
    except OSError as error:
        raise WriteError(
            f"Cannot write {target}: {error.strerror or error}; what stood there before is "
            "untouched. Free some space or choose another folder."
        ) from error
    finally:
        Path(name).unlink(missing_ok=True)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the system lets a folder be synced."""
    if os.name != "posix":
        return
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
        No object arrays.
    metadata : mapping
        What JSON can hold.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    header = {"format": FORMAT, "version": VERSION, **metadata}
    text = json.dumps(header, allow_nan=False).encode()
    with replace_file(path) as file:
        np.savez(file, allow_pickle=False, **{_METADATA: np.frombuffer(text, np.uint8)}, **arrays)


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
        size = os.path.getsize(path)
        with zipfile.ZipFile(path) as archive:
            arrays = {
                info.filename.removesuffix(".npy"): _read_member(archive, info, size, path)
                for info in archive.infolist()
            }
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist; give the path of a saved model.") from None
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise _damaged(path, str(error)) from error
    metadata = _read_metadata(arrays.pop(_METADATA, None), path)
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise _damaged(path, f"array {name!r} holds NaN or infinity")
    return arrays, metadata


def _damaged(path: str | PathLike[str], what: str) -> CheckpointError:
    return CheckpointError(
        f"{path} is not a whole tinyvae checkpoint: {what}. Use an earlier copy, or train again."
    )


def _read_member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, size: int, path: str | PathLike[str]
) -> Array:
    """Read one array, after its header agreed with the number of bytes there really are."""
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > size:
        raise _damaged(path, f"{info.filename!r} promises {info.file_size:,} bytes of {size:,}")
    with archive.open(info) as file:
        version = npy.read_magic(file)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran_order, dtype = read_header(file)
        if dtype.hasobject or fortran_order:
            raise _damaged(path, f"{info.filename!r} holds {dtype}, not plain numbers in C order")
        expected = math.prod(shape) * dtype.itemsize
        if file.tell() + expected != info.file_size:
            raise _damaged(
                path,
                f"{info.filename!r} says {shape} of {dtype}, which is {expected:,} bytes, and has "
                f"{info.file_size - file.tell():,}",
            )
        data = file.read(expected + 1)  # one more, so that zipfile reaches its checksum
    return np.frombuffer(bytearray(data), dtype).reshape(shape)


def _read_metadata(encoded: Array | None, path: str | PathLike[str]) -> dict[str, Any]:
    if encoded is None or encoded.dtype != np.uint8 or encoded.size > _METADATA_LIMIT:
        raise _damaged(path, "it has no metadata")
    try:
        metadata = json.loads(encoded.tobytes())
    except ValueError as error:
        raise _damaged(path, f"its metadata are not JSON ({error})") from error
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise _damaged(path, "its metadata do not name the format")
    if metadata.get("version") != VERSION:
        raise CheckpointError(
            f"{path} has format version {metadata.get('version')!r}; this tinyvae reads version "
            f"{VERSION}. Install the version of tinyvae that wrote it."
        )
    return metadata


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
