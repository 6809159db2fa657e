"""Data brought into one form."""

from __future__ import annotations

import numpy as np
import pytest

import tinyvae as tv
from tinyvae.data import DataSet
from tinyvae.errors import DTypeError, NonFiniteDataError, RangeError, ShapeError
from tinyvae.explorer.subject import make_subject


@pytest.fixture
def rows():
    return np.random.default_rng(2).random((20, 6)).astype(np.float32)


def test_a_data_sets_test_part_is_shown(small_vae, digits):
    subject = make_subject(small_vae(784), digits)
    assert subject.rows is digits.test
    assert subject.kind_names == [str(digit) for digit in range(10)]
    np.testing.assert_array_equal(subject.kinds, digits.test_labels)
    assert subject.kind == "image"
    np.testing.assert_array_equal(subject.x(small_vae(784), 5), digits.test[:5] >= 128)


def test_kinds_of_data(small_vae, rows):
    assert make_subject(small_vae(), rows).kind == "table"
    assert make_subject(small_vae(2, likelihood="gaussian"), rows[:, :2]).kind == "plane"
    assert make_subject(small_vae(2), rows[:, :2]).kind == "table"  # 0 or 1: no density
    assert make_subject(small_vae(), rows, image_shape=(2, 3)).kind == "image"
    square = np.zeros((3, 64), np.uint8)
    assert make_subject(small_vae(64), square).image_shape == (8, 8)


def test_grey_stays_grey_where_asked_or_where_it_is_a_density(small_vae, rows):
    for vae, options in [
        (small_vae(), {"binarize": "none"}),
        (small_vae(likelihood="continuous_bernoulli"), {}),
    ]:
        np.testing.assert_allclose(make_subject(vae, rows, **options).x(vae, 99), rows)


def test_words_may_be_labels(small_vae, rows):
    subject = make_subject(small_vae(), rows, labels=["b", "a"] * 10)
    assert subject.kind_names == ["a", "b"]
    np.testing.assert_array_equal(subject.kinds, [1, 0] * 10)
    named = make_subject(small_vae(), rows, labels=[3, 7] * 10, class_names=["three", "seven"])
    assert named.kind_names == ["three", "seven"]


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"labels": [1, 2]}, ShapeError, r"labels has shape \(2,\), expected \(20,\)"),
        ({"labels": [0.5] * 20}, DTypeError, "labels holds float64"),
        ({"labels": [0, 1] * 10, "class_names": ["a"]}, ShapeError, "1 names for 2 classes"),
        ({"columns": ["a"]}, ShapeError, "columns names 1"),
        ({"image_shape": (2, 2)}, ShapeError, r"image_shape=\(2, 2\)"),
        ({"binarize": "stochastic"}, tv.TinyVAEError, "binarize='stochastic'"),
    ],
)
def test_what_does_not_fit_is_refused(small_vae, rows, options, error, says):
    with pytest.raises(error, match=says):
        make_subject(small_vae(), rows, **options)


def test_bad_rows_are_refused(small_vae, rows):
    with pytest.raises(NonFiniteDataError):
        make_subject(small_vae(), np.full((3, 6), np.nan))
    with pytest.raises(RangeError):
        make_subject(small_vae(), rows + 1)
    with pytest.raises(ShapeError):
        make_subject(small_vae(), rows[:, :4])


def test_the_names_of_a_data_set_are_the_pages(small_vae, rows):
    words = np.array(["dog", "cat", "bird"])
    first = np.arange(10) % 3
    data = DataSet("pets", rows[:10], rows[10:], first, first % 2 * 2, None, tuple(words))
    subject = make_subject(small_vae(), data)
    assert [subject.kind_names[kind] for kind in subject.kinds] == words[data.test_labels].tolist()
    told = make_subject(small_vae(n_classes=3), data)
    np.testing.assert_array_equal(told.kinds, data.test_labels)
    assert told.kind_names == words.tolist()


def test_labels_that_begin_elsewhere_are_a_conditional_models_numbers(small_vae, rows):
    labels = np.arange(10) % 3
    data = DataSet("it", rows[:10], rows[10:], labels + 4, labels + 4, None)
    told = make_subject(small_vae(n_classes=3), data)
    np.testing.assert_array_equal(told.kinds, labels)
    assert told.kind_names == ["4", "5", "6"]


@pytest.mark.parametrize(
    ("labels", "error", "says"),
    [
        (None, tv.TinyVAEError, "needs labels="),
        ([-1] + [2] * 19, RangeError, "labels holds -1 at row 0"),
        (["a"] * 20, DTypeError, "labels holds <U1"),
    ],
)
def test_labels_of_a_conditional_model_are_checked(small_vae, rows, labels, error, says):
    with pytest.raises(error, match=says):
        make_subject(small_vae(n_classes=3), rows, labels=labels)


def test_the_rule_of_load_data_says_what_is_a_picture(small_vae):
    table = np.zeros((3, 100), np.uint8)
    assert make_subject(small_vae(100), table).kind == "table"
    assert make_subject(small_vae(100), table, image_shape=np.array([10, 10])).kind == "image"
    with pytest.raises(tv.TinyVAEError, match="image_shape=10 must be a height and a width"):
        make_subject(small_vae(100), table, image_shape=10)
