"""Fetches one published file from the first mirror that serves the right content.

What arrives is held in memory until its checksum is right, then written to a temporary file beside
its place in the cache and renamed: the cache never holds anything partial or wrong.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import textwrap
import time
from pathlib import Path

from tinyvae.data.registry import PublishedFile
from tinyvae.data.streams import GZIP_MAGIC, unpack
from tinyvae.errors import ChecksumError, DownloadError, FileFormatError, WriteError

#: How long a mirror may be silent, and how long one file may take in all.
TIMEOUT_SECONDS = 15.0
DEADLINE_SECONDS = 300.0
# What gzip adds to bytes it cannot pack is far less.
_PACKING_OVERHEAD = 1 << 16


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
        "name it by data_dir (--data-dir) or the environment variable TINYVAE_DATA_DIR; or use "
        'the data set "digits", which needs no network.'
    )


def _fetch(url: str, file: PublishedFile, progress: bool) -> bytes:
    """Return what an address serves, if it comes whole, in time, and is no more than expected."""
    import requests
    from tqdm import tqdm

    limit, deadline = file.size + _PACKING_OVERHEAD, time.monotonic() + DEADLINE_SECONDS
    received = bytearray()
    with (
        requests.get(
            url, stream=True, timeout=TIMEOUT_SECONDS, headers={"Accept-Encoding": "identity"}
        ) as response,
        tqdm(
            desc=file.name,
            total=int(response.headers.get("Content-Length") or 0) or None,
            unit="B",
            unit_scale=True,
            leave=False,
            disable=not progress,
        ) as bar,
    ):
        response.raise_for_status()
        # A reader that waits for whole chunks would wait for ever where a byte comes now and then.
        read = getattr(response.raw, "read1", None) or (lambda size: response.raw.read(256))
        while chunk := read(1 << 16):
            received += chunk
            if progress:
                bar.update(len(chunk))
            if len(received) > limit:
                raise FileFormatError(f"it sends more than the {limit:,} bytes expected at most")
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"only {len(received):,} bytes came in {DEADLINE_SECONDS:g} seconds"
                )
        promised = int(response.headers.get("Content-Length") or len(received))
    if len(received) != promised:
        raise FileFormatError(f"Error: it sent {len(received):,} of {promised:,} bytes")
    return bytes(received)


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
        f"{path} could not be written: {reason}. Put the set's four idx files into a folder "
        "and name it by TINYVAE_DATA_DIR or data_dir (--data-dir on the command line); in Python, "
        "cache_dir names another place for downloads."
    )
