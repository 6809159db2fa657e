"""Batches: every row once, the right probabilities, and a draw order that resumes bit for bit."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from tinyvae.data import gather_batch, minibatches
from tinyvae.errors import (
    DTypeError,
    EmptyDataError,
    NonFiniteDataError,
    OptionError,
    RangeError,
    ShapeError,
    SizeError,
    UsageError,
)


def grey(rows=23, width=9, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (rows, width), dtype=np.uint8)


def rng(seed=1):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("batch_size", [1, 5, 22, 23])
@pytest.mark.parametrize("drop_last", [False, True])
def test_a_pass_hands_out_every_row_once(batch_size, drop_last):
    images = np.arange(23, dtype=np.float64)[:, None]
    batches = list(
        minibatches(
            images, batch_size, rng(), binarize="none", dtype="float64", drop_last=drop_last
        )
    )
    full, rest = divmod(23, batch_size)
    sizes = [batch_size] * full + [rest] * (rest > 0 and not drop_last)
    assert [len(x) for x in batches] == sizes
    seen = np.concatenate(batches)[:, 0]
    np.testing.assert_array_equal(seen, rng().permutation(23)[: sum(sizes)])


def test_the_draw_order_is_the_contract():
    images, generator, by_hand = grey(), rng(), rng()
    batches = minibatches(images, 8, generator)
    order = by_hand.permutation(23)
    for start in (0, 8, 16):
        x = next(batches)
        rows = images[order[start : start + 8]].astype(np.int64)
        words = by_hand.integers(0, 2**64 - 1, (rows.size + 3) // 4, np.uint64, endpoint=True)
        draws = words.view(np.uint16)[: rows.size].reshape(rows.shape)
        bound = np.rint(rows * 65536 / 255)
        np.testing.assert_array_equal(x, (draws < bound).astype(np.float32))
        assert generator.bit_generator.state == by_hand.bit_generator.state


def test_float_images_draw_one_float32_a_pixel():
    images = (grey() / 255).astype(np.float32)
    generator, by_hand = rng(), rng()
    x = gather_batch(images, np.arange(4), generator)
    np.testing.assert_array_equal(x, by_hand.random((4, 9), dtype=np.float32) < images[:4])
    assert generator.bit_generator.state == by_hand.bit_generator.state


def test_nothing_is_drawn_where_nothing_is_random():
    generator, before = rng(), rng().bit_generator.state
    for binarize in ("threshold", "none"):
        gather_batch(grey(), np.arange(3), generator, binarize=binarize)
        gather_batch(grey(), np.arange(3), None, binarize=binarize)
    assert generator.bit_generator.state == before


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_pass_resumes_bit_for_bit_in_its_middle(dtype):
    images = grey() if dtype == np.uint8 else (grey() / 255).astype(np.float32)
    whole, generator = [], rng()
    for x in minibatches(images, 4, generator):
        whole.append((x, generator.standard_normal(3)))

    first, order = rng(), rng().permutation(23)
    first.permutation(23)
    for start in (0, 4, 8):
        gather_batch(images, order[start : start + 4], first)
        first.standard_normal(3)
    second = np.random.default_rng()
    second.bit_generator.state = first.bit_generator.state
    for step in range(3, 6):
        x = gather_batch(images, order[4 * step : 4 * step + 4], second)
        np.testing.assert_array_equal(x, whole[step][0])
        np.testing.assert_array_equal(second.standard_normal(3), whole[step][1])


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_each_grey_level_is_one_as_often_as_it_says(dtype):
    n = 40_000
    levels = np.arange(256)
    images = np.tile(levels.astype(np.uint8), (1, n // 1000))
    if dtype != np.uint8:
        images = (images / 255).astype(dtype)
    x = gather_batch(images, np.zeros(1000, np.int64), rng(), dtype=np.float64)
    ones = x.reshape(-1, 256).mean(axis=0)
    p = levels / 255
    error = np.sqrt(p * (1 - p) / n)
    assert (np.abs(ones - p) <= 4 * error).all()
    assert ones[0] == 0.0
    assert ones[255] == 1.0


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_pixels_are_drawn_independently(dtype):
    images = np.full((1, 64), 128, np.uint8)
    if dtype == np.float32:
        images = (images / 255).astype(np.float32)
    x = gather_batch(images, np.zeros(20_000, np.int64), rng(), dtype=np.float64)
    correlation = np.corrcoef(x, rowvar=False)
    beyond = np.abs(correlation[np.triu_indices(64, 1)]) * np.sqrt(len(x))
    # 2016 pairs: 5 standard errors is what a sound generator may reach.
    assert beyond.max() < 5
    between_rows = np.corrcoef(x[:-1].ravel(), x[1:].ravel())[0, 1]
    assert abs(between_rows) * np.sqrt(x.size) < 4


def test_pixels_are_drawn_anew_at_every_access():
    images, generator = np.full((10, 50), 128, np.uint8), rng()
    index = np.arange(10)
    assert (gather_batch(images, index, generator) != gather_batch(images, index, generator)).any()


def test_threshold_is_one_from_a_half_on():
    below = np.nextafter(np.float32(0.5), np.float32(0))
    index = np.array([0])
    pixels = np.array([[0, 127, 128, 255]], np.uint8)
    floats = np.array([[0.0, below, 0.5, 1.0]], np.float32)
    for images in (pixels, floats, floats.astype(np.float64)):
        x = gather_batch(images, index, None, binarize="threshold")
        np.testing.assert_array_equal(x, [[0, 0, 1, 1]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_none_leaves_grey(dtype):
    x = gather_batch(grey(), np.array([5, 5, 0]), None, binarize="none", dtype=dtype)
    assert x.dtype == dtype
    np.testing.assert_array_equal(x, grey()[[5, 5, 0]].astype(dtype) / np.dtype(dtype).type(255))


def test_none_takes_any_finite_value():
    images = np.random.default_rng(0).normal(size=(6, 3)) * 10
    (x,) = minibatches(images, 6, rng(), binarize="none", dtype=np.float64)
    np.testing.assert_array_equal(np.sort(x, axis=0), np.sort(images, axis=0))


def test_out_is_written_and_returned():
    out = np.full((8, 9), 7.0, np.float32)
    x = gather_batch(grey(), np.arange(5), rng(), out=out)
    assert x.shape == (5, 9)
    assert np.shares_memory(x, out)
    np.testing.assert_array_equal(x, gather_batch(grey(), np.arange(5), rng()))
    assert (out[5:] == 7).all()


def test_batches_of_an_iterator_are_not_overwritten():
    batches = list(minibatches(grey(), 8, rng(), binarize="none"))
    order = rng().permutation(23)
    np.testing.assert_array_equal(np.concatenate(batches), grey()[order] / np.float32(255))


def test_rows_need_not_be_contiguous():
    images = grey(width=18)[:, ::2]
    x = gather_batch(images, np.arange(4), None, binarize="none")
    np.testing.assert_array_equal(x, images[:4] / np.float32(255))


def test_no_rows_are_an_empty_batch():
    assert gather_batch(grey(), np.empty(0, np.int64), rng()).shape == (0, 9)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"batch_size": 24}, SizeError, "batch_size=24 .* 23 rows"),
        ({"batch_size": 0}, SizeError, "batch_size=0"),
        ({"batch_size": -3}, SizeError, "batch_size=-3"),
        ({"batch_size": 2.5}, SizeError, "batch_size=2.5"),
        ({"binarize": "stocastic"}, OptionError, "did you mean 'stochastic'"),
        ({"dtype": "flaot32"}, OptionError, "did you mean 'float32'"),
        ({"dtype": np.int32}, OptionError, "dtype"),
        ({"rng": 0}, UsageError, "rng=0 .*default_rng"),
        ({"images": grey().astype(complex)}, DTypeError, "images holds complex128"),
        ({"images": grey()[:0]}, EmptyDataError, r"images has shape \(0, 9\)"),
        ({"images": grey()[0]}, ShapeError, "images has shape"),
        ({"images": np.full((23, 2), 1.5)}, RangeError, "1.5 at row 0, column 0"),
        ({"images": np.full((23, 2), np.nan), "binarize": "none"}, NonFiniteDataError, "row 0"),
    ],
)
def test_bad_arguments_are_refused_before_the_first_batch(arguments, error, words):
    good = {"images": grey(), "batch_size": 4, "rng": rng()}
    with pytest.raises(error, match=words):
        minibatches(**{**good, **arguments})


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"index": np.array([0, 23])}, SizeError, r"index\[1\]=23 .* 23 rows"),
        ({"index": np.array([-1])}, SizeError, r"index\[0\]=-1"),
        ({"index": np.array([0.0])}, ShapeError, "float64"),
        ({"index": np.array([[0]])}, ShapeError, r"\(1, 1\)"),
        ({"out": np.empty((1, 9), np.float32)}, ShapeError, r"\(2, 9\)"),
        ({"out": np.empty((2, 8), np.float32)}, ShapeError, r"\(2, 9\)"),
        ({"out": np.empty((2, 9), np.int32)}, OptionError, "int32"),
        ({"images": grey().astype(">f4")}, DTypeError, ">f4"),
        ({"images": grey()[0]}, ShapeError, r"\(9,\)"),
        ({"binarize": "thresh"}, OptionError, "did you mean 'threshold'"),
        ({"rng": None}, UsageError, "rng=None"),
    ],
)
def test_a_bad_gather_never_reaches_the_kernel(arguments, error, words):
    good = {"images": grey(), "index": np.array([0, 1]), "rng": rng()}
    with pytest.raises(error, match=words):
        gather_batch(**{**good, **arguments})


def test_importing_the_data_sets_is_light():
    code = (
        "import sys, tinyvae.data as data\n"
        "data.load_data('digits')\n"
        "heavy = {'numba', 'pooch', 'requests', 'tqdm', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
