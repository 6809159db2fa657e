"""Picks rows of a data set, scales them and binarizes them, in one pass into a buffer.

Each Numba kernel stands beside its twin in plain NumPy, which says what it computes.  A kernel
returns the position of the first index that is out of bounds, or -1 if there is none; it reads
nothing outside ``images``.  Random draws are arguments.  This file checks nothing else about its
arguments and imports only the compiler switch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.ops.jit import EXACT, kernel

Array = NDArray[Any]


def gather_scaled_reference(images: Array, index: Array, out: Array, divisor: Any) -> None:
    """Write images[index] / divisor, (batch, width), in the dtype of ``out``."""
    out[:] = images[index].astype(out.dtype) / divisor


@kernel(fastmath=EXACT)
def gather_scaled(images: Array, index: Array, out: Array, divisor: Any) -> int:
    """Do as ``gather_scaled_reference``; ``divisor`` is a scalar of the dtype of ``out``."""
    width = images.shape[1]
    for row in range(index.size):
        source = index[row]
        if source < 0 or source >= images.shape[0]:
            return row
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


@kernel(fastmath=EXACT)
def gather_drawn_pixels(images: Array, index: Array, out: Array, draws: Array) -> int:
    """Do as ``gather_drawn_pixels_reference``; uint8 images."""
    width = images.shape[1]
    for row in range(index.size):
        source = index[row]
        if source < 0 or source >= images.shape[0]:
            return row
        for column in range(width):
            pixel = np.int32(images[source, column])
            bound = np.int32(257) * pixel + (pixel >> np.int32(7))
            out[row, column] = np.int32(draws[row, column]) < bound
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
        for column in range(width):
            out[row, column] = draws[row, column] < images[source, column]
    return -1
