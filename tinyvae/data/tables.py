"""Reads tables of text (CSV, .amat and their kin) and Parquet with pandas.

What is decided (delimiter, header, label column) stands in the notes; what is missing or no number
is named with its row and column.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.data.dataset import LoadOptions, Parts
from tinyvae.data.extras import need
from tinyvae.data.pictures import usual_square
from tinyvae.data.sniff import Layout, encoding_of, sniff
from tinyvae.data.strangers import describe_text
from tinyvae.data.streams import open_unpacked, read_at_most
from tinyvae.errors import (
    DTypeError,
    EmptyDataError,
    FileFormatError,
    NonFiniteDataError,
    TinyVAEError,
    UsageError,
    unknown_option,
)

Array = NDArray[Any]
Frame = Any

_LABEL_NAMES = ("label", "labels", "class", "classes", "target", "targets", "y", "digit")
_PIXELS = re.compile(r"(pixel|pix|px|p|x|v|column|col)?[ _.-]?\d+([x_,.-]\d+)?", re.IGNORECASE)
_HEAD = 1 << 18
# Text packs 5 to 30 times; what claims more is a bomb.
_MOST_UNPACKED, _EXPANSION = 256 << 20, 200


def read_text(path: Path, options: LoadOptions) -> Parts:
    """Return the rows of a table of text, gzipped or not, its labels apart.

    Raises
    ------
    FileFormatError
        If it is no table.
    NonFiniteDataError, DTypeError, EmptyDataError
        If values are missing or no numbers, with row and column, or there are none.
    OptionError, UsageError
        If ``label_column`` is none of its columns, or has to be named.
    MissingPackageError
        If pandas is not installed.
    """
    content = _unpacked(path)
    encoding = encoding_of(bytes(content[:_HEAD]))
    text = content[:_HEAD].decode(encoding, errors="replace")
    stranger = describe_text(text)
    layout = None if stranger else sniff(text)
    if layout is None:
        kind = stranger or "text, but no table of numbers: its lines do not split into columns"
        raise FileFormatError(f"{path} is {kind}.")
    pandas = need("pandas", path)
    named = layout.header is not None
    try:
        table = pandas.read_csv(
            io.BytesIO(content),
            sep=r"\s+" if layout.delimiter == " " else layout.delimiter,
            decimal=layout.decimal,
            header=0 if named else None,
            encoding=encoding,
            skipinitialspace=True,
            index_col=False,
            engine="c",
        )
    # pandas' parsers raise nearly anything on damaged text, and on a row too long ParserError.
    except Exception as problem:
        raise FileFormatError(
            f"{path} could not be read as a table: {str(problem).strip()}."
        ) from problem
    return _from_frame(table, path, options, _spoken(layout), named)


def read_parquet(path: Path, options: LoadOptions) -> Parts:
    """Return the rows of a Parquet file, its labels apart; raises as ``read_text``."""
    pandas = need("pandas", path)
    need("pyarrow", path)
    try:
        table = pandas.read_parquet(io.BytesIO(_unpacked(path)), engine="pyarrow")
    # Arrow raises nearly anything on damaged files.
    except Exception as problem:
        raise FileFormatError(f"{path} could not be read as Parquet: {problem}.") from problem
    return _from_frame(table, path, options, "Table: Parquet", True)


def _unpacked(path: Path) -> bytearray:
    with open_unpacked(path) as (stream, bound):
        size = path.stat().st_size
        limit = size if bound == size else max(_MOST_UNPACKED, _EXPANSION * size)
        content = read_at_most(stream, limit + 1)
    if len(content) > limit:
        raise FileFormatError(
            f"{path} unpacks to more than {limit:,} bytes: unpack it with gunzip first."
        )
    return content


def _spoken(layout: Layout) -> str:
    names = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "blank"}
    decimal = ", decimal commas" if layout.decimal == "," else ""
    first = "names" if layout.header is not None else "numbers"
    return (
        f"Table: {layout.columns} columns, {names[layout.delimiter]} between{decimal}, the first "
        f"line holds {first}"
    )


def _from_frame(table: Frame, path: Path, options: LoadOptions, spoken: str, named: bool) -> Parts:
    """Take a pandas table apart into rows and labels."""
    notes = [spoken]
    if not len(table):
        raise EmptyDataError(f"{path} holds no rows under its names.")
    try:
        table = _without_index(table, named, notes)
        label = _label_column(table, path, options.label_column, named, notes)
        rest = [i for i in range(table.shape[1]) if i != label]
        if not rest:
            raise EmptyDataError(f"{path} has no columns besides its labels.")
        rows = _numbers(table.iloc[:, rest], path)
    except TinyVAEError:
        raise
    # Extension types (lists, intervals, foreign objects) raise errors of their own.
    except Exception as problem:
        raise DTypeError(f"{path} holds columns that are no numbers: {problem}.") from problem
    pixels = not named or all(_PIXELS.fullmatch(str(table.columns[i])) for i in rest)
    labels = None if label is None else table.iloc[:, label].to_numpy(dtype=object)
    return Parts(rows, train_labels=labels, is_table=not pixels, notes=notes)


def _without_index(table: Frame, named: bool, notes: list[str]) -> Frame:
    """Drop what pandas and spreadsheets add: a column of row numbers, an empty last column."""
    first = table.iloc[:, 0]
    nameless = named and re.fullmatch(r"Unnamed: 0|index|Id|", str(table.columns[0]), re.IGNORECASE)
    if nameless and table.shape[1] > 1 and first.dtype.kind in "iu":
        start = first.iloc[0]
        counted = start in (0, 1) and (first.to_numpy() == start + np.arange(len(first))).all()
        if counted:
            notes.append(f"Not used: column {table.columns[0]!r}, which counts the rows")
            table = table.iloc[:, 1:]
    if table.shape[1] > 1 and table.iloc[:, -1].isna().all():
        notes.append("Not used: the last column, which is empty")
        table = table.iloc[:, :-1]
    return table


def _label_column(
    table: Frame, path: Path, asked: str | int | None, named: bool, notes: list[str]
) -> int | None:
    """Return the number of the column that holds labels, if there is one."""
    names = [str(name) for name in table.columns]
    if asked is not None:
        if str(asked).strip().lower() == "none":
            return None
        found = _named_column(names if named else [], asked, len(names))
        if found is None:
            shown = names[:12] if named else [f"0 to {len(names) - 1}, or -1 for the last"]
            raise unknown_option("label_column", asked, [*shown, "none"])
        notes.append(f"Labels: column {names[found] if named else found}")
        return found
    if named:
        plain = [name.strip().lower() for name in names]
        found = next((plain.index(word) for word in _LABEL_NAMES if word in plain), None)
        if found is not None:
            notes.append(f"Labels: column {names[found]!r} (--label-column none if it is data)")
            return found
    words = [i for i in range(len(names)) if not _is_numeric(table.iloc[:, i])]
    if len(words) == 1 and words[0] in (0, len(names) - 1) and len(names) > 1:
        spoken = repr(names[words[0]]) if named else str(words[0])
        notes.append(f"Labels: column {spoken}, the only one that holds words (--label-column)")
        return words[0]
    if usual_square(len(names) - 1) and not usual_square(len(names)):
        side = usual_square(len(names) - 1)
        assert side is not None
        raise UsageError(
            f"{path} has {len(names)} columns, one more than {side[0]} x {side[1]}: name the one "
            "that holds labels by label_column (--label-column 0 for the first, -1 for the last), "
            "or say none."
        )
    return None


def _named_column(names: list[str], asked: str | int, columns: int) -> int | None:
    plain = [name.strip().lower() for name in names]
    if asked in names:
        return names.index(str(asked))
    if str(asked).strip().lower() in plain:
        return plain.index(str(asked).strip().lower())
    if re.fullmatch(r"-?\d{1,6}", str(asked)) and -columns <= int(asked) < columns:
        return int(asked) % columns
    return None


def _is_numeric(column: Frame) -> bool:
    return getattr(column.dtype, "kind", "O") in "biuf"


def _numbers(table: Frame, path: Path) -> Array:
    """Return the values of a table as integers, if all are, or floats."""
    missing = table.isna().to_numpy()
    if missing.any():
        row, column = np.argwhere(missing)[0]
        name = str(table.columns[column])
        raise NonFiniteDataError(
            f"{path} has no value in row {row}, column {name!r} (rows are counted "
            f"from 0 under the names; {int(missing.sum())} values are missing in all): fill or "
            "remove such rows."
        )
    for i in range(table.shape[1]):
        column = table.iloc[:, i]
        if not _is_numeric(column):
            value = next((v for v in column if not _number_like(v)), column.iloc[0])
            raise DTypeError(
                f"{path}: column {str(table.columns[i])!r} holds {str(value)[:40]!r}, which is no "
                "number: leave the column out, turn it into numbers, or name it by label_column "
                "(--label-column) if it holds labels."
            )
    if all(column.kind == "b" for column in table.dtypes):
        return np.ascontiguousarray(table.to_numpy(dtype=np.bool_))
    if all(column.kind in "biu" for column in table.dtypes):
        return _narrow(np.ascontiguousarray(table.to_numpy(dtype=np.result_type(*table.dtypes))))
    return np.ascontiguousarray(table.to_numpy(dtype=np.float64))


def _number_like(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True


def _narrow(array: Array) -> Array:
    """Return integers in the smallest signed type that holds them; uint8 would mean grey levels."""
    for dtype in (np.int16, np.int32, np.int64):
        info = np.iinfo(dtype)
        if array.min() >= info.min and array.max() <= info.max:
            return array.astype(dtype, copy=False)
    return array
