"""Opens files, gzipped or not, that are really files, and reads no more of them than asked.

Memory grows with the bytes that really arrive, never with what a header promises.  Pipes and
devices are refused before they are read: they may have no end, or never begin.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from tinyvae.errors import FileFormatError, UsageError, check_path

GZIP_MAGIC = b"\x1f\x8b"
#: DEFLATE spends at least 2 bits on 258 bytes, so nothing unpacks to more than this many times.
MAX_EXPANSION = 1040
_CHUNK = 1 << 20
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def user_path(argument: str, came: str | os.PathLike[str]) -> Path:
    """Return a path as the user wrote it, with ``~`` resolved.

    Raises
    ------
    UsageError
        If it is no path: another kind of thing, empty, or with a NUL; if it names nobody's home.
    """
    check_path(argument, came)
    text = os.fspath(came)
    if not text.strip() or "\0" in text:
        raise UsageError(f"{argument}={text!r} is no path: give the name of a file or a folder.")
    try:
        return Path(came).expanduser()
    except RuntimeError:
        raise UsageError(
            f"{argument}={text!r}: there is no user of that name here whose home it could be."
        ) from None


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading, if it is one.

    Raises
    ------
    OSError
        If it is a pipe, a device, a socket or a folder, or cannot be opened.
    """
    # Without O_NONBLOCK, opening a pipe waits for somebody to write to it.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            kind = _KINDS.get(stat.S_IFMT(mode), "something else")
            raise OSError(f"it is {kind}, not a file")
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


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
    except FileFormatError:
        raise
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
    with reading(path), open_regular(path) as file:
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
