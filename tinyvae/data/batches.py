"""Makes float minibatches out of uint8 or float rows: shuffled, scaled, binarized.

The order of random draws is a contract, because a resumed run must continue bit for bit:
``rng.permutation(n)`` once at the start of a pass, then, just before each batch is handed out, the
draws that binarize it.  Nothing is drawn from anywhere but the generator given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinyvae.data.reading import read_data
from tinyvae.errors import (
    DTypeError,
    ShapeError,
    SizeError,
    UsageError,
    check_count,
    check_option,
    unknown_option,
)

Array = NDArray[Any]

BINARIZE = ("stochastic", "threshold", "none")
_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def minibatches(
    images: Array,
    batch_size: int,
    rng: np.random.Generator,
    *,
    binarize: str = "stochastic",
    dtype: DTypeLike = np.float32,
    drop_last: bool = False,
) -> Iterator[Array]:
    """Return an iterator over one shuffled pass through the data.

    The arguments are checked at the call; the shuffle is drawn when the first batch is asked for.

    Parameters
    ----------
    images : ndarray, (n, width)
        uint8 grey levels (read as x / 255), 0 and 1 of any dtype, float32 or float64.
    batch_size : int
        Rows in a batch; the last may have fewer.
    rng : numpy.random.Generator
        Draws ``permutation(n)`` first, then before each batch what ``gather_batch`` draws.
    binarize : {"stochastic", "threshold", "none"}
        See ``gather_batch``.
    dtype : dtype
        float32 or float64.
    drop_last : bool
        Whether to leave out a last batch that is not full.

    Returns
    -------
    iterator of ndarray, (batch_size, width)
        A fresh array each time.

    Raises
    ------
    SizeError, OptionError, UsageError
        A batch size below one or above n, a misspelt word, no generator.
    DataError
        Whatever ``read_data`` finds; values outside [0, 1] are refused unless ``binarize`` is
        ``"none"``.
    """
    check_option("binarize", binarize, BINARIZE)
    _check_generator(rng)
    dtype = _float_dtype(dtype)
    support = None if binarize == "none" else "binary"
    images = read_data(images, support=support, argument="images", min_rows=1)
    size = check_count("batch_size", batch_size)
    if size > len(images):
        raise SizeError(
            f"batch_size={size} is larger than the data, {len(images)} rows: choose at most that."
        )
    stop = len(images) - len(images) % size if drop_last else len(images)

    def one_pass() -> Iterator[Array]:
        order = rng.permutation(len(images))
        for start in range(0, stop, size):
            index = order[start : start + size]
            batch = np.empty((len(index), images.shape[1]), dtype)
            _run_kernel(images, index, rng, binarize, batch)
            yield batch

    return one_pass()


def gather_batch(
    images: Array,
    index: Array,
    rng: np.random.Generator | None,
    *,
    binarize: str = "stochastic",
    dtype: DTypeLike = np.float32,
    out: Array | None = None,
) -> Array:
    """Return rows ``index`` of the data as floats, scaled to [0, 1] if uint8, and binarized.

    The values are trusted: pass the data through ``read_data`` once before.

    Parameters
    ----------
    images : ndarray, (n, width)
        uint8, float32 or float64.
    index : ndarray of int, (batch,)
        Rows, from 0 to n - 1, in the order wanted.
    rng : numpy.random.Generator or None
        Used by ``"stochastic"`` only: ceil(batch * width / 4) uint64 for uint8 images, 16 bits a
        pixel; batch * width float32 for float ones.
    binarize : {"stochastic", "threshold", "none"}
        ``"stochastic"``: 1 with probability p, the pixel in [0, 1] (for uint8 to within 2**-17;
        0 is never 1 and 255 always).  ``"threshold"``: 1 where p >= 0.5, that is from 128 on.
        ``"none"``: p itself.
    dtype : dtype
        float32 or float64; that of ``out`` where it is given.
    out : ndarray, (at least batch, width), optional
        Where to write.

    Returns
    -------
    ndarray, (batch, width)
        A new array, or the first rows of ``out``.

    Raises
    ------
    OptionError, UsageError, SizeError
        A misspelt word, no generator, a row number out of bounds.
    DTypeError, ShapeError
        If an array is of the wrong kind or shape.
    """
    check_option("binarize", binarize, BINARIZE)
    index = _check_arrays(images, index)
    out = _buffer(out, len(index), images.shape[1], dtype)
    wrong = _run_kernel(images, index, rng, binarize, out)
    if wrong >= 0:
        raise SizeError(
            f"index[{wrong}]={index[wrong]} is out of bounds: images has {len(images)} rows."
        )
    return out


def binarized(x: Array, how: str, rng: np.random.Generator) -> Array:
    """Return grey floats as 0 and 1; floats that are 0 and 1 already come back themselves.

    Parameters
    ----------
    x : ndarray, (batch, width)
        float32 or float64 in [0, 1].
    how : {"stochastic", "threshold", "none"}
        See ``gather_batch``.
    rng : numpy.random.Generator
        Draws batch * width numbers for ``"stochastic"``, if there is any grey.
    """
    if how == "none" or not ((x != 0) & (x != 1)).any():
        return x
    grey = x >= 0.5 if how == "threshold" else rng.random(x.shape, dtype=np.float32) < x
    return grey.astype(x.dtype)


@cache
def _kernels() -> tuple[ModuleType, Callable[[np.random.BitGenerator], tuple[int, int]], bool]:
    # Numba takes long to import, and is not needed before the first batch.
    from tinyvae.ops import pixels
    from tinyvae.ops.machine.jit import JIT_DISABLED
    from tinyvae.ops.machine.prefetch import word_source

    return pixels, word_source, not JIT_DISABLED


def _run_kernel(
    images: Array, index: Array, rng: np.random.Generator | None, binarize: str, out: Array
) -> int:
    pixels, word_source, compiled = _kernels()
    grey = images.dtype == np.uint8
    if binarize == "none":
        return int(pixels.gather_scaled(images, index, out, out.dtype.type(255 if grey else 1)))
    if binarize == "threshold":
        return int(
            pixels.gather_threshold(images, index, out, images.dtype.type(128 if grey else 0.5))
        )
    rng = _check_generator(rng)
    if grey and compiled:
        with rng.bit_generator.lock:
            source = word_source(rng.bit_generator)
            return int(pixels.gather_drawing_pixels(images, index, out, *source))
    if grey:
        # Four 16-bit draws from each 64 bits: a quarter of the generator's calls.
        words = rng.integers(0, 2**64 - 1, (out.size + 3) // 4, dtype=np.uint64, endpoint=True)
        draws = words.view(np.uint16)[: out.size].reshape(out.shape)
        return int(pixels.gather_drawn_pixels(images, index, out, draws))
    uniform = rng.random(out.shape, dtype=np.float32)
    return int(pixels.gather_drawn_floats(images, index, out, uniform))


def _check_arrays(images: Array, index: Array) -> Array:
    if images.dtype != np.uint8 and images.dtype not in _FLOATS:
        raise DTypeError(f"images holds {images.dtype}, expected uint8, float32 or float64.")
    if images.ndim != 2:
        raise ShapeError(f"images has shape {images.shape}, expected (rows, columns).")
    index = np.asarray(index)
    if index.ndim != 1 or index.dtype.kind not in "iu":
        raise ShapeError(
            f"index has shape {index.shape} and holds {index.dtype}, expected one row of integers."
        )
    return index.astype(np.int64, copy=False)


def _buffer(out: Array | None, rows: int, width: int, dtype: DTypeLike) -> Array:
    if out is None:
        return np.empty((rows, width), _float_dtype(dtype))
    _float_dtype(out.dtype)
    if out.ndim != 2 or len(out) < rows or out.shape[1] != width:
        raise ShapeError(f"out has shape {out.shape}, expected at least ({rows}, {width}).")
    return out[:rows]


def _float_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    try:
        wanted = np.dtype(dtype)
    except TypeError:
        raise unknown_option("dtype", dtype, map(str, _FLOATS)) from None
    if wanted not in _FLOATS:
        raise unknown_option("dtype", str(wanted), map(str, _FLOATS))
    return wanted


def _check_generator(rng: object) -> np.random.Generator:
    if not isinstance(rng, np.random.Generator):
        raise UsageError(
            f"rng={rng!r} must be a numpy.random.Generator: pass numpy.random.default_rng(seed)."
        )
    return rng
