"""Every number is looked at; the first wrong one is named with its row, column and digits."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from tinyvae.data import read_batch, read_numbers
from tinyvae.data.rule import SUPPORTS
from tinyvae.data.values import (
    check_counts,
    check_finite,
    check_floats,
    check_grey,
    extremes,
    is_ready,
)
from tinyvae.errors import NonFiniteDataError, RangeError

F4, F8 = np.dtype(np.float32), np.dtype(np.float64)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [-1e-5, 1.00001, 255.0, -5.0])
def test_the_first_value_out_of_range_is_named(dtype, value):
    x = np.full((7, 5), 0.5, dtype)
    x[3, 4] = x[5, 0] = value
    with pytest.raises(RangeError, match=rf"x holds {dtype(value)} at row 3, column 4"):
        check_floats(x, x.dtype, True, "x")
    assert check_floats(x, x.dtype, False, "x") is x


def test_enough_digits_are_shown():
    x = np.array([[1 + 1e-12]])
    with pytest.raises(RangeError, match=r"x holds 1\.000000000001 at"):
        check_floats(x, F8, True, "x")


@pytest.mark.parametrize("value", [1 + 2.2e-16, -5.5e-17, 1 + 8e-16, -8e-16])
def test_what_a_scaler_leaves_behind_is_clipped(value):
    x = np.array([[0.5, value]])
    for dtype in (F4, F8):
        came = check_floats(x, dtype, True, "x").astype(dtype)
        assert came.min() >= 0
        assert came.max() <= 1
    assert x[0, 1] == value


def test_what_is_in_range_after_the_cast_is_not_copied():
    x = np.array([[0.5, 1 + 1e-9]])
    assert check_floats(x, F4, True, "x") is x
    with pytest.raises(RangeError):
        check_floats(x, F8, True, "x")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_first_non_finite_value_is_named(value):
    x = np.zeros((7, 5), np.float32)
    x[2, 3], x[2, 4] = value, np.nan
    with pytest.raises(NonFiniteDataError, match=rf"x holds {value} at row 2, column 3"):
        check_finite(x, "x")


@pytest.mark.parametrize("row", [0, 1310, 1311, 2999])
def test_rows_are_counted_across_chunks(row):
    x = np.zeros((3000, 800), np.float32)
    for value, error in ((np.nan, NonFiniteDataError), (2.0, RangeError)):
        x[row, 799] = value
        with pytest.raises(error, match=f"row {row}, column 799"):
            check_floats(x, F4, True, "x")
    levels = np.zeros((3000, 800), np.int16)
    levels[row, 7] = -3
    with pytest.raises(RangeError, match=f"-3 at row {row}, column 7"):
        check_grey(levels, "x")


def test_counts_compare_integers_exactly():
    x = np.array([[0, 2**53], [1, 2**53 + 1]], np.int64)
    with pytest.raises(RangeError, match="9007199254740993 at row 1, column 1"):
        check_counts(x, F8, "x")
    check_counts(x[:1], F8, "x")


def test_extremes():
    assert extremes(np.array([[3, -7]], np.int8)) == (-7, 3)
    assert all(np.isnan(extremes(np.array([[0.0, np.nan]]))))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_looking_copies_nothing_large(dtype):
    x = np.zeros((20_000, 784), dtype)
    tracemalloc.start()
    check_floats(x, np.dtype(dtype), True, "x")
    check_counts(x, np.dtype(dtype), "x")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < x.nbytes / 4


def test_fractions_are_no_counts():
    with pytest.raises(RangeError, match=r"2\.5 at row 0, column 1, expected counts"):
        check_counts(np.array([[3.0, 2.5]]), F8, "x")


def test_what_the_model_cannot_hold_is_refused():
    x = np.array([[0.0, 1e300], [-1e300, 2.0]])
    assert check_floats(x, F8, False, "x") is x
    for rows, place in ((x, "row 0, column 1"), (x[1:], "row 0, column 0")):
        with pytest.raises(NonFiniteDataError, match=f"{place}, more than float32 can hold"):
            check_floats(rows, F4, False, "x")


# Taken as it is


def ready(x, dtype="float32", bounds=(0.0, 1.0)):
    return is_ready(x, np.dtype(dtype), 3, *bounds)


GOOD = np.array([[0.0, 1.0, 0.5], [0.25, 0.0, 1.0]], np.float32)


def changed(value):
    x = GOOD.copy()
    x[1, 1] = value
    return x


def test_an_array_that_needs_nothing_is_ready():
    assert ready(GOOD)
    assert ready(GOOD[1:])
    assert ready(changed(7.0), bounds=(-10.0, 10.0))
    assert ready(GOOD.astype(np.float64), "float64")


@pytest.mark.parametrize(
    "x",
    [
        changed(np.nan),
        changed(np.inf),
        changed(-np.inf),
        changed(-1e-7),
        changed(1.0000001),
        GOOD.astype(np.float64),
        GOOD.astype(">f4"),
        GOOD.astype(np.uint8),
        GOOD.tolist(),
        np.ma.masked_array(GOOD, GOOD > 0.4),
        np.asfortranarray(GOOD),
        np.repeat(GOOD, 2, axis=1)[:, ::2],
        np.ones((2, 4), np.float32),
        np.ones(3, np.float32),
        np.ones((1, 2, 3), np.float32),
        np.empty((0, 3), np.float32),
    ],
)
def test_whatever_has_to_be_read_or_named_is_not(x):
    assert not ready(x)


@pytest.mark.parametrize("support", SUPPORTS)
def test_a_batch_that_is_ready_is_the_batch_itself(support):
    for x in (GOOD, np.round(GOOD)):
        came = x.copy()
        try:
            read = read_batch(came, support=support, dtype="float32", input_dim=3)
        except RangeError:
            assert support == "counts"
            assert x is GOOD
        else:
            np.testing.assert_array_equal(read, x)
            assert np.shares_memory(read, came)
    assert read_numbers(came, dtype="float32", width=3, argument="z") is came
