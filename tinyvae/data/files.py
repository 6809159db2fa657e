"""Which reader a file or folder is for, by its content; readers are imported when needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tinyvae.data.dataset import LoadOptions, Parts
from tinyvae.data.idx import read_idx
from tinyvae.data.names import choose
from tinyvae.data.npy import NUMBERS, WORDS, npz_members, read_npy, read_npz
from tinyvae.data.strangers import is_text, refuse
from tinyvae.data.streams import GZIP_MAGIC, open_regular, open_unpacked, read_at_most, reading
from tinyvae.errors import DTypeError, FileFormatError, UsageError

Array = NDArray[Any]

_HEAD = 4096


def read_source(path: Path, options: LoadOptions) -> Parts:
    """Return what is in a file or folder of the reader's own.

    Raises
    ------
    UsageError
        If there is none, or an option is not for its kind.
    FileFormatError, DataError, MissingPackageError
        If it is damaged, of an unknown kind, or its reader is not installed.
    """
    with reading(path):
        if not path.exists():
            raise UsageError(f"{path} does not exist: name a file or a folder of pictures.")
        if path.is_dir():
            from tinyvae.data.folders import read_folder

            return read_folder(path, options)
    kind, head = _recognize(path)
    only_tables = {"label_column": options.label_column} if kind != "table" else {}
    refused = only_tables | {"image_size": options.image_size}
    for name, value in refused.items():
        if value is not None:
            what = "tables of text or Parquet" if name == "label_column" else "folders of pictures"
            raise UsageError(f"{name}={value!r} is for {what}, and {path} is none: leave it out.")
    if kind == "npy":
        return Parts(read_npy(path))
    if kind == "npz":
        return _read_npz(path, head)
    if kind == "idx":
        return Parts(read_idx(path))
    if kind == "mat":
        from tinyvae.data.matlab import read_matlab

        return read_matlab(path, options)
    from tinyvae.data.tables import read_parquet, read_text

    return read_parquet(path, options) if head.startswith(b"PAR1") else read_text(path, options)


def _recognize(path: Path) -> tuple[str, bytes]:
    """Return which reader a file is for, and its first bytes, unpacked if it is gzipped."""
    with reading(path), open_regular(path) as file:
        raw = file.read(_HEAD)
    head = raw
    if raw.startswith(GZIP_MAGIC):
        with open_unpacked(path) as (stream, _):
            head = bytes(read_at_most(stream, _HEAD))
    packed = head is not raw
    if head.startswith(b"\x93NUMPY") and not packed:
        return "npy", head
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")) and not packed:
        return "npz", head
    if head.startswith(b"MATLAB 5.0") and not packed:
        return "mat", head
    if head.startswith(b"PAR1") and not packed:
        return "table", head
    if head.startswith(b"\x00\x00"):
        return "idx", head
    if not is_text(head):
        refuse(path, head, packed)
    return "table", head


def _read_npz(path: Path, head: bytes) -> Parts:
    there = npz_members(path)
    if there and not any(member.array for member in there.values()):
        refuse(path, head, False, names=list(there))
    chosen, notes = choose(there, path)
    data = {role: name for role, name in chosen.items() if role in ("train", "test")}
    arrays = read_npz(path, data.values())
    labels: dict[str, Any] = {}
    for role, name in chosen.items():
        if role not in data:
            try:
                labels[role] = read_npz(path, [name], NUMBERS + WORDS)[name]
            except (DTypeError, FileFormatError) as problem:
                notes.append(f"The array {name!r} is dropped: {problem}")
    return Parts(
        arrays[data["train"]],
        arrays[data["test"]] if "test" in data else None,
        labels.get("train_labels"),
        labels.get("test_labels"),
        notes=notes,
    )
