"""The bundled digits are the published ones; the reader's own data follow the rules stated."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

import tinyvae.data
from tinyvae.data import load_data
from tinyvae.errors import (
    DTypeError,
    EmptyDataError,
    FileFormatError,
    NonFiniteDataError,
    OptionError,
    RangeError,
    ShapeError,
    UsageError,
)

BUNDLED = Path(tinyvae.data.__file__).parent / "digits"
# Of the unpacked files: MNIST's first 5,000 and 1,000 entries, counts in the headers adapted.
SHA256 = {
    "train-images-idx3-ubyte": "1e3ffdb2f57e22d9e5363dde25c2d057542c2e72baa312f0f3b03948bb3802b7",
    "train-labels-idx1-ubyte": "685aeb7baef68233efa643639a5e9c15bb48be09a628f96fb7f606ca2a1ea7bc",
    "t10k-images-idx3-ubyte": "de7c252b04f05e1f8309634180ccdf286dc6dbac8c579b74e76e02ae0331ca52",
    "t10k-labels-idx1-ubyte": "832c0d20f0dc42e575488c75a83a970787d4c8d4d05831b2ef03701b4a478a90",
}


def rows(n=40, width=6, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).random((n, width)).astype(dtype)


@pytest.mark.parametrize("name", SHA256)
def test_bundled_files_are_the_published_pixels(name):
    content = gzip.decompress((BUNDLED / f"{name}.gz").read_bytes())
    assert hashlib.sha256(content).hexdigest() == SHA256[name]


def test_the_notice_lies_beside_the_digits():
    notice = (BUNDLED / "NOTICE").read_text(encoding="utf-8")
    for word in ("Yann LeCun", "Corinna Cortes", "CC BY-SA 3.0", "5,000", "1,000"):
        assert word in notice


def test_digits():
    digits = load_data("digits")
    assert digits.train.shape == (5000, 784)
    assert digits.test.shape == (1000, 784)
    assert digits.train.dtype == digits.test.dtype == np.uint8
    assert digits.image_shape == (28, 28)
    assert digits.train_labels.shape == (5000,)
    assert digits.test_labels.shape == (1000,)
    assert digits.train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert digits.test_labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert repr(digits) == (
        "DataSet('digits': train (5000, 784), test (1000, 784), uint8, with labels, "
        "image_shape=(28, 28))"
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        digits.train = None


@pytest.mark.parametrize(("n", "held"), [(3, 1), (9, 1), (19, 1), (20, 2), (105, 10)])
def test_the_last_tenth_is_held_back(n, held):
    x = rows(n)
    data = load_data(x)
    np.testing.assert_array_equal(data.train, x[: n - held])
    np.testing.assert_array_equal(data.test, x[n - held :])
    assert data.train_labels is None
    assert data.image_shape is None


@pytest.mark.parametrize(
    ("shape", "flat", "image_shape"),
    [
        ((20, 5), 5, None),
        ((20, 49), 49, None),
        ((20, 64), 64, (8, 8)),
        ((20, 784), 784, (28, 28)),
        ((20, 785), 785, None),
        ((20, 4, 3), 12, (4, 3)),
        ((20, 4, 3, 1), 12, (4, 3)),
        ((20, 1, 4, 3), 12, (4, 3)),
    ],
)
def test_pictures_are_recognized(shape, flat, image_shape):
    x = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    data = load_data(x)
    assert data.image_shape == image_shape
    np.testing.assert_array_equal(data.train, x.reshape(20, flat)[:18])


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_these_dtypes_stay_and_are_not_copied(dtype):
    x = (255 * rows()).astype(dtype)
    data = load_data(x)
    assert data.train.dtype == data.test.dtype == dtype
    assert np.shares_memory(data.train, x)


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32, np.int64, ">i4"])
def test_integers_are_grey_levels(dtype):
    x = (100 * rows()).astype(dtype)
    data = load_data(x)
    assert data.train.dtype == np.uint8
    np.testing.assert_array_equal(data.train, x[:36])


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64])
def test_zeros_and_ones_are_black_and_white(dtype):
    x = (rows() > 0.5).astype(dtype)
    data = load_data(x)
    assert data.train.dtype == np.uint8
    np.testing.assert_array_equal(data.train, 255 * x[:36].astype(int))


def test_a_dark_test_set_does_not_turn_grey_into_black_and_white(tmp_path):
    np.savez(tmp_path / "x.npz", x_train=np.full((4, 3), 7), x_test=np.ones((2, 3), int))
    data = load_data(tmp_path / "x.npz")
    assert (data.test == 1).all()
    assert (data.train == 7).all()


@pytest.mark.parametrize(("dtype", "becomes"), [(np.float16, np.float32), (">f8", np.float64)])
def test_other_floats_become_native_ones(dtype, becomes):
    data = load_data(rows(dtype=dtype))
    assert data.train.dtype == becomes
    assert data.train.dtype.isnative
    np.testing.assert_array_equal(data.test, rows(dtype=dtype)[36:])


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.idx3-ubyte", "x.idx3-ubyte.gz", "x.data"])
def test_every_kind_of_file(tmp_path, name):
    x = np.random.default_rng(0).integers(0, 256, (30, 5, 4), dtype=np.uint8)
    path = tmp_path / name
    if "idx" in name:
        content = bytes([0, 0, 8, 3, 0, 0, 0, 30, 0, 0, 0, 5, 0, 0, 0, 4]) + x.tobytes()
        path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    else:
        with path.open("wb") as file:
            np.savez_compressed(file, anything=x) if name.endswith("npz") else np.save(file, x)
    for source in (path, str(path)):
        data = load_data(source)
        assert data.name == "x"
        assert data.image_shape == (5, 4)
        np.testing.assert_array_equal(data.train, x.reshape(30, 20)[:27])
        np.testing.assert_array_equal(data.test, x.reshape(30, 20)[27:])


def test_an_npz_may_bring_its_own_test_set_and_labels(tmp_path):
    x, y = rows(), np.arange(40)
    np.savez(tmp_path / "k.npz", x_train=x, y_train=y, x_test=x[:5], y_test=y[:5, None])
    data = load_data(tmp_path / "k.npz")
    assert len(data.train) == 40
    np.testing.assert_array_equal(data.test, x[:5])
    np.testing.assert_array_equal(data.train_labels, y)
    np.testing.assert_array_equal(data.test_labels, y[:5])
    np.savez(tmp_path / "m.npz", images=x, labels=y, unrelated=np.array(["text"]))
    data = load_data(tmp_path / "m.npz")
    np.testing.assert_array_equal(data.test_labels, y[36:])


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ("digit", OptionError, "did you mean 'digits'"),
        ("minst", OptionError, "did you mean 'mnist'"),
        ("fashion_mnist", OptionError, "did you mean 'fashion-mnist'"),
        ("absent.npy", UsageError, "absent.npy does not exist"),
        (Path("no/such/file"), UsageError, "does not exist"),
        (Path(__file__).parent, UsageError, "is not a file"),
        (Path(__file__), FileFormatError, "no .npy, .npz or idx file"),
        (rows(2), EmptyDataError, "2 rows, expected at least 3"),
        (rows(0), EmptyDataError, r"\(0, 6\)"),
        (rows()[:, :0], EmptyDataError, r"\(40, 0\)"),
        (rows()[0], ShapeError, r"shape \(6,\)"),
        (np.zeros((9, 2, 2, 3)), ShapeError, r"\(9, 2, 2, 3\)"),
        (np.float64(3), ShapeError, r"shape \(\)"),
        (rows().astype(complex), DTypeError, "complex128"),
        (rows().astype(np.longdouble), DTypeError, str(np.dtype(np.longdouble))),
        (np.array([[{}]] * 9), DTypeError, "object"),
        ([[1.0], [1.0, 2.0]], DTypeError, "not an array of numbers"),
        (np.array([[1, 2], [3, 256], [0, 0]]), RangeError, "256 at row 1, column 1"),
        (np.array([[1, 2], [3, 4], [-1, 0]]), RangeError, "-1 at row 2, column 0"),
        (np.array([[1.0], [np.nan], [3]]), NonFiniteDataError, "nan at row 1, column 0"),
        (np.array([[1.0], [3], [np.inf]]), NonFiniteDataError, "inf at row 2, column 0"),
    ],
)
def test_what_cannot_be_loaded_is_refused(source, error, words):
    if (
        isinstance(source, np.ndarray)
        and source.dtype == np.float64
        and words.startswith("float64")
    ):
        pytest.skip("long double is double here")
    with pytest.raises(error, match=words):
        load_data(source)


@pytest.mark.parametrize(
    ("arrays", "error", "words"),
    [
        ({"a": rows(), "b": rows()}, FileFormatError, "a, b, and none is called x_train"),
        ({}, FileFormatError, r"\(none\)"),
        ({"x": rows(), "y": np.arange(39)}, ShapeError, "labels have shape"),
        ({"x": rows(), "y": rows(40, 1)}, ShapeError, "hold float32"),
        ({"x": rows(), "x_test": rows(4, 5)}, ShapeError, "6 wide .* 5 in the test set"),
        ({"x": rows(), "x_test": rows(0)}, EmptyDataError, "test"),
        ({"x": rows(), "x_test": np.zeros((2, 6), int)}, DTypeError, "int64"),
        ({"x": np.array([[{}]] * 9)}, DTypeError, "Python objects"),
    ],
)
def test_an_npz_that_makes_no_data_set_is_refused(tmp_path, arrays, error, words):
    np.savez(tmp_path / "own.npz", **arrays)
    with pytest.raises(error, match=words) as caught:
        load_data(tmp_path / "own.npz")
    assert "own.npz" in str(caught.value)
