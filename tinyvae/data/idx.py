"""Reads idx files, the format MNIST is published in, strictly and without trusting the header.

An idx file is two zero bytes, one byte for the type, one for the number of dimensions, each
dimension as a big-endian uint32, then the numbers, big-endian, the last dimension running fastest.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.data.streams import open_unpacked, read_at_most
from tinyvae.errors import FileFormatError

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_DIMENSIONS = 4
_MAX_HEADER = 4 + 4 * _MAX_DIMENSIONS


def read_idx(path: Path) -> NDArray[Any]:
    """Return the array of an idx file, raw or gzipped, in native byte order.

    Parameters
    ----------
    path : Path
        The file; whether it is gzipped is seen from its content, not its name.

    Returns
    -------
    ndarray
        1 to 4 dimensions; uint8, int8, int16, int32, float32 or float64.

    Raises
    ------
    FileFormatError
        If the header is no idx header, promises more than the file can hold, or the data are
        shorter or longer than it promises.
    """
    with open_unpacked(path) as (stream, bound):
        content = read_at_most(stream, _MAX_HEADER)
        promised = _header(content, path)[2]
        if promised > bound:
            raise FileFormatError(
                f"{path}: its header promises {promised:,} bytes, but the file can hold at most "
                f"{bound:,}. It is truncated or not an idx file."
            )
        content += read_at_most(stream, promised + 1 - len(content))
    return parse_idx(content, path)


def parse_idx(content: bytes | bytearray, source: str | Path) -> NDArray[Any]:
    """Return the array of an idx file whose unpacked content is at hand; see ``read_idx``."""
    dtype, shape, promised = _header(content, source)
    if len(content) != promised:
        came = (
            "more bytes follow" if len(content) > promised else f"only {len(content):,} are there"
        )
        raise FileFormatError(
            f"{source}: its header, shape {shape}, promises {promised:,} bytes, but {came}."
        )
    numbers = np.frombuffer(content, dtype=np.uint8)[4 + 4 * len(shape) :].view(dtype)
    return numbers.reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _header(
    content: bytes | bytearray, source: str | Path
) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Return dtype, shape and the number of bytes, header included, that a header promises."""
    if len(content) < 4 or content[0] or content[1]:
        came = bytes(content[:4]).hex(" ") or "nothing"
        raise FileFormatError(
            f"{source} is not an idx file: it starts with {came}, expected 00 00, a type code and "
            "a number of dimensions."
        )
    code, dimensions = content[2], content[3]
    if code not in _DTYPES:
        known = ", ".join(f"{known:#04x}" for known in _DTYPES)
        raise FileFormatError(f"{source}: idx type code {code:#04x} is none of {known}.")
    if not 1 <= dimensions <= _MAX_DIMENSIONS:
        raise FileFormatError(
            f"{source}: {dimensions} dimensions in the idx header, expected 1 to {_MAX_DIMENSIONS}."
        )
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise FileFormatError(f"{source}: the file ends within its idx header.")
    dtype = np.dtype(_DTYPES[code])
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    return dtype, shape, start + math.prod(shape) * dtype.itemsize
