"""Arrays as text, and what rounding may do to weights."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tinyvae.errors import RangeError
from tinyvae.explorer.arrays import pack, round_to


@given(arrays(np.float32, (3, 4), elements=st.floats(-60_000, 60_000, width=32)))
def test_packed_numbers_come_back_rounded_and_little_endian(array):
    packed = pack(array.T, "float16")
    back = np.frombuffer(base64.b64decode(packed["base64"]), "<f2")
    np.testing.assert_array_equal(back, array.T.astype(np.float16).ravel())
    np.testing.assert_array_equal(round_to(array, "float16"), array.astype(np.float16))


def test_rounding_keeps_the_dtype():
    assert round_to(np.ones(3), "float16").dtype == np.float64


@pytest.mark.parametrize("weight", [70_000.0, -1e30, np.inf, np.nan])
def test_a_weight_that_does_not_fit_is_refused(weight):
    with pytest.raises(RangeError, match="precision"):
        round_to(np.array([1.0, weight], np.float32), "float16")


def test_float32_holds_it_unless_it_is_no_number():
    assert round_to(np.array([70_000.0]), "float32") == 70_000.0
    with pytest.raises(RangeError, match="blew up"):
        round_to(np.array([np.nan]), "float32")
