"""Large vectors: zero, writable, aligned, and alive for as long as anyone looks at them."""

import numpy as np
import pytest

from tinyvae.memory import allocate


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize("size", [1, 1000, 700_000])
def test_allocate_gives_writable_zeros(size, dtype):
    vector = allocate(size, dtype)
    assert vector.shape == (size,)
    assert vector.dtype == dtype
    assert not vector.any()
    vector[:] = 1.0
    assert vector.sum() == size
    assert vector.ctypes.data % vector.itemsize == 0
    assert not np.shares_memory(vector, allocate(size, dtype))


def test_a_large_allocation_outlives_everything_that_made_it():
    vectors = [allocate(600_000, "float64") for _ in range(5)]
    for i, vector in enumerate(vectors):
        vector[:] = i
    assert [vector.mean() for vector in vectors] == [0, 1, 2, 3, 4]
