"""A number means the same in every call, whatever stands beside it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn.base", reason="the extra sklearn is not installed")

from numpy.testing import assert_allclose, assert_array_equal
from small_estimators import TABLE, make

from tinyvae.errors import RangeError
from tinyvae.sklearn.rows import Reader

GREY = np.random.default_rng(2).integers(0, 256, (60, 4), dtype=np.uint8)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_grey_levels_stay_grey_in_a_dark_row(dtype):
    fitted = make(likelihood="continuous_bernoulli").fit(GREY.astype(dtype))
    dark = np.array([[0, 1, 1, 0]], dtype)  # alone it would be read as 0 and 1
    alone, beside = fitted.transform(dark), fitted.transform(np.vstack([dark, GREY.astype(dtype)]))
    assert_array_equal(alone[0], beside[0])
    assert_allclose(alone, fitted.transform(dark / 255.0), rtol=1e-5)


def test_truth_values_are_0_and_1_also_after_grey_levels():
    fitted, dark = make(likelihood="continuous_bernoulli").fit(GREY), GREY < 100
    assert_array_equal(fitted.transform(dark), fitted.transform(dark.astype(float)))


def test_zeros_and_ones_are_never_scaled_afterwards():
    reader = Reader("bernoulli", "none", "float32")
    reader.first((GREY > 127).astype(np.int64))
    assert_array_equal(reader.later(np.array([[0, 1, 0]])), [[0, 1, 0]])
    with pytest.raises(RangeError, match=r"X holds 2.0 at row 0, column 2, expected values in"):
        reader.later(np.array([[0, 1, 2]]))


@pytest.mark.parametrize("likelihood", ["bernoulli", "continuous_bernoulli", "gaussian"])
def test_grey_levels_after_floats_are_refused(likelihood):
    fitted = make(likelihood=likelihood, binarize="none").fit(GREY / 255.0)
    with pytest.raises(RangeError, match="X holds uint8 up to 254, but fit saw floats"):
        fitted.transform(GREY)
    assert fitted.transform(GREY > 127).shape == (60, 2)


def test_whole_numbers_are_as_they_are_under_likelihoods_of_numbers():
    table = (10 * TABLE).astype(np.int64)
    fitted = make().fit(table.astype(float))
    assert_allclose(fitted.transform(table), fitted.transform(table.astype(float)), rtol=1e-5)
    with pytest.raises(RangeError, match="uint8"):
        make().fit(GREY)


def test_counts_are_counts():
    counts = np.random.default_rng(3).poisson(3, (60, 4))
    fitted = make(likelihood="poisson").fit(counts.astype(float))
    assert_allclose(
        fitted.transform(counts.astype(np.int32)), fitted.transform(counts.astype(float)), rtol=1e-5
    )
