"""Rows kept as numbers and as a CSV file."""

from __future__ import annotations

import copy
import os
import pickle
import xml.etree.ElementTree as ET

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


# On a page


def make_history(epochs, **columns):
    rows = []
    for i in range(epochs):
        row = {"epoch": i + 1, "train_elbo": -10.0 / (i + 1)}
        rows.append(row | {name: value(i) for name, value in columns.items()})
    return History(rows)


def test_it_says_what_it_is():
    assert repr(History()) == "History(no epochs)"
    history = make_history(4, validation_elbo=lambda i: -3.0 - i)
    assert repr(history) == "History(4 epochs, train_elbo -2.50, validation_elbo -6.00)"
    history.interrupted = True
    assert repr(history).endswith(", interrupted)")


@pytest.mark.parametrize("epochs", [1, 2, 10, 11, 2000])
def test_a_notebook_shows_a_table_and_a_curve(epochs):
    history = make_history(epochs, validation_elbo=lambda i: -3.0 - i)
    page = ET.fromstring(f"<div>{history._repr_html_()}</div>")
    lines = page.findall(".//polyline")
    assert len(lines) == 2
    points = [tuple(map(float, p.split(","))) for p in lines[0].get("points").split()]
    assert all(0 <= x <= 420 and 0 <= y <= 150 for x, y in points)
    assert len(points) <= 502
    if epochs > 1:
        assert points[0][1] > points[-1][1], "a rising ELBO rises on the page"
        assert points[0][0] < points[-1][0]
    rows = page.findall(".//tbody/tr")
    assert len(rows) == (epochs if epochs <= 10 else 11)
    assert [cell.text for cell in rows[0]][:2] == ["1", "-10"]
    assert rows[-1][0].text == str(epochs)


def test_a_page_of_little_or_of_nonsense():
    assert "no epochs" in History()._repr_html_()
    assert "<svg" not in History([{"epoch": 1}])._repr_html_()
    odd = History([{"<b>": float("nan"), "train_elbo": float("inf")}, {"train_elbo": -1.0}])
    ET.fromstring(f"<div>{odd._repr_html_()}</div>")


# Copies


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_copies_are_equal_and_independent(history, protocol):
    history.interrupted = True
    for twin in (pickle.loads(pickle.dumps(history, protocol)), copy.deepcopy(history)):
        assert twin.rows == history.rows
        assert twin.interrupted
        twin.append({"epoch": 3})
        twin.rows[0]["epoch"] = 7
        assert len(history) == 2
        assert history.rows[0]["epoch"] == 1
