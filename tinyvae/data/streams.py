"""Opens files that may be gzipped and reads no more of them than asked.

Memory grows with the bytes that really arrive, never with what a header promises.
This file knows nothing about formats; damage surfaces as FileFormatError.
"""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from tinyvae.errors import FileFormatError

GZIP_MAGIC = b"\x1f\x8b"
#: DEFLATE spends at least 2 bits on 258 bytes, so nothing unpacks to more than this many times.
MAX_EXPANSION = 1040
_CHUNK = 1 << 20


def read_at_most(stream: BinaryIO, limit: int) -> bytearray:
    """Return the next ``limit`` bytes of the stream, or all that are left if they are fewer."""
    content = bytearray()
    while len(content) < limit:
        chunk = stream.read(min(_CHUNK, limit - len(content)))
        if not chunk:
            break
        content += chunk
    return content


@contextmanager
def reading(source: str | Path) -> Iterator[None]:
    """Turn whatever goes wrong while ``source`` is read or unpacked into FileFormatError."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
        raise FileFormatError(
            f"{source} is truncated or damaged: {problem} Get a fresh copy of it."
        ) from problem
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise FileFormatError(f"{source} could not be read: {reason}.") from problem


@contextmanager
def open_unpacked(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open a file, unpacking it on the fly if it is gzipped, whatever its name says.

    Yields
    ------
    stream : binary file
        The unpacked content.
    bound : int
        More bytes than this it cannot hold: its size, or what that many packed bytes can expand to.
    """
    with reading(path), path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        packed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        if packed:
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield cast(BinaryIO, unpacked), size * MAX_EXPANSION
        else:
            yield file, size


def read_unpacked(path: Path, limit: int) -> bytearray:
    """Return the unpacked content of a file, cut off after ``limit`` bytes.

    Raises
    ------
    FileFormatError
        If it cannot be read or its gzip stream is damaged.
    """
    with open_unpacked(path) as (stream, _):
        return read_at_most(stream, limit)


def unpack(content: bytes, limit: int, source: str) -> bytearray:
    """Return ``content``, unpacked if it is gzipped, cut off after ``limit`` bytes.

    Raises
    ------
    FileFormatError
        If its gzip stream is damaged.
    """
    if not content.startswith(GZIP_MAGIC):
        return bytearray(content[:limit])
    with reading(source), gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
        return read_at_most(cast(BinaryIO, stream), limit)
