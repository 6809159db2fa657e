"""Fetches one published file from the first mirror that serves the right content.

What arrives is held in memory until its checksum is right, then written to a temporary file beside
its place in the cache and renamed: the cache never holds anything partial or wrong.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import textwrap
from pathlib import Path

from tinyvae.data.registry import PublishedFile
from tinyvae.data.streams import GZIP_MAGIC, unpack
from tinyvae.errors import ChecksumError, DownloadError, FileFormatError, WriteError

TIMEOUT_SECONDS = 30
# What gzip adds to bytes it cannot pack is far less.
_PACKING_OVERHEAD = 1 << 16


class _Received(io.BytesIO):
    """A buffer that stops a mirror from sending without end."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def write(self, chunk: bytes) -> int:  # type: ignore[override]
        if self.tell() + len(chunk) > self.limit:
            raise FileFormatError(f"it sends more than the {self.limit:,} bytes expected at most")
        return super().write(chunk)


def download(
    set_name: str, file: PublishedFile, mirrors: list[str], folder: Path, *, progress: bool
) -> bytearray:
    """Return the unpacked content of a file, and keep what was downloaded in ``folder``.

    Parameters
    ----------
    set_name : str
        The data set's name, for messages.
    file : PublishedFile
        Which file, and its checksum.
    mirrors : list of str
        Addresses to put the file's name and ".gz" after, tried in order.  Those that failed are
        moved to the end of this list, so that the next file does not wait for them first.
    folder : Path
        Where to keep it; created if need be.
    progress : bool
        Whether to show a progress bar on standard error.

    Raises
    ------
    DownloadError
        If no mirror served the right content; the message gives each mirror's failure.
    WriteError
        If the folder cannot be made or written to.
    """
    _check_writable(folder)
    failures = []
    for mirror in tuple(mirrors):
        url = f"{mirror}{file.name}.gz"
        try:
            packed = _fetch(url, file, progress)
            content = unpack(packed, file.size + 1, url)
            complaint = file.complaint(content)
            if complaint:
                raise ChecksumError(complaint)
        # Whatever a mirror does wrong, the next one may do right.
        except Exception as problem:
            cause = str(problem).rpartition("Caused by ")[2]
            reason = textwrap.shorten(cause, 200, placeholder=" ...")
            failures.append(f"  {url}: {type(problem).__name__}: {reason}")
            mirrors.append(mirrors.pop(mirrors.index(mirror)))
            continue
        suffix = ".gz" if packed.startswith(GZIP_MAGIC) else ""
        _keep(packed, folder / f"{file.name}{suffix}")
        return content
    raise DownloadError(
        f"{file.name} of {set_name} could not be downloaded from any mirror:\n"
        + "\n".join(failures)
        + "\nTo go on without: put the set's four idx files, gzipped or not, into a folder and "
        "name it by data_dir or the environment variable TINYVAE_DATA_DIR; or use the data set "
        '"digits", which needs no network.'
    )


def _fetch(url: str, file: PublishedFile, progress: bool) -> bytes:
    import pooch
    from tqdm import tqdm

    received = _Received(file.size + _PACKING_OVERHEAD)
    with tqdm(
        desc=file.name,
        total=file.size,
        unit="B",
        unit_scale=True,
        leave=False,
        disable=not progress,
    ) as bar:
        fetch = pooch.HTTPDownloader(
            progressbar=bar if progress else False, chunk_size=1 << 16, timeout=TIMEOUT_SECONDS
        )
        fetch(url, received, None)
    return received.getvalue()


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise _cannot_write(folder, problem) from problem
    if not os.access(folder, os.W_OK):
        raise _cannot_write(folder, PermissionError("no write permission"))


def _keep(packed: bytes, path: Path) -> None:
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f"{path.name}.", suffix=".part", delete=False
        ) as file:
            temporary = file.name
            file.write(packed)
        os.replace(temporary, path)
    except BaseException as problem:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        if isinstance(problem, OSError):
            raise _cannot_write(path, problem) from problem
        raise


def _cannot_write(path: Path, problem: OSError) -> WriteError:
    reason = problem.strerror or str(problem)
    return WriteError(
        f"{path} could not be written: {reason}. Name a folder that can be by cache_dir, or put "
        "the files into one and name it by data_dir or TINYVAE_DATA_DIR."
    )
