"""How a table of text is laid out, decided on its start: delimiter, decimal comma, header."""

from __future__ import annotations

import codecs
import csv
from typing import NamedTuple

_DELIMITERS = (",", ";", "\t", "|", " ")
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})
_LINES = 50
# A table has at least this share of numbers; the rest may be words and missing values.
_LEAST = 0.25


class Layout(NamedTuple):
    """What a reader of text has to be told; ``header`` is the row of names, or None."""

    delimiter: str
    decimal: str
    header: list[str] | None
    columns: int


def encoding_of(head: bytes) -> str:
    """Return the encoding of a text by its first bytes; latin-1 takes whatever is no UTF-8."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8-sig"


def sniff(text: str) -> Layout | None:
    """Return how a table is laid out, or None if the text is no table.

    Parameters
    ----------
    text : str
        Its first lines; the last may be cut.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and not text.endswith(("\n", "\r")):
        lines.pop()
    if not lines:
        return None
    best: tuple[float, Layout] | None = None
    for delimiter in _DELIMITERS:
        rows = split_lines(lines[:_LINES], delimiter)
        if len({len(row) for row in rows}) != 1 or len(rows[0]) == 1:
            continue
        for decimal in (".", ",")[: 1 + (delimiter != ",")]:
            share = _numeric_share(rows[1:] or rows, decimal)
            if share >= _LEAST and (best is None or share > best[0]):
                best = share, Layout(delimiter, decimal, _header(rows, decimal), len(rows[0]))
    if best is not None:
        return best[1]
    single = [[line.strip()] for line in lines[:_LINES]]
    if _numeric_share(single[1:] or single, ".") < 1 or any(
        len(row[0].split()) > 1 for row in single
    ):
        return None
    return Layout(",", ".", _header(single, "."), 1)


def split_lines(lines: list[str], delimiter: str) -> list[list[str]]:
    """Split lines into fields; runs of blanks are one delimiter where it is a blank."""
    if delimiter == " ":
        return [line.split() for line in lines]
    try:
        return list(csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        return []


def is_number(field: str, decimal: str = ".") -> bool:
    """Whether a field of text is a number, or true or false."""
    field = field.strip()
    if decimal == ",":
        field = field.replace(",", ".", 1) if "." not in field else "x"
    if field.lower() in ("true", "false"):
        return True
    if "_" in field:
        return False
    try:
        float(field)
    except ValueError:
        return False
    return field.lower().lstrip("+-") not in ("nan", "infinity")


def _missing(field: str) -> bool:
    return field.strip().lower() in _MISSING


def _numeric_share(rows: list[list[str]], decimal: str) -> float:
    """Return which share of the fields are numbers."""
    fields = [field for row in rows for field in row]
    return sum(is_number(field, decimal) for field in fields) / max(1, len(fields))


def _header(rows: list[list[str]], decimal: str) -> list[str] | None:
    """Return the first row if it is names: a word over numbers, or 0, 1, 2, ... in order."""
    first, rest = rows[0], rows[1:]
    if not rest:
        return None
    for i, field in enumerate(first):
        below = [row[i] for row in rest if not _missing(row[i])]
        named = not is_number(field, decimal) and not _missing(field)
        if named and below and all(is_number(other, decimal) for other in below):
            return first
    names = [field.strip() for field in first if field.strip()]
    counted = [[str(start + i) for i in range(len(names))] for start in (0, 1)]
    return first if len(names) > 3 and names in counted else None
