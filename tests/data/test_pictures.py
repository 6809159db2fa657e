"""When a row is a picture, decided in one place."""

from __future__ import annotations

import pytest

from tinyvae.data.pictures import parse_shape, shape_of_rows, square, usual_square
from tinyvae.errors import ShapeError, SizeError


def test_squares():
    assert [square(n) for n in (1, 2, 100, 784, 785)] == [(1, 1), None, (10, 10), (28, 28), None]
    usual = [n for n in range(20_000) if usual_square(n)]
    assert usual == [64, 256, 784, 1024, 4096, 16384]


@pytest.mark.parametrize("came", ["28x20", "28 X 20", "28×20", "28*20", "28,20", (28, 20)])
def test_shapes_in_words(came):
    assert parse_shape("image_shape", came) == (28, 20)
    assert shape_of_rows(560, came) == (28, 20)


def test_one_number_is_a_square_and_nothing_is_nothing():
    assert parse_shape("image_size", "28") == (28, 28)
    assert parse_shape("image_size", None) is None
    assert shape_of_rows(100, None) is None
    assert shape_of_rows(784, None) == (28, 28)
    assert shape_of_rows(784, " None ") is None


@pytest.mark.parametrize("came", ["", "x", "28x", "28x-1", "0x5", "2.5x3", "28x28x3", (1,), (0, 5)])
def test_what_is_no_shape_is_refused(came):
    with pytest.raises(SizeError, match="image_shape="):
        parse_shape("image_shape", came)


def test_a_shape_must_fit():
    with pytest.raises(ShapeError, match="rows of 100 numbers"):
        shape_of_rows(100, "28x28")
