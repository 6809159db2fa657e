"""Memory for large vectors, on huge pages where the system has them.

It knows nothing of what lies in them.
"""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

_HUGE_PAGE = 2 << 20


def allocate(size: int, dtype: DTypeLike) -> Array:
    """Return a zeroed vector, on huge pages where the system offers them and it is large.

    A training step streams through the weights column by column; with 4 KiB pages the
    translation of addresses alone costs several per cent of it.
    """
    wanted = size * np.dtype(dtype).itemsize
    if wanted < _HUGE_PAGE or not hasattr(mmap, "MADV_HUGEPAGE"):
        return np.zeros(size, dtype)
    length = -(-wanted // _HUGE_PAGE) * _HUGE_PAGE + _HUGE_PAGE
    # Private: what is shared is a file to Linux, and gets no huge pages.
    block = mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    try:
        block.madvise(mmap.MADV_HUGEPAGE)
    except OSError:  # a kernel built without them: ordinary pages serve
        return np.zeros(size, dtype)
    everything = np.frombuffer(block, np.uint8)
    start = -everything.ctypes.data % _HUGE_PAGE
    return everything[start : start + wanted].view(dtype)
