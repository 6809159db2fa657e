"""What happened in training: one row an epoch, kept as numbers and as a CSV file.

This file records; it computes nothing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path

from tinyvae.checkpoint import replace_file
from tinyvae.errors import FileFormatError


class History:
    """Rows of named numbers, one an epoch.

    Columns: ``epoch`` (from 1), ``train_loss``, ``train_reconstruction``, ``train_kl``,
    ``train_elbo`` (means over the epoch's rows, while the weights moved), ``beta`` and
    ``learning_rate`` (where their schedules stand at the end of the epoch),
    ``validation_reconstruction``, ``validation_kl``, ``validation_elbo`` (after the epoch; absent
    without validation data) and ``seconds`` (spent in steps so far).  All losses in nats per
    example.

    Parameters
    ----------
    rows : sequence of mapping, optional
        Rows to start with.

    Attributes
    ----------
    rows : list of dict
    interrupted : bool
        Whether Ctrl-C ended the run.
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

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write all rows to a CSV file, replaced only when it is whole.

        Raises
        ------
        WriteError
            If it cannot be written.
        """
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self.columns)
        writer.writeheader()
        writer.writerows(self.rows)
        with replace_file(path) as file:
            file.write(text.getvalue().encode())

    @classmethod
    def from_csv(cls, path: str | PathLike[str]) -> History:
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
