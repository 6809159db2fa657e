"""The Numba kernels are the NumPy twins, bit for bit, and read nothing out of bounds."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from tinyvae.ops import pixels
from tinyvae.ops.machine.jit import JIT_DISABLED
from tinyvae.ops.machine.prefetch import word_source

SHAPES = [(1, 1, 1), (7, 3, 5), (50, 784, 20), (40, 33, 64)]
FLOATS = [np.float32, np.float64]


def make_images(dtype, rows, width, rng):
    grey = rng.integers(0, 256, (rows, width), dtype=np.uint8)
    return grey if dtype == np.uint8 else (grey / 255).astype(dtype)


def run_both(kernel, twin, images, index, out_dtype, argument):
    fast = np.full((len(index), images.shape[1]), np.nan, out_dtype)
    slow = fast.copy()
    assert kernel(images, index, fast, argument) == -1
    twin(images, index, slow, argument)
    np.testing.assert_array_equal(fast, slow)
    return fast


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.uint8, *FLOATS])
@pytest.mark.parametrize("out_dtype", FLOATS)
def test_kernels_equal_their_twins(shape, dtype, out_dtype):
    rows, width, batch = shape
    rng = np.random.default_rng(rows)
    images = make_images(dtype, rows, width, rng)
    index = rng.integers(0, rows, batch)
    divisor = out_dtype(255 if dtype == np.uint8 else 1)
    half = dtype(128 if dtype == np.uint8 else 0.5)
    run_both(
        pixels.gather_scaled, pixels.gather_scaled_reference, images, index, out_dtype, divisor
    )
    run_both(
        pixels.gather_threshold, pixels.gather_threshold_reference, images, index, out_dtype, half
    )
    if dtype == np.uint8:
        pair = pixels.gather_drawn_pixels, pixels.gather_drawn_pixels_reference
        draws = rng.integers(0, 65536, (batch, width), dtype=np.uint16)
    else:
        pair = pixels.gather_drawn_floats, pixels.gather_drawn_floats_reference
        draws = rng.random((batch, width), dtype=np.float32)
    run_both(*pair, images, index, out_dtype, draws)


@pytest.mark.skipif(JIT_DISABLED, reason="plain Python calls no generator by its address")
@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 64, 785])
@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.MT19937, np.random.Philox])
def test_draws_from_a_generator_are_those_of_its_integers(width, kind):
    """The same pixels, and the generator is left where ``integers`` would leave it."""
    rng = np.random.default_rng(width)
    images = make_images(np.uint8, 30, width, rng)
    index = rng.integers(0, 30, 11)
    ours, numpys = np.random.Generator(kind(3)), np.random.Generator(kind(3))
    out = np.empty((11, width), np.float32)
    source = word_source(ours.bit_generator)
    assert pixels.gather_drawing_pixels(images, index, out, *source) == -1
    words = numpys.integers(0, 2**64 - 1, (out.size + 3) // 4, dtype=np.uint64, endpoint=True)
    expected = np.empty_like(out)
    draws = words.view(np.uint16)[: out.size].reshape(out.shape)
    pixels.gather_drawn_pixels_reference(images, index, expected, draws)
    np.testing.assert_array_equal(out, expected)
    assert ours.integers(2**63) == numpys.integers(2**63)
    assert pixels.gather_drawing_pixels(images, np.array([3, 30]), out, *source) == 1


def test_scaled_grey_is_the_nearest_float():
    images = np.arange(256, dtype=np.uint8).reshape(1, 256)
    for dtype in FLOATS:
        out = run_both(
            pixels.gather_scaled,
            pixels.gather_scaled_reference,
            images,
            np.array([0]),
            dtype,
            dtype(255),
        )
        exact = np.array([i / 255 for i in range(256)])
        np.testing.assert_array_equal(out[0], exact.astype(dtype))


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_float_equal_to_its_draw_is_zero(dtype):
    images = np.array([[0.0, 0.5, 0.75, 1.0]], dtype)
    draws = np.array([[0.0, 0.5, 0.5, 0.75]], np.float32)
    pair = pixels.gather_drawn_floats, pixels.gather_drawn_floats_reference
    out = run_both(*pair, images, np.array([0]), np.float32, draws)
    assert out.tolist() == [[0, 0, 1, 1]]


def test_draw_bound_is_the_rounded_probability_for_every_grey_level():
    # Of all 65536 draws exactly round(65536 * p / 255) give 1.
    images = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 65536, axis=1)
    draws = np.broadcast_to(np.arange(65536, dtype=np.uint16), (1, 65536)).copy()
    out = np.empty((1, 65536), np.float32)
    for level in range(0, 256, 1 if not JIT_DISABLED else 51):
        assert pixels.gather_drawn_pixels(images, np.array([level]), out, draws) == -1
        assert set(np.unique(out)) <= {0.0, 1.0}
        assert out.sum(dtype=np.float64) == round(65536 * level / 255)


@pytest.mark.parametrize("wrong", [-1, 4, 2**62, -(2**63)])
def test_a_row_out_of_bounds_is_reported_not_read(wrong):
    images = np.zeros((4, 6), np.uint8)
    index = np.array([0, 3, wrong, 1])
    out = np.empty((4, 6), np.float32)
    draws = np.zeros((4, 6), np.uint16)
    assert pixels.gather_scaled(images, index, out, np.float32(255)) == 2
    assert pixels.gather_threshold(images, index, out, np.uint8(128)) == 2
    assert pixels.gather_drawn_pixels(images, index, out, draws) == 2
    floats, uniform = images.astype(np.float32), draws.astype(np.float32)
    assert pixels.gather_drawn_floats(floats, index, out, uniform) == 2


def test_runs_as_plain_python_too():
    code = (
        "import numpy as np; from tinyvae.ops import pixels as p\n"
        "x = np.array([[0, 127, 128, 255]], np.uint8); i = np.zeros(2, np.int64)\n"
        "a, b = np.empty((2, 4), np.float32), np.empty((2, 4), np.float32)\n"
        "d = np.array([[0, 1, 2, 65535], [0, 32638, 32895, 65535]], np.uint16)\n"
        "assert p.gather_drawn_pixels(x, i, a, d) == -1\n"
        "p.gather_drawn_pixels_reference(x, i, b, d); assert (a == b).all(), a\n"
        "assert a.tolist() == [[0, 1, 1, 1], [0, 1, 1, 1]], a\n"
        "assert p.gather_scaled(x, i, a, np.float32(255)) == -1 and a[1, 3] == 1\n"
        "assert p.gather_threshold(x, i, a, np.uint8(128)) == -1\n"
        "assert a[0].tolist() == [0, 0, 1, 1]"
    )
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env=environment)
