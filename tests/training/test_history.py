"""Rows kept as numbers and as a CSV file."""

from __future__ import annotations

import os

import pytest

from tinyvae.errors import FileFormatError, WriteError
from tinyvae.training.history import History

ROWS = [
    {"epoch": 1, "train_loss": 0.1 + 0.2, "train_kl": 1e-300, "seconds": 3.0},
    {"epoch": 2, "train_loss": -1.0 / 3.0, "train_kl": 5e-324, "seconds": 4.5},
]


@pytest.fixture
def history():
    return History(ROWS)


def test_rows_columns_and_length(history):
    assert len(history) == 2
    assert list(history) == history.rows == ROWS
    assert history.columns == ["epoch", "train_loss", "train_kl", "seconds"]
    assert history["train_loss"] == [0.1 + 0.2, -1.0 / 3.0]
    assert not history.interrupted
    with pytest.raises(KeyError):
        history["validation_elbo"]


def test_rows_are_copies(history):
    row = {"epoch": 3, "train_loss": 0.0, "train_kl": 0.0, "seconds": 5.0}
    history.append(row)
    row["epoch"] = history.rows[0]["epoch"] = 99
    assert [row["epoch"] for row in history] == [99, 2, 3]
    assert ROWS[0]["epoch"] == 1


def test_a_csv_file_keeps_every_bit(history, tmp_path):
    path = tmp_path / "new folder" / "history.csv"
    history.to_csv(path)
    assert History.from_csv(path).rows == ROWS
    assert path.read_bytes().splitlines()[0] == b"epoch,train_loss,train_kl,seconds"
    assert os.listdir(path.parent) == ["history.csv"]
    History(ROWS[:1]).to_csv(path)
    assert History.from_csv(path).rows == ROWS[:1]


def test_no_rows(tmp_path):
    History().to_csv(tmp_path / "history.csv")
    read = History.from_csv(tmp_path / "history.csv")
    assert len(read) == 0
    assert read.columns == []


@pytest.mark.parametrize(
    "content",
    [
        b"epoch,train_loss\n1,abc\n",
        b"epoch,train_loss\n1,2.5\n2\n",
        b"epoch,train_loss\n1,2.5,3\n",
        b"epoch,train_loss\n1,\n",
        b"epoch\n\xff\xfe\n",
        b"epoch\n" + b"1" * 200_000 + b"\n",
        b"epoch\n1\r2\n3\x00\n",
        bytes(range(256)),
    ],
    ids=["word", "short row", "long row", "empty", "not UTF-8", "endless", "returns", "binary"],
)
def test_what_is_no_history_is_refused(content, tmp_path):
    path = tmp_path / "history.csv"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"history\.csv is not a training history"):
        History.from_csv(path)


def test_missing_and_unreadable(tmp_path):
    with pytest.raises(FileFormatError, match="nowhere"):
        History.from_csv(tmp_path / "nowhere.csv")
    with pytest.raises(FileFormatError, match="not a training history"):
        History.from_csv(tmp_path)


def test_what_cannot_be_written_leaves_the_file_before(history, tmp_path, monkeypatch):
    path = tmp_path / "history.csv"
    history.to_csv(path)
    before = path.read_bytes()

    def refuse(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(WriteError, match=r"history\.csv: No space left"):
        History(ROWS[:1]).to_csv(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["history.csv"]
