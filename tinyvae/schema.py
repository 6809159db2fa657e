"""What a named field may hold: one check for each kind, for arguments, files and records alike.

A schema maps names to checks; a check takes a field's name and what came, and returns it as a
plain Python value or raises a UsageError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tinyvae.errors import SizeError, UsageError, check_count, check_number, check_option, shown

Check = Callable[[str, object], Any]
Schema = Mapping[str, Check]

#: No count of anything is larger: every whole number up to here is exact in a float.
MOST = 2**53


def count(at_least: int = 1, at_most: int = MOST, *, optional: bool = False) -> Check:
    """Take whole numbers within bounds."""

    def check(name: str, came: object) -> int | None:
        if optional and came is None:
            return None
        value = check_count(name, came, at_least=at_least)
        if value > at_most:
            raise SizeError(f"{name}={shown(came)} must be at most {at_most:,}.")
        return value

    return check


def number(
    above: float | None = None, at_least: float | None = None, *, optional: bool = False
) -> Check:
    """Take finite real numbers within bounds."""

    def check(name: str, came: object) -> float | None:
        if optional and came is None:
            return None
        return check_number(name, came, above=above, at_least=at_least)

    return check


def word(known: Iterable[str] | None = None, *, optional: bool = False) -> Check:
    """Take one of the known words, or any word."""

    def check(name: str, came: object) -> str | None:
        if optional and came is None:
            return None
        if not isinstance(came, str):
            raise UsageError(f"{name}={shown(came)} must be a word.")
        return came if known is None else check_option(name, came, known)

    return check


def flag() -> Check:
    """Take true or false, and nothing that only counts as one of them."""

    def check(name: str, came: object) -> bool:
        if not isinstance(came, bool):
            raise UsageError(f"{name}={shown(came)} must be true or false.")
        return came

    return check


def mapping() -> Check:
    """Take named fields, whatever they hold."""

    def check(name: str, came: object) -> dict[str, Any]:
        if not isinstance(came, dict):
            raise UsageError(f"{name} must be named fields, not {shown(came)}.")
        return came

    return check


def several(each: Check, length: int | None = None, *, optional: bool = False) -> Check:
    """Take lists or tuples of things that pass another check; return tuples."""

    def check(name: str, came: object) -> tuple[Any, ...] | None:
        if optional and came is None:
            return None
        wanted = "a list" if length is None else f"a list of {length}"
        if not isinstance(came, list | tuple) or length not in (None, len(came)):
            raise SizeError(f"{name}={shown(came)} must be {wanted}.")
        return tuple(each(f"{name}[{i}]", item) for i, item in enumerate(came))

    return check


def check_fields(
    schema: Schema, came: object, what: str, *, optional: Iterable[str] = (), closed: bool = True
) -> dict[str, Any]:
    """Return the fields of a mapping, each checked.

    Parameters
    ----------
    schema : mapping of str to check
    came : object
        What should be a mapping with these fields.
    what : str
        What it describes, for messages.
    optional : iterable of str
        Fields that may be missing.
    closed : bool
        Whether a field that the schema lacks is refused; it is kept as it is otherwise.

    Raises
    ------
    UsageError
        Naming the first field that is missing, unknown or wrong.
    """
    if not isinstance(came, Mapping):
        raise UsageError(f"{what} must be named fields, not {shown(came)}.")
    missing = [name for name in schema if name not in came and name not in set(optional)]
    if missing:
        raise UsageError(f"{what} has no {missing[0]!r}.")
    unknown = [name for name in came if name not in schema]
    if closed and unknown:
        raise UsageError(f"{what} has a field {shown(unknown[0])} that is not known.")
    return {name: schema[name](name, v) if name in schema else v for name, v in came.items()}
