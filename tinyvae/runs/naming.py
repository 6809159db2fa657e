"""Names for new folders and files: never over something else, also when two start at once."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path

from tinyvae.data.streams import user_path
from tinyvae.errors import UsageError, WriteError

RUNS = Path("runs")


def new_folder(name: str, output: str | PathLike[str] | None) -> Path:
    """Make the folder of a new run.

    Parameters
    ----------
    name : str
        Of the data: the folder is ``runs/name``, or the first of ``runs/name-2``, ... that is
        free, also when two runs start at once.
    output : path, optional
        The folder to make instead; it must not hold anything.

    Raises
    ------
    UsageError
        If ``output`` holds something.
    WriteError
        If no folder can be made.
    """
    place = RUNS if output is None else user_path("output", output)
    try:
        if output is not None:
            return _make_exactly(place)
        RUNS.mkdir(parents=True, exist_ok=True)
        for folder in _numbered(RUNS / name):
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        raise WriteError(
            f"No folder could be made in {place}: {error.strerror or error}. Choose another place "
            "with output (--output FOLDER on the command line)."
        ) from error
    raise AssertionError("the numbers never end")


def _make_exactly(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        if not folder.exists():  # a file stands where a folder above it should be
            raise
        if not folder.is_dir() or any(folder.iterdir()):
            raise UsageError(
                f"output={str(folder)!r} exists already, and nothing is ever overwritten: choose "
                "another folder, or continue the run in it with --resume."
            ) from None
    return folder


@contextlib.contextmanager
def reserved(
    default: Path, output: str | PathLike[str] | None, suffixes: Sequence[str]
) -> Iterator[Path]:
    """Give a path without a suffix whose files with these suffixes nobody else will write.

    They are made, empty, at once: two that start together never get the same.  What is still
    empty at the end is removed again, and everything if the block fails.

    Parameters
    ----------
    default : path
        It, or the first of ``default-2``, ... that is free.
    output : path, optional
        Taken as it is, but for one of the suffixes, instead of ``default``.
    suffixes : sequence of str

    Raises
    ------
    UsageError
        If ``output`` would overwrite something, or names no file.
    WriteError
        If nothing can be written there.
    """
    stem, files = _reserve(default, output, suffixes)
    try:
        yield stem
    except BaseException:
        _remove(files)
        raise
    _remove(file for file in files if file.exists() and not file.stat().st_size)


def _reserve(
    default: Path, output: str | PathLike[str] | None, suffixes: Sequence[str]
) -> tuple[Path, list[Path]]:
    stems: Iterator[Path] = _numbered(default)
    if output is not None:
        stem = user_path("output", output)
        if stem.suffix in suffixes:
            stem = stem.with_suffix("")
        if not stem.name or stem.name in (".", ".."):
            raise UsageError(f"output={str(output)!r} names no file: give a name, such as dreams.")
        stems = iter([stem])
    for stem in stems:
        files = [stem.with_name(stem.name + suffix) for suffix in suffixes]
        taken = _make_all(files)
        if taken is None:
            return stem, files
    raise UsageError(
        f"{taken} exists already, and nothing is ever overwritten: "
        "choose another name, or remove it first."
    )


def _make_all(files: Sequence[Path]) -> Path | None:
    """Make all files, empty, or none; return the one that was there already."""
    for i, file in enumerate(files):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.open("xb").close()
        except OSError as error:
            _remove(files[:i])
            if isinstance(error, FileExistsError) and (file.exists() or file.is_symlink()):
                return file
            raise WriteError(
                f"Cannot write {file}: {error.strerror or error}. Choose another place with "
                "output (--output on the command line)."
            ) from error
    return None


def _remove(files: Iterator[Path] | Sequence[Path]) -> None:
    for file in files:
        with contextlib.suppress(OSError):
            file.unlink()


def _numbered(path: Path) -> Iterator[Path]:
    """Yield path, path-2, path-3, ..."""
    later = (path.with_name(f"{path.name}-{i}") for i in itertools.count(2))
    return itertools.chain([path], later)
