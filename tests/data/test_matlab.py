"""MATLAB's files: the arrays by name, and examples as rows whichever way they were stored."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import scipy.io

from tinyvae.data import load_data
from tinyvae.data.matlab_child import members
from tinyvae.errors import FileFormatError, MissingPackageError, ShapeError

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def in_this_process(request, monkeypatch):
    """Starting a process for each file takes long: only some tests do."""
    if "another_process" not in request.fixturenames:
        monkeypatch.setattr(
            "tinyvae.data.matlab._ask", lambda path, folder: members(str(path), folder)
        )


@pytest.fixture
def another_process():
    """For tests of what goes on between the processes."""


def save(path, **arrays):
    scipy.io.savemat(path, arrays, do_compression=len(arrays) > 1)
    return path


def first_values(data):
    return sorted(np.concatenate([data.train, data.test])[:, 0])


def test_frey_rawface(tmp_path, another_process):
    ff = RNG.integers(0, 256, (560, 1965), dtype=np.uint8)
    data = load_data(save(tmp_path / "frey_rawface.mat", ff=ff))
    assert data.image_shape == (28, 20)
    assert len(data.train) + len(data.test) == 1965
    assert first_values(data) == sorted(ff[0])
    assert "Examples: columns, as in frey_rawface.mat" in data.notes


def test_omniglots_chardata_stands_upright(tmp_path):
    pictures = RNG.random((30, 28, 28))
    columns = pictures.transpose(0, 2, 1).reshape(30, 784).T  # MATLAB's order, column by column
    one_hot = np.eye(50)[:, np.arange(30) % 5]
    path = save(
        tmp_path / "chardata.mat",
        data=columns,
        testdata=columns[:, :7],
        target=one_hot,
        testtarget=one_hot[:, :7],
        targetchar=np.ones((1, 30)),
    )
    data = load_data(path)
    np.testing.assert_array_equal(data.train, pictures.reshape(30, 784))
    np.testing.assert_array_equal(data.test, pictures[:7].reshape(7, 784))
    np.testing.assert_array_equal(data.train_labels, np.arange(30) % 5)
    np.testing.assert_array_equal(data.test_labels, np.arange(7) % 5)
    assert data.image_shape == (28, 28)


@pytest.mark.parametrize("turned", [False, True])
def test_labels_a_picture_or_a_shape_say_what_an_example_is(tmp_path, turned):
    for width, more, options in (
        (12, {"y": np.arange(9.0)[:, None] % 3}, {}),
        (784, {}, {}),
        (12, {}, {"image_shape": "4x3"}),
    ):
        x = RNG.random((9, width))
        data = load_data(save(tmp_path / "m.mat", X=x.T if turned else x, **more), **options)
        assert data.train.shape == (8, width)
        assert first_values(data) == sorted(x[:, 0])


def test_more_rows_than_columns_are_examples_and_the_rest_is_asked_about(tmp_path):
    x = RNG.random((30, 5))
    data = load_data(save(tmp_path / "m.mat", X=x))
    assert data.train.shape == (27, 5)
    assert "as there are more of them" in repr(data)
    with pytest.raises(ShapeError, match=r"5 x 30 numbers, and nothing says .*--image-shape"):
        load_data(save(tmp_path / "m.mat", X=x.T))


def test_a_stack_of_pictures_has_its_examples_last(tmp_path):
    x = RNG.integers(0, 256, (6, 4, 20), dtype=np.uint8)
    data = load_data(save(tmp_path / "m.mat", digits=x))
    assert data.image_shape == (6, 4)
    assert first_values(data) == sorted(x[0, 0])


def test_words_and_structures_are_dropped_with_a_word(tmp_path):
    x = RNG.random((30, 5))
    data = load_data(save(tmp_path / "m.mat", X=x, y={"a": 1}))
    assert data.train_labels is None
    assert "The array 'y' is dropped: it holds no plain numbers" in data.notes


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": {"a": 1}}, "holds no plain numbers"),
        ({"x": "words"}, "holds no plain numbers"),
        ({"a": np.eye(9), "b": np.eye(9)}, r"a \(9, 9\), b \(9, 9\)"),
    ],
)
def test_what_holds_no_examples_is_refused(tmp_path, arrays, words):
    with pytest.raises(FileFormatError, match=words):
        load_data(save(tmp_path / "m.mat", **arrays))


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import os; os.abort()", "reader crashed on it .exit status -6"),
        ("print('{}')", "reader crashed on it .exit status 0"),
        ("print('junk')", "could not be read as a .mat file"),
    ],
)
def test_a_crash_of_the_reader_is_an_error_like_others(
    tmp_path, monkeypatch, another_process, program, words
):
    """SciPy's reader does crash on damaged files: see ``fuzzed.py``."""
    (tmp_path / "child.py").write_text(program)
    monkeypatch.setattr("tinyvae.data.matlab._CHILD", tmp_path / "child.py")
    with pytest.raises(FileFormatError, match=words):
        load_data(save(tmp_path / "m.mat", X=np.eye(9)))


def test_a_damaged_file_is_an_error_like_others(tmp_path, another_process):
    path = save(tmp_path / "m.mat", X=np.eye(9))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FileFormatError, match=r"m\.mat could not be read as a .mat file"):
        load_data(path)


def test_a_header_that_promises_too_much_is_refused(tmp_path):
    path = save(tmp_path / "m.mat", X=np.eye(9))
    content = path.read_bytes()
    nine = (9).to_bytes(4, "little") * 2
    assert content.count(nine) == 1
    path.write_bytes(content.replace(nine, (1 << 20).to_bytes(4, "little") * 2))
    with pytest.raises(ValueError, match="more than the file can hold"):
        members(str(path), tmp_path)


def test_without_scipy_the_error_names_the_extra(tmp_path, monkeypatch):
    path = save(tmp_path / "m.mat", X=np.eye(9))
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(MissingPackageError, match=r"scipy, .* pip install 'tinyvae\[data\]'"):
        load_data(path)
