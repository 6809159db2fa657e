"""What happened in training: one row an epoch, kept as numbers, as a CSV file, and on a page."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Self

from tinyvae.checkpoint import replace_file
from tinyvae.errors import FileFormatError, UsageError
from tinyvae.schema import Schema, check_fields, count, number

#: Columns every epoch has, and those it has where there are validation data.
COLUMNS: Schema = {
    "epoch": count(),
    "train_loss": number(),
    "train_reconstruction": number(),
    "train_kl": number(),
    "train_elbo": number(),
    "beta": number(at_least=0.0),
    "learning_rate": number(at_least=0.0),
    "seconds": number(at_least=0.0),
}
VALIDATION: Schema = {
    "validation_reconstruction": number(),
    "validation_kl": number(),
    "validation_elbo": number(),
}


class History:
    """Rows of named numbers, one an epoch.

    Columns: ``epoch`` (from 1), ``train_loss``, ``train_reconstruction``, ``train_kl``,
    ``train_elbo`` (means over the epoch's rows, while the weights moved), ``beta`` and
    ``learning_rate`` (where their schedules stand at the end of the epoch),
    ``validation_reconstruction``, ``validation_kl``, ``validation_elbo`` (after the epoch; absent
    without validation data) and ``seconds`` (spent in steps so far).  All losses in nats per
    example.

    A notebook shows it as a table and a curve.

    Parameters
    ----------
    rows : sequence of mapping, optional
        Rows to start with.

    Attributes
    ----------
    rows : list of dict
    interrupted : bool
        Whether Ctrl-C, SIGTERM or SIGHUP ended the run.
    """

    def __init__(self, rows: Sequence[Mapping[str, float]] = ()) -> None:
        self.rows: list[dict[str, float]] = [dict(row) for row in rows]
        self.interrupted = False

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in the order of the CSV file."""
        return list(self.rows[0]) if self.rows else []

    def append(self, row: Mapping[str, float]) -> None:
        """Add an epoch."""
        self.rows.append(dict(row))

    def __getitem__(self, column: str) -> list[float]:
        return [row[column] for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, float]]:
        return iter(self.rows)

    def __repr__(self) -> str:
        ended = ", interrupted" if self.interrupted else ""
        if not self.rows:
            return f"History(no epochs{ended})"
        last = self.rows[-1]
        elbos = [f"{name} {last[name]:.2f}" for name in last if name.endswith("_elbo")]
        many = f"{len(self)} epoch{'s' if len(self) > 1 else ''}"
        return f"History({', '.join([many, *elbos])}{ended})"

    def _repr_html_(self) -> str:
        """Return the table and the curve that a notebook shows."""
        from tinyvae.training.history_page import page

        return page(repr(self), self.rows)

    # Files ---------------------------------------------------------------------------------

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write all rows to a CSV file, replaced only when it is whole.

        Raises
        ------
        WriteError
            If it cannot be written.
        """
        write_csv(path, self.columns, self.rows)

    def to_tensorboard(self, folder: str | PathLike[str]) -> None:
        """Write a curve for each column into a folder that TensorBoard shows.

        Each becomes a scalar at its epoch: ``train_elbo`` is ``train/elbo``, ``validation_elbo``
        ``validation/elbo``, and the others, such as ``beta``, are ``schedule/beta``.  By
        tensorboardX, or else by PyTorch's writer, whichever is installed.

        Raises
        ------
        MissingPackageError
            If neither is.
        WriteError
            If the folder cannot be written.
        """
        from tinyvae.training.tensorboard import write

        write(self.rows, folder)

    @classmethod
    def from_csv(cls, path: str | PathLike[str]) -> Self:
        """Read what ``to_csv`` wrote.

        Raises
        ------
        FileFormatError
            If it cannot be read, or a cell is not a number.
        """
        try:
            with Path(path).open(newline="", encoding="utf-8") as file:
                rows = [
                    {name: float(cell) for name, cell in row.items()}
                    for row in csv.DictReader(file)
                ]
        except (OSError, TypeError, ValueError, csv.Error) as error:
            raise FileFormatError(f"{path} is not a training history: {error}.") from error
        return cls(rows)

    @classmethod
    def from_records(cls, records: object) -> Self:
        """Return the history that a checkpoint recorded, every cell of it checked.

        Raises
        ------
        UsageError
            If the rows are not those of epochs 1, 2, 3, ... with the columns of ``History``.
        """
        if not isinstance(records, list):
            raise UsageError("history must be a list of rows.")
        rows = [_checked(record, i) for i, record in enumerate(records)]
        if len({tuple(row) for row in rows}) > 1:
            raise UsageError("history has rows with different columns.")
        return cls(rows)


def write_csv(
    path: str | PathLike[str], columns: Sequence[str], rows: Iterable[Mapping[str, object]]
) -> None:
    """Write rows under the names of their columns, replaced only when they are whole.

    Raises
    ------
    WriteError
        If they cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    with replace_file(path) as file:
        file.write(text.getvalue().encode())


def _checked(record: object, i: int) -> dict[str, float]:
    what = f"history[{i}]"
    validated = isinstance(record, Mapping) and any(name in record for name in VALIDATION)
    row = check_fields({**COLUMNS, **(VALIDATION if validated else {})}, record, what, closed=False)
    for name in row.keys() - COLUMNS.keys() - VALIDATION.keys():
        row[name] = number()(f"{what}.{name}", row[name])
    if row["epoch"] != i + 1:
        raise UsageError(f"{what} is of epoch {row['epoch']}, not {i + 1}.")
    return row
