"""Tables of text and Parquet: what is found is said, what is missing or no number is named."""

from __future__ import annotations

import gzip
import sys

import numpy as np
import pandas as pd
import pytest

from tinyvae.data import load_data
from tinyvae.data.sniff import sniff
from tinyvae.errors import (
    DTypeError,
    EmptyDataError,
    FileFormatError,
    MissingPackageError,
    NonFiniteDataError,
    OptionError,
    UsageError,
)

RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(40, 4)).round(3)
PIXELS = RNG.integers(0, 256, (30, 784))
LABELS = np.arange(30) % 3


def whole(data):
    """Both parts together, in an order of their own."""
    together = np.concatenate([data.train, data.test])
    return together[np.lexsort(together.T)]


def assert_holds(data, rows):
    np.testing.assert_array_equal(whole(data), rows[np.lexsort(rows.T)])


def write(path, rows, delimiter=",", header=None, decimal="."):
    lines = [delimiter.join(str(n).replace(".", decimal) for n in row) for row in rows]
    path.write_text("\n".join(([delimiter.join(header)] if header else []) + lines) + "\n")
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " "])
@pytest.mark.parametrize("header", [None, ["height", "mass", "age", "income"]])
def test_delimiter_and_header_are_found(tmp_path, delimiter, header):
    data = load_data(write(tmp_path / "t.csv", NUMBERS, delimiter, header))
    assert_holds(data, NUMBERS)
    assert ("holds names" in data.notes[0]) == (header is not None)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_decimal_commas(tmp_path, delimiter):
    assert_holds(load_data(write(tmp_path / "t.csv", NUMBERS, delimiter, None, ",")), NUMBERS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("packed", [False, True])
def test_encodings_and_gzip(tmp_path, encoding, packed):
    path = write(tmp_path / "t.csv", NUMBERS, header=["größe", "b", "c", "d"])
    content = path.read_text().encode(encoding)
    path.write_bytes(gzip.compress(content) if packed else content)
    assert_holds(load_data(path), NUMBERS)


def test_kaggles_mnist(tmp_path):
    names = ["label", *(f"pixel{i}" for i in range(784))]
    rows = np.column_stack([LABELS, PIXELS])
    data = load_data(write(tmp_path / "train.csv", rows, header=names))
    assert_holds(data, PIXELS)
    assert data.image_shape == (28, 28)
    np.testing.assert_array_equal(np.bincount(data.train_labels), 9)
    assert "Labels: column 'label' (--label-column none if it is data)" in data.notes
    settled = data.settled(support="binary", dtype="float32")
    np.testing.assert_array_equal(settled.train, data.train)
    assert settled.train.dtype == np.uint8
    assert "read as x / 255" in settled.notes[-1]
    numbers = data.settled(support="real", dtype="float32")
    assert numbers.train.max() == 255
    assert "taken as they are" in numbers.notes[-1]


def test_one_column_more_than_a_picture_is_asked_about(tmp_path):
    path = write(tmp_path / "train.csv", np.column_stack([LABELS, PIXELS]))
    with pytest.raises(UsageError, match=r"785 columns, one more than 28 x 28.*--label-column 0"):
        load_data(path)
    for column in (0, "0", -785):
        data = load_data(path, label_column=column)
        assert_holds(data, PIXELS)
        assert set(data.train_labels) == {0, 1, 2}
    assert load_data(path, label_column="none").train.shape[1] == 785
    last = write(tmp_path / "last.amat", np.column_stack([PIXELS, LABELS]), " ")
    assert_holds(load_data(last, label_column=-1), PIXELS)


def test_binarized_mnist_as_amat(tmp_path):
    bits = (PIXELS > 127).astype(int)
    data = load_data(write(tmp_path / "binarized_mnist_train.amat", bits, " "))
    assert_holds(data, bits)
    assert data.image_shape == (28, 28)
    read = data.settled(support="binary", dtype="float32")
    assert "Numbers: 0 and 1" in read.notes


@pytest.mark.parametrize("column", ["kind", "KIND", -1, "4"])
def test_a_named_or_numbered_label_column(tmp_path, column):
    table = pd.DataFrame(NUMBERS, columns=[*"abcd"]).assign(kind=np.arange(40) % 4)
    table.to_csv(tmp_path / "t.csv", index=False)
    data = load_data(tmp_path / "t.csv", label_column=column)
    assert_holds(data, NUMBERS)
    assert set(data.train_labels) == {0, 1, 2, 3}
    with pytest.raises(OptionError, match="label_column='knd' is not known; did you mean 'kind'"):
        load_data(tmp_path / "t.csv", label_column="knd")
    with pytest.raises(OptionError, match="label_column=9"):
        load_data(tmp_path / "t.csv", label_column=9)


@pytest.mark.parametrize("header", [True, False])
def test_the_only_column_of_words_is_labels(tmp_path, header):
    table = pd.DataFrame(NUMBERS, columns=[*"abcd"]).assign(species=["setosa", "virginica"] * 20)
    table.to_csv(tmp_path / "iris.csv", index=False, header=header)
    data = load_data(tmp_path / "iris.csv")
    assert_holds(data, NUMBERS)
    assert data.label_names == ("setosa", "virginica")
    assert any("the only one that holds words" in note for note in data.notes)


def test_the_index_that_pandas_writes_is_left_out(tmp_path):
    pd.DataFrame(NUMBERS).to_csv(tmp_path / "t.csv")
    data = load_data(tmp_path / "t.csv")
    assert_holds(data, NUMBERS)
    assert any("counts the rows" in note for note in data.notes)


def test_a_table_with_names_is_no_picture(tmp_path):
    rows = RNG.normal(size=(30, 64)).round(2)
    named = write(tmp_path / "t.csv", rows, header=[f"gene_{c}" for c in "abcdefgh" * 8])
    assert load_data(named).image_shape is None
    assert load_data(named, image_shape="8x8").image_shape == (8, 8)
    assert load_data(write(tmp_path / "p.csv", rows)).image_shape == (8, 8)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("value", [None, np.nan])
def test_a_missing_value_is_named(tmp_path, kind, value):
    table = pd.DataFrame(NUMBERS, columns=["a", "b", "c", "d"])
    table.loc[7, "c"] = value
    path = tmp_path / f"t.{kind}"
    table.to_csv(path, index=False) if kind == "csv" else table.to_parquet(path)
    with pytest.raises(NonFiniteDataError, match=r"row 7, column 'c'.*1 values are missing"):
        load_data(path)


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        ("a,b,c\n1,2,3\n1,x,3\n1,2,3\n4,5,6\n", DTypeError, "column 'b' holds 'x'"),
        ("a,b\n", FileFormatError, "no table of numbers"),
        ("1,2,3\n4,5,6\n7,8\n9,9,9\n", FileFormatError, "no table|row|lines"),
        ("1,2,3\n" * 60 + "1,2,3,4\n", FileFormatError, "line 61"),
        ("1,2,3\n" * 60 + "1,2\n", NonFiniteDataError, "row 60, column '2'"),
        ("\n\n\n", FileFormatError, "no table"),
        ("a,b\n1,2\n3,inf\n5,6\n7,8\n", NonFiniteDataError, "inf at row 1, column 1"),
        ("1,2\n3,4\n", EmptyDataError, "2 rows"),
        ("label\n1\n2\n3\n4\n", EmptyDataError, "no columns besides its labels"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, content, error, words):
    path = tmp_path / "t.csv"
    path.write_text(content)
    with pytest.raises(error, match=words) as caught:
        load_data(path)
    assert "t.csv" in str(caught.value)


def test_parquet(tmp_path):
    table = pd.DataFrame(NUMBERS, columns=[*"abcd"])
    table["class"] = pd.Categorical(["cat", "dog"] * 20)
    table.to_parquet(tmp_path / "t.parquet")
    data = load_data(tmp_path / "t.parquet")
    assert_holds(data, NUMBERS)
    assert data.label_names == ("cat", "dog")
    pd.DataFrame({"image": [[1, 2], [3, 4]] * 9, "n": 1}).to_parquet(tmp_path / "lists.parquet")
    with pytest.raises(DTypeError, match=r"column 'image' holds '\[1 2\]'"):
        load_data(tmp_path / "lists.parquet", label_column="none")


@pytest.mark.parametrize("name", ["pandas", "pyarrow"])
def test_without_the_library_the_error_names_the_extra(tmp_path, monkeypatch, name):
    pd.DataFrame(NUMBERS).to_parquet(tmp_path / "t.parquet")
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingPackageError, match=rf"{name}, .* pip install 'tinyvae\[data\]'"):
        load_data(tmp_path / "t.parquet")


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("tinyvae.data.tables._MOST_UNPACKED", 1 << 20)
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"1,2\n" * (4 << 20)))
    with pytest.raises(FileFormatError, match="unpacks to more than"):
        load_data(path)


@pytest.mark.parametrize(
    ("text", "delimiter", "named"),
    [
        ("0,1,2,3\n1,2,3,4\n5,6,7,8\n", ",", True),
        ("0,1,2\n1,2,3\n5,6,7\n", ",", False),
        ("x,y\n1,2\n", ",", True),
        ("1,5;2,5\n3,5;4,5\n", ";", False),
        ('"a, b","c"\n1,2\n3,4\n', ",", True),
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n", ",", False),
        ("number\n1\n2\n", ",", True),
        ("1 2  3\n4  5 6\n", " ", False),
    ],
)
def test_sniffing(text, delimiter, named):
    layout = sniff(text)
    assert layout.delimiter == delimiter
    assert (layout.header is not None) == named


@pytest.mark.parametrize("text", ["", "words and words\nmore words\n", "a,b\nc,d\n", "1 2\n3\n"])
def test_what_is_no_table(text):
    assert sniff(text) is None
