"""The door lets good data through untouched and names the first thing wrong with the rest."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from tinyvae.data import check_data
from tinyvae.errors import (
    DTypeError,
    EmptyDataError,
    NonFiniteDataError,
    OptionError,
    RangeError,
    ShapeError,
)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("likelihood", [None, "bernoulli", "continuous_bernoulli", "gaussian"])
def test_good_data_come_back_themselves(dtype, likelihood):
    x = np.eye(3, dtype=dtype)
    assert check_data(x, likelihood=likelihood, input_dim=3) is x


def test_grey_levels_are_always_in_range():
    x = np.full((2, 2), 255, np.uint8)
    assert check_data(x, likelihood="bernoulli") is x


def test_a_list_becomes_an_array():
    np.testing.assert_array_equal(check_data([[0.0, 0.5], [1.0, 0.0]]), [[0, 0.5], [1, 0]])


@pytest.mark.parametrize("likelihood", ["bernoulli", "continuous_bernoulli"])
@pytest.mark.parametrize("value", [-1e-7, 1.0000001, 255.0, -5.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_first_value_out_of_range_is_named(likelihood, value, dtype):
    x = np.full((7, 5), 0.5, dtype)
    x[3, 4] = value
    x[5, 0] = value
    with pytest.raises(RangeError, match=rf"images holds {dtype(value):g} at row 3, column 4"):
        check_data(x, likelihood=likelihood, argument="images")
    check_data(x, likelihood="gaussian")
    check_data(x)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("likelihood", [None, "bernoulli", "gaussian"])
def test_the_first_non_finite_value_is_named(value, likelihood):
    x = np.zeros((7, 5), np.float32)
    x[2, 3] = value
    x[2, 4] = np.nan
    with pytest.raises(NonFiniteDataError, match=rf"x holds {value} at row 2, column 3"):
        check_data(x, likelihood=likelihood)


@pytest.mark.parametrize("row", [0, 1310, 1311, 2999])
def test_rows_are_counted_across_chunks(row):
    x = np.zeros((3000, 800), np.float32)
    x[row, 799] = np.nan
    with pytest.raises(NonFiniteDataError, match=f"row {row}, column 799"):
        check_data(x)
    x[row, 799] = 2
    with pytest.raises(RangeError, match=f"row {row}, column 799"):
        check_data(x, likelihood="bernoulli")


@pytest.mark.parametrize(
    ("x", "arguments", "error", "words"),
    [
        (np.zeros((0, 4)), {}, EmptyDataError, r"\(0, 4\), .* 2 rows"),
        (np.zeros((1, 4)), {}, EmptyDataError, r"\(1, 4\)"),
        (np.zeros((0, 4)), {"min_rows": 1}, EmptyDataError, "at least 1 row "),
        (np.zeros((4, 0)), {}, EmptyDataError, r"\(4, 0\)"),
        (np.zeros(4), {}, ShapeError, r"shape \(4,\)"),
        (np.zeros((2, 3, 3)), {}, ShapeError, "reshape"),
        (np.zeros((2, 4)), {"input_dim": 5}, ShapeError, "4 columns, expected 5"),
        (np.zeros((2, 4), np.int64), {}, DTypeError, "int64"),
        (np.zeros((2, 4), bool), {}, DTypeError, "bool"),
        (np.zeros((2, 4), np.float16), {}, DTypeError, "float16"),
        (np.zeros((2, 4), np.complex128), {}, DTypeError, "complex128"),
        (np.zeros((2, 4), object), {}, DTypeError, "object"),
        (np.zeros((2, 4), ">f8"), {}, DTypeError, "byte order"),
        ([[1.0, 2.0], [1.0]], {}, DTypeError, "not an array"),
        (np.zeros((2, 4)), {"likelihood": "bernuolli"}, OptionError, "mean 'bernoulli'"),
    ],
)
def test_what_is_no_data_is_refused(x, arguments, error, words):
    with pytest.raises(error, match=words):
        check_data(x, **arguments)


def test_one_row_will_do_where_allowed():
    check_data(np.zeros((1, 4)), min_rows=1)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_checking_copies_nothing_large(dtype):
    x = np.zeros((20_000, 784), dtype)
    tracemalloc.start()
    check_data(x, likelihood="bernoulli")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < x.nbytes / 10
