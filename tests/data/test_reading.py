"""One rule for what stored numbers mean; every door follows it, and what is in doubt is said."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinyvae as tv
from tinyvae.data import read_batch, read_data, read_numbers, read_sets, to_floats
from tinyvae.data.rule import SUPPORTS
from tinyvae.errors import (
    DataError,
    NonFiniteDataError,
    OptionError,
    RangeError,
    ReadingWarning,
    ShapeError,
)

BOUNDED = ("binary", "unit_interval")
INTEGERS = ("bool", "uint8", "int8", "int16", "uint16", "int32", "int64", "uint64", ">i4")


def floats(x, support, dtype=np.float64):
    """What a model sees."""
    return read_batch(x, support=support, dtype=dtype, input_dim=np.asarray(x).shape[1])


@pytest.mark.parametrize("support", SUPPORTS)
@pytest.mark.parametrize("dtype", [*INTEGERS, "float16", "float32", "float64", ">f8"])
def test_zeros_and_ones_are_zeros_and_ones_everywhere(support, dtype):
    x = np.array([[0, 1, 1], [1, 0, 0]]).astype(dtype)
    np.testing.assert_array_equal(floats(x, support), [[0, 1, 1], [1, 0, 0]])


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "uint64", ">i4"])
@pytest.mark.parametrize("support", BOUNDED)
def test_grey_levels_are_over_255(dtype, support):
    x = np.arange(256).reshape(2, 128)
    np.testing.assert_array_equal(floats(x.astype(dtype), support), x / 255)


@pytest.mark.parametrize("dtype", ["int16", "int64", "uint8", "float32", "float64"])
def test_counts_are_never_scaled(dtype):
    x = np.arange(200).reshape(4, 50)
    np.testing.assert_array_equal(floats(x.astype(dtype), "counts"), x)


@pytest.mark.parametrize(
    ("value", "words"), [(-1, "-1.0 at row 1, column 2"), (0.5, "0.5 at row 1")]
)
def test_what_is_no_count_is_refused(value, words):
    x = np.ones((3, 4)) * 7
    x[1, 2] = value
    with pytest.raises(RangeError, match=words):
        floats(x, "counts")


def test_a_count_that_a_float32_cannot_hold_is_refused():
    x = np.array([[2**24, 1], [0, 2**24 + 1]])
    with pytest.raises(RangeError, match="16777217 at row 1, column 1"):
        floats(x, "counts", np.float32)
    np.testing.assert_array_equal(floats(x, "counts"), x)


def test_real_numbers_are_never_scaled_and_uint8_is_asked_about():
    x = np.array([[3, 200, -7], [0, 1, 400]])
    np.testing.assert_array_equal(floats(x, "real"), x)
    with pytest.raises(RangeError, match=r"grey levels or numbers as they are.*scale_max=200.*--"):
        floats(np.array([[3, 200]], np.uint8), "real")


@pytest.mark.parametrize("dtype", ["int16", "int64"])
@pytest.mark.parametrize("support", BOUNDED)
def test_wide_integers_far_below_255_are_asked_about(dtype, support):
    with pytest.raises(RangeError, match=r"from 0 to 16; nothing says which .* scale_max=16"):
        floats(np.array([[0, 16, 3]]).astype(dtype), support)


@pytest.mark.parametrize("high", [2, 16, 100, 127])
def test_dark_uint8_says_how_it_was_read(high):
    x = np.array([[0, high]], np.uint8)
    with pytest.warns(ReadingWarning, match=rf"0 to {high}, read as .*scale_max={high} \(--scale"):
        np.testing.assert_allclose(floats(x, "binary"), x / 255)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        floats(np.array([[0, 128]], np.uint8), "binary")


@pytest.mark.parametrize("value", [256, -1, 70_000])
def test_integers_outside_grey_are_refused_with_their_place(value):
    x = np.zeros((4, 5), np.int32)
    x[2, 3] = value
    with pytest.raises(RangeError, match=f"x holds {value} at row 2, column 3"):
        floats(x, "binary")


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_every_door_sees_the_same_numbers(data):
    """The rule is one function: whatever the dtype and layout, the values and support decide."""
    top = data.draw(st.sampled_from([1, 128, 255]))
    x = data.draw(hnp.arrays(np.int64, (3, 4), elements=st.integers(0, top)))
    x[0, 0] = top
    dtype = data.draw(
        st.sampled_from([d for d in INTEGERS if top == 1 or d not in ("bool", "int8")])
    )
    support = data.draw(st.sampled_from([*BOUNDED, "counts"]))
    truth = x if top == 1 or support == "counts" else x / 255
    stored = x.astype(dtype)
    forms = {
        "list": stored.tolist(),
        "Fortran": np.asfortranarray(stored),
        "strided": np.repeat(stored, 2, axis=0)[::2],
        "frame": pd.DataFrame(stored.astype(stored.dtype.newbyteorder("="))),
        "objects": stored.astype(object) if dtype != "bool" else stored,
    }
    form = data.draw(st.sampled_from(list(forms)))
    source = forms[form]
    if form == "objects" and top > 1 and support != "counts":
        with pytest.raises(RangeError):  # objects are floats, which are never grey
            floats(source, support)
        return
    np.testing.assert_array_equal(floats(source, support), truth)


@settings(max_examples=80, deadline=None)
@given(
    hnp.arrays(st.sampled_from([np.uint8, np.int16, np.int64, np.bool_]), (3, 4)),
    st.sampled_from(SUPPORTS),
)
def test_reading_again_changes_nothing(x, support):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReadingWarning)
        try:
            once = read_data(x, support=support, dtype=np.float32)
        except DataError:
            return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = read_data(once, support=support, dtype=np.float32)
        np.testing.assert_array_equal(to_floats(again, "f4"), to_floats(once, "f4"))


@pytest.mark.parametrize("dark", [1, 5, 100])
def test_a_dark_test_set_is_read_as_its_train_set_is(dark):
    train, test = np.array([[0, 255], [3, 4]], np.uint8), np.array([[0, dark]], np.uint8)
    read, reading = read_sets({"train": train, "test": test}, support="binary", dtype="f8")
    assert reading.divisor == 255
    for name, stored in (("train", train), ("test", test)):
        alone = read_data(read[name], support="binary", dtype="f8", min_rows=1)
        np.testing.assert_allclose(to_floats(alone, "f8"), stored / 255, rtol=1e-7)


def test_pictures_under_real_numbers_are_grey():
    x = np.arange(256, dtype=np.uint8).reshape(2, 128)
    read, _ = read_sets({"x": x}, support="real", dtype="f4", white=255)
    np.testing.assert_allclose(read["x"], x / 255, rtol=1e-7)


def test_good_data_come_back_themselves():
    for dtype in (np.uint8, np.float32, np.float64):
        x = (np.eye(3) * 200).astype(dtype) if dtype == np.uint8 else np.eye(3, dtype=dtype)
        assert np.shares_memory(read_data(x, support="binary", input_dim=3), x)


@pytest.mark.parametrize("support", [None, "real"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_table_of_1e308_is_refused_only_where_it_does_not_fit(support, dtype):
    x = np.full((3, 2), 1e308)
    if dtype == "float64":
        np.testing.assert_array_equal(read_data(x, support=support, dtype=dtype), x)
    else:
        with pytest.raises(
            NonFiniteDataError, match=r"1e\+308 at row 0, column 0, more than float"
        ):
            read_data(x, support=support, dtype=dtype)


def test_z_and_noise_are_never_scaled():
    z = np.array([[0, 200], [1, 3]], np.uint8)
    np.testing.assert_array_equal(read_numbers(z, dtype="f8", width=2, argument="z"), z)
    with pytest.raises(ShapeError, match=r"pass z\[None\]"):
        read_numbers(np.zeros(2), dtype="f8", width=2, argument="z")


def test_a_support_that_is_none_is_refused():
    with pytest.raises(OptionError, match="support='unit' is not known"):
        read_data(np.zeros((2, 2)), support="unit")


# Through the public functions -----------------------------------------------------------------

FORMS = {
    "uint8": lambda x: x,
    "int64": lambda x: x.astype(np.int64),
    "big-endian": lambda x: x.astype(">i4"),
    "list": lambda x: x.tolist(),
    "frame": lambda x: pd.DataFrame(x),
    "Fortran": lambda x: np.asfortranarray(x),
    "grey": lambda x: x / 255 if x.max() > 1 else x.astype(float),
    "read-only": lambda x: np.lib.stride_tricks.as_strided(x, writeable=False),
}


def seen(vae, x):
    """What fit, evaluate, encode, bounds and the loss make of data, as numbers."""
    fresh = vae.copy()
    options = {"epochs": 2, "batch_size": 8, "binarize": "none", "progress": False}
    history = tv.fit(fresh, x, validation=x, **options)
    noise = np.random.default_rng(0).standard_normal((16, 2))
    return (
        history.rows[-1]["train_loss"],
        history.rows[-1]["validation_elbo"],
        tv.evaluate(vae, x, binarize="none").elbo,
        float(vae.encode(x)[0].sum()),
        float(vae.bounds(x, 3, binarize="none").elbo.sum()),
        vae.loss(x, noise).loss,
        float(vae.reconstruct(x).sum()),
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("top", [1, 255])
def test_public_functions_agree_on_what_numbers_mean(form, top):
    rng = np.random.default_rng(3)
    x = rng.integers(0, top + 1, (16, 6)).astype(np.uint8)
    x[0, 0] = top
    vae = tv.VAE(6, (4,), 2, dtype="float64", backend="reference", seed=1)
    truth = seen(vae, x.astype(np.float64) / top)
    np.testing.assert_allclose(seen(vae, FORMS[form](x)), truth, rtol=1e-12)


def test_log_likelihood_of_grey_pixels_is_one_of_zeros_and_ones():
    x = np.random.default_rng(0).integers(0, 256, (12, 6)).astype(np.uint8)
    vae = tv.VAE(6, (4,), 2, dtype="float64", backend="reference", seed=1)
    found = vae.log_likelihood(x, 50, seed=3)
    drawn = np.random.default_rng([3, 1]).random(x.shape, np.float32) < x / 255
    np.testing.assert_array_equal(found, vae.log_likelihood(drawn.astype(float), 50, seed=3))
    np.testing.assert_array_equal(
        vae.log_likelihood(x, 50, seed=3, binarize="threshold"),
        vae.log_likelihood(x >= 128, 50, seed=3),
    )
    grey = vae.log_likelihood(x, 50, seed=3, binarize="none")
    assert not np.allclose(found, grey)


def test_evaluate_looks_at_the_data_once(monkeypatch):
    looks = []
    module = "tinyvae.data.reading.extremes"
    monkeypatch.setattr(module, lambda a: (looks.append(a.size), (0.0, 1.0))[1])
    vae = tv.VAE(6, (4,), 2, backend="reference")
    tv.evaluate(vae, np.zeros((1200, 6)))
    assert sum(looks) == 1200 * 6


def test_a_default_batch_larger_than_the_data_is_cut_with_a_note():
    vae = tv.VAE(6, (4,), 2, backend="reference")
    with pytest.warns(ReadingWarning, match="40 rows, fewer than the default batch_size=128"):
        history = tv.fit(vae, np.eye(40, 6), epochs=1, progress=False)
    assert len(history) == 1
