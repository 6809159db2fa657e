"""Picks rows of a data set, scales them and binarizes them, in one pass into a buffer.

Each Numba kernel stands beside its twin in plain NumPy, which says what it computes.  A kernel
returns the position of the first index that is out of bounds, or -1 if there is none; it reads
nothing outside ``images``.  Random draws are arguments, or the state they are to be drawn from.
This file checks nothing else about its arguments.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.ops.machine.jit import EXACT, JIT_DISABLED, kernel
from tinyvae.ops.machine.prefetch import ask_for_row, draw_words

Array = NDArray[Any]

# So many rows ahead a row is asked for: the time of as many rows hides the way to far memory.  A
# processor works on several short rows at once, and needs no help with them.
AHEAD, SHORT = 3, 256


if JIT_DISABLED:

    def ask_for_row(images: Array, row: int) -> None:
        """Do nothing: without the compiler there is no time to hide."""


def gather_scaled_reference(images: Array, index: Array, out: Array, divisor: Any) -> None:
    """Write images[index] / divisor, (batch, width), in the dtype of ``out``."""
    out[:] = images[index].astype(out.dtype) / divisor


@kernel(inline=True)
def _ask_ahead(images: Array, index: Array, row: int) -> None:
    if images.shape[1] > SHORT and row + AHEAD < index.size:
        ask_for_row(images, index[row + AHEAD])


@kernel(fastmath=EXACT)
def gather_scaled(images: Array, index: Array, out: Array, divisor: Any) -> int:
    """Do as ``gather_scaled_reference``; ``divisor`` is a scalar of the dtype of ``out``."""
    width = images.shape[1]
    for row in range(index.size):
        source = index[row]
        if source < 0 or source >= images.shape[0]:
            return row
        _ask_ahead(images, index, row)
        # A true division: multiplying by 1/255 misses the nearest float for half the grey levels.
        for column in range(width):
            out[row, column] = out.dtype.type(images[source, column]) / divisor
    return -1


def gather_threshold_reference(images: Array, index: Array, out: Array, threshold: Any) -> None:
    """Write 1 where images[index] >= threshold, else 0."""
    out[:] = images[index] >= threshold


@kernel(fastmath=EXACT)
def gather_threshold(images: Array, index: Array, out: Array, threshold: Any) -> int:
    """Do as ``gather_threshold_reference``; ``threshold`` is a scalar of the dtype of images."""
    width = images.shape[1]
    for row in range(index.size):
        source = index[row]
        if source < 0 or source >= images.shape[0]:
            return row
        _ask_ahead(images, index, row)
        for column in range(width):
            out[row, column] = images[source, column] >= threshold
    return -1


def gather_drawn_pixels_reference(images: Array, index: Array, out: Array, draws: Array) -> None:
    """Write 1 where the draw < round(65536 * pixel / 255), else 0.

    ``draws`` are uint16, (batch, width), uniform on 0..65535.  As 65536 = 255 * 257 + 1, the
    rounded bound is 257 * pixel + (1 if pixel >= 128 else 0): never for 0, always for 255.
    """
    pixels = images[index].astype(np.int32)
    out[:] = draws < 257 * pixels + (pixels >> 7)


@kernel(inline=True)
def _draw_row(grey: Array, draws: Array, out: Array) -> None:
    for column in range(out.size):
        pixel = np.int32(grey[column])
        bound = np.int32(257) * pixel + (pixel >> np.int32(7))
        out[column] = np.int32(draws[column]) < bound


@kernel(fastmath=EXACT)
def gather_drawn_pixels(images: Array, index: Array, out: Array, draws: Array) -> int:
    """Do as ``gather_drawn_pixels_reference``; uint8 images."""
    for row in range(index.size):
        source = index[row]
        if source < 0 or source >= images.shape[0]:
            return row
        _draw_row(images[source], draws[row], out[row])
    return -1


def gather_drawing_pixels(
    images: Array, index: Array, out: Array, function: int, state: int
) -> int:
    """Do as ``gather_drawn_pixels``, with draws from a generator; see ``prefetch.word_source``."""
    words = np.empty(images.shape[1] // 4 + 2, np.uint64)
    return _draw_pixels(images, index, out, function, state, words, words.view(np.uint16))


@kernel(fastmath=EXACT, borrows=True)
def _draw_pixels(
    images: Array,
    index: Array,
    out: Array,
    function: int,
    state: int,
    words: Array,
    draws: Array,
) -> int:
    """Draw and use a row at a time; ``draws`` are the same memory as ``words``.

    Each word of 64 bits makes four draws, its low bits first; a word at the end of a row serves
    the next row, too.
    """
    width = images.shape[1]
    for row in range(index.size):
        source = index[row]
        if source < 0 or source >= images.shape[0]:
            return row
        _ask_ahead(images, index, row)
        used = row * width % 4  # draws of the last word that the row before has taken
        last = (used + width - 1) // 4
        draw_words(function, state, words[: last + 1], min(used, 1))
        _draw_row(images[source], draws[used : used + width], out[row])
        words[0] = words[last]
    return -1


def gather_drawn_floats_reference(images: Array, index: Array, out: Array, draws: Array) -> None:
    """Write 1 where the draw < images[index], else 0; draws are float32 uniform on [0, 1)."""
    out[:] = draws < images[index]


@kernel(fastmath=EXACT)
def gather_drawn_floats(images: Array, index: Array, out: Array, draws: Array) -> int:
    """Do as ``gather_drawn_floats_reference``; float32 or float64 images."""
    width = images.shape[1]
    for row in range(index.size):
        source = index[row]
        if source < 0 or source >= images.shape[0]:
            return row
        _ask_ahead(images, index, row)
        for column in range(width):
            out[row, column] = draws[row, column] < images[source, column]
    return -1
