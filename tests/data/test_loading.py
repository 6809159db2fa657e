"""The bundled digits are the published ones; the reader's own data follow the rules stated."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import re
import warnings
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
    ReadingWarning,
    ShapeError,
    SizeError,
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
def test_a_tenth_is_held_back_by_a_seed(n, held):
    x = np.arange(6.0 * n).reshape(n, 6)
    data, again, other = (load_data(x, split_seed=seed) for seed in (0, 0, 1))
    assert len(data.test) == held
    assert sorted(np.concatenate([data.train, data.test])[:, 0]) == sorted(x[:, 0])
    np.testing.assert_array_equal(data.test, again.test)
    np.testing.assert_array_equal(data.train, again.train)
    assert n < 100 or not np.array_equal(data.test, other.test)
    assert data.train_labels is None
    assert data.image_shape is None
    assert f"Split: {held} of {n} rows test" in repr(data)


def test_a_sorted_table_does_not_get_its_last_class_as_test_set(tmp_path):
    y = np.repeat(np.arange(10), 50)
    np.savez(tmp_path / "sorted.npz", x=np.arange(500.0)[:, None] + np.zeros(3), y=y)
    data = load_data(tmp_path / "sorted.npz")
    np.testing.assert_array_equal(np.bincount(data.test_labels), 5)
    np.testing.assert_array_equal(y[data.train[:, 0].astype(int)], data.train_labels)
    np.testing.assert_array_equal(y[data.test[:, 0].astype(int)], data.test_labels)
    assert "class by class, by seed 0 (--split-seed)" in repr(data)


@pytest.mark.parametrize(
    ("shape", "flat", "image_shape"),
    [
        ((20, 5), 5, None),
        ((20, 49), 49, None),
        ((20, 64), 64, (8, 8)),
        ((20, 100), 100, None),
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
    together = np.concatenate([data.train, data.test])
    np.testing.assert_array_equal(np.sort(together, axis=0), x.reshape(20, flat))


def test_an_image_shape_may_be_asked_for():
    x = rows(20, 100)
    assert load_data(x, image_shape="10x10").image_shape == (10, 10)
    assert load_data(x, image_shape=(5, 20)).image_shape == (5, 20)
    assert load_data(rows(20, 64), image_shape="none").image_shape is None
    assert "--image-shape 10x10" in repr(load_data(x))
    with pytest.raises(ShapeError, match="image_shape='28x20' does not fit rows of 100"):
        load_data(x, image_shape="28x20")
    with pytest.raises(SizeError, match="image_shape='big' must be"):
        load_data(x, image_shape="big")


@pytest.mark.parametrize("dtype", [bool, "u1", "i1", "u2", "i4", "i8", ">i4", "f4", "f8", ">f8"])
def test_numbers_stay_as_they_are_stored(dtype):
    x = (100 * rows()).astype(dtype)
    before = x.copy()
    data = load_data(x)
    assert data.train.dtype == data.test.dtype == np.dtype(dtype).newbyteorder("=")
    together = np.concatenate([data.train, data.test])
    np.testing.assert_array_equal(np.sort(together, axis=0), np.sort(x, axis=0))
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("dtype", ["u1", "i8", "f4", "f8"])
def test_scale_max_names_the_number_that_means_1(dtype):
    x = np.random.default_rng(0).integers(0, 17, (40, 6)).astype(dtype)
    data, plain = load_data(x, scale_max=16), load_data(x)
    assert data.train.dtype.kind == "f"
    np.testing.assert_allclose(data.train, plain.train / 16)
    np.testing.assert_allclose(data.test, plain.test / 16)
    assert "Numbers: divided by 16 (--scale-max)" in repr(data)
    assert load_data("digits", scale_max=255).test.max() == 1
    with pytest.raises(SizeError, match="scale_max=0"):
        load_data(x, scale_max=0)


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
        together = np.concatenate([data.train, data.test])
        np.testing.assert_array_equal(np.sort(together, 0), np.sort(x.reshape(30, 20), 0))


def test_an_npz_may_bring_its_own_test_set_and_labels(tmp_path):
    x, y = rows(), np.arange(40)
    np.savez(tmp_path / "k.npz", x_train=x, y_train=y, x_test=x[:5], y_test=y[:5, None])
    data = load_data(tmp_path / "k.npz")
    assert len(data.train) == 40
    np.testing.assert_array_equal(data.test, x[:5])
    np.testing.assert_array_equal(data.train_labels, y)
    np.testing.assert_array_equal(data.test_labels, y[:5])


@pytest.mark.parametrize(
    ("names", "label"),
    [
        (("X", "y"), "y"),
        (("X_train", "Y_Train"), "Y_Train"),
        (("train_images", "train_labels"), "train_labels"),
        (("imgs", "labels"), "labels"),
        (("data", "target"), "target"),
        (("features", "class"), "class"),
    ],
)
def test_names_that_people_use(tmp_path, names, label):
    x, y = rows(), np.arange(40) % 4
    np.savez(tmp_path / "n.npz", **dict(zip(names, (x, y), strict=True)), other=np.array(["text"]))
    data = load_data(tmp_path / "n.npz")
    np.testing.assert_array_equal(np.bincount(data.train_labels), 9)
    assert f"Data: array '{names[0]}', (40, 6)" in repr(data)
    assert f"Labels: array '{label}', (40,)" in repr(data)
    assert "Not used: other" in repr(data)


def test_the_only_matrix_among_others_is_taken_and_said(tmp_path):
    np.savez(tmp_path / "n.npz", embedding=rows(), ids=np.arange(40), word=np.array("text"))
    data = load_data(tmp_path / "n.npz")
    assert data.train.shape == (36, 6)
    assert "Data: array 'embedding', (40, 6)" in repr(data)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.arange(39), "39 for 40 rows"),
        (np.linspace(0, 1, 40), "fractions"),
        (np.zeros((40, 3)), r"shape is \(40, 3\)"),
        (np.zeros(40, complex), "array 'y' is dropped|complex"),
        (np.array([{}] * 40), "Python objects"),
    ],
)
def test_labels_that_cannot_be_used_are_dropped_with_a_word(tmp_path, labels, words):
    np.savez(tmp_path / "n.npz", x=rows(), y=labels)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = load_data(tmp_path / "n.npz")
    assert data.train_labels is None
    assert data.test_labels is None
    assert re.search(words, repr(data))
    assert all(issubclass(w.category, ReadingWarning) for w in caught)


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ("digit", OptionError, "did you mean 'digits'"),
        ("minst", OptionError, "did you mean 'mnist'"),
        ("fashion_mnist", OptionError, "did you mean 'fashion-mnist'"),
        ("absent.npy", UsageError, "absent.npy does not exist"),
        (Path("no/such/file"), UsageError, "does not exist"),
        ("~nosuchuser/x.npy", UsageError, "nosuchuser"),
        ("a\0b.npy", UsageError, "no path"),
        (Path(__file__).parent, FileFormatError, "holds no PNG or JPEG"),
        (Path(__file__), FileFormatError, "text, but no table"),
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
        ({"a": rows(), "b": rows()}, FileFormatError, r"a \(40, 6\), b .* none is called x_train"),
        ({}, FileFormatError, r"\(none\)"),
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
