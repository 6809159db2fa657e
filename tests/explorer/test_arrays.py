"""Arrays as text, and what rounding may do to weights."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from tinyvae.errors import RangeError
from tinyvae.explorer.arrays import pack, round_to


def test_packed_numbers_come_back_rounded_and_little_endian():
    array = np.random.default_rng(1).uniform(-60_000, 60_000, (3, 4)).astype(np.float32)
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
