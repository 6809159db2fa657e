"""What NumPy can read comes in; the rest is refused by name, with what to do."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from tinyvae.data.arrays import as_array, check_shape
from tinyvae.errors import DTypeError, EmptyDataError, NonFiniteDataError, ShapeError


@pytest.mark.parametrize("dtype", ["?", "u1", "i1", ">i2", "u4", ">u8", "f4", "f8", ">f4", ">f8"])
def test_values_stay_and_become_native(dtype):
    x = np.array([[0, 1], [1, 0]]).astype(dtype)
    came = as_array(x, "x")
    assert came.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(came, x)
    assert np.shares_memory(came, x) == x.dtype.isnative


def test_half_precision_becomes_single():
    assert as_array(np.ones((2, 2), np.float16), "x").dtype == np.float32


@pytest.mark.parametrize(
    "x",
    [
        pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5], "c": [True, False]}),
        pd.DataFrame({"a": pd.array([1, 2], "Int64"), "b": [0.5, 1.5], "c": [1, 0]}),
        [[1, 0.5, True], [2, 1.5, False]],
        np.array([[1, Decimal("0.5"), np.bool_(True)], [np.int8(2), 1.5, 0]], object),
        np.ma.masked_array([[1, 0.5, 1], [2, 1.5, 0]], mask=False),
    ],
)
def test_tables_of_mixed_numbers(x):
    np.testing.assert_array_equal(as_array(x, "x").astype(float), [[1, 0.5, 1], [2, 1.5, 0]])


class Tensor:
    """As PyTorch's, where it needs a gradient."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (scipy.sparse.eye_array(3), DTypeError, r"sparse matrix; pass x\.toarray\(\)"),
        (scipy.sparse.csr_matrix(np.eye(3)), DTypeError, r"pass x\.toarray\(\)"),
        (np.ma.masked_array(np.eye(2), mask=[[0, 0], [1, 0]]), NonFiniteDataError, "row 1, col"),
        (pd.DataFrame({"a": [1, 2], "b": ["u", "v"]}), DTypeError, "'u' .* row 0, column 1"),
        (np.array([[1, pd.NA]], object), NonFiniteDataError, "no value at row 0, column 1"),
        ([[1.0, None]], NonFiniteDataError, "no value at row 0, column 1"),
        ([[1.0, 2.0], [1.0]], DTypeError, "not an array of numbers"),
        ([["1", "2"]], DTypeError, "<U1"),
        (np.array([["1"]], object), DTypeError, "'1'"),
        (Tensor(), DTypeError, "requires grad"),
        (np.zeros((2, 2), complex), DTypeError, "complex128"),
        (np.zeros((2, 2), "M8[s]"), DTypeError, "datetime64"),
        ("words", DTypeError, "x='words' must be an array"),
        (None, DTypeError, "x=None must be an array"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(x, error, words):
    with pytest.raises(error, match=words):
        as_array(x, "x")


@pytest.mark.parametrize(
    ("shape", "input_dim", "error", "words"),
    [
        ((4,), None, ShapeError, r"pass x\[None\] if it is one row"),
        ((4,), 4, ShapeError, r"pass x\[None\]"),
        ((4,), 5, ShapeError, "expected"),
        ((2, 3, 3), None, ShapeError, r"x\.reshape\(len\(x\), -1\)"),
        ((0, 4), None, EmptyDataError, r"at least 2 rows"),
        ((1, 4), None, EmptyDataError, r"at least 2 rows"),
        ((4, 0), None, EmptyDataError, "1 column"),
        ((2, 4), 5, ShapeError, "4 columns, expected 5"),
    ],
)
def test_shapes(shape, input_dim, error, words):
    with pytest.raises(error, match=words):
        check_shape(np.zeros(shape), input_dim, "x", 2)
