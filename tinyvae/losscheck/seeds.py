"""Global random states set while a function is examined, and put back after."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed Python's, NumPy's and torch's global generators; restore them on leaving.

    A loss that samples inside draws from these.  torch is seeded only if it is imported already.
    """
    torch = sys.modules.get("torch")
    python, numbers = random.getstate(), np.random.get_state()  # noqa: NPY002
    tensors = torch.random.get_rng_state() if torch else None
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    if torch:
        torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numbers)  # noqa: NPY002
        if torch:
            torch.random.set_rng_state(tensors)
