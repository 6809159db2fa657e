"""Says what a file is that cannot be read as data, and what to do about it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tinyvae.errors import FileFormatError

_CONVERT = """
    import pathlib, pickle, numpy
    content = pickle.loads(pathlib.Path({path!r}).read_bytes())
    numpy.savez("mine.npz", x=content)  # or the part of it that holds the examples"""
_PICKLE = (
    "a Python pickle. Loading one runs whatever it says, so tinyvae never does; if you trust "
    "where it comes from, convert it:" + _CONVERT
)
_UNPACK = "unpack it first and name the file inside"
# The first bytes of each kind, and what it is and what to do.
_MAGIC = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (MATLAB 7.3 and Keras write these): save the array with "
     "numpy.save, from MATLAB with save(..., '-v7')"),
    (b"\x93NUMPY", "a .npy file: unpack it with gunzip first"),
    (b"\x89PNG", "a single PNG picture: name the folder that holds all of them"),
    (b"\xff\xd8\xff", "a single JPEG picture: name the folder that holds all of them"),
    (b"GIF8", "a GIF picture: save pictures as PNG, in one folder"),
    (b"%PDF", "a PDF document, which holds no data"),
    (b"BZh", f"a bzip2 archive: {_UNPACK}"),
    (b"\xfd7zXZ", f"an xz archive: {_UNPACK}"),
    (b"7z\xbc\xaf", f"a 7-Zip archive: {_UNPACK}"),
    (b"Rar!", f"a RAR archive: {_UNPACK}"),
    (b"\x28\xb5\x2f\xfd", f"a zstd archive: {_UNPACK}"),
    (b"SQLite format 3", "an SQLite database: export the table as CSV"),
    (b"ARROW1", "an Arrow or Feather file: write it with pandas' to_parquet"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file: save the sheet as CSV"),
    (b"PK\x03\x04", f"a zip archive without arrays: {_UNPACK}"),
)  # fmt: skip
_TEXT = (
    (re.compile(r"\s*<(!doctype html|html|head|script)", re.IGNORECASE),
     "an HTML page, perhaps an error message that was saved as data: look at it in a browser and "
     "download the file again"),
    (re.compile(r"version https://git-lfs"),
     "a Git LFS pointer and not the file itself: run git lfs pull"),
    (re.compile(r"\s*<\?xml|\s*<[a-z]+[ >]", re.IGNORECASE), "XML: write the numbers as CSV"),
    (re.compile(r"\s*[\[{]"), "JSON: write it as CSV, or read it with json and numpy.save it"),
    (re.compile(r"(import|from) \w+|#!|def \w+\("), "a program, not data"),
)  # fmt: skip


def is_text(head: bytes) -> bool:
    """Whether the first bytes of a file read as text."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    return bool(head) and not re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]", head)


def refuse(path: Path, head: bytes, packed: bool, names: Sequence[str] = ()) -> NoReturn:
    """Raise the error for a file that holds no known data.

    Parameters
    ----------
    path : Path
    head : bytes
        Its first bytes, unpacked if it is gzipped.
    packed : bool
        Whether it is.
    names : sequence of str
        What it holds, if it is an archive.

    Raises
    ------
    FileFormatError
        Always; the message says what it looks like and what to do.
    """
    found = _describe(path, head, names)
    if found is None:
        found = (
            f"nothing known: it starts with {head[:8].hex(' ')}, and ends in "
            f"{path.suffix or 'no suffix'}"
        )
    gzipped = "gzipped, and inside " if packed else ""
    ending = "\n" if "\n" in found else ". "
    raise FileFormatError(
        f"{path} is {gzipped}{found}{ending}What can be read: .npy, .npz, idx (gzipped or not), "
        "CSV and other tables of text, Parquet, MATLAB's .mat, and folders of PNG or JPEG "
        "pictures."
    )


def describe_text(head: str) -> str | None:
    """Return what a text is if it is certainly no table of numbers, else None."""
    return next((words for pattern, words in _TEXT if pattern.match(head)), None)


def _describe(path: Path, head: bytes, names: Sequence[str]) -> str | None:
    pickled = _PICKLE.format(path=str(path))
    if not head:
        return "empty"
    if any(name.endswith("data.pkl") for name in names):
        return (
            "a PyTorch file. Loading one may run what it says, so tinyvae never does; convert it: "
            f'torch.load({str(path)!r}, weights_only=True), then numpy.save("mine.npy", '
            "tensor.numpy())"
        )
    if any(name.startswith(("xl/", "word/")) for name in names):
        return "an Excel or Word file: save the sheet as CSV"
    if names:
        held = ", ".join(names[:5])
        return f"a zip archive that holds no arrays but {held}: {_UNPACK}"
    if re.match(rb"\x80[\x02-\x05]", head):
        return pickled
    if path.suffix.lower() in (".pkl", ".pickle", ".p", ".joblib"):
        return pickled
    if head[257:262] == b"ustar":
        return f"a tar archive: {_UNPACK}"
    return next((words for magic, words in _MAGIC if head.startswith(magic)), None)
