"""A data set is settled once for a likelihood, and its notes say how."""

from __future__ import annotations

import warnings

import numpy as np

from tinyvae.data import load_data, read_data, to_floats


def test_settled_data_are_read_alike_by_every_door():
    x = np.random.default_rng(0).integers(0, 2, (40, 6))
    for stored in (x.astype(bool), x.astype(np.uint8), x, x.astype(float)):
        for support in ("binary", "real", "counts"):
            data = load_data(stored).settled(support=support, dtype="float32")
            seen = to_floats(read_data(data.train, support=support), "f4")
            np.testing.assert_array_equal(seen, load_data(stored).train)
    digits = load_data("digits").settled(support="real", dtype="float32")
    assert digits.train.max() == 1
    assert digits.notes == ("Numbers: grey levels from 0 to 255, read as x / 255",)


def test_a_dark_set_says_so_in_its_notes():
    x = np.random.default_rng(0).integers(0, 17, (40, 6)).astype(np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = load_data(x).settled(support="binary", dtype="float32")
    assert "--scale-max 16" in data.notes[-1]
    np.testing.assert_allclose(data.train, load_data(x).train / 255, rtol=1e-6)
