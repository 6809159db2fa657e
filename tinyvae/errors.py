"""Every error tinyvae raises on purpose, each with a type of its own.

A message names the argument, says what came, what was expected and what to do.
This file holds the types and the checks that raise them everywhere; it imports nothing of tinyvae.
"""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Callable, Iterable
from os import PathLike, fspath
from typing import TypeVar

T = TypeVar("T")

_LONGEST = 60


class TinyVAEError(Exception):
    """Root of all errors raised on purpose; ``except tinyvae.TinyVAEError`` catches them all."""


class UsageError(TinyVAEError, ValueError):
    """An argument makes no sense whatever the data are (exit status 2 on the command line)."""


class OptionError(UsageError):
    """A word is not one of the words an option knows."""


class SizeError(UsageError):
    """A size, count or rate is zero, negative, not finite or larger than what it is taken from."""


class DataError(TinyVAEError, ValueError):
    """The data cannot be used as they came."""


class EmptyDataError(DataError):
    """There are no rows, or too few to train on."""


class ShapeError(DataError):
    """An array has the wrong number of dimensions or the wrong width."""


class DTypeError(DataError, TypeError):
    """An array holds the wrong kind of numbers."""


class NonFiniteDataError(DataError):
    """An array holds NaN or infinity."""


class RangeError(DataError):
    """A value lies outside what the likelihood can describe."""


class FileFormatError(TinyVAEError, ValueError):
    """A file is truncated, tampered with, or not what its name says."""


class CheckpointError(FileFormatError):
    """A checkpoint is not one, is damaged, or does not fit the model it is loaded into."""


class ChecksumError(FileFormatError):
    """A file's checksum is not the published one."""


class DownloadError(TinyVAEError, OSError):
    """No mirror could be reached, and no local copy was found."""


class WriteError(TinyVAEError, OSError):
    """A file could not be written: no permission, no space, no such folder."""


class BusyError(WriteError):
    """Another process is writing there."""


class MissingPackageError(TinyVAEError, ImportError):
    """A package that only some readers need is not installed; the message names the extra."""


class ReadingWarning(UserWarning):
    """Data were read in a way that may not be meant; the message says how to change it."""


class NonFiniteLossError(TinyVAEError, ArithmeticError):
    """Training produced NaN or infinity; the message names the first array that did."""


def unknown_option(argument: str, came: object, known: Iterable[str]) -> OptionError:
    """Build the error for a word that is not known, with the nearest one that is.

    Parameters
    ----------
    argument : str
        Name of the argument.
    came : object
        What was given.
    known : iterable of str
        The words that would have been understood.

    Returns
    -------
    OptionError
        To be raised by the caller.
    """
    words = list(known)
    near = difflib.get_close_matches(str(came).lower(), words, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    choice = f"Choose from: {', '.join(words)}." if words else "There is nothing to choose from."
    return OptionError(f"{argument}={shown(came)} is not known{hint} {choice}")


def check_option(argument: str, came: object, known: Iterable[str]) -> str:
    """Return ``came`` if it is one of the known words, else raise OptionError."""
    words = list(known)
    if isinstance(came, str) and came in words:
        return came
    raise unknown_option(argument, came, words)


def check_count(argument: str, came: object, *, at_least: int = 1) -> int:
    """Return ``came`` as an int if it is a whole number of at least ``at_least``.

    Raises
    ------
    SizeError
        If it is not a whole number, or too small.
    """
    problem = SizeError(f"{argument}={shown(came)} must be a whole number of at least {at_least}.")
    try:
        value = operator.index(came)  # type: ignore[arg-type]
    except TypeError:
        raise problem from None
    if isinstance(came, bool) or value < at_least:
        raise problem
    return value


def check_number(
    argument: str, came: object, *, above: float | None = None, at_least: float | None = None
) -> float:
    """Return ``came`` as a finite float within its bounds.

    Raises
    ------
    SizeError
        If it is not a finite real number, or out of bounds; words and truth values are none, even
        those that Python could read as one.
    """
    bound = ""
    if above is not None:
        bound = f" above {above:g}"
    elif at_least is not None:
        bound = f" of at least {at_least:g}"
    problem = SizeError(f"{argument}={shown(came)} must be a finite number{bound}.")
    if isinstance(came, str | bytes) or type(came).__name__ in ("bool", "bool_"):
        raise problem
    try:
        value = float(came)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise problem from None
    except OverflowError:
        raise SizeError(f"{argument}={shown(came)} is too large for a float.") from None
    finite = math.isfinite(value)
    if not finite or (above is not None and value <= above):
        raise problem
    if at_least is not None and value < at_least:
        raise problem
    return value


def check_each(argument: str, came: object, check: Callable[[str, object], T]) -> list[T]:
    """Return what a sequence holds, each item by ``check``, which takes its name and the item.

    Raises
    ------
    SizeError
        If it is no sequence (a single number, a word), or empty.
    """
    try:
        items = list(came)  # type: ignore[call-overload]
    except TypeError:
        items = None
    if items is None or isinstance(came, str | bytes):
        raise SizeError(f"{argument}={shown(came)} must be a list: give one even for one value.")
    if not items:
        raise SizeError(f"{argument} is empty: give at least one.")
    return [check(f"{argument}[{i}]", item) for i, item in enumerate(items)]


def wrong_kind(argument: str, came: object, wanted: str, hint: str = "") -> UsageError:
    """Build the error for a thing of another kind: what was expected, what came, and a hint."""
    kind = "array" if type(came).__name__ == "ndarray" else type(came).__name__
    article = "an" if kind[0].lower() in "aeiou" else "a"
    thing = "None" if came is None else f"{article} {kind}"
    return UsageError(f"{argument} must be {wanted}, but {thing} came{hint and ': '}{hint}.")


def check_path(argument: str, came: object) -> None:
    """Refuse what is no path, as files and folders are named.

    Raises
    ------
    UsageError
    """
    if not isinstance(came, str | PathLike) or isinstance(fspath(came), bytes):
        raise wrong_kind(argument, came, "a path")


def shown(came: object) -> str:
    """Return what came as a message may show it: not longer than a line."""
    try:
        text = repr(came)
    except (ValueError, RecursionError):  # digits beyond Python's limit, nesting beyond its stack
        return f"a value of type {type(came).__name__}, too large to show"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
